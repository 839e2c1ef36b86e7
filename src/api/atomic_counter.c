/* SPDX-License-Identifier: ISC */
/* zmq_atomic_counter_*: a counter for any number of threads. */
#include <zmq.h>

#include <stdatomic.h>
#include <stdlib.h>

#include "api/error.h"

/* Owner: the program, until it destroys it. */
struct counter {
    atomic_int value;
};

void *zmq_atomic_counter_new(void)
{
    struct counter *counter = malloc(sizeof *counter);

    if (!counter)
        return ih_api_fail_null(ENOMEM);
    atomic_init(&counter->value, 0);
    return counter;
}

void zmq_atomic_counter_set(void *counter, int value)
{
    atomic_store(&((struct counter *)counter)->value, value);
}

int zmq_atomic_counter_inc(void *counter)
{
    return atomic_fetch_add(&((struct counter *)counter)->value, 1);
}

int zmq_atomic_counter_dec(void *counter)
{
    /* Programs release what the counter guards when it reaches 0. */
    return atomic_fetch_sub(&((struct counter *)counter)->value, 1) == 1 ? 0 : 1;
}

int zmq_atomic_counter_value(void *counter)
{
    return atomic_load(&((struct counter *)counter)->value);
}

void zmq_atomic_counter_destroy(void **counter)
{
    if (!counter)
        return;
    free(*counter);
    *counter = NULL;
}
