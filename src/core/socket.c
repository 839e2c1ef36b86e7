/* SPDX-License-Identifier: ISC */
/* A socket's life, and sending and receiving. */
#include "core/socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "base/clock.h"
#include "base/random.h"
#include "core/context.h"
#include "core/driver.h"
#include "core/endpoint.h"
#include "core/fork.h"
#include "core/inproc.h"
#include "core/io.h"
#include "core/monitor.h"
#include "core/pattern.h"
#include "core/pipe.h"
#include "core/stable.h"
#include "mechanism/security.h"
#include "platform/poller.h"

/* --- opening --------------------------------------------------------------------------------------------------- */

static void close_descriptors(struct ih_socket *socket)
{
    int fds[] = {socket->epfd, atomic_load(&socket->wakefd), socket->timerfd, atomic_load(&socket->notifyfd)};

    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static void init_fields(struct ih_socket *socket, struct ih_ctx *ctx, const struct ih_pattern_ops *pattern)
{
    memset((char *)socket + sizeof(socket->lock), 0, sizeof(*socket) - sizeof(socket->lock));
    socket->ctx = ctx;
    socket->pattern = pattern;
    atomic_store(&socket->fork_gen, ih_fork_gen());
    atomic_store(&socket->refs, 1);
    ih_list_init(&socket->node);
    ih_list_init(&socket->pipes);
    ih_list_init(&socket->endpoints);
    ih_list_init(&socket->conns);
    ih_list_init(&socket->flush);
    ih_list_init(&socket->direct);
    ih_list_init(&socket->resume);
    ih_list_init(&socket->graveyard);
    ih_list_init(&socket->io_rest);
    ih_list_init(&socket->pollers);
    ih_lock_init(&socket->poll_lock);
    ih_list_init(&socket->io_burst);
    socket->epfd = socket->timerfd = -1;
    atomic_store(&socket->wakefd, -1);
    atomic_store(&socket->notifyfd, -1);
    socket->waited = true;
    ih_heap_init(&socket->timers);
    ih_random(&socket->next_id, sizeof(socket->next_id));
}

static void free_fields(struct ih_socket *socket)
{
    ih_options_fini(&socket->opt);
    ih_security_release(socket->security);
    free(socket->pattern_state);
    free(socket->last_endpoint);
    ih_heap_fini(&socket->timers);
    ih_lock_fini(&socket->poll_lock);
    close_descriptors(socket);
}

/* A context inherited by a fork has no threads: its sockets can be opened and closed, nothing else. */
static int enlist(struct ih_ctx *ctx, struct ih_socket *socket)
{
    if (ctx->fork_gen == ih_fork_gen())
        return ih_ctx_enlist(ctx, socket);
    atomic_store(&socket->fork_gen, ctx->fork_gen);
    return 0;
}

int ih_socket_open(struct ih_ctx *ctx, int type, struct ih_socket **result)
{
    const struct ih_pattern_ops *pattern = ih_pattern_find(type);
    struct ih_socket *socket = ih_stable_take(&ih_sockets);
    int rc;

    if (!socket)
        return -ENOMEM;
    init_fields(socket, ctx, pattern);
    ih_options_init(&socket->opt);
    rc = enlist(ctx, socket);
    if (rc < 0)
        goto not_enlisted;
    if (ctx->ipv6)
        socket->opt.ipv6 = 1;
    if (!ctx->blocky)
        socket->opt.linger = 0;
    rc = -EINVAL;
    if (!pattern)
        goto failed;
    rc = -ENOMEM;
    socket->security = ih_security_new();
    socket->pattern_state = calloc(1, pattern->state_size ? pattern->state_size : 1);
    if (!socket->security || !socket->pattern_state)
        goto failed;
    rc = pattern->init(socket);
    if (rc < 0)
        goto failed;
    socket->io = ih_ctx_choose_io(ctx, 0);
    if (socket->io)
        atomic_fetch_add(&socket->io->load, 1);
    atomic_store(&socket->tag, IH_SOCKET_TAG);
    *result = socket;
    return 0;

failed:
    if (ctx->fork_gen == ih_fork_gen()) {
        ih_socket_release(socket); /* zmq_ctx_term may hold it too */
        return rc;
    }
not_enlisted:
    free_fields(socket);
    ih_stable_give(&ih_sockets, socket);
    return rc;
}

/* --- references, closing --------------------------------------------------------------------------------------- */

void ih_socket_hold(struct ih_socket *socket)
{
    atomic_fetch_add_explicit(&socket->refs, 1, memory_order_relaxed);
}

bool ih_socket_try_hold(struct ih_socket *socket)
{
    unsigned refs = atomic_load_explicit(&socket->refs, memory_order_relaxed);

    while (refs && !atomic_compare_exchange_weak(&socket->refs, &refs, refs + 1))
        ;
    return refs != 0;
}

void ih_socket_release(struct ih_socket *socket)
{
    struct ih_ctx *ctx = socket->ctx;

    if (atomic_fetch_sub_explicit(&socket->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (socket->io)
        atomic_fetch_sub(&socket->io->load, 1);
    free_fields(socket);
    ih_ctx_delist(ctx, socket);
    ih_stable_give(&ih_sockets, socket);
}

int ih_socket_begin(void *handle, struct ih_socket **result)
{
    struct ih_socket *socket = handle;

    if (!ih_stable_has(&ih_sockets, socket) ||
        atomic_load_explicit(&socket->tag, memory_order_relaxed) != IH_SOCKET_TAG)
        return -ENOTSOCK;
    if (atomic_load_explicit(&socket->fork_gen, memory_order_relaxed) != ih_fork_gen())
        return -EINTR;
    ih_socket_enter(socket);
    if (atomic_load_explicit(&socket->tag, memory_order_relaxed) != IH_SOCKET_TAG) {
        ih_lock_leave(&socket->lock);
        return -ENOTSOCK;
    }
    if (socket->terminated) {
        ih_lock_leave(&socket->lock);
        return -ETERM;
    }
    *result = socket;
    return 0;
}

static void linger_fired(struct ih_timer *timer)
{
    struct ih_socket *socket = IH_CONTAINER(timer, struct ih_socket, linger_timer);

    socket->linger_expired = true;
    ih_endpoint_cut_all(socket);
}

/* Every peer is given up; what was sent to it lingers. */
static void close_pipes(struct ih_socket *socket)
{
    bool linger = socket->opt.linger != 0;

    IH_LIST_EACH_SAFE(node, following, &socket->pipes) {
        struct ih_pipe *pipe = IH_CONTAINER(node, struct ih_pipe, node);

        pipe->in_open = false; /* nobody reads the rest */
        if (!pipe->ended)
            ih_pipe_close(pipe, linger);
    }
    IH_LIST_EACH_SAFE(node, following, &socket->pipes) {
        struct ih_pipe *pipe = IH_CONTAINER(node, struct ih_pipe, node);

        if (!pipe->ops)
            ih_pipe_free(pipe);
    }
}

/* The application is done with the socket. Lock held. */
static void begin_linger(struct ih_socket *socket)
{
    socket->closed = true;
    ih_socket_changed(socket);
    ih_endpoint_close_all(socket);
    ih_mail_take(socket);
    close_pipes(socket);
    if (socket->opt.linger > 0 && !(ih_list_empty(&socket->conns) && ih_list_empty(&socket->endpoints))) {
        socket->linger_timer.fire = linger_fired;
        if (ih_event_at(socket, &socket->linger_timer, ih_clock_after(ih_clock_ms(), (uint64_t)socket->opt.linger)) < 0)
            linger_fired(&socket->linger_timer);
    }
}

int ih_socket_close(void *handle)
{
    struct ih_socket *socket = handle;
    uint32_t tag = IH_SOCKET_TAG;

    if (!ih_stable_has(&ih_sockets, socket) || !atomic_compare_exchange_strong(&socket->tag, &tag, 0))
        return -ENOTSOCK;
    if (atomic_load(&socket->fork_gen) != ih_fork_gen())
        return 0; /* the parent's: the child just forgets it */
    ih_socket_enter(socket);
    begin_linger(socket);
    ih_driver_leave_output(socket);
    if (socket->io_state != IH_IO_NONE)
        ih_io_kick(socket);
    ih_socket_leave(socket);
    return 0;
}

bool ih_socket_idle(const struct ih_socket *socket)
{
    return socket->users == 0 && !socket->driven && ih_list_empty(&socket->pollers) && ih_list_empty(&socket->conns) &&
           ih_list_empty(&socket->endpoints) && ih_list_empty(&socket->pipes) && ih_list_empty(&socket->graveyard);
}

void ih_socket_finish(struct ih_socket *socket)
{
    bool known = socket->io_state != IH_IO_NONE;

    socket->finished = true;
    ih_mail_drop(socket);
    ih_monitor_stop(socket);
    if (socket->pattern->fini)
        socket->pattern->fini(socket);
    if (known)
        ih_io_kick(socket); /* which gives up its own reference */
    ih_lock_leave(&socket->lock);
    ih_socket_release(socket);
}

/* --- sending and receiving ------------------------------------------------------------------------------------- */

/* A call that may wait. */
struct patience {
    int timeout_ms; /* as the option says: -1 for ever, 0 not at all */
    uint64_t deadline_ms;
    bool asked; /* what is ready was handled once, for a call that does not wait */
};

/* Waits for something to happen. 0: try again. Lock held, dropped while waiting. */
static int wait_more(struct ih_socket *socket, struct patience *patience)
{
    int left = patience->timeout_ms;
    int rc;

    if (left == 0) {
        if (patience->asked)
            return -EAGAIN;
        patience->asked = true;
    } else if (left > 0) {
        uint64_t now = ih_clock_ms();

        if (!patience->deadline_ms)
            patience->deadline_ms = now + (uint64_t)left;
        if (now >= patience->deadline_ms && patience->asked)
            return -EAGAIN;
        patience->asked = true;
        left = patience->deadline_ms > now ? (int)(patience->deadline_ms - now) : 0;
    }
    rc = ih_driver_wait(socket, left);
    if (socket->closed)
        return -ENOTSOCK;
    if (socket->terminated)
        return -ETERM;
    return rc == -EINTR ? rc : 0;
}

static inline void take_mail(struct ih_socket *socket)
{
    if (atomic_load_explicit(&socket->mail, memory_order_acquire))
        ih_mail_take(socket);
}

/* Hands a frame to the pattern, which may have to wait for room: only with the first of a message. */
static inline int send_frame(struct ih_socket *socket, struct ih_msg *msg, int flags)
{
    struct patience patience = {.timeout_ms = flags & ZMQ_DONTWAIT ? 0 : socket->opt.sndtimeo};
    int (*send)(struct ih_socket *, struct ih_msg *) = socket->pattern->send;
    int rc, waited = 0;

    if (!send)
        return -ENOTSUP;
    take_mail(socket);
    ih_msg_set_props(msg, NULL);
    msg->flags = (uint8_t)((msg->flags & ~IH_MSG_MORE) | (flags & ZMQ_SNDMORE ? IH_MSG_MORE : 0));
    while ((rc = send(socket, msg)) == -EAGAIN) {
        waited = wait_more(socket, &patience);
        if (waited < 0)
            return waited;
    }
    return rc;
}

int ih_socket_send(struct ih_socket *socket, struct ih_msg *msg, int flags)
{
    int rc = send_frame(socket, msg, flags);

    ih_driver_flush_direct(socket);
    return rc;
}

int ih_socket_send_frames(struct ih_socket *socket, struct ih_queue *frames, int flags)
{
    struct ih_msg *front, empty;
    int rc = 0;

    while (rc == 0 && (front = ih_queue_front(frames))) {
        const bool last = frames->count == 1;

        rc = send_frame(socket, front, last ? flags & ~ZMQ_SNDMORE : flags);
        if (rc == 0)
            (void)ih_queue_pop(frames, &empty);
        if (last || !(flags & ZMQ_SNDMORE))
            ih_driver_flush_direct(socket);
    }
    return rc;
}

static inline int recv_now(struct ih_socket *socket, struct ih_msg *msg, bool props, struct ih_props **spare)
{
    int rc;

    socket->want_props = props;
    socket->spare_props = *spare;
    rc = socket->pattern->recv(socket, msg);
    *spare = socket->spare_props;
    socket->spare_props = NULL;
    socket->want_props = true;
    return rc;
}

/* Has the pattern fill in a frame, which may have to be waited for: only the first of a message. */
static inline int recv_frame(struct ih_socket *socket, struct ih_msg *msg, int flags, bool props,
                             struct ih_props **spare)
{
    struct patience patience = {.timeout_ms = flags & ZMQ_DONTWAIT ? 0 : socket->opt.rcvtimeo};
    int rc, waited = 0;

    if (!socket->pattern->recv)
        return -ENOTSUP;
    take_mail(socket);
    while ((rc = recv_now(socket, msg, props, spare)) == -EAGAIN) {
        waited = wait_more(socket, &patience);
        if (waited < 0)
            return waited;
    }
    if (rc == 0)
        socket->rcvmore = ih_msg_more(msg);
    return rc;
}

/* While there are messages left. */
static inline void read_ahead(struct ih_socket *socket)
{
    if (!ih_list_empty(&socket->resume))
        (void)ih_driver_wait(socket, 0);
}

int ih_socket_recv(struct ih_socket *socket, struct ih_msg *msg, int flags, bool props, struct ih_props **spare)
{
    int rc = recv_frame(socket, msg, flags, props, spare);

    read_ahead(socket);
    return rc;
}

int ih_socket_recv_frames(struct ih_socket *socket, struct ih_queue *frames, size_t room, int flags)
{
    struct ih_props *none = NULL;
    bool more = true;
    int rc = 0;

    while (more && frames->count < room) {
        struct ih_msg *slot = ih_queue_reserve(frames);

        rc = -ENOMEM;
        if (!slot)
            break;
        ih_msg_init(slot);
        rc = recv_frame(socket, slot, flags, false, &none);
        if (rc < 0)
            break;
        more = ih_msg_more(slot);
        ih_queue_commit(frames);
    }
    read_ahead(socket);
    return rc;
}

int ih_socket_ready(struct ih_socket *socket)
{
    const struct ih_pattern_ops *pattern = socket->pattern;
    int events = 0;

    if (pattern->can_recv && pattern->can_recv(socket))
        events |= ZMQ_POLLIN;
    if (pattern->can_send && pattern->can_send(socket))
        events |= ZMQ_POLLOUT;
    return events;
}

int ih_socket_events(struct ih_socket *socket)
{
    int notifyfd = atomic_load_explicit(&socket->notifyfd, memory_order_relaxed);
    int ready;

    if (notifyfd >= 0)
        ih_wakeup_clear(notifyfd);
    socket->reporting = true;
    take_mail(socket);
    (void)ih_driver_wait(socket, 0);
    ready = ih_socket_ready(socket);
    socket->reported = ready;
    socket->extended = false;
    if (socket->changed)
        ih_socket_announce(socket);
    socket->reporting = false;
    return ready;
}

void ih_socket_make_id(struct ih_socket *socket, uint8_t id[5])
{
    uint32_t number = socket->next_id++;

    id[0] = 0;
    for (int i = 0; i < 4; i++)
        id[1 + i] = (uint8_t)(number >> (24 - 8 * i));
}
