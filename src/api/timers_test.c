/* SPDX-License-Identifier: ISC */
/* Repeating timers, by the public functions alone. */
#include <zmq.h>

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NEVER = 3600 * 1000 };

/* What the handlers did. */
static void *timers;
static int calls;
static int order[8];
static int victim;

static void reset(void)
{
    timers = zmq_timers_new();
    assert_non_null(timers);
    calls = 0;
    victim = 0;
}

static void destroy(void)
{
    assert_int_equal(zmq_timers_destroy(&timers), 0);
    assert_null(timers);
}

static void record(int id, void *arg)
{
    (void)arg;
    if (calls < 8)
        order[calls] = id;
    calls++;
}

static void cancel_self(int id, void *arg)
{
    record(id, arg);
    assert_int_equal(zmq_timers_cancel(timers, id), 0);
}

static void cancel_victim(int id, void *arg)
{
    record(id, arg);
    assert_int_equal(zmq_timers_cancel(timers, victim), 0);
}

static void put_off_self(int id, void *arg)
{
    record(id, arg);
    assert_int_equal(zmq_timers_set_interval(timers, id, NEVER), 0);
}

static void add_another(int id, void *arg)
{
    record(id, arg);
    assert_true(zmq_timers_add(timers, NEVER, record, NULL) > 0);
    assert_int_equal(zmq_timers_cancel(timers, id), 0);
}

/* Runs what is due until the handlers were called so often. */
static void execute_until(int expected)
{
    while (calls < expected) {
        long timeout = zmq_timers_timeout(timers);

        assert_in_range(timeout, 0, 1000);
        (void)poll(NULL, 0, (int)timeout);
        assert_int_equal(zmq_timers_execute(timers), 0);
    }
}

static void errors_are_told(void **state)
{
    void *none = NULL;
    void *junk = calloc(1, 4096);

    (void)state;
    errno = 0;
    assert_int_equal(zmq_timers_add(NULL, 1, record, NULL), -1);
    assert_int_equal(errno, EFAULT);
    assert_int_equal(zmq_timers_cancel(NULL, 1), -1);
    assert_int_equal(zmq_timers_reset(NULL, 1), -1);
    assert_int_equal(zmq_timers_set_interval(NULL, 1, 1), -1);
    assert_int_equal(zmq_timers_execute(NULL), -1);
    errno = 0;
    assert_int_equal(zmq_timers_timeout(NULL), -1);
    assert_int_equal(errno, EFAULT);
    assert_int_equal(zmq_timers_destroy(&none), -1);
    errno = 0;
    assert_int_equal(zmq_timers_timeout(junk), -1);
    assert_int_equal(errno, EFAULT);
    free(junk);

    reset();
    errno = 0;
    assert_int_equal(zmq_timers_add(timers, 1, NULL, NULL), -1);
    assert_int_equal(errno, EFAULT);
    errno = 0;
    assert_int_equal(zmq_timers_cancel(timers, 1), -1);
    assert_int_equal(errno, EINVAL);
    errno = 0;
    assert_int_equal(zmq_timers_reset(timers, 1), -1);
    assert_int_equal(errno, EINVAL);
    errno = 0;
    assert_int_equal(zmq_timers_set_interval(timers, 1, 1), -1);
    assert_int_equal(errno, EINVAL);
    destroy();
}

static void no_timer_is_no_error(void **state)
{
    (void)state;
    reset();
    errno = 0;
    assert_int_equal(zmq_timers_timeout(timers), -1);
    assert_int_equal(errno, 0);
    assert_int_equal(zmq_timers_execute(timers), 0);
    destroy();
}

static void ids_count_from_one_and_cancel_once(void **state)
{
    (void)state;
    reset();
    assert_int_equal(zmq_timers_add(timers, NEVER, record, NULL), 1);
    assert_int_equal(zmq_timers_add(timers, NEVER, record, NULL), 2);
    assert_int_equal(zmq_timers_cancel(timers, 1), 0);
    errno = 0;
    assert_int_equal(zmq_timers_cancel(timers, 1), -1);
    assert_int_equal(errno, EINVAL);
    assert_in_range(zmq_timers_timeout(timers), NEVER / 2, NEVER);
    assert_int_equal(zmq_timers_add(timers, NEVER, record, NULL), 3);
    destroy();
}

static void timers_repeat(void **state)
{
    (void)state;
    reset();
    assert_int_equal(zmq_timers_add(timers, 2, record, NULL), 1);
    execute_until(3);
    assert_int_equal(order[2], 1);
    assert_int_equal(zmq_timers_cancel(timers, 1), 0);
    assert_int_equal(zmq_timers_timeout(timers), -1);
    destroy();
}

static void the_earlier_deadline_comes_first(void **state)
{
    (void)state;
    reset();
    assert_int_equal(zmq_timers_add(timers, 60, put_off_self, NULL), 1);
    assert_int_equal(zmq_timers_add(timers, 3, put_off_self, NULL), 2);
    assert_int_equal(zmq_timers_add(timers, NEVER, put_off_self, NULL), 3);
    assert_int_equal(zmq_timers_set_interval(timers, 3, 30), 0);
    execute_until(3);
    assert_int_equal(order[0], 2);
    assert_int_equal(order[1], 3);
    assert_int_equal(order[2], 1);
    assert_in_range(zmq_timers_timeout(timers), NEVER / 2, NEVER);
    destroy();
}

static void handlers_may_change_the_set(void **state)
{
    (void)state;
    reset();
    assert_int_equal(zmq_timers_add(timers, 1, cancel_self, NULL), 1);
    execute_until(1);
    assert_int_equal(zmq_timers_timeout(timers), -1);
    assert_int_equal(zmq_timers_add(timers, 1, add_another, NULL), 2);
    execute_until(2);
    assert_in_range(zmq_timers_timeout(timers), NEVER / 2, NEVER);
    assert_int_equal(zmq_timers_cancel(timers, 3), 0);
    destroy();
}

/* The victim is due at the same time or later, and behind the one that cancels it. */
static void a_timer_that_was_cancelled_does_not_fire(void **state)
{
    (void)state;
    reset();
    assert_int_equal(zmq_timers_add(timers, 1, cancel_victim, NULL), 1);
    victim = zmq_timers_add(timers, 1, record, NULL);
    assert_int_equal(victim, 2);
    execute_until(1);
    assert_int_equal(calls, 1);
    assert_int_equal(order[0], 1);
    assert_int_equal(zmq_timers_cancel(timers, victim), -1);
    destroy();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_told),
        cmocka_unit_test(no_timer_is_no_error),
        cmocka_unit_test(ids_count_from_one_and_cancel_once),
        cmocka_unit_test(timers_repeat),
        cmocka_unit_test(the_earlier_deadline_comes_first),
        cmocka_unit_test(handlers_may_change_the_set),
        cmocka_unit_test(a_timer_that_was_cancelled_does_not_fire),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
