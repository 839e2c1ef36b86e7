/* SPDX-License-Identifier: ISC */
/* What happens to messages between two sockets: how many wait, who keeps them when a peer comes late, leaves or is
 * disconnected, what LINGER, IMMEDIATE and CONFLATE change, and that a message arrives whole or not at all. */
#include "pattern.h"
#include "wire.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* --- High-water marks --- */

static void test_inproc_holds_the_sum(void **state)
{
    struct world *world = *state;
    static const int marks[][3] = {{1, 1, 2}, {2, 3, 5}, {10, 10, 20}, {0, 5, 3000}, {5, 0, 3000}, {0, 0, 3000}};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        for (int connect_first = 0; connect_first < 2; connect_first++) {
            char endpoint[ENDPOINT_MAX];
            void *push = open_socket(world, ZMQ_PUSH);
            void *pull = open_socket(world, ZMQ_PULL);
            set_int(push, ZMQ_SNDHWM, marks[i][0]);
            set_int(pull, ZMQ_RCVHWM, marks[i][1]);
            fresh_endpoint(world, "inproc", endpoint);
            if (connect_first)
                assert_ok(zmq_connect(push, endpoint));
            assert_ok(zmq_bind(pull, endpoint));
            if (!connect_first)
                assert_ok(zmq_connect(push, endpoint));
            assert_int_equal(fill(push, "x", 3000), marks[i][2]);
            assert_int_equal(drain(pull), marks[i][2]);
        }
}

/* A mark of 0 is none, however much waits. */
static void test_no_mark_is_no_limit(void **state)
{
    enum { COUNT = 512, SIZE = 65536 };
    struct world *world = *state;
    void *push = open_socket(world, ZMQ_PUSH);
    void *pull = open_socket(world, ZMQ_PULL);
    uint8_t *data = calloc(1, SIZE);
    char endpoint[ENDPOINT_MAX];

    assert_non_null(data);
    set_int(push, ZMQ_SNDHWM, 0);
    set_int(pull, ZMQ_RCVHWM, 1);
    bind_any(world, pull, "tcp", endpoint);
    assert_ok(zmq_connect(push, endpoint));
    await_ready(push, ZMQ_POLLOUT);
    for (int i = 0; i < COUNT; i++)
        assert_returns(zmq_send(push, data, SIZE, ZMQ_DONTWAIT), SIZE);
    for (int i = 0; i < COUNT; i++)
        assert_returns(zmq_recv(pull, data, SIZE, 0), SIZE);
    free(data);
}

static void test_absent_peer_leaves_the_senders_mark(void **state)
{
    struct world *world = *state;
    static const char *const transports[] = {"ipc", "inproc"};
    for (int t = 0; t < 2; t++)
        for (int mark = 1; mark < 8; mark++) {
            char endpoint[ENDPOINT_MAX];
            void *push = open_socket(world, ZMQ_PUSH);
            set_int(push, ZMQ_SNDHWM, mark);
            fresh_endpoint(world, transports[t], endpoint);
            assert_ok(zmq_connect(push, endpoint));
            assert_int_equal(fill(push, "x", 100), mark);
            assert_int_equal(get_int(push, ZMQ_EVENTS), 0);
        }
}

/* Whole messages are counted, and one that has begun may be finished. */
static void test_marks_count_messages(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = open_socket(world, ZMQ_PUSH);
    set_int(push, ZMQ_SNDHWM, 3);
    fresh_endpoint(world, "inproc", endpoint);
    assert_ok(zmq_connect(push, endpoint));
    for (int i = 0; i < 3; i++) {
        assert_returns(zmq_send(push, "1", 1, ZMQ_DONTWAIT | ZMQ_SNDMORE), 1);
        assert_returns(zmq_send(push, "2", 1, ZMQ_DONTWAIT | ZMQ_SNDMORE), 1);
        assert_returns(zmq_send(push, "3", 1, ZMQ_DONTWAIT), 1);
    }
    assert_fails(zmq_send(push, "1", 1, ZMQ_DONTWAIT | ZMQ_SNDMORE), EAGAIN);
}

