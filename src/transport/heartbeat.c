/* SPDX-License-Identifier: ISC */
/* Heartbeats of a connection: RFC 37, "Connection Heartbeating". */
#include <errno.h>
#include <string.h>
#include <zmq.h>

#include "base/clock.h"
#include "core/socket.h"
#include "transport/stream.h"

enum {
    CONTEXT_MAX = 16, /* octets: ping-context */
    PONGS_MAX = 16,   /* PONGs that wait to be written at most: a peer that pings without reading gets no more */
};

static uint64_t timeout_ms(const struct ih_options *opt)
{
    return (uint64_t)(opt->heartbeat_timeout < 0 ? opt->heartbeat_ivl : opt->heartbeat_timeout);
}

/* The next moment at which something has to be looked at. */
static void set_timer(struct stream_conn *conn)
{
    const struct ih_options *opt = &conn->origin->opt;
    uint64_t at = UINT64_MAX;

    if (opt->heartbeat_ivl > 0)
        at = conn->ping_at_ms;
    if (opt->heartbeat_ivl > 0 && conn->pinged && timeout_ms(opt) && conn->sent_ms + timeout_ms(opt) < at)
        at = conn->sent_ms + timeout_ms(opt);
    if (conn->ttl_ms && conn->received_ms + conn->ttl_ms < at)
        at = conn->received_ms + conn->ttl_ms;
    if (at == UINT64_MAX)
        return;
    if (ih_event_at(conn->base.source.socket, &conn->timer, at) < 0)
        stream_conn_fail(conn, -ENOMEM);
}

void stream_heartbeat_start(struct stream_conn *conn)
{
    const struct ih_options *opt = &conn->origin->opt;

    if (opt->heartbeat_ivl <= 0 || !conn->zmtp || !ih_zmtp_peer_minor(conn->zmtp))
        return;
    conn->received_ms = ih_clock_ms();
    conn->ping_at_ms = conn->received_ms + (uint64_t)opt->heartbeat_ivl;
    set_timer(conn);
}

void stream_heartbeat_alive(struct stream_conn *conn)
{
    conn->pinged = false;
    if (conn->ttl_ms)
        conn->received_ms = ih_clock_ms();
}

static int send_command(struct stream_conn *conn, enum ih_msg_kind kind, const void *data, size_t size)
{
    struct ih_msg msg;
    int rc = ih_msg_init_copy(&msg, data, size);

    if (rc < 0)
        return rc;
    msg.kind = (uint8_t)kind;
    rc = ih_pipe_force(conn->pipe, &msg);
    ih_msg_close(&msg);
    return rc;
}

static void ping(struct stream_conn *conn, uint64_t now)
{
    const struct ih_options *opt = &conn->origin->opt;
    unsigned tenths = (unsigned)opt->heartbeat_ttl / 100; /* ping-ttl: tenths of a second, network order */
    uint8_t ttl[2] = {(uint8_t)(tenths >> 8), (uint8_t)tenths};

    if (!conn->pinged)
        conn->sent_ms = now;
    conn->pinged = true;
    conn->ping_at_ms = now + (uint64_t)opt->heartbeat_ivl;
    if (!conn->blocked)
        (void)send_command(conn, IH_MSG_PING, ttl, sizeof(ttl));
}

void stream_heartbeat_fired(struct stream_conn *conn)
{
    const struct ih_options *opt = &conn->origin->opt;
    uint64_t now = ih_clock_ms();

    /* While the application does not read, neither do we: silence means nothing then. */
    if (conn->paused) {
        conn->received_ms = now;
        conn->pinged = false;
    }
    if ((conn->ttl_ms && now >= conn->received_ms + conn->ttl_ms) ||
        (conn->pinged && timeout_ms(opt) && now >= conn->sent_ms + timeout_ms(opt))) {
        stream_conn_fail(conn, -ETIMEDOUT);
        return;
    }
    if (opt->heartbeat_ivl > 0 && now >= conn->ping_at_ms)
        ping(conn, now);
    set_timer(conn);
}

void stream_heartbeat_command(struct stream_conn *conn, struct ih_msg *msg)
{
    const uint8_t *data = ih_msg_data(msg);
    size_t size = ih_msg_size(msg);

    if (msg->kind != IH_MSG_PING || size < 2 || size > 2 + CONTEXT_MAX)
        return;
    conn->ttl_ms = ((uint64_t)data[0] << 8 | data[1]) * 100;
    if (conn->ttl_ms) {
        conn->received_ms = ih_clock_ms();
        set_timer(conn);
    }
    if (conn->state == STREAM_ACTIVE && conn->pongs < PONGS_MAX) {
        conn->pongs++;
        (void)send_command(conn, IH_MSG_PONG, data + 2, size - 2);
    }
}
