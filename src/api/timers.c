/* SPDX-License-Identifier: ISC */
/* zmq_timers_*: a set of repeating timers that the program runs itself. */
#include <zmq.h>

#include <limits.h>
#include <stdlib.h>

#include "api/error.h"
#include "base/clock.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"

/* In the first field of a live set: tells it from other handles, and from one that was destroyed. */
enum { TAG_LIVE = 0x69685473, TAG_DEAD = 0x69685464 };

/* Owner: its set, until it is cancelled. */
struct timer {
    struct ih_timer deadline;
    struct ih_map_node by_id;
    int id;
    size_t interval;
    zmq_timer_fn *handler;
    void *arg;
};

/* Owner: the program, until it destroys it. No lock: for one thread at a time. */
struct timers {
    uint32_t tag;
    int last_id;
    struct ih_heap deadlines;
    struct ih_map by_id;
};

/* The set behind a handle, or NULL with errno. */
static struct timers *checked(void *handle)
{
    struct timers *timers = handle;

    return timers && timers->tag == TAG_LIVE ? timers : ih_api_fail_null(EFAULT);
}

static struct timer *find(const struct timers *timers, int id)
{
    struct ih_map_node *node = ih_map_find(&timers->by_id, &id, sizeof id);

    return node ? IH_CONTAINER(node, struct timer, by_id) : ih_api_fail_null(EINVAL);
}

static void arm(struct timers *timers, struct timer *timer, uint64_t now_ms)
{
    ih_heap_set(&timers->deadlines, &timer->deadline, ih_clock_after(now_ms, timer->interval));
}

static void drop(struct timers *timers, struct timer *timer)
{
    ih_heap_remove(&timers->deadlines, &timer->deadline);
    ih_map_remove(&timers->by_id, &timer->by_id);
    free(timer);
}

void *zmq_timers_new(void)
{
    struct timers *timers = calloc(1, sizeof *timers);

    if (!timers)
        return ih_api_fail_null(ENOMEM);
    timers->tag = TAG_LIVE;
    return timers;
}

int zmq_timers_destroy(void **handle)
{
    struct timers *timers = checked(handle ? *handle : NULL);
    struct ih_timer *first = NULL;

    if (!timers)
        return -1;
    while ((first = ih_heap_first(&timers->deadlines)) != NULL)
        drop(timers, IH_CONTAINER(first, struct timer, deadline));
    timers->tag = TAG_DEAD;
    free(timers);
    *handle = NULL;
    return 0;
}

/* An id that no timer has. */
static int next_id(struct timers *timers)
{
    do {
        timers->last_id = timers->last_id == INT_MAX ? 1 : timers->last_id + 1;
    } while (ih_map_find(&timers->by_id, &timers->last_id, sizeof timers->last_id));
    return timers->last_id;
}

int zmq_timers_add(void *handle, size_t interval, zmq_timer_fn handler, void *arg)
{
    struct timers *timers = checked(handle);
    struct timer *timer = NULL;
    int rc;

    if (!timers)
        return -1;
    if (!handler)
        return ih_api_fail(EFAULT);
    timer = calloc(1, sizeof *timer);
    if (!timer)
        return ih_api_fail(ENOMEM);
    timer->id = next_id(timers);
    timer->interval = interval;
    timer->handler = handler;
    timer->arg = arg;
    rc = ih_map_insert(&timers->by_id, &timer->by_id, &timer->id, sizeof timer->id);
    if (rc < 0) {
        free(timer);
        return ih_api_fail(-rc);
    }
    arm(timers, timer, ih_clock_ms());
    return timer->id;
}

int zmq_timers_cancel(void *handle, int id)
{
    struct timers *timers = checked(handle);
    struct timer *timer = timers ? find(timers, id) : NULL;

    if (!timer)
        return -1;
    drop(timers, timer);
    return 0;
}

int zmq_timers_set_interval(void *handle, int id, size_t interval)
{
    struct timers *timers = checked(handle);
    struct timer *timer = timers ? find(timers, id) : NULL;

    if (!timer)
        return -1;
    timer->interval = interval;
    arm(timers, timer, ih_clock_ms());
    return 0;
}

int zmq_timers_reset(void *handle, int id)
{
    struct timers *timers = checked(handle);
    struct timer *timer = timers ? find(timers, id) : NULL;

    if (!timer)
        return -1;
    arm(timers, timer, ih_clock_ms());
    return 0;
}

long zmq_timers_timeout(void *handle)
{
    const struct timers *timers = checked(handle);

    return timers ? (long)ih_heap_wait(&timers->deadlines, ih_clock_ms(), LONG_MAX) : -1;
}

int zmq_timers_execute(void *handle)
{
    struct timers *timers = checked(handle);
    struct ih_timer *first = NULL;
    uint64_t now_ms = ih_clock_ms();
    uint64_t last_order;

    if (!timers)
        return -1;
    last_order = timers->deadlines.last_order;
    /* Each timer once: what was armed after this began waits for the next call, however short its interval. */
    while ((first = ih_heap_first(&timers->deadlines)) != NULL && first->at_ms <= now_ms &&
           first->order <= last_order) {
        struct timer *timer = IH_CONTAINER(first, struct timer, deadline);

        /* Armed before the call, since the handler may cancel the timer, and so free it, or set it anew. */
        arm(timers, timer, now_ms);
        timer->handler(timer->id, timer->arg);
    }
    return 0;
}
