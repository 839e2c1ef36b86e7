/* SPDX-License-Identifier: ISC */
/* A byte-stream connection: its states, from the descriptor to the pipe and back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "base/clock.h"
#include "core/context.h"
#include "core/monitor.h"
#include "core/pattern.h"
#include "core/socket.h"
#include "mechanism/security.h"
#include "platform/poller.h"
#include "transport/stream.h"

static struct stream_conn *of_source(struct ih_source *source)
{
    return IH_CONTAINER(source, struct stream_conn, base.source);
}

void stream_conn_event(struct stream_conn *conn, int event, uint32_t value)
{
    ih_monitor_event(conn->base.source.socket, event, value, conn->origin->uri);
}

/* --- origin ---------------------------------------------------------------------------------------------------- */

struct stream_origin *stream_origin_new(struct ih_socket *socket, const char *uri)
{
    struct stream_origin *origin = calloc(1, sizeof(*origin));

    if (!origin)
        return NULL;
    if (ih_options_copy(&origin->opt, &socket->opt) < 0) {
        free(origin);
        return NULL;
    }
    origin->refs = 1;
    origin->security = ih_security_hold(socket->security);
    origin->uri = strdup(uri);
    if (origin->uri)
        return origin;
    stream_origin_release(origin);
    return NULL;
}

void stream_origin_release(struct stream_origin *origin)
{
    if (--origin->refs)
        return;
    ih_security_release(origin->security);
    stream_proxy_free(origin->proxy);
    ih_options_fini(&origin->opt);
    free(origin->uri);
    free(origin);
}

/* The peer is not reached yet: to fail is to fail to connect. */
static bool before_handshake(const struct stream_conn *conn)
{
    return conn->state == STREAM_CONNECTING || conn->state == STREAM_PROXY;
}

/* --- making and freeing ---------------------------------------------------------------------------------------- */

static void conn_ready(struct ih_source *source, uint32_t events);
static void conn_flush(struct ih_source *source);
static void conn_resume(struct ih_source *source);
static void conn_free(struct ih_source *source);

static const struct ih_source_ops conn_ops = {
    .ready = conn_ready,
    .flush = conn_flush,
    .resume = conn_resume,
    .free = conn_free,
};

static void cut(struct ih_conn *base)
{
    struct stream_conn *conn = IH_CONTAINER(base, struct stream_conn, base);

    stream_conn_close(conn, false);
}

static uint64_t admitted(const struct ih_conn *base, const struct ih_props **props)
{
    const struct stream_conn *conn = IH_CONTAINER(base, const struct stream_conn, base);

    if (conn->state != STREAM_ACTIVE)
        return 0;
    if (props)
        *props = conn->pipe->props;
    return conn->admission;
}

static void doubt(struct ih_conn *base)
{
    struct stream_conn *conn = IH_CONTAINER(base, struct stream_conn, base);

    if (conn->state == STREAM_ASKING)
        stream_ask_again(conn);
    else if (conn->state == STREAM_HANDSHAKE && conn->admission)
        stream_conn_fail(conn, -EAGAIN);
}

static void revoke(struct ih_conn *base)
{
    stream_conn_fail(IH_CONTAINER(base, struct stream_conn, base), -EACCES);
}

static const struct ih_conn_ops base_ops = {.cut = cut, .admitted = admitted, .doubt = doubt, .revoke = revoke};

static void timer_fired(struct ih_timer *timer)
{
    struct stream_conn *conn = IH_CONTAINER(timer, struct stream_conn, timer);

    if (conn->state == STREAM_ACTIVE)
        stream_heartbeat_fired(conn);
    else
        stream_conn_fail(conn, before_handshake(conn) ? -ETIMEDOUT : -EAGAIN);
}

struct stream_conn *stream_conn_new(struct ih_socket *socket, const struct stream_kind *kind, int fd,
                                    struct stream_origin *origin)
{
    struct stream_conn *conn = calloc(1, sizeof(*conn));
    struct ih_source *source;

