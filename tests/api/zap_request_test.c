/* SPDX-License-Identifier: ISC */
/* ZAP's questions (RFC 27): when the handler is asked and what it is told, and what goes for those whom there is no
 * handler to ask about. */
#include "pattern.h"
#include "secure.h"
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const int mechanisms[] = {ZMQ_NULL, ZMQ_PLAIN, ZMQ_CURVE};

/* --- The request --- */

static void expect_credentials(const struct zap_request *request, int mechanism)
{
    if (mechanism == ZMQ_NULL) {
        assert_int_equal(request->count, ZAP_CREDENTIALS);
    } else if (mechanism == ZMQ_PLAIN) {
        assert_int_equal(request->count, ZAP_CREDENTIALS + 2);
        assert_true(zap_frame_is(request, ZAP_CREDENTIALS, PLAIN_USER));
        assert_true(zap_frame_is(request, ZAP_CREDENTIALS + 1, PLAIN_PASSWORD_TEXT));
    } else {
        assert_int_equal(request->count, ZAP_CREDENTIALS + 1);
        assert_int_equal(request->sizes[ZAP_CREDENTIALS], 32);
        assert_memory_equal(request->frames[ZAP_CREDENTIALS], client_keys()->public_key, 32);
    }
}

static void test_request(void **state)
{
    struct world *world = *state;
    void *handler = open_handler(world);
    for (int i = 0; i < 3; i++) {
        struct zap_request request;
        const struct zap_pair pair = open_zap_pair(world, mechanisms[i], ZMQ_ROUTER, ZMQ_DEALER);
        set_bytes(pair.client, ZMQ_ROUTING_ID, "client", 6);
        assert_ok(zmq_connect(pair.client, pair.endpoint));
        zap_receive(handler, &request);
        assert_true(zap_frame_is(&request, ZAP_DELIMITER, ""));
        assert_true(zap_frame_is(&request, ZAP_VERSION, "1.0"));
        assert_true(zap_frame_is(&request, ZAP_DOMAIN_FRAME, TEST_DOMAIN));
        assert_true(zap_frame_is(&request, ZAP_ADDRESS, "127.0.0.1"));
        assert_true(zap_frame_is(&request, ZAP_IDENTITY, ""));
        assert_true(zap_frame_is(&request, ZAP_MECHANISM, mechanism_name(mechanisms[i])));
        expect_credentials(&request, mechanisms[i]);
        zap_reply(handler, &request, "200", "somebody", NULL, 0);
        send_str(pair.client, "hello");
        expect_frames(pair.server, "client", "hello");
    }
    expect_nothing(handler);
}

/* The identity that is told is the routing id of the socket that asks. */
static void test_identity(void **state)
{
    struct world *world = *state;
    void *handler = open_handler(world);
    for (int i = 0; i < 3; i++) {
        struct zap_request request;
        const struct zap_pair pair = open_zap_pair(world, mechanisms[i], ZMQ_ROUTER, ZMQ_DEALER);
        void *server = open_socket(world, ZMQ_ROUTER);
        char endpoint[ENDPOINT_MAX];
        secure_server(server, mechanisms[i]);
        set_bytes(server, ZMQ_ZAP_DOMAIN, TEST_DOMAIN, strlen(TEST_DOMAIN));
        set_bytes(server, ZMQ_ROUTING_ID, "asker", 5);
        bind_any(world, server, "tcp", endpoint);
        assert_ok(zmq_connect(pair.client, endpoint));
        zap_receive(handler, &request);
        assert_true(zap_frame_is(&request, ZAP_IDENTITY, "asker"));
        zap_reply(handler, &request, "200", "", NULL, 0);
        send_str(pair.client, "x");
    }
}

