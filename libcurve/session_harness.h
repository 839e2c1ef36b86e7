/* SPDX-License-Identifier: ISC */
/* A world for the tests of the session engine: ends, a carrier that does them harm, and a clock that jumps. Everything
 * follows from one seed. */
#ifndef IH_LIBCURVE_SESSION_HARNESS_H
#define IH_LIBCURVE_SESSION_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/random.h"
#include "libcurve/engine.h"

enum {
    SIM_ENDS = 3,
    SIM_MESSAGES = 4096, /* of one incarnation of an end */
    SIM_IDS = 256,       /* sessions that an end hears of */
    SIM_LIVES = 16,      /* incarnations */
    SIM_PACKETS = 1024,  /* under way */
    SIM_RECORDS = 256,   /* recorded, to be replayed */
};

/* What the carrier does, in percent of envelopes. */
struct sim_harm {
    unsigned drop;
    unsigned delay; /* by up to max_delay ms, and so reorder */
    unsigned duplicate;
    unsigned truncate;
    unsigned alter;
    unsigned replay;  /* something old is delivered too */
    unsigned swap;    /* delivered as from somebody else */
    unsigned garbage; /* random octets are delivered too */
    unsigned forget;  /* "I know no such session" is delivered too */
    unsigned max_delay;
};

struct sim_packet {
    int from;
    int to;
    uint64_t at_ms;
    uint64_t order;
    uint8_t *data;
    size_t size;
};

/* What became of a message. */
struct sim_sent {
    uint8_t to;
    uint8_t received;
    bool acknowledged;
    bool undelivered;
    uint64_t session; /* which of its sessions, of a server's client */
};

struct sim_end {
    struct ih_engine *engine;
    enum ih_engine_kind kind;
    curve_cert_t *cert;
    int index;
    int life;
    uint64_t number; /* of the last message */
    bool reading;    /* the application takes messages */
    bool blocked;    /* the carrier takes none */
    struct {
        uint8_t id[CURVE_ID_SIZE];
        int life;
        uint64_t number;
    } last[SIM_IDS]; /* the last number from there, in this life */
    size_t last_count;
    enum ih_auth answer;
    uint64_t ticket;
    int questions;
    int events[16]; /* by the bit of CURVE_EVENT_ */
    int values[16]; /* of the last one */
    uint8_t event_id[CURVE_ID_SIZE];
    size_t taken;
    struct ih_engine_limits limits;
    struct sim_sent sent[SIM_LIVES][SIM_MESSAGES];
};

struct sim {
    uint64_t now_ms;
    uint64_t random;
    struct sim_harm harm;
    struct sim_end ends[SIM_ENDS];
    int count;
    struct sim_packet packets[SIM_PACKETS];
    size_t packet_count;
    uint64_t packet_order;
    struct sim_packet records[SIM_RECORDS];
    size_t record_count;
    size_t carried;
    size_t carried_octets;
    void (*change)(struct sim_end *end);
};

/* --- randomness --------------------------------------------------------------------------------------------------- */

static uint64_t sim_state;

/* splitmix64 */
static inline uint64_t sim_draw(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15u;

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static inline const char *sim_random_name(void)
{
    return "sim";
}

static inline uint32_t sim_random_u32(void)
{
    return (uint32_t)sim_draw(&sim_state);
}

static inline void sim_random_buf(void *buf, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)buf)[i] = (uint8_t)sim_draw(&sim_state);
}

static struct randombytes_implementation sim_implementation = {
    .implementation_name = sim_random_name,
    .random = sim_random_u32,
    .buf = sim_random_buf,
};

/* Below limit. */
static inline uint32_t sim_random(struct sim *sim, uint32_t limit)
{
    return (uint32_t)(sim_draw(&sim->random) % limit);
}

static inline bool sim_chance(struct sim *sim, unsigned percent)
{
    return percent > 0 && sim_random(sim, 100) < percent;
}

/* --- the ends' hosts ---------------------------------------------------------------------------------------------- */

static inline int sim_bit(int event)
{
    int bit = 0;

    while (event > 1) {
        event >>= 1;
        bit++;
    }
    return bit;
}

