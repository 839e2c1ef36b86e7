/* SPDX-License-Identifier: ISC */
#include "base/trash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/queue.h"

enum { MANY = 200 };

static int freed[MANY];
static size_t count;
static size_t nested, deepest;

static void note(void *data, void *hint)
{
    (void)data;
    freed[count++] = (int)(intptr_t)hint;
}

static struct ih_msg number(int i, ih_free_fn *ffn)
{
    static char data[1];
    struct ih_msg msg;

    assert_int_equal(ih_msg_init_data(&msg, data, 1, ffn, (void *)(intptr_t)i), 0);
    return msg;
}

static int setup(void **state)
{
    (void)state;
    count = nested = deepest = 0;
    return 0;
}

static void nothing_is_freed_before(void **state)
{
    struct ih_msg msg = number(7, note);

    (void)state;
    ih_msg_close(&msg);
    assert_int_equal(count, 0);
    assert_true(ih_trash.waits);
    ih_trash_empty();
    assert_int_equal(count, 1);
    assert_int_equal(freed[0], 7);
    assert_false(ih_trash.waits);
}

static void the_oldest_goes_first(void **state)
{
    struct ih_queue queues[2] = {{0}};

    (void)state;
    for (int i = 0; i < MANY; i++) {
        struct ih_msg msg = number(i, note);

        assert_int_equal(ih_queue_push(&queues[i / (MANY / 2)], &msg), 0);
    }
    ih_queue_clear(&queues[0]);
    ih_queue_clear(&queues[1]);
    assert_int_equal(count, 0);
    ih_trash_empty();
    assert_int_equal(count, MANY);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(freed[i], i);
}

/* As an application's, which sends or closes another message. */
static void call_back(void *data, void *hint)
{
    struct ih_msg msg = number((int)(intptr_t)hint, note);

    (void)data;
    nested++;
    if (nested > deepest)
        deepest = nested;
    ih_msg_close(&msg);
    ih_trash_empty();
    nested--;
}

static void free_functions_may_call_back(void **state)
{
    (void)state;
    for (int i = 0; i < MANY; i++) {
        struct ih_msg msg = number(i, call_back);

        ih_msg_close(&msg);
    }
    ih_trash_empty();
    assert_int_equal(count, MANY);
    assert_int_equal(deepest, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_is_freed_before, setup),
        cmocka_unit_test_setup(the_oldest_goes_first, setup),
        cmocka_unit_test_setup(free_functions_may_call_back, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
