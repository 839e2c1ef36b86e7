/* SPDX-License-Identifier: ISC */
/* The conversation in rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "ironchat/scroll.h"

static char shown[8192];

/* All rows with a bar behind each. */
static const char *show(const struct chat_scroll *scroll, int columns, size_t skip, size_t room)
{
    struct chat_row rows[50];
    size_t count = chat_scroll_rows(scroll, columns, skip, rows, room), used = 0;

    shown[0] = '\0';
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(shown + used, sizeof shown - used, "%.*s|", (int)rows[i].length,
                                 rows[i].entry->text + rows[i].start);
    return shown;
}

static void is_cut_into_rows(void **state)
{
    struct chat_scroll scroll = {.count = 0};

    (void)state;
    chat_scroll_note(&scroll, &(struct chat_note){.kind = CHAT_NOTE_MESSAGE, .who = "bob", .text = "one two three"});
    chat_scroll_note(&scroll, &(struct chat_note){.kind = CHAT_NOTE_HERE, .who = "zoe", .verified = true});
    assert_string_equal(show(&scroll, 80, 0, 50), "[?] bob: one two three|-- [v] zoe is here|");
    assert_string_equal(show(&scroll, 22, 0, 50), "[?] bob: one two|three|-- [v] zoe is|here|");
    assert_string_equal(show(&scroll, 22, 0, 2), "-- [v] zoe is|here|");
    assert_string_equal(show(&scroll, 22, 1, 2), "three|-- [v] zoe is|");
    assert_string_equal(show(&scroll, 22, 9, 2), "");
    (void)show(&scroll, 1, 0, 50); /* no width is too small */
    chat_scroll_fini(&scroll);
}

static void marks_stand_behind_what_was_said(void **state)
{
    struct chat_scroll scroll = {.count = 0};

    (void)state;
    chat_scroll_note(&scroll,
                     &(struct chat_note){.kind = CHAT_NOTE_SENT, .id = 3, .where = "#x", .text = "hi", .total = 2});
    assert_string_equal(show(&scroll, 80, 0, 50), "#x you: hi (sent)|");
    chat_scroll_note(&scroll, &(struct chat_note){.kind = CHAT_NOTE_DELIVERED, .id = 3, .done = 1, .total = 2});
    assert_string_equal(show(&scroll, 80, 0, 50), "#x you: hi (delivered 1/2)|");
    chat_scroll_note(&scroll, &(struct chat_note){.kind = CHAT_NOTE_DELIVERED, .id = 3, .done = 2, .total = 2});
    assert_string_equal(show(&scroll, 80, 0, 50), "#x you: hi (delivered)|");
    chat_scroll_note(&scroll, &(struct chat_note){.kind = CHAT_NOTE_UNDELIVERED, .id = 3, .who = "bob"});
    assert_string_equal(show(&scroll, 80, 0, 50), "#x you: hi (may not have reached bob)|");
    chat_scroll_fini(&scroll);
}

static void a_bar_moves_in_place(void **state)
{
    struct chat_scroll scroll = {.count = 0};

    (void)state;
    for (uint64_t done = 0; done <= 100; done += 50) {
        chat_scroll_note(
            &scroll, &(struct chat_note){
                         .kind = CHAT_NOTE_PROGRESS, .id = 1, .who = "bob", .text = "f", .done = done, .total = 100});
    }
    assert_string_equal(show(&scroll, 80, 0, 50), "-- file 1 [####################] 100% f|");
    chat_scroll_fini(&scroll);
}

static void is_bounded(void **state)
{
    struct chat_scroll scroll = {.count = 0};

    (void)state;
    for (int i = 0; i < CHAT_SCROLL_MAX + 10; i++) {
        char line[16];

        (void)snprintf(line, sizeof line, "%d", i);
        chat_scroll_add(&scroll, CHAT_NOTE_INFO, 0, 0, line);
    }
    assert_int_equal(scroll.count, CHAT_SCROLL_MAX);
    assert_string_equal(scroll.entries[0].text, "10");
    chat_scroll_fini(&scroll);
}

static int utf8(void **state)
{
    (void)state;
    return chat_text_locale() ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_cut_into_rows),
        cmocka_unit_test(marks_stand_behind_what_was_said),
        cmocka_unit_test(a_bar_moves_in_place),
        cmocka_unit_test(is_bounded),
    };

    return cmocka_run_group_tests(tests, utf8, NULL);
}
