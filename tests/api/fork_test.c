/* SPDX-License-Identifier: ISC */
/* A forked child has none of its parent's threads: calls with what it inherited fail at once instead of waiting for
 * ever, what it makes anew works, and the parent notices nothing. */
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The child's assertions: it cannot use cmocka's, so it names the line and tells by its exit status. */
#define CHILD_CHECK(condition)                                                                       \
    do {                                                                                             \
        if (!(condition)) {                                                                          \
            fprintf(stderr, "child, line %d: %s (%s)\n", __LINE__, #condition, zmq_strerror(errno)); \
            _exit(1);                                                                                \
        }                                                                                            \
    } while (0)
#define CHILD_FAILS(call, number) CHILD_CHECK((call) == -1 && errno == (number))

static void run_child(void (*child)(void *), void *argument)
{
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(DEADLINE_MS / 1000);
        child(argument);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("the child ended with status 0x%x", (unsigned)status);
}

static void use_inherited_socket(void *socket)
{
    int value = 0;
    size_t size = sizeof value;
    char byte;
    zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN, 0};
    CHILD_CHECK(zmq_getsockopt(socket, ZMQ_TYPE, &value, &size) == 0);
    CHILD_FAILS(zmq_getsockopt(socket, ZMQ_EVENTS, &value, &size), EINTR);
    CHILD_FAILS(zmq_recv(socket, &byte, 1, ZMQ_DONTWAIT), EINTR);
    CHILD_FAILS(zmq_recv(socket, &byte, 1, 0), EINTR);
    CHILD_FAILS(zmq_poll(&item, 1, 0), EINTR);
    CHILD_FAILS(zmq_poll(&item, 1, -1), EINTR);
    CHILD_FAILS(zmq_bind(socket, "inproc://of-the-child"), EINTR);
    CHILD_FAILS(zmq_connect(socket, "tcp://127.0.0.1:1"), EINTR);
}

static void expect_parent_works(struct ends *ends)
{
    send_str(ends->connected, "still here");
    expect_str(ends->bound, "still here");
    send_str(ends->bound, "and here");
    expect_str(ends->connected, "and here");
}

static void test_inherited_sockets(void **state)
{
    struct world *world = *state;
    static const char *const transports[] = {"inproc", "ipc", "tcp"};
    for (int i = 0; i < 3; i++) {
        struct ends ends = join_pair(world, transports[i], ZMQ_PAIR, ZMQ_PAIR);
        expect_parent_works(&ends);
        run_child(use_inherited_socket, ends.bound);
        run_child(use_inherited_socket, ends.connected);
        expect_parent_works(&ends);
    }
}

static void close_inherited_socket(void *socket)
{
    CHILD_CHECK(zmq_close(socket) == 0);
}

static void test_closing_inherited_sockets(void **state)
{
    struct world *world = *state;
    struct ends ends = join_pair_ready(world, "tcp", ZMQ_PAIR, ZMQ_PAIR);
    run_child(close_inherited_socket, ends.bound);
    run_child(close_inherited_socket, ends.connected);
    expect_parent_works(&ends);
}

static void end_inherited_context(void *argument)
{
    struct world *world = argument;
    CHILD_FAILS(zmq_ctx_term(world->context), EINTR);
}

static void end_inherited_context_after_its_sockets(void *argument)
{
    struct world *world = argument;
    for (size_t i = 0; i < world->socket_count; i++)
        CHILD_CHECK(zmq_close(world->sockets[i]) == 0);
    CHILD_FAILS(zmq_ctx_term(world->context), EINTR);
}

static void test_ending_an_inherited_context(void **state)
{
    struct world *world = *state;
    struct ends ends = join_pair_ready(world, "tcp", ZMQ_PAIR, ZMQ_PAIR);
    run_child(end_inherited_context, world);
    run_child(end_inherited_context_after_its_sockets, world);
    expect_parent_works(&ends);
}

static void exchange_in_a_new_context(void *argument)
{
    (void)argument;
    void *context = zmq_ctx_new();
    void *server = zmq_socket(context, ZMQ_REP);
    void *client = zmq_socket(context, ZMQ_REQ);
    char endpoint[ENDPOINT_MAX];
    char buffer[16];
    size_t size = sizeof endpoint;
    CHILD_CHECK(context && server && client);
    CHILD_CHECK(zmq_bind(server, "tcp://127.0.0.1:*") == 0);
    CHILD_CHECK(zmq_getsockopt(server, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0);
    CHILD_CHECK(zmq_connect(client, endpoint) == 0);
    for (int i = 0; i < 10; i++) {
        CHILD_CHECK(zmq_send(client, "request", 7, 0) == 7);
        CHILD_CHECK(zmq_recv(server, buffer, sizeof buffer, 0) == 7);
        CHILD_CHECK(zmq_send(server, "reply", 5, 0) == 5);
        CHILD_CHECK(zmq_recv(client, buffer, sizeof buffer, 0) == 5);
    }
    CHILD_CHECK(zmq_close(server) == 0);
    CHILD_CHECK(zmq_close(client) == 0);
    CHILD_CHECK(zmq_ctx_term(context) == 0);
}

static void test_a_new_context_in_the_child(void **state)
{
    struct world *world = *state;
    struct ends ends = join_pair_ready(world, "tcp", ZMQ_PAIR, ZMQ_PAIR);
    for (int i = 0; i < 5; i++)
        run_child(exchange_in_a_new_context, NULL);
    expect_parent_works(&ends);
}

/* The child talks to its parent through a context of its own. */
static void greet_the_parent(void *argument)
{
    void *context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_PUSH);
    CHILD_CHECK(zmq_connect(socket, argument) == 0);
    CHILD_CHECK(zmq_send(socket, "from the child", 14, 0) == 14);
    CHILD_CHECK(zmq_close(socket) == 0);
    CHILD_CHECK(zmq_ctx_term(context) == 0);
}

static void test_parent_and_child_talk(void **state)
{
    struct world *world = *state;
    static const char *const transports[] = {"ipc", "tcp"};
    for (int i = 0; i < 2; i++) {
        char endpoint[ENDPOINT_MAX];
        void *receiver = open_socket(world, ZMQ_PULL);
        bind_any(world, receiver, transports[i], endpoint);
        for (int round = 0; round < 3; round++) {
            run_child(greet_the_parent, endpoint);
            expect_str(receiver, "from the child");
        }
    }
}

static void do_nothing(void *argument)
{
    (void)argument;
}

static void exit_normally(void *argument)
{
    (void)argument;
    fflush(stdout);
    exit(0);
}

static void test_a_child_that_ignores_it_all(void **state)
{
    struct world *world = *state;
    struct ends ends = join_pair_ready(world, "tcp", ZMQ_PAIR, ZMQ_PAIR);
    send_str(ends.connected, "on the way");
    run_child(do_nothing, NULL);
    run_child(exit_normally, NULL);
    expect_str(ends.bound, "on the way");
    expect_parent_works(&ends);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_inherited_sockets),           world_test(test_closing_inherited_sockets),
        world_test(test_ending_an_inherited_context), world_test(test_a_new_context_in_the_child),
        world_test(test_parent_and_child_talk),       world_test(test_a_child_that_ignores_it_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
