/* SPDX-License-Identifier: ISC */
/* Whom a server or peer can send to, and how many messages for each wait to be acknowledged: so that the caller of
 * curve_send learns at once that somebody is unknown or takes no more, and one that takes no more holds up nobody else. */
#ifndef IH_LIBCURVE_BOARD_H
#define IH_LIBCURVE_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <curve.h>

#include "base/list.h"
#include "base/map.h"
#include "platform/lock.h"

/* Owner: a virtual socket. The lock guards all of it: the application's thread reserves, the worker settles. */
struct ih_board {
    struct ih_lock lock;
    struct ih_map ends;       /* by id */
    struct ih_map newest;     /* by key: the live end that became ready last */
    struct ih_list order;     /* all ends, the newest first */
    bool open;                /* ends that are unknown may be sent to (a peer's) */
    size_t max_ends;          /* that are made by sending */
    size_t hwm;               /* messages for each */
    bool ended;               /* the worker is gone */
    _Atomic uint32_t changes; /* counts what settles: a sender that waits sleeps on it */
};

void ih_board_init(struct ih_board *board, bool open);
void ih_board_fini(struct ih_board *board);

/* Before anybody is sent to. */
void ih_board_limit(struct ih_board *board, size_t max_ends, size_t hwm);

/* Finds the end that name (an id, or a key) means, and takes one of its places for a message. Waits at most timeout_ms
 * (-1: for ever). 0 and the id; -EHOSTUNREACH, -EAGAIN, -EINVAL (the size), -EINTR, -ETERM, -ENOMEM. */
int ih_board_reserve(struct ih_board *board, const void *name, size_t size, int timeout_ms, uint8_t *id);

/* The place is that of message `number` now. -ENOMEM: then it is to be given back. */
int ih_board_commit(struct ih_board *board, const uint8_t *id, uint64_t number);

/* The place that was committed last is only reserved again. */
void ih_board_uncommit(struct ih_board *board, const uint8_t *id);

/* Gives a place back that was reserved. */
void ih_board_cancel(struct ih_board *board, const uint8_t *id);

/* ---- the worker ---- */

/* A session stands; NULL memory is ignored: then the end cannot be sent to until it is ready again. */
void ih_board_ready(struct ih_board *board, const uint8_t *id);
void ih_board_closed(struct ih_board *board, const uint8_t *id);

/* All messages up to this number, or this one alone, have come to an end. */
void ih_board_settle(struct ih_board *board, const uint8_t *id, uint64_t number, bool all);

/* Nobody waits any longer. */
void ih_board_end(struct ih_board *board);

#endif
