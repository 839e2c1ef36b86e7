/* SPDX-License-Identifier: ISC */
/* STREAM. */
#include "pattern/harness.h"

/* Receives an id frame, which is to be freed by ih_msg_close. */
static struct text recv_id(struct ih_socket *socket, struct ih_msg *id)
{
    assert_true(socket->pattern->can_recv(socket));
    ih_msg_init(id);
    assert_int_equal(socket->pattern->recv(socket, id), 0);
    assert_true(ih_msg_more(id));
    return (struct text){ih_msg_data(id), ih_msg_size(id)};
}

static void connection_and_its_end_are_messages(void **state)
{
    struct ih_socket socket;
    struct player player;
    struct ih_pipe *pipe;
    struct ih_msg msg;
    struct text id;

    (void)state;
    socket_open(&socket, ZMQ_STREAM);
    pipe = peer_join(&socket, &player, NULL);
    id = recv_id(&socket, &msg);
    assert_int_equal(id.size, 5);
    app_recv_frame(&socket, MSG(T("")), false);
    peer_says(pipe, MSG(T("hello")));
    app_recv(&socket, MSG(id, T("hello")));
    assert_int_equal(app_send(&socket, MSG(id, T("world"))), 0);
    peer_hears(pipe, MSG(T("world")));
    peer_says(pipe, MSG(T("last")));
    peer_leave(pipe);
    assert_int_equal(app_send_frame(&socket, &id, true), -EHOSTUNREACH);
    app_recv(&socket, MSG(id, T("last")));
    app_recv(&socket, MSG(id, T("")));
    app_recv_fails(&socket, -EAGAIN);
    ih_msg_close(&msg);
    socket_close(&socket);
}

static void without_notices(void **state)
{
    struct ih_socket socket;
    struct player player;
    struct ih_pipe *pipe;

    (void)state;
    socket_open(&socket, ZMQ_STREAM);
    assert_int_equal(app_set(&socket, ZMQ_STREAM_NOTIFY, 2), -EINVAL);
    assert_int_equal(app_set(&socket, ZMQ_STREAM_NOTIFY, 0), 0);
    pipe = peer_join(&socket, &player, NULL);
    peer_leave(pipe);
    app_recv_fails(&socket, -EAGAIN);
    socket_close(&socket);
}

static void empty_message_closes(void **state)
{
    struct ih_socket socket;
    struct player player;
    struct ih_pipe *pipe;
    struct ih_msg msg;
    struct text id;

    (void)state;
    socket_open(&socket, ZMQ_STREAM);
    pipe = peer_join(&socket, &player, NULL);
    player.lingers = true;
    id = recv_id(&socket, &msg);
    app_recv_frame(&socket, MSG(T("")), false);
    assert_int_equal(app_send(&socket, MSG(id, T("bye"))), 0);
    assert_int_equal(app_send(&socket, MSG(id, T(""))), 0);
    assert_int_equal(player.closed, 1);
    assert_int_equal(app_send_frame(&socket, &id, true), -EHOSTUNREACH);
    ih_pipe_reap(&socket);
    peer_hears(pipe, MSG(T("bye")));
    peer_leave(pipe);
    app_recv_fails(&socket, -EAGAIN); /* no news */
    assert_true(ih_list_empty(&socket.pipes));
    ih_msg_close(&msg);
    socket_close(&socket);
}

static void frames_are_pairs(void **state)
{
    struct ih_socket socket;
    struct player player;
    struct ih_pipe *pipe;
    struct ih_msg msg;
    struct text id;

    (void)state;
    socket_open(&socket, ZMQ_STREAM);
    socket.opt.sndhwm = 2;
    pipe = peer_join(&socket, &player, NULL);
    id = recv_id(&socket, &msg);
    app_recv_frame(&socket, MSG(T("")), false);
    assert_int_equal(app_send_frame(&socket, &id, false), 0); /* dropped */
    assert_int_equal(app_send_frame(&socket, &id, true), 0);
    assert_int_equal(app_send_frame(&socket, MSG(T("a")), true), 0); /* more means nothing here */
    assert_int_equal(app_send(&socket, MSG(id, T("b"))), 0);
    assert_int_equal(app_send_frame(&socket, &id, true), -EAGAIN);
    peer_hears(pipe, MSG(T("a")));
    peer_hears(pipe, MSG(T("b")));
    assert_int_equal(app_send_frame(&socket, &id, true), 0);
    peer_leave(pipe);
    assert_int_equal(app_send_frame(&socket, MSG(T("c")), false), 0);
    assert_int_equal(app_send_frame(&socket, &id, true), -EHOSTUNREACH);
    ih_msg_close(&msg);
    socket_close(&socket);
}

static void connecting_stream(void **state)
{
    struct ih_socket socket;
    struct player player;
    struct ih_pipe *pipe;

    (void)state;
    socket_open(&socket, ZMQ_STREAM);
    assert_int_equal(socket.pattern->set(&socket, ZMQ_CONNECT_ROUTING_ID, "srv", 3), 0);
    pipe = peer_new(&socket, &player, NULL);
    pipe->connecting = true;
    assert_int_equal(ih_pipe_attach(pipe), 0);
    assert_int_equal(socket.opt.routing_id_size, 3);
    assert_memory_equal(socket.opt.routing_id, "srv", 3);
    app_recv_fails(&socket, -EAGAIN);
    ih_pipe_connected(pipe);
    app_recv(&socket, MSG(T("srv"), T("")));
    peer_says(pipe, MSG(T("x")));
    ih_pipe_hiccup(pipe);
    ih_pipe_connected(pipe);
    app_recv(&socket, MSG(T("srv"), T("x")));
    app_recv(&socket, MSG(T("srv"), T("")));
    app_recv(&socket, MSG(T("srv"), T("")));
    app_recv_fails(&socket, -EAGAIN);
    socket_close(&socket);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connection_and_its_end_are_messages),
        cmocka_unit_test(without_notices),
        cmocka_unit_test(empty_message_closes),
        cmocka_unit_test(frames_are_pairs),
        cmocka_unit_test(connecting_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
