/* SPDX-License-Identifier: ISC */
/* ZMQ_FD and ZMQ_EVENTS, as event loops use them: the descriptor becomes readable when something may have happened that
 * ZMQ_EVENTS has not told yet, reading ZMQ_EVENTS quiets it, and a loop that reads ZMQ_EVENTS after each wake-up and
 * after each operation misses nothing. When it wakes without need is not promised, and not tested. */
#include "support.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static const char *const transports[] = {"inproc", "ipc", "tcp"};

static bool fd_readable(void *socket, int timeout)
{
    struct pollfd item = {get_int(socket, ZMQ_FD), POLLIN, 0};
    const int count = poll(&item, 1, timeout);
    assert_true(count >= 0);
    assert_true(count == 0 || item.revents == POLLIN);
    return count == 1;
}

/* What an event loop does: looks at ZMQ_EVENTS, and sleeps on the descriptor only while it shows nothing wanted. */
static void await_event_bits(void *socket, int wanted)
{
    while (!(get_int(socket, ZMQ_EVENTS) & wanted))
        if (!fd_readable(socket, DEADLINE_MS))
            fail_msg("the descriptor slept although ZMQ_EVENTS is %d", get_int(socket, ZMQ_EVENTS));
}

static void test_asked_for_after_a_message_came(void **state)
{
    for (int t = 0; t < 3; t++) {
        struct ends ends = join_pair_ready(*state, transports[t], ZMQ_PAIR, ZMQ_PAIR);
        get_int(ends.bound, ZMQ_EVENTS);
        send_str(ends.connected, "x");
        assert_true(fd_readable(ends.bound, DEADLINE_MS));
        await_event_bits(ends.bound, ZMQ_POLLIN);
        expect_str(ends.bound, "x");
    }
}

static void drain(void *socket)
{
    char buffer[64];
    while (zmq_recv(socket, buffer, sizeof buffer, ZMQ_DONTWAIT) >= 0)
        continue;
    assert_int_equal(errno, EAGAIN);
}

static void test_quiet_after_events_were_read(void **state)
{
    struct world *world = *state;
    struct ends ends = join_pair(world, "inproc", ZMQ_PAIR, ZMQ_PAIR);
    drain(ends.bound);
    get_int(ends.bound, ZMQ_EVENTS);
    assert_false(fd_readable(ends.bound, 0));
    for (int round = 0; round < 20; round++) {
        send_str(ends.connected, "x");
        assert_true(fd_readable(ends.bound, DEADLINE_MS));
        assert_int_equal(get_int(ends.bound, ZMQ_EVENTS), ZMQ_POLLIN | ZMQ_POLLOUT);
        assert_false(fd_readable(ends.bound, 0));
        assert_int_equal(get_int(ends.bound, ZMQ_EVENTS), ZMQ_POLLIN | ZMQ_POLLOUT);
        expect_str(ends.bound, "x");
        assert_int_equal(get_int(ends.bound, ZMQ_EVENTS), ZMQ_POLLOUT);
        assert_false(fd_readable(ends.bound, 0));
    }
}

static void test_quiet_over_a_wire(void **state)
{
    struct world *world = *state;
    for (int t = 1; t < 3; t++) {
        struct ends ends = join_pair_ready(world, transports[t], ZMQ_PULL, ZMQ_PUSH);
        send_str(ends.connected, "first");
        expect_str(ends.bound, "first");
        drain(ends.bound);
        get_int(ends.bound, ZMQ_EVENTS);
        assert_false(fd_readable(ends.bound, 0));
        for (int round = 0; round < 20; round++) {
            send_str(ends.connected, "x");
            await_event_bits(ends.bound, ZMQ_POLLIN);
            assert_false(fd_readable(ends.bound, 0));
            expect_str(ends.bound, "x");
            assert_int_equal(get_int(ends.bound, ZMQ_EVENTS), 0);
            assert_false(fd_readable(ends.bound, 0));
        }
    }
}

