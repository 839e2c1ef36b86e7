/* SPDX-License-Identifier: ISC */
/* The client's side of a SOCKS5 dialogue: what it says, and every answer, right, wrong, cut and in single octets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "transport/socks.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define OCTETS(text) ((const uint8_t *)(text)), sizeof(text) - 1

#define NO_AUTH "\5\0"
#define PASSWORD "\5\2"
#define WELCOME "\1\0"
#define CONNECTED "\5\0\0\1\x7f\0\0\1\x04\x38"

static const struct ih_socks_address ipv4 = {IH_SOCKS_IPV4, 4, 0x1234, {127, 0, 0, 1}};
static const struct ih_socks_address ipv6 = {IH_SOCKS_IPV6, 16, 5555, {0x20, 1, 0xd, 0xb8, [15] = 9}};
static const struct ih_socks_address name = {IH_SOCKS_NAME, 4, 0xfffe, "host"};

static const struct ih_socks_config plain = {.destination = &ipv4};
static const struct ih_socks_config known = {
    .destination = &ipv4, .username = "me", .username_size = 2, .password = "pass", .password_size = 4};

static struct ih_socks socks;

/* What is to be written is this, and is written. */
static void expect_output(const void *data, size_t size)
{
    size_t said;
    const uint8_t *out = ih_socks_output(&socks, &said);

    assert_int_equal(said, size);
    assert_memory_equal(out, data, size);
    ih_socks_output_done(&socks, size);
    (void)ih_socks_output(&socks, &said);
    assert_int_equal(said, 0);
}

static void write_all(void)
{
    size_t size;

    (void)ih_socks_output(&socks, &size);
    ih_socks_output_done(&socks, size);
}

/* Everything is taken, and comes to rc. */
static void feed(const void *data, size_t size, int rc)
{
    size_t used;

    assert_int_equal(ih_socks_input(&socks, data, size, &used), rc);
    assert_int_equal(used, size);
}

/* A dialogue that has said CONNECT. */
static void ask(const struct ih_socks_config *config)
{
    assert_int_equal(ih_socks_init(&socks, config), 0);
    write_all();
    feed(OCTETS(NO_AUTH), 0);
    write_all();
}

static void expect_dead(void)
{
    size_t size, used;

    assert_int_equal(socks.state, IH_SOCKS_FAILED);
    assert_int_equal(ih_socks_wanted(&socks), 0);
    (void)ih_socks_output(&socks, &size);
    assert_int_equal(size, 0);
    assert_int_equal(ih_socks_input(&socks, OCTETS(NO_AUTH), &used), -EPROTO);
    assert_int_equal(used, 0);
}

static void without_authentication(void **state)
{
    (void)state;
    assert_int_equal(ih_socks_init(&socks, &plain), 0);
    expect_output(OCTETS("\5\1\0"));
    assert_int_equal(ih_socks_wanted(&socks), 2);
    feed(OCTETS(NO_AUTH), 0);
    expect_output(OCTETS("\5\1\0\1\x7f\0\0\1\x12\x34"));
    assert_int_equal(ih_socks_wanted(&socks), 4);
    feed(OCTETS(CONNECTED), 1);
    assert_int_equal(ih_socks_wanted(&socks), 0);
}

static void with_a_password(void **state)
{
    (void)state;
    assert_int_equal(ih_socks_init(&socks, &known), 0);
    expect_output(OCTETS("\5\1\2"));
    feed(OCTETS(PASSWORD), 0);
    expect_output(OCTETS("\1\2me\4pass"));
    assert_int_equal(ih_socks_wanted(&socks), 2);
    feed(OCTETS(WELCOME), 0);
    expect_output(OCTETS("\5\1\0\1\x7f\0\0\1\x12\x34"));
    feed(OCTETS(CONNECTED), 1);
}

static void a_proxy_that_wants_no_password(void **state)
{
    (void)state;
    assert_int_equal(ih_socks_init(&socks, &known), 0);
    write_all();
    feed(OCTETS(NO_AUTH), 0);
    expect_output(OCTETS("\5\1\0\1\x7f\0\0\1\x12\x34"));
}

