/* SPDX-License-Identifier: ISC */
/* How other threads speak to the authenticator's: a queue, and a descriptor that is readable while something is in it. */
#ifndef IH_AUTH_MAILBOX_H
#define IH_AUTH_MAILBOX_H

#include <pthread.h>
#include <stdbool.h>

#include "auth/list.h"

struct ironauth;

/* Lies in what it tells of. From post to deliver it belongs to the mailbox. */
struct auth_mail {
    struct auth_link link;
    bool posted;                                                    /* under the mailbox's lock */
    void (*deliver)(struct ironauth *auth, struct auth_mail *mail); /* on the authenticator's thread */
};

/* Owner: the authenticator. Thread-safe. */
struct auth_mailbox {
    pthread_mutex_t lock;
    struct auth_link mails;
    int fd;
};

int auth_mailbox_init(struct auth_mailbox *mailbox);
void auth_mailbox_fini(struct auth_mailbox *mailbox);

void auth_mail_init(struct auth_mail *mail, void (*deliver)(struct ironauth *auth, struct auth_mail *mail));

/* Does nothing if it is in there already. Never blocks, never fails. */
void auth_mailbox_post(struct auth_mailbox *mailbox, struct auth_mail *mail);

/* The next one, NULL: there is none. */
struct auth_mail *auth_mailbox_take(struct auth_mailbox *mailbox);

#endif
