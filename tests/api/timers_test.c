/* SPDX-License-Identifier: ISC */
/* zmq_timers_*: a set of timers that its owner asks when the next is due, and lets run. */
#include "support.h"

#include <errno.h>
#include <string.h>

#define RECORDS 64

/* What the handlers below did; reset before each test. */
static struct {
    void *timers;
    int calls;
    int ids[RECORDS];
    void *arguments[RECORDS];
} record;

static int set_up(void **state)
{
    memset(&record, 0, sizeof record);
    record.timers = zmq_timers_new();
    *state = record.timers;
    return record.timers ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return zmq_timers_destroy(&record.timers);
}

static void on_timer(int id, void *argument)
{
    if (record.calls < RECORDS) {
        record.ids[record.calls] = id;
        record.arguments[record.calls] = argument;
    }
    record.calls++;
}

/* As a program does: sleeps until the next timer is due and lets it run, until so many calls were made. */
static void run_until(void *timers, int calls)
{
    const int64_t end = now_ms() + DEADLINE_MS;
    while (record.calls < calls) {
        assert_true(now_ms() < end);
        const long timeout = zmq_timers_timeout(timers);
        assert_true(timeout >= 0);
        assert_ok(zmq_poll(NULL, 0, timeout));
        assert_ok(zmq_timers_execute(timers));
    }
}

static void test_no_timers(void **state)
{
    errno = 0;
    assert_int_equal(zmq_timers_timeout(*state), -1);
    assert_int_equal(errno, 0);
    assert_ok(zmq_timers_execute(*state));
}

static void test_errors(void **state)
{
    static uint64_t junk[64];
    void *const bad[] = {NULL, junk};
    for (int i = 0; i < 2; i++) {
        assert_fails(zmq_timers_add(bad[i], 1, on_timer, NULL), EFAULT);
        assert_fails(zmq_timers_cancel(bad[i], 1), EFAULT);
        assert_fails(zmq_timers_reset(bad[i], 1), EFAULT);
        assert_fails(zmq_timers_set_interval(bad[i], 1, 1), EFAULT);
        assert_fails(zmq_timers_execute(bad[i]), EFAULT);
        errno = 0;
        assert_int_equal(zmq_timers_timeout(bad[i]), -1);
        assert_int_equal(errno, EFAULT);
        void *handle = bad[i];
        assert_fails(zmq_timers_destroy(&handle), EFAULT);
    }
    assert_fails(zmq_timers_add(*state, 10, NULL, NULL), EFAULT);
    static const int unknown[] = {-1, 0, 1, 77};
    for (int i = 0; i < 4; i++) {
        assert_fails(zmq_timers_cancel(*state, unknown[i]), EINVAL);
        assert_fails(zmq_timers_reset(*state, unknown[i]), EINVAL);
        assert_fails(zmq_timers_set_interval(*state, unknown[i], 5), EINVAL);
    }
}

static void test_destroying(void **state)
{
    (void)state;
    void *timers = zmq_timers_new();
    assert_non_null(timers);
    assert_true(zmq_timers_add(timers, 1000, on_timer, NULL) > 0);
    assert_ok(zmq_timers_destroy(&timers));
    assert_null(timers);
    assert_fails(zmq_timers_destroy(&timers), EFAULT);
}

static void test_ids_are_counted_from_one(void **state)
{
    for (int i = 1; i <= 10; i++)
        assert_returns(zmq_timers_add(*state, 1000, on_timer, NULL), i);
    assert_ok(zmq_timers_cancel(*state, 10));
    assert_returns(zmq_timers_add(*state, 1000, on_timer, NULL), 11);
}

static void test_timeout_is_that_of_the_next(void **state)
{
    const int slow = zmq_timers_add(*state, 50000, on_timer, NULL);
    assert_in_range(zmq_timers_timeout(*state), 49000, 50000);
    const int fast = zmq_timers_add(*state, 20000, on_timer, NULL);
    assert_in_range(zmq_timers_timeout(*state), 19000, 20000);
    assert_ok(zmq_timers_cancel(*state, fast));
    assert_in_range(zmq_timers_timeout(*state), 49000, 50000);
    assert_ok(zmq_timers_set_interval(*state, slow, 30000));
    assert_in_range(zmq_timers_timeout(*state), 29000, 30000);
    assert_ok(zmq_timers_execute(*state));
    assert_int_equal(record.calls, 0);
    assert_ok(zmq_timers_cancel(*state, slow));
    assert_int_equal(zmq_timers_timeout(*state), -1);
    assert_fails(zmq_timers_cancel(*state, slow), EINVAL);
    assert_fails(zmq_timers_reset(*state, slow), EINVAL);
    assert_fails(zmq_timers_set_interval(*state, slow, 1), EINVAL);
    assert_true(zmq_timers_add(*state, 5000000000u, on_timer, NULL) > 0);
    assert_true(zmq_timers_timeout(*state) > 4999990000);
}

