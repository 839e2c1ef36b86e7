/* SPDX-License-Identifier: ISC */

/* PUSH-PULL over tcp between two processes. Prints messages a second, counted where they arrive. */

#include "bench.h"

#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <zmq.h>

/* The clock is read once in so many messages. */
static const int batch = 256;

/* Sends until it is killed. */
static void flood(const struct bench_options *options, int endpoint_fd)
{
    void *context = zmq_ctx_new();
    void *socket = bench_socket(context, ZMQ_PUSH);
    char endpoint[256];
    char *data = calloc(1, options->size + 1);

    bench_check(data != NULL, "calloc");
    bench_serve_curve(socket, options);
    bench_bind(socket, endpoint, sizeof endpoint);
    bench_write_line(endpoint_fd, endpoint);
    for (;;)
        bench_send(socket, data, options->size);
}

static void receive(void *socket, const struct bench_options *options)
{
    zmq_msg_t message;

    zmq_msg_init(&message);
    for (int i = 0; i < batch; i++) {
        bench_check(zmq_msg_recv(&message, socket, 0) >= 0, "zmq_msg_recv");
        errno = EMSGSIZE;
        bench_check(zmq_msg_size(&message) == options->size, "a message of another size arrived");
    }
    zmq_msg_close(&message);
}

static uint64_t receive_until(void *socket, const struct bench_options *options, uint64_t end)
{
    uint64_t count = 0;

    do {
        receive(socket, options);
        count += (uint64_t)batch;
    } while (bench_now() < end);
    return count;
}

int main(int argc, char **argv)
{
    struct bench_options options = {.size = 16, .seconds = 1};
    struct bench_child child;
    char endpoint[256];
    void *context, *socket;
    uint64_t start, span, count;

    bench_start(argc, argv, &options);
    span = (uint64_t)(options.seconds * 1e9);
    child = bench_fork(flood, &options);
    bench_read_line(&child, endpoint, sizeof endpoint);

    context = zmq_ctx_new();
    socket = bench_socket(context, ZMQ_PULL);
    bench_join_curve(socket, &options);
    bench_check(zmq_connect(socket, endpoint) == 0, "zmq_connect");
    receive(socket, &options);
    receive_until(socket, &options, bench_now() + span / 5);
    start = bench_now();
    count = receive_until(socket, &options, start + span);
    bench_result("messages_per_second", (double)count * 1e9 / (double)(bench_now() - start));
    bench_kill(&child);
    zmq_close(socket);
    zmq_ctx_term(context);
    return 0;
}
