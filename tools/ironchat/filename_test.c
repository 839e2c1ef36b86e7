/* SPDX-License-Identifier: ISC */
/* Names of files that others send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "ironchat/filename.h"
#include "ironchat/text.h"

static void expect(const char *name, const char *clean)
{
    char out[CHAT_FILENAME_SIZE];

    chat_filename_clean(out, name, strlen(name));
    assert_string_equal(out, clean);
}

static void leaves_ordinary_names(void **state)
{
    (void)state;
    expect("photo.jpg", "photo.jpg");
    expect("Größe 世界.tar.gz", "Größe 世界.tar.gz");
    expect("command.com", "command.com");
}

static void stays_in_the_folder(void **state)
{
    (void)state;
    expect("../../x", "x");
    expect("/etc/passwd", "passwd");
    expect("..\\..\\x", "x");
    expect("C:\\evil.exe", "evil.exe");
    expect("..", "file");
    expect(".", "file");
    expect("", "file");
    expect("/", "file");
    expect("a/", "file");
    expect("...", "file");
}

static void hides_nothing(void **state)
{
    (void)state;
    expect(".bashrc", "bashrc");
    expect("-rf", "rf");
    expect("  x. ", "x");
    expect("a\x1b[2J\nb", "a\xef\xbf\xbd[2J b");
    expect("txt\xe2\x80\xae"
           "exe.",
           "txt\xef\xbf\xbd"
           "exe");
    expect("a*?|<>\"b", "a______b");
}

static void names_no_device(void **state)
{
    (void)state;
    expect("CON", "_CON");
    expect("nul.txt", "_nul.txt");
    expect("com1", "_com1");
    expect("console", "console");
}

static void cuts_long_names(void **state)
{
    char name[1000], out[CHAT_FILENAME_SIZE];

    (void)state;
    memset(name, 'x', sizeof name);
    chat_filename_clean(out, name, sizeof name);
    assert_true(strlen(out) > 150);
    chat_filename_clean(out, "a\0b/../c", 8);
    assert_string_equal(out, "c");
}

static void counts_on(void **state)
{
    char out[300];

    (void)state;
    chat_filename_number(out, sizeof out, "a.txt", 1);
    assert_string_equal(out, "a.txt");
    chat_filename_number(out, sizeof out, "a.txt", 2);
    assert_string_equal(out, "a (2).txt");
    chat_filename_number(out, sizeof out, "README", 12);
    assert_string_equal(out, "README (12)");
}

static int utf8(void **state)
{
    (void)state;
    return chat_text_locale() ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_ordinary_names), cmocka_unit_test(stays_in_the_folder), cmocka_unit_test(hides_nothing),
        cmocka_unit_test(names_no_device),       cmocka_unit_test(cuts_long_names),     cmocka_unit_test(counts_on),
    };

    return cmocka_run_group_tests(tests, utf8, NULL);
}
