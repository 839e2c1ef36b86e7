/* SPDX-License-Identifier: ISC */
/*
 * One decision: from the request, past the policy and the throttle, through the sources in their order, to the verdict.
 * All of it on the authenticator's thread.
 *
 *   start -> decided by the policy -------------------------------------------------> done
 *         -> PLAIN: waits in the throttle -> (the policy again) -> asks a source ---> done
 *         -> asks a source: yes, or no of one who knows ----------------------------> done
 *                           unknown there: the next one; after the last: refused ---> done
 *                           away, too late, too many: what it last said, or 300 ----> done
 */
#ifndef IH_AUTH_DECISION_H
#define IH_AUTH_DECISION_H

#include "auth/config.h"
#include "auth/list.h"
#include "auth/source.h"

struct ironauth;

/* Whom to ask, in which order: the back ends of a rule, or one source. */
struct auth_route {
    const struct auth_rule *rule; /* of the generation's configuration */
    struct auth_source *single;   /* if rule is NULL */
    bool remote;                  /* a central service: it slows down guessing itself */
};

enum auth_caller { AUTH_CALLER_ZAP, AUTH_CALLER_SERVICE, AUTH_CALLER_CHECK, AUTH_CALLER_REVIEW };

/* Owner: who started it; it lies in something of theirs. Lives until done. The last, done, is called exactly once, perhaps
 * before auth_decision_start returns, and may free it. */
struct auth_decision {
    struct auth_link link; /* ironauth.decisions */
    struct auth_request request;
    struct auth_verdict verdict;
    enum auth_caller caller;
    void (*done)(struct ironauth *auth, struct auth_decision *decision);
    uint64_t started; /* us */
    struct auth_route route;
    size_t next;            /* in the route */
    struct auth_task *task; /* under way, or NULL */
    uint64_t changes;       /* of all the route's sources, that were noticed before the first was asked */
    /* wait.c's */
    struct auth_link waiting;
    uint64_t when;  /* ms */
    uint64_t place; /* the throttle's, of the address */
    bool turn;      /* the throttle gave it this time */
    bool admitted;
};

/* The request, caller and done are set. */
void auth_decision_start(struct ironauth *auth, struct auth_decision *decision);

/* What the policy says: true if that decides. */
bool auth_decision_route(struct ironauth *auth, const struct auth_request *request, struct auth_verdict *verdict,
                         struct auth_route *route);

/* The route's source at this place, NULL: behind the last. */
struct auth_source *auth_route_source(const struct ironauth *auth, const struct auth_route *route, size_t index);

/* It has waited long enough. */
void auth_decision_resume(struct ironauth *auth, struct auth_decision *decision);

/* It is answered "temporary". */
void auth_decision_give_up(struct ironauth *auth, struct auth_decision *decision, const char *reason);

/* All that are under way begin anew: the policy is another one. */
void auth_decision_restart_all(struct ironauth *auth);

/* All that are under way are answered "temporary". */
void auth_decision_end_all(struct ironauth *auth);

/* Looks at deadlines; returns the next, ms, or AUTH_NEVER. */
uint64_t auth_decision_tick(struct ironauth *auth, uint64_t now);

/* Sets a whole verdict. */
__attribute__((format(printf, 4, 5))) void auth_verdict_set(struct auth_verdict *verdict, enum auth_status status,
                                                            const char *backend, const char *format, ...);

#endif
