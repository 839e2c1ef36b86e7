/* SPDX-License-Identifier: ISC */
/* The names of mechanisms, and keys as text. */
#include "auth/request.h"

#include <string.h>

#include <zmq.h>

const char *auth_mechanism_name(enum auth_mechanism mechanism)
{
    static const char *const names[AUTH_MECHANISMS] = {"NULL", "PLAIN", "CURVE"};

    return mechanism < AUTH_MECHANISMS ? names[mechanism] : "";
}

const char *auth_key_print(char text[AUTH_KEY_TEXT], const uint8_t key[AUTH_KEY_SIZE])
{
    (void)zmq_z85_encode(text, key, AUTH_KEY_SIZE);
    return text;
}

bool auth_key_parse(uint8_t key[AUTH_KEY_SIZE], const char *text)
{
    uint8_t octets[AUTH_KEY_SIZE];
    char again[AUTH_KEY_TEXT];

    /* Written and compared, since not every libzmq refuses groups that mean more than 32 bits hold. */
    if (strnlen(text, AUTH_KEY_TEXT) != AUTH_KEY_TEXT - 1 || !zmq_z85_decode(octets, text) ||
        !zmq_z85_encode(again, octets, AUTH_KEY_SIZE) || strcmp(text, again) != 0)
        return false;
    memcpy(key, octets, AUTH_KEY_SIZE);
    return true;
}
