/* SPDX-License-Identifier: ISC */
/* The older ways to send and receive: zmq_sendiov, zmq_recviov, zmq_sendmsg, zmq_recvmsg; and zmq_send_const. */
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

static struct iovec parts[] = {{"one", 3}, {"two22", 5}, {"", 0}, {"four", 4}};

/* Receives parts into freshly allocated memory, compares them with the parts from first on, and frees them. */
static void expect_parts(void *socket, size_t room, size_t first, size_t expected)
{
    struct iovec vector[8];
    size_t count = room;
    memset(vector, 0xaa, sizeof vector);
    assert_returns(zmq_recviov(socket, vector, &count, 0), (int)expected);
    assert_int_equal(count, expected);
    for (size_t i = 0; i < expected; i++) {
        assert_int_equal(vector[i].iov_len, parts[first + i].iov_len);
        assert_memory_equal(vector[i].iov_base, parts[first + i].iov_base, vector[i].iov_len);
        free(vector[i].iov_base);
    }
}

static void test_with_sndmore_the_parts_are_one_message(void **state)
{
    struct world *world = *state;
    static const char *const transports[] = {"inproc", "tcp"};
    for (int i = 0; i < 2; i++) {
        struct ends ends = join_pair(world, transports[i], ZMQ_PAIR, ZMQ_PAIR);
        assert_returns(zmq_sendiov(ends.connected, parts, 4, ZMQ_SNDMORE), 4);
        expect_frames(ends.bound, "one", "two22", "", "four");
        assert_returns(zmq_sendiov(ends.connected, parts, 1, ZMQ_SNDMORE), 3);
        expect_str(ends.bound, "one");
        assert_returns(zmq_sendiov(ends.connected, parts, 2, ZMQ_SNDMORE | ZMQ_DONTWAIT), 5);
        expect_frames(ends.bound, "one", "two22");
    }
}

static void test_without_it_each_part_is_a_message(void **state)
{
    struct world *world = *state;
    struct ends ends = join_pair(world, "inproc", ZMQ_PAIR, ZMQ_PAIR);
    assert_returns(zmq_sendiov(ends.connected, parts, 4, 0), 4);
    expect_str(ends.bound, "one");
    expect_str(ends.bound, "two22");
    expect_str(ends.bound, "");
    expect_str(ends.bound, "four");
}

static void test_receiving_parts(void **state)
{
    struct world *world = *state;
    struct ends ends = join_pair(world, "tcp", ZMQ_PAIR, ZMQ_PAIR);
    for (size_t room = 4; room <= 8; room++) {
        assert_returns(zmq_sendiov(ends.connected, parts, 4, ZMQ_SNDMORE), 4);
        expect_parts(ends.bound, room, 0, 4);
        expect_no_more(ends.bound);
    }
}

static void test_receiving_parts_in_pieces(void **state)
{
    struct world *world = *state;
    struct ends ends = join_pair(world, "inproc", ZMQ_PAIR, ZMQ_PAIR);
    assert_returns(zmq_sendiov(ends.connected, parts, 4, ZMQ_SNDMORE), 4);
    expect_parts(ends.bound, 2, 0, 2);
    expect_more(ends.bound);
    expect_parts(ends.bound, 8, 2, 2);
    expect_no_more(ends.bound);
}

static void test_failures(void **state)
{
    struct world *world = *state;
    struct iovec vector[2];
    size_t count = 2;
    void *pair = open_socket(world, ZMQ_PAIR);
    void *pull = open_socket(world, ZMQ_PULL);
    void *push = open_socket(world, ZMQ_PUSH);
    assert_fails(zmq_sendiov(pair, parts, 2, ZMQ_DONTWAIT), EAGAIN);
    assert_fails(zmq_sendiov(pull, parts, 2, ZMQ_SNDMORE), ENOTSUP);
    assert_fails(zmq_recviov(pair, vector, &count, ZMQ_DONTWAIT), EAGAIN);
    assert_int_equal(count, 0);
    count = 2;
    assert_fails(zmq_recviov(push, vector, &count, 0), ENOTSUP);
    assert_int_equal(count, 0);
}

