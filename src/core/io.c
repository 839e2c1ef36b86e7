/* SPDX-License-Identifier: ISC */
/* An I/O thread. */
#include "core/io.h"

#include <errno.h>
#include <unistd.h>
#include <zmq.h>

#include "base/clock.h"
#include "core/context.h"
#include "core/driver.h"
#include "core/socket.h"
#include "platform/poller.h"

enum {
    EVENTS = 64,
    LOOK_MS = 1,     /* how long a socket rests while callers are at work */
    BURST_US = 50,   /* what callers have gathered for so long without writing it is written for them */
    CALM_US = 200,   /* looks are as rare as that while the callers of all bursts write themselves */
    PUT_OFF = 4,     /* looks at a socket whose callers write, though perhaps to other peers */
    BURST_IDLE = 40, /* looks at a socket that sends no more before it is forgotten */
};

static void wake(struct ih_io *io)
{
    if (atomic_exchange(&io->asleep, false))
        ih_wakeup_raise(io->wakefd);
}

void ih_io_kick(struct ih_socket *socket)
{
    struct ih_io *io = socket->io;

    ih_lock_enter(&io->lock);
    if (!socket->io_queued) {
        socket->io_queued = true;
        socket->io_next = io->work;
        io->work = socket;
        ih_socket_hold(socket);
    }
    ih_lock_leave(&io->lock);
    wake(io);
}

/* ZMQ_AFFINITY may have been set since the socket was made. */
static int heed_affinity(struct ih_socket *socket)
{
    struct ih_io *io = ih_ctx_choose_io(socket->ctx, socket->opt.affinity);

    if (!io)
        return -EMTHREAD;
    if (socket->opt.affinity && io != socket->io) {
        atomic_fetch_sub(&socket->io->load, 1);
        atomic_fetch_add(&io->load, 1);
        socket->io = io;
    }
    return 0;
}

int ih_io_adopt(struct ih_socket *socket)
{
    int rc;

    if (socket->io_state != IH_IO_NONE)
        return 0;
    rc = heed_affinity(socket);
    if (rc == 0)
        rc = ih_driver_need_set(socket);
    if (rc < 0)
        return rc;
    rc = ih_poller_add(socket->io->epfd, socket->epfd, IH_READ | IH_ONCE, socket);
    if (rc < 0)
        return rc;
    socket->io_state = IH_IO_ARMED;
    ih_socket_hold(socket);
    return 0;
}

void ih_io_arm(struct ih_socket *socket)
{
    socket->io_state = IH_IO_ARMED;
    socket->io_epoch = socket->epoch;
    (void)ih_poller_change(socket->io->epfd, socket->epfd, IH_READ | IH_ONCE, socket);
}

/* The socket has finished: nothing refers to it from here any more. Lock held; gives up the I/O thread's reference. */
static void drop(struct ih_io *io, struct ih_socket *socket)
{
    socket->io_state = IH_IO_NONE;
    ih_list_del(&socket->io_rest);
    ih_list_del(&socket->io_burst);
    (void)ih_poller_remove(io->epfd, socket->epfd);
    ih_lock_leave(&socket->lock);
    ih_socket_release(socket);
}

static void rest(struct ih_io *io, struct ih_socket *socket)
{
    socket->io_state = IH_IO_RESTING;
    ih_list_del(&socket->io_rest);
    ih_list_add_tail(&io->resting, &socket->io_rest);
}

/* Callers are at it: a thread that writes beside them takes the lock from them and, if there is no other, the processor
 * from the peer. Where there are several peers they may have written to another one, so that cannot go on for ever. */
static bool callers_write(struct ih_socket *socket)
{
    if (socket->io_writes == socket->writes && ih_clock_ns() - socket->last_write_ns >= BURST_US * 1000)
        return false;
    return socket->conns.next == socket->conns.prev || ++socket->io_put_off < PUT_OFF;
}

static void write_for_callers(struct ih_socket *socket)
{
    socket->io_flushing = true;
    ih_driver_flush_once(socket);
    socket->io_flushing = false;
}

/* A burst: the first messages that were left are written at once, for there may be no more. If callers have written
 * themselves since they left them, or others have come meanwhile, the callers are left to write them as they gather, and
 * the socket is looked at again soon. */
static void flush(struct ih_io *io, struct ih_socket *socket)
{
    bool wrote = socket->left && socket->io_writes != socket->writes;

    socket->left = false;
    if (ih_list_empty(&socket->flush) && !wrote)
        return;
    if (!socket->sustained && !wrote)
        write_for_callers(socket);
    socket->sustained = wrote || !ih_list_empty(&socket->flush);
    if (!socket->sustained || socket->watched)
        return;
    socket->watched = true;
    socket->io_writes = socket->writes;
    socket->io_idle = 0;
    ih_list_add_tail(&io->bursts, &socket->io_burst);
}

