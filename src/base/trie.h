/* SPDX-License-Identifier: ISC */
/* Subscriptions: which subscribers want the messages that begin with which keys.
 *
 * A path-compressed trie. No operation recurses (keys may be as long as a frame), and memory is proportional to the
 * keys and subscribers that are stored now. A subscriber is a pointer that means nothing here (a pipe; any non-NULL
 * dummy where there is only one). */
#ifndef IH_BASE_TRIE_H
#define IH_BASE_TRIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ptrmap.h"

struct ih_trie_kids;

/* Owner: its trie. What it stands for: the labels on the way from the root to here, one behind the other. */
struct ih_trie_node {
    struct ih_trie_node *parent;
    struct ih_trie_kids *kids; /* NULL: a leaf */
    struct ih_ptrmap subs;     /* subscriber to its struct subscription; empty: only a fork in the way */
    size_t len;
    union {
        uint8_t octets[16];
        uint8_t *large; /* allocated, if len > 16 */
    } label;
};

/* Owner: the struct it is embedded in; guarded by that owner's lock. */
struct ih_trie {
    struct ih_trie_node root;
    struct ih_ptrmap subscribers; /* subscriber to the first of its subscriptions */
    size_t count;                 /* keys */
    uint8_t *scratch;             /* room to spell out the longest key, so that removing cannot fail */
    size_t scratch_size;
};

/* What an addition or a removal changed. */
enum ih_trie_change {
    IH_TRIE_COUNTED = 0,    /* nothing but a count: the subscriber has this key (still) more than once */
    IH_TRIE_SUBSCRIBER = 1, /* the subscriber's first or last time at this key, which others have too */
    IH_TRIE_KEY = 2,        /* the first or last of all subscribers at this key */
};

typedef void ih_trie_match_fn(void *subscriber, void *arg);
typedef void ih_trie_key_fn(const void *key, size_t size, void *arg);

void ih_trie_init(struct ih_trie *trie);
void ih_trie_fini(struct ih_trie *trie);

/* Adds a subscription. What it changed, or -ENOMEM (nothing). */
int ih_trie_add(struct ih_trie *trie, const void *key, size_t size, void *subscriber);

/* Takes back one addition. What it changed, or -ENOENT: the subscriber does not have this key. */
int ih_trie_remove(struct ih_trie *trie, const void *key, size_t size, const void *subscriber);

/* Takes back all that the subscriber has, in time proportional to that, and calls back for each key that nobody has any
 * more (callback may be NULL). In no particular order. The callback must leave the trie alone. */
void ih_trie_remove_subscriber(struct ih_trie *trie, const void *subscriber, ih_trie_key_fn *callback, void *arg);

/* Calls back for each subscriber of each key that data begins with; one subscriber may be called several times, for
 * different keys: whoever needs it once marks it. The callback must leave the trie alone. */
void ih_trie_match(const struct ih_trie *trie, const void *data, size_t size, ih_trie_match_fn *callback, void *arg);

/* True if data begins with a key. */
bool ih_trie_check(const struct ih_trie *trie, const void *data, size_t size);

/* Calls back for each key, once, in no particular order. The callback must leave the trie alone. */
void ih_trie_each(struct ih_trie *trie, ih_trie_key_fn *callback, void *arg);

/* Number of different keys. */
static inline size_t ih_trie_count(const struct ih_trie *trie)
{
    return trie->count;
}

#endif