static void every_kind_of_destination(void **state)
{
    struct ih_socks_address longest = {.type = IH_SOCKS_NAME, .size = 255, .port = 80};
    const struct ih_socks_address empty = {.type = IH_SOCKS_NAME, .size = 0, .port = 80};
    struct ih_socks_config config = {.destination = &ipv6};
    uint8_t said[5 + 255 + 2] = {5, 1, 0, 3, 255};

    (void)state;
    assert_int_equal(ih_socks_init(&socks, &config), 0);
    write_all();
    feed(OCTETS(NO_AUTH), 0);
    expect_output(OCTETS("\5\1\0\4\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\x9\x15\xb3"));
    config.destination = &name;
    assert_int_equal(ih_socks_init(&socks, &config), 0);
    write_all();
    feed(OCTETS(NO_AUTH), 0);
    expect_output(OCTETS("\5\1\0\3\4host\xff\xfe"));
    config.destination = &empty;
    assert_int_equal(ih_socks_init(&socks, &config), 0);
    write_all();
    feed(OCTETS(NO_AUTH), 0);
    expect_output(OCTETS("\5\1\0\3\0\0\x50"));
    memset(longest.host, 'n', sizeof(longest.host));
    memset(said + 5, 'n', 255);
    said[5 + 255 + 1] = 80;
    config.destination = &longest;
    assert_int_equal(ih_socks_init(&socks, &config), 0);
    write_all();
    feed(OCTETS(NO_AUTH), 0);
    expect_output(said, sizeof(said));
}

static void sizes_are_checked(void **state)
{
    uint8_t text[256];
    uint8_t said[3 + 255 + 255] = {1, 255, [2 + 255] = 255};
    struct ih_socks_address address = ipv4;
    struct ih_socks_config config = {&address, text, 255, text, 255};

    (void)state;
    memset(text, 'x', sizeof(text));
    memset(said + 2, 'x', 255);
    memset(said + 3 + 255, 'x', 255);
    assert_int_equal(ih_socks_init(&socks, &config), 0);
    write_all();
    feed(OCTETS(PASSWORD), 0);
    expect_output(said, sizeof(said));
    config.username_size = 256;
    assert_int_equal(ih_socks_init(&socks, &config), -EINVAL);
    config.username_size = 1;
    config.password_size = 256;
    assert_int_equal(ih_socks_init(&socks, &config), -EINVAL);
    config.password_size = 0;
    assert_int_equal(ih_socks_init(&socks, &config), 0);
    address.size = 5;
    assert_int_equal(ih_socks_init(&socks, &config), -EINVAL);
    address.type = IH_SOCKS_IPV6;
    assert_int_equal(ih_socks_init(&socks, &config), -EINVAL);
    address.type = 2;
    assert_int_equal(ih_socks_init(&socks, &config), -EINVAL);
}

static void an_empty_password(void **state)
{
    const struct ih_socks_config config = {.destination = &ipv4, .username = "u", .username_size = 1};

    (void)state;
    assert_int_equal(ih_socks_init(&socks, &config), 0);
    write_all();
    feed(OCTETS(PASSWORD), 0);
    expect_output(OCTETS("\1\1u\0"));
}

/* The bound address is of no use, but where it ends is where the destination's octets begin. */
static void every_kind_of_bound_address(void **state)
{
    static const struct {
        const uint8_t *data;
        size_t size;
    } replies[] = {
        {OCTETS(CONNECTED)},
        {OCTETS("\5\0\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\1")},
        {OCTETS("\5\0\0\3\0\0\1")},
        {OCTETS("\5\0\0\3\3abc\0\1")},
    };
    uint8_t longest[5 + 255 + 2] = {5, 0, 0, 3, 255};

    (void)state;
    for (size_t i = 0; i <= COUNT(replies); i++) {
        const uint8_t *data = i < COUNT(replies) ? replies[i].data : longest;
        const size_t size = i < COUNT(replies) ? replies[i].size : sizeof(longest);
        uint8_t more[sizeof(longest) + 1];
        size_t used;

        ask(&plain);
        memcpy(more, data, size);
        more[size] = 0xff; /* the destination's */
        assert_int_equal(ih_socks_input(&socks, more, size + 1, &used), 1);
        assert_int_equal(used, size);
        assert_int_equal(ih_socks_input(&socks, more + size, 1, &used), 1);
        assert_int_equal(used, 0);

        ask(&plain);
        for (size_t at = 0; at < size; at++) {
            assert_in_range(ih_socks_wanted(&socks), 1, size - at);
            feed(data + at, 1, at + 1 == size);
        }
        ask(&plain);
        for (size_t at = 0, part; at < size; at += part) { /* as a descriptor is read */
            part = ih_socks_wanted(&socks);
            assert_in_range(part, 1, size - at);
            feed(data + at, part, at + part == size);
        }
    }
}

static void octet_by_octet(void **state)
{
    static const char answers[] = PASSWORD WELCOME CONNECTED;
    const size_t size = sizeof(answers) - 1;

    (void)state;
    assert_int_equal(ih_socks_init(&socks, &known), 0);
    for (size_t at = 0; at < size; at++) {
        size_t left;

        for ((void)ih_socks_output(&socks, &left); left > 0; left--) {
            size_t now;

            ih_socks_output_done(&socks, 1);
            (void)ih_socks_output(&socks, &now);
            assert_int_equal(now, left - 1);
        }
        feed(answers + at, 1, at + 1 == size);
    }
}

