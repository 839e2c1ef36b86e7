/* SPDX-License-Identifier: ISC */
/* What SUB and XSUB share: topics that the publishers are told, and messages that match them (RFC 29). */
#ifndef IH_PATTERN_SUBSCRIBE_H
#define IH_PATTERN_SUBSCRIBE_H

#include "base/trie.h"
#include "core/pattern.h"
#include "pattern/dist.h"
#include "pattern/fair.h"

/* Owner: the socket, at pattern_state; guarded by its lock. */
struct ih_subscribe {
    struct ih_trie topics; /* of one subscriber, us */
    struct ih_fair fair;
    struct ih_dist dist; /* XSUB's messages to publishers */
    bool receiving;      /* in the middle of a message that matches */
    bool sending;        /* in the middle of a message to publishers */
    bool only_first;     /* ZMQ_ONLY_FIRST_SUBSCRIBE */
};

/* The slots of struct ih_pattern_ops. */
int ih_subscribe_init(struct ih_socket *socket);
void ih_subscribe_fini(struct ih_socket *socket);
int ih_subscribe_attach(struct ih_socket *socket, struct ih_pipe *pipe);
void ih_subscribe_detach(struct ih_socket *socket, struct ih_pipe *pipe);
void ih_subscribe_readable(struct ih_socket *socket, struct ih_pipe *pipe);
void ih_subscribe_writable(struct ih_socket *socket, struct ih_pipe *pipe);
void ih_subscribe_connected(struct ih_socket *socket, struct ih_pipe *pipe);
int ih_subscribe_recv(struct ih_socket *socket, struct ih_msg *msg);
bool ih_subscribe_can_recv(struct ih_socket *socket);

/* Subscribes to a topic, or takes one subscription to it back. tell: the publishers that are connected are told; else a
 * message on its way to them does that. -ENOMEM. */
int ih_subscribe_change(struct ih_socket *socket, bool subscribe, const void *topic, size_t size, bool tell);

#endif
