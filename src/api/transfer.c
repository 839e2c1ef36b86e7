/* SPDX-License-Identifier: ISC */
/* zmq_send, zmq_recv and their kin. */
#include <limits.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <zmq.h>

#include "api/error.h"
#include "api/msg.h"
#include "base/copy.h"
#include "base/queue.h"
#include "core/driver.h"
#include "core/pattern.h"
#include "core/socket.h"

enum { COPIED_HERE = 1024 }; /* octets that are copied with the lock held at most: entering twice takes as long */

/* The size of a frame as a result: an int. */
static int size_result(size_t size)
{
    return size > INT_MAX ? INT_MAX : (int)size;
}

/* Sends the frame; it stays the caller's if that fails. */
static int send_frame(void *handle, struct ih_msg *msg, int flags)
{
    struct ih_socket *socket;
    size_t size = ih_msg_size(msg);
    int rc = ih_socket_begin(handle, &socket);

    if (rc == 0) {
        rc = ih_socket_send(socket, msg, flags);
        ih_socket_leave(socket);
    }
    return rc < 0 ? rc : size_result(size);
}

static int recv_frame(void *handle, struct ih_msg *msg, int flags, bool props)
{
    struct ih_socket *socket;
    struct ih_props *spare = NULL;
    int rc = ih_socket_begin(handle, &socket);

    if (rc == 0) {
        rc = ih_socket_recv(socket, msg, flags, props, &spare);
        ih_socket_leave(socket);
    }
    return rc < 0 ? rc : size_result(ih_msg_size(msg));
}

/* Receives straight into a frame that owns nothing but its metadata, as one that is used again and again for small messages
 * does: the reference to the metadata then serves the next one too. -ENOTSOCK: nothing has changed. */
static int recv_again(void *handle, struct ih_msg *msg, int flags)
{
    struct ih_socket *socket;
    struct ih_props *spare;
    int rc = ih_socket_begin(handle, &socket);

    if (rc == -ENOTSOCK)
        return rc;
    spare = msg->props;
    ih_msg_init(msg);
    if (rc == 0) {
        rc = ih_socket_recv(socket, msg, flags, true, &spare);
        ih_socket_leave(socket);
    }
    if (spare)
        ih_props_release(spare);
    return rc < 0 ? rc : size_result(ih_msg_size(msg));
}

/* Checks the handle alone, for calls that have something to do before they enter the socket. */
static int check(void *handle)
{
    struct ih_socket *socket;
    int rc = ih_socket_begin(handle, &socket);

    if (rc == 0)
        ih_socket_leave(socket);
    return rc;
}

int zmq_msg_send(zmq_msg_t *msg_, void *handle, int flags)
{
    struct ih_msg *msg = ih_api_msg(msg_);

    if (!msg || !ih_msg_valid(msg)) {
        int rc = check(handle);

        return ih_api_fail(rc < 0 ? -rc : EFAULT);
    }
    return ih_api_result(send_frame(handle, msg, flags));
}

int zmq_msg_recv(zmq_msg_t *msg_, void *handle, int flags)
{
    struct ih_msg *msg = ih_api_msg(msg_);
    struct ih_msg fresh;
    int rc;

    if (!msg || !ih_msg_valid(msg)) {
        rc = check(handle);
        return ih_api_fail(rc < 0 ? -rc : EFAULT);
    }
    if (msg->type == IH_MSG_SMALL)
        return ih_api_result(recv_again(handle, msg, flags));
    ih_msg_init(&fresh);
    rc = recv_frame(handle, &fresh, flags, true);
    if (rc == -ENOTSOCK)
        return ih_api_fail(ENOTSOCK);
    ih_api_close(msg);
    *msg = fresh;
    return ih_api_result(rc);
}

static int send_copy(void *handle, const void *data, size_t size, int flags)
{
    struct ih_msg msg;
    int rc = ih_msg_init_copy(&msg, data, size);

    if (rc < 0)
        return rc;
    rc = send_frame(handle, &msg, flags);
    ih_msg_close(&msg);
    return rc;
}

/* Sends the caller's memory as it is, if the pattern can do that, or a copy of little. -ENOBUFS: it must be copied first. */
static int send_lent(void *handle, const void *data, size_t size, int flags)
{
    struct ih_socket *socket;
    struct ih_msg msg;
    int rc = ih_socket_begin(handle, &socket);

    if (rc < 0)
        return rc;
    if (socket->pattern->borrows)
        ih_msg_init_lent(&msg, data, size);
    else
        rc = size <= COPIED_HERE ? ih_msg_init_copy(&msg, data, size) : -ENOBUFS;
    if (rc == 0) {
        rc = ih_socket_send(socket, &msg, flags);
        ih_msg_close(&msg);
    }
    ih_socket_leave(socket);
    return rc < 0 ? rc : size_result(size);
}

