/* SPDX-License-Identifier: ISC */
/* The monotonic clock. */
#ifndef IH_BASE_CLOCK_H
#define IH_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Since some moment before the process started; never runs backwards. */
static inline uint64_t ih_clock_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline uint64_t ih_clock_us(void)
{
    return ih_clock_ns() / 1000u;
}

static inline uint64_t ih_clock_ms(void)
{
    return ih_clock_ns() / 1000000u;
}

/* now + delay, or the end of time. */
static inline uint64_t ih_clock_after(uint64_t now, uint64_t delay)
{
    return delay > UINT64_MAX - now ? UINT64_MAX : now + delay;
}

#endif
