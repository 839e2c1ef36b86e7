/* SPDX-License-Identifier: ISC */
#include "auth/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "auth/thread.h"
#include "auth/watch.h"

/* Tasks in the order in which they are begun: reviews are few at a time; keys are quick beside hashing the passwords that
 * strangers try, which put off neither, nor take the places of others in the queue. */
enum kind { REVIEWS, KEYS, PASSWORDS, KINDS };

/* Owner: who opened it. lock guards queues, lengths, busy and stop; everything else is set before the threads begin. */
struct auth_pool {
    struct auth_source source;
    const struct auth_backend_ops *ops;
    struct auth_settings settings;
    struct auth_backend *backend;
    struct auth_mailbox *mailbox;
    struct auth_watch watch;
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct auth_link queues[KINDS];
    size_t lengths[KINDS];
    size_t busy; /* workers at other tasks than reviews */
    bool stop;
    size_t count;
    pthread_t threads[];
};

/* ---- a worker ---- */

static int find(const struct auth_backend_ops *ops, struct auth_session *session, struct auth_task *task)
{
    const struct auth_request *request = &task->request;
    int rc;

    if (request->mechanism == AUTH_MECHANISM_CURVE)
        return ops->find_key(session, request->key, &task->record);
    if (request->mechanism != AUTH_MECHANISM_PLAIN)
        return -EINVAL;
    if (!request->review)
        return ops->check_password(session, request->user, request->password, &task->record);
    rc = ops->find_user(session, request->user, &task->record);
    /* Who got in with a password that is another one today would not get in again. */
    if (rc == 0 && request->stamp[0] && task->record.stamp[0] && strcmp(request->stamp, task->record.stamp) != 0)
        return -EACCES;
    return rc;
}

static enum kind kind_of(const struct auth_task *task)
{
    if (task->request.review)
        return REVIEWS;
    return task->request.mechanism == AUTH_MECHANISM_PLAIN ? PASSWORDS : KEYS;
}

/* A worker is kept free for reviews, where there are several: hashing the passwords that strangers try is not to put off
 * the closing of connections. */
static struct auth_link *take_link(struct auth_pool *pool)
{
    struct auth_link *link = auth_list_take(&pool->queues[REVIEWS]);

    if (!link && (pool->busy == 0 || pool->busy + 1 < (size_t)pool->settings.sessions)) {
        link = auth_list_take(&pool->queues[KEYS]);
        link = link ? link : auth_list_take(&pool->queues[PASSWORDS]);
    }
    return link;
}

/* The next task, with the lock; NULL: stop. */
static struct auth_task *next_task(struct auth_pool *pool)
{
    struct auth_link *link = NULL;
    struct auth_task *task;

    while (!pool->stop && !(link = take_link(pool)))
        (void)pthread_cond_wait(&pool->filled, &pool->lock);
    if (!link)
        return NULL;
    task = AUTH_LIST_OF(link, struct auth_task, queue);
    pool->lengths[kind_of(task)]--;
    pool->busy += !task->request.review;
    return task;
}

static void *work(void *arg)
{
    struct auth_pool *pool = arg;
    struct auth_session *session = NULL;
    struct auth_task *task;
    bool review;

    (void)pthread_mutex_lock(&pool->lock);
    while ((task = next_task(pool))) {
        (void)pthread_mutex_unlock(&pool->lock);
        review = task->request.review;
        if (!session && pool->ops->begin(pool->backend, &session) != 0)
            session = NULL;
        task->rc = session ? find(pool->ops, session, task) : -EAGAIN;
        auth_mailbox_post(pool->mailbox, &task->mail); /* and it is no longer ours */
        (void)pthread_mutex_lock(&pool->lock);
        pool->busy -= !review;
    }
    (void)pthread_mutex_unlock(&pool->lock);
    if (session)
        pool->ops->end(session);
    return NULL;
}

/* ---- the source ---- */

