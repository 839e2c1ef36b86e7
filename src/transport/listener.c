/* SPDX-License-Identifier: ISC */
/* Listeners: zmq_bind over byte streams. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "base/clock.h"
#include "base/hash.h"
#include "core/io.h"
#include "core/monitor.h"
#include "core/socket.h"
#include "mechanism/security.h"
#include "platform/poller.h"
#include "transport/stream.h"

enum {
    ACCEPTS = 64,         /* connections taken in one go */
    PAUSE_MS = 100,       /* how long a listener waits when there are no descriptors or memory */
    PATIENCE_MS = 1000,   /* where there are no descriptors, a handshake may take so long */
    GIVE_WAY = 16,        /* and of those that take longer so many give way in one go */
    HALF_OPEN = 1024,     /* connections that have not finished their handshake, of one socket */
    HALF_OPEN_PEER = 512, /* and of one host: beyond it, its oldest gives way */
    CROWDS = 256,         /* hosts that are told apart, nearly, when there are too many of all */
};

void stream_tuning(const struct ih_options *opt, struct ih_net_tuning *tuning)
{
    *tuning = (struct ih_net_tuning){
        .sndbuf = opt->sndbuf,
        .rcvbuf = opt->rcvbuf,
        .tos = opt->tos,
        .keepalive = opt->tcp_keepalive,
        .keepalive_cnt = opt->tcp_keepalive_cnt,
        .keepalive_idle = opt->tcp_keepalive_idle,
        .keepalive_intvl = opt->tcp_keepalive_intvl,
        .maxrt_ms = opt->tcp_maxrt,
        .device = (const char *)opt->bind_to_device.data,
    };
}

static void event(struct stream_listener *listener, int event, int value)
{
    ih_monitor_event(listener->endpoint.socket, event, (uint32_t)value, listener->endpoint.uri);
}

/* --- accepting ------------------------------------------------------------------------------------------------- */

/* Half-open connections are the last of the socket's, the oldest first. The next older one than node; NULL: none. */
static struct stream_conn *older(struct ih_socket *socket, const struct ih_list *node)
{
    struct stream_conn *conn = IH_CONTAINER(node->prev, struct stream_conn, base.node);

    return node->prev != &socket->conns && conn->half_open ? conn : NULL;
}

/* The oldest one of that host, and how many it has. */
static struct stream_conn *oldest_of_host(struct ih_socket *socket, uint64_t host, unsigned *count)
{
    struct stream_conn *oldest = NULL;

    *count = 0;
    for (struct stream_conn *c = older(socket, &socket->conns); c; c = older(socket, &c->base.node)) {
        if (ih_net_host(&c->peer) != host)
            continue;
        oldest = c;
        (*count)++;
    }
    return oldest;
}

/* Multiplied by a number that nobody outside knows: there may be a thousand to tell apart for each that comes. */
static size_t crowd_of(uint64_t host, uint64_t key)
{
    return (size_t)(host * key >> 56) % CROWDS;
}

/* The host that most of a crowd are of, by a majority vote: somebody else's hash may be the same. */
static uint64_t host_of_crowd(struct ih_socket *socket, size_t crowd, uint64_t key)
{
    uint64_t elected = 0;
    int votes = 0;

    for (struct stream_conn *c = older(socket, &socket->conns); c; c = older(socket, &c->base.node)) {
        const uint64_t host = ih_net_host(&c->peer);

        if (crowd_of(host, key) != crowd)
            continue;
        if (votes == 0)
            elected = host;
        votes += host == elected ? 1 : -1;
    }
    return elected;
}

/* The oldest one of the host that has most of them: whoever has few is not driven out by whoever has many. */
static struct stream_conn *oldest_of_largest_crowd(struct ih_socket *socket)
{
    const uint64_t key = ih_hash("crowd", 5) | 1;
    unsigned count[CROWDS] = {0};
    size_t largest = 0;
    unsigned all;

    for (struct stream_conn *c = older(socket, &socket->conns); c; c = older(socket, &c->base.node)) {
        const size_t crowd = crowd_of(ih_net_host(&c->peer), key);

        if (++count[crowd] > count[largest])
            largest = crowd;
    }
    return oldest_of_host(socket, host_of_crowd(socket, largest, key), &all);
}

/* Too many have not finished their handshake: one gives way. */
static void make_way(struct ih_socket *socket, const struct ih_addr *peer)
{
    struct stream_conn *conn;
    unsigned count;

    if (socket->half_open < HALF_OPEN_PEER)
        return;
    conn = oldest_of_host(socket, ih_net_host(peer), &count);
    if (count < HALF_OPEN_PEER)
        conn = socket->half_open >= HALF_OPEN ? oldest_of_largest_crowd(socket) : NULL;
    if (conn)
        stream_conn_fail(conn, -EBUSY);
}

