/* SPDX-License-Identifier: ISC */

/* inproc between two threads. Prints messages a second (PUSH-PULL) and the median one-way latency (REQ-REP). */

#include "bench.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <zmq.h>

enum { BATCH = 256, WARM_UP = 500 };

/* One measure. Owned by main, read by both threads. */
struct run {
    const struct bench_options *options;
    void *context;
};

/* Sends until the context is terminated. */
static void *flood(void *argument)
{
    struct run *run = argument;
    void *socket = bench_socket(run->context, ZMQ_PUSH);
    char *data = calloc(1, run->options->size + 1);

    bench_check(data != NULL, "calloc");
    bench_set(socket, ZMQ_LINGER, 0);
    bench_check(zmq_connect(socket, "inproc://throughput") == 0, "zmq_connect");
    while (zmq_send(socket, data, run->options->size, 0) >= 0)
        continue;
    bench_check(errno == ETERM, "zmq_send");
    zmq_close(socket);
    free(data);
    return NULL;
}

static uint64_t receive_until(void *socket, uint64_t end)
{
    uint64_t count = 0;
    zmq_msg_t message;

    zmq_msg_init(&message);
    do {
        for (int i = 0; i < BATCH; i++)
            bench_check(zmq_msg_recv(&message, socket, 0) >= 0, "zmq_msg_recv");
        count += BATCH;
    } while (bench_now() < end);
    zmq_msg_close(&message);
    return count;
}

static void throughput(const struct bench_options *options)
{
    struct run run = {.options = options, .context = zmq_ctx_new()};
    void *socket = bench_socket(run.context, ZMQ_PULL);
    uint64_t span = (uint64_t)(options->seconds * 1e9), start, count;
    pthread_t thread;

    bench_check(zmq_bind(socket, "inproc://throughput") == 0, "zmq_bind");
    bench_check(pthread_create(&thread, NULL, flood, &run) == 0, "pthread_create");
    receive_until(socket, bench_now() + span / 5);
    start = bench_now();
    count = receive_until(socket, start + span);
    bench_result("messages_per_second", (double)count * 1e9 / (double)(bench_now() - start));
    zmq_ctx_shutdown(run.context);
    pthread_join(thread, NULL);
    zmq_close(socket);
    zmq_ctx_term(run.context);
}

static void *echo(void *argument)
{
    struct run *run = argument;
    void *socket = bench_socket(run->context, ZMQ_REP);
    char *data = calloc(1, run->options->size + 1);

    bench_check(data != NULL, "calloc");
    bench_check(zmq_connect(socket, "inproc://latency") == 0, "zmq_connect");
    for (long i = 0; i < run->options->count + WARM_UP; i++) {
        bench_recv(socket, data, run->options->size);
        bench_send(socket, data, run->options->size);
    }
    zmq_close(socket);
    free(data);
    return NULL;
}

static void latency(const struct bench_options *options)
{
    struct run run = {.options = options, .context = zmq_ctx_new()};
    void *socket = bench_socket(run.context, ZMQ_REQ);
    char *data = calloc(1, options->size + 1);
    double *one_way = calloc((size_t)options->count, sizeof *one_way);
    pthread_t thread;

    bench_check(data != NULL && one_way != NULL, "calloc");
    bench_check(zmq_bind(socket, "inproc://latency") == 0, "zmq_bind");
    bench_check(pthread_create(&thread, NULL, echo, &run) == 0, "pthread_create");
    for (long i = -WARM_UP; i < options->count; i++) {
        uint64_t start = bench_now();

        bench_send(socket, data, options->size);
        bench_recv(socket, data, options->size);
        if (i >= 0)
            one_way[i] = (double)(bench_now() - start) / 2e3;
    }
    bench_result("one_way_us", bench_median(one_way, (size_t)options->count));
    pthread_join(thread, NULL);
    free(one_way);
    free(data);
    zmq_close(socket);
    zmq_ctx_term(run.context);
}

int main(int argc, char **argv)
{
    struct bench_options options = {.size = 16, .count = 5000, .seconds = 1};

    bench_start(argc, argv, &options);
    throughput(&options);
    latency(&options);
    return 0;
}
