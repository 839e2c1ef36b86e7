/* SPDX-License-Identifier: ISC */
/* Mutexes and futexes. */
#include "platform/lock.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SPINS = 100 };

void ih_lock_enter_slow(struct ih_lock *lock)
{
    for (int i = 0; i < SPINS; i++) {
        uint32_t expected = IH_LOCK_FREE;

        if (atomic_load_explicit(&lock->word, memory_order_relaxed) == IH_LOCK_FREE &&
            atomic_compare_exchange_weak_explicit(&lock->word, &expected, IH_LOCK_HELD, memory_order_acquire,
                                                  memory_order_relaxed))
            return;
        ih_relax();
    }
    while (atomic_exchange_explicit(&lock->word, IH_LOCK_WAITED, memory_order_acquire) != IH_LOCK_FREE)
        (void)syscall(SYS_futex, &lock->word, FUTEX_WAIT_PRIVATE, IH_LOCK_WAITED, NULL, NULL, 0);
}

void ih_lock_wake(struct ih_lock *lock)
{
    (void)syscall(SYS_futex, &lock->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

int ih_futex_wait(_Atomic uint32_t *word, uint32_t expected, int timeout_ms)
{
    struct timespec relative = {.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000L};
    const struct timespec *timeout = timeout_ms < 0 ? NULL : &relative; /* of CLOCK_MONOTONIC for this operation */
    int saved = errno;
    int rc = 0;
    if (syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, timeout, NULL, 0) != 0) {
        rc = errno == ETIMEDOUT || errno == EINTR ? -errno : 0;
    }
    errno = saved;
    return rc;
}

void ih_futex_wake(_Atomic uint32_t *word)
{
    int saved = errno;
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
    errno = saved;
}
