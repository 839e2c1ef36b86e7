/* SPDX-License-Identifier: ISC */
/* The conversation on a screen: what was told, with times, cut into rows of any width. Pure: it draws nothing. */
#ifndef IRONCHAT_SCROLL_H
#define IRONCHAT_SCROLL_H

#include "ironchat/note.h"

enum { CHAT_SCROLL_MAX = 2000, CHAT_SCROLL_INDENT = 6 };

/* One thing told. `line` is all of it, `mark` what became of it; `text` is both. */
struct chat_entry {
    int64_t time;
    enum chat_note_kind kind;
    uint64_t id;
    char *line;
    char *text;
};

/* Owned by the screen; one thread. All zero is empty. */
struct chat_scroll {
    struct chat_entry *entries; /* the oldest first */
    size_t count;
};

/* A part of an entry that fits on a row. */
struct chat_row {
    const struct chat_entry *entry;
    size_t start;
    size_t length;
};

/* Adds a note, or changes the entry that it speaks of: delivery marks stand behind what was said, and a progress bar
 * moves where it is. The oldest go when there are too many. */
void chat_scroll_note(struct chat_scroll *scroll, const struct chat_note *note);

/* Adds a line. */
void chat_scroll_add(struct chat_scroll *scroll, enum chat_note_kind kind, int64_t time, uint64_t id, const char *line);

/* The last `room` rows at this width but for the last `skip`, from the top down. Returns how many there are. */
size_t chat_scroll_rows(const struct chat_scroll *scroll, int columns, size_t skip, struct chat_row *rows, size_t room);

void chat_scroll_fini(struct chat_scroll *scroll);

#endif
