/* SPDX-License-Identifier: ISC */
/* The thread that waits for a back end's changes, and tells the authenticator. */
#ifndef IH_AUTH_WATCH_H
#define IH_AUTH_WATCH_H

#include <pthread.h>

#include "auth/source.h"

/* Owner: the pool. */
struct auth_watch {
    const struct auth_backend_ops *ops;
    struct auth_backend *backend;
    struct auth_source *source;
    struct auth_mailbox *mailbox;
    int stop_fd; /* an eventfd */
    pthread_t thread;
};

int auth_watch_start(struct auth_watch *watch, const struct auth_backend_ops *ops, struct auth_backend *backend,
                     struct auth_source *source, struct auth_mailbox *mailbox);
void auth_watch_stop(struct auth_watch *watch);

#endif
