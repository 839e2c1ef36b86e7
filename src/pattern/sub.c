/* SPDX-License-Identifier: ISC */
/* SUB (RFC 29): the messages that match one of its topics. */
#include "pattern/subscribe.h"
#include <zmq.h>

static int set(struct ih_socket *socket, int option, const void *value, size_t size)
{
    if (option != ZMQ_SUBSCRIBE && option != ZMQ_UNSUBSCRIBE)
        return -ENOENT;
    return ih_subscribe_change(socket, option == ZMQ_SUBSCRIBE, value, size, true);
}

const struct ih_pattern_ops ih_sub_ops = {
    .type = ZMQ_SUB,
    .name = "SUB",
    .connects_once = true,
    .peers = "PUB XPUB",
    .state_size = sizeof(struct ih_subscribe),
    .conflates = true,
    .init = ih_subscribe_init,
    .fini = ih_subscribe_fini,
    .attach = ih_subscribe_attach,
    .detach = ih_subscribe_detach,
    .readable = ih_subscribe_readable,
    .writable = ih_subscribe_writable,
    .connected = ih_subscribe_connected,
    .recv = ih_subscribe_recv,
    .can_recv = ih_subscribe_can_recv,
    .set = set,
};
