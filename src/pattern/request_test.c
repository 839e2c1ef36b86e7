/* SPDX-License-Identifier: ISC */
/* REQ and REP (RFC 28). */
#include "pattern/harness.h"

/* --- REQ -------------------------------------------------------------------------------------------------------- */

static void strict_turns(void **state)
{
    struct ih_socket socket;
    struct player player;
    struct ih_pipe *pipe;

    (void)state;
    socket_open(&socket, ZMQ_REQ);
    app_recv_fails(&socket, -EFSM);
    assert_int_equal(app_send(&socket, MSG(T("x"))), -EAGAIN);
    app_recv_fails(&socket, -EFSM);
    pipe = peer_join(&socket, &player, NULL);
    assert_int_equal(app_send_frame(&socket, MSG(T("a")), true), 0);
    app_recv_fails(&socket, -EFSM);
    assert_int_equal(app_send_frame(&socket, MSG(T("b")), false), 0);
    peer_hears(pipe, MSG(T(""), T("a"), T("b")));
    assert_false(socket.pattern->can_send(&socket));
    assert_int_equal(app_send(&socket, MSG(T("x"))), -EFSM);
    app_recv_fails(&socket, -EAGAIN);
    peer_says(pipe, MSG(T(""), T("c"), T("d")));
    app_recv_frame(&socket, MSG(T("c")), true);
    assert_int_equal(app_send(&socket, MSG(T("x"))), -EFSM);
    app_recv_frame(&socket, MSG(T("d")), false);
    app_recv_fails(&socket, -EFSM);
    assert_true(socket.pattern->can_send(&socket));
    assert_int_equal(app_send(&socket, MSG(T("e"))), 0);
    peer_hears(pipe, MSG(T(""), T("e")));
    socket_close(&socket);
}

static void bad_replies_are_skipped(void **state)
{
    struct ih_socket socket;
    struct player player;
    struct ih_pipe *pipe;

    (void)state;
    socket_open(&socket, ZMQ_REQ);
    pipe = peer_join(&socket, &player, NULL);
    assert_int_equal(app_send(&socket, MSG(T("q"))), 0);
    peer_says(pipe, MSG(T("no delimiter")));
    peer_says(pipe, MSG(T("no delimiter"), T("x")));
    peer_says(pipe, MSG(T("")));
    peer_says(pipe, MSG(T("id"), T(""), T("x")));
    app_recv_fails(&socket, -EAGAIN);
    peer_says(pipe, MSG(T("id"), T(""), T("x")));
    peer_says(pipe, MSG(T(""), T(""), T("good")));
    app_recv(&socket, MSG(T(""), T("good")));
    socket_close(&socket);
}

static void only_the_asked_peer_replies(void **state)
{
    struct ih_socket socket;
    struct player a, b;
    struct ih_pipe *asked, *other;

    (void)state;
    socket_open(&socket, ZMQ_REQ);
    asked = peer_join(&socket, &a, NULL);
    other = peer_join(&socket, &b, NULL);
    peer_says(asked, MSG(T(""), T("unsolicited")));
    assert_int_equal(app_send(&socket, MSG(T("q"))), 0);
    peer_says(other, MSG(T(""), T("wrong")));
    app_recv_fails(&socket, -EAGAIN);
    peer_says(asked, MSG(T(""), T("right")));
    peer_says(asked, MSG(T(""), T("too many")));
    app_recv(&socket, MSG(T("right")));
    assert_int_equal(app_send(&socket, MSG(T("q2"))), 0);
    peer_hears(other, MSG(T(""), T("q2")));
    peer_says(other, MSG(T(""), T("other")));
    app_recv(&socket, MSG(T("other")));
    assert_true(ih_queue_empty(&asked->in));
    socket_close(&socket);
}

static void strict_request_outlives_its_peer(void **state)
{
    struct ih_socket socket;
    struct player player;
    struct ih_pipe *pipe;

    (void)state;
    socket_open(&socket, ZMQ_REQ);
    pipe = peer_join(&socket, &player, NULL);
    assert_int_equal(app_send(&socket, MSG(T("q"))), 0);
    peer_leave(pipe);
    (void)peer_join(&socket, &player, NULL);
    app_recv_fails(&socket, -EAGAIN);
    assert_int_equal(app_send(&socket, MSG(T("x"))), -EFSM);
    socket_close(&socket);
}

