/* SPDX-License-Identifier: ISC */
/* What stands between client and server misbehaves, or either ends: no message is forged, doubled, reordered or lost
 * without a word. */
#include "curve/ends.h"

/* ---- a hostile middle ---- */

/* A client's ROUTER in front, a DEALER to the server behind, and a thread that spoils what passes. */
struct middle {
    void *context;
    void *control; /* the test's end */
    void *end;     /* the thread's */
    char server[ENDPOINT_SIZE];
    char endpoint[ENDPOINT_SIZE];
    unsigned seed;
    pthread_t thread;
};

/* What is kept to be repeated, or sent late. */
enum { KEPT = 16 };

struct direction {
    void *from;
    void *to;
    bool from_front;
    zmq_msg_t kept[KEPT];
    bool held[KEPT]; /* not sent yet */
};

static char route[256];
static size_t route_size;

static unsigned chance(struct middle *middle, unsigned of)
{
    middle->seed = middle->seed * 1103515245u + 12345u;
    return (middle->seed >> 16) % of;
}

static void pass(const struct direction *direction, zmq_msg_t *msg)
{
    zmq_msg_t copy;

    (void)zmq_msg_init(&copy);
    (void)zmq_msg_copy(&copy, msg);
    if (!direction->from_front)
        (void)zmq_send(direction->to, route, route_size, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    (void)zmq_msg_send(&copy, direction->to, ZMQ_DONTWAIT);
    (void)zmq_msg_close(&copy);
}

static void spoil(struct middle *middle, zmq_msg_t *msg)
{
    size_t size = zmq_msg_size(msg);
    zmq_msg_t copy;

    if (size == 0)
        return;
    (void)zmq_msg_init_size(&copy, size);
    memcpy(zmq_msg_data(&copy), zmq_msg_data(msg), size);
    ((uint8_t *)zmq_msg_data(&copy))[chance(middle, (unsigned)size)] ^= (uint8_t)(1u << chance(middle, 8));
    (void)zmq_msg_move(msg, &copy);
    (void)zmq_msg_close(&copy);
}

/* Drops one of 30, alters one of 30, holds one of 30 back, repeats an old one after one of 10. */
static void mistreat(struct middle *middle, struct direction *direction, zmq_msg_t *msg)
{
    unsigned slot = chance(middle, KEPT);
    unsigned fate = chance(middle, 30);
    unsigned old = chance(middle, KEPT);

    (void)zmq_msg_copy(&direction->kept[slot], msg);
    direction->held[slot] = fate == 2;
    if (fate == 1)
        spoil(middle, msg);
    if (fate != 0 && fate != 2)
        pass(direction, msg);
    if (direction->held[old] || chance(middle, 10) == 0)
        pass(direction, &direction->kept[old]);
    direction->held[old] = false;
}

static void carry(struct middle *middle, struct direction *direction)
{
    zmq_msg_t msg;

    (void)zmq_msg_init(&msg);
    for (;;) {
        if (direction->from_front) {
            int size = zmq_recv(direction->from, route, sizeof(route), ZMQ_DONTWAIT);

            if (size < 0)
                break;
            route_size = (size_t)size;
        }
        if (zmq_msg_recv(&msg, direction->from, ZMQ_DONTWAIT) < 0)
            break;
        mistreat(middle, direction, &msg);
    }
    (void)zmq_msg_close(&msg);
}

static void *run_middle(void *arg)
{
    struct middle *middle = arg;
    int zero = 0;
    size_t size = sizeof(middle->endpoint);
    void *front = zmq_socket(middle->context, ZMQ_ROUTER);
    void *back = zmq_socket(middle->context, ZMQ_DEALER);
    struct direction up = {.from = front, .to = back, .from_front = true};
    struct direction down = {.from = back, .to = front};
    zmq_pollitem_t items[3] = {{front, 0, ZMQ_POLLIN, 0}, {back, 0, ZMQ_POLLIN, 0}, {middle->end, 0, ZMQ_POLLIN, 0}};

    for (int i = 0; i < KEPT; i++) {
        (void)zmq_msg_init(&up.kept[i]);
        (void)zmq_msg_init(&down.kept[i]);
    }
    assert_int_equal(zmq_setsockopt(front, ZMQ_LINGER, &zero, sizeof(zero)), 0);
    assert_int_equal(zmq_setsockopt(back, ZMQ_LINGER, &zero, sizeof(zero)), 0);
    assert_int_equal(zmq_bind(front, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(front, ZMQ_LAST_ENDPOINT, middle->endpoint, &size), 0);
    assert_int_equal(zmq_connect(back, middle->server), 0);
    assert_int_equal(zmq_send(middle->end, "", 0, 0), 0);
    while (!items[2].revents) {
        assert_true(zmq_poll(items, 3, -1) > 0);
        carry(middle, &up);
        carry(middle, &down);
    }
    for (int i = 0; i < KEPT; i++) {
        (void)zmq_msg_close(&up.kept[i]);
        (void)zmq_msg_close(&down.kept[i]);
    }
    (void)zmq_close(front);
    (void)zmq_close(back);
    return NULL;
}

static void start_middle(struct middle *middle, const struct ends *ends)
{
    middle->context = ends->context;
    middle->control = zmq_socket(ends->context, ZMQ_PAIR);
    middle->end = zmq_socket(ends->context, ZMQ_PAIR);
    assert_int_equal(zmq_bind(middle->control, "inproc://middle"), 0);
    assert_int_equal(zmq_connect(middle->end, "inproc://middle"), 0);
    assert_int_equal(pthread_create(&middle->thread, NULL, run_middle, middle), 0);
    assert_int_equal(zmq_recv(middle->control, NULL, 0, 0), 0);
}

static void stop_middle(struct middle *middle)
{
    assert_int_equal(zmq_send(middle->control, "", 0, 0), 0);
    assert_int_equal(pthread_join(middle->thread, NULL), 0);
    (void)zmq_close(middle->control);
    (void)zmq_close(middle->end);
}

/* Questions and answers, several under way at a time. */
static void test_hostile_middle(void **state)
{
    enum { MESSAGES = 300, AHEAD = 10 };
    const struct ends *ends = *state;
    struct middle middle = {.seed = 7};
    curve_socket_t *server = make_server(ends, "tcp", middle.server);
    curve_socket_t *client = make_client(ends, 0, NULL);

    start_middle(&middle, ends);
    assert_int_equal(curve_set(client, CURVE_RECONNECT_IVL, 20), 0);
    assert_int_equal(curve_set(client, CURVE_RECONNECT_IVL_MAX, 100), 0);
    assert_int_equal(curve_set(client, CURVE_HANDSHAKE_IVL, 500), 0);
    assert_int_equal(curve_connect(client, middle.endpoint), 0);
    for (int i = 0; i < MESSAGES + AHEAD; i++) {
        char text[32];
        uint8_t id[CURVE_ID_SIZE];

        (void)snprintf(text, sizeof(text), "message %d", i);
        if (i < MESSAGES)
            send_text(client, text);
        if (i < AHEAD)
            continue;
        (void)snprintf(text, sizeof(text), "message %d", i - AHEAD);
        expect_from(server, id, text);
        send_to(server, id, sizeof(id), text);
        expect_text(client, text);
    }
    assert_int_equal(curve_set(client, CURVE_LINGER, 0), 0);
    assert_int_equal(curve_set(server, CURVE_LINGER, 0), 0);
    expect_event(server, CURVE_EVENT_SUSPECT, NULL);
    close_all(client, server);
    stop_middle(&middle);
}

/* ---- ends that end ---- */

static curve_socket_t *restart_server(const struct ends *ends, const char *endpoint)
{
    curve_socket_t *server = curve_server_new(ends->context, ends->server_cert);

    assert_int_equal(curve_monitor(server, CURVE_EVENT_ALL), 0);
    assert_int_equal(curve_allow(server, NULL), 0);
    /* On libzmq a port is free again some time after its socket was closed. */
    while (curve_bind(server, endpoint) != 0)
        assert_int_equal(errno, EADDRINUSE);
    return server;
}

/* The server begins anew in the midst of it. Every message arrives once and in order, at the old server or the new one;
 * what neither acknowledged for the old one is reported. */
static void test_server_restarts(void **state)
{
    enum { MESSAGES = 500, FIRST = 100, LAST = MESSAGES + 1 };
    const struct ends *ends = *state;
    char endpoint[ENDPOINT_SIZE];
    curve_event_t event;
    uint32_t taken = 0;
    uint32_t number = 0;
    uint64_t delivered = 0;
    uint8_t id[CURVE_ID_SIZE];
    curve_socket_t *server = make_server(ends, "tcp", endpoint);
    curve_socket_t *client = make_client(ends, 0, endpoint);

    assert_int_equal(
        curve_monitor(client, CURVE_EVENT_UNDELIVERED | CURVE_EVENT_DELIVERED | CURVE_EVENT_CLOSED | CURVE_EVENT_READY),
        0);
    for (uint32_t i = 1; i <= MESSAGES; i++)
        assert_int_equal(curve_send(client, &i, sizeof(i), 0), sizeof(i));
    while (taken < LAST) {
        assert_int_equal(curve_recv(server, id, sizeof(id), 0), CURVE_ID_SIZE);
        assert_int_equal(curve_recv(server, &number, sizeof(number), 0), sizeof(number));
        assert_true(number > taken && number <= LAST);
        taken = number;
        if (number == FIRST) {
            assert_int_equal(curve_set(server, CURVE_LINGER, 0), 0);
            assert_int_equal(curve_close(&server), 0);
            server = restart_server(ends, endpoint);
            /* What is sent before the client knows goes to nobody, and is reported. */
            expect_event(client, CURVE_EVENT_CLOSED, NULL);
            expect_event(client, CURVE_EVENT_READY, NULL);
            number = LAST;
            assert_int_equal(curve_send(client, &number, sizeof(number), 0), sizeof(number));
        }
    }
    /* Each is settled, one way or the other, and the last one arrived. */
    while (delivered < LAST) {
        expect_event(client, CURVE_EVENT_UNDELIVERED | CURVE_EVENT_DELIVERED, &event);
        assert_true(event.number > delivered && event.number <= LAST);
        delivered = event.number;
    }
    assert_int_equal(event.event, CURVE_EVENT_DELIVERED);
    close_all(client, server);
}

/* The client begins anew: the server's messages to the old one are reported, the new one has a name of its own. */
static void test_client_restarts(void **state)
{
    const struct ends *ends = *state;
    char endpoint[ENDPOINT_SIZE];
    uint8_t old_id[CURVE_ID_SIZE];
    uint8_t id[CURVE_ID_SIZE];
    curve_socket_t *server = make_server(ends, "tcp", endpoint);
    curve_socket_t *client = make_client(ends, 0, endpoint);

    send_text(client, "old");
    expect_from(server, old_id, "old");
    assert_int_equal(curve_close(&client), 0);
    client = make_client(ends, 0, endpoint);
    send_text(client, "new");
    expect_from(server, id, "new");
    assert_memory_not_equal(id, old_id, CURVE_ID_SIZE);
    send_to(server, id, CURVE_KEY_SIZE, "welcome back");
    expect_text(client, "welcome back");
    close_all(client, server);
}

/* A second server with the same key takes over when the first is gone. */
static void test_second_endpoint(void **state)
{
    const struct ends *ends = *state;
    char first[ENDPOINT_SIZE];
    char second[ENDPOINT_SIZE];
    uint8_t id[CURVE_ID_SIZE];
    curve_socket_t *one = make_server(ends, "tcp", first);
    curve_socket_t *other = make_server(ends, "tcp", second);
    curve_socket_t *client = make_client(ends, 0, first);

    send_text(client, "to the first");
    expect_from(one, id, "to the first");
    expect_event(client, CURVE_EVENT_DELIVERED, NULL);
    assert_int_equal(curve_connect(client, second), 0);
    assert_int_equal(curve_close(&one), 0);
    /* What is sent before the other one is known goes to nobody, and would be reported. */
    expect_event(client, CURVE_EVENT_READY, NULL);
    send_text(client, "to the second");
    expect_from(other, id, "to the second");
    close_all(client, other);
}

/* Octets that are no envelope, and messages of more frames than one, to both ends. */
static void test_garbage(void **state)
{
    const struct ends *ends = *state;
    char endpoint[ENDPOINT_SIZE];
    uint8_t id[CURVE_ID_SIZE];
    curve_socket_t *server = make_server(ends, "tcp", endpoint);
    curve_socket_t *client = make_client(ends, 0, endpoint);
    void *raw = zmq_socket(ends->context, ZMQ_DEALER);
    int zero = 0;

    assert_int_equal(zmq_setsockopt(raw, ZMQ_LINGER, &zero, sizeof(zero)), 0);
    assert_int_equal(zmq_connect(raw, endpoint), 0);
    for (int i = 0; i < 100; i++) {
        char octets[300];

        for (size_t at = 0; at < sizeof(octets); at++)
            octets[at] = (char)(i * 31 + (int)at * 7);
        octets[0] = (char)(0x10 + i % 6);
        assert_true(zmq_send(raw, octets, (size_t)i * 3, i % 3 ? ZMQ_SNDMORE : 0) >= 0);
    }
    send_text(client, "still");
    expect_from(server, id, "still");
    expect_event(server, CURVE_EVENT_SUSPECT, NULL);
    (void)zmq_close(raw);
    close_all(client, server);
}

/* Somebody who is no server sends a client what it does not expect; the right server is found nevertheless. */
static void test_garbage_server(void **state)
{
    const struct ends *ends = *state;
    char endpoint[ENDPOINT_SIZE];
    char from[64];
    uint8_t id[CURVE_ID_SIZE];
    size_t size = sizeof(endpoint);
    int zero = 0;
    int got;
    void *liar = zmq_socket(ends->context, ZMQ_ROUTER);
    curve_socket_t *server = NULL;
    curve_socket_t *client = NULL;

    assert_int_equal(zmq_setsockopt(liar, ZMQ_LINGER, &zero, sizeof(zero)), 0);
    assert_int_equal(zmq_bind(liar, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(liar, ZMQ_LAST_ENDPOINT, endpoint, &size), 0);
    client = make_client(ends, 0, endpoint);
    send_text(client, "for the server alone");
    for (int i = 0; i < 3; i++) {
        got = zmq_recv(liar, from, sizeof(from), 0);
        assert_true(got > 0);
        assert_true(zmq_recv(liar, id, sizeof(id), 0) > 0);
        assert_int_equal(zmq_send(liar, from, (size_t)got, ZMQ_SNDMORE), got);
        assert_int_equal(zmq_send(liar, "garbage", 7, i == 1 ? ZMQ_SNDMORE : 0), 7);
        if (i == 1)
            assert_int_equal(zmq_send(liar, "of two frames", 13, 0), 13);
        expect_event(client, CURVE_EVENT_SUSPECT, NULL);
    }
    (void)zmq_close(liar);
    server = restart_server(ends, endpoint);
    expect_from(server, id, "for the server alone");
    close_all(client, server);
}

/* Connections that a socket accepted since it was asked last; counted after an accepted one of ours, the last. */
static int count_accepted(void *monitor)
{
    int accepted = 0;
    zmq_msg_t msg;

    (void)zmq_msg_init(&msg);
    while (zmq_msg_recv(&msg, monitor, ZMQ_DONTWAIT) >= 0) {
        uint16_t event = 0;

        if (zmq_msg_more(&msg) && zmq_msg_size(&msg) >= sizeof(event)) {
            memcpy(&event, zmq_msg_data(&msg), sizeof(event));
            accepted += event == ZMQ_EVENT_ACCEPTED;
        }
    }
    (void)zmq_msg_close(&msg);
    return accepted;
}

/* Who sends messages of several frames is left, and not connected to again before CURVE_RECONNECT_IVL. */
static void test_several_frames(void **state)
{
    const struct ends *ends = *state;
    char endpoint[ENDPOINT_SIZE];
    char right[ENDPOINT_SIZE];
    char from[64];
    uint8_t id[CURVE_ID_SIZE];
    size_t size = sizeof(endpoint);
    int zero = 0;
    int got;
    void *liar = zmq_socket(ends->context, ZMQ_ROUTER);
    void *monitor = zmq_socket(ends->context, ZMQ_PAIR);
    curve_socket_t *server = make_server(ends, "tcp", right);
    curve_socket_t *client = make_client(ends, 0, NULL);

    assert_int_equal(zmq_setsockopt(liar, ZMQ_LINGER, &zero, sizeof(zero)), 0);
    assert_int_equal(zmq_socket_monitor(liar, "inproc://liar", ZMQ_EVENT_ACCEPTED), 0);
    assert_int_equal(zmq_connect(monitor, "inproc://liar"), 0);
    assert_int_equal(zmq_bind(liar, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(liar, ZMQ_LAST_ENDPOINT, endpoint, &size), 0);
    assert_int_equal(curve_set(client, CURVE_RECONNECT_IVL, 1000000), 0);
    assert_int_equal(curve_set(client, CURVE_RECONNECT_IVL_MAX, 1000000), 0);
    assert_int_equal(curve_connect(client, endpoint), 0);
    send_text(client, "for the server alone");
    got = zmq_recv(liar, from, sizeof(from), 0);
    assert_true(got > 0);
    assert_int_equal(zmq_send(liar, from, (size_t)got, ZMQ_SNDMORE), got);
    assert_int_equal(zmq_send(liar, "a", 1, ZMQ_SNDMORE), 1);
    assert_int_equal(zmq_send(liar, "b", 1, 0), 1);
    expect_event(client, CURVE_EVENT_SUSPECT, NULL);
    assert_int_equal(curve_connect(client, right), 0);
    expect_from(server, id, "for the server alone");
    assert_int_equal(count_accepted(monitor), 1);
    assert_int_equal(curve_disconnect(client, endpoint), 0);
    (void)zmq_socket_monitor(liar, NULL, 0);
    (void)zmq_close(monitor);
    (void)zmq_close(liar);
    close_all(client, server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_middle),  cmocka_unit_test(test_server_restarts),
        cmocka_unit_test(test_client_restarts), cmocka_unit_test(test_second_endpoint),
        cmocka_unit_test(test_garbage),         cmocka_unit_test(test_garbage_server),
        cmocka_unit_test(test_several_frames),
    };

    return run_ends("fault", tests, sizeof(tests) / sizeof(*tests));
}
