/* SPDX-License-Identifier: ISC */
/* SipHash-2-4, by libsodium. */
#include "base/hash.h"

#include <pthread.h>
#include <sodium.h>
#include <string.h>

static unsigned char process_key[crypto_shorthash_KEYBYTES];
static pthread_once_t key_drawn = PTHREAD_ONCE_INIT;

static void draw_key(void)
{
    randombytes_buf(process_key, sizeof process_key);
}

uint64_t ih_hash(const void *data, size_t size)
{
    unsigned char out[crypto_shorthash_BYTES];
    uint64_t hash;

    (void)pthread_once(&key_drawn, draw_key);
    (void)crypto_shorthash(out, data, size, process_key);
    memcpy(&hash, out, sizeof hash);
    return hash;
}
