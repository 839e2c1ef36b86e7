/* SPDX-License-Identifier: ISC */
/* What the tests of virtual sockets share: contexts, certificates, waiting for events. */
#ifndef IH_TESTS_CURVE_ENDS_H
#define IH_TESTS_CURVE_ENDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <curve.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

enum { ENDPOINT_SIZE = 256, PATIENCE_MS = 20000, KEYS = 4 };

/* What every test gets, the same of a program. */
struct ends {
    void *context;
    curve_cert_t *server_cert;
    curve_cert_t *certs[KEYS];
    char folder[32];
};

/* Runs a program's tests. After one that fails the others are left out, and what it had open stays so: the end of the
 * context would wait for it for ever. */
int run_ends(const char *name, const struct CMUnitTest *tests, size_t count);

const uint8_t *key_of(const curve_cert_t *cert);

/* An endpoint to bind, of a transport: "tcp", "ipc", "inproc". */
const char *endpoint_for(const struct ends *ends, const char *transport, const char *name);

/* A server that lets everybody in, bound; endpoint: where to connect. */
curve_socket_t *make_server(const struct ends *ends, const char *transport, char *endpoint);
curve_socket_t *make_client(const struct ends *ends, int key, const char *endpoint);

/* Fails the test if it does not come in time. Waits through others. */
void expect_event(curve_socket_t *socket, int event, curve_event_t *found);

void send_text(curve_socket_t *socket, const char *text);
void expect_text(curve_socket_t *socket, const char *text);

/* With the frame that names the other end before it. expect_from fills in id (CURVE_ID_SIZE). */
void send_to(curve_socket_t *socket, const void *id, size_t size, const char *text);
void expect_from(curve_socket_t *socket, uint8_t *id, const char *text);

void close_all(curve_socket_t *one, curve_socket_t *other);

#endif
