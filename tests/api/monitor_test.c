/* SPDX-License-Identifier: ISC */
/* The socket monitor: its frames, which events come in which order and with which values, and how it stops. */
#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

static struct event expect_event(void *monitor, int kind, const char *address)
{
    const struct event event = next_event(monitor);
    if (event.kind != kind || strcmp(event.address, address) != 0)
        fail_msg("event 0x%x of '%s', expected 0x%x of '%s'", event.kind, event.address, kind, address);
    return event;
}

static void expect_stopped(void *monitor)
{
    const struct event event = expect_event(monitor, ZMQ_EVENT_MONITOR_STOPPED, "");
    assert_int_equal(event.value, 0);
}

static void test_frames(void **state)
{
    struct world *world = *state;
    void *socket = open_socket(world, ZMQ_PULL);
    void *monitor = watch(world, socket, ZMQ_EVENT_ALL);
    char endpoint[ENDPOINT_MAX];
    bind_any(world, socket, "tcp", endpoint);
    zmq_msg_t message;
    assert_ok(zmq_msg_init(&message));
    assert_returns(zmq_msg_recv(&message, monitor, 0), 6);
    assert_int_equal(zmq_msg_more(&message), 1);
    uint16_t kind;
    memcpy(&kind, zmq_msg_data(&message), 2);
    assert_int_equal(kind, ZMQ_EVENT_LISTENING);
    assert_returns(zmq_msg_recv(&message, monitor, 0), (int)strlen(endpoint));
    assert_memory_equal(zmq_msg_data(&message), endpoint, strlen(endpoint));
    assert_int_equal(zmq_msg_more(&message), 0);
    assert_ok(zmq_msg_close(&message));
}

static void test_a_server_s_life(void **state)
{
    struct world *world = *state;
    void *server = open_socket(world, ZMQ_PULL);
    void *monitor = watch(world, server, ZMQ_EVENT_ALL);
    char endpoint[ENDPOINT_MAX];
    bind_any(world, server, "tcp", endpoint);
    const struct event listening = expect_event(monitor, ZMQ_EVENT_LISTENING, endpoint);
    int accepting = 0;
    socklen_t size = sizeof accepting;
    assert_int_equal(getsockopt((int)listening.value, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &size), 0);
    assert_int_equal(accepting, 1);
    for (int round = 0; round < 3; round++) {
        void *client = open_socket(world, ZMQ_PUSH);
        assert_ok(zmq_connect(client, endpoint));
        const struct event accepted = expect_event(monitor, ZMQ_EVENT_ACCEPTED, endpoint);
        assert_true((int)accepted.value >= 0);
        expect_event(monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, endpoint);
        close_socket(world, client);
        const struct event gone = expect_event(monitor, ZMQ_EVENT_DISCONNECTED, endpoint);
        assert_int_equal(gone.value, accepted.value);
    }
    assert_ok(zmq_unbind(server, endpoint));
    assert_int_equal(expect_event(monitor, ZMQ_EVENT_CLOSED, endpoint).value, listening.value);
    close_socket(world, server);
    expect_stopped(monitor);
}

