/* SPDX-License-Identifier: ISC */
/*
 * Text that others wrote, made harmless for a terminal; and how wide text is there. Widths are the locale's, which must
 * be a UTF-8 one (chat_text_locale).
 */
#ifndef IRONCHAT_TEXT_H
#define IRONCHAT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest message, in octets; three times that holds whatever cleaning makes of it. */
enum { CHAT_TEXT_MAX = 4096, CHAT_TEXT_CLEAN = 3 * CHAT_TEXT_MAX + 4 };

/* A name has at most so many characters, and the array of a name so many octets. */
enum { CHAT_NAME_CHARS = 24, CHAT_NAME_SIZE = 65 };

/* Makes the program's character type UTF-8, whatever the environment says. False: the system has no such locale. */
bool chat_text_locale(void);

/* The character at *at, which moves behind it; -1: not UTF-8, and *at moves one octet. *at must be below end. */
int32_t chat_utf8_next(const char **at, const char *end);

/*
 * Copies text so that it shows as what it is, on one line: UTF-8 alone; no control character, no change of direction,
 * nothing that cannot be seen; a few combining marks on each character, and none at the front. What is dangerous becomes
 * U+FFFD, what is invisible goes, line ends and tabs become spaces. Cuts at a character if there is no room. out ends in NUL;
 * returns its length.
 */
size_t chat_text_clean(char *out, size_t room, const char *text, size_t size);

/* May somebody, or a room, be called so? Clean text without blanks or any of # / @ , : " that commands give a meaning. */
bool chat_name_valid(const char *name);

/* Columns on the terminal of clean text. */
int chat_text_width(const char *text);

/* Octets of the longest front of clean text that is no wider than columns; *width is how wide it is. At least one
 * character, if there is one. */
size_t chat_text_fit(const char *text, int columns, int *width);

/* The same for the first line of a paragraph: it ends at a blank if it can. *next is where the following line begins. */
size_t chat_text_wrap(const char *text, int columns, size_t *next);

#endif
