/* SPDX-License-Identifier: ISC */
/* XPUB and XSUB: subscriptions as messages, what each option of XPUB changes, and messages that go
 * upstream (RFC 29). */
#include "pattern.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The next message of the XPUB is this (un)subscription. */
static void expect_subscription(void *xpub, int add, const char *topic)
{
    char message[ENDPOINT_MAX];
    const size_t size = strlen(topic);
    message[0] = (char)add;
    memcpy(message + 1, topic, size);
    expect_bytes(xpub, message, size + 1);
    expect_no_more(xpub);
}

static struct ends join_with(struct world *world, int option, int type)
{
    struct ends ends = {.bound = open_socket(world, ZMQ_XPUB), .connected = open_socket(world, type)};
    if (option)
        set_int(ends.bound, option, 1);
    bind_any(world, ends.bound, "tcp", ends.endpoint);
    assert_ok(zmq_connect(ends.connected, ends.endpoint));
    return ends;
}

static void *join_another(struct world *world, const struct ends *ends, int type)
{
    void *other = open_socket(world, type);
    assert_ok(zmq_connect(other, ends->endpoint));
    return other;
}

static void sees_subscriptions(struct world *world, int type)
{
    const struct ends ends = join_with(world, 0, type);
    subscribe(ends.connected, "T");
    subscribe(ends.connected, "");
    unsubscribe(ends.connected, "T");
    expect_subscription(ends.bound, 1, "T");
    expect_subscription(ends.bound, 1, "");
    expect_subscription(ends.bound, 0, "T");
    unsubscribe(ends.connected, "");
    expect_subscription(ends.bound, 0, "");
}

static void test_sees_subscriptions(void **state)
{
    sees_subscriptions(*state, ZMQ_SUB);
    sees_subscriptions(*state, ZMQ_XSUB);
}

/* By default a topic is reported when its first subscriber comes, and again when its last one has gone. */
static void test_reports_first_and_last(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_with(world, 0, ZMQ_SUB);
    void *other = join_another(world, &ends, ZMQ_SUB);
    subscribe(ends.connected, "T");
    expect_subscription(ends.bound, 1, "T");
    subscribe(ends.connected, "T");
    subscribe(other, "T");
    subscribe(other, "other");
    expect_subscription(ends.bound, 1, "other");
    unsubscribe(ends.connected, "T");
    unsubscribe(ends.connected, "T");
    subscribe(ends.connected, "mark");
    expect_subscription(ends.bound, 1, "mark");
    unsubscribe(other, "T");
    expect_subscription(ends.bound, 0, "T");
}

static void test_peer_that_leaves_has_unsubscribed(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_with(world, 0, ZMQ_SUB);
    void *other = join_another(world, &ends, ZMQ_SUB);
    subscribe(ends.connected, "mine");
    expect_subscription(ends.bound, 1, "mine");
    subscribe(ends.connected, "ours");
    expect_subscription(ends.bound, 1, "ours");
    subscribe(other, "ours");
    subscribe(other, "mark");
    expect_subscription(ends.bound, 1, "mark");
    unsubscribe(other, "mark");
    expect_subscription(ends.bound, 0, "mark");
    close_socket(world, ends.connected);
    expect_subscription(ends.bound, 0, "mine");
    close_socket(world, other);
    expect_subscription(ends.bound, 0, "ours");
}

static void test_verbose(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_with(world, ZMQ_XPUB_VERBOSE, ZMQ_XSUB);
    void *other = join_another(world, &ends, ZMQ_XSUB);
    for (int i = 0; i < 2; i++) {
        subscribe(ends.connected, "T");
        expect_subscription(ends.bound, 1, "T");
    }
    subscribe(other, "T");
    expect_subscription(ends.bound, 1, "T");
    unsubscribe(ends.connected, "T");
    unsubscribe(ends.connected, "T");
    subscribe(ends.connected, "mark");
    expect_subscription(ends.bound, 1, "mark");
    unsubscribe(other, "T");
    expect_subscription(ends.bound, 0, "T");
}

static void test_verboser(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_with(world, ZMQ_XPUB_VERBOSER, ZMQ_XSUB);
    void *other = join_another(world, &ends, ZMQ_XSUB);
    subscribe(ends.connected, "T");
    expect_subscription(ends.bound, 1, "T");
    subscribe(other, "T");
    expect_subscription(ends.bound, 1, "T");
    unsubscribe(ends.connected, "T");
    expect_subscription(ends.bound, 0, "T");
    close_socket(world, other);
    expect_subscription(ends.bound, 0, "T");
}

