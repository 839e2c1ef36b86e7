/* SPDX-License-Identifier: ISC */

/*
 * From one process to another through a third, over tcp. Prints messages a second, counted where they arrive.
 *
 *   sealed  libcurve's peers, through its relay: sealed end to end
 *   clear   the same relay, and envelopes of the same size, without sealing; the receiver acknowledges as peers do
 *   hop     CURVE from hop to hop, through zmq_proxy, which could read everything
 */

#include "bench.h"

#include <curve.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH = 64,
    HEAD = 2 + CURVE_KEY_SIZE, /* of what a relay is told (docs/libcurve.md, "The relay") */
    REGISTER = 1,
    FORWARD = 2,
    OVERHEAD = 64, /* octets of an envelope beyond the message's */
    WINDOW = 1000, /* messages under way, CURVE_SNDHWM's default */
    ACK_EVERY = 32,
};

/* Made before the processes part. */
static curve_cert_t *certs[2];
static char relay_endpoints[2][256];

/* ---- the relay's process ---- */

static void say_bound(void *arg, const char *endpoint)
{
    bench_write_line(*(int *)arg, endpoint);
}

static void run_relay(const struct bench_options *options, int to_parent)
{
    const char *endpoints[] = {"tcp://127.0.0.1:*", NULL};
    curve_relay_config_t config = {.endpoints = endpoints, .bound = say_bound, .arg = &to_parent};

    (void)options;
    bench_check(curve_relay(zmq_ctx_new(), &config) == 0, "curve_relay");
}

static void run_proxy(const struct bench_options *options, int to_parent)
{
    void *context = zmq_ctx_new();
    void *front = bench_socket(context, ZMQ_PULL);
    void *back = bench_socket(context, ZMQ_PUSH);
    char endpoint[256];

    bench_serve_curve(front, options);
    bench_serve_curve(back, options);
    bench_bind(front, endpoint, sizeof endpoint);
    bench_write_line(to_parent, endpoint);
    bench_bind(back, endpoint, sizeof endpoint);
    bench_write_line(to_parent, endpoint);
    (void)zmq_proxy(front, back, NULL);
}

/* ---- sealed ---- */

static curve_socket_t *open_peer(int which)
{
    curve_socket_t *peer = curve_peer_new(zmq_ctx_new(), certs[which]);

    bench_check(peer != NULL, "curve_peer_new");
    bench_check(curve_allow(peer, curve_cert_public_key(certs[1 - which])) == 0, "curve_allow");
    bench_check(curve_connect(peer, relay_endpoints[0]) == 0, "curve_connect");
    return peer;
}

static void flood_sealed(const struct bench_options *options, int to_parent)
{
    curve_socket_t *peer = open_peer(0);
    char *data = calloc(1, options->size + 1);

    (void)to_parent;
    bench_check(data != NULL, "calloc");
    for (;;) {
        bench_check(curve_send(peer, curve_cert_public_key(certs[1]), CURVE_KEY_SIZE, ZMQ_SNDMORE) >= 0, "curve_send");
        bench_check(curve_send(peer, data, options->size, 0) >= 0, "curve_send");
    }
}

static void receive_sealed(void *socket, const struct bench_options *options)
{
    zmq_msg_t message;

    zmq_msg_init(&message);
    for (int i = 0; i < BATCH; i++) {
        bench_check(curve_msg_recv(socket, &message, 0) >= 0, "curve_msg_recv");
        bench_check(curve_msg_recv(socket, &message, 0) >= 0, "curve_msg_recv");
        errno = EMSGSIZE;
        bench_check(zmq_msg_size(&message) == options->size, "a message of another size arrived");
    }
    zmq_msg_close(&message);
}

/* ---- clear ---- */

static void put_head(void *socket, int command, const uint8_t *key, int flags)
{
    uint8_t head[HEAD] = {0xc5, (uint8_t)command};

    memcpy(head + 2, key, CURVE_KEY_SIZE);
    bench_check(zmq_send(socket, head, HEAD, flags) == HEAD, "zmq_send");
}

static void *open_clear(int which)
{
    void *socket = bench_socket(zmq_ctx_new(), ZMQ_DEALER);
    uint8_t head[HEAD];

    bench_check(zmq_connect(socket, relay_endpoints[0]) == 0, "zmq_connect");
    put_head(socket, REGISTER, curve_cert_public_key(certs[which]), 0);
    bench_recv(socket, head, HEAD);
    return socket;
}

