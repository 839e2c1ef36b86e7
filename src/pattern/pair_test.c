/* SPDX-License-Identifier: ISC */
/* PAIR (RFC 31). */
#include "pattern/harness.h"

static void one_peer_at_a_time(void **state)
{
    struct ih_socket socket;
    struct player first, second;
    struct ih_pipe *pipe, *other;

    (void)state;
    socket_open(&socket, ZMQ_PAIR);
    assert_int_equal(app_send(&socket, MSG(T("x"))), -EAGAIN);
    pipe = peer_join(&socket, &first, NULL);
    other = peer_new(&socket, &second, NULL);
    assert_int_equal(ih_pipe_attach(other), -EAGAIN);
    ih_pipe_free(other);
    peer_says(pipe, MSG(T("a"), T("b")));
    app_recv(&socket, MSG(T("a"), T("b")));
    app_recv_fails(&socket, -EAGAIN);
    assert_int_equal(app_send(&socket, MSG(T("c"), T(""))), 0);
    peer_hears(pipe, MSG(T("c"), T("")));
    socket_close(&socket);
}

static void next_peer_after_the_first_is_read(void **state)
{
    struct ih_socket socket;
    struct player player;
    struct ih_pipe *pipe, *next;

    (void)state;
    socket_open(&socket, ZMQ_PAIR);
    pipe = peer_join(&socket, &player, NULL);
    peer_says(pipe, MSG(T("last")));
    ih_pipe_end(pipe);
    assert_false(socket.pattern->can_send(&socket));
    assert_int_equal(app_send(&socket, MSG(T("x"))), -EAGAIN);
    next = peer_new(&socket, &player, NULL);
    assert_int_equal(ih_pipe_attach(next), -EAGAIN);
    ih_pipe_free(next);
    app_recv(&socket, MSG(T("last")));
    next = peer_join(&socket, &player, NULL);
    assert_int_equal(app_send(&socket, MSG(T("x"))), 0);
    peer_hears(next, MSG(T("x")));
    socket_close(&socket);
}

/* A message begun with one peer is not continued with the next. */
static void rest_of_a_message_is_dropped(void **state)
{
    struct ih_socket socket;
    struct player player;
    struct ih_pipe *pipe;

    (void)state;
    socket_open(&socket, ZMQ_PAIR);
    pipe = peer_join(&socket, &player, NULL);
    assert_int_equal(app_send_frame(&socket, MSG(T("a")), true), 0);
    peer_leave(pipe);
    pipe = peer_join(&socket, &player, NULL);
    assert_true(socket.pattern->can_send(&socket));
    assert_int_equal(app_send_frame(&socket, MSG(T("b")), true), 0);
    assert_int_equal(app_send_frame(&socket, MSG(T("c")), false), 0);
    assert_int_equal(app_send(&socket, MSG(T("d"))), 0);
    peer_hears(pipe, MSG(T("d")));
    peer_hears_nothing(pipe);
    socket_close(&socket);
}

static void full_peer_holds_the_sender(void **state)
{
    struct ih_socket socket;
    struct player player;
    struct ih_pipe *pipe;
    struct ih_queue taken;

    (void)state;
    socket_open(&socket, ZMQ_PAIR);
    socket.opt.sndhwm = 2;
    pipe = peer_join(&socket, &player, NULL);
    assert_int_equal(app_send(&socket, MSG(T("1"))), 0);
    assert_int_equal(app_send(&socket, MSG(T("2"))), 0);
    assert_false(socket.pattern->can_send(&socket));
    assert_int_equal(app_send(&socket, MSG(T("3"))), -EAGAIN);
    ih_queue_init(&taken);
    socket.changed = false;
    assert_int_equal(ih_pipe_take(pipe, &taken), 2);
    ih_queue_clear(&taken);
    assert_true(socket.changed);
    assert_true(socket.pattern->can_send(&socket));
    assert_int_equal(app_send(&socket, MSG(T("3"))), 0);
    peer_hears(pipe, MSG(T("3")));
    socket_close(&socket);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_peer_at_a_time),
        cmocka_unit_test(next_peer_after_the_first_is_read),
        cmocka_unit_test(rest_of_a_message_is_dropped),
        cmocka_unit_test(full_peer_holds_the_sender),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
