/* SPDX-License-Identifier: ISC */
/* The session engine's outside, and which session an envelope belongs to. */
#include "libcurve/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/block.h"
#include "base/random.h"
#include "base/secret.h"
#include "zmtp/metadata.h"

enum {
    REPLIES_MAX = 1024, /* answers to strangers that wait to be sent */
    LOST_MAX = 32,      /* strangers that are told so in one reconnect_ivl */
};

/* Owner: the engine until it is sent, then who sends it. */
struct letter {
    struct ih_envelope envelope;
    struct ih_list link; /* in engine->replies */
    size_t size;         /* of all of it */
    uint8_t octets[];    /* route, envelope */
};

/* --- envelopes and messages --------------------------------------------------------------------------------------- */

struct ih_envelope *ih_envelope_new(struct ih_octets route, uint8_t type, const uint8_t *tag, size_t size)
{
    size_t whole = sizeof(struct letter) + route.size + IH_ENVELOPE_HEAD + size;
    struct letter *letter = ih_block_alloc(whole);

    if (!letter)
        return NULL;
    letter->size = whole;
    ih_list_init(&letter->link);
    if (route.size > 0)
        memcpy(letter->octets, route.data, route.size);
    letter->envelope.route = (struct ih_octets){letter->octets, route.size};
    letter->envelope.data = letter->octets + route.size;
    letter->envelope.size = IH_ENVELOPE_HEAD + size;
    letter->envelope.data[0] = type;
    memcpy(letter->envelope.data + 1, tag, IH_ENVELOPE_TAG);
    return &letter->envelope;
}

void ih_envelope_free(struct ih_envelope *envelope)
{
    struct letter *letter;

    if (!envelope)
        return;
    letter = IH_CONTAINER(envelope, struct letter, envelope);
    ih_block_free(letter, letter->size);
}

void ih_message_free(struct ih_message *message)
{
    struct ih_incoming *incoming;

    if (!message)
        return;
    incoming = IH_CONTAINER(message, struct ih_incoming, message);
    free(incoming->several);
    ih_block_free(incoming, sizeof *incoming + incoming->size);
}

void ih_engine_reply(struct ih_engine *engine, struct ih_envelope *envelope)
{
    if (!envelope)
        return;
    ih_list_add_tail(&engine->replies, &IH_CONTAINER(envelope, struct letter, envelope)->link);
    engine->reply_count++;
}

bool ih_engine_flooded(const struct ih_engine *engine)
{
    return engine->reply_count >= REPLIES_MAX;
}

uint8_t *ih_engine_metadata(const struct ih_engine *engine, const struct ih_claim *claim, size_t *size)
{
    uint8_t value[IH_CLAIM_SIZE];
    uint8_t *metadata;

    *size = engine->metadata_size + ih_metadata_room(IH_CLAIM_NAME, sizeof value);
    metadata = malloc(*size);
    if (!metadata)
        return NULL;
    if (engine->metadata_size > 0)
        memcpy(metadata, engine->metadata, engine->metadata_size);
    ih_claim_put(value, claim);
    (void)ih_metadata_put(metadata + engine->metadata_size, IH_CLAIM_NAME, value, sizeof value);
    return metadata;
}

void ih_engine_event(struct ih_engine *engine, int event, int value, uint64_t number, const uint8_t *id)
{
    curve_event_t record = {.event = event, .value = value, .number = number};

    if (id)
        memcpy(record.id, id, sizeof record.id);
    engine->host.event(engine->host.arg, &record);
}

