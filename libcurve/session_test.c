/* SPDX-License-Identifier: ISC */
/* The session engine, one promise at a time, over a carrier that behaves unless a test says otherwise. */
#include "libcurve/session_harness.h"

#include <errno.h>

enum { CLIENT = 1, SERVER = 0 };

/* --- exchange ----------------------------------------------------------------------------------------------------- */

static void client_and_server(void **state)
{
    struct sim *sim = sim_new(1, IH_ENGINE_SERVER, 3, NULL);

    (void)state;
    /* Before anybody knows anybody. */
    sim_send_many(sim, 1, 0, 20);
    assert_int_equal(sim_send(sim, 0, 1), -EHOSTUNREACH);
    sim_pass(sim, 10);
    sim_send_many(sim, 0, 1, 20);
    sim_send_many(sim, 0, 2, 20);
    sim_send_many(sim, 2, 0, 20);
    sim_pass(sim, 100);
    assert_int_equal(sim_settled(sim), 0);
    assert_int_equal(sim->ends[0].taken, 40);
    assert_int_equal(sim->ends[1].taken, 20);
    assert_int_equal(sim->ends[0].questions, 2);
    sim_calm(sim);
    /* What came later took some acknowledgements along, and quiet ends say nothing. */
    assert_true(sim->carried < 2 * 4 + 80 + 20);
    assert_true(ih_engine_deadline(sim->ends[0].engine) > sim->now_ms + 5000);
    sim_free(sim);
}

static void two_peers(void **state)
{
    struct sim *sim = sim_new(2, IH_ENGINE_PEER, 3, NULL);

    (void)state;
    assert_int_equal(sim_send(sim, 0, 0), -EINVAL);
    sim_send_many(sim, 1, 0, 20);
    sim_pass(sim, 100);
    sim_send_many(sim, 0, 1, 20);
    sim_send_many(sim, 0, 2, 20);
    sim_pass(sim, 100);
    assert_int_equal(sim_settled(sim), 0);
    assert_null(sim_session(sim, 1, 2));
    sim_calm(sim);
    sim_free(sim);
}

/* Both begin in the same moment: one session comes of it. */
static void simultaneous(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 40; seed++) {
        struct sim *sim = sim_new(seed, IH_ENGINE_PEER, 2, NULL);

        sim->harm.delay = seed % 2 ? 80 : 0;
        sim->harm.max_delay = 20;
        sim_send_many(sim, 0, 1, 10);
        sim_send_many(sim, 1, 0, 10);
        sim_pass(sim, 300);
        sim_settle(sim);
        assert_int_equal(sim_settled(sim), 0);
        assert_int_equal(sim_events(sim, 0, CURVE_EVENT_READY), 1);
        assert_int_equal(sim_events(sim, 1, CURVE_EVENT_READY), 1);
        assert_int_equal(ih_map_count(&sim->ends[0].engine->channels), 1);
        assert_int_equal(ih_map_count(&sim->ends[1].engine->channels), 1);
        assert_true(sim_session(sim, 0, 1)->current->initiator != sim_session(sim, 1, 0)->current->initiator);
        sim_free(sim);
    }
}

