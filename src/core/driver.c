/* SPDX-License-Identifier: ISC */
/* Driving a socket. */
#include "core/driver.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/event.h"
#include "core/inproc.h"
#include "core/io.h"
#include "core/pipe.h"
#include "platform/poller.h"

enum {
    EVENTS = 32,
    SPINS = 60,           /* turns of waiting for mail before a sleep: about 2 us */
    ASK_AGAIN = 8,        /* rounds without asking the system, while there is work that it need not be asked for */
    STAND_IN_ROUNDS = 64, /* rounds that the I/O thread gives one socket before it looks at the others */
    BURST_NS = 10000,     /* a send so soon after the last write may be part of a burst */
    STREAK = 8,           /* so many such sends in a row are written at once all the same */
    DIRECT_SOURCES = 8,   /* the caller writes to so many peers itself, the I/O thread to more */
};

/* --- the set, sources and timers ------------------------------------------------------------------------------- */

int ih_driver_need_set(struct ih_socket *socket)
{
    int wakefd = -1;
    int rc, set;

    if (socket->epfd >= 0)
        return 0;
    rc = set = ih_poller_new();
    if (rc >= 0)
        rc = wakefd = ih_wakeup_new();
    if (rc >= 0)
        rc = ih_poller_add(set, wakefd, IH_READ | IH_EDGE, &socket->wakefd);
    if (rc < 0)
        goto failed;
    socket->epfd = set;
    atomic_store(&socket->wakefd, wakefd);
    ih_socket_changed(socket);
    return 0;

failed:
    if (wakefd >= 0)
        close(wakefd);
    if (set >= 0)
        close(set);
    return rc;
}

int ih_source_watch(struct ih_source *source, uint32_t events)
{
    int set = source->socket->epfd;
    int rc;

    if (events == source->events)
        return 0;
    if (!events)
        rc = ih_poller_remove(set, source->fd);
    else if (source->events)
        rc = ih_poller_change(set, source->fd, events, source);
    else
        rc = ih_poller_add(set, source->fd, events, source);
    if (rc == 0)
        source->events = events;
    return rc;
}

void ih_source_bury(struct ih_source *source)
{
    if (source->dead)
        return;
    source->dead = true;
    (void)ih_source_watch(source, 0);
    ih_list_del(&source->flush_node);
    ih_list_del(&source->resume_node);
    ih_list_add_tail(&source->socket->graveyard, &source->grave_node);
}

void ih_source_output(struct ih_source *source, bool enough)
{
    struct ih_socket *socket = source->socket;

    if (source->dead || (ih_list_linked(&source->flush_node) && !enough))
        return;
    ih_list_del(&source->flush_node);
    ih_list_add_tail(&socket->direct, &source->flush_node);
    socket->enough |= enough;
}

void ih_source_later(struct ih_source *source)
{
    if (source->dead)
        return;
    ih_list_del(&source->flush_node);
    ih_list_add_tail(&source->socket->flush, &source->flush_node);
    ih_io_kick(source->socket);
}

void ih_source_resume(struct ih_source *source)
{
    struct ih_socket *socket = source->socket;

    if (source->dead || ih_list_linked(&source->resume_node))
        return;
    ih_list_add_tail(&socket->resume, &source->resume_node);
    if (socket->blocked) /* no event will tell whoever sleeps in the set */
        ih_socket_changed(socket);
}

/* Frees dead sources that nobody works on. Not while events that may name them are being dispatched. */
static void dig(struct ih_socket *socket)
{
    IH_LIST_EACH_SAFE(node, following, &socket->graveyard) {
        struct ih_source *source = IH_CONTAINER(node, struct ih_source, grave_node);

        if (source->busy)
            continue;
        ih_list_del(node);
        source->ops->free(source);
    }
}

static void set_timerfd(struct ih_socket *socket)
{
    struct ih_timer *first = ih_heap_first(&socket->timers);

    /* A deadline that was cancelled or put off fires early, and the next is set then. */
    if (!first || (socket->timer_armed_ms && first->at_ms >= socket->timer_armed_ms))
        return;
    if (ih_deadline_set(socket->timerfd, first->at_ms) == 0)
        socket->timer_armed_ms = first->at_ms;
}

