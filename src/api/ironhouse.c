/* SPDX-License-Identifier: ISC */
/* What this library has beyond zmq.h: revocation (ironhouse.h). */
#include <ironhouse.h>

#include "api/error.h"
#include "base/props.h"
#include "core/context.h"
#include "core/review.h"

/* A connection as the callback sees it: nothing but its metadata. */
const char *ironhouse_property(const ironhouse_connection_t *connection, const char *name)
{
    return connection && name ? ih_props_get((const struct ih_props *)connection, name) : NULL;
}

struct caller {
    ironhouse_connection_fn *fn;
    void *arg;
};

static void show(void *arg, uint64_t number, const struct ih_props *props)
{
    const struct caller *caller = arg;

    caller->fn(caller->arg, number, (const ironhouse_connection_t *)props);
}

int ironhouse_connections(void *handle, ironhouse_connection_fn *fn, void *arg)
{
    struct ih_ctx *ctx = ih_ctx_find(handle);
    struct caller caller = {fn, arg};

    if (!ctx || !fn)
        return ih_api_fail(EFAULT);
    return ih_api_result(ih_review(ctx, show, &caller));
}

int ironhouse_close(void *handle, const uint64_t *ids, size_t count)
{
    struct ih_ctx *ctx = ih_ctx_find(handle);

    if (!ctx || (!ids && count))
        return ih_api_fail(EFAULT);
    return ih_api_result(ih_review_close(ctx, ids, count));
}
