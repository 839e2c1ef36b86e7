/* SPDX-License-Identifier: ISC */
/* A connection's traffic: reading and decoding, encoding and writing.
 *
 * Both run without the socket's lock, one reader and one writer at a time (conn->reading, conn->writing); frames are
 * spliced out of and into the pipe under it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "core/context.h"
#include "core/driver.h"
#include "core/event.h"
#include "core/pattern.h"
#include "core/socket.h"
#include "platform/poller.h"
#include "transport/stream.h"

enum {
    RAW_CHUNK = 8192,      /* octets in one message of a raw socket at most, as libzmq's STREAM */
    ENOUGH_MESSAGES = 448, /* worth a write of their own */
    ENOUGH_OCTETS = 49152,
    PACE_OCTETS = 2 << 20,
    BESIDE = 4096, /* read behind the body of a large frame, for what follows is copied if it is another one */
    LARGE_BODY = 16384,
    TURN_OCTETS = 128 << 10, /* enough for one reader's turn */
    ROUNDS = 16, /* batches that an application's thread writes before it leaves the rest to the I/O thread */
};

/* --- receiving ------------------------------------------------------------------------------------------------- */

/* One reader's turn. */
struct turn {
    size_t max; /* frames to deliver at most; what is left of the input is kept */
    struct ih_queue frames;
    bool alive; /* octets came */
    bool full;  /* and there may be more of them */
    size_t octets;
};

/* Keeps octets that are not decoded yet. */
static int keep(struct stream_conn *conn, const uint8_t *data, size_t size)
{
    uint8_t *rx = NULL;

    if (size) {
        rx = malloc(size);
        if (!rx)
            return -ENOMEM;
        memcpy(rx, data, size);
    }
    free(conn->rx);
    conn->rx = rx;
    conn->rx_start = 0;
    conn->rx_end = size;
    return 0;
}

static int decode_raw(const uint8_t *data, size_t size, struct turn *turn)
{
    while (size) {
        size_t part = size < RAW_CHUNK ? size : RAW_CHUNK;
        struct ih_msg msg;
        int rc = ih_msg_init_copy(&msg, data, part);

        if (rc == 0)
            rc = ih_queue_push(&turn->frames, &msg);
        ih_msg_close(&msg);
        if (rc < 0)
            return rc;
        data += part;
        size -= part;
    }
    return 0;
}

/* Decodes as many frames as there is room for; *used octets are done with. */
static int decode(struct stream_conn *conn, const uint8_t *data, size_t size, size_t *used, struct turn *turn)
{
    if (!conn->zmtp) {
        *used = size;
        return decode_raw(data, size, turn);
    }
    *used = 0;
    if (turn->frames.count >= turn->max)
        return 0;
    return ih_zmtp_decode(conn->zmtp, data, size, used, &turn->frames, turn->max - turn->frames.count);
}

/* What was kept comes first. True if all of it is decoded but for the beginning of a frame. */
static int decode_kept(struct stream_conn *conn, struct turn *turn, bool *done)
{
    size_t used;
    int rc;

    *done = true;
    if (!conn->rx)
        return 0;
    rc = decode(conn, conn->rx + conn->rx_start, conn->rx_end - conn->rx_start, &used, turn);
    conn->rx_start += used;
    if (conn->rx_start == conn->rx_end) {
        free(conn->rx);
        conn->rx = NULL;
    }
    *done = turn->frames.count < turn->max;
    return rc;
}

/* Reads into the body of a large frame and the buffer behind it, or behind the beginning of a frame in the buffer. */
static int read_some(struct stream_conn *conn, uint8_t *buf, struct turn *turn)
{
    size_t carry = conn->rx ? conn->rx_end - conn->rx_start : 0, room = 0, used, size;
    uint8_t *body = conn->zmtp ? ih_zmtp_body(conn->zmtp, &room) : NULL;
    struct iovec iov[2] = {{body, room}, {buf + carry, IH_RX_SIZE - carry}};
    ssize_t got;
    int rc = 0;

    if (body && room >= LARGE_BODY)
        iov[1].iov_len = BESIDE;
    if (carry)
        memcpy(buf, conn->rx + conn->rx_start, carry);
    got = ih_net_readv(conn->base.source.fd, body ? iov : iov + 1, body ? 2 : 1);
    if (got <= 0)
        return got == -EAGAIN ? 0 : got == 0 ? -EPIPE : (int)got;
    size = (size_t)got;
    turn->alive = true;
    turn->full = size == (body ? room : 0) + iov[1].iov_len;
    turn->octets += size;
    if (body) {
        size_t filled = size < room ? size : room;

        rc = ih_zmtp_body_filled(conn->zmtp, filled, &turn->frames);
        size -= filled;
    }
    size += carry;
    used = 0;
    if (rc == 0 && size)
        rc = decode(conn, buf, size, &used, turn);
    if (rc == 0)
        rc = keep(conn, buf + used, size - used);
    return rc;
}

