/* SPDX-License-Identifier: ISC */
/* Telling a forked child from the process that made an object: the child has the objects but not the threads, and locks
 * may be held for ever. It may close handles and make a context of its own; everything else says EINTR. */
#ifndef IH_CORE_FORK_H
#define IH_CORE_FORK_H

#include <stdatomic.h>
#include <stdint.h>

struct ih_stable;

/* Number of forks between the first process and this one. */
extern _Atomic uint32_t ih_fork_generation;

static inline uint32_t ih_fork_gen(void)
{
    return atomic_load_explicit(&ih_fork_generation, memory_order_relaxed);
}

/* Registers the memory whose locks must be usable in a child; once per process. */
void ih_fork_watch(struct ih_stable *first, struct ih_stable *second);

#endif
