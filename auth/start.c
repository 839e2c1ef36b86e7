/* SPDX-License-Identifier: ISC */
/* ironauth_start(3), ironauth_reload(3), ironauth_stop(3). */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "auth/engine.h"
#include "auth/error.h"
#include "auth/serve.h"
#include "auth/thread.h"

/* ---- start ---- */

static int open_router(struct ironauth *auth, void *context)
{
    int zero = 0, error;

    auth->router = zmq_socket(context, ZMQ_ROUTER);
    if (!auth->router) {
        error = zmq_errno();
        return auth_error_set(-error, "no socket for ZAP: %s", zmq_strerror(error));
    }
    auth->context = context;
    if (zmq_setsockopt(auth->router, ZMQ_LINGER, &zero, sizeof(zero)) == 0 &&
        zmq_bind(auth->router, AUTH_ENDPOINT) == 0)
        return 0;
    error = zmq_errno();
    (void)zmq_close(auth->router);
    auth->router = NULL;
    return auth_error_set(-error, "%s: %s", AUTH_ENDPOINT,
                          error == EADDRINUSE ? "the context has a ZAP handler" : zmq_strerror(error));
}

static void free_all(struct ironauth *auth)
{
    auth_lists_fini(&auth->lists);
    auth_review_fini(&auth->scan);
    auth_wait_fini(&auth->wait);
    auth_mailbox_fini(&auth->mailbox);
    (void)pthread_cond_destroy(&auth->changed);
    (void)pthread_mutex_destroy(&auth->lock);
    (void)pthread_mutex_destroy(&auth->setup);
    free(auth->file);
    free(auth);
}

static struct ironauth *new_auth(void)
{
    struct ironauth *auth = calloc(1, sizeof(*auth));
    int rc;

    if (!auth || sodium_init() < 0) {
        free(auth);
        errno = ENOMEM;
        return NULL;
    }
    auth_list_init(&auth->sources);
    auth_list_init(&auth->decisions);
    rc = auth_mailbox_init(&auth->mailbox);
    if (rc) {
        free(auth);
        errno = -rc;
        return NULL;
    }
    (void)pthread_mutex_init(&auth->setup, NULL);
    (void)pthread_mutex_init(&auth->lock, NULL);
    (void)pthread_cond_init(&auth->changed, NULL);
    if (auth_wait_init(&auth->wait) == 0)
        return auth;
    free_all(auth);
    errno = ENOMEM;
    return NULL;
}

static int run(struct ironauth *auth, void *context, const char *file)
{
    int rc;

    if (file && !(auth->file = strdup(file)))
        return auth_error_set(-ENOMEM, "no memory");
    if (auth_generation_open(&auth->generation, file, auth->quiet, &auth->mailbox, NULL) != 0) {
        rc = errno;
        auth_generation_free(auth->generation); /* nobody reads the mailbox yet */
        errno = rc;
        return -1;
    }
    auth_generation_each(auth->generation, auth_engine_add_source, auth);
    if (open_router(auth, context) != 0)
        goto generation;
    rc = auth_thread_start(&auth->thread, "ironauth", auth_engine_run, auth);
    if (rc == 0)
        return 0;
    (void)zmq_close(auth->router);
    (void)auth_error_set(rc, "no thread: %s", strerror(-rc));
generation:
    rc = errno;
    auth_generation_stop(auth->generation);
    auth_generation_free(auth->generation);
    errno = rc;
    return -1;
}

ironauth_t *auth_start(void *context, const char *file, bool quiet)
{
    struct ironauth *auth = new_auth();
    int error;

    if (!auth) {
        (void)auth_error_set(-errno, "no authenticator: %s", strerror(errno));
        return NULL;
    }
    auth->quiet = quiet;
    if (run(auth, context, file) == 0)
        return auth;
    error = errno;
    free_all(auth);
    errno = error;
    return NULL;
}

ironauth_t *ironauth_start(void *context, const char *file)
{
    return auth_start(context, file, false);
}

