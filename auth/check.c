/* SPDX-License-Identifier: ISC */
/* ironauth_check(3). */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "auth/engine.h"
#include "auth/error.h"
#include "auth/zap.h"

/* Owner: the caller's stack. done is guarded by ironauth.lock. */
struct check {
    struct auth_decision decision;
    struct ironauth *auth;
    bool done;
};

static void done(struct ironauth *auth, struct auth_decision *decision)
{
    struct check *check = AUTH_LIST_OF(decision, struct check, decision);

    (void)pthread_mutex_lock(&auth->lock);
    check->done = true;
    (void)pthread_cond_broadcast(&auth->changed);
    (void)pthread_mutex_unlock(&auth->lock);
}

static void start(struct ironauth *auth, void *arg)
{
    struct check *check = arg;

    auth_decision_start(auth, &check->decision);
}

static struct auth_frame text_frame(const char *text)
{
    return (struct auth_frame){text ? text : "", text ? strlen(text) : 0};
}

/* As a ZAP request, so that what no connection could ask is malformed here too. */
static int parse(const ironauth_request_t *request, struct auth_request *parsed, const char **why)
{
    struct auth_frame id, frames[AUTH_ZAP_FRAMES_MAX] = {text_frame("1.0"),
                                                         text_frame(""),
                                                         text_frame(request->domain),
                                                         text_frame(request->address),
                                                         text_frame(""),
                                                         text_frame(request->mechanism)};
    const char *mechanism = request->mechanism ? request->mechanism : "";
    size_t count = 6;

    if (strcmp(mechanism, "PLAIN") == 0) {
        frames[count++] = text_frame(request->user);
        frames[count++] = text_frame(request->password);
    } else if (strcmp(mechanism, "CURVE") == 0) {
        frames[count++] = (struct auth_frame){request->key, request->key ? AUTH_KEY_SIZE : 0};
    }
    return auth_zap_parse(parsed, &id, frames, count, why);
}

static void wait_for(struct check *check)
{
    struct ironauth *auth = check->auth;

    (void)pthread_mutex_lock(&auth->lock);
    while (!check->done)
        (void)pthread_cond_wait(&auth->changed, &auth->lock);
    (void)pthread_mutex_unlock(&auth->lock);
}

int ironauth_check(ironauth_t *auth, const ironauth_request_t *request, ironauth_verdict_t *verdict)
{
    struct check check = {.auth = auth, .decision = {.caller = AUTH_CALLER_CHECK, .done = done}};
    const char *why = NULL;
    int rc;

    if (!auth || !request || !verdict)
        return auth_error_set(-EFAULT, "an argument is NULL");
    memset(verdict, 0, sizeof(*verdict));
    rc = parse(request, &check.decision.request, &why);
    if (rc) {
        sodium_memzero(&check, sizeof(check));
        return auth_error_set(-EINVAL, "malformed request: %s", why ? why : "no such mechanism");
    }
    rc = auth_engine_enter(auth);
    if (rc) {
        sodium_memzero(&check, sizeof(check));
        return auth_error_set(rc, "the authenticator is being stopped");
    }
    auth_engine_call(auth, start, &check);
    wait_for(&check);
    auth_engine_leave(auth);
    verdict->status = (int)check.decision.verdict.status;
    (void)snprintf(verdict->user_id, sizeof(verdict->user_id), "%s", check.decision.verdict.user_id);
    (void)snprintf(verdict->reason, sizeof(verdict->reason), "%s", check.decision.verdict.reason);
    sodium_memzero(&check, sizeof(check));
    return 0;
}
