/* SPDX-License-Identifier: ISC */
/* Pipes: the accounting of messages between patterns and carriers, and the end of a pipe. */
#include "core/pipe.h"

#include <stdlib.h>

#include "core/part.h"
#include "core/pattern.h"
#include "core/socket.h"

enum {
    PROPS_CREDIT = 256, /* references to the metadata that are taken at once */
    OWNED_HERE = 4096,  /* octets of a lent frame that are copied with the lock held */
};

/* --- reading ---------------------------------------------------------------------------------------------------- */

/* Leaves the pipe to ih_pipe_reap: ended, and nothing is left to read. */
static void mark_reapable(struct ih_pipe *pipe)
{
    if (pipe->reapable)
        return;
    pipe->reapable = true;
    pipe->socket->ended_pipes++;
    ih_socket_changed(pipe->socket); /* a caller that drives meanwhile wakes, and frees it */
    ih_list_del(&pipe->node);
    ih_list_add_head(&pipe->socket->pipes, &pipe->node);
}

/* Asks the carrier for more. True if a message can be read now. */
static bool refill(struct ih_pipe *pipe)
{
    if (!pipe->ops || !pipe->ops->fetch || pipe->fetching)
        return false;
    pipe->fetching = true;
    pipe->calling++;
    pipe->ops->fetch(pipe);
    pipe->calling--;
    pipe->fetching = false;
    return pipe->in_messages > 0;
}

bool ih_pipe_can_read(struct ih_pipe *pipe)
{
    return pipe->in_messages > 0 || refill(pipe);
}

/* So much was read that the carrier had better go on: half of what makes the pipe full. */
static bool is_drained(const struct ih_pipe *pipe)
{
    bool enough = pipe->paced && pipe->in_octets > IH_PIPE_OCTETS / 2;

    return pipe->in_messages <= pipe->in_limit / (enough ? 20 : 2);
}

/* The last frame of a message was read. */
static void message_read(struct ih_pipe *pipe)
{
    pipe->in_messages--;
    if (pipe->ops && pipe->ops->taken)
        pipe->ops->taken(pipe);
    if (pipe->stalled && is_drained(pipe)) {
        pipe->stalled = false;
        if (pipe->ops) {
            pipe->calling++;
            pipe->ops->drained(pipe);
            pipe->calling--;
        }
    }
    if (pipe->ended && pipe->in_messages == 0)
        mark_reapable(pipe);
}

void ih_pipe_set_props(struct ih_pipe *pipe, struct ih_props *props)
{
    if (pipe->props)
        ih_props_release_many(pipe->props, pipe->props_credit + 1);
    pipe->props_credit = 0;
    pipe->props = props;
}

/* msg has none: frames lose theirs when they are written. */
static void attach_props(struct ih_pipe *pipe, struct ih_msg *msg)
{
    struct ih_socket *socket = pipe->socket;

    msg->props = pipe->props;
    if (socket->spare_props == pipe->props) {
        socket->spare_props = NULL;
        return;
    }
    if (!pipe->props_credit) {
        pipe->props_credit = PROPS_CREDIT;
        ih_props_hold_many(pipe->props, PROPS_CREDIT);
    }
    pipe->props_credit--;
}

int ih_pipe_read(struct ih_pipe *pipe, struct ih_msg *msg)
{
    if ((pipe->in_messages == 0 && !refill(pipe)) || !ih_queue_pop(&pipe->in, msg))
        return -EAGAIN;
    pipe->in_octets -= ih_msg_size(msg);
    if (pipe->props && pipe->socket->want_props)
        attach_props(pipe, msg);
    pipe->in_open = ih_msg_more(msg);
    if (!pipe->in_open)
        message_read(pipe);
    return 0;
}

struct ih_msg *ih_pipe_peek(struct ih_pipe *pipe)
{
    return ih_pipe_can_read(pipe) ? ih_queue_front(&pipe->in) : NULL;
}

void ih_pipe_discard(struct ih_pipe *pipe)
{
    struct ih_msg msg;

    while (ih_pipe_read(pipe, &msg) == 0)
        ih_msg_close(&msg);
}

/* --- writing ---------------------------------------------------------------------------------------------------- */

static bool has_room(struct ih_pipe *pipe)
{
    bool room = true;

    if (pipe->out_limit && pipe->out_messages >= pipe->out_limit)
        return false;
    if (pipe->ask_room && pipe->ops && pipe->ops->room) {
        pipe->calling++;
        room = pipe->ops->room(pipe);
        pipe->calling--;
    }
    return room;
}

