/* SPDX-License-Identifier: ISC */
/* For LD_PRELOAD: password hashes with the least work there is, so that tests of programs need neither half a second nor 64 MiB
 * for each, which is much more on a machine that does other things. */
#include <dlfcn.h>
#include <sodium.h>

typedef int(text_fn)(char *, const char *, unsigned long long, unsigned long long, size_t);
typedef int(hash_fn)(unsigned char *, unsigned long long, const char *, unsigned long long, const unsigned char *,
                     unsigned long long, size_t, int);

int crypto_pwhash_str(char out[crypto_pwhash_STRBYTES], const char *const password, unsigned long long size,
                      unsigned long long rounds, size_t memory)
{
    text_fn *real = NULL;

    (void)rounds;
    (void)memory;
    *(void **)(void *)&real = dlsym(RTLD_NEXT, "crypto_pwhash_str");
    return real(out, password, size, crypto_pwhash_OPSLIMIT_MIN, crypto_pwhash_MEMLIMIT_MIN);
}

/* Nobody's hash, that of users who are not there, has a salt of zeros. */
int crypto_pwhash(unsigned char *const out, unsigned long long out_size, const char *const password,
                  unsigned long long size, const unsigned char *const salt, unsigned long long rounds, size_t memory,
                  int algorithm)
{
    hash_fn *real = NULL;

    *(void **)(void *)&real = dlsym(RTLD_NEXT, "crypto_pwhash");
    if (sodium_is_zero(salt, crypto_pwhash_SALTBYTES)) {
        rounds = crypto_pwhash_OPSLIMIT_MIN;
        memory = crypto_pwhash_MEMLIMIT_MIN;
    }
    return real(out, out_size, password, size, salt, rounds, memory, algorithm);
}
