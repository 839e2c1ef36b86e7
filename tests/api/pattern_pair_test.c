/* SPDX-License-Identifier: ISC */
/* PAIR: exactly one peer, both directions (RFC 31). */
#include "pattern.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void test_without_a_peer(void **state)
{
    struct world *world = *state;
    void *pair = open_socket(world, ZMQ_PAIR);
    assert_int_equal(get_int(pair, ZMQ_EVENTS), 0);
    assert_fails(zmq_send(pair, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    assert_fails(zmq_recv(pair, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    set_int(pair, ZMQ_SNDTIMEO, 10);
    assert_fails(zmq_send(pair, "x", 1, 0), EAGAIN);
}

static void both_directions(struct world *world, const char *transport)
{
    const struct ends ends = join_pair(world, transport, ZMQ_PAIR, ZMQ_PAIR);
    send_str(ends.connected, "there");
    expect_str(ends.bound, "there");
    send_frames(ends.bound, "and", "", "back");
    expect_frames(ends.connected, "and", "", "back");
    expect_nothing(ends.bound);
}

static void test_both_directions(void **state)
{
    both_directions(*state, "tcp");
    both_directions(*state, "ipc");
    both_directions(*state, "inproc");
}

static void test_order_is_kept(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair(world, "tcp", ZMQ_PAIR, ZMQ_PAIR);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 500; i++)
            send_bytes(ends.connected, &i, sizeof i, 0);
        for (int i = 0; i < 500; i++)
            expect_bytes(ends.bound, &i, sizeof i);
    }
}

static void test_messages_wait_for_the_peer(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    fresh_endpoint(world, "ipc", endpoint);
    void *early = open_socket(world, ZMQ_PAIR);
    assert_ok(zmq_connect(early, endpoint));
    send_str(early, "one");
    send_str(early, "two");
    void *late = open_socket(world, ZMQ_PAIR);
    assert_ok(zmq_bind(late, endpoint));
    expect_str(late, "one");
    expect_str(late, "two");
}

static void test_second_peer_is_not_served(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair_ready(world, "tcp", ZMQ_PAIR, ZMQ_PAIR);
    send_str(ends.connected, "before");
    expect_str(ends.bound, "before");

    void *intruder = open_socket(world, ZMQ_PAIR);
    void *monitor = watch(world, intruder, ZMQ_EVENT_ALL);
    assert_ok(zmq_connect(intruder, ends.endpoint));
    send_str(intruder, "intruder");
    await_event(monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED);
    send_str(ends.connected, "after");
    expect_str(ends.bound, "after");
    send_str(ends.bound, "reply");
    expect_str(ends.connected, "reply");
    expect_nothing(intruder);
    expect_nothing(ends.bound);
}

static void test_second_inproc_peer_is_not_served(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair(world, "inproc", ZMQ_PAIR, ZMQ_PAIR);
    void *intruder = open_socket(world, ZMQ_PAIR);
    assert_ok(zmq_connect(intruder, ends.endpoint));
    zmq_send(intruder, "intruder", 8, ZMQ_DONTWAIT);
    send_str(ends.connected, "mine");
    expect_str(ends.bound, "mine");
    expect_nothing(ends.bound);
}

/* How soon a newcomer is accepted is not defined, so each try is a new socket. */
static void test_new_peer_after_the_first_left(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair_ready(world, "tcp", ZMQ_PAIR, ZMQ_PAIR);
    void *monitor = watch(world, ends.bound, ZMQ_EVENT_DISCONNECTED);
    close_socket(world, ends.connected);
    await_event(monitor, ZMQ_EVENT_DISCONNECTED);
    const int64_t limit = now_ms() + DEADLINE_MS;
    set_int(ends.bound, ZMQ_RCVTIMEO, 100);
    char text[8];
    int size;
    do {
        assert_true(now_ms() < limit);
        void *next = open_socket(world, ZMQ_PAIR);
        assert_ok(zmq_connect(next, ends.endpoint));
        send_str(next, "next");
        size = zmq_recv(ends.bound, text, sizeof text, 0);
        if (size == 4) {
            send_str(ends.bound, "welcome");
            expect_str(next, "welcome");
        }
        close_socket(world, next);
    } while (size < 0);
    assert_int_equal(size, 4);
}

static void test_closed_inproc_peer(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair(world, "inproc", ZMQ_PAIR, ZMQ_PAIR);
    send_str(ends.connected, "last");
    expect_str(ends.bound, "last");
    close_socket(world, ends.connected);
    const int64_t limit = now_ms() + DEADLINE_MS;
    while (get_int(ends.bound, ZMQ_EVENTS) & ZMQ_POLLOUT)
        assert_true(now_ms() < limit);
    assert_fails(zmq_send(ends.bound, "x", 1, ZMQ_DONTWAIT), EAGAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_without_a_peer),
        world_test(test_both_directions),
        world_test(test_order_is_kept),
        world_test(test_messages_wait_for_the_peer),
        world_test(test_second_peer_is_not_served),
        world_test(test_second_inproc_peer_is_not_served),
        world_test(test_new_peer_after_the_first_left),
        world_test(test_closed_inproc_peer),
    };
    return cmocka_run_group_tests_name("PAIR", tests, NULL, NULL);
}