/* The XPUB takes in what its peers have sent, and its application receives nothing yet. */
static void take_in(void *xpub)
{
    int events;
    size_t size = sizeof events;
    assert_ok(zmq_getsockopt(xpub, ZMQ_EVENTS, &events, &size));
}

/* Receives notices up to that of "mark". Returns what the last one about "T" said: 1, 0, or -1 if there was none. */
static int last_heard(void *xpub)
{
    char notice[ENDPOINT_MAX];
    int heard = -1;
    for (;;) {
        const int size = zmq_recv(xpub, notice, sizeof notice, 0);
        assert_true(size > 1);
        if (size == 5 && memcmp(notice + 1, "mark", 4) == 0)
            return heard;
        if (size == 2 && notice[1] == 'T')
            heard = notice[0];
    }
}

/* A peer, or two, subscribe to what the application knows of already, and cancel, while many other notices wait. */
static void hears_the_end(struct world *world, int option, bool by_another)
{
    void *const xpub = open_socket(world, ZMQ_XPUB), *const xsub = open_socket(world, ZMQ_XSUB);
    void *const second = open_socket(world, ZMQ_XSUB), *const repeats = by_another ? second : xsub;
    char endpoint[ENDPOINT_MAX];
    set_int(xpub, option, 1);
    set_int(xpub, ZMQ_RCVHWM, 0);
    set_int(xsub, ZMQ_SNDHWM, 0);
    bind_any(world, xpub, "inproc", endpoint);
    assert_ok(zmq_connect(xsub, endpoint));
    assert_ok(zmq_connect(second, endpoint));
    subscribe(xsub, "T");
    expect_subscription(xpub, 1, "T");
    for (int i = 0; i < 1500; i++) {
        char topic[16];
        snprintf(topic, sizeof topic, "%d", i);
        subscribe(xsub, topic);
    }
    take_in(xpub);
    subscribe(repeats, "T");
    take_in(xpub);
    unsubscribe(repeats, "T");
    take_in(xpub);
    unsubscribe(xsub, "T");
    subscribe(xsub, "mark");
    assert_int_equal(last_heard(xpub), 0);
}

static void test_hears_the_end_of_what_was_repeated(void **state)
{
    hears_the_end(*state, ZMQ_XPUB_VERBOSE, true);
    hears_the_end(*state, ZMQ_XPUB_VERBOSE, false);
    hears_the_end(*state, ZMQ_XPUB_VERBOSER, false);
    hears_the_end(*state, ZMQ_XPUB_MANUAL, false);
}

/* Nothing is subscribed until the application says so, for the peer whose message it has just read. */
static void test_manual(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_with(world, ZMQ_XPUB_MANUAL, ZMQ_SUB);
    void *other = join_another(world, &ends, ZMQ_SUB);
    subscribe(ends.connected, "");
    expect_subscription(ends.bound, 1, "");
    set_bytes(ends.bound, ZMQ_SUBSCRIBE, "A", 1);
    subscribe(other, "");
    expect_subscription(ends.bound, 1, "");
    set_bytes(ends.bound, ZMQ_SUBSCRIBE, "B", 1);
    send_str(ends.bound, "C");
    send_str(ends.bound, "A1");
    send_str(ends.bound, "B1");
    expect_str(ends.connected, "A1");
    expect_str(other, "B1");

    unsubscribe(ends.connected, "");
    expect_subscription(ends.bound, 0, "");
    set_bytes(ends.bound, ZMQ_UNSUBSCRIBE, "A", 1);
    subscribe(ends.connected, "");
    expect_subscription(ends.bound, 1, "");
    set_bytes(ends.bound, ZMQ_SUBSCRIBE, "D", 1);
    send_str(ends.bound, "A2");
    send_str(ends.bound, "D2");
    expect_str(ends.connected, "D2");
}

static void test_only_manual_takes_subscriptions(void **state)
{
    struct world *world = *state;
    void *xpub = open_socket(world, ZMQ_XPUB);
    assert_fails(zmq_setsockopt(xpub, ZMQ_SUBSCRIBE, "A", 1), EINVAL);
    assert_fails(zmq_setsockopt(xpub, ZMQ_UNSUBSCRIBE, "A", 1), EINVAL);
}

