/* SPDX-License-Identifier: ISC */
/* PUSH and PULL (RFC 30), DEALER (RFC 28): fair queueing and load balancing. */
#include "pattern/harness.h"

static void sends_in_turn(void **state)
{
    const int types[] = {ZMQ_PUSH, ZMQ_DEALER};

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct ih_socket socket;
        struct player players[3];
        struct ih_pipe *pipes[3];

        socket_open(&socket, types[i]);
        assert_false(socket.pattern->can_send(&socket));
        assert_int_equal(app_send(&socket, MSG(T("x"))), -EAGAIN);
        for (size_t k = 0; k < 3; k++)
            pipes[k] = peer_join(&socket, &players[k], NULL);
        for (char octet = '0'; octet != '6'; octet++)
            assert_int_equal(app_send(&socket, MSG({&octet, 1}, T("rest"))), 0);
        peer_hears(pipes[0], MSG(T("0"), T("rest")));
        peer_hears(pipes[0], MSG(T("3"), T("rest")));
        peer_hears(pipes[1], MSG(T("1"), T("rest")));
        peer_hears(pipes[1], MSG(T("4"), T("rest")));
        peer_hears(pipes[2], MSG(T("2"), T("rest")));
        peer_hears(pipes[2], MSG(T("5"), T("rest")));
        for (size_t k = 0; k < 3; k++)
            peer_hears_nothing(pipes[k]);
        socket_close(&socket);
    }
}

static void receives_in_turn(void **state)
{
    const int types[] = {ZMQ_PULL, ZMQ_DEALER};

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct ih_socket socket;
        struct player players[3];
        struct ih_pipe *pipes[3];

        socket_open(&socket, types[i]);
        for (size_t k = 0; k < 3; k++)
            pipes[k] = peer_join(&socket, &players[k], NULL);
        peer_says(pipes[0], MSG(T("0a"), T("more")));
        peer_says(pipes[0], MSG(T("0b")));
        peer_says(pipes[0], MSG(T("0c")));
        peer_says(pipes[1], MSG(T("1a")));
        peer_says(pipes[2], MSG(T("2a")));
        peer_says(pipes[2], MSG(T("2b")));
        app_recv(&socket, MSG(T("0a"), T("more")));
        app_recv(&socket, MSG(T("1a")));
        app_recv(&socket, MSG(T("2a")));
        app_recv(&socket, MSG(T("0b")));
        app_recv(&socket, MSG(T("2b")));
        app_recv(&socket, MSG(T("0c")));
        app_recv_fails(&socket, -EAGAIN);
        peer_says(pipes[1], MSG(T("1b")));
        app_recv(&socket, MSG(T("1b")));
        socket_close(&socket);
    }
}

static void wrong_way(void **state)
{
    (void)state;
    assert_null(ih_pattern_find(ZMQ_PUSH)->recv);
    assert_null(ih_pattern_find(ZMQ_PULL)->send);
}

static void full_peers_are_skipped(void **state)
{
    struct ih_socket socket;
    struct player a, b;
    struct ih_pipe *first, *second;
    struct ih_queue taken;

    (void)state;
    socket_open(&socket, ZMQ_PUSH);
    socket.opt.sndhwm = 2;
    first = peer_join(&socket, &a, NULL);
    second = peer_join(&socket, &b, NULL);
    for (char octet = '0'; octet != '4'; octet++)
        assert_int_equal(app_send(&socket, MSG({&octet, 1})), 0);
    assert_int_equal(app_send(&socket, MSG(T("x"))), -EAGAIN);
    assert_false(socket.pattern->can_send(&socket));
    ih_queue_init(&taken);
    assert_int_equal(ih_pipe_take(second, &taken), 2);
    ih_queue_clear(&taken);
    assert_true(socket.pattern->can_send(&socket));
    assert_int_equal(app_send(&socket, MSG(T("4"))), 0);
    assert_int_equal(app_send(&socket, MSG(T("5"))), 0);
    assert_int_equal(app_send(&socket, MSG(T("x"))), -EAGAIN);
    peer_hears(first, MSG(T("0")));
    peer_hears(first, MSG(T("2")));
    peer_hears(second, MSG(T("4")));
    peer_hears(second, MSG(T("5")));
    socket_close(&socket);
}

/* The peer dies in the middle of a message: nobody else gets the rest, the next message is whole. */
static void broken_message_goes_to_nobody(void **state)
{
    struct ih_socket socket;
    struct player a, b;
    struct ih_pipe *first, *second;

    (void)state;
    socket_open(&socket, ZMQ_PUSH);
    first = peer_join(&socket, &a, NULL);
    second = peer_join(&socket, &b, NULL);
    assert_int_equal(app_send_frame(&socket, MSG(T("1")), true), 0);
    peer_leave(first);
    assert_int_equal(app_send_frame(&socket, MSG(T("2")), true), 0);
    assert_int_equal(app_send_frame(&socket, MSG(T("3")), false), 0);
    peer_hears_nothing(second);
    assert_int_equal(app_send(&socket, MSG(T("4"), T("5"))), 0);
    peer_hears(second, MSG(T("4"), T("5")));
    socket_close(&socket);
}

static void ended_peer_gets_no_new_message(void **state)
{
    struct ih_socket socket;
    struct player a, b;
    struct ih_pipe *first, *second;

    (void)state;
    socket_open(&socket, ZMQ_DEALER);
    first = peer_join(&socket, &a, NULL);
    second = peer_join(&socket, &b, NULL);
    peer_says(first, MSG(T("bye")));
    ih_pipe_end(first);
    assert_int_equal(app_send(&socket, MSG(T("1"))), 0);
    assert_int_equal(app_send(&socket, MSG(T("2"))), 0);
    peer_hears(second, MSG(T("1")));
    peer_hears(second, MSG(T("2")));
    app_recv(&socket, MSG(T("bye")));
    assert_int_equal(app_send(&socket, MSG(T("3"))), 0);
    peer_hears(second, MSG(T("3")));
    socket_close(&socket);
}

static void push_drops_what_it_is_sent(void **state)
{
    struct ih_socket socket;
    struct player player;
    struct ih_pipe *pipe;

    (void)state;
    socket_open(&socket, ZMQ_PUSH);
    pipe = peer_join(&socket, &player, NULL);
    peer_says(pipe, MSG(T("a"), T("b")));
    assert_true(ih_queue_empty(&pipe->in));
    peer_leave(pipe);
    assert_true(ih_list_empty(&socket.pipes));
    socket_close(&socket);
}

static void probe_is_the_first_message(void **state)
{
    const int types[] = {ZMQ_DEALER, ZMQ_REQ, ZMQ_REP, ZMQ_ROUTER};

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct ih_socket socket;
        struct player player;
        struct ih_pipe *pipe;

        socket_open(&socket, types[i]);
        assert_int_equal(app_set(&socket, ZMQ_PROBE_ROUTER, -1), -EINVAL);
        assert_int_equal(app_set(&socket, ZMQ_PROBE_ROUTER, 1), 0);
        pipe = peer_join(&socket, &player, NULL);
        peer_hears(pipe, MSG(T("")));
        peer_hears_nothing(pipe);
        socket_close(&socket);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_in_turn),
        cmocka_unit_test(receives_in_turn),
        cmocka_unit_test(wrong_way),
        cmocka_unit_test(full_peers_are_skipped),
        cmocka_unit_test(broken_message_goes_to_nobody),
        cmocka_unit_test(ended_peer_gets_no_new_message),
        cmocka_unit_test(push_drops_what_it_is_sent),
        cmocka_unit_test(probe_is_the_first_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
