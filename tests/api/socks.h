/* SPDX-License-Identifier: ISC */
/* A SOCKS5 proxy (RFC 1928) whose part in the dialogue the test itself speaks, octet by octet; what follows is passed
 * on by a thread. For the main thread: it asserts. */
#ifndef IH_TESTS_API_SOCKS_H
#define IH_TESTS_API_SOCKS_H

#include <pthread.h>

#include "support.h"

/* By number: a stable zmq.h hides the names. */
#define SOCKS_USERNAME 99
#define SOCKS_PASSWORD 100

/* What clients say, and what a proxy answers; without the NUL that ends the string. */
#define HELLO "\5\1\0"
#define HELLO_PASSWORD "\5\1\2"
#define NO_AUTH "\5\0"
#define PASSWORD "\5\2"
#define WELCOME "\1\0"
#define DONE "\5\0\0\1\x7f\0\0\1\x12\x34"

#define hears(fd, text) raw_expect((fd), (text), sizeof(text) - 1)
#define says(fd, text) raw_write((fd), (text), sizeof(text) - 1)

/* Lives on the stack of the test; its descriptors are the world's. */
struct proxy {
    struct world *world;
    int listener;
    char endpoint[ENDPOINT_MAX]; /* as the monitor names it */
    const char *address;         /* HOST:PORT in it */
};

void proxy_open(struct proxy *proxy, struct world *world);
/* The socket's next zmq_connect goes through it. */
void proxy_use(const struct proxy *proxy, void *socket);
/* The next connection to it. */
int proxy_accept(const struct proxy *proxy);

/* The client asks for this endpoint, which has an IPv4 address. */
void proxy_expect_request(int fd, const char *endpoint);
/* The whole dialogue, without authentication, for such an endpoint. */
void proxy_dialogue(int fd, const char *endpoint);

/* Passes octets on between a client of the proxy and an endpoint until one of both ends. */
struct forward {
    pthread_t thread;
    int fds[2];
};
void forward_start(struct forward *forward, const struct proxy *proxy, int fd, const char *endpoint);
/* Cuts it if it is still there. */
void forward_stop(struct forward *forward);

#endif
