/* SPDX-License-Identifier: ISC */
/* Peers that behave until they are READY, and then send frames that are malformed, oversized up to 2^64, cut short or of
 * the wrong kind. */
#include "curve_peer.h"
#include "hostile.h"

#include <errno.h>
#include <string.h>

#define OCTETS(text) text, sizeof text - 1
#define PROTOCOL(code) ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, ZMQ_PROTOCOL_ERROR_ZMTP_##code
#define SYSTEM(error) ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, error

enum { LIMIT = 1000 };

struct attempt {
    const char *name;
    const char *octets;
    size_t size;
    int kind;
    uint32_t value;
};

static void limit_size(void *victim)
{
    const int64_t limit = LIMIT;

    set_bytes(victim, ZMQ_MAXMSGSIZE, &limit, sizeof limit);
}

static void expect_joined(struct arena *arena)
{
    const struct event event = next_event(arena->monitor);

    if (event.kind != ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
        fail_msg("the handshake ends with event 0x%x, 0x%x", event.kind, (unsigned)event.value);
}

/* A hostile peer that is READY. */
static int join(struct arena *arena, struct curve_peer *peer)
{
    const int fd = arena_attack(arena);
    const char *own = arena->server ? "DEALER" : "ROUTER";
    const char *other = arena->server ? "ROUTER" : "DEALER";

    if (arena->mechanism == ZMQ_NULL) {
        wire_handshake(fd, own, other, 1);
    } else {
        (arena->server ? curve_client_init : curve_server_init)(peer);
        curve_join(peer, fd, own);
    }
    expect_joined(arena);
    return fd;
}

/* The victim says why it closes the connection, and its healthy peer does not notice. */
static void expect_end(struct arena *arena, int fd, int kind, uint32_t value, const char *name)
{
    const struct event reason = next_event(arena->monitor);

    if (reason.kind != kind || reason.value != value)
        fail_msg("%s: event 0x%x with 0x%x, expected 0x%x with 0x%x", name, reason.kind, (unsigned)reason.value,
                 (unsigned)kind, (unsigned)value);
    assert_int_equal(next_event(arena->monitor).kind, ZMQ_EVENT_DISCONNECTED);
    arena_expect_left(arena, fd);
}

static void try_all(struct arena *arena, const struct attempt *table)
{
    for (; table->name; table++) {
        const int fd = join(arena, NULL);

        raw_write(fd, table->octets, table->size);
        expect_end(arena, fd, table->kind, table->value, table->name);
    }
}

/* --- clear text ------------------------------------------------------------------------------------------------------ */

static const struct attempt malformed[] = {
    {"reserved flag 3", OCTETS("\x08\1x"), PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {"reserved flag 7", OCTETS("\x80\1x"), PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {"all flags", OCTETS("\xff\1x"), PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {"a command with MORE", OCTETS("\5\7\4PING\0\0"), PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {"a long command with MORE", OCTETS("\7\0\0\0\0\0\0\0\7\4PING\0\0"), PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {"an empty command", OCTETS("\4\0"), PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {"a command without a name", OCTETS("\4\2\0x"), PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {"a name without its end", OCTETS("\4\4\4PIN"), PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {"PING without a TTL", OCTETS("\4\5\4PING"), PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {"PING, half a TTL", OCTETS("\4\6\4PING\0"), PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {"PING, much context",
     OCTETS("\4\x18\4PING\0\0"
            "01234567890123456"),
     PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {"PONG, much context",
     OCTETS("\4\x16\4PONG"
            "01234567890123456"),
     PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {NULL, NULL, 0, 0, 0},
};

static void test_malformed_frames(void **state)
{
    for (int server = 0; server < 2; server++) {
        struct arena arena;

        arena_open(&arena, *state, ZMQ_NULL, server, NULL);
        try_all(&arena, malformed);
    }
}

/* More than a message may have without ZMQ_MAXMSGSIZE. libzmq added a frame's size to a pointer before it compared. */
static const struct attempt huge[] = {
    {"2^63", OCTETS("\2\x80\0\0\0\0\0\0\0abc"), PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {"2^64 - 1",
     OCTETS("\2\xff\xff\xff\xff\xff\xff\xff\xff"
            "abc"),
     PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {"2^64 - 8",
     OCTETS("\2\xff\xff\xff\xff\xff\xff\xff\xf8"
            "abc"),
     PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {"2^64 - 65536", OCTETS("\2\xff\xff\xff\xff\xff\xff\0\0abc"), PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {"2^63 - 1",
     OCTETS("\2\x7f\xff\xff\xff\xff\xff\xff\xff"
            "abc"),
     SYSTEM(EMSGSIZE)},
    {"2^63 - 9",
     OCTETS("\2\x7f\xff\xff\xff\xff\xff\xff\xf7"
            "abc"),
     SYSTEM(EMSGSIZE)},
    {"2^62", OCTETS("\3\x40\0\0\0\0\0\0\0abc"), SYSTEM(EMSGSIZE)},
    {"a command of 2^63 - 1", OCTETS("\6\x7f\xff\xff\xff\xff\xff\xff\xff\4PING"), SYSTEM(EMSGSIZE)},
    {NULL, NULL, 0, 0, 0},
};

static const struct attempt beyond_limit[] = {
    {"one more", OCTETS("\2\0\0\0\0\0\0\3\xe9xyz"), SYSTEM(EMSGSIZE)},
    {"2^31", OCTETS("\2\0\0\0\0\x80\0\0\0xyz"), SYSTEM(EMSGSIZE)},
    {"2^32", OCTETS("\2\0\0\0\1\0\0\0\0xyz"), SYSTEM(EMSGSIZE)},
    {"2^32 + 1000", OCTETS("\2\0\0\0\1\0\0\3\xe8xyz"), SYSTEM(EMSGSIZE)},
    {"2^63 - 1", OCTETS("\2\x7f\xff\xff\xff\xff\xff\xff\xffxyz"), SYSTEM(EMSGSIZE)},
    {"2^63", OCTETS("\2\x80\0\0\0\0\0\0\0xyz"), PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {"a command of 2^32", OCTETS("\6\0\0\0\1\0\0\0\0\4PING"), SYSTEM(EMSGSIZE)},
    {NULL, NULL, 0, 0, 0},
};

static void cve_2019_6250_sizes(void **state)
{
    for (int server = 0; server < 2; server++) {
        struct arena arena;

        arena_open(&arena, *state, ZMQ_NULL, server, NULL);
        try_all(&arena, huge);
        arena_open(&arena, *state, ZMQ_NULL, server, limit_size);
        try_all(&arena, beyond_limit);
    }
}

/* 1000 octets are allowed, as a whole frame and in pieces. */
static void test_a_message_at_the_limit(void **state)
{
    struct octets frame = {.size = 0};
    uint8_t body[LIMIT] = {1, 2, 3};
    struct arena arena;
    int fd;

    arena_open(&arena, *state, ZMQ_NULL, true, limit_size);
    fd = join(&arena, NULL);
    put_frame(&frame, 0, body, sizeof body);
    wire_send(fd, &frame);
    assert_returns(zmq_recv(arena.victim, body, sizeof body, 0), 5);
    expect_bytes(arena.victim, frame.data + 9, LIMIT);
    for (size_t i = 0; i < frame.size; i++)
        raw_write(fd, frame.data + i, 1);
    assert_returns(zmq_recv(arena.victim, body, sizeof body, 0), 5);
    expect_bytes(arena.victim, frame.data + 9, LIMIT);
}

/* A message of many parts or many octets that never ends leaves nothing behind, and is not delivered. */
static void test_messages_cut_short(void **state)
{
    static const struct attempt cut[] = {
        {"half a head", OCTETS("\2\0\0\0"), 0, 0},
        {"a head alone", OCTETS("\2\0\0\0\0\0\0\x40\0"), 0, 0},
        {"half a body", OCTETS("\0\5hel"), 0, 0},
        {"half of a large body", OCTETS("\2\0\0\0\0\0\1\0\0hello, hello, hello"), 0, 0},
        {"parts without an end", OCTETS("\1\1a\1\1b\1\1c"), 0, 0},
        {"half a last part", OCTETS("\1\1a\1\1b\0\5c"), 0, 0},
        {NULL, NULL, 0, 0, 0},
    };

    for (int server = 0; server < 2; server++) {
        struct arena arena;

        arena_open(&arena, *state, ZMQ_NULL, server, NULL);
        for (const struct attempt *attempt = cut; attempt->name; attempt++) {
            const int fd = join(&arena, NULL);

            raw_write(fd, attempt->octets, attempt->size);
            drop_fd(*state, fd);
            assert_int_equal(next_event(arena.monitor).kind, ZMQ_EVENT_DISCONNECTED);
            if (!server)
                assert_ok(zmq_disconnect(arena.victim, arena.endpoint));
            arena_exchange(&arena);
        }
    }
}

/* RFC 37 lets a peer say what we do not know; a second READY and an ERROR mean nothing any more. */
static void test_commands_of_no_meaning(void **state)
{
    static const char octets[] = "\4\6\5READY\4\xa\5ERROR\003400\4\5\4FLIP\4\xb\x9SUBSCRIBEx\4\7\6CANCEL\0\4hello";

    for (int server = 0; server < 2; server++) {
        struct arena arena;
        char text[8];
        int fd;

        arena_open(&arena, *state, ZMQ_NULL, server, NULL);
        fd = join(&arena, NULL);
        raw_write(fd, octets, 8 + 12 + 7 + 13 + 9);
        raw_write(fd, "\0\5hello", 7);
        if (server)
            assert_returns(zmq_recv(arena.victim, text, sizeof text, 0), 5);
        expect_str(arena.victim, "hello");
        arena_expect_healthy(&arena);
    }
}

/* PINGs from one who does not read the PONGs: they are not gathered for ever. */
static void test_pings_without_end(void **state)
{
    enum { PINGS = 20000 };
    static char pings[PINGS][9];
    struct arena arena;
    int fd;

    arena_open(&arena, *state, ZMQ_NULL, true, NULL);
    fd = join(&arena, NULL);
    for (int i = 0; i < PINGS; i++)
        memcpy(pings[i], "\4\7\4PING\0\0", 9);
    for (int i = 0; i < 20; i++)
        raw_write(fd, pings, sizeof pings);
    raw_write(fd, "\0\4done", 6);
    assert_returns(zmq_recv(arena.victim, pings, sizeof pings, 0), 5);
    expect_str(arena.victim, "done");
    arena_exchange(&arena);
}

/* --- CURVE ------------------------------------------------------------------------------------------------------------ */

/* In place of a MESSAGE. */
static const struct attempt unsealed[] = {
    {"clear text", OCTETS("\0\5hello"), PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {"clear text like a command", OCTETS("\0\7\4PING\0\0"), PROTOCOL(UNEXPECTED_COMMAND)},
    {"a part in clear text", OCTETS("\1\5hello"), PROTOCOL(MALFORMED_COMMAND_MESSAGE)},
    {"PING in clear text", OCTETS("\4\7\4PING\0\0"), PROTOCOL(UNEXPECTED_COMMAND)},
    {"READY once more", OCTETS("\4\6\5READY"), PROTOCOL(UNEXPECTED_COMMAND)},
    {"INITIATE once more", OCTETS("\4\x9\x8INITIATE"), PROTOCOL(UNEXPECTED_COMMAND)},
    {"an empty frame", OCTETS("\0\0"), PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {"MESSAGE alone", OCTETS("\0\x8\7MESSAGE"), PROTOCOL(MALFORMED_COMMAND_MESSAGE)},
    {"MESSAGE of 32 octets", OCTETS("\0\x20\7MESSAGE012345670123456789abcdef"), PROTOCOL(MALFORMED_COMMAND_MESSAGE)},
    {"MESSAGE out of sequence",
     OCTETS("\0\x21\7MESSAGE\0\0\0\0\0\0\0\0"
            "0123456789abcdef!"),
     PROTOCOL(INVALID_SEQUENCE)},
    {"2^63", OCTETS("\2\x80\0\0\0\0\0\0\0\7MESSAGE"), PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {NULL, NULL, 0, 0, 0},
};

static void cve_2014_7202_clear_text_after_curve(void **state)
{
    for (int server = 0; server < 2; server++) {
        struct arena arena;

        arena_open(&arena, *state, ZMQ_CURVE, server, NULL);
        for (const struct attempt *attempt = unsealed; attempt->name; attempt++) {
            struct curve_peer peer;
            const int fd = join(&arena, &peer);

            raw_write(fd, attempt->octets, attempt->size);
            expect_end(&arena, fd, attempt->kind, attempt->value, attempt->name);
        }
    }
}

/* Well sealed, and wrong inside: flags and payload. */
static const struct attempt sealed[] = {
    {"\4reserved flag", OCTETS("x"), PROTOCOL(MALFORMED_COMMAND_MESSAGE)},
    {"\xff"
     "all flags",
     OCTETS("x"), PROTOCOL(MALFORMED_COMMAND_MESSAGE)},
    {"\3a command with MORE", OCTETS("\4PING\0\0"), PROTOCOL(MALFORMED_COMMAND_MESSAGE)},
    {"\2an empty command", OCTETS(""), PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {"\2a name without its end", OCTETS("\5PING"), PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {"\2PING without a TTL", OCTETS("\4PING"), PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {NULL, NULL, 0, 0, 0},
};

static void test_wrong_inside_the_box(void **state)
{
    for (int server = 0; server < 2; server++) {
        struct arena arena;

        arena_open(&arena, *state, ZMQ_CURVE, server, NULL);
        for (const struct attempt *attempt = sealed; attempt->name; attempt++) {
            struct curve_peer peer;
            struct octets body;
            const int fd = join(&arena, &peer);

            curve_message(&peer, (uint8_t)attempt->name[0], attempt->octets, attempt->size, &body);
            send_body(fd, 0, &body);
            expect_end(&arena, fd, attempt->kind, attempt->value, attempt->name + 1);
        }
    }
}

/* What a nonce may be: one more than the one before, nothing else. */
static void cve_2014_7203_nonces(void **state)
{
    static const uint64_t wrong[] = {0, 1, 2, 4, 5, UINT64_MAX, UINT64_C(1) << 63};
    struct arena arena;

    arena_open(&arena, *state, ZMQ_CURVE, true, NULL);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct curve_peer peer;
        struct octets body;
        const int fd = join(&arena, &peer);

        assert_int_equal(peer.nonce, 2); /* HELLO, INITIATE: 3 is next */
        peer.nonce = wrong[i] - 1;
        curve_message(&peer, 0, "x", 1, &body);
        send_body(fd, 0, &body);
        expect_end(&arena, fd, PROTOCOL(INVALID_SEQUENCE), "nonce");
    }
}

/* The box is opened before it is known to be too large for a message. */
static void test_limit_under_curve(void **state)
{
    static const uint8_t payload[LIMIT + 1];
    struct curve_peer peer;
    struct octets body;
    struct arena arena;
    char id[8];
    int fd;

    arena_open(&arena, *state, ZMQ_CURVE, true, limit_size);
    fd = join(&arena, &peer);
    curve_message(&peer, 0, payload, LIMIT, &body);
    send_body(fd, 0, &body);
    assert_returns(zmq_recv(arena.victim, id, sizeof id, 0), 5);
    expect_bytes(arena.victim, payload, LIMIT);
    curve_message(&peer, 0, payload, LIMIT + 1, &body);
    send_body(fd, 0, &body);
    expect_end(&arena, fd, SYSTEM(EMSGSIZE), "one more");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(test_malformed_frames),
        arena_test(cve_2019_6250_sizes),
        arena_test(test_a_message_at_the_limit),
        arena_test(test_messages_cut_short),
        arena_test(test_commands_of_no_meaning),
        arena_test(test_pings_without_end),
        arena_test(cve_2014_7202_clear_text_after_curve),
        arena_test(test_wrong_inside_the_box),
        arena_test(cve_2014_7203_nonces),
        arena_test(test_limit_under_curve),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
