/* SPDX-License-Identifier: ISC */
/* A keyed hash for tables whose keys peers choose. */
#ifndef IH_BASE_HASH_H
#define IH_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* SipHash-2-4 under a key that is drawn once a process, so that nobody outside can make keys collide. Thread-safe. */
uint64_t ih_hash(const void *data, size_t size);

#endif
