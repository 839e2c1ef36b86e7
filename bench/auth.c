/* SPDX-License-Identifier: ISC */

/*
 * What an authenticator costs, with any back end. bench/run makes the key pairs, puts them into a back end, and writes the
 * configuration, whose domain is "bench".
 *
 *   make COUNT               prints key pairs in Z85, one a line: public, secret
 *   decide FILE KEYS         prints ZAP decisions a second on CURVE keys, many asked at a time
 *   handshake FILE|- KEYS    prints the median of connect, handshake and one request, in µs; "-": without an authenticator
 */

#include "bench.h"

#include <ironauth.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93 /* libzmq 4.3 has it, but shows it among its drafts only */
#endif

enum {
    KEY_TEXT = 41,
    WINDOW = 64, /* questions under way */
    WARM_UP = 50,
};

struct pair {
    char public_key[KEY_TEXT];
    char secret_key[KEY_TEXT];
};

/* Read from the file of keys; main's. */
static struct pair *pairs;
static size_t pair_count;
static const char *config; /* NULL: no authenticator */

static void make(long count)
{
    struct pair pair;

    for (long i = 0; i < count; i++) {
        bench_check(zmq_curve_keypair(pair.public_key, pair.secret_key) == 0, "zmq_curve_keypair");
        printf("%s %s\n", pair.public_key, pair.secret_key);
    }
}

static void read_pairs(const char *file)
{
    FILE *stream = fopen(file, "r");
    struct pair pair;

    bench_check(stream != NULL, file);
    while (fscanf(stream, "%40s %40s", pair.public_key, pair.secret_key) == 2) {
        pairs = realloc(pairs, (pair_count + 1) * sizeof *pairs);
        bench_check(pairs != NULL, "realloc");
        pairs[pair_count++] = pair;
    }
    fclose(stream);
    bench_check(pair_count > 0, "no keys");
}

static void start_authenticator(void *context)
{
    if (config && !ironauth_start(context, config)) {
        fprintf(stderr, "%s\n", ironauth_error());
        exit(1);
    }
}

/* ---- decisions ---- */

static void ask(void *socket, size_t number)
{
    static const char *const head[] = {"", "1.0", "1", "bench", "127.0.0.1", "", "CURVE"};
    uint8_t key[32];

    bench_check(zmq_z85_decode(key, pairs[number % pair_count].public_key) != NULL, "zmq_z85_decode");
    for (size_t i = 0; i < sizeof head / sizeof *head; i++)
        bench_check(zmq_send(socket, head[i], strlen(head[i]), ZMQ_SNDMORE) >= 0, "zmq_send");
    bench_send(socket, key, sizeof key);
}

/* Delimiter, version, id, status code, and the rest, which is skipped. */
static void take_answer(void *socket)
{
    char frame[256];
    int more = 1;

    for (int i = 0; more; i++) {
        size_t size = sizeof more;
        const int length = zmq_recv(socket, frame, sizeof frame, 0);

        bench_check(length >= 0, "zmq_recv");
        if (i == 3 && (length != 3 || memcmp(frame, "200", 3) != 0)) {
            fprintf(stderr, "a known key was answered %.*s\n", length, frame);
            exit(1);
        }
        bench_check(zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size) == 0, "zmq_getsockopt");
    }
}

static void decide(const struct bench_options *options)
{
    void *context = zmq_ctx_new();
    void *socket = bench_socket(context, ZMQ_DEALER);
    uint64_t start = 0, end = UINT64_MAX;
    size_t asked = 0, answered = 0, counted = 0;

    start_authenticator(context);
    bench_check(zmq_connect(socket, "inproc://zeromq.zap.01") == 0, "zmq_connect");
    while (asked < WINDOW)
        ask(socket, asked++);
    while (bench_now() < end) {
        take_answer(socket);
        ask(socket, asked++);
        if (++answered == 2 * WINDOW) {
            start = bench_now();
            end = start + (uint64_t)(options->seconds * 1e9);
            counted = answered;
        }
    }
    bench_result("decisions_per_second", (double)(answered - counted) * 1e9 / (double)(bench_now() - start));
    /* Answers are still on the way; the process ends with them. */
}

