/* SPDX-License-Identifier: ISC */
/* Random octets, and right transcripts with random changes, to sockets of every mechanism in both roles, before and after
 * the handshake. The numbers are the same in every run; a failure names the round. */
#include "curve_peer.h"
#include "hostile.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ROUNDS = 80,
    NOISE_MAX = 2000,
    CHANGES_MAX = 4,
};

/* --- what is sent ------------------------------------------------------------------------------------------------------ */

static void put_noise(struct octets *out, struct random *random)
{
    uint8_t noise[NOISE_MAX];
    const size_t size = random_below(random, sizeof noise);

    random_fill(random, noise, size);
    put_bytes(out, noise, size);
}

/* Noise in the shape of frames: the first octets of each are what a frame may begin with. */
static void put_frames(struct octets *out, struct random *random)
{
    static const char *const names[] = {"READY", "HELLO", "WELCOME", "INITIATE", "MESSAGE",
                                        "ERROR", "PING",  "PONG",    "CANCEL",   "SUBSCRIBE"};

    for (size_t i = random_below(random, 20); i > 0; i--) {
        uint8_t noise[100];
        const size_t size = random_below(random, sizeof noise);

        random_fill(random, noise, size);
        switch (random_below(random, 4)) {
        case 0:
            put_command(out, names[random_below(random, 10)], noise, size);
            break;
        case 1:
            put_long_header(out, (int)random_below(random, 8), random_next(random) >> random_below(random, 64));
            break;
        default:
            put_frame(out, (int)random_below(random, 8), noise, size);
        }
    }
}

/* A right transcript, as far as it can be known beforehand. */
static void put_transcript(struct octets *out, const struct arena *arena)
{
    const char *type = arena->server ? "DEALER" : "ROUTER";
    struct curve_peer peer;
    struct octets body;

    put_right_greeting(out, arena);
    if (arena->mechanism == ZMQ_CURVE) {
        curve_client_init(&peer);
        curve_hello(&peer, &body);
        put_frame(out, FRAME_COMMAND, body.data, body.size);
    } else if (arena->mechanism == ZMQ_PLAIN) {
        put_command(out, arena->server ? "HELLO" : "WELCOME", "\5admin\6secret", arena->server ? 13 : 0);
        put_metadata_command(out, arena->server ? "INITIATE" : "READY", type, NULL);
    } else {
        put_metadata_command(out, "READY", type, NULL);
    }
    put_frame(out, 0, "message", 7);
    put_command(out, "PING", "\0\0context", 9);
}

/* Octets changed, cut out, or put in. */
static void change(struct octets *out, struct random *random)
{
    for (size_t i = 1 + random_below(random, CHANGES_MAX); i > 0; i--) {
        const size_t at = random_below(random, out->size);
        const size_t size = random_below(random, out->size - at) / 4;

        switch (random_below(random, 3)) {
        case 0:
            out->data[at] = (uint8_t)random_next(random);
            break;
        case 1:
            memmove(out->data + at, out->data + at + size, out->size - at - size);
            out->size -= size;
            break;
        default:
            if (out->size + size > sizeof out->data)
                break;
            memmove(out->data + at + size, out->data + at, out->size - at);
            out->size += size;
        }
    }
}

/* What is promised is not allocated up to the machine's limit. */
static void limit_size(void *victim)
{
    const int64_t limit = 1 << 20;

    set_bytes(victim, ZMQ_MAXMSGSIZE, &limit, sizeof limit);
}

/* --- rounds ------------------------------------------------------------------------------------------------------------ */

/* Reads what the victim sends until it closes, so that nothing of ours is lost to a reset. */
static void drain(int fd)
{
    uint8_t buffer[4096];
    struct pollfd item = {fd, POLLIN, 0};

    do
        assert_int_equal(poll(&item, 1, DEADLINE_MS), 1);
    while (read(fd, buffer, sizeof buffer) > 0);
}

/* What came through as messages is read away: they may have been right by chance. */
static void discard(struct arena *arena)
{
    char text[4096];

    while (zmq_recv(arena->victim, text, sizeof text, ZMQ_DONTWAIT) >= 0)
        continue;
}

