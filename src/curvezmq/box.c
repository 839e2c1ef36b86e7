/* SPDX-License-Identifier: ISC */
/* The message box: Salsa20 and Poly1305 on subkeys. Salsa20's stream starts with Poly1305's key (32 octets); the text is
 * encrypted with what follows. */
#include "curvezmq/box.h"

#include <errno.h>
#include <string.h>

#include <sodium.h>

enum {
    BLOCK = 64, /* of Salsa20 */
    POLY_KEY = 32,
    AT_ONCE = 480, /* up to that size a text is opened by one call, through a copy; measured */
    CHUNK = 16384, /* larger texts are encrypted and hashed by turns, while they are in the cache */
};

_Static_assert((int)IH_BOX_ROOM == (int)POLY_KEY, "the room before a text takes Poly1305's key");
_Static_assert((int)IH_BOX_HEAD == BLOCK - POLY_KEY, "a head is sealed with the first block");

void ih_box_subkey(uint8_t subkey[IH_CURVE_KEY], const uint8_t shared[IH_CURVE_KEY], const char *prefix)
{
    (void)crypto_core_hsalsa20(subkey, (const uint8_t *)prefix, shared, NULL);
}

void ih_box_seal(const uint8_t subkey[IH_CURVE_KEY], uint64_t nonce, uint8_t *text, size_t size, uint8_t *tag)
{
    uint8_t short_nonce[IH_CURVE_SHORT_NONCE];
    uint8_t poly_key[POLY_KEY];
    uint8_t *start = text - POLY_KEY;

    ih_curve_put_nonce(short_nonce, nonce);
    memset(start, 0, POLY_KEY);
    (void)crypto_stream_salsa20_xor(start, start, POLY_KEY + size, short_nonce, subkey);
    memcpy(poly_key, start, POLY_KEY);
    (void)crypto_onetimeauth_poly1305(tag, text, size, poly_key);
    sodium_memzero(poly_key, sizeof poly_key);
}

void ih_box_seal_parts(const uint8_t subkey[IH_CURVE_KEY], uint64_t nonce, uint8_t *head, size_t head_size,
                       const uint8_t *text, size_t size, uint8_t *out, uint8_t *tag)
{
    uint8_t short_nonce[IH_CURVE_SHORT_NONCE];
    uint8_t block[BLOCK] = {0};
    size_t first = IH_BOX_HEAD - head_size;
    crypto_onetimeauth_poly1305_state auth;

    if (first > size)
        first = size;
    ih_curve_put_nonce(short_nonce, nonce);
    memcpy(block + POLY_KEY, head, head_size);
    memcpy(block + POLY_KEY + head_size, text, first);
    (void)crypto_stream_salsa20_xor(block, block, POLY_KEY + head_size + first, short_nonce, subkey);
    memcpy(head, block + POLY_KEY, head_size);
    memcpy(out, block + POLY_KEY + head_size, first);
    (void)crypto_onetimeauth_poly1305_init(&auth, block);
    (void)crypto_onetimeauth_poly1305_update(&auth, block + POLY_KEY, head_size + first);
    text += first;
    out += first;
    size -= first;
    for (uint64_t ic = 1; size > 0; ic += CHUNK / BLOCK) {
        size_t part = size < CHUNK ? size : CHUNK;

        (void)crypto_stream_salsa20_xor_ic(out, text, part, short_nonce, ic, subkey);
        (void)crypto_onetimeauth_poly1305_update(&auth, out, part);
        text += part;
        out += part;
        size -= part;
    }
    (void)crypto_onetimeauth_poly1305_final(&auth, tag);
    sodium_memzero(block, sizeof block);
}

/* All of a text by one call. */
static int open_at_once(const uint8_t subkey[IH_CURVE_KEY], const uint8_t *short_nonce, const uint8_t *tag,
                        const uint8_t *sealed, size_t size, uint8_t *head, uint8_t *out)
{
    uint8_t block[POLY_KEY + AT_ONCE];

    memset(block, 0, POLY_KEY);
    memcpy(block + POLY_KEY, sealed, size);
    (void)crypto_stream_salsa20_xor(block, block, POLY_KEY + size, short_nonce, subkey);
    if (crypto_onetimeauth_poly1305_verify(tag, sealed, size, block) != 0)
        return -EBADMSG;
    *head = block[POLY_KEY];
    memcpy(out, block + POLY_KEY + 1, size - 1);
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
        return open_at_once(subkey, short_nonce, tag, sealed, size, head, out);
    (void)crypto_stream_salsa20(block, sizeof block, short_nonce, subkey);
    if (crypto_onetimeauth_poly1305_verify(tag, sealed, size, block) == 0) {
        *head = sealed[0] ^ block[POLY_KEY];
        for (size_t i = 1; i < IH_BOX_HEAD; i++)
            out[i - 1] = sealed[i] ^ block[POLY_KEY + i];
        (void)crypto_stream_salsa20_xor_ic(out + IH_BOX_HEAD - 1, sealed + IH_BOX_HEAD, size - IH_BOX_HEAD, short_nonce,
                                           1, subkey);
        rc = 0;
    }
    sodium_memzero(block, sizeof block);
    return rc;
}
