/* SPDX-License-Identifier: ISC */
/* The subscription trie: keys, subscribers and the walks over both. The shape of the tree is in trie_node.c. */
#include "base/trie.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/trie_node.h"

/* That a subscriber has a key. Owner: the node's map, value of the subscriber. */
struct subscription {
    struct ih_list link; /* ring of the subscriber's subscriptions; one of them is in trie->subscribers */
    struct ih_trie_node *node;
    size_t count; /* additions not taken back */
};

void ih_trie_init(struct ih_trie *trie)
{
    memset(trie, 0, sizeof *trie);
    ih_ptrmap_init(&trie->root.subs);
    ih_ptrmap_init(&trie->subscribers);
}

static void free_subscriptions(struct ih_trie_node *node)
{
    struct ih_ptrmap_slot *slots = ih_ptrmap_slots(&node->subs);

    for (uint32_t i = 0; i < node->subs.cap; i++)
        if (slots[i].key)
            free(slots[i].value);
    ih_ptrmap_fini(&node->subs);
}

void ih_trie_fini(struct ih_trie *trie)
{
    struct ih_trie_node *node = &trie->root;

    do {
        struct ih_trie_node *below = ih_trie_node_any_kid(node);

        if (below) {
            node = below;
        } else {
            free_subscriptions(node);
            node = ih_trie_node_drop(node);
        }
    } while (node);
    ih_ptrmap_fini(&trie->subscribers);
    free(trie->scratch);
    ih_trie_init(trie);
}

/* Room to spell out a key of this size, and never none. */
static int reserve_scratch(struct ih_trie *trie, size_t size)
{
    uint8_t *scratch = NULL;

    if (size == 0)
        size = 1;
    if (size <= trie->scratch_size)
        return 0;
    scratch = realloc(trie->scratch, size);
    if (!scratch)
        return -ENOMEM;
    trie->scratch = scratch;
    trie->scratch_size = size;
    return 0;
}

/* Spells out the node's key in the scratch memory; returns its size. */
static size_t spell(struct ih_trie *trie, const struct ih_trie_node *node)
{
    size_t size = 0;
    uint8_t *at;

    for (const struct ih_trie_node *up = node; up->parent; up = up->parent)
        size += up->len;
    at = trie->scratch + size;
    for (const struct ih_trie_node *up = node; up->parent; up = up->parent) {
        at -= up->len;
        memcpy(at, ih_trie_node_label(up), up->len);
    }
    return size;
}

/* Enters the subscription in both maps, or in none. */
static int attach(struct ih_trie *trie, struct ih_trie_node *node, void *subscriber)
{
    struct subscription *sub = malloc(sizeof *sub);
    void **first = NULL;

    if (!sub)
        return -ENOMEM;
    sub->node = node;
    sub->count = 1;
    ih_list_init(&sub->link);
    if (ih_ptrmap_insert(&node->subs, subscriber, sub) < 0)
        goto no_memory;
    first = ih_ptrmap_find(&trie->subscribers, subscriber);
    if (first) {
        ih_list_add_tail(&((struct subscription *)*first)->link, &sub->link);
        return 0;
    }
    if (ih_ptrmap_insert(&trie->subscribers, subscriber, sub) < 0)
        goto no_memory;
    return 0;

no_memory:
    ih_ptrmap_remove(&node->subs, subscriber);
    free(sub);
    return -ENOMEM;
}

/* Removes the subscription from both maps and frees it. */
static void detach(struct ih_trie *trie, struct subscription *sub, const void *subscriber)
{
    void **first = ih_ptrmap_find(&trie->subscribers, subscriber);

    ih_ptrmap_remove(&sub->node->subs, subscriber);
    if (!ih_list_linked(&sub->link))
        ih_ptrmap_remove(&trie->subscribers, subscriber);
    else if (*first == sub)
        *first = IH_CONTAINER(sub->link.next, struct subscription, link);
    ih_list_del(&sub->link);
    free(sub);
}

