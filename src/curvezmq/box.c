/* SPDX-License-Identifier: ISC */
/* The message box: Salsa20 and Poly1305 on subkeys. Salsa20's stream starts with Poly1305's key (32 octets); the text
 * is encrypted with what follows.
 *
 * What it costs depends on the sizes that libsodium's Salsa20 is asked for. Measured: 64 octets take half as
 * long as 512, 256 as long as 512, and what is between these longer than the next of them. So a text that fits in the
 * first block is encrypted by one call of the core function, and larger ones in units of 512 octets, the last of which
 * may reach beyond the text. */
#include "curvezmq/box.h"

#include <errno.h>
#include <string.h>

#include <sodium.h>

enum {
    BLOCK = 64, /* of Salsa20 */
    UNIT = 512, /* what it does best */
    HALF_UNIT = 256,
    POLY_KEY = 32,
    FIRST = BLOCK - POLY_KEY,  /* octets of text in the first block */
    AT_ONCE = UNIT - POLY_KEY, /* up to that size a text is opened by one call, in a copy */
    CHUNK = 16384,             /* a larger text is encrypted and hashed by turns, while it is in the cache */
};

_Static_assert((int)IH_BOX_ROOM == POLY_KEY, "the room before a text takes Poly1305's key");
_Static_assert((int)IH_BOX_HEAD == FIRST, "a head is sealed with the first block");
_Static_assert((int)IH_BOX_SPARE >= UNIT - FIRST, "the last unit may begin with one octet of text");

void ih_box_subkey(uint8_t subkey[IH_CURVE_KEY], const uint8_t shared[IH_CURVE_KEY], const char *prefix)
{
    (void)crypto_core_hsalsa20(subkey, (const uint8_t *)prefix, shared, NULL);
}

/* The stream's first block. */
static void first_block(uint8_t block[BLOCK], const uint8_t nonce[IH_CURVE_SHORT_NONCE],
                        const uint8_t subkey[IH_CURVE_KEY])
{
    uint8_t input[16] = {0};

    memcpy(input, nonce, IH_CURVE_SHORT_NONCE);
    (void)crypto_core_salsa20(block, input, subkey, NULL);
}

static void xor_octets(uint8_t *out, const uint8_t *in, const uint8_t *stream, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = in[i] ^ stream[i];
}

/* The size to ask for in place of size. */
static size_t round_up(size_t size)
{
    size_t last = size % UNIT;

    if (last == 0)
        return size;
    if (last <= BLOCK)
        return size - last + BLOCK;
    return size - last + (last <= HALF_UNIT ? HALF_UNIT : UNIT);
}

/* Encrypts or decrypts with the stream from block ic on; writes size octets, not more. out may be in. */
static void xor_stream(uint8_t *out, const uint8_t *in, size_t size, const uint8_t nonce[IH_CURVE_SHORT_NONCE],
                       uint64_t ic, const uint8_t subkey[IH_CURVE_KEY])
{
    size_t last = size % UNIT;
    size_t whole = size - last;
    uint8_t unit[UNIT];

    if (whole > 0)
        (void)crypto_stream_salsa20_xor_ic(out, in, whole, nonce, ic, subkey);
    if (last > 0) {
        memcpy(unit, in + whole, last);
        (void)crypto_stream_salsa20_xor_ic(unit, unit, round_up(last), nonce, ic + whole / BLOCK, subkey);
        memcpy(out + whole, unit, last);
    }
}

void ih_box_seal(const uint8_t subkey[IH_CURVE_KEY], uint64_t nonce, uint8_t *text, size_t size, uint8_t *tag)
{
    uint8_t short_nonce[IH_CURVE_SHORT_NONCE];
    uint8_t *start = text - POLY_KEY;
    uint8_t block[BLOCK];

    ih_curve_put_nonce(short_nonce, nonce);
    if (size <= FIRST) {
        first_block(block, short_nonce, subkey);
        xor_octets(text, text, block + POLY_KEY, size);
    } else {
        memset(start, 0, POLY_KEY);
        (void)crypto_stream_salsa20_xor(start, start, round_up(POLY_KEY + size), short_nonce, subkey);
        memcpy(block, start, POLY_KEY);
    }
    (void)crypto_onetimeauth_poly1305(tag, text, size, block);
    sodium_memzero(block, sizeof block);
}

