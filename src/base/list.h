/* SPDX-License-Identifier: ISC */
/* An intrusive, circular, doubly linked list. */
#ifndef IH_BASE_LIST_H
#define IH_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* Both the head of a list and a link in one. Owner: the struct it is embedded in; guarded by the lock of the list. A
 * link that is in no list points to itself, so that it may be deleted twice and asked whether it is linked. */
struct ih_list {
    struct ih_list *next;
    struct ih_list *prev;
};

/* The struct of this type whose member is at ptr. */
#define IH_CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* NOLINTBEGIN(bugprone-macro-parentheses): a declared name cannot stand in parentheses. */

/* Walks the links from the first to the last. The loop may delete the current link if it then stops. */
#define IH_LIST_EACH(pos, head) for (struct ih_list *pos = (head)->next; pos != (head); pos = pos->next)

/* The same, and the loop may delete and free the current link (but no other). */
#define IH_LIST_EACH_SAFE(pos, following, head)                                     \
    for (struct ih_list *pos = (head)->next, *following = pos->next; pos != (head); \
         pos = following, following = pos->next)

/* NOLINTEND(bugprone-macro-parentheses) */

static inline void ih_list_init(struct ih_list *list)
{
    list->next = list;
    list->prev = list;
}

/* For a head: the list has no link. For a link: it is in no list. */
static inline bool ih_list_empty(const struct ih_list *list)
{
    return list->next == list;
}

static inline bool ih_list_linked(const struct ih_list *link)
{
    return link->next != link;
}

/* Links between two neighbours; link must be in no list. */
static inline void ih_list_insert(struct ih_list *link, struct ih_list *prev, struct ih_list *next)
{
    link->next = next;
    link->prev = prev;
    prev->next = link;
    next->prev = link;
}

static inline void ih_list_add_head(struct ih_list *head, struct ih_list *link)
{
    ih_list_insert(link, head, head->next);
}

static inline void ih_list_add_tail(struct ih_list *head, struct ih_list *link)
{
    ih_list_insert(link, head->prev, head);
}

/* Takes the link out of its list, if it is in one. */
static inline void ih_list_del(struct ih_list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    ih_list_init(link);
}

/* The first link, or NULL. */
static inline struct ih_list *ih_list_first(const struct ih_list *head)
{
    return head->next == head ? NULL : head->next;
}

/* Takes the first link out; NULL if there is none. */
static inline struct ih_list *ih_list_pop(struct ih_list *head)
{
    struct ih_list *link = ih_list_first(head);

    if (link) {
        head->next = link->next;
        link->next->prev = head;
        ih_list_init(link);
    }
    return link;
}

/* Moves all links of src behind those of dst; src is empty afterwards. */
static inline void ih_list_splice(struct ih_list *dst, struct ih_list *src)
{
    if (ih_list_empty(src))
        return;
    src->next->prev = dst->prev;
    dst->prev->next = src->next;
    src->prev->next = dst;
    dst->prev = src->prev;
    ih_list_init(src);
}

#endif
