/* SPDX-License-Identifier: ISC */
/* ipc: paths, abstract names, wildcards, who is let in, and how connections come back. */
#include "pattern.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void reaches(struct world *world, void *pull, const char *endpoint)
{
    void *push = open_socket(world, ZMQ_PUSH);
    assert_ok(zmq_connect(push, endpoint));
    send_str(push, "reached");
    expect_str(pull, "reached");
    close_socket(world, push);
}

static bool exists(const char *endpoint)
{
    struct stat status;
    return stat(endpoint + strlen("ipc://"), &status) == 0;
}

static void test_path(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    char told[ENDPOINT_MAX];
    void *pull = open_socket(world, ZMQ_PULL);
    fresh_endpoint(world, "ipc", endpoint);
    assert_false(exists(endpoint));
    assert_ok(zmq_bind(pull, endpoint));
    assert_true(exists(endpoint));
    last_endpoint(pull, told);
    assert_string_equal(told, endpoint);
    reaches(world, pull, endpoint);
}

/* Whether the file goes with the listener is not defined, but it never stands in the way of the next one. */
static void test_path_can_be_used_again(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    fresh_endpoint(world, "ipc", endpoint);
    for (int i = 0; i < 4; i++) {
        void *pull = open_socket(world, ZMQ_PULL);
        assert_ok(zmq_bind(pull, endpoint));
        reaches(world, pull, endpoint);
        if (i % 2)
            assert_ok(zmq_unbind(pull, endpoint));
        close_socket(world, pull);
    }
}

static void test_stale_file_is_replaced(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    fresh_endpoint(world, "ipc", endpoint);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%.100s", endpoint + strlen("ipc://"));
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    close(fd);
    assert_true(exists(endpoint));
    void *pull = open_socket(world, ZMQ_PULL);
    assert_ok(zmq_bind(pull, endpoint));
    reaches(world, pull, endpoint);
}

static void test_abstract_name(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    char told[ENDPOINT_MAX];
    snprintf(endpoint, sizeof endpoint, "ipc://@zmq-test-ipc-%ld", (long)getpid());
    void *pull = open_socket(world, ZMQ_PULL);
    void *second = open_socket(world, ZMQ_PULL);
    assert_ok(zmq_bind(pull, endpoint));
    last_endpoint(pull, told);
    assert_string_equal(told, endpoint);
    reaches(world, pull, endpoint);
    assert_fails(zmq_bind(second, endpoint), EADDRINUSE);
}

static void test_wildcard(void **state)
{
    struct world *world = *state;
    char endpoints[2][ENDPOINT_MAX];
    for (int i = 0; i < 2; i++) {
        void *pull = open_socket(world, ZMQ_PULL);
        assert_ok(zmq_bind(pull, "ipc://*"));
        last_endpoint(pull, endpoints[i]);
        assert_memory_equal(endpoints[i], "ipc://", 6);
        reaches(world, pull, endpoints[i]);
    }
    assert_string_not_equal(endpoints[0], endpoints[1]);
}

static void test_bad_paths(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX] = "ipc:///tmp/";
    void *pull = open_socket(world, ZMQ_PULL);
    memset(endpoint + strlen(endpoint), 'x', 150);
    assert_fails(zmq_bind(pull, endpoint), ENAMETOOLONG);
    assert_fails(zmq_connect(pull, endpoint), ENAMETOOLONG);
    endpoint[6] = '@';
    assert_fails(zmq_bind(pull, endpoint), ENAMETOOLONG);
    assert_fails(zmq_bind(pull, "ipc:///nonexistent/directory/socket"), ENOENT);
    assert_fails(zmq_bind(pull, "ipc://"), EINVAL);
}

static void filter(struct world *world, int option, int value, bool admits)
{
    char endpoint[ENDPOINT_MAX];
    void *pull = open_socket(world, ZMQ_PULL);
    set_int(pull, option, value);
    void *monitor = watch(world, pull, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_ACCEPT_FAILED);
    bind_any(world, pull, "ipc", endpoint);
    void *push = open_socket(world, ZMQ_PUSH);
    assert_ok(zmq_connect(push, endpoint));
    send_str(push, "x");
    assert_int_equal(next_event(monitor).kind, admits ? ZMQ_EVENT_ACCEPTED : ZMQ_EVENT_ACCEPT_FAILED);
    if (admits)
        expect_str(pull, "x");
    else
        expect_nothing(pull);
}

