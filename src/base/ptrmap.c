/* SPDX-License-Identifier: ISC */
/* A small hash map from pointers to pointers. */
#include "base/ptrmap.h"

#include <errno.h>
#include <stdlib.h>

enum { FIRST_CAP = 4 };

/* Keys are addresses from malloc, which peers do not choose: Fibonacci hashing is enough. */
static uint32_t home(const void *key, uint32_t cap)
{
    uint64_t mixed = ((uint64_t)(uintptr_t)key >> 4) * UINT64_C(0x9e3779b97f4a7c15);

    return (uint32_t)(mixed >> 32) & (cap - 1);
}

static struct ih_ptrmap_slot *find_slot(const struct ih_ptrmap *map, const void *key)
{
    struct ih_ptrmap_slot *slots = ih_ptrmap_slots(map);
    uint32_t i;

    if (map->cap <= 1)
        return map->count && slots->key == key ? slots : NULL;
    /* The table is never full, so a free slot ends the search. */
    for (i = home(key, map->cap); slots[i].key; i = (i + 1) & (map->cap - 1))
        if (slots[i].key == key)
            return &slots[i];
    return NULL;
}

static void put(struct ih_ptrmap_slot *slots, uint32_t cap, struct ih_ptrmap_slot slot)
{
    uint32_t i = home(slot.key, cap);

    while (slots[i].key)
        i = (i + 1) & (cap - 1);
    slots[i] = slot;
}

static void reset(struct ih_ptrmap *map, struct ih_ptrmap_slot *many, uint32_t cap)
{
    struct ih_ptrmap_slot *old = map->cap > 1 ? map->u.many : NULL;

    map->u.many = many;
    map->cap = cap;
    free(old);
}

static int resize(struct ih_ptrmap *map, uint32_t cap)
{
    const struct ih_ptrmap_slot *old = ih_ptrmap_slots(map);
    struct ih_ptrmap_slot *slots = calloc(cap, sizeof *slots);

    if (!slots)
        return -ENOMEM;
    for (uint32_t i = 0; i < map->cap; i++)
        if (old[i].key)
            put(slots, cap, old[i]);
    reset(map, slots, cap);
    return 0;
}

void ih_ptrmap_fini(struct ih_ptrmap *map)
{
    if (map->cap > 1)
        free(map->u.many);
    ih_ptrmap_init(map);
}

void **ih_ptrmap_find(const struct ih_ptrmap *map, const void *key)
{
    struct ih_ptrmap_slot *slot = find_slot(map, key);

    return slot ? &slot->value : NULL;
}

int ih_ptrmap_insert(struct ih_ptrmap *map, void *key, void *value)
{
    struct ih_ptrmap_slot slot = {key, value};
    int rc;

    if (map->count == 0 && map->cap <= 1) {
        map->u.one = slot;
        map->cap = 1;
        map->count = 1;
        return 0;
    }
    if (map->count >= map->cap / 4 * 3) {
        if (map->cap > UINT32_MAX / 2)
            return -ENOMEM;
        rc = resize(map, map->cap < FIRST_CAP ? FIRST_CAP : map->cap * 2);
        if (rc < 0)
            return rc;
    }
    put(map->u.many, map->cap, slot);
    map->count++;
    return 0;
}

/* Closes the gap at i, so that searches still find what was put behind it. */
static void close_gap(struct ih_ptrmap_slot *slots, uint32_t cap, uint32_t i)
{
    uint32_t mask = cap - 1;

    for (uint32_t j = (i + 1) & mask; slots[j].key; j = (j + 1) & mask) {
        uint32_t want = home(slots[j].key, cap);

        if (((j - want) & mask) >= ((j - i) & mask)) {
            slots[i] = slots[j];
            i = j;
        }
    }
    slots[i].key = NULL;
    slots[i].value = NULL;
}

static void shrink(struct ih_ptrmap *map)
{
    if (map->count == 0) {
        ih_ptrmap_fini(map);
    } else if (map->cap > FIRST_CAP && map->count <= map->cap / 8) {
        /* If there is no memory for the smaller table, the larger one serves. */
        (void)resize(map, map->cap / 2);
    }
}

void ih_ptrmap_remove(struct ih_ptrmap *map, const void *key)
{
    struct ih_ptrmap_slot *slot = find_slot(map, key);

    if (!slot)
        return;
    map->count--;
    if (map->cap > 1) {
        close_gap(map->u.many, map->cap, (uint32_t)(slot - map->u.many));
        shrink(map);
    } else {
        ih_ptrmap_init(map);
    }
}
