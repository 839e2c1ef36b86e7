/* SPDX-License-Identifier: ISC */
/* The heap of deadlines against an array, and the list. */
#include "base/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/list.h"

enum { TIMERS = 300 };

static struct ih_timer timers[TIMERS];

/* The armed timer that is due first, by looking at all. */
static struct ih_timer *model_first(void)
{
    struct ih_timer *first = NULL;

    for (size_t i = 0; i < TIMERS; i++) {
        struct ih_timer *timer = &timers[i];

        if (!ih_timer_armed(timer))
            continue;
        if (!first || timer->at_ms < first->at_ms || (timer->at_ms == first->at_ms && timer->order < first->order))
            first = timer;
    }
    return first;
}

static void the_earliest_comes_first(void **state)
{
    struct ih_heap heap = {0};
    uint32_t seed = 3;

    (void)state;
    memset(timers, 0, sizeof timers);
    for (unsigned i = 0; i < 40000; i++) {
        struct ih_timer *timer;

        seed = seed * 1664525u + 1013904223u;
        timer = &timers[(seed >> 8) % TIMERS];
        if ((seed >> 20) % 3)
            ih_heap_set(&heap, timer, (seed >> 4) % 97);
        else if ((seed >> 22) % 2)
            ih_heap_remove(&heap, timer);
        else if (ih_heap_first(&heap))
            ih_heap_remove(&heap, ih_heap_first(&heap));
        assert_ptr_equal(ih_heap_first(&heap), model_first());
    }
    while (ih_heap_first(&heap)) {
        struct ih_timer *first = ih_heap_first(&heap);

        assert_ptr_equal(first, model_first());
        ih_heap_remove(&heap, first);
        assert_false(ih_timer_armed(first));
    }
    assert_null(model_first());
}

static void equal_deadlines_keep_their_order(void **state)
{
    struct ih_heap heap = {0};

    (void)state;
    memset(timers, 0, sizeof timers);
    for (size_t i = 0; i < TIMERS; i++)
        ih_heap_set(&heap, &timers[i], 7);
    /* Armed again: goes behind the others. */
    ih_heap_set(&heap, &timers[0], 7);
    for (size_t i = 1; i <= TIMERS; i++) {
        assert_ptr_equal(ih_heap_first(&heap), &timers[i % TIMERS]);
        ih_heap_remove(&heap, &timers[i % TIMERS]);
    }
    assert_null(ih_heap_first(&heap));
}

static void waits_are_bounded(void **state)
{
    struct ih_heap heap = {0};

    (void)state;
    memset(timers, 0, sizeof timers);
    assert_int_equal(ih_heap_wait(&heap, 5, 100), -1);
    ih_heap_set(&heap, &timers[0], UINT64_MAX);
    assert_int_equal(ih_heap_wait(&heap, 5, 100), 100);
    assert_int_equal(ih_heap_wait(&heap, 0, INT64_MAX), INT64_MAX);
    ih_heap_set(&heap, &timers[1], 50);
    assert_int_equal(ih_heap_wait(&heap, 5, 100), 45);
    assert_int_equal(ih_heap_wait(&heap, 50, 100), 0);
    assert_int_equal(ih_heap_wait(&heap, 51, 100), 0);
    ih_heap_fini(&heap);
    assert_false(ih_timer_armed(&timers[0]) || ih_timer_armed(&timers[1]));
    assert_int_equal(ih_heap_wait(&heap, 51, 100), -1);
    assert_int_equal(ih_clock_after(10, 5), 15);
    assert_true(ih_clock_after(10, UINT64_MAX) == UINT64_MAX);
}

static void lists_keep_their_order(void **state)
{
    struct ih_list head;
    struct ih_list other;
    struct ih_list links[6];
    size_t n = 1;

    (void)state;
    ih_list_init(&head);
    ih_list_init(&other);
    assert_null(ih_list_first(&head));
    assert_null(ih_list_pop(&head));
    for (size_t i = 0; i < 6; i++)
        ih_list_init(&links[i]);
    ih_list_splice(&head, &other);
    assert_true(ih_list_empty(&head));
    ih_list_add_tail(&head, &links[2]);
    ih_list_add_head(&head, &links[1]);
    ih_list_add_tail(&other, &links[3]);
    ih_list_add_tail(&other, &links[4]);
    ih_list_splice(&head, &other);
    assert_true(ih_list_empty(&other));
    IH_LIST_EACH(pos, &head)
        assert_ptr_equal(pos, &links[n++]);
    assert_int_equal(n, 5);
    ih_list_del(&links[2]);
    assert_false(ih_list_linked(&links[2]));
    ih_list_del(&links[2]);
    ih_list_del(&links[5]);
    assert_ptr_equal(ih_list_pop(&head), &links[1]);
    n = 3;
    IH_LIST_EACH_SAFE(pos, next, &head) {
        assert_ptr_equal(pos, &links[n++]);
        ih_list_del(pos);
        memset(pos, 0, sizeof *pos);
    }
    assert_int_equal(n, 5);
    assert_true(ih_list_empty(&head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_earliest_comes_first),
        cmocka_unit_test(equal_deadlines_keep_their_order),
        cmocka_unit_test(waits_are_bounded),
        cmocka_unit_test(lists_keep_their_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
