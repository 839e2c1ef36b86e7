/* SPDX-License-Identifier: ISC */
/* Allocations and system calls that fail on demand. The linker puts these between the library and the system (--wrap). */
#ifndef IH_TESTS_OWN_WRAP_H
#define IH_TESTS_OWN_WRAP_H

#include <stdbool.h>

enum shortage {
    SHORTAGE_MEMORY, /* malloc and its kin return NULL */
    SHORTAGE_SYSTEM, /* calls that make descriptors and threads fail with EMFILE, EAGAIN, ENOMEM */
};

/* Counts from now on; the call with this number (from 1) fails, on whatever thread, and no other. 0: none fails. */
void wrap_begin(enum shortage shortage, unsigned number);
/* Counts no more. Returns how many calls there were. */
unsigned wrap_end(void);

#endif
