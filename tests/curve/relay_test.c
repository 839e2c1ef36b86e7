/* SPDX-License-Identifier: ISC */
/* The relay by itself: registration, forwarding, limits, and what a flood can do. */
#include "curve/relays.h"

/* What docs/libcurve.md calls the commands. */
enum { REGISTER = 1, FORWARD, PING, REFUSED, UNREACHABLE, UNKNOWN };

static uint8_t a[CURVE_KEY_SIZE] = "key of a";
static uint8_t b[CURVE_KEY_SIZE] = "key of b";
static uint8_t nobody[CURVE_KEY_SIZE] = "key of nobody";

static void expect_forward(void *raw, const uint8_t *from, const char *envelope)
{
    uint8_t key[CURVE_KEY_SIZE];
    char text[256];

    assert_int_equal(raw_receive(raw, key, text, sizeof(text)), FORWARD);
    assert_memory_equal(key, from, CURVE_KEY_SIZE);
    assert_string_equal(text, envelope);
}

static void expect_command(void *raw, int command, const uint8_t *about)
{
    uint8_t key[CURVE_KEY_SIZE];

    assert_int_equal(raw_receive(raw, key, NULL, 0), command);
    if (about)
        assert_memory_equal(key, about, CURVE_KEY_SIZE);
}

static void test_forward(void **state)
{
    static const char *const transports[] = {"tcp", "ipc", "inproc"};
    const struct ends *ends = *state;

    for (size_t i = 0; i < 3; i++) {
        struct relay relay = {.result = -1};
        void *one = NULL;
        void *other = NULL;

        start_relay(&relay, ends->context, endpoint_for(ends, transports[i], "relay"));
        one = make_raw(ends->context, relay.endpoint);
        other = make_raw(ends->context, relay.endpoint);
        raw_send(one, FORWARD, b, "too early");
        expect_command(one, UNKNOWN, NULL);
        raw_send(one, PING, NULL, NULL);
        expect_command(one, UNKNOWN, NULL);
        raw_register(one, a);
        raw_send(one, FORWARD, b, "still too early");
        expect_command(one, UNREACHABLE, b);
        raw_register(other, b);
        raw_send(one, FORWARD, b, "hello");
        expect_forward(other, a, "hello");
        raw_send(other, FORWARD, a, "");
        expect_forward(one, b, "");
        raw_send(one, FORWARD, a, "to myself");
        expect_forward(one, a, "to myself");
        raw_send(one, PING, NULL, NULL);
        expect_command(one, PING, NULL);
        (void)zmq_close(one);
        (void)zmq_close(other);
        stop_relay(&relay);
    }
}

/* Whatever it is, others notice nothing, and it is dropped. */
static void test_garbage(void **state)
{
    const struct ends *ends = *state;
    static const uint8_t short_head[3] = {0xc5, REGISTER, 1};
    struct relay relay = {.result = -1};
    void *one = NULL;

    start_relay(&relay, ends->context, "tcp://127.0.0.1:*");
    one = make_raw(ends->context, relay.endpoint);
    assert_int_equal(zmq_send(one, "", 0, 0), 0);
    assert_int_equal(zmq_send(one, "garbage", 7, 0), 7);
    assert_int_equal(zmq_send(one, short_head, sizeof(short_head), 0), sizeof(short_head));
    raw_send(one, 0, a, NULL);
    raw_send(one, 7, a, NULL);
    raw_send(one, 255, NULL, NULL);
    raw_send(one, FORWARD, a, NULL);
    raw_send(one, REGISTER, NULL, NULL);
    raw_send(one, REGISTER, a, "an envelope");
    for (int i = 0; i < 20; i++)
        assert_int_equal(zmq_send(one, "more", 4, i < 19 ? ZMQ_SNDMORE : 0), 4);
    raw_register(one, a);
    (void)zmq_close(one);
    stop_relay(&relay);
}

