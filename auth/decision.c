/* SPDX-License-Identifier: ISC */
#include "auth/decision.h"

#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/audit.h"
#include "auth/clock.h"
#include "auth/engine.h"
#include "auth/forward.h"
#include "auth/metrics.h"

/* More are answered "temporary" at once: what strangers can make us hold is bounded. */
enum { DECISIONS_MAX = 20000 };

void auth_verdict_set(struct auth_verdict *verdict, enum auth_status status, const char *backend, const char *format,
                      ...)
{
    va_list list;

    memset(verdict, 0, sizeof(*verdict));
    verdict->status = status;
    (void)snprintf(verdict->backend, sizeof(verdict->backend), "%s", backend);
    va_start(list, format);
    (void)vsnprintf(verdict->reason, sizeof(verdict->reason), format, list);
    va_end(list);
}

/* ---- whom to ask ---- */

bool auth_decision_route(struct ironauth *auth, const struct auth_request *request, struct auth_verdict *verdict,
                         struct auth_route *route)
{
    const struct auth_domain *domain = NULL;

    memset(route, 0, sizeof(*route));
    switch (auth_lists_apply(&auth->lists, request, verdict, &route->single)) {
    case AUTH_LIST_DECIDED:
        return true;
    case AUTH_LIST_ASK:
        return false;
    case AUTH_LIST_OTHER:
        break;
    }
    switch (auth_policy_apply(auth->generation->config, request, verdict, &domain, &route->rule)) {
    case AUTH_ASK:
        return false;
    case AUTH_FORWARD:
        route->rule = NULL;
        route->single = auth_generation_forward(auth->generation, (size_t)domain->forward);
        route->remote = true;
        return false;
    case AUTH_DECIDED:
        break;
    }
    return true;
}

struct auth_source *auth_route_source(const struct ironauth *auth, const struct auth_route *route, size_t index)
{
    if (route->rule)
        return index < route->rule->count ? auth_generation_backend(auth->generation, route->rule->backends[index])
                                          : NULL;
    return index == 0 ? route->single : NULL;
}

/* ---- its end ---- */

static uint64_t count_changes(const struct ironauth *auth, const struct auth_route *route)
{
    const struct auth_source *source;
    uint64_t changes = 0;

    for (size_t i = 0; (source = auth_route_source(auth, route, i)); i++)
        changes += source->changes;
    return changes;
}

/* A yes that was under way while something changed: whoever got in by it is looked at once more. */
static void look_again(struct ironauth *auth, const struct auth_decision *decision)
{
    struct auth_source *source;

    if (decision->verdict.status != AUTH_OK || decision->changes == count_changes(auth, &decision->route))
        return;
    for (size_t i = 0; (source = auth_route_source(auth, &decision->route, i)); i++)
        auth_review_overtaken(auth, source);
}

static void record(struct ironauth *auth, const struct auth_decision *decision)
{
    uint64_t took = auth_clock_us() - decision->started;
    const struct auth_generation *generation = auth->generation;

    if (decision->caller != AUTH_CALLER_ZAP && decision->caller != AUTH_CALLER_SERVICE)
        return;
    auth_audit_write(generation->audit, &decision->request, &decision->verdict, took);
    auth_metrics_decided(generation->metrics, decision->request.mechanism, decision->verdict.status,
                         decision->verdict.backend, took);
}

static void finish(struct ironauth *auth, struct auth_decision *decision)
{
    bool admitted = decision->admitted;

    auth_list_remove(&decision->link);
    auth->decision_count--;
    auth_wait_leave(auth, decision);
    if (admitted)
        auth_wait_learn(auth, decision);
    look_again(auth, decision);
    record(auth, decision);
    sodium_memzero(decision->request.password, sizeof(decision->request.password));
    decision->done(auth, decision);
}

void auth_decision_give_up(struct ironauth *auth, struct auth_decision *decision, const char *reason)
{
    auth_verdict_set(&decision->verdict, AUTH_TEMPORARY, "", "%s", reason);
    finish(auth, decision);
}

static void say_yes(struct auth_decision *decision, const struct auth_source *source, const struct auth_record *record,
                    const char *how)
{
    static const char *const what[AUTH_MECHANISMS] = {"the address", "the user and the password", "the key"};
    struct auth_verdict *verdict = &decision->verdict;

    auth_verdict_set(verdict, AUTH_OK, source->name, "%s %s %s", source->name, how, what[decision->request.mechanism]);
    (void)snprintf(verdict->user_id, sizeof(verdict->user_id), "%s", record->user_id);
    (void)snprintf(verdict->stamp, sizeof(verdict->stamp), "%s", record->stamp);
}

/* Somebody wants in with a password: the throttle counts what fails. */
static bool is_guess(const struct auth_decision *decision)
{
    return decision->request.mechanism == AUTH_MECHANISM_PLAIN &&
           (decision->caller == AUTH_CALLER_ZAP || decision->caller == AUTH_CALLER_SERVICE);
}

