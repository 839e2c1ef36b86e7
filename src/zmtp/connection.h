/* SPDX-License-Identifier: ISC */
/* One end of a ZMTP 3 connection (RFC 23, RFC 37): octets in, frames and events out.
 *
 * Pure: no socket, clock, thread or lock. Its owner (the byte-stream connection in transport/) feeds it what it read
 * and writes what it produced. During the handshake one thread at a time may call anything. Once ih_zmtp_state is READY
 * the machine has two halves that two threads may drive at the same time: the receiving half (ih_zmtp_decode,
 * ih_zmtp_body, ih_zmtp_body_filled) and the sending half (ih_zmtp_encode). */
#ifndef IH_ZMTP_CONNECTION_H
#define IH_ZMTP_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/message.h"
#include "base/props.h"
#include "base/queue.h"
#include "zmtp/batch.h"

struct ih_security;
struct ih_cookie_jar;

enum ih_zmtp_state {
    IH_ZMTP_GREETING,  /* the greetings are being exchanged */
    IH_ZMTP_HANDSHAKE, /* the mechanism's commands */
    IH_ZMTP_ZAP,       /* waits for ih_zmtp_zap_reply */
    IH_ZMTP_READY,     /* traffic */
    IH_ZMTP_CLOSED,    /* failed; ih_zmtp_error says why. Output may still be pending (an ERROR command) */
};

/* Why a connection failed: what the monitor reports. */
enum ih_zmtp_failure {
    IH_ZMTP_NO_FAILURE,
    IH_ZMTP_NO_DETAIL, /* code: an errno (EPROTO for a peer of an older ZMTP version, EMSGSIZE, ENOMEM, ...) */
    IH_ZMTP_PROTOCOL,  /* code: a ZMQ_PROTOCOL_ERROR_ value */
    IH_ZMTP_AUTH,      /* code: the ZAP status 300, 400 or 500, from our handler or in the peer's ERROR command */
};

struct ih_zmtp_error {
    enum ih_zmtp_failure failure;
    int code;
    bool fatal_credentials; /* the peer sent ERROR: RFC 37 says not to come back with the same credentials */
};

/* All pointers are borrowed and outlive the machine. */
struct ih_zmtp_config {
    const struct ih_security *security; /* mechanism, role and keys; immutable */
    struct ih_cookie_jar *cookies;      /* the context's, for CURVE servers; thread-safe by itself */
    const char *socket_type;            /* our own, as in RFC 37 "The Socket-Type Property", e.g. "DEALER" */
    const void *routing_id;             /* our own, 0 to 255 octets */
    size_t routing_id_size;
    const void *metadata; /* application properties in RFC 37 metadata encoding, may be empty */
    size_t metadata_size;
    int64_t max_msg_size; /* ZMQ_MAXMSGSIZE of the peer's frames, -1: no limit */
    uint64_t serial;      /* never repeated in this process: binds a CURVE cookie to its connection */
    bool binder;          /* we accepted this connection (NULL's server role) */
    bool ask_zap;         /* stop in IH_ZMTP_ZAP when the peer's credentials are known */
};

struct ih_zmtp;

/* A machine in state GREETING whose greeting waits in the output. NULL when out of memory. */
struct ih_zmtp *ih_zmtp_new(const struct ih_zmtp_config *config);

/* Wipes and frees. */
void ih_zmtp_free(struct ih_zmtp *zmtp);

enum ih_zmtp_state ih_zmtp_state(const struct ih_zmtp *zmtp);
const struct ih_zmtp_error *ih_zmtp_error(const struct ih_zmtp *zmtp);

/* Greeting and handshake: takes octets and says how many it took (*used <= size). It takes none in ZAP, and stops
 * taking when READY or CLOSED is reached: what remains is traffic. now_ms: a monotonic clock, for the cookie keys.
 * Returns 0, or -EPROTO when the state became CLOSED. Frames larger than a handshake needs are refused unread. */
int ih_zmtp_input(struct ih_zmtp *zmtp, const uint8_t *in, size_t size, size_t *used, uint64_t now_ms);

/* Handshake octets to be written; *size 0 if none. Valid until the next call. */
const uint8_t *ih_zmtp_output(const struct ih_zmtp *zmtp, size_t *size);
void ih_zmtp_output_done(struct ih_zmtp *zmtp, size_t size);

