/* SPDX-License-Identifier: ISC */
/* What both ends of a CurveZMQ handshake share (RFC 26). Commands are octets: a name behind its length octet, and
 * fields.
 *
 * Names are the RFC's: C and S are the long-term public keys of client and server, c and s the secret ones; C', S',
 * c', s' the short-term ones of a connection. Results: 0, or
 *   -EPROTO        the command is malformed: name, size, version
 *   -EBADMSG       a box does not open, or a key is of low order
 *   -EKEYREJECTED  the vouch is for another connection or another server
 *   -ESTALE        a short nonce did not grow
 *   -ENOMEM */
#ifndef IH_CURVEZMQ_HANDSHAKE_H
#define IH_CURVEZMQ_HANDSHAKE_H

#include <stdbool.h>

#include "curvezmq/box.h"
#include "curvezmq/keys.h"

enum {
    IH_CURVE_NONCE = 24,
    IH_CURVE_SHORT_PREFIX = 16,
    IH_CURVE_LONG_PREFIX = 8,
};

static const char ih_curve_hello_prefix[] = "CurveZMQHELLO---";
static const char ih_curve_welcome_prefix[] = "WELCOME-";
static const char ih_curve_vouch_prefix[] = "VOUCH---";
static const char ih_curve_initiate_prefix[] = "CurveZMQINITIATE";
static const char ih_curve_ready_prefix[] = "CurveZMQREADY---";
/* The RFC's grammar has "CurveZMQMESSAGE-" for both; its text has these, and so have real peers. */
static const char ih_curve_server_prefix[] = "CurveZMQMESSAGES";
static const char ih_curve_client_prefix[] = "CurveZMQMESSAGEC";

/* A prefix of 16 octets and a counter. */
void ih_curve_short_nonce(uint8_t nonce[IH_CURVE_NONCE], const char *prefix, uint64_t counter);

/* A prefix of 8 octets and 16 random ones. */
void ih_curve_long_nonce(uint8_t nonce[IH_CURVE_NONCE], const char *prefix, const uint8_t random[IH_CURVE_LONG_NONCE]);

/* True if the command has that name. */
bool ih_curve_is(const uint8_t *command, size_t size, const char *name);

/* Writes the name behind its length octet; returns the position behind it. */
uint8_t *ih_curve_put_name(uint8_t *out, const char *name);

/* The keys of traffic, in secret memory, from the key that C' and S' make; counters start behind the given ones.
 * NULL when out of memory. */
struct ih_box_keys *ih_curve_session(const uint8_t shared[IH_CURVE_KEY], bool server, uint64_t sealed, uint64_t opened);

#endif
