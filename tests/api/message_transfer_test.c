/* SPDX-License-Identifier: ISC */
/* What becomes of a message that is sent and received: who owns it when, what the flags, lengths and properties are. */
#include "support.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const transports[] = {"inproc", "ipc", "tcp"};
#define TRANSPORTS 3

/* Told through a pipe, since a free function may run on any thread at any time. */
static int freed_pipe[2];
static atomic_int free_calls;

static void report_free(void *data, void *hint)
{
    (void)data;
    (void)hint;
    atomic_fetch_add(&free_calls, 1);
    const ssize_t done = write(freed_pipe[1], "f", 1);
    (void)done;
}

static void await_free(void)
{
    struct pollfd item = {freed_pipe[0], POLLIN, 0};
    char byte;
    assert_int_equal(poll(&item, 1, DEADLINE_MS), 1);
    assert_int_equal(read(freed_pipe[0], &byte, 1), 1);
}

static void make_owned(zmq_msg_t *message, void *data, size_t size)
{
    assert_ok(zmq_msg_init_data(message, data, size, report_free, NULL));
}

static uint8_t pattern_at(size_t i, size_t size)
{
    return (uint8_t)(i * 131 + (i >> 8) * 7 + size);
}

static void test_every_size_arrives_whole(void **state)
{
    struct world *world = *state;
    static const size_t sizes[] = {
        0,    1,    2,    33,   34,   63,   64,    65,    254,   255,   256,     257,           1000,
        4095, 8183, 8184, 8191, 8192, 8193, 16384, 65535, 65536, 65537, 1 << 20, (1 << 20) + 1, 5000000};
    for (int t = 0; t < TRANSPORTS; t++) {
        struct ends ends = join_pair(world, transports[t], ZMQ_PAIR, ZMQ_PAIR);
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            const size_t size = sizes[k];
            zmq_msg_t message;
            assert_ok(zmq_msg_init_size(&message, size));
            uint8_t *data = zmq_msg_data(&message);
            for (size_t i = 0; i < size; i++)
                data[i] = pattern_at(i, size);
            assert_returns(zmq_msg_send(&message, ends.connected, 0), (int)size);
            assert_int_equal(zmq_msg_size(&message), 0);
            assert_returns(zmq_msg_recv(&message, ends.bound, 0), (int)size);
            assert_int_equal(zmq_msg_size(&message), size);
            data = zmq_msg_data(&message);
            for (size_t i = 0; i < size; i++)
                if (data[i] != pattern_at(i, size))
                    fail_msg("%s: octet %zu of %zu", transports[t], i, size);
            memset(data, 0, size); /* received messages are writable */
            assert_ok(zmq_msg_close(&message));
        }
    }
}

static void test_received_messages_can_be_relocated(void **state)
{
    struct world *world = *state;
    static const size_t sizes[] = {1, 33, 34, 100, 9000, 100000};
    for (int t = 0; t < TRANSPORTS; t++) {
        struct ends ends = join_pair(world, transports[t], ZMQ_PAIR, ZMQ_PAIR);
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            uint8_t *data = malloc(sizes[k]);
            memset(data, 'r', sizes[k]);
            send_bytes(ends.connected, data, sizes[k], 0);
            zmq_msg_t first;
            assert_ok(zmq_msg_init(&first));
            assert_returns(zmq_msg_recv(&first, ends.bound, 0), (int)sizes[k]);
            zmq_msg_t second = first;
            memset(&first, 0xdd, sizeof first);
            assert_int_equal(zmq_msg_size(&second), sizes[k]);
            assert_memory_equal(zmq_msg_data(&second), data, sizes[k]);
            assert_returns(zmq_msg_send(&second, ends.connected, 0), (int)sizes[k]);
            expect_bytes(ends.bound, data, sizes[k]);
            free(data);
        }
    }
}

static void test_owned_data_is_freed_once_it_is_used_up(void **state)
{
    struct world *world = *state;
    static uint8_t data[100000];
    for (int t = 0; t < TRANSPORTS; t++)
        for (size_t size = 10; size <= sizeof data; size *= 100) {
            struct ends ends = join_pair(world, transports[t], ZMQ_PAIR, ZMQ_PAIR);
            zmq_msg_t message;
            atomic_store(&free_calls, 0);
            make_owned(&message, data, size);
            assert_returns(zmq_msg_send(&message, ends.connected, 0), (int)size);
            expect_bytes(ends.bound, data, size);
            await_free();
            assert_ok(zmq_msg_close(&message));
            close_socket(world, ends.connected);
            close_socket(world, ends.bound);
            assert_int_equal(atomic_load(&free_calls), 1);
        }
}

