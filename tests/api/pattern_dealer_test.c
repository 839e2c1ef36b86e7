/* SPDX-License-Identifier: ISC */
/* DEALER: out by turns, in by turns, nothing added and nothing dropped (RFC 28). */
#include "pattern.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PEERS 3

static void test_without_a_peer(void **state)
{
    struct world *world = *state;
    void *dealer = open_socket(world, ZMQ_DEALER);
    assert_int_equal(get_int(dealer, ZMQ_EVENTS), 0);
    assert_fails(zmq_send(dealer, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    assert_fails(zmq_recv(dealer, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
}

static void test_adds_nothing(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair(world, "tcp", ZMQ_DEALER, ZMQ_DEALER);
    send_frames(ends.connected, "", "a", "");
    expect_frames(ends.bound, "", "a", "");
    send_str(ends.bound, "");
    expect_str(ends.connected, "");
}

/* One DEALER connected to PEERS bound ones: it knows all of them from the start. */
static void *connect_to_peers(struct world *world, void *peers[PEERS])
{
    void *dealer = open_socket(world, ZMQ_DEALER);
    for (int i = 0; i < PEERS; i++) {
        char endpoint[ENDPOINT_MAX];
        peers[i] = open_socket(world, ZMQ_DEALER);
        bind_any(world, peers[i], "inproc", endpoint);
        assert_ok(zmq_connect(dealer, endpoint));
    }
    return dealer;
}

static void test_sends_by_turns(void **state)
{
    struct world *world = *state;
    void *peers[PEERS];
    void *dealer = connect_to_peers(world, peers);
    for (int i = 0; i < 4 * PEERS; i++) {
        send_bytes(dealer, &i, sizeof i, ZMQ_SNDMORE);
        send_bytes(dealer, "end", 3, 0);
    }
    for (int i = 0; i < 4 * PEERS; i++) {
        expect_bytes(peers[i % PEERS], &i, sizeof i);
        expect_str(peers[i % PEERS], "end");
    }
}

static void test_receives_by_turns(void **state)
{
    enum { EACH = 4 };
    struct world *world = *state;
    void *peers[PEERS];
    void *dealer = connect_to_peers(world, peers);
    for (int i = 0; i < PEERS; i++)
        for (int k = 0; k < EACH; k++) {
            send_bytes(peers[i], &i, sizeof i, ZMQ_SNDMORE);
            send_bytes(peers[i], &k, sizeof k, 0);
        }
    for (int k = 0; k < EACH; k++) {
        unsigned seen = 0;
        for (int i = 0; i < PEERS; i++) {
            int from;
            assert_returns(zmq_recv(dealer, &from, sizeof from, 0), sizeof from);
            expect_bytes(dealer, &k, sizeof k);
            expect_no_more(dealer);
            seen |= 1u << from;
        }
        assert_int_equal(seen, (1u << PEERS) - 1);
    }
}

static void test_full_peers_are_passed_over(void **state)
{
    struct world *world = *state;
    void *dealer = open_socket(world, ZMQ_DEALER);
    void *peers[2];
    set_int(dealer, ZMQ_SNDHWM, 1);
    for (int i = 0; i < 2; i++) {
        char endpoint[ENDPOINT_MAX];
        peers[i] = open_socket(world, ZMQ_DEALER);
        set_int(peers[i], ZMQ_RCVHWM, 1);
        bind_any(world, peers[i], "inproc", endpoint);
        assert_ok(zmq_connect(dealer, endpoint));
    }
    assert_int_equal(fill(dealer, "x", 100), 4);
    assert_int_equal(get_int(dealer, ZMQ_EVENTS) & ZMQ_POLLOUT, 0);
    expect_str(peers[1], "x");
    expect_str(peers[1], "x");
    assert_int_equal(await_ready(dealer, ZMQ_POLLOUT), ZMQ_POLLOUT);
    assert_int_equal(fill(dealer, "y", 100), 2);
    expect_str(peers[1], "y");
    expect_str(peers[1], "y");
    assert_int_equal(drain(peers[0]), 2);
}

static void test_talks_to_many_reps(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *dealer = open_socket(world, ZMQ_DEALER);
    void *monitor = watch(world, dealer, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    bind_any(world, dealer, "tcp", endpoint);
    void *reps[PEERS];
    for (int i = 0; i < PEERS; i++) {
        reps[i] = open_socket(world, ZMQ_REP);
        assert_ok(zmq_connect(reps[i], endpoint));
        await_event(monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    }
    for (int i = 0; i < PEERS; i++)
        send_frames(dealer, "", "work");
    for (int i = 0; i < PEERS; i++) {
        expect_str(reps[i], "work");
        send_str(reps[i], "done");
    }
    for (int i = 0; i < PEERS; i++)
        expect_frames(dealer, "", "done");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_without_a_peer),
        world_test(test_adds_nothing),
        world_test(test_sends_by_turns),
        world_test(test_receives_by_turns),
        world_test(test_full_peers_are_passed_over),
        world_test(test_talks_to_many_reps),
    };
    return cmocka_run_group_tests_name("DEALER", tests, NULL, NULL);
}
