/* SPDX-License-Identifier: ISC */
/* Connecting through a SOCKS5 proxy: what it is told, and the octets between it and the descriptor. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/socket.h"
#include "transport/socks.h"
#include "transport/stream.h"

/* Owner: the stream_origin; lives as long as it. Immutable. */
struct stream_proxy {
    char *address; /* HOST:PORT of the proxy */
    struct ih_socks_address destination;
    struct ih_blob username, password;
};

_Static_assert(sizeof(((struct ih_net_target *)NULL)->host) == IH_SOCKS_TEXT + 1, "every name fits the request");

/* --- what is asked for -------------------------------------------------------------------------------------------- */

/* An address is passed on as such, a name as it is: where it leads is the proxy's to find out. */
static int parse_destination(const char *address, struct ih_socks_address *to)
{
    struct ih_net_target target;
    int rc = ih_net_parse_target(address, &target);

    if (rc < 0)
        return rc;
    to->port = target.port;
    if (target.ip_size) {
        to->type = target.ip_size == 4 ? IH_SOCKS_IPV4 : IH_SOCKS_IPV6;
        to->size = target.ip_size;
        memcpy(to->host, target.ip, target.ip_size);
    } else {
        to->type = IH_SOCKS_NAME;
        to->size = (uint8_t)strlen(target.host);
        memcpy(to->host, target.host, to->size);
    }
    return 0;
}

int stream_proxy_new(const struct ih_options *opt, const char *address, struct stream_proxy **result)
{
    struct stream_proxy *proxy;
    int rc = -ENOMEM;

    *result = NULL;
    if (!opt->socks_proxy.size)
        return 0;
    proxy = calloc(1, sizeof(*proxy));
    if (!proxy)
        return -ENOMEM;
    proxy->address = strdup((const char *)opt->socks_proxy.data);
    if (proxy->address)
        rc = parse_destination(address, &proxy->destination);
    if (rc == 0)
        rc = ih_blob_set(&proxy->username, opt->socks_username.data, opt->socks_username.size);
    if (rc == 0)
        rc = ih_blob_set(&proxy->password, opt->socks_password.data, opt->socks_password.size);
    if (rc < 0)
        stream_proxy_free(proxy);
    else
        *result = proxy;
    return rc;
}

void stream_proxy_free(struct stream_proxy *proxy)
{
    if (!proxy)
        return;
    ih_blob_clear(&proxy->username);
    ih_blob_clear(&proxy->password);
    free(proxy->address);
    free(proxy);
}

const char *stream_proxy_address(const struct stream_proxy *proxy)
{
    return proxy->address;
}

/* --- the dialogue ------------------------------------------------------------------------------------------------- */

static int write_output(struct stream_conn *conn)
{
    for (;;) {
        struct iovec iov;
        ssize_t written;

        iov.iov_base = (void *)(uintptr_t)ih_socks_output(conn->socks, &iov.iov_len);
        if (!iov.iov_len)
            return 0;
        written = ih_net_writev(conn->base.source.fd, &iov, 1);
        if (written < 0)
            return (int)written;
        ih_socks_output_done(conn->socks, (size_t)written);
    }
}

/* Reads no further than the dialogue goes: what follows it is the peer's. 1: it is done. */
static int read_input(struct stream_conn *conn)
{
    uint8_t buf[IH_SOCKS_INPUT];
    struct iovec iov = {buf, ih_socks_wanted(conn->socks)};
    ssize_t size = ih_net_readv(conn->base.source.fd, &iov, 1);
    size_t used;

    if (size <= 0)
        return size == 0 ? -EPIPE : (int)size;
    return ih_socks_input(conn->socks, buf, (size_t)size, &used);
}

/* With the lock held: these are a few octets each way, and nothing here waits. */
void stream_proxy_ready(struct stream_conn *conn)
{
    int rc;

    do {
        rc = write_output(conn);
        conn->blocked = rc == -EAGAIN;
        if (rc == 0)
            rc = read_input(conn);
    } while (rc == 0);
    if (rc == -EAGAIN) {
        stream_conn_watch(conn);
    } else if (rc < 0) {
        stream_conn_fail(conn, rc);
    } else {
        stream_proxy_end(conn);
        stream_conn_opened(conn);
    }
}

void stream_proxy_start(struct stream_conn *conn)
{
    const struct stream_proxy *proxy = conn->origin->proxy;
    const struct ih_socks_config config = {
        .destination = &proxy->destination,
        .username = proxy->username.data,
        .username_size = proxy->username.size,
        .password = proxy->password.data,
        .password_size = proxy->password.size,
    };
    int rc = -ENOMEM;

    conn->state = STREAM_PROXY;
    conn->socks = malloc(sizeof(*conn->socks));
    if (conn->socks)
        rc = ih_socks_init(conn->socks, &config);
    if (rc == 0)
        rc = stream_conn_deadline(conn, conn->origin->opt.handshake_ivl);
    if (rc < 0)
        stream_conn_fail(conn, rc);
    else
        stream_proxy_ready(conn);
}

void stream_proxy_end(struct stream_conn *conn)
{
    if (!conn->socks)
        return;
    ih_socks_fini(conn->socks);
    free(conn->socks);
    conn->socks = NULL;
}
