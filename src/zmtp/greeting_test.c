/* SPDX-License-Identifier: ISC */
/* Greetings: our own, and those of peers that are older, newer, or none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "zmtp/greeting.h"

static uint8_t wire[IH_GREETING_SIZE];
static struct ih_greeting greeting;

static int setup(void **state)
{
    (void)state;
    ih_greeting_put(wire, "CURVE", true);
    return 0;
}

/* RFC 37, "Worked Example". */
static void known_answer(void **state)
{
    static const uint8_t expected[IH_GREETING_SIZE] = {0xff, 0, 0, 0,   0,   0,   0,   0,   0,
                                                       0x7f, 3, 1, 'C', 'U', 'R', 'V', 'E', [32] = 1};

    (void)state;
    assert_memory_equal(wire, expected, sizeof expected);
    assert_int_equal(ih_greeting_parse(wire, sizeof wire, &greeting), 1);
    assert_int_equal(greeting.major, 3);
    assert_int_equal(greeting.minor, 1);
    assert_string_equal(greeting.mechanism, "CURVE");
    assert_true(greeting.as_server);
}

static void name_of_full_length(void **state)
{
    (void)state;
    ih_greeting_put(wire, "ABCDEFGHIJ0123456-_.TOOMUCH", false);
    assert_int_equal(ih_greeting_parse(wire, sizeof wire, &greeting), 1);
    assert_string_equal(greeting.mechanism, "ABCDEFGHIJ0123456-_.");
    assert_false(greeting.as_server);
}

static void incomplete_needs_more(void **state)
{
    (void)state;
    for (size_t size = 0; size < sizeof wire; size++)
        assert_int_equal(ih_greeting_parse(wire, size, &greeting), 0);
}

/* Padding and filler have no meaning, and a newer version is as good as ours. */
static void insignificant_octets(void **state)
{
    (void)state;
    for (size_t i = 1; i < sizeof wire; i++) {
        if (i == 9 || i == 10 || (i >= 12 && i <= 32))
            continue;
        wire[i] = 0xa5;
    }
    assert_int_equal(ih_greeting_parse(wire, sizeof wire, &greeting), 1);
    assert_int_equal(greeting.minor, 0xa5);
    wire[10] = 0xff;
    assert_int_equal(ih_greeting_parse(wire, sizeof wire, &greeting), 1);
}

/* CVE-2014-7202: a peer, or who is between, claims to be older so that there is no security. It sends less than 64
 * octets, so it is refused with the octet that tells it. */
static void cve_2014_7202_downgrade(void **state)
{
    (void)state;
    for (unsigned major = 0; major < 3; major++) {
        wire[10] = (uint8_t)major;
        assert_int_equal(ih_greeting_parse(wire, 10, &greeting), 0);
        assert_int_equal(ih_greeting_parse(wire, 11, &greeting), -EPROTONOSUPPORT);
        assert_int_equal(ih_greeting_parse(wire, 64, &greeting), -EPROTONOSUPPORT);
    }
    wire[10] = 3;
    /* ZMTP 1.0 with a long identity. */
    wire[9] = 0;
    assert_int_equal(ih_greeting_parse(wire, 9, &greeting), 0);
    assert_int_equal(ih_greeting_parse(wire, 10, &greeting), -EPROTONOSUPPORT);
    wire[9] = 0x7f;
    /* ZMTP 1.0 with a short identity; and no ZMTP at all. */
    for (unsigned first = 0; first < 0xff; first++) {
        wire[0] = (uint8_t)first;
        assert_int_equal(ih_greeting_parse(wire, 1, &greeting), -EPROTONOSUPPORT);
    }
}

static void mechanism_must_be_a_name(void **state)
{
    static const char *const bad[] = {"", "curve", "CUR VE", "CURVE\1", "CURVE/", "\377"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ih_greeting_put(wire, bad[i], false);
        assert_int_equal(ih_greeting_parse(wire, sizeof wire, &greeting), -EPROTO);
    }
    ih_greeting_put(wire, "NULL", false);
    wire[12 + 5] = 'X';
    assert_int_equal(ih_greeting_parse(wire, sizeof wire, &greeting), -EPROTO);
}

static void as_server_is_zero_or_one(void **state)
{
    (void)state;
    for (unsigned value = 2; value < 256; value++) {
        wire[32] = (uint8_t)value;
        assert_int_equal(ih_greeting_parse(wire, sizeof wire, &greeting), -EPROTO);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(known_answer, setup),
        cmocka_unit_test_setup(name_of_full_length, setup),
        cmocka_unit_test_setup(incomplete_needs_more, setup),
        cmocka_unit_test_setup(insignificant_octets, setup),
        cmocka_unit_test_setup(cve_2014_7202_downgrade, setup),
        cmocka_unit_test_setup(mechanism_must_be_a_name, setup),
        cmocka_unit_test_setup(as_server_is_zero_or_one, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
