/* SPDX-License-Identifier: ISC */
/* STREAM, and ROUTER in raw mode: plain TCP peers behind ids. */
#include "pattern.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Reads the id frame of a message from the wire's side; the rest follows. */
static size_t read_id(void *stream, uint8_t id[256])
{
    const int size = zmq_recv(stream, id, 256, 0);
    assert_in_range(size, 1, 255);
    expect_more(stream);
    return (size_t)size;
}

/* The empty message by which a STREAM tells of a new connection, or of the end of one. */
static size_t expect_notice(void *stream, uint8_t id[256])
{
    const size_t size = read_id(stream, id);
    expect_str(stream, "");
    return size;
}

static void send_to(void *stream, const uint8_t *id, size_t size, const char *text)
{
    send_bytes(stream, id, size, ZMQ_SNDMORE);
    send_bytes(stream, text, strlen(text), 0);
}

/* TCP keeps no boundaries: gathers until this text is there. */
static void expect_text(void *stream, const uint8_t *id, size_t id_size, const char *text)
{
    const size_t size = strlen(text);
    size_t got = 0;
    char buffer[256];
    while (got < size) {
        expect_bytes(stream, id, id_size);
        const int piece = zmq_recv(stream, buffer + got, sizeof buffer - got, 0);
        assert_in_range(piece, 1, size - got);
        expect_no_more(stream);
        got += (size_t)piece;
    }
    assert_memory_equal(buffer, text, size);
}

static void test_talks_with_a_plain_client(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    uint8_t id[256];
    void *stream = open_socket(world, ZMQ_STREAM);
    bind_any(world, stream, "tcp", endpoint);
    const int fd = raw_connect(world, endpoint);
    const size_t size = expect_notice(stream, id);
    assert_int_equal(size, 5);
    assert_int_equal(id[0], 0);
    raw_write(fd, "hello", 5);
    expect_text(stream, id, size, "hello");
    send_to(stream, id, size, "world");
    send_to(stream, id, size, "!");
    raw_expect(fd, "world!", 6);
}

static void test_tells_clients_apart(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    uint8_t ids[2][256];
    int fds[2];
    void *stream = open_socket(world, ZMQ_STREAM);
    bind_any(world, stream, "tcp", endpoint);
    for (int i = 0; i < 2; i++) {
        fds[i] = raw_connect(world, endpoint);
        expect_notice(stream, ids[i]);
    }
    assert_memory_not_equal(ids[0], ids[1], 5);
    raw_write(fds[1], "one", 3);
    expect_text(stream, ids[1], 5, "one");
    raw_write(fds[0], "zero", 4);
    expect_text(stream, ids[0], 5, "zero");
    send_to(stream, ids[0], 5, "to zero");
    send_to(stream, ids[1], 5, "to one");
    raw_expect(fds[0], "to zero", 7);
    raw_expect(fds[1], "to one", 6);
}

static void test_tells_of_the_end(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    uint8_t id[256];
    uint8_t again[256];
    void *stream = open_socket(world, ZMQ_STREAM);
    bind_any(world, stream, "tcp", endpoint);
    const int fd = raw_connect(world, endpoint);
    expect_notice(stream, id);
    raw_write(fd, "bye", 3);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    expect_text(stream, id, 5, "bye");
    expect_notice(stream, again);
    assert_memory_equal(again, id, 5);
}

static void test_an_empty_message_closes(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    uint8_t id[256];
    uint8_t other[256];
    void *stream = open_socket(world, ZMQ_STREAM);
    bind_any(world, stream, "tcp", endpoint);
    const int fd = raw_connect(world, endpoint);
    expect_notice(stream, id);
    const int witness = raw_connect(world, endpoint);
    expect_notice(stream, other);
    send_to(stream, id, 5, "");
    raw_write(witness, "x", 1);
    expect_text(stream, other, 5, "x");
    await_fd_beside(fd, stream);
    raw_expect_close(fd);
    send_to(stream, other, 5, "still here");
    raw_expect(witness, "still here", 10);
    assert_fails(zmq_send(stream, id, 5, ZMQ_SNDMORE), EHOSTUNREACH);
}

static void test_unknown_id(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    uint8_t id[256];
    void *stream = open_socket(world, ZMQ_STREAM);
    bind_any(world, stream, "tcp", endpoint);
    assert_fails(zmq_send(stream, "nobody", 6, ZMQ_SNDMORE), EHOSTUNREACH);
    const int fd = raw_connect(world, endpoint);
    expect_notice(stream, id);
    assert_fails(zmq_send(stream, "nobody", 6, ZMQ_SNDMORE), EHOSTUNREACH);
    send_to(stream, id, 5, "ok");
    raw_expect(fd, "ok", 2);
}

