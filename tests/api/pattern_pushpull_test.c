/* SPDX-License-Identifier: ISC */
/* PUSH and PULL: work is dealt out by turns and collected fairly (RFC 30). */
#include "pattern.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PEERS 3

static void test_one_way_only(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair(world, "inproc", ZMQ_PULL, ZMQ_PUSH);
    assert_fails(zmq_send(ends.bound, "x", 1, ZMQ_DONTWAIT), ENOTSUP);
    assert_fails(zmq_recv(ends.connected, NULL, 0, ZMQ_DONTWAIT), ENOTSUP);
    assert_int_equal(get_int(ends.connected, ZMQ_EVENTS), ZMQ_POLLOUT);
    assert_int_equal(get_int(ends.bound, ZMQ_EVENTS), 0);
    send_str(ends.connected, "work");
    assert_int_equal(await_ready(ends.bound, ZMQ_POLLIN), ZMQ_POLLIN);
    expect_str(ends.bound, "work");
}

static void test_without_a_peer(void **state)
{
    struct world *world = *state;
    void *push = open_socket(world, ZMQ_PUSH);
    assert_int_equal(get_int(push, ZMQ_EVENTS), 0);
    assert_fails(zmq_send(push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
}

static void test_deals_by_turns(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = open_socket(world, ZMQ_PUSH);
    void *monitor = watch(world, push, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    bind_any(world, push, "tcp", endpoint);
    void *pulls[PEERS];
    for (int i = 0; i < PEERS; i++) {
        pulls[i] = open_socket(world, ZMQ_PULL);
        assert_ok(zmq_connect(pulls[i], endpoint));
        await_event(monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    }
    for (int i = 0; i < 5 * PEERS; i++) {
        send_bytes(push, &i, sizeof i, ZMQ_SNDMORE);
        send_bytes(push, "", 0, 0);
    }
    unsigned owners = 0;
    for (int p = 0; p < PEERS; p++) {
        int first;
        assert_returns(zmq_recv(pulls[p], &first, sizeof first, 0), sizeof first);
        expect_str(pulls[p], "");
        assert_in_range(first, 0, PEERS - 1);
        owners |= 1u << first;
        for (int i = first + PEERS; i < 5 * PEERS; i += PEERS) {
            expect_bytes(pulls[p], &i, sizeof i);
            expect_str(pulls[p], "");
        }
    }
    assert_int_equal(owners, (1u << PEERS) - 1);
}

static void test_collects_fairly(void **state)
{
    enum { EACH = 5 };
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = open_socket(world, ZMQ_PULL);
    bind_any(world, pull, "inproc", endpoint);
    for (int i = 0; i < PEERS; i++) {
        void *push = open_socket(world, ZMQ_PUSH);
        assert_ok(zmq_connect(push, endpoint));
        for (int k = 0; k < EACH; k++)
            send_bytes(push, &i, sizeof i, 0);
    }
    for (int k = 0; k < EACH; k++) {
        unsigned seen = 0;
        for (int i = 0; i < PEERS; i++) {
            int from;
            assert_returns(zmq_recv(pull, &from, sizeof from, 0), sizeof from);
            seen |= 1u << from;
        }
        assert_int_equal(seen, (1u << PEERS) - 1);
    }
}

static void test_slow_worker_gets_less(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = open_socket(world, ZMQ_PUSH);
    set_int(push, ZMQ_SNDHWM, 2);
    bind_any(world, push, "inproc", endpoint);
    void *pulls[2];
    for (int i = 0; i < 2; i++) {
        pulls[i] = open_socket(world, ZMQ_PULL);
        set_int(pulls[i], ZMQ_RCVHWM, 2);
        assert_ok(zmq_connect(pulls[i], endpoint));
    }
    assert_int_equal(fill(push, "x", 100), 8);
    assert_int_equal(drain(pulls[1]), 4);
    await_ready(push, ZMQ_POLLOUT);
    assert_int_equal(fill(push, "y", 100), 4);
    assert_int_equal(drain(pulls[1]), 4);
    assert_int_equal(drain(pulls[0]), 4);
}

/* What is left of a message whose receiver has gone goes to nobody. */
static void test_worker_leaves_in_the_middle_of_a_message(void **state)
{
    struct world *world = *state;
    char endpoints[2][ENDPOINT_MAX];
    void *push = open_socket(world, ZMQ_PUSH);
    void *pulls[2];
    for (int i = 0; i < 2; i++) {
        pulls[i] = open_socket(world, ZMQ_PULL);
        bind_any(world, pulls[i], "inproc", endpoints[i]);
        assert_ok(zmq_connect(push, endpoints[i]));
    }
    send_bytes(push, "part 1", 6, ZMQ_SNDMORE);
    assert_ok(zmq_disconnect(push, endpoints[0]));
    send_bytes(push, "part 2", 6, ZMQ_SNDMORE);
    send_bytes(push, "part 3", 6, 0);
    send_str(push, "whole");
    expect_str(pulls[1], "whole");
    expect_nothing(pulls[1]);
    expect_nothing(pulls[0]);
}

static void test_both_may_bind(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair(world, "tcp", ZMQ_PUSH, ZMQ_PULL);
    for (int i = 0; i < 100; i++)
        send_bytes(ends.bound, &i, sizeof i, 0);
    for (int i = 0; i < 100; i++)
        expect_bytes(ends.connected, &i, sizeof i);
}

/* Message i, of any size. */
static void mark(uint8_t *data, size_t size, int i)
{
    for (size_t at = 0; at < size; at += 97)
        data[at] = (uint8_t)(at / 97 + (size_t)i);
    data[size - 1] = (uint8_t)i;
}

/* More than the system takes of what the peer does not read yet: the caller's memory is its own again all the same. */
static void test_memory_is_free_after_zmq_send(void **state)
{
    enum { COUNT = 80 };
    static const size_t sizes[] = {300000, 16, 1000, 65536, 4096};
    static uint8_t data[300000], got[300000];
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = open_socket(world, ZMQ_PUSH), *pull = open_socket(world, ZMQ_PULL);
    set_int(pull, ZMQ_RCVHWM, 1);
    bind_any(world, pull, "tcp", endpoint);
    assert_ok(zmq_connect(push, endpoint));
    for (int i = 0; i < COUNT; i++) {
        mark(data, sizes[i % 5], i);
        send_bytes(push, data, sizes[i % 5], 0);
        memset(data, 0xee, sizeof data);
    }
    for (int i = 0; i < COUNT; i++) {
        mark(data, sizes[i % 5], i);
        assert_returns(zmq_recv(pull, got, sizeof got, 0), (int)sizes[i % 5]);
        for (size_t at = 0; at < sizes[i % 5]; at += 97)
            assert_int_equal(got[at], data[at]);
        assert_int_equal(got[sizes[i % 5] - 1], (uint8_t)i);
    }
}

static void test_one_socket_bound_and_connected(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    const struct ends ends = join_pair(world, "tcp", ZMQ_PULL, ZMQ_PUSH);
    void *push = open_socket(world, ZMQ_PUSH);
    bind_any(world, push, "ipc", endpoint);
    assert_ok(zmq_connect(ends.bound, endpoint));
    send_str(ends.connected, "to the bound one");
    expect_str(ends.bound, "to the bound one");
    send_str(push, "to the connected one");
    expect_str(ends.bound, "to the connected one");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_one_way_only),
        world_test(test_without_a_peer),
        world_test(test_deals_by_turns),
        world_test(test_collects_fairly),
        world_test(test_slow_worker_gets_less),
        world_test(test_worker_leaves_in_the_middle_of_a_message),
        world_test(test_both_may_bind),
        world_test(test_one_socket_bound_and_connected),
        world_test(test_memory_is_free_after_zmq_send),
    };
    return cmocka_run_group_tests_name("PUSH and PULL", tests, NULL, NULL);
}
