/* SPDX-License-Identifier: ISC */
/* Links: pairs of queues between two sockets of a process. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/driver.h"
#include "core/inproc.h"
#include "core/pipe.h"
#include "core/socket.h"

enum { BUDGET = 1000 }; /* where there is no limit */

struct ih_link *ih_link_new(void)
{
    struct ih_link *link = aligned_alloc(_Alignof(struct ih_link), sizeof(*link));

    if (!link)
        return NULL;
    memset(link, 0, sizeof(*link));
    ih_lock_init(&link->lock);
    atomic_init(&link->refs, 2);
    link->end[0].link = link;
    link->end[1].link = link;
    return link;
}

void ih_link_hold(struct ih_link *link)
{
    atomic_fetch_add_explicit(&link->refs, 1, memory_order_relaxed);
}

void ih_link_release(struct ih_link *link)
{
    if (atomic_fetch_sub_explicit(&link->refs, 1, memory_order_acq_rel) != 1)
        return;
    ih_queue_clear(&link->end[0].queue);
    ih_queue_clear(&link->end[1].queue);
    ih_lock_fini(&link->lock);
    free(link);
}

/* Leaves a notice for an end. Link's lock held. Returns its socket, held, if it must be woken. */
static struct ih_socket *post(struct ih_link_end *end)
{
    struct ih_socket *socket = end->socket;

    if (!socket)
        return NULL;
    if (!atomic_exchange(&end->posted, true)) {
        struct ih_link_end *head = atomic_load(&socket->mail);

        ih_link_hold(end->link);
        do
            end->mail_next = head;
        while (!atomic_compare_exchange_weak(&socket->mail, &head, end));
    }
    if (!end->urgent && !ih_socket_sleeps(socket))
        return NULL;
    ih_socket_hold(socket);
    return socket;
}

static void wake(struct ih_socket *socket)
{
    if (!socket)
        return;
    ih_socket_wake(socket);
    ih_socket_release(socket);
}

void ih_link_occupy(struct ih_link_end *end, struct ih_socket *socket, ih_link_notice_fn *notice, void *owner)
{
    ih_lock_enter(&end->link->lock);
    end->present = true;
    end->socket = socket;
    end->notice = notice;
    end->owner = owner;
    ih_lock_leave(&end->link->lock);
}

/* Only the newest message is kept on the way. Link's lock held. */
static void drop_unread(struct ih_link_end *end)
{
    ih_queue_clear(&end->queue);
    end->unread = 0;
}

int ih_link_send(struct ih_link_end *end, struct ih_queue *messages, size_t count)
{
    struct ih_link_end *peer = ih_link_peer(end);
    struct ih_socket *sleeper = NULL;
    bool open;

    ih_lock_enter(&end->link->lock);
    open = !peer->closed;
    if (open) {
        bool was_empty = ih_queue_empty(&peer->queue);

        if (peer->conflate)
            drop_unread(peer);
        ih_queue_splice(&peer->queue, messages);
        peer->unread += count;
        if (was_empty)
            sleeper = post(peer);
    }
    ih_lock_leave(&end->link->lock);
    wake(sleeper);
    if (open)
        return 0;
    ih_queue_clear(messages);
    return -EPIPE;
}

/* One message of one frame; to a closed end it is dropped. -ENOMEM. */
static int link_put(struct ih_link_end *end, struct ih_msg *msg)
{
    struct ih_link_end *peer = ih_link_peer(end);
    struct ih_socket *sleeper = NULL;
    int rc = 0;

    ih_lock_enter(&end->link->lock);
    if (peer->closed) {
        ih_msg_close(msg);
        ih_msg_init(msg);
    } else {
        const bool was_empty = ih_queue_empty(&peer->queue);

        if (peer->conflate)
            drop_unread(peer);
        rc = ih_queue_push(&peer->queue, msg);
        peer->unread += rc == 0;
        if (rc == 0 && was_empty)
            sleeper = post(peer);
    }
    ih_lock_leave(&end->link->lock);
    wake(sleeper);
    return rc;
}

bool ih_link_room(struct ih_link_end *end)
{
    struct ih_link_end *peer = ih_link_peer(end);

    if (end->budget)
        return true;
    ih_lock_enter(&end->link->lock);
    if (!peer->limit || peer->conflate || peer->closed)
        end->budget = BUDGET;
    else if (peer->unread < peer->limit)
        end->budget = peer->limit - peer->unread;
    else
        peer->starved = true;
    ih_lock_leave(&end->link->lock);
    return end->budget != 0;
}

/* Tells a writer that found no room, if there is room now. Link's lock held. */
static struct ih_socket *relieve(struct ih_link_end *end)
{
    if (!end->starved || (end->limit && end->unread >= end->limit))
        return NULL;
    end->starved = false;
    return post(ih_link_peer(end));
}

