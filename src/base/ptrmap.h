/* SPDX-License-Identifier: ISC */
/* A small hash map from pointers to pointers, by linear probing. One pair needs no memory beside the struct. */
#ifndef IH_BASE_PTRMAP_H
#define IH_BASE_PTRMAP_H

#include <stddef.h>
#include <stdint.h>

struct ih_ptrmap_slot {
    void *key; /* NULL: free */
    void *value;
};

/* Owner: the struct it is embedded in; guarded by that owner's lock. All zero is an empty map. */
struct ih_ptrmap {
    union {
        struct ih_ptrmap_slot one;   /* cap 1 or 0 */
        struct ih_ptrmap_slot *many; /* cap > 1: a power of two */
    } u;
    uint32_t count;
    uint32_t cap;
};

static inline void ih_ptrmap_init(struct ih_ptrmap *map)
{
    map->u.one.key = NULL;
    map->u.one.value = NULL;
    map->count = 0;
    map->cap = 1;
}

/* The slots, ih_ptrmap.cap of them, of which those with a key are in use. */
static inline struct ih_ptrmap_slot *ih_ptrmap_slots(const struct ih_ptrmap *map)
{
    return map->cap > 1 ? map->u.many : (struct ih_ptrmap_slot *)&map->u.one;
}

/* Forgets all pairs. */
void ih_ptrmap_fini(struct ih_ptrmap *map);

/* Where the key's value is, valid until the next insertion or removal; or NULL. */
void **ih_ptrmap_find(const struct ih_ptrmap *map, const void *key);

/* Inserts a key (not NULL) that is not there. -ENOMEM. */
int ih_ptrmap_insert(struct ih_ptrmap *map, void *key, void *value);

/* Removes the key if it is there. Never fails. */
void ih_ptrmap_remove(struct ih_ptrmap *map, const void *key);

#endif
