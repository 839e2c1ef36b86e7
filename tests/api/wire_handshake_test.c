/* SPDX-License-Identifier: ISC */
/* The greeting and the NULL handshake of ZMTP 3.x octet by octet (RFC 37, RFC 23): a peer written by hand says what is
 * right, what is odd but allowed, and what is wrong. What is wrong ends its own connection and disturbs no other. */
#include "pattern.h"
#include "secure.h"
#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* The READY of a DEALER. */
static void put_ready(struct octets *out)
{
    put_metadata_command(out, "READY", "DEALER", NULL);
}

/* --- The greeting --- */

static void test_greeting_as_it_is_sent(void **state)
{
    struct world *world = *state;
    static const uint8_t rest[] = {3, 1, 'N', 'U', 'L', 'L'};
    for (int connecting = 0; connecting < 2; connecting++) {
        char endpoint[ENDPOINT_MAX];
        uint8_t greeting[64];
        void *socket = open_socket(world, ZMQ_DEALER);
        int fd;
        if (connecting) {
            const int listener = raw_listen(world, endpoint);
            assert_ok(zmq_connect(socket, endpoint));
            fd = raw_accept(world, listener);
        } else {
            bind_any(world, socket, "tcp", endpoint);
            fd = raw_connect(world, endpoint);
        }
        struct octets out = {.size = 0};
        put_greeting(&out, "NULL", 3, 1);
        wire_send(fd, &out);
        raw_read(fd, greeting, sizeof greeting);
        assert_int_equal(greeting[0], 0xff);
        assert_int_equal(greeting[9], 0x7f);
        assert_memory_equal(greeting + 10, rest, sizeof rest);
        for (size_t i = 16; i < 64; i++)
            assert_int_equal(greeting[i], 0);
    }
}

static void greet_and_talk(struct world *world, const struct wire_scene *scene, const struct octets *greeting)
{
    struct octets out = {.size = 0};
    const int fd = raw_connect(world, scene->endpoint);
    wire_send(fd, greeting);
    put_ready(&out);
    wire_send(fd, &out);
    wire_expect_greeting(fd, "NULL");
    wire_expect_metadata(fd, "READY", "DEALER", NULL);
    assert_int_equal(await_event(scene->monitor, OUTCOME).kind, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    wire_send_str(fd, "hello");
    expect_str(scene->socket, "hello");
    assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
    await_event(scene->monitor, ZMQ_EVENT_DISCONNECTED);
}

static void test_later_versions_are_welcome(void **state)
{
    struct world *world = *state;
    const struct wire_scene scene = wire_open_scene(world);
    static const int versions[][2] = {{3, 0}, {3, 1}, {3, 2}, {3, 255}, {4, 0}, {255, 255}};
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        struct octets greeting = {.size = 0};
        put_greeting(&greeting, "NULL", versions[i][0], versions[i][1]);
        greet_and_talk(world, &scene, &greeting);
    }
}

static void test_padding_and_filler_mean_nothing(void **state)
{
    struct world *world = *state;
    const struct wire_scene scene = wire_open_scene(world);
    struct octets greeting = {.size = 0};
    put_greeting(&greeting, "NULL", 3, 1);
    memcpy(greeting.data + 1, "paddings", 8);
    greet_and_talk(world, &scene, &greeting);
    memset(greeting.data + 33, 0xff, 31);
    greet_and_talk(world, &scene, &greeting);
    memset(greeting.data + 1, 0, 8);
    greeting.data[8] = 1;
    greet_and_talk(world, &scene, &greeting);
}

static void test_other_mechanisms(void **state)
{
    struct world *world = *state;
    const struct wire_scene scene = wire_open_scene(world);
    static const char *const names[] = {
        "PLAIN", "CURVE", "GSSAPI", "FOO", "", "null", "NUL", "NULLX", "NNNNNNNNNNNNNNNNNNNN"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct octets out = {.size = 0};
        const int fd = raw_connect(world, scene.endpoint);
        put_greeting(&out, names[i], 3, 1);
        wire_send(fd, &out);
        expect_protocol_error(scene.monitor, ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH);
        raw_expect_close(fd);
        wire_expect_undisturbed(&scene);
    }
}

