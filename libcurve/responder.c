/* SPDX-License-Identifier: ISC */
/* Handshakes that others begin. Before a valid INITIATE of a client that is let in nothing is kept, but for those that
 * the authenticator thinks about, whose number is bounded. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/hash.h"
#include "libcurve/engine.h"

enum {
    INITIATE_COOKIE = 9,
    METADATA_MAX = CURVE_METADATA_MAX / 2 + 64, /* of an engine, with the claim */
};

static const uint8_t refusal[] = "\5ERROR\7refused";

/* A valid INITIATE. Owner: the engine's list, or the function that handles it. */
struct ih_pending {
    struct ih_list link;
    uint64_t ticket;
    uint64_t until_ms;
    struct ih_curve_server server;
    struct ih_claim claim;
    uint8_t *metadata;
    size_t metadata_size;
    uint8_t tag[IH_ENVELOPE_TAG];
    uint8_t cookie[IH_COOKIE_NAME];
    uint8_t route[IH_ROUTE_MAX];
    size_t route_size;
};

/* What a cookie is bound to: the tag, and whose carrier brought it. */
static uint64_t serial_of(const uint8_t *tag, struct ih_octets route)
{
    uint8_t octets[IH_ENVELOPE_TAG + IH_ROUTE_MAX];

    memcpy(octets, tag, IH_ENVELOPE_TAG);
    if (route.size > 0)
        memcpy(octets + IH_ENVELOPE_TAG, route.data, route.size);
    return ih_hash(octets, IH_ENVELOPE_TAG + route.size);
}

static void open_server(struct ih_engine *engine, struct ih_curve_server *server, const uint8_t *tag,
                        struct ih_octets route)
{
    ih_curve_server_init(server, engine->own->public_key, engine->own->secret_key, engine->jar, serial_of(tag, route));
}

void ih_responder_hello(struct ih_engine *engine, struct ih_octets route, const uint8_t *tag, const uint8_t *command,
                        size_t size, uint64_t now_ms)
{
    struct ih_curve_server server;
    struct ih_envelope *envelope;
    int rc;

    if (ih_engine_flooded(engine))
        return;
    envelope = ih_envelope_new(route, IH_ENVELOPE_RESPONDER, tag, IH_CURVE_WELCOME);
    if (!envelope)
        return;
    open_server(engine, &server, tag, route);
    rc = ih_curve_server_hello(&server, command, size, now_ms, envelope->data + IH_ENVELOPE_HEAD);
    if (rc == 0) {
        ih_curve_server_part(&server);
        engine->cookies_until_ms = now_ms + IH_COOKIE_LIFE_MS;
        ih_engine_reply(engine, envelope);
        return;
    }
    ih_curve_server_fini(&server);
    ih_envelope_free(envelope);
    ih_engine_suspect(engine, rc == -EPROTO ? CURVE_ERROR_MALFORMED : CURVE_ERROR_CRYPTO, NULL);
}

/* --- those who wait ----------------------------------------------------------------------------------------------- */

static struct ih_pending *pending_at(struct ih_list *link)
{
    return IH_CONTAINER(link, struct ih_pending, link);
}

static void pending_free(struct ih_engine *engine, struct ih_pending *pending)
{
    if (ih_list_linked(&pending->link)) {
        ih_list_del(&pending->link);
        engine->pending_count--;
    }
    ih_curve_server_fini(&pending->server);
    free(pending->metadata);
    free(pending);
}

static void session_id(const struct ih_engine *engine, const struct ih_pending *pending, uint8_t id[CURVE_ID_SIZE])
{
    memset(id, 0, CURVE_ID_SIZE);
    memcpy(id, pending->server.client_key, IH_CURVE_KEY);
    if (engine->kind == IH_ENGINE_SERVER)
        ih_curve_put_nonce(id + IH_CURVE_KEY, pending->claim.stream);
}

