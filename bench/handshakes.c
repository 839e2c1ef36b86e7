/* SPDX-License-Identifier: ISC */

/*
 * Connections a second: fresh DEALER sockets, each connects to a ROUTER in another process, shakes hands, makes one
 * request, waits for the reply and closes. A few threads do so at a time.
 */

#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <zmq.h>

enum { THREADS = 4 };

/* One run of the client. Owned by main, shared by its threads, constant but for the counter. */
struct run {
    const struct bench_options *options;
    const char *endpoint;
    void *context;
    uint64_t end;
    atomic_long connections;
};

/* Answers until it is killed. */
static void serve(const struct bench_options *options, int to_parent)
{
    void *context = zmq_ctx_new();
    void *socket = bench_socket(context, ZMQ_ROUTER);
    char endpoint[256];
    char peer[256], request[16];

    bench_set(socket, ZMQ_BACKLOG, 1000);
    bench_serve_curve(socket, options);
    bench_bind(socket, endpoint, sizeof endpoint);
    bench_write_line(to_parent, endpoint);
    for (;;) {
        int n = zmq_recv(socket, peer, sizeof peer, 0);

        bench_check(n > 0, "zmq_recv");
        bench_recv(socket, request, sizeof request);
        bench_check(zmq_send(socket, peer, (size_t)n, ZMQ_SNDMORE) == n, "zmq_send");
        bench_send(socket, request, sizeof request);
    }
}

static void connect_once(struct run *run)
{
    void *socket = bench_socket(run->context, ZMQ_DEALER);
    char request[16] = "one request";

    bench_set(socket, ZMQ_LINGER, 0);
    bench_join_curve(socket, run->options);
    bench_check(zmq_connect(socket, run->endpoint) == 0, "zmq_connect");
    bench_send(socket, request, sizeof request);
    bench_recv(socket, request, sizeof request);
    bench_check(zmq_close(socket) == 0, "zmq_close");
}

static void *client(void *argument)
{
    struct run *run = argument;

    while (bench_now() < run->end) {
        connect_once(run);
        atomic_fetch_add(&run->connections, 1);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    struct bench_options options = {.curve = 1, .seconds = 1};
    struct bench_child child;
    struct run run = {.options = &options};
    char endpoint[256];
    pthread_t threads[THREADS];
    uint64_t start;

    bench_start(argc, argv, &options);
    child = bench_fork(serve, &options);
    bench_read_line(&child, endpoint, sizeof endpoint);
    run.endpoint = endpoint;
    run.context = zmq_ctx_new();
    connect_once(&run);

    start = bench_now();
    run.end = start + (uint64_t)(options.seconds * 1e9);
    for (int i = 0; i < THREADS; i++)
        bench_check(pthread_create(&threads[i], NULL, client, &run) == 0, "pthread_create");
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    bench_result("connections_per_second", (double)atomic_load(&run.connections) * 1e9 / (double)(bench_now() - start));
    bench_kill(&child);
    zmq_ctx_term(run.context);
    return 0;
}
