/* SPDX-License-Identifier: ISC */
/* Commands in traffic (RFC 37): SUBSCRIBE, CANCEL, PING, PONG. */
#ifndef IH_ZMTP_COMMAND_H
#define IH_ZMTP_COMMAND_H

#include "base/message.h"

/* What stands before a frame's data on the wire. */
struct ih_command_prefix {
    uint8_t text[15]; /* a command name behind its length octet, or 3.0's first octet of a subscription message */
    uint8_t size;
    bool command; /* a command frame */
};

/* The prefix for that kind of frame (not DATA). minor 0: for a peer of ZMTP 3.0, which gets subscriptions as messages
 * (RFC 23, "The Publish-Subscribe Pattern"). */
const struct ih_command_prefix *ih_command_prefix(enum ih_msg_kind kind, unsigned minor);

/* The frame holds a command's body: sets its kind, and leaves the data behind the name. 1: done; 0: a command that
 * is not known here, to be dropped; -EPROTO: no command, or PING or PONG of a wrong size. */
int ih_command_open(struct ih_msg *msg);

#endif