/* A peer that reads a little at a time makes room for as much, and not for a whole queue each time. */
static void test_mark_holds_for_a_slow_peer(void **state)
{
    enum { MARK = 10, SIZE = 100000, ROUNDS = 200, PART = 131072, SLACK = 8 << 20 };
    static uint8_t data[PART];
    static char message[SIZE + 1];
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = open_socket(world, ZMQ_PUSH);
    int64_t held = 0;
    memset(message, 'x', SIZE);
    set_int(push, ZMQ_SNDHWM, MARK);
    set_int(push, ZMQ_SNDBUF, 65536);
    bind_any(world, push, "tcp", endpoint);
    const int fd = wire_join(world, endpoint, "PULL", "PUSH");
    await_ready(push, ZMQ_POLLOUT);
    for (int i = 0; i < ROUNDS; i++) {
        int taken;
        do {
            taken = fill(push, message, MARK);
            held += (int64_t)taken * SIZE;
        } while (taken == MARK || (held < PART && await_ready(push, ZMQ_POLLOUT)));
        raw_read(fd, data, PART);
        held -= PART;
        assert_in_range(held, 0, SLACK);
    }
}

static void test_room_comes_back(void **state)
{
    struct world *world = *state;
    static const char *const transports[] = {"tcp", "inproc"};
    for (int t = 0; t < 2; t++) {
        char endpoint[ENDPOINT_MAX];
        void *push = open_socket(world, ZMQ_PUSH);
        void *pull = open_socket(world, ZMQ_PULL);
        set_int(push, ZMQ_SNDHWM, 4);
        set_int(pull, ZMQ_RCVHWM, 4);
        bind_any(world, pull, transports[t], endpoint);
        assert_ok(zmq_connect(push, endpoint));
        for (int sent = 0, received = 0; received < 200; received++) {
            if (sent == received)
                await_ready(push, ZMQ_POLLOUT);
            while (sent < 200 && zmq_send(push, &sent, sizeof sent, ZMQ_DONTWAIT) >= 0)
                sent++;
            expect_bytes(pull, &received, sizeof received);
        }
    }
}

/* A large message in a queue of one: nothing is lost while sender and receiver wait for each other. */
static void test_blocked_sender_goes_on(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair(world, "tcp", ZMQ_PULL, ZMQ_PUSH);
    set_int(ends.connected, ZMQ_SNDTIMEO, 20);
    static char large[100000];
    int sent = 0;
    while (sent < 3000 && zmq_send(ends.connected, large, sizeof large, 0) >= 0)
        sent++;
    assert_int_equal(errno, EAGAIN);
    set_int(ends.connected, ZMQ_SNDTIMEO, DEADLINE_MS);
    for (int i = 0; i < sent; i++) {
        char head;
        assert_returns(zmq_recv(ends.bound, &head, 1, 0), sizeof large);
    }
    send_str(ends.connected, "end");
    expect_str(ends.bound, "end");
}

/* --- Peers that are late, away, or disconnected --- */

static void test_queue_survives_a_restart_of_the_peer(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair(world, "tcp", ZMQ_PULL, ZMQ_PUSH);
    void *monitor = watch(world, ends.connected, ZMQ_EVENT_DISCONNECTED);
    set_int(ends.connected, ZMQ_RECONNECT_IVL, 10);
    send_str(ends.connected, "before");
    expect_str(ends.bound, "before");
    close_socket(world, ends.bound);
    await_event(monitor, ZMQ_EVENT_DISCONNECTED);
    send_str(ends.connected, "while away 1");
    send_frames(ends.connected, "while away 2", "with a part");
    void *again = open_socket(world, ZMQ_PULL);
    bind_again(again, ends.endpoint);
    expect_str(again, "while away 1");
    expect_frames(again, "while away 2", "with a part");
    send_str(ends.connected, "after");
    expect_str(again, "after");
}

