/* SPDX-License-Identifier: ISC */
/* zmq_poll: what it reports for sockets and descriptors, what it refuses, and what ends its wait. */
#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void test_arguments(void **state)
{
    (void)state;
    zmq_pollitem_t item = {NULL, -1, ZMQ_POLLIN, 0};
    assert_ok(zmq_poll(NULL, 0, 0));
    assert_ok(zmq_poll(&item, 0, 0));
    assert_fails(zmq_poll(NULL, 1, 0), EFAULT);
    assert_fails(zmq_poll(NULL, -1, 0), EINVAL);
    assert_fails(zmq_poll(&item, -5, 0), EINVAL);
}

static void test_what_is_no_socket(void **state)
{
    struct world *world = *state;
    static uint64_t junk[1024];
    void *good = open_socket(world, ZMQ_PUB);
    void *closed = open_socket(world, ZMQ_PAIR);
    close_socket(world, closed);
    void *const bad[] = {junk, world->context, closed};
    for (size_t i = 0; i < 3; i++) {
        zmq_pollitem_t items[] = {{good, 0, ZMQ_POLLOUT, 0}, {bad[i], 0, ZMQ_POLLIN, 0}};
        assert_fails(zmq_poll(items, 2, 0), ENOTSOCK);
        assert_fails(zmq_poll(items, 2, -1), ENOTSOCK);
        assert_fails(zmq_poll(items + 1, 1, 10), ENOTSOCK);
    }
}

static void test_fresh_sockets(void **state)
{
    struct world *world = *state;
    static const short ready[] = {0, 2, 0, 0, 0, 0, 2, 0, 0, 2, 2, 2};
    for (int type = ZMQ_PAIR; type <= ZMQ_STREAM; type++) {
        void *socket = open_socket(world, type);
        zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN | ZMQ_POLLOUT, 77};
        assert_returns(zmq_poll(&item, 1, 0), ready[type] ? 1 : 0);
        assert_int_equal(item.revents, ready[type]);
    }
}

static void test_only_what_was_asked_for(void **state)
{
    struct world *world = *state;
    struct ends ends = join_pair(world, "inproc", ZMQ_PAIR, ZMQ_PAIR);
    send_str(ends.connected, "x");
    zmq_pollitem_t items[] = {
        {ends.bound, -1, ZMQ_POLLIN, 77},
        {ends.bound, 0, ZMQ_POLLOUT, 77},
        {ends.bound, 9999, ZMQ_POLLIN | ZMQ_POLLOUT, 77}, /* with a socket, fd means nothing */
        {ends.bound, 0, ZMQ_POLLERR | ZMQ_POLLPRI, 77},
        {ends.bound, 0, 0, 77},
        {ends.connected, 0, ZMQ_POLLIN, 77},
    };
    static const short expected[] = {1, 2, 3, 0, 0, 0};
    assert_returns(zmq_poll(items, 6, -1), 3);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(items[i].revents, expected[i]);
}

static void test_descriptors(void **state)
{
    struct world *world = *state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    keep_fd(world, ends[0]);
    zmq_pollitem_t items[] = {{NULL, ends[0], ZMQ_POLLIN, 77}, {NULL, ends[1], ZMQ_POLLOUT, 77}};
    assert_returns(zmq_poll(items, 2, 0), 1);
    assert_int_equal(items[0].revents, 0);
    assert_int_equal(items[1].revents, ZMQ_POLLOUT);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_returns(zmq_poll(items, 2, -1), 2);
    assert_int_equal(items[0].revents, ZMQ_POLLIN);
    /* The other end is closed: an error, beside what can still be read. */
    close(ends[1]);
    assert_returns(zmq_poll(items, 1, -1), 1);
    assert_int_equal(items[0].revents, ZMQ_POLLIN | ZMQ_POLLERR);
    char byte;
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_returns(zmq_poll(items, 1, -1), 1);
    assert_int_equal(items[0].revents, ZMQ_POLLERR);
}

static void test_bad_descriptors_are_reported_not_refused(void **state)
{
    struct world *world = *state;
    void *socket = open_socket(world, ZMQ_PULL);
    zmq_pollitem_t items[] = {{NULL, 9999, ZMQ_POLLIN, 77}, {socket, 0, ZMQ_POLLIN, 77}};
    assert_returns(zmq_poll(items, 1, -1), 1);
    assert_int_equal(items[0].revents, ZMQ_POLLERR);
    items[0].revents = 77;
    assert_returns(zmq_poll(items, 2, -1), 1);
    assert_int_equal(items[0].revents, ZMQ_POLLERR);
    assert_int_equal(items[1].revents, 0);
    items[0].fd = -1;
    assert_returns(zmq_poll(items, 1, 0), 0);
    assert_int_equal(items[0].revents, 0);
}

