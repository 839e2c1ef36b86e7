/* SPDX-License-Identifier: ISC */
#include "ironchat/edit.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static int width_at(const char *text, const char *end)
{
    int width = wcwidth((wchar_t)chat_utf8_next(&text, end));

    return width > 0 ? width : 0;
}

/* Where the character before `at` begins; its combining marks belong to it. */
static size_t before(const struct chat_edit *edit, size_t at)
{
    while (at > 0) {
        at--;
        /* cppcheck-suppress arrayIndexOutOfBoundsCond ; at was at most size, and is less now */
        while (at > 0 && (edit->text[at] & 0xc0) == 0x80)
            at--;
        if (width_at(edit->text + at, edit->text + edit->size) > 0)
            break;
    }
    return at;
}

static size_t behind(const struct chat_edit *edit, size_t at)
{
    const char *end = edit->text + edit->size, *next = edit->text + at;

    if (next < end)
        (void)chat_utf8_next(&next, end);
    while (next < end && width_at(next, end) == 0)
        (void)chat_utf8_next(&next, end);
    return (size_t)(next - edit->text);
}

static void cut(struct chat_edit *edit, size_t from, size_t to)
{
    memmove(edit->text + from, edit->text + to, edit->size - to + 1);
    edit->size -= to - from;
    edit->cursor = from;
}

void chat_edit_insert(struct chat_edit *edit, int32_t character)
{
    wchar_t wide[2] = {(wchar_t)character, 0};
    char octets[16], clean[16];
    size_t size = wcstombs(octets, wide, sizeof octets);

    if (size == (size_t)-1 || wcwidth(wide[0]) < 0 || chat_text_clean(clean, sizeof clean, octets, size) == 0)
        return;
    if (strstr(clean, octets) == NULL)
        return;
    if (size > CHAT_TEXT_MAX - edit->size)
        return;
    memmove(edit->text + edit->cursor + size, edit->text + edit->cursor, edit->size - edit->cursor + 1);
    memcpy(edit->text + edit->cursor, octets, size);
    edit->size += size;
    edit->cursor += size;
}

void chat_edit_left(struct chat_edit *edit)
{
    edit->cursor = before(edit, edit->cursor);
}

void chat_edit_right(struct chat_edit *edit)
{
    edit->cursor = behind(edit, edit->cursor);
}

void chat_edit_home(struct chat_edit *edit)
{
    edit->cursor = 0;
}

void chat_edit_end(struct chat_edit *edit)
{
    edit->cursor = edit->size;
}

void chat_edit_backspace(struct chat_edit *edit)
{
    cut(edit, before(edit, edit->cursor), edit->cursor);
}

void chat_edit_delete(struct chat_edit *edit)
{
    cut(edit, edit->cursor, behind(edit, edit->cursor));
}

void chat_edit_kill_word(struct chat_edit *edit)
{
    size_t from = edit->cursor;

    while (from > 0 && edit->text[from - 1] == ' ')
        from--;
    while (from > 0 && edit->text[from - 1] != ' ')
        from--;
    cut(edit, from, edit->cursor);
}

void chat_edit_kill_line(struct chat_edit *edit)
{
    cut(edit, 0, edit->cursor);
}

void chat_edit_set(struct chat_edit *edit, const char *text)
{
    size_t size = strlen(text);

    size = size > CHAT_TEXT_MAX ? CHAT_TEXT_MAX : size;
    memmove(edit->text, text, size);
    edit->text[size] = '\0';
    edit->size = edit->cursor = size;
}

void chat_edit_older(struct chat_edit *edit)
{
    if (edit->past_at == 0)
        return;
    if (edit->past_at == edit->past_count) {
        free(edit->kept);
        edit->kept = strdup(edit->text);
    }
    chat_edit_set(edit, edit->past[--edit->past_at]);
}

void chat_edit_newer(struct chat_edit *edit)
{
    if (edit->past_at == edit->past_count)
        return;
    if (++edit->past_at < edit->past_count)
        chat_edit_set(edit, edit->past[edit->past_at]);
    else
        chat_edit_set(edit, edit->kept != NULL ? edit->kept : "");
}

void chat_edit_done(struct chat_edit *edit)
{
    char *line = edit->size > 0 ? strdup(edit->text) : NULL;

    if (line != NULL && edit->past_count == CHAT_EDIT_PAST) {
        free(edit->past[0]);
        memmove(edit->past, edit->past + 1, (CHAT_EDIT_PAST - 1) * sizeof edit->past[0]);
        edit->past_count--;
    }
    if (line != NULL)
        edit->past[edit->past_count++] = line;
    edit->past_at = edit->past_count;
    chat_edit_set(edit, "");
}

void chat_edit_view(const struct chat_edit *edit, int columns, size_t *start, int *column)
{
    size_t from = edit->cursor;
    int used = 0;

    while (from > 0) {
        size_t earlier = before(edit, from);
        int width = width_at(edit->text + earlier, edit->text + edit->size);

        if (width >= columns - used)
            break;
        used += width;
        from = earlier;
    }
    *start = from;
    *column = used;
}

void chat_edit_fini(struct chat_edit *edit)
{
    for (size_t i = 0; i < edit->past_count; i++)
        free(edit->past[i]);
    free(edit->kept);
    memset(edit, 0, sizeof *edit);
}
