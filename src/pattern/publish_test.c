/* SPDX-License-Identifier: ISC */
/* PUB and XPUB (RFC 29). */
#include "pattern/harness.h"
#include "pattern/publish.h"

static void subscribe(struct ih_pipe *pipe, const struct text *topic)
{
    peer_commands(pipe, IH_MSG_SUBSCRIBE, topic);
}

static void cancel(struct ih_pipe *pipe, const struct text *topic)
{
    peer_commands(pipe, IH_MSG_CANCEL, topic);
}

static void prefixes_of_the_first_frame(void **state)
{
    struct ih_socket socket;
    struct player players[3];
    struct ih_pipe *a, *b, *none;

    (void)state;
    socket_open(&socket, ZMQ_PUB);
    a = peer_join(&socket, &players[0], NULL);
    b = peer_join(&socket, &players[1], NULL);
    none = peer_join(&socket, &players[2], NULL);
    subscribe(a, MSG(T("A")));
    subscribe(a, MSG(T("AB")));
    subscribe(b, MSG(T("")));
    assert_int_equal(app_send(&socket, MSG(T("ABC"), T("x"))), 0);
    assert_int_equal(app_send(&socket, MSG(T("B"), T("A"))), 0);
    assert_int_equal(app_send(&socket, MSG(T(""))), 0);
    peer_hears(a, MSG(T("ABC"), T("x")));
    peer_hears_nothing(a);
    peer_hears(b, MSG(T("ABC"), T("x")));
    peer_hears(b, MSG(T("B"), T("A")));
    peer_hears(b, MSG(T("")));
    peer_hears_nothing(none);
    cancel(a, MSG(T("A")));
    cancel(a, MSG(T("unknown")));
    assert_int_equal(app_send(&socket, MSG(T("AC"))), 0);
    assert_int_equal(app_send(&socket, MSG(T("ABC"))), 0);
    peer_hears(a, MSG(T("ABC")));
    peer_hears_nothing(a);
    socket_close(&socket);
}

/* Peers of ZMTP 3.0, and XSUB users, subscribe by messages. */
static void subscriptions_in_messages(void **state)
{
    struct ih_socket socket;
    struct player player;
    struct ih_pipe *pipe;

    (void)state;
    socket_open(&socket, ZMQ_PUB);
    pipe = peer_join(&socket, &player, NULL);
    peer_says(pipe, MSG(T("\1A")));
    peer_says(pipe, MSG(T("user message"), T("is dropped")));
    peer_says(pipe, MSG(T("\1B"), T("\1C"), T("x")));
    assert_true(ih_queue_empty(&pipe->in));
    assert_int_equal(app_send(&socket, MSG(T("A1"))), 0);
    assert_int_equal(app_send(&socket, MSG(T("B1"))), 0);
    assert_int_equal(app_send(&socket, MSG(T("C1"))), 0);
    peer_says(pipe, MSG(T("\0A")));
    assert_int_equal(app_send(&socket, MSG(T("A2"))), 0);
    peer_hears(pipe, MSG(T("A1")));
    peer_hears(pipe, MSG(T("B1")));
    peer_hears(pipe, MSG(T("C1")));
    peer_hears_nothing(pipe);
    socket_close(&socket);
}

static void large_content_is_shared(void **state)
{
    struct ih_socket socket;
    struct player players[2];
    struct ih_pipe *a, *b;
    struct ih_msg msg;

    (void)state;
    socket_open(&socket, ZMQ_PUB);
    a = peer_join(&socket, &players[0], NULL);
    b = peer_join(&socket, &players[1], NULL);
    subscribe(a, MSG(T("")));
    subscribe(b, MSG(T("")));
    assert_int_equal(ih_msg_init_size(&msg, 1000), 0);
    memset(ih_msg_data(&msg), 'x', 1000);
    assert_int_equal(socket.pattern->send(&socket, &msg), 0);
    assert_ptr_equal(ih_msg_data(ih_queue_front(&a->out)), ih_msg_data(ih_queue_front(&b->out)));
    socket_close(&socket);
}

