/* SPDX-License-Identifier: ISC */
/* The cookies that were used, remembered until they are too old to open: one that opened twice would make the same keys
 * twice, and with them the same nonces for other texts. */
#ifndef IH_LIBCURVE_USED_H
#define IH_LIBCURVE_USED_H

#include <stdbool.h>

#include "base/map.h"
#include "libcurve/wire.h"

/* Owner: the engine. All zero is an empty one. Only clients that were let in get a cookie in here, no more than IH_USED_MAX
 * in two minutes, and none of them more than half of what the others left: one that makes handshakes without end gets no
 * more of them, and everybody else still does. */
struct ih_used {
    struct ih_map fresh; /* used since started_ms */
    struct ih_map stale; /* in the two minutes before */
    struct ih_map users; /* how many of the fresh ones each client used */
    uint64_t started_ms;
};

enum { IH_USED_MAX = 100000 };

void ih_used_fini(struct ih_used *used);

bool ih_used_has(const struct ih_used *used, const uint8_t name[IH_COOKIE_NAME]);

/* By the client of that key. 0, -EEXIST: it was used before, -ENOSPC, -ENOMEM. */
int ih_used_add(struct ih_used *used, const uint8_t name[IH_COOKIE_NAME], const uint8_t key[IH_CURVE_KEY],
                uint64_t now_ms);

#endif
