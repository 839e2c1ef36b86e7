/* SPDX-License-Identifier: ISC */
/* The table of legal combinations, against the RFC's, row by row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "zmtp/socket_type.h"

enum { TYPES = 11 };

static const char *const types[TYPES] = {"REQ", "REP",  "DEALER", "ROUTER", "PUB", "XPUB",
                                         "SUB", "XSUB", "PUSH",   "PULL",   "PAIR"};

static const char *const legal[TYPES] = {
    " * *       ", "* *        ", " ***       ", "* **       ", "      **   ", "      **   ",
    "    **     ", "    **     ", "         * ", "        *  ", "          *",
};

static void table_is_the_rfcs(void **state)
{
    (void)state;
    for (int own = 0; own < TYPES; own++) {
        for (int peer = 0; peer < TYPES; peer++) {
            bool accepted = ih_socket_type_accepts(types[own], (const uint8_t *)types[peer], strlen(types[peer]));

            assert_int_equal(accepted, legal[own][peer] == '*');
            assert_int_equal(legal[own][peer], legal[peer][own]);
        }
    }
}

static void other_names_are_refused(void **state)
{
    static const char *const names[] = {"", "REPX", "RE", "rep", "ROUTE", "STREAM"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_false(ih_socket_type_accepts("REQ", (const uint8_t *)names[i], strlen(names[i])));
    assert_false(ih_socket_type_accepts("REQ", (const uint8_t *)"REP", 4));
}

static void who_announces_an_identity(void **state)
{
    (void)state;
    for (int i = 0; i < TYPES; i++)
        assert_int_equal(ih_socket_type_announces(types[i]), i == 0 || i == 2 || i == 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_the_rfcs),
        cmocka_unit_test(other_names_are_refused),
        cmocka_unit_test(who_announces_an_identity),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