/* How often an event was reported. */
static inline int sim_events(const struct sim *sim, int end, int event)
{
    return sim->ends[end].events[sim_bit(event)];
}

/* The value of the last one. */
static inline int sim_value(const struct sim *sim, int end, int event)
{
    return sim->ends[end].values[sim_bit(event)];
}

static inline enum ih_auth sim_authenticate(void *arg, const uint8_t *key, struct ih_octets metadata, uint64_t ticket)
{
    struct sim_end *end = arg;

    assert_non_null(key);
    assert_true(metadata.size > 0);
    end->questions++;
    end->ticket = ticket;
    return end->answer;
}

static inline void sim_event(void *arg, const curve_event_t *event)
{
    struct sim_end *end = arg;

    end->events[sim_bit(event->event)]++;
    end->values[sim_bit(event->event)] = event->value;
    memcpy(end->event_id, event->id, CURVE_ID_SIZE);
    if (event->event == CURVE_EVENT_UNDELIVERED) {
        struct sim_sent *sent = &end->sent[end->life][event->number];

        assert_true(event->number > 0 && event->number <= end->number);
        assert_false(sent->acknowledged || sent->undelivered);
        sent->undelivered = true;
    }
    if (event->event == CURVE_EVENT_DELIVERED) {
        struct sim_sent *last = &end->sent[end->life][event->number];

        assert_true(event->number > 0 && event->number <= end->number);
        assert_false(last->undelivered);
        for (uint64_t number = 1; number <= event->number; number++) {
            struct sim_sent *sent = &end->sent[end->life][number];

            if (sent->to == last->to && sent->session == last->session && !sent->undelivered)
                sent->acknowledged = true;
        }
    }
}

static inline void sim_open(struct sim *sim, int index)
{
    static const uint8_t note[] = "\4Note\0\0\0\2hi";
    struct sim_end *end = &sim->ends[index];
    struct ih_engine_host host = {sim_authenticate, sim_event, NULL, end};
    const uint8_t *server_key = index > 0 ? curve_cert_public_key(sim->ends[0].cert) : NULL;

    if (sim->change)
        sim->change(end);
    assert_int_equal(ih_engine_new(&end->engine, end->kind, end->cert, server_key, &end->limits,
                                   (struct ih_octets){note, sizeof note - 1}, &host),
                     0);
}

/* A server and count - 1 clients, or count peers; everybody lets everybody in. change, if it is there, is called before
 * each engine is made. */
static inline struct sim *sim_new(uint64_t seed, enum ih_engine_kind kind, int count,
                                  void (*change)(struct sim_end *end))
{
    struct sim *sim = calloc(1, sizeof *sim);

    assert_non_null(sim);
    assert_int_equal(ih_random_init(), 0);
    sim_state = seed * 2 + 1;
    randombytes_set_implementation(&sim_implementation);
    sim->random = seed;
    sim->now_ms = 1000;
    sim->count = count;
    sim->change = change;
    for (int i = 0; i < count; i++) {
        struct sim_end *end = &sim->ends[i];

        end->index = i;
        end->kind = kind == IH_ENGINE_PEER ? kind : i == 0 ? IH_ENGINE_SERVER : IH_ENGINE_CLIENT;
        end->cert = curve_cert_new();
        end->answer = IH_AUTH_ACCEPT;
        end->reading = true;
        ih_engine_defaults(&end->limits);
        sim_open(sim, i);
    }
    return sim;
}

static inline void sim_free(struct sim *sim)
{
    for (int i = 0; i < sim->count; i++) {
        ih_engine_free(sim->ends[i].engine);
        curve_cert_destroy(&sim->ends[i].cert);
    }
    for (size_t i = 0; i < sim->packet_count; i++)
        free(sim->packets[i].data);
    for (size_t i = 0; i < SIM_RECORDS; i++)
        free(sim->records[i].data);
    free(sim);
    randombytes_set_implementation(&randombytes_sysrandom_implementation);
}

/* --- messages ----------------------------------------------------------------------------------------------------- */

