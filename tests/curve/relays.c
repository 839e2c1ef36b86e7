/* SPDX-License-Identifier: ISC */
#include "curve/relays.h"

enum { HEAD = 2 + CURVE_KEY_SIZE, MARK = 0xc5 };

static void *run_relay(void *arg)
{
    struct relay *relay = arg;

    /* On libzmq a port is free again some time after its socket was closed. */
    do {
        relay->result = curve_relay(relay->context, &relay->config);
        relay->error = errno;
    } while (relay->result == -1 && relay->error == EADDRINUSE);
    return NULL;
}

static void take_bound(void *arg, const char *endpoint)
{
    assert_int_equal(zmq_send(arg, endpoint, strlen(endpoint) + 1, 0), strlen(endpoint) + 1);
}

static void join_pair(void *context, void **one, void **other)
{
    static int last;
    char address[64];

    (void)snprintf(address, sizeof(address), "inproc://test.pair.%d", last++);
    *one = zmq_socket(context, ZMQ_PAIR);
    *other = zmq_socket(context, ZMQ_PAIR);
    assert_int_equal(zmq_bind(*one, address), 0);
    assert_int_equal(zmq_connect(*other, address), 0);
}

void start_relay(struct relay *relay, void *context, const char *endpoint)
{
    void *told = NULL;

    relay->context = context;
    (void)snprintf(relay->wanted, sizeof(relay->wanted), "%s", endpoint);
    relay->endpoints[0] = relay->wanted;
    relay->endpoints[1] = NULL;
    relay->config.endpoints = relay->endpoints;
    relay->config.bound = take_bound;
    join_pair(context, &relay->control, &relay->config.control);
    join_pair(context, &told, &relay->config.arg);
    assert_int_equal(pthread_create(&relay->thread, NULL, run_relay, relay), 0);
    assert_true(zmq_recv(told, relay->endpoint, sizeof(relay->endpoint), 0) > 0);
    (void)zmq_close(told);
}

void stop_relay(struct relay *relay)
{
    assert_int_equal(zmq_send(relay->control, "TERMINATE", 9, 0), 9);
    assert_int_equal(pthread_join(relay->thread, NULL), 0);
    assert_int_equal(relay->result, 0);
    (void)zmq_close(relay->control);
    (void)zmq_close(relay->config.control);
    (void)zmq_close(relay->config.arg);
}

curve_socket_t *make_peer(const struct ends *ends, int key, const char *endpoint)
{
    curve_socket_t *peer = curve_peer_new(ends->context, ends->certs[key]);

    assert_non_null(peer);
    assert_int_equal(curve_monitor(peer, CURVE_EVENT_ALL), 0);
    assert_int_equal(curve_allow(peer, NULL), 0);
    if (endpoint)
        assert_int_equal(curve_connect(peer, endpoint), 0);
    return peer;
}

void *make_raw(void *context, const char *endpoint)
{
    void *raw = zmq_socket(context, ZMQ_DEALER);
    int zero = 0;
    int patience = PATIENCE_MS;

    assert_non_null(raw);
    assert_int_equal(zmq_setsockopt(raw, ZMQ_LINGER, &zero, sizeof(zero)), 0);
    assert_int_equal(zmq_setsockopt(raw, ZMQ_RCVTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(zmq_connect(raw, endpoint), 0);
    return raw;
}

void raw_send(void *raw, int command, const uint8_t *key, const char *envelope)
{
    uint8_t head[HEAD] = {MARK, (uint8_t)command};
    size_t size = key ? HEAD : 2;

    if (key)
        memcpy(head + 2, key, CURVE_KEY_SIZE);
    assert_int_equal(zmq_send(raw, head, size, envelope ? ZMQ_SNDMORE : 0), size);
    if (envelope)
        assert_int_equal(zmq_send(raw, envelope, strlen(envelope), 0), strlen(envelope));
}

int raw_receive(void *raw, uint8_t *key, char *envelope, size_t size)
{
    zmq_msg_t msg;
    const uint8_t *head = NULL;
    size_t got;
    int command;

    (void)zmq_msg_init(&msg);
    assert_true(zmq_msg_recv(&msg, raw, 0) >= 0);
    assert_int_equal(zmq_msg_more(&msg), 0);
    head = zmq_msg_data(&msg);
    got = zmq_msg_size(&msg);
    assert_true(got == 2 || got >= HEAD);
    assert_int_equal(head[0], MARK);
    command = head[1];
    if (key && got >= HEAD)
        memcpy(key, head + 2, CURVE_KEY_SIZE);
    if (envelope) {
        size_t length = got > HEAD ? got - HEAD : 0;

        assert_true(length < size);
        memcpy(envelope, head + HEAD, length);
        envelope[length] = '\0';
    }
    (void)zmq_msg_close(&msg);
    return command;
}

void raw_register(void *raw, const uint8_t *key)
{
    uint8_t told[CURVE_KEY_SIZE];

    raw_send(raw, 1, key, NULL);
    assert_int_equal(raw_receive(raw, told, NULL, 0), 1);
    assert_memory_equal(told, key, CURVE_KEY_SIZE);
}