bool ih_pipe_can_write(struct ih_pipe *pipe)
{
    if (pipe->ended)
        return false;
    if (pipe->out_open || has_room(pipe))
        return true;
    pipe->was_full = true;
    return false;
}

static void swallow(struct ih_pipe *pipe, struct ih_msg *msg)
{
    pipe->out_open = ih_msg_more(msg);
    ih_msg_close(msg);
    ih_msg_init(msg);
}

static void message_written(struct ih_pipe *pipe)
{
    pipe->out_messages++;
    if (pipe->ops) {
        pipe->calling++;
        pipe->ops->wrote(pipe);
        pipe->calling--;
    }
}

/* The last frame of the queue if it is an application's, else NULL. */
static struct ih_msg *last_data(struct ih_queue *queue)
{
    struct ih_chunk *chunk = queue->last;
    struct ih_msg *msg = NULL;

    if (chunk && chunk->tail > chunk->head)
        msg = &chunk->msgs[chunk->tail - 1];
    return msg && msg->kind == IH_MSG_DATA ? msg : NULL;
}

/* Replaces the newest frame, or appends. *added: whether the queue is longer now. -ENOMEM. */
static int conflate(struct ih_queue *queue, struct ih_msg *msg, bool *added)
{
    struct ih_msg *last = last_data(queue);

    msg->flags &= (uint8_t)~IH_MSG_MORE;
    *added = !last;
    if (!last)
        return ih_queue_push(queue, msg);
    ih_msg_close(last);
    ih_msg_take(last, msg);
    return 0;
}

static int append_newest(struct ih_pipe *pipe, struct ih_msg *msg)
{
    bool added;
    int rc = conflate(&pipe->out, msg, &added);

    if (rc == 0 && added)
        message_written(pipe);
    return rc;
}

static int put(struct ih_pipe *pipe, struct ih_msg *msg)
{
    int rc;

    pipe->calling++;
    rc = pipe->ops->put(pipe, msg);
    pipe->calling--;
    return rc;
}

/* Spares a lent frame the copy, if the carrier can do with it as it is. */
static bool borrow(struct ih_pipe *pipe, struct ih_msg *msg)
{
    bool taken;

    if (ih_msg_more(msg) || pipe->out_open || !ih_queue_empty(&pipe->out) || pipe->conflate || !pipe->ops ||
        !pipe->ops->borrow)
        return false;
    pipe->calling++;
    taken = pipe->ops->borrow(pipe, msg);
    pipe->calling--;
    if (taken)
        ih_msg_init(msg);
    return taken;
}

static int append(struct ih_pipe *pipe, struct ih_msg *msg)
{
    const bool more = ih_msg_more(msg);
    int rc;

    if (msg->flags & IH_MSG_LENT) {
        if (borrow(pipe, msg))
            return 0;
        if (ih_msg_size(msg) > OWNED_HERE)
            return -ENOBUFS;
        rc = ih_msg_own(msg);
        if (rc < 0)
            return rc;
    }
    if (msg->props)
        ih_msg_set_props(msg, NULL);
    if (pipe->conflate && msg->kind == IH_MSG_DATA)
        return append_newest(pipe, msg);
    if (!more && !pipe->out_open && pipe->ops && pipe->ops->put)
        return put(pipe, msg);
    rc = ih_queue_push(&pipe->out, msg);
    if (rc < 0)
        return rc;
    pipe->out_open = more;
    if (!more)
        message_written(pipe);
    return 0;
}

int ih_pipe_write(struct ih_pipe *pipe, struct ih_msg *msg)
{
    if (pipe->ended) {
        swallow(pipe, msg);
        return 0;
    }
    if (!pipe->out_open && !has_room(pipe)) {
        pipe->was_full = true;
        return -EAGAIN;
    }
    return append(pipe, msg);
}

/* Moves the frames of whole messages to the end of whole. -ENOMEM: not all of them were moved. */
static int split(struct ih_queue *queue, struct ih_queue *whole)
{
    size_t frames = 0, seen = 0;
    struct ih_msg msg;

    for (const struct ih_chunk *chunk = queue->first; chunk; chunk = chunk->next) {
        for (uint32_t i = chunk->head; i < chunk->tail; i++) {
            seen++;
            if (!ih_msg_more(&chunk->msgs[i]))
                frames = seen;
        }
    }
    while (frames-- > 0) {
        /* Reserve first: a frame that was taken out must have a place. */
        struct ih_msg *slot = ih_queue_reserve(whole);

        if (!slot)
            return -ENOMEM;
        ih_queue_pop(queue, &msg);
        *slot = msg;
        ih_queue_commit(whole);
    }
    return 0;
}