/* The node lost its last subscriber. */
static void forget_key(struct ih_trie *trie, struct ih_trie_node *node)
{
    trie->count--;
    ih_trie_node_prune(node);
    if (trie->count == 0) {
        free(trie->scratch);
        trie->scratch = NULL;
        trie->scratch_size = 0;
    }
}

int ih_trie_add(struct ih_trie *trie, const void *key, size_t size, void *subscriber)
{
    struct ih_trie_node *node = NULL;
    void **found = NULL;
    int rc = reserve_scratch(trie, size);

    if (rc < 0)
        return rc;
    node = ih_trie_node_make(&trie->root, key, size);
    if (!node)
        return -ENOMEM;
    found = ih_ptrmap_find(&node->subs, subscriber);
    if (found) {
        ((struct subscription *)*found)->count++;
        return IH_TRIE_COUNTED;
    }
    rc = attach(trie, node, subscriber);
    if (rc < 0) {
        ih_trie_node_prune(node);
        return rc;
    }
    if (node->subs.count > 1)
        return IH_TRIE_SUBSCRIBER;
    trie->count++;
    return IH_TRIE_KEY;
}

int ih_trie_remove(struct ih_trie *trie, const void *key, size_t size, const void *subscriber)
{
    struct ih_trie_node *node = ih_trie_node_find(&trie->root, key, size);
    struct subscription *sub = NULL;
    void **found = NULL;

    if (!node)
        return -ENOENT;
    found = ih_ptrmap_find(&node->subs, subscriber);
    if (!found)
        return -ENOENT;
    sub = *found;
    if (--sub->count > 0)
        return IH_TRIE_COUNTED;
    detach(trie, sub, subscriber);
    if (node->subs.count > 0)
        return IH_TRIE_SUBSCRIBER;
    forget_key(trie, node);
    return IH_TRIE_KEY;
}

void ih_trie_remove_subscriber(struct ih_trie *trie, const void *subscriber, ih_trie_key_fn *callback, void *arg)
{
    void **first = NULL;

    while ((first = ih_ptrmap_find(&trie->subscribers, subscriber)) != NULL) {
        struct subscription *sub = *first;
        struct ih_trie_node *node = sub->node;

        detach(trie, sub, subscriber);
        if (node->subs.count > 0)
            continue;
        if (callback) {
            size_t size = spell(trie, node);

            callback(trie->scratch, size, arg);
        }
        forget_key(trie, node);
    }
}

static void call_subscribers(const struct ih_trie_node *node, ih_trie_match_fn *callback, void *arg)
{
    const struct ih_ptrmap_slot *slots = ih_ptrmap_slots(&node->subs);

    for (uint32_t i = 0; i < node->subs.cap; i++)
        if (slots[i].key)
            callback(slots[i].key, arg);
}

void ih_trie_match(const struct ih_trie *trie, const void *data, size_t size, ih_trie_match_fn *callback, void *arg)
{
    const struct ih_trie_node *node = &trie->root;
    const uint8_t *at = data;

    do {
        if (node->subs.count > 0)
            call_subscribers(node, callback, arg);
        node = ih_trie_node_step(node, &at, &size);
    } while (node);
}

bool ih_trie_check(const struct ih_trie *trie, const void *data, size_t size)
{
    const struct ih_trie_node *node = &trie->root;
    const uint8_t *at = data;

    do {
        if (node->subs.count > 0)
            return true;
        node = ih_trie_node_step(node, &at, &size);
    } while (node);
    return false;
}

void ih_trie_each(struct ih_trie *trie, ih_trie_key_fn *callback, void *arg)
{
    for (struct ih_trie_node *node = &trie->root; node; node = ih_trie_node_next(node)) {
        if (node->subs.count > 0) {
            size_t size = spell(trie, node);

            callback(trie->scratch, size, arg);
        }
    }
}