/* Several claim a key: all get what is for it, up to four; the one that is silent longest goes. */
static void test_claimants(void **state)
{
    const struct ends *ends = *state;
    struct relay relay = {.result = -1};
    void *claimants[5] = {NULL};
    void *sender = NULL;

    start_relay(&relay, ends->context, "tcp://127.0.0.1:*");
    sender = make_raw(ends->context, relay.endpoint);
    raw_register(sender, a);
    for (int i = 0; i < 4; i++) {
        claimants[i] = make_raw(ends->context, relay.endpoint);
        raw_register(claimants[i], b);
    }
    raw_send(sender, FORWARD, b, "to four");
    for (int i = 0; i < 4; i++)
        expect_forward(claimants[i], a, "to four");
    claimants[4] = make_raw(ends->context, relay.endpoint);
    raw_register(claimants[4], b);
    raw_send(sender, FORWARD, b, "to four of five");
    expect_forward(claimants[4], a, "to four of five");
    raw_send(claimants[0], PING, NULL, NULL);
    raw_send(claimants[1], PING, NULL, NULL);
    raw_send(claimants[2], PING, NULL, NULL);
    raw_send(claimants[3], PING, NULL, NULL);
    int unknown = 0;

    for (int i = 0; i < 4; i++) {
        int command = raw_receive(claimants[i], NULL, NULL, 0);

        if (command == FORWARD)
            command = raw_receive(claimants[i], NULL, NULL, 0);
        unknown += command == UNKNOWN;
    }
    assert_int_equal(unknown, 1);
    for (int i = 0; i < 5; i++)
        (void)zmq_close(claimants[i]);
    (void)zmq_close(sender);
    stop_relay(&relay);
}

/* One that moves to another key is not reached by the first any more. */
static void test_new_key(void **state)
{
    const struct ends *ends = *state;
    struct relay relay = {.result = -1};
    void *one = NULL;

    start_relay(&relay, ends->context, "tcp://127.0.0.1:*");
    one = make_raw(ends->context, relay.endpoint);
    raw_register(one, a);
    raw_register(one, b);
    raw_send(one, FORWARD, a, "gone");
    expect_command(one, UNREACHABLE, a);
    raw_send(one, FORWARD, b, "here");
    expect_forward(one, b, "here");
    (void)zmq_close(one);
    stop_relay(&relay);
}

static void test_max_peers(void **state)
{
    const struct ends *ends = *state;
    struct relay relay = {.config = {.max_peers = 1}};
    void *one = NULL;
    void *other = NULL;

    start_relay(&relay, ends->context, "tcp://127.0.0.1:*");
    one = make_raw(ends->context, relay.endpoint);
    other = make_raw(ends->context, relay.endpoint);
    raw_register(one, a);
    raw_send(other, REGISTER, b, NULL);
    expect_command(other, REFUSED, b);
    raw_register(one, a);
    (void)zmq_close(one);
    (void)zmq_close(other);
    stop_relay(&relay);
}

/* The silent one is forgotten, the one that pings is not. */
static void test_idle(void **state)
{
    const struct ends *ends = *state;
    struct relay relay = {.config = {.idle = 200}};
    void *one = NULL;
    void *other = NULL;
    int command;

    start_relay(&relay, ends->context, "tcp://127.0.0.1:*");
    one = make_raw(ends->context, relay.endpoint);
    other = make_raw(ends->context, relay.endpoint);
    raw_register(other, b);
    raw_register(one, a);
    do {
        raw_send(one, FORWARD, b, "there?");
        raw_send(one, PING, NULL, NULL);
        command = raw_receive(one, NULL, NULL, 0);
        if (command == UNREACHABLE)
            expect_command(one, PING, NULL);
        /* On a machine that is held up, this one may have been silent too. */
        if (command == UNKNOWN) {
            (void)raw_receive(one, NULL, NULL, 0);
            raw_register(one, a);
        }
    } while (command != UNREACHABLE);
    (void)zmq_close(one);
    (void)zmq_close(other);
    stop_relay(&relay);
}

/* What is too large closes the connection of who sent it; others go on. */
static void test_max_message(void **state)
{
    const struct ends *ends = *state;
    struct relay relay = {.config = {.max_message = 1000}};
    char *large = calloc(1, 1002);
    void *one = NULL;
    void *other = NULL;

    start_relay(&relay, ends->context, "tcp://127.0.0.1:*");
    one = make_raw(ends->context, relay.endpoint);
    other = make_raw(ends->context, relay.endpoint);
    raw_register(one, a);
    raw_register(other, b);
    memset(large, 'x', 1001);
    raw_send(one, FORWARD, b, large);
    raw_send(other, FORWARD, b, "to myself");
    expect_forward(other, b, "to myself");
    (void)zmq_close(one);
    (void)zmq_close(other);
    stop_relay(&relay);
    free(large);
}

