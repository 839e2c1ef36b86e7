/* SPDX-License-Identifier: ISC */
/* What can happen to a socket: a descriptor in its epoll set becomes ready, a deadline passes, output waits.
 *
 * A source is embedded in a connection, a listener or the like. All slots are called with the socket's lock held, by the
 * thread that drives the socket; ready and flush may drop the lock while they read, write or compute, if they keep the
 * source from being freed meanwhile (busy). */
#ifndef IH_CORE_EVENT_H
#define IH_CORE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/list.h"

struct ih_source;
struct ih_socket;

struct ih_source_ops {
    void (*ready)(struct ih_source *source, uint32_t events); /* EPOLLIN, ... */
    void (*flush)(struct ih_source *source);                  /* write what waits; NULL if it never has output */
    void (*resume)(struct ih_source *source);                 /* decode on, the pipe has room again; may be NULL */
    void (*free)(struct ih_source *source);                   /* buried and idle: release everything */
};

/* Owner: the struct it is in. Guarded by the socket's lock. */
struct ih_source {
    const struct ih_source_ops *ops;
    struct ih_socket *socket;
    struct ih_list flush_node;  /* socket->flush or socket->direct */
    struct ih_list resume_node; /* socket->resume */
    struct ih_list grave_node;  /* socket->graveyard */
    int fd;                     /* -1: none */
    uint32_t events;            /* what the epoll set waits for; 0: not in the set */
    unsigned busy;              /* threads that work on it with the lock dropped */
    bool dead;                  /* buried */
};

/* Puts the source's descriptor into the socket's set, changes what it waits for (0: takes it out). -errno. */
int ih_source_watch(struct ih_source *source, uint32_t events);

/* Takes it out of everything; it is freed when nobody works on it any more. The descriptor stays open until then. */
void ih_source_bury(struct ih_source *source);

/* Output waits. After a quiet moment the running call writes it itself. In a burst it is gathered, until there is enough
 * for a write of its own (then the call writes it) or nothing more comes (then the I/O thread does). */
void ih_source_output(struct ih_source *source, bool enough);

/* Output waits: the I/O thread writes it. */
void ih_source_later(struct ih_source *source);

/* The source holds octets that may be decoded now: ops->resume is called in the next round. */
void ih_source_resume(struct ih_source *source);

/* Deadlines of a socket: kept in its heap, brought to its epoll set by one timerfd. timer->fire is called with the lock
 * held by the driver. -errno if there is no descriptor for the timer. */
int ih_event_at(struct ih_socket *socket, struct ih_timer *timer, uint64_t at_ms);
void ih_event_cancel(struct ih_socket *socket, struct ih_timer *timer);

#endif
