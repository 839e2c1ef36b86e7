/* SPDX-License-Identifier: ISC */
/* Cookies: on which connection, for how long, and unaltered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <sodium.h>

#include "base/random.h"
#include "curvezmq/cookie.h"

enum { MINUTE = 60000 };

static uint8_t client_key[IH_CURVE_KEY];
static uint8_t secret_key[IH_CURVE_KEY];
static uint8_t cookie[IH_CURVE_COOKIE];

static int setup(void **state)
{
    assert_int_equal(ih_random_init(), 0);
    *state = ih_cookie_jar_new();
    assert_non_null(*state);
    memset(client_key, 1, sizeof client_key);
    memset(secret_key, 2, sizeof secret_key);
    return 0;
}

static int teardown(void **state)
{
    ih_cookie_jar_free(*state);
    return 0;
}

static int open_at(struct ih_cookie_jar *jar, uint64_t serial, uint64_t now_ms)
{
    uint8_t c[IH_CURVE_KEY] = {0};
    uint8_t s[IH_CURVE_KEY] = {0};
    int rc = ih_cookie_open(jar, serial, now_ms, cookie, c, s);

    assert_int_equal(memcmp(c, client_key, sizeof c) == 0, rc == 0);
    assert_int_equal(memcmp(s, secret_key, sizeof s) == 0, rc == 0);
    return rc;
}

static void opens_on_its_connection_only(void **state)
{
    ih_cookie_seal(*state, 7, 0, client_key, secret_key, cookie);
    assert_int_equal(open_at(*state, 7, 0), 0);
    assert_int_equal(open_at(*state, 8, 0), -EBADMSG);
    assert_int_equal(open_at(*state, 7 | (uint64_t)1 << 63, 0), -EBADMSG);
}

static void opens_in_its_process_only(void **state)
{
    struct ih_cookie_jar *other = ih_cookie_jar_new();

    assert_non_null(other);
    ih_cookie_seal(*state, 7, 0, client_key, secret_key, cookie);
    assert_int_equal(open_at(other, 7, 0), -EBADMSG);
    ih_cookie_jar_free(other);
}

static void altered_is_refused(void **state)
{
    ih_cookie_seal(*state, 7, 0, client_key, secret_key, cookie);
    for (size_t i = 0; i < sizeof cookie; i++) {
        cookie[i] ^= 0x10;
        assert_int_equal(open_at(*state, 7, 0), -EBADMSG);
        cookie[i] ^= 0x10;
    }
}

static void is_never_the_same(void **state)
{
    uint8_t first[IH_CURVE_COOKIE];

    ih_cookie_seal(*state, 7, 0, client_key, secret_key, first);
    ih_cookie_seal(*state, 7, 0, client_key, secret_key, cookie);
    assert_memory_not_equal(first, cookie, sizeof first);
}

/* The secret is replaced after a minute; the one before it still opens. */
static void lives_for_one_to_two_minutes(void **state)
{
    ih_cookie_seal(*state, 7, 1000, client_key, secret_key, cookie);
    assert_int_equal(open_at(*state, 7, 1000 + MINUTE - 1), 0);
    assert_int_equal(open_at(*state, 7, 1000 + MINUTE), 0);
    assert_int_equal(open_at(*state, 7, 1000 + 2 * MINUTE - 1), 0);
    assert_int_equal(open_at(*state, 7, 1000 + 2 * MINUTE), -EBADMSG);
}

static void dies_while_nothing_happens(void **state)
{
    ih_cookie_seal(*state, 7, 1000, client_key, secret_key, cookie);
    assert_int_equal(open_at(*state, 7, 1000 + 2 * MINUTE), -EBADMSG);
    assert_int_equal(open_at(*state, 7, 1000), -EBADMSG);
}

static void clock_may_come_out_of_order(void **state)
{
    ih_cookie_seal(*state, 7, 5000, client_key, secret_key, cookie);
    assert_int_equal(open_at(*state, 7, 4999), 0);
    assert_int_equal(open_at(*state, 7, 5000), 0);
}

/* When none is expected any more, even who has the jar opens none. */
static void is_forgotten(void **state)
{
    uint8_t other[IH_CURVE_COOKIE];
    uint64_t first = ih_cookie_seal(*state, 6, 0, client_key, secret_key, other);
    uint64_t second = ih_cookie_seal(*state, 7, 0, client_key, secret_key, cookie);

    ih_cookie_forget(*state, first);
    assert_int_equal(open_at(*state, 7, 0), 0);
    ih_cookie_forget(*state, second);
    assert_int_equal(open_at(*state, 7, 0), -EBADMSG);
    ih_cookie_seal(*state, 7, 0, client_key, secret_key, cookie);
    assert_int_equal(open_at(*state, 7, 0), 0);
}

/* Those that were made with the secret before the current one, and with one that is gone. */
static void is_forgotten_later(void **state)
{
    uint8_t current[IH_CURVE_COOKIE];
    uint8_t before[IH_CURVE_COOKIE];
    uint64_t first = ih_cookie_seal(*state, 7, 0, client_key, secret_key, before);
    uint64_t second = ih_cookie_seal(*state, 7, MINUTE, client_key, secret_key, current);

    assert_int_not_equal(first, second);
    memcpy(cookie, before, sizeof cookie);
    assert_int_equal(open_at(*state, 7, MINUTE), 0);
    ih_cookie_forget(*state, first);
    assert_int_equal(open_at(*state, 7, MINUTE), -EBADMSG);
    memcpy(cookie, current, sizeof cookie);
    assert_int_equal(open_at(*state, 7, MINUTE), 0);

    ih_cookie_seal(*state, 7, 4 * MINUTE, client_key, secret_key, cookie);
    ih_cookie_forget(*state, second);
    assert_int_equal(open_at(*state, 7, 4 * MINUTE), 0);
    assert_int_equal(open_at(*state, 7, 5 * MINUTE), 0);
}

/* A server that keeps nothing of whom it sent WELCOME: time alone makes the cookie worthless, whatever the clock says then. */
static void is_outlived(void **state)
{
    ih_cookie_seal(*state, 7, 0, client_key, secret_key, cookie);
    ih_cookie_rotate(*state, MINUTE);
    assert_int_equal(open_at(*state, 7, MINUTE), 0);
    ih_cookie_rotate(*state, IH_COOKIE_LIFE_MS + MINUTE);
    assert_int_equal(open_at(*state, 7, MINUTE), -EBADMSG);
}

#define JAR_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        JAR_TEST(opens_on_its_connection_only), JAR_TEST(opens_in_its_process_only),
        JAR_TEST(altered_is_refused),           JAR_TEST(is_never_the_same),
        JAR_TEST(lives_for_one_to_two_minutes), JAR_TEST(dies_while_nothing_happens),
        JAR_TEST(clock_may_come_out_of_order),  JAR_TEST(is_forgotten),
        JAR_TEST(is_forgotten_later),           JAR_TEST(is_outlived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
