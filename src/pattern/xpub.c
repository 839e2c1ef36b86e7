/* SPDX-License-Identifier: ISC */
/* XPUB (RFC 29): a PUB whose application hears of subscriptions. */
#include "pattern/publish.h"
#include <zmq.h>

static int recv(struct ih_socket *socket, struct ih_msg *msg)
{
    struct ih_publish *pub = socket->pattern_state;

    if (!ih_notices_pop(&pub->notices, msg, &pub->last))
        return -EAGAIN;
    if (!ih_list_empty(&pub->waiting))
        ih_publish_resume(socket);
    return 0;
}

static bool can_recv(struct ih_socket *socket)
{
    struct ih_publish *pub = socket->pattern_state;

    return !ih_notices_empty(&pub->notices);
}

const struct ih_pattern_ops ih_xpub_ops = {
    .type = ZMQ_XPUB,
    .name = "XPUB",
    .peers = "SUB XSUB",
    .state_size = sizeof(struct ih_publish),
    .wants_commands = true,
    .init = ih_publish_init,
    .fini = ih_publish_fini,
    .attach = ih_publish_attach,
    .detach = ih_publish_detach,
    .readable = ih_publish_readable,
    .writable = ih_publish_writable,
    .connected = ih_publish_connected,
    .command = ih_publish_command,
    .send = ih_publish_send,
    .recv = recv,
    .can_send = ih_publish_can_send,
    .can_recv = can_recv,
    .set = ih_publish_set,
};
