/* SPDX-License-Identifier: ISC */

/*
 * Memory of a server per idle CURVE connection. The clients are many DEALER sockets in a second process; each has made
 * one request and got its reply, so its connection is authenticated and has worked. The server's proportional set size
 * before and after is compared.
 */

#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <zmq.h>

/* Connections opened at a time: fewer than fit into the server's backlog, or retries would cost seconds. */
enum { BATCH = 50 };

static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    bench_check(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
    limit.rlim_cur = limit.rlim_max;
    bench_check(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
}

/* The process's own memory in KiB, pages that it shares with others counted in part. */
static double own_kib(void)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    char line[256];
    double kib = -1;

    bench_check(file != NULL, "/proc/self/smaps_rollup");
    while (kib < 0 && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "Pss:", 4) == 0)
            kib = strtod(line + 4, NULL);
    }
    fclose(file);
    bench_check(kib >= 0, "Pss in /proc/self/smaps_rollup");
    return kib;
}

static void answer(void *socket, long count)
{
    char peer[256], request[16];

    for (long i = 0; i < count; i++) {
        int n = zmq_recv(socket, peer, sizeof peer, 0);

        bench_check(n > 0, "zmq_recv");
        bench_recv(socket, request, sizeof request);
        bench_check(zmq_send(socket, peer, (size_t)n, ZMQ_SNDMORE) == n, "zmq_send");
        bench_send(socket, request, sizeof request);
    }
}

/* Says its endpoint, then how many KiB it has grown by when all but the first batch have connected. */
static void serve(const struct bench_options *options, int to_parent)
{
    void *context = zmq_ctx_new();
    void *socket;
    char text[256];
    double before;

    bench_check(zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 16) == 0, "zmq_ctx_set");
    socket = bench_socket(context, ZMQ_ROUTER);
    bench_serve_curve(socket, options);
    bench_bind(socket, text, sizeof text);
    bench_write_line(to_parent, text);
    answer(socket, BATCH);
    before = own_kib();
    answer(socket, options->count);
    snprintf(text, sizeof text, "%.0f", own_kib() - before);
    bench_write_line(to_parent, text);
    zmq_recv(socket, text, sizeof text, 0);
}

static void open_batch(void *context, const struct bench_options *options, const char *endpoint)
{
    void *sockets[BATCH];
    char request[16] = "one request";

    for (int i = 0; i < BATCH; i++) {
        sockets[i] = bench_socket(context, ZMQ_DEALER);
        bench_set(sockets[i], ZMQ_LINGER, 0);
        bench_join_curve(sockets[i], options);
        bench_check(zmq_connect(sockets[i], endpoint) == 0, "zmq_connect");
        bench_send(sockets[i], request, sizeof request);
    }
    for (int i = 0; i < BATCH; i++)
        bench_recv(sockets[i], request, sizeof request);
}

int main(int argc, char **argv)
{
    struct bench_options options = {.curve = 1, .count = 2000};
    struct bench_child child;
    char text[256];
    void *context;

    bench_start(argc, argv, &options);
    options.count -= options.count % BATCH;
    raise_descriptor_limit();
    child = bench_fork(serve, &options);
    bench_read_line(&child, text, sizeof text);

    context = zmq_ctx_new();
    bench_check(zmq_ctx_set(context, ZMQ_MAX_SOCKETS, (int)options.count + 2 * BATCH) == 0, "zmq_ctx_set");
    for (long opened = -BATCH; opened < options.count; opened += BATCH)
        open_batch(context, &options, text);
    bench_read_line(&child, text, sizeof text);
    bench_result("kib_per_connection", strtod(text, NULL) / (double)options.count);
    bench_kill(&child);
    return 0;
}
