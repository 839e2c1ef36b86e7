/* SPDX-License-Identifier: ISC */
/* The server's half of a CurveZMQ handshake (RFC 26): HELLO, WELCOME, INITIATE, READY, in that order.
 *
 * Four X25519 operations: S', C'->S for HELLO and WELCOME, C'->S' for INITIATE and all that follows, C->S' for the
 * vouch. Before INITIATE nothing of the client's keys is kept: the cookie carries it. */
#ifndef IH_CURVEZMQ_SERVER_H
#define IH_CURVEZMQ_SERVER_H

#include "curvezmq/cookie.h"
#include "curvezmq/handshake.h"

/* Owner: the connection, until its handshake ends. What init is given is borrowed. */
struct ih_curve_server {
    const uint8_t *public_key; /* S */
    const uint8_t *secret_key; /* s */
    struct ih_cookie_jar *jar;
    uint64_t serial; /* of the connection, never the same twice */
    uint64_t nonce;  /* the client's last short nonce */
    uint64_t cookie; /* the secret of the cookie that WELCOME brought, if one is expected */
    bool expects_cookie;
    uint8_t *session;                 /* of C' and S', from INITIATE on; in secret memory */
    uint8_t client_key[IH_CURVE_KEY]; /* C, from INITIATE on */
};

void ih_curve_server_init(struct ih_curve_server *server, const uint8_t public_key[IH_CURVE_KEY],
                          const uint8_t secret_key[IH_CURVE_KEY], struct ih_cookie_jar *jar, uint64_t serial);

/* Wipes. Also of a struct that is all zero. */
void ih_curve_server_fini(struct ih_curve_server *server);

/* After HELLO, before fini: the cookie stays good, and INITIATE will be opened by another struct with the same serial. The
 * jar's owner calls ih_cookie_rotate in time. */
void ih_curve_server_part(struct ih_curve_server *server);

/* Checks HELLO and answers it. */
int ih_curve_server_hello(struct ih_curve_server *server, const uint8_t *command, size_t size, uint64_t now_ms,
                          uint8_t welcome[IH_CURVE_WELCOME]);

/* Checks INITIATE; once for each HELLO. text has room for size octets; the client's metadata, size - IH_CURVE_INITIATE
 * octets, is where *metadata then points to, within text. */
int ih_curve_server_initiate(struct ih_curve_server *server, const uint8_t *command, size_t size, uint64_t now_ms,
                             uint8_t *text, const uint8_t **metadata);

/* After INITIATE: writes IH_CURVE_READY octets and the metadata's. */
void ih_curve_server_ready(struct ih_curve_server *server, const uint8_t *metadata, size_t size, uint8_t *ready);

/* After INITIATE: the keys of the traffic that begins behind READY. NULL when out of memory. */
struct ih_box_keys *ih_curve_server_session(const struct ih_curve_server *server);

#endif
