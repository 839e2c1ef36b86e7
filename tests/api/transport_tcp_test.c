/* SPDX-License-Identifier: ISC */
/* tcp: addresses of all kinds, what its options do to the descriptors, and how connections come back. */
#include "pattern.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int port_of(const char *endpoint)
{
    const char *colon = strrchr(endpoint, ':');
    assert_non_null(colon);
    const int port = atoi(colon + 1);
    assert_in_range(port, 1, 65535);
    return port;
}

static void endpoint_at(char endpoint[ENDPOINT_MAX], const char *host, int port)
{
    snprintf(endpoint, ENDPOINT_MAX, "tcp://%s:%d", host, port);
}

static bool has_ipv6(void)
{
    const struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool works = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0)
        close(fd);
    return works;
}

/* A PUSH connected there gets a message to this PULL. */
static void reaches(struct world *world, void *pull, const char *endpoint, bool ipv6)
{
    void *push = open_socket(world, ZMQ_PUSH);
    set_int(push, ZMQ_IPV6, ipv6);
    assert_ok(zmq_connect(push, endpoint));
    send_str(push, "reached");
    expect_str(pull, "reached");
    close_socket(world, push);
}

static void test_wildcards_and_names(void **state)
{
    struct world *world = *state;
    static const char *const forms[][2] = {
        {"tcp://127.0.0.1:*", "tcp://127.0.0.1:"}, {"tcp://127.0.0.1:0", "tcp://127.0.0.1:"},
        {"tcp://*:*", "tcp://0.0.0.0:"},           {"tcp://0.0.0.0:0", "tcp://0.0.0.0:"},
        {"tcp://lo:*", "tcp://127.0.0.1:"},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        char endpoint[ENDPOINT_MAX];
        void *pull = open_socket(world, ZMQ_PULL);
        assert_ok(zmq_bind(pull, forms[i][0]));
        last_endpoint(pull, endpoint);
        assert_memory_equal(endpoint, forms[i][1], strlen(forms[i][1]));
        const int port = port_of(endpoint);
        endpoint_at(endpoint, "127.0.0.1", port);
        reaches(world, pull, endpoint, false);
        endpoint_at(endpoint, "localhost", port);
        reaches(world, pull, endpoint, false);
        last_endpoint(pull, endpoint);
        assert_ok(zmq_unbind(pull, endpoint));
    }
}

static void test_many_endpoints_on_one_socket(void **state)
{
    struct world *world = *state;
    char endpoints[4][ENDPOINT_MAX];
    void *pull = open_socket(world, ZMQ_PULL);
    for (int i = 0; i < 4; i++)
        bind_any(world, pull, i % 2 ? "ipc" : "tcp", endpoints[i]);
    for (int i = 0; i < 4; i++)
        reaches(world, pull, endpoints[i], false);
    assert_ok(zmq_unbind(pull, endpoints[0]));
    reaches(world, pull, endpoints[2], false);
}

static void test_ipv6(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    if (!has_ipv6())
        skip();
    void *pull = open_socket(world, ZMQ_PULL);
    assert_fails(zmq_bind(pull, "tcp://[::1]:*"), ENODEV);
    set_int(pull, ZMQ_IPV6, 1);
    assert_ok(zmq_bind(pull, "tcp://[::1]:*"));
    last_endpoint(pull, endpoint);
    assert_memory_equal(endpoint, "tcp://[::1]:", 12);
    reaches(world, pull, endpoint, true);
}

static void test_one_listener_for_both_families(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    if (!has_ipv6())
        skip();
    void *pull = open_socket(world, ZMQ_PULL);
    set_int(pull, ZMQ_IPV6, 1);
    assert_ok(zmq_bind(pull, "tcp://*:*"));
    last_endpoint(pull, endpoint);
    assert_memory_equal(endpoint, "tcp://[::]:", 11);
    const int port = port_of(endpoint);
    endpoint_at(endpoint, "127.0.0.1", port);
    reaches(world, pull, endpoint, false);
    reaches(world, pull, endpoint, true);
    endpoint_at(endpoint, "[::1]", port);
    reaches(world, pull, endpoint, true);
}

