/* SPDX-License-Identifier: ISC */
/* Octets that wait. Messages are freed by ZeroMQ's threads: counts and holders are atomic. */
#include "libcurve/ledger.h"

#include <errno.h>
#include <stdlib.h>

/* A message on its way. Owner: the ZeroMQ message made of its octets, which calls arrived() at its end. */
struct carried {
    zmq_msg_t msg;
    struct ih_ledger *ledger; /* held */
    size_t size;
};

struct ih_ledger *ih_ledger_new(struct ih_ledger *total)
{
    struct ih_ledger *ledger = malloc(sizeof(*ledger));

    if (!ledger)
        return NULL;
    ledger->total = total;
    atomic_init(&ledger->octets, 0);
    atomic_init(&ledger->holders, 1);
    if (total)
        atomic_fetch_add_explicit(&total->holders, 1, memory_order_relaxed);
    return ledger;
}

void ih_ledger_release(struct ih_ledger *ledger)
{
    while (ledger && atomic_fetch_sub_explicit(&ledger->holders, 1, memory_order_acq_rel) == 1) {
        struct ih_ledger *total = ledger->total;

        free(ledger);
        ledger = total;
    }
}

bool ih_ledger_fits(const struct ih_ledger *ledger, size_t size, size_t limit)
{
    size_t total = atomic_load_explicit(&ledger->total->octets, memory_order_relaxed);
    size_t own = atomic_load_explicit(&ledger->octets, memory_order_relaxed);

    if (total > limit || size > limit - total)
        return false;
    return own == 0 || own <= (limit - total) / 2;
}

static void arrived(void *data, void *hint)
{
    struct carried *carried = hint;
    struct ih_ledger *ledger = carried->ledger;

    (void)data;
    atomic_fetch_sub_explicit(&ledger->octets, carried->size, memory_order_relaxed);
    atomic_fetch_sub_explicit(&ledger->total->octets, carried->size, memory_order_relaxed);
    (void)zmq_msg_close(&carried->msg);
    free(carried);
    ih_ledger_release(ledger);
}

int ih_ledger_carry(struct ih_ledger *ledger, zmq_msg_t *copy, zmq_msg_t *original)
{
    struct carried *carried = malloc(sizeof(*carried));

    if (!carried)
        return -ENOMEM;
    (void)zmq_msg_init(&carried->msg);
    if (zmq_msg_copy(&carried->msg, original) != 0)
        goto fail;
    carried->ledger = ledger;
    carried->size = zmq_msg_size(&carried->msg);
    if (zmq_msg_init_data(copy, zmq_msg_data(&carried->msg), carried->size, arrived, carried) != 0)
        goto fail;
    atomic_fetch_add_explicit(&ledger->holders, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&ledger->octets, carried->size, memory_order_relaxed);
    atomic_fetch_add_explicit(&ledger->total->octets, carried->size, memory_order_relaxed);
    return 0;
fail:
    (void)zmq_msg_close(&carried->msg);
    free(carried);
    return -ENOMEM;
}
