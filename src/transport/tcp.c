/* SPDX-License-Identifier: ISC */
/* The transport tcp. */
#include "core/socket.h"
#include "transport/stream.h"

static int parse_bind(const char *address, struct ih_socket *socket, struct ih_addr *addr)
{
    return ih_net_parse_bind(address, socket->opt.ipv6 != 0, addr);
}

static int parse_connect(const char *address, struct ih_socket *socket, struct ih_addr *source, struct ih_addr *addr)
{
    return ih_net_parse_connect(address, socket->opt.ipv6 != 0, source, addr);
}

/* ZMQ_TCP_ACCEPT_FILTER: no filter admits everybody. */
static bool admits(const struct ih_options *opt, int fd, const struct ih_addr *peer)
{
    const struct ih_blob *blob = &opt->tcp_accept_filters;
    const struct ih_net_filter *filters = (const struct ih_net_filter *)(const void *)blob->data;
    size_t count = blob->size / sizeof(*filters);

    (void)fd;
    for (size_t i = 0; i < count; i++)
        if (ih_net_filter_match(&filters[i], peer))
            return true;
    return count == 0;
}

extern const struct ih_transport_ops ih_tcp_transport;

static const struct stream_kind kind = {
    .transport = &ih_tcp_transport,
    .parse_bind = parse_bind,
    .parse_connect = parse_connect,
    .admits = admits,
};

static int bind_tcp(struct ih_socket *socket, const char *address, struct ih_endpoint **result)
{
    return stream_bind(socket, &kind, address, result);
}

static int connect_tcp(struct ih_socket *socket, const char *address, struct ih_endpoint **result)
{
    return stream_connect(socket, &kind, address, result);
}

const struct ih_transport_ops ih_tcp_transport = {
    .scheme = "tcp",
    .uses_io = true,
    .bind = bind_tcp,
    .connect = connect_tcp,
    .close = stream_endpoint_close,
};
