/* SPDX-License-Identifier: ISC */
/* A back end with one session, and one that watches. Whatever fails here fails the test. */
#ifndef TESTS_AUTH_BACKENDS_USER_H
#define TESTS_AUTH_BACKENDS_USER_H

#include <pthread.h>

#include "auth/backend.h"

/* Owner: the test. */
struct user {
    const struct auth_backend_ops *ops;
    struct auth_settings settings;
    const char *const *properties; /* names and values by turns, NULL behind the last; or NULL */
    struct auth_backend *backend;
    struct auth_session *session;
    char url[256];
};

/* settings.get of user->properties; arg: the user. */
const char *user_property(const void *arg, const char *name);

void user_begin(struct user *user, const struct auth_backend_ops *ops, const char *url, const char *const *properties,
                int timeout);
void user_end(struct user *user);

/* A thread that watches, and says so each time by an octet. Owner: the test. */
struct watcher {
    struct user user;
    pthread_t thread;
    int stop;
    int heard[2];
};

/* Returns when it listens. */
void watcher_begin(struct watcher *watcher, const struct auth_backend_ops *ops, const char *url,
                   const char *const *properties, int timeout);
void watcher_end(struct watcher *watcher);

/* Waits for it to hear of a change. */
void expect_change(struct watcher *watcher);

#endif
