/* SPDX-License-Identifier: ISC */
#include "curve/ends.h"

enum { TESTS_MAX = 64 };

static struct ends *shared; /* while a program's tests run */
static bool failed;         /* one of them; or it runs */

static int setup_ends(void **state)
{
    struct ends *ends = calloc(1, sizeof(*ends));

    (void)state;
    if (!ends)
        return -1;
    shared = ends;
    ends->context = zmq_ctx_new();
    ends->server_cert = curve_cert_new();
    for (int i = 0; i < KEYS; i++)
        ends->certs[i] = curve_cert_new();
    (void)strcpy(ends->folder, "/tmp/curve-XXXXXX");
    return mkdtemp(ends->folder) ? 0 : -1;
}

static int teardown_ends(void **state)
{
    struct ends *ends = shared;
    char command[64];

    (void)state;
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", ends->folder);
    if (failed)
        return system(command);
    curve_cert_destroy(&ends->server_cert);
    for (int i = 0; i < KEYS; i++)
        curve_cert_destroy(&ends->certs[i]);
    (void)zmq_ctx_term(ends->context);
    free(ends);
    return system(command);
}

/* The test's own function; it does not come back from one that fails. */
static void run_one(void **state)
{
    const struct CMUnitTest *test = *state;
    void *ends = shared;

    if (failed)
        skip();
    failed = true;
    test->test_func(&ends);
    failed = false;
}

int run_ends(const char *name, const struct CMUnitTest *tests, size_t count)
{
    struct CMUnitTest wrapped[TESTS_MAX] = {{NULL, NULL, NULL, NULL, NULL}};
    struct CMUnitTest copies[TESTS_MAX];

    if (count > TESTS_MAX)
        return -1;
    memcpy(copies, tests, count * sizeof(*tests));
    for (size_t i = 0; i < count; i++)
        wrapped[i] = (struct CMUnitTest){tests[i].name, run_one, NULL, NULL, &copies[i]};
    return cmocka_run_group_tests_name(name, wrapped, setup_ends, teardown_ends);
}

const uint8_t *key_of(const curve_cert_t *cert)
{
    return curve_cert_public_key(cert);
}

const char *endpoint_for(const struct ends *ends, const char *transport, const char *name)
{
    static char endpoint[ENDPOINT_SIZE];

    if (strcmp(transport, "tcp") == 0)
        return "tcp://127.0.0.1:*";
    (void)snprintf(endpoint, sizeof(endpoint), strcmp(transport, "ipc") == 0 ? "ipc://%s/%s" : "inproc://%s/%s",
                   ends->folder, name);
    return endpoint;
}

curve_socket_t *make_server(const struct ends *ends, const char *transport, char *endpoint)
{
    curve_socket_t *server = curve_server_new(ends->context, ends->server_cert);

    assert_non_null(server);
    assert_int_equal(curve_monitor(server, CURVE_EVENT_ALL), 0);
    assert_int_equal(curve_allow(server, NULL), 0);
    assert_int_equal(curve_bind(server, endpoint_for(ends, transport, "server")), 0);
    assert_int_equal(curve_last_endpoint(server, endpoint, ENDPOINT_SIZE), 0);
    return server;
}

curve_socket_t *make_client(const struct ends *ends, int key, const char *endpoint)
{
    curve_socket_t *client = curve_client_new(ends->context, ends->certs[key], key_of(ends->server_cert));

    assert_non_null(client);
    assert_int_equal(curve_monitor(client, CURVE_EVENT_ALL), 0);
    if (endpoint)
        assert_int_equal(curve_connect(client, endpoint), 0);
    return client;
}

void expect_event(curve_socket_t *socket, int event, curve_event_t *found)
{
    curve_event_t next;

    do {
        if (curve_monitor_recv(socket, &next, PATIENCE_MS) != 0)
            fail_msg("event %#x did not come: %s", (unsigned)event, zmq_strerror(errno));
    } while (!(next.event & event));
    if (found)
        *found = next;
}

void send_text(curve_socket_t *socket, const char *text)
{
    assert_int_equal(curve_send(socket, text, strlen(text), 0), (int)strlen(text));
}

/* The rest of a message: one frame. */
static void expect_last(curve_socket_t *socket, const char *text)
{
    zmq_msg_t msg;

    (void)zmq_msg_init(&msg);
    assert_int_equal(curve_msg_recv(socket, &msg, 0), (int)strlen(text));
    assert_memory_equal(zmq_msg_data(&msg), text, strlen(text));
    assert_int_equal(curve_more(socket), 0);
    (void)zmq_msg_close(&msg);
}

void expect_text(curve_socket_t *socket, const char *text)
{
    expect_last(socket, text);
}

void send_to(curve_socket_t *socket, const void *id, size_t size, const char *text)
{
    assert_int_equal(curve_send(socket, id, size, ZMQ_SNDMORE), (int)size);
    send_text(socket, text);
}

void expect_from(curve_socket_t *socket, uint8_t *id, const char *text)
{
    assert_int_equal(curve_recv(socket, id, CURVE_ID_SIZE, 0), CURVE_ID_SIZE);
    assert_int_equal(curve_more(socket), 1);
    expect_last(socket, text);
}

void close_all(curve_socket_t *one, curve_socket_t *other)
{
    assert_int_equal(curve_close(&one), 0);
    assert_null(one);
    assert_int_equal(curve_close(&other), 0);
}
