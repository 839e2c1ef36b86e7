/* SPDX-License-Identifier: ISC */
/* The line that the user writes: a text with a cursor, and the lines written before. */
#ifndef IRONCHAT_EDIT_H
#define IRONCHAT_EDIT_H

#include <stddef.h>
#include <stdint.h>

#include "ironchat/text.h"

enum { CHAT_EDIT_PAST = 50 };

/* Owned by one thread. All zero is an empty line. */
struct chat_edit {
    char text[CHAT_TEXT_MAX + 1];
    size_t size;
    size_t cursor; /* octets before it */
    char *past[CHAT_EDIT_PAST];
    size_t past_count;
    size_t past_at; /* the one that is shown; past_count: what is being written */
    char *kept;     /* what was being written when the past was looked at, or NULL */
};

/* Puts a character at the cursor; what cannot be shown is left out, and so is what has no room. */
void chat_edit_insert(struct chat_edit *edit, int32_t character);

/* Movement and deletion, by whole characters with their marks. */
void chat_edit_left(struct chat_edit *edit);
void chat_edit_right(struct chat_edit *edit);
void chat_edit_home(struct chat_edit *edit);
void chat_edit_end(struct chat_edit *edit);
void chat_edit_backspace(struct chat_edit *edit);
void chat_edit_delete(struct chat_edit *edit);
void chat_edit_kill_word(struct chat_edit *edit);
void chat_edit_kill_line(struct chat_edit *edit);

/* An earlier line, or a later one. */
void chat_edit_older(struct chat_edit *edit);
void chat_edit_newer(struct chat_edit *edit);

/* Replaces the whole line, cursor at the end. */
void chat_edit_set(struct chat_edit *edit, const char *text);

/* Ends the line: it becomes the newest of the past, and the line is empty. */
void chat_edit_done(struct chat_edit *edit);

/* The part of the line to show in so many columns so that the cursor is in it: from *start, the cursor in *column. */
void chat_edit_view(const struct chat_edit *edit, int columns, size_t *start, int *column);

void chat_edit_fini(struct chat_edit *edit);

#endif
