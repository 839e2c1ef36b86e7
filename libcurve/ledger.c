/* SPDX-License-Identifier: ISC */
/* Octets that wait. Messages are freed by ZeroMQ's threads: counts and holders are atomic. */
#include "libcurve/ledger.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A message on its way. Owner: the ZeroMQ message made of its octets, which calls arrived() at its end. */
struct carried {
    struct ih_ledger *ledger; /* held */
    size_t size;
    uint8_t octets[];
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
    free(carried);
    ih_ledger_release(ledger);
}

int ih_ledger_carry(struct ih_ledger *ledger, zmq_msg_t *msg, const void *head, size_t head_size, zmq_msg_t *body)
{
    size_t body_size = zmq_msg_size(body);
    size_t size = head_size + body_size;
    struct carried *carried = malloc(sizeof(*carried) + size);

    if (!carried)
        return -ENOMEM;
    carried->ledger = ledger;
    carried->size = size;
    memcpy(carried->octets, head, head_size);
    if (body_size)
        memcpy(carried->octets + head_size, zmq_msg_data(body), body_size);
    if (zmq_msg_init_data(msg, carried->octets, size, arrived, carried) != 0) {
        free(carried);
        return -ENOMEM;
    }
    atomic_fetch_add_explicit(&ledger->holders, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&ledger->octets, size, memory_order_relaxed);
    atomic_fetch_add_explicit(&ledger->total->octets, size, memory_order_relaxed);
    return 0;
}
