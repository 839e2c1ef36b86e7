/* SPDX-License-Identifier: ISC */
/* For the tests of pipes: a pattern and a carrier that count what they are told. */
#ifndef IH_CORE_PIPE_HARNESS_H
#define IH_CORE_PIPE_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/pattern.h"
#include "core/pipe.h"
#include "core/socket.h"

/* What was called; lives as long as a test. */
static struct {
    unsigned attached, detached, readable, writable, connected, hiccups, commands, last_kind;
    unsigned wrote, drained, taken, fetched, closed;
    int attach_result;
    bool no_room; /* carrier: room says no */
    bool lingers; /* carrier: close does not end the pipe */
    bool end_in_wrote;
    bool end_in_fetch;
    struct ih_queue held; /* carrier: what fetch delivers */
} seen;

static inline int on_attach(struct ih_socket *socket, struct ih_pipe *pipe)
{
    (void)socket;
    (void)pipe;
    seen.attached++;
    return seen.attach_result;
}

static inline void on_detach(struct ih_socket *socket, struct ih_pipe *pipe)
{
    (void)socket;
    (void)pipe;
    seen.detached++;
}

static inline void on_readable(struct ih_socket *socket, struct ih_pipe *pipe)
{
    (void)socket;
    (void)pipe;
    seen.readable++;
}

static inline void on_writable(struct ih_socket *socket, struct ih_pipe *pipe)
{
    (void)socket;
    (void)pipe;
    seen.writable++;
}

static inline void on_connected(struct ih_socket *socket, struct ih_pipe *pipe)
{
    (void)socket;
    (void)pipe;
    seen.connected++;
}

static inline void on_hiccup(struct ih_socket *socket, struct ih_pipe *pipe)
{
    (void)socket;
    (void)pipe;
    seen.hiccups++;
}

static inline int on_command(struct ih_socket *socket, struct ih_pipe *pipe, struct ih_msg *msg)
{
    (void)socket;
    (void)pipe;
    seen.commands++;
    seen.last_kind = msg->kind;
    return 0;
}

static struct ih_pattern_ops pattern = {
    .name = "TEST",
    .wants_commands = true,
    .conflates = true,
    .attach = on_attach,
    .detach = on_detach,
    .readable = on_readable,
    .writable = on_writable,
    .connected = on_connected,
    .hiccup = on_hiccup,
    .command = on_command,
};

static inline void carrier_wrote(struct ih_pipe *pipe)
{
    seen.wrote++;
    if (seen.end_in_wrote)
        ih_pipe_end(pipe);
}

static inline void carrier_drained(struct ih_pipe *pipe)
{
    (void)pipe;
    seen.drained++;
}

static inline void carrier_taken(struct ih_pipe *pipe)
{
    (void)pipe;
    seen.taken++;
}

static inline bool carrier_room(struct ih_pipe *pipe)
{
    (void)pipe;
    return !seen.no_room;
}

static inline void carrier_fetch(struct ih_pipe *pipe)
{
    seen.fetched++;
    assert_int_equal(ih_pipe_deliver(pipe, &seen.held), 0);
    if (seen.end_in_fetch)
        ih_pipe_end(pipe);
}

static inline void carrier_close(struct ih_pipe *pipe, bool linger)
{
    seen.closed++;
    if (!seen.lingers || !linger)
        ih_pipe_end(pipe);
}

static const struct ih_carrier_ops carrier = {
    .wrote = carrier_wrote,
    .drained = carrier_drained,
    .taken = carrier_taken,
    .room = carrier_room,
    .fetch = carrier_fetch,
    .close = carrier_close,
};

static struct ih_socket sock;

static inline int setup(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof seen);
    memset(&sock, 0, sizeof sock);
    ih_list_init(&sock.pipes);
    sock.pattern = &pattern;
    sock.opt.sndhwm = 4;
    sock.opt.rcvhwm = 4;
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    while (!ih_list_empty(&sock.pipes))
        ih_pipe_free(IH_CONTAINER(sock.pipes.next, struct ih_pipe, node));
    ih_queue_clear(&seen.held);
    return 0;
}