static void test_what_is_no_greeting(void **state)
{
    struct world *world = *state;
    struct wire_scene scene = {.socket = open_socket(world, ZMQ_DEALER)};
    secure_server(scene.socket, ZMQ_CURVE);
    give_up_early(scene.socket);
    scene.monitor = watch(world, scene.socket, ZMQ_EVENT_ALL);
    bind_any(world, scene.socket, "tcp", scene.endpoint);
    static const char *const texts[] = {
        "GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: somebody with a long name\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3 and some more text to fill it all up\r\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const int fd = raw_connect(world, scene.endpoint);
        raw_write(fd, texts[i], strlen(texts[i]));
        await_refusal(scene.monitor);
        raw_expect_close(fd);
    }
}

/* Older protocols know no security: a socket that has any does not speak them. */
static void test_cve_2014_7202_no_downgrade(void **state)
{
    struct world *world = *state;
    static const struct {
        uint8_t data[16];
        size_t size;
    } greetings[] = {
        {{0x01, 0x00}, 2},                                      /* ZMTP 1.0 */
        {{0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 0, 5, 0, 0}, 14}, /* ZMTP 1.0 with a 2.0 signature */
        {{0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 1, 5, 0, 0}, 14}, /* ZMTP 2.0 */
    };
    void *handler = open_handler(world);
    for (int mechanism = ZMQ_NULL; mechanism <= ZMQ_CURVE; mechanism++)
        for (size_t i = 0; i < sizeof greetings / sizeof *greetings; i++) {
            char endpoint[ENDPOINT_MAX];
            void *pull = open_socket(world, ZMQ_DEALER);
            secure_server(pull, mechanism);
            give_up_early(pull);
            set_bytes(pull, ZMQ_ZAP_DOMAIN, "domain", 6);
            void *monitor = watch(world, pull, ZMQ_EVENT_ALL);
            bind_any(world, pull, "tcp", endpoint);
            const int fd = raw_connect(world, endpoint);
            raw_write(fd, greetings[i].data, greetings[i].size);
            if (i > 0) {
                await_refusal(monitor);
                raw_expect_close(fd);
            } else {
                raw_write(fd, "\6\0hello\6\0hello", 14);
                await_refusal(monitor);
                raw_expect_close(fd);
            }
            expect_nothing(pull);
        }
    expect_nothing(handler);
}

/* One octet at a time is as good as all at once. */
static void test_octet_by_octet(void **state)
{
    struct world *world = *state;
    const struct wire_scene scene = wire_open_scene(world);
    struct octets out = {.size = 0};
    const int fd = raw_connect(world, scene.endpoint);
    put_greeting(&out, "NULL", 3, 1);
    put_ready(&out);
    for (size_t i = 0; i < out.size; i++)
        raw_write(fd, out.data + i, 1);
    wire_expect_greeting(fd, "NULL");
    wire_expect_metadata(fd, "READY", "DEALER", NULL);
    out.size = 0;
    put_frame(&out, FRAME_MORE, "a", 1);
    put_command(&out, "PING", "\0\0ctx", 5);
    put_long_header(&out, 0, 3);
    put_bytes(&out, "end", 3);
    for (size_t i = 0; i < out.size; i++)
        raw_write(fd, out.data + i, 1);
    expect_frames(scene.socket, "a", "end");
    wire_expect_command(fd, "PONG", "ctx", 3);
}

/* A peer that stops talking in the middle of anything is given up in the end. */
static void test_handshake_timeout(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    struct octets out = {.size = 0};
    static const size_t lengths[] = {0, 1, 9, 10, 11, 12, 40, 63, 64, 65, 70};
    put_greeting(&out, "NULL", 3, 1);
    put_ready(&out);
    void *dealer = open_socket(world, ZMQ_DEALER);
    set_int(dealer, ZMQ_HANDSHAKE_IVL, 50);
    void *monitor = watch(world, dealer, ZMQ_EVENT_ALL);
    bind_any(world, dealer, "tcp", endpoint);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        const int fd = raw_connect(world, endpoint);
        raw_write(fd, out.data, lengths[i]);
        assert_int_equal(await_refusal(monitor).kind, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
        raw_expect_close(fd);
    }
}

static void test_peer_leaves_in_the_handshake(void **state)
{
    struct world *world = *state;
    const struct wire_scene scene = wire_open_scene(world);
    struct octets out = {.size = 0};
    static const size_t lengths[] = {0, 1, 10, 11, 12, 63, 64, 65, 70};
    put_greeting(&out, "NULL", 3, 1);
    put_ready(&out);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        const int fd = raw_connect(world, scene.endpoint);
        raw_write(fd, out.data, lengths[i]);
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        wire_expect_refused(&scene, fd);
    }
}