/* The source has no answer now. What it last said counts, while that is fresh; then "temporary", and nothing further: the
 * next source may know the same user otherwise. */
static void fall_back(struct ironauth *auth, struct auth_decision *decision, struct auth_source *source,
                      const char *why)
{
    uint64_t now = auth_clock_ms();
    struct auth_record record;
    bool guess = is_guess(decision);

    auth_verdict_set(&decision->verdict, AUTH_TEMPORARY, source->name, "%s %s", source->name, why);
    if (!guess || auth_wait_may_recall(auth, decision, now)) {
        if (auth_cache_get(source->cache, &decision->request, &record, now))
            say_yes(decision, source, &record, "is away, and knew lately");
        else if (guess && auth_cache_contradicts(source->cache, &decision->request, now))
            auth_wait_guessed(auth, decision, now);
    }
    finish(auth, decision);
}

/* ---- asking ---- */

static void ask_next(struct ironauth *auth, struct auth_decision *decision);

static void task_free(struct auth_task *task)
{
    sodium_memzero(task, sizeof(*task));
    free(task);
}

static void refuse(struct ironauth *auth, struct auth_decision *decision, const struct auth_source *source)
{
    bool plain = decision->request.mechanism == AUTH_MECHANISM_PLAIN;

    auth_verdict_set(&decision->verdict, AUTH_REFUSED, source->name, "%s%s", source->name,
                     auth_forward_is(source)    ? " refuses, and its audit says why"
                     : !plain                   ? ": a condition does not hold"
                     : decision->request.review ? ": the password is another one now, or a condition does not hold"
                                                : ": wrong password, or a condition does not hold");
    finish(auth, decision);
}

static void answered(struct ironauth *auth, struct auth_decision *decision, struct auth_source *source,
                     const struct auth_task *task)
{
    switch (task->rc) {
    case 0:
        say_yes(decision, source, &task->record, "knows");
        finish(auth, decision);
        break;
    case -ENOENT:
        decision->next++;
        ask_next(auth, decision);
        break;
    case -EACCES:
        refuse(auth, decision, source);
        break;
    case -EAGAIN:
        fall_back(auth, decision, source, "is away");
        break;
    case -EBUSY:
    case -ENOMEM:
        auth_verdict_set(&decision->verdict, AUTH_TEMPORARY, source->name, "%s cannot say now", source->name);
        finish(auth, decision);
        break;
    default:
        auth_verdict_set(&decision->verdict, AUTH_BROKEN, source->name, "%s: what is stored there is damaged",
                         source->name);
        finish(auth, decision);
    }
}

/* What is remembered: yes, and only until the source says anything else. A late yes that a change has overtaken is not. */
static void remember(const struct auth_task *task)
{
    struct auth_source *source = task->source;

    if (task->rc == 0 && task->changes == source->changes)
        auth_cache_put(source->cache, &task->request, &task->record, auth_clock_ms());
    else if (task->rc == -EACCES)
        auth_cache_refused(source->cache, &task->request);
    else if (task->rc == -ENOENT || task->rc == -EBADMSG)
        auth_cache_drop(source->cache, &task->request);
}

static void show_away(struct ironauth *auth, struct auth_source *source, bool away)
{
    atomic_store(&source->away, away);
    auth_metrics_away(auth->generation->metrics, source->name, away);
}

/* Mail: a task comes back. */
static void deliver(struct ironauth *auth, struct auth_mail *mail)
{
    struct auth_task *task = AUTH_LIST_OF(mail, struct auth_task, mail);
    struct auth_decision *decision = task->decision;
    struct auth_source *source = task->source;

    auth_list_remove(&task->pending);
    if (task->rc != -EBUSY && task->rc != -ENOMEM)
        show_away(auth, source, task->rc == -EAGAIN);
    remember(task);
    if (decision) {
        decision->task = NULL;
        answered(auth, decision, source, task);
    }
    task_free(task);
}

/* A service has a throttle of its own, in which a password may have to wait: else who guesses at a name, at times, keeps its
 * owner out. That the service is alive is seen by other things than its answer. */
static uint64_t patience(const struct auth_decision *decision, const struct auth_source *source)
{
    bool slowed =
        decision->route.remote && decision->request.mechanism == AUTH_MECHANISM_PLAIN && !decision->request.review;

    return (uint64_t)source->timeout + (slowed ? AUTH_THROTTLE_LONGEST : 0);
}

static void await(struct auth_source *source, struct auth_task *task)
{
    struct auth_link *position = &source->pending;

    while (position->prev != &source->pending &&
           AUTH_LIST_OF(position->prev, struct auth_task, pending)->deadline > task->deadline)
        position = position->prev;
    auth_list_insert(position, &task->pending);
}

static struct auth_task *task_new(struct auth_decision *decision, struct auth_source *source)
{
    struct auth_task *task = calloc(1, sizeof(*task));

    if (!task)
        return NULL;
    auth_mail_init(&task->mail, deliver);
    auth_list_init(&task->queue);
    auth_list_init(&task->pending);
    task->source = source;
    task->decision = decision;
    task->request = decision->request;
    task->deadline = auth_clock_ms() + patience(decision, source);
    task->changes = source->changes;
    return task;
}

