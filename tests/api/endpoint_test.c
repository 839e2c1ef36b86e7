/* SPDX-License-Identifier: ISC */
/* Endpoints: what bind, connect, unbind and disconnect take and refuse, and what they leave behind. */
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct refusal {
    const char *endpoint;
    int number;
};

static void test_bind_refuses(void **state)
{
    struct world *world = *state;
    static const struct refusal refusals[] = {
        {"", EINVAL},
        {"tcp", EINVAL},
        {"tcp:", EINVAL},
        {"tcp:/", EINVAL},
        {"tcp://", EINVAL},
        {"tcp:*", EINVAL},
        {"//a", EINVAL},
        {"://a", EINVAL},
        {"bogus://", EINVAL},
        {"bogus://a", EPROTONOSUPPORT},
        {"TCP://127.0.0.1:*", EPROTONOSUPPORT},
        {"inprocs://a", EPROTONOSUPPORT},
        {"tcp://*", EINVAL},
        {"tcp://127.0.0.1", EINVAL},
        {"tcp://127.0.0.1:", EINVAL},
        {"tcp://127.0.0.1:abc", EINVAL},
        {"tcp://127.0.0.1:65536", EINVAL},
        {"tcp://127.0.0.1:*/", EINVAL},
        {"tcp://*:!", EINVAL},
        {"tcp://1.2.3.4.5:1234", ENODEV},
        {"tcp://nosuchif0:5555", ENODEV},
        {"tcp:// 127.0.0.1:*", ENODEV},
        {"tcp://127.0.0.1:*:*", ENODEV},
        {"tcp://:5555", ENODEV},
        {"tcp://::1:*", ENODEV},
        {"tcp://[::1]:*", ENODEV},
        {"tcp://8.8.8.8:5555", EADDRNOTAVAIL},
        {"ipc://", EINVAL},
        {"ipc://@", EINVAL},
        {"ipc:///nonexistent/directory/x", ENOENT},
        {"inproc://", EINVAL},
    };
    for (int type = ZMQ_PAIR; type < ZMQ_STREAM; type++) {
        void *socket = open_socket(world, type);
        for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
            errno = 0;
            if (zmq_bind(socket, refusals[i].endpoint) != -1 || errno != refusals[i].number)
                fail_msg("type %d, %s: %s", type, refusals[i].endpoint, zmq_strerror(errno));
        }
        char endpoint[ENDPOINT_MAX];
        last_endpoint(socket, endpoint);
        assert_string_equal(endpoint, "");
    }
}

static void test_connect_refuses(void **state)
{
    struct world *world = *state;
    static const struct refusal refusals[] = {
        {"", EINVAL},
        {"tcp", EINVAL},
        {"tcp:", EINVAL},
        {"tcp:/", EINVAL},
        {"tcp://", EINVAL},
        {"tcp:*", EINVAL},
        {"://a", EINVAL},
        {"bogus://", EINVAL},
        {"bogus://a", EPROTONOSUPPORT},
        {"TCP://127.0.0.1:1", EPROTONOSUPPORT},
        {"tcp://*", EINVAL},
        {"tcp://*:5555", EINVAL},
        {"tcp://127.0.0.1", EINVAL},
        {"tcp://127.0.0.1:", EINVAL},
        {"tcp://127.0.0.1:*", EINVAL},
        {"tcp://127.0.0.1:abc", EINVAL},
        {"tcp://127.0.0.1:5/", EINVAL},
        {"tcp://127.0.0.1:5 ", EINVAL},
        {"tcp://;127.0.0.1:6", EINVAL},
        {"tcp://bogus host:5", EINVAL},
        {"tcp://-:5", EINVAL},
        {"tcp://@:5", EINVAL},
        {"ipc://", EINVAL},
        {"ipc://@", EINVAL},
        {"inproc://", EINVAL},
    };
    for (int type = ZMQ_PAIR; type < ZMQ_STREAM; type++) {
        void *socket = open_socket(world, type);
        for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
            errno = 0;
            if (zmq_connect(socket, refusals[i].endpoint) != -1 || errno != refusals[i].number)
                fail_msg("type %d, %s: %s", type, refusals[i].endpoint, zmq_strerror(errno));
        }
    }
}

