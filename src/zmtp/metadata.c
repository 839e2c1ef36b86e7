/* SPDX-License-Identifier: ISC */
/* Metadata: property = name value; name = OCTET 1*255name-char; value = 4OCTET *OCTET. */
#include "zmtp/metadata.h"

#include <errno.h>
#include <string.h>

enum { VALUE_SIZE = 4 };

/* ALPHA | DIGIT | "-" | "_" | "." | "+" */
static bool name_char(uint8_t c)
{
    uint8_t lower = c | 0x20;

    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '+';
}

int ih_metadata_next(struct ih_metadata *metadata, struct ih_property *property)
{
    const uint8_t *p = metadata->data;
    size_t left = metadata->size;
    uint32_t value_size;
    size_t name_size;

    if (left == 0)
        return 0;
    name_size = p[0];
    if (name_size == 0 || name_size > left - 1 || VALUE_SIZE > left - 1 - name_size)
        return -EPROTO;
    for (size_t i = 1; i <= name_size; i++) {
        if (!name_char(p[i]))
            return -EPROTO;
    }
    left -= 1 + name_size + VALUE_SIZE;
    p += 1 + name_size;
    value_size = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    if (value_size > INT32_MAX || value_size > left)
        return -EPROTO;
    property->name = p - name_size;
    property->name_size = name_size;
    property->value = p + VALUE_SIZE;
    property->value_size = value_size;
    metadata->data = p + VALUE_SIZE + value_size;
    metadata->size = left - value_size;
    return 1;
}

int ih_metadata_check(const uint8_t *data, size_t size)
{
    struct ih_metadata metadata = {data, size};
    struct ih_property property;
    int count = 0;
    int rc;

    while ((rc = ih_metadata_next(&metadata, &property)) > 0) {
        if (++count > IH_METADATA_PROPERTIES)
            return -EPROTO;
    }
    return rc;
}

bool ih_property_is(const struct ih_property *property, const char *name)
{
    if (property->name_size != strlen(name))
        return false;
    for (size_t i = 0; i < property->name_size; i++) {
        uint8_t a = property->name[i];
        uint8_t b = (uint8_t)name[i];

        if (a >= 'A' && a <= 'Z')
            a |= 0x20;
        if (b >= 'A' && b <= 'Z')
            b |= 0x20;
        if (a != b)
            return false;
    }
    return true;
}

const uint8_t *ih_metadata_find(const uint8_t *data, size_t size, const char *name, size_t *value_size)
{
    struct ih_metadata metadata = {data, size};
    const uint8_t *found = NULL;
    struct ih_property property;

    while (ih_metadata_next(&metadata, &property) > 0) {
        if (ih_property_is(&property, name)) {
            found = property.value;
            *value_size = property.value_size;
        }
    }
    return found;
}

size_t ih_metadata_room(const char *name, size_t value_size)
{
    return 1 + strlen(name) + VALUE_SIZE + value_size;
}

uint8_t *ih_metadata_put(uint8_t *out, const char *name, const void *value, size_t value_size)
{
    size_t name_size = strlen(name);

    *out++ = (uint8_t)name_size;
    memcpy(out, name, name_size);
    out += name_size;
    for (int shift = 24; shift >= 0; shift -= 8)
        *out++ = (uint8_t)(value_size >> shift);
    if (value_size > 0)
        memcpy(out, value, value_size);
    return out + value_size;
}
