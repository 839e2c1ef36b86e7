/* SPDX-License-Identifier: ISC */
/* The shape of the subscription trie: splitting, joining and walking nodes. */
#include "base/trie_node.h"

#include <stdlib.h>

static bool label_is_large(size_t len)
{
    return len > sizeof((struct ih_trie_node *)NULL)->label.octets;
}

/* A node without parent and kids. */
static struct ih_trie_node *node_new(const uint8_t *label, size_t len)
{
    struct ih_trie_node *node = calloc(1, sizeof *node);

    if (!node)
        return NULL;
    ih_ptrmap_init(&node->subs);
    node->len = len;
    if (label_is_large(len)) {
        node->label.large = malloc(len);
        if (!node->label.large) {
            free(node);
            return NULL;
        }
        memcpy(node->label.large, label, len);
    } else if (len > 0) {
        memcpy(node->label.octets, label, len);
    }
    return node;
}

static void node_free(struct ih_trie_node *node)
{
    if (label_is_large(node->len))
        free(node->label.large);
    free(node->kids);
    free(node);
}

/* Forgets the first octets of the label, some of which remain. Never fails. */
static void shorten_label(struct ih_trie_node *node, size_t octets)
{
    uint8_t *large = label_is_large(node->len) ? node->label.large : NULL;
    size_t len = node->len - octets;

    node->len = len;
    if (!large) {
        memmove(node->label.octets, node->label.octets + octets, len);
    } else if (!label_is_large(len)) {
        memcpy(node->label.octets, large + octets, len);
        free(large);
    } else {
        uint8_t *smaller;

        memmove(large, large + octets, len);
        smaller = realloc(large, len);
        node->label.large = smaller ? smaller : large;
        /* cppcheck-suppress memleak ; a union's member is no end of a pointer */
    }
}

/* Puts octets before the label. False when out of memory, and nothing changed. */
static bool lengthen_label(struct ih_trie_node *node, const uint8_t *octets, size_t count)
{
    size_t len = node->len + count;
    uint8_t *label = node->label.octets;

    if (label_is_large(len)) {
        label = malloc(len);
        if (!label)
            return false;
    }
    memmove(label + count, ih_trie_node_label(node), node->len);
    memcpy(label, octets, count);
    if (label_is_large(node->len))
        free(node->label.large);
    if (label_is_large(len))
        node->label.large = label;
    node->len = len;
    /* cppcheck-suppress memleak ; as above */
    return true;
}

static size_t kids_size(size_t cap)
{
    return sizeof(struct ih_trie_kids) + cap * (sizeof(void *) + 1);
}

/* Moves the kids to a table of cap. False when out of memory, and nothing changed. */
static bool resize_kids(struct ih_trie_node *node, unsigned cap)
{
    struct ih_trie_kids *old = node->kids;
    struct ih_trie_kids *kids = malloc(kids_size(cap));

    if (!kids)
        return false;
    kids->count = old ? old->count : 0;
    kids->cap = (uint16_t)cap;
    if (old) {
        memcpy(kids->kids, old->kids, old->count * sizeof(void *));
        memcpy(ih_trie_kids_firsts(kids), ih_trie_kids_firsts(old), old->count);
    }
    node->kids = kids;
    free(old);
    return true;
}

/* Room for one more kid. False when out of memory. */
static bool reserve_kid(struct ih_trie_node *node)
{
    if (!node->kids)
        return resize_kids(node, 1);
    return node->kids->count < node->kids->cap || resize_kids(node, node->kids->cap * 2u);
}

/* There is room for it. */
static void add_kid(struct ih_trie_node *node, struct ih_trie_node *kid)
{
    struct ih_trie_kids *kids = node->kids;

    kids->kids[kids->count] = kid;
    ih_trie_kids_firsts(kids)[kids->count] = *ih_trie_node_label(kid);
    kids->count++;
    kid->parent = node;
}

/* Which of its parent's kids this one is. */
static size_t kid_index(const struct ih_trie_node *kid)
{
    const struct ih_trie_kids *kids = kid->parent->kids;
    const uint8_t *firsts = ih_trie_kids_firsts(kids);

    return (size_t)((const uint8_t *)memchr(firsts, *ih_trie_node_label(kid), kids->count) - firsts);
}

static void remove_kid(struct ih_trie_node *node, size_t index)
{
    struct ih_trie_kids *kids = node->kids;
    uint8_t *firsts = ih_trie_kids_firsts(kids);

    kids->count--;
    kids->kids[index] = kids->kids[kids->count];
    firsts[index] = firsts[kids->count];
    if (kids->count == 0) {
        free(kids);
        node->kids = NULL;
    } else if (kids->count <= kids->cap / 4) {
        /* If there is no memory for the smaller table, the larger one serves. */
        (void)resize_kids(node, kids->cap / 2u);
    }
}

