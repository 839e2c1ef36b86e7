/* SPDX-License-Identifier: ISC */
/* A relay on a thread of the test's, and peers that use it. */
#ifndef IH_TESTS_CURVE_RELAYS_H
#define IH_TESTS_CURVE_RELAYS_H

#include "curve/ends.h"

/* Owner: the test, between start_relay and stop_relay. */
struct relay {
    curve_relay_config_t config; /* to be filled in before, as far as the test wants */
    void *context;
    void *control; /* our end */
    pthread_t thread;
    const char *endpoints[2];
    char wanted[ENDPOINT_SIZE];
    char endpoint[ENDPOINT_SIZE]; /* where it is bound */
    int result;
    int error;
};

/* Runs curve_relay at an endpoint and waits until it is bound. */
void start_relay(struct relay *relay, void *context, const char *endpoint);

/* By "TERMINATE"; it must have ended well. */
void stop_relay(struct relay *relay);

/* A peer that lets everybody in and reports all events; connected unless endpoint is NULL. */
curve_socket_t *make_peer(const struct ends *ends, int key, const char *endpoint);

/* A DEALER that speaks the relay's wire itself. */
void *make_raw(void *context, const char *endpoint);
void raw_send(void *raw, int command, const uint8_t *key, const char *envelope);

/* Waits for the next message: its command, the key (if key is not NULL) and the envelope as text ("" if it has none). */
int raw_receive(void *raw, uint8_t *key, char *envelope, size_t size);
void raw_register(void *raw, const uint8_t *key);

#endif
