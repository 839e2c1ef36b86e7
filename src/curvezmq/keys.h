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

/* A short nonce is a number in network order. Written out, compilers make one instruction of it. */
static inline void ih_curve_put_nonce(uint8_t *out, uint64_t nonce)
{
    out[0] = (uint8_t)(nonce >> 56);
    out[1] = (uint8_t)(nonce >> 48);
    out[2] = (uint8_t)(nonce >> 40);
    out[3] = (uint8_t)(nonce >> 32);
    out[4] = (uint8_t)(nonce >> 24);
    out[5] = (uint8_t)(nonce >> 16);
    out[6] = (uint8_t)(nonce >> 8);
    out[7] = (uint8_t)nonce;
}

static inline uint64_t ih_curve_get_nonce(const uint8_t *in)
{
    return (uint64_t)in[0] << 56 | (uint64_t)in[1] << 48 | (uint64_t)in[2] << 40 | (uint64_t)in[3] << 32 |
           (uint64_t)in[4] << 24 | (uint64_t)in[5] << 16 | (uint64_t)in[6] << 8 | in[7];
}

#endif
