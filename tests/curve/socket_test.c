/* SPDX-License-Identifier: ISC */
/* Clients and servers: messages over every transport, waiting, limits, ends. */
#include <poll.h>

#include "curve/ends.h"

static const char *const transports[] = {"tcp", "ipc", "inproc"};

/* ---- messages ---- */

static void test_echo(void **state)
{
    const struct ends *ends = *state;

    for (size_t i = 0; i < sizeof(transports) / sizeof(*transports); i++) {
        char endpoint[ENDPOINT_SIZE];
        uint8_t id[CURVE_ID_SIZE];
        curve_socket_t *server = make_server(ends, transports[i], endpoint);
        curve_socket_t *client = make_client(ends, 0, endpoint);

        send_text(client, "question");
        expect_from(server, id, "question");
        assert_memory_equal(id, key_of(ends->certs[0]), CURVE_KEY_SIZE);
        send_to(server, id, CURVE_ID_SIZE, "answer");
        expect_text(client, "answer");
        send_to(server, id, CURVE_KEY_SIZE, "to the key");
        expect_text(client, "to the key");
        close_all(client, server);
    }
}

/* A client may bind and a server connect. */
static void test_reversed(void **state)
{
    const struct ends *ends = *state;

    for (size_t i = 0; i < sizeof(transports) / sizeof(*transports); i++) {
        char endpoint[ENDPOINT_SIZE];
        uint8_t id[CURVE_ID_SIZE];
        curve_socket_t *client = make_client(ends, 0, NULL);
        curve_socket_t *server = curve_server_new(ends->context, ends->server_cert);

        assert_int_equal(curve_bind(client, endpoint_for(ends, transports[i], "client")), 0);
        assert_int_equal(curve_last_endpoint(client, endpoint, sizeof(endpoint)), 0);
        assert_int_equal(curve_allow(server, key_of(ends->certs[0])), 0);
        send_text(client, "before there is a server");
        assert_int_equal(curve_connect(server, endpoint), 0);
        expect_from(server, id, "before there is a server");
        send_to(server, id, CURVE_ID_SIZE, "answer");
        expect_text(client, "answer");
        close_all(client, server);
    }
}

static void test_sizes(void **state)
{
    static const size_t sizes[] = {0, 1, 29, 30, 33, 34, 255, 256, 257, 8192, 65536, 1 << 20, (16 << 20) - 64};
    const struct ends *ends = *state;
    char endpoint[ENDPOINT_SIZE];
    curve_socket_t *server = make_server(ends, "tcp", endpoint);
    curve_socket_t *client = make_client(ends, 0, endpoint);

    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        uint8_t id[CURVE_ID_SIZE];
        zmq_msg_t msg;
        zmq_msg_t got;

        assert_int_equal(zmq_msg_init_size(&msg, sizes[i]), 0);
        memset(zmq_msg_data(&msg), (int)i + 1, sizes[i]);
        assert_int_equal(curve_msg_send(client, &msg, 0), (int)sizes[i]);
        (void)zmq_msg_init(&got);
        assert_int_equal(curve_recv(server, id, sizeof(id), 0), CURVE_ID_SIZE);
        assert_int_equal(curve_msg_recv(server, &got, 0), (int)sizes[i]);
        for (size_t at = 0; at < sizes[i]; at++)
            assert_true(((uint8_t *)zmq_msg_data(&got))[at] == i + 1);
        (void)zmq_msg_close(&got);
    }
    close_all(client, server);
}

static void send_frames(curve_socket_t *socket, int count)
{
    for (int i = 0; i < count; i++) {
        static char frame[1000];

        memset(frame, 'a' + i, sizeof(frame));
        assert_int_equal(curve_send(socket, frame, (size_t)i * 100, i + 1 < count ? ZMQ_SNDMORE : 0), i * 100);
    }
}

static void expect_frames(curve_socket_t *socket, int count)
{
    for (int i = 0; i < count; i++) {
        char frame[1000];

        assert_int_equal(curve_recv(socket, frame, sizeof(frame), 0), i * 100);
        assert_int_equal(curve_more(socket), i + 1 < count);
        for (int at = 0; at < i * 100; at++)
            assert_true(frame[at] == 'a' + i);
    }
}

