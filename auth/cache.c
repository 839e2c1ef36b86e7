/* SPDX-License-Identifier: ISC */
/* What back ends said "yes" to. An entry is found by a keyed hash of who it is about; a list in the order of answers says
 * which one is the oldest. */
#include "auth/cache.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { DIGEST = 32, NONE = -1 };

/* Owner: the cache; guarded by its lock. A password's proof is a digest under a key that never leaves secret memory. */
struct entry {
    uint8_t who[DIGEST];   /* mechanism and user, or mechanism and key; of a whole request domain and address too */
    uint8_t proof[DIGEST]; /* who and password; of a key: unused */
    bool proved;           /* a password was answered with yes, at proved_at */
    uint64_t asked_at, proved_at;
    struct auth_record record;
    int next;         /* in the bucket */
    int older, newer; /* in the list of all */
};

/* Thread-safe by lock; lives as long as its owner says. */
struct auth_cache {
    pthread_mutex_t lock;
    uint64_t fresh;
    bool whole;
    uint8_t *key; /* secret memory */
    struct entry *entries;
    int *buckets;
    size_t mask;       /* of buckets: their number less one */
    size_t room, used; /* entries; those from used on were never touched */
    int oldest, newest, unused;
};

struct auth_cache *auth_cache_new(size_t entries, uint64_t fresh, bool whole)
{
    struct auth_cache *cache = sodium_init() < 0 ? NULL : calloc(1, sizeof *cache);
    size_t buckets = 1;

    if (!cache)
        return NULL;
    if (pthread_mutex_init(&cache->lock, NULL) != 0) {
        free(cache);
        return NULL;
    }
    cache->fresh = fresh;
    cache->whole = whole;
    cache->room = entries < INT32_MAX ? entries : INT32_MAX;
    cache->oldest = cache->newest = cache->unused = NONE;
    while (buckets < cache->room)
        buckets *= 2;
    cache->mask = buckets - 1;
    cache->entries = calloc(cache->room + 1, sizeof *cache->entries);
    cache->buckets = malloc(buckets * sizeof *cache->buckets);
    cache->key = sodium_malloc(crypto_generichash_KEYBYTES);
    if (!cache->entries || !cache->buckets || !cache->key) {
        auth_cache_free(cache);
        return NULL;
    }
    for (size_t i = 0; i < buckets; i++)
        cache->buckets[i] = NONE;
    crypto_generichash_keygen(cache->key);
    return cache;
}

void auth_cache_free(struct auth_cache *cache)
{
    if (!cache)
        return;
    (void)pthread_mutex_destroy(&cache->lock);
    sodium_free(cache->key);
    free(cache->buckets);
    free(cache->entries);
    free(cache);
}

/* ---- digests ---- */

struct digests {
    uint8_t who[DIGEST];
    uint8_t proof[DIGEST];
};

/* The texts' NULs keep them apart: no text holds one. */
static void add_text(crypto_generichash_state *state, const char *text)
{
    (void)crypto_generichash_update(state, (const uint8_t *)text, strlen(text) + 1);
}

static void digest(const struct auth_cache *cache, struct digests *digests, const struct auth_request *request)
{
    const uint8_t mechanism = (uint8_t)request->mechanism;
    crypto_generichash_state state;

    (void)crypto_generichash_init(&state, cache->key, crypto_generichash_KEYBYTES, DIGEST);
    (void)crypto_generichash_update(&state, &mechanism, 1);
    if (request->mechanism == AUTH_MECHANISM_CURVE)
        (void)crypto_generichash_update(&state, request->key, AUTH_KEY_SIZE);
    else
        add_text(&state, request->user);
    if (cache->whole) {
        add_text(&state, request->domain);
        add_text(&state, request->address);
    }
    (void)crypto_generichash_final(&state, digests->who, DIGEST);

    (void)crypto_generichash_init(&state, cache->key, crypto_generichash_KEYBYTES, DIGEST);
    (void)crypto_generichash_update(&state, digests->who, DIGEST);
    add_text(&state, request->password);
    (void)crypto_generichash_final(&state, digests->proof, DIGEST);
    sodium_memzero(&state, sizeof state);
}

/* ---- entries; the lock is held ---- */

static int *bucket_of(struct auth_cache *cache, const uint8_t who[DIGEST])
{
    uint64_t hash;

    memcpy(&hash, who, sizeof hash);
    return &cache->buckets[hash & cache->mask];
}

static int find(struct auth_cache *cache, const uint8_t who[DIGEST])
{
    int i = *bucket_of(cache, who);

    while (i != NONE && memcmp(cache->entries[i].who, who, DIGEST) != 0)
        i = cache->entries[i].next;
    return i;
}

static void leave_list(struct auth_cache *cache, int i)
{
    struct entry *entry = &cache->entries[i];

    *(entry->older == NONE ? &cache->oldest : &cache->entries[entry->older].newer) = entry->newer;
    *(entry->newer == NONE ? &cache->newest : &cache->entries[entry->newer].older) = entry->older;
}

static void join_list(struct auth_cache *cache, int i)
{
    struct entry *entry = &cache->entries[i];

    entry->older = cache->newest;
    entry->newer = NONE;
    *(cache->newest == NONE ? &cache->oldest : &cache->entries[cache->newest].newer) = i;
    cache->newest = i;
}

static void drop(struct auth_cache *cache, int i)
{
    int *link = bucket_of(cache, cache->entries[i].who);

    while (*link != i)
        link = &cache->entries[*link].next;
    *link = cache->entries[i].next;
    leave_list(cache, i);
    sodium_memzero(&cache->entries[i], sizeof cache->entries[i]);
    cache->entries[i].next = cache->unused;
    cache->unused = i;
}