    if (!conn) {
        ih_net_close(fd);
        return NULL;
    }
    source = &conn->base.source;
    source->ops = &conn_ops;
    source->socket = socket;
    source->fd = fd;
    ih_list_init(&source->flush_node);
    ih_list_init(&source->resume_node);
    ih_list_init(&source->grave_node);
    conn->base.ops = &base_ops;
    conn->kind = kind;
    conn->origin = origin;
    origin->refs++;
    conn->timer.fire = timer_fired;
    ih_list_init(&conn->listener_node);
    ih_list_add_head(&socket->conns, &conn->base.node);
    conn->state = STREAM_CONNECTING;
    return conn;
}

static void conn_free(struct ih_source *source)
{
    struct stream_conn *conn = of_source(source);

    ih_net_close(source->fd);
    stream_proxy_end(conn);
    ih_zmtp_free(conn->zmtp);
    if (conn->zap_props)
        ih_props_release(conn->zap_props);
    stream_origin_release(conn->origin);
    ih_queue_clear(&conn->tx);
    if (conn->batch) {
        ih_batch_clear(conn->batch);
        ih_pool_give(&source->socket->ctx->tx_pool, conn->batch);
    }
    free(conn->rx);
    free(conn);
}

/* --- events ---------------------------------------------------------------------------------------------------- */

/* True if somebody takes what can be read: else it would be reported for ever. */
static bool wants_input(const struct stream_conn *conn)
{
    switch ((enum stream_state)conn->state) {
    case STREAM_PROXY: /* what is to be said comes first */
        return !conn->blocked;
    case STREAM_HANDSHAKE: /* its last words may still wait to be written */
        return !(conn->blocked && ih_zmtp_state(conn->zmtp) == IH_ZMTP_READY);
    case STREAM_ACTIVE:
        return !conn->paused;
    default:
        return false;
    }
}

void stream_conn_watch(struct stream_conn *conn)
{
    uint32_t events = 0;
    int rc;

    if (conn->base.source.dead)
        return;
    if (conn->state == STREAM_CONNECTING || conn->blocked)
        events |= IH_WRITE;
    if (wants_input(conn))
        events |= IH_READ;
    if (conn->state == STREAM_ASKING)
        events = IH_HANGUP;
    if (!events && !conn->broken) /* stay in the set, to hear that the peer is gone */
        events = IH_BROKEN;
    rc = ih_source_watch(&conn->base.source, events);
    if (rc < 0)
        stream_conn_fail(conn, rc);
}

static void connected(struct stream_conn *conn)
{
    int rc = ih_net_connect_result(conn->base.source.fd);

    if (rc < 0) {
        stream_conn_fail(conn, rc);
        return;
    }
    stream_conn_opened(conn);
}

static void conn_ready(struct ih_source *source, uint32_t events)
{
    struct stream_conn *conn = of_source(source);

    switch ((enum stream_state)conn->state) {
    case STREAM_CONNECTING:
        connected(conn);
        break;
    case STREAM_PROXY:
        stream_proxy_ready(conn);
        break;
    case STREAM_HANDSHAKE:
        stream_handshake(conn);
        break;
    case STREAM_ASKING:
        if (events & (IH_BROKEN | IH_HANGUP))
            stream_conn_fail(conn, -EPIPE);
        break;
    case STREAM_ACTIVE:
        conn->broken = (events & IH_BROKEN) != 0;
        if (events & IH_WRITE)
            stream_transmit(conn);
        if (events & (IH_READ | IH_BROKEN) && !source->dead)
            stream_receive(conn, true);
        break;
    case STREAM_CLOSED:
        break;
    }
}

static void conn_flush(struct ih_source *source)
{
    struct stream_conn *conn = of_source(source);

    if (conn->state == STREAM_ACTIVE)
        stream_transmit(conn);
}

static void conn_resume(struct ih_source *source)
{
    struct stream_conn *conn = of_source(source);

    if (conn->state == STREAM_ACTIVE)
        stream_receive(conn, false);
}