static void test_owned_data_passes_through_inproc_uncopied(void **state)
{
    struct world *world = *state;
    static char data[50] = "the same memory at the other end";
    struct ends ends = join_pair(world, "inproc", ZMQ_PAIR, ZMQ_PAIR);
    zmq_msg_t message;
    atomic_store(&free_calls, 0);
    make_owned(&message, data, sizeof data);
    assert_returns(zmq_msg_send(&message, ends.connected, 0), sizeof data);
    assert_returns(zmq_msg_recv(&message, ends.bound, 0), sizeof data);
    assert_ptr_equal(zmq_msg_data(&message), data);
    assert_int_equal(atomic_load(&free_calls), 0);
    assert_ok(zmq_msg_close(&message));
    await_free();
}

static void test_owned_data_is_freed_when_nobody_takes_it(void **state)
{
    struct world *world = *state;
    static char data[50];
    zmq_msg_t message;
    void *publisher = open_socket(world, ZMQ_PUB);
    atomic_store(&free_calls, 0);
    make_owned(&message, data, sizeof data);
    assert_returns(zmq_msg_send(&message, publisher, 0), sizeof data);
    await_free();
    assert_int_equal(zmq_msg_size(&message), 0);
    /* Queued for a peer that never comes: freed with the socket. */
    void *pusher = open_socket(world, ZMQ_PUSH);
    assert_ok(zmq_connect(pusher, "ipc:///nonexistent/directory/socket"));
    make_owned(&message, data, sizeof data);
    assert_returns(zmq_msg_send(&message, pusher, 0), sizeof data);
    assert_int_equal(atomic_load(&free_calls), 1);
    close_socket(world, pusher);
    await_free();
    /* Queued inproc, and the receiver closes unread. */
    struct ends ends = join_pair(world, "inproc", ZMQ_PAIR, ZMQ_PAIR);
    make_owned(&message, data, sizeof data);
    assert_returns(zmq_msg_send(&message, ends.connected, 0), sizeof data);
    close_socket(world, ends.bound);
    close_socket(world, ends.connected);
    await_free();
    assert_int_equal(atomic_load(&free_calls), 3);
}

static void test_failed_send_keeps_the_message(void **state)
{
    struct world *world = *state;
    static char data[50] = "still mine";
    void *alone = open_socket(world, ZMQ_PUSH);
    void *receiver = open_socket(world, ZMQ_PULL);
    zmq_msg_t message;
    atomic_store(&free_calls, 0);
    make_owned(&message, data, sizeof data);
    assert_fails(zmq_msg_send(&message, alone, ZMQ_DONTWAIT), EAGAIN);
    set_int(alone, ZMQ_SNDTIMEO, 1);
    assert_fails(zmq_msg_send(&message, alone, 0), EAGAIN);
    assert_fails(zmq_msg_send(&message, receiver, 0), ENOTSUP);
    assert_fails(zmq_msg_send(&message, NULL, 0), ENOTSOCK);
    assert_fails(zmq_sendmsg(alone, &message, ZMQ_DONTWAIT), EAGAIN);
    assert_int_equal(zmq_msg_size(&message), sizeof data);
    assert_ptr_equal(zmq_msg_data(&message), data);
    assert_int_equal(zmq_msg_more(&message), 0);
    assert_int_equal(atomic_load(&free_calls), 0);
    assert_ok(zmq_msg_close(&message));
    await_free();
}

static void test_receiving_replaces_what_the_message_held(void **state)
{
    struct world *world = *state;
    static char data[50];
    struct ends ends = join_pair(world, "inproc", ZMQ_PAIR, ZMQ_PAIR);
    zmq_msg_t message;
    atomic_store(&free_calls, 0);
    make_owned(&message, data, sizeof data);
    send_str(ends.connected, "new");
    assert_returns(zmq_msg_recv(&message, ends.bound, 0), 3);
    await_free();
    assert_memory_equal(zmq_msg_data(&message), "new", 3);
    assert_fails(zmq_msg_recv(&message, ends.bound, ZMQ_DONTWAIT), EAGAIN);
    assert_int_equal(zmq_msg_size(&message), 0);
    assert_ok(zmq_msg_close(&message));
}

static void test_receiving_needs_a_message(void **state)
{
    struct world *world = *state;
    struct ends ends = join_pair(world, "inproc", ZMQ_PAIR, ZMQ_PAIR);
    zmq_msg_t message;
    send_str(ends.connected, "waiting");
    assert_ok(zmq_msg_init(&message));
    assert_ok(zmq_msg_close(&message));
    assert_fails(zmq_msg_recv(&message, ends.bound, 0), EFAULT);
    memset(&message, 0, sizeof message);
    assert_fails(zmq_msg_recv(&message, ends.bound, 0), EFAULT);
    assert_fails(zmq_msg_recv(NULL, ends.bound, 0), EFAULT);
    expect_str(ends.bound, "waiting");
}

