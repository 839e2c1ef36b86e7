/* SPDX-License-Identifier: ISC */
/* Greetings that are wrong, cut short or of somebody else's protocol, to sockets of every mechanism in both roles. */
#include "hostile.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define MISMATCH ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH

/* What is wrong with a greeting: octets that replace those of the right one. */
struct change {
    const char *name;
    int at;
    const char *octets;
    size_t size;
    int kind;
    uint32_t value;
};

#define OLD ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, EPROTO
#define UNFIT ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, MISMATCH

static const struct change changes[] = {
    {"signature's first octet", 0, "\xfe", 1, OLD},
    {"ZMTP 1.0, no identity", 0, "\1\0", 2, OLD},
    {"ZMTP 1.0, long length", 0, "\xff\0\0\0\0\0\0\0\1\0", 10, OLD},
    {"signature's last octet", 9, "\x7e", 1, OLD},
    {"version 0", 10, "\0", 1, OLD},
    {"version 1", 10, "\1", 1, OLD},
    {"version 2", 10, "\2", 1, OLD},
    {"no mechanism", 12, "\0\0\0\0\0", 5, UNFIT},
    {"small letters", 12, "null", 4, UNFIT},
    {"unknown mechanism", 12, "GSSAPI", 6, UNFIT},
    {"longer name", 12, "CURVENULLPLAIN", 14, UNFIT},
    {"name without an end", 12, "NULLPLAINCURVENULLPLA", 20, UNFIT},
    {"octets behind the name", 31, "X", 1, UNFIT},
    {"as-server neither 0 nor 1", 32, "\2", 1, UNFIT},
    {"as-server 255", 32, "\xff", 1, UNFIT},
    {"HTTP", 0, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 35, OLD},
    {"TLS", 0, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11, OLD},
    {"SSH", 0, "SSH-2.0-OpenSSH_9.2\r\n", 21, OLD},
};

static void expect_refused(struct arena *arena, const struct octets *out, const struct change *change)
{
    const int fd = arena_attack(arena);

    wire_send(fd, out);
    arena_expect_reason(arena, change->kind, change->value, change->name);
    arena_expect_left(arena, fd);
}

static void refuse_changes(struct world *world, int mechanism, bool server)
{
    struct arena arena;

    arena_open(&arena, world, mechanism, server, NULL);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct octets out = {.size = 0};

        put_right_greeting(&out, &arena);
        memcpy(out.data + changes[i].at, changes[i].octets, changes[i].size);
        expect_refused(&arena, &out, &changes[i]);
    }
    close_socket(world, arena.victim);
    close_socket(world, arena.healthy);
}

static void for_all(void **state, void (*run)(struct world *world, int mechanism, bool server))
{
    for (int mechanism = ZMQ_NULL; mechanism <= ZMQ_CURVE; mechanism++)
        for (int server = 0; server < 2; server++)
            run(*state, mechanism, server);
}

static void test_wrong_greetings(void **state)
{
    for_all(state, refuse_changes);
}

/* The connection ends after each number of octets. */
static void cut_short(struct world *world, int mechanism, bool server)
{
    static const struct change cut = {"cut", 0, "", 0, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, EPIPE};
    struct octets out = {.size = 0};
    struct arena arena;

    arena_open(&arena, world, mechanism, server, NULL);
    put_right_greeting(&out, &arena);
    for (size_t size = 0; size <= out.size; size++) {
        const int fd = arena_attack(&arena);

        raw_write(fd, out.data, size);
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        arena_expect_reason(&arena, cut.kind, cut.value, cut.name);
        arena_expect_left(&arena, fd);
    }
    close_socket(world, arena.victim);
    close_socket(world, arena.healthy);
}

static void test_truncated_greetings(void **state)
{
    for_all(state, cut_short);
}

/* Once CURVE or PLAIN is chosen, a peer that offers less, or more, is refused: there is no downgrade, not even to an older
 * version of the protocol, which knows no mechanism. */
static void refuse_others(struct world *world, int mechanism, bool server)
{
    static const char *const names[] = {"NULL", "PLAIN", "CURVE"};
    struct arena arena;

    arena_open(&arena, world, mechanism, server, NULL);
    for (int other = ZMQ_NULL; other <= ZMQ_CURVE; other++) {
        for (int as_server = 0; as_server < 2 && other != mechanism; as_server++) {
            const struct change change = {names[other], 0, "", 0, UNFIT};
            struct octets out = {.size = 0};

            put_greeting(&out, names[other], 3, 1);
            out.data[32] = (uint8_t)as_server;
            put_metadata_command(&out, "READY", server ? "DEALER" : "ROUTER", NULL);
            expect_refused(&arena, &out, &change);
        }
    }
    close_socket(world, arena.victim);
    close_socket(world, arena.healthy);
}

static void cve_2014_7202_mechanism_downgrade(void **state)
{
    for_all(state, refuse_others);
}

static void refuse_versions(struct world *world, int mechanism, bool server)
{
    struct arena arena;

    arena_open(&arena, world, mechanism, server, NULL);
    for (int major = 0; major < 3; major++) {
        const struct change change = {"older version", 0, "", 0, OLD};
        struct octets out = {.size = 0};

        put_greeting(&out, mechanism_name(mechanism), major, 0);
        expect_refused(&arena, &out, &change);
    }
    close_socket(world, arena.victim);
    close_socket(world, arena.healthy);
}

static void cve_2014_9721_protocol_downgrade(void **state)
{
    for_all(state, refuse_versions);
}

/* Two servers would wait for each other's HELLO for ever. */
static void test_two_servers(void **state)
{
    for (int mechanism = ZMQ_PLAIN; mechanism <= ZMQ_CURVE; mechanism++) {
        static const struct change change = {"two servers", 0, "", 0, UNFIT};
        struct octets out = {.size = 0};
        struct arena arena;

        arena_open(&arena, *state, mechanism, true, NULL);
        put_right_greeting(&out, &arena);
        out.data[32] = 1;
        expect_refused(&arena, &out, &change);
    }
}

/* The second one is no command. */
static void greet_twice(struct world *world, int mechanism, bool server)
{
    static const struct change change = {"repeated",
                                         0,
                                         "",
                                         0,
                                         ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
                                         ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED};
    struct octets out = {.size = 0};
    struct arena arena;

    arena_open(&arena, world, mechanism, server, NULL);
    put_right_greeting(&out, &arena);
    put_right_greeting(&out, &arena);
    expect_refused(&arena, &out, &change);
}

static void test_repeated_greetings(void **state)
{
    for_all(state, greet_twice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(test_wrong_greetings),
        arena_test(test_truncated_greetings),
        arena_test(cve_2014_7202_mechanism_downgrade),
        arena_test(cve_2014_9721_protocol_downgrade),
        arena_test(test_two_servers),
        arena_test(test_repeated_greetings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