static void refuse(struct ih_engine *engine, const struct ih_pending *pending, curve_error_t error)
{
    struct ih_octets route = {pending->route, pending->route_size};
    struct ih_envelope *envelope = NULL;
    uint8_t id[CURVE_ID_SIZE];

    if (!ih_engine_flooded(engine))
        envelope = ih_envelope_new(route, IH_ENVELOPE_RESPONDER, pending->tag, sizeof refusal - 1);
    if (envelope)
        memcpy(envelope->data + IH_ENVELOPE_HEAD, refusal, sizeof refusal - 1);
    ih_engine_reply(engine, envelope);
    session_id(engine, pending, id);
    ih_engine_event(engine, CURVE_EVENT_REFUSED, (int)error, 0, id);
}

void ih_responder_expire(struct ih_engine *engine, uint64_t now_ms)
{
    struct ih_list *first;

    while ((first = ih_list_first(&engine->pending)) != NULL && pending_at(first)->until_ms <= now_ms) {
        refuse(engine, pending_at(first), CURVE_ERROR_STALE);
        pending_free(engine, pending_at(first));
    }
    if (engine->cookies_until_ms && engine->cookies_until_ms <= now_ms) {
        ih_cookie_rotate(engine->jar, now_ms);
        engine->cookies_until_ms = 0;
    }
}

uint64_t ih_responder_deadline(const struct ih_engine *engine)
{
    struct ih_list *first = ih_list_first(&engine->pending);
    uint64_t cookies = engine->cookies_until_ms ? engine->cookies_until_ms : UINT64_MAX;

    return first && pending_at(first)->until_ms < cookies ? pending_at(first)->until_ms : cookies;
}

void ih_responder_forget(struct ih_engine *engine, const uint8_t *key)
{
    IH_LIST_EACH_SAFE(link, next, &engine->pending) {
        struct ih_pending *pending = pending_at(link);

        if (!key || memcmp(pending->server.client_key, key, IH_CURVE_KEY) == 0)
            pending_free(engine, pending);
    }
}

/* --- letting in --------------------------------------------------------------------------------------------------- */

/* When both ends begin at once, the handshake of the lower key goes on. */
static bool ours_goes_on(const struct ih_session *session)
{
    return session->next && session->next->initiator &&
           memcmp(session->engine->own->public_key, session->id, IH_CURVE_KEY) < 0;
}

/* The session of this client, which may be new. */
static int find_session(struct ih_engine *engine, const struct ih_pending *pending, struct ih_session **session_p)
{
    struct ih_octets route = {pending->route, pending->route_size};
    struct ih_session *session;
    struct ih_map_node *node;
    uint8_t id[CURVE_ID_SIZE];

    session_id(engine, pending, id);
    node = ih_map_find(&engine->sessions, id, CURVE_ID_SIZE);
    if (node) {
        session = IH_CONTAINER(node, struct ih_session, node);
        session->ended = false;
        *session_p = session;
        return 0;
    }
    if (ih_map_count(&engine->sessions) >= (size_t)engine->limits.max_clients)
        return -ENOSPC;
    *session_p = ih_session_new(engine, id, route);
    return *session_p ? 0 : -ENOMEM;
}

/* READY, with what this end claims in turn. */
static int put_ready(struct ih_channel *channel, struct ih_pending *pending, uint64_t now_ms)
{
    struct ih_session *session = channel->session;
    struct ih_claim claim = ih_stream_claim(session, channel->stream);
    uint8_t *metadata;
    uint8_t *ready = NULL;
    size_t size;

    channel->route = malloc(pending->route_size + 1);
    metadata = ih_engine_metadata(session->engine, &claim, &size);
    if (metadata && channel->route)
        ready = malloc(IH_CURVE_READY + size);
    if (ready) {
        memcpy(channel->route, pending->route, pending->route_size);
        channel->route_size = pending->route_size;
        ih_curve_server_ready(&pending->server, metadata, size, ready);
        ih_channel_command(channel, ready, IH_CURVE_READY + size, now_ms);
    }
    free(metadata);
    return ready ? 0 : -ENOMEM;
}