/* RFC 37 "Traffic": commands and messages come one after the other, never inside a message. */
static int insert(struct ih_pipe *pipe, struct ih_msg *msg)
{
    struct ih_queue whole;
    int rc;

    ih_queue_init(&whole);
    rc = split(&pipe->out, &whole);
    if (rc == 0)
        rc = ih_queue_push(&whole, msg);
    ih_queue_splice_front(&pipe->out, &whole);
    if (rc == 0)
        message_written(pipe);
    return rc;
}

int ih_pipe_force(struct ih_pipe *pipe, struct ih_msg *msg)
{
    if (pipe->ended) {
        swallow(pipe, msg);
        return 0;
    }
    if (pipe->out_open)
        return insert(pipe, msg);
    return append(pipe, msg);
}

void ih_pipe_unwind(struct ih_pipe *pipe)
{
    if (pipe->out_open && !pipe->ended)
        ih_queue_unwind(&pipe->out);
    pipe->out_open = false;
}

/* --- delivering ------------------------------------------------------------------------------------------------- */

/* What a queue of frames consists of. */
struct tally {
    size_t messages; /* whole ones */
    size_t octets;
    bool commands;
};

static struct tally count_frames(const struct ih_queue *frames)
{
    struct tally tally = {0, 0, false};
    unsigned kinds = 0;

    for (const struct ih_chunk *chunk = frames->first; chunk; chunk = chunk->next) {
        for (uint32_t i = chunk->head; i < chunk->tail; i++) {
            kinds |= chunk->msgs[i].kind;
            tally.messages += !ih_msg_more(&chunk->msgs[i]);
            tally.octets += ih_msg_size(&chunk->msgs[i]);
        }
    }
    tally.commands = kinds != IH_MSG_DATA;
    return tally;
}

static int deliver_command(struct ih_pipe *pipe, struct ih_msg *msg)
{
    struct ih_socket *socket = pipe->socket;
    const bool wanted = msg->kind == IH_MSG_SUBSCRIBE || msg->kind == IH_MSG_CANCEL;
    int rc = 0;

    if (wanted && pipe->attached && socket->pattern->wants_commands)
        rc = socket->pattern->command(socket, pipe, msg);
    if (rc < 0)
        return rc;
    if (pipe->ops && pipe->ops->taken)
        pipe->ops->taken(pipe); /* its room can be used again */
    return 0;
}

static int deliver_data(struct ih_pipe *pipe, struct ih_msg *msg)
{
    const bool more = ih_msg_more(msg);
    const size_t size = ih_msg_size(msg);
    bool added = !more;
    int rc;

    if (pipe->conflate)
        rc = conflate(&pipe->in, msg, &added);
    else
        rc = ih_queue_push(&pipe->in, msg);
    if (rc == 0) {
        pipe->in_messages += added;
        pipe->in_octets = pipe->conflate ? size : pipe->in_octets + size;
    }
    return rc;
}

/* Tells the pattern if there is something to read and was not before. */
static void tell_readable(struct ih_pipe *pipe, bool before)
{
    if (before || pipe->in_messages == 0)
        return;
    ih_socket_changed(pipe->socket);
    if (pipe->attached && !pipe->fetching)
        pipe->socket->pattern->readable(pipe->socket, pipe);
}

/* Drops the beginning of a message that will not be whole. */
static void unwind_in(struct ih_pipe *pipe)
{
    if (ih_queue_unwind(&pipe->in) > 0)
        pipe->in_octets = count_frames(&pipe->in).octets;
}

/* A pattern that takes commands sees them in order with the messages between them. */
static int deliver_each(struct ih_pipe *pipe, struct ih_queue *frames, bool *readable)
{
    struct ih_msg *front, msg;
    int rc = 0;

    while (rc == 0 && (front = ih_queue_front(frames))) {
        if (front->kind != IH_MSG_DATA) {
            tell_readable(pipe, *readable);
            *readable = pipe->in_messages > 0;
            rc = deliver_command(pipe, front);
        } else {
            rc = deliver_data(pipe, front);
        }
        if (rc == 0 && ih_queue_pop(frames, &msg))
            ih_msg_close(&msg);
    }
    return rc;
}