int ih_event_at(struct ih_socket *socket, struct ih_timer *timer, uint64_t at_ms)
{
    int rc;

    if (socket->timerfd < 0) {
        int fd;

        rc = ih_driver_need_set(socket);
        if (rc < 0)
            return rc;
        fd = ih_deadline_new();
        if (fd < 0)
            return fd;
        rc = ih_poller_add(socket->epfd, fd, IH_READ | IH_EDGE, &socket->timerfd);
        if (rc < 0) {
            close(fd);
            return rc;
        }
        socket->timerfd = fd;
    }
    ih_heap_set(&socket->timers, timer, at_ms);
    set_timerfd(socket);
    return 0;
}

void ih_event_cancel(struct ih_socket *socket, struct ih_timer *timer)
{
    ih_heap_remove(&socket->timers, timer);
}

static void fire_timers(struct ih_socket *socket)
{
    uint64_t now = ih_clock_ms();
    struct ih_timer *timer;

    socket->timer_armed_ms = 0;
    while ((timer = ih_heap_first(&socket->timers)) && timer->at_ms <= now) {
        ih_heap_remove(&socket->timers, timer);
        timer->fire(timer);
    }
    set_timerfd(socket);
}

/* --- waking ---------------------------------------------------------------------------------------------------- */

static void raise_waiters(struct ih_socket *socket)
{
    atomic_fetch_add(&socket->wake_seq, 1);
    ih_futex_wake(&socket->wake_seq);
}

/* Socket's lock or poll_lock held. */
static void raise_pollers(struct ih_socket *socket)
{
    IH_LIST_EACH(node, &socket->pollers)
        ih_wakeup_raise(IH_CONTAINER(node, struct ih_poller_call, node)->wakeup);
}

void ih_socket_wake(struct ih_socket *socket)
{
    int notifyfd, wakefd;

    /* In this order: ZMQ_FD may be asked for just now, and sets asleep for good; who sleeps in a set that was made just now
     * has set asleep after that. */
    atomic_store(&socket->asleep, false);
    notifyfd = atomic_load(&socket->notifyfd);
    wakefd = atomic_load(&socket->wakefd);
    if (notifyfd >= 0)
        atomic_store(&socket->asleep, true);
    if (wakefd >= 0)
        ih_wakeup_raise(wakefd);
    else
        raise_waiters(socket);
    ih_lock_enter(&socket->poll_lock);
    raise_pollers(socket);
    ih_lock_leave(&socket->poll_lock);
    if (notifyfd >= 0)
        ih_wakeup_raise(notifyfd);
}

void ih_socket_announce(struct ih_socket *socket)
{
    int notifyfd = atomic_load_explicit(&socket->notifyfd, memory_order_relaxed);

    socket->changed = false;
    if (socket->waiters)
        raise_waiters(socket);
    if (socket->blocked)
        ih_wakeup_raise(atomic_load_explicit(&socket->wakefd, memory_order_relaxed));
    raise_pollers(socket);
    if (notifyfd >= 0 && !socket->reporting)
        ih_wakeup_raise(notifyfd);
}

/* --- flushing -------------------------------------------------------------------------------------------------- */

static void write_all(struct ih_socket *socket, struct ih_list *list)
{
    struct ih_list *node;

    socket->users++;
    while ((node = ih_list_pop(list))) {
        struct ih_source *source = IH_CONTAINER(node, struct ih_source, flush_node);

        source->ops->flush(source);
    }
    socket->users--;
}

void ih_driver_leave_output(struct ih_socket *socket)
{
    ih_list_splice(&socket->flush, &socket->direct);
    socket->sustained = false; /* nobody writes it but the I/O thread now */
}

void ih_driver_flush_once(struct ih_socket *socket)
{
    struct ih_list list;

    if (ih_list_empty(&socket->flush))
        return;
    ih_list_init(&list);
    ih_list_splice(&list, &socket->flush);
    write_all(socket, &list);
}

static bool many_sources(const struct ih_socket *socket)
{
    const struct ih_list *node = socket->direct.next;

    for (int i = 0; i < DIRECT_SOURCES && node != &socket->direct; i++)
        node = node->next;
    return node != &socket->direct;
}

static bool is_burst(struct ih_socket *socket)
{
    if (many_sources(socket))
        return true;
    if (socket->enough)
        return false;
    if (socket->waited || ih_clock_ns() - socket->last_write_ns >= BURST_NS)
        socket->streak = 0;
    return ++socket->streak > STREAK;
}

