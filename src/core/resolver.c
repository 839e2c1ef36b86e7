/* SPDX-License-Identifier: ISC */
/* Looking host names up without blocking a caller. */
#include "core/resolver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "platform/thread.h"

enum {
    WORKERS = 4,     /* so many dead name servers do not hold up anybody else */
    IDLE_MS = 10000, /* how long a thread waits for more to do */
};

/* One lookup. Guarded by core->lock. Owner: the asker until take or cancel, and the core until the callback has
 * returned; the later of the two frees it. */
struct ih_resolve {
    struct ih_list node; /* core->queue, while nobody looks it up */
    struct ih_resolver_core *core;
    ih_resolved_fn *done;
    void *arg;
    bool ipv6;
    bool asked;   /* the asker owns it */
    bool pending; /* the core owns it */
    bool called;  /* the callback was called */
    int result;
    struct ih_addr addr;
    char text[];
};

/* A thread's place. Guarded by core->lock. */
struct worker {
    struct ih_thread thread;
    bool started; /* to be joined or detached */
    bool ended;   /* it will not take the lock any more: joining is short */
    bool away;    /* in a lookup, which may take long */
};

/* Owner: the resolver and every thread, by refs: a thread may outlive the resolver. */
struct ih_resolver_core {
    struct ih_lock lock;
    struct ih_list queue;
    unsigned refs;
    unsigned queued;
    unsigned idle;
    bool closed;
    _Atomic uint32_t news; /* futex: changes when idle threads are to look again */
    struct worker workers[WORKERS];
};

/* What a new thread is given. */
struct start {
    struct ih_resolver_core *core;
    struct worker *worker;
};

void ih_resolver_init(struct ih_resolver *resolver)
{
    ih_lock_init(&resolver->lock);
    resolver->core = NULL;
}

static struct ih_resolver_core *new_core(void)
{
    struct ih_resolver_core *core = calloc(1, sizeof(*core));
    if (core != NULL) {
        ih_lock_init(&core->lock);
        ih_list_init(&core->queue);
        core->refs = 1;
    }
    return core;
}

/* Gives a reference and the lock up. */
static void leave_for_good(struct ih_resolver_core *core)
{
    bool last = --core->refs == 0;
    ih_lock_leave(&core->lock);
    if (last) {
        ih_lock_fini(&core->lock);
        free(core);
    }
}

static void wake(struct ih_resolver_core *core)
{
    atomic_fetch_add(&core->news, 1);
    ih_futex_wake(&core->news);
}

static void free_if_done(struct ih_resolve *job)
{
    if (!job->asked && !job->pending) {
        free(job);
    }
}

/* The lock is dropped for the lookup and for the callback. */
static void look_up(struct ih_resolver_core *core, struct worker *worker, struct ih_resolve *job)
{
    struct ih_addr addr;
    worker->away = true;
    ih_lock_leave(&core->lock);
    int result = ih_net_resolve(job->text, job->ipv6, &addr);
    ih_lock_enter(&core->lock);
    worker->away = false;
    if (job->asked) {
        job->called = true;
        job->result = result;
        if (result == 0) {
            job->addr = addr;
        }
        ih_lock_leave(&core->lock);
        job->done(job->arg, job);
        ih_lock_enter(&core->lock);
    }
    job->pending = false;
    free_if_done(job);
}

/* The next job, or NULL when there was none for a while. */
static struct ih_resolve *next_job(struct ih_resolver_core *core)
{
    int rc = 0;
    while (!core->closed && core->queued == 0 && rc != -ETIMEDOUT) {
        uint32_t seen = atomic_load(&core->news);
        core->idle++;
        ih_lock_leave(&core->lock);
        rc = ih_futex_wait(&core->news, seen, IDLE_MS);
        ih_lock_enter(&core->lock);
        core->idle--;
    }
    if (core->closed || core->queued == 0) {
        return NULL;
    }
    core->queued--;
    return IH_CONTAINER(ih_list_pop(&core->queue), struct ih_resolve, node);
}

static void run(void *arg)
{
    struct start *start = arg;
    struct ih_resolver_core *core = start->core;
    struct worker *worker = start->worker;
    struct ih_resolve *job;
    free(start);
    ih_lock_enter(&core->lock);
    while ((job = next_job(core)) != NULL) {
        look_up(core, worker, job);
    }
    worker->ended = true;
    leave_for_good(core);
}

