/* SPDX-License-Identifier: ISC */
/* Every transport, with every mechanism, carries messages of all sizes between every two socket types that may talk to
 * each other, in every direction that they have. */
#include "secure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MEBIBYTE (1u << 20)

/* One socket with the role it plays here; lives on the stack of the test. */
struct end {
    void *socket;
    int type;
    const char *id; /* its routing id */
};

static const int pairs[][2] = {
    {ZMQ_PAIR, ZMQ_PAIR},     {ZMQ_REQ, ZMQ_REP},       {ZMQ_REP, ZMQ_REQ},       {ZMQ_REQ, ZMQ_ROUTER},
    {ZMQ_ROUTER, ZMQ_REQ},    {ZMQ_DEALER, ZMQ_REP},    {ZMQ_REP, ZMQ_DEALER},    {ZMQ_DEALER, ZMQ_ROUTER},
    {ZMQ_ROUTER, ZMQ_DEALER}, {ZMQ_DEALER, ZMQ_DEALER}, {ZMQ_ROUTER, ZMQ_ROUTER}, {ZMQ_PUSH, ZMQ_PULL},
    {ZMQ_PULL, ZMQ_PUSH},     {ZMQ_PUB, ZMQ_SUB},       {ZMQ_SUB, ZMQ_PUB},       {ZMQ_PUB, ZMQ_XSUB},
    {ZMQ_XSUB, ZMQ_PUB},      {ZMQ_XPUB, ZMQ_SUB},      {ZMQ_SUB, ZMQ_XPUB},      {ZMQ_XPUB, ZMQ_XSUB},
    {ZMQ_XSUB, ZMQ_XPUB},
};

/* The frames of each message that is sent; a negative number ends the list. 33 is the longest content that fits into
 * zmq_msg_t, 255 the longest of a short frame. */
static const int messages[][8] = {
    {0, -1},
    {1, -1},
    {33, -1},
    {34, -1},
    {255, -1},
    {256, -1},
    {8192, -1},
    {MEBIBYTE, -1},
    {0, 0, -1},
    {0, 1, 33, -1},
    {34, 255, 256, 8192, -1},
    {1, MEBIBYTE, 0, -1},
    {0, 0, 0, 0, 0, 0, 1, -1},
};

static bool is_one_of(int type, int first, int second)
{
    return type == first || type == second;
}

/* REQ and REP put an empty frame before the body by themselves; the one who talks to them does it by hand. */
static bool by_hand(const struct end *self, const struct end *peer)
{
    return is_one_of(self->type, ZMQ_DEALER, ZMQ_ROUTER) && is_one_of(peer->type, ZMQ_REQ, ZMQ_REP);
}

static uint8_t content(size_t message, size_t frame, size_t at)
{
    return (uint8_t)(message * 31 + frame * 7 + at + (at >> 8));
}

static void send_message(const struct end *from, const struct end *to, size_t message)
{
    if (from->type == ZMQ_ROUTER)
        send_bytes(from->socket, to->id, strlen(to->id), ZMQ_SNDMORE);
    if (by_hand(from, to))
        send_bytes(from->socket, "", 0, ZMQ_SNDMORE);
    for (size_t frame = 0; messages[message][frame] >= 0; frame++) {
        const size_t size = (size_t)messages[message][frame];
        zmq_msg_t body;
        assert_ok(zmq_msg_init_size(&body, size));
        uint8_t *data = zmq_msg_data(&body);
        for (size_t at = 0; at < size; at++)
            data[at] = content(message, frame, at);
        const int more = messages[message][frame + 1] >= 0 ? ZMQ_SNDMORE : 0;
        assert_returns(zmq_msg_send(&body, from->socket, more), (int)size);
    }
}

static void receive_message(const struct end *to, const struct end *from, size_t message)
{
    if (to->type == ZMQ_ROUTER)
        expect_bytes(to->socket, from->id, strlen(from->id));
    if (by_hand(to, from))
        expect_bytes(to->socket, "", 0);
    for (size_t frame = 0; messages[message][frame] >= 0; frame++) {
        const size_t size = (size_t)messages[message][frame];
        zmq_msg_t body;
        assert_ok(zmq_msg_init(&body));
        assert_returns(zmq_msg_recv(&body, to->socket, 0), (int)size);
        const uint8_t *data = zmq_msg_data(&body);
        size_t at = 0;
        while (at < size && data[at] == content(message, frame, at))
            at++;
        assert_int_equal(at, size);
        assert_int_equal(zmq_msg_more(&body), messages[message][frame + 1] >= 0);
        assert_ok(zmq_msg_close(&body));
    }
}

static void pass(const struct end *from, const struct end *to, size_t message)
{
    send_message(from, to, message);
    receive_message(to, from, message);
}

static bool publishes(const struct end *end)
{
    return is_one_of(end->type, ZMQ_PUB, ZMQ_XPUB);
}

/* Publishes until the subscription has arrived, then drains what this left behind. */
static void settle_subscription(void *publisher, void *subscriber)
{
    const int64_t limit = now_ms() + DEADLINE_MS;
    zmq_pollitem_t item = {subscriber, 0, ZMQ_POLLIN, 0};
    int ready;
    do {
        send_str(publisher, "?");
        ready = zmq_poll(&item, 1, 2);
        assert_true(now_ms() < limit);
    } while (ready == 0);
    assert_int_equal(ready, 1);
    send_str(publisher, "!");
    char text[4];
    do
        recv_str(subscriber, text, sizeof text);
    while (text[0] != '!');
}

static void subscribe_to_all(const struct end *end)
{
    if (end->type == ZMQ_SUB)
        set_bytes(end->socket, ZMQ_SUBSCRIBE, "", 0);
    else
        send_bytes(end->socket, "\1", 1, 0);
}

