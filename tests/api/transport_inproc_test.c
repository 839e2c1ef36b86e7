/* SPDX-License-Identifier: ISC */
/* inproc: names, either order of bind and connect, and ends that go away. */
#include "pattern.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static void test_names(void **state)
{
    struct world *world = *state;
    void *first = open_socket(world, ZMQ_PULL);
    void *second = open_socket(world, ZMQ_PULL);
    assert_ok(zmq_bind(first, "inproc://name"));
    assert_fails(zmq_bind(second, "inproc://name"), EADDRINUSE);
    assert_fails(zmq_bind(second, "inproc://"), EINVAL);
    assert_ok(zmq_bind(second, "inproc://name "));
    assert_ok(zmq_bind(second, "inproc://Name"));
    assert_ok(zmq_unbind(first, "inproc://name"));
    assert_ok(zmq_bind(second, "inproc://name"));
    void *push = open_socket(world, ZMQ_PUSH);
    assert_ok(zmq_connect(push, "inproc://name"));
    send_str(push, "to the second");
    expect_str(second, "to the second");
    expect_nothing(first);
}

static void test_closing_frees_the_name(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 3; i++) {
        void *pull = open_socket(world, ZMQ_PULL);
        bind_again(pull, "inproc://again");
        close_socket(world, pull);
    }
}

/* A name means something only inside its context. */
static void test_names_belong_to_a_context(void **state)
{
    struct world *world = *state;
    void *context = zmq_ctx_new();
    void *stranger = zmq_socket(context, ZMQ_PULL);
    void *pull = open_socket(world, ZMQ_PULL);
    assert_ok(zmq_bind(stranger, "inproc://shared"));
    assert_ok(zmq_bind(pull, "inproc://shared"));
    void *push = open_socket(world, ZMQ_PUSH);
    assert_ok(zmq_connect(push, "inproc://shared"));
    send_str(push, "ours");
    expect_str(pull, "ours");
    expect_nothing(stranger);
    assert_ok(zmq_close(stranger));
    assert_ok(zmq_ctx_term(context));
}

static void test_connect_comes_first(void **state)
{
    struct world *world = *state;
    void *pushes[3];
    for (int i = 0; i < 3; i++) {
        pushes[i] = open_socket(world, ZMQ_PUSH);
        assert_ok(zmq_connect(pushes[i], "inproc://later"));
        send_frames(pushes[i], "early", "parts");
    }
    void *pull = open_socket(world, ZMQ_PULL);
    assert_ok(zmq_bind(pull, "inproc://later"));
    for (int i = 0; i < 3; i++)
        expect_frames(pull, "early", "parts");
    for (int i = 0; i < 3; i++)
        send_str(pushes[i], "late");
    for (int i = 0; i < 3; i++)
        expect_str(pull, "late");
}

static void test_connect_first_with_ids(void **state)
{
    struct world *world = *state;
    void *dealer = open_socket(world, ZMQ_DEALER);
    void *router = open_socket(world, ZMQ_ROUTER);
    set_bytes(dealer, ZMQ_ROUTING_ID, "dealer", 6);
    assert_ok(zmq_connect(dealer, "inproc://later"));
    send_str(dealer, "hello");
    assert_ok(zmq_bind(router, "inproc://later"));
    expect_frames(router, "dealer", "hello");
    send_frames(router, "dealer", "back");
    expect_str(dealer, "back");
}

static void test_connect_first_with_subscriptions(void **state)
{
    struct world *world = *state;
    void *sub = open_socket(world, ZMQ_SUB);
    set_bytes(sub, ZMQ_SUBSCRIBE, "before", 6);
    assert_ok(zmq_connect(sub, "inproc://later"));
    set_bytes(sub, ZMQ_SUBSCRIBE, "after", 5);
    void *xpub = open_socket(world, ZMQ_XPUB);
    assert_ok(zmq_bind(xpub, "inproc://later"));
    expect_str(xpub, "\1before");
    expect_str(xpub, "\1after");
    send_str(xpub, "before");
    expect_str(sub, "before");
}

/* The connecting end gives up before anybody binds: what it sent waits for who does, whatever ZMQ_LINGER is; otherwise the
 * name is not haunted by it. */
static void test_connect_first_and_leave(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 2; i++) {
        void *push = open_socket(world, ZMQ_PUSH);
        assert_ok(zmq_connect(push, "inproc://later"));
        send_frames(push, "left", "behind");
        if (i)
            assert_ok(zmq_disconnect(push, "inproc://later"));
        else
            close_socket(world, push);
        void *silent = open_socket(world, ZMQ_PUSH);
        assert_ok(zmq_connect(silent, "inproc://later"));
        close_socket(world, silent);
    }
    void *pull = open_socket(world, ZMQ_PULL);
    void *other = open_socket(world, ZMQ_PUSH);
    assert_ok(zmq_bind(pull, "inproc://later"));
    for (int i = 0; i < 2; i++)
        expect_frames(pull, "left", "behind");
    assert_ok(zmq_connect(other, "inproc://later"));
    send_str(other, "mine");
    expect_str(pull, "mine");
}

