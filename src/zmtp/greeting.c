/* SPDX-License-Identifier: ISC */
/* The greeting: its parts and the earliest moment that tells an older peer. */
#include "zmtp/greeting.h"

#include <errno.h>
#include <string.h>

/* Offsets: greeting = signature version mechanism as-server filler */
enum {
    SIGNATURE_FIRST = 0,
    SIGNATURE_LAST = 9,
    VERSION_MAJOR = 10,
    VERSION_MINOR = 11,
    MECHANISM = 12,
    AS_SERVER = 32,
};

void ih_greeting_put(uint8_t out[IH_GREETING_SIZE], const char *mechanism, bool as_server)
{
    memset(out, 0, IH_GREETING_SIZE);
    out[SIGNATURE_FIRST] = 0xff;
    out[SIGNATURE_LAST] = 0x7f;
    out[VERSION_MAJOR] = 3;
    out[VERSION_MINOR] = 1;
    memcpy(out + MECHANISM, mechanism, strnlen(mechanism, IH_GREETING_MECHANISM));
    out[AS_SERVER] = as_server;
}

/* mechanism-char = "A"-"Z" | DIGIT | "-" | "_" | "." | "+" | %x0, null-padded */
static bool mechanism_valid(const uint8_t *name)
{
    size_t length = strnlen((const char *)name, IH_GREETING_MECHANISM);

    for (size_t i = 0; i < IH_GREETING_MECHANISM; i++) {
        uint8_t c = name[i];

        if (i >= length ? c != 0 : !((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-_.+", c)))
            return false;
    }
    return length > 0;
}

int ih_greeting_parse(const uint8_t *in, size_t size, struct ih_greeting *greeting)
{
    /* RFC 37, "Detecting ZMTP 1.0 and 2.0 Peers". The padding is not significant. */
    if (size > SIGNATURE_FIRST && in[SIGNATURE_FIRST] != 0xff)
        return -EPROTONOSUPPORT;
    if (size > SIGNATURE_LAST && in[SIGNATURE_LAST] != 0x7f)
        return -EPROTONOSUPPORT;
    /* "A peer MUST accept higher protocol versions as valid." */
    if (size > VERSION_MAJOR && in[VERSION_MAJOR] < 3)
        return -EPROTONOSUPPORT;
    if (size < IH_GREETING_SIZE)
        return 0;
    if (!mechanism_valid(in + MECHANISM) || in[AS_SERVER] > 1)
        return -EPROTO;
    greeting->major = in[VERSION_MAJOR];
    greeting->minor = in[VERSION_MINOR];
    memcpy(greeting->mechanism, in + MECHANISM, IH_GREETING_MECHANISM);
    greeting->mechanism[IH_GREETING_MECHANISM] = '\0';
    greeting->as_server = in[AS_SERVER] == 1;
    return 1;
}
