/* SPDX-License-Identifier: ISC */
#include "auth/throttle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ENTRIES = 3072 };

static const uint64_t minute = 60000; /* ms */

static int setup(void **state)
{
    *state = auth_throttle_new(ENTRIES);
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    auth_throttle_free(*state);
    return 0;
}

static void fail_times(struct auth_throttle *throttle, const char *address, const char *user, int times, uint64_t now)
{
    for (int i = 0; i < times; i++)
        auth_throttle_failed(throttle, address, user, now);
}

static void test_waits_double(void **state)
{
    static const uint64_t waits[] = {0, 0, 0, 500, 1000, 2000, 4000, 8000, 8000, 8000};
    struct auth_throttle *throttle = *state;
    uint64_t now = 1000;

    assert_int_equal(auth_throttle_when(throttle, "10.0.0.1", "alice", now), now);
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        uint64_t when;

        auth_throttle_failed(throttle, "10.0.0.1", "alice", now);
        when = auth_throttle_when(throttle, "10.0.0.1", "alice", now);
        assert_int_equal(when, now + waits[i]);
        now = when;
    }
    /* Others are not concerned. */
    assert_int_equal(auth_throttle_when(throttle, "10.0.0.2", "bob", now), now);
}

/* By address with other names, by name from other addresses. */
static void test_each_counts(void **state)
{
    struct auth_throttle *throttle = *state;
    char text[32];

    for (int i = 0; i < 8; i++) {
        (void)snprintf(text, sizeof text, "user%d", i);
        auth_throttle_failed(throttle, "10.0.0.1", text, 0);
        (void)snprintf(text, sizeof text, "10.0.1.%d", i);
        auth_throttle_failed(throttle, text, "alice", 0);
    }
    assert_int_equal(auth_throttle_when(throttle, "10.0.0.1", "new", 1), 8000);
    assert_int_equal(auth_throttle_when(throttle, "10.0.2.1", "alice", 1), 8000);
    assert_int_equal(auth_throttle_when(throttle, "10.0.2.1", "new", 1), 1);
}

static void test_same_place(void **state)
{
    static const struct {
        const char *a, *b;
        int same;
    } cases[] = {
        {"10.0.0.1", "::ffff:10.0.0.1", 1},
        {"10.0.0.1", "10.0.0.2", 0},
        {"2001:db8::1", "2001:db8::ffff:1", 1},
        {"2001:db8:0:1::1", "2001:db8:0:2::1", 0},
        {"fe80::1%eth0", "fe80::2%eth1", 1},
        {"localhost:1000:1000:1", "localhost:1000:1000:2", 1},
        {"localhost:1000:1000:1", "localhost:1000:5:2", 1},
        {"localhost:1000:1000:1", "localhost:1001:1000:1", 0},
        {"localhost:1000:1000:1", "localhost:100", 0},
        {"", "localhost:0:0:1", 0},
        {"nonsense", "nonsense", 1},
        {"nonsense", "other", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct auth_throttle *throttle = auth_throttle_new(ENTRIES);

        assert_non_null(throttle);
        fail_times(throttle, cases[i].a, "alice", 8, 0);
        assert_int_equal(auth_throttle_when(throttle, cases[i].b, "bob", 1), cases[i].same ? 8000 : 1);
        assert_int_equal(auth_throttle_place(throttle, cases[i].a) == auth_throttle_place(throttle, cases[i].b),
                         cases[i].same);
        auth_throttle_free(throttle);
    }
}

/* A thousand attempts at a time are looked at one by one; more than there is patience for are not kept. */
static void test_turns(void **state)
{
    struct auth_throttle *throttle = *state;
    char user[32];

    fail_times(throttle, "10.0.0.1", "alice", 8, 0);
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t when;

        (void)snprintf(user, sizeof user, "user%d", (int)i);
        when = auth_throttle_when(throttle, "10.0.0.1", user, 0);
        assert_true(when == (i < 3 ? 8000 * (i + 1) : AUTH_THROTTLE_NEVER));
    }
    /* Those that waited are over: the next one has its turn. */
    assert_int_equal(auth_throttle_when(throttle, "10.0.0.1", "bob", 40000), 40000);
    assert_int_equal(auth_throttle_when(throttle, "10.0.0.1", "bob", 40000), 48000);
    /* Who is guessed at from everywhere waits, and not for ever. */
    for (int i = 0; i < 1000; i++)
        assert_true(auth_throttle_when(throttle, "10.0.0.2", "alice", 1) <= 8000);
}