static void flood_clear(const struct bench_options *options, int to_parent)
{
    void *socket = open_clear(0);
    size_t size = options->size + OVERHEAD;
    char *data = calloc(1, size);
    long ahead = 0;

    (void)to_parent;
    bench_check(data != NULL, "calloc");
    for (;;) {
        uint8_t ack[HEAD + 1];
        int flags = ahead < WINDOW ? ZMQ_DONTWAIT : 0;

        while (zmq_recv(socket, ack, sizeof ack, flags) >= 0) {
            ahead -= ack[HEAD];
            flags = ZMQ_DONTWAIT;
        }
        put_head(socket, FORWARD, curve_cert_public_key(certs[1]), ZMQ_SNDMORE);
        bench_send(socket, data, size);
        ahead++;
    }
}

static void acknowledge(void *socket, int count)
{
    uint8_t octet = (uint8_t)count;

    put_head(socket, FORWARD, curve_cert_public_key(certs[0]), ZMQ_SNDMORE);
    bench_send(socket, &octet, 1);
}

static void receive_clear(void *socket, const struct bench_options *options)
{
    zmq_msg_t message;

    zmq_msg_init(&message);
    for (int i = 0; i < BATCH; i++) {
        bench_check(zmq_msg_recv(&message, socket, 0) >= 0, "zmq_msg_recv");
        errno = EMSGSIZE;
        bench_check(zmq_msg_size(&message) == HEAD + options->size + OVERHEAD, "a message of another size arrived");
        if (i % ACK_EVERY == ACK_EVERY - 1)
            acknowledge(socket, ACK_EVERY);
    }
    zmq_msg_close(&message);
}

/* ---- from hop to hop ---- */

static void flood_hop(const struct bench_options *options, int to_parent)
{
    void *socket = bench_socket(zmq_ctx_new(), ZMQ_PUSH);
    char *data = calloc(1, options->size + 1);

    (void)to_parent;
    bench_check(data != NULL, "calloc");
    bench_join_curve(socket, options);
    bench_check(zmq_connect(socket, relay_endpoints[0]) == 0, "zmq_connect");
    for (;;)
        bench_send(socket, data, options->size);
}

static void *open_hop(const struct bench_options *options)
{
    void *socket = bench_socket(zmq_ctx_new(), ZMQ_PULL);

    bench_join_curve(socket, options);
    bench_check(zmq_connect(socket, relay_endpoints[1]) == 0, "zmq_connect");
    return socket;
}

static void receive_hop(void *socket, const struct bench_options *options)
{
    zmq_msg_t message;

    zmq_msg_init(&message);
    for (int i = 0; i < BATCH; i++) {
        bench_check(zmq_msg_recv(&message, socket, 0) >= 0, "zmq_msg_recv");
        errno = EMSGSIZE;
        bench_check(zmq_msg_size(&message) == options->size, "a message of another size arrived");
    }
    zmq_msg_close(&message);
}

/* ---- measuring ---- */

static double measure(void *socket, const struct bench_options *options,
                      void (*receive)(void *socket, const struct bench_options *options))
{
    uint64_t span = (uint64_t)(options->seconds * 1e9);
    uint64_t count = 0;
    uint64_t start;

    for (uint64_t end = bench_now() + span / 5; bench_now() < end;)
        receive(socket, options);
    start = bench_now();
    do {
        receive(socket, options);
        count += BATCH;
    } while (bench_now() < start + span);
    return (double)count * 1e9 / (double)(bench_now() - start);
}

int main(int argc, char **argv)
{
    struct bench_options options = {.size = 16384, .seconds = 1};
    const char *mode = argc > 1 ? argv[1] : "";
    int is_hop = strcmp(mode, "hop") == 0;
    int is_clear = strcmp(mode, "clear") == 0;
    struct bench_child relay;
    struct bench_child sender;
    void *socket = NULL;

    errno = EINVAL;
    bench_check(is_hop || is_clear || strcmp(mode, "sealed") == 0, "usage: bench_relay sealed|clear|hop [options]");
    argv[1] = argv[0];
    bench_start(argc - 1, argv + 1, &options);
    options.curve = is_hop;
    for (int i = 0; i < 2; i++)
        certs[i] = curve_cert_new();
    relay = bench_fork(is_hop ? run_proxy : run_relay, &options);
    bench_read_line(&relay, relay_endpoints[0], sizeof relay_endpoints[0]);
    if (is_hop)
        bench_read_line(&relay, relay_endpoints[1], sizeof relay_endpoints[1]);
    /* What is sent in clear to a receiver that is not registered would be lost. */
    if (is_clear)
        socket = open_clear(1);
    sender = bench_fork(is_hop ? flood_hop : is_clear ? flood_clear : flood_sealed, &options);
    if (is_hop) {
        bench_result("messages_per_second", measure(open_hop(&options), &options, receive_hop));
    } else if (is_clear) {
        bench_result("messages_per_second", measure(socket, &options, receive_clear));
    } else {
        bench_result("messages_per_second", measure(open_peer(1), &options, receive_sealed));
    }
    bench_kill(&sender);
    bench_kill(&relay);
    return 0;
}