enum { SIM_LABEL = 12 };

/* The size of the rest of a message. */
static inline size_t sim_filling(int from, uint64_t number)
{
    uint64_t state = number * 16 + (uint64_t)from;
    uint64_t x = sim_draw(&state);

    return x % 8 == 0 ? (x >> 8) % 3000 : (x >> 8) % 60;
}

static inline void sim_fill(uint8_t *out, int from, int life, int to, uint64_t number)
{
    size_t size = sim_filling(from, number);

    out[0] = (uint8_t)from;
    out[1] = (uint8_t)life;
    out[2] = (uint8_t)to;
    out[3] = 0;
    ih_curve_put_nonce(out + 4, number);
    for (size_t i = 0; i < size; i++)
        out[SIM_LABEL + i] = (uint8_t)(number * 31 + i);
}

/* The id by which an end knows another. */
static inline struct ih_octets sim_id(const struct sim *sim, int from, int to)
{
    if (sim->ends[from].kind == IH_ENGINE_CLIENT)
        return (struct ih_octets){NULL, 0};
    return (struct ih_octets){curve_cert_public_key(sim->ends[to].cert), CURVE_KEY_SIZE};
}

/* Which session of a client a server sends to. */
static inline uint64_t sim_newest(const struct sim_end *end, struct ih_octets id)
{
    struct ih_map_node *node = NULL;

    if (end->kind == IH_ENGINE_SERVER)
        node = ih_map_find(&end->engine->newest, id.data, id.size);
    return node ? ih_curve_get_nonce(IH_CONTAINER(node, struct ih_session, key_node)->id + CURVE_KEY_SIZE) : 0;
}

/* Sends a message with contents that follow from who sends it and its number: every third one in two frames. */
static inline int sim_send(struct sim *sim, int from, int to)
{
    struct sim_end *end = &sim->ends[from];
    uint64_t number = end->number + 1;
    uint8_t octets[SIM_LABEL + 3000];
    struct ih_octets frames[2] = {{octets, SIM_LABEL + sim_filling(from, number)}, {NULL, 0}};
    size_t count = 1;
    int rc;

    assert_true(number < SIM_MESSAGES);
    sim_fill(octets, from, end->life, to, number);
    if (number % 3 == 0) {
        frames[1] = (struct ih_octets){octets + SIM_LABEL, frames[0].size - SIM_LABEL};
        frames[0].size = SIM_LABEL;
        count = 2;
    }
    /* Before the call, which may report it. */
    end->sent[end->life][number].to = (uint8_t)to;
    end->sent[end->life][number].session = sim_newest(end, sim_id(sim, from, to));
    end->number = number;
    rc = ih_engine_send(end->engine, sim_id(sim, from, to), frames, count, number, sim->now_ms);
    if (rc < 0)
        end->number = number - 1;
    return rc;
}

/* The last number that came in this session from this life of the other end. */
static inline uint64_t *sim_last(struct sim_end *end, const uint8_t *id, int life)
{
    for (size_t i = 0; i < end->last_count; i++) {
        if (end->last[i].life == life && memcmp(end->last[i].id, id, CURVE_ID_SIZE) == 0)
            return &end->last[i].number;
    }
    assert_true(end->last_count < SIM_IDS);
    memcpy(end->last[end->last_count].id, id, CURVE_ID_SIZE);
    end->last[end->last_count].life = life;
    end->last[end->last_count].number = 0;
    return &end->last[end->last_count++].number;
}

