/* SPDX-License-Identifier: ISC */
#include "auth/engine.h"

#include <errno.h>
#include <limits.h>
#include <zmq.h>

#include "auth/clock.h"
#include "auth/handler.h"
#include "auth/serve.h"

enum { ITEMS_MAX = 256 }; /* mailbox, ZAP, the service's end, and servers that are asked */

/* ---- sources ---- */

void auth_engine_add_source(struct ironauth *auth, struct auth_source *source)
{
    auth_list_insert(&auth->sources, &source->link);
}

void auth_engine_remove_source(struct ironauth *auth, struct auth_source *source)
{
    (void)auth;
    auth_list_remove(&source->link);
}

void auth_engine_changed(struct ironauth *auth, struct auth_source *source)
{
    source->changes++;
    auth_review_due(source);
    auth_cache_clear(source->cache);
    if (auth->serve)
        auth_serve_changed(auth);
}

/* ---- from other threads ---- */

struct call {
    struct auth_mail mail;
    void (*function)(struct ironauth *auth, void *arg);
    void *arg;
    bool done;
};

static void deliver_call(struct ironauth *auth, struct auth_mail *mail)
{
    struct call *call = AUTH_LIST_OF(mail, struct call, mail);

    call->function(auth, call->arg);
    (void)pthread_mutex_lock(&auth->lock);
    call->done = true;
    (void)pthread_cond_broadcast(&auth->changed);
    (void)pthread_mutex_unlock(&auth->lock);
}

void auth_engine_call(struct ironauth *auth, void (*function)(struct ironauth *auth, void *arg), void *arg)
{
    struct call call = {.function = function, .arg = arg};

    auth_mail_init(&call.mail, deliver_call);
    auth_mailbox_post(&auth->mailbox, &call.mail);
    (void)pthread_mutex_lock(&auth->lock);
    while (!call.done)
        (void)pthread_cond_wait(&auth->changed, &auth->lock);
    (void)pthread_mutex_unlock(&auth->lock);
}

static void nothing(struct ironauth *auth, void *arg)
{
    (void)auth;
    (void)arg;
}

void auth_engine_flush(struct ironauth *auth)
{
    auth_engine_call(auth, nothing, NULL);
}

struct lookup {
    const char *domain;
    enum auth_mechanism mechanism;
    bool opens;
};

static void look_up(struct ironauth *auth, void *arg)
{
    struct lookup *lookup = arg;
    const struct auth_domain *domain = auth_config_domain(auth->generation->config, lookup->domain);
    const struct auth_rule *rule = domain ? &domain->rules[lookup->mechanism] : NULL;

    lookup->opens = domain && (domain->forward >= 0 || rule->everyone || rule->count);
}

bool auth_engine_opens(struct ironauth *auth, const char *domain, enum auth_mechanism mechanism)
{
    struct lookup lookup = {.domain = domain, .mechanism = mechanism};

    auth_engine_call(auth, look_up, &lookup);
    return lookup.opens;
}

int auth_engine_enter(struct ironauth *auth)
{
    bool closing;

    (void)pthread_mutex_lock(&auth->lock);
    closing = auth->closing;
    auth->users += !closing;
    (void)pthread_mutex_unlock(&auth->lock);
    return closing ? -ESHUTDOWN : 0;
}

void auth_engine_leave(struct ironauth *auth)
{
    (void)pthread_mutex_lock(&auth->lock);
    auth->users--;
    (void)pthread_cond_broadcast(&auth->changed);
    (void)pthread_mutex_unlock(&auth->lock);
}

/* ---- the loop ---- */

/* The context ends: nothing of it may be touched once its last socket is closed. */
static void leave_context(struct ironauth *auth)
{
    if (auth->serve)
        auth_serve_leave_context(auth->serve);
    if (auth->router) {
        (void)zmq_unbind(auth->router, AUTH_ENDPOINT); /* else the name is taken for a while on stock libzmq */
        (void)zmq_close(auth->router);
    }
    auth->router = NULL;
    auth->context = NULL;
}

static size_t gather(const struct ironauth *auth, zmq_pollitem_t *items)
{
    const struct auth_generation *generation = auth->generation;
    size_t count = 0;

    items[count++] = (zmq_pollitem_t){.fd = auth->mailbox.fd, .events = ZMQ_POLLIN};
    if (auth->router)
        items[count++] = (zmq_pollitem_t){.socket = auth->router, .events = ZMQ_POLLIN};
    if (auth->serve)
        count += auth_serve_items(auth->serve, items + count);
    for (size_t i = 0; i < generation->forward_count; i++)
        count += auth_forward_items(generation->forwards[i], items + count, ITEMS_MAX - count);
    return count;
}

static uint64_t earlier(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

static uint64_t tick(struct ironauth *auth, uint64_t now)
{
    const struct auth_generation *generation = auth->generation;
    uint64_t next = auth_decision_tick(auth, now);

    next = earlier(next, auth_wait_tick(auth, now));
    if (auth->serve)
        next = earlier(next, auth_serve_tick(auth, now));
    next = earlier(next, auth_review_tick(auth, now));
    /* The last: what was submitted above is sent now. */
    for (size_t i = 0; i < generation->forward_count; i++)
        next = earlier(next, auth_forward_tick(auth, generation->forwards[i], now));
    return next;
}

static void wait_for_events(struct ironauth *auth, uint64_t now, uint64_t next)
{
    zmq_pollitem_t items[ITEMS_MAX];
    long wait = next == AUTH_NEVER ? -1 : next <= now ? 0 : next - now > INT_MAX ? INT_MAX : (long)(next - now);

    if (zmq_poll(items, (int)gather(auth, items), wait) < 0 && zmq_errno() == ETERM)
        leave_context(auth);
}

static void handle(struct ironauth *auth)
{
    struct auth_generation *generation;
    struct auth_mail *mail;

    while ((mail = auth_mailbox_take(&auth->mailbox)))
        mail->deliver(auth, mail);
    if (auth->router && !auth_handler_read(auth, &auth->router))
        leave_context(auth);
    if (auth->serve)
        auth_serve_read(auth);
    generation = auth->generation;
    for (size_t i = 0; i < generation->forward_count; i++)
        auth_forward_read(auth, generation->forwards[i]);
}

void *auth_engine_run(void *arg)
{
    struct ironauth *auth = arg;

    while (!auth->quit) {
        uint64_t now = auth_clock_ms();

        wait_for_events(auth, now, tick(auth, now));
        handle(auth);
    }
    leave_context(auth);
    return NULL;
}
