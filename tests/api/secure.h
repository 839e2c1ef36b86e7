/* SPDX-License-Identifier: ISC */
/* Mechanisms and ZAP for the tests: keys, credentials, and a handler that is answered by hand or by a thread. */
#ifndef IH_TESTS_API_SECURE_H
#define IH_TESTS_API_SECURE_H

#include "support.h"

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"
#define PLAIN_USER "admin"
#define PLAIN_PASSWORD_TEXT "secret"

/* A pair of keys in both forms. */
struct keypair {
    char public_text[41];
    char secret_text[41];
    uint8_t public_key[32];
    uint8_t secret_key[32];
};

void make_keypair(struct keypair *pair);
/* The pairs that secure_server and secure_client use: the same for the whole process. */
const struct keypair *server_keys(void);
const struct keypair *client_keys(void);

/* mechanism is ZMQ_NULL, ZMQ_PLAIN or ZMQ_CURVE. PLAIN needs a handler. */
void secure_server(void *socket, int mechanism);
void secure_client(void *socket, int mechanism);
const char *mechanism_name(int mechanism);

/* --- A handler that the test itself answers --- */

#define ZAP_FRAMES 12

/* One request as it came: routing id, delimiter, and the frames of RFC 27. */
struct zap_request {
    size_t count;
    size_t sizes[ZAP_FRAMES];
    uint8_t frames[ZAP_FRAMES][256];
};

enum {
    ZAP_ROUTING_ID,
    ZAP_DELIMITER,
    ZAP_VERSION,
    ZAP_REQUEST_ID,
    ZAP_DOMAIN_FRAME,
    ZAP_ADDRESS,
    ZAP_IDENTITY,
    ZAP_MECHANISM,
    ZAP_CREDENTIALS
};

/* A ROUTER bound to ZAP_ENDPOINT. */
void *open_handler(struct world *world);
void zap_receive(void *handler, struct zap_request *request);
bool zap_frame_is(const struct zap_request *request, size_t index, const char *text);
/* Sends the routing id of the request, then these frames, which end with one whose data are NULL. */
struct zap_frame {
    const void *data;
    size_t size;
};
void zap_send(void *handler, const struct zap_request *request, const struct zap_frame *frames);
/* A well-formed reply. */
void zap_reply(void *handler, const struct zap_request *request, const char *status, const char *user,
               const void *metadata, size_t metadata_size);

/* --- A server that asks a handler, and a client of it --- */

#define TEST_DOMAIN "test.domain"

/* Two sockets with monitors of all their events, the server bound; lives on the stack of the test. */
struct zap_pair {
    void *server;
    void *client;
    void *server_monitor;
    void *client_monitor;
    char endpoint[ENDPOINT_MAX];
};
/* The server has TEST_DOMAIN as its domain. Connecting is left to the test. */
struct zap_pair open_zap_pair(struct world *world, int mechanism, int server_type, int client_type);
/* PULL and PUSH, connected. */
struct zap_pair connect_zap_pair(struct world *world, int mechanism);
/* The next thing that was decided about a connection: success, failure, or its end. */
struct event next_outcome(void *monitor);
/* Both ends succeed, and a message passes. */
void expect_zap_success(const struct zap_pair *pair);
/* Answers the next request: with 200 and this user, or with this status. */
void zap_admit(void *handler, const char *user);
void zap_refuse(void *handler, const char *status);

/* --- A handler on a thread that lets everybody in as user "somebody" --- */

/* Fixtures: the world in *state has such a handler. */
int zap_world_setup(void **state);
int zap_world_teardown(void **state);
#define zap_world_test(function) cmocka_unit_test_setup_teardown(function, zap_world_setup, zap_world_teardown)

#endif
