/* SPDX-License-Identifier: ISC */
/* The greeting (RFC 37, "Version Negotiation"): the first 64 octets in each direction. */
#ifndef IH_ZMTP_GREETING_H
#define IH_ZMTP_GREETING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    IH_GREETING_SIZE = 64,
    IH_GREETING_MECHANISM = 20,
};

struct ih_greeting {
    uint8_t major;
    uint8_t minor;
    char mechanism[IH_GREETING_MECHANISM + 1]; /* NUL-terminated */
    bool as_server;
};

/* Our own: version 3.1. */
void ih_greeting_put(uint8_t out[IH_GREETING_SIZE], const char *mechanism, bool as_server);

/* Looks at what has come of a greeting. 1: all is there, *greeting is set; 0: more is needed; -EPROTONOSUPPORT: the
 * peer speaks an older version, or no ZMTP at all: said as soon as it shows, since such a peer sends no 64 octets;
 * -EPROTO: the mechanism is no name, or as-server neither 0 nor 1. */
int ih_greeting_parse(const uint8_t *in, size_t size, struct ih_greeting *greeting);

#endif
