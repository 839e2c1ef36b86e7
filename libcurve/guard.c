/* SPDX-License-Identifier: ISC */
/* Who may come in. */
#include "libcurve/guard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <curve.h>

#include "base/list.h"

/* Owner: the guard's map. */
struct allowed {
    struct ih_map_node node;
    uint8_t key[CURVE_KEY_SIZE];
};

void ih_guard_init(struct ih_guard *guard)
{
    ih_lock_init(&guard->lock);
    ih_map_init(&guard->keys);
    guard->everybody = false;
}

void ih_guard_fini(struct ih_guard *guard)
{
    struct ih_map_node *node = NULL;

    while ((node = ih_map_first(&guard->keys))) {
        ih_map_remove(&guard->keys, node);
        free(IH_CONTAINER(node, struct allowed, node));
    }
    ih_map_fini(&guard->keys);
    ih_lock_fini(&guard->lock);
}

int ih_guard_allow(struct ih_guard *guard, const uint8_t *key)
{
    struct allowed *allowed = key ? malloc(sizeof(*allowed)) : NULL;
    int error = 0;

    if (key && !allowed)
        return -ENOMEM;
    ih_lock_enter(&guard->lock);
    if (allowed) {
        memcpy(allowed->key, key, CURVE_KEY_SIZE);
        error = ih_map_insert(&guard->keys, &allowed->node, allowed->key, CURVE_KEY_SIZE);
    } else {
        guard->everybody = true;
    }
    ih_lock_leave(&guard->lock);
    if (error)
        free(allowed);
    /* Without an error it is the map's. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    return error == -EEXIST ? 0 : error;
}

void ih_guard_deny(struct ih_guard *guard, const uint8_t *key)
{
    struct ih_map_node *node = NULL;

    ih_lock_enter(&guard->lock);
    if (!key) {
        guard->everybody = false;
    } else if ((node = ih_map_find(&guard->keys, key, CURVE_KEY_SIZE))) {
        ih_map_remove(&guard->keys, node);
        free(IH_CONTAINER(node, struct allowed, node));
    }
    ih_lock_leave(&guard->lock);
}

bool ih_guard_allows(struct ih_guard *guard, const uint8_t *key)
{
    bool allows;

    ih_lock_enter(&guard->lock);
    allows = guard->everybody || ih_map_find(&guard->keys, key, CURVE_KEY_SIZE);
    ih_lock_leave(&guard->lock);
    return allows;
}