int ih_pipe_deliver(struct ih_pipe *pipe, struct ih_queue *frames)
{
    int rc = ih_pipe_deliver_some(pipe, frames);

    ih_queue_clear(frames);
    return rc;
}

int ih_pipe_deliver_some(struct ih_pipe *pipe, struct ih_queue *frames)
{
    bool readable = pipe->in_messages > 0;
    struct tally tally;
    int rc = 0;

    if (pipe->ended) {
        ih_queue_clear(frames);
        return 0;
    }
    rc = ih_part_check(pipe, frames);
    if (rc < 0)
        return rc;
    tally = count_frames(frames);
    if (tally.commands || pipe->conflate) {
        rc = deliver_each(pipe, frames, &readable);
    } else {
        ih_queue_splice(&pipe->in, frames);
        pipe->in_messages += tally.messages;
        pipe->in_octets += tally.octets;
    }
    if (ih_pipe_full(pipe))
        pipe->stalled = true;
    tell_readable(pipe, readable);
    return rc;
}

int ih_pipe_feed(struct ih_pipe *pipe, struct ih_msg *msg)
{
    struct ih_queue frames;
    int rc;

    ih_queue_init(&frames);
    rc = ih_queue_push(&frames, msg);
    return rc < 0 ? rc : ih_pipe_deliver(pipe, &frames);
}

/* --- for carriers: taking --------------------------------------------------------------------------------------- */

void ih_pipe_took(struct ih_pipe *pipe)
{
    if (!pipe->was_full || pipe->ended)
        return;
    /* As libzmq: not before half of the limit is free, so that a sender is not woken for each single message. */
    if (pipe->out_limit && pipe->out_messages > pipe->out_limit / 2)
        return;
    if (!has_room(pipe))
        return;
    pipe->was_full = false;
    ih_socket_changed(pipe->socket);
    if (pipe->attached)
        pipe->socket->pattern->writable(pipe->socket, pipe);
}

size_t ih_pipe_take(struct ih_pipe *pipe, struct ih_queue *frames)
{
    size_t messages = pipe->out_messages;

    if (messages == 0)
        return 0;
    if (!pipe->out_open) {
        ih_queue_splice(frames, &pipe->out);
    } else {
        struct ih_queue whole;

        ih_queue_init(&whole);
        if (split(&pipe->out, &whole) < 0) {
            ih_queue_splice_front(&pipe->out, &whole);
            return 0;
        }
        ih_queue_splice(frames, &whole);
    }
    pipe->out_messages = 0;
    ih_pipe_took(pipe);
    return messages;
}

/* --- life ------------------------------------------------------------------------------------------------------- */

struct ih_pipe *ih_pipe_new(struct ih_socket *socket)
{
    struct ih_pipe *pipe = calloc(1, sizeof *pipe);

    if (!pipe)
        return NULL;
    pipe->socket = socket;
    pipe->paced = socket->pattern->peers_wait;
    pipe->max_frame = -1;
    pipe->conflate = socket->opt.conflate && socket->pattern->conflates;
    if (!pipe->conflate) {
        pipe->in_limit = (size_t)socket->opt.rcvhwm;
        pipe->out_limit = (size_t)socket->opt.sndhwm;
    }
    ih_queue_init(&pipe->in);
    ih_queue_init(&pipe->out);
    pipe->out.keeps = true;
    ih_list_init(&pipe->fair);
    ih_list_init(&pipe->load);
    ih_list_add_tail(&socket->pipes, &pipe->node);
    return pipe;
}

int ih_pipe_attach(struct ih_pipe *pipe)
{
    struct ih_socket *socket = pipe->socket;
    int rc;

    pipe->fresh = pipe->connecting;
    rc = socket->pattern->attach(socket, pipe);
    if (rc < 0)
        return rc;
    pipe->attached = true;
    ih_socket_changed(socket);
    if (ih_pipe_can_read(pipe))
        socket->pattern->readable(socket, pipe);
    return 0;
}

void ih_pipe_connected(struct ih_pipe *pipe)
{
    struct ih_socket *socket = pipe->socket;

    if (pipe->ended)
        return;
    pipe->up = true;
    if (pipe->attached && socket->pattern->connected)
        socket->pattern->connected(socket, pipe);
    pipe->fresh = false;
}

