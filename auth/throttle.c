/* SPDX-License-Identifier: ISC */
/*
 * Failures are counted for each address, each user name, and each address and user together; the last so that a success
 * forgives what this user did from this address, and nothing else: who has an account of his own cannot clear an
 * address with it. Three tables, so that a flood of names pushes out no address. A table's buckets hold a few entries
 * each; where all are taken, the one that would be forgotten first goes, so one-time failures go before repeated ones.
 */
#include "auth/throttle.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "auth/address.h"
#include "auth/request.h"

enum {
    WAYS = 8, /* entries in a bucket */
    FREE = 3, /* failures without a wait */
    ID = crypto_shorthash_siphashx24_BYTES,
    WAIT_MIN = 500, /* ms, after failure FREE + 1 */
    WAIT_MAX = AUTH_THROTTLE_LONGEST,
    PATIENCE = 30000,             /* a handshake's, ZMQ_HANDSHAKE_IVL */
    FORGET_FEW = 5 * 60 * 1000,   /* after the last of at most FREE failures */
    FORGET_MANY = 30 * 60 * 1000, /* after the last of more */
};

struct entry {
    uint8_t id[ID];
    uint32_t failures; /* 0: the entry is free */
    uint64_t until;    /* the next attempt is looked at then */
    uint64_t forget;   /* and this is when the entry is free */
};

struct table {
    struct entry *entries;
    size_t mask; /* of buckets: their number less one */
};

enum { ADDRESSES, USERS, PAIRS, TABLES };

struct auth_throttle {
    uint8_t key[crypto_shorthash_siphashx24_KEYBYTES]; /* so that a stranger cannot aim at a bucket */
    struct table tables[TABLES];
};

struct auth_throttle *auth_throttle_new(size_t entries)
{
    struct auth_throttle *throttle = calloc(1, sizeof *throttle);
    size_t buckets = 1;

    if (!throttle)
        return NULL;
    while (buckets < entries / TABLES / WAYS)
        buckets *= 2;
    for (int i = 0; i < TABLES; i++) {
        throttle->tables[i].mask = buckets - 1;
        throttle->tables[i].entries = calloc(buckets * WAYS, sizeof(struct entry));
        if (!throttle->tables[i].entries) {
            auth_throttle_free(throttle);
            return NULL;
        }
    }
    randombytes_buf(throttle->key, sizeof throttle->key);
    return throttle;
}

void auth_throttle_free(struct auth_throttle *throttle)
{
    if (!throttle)
        return;
    for (int i = 0; i < TABLES; i++)
        free(throttle->tables[i].entries);
    sodium_memzero(throttle->key, sizeof throttle->key);
    free(throttle);
}

/* ---- who ---- */

/* What counts as one and the same: all that a stranger can change at will is left out. Returns its size. */
static size_t place(uint8_t to[1 + AUTH_TEXT_MAX], const char *address)
{
    static const char local[] = "localhost:";
    uint8_t octets[16];
    enum auth_address_kind kind = auth_address_parse(octets, address);
    size_t size;

    to[0] = (uint8_t)kind;
    if (kind == AUTH_ADDRESS_IPV4 || kind == AUTH_ADDRESS_IPV6) {
        size = kind == AUTH_ADDRESS_IPV6 ? sizeof octets / 2 : sizeof octets; /* a /64 is one customer */
        memcpy(to + 1, octets, size);
        return 1 + size;
    }
    size = strnlen(address, AUTH_TEXT_MAX);
    if (kind == AUTH_ADDRESS_LOCAL && size > 0) /* localhost:UID:GID:PID */
        size = sizeof local - 1 + strcspn(address + sizeof local - 1, ":");
    memcpy(to + 1, address, size);
    return 1 + size;
}

uint64_t auth_throttle_place(const struct auth_throttle *throttle, const char *address)
{
    uint8_t text[1 + AUTH_TEXT_MAX], id[ID];
    uint64_t number;

    (void)crypto_shorthash_siphashx24(id, text, place(text, address), throttle->key);
    memcpy(&number, id, sizeof number);
    return number;
}

struct who {
    uint8_t id[TABLES][ID];
};

