/* SPDX-License-Identifier: ISC */
/* Mutexes and futexes. */
#include "platform/lock.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Adaptive: the lock is held for short work only, so that to spin a little is cheaper than to sleep. */
void ih_lock_init(struct ih_lock *lock)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
    pthread_mutex_init(&lock->mutex, &attr);
    pthread_mutexattr_destroy(&attr);
}

void ih_lock_fini(struct ih_lock *lock)
{
    pthread_mutex_destroy(&lock->mutex);
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
