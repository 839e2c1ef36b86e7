/* SPDX-License-Identifier: ISC */
/*
 * The contract between decisions and who knows: a pool of workers on a back end (pool.h), or a central service
 * (forward.h). All calls are made on the authenticator's thread, and none of them blocks.
 */
#ifndef IH_AUTH_SOURCE_H
#define IH_AUTH_SOURCE_H

#include <stdatomic.h>

#include "auth/backend.h"
#include "auth/cache.h"
#include "auth/mailbox.h"

struct auth_source;
struct auth_decision;

/*
 * One question to one source. Owner: the authenticator's thread, but between a successful submit and its delivery the
 * source, which writes record and rc alone. Errors are those of backend.h; from a central service also -EBUSY: it says
 * "temporary" itself, and what is remembered of it is no answer.
 */
struct auth_task {
    struct auth_mail mail;    /* brings it back */
    struct auth_link queue;   /* the source's own */
    struct auth_link pending; /* the authenticator's: source->pending */
    struct auth_source *source;
    struct auth_decision *decision; /* the authenticator's; NULL: nobody waits for it any more */
    struct auth_request request;
    struct auth_record record;
    int rc;
    uint64_t deadline; /* ms */
    uint64_t changes;  /* source->changes when it was submitted */
    /* forward.c's own */
    uint64_t number;
    uint64_t asked;        /* servers, a bit each */
    uint64_t since, share; /* ms: when the last one was asked, and how long it has */
};

struct auth_source_ops {
    /* 0: the task will be delivered. -EAGAIN: too many wait, or the source is known to be away: the task stays the caller's. */
    int (*submit)(struct auth_source *source, struct auth_task *task);

    /* True: it had not begun, and is the caller's again. False: it will be delivered. */
    bool (*cancel)(struct auth_source *source, struct auth_task *task);
};

/* The open connections that this source let in are looked at again: review.c's. */
struct auth_review {
    bool due;                 /* something changed: at the next scan */
    bool scanned;             /* the last scan was for it */
    bool retrying;            /* it is due for a retry alone */
    uint64_t pause;           /* ms before the next retry */
    uint64_t retry;           /* ms: due again then, since not everything could be decided; AUTH_NEVER */
    bool undecided;           /* in the run that is under way */
    struct auth_link backlog; /* of connections, slim */
    size_t running;           /* decisions under way */
    size_t limit;             /* of these */
};

/* Lies in a pool or in a central service's end, which owns it. Everything but news, changed and away belongs to the
 * authenticator's thread. */
struct auth_source {
    const struct auth_source_ops *ops;
    const char *name;
    int timeout; /* ms */
    struct auth_cache *cache;
    struct auth_link link;    /* ironauth.sources */
    struct auth_link pending; /* tasks, in the order of their deadlines */
    uint64_t changes;         /* that were noticed */
    struct auth_review review;
    struct auth_mail news; /* posted by the watch: it has set one of these */
    atomic_bool changed;   /* what is stored there may have changed */
    atomic_bool away;      /* cannot be reached; for the metrics */
};

/* fresh: seconds, of the cache; whole: as auth_cache_new. -ENOMEM. */
int auth_source_init(struct auth_source *source, const struct auth_source_ops *ops, const char *name, int timeout,
                     int fresh, bool whole);
void auth_source_fini(struct auth_source *source);

#endif
