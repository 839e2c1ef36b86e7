/* SPDX-License-Identifier: ISC */
/* Connecting through a SOCKS5 proxy that does what is asked of it: what it is told, and that all works then. (A proxy
 * that refuses makes libzmq 4.3.4 abort now and then: tests/own has those.) */
#include "secure.h"
#include "socks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS (ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_CONNECT_RETRIED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED)

static void *open_server(struct world *world, int mechanism, char endpoint[ENDPOINT_MAX])
{
    void *server = open_socket(world, ZMQ_DEALER);

    secure_server(server, mechanism);
    bind_any(world, server, "tcp", endpoint);
    return server;
}

static void expect_exchange(void *one, void *other)
{
    send_str(one, "there");
    expect_str(other, "there");
    send_str(other, "and back");
    expect_str(one, "and back");
}

static void expect_proxy_event(void *monitor, int kind, const struct proxy *proxy)
{
    const struct event event = next_event(monitor);

    assert_int_equal(event.kind, kind);
    assert_string_equal(event.address, proxy->endpoint);
}

/* The monitor names the proxy; ZMQ_LAST_ENDPOINT and zmq_disconnect, what was connected to. */
static void test_every_mechanism(void **state)
{
    struct world *world = *state;

    for (int mechanism = ZMQ_NULL; mechanism <= ZMQ_CURVE; mechanism++) {
        char endpoint[ENDPOINT_MAX], last[ENDPOINT_MAX];
        struct forward forward;
        struct proxy proxy;
        void *server = open_server(world, mechanism, endpoint);
        void *client = open_socket(world, ZMQ_DEALER);
        void *monitor = watch(world, client, EVENTS);
        int fd;

        proxy_open(&proxy, world);
        proxy_use(&proxy, client);
        secure_client(client, mechanism);
        assert_ok(zmq_connect(client, endpoint));
        last_endpoint(client, last);
        assert_string_equal(last, endpoint);
        fd = proxy_accept(&proxy);
        proxy_dialogue(fd, endpoint);
        forward_start(&forward, &proxy, fd, endpoint);
        expect_proxy_event(monitor, ZMQ_EVENT_CONNECTED, &proxy);
        expect_proxy_event(monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, &proxy);
        expect_exchange(client, server);
        assert_ok(zmq_disconnect(client, endpoint));
        forward_stop(&forward);
        close_socket(world, client);
        close_socket(world, server);
    }
}

static void test_a_raw_peer(void **state)
{
    struct world *world = *state;
    void *client = open_socket(world, ZMQ_STREAM);
    uint8_t id[256];
    size_t id_size = sizeof id;
    struct proxy proxy;
    int fd;

    proxy_open(&proxy, world);
    proxy_use(&proxy, client);
    assert_ok(zmq_connect(client, "tcp://127.0.0.1:80"));
    fd = proxy_accept(&proxy);
    proxy_dialogue(fd, "tcp://127.0.0.1:80");
    assert_ok(zmq_getsockopt(client, ZMQ_ROUTING_ID, id, &id_size));
    id_size = (size_t)zmq_recv(client, id, sizeof id, 0);
    assert_in_range(id_size, 1, 255);
    expect_bytes(client, "", 0); /* connected */
    send_bytes(client, id, id_size, ZMQ_SNDMORE);
    send_bytes(client, "GET /", 5, 0);
    hears(fd, "GET /");
    says(fd, "200");
    expect_bytes(client, id, id_size);
    expect_bytes(client, "200", 3);
}

/* A new socket through a new proxy. Returns the proxy's end of the connection. */
static int begin(struct world *world, struct proxy *proxy, const char *user, size_t user_size, const char *password,
                 size_t password_size)
{
    void *client = open_socket(world, ZMQ_DEALER);

    proxy_open(proxy, world);
    proxy_use(proxy, client);
    if (user)
        set_bytes(client, SOCKS_USERNAME, user, user_size);
    if (password)
        set_bytes(client, SOCKS_PASSWORD, password, password_size);
    assert_ok(zmq_connect(client, "tcp://127.0.0.1:9"));
    return proxy_accept(proxy);
}

