/* SPDX-License-Identifier: ISC */
/* A session's life: what it sends next, its timers, its end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "libcurve/engine.h"

enum {
    PROBE = 2,        /* what is not acknowledged for so many reconnect_ivl is asked about; doubled each time */
    PATIENCE = 20,    /* so many reconnect_ivl without an answer, and an initiator begins a new handshake */
    PATIENCE_NEW = 5, /* the same when the carrier is new */
};

struct ih_session *ih_session_new(struct ih_engine *engine, const uint8_t id[CURVE_ID_SIZE], struct ih_octets route)
{
    struct ih_session *session = calloc(1, sizeof *session);

    if (!session)
        return NULL;
    session->engine = engine;
    memcpy(session->id, id, CURVE_ID_SIZE);
    if (ih_map_insert(&engine->sessions, &session->node, session->id, CURVE_ID_SIZE) < 0) {
        free(session);
        return NULL;
    }
    if (route.size > 0)
        memcpy(session->route, route.data, route.size);
    session->route_size = route.size;
    session->retry_ivl = (uint64_t)engine->limits.reconnect_ivl;
    session->retry_ms = 1;
    ih_list_init(&session->same_key);
    ih_list_init(&session->busy);
    ih_list_init(&session->readable);
    ih_stream_init(session);
    return session;
}

/* Of the key's other sessions the newest is what the key alone stands for from now on. */
static void leave_key(struct ih_session *session)
{
    struct ih_engine *engine = session->engine;
    struct ih_session *best = NULL;

    IH_LIST_EACH(link, &session->same_key) {
        struct ih_session *other = IH_CONTAINER(link, struct ih_session, same_key);

        if (!best || other->order > best->order)
            best = other;
    }
    ih_list_del(&session->same_key);
    if (!session->newest)
        return;
    ih_map_remove(&engine->newest, &session->key_node);
    session->newest = false;
    if (best)
        best->newest = ih_map_insert(&engine->newest, &best->key_node, best->id, CURVE_KEY_SIZE) == 0;
}

static void join_key(struct ih_session *session)
{
    struct ih_engine *engine = session->engine;
    struct ih_map_node *node;

    leave_key(session);
    node = ih_map_find(&engine->newest, session->id, CURVE_KEY_SIZE);
    if (node) {
        struct ih_session *other = IH_CONTAINER(node, struct ih_session, key_node);

        ih_map_remove(&engine->newest, node);
        other->newest = false;
        ih_list_add_tail(&other->same_key, &session->same_key);
    }
    session->order = ++engine->last_order;
    session->newest = ih_map_insert(&engine->newest, &session->key_node, session->id, CURVE_KEY_SIZE) == 0;
}

/* No message can be sent any more; a handshake goes on. */
static void drop_current(struct ih_session *session)
{
    ih_channel_free(session->current);
    ih_channel_free(session->old);
    session->current = NULL;
    session->old = NULL;
    session->ack_due = false;
    session->ping_due = false;
    session->ack_ms = IH_NEVER_MS;
    session->probe_ms = IH_NEVER_MS;
    session->asked_ms = IH_NEVER_MS;
}

static void free_channels(struct ih_session *session)
{
    drop_current(session);
    ih_channel_free(session->next);
    session->next = NULL;
}

void ih_session_free(struct ih_session *session)
{
    leave_key(session);
    free_channels(session);
    ih_list_del(&session->busy);
    ih_list_del(&session->readable);
    ih_heap_remove(&session->engine->timers, &session->timer);
    ih_map_remove(&session->engine->sessions, &session->node);
    ih_stream_fini(session);
    free(session->metadata);
    free(session);
}

void ih_session_sweep(struct ih_session *session)
{
    if (session == session->engine->server || session->stream.ready_count > 0)
        return;
    if (session->current || session->next || session->old || session->stream.queued > 0)
        return;
    ih_session_free(session);
}

void ih_session_wake(struct ih_session *session)
{
    if (!ih_list_linked(&session->busy))
        ih_list_add_tail(&session->engine->busy, &session->busy);
}

/* --- timers ------------------------------------------------------------------------------------------------------- */