static void test_address_in_use(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *first = open_socket(world, ZMQ_PULL);
    void *second = open_socket(world, ZMQ_PULL);
    bind_any(world, first, "tcp", endpoint);
    assert_fails(zmq_bind(second, endpoint), EADDRINUSE);
    assert_fails(zmq_bind(first, endpoint), EADDRINUSE);
    void *monitor = watch(world, second, ZMQ_EVENT_BIND_FAILED);
    assert_returns(zmq_bind(second, endpoint), -1); /* libzmq 4.3.4 loses the error number to the monitor */
    assert_int_equal(await_event(monitor, ZMQ_EVENT_BIND_FAILED).value, EADDRINUSE);
    close_socket(world, first);
    void *third = open_socket(world, ZMQ_PULL);
    bind_again(third, endpoint);
    reaches(world, third, endpoint, false);
}

static void test_source_address(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    char both[ENDPOINT_MAX + 32];
    const int listener = raw_listen(world, endpoint);
    void *push = open_socket(world, ZMQ_PUSH);
    snprintf(both, sizeof both, "tcp://127.0.0.3:0;%s", endpoint + strlen("tcp://"));
    assert_ok(zmq_connect(push, both));
    struct sockaddr_in peer;
    socklen_t size = sizeof peer;
    assert_int_equal(getpeername(raw_accept(world, listener), (struct sockaddr *)&peer, &size), 0);
    assert_int_equal(peer.sin_addr.s_addr, htonl(0x7f000003));
    assert_ok(zmq_disconnect(push, both));
}

static void test_accept_filter(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    char both[ENDPOINT_MAX + 32];
    void *pull = open_socket(world, ZMQ_PULL);
    set_bytes(pull, ZMQ_TCP_ACCEPT_FILTER, "127.0.0.2/32", 12);
    set_bytes(pull, ZMQ_TCP_ACCEPT_FILTER, "10.0.0.0/8", 10);
    void *monitor = watch(world, pull, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_ACCEPT_FAILED);
    bind_any(world, pull, "tcp", endpoint);
    const int refused = raw_connect(world, endpoint);
    raw_expect_close(refused);
    assert_int_equal(next_event(monitor).kind, ZMQ_EVENT_ACCEPT_FAILED);
    snprintf(both, sizeof both, "tcp://127.0.0.2:0;%s", endpoint + strlen("tcp://"));
    reaches(world, pull, both, false);
    assert_int_equal(next_event(monitor).kind, ZMQ_EVENT_ACCEPTED);
}

/* Filters are those of the moment of zmq_bind: to clear them afterwards opens no endpoint that is bound already. */
static void test_accept_filters_of_the_bind_hold(void **state)
{
    struct world *world = *state;
    char closed[ENDPOINT_MAX];
    char open[ENDPOINT_MAX];
    void *pull = open_socket(world, ZMQ_PULL);
    void *monitor = watch(world, pull, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_ACCEPT_FAILED);
    set_bytes(pull, ZMQ_TCP_ACCEPT_FILTER, "10.0.0.0/8", 10);
    bind_any(world, pull, "tcp", closed);
    set_bytes(pull, ZMQ_TCP_ACCEPT_FILTER, NULL, 0);
    bind_any(world, pull, "tcp", open);
    set_bytes(pull, ZMQ_TCP_ACCEPT_FILTER, "10.0.0.0/8", 10);
    raw_expect_close(raw_connect(world, closed));
    assert_int_equal(next_event(monitor).kind, ZMQ_EVENT_ACCEPT_FAILED);
    reaches(world, pull, open, false);
    assert_int_equal(next_event(monitor).kind, ZMQ_EVENT_ACCEPTED);
}