static void slow_subscribers_lose_whole_messages(void **state)
{
    struct ih_socket socket;
    struct player players[2];
    struct ih_pipe *slow, *fast;
    struct ih_queue taken;

    (void)state;
    socket_open(&socket, ZMQ_PUB);
    socket.opt.sndhwm = 2;
    slow = peer_join(&socket, &players[0], NULL);
    fast = peer_join(&socket, &players[1], NULL);
    subscribe(slow, MSG(T("")));
    subscribe(fast, MSG(T("")));
    for (char octet = '0'; octet != '4'; octet++) {
        assert_int_equal(app_send(&socket, MSG({&octet, 1}, T("rest"))), 0);
        peer_hears(fast, MSG({&octet, 1}, T("rest")));
    }
    ih_queue_init(&taken);
    peer_hears(slow, MSG(T("0"), T("rest")));
    peer_hears(slow, MSG(T("1"), T("rest")));
    peer_hears_nothing(slow);
    /* The first frame found no room: no later one is sent, though there is room then. */
    assert_int_equal(app_send(&socket, MSG(T("4"))), 0);
    assert_int_equal(app_send(&socket, MSG(T("5"))), 0);
    assert_int_equal(app_send_frame(&socket, MSG(T("6")), true), 0);
    assert_int_equal(ih_pipe_take(slow, &taken), 2);
    assert_int_equal(app_send_frame(&socket, MSG(T("7")), false), 0);
    peer_hears_nothing(slow);
    assert_true(ih_queue_empty(&slow->out));
    ih_queue_clear(&taken);
    socket_close(&socket);
}

static void nodrop_makes_the_sender_wait(void **state)
{
    struct ih_socket socket;
    struct player players[2];
    struct ih_pipe *slow, *fast;

    (void)state;
    socket_open(&socket, ZMQ_XPUB);
    socket.opt.sndhwm = 1;
    assert_int_equal(app_set(&socket, ZMQ_XPUB_NODROP, 1), 0);
    slow = peer_join(&socket, &players[0], NULL);
    fast = peer_join(&socket, &players[1], NULL);
    subscribe(slow, MSG(T("")));
    subscribe(fast, MSG(T("")));
    assert_int_equal(app_send(&socket, MSG(T("1"))), 0);
    peer_hears(fast, MSG(T("1")));
    assert_int_equal(app_send(&socket, MSG(T("2"))), -EAGAIN);
    peer_hears_nothing(fast);
    socket.changed = false;
    peer_hears(slow, MSG(T("1")));
    assert_true(socket.changed);
    assert_int_equal(app_send(&socket, MSG(T("2"))), 0);
    peer_hears(slow, MSG(T("2")));
    peer_hears(fast, MSG(T("2")));
    socket_close(&socket);
}

static void subscriber_leaves_in_the_middle(void **state)
{
    struct ih_socket socket;
    struct player players[2];
    struct ih_pipe *a, *b;

    (void)state;
    socket_open(&socket, ZMQ_PUB);
    a = peer_join(&socket, &players[0], NULL);
    b = peer_join(&socket, &players[1], NULL);
    subscribe(a, MSG(T("")));
    subscribe(b, MSG(T("")));
    assert_int_equal(app_send_frame(&socket, MSG(T("1")), true), 0);
    peer_leave(a);
    a = peer_join(&socket, &players[0], NULL);
    subscribe(a, MSG(T("")));
    assert_int_equal(app_send_frame(&socket, MSG(T("2")), false), 0);
    peer_hears(b, MSG(T("1"), T("2")));
    peer_hears_nothing(a);
    socket_close(&socket);
}

static void inverted(void **state)
{
    struct ih_socket socket;
    struct player players[2];
    struct ih_pipe *a, *b;

    (void)state;
    socket_open(&socket, ZMQ_PUB);
    socket.opt.invert_matching = 1;
    a = peer_join(&socket, &players[0], NULL);
    b = peer_join(&socket, &players[1], NULL);
    subscribe(a, MSG(T("A")));
    assert_int_equal(app_send(&socket, MSG(T("A1"))), 0);
    assert_int_equal(app_send(&socket, MSG(T("B1"))), 0);
    peer_hears(a, MSG(T("B1")));
    peer_hears_nothing(a);
    peer_hears(b, MSG(T("A1")));
    peer_hears(b, MSG(T("B1")));
    socket_close(&socket);
}

static void welcome(void **state)
{
    struct ih_socket socket;
    struct player player;
    struct ih_pipe *pipe;

    (void)state;
    socket_open(&socket, ZMQ_XPUB);
    assert_int_equal(socket.pattern->set(&socket, ZMQ_XPUB_WELCOME_MSG, "W", 1), 0);
    pipe = peer_join(&socket, &player, NULL);
    peer_hears(pipe, MSG(T("W")));
    assert_int_equal(socket.pattern->set(&socket, ZMQ_XPUB_WELCOME_MSG, NULL, 0), 0);
    pipe = peer_join(&socket, &player, NULL);
    peer_hears_nothing(pipe);
    socket_close(&socket);
}

