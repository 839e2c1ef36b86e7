/* SPDX-License-Identifier: ISC */

/*
 * What the machine itself can do, with no libzmq in between: TCP ping-pong (sleeping until data comes, and polling
 * without sleep: the difference is what the system takes to wake a process) and stream over the loopback by plain send
 * and recv, and libsodium's box with a key that is already agreed on.
 */

#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PING = 16, CHUNK = 65536, WARM_UP = 500, BATCH = 64 };

static void send_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);

        bench_check(n > 0, "send");
        data += n;
        size -= (size_t)n;
    }
}

/* With MSG_DONTWAIT in the flags this asks again and again instead of sleeping. */
static void recv_all(int fd, char *data, size_t size, int flags)
{
    while (size > 0) {
        ssize_t n = recv(fd, data, size, flags);

        if (n < 0 && errno == EAGAIN)
            continue;
        bench_check(n > 0, "recv");
        data += n;
        size -= (size_t)n;
    }
}

/* Listens, tells the port, and returns the one connection that comes. */
static int accept_one(int to_parent)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), fd, on = 1;
    char text[16];

    bench_check(listener >= 0 && bind(listener, (struct sockaddr *)&address, size) == 0, "bind");
    bench_check(listen(listener, 1) == 0, "listen");
    bench_check(getsockname(listener, (struct sockaddr *)&address, &size) == 0, "getsockname");
    snprintf(text, sizeof text, "%u", ntohs(address.sin_port));
    bench_write_line(to_parent, text);
    fd = accept(listener, NULL, NULL);
    bench_check(fd >= 0, "accept");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    close(listener);
    return fd;
}

static int connect_to(const struct bench_child *child)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    char text[16];

    bench_read_line(child, text, sizeof text);
    address.sin_port = htons((uint16_t)strtoul(text, NULL, 10));
    bench_check(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void echo(const struct bench_options *options, int to_parent, int flags)
{
    int fd = accept_one(to_parent);
    char data[PING];

    for (long i = 0; i < options->count + WARM_UP; i++) {
        recv_all(fd, data, sizeof data, flags);
        send_all(fd, data, sizeof data);
    }
    close(fd);
}

static void echo_sleeping(const struct bench_options *options, int to_parent)
{
    echo(options, to_parent, 0);
}

static void echo_polling(const struct bench_options *options, int to_parent)
{
    echo(options, to_parent, MSG_DONTWAIT);
}

static void ping_pong(const struct bench_options *options, int flags)
{
    struct bench_child child = bench_fork(flags == 0 ? echo_sleeping : echo_polling, options);
    int fd = connect_to(&child);
    double *one_way = calloc((size_t)options->count, sizeof *one_way);
    char data[PING] = {0};

    bench_check(one_way != NULL, "calloc");
    for (long i = -WARM_UP; i < options->count; i++) {
        uint64_t start = bench_now();

        send_all(fd, data, sizeof data);
        recv_all(fd, data, sizeof data, flags);
        if (i >= 0)
            one_way[i] = (double)(bench_now() - start) / 2e3;
    }
    bench_result(flags == 0 ? "tcp_one_way_us" : "tcp_polling_one_way_us",
                 bench_median(one_way, (size_t)options->count));
    free(one_way);
    close(fd);
    bench_join(&child);
}

/* Sends until it is killed. */
static void flood(const struct bench_options *options, int to_parent)
{
    int fd = accept_one(to_parent);
    char *data = calloc(1, CHUNK);

    (void)options;
    bench_check(data != NULL, "calloc");
    for (;;)
        send_all(fd, data, CHUNK);
}

static uint64_t receive_until(int fd, char *data, uint64_t end)
{
    uint64_t count = 0;

    do {
        ssize_t n = recv(fd, data, CHUNK, 0);

        bench_check(n > 0, "recv");
        count += (uint64_t)n;
    } while (bench_now() < end);
    return count;
}

static void stream(const struct bench_options *options)
{
    struct bench_child child = bench_fork(flood, options);
    int fd = connect_to(&child);
    uint64_t span = (uint64_t)(options->seconds * 1e9), start, count;
    char *data = malloc(CHUNK);

    bench_check(data != NULL, "malloc");
    receive_until(fd, data, bench_now() + span / 5);
    start = bench_now();
    count = receive_until(fd, data, start + span);
    bench_result("tcp_megabytes_per_second", (double)count * 1e3 / (double)(bench_now() - start));
    free(data);
    bench_kill(&child);
    close(fd);
}

static void box(const char *name, size_t size, const struct bench_options *options)
{
    unsigned char public[crypto_box_PUBLICKEYBYTES], secret[crypto_box_SECRETKEYBYTES];
    unsigned char key[crypto_box_BEFORENMBYTES], nonce[crypto_box_NONCEBYTES] = {0};
    unsigned char *plain = calloc(1, size), *sealed = calloc(1, size + crypto_box_MACBYTES);
    uint64_t start, end, count = 0;

    bench_check(plain != NULL && sealed != NULL, "calloc");
    crypto_box_keypair(public, secret);
    bench_check(crypto_box_beforenm(key, public, secret) == 0, "crypto_box_beforenm");
    start = bench_now();
    end = start + (uint64_t)(options->seconds * 1e9);
    do {
        for (int i = 0; i < BATCH; i++) {
            crypto_box_easy_afternm(sealed, plain, size, nonce, key);
            sodium_increment(nonce, sizeof nonce);
        }
        count += BATCH;
    } while (bench_now() < end);
    bench_result(name, (double)count * 1e9 / (double)(bench_now() - start));
    free(plain);
    free(sealed);
}

int main(int argc, char **argv)
{
    struct bench_options options = {.count = 5000, .seconds = 1};

    bench_start(argc, argv, &options);
    bench_check(sodium_init() >= 0, "sodium_init");
    ping_pong(&options, 0);
    ping_pong(&options, MSG_DONTWAIT);
    stream(&options);
    box("box_16_per_second", 16, &options);
    box("box_1024_per_second", 1024, &options);
    box("box_65536_per_second", 65536, &options);
    return 0;
}
