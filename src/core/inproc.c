/* SPDX-License-Identifier: ISC */
/* Names under which sockets of a process find each other. */
#include "core/inproc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/socket.h"

/* A link whose connecting end waits for somebody to bind its name. */
struct waiting {
    struct ih_list node;
    struct ih_link *link; /* with the reference of its end[1] */
    char name[];
};

void ih_inproc_init(struct ih_inproc *inproc)
{
    ih_lock_init(&inproc->lock);
    ih_list_init(&inproc->names);
    ih_list_init(&inproc->waiting);
}

static void drop_waiting(struct waiting *waiting)
{
    ih_list_del(&waiting->node);
    free(waiting);
}

void ih_inproc_fini(struct ih_inproc *inproc)
{
    while (!ih_list_empty(&inproc->waiting)) {
        struct waiting *waiting = IH_CONTAINER(inproc->waiting.next, struct waiting, node);

        ih_link_release(waiting->link);
        drop_waiting(waiting);
    }
    ih_lock_fini(&inproc->lock);
}

static struct ih_inproc_name *find(struct ih_inproc *inproc, const char *text)
{
    struct ih_list *node;

    for (node = inproc->names.next; node != &inproc->names; node = node->next) {
        struct ih_inproc_name *name = IH_CONTAINER(node, struct ih_inproc_name, node);

        if (strcmp(name->name, text) == 0)
            return name;
    }
    return NULL;
}

/* Hands a new name the links that waited for it. Registry's lock held. */
static void offer_waiting(struct ih_inproc *inproc, struct ih_inproc_name *name)
{
    struct ih_list *node = inproc->waiting.next;

    while (node != &inproc->waiting) {
        struct waiting *waiting = IH_CONTAINER(node, struct waiting, node);

        node = node->next;
        if (strcmp(waiting->name, name->name) == 0) {
            name->offer(name, waiting->link);
            drop_waiting(waiting);
        }
    }
}

int ih_inproc_bind(struct ih_inproc *inproc, const char *text, struct ih_socket *socket,
                   void (*offer)(struct ih_inproc_name *name, struct ih_link *link), void *owner,
                   struct ih_inproc_name **result)
{
    size_t size = strlen(text) + 1;
    struct ih_inproc_name *name = malloc(sizeof(*name) + size);
    int rc = 0;

    if (!name)
        return -ENOMEM;
    name->socket = socket;
    name->offer = offer;
    name->owner = owner;
    name->hwm_in = socket->opt.rcvhwm;
    name->hwm_out = socket->opt.sndhwm;
    name->id_size = socket->opt.routing_id_size;
    memcpy(name->id, socket->opt.routing_id, socket->opt.routing_id_size);
    memcpy(name->name, text, size);
    ih_lock_enter(&inproc->lock);
    if (find(inproc, text)) {
        free(name);
        rc = -EADDRINUSE;
    } else {
        ih_list_add_tail(&inproc->names, &name->node);
        *result = name;
        offer_waiting(inproc, name);
    }
    ih_lock_leave(&inproc->lock);
    return rc;
}

bool ih_inproc_bound(struct ih_inproc *inproc, const char *text)
{
    bool bound;

    ih_lock_enter(&inproc->lock);
    bound = find(inproc, text) != NULL;
    ih_lock_leave(&inproc->lock);
    return bound;
}

void ih_inproc_unbind(struct ih_inproc *inproc, struct ih_inproc_name *name)
{
    ih_lock_enter(&inproc->lock);
    ih_list_del(&name->node);
    ih_lock_leave(&inproc->lock);
    free(name);
}

int ih_inproc_connect(struct ih_inproc *inproc, const char *text, struct ih_link *link, bool wait)
{
    size_t size = strlen(text) + 1;
    struct waiting *waiting = wait ? malloc(sizeof(*waiting) + size) : NULL;
    struct ih_inproc_name *name;
    int rc = 0;

    if (wait && !waiting)
        return -ENOMEM;
    ih_lock_enter(&inproc->lock);
    name = find(inproc, text);
    if (name) {
        name->offer(name, link);
        free(waiting);
    } else if (waiting) {
        memcpy(waiting->name, text, size);
        waiting->link = link;
        ih_list_add_tail(&inproc->waiting, &waiting->node);
    } else {
        rc = -ECONNREFUSED;
    }
    ih_lock_leave(&inproc->lock);
    return rc;
}

/* True if messages wait at the link's other end for somebody to come. */
static bool carries(struct ih_link *link)
{
    bool any;

    ih_lock_enter(&link->lock);
    any = !ih_queue_empty(&link->end[1].queue);
    ih_lock_leave(&link->lock);
    return any;
}

void ih_inproc_forget(struct ih_inproc *inproc, struct ih_link *link)
{
    struct ih_list *node;

    if (carries(link))
        return;
    ih_lock_enter(&inproc->lock);
    for (node = inproc->waiting.next; node != &inproc->waiting; node = node->next) {
        struct waiting *waiting = IH_CONTAINER(node, struct waiting, node);

        if (waiting->link == link) {
            drop_waiting(waiting);
            ih_link_release(link);
            break;
        }
    }
    ih_lock_leave(&inproc->lock);
}
