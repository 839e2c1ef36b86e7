/* SPDX-License-Identifier: ISC */
/* A pipe: what a pattern sees of one peer. Frames from the peer come out, frames to the peer go in.
 *
 * Behind a pipe stands a carrier: a byte-stream connection (tcp, ipc), an inproc link, or, between a zmq_connect and
 * the connection, nothing yet. Everything here is called with the lock of the pipe's socket held; nothing blocks. */
#ifndef IH_CORE_PIPE_H
#define IH_CORE_PIPE_H

#include "base/list.h"
#include "base/props.h"
#include "base/queue.h"

struct ih_pipe;
struct ih_socket;

/* Lock of the pipe's socket held for every slot. Pattern code is on the stack: a slot may end its own pipe (the pattern
 * is told later), but no other one, and delivers nothing unless it is fetch. */
struct ih_carrier_ops {
    /* A whole message was appended to pipe->out (kind DATA or a command). The carrier takes it when it can, with
     * ih_pipe_take: `out` may end in a message that is not whole yet, which is not for it to take. */
    void (*wrote)(struct ih_pipe *pipe);
    /* Moves a whole message of one frame to the peer at once, past pipe->out, which is empty; msg becomes an empty frame.
     * -ENOMEM, msg untouched. NULL: messages go by pipe->out. Not with ZMQ_CONFLATE. */
    int (*put)(struct ih_pipe *pipe, struct ih_msg *msg);
    /* A message of one frame whose memory is lent (IH_MSG_LENT), pipe->out being empty: takes it as it is and counts it in
     * out_messages, or returns false. Nothing in pipe->out is older than what was taken so. NULL: takes none. */
    bool (*borrow)(struct ih_pipe *pipe, const struct ih_msg *msg);
    /* pipe->stalled was set, and pipe->in has fallen to half its limit or run empty: the carrier may deliver again
     * (later: pattern code is on the stack). stalled is false again. */
    void (*drained)(struct ih_pipe *pipe);
    /* A whole message, or a command, was read; must not end the pipe. NULL: of no interest. */
    void (*taken)(struct ih_pipe *pipe);
    /* May the pattern append another message? NULL: only pipe->out's own limit counts. */
    bool (*room)(struct ih_pipe *pipe);
    /* Deliver (ih_pipe_deliver) what the carrier holds ready (inproc), called when nothing can be read; the pattern is
     * not told, since it is the one that asks. May end the pipe. NULL: the carrier delivers by itself. */
    void (*fetch)(struct ih_pipe *pipe);
    /* The pattern or the socket gives the pipe up, which is `ended` already. With linger, what is in pipe->out is still
     * to be sent. The carrier calls ih_pipe_end, here or when it is done with that, and then forgets the pipe. Not
     * called again by ih_pipe_free for a carrier that lingers, unless it is to stop (linger false). */
    void (*close)(struct ih_pipe *pipe, bool linger);
};

/* Owner: its socket (socket->pipes). Guarded by the socket's lock. Lives from attach until both the carrier has let go
 * and the pattern has read what was delivered (or the socket was closed). */
struct ih_pipe {
    struct ih_list node; /* socket->pipes */
    struct ih_socket *socket;
    const struct ih_carrier_ops *ops; /* NULL: no carrier at the moment */
    void *carrier;

    struct ih_queue in;  /* from the peer; the last message may be unfinished */
    size_t in_messages;  /* whole messages in `in` */
    size_t in_octets;    /* in `in` */
    size_t in_limit;     /* ZMQ_RCVHWM, 0: none */
    int64_t max_frame;   /* ZMQ_MAXMSGSIZE of the connection, -1: none */
    size_t in_part;      /* octets that an unfinished message at the end of `in` takes */
    struct ih_queue out; /* to the peer */
    size_t out_messages; /* whole messages in `out`, and those that `borrow` took and no writer has taken yet */
    size_t out_limit;    /* ZMQ_SNDHWM, 0: none */