/* A message that an end was given: was it sent to it, and not given before, nor one that was sent later? */
static inline void sim_take(struct sim *sim, struct sim_end *end, struct ih_message *message)
{
    uint8_t expected[SIM_LABEL + 3000];
    uint8_t label[SIM_LABEL];
    struct sim_sent *sent;
    uint64_t number;
    uint64_t *last;
    int from;
    int life;

    assert_true(message->count >= 1 && message->frames[0].size >= SIM_LABEL);
    memcpy(label, message->frames[0].data, SIM_LABEL);
    from = label[0];
    life = label[1];
    number = ih_curve_get_nonce(label + 4);
    assert_true(from < sim->count && from != end->index && life <= sim->ends[from].life && number < SIM_MESSAGES);
    assert_memory_equal(message->id, curve_cert_public_key(sim->ends[from].cert), CURVE_KEY_SIZE);
    sim_fill(expected, from, life, end->index, number);
    assert_int_equal(message->count, number % 3 == 0 ? 2 : 1);
    if (message->count == 1)
        assert_int_equal(message->frames[0].size, SIM_LABEL + sim_filling(from, number));
    else
        assert_int_equal(message->frames[1].size, sim_filling(from, number));
    for (size_t i = 0, at = 0; i < message->count; i++) {
        assert_memory_equal(message->frames[i].data, expected + at, message->frames[i].size);
        at += message->frames[i].size;
    }
    sent = &sim->ends[from].sent[life][number];
    assert_int_equal(sent->to, end->index);
    assert_int_equal(sent->received, 0);
    last = sim_last(end, message->id, life);
    assert_true(number > *last);
    *last = number;
    sent->received++;
    end->taken++;
    ih_message_free(message);
}

/* --- the carrier -------------------------------------------------------------------------------------------------- */

static inline void sim_carry(struct sim *sim, int from, int to, const uint8_t *data, size_t size, uint64_t delay)
{
    struct sim_packet *packet = &sim->packets[sim->packet_count];

    /* A carrier that is full drops. */
    if (sim->packet_count == SIM_PACKETS)
        return;
    packet->from = from;
    packet->to = to;
    packet->at_ms = sim->now_ms + 1 + delay;
    packet->order = sim->packet_order++;
    packet->size = size;
    packet->data = malloc(size > 0 ? size : 1);
    assert_non_null(packet->data);
    if (size > 0)
        memcpy(packet->data, data, size);
    sim->packet_count++;
}

static inline void sim_record(struct sim *sim, int from, int to, const uint8_t *data, size_t size)
{
    struct sim_packet *record =
        &sim->records[sim->record_count < SIM_RECORDS ? sim->record_count : sim_random(sim, SIM_RECORDS)];

    free(record->data);
    *record = (struct sim_packet){.from = from, .to = to, .data = malloc(size), .size = size};
    assert_non_null(record->data);
    memcpy(record->data, data, size);
    if (sim->record_count < SIM_RECORDS)
        sim->record_count++;
}

static inline void sim_replay(struct sim *sim)
{
    const struct sim_packet *record = &sim->records[sim_random(sim, (uint32_t)sim->record_count)];

    sim_carry(sim, record->from, record->to, record->data, record->size, sim_random(sim, 50));
}

/* What is not of this envelope. */
static inline void sim_inject(struct sim *sim, int from, int to, const uint8_t *data)
{
    uint8_t octets[300];
    size_t size = 1 + sim_random(sim, sizeof octets - 1);

    if (sim_chance(sim, sim->harm.replay))
        sim_replay(sim);
    if (sim_chance(sim, sim->harm.garbage)) {
        for (size_t i = 0; i < size; i++)
            octets[i] = (uint8_t)sim_random(sim, 256);
        if (size > IH_ENVELOPE_HEAD && sim_chance(sim, 70))
            memcpy(octets, data, IH_ENVELOPE_HEAD);
        sim_carry(sim, from, to, octets, size, 0);
    }
    if (sim_chance(sim, sim->harm.forget)) {
        memcpy(octets, data, IH_ENVELOPE_HEAD);
        octets[0] = octets[0] == IH_ENVELOPE_INITIATOR ? IH_ENVELOPE_LOST_INITIATED : IH_ENVELOPE_LOST_RESPONDED;
        sim_carry(sim, to, from, octets, IH_ENVELOPE_HEAD, 0);
    }
}

