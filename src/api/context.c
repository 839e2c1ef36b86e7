/* SPDX-License-Identifier: ISC */
/* zmq_ctx_new and its kin. */
#include <zmq.h>

#include "api/error.h"
#include "core/context.h"

void *zmq_ctx_new(void)
{
    struct ih_ctx *ctx;
    int rc = ih_ctx_new(&ctx);

    return rc < 0 ? ih_api_fail_null(-rc) : ctx;
}

int zmq_ctx_term(void *handle)
{
    struct ih_ctx *ctx = ih_ctx_find(handle);

    return ctx ? ih_api_result(ih_ctx_term(ctx)) : ih_api_fail(EFAULT);
}

int zmq_ctx_shutdown(void *handle)
{
    struct ih_ctx *ctx = ih_ctx_find(handle);

    return ctx ? ih_api_result(ih_ctx_shutdown(ctx)) : ih_api_fail(EFAULT);
}

int zmq_ctx_set(void *handle, int option, int value)
{
    struct ih_ctx *ctx = ih_ctx_find(handle);

    return ctx ? ih_api_result(ih_ctx_set(ctx, option, value)) : ih_api_fail(EFAULT);
}

int zmq_ctx_get(void *handle, int option)
{
    struct ih_ctx *ctx = ih_ctx_find(handle);
    int value, rc;

    if (!ctx)
        return ih_api_fail(EFAULT);
    rc = ih_ctx_get(ctx, option, &value);
    return rc < 0 ? ih_api_fail(-rc) : value;
}

void *zmq_init(int io_threads)
{
    void *ctx;

    if (io_threads < 0)
        return ih_api_fail_null(EINVAL);
    ctx = zmq_ctx_new();
    if (ctx)
        (void)zmq_ctx_set(ctx, ZMQ_IO_THREADS, io_threads);
    return ctx;
}

int zmq_term(void *handle)
{
    return zmq_ctx_term(handle);
}

int zmq_ctx_destroy(void *handle)
{
    return zmq_ctx_term(handle);
}