/* Starts a thread if one more may run. Lock held. */
static int start_worker(struct ih_resolver_core *core)
{
    struct ih_thread_config config = {.name = "ZMQ/resolver", .policy = -1, .priority = -1};
    struct worker *free_place = NULL;
    for (size_t i = 0; i < WORKERS && free_place == NULL; i++) {
        struct worker *worker = &core->workers[i];
        if (worker->ended) {
            ih_thread_join(&worker->thread);
            *worker = (struct worker){.started = false};
        }
        free_place = worker->started ? NULL : worker;
    }
    if (free_place == NULL) {
        return 0;
    }
    struct start *start = malloc(sizeof(*start));
    if (start == NULL) {
        return -ENOMEM;
    }
    *start = (struct start){.core = core, .worker = free_place};
    int rc = ih_thread_start(&free_place->thread, &config, run, start);
    if (rc != 0) {
        free(start);
        return rc;
    }
    free_place->started = true;
    core->refs++;
    return 0;
}

static bool has_worker(const struct ih_resolver_core *core)
{
    for (size_t i = 0; i < WORKERS; i++) {
        if (core->workers[i].started && !core->workers[i].ended) {
            return true;
        }
    }
    return false;
}

/* Puts a job into the queue. A failure to start one more thread is none as long as there is another. */
static int enqueue(struct ih_resolver_core *core, struct ih_resolve *job)
{
    int rc = 0;
    ih_lock_enter(&core->lock);
    if (core->queued >= core->idle) {
        rc = start_worker(core);
        rc = rc != 0 && has_worker(core) ? 0 : rc;
    }
    if (rc == 0) {
        ih_list_add_tail(&core->queue, &job->node);
        core->queued++;
        wake(core);
    }
    ih_lock_leave(&core->lock);
    return rc;
}

int ih_resolver_ask(struct ih_resolver *resolver, const char *text, bool ipv6, ih_resolved_fn *done, void *arg,
                    struct ih_resolve **result)
{
    size_t size = strlen(text) + 1;
    struct ih_resolve *job = malloc(sizeof(*job) + size);
    if (job == NULL) {
        return -ENOMEM;
    }
    *job = (struct ih_resolve){.done = done, .arg = arg, .ipv6 = ipv6, .asked = true, .pending = true};
    memcpy(job->text, text, size);
    ih_list_init(&job->node);
    ih_lock_enter(&resolver->lock);
    if (resolver->core == NULL) {
        resolver->core = new_core();
    }
    job->core = resolver->core;
    ih_lock_leave(&resolver->lock);
    *result = job; /* before the callback can run */
    int rc = job->core != NULL ? enqueue(job->core, job) : -ENOMEM;
    if (rc != 0) {
        *result = NULL;
        free(job);
    }
    return rc;
}

bool ih_resolver_take(struct ih_resolve *job, int *result, struct ih_addr *addr)
{
    struct ih_resolver_core *core = job->core;
    ih_lock_enter(&core->lock);
    bool owned = job->asked;
    if (owned) {
        *result = job->result;
        if (job->result == 0) {
            *addr = job->addr;
        }
        job->asked = false;
        free_if_done(job);
    }
    ih_lock_leave(&core->lock);
    return owned;
}

bool ih_resolver_cancel(struct ih_resolve *job)
{
    struct ih_resolver_core *core = job->core;
    ih_lock_enter(&core->lock);
    bool called = job->called;
    if (ih_list_linked(&job->node)) {
        ih_list_del(&job->node);
        core->queued--;
        job->pending = false;
    }
    job->asked = false;
    free_if_done(job);
    ih_lock_leave(&core->lock);
    return !called;
}

void ih_resolver_fini(struct ih_resolver *resolver)
{
    struct ih_resolver_core *core = resolver->core;
    ih_lock_fini(&resolver->lock);
    if (core == NULL) {
        return;
    }
    struct ih_thread joined[WORKERS];
    size_t count = 0;
    ih_lock_enter(&core->lock);
    core->closed = true;
    for (size_t i = 0; i < WORKERS; i++) {
        struct worker *worker = &core->workers[i];
        if (worker->started && worker->away) {
            ih_thread_detach(&worker->thread);
        } else if (worker->started) {
            joined[count++] = worker->thread;
        }
    }
    wake(core);
    ih_lock_leave(&core->lock);
    while (count > 0) {
        ih_thread_join(&joined[--count]);
    }
    ih_lock_enter(&core->lock);
    leave_for_good(core);
}
