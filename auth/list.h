/* SPDX-License-Identifier: ISC */
/* Lists whose links lie in what they join. A link that is in no list points to itself, so that leaving twice does nothing. */
#ifndef IH_AUTH_LIST_H
#define IH_AUTH_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct auth_link {
    struct auth_link *next, *prev;
};

/* What this link lies in. */
#define AUTH_LIST_OF(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void auth_list_init(struct auth_link *link)
{
    link->next = link;
    link->prev = link;
}

static inline bool auth_list_empty(const struct auth_link *list)
{
    return list->next == list;
}

/* Before position: behind the list's last, if that is the list itself. */
static inline void auth_list_insert(struct auth_link *position, struct auth_link *link)
{
    link->next = position;
    link->prev = position->prev;
    position->prev->next = link;
    position->prev = link;
}

static inline void auth_list_remove(struct auth_link *link)
{
    link->next->prev = link->prev;
    link->prev->next = link->next;
    auth_list_init(link);
}

/* Takes the first out; NULL: there is none. */
static inline struct auth_link *auth_list_take(struct auth_link *list)
{
    struct auth_link *link = list->next;

    if (link == list)
        return NULL;
    list->next = link->next;
    link->next->prev = list;
    auth_list_init(link);
    return link;
}

/* Moves all to an empty list. */
static inline void auth_list_move(struct auth_link *from, struct auth_link *to)
{
    struct auth_link *link;

    while ((link = auth_list_take(from)))
        auth_list_insert(to, link);
}

#endif
