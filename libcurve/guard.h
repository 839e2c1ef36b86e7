/* SPDX-License-Identifier: ISC */
/* Who may come in: keys, or everybody. */
#ifndef IH_LIBCURVE_GUARD_H
#define IH_LIBCURVE_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "platform/lock.h"

/* Owner: a virtual socket. The lock guards all of it: the application changes it, the worker asks. */
struct ih_guard {
    struct ih_lock lock;
    struct ih_map keys;
    bool everybody;
};

void ih_guard_init(struct ih_guard *guard);
void ih_guard_fini(struct ih_guard *guard);

/* key NULL: everybody. -ENOMEM. */
int ih_guard_allow(struct ih_guard *guard, const uint8_t *key);
void ih_guard_deny(struct ih_guard *guard, const uint8_t *key);

bool ih_guard_allows(struct ih_guard *guard, const uint8_t *key);

#endif
