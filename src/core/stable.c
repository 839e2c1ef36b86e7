/* SPDX-License-Identifier: ISC */
/* Type-stable memory. */
#include "core/stable.h"

#include <stdlib.h>
#include <string.h>

void ih_stable_init(struct ih_stable *stable, size_t slot_size, void (*make)(void *slot))
{
    size_t size = 64;

    while (size < slot_size)
        size *= 2;
    memset(stable, 0, sizeof(*stable));
    ih_lock_init(&stable->lock);
    stable->slot_size = size;
    stable->make = make;
}

/* The ring must hold every slot there is, so that giving back cannot fail. */
static int grow(struct ih_stable *stable)
{
    unsigned slabs = atomic_load_explicit(&stable->slabs, memory_order_relaxed);
    size_t slots, total;
    void **ring;
    uint8_t *slab;

    if (slabs == IH_STABLE_SLABS)
        return -1;
    slots = ih_stable_slab_slots(slabs);
    total = stable->free_cap + slots;
    ring = malloc(total * sizeof(*ring));
    slab = aligned_alloc(64, slots * stable->slot_size);
    if (!ring || !slab) {
        free(ring);
        free(slab);
        return -1;
    }
    memset(slab, 0, slots * stable->slot_size);
    for (size_t i = 0; i < slots; i++) {
        ring[i] = slab + i * stable->slot_size;
        stable->make(ring[i]);
    }
    free(stable->free);
    stable->free = ring;
    stable->free_cap = total;
    stable->free_first = 0;
    stable->free_count = slots;
    atomic_store_explicit(&stable->slab[slabs], slab, memory_order_relaxed);
    atomic_store_explicit(&stable->slabs, slabs + 1, memory_order_release);
    return 0;
}

void *ih_stable_take(struct ih_stable *stable)
{
    void *slot = NULL;

    ih_lock_enter(&stable->lock);
    if (stable->free_count || grow(stable) == 0) {
        slot = stable->free[stable->free_first];
        stable->free_first = (stable->free_first + 1) % stable->free_cap;
        stable->free_count--;
    }
    ih_lock_leave(&stable->lock);
    return slot;
}

void ih_stable_give(struct ih_stable *stable, void *slot)
{
    ih_lock_enter(&stable->lock);
    stable->free[(stable->free_first + stable->free_count) % stable->free_cap] = slot;
    stable->free_count++;
    ih_lock_leave(&stable->lock);
}
