/* SPDX-License-Identifier: ISC */
/* ROUTER: whom a message goes to, what its options change about it, and where peers' ids come from (RFC 28). */
#include "pattern.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A DEALER with this id, connected, and known to the ROUTER: it said hello. */
static void *known_dealer(struct world *world, void *router, const char *endpoint, const char *id)
{
    void *dealer = open_socket(world, ZMQ_DEALER);
    set_bytes(dealer, ZMQ_ROUTING_ID, id, strlen(id));
    assert_ok(zmq_connect(dealer, endpoint));
    send_str(dealer, "hello");
    expect_frames(router, id, "hello");
    return dealer;
}

static void *bound_router(struct world *world, const char *transport, char endpoint[ENDPOINT_MAX])
{
    void *router = open_socket(world, ZMQ_ROUTER);
    bind_any(world, router, transport, endpoint);
    return router;
}

static void test_addresses_its_peers(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *router = bound_router(world, "tcp", endpoint);
    void *a = known_dealer(world, router, endpoint, "a");
    void *b = known_dealer(world, router, endpoint, "b");
    send_frames(router, "b", "for b", "");
    send_frames(router, "a", "for a");
    expect_str(a, "for a");
    expect_frames(b, "for b", "");
    expect_nothing(a);
}

static void test_drops_what_nobody_gets(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *router = bound_router(world, "tcp", endpoint);
    assert_int_equal(get_int(router, ZMQ_EVENTS), ZMQ_POLLOUT);
    send_frames(router, "nobody", "part", "part");
    void *a = known_dealer(world, router, endpoint, "a");
    send_frames(router, "nobody", "again");
    send_frames(router, "", "no id at all");
    send_str(router, "a");
    send_frames(router, "a", "kept");
    expect_str(a, "kept");
}

