/* SPDX-License-Identifier: ISC */
/* The parts of the session engine, which session.h is the outside of.
 *
 *   engine.c     the functions of session.h; which session an envelope belongs to
 *   session.c    a session's life: what is sent next, timers, its end
 *   stream.c     its messages: numbers, acknowledgements, what is sent again
 *   initiator.c  handshakes that this end begins
 *   responder.c  handshakes that others begin
 *   channel.c    one CurveZMQ session: keys, sealing and opening
 *
 * A session joins this end and another one for as long as either remembers the other; channels come and go beneath it,
 * with each handshake a new one. Nothing here has a lock: an engine belongs to one thread at a time. */
#ifndef IH_LIBCURVE_ENGINE_H
#define IH_LIBCURVE_ENGINE_H

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "curvezmq/client.h"
#include "curvezmq/server.h"
#include "libcurve/session.h"
#include "libcurve/used.h"
#include "libcurve/wire.h"

enum {
    IH_ROUTE_MAX = 255,
    IH_CHANNEL_NAME = 1 + IH_ENVELOPE_TAG,
    IH_MESSAGE_HEAD = 1 + IH_HEADER_SIZE, /* of a MESSAGE's text: payload flags, header */
    IH_NEVER_MS = 0,                      /* a time that is not set */
};

struct ih_session;

/* What a claim of the other end means for a session. */
enum ih_verdict {
    IH_CLAIM_FIRST,   /* neither remembers the other */
    IH_CLAIM_RESUMED, /* both remember, or the other end never heard of what it does not remember */
    IH_CLAIM_ANEW,    /* the other end began anew, or does not remember what was sent to it */
};

/* One CurveZMQ session. Owner: its session. */
struct ih_channel {
    struct ih_map_node node; /* in engine->channels, by name */
    struct ih_session *session;
    uint8_t name[IH_CHANNEL_NAME]; /* the type of envelopes that come in, tag */
    bool initiator;                /* this end began it */
    bool heard;                    /* a message came in it */
    struct ih_box_keys *keys;      /* once they are known */
    uint64_t born_ms;
    /* Until the handshake is over. An initiator's last command, or READY, sent again if need be. */
    struct ih_curve_client *client;
    bool welcomed; /* INITIATE was sent */
    bool command_due;
    uint8_t *command;
    size_t command_size;
    uint8_t *route; /* of a responder: where INITIATE came from */
    size_t route_size;
    uint64_t resend_ms;
    uint64_t resend_ivl;
    uint64_t give_up_ms;
    uint64_t stream;   /* that this end claims in this handshake */
    uint8_t *metadata; /* the other end's, until the handshake is over */
    size_t metadata_size;
    /* What the responder does when the first message shows that READY arrived. */
    struct ih_claim claim;
    enum ih_verdict verdict;
    uint8_t cookie[IH_COOKIE_NAME];
};

/* A message to be sent. Owner: a session's queue. */
struct ih_outgoing {
    struct ih_list link;
    uint64_t number; /* the application's */
    uint64_t wire;   /* on the wire; 0 until it was sent once */
    uint8_t flags;   /* IH_HEADER_FRAMES or 0 */
    size_t size;
    size_t overhead; /* octets of text that are not the frames' */
    uint8_t text[];
};

/* A message that came. Owner: a session's queue, then who took it. */
struct ih_incoming {
    struct ih_message message;
    struct ih_list link;
    size_t size;
    struct ih_octets single; /* the frame, if there is one */
    struct ih_octets *several;
    uint8_t head[IH_HEADER_SIZE]; /* text follows without a gap */
    uint8_t text[];
};

/* Messages from and to the other end. Owner: the session. */
struct ih_stream {
    uint64_t own;         /* names this end's memory of the other, drawn anew when it is lost */
    uint64_t peer;        /* the other end's, or 0 */
    uint64_t offered;     /* what own will be if that peer's handshake succeeds: the same each time */
    uint64_t offered_for; /* that peer's */

    struct ih_list queue;   /* of ih_outgoing: those sent and not acknowledged, then those not sent yet */
    struct ih_list *cursor; /* in queue: what is sent next; the head: nothing */
    size_t queued;
    uint64_t sent;       /* the highest number that was sent */
    uint64_t acked;      /* the highest number that was acknowledged */
    uint64_t limit;      /* the highest number that the other end takes at the moment */
    uint32_t peer_limit; /* octets of one message that the other end takes */

    struct ih_list ready; /* of ih_incoming: for the application */
    size_t ready_count;
    uint64_t delivered;  /* the last number that came, in order */
    uint64_t advertised; /* the highest number that the other end was told it may send */
    size_t unacked;      /* messages that came since we acknowledged */
    size_t unacked_octets;
    bool resend;       /* to be asked for */
    bool resend_asked; /* was asked for since the last message came */
};