static void test_multipart(void **state)
{
    const struct ends *ends = *state;
    char endpoint[ENDPOINT_SIZE];
    uint8_t id[CURVE_ID_SIZE];
    curve_socket_t *server = make_server(ends, "tcp", endpoint);
    curve_socket_t *client = make_client(ends, 0, endpoint);

    for (int count = 1; count <= 10; count++) {
        send_frames(client, count);
        assert_int_equal(curve_recv(server, id, sizeof(id), 0), CURVE_ID_SIZE);
        expect_frames(server, count);
        assert_int_equal(curve_send(server, id, sizeof(id), ZMQ_SNDMORE), CURVE_ID_SIZE);
        send_frames(server, count);
        expect_frames(client, count);
    }
    close_all(client, server);
}

/* Frames so short that they are inside their zmq_msg_t, in a message that is longer than any before. */
static void test_many_short_frames(void **state)
{
    enum { FRAMES = 4096 };
    const struct ends *ends = *state;
    char endpoint[ENDPOINT_SIZE];
    uint8_t id[CURVE_ID_SIZE];
    curve_socket_t *server = make_server(ends, "tcp", endpoint);
    curve_socket_t *client = make_client(ends, 0, endpoint);

    for (int i = 0; i < FRAMES; i++)
        assert_int_equal(curve_send(client, &i, sizeof(i), i + 1 < FRAMES ? ZMQ_SNDMORE : 0), sizeof(i));
    assert_int_equal(curve_recv(server, id, sizeof(id), 0), CURVE_ID_SIZE);
    for (int i = 0; i < FRAMES; i++) {
        int number = -1;

        assert_int_equal(curve_recv(server, &number, sizeof(number), 0), sizeof(number));
        assert_int_equal(number, i);
        assert_int_equal(curve_more(server), i + 1 < FRAMES);
    }
    close_all(client, server);
}

/* Sends numbers on its own thread. */
struct sender {
    curve_socket_t *socket;
    const uint8_t *id; /* before each; or NULL */
    uint32_t count;
    pthread_t thread;
};

static void *send_numbers(void *arg)
{
    struct sender *sender = arg;

    for (uint32_t i = 0; i < sender->count; i++) {
        if (sender->id)
            assert_int_equal(curve_send(sender->socket, sender->id, CURVE_ID_SIZE, ZMQ_SNDMORE), CURVE_ID_SIZE);
        assert_int_equal(curve_send(sender->socket, &i, sizeof(i), 0), sizeof(i));
    }
    return NULL;
}

static void start_sender(struct sender *sender)
{
    assert_int_equal(pthread_create(&sender->thread, NULL, send_numbers, sender), 0);
}

static void expect_numbers(curve_socket_t *socket, bool named, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint8_t id[CURVE_ID_SIZE];
        uint32_t number = 0;

        if (named)
            assert_int_equal(curve_recv(socket, id, sizeof(id), 0), CURVE_ID_SIZE);
        assert_int_equal(curve_recv(socket, &number, sizeof(number), 0), sizeof(number));
        assert_int_equal(number, i);
    }
}

/* Many more than any queue holds, with the session renewed all the time. */
static void test_order(void **state)
{
    const struct ends *ends = *state;
    char endpoint[ENDPOINT_SIZE];
    curve_event_t event;
    curve_socket_t *server = make_server(ends, "tcp", endpoint);
    curve_socket_t *client = make_client(ends, 0, NULL);
    struct sender up = {.socket = client, .count = 20000};
    struct sender down = {.socket = server, .count = 20000};

    assert_int_equal(curve_set(client, CURVE_RENEW_MESSAGES, 1500), 0);
    assert_int_equal(curve_set(client, CURVE_SNDHWM, 100), 0);
    assert_int_equal(curve_set(client, CURVE_RCVHWM, 10), 0);
    assert_int_equal(curve_connect(client, endpoint), 0);
    start_sender(&up);
    expect_event(server, CURVE_EVENT_READY, &event);
    assert_int_equal(event.value, 0);
    expect_numbers(server, true, up.count);
    (void)pthread_join(up.thread, NULL);
    expect_event(client, CURVE_EVENT_READY, &event);
    expect_event(client, CURVE_EVENT_READY, &event);
    assert_int_equal(event.value, 1);
    down.id = key_of(ends->certs[0]);
    uint8_t id[CURVE_ID_SIZE];
    send_text(client, "who");
    expect_from(server, id, "who");
    down.id = id;
    start_sender(&down);
    expect_numbers(client, false, down.count);
    (void)pthread_join(down.thread, NULL);
    assert_int_equal(curve_sent(client), 20001);
    assert_int_equal(curve_sent(server), 20000);
    close_all(client, server);
}

/* ---- waiting ---- */

