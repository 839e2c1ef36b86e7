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

/* Owner: the map. */
struct user {
    struct ih_map_node node;
    uint8_t key[IH_CURVE_KEY];
    size_t count;
};

static void clear_users(struct ih_map *map)
{
    for (struct ih_map_node *node = ih_map_first(map), *next = NULL; node; node = next) {
        next = ih_map_next(map, node);
        free(IH_CONTAINER(node, struct user, node));
    }
    ih_map_fini(map);
}

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
    clear_users(&used->users);
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
    clear_users(&used->users);
    used->started_ms = now_ms;
}

/* The client's entry, which may be new. NULL: no memory. */
static struct user *find_user(struct ih_used *used, const uint8_t *key)
{
    struct ih_map_node *node = ih_map_find(&used->users, key, IH_CURVE_KEY);
    struct user *user;

    if (node)
        return IH_CONTAINER(node, struct user, node);
    user = calloc(1, sizeof *user);
    if (!user)
        return NULL;
    memcpy(user->key, key, sizeof user->key);
    if (ih_map_insert(&used->users, &user->node, user->key, sizeof user->key) < 0) {
        free(user);
        return NULL;
    }
    return user;
}

static int insert(struct ih_map *map, const uint8_t *name)
{
    struct entry *entry = malloc(sizeof *entry);
    int rc;

    if (!entry)
        return -ENOMEM;
    memcpy(entry->name, name, sizeof entry->name);
    rc = ih_map_insert(map, &entry->node, entry->name, sizeof entry->name);
    if (rc < 0)
        free(entry);
    /* Without an error it is the map's. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    return rc;
}

int ih_used_add(struct ih_used *used, const uint8_t name[IH_COOKIE_NAME], const uint8_t key[IH_CURVE_KEY],
                uint64_t now_ms)
{
    struct user *user;
    size_t room;
    int rc;

    rotate(used, now_ms);
    room = IH_USED_MAX - ih_map_count(&used->fresh);
    if (ih_used_has(used, name))
        return -EEXIST;
    if (room == 0)
        return -ENOSPC;
    user = find_user(used, key);
    if (!user)
        return -ENOMEM;
    if (user->count >= room)
        return -ENOSPC;
    rc = insert(&used->fresh, name);
    if (rc == 0)
        user->count++;
    /* The user is the map's. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    return rc;
}