static void test_urgent_data(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    const int listener = raw_listen(world, endpoint);
    const int client = raw_connect(world, endpoint);
    const int server = raw_accept(world, listener);
    zmq_pollitem_t item = {NULL, server, ZMQ_POLLPRI, 0};
    assert_returns(zmq_poll(&item, 1, 0), 0);
    assert_int_equal(send(client, "!", 1, MSG_OOB), 1);
    assert_returns(zmq_poll(&item, 1, DEADLINE_MS), 1);
    assert_int_equal(item.revents, ZMQ_POLLPRI);
}

static void test_sockets_and_descriptors_together(void **state)
{
    struct world *world = *state;
    struct ends tcp = join_pair(world, "tcp", ZMQ_PULL, ZMQ_PUSH);
    struct ends inproc = join_pair(world, "inproc", ZMQ_PULL, ZMQ_PUSH);
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    keep_fd(world, pair[0]);
    keep_fd(world, pair[1]);
    zmq_pollitem_t items[] = {
        {tcp.bound, 0, ZMQ_POLLIN, 0}, {NULL, pair[0], ZMQ_POLLIN, 0}, {inproc.bound, 0, ZMQ_POLLIN, 0}};
    assert_returns(zmq_poll(items, 3, 0), 0);
    for (int round = 0; round < 30; round++) {
        const int which = round % 3;
        if (which == 1)
            assert_int_equal(write(pair[1], "x", 1), 1);
        else
            send_str(which ? inproc.connected : tcp.connected, "x");
        assert_returns(zmq_poll(items, 3, DEADLINE_MS), 1);
        char byte;
        for (int i = 0; i < 3; i++)
            assert_int_equal(items[i].revents, i == which ? ZMQ_POLLIN : 0);
        if (which == 1)
            assert_int_equal(read(pair[0], &byte, 1), 1);
        else
            expect_str(items[which].socket, "x");
    }
}

static void test_many_items(void **state)
{
    struct world *world = *state;
    enum { COUNT = 60 };
    zmq_pollitem_t items[COUNT];
    struct ends ends[COUNT];
    for (int i = 0; i < COUNT; i++) {
        ends[i] = join_pair(world, "inproc", ZMQ_PAIR, ZMQ_PAIR);
        items[i] = (zmq_pollitem_t){ends[i].bound, 0, ZMQ_POLLIN, 77};
    }
    for (int i = 0; i < COUNT; i += 7)
        send_str(ends[i].connected, "x");
    assert_returns(zmq_poll(items, COUNT, -1), (COUNT + 6) / 7);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(items[i].revents, i % 7 ? 0 : ZMQ_POLLIN);
}

static void test_level_triggered(void **state)
{
    struct world *world = *state;
    struct ends ends = join_pair(world, "tcp", ZMQ_PULL, ZMQ_PUSH);
    send_str(ends.connected, "one");
    send_str(ends.connected, "two");
    for (int i = 0; i < 5; i++)
        assert_int_equal(await_ready(ends.bound, ZMQ_POLLIN), ZMQ_POLLIN);
    expect_str(ends.bound, "one");
    assert_int_equal(await_ready(ends.bound, ZMQ_POLLIN), ZMQ_POLLIN);
    expect_str(ends.bound, "two");
    zmq_pollitem_t item = {ends.bound, 0, ZMQ_POLLIN, 0};
    assert_ok(zmq_poll(&item, 1, 0));
}

