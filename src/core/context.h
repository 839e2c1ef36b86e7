/* SPDX-License-Identifier: ISC */
/* A context: its sockets, its I/O threads, its inproc names. */
#ifndef IH_CORE_CONTEXT_H
#define IH_CORE_CONTEXT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "core/inproc.h"
#include "core/pool.h"
#include "core/resolver.h"
#include "platform/lock.h"

struct ih_cookie_jar;
struct ih_io;
struct ih_socket;

#define IH_CTX_TAG 0x49484354u

/* Lives in type-stable memory, as a socket does. Guarded by `lock`, which comes after any socket's lock. */
struct ih_ctx {
    struct ih_lock lock;
    _Atomic uint32_t tag;
    uint32_t fork_gen;

    struct ih_list sockets; /* open or lingering */
    struct ih_list told;    /* likewise, and they know that the context ends */
    unsigned socket_count;
    _Atomic uint32_t term_seq; /* futex: a socket is gone */
    bool terminated;           /* shut down or being terminated */
    bool started;              /* the first socket was made: I/O threads run, limits are fixed */
    unsigned socket_limit;     /* max_sockets when it started */

    struct ih_io *io; /* I/O threads, started with the first socket */
    unsigned io_started;

    struct ih_inproc inproc;       /* names; a lock of its own */
    struct ih_resolver resolver;   /* a lock of its own */
    struct ih_pool rx_pool;        /* read buffers, IH_RX_SIZE octets; a lock of its own */
    struct ih_pool tx_pool;        /* struct ih_batch; a lock of its own */
    struct ih_lock cookie_lock;    /* guards the making of cookies */
    struct ih_cookie_jar *cookies; /* a lock of its own */
    _Atomic uint64_t serial;       /* of connections: never repeats in a process (starts at random) */

    /* Options (zmq_ctx_set). */
    int io_threads;
    int max_sockets;
    int max_msgsz;
    int ipv6;
    int blocky;
    int zero_copy_recv;
    int thread_policy;   /* -1: the creator's */
    int thread_priority; /* -1: none */
    int thread_prefix;   /* ZMQ_THREAD_NAME_PREFIX */
    int *cpus;           /* ZMQ_THREAD_AFFINITY_CPU_ADD */
    size_t cpu_count;
};

enum { IH_RX_SIZE = 65536 };

/* A new context. -ENOMEM, -ENOTSUP (no random numbers). */
int ih_ctx_new(struct ih_ctx **result);

/* The context behind a handle, or NULL. Any pointer may be asked about. */
struct ih_ctx *ih_ctx_find(void *handle);

/* Makes all calls on its sockets fail with -ETERM. */
int ih_ctx_shutdown(struct ih_ctx *ctx);

/* Shuts down, waits until all sockets are closed and have lingered, frees. -EINTR: call again. -EFAULT: gone already. */
int ih_ctx_term(struct ih_ctx *ctx);

int ih_ctx_set(struct ih_ctx *ctx, int option, int value);
int ih_ctx_get(struct ih_ctx *ctx, int option, int *value);

/* Counts a new socket in and starts the I/O threads with the first one. -ETERM, -EMFILE, or a failure to start. */
int ih_ctx_enlist(struct ih_ctx *ctx, struct ih_socket *socket);
/* The socket is gone. */
void ih_ctx_delist(struct ih_ctx *ctx, struct ih_socket *socket);

/* The least loaded I/O thread of those that the affinity mask allows (0: all). NULL: there is none. */
struct ih_io *ih_ctx_choose_io(struct ih_ctx *ctx, uint64_t affinity);

/* A number that no other connection of this process has. */
uint64_t ih_ctx_serial(struct ih_ctx *ctx);

/* The cookie keys of the context's CURVE servers, NULL: no memory. */
struct ih_cookie_jar *ih_ctx_cookies(struct ih_ctx *ctx);

#endif