static void ask_next(struct ironauth *auth, struct auth_decision *decision)
{
    struct auth_source *source = auth_route_source(auth, &decision->route, decision->next);
    struct auth_task *task;

    if (!source) {
        auth_verdict_set(&decision->verdict, AUTH_REFUSED, "", "nobody who was asked knows this %s",
                         decision->request.mechanism == AUTH_MECHANISM_CURVE ? "key" : "user");
        finish(auth, decision);
        return;
    }
    task = task_new(decision, source);
    if (!task) {
        auth_decision_give_up(auth, decision, "no memory");
        return;
    }
    if (source->ops->submit(source, task) != 0) {
        task_free(task);
        fall_back(auth, decision, source, "is away, or too many ask it");
        return;
    }
    await(source, task);
    decision->task = task;
}

/* Nobody waits for the decision's task any more. */
static void abandon(struct auth_decision *decision)
{
    struct auth_task *task = decision->task;

    if (!task)
        return;
    decision->task = NULL;
    task->decision = NULL;
    if (!task->source->ops->cancel(task->source, task))
        return;
    auth_list_remove(&task->pending);
    task_free(task);
}

/* ---- its beginning ---- */

static void ask(struct ironauth *auth, struct auth_decision *decision)
{
    decision->next = 0;
    decision->changes = count_changes(auth, &decision->route);
    ask_next(auth, decision);
}

static void consider(struct ironauth *auth, struct auth_decision *decision)
{
    if (auth->stopping) {
        auth_decision_give_up(auth, decision, "the authenticator is being stopped");
        return;
    }
    if (auth_decision_route(auth, &decision->request, &decision->verdict, &decision->route)) {
        finish(auth, decision);
        return;
    }
    if (!is_guess(decision) || decision->route.remote || decision->admitted) {
        ask(auth, decision);
        return;
    }
    switch (auth_wait_admit(auth, decision)) {
    case 0:
        ask(auth, decision);
        break;
    case -EAGAIN:
        auth_decision_give_up(auth, decision, "too many attempts failed, or too many wait");
        break;
    default:
        break;
    }
}

void auth_decision_start(struct ironauth *auth, struct auth_decision *decision)
{
    auth_list_init(&decision->waiting);
    decision->admitted = false;
    decision->changes = 0;
    memset(&decision->route, 0, sizeof(decision->route));
    decision->task = NULL;
    decision->started = auth_clock_us();
    auth_list_insert(&auth->decisions, &decision->link);
    if (++auth->decision_count > DECISIONS_MAX)
        auth_decision_give_up(auth, decision, "too many are being decided");
    else
        consider(auth, decision);
}

/* The policy may have changed while it waited. */
void auth_decision_resume(struct ironauth *auth, struct auth_decision *decision)
{
    consider(auth, decision);
}

/* ---- all of them ---- */

void auth_decision_restart_all(struct ironauth *auth)
{
    struct auth_link all;

    auth_list_init(&all);
    auth_list_move(&auth->decisions, &all);
    for (struct auth_link *link = all.next; link != &all; link = link->next)
        abandon(AUTH_LIST_OF(link, struct auth_decision, link));
    while (!auth_list_empty(&all)) {
        struct auth_decision *decision = AUTH_LIST_OF(all.next, struct auth_decision, link);

        auth_list_remove(&decision->link);
        auth_list_insert(&auth->decisions, &decision->link);
        if (decision->caller == AUTH_CALLER_REVIEW) /* a new scan follows */
            auth_decision_give_up(auth, decision, "the configuration changed");
        else if (auth_list_empty(&decision->waiting) || decision->admitted)
            consider(auth, decision);
    }
}

void auth_decision_end_all(struct ironauth *auth)
{
    while (!auth_list_empty(&auth->decisions)) {
        struct auth_decision *decision = AUTH_LIST_OF(auth->decisions.next, struct auth_decision, link);

        abandon(decision);
        auth_decision_give_up(auth, decision, "the authenticator is being stopped");
    }
}

static uint64_t tick_source(struct ironauth *auth, struct auth_source *source, uint64_t now)
{
    while (!auth_list_empty(&source->pending)) {
        struct auth_task *task = AUTH_LIST_OF(source->pending.next, struct auth_task, pending);
        struct auth_decision *decision = task->decision;

        if (task->deadline > now)
            return task->deadline;
        auth_list_remove(&task->pending);
        if (!decision)
            continue;
        abandon(decision);
        fall_back(auth, decision, source, "has not answered in time");
    }
    return AUTH_NEVER;
}

uint64_t auth_decision_tick(struct ironauth *auth, uint64_t now)
{
    uint64_t next = AUTH_NEVER;

    for (struct auth_link *link = auth->sources.next; link != &auth->sources; link = link->next) {
        uint64_t when = tick_source(auth, AUTH_LIST_OF(link, struct auth_source, link), now);

        next = when < next ? when : next;
    }
    return next;
}
