/* SPDX-License-Identifier: ISC */
/* STREAM: octets of peers that speak no ZMTP, each piece preceded by a frame that names its peer. */
#include "core/pattern.h"
#include "pattern/fair.h"
#include "pattern/route.h"
#include <zmq.h>

/* Owner: the socket, at pattern_state; guarded by its lock. */
struct stream {
    struct ih_map routes; /* struct ih_route */
    struct ih_fair fair;
    struct ih_queue ends;          /* id and an empty frame for each peer that is gone */
    bool named;                    /* the id frame of a piece was received, the piece is next */
    struct ih_pipe *target;        /* of the piece being sent, NULL: it is dropped */
    bool sending;                  /* the id frame was sent, the piece is next */
    struct ih_route_id connect_id; /* ZMQ_CONNECT_ROUTING_ID */
    bool quiet;                    /* ZMQ_STREAM_NOTIFY is off */
};

static int init(struct ih_socket *socket)
{
    struct stream *stream = socket->pattern_state;

    ih_map_init(&stream->routes);
    ih_fair_init(&stream->fair);
    ih_queue_init(&stream->ends);
    return 0;
}

static void fini(struct ih_socket *socket)
{
    struct stream *stream = socket->pattern_state;

    ih_map_fini(&stream->routes);
    ih_queue_clear(&stream->ends);
}

static int name_peer(struct stream *stream, struct ih_pipe *pipe)
{
    int rc;

    if (!pipe->connecting || stream->connect_id.size == 0)
        return ih_route_add_made(&stream->routes, pipe);
    rc = ih_route_add(&stream->routes, pipe, stream->connect_id.id, stream->connect_id.size);
    stream->connect_id.size = 0;
    return rc == -EEXIST ? -EADDRINUSE : rc;
}

static int attach(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct stream *stream = socket->pattern_state;
    int rc = name_peer(stream, pipe);

    if (rc == 0 && pipe->connecting) {
        /* zmq_socket(3): the application learns the name of what it has connected from ZMQ_ROUTING_ID. */
        const struct ih_route *route = pipe->data;

        memcpy(socket->opt.routing_id, route->id, route->size);
        socket->opt.routing_id_size = route->size;
    }
    return rc;
}

/* Queues the notice of a peer's end. Without memory there is none. */
static void announce_end(struct stream *stream, struct ih_pipe *pipe)
{
    struct ih_queue notice;
    struct ih_msg msg;
    int rc;

    ih_queue_init(&notice);
    rc = ih_route_frame(pipe, &msg, true);
    if (rc == 0)
        rc = ih_queue_push(&notice, &msg);
    ih_msg_close(&msg);
    ih_msg_init(&msg);
    ih_msg_set_props(&msg, pipe->props);
    if (rc == 0)
        rc = ih_queue_push(&notice, &msg);
    ih_msg_close(&msg);
    if (rc == 0)
        ih_queue_splice(&stream->ends, &notice);
    ih_queue_clear(&notice);
}

static void detach(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct stream *stream = socket->pattern_state;
    const struct ih_route *route = pipe->data;

    ih_fair_remove(&stream->fair, pipe);
    if (!stream->quiet && !route->silent)
        announce_end(stream, pipe);
    ih_route_drop(&stream->routes, pipe);
    if (stream->target == pipe)
        stream->target = NULL;
}

/* A connection stands, or a connecting peer's is lost: an empty message says so, in order with the data. */
static void announce(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct stream *stream = socket->pattern_state;
    struct ih_msg msg;

    if (stream->quiet)
        return;
    ih_msg_init(&msg);
    (void)ih_pipe_feed(pipe, &msg);
}

static void readable(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct stream *stream = socket->pattern_state;

    ih_fair_add(&stream->fair, pipe);
}

static void writable(struct ih_socket *socket, struct ih_pipe *pipe)
{
    (void)socket;
    (void)pipe;
}

static int recv(struct ih_socket *socket, struct ih_msg *msg)
{
    struct stream *stream = socket->pattern_state;
    int rc;

    if (!stream->named && ih_queue_pop(&stream->ends, msg))
        return 0;
    if (stream->named)
        rc = ih_fair_recv(&stream->fair, msg, NULL);
    else
        rc = ih_route_begin(&stream->fair, msg, socket->want_props);
    if (rc == 0)
        stream->named = ih_msg_more(msg);
    return rc;
}

static int send_name(struct stream *stream, struct ih_msg *msg)
{
    struct ih_route *route;

    if (ih_msg_more(msg)) {
        route = ih_route_find(&stream->routes, ih_msg_data(msg), ih_msg_size(msg));
        if (!route)
            return -EHOSTUNREACH;
        if (!ih_pipe_can_write(route->pipe))
            return -EAGAIN;
        stream->target = route->pipe;
        stream->sending = true;
    }
    ih_msg_close(msg);
    ih_msg_init(msg);
    return 0;
}

/* An empty piece: the application closes the connection. */
static void close_target(struct stream *stream)
{
    struct ih_route *route = stream->target->data;

    route->silent = true;
    ih_route_unlist(&stream->routes, route);
    ih_pipe_refuse(stream->target);
}

static int send(struct ih_socket *socket, struct ih_msg *msg)
{
    struct stream *stream = socket->pattern_state;
    int rc = 0;

    if (!stream->sending)
        return send_name(stream, msg);
    msg->flags &= (uint8_t)~IH_MSG_MORE;
    if (stream->target && ih_msg_size(msg) == 0)
        close_target(stream);
    else if (stream->target)
        rc = ih_pipe_write(stream->target, msg);
    if (rc < 0)
        return rc;
    stream->target = NULL;
    stream->sending = false;
    ih_msg_close(msg);
    ih_msg_init(msg);
    return 0;
}

static bool can_send(struct ih_socket *socket)
{
    (void)socket;
    return true;
}

static bool can_recv(struct ih_socket *socket)
{
    struct stream *stream = socket->pattern_state;

    return stream->named || !ih_queue_empty(&stream->ends) || ih_fair_can_recv(&stream->fair);
}

static int set_notify(struct stream *stream, const void *value, size_t size)
{
    int number;
    int rc = ih_option_read_int(value, size, &number);

    if (rc < 0)
        return rc;
    if (number != 0 && number != 1)
        return -EINVAL;
    stream->quiet = number == 0;
    return 0;
}

static int set(struct ih_socket *socket, int option, const void *value, size_t size)
{
    struct stream *stream = socket->pattern_state;

    switch (option) {
    case ZMQ_STREAM_NOTIFY:
        return set_notify(stream, value, size);
    case ZMQ_CONNECT_ROUTING_ID:
        return ih_route_read_id(&stream->connect_id, value, size);
    default:
        return -ENOENT;
    }
}

const struct ih_pattern_ops ih_stream_ops = {
    .type = ZMQ_STREAM,
    .name = "STREAM",
    .peers = "",
    .state_size = sizeof(struct stream),
    .raw = true,
    .init = init,
    .fini = fini,
    .attach = attach,
    .detach = detach,
    .readable = readable,
    .writable = writable,
    .connected = announce,
    .hiccup = announce,
    .send = send,
    .recv = recv,
    .can_send = can_send,
    .can_recv = can_recv,
    .set = set,
};