static void test_absent_peers_get_their_share(void **state)
{
    struct world *world = *state;
    char absent[ENDPOINT_MAX];
    char present[ENDPOINT_MAX];
    void *push = open_socket(world, ZMQ_PUSH);
    void *pull = open_socket(world, ZMQ_PULL);
    fresh_endpoint(world, "ipc", absent);
    bind_any(world, pull, "inproc", present);
    assert_ok(zmq_connect(push, absent));
    assert_ok(zmq_connect(push, present));
    for (int i = 0; i < 6; i++)
        send_bytes(push, &i, sizeof i, 0);
    void *late = open_socket(world, ZMQ_PULL);
    assert_ok(zmq_bind(late, absent));
    for (int i = 0; i < 6; i++)
        expect_bytes(i % 2 ? pull : late, &i, sizeof i);
}

/* With IMMEDIATE only those who are there count. */
static void test_immediate(void **state)
{
    struct world *world = *state;
    char absent[ENDPOINT_MAX];
    char present[ENDPOINT_MAX];
    void *push = open_socket(world, ZMQ_PUSH);
    set_int(push, ZMQ_IMMEDIATE, 1);
    fresh_endpoint(world, "ipc", absent);
    assert_ok(zmq_connect(push, absent));
    assert_int_equal(get_int(push, ZMQ_EVENTS), 0);
    assert_fails(zmq_send(push, "x", 1, ZMQ_DONTWAIT), EAGAIN);

    void *pull = open_socket(world, ZMQ_PULL);
    bind_any(world, pull, "tcp", present);
    assert_ok(zmq_connect(push, present));
    await_ready(push, ZMQ_POLLOUT);
    for (int i = 0; i < 6; i++)
        send_bytes(push, &i, sizeof i, 0);
    for (int i = 0; i < 6; i++)
        expect_bytes(pull, &i, sizeof i);

    close_socket(world, pull);
    const int64_t limit = now_ms() + DEADLINE_MS;
    while (get_int(push, ZMQ_EVENTS) & ZMQ_POLLOUT)
        assert_true(now_ms() < limit);
    assert_fails(zmq_send(push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
}

static void disconnect(struct world *world, const char *transport)
{
    const struct ends ends = join_pair(world, transport, ZMQ_PULL, ZMQ_PUSH);
    send_str(ends.connected, "1");
    expect_str(ends.bound, "1");
    assert_ok(zmq_disconnect(ends.connected, ends.endpoint));
    assert_fails(zmq_send(ends.connected, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    assert_fails(zmq_disconnect(ends.connected, ends.endpoint), ENOENT);
    assert_ok(zmq_connect(ends.connected, ends.endpoint));
    send_str(ends.connected, "2");
    expect_str(ends.bound, "2");
}

static void test_disconnect(void **state)
{
    disconnect(*state, "tcp");
    disconnect(*state, "ipc");
    disconnect(*state, "inproc");
}

static void test_what_had_arrived_stays_after_disconnect(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair(world, "inproc", ZMQ_PULL, ZMQ_PUSH);
    send_str(ends.connected, "1");
    send_frames(ends.connected, "2", "3");
    assert_ok(zmq_disconnect(ends.connected, ends.endpoint));
    expect_str(ends.bound, "1");
    expect_frames(ends.bound, "2", "3");
    expect_nothing(ends.bound);
}

static void test_disconnected_queue_lingers(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = open_socket(world, ZMQ_PUSH);
    set_int(push, ZMQ_LINGER, -1);
    fresh_endpoint(world, "ipc", endpoint);
    assert_ok(zmq_connect(push, endpoint));
    send_str(push, "1");
    send_str(push, "2");
    assert_ok(zmq_disconnect(push, endpoint));
    void *pull = open_socket(world, ZMQ_PULL);
    assert_ok(zmq_bind(pull, endpoint));
    expect_str(pull, "1");
    expect_str(pull, "2");
}

static void unbind(struct world *world, const char *transport)
{
    const struct ends ends = join_pair(world, transport, ZMQ_PULL, ZMQ_PUSH);
    send_str(ends.connected, "1");
    expect_str(ends.bound, "1");
    assert_ok(zmq_unbind(ends.bound, ends.endpoint));
    assert_fails(zmq_unbind(ends.bound, ends.endpoint), ENOENT);
    void *other = open_socket(world, ZMQ_PULL);
    bind_again(other, ends.endpoint);
    void *push = open_socket(world, ZMQ_PUSH);
    assert_ok(zmq_connect(push, ends.endpoint));
    send_str(push, "for the new one");
    expect_str(other, "for the new one");
}

static void test_unbind(void **state)
{
    unbind(*state, "tcp");
    unbind(*state, "ipc");
    unbind(*state, "inproc");
}

/* The connections that the listener accepted end with it. */
static void test_unbind_ends_connections(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair(world, "tcp", ZMQ_PULL, ZMQ_PUSH);
    void *monitor = watch(world, ends.connected, ZMQ_EVENT_DISCONNECTED);
    send_str(ends.connected, "1");
    expect_str(ends.bound, "1");
    assert_ok(zmq_unbind(ends.bound, ends.endpoint));
    await_beside(monitor, ZMQ_POLLIN, ends.bound);
}

/* --- LINGER --- */

static void test_nothing_to_linger_for(void **state)
{
    struct world *world = *state;
    static const int types[] = {ZMQ_PUSH, ZMQ_PUB, ZMQ_DEALER, ZMQ_ROUTER, ZMQ_REQ, ZMQ_SUB};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        void *socket = open_socket(world, types[i]);
        set_int(socket, ZMQ_LINGER, -1);
        assert_ok(zmq_connect(socket, "ipc:///nonexistent/socket"));
        close_socket(world, socket);
    }
    assert_ok(zmq_ctx_term(world->context));
    world->context = NULL;
}

static void test_linger_zero_forgets(void **state)
{
    struct world *world = *state;
    void *push = open_socket(world, ZMQ_PUSH);
    assert_ok(zmq_connect(push, "ipc:///nonexistent/socket"));
    send_str(push, "forgotten");
    close_socket(world, push);
    assert_ok(zmq_ctx_term(world->context));
    world->context = NULL;
}

static void test_linger_ends(void **state)
{
    struct world *world = *state;
    void *push = open_socket(world, ZMQ_PUSH);
    set_int(push, ZMQ_LINGER, 50);
    assert_ok(zmq_connect(push, "ipc:///nonexistent/socket"));
    send_str(push, "nobody comes");
    const int64_t start = now_ms();
    close_socket(world, push);
    assert_ok(zmq_ctx_term(world->context));
    world->context = NULL;
    assert_true(now_ms() - start >= 49);
}

static void *terminate(void *context)
{
    return zmq_ctx_term(context) == 0 ? context : NULL;
}

/* The sender's context ends while its messages have not gone out; the receiver only comes then. */
static void test_lingering_messages_are_delivered(void **state)
{
    enum { COUNT = 500 };
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *context = zmq_ctx_new();
    assert_non_null(context);
    void *push = zmq_socket(context, ZMQ_PUSH);
    assert_non_null(push);
    set_int(push, ZMQ_LINGER, -1);
    fresh_endpoint(world, "ipc", endpoint);
    assert_ok(zmq_connect(push, endpoint));
    for (int i = 0; i < COUNT; i++)
        send_bytes(push, &i, sizeof i, 0);
    assert_ok(zmq_close(push));
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, terminate, context), 0);
    void *pull = open_socket(world, ZMQ_PULL);
    assert_ok(zmq_bind(pull, endpoint));
    for (int i = 0; i < COUNT; i++)
        expect_bytes(pull, &i, sizeof i);
    void *result;
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, context);
}