static void test_connecting_never_waits_for_the_peer(void **state)
{
    struct world *world = *state;
    static const char *const endpoints[] = {
        "tcp://127.0.0.1:1",
        "tcp://localhost:1",
        "tcp://nosuchhost.invalid:1",
        "tcp://1.2.3.4.5:1",
        "tcp://[::1]:1",
        "tcp://lo:1",
        "tcp://a_b:5",
        "ipc:///nonexistent/directory/x",
        "ipc://@nobody-is-there",
        "ipc:///tmp",
        "inproc://nobody-is-there",
        "tcp://127.0.0.1:0;127.0.0.1:1",
    };
    void *socket = open_socket(world, ZMQ_PUSH);
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++) {
        char endpoint[ENDPOINT_MAX];
        assert_ok(zmq_connect(socket, endpoints[i]));
        last_endpoint(socket, endpoint);
        assert_string_equal(endpoint, endpoints[i]);
    }
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++) {
        assert_ok(zmq_disconnect(socket, endpoints[i]));
        assert_fails(zmq_disconnect(socket, endpoints[i]), ENOENT);
    }
}

static void test_unbind_and_disconnect_refuse(void **state)
{
    struct world *world = *state;
    static const struct refusal refusals[] = {
        {"tcp://127.0.0.1:1", ENOENT},
        {"inproc://absent", ENOENT},
        {"ipc:///tmp/absent", ENOENT},
        {"bogus", EINVAL},
        {"", EINVAL},
        {"bogus://x", EPROTONOSUPPORT},
        {"tcp://", EINVAL},
        {"inproc://", EINVAL},
    };
    void *socket = open_socket(world, ZMQ_DEALER);
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        assert_fails(zmq_unbind(socket, refusals[i].endpoint), refusals[i].number);
        assert_fails(zmq_disconnect(socket, refusals[i].endpoint), refusals[i].number);
    }
    assert_fails(zmq_unbind(socket, NULL), EINVAL);
    assert_fails(zmq_disconnect(socket, NULL), EINVAL);
}

static void test_wildcards_are_told_by_last_endpoint(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *given;
        const char *start;
    } binds[] = {
        {"tcp://*:*", "tcp://0.0.0.0:"},           {"tcp://*:0", "tcp://0.0.0.0:"},
        {"tcp://0.0.0.0:*", "tcp://0.0.0.0:"},     {"tcp://127.0.0.1:*", "tcp://127.0.0.1:"},
        {"tcp://127.0.0.1:0", "tcp://127.0.0.1:"}, {"tcp://lo:*", "tcp://127.0.0.1:"},
        {"tcp://lo:0", "tcp://127.0.0.1:"},
    };
    void *socket = open_socket(world, ZMQ_PULL);
    for (size_t i = 0; i < sizeof binds / sizeof *binds; i++) {
        char endpoint[ENDPOINT_MAX];
        int port = 0;
        assert_ok(zmq_bind(socket, binds[i].given));
        last_endpoint(socket, endpoint);
        assert_memory_equal(endpoint, binds[i].start, strlen(binds[i].start));
        assert_int_equal(sscanf(endpoint + strlen(binds[i].start), "%d", &port), 1);
        assert_in_range(port, 1, 65535);
        assert_fails(zmq_unbind(socket, binds[i].given), ENOENT);
        assert_ok(zmq_unbind(socket, endpoint));
        assert_fails(zmq_unbind(socket, endpoint), ENOENT);
    }
}

static void test_last_endpoint_follows_success_only(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *socket = open_socket(world, ZMQ_DEALER);
    assert_ok(zmq_bind(socket, "inproc://first"));
    assert_ok(zmq_connect(socket, "tcp://127.0.0.1:1"));
    assert_fails(zmq_bind(socket, "bogus"), EINVAL);
    assert_fails(zmq_bind(socket, "tcp://8.8.8.8:99"), EADDRNOTAVAIL);
    assert_fails(zmq_connect(socket, "tcp://*:1"), EINVAL);
    last_endpoint(socket, endpoint);
    assert_string_equal(endpoint, "tcp://127.0.0.1:1");
    assert_ok(zmq_connect(socket, "inproc://absent"));
    last_endpoint(socket, endpoint);
    assert_string_equal(endpoint, "inproc://absent");
    assert_ok(zmq_unbind(socket, "inproc://first"));
    last_endpoint(socket, endpoint);
    assert_string_equal(endpoint, "inproc://absent");
}