/* Without the lock. */
static int pull(struct stream_conn *conn, bool readable, struct turn *turn)
{
    struct ih_pool *pool = &conn->base.source.socket->ctx->rx_pool;
    uint8_t *buf;
    bool done;
    int rc = decode_kept(conn, turn, &done);

    if (rc < 0 || !done || !readable)
        return rc;
    buf = ih_pool_take(pool);
    if (!buf)
        return -ENOMEM;
    do {
        turn->full = false;
        rc = read_some(conn, buf, turn);
    } while (rc == 0 && turn->full && turn->octets < TURN_OCTETS && turn->frames.count < turn->max);
    ih_pool_give(pool, buf);
    return rc;
}

/* Takes PING and PONG out of the frames. Lock held. */
static void take_heartbeats(struct stream_conn *conn, struct ih_queue *frames)
{
    struct ih_queue kept;
    struct ih_msg msg;
    bool found = false;

    for (const struct ih_chunk *chunk = frames->first; chunk && !found; chunk = chunk->next)
        for (uint32_t i = chunk->head; i < chunk->tail && !found; i++)
            found = chunk->msgs[i].kind >= IH_MSG_PING;
    if (!found)
        return;
    ih_queue_init(&kept);
    while (conn->state == STREAM_ACTIVE && ih_queue_pop(frames, &msg)) {
        if (msg.kind >= IH_MSG_PING)
            stream_heartbeat_command(conn, &msg);
        else if (ih_queue_push(&kept, &msg) < 0)
            stream_conn_fail(conn, -ENOMEM); /* a message must not lose a frame */
        ih_msg_close(&msg);
    }
    ih_queue_clear(frames);
    ih_queue_splice(frames, &kept);
}

static void deliver(struct stream_conn *conn, struct turn *turn)
{
    int rc;

    if (turn->alive)
        stream_heartbeat_alive(conn);
    take_heartbeats(conn, &turn->frames);
    if (conn->state != STREAM_ACTIVE) {
        ih_queue_clear(&turn->frames);
        return;
    }
    if (ih_queue_empty(&turn->frames)) {
        ih_queue_clear(&turn->frames);
        return;
    }
    rc = ih_pipe_deliver(conn->pipe, &turn->frames);
    if (rc < 0)
        stream_conn_fail(conn, rc);
    else if (conn->state == STREAM_ACTIVE && ih_pipe_full(conn->pipe))
        conn->paused = true;
}

void stream_receive(struct stream_conn *conn, bool readable)
{
    struct ih_socket *socket = conn->base.source.socket;
    struct ih_pipe *pipe = conn->pipe;
    struct turn turn = {.max = SIZE_MAX};
    bool more;
    int rc;

    if (conn->reading)
        return;
    if (ih_pipe_full(pipe)) {
        conn->paused = true;
        pipe->stalled = true;
        stream_conn_watch(conn);
        return;
    }
    if (pipe->in_limit && !pipe->conflate)
        turn.max = pipe->in_limit - pipe->in_messages;
    ih_queue_init(&turn.frames);
    conn->reading = true;
    conn->base.source.busy++;
    socket->users++;
    ih_lock_leave(&socket->lock);
    rc = pull(conn, readable, &turn);
    ih_lock_enter(&socket->lock);
    socket->users--;
    conn->base.source.busy--;
    conn->reading = false;
    if (conn->state != STREAM_ACTIVE) {
        ih_queue_clear(&turn.frames);
        return;
    }
    more = turn.frames.count >= turn.max;
    conn->paused = false;
    deliver(conn, &turn);
    if (conn->state != STREAM_ACTIVE)
        return;
    if (rc < 0) {
        stream_conn_fail(conn, rc);
        return;
    }
    if (more && !conn->paused) /* many frames, few messages: there is room left */
        ih_source_resume(&conn->base.source);
    stream_conn_watch(conn);
}

/* --- sending --------------------------------------------------------------------------------------------------- */

bool stream_has_output(const struct stream_conn *conn)
{
    return conn->writing || conn->batch || !ih_queue_empty(&conn->tx) || (conn->pipe && conn->pipe->out_messages);
}

