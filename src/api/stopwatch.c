/* SPDX-License-Identifier: ISC */
/* zmq_stopwatch_*, zmq_sleep: helpers of programs that measure. */
#include <zmq.h>

#include <stdlib.h>
#include <unistd.h>

#include "api/error.h"
#include "base/clock.h"

/* Owner: the program, until it stops it. */
struct stopwatch {
    uint64_t start_us;
};

void *zmq_stopwatch_start(void)
{
    struct stopwatch *watch = malloc(sizeof *watch);

    if (!watch)
        return ih_api_fail_null(ENOMEM);
    watch->start_us = ih_clock_us();
    return watch;
}

unsigned long zmq_stopwatch_intermediate(void *watch)
{
    return watch ? (unsigned long)(ih_clock_us() - ((struct stopwatch *)watch)->start_us) : 0;
}

unsigned long zmq_stopwatch_stop(void *watch)
{
    unsigned long us = zmq_stopwatch_intermediate(watch);

    free(watch);
    return us;
}

void zmq_sleep(int seconds)
{
    if (seconds > 0)
        (void)sleep((unsigned)seconds);
}
