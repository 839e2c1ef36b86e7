/* SPDX-License-Identifier: ISC */
/* PUB and SUB: which messages pass, which are dropped, and what becomes of subscriptions (RFC 29). */
#include "pattern.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define INVERT ZMQ_INVERT_MATCHING

static void test_one_way_only(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair(world, "inproc", ZMQ_PUB, ZMQ_SUB);
    assert_fails(zmq_recv(ends.bound, NULL, 0, ZMQ_DONTWAIT), ENOTSUP);
    assert_fails(zmq_send(ends.connected, "x", 1, ZMQ_DONTWAIT), ENOTSUP);
    assert_int_equal(get_int(ends.bound, ZMQ_EVENTS), ZMQ_POLLOUT);
    assert_int_equal(get_int(ends.connected, ZMQ_EVENTS), 0);
}

static void test_without_a_subscriber(void **state)
{
    struct world *world = *state;
    void *pub = open_socket(world, ZMQ_PUB);
    for (int i = 0; i < 3000; i++)
        assert_returns(zmq_send(pub, "x", 1, ZMQ_DONTWAIT), 1);
    assert_ok(zmq_connect(pub, "ipc:///nonexistent/socket"));
    for (int i = 0; i < 3000; i++)
        assert_returns(zmq_send(pub, "x", 1, ZMQ_DONTWAIT), 1);
}

/* Topics are prefixes of the first frame, octet by octet. */
static void filters(struct world *world, const char *transport)
{
    const struct ends ends = join_pair(world, transport, ZMQ_PUB, ZMQ_SUB);
    subscribe(ends.connected, "AB");
    subscribe(ends.connected, "x");
    settle_subscriptions(ends.bound, ends.connected);
    send_str(ends.bound, "A");
    send_str(ends.bound, "");
    send_str(ends.bound, "ab");
    send_str(ends.bound, "AB");
    send_str(ends.bound, "AC");
    send_str(ends.bound, "ABC");
    send_frames(ends.bound, "AB", "second", "");
    send_frames(ends.bound, "second", "AB");
    send_str(ends.bound, "x");
    expect_str(ends.connected, "AB");
    expect_str(ends.connected, "ABC");
    expect_frames(ends.connected, "AB", "second", "");
    expect_str(ends.connected, "x");
    expect_nothing(ends.connected);
}

static void test_filters(void **state)
{
    filters(*state, "tcp");
    filters(*state, "ipc");
    filters(*state, "inproc");
}

static void test_binary_topics(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair(world, "tcp", ZMQ_PUB, ZMQ_SUB);
    static const uint8_t topics[][3] = {{0, 0, 1}, {255, 0, 255}};
    for (int i = 0; i < 2; i++)
        set_bytes(ends.connected, ZMQ_SUBSCRIBE, topics[i], 3);
    settle_subscriptions(ends.bound, ends.connected);
    send_bytes(ends.bound, "\0\0\2", 3, 0);
    send_bytes(ends.bound, "\0\0", 2, 0);
    send_bytes(ends.bound, "\0\0\1\0", 4, 0);
    send_bytes(ends.bound, "\377\0\376", 3, 0);
    send_bytes(ends.bound, topics[1], 3, 0);
    expect_bytes(ends.connected, "\0\0\1\0", 4);
    expect_bytes(ends.connected, topics[1], 3);
    expect_nothing(ends.connected);
}

static void test_the_empty_topic_is_everything(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair(world, "tcp", ZMQ_PUB, ZMQ_SUB);
    subscribe(ends.connected, "");
    settle_subscriptions(ends.bound, ends.connected);
    send_str(ends.bound, "");
    send_str(ends.bound, "anything");
    expect_str(ends.connected, "");
    expect_str(ends.connected, "anything");
}

static void test_overlapping_topics_give_one_copy(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair(world, "tcp", ZMQ_PUB, ZMQ_SUB);
    subscribe(ends.connected, "");
    subscribe(ends.connected, "A");
    subscribe(ends.connected, "AB");
    settle_subscriptions(ends.bound, ends.connected);
    send_str(ends.bound, "ABC");
    send_str(ends.bound, "end");
    expect_str(ends.connected, "ABC");
    expect_str(ends.connected, "end");
}