static void test_filters(void **state)
{
    struct world *world = *state;
    filter(world, ZMQ_IPC_FILTER_PID, (int)getpid(), true);
    filter(world, ZMQ_IPC_FILTER_PID, 1, false);
    filter(world, ZMQ_IPC_FILTER_UID, (int)geteuid(), true);
    filter(world, ZMQ_IPC_FILTER_UID, (int)geteuid() + 1, false);
    filter(world, ZMQ_IPC_FILTER_GID, (int)getegid(), true);
    filter(world, ZMQ_IPC_FILTER_GID, 54321, false);
}

/* One filter that fits is enough. */
static void test_several_filters(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = open_socket(world, ZMQ_PULL);
    set_int(pull, ZMQ_IPC_FILTER_UID, (int)geteuid() + 1);
    set_int(pull, ZMQ_IPC_FILTER_PID, 1);
    set_int(pull, ZMQ_IPC_FILTER_PID, (int)getpid());
    bind_any(world, pull, "ipc", endpoint);
    reaches(world, pull, endpoint);
}

/* As they were when it was bound. */
static void test_filters_of_the_bind_hold(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = open_socket(world, ZMQ_PULL);
    void *monitor = watch(world, pull, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_ACCEPT_FAILED);
    set_int(pull, ZMQ_IPC_FILTER_PID, 1);
    bind_any(world, pull, "ipc", endpoint);
    set_bytes(pull, ZMQ_IPC_FILTER_PID, NULL, 0);
    void *push = open_socket(world, ZMQ_PUSH);
    assert_ok(zmq_connect(push, endpoint));
    send_str(push, "x");
    assert_int_equal(next_event(monitor).kind, ZMQ_EVENT_ACCEPT_FAILED);
    expect_nothing(pull);
}

static void test_use_fd(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    char told[ENDPOINT_MAX];
    fresh_endpoint(world, "ipc", endpoint);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%.100s", endpoint + strlen("ipc://"));
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 8), 0);
    void *pull = open_socket(world, ZMQ_PULL);
    set_int(pull, ZMQ_USE_FD, fd);
    assert_ok(zmq_bind(pull, endpoint));
    last_endpoint(pull, told);
    assert_string_equal(told, endpoint);
    reaches(world, pull, endpoint);
}

static void test_comes_back_after_a_restart(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair(world, "ipc", ZMQ_PULL, ZMQ_PUSH);
    void *monitor = watch(world, ends.connected, ZMQ_EVENT_DISCONNECTED);
    set_int(ends.connected, ZMQ_RECONNECT_IVL, 5);
    send_str(ends.connected, "before");
    expect_str(ends.bound, "before");
    close_socket(world, ends.bound);
    await_event(monitor, ZMQ_EVENT_DISCONNECTED);
    void *again = open_socket(world, ZMQ_PULL);
    assert_ok(zmq_bind(again, ends.endpoint));
    send_str(ends.connected, "after");
    expect_str(again, "after");
}

static void test_peer_address(void **state)
{
    struct world *world = *state;
    const struct ends ends = join_pair(world, "ipc", ZMQ_PULL, ZMQ_PUSH);
    char expected[64];
    snprintf(expected, sizeof expected, "localhost:%ld:%ld:%ld", (long)geteuid(), (long)getegid(), (long)getpid());
    send_str(ends.connected, "x");
    zmq_msg_t message;
    assert_ok(zmq_msg_init(&message));
    assert_returns(zmq_msg_recv(&message, ends.bound, 0), 1);
    assert_string_equal(zmq_msg_gets(&message, "Peer-Address"), expected);
    assert_ok(zmq_msg_close(&message));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_path),
        world_test(test_path_can_be_used_again),
        world_test(test_stale_file_is_replaced),
        world_test(test_abstract_name),
        world_test(test_wildcard),
        world_test(test_bad_paths),
        world_test(test_filters),
        world_test(test_several_filters),
        world_test(test_filters_of_the_bind_hold),
        world_test(test_use_fd),
        world_test(test_comes_back_after_a_restart),
        world_test(test_peer_address),
    };
    return cmocka_run_group_tests_name("ipc", tests, NULL, NULL);
}
