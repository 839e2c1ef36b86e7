/* SPDX-License-Identifier: ISC */
/* CURVE (RFC 25, 26) between two sockets: who gets in, with which keys, in which role. */
#include "secure.h"
#include "wire.h"

#include <errno.h>
#include <string.h>

static void exchange(void *client, void *server)
{
    send_frames(client, "question", "");
    expect_frames(server, "question", "");
    send_frames(server, "", "answer");
    expect_frames(client, "", "answer");
}

static void test_success(void **state)
{
    struct world *world = *state;
    static const char *const transports[] = {"tcp", "ipc"};
    for (int t = 0; t < 2; t++)
        for (int server_binds = 0; server_binds < 2; server_binds++) {
            char endpoint[ENDPOINT_MAX];
            void *server = open_socket(world, ZMQ_DEALER);
            void *client = open_socket(world, ZMQ_DEALER);
            secure_server(server, ZMQ_CURVE);
            secure_client(client, ZMQ_CURVE);
            void *monitors[] = {watch(world, server, OUTCOME), watch(world, client, OUTCOME)};
            bind_any(world, server_binds ? server : client, transports[t], endpoint);
            assert_ok(zmq_connect(server_binds ? client : server, endpoint));
            exchange(client, server);
            for (int i = 0; i < 2; i++)
                assert_int_equal(next_event(monitors[i]).kind, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
        }
}

static void test_keys_in_both_forms(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *server = open_socket(world, ZMQ_DEALER);
    void *client = open_socket(world, ZMQ_DEALER);
    set_int(server, ZMQ_CURVE_SERVER, 1);
    set_bytes(server, ZMQ_CURVE_SECRETKEY, server_keys()->secret_key, 32);
    set_bytes(client, ZMQ_CURVE_SERVERKEY, server_keys()->public_key, 32);
    set_bytes(client, ZMQ_CURVE_PUBLICKEY, client_keys()->public_text, 41);
    set_bytes(client, ZMQ_CURVE_SECRETKEY, client_keys()->secret_key, 32);
    bind_any(world, server, "tcp", endpoint);
    assert_ok(zmq_connect(client, endpoint));
    exchange(client, server);
}

/* Every client has its own keys; any client may talk to a server that asks nobody about them. */
static void test_many_clients(void **state)
{
    enum { CLIENTS = 10 };
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *server = open_socket(world, ZMQ_ROUTER);
    secure_server(server, ZMQ_CURVE);
    bind_any(world, server, "tcp", endpoint);
    void *clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        struct keypair keys;
        const uint8_t id = (uint8_t)('a' + i);
        make_keypair(&keys);
        clients[i] = open_socket(world, ZMQ_DEALER);
        set_bytes(clients[i], ZMQ_CURVE_SERVERKEY, server_keys()->public_text, 40);
        set_bytes(clients[i], ZMQ_CURVE_PUBLICKEY, keys.public_text, 40);
        set_bytes(clients[i], ZMQ_CURVE_SECRETKEY, keys.secret_text, 40);
        set_bytes(clients[i], ZMQ_ROUTING_ID, &id, 1);
        assert_ok(zmq_connect(clients[i], endpoint));
        send_str(clients[i], "hello");
    }
    for (int i = 0; i < CLIENTS; i++) {
        char id;
        assert_returns(zmq_recv(server, &id, 1, 0), 1);
        expect_str(server, "hello");
        send_bytes(server, &id, 1, ZMQ_SNDMORE);
        send_bytes(server, &id, 1, 0);
    }
    for (int i = 0; i < CLIENTS; i++) {
        const char id = (char)('a' + i);
        expect_bytes(clients[i], &id, 1);
    }
}

