/* SPDX-License-Identifier: ISC */
/* The contract of a pattern: what distinguishes one socket type from another.
 *
 * A pattern is a leaf: it knows pipes and frames, no wire, no thread, no transport. Every slot is called with the
 * socket's lock held and must not block, not unlock and not call back into the API. */
#ifndef IH_CORE_PATTERN_H
#define IH_CORE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/message.h"
#include "core/pipe.h"
#include "core/socket.h"

struct ih_pattern_ops {
    int type;            /* ZMQ_PAIR ... */
    const char *name;    /* RFC 37 Socket-Type: "PAIR" ... */
    const char *peers;   /* Socket-Types it talks to (RFC 37's table), space-separated */
    size_t state_size;   /* octets of zeroed memory at socket->pattern_state */
    bool raw;            /* the carrier passes octets through without ZMTP (STREAM) */
    bool wants_commands; /* SUBSCRIBE and CANCEL go to command(), else they are dropped */
    bool connects_once;  /* a second zmq_connect to the same endpoint makes no second connection */
    bool waits;          /* a full peer makes a sender wait; nothing is lost */
    bool peers_wait;     /* a peer that may not send waits, and loses nothing */
    bool conflates;      /* ZMQ_CONFLATE has an effect */
    bool borrows;        /* send passes a frame on to one pipe or leaves it: it may be one whose memory is lent */

    /* Sets up state, and socket->opt where the type has defaults of its own (e.g. linger of SUB). 0 or -errno. */
    int (*init)(struct ih_socket *socket);
    /* All pipes are detached already. */
    void (*fini)(struct ih_socket *socket);

    /* A peer appears. pipe->peer_id is known. A negative errno refuses it: the connection is closed. */
    int (*attach)(struct ih_socket *socket, struct ih_pipe *pipe);
    /* A peer is gone and all it sent is read, or the socket closes: forget the pipe. */
    void (*detach)(struct ih_socket *socket, struct ih_pipe *pipe);
    /* pipe->in went from "nothing to read" to "can read". */
    void (*readable)(struct ih_socket *socket, struct ih_pipe *pipe);
    /* A pipe that refused a write has room again. */
    void (*writable)(struct ih_socket *socket, struct ih_pipe *pipe);
    /* May be NULL: a connection stands (for the first time or again): send subscriptions, probes. */
    void (*connected)(struct ih_socket *socket, struct ih_pipe *pipe);
    /* May be NULL: the connection under a connecting pipe was lost; another will follow. */
    void (*hiccup)(struct ih_socket *socket, struct ih_pipe *pipe);
    /* May be NULL unless wants_commands: msg->kind is SUBSCRIBE or CANCEL; msg stays the caller's. -ENOMEM: the peer's
     * view of us is wrong now, end it. */
    int (*command)(struct ih_socket *socket, struct ih_pipe *pipe, struct ih_msg *msg);

    /* zmq_msg_send: takes msg (moved; an empty frame afterwards) or returns a negative errno and leaves it. -EAGAIN makes
     * the caller wait. msg->flags has IH_MSG_MORE as the caller gave it. NULL: -ENOTSUP. */
    int (*send)(struct ih_socket *socket, struct ih_msg *msg);
    /* zmq_msg_recv: fills msg (an empty frame before). -EAGAIN makes the caller wait. NULL: -ENOTSUP. */
    int (*recv)(struct ih_socket *socket, struct ih_msg *msg);
    /* ZMQ_EVENTS and zmq_poll. Must agree with send and recv. May prefetch. NULL: false. */
    bool (*can_send)(struct ih_socket *socket);
    bool (*can_recv)(struct ih_socket *socket);

    /* The options that belong to the pattern. -ENOENT: not mine. NULL: none. value may be NULL where size is 0. */
    int (*set)(struct ih_socket *socket, int option, const void *value, size_t size);
    int (*get)(struct ih_socket *socket, int option, void *value, size_t *size);
};

/* The table of patterns, NULL if there is none of that type. */
const struct ih_pattern_ops *ih_pattern_find(int type);

#endif
