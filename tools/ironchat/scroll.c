/* SPDX-License-Identifier: ISC */
#include "ironchat/scroll.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_OF_ONE = 1024 };

static void drop_oldest(struct chat_scroll *scroll)
{
    free(scroll->entries[0].line);
    free(scroll->entries[0].text);
    scroll->count--;
    memmove(scroll->entries, scroll->entries + 1, scroll->count * sizeof scroll->entries[0]);
}

void chat_scroll_add(struct chat_scroll *scroll, enum chat_note_kind kind, int64_t time, uint64_t id, const char *line)
{
    struct chat_entry entry = {.time = time, .kind = kind, .id = id, .line = strdup(line), .text = strdup(line)};

    if (scroll->entries == NULL)
        scroll->entries = calloc(CHAT_SCROLL_MAX, sizeof entry);
    if (scroll->entries == NULL || entry.line == NULL || entry.text == NULL) {
        free(entry.line);
        free(entry.text);
        return;
    }
    if (scroll->count == CHAT_SCROLL_MAX)
        drop_oldest(scroll);
    scroll->entries[scroll->count++] = entry;
}

static struct chat_entry *find(const struct chat_scroll *scroll, enum chat_note_kind kind, uint64_t id)
{
    for (size_t i = scroll->count; i > 0; i--) {
        if (scroll->entries[i - 1].kind == kind && scroll->entries[i - 1].id == id)
            return &scroll->entries[i - 1];
    }
    return NULL;
}

/* What stands behind an own message. */
static void mark(struct chat_entry *entry, const struct chat_note *note)
{
    char text[CHAT_NOTE_SIZE + 64], *copy;

    if (note->kind == CHAT_NOTE_SENT)
        (void)snprintf(text, sizeof text, "%s (sent)", entry->line);
    else if (note->kind == CHAT_NOTE_UNDELIVERED)
        (void)snprintf(text, sizeof text, "%s (may not have reached %s)", entry->line, note->who);
    else if (note->done == note->total)
        (void)snprintf(text, sizeof text, "%s (delivered)", entry->line);
    else
        (void)snprintf(text, sizeof text, "%s (delivered %" PRIu64 "/%" PRIu64 ")", entry->line, note->done,
                       note->total);
    copy = strdup(text);
    if (copy == NULL)
        return;
    free(entry->text);
    entry->text = copy;
}

static void replace(struct chat_entry *entry, const char *line)
{
    char *copy = strdup(line);

    if (copy == NULL)
        return;
    free(entry->text);
    entry->text = copy;
}

void chat_scroll_note(struct chat_scroll *scroll, const struct chat_note *note)
{
    char line[CHAT_NOTE_SIZE];
    struct chat_entry *entry = NULL;

    if (note->kind == CHAT_NOTE_DELIVERED || note->kind == CHAT_NOTE_UNDELIVERED) {
        entry = find(scroll, CHAT_NOTE_SENT, note->id);
        if (entry != NULL)
            mark(entry, note);
        return;
    }
    chat_note_line(line, note);
    if (note->kind == CHAT_NOTE_PROGRESS)
        entry = find(scroll, CHAT_NOTE_PROGRESS, note->id);
    if (entry != NULL) {
        replace(entry, line);
        return;
    }
    chat_scroll_add(scroll, note->kind, note->time, note->id, line);
    if (note->kind == CHAT_NOTE_SENT && (entry = find(scroll, CHAT_NOTE_SENT, note->id)) != NULL)
        mark(entry, note);
}

/* All rows of one entry, from the top down. */
static size_t rows_of(const struct chat_entry *entry, int columns, struct chat_row rows[ROWS_OF_ONE])
{
    size_t at = 0, count = 0;

    do {
        size_t next;

        rows[count].entry = entry;
        rows[count].start = at;
        rows[count].length = chat_text_wrap(entry->text + at, columns, &next);
        at += next;
        count++;
    } while (entry->text[at] != '\0' && count < ROWS_OF_ONE);
    return count;
}

size_t chat_scroll_rows(const struct chat_scroll *scroll, int columns, size_t skip, struct chat_row *rows, size_t room)
{
    struct chat_row one[ROWS_OF_ONE];
    size_t got = 0;

    columns = columns > CHAT_SCROLL_INDENT + 1 ? columns - CHAT_SCROLL_INDENT : 1;
    for (size_t i = scroll->count; i > 0 && got < room; i--) {
        for (size_t n = rows_of(&scroll->entries[i - 1], columns, one); n > 0 && got < room; n--) {
            if (skip > 0)
                skip--;
            else
                rows[got++] = one[n - 1];
        }
    }
    for (size_t i = 0; i < got / 2; i++) {
        struct chat_row kept = rows[i];

        rows[i] = rows[got - 1 - i];
        rows[got - 1 - i] = kept;
    }
    return got;
}

void chat_scroll_fini(struct chat_scroll *scroll)
{
    while (scroll->count > 0)
        drop_oldest(scroll);
    free(scroll->entries);
    scroll->entries = NULL;
}
