/* SPDX-License-Identifier: ISC */
/* An I/O thread: stands in for the callers of many sockets. */
#ifndef IH_CORE_IO_H
#define IH_CORE_IO_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/list.h"
#include "platform/lock.h"
#include "platform/thread.h"

struct ih_ctx;
struct ih_socket;

/* Owner: its context, from the first socket to the end of zmq_ctx_term. */
struct ih_io {
    struct ih_thread thread;
    int epfd; /* the epoll sets of its sockets, one-shot each, and wakefd */
    int wakefd;
    struct ih_lock lock;    /* guards work; the last in the lock order */
    struct ih_socket *work; /* sockets to look at now, each held */
    atomic_bool asleep;
    atomic_bool stop;
    atomic_uint load;       /* sockets */
    struct ih_list resting; /* sockets in state RESTING; its own */
    struct ih_list bursts;  /* sockets whose callers send bursts; its own */
};

/* Starts the thread. -errno. */
int ih_io_start(struct ih_io *io, const struct ih_thread_config *config);
/* Ends it; none of its sockets may be left. */
void ih_io_stop(struct ih_io *io);

/* Makes the I/O thread look at the socket (flush, finish) now. Socket's lock held or reference owned. */
void ih_io_kick(struct ih_socket *socket);

/* First descriptor of a transport: the I/O thread takes part in driving from now on. Lock held. -errno. */
int ih_io_adopt(struct ih_socket *socket);

/* Readiness of the socket wakes the I/O thread again. Lock held. */
void ih_io_arm(struct ih_socket *socket);

#endif
