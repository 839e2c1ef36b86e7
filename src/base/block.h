/* SPDX-License-Identifier: ISC */
/* Memory for the content of messages.
 *
 * Messages are made by one thread and freed by another, thousands at a time; malloc answers that by growing and trimming
 * the heap, and most of a sender's time goes to page faults (docs/architecture.md has the measurement). So blocks are
 * kept: some by each thread, without a lock, and some in a common store, through which they find their way back. */
#ifndef IH_BASE_BLOCK_H
#define IH_BASE_BLOCK_H

#include <stddef.h>

/* size octets aligned to 16, or NULL. Any thread. */
void *ih_block_alloc(size_t size);

/* size: the one it was allocated with. Any thread. */
void ih_block_free(void *block, size_t size);

#endif
