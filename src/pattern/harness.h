/* SPDX-License-Identifier: ISC */
/* For the tests of patterns: a socket without threads or descriptors, and peers that are played by the test. */
#ifndef IH_PATTERN_HARNESS_H
#define IH_PATTERN_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/pattern.h"
#include <zmq.h>

struct text {
    const void *data;
    size_t size;
};

/* A frame from a string literal, which may hold NULs, and a message of such frames. */
#define T(literal)                     \
    {                                  \
        (literal), sizeof(literal) - 1 \
    }
#define MSG(...) ((const struct text[]){__VA_ARGS__, {NULL, 0}})

/* The carrier that the test plays. Lives as long as its test. */
struct player {
    unsigned wrote;
    unsigned drained;
    unsigned closed;
    bool lingers; /* does not end the pipe when it is closed */
    bool no_room;
};

static inline void player_wrote(struct ih_pipe *pipe)
{
    ((struct player *)pipe->carrier)->wrote++;
}

static inline void player_drained(struct ih_pipe *pipe)
{
    ((struct player *)pipe->carrier)->drained++;
}

static inline bool player_room(struct ih_pipe *pipe)
{
    return !((struct player *)pipe->carrier)->no_room;
}

static inline void player_close(struct ih_pipe *pipe, bool linger)
{
    struct player *player = pipe->carrier;

    player->closed++;
    if (!player->lingers || !linger)
        ih_pipe_end(pipe);
}

static const struct ih_carrier_ops player_ops = {
    .wrote = player_wrote,
    .drained = player_drained,
    .room = player_room,
    .close = player_close,
};

static inline void socket_open(struct ih_socket *socket, int type)
{
    memset(socket, 0, sizeof *socket);
    socket->pattern = ih_pattern_find(type);
    assert_non_null(socket->pattern);
    socket->pattern_state = calloc(1, socket->pattern->state_size);
    assert_non_null(socket->pattern_state);
    ih_list_init(&socket->pipes);
    ih_options_init(&socket->opt);
    assert_int_equal(socket->pattern->init(socket), 0);
}

static inline void socket_close(struct ih_socket *socket)
{
    while (!ih_list_empty(&socket->pipes))
        ih_pipe_free(IH_CONTAINER(socket->pipes.next, struct ih_pipe, node));
    if (socket->pattern->fini)
        socket->pattern->fini(socket);
    ih_options_fini(&socket->opt);
    free(socket->pattern_state);
}

/* A pipe as a carrier makes it, not attached. */
static inline struct ih_pipe *peer_new(struct ih_socket *socket, struct player *player, const char *id)
{
    struct ih_pipe *pipe = ih_pipe_new(socket);

    assert_non_null(pipe);
    memset(player, 0, sizeof *player);
    pipe->ops = &player_ops;
    pipe->ask_room = true;
    pipe->carrier = player;
    if (id) {
        pipe->peer_id = malloc(strlen(id));
        assert_non_null(pipe->peer_id);
        memcpy(pipe->peer_id, id, strlen(id));
        pipe->peer_id_size = (uint8_t)strlen(id);
    }
    return pipe;
}

/* A peer has connected to us. */
static inline struct ih_pipe *peer_join(struct ih_socket *socket, struct player *player, const char *id)
{
    struct ih_pipe *pipe = peer_new(socket, player, id);

    assert_int_equal(ih_pipe_attach(pipe), 0);
    ih_pipe_connected(pipe);
    return pipe;
}

/* The peer is gone. */
static inline void peer_leave(struct ih_pipe *pipe)
{
    struct ih_socket *socket = pipe->socket;

    ih_pipe_end(pipe);
    if (socket->ended_pipes)
        ih_pipe_reap(socket);
}

static inline void append(struct ih_queue *queue, const struct text *text, enum ih_msg_kind kind, bool more)
{
    struct ih_msg msg;

    assert_int_equal(ih_msg_init_copy(&msg, text->data, text->size), 0);
    msg.kind = (uint8_t)kind;
    msg.flags = more ? IH_MSG_MORE : 0;
    assert_int_equal(ih_queue_push(queue, &msg), 0);
}

/* The peer sends a message. */
static inline void peer_says(struct ih_pipe *pipe, const struct text *frames)
{
    struct ih_queue queue;

    ih_queue_init(&queue);
    for (; frames->data; frames++)
        append(&queue, frames, IH_MSG_DATA, frames[1].data != NULL);
    assert_int_equal(ih_pipe_deliver(pipe, &queue), 0);
}

