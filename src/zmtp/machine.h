/* SPDX-License-Identifier: ISC */
/* The insides of struct ih_zmtp, for the files of zmtp/ alone. */
#ifndef IH_ZMTP_MACHINE_H
#define IH_ZMTP_MACHINE_H

#include <stdalign.h>
#include <stdatomic.h>

#include "mechanism/mechanism.h"
#include "zmtp/connection.h"
#include "zmtp/greeting.h"

/* Without a limit of the socket's own, what no system has memory for is refused by its size. */
#define IH_MESSAGE_MAX ((int64_t)1 << 39)

/* Octets that grow at the end and are taken at the front. Owner: the handshake. */
struct ih_zmtp_buffer {
    uint8_t *data;
    size_t start; /* first octet that is not taken */
    size_t end;
    size_t room;
};

/* Owner: the machine, until ih_zmtp_handshake_done; one thread at a time. */
struct ih_zmtp_handshake {
    struct ih_mechanism_host host; /* first: the mechanism's way back */
    struct ih_zmtp *zmtp;
    struct ih_zmtp_config config;
    const struct ih_mechanism_ops *ops;
    struct ih_mechanism *mechanism; /* NULL once its work is done */
    uint8_t greeting[IH_GREETING_SIZE];
    size_t greeting_size;     /* octets of it that came */
    struct ih_zmtp_buffer in; /* the beginning of a command */
    struct ih_zmtp_buffer out;
    uint8_t *metadata; /* ours, encoded */
    size_t metadata_size;
    uint8_t *peer; /* the peer's, checked */
    size_t peer_size;
};

/* A large frame on its way into memory of its own. Owner: the receiving half. */
struct ih_zmtp_body {
    struct ih_msg msg; /* its data; a sealed one has what stands before the payload in the headroom */
    uint8_t *data;     /* of the body; NULL: no frame is under way */
    size_t size;
    size_t filled;
    bool command; /* in clear text: a command frame */
};

/* Owner: the transport's connection. What both halves read is constant once traffic flows, apart from state, which the
 * receiving half changes; what each half writes is on cache lines of its own. */
struct ih_zmtp {
    atomic_int state;
    struct ih_zmtp_error error;
    struct ih_zmtp_handshake *handshake;
    struct ih_box_keys *keys; /* NULL: clear text */
    uint64_t limit;           /* of a message's size */
    uint8_t peer_minor;

    alignas(64) uint64_t opened; /* the peer's last short nonce */
    struct ih_zmtp_body body;

    alignas(64) uint64_t sealed; /* our last short nonce */
};

static inline void ih_zmtp_set_state(struct ih_zmtp *zmtp, enum ih_zmtp_state state)
{
    atomic_store_explicit(&zmtp->state, (int)state, memory_order_release);
}

/* Ends the connection; returns rc. */
int ih_zmtp_fail(struct ih_zmtp *zmtp, enum ih_zmtp_failure failure, int code, int rc);

#endif
