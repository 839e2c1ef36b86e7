/* SPDX-License-Identifier: ISC */
/* Connecters: zmq_connect over byte streams, and reconnection. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "base/clock.h"
#include "base/random.h"
#include "core/context.h"
#include "core/driver.h"
#include "core/io.h"
#include "core/monitor.h"
#include "core/pattern.h"
#include "core/socket.h"
#include "platform/poller.h"
#include "transport/stream.h"

enum {
    REFUSED_MS = 10000, /* after handshakes that failed the interval grows to this */
    REFUSED_DOUBLINGS = 8,
};

static void event(struct stream_connecter *connecter, int what, int value)
{
    ih_monitor_event(connecter->endpoint.socket, what, (uint32_t)value, connecter->origin->uri);
}

/* --- the end ---------------------------------------------------------------------------------------------------- */

static void finish(struct stream_connecter *connecter)
{
    struct ih_socket *socket = connecter->endpoint.socket;
    struct stream_conn *conn = connecter->conn;
    struct ih_pipe *pipe = connecter->pipe;

    connecter->conn = NULL;
    ih_event_cancel(socket, &connecter->retry);
    ih_event_cancel(socket, &connecter->linger);
    if (connecter->job && ih_resolver_cancel(connecter->job))
        ih_socket_release(socket); /* the question's reference */
    if (conn) {
        conn->connecter = NULL;
        stream_conn_close(conn, false);
    }
    if (pipe && pipe->ops)
        ih_pipe_end(pipe);
    stream_origin_release(connecter->origin);
    ih_endpoint_fini(&connecter->endpoint);
    ih_socket_changed(socket);
    free(connecter->address);
    free(connecter);
}

static bool has_output(const struct stream_connecter *connecter)
{
    if (connecter->conn && connecter->conn->state == STREAM_ACTIVE)
        return stream_has_output(connecter->conn);
    return connecter->pipe && connecter->pipe->out_messages;
}

static void linger_fired(struct ih_timer *timer)
{
    finish(IH_CONTAINER(timer, struct stream_connecter, linger));
}

/* What is not written yet gets the time that ZMQ_LINGER gives. False: there is no timer. */
static bool start_linger(struct stream_connecter *connecter)
{
    struct ih_socket *socket = connecter->endpoint.socket;
    const int ms = socket->opt.linger;

    return ms <= 0 || ih_event_at(socket, &connecter->linger, ih_clock_after(ih_clock_ms(), (uint64_t)ms)) == 0;
}

/* The pipe is given up: by the application (zmq_disconnect, zmq_close) or by the pattern. */
static void close_down(struct stream_connecter *connecter, bool linger)
{
    connecter->endpoint.closing = true;
    if (!linger || connecter->given_up || !has_output(connecter)) {
        finish(connecter);
        return;
    }
    if (connecter->conn) {
        connecter->conn->lingering = true;
        ih_source_output(&connecter->conn->base.source, true);
    }
    if (!start_linger(connecter))
        finish(connecter);
}

void stream_connecter_flushed(struct stream_connecter *connecter)
{
    if (connecter->endpoint.closing)
        finish(connecter);
}

void stream_connecter_close(struct stream_connecter *connecter)
{
    const bool linger = connecter->endpoint.socket->opt.linger != 0;
    struct stream_conn *conn = connecter->conn;

    if (connecter->endpoint.closing) {
        finish(connecter); /* the second time: it is cut */
    } else if (connecter->pipe && !connecter->pipe->ended) {
        ih_pipe_close(connecter->pipe, linger);
    } else if (conn && conn->pipe && !conn->pipe->ended) {
        /* ZMQ_IMMEDIATE: the pipe is the connection's. Without either there is no reason to come back. */
        connecter->endpoint.closing = true;
        ih_pipe_close(conn->pipe, linger && start_linger(connecter));
    } else {
        finish(connecter);
    }
}

/* --- the carrier ------------------------------------------------------------------------------------------------ */

static void carrier_wrote(struct ih_pipe *pipe)
{
    struct stream_connecter *connecter = pipe->carrier;
    struct stream_conn *conn = connecter->conn;

    if (conn && conn->state == STREAM_ACTIVE)
        stream_wrote(conn);
}

