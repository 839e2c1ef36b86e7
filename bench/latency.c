/* SPDX-License-Identifier: ISC */

/* REQ-REP ping-pong over tcp between two processes. Prints the median one-way latency in microseconds. */

#include "bench.h"

#include <stdlib.h>
#include <zmq.h>

static const long warm_up = 500;

static void echo(const struct bench_options *options, int to_parent)
{
    void *context = zmq_ctx_new();
    void *socket = bench_socket(context, ZMQ_REP);
    char endpoint[256];
    char *data = calloc(1, options->size + 1);

    bench_check(data != NULL, "calloc");
    bench_serve_curve(socket, options);
    bench_bind(socket, endpoint, sizeof endpoint);
    bench_write_line(to_parent, endpoint);
    for (long i = 0; i < options->count + warm_up; i++) {
        bench_recv(socket, data, options->size);
        bench_send(socket, data, options->size);
    }
    free(data);
    zmq_close(socket);
    zmq_ctx_term(context);
}

static void measure(void *socket, const struct bench_options *options)
{
    char *data = calloc(1, options->size + 1);
    double *one_way = calloc((size_t)options->count, sizeof *one_way);

    bench_check(data != NULL && one_way != NULL, "calloc");
    for (long i = -warm_up; i < options->count; i++) {
        uint64_t start = bench_now();

        bench_send(socket, data, options->size);
        bench_recv(socket, data, options->size);
        if (i >= 0)
            one_way[i] = (double)(bench_now() - start) / 2e3;
    }
    bench_result("one_way_us", bench_median(one_way, (size_t)options->count));
    free(one_way);
    free(data);
}

int main(int argc, char **argv)
{
    struct bench_options options = {.size = 16, .count = 5000};
    struct bench_child child;
    char endpoint[256];
    void *context, *socket;

    bench_start(argc, argv, &options);
    child = bench_fork(echo, &options);
    bench_read_line(&child, endpoint, sizeof endpoint);

    context = zmq_ctx_new();
    socket = bench_socket(context, ZMQ_REQ);
    bench_join_curve(socket, &options);
    bench_check(zmq_connect(socket, endpoint) == 0, "zmq_connect");
    measure(socket, &options);
    zmq_close(socket);
    zmq_ctx_term(context);
    bench_join(&child);
    return 0;
}
