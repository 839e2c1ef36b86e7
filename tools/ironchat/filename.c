/* SPDX-License-Identifier: ISC */
#include "ironchat/filename.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ironchat/text.h"

/* Octets of a name, so that a number, a suffix and a NUL fit into the 255 of a file system. */
enum { LENGTH_MAX = CHAT_FILENAME_SIZE - 8 };

/* Names that mean a device on some system, with any suffix. */
static bool is_device(const char *name)
{
    static const char *const devices[] = {"con", "prn", "aux", "nul"};
    size_t stem = strcspn(name, ".");

    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        if (stem == 3 && strncasecmp(name, devices[i], 3) == 0)
            return true;
    }
    return stem == 4 && (strncasecmp(name, "com", 3) == 0 || strncasecmp(name, "lpt", 3) == 0) && name[3] >= '0' &&
           name[3] <= '9';
}

void chat_filename_clean(char out[CHAT_FILENAME_SIZE], const char *name, size_t size)
{
    char clean[LENGTH_MAX];
    char *start = clean;
    size_t from = size, length;

    while (from > 0 && name[from - 1] != '/' && name[from - 1] != '\\')
        from--;
    length = chat_text_clean(clean, sizeof clean, name + from, size - from);
    while (length > 0 && strchr(" .", clean[length - 1]) != NULL)
        clean[--length] = '\0';
    start += strspn(start, " .-~");
    for (char *at = start; *at != '\0'; at++) {
        if (strchr("<>:\"|?*$`!&;'", *at) != NULL)
            *at = '_';
    }
    (void)snprintf(out, CHAT_FILENAME_SIZE, "%s%s", is_device(start) ? "_" : "", *start == '\0' ? "file" : start);
}

void chat_filename_number(char *out, size_t room, const char *name, unsigned n)
{
    const char *dot = strrchr(name, '.');
    size_t stem = dot == NULL || dot == name ? strlen(name) : (size_t)(dot - name);

    if (n <= 1)
        (void)snprintf(out, room, "%s", name);
    else
        (void)snprintf(out, room, "%.*s (%u)%s", (int)stem, name, n, name + stem);
}
