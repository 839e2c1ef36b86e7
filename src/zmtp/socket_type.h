/* SPDX-License-Identifier: ISC */
/* Which socket types may talk to each other (RFC 37, "The Socket-Type Property"). */
#ifndef IH_ZMTP_SOCKET_TYPE_H
#define IH_ZMTP_SOCKET_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True if a socket of type own accepts a peer that calls itself peer. */
bool ih_socket_type_accepts(const char *own, const uint8_t *peer, size_t peer_size);

/* True if sockets of that type announce their identity. */
bool ih_socket_type_announces(const char *own);

#endif