static void reply_of_a_peer_that_is_gone(void **state)
{
    struct ih_socket socket;
    struct player player;
    struct ih_pipe *pipe;

    (void)state;
    socket_open(&socket, ZMQ_REQ);
    pipe = peer_join(&socket, &player, NULL);
    assert_int_equal(app_send(&socket, MSG(T("q"))), 0);
    peer_says(pipe, MSG(T(""), T("a"), T("b")));
    peer_leave(pipe);
    app_recv(&socket, MSG(T("a"), T("b")));
    assert_true(ih_list_empty(&socket.pipes));
    socket_close(&socket);
}

/* The request's own number precedes the delimiter: read it from what the peer got. */
static uint32_t request_id(struct ih_pipe *pipe)
{
    uint32_t id;

    assert_false(ih_queue_empty(&pipe->out));
    assert_int_equal(ih_msg_size(ih_queue_front(&pipe->out)), sizeof id);
    memcpy(&id, ih_msg_data(ih_queue_front(&pipe->out)), sizeof id);
    return id;
}

static void correlated_replies(void **state)
{
    struct ih_socket socket;
    struct player player;
    struct ih_pipe *pipe;
    uint32_t id, next;

    (void)state;
    socket_open(&socket, ZMQ_REQ);
    assert_int_equal(app_set(&socket, ZMQ_REQ_CORRELATE, 1), 0);
    pipe = peer_join(&socket, &player, NULL);
    assert_int_equal(app_send(&socket, MSG(T("q"))), 0);
    id = request_id(pipe);
    peer_hears(pipe, MSG({&id, sizeof id}, T(""), T("q")));
    peer_says(pipe, MSG(T(""), T("no id")));
    peer_says(pipe, MSG(T("xxxx"), T(""), T("wrong id")));
    peer_says(pipe, MSG({&id, sizeof id}, T("no delimiter")));
    peer_says(pipe, MSG({&id, sizeof id}, T("")));
    app_recv_fails(&socket, -EAGAIN);
    peer_says(pipe, MSG({&id, sizeof id}, T(""), T("a")));
    app_recv(&socket, MSG(T("a")));
    assert_int_equal(app_send(&socket, MSG(T("q"))), 0);
    next = request_id(pipe);
    assert_true(next == id + 1);
    socket_close(&socket);
}

static void relaxed_turns(void **state)
{
    struct ih_socket socket;
    struct player a, b;
    struct ih_pipe *first, *second;

    (void)state;
    socket_open(&socket, ZMQ_REQ);
    assert_int_equal(app_set(&socket, ZMQ_REQ_RELAXED, 1), 0);
    first = peer_join(&socket, &a, NULL);
    second = peer_join(&socket, &b, NULL);
    app_recv_fails(&socket, -EFSM);
    assert_int_equal(app_send(&socket, MSG(T("1"))), 0);
    peer_hears(first, MSG(T(""), T("1")));
    peer_says(first, MSG(T(""), T("late")));
    assert_true(socket.pattern->can_send(&socket));
    assert_int_equal(app_send(&socket, MSG(T("2"))), 0);
    app_recv_fails(&socket, -EAGAIN);
    peer_says(first, MSG(T(""), T("later")));
    app_recv_fails(&socket, -EAGAIN);
    peer_says(second, MSG(T(""), T("a"), T("b")));
    app_recv_frame(&socket, MSG(T("a")), true);
    assert_int_equal(app_send(&socket, MSG(T("3"))), 0); /* the rest is dropped */
    peer_says(first, MSG(T(""), T("c")));
    app_recv(&socket, MSG(T("c")));
    socket_close(&socket);
}

/* --- REP -------------------------------------------------------------------------------------------------------- */

static void envelope_goes_back(void **state)
{
    struct ih_socket socket;
    struct player player;
    struct ih_pipe *pipe;

    (void)state;
    socket_open(&socket, ZMQ_REP);
    assert_int_equal(app_send(&socket, MSG(T("x"))), -EFSM);
    pipe = peer_join(&socket, &player, NULL);
    app_recv_fails(&socket, -EAGAIN);
    peer_says(pipe, MSG(T("A"), T("B"), T(""), T("q"), T(""), T("q2")));
    app_recv_frame(&socket, MSG(T("q")), true);
    assert_int_equal(app_send(&socket, MSG(T("x"))), -EFSM);
    app_recv_frame(&socket, MSG(T("")), true);
    app_recv_frame(&socket, MSG(T("q2")), false);
    app_recv_fails(&socket, -EFSM);
    assert_true(socket.pattern->can_send(&socket));
    assert_int_equal(app_send_frame(&socket, MSG(T("r")), true), 0);
    app_recv_fails(&socket, -EFSM);
    assert_int_equal(app_send_frame(&socket, MSG(T("r2")), false), 0);
    assert_int_equal(app_send(&socket, MSG(T("x"))), -EFSM);
    peer_hears(pipe, MSG(T("A"), T("B"), T(""), T("r"), T("r2")));
    peer_hears_nothing(pipe);
    socket_close(&socket);
}

