/* SPDX-License-Identifier: ISC */
/* Forked children. */
#include "core/fork.h"

#include <pthread.h>

#include "core/stable.h"

_Atomic uint32_t ih_fork_generation = 1;

static struct ih_stable *watched[2];

static void before(void)
{
    ih_lock_enter(&watched[0]->lock);
    ih_lock_enter(&watched[1]->lock);
}

static void in_parent(void)
{
    ih_lock_leave(&watched[1]->lock);
    ih_lock_leave(&watched[0]->lock);
}

static void in_child(void)
{
    atomic_fetch_add(&ih_fork_generation, 1);
    in_parent();
}

void ih_fork_watch(struct ih_stable *first, struct ih_stable *second)
{
    watched[0] = first;
    watched[1] = second;
    (void)pthread_atfork(before, in_parent, in_child);
}