/* A write of its own is worth while, or the sender would have to wait soon. */
static bool is_enough(const struct stream_conn *conn, const struct ih_pipe *pipe)
{
    return pipe->out_messages >= ENOUGH_MESSAGES || conn->pending >= ENOUGH_OCTETS ||
           (pipe->out_limit && pipe->out_messages >= pipe->out_limit / 2);
}

void stream_wrote(struct stream_conn *conn)
{
    struct ih_pipe *pipe = conn->pipe;
    size_t size = pipe->out.last ? ih_msg_size(&pipe->out.last->msgs[pipe->out.last->tail - 1]) : 0;

    conn->pending += size;
    if (!conn->writing && !conn->blocked)
        ih_source_output(&conn->base.source, is_enough(conn, pipe));
}

/* One more message is in the pipe, or gathered. */
static void count(struct stream_conn *conn, size_t size)
{
    conn->pipe->out_messages++;
    conn->pending += size;
    if (!conn->writing && !conn->blocked)
        ih_source_output(&conn->base.source, is_enough(conn, conn->pipe));
}

/* Encodes a small message at once. */
static bool gather(struct stream_conn *conn, const struct ih_msg *msg)
{
    if (conn->blocked || !ih_zmtp_gathers(conn->zmtp))
        return false;
    if (!conn->gather) {
        conn->gather = ih_pool_take(&conn->base.source.socket->ctx->tx_pool);
        if (!conn->gather)
            return false;
        ih_batch_init(conn->gather);
    }
    if (!ih_zmtp_gather(conn->gather, msg))
        return false;
    conn->gathered++;
    count(conn, ih_msg_size(msg));
    return true;
}

/* A large message that the running call can write, and nothing before it: from where the caller has it. It is written
 * before the lock is free for others, or not lent: ih_driver_flush_direct has no other source to write and enough. */
static bool lend(struct stream_conn *conn, const struct ih_msg *msg)
{
    struct ih_msg lent = *msg;

    if (ih_msg_size(msg) < ENOUGH_OCTETS || conn->writing || conn->blocked || conn->batch || conn->gather ||
        !ih_queue_empty(&conn->tx) || !ih_list_empty(&conn->base.source.socket->direct) ||
        ih_queue_push(&conn->pipe->out, &lent) < 0)
        return false;
    conn->lent = true;
    count(conn, ih_msg_size(msg));
    return true;
}

bool stream_borrow(struct stream_conn *conn, const struct ih_msg *msg)
{
    if (!conn->zmtp || conn->state != STREAM_ACTIVE)
        return false;
    return ih_msg_size(msg) < IH_BATCH_LARGE ? gather(conn, msg) : lend(conn, msg);
}

void stream_ungather(struct stream_conn *conn, bool kept)
{
    struct ih_pipe *pipe = conn->pipe;
    struct ih_queue frames;

    if (!conn->gather)
        return;
    ih_queue_init(&frames);
    if (kept && ih_zmtp_ungather(conn->gather, &frames) < 0)
        kept = false;
    pipe->out_messages -= conn->gathered;
    if (kept) {
        pipe->out_messages += frames.count;
        ih_queue_splice_front(&pipe->out, &frames);
    }
    ih_queue_clear(&frames);
    ih_pool_give(&conn->base.source.socket->ctx->tx_pool, conn->gather);
    conn->gather = NULL;
    conn->gathered = 0;
}

/* A queue of large messages that the peer, or the thread that writes, does not take yet is kept short enough to stay in the
 * processor's cache: the limit is then a tenth of ZMQ_SNDHWM. (zmq_setsockopt(3) leaves that open.) */
bool stream_room(const struct stream_conn *conn)
{
    const struct ih_pipe *pipe = conn->pipe;

    return (!conn->blocked && !conn->writing) || conn->pending < PACE_OCTETS || !pipe->out_limit ||
           pipe->out_messages <= pipe->out_limit / 10 || !pipe->socket->pattern->waits;
}

static int encode_raw(struct ih_queue *queue, struct ih_batch *batch)
{
    struct ih_msg *msg;

    while ((msg = ih_queue_front(queue)) && batch->iovs < IH_BATCH_IOV && batch->held_count < IH_BATCH_HELD) {
        struct ih_msg *held = &batch->held[batch->held_count++];

        (void)ih_queue_pop(queue, held);
        batch->iov[batch->iovs].iov_base = ih_msg_data(held);
        batch->iov[batch->iovs++].iov_len = ih_msg_size(held);
        batch->bytes += ih_msg_size(held);
    }
    if (!batch->bytes)
        ih_batch_clear(batch);
    return 0;
}

