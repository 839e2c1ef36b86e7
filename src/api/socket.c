/* SPDX-License-Identifier: ISC */
/* zmq_socket and what is done with one. */
#include <zmq.h>

#include "api/error.h"
#include "core/context.h"
#include "core/driver.h"
#include "core/socket.h"

void *zmq_socket(void *handle, int type)
{
    struct ih_ctx *ctx = ih_ctx_find(handle);
    struct ih_socket *socket;
    int rc;

    if (!ctx)
        return ih_api_fail_null(EFAULT);
    rc = ih_socket_open(ctx, type, &socket);
    return rc < 0 ? ih_api_fail_null(-rc) : socket;
}

int zmq_close(void *handle)
{
    return ih_api_result(ih_socket_close(handle));
}

int zmq_setsockopt(void *handle, int option, const void *value, size_t size)
{
    struct ih_socket *socket;
    int rc = ih_socket_begin(handle, &socket);

    if (rc == 0) {
        rc = ih_socket_set(socket, option, value, size);
        ih_socket_leave(socket);
    }
    return ih_api_result(rc);
}

int zmq_getsockopt(void *handle, int option, void *value, size_t *size)
{
    struct ih_socket *socket;
    int rc = ih_socket_begin(handle, &socket);

    if (rc == 0) {
        rc = ih_socket_get(socket, option, value, size);
        ih_socket_leave(socket);
    } else if (rc == -EINTR) {
        rc = ih_socket_get_forked(handle, option, value, size);
    }
    return ih_api_result(rc);
}

int zmq_bind(void *handle, const char *endpoint)
{
    struct ih_socket *socket;
    int rc = ih_socket_begin(handle, &socket);

    if (rc == 0) {
        rc = ih_socket_bind(socket, endpoint);
        ih_socket_leave(socket);
    }
    return ih_api_result(rc);
}

int zmq_connect(void *handle, const char *endpoint)
{
    struct ih_socket *socket;
    int rc = ih_socket_begin(handle, &socket);

    if (rc == 0) {
        rc = ih_socket_connect(socket, endpoint);
        ih_socket_leave(socket);
    }
    return ih_api_result(rc);
}

static int detach(void *handle, const char *endpoint, bool listener)
{
    struct ih_socket *socket;
    int rc = ih_socket_begin(handle, &socket);

    if (rc == 0) {
        rc = ih_socket_detach(socket, endpoint, listener);
        ih_socket_leave(socket);
    }
    return ih_api_result(rc);
}

int zmq_unbind(void *handle, const char *endpoint)
{
    return detach(handle, endpoint, true);
}

int zmq_disconnect(void *handle, const char *endpoint)
{
    return detach(handle, endpoint, false);
}

int zmq_socket_monitor(void *handle, const char *endpoint, int events)
{
    struct ih_socket *socket;
    int rc = ih_socket_begin(handle, &socket);

    if (rc == 0) {
        rc = ih_socket_monitor(socket, endpoint, events);
        ih_socket_leave(socket);
    }
    return ih_api_result(rc);
}
