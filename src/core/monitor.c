/* SPDX-License-Identifier: ISC */
/* A socket's monitor. */
#include "core/monitor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "core/context.h"
#include "core/inproc.h"
#include "core/socket.h"

enum { BACKLOG = 1000 }; /* events kept until somebody connects, and while it does not read */

/* Owner: its socket. `name` is guarded by the socket's lock, the rest by a lock of its own, because a PAIR connects on
 * its own thread. */
struct ih_monitor {
    struct ih_inproc_name *name;
    int events;
    struct ih_lock lock;
    struct ih_link_end *end; /* to the PAIR that listens, or NULL */
    struct ih_queue backlog;
    size_t waiting; /* events in backlog */
};

/* The PAIR may have gone without our having sent anything since. */
static bool is_gone(struct ih_link_end *end)
{
    struct ih_queue nothing;

    ih_queue_init(&nothing);
    return ih_link_send(end, &nothing, 0) < 0;
}

/* A PAIR connects. */
static void offer(struct ih_inproc_name *name, struct ih_link *link)
{
    struct ih_monitor *monitor = name->owner;
    struct ih_link_end *end = &link->end[1];
    int hwm = link->end[0].hwm_in;
    bool taken;

    ih_lock_enter(&monitor->lock);
    if (monitor->end && is_gone(monitor->end)) {
        ih_link_close(monitor->end);
        monitor->end = NULL;
    }
    taken = monitor->end != NULL;
    if (!taken) {
        monitor->end = end;
        link->end[0].limit = hwm ? (size_t)hwm + BACKLOG : 0;
        if (monitor->waiting)
            (void)ih_link_send(end, &monitor->backlog, monitor->waiting);
        monitor->waiting = 0;
    }
    ih_lock_leave(&monitor->lock);
    if (taken)
        ih_link_close(end);
}

static int make_event(struct ih_queue *queue, int event, uint32_t value, const char *address)
{
    struct ih_msg msg;
    uint16_t id = (uint16_t)event;
    uint8_t head[6];
    int rc;

    memcpy(head, &id, 2); /* host order, unaligned: man page zmq_socket_monitor */
    memcpy(head + 2, &value, 4);
    rc = ih_msg_init_copy(&msg, head, sizeof(head));
    if (rc < 0)
        return rc;
    msg.flags |= IH_MSG_MORE;
    rc = ih_queue_push(queue, &msg);
    if (rc == 0)
        rc = ih_msg_init_copy(&msg, address, strlen(address));
    if (rc == 0)
        rc = ih_queue_push(queue, &msg);
    ih_msg_close(&msg);
    if (rc < 0)
        ih_queue_clear(queue);
    return rc;
}

static void send_event(struct ih_monitor *monitor, int event, uint32_t value, const char *address)
{
    struct ih_queue queue;

    ih_queue_init(&queue);
    if (make_event(&queue, event, value, address) < 0)
        return;
    ih_lock_enter(&monitor->lock);
    if (!monitor->end) {
        if (monitor->waiting < BACKLOG) {
            ih_queue_splice(&monitor->backlog, &queue);
            monitor->waiting++;
        }
    } else if (ih_link_room(monitor->end) || event == ZMQ_EVENT_MONITOR_STOPPED) {
        if (ih_link_send(monitor->end, &queue, 1) < 0) {
            ih_link_close(monitor->end);
            monitor->end = NULL;
        }
    }
    ih_lock_leave(&monitor->lock);
    ih_queue_clear(&queue);
}

void ih_monitor_event(struct ih_socket *socket, int event, uint32_t value, const char *address)
{
    struct ih_monitor *monitor = socket->monitor;

    if (monitor && (monitor->events & event))
        send_event(monitor, event, value, address);
}

int ih_monitor_start(struct ih_socket *socket, const char *name, int events)
{
    struct ih_monitor *monitor = calloc(1, sizeof(*monitor));
    int rc;

    if (!monitor)
        return -ENOMEM;
    ih_monitor_stop(socket); /* it may have the very name */
    ih_lock_init(&monitor->lock);
    ih_queue_init(&monitor->backlog);
    monitor->events = events;
    rc = ih_inproc_bind(&socket->ctx->inproc, name, socket, offer, monitor, &monitor->name);
    if (rc < 0) {
        ih_lock_fini(&monitor->lock);
        free(monitor);
        return rc;
    }
    socket->monitor = monitor;
    return 0;
}

void ih_monitor_stop(struct ih_socket *socket)
{
    struct ih_monitor *monitor = socket->monitor;

    if (!monitor)
        return;
    socket->monitor = NULL;
    if (monitor->events & ZMQ_EVENT_MONITOR_STOPPED)
        send_event(monitor, ZMQ_EVENT_MONITOR_STOPPED, 0, "");
    ih_inproc_unbind(&socket->ctx->inproc, monitor->name);
    if (monitor->end)
        ih_link_close(monitor->end);
    ih_queue_clear(&monitor->backlog);
    ih_lock_fini(&monitor->lock);
    free(monitor);
}