static void test_inproc_messages_outlive_their_sender(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair(world, "inproc", ZMQ_PULL, ZMQ_PUSH);
    send_str(ends.connected, "1");
    send_frames(ends.connected, "2", "3");
    close_socket(world, ends.connected);
    expect_str(ends.bound, "1");
    expect_frames(ends.bound, "2", "3");
}

static void test_everything_sent_arrives_after_close(void **state)
{
    enum { COUNT = 900, SIZE = 5000 };
    static char data[SIZE];
    struct world *world = *state;
    const struct ends ends = join_pair(world, "tcp", ZMQ_PULL, ZMQ_PUSH);
    set_int(ends.connected, ZMQ_LINGER, -1);
    for (int i = 0; i < COUNT; i++)
        send_bytes(ends.connected, data, SIZE, 0);
    close_socket(world, ends.connected);
    for (int i = 0; i < COUNT; i++)
        expect_bytes(ends.bound, data, SIZE);
}

/* --- CONFLATE --- */

static void conflate(struct world *world, const char *transport)
{
    char endpoint[ENDPOINT_MAX];
    void *push = open_socket(world, ZMQ_PUSH);
    void *pull = open_socket(world, ZMQ_PULL);
    set_int(pull, ZMQ_CONFLATE, 1);
    bind_any(world, push, transport, endpoint);
    assert_ok(zmq_connect(pull, endpoint));
    int last = 0;
    for (int i = 1; i <= 2000; i++)
        send_bytes(push, &i, sizeof i, 0);
    int received = 0;
    while (last != 2000) {
        int value;
        assert_returns(zmq_recv(pull, &value, sizeof value, 0), sizeof value);
        assert_true(value > last);
        last = value;
        received++;
    }
    assert_true(received < 2000);
    expect_nothing(pull);
}

