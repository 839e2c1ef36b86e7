/* SPDX-License-Identifier: ISC */
/* Threads of the library's own. */
#ifndef IH_PLATFORM_THREAD_H
#define IH_PLATFORM_THREAD_H

#include <pthread.h>
#include <stddef.h>

/* Owner: the struct it is in, from ih_thread_start until ih_thread_join or ih_thread_detach. */
struct ih_thread {
    pthread_t handle;
};

/* How a thread is to run; only read during ih_thread_start. */
struct ih_thread_config {
    const char *name; /* cut to 15 octets; NULL: the creator's */
    int policy;       /* SCHED_*, -1: the creator's */
    int priority;     /* of that policy; -1: none in particular. SCHED_OTHER, _BATCH and _IDLE: any makes nice -20 */
    const int *cpus;  /* the processors it may run on */
    size_t cpu_count; /* 0: the creator's */
};

/* Runs run(arg) in a new thread in which all signals are blocked. What the system refuses of policy, priority and
 * processors (it takes privileges) is left at the creator's. config may be NULL. -ENOMEM, -EAGAIN. */
int ih_thread_start(struct ih_thread *thread, const struct ih_thread_config *config, void (*run)(void *arg), void *arg);

/* Waits until it has returned. */
void ih_thread_join(struct ih_thread *thread);

/* Nobody will wait for it. */
void ih_thread_detach(struct ih_thread *thread);

#endif
