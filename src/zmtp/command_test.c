/* SPDX-License-Identifier: ISC */
/* Commands in traffic: names, data, and what is no command. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "zmtp/command.h"

static struct ih_msg msg;

static int open_body(const void *body, size_t size)
{
    ih_msg_init(&msg);
    assert_int_equal(ih_msg_init_copy(&msg, body, size), 0);
    return ih_command_open(&msg);
}

static void expect(const char *body, size_t size, enum ih_msg_kind kind, const char *data, size_t data_size)
{
    assert_int_equal(open_body(body, size), 1);
    assert_int_equal(msg.kind, kind);
    assert_int_equal(ih_msg_size(&msg), data_size);
    assert_memory_equal(ih_msg_data(&msg), data, data_size);
    ih_msg_close(&msg);
}

static void known_commands(void **state)
{
    char body[600];

    (void)state;
    expect("\11SUBSCRIBEtopic", 15, IH_MSG_SUBSCRIBE, "topic", 5);
    expect("\11SUBSCRIBE", 10, IH_MSG_SUBSCRIBE, "", 0);
    expect("\6CANCEL\0\1", 9, IH_MSG_CANCEL, "\0\1", 2);
    expect("\4PING\0\12", 7, IH_MSG_PING, "\0\12", 2);
    expect("\4PING\0\12sixteen octets!!", 23, IH_MSG_PING, "\0\12sixteen octets!!", 18);
    expect("\4PONG", 5, IH_MSG_PONG, "", 0);
    expect("\4PONGsixteen octets!!", 21, IH_MSG_PONG, "sixteen octets!!", 16);
    memset(body, 't', sizeof body);
    memcpy(body, "\11SUBSCRIBE", 10);
    expect(body, sizeof body, IH_MSG_SUBSCRIBE, body + 10, sizeof body - 10);
}

static void ping_and_pong_have_bounds(void **state)
{
    (void)state;
    assert_int_equal(open_body("\4PING", 5), -EPROTO);
    assert_int_equal(open_body("\4PING\0", 6), -EPROTO);
    assert_int_equal(open_body("\4PING\0\0seventeen octets!", 24), -EPROTO);
    assert_int_equal(open_body("\4PONGseventeen octets!", 22), -EPROTO);
}

static void unknown_commands_are_dropped(void **state)
{
    (void)state;
    assert_int_equal(open_body("\3FOO", 4), 0);
    assert_int_equal(open_body("\4JOINgroup", 10), 0);
    assert_int_equal(open_body("\4ping\0\0", 7), 0);
    assert_int_equal(open_body("\5PING\0\0", 7), 0);
    assert_int_equal(open_body("\12SUBSCRIBEx", 11), 0);
    assert_int_equal(open_body("\5READY", 6), 0);
}

static void no_command_at_all(void **state)
{
    (void)state;
    assert_int_equal(open_body("", 0), -EPROTO);
    assert_int_equal(open_body("\0", 1), -EPROTO);
    assert_int_equal(open_body("\0PING", 5), -EPROTO);
    assert_int_equal(open_body("\1", 1), -EPROTO);
    assert_int_equal(open_body("\5PING", 5), -EPROTO);
    assert_int_equal(open_body("\377PING\0\0", 7), -EPROTO);
}

static void prefixes(void **state)
{
    const struct ih_command_prefix *prefix;

    (void)state;
    prefix = ih_command_prefix(IH_MSG_SUBSCRIBE, 1);
    assert_true(prefix->command);
    assert_memory_equal(prefix->text, "\11SUBSCRIBE", prefix->size);
    assert_int_equal(prefix->size, 10);
    /* RFC 23: a message of which the first octet is 1 or 0. */
    prefix = ih_command_prefix(IH_MSG_SUBSCRIBE, 0);
    assert_false(prefix->command);
    assert_int_equal(prefix->size, 1);
    assert_int_equal(prefix->text[0], 1);
    prefix = ih_command_prefix(IH_MSG_CANCEL, 0);
    assert_false(prefix->command);
    assert_int_equal(prefix->size, 1);
    assert_int_equal(prefix->text[0], 0);
    assert_true(ih_command_prefix(IH_MSG_PING, 0)->command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_commands),
        cmocka_unit_test(ping_and_pong_have_bounds),
        cmocka_unit_test(unknown_commands_are_dropped),
        cmocka_unit_test(no_command_at_all),
        cmocka_unit_test(prefixes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