/* The dialogue is over: the peer greets. (libzmq 4.3.4 aborts when a socket is closed before that.) */
static void expect_greeting(int fd)
{
    uint8_t octet;

    raw_read(fd, &octet, 1);
    assert_int_equal(octet, 0xff);
}

/* The request of begin's socket, and what follows. */
static void finish(int fd)
{
    proxy_expect_request(fd, "tcp://127.0.0.1:9");
    says(fd, DONE);
    expect_greeting(fd);
}

static void test_authentication(void **state)
{
    struct proxy proxy;
    uint8_t said[3 + 255 + 255] = {1, 255, [2 + 255] = 255};
    char longest[255];
    int fd = begin(*state, &proxy, "user", 4, "pass\0word", 9);

    hears(fd, HELLO_PASSWORD);
    says(fd, PASSWORD);
    hears(fd, "\1\4user\x9pass\0word");
    says(fd, WELCOME);
    finish(fd);

    fd = begin(*state, &proxy, "user", 4, NULL, 0);
    hears(fd, HELLO_PASSWORD);
    says(fd, PASSWORD);
    hears(fd, "\1\4user\0");
    says(fd, WELCOME);
    finish(fd);

    memset(longest, 'x', sizeof longest);
    memset(said + 2, 'x', 255);
    memset(said + 3 + 255, 'x', 255);
    fd = begin(*state, &proxy, longest, sizeof longest, longest, sizeof longest);
    hears(fd, HELLO_PASSWORD);
    says(fd, PASSWORD);
    raw_expect(fd, said, sizeof said);
    says(fd, WELCOME);
    finish(fd);

    fd = begin(*state, &proxy, "user", 4, "password", 8); /* a proxy that asks nobody */
    hears(fd, HELLO_PASSWORD);
    says(fd, NO_AUTH);
    finish(fd);
}

static void test_no_user_is_no_authentication(void **state)
{
    struct proxy proxy;
    int fd = begin(*state, &proxy, "", 0, "password", 8);

    hears(fd, HELLO);
    says(fd, NO_AUTH);
    finish(fd);
    fd = begin(*state, &proxy, NULL, 0, "password", 8);
    hears(fd, HELLO);
    says(fd, NO_AUTH);
    finish(fd);
}

/* Names are the proxy's to look up, and addresses need no ZMQ_IPV6. */
static void test_destinations(void **state)
{
    static const struct {
        const char *endpoint;
        const uint8_t *request;
        size_t size;
        int ipv6;
    } cases[] = {
#define ASKS(text) ((const uint8_t *)(text)), sizeof(text) - 1
        {"tcp://127.0.0.1:258", ASKS("\5\1\0\1\x7f\0\0\1\1\2"), 0},
        {"tcp://127.0.0.1:258", ASKS("\5\1\0\1\x7f\0\0\1\1\2"), 1},
        {"tcp://[2001:db8::1]:80", ASKS("\5\1\0\4\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\x50"), 0},
        {"tcp://[2001:db8::1]:80", ASKS("\5\1\0\4\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\x50"), 1},
        {"tcp://localhost:80", ASKS("\5\1\0\3\x9localhost\0\x50"), 0},
        {"tcp://no-such.example:80", ASKS("\5\1\0\3\xfno-such.example\0\x50"), 1},
        {"tcp://[localhost]:80", ASKS("\5\1\0\3\x9localhost\0\x50"), 0},
        {"tcp://lo:80", ASKS("\5\1\0\3\2lo\0\x50"), 0},
#undef ASKS
    };
    struct world *world = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        void *client = open_socket(world, ZMQ_DEALER);
        struct proxy proxy;
        int fd;

        proxy_open(&proxy, world);
        proxy_use(&proxy, client);
        set_int(client, ZMQ_IPV6, cases[i].ipv6);
        assert_ok(zmq_connect(client, cases[i].endpoint));
        fd = proxy_accept(&proxy);
        hears(fd, HELLO);
        says(fd, NO_AUTH);
        raw_expect(fd, cases[i].request, cases[i].size);
        says(fd, DONE);
        expect_greeting(fd);
    }
}

