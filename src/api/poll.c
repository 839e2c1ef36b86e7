/* SPDX-License-Identifier: ISC */
/* zmq_poll: sockets and descriptors together. */
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "api/error.h"
#include "base/clock.h"
#include "core/driver.h"
#include "core/socket.h"
#include "platform/poller.h"

enum {
    FEW = 16,      /* items that need no memory */
    BLIND_MS = 10, /* how long a caller without a wakeup sleeps at most */
};

/* One call. Owner: zmq_poll's stack. */
struct polling {
    zmq_pollitem_t *items;
    int count;
    struct ih_socket **sockets;   /* by item; NULL for a descriptor */
    struct pollfd *fds;           /* by item, and behind them the wakeup */
    struct ih_poller_call *calls; /* by item */
    int wakeup;                   /* negative: there was no descriptor left for it */
};

static int remaining_ms(long timeout, uint64_t deadline)
{
    uint64_t now;

    if (timeout < 0)
        return -1;
    if (timeout == 0)
        return 0;
    now = ih_clock_ms();
    if (now >= deadline)
        return 0;
    return deadline - now > INT_MAX ? INT_MAX : (int)(deadline - now);
}

/* How a socket that is waited in may have ended. Lock held. */
static int check(const struct ih_socket *socket)
{
    if (socket->closed)
        return -ENOTSOCK;
    return socket->terminated ? -ETERM : 0;
}

/* --- one socket: the caller drives it itself --------------------------------------------------------------------- */

static int poll_one(zmq_pollitem_t *item, long timeout)
{
    uint64_t deadline = timeout > 0 ? ih_clock_after(ih_clock_ms(), (uint64_t)timeout) : 0;
    struct ih_socket *socket;
    bool looked = false;
    int rc = ih_socket_begin(item->socket, &socket);

    if (rc < 0)
        return rc;
    if (atomic_load_explicit(&socket->mail, memory_order_acquire))
        (void)ih_driver_wait(socket, 0);
    for (;;) {
        int left, ready = ih_socket_ready(socket) & item->events;

        rc = check(socket);
        if (rc < 0 || ready) {
            item->revents = (short)ready;
            break;
        }
        left = remaining_ms(timeout, deadline);
        if (left == 0 && looked)
            break;
        looked = true;
        rc = ih_driver_wait(socket, left);
        if (rc == -EINTR)
            break;
        rc = 0;
    }
    ih_socket_leave(socket);
    return rc < 0 ? rc : item->revents != 0;
}

/* --- several ----------------------------------------------------------------------------------------------------- */

/* Finds the sockets and announces that somebody waits in them; *entered items are done. */
static int enter_sockets(struct polling *polling, int *entered)
{
    int rc;

    for (int i = 0; i < polling->count; i++) {
        zmq_pollitem_t *item = &polling->items[i];
        struct ih_socket *socket = NULL;

        polling->fds[i] = (struct pollfd){.fd = -1};
        *entered = i;
        if (item->socket) {
            rc = ih_socket_begin(item->socket, &socket);
            if (rc < 0)
                return rc;
            polling->calls[i].wakeup = polling->wakeup;
            ih_driver_poller_in(socket, &polling->calls[i]);
            polling->fds[i].events = POLLIN;
            ih_socket_leave(socket);
        } else {
            polling->fds[i].fd = item->fd;
            polling->fds[i].events =
                (short)((item->events & ZMQ_POLLIN ? POLLIN : 0) | (item->events & ZMQ_POLLOUT ? POLLOUT : 0) |
                        (item->events & ZMQ_POLLPRI ? POLLPRI : 0));
        }
        polling->sockets[i] = socket;
    }
    *entered = polling->count;
    return 0;
}

static void leave_sockets(struct polling *polling, int count)
{
    for (int i = 0; i < count; i++) {
        struct ih_socket *socket = polling->sockets[i];

        if (!socket)
            continue;
        ih_socket_enter(socket);
        ih_driver_poller_out(socket, &polling->calls[i]);
        ih_socket_leave(socket);
    }
}

