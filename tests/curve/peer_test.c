/* SPDX-License-Identifier: ISC */
/* Peers that find each other through relays. */
#include "curve/relays.h"

static void test_two(void **state)
{
    static const char *const transports[] = {"tcp", "ipc", "inproc"};
    const struct ends *ends = *state;

    for (size_t i = 0; i < 3; i++) {
        struct relay relay = {.result = -1};
        uint8_t id[CURVE_ID_SIZE];
        uint8_t expected[CURVE_ID_SIZE] = {0};
        curve_socket_t *one = NULL;
        curve_socket_t *other = NULL;

        start_relay(&relay, ends->context, endpoint_for(ends, transports[i], "relay"));
        one = make_peer(ends, 0, relay.endpoint);
        other = make_peer(ends, 1, relay.endpoint);
        send_to(one, key_of(ends->certs[1]), CURVE_KEY_SIZE, "hello");
        expect_from(other, id, "hello");
        memcpy(expected, key_of(ends->certs[0]), CURVE_KEY_SIZE);
        assert_memory_equal(id, expected, CURVE_ID_SIZE);
        send_to(other, id, CURVE_ID_SIZE, "hello yourself");
        expect_from(one, id, "hello yourself");
        close_all(one, other);
        stop_relay(&relay);
    }
}

/* Each of three to both others, at once, from the beginning. */
static void test_three(void **state)
{
    enum { PEERS = 3, MESSAGES = 50 };
    const struct ends *ends = *state;
    struct relay relay = {.result = -1};
    curve_socket_t *peers[PEERS];

    start_relay(&relay, ends->context, "tcp://127.0.0.1:*");
    for (int i = 0; i < PEERS; i++)
        peers[i] = make_peer(ends, i, relay.endpoint);
    for (int m = 0; m < MESSAGES; m++) {
        for (int i = 0; i < PEERS; i++) {
            for (int to = 0; to < PEERS; to++) {
                char text[48];

                (void)snprintf(text, sizeof(text), "%d to %d: %d", i, to, m);
                if (to != i)
                    send_to(peers[i], key_of(ends->certs[to]), CURVE_KEY_SIZE, text);
            }
        }
    }
    for (int i = 0; i < PEERS; i++) {
        int next[PEERS] = {0};

        for (int m = 0; m < MESSAGES * (PEERS - 1); m++) {
            uint8_t id[CURVE_ID_SIZE];
            char text[48];
            char expected[48];
            int from = 0;

            assert_int_equal(curve_recv(peers[i], id, sizeof(id), 0), CURVE_ID_SIZE);
            while (memcmp(id, key_of(ends->certs[from]), CURVE_KEY_SIZE) != 0)
                from++;
            int size = curve_recv(peers[i], text, sizeof(text) - 1, 0);

            text[size] = '\0';
            (void)snprintf(expected, sizeof(expected), "%d to %d: %d", from, i, next[from]++);
            assert_string_equal(text, expected);
        }
    }
    for (int i = 0; i < PEERS; i++)
        assert_int_equal(curve_close(&peers[i]), 0);
    stop_relay(&relay);
}

/* What is sent to somebody who is not there yet arrives when they are. */
static void test_unreachable(void **state)
{
    const struct ends *ends = *state;
    struct relay relay = {.result = -1};
    curve_event_t event;
    uint8_t id[CURVE_ID_SIZE];
    curve_socket_t *one = NULL;
    curve_socket_t *other = NULL;

    start_relay(&relay, ends->context, "tcp://127.0.0.1:*");
    one = make_peer(ends, 0, relay.endpoint);
    send_to(one, key_of(ends->certs[1]), CURVE_KEY_SIZE, "early");
    expect_event(one, CURVE_EVENT_UNREACHABLE, &event);
    assert_memory_equal(event.id, key_of(ends->certs[1]), CURVE_KEY_SIZE);
    other = make_peer(ends, 1, relay.endpoint);
    expect_from(other, id, "early");
    expect_event(one, CURVE_EVENT_DELIVERED, &event);
    assert_int_equal(event.number, 1);
    close_all(one, other);
    stop_relay(&relay);
}

