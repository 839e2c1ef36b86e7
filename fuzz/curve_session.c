/* SPDX-License-Identifier: ISC */
/* libcurve's session engine: two ends, and a carrier that the input directs. The first octet: odd: peers, even: a client
 * and its server. Then operations of an octet each: its lowest 3 bits say which, the next one for which end, and some take
 * more octets. What an end is given must have been sent to it, once, in order. */
#include "base/random.h"
#include "fixed.h"
#include "fuzz.h"
#include "libcurve/session.h"

enum { PACKETS = 64, LABEL = 8, OPERATIONS = 400 };

enum operation {
    SEND,      /* size */
    DELIVER,   /* the oldest envelope */
    DROP,      /* it */
    DUPLICATE, /* it */
    ALTER,     /* which octet (two), by what */
    PASS,      /* 50 ms times this */
    INJECT,    /* size, octets; with the next bit set: behind the head of the oldest envelope */
    LATEST,    /* deliver the newest envelope */
};

struct packet {
    uint8_t *data;
    size_t size;
};

struct end {
    struct ih_engine *engine;
    curve_cert_t *cert;
    struct packet packets[PACKETS]; /* under way to it */
    size_t packet_count;
    uint64_t sent;
    uint64_t received;
};

static struct end ends[2];
static int peers;
static uint64_t now;

static enum ih_auth authenticate(void *arg, const uint8_t *key, struct ih_octets metadata, uint64_t ticket)
{
    (void)arg;
    (void)metadata;
    (void)key;
    (void)ticket;
    return IH_AUTH_ACCEPT;
}

static void event(void *arg, const curve_event_t *what)
{
    const struct end *end = arg;

    assert(what->number <= end->sent);
}

static void open_end(int i)
{
    struct ih_engine_host host = {authenticate, event, NULL, &ends[i]};
    enum ih_engine_kind kind = i == 0 ? IH_ENGINE_SERVER : IH_ENGINE_CLIENT;
    struct ih_engine_limits limits;

    ih_engine_defaults(&limits);
    limits.rcvhwm = 5;
    limits.renew_messages = 15;
    limits.maxmsgsize = 200;
    assert(ih_engine_new(&ends[i].engine, peers ? IH_ENGINE_PEER : kind, ends[i].cert,
                         curve_cert_public_key(ends[0].cert), &limits, (struct ih_octets){NULL, 0}, &host) == 0);
}

static struct ih_octets route_to(int i)
{
    if (peers)
        return (struct ih_octets){curve_cert_public_key(ends[1 - i].cert), CURVE_KEY_SIZE};
    return (struct ih_octets){"c", i == 0 ? 1 : 0};
}

static void put(int i, const uint8_t *data, size_t size)
{
    struct end *end = &ends[i];

    if (end->packet_count < PACKETS)
        end->packets[end->packet_count++] = (struct packet){fuzz_copy(data, size), size};
}

/* What the end is given: in order, and as it was sent. */
static void take(struct end *end, struct ih_message *message)
{
    const uint8_t *octets = message->frames[0].data;
    uint64_t number = 0;

    assert(message->count == 1 && message->frames[0].size >= LABEL);
    for (int i = 0; i < LABEL; i++)
        number = number << 8 | octets[i];
    for (size_t i = LABEL; i < message->frames[0].size; i++)
        assert(octets[i] == (uint8_t)number);
    assert(number > end->received && number <= ends[end == ends].sent);
    end->received = number;
    ih_message_free(message);
}

static void pump(void)
{
    for (int i = 0; i < 2; i++) {
        struct ih_envelope *envelope;
        struct ih_message *message;

        while ((message = ih_engine_delivered(ends[i].engine, now)) != NULL)
            take(&ends[i], message);
        while ((envelope = ih_engine_output(ends[i].engine, now)) != NULL) {
            put(1 - i, envelope->data, envelope->size);
            ih_envelope_free(envelope);
        }
    }
}