static void some_frames(void **state)
{
    struct sim *sim = sim_joined(IH_ENGINE_PEER, NULL);
    struct ih_octets frames[IH_FRAMES_MAX + 1];
    struct ih_octets id = sim_id(sim, 1, 0);
    struct ih_message *message;

    (void)state;
    for (size_t i = 0; i <= IH_FRAMES_MAX; i++)
        frames[i] = (struct ih_octets){"abc", i % 4};
    sim->ends[0].reading = false;
    assert_int_equal(ih_engine_send(sim->ends[1].engine, id, frames, 0, 10, sim->now_ms), -EINVAL);
    assert_int_equal(ih_engine_send(sim->ends[1].engine, id, frames, IH_FRAMES_MAX + 1, 10, sim->now_ms), -EMSGSIZE);
    assert_int_equal(ih_engine_send(sim->ends[1].engine, id, frames, 1, 10, sim->now_ms), 0);
    assert_int_equal(ih_engine_send(sim->ends[1].engine, id, frames, IH_FRAMES_MAX, 11, sim->now_ms), 0);
    sim->ends[1].number = 11;
    sim_pass(sim, 100);
    message = ih_engine_delivered(sim->ends[0].engine, sim->now_ms);
    assert_int_equal(message->count, 1);
    assert_int_equal(message->frames[0].size, 0);
    ih_message_free(message);
    message = ih_engine_delivered(sim->ends[0].engine, sim->now_ms);
    assert_int_equal(message->count, IH_FRAMES_MAX);
    for (size_t i = 0; i < IH_FRAMES_MAX; i++) {
        assert_int_equal(message->frames[i].size, i % 4);
        assert_memory_equal(message->frames[i].data, "abc", i % 4);
    }
    ih_message_free(message);
    assert_null(ih_engine_delivered(sim->ends[0].engine, sim->now_ms));
    sim_free(sim);
}

/* --- limits ------------------------------------------------------------------------------------------------------- */

static void small_queues(struct sim_end *end)
{
    end->limits.sndhwm = 10;
    end->limits.rcvhwm = 4;
}

/* An application that does not read holds up its sender, and nobody's memory grows; when it reads, all goes on. */
static void backpressure(void **state)
{
    struct sim *sim = sim_joined(IH_ENGINE_SERVER, small_queues);
    struct ih_octets everybody = {NULL, 0};

    (void)state;
    sim->ends[SERVER].reading = false;
    sim_send_many(sim, CLIENT, SERVER, 10);
    assert_int_equal(sim_send(sim, CLIENT, SERVER), -EAGAIN);
    assert_false(ih_engine_writable(sim->ends[CLIENT].engine, everybody));
    sim_pass(sim, 30000);
    assert_int_equal(sim_session(sim, SERVER, CLIENT)->stream.ready_count, 4);
    assert_int_equal(sim_session(sim, CLIENT, SERVER)->stream.sent, 5);
    assert_true(ih_engine_writable(sim->ends[CLIENT].engine, everybody));
    sim_send_many(sim, CLIENT, SERVER, 4);
    assert_int_equal(sim_send(sim, CLIENT, SERVER), -EAGAIN);
    sim->ends[SERVER].reading = true;
    sim_pass(sim, 100);
    assert_int_equal(sim_settled(sim), 0);
    /* One who sends all the same gets no further, and loses nothing. */
    sim->ends[SERVER].reading = false;
    sim_send_many(sim, CLIENT, SERVER, 10);
    sim_session(sim, CLIENT, SERVER)->stream.limit = 100;
    sim_pass(sim, 10000);
    assert_int_equal(sim_session(sim, CLIENT, SERVER)->stream.sent, 25);
    assert_int_equal(sim_session(sim, SERVER, CLIENT)->stream.ready_count, 4);
    sim->ends[SERVER].reading = true;
    sim_pass(sim, 20000);
    assert_int_equal(sim_settled(sim), 0);
    sim_calm(sim);
    sim_free(sim);
}

static void short_messages(struct sim_end *end)
{
    end->limits.maxmsgsize = end->index == 0 ? 100 : 200;
}