static int socket_option(int fd, int level, int option)
{
    int value = -1;
    socklen_t size = sizeof value;
    assert_int_equal(getsockopt(fd, level, option, &value, &size), 0);
    return value;
}

static void set_descriptor_options(void *socket)
{
    set_int(socket, ZMQ_TCP_KEEPALIVE, 1);
    set_int(socket, ZMQ_TCP_KEEPALIVE_CNT, 7);
    set_int(socket, ZMQ_TCP_KEEPALIVE_IDLE, 123);
    set_int(socket, ZMQ_TCP_KEEPALIVE_INTVL, 11);
    set_int(socket, ZMQ_TOS, 0x28);
    set_int(socket, ZMQ_SNDBUF, 20000);
    set_int(socket, ZMQ_RCVBUF, 20000);
    set_int(socket, ZMQ_TCP_MAXRT, 5000);
}

/* The monitor tells the descriptors, so what the options did to them can be read. */
static void test_descriptor_options(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = open_socket(world, ZMQ_PULL);
    void *push = open_socket(world, ZMQ_PUSH);
    set_descriptor_options(pull);
    set_descriptor_options(push);
    set_int(pull, ZMQ_BACKLOG, 5);
    void *monitors[] = {watch(world, pull, ZMQ_EVENT_ACCEPTED), watch(world, push, ZMQ_EVENT_CONNECTED)};
    bind_any(world, pull, "tcp", endpoint);
    assert_ok(zmq_connect(push, endpoint));
    send_str(push, "x");
    expect_str(pull, "x");
    for (int i = 0; i < 2; i++) {
        const int fd = (int)next_event(monitors[i]).value;
        assert_int_equal(socket_option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
        assert_int_equal(socket_option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
        assert_int_equal(socket_option(fd, IPPROTO_TCP, TCP_KEEPCNT), 7);
        assert_int_equal(socket_option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 123);
        assert_int_equal(socket_option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 11);
        assert_int_equal(socket_option(fd, IPPROTO_IP, IP_TOS), 0x28);
        assert_int_equal(socket_option(fd, SOL_SOCKET, SO_SNDBUF), 40000);
        assert_int_equal(socket_option(fd, SOL_SOCKET, SO_RCVBUF), 40000);
    }
}

static void test_bind_to_device(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = open_socket(world, ZMQ_PULL);
    set_bytes(pull, ZMQ_BINDTODEVICE, "lo", 2);
    if (zmq_bind(pull, "tcp://127.0.0.1:*") != 0) {
        assert_int_equal(errno, EPERM);
        skip();
    }
    last_endpoint(pull, endpoint);
    void *push = open_socket(world, ZMQ_PUSH);
    set_bytes(push, ZMQ_BINDTODEVICE, "lo", 2);
    assert_ok(zmq_connect(push, endpoint));
    send_str(push, "through lo");
    expect_str(pull, "through lo");
    void *nowhere = open_socket(world, ZMQ_PULL);
    set_bytes(nowhere, ZMQ_BINDTODEVICE, "nosuchdev0", 10);
    assert_fails(zmq_bind(nowhere, "tcp://127.0.0.1:*"), ENODEV);
}

/* A listening descriptor made by somebody else, as a service manager hands it over. */
static void test_use_fd(void **state)
{
    struct world *world = *state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    char endpoint[ENDPOINT_MAX];
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    endpoint_at(endpoint, "127.0.0.1", ntohs(address.sin_port));
    void *pull = open_socket(world, ZMQ_PULL);
    set_int(pull, ZMQ_USE_FD, fd);
    void *monitor = watch(world, pull, ZMQ_EVENT_LISTENING);
    assert_ok(zmq_bind(pull, endpoint));
    assert_int_equal(next_event(monitor).value, fd);
    char told[ENDPOINT_MAX];
    last_endpoint(pull, told);
    assert_string_equal(told, endpoint);
    reaches(world, pull, endpoint, false);
    reaches(world, pull, endpoint, false);
}

/* Ends it with a RST instead of a FIN. The descriptor stays valid for the fixture to close: it is another one then. */
static void reset_connection(int fd)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    assert_int_equal(dup2(STDERR_FILENO, fd), fd);
}

static void test_comes_back_after_each_break(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    uint8_t ready[256];
    const int listener = raw_listen(world, endpoint);
    void *dealer = open_socket(world, ZMQ_DEALER);
    set_int(dealer, ZMQ_RECONNECT_IVL, 5);
    void *monitor = watch(world, dealer, ZMQ_EVENT_ALL);
    assert_ok(zmq_connect(dealer, endpoint));
    for (int i = 0; i < 5; i++) {
        const int fd = raw_accept(world, listener);
        await_event(monitor, ZMQ_EVENT_CONNECTED);
        raw_handshake(fd, "DEALER", ready);
        await_event(monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
        if (i % 2)
            reset_connection(fd);
        else
            assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
        await_event(monitor, ZMQ_EVENT_DISCONNECTED);
        const struct event retry = await_event(monitor, ZMQ_EVENT_CONNECT_RETRIED);
        assert_in_range(retry.value, 5, 10);
        assert_string_equal(retry.address, endpoint);
    }
}

/* A port where nobody listens: bound, so that nobody else can come to listen there. */
static void dead_endpoint(struct world *world, char endpoint[ENDPOINT_MAX])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    const int fd = keep_fd(world, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    endpoint_at(endpoint, "127.0.0.1", ntohs(address.sin_port));
}

static void test_refused_and_tried_again(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    dead_endpoint(world, endpoint);
    void *push = open_socket(world, ZMQ_PUSH);
    set_int(push, ZMQ_RECONNECT_IVL, 5);
    void *monitor = watch(world, push, ZMQ_EVENT_ALL);
    assert_ok(zmq_connect(push, endpoint));
    for (int i = 0; i < 5; i++) {
        assert_int_equal(next_event(monitor).kind, ZMQ_EVENT_CONNECT_DELAYED);
        assert_int_equal(next_event(monitor).kind, ZMQ_EVENT_CLOSED);
        const struct event retry = next_event(monitor);
        assert_int_equal(retry.kind, ZMQ_EVENT_CONNECT_RETRIED);
        assert_in_range(retry.value, 5, 10);
    }
}

/* The delays double until they are about the maximum. */
static void test_growing_delays(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    dead_endpoint(world, endpoint);
    void *push = open_socket(world, ZMQ_PUSH);
    set_int(push, ZMQ_RECONNECT_IVL, 5);
    set_int(push, ZMQ_RECONNECT_IVL_MAX, 40);
    void *monitor = watch(world, push, ZMQ_EVENT_CONNECT_RETRIED);
    assert_ok(zmq_connect(push, endpoint));
    assert_in_range(next_event(monitor).value, 5, 10);
    assert_in_range(next_event(monitor).value, 10, 20);
    assert_in_range(next_event(monitor).value, 20, 30);
    for (int i = 0; i < 3; i++)
        assert_in_range(next_event(monitor).value, 40, 50);
}

/* With the interval -1 the first failure is the last: the next events belong to another endpoint. */
static void gives_up(struct world *world, int option, int value)
{
    char dead[ENDPOINT_MAX];
    char alive[ENDPOINT_MAX];
    dead_endpoint(world, dead);
    raw_listen(world, alive);
    void *push = open_socket(world, ZMQ_PUSH);
    set_int(push, option, value);
    void *monitor = watch(world, push, ZMQ_EVENT_ALL);
    assert_ok(zmq_connect(push, dead));
    assert_int_equal(next_event(monitor).kind, ZMQ_EVENT_CONNECT_DELAYED);
    assert_int_equal(next_event(monitor).kind, ZMQ_EVENT_CLOSED);
    assert_ok(zmq_connect(push, alive));
    struct event event = next_event(monitor);
    assert_int_equal(event.kind, ZMQ_EVENT_CONNECT_DELAYED);
    event = next_event(monitor);
    assert_int_equal(event.kind, ZMQ_EVENT_CONNECTED);
    assert_string_equal(event.address, alive);
}

static void test_giving_up(void **state)
{
    gives_up(*state, ZMQ_RECONNECT_IVL, -1);
    gives_up(*state, ZMQ_RECONNECT_STOP, ZMQ_RECONNECT_STOP_CONN_REFUSED);
}

/* A listener whose queue is full does not answer at all. */
static void test_connect_timeout(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    dead_endpoint(world, endpoint);
    assert_int_equal(listen(world->fds[world->fd_count - 1], 0), 0);
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)port_of(endpoint)),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int i = 0; i < 4; i++) {
        const int fd = keep_fd(world, socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        connect(fd, (const struct sockaddr *)&address, sizeof address);
    }
    void *push = open_socket(world, ZMQ_PUSH);
    set_int(push, ZMQ_CONNECT_TIMEOUT, 50);
    set_int(push, ZMQ_RECONNECT_IVL, 5);
    void *monitor = watch(world, push, ZMQ_EVENT_ALL);
    assert_ok(zmq_connect(push, endpoint));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(next_event(monitor).kind, ZMQ_EVENT_CONNECT_DELAYED);
        assert_int_equal(next_event(monitor).kind, ZMQ_EVENT_CLOSED);
        assert_int_equal(next_event(monitor).kind, ZMQ_EVENT_CONNECT_RETRIED);
    }
}

