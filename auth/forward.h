/* SPDX-License-Identifier: ISC */
/*
 * The client's end of a central service: a source that asks servers which run `ironauth serve`, by ZAP (RFC 27) over
 * CURVE, and a few messages more (wire.h). The first server that is known to answer is asked; where one does not
 * answer within its share of the time limit the next one is asked too.
 */
#ifndef IH_AUTH_FORWARD_H
#define IH_AUTH_FORWARD_H

#include <zmq.h>

#include "auth/config.h"
#include "auth/source.h"

struct auth_forward;

/* config: borrowed until it is closed. Fails with ironauth_error() set. Waits for nobody. */
int auth_forward_open(struct auth_forward **forward, const struct auth_forward_config *config, void *context);

/* The authenticator's thread is gone, or asks it no more. */
void auth_forward_close(struct auth_forward *forward);

struct auth_source *auth_forward_source(struct auth_forward *forward);

/* Whether it is a central service's, which does not tell why it refuses. */
bool auth_forward_is(const struct auth_source *source);

/* ---- the authenticator's thread ---- */

/* What it waits for; returns their number, at most room. */
size_t auth_forward_items(const struct auth_forward *forward, zmq_pollitem_t *items, size_t room);

/* Reads what has come. */
void auth_forward_read(struct ironauth *auth, struct auth_forward *forward);

/* Looks at the time, and at what can be sent; returns when to look again, ms. */
uint64_t auth_forward_tick(struct ironauth *auth, struct auth_forward *forward, uint64_t now);

#endif
