/* SPDX-License-Identifier: ISC */
/* zmq_proxy, zmq_proxy_steerable and zmq_device: what they pass on, capture and count, and how they are steered. */
#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* The proxy's side is its thread's until that is joined; the other ends are the test's. */
struct proxy {
    pthread_t thread;
    void *frontend;
    void *backend;
    void *capture;
    void *control;
    int device; /* 0: none */
    int result;
    int number;
    char frontend_endpoint[ENDPOINT_MAX];
    char backend_endpoint[ENDPOINT_MAX];
    char capture_endpoint[ENDPOINT_MAX];
    char control_endpoint[ENDPOINT_MAX];
};

static void *proxy_main(void *argument)
{
    struct proxy *proxy = argument;
    if (proxy->device)
        proxy->result = zmq_device(proxy->device, proxy->frontend, proxy->backend);
    else if (proxy->control)
        proxy->result = zmq_proxy_steerable(proxy->frontend, proxy->backend, proxy->capture, proxy->control);
    else
        proxy->result = zmq_proxy(proxy->frontend, proxy->backend, proxy->capture);
    proxy->number = zmq_errno();
    return NULL;
}

#define NO_SOCKET (-1)

static void *bind_side(struct world *world, int type, const char *transport, char endpoint[ENDPOINT_MAX])
{
    if (type == NO_SOCKET)
        return NULL;
    void *socket = open_plain_socket(world, type);
    set_int(socket, ZMQ_LINGER, 0);
    if (type == ZMQ_SUB)
        set_bytes(socket, ZMQ_SUBSCRIBE, "", 0);
    bind_any(world, socket, transport, endpoint);
    return socket;
}

static void prepare(struct world *world, struct proxy *proxy, const char *transport, int frontend, int backend,
                    int capture, int control)
{
    memset(proxy, 0, sizeof *proxy);
    proxy->frontend = bind_side(world, frontend, transport, proxy->frontend_endpoint);
    proxy->backend = bind_side(world, backend, transport, proxy->backend_endpoint);
    proxy->capture = bind_side(world, capture, "inproc", proxy->capture_endpoint);
    proxy->control = bind_side(world, control, "inproc", proxy->control_endpoint);
}

static void run(struct proxy *proxy)
{
    assert_int_equal(pthread_create(&proxy->thread, NULL, proxy_main, proxy), 0);
}

static void *join_side(struct world *world, int type, const char *endpoint)
{
    void *socket = open_socket(world, type);
    assert_ok(zmq_connect(socket, endpoint));
    return socket;
}

static void end_by_shutdown(struct world *world, struct proxy *proxy)
{
    assert_ok(zmq_ctx_shutdown(world->context));
    pthread_join(proxy->thread, NULL);
    assert_int_equal(proxy->result, -1);
    assert_int_equal(proxy->number, ETERM);
}

static void end_by_command(void *steer, struct proxy *proxy)
{
    send_str(steer, "TERMINATE");
    pthread_join(proxy->thread, NULL);
    assert_int_equal(proxy->result, 0);
}

static void exchange(struct world *world, const char *transport, int device)
{
    struct proxy proxy;
    prepare(world, &proxy, transport, ZMQ_ROUTER, ZMQ_DEALER, NO_SOCKET, NO_SOCKET);
    proxy.device = device;
    void *clients[3];
    for (int i = 0; i < 3; i++)
        clients[i] = join_side(world, ZMQ_REQ, proxy.frontend_endpoint);
    void *server = join_side(world, ZMQ_REP, proxy.backend_endpoint);
    run(&proxy);
    for (int round = 0; round < 20; round++) {
        char text[16];
        snprintf(text, sizeof text, "request %d", round);
        send_frames(clients[round % 3], text, "and more");
        expect_frames(server, text, "and more");
        send_frames(server, "reply", "", text);
        expect_frames(clients[round % 3], "reply", "", text);
    }
    end_by_shutdown(world, &proxy);
}

static void test_requests_and_replies_over_inproc(void **state)
{
    exchange(*state, "inproc", 0);
}

static void test_requests_and_replies_over_tcp(void **state)
{
    exchange(*state, "tcp", 0);
}

static void test_device_is_a_proxy(void **state)
{
    exchange(*state, "ipc", ZMQ_QUEUE);
}

static void test_one_way(void **state)
{
    struct world *world = *state;
    struct proxy proxy;
    prepare(world, &proxy, "tcp", ZMQ_PULL, ZMQ_PUSH, NO_SOCKET, NO_SOCKET);
    proxy.device = ZMQ_STREAMER;
    void *sender = join_side(world, ZMQ_PUSH, proxy.frontend_endpoint);
    void *receiver = join_side(world, ZMQ_PULL, proxy.backend_endpoint);
    run(&proxy);
    for (int i = 0; i < 5000; i++) {
        send_bytes(sender, &i, sizeof i, ZMQ_SNDMORE);
        send_str(sender, "tail");
    }
    for (int i = 0; i < 5000; i++) {
        expect_bytes(receiver, &i, sizeof i);
        expect_more(receiver);
        expect_str(receiver, "tail");
    }
    end_by_shutdown(world, &proxy);
}

