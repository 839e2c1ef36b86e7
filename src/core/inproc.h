/* SPDX-License-Identifier: ISC */
/* Links: pairs of queues that join two sockets of one process, and the names under which they find each other.
 *
 * A link has two ends. A socket's end is the carrier of a pipe; the ends of the monitor and of the ZAP client belong to
 * no pipe. A sender takes the link's lock, never the other socket's. What the other end has to know is left as a notice
 * in its socket's mail, and only a socket that sleeps is woken.
 * Lock order: socket, then registry of names, then link, then nothing. */
#ifndef IH_CORE_INPROC_H
#define IH_CORE_INPROC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/queue.h"
#include "platform/lock.h"

struct ih_ctx;
struct ih_link;
struct ih_link_end;
struct ih_pipe;
struct ih_socket;

/* What an end's socket does with a notice. Called by ih_mail_take with that socket's lock held. */
typedef void ih_link_notice_fn(struct ih_link_end *end);

enum { IH_CACHE_LINE = 64 };

/* One end. Owner: its link. `queue` and what is marked (L) is guarded by the link's lock, the rest by the lock of the
 * end's socket; socket itself changes only under the link's lock. */
struct ih_link_end {
    /* What this end's socket uses for each message. */
    _Alignas(IH_CACHE_LINE) struct ih_link *link;
    void *owner;          /* the pipe, the monitor, the ZAP request */
    size_t budget;        /* the socket's own: messages that it may send before it asks for room again */
    size_t taken;         /* reader's: messages read and not acknowledged yet */
    _Atomic size_t limit; /* (L) of unread; 0: none. Also read without the lock */
    int hwm_in, hwm_out;  /* its socket's limits when the link was made */

    /* What the other end's socket writes for each message: on a line of its own. */
    _Alignas(IH_CACHE_LINE) struct ih_queue queue; /* (L) messages to be read at this end; whole ones only */
    size_t unread;            /* (L) messages written to this end and not yet acknowledged by its reader */
    bool starved;             /* (L) the writer found no room: tell it when there is */
    bool present;             /* (L) a socket has taken its place here (it may have left since) */
    bool closed;              /* (L) this end is closed: the other learns it when it has read everything */
    bool conflate;            /* (L) only the newest message is kept on the way */
    bool urgent;              /* a notice wakes the socket even if no caller sleeps in it (ZAP) */
    atomic_bool posted;       /* in the mail */
    struct ih_socket *socket; /* (L) whose mail gets the notices; NULL: nobody is there (yet, or any more) */

    /* The rest is seldom needed. */
    ih_link_notice_fn *notice; /* (L) */
    struct ih_link_end *mail_next;
    uint8_t id_size; /* the routing id of this end's socket, for the other one */
    uint8_t id[255];
};

/* Owner: its two ends and every mail it is in, by refs. */
struct ih_link {
    struct ih_lock lock;
    atomic_uint refs;
    struct ih_link_end end[2];
};

struct ih_link *ih_link_new(void);
void ih_link_hold(struct ih_link *link);
void ih_link_release(struct ih_link *link);

static inline struct ih_link_end *ih_link_peer(struct ih_link_end *end)
{
    return end == &end->link->end[0] ? &end->link->end[1] : &end->link->end[0];
}

/* Puts a socket behind an end. */
void ih_link_occupy(struct ih_link_end *end, struct ih_socket *socket, ih_link_notice_fn *notice, void *owner);

/* Moves whole messages to the other end and notifies it. -EPIPE if the other end is closed (messages are dropped). */
int ih_link_send(struct ih_link_end *end, struct ih_queue *messages, size_t count);

/* True if the other end has room for another message; else it will send a notice when it has. */
bool ih_link_room(struct ih_link_end *end);

/* Moves everything that waits at this end to the end of queue; acknowledges what was read before. Returns the number of
 * messages. *closed: the other end has closed and nothing more will come. */
size_t ih_link_receive(struct ih_link_end *end, struct ih_queue *queue, bool *closed);

/* What was read at this end (end->taken) gives the writer room. */
void ih_link_acknowledge(struct ih_link_end *end);

/* Closes this end: the other one gets a notice; what was sent before is still read there. */
void ih_link_close(struct ih_link_end *end);

/* Makes an end post a notice to the other end's socket. */
void ih_link_notify(struct ih_link_end *end);

/* Both sockets are known: sets the limits, the sum of the writer's and the reader's high-water mark each way. */
void ih_link_set_limits(struct ih_link *link);

/* Drops the mail of a socket that is about to go. Lock held. */
void ih_mail_drop(struct ih_socket *socket);

/* Takes the socket's mail and hands each notice to its end. Lock held. */
void ih_mail_take(struct ih_socket *socket);

/* --- names ------------------------------------------------------------------------------------------------------ */

/* Who is behind a name: a socket that zmq_bind put there, or a monitor. offer is called with the registry's lock held, on
 * the connecting side's thread: it occupies end[1] and leaves a notice. */
struct ih_inproc_name {
    struct ih_list node;
    struct ih_socket *socket; /* bound socket, or the monitored one */
    void (*offer)(struct ih_inproc_name *name, struct ih_link *link);
    void *owner;
    uint8_t id_size; /* the bound socket's routing id and limits, when it was bound */
    uint8_t id[255];
    int hwm_in, hwm_out;
    char name[];
};

/* Owner: the context. */
struct ih_inproc {
    struct ih_lock lock;
    struct ih_list names;   /* struct ih_inproc_name */
    struct ih_list waiting; /* links to names that nobody is behind yet */
};

void ih_inproc_init(struct ih_inproc *inproc);
void ih_inproc_fini(struct ih_inproc *inproc);

/* Puts a name up and offers it the links that wait for it. -EADDRINUSE, -ENOMEM. */
int ih_inproc_bind(struct ih_inproc *inproc, const char *name, struct ih_socket *socket,
                   void (*offer)(struct ih_inproc_name *name, struct ih_link *link), void *owner,
                   struct ih_inproc_name **result);
/* True if somebody is behind the name. */
bool ih_inproc_bound(struct ih_inproc *inproc, const char *name);

/* Takes it down. */
void ih_inproc_unbind(struct ih_inproc *inproc, struct ih_inproc_name *name);

/* Offers link's end[1] to the name; if nobody is behind it, the link waits there until somebody is (if wait) or
 * -ECONNREFUSED is returned. -ENOMEM. On success the reference of end[1] has gone with it. */
int ih_inproc_connect(struct ih_inproc *inproc, const char *name, struct ih_link *link, bool wait);

/* Forgets a link that waits, for its connecting end is about to be closed; but what was sent over it goes to whoever binds
 * the name, as in libzmq. */
void ih_inproc_forget(struct ih_inproc *inproc, struct ih_link *link);

/* The carrier of inproc pipes. */
extern const struct ih_carrier_ops ih_link_carrier;

/* A pipe on an end of a link: attached to the end's socket. Lock of the socket held. -ENOMEM: there is none, and the end
 * is as before; it may be tried again. Another -errno: refused, and the end is closed. */
int ih_link_pipe(struct ih_socket *socket, struct ih_link_end *end);

#endif
