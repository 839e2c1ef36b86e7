/* SPDX-License-Identifier: ISC */
/* The name under which a file from somebody else is stored. */
#ifndef IRONCHAT_FILENAME_H
#define IRONCHAT_FILENAME_H

#include <stddef.h>

enum { CHAT_FILENAME_SIZE = 208 };

/*
 * Makes of any name one that stays in its folder, is no hidden file, can be typed, and is no device on any system: the
 * part behind the last slash or backslash, cleaned, without dots and blanks at the ends. What leaves nothing is "file".
 */
void chat_filename_clean(char out[CHAT_FILENAME_SIZE], const char *name, size_t size);

/* The n-th name to try, if the ones before are taken: "a.txt", "a (2).txt", "a (3).txt". */
void chat_filename_number(char *out, size_t room, const char *name, unsigned n);

#endif