static int submit(struct auth_source *source, struct auth_task *task)
{
    struct auth_pool *pool = AUTH_LIST_OF(source, struct auth_pool, source);
    enum kind kind = kind_of(task);
    int rc = -EAGAIN;

    (void)pthread_mutex_lock(&pool->lock);
    if (pool->lengths[kind] < AUTH_POOL_QUEUE && !pool->stop) {
        auth_list_insert(&pool->queues[kind], &task->queue);
        pool->lengths[kind]++;
        rc = 0;
        (void)pthread_cond_signal(&pool->filled);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return rc;
}

static bool cancel(struct auth_source *source, struct auth_task *task)
{
    struct auth_pool *pool = AUTH_LIST_OF(source, struct auth_pool, source);
    bool queued;

    (void)pthread_mutex_lock(&pool->lock);
    queued = !auth_list_empty(&task->queue);
    if (queued) {
        auth_list_remove(&task->queue);
        pool->lengths[kind_of(task)]--;
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return queued;
}

static const struct auth_source_ops source_ops = {submit, cancel};

struct auth_source *auth_pool_source(struct auth_pool *pool)
{
    return &pool->source;
}

/* ---- life ---- */

static void stop_workers(struct auth_pool *pool)
{
    struct auth_link *link;

    (void)pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    (void)pthread_cond_broadcast(&pool->filled);
    (void)pthread_mutex_unlock(&pool->lock);
    while (pool->count)
        (void)pthread_join(pool->threads[--pool->count], NULL);
    for (int kind = 0; kind < KINDS; kind++) {
        while ((link = auth_list_take(&pool->queues[kind]))) {
            struct auth_task *task = AUTH_LIST_OF(link, struct auth_task, queue);

            task->rc = -EAGAIN;
            auth_mailbox_post(pool->mailbox, &task->mail);
        }
    }
}

static int start_workers(struct auth_pool *pool)
{
    int rc = 0;

    for (size_t i = 0; i < (size_t)pool->settings.sessions && rc == 0; i++) {
        rc = auth_thread_start(&pool->threads[i], "ironauth/worker", work, pool);
        if (rc == 0)
            pool->count++;
    }
    if (rc)
        stop_workers(pool);
    return rc;
}

static int start(struct auth_pool *pool, const char **why)
{
    int rc = pool->ops->open(&pool->settings, &pool->backend, why);

    if (rc)
        return rc;
    rc = start_workers(pool);
    if (rc)
        goto close;
    rc = auth_watch_start(&pool->watch, pool->ops, pool->backend, &pool->source, pool->mailbox);
    if (rc == 0)
        return 0;
    stop_workers(pool);
close:
    pool->ops->close(pool->backend);
    return rc;
}

int auth_pool_open(struct auth_pool **pool_p, const struct auth_backend_ops *ops, const struct auth_settings *settings,
                   int fresh, struct auth_mailbox *mailbox, const char **why)
{
    size_t sessions = (size_t)settings->sessions;
    struct auth_pool *pool = calloc(1, sizeof(*pool) + sessions * sizeof(pool->threads[0]));
    int rc = -ENOMEM;

    *why = NULL;
    if (!pool)
        return rc;
    pool->ops = ops;
    pool->settings = *settings;
    pool->mailbox = mailbox;
    for (int kind = 0; kind < KINDS; kind++)
        auth_list_init(&pool->queues[kind]);
    rc = auth_source_init(&pool->source, &source_ops, settings->name, settings->timeout, fresh, false);
    if (rc)
        goto free;
    pool->source.review.limit = (sessions + 1) / 2; /* the other workers are for new connections */
    (void)pthread_mutex_init(&pool->lock, NULL);
    (void)pthread_cond_init(&pool->filled, NULL);
    rc = start(pool, why);
    if (rc == 0) {
        *pool_p = pool;
        return 0;
    }
    (void)pthread_cond_destroy(&pool->filled);
    (void)pthread_mutex_destroy(&pool->lock);
    auth_source_fini(&pool->source);
free:
    free(pool);
    return rc;
}

void auth_pool_stop(struct auth_pool *pool)
{
    auth_watch_stop(&pool->watch);
    stop_workers(pool);
    pool->ops->close(pool->backend);
    pool->backend = NULL;
}

void auth_pool_free(struct auth_pool *pool)
{
    (void)pthread_cond_destroy(&pool->filled);
    (void)pthread_mutex_destroy(&pool->lock);
    auth_source_fini(&pool->source);
    free(pool);
}
