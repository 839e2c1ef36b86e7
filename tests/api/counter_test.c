/* SPDX-License-Identifier: ISC */
/* The small helpers of zmq.h: atomic counters, the stopwatch, threads. */
#include "support.h"

#include <limits.h>
#include <stdatomic.h>

static void test_counting(void **state)
{
    (void)state;
    void *counter = zmq_atomic_counter_new();
    assert_non_null(counter);
    assert_int_equal(zmq_atomic_counter_value(counter), 0);
    /* Counting up returns what was there before; counting down, whether anything is left. */
    assert_int_equal(zmq_atomic_counter_inc(counter), 0);
    assert_int_equal(zmq_atomic_counter_inc(counter), 1);
    assert_int_equal(zmq_atomic_counter_inc(counter), 2);
    assert_int_equal(zmq_atomic_counter_value(counter), 3);
    assert_int_equal(zmq_atomic_counter_dec(counter), 1);
    assert_int_equal(zmq_atomic_counter_dec(counter), 1);
    assert_int_equal(zmq_atomic_counter_dec(counter), 0);
    assert_int_equal(zmq_atomic_counter_value(counter), 0);
    zmq_atomic_counter_set(counter, 41);
    assert_int_equal(zmq_atomic_counter_inc(counter), 41);
    assert_int_equal(zmq_atomic_counter_value(counter), 42);
    zmq_atomic_counter_destroy(&counter);
    assert_null(counter);
    zmq_atomic_counter_destroy(&counter);
    assert_null(counter);
}

static void test_counting_below_zero(void **state)
{
    (void)state;
    void *counter = zmq_atomic_counter_new();
    assert_int_equal(zmq_atomic_counter_dec(counter), 1);
    assert_int_equal(zmq_atomic_counter_value(counter), -1);
    assert_int_equal(zmq_atomic_counter_dec(counter), 1);
    zmq_atomic_counter_set(counter, -5);
    assert_int_equal(zmq_atomic_counter_inc(counter), -5);
    assert_int_equal(zmq_atomic_counter_value(counter), -4);
    zmq_atomic_counter_set(counter, INT_MAX);
    assert_int_equal(zmq_atomic_counter_inc(counter), INT_MAX);
    assert_int_equal(zmq_atomic_counter_value(counter), INT_MIN);
    zmq_atomic_counter_destroy(&counter);
}

#define THREADS 4
#define STEPS 50000

static atomic_int zeros;

static void count_up(void *argument)
{
    for (int i = 0; i < STEPS; i++)
        zmq_atomic_counter_inc(argument);
}

static void count_down(void *argument)
{
    for (int i = 0; i < STEPS; i++)
        if (zmq_atomic_counter_dec(argument) == 0)
            atomic_fetch_add(&zeros, 1);
}

static void run_threads(zmq_thread_fn *function, void *counter)
{
    void *threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        threads[i] = zmq_threadstart(function, counter);
        assert_non_null(threads[i]);
    }
    for (int i = 0; i < THREADS; i++)
        zmq_threadclose(threads[i]);
}

static void test_counting_in_several_threads(void **state)
{
    (void)state;
    void *counter = zmq_atomic_counter_new();
    run_threads(count_up, counter);
    assert_int_equal(zmq_atomic_counter_value(counter), THREADS * STEPS);
    atomic_store(&zeros, 0);
    run_threads(count_down, counter);
    assert_int_equal(zmq_atomic_counter_value(counter), 0);
    assert_int_equal(atomic_load(&zeros), 1);
    zmq_atomic_counter_destroy(&counter);
}

static void set_int_to_7(void *argument)
{
    *(int *)argument = 7;
}

static void test_threads(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        int value = 0;
        void *thread = zmq_threadstart(set_int_to_7, &value);
        assert_non_null(thread);
        zmq_threadclose(thread);
        assert_int_equal(value, 7);
    }
}

static void echo_once(void *argument)
{
    char buffer[16];
    const int size = zmq_recv(argument, buffer, sizeof buffer, 0);
    if (size >= 0)
        zmq_send(argument, buffer, (size_t)size, 0);
}

static void test_a_thread_with_a_socket(void **state)
{
    struct world *world = *state;
    struct ends ends = join_pair(world, "inproc", ZMQ_REP, ZMQ_REQ);
    void *thread = zmq_threadstart(echo_once, ends.bound);
    send_str(ends.connected, "hello");
    expect_str(ends.connected, "hello");
    zmq_threadclose(thread);
}

static void test_stopwatch(void **state)
{
    (void)state;
    const int64_t begin = now_ms();
    void *watch = zmq_stopwatch_start();
    assert_non_null(watch);
    const unsigned long first = zmq_stopwatch_intermediate(watch);
    assert_ok(zmq_poll(NULL, 0, 20));
    const unsigned long second = zmq_stopwatch_intermediate(watch);
    const unsigned long last = zmq_stopwatch_stop(watch);
    const unsigned long most = (unsigned long)(now_ms() - begin + 1) * 1000;
    assert_true(second >= first + 19000);
    assert_true(last >= second);
    assert_true(last <= most);
}

static void test_sleep(void **state)
{
    (void)state;
    const int64_t begin = now_ms();
    zmq_sleep(0);
    assert_true(now_ms() - begin < DEADLINE_MS);
    zmq_sleep(1);
    assert_true(now_ms() - begin >= 999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counting),
        cmocka_unit_test(test_counting_below_zero),
        cmocka_unit_test(test_counting_in_several_threads),
        cmocka_unit_test(test_threads),
        world_test(test_a_thread_with_a_socket),
        cmocka_unit_test(test_stopwatch),
        cmocka_unit_test(test_sleep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
