/* SPDX-License-Identifier: ISC */
/* REQ and REP: strict turns, the envelope, who gets which reply, and REQ's two options (RFC 28). */
#include "pattern.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A bound ROUTER and a REQ that it knows as "client". */
static struct ends join_router(struct world *world, const char *transport)
{
    struct ends ends = {.bound = open_socket(world, ZMQ_ROUTER), .connected = open_socket(world, ZMQ_REQ)};
    set_bytes(ends.connected, ZMQ_ROUTING_ID, "client", 6);
    bind_any(world, ends.bound, transport, ends.endpoint);
    assert_ok(zmq_connect(ends.connected, ends.endpoint));
    return ends;
}

static void test_req_takes_turns(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair(world, "tcp", ZMQ_REP, ZMQ_REQ);
    void *req = ends.connected;
    char byte;
    assert_fails(zmq_recv(req, &byte, 1, 0), EFSM);
    send_bytes(req, "a", 1, ZMQ_SNDMORE);
    assert_fails(zmq_recv(req, &byte, 1, 0), EFSM);
    send_bytes(req, "b", 1, 0);
    assert_fails(zmq_send(req, "c", 1, 0), EFSM);
    assert_int_equal(get_int(req, ZMQ_EVENTS) & ZMQ_POLLOUT, 0);
    expect_frames(ends.bound, "a", "b");
    send_frames(ends.bound, "1", "2");
    expect_bytes(req, "1", 1);
    expect_more(req);
    assert_fails(zmq_send(req, "c", 1, 0), EFSM);
    expect_bytes(req, "2", 1);
    expect_no_more(req);
    assert_fails(zmq_recv(req, &byte, 1, 0), EFSM);
    send_str(req, "again");
    expect_str(ends.bound, "again");
}

static void test_rep_takes_turns(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair(world, "tcp", ZMQ_REP, ZMQ_REQ);
    void *rep = ends.bound;
    char byte;
    assert_fails(zmq_send(rep, "x", 1, 0), EFSM);
    send_frames(ends.connected, "a", "b");
    expect_bytes(rep, "a", 1);
    expect_more(rep);
    assert_fails(zmq_send(rep, "x", 1, 0), EFSM);
    expect_bytes(rep, "b", 1);
    assert_fails(zmq_recv(rep, &byte, 1, 0), EFSM);
    send_bytes(rep, "1", 1, ZMQ_SNDMORE);
    assert_fails(zmq_recv(rep, &byte, 1, 0), EFSM);
    send_bytes(rep, "2", 1, 0);
    assert_fails(zmq_send(rep, "x", 1, 0), EFSM);
    expect_frames(ends.connected, "1", "2");
}

