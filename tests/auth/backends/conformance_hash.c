/* SPDX-License-Identifier: ISC */
/* libsodium's password hash, counted; that of nobody's password, whose salt is zero, with the least work there is. */
#include <dlfcn.h>
#include <sodium.h>
#include <stdatomic.h>
#include <string.h>

#include "conformance.h"

typedef int(hash_fn)(unsigned char *, unsigned long long, const char *, unsigned long long, const unsigned char *,
                     unsigned long long, size_t, int);

static atomic_uint count;

unsigned conformance_hashes(void)
{
    return count;
}

/* In place of libsodium's, for the back ends in this program. */
int crypto_pwhash(unsigned char *const out, unsigned long long out_size, const char *const password,
                  unsigned long long size, const unsigned char *const salt, unsigned long long rounds, size_t memory,
                  int algorithm)
{
    hash_fn *real = NULL;

    *(void **)(void *)&real = dlsym(RTLD_NEXT, "crypto_pwhash");
    count++;
    if (sodium_is_zero(salt, crypto_pwhash_SALTBYTES)) {
        rounds = crypto_pwhash_OPSLIMIT_MIN;
        memory = crypto_pwhash_MEMLIMIT_MIN;
    }
    return real(out, out_size, password, size, salt, rounds, memory, algorithm);
}

const char *conformance_hash(const char *password)
{
    static _Thread_local char hash[AUTH_HASH_MAX];

    if (sodium_init() < 0 || crypto_pwhash_str(hash, password, strlen(password), crypto_pwhash_OPSLIMIT_MIN,
                                               crypto_pwhash_MEMLIMIT_MIN) != 0)
        return NULL;
    return hash;
}
