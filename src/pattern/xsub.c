/* SPDX-License-Identifier: ISC */
/* XSUB (RFC 29): a SUB that subscribes by sending messages, and may send others to its publishers. */
#include "pattern/flag.h"
#include "pattern/subscribe.h"
#include <zmq.h>

/* A frame that begins with 1 or 0 subscribes to, or cancels, what follows. */
static bool subscribes(const struct ih_subscribe *sub, struct ih_msg *msg)
{
    return ih_msg_size(msg) > 0 && ih_msg_data(msg)[0] <= 1 && (!sub->sending || !sub->only_first);
}

/* All publishers that have room get the message. */
static void aim(struct ih_socket *socket, struct ih_dist *dist)
{
    ih_dist_clear(dist);
    IH_LIST_EACH(link, &socket->pipes) {
        struct ih_pipe *pipe = IH_CONTAINER(link, struct ih_pipe, node);

        if (pipe->attached)
            ih_dist_add(dist, pipe);
    }
    (void)ih_dist_prune(dist);
}

static int send(struct ih_socket *socket, struct ih_msg *msg)
{
    struct ih_subscribe *sub = socket->pattern_state;
    const bool more = ih_msg_more(msg);
    const uint8_t *data = ih_msg_data(msg);
    int rc;

    if (subscribes(sub, msg)) {
        rc = ih_subscribe_change(socket, data[0] == 1, data + 1, ih_msg_size(msg) - 1, !sub->sending);
        if (rc < 0)
            return rc;
        /* Inside a message it stays where it is, where publishers see it, so that the message stays whole. */
        if (!sub->sending) {
            ih_msg_close(msg);
            ih_msg_init(msg);
            return 0;
        }
    }
    if (!sub->sending)
        aim(socket, &sub->dist);
    sub->sending = more;
    ih_dist_send(&sub->dist, msg);
    return 0;
}

static bool can_send(struct ih_socket *socket)
{
    (void)socket;
    return true;
}

static int set(struct ih_socket *socket, int option, const void *value, size_t size)
{
    struct ih_subscribe *sub = socket->pattern_state;

    if (option == ZMQ_ONLY_FIRST_SUBSCRIBE)
        return ih_flag_read(value, size, &sub->only_first);
    return -ENOENT;
}

const struct ih_pattern_ops ih_xsub_ops = {
    .type = ZMQ_XSUB,
    .name = "XSUB",
    .peers = "PUB XPUB",
    .state_size = sizeof(struct ih_subscribe),
    .init = ih_subscribe_init,
    .fini = ih_subscribe_fini,
    .attach = ih_subscribe_attach,
    .detach = ih_subscribe_detach,
    .readable = ih_subscribe_readable,
    .writable = ih_subscribe_writable,
    .connected = ih_subscribe_connected,
    .send = send,
    .recv = ih_subscribe_recv,
    .can_send = can_send,
    .can_recv = ih_subscribe_can_recv,
    .set = set,
};
