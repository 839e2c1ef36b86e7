/* SPDX-License-Identifier: ISC */
/* The chat's port to the world: a peer's socket of libcurve. */
#ifndef IRONCHAT_LINK_H
#define IRONCHAT_LINK_H

#include <curve.h>

#include "ironchat/chat.h"

enum { LINK_ITEMS = 3 };

/* Owned by the thread that opens it; `strangers` alone is written to by the socket's own thread. */
struct link {
    void *context;
    curve_socket_t *socket;
    int strangers[2]; /* a pipe of the keys that were refused */
};

/* -1 after saying on stderr what went wrong. */
int link_open(struct link *link, const curve_cert_t *cert, const struct chat_card *card);

/* For chat_port: arg is the link. */
int link_send(void *arg, const uint8_t *key, const void *data, size_t size, uint64_t *number);
void link_allow(void *arg, const uint8_t *key);
void link_deny(void *arg, const uint8_t *key);

/* What to wait for. */
void link_items(const struct link *link, zmq_pollitem_t items[LINK_ITEMS]);

/* Gives the chat all that has come. */
void link_pump(struct link *link, struct chat *chat);

/* How long link_close waits for what was said last. */
void link_linger(struct link *link, int ms);

void link_close(struct link *link);

#endif