/* This end and another one. Owner: the engine. */
struct ih_session {
    struct ih_engine *engine;
    struct ih_map_node node;     /* in engine->sessions, by id */
    struct ih_map_node key_node; /* in engine->newest, by key, if this is it */
    struct ih_list same_key;     /* a ring: those of this key that were ready once */
    struct ih_list busy;         /* in engine->busy while there may be something to send */
    struct ih_list readable;     /* in engine->readable while there are messages for the application */
    struct ih_timer timer;
    uint8_t id[CURVE_ID_SIZE];
    uint8_t route[IH_ROUTE_MAX]; /* where the last message that opened came from */
    size_t route_size;
    uint64_t order; /* when it was confirmed, among the engine's sessions; 0: not yet */
    bool newest;    /* key_node is in its map */
    bool ended;     /* only waits for its messages to be taken */

    struct ih_channel *current; /* messages are sent in it */
    struct ih_channel *next;    /* its handshake is not over */
    struct ih_channel *old;     /* what is under way in it is still taken */
    uint64_t old_until_ms;

    struct ih_stream stream;

    uint8_t *metadata; /* the other end's, of the last handshake */
    size_t metadata_size;

    bool ack_due;
    bool ping_due;
    bool nudged;       /* the carrier is new: be quick to suspect that nobody answers */
    uint64_t ack_ms;   /* when ack_due is set; IH_NEVER_MS: not */
    uint64_t probe_ms; /* when an answer is asked for; IH_NEVER_MS: nothing is outstanding */
    uint64_t probe_ivl;
    uint64_t heard_ms;  /* when something came that opened */
    uint64_t asked_ms;  /* when PING was sent, and nothing came since; IH_NEVER_MS: not */
    uint64_t pinged_ms; /* the last PING */
    uint64_t retry_ms;  /* no handshake before */
    uint64_t retry_ivl;
};

/* A client that the authenticator thinks about. Owner: the engine. */
struct ih_pending;

/* Owner: who made it. */
struct ih_engine {
    enum ih_engine_kind kind;
    struct ih_curve_pair *own; /* in secret memory */
    struct ih_engine_limits limits;
    struct ih_engine_host host;
    uint8_t *metadata; /* the owner's */
    size_t metadata_size;
    struct ih_cookie_jar *jar;
    uint64_t cookies_until_ms; /* when the last one is too old, 0: there are none */
    struct ih_used used;

    struct ih_map sessions;
    struct ih_map newest;
    struct ih_map channels;
    struct ih_list busy;
    struct ih_list readable;
    struct ih_list replies; /* of ih_queued: envelopes without a session, and last words */
    size_t reply_count;
    struct ih_list pending; /* the oldest first */
    size_t pending_count;
    struct ih_heap timers;
    size_t queued;   /* messages, of all sessions */
    size_t full;     /* sessions that take no more */
    uint64_t opened; /* messages */
    uint64_t last_order;
    uint64_t last_ticket;
    uint64_t lost_ms; /* since when lost_count counts */
    int lost_count;   /* strangers that were told so */
    bool closed;
    struct ih_session *server; /* of a client */
};

/* ---- engine.c ---- */

/* An event about a session's other end; id may be NULL. */
void ih_engine_event(struct ih_engine *engine, int event, int value, uint64_t number, const uint8_t *id);
void ih_engine_suspect(struct ih_engine *engine, curve_error_t value, const uint8_t *id);

/* An envelope with room for size octets behind its head. NULL when out of memory. */
struct ih_envelope *ih_envelope_new(struct ih_octets route, uint8_t type, const uint8_t *tag, size_t size);

/* Queues an envelope that goes before those of sessions; NULL is ignored. */
void ih_engine_reply(struct ih_engine *engine, struct ih_envelope *envelope);

/* True if no more answers to strangers should be queued. */
bool ih_engine_flooded(const struct ih_engine *engine);

/* This engine's metadata with a claim behind it; the caller frees it. NULL when out of memory. */
uint8_t *ih_engine_metadata(const struct ih_engine *engine, const struct ih_claim *claim, size_t *size);

/* ---- channel.c ---- */

/* Enters the channel under its name. NULL: no memory, or another channel has that name. */
struct ih_channel *ih_channel_new(struct ih_session *session, bool initiator, const uint8_t *tag, uint64_t now_ms);

/* Wipes; NULL is fine. */
void ih_channel_free(struct ih_channel *channel);

/* The handshake is over: forgets what only it needed. */
void ih_channel_settle(struct ih_channel *channel);

/* Replaces the command that is sent, and sent again; takes it over. */
void ih_channel_command(struct ih_channel *channel, uint8_t *command, size_t size, uint64_t now_ms);

const uint8_t *ih_channel_tag(const struct ih_channel *channel);

/* Seals header and text as an envelope. NULL when out of memory. */
struct ih_envelope *ih_channel_seal(struct ih_channel *channel, const struct ih_header *header, const uint8_t *text,
                                    size_t size);

/* Opens a MESSAGE command. *incoming holds its text, and is the caller's. 0; -EPROTO: malformed; -ESTALE: repeated or
 * overtaken; -EBADMSG; -EMSGSIZE; -ENOMEM. *gap: others are missing before it. */
