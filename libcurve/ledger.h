/* SPDX-License-Identifier: ISC */
/* How many octets wait in the relay's outgoing queues: for each peer, and for all. */
#ifndef IH_LIBCURVE_LEDGER_H
#define IH_LIBCURVE_LEDGER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <zmq.h>

/* Owner: everybody who holds it: the relay, its peers, and messages on their way, which may outlive both. */
struct ih_ledger {
    struct ih_ledger *total; /* held; NULL for the total itself */
    atomic_size_t octets;
    atomic_uint holders;
};

/* total: the ledger that counts for all, or NULL. NULL: no memory. */
struct ih_ledger *ih_ledger_new(struct ih_ledger *total);
void ih_ledger_release(struct ih_ledger *ledger); /* NULL is fine */

/* May that many more octets wait in this ledger, if all of them together may be limit? What is free is shared: a peer may
 * take up at most half of it, so that whatever others do, there is room for somebody who takes little. */
bool ih_ledger_fits(const struct ih_ledger *ledger, size_t size, size_t limit);

/* Makes msg one of head and body, counted in the ledger until ZeroMQ lets go of it. -ENOMEM. */
int ih_ledger_carry(struct ih_ledger *ledger, zmq_msg_t *msg, const void *head, size_t head_size, zmq_msg_t *body);

#endif