static void test_forgotten_with_time(void **state)
{
    struct auth_throttle *throttle = *state;

    fail_times(throttle, "10.0.0.1", "alice", 3, 0);
    fail_times(throttle, "10.0.0.2", "bob", 8, 0);
    fail_times(throttle, "10.0.0.1", "alice", 1, 5 * minute);
    assert_int_equal(auth_throttle_when(throttle, "10.0.0.1", "alice", 5 * minute), 5 * minute); /* one failure */
    fail_times(throttle, "10.0.0.2", "bob", 1, 30 * minute - 1);
    assert_int_equal(auth_throttle_when(throttle, "10.0.0.2", "x", 30 * minute - 1), 30 * minute - 1 + 8000);
    assert_int_equal(auth_throttle_when(throttle, "10.0.0.2", "bob", 60 * minute - 1), 60 * minute - 1);
    fail_times(throttle, "10.0.0.2", "bob", 1, 60 * minute);
    assert_int_equal(auth_throttle_when(throttle, "10.0.0.2", "bob", 60 * minute), 60 * minute);
}

static void test_success_forgives_its_own(void **state)
{
    struct auth_throttle *throttle = *state;

    /* Alice mistypes, and succeeds. */
    fail_times(throttle, "10.0.0.1", "alice", 5, 0);
    auth_throttle_succeeded(throttle, "10.0.0.1", "alice", 1);
    assert_int_equal(auth_throttle_when(throttle, "10.0.0.1", "alice", 1), 1);
    fail_times(throttle, "10.0.0.1", "alice", 3, 1);
    assert_int_equal(auth_throttle_when(throttle, "10.0.0.1", "alice", 1), 1);
    auth_throttle_succeeded(throttle, "10.0.0.1", "alice", 1);

    /* Mallory guesses at Alice, and has an account of his own: it clears neither his address nor her name. */
    for (int i = 0; i < 8; i++) {
        auth_throttle_failed(throttle, "10.0.0.9", "alice", 1);
        auth_throttle_succeeded(throttle, "10.0.0.9", "mallory", 1);
    }
    assert_int_equal(auth_throttle_when(throttle, "10.0.0.9", "bob", 1), 8001);
    assert_int_equal(auth_throttle_when(throttle, "10.0.0.1", "alice", 1), 8001);
    /* Nor does Alice's success elsewhere clear Mallory's. */
    auth_throttle_succeeded(throttle, "10.0.0.1", "alice", 1);
    assert_int_equal(auth_throttle_when(throttle, "10.0.0.1", "alice", 1), 8001);
}

/* Names by the hundred thousand: from one address, and from as many. */
static void test_floods(void **state)
{
    struct auth_throttle *throttle = *state;
    char address[32], user[32];

    fail_times(throttle, "10.0.0.1", "alice", 8, 0);
    for (unsigned i = 0; i < 200000; i++) {
        (void)snprintf(user, sizeof user, "user%u", i);
        auth_throttle_failed(throttle, "10.0.0.2", user, 1);
        (void)snprintf(address, sizeof address, "11.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        auth_throttle_failed(throttle, address, user, 1);
    }
    assert_int_equal(auth_throttle_when(throttle, "10.0.0.1", "x", 1), 8000);
    assert_int_equal(auth_throttle_when(throttle, "10.0.0.2", "y", 1), 8001);
    assert_int_equal(auth_throttle_when(throttle, "10.0.0.3", "alice", 1), 8000);
}

/* Even where the flood is of addresses that are all under punishment, who goes on failing is not forgotten. */
static void test_flood_of_the_punished(void **state)
{
    struct auth_throttle *throttle = *state;
    char address[32];

    for (unsigned i = 0; i < 20000; i++) {
        (void)snprintf(address, sizeof address, "11.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        fail_times(throttle, address, address, 5, i);
        if (i % 100 == 0)
            fail_times(throttle, "10.0.0.1", "alice", 5, i);
    }
    assert_true(auth_throttle_when(throttle, "10.0.0.1", "x", 20000) > 20000);
}

/* As small as it gets, it works; longer names than there are do no harm. */
static void test_small(void **state)
{
    struct auth_throttle *throttle = auth_throttle_new(0);
    char text[1000];

    (void)state;
    assert_non_null(throttle);
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    fail_times(throttle, text, text, 8, 0);
    assert_int_equal(auth_throttle_when(throttle, text, text, 0), 8000);
    auth_throttle_succeeded(throttle, text, text, 0);
    assert_int_equal(auth_throttle_when(throttle, text, text, 0), 0);
    auth_throttle_free(throttle);
    auth_throttle_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_waits_double, setup, teardown),
        cmocka_unit_test_setup_teardown(test_each_counts, setup, teardown),
        cmocka_unit_test(test_same_place),
        cmocka_unit_test_setup_teardown(test_turns, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forgotten_with_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_success_forgives_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(test_floods, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flood_of_the_punished, setup, teardown),
        cmocka_unit_test(test_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