int zmq_send(void *handle, const void *data, size_t size, int flags)
{
    int rc = send_lent(handle, data, size, flags);

    if (rc == -ENOBUFS)
        rc = send_copy(handle, data, size, flags);
    return ih_api_result(rc);
}

int zmq_send_const(void *handle, const void *data, size_t size, int flags)
{
    struct ih_msg msg;
    int rc = ih_msg_init_data(&msg, (void *)(uintptr_t)data, size, NULL, NULL);

    if (rc < 0)
        return ih_api_fail(-rc);
    rc = send_frame(handle, &msg, flags);
    ih_msg_close(&msg);
    return ih_api_result(rc);
}

int zmq_recv(void *handle, void *data, size_t size, int flags)
{
    struct ih_msg msg;
    int rc;

    ih_msg_init(&msg);
    rc = recv_frame(handle, &msg, flags, false);
    if (rc >= 0 && size)
        ih_copy(data, ih_msg_data(&msg), ih_msg_size(&msg) < size ? ih_msg_size(&msg) : size);
    ih_api_close(&msg);
    return ih_api_result(rc);
}

int zmq_sendmsg(void *handle, zmq_msg_t *msg, int flags)
{
    return zmq_msg_send(msg, handle, flags);
}

int zmq_recvmsg(void *handle, zmq_msg_t *msg, int flags)
{
    return zmq_msg_recv(msg, handle, flags);
}

static int copy_parts(struct ih_queue *frames, const struct iovec *iov, size_t count)
{
    int rc = 0;

    for (size_t i = 0; i < count && rc == 0; i++) {
        struct ih_msg msg;

        rc = ih_msg_init_copy(&msg, iov[i].iov_base, iov[i].iov_len);
        if (rc == 0)
            rc = ih_queue_push(frames, &msg);
        ih_msg_close(&msg);
    }
    return rc;
}

int zmq_sendiov(void *handle, struct iovec *iov, size_t count, int flags)
{
    struct ih_socket *socket;
    struct ih_queue frames;
    int rc = check(handle);

    if (rc < 0)
        return ih_api_fail(-rc);
    if (!iov || !count)
        return ih_api_fail(EINVAL);
    ih_queue_init(&frames);
    rc = copy_parts(&frames, iov, count);
    if (rc == 0)
        rc = ih_socket_begin(handle, &socket);
    if (rc == 0) {
        rc = ih_socket_send_frames(socket, &frames, flags);
        ih_socket_leave(socket);
    }
    ih_queue_clear(&frames);
    ih_trash_empty();
    return rc < 0 ? ih_api_fail(-rc) : size_result(iov[count - 1].iov_len);
}

/* Moves frames into memory that the caller frees. *count: how many. */
static int fill_parts(struct iovec *iov, struct ih_queue *frames, size_t *count)
{
    struct ih_msg msg;

    for (*count = 0; ih_queue_pop(frames, &msg); (*count)++) {
        struct iovec *part = &iov[*count];

        part->iov_len = ih_msg_size(&msg);
        part->iov_base = malloc(part->iov_len ? part->iov_len : 1);
        if (part->iov_base)
            memcpy(part->iov_base, ih_msg_data(&msg), part->iov_len);
        ih_api_close(&msg);
        if (!part->iov_base)
            return -ENOMEM;
    }
    return 0;
}

int zmq_recviov(void *handle, struct iovec *iov, size_t *count, int flags)
{
    struct ih_socket *socket;
    struct ih_queue frames;
    int rc = check(handle), filled;
    size_t room;

    if (rc < 0)
        return ih_api_fail(-rc);
    if (!count || !*count || !iov)
        return ih_api_fail(EINVAL);
    room = *count;
    *count = 0;
    ih_queue_init(&frames);
    rc = ih_socket_begin(handle, &socket);
    if (rc == 0) {
        rc = ih_socket_recv_frames(socket, &frames, room, flags);
        ih_socket_leave(socket);
    }
    filled = fill_parts(iov, &frames, count);
    ih_queue_clear(&frames);
    ih_trash_empty();
    rc = rc < 0 ? rc : filled;
    return rc < 0 ? ih_api_fail(-rc) : size_result(*count);
}
