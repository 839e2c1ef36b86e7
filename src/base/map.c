/* SPDX-License-Identifier: ISC */
/* A hash map from octet strings: chains in a table that doubles. */
#include "base/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

enum { FIRST_BUCKETS = 8 };

void ih_map_fini(struct ih_map *map)
{
    free(map->buckets);
    ih_map_init(map);
}

static void link_node(struct ih_map_node **buckets, size_t mask, struct ih_map_node *node)
{
    struct ih_map_node **bucket = &buckets[node->hash & mask];

    node->next = *bucket;
    *bucket = node;
}

static int grow(struct ih_map *map)
{
    size_t buckets = map->buckets ? (map->mask + 1) * 2 : FIRST_BUCKETS;
    struct ih_map_node **table = NULL;

    if (map->buckets && map->mask >= SIZE_MAX / 2)
        return -ENOMEM;
    table = calloc(buckets, sizeof(void *));
    if (!table)
        return -ENOMEM;
    for (struct ih_map_node *node = ih_map_first(map), *next = NULL; node; node = next) {
        next = ih_map_next(map, node);
        link_node(table, buckets - 1, node);
    }
    free(map->buckets);
    map->buckets = table;
    map->mask = buckets - 1;
    return 0;
}

static struct ih_map_node *find_hashed(const struct ih_map *map, const void *key, size_t size, uint64_t hash)
{
    struct ih_map_node *node = map->buckets[hash & map->mask];

    while (node && (node->hash != hash || node->size != size || (size > 0 && memcmp(node->key, key, size) != 0)))
        node = node->next;
    return node;
}

int ih_map_insert(struct ih_map *map, struct ih_map_node *node, const void *key, size_t size)
{
    uint64_t hash = ih_hash(key, size);

    if (map->count > 0 && find_hashed(map, key, size, hash))
        return -EEXIST;
    /* A full table only gets slower if it cannot grow; without any table there is nowhere to put the node. */
    if ((!map->buckets || map->count > map->mask) && grow(map) < 0 && !map->buckets)
        return -ENOMEM;
    node->key = key;
    node->size = size;
    node->hash = hash;
    link_node(map->buckets, map->mask, node);
    map->count++;
    return 0;
}

struct ih_map_node *ih_map_find(const struct ih_map *map, const void *key, size_t size)
{
    return map->count > 0 ? find_hashed(map, key, size, ih_hash(key, size)) : NULL;
}

void ih_map_remove(struct ih_map *map, struct ih_map_node *node)
{
    struct ih_map_node **at = &map->buckets[node->hash & map->mask];

    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    node->next = NULL;
    map->count--;
    if (map->count == 0)
        ih_map_fini(map);
}

static struct ih_map_node *first_from(const struct ih_map *map, size_t bucket)
{
    for (; bucket <= map->mask; bucket++)
        if (map->buckets[bucket])
            return map->buckets[bucket];
    return NULL;
}

struct ih_map_node *ih_map_first(const struct ih_map *map)
{
    return map->buckets ? first_from(map, 0) : NULL;
}

struct ih_map_node *ih_map_next(const struct ih_map *map, const struct ih_map_node *node)
{
    return node->next ? node->next : first_from(map, (node->hash & map->mask) + 1);
}
