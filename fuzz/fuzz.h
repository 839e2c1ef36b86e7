/* SPDX-License-Identifier: ISC */
/* What every fuzz target implements: libFuzzer's entry point. */
#ifndef IH_FUZZ_FUZZ_H
#define IH_FUZZ_FUZZ_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy that a sanitizer sees the end of. The caller frees it. */
static inline uint8_t *fuzz_copy(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);

    assert(copy);
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

#endif