static void test_many_connections(void **state)
{
    enum { COUNT = 100 };
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *router = open_socket(world, ZMQ_ROUTER);
    bind_any(world, router, "tcp", endpoint);
    void *dealers[COUNT];
    for (int i = 0; i < COUNT; i++) {
        dealers[i] = open_socket(world, ZMQ_DEALER);
        assert_ok(zmq_connect(dealers[i], endpoint));
        send_bytes(dealers[i], &i, sizeof i, 0);
    }
    for (int i = 0; i < COUNT; i++) {
        uint8_t id[6];
        int number;
        assert_returns(zmq_recv(router, id, sizeof id, 0), 5);
        assert_returns(zmq_recv(router, &number, sizeof number, 0), sizeof number);
        send_bytes(router, id, 5, ZMQ_SNDMORE);
        send_bytes(router, &number, sizeof number, 0);
    }
    for (int i = 0; i < COUNT; i++)
        expect_bytes(dealers[i], &i, sizeof i);
}

/* Peers that connect and say nothing hold up nobody. */
static void test_silent_peers(void **state)
{
    enum { COUNT = 50 };
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = open_socket(world, ZMQ_PULL);
    bind_any(world, pull, "tcp", endpoint);
    for (int i = 0; i < COUNT; i++)
        raw_connect(world, endpoint);
    reaches(world, pull, endpoint, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_wildcards_and_names),
        world_test(test_many_endpoints_on_one_socket),
        world_test(test_ipv6),
        world_test(test_one_listener_for_both_families),
        world_test(test_address_in_use),
        world_test(test_source_address),
        world_test(test_accept_filter),
        world_test(test_accept_filters_of_the_bind_hold),
        world_test(test_descriptor_options),
        world_test(test_bind_to_device),
        world_test(test_use_fd),
        world_test(test_comes_back_after_each_break),
        world_test(test_refused_and_tried_again),
        world_test(test_growing_delays),
        world_test(test_giving_up),
        world_test(test_connect_timeout),
        world_test(test_many_connections),
        world_test(test_silent_peers),
    };
    return cmocka_run_group_tests_name("tcp", tests, NULL, NULL);
}
