/* SPDX-License-Identifier: ISC */
/* A socket's endpoints as a whole. */
#ifndef IH_CORE_ENDPOINT_H
#define IH_CORE_ENDPOINT_H

#include "core/event.h"
#include "core/transport.h"

struct ih_socket;

/* A byte-stream connection as core sees it: what transport/stream.c embeds. In socket->conns from its creation until it
 * is closed. Guarded by the socket's lock. */
struct ih_conn {
    struct ih_source source;
    struct ih_list node;
    /* Closes it now, whatever waits to be sent. Lock held. */
    void (*cut)(struct ih_conn *conn);
};

/* zmq_close: closes every endpoint, with lingering where there is something to linger for. Lock held. */
void ih_endpoint_close_all(struct ih_socket *socket);

/* The linger time is over: closes what is left. Lock held. */
void ih_endpoint_cut_all(struct ih_socket *socket);

#endif
