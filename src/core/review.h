/* SPDX-License-Identifier: ISC */
/* All connections of a context that a ZAP handler let in, for the handler to look at again (ironhouse.h). */
#ifndef IH_CORE_REVIEW_H
#define IH_CORE_REVIEW_H

#include <stddef.h>
#include <stdint.h>

struct ih_ctx;
struct ih_props;

typedef void ih_review_fn(void *arg, uint64_t number, const struct ih_props *props);

/* Calls fn, with a socket's lock held, for each of them; questions under way are asked anew. Their number, or -ETERM, -ENOMEM.
 * No lock held. */
int ih_review(struct ih_ctx *ctx, ih_review_fn *fn, void *arg);

/* Closes those with these numbers. How many; or -ETERM, -ENOMEM. No lock held. */
int ih_review_close(struct ih_ctx *ctx, const uint64_t *numbers, size_t count);

#endif
