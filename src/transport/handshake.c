/* SPDX-License-Identifier: ISC */
/* A connection's handshake: octets between the descriptor and the ZMTP machine, and the question to ZAP. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "core/context.h"
#include "core/driver.h"
#include "core/socket.h"
#include "platform/poller.h"
#include "transport/stream.h"

enum { CHUNK = 2048 };

/* What a step came to, found without the lock. */
struct step {
    int error;     /* negative: the connection is over */
    bool blocked;  /* output waits for IH_WRITE */
    uint8_t *rest; /* octets that came behind the handshake */
    size_t rest_size;
};

static int write_output(struct stream_conn *conn, bool *blocked)
{
    *blocked = false;
    for (;;) {
        struct iovec iov;
        ssize_t written;

        iov.iov_base = (void *)(uintptr_t)ih_zmtp_output(conn->zmtp, &iov.iov_len);
        if (!iov.iov_len)
            return 0;
        written = ih_net_writev(conn->base.source.fd, &iov, 1);
        if (written == -EAGAIN) {
            *blocked = true;
            return 0;
        }
        if (written < 0)
            return (int)written;
        ih_zmtp_output_done(conn->zmtp, (size_t)written);
    }
}

static bool keep_rest(struct step *step, const uint8_t *data, size_t size)
{
    if (!size)
        return true;
    step->rest = malloc(size);
    if (!step->rest)
        return false;
    memcpy(step->rest, data, size);
    step->rest_size = size;
    return true;
}

/* Reads once and feeds the machine. Positive: there may be more to read. */
static int read_input(struct stream_conn *conn, struct step *step)
{
    uint8_t buf[CHUNK];
    struct iovec iov = {buf, sizeof(buf)};
    ssize_t size = ih_net_readv(conn->base.source.fd, &iov, 1);
    size_t used;
    bool kept;

    if (size == -EAGAIN)
        return 0;
    if (size <= 0)
        return size == 0 ? -EPIPE : (int)size;
    (void)ih_zmtp_input(conn->zmtp, buf, (size_t)size, &used, ih_clock_ms());
    kept = keep_rest(step, buf + used, (size_t)size - used);
    explicit_bzero(buf, (size_t)size); /* a PLAIN password may have been there */
    if (!kept)
        return -ENOMEM;
    return size == CHUNK;
}

static bool shaking(const struct stream_conn *conn)
{
    enum ih_zmtp_state state = ih_zmtp_state(conn->zmtp);

    return state == IH_ZMTP_GREETING || state == IH_ZMTP_HANDSHAKE;
}

/* Without the lock: cryptography takes its time. */
static void take_step(struct stream_conn *conn, struct step *step)
{
    int more = 1;

    step->error = write_output(conn, &step->blocked);
    while (step->error == 0 && more > 0 && shaking(conn)) {
        more = read_input(conn, step);
        step->error = more < 0 ? more : write_output(conn, &step->blocked);
        if (more < 0)
            step->error = more;
    }
}

static void zap_done(void *owner, const struct ih_zap_result *result)
{
    struct stream_conn *conn = owner;

    if (result->status == 200) {
        conn->admission = ih_ctx_serial(conn->base.source.socket->ctx);
        conn->zap_props = ih_zap_props(result);
        if (!conn->zap_props) {
            stream_conn_fail(conn, -ENOMEM);
            return;
        }
    } else if (!result->status) {
        conn->zap_error = result->error;
        stream_conn_fail(conn, -EPROTO);
        return;
    }
    (void)ih_zmtp_zap_reply(conn->zmtp, result->status);
    ih_zap_free(conn->zap);
    conn->zap = NULL;
    conn->state = STREAM_HANDSHAKE;
    stream_handshake(conn);
}

static void ask_zap(struct stream_conn *conn)
{
    struct ih_socket *socket = conn->base.source.socket;
    char address[128];
    int rc;

    conn->state = STREAM_ASKING;
    stream_conn_address(conn, address, sizeof(address));
    rc = ih_zap_ask(socket, &conn->origin->opt, conn->zmtp, address, zap_done, conn, &conn->zap);
    if (rc < 0)
        stream_conn_fail(conn, rc);
    else
        stream_conn_watch(conn);
}

void stream_ask_again(struct stream_conn *conn)
{
    ih_zap_free(conn->zap);
    conn->zap = NULL;
    ask_zap(conn);
}

/* Acts on what the step came to. Lock held. */
static void conclude(struct stream_conn *conn, struct step *step)
{
    enum ih_zmtp_state state = ih_zmtp_state(conn->zmtp);

    conn->rx = step->rest;
    conn->rx_start = 0;
    conn->rx_end = step->rest_size;
    conn->blocked = step->blocked;
    if (state == IH_ZMTP_CLOSED || step->error < 0)
        stream_conn_fail(conn, step->error < 0 ? step->error : -EPROTO);
    else if (state == IH_ZMTP_READY && !step->blocked)
        stream_conn_activate(conn);
    else if (state == IH_ZMTP_ZAP)
        ask_zap(conn);
    else
        stream_conn_watch(conn);
}

/* What came before the handler's answer and was not looked at. */
static void feed_rest(struct stream_conn *conn, struct step *step)
{
    uint8_t *rest = conn->rx;
    size_t size = conn->rx_end, used = 0;

    conn->rx = NULL;
    conn->rx_end = 0;
    if (!rest)
        return;
    if (shaking(conn))
        (void)ih_zmtp_input(conn->zmtp, rest, size, &used, ih_clock_ms());
    if (!keep_rest(step, rest + used, size - used))
        step->error = -ENOMEM;
    free(rest);
}

void stream_handshake(struct stream_conn *conn)
{
    struct ih_socket *socket = conn->base.source.socket;
    struct step step = {0};

    if (conn->reading || conn->writing)
        return;
    conn->reading = conn->writing = true;
    conn->base.source.busy++;
    socket->users++;
    ih_lock_leave(&socket->lock);
    feed_rest(conn, &step);
    if (step.error == 0 && !step.rest)
        take_step(conn, &step);
    else if (step.error == 0)
        step.error = write_output(conn, &step.blocked);
    ih_lock_enter(&socket->lock);
    socket->users--;
    conn->base.source.busy--;
    conn->reading = conn->writing = false;
    if (conn->state != STREAM_HANDSHAKE) {
        free(step.rest); /* closed meanwhile */
        return;
    }
    conclude(conn, &step);
}