/* --- opening --------------------------------------------------------------------------------------------------- */

int stream_reserve_timer(struct ih_socket *socket)
{
    struct ih_timer timer = {0};
    int rc = ih_event_at(socket, &timer, UINT64_MAX);

    ih_event_cancel(socket, &timer);
    return rc;
}

int stream_conn_deadline(struct stream_conn *conn, int ms)
{
    struct ih_socket *socket = conn->base.source.socket;

    if (ms <= 0)
        return 0;
    return ih_event_at(socket, &conn->timer, ih_clock_after(ih_clock_ms(), (uint64_t)ms));
}

void stream_conn_opened(struct stream_conn *conn)
{
    ih_event_cancel(conn->base.source.socket, &conn->timer);
    if (conn->origin->proxy && conn->state == STREAM_CONNECTING) {
        stream_proxy_start(conn);
        return;
    }
    stream_conn_event(conn, ZMQ_EVENT_CONNECTED, (uint32_t)conn->base.source.fd);
    stream_conn_start(conn);
}

void stream_conn_start(struct stream_conn *conn)
{
    struct ih_socket *socket = conn->base.source.socket;
    const struct stream_origin *origin = conn->origin;
    const struct ih_options *opt = &origin->opt;
    struct ih_zmtp_config config = {
        .security = origin->security,
        .cookies = ih_ctx_cookies(socket->ctx),
        .socket_type = socket->pattern->name,
        .routing_id = opt->routing_id,
        .routing_id_size = opt->routing_id_size,
        .metadata = opt->metadata.data,
        .metadata_size = opt->metadata.size,
        .max_msg_size = opt->maxmsgsize,
        .serial = ih_ctx_serial(socket->ctx),
        .binder = conn->connecter == NULL,
        .ask_zap = ih_zap_wanted(socket->ctx, opt, origin->security),
    };

    ih_event_cancel(socket, &conn->timer);
    if (socket->pattern->raw) {
        stream_conn_activate(conn);
        return;
    }
    conn->state = STREAM_HANDSHAKE;
    conn->zmtp = config.cookies ? ih_zmtp_new(&config) : NULL;
    if (!conn->zmtp || stream_conn_deadline(conn, opt->handshake_ivl) < 0) {
        stream_conn_fail(conn, -ENOMEM);
        return;
    }
    stream_handshake(conn);
}

void stream_conn_address(struct stream_conn *conn, char *text, size_t size)
{
    pid_t pid;
    uid_t uid;
    gid_t gid;

    if (!conn->kind->local)
        ih_net_format(&conn->peer, false, text, size);
    else if (ih_net_credentials(conn->base.source.fd, &pid, &uid, &gid) == 0)
        snprintf(text, size, "localhost:%u:%u:%d", (unsigned)uid, (unsigned)gid, (int)pid);
    else
        snprintf(text, size, "localhost");
}

/* The messages' metadata: the peer's properties, then what ZAP said, which has the last word. */
static int make_props(struct stream_conn *conn, struct ih_props **result)
{
    struct ih_props *props = conn->zap_props ? conn->zap_props : ih_props_new();
    char text[128];
    int rc = 0;

    conn->zap_props = NULL;
    if (!props)
        return -ENOMEM;
    if (conn->zmtp)
        rc = ih_zmtp_peer_properties(conn->zmtp, &props);
    stream_conn_address(conn, text, sizeof(text));
    if (rc == 0 && !ih_props_get(props, "Peer-Address"))
        rc = ih_props_set(&props, "Peer-Address", 12, text, strlen(text));
    snprintf(text, sizeof(text), "%d", conn->base.source.fd);
    if (rc == 0)
        rc = ih_props_set(&props, "__fd", 4, text, strlen(text));
    if (rc < 0)
        ih_props_release(props);
    else
        *result = props;
    return rc;
}