/* --- XPUB: what the application hears --------------------------------------------------------------------------- */

static void first_and_last_of_a_topic(void **state)
{
    struct ih_socket socket;
    struct player players[2];
    struct ih_pipe *a, *b;

    (void)state;
    socket_open(&socket, ZMQ_XPUB);
    a = peer_join(&socket, &players[0], NULL);
    b = peer_join(&socket, &players[1], NULL);
    socket.changed = false;
    subscribe(a, MSG(T("T")));
    assert_true(socket.changed);
    app_recv(&socket, MSG(T("\1T")));
    subscribe(b, MSG(T("T")));
    subscribe(a, MSG(T("T")));
    cancel(a, MSG(T("T")));
    cancel(a, MSG(T("T")));
    cancel(b, MSG(T("unknown")));
    app_recv_fails(&socket, -EAGAIN);
    cancel(b, MSG(T("T")));
    app_recv(&socket, MSG(T("\0T")));
    subscribe(a, MSG(T("")));
    app_recv(&socket, MSG(T("\1")));
    peer_leave(a);
    app_recv(&socket, MSG(T("\0")));
    app_recv_fails(&socket, -EAGAIN);
    socket_close(&socket);
}

static void verbose(void **state)
{
    struct ih_socket socket;
    struct player players[2];
    struct ih_pipe *a, *b;

    (void)state;
    socket_open(&socket, ZMQ_XPUB);
    assert_int_equal(app_set(&socket, ZMQ_XPUB_VERBOSE, 1), 0);
    a = peer_join(&socket, &players[0], NULL);
    b = peer_join(&socket, &players[1], NULL);
    subscribe(a, MSG(T("T")));
    subscribe(a, MSG(T("T")));
    subscribe(b, MSG(T("T")));
    for (int i = 0; i < 3; i++)
        app_recv(&socket, MSG(T("\1T")));
    cancel(a, MSG(T("T")));
    app_recv_fails(&socket, -EAGAIN);
    peer_leave(b);
    app_recv(&socket, MSG(T("\0T")));
    app_recv_fails(&socket, -EAGAIN);
    socket_close(&socket);
}

static void verboser(void **state)
{
    struct ih_socket socket;
    struct player players[2];
    struct ih_pipe *a, *b;

    (void)state;
    socket_open(&socket, ZMQ_XPUB);
    assert_int_equal(app_set(&socket, ZMQ_XPUB_VERBOSER, 1), 0);
    a = peer_join(&socket, &players[0], NULL);
    b = peer_join(&socket, &players[1], NULL);
    subscribe(a, MSG(T("T")));
    subscribe(b, MSG(T("T")));
    subscribe(a, MSG(T("U")));
    app_recv(&socket, MSG(T("\1T")));
    app_recv(&socket, MSG(T("\1T")));
    app_recv(&socket, MSG(T("\1U")));
    cancel(a, MSG(T("U")));
    app_recv(&socket, MSG(T("\0U")));
    peer_leave(a);
    app_recv(&socket, MSG(T("\0T")));
    peer_leave(b);
    app_recv(&socket, MSG(T("\0T")));
    app_recv_fails(&socket, -EAGAIN);
    socket_close(&socket);
}

static void messages_of_subscribers(void **state)
{
    struct ih_socket socket;
    struct player player;
    struct ih_pipe *pipe;

    (void)state;
    socket_open(&socket, ZMQ_XPUB);
    pipe = peer_join(&socket, &player, NULL);
    peer_says(pipe, MSG(T("u1"), T("\1in"), T("u3")));
    peer_says(pipe, MSG(T("")));
    peer_says(pipe, MSG(T("\1f"), T("g"), T("h")));
    app_recv(&socket, MSG(T("u1"), T("\1in"), T("u3")));
    app_recv(&socket, MSG(T("")));
    app_recv(&socket, MSG(T("\1f")));
    app_recv(&socket, MSG(T("g"), T("h")));
    assert_int_equal(app_send(&socket, MSG(T("inside"))), 0);
    peer_hears(pipe, MSG(T("inside")));
    assert_int_equal(app_set(&socket, ZMQ_ONLY_FIRST_SUBSCRIBE, 1), 0);
    peer_says(pipe, MSG(T("u1"), T("\1not")));
    app_recv(&socket, MSG(T("u1"), T("\1not")));
    assert_int_equal(app_send(&socket, MSG(T("not"))), 0);
    peer_hears_nothing(pipe);
    socket_close(&socket);
}