    struct ih_props *props; /* metadata for the messages read, held; NULL for inproc */
    unsigned props_credit;  /* further references, for messages to come */
    uint8_t *peer_id;       /* the peer's announced routing id (Identity), NULL if it sent none */
    uint8_t peer_id_size;

    bool attached;   /* the pattern knows it */
    bool connecting; /* belongs to a zmq_connect: stays across reconnections unless ZMQ_IMMEDIATE */
    bool fresh;      /* connecting, and no connection has stood yet: what is sent waits for the first */
    bool up;         /* a connection stands: from ih_pipe_connected to hiccup or end */
    bool ended;      /* the peer is gone for good; what is in `in` may still be read */
    bool in_open;    /* the pattern is between the frames of a message it reads */
    bool out_open;   /* the pattern is between the frames of a message it writes */
    bool ask_room;   /* ops->room has a say */
    bool was_full;   /* a write was refused: tell the pattern when there is room */
    bool stalled;    /* the carrier may have stopped delivering: call drained. Set when `in` reaches its
                                      * limit, and by a carrier that wants to know for reasons of its own */
    bool fetching;   /* within ops->fetch */
    uint8_t calling; /* slots of ops being called for the pattern, which is then on the stack */
    bool untold;     /* the pattern had no memory for what is due when a connection stands: the carrier makes
                                      * it anew */
    bool reapable;   /* counted in socket->ended_pipes, and at the head of socket->pipes */
    bool paced;      /* the peer waits when it may not send: `in` is kept short */
    bool conflate;   /* ZMQ_CONFLATE: only the newest frame is kept, both ways */

    /* The pattern's own; zeroed before attach. */
    struct ih_list fair; /* fair-queue or distribution list */
    struct ih_list load; /* load-balancing list */
    bool mark;           /* scratch, e.g. "already matched" */
    void *data;          /* freed by the pattern in detach */
};

/* --- for patterns ---------------------------------------------------------------------------------------------- */

/* True if a whole message, or the rest of one begun, can be read. */
bool ih_pipe_can_read(struct ih_pipe *pipe);

/* Moves the next frame to msg (overwritten). Attaches the connection's metadata. 0 or -EAGAIN. When the last message of
 * an ended pipe is read, the pipe is not freed before ih_pipe_reap, which the core calls after the API call. */
int ih_pipe_read(struct ih_pipe *pipe, struct ih_msg *msg);

/* The next frame without taking it, or NULL. */
struct ih_msg *ih_pipe_peek(struct ih_pipe *pipe);

/* Reads and drops all that can be read: for patterns that never receive. */
void ih_pipe_discard(struct ih_pipe *pipe);

/* True if a message may be begun (or the one begun may go on). False: the pattern is told by `writable` when it may, and
 * need not ask before. */
bool ih_pipe_can_write(struct ih_pipe *pipe);

/* Moves msg to the peer; msg becomes an empty frame. -EAGAIN at the limit, only ever for a message's first frame;
 * -ENOMEM. -ENOBUFS: msg is lent (IH_MSG_LENT) and must be made its own (ih_msg_own) first, which had better be done
 * without the lock. Frames to a peer that is gone are swallowed (0). */
int ih_pipe_write(struct ih_pipe *pipe, struct ih_msg *msg);

/* As ih_pipe_write without regard to the limit, for a command or a message of one frame: subscriptions, greetings by the
 * pattern, and the like. It goes before a message that is not whole yet. */
int ih_pipe_force(struct ih_pipe *pipe, struct ih_msg *msg);

/* Drops the frames of an unfinished outgoing message. */
void ih_pipe_unwind(struct ih_pipe *pipe);

/* Puts a whole message of one frame behind what the peer has sent, as if it had sent that too. -ENOMEM. */
int ih_pipe_feed(struct ih_pipe *pipe, struct ih_msg *msg);

