/* SPDX-License-Identifier: ISC */

/* What the benchmark programs share; see bench.h. */

#include "bench.h"

#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

/* Z85 keys of this run: made before the fork, read-only afterwards. */
static char server_public[41], server_secret[41], client_public[41], client_secret[41];

void bench_check(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s: %s\n", what, zmq_strerror(errno));
    exit(EXIT_FAILURE);
}

static void print_library(void)
{
    Dl_info info;
    void (*any)(int *, int *, int *) = zmq_version;
    void *address;

    memcpy(&address, &any, sizeof address);
    if (dladdr(address, &info) != 0)
        printf("library %s\n", info.dli_fname);
}

static void parse_options(int argc, char **argv, struct bench_options *options)
{
    static const struct option names[] = {
        {"curve", no_argument, NULL, 'c'},       {"size", required_argument, NULL, 's'},
        {"count", required_argument, NULL, 'n'}, {"seconds", required_argument, NULL, 't'},
        {"limit", required_argument, NULL, 'l'}, {NULL, 0, NULL, 0},
    };
    int letter;

    while ((letter = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (letter == 'c')
            options->curve = 1;
        else if (letter == 's')
            options->size = strtoul(optarg, NULL, 10);
        else if (letter == 'n')
            options->count = strtol(optarg, NULL, 10);
        else if (letter == 't')
            options->seconds = strtod(optarg, NULL);
        else if (letter == 'l')
            options->limit = strtol(optarg, NULL, 10);
        else
            exit(2);
    }
}

void bench_start(int argc, char **argv, struct bench_options *options)
{
    if (options->limit == 0)
        options->limit = 60;
    parse_options(argc, argv, options);
    alarm((unsigned)options->limit);
    print_library();
    bench_check(zmq_curve_keypair(server_public, server_secret) == 0, "zmq_curve_keypair");
    bench_check(zmq_curve_keypair(client_public, client_secret) == 0, "zmq_curve_keypair");
}

uint64_t bench_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

double bench_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return values[count / 2];
}

void bench_result(const char *name, double value)
{
    printf("%s %.6g\n", name, value);
    fflush(stdout);
}

struct bench_child bench_fork(void (*far_end)(const struct bench_options *options, int to_parent),
                              const struct bench_options *options)
{
    struct bench_child child;
    int fds[2];

    fflush(stdout);
    bench_check(pipe(fds) == 0, "pipe");
    child.pid = fork();
    bench_check(child.pid >= 0, "fork");
    if (child.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm((unsigned)options->limit);
        close(fds[0]);
        far_end(options, fds[1]);
        exit(EXIT_SUCCESS);
    }
    close(fds[1]);
    child.from_child = fds[0];
    return child;
}

void bench_read_line(const struct bench_child *child, char *line, size_t size)
{
    size_t used = 0;

    while (used < size - 1) {
        ssize_t n = read(child->from_child, line + used, 1);

        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = EPIPE;
        bench_check(n == 1, "the other process ended early");
        if (line[used] == '\n')
            break;
        used++;
    }
    line[used] = '\0';
}

void bench_write_line(int to_parent, const char *line)
{
    bench_check(dprintf(to_parent, "%s\n", line) > 0, "write to the other process");
}

void bench_kill(struct bench_child *child)
{
    kill(child->pid, SIGKILL);
    waitpid(child->pid, NULL, 0);
    close(child->from_child);
}

void bench_join(struct bench_child *child)
{
    int status = 0;

    bench_check(waitpid(child->pid, &status, 0) == child->pid, "waitpid");
    close(child->from_child);
    if (status != 0)
        exit(EXIT_FAILURE);
}

void bench_set(void *socket, int option, int value)
{
    bench_check(zmq_setsockopt(socket, option, &value, sizeof value) == 0, "zmq_setsockopt");
}

static void set_key(void *socket, int option, const char *key)
{
    bench_check(zmq_setsockopt(socket, option, key, strlen(key)) == 0, "zmq_setsockopt, a key");
}

void bench_serve_curve(void *socket, const struct bench_options *options)
{
    if (!options->curve)
        return;
    bench_set(socket, ZMQ_CURVE_SERVER, 1);
    set_key(socket, ZMQ_CURVE_SECRETKEY, server_secret);
}

void bench_join_curve(void *socket, const struct bench_options *options)
{
    if (!options->curve)
        return;
    set_key(socket, ZMQ_CURVE_SERVERKEY, server_public);
    set_key(socket, ZMQ_CURVE_PUBLICKEY, client_public);
    set_key(socket, ZMQ_CURVE_SECRETKEY, client_secret);
}

void *bench_socket(void *context, int type)
{
    void *socket = zmq_socket(context, type);

    bench_check(socket != NULL, "zmq_socket");
    return socket;
}

void bench_bind(void *socket, char *endpoint, size_t size)
{
    bench_check(zmq_bind(socket, "tcp://127.0.0.1:*") == 0, "zmq_bind");
    bench_check(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0, "ZMQ_LAST_ENDPOINT");
}

void bench_send(void *socket, const void *data, size_t size)
{
    bench_check(zmq_send(socket, data, size, 0) == (int)size, "zmq_send");
}

void bench_recv(void *socket, void *data, size_t size)
{
    int n = zmq_recv(socket, data, size, 0);

    if (n >= 0 && n != (int)size)
        errno = EMSGSIZE;
    bench_check(n == (int)size, "zmq_recv");
}