static inline struct ih_pipe *open_pipe(void)
{
    struct ih_pipe *pipe = ih_pipe_new(&sock);

    assert_non_null(pipe);
    pipe->ops = &carrier;
    pipe->ask_room = true;
    assert_int_equal(ih_pipe_attach(pipe), 0);
    ih_pipe_connected(pipe);
    seen.fetched = 0;
    return pipe;
}

static inline void push(struct ih_queue *queue, char octet, bool more)
{
    struct ih_msg msg;

    assert_int_equal(ih_msg_init_copy(&msg, &octet, 1), 0);
    msg.flags = more ? IH_MSG_MORE : 0;
    assert_int_equal(ih_queue_push(queue, &msg), 0);
}

static inline void push_command(struct ih_queue *queue, enum ih_msg_kind kind)
{
    struct ih_msg msg;

    ih_msg_init(&msg);
    msg.kind = (uint8_t)kind;
    assert_int_equal(ih_queue_push(queue, &msg), 0);
}

/* Delivers one frame for each letter: a capital is followed by another frame of its message. */
static inline void deliver(struct ih_pipe *pipe, const char *letters)
{
    struct ih_queue queue;

    ih_queue_init(&queue);
    for (; *letters; letters++)
        push(&queue, *letters, *letters < 'a');
    assert_int_equal(ih_pipe_deliver(pipe, &queue), 0);
    assert_true(ih_queue_empty(&queue));
}

static inline void expect_read(struct ih_pipe *pipe, const char *letters)
{
    struct ih_msg msg;

    for (; *letters; letters++) {
        assert_int_equal(ih_pipe_read(pipe, &msg), 0);
        assert_int_equal(*ih_msg_data(&msg), *letters);
        assert_int_equal(ih_msg_more(&msg), *letters < 'a');
        ih_msg_close(&msg);
    }
}

static inline void expect_nothing(struct ih_pipe *pipe)
{
    struct ih_msg msg;

    assert_false(ih_pipe_can_read(pipe));
    assert_null(ih_pipe_peek(pipe));
    assert_int_equal(ih_pipe_read(pipe, &msg), -EAGAIN);
}

static inline int write_letter(struct ih_pipe *pipe, char letter)
{
    struct ih_msg msg;
    int rc;

    assert_int_equal(ih_msg_init_copy(&msg, &letter, 1), 0);
    msg.flags = letter < 'a' ? IH_MSG_MORE : 0;
    rc = ih_pipe_write(pipe, &msg);
    assert_int_equal(ih_msg_size(&msg), rc < 0);
    ih_msg_close(&msg);
    return rc;
}

static inline void write_letters(struct ih_pipe *pipe, const char *letters)
{
    for (; *letters; letters++)
        assert_int_equal(write_letter(pipe, *letters), 0);
}

static inline void force_command(struct ih_pipe *pipe)
{
    struct ih_msg msg;

    ih_msg_init(&msg);
    msg.kind = IH_MSG_SUBSCRIBE;
    assert_int_equal(ih_pipe_force(pipe, &msg), 0);
}

/* What the carrier takes: '!' stands for a command. */
static inline void expect_taken(struct ih_pipe *pipe, const char *letters)
{
    struct ih_queue queue;
    struct ih_msg msg;

    ih_queue_init(&queue);
    (void)ih_pipe_take(pipe, &queue);
    assert_int_equal(pipe->out_messages, 0);
    for (; *letters; letters++) {
        ih_msg_init(&msg);
        assert_true(ih_queue_pop(&queue, &msg));
        assert_int_equal(msg.kind != IH_MSG_DATA, *letters == '!');
        if (*letters != '!') {
            assert_int_equal(ih_msg_size(&msg), 1);
            assert_memory_equal(ih_msg_data(&msg), letters, 1);
        }
        ih_msg_close(&msg);
    }
    assert_true(ih_queue_empty(&queue));
}

#endif