/* In ZAP: what the handler is to be asked. Frame i of the credentials (RFC 27), false past the last. */
const char *ih_zmtp_mechanism_name(const struct ih_zmtp *zmtp);
bool ih_zmtp_credential(const struct ih_zmtp *zmtp, unsigned i, const uint8_t **data, size_t *size);

/* In ZAP: the handler's decision: status 200, 300, 400 or 500. Any but 200 ends in CLOSED with failure AUTH, and where
 * libzmq answers with an ERROR command it is in the output. 0, or -EPROTO when the state became CLOSED. */
int ih_zmtp_zap_reply(struct ih_zmtp *zmtp, unsigned status);

/* From READY on: the peer's metadata (Socket-Type, Identity, everything it sent). */
const void *ih_zmtp_peer_property(const struct ih_zmtp *zmtp, const char *name, size_t *size);

/* Copies the peer's properties into props, but for those that are there already, and for User-Id, Peer-Address and
 * __fd, which are not the peer's to say. -ENOMEM, -EMSGSIZE. */
int ih_zmtp_peer_properties(const struct ih_zmtp *zmtp, struct ih_props **props);

/* Frees what only the handshake needed (peer metadata, output buffer, short-term handshake secrets). Call once when
 * READY has been handled and all output is taken. */
void ih_zmtp_handshake_done(struct ih_zmtp *zmtp);

/* 1 for a peer that speaks ZMTP 3.1 or later, 0 for 3.0 (which gets subscriptions as messages, RFC 23). */
unsigned ih_zmtp_peer_minor(const struct ih_zmtp *zmtp);

/* --- receiving half ------------------------------------------------------------------------------------------- */

/* Decodes whole frames from in and appends them to out: messages as kind DATA, commands by their kind (unknown commands
 * are dropped as RFC 37 allows). Stops after max frames, or when in holds no whole frame. *used says how many octets
 * are done with; the caller keeps the rest and presents it again in front of what it reads next. A message frame whose
 * body does not fit what is there and is larger than IH_ZMTP_DIRECT octets is taken over: its header and the body's
 * beginning are used up, memory of its own is allocated (after the limit was checked), and ih_zmtp_body then says where
 * the rest belongs. 0, or a negative errno in state CLOSED: -EPROTO (see ih_zmtp_error), -ENOMEM; the frames before it
 * are in out. */
enum { IH_ZMTP_DIRECT = 8192 };
int ih_zmtp_decode(struct ih_zmtp *zmtp, const uint8_t *in, size_t size, size_t *used, struct ih_queue *out,
                   size_t max);

/* Where the next octets of a large frame's body are to be read to; NULL if no such frame is under way. While it is not
 * NULL, ih_zmtp_decode must not be called. */
uint8_t *ih_zmtp_body(struct ih_zmtp *zmtp, size_t *room);

/* size octets (<= room) were read there. A frame that is complete is opened and appended to out. As ih_zmtp_decode. */
int ih_zmtp_body_filled(struct ih_zmtp *zmtp, size_t size, struct ih_queue *out);

/* --- sending half --------------------------------------------------------------------------------------------- */

/* True if small messages may be encoded one by one as they are sent: in clear text. */
bool ih_zmtp_gathers(const struct ih_zmtp *zmtp);

/* Appends a message of one frame, smaller than IH_BATCH_LARGE, to a batch that holds nothing else than such ones. Touches
 * nothing but the batch: may be called while another thread encodes. False: no room. */
bool ih_zmtp_gather(struct ih_batch *batch, const struct ih_msg *msg);

/* Gathering is over: what was gathered is the batch to write. */
void ih_zmtp_gathered(struct ih_batch *batch);

/* Takes what was gathered, and not a part of it written, out again. -ENOMEM: out has the first of it. */
int ih_zmtp_ungather(const struct ih_batch *batch, struct ih_queue *out);

/* Takes frames from the queue and encodes (and seals) them into the batch until the batch is full or the queue empty.
 * Small frames are gathered into the batch's buffer, large ones stay in their own memory beside their header; a frame
 * that must be sealed is sealed in place if it has no other owner. 0, -ENOMEM (the frame stays in the queue). */
int ih_zmtp_encode(struct ih_zmtp *zmtp, struct ih_queue *queue, struct ih_batch *batch);

#endif
