/* SPDX-License-Identifier: ISC */
/* A socket's options: who owns which. */
#include <errno.h>
#include <string.h>
#include <zmq.h>

#include "core/driver.h"
#include "core/fork.h"
#include "core/inproc.h"
#include "core/pattern.h"
#include "core/socket.h"
#include "core/stable.h"
#include "mechanism/security.h"
#include "platform/poller.h"

int ih_socket_set(struct ih_socket *socket, int option, const void *value, size_t size)
{
    const struct ih_pattern_ops *pattern = socket->pattern;
    int rc = -ENOENT;

    if (!value && size)
        return -EINVAL;
    if (pattern->set) {
        if (atomic_load_explicit(&socket->mail, memory_order_acquire))
            ih_mail_take(socket);
        rc = pattern->set(socket, option, value, size);
        ih_driver_flush_direct(socket); /* subscriptions */
    }
    if (rc == -ENOENT)
        rc = ih_security_set(&socket->security, option, value, size);
    if (rc == -ENOENT)
        rc = ih_options_set(&socket->opt, option, value, size);
    return rc == -ENOENT ? -EINVAL : rc;
}

/* ZMQ_FD: made when it is first asked for, and readable then if there is something that ZMQ_EVENTS has not told yet. */
static int notify_fd(struct ih_socket *socket, int *result)
{
    int fd = atomic_load(&socket->notifyfd);

    if (fd < 0) {
        fd = ih_wakeup_new();
        if (fd < 0)
            return fd;
        if (socket->extended || ih_socket_ready(socket) & ~socket->reported)
            ih_wakeup_raise(fd);
        atomic_store(&socket->notifyfd, fd);
        atomic_store(&socket->asleep, true);
        if (atomic_load(&socket->mail)) /* it came when nobody was to be woken */
            ih_wakeup_raise(fd);
    }
    *result = fd;
    return 0;
}

/* An int that may be asked for with more room than it needs. */
static int write_wide(int result, void *value, size_t *size)
{
    if (*size < sizeof(result))
        return -EINVAL;
    memcpy(value, &result, sizeof(result));
    *size = sizeof(result);
    return 0;
}

static int get_state(struct ih_socket *socket, int option, void *value, size_t *size)
{
    const char *last = socket->last_endpoint ? socket->last_endpoint : "";
    int fd = -1, rc;

    switch (option) {
    case ZMQ_TYPE:
        return ih_option_write_int(socket->pattern->type, value, size);
    case ZMQ_RCVMORE:
        return write_wide(socket->rcvmore, value, size);
    case ZMQ_FD:
        if (*size < sizeof(int))
            return -EINVAL;
        rc = notify_fd(socket, &fd);
        return rc < 0 ? rc : write_wide(fd, value, size);
    case ZMQ_EVENTS:
        if (*size < sizeof(int))
            return -EINVAL;
        return write_wide(ih_socket_events(socket), value, size);
    case ZMQ_LAST_ENDPOINT:
        return ih_option_write_bytes(last, strlen(last), true, value, size);
    case ZMQ_THREAD_SAFE:
        return write_wide(0, value, size); /* as libzmq says for these types; bindings branch on it */
    default:
        return -ENOENT;
    }
}

int ih_socket_get(struct ih_socket *socket, int option, void *value, size_t *size)
{
    int rc;

    if (!value || !size)
        return -EINVAL;
    rc = get_state(socket, option, value, size);
    if (rc == -ENOENT && socket->pattern->get)
        rc = socket->pattern->get(socket, option, value, size);
    if (rc == -ENOENT)
        rc = ih_security_get(socket->security, option, value, size);
    if (rc == -ENOENT)
        rc = ih_options_get(&socket->opt, option, value, size);
    return rc == -ENOENT ? -EINVAL : rc;
}

int ih_socket_get_forked(void *handle, int option, void *value, size_t *size)
{
    struct ih_socket *socket = handle;

    if (!ih_stable_has(&ih_sockets, socket) || atomic_load(&socket->tag) != IH_SOCKET_TAG)
        return -ENOTSOCK;
    if (option != ZMQ_TYPE)
        return -EINTR;
    return ih_option_write_int(socket->pattern->type, value, size);
}
