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

enum { READ_AT_ONCE = 256 };

/* Owner: this file; from the request to the reply. */
struct query {
    struct auth_decision decision;
    void **socket;
    struct auth_envelope *envelope;
    zmq_msg_t id;
};

static void free_query(struct query *query)
{
    auth_envelope_free(query->envelope);
    (void)zmq_msg_close(&query->id);
    sodium_memzero(query, sizeof(*query));
    free(query);
}

static void reply(struct query *query)
{
    struct auth_frame id = {zmq_msg_data(&query->id), zmq_msg_size(&query->id)};
    struct auth_reply reply;

    if (!*query->socket)
        return;
    auth_zap_reply(&reply, &id, &query->decision.request, &query->decision.verdict);
    (void)auth_envelope_send(*query->socket, query->envelope, reply.frames, AUTH_ZAP_REPLY_FRAMES);
}

static void done(struct ironauth *auth, struct auth_decision *decision)
{
    struct query *query = AUTH_LIST_OF(decision, struct query, decision);

    (void)auth;
    reply(query);
    free_query(query);
}

static struct query *query_new(void **socket, enum auth_caller caller, struct auth_message *message)
{
    struct query *query = calloc(1, sizeof(*query));

    if (!query)
        return NULL;
    (void)zmq_msg_init(&query->id);
    query->socket = socket;
    query->decision.caller = caller;
    query->decision.done = done;
    query->envelope = auth_envelope_take(message);
    if (!query->envelope) {
        free_query(query);
        return NULL;
    }
    return query;
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
    int rc;

    if (!query)
        return;
    rc = auth_zap_parse(&query->decision.request, &id, message->body, message->body_count, &why);
    if (id.size) {
        (void)zmq_msg_close(&query->id);
        if (zmq_msg_init_size(&query->id, id.size) != 0)
            (void)zmq_msg_init(&query->id);
        else
            memcpy(zmq_msg_data(&query->id), id.data, id.size);
    }
    if (rc)
        reject(auth, query, rc, why ? why : "malformed");
    else
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