static bool carrier_borrow(struct ih_pipe *pipe, const struct ih_msg *msg)
{
    struct stream_connecter *connecter = pipe->carrier;
    struct stream_conn *conn = connecter->conn;

    return conn && conn->state == STREAM_ACTIVE && stream_borrow(conn, msg);
}

static void carrier_drained(struct ih_pipe *pipe)
{
    struct stream_connecter *connecter = pipe->carrier;

    if (connecter->conn)
        ih_source_resume(&connecter->conn->base.source);
}

static void carrier_close(struct ih_pipe *pipe, bool linger)
{
    close_down(pipe->carrier, linger);
}

static bool carrier_room(struct ih_pipe *pipe)
{
    struct stream_connecter *connecter = pipe->carrier;

    return !connecter->conn || connecter->conn->state != STREAM_ACTIVE || stream_room(connecter->conn);
}

static const struct ih_carrier_ops carrier = {
    .wrote = carrier_wrote,
    .borrow = carrier_borrow,
    .room = carrier_room,
    .drained = carrier_drained,
    .close = carrier_close,
};

/* With ZMQ_IMMEDIATE the pipe waits for the connection. */
static int make_pipe(struct stream_connecter *connecter)
{
    struct ih_socket *socket = connecter->endpoint.socket;
    struct ih_pipe *pipe;
    int rc;

    if (socket->opt.immediate)
        return 0;
    pipe = ih_pipe_new(socket);
    if (!pipe)
        return -ENOMEM;
    pipe->connecting = true;
    rc = ih_pipe_attach(pipe);
    if (rc < 0) {
        ih_pipe_free(pipe);
        return rc == -EAGAIN ? 0 : rc; /* a second peer of a PAIR may get its turn when the connection stands */
    }
    pipe->ops = &carrier;
    pipe->carrier = connecter;
    connecter->pipe = pipe;
    return 0;
}

/* --- attempts ---------------------------------------------------------------------------------------------------- */

/* How long to wait before the next attempt, in ms. */
static int next_interval(struct stream_connecter *connecter)
{
    const struct ih_options *opt = &connecter->origin->opt;
    uint64_t base = (uint64_t)opt->reconnect_ivl;
    uint64_t interval = base;

    if (connecter->refusals) {
        unsigned doublings = connecter->refusals < REFUSED_DOUBLINGS ? connecter->refusals : REFUSED_DOUBLINGS;

        interval = (base ? base : 1) << (doublings - 1);
        if (interval > REFUSED_MS && interval > base)
            interval = base > REFUSED_MS ? base : REFUSED_MS;
    } else if (opt->reconnect_ivl_max > opt->reconnect_ivl) {
        if (connecter->interval_ms)
            interval = (uint64_t)connecter->interval_ms * 2;
        if (interval > (uint64_t)opt->reconnect_ivl_max)
            interval = (uint64_t)opt->reconnect_ivl_max;
    }
    connecter->interval_ms = interval > INT32_MAX / 2 ? INT32_MAX / 2 : (int)interval;
    interval = (uint64_t)connecter->interval_ms + ih_random_below((uint32_t)(connecter->refusals ? interval : base));
    return interval > INT32_MAX ? INT32_MAX : (int)interval;
}

static void give_up(struct stream_connecter *connecter)
{
    connecter->given_up = true;
    if (connecter->endpoint.closing)
        finish(connecter);
}

static void schedule(struct stream_connecter *connecter)
{
    struct ih_socket *socket = connecter->endpoint.socket;
    int wait;

    if (connecter->origin->opt.reconnect_ivl < 0 || connecter->given_up) {
        give_up(connecter);
        return;
    }
    if (connecter->endpoint.closing && !has_output(connecter)) {
        finish(connecter);
        return;
    }
    wait = next_interval(connecter);
    event(connecter, ZMQ_EVENT_CONNECT_RETRIED, wait);
    if (ih_event_at(socket, &connecter->retry, ih_clock_after(ih_clock_ms(), (uint64_t)wait)) < 0)
        give_up(connecter);
}

