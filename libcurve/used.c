/* SPDX-License-Identifier: ISC */
/* Used cookies: two generations of a map. */
#include "libcurve/used.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "curvezmq/cookie.h"

/* Owner: the map. */
struct entry {
    struct ih_map_node node;
    uint8_t name[IH_COOKIE_NAME];
};

static void clear(struct ih_map *map)
{
    for (struct ih_map_node *node = ih_map_first(map), *next = NULL; node; node = next) {
        next = ih_map_next(map, node);
        free(IH_CONTAINER(node, struct entry, node));
    }
    ih_map_fini(map);
}

void ih_used_fini(struct ih_used *used)
{
    clear(&used->fresh);
    clear(&used->stale);
}

bool ih_used_has(const struct ih_used *used, const uint8_t name[IH_COOKIE_NAME])
{
    return ih_map_find(&used->fresh, name, IH_COOKIE_NAME) || ih_map_find(&used->stale, name, IH_COOKIE_NAME);
}

static void rotate(struct ih_used *used, uint64_t now_ms)
{
    if (now_ms - used->started_ms < IH_COOKIE_LIFE_MS)
        return;
    clear(&used->stale);
    used->stale = used->fresh;
    ih_map_init(&used->fresh);
    used->started_ms = now_ms;
}

int ih_used_add(struct ih_used *used, const uint8_t name[IH_COOKIE_NAME], uint64_t now_ms)
{
    struct entry *entry;
    int rc;

    rotate(used, now_ms);
    if (ih_used_has(used, name))
        return -EEXIST;
    if (ih_map_count(&used->fresh) >= IH_USED_MAX)
        return -ENOSPC;
    entry = malloc(sizeof *entry);
    if (!entry)
        return -ENOMEM;
    memcpy(entry->name, name, sizeof entry->name);
    rc = ih_map_insert(&used->fresh, &entry->node, entry->name, sizeof entry->name);
    if (rc < 0)
        free(entry);
    return rc;
}
