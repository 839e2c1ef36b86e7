/* SPDX-License-Identifier: ISC */
/* DEALER (RFC 28): messages to the peers in turn, and from them in turn. */
#include "core/pattern.h"
#include "pattern/balance.h"
#include "pattern/fair.h"
#include "pattern/flag.h"
#include "pattern/probe.h"
#include <zmq.h>

/* Owner: the socket, at pattern_state; guarded by its lock. */
struct dealer {
    struct ih_fair fair;
    struct ih_balance balance;
    bool probe_router; /* ZMQ_PROBE_ROUTER */
};

static int init(struct ih_socket *socket)
{
    struct dealer *dealer = socket->pattern_state;

    ih_fair_init(&dealer->fair);
    ih_balance_init(&dealer->balance);
    return 0;
}

static int attach(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct dealer *dealer = socket->pattern_state;

    ih_balance_add(&dealer->balance, pipe);
    if (dealer->probe_router)
        ih_probe_send(pipe);
    return 0;
}

static void detach(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct dealer *dealer = socket->pattern_state;

    ih_fair_remove(&dealer->fair, pipe);
    ih_balance_remove(&dealer->balance, pipe);
}

static void readable(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct dealer *dealer = socket->pattern_state;

    ih_fair_add(&dealer->fair, pipe);
}

static void writable(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct dealer *dealer = socket->pattern_state;

    ih_balance_add(&dealer->balance, pipe);
}

static int send(struct ih_socket *socket, struct ih_msg *msg)
{
    struct dealer *dealer = socket->pattern_state;

    return ih_balance_send(&dealer->balance, msg, NULL);
}

static int recv(struct ih_socket *socket, struct ih_msg *msg)
{
    struct dealer *dealer = socket->pattern_state;

    return ih_fair_recv(&dealer->fair, msg, NULL);
}

static bool can_send(struct ih_socket *socket)
{
    struct dealer *dealer = socket->pattern_state;

    return ih_balance_can_send(&dealer->balance);
}

static bool can_recv(struct ih_socket *socket)
{
    struct dealer *dealer = socket->pattern_state;

    return ih_fair_can_recv(&dealer->fair);
}

static int set(struct ih_socket *socket, int option, const void *value, size_t size)
{
    struct dealer *dealer = socket->pattern_state;

    if (option == ZMQ_PROBE_ROUTER)
        return ih_flag_read(value, size, &dealer->probe_router);
    return -ENOENT;
}

const struct ih_pattern_ops ih_dealer_ops = {
    .type = ZMQ_DEALER,
    .name = "DEALER",
    .waits = true,
    .borrows = true,
    .connects_once = true,
    .peers = "REP DEALER ROUTER",
    .state_size = sizeof(struct dealer),
    .conflates = true,
    .init = init,
    .attach = attach,
    .detach = detach,
    .readable = readable,
    .writable = writable,
    .send = send,
    .recv = recv,
    .can_send = can_send,
    .can_recv = can_recv,
    .set = set,
};
