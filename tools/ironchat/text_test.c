/* SPDX-License-Identifier: ISC */
/* Text from others, made harmless; names; widths and lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "ironchat/text.h"

static void expect_clean(const char *text, const char *clean)
{
    char out[CHAT_TEXT_CLEAN];

    assert_int_equal(chat_text_clean(out, sizeof out, text, strlen(text)), strlen(clean));
    assert_string_equal(out, clean);
}

static void leaves_ordinary_text(void **state)
{
    (void)state;
    expect_clean("", "");
    expect_clean("Grüße, 世界! 😀 naïve", "Grüße, 世界! 😀 naïve");
    expect_clean("e\xcc\x81", "e\xcc\x81");
}

static void takes_control_characters_out(void **state)
{
    (void)state;
    expect_clean("a\x1b[2Jb", "a\xef\xbf\xbd[2Jb");
    expect_clean("a\tb\r\nc", "a b c");
    expect_clean("\x07\x08\x7f", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    expect_clean("\xc2\x9b"
                 "31m",
                 "\xef\xbf\xbd"
                 "31m");                              /* CSI of the C1 set */
    expect_clean("x\xe2\x80\xa8y", "x\xef\xbf\xbdy"); /* line separator */
    expect_clean("a\xe2\x80\xae"
                 "cod.exe",
                 "a\xef\xbf\xbd"
                 "cod.exe");                          /* right-to-left override */
    expect_clean("a\xe2\x81\xa6z", "a\xef\xbf\xbdz"); /* left-to-right isolate */
}

static void drops_what_nobody_sees(void **state)
{
    (void)state;
    expect_clean("bo\xe2\x80\x8b"
                 "b\xef\xbb\xbf",
                 "bob");
    expect_clean("a\xf3\xa0\x81\x81"
                 "b",
                 "ab"); /* a tag character */
}

static void replaces_what_is_not_utf8(void **state)
{
    (void)state;
    expect_clean("\xff", "\xef\xbf\xbd");
    expect_clean("\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd");                 /* a slash, too long */
    expect_clean("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); /* a surrogate */
    expect_clean("\xe4\xb8", "\xef\xbf\xbd\xef\xbf\xbd");                 /* cut off */
    expect_clean("\xf5\x80\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

static void bounds_combining_marks(void **state)
{
    char flood[2 * 100 + 2] = "a", out[CHAT_TEXT_CLEAN];

    (void)state;
    for (size_t i = 1; i < 200; i += 2) {
        flood[i] = '\xcc';
        flood[i + 1] = '\x81';
    }
    assert_int_equal(chat_text_clean(out, sizeof out, flood, 201), 1 + 4 * 2);
    expect_clean("\xcc\x81x", "\xe2\x97\x8c\xcc\x81x"); /* not onto what stands in front */
}

static void cuts_at_a_character(void **state)
{
    char out[4];

    (void)state;
    assert_int_equal(chat_text_clean(out, sizeof out, "a\xe4\xb8\x96", 4), 1);
    assert_string_equal(out, "a");
    assert_int_equal(chat_text_clean(out, sizeof out, "\xe4\xb8\x96z", 4), 3);
}

static void knows_names(void **state)
{
    static const char *const good[] = {"bob", "J\xc3\xbcrgen", "\xe4\xb8\x96\xe7\x95\x8c", "a-b.c_1"};
    static const char *const bad[] = {"",
                                      "a b",
                                      "#room",
                                      "/quit",
                                      "x/y",
                                      "a,b",
                                      "a:b",
                                      "-v",
                                      "a\x1b[",
                                      "a\tb",
                                      "\342\200\256a",
                                      "b\342\200\213b",
                                      "\xff",
                                      "a\302\240b",
                                      "abcdefghijklmnopqrstuvwxyz",
                                      "\xef\xbf\xbd",
                                      "a\"b",
                                      "\xe3\x80\x80",
                                      "a\xe2\x80\x87[v]",
                                      "a\xe2\x80\xaf[v]",
                                      "\xe2\xa0\x80"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(chat_name_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(chat_name_valid(bad[i]));
}

static void measures(void **state)
{
    int width;

    (void)state;
    assert_int_equal(chat_text_width("abc"), 3);
    assert_int_equal(chat_text_width("世界"), 4);
    assert_int_equal(chat_text_width("e\xcc\x81"), 1);
    assert_int_equal(chat_text_fit("世界x", 3, &width), 3);
    assert_int_equal(width, 2);
    assert_int_equal(chat_text_fit("世", 1, &width), 3); /* something must go, or a line would never end */
}

static void wraps(void **state)
{
    size_t next;

    (void)state;
    assert_int_equal(chat_text_wrap("one two three", 8, &next), 7);
    assert_int_equal(next, 8);
    assert_int_equal(chat_text_wrap("one two", 3, &next), 3);
    assert_int_equal(next, 4);
    assert_int_equal(chat_text_wrap("abcdefgh", 5, &next), 5);
    assert_int_equal(next, 5);
    assert_int_equal(chat_text_wrap("ab 世界", 6, &next), 2);
    assert_int_equal(next, 3);
    assert_int_equal(chat_text_wrap("ab", 6, &next), 2);
    assert_int_equal(next, 2);
}

static int utf8(void **state)
{
    (void)state;
    return chat_text_locale() ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_ordinary_text),
        cmocka_unit_test(takes_control_characters_out),
        cmocka_unit_test(drops_what_nobody_sees),
        cmocka_unit_test(replaces_what_is_not_utf8),
        cmocka_unit_test(bounds_combining_marks),
        cmocka_unit_test(cuts_at_a_character),
        cmocka_unit_test(knows_names),
        cmocka_unit_test(measures),
        cmocka_unit_test(wraps),
    };

    return cmocka_run_group_tests(tests, utf8, NULL);
}
