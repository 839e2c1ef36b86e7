/* SPDX-License-Identifier: ISC */
#include "auth/watch.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "auth/thread.h"

/* Between two attempts to reach a back end that is away, ms. */
enum { PAUSE = 250 };

/* True: it is time to stop. */
static bool pause_or_stop(const struct auth_watch *watch)
{
    struct pollfd item = {.fd = watch->stop_fd, .events = POLLIN};

    return poll(&item, 1, PAUSE) > 0;
}

static void tell(const struct auth_watch *watch, bool away)
{
    atomic_store(&watch->source->away, away);
    /* Of a back end that went away nothing is known to have changed: what is remembered of it stays good. */
    if (!away)
        atomic_store(&watch->source->changed, true);
    auth_mailbox_post(watch->mailbox, &watch->source->news);
}

static void watch_session(const struct auth_watch *watch, struct auth_session *session)
{
    bool away = false;
    int rc;

    while ((rc = watch->ops->watch(session, watch->stop_fd)) != 0) {
        if (rc > 0) {
            away = false;
            tell(watch, false);
            continue;
        }
        if (!away)
            tell(watch, true);
        away = true;
        if (pause_or_stop(watch))
            return;
    }
}

static void *run(void *arg)
{
    const struct auth_watch *watch = arg;
    struct auth_session *session;

    while (watch->ops->begin(watch->backend, &session) != 0) {
        if (pause_or_stop(watch))
            return NULL;
    }
    watch_session(watch, session);
    watch->ops->end(session);
    return NULL;
}

int auth_watch_start(struct auth_watch *watch, const struct auth_backend_ops *ops, struct auth_backend *backend,
                     struct auth_source *source, struct auth_mailbox *mailbox)
{
    int rc;

    watch->ops = ops;
    watch->backend = backend;
    watch->source = source;
    watch->mailbox = mailbox;
    watch->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (watch->stop_fd < 0)
        return -errno;
    rc = auth_thread_start(&watch->thread, "ironauth/watch", run, watch);
    if (rc)
        (void)close(watch->stop_fd);
    return rc;
}

void auth_watch_stop(struct auth_watch *watch)
{
    uint64_t one = 1;

    while (write(watch->stop_fd, &one, sizeof(one)) < 0 && errno == EINTR)
        continue;
    (void)pthread_join(watch->thread, NULL);
    (void)close(watch->stop_fd);
}
