/* SPDX-License-Identifier: ISC */
#include "ironchat/text.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

enum { REPLACEMENT = 0xfffd, DOTTED_CIRCLE = 0x25cc, MARKS_MAX = 4 };

/* A range of characters. Constant. */
struct range {
    int32_t first;
    int32_t last;
};

/* They change the direction of what stands around them, so that a line reads as something else. */
static const struct range directions[] = {
    {0x061c, 0x061c}, {0x200e, 0x200f}, {0x202a, 0x202e}, {0x2066, 0x2069}, {0x206a, 0x206f},
};

/* Nobody sees them: they would tell two names apart that look the same, or hide text. */
static const struct range invisibles[] = {
    {0x00ad, 0x00ad}, {0x034f, 0x034f}, {0x115f, 0x1160},   {0x17b4, 0x17b5},   {0x180b, 0x180f},
    {0x200b, 0x200d}, {0x2060, 0x2065}, {0x3164, 0x3164},   {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},
    {0xffa0, 0xffa0}, {0xfff9, 0xfffb}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

static bool within(const struct range *ranges, size_t count, int32_t character)
{
    for (size_t i = 0; i < count; i++) {
        if (character >= ranges[i].first && character <= ranges[i].last)
            return true;
    }
    return false;
}

bool chat_text_locale(void)
{
    static const char *const names[] = {"", "C.UTF-8", "en_US.UTF-8"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (setlocale(LC_CTYPE, names[i]) != NULL && strcmp(nl_langinfo(CODESET), "UTF-8") == 0)
            return true;
    }
    return false;
}

/* How many octets the sequence has that begins so, and the bits of its first; 0: none begins so. */
static int sequence_length(unsigned char first, int32_t *bits)
{
    if (first < 0x80) {
        *bits = first;
        return 1;
    }
    if (first >= 0xc2 && first <= 0xdf) {
        *bits = first & 0x1f;
        return 2;
    }
    if (first >= 0xe0 && first <= 0xef) {
        *bits = first & 0x0f;
        return 3;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        *bits = first & 0x07;
        return 4;
    }
    return 0;
}

int32_t chat_utf8_next(const char **at, const char *end)
{
    static const int32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *text = (const unsigned char *)*at;
    int32_t character = 0;
    int length = sequence_length(text[0], &character);

    (*at)++;
    if (length == 0 || length > end - (const char *)text)
        return -1;
    for (int i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return -1;
        character = character << 6 | (text[i] & 0x3f);
    }
    if (character < smallest[length] || character > 0x10ffff || (character >= 0xd800 && character <= 0xdfff))
        return -1;
    *at = (const char *)text + length;
    return character;
}

static size_t utf8_write(char out[4], int32_t character)
{
    if (character < 0x80) {
        out[0] = (char)character;
        return 1;
    }
    if (character < 0x800) {
        out[0] = (char)(0xc0 | character >> 6);
        out[1] = (char)(0x80 | (character & 0x3f));
        return 2;
    }
    if (character < 0x10000) {
        out[0] = (char)(0xe0 | character >> 12);
        out[1] = (char)(0x80 | (character >> 6 & 0x3f));
        out[2] = (char)(0x80 | (character & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | character >> 18);
    out[1] = (char)(0x80 | (character >> 12 & 0x3f));
    out[2] = (char)(0x80 | (character >> 6 & 0x3f));
    out[3] = (char)(0x80 | (character & 0x3f));
    return 4;
}

/* What stands for a character in clean text; 0: nothing does. */
static int32_t harmless(int32_t character)
{
    if (character == '\t' || character == '\n')
        return ' ';
    if (character == '\r' || within(invisibles, sizeof invisibles / sizeof invisibles[0], character))
        return 0;
    if (character < 0x20 || (character >= 0x7f && character < 0xa0) || character == 0x2028 || character == 0x2029)
        return REPLACEMENT;
    if (within(directions, sizeof directions / sizeof directions[0], character) || wcwidth((wchar_t)character) < 0)
        return REPLACEMENT;
    return character;
}

size_t chat_text_clean(char *out, size_t room, const char *text, size_t size)
{
    const char *at = text, *end = text + size;
    size_t length = 0;
    int marks = MARKS_MAX; /* none may come first */

    while (at < end) {
        int32_t character = harmless(chat_utf8_next(&at, end));
        char octets[8];
        size_t count = 0;

        if (character == 0)
            continue;
        if (wcwidth((wchar_t)character) > 0) {
            marks = 0;
        } else if (length == 0) {
            count = utf8_write(octets, DOTTED_CIRCLE);
            marks = 1;
        } else if (++marks > MARKS_MAX) {
            continue;
        }
        count += utf8_write(octets + count, character);
        if (count + 1 > room - length)
            break;
        memcpy(out + length, octets, count);
        length += count;
    }
    out[length] = '\0';
    return length;
}

/* What looks like the space between words, so that one name would look like several things; iswspace knows not all. */
static bool is_blank(int32_t character)
{
    static const struct range blanks[] = {{0xa0, 0xa0}, {0x2007, 0x2007}, {0x202f, 0x202f}, {0x2800, 0x2800}};

    return iswspace((wint_t)character) || within(blanks, sizeof blanks / sizeof blanks[0], character);
}

bool chat_name_valid(const char *name)
{
    char clean[CHAT_NAME_SIZE];
    size_t size = strlen(name);
    const char *at = name, *end = name + size;
    int count = 0;

    if (size == 0 || size >= sizeof clean || chat_text_clean(clean, sizeof clean, name, size) != size ||
        memcmp(clean, name, size) != 0 || name[0] == '-' || strcspn(name, "#/@,:\"\\") != size)
        return false;
    while (at < end) {
        int32_t character = chat_utf8_next(&at, end);

        if (character == REPLACEMENT || is_blank(character) || ++count > CHAT_NAME_CHARS)
            return false;
    }
    return true;
}

int chat_text_width(const char *text)
{
    const char *end = text + strlen(text);
    int width = 0;

    while (text < end) {
        int columns = wcwidth((wchar_t)chat_utf8_next(&text, end));

        width += columns > 0 ? columns : 0;
    }
    return width;
}

size_t chat_text_fit(const char *text, int columns, int *width)
{
    const char *at = text, *end = text + strlen(text);
    int used = 0;

    while (at < end) {
        const char *next = at;
        int wide = wcwidth((wchar_t)chat_utf8_next(&next, end));

        wide = wide > 0 ? wide : 0;
        if (wide > columns - used && at > text)
            break;
        used += wide;
        at = next;
    }
    *width = used;
    return (size_t)(at - text);
}

size_t chat_text_wrap(const char *text, int columns, size_t *next)
{
    int width;
    size_t length = chat_text_fit(text, columns, &width);
    size_t blank = length;

    *next = length;
    if (text[length] == '\0')
        return length;
    if (text[length] == ' ') {
        *next = length + 1;
        return length;
    }
    while (blank > 0 && text[blank - 1] != ' ')
        blank--;
    if (blank <= 1)
        return length;
    *next = blank;
    return blank - 1;
}
