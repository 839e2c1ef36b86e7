/* SPDX-License-Identifier: ISC */
/* ROUTER (RFC 28). */
#include "pattern/harness.h"

static void names_its_peers(void **state)
{
    struct ih_socket socket;
    struct player a, b;
    struct ih_pipe *known, *unknown;
    struct ih_msg id;

    (void)state;
    socket_open(&socket, ZMQ_ROUTER);
    known = peer_join(&socket, &a, "X");
    unknown = peer_join(&socket, &b, NULL);
    peer_says(known, MSG(T("a"), T("b")));
    app_recv(&socket, MSG(T("X"), T("a"), T("b")));
    peer_says(unknown, MSG(T("c")));
    ih_msg_init(&id);
    assert_int_equal(socket.pattern->recv(&socket, &id), 0);
    assert_int_equal(ih_msg_size(&id), 5);
    assert_int_equal(ih_msg_data(&id)[0], 0);
    app_recv_frame(&socket, MSG(T("c")), false);
    assert_int_equal(app_send(&socket, MSG({ih_msg_data(&id), 5}, T("d"))), 0);
    assert_int_equal(app_send(&socket, MSG(T("X"), T("e"), T(""))), 0);
    peer_hears(unknown, MSG(T("d")));
    peer_hears(known, MSG(T("e"), T("")));
    ih_msg_close(&id);
    socket_close(&socket);
}

static void messages_stay_whole(void **state)
{
    struct ih_socket socket;
    struct player players[2];
    struct ih_pipe *a, *b;

    (void)state;
    socket_open(&socket, ZMQ_ROUTER);
    a = peer_join(&socket, &players[0], "A");
    b = peer_join(&socket, &players[1], "B");
    peer_says(a, MSG(T("1"), T("2")));
    peer_says(a, MSG(T("3")));
    peer_says(b, MSG(T("4")));
    app_recv_frame(&socket, MSG(T("A")), true);
    peer_leave(a); /* what it sent is still there */
    app_recv_frame(&socket, MSG(T("1")), true);
    app_recv_frame(&socket, MSG(T("2")), false);
    app_recv(&socket, MSG(T("B"), T("4")));
    app_recv(&socket, MSG(T("A"), T("3")));
    app_recv_fails(&socket, -EAGAIN);
    assert_true(b->node.next == b->node.prev);
    socket_close(&socket);
}

static void unroutable_messages(void **state)
{
    struct ih_socket socket;
    struct player player;
    struct ih_pipe *pipe;

    (void)state;
    socket_open(&socket, ZMQ_ROUTER);
    assert_true(socket.pattern->can_send(&socket));
    assert_int_equal(app_send(&socket, MSG(T("X"), T("a"), T("b"))), 0);
    assert_int_equal(app_send(&socket, MSG(T("X"))), 0);
    assert_int_equal(app_set(&socket, ZMQ_ROUTER_MANDATORY, 1), 0);
    assert_int_equal(app_send_frame(&socket, MSG(T("X")), true), -EHOSTUNREACH);
    assert_int_equal(app_send(&socket, MSG(T("X"))), 0);
    pipe = peer_join(&socket, &player, "X");
    assert_int_equal(app_send_frame(&socket, MSG(T("X")), true), 0);
    assert_int_equal(app_send_frame(&socket, MSG(T("a")), true), 0);
    peer_leave(pipe);
    assert_int_equal(app_send_frame(&socket, MSG(T("b")), false), 0);
    assert_int_equal(app_send_frame(&socket, MSG(T("X")), true), -EHOSTUNREACH);
    pipe = peer_join(&socket, &player, "X");
    assert_int_equal(app_send(&socket, MSG(T("X"), T("c"))), 0);
    peer_hears(pipe, MSG(T("c")));
    peer_hears_nothing(pipe);
    socket_close(&socket);
}

static void full_peers(void **state)
{
    struct ih_socket socket;
    struct player player;
    struct ih_pipe *pipe;

    (void)state;
    socket_open(&socket, ZMQ_ROUTER);
    socket.opt.sndhwm = 1;
    pipe = peer_join(&socket, &player, "X");
    assert_int_equal(app_send(&socket, MSG(T("X"), T("1"))), 0);
    assert_int_equal(app_send(&socket, MSG(T("X"), T("2"), T("3"))), 0); /* dropped whole */
    assert_int_equal(app_set(&socket, ZMQ_ROUTER_MANDATORY, 1), 0);
    assert_int_equal(app_send_frame(&socket, MSG(T("X")), true), -EAGAIN);
    socket.changed = false;
    peer_hears(pipe, MSG(T("1")));
    peer_hears_nothing(pipe);
    assert_true(socket.changed);
    assert_int_equal(app_send(&socket, MSG(T("X"), T("4"))), 0);
    peer_hears(pipe, MSG(T("4")));
    socket_close(&socket);
}

