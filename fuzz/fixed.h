/* SPDX-License-Identifier: ISC */
/* Randomness that is the same for each input, so that what a fuzzer finds happens again. */
#ifndef IH_FUZZ_FIXED_H
#define IH_FUZZ_FIXED_H

#include <sodium.h>
#include <stdint.h>

static uint64_t fixed_state;

/* splitmix64 */
static uint64_t fixed_draw(void)
{
    uint64_t x = fixed_state += 0x9e3779b97f4a7c15u;

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static const char *fixed_name(void)
{
    return "fixed";
}

static uint32_t fixed_u32(void)
{
    return (uint32_t)fixed_draw();
}

static void fixed_buf(void *buf, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)buf)[i] = (uint8_t)fixed_draw();
}

static struct randombytes_implementation fixed_implementation = {
    .implementation_name = fixed_name,
    .random = fixed_u32,
    .buf = fixed_buf,
};

/* Begins anew. */
static void fixed_random(void)
{
    randombytes_set_implementation(&fixed_implementation);
    fixed_state = 1;
}

#endif
