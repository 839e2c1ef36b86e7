/* SPDX-License-Identifier: ISC */

/*
 * What this libzmq.so.5 has beyond libzmq's API. Programs that are to run on any libzmq declare these functions weak, as
 * this header does with IRONHOUSE_WEAK defined before it, and look whether their address is NULL.
 */

#ifndef IRONHOUSE_H
#define IRONHOUSE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if !defined(__GNUC__)
#define IRONHOUSE_EXPORT
#elif defined(IRONHOUSE_WEAK)
#define IRONHOUSE_EXPORT __attribute__((visibility("default"), weak))
#else
#define IRONHOUSE_EXPORT __attribute__((visibility("default")))
#endif

/*
 * Revocation. ZAP (RFC 27) asks once for each connection, when it is made; these two calls let a ZAP handler take its word
 * back: it looks at all connections that were let in, by the metadata that it gave them, and closes some. A handler does
 * so when a permission was lost; docs/libironauth.md shows the whole.
 */

/* One connection, for the time of a callback. */
typedef struct ironhouse_connection ironhouse_connection_t;

/* A metadata property of the connection, as zmq_msg_gets(3) gives it with a message from there: "User-Id",
 * "Peer-Address", and what else the handler's reply held. NULL: it has none of that name. Lives as long as the callback. */
IRONHOUSE_EXPORT const char *ironhouse_property(const ironhouse_connection_t *connection, const char *name);

/* Called for each connection. id is never used twice in a process. A lock is held: call nothing of ZeroMQ, do not block. */
typedef void(ironhouse_connection_fn)(void *arg, uint64_t id, const ironhouse_connection_t *connection);

/*
 * Calls fn for every connection on any socket of the context that a ZAP handler let in, and that is still open. A
 * connection about which a handler has not answered yet, or whose handshake is not finished, is not shown: it is asked
 * about again, by a new request, before it is let in. So a permission that was lost before this call, and that the
 * handler will not give again, is held by the shown connections only.
 * Any thread. Returns the number of connections shown; -1 with EFAULT: no context, or fn is NULL; ETERM; ENOMEM: nothing is shown.
 */
IRONHOUSE_EXPORT int ironhouse_connections(void *context, ironhouse_connection_fn *fn, void *arg);

/* Closes these connections; the monitor of their socket says ZMQ_EVENT_DISCONNECTED. Unsent messages are lost, messages
 * that were read already are still received. Ids of connections that are gone are passed over. Any thread. Returns the
 * number of connections closed; -1 with EFAULT, ETERM, ENOMEM: none is closed. */
IRONHOUSE_EXPORT int ironhouse_close(void *context, const uint64_t *ids, size_t count);

#ifdef __cplusplus
}
#endif

#endif