/* Subscriptions add up: what was subscribed to twice takes two cancellations. */
static void subscriptions_are_counted(struct world *world, const char *transport)
{
    const struct ends ends = join_pair(world, transport, ZMQ_PUB, ZMQ_SUB);
    subscribe(ends.connected, "A");
    subscribe(ends.connected, "A");
    subscribe(ends.connected, "end");
    unsubscribe(ends.connected, "A");
    unsubscribe(ends.connected, "never subscribed");
    settle_subscriptions(ends.bound, ends.connected);
    send_str(ends.bound, "A1");
    expect_str(ends.connected, "A1");
    unsubscribe(ends.connected, "A");
    settle_subscriptions(ends.bound, ends.connected);
    send_str(ends.bound, "A2");
    send_str(ends.bound, "end");
    expect_str(ends.connected, "end");
}

static void test_subscriptions_are_counted(void **state)
{
    subscriptions_are_counted(*state, "tcp");
    subscriptions_are_counted(*state, "inproc");
}

static void test_without_a_subscription_nothing_comes(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair(world, "tcp", ZMQ_PUB, ZMQ_SUB);
    settle_subscriptions(ends.bound, ends.connected);
    send_str(ends.bound, "");
    send_str(ends.bound, "x");
    settle_subscriptions(ends.bound, ends.connected);
    expect_nothing(ends.connected);
}

static void test_many_subscribers(void **state)
{
    enum { SUBS = 10 };
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *pub = open_socket(world, ZMQ_PUB);
    bind_any(world, pub, "tcp", endpoint);
    void *subs[SUBS];
    for (int i = 0; i < SUBS; i++) {
        const char topic[] = {(char)('a' + i % 3), '\0'};
        subs[i] = open_socket(world, ZMQ_SUB);
        assert_ok(zmq_connect(subs[i], endpoint));
        subscribe(subs[i], topic);
        subscribe(subs[i], "all");
        settle_subscriptions(pub, subs[i]);
    }
    send_str(pub, "b");
    send_frames(pub, "c", "more");
    send_str(pub, "all");
    for (int i = 0; i < SUBS; i++) {
        if (i % 3 == 1)
            expect_str(subs[i], "b");
        if (i % 3 == 2)
            expect_frames(subs[i], "c", "more");
        expect_str(subs[i], "all");
        expect_nothing(subs[i]);
    }
}

/* The lock-step is broken by a subscriber that does not read: it loses messages, the publisher and others do not. */
static void test_slow_subscriber_loses(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *pub = open_socket(world, ZMQ_PUB);
    set_int(pub, ZMQ_SNDHWM, 5);
    bind_any(world, pub, "inproc", endpoint);
    void *slow = open_socket(world, ZMQ_SUB);
    void *quick = open_socket(world, ZMQ_SUB);
    set_int(slow, ZMQ_RCVHWM, 5);
    assert_ok(zmq_connect(slow, endpoint));
    assert_ok(zmq_connect(quick, endpoint));
    subscribe(slow, "");
    subscribe(quick, "");
    settle_subscriptions(pub, slow);
    settle_subscriptions(pub, quick);
    drain(slow);
    for (int i = 0; i < 100; i++) {
        assert_returns(zmq_send(pub, &i, sizeof i, ZMQ_DONTWAIT), sizeof i);
        expect_bytes(quick, &i, sizeof i);
    }
    int previous = -1;
    int value;
    int received = 0;
    while (zmq_recv(slow, &value, sizeof value, ZMQ_DONTWAIT) == sizeof value) {
        assert_true(value > previous);
        previous = value;
        received++;
    }
    assert_in_range(received, 1, 11);
    settle_subscriptions(pub, slow);
}

static void test_publisher_may_connect(void **state)
{
    struct world *world = *state;
    char endpoints[2][ENDPOINT_MAX];
    void *pub = open_socket(world, ZMQ_PUB);
    void *subs[2];
    for (int i = 0; i < 2; i++) {
        subs[i] = open_socket(world, ZMQ_SUB);
        subscribe(subs[i], "T");
        bind_any(world, subs[i], "tcp", endpoints[i]);
        assert_ok(zmq_connect(pub, endpoints[i]));
    }
    for (int i = 0; i < 2; i++)
        settle_subscriptions(pub, subs[i]);
    send_str(pub, "T");
    expect_str(subs[0], "T");
    expect_str(subs[1], "T");
}

