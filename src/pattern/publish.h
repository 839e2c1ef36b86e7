/* SPDX-License-Identifier: ISC */
/* What PUB and XPUB share: subscribers' topics, and messages to those whose topics match (RFC 29). */
#ifndef IH_PATTERN_PUBLISH_H
#define IH_PATTERN_PUBLISH_H

#include "base/trie.h"
#include "core/pattern.h"
#include "pattern/dist.h"
#include "pattern/notice.h"

/* Owner: the socket, at pattern_state; guarded by its lock. A pipe's data is a struct ih_trie of the topics that the peer
 * asked for, kept only with verboser or manual; its `fair` link is in `waiting`. */
struct ih_publish {
    struct ih_trie topics; /* of struct ih_pipe: who gets what */
    struct ih_dist dist;
    bool sending;              /* in the middle of a message */
    bool silent;               /* PUB: the application is told nothing */
    struct ih_notices notices; /* for the application */
    struct ih_list waiting;    /* pipes with messages for which there was no room among the notices */
    struct ih_pipe *last;      /* whose notice the application has received last (manual), or NULL */
    bool to_last;              /* the next message is for `last` alone */
    struct ih_msg welcome;     /* ZMQ_XPUB_WELCOME_MSG; empty: none */
    bool verbose;              /* ZMQ_XPUB_VERBOSE: repeated subscriptions are notices too */
    bool verboser;             /* ZMQ_XPUB_VERBOSER: and all cancellations */
    bool manual;               /* ZMQ_XPUB_MANUAL: the application says who gets what */
    bool tracks;               /* manual has been on: notices know their pipes */
    bool last_value;           /* ZMQ_XPUB_MANUAL_LAST_VALUE */
    bool nodrop;               /* ZMQ_XPUB_NODROP */
    bool only_first;           /* ZMQ_ONLY_FIRST_SUBSCRIBE */
};

/* The slots of struct ih_pattern_ops. */
int ih_publish_init(struct ih_socket *socket);
void ih_publish_fini(struct ih_socket *socket);
int ih_publish_attach(struct ih_socket *socket, struct ih_pipe *pipe);
void ih_publish_detach(struct ih_socket *socket, struct ih_pipe *pipe);
void ih_publish_readable(struct ih_socket *socket, struct ih_pipe *pipe);
void ih_publish_writable(struct ih_socket *socket, struct ih_pipe *pipe);
void ih_publish_connected(struct ih_socket *socket, struct ih_pipe *pipe);
int ih_publish_command(struct ih_socket *socket, struct ih_pipe *pipe, struct ih_msg *msg);
int ih_publish_send(struct ih_socket *socket, struct ih_msg *msg);
bool ih_publish_can_send(struct ih_socket *socket);
int ih_publish_set(struct ih_socket *socket, int option, const void *value, size_t size);

/* There may be room among the notices again: takes in messages that wait in pipes. */
void ih_publish_resume(struct ih_socket *socket);

#endif