/* The peer sends frames of a message that does not end with them. */
static inline void peer_begins(struct ih_pipe *pipe, const struct text *frames)
{
    struct ih_queue queue;

    ih_queue_init(&queue);
    for (; frames->data; frames++)
        append(&queue, frames, IH_MSG_DATA, true);
    assert_int_equal(ih_pipe_deliver(pipe, &queue), 0);
}

static inline void peer_commands(struct ih_pipe *pipe, enum ih_msg_kind kind, const struct text *topic)
{
    struct ih_queue queue;

    ih_queue_init(&queue);
    append(&queue, topic, kind, false);
    assert_int_equal(ih_pipe_deliver(pipe, &queue), 0);
}

static inline void expect_frame(struct ih_msg *msg, const struct text *text, enum ih_msg_kind kind, bool more)
{
    assert_int_equal(msg->kind, kind);
    assert_int_equal(ih_msg_size(msg), text->size);
    assert_memory_equal(ih_msg_data(msg), text->data, text->size);
    assert_int_equal(ih_msg_more(msg), more);
    ih_msg_close(msg);
}

/* What has been sent to the peer begins with this message, which is taken. */
static inline void peer_hears(struct ih_pipe *pipe, const struct text *frames)
{
    struct ih_queue queue;
    struct ih_msg msg;

    ih_queue_init(&queue);
    (void)ih_pipe_take(pipe, &queue);
    for (; frames->data; frames++) {
        ih_msg_init(&msg);
        assert_true(ih_queue_pop(&queue, &msg));
        expect_frame(&msg, frames, IH_MSG_DATA, frames[1].data != NULL);
    }
    for (const struct ih_chunk *chunk = queue.first; chunk; chunk = chunk->next) {
        for (uint32_t i = chunk->head; i < chunk->tail; i++)
            pipe->out_messages += !ih_msg_more(&chunk->msgs[i]);
    }
    ih_queue_splice_front(&pipe->out, &queue);
}

static inline void peer_hears_command(struct ih_pipe *pipe, enum ih_msg_kind kind, const struct text *topic)
{
    struct ih_msg msg;

    ih_msg_init(&msg);
    assert_true(ih_queue_pop(&pipe->out, &msg));
    pipe->out_messages--;
    expect_frame(&msg, topic, kind, false);
}

static inline void peer_hears_nothing(struct ih_pipe *pipe)
{
    assert_int_equal(pipe->out_messages, 0);
}

/* The application sends a frame, or a message; the result of the last frame. */
static inline int app_send_frame(struct ih_socket *socket, const struct text *text, bool more)
{
    struct ih_msg msg;
    int rc;

    assert_int_equal(ih_msg_init_copy(&msg, text->data, text->size), 0);
    msg.flags = more ? IH_MSG_MORE : 0;
    rc = socket->pattern->send(socket, &msg);
    if (rc == 0)
        assert_int_equal(ih_msg_size(&msg), 0);
    else
        assert_int_equal(ih_msg_size(&msg), text->size);
    ih_msg_close(&msg);
    return rc;
}

static inline int app_send(struct ih_socket *socket, const struct text *frames)
{
    int rc = 0;

    for (; frames->data && rc == 0; frames++)
        rc = app_send_frame(socket, frames, frames[1].data != NULL);
    return rc;
}

static inline void app_recv_frame(struct ih_socket *socket, const struct text *text, bool more)
{
    struct ih_msg msg;

    assert_true(socket->pattern->can_recv(socket));
    ih_msg_init(&msg);
    assert_int_equal(socket->pattern->recv(socket, &msg), 0);
    expect_frame(&msg, text, IH_MSG_DATA, more);
}

/* The application receives exactly this message. */
static inline void app_recv(struct ih_socket *socket, const struct text *frames)
{
    for (; frames->data; frames++)
        app_recv_frame(socket, frames, frames[1].data != NULL);
    if (socket->ended_pipes)
        ih_pipe_reap(socket);
}

static inline void app_recv_fails(struct ih_socket *socket, int error)
{
    struct ih_msg msg;

    assert_false(socket->pattern->can_recv(socket));
    ih_msg_init(&msg);
    assert_int_equal(socket->pattern->recv(socket, &msg), error);
    ih_msg_close(&msg);
}

static inline int app_set(struct ih_socket *socket, int option, int value)
{
    return socket->pattern->set(socket, option, &value, sizeof value);
}

#endif
