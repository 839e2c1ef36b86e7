/* SPDX-License-Identifier: ISC */
/* Who is registered with a relay: routes (connections), each under one key; keys, each with a few routes. Pure. */
#ifndef IH_LIBCURVE_RELAY_TABLE_H
#define IH_LIBCURVE_RELAY_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include <curve.h>

#include "base/list.h"
#include "base/map.h"
#include "libcurve/ledger.h"

/* The registrations of one key. Without protection of the hop anybody may claim any key, so that what is for a key goes
 * to several claimants, and an impostor cannot cut its owner off. */
enum { IH_RELAY_CLAIMS = 4 };

/* A key somebody is registered under. Owner: the table, while it has claims. */
struct ih_relay_key {
    struct ih_map_node node;
    struct ih_list claims;
    size_t count;
    uint8_t key[CURVE_KEY_SIZE];
};

/* A registered peer. Owner: the table, until it is forgotten. */
struct ih_relay_peer {
    struct ih_map_node node; /* by route */
    struct ih_list claim;    /* in its key's list */
    struct ih_list age;      /* in the table's list, the one that was silent longest first */
    struct ih_relay_key *key;
    struct ih_ledger *ledger; /* what waits for it; held */
    uint64_t seen_ms;
    uint64_t paid_ms; /* until when its credit was paid out */
    uint64_t credit;  /* octets that it may send */
    size_t route_size;
    uint8_t route[];
};

/* Owner: the relay; one thread. */
struct ih_relay_table {
    struct ih_map routes;
    struct ih_map keys;
    struct ih_list ages;
    struct ih_ledger *total; /* held */
    size_t max_peers;
    uint64_t idle_ms;
};

/* -ENOMEM. */
int ih_relay_table_init(struct ih_relay_table *table, size_t max_peers, uint64_t idle_ms);
void ih_relay_table_fini(struct ih_relay_table *table);

/* The peer of the route, or NULL. */
struct ih_relay_peer *ih_relay_table_peer(const struct ih_relay_table *table, const void *route, size_t size);

/* The key's registrations, or NULL. */
struct ih_relay_key *ih_relay_table_key(const struct ih_relay_table *table, const uint8_t *key);

/* Registers the route under the key instead of what it had. If the key has all its claims, the one that was silent
 * longest goes. -ENOSPC: max_peers are registered; -ENOMEM. */
int ih_relay_table_register(struct ih_relay_table *table, const void *route, size_t size, const uint8_t *key,
                            uint64_t now_ms);

void ih_relay_table_forget(struct ih_relay_table *table, struct ih_relay_peer *peer);

/* A sign of life. */
void ih_relay_table_seen(struct ih_relay_table *table, struct ih_relay_peer *peer, uint64_t now_ms);

/* Forgets who was silent too long; returns when the next will have been, UINT64_MAX: nobody is there. */
uint64_t ih_relay_table_expire(struct ih_relay_table *table, uint64_t now_ms);

/* Takes size octets of the peer's credit, which grows by rate octets a second up to the larger of rate and burst.
 * False: it has not as many. */
bool ih_relay_peer_pay(struct ih_relay_peer *peer, size_t size, uint64_t rate, uint64_t burst, uint64_t now_ms);

#endif