/* An application that does not receive is not made to hold more than ZMQ_RCVHWM messages; subscriptions go on. */
static void messages_of_subscribers_are_limited(void **state)
{
    struct ih_socket socket;
    struct player players[2];
    struct ih_pipe *a, *b;
    char octet = '0';

    (void)state;
    socket_open(&socket, ZMQ_XPUB);
    socket.opt.rcvhwm = 3;
    a = peer_join(&socket, &players[0], NULL);
    b = peer_join(&socket, &players[1], NULL);
    for (; octet != '8'; octet++)
        peer_says(a, MSG({&octet, 1}, T("x")));
    assert_int_equal(a->in_messages, 5);
    peer_says(b, MSG(T("b")));
    assert_int_equal(b->in_messages, 1);
    subscribe(a, MSG(T("T")));
    peer_says(b, MSG(T("\1U")));
    assert_int_equal(app_send(&socket, MSG(T("T"))), 0);
    peer_hears(a, MSG(T("T")));
    for (octet = '0'; octet != '3'; octet++)
        app_recv(&socket, MSG({&octet, 1}, T("x")));
    app_recv(&socket, MSG(T("\1T")));
    app_recv(&socket, MSG(T("3"), T("x")));
    for (int left = 6; left > 0; left--) {
        struct ih_msg msg;
        bool more = true;

        while (more) {
            assert_true(socket.pattern->can_recv(&socket));
            ih_msg_init(&msg);
            assert_int_equal(socket.pattern->recv(&socket, &msg), 0);
            more = ih_msg_more(&msg);
            ih_msg_close(&msg);
        }
    }
    app_recv_fails(&socket, -EAGAIN);
    socket_close(&socket);
}

static void manual(void **state)
{
    struct ih_socket socket;
    struct player players[2];
    struct ih_pipe *a, *b;

    (void)state;
    socket_open(&socket, ZMQ_XPUB);
    assert_int_equal(socket.pattern->set(&socket, ZMQ_SUBSCRIBE, "A", 1), -EINVAL);
    assert_int_equal(app_set(&socket, ZMQ_XPUB_MANUAL, 1), 0);
    assert_int_equal(socket.pattern->set(&socket, ZMQ_SUBSCRIBE, "A", 1), 0); /* for nobody */
    a = peer_join(&socket, &players[0], NULL);
    b = peer_join(&socket, &players[1], NULL);
    subscribe(a, MSG(T("T")));
    subscribe(b, MSG(T("T")));
    app_recv(&socket, MSG(T("\1T")));
    assert_int_equal(socket.pattern->set(&socket, ZMQ_SUBSCRIBE, "XA", 2), 0);
    app_recv(&socket, MSG(T("\1T")));
    assert_int_equal(socket.pattern->set(&socket, ZMQ_SUBSCRIBE, "XB", 2), 0);
    assert_int_equal(app_send(&socket, MSG(T("T"))), 0);
    assert_int_equal(app_send(&socket, MSG(T("XA"))), 0);
    assert_int_equal(app_send(&socket, MSG(T("XB"))), 0);
    peer_hears(a, MSG(T("XA")));
    peer_hears_nothing(a);
    peer_hears(b, MSG(T("XB")));
    peer_hears_nothing(b);
    cancel(a, MSG(T("T")));
    app_recv(&socket, MSG(T("\0T")));
    assert_int_equal(app_send(&socket, MSG(T("XA"))), 0);
    peer_hears(a, MSG(T("XA")));
    assert_int_equal(socket.pattern->set(&socket, ZMQ_UNSUBSCRIBE, "XA", 2), 0);
    assert_int_equal(app_send(&socket, MSG(T("XA"))), 0);
    peer_hears_nothing(a);

    /* The notice outlives its pipe: what the application answers is for nobody. */
    subscribe(a, MSG(T("U")));
    peer_leave(a);
    app_recv(&socket, MSG(T("\1U")));
    assert_int_equal(socket.pattern->set(&socket, ZMQ_SUBSCRIBE, "", 0), 0);
    app_recv(&socket, MSG(T("\0U")));
    peer_leave(b);
    app_recv(&socket, MSG(T("\0T")));
    app_recv_fails(&socket, -EAGAIN);
    socket_close(&socket);
}