static void test_a_short_buffer_gets_the_beginning(void **state)
{
    struct world *world = *state;
    for (int t = 0; t < TRANSPORTS; t++) {
        struct ends ends = join_pair(world, transports[t], ZMQ_PAIR, ZMQ_PAIR);
        char buffer[8] = "zzzzzzz";
        send_frames(ends.connected, "hello", "world", "again", "more", "end");
        assert_returns(zmq_recv(ends.bound, buffer, 2, 0), 5);
        assert_string_equal(buffer, "hezzzzz");
        expect_more(ends.bound);
        assert_returns(zmq_recv(ends.bound, buffer, 0, 0), 5);
        assert_string_equal(buffer, "hezzzzz");
        assert_returns(zmq_recv(ends.bound, NULL, 0, 0), 5);
        assert_returns(zmq_recv(ends.bound, buffer, 7, 0), 4);
        assert_string_equal(buffer, "morezzz");
        expect_str(ends.bound, "end");
    }
}

static void test_more_is_a_property_of_each_frame(void **state)
{
    struct world *world = *state;
    for (int t = 0; t < TRANSPORTS; t++) {
        struct ends ends = join_pair(world, transports[t], ZMQ_PAIR, ZMQ_PAIR);
        zmq_msg_t message;
        zmq_msg_t copy;
        assert_ok(zmq_msg_init(&message));
        assert_ok(zmq_msg_init(&copy));
        send_frames(ends.connected, "one", "two");
        assert_int_equal(get_int(ends.bound, ZMQ_RCVMORE), 0);
        assert_returns(zmq_msg_recv(&message, ends.bound, 0), 3);
        assert_int_equal(zmq_msg_more(&message), 1);
        assert_returns(zmq_msg_get(&message, ZMQ_MORE), 1);
        expect_more(ends.bound);
        assert_ok(zmq_msg_copy(&copy, &message));
        assert_int_equal(zmq_msg_more(&copy), 1);
        assert_ok(zmq_msg_move(&copy, &message));
        assert_int_equal(zmq_msg_more(&copy), 1);
        assert_int_equal(zmq_msg_more(&message), 0);
        assert_returns(zmq_msg_recv(&message, ends.bound, 0), 3);
        assert_int_equal(zmq_msg_more(&message), 0);
        expect_no_more(ends.bound);
        /* What is sent is decided by the flag of the call, not by the message's past. */
        assert_returns(zmq_msg_send(&copy, ends.bound, 0), 3);
        expect_str(ends.connected, "one");
        assert_returns(zmq_msg_send(&message, ends.bound, ZMQ_SNDMORE), 3);
        send_str(ends.bound, "three");
        expect_frames(ends.connected, "two", "three");
        assert_ok(zmq_msg_close(&message));
        assert_ok(zmq_msg_close(&copy));
    }
}

static void test_copies_survive_the_original_s_journey(void **state)
{
    struct world *world = *state;
    for (int t = 0; t < TRANSPORTS; t++) {
        struct ends ends = join_pair(world, transports[t], ZMQ_PAIR, ZMQ_PAIR);
        for (size_t size = 20; size <= 2000; size *= 10) {
            zmq_msg_t message;
            zmq_msg_t copy;
            assert_ok(zmq_msg_init_size(&message, size));
            memset(zmq_msg_data(&message), 'c', size);
            assert_ok(zmq_msg_init(&copy));
            assert_ok(zmq_msg_copy(&copy, &message));
            assert_returns(zmq_msg_send(&message, ends.connected, 0), (int)size);
            uint8_t expected[2000];
            memset(expected, 'c', size);
            assert_memory_equal(zmq_msg_data(&copy), expected, size);
            assert_returns(zmq_msg_send(&copy, ends.connected, 0), (int)size);
            expect_bytes(ends.bound, expected, size);
            expect_bytes(ends.bound, expected, size);
            assert_ok(zmq_msg_close(&message));
            assert_ok(zmq_msg_close(&copy));
        }
    }
}

static void expect_property(const zmq_msg_t *message, const char *name, const char *value)
{
    if (value)
        assert_string_equal(zmq_msg_gets(message, name), value);
    else
        assert_null_fails(zmq_msg_gets(message, name), EINVAL);
}

static void expect_tcp_properties(zmq_msg_t *message, const char *identity)
{
    expect_property(message, "Socket-Type", "DEALER");
    expect_property(message, "Identity", identity);
    expect_property(message, "Peer-Address", "127.0.0.1");
    expect_property(message, "User-Id", NULL);
    expect_property(message, "Resource", NULL);
    expect_property(message, "X-absent", NULL);
    expect_property(message, "", NULL);
    const int fd = zmq_msg_get(message, ZMQ_SRCFD);
    assert_true(fd >= 0);
    int type = 0;
    socklen_t size = sizeof type;
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size), 0);
    assert_int_equal(type, SOCK_STREAM);
}

