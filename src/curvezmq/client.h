/* SPDX-License-Identifier: ISC */
/* The client's half of a CurveZMQ handshake (RFC 26): HELLO, WELCOME, INITIATE, READY, in that order.
 *
 * Four X25519 operations: C', C'->S for HELLO and WELCOME, C'->S' for INITIATE and all that follows, C->S' for the
 * vouch. */
#ifndef IH_CURVEZMQ_CLIENT_H
#define IH_CURVEZMQ_CLIENT_H

#include "curvezmq/handshake.h"

struct ih_curve_client_secrets;

/* Owner: the connection, until its handshake ends. What is secret is in secret memory. The keys that init is given are
 * borrowed. */
struct ih_curve_client {
    const struct ih_curve_pair *own; /* C, c */
    const uint8_t *server_key;       /* S */
    struct ih_curve_client_secrets *secrets;
    uint64_t nonce; /* the last short nonce sent */
};

/* Makes C', c'. 0, -ENOMEM, -EBADMSG (S is of low order). */
int ih_curve_client_init(struct ih_curve_client *client, const struct ih_curve_pair *own,
                         const uint8_t server_key[IH_CURVE_KEY]);

/* Wipes. Also of a struct that is all zero. */
void ih_curve_client_fini(struct ih_curve_client *client);

void ih_curve_client_hello(struct ih_curve_client *client, uint8_t hello[IH_CURVE_HELLO]);

int ih_curve_client_welcome(struct ih_curve_client *client, const uint8_t *command, size_t size);

/* After WELCOME: writes IH_CURVE_INITIATE octets and the metadata's. */
void ih_curve_client_initiate(struct ih_curve_client *client, const uint8_t *metadata, size_t size, uint8_t *initiate);

/* Writes the server's metadata, size - IH_CURVE_READY octets, to metadata, and makes the session's keys. */
int ih_curve_client_ready(struct ih_curve_client *client, const uint8_t *command, size_t size, uint8_t *metadata,
                          struct ih_box_keys **keys);

#endif