/* Whatever the bound address is: what follows it at once is the peer's. */
static void test_bound_addresses(void **state)
{
    static const struct {
        const uint8_t *data;
        size_t size;
    } replies[] = {
#define REPLY(text) {(const uint8_t *)(text), sizeof(text) - 1}
        REPLY("\5\0\0\1\0\0\0\0\0\0"),
        REPLY("\5\0\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        REPLY("\5\0\0\3\4host\0\0"),
        REPLY("\5\0\0\3\0\0\0"),
#undef REPLY
    };

    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        static const uint8_t greeting[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1, 'N', 'U', 'L', 'L'};
        uint8_t both[128];
        struct proxy proxy;
        const int fd = begin(*state, &proxy, NULL, 0, NULL, 0);

        hears(fd, HELLO);
        says(fd, NO_AUTH);
        proxy_expect_request(fd, "tcp://127.0.0.1:9");
        memcpy(both, replies[i].data, replies[i].size);
        memcpy(both + replies[i].size, greeting, sizeof greeting);
        raw_write(fd, both, replies[i].size + sizeof greeting);
        raw_read(fd, both, sizeof greeting);
        hears(fd, "\4\x29\5READY"); /* our greeting was understood */
    }
}

/* A name leads to the proxy too. */
static void test_the_name_of_a_proxy(void **state)
{
    struct world *world = *state;
    void *client = open_socket(world, ZMQ_DEALER);
    char text[ENDPOINT_MAX];
    struct proxy proxy;
    int fd;

    proxy_open(&proxy, world);
    snprintf(text, sizeof text, "localhost%s", strrchr(proxy.address, ':'));
    set_bytes(client, ZMQ_SOCKS_PROXY, text, strlen(text));
    assert_ok(zmq_connect(client, "tcp://127.0.0.1:9"));
    fd = proxy_accept(&proxy);
    proxy_dialogue(fd, "tcp://127.0.0.1:9");
    expect_greeting(fd);
}

/* What counts is the option at the moment of zmq_connect; zmq_bind and ipc know no proxy. */
static void test_what_is_not_proxied(void **state)
{
    struct world *world = *state;
    void *servers[] = {open_socket(world, ZMQ_DEALER), open_socket(world, ZMQ_DEALER)};
    void *direct = open_socket(world, ZMQ_DEALER);
    char endpoint[ENDPOINT_MAX], path[ENDPOINT_MAX];
    struct proxy proxy;

    proxy_open(&proxy, world);
    proxy_use(&proxy, servers[0]);
    bind_any(world, servers[0], "tcp", endpoint);
    bind_any(world, servers[1], "ipc", path);
    proxy_use(&proxy, direct);
    assert_ok(zmq_setsockopt(direct, ZMQ_SOCKS_PROXY, NULL, 0));
    assert_ok(zmq_connect(direct, endpoint));
    proxy_use(&proxy, direct);
    expect_exchange(direct, servers[0]);
    direct = open_socket(world, ZMQ_DEALER);
    proxy_use(&proxy, direct);
    assert_ok(zmq_connect(direct, path));
    expect_exchange(direct, servers[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        zap_world_test(test_every_mechanism), world_test(test_a_raw_peer),
        world_test(test_authentication),      world_test(test_no_user_is_no_authentication),
        world_test(test_destinations),        world_test(test_bound_addresses),
        world_test(test_the_name_of_a_proxy), world_test(test_what_is_not_proxied),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
