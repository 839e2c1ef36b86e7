/* SPDX-License-Identifier: ISC */
/* The helpers of secure.h. */
#include "secure.h"
#include "wire.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

void make_keypair(struct keypair *pair)
{
    assert_ok(zmq_curve_keypair(pair->public_text, pair->secret_text));
    assert_non_null(zmq_z85_decode(pair->public_key, pair->public_text));
    assert_non_null(zmq_z85_decode(pair->secret_key, pair->secret_text));
}

static const struct keypair *pair_once(struct keypair *pair)
{
    if (!pair->public_text[0])
        make_keypair(pair);
    return pair;
}

const struct keypair *server_keys(void)
{
    static struct keypair pair;
    return pair_once(&pair);
}

const struct keypair *client_keys(void)
{
    static struct keypair pair;
    return pair_once(&pair);
}

void secure_server(void *socket, int mechanism)
{
    if (mechanism == ZMQ_PLAIN) {
        set_int(socket, ZMQ_PLAIN_SERVER, 1);
    } else if (mechanism == ZMQ_CURVE) {
        set_int(socket, ZMQ_CURVE_SERVER, 1);
        set_bytes(socket, ZMQ_CURVE_SECRETKEY, server_keys()->secret_text, 40);
    }
}

void secure_client(void *socket, int mechanism)
{
    if (mechanism == ZMQ_PLAIN) {
        set_bytes(socket, ZMQ_PLAIN_USERNAME, PLAIN_USER, strlen(PLAIN_USER));
        set_bytes(socket, ZMQ_PLAIN_PASSWORD, PLAIN_PASSWORD_TEXT, strlen(PLAIN_PASSWORD_TEXT));
    } else if (mechanism == ZMQ_CURVE) {
        set_bytes(socket, ZMQ_CURVE_SERVERKEY, server_keys()->public_text, 40);
        set_bytes(socket, ZMQ_CURVE_PUBLICKEY, client_keys()->public_text, 40);
        set_bytes(socket, ZMQ_CURVE_SECRETKEY, client_keys()->secret_text, 40);
    }
}

const char *mechanism_name(int mechanism)
{
    static const char *const names[] = {"NULL", "PLAIN", "CURVE"};
    return names[mechanism];
}

void *open_handler(struct world *world)
{
    void *handler = open_socket(world, ZMQ_ROUTER);
    assert_ok(zmq_bind(handler, ZAP_ENDPOINT));
    return handler;
}

void zap_receive(void *handler, struct zap_request *request)
{
    request->count = 0;
    do {
        assert_true(request->count < ZAP_FRAMES);
        const int size = zmq_recv(handler, request->frames[request->count], sizeof *request->frames, 0);
        assert_in_range(size, 0, sizeof *request->frames);
        request->sizes[request->count++] = (size_t)size;
    } while (get_int(handler, ZMQ_RCVMORE));
}

bool zap_frame_is(const struct zap_request *request, size_t index, const char *text)
{
    return index < request->count && request->sizes[index] == strlen(text) &&
           memcmp(request->frames[index], text, strlen(text)) == 0;
}

void zap_send(void *handler, const struct zap_request *request, const struct zap_frame *frames)
{
    send_bytes(handler, request->frames[ZAP_ROUTING_ID], request->sizes[ZAP_ROUTING_ID], ZMQ_SNDMORE);
    for (; frames->data; frames++)
        send_bytes(handler, frames->data, frames->size, frames[1].data ? ZMQ_SNDMORE : 0);
}

void zap_reply(void *handler, const struct zap_request *request, const char *status, const char *user,
               const void *metadata, size_t metadata_size)
{
    const struct zap_frame frames[] = {
        {"", 0},
        {"1.0", 3},
        {request->frames[ZAP_REQUEST_ID], request->sizes[ZAP_REQUEST_ID]},
        {status, strlen(status)},
        {"text", 4},
        {user, strlen(user)},
        {metadata ? metadata : "", metadata_size},
        {NULL, 0},
    };
    zap_send(handler, request, frames);
}

