/* SPDX-License-Identifier: ISC */

/*
 * What the benchmark programs share: two processes and a pipe between them, keys, options, the clock.
 * Everything here fails by ending the program with a message: a benchmark has nothing to recover.
 */

#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What the command line asked for; the same struct for every program, each reads what concerns it. */
struct bench_options {
    int curve;      /* CURVE instead of NULL */
    size_t size;    /* octets in a message */
    long count;     /* round trips, connections */
    double seconds; /* how long to measure */
    long limit;     /* the program is killed after so many seconds */
};

/* The second process, which runs the far end. Belongs to the process that forked it. */
struct bench_child {
    pid_t pid;
    int from_child; /* what the child says arrives here */
};

/*
 * Reads --curve --size N --count N --seconds S --limit S over the defaults in *options, starts the alarm that ends a
 * program that hangs, makes the keys, and prints the path of the libzmq that is loaded.
 */
void bench_start(int argc, char **argv, struct bench_options *options);

/* Ends the program with `what` and the reason that errno names, unless `ok`. */
void bench_check(int ok, const char *what);

/* Nanoseconds of a clock that only goes forward. */
uint64_t bench_now(void);

/* Sorts the values; the middle one. */
double bench_median(double *values, size_t count);

/* Prints one result: "name value". */
void bench_result(const char *name, double value);

/* Runs far_end(options, fd) in a second process, which ends when it returns or when this process ends. */
struct bench_child bench_fork(void (*far_end)(const struct bench_options *options, int to_parent),
                              const struct bench_options *options);

/* Reads one line that the child wrote, without its end. */
void bench_read_line(const struct bench_child *child, char *line, size_t size);

/* Writes one line for the parent. */
void bench_write_line(int to_parent, const char *line);

/* Ends the child, which may still be running, and waits for it. */
void bench_kill(struct bench_child *child);

/* Waits for the child to end by itself; it must end well. */
void bench_join(struct bench_child *child);

/* Makes the socket a CURVE server or client with this run's keys, if the options say so. */
void bench_serve_curve(void *socket, const struct bench_options *options);
void bench_join_curve(void *socket, const struct bench_options *options);

void *bench_socket(void *context, int type);

/* Binds to any free port of the loopback and says where. */
void bench_bind(void *socket, char *endpoint, size_t size);

void bench_set(void *socket, int option, int value);

/* Sends or receives one message of exactly this size. */
void bench_send(void *socket, const void *data, size_t size);
void bench_recv(void *socket, void *data, size_t size);

#endif