static void test_conflate_keeps_the_newest(void **state)
{
    conflate(*state, "tcp");
    conflate(*state, "ipc");
}

static void test_conflating_sender(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = open_socket(world, ZMQ_PUSH);
    set_int(push, ZMQ_CONFLATE, 1);
    fresh_endpoint(world, "ipc", endpoint);
    assert_ok(zmq_connect(push, endpoint));
    for (int i = 0; i < 50; i++)
        assert_returns(zmq_send(push, &i, sizeof i, ZMQ_DONTWAIT), sizeof i);
    void *pull = open_socket(world, ZMQ_PULL);
    assert_ok(zmq_bind(pull, endpoint));
    const int newest = 49;
    expect_bytes(pull, &newest, sizeof newest);
}

/* --- Whole messages --- */

/* The wire breaks in the middle of a message: nothing of it is delivered. */
static void test_half_a_message_is_none(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = open_socket(world, ZMQ_PULL);
    void *monitor = watch(world, pull, ZMQ_EVENT_DISCONNECTED);
    bind_any(world, pull, "tcp", endpoint);
    const int fd = wire_join(world, endpoint, "PUSH", "PULL");
    wire_send_str(fd, "whole");
    wire_send_frame(fd, FRAME_MORE, "part 1", 6);
    wire_send_frame(fd, FRAME_MORE, "part 2", 6);
    const int other = wire_join(world, endpoint, "PUSH", "PULL");
    wire_send_str(other, "of another");
    char text[16];
    recv_str(pull, text, sizeof text);
    expect_no_more(pull);
    expect_str(pull, strcmp(text, "whole") == 0 ? "of another" : "whole");
    assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
    await_beside(monitor, ZMQ_POLLIN, pull);
    wire_send_str(other, "next");
    expect_str(pull, "next");
    expect_nothing(pull);
}

/* Parts from two peers never mix, in whatever pieces they arrive. */
static void test_parts_do_not_mix(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = open_socket(world, ZMQ_PULL);
    bind_any(world, pull, "tcp", endpoint);
    int fds[2];
    for (int i = 0; i < 2; i++)
        fds[i] = wire_join(world, endpoint, "PUSH", "PULL");
    for (int part = 0; part < 3; part++)
        for (int i = 0; i < 2; i++)
            wire_send_frame(fds[i], part < 2 ? FRAME_MORE : 0, &"ab"[i], 1);
    for (int message = 0; message < 2; message++) {
        char first;
        assert_returns(zmq_recv(pull, &first, 1, 0), 1);
        expect_more(pull);
        expect_bytes(pull, &first, 1);
        expect_more(pull);
        expect_bytes(pull, &first, 1);
        expect_no_more(pull);
    }
}

