/* SPDX-License-Identifier: ISC */
/* Endpoints: a server has one link for all of them, a client or peer one for each. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libcurve/worker.h"

static void remember(struct ih_worker *worker, struct ih_link *link, const char *endpoint)
{
    curve_socket_t *socket = worker->socket;
    char resolved[IH_ENDPOINT_MAX];
    size_t size = sizeof(resolved);

    if (ih_zmq_last_endpoint(link->socket, resolved, &size) != 0)
        (void)snprintf(resolved, sizeof(resolved), "%s", endpoint);
    ih_lock_enter(&socket->lock);
    memcpy(socket->last_endpoint, resolved, strlen(resolved) + 1);
    ih_lock_leave(&socket->lock);
}

static struct ih_link *free_slot(struct ih_worker *worker)
{
    for (int i = 0; i < worker->link_count; i++) {
        if (!ih_link_used(&worker->links[i]))
            return &worker->links[i];
    }
    return worker->link_count < IH_LINKS_MAX ? &worker->links[worker->link_count] : NULL;
}

int ih_worker_attach(struct ih_worker *worker, const char *endpoint, bool bind)
{
    bool is_server = worker->socket->kind == IH_ENGINE_SERVER;
    struct ih_link *link = is_server ? &worker->links[0] : free_slot(worker);
    bool was_open = link && link->socket;
    int error = 0;

    if (!link)
        return -EMFILE;
    if (!was_open)
        error = ih_link_open(link, worker->socket, worker->now_ms);
    if (error)
        return error;
    error = ih_link_attach(link, endpoint, bind);
    /* A server's link stays for the next attempt: libzmq closes sockets in its own time, and many attempts would use up
     * ZMQ_MAX_SOCKETS. */
    if (error && is_server)
        worker->link_count = 1;
    else if (error && !was_open)
        ih_link_close(link, 0);
    if (error)
        return error;
    if (link == &worker->links[worker->link_count])
        worker->link_count++;
    worker->links_ms = worker->now_ms;
    worker->nudge = true;
    remember(worker, link, endpoint);
    return 0;
}

/* Written as when it was attached, or as it was resolved. */
static bool is_endpoint(struct ih_link *link, const char *endpoint, bool bind)
{
    char resolved[IH_ENDPOINT_MAX];
    size_t size = sizeof(resolved);

    if (!ih_link_used(link) || link->bound != bind)
        return false;
    if (strcmp(link->endpoint, endpoint) == 0)
        return true;
    return link->socket && ih_zmq_last_endpoint(link->socket, resolved, &size) == 0 && strcmp(resolved, endpoint) == 0;
}

int ih_worker_detach(struct ih_worker *worker, const char *endpoint, bool bind)
{
    if (worker->socket->kind == IH_ENGINE_SERVER) {
        struct ih_link *link = &worker->links[0];

        return link->socket ? ih_link_detach(link, endpoint, bind) : -ENOENT;
    }
    for (int i = 0; i < worker->link_count; i++) {
        struct ih_link *link = &worker->links[i];

        if (!is_endpoint(link, endpoint, bind))
            continue;
        if (worker->stuck == link)
            worker->stuck = NULL;
        ih_link_close(link, 0);
        return 0;
    }
    return -ENOENT;
}
