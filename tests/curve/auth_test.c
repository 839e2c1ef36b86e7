/* SPDX-License-Identifier: ISC */
/* Who gets in, and how long. */
#include "curve/ends.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* A server bound, that lets nobody in yet. */
static curve_socket_t *make_strict(const struct ends *ends)
{
    curve_socket_t *server = curve_server_new(ends->context, ends->server_cert);

    assert_non_null(server);
    assert_int_equal(curve_monitor(server, CURVE_EVENT_ALL), 0);
    return server;
}

static void bind_at(curve_socket_t *server, char *endpoint)
{
    assert_int_equal(curve_bind(server, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(curve_last_endpoint(server, endpoint, ENDPOINT_SIZE), 0);
}

static void expect_refused(const struct ends *ends, curve_socket_t *server, curve_socket_t *client, int key)
{
    curve_event_t event;

    expect_event(client, CURVE_EVENT_REFUSED, &event);
    assert_int_equal(event.value, CURVE_ERROR_REFUSED);
    expect_event(server, CURVE_EVENT_REFUSED, &event);
    assert_int_equal(event.value, CURVE_ERROR_REFUSED);
    assert_memory_equal(event.id, key_of(ends->certs[key]), CURVE_KEY_SIZE);
}

static void test_allow(void **state)
{
    const struct ends *ends = *state;
    char endpoint[ENDPOINT_SIZE];
    uint8_t id[CURVE_ID_SIZE];
    curve_socket_t *server = make_strict(ends);
    curve_socket_t *client = NULL;

    bind_at(server, endpoint);
    client = make_client(ends, 0, endpoint);
    send_text(client, "let me in");
    expect_refused(ends, server, client, 0);
    /* It tries again, and what waits is sent then. */
    assert_int_equal(curve_allow(server, key_of(ends->certs[1])), 0);
    assert_int_equal(curve_allow(server, key_of(ends->certs[0])), 0);
    expect_from(server, id, "let me in");
    close_all(client, server);
}

static void test_deny(void **state)
{
    const struct ends *ends = *state;
    char endpoint[ENDPOINT_SIZE];
    uint8_t id[CURVE_ID_SIZE];
    curve_socket_t *server = make_strict(ends);
    curve_socket_t *client = NULL;

    assert_int_equal(curve_allow(server, key_of(ends->certs[0])), 0);
    bind_at(server, endpoint);
    client = make_client(ends, 0, endpoint);
    send_text(client, "in");
    expect_from(server, id, "in");
    assert_int_equal(curve_deny(server, key_of(ends->certs[0])), 0);
    expect_event(client, CURVE_EVENT_CLOSED, NULL);
    errno = 0;
    assert_int_equal(curve_send(server, id, CURVE_ID_SIZE, ZMQ_SNDMORE), -1);
    assert_int_equal(errno, EHOSTUNREACH);
    send_text(client, "again");
    expect_refused(ends, server, client, 0);
    close_all(client, server);
}

/* The server's key is another one: nothing is sent to whoever is there. */
static void test_wrong_server(void **state)
{
    const struct ends *ends = *state;
    char endpoint[ENDPOINT_SIZE];
    curve_socket_t *server = make_strict(ends);
    curve_socket_t *client = curve_client_new(ends->context, ends->certs[0], key_of(ends->certs[1]));

    assert_int_equal(curve_allow(server, NULL), 0);
    bind_at(server, endpoint);
    assert_int_equal(curve_connect(client, endpoint), 0);
    assert_int_equal(curve_set(client, CURVE_LINGER, 0), 0);
    send_text(client, "secret");
    expect_event(server, CURVE_EVENT_SUSPECT, NULL);
    assert_int_equal(curve_recv(server, NULL, 0, ZMQ_DONTWAIT), -1);
    close_all(client, server);
}

/* ---- the callback ---- */

struct question {
    const uint8_t *expected;
    atomic_int asked;
};

static int ask(void *arg, const uint8_t *key)
{
    struct question *question = arg;

    question->asked++;
    return memcmp(key, question->expected, CURVE_KEY_SIZE) == 0;
}

static void test_callback(void **state)
{
    const struct ends *ends = *state;
    struct question question = {.expected = key_of(ends->certs[0])};
    char endpoint[ENDPOINT_SIZE];
    uint8_t id[CURVE_ID_SIZE];
    curve_socket_t *server = make_strict(ends);
    curve_socket_t *client = NULL;
    curve_socket_t *refused = NULL;

    assert_int_equal(curve_authenticate(server, ask, &question), 0);
    bind_at(server, endpoint);
    assert_int_equal(curve_authenticate(server, ask, &question), -1);
    assert_int_equal(errno, EINVAL);
    refused = make_client(ends, 1, endpoint);
    expect_refused(ends, server, refused, 1);
    client = make_client(ends, 0, endpoint);
    send_text(client, "in");
    expect_from(server, id, "in");
    assert_true(question.asked >= 2);
    assert_int_equal(curve_close(&refused), 0);
    close_all(client, server);
}

/* ---- the ZAP handler ---- */

/* A handler that answers one request after the other as the test tells it. */
static void *open_handler(const struct ends *ends)
{
    void *handler = zmq_socket(ends->context, ZMQ_REP);
    int patience = PATIENCE_MS;

    assert_int_equal(zmq_setsockopt(handler, ZMQ_RCVTIMEO, &patience, sizeof(patience)), 0);
    /* On libzmq an address is free again some time after its socket was closed. */
    while (zmq_bind(handler, "inproc://zeromq.zap.01") != 0)
        assert_int_equal(errno, EADDRINUSE);
    return handler;
}

static int next_frame(void *handler, char *text, size_t size)
{
    int got = zmq_recv(handler, text, size - 1, 0);

    assert_true(got >= 0);
    text[got] = '\0';
    return got;
}

/* Fills in the id. */
static int take_request(const struct ends *ends, void *handler, int key, char *id)
{
    char text[256];
    int size;

    (void)next_frame(handler, text, sizeof(text));
    assert_string_equal(text, "1.0");
    size = next_frame(handler, id, 256);
    (void)next_frame(handler, text, sizeof(text));
    assert_string_equal(text, "house");
    (void)next_frame(handler, text, sizeof(text));
    (void)next_frame(handler, text, sizeof(text));
    (void)next_frame(handler, text, sizeof(text));
    assert_string_equal(text, "CURVE");
    assert_int_equal(next_frame(handler, text, sizeof(text)), CURVE_KEY_SIZE);
    assert_memory_equal(text, key_of(ends->certs[key]), CURVE_KEY_SIZE);
    return size;
}

static void answer(void *handler, const char *version, const char *id, int id_size, const char *code)
{
    assert_true(zmq_send(handler, version, strlen(version), ZMQ_SNDMORE) >= 0);
    assert_true(zmq_send(handler, id, (size_t)id_size, ZMQ_SNDMORE) >= 0);
    assert_true(zmq_send(handler, code, strlen(code), ZMQ_SNDMORE) >= 0);
    assert_true(zmq_send(handler, "text", 4, ZMQ_SNDMORE) >= 0);
    assert_true(zmq_send(handler, "user", 4, ZMQ_SNDMORE) >= 0);
    assert_true(zmq_send(handler, "", 0, 0) >= 0);
}

static void test_zap(void **state)
{
    const struct ends *ends = *state;
    char endpoint[ENDPOINT_SIZE];
    char request[256];
    uint8_t id[CURVE_ID_SIZE];
    int size;
    void *handler = open_handler(ends);
    curve_socket_t *server = make_strict(ends);
    curve_socket_t *known = NULL;
    curve_socket_t *client = NULL;

    assert_int_equal(curve_authenticate_zap(server, "house"), 0);
    assert_int_equal(curve_allow(server, key_of(ends->certs[1])), 0);
    bind_at(server, endpoint);
    client = make_client(ends, 0, endpoint);
    size = take_request(ends, handler, 0, request);
    /* Meanwhile others are served. */
    known = make_client(ends, 1, endpoint);
    send_text(known, "others");
    expect_from(server, id, "others");
    answer(handler, "1.0", request, size, "400");
    expect_refused(ends, server, client, 0);
    size = take_request(ends, handler, 0, request);
    answer(handler, "1.0", request, size, "200");
    send_text(client, "in");
    expect_from(server, id, "in");
    assert_int_equal(curve_close(&known), 0);
    close_all(client, server);
    (void)zmq_close(handler);
}

/* Lets everybody in until a message has come. On a machine that is held up an answer, or the client's first message, may be
 * late for CURVE_HANDSHAKE_IVL; then it is asked again, or sent again. */
static void answer_all(const struct ends *ends, void *handler, curve_socket_t *server, curve_socket_t *client,
                       const char *text)
{
    zmq_pollitem_t items[] = {{curve_handle(server), 0, ZMQ_POLLIN, 0},
                              {handler, 0, ZMQ_POLLIN, 0},
                              {curve_monitor_handle(client), 0, ZMQ_POLLIN, 0}};
    char request[256];
    curve_event_t event;

    while (!items[0].revents) {
        assert_true(zmq_poll(items, 3, PATIENCE_MS) > 0);
        if (items[1].revents) {
            int size = take_request(ends, handler, 0, request);

            answer(handler, "1.0", request, size, "200");
        }
        if (items[2].revents && curve_monitor_recv(client, &event, 0) == 0 && event.event == CURVE_EVENT_UNDELIVERED)
            send_text(client, text);
    }
}

/* Neither a malformed answer, nor one to another question, nor none lets anybody in. */
static void test_zap_liar(void **state)
{
    const struct ends *ends = *state;
    char endpoint[ENDPOINT_SIZE];
    char request[256];
    uint8_t id[CURVE_ID_SIZE];
    curve_event_t event;
    int size;
    void *handler = open_handler(ends);
    curve_socket_t *server = make_strict(ends);
    curve_socket_t *client = NULL;

    assert_int_equal(curve_authenticate_zap(server, "house"), 0);
    assert_int_equal(curve_set(server, CURVE_HANDSHAKE_IVL, 300), 0);
    bind_at(server, endpoint);
    client = make_client(ends, 0, NULL);
    assert_int_equal(curve_set(client, CURVE_HANDSHAKE_IVL, 600), 0);
    assert_int_equal(curve_connect(client, endpoint), 0);
    send_text(client, "in at last");
    (void)take_request(ends, handler, 0, request);
    answer(handler, "1.0", "another", 7, "200");
    size = take_request(ends, handler, 0, request);
    answer(handler, "2.0", request, size, "200");
    size = take_request(ends, handler, 0, request);
    answer(handler, "1.0", request, size, "2000");
    (void)take_request(ends, handler, 0, request);
    assert_true(zmq_send(handler, "1.0", 3, 0) >= 0);
    size = take_request(ends, handler, 0, request);
    while (curve_monitor_recv(server, &event, 0) == 0)
        assert_int_not_equal(event.event, CURVE_EVENT_READY);
    answer(handler, "1.0", request, size, "200");
    answer_all(ends, handler, server, client, "in at last");
    expect_from(server, id, "in at last");
    close_all(client, server);
    (void)zmq_close(handler);
}

/* A handler that does not answer in time: both ends are told. */
static void test_late_zap(void **state)
{
    const struct ends *ends = *state;
    char endpoint[ENDPOINT_SIZE];
    curve_event_t event;
    curve_socket_t *server = make_strict(ends);
    curve_socket_t *client = NULL;

    assert_int_equal(curve_authenticate_zap(server, "house"), 0);
    assert_int_equal(curve_set(server, CURVE_HANDSHAKE_IVL, 50), 0);
    bind_at(server, endpoint);
    client = make_client(ends, 0, endpoint);
    expect_event(server, CURVE_EVENT_REFUSED, &event);
    assert_int_equal(event.value, CURVE_ERROR_STALE);
    assert_memory_equal(event.id, key_of(ends->certs[0]), CURVE_KEY_SIZE);
    expect_event(client, CURVE_EVENT_REFUSED, &event);
    assert_int_equal(event.value, CURVE_ERROR_REFUSED);
    close_all(client, server);
}

/* There is no handler: nobody gets in but who is allowed without being asked about. */
static void test_no_zap(void **state)
{
    const struct ends *ends = *state;
    char endpoint[ENDPOINT_SIZE];
    uint8_t id[CURVE_ID_SIZE];
    curve_event_t event;
    curve_socket_t *server = make_strict(ends);
    curve_socket_t *client = NULL;
    curve_socket_t *known = NULL;

    assert_int_equal(curve_authenticate_zap(server, "house"), 0);
    assert_int_equal(curve_allow(server, key_of(ends->certs[1])), 0);
    bind_at(server, endpoint);
    client = make_client(ends, 0, endpoint);
    send_text(client, "no");
    for (int i = 0; i < 10; i++) {
        known = make_client(ends, 1, endpoint);
        send_text(known, "yes");
        expect_from(server, id, "yes");
        assert_int_equal(curve_close(&known), 0);
    }
    while (curve_monitor_recv(server, &event, 0) == 0) {
        if (event.event == CURVE_EVENT_READY)
            assert_memory_equal(event.id, key_of(ends->certs[1]), CURVE_KEY_SIZE);
    }
    close_all(client, server);
}

/* ---- limits ---- */

static void test_max_clients(void **state)
{
    const struct ends *ends = *state;
    char endpoint[ENDPOINT_SIZE];
    uint8_t id[CURVE_ID_SIZE];
    curve_socket_t *server = make_strict(ends);
    curve_socket_t *first = NULL;
    curve_socket_t *second = NULL;

    assert_int_equal(curve_allow(server, NULL), 0);
    assert_int_equal(curve_set(server, CURVE_MAX_CLIENTS, 1), 0);
    bind_at(server, endpoint);
    first = make_client(ends, 0, endpoint);
    send_text(first, "first");
    expect_from(server, id, "first");
    second = make_client(ends, 1, endpoint);
    send_text(second, "second");
    expect_event(server, CURVE_EVENT_REFUSED, NULL);
    send_text(first, "still");
    expect_from(server, id, "still");
    assert_int_equal(curve_close(&first), 0);
    expect_from(server, id, "second");
    close_all(second, server);
}

/* Sessions of one key are told apart; the key alone means the newest. */
static void test_same_key(void **state)
{
    const struct ends *ends = *state;
    char endpoint[ENDPOINT_SIZE];
    uint8_t first_id[CURVE_ID_SIZE];
    uint8_t second_id[CURVE_ID_SIZE];
    curve_socket_t *server = make_strict(ends);
    curve_socket_t *first = NULL;
    curve_socket_t *second = NULL;

    assert_int_equal(curve_allow(server, NULL), 0);
    bind_at(server, endpoint);
    first = make_client(ends, 0, endpoint);
    send_text(first, "first");
    expect_from(server, first_id, "first");
    second = make_client(ends, 0, endpoint);
    send_text(second, "second");
    expect_from(server, second_id, "second");
    assert_memory_equal(first_id, second_id, CURVE_KEY_SIZE);
    assert_memory_not_equal(first_id, second_id, CURVE_ID_SIZE);
    send_to(server, first_id, CURVE_ID_SIZE, "to the first");
    send_to(server, first_id, CURVE_KEY_SIZE, "to the newest");
    expect_text(first, "to the first");
    expect_text(second, "to the newest");
    assert_int_equal(curve_close(&second), 0);
    expect_event(server, CURVE_EVENT_CLOSED, NULL);
    send_to(server, first_id, CURVE_KEY_SIZE, "to the one that is left");
    expect_text(first, "to the one that is left");
    close_all(first, server);
}

/* ---- metadata ---- */

static void expect_meta(curve_socket_t *socket, const void *id, size_t size, const char *name, const char *value)
{
    char got[16] = "";

    assert_int_equal(curve_peer_meta(socket, id, size, name, got, sizeof(got) - 1), (int)strlen(value));
    assert_string_equal(got, value);
}

static void refuse_meta(curve_socket_t *socket, const void *id, size_t size, const char *name, int error)
{
    errno = 0;
    assert_int_equal(curve_peer_meta(socket, id, size, name, NULL, 0), -1);
    assert_int_equal(errno, error);
}

/* Both ends read what the other one says of itself, also when the authenticator took its time; as many properties as may
 * be set arrive. */
static void test_meta(void **state)
{
    const struct ends *ends = *state;
    char endpoint[ENDPOINT_SIZE];
    char request[256];
    char three[3];
    uint8_t id[CURVE_ID_SIZE];
    void *handler = open_handler(ends);
    curve_socket_t *server = make_strict(ends);
    curve_socket_t *client = make_client(ends, 0, NULL);
    int size;

    assert_int_equal(curve_authenticate_zap(server, "house"), 0);
    assert_int_equal(curve_set_meta(server, "Room", "12"), 0);
    assert_int_equal(curve_set_meta(client, "Name", "Alice"), 0);
    assert_int_equal(curve_set_meta(client, "curve-session", "x"), -1);
    assert_int_equal(curve_set_meta(client, "a b", "x"), -1);
    for (int i = 0; i < 254; i++)
        assert_int_equal(curve_set_meta(client, "Many", "x"), 0);
    assert_int_equal(curve_set_meta(client, "Many", "x"), -1);
    assert_int_equal(errno, EINVAL);
    refuse_meta(client, NULL, 0, "Room", EHOSTUNREACH);
    bind_at(server, endpoint);
    assert_int_equal(curve_connect(client, endpoint), 0);
    send_text(client, "hello");
    size = take_request(ends, handler, 0, request);
    refuse_meta(server, key_of(ends->certs[0]), CURVE_KEY_SIZE, "Name", EHOSTUNREACH);
    answer(handler, "1.0", request, size, "200");
    expect_from(server, id, "hello");
    expect_meta(server, id, sizeof(id), "Name", "Alice");
    expect_meta(server, id, CURVE_KEY_SIZE, "NAME", "Alice");
    expect_meta(client, NULL, 0, "Room", "12");
    assert_int_equal(curve_peer_meta(server, id, sizeof(id), "Name", three, sizeof(three)), 5);
    assert_memory_equal(three, "Ali", sizeof(three));
    refuse_meta(server, id, sizeof(id), "Nothing", ENOENT);
    refuse_meta(server, id, 5, "Name", EINVAL);
    refuse_meta(server, NULL, 5, "Name", EFAULT);
    assert_int_equal(curve_close(&client), 0);
    expect_event(server, CURVE_EVENT_CLOSED, NULL);
    refuse_meta(server, id, sizeof(id), "Name", EHOSTUNREACH);
    assert_int_equal(curve_close(&server), 0);
    (void)zmq_close(handler);
}

/* ---- the hop ---- */

static void test_hop(void **state)
{
    const struct ends *ends = *state;
    char endpoint[ENDPOINT_SIZE];
    uint8_t id[CURVE_ID_SIZE];
    curve_socket_t *server = make_strict(ends);
    curve_socket_t *client = make_client(ends, 0, NULL);

    assert_int_equal(curve_allow(server, NULL), 0);
    assert_int_equal(curve_set_hop_cert(server, ends->certs[3]), 0);
    bind_at(server, endpoint);
    assert_int_equal(curve_set_hop_key(client, key_of(ends->certs[3])), 0);
    assert_int_equal(curve_connect(client, endpoint), 0);
    send_text(client, "twice sealed");
    expect_from(server, id, "twice sealed");
    expect_event(server, CURVE_EVENT_CONNECTED, NULL);
    expect_event(client, CURVE_EVENT_CONNECTED, NULL);
    close_all(client, server);
}

/* Somebody listens, takes connections and ends them: that is no connection. */
static void test_connected(void **state)
{
    const struct ends *ends = *state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    char endpoint[ENDPOINT_SIZE];
    curve_event_t event;
    int connected = 0;
    int rejected = 0;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    curve_socket_t *client = make_client(ends, 0, NULL);
    curve_socket_t *server = NULL;

    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 10), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%d", ntohs(address.sin_port));
    assert_int_equal(curve_connect(client, endpoint), 0);
    for (int i = 0; i < 3; i++) {
        int connection = accept(listener, NULL, NULL);

        assert_true(connection >= 0);
        (void)close(connection);
    }
    (void)close(listener);
    server = make_server(ends, "tcp", endpoint);
    assert_int_equal(curve_connect(client, endpoint), 0);
    send_text(client, "x");
    do {
        expect_event(client, CURVE_EVENT_ALL, &event);
        assert_int_not_equal(event.event, CURVE_EVENT_DISCONNECTED);
        connected += event.event == CURVE_EVENT_CONNECTED;
        rejected += event.event == CURVE_EVENT_REJECTED;
        assert_true(event.event != CURVE_EVENT_READY || connected == 1);
    } while (event.event != CURVE_EVENT_DELIVERED);
    assert_int_equal(connected, 1);
    assert_true(rejected > 0);
    assert_int_equal(curve_close(&server), 0);
    expect_event(client, CURVE_EVENT_DISCONNECTED, NULL);
    assert_int_equal(curve_close(&client), 0);
}

/* Events that were not asked for do not come, and none before. */
static void test_monitor(void **state)
{
    const struct ends *ends = *state;
    char endpoint[ENDPOINT_SIZE];
    curve_event_t event;
    curve_socket_t *server = make_strict(ends);
    curve_socket_t *client = curve_client_new(ends->context, ends->certs[0], key_of(ends->server_cert));
    zmq_pollitem_t item = {NULL, 0, ZMQ_POLLIN, 0};

    assert_int_equal(curve_allow(server, NULL), 0);
    bind_at(server, endpoint);
    assert_int_equal(curve_monitor_recv(client, &event, 0), -1);
    assert_int_equal(errno, ENOTSUP);
    assert_null(curve_monitor_handle(client));
    assert_int_equal(curve_connect(client, endpoint), 0);
    assert_int_equal(curve_monitor(client, 0x1000), -1);
    assert_int_equal(curve_monitor(client, CURVE_EVENT_DELIVERED), 0);
    assert_int_equal(curve_monitor_recv(client, &event, 0), -1);
    assert_int_equal(errno, EAGAIN);
    send_text(client, "x");
    item.socket = curve_monitor_handle(client);
    assert_int_equal(zmq_poll(&item, 1, PATIENCE_MS), 1);
    assert_int_equal(curve_monitor_recv(client, &event, 0), 0);
    assert_int_equal(event.event, CURVE_EVENT_DELIVERED);
    assert_int_equal(event.number, 1);
    close_all(client, server);
}

int main(void)
{
    /* test_no_zap comes behind those that have a handler: what it asks waits for the next one, as ZeroMQ has it. */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allow),       cmocka_unit_test(test_deny),     cmocka_unit_test(test_wrong_server),
        cmocka_unit_test(test_callback),    cmocka_unit_test(test_zap),      cmocka_unit_test(test_meta),
        cmocka_unit_test(test_zap_liar),    cmocka_unit_test(test_no_zap),   cmocka_unit_test(test_late_zap),
        cmocka_unit_test(test_max_clients), cmocka_unit_test(test_same_key), cmocka_unit_test(test_hop),
        cmocka_unit_test(test_connected),   cmocka_unit_test(test_monitor),
    };

    return run_ends("auth", tests, sizeof(tests) / sizeof(*tests));
}