/* Nothing goes out before the last part has been sent. */
static void test_unfinished_message_is_not_sent(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = open_socket(world, ZMQ_PUSH);
    void *pull = open_socket(world, ZMQ_PULL);
    bind_any(world, pull, "tcp", endpoint);
    assert_ok(zmq_connect(push, endpoint));
    send_bytes(push, "part", 4, ZMQ_SNDMORE);
    void *other = open_socket(world, ZMQ_PUSH);
    assert_ok(zmq_connect(other, endpoint));
    send_str(other, "whole");
    expect_str(pull, "whole");
    expect_nothing(pull);
    close_socket(world, push);
    send_str(other, "whole");
    expect_str(pull, "whole");
    expect_nothing(pull);
}

static void test_unread_parts_stay(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair(world, "tcp", ZMQ_PAIR, ZMQ_PAIR);
    assert_int_equal(get_int(ends.bound, ZMQ_RCVMORE), 0);
    send_frames(ends.connected, "1", "2", "3");
    expect_bytes(ends.bound, "1", 1);
    expect_more(ends.bound);
    send_str(ends.bound, "in between");
    expect_more(ends.bound);
    expect_str(ends.connected, "in between");
    expect_bytes(ends.bound, "2", 1);
    expect_more(ends.bound);
    expect_bytes(ends.bound, "3", 1);
    expect_no_more(ends.bound);
}

/* --- Properties of the connection on its messages --- */

static void test_metadata(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = open_socket(world, ZMQ_PULL);
    void *push = open_socket(world, ZMQ_PUSH);
    set_bytes(push, ZMQ_METADATA, "X-color:red", 11);
    bind_any(world, pull, "tcp", endpoint);
    assert_ok(zmq_connect(push, endpoint));
    send_frames(push, "a", "b");
    for (int i = 0; i < 2; i++) {
        zmq_msg_t message;
        assert_ok(zmq_msg_init(&message));
        assert_returns(zmq_msg_recv(&message, pull, 0), 1);
        assert_string_equal(zmq_msg_gets(&message, "X-color"), "red");
        assert_string_equal(zmq_msg_gets(&message, "Socket-Type"), "PUSH");
        assert_string_equal(zmq_msg_gets(&message, "Peer-Address"), "127.0.0.1");
        assert_null_fails(zmq_msg_gets(&message, "User-Id"), EINVAL);
        assert_null_fails(zmq_msg_gets(&message, "X-other"), EINVAL);
        assert_ok(zmq_msg_close(&message));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_inproc_holds_the_sum),
        world_test(test_no_mark_is_no_limit),
        world_test(test_absent_peer_leaves_the_senders_mark),
        world_test(test_marks_count_messages),
        world_test(test_mark_holds_for_a_slow_peer),
        world_test(test_room_comes_back),
        world_test(test_blocked_sender_goes_on),
        world_test(test_queue_survives_a_restart_of_the_peer),
        world_test(test_absent_peers_get_their_share),
        world_test(test_immediate),
        world_test(test_disconnect),
        world_test(test_what_had_arrived_stays_after_disconnect),
        world_test(test_disconnected_queue_lingers),
        world_test(test_unbind),
        world_test(test_unbind_ends_connections),
        world_test(test_nothing_to_linger_for),
        world_test(test_linger_zero_forgets),
        world_test(test_linger_ends),
        world_test(test_lingering_messages_are_delivered),
        world_test(test_inproc_messages_outlive_their_sender),
        world_test(test_everything_sent_arrives_after_close),
        world_test(test_conflate_keeps_the_newest),
        world_test(test_conflating_sender),
        world_test(test_half_a_message_is_none),
        world_test(test_parts_do_not_mix),
        world_test(test_unfinished_message_is_not_sent),
        world_test(test_unread_parts_stay),
        world_test(test_metadata),
    };
    return cmocka_run_group_tests_name("queues", tests, NULL, NULL);
}