static void test_events_are_right_whatever_the_descriptor_says(void **state)
{
    struct world *world = *state;
    struct ends ends = join_pair(world, "inproc", ZMQ_PAIR, ZMQ_PAIR);
    for (int round = 0; round < 20; round++) {
        send_str(ends.connected, "one");
        send_str(ends.connected, "two");
        expect_str(ends.bound, "one");
        assert_int_equal(get_int(ends.bound, ZMQ_EVENTS), ZMQ_POLLIN | ZMQ_POLLOUT);
        expect_str(ends.bound, "two");
        send_str(ends.connected, "three");
        assert_int_equal(get_int(ends.bound, ZMQ_EVENTS), ZMQ_POLLIN | ZMQ_POLLOUT);
        expect_str(ends.bound, "three");
        assert_int_equal(get_int(ends.bound, ZMQ_EVENTS), ZMQ_POLLOUT);
    }
}

/* There are programs (CZMQ's own test is one) that wait on the descriptor after zmq_connect whatever the type, even
 * though ZMQ_EVENTS has nothing to say. Over inproc there is no such wake-up. */
static void test_new_endpoints_wake(void **state)
{
    static const int types[] = {ZMQ_PULL, ZMQ_REP, ZMQ_SUB, ZMQ_DEALER};
    struct world *world = *state;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        for (int t = 1; t < 3; t++)
            for (int asked = 0; asked < 2; asked++) { /* before, or only afterwards */
                char endpoint[ENDPOINT_MAX];
                void *bound = open_socket(world, types[i]);
                void *connected = open_socket(world, types[i]);
                if (asked) {
                    get_int(bound, ZMQ_EVENTS);
                    get_int(connected, ZMQ_EVENTS);
                    assert_false(fd_readable(bound, 0));
                    assert_false(fd_readable(connected, 0));
                }
                bind_any(world, bound, transports[t], endpoint);
                assert_true(fd_readable(bound, DEADLINE_MS));
                assert_int_equal(get_int(bound, ZMQ_EVENTS), 0);
                assert_ok(zmq_unbind(bound, endpoint));
                assert_ok(zmq_connect(connected, endpoint));
                assert_true(fd_readable(connected, DEADLINE_MS));
                close_socket(world, bound);
                close_socket(world, connected);
            }
}

static void test_a_new_connection_wakes_a_sender(void **state)
{
    struct world *world = *state;
    for (int t = 0; t < 3; t++) {
        char endpoint[ENDPOINT_MAX];
        void *sender = open_socket(world, ZMQ_PUSH);
        bind_any(world, sender, transports[t], endpoint);
        assert_int_equal(get_int(sender, ZMQ_EVENTS), 0);
        void *receiver = open_socket(world, ZMQ_PULL);
        assert_ok(zmq_connect(receiver, endpoint));
        await_event_bits(sender, ZMQ_POLLOUT);
        send_str(sender, "hello");
        await_event_bits(receiver, ZMQ_POLLIN);
        expect_str(receiver, "hello");
    }
}

static void test_room_wakes_a_sender(void **state)
{
    struct world *world = *state;
    void *receiver = open_socket(world, ZMQ_PULL);
    void *sender = open_socket(world, ZMQ_PUSH);
    set_int(receiver, ZMQ_RCVHWM, 1);
    set_int(sender, ZMQ_SNDHWM, 1);
    assert_ok(zmq_bind(receiver, "inproc://narrow"));
    assert_ok(zmq_connect(sender, "inproc://narrow"));
    for (int round = 0; round < 100; round++) {
        int sent = 0;
        while (get_int(sender, ZMQ_EVENTS) & ZMQ_POLLOUT) {
            send_bytes(sender, "x", 1, ZMQ_DONTWAIT);
            sent++;
        }
        assert_false(fd_readable(sender, 0));
        for (int i = 0; i < sent; i++)
            expect_str(receiver, "x");
        await_event_bits(sender, ZMQ_POLLOUT);
    }
}