static bool may_initiate(const struct ih_session *session)
{
    return session->engine->kind != IH_ENGINE_SERVER && !session->ended && !session->engine->closed;
}

static void earlier(uint64_t *at, uint64_t when)
{
    if (when != IH_NEVER_MS && when < *at)
        *at = when;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* When the channel is due to be renewed. The end that began it comes first. */
static uint64_t renew_ms(const struct ih_session *session)
{
    const struct ih_engine_limits *limits = &session->engine->limits;
    const struct ih_channel *channel = session->current;
    uint64_t ivl = (uint64_t)limits->renew_ivl;
    uint64_t messages = (uint64_t)limits->renew_messages;

    if (!channel->initiator) {
        ivl += ivl / 4 + 1;
        messages += messages / 4 + 1;
    }
    if (channel->keys->sealed >= messages || channel->keys->opened >= messages)
        return channel->born_ms;
    return channel->born_ms + ivl;
}

/* When the end that may begin a new handshake stops to wait for an answer in the old session. */
static uint64_t patience_ms(const struct ih_session *session)
{
    uint64_t ivl = (uint64_t)session->engine->limits.reconnect_ivl;

    return session->asked_ms + ivl * (session->nudged ? PATIENCE_NEW : PATIENCE);
}

/* When a heartbeat is due: after silence, and again after it was not answered. */
static uint64_t heartbeat_ms(const struct ih_session *session)
{
    return later(session->heard_ms, session->pinged_ms) + (uint64_t)session->engine->limits.heartbeat_ivl;
}

/* When a session that has neither a channel nor a handshake begins one. */
static bool wants_channel(const struct ih_session *session)
{
    return may_initiate(session) && !session->current && !session->next &&
           (session->engine->kind == IH_ENGINE_CLIENT || session->stream.queued > 0);
}

static void arm_current(const struct ih_session *session, uint64_t *at)
{
    earlier(at, session->ack_ms);
    earlier(at, session->probe_ms);
    earlier(at, heartbeat_ms(session));
    earlier(at, session->heard_ms + (uint64_t)session->engine->limits.idle);
    if (may_initiate(session) && !session->next) {
        earlier(at, later(renew_ms(session), session->retry_ms));
        if (session->asked_ms != IH_NEVER_MS)
            earlier(at, later(patience_ms(session), session->retry_ms));
    }
}

void ih_session_arm(struct ih_session *session, uint64_t now_ms)
{
    uint64_t at = UINT64_MAX;

    if (session->current)
        arm_current(session, &at);
    if (session->next) {
        if (session->next->initiator)
            earlier(&at, session->next->resend_ms);
        earlier(&at, session->next->give_up_ms);
    }
    if (session->old)
        earlier(&at, session->old_until_ms);
    if (wants_channel(session))
        earlier(&at, later(session->retry_ms, now_ms));
    if (at == UINT64_MAX)
        ih_heap_remove(&session->engine->timers, &session->timer);
    else
        ih_heap_set(&session->engine->timers, &session->timer, at);
}

static void ask(struct ih_session *session)
{
    session->ping_due = true;
    ih_session_wake(session);
}

/* Asks about what is outstanding after a while, more slowly each time. */
static void watch(struct ih_session *session, uint64_t now_ms)
{
    bool outstanding = session->current && (ih_stream_outstanding(session) || !session->current->heard);

    if (!outstanding) {
        session->probe_ms = IH_NEVER_MS;
        session->probe_ivl = 0;
    } else if (session->probe_ms == IH_NEVER_MS || session->probe_ivl == 0) {
        session->probe_ivl = PROBE * (uint64_t)session->engine->limits.reconnect_ivl;
        session->probe_ms = now_ms + session->probe_ivl;
    }
}

static void tick_current(struct ih_session *session, uint64_t now_ms)
{
    uint64_t heartbeat = (uint64_t)session->engine->limits.heartbeat_ivl;

    if (session->ack_ms != IH_NEVER_MS && now_ms >= session->ack_ms) {
        session->ack_ms = IH_NEVER_MS;
        session->ack_due = true;
        ih_session_wake(session);
    }
    if (session->probe_ms != IH_NEVER_MS && now_ms >= session->probe_ms) {
        session->probe_ivl = session->probe_ivl * 2 < heartbeat ? session->probe_ivl * 2 : heartbeat;
        session->probe_ms = now_ms + session->probe_ivl;
        ask(session);
    }
    if (now_ms >= heartbeat_ms(session)) {
        session->pinged_ms = now_ms;
        ask(session);
    }
    if (may_initiate(session) && !session->next && now_ms >= session->retry_ms &&
        (now_ms >= renew_ms(session) || (session->asked_ms != IH_NEVER_MS && now_ms >= patience_ms(session))))
        ih_session_initiate(session, now_ms);
}

/* Nothing came for too long. An end that may come back to it keeps what it remembers. */
static void fall_silent(struct ih_session *session, uint64_t now_ms)
{
    if (session->engine->kind == IH_ENGINE_SERVER) {
        ih_session_end(session, true, CURVE_OK, now_ms);
        return;
    }
    drop_current(session);
    ih_engine_event(session->engine, CURVE_EVENT_CLOSED, CURVE_OK, 0, session->id);
}

/* A command is not answered, before which, if a session stands, nothing was for a while. */
static void tell_silent(const struct ih_session *session)
{
    const struct ih_engine_host *host = &session->engine->host;

    if (session->engine->kind == IH_ENGINE_PEER && host->silent)
        host->silent(host->arg, session->id);
}

static void tick_next(struct ih_session *session, uint64_t now_ms)
{
    struct ih_channel *next = session->next;

    if (now_ms >= next->give_up_ms) {
        ih_session_failed(session, now_ms);
    } else if (next->initiator && now_ms >= next->resend_ms) {
        uint64_t limit = (uint64_t)session->engine->limits.reconnect_ivl_max;

        next->resend_ivl = next->resend_ivl * 2 < limit ? next->resend_ivl * 2 : limit;
        next->resend_ms = now_ms + next->resend_ivl;
        next->command_due = true;
        tell_silent(session);
        ih_session_wake(session);
    }
}

void ih_session_tick(struct ih_session *session, uint64_t now_ms)
{
    if (session->old && now_ms >= session->old_until_ms) {
        ih_channel_free(session->old);
        session->old = NULL;
    }
    if (session->next)
        tick_next(session, now_ms);
    if (session->current)
        tick_current(session, now_ms);
    if (session->current && now_ms - session->heard_ms >= (uint64_t)session->engine->limits.idle) {
        bool server = session->engine->kind == IH_ENGINE_SERVER;

        fall_silent(session, now_ms);
        if (server)
            return;
    }
    if (wants_channel(session) && now_ms >= session->retry_ms)
        ih_session_initiate(session, now_ms);
    ih_session_arm(session, now_ms);
    ih_session_sweep(session);
}

/* --- handshakes --------------------------------------------------------------------------------------------------- */

/* The next handshake waits, not as long as everybody else's. */
static void wait_to_retry(struct ih_session *session, uint64_t now_ms)
{
    uint64_t ivl = session->retry_ivl;

    session->retry_ms = now_ms + ivl / 2 + ih_random_below((uint32_t)(ivl / 2) + 1);
}

/* And longer each time. */
static void back_off(struct ih_session *session, uint64_t now_ms)
{
    uint64_t limit = (uint64_t)session->engine->limits.reconnect_ivl_max;

    wait_to_retry(session, now_ms);
    session->retry_ivl = session->retry_ivl * 2 < limit ? session->retry_ivl * 2 : later(limit, session->retry_ivl);
}

void ih_session_initiate(struct ih_session *session, uint64_t now_ms)
{
    if (!may_initiate(session) || session->next)
        return;
    wait_to_retry(session, now_ms);
    (void)ih_initiator_begin(session, now_ms);
}

void ih_session_restart(struct ih_session *session, uint64_t now_ms)
{
    bool stood = session->current != NULL;

    free_channels(session);
    if (stood)
        ih_engine_event(session->engine, CURVE_EVENT_CLOSED, CURVE_OK, 0, session->id);
    ih_stream_forget(session);
    ih_session_initiate(session, now_ms);
    ih_session_arm(session, now_ms);
}

void ih_session_failed(struct ih_session *session, uint64_t now_ms)
{
    bool initiator = session->next->initiator;

    ih_channel_free(session->next);
    session->next = NULL;
    if (initiator)
        back_off(session, now_ms);
    ih_session_arm(session, now_ms);
}

void ih_session_lost(struct ih_session *session, uint64_t now_ms)
{
    if (now_ms >= session->retry_ms)
        ih_session_initiate(session, now_ms);
}

void ih_session_ready(struct ih_session *session, const struct ih_claim *claim, enum ih_verdict verdict, uint64_t own,
                      uint64_t now_ms)
{
    struct ih_channel *before = session->current;
    struct ih_channel *channel = session->next;

    ih_channel_free(session->old);
    session->old = NULL;
    session->next = NULL;
    session->current = channel;
    ih_channel_settle(channel);
    free(session->metadata);
    session->metadata = channel->metadata;
    session->metadata_size = channel->metadata_size;
    channel->metadata = NULL;
    channel->born_ms = now_ms;
    if (before && channel->initiator && verdict != IH_CLAIM_ANEW) {
        /* What the responder sent before it hears of this is under way. */
        session->old = before;
        session->old_until_ms = now_ms + (uint64_t)session->engine->limits.handshake_ivl;
    } else {
        /* All that the initiator sent in the old one has come before this, if the carrier keeps the order. */
        ih_channel_free(before);
    }
    if (before && verdict == IH_CLAIM_ANEW)
        ih_engine_event(session->engine, CURVE_EVENT_CLOSED, CURVE_OK, 0, session->id);
    join_key(session);
    session->heard_ms = now_ms;
    session->asked_ms = IH_NEVER_MS;
    session->nudged = false;
    ih_stream_join(session, claim, verdict, own, before != NULL);
    ih_engine_event(session->engine, CURVE_EVENT_READY, verdict == IH_CLAIM_RESUMED, 0, session->id);
    session->probe_ivl = 0;
    watch(session, now_ms);
    if (channel->initiator)
        ask(session);
    ih_session_wake(session);
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

static struct ih_envelope *put_command(struct ih_session *session, struct ih_channel *channel)
{
    struct ih_octets here = {session->route, session->route_size};
    struct ih_octets there = {channel->route, channel->route_size};
    struct ih_octets route = channel->route ? there : here;
    uint8_t type = channel->initiator ? IH_ENVELOPE_INITIATOR : IH_ENVELOPE_RESPONDER;
    struct ih_envelope *envelope = ih_envelope_new(route, type, ih_channel_tag(channel), channel->command_size);

    channel->command_due = false;
    if (envelope)
        memcpy(envelope->data + IH_ENVELOPE_HEAD, channel->command, channel->command_size);
    return envelope;
}

static struct ih_envelope *put_header(struct ih_session *session, uint8_t kind, uint64_t number)
{
    struct ih_header header = {.kind = kind, .number = number};

    ih_stream_header(session, &header);
    return ih_channel_seal(session->current, &header, NULL, 0);
}

static struct ih_envelope *put_ping(struct ih_session *session, uint64_t now_ms)
{
    session->ping_due = false;
    session->pinged_ms = now_ms;
    if (session->asked_ms == IH_NEVER_MS)
        session->asked_ms = now_ms;
    return put_header(session, IH_HEADER_PING, session->stream.sent);
}

static struct ih_envelope *put_data(struct ih_session *session, struct ih_outgoing *outgoing)
{
    struct ih_header header = {.kind = IH_HEADER_DATA};
    struct ih_envelope *envelope;

    ih_stream_header(session, &header);
    header.flags |= outgoing->flags;
    ih_stream_sent(session, outgoing);
    header.number = outgoing->wire;
    envelope = ih_channel_seal(session->current, &header, outgoing->text, outgoing->size);
    return envelope;
}

static struct ih_envelope *put_something(struct ih_session *session, uint64_t now_ms)
{
    struct ih_outgoing *outgoing;

    if (session->next && session->next->command_due)
        return put_command(session, session->next);
    if (!session->current)
        return NULL;
    if (session->ping_due)
        return put_ping(session, now_ms);
    outgoing = ih_stream_next(session);
    if (outgoing)
        return put_data(session, outgoing);
    return session->ack_due ? put_header(session, IH_HEADER_ACK, 0) : NULL;
}

struct ih_envelope *ih_session_output(struct ih_session *session, uint64_t now_ms)
{
    struct ih_envelope *envelope = put_something(session, now_ms);

    watch(session, now_ms);
    ih_session_arm(session, now_ms);
    return envelope;
}

/* --- receiving ---------------------------------------------------------------------------------------------------- */

/* The other end has ended its session, and what it remembered with it. */
static void closed_by_peer(struct ih_session *session, uint64_t reason, uint64_t now_ms)
{
    curve_error_t error = reason <= CURVE_ERROR_MEMORY ? (curve_error_t)reason : CURVE_OK;

    if (session->engine->kind == IH_ENGINE_SERVER) {
        ih_session_end(session, false, error, now_ms);
        return;
    }
    free_channels(session);
    ih_engine_event(session->engine, CURVE_EVENT_CLOSED, (int)error, 0, session->id);
    ih_stream_forget(session);
    back_off(session, now_ms);
    ih_session_arm(session, now_ms);
    ih_session_sweep(session);
}

static void suspect(struct ih_session *session, int rc)
{
    curve_error_t error = CURVE_ERROR_MALFORMED;

    if (rc == -ENOMEM)
        return;
    if (rc == -ESTALE)
        error = CURVE_ERROR_ORDER;
    else if (rc == -EBADMSG)
        error = CURVE_ERROR_CRYPTO;
    else if (rc == -EMSGSIZE)
        error = CURVE_ERROR_LIMIT;
    ih_engine_suspect(session->engine, error, session->id);
}

/* Something opened: the channel stands, and the other end is where this came from. */
static void hear(struct ih_session *session, struct ih_channel *channel, struct ih_octets route, uint64_t now_ms)
{
    if (channel == session->next)
        ih_session_ready(session, &channel->claim, channel->verdict, channel->stream, now_ms);
    if (channel == session->current && !channel->heard) {
        channel->heard = true;
        ih_channel_free(session->old);
        session->old = NULL;
        session->retry_ivl = (uint64_t)session->engine->limits.reconnect_ivl;
    }
    session->engine->opened++;
    session->heard_ms = now_ms;
    session->asked_ms = IH_NEVER_MS;
    session->nudged = false;
    if (session->engine->kind == IH_ENGINE_SERVER) {
        memcpy(session->route, route.data, route.size);
        session->route_size = route.size;
    }
}

void ih_session_message(struct ih_session *session, struct ih_channel *channel, struct ih_octets route,
                        const uint8_t *command, size_t size, uint64_t now_ms)
{
    struct ih_incoming *incoming;
    struct ih_header header;
    bool gap;
    int rc;

    /* A channel that is not ready is an initiator's, whose READY has not come, or was lost. */
    if (!channel->keys) {
        ih_engine_suspect(session->engine, CURVE_ERROR_STATE, session->id);
        return;
    }
    rc = ih_channel_open(channel, command, size, &header, &incoming, &gap);
    if (rc < 0) {
        suspect(session, rc);
        return;
    }
    hear(session, channel, route, now_ms);
    if (gap)
        ih_engine_suspect(session->engine, CURVE_ERROR_ORDER, session->id);
    ih_stream_take(session, &header, incoming, now_ms);
    if (header.kind == IH_HEADER_CLOSE) {
        closed_by_peer(session, header.number, now_ms);
        return;
    }
    watch(session, now_ms);
    ih_session_wake(session);
    ih_session_arm(session, now_ms);
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

void ih_session_end(struct ih_session *session, bool tell, curve_error_t error, uint64_t now_ms)
{
    struct ih_engine *engine = session->engine;
    bool stood = session->current != NULL;

    (void)now_ms;
    if (stood && tell)
        ih_engine_reply(engine, put_header(session, IH_HEADER_CLOSE, (uint64_t)error));
    free_channels(session);
    session->ended = true;
    leave_key(session);
    ih_stream_abandon(session);
    ih_stream_forget(session);
    if (stood)
        ih_engine_event(engine, CURVE_EVENT_CLOSED, (int)error, 0, session->id);
    ih_session_arm(session, now_ms);
    ih_session_sweep(session);
}
