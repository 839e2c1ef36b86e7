/* SPDX-License-Identifier: ISC */
/* CURVE's handshake between two ends in memory: each command altered, cut, repeated, replayed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "curvezmq/cookie.h"
#include "zmtp/greeting.h"
#include "zmtp/testing.h"

enum { WIRE = 4096 };

static struct ih_cookie_jar *jar;
static struct testing_end client;
static struct testing_end server;
static uint8_t wire[WIRE];

static int group_setup(void **state)
{
    (void)state;
    assert_int_equal(ih_random_init(), 0);
    jar = ih_cookie_jar_new();
    return jar ? 0 : -1;
}

static int group_teardown(void **state)
{
    (void)state;
    ih_cookie_jar_free(jar);
    return 0;
}

static void close_both(void)
{
    testing_free(&client);
    testing_free(&server);
}

static void assert_state(const struct testing_end *end, enum ih_zmtp_state state)
{
    assert_int_equal(ih_zmtp_state(end->zmtp), state);
}

static void assert_failed(const struct testing_end *end, int code)
{
    assert_state(end, IH_ZMTP_CLOSED);
    assert_int_equal(ih_zmtp_error(end->zmtp)->failure, IH_ZMTP_PROTOCOL);
    assert_int_equal(ih_zmtp_error(end->zmtp)->code, code);
}

/* One command of a CURVE handshake, recorded from live ends: 0 HELLO, 1 WELCOME, 2 INITIATE, 3 READY. Leaves both ends
 * as they are before it arrives. */
static size_t before_command(int command)
{
    client = testing_open(ZMQ_CURVE, false, false, jar);
    server = testing_open(ZMQ_CURVE, true, false, jar);
    (void)testing_output(&server, wire, sizeof wire);
    assert_int_equal(testing_input(&client, wire, IH_GREETING_SIZE), IH_GREETING_SIZE);
    (void)testing_output(&client, wire, sizeof wire);
    assert_int_equal(testing_input(&server, wire, IH_GREETING_SIZE), IH_GREETING_SIZE);
    memmove(wire, wire + IH_GREETING_SIZE, 202);
    if (command == 0)
        return 202;
    (void)testing_input(&server, wire, 202);
    for (int i = 1; i < command; i++) {
        struct testing_end *from = i % 2 ? &server : &client;
        size_t size = testing_output(from, wire, sizeof wire);

        assert_int_equal(testing_input(i % 2 ? &client : &server, wire, size), size);
    }
    return testing_output(command % 2 ? &server : &client, wire, sizeof wire);
}

static void curve_commands_altered(void **state)
{
    (void)state;
    for (int command = 0; command < 4; command++) {
        size_t size = before_command(command);

        close_both();
        for (size_t i = 0; i < size; i++) {
            struct testing_end *to = command % 2 ? &client : &server;

            assert_int_equal(before_command(command), size);
            wire[i] ^= 1;
            (void)testing_input(to, wire, size);
            assert_int_not_equal(ih_zmtp_state(to->zmtp), IH_ZMTP_READY);
            if (i >= 9)
                assert_state(to, IH_ZMTP_CLOSED);
            close_both();
        }
    }
}

/* Cut short, a command has no effect; said to be shorter than it is, it is refused. */
static void curve_commands_truncated(void **state)
{
    (void)state;
    for (int command = 0; command < 4; command++) {
        struct testing_end *to = command % 2 ? &client : &server;
        size_t size = before_command(command);
        size_t head = wire[0] == 4 ? 2 : 9;

        assert_int_equal(testing_input(to, wire, size - 1), size - 1);
        assert_state(to, IH_ZMTP_HANDSHAKE);
        assert_int_equal(testing_input(to, wire + size - 1, 1), 1);
        assert_int_not_equal(ih_zmtp_state(to->zmtp), IH_ZMTP_CLOSED);
        close_both();
        for (size_t cut = 1; cut <= size - head; cut++) {
            size_t left = size - head - cut;

            assert_int_equal(before_command(command), size);
            wire[head - 1] = (uint8_t)left;
            if (head == 9)
                wire[head - 2] = (uint8_t)(left >> 8);
            (void)testing_input(to, wire, size - cut);
            assert_state(to, IH_ZMTP_CLOSED);
            close_both();
        }
    }
}

static void curve_commands_repeated(void **state)
{
    (void)state;
    for (int command = 0; command < 3; command++) {
        struct testing_end *to = command % 2 ? &client : &server;
        size_t size = before_command(command);

        assert_int_equal(testing_input(to, wire, size), size);
        assert_int_not_equal(ih_zmtp_state(to->zmtp), IH_ZMTP_CLOSED);
        if (command < 2) {
            (void)testing_input(to, wire, size);
            assert_failed(to, ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND);
        } else {
            assert_int_equal(testing_input(to, wire, size), 0);
        }
        close_both();
    }
}

/* A recorded client is played to a new connection of the same server. */
static void cve_2014_9721_handshake_replayed(void **state)
{
    struct ih_security *security;
    struct ih_zmtp_config config;
    uint8_t initiate[WIRE];
    uint8_t hello[202];
    size_t size;

    (void)state;
    assert_int_equal(before_command(0), sizeof hello);
    memcpy(hello, wire, sizeof hello);
    assert_int_equal(testing_input(&server, hello, sizeof hello), sizeof hello);
    testing_carry(&server, &client);
    size = testing_output(&client, initiate, sizeof initiate);
    assert_int_equal(testing_input(&server, initiate, size), size);
    assert_state(&server, IH_ZMTP_READY);
    testing_free(&server);

    security = testing_security(ZMQ_CURVE, true);
    config = testing_config(security, jar, true);
    config.serial++;
    server = testing_new(security, &config);
    ih_greeting_put(wire, "CURVE", false);
    assert_int_equal(testing_input(&server, wire, IH_GREETING_SIZE), IH_GREETING_SIZE);
    assert_int_equal(testing_input(&server, hello, sizeof hello), sizeof hello);
    (void)testing_input(&server, initiate, size);
    assert_failed(&server, ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC);
    close_both();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curve_commands_altered),
        cmocka_unit_test(curve_commands_truncated),
        cmocka_unit_test(curve_commands_repeated),
        cmocka_unit_test(cve_2014_9721_handshake_replayed),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
