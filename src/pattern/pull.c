/* SPDX-License-Identifier: ISC */
/* PULL (RFC 30): messages from the PUSH peers in turn. */
#include "core/pattern.h"
#include "pattern/fair.h"
#include <zmq.h>

/* Owner: the socket, at pattern_state; guarded by its lock. */
struct pull {
    struct ih_fair fair;
};

static int init(struct ih_socket *socket)
{
    struct pull *pull = socket->pattern_state;

    ih_fair_init(&pull->fair);
    return 0;
}

static int attach(struct ih_socket *socket, struct ih_pipe *pipe)
{
    (void)socket;
    (void)pipe;
    return 0;
}

static void detach(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct pull *pull = socket->pattern_state;

    ih_fair_remove(&pull->fair, pipe);
}

static void readable(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct pull *pull = socket->pattern_state;

    ih_fair_add(&pull->fair, pipe);
}

static void writable(struct ih_socket *socket, struct ih_pipe *pipe)
{
    (void)socket;
    (void)pipe;
}

static int recv(struct ih_socket *socket, struct ih_msg *msg)
{
    struct pull *pull = socket->pattern_state;

    return ih_fair_recv(&pull->fair, msg, NULL);
}

static bool can_recv(struct ih_socket *socket)
{
    struct pull *pull = socket->pattern_state;

    return ih_fair_can_recv(&pull->fair);
}

const struct ih_pattern_ops ih_pull_ops = {
    .type = ZMQ_PULL,
    .name = "PULL",
    .peers = "PUSH",
    .state_size = sizeof(struct pull),
    .peers_wait = true,
    .conflates = true,
    .init = init,
    .attach = attach,
    .detach = detach,
    .readable = readable,
    .writable = writable,
    .recv = recv,
    .can_recv = can_recv,
};
