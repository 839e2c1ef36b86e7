/* SPDX-License-Identifier: ISC */
#include "auth/review.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define IRONHOUSE_WEAK
#include <ironhouse.h>

#include "auth/audit.h"
#include "auth/clock.h"
#include "auth/engine.h"
#include "auth/handler.h"
#include "auth/metrics.h"
#include "auth/zap.h"

/* In ms. Changes that come in a row are one scan, also because each has connections asked about anew: whose question is open
 * joins its decision (handler.h), but an answer that is just on its way is lost. What could not be decided is asked again after
 * a pause that doubles: one damaged entry is not to keep a back end busy, and a back end that was away tells when it is back. */
enum { SCAN_PAUSE = 400, RETRY_PAUSE = 1000, RETRY_LONGEST = 60000 };

/* A connection, of which a decision is made when its turn comes. Owner: a list. */
struct item {
    struct auth_link link;
    uint64_t id;
    const char *address, *user_id; /* in grant, behind its NUL */
    char grant[];
};

/* A decision about one. Owner: this file. */
struct trial {
    struct auth_decision decision;
    struct item *item;
    struct auth_source *source; /* whose run this is */
};

/* ---- seeing ---- */

struct view {
    struct auth_link items;
    bool failed;
};

/* ironhouse_connections' callback: a lock is held, so it only copies. */
static void see(void *arg, uint64_t id, const ironhouse_connection_t *connection)
{
    struct view *view = arg;
    const char *grant = ironhouse_property(connection, AUTH_GRANT);
    const char *address = ironhouse_property(connection, "Peer-Address");
    const char *user_id = ironhouse_property(connection, "User-Id");
    size_t grant_size, address_size, user_size;
    struct item *item;

    if (!grant) /* another handler let it in */
        return;
    address = address ? address : "";
    user_id = user_id ? user_id : "";
    grant_size = strlen(grant) + 1;
    address_size = strlen(address) + 1;
    user_size = strlen(user_id) + 1;
    item = malloc(sizeof(*item) + grant_size + address_size + user_size);
    if (!item) {
        view->failed = true;
        return;
    }
    item->id = id;
    memcpy(item->grant, grant, grant_size);
    item->address = memcpy(item->grant + grant_size, address, address_size);
    item->user_id = memcpy(item->grant + grant_size + address_size, user_id, user_size);
    auth_list_insert(&view->items, &item->link);
}

/* ---- closing ---- */

static void doom(struct ironauth *auth, const struct item *item, const struct auth_request *request,
                 const struct auth_verdict *verdict)
{
    struct auth_scan *scan = &auth->scan;

    if (scan->doomed_count == scan->doomed_room) {
        size_t room = scan->doomed_room ? 2 * scan->doomed_room : 64;
        uint64_t *doomed = realloc(scan->doomed, room * sizeof(*doomed));

        if (!doomed) { /* it is found again by the next scan */
            scan->policy_due = true;
            return;
        }
        scan->doomed = doomed;
        scan->doomed_room = room;
    }
    scan->doomed[scan->doomed_count++] = item->id;
    auth_audit_revoked(auth->generation->audit, request, verdict, true);
}

static void execute(struct ironauth *auth)
{
    struct auth_scan *scan = &auth->scan;
    int closed;

    if (scan->doomed_count == 0)
        return;
    closed = auth->router ? ironhouse_close(auth->context, scan->doomed, scan->doomed_count) : 0;
    if (closed < 0) /* no memory: they are found again */
        scan->policy_due = true;
    else
        auth_metrics_revoked(auth->generation->metrics, (size_t)closed);
    scan->doomed_count = 0;
}

/* ---- judging ---- */

static bool request_of(const struct item *item, struct auth_request *request)
{
    return auth_grant_parse(request, item->grant, item->address) == 0;
}

/* The first source of the route that this scan is for. */
static struct auth_source *scanned_source(const struct ironauth *auth, const struct auth_route *route)
{
    struct auth_source *source;

    for (size_t i = 0; (source = auth_route_source(auth, route, i)); i++) {
        if (source->review.scanned)
            return source;
    }
    return NULL;
}

/* Takes the item. */
static void sort(struct ironauth *auth, struct item *item)
{
    struct auth_request request;
    struct auth_verdict verdict;
    struct auth_route route;
    struct auth_source *source;

    if (request_of(item, &request)) {
        if (auth_decision_route(auth, &request, &verdict, &route)) {
            if (verdict.status == AUTH_REFUSED)
                doom(auth, item, &request, &verdict);
        } else if ((source = scanned_source(auth, &route))) {
            auth_list_insert(&source->review.backlog, &item->link);
            return;
        }
    }
    free(item);
}

static void done(struct ironauth *auth, struct auth_decision *decision)
{
    struct trial *trial = AUTH_LIST_OF(decision, struct trial, decision);
    struct auth_verdict *verdict = &decision->verdict;
    const struct item *item = trial->item;

    trial->source->review.running--;
    /* The key, or the name, is somebody else's now: what the server's program knows of the connection is no longer true. */
    if (verdict->status == AUTH_OK && strcmp(verdict->user_id, item->user_id) != 0)
        auth_verdict_set(verdict, AUTH_REFUSED, "", "it belongs to another user now");
    if (verdict->status == AUTH_REFUSED)
        doom(auth, item, &decision->request, verdict);
    else if (verdict->status != AUTH_OK)
        trial->source->review.undecided = true;
    free(trial->item);
    free(trial);
}