/* What the other end would not take is reported, and what follows arrives. */
static void message_size(void **state)
{
    static const uint8_t octets[201];
    struct sim *sim = sim_new(3, IH_ENGINE_PEER, 2, short_messages);
    struct ih_octets frames[] = {{octets, 60}, {octets, 41}, {octets, 100}, {octets, 1}};
    struct ih_engine *sender = sim->ends[1].engine;
    struct ih_octets id = sim_id(sim, 1, 0);
    struct ih_message *message;

    (void)state;
    sim->ends[0].reading = false;
    sim->ends[1].number = 20;
    frames[3].size = 201;
    assert_int_equal(ih_engine_send(sender, id, frames + 3, 1, 1, sim->now_ms), -EMSGSIZE);
    assert_int_equal(ih_engine_send(sender, id, frames + 1, 3, 1, sim->now_ms), -EMSGSIZE);
    assert_int_equal(ih_engine_send(sender, id, frames, 2, 1, sim->now_ms), 0);
    assert_int_equal(ih_engine_send(sender, id, frames + 2, 1, 2, sim->now_ms), 0);
    frames[1].size = 40;
    assert_int_equal(ih_engine_send(sender, id, frames, 2, 3, sim->now_ms), 0);
    sim_pass(sim, 100);
    assert_int_equal(sim_events(sim, 1, CURVE_EVENT_UNDELIVERED), 1);
    assert_true(sim->ends[1].sent[0][1].undelivered);
    message = ih_engine_delivered(sim->ends[0].engine, sim->now_ms);
    assert_int_equal(message->count, 1);
    ih_message_free(message);
    message = ih_engine_delivered(sim->ends[0].engine, sim->now_ms);
    assert_int_equal(message->count, 2);
    assert_int_equal(message->frames[1].size, 40);
    ih_message_free(message);
    sim_pass(sim, 100);
    assert_int_equal(ih_engine_unacknowledged(sender), 0);
    sim_free(sim);
}

static void one_session(struct sim_end *end)
{
    end->limits.max_clients = 1;
}

static void too_many_clients(void **state)
{
    struct sim *sim = sim_new(4, IH_ENGINE_SERVER, 3, one_session);

    (void)state;
    sim_pass(sim, 5000);
    assert_int_equal(ih_map_count(&sim->ends[0].engine->sessions), 1);
    assert_true(sim_events(sim, 0, CURVE_EVENT_REFUSED) > 0);
    assert_int_equal(sim_value(sim, 0, CURVE_EVENT_REFUSED), CURVE_ERROR_LIMIT);
    assert_true(sim_events(sim, 1, CURVE_EVENT_REFUSED) + sim_events(sim, 2, CURVE_EVENT_REFUSED) > 0);
    sim_free(sim);

    sim = sim_new(4, IH_ENGINE_PEER, 3, one_session);
    assert_int_equal(sim_send(sim, 1, 0), 0);
    assert_int_equal(sim_send(sim, 1, 2), -EHOSTUNREACH);
    sim_free(sim);
}

/* --- who may ------------------------------------------------------------------------------------------------------ */

static void refused(void **state)
{
    struct sim *sim = sim_new(5, IH_ENGINE_SERVER, 2, NULL);

    (void)state;
    sim->ends[SERVER].answer = IH_AUTH_REFUSE;
    sim_send_many(sim, CLIENT, SERVER, 1);
    sim_pass(sim, 40000);
    assert_int_equal(sim->ends[SERVER].taken, 0);
    assert_int_equal(ih_map_count(&sim->ends[SERVER].engine->sessions), 0);
    assert_int_equal(ih_map_count(&sim->ends[SERVER].engine->used.fresh), 0);
    assert_int_equal(sim_value(sim, CLIENT, CURVE_EVENT_REFUSED), CURVE_ERROR_REFUSED);
    /* It tries again, more and more slowly. */
    assert_true(sim_events(sim, CLIENT, CURVE_EVENT_REFUSED) >= 6);
    assert_true(sim_events(sim, CLIENT, CURVE_EVENT_REFUSED) <= 16);
    sim->ends[SERVER].answer = IH_AUTH_ACCEPT;
    sim_pass(sim, 11000);
    assert_int_equal(sim_settled(sim), 0);
    assert_int_equal(sim_events(sim, SERVER, CURVE_EVENT_SUSPECT), 0);
    sim_free(sim);
}

static void few_pending(struct sim_end *end)
{
    end->limits.max_pending = 1;
    end->limits.handshake_ivl = 1000;
}

