/* SPDX-License-Identifier: ISC */
/* Mistakes, and what was probably meant. */
#include "auth/mistake.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "auth/text.h"

enum { NAME_MAX_COMPARED = 32 };

int auth_mistake_set(struct auth_mistake *mistake, unsigned line, unsigned column, const char *format, ...)
{
    char text[2 * sizeof mistake->text];
    va_list list;

    va_start(list, format);
    (void)vsnprintf(text, sizeof text, format, list);
    va_end(list);
    mistake->line = line;
    mistake->column = column;
    (void)auth_text_print(mistake->text, sizeof mistake->text, "%s", text);
    return -EINVAL;
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* How many characters must be put in, taken out or changed to make b of a (Levenshtein). b is at most NAME_MAX_COMPARED. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[NAME_MAX_COMPARED + 1];
    size_t size = strlen(b);

    for (unsigned j = 0; j <= size; j++)
        row[j] = j;
    for (unsigned i = 1; a[i - 1] != '\0'; i++) {
        unsigned diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= size; j++) {
            unsigned above = row[j];

            row[j] = least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[size];
}

const char *auth_mistake_nearest(const char *text, const char *const *names)
{
    const char *nearest = NULL;
    unsigned best = 3; /* more changes are another word */

    if (strnlen(text, NAME_MAX_COMPARED + 1) > NAME_MAX_COMPARED)
        return NULL;
    for (; *names; names++) {
        size_t size = strlen(*names);
        unsigned changes = size <= NAME_MAX_COMPARED ? distance(text, *names) : best;

        if (changes < best && changes < size) {
            best = changes;
            nearest = *names;
        }
    }
    return nearest;
}
