/* SPDX-License-Identifier: ISC */
/*
 * The authenticator's thread, and what it owns. It reads ZAP requests and its mailbox, and decides: no lock is needed for
 * anything here but the mailbox. What may take time (back ends) happens on other threads, which answer by mail.
 */
#ifndef IH_AUTH_ENGINE_H
#define IH_AUTH_ENGINE_H

#include <ironauth.h>
#include <pthread.h>

#include "auth/decision.h"
#include "auth/generation.h"
#include "auth/lists.h"
#include "auth/mailbox.h"
#include "auth/review.h"
#include "auth/wait.h"

#define AUTH_ENDPOINT "inproc://zeromq.zap.01" /* RFC 27, "Architecture" */

struct auth_serve;

/* Owner: the program, by ironauth_start and ironauth_stop. */
struct ironauth {
    /* ---- the authenticator's thread ---- */
    void *context;                      /* the program's; not to be used when router is NULL: it may be gone then */
    void *router;                       /* of ZAP; NULL: the context has ended */
    struct auth_generation *generation; /* what the configuration made */
    struct auth_lists lists;            /* what ironauth_curve_server made */
    struct auth_serve *serve;           /* NULL: this is no central service */
    struct auth_link sources;           /* all that are asked */
    struct auth_link decisions;         /* all under way */
    size_t decision_count;
    size_t voided; /* handler.c's: decisions of the handler's that are asked for anew */
    struct auth_wait wait;
    struct auth_scan scan;
    bool stopping; /* everything is answered "temporary" */
    bool quit;

    /* ---- other threads too ---- */
    char *file; /* the configuration's; NULL: none */
    bool quiet; /* without audit and metrics; both do not change */
    struct auth_mailbox mailbox;
    pthread_t thread;
    pthread_mutex_t setup; /* one of reload, curve_server, serve at a time; outside of all other locks */
    pthread_mutex_t lock;  /* of the rest */
    pthread_cond_t changed;
    size_t users; /* calls that are inside */
    bool closing;
};

/* As ironauth_start. quiet: without audit and metrics, which belong to the program that runs: for `ironauth check`. */
ironauth_t *auth_start(void *context, const char *file, bool quiet);

/* Opens the audit's file anew, and changes nothing else. Negative errno. */
int auth_audit_rotate(ironauth_t *auth);

/* The thread's loop. */
void *auth_engine_run(void *arg); /* the authenticator */

/* Runs function on the authenticator's thread and waits for its end. From other threads. */
void auth_engine_call(struct ironauth *auth, void (*function)(struct ironauth *auth, void *arg), void *arg);

/* All mail that was there has been delivered. From other threads. */
void auth_engine_flush(struct ironauth *auth);

/* Does the configuration let anybody into this domain by this mechanism, or leave that to a central service? From other
 * threads. */
bool auth_engine_opens(struct ironauth *auth, const char *domain, enum auth_mechanism mechanism);

/* Around every call of the program but the last. -ESHUTDOWN: it is being stopped. */
int auth_engine_enter(struct ironauth *auth);
void auth_engine_leave(struct ironauth *auth);

/* A source begins, or ends, to be asked. */
void auth_engine_add_source(struct ironauth *auth, struct auth_source *source);
void auth_engine_remove_source(struct ironauth *auth, struct auth_source *source);

/* What this source says may be another thing from now on. */
void auth_engine_changed(struct ironauth *auth, struct auth_source *source);

#endif