void ih_driver_flush_direct_slow(struct ih_socket *socket)
{
    if (is_burst(socket)) {
        ih_list_splice(&socket->flush, &socket->direct);
        if (!socket->watched && !socket->left) {
            socket->left = true;
            socket->io_writes = socket->writes;
            ih_io_kick(socket);
        }
        return;
    }
    socket->waited = false;
    socket->enough = false;
    socket->writes++;
    write_all(socket, &socket->direct);
    socket->last_write_ns = ih_clock_ns();
}

/* --- driving --------------------------------------------------------------------------------------------------- */

/* What can be done without asking the system. True if anything was. Lock held, dropped while sources work. */
static bool housekeep(struct ih_socket *socket)
{
    struct ih_list *node;
    bool did = false;

    if (atomic_load_explicit(&socket->mail, memory_order_acquire)) {
        ih_mail_take(socket);
        did = true;
    }
    while ((node = ih_list_pop(&socket->resume))) {
        struct ih_source *source = IH_CONTAINER(node, struct ih_source, resume_node);

        source->ops->resume(source);
        did = true;
    }
    return did;
}

static void dispatch(struct ih_socket *socket, const ih_event *events, int count)
{
    for (int i = 0; i < count; i++) {
        void *what = events[i].data.ptr;

        if (what == &socket->timerfd) {
            fire_timers(socket);
        } else if (what != &socket->wakefd) {
            struct ih_source *source = what;

            if (!source->dead)
                source->ops->ready(source, events[i].events);
        }
    }
}

/* The caller is awake again: mail need not wake it, unless there are others. Lock held. */
static void rise(struct ih_socket *socket)
{
    socket->waited = true;
    socket->mail_ends_sleep = atomic_load_explicit(&socket->mail, memory_order_relaxed) != NULL;
    if (!socket->blocked && !socket->waiters && ih_list_empty(&socket->pollers) &&
        atomic_load_explicit(&socket->notifyfd, memory_order_relaxed) < 0)
        atomic_store_explicit(&socket->asleep, false, memory_order_relaxed);
}

/* Before a caller sleeps it looks for mail a little longer, if mail is what ended its last sleep: waking it costs both sides
 * more than that. No lock. True: there is mail. */
static bool expect_mail(struct ih_socket *socket)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&socket->mail, memory_order_relaxed))
            return true;
        ih_relax();
    }
    return false;
}

/* About to sleep, without the lock. False: there is mail. */
static bool may_sleep(struct ih_socket *socket, bool expecting)
{
    if (expecting && expect_mail(socket))
        return false;
    atomic_store(&socket->asleep, true);
    return !atomic_load(&socket->mail);
}

/* Without the lock: waits for events. How many they are, or -EINTR. */
static int wait_events(struct ih_socket *socket, ih_event *events, int timeout_ms, bool expecting)
{
    if (timeout_ms != 0 && !may_sleep(socket, expecting))
        return 0;
    return ih_poller_sleep(socket->epfd, events, EVENTS, timeout_ms);
}

/* One round: wait, handle. The number of events, or -EINTR. Lock held, dropped while waiting. */
static int round_once(struct ih_socket *socket, int timeout_ms)
{
    ih_event events[EVENTS];
    bool expecting = socket->mail_ends_sleep;
    bool ask = true;
    int count = 0;

    socket->driven = true;
    socket->users++;
    if (timeout_ms != 0 && !ih_list_empty(&socket->flush)) {
        ih_driver_flush_once(socket); /* what was left for later: the caller has time now */
        timeout_ms = 0;               /* what it waits for may have come meanwhile */
    }
    if (housekeep(socket)) {
        timeout_ms = 0;
        ask = ++socket->unasked % ASK_AGAIN == 0;
    }
    if (ask) {
        socket->blocked = timeout_ms != 0;
        if (socket->changed)
            ih_socket_announce(socket);
        ih_lock_leave(&socket->lock);
        count = wait_events(socket, events, timeout_ms, expecting);
        ih_lock_enter(&socket->lock);
        if (socket->blocked) {
            socket->blocked = false;
            rise(socket);
        }
        if (count > 0)
            dispatch(socket, events, count);
        (void)housekeep(socket);
    }
    if (!ih_list_empty(&socket->direct))
        write_all(socket, &socket->direct);
    socket->users--;
    socket->driven = false;
    dig(socket);
    return count;
}

