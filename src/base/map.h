/* SPDX-License-Identifier: ISC */
/* A hash map from octet strings to the structs that a node is embedded in (IH_CONTAINER). */
#ifndef IH_BASE_MAP_H
#define IH_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Owner: the struct it is embedded in; guarded by the lock of the map it is in. The key is borrowed and must neither
 * change nor go while the node is in a map. */
struct ih_map_node {
    struct ih_map_node *next;
    const void *key;
    size_t size;
    uint64_t hash;
};

/* Owner: the struct it is embedded in; guarded by that owner's lock. All zero is an empty map, and an empty map owns no
 * memory. Keys are hashed by ih_hash: peers cannot make them collide. */
struct ih_map {
    struct ih_map_node **buckets;
    size_t mask; /* number of buckets - 1 */
    size_t count;
};

static inline void ih_map_init(struct ih_map *map)
{
    map->buckets = NULL;
    map->mask = 0;
    map->count = 0;
}

/* Forgets all nodes, whose owners keep them. */
void ih_map_fini(struct ih_map *map);

/* Inserts node under the key. -EEXIST: another node has this key. -ENOMEM. */
int ih_map_insert(struct ih_map *map, struct ih_map_node *node, const void *key, size_t size);

/* The key's node, or NULL. */
struct ih_map_node *ih_map_find(const struct ih_map *map, const void *key, size_t size);

/* Removes a node that is in the map. Never fails. */
void ih_map_remove(struct ih_map *map, struct ih_map_node *node);

/* Walk over all nodes, in no particular order. The loop may remove the current node if it asked for the next one
 * before; it must not insert. */
struct ih_map_node *ih_map_first(const struct ih_map *map);
struct ih_map_node *ih_map_next(const struct ih_map *map, const struct ih_map_node *node);

static inline size_t ih_map_count(const struct ih_map *map)
{
    return map->count;
}

#endif
