/* SPDX-License-Identifier: ISC */
/* SUB and XSUB (RFC 29). */
#include "pattern/harness.h"

static int subscribe(struct ih_socket *socket, const char *topic)
{
    return socket->pattern->set(socket, ZMQ_SUBSCRIBE, topic, strlen(topic));
}

static int unsubscribe(struct ih_socket *socket, const char *topic)
{
    return socket->pattern->set(socket, ZMQ_UNSUBSCRIBE, topic, strlen(topic));
}

static void publishers_are_told(void **state)
{
    struct ih_socket socket;
    struct player players[2];
    struct ih_pipe *a, *b;

    (void)state;
    socket_open(&socket, ZMQ_SUB);
    assert_int_equal(socket.opt.linger, 0);
    assert_int_equal(subscribe(&socket, "A"), 0);
    assert_int_equal(subscribe(&socket, "A"), 0);
    a = peer_join(&socket, &players[0], NULL);
    peer_hears_command(a, IH_MSG_SUBSCRIBE, MSG(T("A")));
    peer_hears_nothing(a);
    b = peer_new(&socket, &players[1], NULL);
    b->connecting = true;
    assert_int_equal(ih_pipe_attach(b), 0);
    assert_int_equal(subscribe(&socket, ""), 0);
    assert_int_equal(unsubscribe(&socket, "A"), 0); /* one of two */
    assert_int_equal(unsubscribe(&socket, "unknown"), 0);
    peer_hears_command(a, IH_MSG_SUBSCRIBE, MSG(T("")));
    peer_hears_nothing(a);
    assert_int_equal(unsubscribe(&socket, "A"), 0);
    peer_hears_command(a, IH_MSG_CANCEL, MSG(T("A")));
    peer_hears_command(b, IH_MSG_SUBSCRIBE, MSG(T("A"))); /* waits for the first connection, in order */
    peer_hears_command(b, IH_MSG_SUBSCRIBE, MSG(T("")));
    peer_hears_command(b, IH_MSG_CANCEL, MSG(T("A")));
    peer_hears_nothing(b);
    ih_pipe_connected(b);
    peer_hears_nothing(b);

    /* Connected again: told once more, and only what holds now. */
    assert_int_equal(unsubscribe(&socket, ""), 0);
    assert_int_equal(subscribe(&socket, "C"), 0);
    ih_pipe_hiccup(b);
    peer_hears_nothing(b);
    ih_pipe_connected(b);
    peer_hears_command(b, IH_MSG_SUBSCRIBE, MSG(T("C")));
    peer_hears_nothing(b);
    socket_close(&socket);
}

static void what_does_not_match_is_skipped(void **state)
{
    struct ih_socket socket;
    struct player players[2];
    struct ih_pipe *a, *b;

    (void)state;
    socket_open(&socket, ZMQ_SUB);
    a = peer_join(&socket, &players[0], NULL);
    b = peer_join(&socket, &players[1], NULL);
    peer_says(a, MSG(T("AB")));
    app_recv_fails(&socket, -EAGAIN);
    assert_int_equal(subscribe(&socket, "A"), 0);
    peer_says(a, MSG(T("B"), T("A")));
    peer_says(a, MSG(T("AB"), T("B")));
    peer_says(b, MSG(T("A")));
    peer_says(b, MSG(T("")));
    app_recv(&socket, MSG(T("A"))); /* what was skipped was a's turn */
    app_recv(&socket, MSG(T("AB"), T("B")));
    app_recv_fails(&socket, -EAGAIN);
    socket_close(&socket);
}

static void inverted(void **state)
{
    struct ih_socket socket;
    struct player player;
    struct ih_pipe *pipe;

    (void)state;
    socket_open(&socket, ZMQ_SUB);
    socket.opt.invert_matching = 1;
    pipe = peer_join(&socket, &player, NULL);
    assert_int_equal(subscribe(&socket, "A"), 0);
    peer_says(pipe, MSG(T("A1")));
    peer_says(pipe, MSG(T("B1")));
    app_recv(&socket, MSG(T("B1")));
    app_recv_fails(&socket, -EAGAIN);
    socket_close(&socket);
}

