/* SPDX-License-Identifier: ISC */
/* A socket: the lock, the pipes, the endpoints and connections, and the events that drive them.
 *
 * Threads: any thread may call any ih_socket_ function that says so; the socket's lock makes them one after the other.
 * Whoever has something to wait for drives the socket (core/driver.h); its I/O thread stands in when nobody does. */
#ifndef IH_CORE_SOCKET_H
#define IH_CORE_SOCKET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/list.h"
#include "base/message.h"
#include "core/option.h"
#include "platform/lock.h"

struct ih_ctx;
struct ih_io;
struct ih_link_end;
struct ih_monitor;
struct ih_pattern_ops;
struct ih_pipe;
struct ih_queue;
struct ih_security;

/* Who looks at the socket's epoll set (core/driver.c changes it, always under the socket's lock). */
enum ih_io_state {
    IH_IO_NONE,    /* no descriptor of a transport in the set yet: no I/O thread knows the socket */
    IH_IO_ARMED,   /* readiness wakes the I/O thread */
    IH_IO_RESTING, /* the I/O thread saw a caller at work and looks again within a millisecond */
    IH_IO_PARKED,  /* a caller has been blocked in the set for longer: it arms the socket again when it leaves */
};

/* Lives in type-stable memory (core/handle.c): the lock and the tag stay valid for ever, so that a stale or closed
 * handle is recognised without harm. All else is guarded by `lock` unless it says otherwise, and lives from
 * ih_socket_open until the last reference is gone after ih_socket_close. */
struct ih_socket {
    struct ih_lock lock;
    _Atomic uint32_t tag;      /* IH_SOCKET_TAG while the handle is open */
    _Atomic uint32_t fork_gen; /* the process that opened it (core/fork.h) */
    atomic_uint refs;          /* the open handle, the I/O thread, link ends, waits in progress */

    struct ih_ctx *ctx;
    struct ih_list node; /* ctx->sockets, guarded by the context's lock */
    const struct ih_pattern_ops *pattern;
    void *pattern_state;
    struct ih_options opt;
    struct ih_security *security;
    struct ih_list pipes; /* struct ih_pipe */
    size_t ended_pipes;   /* pipes that ih_pipe_reap may free */
    uint32_t next_id;     /* for routing ids that peers did not choose */

    struct ih_list endpoints; /* struct ih_endpoint: listeners and connecters */
    struct ih_list conns;     /* struct ih_conn; the half-open ones are the last, by age */
    unsigned half_open;       /* accepted connections before READY */
    char *last_endpoint;      /* ZMQ_LAST_ENDPOINT, or NULL */
    struct ih_monitor *monitor;

    /* Events. */
    int epfd;                 /* the set: connections, listeners, wakefd, timerfd; -1 until the first of a transport */
    atomic_int wakefd;        /* eventfd in epfd, edge-triggered: "look again"; -1 until then. Read without the lock */
    int timerfd;              /* in epfd; -1 until the first timer */
    atomic_int notifyfd;      /* ZMQ_FD: eventfd for the application's own loop; -1 until asked for */
    bool reporting;           /* ZMQ_EVENTS is being found out: its result tells what notifyfd would */
    int reported;             /* the last ZMQ_EVENTS that the application read */
    bool extended;            /* bound or connected since: notifyfd tells, whether or not ZMQ_EVENTS changes */
    uint64_t timer_armed_ms;  /* what timerfd is set to, 0: nothing */
    struct ih_heap timers;    /* struct ih_timer */
    struct ih_list flush;     /* struct ih_source: with output that a flusher is to write */
    struct ih_list direct;    /* with output that the running call writes itself or hands to the flusher */
    struct ih_list resume;    /* that hold octets not decoded yet, and whose pipe has room again */
    struct ih_list graveyard; /* dead sources that a thread or a dispatch may still refer to */

    /* Driving. */
    bool driven;               /* somebody is in the set: waiting or dispatching */
    bool blocked;              /* that somebody is blocked in the system call */
    struct ih_list pollers;    /* struct ih_poller_call: zmq_poll calls that wait for this socket among others */
    struct ih_lock poll_lock;  /* changing pollers takes this one too: who brings mail walks it without the socket's */
    unsigned waiters;          /* callers that wait on wake_seq: for the driver, or for mail while there is no set */
    _Atomic uint32_t wake_seq; /* futex */
    uint32_t epoch;            /* counts drives by callers: tells the I/O thread that somebody is at work */
    bool changed;              /* something a waiting caller may wait for has happened */
    bool waited;               /* the caller has blocked since it last sent: its next send is not a burst */
    uint64_t last_write_ns;    /* end of the last direct write */
    bool mail_ends_sleep;      /* what ended the last sleep of a caller was mail */
    unsigned unasked;          /* rounds of driving without epoll_wait */
    unsigned streak;           /* direct writes in quick succession */
    bool enough;               /* something in `direct` is worth a write of its own */
    bool sustained;            /* the burst goes on: callers write, the I/O thread only what they leave behind */
    bool left;                 /* a burst was left to the I/O thread, which has not looked yet */
    bool watched;              /* in io->bursts */
    uint32_t writes;           /* counts writes by callers */
    struct ih_io *io;
    enum ih_io_state io_state;
    struct ih_list io_rest;  /* io->resting; the I/O thread's alone, as are the next four */
    struct ih_list io_burst; /* io->bursts */
    uint32_t io_writes;      /* `writes` when it looked last, or was kicked for a burst */
    unsigned io_idle;        /* looks that found nothing to write */
    unsigned io_put_off;     /* looks that left the writing to callers */
    bool io_flushing;        /* it writes what callers have left: one batch, for the burst may go on */
    uint32_t io_epoch;       /* the epoch that the I/O thread saw last */
    bool io_queued;          /* in io->work; guarded by io->lock, as is io_next */
    struct ih_socket *io_next;

