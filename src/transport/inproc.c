/* SPDX-License-Identifier: ISC */
/* The transport inproc: links between sockets of one context. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/context.h"
#include "core/inproc.h"
#include "core/pipe.h"
#include "core/socket.h"
#include "core/transport.h"

extern const struct ih_transport_ops ih_inproc_transport;

/* A bound name, or a connected link. */
struct inproc_endpoint {
    struct ih_endpoint endpoint;
    struct ih_inproc_name *name; /* bound */
    struct ih_link *link;        /* connected: held */
};

static void set_hwm(struct ih_socket *socket, struct ih_link_end *end)
{
    end->hwm_in = socket->opt.rcvhwm;
    end->hwm_out = socket->opt.sndhwm;
}

static void set_id(struct ih_link_end *end, const uint8_t *id, uint8_t size)
{
    ih_lock_enter(&end->link->lock);
    end->id_size = size;
    memcpy(end->id, id, size);
    ih_lock_leave(&end->link->lock);
}

/* --- binding ---------------------------------------------------------------------------------------------------- */

/* The bound socket looks at its mail: a link has come. Nobody would connect it again: without memory it is looked at
 * later. */
static void accept_notice(struct ih_link_end *end)
{
    struct ih_socket *socket = end->socket;

    set_hwm(socket, end);
    ih_link_set_limits(end->link);
    if (ih_link_pipe(socket, end) == -ENOMEM)
        ih_link_notify(ih_link_peer(end));
}

/* On the connecting thread, registry's lock held. */
static void offer(struct ih_inproc_name *name, struct ih_link *link)
{
    set_id(&link->end[1], name->id, name->id_size);
    link->end[1].hwm_in = name->hwm_in;
    link->end[1].hwm_out = name->hwm_out;
    ih_link_set_limits(link);
    ih_link_occupy(&link->end[1], name->socket, accept_notice, NULL);
    ih_link_notify(&link->end[0]);
    ih_link_notify(&link->end[1]); /* the connecting socket may wait for somebody to come */
}

static int make(struct ih_socket *socket, const char *address, bool listener, struct inproc_endpoint **result)
{
    struct inproc_endpoint *endpoint = calloc(1, sizeof(*endpoint));
    char uri[512];
    int rc;

    if (!endpoint)
        return -ENOMEM;
    snprintf(uri, sizeof(uri), "inproc://%s", address);
    rc = ih_endpoint_init(&endpoint->endpoint, socket, &ih_inproc_transport, listener, uri, address);
    if (rc < 0)
        free(endpoint);
    else
        *result = endpoint;
    return rc;
}

static void unmake(struct inproc_endpoint *endpoint)
{
    ih_endpoint_fini(&endpoint->endpoint);
    if (endpoint->link)
        ih_link_release(endpoint->link);
    free(endpoint);
}

static int bind_inproc(struct ih_socket *socket, const char *address, struct ih_endpoint **result)
{
    struct inproc_endpoint *endpoint;
    int rc = make(socket, address, true, &endpoint);

    if (rc < 0)
        return rc;
    rc = ih_inproc_bind(&socket->ctx->inproc, address, socket, offer, NULL, &endpoint->name);
    if (rc < 0) {
        unmake(endpoint);
        return rc;
    }
    ih_mail_take(socket); /* links that waited for the name */
    *result = &endpoint->endpoint;
    return 0;
}

/* --- closing ---------------------------------------------------------------------------------------------------- */

static void close_inproc(struct ih_endpoint *base)
{
    struct inproc_endpoint *endpoint = IH_CONTAINER(base, struct inproc_endpoint, endpoint);
    struct ih_socket *socket = base->socket;

    if (endpoint->name) {
        ih_inproc_unbind(&socket->ctx->inproc, endpoint->name);
    } else {
        struct ih_pipe *pipe = endpoint->link->end[0].owner;

        ih_inproc_forget(&socket->ctx->inproc, endpoint->link);
        if (pipe)
            ih_pipe_close(pipe, true);
    }
    unmake(endpoint);
}

/* --- connecting ------------------------------------------------------------------------------------------------- */

static int connect_inproc(struct ih_socket *socket, const char *address, struct ih_endpoint **result)
{
    struct inproc_endpoint *endpoint;
    struct ih_link *link = ih_link_new();
    int rc;

    if (!link)
        return -ENOMEM;
    set_hwm(socket, &link->end[0]);
    set_id(&link->end[0], socket->opt.routing_id, socket->opt.routing_id_size);
    rc = make(socket, address, false, &endpoint);
    if (rc < 0) {
        ih_link_release(link);
        ih_link_release(link);
        return rc;
    }
    endpoint->link = link;
    ih_link_hold(link);
    link->end[1].limit = (size_t)socket->opt.sndhwm; /* and what the other socket adds when it comes */
    rc = ih_inproc_connect(&socket->ctx->inproc, address, link, true);
    if (rc < 0) {
        ih_link_release(link);
        ih_link_release(link);
        unmake(endpoint);
        return rc;
    }
    *result = &endpoint->endpoint;
    rc = ih_link_pipe(socket, &link->end[0]);
    if (rc == -EAGAIN)
        return 0; /* a second peer of a PAIR is refused silently */
    if (rc == -ENOMEM)
        ih_link_close(&link->end[0]);
    if (rc < 0)
        close_inproc(&endpoint->endpoint);
    return rc;
}

const struct ih_transport_ops ih_inproc_transport = {
    .scheme = "inproc",
    .bind = bind_inproc,
    .connect = connect_inproc,
    .close = close_inproc,
};