static void name_is_taken(void **state)
{
    struct ih_socket socket;
    struct player a, b;
    struct ih_pipe *first, *second;

    (void)state;
    socket_open(&socket, ZMQ_ROUTER);
    first = peer_join(&socket, &a, "X");
    second = peer_new(&socket, &b, "X");
    assert_int_equal(ih_pipe_attach(second), -EEXIST);
    ih_pipe_free(second);
    assert_int_equal(app_send(&socket, MSG(T("X"), T("1"))), 0);
    peer_hears(first, MSG(T("1")));

    /* One that is gone, with messages unread, is in nobody's way. */
    peer_says(first, MSG(T("old")));
    peer_leave(first);
    second = peer_join(&socket, &b, "X");
    peer_says(second, MSG(T("new")));
    app_recv(&socket, MSG(T("X"), T("old")));
    app_recv(&socket, MSG(T("X"), T("new")));
    assert_int_equal(app_send(&socket, MSG(T("X"), T("2"))), 0);
    peer_hears(second, MSG(T("2")));
    socket_close(&socket);
}

static void name_is_handed_over(void **state)
{
    struct ih_socket socket;
    struct player a, b;
    struct ih_pipe *first, *second;

    (void)state;
    socket_open(&socket, ZMQ_ROUTER);
    assert_int_equal(app_set(&socket, ZMQ_ROUTER_HANDOVER, 1), 0);
    first = peer_join(&socket, &a, "X");
    peer_says(first, MSG(T("1"), T("2")));
    peer_says(first, MSG(T("3")));
    app_recv_frame(&socket, MSG(T("X")), true);
    second = peer_join(&socket, &b, "X");
    assert_int_equal(a.closed, 1);
    app_recv_frame(&socket, MSG(T("1")), true);
    app_recv_frame(&socket, MSG(T("2")), false);
    app_recv_fails(&socket, -EAGAIN);
    ih_pipe_reap(&socket);
    assert_int_equal(app_send(&socket, MSG(T("X"), T("4"))), 0);
    peer_hears(second, MSG(T("4")));
    assert_ptr_equal(socket.pipes.next, &second->node);
    assert_ptr_equal(socket.pipes.prev, &second->node);
    socket_close(&socket);
}

/* A peer that announces the id we made for another one does not get that one's messages. */
static void made_names_are_not_handed_over(void **state)
{
    struct ih_socket socket;
    struct player a, b;
    struct ih_pipe *first, *second;
    struct ih_msg id;

    (void)state;
    socket_open(&socket, ZMQ_ROUTER);
    assert_int_equal(app_set(&socket, ZMQ_ROUTER_HANDOVER, 1), 0);
    first = peer_join(&socket, &a, NULL);
    peer_says(first, MSG(T("x")));
    ih_msg_init(&id);
    assert_int_equal(socket.pattern->recv(&socket, &id), 0);
    second = peer_new(&socket, &b, NULL);
    second->peer_id = malloc(5);
    assert_non_null(second->peer_id);
    memcpy(second->peer_id, ih_msg_data(&id), 5);
    second->peer_id_size = 5;
    assert_int_equal(ih_pipe_attach(second), -EEXIST);
    ih_pipe_free(second);
    assert_int_equal(a.closed, 0);
    ih_msg_close(&id);
    socket_close(&socket);
}

