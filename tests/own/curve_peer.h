/* SPDX-License-Identifier: ISC */
/* Both ends of a CURVE connection (RFC 26) written by hand on libsodium, to be wrong in every way on purpose: each field of
 * each command can be changed before it is sealed. Nothing here is the library's. */
#ifndef IH_TESTS_OWN_CURVE_PEER_H
#define IH_TESTS_OWN_CURVE_PEER_H

#include "api/secure.h"
#include "api/wire.h"

enum {
    KEY = 32,
    COOKIE = 96,
    VOUCH_TEXT = 64,
    HELLO_SIZE = 200,
    WELCOME_SIZE = 168,
};

/* One end. Lives on the stack of the test. */
struct curve_peer {
    bool server;
    uint8_t own_public[KEY], own_secret[KEY];     /* C, c or S, s */
    uint8_t other_public[KEY];                    /* a client's: S */
    uint8_t short_public[KEY], short_secret[KEY]; /* C', c' or S', s' */
    uint8_t other_short[KEY];
    uint8_t cookie[COOKIE];
    uint8_t vouch[VOUCH_TEXT]; /* a client's: what it will vouch for */
    uint64_t nonce;            /* the last short nonce that was sent */
};

/* The keys of secure.h. */
void curve_client_init(struct curve_peer *peer);
void curve_server_init(struct curve_peer *peer);

/* Commands as bodies (length octet, name, fields); a client's. */
void curve_hello(struct curve_peer *peer, struct octets *body);
/* Takes the server's WELCOME; asserts that it opens. */
void curve_take_welcome(struct curve_peer *peer, const struct octets *body);
void curve_initiate(struct curve_peer *peer, const struct octets *metadata, struct octets *body);

/* A server's. */
void curve_take_hello(struct curve_peer *peer, const struct octets *body);
void curve_welcome(struct curve_peer *peer, struct octets *body);
void curve_ready(struct curve_peer *peer, const struct octets *metadata, struct octets *body);

/* A MESSAGE with these flags and payload, under the next nonce. */
void curve_message(struct curve_peer *peer, int flags, const void *payload, size_t size, struct octets *body);

/* Greeting and handshake with the victim on fd, up to READY, with this Socket-Type. */
void curve_join(struct curve_peer *peer, int fd, const char *socket_type);
/* The beginning of that: up to the victim's WELCOME, or a client's INITIATE. */
void curve_meet(struct curve_peer *peer, int fd);

void send_body(int fd, int flags, const struct octets *body);

#endif
