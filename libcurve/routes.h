/* SPDX-License-Identifier: ISC */
/* By which of its relays a peer reaches another one. */
#ifndef IH_LIBCURVE_ROUTES_H
#define IH_LIBCURVE_ROUTES_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"

/* Owner: a worker. Those used longest ago are forgotten first. */
struct ih_routes {
    struct ih_map keys;
    struct ih_list order;
    size_t limit;
};

void ih_routes_init(struct ih_routes *routes, size_t limit);
void ih_routes_fini(struct ih_routes *routes);

/* The link's index for the key, or -1. */
int ih_routes_find(struct ih_routes *routes, const uint8_t *key);

/* From now on this one. Without memory nothing is remembered. */
void ih_routes_set(struct ih_routes *routes, const uint8_t *key, int link);

#endif
