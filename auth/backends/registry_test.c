/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "auth/backend.h"

#include <cmocka.h>

static void test_a_scheme_is_found_by_its_url(void **state)
{
    (void)state;
    for (const char *const *scheme = auth_backend_schemes(); *scheme; scheme++) {
        char url[64];

        (void)snprintf(url, sizeof url, "%s:x", *scheme);
        assert_non_null(auth_backend_find(url));
        assert_null(auth_backend_find(*scheme));
        (void)snprintf(url, sizeof url, "%sx:y", *scheme);
        assert_null(auth_backend_find(url));
        (void)snprintf(url, sizeof url, "%.3s:y", *scheme);
        assert_null(auth_backend_find(url));
    }
    assert_null(auth_backend_find(""));
    assert_null(auth_backend_find(":"));
    assert_null(auth_backend_find("unknown:x"));
}

static const char *get(const void *arg, const char *name)
{
    return strcmp(name, "there") == 0 ? arg : NULL;
}

static void test_settings(void **state)
{
    struct auth_settings settings = {.url = "x:", .get = get, .arg = "value"};

    (void)state;
    assert_string_equal(auth_setting(&settings, "there"), "value");
    assert_null(auth_setting(&settings, "absent"));
    settings.get = NULL;
    assert_null(auth_setting(&settings, "there"));
}

static void test_user_names(void **state)
{
    static const char *const good[] = {"a",        "alice", "o'brien", "a b",  "x;--",
                                       "*)(uid=*", "50%",   "..",      "日本", "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"",
                                      "a:b",
                                      "a/b",
                                      "a\nb",
                                      "a\x7f",
                                      "\xc2\x85",
                                      "\xff",
                                      "\xc0\xaf",
                                      "\xe2\x82",
                                      "\xed\xa0\x80",
                                      "\xc3",
                                      "a\xc3",
                                      "\xe2\x80\xa8",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\x01",
                                      "\xe0\x80\xaf"};
    char text[AUTH_TEXT_MAX + 2];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(auth_user_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(auth_user_valid(bad[i]));
    memset(text, 'x', sizeof text);
    text[AUTH_TEXT_MAX + 1] = '\0';
    assert_false(auth_user_valid(text));
    text[AUTH_TEXT_MAX] = '\0';
    assert_true(auth_user_valid(text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_scheme_is_found_by_its_url),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_user_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