static void test_subscriptions_pass_upstream(void **state)
{
    struct world *world = *state;
    struct proxy proxy;
    prepare(world, &proxy, "inproc", ZMQ_XSUB, ZMQ_XPUB, NO_SOCKET, NO_SOCKET);
    void *publisher = join_side(world, ZMQ_XPUB, proxy.frontend_endpoint);
    run(&proxy);
    void *subscriber = join_side(world, ZMQ_SUB, proxy.backend_endpoint);
    set_bytes(subscriber, ZMQ_SUBSCRIBE, "topic", 5);
    expect_bytes(publisher, "\1topic", 6);
    send_frames(publisher, "other", "dropped");
    send_frames(publisher, "topic", "passed");
    expect_frames(subscriber, "topic", "passed");
    set_bytes(subscriber, ZMQ_UNSUBSCRIBE, "topic", 5);
    expect_bytes(publisher, "\0topic", 6);
    end_by_shutdown(world, &proxy);
}

static void test_capture_sees_both_directions(void **state)
{
    struct world *world = *state;
    static const int kinds[][2] = {{ZMQ_PUSH, ZMQ_PULL}, {ZMQ_PAIR, ZMQ_PAIR}, {ZMQ_DEALER, ZMQ_DEALER}};
    for (int i = 0; i < 3; i++) {
        struct proxy proxy;
        prepare(world, &proxy, "inproc", ZMQ_DEALER, ZMQ_DEALER, kinds[i][0], ZMQ_PAIR);
        void *front = join_side(world, ZMQ_DEALER, proxy.frontend_endpoint);
        void *back = join_side(world, ZMQ_DEALER, proxy.backend_endpoint);
        void *tap = join_side(world, kinds[i][1], proxy.capture_endpoint);
        void *steer = join_side(world, ZMQ_PAIR, proxy.control_endpoint);
        run(&proxy);
        for (int round = 0; round < 10; round++) {
            send_frames(front, "to", "the", "back");
            expect_frames(back, "to", "the", "back");
            expect_frames(tap, "to", "the", "back");
            send_frames(back, "to the front", "");
            expect_frames(front, "to the front", "");
            expect_frames(tap, "to the front", "");
        }
        end_by_command(steer, &proxy);
    }
}

/* Once it has answered, the proxy has obeyed all that came before. */
static void await_answer(void *steer)
{
    zmq_msg_t message;
    send_str(steer, "STATISTICS");
    assert_ok(zmq_msg_init(&message));
    do
        assert_returns(zmq_msg_recv(&message, steer, 0), 8);
    while (zmq_msg_more(&message));
    assert_ok(zmq_msg_close(&message));
}

static void test_pause_and_resume(void **state)
{
    struct world *world = *state;
    struct proxy proxy;
    prepare(world, &proxy, "inproc", ZMQ_PULL, ZMQ_PUSH, NO_SOCKET, ZMQ_PAIR);
    void *sender = join_side(world, ZMQ_PUSH, proxy.frontend_endpoint);
    void *receiver = join_side(world, ZMQ_PULL, proxy.backend_endpoint);
    void *steer = join_side(world, ZMQ_PAIR, proxy.control_endpoint);
    run(&proxy);
    for (int round = 0; round < 20; round++) {
        send_str(sender, "before");
        expect_str(receiver, "before");
        send_str(steer, "PAUSE");
        await_answer(steer);
        send_str(sender, "while paused");
        await_answer(steer);
        await_answer(steer);
        expect_nothing(receiver);
        send_str(steer, "RESUME");
        expect_str(receiver, "while paused");
    }
    end_by_command(steer, &proxy);
}

static void expect_statistics(void *steer, const uint64_t expected[8])
{
    send_str(steer, "STATISTICS");
    for (int i = 0; i < 8; i++) {
        uint64_t value = ~0ull;
        assert_returns(zmq_recv(steer, &value, sizeof value, 0), sizeof value);
        assert_int_equal(get_int(steer, ZMQ_RCVMORE), i < 7);
        if (value != expected[i])
            fail_msg("statistics %d: %llu, expected %llu", i, (unsigned long long)value,
                     (unsigned long long)expected[i]);
    }
}

static void test_statistics(void **state)
{
    struct world *world = *state;
    struct proxy proxy;
    prepare(world, &proxy, "inproc", ZMQ_DEALER, ZMQ_DEALER, NO_SOCKET, ZMQ_PAIR);
    void *front = join_side(world, ZMQ_DEALER, proxy.frontend_endpoint);
    void *back = join_side(world, ZMQ_DEALER, proxy.backend_endpoint);
    void *steer = join_side(world, ZMQ_PAIR, proxy.control_endpoint);
    run(&proxy);
    expect_statistics(steer, (const uint64_t[8]){0});
    send_frames(front, "12", "345", "");
    send_frames(front, "1234567890");
    expect_frames(back, "12", "345", "");
    expect_str(back, "1234567890");
    expect_statistics(steer, (const uint64_t[8]){2, 15, 0, 0, 0, 0, 2, 15});
    send_frames(back, "x");
    expect_str(front, "x");
    expect_statistics(steer, (const uint64_t[8]){2, 15, 1, 1, 1, 1, 2, 15});
    end_by_command(steer, &proxy);
}