/* ---- handshakes ---- */

static char server_key[KEY_TEXT];
static char server_secret[KEY_TEXT];

static void serve(const struct bench_options *options, int to_parent)
{
    void *context = zmq_ctx_new();
    void *socket = bench_socket(context, ZMQ_ROUTER);
    char endpoint[256], peer[256], request[16];

    (void)options;
    start_authenticator(context);
    bench_set(socket, ZMQ_CURVE_SERVER, 1);
    bench_check(zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, server_secret, 40) == 0, "ZMQ_CURVE_SECRETKEY");
    if (config) {
        bench_check(zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, "bench", 5) == 0, "ZMQ_ZAP_DOMAIN");
        bench_set(socket, ZMQ_ZAP_ENFORCE_DOMAIN, 1);
    }
    bench_bind(socket, endpoint, sizeof endpoint);
    bench_write_line(to_parent, endpoint);
    for (;;) {
        const int size = zmq_recv(socket, peer, sizeof peer, 0);

        bench_check(size > 0, "zmq_recv");
        bench_recv(socket, request, sizeof request);
        bench_check(zmq_send(socket, peer, (size_t)size, ZMQ_SNDMORE) == size, "zmq_send");
        bench_send(socket, request, sizeof request);
    }
}

static double connect_once(void *context, const char *endpoint, const struct pair *pair)
{
    void *socket = bench_socket(context, ZMQ_DEALER);
    char request[16] = "one request";
    uint64_t start;

    bench_set(socket, ZMQ_LINGER, 0);
    bench_check(zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server_key, 40) == 0, "ZMQ_CURVE_SERVERKEY");
    bench_check(zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, pair->public_key, 40) == 0, "ZMQ_CURVE_PUBLICKEY");
    bench_check(zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, pair->secret_key, 40) == 0, "ZMQ_CURVE_SECRETKEY");
    start = bench_now();
    bench_check(zmq_connect(socket, endpoint) == 0, "zmq_connect");
    bench_send(socket, request, sizeof request);
    bench_recv(socket, request, sizeof request);
    start = bench_now() - start;
    zmq_close(socket);
    return (double)start / 1e3;
}

static void shake_hands(const struct bench_options *options)
{
    const size_t count = (size_t)options->count;
    double *took = calloc(count, sizeof *took);
    void *context = zmq_ctx_new();
    struct bench_child child;
    char endpoint[256];

    bench_check(took != NULL, "calloc");
    bench_check(zmq_curve_keypair(server_key, server_secret) == 0, "zmq_curve_keypair");
    child = bench_fork(serve, options);
    bench_read_line(&child, endpoint, sizeof endpoint);
    for (size_t i = 0; i < WARM_UP; i++)
        (void)connect_once(context, endpoint, &pairs[i % pair_count]);
    for (size_t i = 0; i < count; i++)
        took[i] = connect_once(context, endpoint, &pairs[(i * 7919) % pair_count]);
    bench_result("handshake_us", bench_median(took, count));
    bench_kill(&child);
    free(took);
    zmq_ctx_term(context);
}

int main(int argc, char **argv)
{
    struct bench_options options = {.seconds = 1, .count = 500};
    const char *mode = argc > 2 ? argv[1] : "";

    if (strcmp(mode, "make") == 0) {
        make(strtol(argv[2], NULL, 10));
        return 0;
    }
    if (argc < 4 || (strcmp(mode, "decide") != 0 && strcmp(mode, "handshake") != 0)) {
        fprintf(stderr,
                "usage: bench_auth make COUNT | decide FILE KEYS [options] | handshake FILE|- KEYS [options]\n");
        return 2;
    }
    config = strcmp(argv[2], "-") == 0 ? NULL : argv[2];
    read_pairs(argv[3]);
    bench_start(argc - 3, argv + 3, &options);
    if (strcmp(mode, "decide") == 0)
        decide(&options);
    else
        shake_hands(&options);
    free(pairs);
    return 0;
}
