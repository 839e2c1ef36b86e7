/* SPDX-License-Identifier: ISC */
/* A SOCKS5 proxy that refuses, says nonsense, falls silent or dies at any point: the attempt has failed, and the next
 * one finds whatever has become of it. */
#include "api/socks.h"
#include "hostile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define EVENTS (ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_CONNECT_RETRIED | OUTCOME)
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum {
    DIALOGUE_MS = 500, /* for a proxy that does not answer */
};

/* A server, and a client that reaches it through a proxy. Lives on the stack of the test. */
struct scene {
    struct world *world;
    struct proxy proxy;
    void *server;
    void *client;
    void *monitor; /* the client's */
    char endpoint[ENDPOINT_MAX];
};

/* All but the proxy. */
static void open_ends(struct scene *scene, struct world *world, bool user)
{
    scene->world = world;
    scene->server = open_socket(world, ZMQ_DEALER);
    scene->client = open_socket(world, ZMQ_DEALER);
    set_int(scene->client, ZMQ_RECONNECT_IVL, 1);
    secure_server(scene->server, ZMQ_CURVE);
    secure_client(scene->client, ZMQ_CURVE);
    if (user) {
        set_bytes(scene->client, SOCKS_USERNAME, "user", 4);
        set_bytes(scene->client, SOCKS_PASSWORD, "password", 8);
    }
    scene->monitor = watch(world, scene->client, EVENTS);
    bind_any(world, scene->server, "tcp", scene->endpoint);
}

static void begin(struct scene *scene)
{
    proxy_use(&scene->proxy, scene->client);
    assert_ok(zmq_connect(scene->client, scene->endpoint));
    send_str(scene->client, "first"); /* waits for the connection, however many attempts that takes */
}

static void open_scene(struct scene *scene, struct world *world, bool user)
{
    open_ends(scene, world, user);
    proxy_open(&scene->proxy, world);
    begin(scene);
}

static void expect_event(struct scene *scene, int kind, const char *name)
{
    const struct event event = next_event(scene->monitor);

    if (event.kind != kind || strcmp(event.address, scene->proxy.endpoint) != 0)
        fail_msg("%s: event 0x%x of %s", name, event.kind, event.address);
}

static void expect_failure(struct scene *scene, const char *name)
{
    expect_event(scene, ZMQ_EVENT_CLOSED, name);
    expect_event(scene, ZMQ_EVENT_CONNECT_RETRIED, name);
}

/* The next attempt gets through, and what was sent long before arrives. */
static void expect_recovery(struct scene *scene, bool user)
{
    struct forward forward;
    const int fd = proxy_accept(&scene->proxy);

    if (user) {
        hears(fd, HELLO_PASSWORD);
        says(fd, PASSWORD);
        hears(fd, "\1\4user\x8password");
        says(fd, WELCOME);
        proxy_expect_request(fd, scene->endpoint);
        says(fd, DONE);
    } else {
        proxy_dialogue(fd, scene->endpoint);
    }
    forward_start(&forward, &scene->proxy, fd, scene->endpoint);
    expect_event(scene, ZMQ_EVENT_CONNECTED, "recovery");
    expect_event(scene, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, "recovery");
    expect_str(scene->server, "first");
    send_str(scene->server, "reply");
    expect_str(scene->client, "reply");
    forward_stop(&forward);
    expect_event(scene, ZMQ_EVENT_DISCONNECTED, "recovery");
    close_socket(scene->world, scene->client);
    close_socket(scene->world, scene->server);
}

/* What a proxy says, in up to three answers, of which the last one is wrong. */
struct script {
    const char *name;
    bool user;
    struct {
        const char *octets;
        size_t size;
    } answers[3];
};

#define SAYS(text)               \
    {                            \
        (text), sizeof(text) - 1 \
    }

