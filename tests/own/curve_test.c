/* SPDX-License-Identifier: ISC */
/* CURVE handshakes with a peer that is wrong on purpose: commands of wrong size, wrong boxes, wrong vouches, wrong order,
 * against a server and against a client. */
#include "curve_peer.h"
#include "hostile.h"

#include <errno.h>
#include <string.h>

#define FAILED ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
#define CODE(name) ZMQ_PROTOCOL_ERROR_ZMTP_##name

/* A command of a handshake has at most 64 KiB of metadata, and what belongs to them. */
enum { INITIATE_MIN = 257, COMMAND_MAX = 65536 + 512 };

/* --- a hostile client ----------------------------------------------------------------------------------------------- */

/* Connects and greets; nothing of the victim's was read. */
static int greet(struct arena *arena)
{
    struct octets out = {.size = 0};
    const int fd = arena_attack(arena);

    put_right_greeting(&out, arena);
    wire_send(fd, &out);
    return fd;
}

static void refused(struct arena *arena, int fd, uint32_t code, const char *name)
{
    arena_expect_reason(arena, FAILED, code, name);
    arena_expect_left(arena, fd);
}

/* A HELLO of this size, cut or filled with zeros. */
static void hello_of(struct arena *arena, size_t size)
{
    struct octets body = {.data = {0}};
    struct curve_peer peer;
    const int fd = greet(arena);

    curve_client_init(&peer);
    curve_hello(&peer, &body);
    body.size = size;
    send_body(fd, FRAME_COMMAND, &body);
    refused(arena, fd, CODE(MALFORMED_COMMAND_HELLO), "HELLO's size");
}

static void changed_hello(struct arena *arena, size_t at, int octet, uint32_t code)
{
    struct curve_peer peer;
    struct octets body;
    const int fd = greet(arena);

    curve_client_init(&peer);
    curve_hello(&peer, &body);
    body.data[at] = (uint8_t)octet;
    send_body(fd, FRAME_COMMAND, &body);
    refused(arena, fd, code, "HELLO");
}

static void test_hello(void **state)
{
    struct curve_peer peer;
    struct octets body;
    struct arena arena;
    int fd;

    arena_open(&arena, *state, ZMQ_CURVE, true, NULL);
    for (size_t size = 6; size < HELLO_SIZE; size++)
        hello_of(&arena, size);
    hello_of(&arena, HELLO_SIZE + 1);
    hello_of(&arena, HELLO_SIZE + 40);
    changed_hello(&arena, 6, 2, CODE(MALFORMED_COMMAND_HELLO));
    changed_hello(&arena, 7, 1, CODE(MALFORMED_COMMAND_HELLO));
    changed_hello(&arena, 8, 1, CODE(MALFORMED_COMMAND_HELLO));
    changed_hello(&arena, 79, 1, CODE(MALFORMED_COMMAND_HELLO));

    /* A client that takes another server for this one. */
    curve_client_init(&peer);
    memcpy(peer.other_public, peer.short_public, KEY);
    curve_hello(&peer, &body);
    fd = greet(&arena);
    send_body(fd, FRAME_COMMAND, &body);
    refused(&arena, fd, CODE(CRYPTOGRAPHIC), "another server");
}

