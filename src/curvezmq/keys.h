/* SPDX-License-Identifier: ISC */
/* Sizes of what CurveZMQ computes with (RFC 26, "CurveZMQ Commands"). */
#ifndef IH_CURVEZMQ_KEYS_H
#define IH_CURVEZMQ_KEYS_H

#include <stddef.h>
#include <stdint.h>

enum {
    IH_CURVE_KEY = 32,        /* a key, public or secret, long-term or short-term */
    IH_CURVE_TAG = 16,        /* a box is that much larger than its text */
    IH_CURVE_SHORT_NONCE = 8, /* a counter, behind 16 constant octets */
    IH_CURVE_LONG_NONCE = 16, /* random, behind 8 constant octets */
    IH_CURVE_COOKIE = 96,     /* long nonce, box of C' and s' */
    IH_CURVE_VOUCH = 96,      /* long nonce, box of C' and S */

    IH_CURVE_HELLO = 200,
    IH_CURVE_WELCOME = 168,
    IH_CURVE_INITIATE = 257, /* without metadata */
    IH_CURVE_READY = 30,     /* without metadata */
    IH_CURVE_MESSAGE = 33,   /* without payload: name 8, nonce 8, tag 16, payload flags 1 */
};

/* A key pair. Owner: who holds it, in secret memory. */
struct ih_curve_pair {
    uint8_t public_key[IH_CURVE_KEY];
    uint8_t secret_key[IH_CURVE_KEY];
};

/* A short nonce is a number in network order. */
static inline void ih_curve_put_nonce(uint8_t *out, uint64_t nonce)
{
    for (int i = IH_CURVE_SHORT_NONCE - 1; i >= 0; i--) {
        out[i] = (uint8_t)nonce;
        nonce >>= 8;
    }
}

static inline uint64_t ih_curve_get_nonce(const uint8_t *in)
{
    uint64_t nonce = 0;

    for (int i = 0; i < IH_CURVE_SHORT_NONCE; i++)
        nonce = nonce << 8 | in[i];
    return nonce;
}

#endif