static void test_mandatory(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *router = bound_router(world, "tcp", endpoint);
    set_int(router, ZMQ_ROUTER_MANDATORY, 1);
    assert_fails(zmq_send(router, "nobody", 6, ZMQ_SNDMORE), EHOSTUNREACH);
    void *a = known_dealer(world, router, endpoint, "a");
    assert_fails(zmq_send(router, "nobody", 6, ZMQ_SNDMORE), EHOSTUNREACH);
    send_frames(router, "a", "after a failure");
    expect_str(a, "after a failure");

    void *monitor = watch(world, router, ZMQ_EVENT_DISCONNECTED);
    close_socket(world, a);
    await_event(monitor, ZMQ_EVENT_DISCONNECTED);
    const int64_t limit = now_ms() + DEADLINE_MS;
    do {
        assert_true(now_ms() < limit);
        if (zmq_send(router, "a", 1, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0)
            send_str(router, "on its way out");
        const int number = errno;
        drain(router);
        errno = number;
    } while (errno != EHOSTUNREACH);
}

static void test_mandatory_and_a_full_peer(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *router = open_socket(world, ZMQ_ROUTER);
    void *dealer = open_socket(world, ZMQ_DEALER);
    set_int(router, ZMQ_ROUTER_MANDATORY, 1);
    set_int(router, ZMQ_SNDHWM, 1);
    set_int(dealer, ZMQ_RCVHWM, 1);
    set_bytes(dealer, ZMQ_ROUTING_ID, "d", 1);
    bind_any(world, router, "inproc", endpoint);
    assert_ok(zmq_connect(dealer, endpoint));
    send_frames(router, "d", "1");
    send_frames(router, "d", "2");
    assert_fails(zmq_send(router, "d", 1, ZMQ_SNDMORE | ZMQ_DONTWAIT), EAGAIN);
    set_int(router, ZMQ_SNDTIMEO, 20);
    assert_fails(zmq_send(router, "d", 1, ZMQ_SNDMORE), EAGAIN);
    expect_str(dealer, "1");
    expect_str(dealer, "2");
    set_int(router, ZMQ_SNDTIMEO, DEADLINE_MS);
    send_frames(router, "d", "3");
    expect_str(dealer, "3");
}

static void test_full_peer_loses_messages(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *router = open_socket(world, ZMQ_ROUTER);
    void *dealer = open_socket(world, ZMQ_DEALER);
    set_int(router, ZMQ_SNDHWM, 1);
    set_int(dealer, ZMQ_RCVHWM, 1);
    set_bytes(dealer, ZMQ_ROUTING_ID, "d", 1);
    bind_any(world, router, "inproc", endpoint);
    assert_ok(zmq_connect(dealer, endpoint));
    for (int i = 0; i < 10; i++) {
        assert_returns(zmq_send(router, "d", 1, ZMQ_SNDMORE | ZMQ_DONTWAIT), 1);
        assert_returns(zmq_send(router, "x", 1, ZMQ_DONTWAIT), 1);
    }
    assert_int_equal(drain(dealer), 2);
}

static void test_ids_that_it_makes(void **state)
{
    enum { PEERS = 3 };
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *router = bound_router(world, "tcp", endpoint);
    void *dealers[PEERS];
    uint8_t ids[PEERS][6];
    for (int i = 0; i < PEERS; i++) {
        dealers[i] = open_socket(world, ZMQ_DEALER);
        assert_ok(zmq_connect(dealers[i], endpoint));
        send_str(dealers[i], "hello");
        assert_returns(zmq_recv(router, ids[i], sizeof ids[i], 0), 5);
        expect_str(router, "hello");
        assert_int_equal(ids[i][0], 0);
        for (int k = 0; k < i; k++)
            assert_memory_not_equal(ids[i], ids[k], 5);
    }
    for (int i = 0; i < PEERS; i++) {
        send_bytes(router, ids[i], 5, ZMQ_SNDMORE);
        send_bytes(router, &i, sizeof i, 0);
    }
    for (int i = 0; i < PEERS; i++)
        expect_bytes(dealers[i], &i, sizeof i);
}

static void test_longest_id(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *router = bound_router(world, "tcp", endpoint);
    char id[256];
    memset(id, 'i', 255);
    id[255] = '\0';
    void *dealer = known_dealer(world, router, endpoint, id);
    send_frames(router, id, "long");
    expect_str(dealer, "long");
}

static void second_with_the_same_id(struct world *world, const char *transport)
{
    char endpoint[ENDPOINT_MAX];
    void *router = bound_router(world, transport, endpoint);
    void *first = known_dealer(world, router, endpoint, "twin");
    void *second = open_socket(world, ZMQ_DEALER);
    set_bytes(second, ZMQ_ROUTING_ID, "twin", 4);
    assert_ok(zmq_connect(second, endpoint));
    send_str(second, "from the second");
    void *other = known_dealer(world, router, endpoint, "other");
    send_frames(router, "twin", "to the first");
    expect_str(first, "to the first");
    send_str(first, "still here");
    expect_frames(router, "twin", "still here");
    send_frames(router, "other", "done");
    expect_str(other, "done");
    expect_nothing(second);
    expect_nothing(router);
}

static void test_second_with_the_same_id(void **state)
{
    second_with_the_same_id(*state, "tcp");
    second_with_the_same_id(*state, "inproc");
}

static void handover(struct world *world, const char *transport)
{
    char endpoint[ENDPOINT_MAX];
    void *router = open_socket(world, ZMQ_ROUTER);
    set_int(router, ZMQ_ROUTER_HANDOVER, 1);
    bind_any(world, router, transport, endpoint);
    void *first = known_dealer(world, router, endpoint, "twin");
    void *second = known_dealer(world, router, endpoint, "twin");
    send_frames(router, "twin", "to the second");
    expect_str(second, "to the second");
    expect_nothing(first);
    close_socket(world, first);
    void *other = known_dealer(world, router, endpoint, "other");
    send_frames(router, "twin", "still there");
    expect_str(second, "still there");
    close_socket(world, other);
}

static void test_handover(void **state)
{
    handover(*state, "tcp");
    handover(*state, "inproc");
}

static void probe(struct world *world, const char *transport, int type)
{
    char endpoint[ENDPOINT_MAX];
    void *router = bound_router(world, transport, endpoint);
    void *prober = open_socket(world, type);
    set_bytes(prober, ZMQ_ROUTING_ID, "prober", 6);
    set_int(prober, ZMQ_PROBE_ROUTER, 1);
    assert_ok(zmq_connect(prober, endpoint));
    expect_frames(router, "prober", "");
    if (type == ZMQ_DEALER) {
        send_frames(router, "prober", "known");
        expect_str(prober, "known");
    } else if (type == ZMQ_REQ) {
        send_str(prober, "q");
        expect_frames(router, "prober", "", "q");
    }
}

static void test_probe(void **state)
{
    probe(*state, "tcp", ZMQ_DEALER);
    probe(*state, "tcp", ZMQ_ROUTER);
    probe(*state, "tcp", ZMQ_REQ);
    probe(*state, "inproc", ZMQ_DEALER);
}

static void test_rep_ignores_a_probe(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *rep = open_socket(world, ZMQ_REP);
    void *dealer = open_socket(world, ZMQ_DEALER);
    set_int(dealer, ZMQ_PROBE_ROUTER, 1);
    bind_any(world, rep, "tcp", endpoint);
    assert_ok(zmq_connect(dealer, endpoint));
    send_frames(dealer, "", "q");
    expect_str(rep, "q");
}

static void test_connect_routing_id(void **state)
{
    struct world *world = *state;
    void *router = open_socket(world, ZMQ_ROUTER);
    void *servers[3];
    char endpoints[3][ENDPOINT_MAX];
    for (int i = 0; i < 3; i++) {
        servers[i] = open_socket(world, ZMQ_DEALER);
        bind_any(world, servers[i], "tcp", endpoints[i]);
    }
    set_bytes(servers[1], ZMQ_ROUTING_ID, "own name", 8);

    set_bytes(router, ZMQ_CONNECT_ROUTING_ID, "zero", 4);
    assert_ok(zmq_connect(router, endpoints[0]));
    send_frames(router, "zero", "at once");
    expect_str(servers[0], "at once");
    send_str(servers[0], "back");
    expect_frames(router, "zero", "back");

    set_bytes(router, ZMQ_CONNECT_ROUTING_ID, "one", 3);
    assert_ok(zmq_connect(router, endpoints[1]));
    send_frames(router, "one", "my name for you");
    expect_str(servers[1], "my name for you");
    send_str(servers[1], "back");
    expect_frames(router, "one", "back");

    assert_ok(zmq_connect(router, endpoints[2]));
    send_str(servers[2], "unnamed");
    uint8_t id[6];
    assert_returns(zmq_recv(router, id, sizeof id, 0), 5);
    assert_int_equal(id[0], 0);
    expect_str(router, "unnamed");
}

static void test_two_routers(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *here = open_socket(world, ZMQ_ROUTER);
    void *there = open_socket(world, ZMQ_ROUTER);
    set_bytes(here, ZMQ_ROUTING_ID, "here", 4);
    set_bytes(there, ZMQ_ROUTING_ID, "there", 5);
    bind_any(world, here, "tcp", endpoint);
    assert_ok(zmq_connect(there, endpoint));
    send_when_known(there, "here", "hello");
    expect_frames(here, "there", "hello");
    send_frames(here, "there", "hello to you");
    expect_frames(there, "here", "hello to you");
}

/* The parts that come after the peer's end belong to no one; the next message is not mixed up with them. */
static void test_peer_leaves_in_the_middle_of_a_message(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *router = bound_router(world, "tcp", endpoint);
    void *monitor = watch(world, router, ZMQ_EVENT_DISCONNECTED);
    void *leaver = known_dealer(world, router, endpoint, "leaver");
    send_bytes(router, "leaver", 6, ZMQ_SNDMORE);
    send_bytes(router, "part 1", 6, ZMQ_SNDMORE);
    close_socket(world, leaver);
    await_event(monitor, ZMQ_EVENT_DISCONNECTED);
    send_bytes(router, "part 2", 6, ZMQ_SNDMORE);
    send_bytes(router, "part 3", 6, 0);
    void *next = known_dealer(world, router, endpoint, "next");
    send_frames(router, "next", "whole");
    expect_str(next, "whole");
}

/* Each peer comes to its turn long before another one's queue is empty. */
static void test_receives_fairly(void **state)
{
    enum { PEERS = 3, EACH = 100 };
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *router = bound_router(world, "inproc", endpoint);
    for (int i = 0; i < PEERS; i++) {
        void *dealer = open_socket(world, ZMQ_DEALER);
        set_bytes(dealer, ZMQ_ROUTING_ID, &"abc"[i], 1);
        assert_ok(zmq_connect(dealer, endpoint));
        assert_int_equal(fill(dealer, "x", EACH), EACH);
    }
    int counts[PEERS] = {0};
    for (int i = 0; i < EACH; i++) {
        char id;
        assert_returns(zmq_recv(router, &id, 1, 0), 1);
        expect_str(router, "x");
        counts[id - 'a']++;
    }
    for (int i = 0; i < PEERS; i++)
        assert_true(counts[i] > EACH / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_addresses_its_peers),
        world_test(test_drops_what_nobody_gets),
        world_test(test_mandatory),
        world_test(test_mandatory_and_a_full_peer),
        world_test(test_full_peer_loses_messages),
        world_test(test_ids_that_it_makes),
        world_test(test_longest_id),
        world_test(test_second_with_the_same_id),
        world_test(test_handover),
        world_test(test_probe),
        world_test(test_rep_ignores_a_probe),
        world_test(test_connect_routing_id),
        world_test(test_two_routers),
        world_test(test_peer_leaves_in_the_middle_of_a_message),
        world_test(test_receives_fairly),
    };
    return cmocka_run_group_tests_name("ROUTER", tests, NULL, NULL);
}