static inline void sim_harm_envelope(struct sim *sim, int from, int to, uint8_t *data, size_t size)
{
    uint64_t delay = sim_chance(sim, sim->harm.delay) ? sim_random(sim, sim->harm.max_delay + 1) : 0;

    sim_record(sim, from, to, data, size);
    sim_inject(sim, from, to, data);
    if (sim_chance(sim, sim->harm.drop))
        return;
    if (sim_chance(sim, sim->harm.duplicate))
        sim_carry(sim, from, to, data, size, sim_random(sim, sim->harm.max_delay + 1));
    if (sim_chance(sim, sim->harm.swap))
        from = (int)sim_random(sim, (uint32_t)sim->count);
    if (sim_chance(sim, sim->harm.truncate))
        size = sim_random(sim, (uint32_t)size);
    if (size > 0 && sim_chance(sim, sim->harm.alter))
        data[sim_random(sim, (uint32_t)size)] ^= (uint8_t)(1u << sim_random(sim, 8));
    sim_carry(sim, from, to, data, size, delay);
}

/* A route is the key of a peer; of a client the name that its connection has. */
static inline int sim_whom(const struct sim *sim, const struct sim_end *end, struct ih_octets route)
{
    if (end->kind == IH_ENGINE_CLIENT)
        return 0;
    if (end->kind == IH_ENGINE_SERVER) {
        assert_true(route.size == 2);
        return ((const uint8_t *)route.data)[0];
    }
    for (int i = 0; i < sim->count; i++) {
        if (memcmp(curve_cert_public_key(sim->ends[i].cert), route.data, CURVE_KEY_SIZE) == 0)
            return i;
    }
    fail();
    return 0;
}

static inline void sim_deliver(struct sim *sim, const struct sim_packet *packet)
{
    struct sim_end *end = &sim->ends[packet->to];
    uint8_t name[2] = {(uint8_t)packet->from, (uint8_t)sim->ends[packet->from].life};
    struct ih_octets route = {name, sizeof name};

    if (end->kind == IH_ENGINE_CLIENT)
        route.size = 0;
    else if (end->kind == IH_ENGINE_PEER)
        route = (struct ih_octets){curve_cert_public_key(sim->ends[packet->from].cert), CURVE_KEY_SIZE};
    ih_engine_input(end->engine, route, (struct ih_octets){packet->data, packet->size}, sim->now_ms);
}

/* --- time --------------------------------------------------------------------------------------------------------- */

/* All that an end has to say and to hand over. */
static inline void sim_pump(struct sim *sim, int index)
{
    struct sim_end *end = &sim->ends[index];
    struct ih_envelope *envelope;
    struct ih_message *message;

    while (end->reading && (message = ih_engine_delivered(end->engine, sim->now_ms)) != NULL)
        sim_take(sim, end, message);
    while (!end->blocked && (envelope = ih_engine_output(end->engine, sim->now_ms)) != NULL) {
        int to = sim_whom(sim, end, envelope->route);

        sim->carried++;
        sim->carried_octets += envelope->size;
        sim_harm_envelope(sim, index, to, envelope->data, envelope->size);
        ih_envelope_free(envelope);
    }
}

static inline bool sim_next_packet(const struct sim *sim, size_t *index)
{
    bool found = false;

    for (size_t i = 0; i < sim->packet_count; i++) {
        const struct sim_packet *best = &sim->packets[*index];
        const struct sim_packet *packet = &sim->packets[i];

        if (!found || packet->at_ms < best->at_ms || (packet->at_ms == best->at_ms && packet->order < best->order))
            *index = i;
        found = true;
    }
    return found;
}

/* Everything that happens up to the moment. */
static inline void sim_run(struct sim *sim, uint64_t until_ms)
{
    for (;;) {
        uint64_t at = UINT64_MAX;
        size_t index = 0;
        bool packet;

        for (int i = 0; i < sim->count; i++)
            sim_pump(sim, i);
        for (int i = 0; i < sim->count; i++) {
            uint64_t deadline = ih_engine_deadline(sim->ends[i].engine);

            at = deadline < at ? deadline : at;
        }
        packet = sim_next_packet(sim, &index);
        if (packet && sim->packets[index].at_ms <= at)
            at = sim->packets[index].at_ms;
        else
            packet = false;
        if (at > until_ms)
            break;
        sim->now_ms = at > sim->now_ms ? at : sim->now_ms;
        if (packet) {
            struct sim_packet taken = sim->packets[index];

            sim->packets[index] = sim->packets[--sim->packet_count];
            sim_deliver(sim, &taken);
            free(taken.data);
        } else {
            for (int i = 0; i < sim->count; i++)
                ih_engine_tick(sim->ends[i].engine, sim->now_ms);
        }
    }
    sim->now_ms = until_ms;
}

