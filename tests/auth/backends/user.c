/* SPDX-License-Identifier: ISC */
#include "user.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

const char *user_property(const void *arg, const char *name)
{
    const struct user *user = arg;

    for (const char *const *at = user->properties; at && *at; at += 2) {
        if (strcmp(at[0], name) == 0)
            return at[1];
    }
    return NULL;
}

void user_begin(struct user *user, const struct auth_backend_ops *ops, const char *url, const char *const *properties,
                int timeout)
{
    const char *error = NULL;

    *user = (struct user){.ops = ops, .properties = properties};
    assert_true(snprintf(user->url, sizeof user->url, "%s", url) < (int)sizeof user->url);
    user->settings = (struct auth_settings){
        .name = "test", .url = user->url, .timeout = timeout, .sessions = 4, .get = user_property, .arg = user};
    if (ops->open(&user->settings, &user->backend, &error) != 0)
        fail_msg("%s", error);
    assert_int_equal(ops->begin(user->backend, &user->session), 0);
}

void user_end(struct user *user)
{
    user->ops->end(user->session);
    user->ops->close(user->backend);
}

static void *watch_thread(void *arg)
{
    struct watcher *watcher = arg;
    int rc;

    while ((rc = watcher->user.ops->watch(watcher->user.session, watcher->stop)) != 0) {
        char octet = 'c';

        if (rc == 1)
            assert_int_equal(write(watcher->heard[1], &octet, 1), 1);
        else
            assert_int_equal(rc, -EAGAIN);
    }
    return NULL;
}

void expect_change(struct watcher *watcher)
{
    char octet;

    assert_int_equal(read(watcher->heard[0], &octet, 1), 1);
}

void watcher_begin(struct watcher *watcher, const struct auth_backend_ops *ops, const char *url,
                   const char *const *properties, int timeout)
{
    user_begin(&watcher->user, ops, url, properties, timeout);
    watcher->stop = eventfd(0, EFD_CLOEXEC);
    assert_int_equal(pipe(watcher->heard), 0);
    assert_int_equal(pthread_create(&watcher->thread, NULL, watch_thread, watcher), 0);
    expect_change(watcher);
}

void watcher_end(struct watcher *watcher)
{
    assert_int_equal(eventfd_write(watcher->stop, 1), 0);
    assert_int_equal(pthread_join(watcher->thread, NULL), 0);
    (void)close(watcher->stop);
    (void)close(watcher->heard[0]);
    (void)close(watcher->heard[1]);
    user_end(&watcher->user);
}
