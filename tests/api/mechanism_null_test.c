/* SPDX-License-Identifier: ISC */
/* NULL, and what becomes of two ends whose mechanisms differ (RFC 37). */
#include "secure.h"
#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void test_success(void **state)
{
    struct world *world = *state;
    static const char *const transports[] = {"tcp", "ipc"};
    for (int t = 0; t < 2; t++) {
        char endpoint[ENDPOINT_MAX];
        void *bound = open_socket(world, ZMQ_DEALER);
        void *connected = open_socket(world, ZMQ_DEALER);
        assert_int_equal(get_int(bound, ZMQ_MECHANISM), ZMQ_NULL);
        void *monitors[] = {watch(world, bound, OUTCOME), watch(world, connected, OUTCOME)};
        bind_any(world, bound, transports[t], endpoint);
        assert_ok(zmq_connect(connected, endpoint));
        send_frames(connected, "question", "");
        expect_frames(bound, "question", "");
        send_frames(bound, "", "answer");
        expect_frames(connected, "", "answer");
        for (int i = 0; i < 2; i++) {
            const struct event event = next_event(monitors[i]);
            assert_int_equal(event.kind, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
            assert_int_equal(event.value, 0);
            assert_string_equal(event.address, endpoint);
        }
    }
}

/* Roles: a socket is the server of a mechanism, or its client; NULL has none. */
static const struct {
    int mechanism;
    bool server;
} roles[] = {{ZMQ_NULL, false}, {ZMQ_PLAIN, true}, {ZMQ_PLAIN, false}, {ZMQ_CURVE, true}, {ZMQ_CURVE, false}};

static void *open_role(struct world *world, size_t role)
{
    void *socket = open_socket(world, ZMQ_DEALER);
    if (roles[role].server)
        secure_server(socket, roles[role].mechanism);
    else
        secure_client(socket, roles[role].mechanism);
    assert_int_equal(get_int(socket, ZMQ_MECHANISM), roles[role].mechanism);
    return socket;
}

/* No end gives way: whatever the other one offers, a socket talks its own mechanism or not at all. */
static void test_mechanisms_do_not_mix(void **state)
{
    enum { ROLES = sizeof roles / sizeof *roles };
    struct world *world = *state;
    for (size_t i = 0; i < ROLES; i++)
        for (size_t k = 0; k < ROLES; k++) {
            if (roles[i].mechanism == roles[k].mechanism)
                continue;
            char endpoint[ENDPOINT_MAX];
            void *bound = open_role(world, i);
            void *connected = open_role(world, k);
            give_up_early(bound);
            void *monitor = watch(world, bound, ZMQ_EVENT_ALL);
            bind_any(world, bound, "tcp", endpoint);
            assert_ok(zmq_connect(connected, endpoint));
            zmq_send(connected, "x", 1, ZMQ_DONTWAIT);
            expect_protocol_error(monitor, ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH);
            assert_fails(zmq_send(bound, "x", 1, ZMQ_DONTWAIT), EAGAIN);
            expect_nothing(bound);
            expect_nothing(connected);
            close_socket(world, connected);
            close_socket(world, bound);
        }
}

/* The side that connects hears of it too. */
static void test_connecting_side_is_told(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    const int listener = raw_listen(world, endpoint);
    void *dealer = open_socket(world, ZMQ_DEALER);
    void *monitor = watch(world, dealer, ZMQ_EVENT_ALL);
    assert_ok(zmq_connect(dealer, endpoint));
    struct octets out = {.size = 0};
    put_greeting(&out, "PLAIN", 3, 1);
    const int fd = raw_accept(world, listener);
    wire_send(fd, &out);
    expect_protocol_error(monitor, ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH);
    raw_expect_close(fd);
}

/* Other connections of the same socket go on. */
static void test_mismatch_disturbs_nobody(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *server = open_socket(world, ZMQ_DEALER);
    void *client = open_socket(world, ZMQ_DEALER);
    secure_server(server, ZMQ_CURVE);
    secure_client(client, ZMQ_CURVE);
    bind_any(world, server, "tcp", endpoint);
    assert_ok(zmq_connect(client, endpoint));
    for (int i = 0; i < 5; i++) {
        void *stranger = open_socket(world, ZMQ_DEALER);
        void *monitor = watch(world, stranger, ZMQ_EVENT_ALL);
        assert_ok(zmq_connect(stranger, endpoint));
        await_refusal(monitor);
        send_bytes(client, &i, sizeof i, 0);
        expect_bytes(server, &i, sizeof i);
        send_bytes(server, &i, sizeof i, 0);
        expect_bytes(client, &i, sizeof i);
    }
}

/* Socket types that do not go together are kept apart at the handshake. */
static void test_socket_types_that_do_not_match(void **state)
{
    struct world *world = *state;
    static const int types[][2] = {{ZMQ_PULL, ZMQ_PULL},  {ZMQ_PUSH, ZMQ_PUSH},   {ZMQ_REQ, ZMQ_REQ},
                                   {ZMQ_REP, ZMQ_REP},    {ZMQ_PUB, ZMQ_PUB},     {ZMQ_SUB, ZMQ_SUB},
                                   {ZMQ_PAIR, ZMQ_PULL},  {ZMQ_DEALER, ZMQ_PULL}, {ZMQ_PUB, ZMQ_PULL},
                                   {ZMQ_REQ, ZMQ_DEALER}, {ZMQ_REP, ZMQ_ROUTER}};
    for (int mechanism = ZMQ_NULL; mechanism <= ZMQ_CURVE; mechanism += ZMQ_CURVE - ZMQ_NULL)
        for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
            char endpoint[ENDPOINT_MAX];
            void *bound = open_socket(world, types[i][0]);
            give_up_early(bound);
            void *connected = open_socket(world, types[i][1]);
            secure_server(bound, mechanism);
            secure_client(connected, mechanism);
            void *monitor = watch(world, bound, ZMQ_EVENT_ALL);
            bind_any(world, bound, "tcp", endpoint);
            assert_ok(zmq_connect(connected, endpoint));
            await_refusal(monitor);
            close_socket(world, connected);
            close_socket(world, bound);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_success),
        world_test(test_mechanisms_do_not_mix),
        world_test(test_connecting_side_is_told),
        world_test(test_mismatch_disturbs_nobody),
        world_test(test_socket_types_that_do_not_match),
    };
    return cmocka_run_group_tests_name("NULL", tests, NULL, NULL);
}
