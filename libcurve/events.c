/* SPDX-License-Identifier: ISC */
/* Events that wait for the application to read them. */
#include "libcurve/events.h"

#include <stdlib.h>
#include <string.h>

/* What may be left out, by who can cause it: so that a flood of one kind leaves the others alone. */
enum kind {
    KIND_NOISE,      /* anybody who can send something */
    KIND_CONNECTION, /* anybody who can connect */
    KIND_SESSION,    /* who was let in */
    KIND_MESSAGE,    /* the application, by sending; is not left out */
};

enum { NAME_SIZE = 2 * sizeof(int) + CURVE_ID_SIZE };

/* Owner: the events. */
struct entry {
    struct ih_list link;
    struct ih_map_node node;
    bool merges; /* node is in the map */
    enum kind kind;
    uint64_t more; /* UNDELIVERED: so many messages behind it are, too */
    uint8_t name[NAME_SIZE];
    curve_event_t event;
};

static enum kind kind_of(int event)
{
    switch (event) {
    case CURVE_EVENT_DELIVERED:
    case CURVE_EVENT_UNDELIVERED:
        return KIND_MESSAGE;
    case CURVE_EVENT_READY:
    case CURVE_EVENT_CLOSED:
        return KIND_SESSION;
    case CURVE_EVENT_CONNECTED:
    case CURVE_EVENT_DISCONNECTED:
    case CURVE_EVENT_REJECTED:
        return KIND_CONNECTION;
    default:
        return KIND_NOISE;
    }
}

static struct entry *entry_at(struct ih_list *link)
{
    return IH_CONTAINER(link, struct entry, link);
}

void ih_events_init(struct ih_events *events)
{
    memset(events, 0, sizeof(*events));
    ih_list_init(&events->order);
    ih_map_init(&events->merged);
}

static void drop(struct ih_events *events, struct entry *entry)
{
    if (entry->merges)
        ih_map_remove(&events->merged, &entry->node);
    if (entry->kind != KIND_MESSAGE)
        events->counts[entry->kind]--;
    ih_list_del(&entry->link);
    free(entry);
}

void ih_events_fini(struct ih_events *events)
{
    IH_LIST_EACH_SAFE(link, next, &events->order)
        drop(events, entry_at(link));
    ih_map_fini(&events->merged);
}

static bool merges(int event, enum kind kind)
{
    return kind == KIND_NOISE || event == CURVE_EVENT_DELIVERED;
}

static void put_name(uint8_t name[NAME_SIZE], const curve_event_t *event)
{
    memcpy(name, &event->event, sizeof(int));
    memcpy(name + sizeof(int), &event->value, sizeof(int));
    memcpy(name + 2 * sizeof(int), event->id, CURVE_ID_SIZE);
}

/* With one that waits. A DELIVERED takes the place behind what came meanwhile, as if the one before had not been. */
static bool merge(struct ih_events *events, const curve_event_t *event)
{
    uint8_t name[NAME_SIZE];
    struct ih_map_node *node;
    struct entry *entry;

    put_name(name, event);
    node = ih_map_find(&events->merged, name, sizeof(name));
    if (!node)
        return false;
    entry = IH_CONTAINER(node, struct entry, node);
    if (entry->kind == KIND_NOISE) {
        entry->event.number++;
        return true;
    }
    entry->event.number = event->number;
    ih_list_del(&entry->link);
    ih_list_add_tail(&events->order, &entry->link);
    return true;
}

/* Messages to one end that were sent one behind the other, as a session's are that ends. */
static bool join_last(struct ih_events *events, const curve_event_t *event)
{
    struct entry *last = ih_list_empty(&events->order) ? NULL : entry_at(events->order.prev);

    if (!last || last->event.event != CURVE_EVENT_UNDELIVERED || last->event.value != event->value ||
        last->event.number + last->more + 1 != event->number || memcmp(last->event.id, event->id, CURVE_ID_SIZE) != 0)
        return false;
    last->more++;
    return true;
}

/* NULL: no memory. */
static struct entry *append(struct ih_events *events, const curve_event_t *event, enum kind kind)
{
    struct entry *entry = calloc(1, sizeof(*entry));

    if (!entry)
        return NULL;
    entry->kind = kind;
    entry->event = *event;
    put_name(entry->name, event);
    if (merges(event->event, kind))
        entry->merges = ih_map_insert(&events->merged, &entry->node, entry->name, sizeof(entry->name)) == 0;
    if (kind == KIND_NOISE)
        entry->event.number = 1;
    if (kind != KIND_MESSAGE)
        events->counts[kind]++;
    ih_list_init(&entry->link);
    ih_list_add_tail(&events->order, &entry->link);
    return entry;
}

void ih_events_add(struct ih_events *events, const curve_event_t *event)
{
    enum kind kind = kind_of(event->event);

    if (event->event == CURVE_EVENT_DELIVERED && events->uncertain)
        return;
    if (merges(event->event, kind) && merge(events, event))
        return;
    if (event->event == CURVE_EVENT_UNDELIVERED && join_last(events, event))
        return;
    if (kind != KIND_MESSAGE && events->counts[kind] >= IH_EVENTS_MAX)
        return;
    if (!append(events, event, kind) && event->event == CURVE_EVENT_UNDELIVERED)
        events->uncertain = true;
}

bool ih_events_next(const struct ih_events *events, curve_event_t *event)
{
    if (ih_list_empty(&events->order))
        return false;
    *event = entry_at(events->order.next)->event;
    return true;
}

void ih_events_taken(struct ih_events *events)
{
    struct entry *entry = entry_at(events->order.next);

    if (entry->more == 0) {
        drop(events, entry);
        return;
    }
    entry->more--;
    entry->event.number++;
}
