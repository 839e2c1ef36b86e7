/* SPDX-License-Identifier: ISC */
/* The session engine: reliable, ordered messages, each at most once, between two long-term keys, over a carrier that may
 * drop, delay, repeat, reorder, truncate, swap or forge what it carries (docs/libcurve.md says how).
 *
 * Pure: no socket, no thread, no clock. Envelopes and the time go in; envelopes, messages and events come out. All calls
 * for one engine are made by one thread at a time. Nothing blocks.
 *
 * The loop of a driver, after each call that changes something:
 *     while (the carrier has room && (envelope = ih_engine_output(engine, now))) send it and ih_envelope_free(envelope);
 *     while (the application has room && (message = ih_engine_delivered(engine, now))) hand it on and ih_message_free(it);
 *     wait for input, for the application, or until ih_engine_deadline(engine); then ih_engine_tick(engine, now).
 * Both loops may be left early: what is not taken stays, and other ends are told to wait. Taking messages may make new
 * output (acknowledgements): so take messages first, or go round again.
 *
 * now_ms is a monotonic clock's and never runs backwards. */
#ifndef IH_LIBCURVE_SESSION_H
#define IH_LIBCURVE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <curve.h>

struct ih_engine;

enum ih_engine_kind {
    IH_ENGINE_CLIENT, /* one session, with the server, which it initiates; routes are empty */
    IH_ENGINE_SERVER, /* sessions that clients initiate; a route is what ROUTER puts before a message (1 to 255 octets) */
    IH_ENGINE_PEER,   /* sessions that either end initiates; a route is the other end's public key */
};

enum ih_auth {
    IH_AUTH_REFUSE,
    IH_AUTH_ACCEPT,
    IH_AUTH_LATER, /* ih_engine_decide will say */
};

struct ih_octets {
    const void *data;
    size_t size;
};

/* What the engine asks of its owner. All are called from within calls to the engine, which they must not call in turn
 * (but for ih_engine_decide, never). */
struct ih_engine_host {
    /* May the holder of this key come in? Asked for each INITIATE of a valid client that is not in yet, renewals
     * included. ticket names the question; metadata is that of the client's handshake (RFC 26's encoding, with the
     * engine's own names in it), borrowed. */
    enum ih_auth (*authenticate)(void *arg, const uint8_t *key, struct ih_octets metadata, uint64_t ticket);
    /* What curve_monitor reports: READY, CLOSED, REFUSED, DELIVERED, UNDELIVERED, SUSPECT. number is the one that
     * ih_session_send was given. The event is borrowed. */
    void (*event)(void *arg, const curve_event_t *event);
    /* A peer's: the holder of this key does not answer a handshake, and its command is sent again. Perhaps by another way.
     * NULL: there is but one. */
    void (*silent)(void *arg, const uint8_t *key);
    void *arg;
};

/* The options of curve.h that are the engine's, in its units. ih_engine_defaults fills in curve.h's. */
struct ih_engine_limits {
    int sndhwm;         /* messages that wait to be acknowledged, for each other end */
    int rcvhwm;         /* messages that wait for ih_engine_delivered, for each other end */
    int maxmsgsize;     /* octets of one message, all its frames together */
    int handshake_ivl;  /* ms */
    int max_clients;    /* sessions */
    int max_pending;    /* handshakes for which the authenticator has not answered yet */
    int idle;           /* ms */
    int heartbeat_ivl;  /* ms */
    int renew_ivl;      /* ms */
    int renew_messages; /* sealed in one session */
    int reconnect_ivl;  /* ms */
    int reconnect_ivl_max;
};

void ih_engine_defaults(struct ih_engine_limits *limits);

/* own needs its secret key; the key is copied, limits and host too. metadata: properties for the other ends, encoded (at
 * most CURVE_METADATA_MAX / 2 octets), copied. server_key: for a client. -EINVAL, -ENOMEM. */
int ih_engine_new(struct ih_engine **engine, enum ih_engine_kind kind, const curve_cert_t *own,
                  const uint8_t *server_key, const struct ih_engine_limits *limits, struct ih_octets metadata,
                  const struct ih_engine_host *host);

/* Wipes and frees at once, without an event. NULL is fine. */
void ih_engine_free(struct ih_engine *engine);

/* ---- the carrier ------------------------------------------------------------------------------------------------ */