/* Sends it all, closes our direction, and the connection must end. */
static void attack(struct arena *arena, int fd, const struct octets *out)
{
    size_t sent = 0;

    while (sent < out->size) {
        const ssize_t size = send(fd, out->data + sent, out->size - sent, MSG_NOSIGNAL);

        if (size < 0) /* it has heard enough */
            break;
        sent += (size_t)size;
    }
    shutdown(fd, SHUT_WR);
    drain(fd);
    await_event(arena->monitor, ZMQ_EVENT_DISCONNECTED);
    arena_leave(arena, fd);
    discard(arena);
    arena_exchange(arena);
}

static void before_the_handshake(struct arena *arena, struct random *random)
{
    for (int round = 0; round < ROUNDS; round++) {
        struct octets out = {.size = 0};

        switch (round % 4) {
        case 0:
            put_noise(&out, random);
            break;
        case 1:
            put_right_greeting(&out, arena);
            put_noise(&out, random);
            break;
        case 2:
            put_right_greeting(&out, arena);
            put_frames(&out, random);
            break;
        default:
            put_transcript(&out, arena);
            change(&out, random);
        }
        attack(arena, arena_attack(arena), &out);
    }
}

static void for_all(void **state, void (*run)(struct arena *arena, struct random *random), int last)
{
    struct random random = {20170308};

    for (int mechanism = ZMQ_NULL; mechanism <= last; mechanism++) {
        for (int server = 0; server < 2; server++) {
            struct arena arena;

            arena_open(&arena, *state, mechanism, server, limit_size);
            run(&arena, &random);
        }
    }
}

static void test_before_the_handshake(void **state)
{
    for_all(state, before_the_handshake, ZMQ_CURVE);
}

static void after_the_handshake(struct arena *arena, struct random *random)
{
    for (int round = 0; round < ROUNDS; round++) {
        struct octets out = {.size = 0};
        const int fd = arena_attack(arena);

        wire_handshake(fd, arena->server ? "DEALER" : "ROUTER", arena->server ? "ROUTER" : "DEALER", round % 2);
        if (round % 3)
            put_frames(&out, random);
        else
            put_noise(&out, random);
        attack(arena, fd, &out);
    }
}

static void test_after_the_handshake(void **state)
{
    for_all(state, after_the_handshake, ZMQ_NULL);
}

/* Boxes that open, with noise inside. */
static void test_inside_the_box(void **state)
{
    struct random random = {20140911};

    for (int server = 0; server < 2; server++) {
        struct arena arena;

        arena_open(&arena, *state, ZMQ_CURVE, server, limit_size);
        for (int round = 0; round < ROUNDS; round++) {
            struct octets out = {.size = 0}, noise = {.size = 0}, body;
            const int fd = arena_attack(&arena);
            struct curve_peer peer;

            (server ? curve_client_init : curve_server_init)(&peer);
            curve_join(&peer, fd, server ? "DEALER" : "ROUTER");
            put_frames(&noise, &random);
            for (size_t at = 0; at < noise.size && out.size < 3000; at += 50) {
                const size_t size = noise.size - at < 50 ? noise.size - at : 50;

                curve_message(&peer, (int)random_below(&random, 5), noise.data + at, size, &body);
                put_frame(&out, 0, body.data, body.size);
            }
            attack(&arena, fd, &out);
        }
    }
}

/* A socket without a handshake takes whatever comes. */
static void test_stream(void **state)
{
    struct random random = {20120515};
    void *stream = open_socket(*state, ZMQ_STREAM);
    char endpoint[ENDPOINT_MAX];

    bind_apart(stream, endpoint);
    for (int round = 0; round < ROUNDS; round++) {
        const int fd = raw_connect(*state, endpoint);
        struct octets out = {.size = 0};
        size_t got = 0;

        put_noise(&out, &random);
        wire_send(fd, &out);
        shutdown(fd, SHUT_WR);
        assert_returns(zmq_recv(stream, &(char[8]){0}, 8, 0), 5);
        expect_bytes(stream, "", 0);
        for (int size = 1; size > 0;) { /* until it says that the peer has left */
            uint8_t piece[NOISE_MAX];

            assert_returns(zmq_recv(stream, piece, 8, 0), 5);
            size = zmq_recv(stream, piece, sizeof piece, 0);
            assert_in_range(size, 0, sizeof piece);
            assert_memory_equal(piece, out.data + got, (size_t)size);
            got += (size_t)size;
        }
        assert_int_equal(got, out.size);
        drop_fd(*state, fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(test_before_the_handshake),
        arena_test(test_after_the_handshake),
        arena_test(test_inside_the_box),
        arena_test(test_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