/* A second's worth, or one message, at once; beyond that it is dropped. The answer to PING tells that all was seen. */
static void test_rate(void **state)
{
    const struct ends *ends = *state;
    struct relay relay = {.config = {.rate = 1, .max_message = 1000}};
    char text[501];
    int came = 0;
    void *one = NULL;

    start_relay(&relay, ends->context, "tcp://127.0.0.1:*");
    one = make_raw(ends->context, relay.endpoint);
    raw_register(one, a);
    memset(text, 'x', 500);
    text[500] = '\0';
    for (int i = 0; i < 10; i++)
        raw_send(one, FORWARD, a, text);
    raw_send(one, PING, NULL, NULL);
    while (raw_receive(one, NULL, NULL, 0) == FORWARD)
        came++;
    assert_int_equal(came, 2);
    (void)zmq_close(one);
    stop_relay(&relay);
}

/* One that reads nothing loses what does not fit, and costs nobody else anything. */
static void test_queue(void **state)
{
    const struct ends *ends = *state;
    struct relay relay = {.config = {.max_queue = 10}};
    int small = 1;
    int came = 0;
    void *slow = zmq_socket(ends->context, ZMQ_DEALER);
    void *one = NULL;
    char text[1000];

    start_relay(&relay, ends->context, "inproc://slow");
    assert_int_equal(zmq_setsockopt(slow, ZMQ_RCVHWM, &small, sizeof(small)), 0);
    assert_int_equal(zmq_connect(slow, relay.endpoint), 0);
    raw_register(slow, b);
    one = make_raw(ends->context, relay.endpoint);
    raw_register(one, a);
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (int i = 0; i < 500; i++) {
        raw_send(one, FORWARD, b, text);
        raw_send(one, FORWARD, a, "to myself");
        expect_forward(one, a, "to myself");
    }
    while (zmq_recv(slow, text, sizeof(text), ZMQ_DONTWAIT) >= 0)
        came++;
    assert_in_range(came, 10, 30);
    (void)zmq_close(slow);
    (void)zmq_close(one);
    stop_relay(&relay);
}

/* The memory is shared: who takes up half of what is free gets no more, and somebody else still does. */
static void test_memory(void **state)
{
    const struct ends *ends = *state;
    struct relay relay = {.config = {.max_memory = 1}};
    void *slow = make_raw(ends->context, "inproc://memory");
    void *one = NULL;
    static char text[100 * 1024];
    uint8_t key[CURVE_KEY_SIZE];
    char head[64];
    int came = 0;

    start_relay(&relay, ends->context, "inproc://memory");
    raw_register(slow, b);
    one = make_raw(ends->context, relay.endpoint);
    raw_register(one, a);
    memset(text, 'x', sizeof(text) - 1);
    for (int i = 0; i < 50; i++) {
        raw_send(one, FORWARD, b, text);
        raw_send(one, FORWARD, a, "to myself");
        expect_forward(one, a, "to myself");
    }
    raw_send(one, FORWARD, nobody, "x");
    assert_int_equal(raw_receive(one, key, NULL, 0), UNREACHABLE);
    while (zmq_recv(slow, head, sizeof(head), ZMQ_DONTWAIT) > 0)
        came++;
    assert_in_range(came, 4, 8);
    (void)zmq_close(slow);
    (void)zmq_close(one);
    stop_relay(&relay);
}