/* As many messages as CURVE_SNDHWM says are taken without waiting, however fast they come, and no more. */
static void test_burst(void **state)
{
    enum { HWM = 500 };
    const struct ends *ends = *state;
    struct relay relay = {.result = -1};
    uint8_t id[CURVE_ID_SIZE];
    curve_socket_t *one = make_peer(ends, 0, NULL);
    curve_socket_t *other = NULL;

    assert_int_equal(curve_set(one, CURVE_SNDHWM, HWM), 0);
    for (int i = 0; i < HWM; i++) {
        assert_int_equal(curve_send(one, key_of(ends->certs[1]), CURVE_KEY_SIZE, ZMQ_SNDMORE | ZMQ_DONTWAIT),
                         CURVE_KEY_SIZE);
        assert_int_equal(curve_send(one, "x", 1, ZMQ_DONTWAIT), 1);
    }
    /* It takes effect with connect: until then it is the default. */
    start_relay(&relay, ends->context, "tcp://127.0.0.1:*");
    assert_int_equal(curve_connect(one, relay.endpoint), 0);
    assert_int_equal(curve_send(one, key_of(ends->certs[1]), CURVE_KEY_SIZE, ZMQ_SNDMORE | ZMQ_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    other = make_peer(ends, 1, relay.endpoint);
    for (int i = 0; i < HWM; i++)
        expect_from(other, id, "x");
    send_to(one, key_of(ends->certs[1]), CURVE_KEY_SIZE, "one more");
    expect_from(other, id, "one more");
    close_all(one, other);
    stop_relay(&relay);
}

/* The relay dies and comes back at the same place: nothing is lost, nothing comes twice. */
static void test_relay_restarts(void **state)
{
    const struct ends *ends = *state;
    struct relay relay = {.result = -1};
    char endpoint[ENDPOINT_SIZE];
    uint8_t id[CURVE_ID_SIZE];
    uint32_t next = 0;
    uint32_t sent = 0;
    curve_socket_t *one = NULL;
    curve_socket_t *other = NULL;

    start_relay(&relay, ends->context, "tcp://127.0.0.1:*");
    (void)strcpy(endpoint, relay.endpoint);
    one = make_peer(ends, 0, endpoint);
    other = make_peer(ends, 1, endpoint);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 200; i++, sent++) {
            assert_int_equal(curve_send(one, key_of(ends->certs[1]), CURVE_KEY_SIZE, ZMQ_SNDMORE), CURVE_KEY_SIZE);
            assert_int_equal(curve_send(one, &sent, sizeof(sent), 0), sizeof(sent));
        }
        /* In the midst of it. */
        stop_relay(&relay);
        memset(&relay, 0, sizeof(relay));
        start_relay(&relay, ends->context, endpoint);
        for (; next < sent; next++) {
            uint32_t number = 0;

            assert_int_equal(curve_recv(other, id, sizeof(id), 0), CURVE_ID_SIZE);
            assert_int_equal(curve_recv(other, &number, sizeof(number), 0), sizeof(number));
            assert_int_equal(number, next);
        }
    }
    close_all(one, other);
    stop_relay(&relay);
}