/* A socket that was closed or unbound may take a moment to let go of its address. */
static void bind_soon(void *socket, const char *endpoint)
{
    const int64_t end = now_ms() + DEADLINE_MS;
    while (zmq_bind(socket, endpoint) != 0) {
        assert_int_equal(errno, EADDRINUSE);
        assert_true(now_ms() < end);
    }
}

static void test_names_can_be_bound_once(void **state)
{
    struct world *world = *state;
    void *one = open_socket(world, ZMQ_PULL);
    void *other = open_socket(world, ZMQ_PULL);
    char endpoint[ENDPOINT_MAX];
    bind_any(world, one, "tcp", endpoint);
    assert_fails(zmq_bind(one, endpoint), EADDRINUSE);
    assert_fails(zmq_bind(other, endpoint), EADDRINUSE);
    bind_any(world, one, "inproc", endpoint);
    assert_fails(zmq_bind(one, endpoint), EADDRINUSE);
    assert_fails(zmq_bind(other, endpoint), EADDRINUSE);
    assert_ok(zmq_unbind(one, endpoint));
    assert_ok(zmq_bind(other, endpoint));
    close_socket(world, other);
    bind_soon(one, endpoint);
}

static void test_addresses_are_free_again(void **state)
{
    struct world *world = *state;
    static const char *const transports[] = {"tcp", "ipc", "inproc"};
    for (int i = 0; i < 3; i++) {
        char endpoint[ENDPOINT_MAX];
        void *first = open_socket(world, ZMQ_PULL);
        bind_any(world, first, transports[i], endpoint);
        for (int round = 0; round < 3; round++) {
            void *sender = open_socket(world, ZMQ_PUSH);
            assert_ok(zmq_connect(sender, endpoint));
            send_str(sender, "hello");
            expect_str(first, "hello");
            if (round % 2)
                assert_ok(zmq_unbind(first, endpoint));
            else
                close_socket(world, first);
            close_socket(world, sender);
            first = open_socket(world, ZMQ_PULL);
            bind_soon(first, endpoint);
        }
    }
}

static void test_several_endpoints_on_one_socket(void **state)
{
    struct world *world = *state;
    static const char *const transports[] = {"tcp", "ipc", "inproc", "tcp", "ipc", "inproc"};
    void *receiver = open_socket(world, ZMQ_PULL);
    char endpoints[6][ENDPOINT_MAX];
    for (int i = 0; i < 6; i++)
        bind_any(world, receiver, transports[i], endpoints[i]);
    for (int i = 0; i < 6; i++) {
        void *sender = open_socket(world, ZMQ_PUSH);
        assert_ok(zmq_connect(sender, endpoints[i]));
        send_str(sender, endpoints[i]);
        expect_str(receiver, endpoints[i]);
    }
    for (int i = 0; i < 6; i++) {
        assert_ok(zmq_unbind(receiver, endpoints[i]));
        assert_fails(zmq_unbind(receiver, endpoints[i]), ENOENT);
    }
}

static void test_unbound_endpoints_take_no_connection(void **state)
{
    struct world *world = *state;
    void *receiver = open_socket(world, ZMQ_PULL);
    char gone[ENDPOINT_MAX];
    char open[ENDPOINT_MAX];
    bind_any(world, receiver, "tcp", gone);
    bind_any(world, receiver, "tcp", open);
    void *monitor = watch(world, receiver, ZMQ_EVENT_CLOSED);
    assert_ok(zmq_unbind(receiver, gone));
    assert_string_equal(await_event(monitor, ZMQ_EVENT_CLOSED).address, gone);
    void *lost = open_socket(world, ZMQ_PUSH);
    void *lost_monitor = watch(world, lost, ZMQ_EVENT_ALL);
    assert_ok(zmq_connect(lost, gone));
    await_event(lost_monitor, ZMQ_EVENT_CLOSED | ZMQ_EVENT_CONNECT_RETRIED);
    void *sender = open_socket(world, ZMQ_PUSH);
    assert_ok(zmq_connect(sender, open));
    send_str(sender, "hello");
    expect_str(receiver, "hello");
}