static void test_bound_end_leaves(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair(world, "inproc", ZMQ_PULL, ZMQ_PUSH);
    send_str(ends.connected, "1");
    expect_str(ends.bound, "1");
    close_socket(world, ends.bound);
    const int64_t limit = now_ms() + DEADLINE_MS;
    while (get_int(ends.connected, ZMQ_EVENTS) & ZMQ_POLLOUT)
        assert_true(now_ms() < limit);
    assert_fails(zmq_send(ends.connected, "x", 1, ZMQ_DONTWAIT), EAGAIN);
}

static void test_a_socket_may_connect_to_itself(void **state)
{
    struct world *world = *state;
    void *dealer = open_socket(world, ZMQ_DEALER);
    assert_ok(zmq_bind(dealer, "inproc://self"));
    assert_ok(zmq_connect(dealer, "inproc://self"));
    send_str(dealer, "echo");
    expect_str(dealer, "echo");
}

static void test_messages_are_not_copied(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair(world, "inproc", ZMQ_PULL, ZMQ_PUSH);
    zmq_msg_t message;
    assert_ok(zmq_msg_init_size(&message, 10000));
    const void *data = zmq_msg_data(&message);
    assert_returns(zmq_msg_send(&message, ends.connected, 0), 10000);
    assert_ok(zmq_msg_init(&message));
    assert_returns(zmq_msg_recv(&message, ends.bound, 0), 10000);
    assert_ptr_equal(zmq_msg_data(&message), data);
    assert_ok(zmq_msg_close(&message));
}

#define THREADS 4
#define MESSAGES 5000

/* Each thread has a socket of its own; what it finds out is its result. */
static void *push_from_thread(void *context)
{
    void *push = zmq_socket(context, ZMQ_PUSH);
    int sent = 0;
    if (push && zmq_connect(push, "inproc://threads") == 0)
        while (sent < MESSAGES && zmq_send(push, &sent, sizeof sent, 0) == sizeof sent)
            sent++;
    if (push)
        zmq_close(push);
    return sent == MESSAGES ? context : NULL;
}

static void test_threads(void **state)
{
    struct world *world = *state;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, push_from_thread, world->context), 0);
    void *pull = open_socket(world, ZMQ_PULL);
    assert_ok(zmq_bind(pull, "inproc://threads"));
    int counts[MESSAGES] = {0};
    for (int i = 0; i < THREADS * MESSAGES; i++) {
        int value;
        assert_returns(zmq_recv(pull, &value, sizeof value, 0), sizeof value);
        assert_in_range(value, 0, MESSAGES - 1);
        counts[value]++;
    }
    for (int i = 0; i < MESSAGES; i++)
        assert_int_equal(counts[i], THREADS);
    for (int i = 0; i < THREADS; i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, world->context);
    }
}

/* A subscriber of its own, which waits when the publisher comes. */
struct waiting_subscriber {
    void *context;
    char name[ENDPOINT_MAX];
    pthread_barrier_t bound;
    int received; /* what zmq_recv returned */
};

static void *subscribe_in_thread(void *arg)
{
    struct waiting_subscriber *subscriber = arg;
    void *sub = zmq_socket(subscriber->context, ZMQ_SUB);
    const int timeout = DEADLINE_MS;
    char octet;
    (void)zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "", 0);
    (void)zmq_setsockopt(sub, ZMQ_RCVTIMEO, &timeout, sizeof timeout);
    (void)zmq_bind(sub, subscriber->name);
    (void)pthread_barrier_wait(&subscriber->bound);
    subscriber->received = zmq_recv(sub, &octet, 1, 0);
    (void)zmq_close(sub);
    return NULL;
}

/* Whenever in the middle of zmq_connect the bound end looks: its subscription is told. */
static void test_publisher_comes_to_a_waiting_subscriber(void **state)
{
    struct world *world = *state;
    struct waiting_subscriber subscriber = {.context = world->context};
    assert_int_equal(pthread_barrier_init(&subscriber.bound, NULL, 2), 0);
    for (int i = 0; i < 3000; i++) {
        void *xpub = open_socket(world, ZMQ_XPUB);
        pthread_t thread;
        (void)snprintf(subscriber.name, sizeof subscriber.name, "inproc://waiting%d", i);
        assert_int_equal(pthread_create(&thread, NULL, subscribe_in_thread, &subscriber), 0);
        (void)pthread_barrier_wait(&subscriber.bound);
        for (volatile int spin = 0; spin < i; spin++)
            ;
        assert_ok(zmq_connect(xpub, subscriber.name));
        expect_bytes(xpub, "\1", 1);
        send_str(xpub, "x");
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(subscriber.received, 1);
        close_socket(world, xpub);
    }
    assert_int_equal(pthread_barrier_destroy(&subscriber.bound), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_names),
        world_test(test_closing_frees_the_name),
        world_test(test_names_belong_to_a_context),
        world_test(test_connect_comes_first),
        world_test(test_connect_first_with_ids),
        world_test(test_connect_first_with_subscriptions),
        world_test(test_connect_first_and_leave),
        world_test(test_bound_end_leaves),
        world_test(test_a_socket_may_connect_to_itself),
        world_test(test_messages_are_not_copied),
        world_test(test_threads),
        world_test(test_publisher_comes_to_a_waiting_subscriber),
    };
    return cmocka_run_group_tests_name("inproc", tests, NULL, NULL);
}