static void test_kinds_of_control_sockets(void **state)
{
    struct world *world = *state;
    static const int kinds[][2] = {
        {ZMQ_PAIR, ZMQ_PAIR}, {ZMQ_DEALER, ZMQ_DEALER}, {ZMQ_PULL, ZMQ_PUSH}, {ZMQ_SUB, ZMQ_XPUB}};
    for (int i = 0; i < 4; i++) {
        struct proxy proxy;
        prepare(world, &proxy, "inproc", ZMQ_PULL, ZMQ_PUSH, NO_SOCKET, kinds[i][0]);
        void *sender = join_side(world, ZMQ_PUSH, proxy.frontend_endpoint);
        void *receiver = join_side(world, ZMQ_PULL, proxy.backend_endpoint);
        void *steer = join_side(world, kinds[i][1], proxy.control_endpoint);
        run(&proxy);
        if (kinds[i][1] == ZMQ_XPUB)
            expect_bytes(steer, "\1", 1);
        send_str(sender, "one");
        expect_str(receiver, "one");
        send_str(steer, "PAUSE");
        send_str(steer, "RESUME");
        send_str(sender, "two");
        expect_str(receiver, "two");
        end_by_command(steer, &proxy);
    }
}

static void test_steerable_without_control(void **state)
{
    struct world *world = *state;
    struct proxy proxy;
    prepare(world, &proxy, "inproc", ZMQ_PULL, ZMQ_PUSH, ZMQ_PUSH, NO_SOCKET);
    void *sender = join_side(world, ZMQ_PUSH, proxy.frontend_endpoint);
    void *receiver = join_side(world, ZMQ_PULL, proxy.backend_endpoint);
    void *tap = join_side(world, ZMQ_PULL, proxy.capture_endpoint);
    run(&proxy);
    send_frames(sender, "a", "b");
    expect_frames(receiver, "a", "b");
    expect_frames(tap, "a", "b");
    end_by_shutdown(world, &proxy);
}

static void test_order_and_content_under_load(void **state)
{
    struct world *world = *state;
    struct proxy proxy;
    prepare(world, &proxy, "tcp", ZMQ_DEALER, ZMQ_DEALER, NO_SOCKET, ZMQ_PAIR);
    void *front = join_side(world, ZMQ_DEALER, proxy.frontend_endpoint);
    void *back = join_side(world, ZMQ_DEALER, proxy.backend_endpoint);
    void *steer = join_side(world, ZMQ_PAIR, proxy.control_endpoint);
    run(&proxy);
    static uint8_t data[20000];
    for (int burst = 0; burst < 10; burst++) {
        for (size_t i = 0; i < 100; i++) {
            memset(data, (int)i, sizeof data);
            send_bytes(front, data, i * 200, 0);
            send_bytes(back, data, i * 100, 0);
        }
        for (size_t i = 0; i < 100; i++) {
            memset(data, (int)i, sizeof data);
            expect_bytes(back, data, i * 200);
            expect_bytes(front, data, i * 100);
        }
    }
    end_by_command(steer, &proxy);
}

static void test_the_sockets_survive_the_proxy(void **state)
{
    struct world *world = *state;
    struct proxy proxy;
    prepare(world, &proxy, "inproc", ZMQ_PULL, ZMQ_PUSH, NO_SOCKET, ZMQ_PAIR);
    void *sender = join_side(world, ZMQ_PUSH, proxy.frontend_endpoint);
    void *receiver = join_side(world, ZMQ_PULL, proxy.backend_endpoint);
    void *steer = join_side(world, ZMQ_PAIR, proxy.control_endpoint);
    for (int round = 0; round < 5; round++) {
        run(&proxy);
        send_str(sender, "through the proxy");
        expect_str(receiver, "through the proxy");
        end_by_command(steer, &proxy);
        send_str(sender, "by hand");
        expect_str(proxy.frontend, "by hand");
        send_str(proxy.backend, "by hand");
        expect_str(receiver, "by hand");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_requests_and_replies_over_inproc),
        world_test(test_requests_and_replies_over_tcp),
        world_test(test_device_is_a_proxy),
        world_test(test_one_way),
        world_test(test_subscriptions_pass_upstream),
        world_test(test_capture_sees_both_directions),
        world_test(test_pause_and_resume),
        world_test(test_statistics),
        world_test(test_kinds_of_control_sockets),
        world_test(test_steerable_without_control),
        world_test(test_order_and_content_under_load),
        world_test(test_the_sockets_survive_the_proxy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