/* Somebody else drives, or there is no set to be driven: sleeps until something has changed. */
static int follow(struct ih_socket *socket, int timeout_ms)
{
    const bool for_mail = socket->epfd < 0, expecting = socket->mail_ends_sleep;
    uint32_t seq;
    int rc = 0;

    if (socket->changed)
        ih_socket_announce(socket);
    seq = atomic_load(&socket->wake_seq);
    socket->waiters++;
    socket->users++;
    ih_lock_leave(&socket->lock);
    if (!for_mail || may_sleep(socket, expecting))
        rc = ih_futex_wait(&socket->wake_seq, seq, timeout_ms);
    ih_lock_enter(&socket->lock);
    socket->users--;
    socket->waiters--;
    if (for_mail)
        rise(socket);
    return rc == -ETIMEDOUT ? -EAGAIN : rc;
}

/* Before a caller waits. Not in a round: a free function may wait in this socket itself, for who drives it. */
static void empty_trash(struct ih_socket *socket)
{
    socket->users++;
    ih_lock_leave(&socket->lock);
    ih_trash_empty();
    ih_lock_enter(&socket->lock);
    socket->users--;
}

/* Without a set there is nothing to wait for but mail, and what other threads do. */
static int wait_for_mail(struct ih_socket *socket, int timeout_ms)
{
    int rc = 0;

    if (!housekeep(socket) && timeout_ms != 0)
        rc = follow(socket, timeout_ms);
    if (socket->ended_pipes)
        ih_pipe_reap(socket);
    return rc;
}

int ih_driver_wait(struct ih_socket *socket, int timeout_ms)
{
    int count;

    if (ih_trash.waits) {
        empty_trash(socket);
        timeout_ms = 0; /* what the caller waits for may have come meanwhile */
    }
    if (socket->epfd < 0)
        return wait_for_mail(socket, timeout_ms);
    if (socket->driven)
        return timeout_ms == 0 ? -EAGAIN : follow(socket, timeout_ms);
    socket->epoch++;
    count = round_once(socket, timeout_ms);
    socket->epoch++;
    if (socket->ended_pipes)
        ih_pipe_reap(socket); /* a caller that receives for ever never leaves */
    if (socket->io_state == IH_IO_PARKED && ih_list_empty(&socket->pollers))
        ih_io_arm(socket);
    if (socket->waiters)
        ih_socket_changed(socket); /* one of them takes over */
    return count < 0 ? count : 0;
}

bool ih_driver_stand_in(struct ih_socket *socket)
{
    if (socket->driven || !ih_list_empty(&socket->pollers))
        return false;
    /* Who waits on ZMQ_FD reads ZMQ_EVENTS often and is nobody at work all the same. */
    if (socket->epoch != socket->io_epoch && atomic_load_explicit(&socket->notifyfd, memory_order_relaxed) < 0) {
        socket->io_epoch = socket->epoch;
        return false;
    }
    for (int i = 0; i < STAND_IN_ROUNDS; i++) {
        int count = round_once(socket, 0);

        if (socket->waiters)
            ih_socket_changed(socket);
        if (count <= 0 || socket->driven)
            break;
    }
    ih_driver_flush_once(socket);
    return true;
}

void ih_driver_poller_in(struct ih_socket *socket, struct ih_poller_call *call)
{
    socket->epoch++;
    ih_lock_enter(&socket->poll_lock);
    ih_list_add_tail(&socket->pollers, &call->node);
    ih_lock_leave(&socket->poll_lock);
    atomic_store(&socket->asleep, true);
}

void ih_driver_poller_out(struct ih_socket *socket, struct ih_poller_call *call)
{
    socket->epoch++;
    ih_lock_enter(&socket->poll_lock);
    ih_list_del(&call->node);
    ih_lock_leave(&socket->poll_lock);
    if (ih_list_empty(&socket->pollers) && socket->io_state == IH_IO_PARKED && !socket->blocked)
        ih_io_arm(socket);
}

void ih_socket_leave_slow(struct ih_socket *socket)
{
    if (!ih_list_empty(&socket->direct) && !socket->closed)
        ih_driver_flush_direct_slow(socket);
    if (!socket->driven) {
        if (socket->ended_pipes)
            ih_pipe_reap(socket);
        dig(socket);
    }
    if (socket->changed)
        ih_socket_announce(socket);
    if (socket->closed && !socket->finished && ih_socket_idle(socket))
        ih_socket_finish(socket); /* leaves the lock */
    else
        ih_lock_leave(&socket->lock);
}
