/* SPDX-License-Identifier: ISC */
/* Who is registered with a relay. */
#include "libcurve/relay_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

int ih_relay_table_init(struct ih_relay_table *table, size_t max_peers, uint64_t idle_ms)
{
    ih_map_init(&table->routes);
    ih_map_init(&table->keys);
    ih_list_init(&table->ages);
    table->max_peers = max_peers;
    table->idle_ms = idle_ms;
    table->total = ih_ledger_new(NULL);
    return table->total ? 0 : -ENOMEM;
}

void ih_relay_table_fini(struct ih_relay_table *table)
{
    IH_LIST_EACH_SAFE(link, next, &table->ages)
        ih_relay_table_forget(table, IH_CONTAINER(link, struct ih_relay_peer, age));
    ih_map_fini(&table->routes);
    ih_map_fini(&table->keys);
    ih_ledger_release(table->total);
}

struct ih_relay_peer *ih_relay_table_peer(const struct ih_relay_table *table, const void *route, size_t size)
{
    struct ih_map_node *node = ih_map_find(&table->routes, route, size);

    return node ? IH_CONTAINER(node, struct ih_relay_peer, node) : NULL;
}

struct ih_relay_key *ih_relay_table_key(const struct ih_relay_table *table, const uint8_t *key)
{
    struct ih_map_node *node = ih_map_find(&table->keys, key, CURVE_KEY_SIZE);

    return node ? IH_CONTAINER(node, struct ih_relay_key, node) : NULL;
}

static struct ih_relay_key *key_make(struct ih_relay_table *table, const uint8_t *key)
{
    struct ih_relay_key *entry = ih_relay_table_key(table, key);

    if (entry)
        return entry;
    entry = calloc(1, sizeof(*entry));
    if (!entry)
        return NULL;
    ih_list_init(&entry->claims);
    memcpy(entry->key, key, CURVE_KEY_SIZE);
    if (ih_map_insert(&table->keys, &entry->node, entry->key, CURVE_KEY_SIZE) != 0) {
        free(entry);
        return NULL;
    }
    return entry;
}

static void key_drop(struct ih_relay_table *table, struct ih_relay_key *entry)
{
    if (entry->count)
        return;
    ih_map_remove(&table->keys, &entry->node);
    free(entry);
}

void ih_relay_table_forget(struct ih_relay_table *table, struct ih_relay_peer *peer)
{
    ih_map_remove(&table->routes, &peer->node);
    ih_list_del(&peer->age);
    ih_list_del(&peer->claim);
    peer->key->count--;
    key_drop(table, peer->key);
    ih_ledger_release(peer->ledger);
    free(peer);
}

/* Claims are in the order of registration; seen_ms says who was silent longest. */
static struct ih_relay_peer *most_silent(const struct ih_relay_key *key)
{
    struct ih_relay_peer *found = NULL;

    IH_LIST_EACH(link, &key->claims) {
        struct ih_relay_peer *peer = IH_CONTAINER(link, struct ih_relay_peer, claim);

        if (!found || peer->seen_ms < found->seen_ms)
            found = peer;
    }
    return found;
}

static struct ih_relay_peer *peer_new(struct ih_relay_table *table, const void *route, size_t size)
{
    struct ih_relay_peer *peer = calloc(1, sizeof(*peer) + size);

    if (!peer)
        return NULL;
    ih_list_init(&peer->age);
    ih_list_init(&peer->claim);
    memcpy(peer->route, route, size);
    peer->route_size = size;
    peer->ledger = ih_ledger_new(table->total);
    if (!peer->ledger || ih_map_insert(&table->routes, &peer->node, peer->route, size) != 0) {
        ih_ledger_release(peer->ledger);
        free(peer);
        return NULL;
    }
    return peer;
}

/* The peer's registration under the key, in all lists. */
static void claim(struct ih_relay_table *table, struct ih_relay_peer *peer, struct ih_relay_key *entry, uint64_t now_ms)
{
    peer->key = entry;
    ih_list_add_tail(&entry->claims, &peer->claim);
    entry->count++;
    ih_relay_table_seen(table, peer, now_ms);
    if (entry->count > IH_RELAY_CLAIMS) {
        struct ih_relay_peer *oldest = most_silent(entry);

        ih_relay_table_forget(table,
                              oldest == peer ? IH_CONTAINER(entry->claims.next, struct ih_relay_peer, claim) : oldest);
    }
}

static int add(struct ih_relay_table *table, const void *route, size_t size, const uint8_t *key, uint64_t now_ms)
{
    struct ih_relay_key *entry = key_make(table, key);
    struct ih_relay_peer *peer = entry ? peer_new(table, route, size) : NULL;

    if (!peer) {
        if (entry)
            key_drop(table, entry);
        return -ENOMEM;
    }
    peer->paid_ms = now_ms;
    peer->credit = UINT64_MAX; /* the first payment cuts it to the limit */
    claim(table, peer, entry, now_ms);
    return 0;
}

/* To another key. Its credit and what waits for it stay: else each new key would buy both anew. */
static int move(struct ih_relay_table *table, struct ih_relay_peer *peer, const uint8_t *key, uint64_t now_ms)
{
    struct ih_relay_key *entry = key_make(table, key);

    if (!entry)
        return -ENOMEM;
    ih_list_del(&peer->claim);
    peer->key->count--;
    key_drop(table, peer->key);
    claim(table, peer, entry, now_ms);
    return 0;
}

int ih_relay_table_register(struct ih_relay_table *table, const void *route, size_t size, const uint8_t *key,
                            uint64_t now_ms)
{
    struct ih_relay_peer *peer = ih_relay_table_peer(table, route, size);

    if (peer && memcmp(peer->key->key, key, CURVE_KEY_SIZE) == 0) {
        ih_relay_table_seen(table, peer, now_ms);
        return 0;
    }
    if (peer)
        return move(table, peer, key, now_ms);
    if (ih_map_count(&table->routes) >= table->max_peers)
        (void)ih_relay_table_expire(table, now_ms);
    if (ih_map_count(&table->routes) >= table->max_peers)
        return -ENOSPC;
    return add(table, route, size, key, now_ms);
}

void ih_relay_table_seen(struct ih_relay_table *table, struct ih_relay_peer *peer, uint64_t now_ms)
{
    peer->seen_ms = now_ms;
    ih_list_del(&peer->age);
    ih_list_add_tail(&table->ages, &peer->age);
}

uint64_t ih_relay_table_expire(struct ih_relay_table *table, uint64_t now_ms)
{
    struct ih_list *link = NULL;

    while ((link = ih_list_first(&table->ages))) {
        struct ih_relay_peer *peer = IH_CONTAINER(link, struct ih_relay_peer, age);
        uint64_t end = ih_clock_after(peer->seen_ms, table->idle_ms);

        if (end > now_ms)
            return end;
        ih_relay_table_forget(table, peer);
    }
    return UINT64_MAX;
}

bool ih_relay_peer_pay(struct ih_relay_peer *peer, size_t size, uint64_t rate, uint64_t burst, uint64_t now_ms)
{
    uint64_t most = rate > burst ? rate : burst;
    uint64_t passed = now_ms - peer->paid_ms;
    uint64_t earned = passed > most / rate * 1000 + 1000 ? most : rate * passed / 1000;

    /* What is less than an octet is not lost. */
    if (earned || passed > 1000)
        peer->paid_ms = now_ms;
    peer->credit = peer->credit > most || earned > most - peer->credit ? most : peer->credit + earned;
    if (size > peer->credit)
        return false;
    peer->credit -= size;
    return true;
}
