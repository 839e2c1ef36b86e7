/* SPDX-License-Identifier: ISC */
/* A man in the middle: a client and a server of the library whose octets pass through the test. */
#ifndef IH_TESTS_OWN_RELAY_H
#define IH_TESTS_OWN_RELAY_H

#include "hostile.h"

/* Lives on the stack of the test. */
struct relay {
    struct arena arena; /* the server, its monitor and its healthy peer */
    void *client;
    void *monitor; /* the client's */
    int listener;  /* where the client connects to */
    char endpoint[ENDPOINT_MAX];
    int to_client, to_server; /* the present connection */
};

void relay_open(struct relay *relay, struct world *world, int mechanism);
/* A new connection of the client, and ours to the server. */
void relay_connect(struct relay *relay);
/* Closes both; awaits that both have noticed it. */
void relay_close(struct relay *relay);

/* What one side sends in a handshake, one after the other: steps 0, 1, ... alternate between client and server. */
int relay_steps(const struct relay *relay);
bool relay_from_client(int step);
/* Reads that piece (a greeting, a frame). */
void relay_read(struct relay *relay, int step, struct octets *piece);
/* Passes it on as it is. */
void relay_write(struct relay *relay, int step, const struct octets *piece);
/* Passes the handshake on up to (without) that step. */
void relay_pass(struct relay *relay, int steps);
/* The whole handshake; both ends are READY. */
void relay_join(struct relay *relay);

/* One frame of the client or the server, with its head. */
void relay_read_frame(int fd, struct octets *frame);

#endif