/* Takes the item. */
static void try(struct ironauth *auth, struct auth_source *source, struct item *item)
{
    struct trial *trial = calloc(1, sizeof(*trial));

    if (!trial || !request_of(item, &trial->decision.request)) {
        source->review.undecided = true;
        free(trial);
        free(item);
        return;
    }
    trial->item = item;
    trial->source = source;
    trial->decision.caller = AUTH_CALLER_REVIEW;
    trial->decision.done = done;
    source->review.running++;
    auth_decision_start(auth, &trial->decision);
}

/* ---- the scan ---- */

static bool busy(const struct auth_review *review)
{
    return review->running || !auth_list_empty(&review->backlog);
}

/* A source that is due while its last run goes on waits for the end of that: else changes in a row would keep it from ever
 * getting to the last connections. */
static void choose_sources(struct ironauth *auth)
{
    for (struct auth_link *link = auth->sources.next; link != &auth->sources; link = link->next) {
        struct auth_review *review = &AUTH_LIST_OF(link, struct auth_source, link)->review;

        review->scanned = review->due && !busy(review);
        review->due = review->due && !review->scanned;
        if (review->scanned && !review->retrying)
            review->pause = RETRY_PAUSE;
        review->retrying = false;
    }
}

static void scan(struct ironauth *auth)
{
    struct view view = {.failed = false};
    struct auth_link *link;

    auth_list_init(&view.items);
    auth->scan.policy_due = false;
    choose_sources(auth);
    if (ironhouse_connections(auth->context, see, &view) < 0)
        view.failed = true;
    auth_handler_voided(auth);
    while ((link = auth_list_take(&view.items)))
        sort(auth, AUTH_LIST_OF(link, struct item, link));
    for (link = auth->sources.next; link != &auth->sources; link = link->next) {
        struct auth_review *review = &AUTH_LIST_OF(link, struct auth_source, link)->review;

        /* Without memory something was not seen. */
        review->due = review->due || (review->scanned && view.failed);
    }
    auth->scan.policy_due = auth->scan.policy_due || view.failed;
}

/* A run has ended. */
static void plan_retry(struct auth_review *review, uint64_t now)
{
    if (!review->undecided)
        return;
    review->undecided = false;
    review->retry = now + review->pause;
    review->pause = review->pause >= RETRY_LONGEST / 2 ? RETRY_LONGEST : 2 * review->pause;
}

/* Goes on with the source's run, and says when something is to be done for it: 0, as soon as may be. */
static uint64_t run(struct ironauth *auth, struct auth_source *source, uint64_t now)
{
    struct auth_review *review = &source->review;
    struct auth_link *link;

    while (review->running < review->limit && (link = auth_list_take(&review->backlog)))
        try(auth, source, AUTH_LIST_OF(link, struct item, link));
    if (busy(review))
        return AUTH_NEVER; /* its decisions' ends are events */
    plan_retry(review, now);
    if (review->retry <= now) {
        review->retry = AUTH_NEVER;
        review->retrying = !review->due;
        review->due = true;
    }
    return review->due ? 0 : review->retry;
}

static uint64_t run_all(struct ironauth *auth, uint64_t now)
{
    uint64_t next = auth->scan.policy_due ? 0 : AUTH_NEVER;

    for (struct auth_link *link = auth->sources.next; link != &auth->sources; link = link->next) {
        uint64_t when = run(auth, AUTH_LIST_OF(link, struct auth_source, link), now);

        next = when < next ? when : next;
    }
    return next;
}

static void forget(struct ironauth *auth)
{
    auth->scan.policy_due = false;
    for (struct auth_link *link = auth->sources.next; link != &auth->sources; link = link->next)
        AUTH_LIST_OF(link, struct auth_source, link)->review.due = false;
}

uint64_t auth_review_tick(struct ironauth *auth, uint64_t now)
{
    uint64_t next;

    if (!ironhouse_connections || !auth->router || auth->stopping) {
        forget(auth);
        return AUTH_NEVER;
    }
    next = run_all(auth, now);
    execute(auth);
    if (next > 0)
        return next;
    if (now < auth->scan.last + SCAN_PAUSE)
        return auth->scan.last + SCAN_PAUSE;
    auth->scan.last = now;
    scan(auth);
    execute(auth);
    return now; /* the runs begin in the next round */
}

void auth_review_overtaken(struct ironauth *auth, struct auth_source *source)
{
    bool due = auth->scan.policy_due;

    for (struct auth_link *link = auth->sources.next; link != &auth->sources; link = link->next)
        due = due || AUTH_LIST_OF(link, struct auth_source, link)->review.due;
    if (!due)
        auth->scan.last = auth_clock_ms();
    auth_review_due(source);
}

void auth_review_due(struct auth_source *source)
{
    source->review.due = true;
    source->review.retrying = false;
}

void auth_review_clear(struct auth_source *source)
{
    struct auth_link *backlog = &source->review.backlog, *next;

    for (struct auth_link *link = backlog->next; link != backlog; link = next) {
        next = link->next;
        free(AUTH_LIST_OF(link, struct item, link));
    }
    auth_list_init(backlog);
}

void auth_review_fini(struct auth_scan *scan)
{
    free(scan->doomed);
}
