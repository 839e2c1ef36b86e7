/* SPDX-License-Identifier: ISC */
/* Files that appear whole or not at all: written under another name, then named. libcurve and curve_keygen use it. */
#ifndef IH_LIBCURVE_DRAFT_H
#define IH_LIBCURVE_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* All of the data, or the system's error. */
int ih_write_all(int fd, const char *data, size_t size);

enum { IH_DRAFT_NAME_MAX = 255 };

/* A file on its way into a folder. Owner: the caller's stack; one thread. All zero is an empty one. */
struct ih_draft {
    char name[IH_DRAFT_NAME_MAX + 1];
    char draft[IH_DRAFT_NAME_MAX + 1];
    bool has_draft;
    bool has_name;
};

/* Writes the text under a name of its own into the folder dir, and on to the disk. name: of a file in dir. -EINVAL,
 * -ENAMETOOLONG, the system's errors; then ih_draft_undo. */
int ih_draft_write(struct ih_draft *draft, int dir, const char *name, mode_t mode, const char *text, size_t size);

/* Gives it its name, which nothing has yet: -EEXIST. link(2) replaces nothing and follows no link. */
int ih_draft_link(struct ih_draft *draft, int dir);

/* Takes the draft's name away after ih_draft_link. */
int ih_draft_drop(struct ih_draft *draft, int dir);

/* Gives it its name, whatever had it. */
int ih_draft_replace(struct ih_draft *draft, int dir);

/* The folder's entries on to the disk. */
int ih_draft_sync(int dir);

/* Takes away what ih_draft_write and ih_draft_link made. */
void ih_draft_undo(struct ih_draft *draft, int dir);

#endif
