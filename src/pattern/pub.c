/* SPDX-License-Identifier: ISC */
/* PUB (RFC 29): messages to those who have subscribed to them. */
#include "pattern/publish.h"
#include <zmq.h>

static int init(struct ih_socket *socket)
{
    struct ih_publish *pub = socket->pattern_state;

    pub->silent = true;
    return ih_publish_init(socket);
}

const struct ih_pattern_ops ih_pub_ops = {
    .type = ZMQ_PUB,
    .name = "PUB",
    .connects_once = true,
    .peers = "SUB XSUB",
    .state_size = sizeof(struct ih_publish),
    .wants_commands = true,
    .conflates = true,
    .init = init,
    .fini = ih_publish_fini,
    .attach = ih_publish_attach,
    .detach = ih_publish_detach,
    .readable = ih_publish_readable,
    .writable = ih_publish_writable,
    .connected = ih_publish_connected,
    .command = ih_publish_command,
    .send = ih_publish_send,
    .can_send = ih_publish_can_send,
    .set = ih_publish_set,
};
