/* SPDX-License-Identifier: ISC */
/* The input line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "ironchat/edit.h"

static void type(struct chat_edit *edit, const char *text)
{
    const char *end = text + strlen(text);

    while (text < end)
        chat_edit_insert(edit, chat_utf8_next(&text, end));
}

static void moves_by_characters(void **state)
{
    struct chat_edit edit = {.size = 0};

    (void)state;
    type(&edit, "a世e\xcc\x81z");
    chat_edit_left(&edit);
    chat_edit_left(&edit);
    assert_int_equal(edit.cursor, 4);
    chat_edit_backspace(&edit);
    assert_string_equal(edit.text, "ae\xcc\x81z");
    chat_edit_delete(&edit);
    assert_string_equal(edit.text, "az");
    chat_edit_right(&edit);
    chat_edit_right(&edit);
    assert_int_equal(edit.cursor, 2);
    chat_edit_home(&edit);
    chat_edit_left(&edit);
    chat_edit_backspace(&edit);
    type(&edit, "x");
    assert_string_equal(edit.text, "xaz");
    chat_edit_end(&edit);
    chat_edit_delete(&edit);
    assert_string_equal(edit.text, "xaz");
    chat_edit_fini(&edit);
}

static void kills(void **state)
{
    struct chat_edit edit = {.size = 0};

    (void)state;
    type(&edit, "one two  ");
    chat_edit_kill_word(&edit);
    assert_string_equal(edit.text, "one ");
    type(&edit, "x");
    chat_edit_left(&edit);
    chat_edit_kill_line(&edit);
    assert_string_equal(edit.text, "x");
    chat_edit_fini(&edit);
}

static void takes_no_control_character(void **state)
{
    struct chat_edit edit = {.size = 0};

    (void)state;
    chat_edit_insert(&edit, 0x1b);
    chat_edit_insert(&edit, 0x202e);
    chat_edit_insert(&edit, 0x9b);
    chat_edit_insert(&edit, -1);
    assert_int_equal(edit.size, 0);
    chat_edit_fini(&edit);
}

static void is_bounded(void **state)
{
    struct chat_edit edit = {.size = 0};

    (void)state;
    for (int i = 0; i < 2 * CHAT_TEXT_MAX; i++)
        chat_edit_insert(&edit, 'x');
    assert_int_equal(edit.size, CHAT_TEXT_MAX);
    for (int i = 0; i < 2 * CHAT_EDIT_PAST; i++) {
        chat_edit_insert(&edit, 'y');
        chat_edit_done(&edit);
    }
    assert_int_equal(edit.past_count, CHAT_EDIT_PAST);
    chat_edit_fini(&edit);
}

static void remembers(void **state)
{
    struct chat_edit edit = {.size = 0};

    (void)state;
    chat_edit_older(&edit);
    type(&edit, "one");
    chat_edit_done(&edit);
    type(&edit, "two");
    chat_edit_done(&edit);
    chat_edit_done(&edit);
    type(&edit, "thr");
    chat_edit_older(&edit);
    assert_string_equal(edit.text, "two");
    chat_edit_older(&edit);
    chat_edit_older(&edit);
    assert_string_equal(edit.text, "one");
    chat_edit_newer(&edit);
    chat_edit_newer(&edit);
    chat_edit_newer(&edit);
    assert_string_equal(edit.text, "thr");
    chat_edit_fini(&edit);
}

static void shows_the_cursor(void **state)
{
    struct chat_edit edit = {.size = 0};
    size_t start;
    int column;

    (void)state;
    type(&edit, "abc世界");
    chat_edit_view(&edit, 10, &start, &column);
    assert_int_equal(start, 0);
    assert_int_equal(column, 7);
    chat_edit_view(&edit, 5, &start, &column);
    assert_int_equal(start, 3);
    assert_int_equal(column, 4);
    chat_edit_view(&edit, 1, &start, &column);
    assert_int_equal(start, 9);
    assert_int_equal(column, 0);
    chat_edit_fini(&edit);
}

static int utf8(void **state)
{
    (void)state;
    return chat_text_locale() ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves_by_characters),
        cmocka_unit_test(kills),
        cmocka_unit_test(takes_no_control_character),
        cmocka_unit_test(is_bounded),
        cmocka_unit_test(remembers),
        cmocka_unit_test(shows_the_cursor),
    };

    return cmocka_run_group_tests(tests, utf8, NULL);
}