/* What was read makes room for the writer. Link's lock held, by the reader. */
static struct ih_socket *acknowledge(struct ih_link_end *end)
{
    end->unread = end->unread > end->taken ? end->unread - end->taken : 0;
    end->taken = 0;
    return relieve(end);
}

size_t ih_link_receive(struct ih_link_end *end, struct ih_queue *queue, bool *closed)
{
    struct ih_socket *sleeper;
    size_t count;

    ih_lock_enter(&end->link->lock);
    count = end->queue.count;
    sleeper = acknowledge(end);
    ih_queue_splice(queue, &end->queue);
    *closed = ih_link_peer(end)->closed;
    ih_lock_leave(&end->link->lock);
    wake(sleeper);
    return count;
}

void ih_link_acknowledge(struct ih_link_end *end)
{
    struct ih_socket *sleeper;

    ih_lock_enter(&end->link->lock);
    sleeper = acknowledge(end);
    ih_lock_leave(&end->link->lock);
    wake(sleeper);
}

void ih_link_close(struct ih_link_end *end)
{
    struct ih_socket *sleeper;

    ih_lock_enter(&end->link->lock);
    end->closed = true;
    end->socket = NULL;
    end->owner = NULL;
    ih_queue_clear(&end->queue);
    end->unread = 0;
    sleeper = post(ih_link_peer(end));
    ih_lock_leave(&end->link->lock);
    wake(sleeper);
    ih_link_release(end->link);
}

void ih_link_notify(struct ih_link_end *end)
{
    struct ih_socket *sleeper;

    ih_lock_enter(&end->link->lock);
    sleeper = post(ih_link_peer(end));
    ih_lock_leave(&end->link->lock);
    wake(sleeper);
}

static size_t sum_limit(int writer, int reader)
{
    return writer && reader ? (size_t)writer + (size_t)reader : 0;
}

void ih_link_set_limits(struct ih_link *link)
{
    struct ih_socket *sleepers[2];

    ih_lock_enter(&link->lock);
    link->end[0].limit = sum_limit(link->end[1].hwm_out, link->end[0].hwm_in);
    link->end[1].limit = sum_limit(link->end[0].hwm_out, link->end[1].hwm_in);
    sleepers[0] = relieve(&link->end[0]);
    sleepers[1] = relieve(&link->end[1]);
    ih_lock_leave(&link->lock);
    wake(sleepers[0]);
    wake(sleepers[1]);
}

void ih_mail_drop(struct ih_socket *socket)
{
    struct ih_link_end *end = atomic_exchange(&socket->mail, NULL);

    while (end) {
        struct ih_link_end *next = end->mail_next;

        atomic_store(&end->posted, false);
        ih_link_release(end->link);
        end = next;
    }
}

void ih_mail_take(struct ih_socket *socket)
{
    struct ih_link_end *end = atomic_exchange(&socket->mail, NULL);
    struct ih_link_end *first = NULL;

    while (end) { /* the oldest notice first */
        struct ih_link_end *next = end->mail_next;

        end->mail_next = first;
        first = end;
        end = next;
    }
    while ((end = first)) {
        struct ih_link *link = end->link;

        first = end->mail_next;
        atomic_store(&end->posted, false);
        if (end->socket == socket)
            end->notice(end);
        ih_link_release(link);
    }
}

/* --- the carrier ---------------------------------------------------------------------------------------------- */

static void carrier_wrote(struct ih_pipe *pipe)
{
    struct ih_link_end *end = pipe->carrier;
    size_t count = pipe->out_messages;

    pipe->out_messages = 0;
    end->budget -= count < end->budget ? count : end->budget;
    pipe->ask_room = !end->budget;
    (void)ih_link_send(end, &pipe->out, count); /* to a closed end: dropped, its notice is on the way */
}

static int carrier_put(struct ih_pipe *pipe, struct ih_msg *msg)
{
    struct ih_link_end *end = pipe->carrier;
    int rc = link_put(end, msg);

    if (rc < 0)
        return rc;
    end->budget -= end->budget > 0;
    pipe->ask_room = !end->budget;
    return 0;
}

static bool carrier_room(struct ih_pipe *pipe)
{
    pipe->ask_room = !ih_link_room(pipe->carrier); /* while there is a budget, nobody need ask */
    return !pipe->ask_room;
}

/* Without memory a notice is acted upon later: it comes again. */
static void put_off(struct ih_link_end *end)
{
    ih_link_notify(ih_link_peer(end));
}