static void test_each_pattern_wakes(void **state)
{
    struct world *world = *state;
    static const struct {
        int receiver;
        int sender;
    } patterns[] = {{ZMQ_PULL, ZMQ_PUSH}, {ZMQ_PAIR, ZMQ_PAIR}, {ZMQ_ROUTER, ZMQ_DEALER}, {ZMQ_DEALER, ZMQ_DEALER},
                    {ZMQ_REP, ZMQ_REQ},   {ZMQ_SUB, ZMQ_PUB},   {ZMQ_XSUB, ZMQ_XPUB},     {ZMQ_ROUTER, ZMQ_REQ}};
    for (size_t p = 0; p < sizeof patterns / sizeof *patterns; p++)
        for (int t = 0; t < 3; t++) {
            struct ends ends = join_pair_ready(world, transports[t], patterns[p].sender, patterns[p].receiver);
            void *receiver = ends.connected;
            if (patterns[p].receiver == ZMQ_SUB) {
                void *late = open_socket(world, ZMQ_XPUB); /* only to see the subscription arrive */
                bind_any(world, late, transports[t], ends.endpoint);
                assert_ok(zmq_connect(receiver, ends.endpoint));
                set_bytes(receiver, ZMQ_SUBSCRIBE, "", 0);
                await_event_bits(late, ZMQ_POLLIN);
                expect_bytes(late, "\1", 1);
                ends.bound = late;
            } else if (patterns[p].receiver == ZMQ_XSUB) {
                send_bytes(receiver, "\1", 1, 0);
                await_event_bits(ends.bound, ZMQ_POLLIN);
                expect_bytes(ends.bound, "\1", 1);
            }
            drain(receiver);
            get_int(receiver, ZMQ_EVENTS);
            await_event_bits(ends.bound, ZMQ_POLLOUT);
            send_str(ends.bound, "hello");
            await_event_bits(receiver, ZMQ_POLLIN);
            char buffer[16];
            while (zmq_recv(receiver, buffer, sizeof buffer, 0) >= 0 && get_int(receiver, ZMQ_RCVMORE))
                continue;
            assert_memory_equal(buffer, "hello", 5);
        }
}

static void test_a_monitor_wakes(void **state)
{
    struct world *world = *state;
    void *socket = open_socket(world, ZMQ_PULL);
    void *monitor = watch(world, socket, ZMQ_EVENT_LISTENING);
    drain(monitor);
    assert_int_equal(get_int(monitor, ZMQ_EVENTS) & ZMQ_POLLIN, 0);
    char endpoint[ENDPOINT_MAX];
    bind_any(world, socket, "tcp", endpoint);
    await_event_bits(monitor, ZMQ_POLLIN);
    assert_int_equal(next_event(monitor).kind, ZMQ_EVENT_LISTENING);
}

static void test_the_end_of_the_context_wakes(void **state)
{
    struct world *world = *state;
    void *socket = open_socket(world, ZMQ_PULL);
    const int fd = get_int(socket, ZMQ_FD);
    get_int(socket, ZMQ_EVENTS);
    assert_false(fd_readable(socket, 0));
    assert_ok(zmq_ctx_shutdown(world->context));
    struct pollfd item = {fd, POLLIN, 0};
    assert_int_equal(poll(&item, 1, DEADLINE_MS), 1);
    int value = 0;
    size_t size = sizeof value;
    assert_fails(zmq_getsockopt(socket, ZMQ_EVENTS, &value, &size), ETERM);
}

/* Sends numbers from a thread of its own, at an uneven pace, with a socket of its own. */
struct sender {
    pthread_t thread;
    void *socket;
    uint32_t count;
    atomic_uint taken; /* how far the receiver is; the sender stays close, so that it often finds it asleep */
    bool failed;
};

static void *sender_main(void *argument)
{
    struct sender *sender = argument;
    uint32_t seed = 1;
    for (uint32_t i = 0; i < sender->count; i++) {
        if (zmq_send(sender->socket, &i, sizeof i, 0) != sizeof i)
            sender->failed = true;
        seed = seed * 1664525 + 1013904223;
        for (uint32_t spin = seed >> 20; spin > 0; spin--)
            atomic_load(&sender->taken);
        if (seed % 3 == 0)
            /* On a machine that has more to do, spinning would keep the receiver from running. */
            for (int64_t end = now_ms() + 50; atomic_load(&sender->taken) <= i && now_ms() < end;)
                sched_yield();
    }
    return NULL;
}