void ih_engine_suspect(struct ih_engine *engine, curve_error_t value, const uint8_t *id)
{
    ih_engine_event(engine, CURVE_EVENT_SUSPECT, (int)value, 0, id);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

void ih_engine_defaults(struct ih_engine_limits *limits)
{
    *limits = (struct ih_engine_limits){
        .sndhwm = 1000,
        .rcvhwm = 1000,
        .maxmsgsize = 16 << 20,
        .handshake_ivl = 10000,
        .max_clients = 10000,
        .max_pending = 1000,
        .idle = 60000,
        .heartbeat_ivl = 10000,
        .renew_ivl = 3600000,
        .renew_messages = 10000000,
        .reconnect_ivl = 100,
        .reconnect_ivl_max = 10000,
    };
}

static bool limits_are_right(const struct ih_engine_limits *limits)
{
    return limits->sndhwm > 0 && limits->rcvhwm > 0 && limits->maxmsgsize > 0 && limits->handshake_ivl > 0 &&
           limits->max_clients > 0 && limits->max_pending >= 0 && limits->idle > 0 && limits->heartbeat_ivl > 0 &&
           limits->renew_ivl > 0 && limits->renew_messages > 0 && limits->reconnect_ivl > 0 &&
           limits->reconnect_ivl_max > 0;
}

/* True if this end can have a session with the holder of that key, which is not of low order, and not its own. */
static bool key_is_right(const struct ih_engine *engine, const uint8_t *key)
{
    uint8_t shared[IH_CURVE_KEY];
    bool right = memcmp(key, engine->own->public_key, IH_CURVE_KEY) != 0 &&
                 crypto_box_beforenm(shared, key, engine->own->secret_key) == 0;

    sodium_memzero(shared, sizeof shared);
    return right;
}

/* The one session of a client. */
static int add_server(struct ih_engine *engine, const uint8_t *server_key)
{
    uint8_t id[CURVE_ID_SIZE] = {0};

    if (!key_is_right(engine, server_key))
        return -EINVAL;
    memcpy(id, server_key, IH_CURVE_KEY);
    engine->server = ih_session_new(engine, id, (struct ih_octets){NULL, 0});
    if (!engine->server)
        return -ENOMEM;
    ih_session_arm(engine->server, 0);
    return 0;
}

static int copy_in(struct ih_engine *engine, const curve_cert_t *own, struct ih_octets metadata)
{
    engine->jar = ih_cookie_jar_new();
    engine->own = ih_secret_alloc(sizeof *engine->own);
    engine->metadata = malloc(metadata.size + 1);
    if (!engine->jar || !engine->own || !engine->metadata)
        return -ENOMEM;
    memcpy(engine->own->public_key, curve_cert_public_key(own), IH_CURVE_KEY);
    memcpy(engine->own->secret_key, curve_cert_secret_key(own), IH_CURVE_KEY);
    if (metadata.size > 0)
        memcpy(engine->metadata, metadata.data, metadata.size);
    engine->metadata_size = metadata.size;
    return 0;
}

int ih_engine_new(struct ih_engine **engine_p, enum ih_engine_kind kind, const curve_cert_t *own,
                  const uint8_t *server_key, const struct ih_engine_limits *limits, struct ih_octets metadata,
                  const struct ih_engine_host *host)
{
    struct ih_engine *engine;
    int rc;

    if (!own || !curve_cert_secret_key(own) || (kind == IH_ENGINE_CLIENT && !server_key) || !limits_are_right(limits))
        return -EINVAL;
    if (metadata.size > CURVE_METADATA_MAX / 2 || ih_metadata_check(metadata.data, metadata.size) < 0)
        return -EINVAL;
    if (ih_random_init() < 0)
        return -ENOMEM;
    engine = calloc(1, sizeof *engine);
    if (!engine)
        return -ENOMEM;
    engine->kind = kind;
    engine->limits = *limits;
    engine->host = *host;
    ih_list_init(&engine->busy);
    ih_list_init(&engine->readable);
    ih_list_init(&engine->replies);
    ih_list_init(&engine->pending);
    rc = copy_in(engine, own, metadata);
    if (rc == 0 && kind == IH_ENGINE_CLIENT)
        rc = add_server(engine, server_key);
    if (rc < 0) {
        ih_engine_free(engine);
        return rc;
    }
    *engine_p = engine;
    return 0;
}

void ih_engine_free(struct ih_engine *engine)
{
    struct ih_map_node *node;
    struct ih_list *link;

    if (!engine)
        return;
    engine->server = NULL;
    while ((node = ih_map_first(&engine->sessions)) != NULL)
        ih_session_free(IH_CONTAINER(node, struct ih_session, node));
    ih_responder_forget(engine, NULL);
    while ((link = ih_list_pop(&engine->replies)) != NULL)
        ih_envelope_free(&IH_CONTAINER(link, struct letter, link)->envelope);
    ih_map_fini(&engine->sessions);
    ih_map_fini(&engine->newest);
    ih_map_fini(&engine->channels);
    ih_used_fini(&engine->used);
    ih_cookie_jar_free(engine->jar);
    ih_secret_free(engine->own);
    if (engine->metadata)
        sodium_memzero(engine->metadata, engine->metadata_size);
    free(engine->metadata);
    free(engine);
}

/* --- what comes in ------------------------------------------------------------------------------------------------ */

static struct ih_channel *find_channel(const struct ih_engine *engine, uint8_t type, const uint8_t *tag)
{
    uint8_t name[IH_CHANNEL_NAME] = {type};
    struct ih_map_node *node;

    memcpy(name + 1, tag, IH_ENVELOPE_TAG);
    node = ih_map_find(&engine->channels, name, sizeof name);
    return node ? IH_CONTAINER(node, struct ih_channel, node) : NULL;
}

/* A message of a session that is not known here: the other end is told, but not everybody at any time. */
static void tell_lost(struct ih_engine *engine, struct ih_octets route, uint8_t type, const uint8_t *tag,
                      uint64_t now_ms)
{
    uint8_t answer = type == IH_ENVELOPE_INITIATOR ? IH_ENVELOPE_LOST_INITIATED : IH_ENVELOPE_LOST_RESPONDED;

    if (now_ms - engine->lost_ms >= (uint64_t)engine->limits.reconnect_ivl) {
        engine->lost_ms = now_ms;
        engine->lost_count = 0;
    }
    if (engine->lost_count >= LOST_MAX || ih_engine_flooded(engine))
        return;
    engine->lost_count++;
    ih_engine_reply(engine, ih_envelope_new(route, answer, tag, 0));
}

static void take_message(struct ih_engine *engine, struct ih_octets route, const uint8_t *envelope, size_t size,
                         struct ih_channel *channel, uint64_t now_ms)
{
    if (channel)
        ih_session_message(channel->session, channel, route, envelope + IH_ENVELOPE_HEAD, size - IH_ENVELOPE_HEAD,
                           now_ms);
    else
        tell_lost(engine, route, envelope[0], envelope + 1, now_ms);
}

static void take_lost(struct ih_engine *engine, struct ih_channel *channel, uint64_t now_ms)
{
    if (!channel)
        ih_engine_suspect(engine, CURVE_ERROR_STATE, NULL);
    else if (channel == channel->session->current)
        ih_session_lost(channel->session, now_ms);
}

/* From an initiator, to whom this end is the responder. */
static void take_initiator(struct ih_engine *engine, struct ih_octets route, const uint8_t *envelope, size_t size,
                           struct ih_channel *channel, uint64_t now_ms)
{
    const uint8_t *command = envelope + IH_ENVELOPE_HEAD;
    size_t command_size = size - IH_ENVELOPE_HEAD;
    const uint8_t *tag = envelope + 1;

    if (ih_curve_is(command, command_size, "MESSAGE"))
        take_message(engine, route, envelope, size, channel, now_ms);
    else if (ih_curve_is(command, command_size, "HELLO"))
        ih_responder_hello(engine, route, tag, command, command_size, now_ms);
    else if (ih_curve_is(command, command_size, "INITIATE"))
        ih_responder_initiate(engine, route, tag, command, command_size, now_ms);
    else
        ih_engine_suspect(engine, CURVE_ERROR_MALFORMED, NULL);
}

/* From a responder, to whom this end is the initiator. */
static void take_responder(struct ih_engine *engine, struct ih_octets route, const uint8_t *envelope, size_t size,
                           struct ih_channel *channel, uint64_t now_ms)
{
    const uint8_t *command = envelope + IH_ENVELOPE_HEAD;
    size_t command_size = size - IH_ENVELOPE_HEAD;

    if (ih_curve_is(command, command_size, "MESSAGE"))
        take_message(engine, route, envelope, size, channel, now_ms);
    else if (channel)
        ih_initiator_command(channel, command, command_size, now_ms);
    /* Else it answers a handshake that was given up. */
}

/* Nobody else brings envelopes of a peer's session. */
static bool route_is_right(const struct ih_engine *engine, struct ih_octets route, const struct ih_channel *channel)
{
    if (engine->kind == IH_ENGINE_SERVER)
        return route.size > 0 && route.size <= IH_ROUTE_MAX;
    if (engine->kind == IH_ENGINE_CLIENT)
        return true;
    return route.size == IH_CURVE_KEY && (!channel || memcmp(route.data, channel->session->id, IH_CURVE_KEY) == 0);
}

void ih_engine_input(struct ih_engine *engine, struct ih_octets route, struct ih_octets envelope, uint64_t now_ms)
{
    const uint8_t *octets = envelope.data;
    struct ih_channel *channel = NULL;
    uint8_t type = envelope.size >= IH_ENVELOPE_HEAD ? octets[0] : 0;

    if (engine->closed)
        return;
    if (engine->kind == IH_ENGINE_CLIENT)
        route.size = 0;
    if (type == IH_ENVELOPE_INITIATOR || type == IH_ENVELOPE_LOST_RESPONDED)
        channel = find_channel(engine, IH_ENVELOPE_INITIATOR, octets + 1);
    else if (type == IH_ENVELOPE_RESPONDER || type == IH_ENVELOPE_LOST_INITIATED)
        channel = find_channel(engine, IH_ENVELOPE_RESPONDER, octets + 1);
    if (!route_is_right(engine, route, channel)) {
        ih_engine_suspect(engine, CURVE_ERROR_CRYPTO, channel ? channel->session->id : NULL);
        return;
    }
    if (type == IH_ENVELOPE_INITIATOR && engine->kind != IH_ENGINE_CLIENT)
        take_initiator(engine, route, octets, envelope.size, channel, now_ms);
    else if (type == IH_ENVELOPE_RESPONDER && engine->kind != IH_ENGINE_SERVER)
        take_responder(engine, route, octets, envelope.size, channel, now_ms);
    else if (type == IH_ENVELOPE_LOST_INITIATED || type == IH_ENVELOPE_LOST_RESPONDED)
        take_lost(engine, channel, now_ms);
    else
        ih_engine_suspect(engine, CURVE_ERROR_MALFORMED, NULL);
}

/* --- what goes out ------------------------------------------------------------------------------------------------ */

struct ih_envelope *ih_engine_output(struct ih_engine *engine, uint64_t now_ms)
{
    struct ih_list *link = ih_list_pop(&engine->replies);

    if (link) {
        engine->reply_count--;
        return &IH_CONTAINER(link, struct letter, link)->envelope;
    }
    while ((link = ih_list_pop(&engine->busy)) != NULL) {
        struct ih_session *session = IH_CONTAINER(link, struct ih_session, busy);
        struct ih_envelope *envelope = ih_session_output(session, now_ms);

        if (envelope) {
            ih_session_wake(session);
            return envelope;
        }
    }
    return NULL;
}

struct ih_message *ih_engine_delivered(struct ih_engine *engine, uint64_t now_ms)
{
    struct ih_list *link = ih_list_pop(&engine->readable);
    struct ih_incoming *incoming;
    struct ih_session *session;

    if (!link)
        return NULL;
    session = IH_CONTAINER(link, struct ih_session, readable);
    incoming = ih_stream_deliver(session);
    if (session->stream.ready_count > 0)
        ih_list_add_tail(&engine->readable, &session->readable);
    if (session->ack_due)
        ih_session_wake(session);
    ih_session_arm(session, now_ms);
    ih_session_sweep(session);
    return &incoming->message;
}

/* --- time --------------------------------------------------------------------------------------------------------- */

uint64_t ih_engine_deadline(const struct ih_engine *engine)
{
    const struct ih_timer *first = ih_heap_first(&engine->timers);
    uint64_t pending = ih_responder_deadline(engine);

    return first && first->at_ms < pending ? first->at_ms : pending;
}

void ih_engine_tick(struct ih_engine *engine, uint64_t now_ms)
{
    struct ih_timer *first;

    ih_responder_expire(engine, now_ms);
    while ((first = ih_heap_first(&engine->timers)) != NULL && first->at_ms <= now_ms)
        ih_session_tick(IH_CONTAINER(first, struct ih_session, timer), now_ms);
}

void ih_engine_nudge(struct ih_engine *engine, uint64_t now_ms)
{
    if (engine->kind == IH_ENGINE_SERVER)
        return;
    for (struct ih_map_node *node = ih_map_first(&engine->sessions); node;
         node = ih_map_next(&engine->sessions, node)) {
        struct ih_session *session = IH_CONTAINER(node, struct ih_session, node);

        session->retry_ms = now_ms;
        session->retry_ivl = (uint64_t)engine->limits.reconnect_ivl;
        if (session->next && session->next->initiator)
            session->next->resend_ms = now_ms;
        if (session->current) {
            session->nudged = true;
            session->ping_due = true;
            ih_session_wake(session);
        }
        ih_session_arm(session, now_ms);
    }
}

/* A peer's session with the holder of this key, or NULL. */
static struct ih_session *session_of(const struct ih_engine *engine, const uint8_t *key)
{
    uint8_t id[CURVE_ID_SIZE] = {0};
    struct ih_map_node *node;

    memcpy(id, key, IH_CURVE_KEY);
    node = ih_map_find(&engine->sessions, id, CURVE_ID_SIZE);
    return node ? IH_CONTAINER(node, struct ih_session, node) : NULL;
}

void ih_engine_unreachable(struct ih_engine *engine, const uint8_t *key, uint64_t now_ms)
{
    struct ih_session *session = session_of(engine, key);

    if (!session)
        return;
    if (session->next && session->next->initiator)
        ih_session_failed(session, now_ms);
    ih_session_sweep(session);
}

uint64_t ih_engine_opened(const struct ih_engine *engine)
{
    return engine->opened;
}

bool ih_engine_stands(const struct ih_engine *engine, const uint8_t *key)
{
    const struct ih_session *session = session_of(engine, key);

    return session && session->current;
}

/* --- the application ---------------------------------------------------------------------------------------------- */

void ih_engine_decide(struct ih_engine *engine, uint64_t ticket, bool accept, uint64_t now_ms)
{
    if (!engine->closed)
        ih_responder_decide(engine, ticket, accept, now_ms);
}

/* The session that id stands for, or NULL. */
static struct ih_session *find_session(const struct ih_engine *engine, struct ih_octets id)
{
    struct ih_session *session;
    struct ih_map_node *node;
    uint8_t whole[CURVE_ID_SIZE] = {0};

    if (engine->kind == IH_ENGINE_CLIENT)
        return engine->server;
    if (engine->kind == IH_ENGINE_SERVER && id.size == CURVE_KEY_SIZE) {
        node = ih_map_find(&engine->newest, id.data, id.size);
        return node ? IH_CONTAINER(node, struct ih_session, key_node) : NULL;
    }
    memcpy(whole, id.data, id.size);
    if (engine->kind == IH_ENGINE_PEER)
        memset(whole + CURVE_KEY_SIZE, 0, CURVE_ID_SIZE - CURVE_KEY_SIZE);
    node = ih_map_find(&engine->sessions, whole, CURVE_ID_SIZE);
    session = node ? IH_CONTAINER(node, struct ih_session, node) : NULL;
    /* To answer a client one must have heard of it. */
    if (session && engine->kind == IH_ENGINE_SERVER && (session->ended || session->order == 0))
        return NULL;
    return session;
}

/* A peer that something is to be sent to. */
static int add_peer(struct ih_engine *engine, const uint8_t *key, struct ih_session **session)
{
    uint8_t id[CURVE_ID_SIZE] = {0};

    if (engine->kind != IH_ENGINE_PEER || ih_map_count(&engine->sessions) >= (size_t)engine->limits.max_clients)
        return -EHOSTUNREACH;
    if (!key_is_right(engine, key))
        return -EINVAL;
    memcpy(id, key, IH_CURVE_KEY);
    *session = ih_session_new(engine, id, (struct ih_octets){key, IH_CURVE_KEY});
    return *session ? 0 : -ENOMEM;
}

static bool id_is_right(const struct ih_engine *engine, struct ih_octets id)
{
    if (engine->kind == IH_ENGINE_CLIENT)
        return id.size == 0;
    return id.size == CURVE_ID_SIZE || id.size == CURVE_KEY_SIZE;
}

int ih_engine_peer_meta(const struct ih_engine *engine, struct ih_octets id, const char *name, struct ih_octets *value)
{
    const struct ih_session *session;

    if (!id_is_right(engine, id))
        return -EINVAL;
    session = find_session(engine, id);
    if (!session || !session->current)
        return -EHOSTUNREACH;
    value->data = ih_metadata_find(session->metadata, session->metadata_size, name, &value->size);
    return value->data ? 0 : -ENOENT;
}

int ih_engine_send(struct ih_engine *engine, struct ih_octets id, const struct ih_octets *frames, size_t count,
                   uint64_t number, uint64_t now_ms)
{
    struct ih_session *session;
    int rc = 0;

    if (!id_is_right(engine, id) || count == 0)
        return -EINVAL;
    if (count > IH_FRAMES_MAX)
        return -EMSGSIZE;
    if (engine->closed)
        return -EHOSTUNREACH;
    session = find_session(engine, id);
    if (!session)
        rc = add_peer(engine, id.data, &session);
    if (rc < 0)
        return rc;
    session->ended = false;
    if (session->stream.queued >= (size_t)engine->limits.sndhwm)
        return -EAGAIN;
    rc = ih_stream_queue(session, frames, count, number);
    if (rc < 0) {
        ih_session_sweep(session);
        return rc;
    }
    ih_session_wake(session);
    ih_session_arm(session, now_ms);
    return 0;
}

bool ih_engine_writable(const struct ih_engine *engine, struct ih_octets id)
{
    struct ih_session *session;

    if (id.size == 0)
        return engine->full == 0;
    session = id_is_right(engine, id) ? find_session(engine, id) : NULL;
    return !session || session->stream.queued < (size_t)engine->limits.sndhwm;
}

size_t ih_engine_unacknowledged(const struct ih_engine *engine)
{
    return engine->queued;
}

void ih_engine_end(struct ih_engine *engine, const uint8_t *key, uint64_t now_ms)
{
    struct ih_map_node *node = ih_map_first(&engine->sessions);

    ih_responder_forget(engine, key);
    while (node) {
        struct ih_session *session = IH_CONTAINER(node, struct ih_session, node);

        node = ih_map_next(&engine->sessions, node);
        if (!session->ended && memcmp(session->id, key, CURVE_KEY_SIZE) == 0)
            ih_session_end(session, true, CURVE_OK, now_ms);
    }
}

void ih_engine_close(struct ih_engine *engine, uint64_t now_ms)
{
    struct ih_map_node *node = ih_map_first(&engine->sessions);

    engine->closed = true;
    ih_responder_forget(engine, NULL);
    while (node) {
        struct ih_session *session = IH_CONTAINER(node, struct ih_session, node);

        node = ih_map_next(&engine->sessions, node);
        if (!session->ended)
            ih_session_end(session, true, CURVE_OK, now_ms);
    }
}
