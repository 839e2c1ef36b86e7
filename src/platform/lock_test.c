/* SPDX-License-Identifier: ISC */
/* The mutex, the futex, and threads. */
#include "platform/lock.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "platform/thread.h"

enum { THREADS = 4, ROUNDS = 20000 };

struct shared {
    struct ih_lock lock;
    unsigned count;
    _Atomic uint32_t word;
    _Atomic uint32_t waiting;
    char name[16];
    sigset_t blocked;
    cpu_set_t cpus;
};

static void count_up(void *arg)
{
    struct shared *shared = arg;
    for (int i = 0; i < ROUNDS; i++) {
        ih_lock_enter(&shared->lock);
        shared->count++;
        ih_lock_leave(&shared->lock);
    }
}

static void lock_excludes(void **state)
{
    (void)state;
    struct shared shared = {.count = 0};
    struct ih_thread threads[THREADS];
    ih_lock_init(&shared.lock);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(ih_thread_start(&threads[i], NULL, count_up, &shared), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        ih_thread_join(&threads[i]);
    }
    assert_int_equal(shared.count, THREADS * ROUNDS);
    ih_lock_fini(&shared.lock);
}

static void futex_returns_at_once_if_the_word_differs(void **state)
{
    (void)state;
    _Atomic uint32_t word = 1;
    errno = EBADF;
    assert_int_equal(ih_futex_wait(&word, 0, -1), 0);
    assert_int_equal(errno, EBADF);
}

static void futex_times_out_and_not_before(void **state)
{
    (void)state;
    _Atomic uint32_t word = 0;
    struct timespec before, after;
    assert_int_equal(ih_futex_wait(&word, 0, 0), -ETIMEDOUT);
    clock_gettime(CLOCK_MONOTONIC, &before);
    while (ih_futex_wait(&word, 0, 30) != -ETIMEDOUT) {
    }
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true((after.tv_sec - before.tv_sec) * 1000000000L + after.tv_nsec - before.tv_nsec >= 30000000L);
}

static void wait_for_change(void *arg)
{
    struct shared *shared = arg;
    atomic_fetch_add(&shared->waiting, 1);
    while (atomic_load(&shared->word) == 0) {
        (void)ih_futex_wait(&shared->word, 0, -1);
    }
}

static void futex_wakes_everybody(void **state)
{
    (void)state;
    struct shared shared = {.count = 0};
    struct ih_thread threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(ih_thread_start(&threads[i], NULL, wait_for_change, &shared), 0);
    }
    while (atomic_load(&shared.waiting) < THREADS) {
        sched_yield();
    }
    atomic_store(&shared.word, 1);
    ih_futex_wake(&shared.word);
    for (int i = 0; i < THREADS; i++) {
        ih_thread_join(&threads[i]);
    }
}

static void on_alarm(int signal)
{
    (void)signal;
}

static void futex_reports_signals(void **state)
{
    (void)state;
    _Atomic uint32_t word = 0;
    struct sigaction action = {.sa_handler = on_alarm}, old;
    struct itimerspec spec = {.it_value.tv_nsec = 1000000, .it_interval.tv_nsec = 1000000};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    timer_t timer;
    int rc = 0;
    assert_int_equal(sigaction(SIGUSR1, &action, &old), 0);
    assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    assert_int_equal(timer_settime(timer, 0, &spec, NULL), 0);
    while (rc == 0) {
        rc = ih_futex_wait(&word, 0, 10000);
    }
    assert_int_equal(rc, -EINTR);
    assert_int_equal(timer_delete(timer), 0);
    assert_int_equal(sigaction(SIGUSR1, &old, NULL), 0);
}

static void look_around(void *arg)
{
    struct shared *shared = arg;
    (void)pthread_getname_np(pthread_self(), shared->name, sizeof(shared->name));
    (void)pthread_sigmask(SIG_SETMASK, NULL, &shared->blocked);
    (void)pthread_getaffinity_np(pthread_self(), sizeof(shared->cpus), &shared->cpus);
}

static int first_cpu(void)
{
    cpu_set_t mine;
    int cpu = 0;
    assert_int_equal(pthread_getaffinity_np(pthread_self(), sizeof(mine), &mine), 0);
    while (!CPU_ISSET((size_t)cpu, &mine)) {
        cpu++;
    }
    return cpu;
}

static void thread_is_as_configured(void **state)
{
    (void)state;
    const int cpus[] = {first_cpu(), -1, 1000000};
    struct ih_thread_config config = {"a-name-of-twenty-oct", SCHED_BATCH, -1, cpus, 3};
    struct shared shared = {.count = 0};
    struct ih_thread thread;
    sigset_t before, after;
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &before), 0);
    assert_int_equal(ih_thread_start(&thread, &config, look_around, &shared), 0);
    ih_thread_join(&thread);
    assert_string_equal(shared.name, "a-name-of-twent");
    assert_int_equal(sigismember(&shared.blocked, SIGINT), 1);
    assert_int_equal(sigismember(&shared.blocked, SIGUSR1), 1);
    assert_int_equal(CPU_COUNT(&shared.cpus), 1);
    assert_true(CPU_ISSET((size_t)cpus[0], &shared.cpus));
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
    assert_int_equal(sigismember(&after, SIGINT), sigismember(&before, SIGINT));
}

/* What the system refuses is left as it was; the thread runs all the same. */
static void thread_runs_whatever_is_refused(void **state)
{
    (void)state;
    const int cpus[] = {CPU_SETSIZE - 1};
    const int policies[] = {SCHED_OTHER, SCHED_FIFO, 12345, -1};
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        struct ih_thread_config config = {NULL, policies[i], 1, cpus, 1};
        struct shared shared = {.count = 0};
        struct ih_thread thread;
        ih_lock_init(&shared.lock);
        assert_int_equal(ih_thread_start(&thread, &config, count_up, &shared), 0);
        ih_thread_join(&thread);
        assert_int_equal(shared.count, ROUNDS);
        ih_lock_fini(&shared.lock);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lock_excludes),
        cmocka_unit_test(futex_returns_at_once_if_the_word_differs),
        cmocka_unit_test(futex_times_out_and_not_before),
        cmocka_unit_test(futex_wakes_everybody),
        cmocka_unit_test(futex_reports_signals),
        cmocka_unit_test(thread_is_as_configured),
        cmocka_unit_test(thread_runs_whatever_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
