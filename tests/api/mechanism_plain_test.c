/* SPDX-License-Identifier: ISC */
/* PLAIN (RFC 24): roles, credentials, refusals, and both sides of its handshake octet by octet. */
#include "secure.h"
#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void test_success(void **state)
{
    struct world *world = *state;
    static const char *const transports[] = {"tcp", "ipc"};
    for (int t = 0; t < 2; t++)
        for (int server_binds = 0; server_binds < 2; server_binds++) {
            char endpoint[ENDPOINT_MAX];
            void *server = open_socket(world, ZMQ_DEALER);
            void *client = open_socket(world, ZMQ_DEALER);
            secure_server(server, ZMQ_PLAIN);
            secure_client(client, ZMQ_PLAIN);
            void *monitors[] = {watch(world, server, OUTCOME), watch(world, client, OUTCOME)};
            bind_any(world, server_binds ? server : client, transports[t], endpoint);
            assert_ok(zmq_connect(server_binds ? client : server, endpoint));
            send_frames(client, "question", "");
            expect_frames(server, "question", "");
            send_frames(server, "", "answer");
            expect_frames(client, "", "answer");
            for (int i = 0; i < 2; i++)
                assert_int_equal(next_event(monitors[i]).kind, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
        }
}

static void expect_asked(struct world *world, void *handler, const char *user, const char *password)
{
    struct zap_request request;
    char endpoint[ENDPOINT_MAX];
    void *server = open_socket(world, ZMQ_PULL);
    void *client = open_socket(world, ZMQ_PUSH);
    secure_server(server, ZMQ_PLAIN);
    set_bytes(client, ZMQ_PLAIN_USERNAME, user, strlen(user));
    set_bytes(client, ZMQ_PLAIN_PASSWORD, password, strlen(password));
    bind_any(world, server, "tcp", endpoint);
    assert_ok(zmq_connect(client, endpoint));
    zap_receive(handler, &request);
    assert_int_equal(request.count, ZAP_CREDENTIALS + 2);
    assert_true(zap_frame_is(&request, ZAP_CREDENTIALS, user));
    assert_true(zap_frame_is(&request, ZAP_CREDENTIALS + 1, password));
    zap_reply(handler, &request, "200", user, NULL, 0);
    send_str(client, "x");
    expect_str(server, "x");
}

static void test_credentials(void **state)
{
    struct world *world = *state;
    char longest[256];
    void *handler = open_handler(world);
    memset(longest, 'u', 255);
    longest[255] = '\0';
    expect_asked(world, handler, "u", "p");
    expect_asked(world, handler, "with spaces and \303\244", "\1\377");
    expect_asked(world, handler, longest, longest);
}

/* The right password lets in, the wrong one is refused, on the same server. */
static void test_wrong_password(void **state)
{
    struct world *world = *state;
    struct zap_request request;
    char endpoint[ENDPOINT_MAX];
    void *handler = open_handler(world);
    void *server = open_socket(world, ZMQ_PULL);
    secure_server(server, ZMQ_PLAIN);
    void *monitor = watch(world, server, ZMQ_EVENT_ALL);
    bind_any(world, server, "tcp", endpoint);
    for (int right = 0; right < 2; right++) {
        void *client = open_socket(world, ZMQ_PUSH);
        secure_client(client, ZMQ_PLAIN);
        if (!right)
            set_bytes(client, ZMQ_PLAIN_PASSWORD, "guess", 5);
        void *client_monitor = watch(world, client, ZMQ_EVENT_ALL);
        assert_ok(zmq_connect(client, endpoint));
        send_str(client, right ? "right" : "wrong");
        zap_receive(handler, &request);
        zap_reply(handler, &request, zap_frame_is(&request, ZAP_CREDENTIALS + 1, PLAIN_PASSWORD_TEXT) ? "200" : "400",
                  "", NULL, 0);
        if (right) {
            await_event(client_monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
            await_event(monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
            expect_str(server, "right");
        } else {
            const struct event told = await_refusal(client_monitor);
            assert_int_equal(told.kind, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
            assert_int_equal(told.value, 400);
            assert_int_equal(await_refusal(monitor).kind, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
            close_socket(world, client);
        }
    }
}

static void test_two_clients(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *bound = open_socket(world, ZMQ_DEALER);
    void *connected = open_socket(world, ZMQ_DEALER);
    secure_client(bound, ZMQ_PLAIN);
    secure_client(connected, ZMQ_PLAIN);
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
    secure_server(bound, ZMQ_PLAIN);
    secure_server(connected, ZMQ_PLAIN);
    set_int(bound, ZMQ_HANDSHAKE_IVL, 100);
    void *monitor = watch(world, bound, ZMQ_EVENT_ALL);
    bind_any(world, bound, "tcp", endpoint);
    assert_ok(zmq_connect(connected, endpoint));
    await_refusal(monitor);
}

/* --- A client by hand --- */

#define HELLO_DATA "\5admin\6secret"

struct scene {
    void *server;
    void *monitor;
    char endpoint[ENDPOINT_MAX];
};

static struct scene open_scene(struct world *world)
{
    struct scene scene = {.server = open_socket(world, ZMQ_DEALER)};
    secure_server(scene.server, ZMQ_PLAIN);
    give_up_early(scene.server);
    scene.monitor = watch(world, scene.server, ZMQ_EVENT_ALL);
    bind_any(world, scene.server, "tcp", scene.endpoint);
    return scene;
}

/* Connected, greetings exchanged. */
static int greet_server(struct world *world, const struct scene *scene)
{
    struct octets out = {.size = 0};
    const int fd = raw_connect(world, scene->endpoint);
    put_greeting(&out, "PLAIN", 3, 1);
    wire_send(fd, &out);
    wire_expect_greeting(fd, "PLAIN");
    return fd;
}

static int say_hello(struct world *world, const struct scene *scene)
{
    const int fd = greet_server(world, scene);
    wire_send_command(fd, "HELLO", HELLO_DATA, sizeof HELLO_DATA - 1);
    wire_expect_command(fd, "WELCOME", "", 0);
    return fd;
}

static void test_client_by_hand(void **state)
{
    struct world *world = *state;
    const struct scene scene = open_scene(world);
    const int fd = say_hello(world, &scene);
    struct octets initiate = {.size = 0};
    put_metadata_command(&initiate, "INITIATE", "DEALER", NULL);
    wire_send(fd, &initiate);
    wire_expect_metadata(fd, "READY", "DEALER", NULL);
    assert_int_equal(await_event(scene.monitor, OUTCOME).kind, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    wire_send_str(fd, "from the wire");
    expect_str(scene.server, "from the wire");
    send_str(scene.server, "to the wire");
    wire_expect_str(fd, "to the wire");
}

/* The connection that sent this is closed for this reason; another client is not disturbed. */
static void expect_refused(struct world *world, const struct scene *scene, int fd, uint32_t error)
{
    expect_protocol_error(scene->monitor, error);
    raw_expect_close(fd);
    expect_nothing(scene->server);
    void *client = open_socket(world, ZMQ_DEALER);
    secure_client(client, ZMQ_PLAIN);
    assert_ok(zmq_connect(client, scene->endpoint));
    send_str(client, "x");
    expect_str(scene->server, "x");
    close_socket(world, client);
    await_event(scene->monitor, ZMQ_EVENT_DISCONNECTED);
}

static void test_malformed_hello(void **state)
{
    struct world *world = *state;
    const struct scene scene = open_scene(world);
    static const char *const hellos[] = {"",     "\5admin", "\377admin\6secret", "\5admin\7secret", "\5admin\6secret!",
                                         "\5adm"};
    for (size_t i = 0; i < sizeof hellos / sizeof *hellos; i++) {
        const int fd = greet_server(world, &scene);
        wire_send_command(fd, "HELLO", hellos[i], strlen(hellos[i]));
        expect_refused(world, &scene, fd, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO);
    }
}

static void test_other_commands_for_hello(void **state)
{
    struct world *world = *state;
    const struct scene scene = open_scene(world);
    static const char *const names[] = {"INITIATE", "READY", "WELCOME", "ERROR", "MESSAGE",
                                        "hello",    "HELL",  "HELLOO",  "PING"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const int fd = greet_server(world, &scene);
        wire_send_command(fd, names[i], HELLO_DATA, sizeof HELLO_DATA - 1);
        expect_refused(world, &scene, fd, ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND);
    }
}

static void test_other_commands_for_initiate(void **state)
{
    struct world *world = *state;
    const struct scene scene = open_scene(world);
    static const char *const names[] = {"HELLO", "READY", "WELCOME", "MESSAGE", "INITIAT", "INITIATED"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const int fd = say_hello(world, &scene);
        wire_send_command(fd, names[i], HELLO_DATA, sizeof HELLO_DATA - 1);
        expect_refused(world, &scene, fd, ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND);
    }
    const int fd = say_hello(world, &scene);
    wire_send_str(fd, "a message");
    expect_refused(world, &scene, fd, ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND);
}

static void test_bad_metadata(void **state)
{
    struct world *world = *state;
    const struct scene scene = open_scene(world);
    static const struct {
        const char *data;
        size_t size;
    } metadata[] = {
        {"\377Socket-Type", 12},
        {"\13Socket-Type\0\0\0\377DEALER", 22},
        {"\13Socket-Type\377\377\377\377DEALER", 22},
        {"\13Socket-Type\0\0", 14},
        {"\13Socket-Type\0\0\0\3PUB", 19},
        {"\13Socket-Type\0\0\0\6DEALER\1", 23},
    };
    for (size_t i = 0; i < sizeof metadata / sizeof *metadata; i++) {
        const int fd = say_hello(world, &scene);
        wire_send_command(fd, "INITIATE", metadata[i].data, metadata[i].size);
        await_refusal(scene.monitor);
        raw_expect_close(fd);
    }
}

/* Whoever does not wait for the answer has not authenticated: nothing of it gets through. */
static void test_message_without_initiate(void **state)
{
    struct world *world = *state;
    const struct scene scene = open_scene(world);
    struct octets out = {.size = 0};
    const int fd = greet_server(world, &scene);
    put_command(&out, "HELLO", HELLO_DATA, sizeof HELLO_DATA - 1);
    put_frame(&out, 0, "smuggled", 8);
    wire_send(fd, &out);
    await_refusal(scene.monitor);
    raw_expect_close(fd);
    expect_nothing(scene.server);
}

/* --- A server by hand --- */

struct service {
    void *client;
    void *monitor;
    int fd;
};

static struct service open_service(struct world *world)
{
    struct service service = {.client = open_socket(world, ZMQ_DEALER)};
    char endpoint[ENDPOINT_MAX];
    struct octets out = {.size = 0};
    const int listener = raw_listen(world, endpoint);
    secure_client(service.client, ZMQ_PLAIN);
    give_up_early(service.client);
    service.monitor = watch(world, service.client, ZMQ_EVENT_ALL);
    assert_ok(zmq_connect(service.client, endpoint));
    service.fd = raw_accept(world, listener);
    put_greeting(&out, "PLAIN", 3, 1);
    out.data[32] = 1; /* as-server */
    wire_send(service.fd, &out);
    wire_expect_greeting(service.fd, "PLAIN");
    wire_expect_command(service.fd, "HELLO", HELLO_DATA, sizeof HELLO_DATA - 1);
    return service;
}

static void test_server_by_hand(void **state)
{
    struct world *world = *state;
    const struct service service = open_service(world);
    struct octets ready = {.size = 0};
    wire_send_command(service.fd, "WELCOME", "", 0);
    wire_expect_metadata(service.fd, "INITIATE", "DEALER", NULL);
    put_metadata_command(&ready, "READY", "ROUTER", NULL);
    wire_send(service.fd, &ready);
    assert_int_equal(await_event(service.monitor, OUTCOME).kind, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    send_str(service.client, "hello");
    wire_expect_str(service.fd, "hello");
}

static void test_server_breaks_the_protocol(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *name;
        const char *data;
        uint32_t error;
    } wrong[] = {
        {"READY", "", ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND},
        {"HELLO", HELLO_DATA, ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND},
        {"welcome", "", ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND},
        {"WELCOME", "x", ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const struct service service = open_service(world);
        wire_send_command(service.fd, wrong[i].name, wrong[i].data, strlen(wrong[i].data));
        expect_protocol_error(service.monitor, wrong[i].error);
        raw_expect_close(service.fd);
    }
    const struct service service = open_service(world);
    wire_send_command(service.fd, "WELCOME", "", 0);
    wire_expect_metadata(service.fd, "INITIATE", "DEALER", NULL);
    wire_send_command(service.fd, "READY", "\377x", 2);
    expect_protocol_error(service.monitor, ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA);
    raw_expect_close(service.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        zap_world_test(test_success),
        world_test(test_credentials),
        world_test(test_wrong_password),
        world_test(test_two_clients),
        world_test(test_two_servers),
        zap_world_test(test_client_by_hand),
        zap_world_test(test_malformed_hello),
        zap_world_test(test_other_commands_for_hello),
        zap_world_test(test_other_commands_for_initiate),
        zap_world_test(test_bad_metadata),
        zap_world_test(test_message_without_initiate),
        world_test(test_server_by_hand),
        world_test(test_server_breaks_the_protocol),
    };
    return cmocka_run_group_tests_name("PLAIN", tests, NULL, NULL);
}
