/* SPDX-License-Identifier: ISC */
/* PUSH (RFC 30): messages to the PULL peers in turn. */
#include "core/pattern.h"
#include "pattern/balance.h"
#include <zmq.h>

/* Owner: the socket, at pattern_state; guarded by its lock. */
struct push {
    struct ih_balance balance;
};

static int init(struct ih_socket *socket)
{
    struct push *push = socket->pattern_state;

    ih_balance_init(&push->balance);
    return 0;
}

static int attach(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct push *push = socket->pattern_state;

    ih_balance_add(&push->balance, pipe);
    return 0;
}

static void detach(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct push *push = socket->pattern_state;

    ih_balance_remove(&push->balance, pipe);
}

/* RFC 30: a PUSH never receives. A peer that sends all the same must not keep its messages here. */
static void readable(struct ih_socket *socket, struct ih_pipe *pipe)
{
    (void)socket;
    ih_pipe_discard(pipe);
}

static void writable(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct push *push = socket->pattern_state;

    ih_balance_add(&push->balance, pipe);
}

static int send(struct ih_socket *socket, struct ih_msg *msg)
{
    struct push *push = socket->pattern_state;

    return ih_balance_send(&push->balance, msg, NULL);
}

static bool can_send(struct ih_socket *socket)
{
    struct push *push = socket->pattern_state;

    return ih_balance_can_send(&push->balance);
}

const struct ih_pattern_ops ih_push_ops = {
    .type = ZMQ_PUSH,
    .name = "PUSH",
    .waits = true,
    .borrows = true,
    .peers = "PULL",
    .state_size = sizeof(struct push),
    .conflates = true,
    .init = init,
    .attach = attach,
    .detach = detach,
    .readable = readable,
    .writable = writable,
    .send = send,
    .can_send = can_send,
};