static void last_value(void **state)
{
    struct ih_socket socket;
    struct player players[2];
    struct ih_pipe *a, *b;

    (void)state;
    socket_open(&socket, ZMQ_XPUB);
    assert_int_equal(app_set(&socket, ZMQ_XPUB_MANUAL_LAST_VALUE, 1), 0);
    a = peer_join(&socket, &players[0], NULL);
    b = peer_join(&socket, &players[1], NULL);
    subscribe(a, MSG(T("T")));
    app_recv(&socket, MSG(T("\1T")));
    assert_int_equal(socket.pattern->set(&socket, ZMQ_SUBSCRIBE, "T", 1), 0);
    assert_int_equal(app_send(&socket, MSG(T("T1"))), 0);
    subscribe(b, MSG(T("T")));
    app_recv(&socket, MSG(T("\1T")));
    assert_int_equal(socket.pattern->set(&socket, ZMQ_SUBSCRIBE, "T", 1), 0);
    assert_int_equal(app_send(&socket, MSG(T("T2"), T("x"))), 0);
    assert_int_equal(app_send(&socket, MSG(T("T3"))), 0);
    peer_hears(a, MSG(T("T1")));
    peer_hears(a, MSG(T("T3")));
    peer_hears(b, MSG(T("T2"), T("x")));
    peer_hears(b, MSG(T("T3")));
    socket_close(&socket);
}

/* --- hostile subscribers ---------------------------------------------------------------------------------------- */

/* CVE-2021-20236: a topic of any length costs no stack, whatever is done with it. */
static void cve_2021_20236_long_topics(void **state)
{
    enum { SIZE = 1 << 20 };
    struct ih_socket socket;
    struct player players[2];
    struct ih_pipe *a, *b;
    uint8_t *topic = malloc(SIZE);

    (void)state;
    assert_non_null(topic);
    socket_open(&socket, ZMQ_XPUB);
    a = peer_join(&socket, &players[0], NULL);
    b = peer_join(&socket, &players[1], NULL);
    memset(topic, 'x', SIZE);
    subscribe(a, MSG({topic, SIZE}));
    subscribe(b, MSG({topic, SIZE - 1}));
    for (size_t size = 1; size < SIZE; size *= 2)
        subscribe(b, MSG({topic, size}));
    assert_int_equal(app_send(&socket, MSG({topic, SIZE})), 0);
    assert_int_equal(a->out_messages, 1);
    assert_int_equal(b->out_messages, 1);
    cancel(a, MSG({topic, SIZE}));
    peer_leave(b);
    assert_int_equal(ih_trie_count(&((struct ih_publish *)socket.pattern_state)->topics), 0);
    socket_close(&socket);
    free(topic);
}

/* CVE-2021-20237: subscribers that come and go leave nothing behind (the leak checker looks too). */
static void cve_2021_20237_nothing_stays_behind(void **state)
{
    const int types[] = {ZMQ_PUB, ZMQ_XPUB};

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct ih_socket socket;
        struct ih_publish *pub;

        socket_open(&socket, types[i]);
        pub = socket.pattern_state;
        for (uint32_t round = 0; round < 100; round++) {
            struct player player;
            struct ih_pipe *pipe = peer_join(&socket, &player, NULL);

            for (uint32_t topic = 0; topic < 20; topic++) {
                uint32_t key = topic * 0x9e3779b9u + round;

                subscribe(pipe, MSG({&key, sizeof key}));
                subscribe(pipe, MSG({&key, sizeof key}));
            }
            peer_begins(pipe, MSG(T("never"), T("ends")));
            peer_leave(pipe);
        }
        assert_int_equal(ih_trie_count(&pub->topics), 0);
        assert_true(ih_list_empty(&socket.pipes));
        assert_int_equal(pub->notices.users, 0);
        socket_close(&socket);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefixes_of_the_first_frame),
        cmocka_unit_test(subscriptions_in_messages),
        cmocka_unit_test(large_content_is_shared),
        cmocka_unit_test(slow_subscribers_lose_whole_messages),
        cmocka_unit_test(nodrop_makes_the_sender_wait),
        cmocka_unit_test(subscriber_leaves_in_the_middle),
        cmocka_unit_test(inverted),
        cmocka_unit_test(welcome),
        cmocka_unit_test(first_and_last_of_a_topic),
        cmocka_unit_test(verbose),
        cmocka_unit_test(verboser),
        cmocka_unit_test(messages_of_subscribers),
        cmocka_unit_test(messages_of_subscribers_are_limited),
        cmocka_unit_test(manual),
        cmocka_unit_test(last_value),
        cmocka_unit_test(cve_2021_20236_long_topics),
        cmocka_unit_test(cve_2021_20237_nothing_stays_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