static void test_output_waits_for_room(void **state)
{
    struct world *world = *state;
    void *bound = open_socket(world, ZMQ_PULL);
    void *connected = open_socket(world, ZMQ_PUSH);
    set_int(bound, ZMQ_RCVHWM, 1);
    set_int(connected, ZMQ_SNDHWM, 1);
    assert_ok(zmq_bind(bound, "inproc://narrow"));
    zmq_pollitem_t item = {connected, 0, ZMQ_POLLOUT, 0};
    assert_ok(zmq_poll(&item, 1, 0));
    assert_ok(zmq_connect(connected, "inproc://narrow"));
    int sent = 0;
    while (zmq_poll(&item, 1, 0) == 1) {
        send_bytes(connected, "x", 1, ZMQ_DONTWAIT);
        sent++;
    }
    assert_in_range(sent, 1, 10);
    assert_fails(zmq_send(connected, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    for (int i = 0; i < sent; i++)
        expect_str(bound, "x");
    assert_int_equal(await_ready(connected, ZMQ_POLLOUT), ZMQ_POLLOUT);
}

static void test_timeouts(void **state)
{
    struct world *world = *state;
    void *socket = open_socket(world, ZMQ_PULL);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    keep_fd(world, ends[0]);
    keep_fd(world, ends[1]);
    zmq_pollitem_t items[] = {{socket, 0, ZMQ_POLLIN, 77}, {NULL, ends[0], ZMQ_POLLIN, 77}};
    for (int count = 0; count <= 2; count++) {
        const int64_t start = now_ms();
        assert_ok(zmq_poll(items, count, 60));
        assert_true(now_ms() - start >= 59);
        for (int i = 0; i < count; i++)
            assert_int_equal(items[i].revents, 0);
    }
}

/* Another thread, which acts while the main thread waits. */
struct helper {
    pthread_t thread;
    void *handle;
    pthread_t main;
    atomic_bool enough;
};

static void *send_main(void *argument)
{
    struct helper *helper = argument;
    zmq_send(helper->handle, "x", 1, 0);
    return NULL;
}

static void *shutdown_main(void *argument)
{
    struct helper *helper = argument;
    zmq_ctx_shutdown(helper->handle);
    return NULL;
}

static void *signal_main(void *argument)
{
    struct helper *helper = argument;
    while (!atomic_load(&helper->enough)) {
        pthread_kill(helper->main, SIGUSR1);
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    return NULL;
}

static void start(struct helper *helper, void *(*function)(void *), void *handle)
{
    *helper = (struct helper){.handle = handle, .main = pthread_self()};
    assert_int_equal(pthread_create(&helper->thread, NULL, function, helper), 0);
}

static void stop(struct helper *helper)
{
    atomic_store(&helper->enough, true);
    pthread_join(helper->thread, NULL);
}

static void test_wakes_for_a_message(void **state)
{
    struct world *world = *state;
    static const char *const transports[] = {"inproc", "ipc", "tcp"};
    for (int i = 0; i < 3; i++) {
        struct ends ends = join_pair_ready(world, transports[i], ZMQ_PULL, ZMQ_PUSH);
        for (int round = 0; round < 50; round++) {
            struct helper helper;
            start(&helper, send_main, ends.connected);
            zmq_pollitem_t item = {ends.bound, 0, ZMQ_POLLIN, 0};
            assert_returns(zmq_poll(&item, 1, -1), 1);
            stop(&helper);
            expect_str(ends.bound, "x");
        }
    }
}

static void test_the_end_of_the_context(void **state)
{
    struct world *world = *state;
    void *socket = open_socket(world, ZMQ_PULL);
    zmq_pollitem_t items[] = {{NULL, -1, ZMQ_POLLIN, 77}, {socket, 0, ZMQ_POLLIN, 77}};
    struct helper helper;
    start(&helper, shutdown_main, world->context);
    assert_fails(zmq_poll(items, 2, -1), ETERM);
    stop(&helper);
    assert_fails(zmq_poll(items, 2, 0), ETERM);
    assert_int_equal(items[1].revents, 0);
}

static void on_signal(int number)
{
    (void)number;
}

static void test_signals_interrupt(void **state)
{
    struct world *world = *state;
    const struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    void *socket = open_socket(world, ZMQ_PULL);
    zmq_pollitem_t items[] = {{socket, 0, ZMQ_POLLIN, 77}, {NULL, -1, ZMQ_POLLIN, 77}};
    char byte;
    for (int call = 0; call < 4; call++) {
        struct helper helper;
        start(&helper, signal_main, NULL);
        errno = 0;
        int result = 0;
        if (call == 0)
            result = zmq_poll(items, 1, -1);
        else if (call == 1)
            result = zmq_poll(items, 2, DEADLINE_MS);
        else
            result = zmq_recv(socket, &byte, 1, 0);
        const int number = errno;
        stop(&helper);
        assert_int_equal(result, -1);
        assert_int_equal(number, EINTR);
    }
}

static void test_signals_interrupt_a_send(void **state)
{
    struct world *world = *state;
    const struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    void *socket = open_socket(world, ZMQ_PUSH);
    struct helper helper;
    start(&helper, signal_main, NULL);
    errno = 0;
    const int result = zmq_send(socket, "x", 1, 0);
    const int number = errno;
    stop(&helper);
    assert_int_equal(result, -1);
    assert_int_equal(number, EINTR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_arguments),
        world_test(test_what_is_no_socket),
        world_test(test_fresh_sockets),
        world_test(test_only_what_was_asked_for),
        world_test(test_descriptors),
        world_test(test_bad_descriptors_are_reported_not_refused),
        world_test(test_urgent_data),
        world_test(test_sockets_and_descriptors_together),
        world_test(test_many_items),
        world_test(test_level_triggered),
        world_test(test_output_waits_for_room),
        world_test(test_timeouts),
        world_test(test_wakes_for_a_message),
        world_test(test_the_end_of_the_context),
        world_test(test_signals_interrupt),
        world_test(test_signals_interrupt_a_send),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
