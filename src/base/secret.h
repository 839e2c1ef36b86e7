/* SPDX-License-Identifier: ISC */
/* Memory for keys and passwords. */
#ifndef IH_BASE_SECRET_H
#define IH_BASE_SECRET_H

#include <stddef.h>

/* Zeroed memory, aligned to 16, that is kept out of swap space and core dumps as far as the system's limit for locked
 * memory allows; beyond the limit it is ordinary memory. Small sizes (up to 128, up to 512 octets) share pages. NULL
 * when out of memory. Thread-safe, and safe in a forked child. */
void *ih_secret_alloc(size_t size);

/* Wipes and frees; NULL is fine. */
void ih_secret_free(void *secret);

#endif
