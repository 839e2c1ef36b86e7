/* SPDX-License-Identifier: ISC */
/* zmq_curve_*: long-term keys (RFC 26) as text. */
#include <zmq.h>

#include <sodium.h>
#include <string.h>

#include "api/error.h"
#include "base/random.h"
#include "base/z85.h"

enum {
    KEY_SIZE = 32,
    TEXT_SIZE = 40,
};

_Static_assert(crypto_box_PUBLICKEYBYTES == KEY_SIZE, "RFC 26: public keys have 32 octets");
_Static_assert(crypto_box_SECRETKEYBYTES == KEY_SIZE, "RFC 26: secret keys have 32 octets");

int zmq_curve_keypair(char *public_key, char *secret_key)
{
    uint8_t public_octets[KEY_SIZE];
    uint8_t secret_octets[KEY_SIZE];
    int rc = ih_random_init();

    if (rc < 0)
        return ih_api_fail(-rc);
    (void)crypto_box_keypair(public_octets, secret_octets);
    (void)ih_z85_encode(public_key, public_octets, KEY_SIZE);
    (void)ih_z85_encode(secret_key, secret_octets, KEY_SIZE);
    sodium_memzero(secret_octets, sizeof secret_octets);
    return 0;
}

int zmq_curve_public(char *public_key, const char *secret_key)
{
    uint8_t public_octets[KEY_SIZE];
    uint8_t secret_octets[KEY_SIZE];
    int rc = ih_random_init();

    if (rc == 0 && strnlen(secret_key, TEXT_SIZE + 1) != TEXT_SIZE)
        rc = -EINVAL;
    if (rc == 0)
        rc = ih_z85_decode(secret_octets, secret_key, TEXT_SIZE);
    if (rc < 0)
        return ih_api_fail(-rc);
    (void)crypto_scalarmult_base(public_octets, secret_octets);
    (void)ih_z85_encode(public_key, public_octets, KEY_SIZE);
    sodium_memzero(secret_octets, sizeof secret_octets);
    return 0;
}
