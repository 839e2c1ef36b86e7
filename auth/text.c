/* SPDX-License-Identifier: ISC */
/* UTF-8 (RFC 3629, section 4). */
#include "auth/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

size_t auth_text_character(const char *text, size_t size)
{
    const uint8_t *at = (const uint8_t *)text;
    uint8_t low = 0x80, high = 0xbf; /* the bounds of the second octet */
    size_t length;

    if (size == 0)
        return 0;
    if (at[0] < 0x80)
        return 1;
    if (at[0] < 0xc2 || at[0] > 0xf4)
        return 0;
    length = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    if (at[0] == 0xe0)
        low = 0xa0;
    else if (at[0] == 0xed)
        high = 0x9f;
    else if (at[0] == 0xf0)
        low = 0x90;
    else if (at[0] == 0xf4)
        high = 0x8f;
    if (length > size || at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

static bool is_control(const char *text, size_t length)
{
    uint8_t first = (uint8_t)text[0];

    if (length == 1)
        return first < 0x20 || first == 0x7f;
    if (length == 2)
        return first == 0xc2 && (uint8_t)text[1] < 0xa0;
    return length == 3 && (memcmp(text, "\xe2\x80\xa8", 3) == 0 || memcmp(text, "\xe2\x80\xa9", 3) == 0);
}

bool auth_text_clean(const char *text, size_t size)
{
    while (size > 0) {
        size_t length = auth_text_character(text, size);

        if (length == 0 || is_control(text, length))
            return false;
        text += length;
        size -= length;
    }
    return true;
}

/* The length without a character that was cut in two at the end. */
static size_t whole_length(const char *text, size_t length)
{
    size_t start = length;

    while (start > 0 && length - start < 4 && ((uint8_t)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start > 0 && (uint8_t)text[start - 1] >= 0xc0 && auth_text_character(text + start - 1, length - start + 1) == 0)
        return start - 1;
    return length;
}

size_t auth_text_print(char *text, size_t room, const char *format, ...)
{
    va_list list;
    int length;

    va_start(list, format);
    length = vsnprintf(text, room, format, list);
    va_end(list);
    if (length >= 0 && (size_t)length < room)
        return (size_t)length;
    length = (int)whole_length(text, strnlen(text, room));
    text[length] = '\0';
    return (size_t)length;
}