static void xsub_subscribes_by_messages(void **state)
{
    struct ih_socket socket;
    struct player player;
    struct ih_pipe *pipe;

    (void)state;
    socket_open(&socket, ZMQ_XSUB);
    assert_int_equal(app_send(&socket, MSG(T("\1A"))), 0);
    pipe = peer_join(&socket, &player, NULL);
    peer_hears_command(pipe, IH_MSG_SUBSCRIBE, MSG(T("A")));
    assert_int_equal(app_send(&socket, MSG(T("\1A"))), 0);
    peer_hears_command(pipe, IH_MSG_SUBSCRIBE, MSG(T("A"))); /* an XPUB may be verbose */
    assert_int_equal(app_send(&socket, MSG(T("\0A"))), 0);
    assert_int_equal(app_send(&socket, MSG(T("\0unknown"))), 0);
    peer_hears_nothing(pipe);
    peer_says(pipe, MSG(T("A1")));
    app_recv(&socket, MSG(T("A1")));
    assert_int_equal(app_send(&socket, MSG(T("\0A"))), 0);
    peer_hears_command(pipe, IH_MSG_CANCEL, MSG(T("A")));
    peer_says(pipe, MSG(T("A1")));
    app_recv_fails(&socket, -EAGAIN);
    socket_close(&socket);
}

static void xsub_sends_to_all_publishers(void **state)
{
    struct ih_socket socket;
    struct player players[2];
    struct ih_pipe *a, *b;

    (void)state;
    socket_open(&socket, ZMQ_XSUB);
    assert_true(socket.pattern->can_send(&socket));
    assert_int_equal(app_send(&socket, MSG(T("to nobody"))), 0);
    socket.opt.sndhwm = 1;
    a = peer_join(&socket, &players[0], NULL);
    b = peer_join(&socket, &players[1], NULL);
    assert_int_equal(app_send(&socket, MSG(T("hello"), T("\2"))), 0);
    peer_hears(a, MSG(T("hello"), T("\2")));
    assert_int_equal(app_send(&socket, MSG(T(""))), 0);
    peer_hears(a, MSG(T("")));
    peer_hears(b, MSG(T("hello"), T("\2")));
    peer_hears_nothing(b); /* there was no room */
    socket_close(&socket);
}

static void subscription_inside_a_message(void **state)
{
    struct ih_socket socket;
    struct player player;
    struct ih_pipe *pipe;

    (void)state;
    socket_open(&socket, ZMQ_XSUB);
    pipe = peer_join(&socket, &player, NULL);
    assert_int_equal(app_send(&socket, MSG(T("u1"), T("\1in"), T("u3"))), 0);
    peer_hears(pipe, MSG(T("u1"), T("\1in"), T("u3")));
    peer_hears_nothing(pipe);
    peer_says(pipe, MSG(T("inside")));
    app_recv(&socket, MSG(T("inside")));
    assert_int_equal(app_set(&socket, ZMQ_ONLY_FIRST_SUBSCRIBE, 1), 0);
    assert_int_equal(app_send(&socket, MSG(T("u1"), T("\1no"))), 0);
    peer_hears(pipe, MSG(T("u1"), T("\1no")));
    peer_hears_nothing(pipe);
    assert_int_equal(app_send(&socket, MSG(T("\1f"), T("\1g"), T("h"))), 0);
    peer_hears_command(pipe, IH_MSG_SUBSCRIBE, MSG(T("f")));
    peer_hears_command(pipe, IH_MSG_SUBSCRIBE, MSG(T("g")));
    peer_hears(pipe, MSG(T("h")));
    socket_close(&socket);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(publishers_are_told),
        cmocka_unit_test(what_does_not_match_is_skipped),
        cmocka_unit_test(inverted),
        cmocka_unit_test(xsub_subscribes_by_messages),
        cmocka_unit_test(xsub_sends_to_all_publishers),
        cmocka_unit_test(subscription_inside_a_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