    /* Notices from inproc peers. */
    _Atomic(struct ih_link_end *) mail;
    atomic_bool asleep; /* a caller is about to block: wake it for mail */

    /* State. */
    bool want_props;              /* the running receive wants metadata on its message */
    struct ih_props *spare_props; /* ... and brought a reference to some, of which it may be; or NULL */
    bool rcvmore;                 /* ZMQ_RCVMORE */
    bool terminated;              /* ETERM for everything but close */
    bool closed;                  /* zmq_close was called: lingering */
    bool finished;                /* nothing is left to linger for */
    bool linger_expired;
    struct ih_timer linger_timer;
    unsigned users; /* API calls that are waiting inside */
};

#define IH_SOCKET_TAG 0x49485353u

/* --- for the API: any thread ----------------------------------------------------------------------------------- */

/* A new socket. -EINVAL, -ETERM, -EMFILE, -ENOMEM. */
int ih_socket_open(struct ih_ctx *ctx, int type, struct ih_socket **result);

/* Starts a call on a handle, which may be any pointer: finds the socket and takes its lock (ih_socket_leave ends the call).
 * -ENOTSOCK, -ETERM, -EINTR (in a forked child). */
int ih_socket_begin(void *handle, struct ih_socket **result);

/* zmq_close: never blocks; what lingers is left to the I/O thread. -ENOTSOCK. */
int ih_socket_close(void *handle);

/* --- with the socket's lock held, dropped while waiting -------------------------------------------------------- */

/* zmq_msg_send and zmq_msg_recv. A frame that is sent may be lent (IH_MSG_LENT) if the pattern borrows; -ENOBUFS: give it
 * memory of its own, without the lock, and try again. flags ZMQ_DONTWAIT, ZMQ_SNDMORE. props: the message is to carry
 * its metadata. */
int ih_socket_send(struct ih_socket *socket, struct ih_msg *msg, int flags);
/* *spare: the metadata of an earlier message, or NULL; its reference is used if the next message has the same, and *spare
 * is NULL then. */
int ih_socket_recv(struct ih_socket *socket, struct ih_msg *msg, int flags, bool props, struct ih_props **spare);
/* zmq_sendiov: each of the frames is sent with flags, the last one without ZMQ_SNDMORE. Those of one message are sent with
 * nobody else's between them. What was not sent stays in frames. */
int ih_socket_send_frames(struct ih_socket *socket, struct ih_queue *frames, int flags);
/* zmq_recviov: the frames of one message, at most room, with nobody else receiving any of them. Also if it fails there may
 * be some. */
int ih_socket_recv_frames(struct ih_socket *socket, struct ih_queue *frames, size_t room, int flags);

int ih_socket_bind(struct ih_socket *socket, const char *uri);
int ih_socket_connect(struct ih_socket *socket, const char *uri);
/* zmq_unbind (listener) and zmq_disconnect. -ENOENT. */
int ih_socket_detach(struct ih_socket *socket, const char *uri, bool listener);

int ih_socket_set(struct ih_socket *socket, int option, const void *value, size_t size);
int ih_socket_get(struct ih_socket *socket, int option, void *value, size_t *size);
/* zmq_getsockopt ZMQ_TYPE in a forked child: the one thing that may be read there. -ENOTSOCK, -EINTR. */
int ih_socket_get_forked(void *handle, int option, void *value, size_t *size);

/* ZMQ_EVENTS: ZMQ_POLLIN and ZMQ_POLLOUT; handles what is ready first. */
int ih_socket_events(struct ih_socket *socket);
/* The same of what is known already. */
int ih_socket_ready(struct ih_socket *socket);

/* zmq_socket_monitor; uri NULL stops. */
int ih_socket_monitor(struct ih_socket *socket, const char *uri, int events);

/* --- for the rest of core, patterns and transports ------------------------------------------------------------- */

/* A routing id for a peer that announced none: 5 octets, the first 0 (RFC 28: reserved for implementations). */
void ih_socket_make_id(struct ih_socket *socket, uint8_t id[5]);

/* Notes that something happened that callers may wait for; they are woken when the lock is released. Lock held. */
static inline void ih_socket_changed(struct ih_socket *socket)
{
    socket->changed = true;
}

#endif
