/* SPDX-License-Identifier: ISC */
/* Peers of two relays, of which one registers everybody and then drops what it is to carry, without a word. */
#include "curve/relays.h"

enum { REGISTER = 1, FORWARD = 2, PING = 3, HEAD = 2 + CURVE_KEY_SIZE, KNOWN = 2 };

/* A relay that drops on demand. */
struct hole {
    void *context;
    void *control; /* the test's end */
    void *end;     /* the thread's */
    void *router;
    char endpoint[ENDPOINT_SIZE];
    pthread_t thread;
    atomic_bool drops;
    /* Who is registered: route and key. */
    uint8_t routes[KNOWN][64];
    size_t sizes[KNOWN];
    uint8_t keys[KNOWN][CURVE_KEY_SIZE];
    int count;
};

static void hole_register(struct hole *hole, const uint8_t *route, size_t size, const uint8_t *head)
{
    int at = 0;

    while (at < hole->count && memcmp(hole->keys[at], head + 2, CURVE_KEY_SIZE) != 0)
        at++;
    if (at == KNOWN)
        return;
    hole->count = at == hole->count ? at + 1 : hole->count;
    memcpy(hole->routes[at], route, size);
    hole->sizes[at] = size;
    memcpy(hole->keys[at], head + 2, CURVE_KEY_SIZE);
    (void)zmq_send(hole->router, route, size, ZMQ_SNDMORE);
    (void)zmq_send(hole->router, head, HEAD, 0);
}

static void hole_forward(struct hole *hole, const uint8_t *route, size_t size, const uint8_t *head, zmq_msg_t *envelope)
{
    uint8_t frame[4096] = {0xc5, FORWARD};
    int from = 0;

    while (from < hole->count && (hole->sizes[from] != size || memcmp(hole->routes[from], route, size) != 0))
        from++;
    if (atomic_load(&hole->drops) || from == hole->count || zmq_msg_size(envelope) > sizeof(frame) - HEAD)
        return;
    memcpy(frame + 2, hole->keys[from], CURVE_KEY_SIZE);
    memcpy(frame + HEAD, zmq_msg_data(envelope), zmq_msg_size(envelope));
    for (int to = 0; to < hole->count; to++) {
        if (memcmp(hole->keys[to], head + 2, CURVE_KEY_SIZE) != 0)
            continue;
        (void)zmq_send(hole->router, hole->routes[to], hole->sizes[to], ZMQ_SNDMORE);
        (void)zmq_send(hole->router, frame, HEAD + zmq_msg_size(envelope), 0);
    }
}

static void hole_take(struct hole *hole)
{
    uint8_t route[64];
    uint8_t head[HEAD] = {0};
    zmq_msg_t envelope;
    int size = zmq_recv(hole->router, route, sizeof(route), 0);

    (void)zmq_msg_init(&envelope);
    (void)zmq_recv(hole->router, head, sizeof(head), 0);
    if (head[1] == FORWARD)
        (void)zmq_msg_recv(&envelope, hole->router, 0);
    if (head[1] == REGISTER) {
        hole_register(hole, route, (size_t)size, head);
    } else if (head[1] == FORWARD) {
        hole_forward(hole, route, (size_t)size, head, &envelope);
    } else if (head[1] == PING) {
        (void)zmq_send(hole->router, route, (size_t)size, ZMQ_SNDMORE);
        (void)zmq_send(hole->router, head, 2, 0);
    }
    (void)zmq_msg_close(&envelope);
}

static void *run_hole(void *arg)
{
    struct hole *hole = arg;
    zmq_pollitem_t items[2] = {{hole->router, 0, ZMQ_POLLIN, 0}, {hole->end, 0, ZMQ_POLLIN, 0}};

    while (zmq_poll(items, 2, -1) > 0 && !items[1].revents)
        hole_take(hole);
    return NULL;
}

static void start_hole(struct hole *hole, void *context)
{
    static int last; /* libzmq has a name free again some time after its socket was closed */
    char address[32];
    size_t size = sizeof(hole->endpoint);
    int zero = 0;

    (void)snprintf(address, sizeof(address), "inproc://hole.%d", last++);
    hole->control = zmq_socket(context, ZMQ_PAIR);
    hole->end = zmq_socket(context, ZMQ_PAIR);
    hole->router = zmq_socket(context, ZMQ_ROUTER);
    assert_int_equal(zmq_bind(hole->control, address), 0);
    assert_int_equal(zmq_connect(hole->end, address), 0);
    assert_int_equal(zmq_setsockopt(hole->router, ZMQ_LINGER, &zero, sizeof(zero)), 0);
    assert_int_equal(zmq_bind(hole->router, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(hole->router, ZMQ_LAST_ENDPOINT, hole->endpoint, &size), 0);
    assert_int_equal(pthread_create(&hole->thread, NULL, run_hole, hole), 0);
}

static void stop_hole(struct hole *hole)
{
    assert_int_equal(zmq_send(hole->control, "", 0, 0), 0);
    assert_int_equal(pthread_join(hole->thread, NULL), 0);
    (void)zmq_close(hole->router);
    (void)zmq_close(hole->control);
    (void)zmq_close(hole->end);
}

/* Both ways, in order. */
static void exchange(const struct ends *ends, curve_socket_t *one, curve_socket_t *other)
{
    enum { MESSAGES = 10 };
    uint8_t id[CURVE_ID_SIZE];
    char text[32];

    for (int i = 0; i < MESSAGES; i++) {
        (void)snprintf(text, sizeof(text), "message %d", i);
        send_to(one, key_of(ends->certs[1]), CURVE_KEY_SIZE, text);
    }
    for (int i = 0; i < MESSAGES; i++) {
        (void)snprintf(text, sizeof(text), "message %d", i);
        expect_from(other, id, text);
    }
    send_to(other, id, CURVE_ID_SIZE, "all of them");
    expect_from(one, id, "all of them");
}

static void run(const struct ends *ends, bool drops_at_once)
{
    struct hole hole = {.drops = drops_at_once};
    struct relay relay = {.result = -1};
    curve_socket_t *peers[2];

    start_hole(&hole, ends->context);
    start_relay(&relay, ends->context, "tcp://127.0.0.1:*");
    for (int i = 0; i < 2; i++) {
        peers[i] = make_peer(ends, i, hole.endpoint);
        assert_int_equal(curve_set(peers[i], CURVE_RCVTIMEO, PATIENCE_MS), 0);
    }
    if (!drops_at_once)
        exchange(ends, peers[0], peers[1]);
    for (int i = 0; i < 2; i++)
        assert_int_equal(curve_connect(peers[i], relay.endpoint), 0);
    atomic_store(&hole.drops, true);
    exchange(ends, peers[0], peers[1]);
    close_all(peers[0], peers[1]);
    stop_relay(&relay);
    stop_hole(&hole);
}

/* Handshakes go by the other relay. */
static void test_from_the_beginning(void **state)
{
    run(*state, true);
}

/* A session moves to the other relay. */
static void test_later(void **state)
{
    run(*state, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_the_beginning),
        cmocka_unit_test(test_later),
    };

    return run_ends("silent", tests, sizeof(tests) / sizeof(*tests));
}