static void expect_address(struct world *world, void *handler, const char *bind, const char *address, bool ipv6)
{
    struct zap_request request;
    char endpoint[ENDPOINT_MAX];
    void *pull = open_socket(world, ZMQ_PULL);
    void *push = open_socket(world, ZMQ_PUSH);
    set_int(pull, ZMQ_IPV6, ipv6);
    set_int(push, ZMQ_IPV6, ipv6);
    set_bytes(pull, ZMQ_ZAP_DOMAIN, TEST_DOMAIN, strlen(TEST_DOMAIN));
    assert_ok(zmq_bind(pull, bind));
    last_endpoint(pull, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    zap_receive(handler, &request);
    assert_true(zap_frame_is(&request, ZAP_ADDRESS, address));
    zap_reply(handler, &request, "200", "", NULL, 0);
    send_str(push, "x");
    expect_str(pull, "x");
}

static void test_addresses(void **state)
{
    struct world *world = *state;
    void *handler = open_handler(world);
    char endpoint[ENDPOINT_MAX];
    char process[64];
    snprintf(process, sizeof process, "localhost:%ld:%ld:%ld", (long)geteuid(), (long)getegid(), (long)getpid());
    expect_address(world, handler, "tcp://127.0.0.1:*", "127.0.0.1", false);
    fresh_endpoint(world, "ipc", endpoint);
    expect_address(world, handler, endpoint, process, false);
    snprintf(endpoint, sizeof endpoint, "ipc://@zmq-test-zap-%ld", (long)getpid());
    expect_address(world, handler, endpoint, process, false);
    const struct sockaddr_in6 loopback = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    const int fd = keep_fd(world, socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (bind(fd, (const struct sockaddr *)&loopback, sizeof loopback) == 0)
        expect_address(world, handler, "tcp://[::1]:*", "::1", true);
}

/* --- When it is asked --- */

/* The handler answers nothing: who gets in was not asked about. */
static void test_null_without_a_domain_does_not_ask(void **state)
{
    struct world *world = *state;
    void *handler = open_handler(world);
    for (int enforce = 0; enforce < 2; enforce++) {
        void *pull = open_socket(world, ZMQ_PULL);
        void *push = open_socket(world, ZMQ_PUSH);
        char endpoint[ENDPOINT_MAX];
        set_int(pull, ZMQ_ZAP_ENFORCE_DOMAIN, enforce);
        bind_any(world, pull, "tcp", endpoint);
        assert_ok(zmq_connect(push, endpoint));
        send_str(push, "x");
        expect_str(pull, "x");
    }
    expect_nothing(handler);
}

static void test_the_others_ask_without_a_domain(void **state)
{
    struct world *world = *state;
    void *handler = open_handler(world);
    for (int i = 1; i < 3; i++) {
        struct zap_request request;
        char endpoint[ENDPOINT_MAX];
        void *pull = open_socket(world, ZMQ_PULL);
        void *push = open_socket(world, ZMQ_PUSH);
        secure_server(pull, mechanisms[i]);
        secure_client(push, mechanisms[i]);
        bind_any(world, pull, "tcp", endpoint);
        assert_ok(zmq_connect(push, endpoint));
        zap_receive(handler, &request);
        assert_true(zap_frame_is(&request, ZAP_DOMAIN_FRAME, ""));
        zap_reply(handler, &request, "200", "", NULL, 0);
        send_str(push, "x");
        expect_str(pull, "x");
    }
}

/* Only the server of PLAIN and CURVE asks, whichever end binds. */
static void test_the_client_does_not_ask(void **state)
{
    struct world *world = *state;
    void *handler = open_handler(world);
    for (int i = 1; i < 3; i++) {
        char endpoint[ENDPOINT_MAX];
        void *pull = open_socket(world, ZMQ_PULL);
        void *push = open_socket(world, ZMQ_PUSH);
        secure_client(pull, mechanisms[i]);
        secure_server(push, mechanisms[i]);
        set_bytes(pull, ZMQ_ZAP_DOMAIN, "client", 6);
        set_bytes(push, ZMQ_ZAP_DOMAIN, TEST_DOMAIN, strlen(TEST_DOMAIN));
        bind_any(world, pull, "tcp", endpoint);
        assert_ok(zmq_connect(push, endpoint));
        struct zap_request request;
        zap_receive(handler, &request);
        assert_true(zap_frame_is(&request, ZAP_DOMAIN_FRAME, TEST_DOMAIN));
        zap_reply(handler, &request, "200", "", NULL, 0);
        send_str(push, "x");
        expect_str(pull, "x");
        expect_nothing(handler);
    }
}

static void test_a_connecting_null_socket_asks_too(void **state)
{
    struct world *world = *state;
    void *handler = open_handler(world);
    char endpoint[ENDPOINT_MAX];
    void *pull = open_socket(world, ZMQ_PULL);
    void *push = open_socket(world, ZMQ_PUSH);
    set_bytes(push, ZMQ_ZAP_DOMAIN, TEST_DOMAIN, strlen(TEST_DOMAIN));
    bind_any(world, pull, "tcp", endpoint);
    assert_ok(zmq_connect(push, endpoint));
    zap_admit(handler, "server");
    send_str(push, "x");
    expect_str(pull, "x");
}

static void test_inproc_does_not_ask(void **state)
{
    struct world *world = *state;
    void *handler = open_handler(world);
    char endpoint[ENDPOINT_MAX];
    void *pull = open_socket(world, ZMQ_PULL);
    void *push = open_socket(world, ZMQ_PUSH);
    set_bytes(pull, ZMQ_ZAP_DOMAIN, TEST_DOMAIN, strlen(TEST_DOMAIN));
    bind_any(world, pull, "inproc", endpoint);
    assert_ok(zmq_connect(push, endpoint));
    send_str(push, "x");
    expect_str(pull, "x");
    expect_nothing(handler);
}

/* --- Without a handler --- */

static void test_no_handler_lets_null_and_curve_in(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 3; i += 2) {
        const struct zap_pair pair = connect_zap_pair(world, mechanisms[i]);
        expect_zap_success(&pair);
    }
}

static void test_no_handler_refuses_plain(void **state)
{
    struct world *world = *state;
    const struct zap_pair pair = connect_zap_pair(world, ZMQ_PLAIN);
    assert_int_equal(next_outcome(pair.server_monitor).kind, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
    expect_nothing(pair.server);
}

static void test_enforced_domain_needs_a_handler(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 3; i++) {
        const struct zap_pair pair = open_zap_pair(world, mechanisms[i], ZMQ_PULL, ZMQ_PUSH);
        set_int(pair.server, ZMQ_ZAP_ENFORCE_DOMAIN, 1);
        void *strict = open_socket(world, ZMQ_PULL);
        char endpoint[ENDPOINT_MAX];
        secure_server(strict, mechanisms[i]);
        set_bytes(strict, ZMQ_ZAP_DOMAIN, TEST_DOMAIN, strlen(TEST_DOMAIN));
        set_int(strict, ZMQ_ZAP_ENFORCE_DOMAIN, 1);
        void *monitor = watch(world, strict, ZMQ_EVENT_ALL);
        bind_any(world, strict, "tcp", endpoint);
        assert_ok(zmq_connect(pair.client, endpoint));
        assert_int_equal(next_outcome(monitor).kind, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
        expect_nothing(strict);
    }
}

/* Each connection is a question of its own: who came before the handler stays, who comes later is asked about. */
static void test_handler_comes_and_goes(void **state)
{
    struct world *world = *state;
    const struct zap_pair early = connect_zap_pair(world, ZMQ_CURVE);
    expect_zap_success(&early);
    void *handler = open_handler(world);
    void *second = open_socket(world, ZMQ_PUSH);
    secure_client(second, ZMQ_CURVE);
    assert_ok(zmq_connect(second, early.endpoint));
    zap_refuse(handler, "400");
    const struct event failure = next_outcome(early.server_monitor);
    assert_int_equal(failure.kind, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
    send_str(early.client, "still inside");
    expect_str(early.server, "still inside");
    close_socket(world, second);
    await_event(early.server_monitor, ZMQ_EVENT_DISCONNECTED);

    close_socket(world, handler);
    handler = open_socket(world, ZMQ_ROUTER);
    bind_again(handler, ZAP_ENDPOINT);
    void *third = open_socket(world, ZMQ_PUSH);
    secure_client(third, ZMQ_CURVE);
    assert_ok(zmq_connect(third, early.endpoint));
    zap_admit(handler, "third");
    send_str(third, "inside as well");
    expect_str(early.server, "inside as well");
}

static void test_plain_gets_in_when_the_handler_is_there(void **state)
{
    struct world *world = *state;
    const struct zap_pair pair = open_zap_pair(world, ZMQ_PLAIN, ZMQ_PULL, ZMQ_PUSH);
    set_int(pair.client, ZMQ_RECONNECT_IVL, 5);
    set_int(pair.client, ZMQ_HANDSHAKE_IVL, 200);
    assert_ok(zmq_connect(pair.client, pair.endpoint));
    next_outcome(pair.server_monitor);
    void *handler = open_handler(world);
    struct zap_request request;
    zap_receive(handler, &request);
    zap_reply(handler, &request, "200", "", NULL, 0);
    await_event(pair.server_monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    send_str(pair.client, "inside");
    expect_str(pair.server, "inside");
}

/* Who comes to an endpoint is asked about as the socket was when it was bound, whatever the socket has become since: here
 * a client itself, or one without a domain of that name. */
static void test_the_settings_of_the_bind_hold(void **state)
{
    struct world *world = *state;
    void *handler = open_handler(world);
    for (int i = 0; i < 3; i++) {
        struct zap_request request;
        const struct zap_pair pair = open_zap_pair(world, mechanisms[i], ZMQ_PULL, ZMQ_PUSH);
        set_bytes(pair.server, ZMQ_ZAP_DOMAIN, "another", 7);
        set_bytes(pair.server, ZMQ_ROUTING_ID, "another", 7);
        secure_client(pair.server, mechanisms[(i + 1) % 3]);
        secure_client(pair.server, mechanisms[i]);
        assert_ok(zmq_connect(pair.client, pair.endpoint));
        zap_receive(handler, &request);
        assert_true(zap_frame_is(&request, ZAP_DOMAIN_FRAME, TEST_DOMAIN));
        assert_true(zap_frame_is(&request, ZAP_IDENTITY, ""));
        assert_true(zap_frame_is(&request, ZAP_MECHANISM, mechanism_name(mechanisms[i])));
        zap_reply(handler, &request, "400", "", NULL, 0);
        assert_int_equal(next_outcome(pair.server_monitor).kind, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
        expect_nothing(pair.server);
        close_socket(world, pair.client);
    }
}

/* And without a handler: to enforce a domain is of the bind as well. */
static void test_enforcement_of_the_bind_holds(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 3; i++) {
        char endpoint[ENDPOINT_MAX];
        void *strict = open_socket(world, ZMQ_PULL);
        void *push = open_socket(world, ZMQ_PUSH);
        secure_server(strict, mechanisms[i]);
        secure_client(push, mechanisms[i]);
        set_bytes(strict, ZMQ_ZAP_DOMAIN, TEST_DOMAIN, strlen(TEST_DOMAIN));
        set_int(strict, ZMQ_ZAP_ENFORCE_DOMAIN, 1);
        void *monitor = watch(world, strict, ZMQ_EVENT_ALL);
        bind_any(world, strict, "tcp", endpoint);
        set_int(strict, ZMQ_ZAP_ENFORCE_DOMAIN, 0);
        assert_ok(zmq_connect(push, endpoint));
        assert_int_equal(next_outcome(monitor).kind, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
        expect_nothing(strict);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_request),
        world_test(test_identity),
        world_test(test_addresses),
        world_test(test_null_without_a_domain_does_not_ask),
        world_test(test_the_others_ask_without_a_domain),
        world_test(test_the_client_does_not_ask),
        world_test(test_a_connecting_null_socket_asks_too),
        world_test(test_inproc_does_not_ask),
        world_test(test_no_handler_lets_null_and_curve_in),
        world_test(test_no_handler_refuses_plain),
        world_test(test_enforced_domain_needs_a_handler),
        world_test(test_handler_comes_and_goes),
        world_test(test_plain_gets_in_when_the_handler_is_there),
        world_test(test_the_settings_of_the_bind_hold),
        world_test(test_enforcement_of_the_bind_holds),
    };
    return cmocka_run_group_tests_name("ZAP requests", tests, NULL, NULL);
}