/* The other end begins anew: what it did not acknowledge is reported, what is sent afterwards arrives. */
static void test_peer_restarts(void **state)
{
    const struct ends *ends = *state;
    struct relay relay = {.result = -1};
    uint8_t id[CURVE_ID_SIZE];
    curve_event_t event;
    curve_socket_t *one = NULL;
    curve_socket_t *other = NULL;

    start_relay(&relay, ends->context, "tcp://127.0.0.1:*");
    one = make_peer(ends, 0, relay.endpoint);
    other = make_peer(ends, 1, relay.endpoint);
    send_to(one, key_of(ends->certs[1]), CURVE_KEY_SIZE, "first life");
    expect_from(other, id, "first life");
    expect_event(one, CURVE_EVENT_DELIVERED, &event);
    assert_int_equal(curve_close(&other), 0);
    expect_event(one, CURVE_EVENT_CLOSED, &event);
    send_to(one, key_of(ends->certs[1]), CURVE_KEY_SIZE, "second life");
    other = make_peer(ends, 1, relay.endpoint);
    expect_from(other, id, "second life");
    expect_event(one, CURVE_EVENT_DELIVERED, &event);
    assert_int_equal(event.number, 2);
    close_all(one, other);
    stop_relay(&relay);
}

/* Two relays, with one peer at each and one at both, who answers by the relay that the other uses. */
static void test_two_relays(void **state)
{
    const struct ends *ends = *state;
    struct relay relays[2] = {{.result = -1}, {.result = -1}};
    uint8_t id[CURVE_ID_SIZE];
    curve_socket_t *at[2];
    curve_socket_t *both = make_peer(ends, 2, NULL);

    for (int i = 0; i < 2; i++) {
        start_relay(&relays[i], ends->context, "tcp://127.0.0.1:*");
        at[i] = make_peer(ends, i, relays[i].endpoint);
        assert_int_equal(curve_connect(both, relays[i].endpoint), 0);
    }
    for (int i = 0; i < 2; i++)
        send_to(both, key_of(ends->certs[i]), CURVE_KEY_SIZE, "where are you?");
    for (int i = 0; i < 2; i++) {
        expect_from(at[i], id, "where are you?");
        send_to(at[i], id, CURVE_ID_SIZE, "here");
        expect_from(both, id, "here");
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(curve_close(&at[i]), 0);
    assert_int_equal(curve_close(&both), 0);
    for (int i = 0; i < 2; i++)
        stop_relay(&relays[i]);
}

/* The head of what a relay says, and what else there is, as one frame. */
static void lie(void *relay, const char *to, size_t to_size, int command, const uint8_t *key, const char *rest)
{
    uint8_t frame[64] = {0xc5, (uint8_t)command};

    memcpy(frame + 2, key, CURVE_KEY_SIZE);
    memcpy(frame + 2 + CURVE_KEY_SIZE, rest, strlen(rest));
    assert_int_equal(zmq_send(relay, to, to_size, ZMQ_SNDMORE), (int)to_size);
    assert_true(zmq_send(relay, frame, 2 + CURVE_KEY_SIZE + strlen(rest), 0) > 0);
}

/* Of two relays one lies: it sends octets as from the other end, and says that nobody knows it. What goes by the other relay
 * still does. */
static void test_lying_relay(void **state)
{
    enum { REGISTER = 1, FORWARD = 2, UNREACHABLE = 5 };
    const struct ends *ends = *state;
    const uint8_t *key = key_of(ends->certs[1]);
    struct relay relay = {.result = -1};
    char endpoint[ENDPOINT_SIZE];
    char from[64];
    uint8_t id[CURVE_ID_SIZE];
    uint8_t head[64];
    size_t size = sizeof(endpoint);
    int patience = PATIENCE_MS;
    int zero = 0;
    int got;
    void *liar = zmq_socket(ends->context, ZMQ_ROUTER);
    curve_socket_t *one = make_peer(ends, 0, NULL);
    curve_socket_t *other = make_peer(ends, 1, NULL);

    /* No heartbeat sets it right. */
    assert_int_equal(curve_set(one, CURVE_HEARTBEAT_IVL, 1000000), 0);
    assert_int_equal(curve_set(other, CURVE_HEARTBEAT_IVL, 1000000), 0);
    assert_int_equal(zmq_setsockopt(liar, ZMQ_LINGER, &zero, sizeof(zero)), 0);
    assert_int_equal(zmq_setsockopt(liar, ZMQ_RCVTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(zmq_bind(liar, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(liar, ZMQ_LAST_ENDPOINT, endpoint, &size), 0);
    start_relay(&relay, ends->context, "tcp://127.0.0.1:*");
    assert_int_equal(curve_connect(one, relay.endpoint), 0);
    assert_int_equal(curve_connect(other, relay.endpoint), 0);
    send_to(one, key, CURVE_KEY_SIZE, "hello");
    expect_from(other, id, "hello");
    expect_event(one, CURVE_EVENT_DELIVERED, NULL);
    assert_int_equal(curve_connect(one, endpoint), 0);
    got = zmq_recv(liar, from, sizeof(from), 0);
    assert_true(got > 0);
    assert_int_equal(zmq_recv(liar, head, sizeof(head), 0), 34);
    assert_int_equal(head[1], REGISTER);
    lie(liar, from, (size_t)got, REGISTER, key_of(ends->certs[0]), "");
    lie(liar, from, (size_t)got, UNREACHABLE, key, "");
    expect_event(one, CURVE_EVENT_UNREACHABLE, NULL);
    lie(liar, from, (size_t)got, FORWARD, key, "nothing that opens");
    expect_event(one, CURVE_EVENT_SUSPECT, NULL);
    assert_int_equal(curve_set(other, CURVE_RCVTIMEO, PATIENCE_MS), 0);
    send_to(one, key, CURVE_KEY_SIZE, "still here");
    expect_from(other, id, "still here");
    (void)zmq_close(liar);
    close_all(one, other);
    stop_relay(&relay);
}

/* Somebody floods a peer with what does not open, and its application does not look: what became of its messages is told
 * nevertheless, and the flood is counted. */
static void test_flood(void **state)
{
    enum { FORWARD = 2, PING = 3, FLOOD = 3000, LARGE = 2000 };
    const struct ends *ends = *state;
    struct relay relay = {.config = {.max_queue = 2 * FLOOD}};
    const uint8_t *key = key_of(ends->certs[1]);
    static const char large[LARGE];
    uint8_t id[CURVE_ID_SIZE];
    uint64_t suspects = 0;
    curve_event_t event;
    curve_socket_t *one = NULL;
    curve_socket_t *other = make_peer(ends, 1, NULL);
    void *raw = NULL;

    start_relay(&relay, ends->context, "tcp://127.0.0.1:*");
    one = make_peer(ends, 0, relay.endpoint);
    assert_int_equal(curve_set(other, CURVE_MAXMSGSIZE, LARGE / 2), 0);
    assert_int_equal(curve_connect(other, relay.endpoint), 0);
    send_to(one, key, CURVE_KEY_SIZE, "hello");
    expect_from(other, id, "hello");
    expect_event(one, CURVE_EVENT_DELIVERED, NULL);
    raw = make_raw(ends->context, relay.endpoint);
    raw_register(raw, key_of(ends->certs[2]));
    for (int i = 0; i < FLOOD; i++)
        raw_send(raw, FORWARD, key_of(ends->certs[0]), "nothing that opens");
    raw_send(raw, PING, NULL, NULL);
    assert_int_equal(raw_receive(raw, NULL, NULL, 0), PING);
    /* Behind the flood. */
    send_to(other, id, CURVE_ID_SIZE, "go on");
    expect_from(one, id, "go on");
    assert_int_equal(curve_send(one, key, CURVE_KEY_SIZE, ZMQ_SNDMORE), CURVE_KEY_SIZE);
    assert_int_equal(curve_send(one, large, LARGE, 0), LARGE);
    send_to(one, key, CURVE_KEY_SIZE, "small");
    expect_from(other, id, "small");
    do {
        expect_event(one, CURVE_EVENT_UNDELIVERED | CURVE_EVENT_DELIVERED | CURVE_EVENT_SUSPECT, &event);
        suspects += event.event == CURVE_EVENT_SUSPECT ? event.number : 0;
    } while (event.event == CURVE_EVENT_SUSPECT);
    assert_int_equal(event.event, CURVE_EVENT_UNDELIVERED);
    assert_int_equal(event.number, 2);
    assert_int_equal(suspects, FLOOD);
    expect_event(one, CURVE_EVENT_DELIVERED, &event);
    assert_int_equal(event.number, 3);
    (void)zmq_close(raw);
    close_all(one, other);
    stop_relay(&relay);
}

static void test_hop(void **state)
{
    const struct ends *ends = *state;
    struct relay relay = {.config = {.hop = ends->server_cert}};
    uint8_t id[CURVE_ID_SIZE];
    curve_socket_t *one = make_peer(ends, 0, NULL);
    curve_socket_t *other = make_peer(ends, 1, NULL);

    start_relay(&relay, ends->context, "tcp://127.0.0.1:*");
    assert_int_equal(curve_set_hop_key(one, key_of(ends->server_cert)), 0);
    assert_int_equal(curve_set_hop_key(other, key_of(ends->server_cert)), 0);
    assert_int_equal(curve_connect(one, relay.endpoint), 0);
    assert_int_equal(curve_connect(other, relay.endpoint), 0);
    send_to(one, key_of(ends->certs[1]), CURVE_KEY_SIZE, "hello");
    expect_from(other, id, "hello");
    close_all(one, other);
    stop_relay(&relay);
}

/* Somebody registers the key of another, and reads along: nothing comes of it. */
static void test_impostor(void **state)
{
    const struct ends *ends = *state;
    struct relay relay = {.result = -1};
    uint8_t id[CURVE_ID_SIZE];
    char text[1024];
    curve_socket_t *one = NULL;
    curve_socket_t *other = NULL;
    void *impostor = NULL;

    start_relay(&relay, ends->context, "tcp://127.0.0.1:*");
    impostor = make_raw(ends->context, relay.endpoint);
    raw_register(impostor, key_of(ends->certs[1]));
    one = make_peer(ends, 0, relay.endpoint);
    other = make_peer(ends, 1, relay.endpoint);
    send_to(one, key_of(ends->certs[1]), CURVE_KEY_SIZE, "for one alone");
    expect_from(other, id, "for one alone");
    /* It repeats all that it gets, to both ends. */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(raw_receive(impostor, NULL, text, sizeof(text)), 2);
        assert_null(strstr(text, "for one alone"));
        raw_send(impostor, 2, key_of(ends->certs[0]), text);
        raw_send(impostor, 2, key_of(ends->certs[1]), text);
    }
    send_to(one, key_of(ends->certs[1]), CURVE_KEY_SIZE, "still");
    expect_from(other, id, "still");
    (void)zmq_close(impostor);
    close_all(one, other);
    stop_relay(&relay);
}

static void test_binds_not(void **state)
{
    const struct ends *ends = *state;
    curve_socket_t *peer = make_peer(ends, 0, NULL);

    assert_int_equal(curve_bind(peer, "tcp://127.0.0.1:*"), -1);
    assert_int_equal(errno, ENOTSUP);
    assert_int_equal(curve_close(&peer), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two),        cmocka_unit_test(test_three),          cmocka_unit_test(test_unreachable),
        cmocka_unit_test(test_burst),      cmocka_unit_test(test_relay_restarts), cmocka_unit_test(test_peer_restarts),
        cmocka_unit_test(test_two_relays), cmocka_unit_test(test_lying_relay),    cmocka_unit_test(test_flood),
        cmocka_unit_test(test_hop),        cmocka_unit_test(test_impostor),       cmocka_unit_test(test_binds_not),
    };

    return run_ends("peer", tests, sizeof(tests) / sizeof(*tests));
}