static void wrong_methods(void **state)
{
    (void)state;
    for (unsigned version = 0; version < 256; version++)
        for (unsigned method = 0; method < 256; method++) {
            const uint8_t answer[2] = {(uint8_t)version, (uint8_t)method};
            const int bare = version != 5                   ? -EPROTO
                             : method == 0                  ? 0
                             : method == 2 || method == 255 ? -EACCES
                                                            : -EPROTO;

            assert_int_equal(ih_socks_init(&socks, &plain), 0);
            write_all();
            feed(answer, 2, bare);
            if (bare < 0)
                expect_dead();
            assert_int_equal(ih_socks_init(&socks, &known), 0);
            write_all();
            feed(answer, 2, version == 5 && method == 2 ? 0 : bare);
        }
}

static void refused_passwords(void **state)
{
    (void)state;
    for (unsigned version = 0; version < 256; version++)
        for (unsigned status = 0; status < 256; status++) {
            const uint8_t answer[2] = {(uint8_t)version, (uint8_t)status};
            const int rc = version != 1 ? -EPROTO : status ? -EACCES : 0;

            assert_int_equal(ih_socks_init(&socks, &known), 0);
            write_all();
            feed(OCTETS(PASSWORD), 0);
            write_all();
            feed(answer, 2, rc);
            if (rc < 0)
                expect_dead();
        }
}

static void refused_connections(void **state)
{
    static const int errors[] = {0,          -ECONNABORTED, -EACCES,      -ENETUNREACH, -EHOSTUNREACH, -ECONNREFUSED,
                                 -ETIMEDOUT, -EOPNOTSUPP,   -EAFNOSUPPORT};

    (void)state;
    for (unsigned code = 1; code < 256; code++) {
        const uint8_t reply[4] = {5, (uint8_t)code, 0, 1};

        ask(&plain);
        feed(reply, 4, code < COUNT(errors) ? errors[code] : -EPROTO);
        expect_dead();
    }
}

static void malformed_replies(void **state)
{
    (void)state;
    for (size_t at = 0; at < 4; at++)
        for (unsigned octet = 0; octet < 256; octet++) {
            uint8_t reply[4] = {5, 0, 0, 1};

            if (at == 1 || octet == reply[at] || (at == 3 && (octet == 3 || octet == 4)))
                continue;
            reply[at] = (uint8_t)octet;
            ask(&plain);
            feed(reply, 4, -EPROTO);
            expect_dead();
        }
}

/* No answer is right before it was asked for, nor while the question is on its way. */
static void answers_that_come_too_early(void **state)
{
    size_t used;

    (void)state;
    assert_int_equal(ih_socks_init(&socks, &plain), 0);
    assert_int_equal(ih_socks_input(&socks, OCTETS(NO_AUTH), &used), -EPROTO);
    assert_int_equal(used, 0);
    expect_dead();
    assert_int_equal(ih_socks_init(&socks, &plain), 0);
    ih_socks_output_done(&socks, 2);
    assert_int_equal(ih_socks_input(&socks, OCTETS(NO_AUTH), &used), -EPROTO);
    assert_int_equal(ih_socks_init(&socks, &plain), 0);
    write_all();
    assert_int_equal(ih_socks_input(&socks, OCTETS(NO_AUTH CONNECTED), &used), -EPROTO);
    assert_int_equal(used, 2);
    expect_dead();
}

static bool holds(const void *data, size_t size, const char *text)
{
    return memmem(data, size, text, strlen(text)) != NULL;
}

static void passwords_are_wiped(void **state)
{
    static const uint8_t zero[sizeof(socks)];

    (void)state;
    assert_int_equal(ih_socks_init(&socks, &known), 0);
    write_all();
    feed(OCTETS(PASSWORD), 0);
    assert_true(holds(socks.out, sizeof(socks.out), "pass"));
    ih_socks_output_done(&socks, 8);
    assert_true(holds(socks.out, sizeof(socks.out), "pass"));
    ih_socks_output_done(&socks, 1);
    assert_false(holds(socks.out, sizeof(socks.out), "pass"));
    ih_socks_fini(&socks);
    assert_memory_equal(&socks, zero, sizeof(zero));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_authentication),
        cmocka_unit_test(with_a_password),
        cmocka_unit_test(a_proxy_that_wants_no_password),
        cmocka_unit_test(every_kind_of_destination),
        cmocka_unit_test(sizes_are_checked),
        cmocka_unit_test(an_empty_password),
        cmocka_unit_test(every_kind_of_bound_address),
        cmocka_unit_test(octet_by_octet),
        cmocka_unit_test(wrong_methods),
        cmocka_unit_test(refused_passwords),
        cmocka_unit_test(refused_connections),
        cmocka_unit_test(malformed_replies),
        cmocka_unit_test(answers_that_come_too_early),
        cmocka_unit_test(passwords_are_wiped),
    };

    return cmocka_run_group_tests_name("socks", tests, NULL, NULL);
}