static void bad_requests_are_skipped(void **state)
{
    struct ih_socket socket;
    struct player player;
    struct ih_pipe *pipe;

    (void)state;
    socket_open(&socket, ZMQ_REP);
    pipe = peer_join(&socket, &player, NULL);
    peer_says(pipe, MSG(T("x")));
    peer_says(pipe, MSG(T("x"), T("y")));
    peer_says(pipe, MSG(T("")));
    peer_says(pipe, MSG(T("x"), T("")));
    app_recv_fails(&socket, -EAGAIN);
    peer_says(pipe, MSG(T("x"), T("")));
    peer_says(pipe, MSG(T(""), T("q")));
    app_recv(&socket, MSG(T("q")));
    assert_int_equal(app_send(&socket, MSG(T("r"))), 0);
    peer_hears(pipe, MSG(T(""), T("r")));
    socket_close(&socket);
}

static void reply_to_nobody(void **state)
{
    struct ih_socket socket;
    struct player a, b;
    struct ih_pipe *pipe, *other;

    (void)state;
    socket_open(&socket, ZMQ_REP);
    pipe = peer_join(&socket, &a, NULL);
    other = peer_join(&socket, &b, NULL);
    peer_says(pipe, MSG(T(""), T("q")));
    app_recv(&socket, MSG(T("q")));
    peer_leave(pipe);
    assert_int_equal(app_send(&socket, MSG(T("r"), T("s"))), 0);

    peer_says(other, MSG(T("id"), T(""), T("q")));
    app_recv(&socket, MSG(T("q")));
    assert_int_equal(app_send_frame(&socket, MSG(T("r")), true), 0);
    peer_leave(other);
    assert_int_equal(app_send_frame(&socket, MSG(T("s")), false), 0);
    app_recv_fails(&socket, -EAGAIN);
    socket_close(&socket);
}

static void reply_that_finds_no_room_is_dropped(void **state)
{
    struct ih_socket socket;
    struct player player;
    struct ih_pipe *pipe;

    (void)state;
    socket_open(&socket, ZMQ_REP);
    socket.opt.sndhwm = 1;
    pipe = peer_join(&socket, &player, NULL);
    for (int i = 0; i < 3; i++) {
        peer_says(pipe, MSG(T(""), T("q")));
        app_recv(&socket, MSG(T("q")));
        assert_int_equal(app_send(&socket, MSG(T("r"))), 0);
    }
    peer_hears(pipe, MSG(T(""), T("r")));
    peer_hears_nothing(pipe);
    socket_close(&socket);
}

static void requests_in_turn(void **state)
{
    struct ih_socket socket;
    struct player players[2];
    struct ih_pipe *pipes[2];

    (void)state;
    socket_open(&socket, ZMQ_REP);
    for (size_t i = 0; i < 2; i++) {
        pipes[i] = peer_join(&socket, &players[i], NULL);
        peer_says(pipes[i], MSG(T(""), T("q")));
        peer_says(pipes[i], MSG(T(""), T("q")));
    }
    for (size_t i = 0; i < 4; i++) {
        app_recv(&socket, MSG(T("q")));
        assert_int_equal(app_send(&socket, MSG(T("r"))), 0);
        peer_hears(pipes[i % 2], MSG(T(""), T("r")));
    }
    socket_close(&socket);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strict_turns),
        cmocka_unit_test(bad_replies_are_skipped),
        cmocka_unit_test(only_the_asked_peer_replies),
        cmocka_unit_test(strict_request_outlives_its_peer),
        cmocka_unit_test(reply_of_a_peer_that_is_gone),
        cmocka_unit_test(correlated_replies),
        cmocka_unit_test(relaxed_turns),
        cmocka_unit_test(envelope_goes_back),
        cmocka_unit_test(bad_requests_are_skipped),
        cmocka_unit_test(reply_to_nobody),
        cmocka_unit_test(reply_that_finds_no_room_is_dropped),
        cmocka_unit_test(requests_in_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
