/* SPDX-License-Identifier: ISC */
/* Events, from the worker to the application: structs in messages of a PAIR. Those that find it full wait (events.c). */
#include <errno.h>
#include <string.h>

#include "libcurve/socket.h"
#include "libcurve/zmq_seam.h"

int curve_monitor(curve_socket_t *socket, int events)
{
    struct ih_command command = {.type = IH_COMMAND_MONITOR};
    void *inner = NULL;
    int error = 0;

    if (!socket)
        return ih_socket_answer(-EFAULT);
    if (events & ~CURVE_EVENT_ALL)
        return ih_socket_answer(-EINVAL);
    if (!socket->monitor) {
        error = ih_socket_pair(socket->context, &socket->monitor, &inner, 1, IH_EVENTS_HANDED - 1);
        if (error == 0 && socket->started) {
            command.monitor = inner;
            error = ih_socket_command(socket, &command);
        } else if (error == 0) {
            socket->inner_monitor = inner;
        }
        if (error) {
            if (inner)
                (void)zmq_close(inner);
            if (socket->monitor)
                (void)zmq_close(socket->monitor);
            socket->monitor = NULL;
            return ih_socket_answer(error);
        }
    }
    atomic_store(&socket->events, events);
    return 0;
}

void *curve_monitor_handle(curve_socket_t *socket)
{
    return socket->monitor;
}

int curve_monitor_recv(curve_socket_t *socket, curve_event_t *event, int timeout_ms)
{
    zmq_pollitem_t item = {NULL, 0, ZMQ_POLLIN, 0};
    zmq_msg_t msg;
    int error;

    if (!socket || !event)
        return ih_socket_answer(-EFAULT);
    if (!socket->monitor)
        return ih_socket_answer(-ENOTSUP);
    item.socket = socket->monitor;
    (void)zmq_msg_init(&msg);
    error = ih_zmq_recv(socket->monitor, &msg, IH_ZMQ_DONTWAIT);
    if (error == -EAGAIN && timeout_ms != 0) {
        error = ih_zmq_poll(&item, 1, timeout_ms);
        if (error == 0)
            error = ih_zmq_recv(socket->monitor, &msg, IH_ZMQ_DONTWAIT);
    }
    if (error == 0)
        memcpy(event, zmq_msg_data(&msg), sizeof(*event));
    (void)zmq_msg_close(&msg);
    return ih_socket_answer(error);
}