static void test_without_notices(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    uint8_t id[256];
    void *stream = open_socket(world, ZMQ_STREAM);
    set_int(stream, ZMQ_STREAM_NOTIFY, 0);
    bind_any(world, stream, "tcp", endpoint);
    for (int i = 0; i < 2; i++) {
        const int fd = raw_connect(world, endpoint);
        raw_write(fd, "data", 4);
        const size_t size = read_id(stream, id);
        expect_str(stream, "data");
        send_to(stream, id, size, "ok");
        raw_expect(fd, "ok", 2);
        assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
    }
}

static void test_connects_under_a_name(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    uint8_t id[256];
    const int listener = raw_listen(world, endpoint);
    void *stream = open_socket(world, ZMQ_STREAM);
    set_int(stream, ZMQ_RECONNECT_IVL, 10);
    set_bytes(stream, ZMQ_CONNECT_ROUTING_ID, "server", 6);
    assert_ok(zmq_connect(stream, endpoint));
    int fd = raw_accept(world, listener);
    assert_int_equal(expect_notice(stream, id), 6);
    assert_memory_equal(id, "server", 6);
    send_to(stream, id, 6, "GET");
    raw_expect(fd, "GET", 3);
    raw_write(fd, "reply", 5);
    expect_text(stream, id, 6, "reply");

    assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
    expect_frames(stream, "server", "");
    fd = raw_accept(world, listener);
    expect_frames(stream, "server", "");
    send_to(stream, id, 6, "again");
    raw_expect(fd, "again", 5);
}

static void test_two_streams(void **state)
{
    struct world *world = *state;
    uint8_t to_bound[256];
    uint8_t to_connected[256];
    const struct ends ends = join_pair(world, "tcp", ZMQ_STREAM, ZMQ_STREAM);
    const size_t bound_size = expect_notice(ends.connected, to_bound);
    const size_t connected_size = expect_notice(ends.bound, to_connected);
    send_to(ends.connected, to_bound, bound_size, "hey");
    expect_text(ends.bound, to_connected, connected_size, "hey");
}

/* Much more than one read, or the buffers of the kernel, can hold. */
static void test_large_amounts(void **state)
{
    enum { SIZE = 300000 };
    static uint8_t data[SIZE];
    static uint8_t received[SIZE];
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    uint8_t id[256];
    for (int i = 0; i < SIZE; i++)
        data[i] = (uint8_t)(i * 7 + (i >> 8));
    void *stream = open_socket(world, ZMQ_STREAM);
    bind_any(world, stream, "tcp", endpoint);
    const int fd = raw_connect(world, endpoint);
    expect_notice(stream, id);
    raw_write(fd, data, SIZE / 2);
    size_t got = 0;
    while (got < SIZE / 2) {
        expect_bytes(stream, id, 5);
        const int piece = zmq_recv(stream, received + got, SIZE - got, 0);
        assert_true(piece > 0);
        got += (size_t)piece;
    }
    assert_memory_equal(received, data, SIZE / 2);
    send_bytes(stream, id, 5, ZMQ_SNDMORE);
    send_bytes(stream, data, SIZE, 0);
    raw_read(fd, received, SIZE);
    assert_memory_equal(received, data, SIZE);
}

static void test_peer_address(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *stream = open_socket(world, ZMQ_STREAM);
    bind_any(world, stream, "tcp", endpoint);
    raw_write(raw_connect(world, endpoint), "x", 1);
    for (int frame = 0; frame < 4; frame++) {
        zmq_msg_t message;
        assert_ok(zmq_msg_init(&message));
        assert_true(zmq_msg_recv(&message, stream, 0) >= 0);
        if (frame == 3)
            assert_string_equal(zmq_msg_gets(&message, "Peer-Address"), "127.0.0.1");
        assert_ok(zmq_msg_close(&message));
    }
}

static void test_raw_router(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    uint8_t id[256];
    void *router = open_socket(world, ZMQ_ROUTER);
    set_int(router, ZMQ_ROUTER_RAW, 1);
    bind_any(world, router, "tcp", endpoint);
    const int fd = raw_connect(world, endpoint);
    const size_t size = expect_notice(router, id);
    raw_write(fd, "hello", 5);
    expect_text(router, id, size, "hello");
    send_to(router, id, size, "world");
    raw_expect(fd, "world", 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_talks_with_a_plain_client),
        world_test(test_tells_clients_apart),
        world_test(test_tells_of_the_end),
        world_test(test_an_empty_message_closes),
        world_test(test_unknown_id),
        world_test(test_without_notices),
        world_test(test_connects_under_a_name),
        world_test(test_two_streams),
        world_test(test_large_amounts),
        world_test(test_peer_address),
        world_test(test_raw_router),
    };
    return cmocka_run_group_tests_name("STREAM", tests, NULL, NULL);
}
