/* SPDX-License-Identifier: ISC */
/* Z85 (RFC 32). */
#include "base/z85.h"

#include <errno.h>
#include <string.h>

/* RFC 32, "Formal Specification": the character of each value. */
static const char alphabet[85 + 1] =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

int ih_z85_encode(char *dst, const uint8_t *src, size_t size)
{
    if (size % 4 != 0)
        return -EINVAL;
    for (const uint8_t *end = src + size; src < end; src += 4, dst += 5) {
        uint32_t value = (uint32_t)src[0] << 24 | (uint32_t)src[1] << 16 | (uint32_t)src[2] << 8 | src[3];

        for (int i = 4; i >= 0; i--) {
            dst[i] = alphabet[value % 85];
            value /= 85;
        }
    }
    *dst = '\0';
    return 0;
}

/* One group of five characters. */
static int decode_group(const char *text, uint32_t *value)
{
    uint64_t sum = 0;

    for (int i = 0; i < 5; i++) {
        const char *at = memchr(alphabet, text[i], sizeof alphabet - 1);

        if (!at)
            return -EINVAL;
        sum = sum * 85 + (uint64_t)(at - alphabet);
    }
    if (sum > UINT32_MAX)
        return -EINVAL;
    *value = (uint32_t)sum;
    return 0;
}

int ih_z85_decode(uint8_t *dst, const char *text, size_t size)
{
    uint32_t value;

    if (size % 5 != 0)
        return -EINVAL;
    for (size_t i = 0; i < size; i += 5)
        if (decode_group(text + i, &value) < 0)
            return -EINVAL;
    for (size_t i = 0; i < size; i += 5, dst += 4) {
        (void)decode_group(text + i, &value);
        dst[0] = (uint8_t)(value >> 24);
        dst[1] = (uint8_t)(value >> 16);
        dst[2] = (uint8_t)(value >> 8);
        dst[3] = (uint8_t)value;
    }
    return 0;
}