static void identify(const struct auth_throttle *throttle, struct who *who, const char *address, const char *user)
{
    uint8_t text[1 + AUTH_TEXT_MAX + 1 + AUTH_TEXT_MAX];
    size_t user_size = strnlen(user, AUTH_TEXT_MAX);
    size_t size = place(text, address);

    (void)crypto_shorthash_siphashx24(who->id[ADDRESSES], text, size, throttle->key);
    text[size++] = '\0';
    memcpy(text + size, user, user_size);
    (void)crypto_shorthash_siphashx24(who->id[PAIRS], text, size + user_size, throttle->key);
    (void)crypto_shorthash_siphashx24(who->id[USERS], text + size, user_size, throttle->key);
}

/* ---- entries ---- */

static bool is_free(const struct entry *entry, uint64_t now)
{
    return entry->failures == 0 || now >= entry->forget;
}

static struct entry *bucket_of(const struct table *table, const uint8_t id[ID])
{
    uint64_t hash;

    memcpy(&hash, id, sizeof hash);
    return table->entries + (hash & table->mask) * WAYS;
}

/* NULL: nothing is known, or it is forgotten. */
static struct entry *find(const struct table *table, const uint8_t id[ID], uint64_t now)
{
    struct entry *bucket = bucket_of(table, id);

    for (size_t i = 0; i < WAYS; i++)
        if (!is_free(&bucket[i], now) && memcmp(bucket[i].id, id, ID) == 0)
            return &bucket[i];
    return NULL;
}

/* A free one, or the one that would be forgotten first. */
static struct entry *take(const struct table *table, const uint8_t id[ID], uint64_t now)
{
    struct entry *bucket = bucket_of(table, id);
    struct entry *best = bucket;

    for (size_t i = 0; i < WAYS; i++) {
        if (is_free(&bucket[i], now)) {
            best = &bucket[i];
            break;
        }
        if (bucket[i].forget < best->forget)
            best = &bucket[i];
    }
    *best = (struct entry){.failures = 0};
    memcpy(best->id, id, ID);
    return best;
}

static uint64_t wait_after(uint32_t failures)
{
    uint64_t wait = WAIT_MIN;

    if (failures <= FREE)
        return 0;
    for (uint32_t i = FREE + 1; i < failures && wait < WAIT_MAX; i++)
        wait *= 2;
    return wait < WAIT_MAX ? wait : WAIT_MAX;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* ---- the interface ---- */

uint64_t auth_throttle_when(struct auth_throttle *throttle, const char *address, const char *user, uint64_t now)
{
    struct entry *from, *of;
    uint64_t when = now;
    struct who who;

    identify(throttle, &who, address, user);
    from = find(&throttle->tables[ADDRESSES], who.id[ADDRESSES], now);
    of = find(&throttle->tables[USERS], who.id[USERS], now);
    if (of)
        when = later(when, of->until);
    if (!from || from->failures <= FREE)
        return when;
    when = later(when, from->until);
    if (when - now > PATIENCE)
        return AUTH_THROTTLE_NEVER;
    from->until = when + wait_after(from->failures);
    return when;
}

void auth_throttle_failed(struct auth_throttle *throttle, const char *address, const char *user, uint64_t now)
{
    struct who who;

    identify(throttle, &who, address, user);
    for (int i = 0; i < TABLES; i++) {
        struct entry *entry = find(&throttle->tables[i], who.id[i], now);

        if (!entry)
            entry = take(&throttle->tables[i], who.id[i], now);
        if (entry->failures < UINT32_MAX)
            entry->failures++;
        entry->until = later(entry->until, now + wait_after(entry->failures));
        entry->forget = now + (entry->failures > FREE ? FORGET_MANY : FORGET_FEW);
    }
}

static void forgive(struct entry *entry, uint32_t failures)
{
    entry->failures -= failures < entry->failures ? failures : entry->failures;
    if (entry->failures <= FREE)
        entry->until = 0;
}

void auth_throttle_succeeded(struct auth_throttle *throttle, const char *address, const char *user, uint64_t now)
{
    struct entry *pair, *from, *of;
    struct who who;

    identify(throttle, &who, address, user);
    pair = find(&throttle->tables[PAIRS], who.id[PAIRS], now);
    from = find(&throttle->tables[ADDRESSES], who.id[ADDRESSES], now);
    of = find(&throttle->tables[USERS], who.id[USERS], now);
    if (!pair)
        return;
    if (from)
        forgive(from, pair->failures);
    if (of)
        forgive(of, pair->failures);
    *pair = (struct entry){.failures = 0};
}
