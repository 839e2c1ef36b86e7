/* SPDX-License-Identifier: ISC */
/*
 * Revocation: open connections are decided about again, and those that would be refused today are closed. On a libzmq that
 * cannot show its connections (stock libzmq) nothing happens here.
 *
 * A scan looks at all connections of the context. What the policy refuses is closed at once. Of the rest, those whose route
 * has a source that is due are put into that source's backlog, from where a few at a time become decisions; so a source that
 * is slow holds up no other one's. What cannot be decided, "temporary" or damaged, stays open, and the source is due again
 * after a while.
 *
 * Nobody slips through between a change and its scan: a yes that was under way then, and that the change may have overtaken,
 * makes its sources due once more (decision.c, look_again), and a connection whose handshake was not finished when the
 * scan looked is asked about anew (ironhouse.h).
 */
#ifndef IH_AUTH_REVIEW_H
#define IH_AUTH_REVIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ironauth;
struct auth_source;

/* Owner: the authenticator; its thread. */
struct auth_scan {
    bool policy_due;  /* the policy is another one */
    uint64_t last;    /* ms, when the last one was */
    uint64_t *doomed; /* connections to be closed at the end of the round */
    size_t doomed_count, doomed_room;
};

/* Begins what is due, goes on with what has begun, closes whom it must; returns when to come again, ms, or AUTH_NEVER. */
uint64_t auth_review_tick(struct ironauth *auth, uint64_t now);

/* What this source let in is looked at again, at the next scan. */
void auth_review_due(struct auth_source *source);

/* The same for a yes that a change has overtaken: not before the connection has had time to take that, or it would have to be
 * asked about anew, and be overtaken again. */
void auth_review_overtaken(struct ironauth *auth, struct auth_source *source);

/* Forgets the backlog. */
void auth_review_clear(struct auth_source *source);
void auth_review_fini(struct auth_scan *scan);

#endif
