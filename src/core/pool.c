/* SPDX-License-Identifier: ISC */
/* Buffers of one size. */
#include "core/pool.h"

#include <stdlib.h>

void ih_pool_init(struct ih_pool *pool, size_t size)
{
    ih_lock_init(&pool->lock);
    pool->size = size;
    pool->count = 0;
}

void ih_pool_fini(struct ih_pool *pool)
{
    while (pool->count)
        free(pool->kept[--pool->count]);
    ih_lock_fini(&pool->lock);
}

void *ih_pool_take(struct ih_pool *pool)
{
    void *buffer = NULL;

    ih_lock_enter(&pool->lock);
    if (pool->count)
        buffer = pool->kept[--pool->count];
    ih_lock_leave(&pool->lock);
    return buffer ? buffer : malloc(pool->size);
}

void ih_pool_give(struct ih_pool *pool, void *buffer)
{
    ih_lock_enter(&pool->lock);
    if (pool->count < IH_POOL_KEEP) {
        pool->kept[pool->count++] = buffer;
        buffer = NULL;
    }
    ih_lock_leave(&pool->lock);
    free(buffer);
}