/* Have the callers written what they gathered? True if all of them have. */
static bool look_at_bursts(struct ih_io *io)
{
    bool calm = true;

    IH_LIST_EACH_SAFE(node, following, &io->bursts) {
        struct ih_socket *socket = IH_CONTAINER(node, struct ih_socket, io_burst);

        ih_socket_enter(socket);
        if (callers_write(socket)) {
            socket->io_writes = socket->writes;
            socket->io_idle = 0;
        } else if (!ih_list_empty(&socket->flush)) {
            write_for_callers(socket);
            socket->io_idle = socket->io_put_off = 0;
            calm = false;
        } else if (++socket->io_idle >= BURST_IDLE) {
            socket->watched = socket->sustained = false;
            ih_list_del(node);
        }
        ih_socket_leave(socket);
    }
    return calm;
}

/* The socket's set is ready, or it was kicked (then it may be in any state). */
static void look(struct ih_io *io, struct ih_socket *socket, bool fired)
{
    ih_socket_enter(socket);
    flush(io, socket);
    if (socket->io_state != IH_IO_NONE && (fired || socket->closed)) {
        if (ih_driver_stand_in(socket))
            ih_io_arm(socket);
        else
            rest(io, socket);
    }
    ih_socket_leave(socket);
}

/* A millisecond has passed: are callers still at work? */
static void look_again(struct ih_io *io)
{
    IH_LIST_EACH_SAFE(node, following, &io->resting) {
        struct ih_socket *socket = IH_CONTAINER(node, struct ih_socket, io_rest);

        ih_socket_enter(socket);
        if (socket->epoch != socket->io_epoch) {
            socket->io_epoch = socket->epoch;
        } else {
            ih_list_del(node);
            if (socket->blocked || !ih_list_empty(&socket->pollers))
                socket->io_state = IH_IO_PARKED;
            else
                ih_io_arm(socket);
        }
        ih_socket_leave(socket);
    }
}

static void do_work(struct ih_io *io)
{
    struct ih_socket *socket;

    ih_lock_enter(&io->lock);
    socket = io->work;
    io->work = NULL;
    ih_lock_leave(&io->lock);
    while (socket) {
        struct ih_socket *next = socket->io_next;

        ih_lock_enter(&io->lock);
        socket->io_queued = false;
        ih_lock_leave(&io->lock);
        look(io, socket, false);
        ih_socket_enter(socket);
        if (socket->finished && socket->io_state != IH_IO_NONE)
            drop(io, socket);
        else
            ih_socket_leave(socket);
        ih_socket_release(socket);
        socket = next;
    }
}

static bool has_work(struct ih_io *io)
{
    bool work;

    ih_lock_enter(&io->lock);
    work = io->work != NULL;
    ih_lock_leave(&io->lock);
    return work || atomic_load(&io->stop);
}

/* True once in LOOK_MS. */
static bool is_time(uint64_t *next_us)
{
    uint64_t now = ih_clock_us();

    if (now < *next_us)
        return false;
    *next_us = now + LOOK_MS * 1000 - BURST_US;
    return true;
}

static void run(void *arg)
{
    struct ih_io *io = arg;
    uint64_t look_at_us = 0;
    int burst_us = BURST_US;

    while (!atomic_load(&io->stop)) {
        ih_event events[EVENTS];
        int64_t timeout_us = !ih_list_empty(&io->bursts) ? burst_us : ih_list_empty(&io->resting) ? -1 : LOOK_MS * 1000;
        int count;

        atomic_store(&io->asleep, true);
        if (has_work(io))
            timeout_us = 0;
        count = ih_poller_wait_us(io->epfd, events, EVENTS, timeout_us);
        atomic_store(&io->asleep, false);
        for (int i = 0; i < count; i++)
            if (events[i].data.ptr)
                look(io, events[i].data.ptr, true);
        do_work(io);
        if (ih_list_empty(&io->bursts) || !look_at_bursts(io))
            burst_us = BURST_US;
        else if (burst_us < CALM_US)
            burst_us *= 2;
        if (!ih_list_empty(&io->resting) && is_time(&look_at_us))
            look_again(io);
    }
}

int ih_io_start(struct ih_io *io, const struct ih_thread_config *config)
{
    int rc;

    ih_lock_init(&io->lock);
    ih_list_init(&io->resting);
    ih_list_init(&io->bursts);
    io->work = NULL;
    atomic_store(&io->stop, false);
    atomic_store(&io->asleep, false);
    atomic_store(&io->load, 0);
    io->wakefd = -1;
    rc = io->epfd = ih_poller_new();
    if (rc >= 0)
        rc = io->wakefd = ih_wakeup_new();
    if (rc >= 0)
        rc = ih_poller_add(io->epfd, io->wakefd, IH_READ | IH_EDGE, NULL);
    if (rc >= 0)
        rc = ih_thread_start(&io->thread, config, run, io);
    if (rc >= 0)
        return 0;
    if (io->epfd >= 0)
        close(io->epfd);
    if (io->wakefd >= 0)
        close(io->wakefd);
    ih_lock_fini(&io->lock);
    return rc;
}

void ih_io_stop(struct ih_io *io)
{
    atomic_store(&io->stop, true);
    atomic_store(&io->asleep, true);
    wake(io);
    ih_thread_join(&io->thread);
    close(io->epfd);
    close(io->wakefd);
    ih_lock_fini(&io->lock);
}
