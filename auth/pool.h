/* SPDX-License-Identifier: ISC */
/*
 * A back end at work: a bounded queue, settings.sessions threads with a session each, and one more thread that watches for
 * changes. So a slow back end fills its own queue and holds up nobody else.
 */
#ifndef IH_AUTH_POOL_H
#define IH_AUTH_POOL_H

#include "auth/source.h"

enum { AUTH_POOL_QUEUE = 2048 }; /* of passwords, of keys, and of reviews */

struct auth_pool;

/* settings: borrowed with what it points to until the pool is closed. fresh: seconds, of the cache. Tasks and changes come
 * to the mailbox. *why: what is wrong with the settings, as in backend.h. */
int auth_pool_open(struct auth_pool **pool, const struct auth_backend_ops *ops, const struct auth_settings *settings,
                   int fresh, struct auth_mailbox *mailbox, const char **why);

struct auth_source *auth_pool_source(struct auth_pool *pool);

/* Ends the threads: blocks while a back end is in a call, settings.timeout at most. Afterwards all tasks that it still had
 * are in the mailbox, and after these have been taken out (and the source's own mail) it may be freed. */
void auth_pool_stop(struct auth_pool *pool);
void auth_pool_free(struct auth_pool *pool);

#endif