static void test_a_timer_comes_again_and_again(void **state)
{
    int argument;
    const int64_t begin = now_ms();
    const int id = zmq_timers_add(*state, 5, on_timer, &argument);
    run_until(*state, 10);
    assert_true(now_ms() - begin >= 10 * 5 - 1);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(record.ids[i], id);
        assert_ptr_equal(record.arguments[i], &argument);
    }
    assert_ok(zmq_timers_cancel(*state, id));
    assert_ok(zmq_timers_execute(*state));
    assert_int_equal(record.calls, 10);
}

static void test_in_the_order_of_their_times(void **state)
{
    const int third = zmq_timers_add(*state, 30, on_timer, NULL);
    const int first = zmq_timers_add(*state, 10, on_timer, NULL);
    const int second = zmq_timers_add(*state, 20, on_timer, NULL);
    /* All are due when they are let run, once each: a timer that comes late does not come twice. */
    assert_ok(zmq_poll(NULL, 0, 32));
    while (zmq_timers_timeout(*state) > 0)
        continue;
    assert_ok(zmq_timers_execute(*state));
    assert_int_equal(record.calls, 3);
    assert_int_equal(record.ids[0], first);
    assert_int_equal(record.ids[1], second);
    assert_int_equal(record.ids[2], third);
}

static void test_reset_starts_the_interval_anew(void **state)
{
    const int id = zmq_timers_add(*state, 20, on_timer, NULL);
    const int64_t begin = now_ms();
    assert_ok(zmq_poll(NULL, 0, 15));
    assert_ok(zmq_timers_reset(*state, id));
    assert_in_range(zmq_timers_timeout(*state), 0, 20);
    run_until(*state, 1);
    assert_true(now_ms() - begin >= 34);
}

static void cancel_itself(int id, void *argument)
{
    on_timer(id, argument);
    zmq_timers_cancel(record.timers, id);
}

static void test_a_handler_cancels_its_timer(void **state)
{
    zmq_timers_add(*state, 2, cancel_itself, NULL);
    run_until(*state, 1);
    assert_int_equal(zmq_timers_timeout(*state), -1);
    assert_ok(zmq_timers_execute(*state));
    assert_int_equal(record.calls, 1);
}

static void add_another(int id, void *argument)
{
    on_timer(id, argument);
    if (record.calls == 1)
        zmq_timers_add(record.timers, 3, on_timer, &record);
}

static void test_a_handler_adds_a_timer(void **state)
{
    const int id = zmq_timers_add(*state, 2, add_another, NULL);
    run_until(*state, 1);
    assert_ok(zmq_timers_cancel(*state, id));
    run_until(*state, 2);
    assert_ptr_equal(record.arguments[1], &record);
    assert_int_equal(record.ids[1], id + 1);
}

static void slow_down(int id, void *argument)
{
    on_timer(id, argument);
    zmq_timers_set_interval(record.timers, id, 40000);
}

static void test_a_handler_changes_its_interval(void **state)
{
    zmq_timers_add(*state, 2, slow_down, NULL);
    run_until(*state, 1);
    assert_in_range(zmq_timers_timeout(*state), 39000, 40000);
}

static void cancel_another(int id, void *argument)
{
    on_timer(id, argument);
    zmq_timers_cancel(record.timers, *(const int *)argument);
}

static void test_a_handler_cancels_another_timer(void **state)
{
    int victim;
    const int id = zmq_timers_add(*state, 1, cancel_another, &victim);
    victim = zmq_timers_add(*state, 40000, on_timer, NULL);
    run_until(*state, 1);
    assert_ok(zmq_timers_cancel(*state, id));
    assert_fails(zmq_timers_cancel(*state, victim), EINVAL);
    assert_int_equal(zmq_timers_timeout(*state), -1);
}

static void test_many_timers(void **state)
{
    int ids[200];
    for (int i = 0; i < 200; i++)
        ids[i] = zmq_timers_add(*state, (size_t)(20000 + (i * 37) % 200), on_timer, NULL);
    for (int i = 0; i < 200; i++)
        if ((i * 37) % 200 != 150)
            assert_ok(zmq_timers_cancel(*state, ids[i]));
    assert_in_range(zmq_timers_timeout(*state), 19150, 20150);
}

#define timers_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        timers_test(test_no_timers),
        timers_test(test_errors),
        timers_test(test_destroying),
        timers_test(test_ids_are_counted_from_one),
        timers_test(test_timeout_is_that_of_the_next),
        timers_test(test_a_timer_comes_again_and_again),
        timers_test(test_in_the_order_of_their_times),
        timers_test(test_reset_starts_the_interval_anew),
        timers_test(test_a_handler_cancels_its_timer),
        timers_test(test_a_handler_adds_a_timer),
        timers_test(test_a_handler_changes_its_interval),
        timers_test(test_a_handler_cancels_another_timer),
        timers_test(test_many_timers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