/* An authenticator that answers later, or never. */
static void asked_later(void **state)
{
    struct sim *sim = sim_new(6, IH_ENGINE_SERVER, 3, few_pending);
    struct ih_engine *server = sim->ends[0].engine;

    (void)state;
    sim->ends[0].answer = IH_AUTH_LATER;
    sim_send_many(sim, 1, 0, 1);
    sim_send_many(sim, 2, 0, 1);
    sim_pass(sim, 500);
    assert_int_equal(sim->ends[0].questions, 1);
    assert_int_equal(server->pending_count, 1);
    assert_int_equal(ih_map_count(&server->sessions), 0);
    ih_engine_decide(server, sim->ends[0].ticket + 1, true, sim->now_ms);
    sim_pass(sim, 10);
    assert_int_equal(ih_map_count(&server->sessions), 0);
    ih_engine_decide(server, sim->ends[0].ticket, true, sim->now_ms);
    ih_engine_decide(server, sim->ends[0].ticket, true, sim->now_ms);
    sim_pass(sim, 10);
    assert_int_equal(ih_map_count(&server->sessions), 1);
    assert_int_equal(sim->ends[0].taken, 1);
    /* The other one asks too now, is refused, asks again, and nobody answers. */
    for (int questions = sim->ends[0].questions; sim->ends[0].questions == questions;)
        sim_pass(sim, 1);
    assert_int_equal(server->pending_count, 1);
    ih_engine_decide(server, sim->ends[0].ticket, false, sim->now_ms);
    sim_pass(sim, 5);
    assert_int_equal(sim_events(sim, 1, CURVE_EVENT_REFUSED) + sim_events(sim, 2, CURVE_EVENT_REFUSED), 1);
    assert_int_equal(sim_value(sim, SERVER, CURVE_EVENT_REFUSED), CURVE_ERROR_REFUSED);
    sim_pass(sim, 10000);
    assert_true(sim_events(sim, SERVER, CURVE_EVENT_REFUSED) > 1);
    assert_int_equal(sim_value(sim, SERVER, CURVE_EVENT_REFUSED), CURVE_ERROR_STALE);
    assert_true(sim->ends[0].questions > 2);
    assert_int_equal(ih_map_count(&server->sessions), 1);
    sim->ends[0].answer = IH_AUTH_ACCEPT;
    sim_pass(sim, 20000);
    assert_int_equal(sim_settled(sim), 0);
    assert_int_equal(server->pending_count, 0);
    sim_free(sim);
}

/* Several clients with one key: each has its own session, and the key alone stands for the newest. */
static void one_key_twice(void **state)
{
    struct sim *sim = sim_new(8, IH_ENGINE_SERVER, 3, NULL);
    struct ih_octets id = {curve_cert_public_key(sim->ends[1].cert), CURVE_KEY_SIZE};
    struct ih_engine *server = sim->ends[0].engine;
    struct ih_map_node *node;
    struct ih_session *newest;
    size_t taken;

    (void)state;
    sim_pass(sim, 100);
    curve_cert_destroy(&sim->ends[2].cert);
    sim->ends[2].cert = curve_cert_dup(sim->ends[1].cert);
    sim_restart(sim, 2);
    sim_pass(sim, 100);
    assert_int_equal(ih_map_count(&server->sessions), 3);
    sim_send_many(sim, 0, 2, 1);
    sim_pass(sim, 100);
    assert_int_equal(sim->ends[2].taken, 1);
    /* When the newest goes, the one before it is meant. */
    node = ih_map_find(&server->newest, id.data, id.size);
    newest = IH_CONTAINER(node, struct ih_session, key_node);
    sim->ends[2].blocked = true;
    ih_engine_close(sim->ends[2].engine, sim->now_ms);
    sim->ends[2].blocked = false;
    sim_pass(sim, 100);
    node = ih_map_find(&server->newest, id.data, id.size);
    assert_non_null(node);
    assert_ptr_not_equal(IH_CONTAINER(node, struct ih_session, key_node), newest);
    taken = sim->ends[1].taken;
    sim_send_many(sim, 0, 1, 1);
    sim_pass(sim, 100);
    assert_int_equal(sim->ends[1].taken, taken + 1);
    sim_free(sim);
}

/* --- renewal ------------------------------------------------------------------------------------------------------ */