/* What the sockets are ready for; sets revents. How many items are ready, or a negative errno. */
static int look(struct polling *polling)
{
    int ready = 0;

    for (int i = 0; i < polling->count; i++) {
        struct ih_socket *socket = polling->sockets[i];
        zmq_pollitem_t *item = &polling->items[i];
        int rc;

        if (!socket)
            continue;
        ih_socket_enter(socket);
        rc = check(socket);
        atomic_store(&socket->asleep, true); /* before the mail is looked at: who woke us has cleared it */
        if (rc == 0) {
            item->revents = (short)(ih_socket_ready(socket) & item->events);
            if (!item->revents) {
                (void)ih_driver_wait(socket, 0);
                item->revents = (short)(ih_socket_ready(socket) & item->events);
            }
        }
        polling->fds[i].fd = socket->epfd; /* none yet: who makes one raises our wakeup */
        ih_socket_leave(socket);
        if (rc < 0)
            return rc;
        ready += item->revents != 0;
    }
    return ready;
}

static int take_descriptors(struct polling *polling)
{
    int ready = 0;

    for (int i = 0; i < polling->count; i++) {
        zmq_pollitem_t *item = &polling->items[i];
        int got = polling->fds[i].revents;

        if (item->socket)
            continue;
        item->revents =
            (short)((got & POLLIN ? ZMQ_POLLIN : 0) | (got & POLLOUT ? ZMQ_POLLOUT : 0) |
                    (got & POLLPRI ? ZMQ_POLLPRI : 0) | (got & ~(POLLIN | POLLOUT | POLLPRI) ? ZMQ_POLLERR : 0));
        ready += item->revents != 0;
    }
    return ready;
}

static int sleep_ms(const struct polling *polling, int left)
{
    return polling->wakeup < 0 && (left < 0 || left > BLIND_MS) ? BLIND_MS : left;
}

static int wait_loop(struct polling *polling, long timeout)
{
    uint64_t deadline = timeout > 0 ? ih_clock_after(ih_clock_ms(), (uint64_t)timeout) : 0;
    bool looked = false;

    for (;;) {
        int left, ready;

        ih_wakeup_clear(polling->wakeup);
        ready = look(polling);
        if (ready < 0)
            return ready;
        left = remaining_ms(timeout, deadline);
        if (poll(polling->fds, (nfds_t)polling->count + 1, ready ? 0 : sleep_ms(polling, left)) < 0)
            return -errno;
        ready += take_descriptors(polling);
        if (ready || (left == 0 && looked))
            return ready;
        looked = true;
    }
}

/* zmq_poll calls of this thread: a free function of the application's may call it within one. */
static _Thread_local unsigned depth;

static int poll_many(struct polling *polling, long timeout)
{
    int entered = 0;
    int rc;

    depth++;
    polling->wakeup = ih_wakeup_of_thread();
    polling->fds[polling->count] = (struct pollfd){.fd = polling->wakeup, .events = POLLIN};
    rc = enter_sockets(polling, &entered);
    if (rc == 0)
        rc = wait_loop(polling, timeout);
    leave_sockets(polling, entered);
    if (--depth > 0)
        ih_wakeup_raise(polling->wakeup); /* what it took may have been for the outer call */
    return rc;
}

int zmq_poll(zmq_pollitem_t *items, int count, long timeout)
{
    struct ih_socket *few_sockets[FEW];
    struct pollfd few_fds[FEW + 1];
    struct ih_poller_call few_calls[FEW];
    struct polling polling = {items, count, few_sockets, few_fds, few_calls, -1};
    int rc;

    if (count < 0)
        return ih_api_fail(EINVAL);
    if (!items && count > 0)
        return ih_api_fail(EFAULT);
    if (count == 0 && timeout == 0)
        return 0;
    for (int i = 0; i < count; i++)
        items[i].revents = 0;
    if (count == 1 && items[0].socket)
        return ih_api_result(poll_one(items, timeout));
    if (count > FEW) {
        polling.sockets = calloc((size_t)count, sizeof(*polling.sockets));
        polling.fds = calloc((size_t)count + 1, sizeof(*polling.fds));
        polling.calls = calloc((size_t)count, sizeof(*polling.calls));
    }
    rc = polling.sockets && polling.fds && polling.calls ? poll_many(&polling, timeout) : -ENOMEM;
    if (polling.sockets != few_sockets)
        free(polling.sockets);
    if (polling.fds != few_fds)
        free(polling.fds);
    if (polling.calls != few_calls)
        free(polling.calls);
    return ih_api_result(rc);
}
