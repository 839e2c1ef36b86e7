/* SPDX-License-Identifier: ISC */
/* What peers and a relay say to each other (docs/libcurve.md, "The relay"). Each message is a head: a mark, a command, and
 * for most a key. Behind it FORWARD has the envelope: from a peer as a second frame, so that it need not be copied; to a
 * peer in the same frame, because libzmq 4.3.4 was once seen to abort when connections ended under a DEALER with
 * ZMQ_IMMEDIATE that got messages of several frames. */
#ifndef IH_LIBCURVE_RELAY_WIRE_H
#define IH_LIBCURVE_RELAY_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <curve.h>

enum {
    IH_RELAY_MARK = 0xc5,
    IH_RELAY_SHORT = 2,                 /* octets of a head without a key */
    IH_RELAY_HEAD = 2 + CURVE_KEY_SIZE, /* and with one */
    IH_RELAY_SLACK = 1024,              /* an envelope may be that much larger than what it carries */
};

enum ih_relay_command {
    IH_RELAY_REGISTER = 1,    /* peer: my key;                    relay: you are registered under it */
    IH_RELAY_FORWARD = 2,     /* peer: to whom, envelope;         relay: from whom, envelope */
    IH_RELAY_PING = 3,        /* peer: are you there?             relay: yes */
    IH_RELAY_REFUSED = 4,     /*                                  relay: you cannot be registered under this key */
    IH_RELAY_UNREACHABLE = 5, /*                                  relay: nobody is registered under this key */
    IH_RELAY_UNKNOWN = 6,     /*                                  relay: you are not registered */
};

static inline bool ih_relay_has_key(enum ih_relay_command command)
{
    return command != IH_RELAY_PING && command != IH_RELAY_UNKNOWN;
}

/* Writes a head of IH_RELAY_HEAD or (key NULL) IH_RELAY_SHORT octets; returns its size. */
static inline size_t ih_relay_head(uint8_t *head, enum ih_relay_command command, const uint8_t *key)
{
    head[0] = IH_RELAY_MARK;
    head[1] = (uint8_t)command;
    if (!key)
        return IH_RELAY_SHORT;
    memcpy(head + IH_RELAY_SHORT, key, CURVE_KEY_SIZE);
    return IH_RELAY_HEAD;
}

/* The command of a head, or 0 if it is none; its key, or NULL, in *key. Of FORWARD only the head's part is looked at. */
static inline int ih_relay_parse(const void *data, size_t size, const uint8_t **key)
{
    const uint8_t *head = data;
    int command = size >= IH_RELAY_SHORT && head[0] == IH_RELAY_MARK ? head[1] : 0;

    *key = NULL;
    if (command < IH_RELAY_REGISTER || command > IH_RELAY_UNKNOWN)
        return 0;
    if (!ih_relay_has_key((enum ih_relay_command)command))
        return size == IH_RELAY_SHORT ? command : 0;
    if (size != IH_RELAY_HEAD && (command != IH_RELAY_FORWARD || size < IH_RELAY_HEAD))
        return 0;
    *key = head + IH_RELAY_SHORT;
    return command;
}

#endif
