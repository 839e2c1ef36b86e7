/* SPDX-License-Identifier: ISC */
/* Time that only goes forward. */
#ifndef IH_AUTH_CLOCK_H
#define IH_AUTH_CLOCK_H

#include <stdint.h>
#include <time.h>

#define AUTH_NEVER UINT64_MAX

static inline uint64_t auth_clock_us(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

static inline uint64_t auth_clock_ms(void)
{
    return auth_clock_us() / 1000;
}

#endif