void ih_box_seal_parts(const uint8_t subkey[IH_CURVE_KEY], uint64_t nonce, uint8_t *head, size_t head_size,
                       const uint8_t *text, size_t size, uint8_t *out, uint8_t *tag)
{
    crypto_onetimeauth_poly1305_state auth;
    uint8_t short_nonce[IH_CURVE_SHORT_NONCE];
    uint8_t block[BLOCK];
    size_t part = FIRST - head_size < size ? FIRST - head_size : size;
    uint64_t ic = 1;

    ih_curve_put_nonce(short_nonce, nonce);
    first_block(block, short_nonce, subkey);
    (void)crypto_onetimeauth_poly1305_init(&auth, block);
    xor_octets(head, head, block + POLY_KEY, head_size);
    (void)crypto_onetimeauth_poly1305_update(&auth, head, head_size);
    xor_octets(out, text, block + POLY_KEY + head_size, part);
    (void)crypto_onetimeauth_poly1305_update(&auth, out, part);
    for (size_t done = part; done < size; done += part) {
        part = size - done < CHUNK ? size - done : CHUNK;
        xor_stream(out + done, text + done, part, short_nonce, ic, subkey);
        (void)crypto_onetimeauth_poly1305_update(&auth, out + done, part);
        ic += CHUNK / BLOCK;
    }
    (void)crypto_onetimeauth_poly1305_final(&auth, tag);
    sodium_memzero(block, sizeof block);
}

/* A text of at most AT_ONCE octets, by one call in a copy. */
static int open_small(const uint8_t subkey[IH_CURVE_KEY], const uint8_t *nonce, const uint8_t *tag,
                      const uint8_t *sealed, size_t size, uint8_t *head, uint8_t *out)
{
    uint8_t unit[UNIT];

    if (size <= FIRST) {
        first_block(unit, nonce, subkey);
        xor_octets(unit + POLY_KEY, sealed, unit + POLY_KEY, size);
    } else {
        memset(unit, 0, POLY_KEY);
        memcpy(unit + POLY_KEY, sealed, size);
        (void)crypto_stream_salsa20_xor(unit, unit, round_up(POLY_KEY + size), nonce, subkey);
    }
    if (crypto_onetimeauth_poly1305_verify(tag, sealed, size, unit) != 0)
        return -EBADMSG;
    *head = unit[POLY_KEY];
    memcpy(out, unit + POLY_KEY + 1, size - 1);
    return 0;
}

int ih_box_open(const uint8_t subkey[IH_CURVE_KEY], uint64_t nonce, const uint8_t *tag, const uint8_t *sealed,
                size_t size, uint8_t *head, uint8_t *out)
{
    uint8_t short_nonce[IH_CURVE_SHORT_NONCE];
    uint8_t block[BLOCK];
    int rc = -EBADMSG;

    ih_curve_put_nonce(short_nonce, nonce);
    if (size <= AT_ONCE)
        return open_small(subkey, short_nonce, tag, sealed, size, head, out);
    first_block(block, short_nonce, subkey);
    if (crypto_onetimeauth_poly1305_verify(tag, sealed, size, block) == 0) {
        *head = sealed[0] ^ block[POLY_KEY];
        xor_octets(out, sealed + 1, block + POLY_KEY + 1, FIRST - 1);
        xor_stream(out + FIRST - 1, sealed + FIRST, size - FIRST, short_nonce, 1, subkey);
        rc = 0;
    }
    sodium_memzero(block, sizeof block);
    return rc;
}