/* Runs for so many ms. */
static inline void sim_pass(struct sim *sim, uint64_t ms)
{
    sim_run(sim, sim->now_ms + ms);
}

/* An end is gone, its application having read all that came, and a new one has its key. */
static inline void sim_restart(struct sim *sim, int index)
{
    struct sim_end *end = &sim->ends[index];
    struct ih_message *message;

    while ((message = ih_engine_delivered(end->engine, sim->now_ms)) != NULL)
        sim_take(sim, end, message);
    ih_engine_free(end->engine);
    end->life++;
    end->last_count = 0;
    assert_true(end->life < SIM_LIVES);
    end->number = 0;
    sim_open(sim, index);
}

/* Asserts that each message of everybody who lives was received once, or reported. Returns how many were reported. */
static inline size_t sim_settled(struct sim *sim)
{
    size_t undelivered = 0;

    for (int i = 0; i < sim->count; i++) {
        const struct sim_end *end = &sim->ends[i];

        for (uint64_t number = 1; number <= end->number; number++) {
            const struct sim_sent *sent = &end->sent[end->life][number];

            assert_true(sent->acknowledged || sent->undelivered);
            assert_true(sent->undelivered || sent->received == 1);
            undelivered += sent->undelivered;
        }
        assert_int_equal(ih_engine_unacknowledged(end->engine), 0);
    }
    return undelivered;
}

/* A carrier that behaves, for so long that everything is settled. */
static inline void sim_settle(struct sim *sim)
{
    sim->harm = (struct sim_harm){0};
    for (int i = 0; i < sim->count; i++) {
        sim->ends[i].reading = true;
        sim->ends[i].blocked = false;
    }
    sim_pass(sim, 100000);
}

/* The session of one end with another, or NULL. */
static inline struct ih_session *sim_session(struct sim *sim, int end, int other)
{
    struct ih_engine *engine = sim->ends[end].engine;

    for (struct ih_map_node *node = ih_map_first(&engine->sessions); node;
         node = ih_map_next(&engine->sessions, node)) {
        struct ih_session *session = IH_CONTAINER(node, struct ih_session, node);

        if (memcmp(session->id, curve_cert_public_key(sim->ends[other].cert), CURVE_KEY_SIZE) == 0)
            return session;
    }
    return NULL;
}

/* --- what many tests begin with ----------------------------------------------------------------------------------- */

/* So many messages. */
static inline void sim_send_many(struct sim *sim, int from, int to, int count)
{
    while (count-- > 0)
        assert_int_equal(sim_send(sim, from, to), 0);
}

/* A client and a server that know each other. */
static inline struct sim *sim_joined(enum ih_engine_kind kind, void (*change)(struct sim_end *end))
{
    struct sim *sim = sim_new(7, kind, 2, change);

    sim_send_many(sim, 1, 0, 1);
    sim_pass(sim, 100);
    assert_int_equal(sim_settled(sim), 0);
    assert_int_equal(sim_events(sim, 0, CURVE_EVENT_READY), 1);
    assert_int_equal(sim_events(sim, 1, CURVE_EVENT_READY), 1);
    assert_int_equal(sim_value(sim, 0, CURVE_EVENT_READY), 0);
    return sim;
}

/* Nobody was suspected of anything. */
static inline void sim_calm(const struct sim *sim)
{
    for (int i = 0; i < sim->count; i++) {
        assert_int_equal(sim_events(sim, i, CURVE_EVENT_SUSPECT), 0);
        assert_int_equal(sim_events(sim, i, CURVE_EVENT_UNDELIVERED), 0);
        assert_int_equal(sim_events(sim, i, CURVE_EVENT_REFUSED), 0);
    }
}

#endif
