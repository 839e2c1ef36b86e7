/* SPDX-License-Identifier: ISC */
/* Driving a socket: who waits for its events and handles them.
 *
 *   caller waits (recv, send, poll)          I/O thread
 *   -------------------------------          ----------
 *   driven = true, blocked = true            ARMED: the set is in its own set, one-shot
 *   epoll_wait, handle, driven = false       fires -> caller at work? -> RESTING, looks again after 1 ms:
 *   PARKED? -> arms the socket again                    caller blocked in the set -> PARKED
 *                                                       caller was here since     -> RESTING
 *                                                       nobody                    -> ARMED (pending events fire)
 *                                                -> nobody -> drives a round itself, ARMED
 *
 * One driver at a time; other callers wait on wake_seq and one of them takes over. Everything is decided under the
 * socket's lock; `docs/architecture.md` has the table of who changes which state. */
#ifndef IH_CORE_DRIVER_H
#define IH_CORE_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/trash.h"
#include "core/socket.h"

/* Waits until something happened that the caller may have waited for, at most timeout_ms (-1: for ever, 0: only handles
 * what is ready). Lock held on entry and exit, dropped in between. 0 (look again; the time may be over), -EAGAIN (0 was given
 * and somebody else drives), -EINTR. */
int ih_driver_wait(struct ih_socket *socket, int timeout_ms);

/* Makes the socket's set, before the first descriptor or deadline goes into it. Callers that sleep for mail until then
 * are woken, so that one of them waits in the set. Lock held. -EMFILE and the like. */
int ih_driver_need_set(struct ih_socket *socket);

/* The I/O thread's turn: drives until nothing is ready. False if a caller is at work. Lock held. */
bool ih_driver_stand_in(struct ih_socket *socket);

/* Takes and releases the lock. Leaving it wakes whom ih_socket_changed concerns, buries what died, finishes a closed
 * socket, and then empties the thread's trash: the application's free functions may call us back. */
static inline void ih_socket_enter(struct ih_socket *socket)
{
    ih_lock_enter(&socket->lock);
}

void ih_socket_leave_slow(struct ih_socket *socket);

static inline void ih_socket_leave(struct ih_socket *socket)
{
    if (socket->changed || socket->ended_pipes || socket->closed || !ih_list_empty(&socket->direct) ||
        !ih_list_empty(&socket->graveyard))
        ih_socket_leave_slow(socket);
    else
        ih_lock_leave(&socket->lock);
    ih_trash_empty();
}

/* Writes what the running call has queued, or leaves it to later calls and the I/O thread. Lock held, dropped while
 * writing. */
void ih_driver_flush_direct_slow(struct ih_socket *socket);

static inline void ih_driver_flush_direct(struct ih_socket *socket)
{
    if (!ih_list_empty(&socket->direct))
        ih_driver_flush_direct_slow(socket);
}

/* Leaves what is queued to the I/O thread, which must be kicked. Lock held. */
void ih_driver_leave_output(struct ih_socket *socket);

/* Writes what was left to the I/O thread so far. */
void ih_driver_flush_once(struct ih_socket *socket);

/* A closed socket with nothing left to linger for, and nobody inside. Lock held. */
bool ih_socket_idle(const struct ih_socket *socket);
/* Its end; leaves the lock. */
void ih_socket_finish(struct ih_socket *socket);

/* True if mail for the socket must wake somebody. No lock. */
static inline bool ih_socket_sleeps(struct ih_socket *socket)
{
    return atomic_load(&socket->asleep);
}

/* Tells everybody who waits elsewhere that something has changed. Lock held. */
void ih_socket_announce(struct ih_socket *socket);

/* There is mail: wakes who sleeps for the socket, and the application's own loop (ZMQ_FD). No lock needed. */
void ih_socket_wake(struct ih_socket *socket);

void ih_socket_hold(struct ih_socket *socket);
/* For who has no reference yet, only the list: false if the last one is gone. */
bool ih_socket_try_hold(struct ih_socket *socket);
void ih_socket_release(struct ih_socket *socket);

/* A caller that waits for several sockets at once. Owner: its call of zmq_poll; in socket->pollers, which is changed under
 * the socket's lock and its poll_lock and read under either. */
struct ih_poller_call {
    struct ih_list node;
    int wakeup; /* raised when something has changed; the caller's own */
};

/* zmq_poll: a caller is about to wait on its wakeup and on socket->epfd, if there is one, or has come back. Lock held. */
void ih_driver_poller_in(struct ih_socket *socket, struct ih_poller_call *call);
void ih_driver_poller_out(struct ih_socket *socket, struct ih_poller_call *call);

#endif