static int set_peer_id(struct stream_conn *conn, struct ih_pipe *pipe)
{
    const void *id = NULL;
    uint8_t *copy = NULL;
    size_t size = 0;

    if (conn->zmtp)
        id = ih_zmtp_peer_property(conn->zmtp, "Identity", &size);
    if (size > 255)
        return -EPROTO;
    if (id && size) {
        copy = malloc(size);
        if (!copy)
            return -ENOMEM;
        memcpy(copy, id, size);
    }
    free(pipe->peer_id);
    pipe->peer_id = copy;
    pipe->peer_id_size = (uint8_t)size;
    return 0;
}

static int take_pipe(struct stream_conn *conn)
{
    struct ih_socket *socket = conn->base.source.socket;
    struct stream_connecter *connecter = conn->connecter;
    struct ih_pipe *pipe = connecter ? connecter->pipe : NULL;
    struct ih_props *props;
    int rc = make_props(conn, &props);

    if (rc < 0)
        return rc;
    if (!pipe) {
        pipe = ih_pipe_new(socket);
        if (!pipe) {
            ih_props_release(props);
            return -ENOMEM;
        }
    }
    ih_pipe_set_props(pipe, props);
    pipe->max_frame = conn->origin->opt.maxmsgsize;
    rc = set_peer_id(conn, pipe);
    if (connecter && connecter->pipe) {
        conn->pipe = pipe;
        return rc;
    }
    pipe->connecting = connecter != NULL;
    if (rc == 0)
        rc = ih_pipe_attach(pipe);
    if (rc < 0) {
        ih_pipe_free(pipe);
        return rc;
    }
    pipe->ops = &stream_accepted_carrier;
    pipe->carrier = conn;
    conn->pipe = pipe;
    return 0;
}

static void leave_half_open(struct stream_conn *conn)
{
    struct ih_socket *socket = conn->base.source.socket;

    if (!conn->half_open)
        return;
    conn->half_open = false;
    socket->half_open--;
    ih_list_del(&conn->base.node); /* the half-open ones are the last */
    ih_list_add_head(&socket->conns, &conn->base.node);
}

void stream_conn_activate(struct stream_conn *conn)
{
    struct ih_socket *socket = conn->base.source.socket;
    int rc;

    ih_event_cancel(socket, &conn->timer);
    leave_half_open(conn);
    if (socket->closed && !(conn->connecter && conn->connecter->pipe)) {
        stream_conn_close(conn, false);
        return;
    }
    rc = take_pipe(conn);
    if (rc < 0) {
        stream_conn_fail(conn, rc); /* still a handshake, for the monitor */
        return;
    }
    if (conn->zmtp)
        stream_conn_event(conn, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0);
    conn->state = STREAM_ACTIVE;
    if (conn->connecter) {
        conn->connecter->refusals = 0;
        conn->connecter->interval_ms = 0;
        conn->lingering = conn->connecter->endpoint.closing;
    }
    if (conn->zmtp)
        ih_zmtp_handshake_done(conn->zmtp);
    stream_heartbeat_start(conn);
    if (conn->state != STREAM_ACTIVE)
        return;
    ih_pipe_connected(conn->pipe);
    if (conn->state != STREAM_ACTIVE)
        return;
    if (conn->pipe->untold) {
        conn->pipe->untold = false;
        stream_conn_fail(conn, -ENOMEM);
        return;
    }
    stream_conn_watch(conn);
    if (conn->state != STREAM_ACTIVE)
        return;
    if (conn->rx)
        ih_source_resume(&conn->base.source);
    ih_source_output(&conn->base.source, true);
}

/* --- closing --------------------------------------------------------------------------------------------------- */

/* What the machine says was wrong. Nobody asks while a thread is in it with the lock dropped. */
static const struct ih_zmtp_error *machine_error(const struct stream_conn *conn)
{
    return conn->zmtp && !conn->reading ? ih_zmtp_error(conn->zmtp) : NULL;
}

