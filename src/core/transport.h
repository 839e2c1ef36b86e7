/* SPDX-License-Identifier: ISC */
/* The contract of a transport: how endpoints are bound and connected. */
#ifndef IH_CORE_TRANSPORT_H
#define IH_CORE_TRANSPORT_H

#include <stdbool.h>

#include "base/list.h"

struct ih_socket;
struct ih_transport_ops;

/* One zmq_bind or zmq_connect. Embedded in the transport's own struct. Guarded by the socket's lock; lives until
 * ops->close, or, when output lingers, until that is done. */
struct ih_endpoint {
    struct ih_list node; /* socket->endpoints */
    struct ih_socket *socket;
    const struct ih_transport_ops *transport;
    bool listener;
    bool closing; /* closed, lingers */
    char *uri;    /* as ZMQ_LAST_ENDPOINT shows it */
    char *asked;  /* as the application wrote it */
};

/* Every slot: socket's lock held, must not block. */
struct ih_transport_ops {
    const char *scheme; /* "tcp": what stands before :// */
    bool uses_io;       /* needs an I/O thread (else EMTHREAD) */

    /* address: what follows "://". Adds an endpoint to socket->endpoints, its uri filled in, and starts it. -errno as
     * zmq_bind and zmq_connect document. */
    int (*bind)(struct ih_socket *socket, const char *address, struct ih_endpoint **result);
    int (*connect)(struct ih_socket *socket, const char *address, struct ih_endpoint **result);

    /* zmq_unbind, zmq_disconnect, zmq_close. What was sent and is not on the wire yet lingers as ZMQ_LINGER says. The
     * endpoint is out of the list when nothing lingers, or as soon as nothing does any more. */
    void (*close)(struct ih_endpoint *endpoint);
};

/* The transport of a scheme of the given length, or NULL. */
const struct ih_transport_ops *ih_transport_find(const char *scheme, size_t size);

/* For transports: fills in the endpoint and adds it. -ENOMEM. */
int ih_endpoint_init(struct ih_endpoint *endpoint, struct ih_socket *socket, const struct ih_transport_ops *transport,
                     bool listener, const char *uri, const char *address);
void ih_endpoint_fini(struct ih_endpoint *endpoint);

#endif