static void connecting_peer_is_named_by_the_option(void **state)
{
    struct ih_socket socket;
    struct player players[3];
    struct ih_pipe *pipe, *other;

    (void)state;
    socket_open(&socket, ZMQ_ROUTER);
    assert_int_equal(socket.pattern->set(&socket, ZMQ_CONNECT_ROUTING_ID, "", 0), -EINVAL);
    assert_int_equal(socket.pattern->set(&socket, ZMQ_CONNECT_ROUTING_ID, "srv", 3), 0);
    other = peer_join(&socket, &players[1], "in");
    pipe = peer_new(&socket, &players[0], NULL);
    pipe->connecting = true;
    assert_int_equal(ih_pipe_attach(pipe), 0);
    assert_int_equal(app_send(&socket, MSG(T("srv"), T("early"))), 0);
    peer_hears(pipe, MSG(T("early")));
    pipe->peer_id = malloc(3);
    assert_non_null(pipe->peer_id);
    memcpy(pipe->peer_id, "own", 3);
    pipe->peer_id_size = 3;
    ih_pipe_connected(pipe);
    peer_says(pipe, MSG(T("x")));
    app_recv(&socket, MSG(T("srv"), T("x")));
    peer_says(other, MSG(T("y")));
    app_recv(&socket, MSG(T("in"), T("y")));

    assert_int_equal(socket.pattern->set(&socket, ZMQ_CONNECT_ROUTING_ID, "srv", 3), 0);
    other = peer_new(&socket, &players[2], NULL);
    other->connecting = true;
    assert_int_equal(ih_pipe_attach(other), -EADDRINUSE);
    ih_pipe_free(other);
    socket_close(&socket);
}

/* zmq_connect without a name: known from the handshake on, and by that name for good. */
static void connecting_peer_is_named_by_its_handshake(void **state)
{
    struct ih_socket socket;
    struct player player;
    struct ih_pipe *pipe;

    (void)state;
    socket_open(&socket, ZMQ_ROUTER);
    assert_int_equal(app_set(&socket, ZMQ_ROUTER_MANDATORY, 1), 0);
    pipe = peer_new(&socket, &player, NULL);
    pipe->connecting = true;
    assert_int_equal(ih_pipe_attach(pipe), 0);
    assert_int_equal(app_send_frame(&socket, MSG(T("one")), true), -EHOSTUNREACH);
    pipe->peer_id = malloc(3);
    assert_non_null(pipe->peer_id);
    memcpy(pipe->peer_id, "one", 3);
    pipe->peer_id_size = 3;
    ih_pipe_connected(pipe);
    assert_int_equal(app_send(&socket, MSG(T("one"), T("1"))), 0);
    ih_pipe_hiccup(pipe);
    assert_int_equal(app_send(&socket, MSG(T("one"), T("2"))), 0);
    memcpy(pipe->peer_id, "two", 3);
    ih_pipe_connected(pipe);
    peer_hears(pipe, MSG(T("1")));
    peer_hears(pipe, MSG(T("2")));
    peer_says(pipe, MSG(T("x")));
    app_recv(&socket, MSG(T("one"), T("x")));
    socket_close(&socket);
}

static void raw_router(void **state)
{
    struct ih_socket socket;
    struct player player;
    struct ih_pipe *pipe;
    struct ih_msg id;

    (void)state;
    socket_open(&socket, ZMQ_ROUTER);
    assert_false(socket.pattern->raw);
    assert_int_equal(app_set(&socket, ZMQ_ROUTER_RAW, 1), 0);
    assert_true(socket.pattern->raw);
    pipe = peer_join(&socket, &player, NULL);
    ih_msg_init(&id);
    assert_int_equal(socket.pattern->recv(&socket, &id), 0);
    app_recv_frame(&socket, MSG(T("")), false);
    peer_says(pipe, MSG(T("hello")));
    app_recv(&socket, MSG({ih_msg_data(&id), ih_msg_size(&id)}, T("hello")));
    assert_int_equal(app_send(&socket, MSG({ih_msg_data(&id), ih_msg_size(&id)}, T("world"))), 0);
    peer_hears(pipe, MSG(T("world")));
    peer_leave(pipe);
    app_recv_fails(&socket, -EAGAIN);
    ih_msg_close(&id);
    assert_int_equal(app_set(&socket, ZMQ_ROUTER_RAW, 0), 0);
    assert_false(socket.pattern->raw);
    socket_close(&socket);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_its_peers),
        cmocka_unit_test(messages_stay_whole),
        cmocka_unit_test(unroutable_messages),
        cmocka_unit_test(full_peers),
        cmocka_unit_test(name_is_taken),
        cmocka_unit_test(name_is_handed_over),
        cmocka_unit_test(made_names_are_not_handed_over),
        cmocka_unit_test(connecting_peer_is_named_by_the_option),
        cmocka_unit_test(connecting_peer_is_named_by_its_handshake),
        cmocka_unit_test(raw_router),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
