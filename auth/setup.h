/* SPDX-License-Identifier: ISC */
/* A socket's security options, set together or not at all. */
#ifndef IH_AUTH_SETUP_H
#define IH_AUTH_SETUP_H

#include <curve.h>
#include <stdbool.h>
#include <stdint.h>

/* What is to be set. Owner: the stack; wiped after use. */
struct auth_setup {
    int mechanism; /* ZMQ_NULL, ZMQ_PLAIN: of a server; ZMQ_CURVE */
    bool server;
    char domain[256];                   /* a server's ZAP domain */
    uint8_t server_key[CURVE_KEY_SIZE]; /* a client's */
    uint8_t public_key[CURVE_KEY_SIZE];
    uint8_t secret_key[CURVE_KEY_SIZE];
};

/* -EBUSY: the socket was bound or connected; -ENOTSOCK, -ETERM; -ENOTSUP: this libzmq has no CURVE; -EALREADY: for NULL or
 * PLAIN, the socket has a mechanism already. Looks only. */
int auth_setup_ready(void *socket, int mechanism);

/* Sets them. If one fails the socket is as it was before, or, if even that fails, lets nobody in. */
int auth_setup_apply(void *socket, const struct auth_setup *setup);

#endif