/* How much a loop takes after each wake-up: everything, one and then looks again, or one and then waits for the
 * descriptor only if ZMQ_EVENTS says that there is no more. */
enum style { TAKE_ALL, TAKE_ONE, TAKE_AND_REPLY };

static void take_all(void *socket, uint32_t *next, enum style style)
{
    while (get_int(socket, ZMQ_EVENTS) & ZMQ_POLLIN)
        do {
            uint32_t number;
            const int size = zmq_recv(socket, &number, sizeof number, ZMQ_DONTWAIT);
            if (size < 0) {
                assert_int_equal(errno, EAGAIN);
                break;
            }
            assert_int_equal(number, *next);
            ++*next;
            if (style == TAKE_AND_REPLY)
                zmq_send(socket, "ok", 2, ZMQ_DONTWAIT);
        } while (style == TAKE_ALL);
}

static void run_loop(struct world *world, const char *transport, enum style style)
{
    struct ends ends = join_pair_ready(world, transport, ZMQ_PAIR, ZMQ_PAIR);
    struct sender sender = {.socket = ends.connected, .count = 2000};
    uint32_t next = 0;
    assert_int_equal(pthread_create(&sender.thread, NULL, sender_main, &sender), 0);
    while (next < sender.count) {
        take_all(ends.bound, &next, style);
        atomic_store(&sender.taken, next);
        if (next < sender.count && !fd_readable(ends.bound, DEADLINE_MS))
            fail_msg("%s, style %d: lost a wake-up after %u messages", transport, style, next);
    }
    pthread_join(sender.thread, NULL);
    assert_false(sender.failed);
}

static void test_no_wake_up_is_lost(void **state)
{
    struct world *world = *state;
    for (int t = 0; t < 3; t++)
        for (enum style style = TAKE_ALL; style <= TAKE_AND_REPLY; style++)
            run_loop(world, transports[t], style);
}

static void *responder_main(void *argument)
{
    struct sender *responder = argument;
    for (uint32_t i = 0; i < responder->count; i++) {
        uint32_t number;
        if (zmq_recv(responder->socket, &number, sizeof number, 0) != sizeof number || number != i ||
            zmq_send(responder->socket, &number, sizeof number, 0) != sizeof number)
            responder->failed = true;
    }
    return NULL;
}

static void test_requests_and_replies_lose_no_wake_up(void **state)
{
    struct world *world = *state;
    for (int t = 0; t < 3; t++) {
        struct ends ends = join_pair_ready(world, transports[t], ZMQ_REP, ZMQ_REQ);
        struct sender responder = {.socket = ends.bound, .count = 2000};
        assert_int_equal(pthread_create(&responder.thread, NULL, responder_main, &responder), 0);
        for (uint32_t i = 0; i < responder.count; i++) {
            uint32_t number = 0;
            await_event_bits(ends.connected, ZMQ_POLLOUT);
            send_bytes(ends.connected, &i, sizeof i, ZMQ_DONTWAIT);
            await_event_bits(ends.connected, ZMQ_POLLIN);
            assert_returns(zmq_recv(ends.connected, &number, sizeof number, ZMQ_DONTWAIT), sizeof number);
            assert_int_equal(number, i);
        }
        pthread_join(responder.thread, NULL);
        assert_false(responder.failed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_quiet_after_events_were_read),
        world_test(test_asked_for_after_a_message_came),
        world_test(test_quiet_over_a_wire),
        world_test(test_events_are_right_whatever_the_descriptor_says),
        world_test(test_new_endpoints_wake),
        world_test(test_a_new_connection_wakes_a_sender),
        world_test(test_room_wakes_a_sender),
        world_test(test_each_pattern_wakes),
        world_test(test_a_monitor_wakes),
        world_test(test_the_end_of_the_context_wakes),
        world_test(test_no_wake_up_is_lost),
        world_test(test_requests_and_replies_lose_no_wake_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