static void often(struct sim_end *end)
{
    end->limits.renew_messages = 20;
    end->limits.renew_ivl = 5000;
}

/* Sessions are renewed under traffic, and nothing is lost, repeated, or sent twice. */
static void renewal(void **state)
{
    (void)state;
    for (int peers = 0; peers < 2; peers++) {
        struct sim *sim = sim_joined(peers ? IH_ENGINE_PEER : IH_ENGINE_SERVER, often);
        uint8_t before[IH_CURVE_KEY];
        size_t carried;

        memcpy(before, sim_session(sim, 0, 1)->current->keys->open, sizeof before);
        carried = sim->carried;
        for (int i = 0; i < 1500; i++) {
            sim_send_many(sim, 0, 1, 1);
            sim_send_many(sim, 1, 0, 1);
            sim_pass(sim, 1);
        }
        sim_pass(sim, 100);
        assert_int_equal(sim_settled(sim), 0);
        sim_calm(sim);
        assert_true(sim_events(sim, 0, CURVE_EVENT_READY) >= 10);
        assert_int_equal(sim_events(sim, 0, CURVE_EVENT_READY), sim_events(sim, 1, CURVE_EVENT_READY));
        assert_int_equal(sim_value(sim, 0, CURVE_EVENT_READY), 1);
        assert_int_equal(sim_events(sim, 0, CURVE_EVENT_CLOSED), 0);
        assert_memory_not_equal(before, sim_session(sim, 0, 1)->current->keys->open, sizeof before);
        /* Old channels, and their keys, are gone. */
        assert_int_equal(ih_map_count(&sim->ends[0].engine->channels), 1);
        assert_int_equal(ih_map_count(&sim->ends[1].engine->channels), 1);
        /* Each message once, and 6 envelopes for each renewal; a few acknowledgements found no message. */
        assert_true(sim->carried - carried < 3000 + 20 + 6 * (size_t)sim_events(sim, 0, CURVE_EVENT_READY));

        carried = (size_t)sim_events(sim, 1, CURVE_EVENT_READY);
        sim_pass(sim, 20000);
        assert_true((size_t)sim_events(sim, 1, CURVE_EVENT_READY) >= carried + 3);
        sim_calm(sim);
        sim_free(sim);
    }
}

/* --- ends that come and go ---------------------------------------------------------------------------------------- */

/* The other end is another one with the same key: what it may not have got is reported, and the rest goes to the new one. */
static void restart(void **state)
{
    (void)state;
    for (int which = 0; which < 4; which++) {
        struct sim *sim = sim_joined(which < 2 ? IH_ENGINE_SERVER : IH_ENGINE_PEER, NULL);
        int gone = which % 2;
        int other = 1 - gone;
        bool new_session = sim->ends[other].kind == IH_ENGINE_SERVER;
        size_t taken;

        sim->ends[gone].reading = false;
        sim_send_many(sim, other, gone, 5);
        sim->harm.drop = 100;
        sim_pass(sim, 50);
        sim->harm.drop = 0;
        sim_restart(sim, gone);
        sim->ends[gone].reading = true;
        taken = sim->ends[gone].taken;
        sim_pass(sim, 3000);
        sim_send_many(sim, other, gone, 5);
        sim_pass(sim, 100);
        /* A client that is new is somebody else: the session of the old one ends when it was silent for long. */
        if (new_session) {
            assert_int_equal(sim_events(sim, other, CURVE_EVENT_UNDELIVERED), 0);
            sim_pass(sim, 60000);
        }
        assert_int_equal(sim_settled(sim), 5);
        assert_int_equal(sim->ends[gone].taken, taken + 5);
        assert_int_equal(sim_events(sim, other, CURVE_EVENT_CLOSED), 1);
        assert_int_equal(sim_value(sim, other, CURVE_EVENT_READY), 0);
        /* From now on they remember each other. */
        ih_session_initiate(sim_session(sim, 1, 0), sim->now_ms);
        sim_pass(sim, 100);
        assert_int_equal(sim_value(sim, 0, CURVE_EVENT_READY), 1);
        assert_int_equal(sim_value(sim, 1, CURVE_EVENT_READY), 1);
        sim_free(sim);
    }
}