/* Takes the commands out of the queue. Without memory everything goes: messages are kept whole or not at all. */
static void drop_commands(struct ih_pipe *pipe)
{
    struct ih_queue kept;
    struct ih_msg msg;
    size_t messages = 0;

    if (!count_frames(&pipe->out).commands)
        return;
    ih_queue_init(&kept);
    while (ih_queue_pop(&pipe->out, &msg)) {
        messages += msg.kind == IH_MSG_DATA && !ih_msg_more(&msg);
        if (msg.kind != IH_MSG_DATA) {
            ih_msg_close(&msg);
        } else if (ih_queue_push(&kept, &msg) < 0) {
            ih_msg_close(&msg);
            ih_queue_clear(&kept);
            ih_queue_clear(&pipe->out);
            messages = 0;
        }
    }
    ih_queue_splice(&pipe->out, &kept);
    pipe->out_messages = messages;
}

void ih_pipe_hiccup(struct ih_pipe *pipe)
{
    struct ih_socket *socket = pipe->socket;

    pipe->up = false;
    pipe->fresh = false;
    unwind_in(pipe);
    pipe->in_part = 0;
    drop_commands(pipe);
    if (pipe->attached && socket->pattern->hiccup)
        socket->pattern->hiccup(socket, pipe);
    ih_pipe_took(pipe);
}

static void detach(struct ih_pipe *pipe)
{
    struct ih_socket *socket = pipe->socket;

    if (!pipe->attached)
        return;
    pipe->attached = false;
    socket->pattern->detach(socket, pipe);
    ih_socket_changed(socket);
}

void ih_pipe_end(struct ih_pipe *pipe)
{
    const bool given_up = pipe->ended;

    pipe->ops = NULL;
    pipe->carrier = NULL;
    pipe->up = false;
    pipe->ended = true;
    pipe->was_full = false;
    ih_queue_clear(&pipe->out);
    pipe->out_messages = 0;
    /* CVE-2021-20234: the beginning of a message that never ends must not be kept. */
    unwind_in(pipe);
    if (pipe->in_messages > 0)
        return;
    if (!given_up && !pipe->calling)
        detach(pipe);
    mark_reapable(pipe);
}

/* Drops what can be read, but for the rest of a message that is being read: it must not end in the middle. */
static void drop_unread(struct ih_pipe *pipe)
{
    struct ih_queue rest;
    struct ih_msg msg;
    int rc = 0;

    ih_queue_init(&rest);
    for (bool more = pipe->in_open; more && rc == 0 && ih_queue_pop(&pipe->in, &msg);) {
        more = ih_msg_more(&msg);
        rc = ih_queue_push(&rest, &msg);
        if (rc < 0)
            ih_msg_close(&msg);
    }
    if (rc < 0)
        ih_queue_clear(&rest);
    ih_queue_clear(&pipe->in);
    ih_queue_splice(&pipe->in, &rest);
    pipe->in_messages = !ih_queue_empty(&pipe->in);
    pipe->in_octets = count_frames(&pipe->in).octets;
}

void ih_pipe_close(struct ih_pipe *pipe, bool linger)
{
    const bool had_ended = pipe->ended;

    ih_pipe_unwind(pipe);
    pipe->ended = true;
    pipe->up = false;
    pipe->was_full = false;
    drop_unread(pipe);
    if (pipe->in_messages == 0)
        mark_reapable(pipe);
    if (pipe->ops && !had_ended)
        pipe->ops->close(pipe, linger);
}

void ih_pipe_refuse(struct ih_pipe *pipe)
{
    ih_pipe_close(pipe, true);
}

void ih_pipe_reap(struct ih_socket *socket)
{
    while (socket->ended_pipes > 0) {
        struct ih_pipe *pipe = IH_CONTAINER(ih_list_pop(&socket->pipes), struct ih_pipe, node);

        socket->ended_pipes--;
        pipe->reapable = false;
        detach(pipe);
        if (pipe->ops) /* the carrier still lingers with it */
            ih_list_add_tail(&socket->pipes, &pipe->node);
        else
            ih_pipe_free(pipe);
    }
}

void ih_pipe_free(struct ih_pipe *pipe)
{
    struct ih_socket *socket = pipe->socket;

    detach(pipe);
    pipe->ended = true;
    if (pipe->ops)
        pipe->ops->close(pipe, false);
    if (pipe->reapable)
        socket->ended_pipes--;
    ih_list_del(&pipe->node);
    ih_queue_clear(&pipe->in);
    ih_queue_clear(&pipe->out);
    ih_pipe_set_props(pipe, NULL);
    free(pipe->peer_id);
    free(pipe);
}