/* A channel whose first message is still to come. 0, -ENOMEM. */
static int open_channel(struct ih_session *session, struct ih_pending *pending, uint64_t now_ms)
{
    struct ih_channel *channel = ih_channel_new(session, false, pending->tag, now_ms);

    if (!channel)
        return -ENOMEM;
    channel->claim = pending->claim;
    channel->metadata = pending->metadata;
    channel->metadata_size = pending->metadata_size;
    pending->metadata = NULL;
    channel->verdict = ih_stream_judge(session, &channel->claim, &channel->stream);
    memcpy(channel->cookie, pending->cookie, sizeof channel->cookie);
    channel->keys = ih_curve_server_session(&pending->server);
    if (!channel->keys || put_ready(channel, pending, now_ms) < 0) {
        ih_channel_free(channel);
        return -ENOMEM;
    }
    ih_channel_free(session->next);
    session->next = channel;
    return 0;
}

/* The client may come in. */
static void admit(struct ih_engine *engine, struct ih_pending *pending, uint64_t now_ms)
{
    struct ih_session *session;
    int rc;

    rc = find_session(engine, pending, &session);
    if (rc == -ENOSPC)
        refuse(engine, pending, CURVE_ERROR_LIMIT);
    if (rc < 0)
        return;
    /* Whatever happens next: no key is made of this cookie again. */
    rc = ours_goes_on(session) ? -EALREADY
                               : ih_used_add(&engine->used, pending->cookie, pending->server.client_key, now_ms);
    if (rc == -ENOSPC)
        refuse(engine, pending, CURVE_ERROR_LIMIT);
    if (rc == 0 && open_channel(session, pending, now_ms) == 0)
        ih_session_wake(session);
    ih_session_arm(session, now_ms);
    ih_session_sweep(session);
}

void ih_responder_decide(struct ih_engine *engine, uint64_t ticket, bool accept, uint64_t now_ms)
{
    struct ih_pending *pending = NULL;

    ih_responder_expire(engine, now_ms);
    IH_LIST_EACH(link, &engine->pending) {
        if (pending_at(link)->ticket == ticket) {
            pending = pending_at(link);
            break;
        }
    }
    if (!pending)
        return;
    if (accept)
        admit(engine, pending, now_ms);
    else
        refuse(engine, pending, CURVE_ERROR_REFUSED);
    pending_free(engine, pending);
}

/* Takes pending over. */
static void authenticate(struct ih_engine *engine, struct ih_pending *pending, uint64_t now_ms)
{
    struct ih_octets metadata = {pending->metadata, pending->metadata_size};

    pending->ticket = ++engine->last_ticket;
    switch (engine->host.authenticate(engine->host.arg, pending->server.client_key, metadata, pending->ticket)) {
    case IH_AUTH_ACCEPT:
        admit(engine, pending, now_ms);
        break;
    case IH_AUTH_LATER:
        pending->until_ms = now_ms + (uint64_t)engine->limits.handshake_ivl;
        ih_list_add_tail(&engine->pending, &pending->link);
        engine->pending_count++;
        return;
    default:
        refuse(engine, pending, CURVE_ERROR_REFUSED);
        break;
    }
    pending_free(engine, pending);
}

/* --- INITIATE ----------------------------------------------------------------------------------------------------- */

