/* SPDX-License-Identifier: ISC */
/* What both ends of a CurveZMQ handshake share: nonces, names, the session's keys. */
#include "curvezmq/handshake.h"

#include <string.h>

#include <sodium.h>

#include "base/secret.h"

_Static_assert((int)IH_CURVE_KEY == crypto_box_PUBLICKEYBYTES && (int)IH_CURVE_KEY == crypto_box_BEFORENMBYTES, "keys");
_Static_assert((int)IH_CURVE_NONCE == crypto_box_NONCEBYTES && (int)IH_CURVE_TAG == crypto_box_MACBYTES, "boxes");

void ih_curve_short_nonce(uint8_t nonce[IH_CURVE_NONCE], const char *prefix, uint64_t counter)
{
    memcpy(nonce, prefix, IH_CURVE_SHORT_PREFIX);
    ih_curve_put_nonce(nonce + IH_CURVE_SHORT_PREFIX, counter);
}

void ih_curve_long_nonce(uint8_t nonce[IH_CURVE_NONCE], const char *prefix, const uint8_t random[IH_CURVE_LONG_NONCE])
{
    memcpy(nonce, prefix, IH_CURVE_LONG_PREFIX);
    memcpy(nonce + IH_CURVE_LONG_PREFIX, random, IH_CURVE_LONG_NONCE);
}

bool ih_curve_is(const uint8_t *command, size_t size, const char *name)
{
    size_t length = strlen(name);

    return size > length && command[0] == length && memcmp(command + 1, name, length) == 0;
}

uint8_t *ih_curve_put_name(uint8_t *out, const char *name)
{
    size_t length = strlen(name);

    *out++ = (uint8_t)length;
    memcpy(out, name, length);
    return out + length;
}

struct ih_box_keys *ih_curve_session(const uint8_t shared[IH_CURVE_KEY], bool server, uint64_t sealed, uint64_t opened)
{
    struct ih_box_keys *keys = ih_secret_alloc(sizeof *keys);

    if (!keys)
        return NULL;
    ih_box_subkey(keys->seal, shared, server ? ih_curve_server_prefix : ih_curve_client_prefix);
    ih_box_subkey(keys->open, shared, server ? ih_curve_client_prefix : ih_curve_server_prefix);
    keys->sealed = sealed;
    keys->opened = opened;
    return keys;
}