static const struct script scripts[] = {
    {"no method will do", false, {SAYS("\5\xff")}},
    {"nor with a name", true, {SAYS("\5\xff")}},
    {"a password is wanted", false, {SAYS(PASSWORD)}},
    {"GSSAPI is wanted", true, {SAYS("\5\1")}},
    {"SOCKS4", false, {SAYS("\0\x5a\0\0\0\0\0\0")}},
    {"version 4", false, {SAYS("\4\0")}},
    {"HTTP", false, {SAYS("HTTP/1.1 400 Bad Request\r\n\r\n")}},
    {"wrong password", true, {SAYS(PASSWORD), SAYS("\1\1")}},
    {"wrong version of that", true, {SAYS(PASSWORD), SAYS("\5\0")}},
    {"failure", false, {SAYS(NO_AUTH), SAYS("\5\1\0\1\0\0\0\0\0\0")}},
    {"not allowed", false, {SAYS(NO_AUTH), SAYS("\5\2\0\1\0\0\0\0\0\0")}},
    {"connection refused", false, {SAYS(NO_AUTH), SAYS("\5\5\0\1\0\0\0\0\0\0")}},
    {"refused after the password", true, {SAYS(PASSWORD), SAYS(WELCOME), SAYS("\5\5\0\1\0\0\0\0\0\0")}},
    {"refusal alone", false, {SAYS(NO_AUTH), SAYS("\5\5\0\1")}},
    {"unknown refusal", false, {SAYS(NO_AUTH), SAYS("\5\x63\0\1\0\0\0\0\0\0")}},
    {"reserved octet", false, {SAYS(NO_AUTH), SAYS("\5\0\1\1\0\0\0\0\0\0")}},
    {"version in the reply", false, {SAYS(NO_AUTH), SAYS("\4\0\0\1\0\0\0\0\0\0")}},
    {"address type", false, {SAYS(NO_AUTH), SAYS("\5\0\0\2\0\0\0\0\0\0")}},
};

static void play(int fd, const struct script *script, size_t answers)
{
    uint8_t octets[64];

    for (size_t i = 0; i < answers; i++) {
        const size_t size = i == 0 ? 3 : i == 1 && script->user ? 15 : 10;

        raw_read(fd, octets, size); /* what it answers to */
        raw_write(fd, script->answers[i].octets, script->answers[i].size);
    }
}

static void test_refusals(void **state)
{
    for (size_t i = 0; i < COUNT(scripts); i++) {
        const struct script *script = &scripts[i];
        struct scene scene;
        size_t answers = 1;

        while (answers < COUNT(script->answers) && script->answers[answers].size)
            answers++;
        open_scene(&scene, *state, script->user);
        for (int round = 0; round < 3; round++) {
            const int fd = proxy_accept(&scene.proxy);

            play(fd, script, answers);
            raw_expect_close(fd);
            expect_failure(&scene, script->name);
        }
        expect_recovery(&scene, script->user);
    }
}

/* The proxy dies after each of its octets. */
static void test_death_at_any_point(void **state)
{
    static const char answers[] = PASSWORD WELCOME DONE;
    struct scene scene;

    open_scene(&scene, *state, true);
    for (size_t size = 0; size < sizeof answers - 1; size++) {
        const int fd = proxy_accept(&scene.proxy);

        hears(fd, HELLO_PASSWORD);
        raw_write(fd, answers, size < 2 ? size : 2);
        if (size >= 2) {
            hears(fd, "\1\4user\x8password");
            raw_write(fd, answers + 2, size < 4 ? size - 2 : 2);
        }
        if (size >= 4) {
            proxy_expect_request(fd, scene.endpoint);
            raw_write(fd, answers + 4, size - 4);
        }
        drop_fd(scene.world, fd);
        expect_failure(&scene, "death");
    }
    expect_recovery(&scene, true);
}

/* A socket at this address, or, where its port is 0, at any, which is then returned in it. */
static int bind_raw(struct world *world, struct sockaddr_in *address)
{
    const int fd = keep_fd(world, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    socklen_t size = sizeof *address;
    const int on = 1;

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)address, &size), 0);
    return fd;
}