/* A peer that is new speaks before it is spoken to. */
static void restart_and_speak(void **state)
{
    struct sim *sim = sim_joined(IH_ENGINE_PEER, NULL);

    (void)state;
    sim->harm.drop = 100;
    sim_send_many(sim, 0, 1, 5);
    sim_pass(sim, 50);
    sim->harm.drop = 0;
    sim_restart(sim, 1);
    sim_send_many(sim, 1, 0, 5);
    sim_pass(sim, 50);
    assert_int_equal(sim_events(sim, 0, CURVE_EVENT_CLOSED), 1);
    assert_int_equal(sim_events(sim, 0, CURVE_EVENT_READY), 2);
    assert_int_equal(sim_value(sim, 0, CURVE_EVENT_READY), 0);
    assert_int_equal(sim_settled(sim), 5);
    ih_session_initiate(sim_session(sim, 1, 0), sim->now_ms);
    sim_pass(sim, 50);
    assert_int_equal(sim_events(sim, 0, CURVE_EVENT_READY), 3);
    assert_int_equal(sim_value(sim, 0, CURVE_EVENT_READY), 1);
    sim_free(sim);
}

/* The carrier is away for less than CURVE_IDLE: the session goes on by itself, and nothing is reported. */
static void short_outage(void **state)
{
    struct sim *sim = sim_joined(IH_ENGINE_PEER, NULL);

    (void)state;
    sim->harm.drop = 100;
    sim_send_many(sim, 0, 1, 20);
    sim_send_many(sim, 1, 0, 20);
    sim_pass(sim, 20000);
    sim->harm.drop = 0;
    ih_engine_nudge(sim->ends[0].engine, sim->now_ms);
    ih_engine_nudge(sim->ends[1].engine, sim->now_ms);
    sim_pass(sim, 2000);
    assert_int_equal(sim_settled(sim), 0);
    assert_int_equal(sim_events(sim, 0, CURVE_EVENT_CLOSED), 0);
    sim_free(sim);
}

/* For longer: each end says so once, and afterwards they go on where they were. A server's client is a new one. */
static void long_outage(void **state)
{
    (void)state;
    for (int peers = 0; peers < 2; peers++) {
        struct sim *sim = sim_joined(peers ? IH_ENGINE_PEER : IH_ENGINE_SERVER, NULL);

        sim->harm.drop = 100;
        sim_send_many(sim, 1, 0, 20);
        sim_pass(sim, 100000);
        assert_int_equal(sim_events(sim, 0, CURVE_EVENT_CLOSED), 1);
        assert_int_equal(sim_events(sim, 1, CURVE_EVENT_CLOSED), 1);
        assert_int_equal(sim_value(sim, 1, CURVE_EVENT_CLOSED), CURVE_OK);
        assert_int_equal(sim_events(sim, 1, CURVE_EVENT_UNDELIVERED), 0);
        assert_null(sim_session(sim, 0, 1));
        sim->harm.drop = 0;
        sim_pass(sim, 25000);
        sim_send_many(sim, 1, 0, 3);
        sim_pass(sim, 1000);
        assert_int_equal(sim_settled(sim), 20);
        sim_free(sim);
    }
}

/* Ends that have nothing to say stay together, at the price of a heartbeat, and notice when the other one is gone. */
static void heartbeat(void **state)
{
    struct sim *sim = sim_joined(IH_ENGINE_SERVER, NULL);
    size_t carried = sim->carried;

    (void)state;
    sim_pass(sim, 600000);
    assert_int_equal(sim_events(sim, 0, CURVE_EVENT_CLOSED), 0);
    assert_int_equal(sim_events(sim, 1, CURVE_EVENT_CLOSED), 0);
    assert_int_equal(sim_events(sim, 1, CURVE_EVENT_READY), 1);
    assert_true(sim->carried - carried >= 100);
    assert_true(sim->carried - carried <= 300);
    sim->ends[CLIENT].blocked = true;
    sim_pass(sim, 59000);
    assert_int_equal(sim_events(sim, SERVER, CURVE_EVENT_CLOSED), 0);
    sim_pass(sim, 2000);
    assert_int_equal(sim_events(sim, SERVER, CURVE_EVENT_CLOSED), 1);
    assert_int_equal(ih_map_count(&sim->ends[SERVER].engine->sessions), 0);
    sim_free(sim);
}

