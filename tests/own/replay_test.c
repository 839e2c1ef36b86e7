/* SPDX-License-Identifier: ISC */
/* A man in the middle of a CURVE connection alters, repeats, reorders, drops, reflects and carries over what two honest
 * ends say. What he sends is never delivered, and the connection ends with a word on why. */
#include "relay.h"

#include <string.h>

#define SEQUENCE ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE
#define SEALED ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC

enum { MESSAGES = 3 };

static const char *const texts[MESSAGES] = {"first", "second", "third"};

/* The frames of three messages on their way from the client to the server, or from the server to the client. */
static void capture(struct relay *relay, bool from_client, struct octets frames[MESSAGES])
{
    for (int i = 0; i < MESSAGES; i++) {
        if (from_client)
            send_str(relay->client, texts[i]);
        else
            send_frames(relay->arena.victim, "middle", texts[i]);
        relay_read_frame(from_client ? relay->to_client : relay->to_server, &frames[i]);
    }
}

static void deliver(struct relay *relay, bool from_client, const struct octets *frame)
{
    wire_send(from_client ? relay->to_server : relay->to_client, frame);
}

static void expect_text(struct relay *relay, bool from_client, const char *text)
{
    if (from_client)
        expect_frames(relay->arena.victim, "middle", text);
    else
        expect_str(relay->client, text);
}

/* The receiving end says why it gives the connection up. */
static void expect_end(struct relay *relay, bool from_client, uint32_t code)
{
    void *monitor = from_client ? relay->arena.monitor : relay->monitor;
    const struct event event = await_event(monitor, HANDSHAKE_FAILED | ZMQ_EVENT_DISCONNECTED);

    assert_int_equal(event.kind, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL);
    if (code)
        assert_int_equal(event.value, code);
    relay_close(relay);
    expect_nothing(relay->client);
    arena_exchange(&relay->arena);
}

/* In what order the captured frames are passed on: indices, the last of them refused. */
static void pass_in_order(struct relay *relay, const char *order, uint32_t code)
{
    for (int from_client = 0; from_client < 2; from_client++) {
        struct octets frames[MESSAGES];

        relay_join(relay);
        capture(relay, from_client, frames);
        for (const char *at = order; *at; at++) {
            deliver(relay, from_client, &frames[*at - '0']);
            if (at[1])
                expect_text(relay, from_client, texts[*at - '0']);
        }
        expect_end(relay, from_client, code);
    }
}

static void cve_2014_7203_repeated_messages(void **state)
{
    struct relay relay;

    relay_open(&relay, *state, ZMQ_CURVE);
    pass_in_order(&relay, "00", SEQUENCE);
    pass_in_order(&relay, "011", SEQUENCE);
    pass_in_order(&relay, "010", SEQUENCE);
    pass_in_order(&relay, "0120", SEQUENCE);
}

static void test_reordered_messages(void **state)
{
    struct relay relay;

    relay_open(&relay, *state, ZMQ_CURVE);
    pass_in_order(&relay, "1", SEQUENCE);
    pass_in_order(&relay, "02", SEQUENCE);
    pass_in_order(&relay, "2", SEQUENCE);
}

static void test_every_octet_of_a_message(void **state)
{
    struct relay relay;

    relay_open(&relay, *state, ZMQ_CURVE);
    for (int from_client = 0; from_client < 2; from_client++) {
        size_t size = 1;

        for (size_t at = 0; at < size; at++) {
            struct octets frames[MESSAGES];

            relay_join(&relay);
            capture(&relay, from_client, frames);
            size = frames[0].size;
            frames[0].data[at] ^= (uint8_t)(1 << at % 8);
            for (int i = 1; i < MESSAGES; i++) /* a size that has grown swallows them */
                put_bytes(&frames[0], frames[i].data, frames[i].size);
            deliver(&relay, from_client, &frames[0]);
            expect_end(&relay, from_client, 0);
        }
    }
}