/* It is not even there for a while; its port is held meanwhile by a socket that does not listen. */
static void test_no_proxy(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct scene scene;
    struct proxy *proxy = &scene.proxy;

    open_ends(&scene, *state, false);
    (void)bind_raw(*state, &address);
    proxy->world = *state;
    snprintf(proxy->endpoint, sizeof proxy->endpoint, "tcp://127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    proxy->address = proxy->endpoint + strlen("tcp://");
    begin(&scene);
    expect_failure(&scene, "nobody listens");
    expect_failure(&scene, "nobody listens");
    proxy->listener = bind_raw(*state, &address);
    assert_int_equal(listen(proxy->listener, 16), 0);
    drop_fd(*state, proxy_accept(proxy));
    drop_fd(*state, proxy->listener);
    assert_ok(zmq_socket_monitor(scene.client, NULL, 0)); /* how many attempts fail meanwhile is anybody's guess */
    close_socket(*state, scene.monitor);
    scene.monitor = watch(*state, scene.client, ZMQ_EVENT_CONNECT_RETRIED);
    expect_event(&scene, ZMQ_EVENT_CONNECT_RETRIED, "nobody listens");
    assert_ok(zmq_socket_monitor(scene.client, NULL, 0));
    close_socket(*state, scene.monitor);
    proxy->listener = bind_raw(*state, &address);
    assert_int_equal(listen(proxy->listener, 16), 0);
    scene.monitor = watch(*state, scene.client, ZMQ_EVENT_CONNECTED | OUTCOME);
    expect_recovery(&scene, false);
}

/* Answers that come in single octets are as good. */
static void test_single_octets(void **state)
{
    static const char answers[] = NO_AUTH DONE;
    struct forward forward;
    struct scene scene;
    const int on = 1;
    int fd;

    open_scene(&scene, *state, false);
    fd = proxy_accept(&scene.proxy);
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    hears(fd, HELLO);
    for (size_t i = 0; i < 2; i++)
        raw_write(fd, answers + i, 1);
    proxy_expect_request(fd, scene.endpoint);
    for (size_t i = 2; i < sizeof answers - 1; i++)
        raw_write(fd, answers + i, 1);
    forward_start(&forward, &scene.proxy, fd, scene.endpoint);
    expect_event(&scene, ZMQ_EVENT_CONNECTED, "single octets");
    expect_str(scene.server, "first");
    forward_stop(&forward);
}

/* ZMQ_HANDSHAKE_IVL is for the whole dialogue: octets that come now and then do not prolong it. */
static void test_silence(void **state)
{
    struct scene scene;
    int fd;

    open_ends(&scene, *state, false);
    set_int(scene.client, ZMQ_HANDSHAKE_IVL, DIALOGUE_MS);
    proxy_open(&scene.proxy, *state);
    begin(&scene);
    fd = proxy_accept(&scene.proxy);
    raw_expect_close(fd);
    expect_failure(&scene, "silence");
    fd = proxy_accept(&scene.proxy);
    hears(fd, HELLO);
    says(fd, NO_AUTH);
    proxy_expect_request(fd, scene.endpoint);
    says(fd, "\5\0\0\3\xff");
    for (bool open = true; open;) {
        struct pollfd item = {fd, POLLIN, 0};

        open = poll(&item, 1, DIALOGUE_MS / 20) == 0;
        if (open)
            open = send(fd, "x", 1, MSG_NOSIGNAL) == 1;
    }
    expect_failure(&scene, "slowness");
}

/* No dialogue holds up the end of a socket, of an endpoint or of a context. */
static void test_ends_within_the_dialogue(void **state)
{
    struct world *world = *state;
    struct scene scene;
    int fd;

    open_scene(&scene, world, false);
    fd = proxy_accept(&scene.proxy);
    hears(fd, HELLO);
    assert_ok(zmq_disconnect(scene.client, scene.endpoint));
    close_socket(world, scene.client);
    raw_expect_close(fd);
    open_scene(&scene, world, false);
    fd = proxy_accept(&scene.proxy);
    hears(fd, HELLO);
    says(fd, NO_AUTH);
    proxy_expect_request(fd, scene.endpoint);
    close_socket(world, scene.client);
    raw_expect_close(fd);
}

/* As in libzmq, zmq_connect does not look at the proxy's text: attempts fail. */
static void test_texts_that_are_no_proxy(void **state)
{
    static const char *const texts[] = {"127.0.0.1", "127.0.0.1:", "127.0.0.1:port", "*:1080", "tcp://127.0.0.1:1080",
                                        ":1080",     "[::1]:1080", "nonsense"};
    struct world *world = *state;

    for (size_t i = 0; i < COUNT(texts); i++) {
        void *client = open_socket(world, ZMQ_DEALER);
        void *monitor = watch(world, client, EVENTS);
        struct event event;

        set_int(client, ZMQ_RECONNECT_IVL, 1);
        set_bytes(client, ZMQ_SOCKS_PROXY, texts[i], strlen(texts[i]));
        assert_ok(zmq_connect(client, "tcp://127.0.0.1:1"));
        for (int attempt = 0; attempt < 2; attempt++) {
            event = next_event(monitor);
            assert_int_equal(event.kind, ZMQ_EVENT_CONNECT_RETRIED);
            assert_string_equal(event.address + strlen("tcp://"), texts[i]);
        }
        close_socket(world, client);
    }
}

/* A text that would not fit anything that names it does no harm either. */
static void test_an_endless_text(void **state)
{
    static char text[100000];
    void *client = open_socket(*state, ZMQ_DEALER);

    memset(text, 'x', sizeof text);
    set_bytes(client, ZMQ_SOCKS_PROXY, text, sizeof text);
    assert_ok(zmq_connect(client, "tcp://127.0.0.1:1"));
    text[0] = '\0';
    set_bytes(client, ZMQ_SOCKS_PROXY, text, sizeof text);
    assert_ok(zmq_connect(client, "tcp://127.0.0.1:1"));
}

static void test_endpoints(void **state)
{
    char longest[ENDPOINT_MAX + 64];
    struct world *world = *state;
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    struct scene scene;
    uint8_t head[5];
    int fd;

    /* The source address is that of the connection that is made here: the one to the proxy. */
    open_scene(&scene, world, false);
    drop_fd(world, proxy_accept(&scene.proxy));
    close_socket(world, scene.client);
    scene.client = open_socket(world, ZMQ_DEALER);
    proxy_use(&scene.proxy, scene.client);
    assert_ok(zmq_connect(scene.client, "tcp://127.0.0.3:0;host.example:80"));
    do {
        fd = proxy_accept(&scene.proxy); /* the first client may have been here once more */
        assert_int_equal(getpeername(fd, (struct sockaddr *)&from, &size), 0);
    } while (from.sin_addr.s_addr != htonl(INADDR_LOOPBACK + 2));
    hears(fd, HELLO);
    says(fd, NO_AUTH);
    hears(fd, "\5\1\0\3\xchost.example\0\x50");

    /* No longer name fits the request. */
    snprintf(longest, sizeof longest, "tcp://%0255d:1", 0);
    longest[6] = 'n';
    assert_ok(zmq_connect(scene.client, longest));
    fd = proxy_accept(&scene.proxy);
    hears(fd, HELLO);
    says(fd, NO_AUTH);
    raw_read(fd, head, sizeof head);
    assert_memory_equal(head, "\5\1\0\3\xff", 5);
    snprintf(longest, sizeof longest, "tcp://%0256d:1", 0);
    longest[6] = 'n';
    assert_fails(zmq_connect(scene.client, longest), EINVAL);
    assert_fails(zmq_connect(scene.client, "tcp://*:1"), EINVAL);
    assert_fails(zmq_connect(scene.client, "tcp://host"), EINVAL);
    assert_fails(zmq_connect(scene.client, "tcp://host:port"), EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(test_refusals),
        arena_test(test_death_at_any_point),
        arena_test(test_no_proxy),
        arena_test(test_single_octets),
        arena_test(test_silence),
        arena_test(test_ends_within_the_dialogue),
        arena_test(test_texts_that_are_no_proxy),
        arena_test(test_an_endless_text),
        arena_test(test_endpoints),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
