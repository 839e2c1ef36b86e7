/* SPDX-License-Identifier: ISC */
/* Type-stable memory for what the application holds handles to.
 *
 * A slot is reused, oldest first, but never given back to the system and never becomes anything else: reading the tag
 * of a closed or even a wild handle is safe, so that it can be refused (ENOTSOCK, EFAULT) instead of crashing. */
#ifndef IH_CORE_STABLE_H
#define IH_CORE_STABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "platform/lock.h"

enum { IH_STABLE_SLABS = 20, IH_STABLE_FIRST = 32 }; /* slabs double: 32 * 2^20 slots at most */

/* Owner: static memory, for the life of the process. */
struct ih_stable {
    struct ih_lock lock;      /* guards everything but the reading of slab addresses */
    size_t slot_size;         /* a power of two */
    void (*make)(void *slot); /* called once per slot, when its slab is made */
    atomic_uint slabs;
    _Atomic(uint8_t *) slab[IH_STABLE_SLABS];
    void **free; /* a ring of free slots */
    size_t free_cap, free_first, free_count;
};

void ih_stable_init(struct ih_stable *stable, size_t slot_size, void (*make)(void *slot));

/* A slot as its last user left it. NULL: no memory. */
void *ih_stable_take(struct ih_stable *stable);
void ih_stable_give(struct ih_stable *stable, void *slot);

static inline size_t ih_stable_slab_slots(unsigned slab)
{
    return (size_t)IH_STABLE_FIRST << slab;
}

/* True if ptr is the address of a slot, used or free. Any thread, no lock. */
static inline bool ih_stable_has(const struct ih_stable *stable, const void *ptr)
{
    unsigned slabs = atomic_load_explicit(&stable->slabs, memory_order_acquire);

    for (unsigned i = 0; i < slabs; i++) {
        uintptr_t base = (uintptr_t)atomic_load_explicit(&stable->slab[i], memory_order_relaxed);
        uintptr_t offset = (uintptr_t)ptr - base;

        if (offset < ih_stable_slab_slots(i) * stable->slot_size)
            return (offset & (stable->slot_size - 1)) == 0;
    }
    return false;
}

/* The memory of sockets, made with the first context. */
extern struct ih_stable ih_sockets;

#endif