static void test_unbinding_inproc_leaves_connections(void **state)
{
    struct world *world = *state;
    struct ends ends = join_pair(world, "inproc", ZMQ_PULL, ZMQ_PUSH);
    assert_ok(zmq_unbind(ends.bound, ends.endpoint));
    send_str(ends.connected, "still joined");
    expect_str(ends.bound, "still joined");
}

static void test_received_messages_outlive_unbind(void **state)
{
    struct world *world = *state;
    struct ends ends = join_pair(world, "tcp", ZMQ_PULL, ZMQ_PUSH);
    send_str(ends.connected, "before");
    await_ready(ends.bound, ZMQ_POLLIN);
    assert_ok(zmq_unbind(ends.bound, ends.endpoint));
    expect_str(ends.bound, "before");
}

static void test_disconnect_ends_the_connection(void **state)
{
    struct world *world = *state;
    static const char *const transports[] = {"tcp", "ipc", "inproc"};
    for (int i = 0; i < 3; i++) {
        struct ends ends = join_pair_ready(world, transports[i], ZMQ_PULL, ZMQ_PUSH);
        send_str(ends.connected, "one");
        expect_str(ends.bound, "one");
        assert_ok(zmq_disconnect(ends.connected, ends.endpoint));
        assert_fails(zmq_disconnect(ends.connected, ends.endpoint), ENOENT);
        assert_fails(zmq_send(ends.connected, "two", 3, ZMQ_DONTWAIT), EAGAIN);
        assert_ok(zmq_connect(ends.connected, ends.endpoint));
        send_str(ends.connected, "three");
        expect_str(ends.bound, "three");
    }
}

static void test_disconnect_from_a_pending_endpoint(void **state)
{
    struct world *world = *state;
    static const char *const transports[] = {"ipc", "inproc"};
    for (int i = 0; i < 2; i++) {
        char endpoint[ENDPOINT_MAX];
        fresh_endpoint(world, transports[i], endpoint);
        void *sender = open_socket(world, ZMQ_PUSH);
        void *receiver = open_socket(world, ZMQ_PULL);
        assert_ok(zmq_connect(sender, endpoint));
        if (i == 0)
            send_str(sender, "dropped");
        assert_ok(zmq_disconnect(sender, endpoint));
        assert_ok(zmq_bind(receiver, endpoint));
        assert_fails(zmq_send(sender, "x", 1, ZMQ_DONTWAIT), EAGAIN);
        /* Only what is sent over a new connection arrives. */
        assert_ok(zmq_connect(sender, endpoint));
        send_str(sender, "kept");
        expect_str(receiver, "kept");
    }
}

static void test_disconnecting_one_leaves_the_others(void **state)
{
    struct world *world = *state;
    void *sender = open_socket(world, ZMQ_PUSH);
    void *receivers[3];
    char endpoints[3][ENDPOINT_MAX];
    for (int i = 0; i < 3; i++) {
        receivers[i] = open_socket(world, ZMQ_PULL);
        bind_any(world, receivers[i], i == 1 ? "inproc" : "tcp", endpoints[i]);
        assert_ok(zmq_connect(sender, endpoints[i]));
    }
    assert_ok(zmq_disconnect(sender, endpoints[0]));
    assert_ok(zmq_disconnect(sender, endpoints[1]));
    for (int i = 0; i < 10; i++) {
        send_str(sender, "third");
        expect_str(receivers[2], "third");
    }
}

