/* SPDX-License-Identifier: ISC */
/* The values of options that are byte strings or lists. */
#include "core/blob.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "mechanism/mechanism.h"
#include "platform/net.h"
#include "zmtp/metadata.h"

enum {
    NAME_MAX_SIZE = 255,
    PREFIX_SIZE = 2,
    OWN_METADATA = 1024, /* room for Socket-Type and Identity, in octets */
    OWN_PROPERTIES = 8,  /* and in properties */
};

_Static_assert(sizeof(pid_t) == sizeof(int) && sizeof(uid_t) == sizeof(int) && sizeof(gid_t) == sizeof(int),
               "ids come as the 4 octets of an int option");

/* Takes over memory of size + 1 octets. */
static void adopt(struct ih_blob *blob, uint8_t *data, size_t size)
{
    ih_blob_clear(blob);
    data[size] = '\0';
    blob->data = data;
    blob->size = size;
}

void ih_blob_clear(struct ih_blob *blob)
{
    if (blob->data != NULL) {
        explicit_bzero(blob->data, blob->size);
    }
    free(blob->data);
    blob->data = NULL;
    blob->size = 0;
}

int ih_blob_set(struct ih_blob *blob, const void *data, size_t size)
{
    if (size == 0) {
        ih_blob_clear(blob);
        return 0;
    }
    uint8_t *copy = size < SIZE_MAX ? malloc(size + 1) : NULL;
    if (copy == NULL) {
        return -ENOMEM;
    }
    memcpy(copy, data, size);
    adopt(blob, copy, size);
    return 0;
}

int ih_blob_append(struct ih_blob *blob, const void *data, size_t size)
{
    uint8_t *both = size < SIZE_MAX - blob->size ? malloc(blob->size + size + 1) : NULL;
    if (both == NULL) {
        return -ENOMEM;
    }
    if (blob->size > 0) {
        memcpy(both, blob->data, blob->size);
    }
    memcpy(both + blob->size, data, size);
    adopt(blob, both, blob->size + size);
    return 0;
}

static bool is_clear(const void *value, size_t size)
{
    return value == NULL && size == 0;
}

int ih_blob_add_filter(struct ih_blob *blob, bool ipv6, const void *value, size_t size)
{
    struct ih_net_filter filter;
    if (is_clear(value, size)) {
        ih_blob_clear(blob);
        return 0;
    }
    memset(&filter, 0, sizeof(filter));
    int rc = ih_net_parse_filter(value, size, ipv6, &filter);
    return rc == 0 ? ih_blob_append(blob, &filter, sizeof(filter)) : rc;
}

int ih_blob_add_id(struct ih_blob *blob, const void *value, size_t size)
{
    if (is_clear(value, size)) {
        ih_blob_clear(blob);
        return 0;
    }
    return size == sizeof(int) ? ih_blob_append(blob, value, size) : -EINVAL;
}

/* Takes "X-name:value" apart. A NUL that ends it is no part of the value. */
static int split_property(const char *text, size_t size, char name[NAME_MAX_SIZE + 1], const char **value,
                          size_t *value_size)
{
    const char *colon = size > 0 ? memchr(text, ':', size) : NULL;
    if (colon == NULL) {
        return -EINVAL;
    }
    size_t name_size = (size_t)(colon - text);
    if (name_size <= PREFIX_SIZE || name_size > NAME_MAX_SIZE || memcmp(text, "X-", PREFIX_SIZE) != 0) {
        return -EINVAL;
    }
    memcpy(name, text, name_size);
    name[name_size] = '\0';
    *value = colon + 1;
    *value_size = size - name_size - 1;
    if (*value_size > 0 && (*value)[*value_size - 1] == '\0') {
        (*value_size)--;
    }
    return *value_size > 0 && strlen(name) == name_size ? 0 : -EINVAL;
}

/* Copies all properties but those of one name; counts them. Returns the position behind them. */
static uint8_t *copy_others(uint8_t *out, const struct ih_blob *blob, const char *name, size_t *count)
{
    struct ih_metadata rest = {blob->data, blob->size};
    struct ih_property property;
    const uint8_t *start = rest.data;
    while (ih_metadata_next(&rest, &property) > 0) {
        size_t size = (size_t)(rest.data - start);
        if (!ih_property_is(&property, name)) {
            memcpy(out, start, size);
            out += size;
            (*count)++;
        }
        start = rest.data;
    }
    return out;
}

int ih_blob_add_property(struct ih_blob *blob, const void *value, size_t size)
{
    char name[NAME_MAX_SIZE + 1];
    const char *data;
    size_t data_size;
    size_t count = 1;
    if (value == NULL || split_property(value, size, name, &data, &data_size) != 0) {
        return -EINVAL;
    }
    /* What the peer's own limits would refuse is refused here, where the program learns of it. */
    if (data_size > IH_METADATA_MAX - OWN_METADATA ||
        ih_metadata_room(name, data_size) > IH_METADATA_MAX - OWN_METADATA - blob->size) {
        return -EINVAL;
    }
    uint8_t *list = malloc(blob->size + ih_metadata_room(name, data_size) + 1);
    if (list == NULL) {
        return -ENOMEM;
    }
    uint8_t *end = copy_others(list, blob, name, &count);
    end = ih_metadata_put(end, name, data, data_size);
    size_t list_size = (size_t)(end - list);
    if (count > IH_METADATA_PROPERTIES - OWN_PROPERTIES || ih_metadata_check(list, list_size) != 0) {
        free(list);
        return -EINVAL;
    }
    adopt(blob, list, list_size);
    return 0;
}