/* Keys with which every secret key makes the same secret: C' in HELLO, or S' in WELCOME. */
static const uint8_t low_order[][KEY] = {
    {0},
    {1},
    {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
     0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
};

static void test_low_order_keys_of_a_client(void **state)
{
    struct arena arena;

    arena_open(&arena, *state, ZMQ_CURVE, true, NULL);
    for (size_t i = 0; i < sizeof low_order / sizeof *low_order; i++) {
        struct curve_peer peer;
        struct octets body;
        const int fd = greet(&arena);

        curve_client_init(&peer);
        curve_hello(&peer, &body);
        memcpy(body.data + 80, low_order[i], KEY);
        send_body(fd, FRAME_COMMAND, &body);
        refused(&arena, fd, CODE(CRYPTOGRAPHIC), "C' of low order");
    }
}

/* What a client without scruples changes before it makes its INITIATE. */
typedef void change_fn(struct curve_peer *peer, struct octets *metadata);

static void other_cookie(struct curve_peer *peer, struct octets *metadata)
{
    (void)metadata;
    memset(peer->cookie + 20, 0x55, 60);
}

static void old_nonce(struct curve_peer *peer, struct octets *metadata)
{
    (void)metadata;
    peer->nonce = 0;
}

static void vouch_for_other_client(struct curve_peer *peer, struct octets *metadata)
{
    (void)metadata;
    peer->vouch[31] ^= 1;
}

static void vouch_for_other_server(struct curve_peer *peer, struct octets *metadata)
{
    (void)metadata;
    peer->vouch[63] ^= 1;
}

static void vouch_without_server(struct curve_peer *peer, struct octets *metadata)
{
    (void)metadata;
    memset(peer->vouch + KEY, 0, KEY);
}

/* Says that it is somebody whose secret key it does not have. */
static void somebody_else(struct curve_peer *peer, struct octets *metadata)
{
    (void)metadata;
    memcpy(peer->own_public, server_keys()->public_key, KEY);
}

static void unfit_type(struct curve_peer *peer, struct octets *metadata)
{
    (void)peer;
    metadata->size = 0;
    put_property(metadata, "Socket-Type", "SUB", 3);
}

static void cut_metadata(struct curve_peer *peer, struct octets *metadata)
{
    (void)peer;
    metadata->size -= 1;
}

static void zero_metadata(struct curve_peer *peer, struct octets *metadata)
{
    (void)peer;
    memset(metadata->data, 0, 64);
    metadata->size = 64;
}

static void put_type(struct octets *metadata, const char *type)
{
    metadata->size = 0;
    put_property(metadata, "Socket-Type", type, strlen(type));
}

static void changed_initiate(struct arena *arena, change_fn *change, uint32_t code, const char *name)
{
    struct octets metadata, body;
    struct curve_peer peer;
    const int fd = arena_attack(arena);

    curve_client_init(&peer);
    curve_meet(&peer, fd);
    put_type(&metadata, "DEALER");
    change(&peer, &metadata);
    curve_initiate(&peer, &metadata, &body);
    send_body(fd, FRAME_COMMAND, &body);
    refused(arena, fd, code, name);
}

static void test_initiate(void **state)
{
    struct arena arena;

    arena_open(&arena, *state, ZMQ_CURVE, true, NULL);
    changed_initiate(&arena, other_cookie, CODE(CRYPTOGRAPHIC), "cookie");
    changed_initiate(&arena, old_nonce, CODE(INVALID_SEQUENCE), "nonce");
    changed_initiate(&arena, vouch_for_other_client, CODE(KEY_EXCHANGE), "vouch for C'");
    changed_initiate(&arena, vouch_for_other_server, CODE(KEY_EXCHANGE), "vouch for S");
    changed_initiate(&arena, vouch_without_server, CODE(KEY_EXCHANGE), "vouch without S");
    changed_initiate(&arena, somebody_else, CODE(CRYPTOGRAPHIC), "identity");
    changed_initiate(&arena, unfit_type, CODE(INVALID_METADATA), "socket type");
    changed_initiate(&arena, cut_metadata, CODE(INVALID_METADATA), "cut metadata");
    changed_initiate(&arena, zero_metadata, CODE(INVALID_METADATA), "zeros");
}

/* An INITIATE of this size: its beginning, or more than all of it. */
static void initiate_of(struct arena *arena, size_t size, int kind, uint32_t code)
{
    struct octets metadata, body = {.data = {0}};
    struct curve_peer peer;
    const int fd = arena_attack(arena);

    curve_client_init(&peer);
    curve_meet(&peer, fd);
    put_type(&metadata, "DEALER");
    curve_initiate(&peer, &metadata, &body);
    body.size = size;
    send_body(fd, FRAME_COMMAND, &body);
    arena_expect_reason(arena, kind, code, "INITIATE's size");
    arena_expect_left(arena, fd);
}

static void cve_2019_13132_initiate_of_every_size(void **state)
{
    struct arena arena;

    arena_open(&arena, *state, ZMQ_CURVE, true, NULL);
    for (size_t size = 9; size < INITIATE_MIN; size++)
        initiate_of(&arena, size, FAILED, CODE(MALFORMED_COMMAND_INITIATE));
    for (size_t size = INITIATE_MIN; size < INITIATE_MIN + 21; size++)
        initiate_of(&arena, size, FAILED, CODE(CRYPTOGRAPHIC));
    initiate_of(&arena, 1024, FAILED, CODE(CRYPTOGRAPHIC));
    initiate_of(&arena, 4000, FAILED, CODE(CRYPTOGRAPHIC));
}

/* Metadata as large as they may be, well sealed, and a frame that is larger than any INITIATE. */
static void cve_2019_13132_initiate_with_much_metadata(void **state)
{
    struct octets metadata, body;
    struct curve_peer peer;
    struct arena arena;
    int fd;

    arena_open(&arena, *state, ZMQ_CURVE, true, NULL);
    fd = arena_attack(&arena);
    curve_client_init(&peer);
    curve_meet(&peer, fd);
    put_type(&metadata, "DEALER");
    while (metadata.size < 3700)
        put_property(&metadata, "X-Long", body.data, 100);
    curve_initiate(&peer, &metadata, &body);
    send_body(fd, FRAME_COMMAND, &body);
    assert_int_equal(next_event(arena.monitor).kind, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    drop_fd(arena.world, fd);
    assert_int_equal(next_event(arena.monitor).kind, ZMQ_EVENT_DISCONNECTED);

    fd = arena_attack(&arena);
    curve_client_init(&peer);
    curve_meet(&peer, fd);
    body.size = 0;
    put_long_header(&body, FRAME_COMMAND, COMMAND_MAX + 1);
    put_bytes(&body, "\x8INITIATE", 9);
    wire_send(fd, &body);
    arena_expect_reason(&arena, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, EMSGSIZE, "too large");
    arena_expect_left(&arena, fd);
}

/* What is no command of a client's, or not now: before HELLO, and before INITIATE. */
static void test_order_of_a_client(void **state)
{
    static const char *const commands[] = {"WELCOME", "READY", "MESSAGE", "ERROR", "HELLO", "INITIATE"};
    struct arena arena;

    arena_open(&arena, *state, ZMQ_CURVE, true, NULL);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        for (int met = 0; met < 2; met++) {
            struct curve_peer peer;
            int fd;

            if (strcmp(commands[i], met ? "INITIATE" : "HELLO") == 0)
                continue;
            curve_client_init(&peer);
            if (met)
                curve_meet(&peer, fd = arena_attack(&arena));
            else
                fd = greet(&arena);
            wire_send_command(fd, commands[i], "01234567", 8);
            refused(&arena, fd, CODE(UNEXPECTED_COMMAND), commands[i]);
        }
    }
}

/* --- a hostile server ------------------------------------------------------------------------------------------------ */

/* Greets the client, takes its HELLO, and answers with what change made of a WELCOME. */
static void changed_welcome(struct arena *arena, size_t size, const uint8_t *key, bool other_server, uint32_t code)
{
    struct octets body = {.data = {0}};
    struct curve_peer peer;
    const int fd = greet(arena);

    wire_expect_greeting(fd, "CURVE");
    assert_int_equal(wire_read_frame(fd, &body), FRAME_COMMAND);
    curve_server_init(&peer);
    curve_take_hello(&peer, &body);
    if (key)
        memcpy(peer.short_public, key, KEY);
    if (other_server)
        memcpy(peer.own_secret, peer.short_secret, KEY);
    curve_welcome(&peer, &body);
    body.size = size;
    send_body(fd, FRAME_COMMAND, &body);
    refused(arena, fd, code, "WELCOME");
}

static void test_welcome(void **state)
{
    struct arena arena;

    arena_open(&arena, *state, ZMQ_CURVE, false, NULL);
    for (size_t size = 8; size < WELCOME_SIZE; size++)
        changed_welcome(&arena, size, NULL, false, CODE(MALFORMED_COMMAND_WELCOME));
    changed_welcome(&arena, WELCOME_SIZE + 1, NULL, false, CODE(MALFORMED_COMMAND_WELCOME));
    changed_welcome(&arena, WELCOME_SIZE, NULL, true, CODE(CRYPTOGRAPHIC));
    for (size_t i = 0; i < sizeof low_order / sizeof *low_order; i++)
        changed_welcome(&arena, WELCOME_SIZE, low_order[i], false, CODE(CRYPTOGRAPHIC));
}

/* A READY with these metadata, of which the last octets may be missing. */
static void changed_ready(struct arena *arena, const struct octets *metadata, size_t missing, uint32_t code)
{
    struct curve_peer peer;
    struct octets body;
    const int fd = arena_attack(arena);

    curve_server_init(&peer);
    curve_meet(&peer, fd);
    curve_ready(&peer, metadata, &body);
    body.size -= missing;
    send_body(fd, FRAME_COMMAND, &body);
    refused(arena, fd, code, "READY");
}

static void test_ready(void **state)
{
    struct octets metadata;
    struct arena arena;

    arena_open(&arena, *state, ZMQ_CURVE, false, NULL);
    put_type(&metadata, "ROUTER");
    for (size_t missing = 1; missing <= metadata.size; missing++)
        changed_ready(&arena, &metadata, missing, CODE(CRYPTOGRAPHIC));
    for (size_t missing = metadata.size + 1; missing <= metadata.size + 24; missing++)
        changed_ready(&arena, &metadata, missing, CODE(MALFORMED_COMMAND_READY));
    put_type(&metadata, "PUB");
    changed_ready(&arena, &metadata, 0, CODE(INVALID_METADATA));
    put_type(&metadata, "ROUTER");
    metadata.size--;
    changed_ready(&arena, &metadata, 0, CODE(INVALID_METADATA));
}

static void test_order_of_a_server(void **state)
{
    static const char *const commands[] = {"HELLO", "INITIATE", "MESSAGE", "READY", "WELCOME"};
    struct arena arena;

    arena_open(&arena, *state, ZMQ_CURVE, false, NULL);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        for (int met = 0; met < 2; met++) {
            struct curve_peer peer;
            int fd;

            if (strcmp(commands[i], met ? "READY" : "WELCOME") == 0)
                continue;
            curve_server_init(&peer);
            if (met)
                curve_meet(&peer, fd = arena_attack(&arena));
            else
                fd = greet(&arena);
            wire_send_command(fd, commands[i], "01234567", 8);
            refused(&arena, fd, CODE(UNEXPECTED_COMMAND), commands[i]);
        }
    }
}

static void test_error_of_a_server(void **state)
{
    struct arena arena;

    arena_open(&arena, *state, ZMQ_CURVE, false, NULL);
    for (int met = 0; met < 2; met++) {
        struct curve_peer peer;
        int fd;

        curve_server_init(&peer);
        if (met)
            curve_meet(&peer, fd = arena_attack(&arena));
        else
            fd = greet(&arena);
        wire_send_command(fd, "ERROR", "\003400", 4);
        arena_expect_reason(&arena, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 400, "ERROR");
        arena_expect_left(&arena, fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(test_hello),
        arena_test(test_low_order_keys_of_a_client),
        arena_test(test_initiate),
        arena_test(cve_2019_13132_initiate_of_every_size),
        arena_test(cve_2019_13132_initiate_with_much_metadata),
        arena_test(test_order_of_a_client),
        arena_test(test_welcome),
        arena_test(test_ready),
        arena_test(test_order_of_a_server),
        arena_test(test_error_of_a_server),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