static void test_connecting_twice(void **state)
{
    struct world *world = *state;
    /* For these types a second connection to the same endpoint makes no sense, and is not made. */
    static const struct {
        int type;
        int peer;
        int connections;
    } rows[] = {{ZMQ_DEALER, ZMQ_ROUTER, 1}, {ZMQ_REQ, ZMQ_ROUTER, 1}, {ZMQ_SUB, ZMQ_PUB, 1},
                {ZMQ_PUB, ZMQ_SUB, 1},       {ZMQ_PUSH, ZMQ_PULL, 2},  {ZMQ_PULL, ZMQ_PUSH, 2}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char endpoint[ENDPOINT_MAX];
        char second[ENDPOINT_MAX];
        void *bound = open_socket(world, rows[i].peer);
        void *connected = open_socket(world, rows[i].type);
        bind_any(world, bound, "tcp", endpoint);
        bind_any(world, bound, "tcp", second);
        void *monitor = watch(world, connected, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
        assert_ok(zmq_connect(connected, endpoint));
        assert_ok(zmq_connect(connected, endpoint));
        int connections = 0;
        for (; connections < rows[i].connections; connections++)
            assert_string_equal(next_event(monitor).address, endpoint);
        assert_ok(zmq_connect(connected, second));
        assert_string_equal(next_event(monitor).address, second);
        assert_ok(zmq_disconnect(connected, endpoint));
        assert_fails(zmq_disconnect(connected, endpoint), ENOENT);
        assert_ok(zmq_disconnect(connected, second));
    }
}

static void test_long_ipc_names(void **state)
{
    struct world *world = *state;
    void *socket = open_socket(world, ZMQ_PULL);
    void *peer = open_socket(world, ZMQ_PUSH);
    char endpoint[ENDPOINT_MAX];
    fresh_endpoint(world, "ipc", endpoint);
    strcat(endpoint, "-");
    const size_t longest = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
    const size_t start = strlen("ipc://");
    memset(endpoint + strlen(endpoint), 'p', sizeof endpoint - strlen(endpoint));
    endpoint[start + longest] = '\0';
    assert_ok(zmq_bind(socket, endpoint));
    assert_ok(zmq_connect(peer, endpoint));
    send_str(peer, "hello");
    expect_str(socket, "hello");
    for (size_t more = 1; more < 20; more++) {
        endpoint[start + longest + more - 1] = 'p';
        endpoint[start + longest + more] = '\0';
        assert_fails(zmq_bind(socket, endpoint), ENAMETOOLONG);
        assert_fails(zmq_connect(peer, endpoint), ENAMETOOLONG);
        endpoint[start] = '@';
        assert_fails(zmq_bind(socket, endpoint), ENAMETOOLONG);
        assert_fails(zmq_connect(peer, endpoint), ENAMETOOLONG);
        endpoint[start] = '/';
    }
}

static void test_abstract_ipc_names(void **state)
{
    struct world *world = *state;
    char path[ENDPOINT_MAX];
    char endpoint[ENDPOINT_MAX + 8];
    make_path(world, "abstract", path);
    snprintf(endpoint, sizeof endpoint, "ipc://@%s", path + 1);
    void *receiver = open_socket(world, ZMQ_PULL);
    void *sender = open_socket(world, ZMQ_PUSH);
    assert_ok(zmq_bind(receiver, endpoint));
    last_endpoint(receiver, path);
    assert_string_equal(path, endpoint);
    assert_ok(zmq_connect(sender, endpoint));
    send_str(sender, "hello");
    expect_str(receiver, "hello");
    assert_int_equal(access(endpoint + 6, F_OK), -1);
    assert_ok(zmq_unbind(receiver, endpoint));
}

static void test_ipc_wildcard_cleans_up(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *receiver = open_socket(world, ZMQ_PULL);
    void *sender = open_socket(world, ZMQ_PUSH);
    assert_ok(zmq_bind(receiver, "ipc://*"));
    last_endpoint(receiver, endpoint);
    assert_memory_equal(endpoint, "ipc://", 6);
    struct stat status;
    assert_int_equal(stat(endpoint + 6, &status), 0);
    assert_true(S_ISSOCK(status.st_mode));
    assert_ok(zmq_connect(sender, endpoint));
    send_str(sender, "hello");
    expect_str(receiver, "hello");
    close_socket(world, sender);
    close_socket(world, receiver);
    assert_ok(zmq_ctx_term(world->context));
    world->context = NULL;
    assert_int_equal(stat(endpoint + 6, &status), -1);
}

static void test_a_dead_process_s_ipc_socket_is_replaced(void **state)
{
    struct world *world = *state;
    char path[ENDPOINT_MAX];
    char endpoint[ENDPOINT_MAX + 8];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    make_path(world, "stale", path);
    snprintf(address.sun_path, sizeof address.sun_path, "%.100s", path);
    snprintf(endpoint, sizeof endpoint, "ipc://%s", path);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    close(fd);
    assert_int_equal(access(path, F_OK), 0);
    void *receiver = open_socket(world, ZMQ_PULL);
    void *sender = open_socket(world, ZMQ_PUSH);
    assert_ok(zmq_bind(receiver, endpoint));
    assert_ok(zmq_connect(sender, endpoint));
    send_str(sender, "hello");
    expect_str(receiver, "hello");
}

static void test_ipc_on_a_directory(void **state)
{
    struct world *world = *state;
    char path[ENDPOINT_MAX];
    char endpoint[ENDPOINT_MAX + 8];
    make_path(world, "directory", path);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(endpoint, sizeof endpoint, "ipc://%s", path);
    void *socket = open_socket(world, ZMQ_PULL);
    assert_fails(zmq_bind(socket, endpoint), EADDRINUSE);
}

static void test_inproc_names(void **state)
{
    struct world *world = *state;
    char longest[ENDPOINT_MAX] = "inproc://";
    memset(longest + 9, 'n', sizeof longest - 10);
    const char *const names[] = {"inproc://a",   "inproc://a b", "inproc:///", "inproc://*",
                                 "inproc://a:1", longest,        "inproc://A", "inproc://\xc3\xa4"};
    void *receiver = open_socket(world, ZMQ_PULL);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char endpoint[ENDPOINT_MAX];
        void *sender = open_socket(world, ZMQ_PUSH);
        assert_ok(zmq_bind(receiver, names[i]));
        last_endpoint(receiver, endpoint);
        assert_string_equal(endpoint, names[i]);
        assert_ok(zmq_connect(sender, names[i]));
        send_str(sender, names[i]);
        expect_str(receiver, names[i]);
    }
}