/* --- The NULL handshake --- */

static void test_ready_as_it_is_sent(void **state)
{
    struct world *world = *state;
    static const struct {
        int type;
        const char *name;
        const char *peer;
        bool identifies;
    } types[] = {
        {ZMQ_PAIR, "PAIR", "PAIR", false}, {ZMQ_REQ, "REQ", "REP", true},     {ZMQ_REP, "REP", "REQ", false},
        {ZMQ_PUB, "PUB", "SUB", false},    {ZMQ_SUB, "SUB", "PUB", false},    {ZMQ_DEALER, "DEALER", "ROUTER", true},
        {ZMQ_XPUB, "XPUB", "SUB", false},  {ZMQ_XSUB, "XSUB", "PUB", false},  {ZMQ_ROUTER, "ROUTER", "DEALER", true},
        {ZMQ_PUSH, "PUSH", "PULL", false}, {ZMQ_PULL, "PULL", "PUSH", false},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char endpoint[ENDPOINT_MAX];
        struct octets out = {.size = 0};
        struct octets rest;
        struct octets identity = {.size = 0};
        void *socket = open_socket(world, types[i].type);
        set_bytes(socket, ZMQ_ROUTING_ID, "my name", 7);
        bind_any(world, socket, "tcp", endpoint);
        const int fd = raw_connect(world, endpoint);
        put_greeting(&out, "NULL", 3, 1);
        put_metadata_command(&out, "READY", types[i].peer, NULL);
        wire_send(fd, &out);
        wire_expect_greeting(fd, "NULL");
        wire_expect_metadata(fd, "READY", types[i].name, &rest);
        if (types[i].identifies) {
            put_property(&identity, "Identity", "my name", 7);
            assert_int_equal(rest.size, identity.size);
            assert_memory_equal(rest.data, identity.data, identity.size);
        }
    }
}

static void test_metadata_of_ones_own(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    struct octets out = {.size = 0};
    struct octets rest;
    struct octets property = {.size = 0};
    void *push = open_socket(world, ZMQ_PUSH);
    set_bytes(push, ZMQ_METADATA, "X-color:red", 11);
    bind_any(world, push, "tcp", endpoint);
    const int fd = raw_connect(world, endpoint);
    put_greeting(&out, "NULL", 3, 1);
    put_metadata_command(&out, "READY", "PULL", NULL);
    wire_send(fd, &out);
    wire_expect_greeting(fd, "NULL");
    wire_expect_metadata(fd, "READY", "PUSH", &rest);
    put_property(&property, "X-color", "red", 3);
    assert_int_equal(rest.size, property.size);
    assert_memory_equal(rest.data, property.data, property.size);
}

static void test_identity_from_the_wire(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    struct octets out = {.size = 0};
    struct octets identity = {.size = 0};
    void *router = open_socket(world, ZMQ_ROUTER);
    bind_any(world, router, "tcp", endpoint);
    const int fd = raw_connect(world, endpoint);
    put_greeting(&out, "NULL", 3, 1);
    put_property(&identity, "Identity", "wire", 4);
    put_metadata_command(&out, "READY", "DEALER", &identity);
    wire_send(fd, &out);
    wire_expect_greeting(fd, "NULL");
    wire_expect_metadata(fd, "READY", "ROUTER", NULL);
    wire_send_str(fd, "hello");
    expect_frames(router, "wire", "hello");
    send_frames(router, "wire", "back");
    wire_expect_str(fd, "back");
}