static void test_req_without_a_peer(void **state)
{
    struct world *world = *state;
    void *req = open_socket(world, ZMQ_REQ);
    assert_int_equal(get_int(req, ZMQ_EVENTS), 0);
    assert_fails(zmq_send(req, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    assert_fails(zmq_recv(req, NULL, 0, ZMQ_DONTWAIT), EFSM);
    const struct ends ends = join_pair(world, "inproc", ZMQ_REP, ZMQ_REQ);
    assert_int_equal(get_int(ends.connected, ZMQ_EVENTS), ZMQ_POLLOUT);
    assert_int_equal(get_int(ends.bound, ZMQ_EVENTS), 0);
}

static void test_req_puts_a_delimiter(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_router(world, "tcp");
    send_frames(ends.connected, "a", "", "b");
    expect_frames(ends.bound, "client", "", "a", "", "b");
    send_frames(ends.bound, "client", "", "", "reply", "");
    expect_frames(ends.connected, "", "reply", "");
}

static void test_rep_keeps_the_envelope(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair(world, "tcp", ZMQ_REP, ZMQ_DEALER);
    send_frames(ends.connected, "hop 1", "hop 2", "", "body", "", "end");
    expect_frames(ends.bound, "body", "", "end");
    send_frames(ends.bound, "reply", "", "end");
    expect_frames(ends.connected, "hop 1", "hop 2", "", "reply", "", "end");
    send_frames(ends.connected, "", "no hops");
    expect_str(ends.bound, "no hops");
    send_str(ends.bound, "ok");
    expect_frames(ends.connected, "", "ok");
}

static void rep_skips(struct world *world, const char *transport)
{
    const struct ends ends = join_pair(world, transport, ZMQ_REP, ZMQ_DEALER);
    send_str(ends.connected, "no delimiter");
    send_frames(ends.connected, "no", "delimiter");
    send_str(ends.connected, "");
    send_frames(ends.connected, "envelope only", "");
    send_frames(ends.connected, "", "good");
    expect_str(ends.bound, "good");
    send_str(ends.bound, "reply");
    expect_frames(ends.connected, "", "reply");
}

static void test_rep_skips_what_is_no_request(void **state)
{
    rep_skips(*state, "tcp");
    rep_skips(*state, "inproc");
}

static void test_req_skips_what_is_no_reply(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_router(world, "inproc");
    send_str(ends.connected, "q");
    expect_frames(ends.bound, "client", "", "q");
    send_frames(ends.bound, "client", "no delimiter");
    send_frames(ends.bound, "client", "no", "delimiter");
    send_frames(ends.bound, "client", "");
    send_frames(ends.bound, "client", "", "good", "reply");
    expect_frames(ends.connected, "good", "reply");
}

static void test_malformed_reply_over_tcp_is_never_delivered(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_router(world, "tcp");
    void *monitor = watch(world, ends.bound, ZMQ_EVENT_DISCONNECTED);
    send_str(ends.connected, "q");
    expect_frames(ends.bound, "client", "", "q");
    send_frames(ends.bound, "client", "no", "delimiter");
    /* Whether the connection is dropped for it is up to the library: either that comes, or the good reply. */
    send_frames(ends.bound, "client", "", "good");
    zmq_pollitem_t items[] = {{ends.connected, 0, ZMQ_POLLIN, 0}, {monitor, 0, ZMQ_POLLIN, 0}};
    assert_true(zmq_poll(items, 2, DEADLINE_MS) > 0);
    if (items[1].revents)
        expect_nothing(ends.connected);
    else
        expect_str(ends.connected, "good");
}

static void test_req_goes_round(void **state)
{
    struct world *world = *state;
    void *req = open_socket(world, ZMQ_REQ);
    void *reps[3];
    for (int i = 0; i < 3; i++) {
        char endpoint[ENDPOINT_MAX];
        reps[i] = open_socket(world, ZMQ_REP);
        bind_any(world, reps[i], "inproc", endpoint);
        assert_ok(zmq_connect(req, endpoint));
    }
    for (int turn = 0; turn < 9; turn++) {
        send_bytes(req, &turn, sizeof turn, 0);
        expect_bytes(reps[turn % 3], &turn, sizeof turn);
        send_bytes(reps[turn % 3], &turn, sizeof turn, 0);
        expect_bytes(req, &turn, sizeof turn);
    }
}

/* The other peer's answer is there first, so what is received proves that it was dropped. */
static void test_reply_of_another_peer_is_dropped(void **state)
{
    struct world *world = *state;
    void *req = open_socket(world, ZMQ_REQ);
    set_bytes(req, ZMQ_ROUTING_ID, "client", 6);
    void *routers[2];
    for (int i = 0; i < 2; i++) {
        char endpoint[ENDPOINT_MAX];
        routers[i] = open_socket(world, ZMQ_ROUTER);
        bind_any(world, routers[i], "inproc", endpoint);
        assert_ok(zmq_connect(req, endpoint));
    }
    send_str(req, "first");
    expect_frames(routers[0], "client", "", "first");
    get_int(routers[1], ZMQ_EVENTS);
    send_frames(routers[1], "client", "", "intruder");
    send_frames(routers[0], "client", "", "reply");
    expect_str(req, "reply");
    send_str(req, "second");
    expect_frames(routers[1], "client", "", "second");
    send_frames(routers[0], "client", "", "too late");
    send_frames(routers[1], "client", "", "reply 2");
    expect_str(req, "reply 2");
}

static void test_unsolicited_reply_is_dropped(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_router(world, "inproc");
    send_str(ends.connected, "1");
    expect_frames(ends.bound, "client", "", "1");
    send_frames(ends.bound, "client", "", "reply 1");
    send_frames(ends.bound, "client", "", "reply 1 again");
    expect_str(ends.connected, "reply 1");
    assert_fails(zmq_recv(ends.connected, NULL, 0, 0), EFSM);
    send_str(ends.connected, "2");
    expect_frames(ends.bound, "client", "", "2");
    send_frames(ends.bound, "client", "", "reply 2");
    expect_str(ends.connected, "reply 2");
}

static void test_many_clients_get_their_own_replies(void **state)
{
    enum { CLIENTS = 8, ROUNDS = 20 };
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *rep = open_socket(world, ZMQ_REP);
    bind_any(world, rep, "tcp", endpoint);
    void *reqs[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        reqs[i] = open_socket(world, ZMQ_REQ);
        assert_ok(zmq_connect(reqs[i], endpoint));
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CLIENTS; i++)
            send_bytes(reqs[i], &i, sizeof i, 0);
        for (int i = 0; i < CLIENTS; i++) {
            int from;
            assert_returns(zmq_recv(rep, &from, sizeof from, 0), sizeof from);
            from += 100;
            send_bytes(rep, &from, sizeof from, 0);
        }
        for (int i = 0; i < CLIENTS; i++) {
            const int expected = i + 100;
            expect_bytes(reqs[i], &expected, sizeof expected);
        }
    }
}

/* Nobody waits twice while another waits at all. */
static void test_rep_queues_fairly(void **state)
{
    enum { CLIENTS = 3, EACH = 4 };
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *rep = open_socket(world, ZMQ_REP);
    bind_any(world, rep, "inproc", endpoint);
    for (int i = 0; i < CLIENTS; i++) {
        void *dealer = open_socket(world, ZMQ_DEALER);
        assert_ok(zmq_connect(dealer, endpoint));
        for (int k = 0; k < EACH; k++) {
            send_bytes(dealer, "", 0, ZMQ_SNDMORE);
            send_bytes(dealer, &i, sizeof i, 0);
        }
    }
    for (int round = 0; round < EACH; round++) {
        unsigned seen = 0;
        for (int i = 0; i < CLIENTS; i++) {
            int from;
            assert_returns(zmq_recv(rep, &from, sizeof from, 0), sizeof from);
            seen |= 1u << from;
            send_str(rep, "");
        }
        assert_int_equal(seen, 7);
    }
}

static void test_reply_to_a_client_that_left(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair_ready(world, "tcp", ZMQ_REP, ZMQ_REQ);
    void *monitor = watch(world, ends.bound, ZMQ_EVENT_DISCONNECTED);
    send_str(ends.connected, "q");
    expect_str(ends.bound, "q");
    close_socket(world, ends.connected);
    await_event(monitor, ZMQ_EVENT_DISCONNECTED);
    send_str(ends.bound, "nobody there");
    void *next = open_socket(world, ZMQ_REQ);
    assert_ok(zmq_connect(next, ends.endpoint));
    send_str(next, "next");
    expect_str(ends.bound, "next");
    send_str(ends.bound, "reply");
    expect_str(next, "reply");
}

/* REP never blocks: a reply that does not fit is dropped. */
static void test_rep_with_a_full_client(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *rep = open_socket(world, ZMQ_REP);
    void *dealer = open_socket(world, ZMQ_DEALER);
    set_int(rep, ZMQ_SNDHWM, 1);
    set_int(dealer, ZMQ_RCVHWM, 1);
    bind_any(world, rep, "inproc", endpoint);
    assert_ok(zmq_connect(dealer, endpoint));
    for (int i = 0; i < 10; i++) {
        send_frames(dealer, "", "q");
        expect_str(rep, "q");
        assert_returns(zmq_send(rep, "r", 1, ZMQ_DONTWAIT), 1);
    }
    assert_int_equal(drain(dealer), 2);
}

static void reply_with_id(void *router, const uint8_t id[4], const char *text)
{
    send_bytes(router, "client", 6, ZMQ_SNDMORE);
    send_bytes(router, id, 4, ZMQ_SNDMORE);
    send_frames(router, "", text);
}

static void test_correlate(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_router(world, "tcp");
    set_int(ends.connected, ZMQ_REQ_CORRELATE, 1);
    uint8_t ids[2][5];
    for (int i = 0; i < 2; i++) {
        send_str(ends.connected, "q");
        expect_bytes(ends.bound, "client", 6);
        assert_returns(zmq_recv(ends.bound, ids[i], sizeof ids[i], 0), 4);
        expect_frames(ends.bound, "", "q");
        const uint8_t wrong[4] = {ids[i][0] ^ 0x80, ids[i][1], ids[i][2], ids[i][3]};
        reply_with_id(ends.bound, wrong, "wrong id");
        send_frames(ends.bound, "client", "", "no id");
        reply_with_id(ends.bound, ids[i], "good");
        expect_str(ends.connected, "good");
    }
    assert_memory_not_equal(ids[0], ids[1], 4);
}

static void test_correlate_with_rep(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair(world, "tcp", ZMQ_REP, ZMQ_REQ);
    set_int(ends.connected, ZMQ_REQ_CORRELATE, 1);
    for (int i = 0; i < 3; i++) {
        send_frames(ends.connected, "q", "2");
        expect_frames(ends.bound, "q", "2");
        send_frames(ends.bound, "r", "2");
        expect_frames(ends.connected, "r", "2");
    }
}

/* A request may be given up for a new one; a late reply to the old one is not taken for the new. */
static void test_relaxed_and_correlate(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_router(world, "tcp");
    set_int(ends.connected, ZMQ_REQ_CORRELATE, 1);
    set_int(ends.connected, ZMQ_REQ_RELAXED, 1);
    uint8_t ids[2][5];
    for (int i = 0; i < 2; i++) {
        send_str(ends.connected, "q");
        expect_bytes(ends.bound, "client", 6);
        assert_returns(zmq_recv(ends.bound, ids[i], sizeof ids[i], 0), 4);
        expect_frames(ends.bound, "", "q");
    }
    for (int i = 0; i < 2; i++)
        reply_with_id(ends.bound, ids[i], i ? "new" : "old");
    expect_str(ends.connected, "new");
    assert_fails(zmq_recv(ends.connected, NULL, 0, 0), EFSM);
}

static void test_relaxed_after_the_server_was_restarted(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *rep = open_socket(world, ZMQ_REP);
    void *req = open_socket(world, ZMQ_REQ);
    set_int(req, ZMQ_REQ_RELAXED, 1);
    set_int(req, ZMQ_REQ_CORRELATE, 1);
    set_int(req, ZMQ_RECONNECT_IVL, 10);
    void *monitor = watch(world, req, ZMQ_EVENT_DISCONNECTED);
    bind_any(world, rep, "tcp", endpoint);
    assert_ok(zmq_connect(req, endpoint));
    send_str(req, "lost");
    expect_str(rep, "lost");
    close_socket(world, rep);
    await_event(monitor, ZMQ_EVENT_DISCONNECTED);
    rep = open_socket(world, ZMQ_REP);
    bind_again(rep, endpoint);
    send_str(req, "again");
    expect_str(rep, "again");
    send_str(rep, "reply");
    expect_str(req, "reply");
}

static void test_strict_req_waits_for_a_lost_reply(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair_ready(world, "tcp", ZMQ_REP, ZMQ_REQ);
    void *monitor = watch(world, ends.connected, ZMQ_EVENT_DISCONNECTED);
    send_str(ends.connected, "q");
    expect_str(ends.bound, "q");
    close_socket(world, ends.bound);
    await_event(monitor, ZMQ_EVENT_DISCONNECTED);
    assert_fails(zmq_send(ends.connected, "x", 1, ZMQ_DONTWAIT), EFSM);
    assert_fails(zmq_recv(ends.connected, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
}

/* A broker as the guide builds it: ROUTER in front, DEALER behind. */
static void test_through_a_broker(void **state)
{
    struct world *world = *state;
    const struct ends front = join_pair(world, "tcp", ZMQ_ROUTER, ZMQ_REQ);
    const struct ends back = join_pair(world, "inproc", ZMQ_DEALER, ZMQ_REP);
    send_frames(front.connected, "question", "?");
    void *path[][2] = {{front.bound, back.bound}, {back.bound, front.bound}};
    for (int way = 0; way < 2; way++) {
        int more;
        do {
            zmq_msg_t message;
            assert_ok(zmq_msg_init(&message));
            assert_true(zmq_msg_recv(&message, path[way][0], 0) >= 0);
            more = zmq_msg_more(&message);
            assert_true(zmq_msg_send(&message, path[way][1], more ? ZMQ_SNDMORE : 0) >= 0);
        } while (more);
        if (way == 0) {
            expect_frames(back.connected, "question", "?");
            send_frames(back.connected, "answer", "!");
        }
    }
    expect_frames(front.connected, "answer", "!");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_req_takes_turns),
        world_test(test_rep_takes_turns),
        world_test(test_req_without_a_peer),
        world_test(test_req_puts_a_delimiter),
        world_test(test_rep_keeps_the_envelope),
        world_test(test_rep_skips_what_is_no_request),
        world_test(test_req_skips_what_is_no_reply),
        world_test(test_malformed_reply_over_tcp_is_never_delivered),
        world_test(test_req_goes_round),
        world_test(test_reply_of_another_peer_is_dropped),
        world_test(test_unsolicited_reply_is_dropped),
        world_test(test_many_clients_get_their_own_replies),
        world_test(test_rep_queues_fairly),
        world_test(test_reply_to_a_client_that_left),
        world_test(test_rep_with_a_full_client),
        world_test(test_correlate),
        world_test(test_correlate_with_rep),
        world_test(test_relaxed_and_correlate),
        world_test(test_relaxed_after_the_server_was_restarted),
        world_test(test_strict_req_waits_for_a_lost_reply),
        world_test(test_through_a_broker),
    };
    return cmocka_run_group_tests_name("REQ and REP", tests, NULL, NULL);
}