int ih_channel_open(struct ih_channel *channel, const uint8_t *command, size_t size, struct ih_header *header,
                    struct ih_incoming **incoming, bool *gap);

/* ---- stream.c ---- */

void ih_stream_init(struct ih_session *session);
void ih_stream_fini(struct ih_session *session);

/* What this end claims, under the name that it offers. */
struct ih_claim ih_stream_claim(struct ih_session *session, uint64_t own);

/* What a claim means; *own is the name that this end is to claim in turn. */
enum ih_verdict ih_stream_judge(struct ih_session *session, const struct ih_claim *claim, uint64_t *own);

/* A handshake succeeded in which these were claimed. continued: a channel stood, in which messages may be under way. */
void ih_stream_join(struct ih_session *session, const struct ih_claim *claim, enum ih_verdict verdict, uint64_t own,
                    bool continued);

/* The other end's memory of this one is gone: what was sent is reported, and this end forgets in turn. */
void ih_stream_forget(struct ih_session *session);

/* Reports all that is queued. */
void ih_stream_abandon(struct ih_session *session);

int ih_stream_queue(struct ih_session *session, const struct ih_octets *frames, size_t count, uint64_t number);

/* The message to send next, or NULL. Those that the other end would not take are reported and dropped. */
struct ih_outgoing *ih_stream_next(struct ih_session *session);

/* It was sealed. */
void ih_stream_sent(struct ih_session *session, struct ih_outgoing *outgoing);

/* True if messages were sent and not acknowledged, or the other end has no room. */
bool ih_stream_outstanding(const struct ih_session *session);

/* What every header says. */
void ih_stream_header(struct ih_session *session, struct ih_header *header);

/* Handles a header that came. incoming is taken over, or freed. */
void ih_stream_take(struct ih_session *session, const struct ih_header *header, struct ih_incoming *incoming,
                    uint64_t now_ms);

/* The application takes the oldest message, of which there is one. */
struct ih_incoming *ih_stream_deliver(struct ih_session *session);

/* ---- session.c ---- */

/* NULL: no memory. */
struct ih_session *ih_session_new(struct ih_engine *engine, const uint8_t id[CURVE_ID_SIZE], struct ih_octets route);
void ih_session_free(struct ih_session *session);

/* Something is to be sent. */
void ih_session_wake(struct ih_session *session);

/* Times have changed. */
void ih_session_arm(struct ih_session *session, uint64_t now_ms);

/* The envelope that the session sends next, or NULL. */
struct ih_envelope *ih_session_output(struct ih_session *session, uint64_t now_ms);

/* A MESSAGE came for a channel of the session. */
void ih_session_message(struct ih_session *session, struct ih_channel *channel, struct ih_octets route,
                        const uint8_t *command, size_t size, uint64_t now_ms);

/* The handshake of session->next succeeded. */
void ih_session_ready(struct ih_session *session, const struct ih_claim *claim, enum ih_verdict verdict, uint64_t own,
                      uint64_t now_ms);

/* It failed, or was given up. */
void ih_session_failed(struct ih_session *session, uint64_t now_ms);

/* The other end says that it does not know the channel; anybody may have said so. */
void ih_session_lost(struct ih_session *session, uint64_t now_ms);

/* The other end began anew, or forgot: so does this one, and begins a handshake. */
void ih_session_restart(struct ih_session *session, uint64_t now_ms);

/* Begins a handshake if one may begin now. */
void ih_session_initiate(struct ih_session *session, uint64_t now_ms);

/* Ends it for good: the other end is told if tell is true, messages are reported. The session may be gone afterwards. */
void ih_session_end(struct ih_session *session, bool tell, curve_error_t error, uint64_t now_ms);

void ih_session_tick(struct ih_session *session, uint64_t now_ms);

/* Frees the session if nothing needs it any more. */
void ih_session_sweep(struct ih_session *session);

/* ---- initiator.c ---- */

/* Sends HELLO. 0, -ENOMEM, -EBADMSG. */
int ih_initiator_begin(struct ih_session *session, uint64_t now_ms);

/* A command other than MESSAGE from the responder. */
void ih_initiator_command(struct ih_channel *channel, const uint8_t *command, size_t size, uint64_t now_ms);

/* ---- responder.c ---- */

void ih_responder_hello(struct ih_engine *engine, struct ih_octets route, const uint8_t *tag, const uint8_t *command,
                        size_t size, uint64_t now_ms);
void ih_responder_initiate(struct ih_engine *engine, struct ih_octets route, const uint8_t *tag, const uint8_t *command,
                           size_t size, uint64_t now_ms);
void ih_responder_decide(struct ih_engine *engine, uint64_t ticket, bool accept, uint64_t now_ms);

/* Refuses those about whom nobody answered in time. */
void ih_responder_expire(struct ih_engine *engine, uint64_t now_ms);

/* Drops those about this key; NULL: all. */
void ih_responder_forget(struct ih_engine *engine, const uint8_t *key);
uint64_t ih_responder_deadline(const struct ih_engine *engine);

#endif
