/* SPDX-License-Identifier: ISC */
/* The client's side of a SOCKS5 dialogue (RFC 1928, RFC 1929), as octets in and out: no socket, no clock, no memory of
 * its own. */
#ifndef IH_TRANSPORT_SOCKS_H
#define IH_TRANSPORT_SOCKS_H

#include <stddef.h>
#include <stdint.h>

enum {
    IH_SOCKS_TEXT = 255, /* octets of a name or password at most */
    IH_SOCKS_OUTPUT = 1 + 1 + IH_SOCKS_TEXT + 1 + IH_SOCKS_TEXT,
    IH_SOCKS_INPUT = 4 + 1 + IH_SOCKS_TEXT + 2,
};

/* Address types (RFC 1928, section 5). */
enum ih_socks_type {
    IH_SOCKS_IPV4 = 1,
    IH_SOCKS_NAME = 3,
    IH_SOCKS_IPV6 = 4,
};

/* Where the proxy is to connect to; plain value. */
struct ih_socks_address {
    uint8_t type; /* enum ih_socks_type */
    uint8_t size; /* of host: 4, 16, or that of the name */
    uint16_t port;
    uint8_t host[IH_SOCKS_TEXT];
};

/* What a dialogue says. Whoever runs it keeps all that this points to until it is over. */
struct ih_socks_config {
    const struct ih_socks_address *destination;
    const void *username; /* 1 to 255 octets ask for authentication; size 0: none */
    size_t username_size;
    const void *password;
    size_t password_size;
};

enum ih_socks_state {
    IH_SOCKS_METHOD, /* waits for the method's choice */
    IH_SOCKS_AUTH,   /* for what the proxy says to name and password */
    IH_SOCKS_REPLY,  /* for the reply to CONNECT */
    IH_SOCKS_DONE,   /* what follows is the destination's */
    IH_SOCKS_FAILED,
};

/* One dialogue. Owner: whoever embeds it, one thread at a time. */
struct ih_socks {
    struct ih_socks_config config;
    enum ih_socks_state state;
    size_t out_at, out_size;
    size_t in_size, in_wanted; /* of the present answer: what came, and how much it is as far as is known */
    uint8_t out[IH_SOCKS_OUTPUT];
    uint8_t in[IH_SOCKS_INPUT];
};

/* -EINVAL: a size or the address type is wrong. */
int ih_socks_init(struct ih_socks *socks, const struct ih_socks_config *config);

/* Wipes everything. */
void ih_socks_fini(struct ih_socks *socks);

/* What is to be written now; *size 0: nothing. */
const uint8_t *ih_socks_output(const struct ih_socks *socks, size_t *size);
/* That many octets of it were written. */
void ih_socks_output_done(struct ih_socks *socks, size_t size);

/* How many octets belong to the dialogue for certain: who reads no more at a time leaves the destination's alone. */
size_t ih_socks_wanted(const struct ih_socks *socks);

/* Takes octets from the proxy, *used of them. 1: connected, what follows is the destination's; 0: goes on; negative: it
 * is over. -EPROTO: the proxy says what no proxy says; -EACCES: it wants another authentication, or refused ours, or
 * its rules forbid the destination; -ECONNREFUSED, -EHOSTUNREACH, -ENETUNREACH, -ETIMEDOUT, -EOPNOTSUPP,
 * -EAFNOSUPPORT, -ECONNABORTED: what it replied. */
int ih_socks_input(struct ih_socks *socks, const uint8_t *data, size_t size, size_t *used);

#endif
