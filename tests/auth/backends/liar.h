/* SPDX-License-Identifier: ISC */
/* A server that lies: a thread that accepts connections, and one more for each, on which a test's function talks. */
#ifndef TESTS_AUTH_BACKENDS_LIAR_H
#define TESTS_AUTH_BACKENDS_LIAR_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* Talks until the peer or the test has had enough; then the connection is shut down. */
typedef void(liar_fn)(int fd, void *arg);

enum { LIAR_CONNECTIONS = 16 };

/* Owner: the test. */
struct liar {
    liar_fn *talk;
    void *arg;
    pthread_t thread;
    int listener;
    int port; /* of TCP on loopback */
    /* In the order in which they came. The accepting thread's until it has ended, then the test's. */
    struct liar_connection {
        struct liar *liar;
        pthread_t thread;
        int fd; /* open until the end: a number that another gets is nobody's */
    } connections[LIAR_CONNECTIONS];
    int count;
};

/* path: of a unix socket; NULL: TCP, on a port of the system's choice. */
void liar_begin(struct liar *liar, const char *path, liar_fn *fn, void *arg);
void liar_end(struct liar *liar); /* closes what is open, and waits until nobody talks any more */

/* For talking: false if the peer is gone. */
bool liar_read(int fd, void *octets, size_t size);
bool liar_write(int fd, const void *octets, size_t size);
void liar_wait(int fd);                 /* reads until the peer closes */
void liar_noise(int fd, unsigned seed); /* some random octets, then waits */
void liar_drip(int fd, const void *octets,
               size_t size); /* the octets over and over, one at a time, as long as somebody is there */

#endif
