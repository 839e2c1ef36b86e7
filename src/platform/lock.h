/* SPDX-License-Identifier: ISC */
/* A mutex, and waiting on a word that another thread changes. */
#ifndef IH_PLATFORM_LOCK_H
#define IH_PLATFORM_LOCK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

/* Owner: the struct it is in. Not recursive. */
struct ih_lock {
    pthread_mutex_t mutex;
};

void ih_lock_init(struct ih_lock *lock);
void ih_lock_fini(struct ih_lock *lock);

static inline void ih_lock_enter(struct ih_lock *lock)
{
    pthread_mutex_lock(&lock->mutex);
}

static inline void ih_lock_leave(struct ih_lock *lock)
{
    pthread_mutex_unlock(&lock->mutex);
}

/* Blocks while *word == expected, until ih_futex_wake, at most timeout_ms (-1: for ever). Returns 0 (woken, or the word
 * differed, or for no reason), -ETIMEDOUT, or -EINTR (a signal handler ran). */
int ih_futex_wait(_Atomic uint32_t *word, uint32_t expected, int timeout_ms);

/* Wakes everybody who waits on the word. */
void ih_futex_wake(_Atomic uint32_t *word);

#endif
