/* SPDX-License-Identifier: ISC */
/* ROUTER (RFC 28): each message is preceded by a frame that names its peer. */
#include "core/pattern.h"
#include "pattern/fair.h"
#include "pattern/flag.h"
#include "pattern/probe.h"
#include "pattern/route.h"
#include <zmq.h>

/* Owner: the socket, at pattern_state; guarded by its lock. */
struct router {
    struct ih_map routes;          /* struct ih_route */
    struct ih_fair fair;           /* peers that are named */
    bool named;                    /* the id frame was received, the rest is next */
    struct ih_pipe *target;        /* of the message being sent, NULL: it is dropped */
    bool sending;                  /* the id frame was sent, the rest is next */
    struct ih_route_id connect_id; /* ZMQ_CONNECT_ROUTING_ID */
    bool mandatory;                /* ZMQ_ROUTER_MANDATORY */
    bool handover;                 /* ZMQ_ROUTER_HANDOVER */
    bool probe_router;             /* ZMQ_PROBE_ROUTER */
};

extern const struct ih_pattern_ops ih_router_ops;
static const struct ih_pattern_ops raw_ops;

static int init(struct ih_socket *socket)
{
    struct router *router = socket->pattern_state;

    ih_map_init(&router->routes);
    ih_fair_init(&router->fair);
    return 0;
}

static void fini(struct ih_socket *socket)
{
    struct router *router = socket->pattern_state;

    ih_map_fini(&router->routes);
}

/* Names a peer by the id that it announced. */
static int add_announced(struct router *router, struct ih_pipe *pipe)
{
    struct ih_route *old;
    int rc = ih_route_add(&router->routes, pipe, pipe->peer_id, pipe->peer_id_size);

    if (rc != -EEXIST || !router->handover)
        return rc;
    /* Nobody can take over an id that we made or the application gave: only peers' own ids are handed over. */
    old = ih_route_find(&router->routes, pipe->peer_id, pipe->peer_id_size);
    if (!old->chosen)
        return rc;
    ih_route_unlist(&router->routes, old);
    ih_pipe_refuse(old->pipe);
    return ih_route_add(&router->routes, pipe, pipe->peer_id, pipe->peer_id_size);
}

/* Names a peer whose handshake is done. */
static int name_peer(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct router *router = socket->pattern_state;

    if (pipe->peer_id_size > 0 && !socket->pattern->raw)
        return add_announced(router, pipe);
    return ih_route_add_made(&router->routes, pipe);
}

/* Names the peer of a zmq_connect by ZMQ_CONNECT_ROUTING_ID, which is used up. */
static int name_by_option(struct router *router, struct ih_pipe *pipe)
{
    int rc = ih_route_add(&router->routes, pipe, router->connect_id.id, router->connect_id.size);

    router->connect_id.size = 0;
    return rc == -EEXIST ? -EADDRINUSE : rc;
}

static int attach(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct router *router = socket->pattern_state;
    int rc = 0;

    if (pipe->connecting && router->connect_id.size > 0)
        rc = name_by_option(router, pipe);
    else if (!pipe->connecting || pipe->peer_id_size > 0 || socket->pattern->raw)
        rc = name_peer(socket, pipe);
    if (rc == 0 && router->probe_router)
        ih_probe_send(pipe);
    return rc;
}

static void detach(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct router *router = socket->pattern_state;

    ih_fair_remove(&router->fair, pipe);
    ih_route_drop(&router->routes, pipe);
    if (router->target == pipe)
        router->target = NULL;
}

/* A connecting peer tells its id by the handshake; it keeps the name it got first if it is connected again. */
static void connected(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct router *router = socket->pattern_state;
    int rc;

    if (pipe->data)
        return;
    rc = name_peer(socket, pipe);
    if (rc == -ENOMEM)
        pipe->untold = true; /* the next connection is named */
    else if (rc < 0)
        ih_pipe_refuse(pipe);
    else if (ih_pipe_can_read(pipe))
        ih_fair_add(&router->fair, pipe);
}

static void readable(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct router *router = socket->pattern_state;

    if (pipe->data)
        ih_fair_add(&router->fair, pipe);
}

static void writable(struct ih_socket *socket, struct ih_pipe *pipe)
{
    (void)socket;
    (void)pipe;
}

