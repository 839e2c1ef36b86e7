/* SPDX-License-Identifier: ISC */
/* A socket's endpoints as a whole. */
#ifndef IH_CORE_ENDPOINT_H
#define IH_CORE_ENDPOINT_H

#include "core/event.h"
#include "core/transport.h"

struct ih_conn;
struct ih_props;
struct ih_socket;

/* Every slot: lock held, must not block. */
struct ih_conn_ops {
    /* Closes it now, whatever waits to be sent. */
    void (*cut)(struct ih_conn *conn);
    /* The number of an open connection that a ZAP handler let in, with its metadata, which the connection owns (props may
     * be NULL); 0: it is none. */
    uint64_t (*admitted)(const struct ih_conn *conn, const struct ih_props **props);
    /* What a handler says of the connection now may be out of date: a question that it has not answered is asked anew;
     * where the answer came, but not the end of the handshake, the connection is closed. */
    void (*doubt)(struct ih_conn *conn);
    /* Closes it as a failure: the permission is gone. */
    void (*revoke)(struct ih_conn *conn);
};

/* A byte-stream connection as core sees it: what transport/stream.c embeds. In socket->conns from its creation until it
 * is closed. Guarded by the socket's lock. */
struct ih_conn {
    struct ih_source source;
    struct ih_list node;
    const struct ih_conn_ops *ops;
};

/* zmq_close: closes every endpoint, with lingering where there is something to linger for. Lock held. */
void ih_endpoint_close_all(struct ih_socket *socket);

/* The linger time is over: closes what is left. Lock held. */
void ih_endpoint_cut_all(struct ih_socket *socket);

#endif