static void test_properties_over_tcp(void **state)
{
    struct world *world = *state;
    void *router = open_socket(world, ZMQ_ROUTER);
    void *dealer = open_socket(world, ZMQ_DEALER);
    char endpoint[ENDPOINT_MAX];
    bind_any(world, router, "tcp", endpoint);
    set_bytes(dealer, ZMQ_ROUTING_ID, "some-id", 7);
    assert_ok(zmq_connect(dealer, endpoint));
    send_frames(dealer, "first", "second");
    zmq_msg_t message;
    assert_ok(zmq_msg_init(&message));
    for (int frame = 0; frame < 3; frame++) {
        assert_true(zmq_msg_recv(&message, router, 0) > 0);
        expect_tcp_properties(&message, "some-id");
    }
    zmq_msg_t copy;
    assert_ok(zmq_msg_init(&copy));
    assert_ok(zmq_msg_copy(&copy, &message));
    assert_ok(zmq_msg_close(&message));
    expect_tcp_properties(&copy, "some-id");
    close_socket(world, router);
    expect_property(&copy, "Socket-Type", "DEALER"); /* outlives the socket */
    assert_ok(zmq_msg_close(&copy));
}

static void test_properties_over_ipc(void **state)
{
    struct world *world = *state;
    struct ends ends = join_pair(world, "ipc", ZMQ_ROUTER, ZMQ_DEALER);
    char address[ENDPOINT_MAX];
    snprintf(address, sizeof address, "localhost:%u:%u:%d", (unsigned)getuid(), (unsigned)getgid(), (int)getpid());
    send_str(ends.connected, "hello");
    zmq_msg_t message;
    assert_ok(zmq_msg_init(&message));
    for (int frame = 0; frame < 2; frame++) {
        assert_true(zmq_msg_recv(&message, ends.bound, 0) > 0);
        expect_property(&message, "Socket-Type", "DEALER");
        expect_property(&message, "Identity", "");
        expect_property(&message, "Peer-Address", address);
        assert_true(zmq_msg_get(&message, ZMQ_SRCFD) >= 0);
    }
    assert_ok(zmq_msg_close(&message));
}

static void test_inproc_has_no_properties(void **state)
{
    struct world *world = *state;
    struct ends ends = join_pair(world, "inproc", ZMQ_ROUTER, ZMQ_DEALER);
    send_str(ends.connected, "hello");
    zmq_msg_t message;
    assert_ok(zmq_msg_init(&message));
    for (int frame = 0; frame < 2; frame++) {
        assert_true(zmq_msg_recv(&message, ends.bound, 0) > 0);
        expect_property(&message, "Socket-Type", NULL);
        expect_property(&message, "Identity", NULL);
        expect_property(&message, "Peer-Address", NULL);
        assert_fails(zmq_msg_get(&message, ZMQ_SRCFD), EINVAL);
    }
    assert_ok(zmq_msg_close(&message));
}

static void test_properties_of_a_message_sent_on(void **state)
{
    struct world *world = *state;
    struct ends first = join_pair(world, "tcp", ZMQ_PULL, ZMQ_PUSH);
    struct ends second = join_pair(world, "inproc", ZMQ_PULL, ZMQ_PUSH);
    send_str(first.connected, "hello");
    zmq_msg_t message;
    assert_ok(zmq_msg_init(&message));
    assert_returns(zmq_msg_recv(&message, first.bound, 0), 5);
    expect_property(&message, "Socket-Type", "PUSH");
    assert_returns(zmq_msg_send(&message, second.connected, 0), 5);
    assert_returns(zmq_msg_recv(&message, second.bound, 0), 5);
    assert_ok(zmq_msg_close(&message));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_every_size_arrives_whole),
        world_test(test_received_messages_can_be_relocated),
        world_test(test_owned_data_is_freed_once_it_is_used_up),
        world_test(test_owned_data_passes_through_inproc_uncopied),
        world_test(test_owned_data_is_freed_when_nobody_takes_it),
        world_test(test_failed_send_keeps_the_message),
        world_test(test_receiving_replaces_what_the_message_held),
        world_test(test_receiving_needs_a_message),
        world_test(test_a_short_buffer_gets_the_beginning),
        world_test(test_more_is_a_property_of_each_frame),
        world_test(test_copies_survive_the_original_s_journey),
        world_test(test_properties_over_tcp),
        world_test(test_properties_over_ipc),
        world_test(test_inproc_has_no_properties),
        world_test(test_properties_of_a_message_sent_on),
    };
    if (pipe(freed_pipe) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
