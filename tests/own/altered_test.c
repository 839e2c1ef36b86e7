/* SPDX-License-Identifier: ISC */
/* A man in the middle alters each octet of each greeting and command, in both directions, under every mechanism: what must
 * not be altered is refused by the end that receives it, and never becomes a message. */
#include "relay.h"

#include <string.h>
#include <sys/socket.h>

enum { GREETINGS = 2 };

/* Within a greeting: padding, higher versions, as-server where both readings work, and filler are nobody's business. */
static bool greeting_may_pass(size_t at)
{
    return (at >= 1 && at <= 8) || at == 10 || at == 11 || at >= 32;
}

/* Finds a text in a piece, and says whether `at` is within. */
static bool within(const struct octets *piece, const char *text, size_t at)
{
    const uint8_t *found = memmem(piece->data, piece->size, text, strlen(text));

    return found && at >= (size_t)(found - piece->data) && at < (size_t)(found - piece->data) + strlen(text);
}

/* In clear text, names of properties, and values that may be anything, can be altered without a trace. */
static bool may_pass(const struct relay *relay, int step, const struct octets *piece, size_t at)
{
    static const char *const free_texts[] = {"Socket-Type", "Identity", "middle", PLAIN_USER, PLAIN_PASSWORD_TEXT};

    if (step < GREETINGS)
        return greeting_may_pass(at);
    for (size_t i = 0; i < sizeof free_texts / sizeof *free_texts; i++) {
        if (relay->arena.mechanism != ZMQ_CURVE && within(piece, free_texts[i], at))
            return true;
    }
    return false;
}

/* What comes behind the head and the name of a command under CURVE is sealed, or takes part in sealing. */
static bool is_sealed(const struct relay *relay, int step, size_t at)
{
    return relay->arena.mechanism == ZMQ_CURVE && step >= GREETINGS && at > 10;
}

/* One connection whose piece of that step has one octet altered. Returns the size of the piece. */
static size_t alter(struct relay *relay, int step, size_t at, uint8_t mask)
{
    const bool to_server = relay_from_client(step);
    void *monitor = to_server ? relay->arena.monitor : relay->monitor;
    struct octets piece;
    bool passes;

    relay_connect(relay);
    relay_pass(relay, step);
    relay_read(relay, step, &piece);
    assert_true(at < piece.size);
    passes = may_pass(relay, step, &piece, at);
    piece.data[at] ^= mask;
    relay_write(relay, step, &piece);
    if (!passes) {
        struct event reason;

        /* A size that has grown makes it wait for more. */
        assert_int_equal(shutdown(to_server ? relay->to_server : relay->to_client, SHUT_WR), 0);
        reason = await_refusal(monitor);
        if (!(reason.kind & HANDSHAKE_FAILED) ||
            (is_sealed(relay, step, at) && reason.kind != ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL))
            fail_msg("%s, step %d, octet %zu ^ 0x%x: event 0x%x, value 0x%x", mechanism_name(relay->arena.mechanism),
                     step, at, mask, reason.kind, (unsigned)reason.value);
        drop_fd(relay->arena.world, relay->to_client);
        drop_fd(relay->arena.world, relay->to_server);
        await_event(to_server ? relay->monitor : relay->arena.monitor, ZMQ_EVENT_DISCONNECTED);
        assert_ok(zmq_disconnect(relay->client, relay->endpoint));
    } else {
        relay_close(relay);
    }
    expect_nothing(relay->client);
    return piece.size;
}

static void alter_all(struct world *world, int mechanism, bool whole_octets)
{
    struct relay relay;

    relay_open(&relay, world, mechanism);
    for (int step = 0; step < relay_steps(&relay); step++) {
        size_t size = 1;

        for (size_t at = 0; at < size; at++)
            size = alter(&relay, step, at, (uint8_t)(whole_octets ? 0xff : 1 << at % 8));
        arena_exchange(&relay.arena);
    }
}

static void test_null_bits(void **state)
{
    alter_all(*state, ZMQ_NULL, false);
}

static void test_null_octets(void **state)
{
    alter_all(*state, ZMQ_NULL, true);
}

static void test_plain_bits(void **state)
{
    alter_all(*state, ZMQ_PLAIN, false);
}

static void test_plain_octets(void **state)
{
    alter_all(*state, ZMQ_PLAIN, true);
}

static void test_curve(void **state)
{
    alter_all(*state, ZMQ_CURVE, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(test_null_bits),    arena_test(test_null_octets), arena_test(test_plain_bits),
        arena_test(test_plain_octets), arena_test(test_curve),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