/* There are no descriptors: those who hold some and say nothing must not keep everybody else out. */
static void free_descriptors(struct ih_socket *socket)
{
    const uint64_t now = ih_clock_ms();

    for (int i = 0; i < GIVE_WAY; i++) {
        struct stream_conn *conn = oldest_of_largest_crowd(socket);

        if (!conn || now - conn->received_ms < PATIENCE_MS)
            break;
        stream_conn_fail(conn, -EBUSY);
    }
}

static void admit(struct stream_listener *listener, int fd, const struct ih_addr *peer)
{
    struct ih_socket *socket = listener->endpoint.socket;
    struct ih_net_tuning tuning;
    struct stream_conn *conn;

    if (listener->kind->admits && !listener->kind->admits(&listener->origin->opt, fd, peer)) {
        event(listener, ZMQ_EVENT_ACCEPT_FAILED, ECONNABORTED);
        ih_net_close(fd);
        return;
    }
    stream_tuning(&listener->origin->opt, &tuning);
    (void)ih_net_tune(fd, &tuning);
    make_way(socket, peer);
    conn = stream_conn_new(socket, listener->kind, fd, listener->origin);
    if (!conn)
        return;
    conn->listener = listener;
    conn->peer = *peer;
    conn->received_ms = ih_clock_ms();
    conn->half_open = true;
    socket->half_open++;
    ih_list_del(&conn->base.node);
    ih_list_add_tail(&socket->conns, &conn->base.node);
    ih_list_add_tail(&listener->conns, &conn->listener_node);
    event(listener, ZMQ_EVENT_ACCEPTED, fd);
    stream_conn_start(conn);
}

static void pause_listener(struct stream_listener *listener)
{
    struct ih_socket *socket = listener->endpoint.socket;

    if (ih_event_at(socket, &listener->pause, ih_clock_ms() + PAUSE_MS) == 0)
        (void)ih_source_watch(&listener->source, 0);
}

static void resume_fired(struct ih_timer *timer)
{
    struct stream_listener *listener = IH_CONTAINER(timer, struct stream_listener, pause);

    if (ih_source_watch(&listener->source, IH_READ) < 0)
        pause_listener(listener);
}

static void listener_ready(struct ih_source *source, uint32_t events)
{
    struct stream_listener *listener = IH_CONTAINER(source, struct stream_listener, source);

    (void)events;
    for (int i = 0; i < ACCEPTS && !source->dead; i++) {
        struct ih_addr peer;
        int fd = ih_net_accept(source->fd, &peer);

        if (fd == -EAGAIN)
            break;
        if (fd >= 0) {
            admit(listener, fd, &peer);
            continue;
        }
        if (fd == -ECONNABORTED || fd == -EINTR || fd == -EPROTO)
            continue;
        event(listener, ZMQ_EVENT_ACCEPT_FAILED, -fd);
        if (fd == -EMFILE || fd == -ENFILE)
            free_descriptors(source->socket);
        pause_listener(listener);
        break;
    }
}

static void listener_free(struct ih_source *source)
{
    struct stream_listener *listener = IH_CONTAINER(source, struct stream_listener, source);

    ih_endpoint_fini(&listener->endpoint);
    stream_origin_release(listener->origin);
    free(listener->dir);
    free(listener);
}

static const struct ih_source_ops listener_ops = {
    .ready = listener_ready,
    .free = listener_free,
};

/* --- binding --------------------------------------------------------------------------------------------------- */

/* What zmq_bind has so far; undone if it fails. */
struct binding {
    int fd;
    struct ih_addr addr;
    struct ih_net_file file; /* ipc: what ih_net_listen made */
    char dir[128];           /* ipc wildcard: what ih_net_ipc_wildcard made, or "" */
    char uri[256];
};

/* ZMQ_USE_FD: a listener of the program's own. */
static int use_fd(struct ih_socket *socket, struct binding *binding)
{
    int fd = socket->opt.use_fd;
    int rc = ih_net_adopt(fd);

    if (rc < 0)
        return rc == -ENOTSOCK ? -EBADF : rc; /* ENOTSOCK is for the handle */
    socket->opt.use_fd = -1;
    binding->fd = fd;
    return 0;
}

static int open_listener(struct ih_socket *socket, const struct stream_kind *kind, const char *address,
                         struct binding *binding)
{
    struct ih_net_tuning tuning;
    char path[128];
    int rc;

