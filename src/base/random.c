/* SPDX-License-Identifier: ISC */
/* Random octets, by libsodium, which asks the kernel and so keeps no state that a fork would copy. */
#include "base/random.h"

#include <errno.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdbool.h>

int ih_random_init(void)
{
    static atomic_bool done;

    if (atomic_load_explicit(&done, memory_order_acquire))
        return 0;
    /* Thread-safe, and harmless when it was called before. */
    if (sodium_init() < 0)
        return -ENOTSUP;
    atomic_store_explicit(&done, true, memory_order_release);
    return 0;
}

void ih_random(void *out, size_t size)
{
    randombytes_buf(out, size);
}

uint64_t ih_random_u64(void)
{
    uint64_t value;

    randombytes_buf(&value, sizeof value);
    return value;
}

uint32_t ih_random_below(uint32_t limit)
{
    return randombytes_uniform(limit);
}