static int recv(struct ih_socket *socket, struct ih_msg *msg)
{
    struct router *router = socket->pattern_state;
    int rc;

    if (router->named)
        rc = ih_fair_recv(&router->fair, msg, NULL);
    else
        rc = ih_route_begin(&router->fair, msg, socket->want_props);
    if (rc == 0)
        router->named = ih_msg_more(msg);
    return rc;
}

/* Looks up the peer that a message is for. RFC 28: one that cannot be routed is dropped, unless ZMQ_ROUTER_MANDATORY. */
static int find_target(struct router *router, struct ih_msg *msg, struct ih_pipe **target)
{
    struct ih_route *route = ih_route_find(&router->routes, ih_msg_data(msg), ih_msg_size(msg));

    *target = NULL;
    if (!route)
        return router->mandatory ? -EHOSTUNREACH : 0;
    if (!ih_pipe_can_write(route->pipe))
        return router->mandatory ? -EAGAIN : 0;
    *target = route->pipe;
    return 0;
}

static int send_name(struct router *router, struct ih_msg *msg)
{
    struct ih_pipe *target;
    int rc;

    if (ih_msg_more(msg)) {
        rc = find_target(router, msg, &target);
        if (rc < 0)
            return rc;
        router->target = target;
        router->sending = true;
    }
    ih_msg_close(msg);
    ih_msg_init(msg);
    return 0;
}

static int send(struct ih_socket *socket, struct ih_msg *msg)
{
    struct router *router = socket->pattern_state;
    const bool more = ih_msg_more(msg);
    int rc = 0;

    if (!router->sending)
        return send_name(router, msg);
    if (router->target)
        rc = ih_pipe_write(router->target, msg);
    if (rc == -ENOMEM)
        return rc;
    if (!router->target || rc < 0) {
        router->target = NULL;
        ih_msg_close(msg);
        ih_msg_init(msg);
    }
    router->sending = more;
    if (!more)
        router->target = NULL;
    return 0;
}

static bool can_send(struct ih_socket *socket)
{
    (void)socket;
    return true;
}

static bool can_recv(struct ih_socket *socket)
{
    struct router *router = socket->pattern_state;

    return router->named || ih_fair_can_recv(&router->fair);
}

/* Connections made from now on carry octets without ZMTP. */
static int set_raw(struct ih_socket *socket, const void *value, size_t size)
{
    bool raw;
    int rc = ih_flag_read(value, size, &raw);

    if (rc == 0)
        socket->pattern = raw ? &raw_ops : &ih_router_ops;
    return rc;
}

static int set(struct ih_socket *socket, int option, const void *value, size_t size)
{
    struct router *router = socket->pattern_state;

    switch (option) {
    case ZMQ_ROUTER_MANDATORY:
        return ih_flag_read(value, size, &router->mandatory);
    case ZMQ_ROUTER_HANDOVER:
        return ih_flag_read(value, size, &router->handover);
    case ZMQ_PROBE_ROUTER:
        return ih_flag_read(value, size, &router->probe_router);
    case ZMQ_CONNECT_ROUTING_ID:
        return ih_route_read_id(&router->connect_id, value, size);
    case ZMQ_ROUTER_RAW:
        return set_raw(socket, value, size);
    default:
        return -ENOENT;
    }
}

const struct ih_pattern_ops ih_router_ops = {
    .type = ZMQ_ROUTER,
    .name = "ROUTER",
    .peers = "REQ DEALER ROUTER",
    .state_size = sizeof(struct router),
    .init = init,
    .fini = fini,
    .attach = attach,
    .detach = detach,
    .readable = readable,
    .writable = writable,
    .connected = connected,
    .send = send,
    .recv = recv,
    .can_send = can_send,
    .can_recv = can_recv,
    .set = set,
};

/* --- ZMQ_ROUTER_RAW --------------------------------------------------------------------------------------------- */

/* A connection is announced by an empty message; its end is not. */
static void raw_connected(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct ih_msg msg;

    (void)socket;
    ih_msg_init(&msg);
    (void)ih_pipe_feed(pipe, &msg);
}

static const struct ih_pattern_ops raw_ops = {
    .type = ZMQ_ROUTER,
    .name = "ROUTER",
    .peers = "",
    .state_size = sizeof(struct router),
    .raw = true,
    .init = init,
    .fini = fini,
    .attach = attach,
    .detach = detach,
    .readable = readable,
    .writable = writable,
    .connected = raw_connected,
    .send = send,
    .recv = recv,
    .can_send = can_send,
    .can_recv = can_recv,
    .set = set,
};
