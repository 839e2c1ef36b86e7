/* SPDX-License-Identifier: ISC */
/* Deadlines in the order in which they fall due: an intrusive pairing heap, so that arming a timer cannot fail. */
#ifndef IH_BASE_HEAP_H
#define IH_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Owner: the struct it is embedded in; guarded by the lock of the heap it is in. It must be removed before it goes. All
 * zero is a timer that is not armed. */
struct ih_timer {
    uint64_t at_ms; /* when it falls due, by ih_clock_ms */
    uint64_t order; /* timers for the same moment fall due in the order they were armed; 0: not armed */
    struct ih_timer *child;
    struct ih_timer *next;                /* sibling */
    struct ih_timer *prev;                /* sibling, or the parent of a first child */
    void (*fire)(struct ih_timer *timer); /* for the owner of the heap to call; nothing here does */
};

/* Owner: the struct it is embedded in; guarded by that owner's lock. All zero is an empty heap. */
struct ih_heap {
    struct ih_timer *root;
    uint64_t last_order;
};

static inline void ih_heap_init(struct ih_heap *heap)
{
    heap->root = NULL;
    heap->last_order = 0;
}

static inline void ih_timer_init(struct ih_timer *timer)
{
    timer->order = 0;
}

static inline bool ih_timer_armed(const struct ih_timer *timer)
{
    return timer->order != 0;
}

/* The timer that falls due first, or NULL. */
static inline struct ih_timer *ih_heap_first(const struct ih_heap *heap)
{
    return heap->root;
}

/* Arms the timer; one that is armed is moved to the new moment. Never fails. */
void ih_heap_set(struct ih_heap *heap, struct ih_timer *timer, uint64_t at_ms);

/* Disarms the timer, if it is armed. */
void ih_heap_remove(struct ih_heap *heap, struct ih_timer *timer);

/* Disarms all timers. */
void ih_heap_fini(struct ih_heap *heap);

/* How many milliseconds from now to the first deadline: 0 if it is past, at most limit, -1 if no timer is armed. */
int64_t ih_heap_wait(const struct ih_heap *heap, uint64_t now_ms, int64_t limit);

#endif
