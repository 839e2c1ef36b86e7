/* SPDX-License-Identifier: ISC */
/* Events that wait for the application to read them (curve_monitor). What is not read is merged or left out, so that
 * nobody who causes events makes us hold ever more; but DELIVERED and UNDELIVERED never are: DELIVERED speaks of all
 * messages up to a number, and would be a lie if an UNDELIVERED before it was left out. */
#ifndef IH_LIBCURVE_EVENTS_H
#define IH_LIBCURVE_EVENTS_H

#include <stdbool.h>
#include <stddef.h>

#include <curve.h>

#include "base/list.h"
#include "base/map.h"

enum {
    IH_EVENTS_MAX = 1000, /* of each kind that wait */
    IH_EVENTS_KINDS = 3,  /* of those that may be left out */
};

/* Owner: a worker. */
struct ih_events {
    struct ih_list order; /* the oldest first */
    struct ih_map merged; /* those that others are merged with, by what they say and of whom */
    size_t counts[IH_EVENTS_KINDS];
    bool uncertain; /* an UNDELIVERED was lost for want of memory: no DELIVERED is believed any more */
};

void ih_events_init(struct ih_events *events);
void ih_events_fini(struct ih_events *events);

/* SUSPECT, REFUSED and UNREACHABLE come to say in `number` how many of them are merged. */
void ih_events_add(struct ih_events *events, const curve_event_t *event);

/* The next one to be read; false: none. It stays until ih_events_taken. */
bool ih_events_next(const struct ih_events *events, curve_event_t *event);
void ih_events_taken(struct ih_events *events);

#endif
