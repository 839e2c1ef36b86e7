/* SPDX-License-Identifier: ISC */
/* Looking host names up without blocking a caller: a few threads of the context's own, started when first needed. */
#ifndef IH_CORE_RESOLVER_H
#define IH_CORE_RESOLVER_H

#include <stdbool.h>

#include "platform/lock.h"
#include "platform/net.h"

struct ih_resolve;
struct ih_resolver_core;

/* Owner: the context. Guarded by its own lock, which comes after any socket's. */
struct ih_resolver {
    struct ih_lock lock;
    struct ih_resolver_core *core; /* NULL until the first question */
};

void ih_resolver_init(struct ih_resolver *resolver);

/* Every job must have been taken or cancelled. Does not wait for a name server: a lookup in progress goes on in a
 * thread that nobody needs any more, and its result is dropped. */
void ih_resolver_fini(struct ih_resolver *resolver);

/* Called once on a thread of the resolver when a lookup is done, with no lock held. It enters the lock that guards the
 * job's owner and calls ih_resolver_take, which tells whether there is an owner still. */
typedef void ih_resolved_fn(void *arg, struct ih_resolve *job);

/* Looks the host in "[SRC;]HOST:PORT" up. The caller owns the job, *result, until ih_resolver_take or
 * ih_resolver_cancel. -ENOMEM, -EAGAIN (no thread). */
int ih_resolver_ask(struct ih_resolver *resolver, const char *text, bool ipv6, ih_resolved_fn *done, void *arg,
                    struct ih_resolve **result);

/* For the callback, or later; the job is gone afterwards. True: *result is 0 and *addr the address, or *result is a
 * negative errno (ih_net_resolve). False: the job was cancelled meanwhile; its owner may be gone, so only what arg
 * keeps alive may be touched. */
bool ih_resolver_take(struct ih_resolve *job, int *result, struct ih_addr *addr);

/* Never blocks; call it with the lock that guards the owner held. The job is gone afterwards. True: the callback
 * has not been called and never will be. False: it has been called, and where it has not taken the job yet, it will
 * find that it is cancelled. */
bool ih_resolver_cancel(struct ih_resolve *job);

#endif
