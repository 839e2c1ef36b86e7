/* SPDX-License-Identifier: ISC */
/* A context. */
#include "core/context.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "base/random.h"
#include "base/trash.h"
#include "core/driver.h"
#include "core/fork.h"
#include "core/io.h"
#include "core/socket.h"
#include "core/stable.h"
#include "curvezmq/cookie.h"
#include "platform/thread.h"
#include "zmtp/batch.h"

static struct ih_stable contexts;
struct ih_stable ih_sockets;

static void make_context(void *slot)
{
    ih_lock_init(&((struct ih_ctx *)slot)->lock);
}

static void make_socket(void *slot)
{
    ih_lock_init(&((struct ih_socket *)slot)->lock);
}

static void make_memory(void)
{
    ih_stable_init(&contexts, sizeof(struct ih_ctx), make_context);
    ih_stable_init(&ih_sockets, sizeof(struct ih_socket), make_socket);
    ih_fork_watch(&contexts, &ih_sockets);
}

int ih_ctx_new(struct ih_ctx **result)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct ih_ctx *ctx;
    int rc;

    (void)pthread_once(&once, make_memory);
    rc = ih_random_init();
    if (rc < 0)
        return rc;
    ctx = ih_stable_take(&contexts);
    if (!ctx)
        return -ENOMEM;
    memset((char *)ctx + sizeof(ctx->lock), 0, sizeof(*ctx) - sizeof(ctx->lock));
    ih_list_init(&ctx->sockets);
    ih_list_init(&ctx->told);
    ih_lock_init(&ctx->cookie_lock);
    ih_inproc_init(&ctx->inproc);
    ih_resolver_init(&ctx->resolver);
    ih_pool_init(&ctx->rx_pool, IH_RX_SIZE);
    ih_pool_init(&ctx->tx_pool, sizeof(struct ih_batch));
    atomic_store(&ctx->serial, ih_random_u64());
    ctx->io_threads = ZMQ_IO_THREADS_DFLT;
    ctx->max_sockets = ZMQ_MAX_SOCKETS_DFLT;
    ctx->max_msgsz = INT32_MAX;
    ctx->blocky = 1;
    ctx->zero_copy_recv = 1;
    ctx->thread_policy = -1;
    ctx->thread_priority = -1;
    ctx->fork_gen = ih_fork_gen();
    atomic_store(&ctx->tag, IH_CTX_TAG);
    *result = ctx;
    return 0;
}

struct ih_ctx *ih_ctx_find(void *handle)
{
    struct ih_ctx *ctx = handle;

    if (!ih_stable_has(&contexts, ctx) || atomic_load(&ctx->tag) != IH_CTX_TAG)
        return NULL;
    return ctx;
}

/* --- sockets and I/O threads ---------------------------------------------------------------------------------- */

static int start_one(struct ih_ctx *ctx, unsigned i)
{
    char name[32];
    struct ih_thread_config config = {
        .name = name,
        .policy = ctx->thread_policy,
        .priority = ctx->thread_priority,
        .cpus = ctx->cpus,
        .cpu_count = ctx->cpu_count,
    };

    if (ctx->thread_prefix)
        snprintf(name, sizeof(name), "%d/ZMQbg/IO/%u", ctx->thread_prefix, i);
    else
        snprintf(name, sizeof(name), "ZMQbg/IO/%u", i);
    return ih_io_start(&ctx->io[i], &config);
}

/* The first socket. Lock held. */
static int start(struct ih_ctx *ctx)
{
    int rc;

    ctx->socket_limit = (unsigned)ctx->max_sockets;
    if (ctx->io_threads > 0) {
        ctx->io = calloc((size_t)ctx->io_threads, sizeof(*ctx->io));
        if (!ctx->io)
            return -ENOMEM;
    }
    while (ctx->io_started < (unsigned)ctx->io_threads) {
        rc = start_one(ctx, ctx->io_started);
        if (rc < 0)
            goto failed;
        ctx->io_started++;
    }
    ctx->started = true;
    return 0;

failed:
    while (ctx->io_started)
        ih_io_stop(&ctx->io[--ctx->io_started]);
    free(ctx->io);
    ctx->io = NULL;
    return rc;
}

