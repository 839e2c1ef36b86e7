/* SPDX-License-Identifier: ISC */
/*
 * Attempts to get in with a password that are not looked at yet: the throttle says later, or as many of this address or
 * user are being looked at as may at a time. Without this second bound, who opens a hundred connections at once has a
 * hundred guesses before the first failure counts.
 */
#ifndef IH_AUTH_WAIT_H
#define IH_AUTH_WAIT_H

#include "auth/list.h"
#include "auth/throttle.h"

struct ironauth;
struct auth_decision;

enum {
    AUTH_WAIT_ALL = 4096,      /* attempts that wait */
    AUTH_WAIT_ADDRESS = 64,    /* of one address, or what counts as one: throttle.h */
    AUTH_WAIT_AT_ONCE = 4,     /* that are looked at, of one such address and of one user */
    AUTH_WAIT_LONGEST = 30000, /* ms; who would have to wait longer is sent away: no handshake takes that long */
    AUTH_WAIT_ENTRIES = 16384, /* the throttle's memory */
};

/* Owner: the authenticator; its thread. */
struct auth_wait {
    struct auth_throttle *throttle;
    struct auth_link waiting;  /* decisions, in the order of their times */
    struct auth_link admitted; /* decisions being looked at */
    size_t count;              /* waiting */
};

int auth_wait_init(struct auth_wait *wait);
void auth_wait_fini(struct auth_wait *wait);

/* 0: go on. 1: it waits, and auth_decision_resume is called when it may go on. -EAGAIN: too many, or too long. */
int auth_wait_admit(struct ironauth *auth, struct auth_decision *decision);

/* The decision ends, or begins anew: it is looked at, and waits, no more. */
void auth_wait_leave(struct ironauth *auth, struct auth_decision *decision);

/* What came out of it: after leave. */
void auth_wait_learn(struct ironauth *auth, const struct auth_decision *decision);

/* While a source is away, passwords are compared with those that are remembered: that is guessing too. Whoever has not been
 * admitted (the source slows down by itself) must not be in the throttle's debt; and a wrong guess counts. */
bool auth_wait_may_recall(struct ironauth *auth, const struct auth_decision *decision, uint64_t now);
void auth_wait_guessed(struct ironauth *auth, const struct auth_decision *decision, uint64_t now);

/* Resumes those whose time has come; returns when the next one's does, ms, or AUTH_NEVER. */
uint64_t auth_wait_tick(struct ironauth *auth, uint64_t now);

#endif