/* The pattern does not want this peer any more: what it sent is dropped, what was sent to it lingers, and the pattern is
 * told by detach, soon. (Within attach, return -EAGAIN instead.) */
void ih_pipe_refuse(struct ih_pipe *pipe);

/* --- for carriers ---------------------------------------------------------------------------------------------- */

/* A pipe for a peer of the socket, limits from the socket's options; not yet known to the pattern. NULL: no memory. */
struct ih_pipe *ih_pipe_new(struct ih_socket *socket);

/* Sets the metadata for the messages read; takes over the caller's reference. */
void ih_pipe_set_props(struct ih_pipe *pipe, struct ih_props *props);

/* Makes the pipe known to the pattern. A negative errno if the pattern refuses it. */
int ih_pipe_attach(struct ih_pipe *pipe);

/* Moves frames into pipe->in, in O(1) if there is no command among them (those for the pattern are handed to it), and
 * tells the pattern. frames is empty afterwards. -ENOMEM: some were dropped; -EMSGSIZE: a message grows without an end
 * (zmq_setsockopt(3), ZMQ_MAXMSGSIZE): the carrier should end the pipe. */
int ih_pipe_deliver(struct ih_pipe *pipe, struct ih_queue *frames);

/* The same, but what failed and all behind it stay in frames, to be delivered later. */
int ih_pipe_deliver_some(struct ih_pipe *pipe, struct ih_queue *frames);

enum { IH_PIPE_FRAMES = 16 }; /* to a message, on average: those in `in` count as more messages if there are more */

/* More octets than that, and a tenth of its limit in messages, are enough for a queue: further ones would leave the
 * processor's cache before they are used. */
enum { IH_PIPE_OCTETS = 2 << 20 };

/* True if the carrier should stop delivering until ops->drained. */
static inline bool ih_pipe_full(const struct ih_pipe *pipe)
{
    bool enough = pipe->paced && pipe->in_octets >= IH_PIPE_OCTETS;
    size_t limit = enough && pipe->in_limit ? pipe->in_limit / 10 + 1 : pipe->in_limit;

    if (!limit || pipe->in.count < limit || pipe->conflate)
        return false;
    return pipe->in_messages >= limit || (pipe->in_messages && pipe->in.count / IH_PIPE_FRAMES >= limit);
}

/* Moves the whole messages in pipe->out to the end of frames and tells a pattern that waits for room; how many they are.
 * In O(1) unless the pattern is in the middle of a message (out_open). */
size_t ih_pipe_take(struct ih_pipe *pipe, struct ih_queue *frames);

/* The carrier took whole messages from pipe->out itself, has set out_messages to what remains, or has room again: tells a
 * pattern that waits for room. */
void ih_pipe_took(struct ih_pipe *pipe);

/* A connection stands (again): the pattern sends what each new connection needs (subscriptions, probe). */
void ih_pipe_connected(struct ih_pipe *pipe);

/* The connection is lost, the pipe stays for the next one (connecting pipes): drops the unfinished incoming message, and
 * the commands in pipe->out, which ih_pipe_connected makes anew. */
void ih_pipe_hiccup(struct ih_pipe *pipe);

/* The peer is gone for good: the pattern learns it when it has read what is left, at once if there is nothing. ops is
 * cleared, what is in pipe->out is dropped. The pipe itself stays until ih_pipe_reap. */
void ih_pipe_end(struct ih_pipe *pipe);

/* The socket gives the peer up (zmq_disconnect, zmq_close), as ih_pipe_refuse does; linger: what is in pipe->out is still
 * sent. The carrier is told. */
void ih_pipe_close(struct ih_pipe *pipe, bool linger);

/* Detaches and frees ended pipes of the socket that are read empty. Called by the core when no pattern code is on the
 * stack and socket->ended_pipes is not 0. */
void ih_pipe_reap(struct ih_socket *socket);

/* Closes and frees at once, queues and all; the pattern is told if it knew it. */
void ih_pipe_free(struct ih_pipe *pipe);

#endif