/* A connection by another route, in the middle of a session. */
static void another_route(void **state)
{
    struct sim *sim = sim_joined(IH_ENGINE_SERVER, NULL);

    (void)state;
    sim->ends[CLIENT].life++; /* the harness names routes by it */
    sim->ends[CLIENT].number = 0;
    sim_send_many(sim, CLIENT, SERVER, 1);
    sim_pass(sim, 50);
    assert_int_equal(sim_session(sim, SERVER, CLIENT)->route[1], 1);
    /* What is repeated leads nobody astray. */
    for (size_t i = 0; i < sim->record_count; i++) {
        const struct sim_packet *record = &sim->records[i];

        if (record->to == SERVER)
            ih_engine_input(sim->ends[SERVER].engine, (struct ih_octets){"\1\2", 2},
                            (struct ih_octets){record->data, record->size}, sim->now_ms);
    }
    sim->ends[SERVER].events[sim_bit(CURVE_EVENT_SUSPECT)] = 0;
    assert_int_equal(sim_session(sim, SERVER, CLIENT)->route[1], 1);
    sim_send_many(sim, SERVER, CLIENT, 5);
    sim_pass(sim, 50);
    assert_int_equal(sim_settled(sim), 0);
    sim_calm(sim);
    assert_int_equal(sim_events(sim, SERVER, CURVE_EVENT_READY), 1);
    sim_free(sim);
}

static void close_in_order(void **state)
{
    (void)state;
    for (int peers = 0; peers < 2; peers++) {
        struct sim *sim = sim_joined(peers ? IH_ENGINE_PEER : IH_ENGINE_SERVER, NULL);

        ih_engine_close(sim->ends[1].engine, sim->now_ms);
        assert_int_equal(sim_send(sim, 1, 0), -EHOSTUNREACH);
        sim_pass(sim, 10);
        assert_int_equal(sim_events(sim, 0, CURVE_EVENT_CLOSED), 1);
        assert_int_equal(sim_events(sim, 1, CURVE_EVENT_CLOSED), 1);
        assert_null(sim_session(sim, 0, 1));
        sim_pass(sim, IH_COOKIE_LIFE_MS); /* the secret of the cookie goes last */
        assert_int_equal(ih_engine_deadline(sim->ends[0].engine), UINT64_MAX);
        assert_int_equal(ih_engine_deadline(sim->ends[1].engine), UINT64_MAX);
        sim_free(sim);
    }
}

/* Who ends says what has come: it is delivered, and not reported as lost. */
static void close_acknowledges(void **state)
{
    (void)state;
    for (int closer = 0; closer < 2; closer++) {
        for (int peers = 0; peers < 2; peers++) {
            struct sim *sim = sim_joined(peers ? IH_ENGINE_PEER : IH_ENGINE_SERVER, NULL);
            int sender = 1 - closer;

            sim_send_many(sim, sender, closer, 3);
            sim_pass(sim, 2); /* they came, and an acknowledgement waits */
            assert_int_equal(ih_engine_unacknowledged(sim->ends[sender].engine), 3);
            ih_engine_close(sim->ends[closer].engine, sim->now_ms);
            sim_pass(sim, 10);
            assert_int_equal(sim_events(sim, sender, CURVE_EVENT_UNDELIVERED), 0);
            assert_int_equal(ih_engine_unacknowledged(sim->ends[sender].engine), 0);
            sim_free(sim);
        }
    }
}