/* The call that lent a frame is about to end, and the peer takes no more: what is not written is copied. -ENOMEM. */
static int keep_lent(struct ih_batch *batch)
{
    for (unsigned i = 0; i < batch->held_count; i++) {
        struct ih_msg *held = &batch->held[i];
        struct iovec *iov = &batch->iov[batch->iovs - 1]; /* nothing follows it: its data is the last */
        struct ih_msg copy;

        if (!(held->flags & IH_MSG_LENT))
            continue;
        if (ih_msg_init_copy(&copy, iov->iov_base, iov->iov_len) < 0)
            return -ENOMEM;
        *held = copy;
        iov->iov_base = ih_msg_data(held);
    }
    return 0;
}

/* Without the lock: writes until the queue is empty (1), the peer takes no more (0), or an error. */
static int push(struct stream_conn *conn)
{
    for (;;) {
        struct ih_batch *batch = conn->batch;
        ssize_t written;
        int rc = 0;

        if (ih_batch_empty(batch)) {
            if (ih_queue_empty(&conn->tx))
                return 1;
            rc = conn->zmtp ? ih_zmtp_encode(conn->zmtp, &conn->tx, batch) : encode_raw(&conn->tx, batch);
            if (rc < 0)
                return rc;
            if (ih_batch_empty(batch))
                continue;
        }
        written =
            ih_net_writev(conn->base.source.fd, batch->iov + batch->first_iov, (int)(batch->iovs - batch->first_iov));
        if (written < 0)
            return written == -EAGAIN ? 0 : (int)written;
        ih_batch_written(batch, (size_t)written);
    }
}

/* Takes what waits to be written next, if it is the turn of that. */
static void take(struct stream_conn *conn)
{
    if (conn->gather && !conn->batch && ih_queue_empty(&conn->tx)) {
        ih_zmtp_gathered(conn->gather);
        conn->batch = conn->gather;
        conn->gather = NULL;
        conn->pipe->out_messages -= conn->gathered;
        conn->gathered = 0;
        ih_pipe_took(conn->pipe);
    }
    /* What was taken is no longer under the limit: not more before that is written. */
    if (conn->gather || !ih_queue_empty(&conn->tx))
        return;
    conn->pending = 0;
    (void)ih_pipe_take(conn->pipe, &conn->tx);
}

/* Writes what there is. Lock held, dropped while writing. 1: everything, 0: the peer takes no more, or an error. */
static int write_rounds(struct stream_conn *conn)
{
    struct ih_socket *socket = conn->base.source.socket;
    int rc = 1;

    for (int round = 0; rc > 0 && conn->state == STREAM_ACTIVE; round++) {
        if (!conn->batch && !conn->pipe->out_messages && ih_queue_empty(&conn->tx))
            break;
        if (round == (socket->io_flushing ? 1 : ROUNDS)) {
            ih_source_later(&conn->base.source);
            break;
        }
        conn->pipe->ask_room = true;
        take(conn);
        if (socket->changed)
            ih_socket_announce(socket);
        ih_lock_leave(&socket->lock);
        if (!conn->batch) {
            conn->batch = ih_pool_take(&socket->ctx->tx_pool);
            if (conn->batch)
                ih_batch_init(conn->batch);
        }
        rc = conn->batch ? push(conn) : -ENOMEM;
        if (rc == 0 && conn->lent)
            rc = keep_lent(conn->batch);
        conn->lent = false;
        if (conn->batch && ih_batch_empty(conn->batch)) {
            ih_pool_give(&socket->ctx->tx_pool, conn->batch);
            conn->batch = NULL;
        }
        ih_lock_enter(&socket->lock);
    }
    return rc;
}

void stream_transmit(struct stream_conn *conn)
{
    struct ih_socket *socket = conn->base.source.socket;
    bool was_blocked = conn->blocked;
    int rc;

    if (conn->writing)
        return;
    conn->writing = true;
    conn->base.source.busy++;
    socket->users++;
    rc = write_rounds(conn);
    socket->users--;
    conn->base.source.busy--;
    conn->writing = false;
    if (conn->state != STREAM_ACTIVE)
        return;
    if (rc < 0) {
        stream_conn_fail(conn, rc);
        return;
    }
    conn->blocked = rc == 0;
    conn->pipe->ask_room = conn->blocked;
    if (!conn->blocked)
        ih_pipe_took(conn->pipe); /* whom the pacing held up */
    if (conn->blocked != was_blocked)
        stream_conn_watch(conn);
    if (stream_has_output(conn))
        return;
    conn->pongs = 0;
    if (conn->connecter)
        stream_connecter_flushed(conn->connecter);
    else if (conn->lingering)
        stream_conn_close(conn, false);
}
