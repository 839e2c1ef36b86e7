/* SPDX-License-Identifier: ISC */
/* Properties of a connection. */
#include "base/props.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_MAX_SIZE = 255,
    TOTAL_MAX_SIZE = 65536,
    HEADER_SIZE = 5, /* an entry: octet name size, 4 octets value size, name, NUL, value, NUL */
};

struct ih_props {
    atomic_uint refs;
    uint32_t used;
    uint8_t entries[];
};

/* A view of one entry. */
struct entry {
    size_t offset;
    size_t end;
    const char *name;
    size_t name_size;
    const char *value;
    size_t size;
};

struct ih_props *ih_props_new(void)
{
    struct ih_props *props = malloc(sizeof *props);

    if (!props)
        return NULL;
    atomic_init(&props->refs, 1);
    props->used = 0;
    return props;
}

static bool next_entry(const struct ih_props *props, struct entry *entry)
{
    const uint8_t *at = props->entries + entry->end;
    uint32_t size;

    if (entry->end == props->used)
        return false;
    memcpy(&size, at + 1, sizeof size);
    entry->offset = entry->end;
    entry->name_size = at[0];
    entry->name = (const char *)at + HEADER_SIZE;
    entry->value = entry->name + entry->name_size + 1;
    entry->size = size;
    entry->end = entry->offset + HEADER_SIZE + entry->name_size + 1 + entry->size + 1;
    return true;
}

/* Names are compared octet by octet, as programs that ask libzmq for a property expect. */
static bool find_entry(const struct ih_props *props, const char *name, size_t name_size, struct entry *entry)
{
    entry->end = 0;
    while (next_entry(props, entry))
        if (entry->name_size == name_size && memcmp(entry->name, name, name_size) == 0)
            return true;
    return false;
}

static void append_entry(struct ih_props *props, const char *name, size_t name_size, const void *value, size_t size)
{
    uint8_t *at = props->entries + props->used;
    uint32_t size32 = (uint32_t)size;

    at[0] = (uint8_t)name_size;
    memcpy(at + 1, &size32, sizeof size32);
    at += HEADER_SIZE;
    memcpy(at, name, name_size);
    at += name_size;
    *at++ = '\0';
    if (size > 0)
        memcpy(at, value, size);
    at[size] = '\0';
    props->used += (uint32_t)(HEADER_SIZE + name_size + 1 + size + 1);
}

int ih_props_set(struct ih_props **props, const char *name, size_t name_size, const void *value, size_t size)
{
    struct ih_props *moved = NULL;
    struct entry old;
    size_t kept;
    size_t fixed;

    if (name_size == 0 || name_size > NAME_MAX_SIZE)
        return -EINVAL;
    fixed = HEADER_SIZE + name_size + 2;
    if (!find_entry(*props, name, name_size, &old))
        old.offset = old.end = (*props)->used;
    kept = (*props)->used - (old.end - old.offset);
    if (fixed > TOTAL_MAX_SIZE - kept || size > TOTAL_MAX_SIZE - kept - fixed)
        return -EMSGSIZE;
    moved = malloc(sizeof *moved + kept + fixed + size);
    if (!moved)
        return -ENOMEM;
    atomic_init(&moved->refs, 1);
    moved->used = (uint32_t)kept;
    memcpy(moved->entries, (*props)->entries, old.offset);
    memcpy(moved->entries + old.offset, (*props)->entries + old.end, (*props)->used - old.end);
    append_entry(moved, name, name_size, value, size);
    free(*props);
    *props = moved;
    return 0;
}

struct ih_props *ih_props_hold(struct ih_props *props)
{
    atomic_fetch_add_explicit(&props->refs, 1, memory_order_relaxed);
    return props;
}

void ih_props_hold_many(struct ih_props *props, unsigned count)
{
    atomic_fetch_add_explicit(&props->refs, count, memory_order_relaxed);
}

void ih_props_release(struct ih_props *props)
{
    if (props)
        ih_props_release_many(props, 1);
}

void ih_props_release_many(struct ih_props *props, unsigned count)
{
    if (atomic_fetch_sub_explicit(&props->refs, count, memory_order_acq_rel) == count)
        free(props);
}

const char *ih_props_get(const struct ih_props *props, const char *name)
{
    return ih_props_value(props, name, NULL);
}

const void *ih_props_value(const struct ih_props *props, const char *name, size_t *size)
{
    struct entry entry;

    if (!find_entry(props, name, strlen(name), &entry))
        return NULL;
    if (size)
        *size = entry.size;
    return entry.value;
}