/* A ROUTER that is to speak first has to wait until it knows its peer. */
static void await_route(void *router, const char *id)
{
    const int64_t limit = now_ms() + DEADLINE_MS;
    set_int(router, ZMQ_ROUTER_MANDATORY, 1);
    while (zmq_send(router, id, strlen(id), ZMQ_SNDMORE) < 0) {
        assert_int_equal(errno, EHOSTUNREACH);
        assert_true(now_ms() < limit);
        zmq_pollitem_t item = {router, 0, ZMQ_POLLIN, 0};
        assert_int_equal(zmq_poll(&item, 1, 1), 0);
    }
    send_str(router, "first");
}

static void exchange(const struct end *first, const struct end *second)
{
    const bool both_ways = !is_one_of(first->type, ZMQ_PUSH, ZMQ_PUB) && first->type != ZMQ_XPUB;
    for (size_t message = 0; message < sizeof messages / sizeof *messages; message++) {
        pass(first, second, message);
        if (both_ways)
            pass(second, first, message);
    }
}

/* The end that has to send first, for one of them may be only a receiver, or a ROUTER that knows nobody yet. */
static bool speaks_first(const struct end *end)
{
    return is_one_of(end->type, ZMQ_REQ, ZMQ_PUSH) || is_one_of(end->type, ZMQ_DEALER, ZMQ_PAIR) || publishes(end);
}

static void talk(struct end *one, struct end *other)
{
    const struct end *first = speaks_first(one) && other->type != ZMQ_REQ ? one : other;
    const struct end *second = first == one ? other : one;
    if (publishes(first)) {
        subscribe_to_all(second);
        settle_subscription(first->socket, second->socket);
    } else if (first->type == ZMQ_ROUTER) {
        await_route(first->socket, second->id);
        expect_frames(second->socket, first->id, "first");
    }
    exchange(first, second);
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

static void bind_end(struct world *world, void *socket, const char *transport, char endpoint[ENDPOINT_MAX])
{
    static unsigned serial;
    if (strcmp(transport, "tcp6") == 0)
        strcpy(endpoint, "tcp://[::1]:*");
    else if (strcmp(transport, "abstract") == 0)
        snprintf(endpoint, ENDPOINT_MAX, "ipc://@zmq-test-%ld-%u", (long)getpid(), serial++);
    else
        fresh_endpoint(world, transport, endpoint);
    assert_ok(zmq_bind(socket, endpoint));
    last_endpoint(socket, endpoint);
}

static struct end open_end(struct world *world, int type, const char *id, bool ipv6)
{
    const struct end end = {open_socket(world, type), type, id};
    set_bytes(end.socket, ZMQ_ROUTING_ID, id, strlen(id));
    set_int(end.socket, ZMQ_IPV6, ipv6);
    return end;
}

/* The roles of the mechanism go to the binding and to the connecting end by turns. libzmq 4.3.4 fails where a REQ is
 * the server and ZAP let its peer in, so REQ is always the client of PLAIN. */
static bool binder_serves(size_t pair, int mechanism)
{
    if (mechanism == ZMQ_PLAIN && (pairs[pair][0] == ZMQ_REQ || pairs[pair][1] == ZMQ_REQ))
        return pairs[pair][1] == ZMQ_REQ;
    return pair % 2;
}

static void run_matrix(struct world *world, const char *transport, int mechanism)
{
    const bool ipv6 = strcmp(transport, "tcp6") == 0;
    if (ipv6 && !has_ipv6())
        skip();
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char endpoint[ENDPOINT_MAX];
        struct end bound = open_end(world, pairs[i][0], "bound", ipv6);
        struct end connected = open_end(world, pairs[i][1], "connected", ipv6);
        const bool serves = binder_serves(i, mechanism);
        secure_server(serves ? bound.socket : connected.socket, mechanism);
        secure_client(serves ? connected.socket : bound.socket, mechanism);
        bind_end(world, bound.socket, transport, endpoint);
        assert_ok(zmq_connect(connected.socket, endpoint));
        talk(&connected, &bound);
        close_socket(world, connected.socket);
        close_socket(world, bound.socket);
    }
}

#define COMBINATION(transport, mechanism)                    \
    static void test_##transport##_##mechanism(void **state) \
    {                                                        \
        run_matrix(*state, #transport, ZMQ_##mechanism);     \
    }

COMBINATION(tcp, NULL)
COMBINATION(tcp, PLAIN)
COMBINATION(tcp, CURVE)
COMBINATION(tcp6, NULL)
COMBINATION(tcp6, PLAIN)
COMBINATION(tcp6, CURVE)
COMBINATION(ipc, NULL)
COMBINATION(ipc, PLAIN)
COMBINATION(ipc, CURVE)
COMBINATION(abstract, NULL)
COMBINATION(abstract, PLAIN)
COMBINATION(abstract, CURVE)
COMBINATION(inproc, NULL)

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_tcp_NULL),      zap_world_test(test_tcp_PLAIN),      world_test(test_tcp_CURVE),
        world_test(test_tcp6_NULL),     zap_world_test(test_tcp6_PLAIN),     world_test(test_tcp6_CURVE),
        world_test(test_ipc_NULL),      zap_world_test(test_ipc_PLAIN),      world_test(test_ipc_CURVE),
        world_test(test_abstract_NULL), zap_world_test(test_abstract_PLAIN), world_test(test_abstract_CURVE),
        world_test(test_inproc_NULL),
    };
    return cmocka_run_group_tests_name("pattern conformance", tests, NULL, NULL);
}
