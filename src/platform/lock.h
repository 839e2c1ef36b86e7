/* SPDX-License-Identifier: ISC */
/* A mutex, and waiting on a word that another thread changes. */
#ifndef IH_PLATFORM_LOCK_H
#define IH_PLATFORM_LOCK_H

#include <stdatomic.h>
#include <stdint.h>

/* One turn of a loop that waits for another processor. */
#if defined(__x86_64__) || defined(__i386__)
#define ih_relax() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define ih_relax() __asm__ volatile("yield")
#else
#define ih_relax() ((void)0)
#endif

enum { IH_LOCK_FREE, IH_LOCK_HELD, IH_LOCK_WAITED }; /* WAITED: held, and somebody sleeps until it is free */

/* Owner: the struct it is in. Not recursive. A word, because it is taken and left once or twice a message: inline, that
 * is half of what a pthread_mutex_t costs. */
struct ih_lock {
    _Atomic uint32_t word;
};

static inline void ih_lock_init(struct ih_lock *lock)
{
    atomic_init(&lock->word, IH_LOCK_FREE);
}

static inline void ih_lock_fini(struct ih_lock *lock)
{
    (void)lock;
}

/* Spins a little, for locks are held for short work only, then sleeps. */
void ih_lock_enter_slow(struct ih_lock *lock);
void ih_lock_wake(struct ih_lock *lock);

static inline void ih_lock_enter(struct ih_lock *lock)
{
    uint32_t expected = IH_LOCK_FREE;

    if (!atomic_compare_exchange_strong_explicit(&lock->word, &expected, IH_LOCK_HELD, memory_order_acquire,
                                                 memory_order_relaxed))
        ih_lock_enter_slow(lock);
}

static inline void ih_lock_leave(struct ih_lock *lock)
{
    if (atomic_exchange_explicit(&lock->word, IH_LOCK_FREE, memory_order_release) == IH_LOCK_WAITED)
        ih_lock_wake(lock);
}

/* Blocks while *word == expected, until ih_futex_wake, at most timeout_ms (-1: for ever). Returns 0 (woken, or the word
 * differed, or for no reason), -ETIMEDOUT, or -EINTR (a signal handler ran). */
int ih_futex_wait(_Atomic uint32_t *word, uint32_t expected, int timeout_ms);

/* Wakes everybody who waits on the word. */
void ih_futex_wake(_Atomic uint32_t *word);

#endif