int ih_ctx_enlist(struct ih_ctx *ctx, struct ih_socket *socket)
{
    int rc = 0;

    ih_lock_enter(&ctx->lock);
    if (ctx->terminated)
        rc = -ETERM;
    else if (!ctx->started)
        rc = start(ctx);
    if (rc == 0 && ctx->socket_count >= ctx->socket_limit)
        rc = -EMFILE;
    if (rc == 0) {
        ih_list_add_tail(&ctx->sockets, &socket->node);
        ctx->socket_count++;
    }
    ih_lock_leave(&ctx->lock);
    return rc;
}

void ih_ctx_delist(struct ih_ctx *ctx, struct ih_socket *socket)
{
    ih_lock_enter(&ctx->lock);
    ih_list_del(&socket->node);
    ctx->socket_count--;
    atomic_fetch_add(&ctx->term_seq, 1);
    ih_futex_wake(&ctx->term_seq);
    ih_lock_leave(&ctx->lock);
}

struct ih_io *ih_ctx_choose_io(struct ih_ctx *ctx, uint64_t affinity)
{
    struct ih_io *best = NULL;

    for (unsigned i = 0; i < ctx->io_started; i++) {
        struct ih_io *io = &ctx->io[i];

        if (affinity && i < 64 && !(affinity >> i & 1))
            continue;
        if (!best || atomic_load(&io->load) < atomic_load(&best->load))
            best = io;
    }
    return best;
}

uint64_t ih_ctx_serial(struct ih_ctx *ctx)
{
    return atomic_fetch_add_explicit(&ctx->serial, 1, memory_order_relaxed);
}

struct ih_cookie_jar *ih_ctx_cookies(struct ih_ctx *ctx)
{
    struct ih_cookie_jar *jar;

    ih_lock_enter(&ctx->cookie_lock);
    if (!ctx->cookies)
        ctx->cookies = ih_cookie_jar_new();
    jar = ctx->cookies;
    ih_lock_leave(&ctx->cookie_lock);
    return jar;
}

/* --- end ------------------------------------------------------------------------------------------------------- */

/* The next socket that does not know of the end yet, held; NULL: there is none. Lock held. */
static struct ih_socket *next_untold(struct ih_ctx *ctx)
{
    struct ih_list *node;

    while ((node = ih_list_pop(&ctx->sockets))) {
        struct ih_socket *socket = IH_CONTAINER(node, struct ih_socket, node);

        ih_list_add_tail(&ctx->told, node);
        if (ih_socket_try_hold(socket)) /* else it is on its way out */
            return socket;
    }
    return NULL;
}

/* Lock held, dropped for each socket: a socket's lock comes before ours, because the last reference to another one may be
 * given up under it. */
static void terminate_sockets(struct ih_ctx *ctx)
{
    struct ih_socket *socket;

    ctx->terminated = true;
    while ((socket = next_untold(ctx))) {
        ih_lock_leave(&ctx->lock);
        ih_socket_enter(socket);
        socket->terminated = true;
        ih_socket_announce(socket);
        ih_socket_leave(socket);
        ih_socket_release(socket);
        ih_lock_enter(&ctx->lock);
    }
}

int ih_ctx_shutdown(struct ih_ctx *ctx)
{
    if (ctx->fork_gen != ih_fork_gen())
        return -EINTR;
    ih_lock_enter(&ctx->lock);
    terminate_sockets(ctx);
    ih_lock_leave(&ctx->lock);
    return 0;
}

static void destroy(struct ih_ctx *ctx)
{
    while (ctx->io_started)
        ih_io_stop(&ctx->io[--ctx->io_started]);
    free(ctx->io);
    ih_resolver_fini(&ctx->resolver);
    ih_inproc_fini(&ctx->inproc);
    ih_pool_fini(&ctx->rx_pool);
    ih_pool_fini(&ctx->tx_pool);
    ih_cookie_jar_free(ctx->cookies);
    ih_lock_fini(&ctx->cookie_lock);
    free(ctx->cpus);
    ih_stable_give(&contexts, ctx);
    ih_trash_empty(); /* messages that were sent to a name which nobody has bound */
}

int ih_ctx_term(struct ih_ctx *ctx)
{
    if (ctx->fork_gen != ih_fork_gen())
        return -EINTR;
    ih_lock_enter(&ctx->lock);
    if (atomic_load(&ctx->tag) != IH_CTX_TAG) {
        ih_lock_leave(&ctx->lock);
        return -EFAULT;
    }
    terminate_sockets(ctx);
    while (ctx->socket_count) {
        uint32_t seq = atomic_load(&ctx->term_seq);
        int rc;

        ih_lock_leave(&ctx->lock);
        rc = ih_futex_wait(&ctx->term_seq, seq, -1);
        ih_lock_enter(&ctx->lock);
        if (rc == -EINTR) {
            ih_lock_leave(&ctx->lock);
            return rc;
        }
    }
    if (atomic_exchange(&ctx->tag, 0) != IH_CTX_TAG) {
        ih_lock_leave(&ctx->lock);
        return -EFAULT;
    }
    ih_lock_leave(&ctx->lock);
    destroy(ctx);
    return 0;
}