static void send_message(int i, size_t size)
{
    uint8_t octets[LABEL + 255];
    struct ih_octets frame = {octets, LABEL + size};
    struct ih_octets id = {curve_cert_public_key(ends[1 - i].cert), peers || i == 0 ? CURVE_KEY_SIZE : 0};
    uint64_t number = ends[i].sent + 1;

    memset(octets, (uint8_t)number, sizeof octets);
    for (int k = 0; k < LABEL; k++)
        octets[k] = (uint8_t)(number >> (56 - 8 * k));
    if (ih_engine_send(ends[i].engine, id, &frame, 1, number, now) == 0)
        ends[i].sent = number;
}

static void remove_packet(struct end *end, size_t at)
{
    free(end->packets[at].data);
    end->packet_count--;
    memmove(end->packets + at, end->packets + at + 1, (end->packet_count - at) * sizeof end->packets[0]);
}

static void deliver(int i, size_t at)
{
    struct packet *packet = &ends[i].packets[at];

    ih_engine_input(ends[i].engine, route_to(i), (struct ih_octets){packet->data, packet->size}, now);
    remove_packet(&ends[i], at);
}

static void inject(int i, const uint8_t *data, size_t size, int with_head)
{
    uint8_t octets[9 + 255];
    uint8_t *copy;

    if (with_head && ends[i].packet_count > 0 && ends[i].packets[0].size >= 9) {
        memcpy(octets, ends[i].packets[0].data, 9);
        memcpy(octets + 9, data, size);
        size += 9;
    } else {
        memcpy(octets, data, size);
    }
    copy = fuzz_copy(octets, size);
    ih_engine_input(ends[i].engine, route_to(i), (struct ih_octets){copy, size}, now);
    free(copy);
}

/* Does what the first octet says; returns how many octets that took. */
static size_t step(const uint8_t *data, size_t size)
{
    int i = data[0] >> 3 & 1;
    struct end *end = &ends[i];
    uint8_t next = size > 1 ? data[1] : 0;
    size_t used = 1;

    switch ((enum operation)(data[0] & 7)) {
    case SEND:
        send_message(i, next);
        return 2;
    case PASS:
        now += next * 50u;
        ih_engine_tick(ends[0].engine, now);
        ih_engine_tick(ends[1].engine, now);
        return 2;
    case INJECT:
        used = size < 2u + next ? size : 2u + next;
        if (used >= 2)
            inject(i, data + 2, used - 2, data[0] & 0x10);
        return used;
    default:
        break;
    }
    if (end->packet_count == 0)
        return 1;
    switch ((enum operation)(data[0] & 7)) {
    case DELIVER:
        deliver(i, 0);
        break;
    case DROP:
        remove_packet(end, 0);
        break;
    case DUPLICATE:
        put(i, end->packets[0].data, end->packets[0].size);
        break;
    case ALTER:
        if (size >= 4 && end->packets[0].size > 0)
            end->packets[0].data[((size_t)data[1] << 8 | data[2]) % end->packets[0].size] ^= data[3];
        return 4;
    default:
        deliver(i, end->packet_count - 1);
        break;
    }
    return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t at = 1;

    if (size < 1 || ih_random_init() < 0)
        return 0;
    fixed_random();
    peers = data[0] & 1;
    now = 1000;
    memset(ends, 0, sizeof ends);
    for (int i = 0; i < 2; i++)
        ends[i].cert = curve_cert_new();
    for (int i = 0; i < 2; i++)
        open_end(i);
    for (int i = 0; i < OPERATIONS && at < size; i++) {
        at += step(data + at, size - at);
        pump();
    }
    for (int i = 0; i < 2; i++) {
        while (ends[i].packet_count > 0)
            remove_packet(&ends[i], 0);
        ih_engine_free(ends[i].engine);
        curve_cert_destroy(&ends[i].cert);
    }
    return 0;
}
