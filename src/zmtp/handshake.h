/* SPDX-License-Identifier: ISC */
/* The handshake of a connection: greeting, the mechanism's commands, metadata. */
#ifndef IH_ZMTP_HANDSHAKE_H
#define IH_ZMTP_HANDSHAKE_H

#include "zmtp/connection.h"

struct ih_zmtp_handshake;

/* Its greeting is in the output. NULL when out of memory. */
struct ih_zmtp_handshake *ih_zmtp_handshake_new(struct ih_zmtp *zmtp, const struct ih_zmtp_config *config);

/* Wipes and frees; NULL is fine. */
void ih_zmtp_handshake_free(struct ih_zmtp_handshake *handshake);

#endif