static void attempt(struct stream_connecter *connecter)
{
    const struct ih_options *opt = &connecter->origin->opt;
    struct ih_socket *socket = connecter->endpoint.socket;
    struct ih_net_tuning tuning;
    struct stream_conn *conn;
    bool pending;
    int fd;

    stream_tuning(opt, &tuning);
    fd = ih_net_connect(&connecter->addr, connecter->source.size ? &connecter->source : NULL, &tuning, &pending);
    if (fd < 0) {
        if (fd == -ECONNREFUSED && opt->reconnect_stop & ZMQ_RECONNECT_STOP_CONN_REFUSED)
            connecter->given_up = true;
        event(connecter, ZMQ_EVENT_CLOSED, -1);
        schedule(connecter);
        return;
    }
    conn = stream_conn_new(socket, connecter->kind, fd, connecter->origin);
    if (!conn) {
        schedule(connecter);
        return;
    }
    conn->connecter = connecter;
    conn->peer = connecter->addr;
    connecter->conn = conn;
    if (pending)
        event(connecter, ZMQ_EVENT_CONNECT_DELAYED, EINPROGRESS);
    /* One that is connected is writable at once. It goes on from there, and not here, where zmq_connect is on the stack:
     * the handshake drops the lock. */
    if (opt->connect_timeout > 0)
        (void)ih_event_at(socket, &conn->timer, ih_clock_after(ih_clock_ms(), (uint64_t)opt->connect_timeout));
    stream_conn_watch(conn);
}

/* Where the descriptor is to be connected to: to the proxy, if there is one. */
static const char *first_hop(const struct stream_connecter *connecter)
{
    const struct stream_proxy *proxy = connecter->origin->proxy;

    return proxy ? stream_proxy_address(proxy) : connecter->address;
}

/* --- names ------------------------------------------------------------------------------------------------------- */

static struct stream_connecter *find_asker(struct ih_socket *socket, const struct ih_transport_ops *transport,
                                           const struct ih_resolve *job)
{
    IH_LIST_EACH(node, &socket->endpoints) {
        struct ih_endpoint *endpoint = IH_CONTAINER(node, struct ih_endpoint, node);
        struct stream_connecter *connecter = IH_CONTAINER(endpoint, struct stream_connecter, endpoint);

        if (!endpoint->listener && endpoint->transport == transport && connecter->job == job)
            return connecter;
    }
    return NULL;
}

/* On a thread of the resolver, with a reference to the socket. */
static void resolved(void *arg, struct ih_resolve *job)
{
    struct ih_socket *socket = arg;
    struct stream_connecter *connecter;
    struct ih_addr addr;
    int rc;

    ih_socket_enter(socket);
    connecter = find_asker(socket, ih_transport_find("tcp", 3), job);
    if (ih_resolver_take(job, &rc, &addr) && connecter) {
        connecter->job = NULL;
        if (rc == 0) {
            connecter->addr = addr;
            attempt(connecter);
        } else {
            schedule(connecter);
        }
    }
    ih_socket_leave(socket);
    ih_socket_release(socket);
}

static void look_up(struct stream_connecter *connecter)
{
    struct ih_socket *socket = connecter->endpoint.socket;

    ih_socket_hold(socket);
    if (ih_resolver_ask(&socket->ctx->resolver, first_hop(connecter), connecter->origin->opt.ipv6 != 0, resolved,
                        socket, &connecter->job) == 0)
        return;
    ih_socket_release(socket);
    schedule(connecter);
}

/* As stream_kind's parse_connect. The endpoint's source address is where the proxy is connected from, unless the proxy's
 * text has one of its own. */
static int parse(struct stream_connecter *connecter)
{
    struct ih_socket *socket = connecter->endpoint.socket;
    const struct stream_kind *kind = connecter->kind;
    struct ih_addr source;
    int rc = kind->parse_connect(connecter->address, socket, &connecter->source, &connecter->addr);

    if (rc < 0 || !connecter->origin->proxy)
        return rc;
    rc = kind->parse_connect(first_hop(connecter), socket, &source, &connecter->addr);
    if (rc >= 0 && source.size)
        connecter->source = source;
    return rc;
}

