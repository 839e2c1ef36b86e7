/* SPDX-License-Identifier: ISC */
/* A server that lies: a thread that accepts connections, one at a time, and lets a test's function talk on each. */
#ifndef TESTS_AUTH_BACKENDS_LIAR_H
#define TESTS_AUTH_BACKENDS_LIAR_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* Talks until the peer or the test has had enough; then the connection is closed. */
typedef void(liar_fn)(int fd, void *arg);

/* Owner: the test. */
struct liar {
    liar_fn *talk;
    void *arg;
    pthread_t thread;
    pthread_mutex_t lock;
    int listener;
    int fd;    /* of the connection that it talks on, -1: none; under the lock */
    bool over; /* under the lock */
    int port;  /* of TCP on loopback */
};

/* path: of a unix socket; NULL: TCP, on a port of the system's choice. */
void liar_begin(struct liar *liar, const char *path, liar_fn *talk, void *arg);
void liar_end(struct liar *liar); /* closes what is open, and waits until nobody talks any more */

/* For talking: false if the peer is gone. */
bool liar_read(int fd, void *octets, size_t size);
bool liar_write(int fd, const void *octets, size_t size);
void liar_wait(int fd);                 /* reads until the peer closes */
void liar_noise(int fd, unsigned seed); /* some random octets, then waits */
void liar_drip(int fd, const void *octets,
               size_t size); /* the octets over and over, one at a time, as long as somebody is there */

#endif