/* Properties that nobody knows, names in any case, the long form where the short one would do. */
static void test_odd_but_good_ready(void **state)
{
    struct world *world = *state;
    const struct wire_scene scene = wire_open_scene(world);
    for (int kind = 0; kind < 3; kind++) {
        struct octets out = {.size = 0};
        struct octets metadata = {.size = 0};
        const int fd = raw_connect(world, scene.endpoint);
        put_greeting(&out, "NULL", 3, 1);
        put_property(&metadata, kind == 1 ? "sOCKET-tYPE" : "Socket-Type", "DEALER", 6);
        if (kind == 0)
            put_property(&metadata, "X-unknown", "\0\1\2", 3);
        if (kind == 2) {
            put_long_header(&out, FRAME_COMMAND, 6 + metadata.size);
            put_bytes(&out, "\5READY", 6);
            put_bytes(&out, metadata.data, metadata.size);
        } else {
            put_command(&out, "READY", metadata.data, metadata.size);
        }
        wire_send(fd, &out);
        assert_int_equal(await_event(scene.monitor, OUTCOME).kind, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
        wire_send_str(fd, "hello");
        expect_str(scene.socket, "hello");
    }
}

static void test_malformed_metadata(void **state)
{
    struct world *world = *state;
    const struct wire_scene scene = wire_open_scene(world);
    static const struct {
        const char *data;
        size_t size;
    } metadata[] = {
        {"\377Socket-Type\0\0\0\6DEALER", 22},
        {"\13Socket-Type\0\0\0\377DEALER", 22},
        {"\13Socket-Type\0\0\0\7DEALER", 22},
        {"\13Socket-Type\200\0\0\0DEALER", 22},
        {"\13Socket-Type\377\377\377\377DEALER", 22},
        {"\13Socket-Type\0\0", 14},
        {"\13Socket", 7},
        {"\13Socket-Type\0\0\0\6DEALER\1", 23},
        {"\13Socket-Type\0\0\0\6DEALER\1a\0\0\0\5b", 29},
    };
    for (size_t i = 0; i < sizeof metadata / sizeof *metadata; i++) {
        struct octets out = {.size = 0};
        const int fd = raw_connect(world, scene.endpoint);
        put_greeting(&out, "NULL", 3, 1);
        put_command(&out, "READY", metadata[i].data, metadata[i].size);
        wire_send(fd, &out);
        wire_expect_refused(&scene, fd);
    }
}

/* RFC 37's table: which socket types may be peers. */
static void test_socket_types(void **state)
{
    struct world *world = *state;
    static const char *const peers[] = {"PAIR", "PUB",  "SUB",    "REQ", "REP", "DEALER", "ROUTER", "PULL",  "PUSH",
                                        "XPUB", "XSUB", "STREAM", "FOO", "",    "pair",   "pub",    "dealer"};
    static const char *const legal[] = {"PAIR",       "SUB XSUB",          "PUB XPUB",          "REP ROUTER",
                                        "REQ DEALER", "REP DEALER ROUTER", "REQ DEALER ROUTER", "PUSH",
                                        "PULL",       "SUB XSUB",          "PUB XPUB"};
    for (int type = ZMQ_PAIR; type <= ZMQ_XSUB; type++) {
        char endpoint[ENDPOINT_MAX];
        void *socket = open_socket(world, type);
        give_up_early(socket);
        void *monitor = watch(world, socket, ZMQ_EVENT_ALL);
        bind_any(world, socket, "tcp", endpoint);
        for (size_t i = 0; i < sizeof peers / sizeof *peers; i++) {
            struct octets out = {.size = 0};
            char list[64];
            char word[16];
            const int fd = raw_connect(world, endpoint);
            put_greeting(&out, "NULL", 3, 1);
            put_metadata_command(&out, "READY", peers[i], NULL);
            wire_send(fd, &out);
            snprintf(list, sizeof list, " %s ", legal[type]);
            snprintf(word, sizeof word, " %s ", peers[i]);
            if (peers[i][0] && strstr(list, word)) {
                assert_int_equal(await_event(monitor, OUTCOME).kind, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
                wire_close(world, fd);
                await_event(monitor, ZMQ_EVENT_DISCONNECTED);
            } else {
                await_refusal(monitor);
                raw_expect_close(fd);
                wire_close(world, fd);
            }
        }
        close_socket(world, socket);
        close_socket(world, monitor);
    }
}

static void test_other_commands_for_ready(void **state)
{
    struct world *world = *state;
    const struct wire_scene scene = wire_open_scene(world);
    static const char *const names[] = {"HELLO", "WELCOME", "INITIATE", "PING", "SUBSCRIBE", "ready", "READ", "READYY"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct octets out = {.size = 0};
        const int fd = raw_connect(world, scene.endpoint);
        put_greeting(&out, "NULL", 3, 1);
        put_command(&out, names[i], "\0\0", 2);
        put_ready(&out);
        wire_send(fd, &out);
        expect_protocol_error(scene.monitor, ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND);
        raw_expect_close(fd);
        wire_expect_undisturbed(&scene);
    }
}

static void test_message_before_ready(void **state)
{
    struct world *world = *state;
    const struct wire_scene scene = wire_open_scene(world);
    struct octets out = {.size = 0};
    const int fd = raw_connect(world, scene.endpoint);
    put_greeting(&out, "NULL", 3, 1);
    put_frame(&out, 0, "too early", 9);
    put_ready(&out);
    wire_send(fd, &out);
    expect_protocol_error(scene.monitor, ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND);
    raw_expect_close(fd);
    wire_expect_undisturbed(&scene);
}

static void test_broken_command_frames_for_ready(void **state)
{
    struct world *world = *state;
    const struct wire_scene scene = wire_open_scene(world);
    static const struct {
        const char *data;
        size_t size;
    } frames[] = {{"\4\0", 2}, {"\4\1\0", 3}, {"\4\3\11RE", 5}, {"\4\5READY", 7}};
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        struct octets out = {.size = 0};
        const int fd = raw_connect(world, scene.endpoint);
        put_greeting(&out, "NULL", 3, 1);
        put_bytes(&out, frames[i].data, frames[i].size);
        wire_send(fd, &out);
        wire_expect_refused(&scene, fd);
    }
}

/* The ERROR of the other side says why: the monitor hands it on if it is a ZAP status. */
static void test_error_instead_of_ready(void **state)
{
    struct world *world = *state;
    static const uint32_t codes[] = {300, 400, 500};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        char endpoint[ENDPOINT_MAX];
        char reason[8];
        struct octets out = {.size = 0};
        const int listener = raw_listen(world, endpoint);
        void *dealer = open_socket(world, ZMQ_DEALER);
        give_up_early(dealer);
        void *monitor = watch(world, dealer, ZMQ_EVENT_ALL);
        assert_ok(zmq_connect(dealer, endpoint));
        const int fd = raw_accept(world, listener);
        snprintf(reason, sizeof reason, "\3%u", (unsigned)codes[i]);
        put_greeting(&out, "NULL", 3, 1);
        put_command(&out, "ERROR", reason, 4);
        wire_send(fd, &out);
        const struct event event = await_event(monitor, OUTCOME);
        assert_int_equal(event.kind, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
        assert_int_equal(event.value, codes[i]);
    }
}

static void test_malformed_error(void **state)
{
    struct world *world = *state;
    static const char *const reasons[] = {"", "\11400"};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        char endpoint[ENDPOINT_MAX];
        struct octets out = {.size = 0};
        const int listener = raw_listen(world, endpoint);
        void *dealer = open_socket(world, ZMQ_DEALER);
        give_up_early(dealer);
        void *monitor = watch(world, dealer, ZMQ_EVENT_ALL);
        assert_ok(zmq_connect(dealer, endpoint));
        const int fd = raw_accept(world, listener);
        put_greeting(&out, "NULL", 3, 1);
        put_command(&out, "ERROR", reasons[i], strlen(reasons[i]));
        wire_send(fd, &out);
        expect_protocol_error(monitor, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR);
        raw_expect_close(fd);
    }
}

