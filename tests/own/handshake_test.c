/* SPDX-License-Identifier: ISC */
/* Handshakes under NULL and PLAIN whose commands are truncated, oversized, out of order, repeated or malformed. (CURVE:
 * curve_test.c.) */
#include "hostile.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define OCTETS(text) text, sizeof text - 1

#define PROTOCOL(code) ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, ZMQ_PROTOCOL_ERROR_ZMTP_##code
#define SYSTEM(error) ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, error
#define DENIED(status) ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, status

/* What is sent behind the greeting, and what the victim's monitor says of it. */
struct attempt {
    const char *name;
    const char *octets;
    size_t size;
    int kind;
    uint32_t value;
};

/* No mechanism takes these at any time. */
static const struct attempt anywhere[] = {
    {"a message", OCTETS("\0\5hello"), PROTOCOL(UNEXPECTED_COMMAND)},
    {"a message's part", OCTETS("\1\5hello"), PROTOCOL(UNEXPECTED_COMMAND)},
    {"a long message", OCTETS("\2\0\0\0\0\0\0\0\5hello"), PROTOCOL(UNEXPECTED_COMMAND)},
    {"reserved flags", OCTETS("\x08\5hello"), PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {"all flags", OCTETS("\xff\5hello"), PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {"a command with MORE", OCTETS("\5\6\5READY"), PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {"an empty command", OCTETS("\4\0"), PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {"a name without octets", OCTETS("\4\1\0"), PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {"a name without its end", OCTETS("\4\4\5REA"), PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {"a name of 255 octets", OCTETS("\4\2\xffR"), PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {"an unknown command", OCTETS("\4\5\4FLIP"), PROTOCOL(UNEXPECTED_COMMAND)},
    {"traffic's command", OCTETS("\4\7\4PING\0\0"), PROTOCOL(UNEXPECTED_COMMAND)},
    {"CURVE's command", OCTETS("\4\x9\7MESSAGE1"), PROTOCOL(UNEXPECTED_COMMAND)},
    {"2^63 octets", OCTETS("\6\x80\0\0\0\0\0\0\0\5READY"), PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {"2^64 - 1 octets", OCTETS("\6\xff\xff\xff\xff\xff\xff\xff\xff\5READY"), PROTOCOL(MALFORMED_COMMAND_UNSPECIFIED)},
    {"2^63 - 1 octets", OCTETS("\6\x7f\xff\xff\xff\xff\xff\xff\xff\5READY"), SYSTEM(EMSGSIZE)},
    {"2^32 octets", OCTETS("\6\0\0\0\1\0\0\0\0\5READY"), SYSTEM(EMSGSIZE)},
    {"2^24 octets", OCTETS("\6\0\0\0\0\1\0\0\0\5READY"), SYSTEM(EMSGSIZE)},
    {NULL, NULL, 0, 0, 0},
};

static const struct attempt errors[] = {
    {"ERROR without a reason", OCTETS("\4\6\5ERROR"), PROTOCOL(MALFORMED_COMMAND_ERROR)},
    {"ERROR, reason cut", OCTETS("\4\x9\5ERROR\3ab"), PROTOCOL(MALFORMED_COMMAND_ERROR)},
    {"ERROR, octets left", OCTETS("\4\x9\5ERROR\1ab"), PROTOCOL(MALFORMED_COMMAND_ERROR)},
    {"ERROR 400", OCTETS("\4\xa\5ERROR\003400"), DENIED(400)},
    {"ERROR 500", OCTETS("\4\xa\5ERROR\003500"), DENIED(500)},
    {"ERROR 200", OCTETS("\4\xa\5ERROR\003200"), SYSTEM(EACCES)},
    {"ERROR in words", OCTETS("\4\xd\5ERROR\6go off"), SYSTEM(EACCES)},
    {NULL, NULL, 0, 0, 0},
};

static const struct attempt null_commands[] = {
    {"PLAIN's HELLO", OCTETS("\4\x8\5HELLO\0\0"), PROTOCOL(UNEXPECTED_COMMAND)},
    {"PLAIN's WELCOME", OCTETS("\4\x8\7WELCOME"), PROTOCOL(UNEXPECTED_COMMAND)},
    {"PLAIN's INITIATE", OCTETS("\4\x9\x8INITIATE"), PROTOCOL(UNEXPECTED_COMMAND)},
    {"ready in small letters", OCTETS("\4\6\5ready"), PROTOCOL(UNEXPECTED_COMMAND)},
    {NULL, NULL, 0, 0, 0},
};

static const struct attempt plain_server[] = {
    {"HELLO without fields", OCTETS("\4\6\5HELLO"), PROTOCOL(MALFORMED_COMMAND_HELLO)},
    {"HELLO, name cut", OCTETS("\4\xa\5HELLO\5adm"), PROTOCOL(MALFORMED_COMMAND_HELLO)},
    {"HELLO without a password", OCTETS("\4\xa\5HELLO\3abc"), PROTOCOL(MALFORMED_COMMAND_HELLO)},
    {"HELLO, password cut", OCTETS("\4\xc\5HELLO\3abc\2x"), PROTOCOL(MALFORMED_COMMAND_HELLO)},
    {"HELLO, octets left", OCTETS("\4\xd\5HELLO\3abc\1xy"), PROTOCOL(MALFORMED_COMMAND_HELLO)},
    {"HELLO, name of 255", OCTETS("\4\x8\5HELLO\xff\0"), PROTOCOL(MALFORMED_COMMAND_HELLO)},
    {"INITIATE first", OCTETS("\4\x9\x8INITIATE"), PROTOCOL(UNEXPECTED_COMMAND)},
    {"READY first", OCTETS("\4\6\5READY"), PROTOCOL(UNEXPECTED_COMMAND)},
    {"WELCOME from a client", OCTETS("\4\x8\7WELCOME"), PROTOCOL(UNEXPECTED_COMMAND)},
    {"ERROR from a client", OCTETS("\4\xa\5ERROR\003400"), PROTOCOL(UNEXPECTED_COMMAND)},
    {"HELLO twice", OCTETS("\4\xa\5HELLO\1a\1b\4\xa\5HELLO\1a\1b"), PROTOCOL(UNEXPECTED_COMMAND)},
    {"a message behind HELLO", OCTETS("\4\xa\5HELLO\1a\1b\0\1x"), PROTOCOL(UNEXPECTED_COMMAND)},
    {"READY behind HELLO", OCTETS("\4\xa\5HELLO\1a\1b\4\6\5READY"), PROTOCOL(UNEXPECTED_COMMAND)},
    {NULL, NULL, 0, 0, 0},
};

static const struct attempt plain_client[] = {
    {"WELCOME with data", OCTETS("\4\x9\7WELCOMEx"), PROTOCOL(MALFORMED_COMMAND_WELCOME)},
    {"READY first", OCTETS("\4\6\5READY"), PROTOCOL(UNEXPECTED_COMMAND)},
    {"HELLO from a server", OCTETS("\4\xa\5HELLO\1a\1b"), PROTOCOL(UNEXPECTED_COMMAND)},
    {"INITIATE from a server", OCTETS("\4\x9\x8INITIATE"), PROTOCOL(UNEXPECTED_COMMAND)},
    {"WELCOME twice", OCTETS("\4\x8\7WELCOME\4\x8\7WELCOME"), PROTOCOL(UNEXPECTED_COMMAND)},
    {"a message behind WELCOME", OCTETS("\4\x8\7WELCOME\0\1x"), PROTOCOL(UNEXPECTED_COMMAND)},
    {"libzmq's ERROR", OCTETS("\4\x9^RROR\003400"), DENIED(400)},
    {"libzmq's ERROR, cut", OCTETS("\4\5^RROR"), PROTOCOL(MALFORMED_COMMAND_ERROR)},
    {NULL, NULL, 0, 0, 0},
};

/* Properties that no READY and no INITIATE may have. */
static const struct attempt metadata[] = {
    {"a name without octets", OCTETS("\0\0\0\0\0"), PROTOCOL(INVALID_METADATA)},
    {"a name that is cut", OCTETS("\5Ab"), PROTOCOL(INVALID_METADATA)},
    {"a name alone", OCTETS("\2Ab"), PROTOCOL(INVALID_METADATA)},
    {"a size that is cut", OCTETS("\2Ab\0\0\0"), PROTOCOL(INVALID_METADATA)},
    {"a value that is cut", OCTETS("\2Ab\0\0\0\3xy"), PROTOCOL(INVALID_METADATA)},
    {"octets left", OCTETS("\2Ab\0\0\0\1xy"), PROTOCOL(INVALID_METADATA)},
    {"a value of 2^31 octets", OCTETS("\2Ab\x80\0\0\0xy"), PROTOCOL(INVALID_METADATA)},
    {"a value of 2^32 - 1 octets", OCTETS("\2Ab\xff\xff\xff\xffxy"), PROTOCOL(INVALID_METADATA)},
    {"a value of 2^31 - 1 octets", OCTETS("\2Ab\x7f\xff\xff\xffxy"), PROTOCOL(INVALID_METADATA)},
    {"a space in a name", OCTETS("\3A b\0\0\0\1x"), PROTOCOL(INVALID_METADATA)},
    {"NUL in a name", OCTETS("\3A\0b\0\0\0\1x"), PROTOCOL(INVALID_METADATA)},
    {"an unfit socket type", OCTETS("\13Socket-Type\0\0\0\3SUB"), PROTOCOL(INVALID_METADATA)},
    {"an unknown socket type", OCTETS("\13Socket-Type\0\0\0\6DEALEX"), PROTOCOL(INVALID_METADATA)},
    {"a socket type that begins well", OCTETS("\13Socket-Type\0\0\0\3DEA"), PROTOCOL(INVALID_METADATA)},
    {"a socket type with more", OCTETS("\13Socket-Type\0\0\0\7DEALER\0"), PROTOCOL(INVALID_METADATA)},
    {"no socket type", OCTETS("\13Socket-Type\0\0\0\0"), PROTOCOL(INVALID_METADATA)},
    {NULL, NULL, 0, 0, 0},
};

static void try_one(struct arena *arena, const struct octets *out, const struct attempt *attempt)
{
    const int fd = arena_attack(arena);

    wire_send(fd, out);
    arena_expect_reason(arena, attempt->kind, attempt->value, attempt->name);
    arena_expect_left(arena, fd);
}

/* The right greeting, the octets that come right before (an honest beginning), and each attempt of a table. */
static void try_all(struct arena *arena, const struct octets *before, const struct attempt *table)
{
    for (; table->name; table++) {
        struct octets out = {.size = 0};

        put_right_greeting(&out, arena);
        if (before)
            put_bytes(&out, before->data, before->size);
        put_bytes(&out, table->octets, table->size);
        try_one(arena, &out, table);
    }
}

/* The command that carries our metadata, and what comes before it. */
static const char *put_way_to_metadata(struct octets *out, const struct arena *arena)
{
    if (arena->mechanism == ZMQ_NULL)
        return "READY";
    if (arena->server) {
        put_command(out, "HELLO", "\5admin\6secret", 13);
        return "INITIATE";
    }
    put_command(out, "WELCOME", NULL, 0);
    return "READY";
}

static void try_metadata(struct arena *arena)
{
    for (const struct attempt *attempt = metadata; attempt->name; attempt++) {
        struct octets out = {.size = 0};
        const char *name;

        put_right_greeting(&out, arena);
        name = put_way_to_metadata(&out, arena);
        put_command(&out, name, attempt->octets, attempt->size);
        try_one(arena, &out, attempt);
    }
}

static void run_null(struct world *world, bool server)
{
    struct arena arena;

    arena_open(&arena, world, ZMQ_NULL, server, NULL);
    try_all(&arena, NULL, anywhere);
    try_all(&arena, NULL, errors);
    try_all(&arena, NULL, null_commands);
    try_metadata(&arena);
    close_socket(world, arena.victim);
    close_socket(world, arena.healthy);
}

static void test_null(void **state)
{
    run_null(*state, true);
    run_null(*state, false);
}

static void test_plain_server(void **state)
{
    struct octets begun = {.size = 0};
    struct arena arena;

    arena_open(&arena, *state, ZMQ_PLAIN, true, NULL);
    put_way_to_metadata(&begun, &arena);
    try_all(&arena, NULL, anywhere);
    try_all(&arena, &begun, anywhere);
    try_all(&arena, NULL, plain_server);
    try_metadata(&arena);
}

static void test_plain_client(void **state)
{
    struct octets begun = {.size = 0};
    struct arena arena;

    arena_open(&arena, *state, ZMQ_PLAIN, false, NULL);
    put_way_to_metadata(&begun, &arena);
    try_all(&arena, NULL, anywhere);
    try_all(&arena, &begun, anywhere);
    try_all(&arena, NULL, errors);
    try_all(&arena, &begun, errors);
    try_all(&arena, NULL, plain_client);
    try_metadata(&arena);
}

/* Metadata that are well-formed, and too much. */
static void too_much_metadata(struct arena *arena)
{
    static const struct attempt many = {"1000 properties", NULL, 0, PROTOCOL(INVALID_METADATA)};
    static const struct attempt long_id = {"an identity of 256 octets", NULL, 0, PROTOCOL(INVALID_METADATA)};
    struct octets out = {.size = 0}, properties = {.size = 0};
    const char *name;
    uint8_t id[256] = {0};

    put_right_greeting(&out, arena);
    name = put_way_to_metadata(&out, arena);
    for (int i = 0; i < 500; i++)
        put_property(&properties, "A", "", 0);
    put_command(&out, name, properties.data, properties.size);
    try_one(arena, &out, &many);

    out.size = 0;
    properties.size = 0;
    put_right_greeting(&out, arena);
    put_way_to_metadata(&out, arena);
    put_property(&properties, "Identity", id, sizeof id);
    put_command(&out, name, properties.data, properties.size);
    try_one(arena, &out, &long_id);
}

/* Metadata that are allowed, and leave no room for what else the messages are to tell. */
static void test_metadata_that_fill_the_messages(void **state)
{
    enum { SIZE = 65520 };
    static uint8_t value[SIZE];
    struct octets out = {.size = 0};
    struct arena arena;
    int fd;

    arena_open(&arena, *state, ZMQ_NULL, true, NULL);
    put_right_greeting(&out, &arena);
    put_long_header(&out, FRAME_COMMAND, 6 + 6 + SIZE);
    put_bytes(&out, "\5READY\1A\0\0\xff\xf0", 12);
    fd = arena_attack(&arena);
    wire_send(fd, &out);
    raw_write(fd, value, SIZE);
    arena_expect_reason(&arena, SYSTEM(EMSGSIZE), "much metadata");
    arena_expect_left(&arena, fd);
}

static void test_too_much_metadata(void **state)
{
    for (int mechanism = ZMQ_NULL; mechanism <= ZMQ_PLAIN; mechanism++) {
        for (int server = 0; server < 2; server++) {
            struct arena arena;

            arena_open(&arena, *state, mechanism, server, NULL);
            too_much_metadata(&arena);
        }
    }
}

static void put_whole_handshake(struct octets *out, const struct arena *arena)
{
    const char *name;

    put_right_greeting(out, arena);
    name = put_way_to_metadata(out, arena);
    put_metadata_command(out, name, arena->server ? "DEALER" : "ROUTER", NULL);
}

/* The connection ends after each number of octets but the last. */
static void cut_short(struct arena *arena)
{
    struct octets out = {.size = 0};

    put_whole_handshake(&out, arena);
    for (size_t size = 64; size < out.size; size++) {
        const int fd = arena_attack(arena);

        raw_write(fd, out.data, size);
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        arena_expect_reason(arena, SYSTEM(EPIPE), "cut");
        arena_expect_left(arena, fd);
    }
}

/* Octet by octet: slow is not wrong. */
static void one_by_one(struct arena *arena)
{
    struct octets out = {.size = 0};
    const int fd = arena_attack(arena);

    put_whole_handshake(&out, arena);
    for (size_t i = 0; i < out.size; i++)
        raw_write(fd, out.data + i, 1);
    assert_int_equal(next_event(arena->monitor).kind, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    drop_fd(arena->world, fd);
    assert_int_equal(next_event(arena->monitor).kind, ZMQ_EVENT_DISCONNECTED);
    if (!arena->server)
        assert_ok(zmq_disconnect(arena->victim, arena->endpoint));
    arena_exchange(arena);
}

static void test_truncated(void **state)
{
    for (int mechanism = ZMQ_NULL; mechanism <= ZMQ_PLAIN; mechanism++) {
        for (int server = 0; server < 2; server++) {
            struct arena arena;

            arena_open(&arena, *state, mechanism, server, NULL);
            cut_short(&arena);
            one_by_one(&arena);
        }
    }
}

/* A peer may call itself what it likes; who it is, and where it comes from, its messages say without asking it. */
static void test_who_the_peer_is(void **state)
{
    struct octets out = {.size = 0}, properties = {.size = 0};
    struct arena arena;
    zmq_msg_t message;
    int fd;

    arena_open(&arena, *state, ZMQ_NULL, true, NULL);
    put_right_greeting(&out, &arena);
    put_property(&properties, "User-Id", "admin", 5);
    put_property(&properties, "user-id", "admin", 5);
    put_property(&properties, "Peer-Address", "10.0.0.1", 8);
    put_property(&properties, "__fd", "0", 1);
    put_property(&properties, "X-name", "admin", 5);
    put_command(&out, "READY", properties.data, properties.size);
    put_frame(&out, 0, "hello", 5);
    fd = arena_attack(&arena);
    wire_send(fd, &out);
    assert_ok(zmq_msg_init(&message));
    assert_returns(zmq_msg_recv(&message, arena.victim, 0), 5);
    assert_returns(zmq_msg_recv(&message, arena.victim, 0), 5);
    assert_string_equal(zmq_msg_gets(&message, "X-name"), "admin");
    assert_string_equal(zmq_msg_gets(&message, "Peer-Address"), "127.0.0.1");
    assert_null(zmq_msg_gets(&message, "User-Id"));
    assert_null(zmq_msg_gets(&message, "user-id"));
    assert_true(zmq_msg_get(&message, ZMQ_SRCFD) > 0);
    assert_ok(zmq_msg_close(&message));
    await_event(arena.monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    drop_fd(arena.world, fd);
    await_event(arena.monitor, ZMQ_EVENT_DISCONNECTED);
    arena_exchange(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(test_null),
        arena_test(test_plain_server),
        arena_test(test_plain_client),
        arena_test(test_too_much_metadata),
        arena_test(test_metadata_that_fill_the_messages),
        arena_test(test_truncated),
        arena_test(test_who_the_peer_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