/* All that comes is copied to the capture socket. */
static void test_capture(void **state)
{
    const struct ends *ends = *state;
    struct relay relay = {.result = -1};
    void *pull = zmq_socket(ends->context, ZMQ_PULL);
    void *push = zmq_socket(ends->context, ZMQ_PUSH);
    void *one = NULL;
    char text[64];

    assert_int_equal(zmq_bind(pull, "inproc://capture"), 0);
    assert_int_equal(zmq_connect(push, "inproc://capture"), 0);
    relay.config.capture = push;
    start_relay(&relay, ends->context, "tcp://127.0.0.1:*");
    one = make_raw(ends->context, relay.endpoint);
    raw_register(one, a);
    raw_send(one, FORWARD, nobody, "captured");
    assert_int_equal(zmq_recv(pull, text, sizeof(text), 0), 5);
    assert_int_equal(zmq_recv(pull, text, sizeof(text), 0), 34);
    assert_int_equal(zmq_recv(pull, text, sizeof(text), 0), 5);
    assert_int_equal(zmq_recv(pull, text, sizeof(text), 0), 34);
    assert_int_equal(zmq_recv(pull, text, sizeof(text), 0), 8);
    assert_memory_equal(text, "captured", 8);
    (void)zmq_close(one);
    stop_relay(&relay);
    (void)zmq_close(push);
    (void)zmq_close(pull);
}

/* Protected hop: a key counts for who proved it. */
static void test_hop(void **state)
{
    const struct ends *ends = *state;
    struct relay relay = {.config = {.hop = ends->server_cert}};
    void *one = zmq_socket(ends->context, ZMQ_DEALER);
    int zero = 0;
    int patience = PATIENCE_MS;

    start_relay(&relay, ends->context, "tcp://127.0.0.1:*");
    assert_int_equal(zmq_setsockopt(one, ZMQ_LINGER, &zero, sizeof(zero)), 0);
    assert_int_equal(zmq_setsockopt(one, ZMQ_RCVTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(zmq_setsockopt(one, ZMQ_CURVE_SERVERKEY, key_of(ends->server_cert), 32), 0);
    assert_int_equal(zmq_setsockopt(one, ZMQ_CURVE_PUBLICKEY, key_of(ends->certs[0]), 32), 0);
    assert_int_equal(zmq_setsockopt(one, ZMQ_CURVE_SECRETKEY, curve_cert_secret_key(ends->certs[0]), 32), 0);
    assert_int_equal(zmq_connect(one, relay.endpoint), 0);
    raw_send(one, REGISTER, key_of(ends->certs[1]), NULL);
    expect_command(one, REFUSED, key_of(ends->certs[1]));
    raw_register(one, key_of(ends->certs[0]));
    (void)zmq_close(one);
    stop_relay(&relay);
}

static void test_mistakes(void **state)
{
    const struct ends *ends = *state;
    const char *none[] = {NULL};
    const char *wrong[] = {"nonsense", NULL};
    curve_relay_config_t config = {.endpoints = NULL};

    assert_int_equal(curve_relay(ends->context, &config), -1);
    assert_int_equal(errno, EFAULT);
    config.endpoints = none;
    assert_int_equal(curve_relay(ends->context, &config), -1);
    assert_int_equal(errno, EINVAL);
    config.endpoints = wrong;
    assert_int_equal(curve_relay(ends->context, &config), -1);
    assert_int_equal(errno, EINVAL);
    config.rate = -1;
    assert_int_equal(curve_relay(ends->context, &config), -1);
    assert_int_equal(errno, EINVAL);
}

/* The context's end is the relay's. */
static void test_term(void **state)
{
    struct relay relay = {.result = 0};
    void *context = zmq_ctx_new();

    (void)state;
    start_relay(&relay, context, "tcp://127.0.0.1:*");
    assert_int_equal(zmq_ctx_shutdown(context), 0);
    assert_int_equal(pthread_join(relay.thread, NULL), 0);
    assert_int_equal(relay.result, -1);
    assert_int_equal(relay.error, ETERM);
    (void)zmq_close(relay.control);
    (void)zmq_close(relay.config.control);
    (void)zmq_close(relay.config.arg);
    assert_int_equal(zmq_ctx_term(context), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward),     cmocka_unit_test(test_garbage),   cmocka_unit_test(test_claimants),
        cmocka_unit_test(test_new_key),     cmocka_unit_test(test_max_peers), cmocka_unit_test(test_idle),
        cmocka_unit_test(test_max_message), cmocka_unit_test(test_rate),      cmocka_unit_test(test_queue),
        cmocka_unit_test(test_memory),      cmocka_unit_test(test_capture),   cmocka_unit_test(test_hop),
        cmocka_unit_test(test_mistakes),    cmocka_unit_test(test_term),
    };

    return run_ends("relay", tests, sizeof(tests) / sizeof(*tests));
}