static void start(struct stream_connecter *connecter)
{
    int rc = parse(connecter);

    if (rc > 0)
        attempt(connecter);
    else if (rc == 0)
        look_up(connecter);
    else
        schedule(connecter); /* the source interface has gone, or the proxy's text is none */
}

static void retry_fired(struct ih_timer *timer)
{
    start(IH_CONTAINER(timer, struct stream_connecter, retry));
}

/* --- loss -------------------------------------------------------------------------------------------------------- */

void stream_connecter_lost(struct stream_connecter *connecter, bool ready, bool final)
{
    const int stop = connecter->origin->opt.reconnect_stop;
    struct stream_conn *conn = connecter->conn;
    bool shaken = conn && conn->zmtp;

    if (!conn)
        return;
    connecter->conn = NULL;
    if (ready && connecter->pipe)
        ih_pipe_hiccup(connecter->pipe);
    if (!ready && shaken)
        connecter->refusals++;
    if (final || (ready && stop & ZMQ_RECONNECT_STOP_AFTER_DISCONNECT) ||
        (!ready && shaken && stop & ZMQ_RECONNECT_STOP_HANDSHAKE_FAILED) ||
        (!ready && !shaken && stop & ZMQ_RECONNECT_STOP_CONN_REFUSED))
        connecter->given_up = true;
    schedule(connecter);
}

/* --- connecting -------------------------------------------------------------------------------------------------- */

/* The monitor's events name the proxy, as libzmq's do. */
static int make_origin(struct stream_connecter *connecter, struct ih_socket *socket, const char *uri)
{
    struct stream_proxy *proxy = NULL;
    char hop[512];
    int rc = connecter->kind->local ? 0 : stream_proxy_new(&socket->opt, connecter->address, &proxy);

    if (rc < 0)
        return rc;
    if (proxy)
        snprintf(hop, sizeof(hop), "%s://%s", connecter->kind->transport->scheme, stream_proxy_address(proxy));
    connecter->origin = stream_origin_new(socket, proxy ? hop : uri);
    if (!connecter->origin) {
        stream_proxy_free(proxy);
        return -ENOMEM;
    }
    connecter->origin->proxy = proxy;
    return 0;
}

int stream_connect(struct ih_socket *socket, const struct stream_kind *kind, const char *address,
                   struct ih_endpoint **result)
{
    struct stream_connecter *connecter = calloc(1, sizeof(*connecter));
    char uri[512];
    int rc = -ENOMEM;

    if (!connecter)
        return rc;
    snprintf(uri, sizeof(uri), "%s://%s", kind->transport->scheme, address);
    connecter->kind = kind;
    connecter->retry.fire = retry_fired;
    connecter->linger.fire = linger_fired;
    rc = kind->parse_connect(address, socket, &connecter->source, &connecter->addr);
    if (rc >= 0)
        rc = ih_io_adopt(socket);
    if (rc >= 0)
        rc = stream_reserve_timer(socket);
    if (rc < 0)
        goto failed;
    rc = -ENOMEM;
    connecter->address = strdup(address);
    if (connecter->address)
        rc = make_origin(connecter, socket, uri);
    if (rc < 0)
        goto failed;
    rc = ih_endpoint_init(&connecter->endpoint, socket, kind->transport, false, uri, address);
    if (rc < 0)
        goto failed;
    rc = make_pipe(connecter);
    if (rc < 0) {
        finish(connecter);
        return rc;
    }
    *result = &connecter->endpoint;
    start(connecter);
    return 0;

failed:
    if (connecter->origin)
        stream_origin_release(connecter->origin);
    free(connecter->address);
    free(connecter);
    return rc;
}

void stream_endpoint_close(struct ih_endpoint *endpoint)
{
    if (endpoint->listener)
        stream_listener_close(IH_CONTAINER(endpoint, struct stream_listener, endpoint));
    else
        stream_connecter_close(IH_CONTAINER(endpoint, struct stream_connecter, endpoint));
}
