/* SPDX-License-Identifier: ISC */
#include "auth/handler.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "auth/audit.h"
#include "auth/clock.h"
#include "auth/engine.h"
#include "auth/metrics.h"

enum { READ_AT_ONCE = 256, ASKERS_MAX = 4 };

/* Who gets the answer. Owner: a query. */
struct asker {
    struct auth_envelope *envelope;
    zmq_msg_t id;
};

/* Owner: this file; from the request to the reply. */
struct query {
    struct auth_decision decision;
    void **socket;
    struct asker askers[ASKERS_MAX]; /* who asked the same, after a review had it ask anew: the last ones */
    size_t count;
    bool voided; /* since a review the last asker's connection does not wait for this answer, but asks anew */
};

static void move_asker(struct asker *to, struct asker *from)
{
    to->envelope = from->envelope;
    from->envelope = NULL;
    (void)zmq_msg_init(&to->id);
    (void)zmq_msg_move(&to->id, &from->id);
}

static void clear_asker(struct asker *asker)
{
    auth_envelope_free(asker->envelope);
    (void)zmq_msg_close(&asker->id);
}

static void free_query(struct query *query)
{
    while (query->count)
        clear_asker(&query->askers[--query->count]);
    sodium_memzero(query, sizeof(*query));
    free(query);
}

static void reply(const struct query *query, struct asker *asker)
{
    struct auth_frame id = {zmq_msg_data(&asker->id), zmq_msg_size(&asker->id)};
    struct auth_reply reply;

    if (!*query->socket)
        return;
    auth_zap_reply(&reply, &id, &query->decision.request, &query->decision.verdict);
    (void)auth_envelope_send(*query->socket, asker->envelope, reply.frames, AUTH_ZAP_REPLY_FRAMES);
}

static void done(struct ironauth *auth, struct auth_decision *decision)
{
    struct query *query = AUTH_LIST_OF(decision, struct query, decision);

    auth->voided -= query->voided;
    for (size_t i = 0; i < query->count; i++)
        reply(query, &query->askers[i]);
    free_query(query);
}

static struct query *query_new(void **socket, enum auth_caller caller, struct auth_message *message)
{
    struct query *query = calloc(1, sizeof(*query));

    if (!query)
        return NULL;
    (void)zmq_msg_init(&query->askers[0].id);
    query->count = 1;
    query->socket = socket;
    query->decision.caller = caller;
    query->decision.done = done;
    query->askers[0].envelope = auth_envelope_take(message);
    if (!query->askers[0].envelope) {
        free_query(query);
        return NULL;
    }
    return query;
}

/* ---- asked anew ---- */

/* Of a decision that is one of ours; else NULL. */
static struct query *query_of(struct auth_link *link)
{
    struct auth_decision *decision = AUTH_LIST_OF(link, struct auth_decision, link);

    return decision->done == done && decision->caller == AUTH_CALLER_ZAP
               ? AUTH_LIST_OF(decision, struct query, decision)
               : NULL;
}

void auth_handler_voided(struct ironauth *auth)
{
    for (struct auth_link *link = auth->decisions.next; link != &auth->decisions; link = link->next) {
        struct query *query = query_of(link);

        if (!query || query->voided)
            continue;
        query->voided = true;
        auth->voided++;
    }
}

static bool is_same(const struct auth_request *one, const struct auth_request *other)
{
    return one->mechanism == other->mechanism && strcmp(one->address, other->address) == 0 &&
           strcmp(one->user, other->user) == 0 && sodium_memcmp(one, other, sizeof(*one)) == 0;
}

/* The same question of a connection whose first one a review has voided is no other attempt: it is answered with the decision
 * that is under way. (What changed meanwhile is looked at when that is yes.) True: the query has been taken. */
static bool join(struct ironauth *auth, struct query *query)
{
    struct query *first = NULL;

    for (struct auth_link *link = auth->decisions.next; link != &auth->decisions && auth->voided && !first;
         link = link->next) {
        first = query_of(link);
        if (first && (!first->voided || !is_same(&first->decision.request, &query->decision.request)))
            first = NULL;
    }
    if (!first)
        return false;
    if (first->count == ASKERS_MAX) {
        clear_asker(&first->askers[0]);
        first->count--;
        for (size_t i = 0; i < first->count; i++)
            move_asker(&first->askers[i], &first->askers[i + 1]);
    }
    move_asker(&first->askers[first->count++], &query->askers[0]);
    first->voided = false;
    auth->voided--;
    free_query(query);
    return true;
}

/* A request that cannot be read is answered and written down, but is no decision. */
static void reject(struct ironauth *auth, struct query *query, int rc, const char *why)
{
    struct auth_decision *decision = &query->decision;

    auth_verdict_set(&decision->verdict, rc == -EACCES ? AUTH_REFUSED : AUTH_BROKEN, "", "%s", why);
    auth_audit_write(auth->generation->audit, &decision->request, &decision->verdict, 0);
    auth_metrics_decided(auth->generation->metrics, decision->request.mechanism, decision->verdict.status, "", 0);
    done(auth, decision);
}

void auth_handler_request(struct ironauth *auth, void **socket, enum auth_caller caller, struct auth_message *message)
{
    struct query *query = query_new(socket, caller, message);
    struct auth_frame id = {NULL, 0};
    const char *why = NULL;
    zmq_msg_t *kept;
    int rc;

    if (!query)
        return;
    kept = &query->askers[0].id;
    rc = auth_zap_parse(&query->decision.request, &id, message->body, message->body_count, &why);
    if (id.size) {
        (void)zmq_msg_close(kept);
        if (zmq_msg_init_size(kept, id.size) != 0)
            (void)zmq_msg_init(kept);
        else
            memcpy(zmq_msg_data(kept), id.data, id.size);
    }
    if (rc)
        reject(auth, query, rc, why ? why : "malformed");
    else if (caller != AUTH_CALLER_ZAP || !join(auth, query))
        auth_decision_start(auth, &query->decision);
}

bool auth_handler_read(struct ironauth *auth, void **socket)
{
    struct auth_message message;

    for (int i = 0; i < READ_AT_ONCE; i++) {
        int rc = auth_message_recv(*socket, &message);

        if (rc == -EMSGSIZE)
            continue;
        if (rc)
            return rc == -EAGAIN;
        /* Without an envelope there is nobody to answer. */
        if (message.envelope)
            auth_handler_request(auth, socket, AUTH_CALLER_ZAP, &message);
        auth_message_wipe(&message);
    }
    return true;
}
