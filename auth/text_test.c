/* SPDX-License-Identifier: ISC */
#include "auth/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_characters(void **state)
{
    static const struct {
        const char *text;
        size_t length;
    } cases[] = {
        {"a", 1},
        {"\x7f", 1},
        {"\xc2\x80", 2},
        {"\xdf\xbf", 2},
        {"\xe0\xa0\x80", 3},
        {"\xed\x9f\xbf", 3},
        {"\xef\xbf\xbf", 3},
        {"\xf0\x90\x80\x80", 4},
        {"\xf4\x8f\xbf\xbf", 4},
        /* no first octet; overlong; surrogates; too large; cut off; followed by something else */
        {"\x80", 0},
        {"\xbf", 0},
        {"\xfe", 0},
        {"\xff", 0},
        {"\xc0\xaf", 0},
        {"\xc1\xbf", 0},
        {"\xe0\x9f\xbf", 0},
        {"\xf0\x8f\xbf\xbf", 0},
        {"\xed\xa0\x80", 0},
        {"\xed\xbf\xbf", 0},
        {"\xf4\x90\x80\x80", 0},
        {"\xf5\x80\x80\x80", 0},
        {"\xc3", 0},
        {"\xe2\x82", 0},
        {"\xf0\x9f\x98", 0},
        {"\xc3(", 0},
        {"\xe2\x82(", 0},
        {"\xf0\x9f\x98(", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(auth_text_character(cases[i].text, strlen(cases[i].text)), cases[i].length);
    assert_int_equal(auth_text_character("a", 0), 0);
    /* What stands behind the end is not looked at. */
    assert_int_equal(auth_text_character("\xc3\xa9", 1), 0);
}

static void test_clean(void **state)
{
    (void)state;
    assert_true(auth_text_clean("", 0));
    assert_true(auth_text_clean("Zo\xc3\xab \xe2\x82\xac \xf0\x9f\x98\x80", 13));
    assert_false(auth_text_clean("a\0b", 3));
    assert_false(auth_text_clean("a\nb", 3));
    assert_false(auth_text_clean("a\x7f", 2));
    assert_false(auth_text_clean("a\xc2\x85", 3));
    assert_true(auth_text_clean("a\xc2\xa0", 3));
    assert_false(auth_text_clean("a\xff", 2));
    assert_false(auth_text_clean("a\xe2\x80\xa8", 4));
    assert_false(auth_text_clean("a\xe2\x80\xa9", 4));
    assert_true(auth_text_clean("a\xe2\x80\xaa", 4));
}

static void test_print_cuts_between_characters(void **state)
{
    char text[8];

    (void)state;
    assert_int_equal(auth_text_print(text, sizeof text, "%s", "1234567"), 7);
    assert_int_equal(auth_text_print(text, sizeof text, "%s", "12345678"), 7);
    assert_string_equal(text, "1234567");
    assert_int_equal(auth_text_print(text, sizeof text, "%s", "123456\xc3\xa9"), 6);
    assert_string_equal(text, "123456");
    assert_int_equal(auth_text_print(text, sizeof text, "%s", "12345\xc3\xa9z"), 7);
    assert_string_equal(text, "12345\xc3\xa9");
    assert_int_equal(auth_text_print(text, sizeof text, "%s", "1234\xf0\x9f\x98\x80"), 4);
    assert_string_equal(text, "1234");
    assert_int_equal(auth_text_print(text, sizeof text, "%s", "123\xf0\x9f\x98\x80z"), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_characters),
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_print_cuts_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