static void test_inproc_connect_before_bind(void **state)
{
    struct world *world = *state;
    void *senders[4];
    for (int i = 0; i < 4; i++) {
        senders[i] = open_socket(world, ZMQ_PUSH);
        assert_ok(zmq_connect(senders[i], "inproc://later"));
        send_str(senders[i], "early");
    }
    void *receiver = open_socket(world, ZMQ_PULL);
    assert_ok(zmq_bind(receiver, "inproc://later"));
    for (int i = 0; i < 4; i++)
        expect_str(receiver, "early");
    send_str(senders[1], "late");
    expect_str(receiver, "late");
}

static void test_tcp_source_address(void **state)
{
    struct world *world = *state;
    void *receiver = open_socket(world, ZMQ_PULL);
    void *sender = open_socket(world, ZMQ_PUSH);
    char endpoint[ENDPOINT_MAX];
    char with_source[ENDPOINT_MAX + 32];
    bind_any(world, receiver, "tcp", endpoint);
    snprintf(with_source, sizeof with_source, "tcp://127.0.0.2:0;%s", endpoint + 6);
    assert_ok(zmq_connect(sender, with_source));
    send_str(sender, "hello");
    zmq_msg_t message;
    assert_ok(zmq_msg_init(&message));
    assert_returns(zmq_msg_recv(&message, receiver, 0), 5);
    assert_string_equal(zmq_msg_gets(&message, "Peer-Address"), "127.0.0.2");
    assert_ok(zmq_msg_close(&message));
    assert_ok(zmq_disconnect(sender, with_source));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_bind_refuses),
        world_test(test_connect_refuses),
        world_test(test_connecting_never_waits_for_the_peer),
        world_test(test_unbind_and_disconnect_refuse),
        world_test(test_wildcards_are_told_by_last_endpoint),
        world_test(test_last_endpoint_follows_success_only),
        world_test(test_names_can_be_bound_once),
        world_test(test_addresses_are_free_again),
        world_test(test_several_endpoints_on_one_socket),
        world_test(test_unbound_endpoints_take_no_connection),
        world_test(test_unbinding_inproc_leaves_connections),
        world_test(test_received_messages_outlive_unbind),
        world_test(test_disconnect_ends_the_connection),
        world_test(test_disconnect_from_a_pending_endpoint),
        world_test(test_disconnecting_one_leaves_the_others),
        world_test(test_connecting_twice),
        world_test(test_long_ipc_names),
        world_test(test_abstract_ipc_names),
        world_test(test_ipc_wildcard_cleans_up),
        world_test(test_a_dead_process_s_ipc_socket_is_replaced),
        world_test(test_ipc_on_a_directory),
        world_test(test_inproc_names),
        world_test(test_inproc_connect_before_bind),
        world_test(test_tcp_source_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