static void test_absurd_sizes_in_the_handshake(void **state)
{
    struct world *world = *state;
    const struct wire_scene scene = wire_open_scene(world);
    static const uint64_t sizes[] = {UINT64_MAX, UINT64_MAX - 64, (uint64_t)1 << 63, INT64_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct octets out = {.size = 0};
        const int fd = raw_connect(world, scene.endpoint);
        put_greeting(&out, "NULL", 3, 1);
        put_long_header(&out, FRAME_COMMAND, sizes[i]);
        wire_send(fd, &out);
        wire_expect_refused(&scene, fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_greeting_as_it_is_sent),
        world_test(test_later_versions_are_welcome),
        world_test(test_padding_and_filler_mean_nothing),
        world_test(test_other_mechanisms),
        world_test(test_what_is_no_greeting),
        world_test(test_cve_2014_7202_no_downgrade),
        world_test(test_octet_by_octet),
        world_test(test_handshake_timeout),
        world_test(test_peer_leaves_in_the_handshake),
        world_test(test_ready_as_it_is_sent),
        world_test(test_metadata_of_ones_own),
        world_test(test_identity_from_the_wire),
        world_test(test_odd_but_good_ready),
        world_test(test_malformed_metadata),
        world_test(test_socket_types),
        world_test(test_other_commands_for_ready),
        world_test(test_message_before_ready),
        world_test(test_broken_command_frames_for_ready),
        world_test(test_error_instead_of_ready),
        world_test(test_malformed_error),
        world_test(test_absurd_sizes_in_the_handshake),
    };
    return cmocka_run_group_tests_name("handshake", tests, NULL, NULL);
}