static void test_subscriber_of_many_publishers(void **state)
{
    enum { PUBS = 3 };
    struct world *world = *state;
    void *sub = open_socket(world, ZMQ_SUB);
    void *pubs[PUBS];
    subscribe(sub, "T");
    for (int i = 0; i < PUBS; i++) {
        char endpoint[ENDPOINT_MAX];
        pubs[i] = open_socket(world, ZMQ_PUB);
        bind_any(world, pubs[i], "tcp", endpoint);
        assert_ok(zmq_connect(sub, endpoint));
    }
    for (int i = 0; i < PUBS; i++)
        settle_subscriptions(pubs[i], sub);
    for (int i = 0; i < PUBS; i++) {
        send_frames(pubs[i], "T", "x");
        expect_frames(sub, "T", "x");
    }
}

/* A publisher that comes back is told the list as it is now. */
static void test_resubscribes_after_a_restart(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair(world, "tcp", ZMQ_PUB, ZMQ_SUB);
    void *sub = ends.connected;
    set_int(sub, ZMQ_RECONNECT_IVL, 10);
    subscribe(sub, "old");
    subscribe(sub, "kept");
    settle_subscriptions(ends.bound, sub);
    void *monitor = watch(world, sub, ZMQ_EVENT_DISCONNECTED);
    close_socket(world, ends.bound);
    await_event(monitor, ZMQ_EVENT_DISCONNECTED);
    unsubscribe(sub, "old");
    subscribe(sub, "new");
    void *pub = open_socket(world, ZMQ_PUB);
    bind_again(pub, ends.endpoint);
    settle_subscriptions(pub, sub);
    send_str(pub, "old");
    send_str(pub, "new");
    send_str(pub, "kept");
    expect_str(sub, "new");
    expect_str(sub, "kept");
}

static void test_subscriber_that_left_costs_nothing(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair(world, "tcp", ZMQ_PUB, ZMQ_SUB);
    subscribe(ends.connected, "T");
    settle_subscriptions(ends.bound, ends.connected);
    void *monitor = watch(world, ends.bound, ZMQ_EVENT_DISCONNECTED);
    close_socket(world, ends.connected);
    await_event(monitor, ZMQ_EVENT_DISCONNECTED);
    for (int i = 0; i < 3000; i++)
        assert_returns(zmq_send(ends.bound, "T", 1, ZMQ_DONTWAIT), 1);
}

static void test_invert_matching(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *pub = open_socket(world, ZMQ_XPUB);
    void *sub = open_socket(world, ZMQ_SUB);
    set_int(pub, INVERT, 1);
    set_int(sub, INVERT, 1);
    bind_any(world, pub, "tcp", endpoint);
    assert_ok(zmq_connect(sub, endpoint));
    subscribe(sub, "A");
    expect_bytes(pub, "\1A", 2);
    send_str(pub, "A");
    send_str(pub, "AB");
    send_str(pub, "B");
    send_frames(pub, "AC", "B");
    send_frames(pub, "C", "A");
    expect_str(sub, "B");
    expect_frames(sub, "C", "A");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_one_way_only),
        world_test(test_without_a_subscriber),
        world_test(test_filters),
        world_test(test_binary_topics),
        world_test(test_the_empty_topic_is_everything),
        world_test(test_overlapping_topics_give_one_copy),
        world_test(test_subscriptions_are_counted),
        world_test(test_without_a_subscription_nothing_comes),
        world_test(test_many_subscribers),
        world_test(test_slow_subscriber_loses),
        world_test(test_publisher_may_connect),
        world_test(test_subscriber_of_many_publishers),
        world_test(test_resubscribes_after_a_restart),
        world_test(test_subscriber_that_left_costs_nothing),
        world_test(test_invert_matching),
    };
    return cmocka_run_group_tests_name("PUB and SUB", tests, NULL, NULL);
}