/* A key that is not let in any more. */
static void end_of_a_key(void **state)
{
    struct sim *sim = sim_joined(IH_ENGINE_SERVER, NULL);

    (void)state;
    sim->ends[SERVER].answer = IH_AUTH_REFUSE;
    sim->ends[CLIENT].reading = false;
    sim->ends[SERVER].blocked = true;
    sim_send_many(sim, SERVER, CLIENT, 3);
    ih_engine_end(sim->ends[SERVER].engine, curve_cert_public_key(sim->ends[CLIENT].cert), sim->now_ms);
    assert_int_equal(sim_events(sim, SERVER, CURVE_EVENT_UNDELIVERED), 3);
    assert_int_equal(sim_send(sim, SERVER, CLIENT), -EHOSTUNREACH);
    sim->ends[SERVER].blocked = false;
    sim_pass(sim, 5000);
    assert_int_equal(sim_events(sim, CLIENT, CURVE_EVENT_CLOSED), 1);
    assert_true(sim_events(sim, CLIENT, CURVE_EVENT_REFUSED) > 0);
    assert_null(sim_session(sim, SERVER, CLIENT));
    sim_free(sim);
}

/* --- the rest ---------------------------------------------------------------------------------------------------- */

static void wrong_arguments(void **state)
{
    static const uint8_t low_order[CURVE_KEY_SIZE];
    struct sim *sim = sim_new(11, IH_ENGINE_PEER, 2, NULL);
    struct ih_octets nothing = {NULL, 0};
    struct ih_octets malformed = {"\4ab", 3};
    struct ih_engine_host host = {sim_authenticate, sim_event, NULL, &sim->ends[0]};
    struct ih_octets id = {low_order, sizeof low_order};
    struct ih_octets frame = {"x", 1};
    struct ih_engine_limits limits;
    struct ih_engine *engine = NULL;

    (void)state;
    ih_engine_defaults(&limits);
    assert_int_equal(ih_engine_new(&engine, IH_ENGINE_CLIENT, sim->ends[0].cert, NULL, &limits, nothing, &host),
                     -EINVAL);
    assert_int_equal(ih_engine_new(&engine, IH_ENGINE_CLIENT, sim->ends[0].cert, low_order, &limits, nothing, &host),
                     -EINVAL);
    assert_int_equal(ih_engine_new(&engine, IH_ENGINE_SERVER, NULL, NULL, &limits, nothing, &host), -EINVAL);
    assert_int_equal(ih_engine_new(&engine, IH_ENGINE_SERVER, sim->ends[0].cert, NULL, &limits, malformed, &host),
                     -EINVAL);
    limits.rcvhwm = 0;
    assert_int_equal(ih_engine_new(&engine, IH_ENGINE_SERVER, sim->ends[0].cert, NULL, &limits, nothing, &host),
                     -EINVAL);
    assert_null(engine);
    assert_int_equal(ih_engine_send(sim->ends[0].engine, id, &frame, 1, 1, sim->now_ms), -EINVAL);
    id.size = 31;
    assert_int_equal(ih_engine_send(sim->ends[0].engine, id, &frame, 1, 1, sim->now_ms), -EINVAL);
    ih_engine_free(NULL);
    ih_envelope_free(NULL);
    ih_message_free(NULL);
    sim_free(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_and_server),  cmocka_unit_test(two_peers),     cmocka_unit_test(simultaneous),
        cmocka_unit_test(some_frames),        cmocka_unit_test(backpressure),  cmocka_unit_test(message_size),
        cmocka_unit_test(too_many_clients),   cmocka_unit_test(refused),       cmocka_unit_test(asked_later),
        cmocka_unit_test(one_key_twice),      cmocka_unit_test(renewal),       cmocka_unit_test(restart),
        cmocka_unit_test(restart_and_speak),  cmocka_unit_test(short_outage),  cmocka_unit_test(long_outage),
        cmocka_unit_test(heartbeat),          cmocka_unit_test(another_route), cmocka_unit_test(close_in_order),
        cmocka_unit_test(close_acknowledges), cmocka_unit_test(end_of_a_key),  cmocka_unit_test(wrong_arguments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