/* --- options --------------------------------------------------------------------------------------------------- */

static int add_cpu(struct ih_ctx *ctx, int cpu)
{
    int *cpus;

    for (size_t i = 0; i < ctx->cpu_count; i++)
        if (ctx->cpus[i] == cpu)
            return 0;
    cpus = realloc(ctx->cpus, (ctx->cpu_count + 1) * sizeof(*cpus));
    if (!cpus)
        return -ENOMEM;
    cpus[ctx->cpu_count++] = cpu;
    ctx->cpus = cpus;
    return 0;
}

static int remove_cpu(struct ih_ctx *ctx, int cpu)
{
    for (size_t i = 0; i < ctx->cpu_count; i++) {
        if (ctx->cpus[i] == cpu) {
            ctx->cpus[i] = ctx->cpus[--ctx->cpu_count];
            return 0;
        }
    }
    return -EINVAL;
}

/* Where an option that is just a number is kept, and its least value. */
static int *number(struct ih_ctx *ctx, int option, int *least)
{
    *least = 0;
    switch (option) {
    case ZMQ_IO_THREADS:
        return &ctx->io_threads;
    case ZMQ_MAX_SOCKETS:
        *least = 1;
        return &ctx->max_sockets;
    case ZMQ_MAX_MSGSZ:
        return &ctx->max_msgsz;
    case ZMQ_THREAD_SCHED_POLICY:
        return &ctx->thread_policy;
    case ZMQ_THREAD_NAME_PREFIX:
        *least = INT32_MIN;
        return &ctx->thread_prefix;
    default:
        return NULL;
    }
}

/* Likewise for those that are on or off. */
static int *flag(struct ih_ctx *ctx, int option)
{
    switch (option) {
    case ZMQ_IPV6:
        return &ctx->ipv6;
    case ZMQ_BLOCKY:
        return &ctx->blocky;
    case ZMQ_ZERO_COPY_RECV:
        return &ctx->zero_copy_recv;
    default:
        return NULL;
    }
}

static int set_locked(struct ih_ctx *ctx, int option, int value)
{
    int least;
    int *place = number(ctx, option, &least);

    if (place) {
        if (value < least)
            return -EINVAL;
        *place = value;
        return 0;
    }
    if (value < 0)
        return -EINVAL;
    place = flag(ctx, option);
    if (place) {
        *place = value != 0;
        return 0;
    }
    switch (option) {
    case ZMQ_THREAD_PRIORITY:
        ctx->thread_priority = value;
        return 0;
    case ZMQ_THREAD_AFFINITY_CPU_ADD:
        return add_cpu(ctx, value);
    case ZMQ_THREAD_AFFINITY_CPU_REMOVE:
        return remove_cpu(ctx, value);
    default:
        return -EINVAL;
    }
}

static int get_locked(struct ih_ctx *ctx, int option, int *value)
{
    int least;
    int *place = number(ctx, option, &least);

    if (!place)
        place = flag(ctx, option);
    if (place)
        *value = *place;
    else if (option == ZMQ_SOCKET_LIMIT)
        *value = 65535;
    else if (option == ZMQ_MSG_T_SIZE)
        *value = (int)sizeof(zmq_msg_t);
    else
        return -EINVAL;
    return 0;
}

int ih_ctx_set(struct ih_ctx *ctx, int option, int value)
{
    int rc;

    if (ctx->fork_gen != ih_fork_gen())
        return -EINTR;
    ih_lock_enter(&ctx->lock);
    rc = set_locked(ctx, option, value);
    ih_lock_leave(&ctx->lock);
    return rc;
}

int ih_ctx_get(struct ih_ctx *ctx, int option, int *value)
{
    int rc;

    if (ctx->fork_gen != ih_fork_gen())
        return -EINTR;
    ih_lock_enter(&ctx->lock);
    rc = get_locked(ctx, option, value);
    ih_lock_leave(&ctx->lock);
    return rc;
}