static void test_timeouts(void **state)
{
    const struct ends *ends = *state;
    char endpoint[ENDPOINT_SIZE];
    char buffer[8];
    curve_socket_t *server = make_server(ends, "tcp", endpoint);

    errno = 0;
    assert_int_equal(curve_recv(server, buffer, sizeof(buffer), ZMQ_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(curve_set(server, CURVE_RCVTIMEO, 20), 0);
    errno = 0;
    assert_int_equal(curve_recv(server, buffer, sizeof(buffer), 0), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(curve_get(server, CURVE_RCVTIMEO), 20);
    assert_int_equal(curve_close(&server), 0);
}

/* Nobody answers: the queue fills up. */
static void test_sndhwm(void **state)
{
    const struct ends *ends = *state;
    curve_socket_t *client = make_client(ends, 0, NULL);
    int sent = 0;

    assert_int_equal(curve_set(client, CURVE_SNDHWM, 10), 0);
    assert_int_equal(curve_set(client, CURVE_SNDTIMEO, 100), 0);
    assert_int_equal(curve_set(client, CURVE_LINGER, 0), 0);
    assert_int_equal(curve_connect(client, "tcp://127.0.0.1:1"), 0);
    while (curve_send(client, "x", 1, 0) == 1)
        sent++;
    assert_int_equal(errno, EAGAIN);
    assert_in_range(sent, 10, 60);
    assert_int_equal(curve_sent(client), sent);
    assert_int_equal(curve_close(&client), 0);
}

/* One client that takes nothing holds up nobody else. */
static void test_slow_client(void **state)
{
    const struct ends *ends = *state;
    char endpoint[ENDPOINT_SIZE];
    uint8_t slow_id[CURVE_ID_SIZE];
    uint8_t id[CURVE_ID_SIZE];
    int sent = 0;
    curve_socket_t *server = curve_server_new(ends->context, ends->server_cert);
    curve_socket_t *slow = make_client(ends, 0, NULL);
    curve_socket_t *quick = NULL;

    assert_int_equal(curve_allow(server, NULL), 0);
    assert_int_equal(curve_set(server, CURVE_SNDHWM, 10), 0);
    assert_int_equal(curve_bind(server, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(curve_last_endpoint(server, endpoint, sizeof(endpoint)), 0);
    assert_int_equal(curve_set(slow, CURVE_RCVHWM, 1), 0);
    assert_int_equal(curve_connect(slow, endpoint), 0);
    quick = make_client(ends, 1, endpoint);
    send_text(slow, "slow");
    expect_from(server, slow_id, "slow");
    send_text(quick, "quick");
    expect_from(server, id, "quick");
    assert_int_equal(curve_set(server, CURVE_SNDTIMEO, 200), 0);
    while (curve_send(server, slow_id, CURVE_ID_SIZE, ZMQ_SNDMORE) == CURVE_ID_SIZE) {
        send_text(server, "x");
        sent++;
    }
    assert_int_equal(errno, EAGAIN);
    assert_true(sent >= 10);
    send_to(server, id, sizeof(id), "still");
    expect_text(quick, "still");
    /* And goes on as soon as it takes something. */
    assert_int_equal(curve_set(server, CURVE_SNDTIMEO, -1), 0);
    for (int i = 0; i < sent; i++)
        expect_text(slow, "x");
    send_to(server, slow_id, sizeof(slow_id), "last");
    expect_text(slow, "last");
    assert_int_equal(curve_close(&quick), 0);
    close_all(slow, server);
}

static void test_poll(void **state)
{
    const struct ends *ends = *state;
    char endpoint[ENDPOINT_SIZE];
    uint8_t id[CURVE_ID_SIZE];
    curve_socket_t *server = make_server(ends, "tcp", endpoint);
    curve_socket_t *client = make_client(ends, 0, endpoint);
    zmq_pollitem_t items[2] = {{curve_handle(server), 0, ZMQ_POLLIN, 0}, {curve_handle(client), 0, ZMQ_POLLOUT, 0}};

    assert_int_equal(zmq_poll(items, 2, PATIENCE_MS), 1);
    assert_int_equal(items[1].revents, ZMQ_POLLOUT);
    send_text(client, "x");
    assert_int_equal(zmq_poll(items, 1, PATIENCE_MS), 1);
    assert_int_equal(items[0].revents, ZMQ_POLLIN);
    expect_from(server, id, "x");
    assert_int_equal(zmq_poll(items, 1, 0), 0);
    close_all(client, server);
}

/* A foreign event loop: the descriptor tells that something changed, ZMQ_EVENTS what. */
static void test_fd(void **state)
{
    const struct ends *ends = *state;
    char endpoint[ENDPOINT_SIZE];
    uint8_t id[CURVE_ID_SIZE];
    curve_socket_t *server = make_server(ends, "tcp", endpoint);
    curve_socket_t *client = make_client(ends, 0, endpoint);
    struct pollfd item = {.events = POLLIN};
    size_t size = sizeof(item.fd);
    int events = 0;

    assert_int_equal(zmq_getsockopt(curve_handle(server), ZMQ_FD, &item.fd, &size), 0);
    send_text(client, "x");
    size = sizeof(events);
    assert_int_equal(zmq_getsockopt(curve_handle(server), ZMQ_EVENTS, &events, &size), 0);
    while (!(events & ZMQ_POLLIN)) {
        assert_int_equal(poll(&item, 1, PATIENCE_MS), 1);
        assert_int_equal(zmq_getsockopt(curve_handle(server), ZMQ_EVENTS, &events, &size), 0);
    }
    expect_from(server, id, "x");
    close_all(client, server);
}

/* ---- limits and mistakes ---- */

static void refuse_send(curve_socket_t *socket, const void *data, size_t size, int flags, int error)
{
    errno = 0;
    assert_int_equal(curve_send(socket, data, size, flags), -1);
    assert_int_equal(errno, error);
}

static void test_mistakes(void **state)
{
    const struct ends *ends = *state;
    char endpoint[ENDPOINT_SIZE];
    uint8_t id[CURVE_ID_SIZE] = {1};
    curve_socket_t *server = make_server(ends, "tcp", endpoint);
    curve_socket_t *client = make_client(ends, 0, NULL);
    curve_cert_t *half = curve_cert_from(key_of(ends->certs[0]), NULL);

    refuse_send(server, id, CURVE_ID_SIZE, ZMQ_SNDMORE, EHOSTUNREACH);
    refuse_send(server, id, CURVE_KEY_SIZE, ZMQ_SNDMORE, EHOSTUNREACH);
    refuse_send(server, id, 5, ZMQ_SNDMORE, EINVAL);
    refuse_send(server, id, CURVE_ID_SIZE, 0, EINVAL);
    assert_int_equal(curve_set(client, CURVE_MAXMSGSIZE, 10), 0);
    assert_int_equal(curve_connect(client, endpoint), 0);
    refuse_send(client, "12345678901", 11, 0, EMSGSIZE);
    assert_int_equal(curve_send(client, "12345", 5, ZMQ_SNDMORE), 5);
    refuse_send(client, "123456", 6, 0, EMSGSIZE);
    assert_int_equal(curve_send(client, "12345", 5, 0), 5);
    assert_int_equal(curve_recv(server, id, sizeof(id), 0), CURVE_ID_SIZE);
    assert_int_equal(curve_recv(server, id, sizeof(id), 0), 5);
    assert_int_equal(curve_set(client, CURVE_MAXMSGSIZE, 20), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(curve_set(client, 99, 1), -1);
    assert_int_equal(curve_set(client, CURVE_SNDHWM, 0), -1);
    errno = 0;
    assert_int_equal(curve_get(client, 0), -1);
    assert_int_equal(errno, EINVAL);
    assert_null(curve_server_new(ends->context, half));
    assert_int_equal(errno, EINVAL);
    assert_null(curve_client_new(ends->context, ends->certs[0], NULL));
    assert_int_equal(errno, EFAULT);
    assert_int_equal(curve_connect(client, "nonsense"), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(curve_bind(client, endpoint), -1);
    assert_int_equal(errno, EADDRINUSE);
    assert_int_equal(curve_disconnect(client, "tcp://127.0.0.1:1"), -1);
    assert_int_equal(errno, ENOENT);
    curve_cert_destroy(&half);
    close_all(client, server);
}

/* Calls that follow one another quicker than libzmq notices what was read of a full pipe. */
static void test_many_calls(void **state)
{
    const struct ends *ends = *state;
    char endpoint[ENDPOINT_SIZE];
    curve_socket_t *server = make_server(ends, "tcp", endpoint);
    curve_socket_t *other = curve_server_new(ends->context, ends->server_cert);

    for (int i = 0; i < 3000; i++) {
        assert_int_equal(curve_bind(other, endpoint), -1);
        assert_int_equal(errno, EADDRINUSE);
    }
    assert_int_equal(curve_close(&other), 0);
    assert_int_equal(curve_close(&server), 0);
}

/* What the other end would not take is reported; what follows arrives. */
static void test_peer_limit(void **state)
{
    const struct ends *ends = *state;
    char endpoint[ENDPOINT_SIZE];
    uint8_t id[CURVE_ID_SIZE];
    curve_event_t event;
    curve_socket_t *server = curve_server_new(ends->context, ends->server_cert);
    curve_socket_t *client = NULL;

    assert_int_equal(curve_allow(server, NULL), 0);
    assert_int_equal(curve_set(server, CURVE_MAXMSGSIZE, 10), 0);
    assert_int_equal(curve_bind(server, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(curve_last_endpoint(server, endpoint, sizeof(endpoint)), 0);
    client = make_client(ends, 0, endpoint);
    send_text(client, "too long for it");
    send_text(client, "short");
    expect_event(client, CURVE_EVENT_UNDELIVERED, &event);
    assert_int_equal(event.number, 1);
    expect_from(server, id, "short");
    expect_event(client, CURVE_EVENT_DELIVERED, &event);
    assert_int_equal(event.number, 2);
    close_all(client, server);
}

/* ---- ends ---- */

static void *receive_until_the_end(void *arg)
{
    char buffer[8];
    int result = curve_recv(arg, buffer, sizeof(buffer), 0);

    return (void *)(intptr_t)(result == -1 && errno == ETERM);
}

static void test_term(void **state)
{
    const struct ends *ends = *state;
    void *context = zmq_ctx_new();
    curve_socket_t *server = curve_server_new(context, ends->server_cert);
    curve_socket_t *idle = curve_peer_new(context, ends->server_cert);
    pthread_t thread;
    void *got_term = NULL;

    assert_int_equal(curve_bind(server, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(pthread_create(&thread, NULL, receive_until_the_end, server), 0);
    assert_int_equal(zmq_ctx_shutdown(context), 0);
    (void)pthread_join(thread, &got_term);
    assert_non_null(got_term);
    assert_int_equal(curve_recv(server, NULL, 0, 0), -1);
    assert_int_equal(errno, ETERM);
    assert_int_equal(curve_bind(server, "tcp://127.0.0.1:*"), -1);
    assert_int_equal(errno, ETERM);
    assert_null(curve_client_new(context, ends->certs[0], key_of(ends->server_cert)));
    assert_int_equal(errno, ETERM);
    close_all(server, idle);
    assert_int_equal(zmq_ctx_term(context), 0);
}

/* Closed right after sending: it arrives. */
static void test_linger(void **state)
{
    const struct ends *ends = *state;
    char endpoint[ENDPOINT_SIZE];
    uint8_t id[CURVE_ID_SIZE];
    curve_event_t event;
    curve_socket_t *server = make_server(ends, "tcp", endpoint);
    curve_socket_t *client = make_client(ends, 0, endpoint);

    assert_int_equal(curve_set(client, CURVE_LINGER, -1), 0);
    for (int i = 0; i < 100; i++)
        send_text(client, "x");
    assert_int_equal(curve_close(&client), 0);
    for (int i = 0; i < 100; i++)
        expect_from(server, id, "x");
    expect_event(server, CURVE_EVENT_CLOSED, &event);
    assert_int_equal(event.value, 0);
    assert_memory_equal(event.id, id, CURVE_ID_SIZE);
    refuse_send(server, id, CURVE_ID_SIZE, ZMQ_SNDMORE, EHOSTUNREACH);
    assert_int_equal(curve_close(&server), 0);
}

static void test_unbind(void **state)
{
    const struct ends *ends = *state;
    char first[ENDPOINT_SIZE];
    char second[ENDPOINT_SIZE];
    uint8_t id[CURVE_ID_SIZE];
    curve_socket_t *server = make_server(ends, "tcp", first);
    curve_socket_t *client = make_client(ends, 0, first);

    send_text(client, "by the first");
    expect_from(server, id, "by the first");
    assert_int_equal(curve_bind(server, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(curve_last_endpoint(server, second, sizeof(second)), 0);
    assert_int_equal(curve_last_endpoint(server, second, 5), -1);
    assert_int_equal(errno, ERANGE);
    assert_int_equal(curve_unbind(server, first), 0);
    assert_int_equal(curve_disconnect(client, first), 0);
    assert_int_equal(curve_connect(client, second), 0);
    send_text(client, "by the second");
    expect_from(server, id, "by the second");
    close_all(client, server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_reversed),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_multipart),
        cmocka_unit_test(test_many_short_frames),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_timeouts),
        cmocka_unit_test(test_sndhwm),
        cmocka_unit_test(test_slow_client),
        cmocka_unit_test(test_poll),
        cmocka_unit_test(test_fd),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_many_calls),
        cmocka_unit_test(test_peer_limit),
        cmocka_unit_test(test_term),
        cmocka_unit_test(test_linger),
        cmocka_unit_test(test_unbind),
    };

    return run_ends("socket", tests, sizeof(tests) / sizeof(*tests));
}