struct zap_pair open_zap_pair(struct world *world, int mechanism, int server_type, int client_type)
{
    struct zap_pair pair = {.server = open_socket(world, server_type), .client = open_socket(world, client_type)};
    secure_server(pair.server, mechanism);
    secure_client(pair.client, mechanism);
    set_bytes(pair.server, ZMQ_ZAP_DOMAIN, TEST_DOMAIN, strlen(TEST_DOMAIN));
    pair.server_monitor = watch(world, pair.server, ZMQ_EVENT_ALL);
    pair.client_monitor = watch(world, pair.client, ZMQ_EVENT_ALL);
    bind_any(world, pair.server, "tcp", pair.endpoint);
    return pair;
}

struct zap_pair connect_zap_pair(struct world *world, int mechanism)
{
    const struct zap_pair pair = open_zap_pair(world, mechanism, ZMQ_PULL, ZMQ_PUSH);
    assert_ok(zmq_connect(pair.client, pair.endpoint));
    return pair;
}

struct event next_outcome(void *monitor)
{
    return await_event(monitor, OUTCOME);
}

void expect_zap_success(const struct zap_pair *pair)
{
    assert_int_equal(next_outcome(pair->server_monitor).kind, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    assert_int_equal(next_outcome(pair->client_monitor).kind, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    send_str(pair->client, "inside");
    expect_str(pair->server, "inside");
}

void zap_admit(void *handler, const char *user)
{
    struct zap_request request;
    zap_receive(handler, &request);
    zap_reply(handler, &request, "200", user, NULL, 0);
}

void zap_refuse(void *handler, const char *status)
{
    struct zap_request request;
    zap_receive(handler, &request);
    zap_reply(handler, &request, status, "", NULL, 0);
}

/* Owned by the fixture, one at a time: the thread that answers, and the socket that is its alone once it runs. */
static struct {
    void *socket;
    pthread_t thread;
} doorman;

/* One request of the REP socket: notes the request id, skips the rest. Returns false at the end of the context. */
static bool read_request(void *socket, char id[256], size_t *id_size)
{
    char frame[256];
    for (int index = 0;; index++) {
        const int size = zmq_recv(socket, frame, sizeof frame, 0);
        if (size < 0)
            return false;
        if (index == 1) {
            memcpy(id, frame, sizeof frame);
            *id_size = (size_t)size;
        }
        int more = 0;
        size_t length = sizeof more;
        if (zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &length) != 0)
            return false;
        if (!more)
            return true;
    }
}

static void *run_doorman(void *socket)
{
    char id[256];
    size_t id_size = 0;
    while (read_request(socket, id, &id_size)) {
        zmq_send(socket, "1.0", 3, ZMQ_SNDMORE);
        zmq_send(socket, id, id_size, ZMQ_SNDMORE);
        zmq_send(socket, "200", 3, ZMQ_SNDMORE);
        zmq_send(socket, "OK", 2, ZMQ_SNDMORE);
        zmq_send(socket, "somebody", 8, ZMQ_SNDMORE);
        zmq_send(socket, "", 0, 0);
    }
    zmq_close(socket);
    return NULL;
}

int zap_world_setup(void **state)
{
    if (world_setup(state) != 0)
        return -1;
    struct world *world = *state;
    const int none = 0;
    doorman.socket = zmq_socket(world->context, ZMQ_REP);
    if (!doorman.socket || zmq_setsockopt(doorman.socket, ZMQ_LINGER, &none, sizeof none) != 0 ||
        zmq_bind(doorman.socket, ZAP_ENDPOINT) != 0)
        return -1;
    return pthread_create(&doorman.thread, NULL, run_doorman, doorman.socket) == 0 ? 0 : -1;
}

/* The end of the context is what ends the thread's wait. */
int zap_world_teardown(void **state)
{
    struct world *world = *state;
    stop_watching(world);
    zmq_ctx_shutdown(world->context);
    pthread_join(doorman.thread, NULL);
    return world_teardown(state);
}
