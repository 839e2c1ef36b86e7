/* SPDX-License-Identifier: ISC */
/* Cookies, and the secrets that their keys are derived from. */
#include "curvezmq/cookie.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/secret.h"
#include "platform/lock.h"

enum {
    SECRETS = 2, /* the current one and the one before */
    ROTATE_MS = IH_COOKIE_LIFE_MS / SECRETS,
    TEXT = 2 * IH_CURVE_KEY,
};

/* In secret memory. */
struct secrets {
    uint8_t key[SECRETS][IH_CURVE_KEY];
};

struct ih_cookie_jar {
    struct ih_lock lock; /* guards the rest */
    struct secrets *secrets;
    uint64_t made_ms;           /* when the current one was made */
    uint64_t current;           /* its number; that of the one before is one less */
    unsigned expected[SECRETS]; /* cookies that were made with each and may come back */
    int started;                /* made_ms is set */
};

/* "COOKIE--" and the long nonce */
static const uint8_t prefix[8] = "COOKIE--";

struct ih_cookie_jar *ih_cookie_jar_new(void)
{
    struct ih_cookie_jar *jar = calloc(1, sizeof *jar);

    if (!jar)
        return NULL;
    jar->secrets = ih_secret_alloc(sizeof *jar->secrets);
    if (!jar->secrets) {
        free(jar);
        return NULL;
    }
    ih_lock_init(&jar->lock);
    randombytes_buf(jar->secrets, sizeof *jar->secrets);
    return jar;
}

void ih_cookie_jar_free(struct ih_cookie_jar *jar)
{
    if (!jar)
        return;
    ih_lock_fini(&jar->lock);
    ih_secret_free(jar->secrets);
    free(jar);
}

/* Called with the lock held, as are the next two. */
static void replace(struct ih_cookie_jar *jar, uint64_t number)
{
    randombytes_buf(jar->secrets->key[number % SECRETS], IH_CURVE_KEY);
    jar->expected[number % SECRETS] = 0;
}

/* Replaces what is older than it may be. */
static void rotate(struct ih_cookie_jar *jar, uint64_t now_ms)
{
    uint64_t age = now_ms - jar->made_ms;

    if (!jar->started) {
        jar->started = 1;
        jar->made_ms = now_ms;
        return;
    }
    /* Two threads may read the clock in another order than they come here. */
    if (now_ms < jar->made_ms || age < ROTATE_MS)
        return;
    if (age >= 2 * ROTATE_MS)
        replace(jar, ++jar->current);
    replace(jar, ++jar->current);
    jar->made_ms = now_ms;
}

/* The current secret, or the one before; its number. */
static uint64_t read_secret(struct ih_cookie_jar *jar, uint64_t now_ms, unsigned before, uint8_t secret[IH_CURVE_KEY])
{
    uint64_t number;

    rotate(jar, now_ms);
    number = jar->current - before;
    memcpy(secret, jar->secrets->key[number % SECRETS], IH_CURVE_KEY);
    return number;
}

/* The cookie key of a connection. */
static void cookie_key(const uint8_t secret[IH_CURVE_KEY], uint64_t serial, uint8_t key[IH_CURVE_KEY])
{
    uint8_t number[sizeof serial];

    ih_curve_put_nonce(number, serial);
    (void)crypto_generichash(key, IH_CURVE_KEY, number, sizeof number, secret, IH_CURVE_KEY);
}

static void make_nonce(uint8_t nonce[crypto_secretbox_NONCEBYTES], const uint8_t long_nonce[IH_CURVE_LONG_NONCE])
{
    memcpy(nonce, prefix, sizeof prefix);
    memcpy(nonce + sizeof prefix, long_nonce, IH_CURVE_LONG_NONCE);
}

uint64_t ih_cookie_seal(struct ih_cookie_jar *jar, uint64_t serial, uint64_t now_ms,
                        const uint8_t client_key[IH_CURVE_KEY], const uint8_t secret_key[IH_CURVE_KEY],
                        uint8_t cookie[IH_CURVE_COOKIE])
{
    uint8_t nonce[crypto_secretbox_NONCEBYTES];
    uint8_t secret[IH_CURVE_KEY];
    uint8_t key[IH_CURVE_KEY];
    uint8_t text[TEXT];
    uint64_t number;

    ih_lock_enter(&jar->lock);
    number = read_secret(jar, now_ms, 0, secret);
    jar->expected[number % SECRETS]++;
    ih_lock_leave(&jar->lock);
    randombytes_buf(cookie, IH_CURVE_LONG_NONCE);
    make_nonce(nonce, cookie);
    cookie_key(secret, serial, key);
    memcpy(text, client_key, IH_CURVE_KEY);
    memcpy(text + IH_CURVE_KEY, secret_key, IH_CURVE_KEY);
    (void)crypto_secretbox_easy(cookie + IH_CURVE_LONG_NONCE, text, sizeof text, nonce, key);
    sodium_memzero(text, sizeof text);
    sodium_memzero(key, sizeof key);
    sodium_memzero(secret, sizeof secret);
    return number;
}

int ih_cookie_open(struct ih_cookie_jar *jar, uint64_t serial, uint64_t now_ms, const uint8_t cookie[IH_CURVE_COOKIE],
                   uint8_t client_key[IH_CURVE_KEY], uint8_t secret_key[IH_CURVE_KEY])
{
    uint8_t nonce[crypto_secretbox_NONCEBYTES];
    uint8_t secret[IH_CURVE_KEY];
    uint8_t key[IH_CURVE_KEY];
    uint8_t text[TEXT];
    int rc = -EBADMSG;

    make_nonce(nonce, cookie);
    for (unsigned before = 0; before < SECRETS && rc < 0; before++) {
        ih_lock_enter(&jar->lock);
        (void)read_secret(jar, now_ms, before, secret);
        ih_lock_leave(&jar->lock);
        cookie_key(secret, serial, key);
        if (crypto_secretbox_open_easy(text, cookie + IH_CURVE_LONG_NONCE, IH_CURVE_COOKIE - IH_CURVE_LONG_NONCE, nonce,
                                       key) == 0)
            rc = 0;
    }
    if (rc == 0) {
        memcpy(client_key, text, IH_CURVE_KEY);
        memcpy(secret_key, text + IH_CURVE_KEY, IH_CURVE_KEY);
    }
    sodium_memzero(text, sizeof text);
    sodium_memzero(key, sizeof key);
    sodium_memzero(secret, sizeof secret);
    return rc;
}

void ih_cookie_forget(struct ih_cookie_jar *jar, uint64_t secret)
{
    ih_lock_enter(&jar->lock);
    /* One that is older was replaced by time. */
    if (jar->current - secret < SECRETS && --jar->expected[secret % SECRETS] == 0)
        replace(jar, secret);
    ih_lock_leave(&jar->lock);
}

void ih_cookie_rotate(struct ih_cookie_jar *jar, uint64_t now_ms)
{
    ih_lock_enter(&jar->lock);
    rotate(jar, now_ms);
    ih_lock_leave(&jar->lock);
}