/* Delivers what waits. What there is no memory for stays, and comes again. True: nothing more will come. */
static bool receive(struct ih_pipe *pipe)
{
    struct ih_link_end *end = pipe->carrier;
    struct ih_queue frames;
    bool closed;

    ih_queue_init(&frames);
    (void)ih_link_receive(end, &frames, &closed);
    if (ih_queue_empty(&frames) || ih_pipe_deliver_some(pipe, &frames) == 0)
        return closed;
    if (pipe->ended) {
        ih_queue_clear(&frames);
        return false;
    }
    ih_lock_enter(&end->link->lock);
    ih_queue_splice_front(&end->queue, &frames);
    ih_lock_leave(&end->link->lock);
    put_off(end);
    return false;
}

static void carrier_fetch(struct ih_pipe *pipe)
{
    (void)receive(pipe);
}

/* One message was read: the writer is told after half of the limit, and when there is nothing left. */
static void carrier_taken(struct ih_pipe *pipe)
{
    struct ih_link_end *end = pipe->carrier;

    if (!end->limit)
        return;
    end->taken++;
    if (!pipe->in_messages || end->taken >= end->limit / 2)
        ih_link_acknowledge(end);
}

static void carrier_close(struct ih_pipe *pipe, bool linger)
{
    (void)linger; /* what was sent is at the other end already */
    ih_link_close(pipe->carrier);
    ih_pipe_end(pipe);
}

const struct ih_carrier_ops ih_link_carrier = {
    .wrote = carrier_wrote,
    .put = carrier_put,
    .taken = carrier_taken,
    .room = carrier_room,
    .fetch = carrier_fetch,
    .close = carrier_close,
};

/* The routing id that the other end's socket has announced; *present: whether there is one yet. */
static int look_at_peer(struct ih_link_end *peer, struct ih_pipe *pipe, bool *present)
{
    uint8_t id[255];
    uint8_t size;

    ih_lock_enter(&peer->link->lock);
    *present = peer->present;
    size = peer->id_size;
    memcpy(id, peer->id, size);
    ih_lock_leave(&peer->link->lock);
    if (!*present || !size || pipe->peer_id)
        return 0;
    pipe->peer_id = malloc(size);
    if (!pipe->peer_id)
        return -ENOMEM;
    memcpy(pipe->peer_id, id, size);
    pipe->peer_id_size = size;
    return 0;
}

/* Both ends have their sockets: the link stands. */
static void meet(struct ih_link_end *end, struct ih_pipe *pipe)
{
    bool present;

    if (pipe->up || pipe->ended)
        return;
    if (look_at_peer(ih_link_peer(end), pipe, &present) < 0) {
        put_off(end);
        return;
    }
    if (!present)
        return;
    ih_pipe_connected(pipe);
    if (pipe->untold && !pipe->ended) {
        pipe->untold = false;
        pipe->up = false; /* once more */
        put_off(end);
    }
}

static void pipe_notice(struct ih_link_end *end)
{
    struct ih_pipe *pipe = end->owner;
    bool closed;

    meet(end, pipe);
    if (pipe->ended)
        return;
    closed = receive(pipe);
    if (pipe->ended)
        return;
    if (closed) {
        ih_link_close(end);
        ih_pipe_end(pipe);
    } else {
        ih_pipe_took(pipe);
    }
}

/* ZMQ_CONFLATE at either end: only the newest message is kept on the way. */
static void conflate(struct ih_link *link)
{
    ih_lock_enter(&link->lock);
    link->end[0].conflate = link->end[1].conflate = true;
    ih_lock_leave(&link->lock);
}

/* The pipe of an end that has none yet. */
static struct ih_pipe *new_pipe(struct ih_socket *socket, struct ih_link_end *end)
{
    struct ih_pipe *pipe = ih_pipe_new(socket);
    bool present;

    if (!pipe)
        return NULL;
    if (look_at_peer(ih_link_peer(end), pipe, &present) < 0) {
        ih_pipe_free(pipe);
        return NULL;
    }
    pipe->in_limit = 0;
    pipe->out_limit = 0; /* the link counts */
    pipe->ops = &ih_link_carrier;
    pipe->ask_room = true;
    pipe->carrier = end;
    pipe->connecting = end == &end->link->end[0];
    return pipe;
}

int ih_link_pipe(struct ih_socket *socket, struct ih_link_end *end)
{
    struct ih_pipe *pipe = new_pipe(socket, end);
    ih_link_notice_fn *notice = end->notice;
    void *owner = end->owner;
    int rc;

    if (!pipe)
        return -ENOMEM;
    ih_link_occupy(end, socket, pipe_notice, pipe);
    if (pipe->conflate)
        conflate(end->link);
    rc = ih_pipe_attach(pipe);
    if (rc == -ENOMEM) {
        ih_link_occupy(end, socket, notice, owner);
        pipe->ops = NULL;
    }
    if (rc < 0) {
        ih_pipe_free(pipe);
        return rc;
    }
    pipe_notice(end); /* what came before */
    if (pipe->connecting)
        ih_link_notify(end); /* who was offered the link may have looked before we were here */
    return 0;
}
