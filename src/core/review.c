/* SPDX-License-Identifier: ISC */
/* A walk through all sockets of a context and their connections. */
#include "core/review.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "core/context.h"
#include "core/driver.h"
#include "core/endpoint.h"
#include "core/fork.h"
#include "core/socket.h"

/* What is done in each socket. Lock held. Returns how many connections it concerned. */
typedef size_t visit_fn(struct ih_socket *socket, void *arg);

/* The context's sockets, held: a socket's lock is not taken under the context's. */
static int hold_all(struct ih_ctx *ctx, struct ih_socket ***result, size_t *count)
{
    struct ih_socket **sockets;
    int rc = 0;

    *count = 0;
    ih_lock_enter(&ctx->lock);
    sockets = malloc((ctx->socket_count + 1) * sizeof(*sockets));
    if (ctx->terminated)
        rc = -ETERM;
    else if (!sockets)
        rc = -ENOMEM;
    if (rc == 0) {
        IH_LIST_EACH_SAFE(node, following, &ctx->sockets) {
            struct ih_socket *socket = IH_CONTAINER(node, struct ih_socket, node);

            if (ih_socket_try_hold(socket)) /* else it is on its way out */
                sockets[(*count)++] = socket;
        }
    }
    ih_lock_leave(&ctx->lock);
    if (rc < 0)
        free(sockets);
    else
        *result = sockets;
    return rc;
}

static int visit_all(struct ih_ctx *ctx, visit_fn *visit, void *arg)
{
    struct ih_socket **sockets;
    size_t count, total = 0;
    int rc;

    if (ctx->fork_gen != ih_fork_gen())
        return -EINTR;
    rc = hold_all(ctx, &sockets, &count);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < count; i++) {
        ih_socket_enter(sockets[i]);
        total += visit(sockets[i], arg);
        ih_socket_leave(sockets[i]);
        ih_socket_release(sockets[i]);
    }
    free(sockets);
    return total > INT_MAX ? INT_MAX : (int)total;
}

struct reviewer {
    ih_review_fn *fn;
    void *arg;
};

static size_t review_socket(struct ih_socket *socket, void *arg)
{
    const struct reviewer *reviewer = arg;
    size_t shown = 0;

    IH_LIST_EACH_SAFE(node, following, &socket->conns) {
        struct ih_conn *conn = IH_CONTAINER(node, struct ih_conn, node);
        const struct ih_props *props = NULL;
        const uint64_t number = conn->ops->admitted(conn, &props);

        if (number) {
            reviewer->fn(reviewer->arg, number, props);
            shown++;
        } else {
            conn->ops->doubt(conn);
        }
    }
    return shown;
}

int ih_review(struct ih_ctx *ctx, ih_review_fn *fn, void *arg)
{
    struct reviewer reviewer = {fn, arg};

    return visit_all(ctx, review_socket, &reviewer);
}

/* Sorted. */
struct condemned {
    uint64_t *numbers;
    size_t count;
};

static int compare(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;

    return (*a > *b) - (*a < *b);
}

static size_t close_in_socket(struct ih_socket *socket, void *arg)
{
    const struct condemned *condemned = arg;
    size_t closed = 0;

    IH_LIST_EACH_SAFE(node, following, &socket->conns) {
        struct ih_conn *conn = IH_CONTAINER(node, struct ih_conn, node);

        const uint64_t number = conn->ops->admitted(conn, NULL);

        if (number && bsearch(&number, condemned->numbers, condemned->count, sizeof(number), compare)) {
            conn->ops->revoke(conn);
            closed++;
        }
    }
    return closed;
}

int ih_review_close(struct ih_ctx *ctx, const uint64_t *numbers, size_t count)
{
    struct condemned condemned = {NULL, count};
    int rc;

    condemned.numbers = reallocarray(NULL, count + 1, sizeof(*numbers));
    if (!condemned.numbers)
        return -ENOMEM;
    if (count)
        memcpy(condemned.numbers, numbers, count * sizeof(*numbers));
    qsort(condemned.numbers, count, sizeof(*numbers), compare);
    rc = visit_all(ctx, close_in_socket, &condemned);
    free(condemned.numbers);
    return rc;
}