/* ---- reload ---- */

static void due(struct ironauth *auth)
{
    auth->scan.policy_due = true;
    for (struct auth_link *link = auth->sources.next; link != &auth->sources; link = link->next)
        auth_review_due(AUTH_LIST_OF(link, struct auth_source, link));
}

/* On the authenticator's thread: arg is the new generation, and then the old one. */
static void swap(struct ironauth *auth, void *arg)
{
    struct auth_generation **generation = arg, *old = auth->generation;

    auth_generation_adopt(*generation, old);
    auth_generation_each(old, auth_engine_remove_source, auth);
    auth_generation_each(*generation, auth_engine_add_source, auth);
    auth->generation = *generation;
    *generation = old;
    auth_decision_restart_all(auth);
    due(auth);
    if (auth->serve)
        auth_serve_changed(auth);
}

static int reload(struct ironauth *auth)
{
    struct auth_generation *generation;
    int error;

    if (auth_generation_open(&generation, auth->file, auth->quiet, &auth->mailbox, auth->generation) != 0) {
        error = errno;
        auth_engine_flush(auth);
        auth_generation_free(generation);
        errno = error;
        return -1;
    }
    auth_engine_call(auth, swap, &generation);
    /* Nothing is submitted to the old one any more, and what its threads still answer is in the mailbox when they have
     * ended. */
    auth_generation_stop(generation);
    auth_engine_flush(auth);
    auth_generation_free(generation);
    return 0;
}

int ironauth_reload(ironauth_t *auth)
{
    int rc;

    if (!auth)
        return auth_error_set(-EFAULT, "no authenticator");
    rc = auth_engine_enter(auth);
    if (rc)
        return auth_error_set(rc, "the authenticator is being stopped");
    (void)pthread_mutex_lock(&auth->setup);
    rc = reload(auth);
    (void)pthread_mutex_unlock(&auth->setup);
    auth_engine_leave(auth);
    return rc;
}

/* ---- the audit alone ---- */

static void reopen(struct ironauth *auth, void *arg)
{
    *(int *)arg = auth_audit_reopen(auth->generation->audit);
}

int auth_audit_rotate(ironauth_t *auth)
{
    int rc = auth_engine_enter(auth);

    if (rc)
        return rc;
    auth_engine_call(auth, reopen, &rc);
    auth_engine_leave(auth);
    return rc;
}

/* ---- stop ---- */

static void stop_answering(struct ironauth *auth, void *arg)
{
    (void)arg;
    auth->stopping = true;
    auth_decision_end_all(auth);
}

static void quit(struct ironauth *auth, void *arg)
{
    (void)arg;
    auth->quit = true;
}

/* Other threads' calls end at once, since nothing is decided any more. */
static void wait_for_users(struct ironauth *auth)
{
    (void)pthread_mutex_lock(&auth->lock);
    while (auth->users)
        (void)pthread_cond_wait(&auth->changed, &auth->lock);
    (void)pthread_mutex_unlock(&auth->lock);
}

static void deliver_rest(struct ironauth *auth)
{
    struct auth_mail *mail;

    while ((mail = auth_mailbox_take(&auth->mailbox)))
        mail->deliver(auth, mail);
}

void ironauth_stop(ironauth_t **auth_p)
{
    struct ironauth *auth = auth_p ? *auth_p : NULL;

    if (!auth)
        return;
    *auth_p = NULL;
    (void)pthread_mutex_lock(&auth->lock);
    auth->closing = true;
    (void)pthread_mutex_unlock(&auth->lock);
    auth_engine_call(auth, stop_answering, NULL);
    wait_for_users(auth);
    auth_engine_call(auth, quit, NULL);
    (void)pthread_join(auth->thread, NULL);
    if (auth->serve)
        auth_serve_free(auth);
    auth_generation_stop(auth->generation);
    auth_lists_stop(&auth->lists);
    deliver_rest(auth);
    auth_generation_free(auth->generation);
    free_all(auth);
}
