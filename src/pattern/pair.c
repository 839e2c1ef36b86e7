/* SPDX-License-Identifier: ISC */
/* PAIR (RFC 31): one peer at a time, messages both ways. */
#include "core/pattern.h"
#include "pattern/balance.h"
#include "pattern/fair.h"
#include <zmq.h>

/* Owner: the socket, at pattern_state; guarded by its lock. */
struct pair {
    struct ih_pipe *peer;      /* or NULL */
    struct ih_fair fair;       /* of one peer: */
    struct ih_balance balance; /* they know about messages that are begun and about peers that go away */
};

static int init(struct ih_socket *socket)
{
    struct pair *pair = socket->pattern_state;

    ih_fair_init(&pair->fair);
    ih_balance_init(&pair->balance);
    return 0;
}

static int attach(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct pair *pair = socket->pattern_state;

    if (pair->peer)
        return -EAGAIN;
    pair->peer = pipe;
    ih_balance_add(&pair->balance, pipe);
    return 0;
}

static void detach(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct pair *pair = socket->pattern_state;

    pair->peer = NULL;
    ih_fair_remove(&pair->fair, pipe);
    ih_balance_remove(&pair->balance, pipe);
}

static void readable(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct pair *pair = socket->pattern_state;

    ih_fair_add(&pair->fair, pipe);
}

static void writable(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct pair *pair = socket->pattern_state;

    ih_balance_add(&pair->balance, pipe);
}

static int send(struct ih_socket *socket, struct ih_msg *msg)
{
    struct pair *pair = socket->pattern_state;

    return ih_balance_send(&pair->balance, msg, NULL);
}

static int recv(struct ih_socket *socket, struct ih_msg *msg)
{
    struct pair *pair = socket->pattern_state;

    return ih_fair_recv(&pair->fair, msg, NULL);
}

static bool can_send(struct ih_socket *socket)
{
    struct pair *pair = socket->pattern_state;

    return ih_balance_can_send(&pair->balance);
}

static bool can_recv(struct ih_socket *socket)
{
    struct pair *pair = socket->pattern_state;

    return ih_fair_can_recv(&pair->fair);
}

const struct ih_pattern_ops ih_pair_ops = {
    .type = ZMQ_PAIR,
    .name = "PAIR",
    .waits = true,
    .peers_wait = true,
    .borrows = true,
    .peers = "PAIR",
    .state_size = sizeof(struct pair),
    .init = init,
    .attach = attach,
    .detach = detach,
    .readable = readable,
    .writable = writable,
    .send = send,
    .recv = recv,
    .can_send = can_send,
    .can_recv = can_recv,
};
