/* SPDX-License-Identifier: ISC */
/* Sending and receiving, on the application's thread. */
#include <errno.h>
#include <string.h>

#include "libcurve/socket.h"
#include "libcurve/wire.h"
#include "libcurve/zmq_seam.h"

/* ---- sending ---- */

/* Frame 1 of a server's or peer's message: finds out whom it names, and takes a place in their queue. */
static int send_name(curve_socket_t *socket, zmq_msg_t *msg, int flags)
{
    int timeout = flags & IH_ZMQ_DONTWAIT ? 0 : socket->options[CURVE_SNDTIMEO];
    zmq_msg_t name;
    int error;

    if (!(flags & ZMQ_SNDMORE))
        return -EINVAL;
    error = ih_board_reserve(&socket->board, zmq_msg_data(msg), zmq_msg_size(msg), timeout, socket->sending_to);
    if (error)
        return error;
    error = ih_zmq_msg_copy_of(&name, socket->sending_to, CURVE_ID_SIZE);
    if (error == 0) {
        error = ih_zmq_send(socket->handle, &name, flags);
        (void)zmq_msg_close(&name);
    }
    if (error) {
        ih_board_cancel(&socket->board, socket->sending_to);
        return error;
    }
    (void)zmq_msg_close(msg);
    (void)zmq_msg_init(msg);
    return 0;
}

/* A frame that the other end gets. With the last one the message has its number, before the worker can see it. */
static int send_frame(curve_socket_t *socket, zmq_msg_t *msg, int flags)
{
    bool is_last = !(flags & ZMQ_SNDMORE);
    bool is_named = socket->kind != IH_ENGINE_CLIENT;
    size_t size = zmq_msg_size(msg);
    int error = 0;

    if (size > (size_t)socket->options[CURVE_MAXMSGSIZE] - socket->sending_size ||
        socket->sending_frames == IH_FRAMES_MAX)
        return -EMSGSIZE;
    if (is_last && is_named)
        error = ih_board_commit(&socket->board, socket->sending_to, socket->sent + 1);
    if (error)
        return error;
    error = ih_zmq_send(socket->handle, msg, flags);
    if (error) {
        if (is_last && is_named)
            ih_board_uncommit(&socket->board, socket->sending_to);
        return error;
    }
    socket->sending_size = is_last ? 0 : socket->sending_size + size;
    socket->sending_frames = is_last ? 0 : socket->sending_frames + 1;
    socket->sent += is_last;
    return 0;
}

int curve_msg_send(curve_socket_t *socket, zmq_msg_t *msg, int flags)
{
    bool is_name = false;
    size_t size;
    int error;

    if (!socket || !msg)
        return ih_socket_answer(-EFAULT);
    if (flags & ~(ZMQ_SNDMORE | IH_ZMQ_DONTWAIT))
        return ih_socket_answer(-EINVAL);
    size = zmq_msg_size(msg);
    is_name = socket->kind != IH_ENGINE_CLIENT && !socket->sending;
    error = is_name ? send_name(socket, msg, flags) : send_frame(socket, msg, flags);
    if (error)
        return ih_socket_answer(error);
    socket->sending = (flags & ZMQ_SNDMORE) != 0;
    return size > INT32_MAX ? INT32_MAX : (int)size;
}

int curve_send(curve_socket_t *socket, const void *data, size_t size, int flags)
{
    zmq_msg_t msg;
    int result;

    if (!socket || (!data && size))
        return ih_socket_answer(-EFAULT);
    result = ih_zmq_msg_copy_of(&msg, data, size);
    if (result)
        return ih_socket_answer(result);
    result = curve_msg_send(socket, &msg, flags);
    if (result < 0) {
        int error = errno;

        (void)zmq_msg_close(&msg);
        errno = error;
    }
    return result;
}

uint64_t curve_sent(const curve_socket_t *socket)
{
    return socket->sent;
}

/* ---- receiving ---- */

int curve_msg_recv(curve_socket_t *socket, zmq_msg_t *msg, int flags)
{
    size_t size;
    int error;

    if (!socket || !msg)
        return ih_socket_answer(-EFAULT);
    if (flags & ~IH_ZMQ_DONTWAIT)
        return ih_socket_answer(-EINVAL);
    error = ih_zmq_recv(socket->handle, msg, flags);
    if (error)
        return ih_socket_answer(error);
    socket->receiving_more = ih_zmq_more(socket->handle, msg);
    size = zmq_msg_size(msg);
    return size > INT32_MAX ? INT32_MAX : (int)size;
}

int curve_recv(curve_socket_t *socket, void *data, size_t size, int flags)
{
    zmq_msg_t msg;
    int result;

    if (!data && size)
        return ih_socket_answer(-EFAULT);
    (void)zmq_msg_init(&msg);
    result = curve_msg_recv(socket, &msg, flags);
    if (result >= 0) {
        size_t got = zmq_msg_size(&msg);

        if (got && size)
            memcpy(data, zmq_msg_data(&msg), got < size ? got : size);
        (void)zmq_msg_close(&msg);
    }
    return result;
}

int curve_more(const curve_socket_t *socket)
{
    return socket->receiving_more;
}

void *curve_handle(curve_socket_t *socket)
{
    return socket->handle;
}