/* The message that answers a subscription goes to the new subscriber alone. */
static void test_manual_last_value(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_with(world, ZMQ_XPUB_MANUAL_LAST_VALUE, ZMQ_SUB);
    subscribe(ends.connected, "T");
    expect_subscription(ends.bound, 1, "T");
    set_bytes(ends.bound, ZMQ_SUBSCRIBE, "T", 1);
    send_str(ends.bound, "T1");
    expect_str(ends.connected, "T1");
    void *other = join_another(world, &ends, ZMQ_SUB);
    subscribe(other, "T");
    expect_subscription(ends.bound, 1, "T");
    set_bytes(ends.bound, ZMQ_SUBSCRIBE, "T", 1);
    send_str(ends.bound, "T1 again");
    send_str(ends.bound, "T2");
    expect_str(other, "T1 again");
    expect_str(other, "T2");
    expect_str(ends.connected, "T2");
}

static void test_nodrop(void **state)
{
    struct world *world = *state;
    for (int nodrop = 0; nodrop < 2; nodrop++) {
        char endpoint[ENDPOINT_MAX];
        void *xpub = open_socket(world, ZMQ_XPUB);
        void *sub = open_socket(world, ZMQ_SUB);
        set_int(xpub, ZMQ_XPUB_NODROP, nodrop);
        set_int(xpub, ZMQ_SNDHWM, 2);
        set_int(sub, ZMQ_RCVHWM, 2);
        subscribe(sub, "");
        bind_any(world, xpub, "inproc", endpoint);
        assert_ok(zmq_connect(sub, endpoint));
        expect_subscription(xpub, 1, "");
        assert_int_equal(fill(xpub, "x", 50), nodrop ? 4 : 50);
        assert_int_equal(drain(sub), 4);
        if (nodrop) {
            send_str(xpub, "room again");
            expect_str(sub, "room again");
        }
    }
}

static void test_welcome_message(void **state)
{
    struct world *world = *state;
    struct ends ends = {.bound = open_socket(world, ZMQ_XPUB)};
    set_bytes(ends.bound, ZMQ_XPUB_WELCOME_MSG, "W hello", 7);
    bind_any(world, ends.bound, "tcp", ends.endpoint);
    void *welcomed = open_socket(world, ZMQ_SUB);
    void *deaf = open_socket(world, ZMQ_SUB);
    subscribe(welcomed, "W");
    subscribe(deaf, "mark");
    assert_ok(zmq_connect(welcomed, ends.endpoint));
    expect_subscription(ends.bound, 1, "W");
    expect_str(welcomed, "W hello");
    assert_ok(zmq_connect(deaf, ends.endpoint));
    expect_subscription(ends.bound, 1, "mark");
    send_str(ends.bound, "mark");
    expect_str(deaf, "mark");
    set_bytes(ends.bound, ZMQ_XPUB_WELCOME_MSG, "", 0);
    void *late = open_socket(world, ZMQ_SUB);
    subscribe(late, "");
    assert_ok(zmq_connect(late, ends.endpoint));
    expect_subscription(ends.bound, 1, "");
    send_str(ends.bound, "first");
    expect_str(late, "first");
}

/* What begins with neither 0 nor 1 is no subscription but a message for the application above. */
static void test_messages_upstream(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_with(world, 0, ZMQ_XSUB);
    send_str(ends.connected, "hello");
    send_str(ends.connected, "");
    send_frames(ends.connected, "three", "frames", "");
    send_str(ends.connected, "\2");
    subscribe(ends.connected, "T");
    expect_str(ends.bound, "hello");
    expect_str(ends.bound, "");
    expect_frames(ends.bound, "three", "frames", "");
    expect_str(ends.bound, "\2");
    expect_subscription(ends.bound, 1, "T");
    send_str(ends.bound, "T");
    expect_str(ends.connected, "T");
}

static void test_pub_ignores_messages_upstream(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair(world, "tcp", ZMQ_PUB, ZMQ_XSUB);
    subscribe(ends.connected, "T");
    send_str(ends.connected, "hello");
    settle_subscriptions(ends.bound, ends.connected);
    send_str(ends.bound, "T");
    expect_str(ends.connected, "T");
}