/* A handshake that cannot succeed: the server says that the cryptography failed, and nothing arrives. */
static void mismatch(struct world *world, void *server, void *client)
{
    char endpoint[ENDPOINT_MAX];
    give_up_early(server);
    give_up_early(client);
    void *monitor = watch(world, server, ZMQ_EVENT_ALL);
    void *client_monitor = watch(world, client, OUTCOME);
    bind_any(world, server, "tcp", endpoint);
    assert_ok(zmq_connect(client, endpoint));
    zmq_send(client, "x", 1, ZMQ_DONTWAIT);
    expect_protocol_error(monitor, ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC);
    await_refusal(client_monitor);
    expect_nothing(server);
}

static void test_wrong_keys(void **state)
{
    struct world *world = *state;
    struct keypair other;
    make_keypair(&other);
    static const int options[] = {ZMQ_CURVE_SERVERKEY, ZMQ_CURVE_PUBLICKEY, ZMQ_CURVE_SECRETKEY};
    for (int i = 0; i < 3; i++) {
        void *server = open_socket(world, ZMQ_DEALER);
        void *client = open_socket(world, ZMQ_DEALER);
        secure_server(server, ZMQ_CURVE);
        secure_client(client, ZMQ_CURVE);
        set_bytes(client, options[i], i < 2 ? other.public_text : other.secret_text, 40);
        mismatch(world, server, client);
    }
}

static void test_missing_keys(void **state)
{
    struct world *world = *state;
    void *server = open_socket(world, ZMQ_DEALER);
    void *client = open_socket(world, ZMQ_DEALER);
    secure_server(server, ZMQ_CURVE);
    set_bytes(client, ZMQ_CURVE_SERVERKEY, server_keys()->public_text, 40);
    mismatch(world, server, client);

    server = open_socket(world, ZMQ_DEALER);
    client = open_socket(world, ZMQ_DEALER);
    set_int(server, ZMQ_CURVE_SERVER, 1);
    secure_client(client, ZMQ_CURVE);
    mismatch(world, server, client);
}

/* Setting the server's key makes a socket a client, and the other way round: the last word counts. */
static void test_two_clients(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *bound = open_socket(world, ZMQ_DEALER);
    void *connected = open_socket(world, ZMQ_DEALER);
    secure_client(bound, ZMQ_CURVE);
    secure_client(connected, ZMQ_CURVE);
    void *monitor = watch(world, bound, ZMQ_EVENT_ALL);
    bind_any(world, bound, "tcp", endpoint);
    assert_ok(zmq_connect(connected, endpoint));
    expect_protocol_error(monitor, ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND);
}

static void test_two_servers(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *bound = open_socket(world, ZMQ_DEALER);
    void *connected = open_socket(world, ZMQ_DEALER);
    secure_server(bound, ZMQ_CURVE);
    secure_server(connected, ZMQ_CURVE);
    set_int(bound, ZMQ_HANDSHAKE_IVL, 100);
    void *monitor = watch(world, bound, ZMQ_EVENT_ALL);
    bind_any(world, bound, "tcp", endpoint);
    assert_ok(zmq_connect(connected, endpoint));
    await_refusal(monitor);
}

static void test_large_messages(void **state)
{
    struct world *world = *state;
    static uint8_t data[3000000];
    char endpoint[ENDPOINT_MAX];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i ^ i >> 8 ^ i >> 16);
    void *server = open_socket(world, ZMQ_DEALER);
    void *client = open_socket(world, ZMQ_DEALER);
    secure_server(server, ZMQ_CURVE);
    secure_client(client, ZMQ_CURVE);
    bind_any(world, server, "tcp", endpoint);
    assert_ok(zmq_connect(client, endpoint));
    for (size_t size = 1; size <= sizeof data; size = size * 3 + 1) {
        send_bytes(client, data, size, 0);
        expect_bytes(server, data, size);
        send_bytes(server, data, size, 0);
        expect_bytes(client, data, size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_success),     world_test(test_keys_in_both_forms), world_test(test_many_clients),
        world_test(test_wrong_keys),  world_test(test_missing_keys),       world_test(test_two_clients),
        world_test(test_two_servers), world_test(test_large_messages),
    };
    return cmocka_run_group_tests_name("CURVE", tests, NULL, NULL);
}
