/* SPDX-License-Identifier: ISC */
/* Endpoints: what zmq_bind and zmq_connect make. */
#include "core/endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "core/context.h"
#include "core/driver.h"
#include "core/io.h"
#include "core/monitor.h"
#include "core/pattern.h"
#include "core/socket.h"
#include "mechanism/security.h"

int ih_endpoint_init(struct ih_endpoint *endpoint, struct ih_socket *socket, const struct ih_transport_ops *transport,
                     bool listener, const char *uri, const char *address)
{
    size_t size = strlen(transport->scheme) + strlen(address) + 4;

    endpoint->socket = socket;
    endpoint->transport = transport;
    endpoint->listener = listener;
    endpoint->uri = strdup(uri);
    endpoint->asked = malloc(size);
    if (!endpoint->uri || !endpoint->asked) {
        free(endpoint->uri);
        free(endpoint->asked);
        return -ENOMEM;
    }
    snprintf(endpoint->asked, size, "%s://%s", transport->scheme, address);
    ih_list_add_tail(&socket->endpoints, &endpoint->node);
    return 0;
}

void ih_endpoint_fini(struct ih_endpoint *endpoint)
{
    ih_list_del(&endpoint->node);
    free(endpoint->uri);
    free(endpoint->asked);
}

/* Finds the transport in "SCHEME://ADDRESS", and whether the socket may use it. */
static int parse(struct ih_socket *socket, const char *uri, const struct ih_transport_ops **transport,
                 const char **address)
{
    const char *colon = uri ? strstr(uri, "://") : NULL;

    if (!colon || colon == uri || !colon[3])
        return -EINVAL;
    *transport = ih_transport_find(uri, (size_t)(colon - uri));
    if (!*transport)
        return -EPROTONOSUPPORT;
    *address = colon + 3;
    if ((*transport)->uses_io) {
        if (!socket->io)
            return -EMTHREAD;
        /* A raw socket speaks no handshake: it must not drop the security that was asked for. */
        if (socket->pattern->raw && ih_security_mechanism(socket->security) != ZMQ_NULL)
            return -ENOCOMPATPROTO;
        return 0;
    }
    if (ih_security_mechanism(socket->security) != ZMQ_NULL)
        return -ENOCOMPATPROTO; /* no mechanism runs within a process */
    return 0;
}

static int remember(struct ih_socket *socket, const char *uri)
{
    char *copy = strdup(uri);

    if (!copy)
        return -ENOMEM;
    free(socket->last_endpoint);
    socket->last_endpoint = copy;
    return 0;
}

/* libzmq's ZMQ_FD is readable after zmq_bind and zmq_connect (but not over inproc), and there are programs that wait for
 * it, whatever ZMQ_EVENTS has to say. */
static void tell(struct ih_socket *socket, const struct ih_transport_ops *transport)
{
    if (!transport->uses_io)
        return;
    socket->extended = true;
    ih_socket_changed(socket);
}

int ih_socket_bind(struct ih_socket *socket, const char *uri)
{
    const struct ih_transport_ops *transport;
    struct ih_endpoint *endpoint;
    const char *address;
    int rc = parse(socket, uri, &transport, &address);

    if (rc == 0)
        rc = transport->bind(socket, address, &endpoint);
    if (rc == 0)
        tell(socket, transport);
    if (rc == 0)
        rc = remember(socket, endpoint->uri);
    return rc;
}

/* A wildcard names no endpoint in particular. */
static bool is_wildcard(const char *uri)
{
    size_t size = strlen(uri);

    return strchr(uri, '*') || (size > 2 && strcmp(uri + size - 2, ":0") == 0);
}

static bool matches(const struct ih_endpoint *endpoint, const char *uri, bool listener)
{
    if (endpoint->listener != listener || endpoint->closing)
        return false;
    return strcmp(endpoint->uri, uri) == 0 || (strcmp(endpoint->asked, uri) == 0 && !(listener && is_wildcard(uri)));
}

static struct ih_endpoint *find_connected(struct ih_socket *socket, const char *uri)
{
    IH_LIST_EACH(node, &socket->endpoints) {
        struct ih_endpoint *endpoint = IH_CONTAINER(node, struct ih_endpoint, node);

        if (matches(endpoint, uri, false))
            return endpoint;
    }
    return NULL;
}

int ih_socket_connect(struct ih_socket *socket, const char *uri)
{
    const struct ih_transport_ops *transport;
    struct ih_endpoint *endpoint;
    const char *address;
    int rc = parse(socket, uri, &transport, &address);

    if (rc == 0 && socket->pattern->connects_once && transport->uses_io && find_connected(socket, uri))
        return 0;
    if (rc == 0)
        rc = transport->connect(socket, address, &endpoint);
    if (rc == 0)
        tell(socket, transport);
    if (rc == 0)
        rc = remember(socket, endpoint->uri);
    return rc;
}

int ih_socket_detach(struct ih_socket *socket, const char *uri, bool listener)
{
    const struct ih_transport_ops *transport;
    const char *address;
    int rc = parse(socket, uri, &transport, &address);
    bool found = false;

    if (rc < 0)
        return rc;
    IH_LIST_EACH_SAFE(node, following, &socket->endpoints) {
        struct ih_endpoint *endpoint = IH_CONTAINER(node, struct ih_endpoint, node);

        if (!matches(endpoint, uri, listener))
            continue;
        found = true;
        transport->close(endpoint);
    }
    ih_driver_flush_direct(socket); /* what lingers */
    return found ? 0 : -ENOENT;
}

void ih_endpoint_close_all(struct ih_socket *socket)
{
    IH_LIST_EACH_SAFE(node, following, &socket->endpoints) {
        struct ih_endpoint *endpoint = IH_CONTAINER(node, struct ih_endpoint, node);

        if (!endpoint->closing)
            endpoint->transport->close(endpoint);
    }
}

void ih_endpoint_cut_all(struct ih_socket *socket)
{
    IH_LIST_EACH_SAFE(node, following, &socket->conns) {
        struct ih_conn *conn = IH_CONTAINER(node, struct ih_conn, node);

        conn->ops->cut(conn);
    }
    IH_LIST_EACH_SAFE(node, following, &socket->endpoints) {
        struct ih_endpoint *endpoint = IH_CONTAINER(node, struct ih_endpoint, node);

        endpoint->transport->close(endpoint);
    }
}

int ih_socket_monitor(struct ih_socket *socket, const char *uri, int events)
{
    static const char scheme[] = "inproc://";

    if (!uri) {
        ih_monitor_stop(socket);
        return 0;
    }
    if (!strstr(uri, "://"))
        return -EINVAL;
    if (strncmp(uri, scheme, sizeof(scheme) - 1) != 0)
        return -EPROTONOSUPPORT;
    if (!uri[sizeof(scheme) - 1])
        return -EINVAL;
    return ih_monitor_start(socket, uri + sizeof(scheme) - 1, events);
}