    if (kind->local && strcmp(address, "*") == 0) {
        rc = ih_net_ipc_wildcard(path, sizeof(path), binding->dir, sizeof(binding->dir));
        if (rc < 0) {
            binding->dir[0] = 0;
            return rc;
        }
        address = path;
    }
    rc = kind->parse_bind(address, socket, &binding->addr);
    if (rc < 0)
        return rc;
    if (socket->opt.use_fd >= 0)
        return use_fd(socket, binding);
    stream_tuning(&socket->opt, &tuning);
    rc = ih_net_listen(&binding->addr, socket->opt.backlog, socket->opt.ipv6 != 0, &tuning);
    if (rc < 0)
        return rc;
    binding->fd = rc;
    if (kind->local)
        ih_net_ipc_file(&binding->addr, &binding->file);
    return 0;
}

static int name_it(const struct stream_kind *kind, struct binding *binding)
{
    struct ih_addr local;
    char text[160];
    int rc = ih_net_local(binding->fd, &local);

    if (rc < 0)
        return rc;
    ih_net_format(&local, true, text, sizeof(text));
    snprintf(binding->uri, sizeof(binding->uri), "%s://%s", kind->transport->scheme, text);
    return 0;
}

static void remove_files(const struct ih_addr *addr, const struct ih_net_file *file, const char *dir)
{
    if (file->inode)
        ih_net_ipc_remove(addr, file);
    if (dir && dir[0])
        (void)rmdir(dir);
}

static void undo(struct binding *binding)
{
    if (binding->fd >= 0)
        ih_net_close(binding->fd);
    remove_files(&binding->addr, &binding->file, binding->dir);
}

static int make_listener(struct ih_socket *socket, const struct stream_kind *kind, const char *address,
                         struct binding *binding, struct stream_listener **result)
{
    struct stream_listener *listener = calloc(1, sizeof(*listener));
    int rc = -ENOMEM;

    if (!listener)
        return rc;
    listener->kind = kind;
    listener->addr = binding->addr;
    listener->file = binding->file;
    listener->origin = stream_origin_new(socket, binding->uri);
    listener->dir = strdup(binding->dir);
    if (!listener->origin || !listener->dir)
        goto failed;
    listener->source.ops = &listener_ops;
    listener->source.socket = socket;
    listener->source.fd = binding->fd;
    ih_list_init(&listener->source.flush_node);
    ih_list_init(&listener->source.resume_node);
    ih_list_init(&listener->source.grave_node);
    ih_list_init(&listener->conns);
    listener->pause.fire = resume_fired;
    rc = ih_source_watch(&listener->source, IH_READ);
    if (rc == 0)
        rc = ih_endpoint_init(&listener->endpoint, socket, kind->transport, true, binding->uri, address);
    if (rc == 0) {
        *result = listener;
        return 0;
    }
    (void)ih_source_watch(&listener->source, 0);
failed:
    if (listener->origin)
        stream_origin_release(listener->origin);
    free(listener->dir);
    free(listener);
    return rc;
}

int stream_bind(struct ih_socket *socket, const struct stream_kind *kind, const char *address,
                struct ih_endpoint **result)
{
    struct binding binding = {.fd = -1};
    struct stream_listener *listener = NULL;
    int rc = ih_io_adopt(socket);

    if (rc == 0)
        rc = stream_reserve_timer(socket);
    if (rc == 0)
        rc = open_listener(socket, kind, address, &binding);
    if (rc == 0)
        rc = name_it(kind, &binding);
    if (rc == 0)
        rc = make_listener(socket, kind, address, &binding, &listener);
    if (rc < 0) {
        char uri[256];

        undo(&binding);
        snprintf(uri, sizeof(uri), "%s://%s", kind->transport->scheme, address);
        if (rc != -EINVAL && rc != -ENODEV && rc != -ENAMETOOLONG)
            ih_monitor_event(socket, ZMQ_EVENT_BIND_FAILED, (uint32_t)-rc, uri);
        return rc;
    }
    event(listener, ZMQ_EVENT_LISTENING, binding.fd);
    *result = &listener->endpoint;
    return 0;
}

void stream_listener_close(struct stream_listener *listener)
{
    struct ih_socket *socket = listener->endpoint.socket;
    bool linger = socket->opt.linger != 0;

    if (listener->endpoint.closing)
        return;
    listener->endpoint.closing = true;
    ih_event_cancel(socket, &listener->pause);
    IH_LIST_EACH_SAFE(node, following, &listener->conns) {
        struct stream_conn *conn = IH_CONTAINER(node, struct stream_conn, listener_node);

        ih_list_del(node);
        conn->listener = NULL;
        stream_conn_close(conn, linger); /* what has arrived stays readable */
    }
    remove_files(&listener->addr, &listener->file, listener->dir);
    ih_source_bury(&listener->source);
    ih_net_close(listener->source.fd);
    event(listener, ZMQ_EVENT_CLOSED, listener->source.fd);
    listener->source.fd = -1;
    ih_socket_changed(socket);
}