/* With the option only the first frame of a message is looked at. */
static void test_only_first_subscribe(void **state)
{
    struct world *world = *state;
    struct ends ends = {.bound = open_socket(world, ZMQ_XPUB), .connected = open_socket(world, ZMQ_XSUB)};
    set_int(ends.bound, ZMQ_ONLY_FIRST_SUBSCRIBE, 1);
    set_int(ends.connected, ZMQ_ONLY_FIRST_SUBSCRIBE, 1);
    bind_any(world, ends.bound, "tcp", ends.endpoint);
    assert_ok(zmq_connect(ends.connected, ends.endpoint));
    send_frames(ends.connected, "data", "\1no subscription", "end");
    expect_frames(ends.bound, "data", "\1no subscription", "end");
    subscribe(ends.connected, "T");
    expect_subscription(ends.bound, 1, "T");
    send_str(ends.bound, "no subscription");
    send_str(ends.bound, "T");
    expect_str(ends.connected, "T");
}

static void test_xsub_without_subscriptions(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_with(world, 0, ZMQ_XSUB);
    send_str(ends.connected, "I am here");
    expect_str(ends.bound, "I am here");
    send_str(ends.bound, "nobody wants this");
    subscribe(ends.connected, "T");
    expect_subscription(ends.bound, 1, "T");
    send_str(ends.bound, "T");
    expect_str(ends.connected, "T");
}

/* Subscriptions made while there is nobody to tell are told when somebody is. */
static void test_xsub_subscribes_ahead(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *xsub = open_socket(world, ZMQ_XSUB);
    subscribe(xsub, "T");
    subscribe(xsub, "gone");
    unsubscribe(xsub, "gone");
    void *xpub = open_socket(world, ZMQ_XPUB);
    bind_any(world, xpub, "tcp", endpoint);
    assert_ok(zmq_connect(xsub, endpoint));
    expect_subscription(xpub, 1, "T");
    send_str(xpub, "gone");
    send_str(xpub, "T");
    expect_str(xsub, "T");
}

static void test_resubscribes_after_a_restart(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_with(world, 0, ZMQ_XSUB);
    set_int(ends.connected, ZMQ_RECONNECT_IVL, 10);
    subscribe(ends.connected, "T");
    expect_subscription(ends.bound, 1, "T");
    void *monitor = watch(world, ends.connected, ZMQ_EVENT_DISCONNECTED);
    close_socket(world, ends.bound);
    await_event(monitor, ZMQ_EVENT_DISCONNECTED);
    void *again = open_socket(world, ZMQ_XPUB);
    bind_again(again, ends.endpoint);
    await_beside(again, ZMQ_POLLIN, ends.connected);
    expect_subscription(again, 1, "T");
    send_str(again, "T");
    expect_str(ends.connected, "T");
}

/* The guide's forwarder: XSUB to the publishers, XPUB to the subscribers. */
static void test_forwarder(void **state)
{
    struct world *world = *state;
    const struct ends up = join_pair(world, "tcp", ZMQ_XPUB, ZMQ_XSUB);
    const struct ends down = join_pair(world, "inproc", ZMQ_XPUB, ZMQ_SUB);
    subscribe(down.connected, "T");
    zmq_msg_t message;
    assert_ok(zmq_msg_init(&message));
    assert_returns(zmq_msg_recv(&message, down.bound, 0), 2);
    assert_returns(zmq_msg_send(&message, up.connected, 0), 2);
    expect_subscription(up.bound, 1, "T");
    send_str(up.bound, "T news");
    assert_ok(zmq_msg_init(&message));
    assert_returns(zmq_msg_recv(&message, up.connected, 0), 6);
    assert_returns(zmq_msg_send(&message, down.bound, 0), 6);
    expect_str(down.connected, "T news");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_sees_subscriptions),
        world_test(test_reports_first_and_last),
        world_test(test_peer_that_leaves_has_unsubscribed),
        world_test(test_verbose),
        world_test(test_verboser),
        world_test(test_hears_the_end_of_what_was_repeated),
        world_test(test_manual),
        world_test(test_only_manual_takes_subscriptions),
        world_test(test_manual_last_value),
        world_test(test_nodrop),
        world_test(test_welcome_message),
        world_test(test_messages_upstream),
        world_test(test_pub_ignores_messages_upstream),
        world_test(test_only_first_subscribe),
        world_test(test_xsub_without_subscriptions),
        world_test(test_xsub_subscribes_ahead),
        world_test(test_resubscribes_after_a_restart),
        world_test(test_forwarder),
    };
    return cmocka_run_group_tests_name("XPUB and XSUB", tests, NULL, NULL);
}
