/* SPDX-License-Identifier: ISC */
/* The shape of the subscription trie: for trie.c alone.
 *
 * Every node but the root has subscribers or at least two kids (unless memory was short when one of them went), so
 * that there are at most twice as many nodes as keys. */
#ifndef IH_BASE_TRIE_NODE_H
#define IH_BASE_TRIE_NODE_H

#include <string.h>

#include "base/trie.h"

/* A node's children. Owner: the node. kids[cap] is followed by firsts[cap], the first octet of each kid's label, so
 * that a kid is found by one memchr. In no order. */
struct ih_trie_kids {
    uint16_t count;
    uint16_t cap;
    struct ih_trie_node *kids[];
};

static inline uint8_t *ih_trie_kids_firsts(const struct ih_trie_kids *kids)
{
    return (uint8_t *)&((struct ih_trie_kids *)kids)->kids[kids->cap];
}

static inline const uint8_t *ih_trie_node_label(const struct ih_trie_node *node)
{
    return node->len <= sizeof node->label.octets ? node->label.octets : node->label.large;
}

/* The kid whose label begins with the octet, or NULL. */
static inline struct ih_trie_node *ih_trie_node_kid(const struct ih_trie_node *node, uint8_t first)
{
    const uint8_t *firsts;
    const uint8_t *found;

    if (!node->kids)
        return NULL;
    firsts = ih_trie_kids_firsts(node->kids);
    if (*firsts == first)
        return node->kids->kids[0];
    found = memchr(firsts, first, node->kids->count);
    return found ? node->kids->kids[found - firsts] : NULL;
}

/* The kid whose whole label the octets at *at begin with, and advances over it; or NULL. */
static inline struct ih_trie_node *ih_trie_node_step(const struct ih_trie_node *node, const uint8_t **at, size_t *size)
{
    struct ih_trie_node *kid = *size > 0 ? ih_trie_node_kid(node, **at) : NULL;

    if (!kid || kid->len > *size || memcmp(ih_trie_node_label(kid), *at, kid->len) != 0)
        return NULL;
    *at += kid->len;
    *size -= kid->len;
    return kid;
}

/* The node of exactly this key, or NULL. */
struct ih_trie_node *ih_trie_node_find(struct ih_trie_node *root, const uint8_t *key, size_t size);

/* The node of exactly this key, made if it is not there; NULL when out of memory. */
struct ih_trie_node *ih_trie_node_make(struct ih_trie_node *root, const uint8_t *key, size_t size);

/* Removes the node, and joins what is left around it, if it has lost its reason to be. */
void ih_trie_node_prune(struct ih_trie_node *node);

/* The next node of a walk over all, parents first; NULL after the last. */
struct ih_trie_node *ih_trie_node_next(struct ih_trie_node *node);

/* A child, or NULL. */
struct ih_trie_node *ih_trie_node_any_kid(const struct ih_trie_node *node);

/* Frees a node without subscribers and kids, if it is not the root; returns its parent. */
struct ih_trie_node *ih_trie_node_drop(struct ih_trie_node *node);

#endif