/* How many octets of the label the key agrees with. */
static size_t agreement(const struct ih_trie_node *node, const uint8_t *key, size_t size)
{
    const uint8_t *label = ih_trie_node_label(node);
    size_t limit = node->len < size ? node->len : size;
    size_t i = 0;

    while (i < limit && label[i] == key[i])
        i++;
    return i;
}

/* The last node on the way to the key; *key and *size become what is left to go. */
static struct ih_trie_node *descend(struct ih_trie_node *root, const uint8_t **key, size_t *size)
{
    struct ih_trie_node *node = root;
    struct ih_trie_node *kid;

    while ((kid = ih_trie_node_step(node, key, size)) != NULL)
        node = kid;
    return node;
}

struct ih_trie_node *ih_trie_node_find(struct ih_trie_node *root, const uint8_t *key, size_t size)
{
    struct ih_trie_node *node = descend(root, &key, &size);

    return size == 0 ? node : NULL;
}

/* Puts a fork, with room for one more kid, between the kid and its parent, after some octets of the kid's label. */
static struct ih_trie_node *split(struct ih_trie_node *kid, size_t octets, bool room)
{
    struct ih_trie_node *parent = kid->parent;
    struct ih_trie_node *fork = node_new(ih_trie_node_label(kid), octets);

    if (!fork)
        return NULL;
    if (!resize_kids(fork, room ? 2 : 1)) {
        node_free(fork);
        return NULL;
    }
    parent->kids->kids[kid_index(kid)] = fork;
    fork->parent = parent;
    shorten_label(kid, octets);
    add_kid(fork, kid);
    return fork;
}

/* A new leaf below the node. */
static struct ih_trie_node *add_leaf(struct ih_trie_node *node, const uint8_t *label, size_t len)
{
    struct ih_trie_node *leaf = node_new(label, len);

    if (!leaf || !reserve_kid(node)) {
        if (leaf)
            node_free(leaf);
        return NULL;
    }
    add_kid(node, leaf);
    return leaf;
}

struct ih_trie_node *ih_trie_node_make(struct ih_trie_node *root, const uint8_t *key, size_t size)
{
    struct ih_trie_node *node = descend(root, &key, &size);
    struct ih_trie_node *kid;
    struct ih_trie_node *fork;
    struct ih_trie_node *leaf;
    size_t agreed;

    if (size == 0)
        return node;
    kid = ih_trie_node_kid(node, *key);
    if (!kid)
        return add_leaf(node, key, size);
    agreed = agreement(kid, key, size);
    fork = split(kid, agreed, agreed < size);
    if (!fork || agreed == size)
        return fork;
    leaf = add_leaf(fork, key + agreed, size - agreed);
    if (!leaf)
        ih_trie_node_prune(fork);
    return leaf;
}

/* A fork with one way left becomes a part of the kid's label. */
static void join(struct ih_trie_node *fork)
{
    struct ih_trie_node *kid = fork->kids->kids[0];

    /* If there is no memory for the longer label, the fork stays. */
    if (!lengthen_label(kid, ih_trie_node_label(fork), fork->len))
        return;
    fork->parent->kids->kids[kid_index(fork)] = kid;
    kid->parent = fork->parent;
    node_free(fork);
}

void ih_trie_node_prune(struct ih_trie_node *node)
{
    while (node->parent && node->subs.count == 0 && !node->kids)
        node = ih_trie_node_drop(node);
    if (node->parent && node->subs.count == 0 && node->kids->count == 1)
        join(node);
}

struct ih_trie_node *ih_trie_node_next(struct ih_trie_node *node)
{
    if (node->kids)
        return node->kids->kids[0];
    while (node->parent) {
        size_t next = kid_index(node) + 1;

        node = node->parent;
        if (next < node->kids->count)
            return node->kids->kids[next];
    }
    return NULL;
}

struct ih_trie_node *ih_trie_node_any_kid(const struct ih_trie_node *node)
{
    return node->kids ? node->kids->kids[node->kids->count - 1] : NULL;
}

struct ih_trie_node *ih_trie_node_drop(struct ih_trie_node *node)
{
    struct ih_trie_node *parent = node->parent;

    if (!parent)
        return NULL;
    remove_kid(parent, kid_index(node));
    node_free(node);
    return parent;
}