/* What one end said is no message of the other end's. */
static void test_reflected_messages(void **state)
{
    struct relay relay;

    relay_open(&relay, *state, ZMQ_CURVE);
    for (int from_client = 0; from_client < 2; from_client++) {
        struct octets theirs[MESSAGES], own[MESSAGES];
        int i = 0;

        relay_join(&relay);
        capture(&relay, from_client, theirs);
        capture(&relay, !from_client, own);
        /* The counters of the two ends differ: the one that fits is tried. */
        while (i < MESSAGES && memcmp(own[i].data + 10, theirs[0].data + 10, 8) != 0)
            i++;
        deliver(&relay, from_client, &own[i < MESSAGES ? i : 0]);
        expect_end(&relay, from_client, i < MESSAGES ? SEALED : SEQUENCE);
    }
}

/* Messages of one connection on another one between the same two ends. */
static void test_messages_of_another_connection(void **state)
{
    struct relay relay;

    relay_open(&relay, *state, ZMQ_CURVE);
    for (int from_client = 0; from_client < 2; from_client++) {
        struct octets frames[MESSAGES];

        relay_join(&relay);
        capture(&relay, from_client, frames);
        relay_close(&relay);
        relay_join(&relay);
        deliver(&relay, from_client, &frames[0]);
        expect_end(&relay, from_client, SEALED);
    }
}

/* A whole connection recorded from the client, played to the server again, up to and with that step. */
static void play_again(struct relay *relay, uint32_t code)
{
    struct octets recorded[3];
    struct octets answer;

    relay_connect(relay);
    for (int step = 0; step < 6; step++) {
        struct octets piece;

        relay_read(relay, step, &piece);
        relay_write(relay, step, &piece);
        if (relay_from_client(step))
            recorded[step / 2] = piece;
    }
    relay_close(relay);
    relay->to_server = raw_connect(relay->arena.world, relay->arena.endpoint);
    for (int step = 0; step < 6; step++) {
        if (relay_from_client(step))
            relay_write(relay, step, &recorded[step / 2]);
        else if (step < 5)
            relay_read(relay, step, &answer);
    }
    arena_expect_reason(&relay->arena, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, code, "replayed handshake");
    drop_fd(relay->arena.world, relay->to_server);
    arena_exchange(&relay->arena);
}

/* The cookie in INITIATE opens on the connection that it was made for, once. */
static void cve_2014_9721_replayed_handshake(void **state)
{
    struct relay relay;

    relay_open(&relay, *state, ZMQ_CURVE);
    play_again(&relay, SEALED);
    play_again(&relay, SEALED);
}

/* Client B's INITIATE on the connection of client A, and the other way round: both had a WELCOME. */
static void test_swapped_handshakes(void **state)
{
    struct relay one, other;
    struct octets first, second;

    relay_open(&one, *state, ZMQ_CURVE);
    other = one;
    other.client = open_socket(*state, ZMQ_DEALER);
    secure_client(other.client, ZMQ_CURVE);
    set_int(other.client, ZMQ_RECONNECT_IVL, -1);
    other.monitor = watch(*state, other.client, ZMQ_EVENT_DISCONNECTED);
    relay_connect(&one);
    relay_pass(&one, 4);
    relay_read(&one, 4, &first);
    relay_connect(&other);
    relay_pass(&other, 4);
    relay_read(&other, 4, &second);
    relay_write(&one, 4, &second);
    arena_expect_reason(&one.arena, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, SEALED, "swapped");
    relay_write(&other, 4, &first);
    arena_expect_reason(&one.arena, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, SEALED, "swapped");
    arena_exchange(&one.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(cve_2014_7203_repeated_messages),
        arena_test(test_reordered_messages),
        arena_test(test_every_octet_of_a_message),
        arena_test(test_reflected_messages),
        arena_test(test_messages_of_another_connection),
        arena_test(cve_2014_9721_replayed_handshake),
        arena_test(test_swapped_handshakes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