static void report(struct stream_conn *conn, int error)
{
    static const int events[] = {
        [IH_ZMTP_NO_FAILURE] = ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL,
        [IH_ZMTP_NO_DETAIL] = ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL,
        [IH_ZMTP_PROTOCOL] = ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
        [IH_ZMTP_AUTH] = ZMQ_EVENT_HANDSHAKE_FAILED_AUTH,
    };
    const struct ih_zmtp_error *why = machine_error(conn);
    const uint32_t fd = (uint32_t)conn->base.source.fd;

    if (before_handshake(conn)) {
        stream_conn_event(conn, ZMQ_EVENT_CLOSED, fd);
        return;
    }
    /* What is wrong with traffic has no events of its own: it is said in those of the handshake. */
    if (why && why->failure != IH_ZMTP_NO_FAILURE)
        stream_conn_event(conn, events[why->failure], (uint32_t)why->code);
    else if (conn->zap_error)
        stream_conn_event(conn, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, (uint32_t)conn->zap_error);
    else if (conn->state != STREAM_ACTIVE || error == -EMSGSIZE)
        stream_conn_event(conn, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, (uint32_t)-error);
    stream_conn_event(conn, ZMQ_EVENT_DISCONNECTED, fd);
}

/* Takes the connection out of everything. */
static void bury(struct stream_conn *conn)
{
    struct ih_socket *socket = conn->base.source.socket;
    struct stream_connecter *connecter = conn->connecter;
    const struct ih_zmtp_error *why = machine_error(conn);
    bool ready = conn->state == STREAM_ACTIVE;
    bool final = why && why->fatal_credentials;
    struct ih_pipe *pipe = conn->pipe;

    stream_ungather(conn, connecter && connecter->pipe == pipe);
    conn->state = STREAM_CLOSED;
    leave_half_open(conn);
    ih_event_cancel(socket, &conn->timer);
    if (conn->zap)
        ih_zap_free(conn->zap);
    conn->zap = NULL;
    ih_list_del(&conn->base.node);
    ih_list_del(&conn->listener_node);
    if (conn->base.source.busy)
        ih_net_shutdown(conn->base.source.fd);
    ih_source_bury(&conn->base.source);
    ih_socket_changed(socket);
    conn->pipe = NULL;
    conn->listener = NULL;
    conn->connecter = NULL;
    if (pipe && !(connecter && connecter->pipe == pipe))
        ih_pipe_end(pipe);
    if (connecter)
        stream_connecter_lost(connecter, ready, final);
}

void stream_conn_fail(struct stream_conn *conn, int error)
{
    if (conn->state == STREAM_CLOSED)
        return;
    report(conn, error);
    bury(conn);
}

void stream_conn_close(struct stream_conn *conn, bool linger)
{
    if (conn->state == STREAM_CLOSED)
        return;
    if (linger && conn->state == STREAM_ACTIVE && stream_has_output(conn)) {
        conn->lingering = true;
        ih_source_output(&conn->base.source, true);
        return;
    }
    bury(conn);
}

/* --- the carrier of pipes without a connecter that outlives the connection ---------------------------------------- */

static void carrier_wrote(struct ih_pipe *pipe)
{
    struct stream_conn *conn = pipe->carrier;

    stream_wrote(conn);
}

static bool carrier_borrow(struct ih_pipe *pipe, const struct ih_msg *msg)
{
    return stream_borrow(pipe->carrier, msg);
}

static void carrier_drained(struct ih_pipe *pipe)
{
    struct stream_conn *conn = pipe->carrier;

    ih_source_resume(&conn->base.source);
}

static void carrier_close(struct ih_pipe *pipe, bool linger)
{
    stream_conn_close(pipe->carrier, linger);
}

static bool carrier_room(struct ih_pipe *pipe)
{
    return stream_room(pipe->carrier);
}

const struct ih_carrier_ops stream_accepted_carrier = {
    .wrote = carrier_wrote,
    .borrow = carrier_borrow,
    .room = carrier_room,
    .drained = carrier_drained,
    .close = carrier_close,
};
