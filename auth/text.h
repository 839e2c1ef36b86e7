/* SPDX-License-Identifier: ISC */
/* Text that strangers or files give: UTF-8 (RFC 3629), and what of it may be shown. */
#ifndef IH_AUTH_TEXT_H
#define IH_AUTH_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* The octets of the character that text begins with, of size octets; 0: it is none (overlong, a surrogate, beyond U+10FFFF,
 * cut off, or size is 0). */
size_t auth_text_character(const char *text, size_t size);

/* Valid UTF-8 without control characters (C0, DEL, C1) and without the separators of lines and paragraphs (U+2028, U+2029): it
 * stays on its line. Empty text is clean. */
bool auth_text_clean(const char *text, size_t size);

/* As snprintf, but what does not fit is cut between characters, and the length of what stands there is returned. */
__attribute__((format(printf, 3, 4))) size_t auth_text_print(char *text, size_t room, const char *format, ...);

#endif