/* NONE: the cache has no room at all. */
static int add(struct auth_cache *cache, const uint8_t who[DIGEST])
{
    int *bucket = bucket_of(cache, who);
    int i;

    if (cache->unused == NONE && cache->used == cache->room && cache->oldest != NONE)
        drop(cache, cache->oldest);
    i = cache->unused;
    if (i != NONE)
        cache->unused = cache->entries[i].next;
    else if (cache->used < cache->room)
        i = (int)cache->used++;
    else
        return NONE;
    memcpy(cache->entries[i].who, who, DIGEST);
    cache->entries[i].next = *bucket;
    *bucket = i;
    join_list(cache, i);
    return i;
}

static bool is_fresh(const struct auth_cache *cache, uint64_t since, uint64_t now)
{
    return now <= since || now - since < cache->fresh;
}

/* A review that was answered with yes says that the user is there; of the password it says something only by the stamp. */
static void note(struct entry *entry, const struct auth_request *request, const struct digests *digests,
                 const struct auth_record *record, uint64_t now)
{
    bool same = strcmp(entry->record.stamp, record->stamp) == 0;

    if (!request->review) {
        memcpy(entry->proof, digests->proof, DIGEST);
        entry->proved = true;
        entry->proved_at = now;
    } else if (!same) {
        entry->proved = false;
    } else if (record->stamp[0] != '\0') {
        entry->proved_at = now;
    }
    entry->record = *record;
    entry->asked_at = now;
}

void auth_cache_put(struct auth_cache *cache, const struct auth_request *request, const struct auth_record *record,
                    uint64_t now)
{
    struct digests digests;
    int i;

    if (cache->fresh == 0)
        return;
    digest(cache, &digests, request);
    (void)pthread_mutex_lock(&cache->lock);
    i = find(cache, digests.who);
    if (i == NONE) {
        i = add(cache, digests.who);
    } else {
        leave_list(cache, i);
        join_list(cache, i);
    }
    if (i != NONE)
        note(&cache->entries[i], request, &digests, record, now);
    (void)pthread_mutex_unlock(&cache->lock);
    sodium_memzero(&digests, sizeof digests);
}

/* A password was asked about, and another one is remembered. */
static bool is_other(const struct entry *entry, const struct auth_request *request, const struct digests *digests)
{
    return request->mechanism == AUTH_MECHANISM_PLAIN && !request->review && entry->proved &&
           sodium_memcmp(entry->proof, digests->proof, DIGEST) != 0;
}

static void forget(struct auth_cache *cache, const struct auth_request *request, bool others)
{
    struct digests digests;
    int i;

    digest(cache, &digests, request);
    (void)pthread_mutex_lock(&cache->lock);
    i = find(cache, digests.who);
    if (i != NONE && (others || !is_other(&cache->entries[i], request, &digests)))
        drop(cache, i);
    (void)pthread_mutex_unlock(&cache->lock);
    sodium_memzero(&digests, sizeof digests);
}

void auth_cache_drop(struct auth_cache *cache, const struct auth_request *request)
{
    forget(cache, request, true);
}

void auth_cache_refused(struct auth_cache *cache, const struct auth_request *request)
{
    forget(cache, request, false);
}

void auth_cache_clear(struct auth_cache *cache)
{
    (void)pthread_mutex_lock(&cache->lock);
    while (cache->oldest != NONE)
        drop(cache, cache->oldest);
    (void)pthread_mutex_unlock(&cache->lock);
}

/* What this entry says to the request. */
static bool answers(const struct auth_cache *cache, const struct entry *entry, const struct auth_request *request,
                    const struct digests *digests, uint64_t now)
{
    if (request->review)
        return is_fresh(cache, entry->asked_at, now) &&
               (request->stamp[0] == '\0' || strcmp(request->stamp, entry->record.stamp) == 0);
    if (request->mechanism == AUTH_MECHANISM_CURVE)
        return is_fresh(cache, entry->asked_at, now);
    return entry->proved && is_fresh(cache, entry->proved_at, now) &&
           sodium_memcmp(entry->proof, digests->proof, DIGEST) == 0;
}

bool auth_cache_get(struct auth_cache *cache, const struct auth_request *request, struct auth_record *record,
                    uint64_t now)
{
    struct digests digests;
    bool found = false;
    int i;

    digest(cache, &digests, request);
    (void)pthread_mutex_lock(&cache->lock);
    i = find(cache, digests.who);
    if (i != NONE && !is_fresh(cache, cache->entries[i].asked_at, now)) {
        drop(cache, i);
    } else if (i != NONE && answers(cache, &cache->entries[i], request, &digests, now)) {
        *record = cache->entries[i].record;
        found = true;
    }
    (void)pthread_mutex_unlock(&cache->lock);
    sodium_memzero(&digests, sizeof digests);
    return found;
}

bool auth_cache_contradicts(struct auth_cache *cache, const struct auth_request *request, uint64_t now)
{
    struct digests digests;
    bool other;
    int i;

    digest(cache, &digests, request);
    (void)pthread_mutex_lock(&cache->lock);
    i = find(cache, digests.who);
    other = i != NONE && is_fresh(cache, cache->entries[i].proved_at, now) &&
            is_other(&cache->entries[i], request, &digests);
    (void)pthread_mutex_unlock(&cache->lock);
    sodium_memzero(&digests, sizeof digests);
    return other;
}
