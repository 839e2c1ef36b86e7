/* SPDX-License-Identifier: ISC */
/* By which of its relays a peer reaches another one. */
#include "libcurve/routes.h"

#include <stdlib.h>
#include <string.h>

#include <curve.h>

/* Owner: the routes. */
struct route {
    struct ih_map_node node;
    struct ih_list order;
    int link;
    uint8_t key[CURVE_KEY_SIZE];
};

void ih_routes_init(struct ih_routes *routes, size_t limit)
{
    ih_map_init(&routes->keys);
    ih_list_init(&routes->order);
    routes->limit = limit;
}

static void drop(struct ih_routes *routes, struct route *route)
{
    ih_map_remove(&routes->keys, &route->node);
    ih_list_del(&route->order);
    free(route);
}

void ih_routes_fini(struct ih_routes *routes)
{
    IH_LIST_EACH_SAFE(link, next, &routes->order)
        drop(routes, IH_CONTAINER(link, struct route, order));
    ih_map_fini(&routes->keys);
}

static struct route *find(struct ih_routes *routes, const uint8_t *key)
{
    struct ih_map_node *node = ih_map_find(&routes->keys, key, CURVE_KEY_SIZE);

    return node ? IH_CONTAINER(node, struct route, node) : NULL;
}

int ih_routes_find(struct ih_routes *routes, const uint8_t *key)
{
    struct route *route = find(routes, key);

    if (!route)
        return -1;
    ih_list_del(&route->order);
    ih_list_add_tail(&routes->order, &route->order);
    return route->link;
}

void ih_routes_set(struct ih_routes *routes, const uint8_t *key, int link)
{
    struct route *route = find(routes, key);

    if (!route) {
        if (ih_map_count(&routes->keys) >= routes->limit)
            drop(routes, IH_CONTAINER(routes->order.next, struct route, order));
        route = malloc(sizeof(*route));
        if (!route)
            return;
        memcpy(route->key, key, CURVE_KEY_SIZE);
        ih_list_init(&route->order);
        if (ih_map_insert(&routes->keys, &route->node, route->key, CURVE_KEY_SIZE) != 0) {
            free(route);
            return;
        }
        ih_list_add_tail(&routes->order, &route->order);
    }
    route->link = link;
}