static void test_sendmsg_and_recvmsg(void **state)
{
    struct world *world = *state;
    struct ends ends = join_pair(world, "tcp", ZMQ_PAIR, ZMQ_PAIR);
    static const size_t sizes[] = {0, 5, 33, 34, 300};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        zmq_msg_t message;
        assert_ok(zmq_msg_init_size(&message, sizes[i]));
        memset(zmq_msg_data(&message), 'm', sizes[i]);
        assert_returns(zmq_sendmsg(ends.connected, &message, ZMQ_SNDMORE), (int)sizes[i]);
        assert_int_equal(zmq_msg_size(&message), 0);
        send_str(ends.connected, "tail");
        assert_returns(zmq_recvmsg(ends.bound, &message, 0), (int)sizes[i]);
        assert_int_equal(zmq_msg_size(&message), sizes[i]);
        assert_int_equal(zmq_msg_more(&message), 1);
        assert_ok(zmq_msg_close(&message));
        expect_str(ends.bound, "tail");
        assert_ok(zmq_msg_init(&message));
        assert_fails(zmq_recvmsg(ends.bound, &message, ZMQ_DONTWAIT), EAGAIN);
        assert_ok(zmq_msg_close(&message));
    }
}

static void test_send_const(void **state)
{
    struct world *world = *state;
    static const char constant[] = "constant data that nobody copies or frees, and long enough for that";
    static const char *const transports[] = {"inproc", "tcp", "ipc"};
    for (int i = 0; i < 3; i++) {
        struct ends ends = join_pair(world, transports[i], ZMQ_PAIR, ZMQ_PAIR);
        assert_returns(zmq_send_const(ends.connected, constant, sizeof constant, ZMQ_SNDMORE), sizeof constant);
        assert_returns(zmq_send_const(ends.connected, constant, 3, ZMQ_SNDMORE), 3);
        assert_returns(zmq_send_const(ends.connected, NULL, 0, 0), 0);
        expect_bytes(ends.bound, constant, sizeof constant);
        expect_more(ends.bound);
        expect_bytes(ends.bound, constant, 3);
        expect_more(ends.bound);
        expect_bytes(ends.bound, "", 0);
        expect_no_more(ends.bound);
    }
    void *alone = open_socket(world, ZMQ_PUSH);
    assert_fails(zmq_send_const(alone, constant, 3, ZMQ_DONTWAIT), EAGAIN);
    void *deaf = open_socket(world, ZMQ_PULL);
    assert_fails(zmq_send_const(deaf, constant, 3, 0), ENOTSUP);
}

static void test_send_const_passes_the_address_through_inproc(void **state)
{
    struct world *world = *state;
    static const char constant[] = "the receiver gets this very memory: it is never copied";
    struct ends ends = join_pair(world, "inproc", ZMQ_PAIR, ZMQ_PAIR);
    assert_returns(zmq_send_const(ends.connected, constant, sizeof constant, 0), sizeof constant);
    zmq_msg_t message;
    assert_ok(zmq_msg_init(&message));
    assert_returns(zmq_msg_recv(&message, ends.bound, 0), sizeof constant);
    assert_ptr_equal(zmq_msg_data(&message), constant);
    assert_returns(zmq_msg_get(&message, ZMQ_SHARED), 1);
    assert_ok(zmq_msg_close(&message));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_with_sndmore_the_parts_are_one_message),
        world_test(test_without_it_each_part_is_a_message),
        world_test(test_receiving_parts),
        world_test(test_receiving_parts_in_pieces),
        world_test(test_failures),
        world_test(test_sendmsg_and_recvmsg),
        world_test(test_send_const),
        world_test(test_send_const_passes_the_address_through_inproc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