/* An envelope that came, and from whom. Anything may be in it. What is wrong is dropped and counted as SUSPECT. */
void ih_engine_input(struct ih_engine *engine, struct ih_octets route, struct ih_octets envelope, uint64_t now_ms);

/* How many messages have opened under a session's keys. What an envelope that opened none says is not to be believed. */
uint64_t ih_engine_opened(const struct ih_engine *engine);

/* True if a session with the holder of this key stands; for a peer. */
bool ih_engine_stands(const struct ih_engine *engine, const uint8_t *key);

/* Owner: who asked for it; octets to be sent to the route as one frame. They stay where they are until the envelope is
 * freed, which may be in another thread. */
struct ih_envelope {
    struct ih_octets route;
    uint8_t *data;
    size_t size;
};

/* The next envelope to send, or NULL. */
struct ih_envelope *ih_engine_output(struct ih_engine *engine, uint64_t now_ms);
void ih_envelope_free(struct ih_envelope *envelope);

/* The carrier was connected anew: what waits for a time to try again tries now, and of a session that stands a sign of
 * life is asked for at once, so that losses show. The other end may know us by another route from now on (a server's
 * session follows its client to the route of the last message that opened), or may have started anew: if it does not
 * answer soon (a few reconnect_ivl), an initiator begins a new handshake while the old session still stands.
 * An end that gets a message of a session that it does not know may, as seldom as reconnect_ivl, say so (to be believed
 * only so far that the initiator begins a new handshake), so that an end that started anew is noticed at once. */
void ih_engine_nudge(struct ih_engine *engine, uint64_t now_ms);

/* The relay says that it does not know this peer: handshakes with it are tried more slowly. The event is the caller's. */
void ih_engine_unreachable(struct ih_engine *engine, const uint8_t *key, uint64_t now_ms);

/* When ih_engine_tick is to be called; UINT64_MAX: need not be. */
uint64_t ih_engine_deadline(const struct ih_engine *engine);
void ih_engine_tick(struct ih_engine *engine, uint64_t now_ms);

/* ---- the application -------------------------------------------------------------------------------------------- */

/* The answer to a question that was answered IH_AUTH_LATER. One that nobody waits for any more is ignored. */
void ih_engine_decide(struct ih_engine *engine, uint64_t ticket, bool accept, uint64_t now_ms);

/* The value of a property of the other end's metadata, which the engine owns until its next change. id as for
 * ih_engine_send. -EHOSTUNREACH: no session stands; -ENOENT: it has none of that name; -EINVAL (the id). */
int ih_engine_peer_meta(const struct ih_engine *engine, struct ih_octets id, const char *name, struct ih_octets *value);

/* Queues a message for the other end, copying it. id: CURVE_ID_SIZE octets, or CURVE_KEY_SIZE octets (the newest session
 * of that key); for a client size 0. A client or peer that has no session initiates one. number names the message in
 * events and must grow with each message for the same end. 0, -EAGAIN (sndhwm is reached), -EHOSTUNREACH (a server does
 * not know it; a peer has max_clients sessions), -EMSGSIZE, -EINVAL (the id), -ENOMEM. */
int ih_engine_send(struct ih_engine *engine, struct ih_octets id, const struct ih_octets *frames, size_t count,
                   uint64_t number, uint64_t now_ms);

/* 1 if ih_engine_send to this end would not say -EAGAIN. For a server or peer with size 0: to all of them. */
bool ih_engine_writable(const struct ih_engine *engine, struct ih_octets id);

/* Owner: who asked for it; a message of one or more frames, which stay where they are until it is freed, which may be in
 * another thread. */
struct ih_message {
    uint8_t id[CURVE_ID_SIZE]; /* who sent it */
    size_t count;
    const struct ih_octets *frames;
};

/* The next message that came, or NULL. */
struct ih_message *ih_engine_delivered(struct ih_engine *engine, uint64_t now_ms);
void ih_message_free(struct ih_message *message);

/* Messages that are queued or not acknowledged, of all sessions: 0 ends CURVE_LINGER. */
size_t ih_engine_unacknowledged(const struct ih_engine *engine);

/* Ends all sessions of this key (curve_deny): they are told, their messages reported UNDELIVERED. */
void ih_engine_end(struct ih_engine *engine, const uint8_t *key, uint64_t now_ms);

/* Ends all sessions, as ih_engine_end. Afterwards only ih_engine_output, which tells the other ends, and
 * ih_engine_free. */
void ih_engine_close(struct ih_engine *engine, uint64_t now_ms);

#endif
