/* SPDX-License-Identifier: ISC */
/* A pairing heap of deadlines (Fredman, Sedgewick, Sleator, Tarjan, 1986). */
#include "base/heap.h"

static bool before(const struct ih_timer *a, const struct ih_timer *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

/* Both are roots without siblings, or NULL. */
static struct ih_timer *merge(struct ih_timer *a, struct ih_timer *b)
{
    if (!a || !b)
        return a ? a : b;
    if (before(b, a)) {
        struct ih_timer *later = a;

        a = b;
        b = later;
    }
    b->prev = a;
    b->next = a->child;
    if (b->next)
        b->next->prev = b;
    a->child = b;
    return a;
}

/* Makes one heap of a list of siblings: first pairs of them from the front, then all the pairs from the back. */
static struct ih_timer *merge_siblings(struct ih_timer *first)
{
    struct ih_timer *pairs = NULL;
    struct ih_timer *root = NULL;

    while (first) {
        struct ih_timer *a = first;
        struct ih_timer *b = a->next;

        first = b ? b->next : NULL;
        a = merge(a, b);
        a->next = pairs;
        pairs = a;
    }
    while (pairs) {
        struct ih_timer *next = pairs->next;

        root = merge(root, pairs);
        pairs = next;
    }
    if (root) {
        root->next = NULL;
        root->prev = NULL;
    }
    return root;
}

void ih_heap_set(struct ih_heap *heap, struct ih_timer *timer, uint64_t at_ms)
{
    ih_heap_remove(heap, timer);
    timer->at_ms = at_ms;
    timer->order = ++heap->last_order;
    timer->child = NULL;
    timer->next = NULL;
    timer->prev = NULL;
    heap->root = merge(heap->root, timer);
}

void ih_heap_remove(struct ih_heap *heap, struct ih_timer *timer)
{
    struct ih_timer *rest;

    if (!ih_timer_armed(timer))
        return;
    rest = merge_siblings(timer->child);
    if (timer == heap->root) {
        heap->root = rest;
    } else {
        if (timer->prev->child == timer)
            timer->prev->child = timer->next;
        else
            timer->prev->next = timer->next;
        if (timer->next)
            timer->next->prev = timer->prev;
        heap->root = merge(heap->root, rest);
    }
    ih_timer_init(timer);
}

void ih_heap_fini(struct ih_heap *heap)
{
    while (heap->root)
        ih_heap_remove(heap, heap->root);
}

int64_t ih_heap_wait(const struct ih_heap *heap, uint64_t now_ms, int64_t limit)
{
    uint64_t wait;

    if (!heap->root)
        return -1;
    if (heap->root->at_ms <= now_ms)
        return 0;
    wait = heap->root->at_ms - now_ms;
    return wait > (uint64_t)limit ? limit : (int64_t)wait;
}