/* True if this one was handled already: READY is sent again, since it may have been lost. */
static bool seen(struct ih_engine *engine, const uint8_t *tag, const uint8_t *cookie)
{
    uint8_t name[IH_CHANNEL_NAME] = {IH_ENVELOPE_INITIATOR};
    struct ih_map_node *node;

    memcpy(name + 1, tag, IH_ENVELOPE_TAG);
    node = ih_map_find(&engine->channels, name, sizeof name);
    if (node) {
        struct ih_channel *channel = IH_CONTAINER(node, struct ih_channel, node);

        if (channel->command && memcmp(channel->cookie, cookie, IH_COOKIE_NAME) == 0) {
            channel->command_due = true;
            ih_session_wake(channel->session);
        }
        return true;
    }
    IH_LIST_EACH(link, &engine->pending) {
        /* Each link is in a struct. NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
        if (memcmp(pending_at(link)->cookie, cookie, IH_COOKIE_NAME) == 0)
            return true;
    }
    return false;
}

static curve_error_t error_of(int rc)
{
    if (rc == -EPROTO)
        return CURVE_ERROR_MALFORMED;
    return rc == -EKEYREJECTED ? CURVE_ERROR_VOUCH : CURVE_ERROR_CRYPTO;
}

/* A client is who it says. May it be asked about? */
static curve_error_t check_client(const struct ih_engine *engine, const struct ih_pending *pending)
{
    const uint8_t *key = pending->server.client_key;

    /* Somebody who says to be somebody else to the carrier, or our own words. */
    if (engine->kind == IH_ENGINE_PEER && memcmp(pending->route, key, IH_CURVE_KEY) != 0)
        return CURVE_ERROR_VOUCH;
    if (memcmp(engine->own->public_key, key, IH_CURVE_KEY) == 0)
        return CURVE_ERROR_VOUCH;
    return CURVE_OK;
}

/* Opens INITIATE into pending; text has room for it. */
static curve_error_t open_initiate(struct ih_engine *engine, struct ih_pending *pending, const uint8_t *command,
                                   size_t size, uint64_t now_ms, uint8_t *text)
{
    const uint8_t *from;
    int rc;

    rc = ih_curve_server_initiate(&pending->server, command, size, now_ms, text, &from);
    if (rc < 0)
        return error_of(rc);
    if (ih_claim_get(from, size - IH_CURVE_INITIATE, &pending->claim) < 0)
        return CURVE_ERROR_MALFORMED;
    pending->metadata_size = size - IH_CURVE_INITIATE;
    pending->metadata = malloc(pending->metadata_size);
    if (!pending->metadata)
        return CURVE_ERROR_MEMORY;
    memcpy(pending->metadata, from, pending->metadata_size);
    return check_client(engine, pending);
}

static struct ih_pending *pending_new(struct ih_engine *engine, struct ih_octets route, const uint8_t *tag,
                                      const uint8_t *cookie)
{
    struct ih_pending *pending = calloc(1, sizeof *pending);

    if (!pending)
        return NULL;
    ih_list_init(&pending->link);
    open_server(engine, &pending->server, tag, route);
    memcpy(pending->tag, tag, sizeof pending->tag);
    memcpy(pending->cookie, cookie, sizeof pending->cookie);
    if (route.size > 0)
        memcpy(pending->route, route.data, route.size);
    pending->route_size = route.size;
    return pending;
}

void ih_responder_initiate(struct ih_engine *engine, struct ih_octets route, const uint8_t *tag, const uint8_t *command,
                           size_t size, uint64_t now_ms)
{
    const uint8_t *cookie = command + INITIATE_COOKIE;
    struct ih_pending *pending;
    curve_error_t error;
    uint8_t *text;

    ih_responder_expire(engine, now_ms);
    if (size < IH_CURVE_INITIATE || size > IH_CURVE_INITIATE + METADATA_MAX) {
        ih_engine_suspect(engine, CURVE_ERROR_MALFORMED, NULL);
        return;
    }
    if (seen(engine, tag, cookie) || engine->pending_count >= (size_t)engine->limits.max_pending)
        return;
    if (ih_used_has(&engine->used, cookie)) {
        ih_engine_suspect(engine, CURVE_ERROR_STALE, NULL);
        return;
    }
    text = malloc(size);
    pending = text ? pending_new(engine, route, tag, cookie) : NULL;
    if (!pending) {
        free(text);
        return;
    }
    error = open_initiate(engine, pending, command, size, now_ms, text);
    if (error) {
        pending_free(engine, pending);
        ih_engine_suspect(engine, error, NULL);
    } else {
        authenticate(engine, pending, now_ms);
    }
    free(text);
}