static void test_a_client_s_life(void **state)
{
    struct world *world = *state;
    void *server = open_socket(world, ZMQ_PULL);
    char endpoint[ENDPOINT_MAX];
    bind_any(world, server, "tcp", endpoint);
    void *client = open_socket(world, ZMQ_PUSH);
    set_int(client, ZMQ_RECONNECT_IVL, 10);
    void *monitor = watch(world, client, ZMQ_EVENT_ALL);
    assert_ok(zmq_connect(client, endpoint));
    expect_event(monitor, ZMQ_EVENT_CONNECT_DELAYED, endpoint);
    const struct event connected = expect_event(monitor, ZMQ_EVENT_CONNECTED, endpoint);
    expect_event(monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, endpoint);
    close_socket(world, server);
    const struct event gone = expect_event(monitor, ZMQ_EVENT_DISCONNECTED, endpoint);
    assert_int_equal(gone.value, connected.value);
    const struct event retried = await_event(monitor, ZMQ_EVENT_CONNECT_RETRIED);
    assert_string_equal(retried.address, endpoint);
    assert_in_range(retried.value, 1, 1000);
    /* It goes on trying until somebody is there. */
    void *other = open_socket(world, ZMQ_PULL);
    while (zmq_bind(other, endpoint) != 0)
        assert_int_equal(errno, EADDRINUSE);
    await_event(monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    send_str(client, "hello again");
    expect_str(other, "hello again");
    close_socket(world, client);
    expect_stopped(monitor);
}

static void test_ipc(void **state)
{
    struct world *world = *state;
    void *server = open_socket(world, ZMQ_REP);
    void *client = open_socket(world, ZMQ_REQ);
    void *server_monitor = watch(world, server, ZMQ_EVENT_ALL);
    void *client_monitor = watch(world, client, ZMQ_EVENT_ALL);
    char endpoint[ENDPOINT_MAX];
    bind_any(world, server, "ipc", endpoint);
    assert_ok(zmq_connect(client, endpoint));
    expect_event(server_monitor, ZMQ_EVENT_LISTENING, endpoint);
    expect_event(server_monitor, ZMQ_EVENT_ACCEPTED, endpoint);
    expect_event(server_monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, endpoint);
    expect_event(client_monitor, ZMQ_EVENT_CONNECTED, endpoint);
    expect_event(client_monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, endpoint);
    close_socket(world, client);
    expect_event(server_monitor, ZMQ_EVENT_DISCONNECTED, endpoint);
    expect_stopped(client_monitor);
}

static void test_inproc_is_not_watched(void **state)
{
    struct world *world = *state;
    void *socket = open_socket(world, ZMQ_PULL);
    void *monitor = watch(world, socket, ZMQ_EVENT_ALL);
    char endpoint[ENDPOINT_MAX];
    bind_any(world, socket, "inproc", endpoint);
    void *peer = open_socket(world, ZMQ_PUSH);
    assert_ok(zmq_connect(peer, endpoint));
    send_str(peer, "hello");
    expect_str(socket, "hello");
    bind_any(world, socket, "tcp", endpoint);
    expect_event(monitor, ZMQ_EVENT_LISTENING, endpoint);
}

static void test_nobody_to_connect_to(void **state)
{
    struct world *world = *state;
    static const char *const endpoints[] = {"tcp://127.0.0.1:1", "ipc:///nonexistent/directory/socket"};
    for (int i = 0; i < 2; i++) {
        void *client = open_socket(world, ZMQ_PUSH);
        set_int(client, ZMQ_RECONNECT_IVL, 20);
        void *monitor = watch(world, client, ZMQ_EVENT_ALL);
        assert_ok(zmq_connect(client, endpoints[i]));
        for (int round = 0; round < 3; round++) {
            if (i == 0)
                expect_event(monitor, ZMQ_EVENT_CONNECT_DELAYED, endpoints[i]);
            expect_event(monitor, ZMQ_EVENT_CLOSED, endpoints[i]);
            const struct event retried = expect_event(monitor, ZMQ_EVENT_CONNECT_RETRIED, endpoints[i]);
            assert_in_range(retried.value, 20, 40);
        }
    }
}

static void test_failed_binds(void **state)
{
    struct world *world = *state;
    void *first = open_socket(world, ZMQ_PULL);
    void *second = open_socket(world, ZMQ_PULL);
    char endpoint[ENDPOINT_MAX];
    bind_any(world, first, "tcp", endpoint);
    void *monitor = watch(world, second, ZMQ_EVENT_ALL);
    assert_fails(zmq_bind(second, endpoint), EADDRINUSE);
    assert_int_equal(await_event(monitor, ZMQ_EVENT_BIND_FAILED).value, EADDRINUSE);
    assert_fails(zmq_bind(second, "tcp://8.8.8.8:5555"), EADDRNOTAVAIL);
    assert_int_equal(await_event(monitor, ZMQ_EVENT_BIND_FAILED).value, EADDRNOTAVAIL);
    assert_fails(zmq_bind(second, "ipc:///nonexistent/directory/x"), ENOENT);
    assert_int_equal(await_event(monitor, ZMQ_EVENT_BIND_FAILED).value, ENOENT);
}

static void test_the_mask_selects(void **state)
{
    struct world *world = *state;
    void *server = open_socket(world, ZMQ_PULL);
    void *client = open_socket(world, ZMQ_PUSH);
    void *server_monitor = watch(world, server, ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED);
    void *client_monitor = watch(world, client, ZMQ_EVENT_CONNECTED | ZMQ_EVENT_MONITOR_STOPPED);
    char endpoint[ENDPOINT_MAX];
    bind_any(world, server, "tcp", endpoint);
    assert_ok(zmq_connect(client, endpoint));
    send_str(client, "hello");
    expect_str(server, "hello");
    expect_event(server_monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, endpoint);
    close_socket(world, client);
    expect_event(server_monitor, ZMQ_EVENT_DISCONNECTED, endpoint);
    expect_event(client_monitor, ZMQ_EVENT_CONNECTED, endpoint);
    expect_stopped(client_monitor);
}

static void test_stopping(void **state)
{
    struct world *world = *state;
    void *socket = open_socket(world, ZMQ_PULL);
    assert_ok(zmq_socket_monitor(socket, NULL, 0));
    void *monitor = watch(world, socket, ZMQ_EVENT_ALL);
    assert_ok(zmq_socket_monitor(socket, NULL, 0));
    expect_stopped(monitor);
    assert_ok(zmq_socket_monitor(socket, NULL, ZMQ_EVENT_ALL));
    /* Nothing is reported any more, until a new monitor is there. */
    char endpoint[ENDPOINT_MAX];
    bind_any(world, socket, "tcp", endpoint);
    void *next = watch(world, socket, ZMQ_EVENT_ALL);
    bind_any(world, socket, "tcp", endpoint);
    expect_event(next, ZMQ_EVENT_LISTENING, endpoint);
    expect_nothing(monitor);
}

static void test_a_second_monitor_replaces_the_first(void **state)
{
    struct world *world = *state;
    void *socket = open_socket(world, ZMQ_PULL);
    void *first = watch(world, socket, ZMQ_EVENT_ALL);
    void *second = watch(world, socket, ZMQ_EVENT_ALL);
    expect_stopped(first);
    char endpoint[ENDPOINT_MAX];
    bind_any(world, socket, "tcp", endpoint);
    expect_event(second, ZMQ_EVENT_LISTENING, endpoint);
    expect_nothing(first);
}

static void test_the_same_name_again(void **state)
{
    struct world *world = *state;
    void *socket = open_socket(world, ZMQ_PULL);
    void *monitors[3];
    for (int i = 0; i < 3; i++) {
        /* The monitor before may hold the name, and sockets that failed to get it their places, a moment longer. */
        while (zmq_socket_monitor(socket, "inproc://one-name", ZMQ_EVENT_ALL) != 0) {
            assert_true(errno == EADDRINUSE || errno == EMFILE);
            sched_yield();
        }
        monitors[i] = open_socket(world, ZMQ_PAIR);
        assert_ok(zmq_connect(monitors[i], "inproc://one-name"));
        if (i > 0)
            expect_stopped(monitors[i - 1]);
    }
    char endpoint[ENDPOINT_MAX];
    bind_any(world, socket, "tcp", endpoint);
    expect_event(monitors[2], ZMQ_EVENT_LISTENING, endpoint);
}

static void test_errors(void **state)
{
    struct world *world = *state;
    void *socket = open_socket(world, ZMQ_PULL);
    void *other = open_socket(world, ZMQ_PULL);
    assert_ok(zmq_bind(other, "inproc://taken"));
    assert_fails(zmq_socket_monitor(socket, "tcp://127.0.0.1:*", ZMQ_EVENT_ALL), EPROTONOSUPPORT);
    assert_fails(zmq_socket_monitor(socket, "ipc://*", ZMQ_EVENT_ALL), EPROTONOSUPPORT);
    assert_fails(zmq_socket_monitor(socket, "inproc://", ZMQ_EVENT_ALL), EINVAL);
    assert_fails(zmq_socket_monitor(socket, "", ZMQ_EVENT_ALL), EINVAL);
    assert_fails(zmq_socket_monitor(socket, "bogus", ZMQ_EVENT_ALL), EINVAL);
    assert_fails(zmq_socket_monitor(socket, "inproc://taken", ZMQ_EVENT_ALL), EADDRINUSE);
    /* The socket itself is none the worse for it. */
    void *monitor = watch(world, socket, ZMQ_EVENT_ALL);
    char endpoint[ENDPOINT_MAX];
    bind_any(world, socket, "tcp", endpoint);
    expect_event(monitor, ZMQ_EVENT_LISTENING, endpoint);
}

static void test_a_peer_that_leaves_before_the_handshake(void **state)
{
    struct world *world = *state;
    void *server = open_socket(world, ZMQ_PULL);
    char endpoint[ENDPOINT_MAX];
    bind_any(world, server, "tcp", endpoint);
    void *monitor = watch(world, server, ZMQ_EVENT_ALL);
    const int fd = raw_connect(world, endpoint);
    const struct event accepted = expect_event(monitor, ZMQ_EVENT_ACCEPTED, endpoint);
    assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
    expect_event(monitor, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, endpoint);
    const struct event gone = expect_event(monitor, ZMQ_EVENT_DISCONNECTED, endpoint);
    assert_int_equal(gone.value, accepted.value);
}

static void test_a_peer_with_another_mechanism(void **state)
{
    struct world *world = *state;
    void *server = open_socket(world, ZMQ_PULL);
    char endpoint[ENDPOINT_MAX];
    bind_any(world, server, "tcp", endpoint);
    void *monitor = watch(world, server, ZMQ_EVENT_ALL);
    static const uint8_t greeting[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0, 'P', 'L', 'A', 'I', 'N'};
    const int fd = raw_connect(world, endpoint);
    raw_write(fd, greeting, sizeof greeting);
    expect_event(monitor, ZMQ_EVENT_ACCEPTED, endpoint);
    const struct event failed = expect_event(monitor, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, endpoint);
    assert_int_equal(failed.value, ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH);
    expect_event(monitor, ZMQ_EVENT_DISCONNECTED, endpoint);
    raw_expect_close(fd);
}

static void test_every_socket_type(void **state)
{
    struct world *world = *state;
    for (int type = ZMQ_PAIR; type <= ZMQ_STREAM; type++) {
        void *socket = open_socket(world, type);
        void *monitor = watch(world, socket, ZMQ_EVENT_ALL);
        char endpoint[ENDPOINT_MAX];
        bind_any(world, socket, "tcp", endpoint);
        expect_event(monitor, ZMQ_EVENT_LISTENING, endpoint);
        close_socket(world, socket);
        expect_event(monitor, ZMQ_EVENT_CLOSED, endpoint);
        expect_stopped(monitor);
    }
}

/* Owned by its thread until joined. */
struct reader {
    pthread_t thread;
    void *monitor;
    int connections;
    int ends;
    bool stopped;
};

static void *reader_main(void *argument)
{
    struct reader *reader = argument;
    uint8_t head[6];
    char address[ENDPOINT_MAX];
    while (!reader->stopped && zmq_recv(reader->monitor, head, sizeof head, 0) == 6 &&
           zmq_recv(reader->monitor, address, sizeof address, 0) >= 0) {
        uint16_t kind;
        memcpy(&kind, head, sizeof kind);
        reader->connections += kind == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
        reader->ends += kind == ZMQ_EVENT_DISCONNECTED;
        reader->stopped = kind == ZMQ_EVENT_MONITOR_STOPPED;
    }
    return NULL;
}

static void test_reading_in_another_thread(void **state)
{
    struct world *world = *state;
    void *server = open_socket(world, ZMQ_PULL);
    char endpoint[ENDPOINT_MAX];
    bind_any(world, server, "tcp", endpoint);
    struct reader reader = {.monitor = watch(world, server, ZMQ_EVENT_ALL)};
    assert_int_equal(pthread_create(&reader.thread, NULL, reader_main, &reader), 0);
    for (int i = 0; i < 30; i++) {
        void *client = open_socket(world, ZMQ_PUSH);
        assert_ok(zmq_connect(client, endpoint));
        send_str(client, "hello");
        expect_str(server, "hello");
        close_socket(world, client);
    }
    close_socket(world, server);
    pthread_join(reader.thread, NULL);
    assert_true(reader.stopped);
    assert_int_equal(reader.connections, 30);
    assert_in_range(reader.ends, 1, 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_frames),
        world_test(test_a_server_s_life),
        world_test(test_a_client_s_life),
        world_test(test_ipc),
        world_test(test_inproc_is_not_watched),
        world_test(test_nobody_to_connect_to),
        world_test(test_failed_binds),
        world_test(test_the_mask_selects),
        world_test(test_stopping),
        world_test(test_a_second_monitor_replaces_the_first),
        world_test(test_the_same_name_again),
        world_test(test_errors),
        world_test(test_a_peer_that_leaves_before_the_handshake),
        world_test(test_a_peer_with_another_mechanism),
        world_test(test_every_socket_type),
        world_test(test_reading_in_another_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
