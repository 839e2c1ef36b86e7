/* SPDX-License-Identifier: ISC */
/* Buffers of one size that threads borrow while they read or write; a few are kept for the next one. */
#ifndef IH_CORE_POOL_H
#define IH_CORE_POOL_H

#include <stddef.h>

#include "platform/lock.h"

enum { IH_POOL_KEEP = 4 };

/* Owner: the context. Guarded by a lock of its own, the last in the lock order. */
struct ih_pool {
    struct ih_lock lock;
    size_t size;
    unsigned count;
    void *kept[IH_POOL_KEEP];
};

void ih_pool_init(struct ih_pool *pool, size_t size);
void ih_pool_fini(struct ih_pool *pool);

/* A buffer with any content, or NULL. */
void *ih_pool_take(struct ih_pool *pool);
void ih_pool_give(struct ih_pool *pool, void *buffer);

#endif
