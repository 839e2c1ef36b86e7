/* SPDX-License-Identifier: ISC */
/* Random octets for keys, nonces and jitter, by libsodium. */
#ifndef IH_BASE_RANDOM_H
#define IH_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Prepares libsodium; cheap when it was called before. Call it before anything else of libsodium is used (a context
 * does when it is made). Thread-safe. 0, -ENOTSUP. */
int ih_random_init(void);

/* Fills out. ih_random_init must have succeeded. Thread-safe, and safe in a forked child. */
void ih_random(void *out, size_t size);

uint64_t ih_random_u64(void);

/* Below limit, each value equally likely; 0 if limit is 0. For jitter. */
uint32_t ih_random_below(uint32_t limit);

#endif
