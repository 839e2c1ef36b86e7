/* SPDX-License-Identifier: ISC */
/* What goes over a ZMTP 3.x connection after the handshake, octet by octet (RFC 37): messages, subscriptions,
 * heartbeats, and what a peer may not say. What is wrong ends its own connection and disturbs no other. */
#include "pattern.h"
#include "secure.h"
#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* The READY of a DEALER. */
static void put_ready(struct octets *out)
{
    put_metadata_command(out, "READY", "DEALER", NULL);
}

/* --- Messages --- */

static void test_frames_as_they_are_sent(void **state)
{
    struct world *world = *state;
    const struct wire_scene scene = wire_open_scene(world);
    static uint8_t data[256];
    send_bytes(scene.socket, "", 0, ZMQ_SNDMORE);
    send_bytes(scene.socket, data, 255, ZMQ_SNDMORE);
    send_bytes(scene.socket, data, 256, 0);
    raw_expect(scene.witness, "\1\0\1\377", 4);
    raw_expect(scene.witness, data, 255);
    raw_expect(scene.witness, "\2\0\0\0\0\0\0\1\0", 9);
    raw_expect(scene.witness, data, 256);
}

static void test_frames_as_they_are_received(void **state)
{
    struct world *world = *state;
    const struct wire_scene scene = wire_open_scene(world);
    struct octets out = {.size = 0};
    put_frame(&out, FRAME_MORE, "", 0);
    put_long_header(&out, FRAME_MORE, 5);
    put_bytes(&out, "long ", 5);
    put_frame(&out, 0, "end", 3);
    put_frame(&out, 0, "", 0);
    put_long_header(&out, 0, 0);
    wire_send(scene.witness, &out);
    expect_frames(scene.socket, "", "long ", "end");
    expect_str(scene.socket, "");
    expect_str(scene.socket, "");
}

static void test_from_the_connecting_side(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    const int listener = raw_listen(world, endpoint);
    void *dealer = open_socket(world, ZMQ_DEALER);
    assert_ok(zmq_connect(dealer, endpoint));
    send_frames(dealer, "queued", "early");
    const int fd = raw_accept(world, listener);
    wire_handshake(fd, "ROUTER", "DEALER", 1);
    wire_expect_frame(fd, FRAME_MORE, "queued", 6);
    wire_expect_str(fd, "early");
    wire_send_str(fd, "reply");
    expect_str(dealer, "reply");
}

/* REQ and REP with their delimiter on the wire (RFC 28). */
static void test_request_on_the_wire(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *rep = open_socket(world, ZMQ_REP);
    bind_any(world, rep, "tcp", endpoint);
    const int fd = wire_join(world, endpoint, "REQ", "REP");
    wire_send_frame(fd, FRAME_MORE, "", 0);
    wire_send_str(fd, "question");
    expect_str(rep, "question");
    send_str(rep, "answer");
    wire_expect_frame(fd, FRAME_MORE, "", 0);
    wire_expect_str(fd, "answer");
}

/* Commands that nobody knows are skipped, also in the middle of a message. */
static void test_unknown_commands(void **state)
{
    struct world *world = *state;
    const struct wire_scene scene = wire_open_scene(world);
    const int fd = wire_join_scene(world, &scene);
    wire_send_command(fd, "FOO", "bar", 3);
    wire_send_frame(fd, FRAME_MORE, "a", 1);
    wire_send_command(fd, "X", "", 0);
    wire_send_str(fd, "b");
    expect_frames(scene.socket, "a", "b");
}

/* Sizes that no message can have. */
static void test_cve_2019_6250_absurd_sizes(void **state)
{
    struct world *world = *state;
    const struct wire_scene scene = wire_open_scene(world);
    static const uint64_t sizes[] = {UINT64_MAX,       UINT64_MAX - 8,    UINT64_MAX - 64,
                                     UINT64_MAX - 128, (uint64_t)1 << 63, INT64_MAX};
    for (int flags = 0; flags <= FRAME_COMMAND; flags += FRAME_COMMAND)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            struct octets out = {.size = 0};
            const int fd = wire_join_scene(world, &scene);
            put_long_header(&out, flags, sizes[i]);
            wire_send(fd, &out);
            wire_expect_dropped(&scene, fd);
        }
}

/* A frame that is larger than MAXMSGSIZE ends the connection as soon as its size is known. */
static void test_maxmsgsize(void **state)
{
    enum { MOST = 200 };
    struct world *world = *state;
    static char data[MOST + 1];
    struct wire_scene scene = {.socket = open_socket(world, ZMQ_DEALER)};
    const int64_t most = MOST;
    set_bytes(scene.socket, ZMQ_MAXMSGSIZE, &most, sizeof most);
    scene.monitor = watch(world, scene.socket, ZMQ_EVENT_ALL);
    bind_any(world, scene.socket, "tcp", scene.endpoint);
    const int good = wire_join_scene(world, &scene);
    for (int header_only = 0; header_only < 2; header_only++) {
        struct octets out = {.size = 0};
        wire_send_frame(good, FRAME_MORE, data, MOST);
        wire_send_frame(good, 0, data, MOST);
        expect_bytes(scene.socket, data, MOST);
        expect_bytes(scene.socket, data, MOST);
        const int bad = wire_join_scene(world, &scene);
        if (header_only)
            put_long_header(&out, 0, (uint64_t)1 << 33);
        else
            put_frame(&out, 0, data, MOST + 1);
        wire_send(bad, &out);
        raw_expect_close(bad);
        await_event(scene.monitor, ZMQ_EVENT_DISCONNECTED);
    }
    wire_send_str(good, "still here");
    expect_str(scene.socket, "still here");
    expect_nothing(scene.socket);
}

/* It is that of the moment of zmq_bind. */
static void test_maxmsgsize_of_the_bind_holds(void **state)
{
    struct world *world = *state;
    static char data[201];
    struct wire_scene scene = {.socket = open_socket(world, ZMQ_DEALER)};
    int64_t most = sizeof data - 1;
    set_bytes(scene.socket, ZMQ_MAXMSGSIZE, &most, sizeof most);
    scene.monitor = watch(world, scene.socket, ZMQ_EVENT_ALL);
    bind_any(world, scene.socket, "tcp", scene.endpoint);
    most = -1;
    set_bytes(scene.socket, ZMQ_MAXMSGSIZE, &most, sizeof most);
    const int fd = wire_join_scene(world, &scene);
    wire_send_frame(fd, 0, data, sizeof data - 1);
    expect_bytes(scene.socket, data, sizeof data - 1);
    wire_send_frame(fd, 0, data, sizeof data);
    raw_expect_close(fd);
    await_event(scene.monitor, ZMQ_EVENT_DISCONNECTED);
    expect_nothing(scene.socket);
}

/* The connection ends at any point of a message: all or nothing. */
static void test_cut_off_messages(void **state)
{
    struct world *world = *state;
    const struct wire_scene scene = wire_open_scene(world);
    struct octets out = {.size = 0};
    put_frame(&out, FRAME_MORE, "part", 4);
    put_long_header(&out, 0, 4);
    put_bytes(&out, "last", 4);
    for (size_t size = 0; size < out.size; size++) {
        const int fd = wire_join_scene(world, &scene);
        raw_write(fd, out.data, size);
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        wire_expect_dropped(&scene, fd);
    }
}

/* --- Subscriptions --- */

static void test_subscriptions_as_they_are_sent(void **state)
{
    struct world *world = *state;
    for (int minor = 0; minor < 2; minor++) {
        char endpoint[ENDPOINT_MAX];
        void *sub = open_socket(world, ZMQ_SUB);
        const int listener = raw_listen(world, endpoint);
        set_bytes(sub, ZMQ_SUBSCRIBE, "A", 1);
        assert_ok(zmq_connect(sub, endpoint));
        const int fd = raw_accept(world, listener);
        wire_handshake(fd, "PUB", "SUB", minor);
        set_bytes(sub, ZMQ_SUBSCRIBE, "", 0);
        set_bytes(sub, ZMQ_UNSUBSCRIBE, "A", 1);
        if (minor) {
            wire_expect_command(fd, "SUBSCRIBE", "A", 1);
            wire_expect_command(fd, "SUBSCRIBE", "", 0);
            wire_expect_command(fd, "CANCEL", "A", 1);
        } else {
            wire_expect_frame(fd, 0, "\1A", 2);
            wire_expect_frame(fd, 0, "\1", 1);
            wire_expect_frame(fd, 0, "\0A", 2);
        }
        wire_send_str(fd, "everything");
        expect_str(sub, "everything");
    }
}

/* A publisher takes both forms from every peer. */
static void test_subscriptions_as_they_are_received(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *xpub = open_socket(world, ZMQ_XPUB);
    bind_any(world, xpub, "tcp", endpoint);
    for (int minor = 0; minor < 2; minor++) {
        const int fd = raw_connect(world, endpoint);
        wire_handshake(fd, "SUB", "XPUB", minor);
        wire_send_command(fd, "SUBSCRIBE", "cmd", 3);
        expect_bytes(xpub, "\1cmd", 4);
        wire_send_frame(fd, 0, "\1msg", 4);
        expect_bytes(xpub, "\1msg", 4);
        send_str(xpub, "other");
        send_str(xpub, "cmd");
        send_str(xpub, "msg");
        wire_expect_str(fd, "cmd");
        wire_expect_str(fd, "msg");
        wire_send_frame(fd, 0, "\0cmd", 4);
        expect_bytes(xpub, "\0cmd", 4);
        wire_send_command(fd, "CANCEL", "msg", 3);
        expect_bytes(xpub, "\0msg", 4);
        send_str(xpub, "cmd");
        wire_send_command(fd, "SUBSCRIBE", "end", 3);
        expect_bytes(xpub, "\1end", 4);
        send_str(xpub, "end");
        wire_expect_str(fd, "end");
        assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
        expect_bytes(xpub, "\0end", 4);
    }
}

/* Subscribers count for themselves and cancel once, at the end: the publisher keeps no count for each of them. */
static void test_one_cancel_is_enough(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *xpub = open_socket(world, ZMQ_XPUB);
    bind_any(world, xpub, "tcp", endpoint);
    const int fd = wire_join(world, endpoint, "SUB", "XPUB");
    wire_send_command(fd, "SUBSCRIBE", "A", 1);
    wire_send_command(fd, "SUBSCRIBE", "A", 1);
    wire_send_command(fd, "CANCEL", "A", 1);
    wire_send_command(fd, "SUBSCRIBE", "B", 1);
    expect_bytes(xpub, "\1A", 2);
    expect_bytes(xpub, "\0A", 2);
    expect_bytes(xpub, "\1B", 2);
    send_str(xpub, "A");
    send_str(xpub, "B");
    wire_expect_str(fd, "B");
}

/* A topic may be very long; adding, matching and removing it must not recurse octet by octet. */
static void test_cve_2021_20236_long_topic(void **state)
{
    enum { LENGTH = 1000000 };
    struct world *world = *state;
    static uint8_t topic[LENGTH + 1];
    char endpoint[ENDPOINT_MAX];
    uint8_t header[9] = {FRAME_LONG};
    void *xpub = open_socket(world, ZMQ_XPUB);
    bind_any(world, xpub, "tcp", endpoint);
    const int fd = wire_join(world, endpoint, "SUB", "XPUB");
    memset(topic, 'T', sizeof topic);
    topic[0] = 1;
    for (int i = 0; i < 8; i++)
        header[1 + i] = (uint8_t)((uint64_t)sizeof topic >> (56 - 8 * i));
    raw_write(fd, header, sizeof header);
    raw_write(fd, topic, sizeof topic);
    expect_bytes(xpub, topic, sizeof topic);
    send_bytes(xpub, topic + 1, LENGTH - 1, 0);
    send_bytes(xpub, topic + 1, LENGTH, 0);
    struct octets start = {.size = sizeof header};
    raw_read(fd, start.data, sizeof header);
    assert_memory_equal(start.data + 1, "\0\0\0\0\0\17\102\100", 8);
    assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
    topic[0] = 0;
    expect_bytes(xpub, topic, sizeof topic);
}

/* Subscriptions of peers that never say goodbye are forgotten with them. */
static void test_cve_2021_20237_subscriptions_end_with_the_peer(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *xpub = open_socket(world, ZMQ_XPUB);
    bind_any(world, xpub, "tcp", endpoint);
    for (int i = 0; i < 50; i++) {
        const int fd = wire_join(world, endpoint, "SUB", "XPUB");
        wire_send_command(fd, "SUBSCRIBE", &i, sizeof i);
        uint8_t message[1 + sizeof i] = {1};
        memcpy(message + 1, &i, sizeof i);
        expect_bytes(xpub, message, sizeof message);
        assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
        message[0] = 0;
        expect_bytes(xpub, message, sizeof message);
    }
}

/* --- Heartbeats --- */

static void test_ping_is_answered(void **state)
{
    struct world *world = *state;
    const struct wire_scene scene = wire_open_scene(world);
    static const char context[] = "sixteen octets!!";
    for (size_t size = 0; size <= 16; size += 8) {
        struct octets ping = {.size = 0};
        put_bytes(&ping, "\0\0", 2);
        put_bytes(&ping, context, size);
        wire_send_command(scene.witness, "PING", ping.data, ping.size);
        wire_expect_command(scene.witness, "PONG", context, size);
    }
    wire_send_command(scene.witness, "PONG", "unasked", 7);
    wire_expect_undisturbed(&scene);
}

static void test_ping_between_the_parts(void **state)
{
    struct world *world = *state;
    const struct wire_scene scene = wire_open_scene(world);
    wire_send_frame(scene.witness, FRAME_MORE, "a", 1);
    wire_send_command(scene.witness, "PING", "\0\0x", 3);
    wire_expect_command(scene.witness, "PONG", "x", 1);
    wire_send_str(scene.witness, "b");
    expect_frames(scene.socket, "a", "b");
}

/* A peer that announced how long its silence may last is taken at its word. */
static void test_ttl_of_the_peer(void **state)
{
    struct world *world = *state;
    const struct wire_scene scene = wire_open_scene(world);
    const int fd = wire_join_scene(world, &scene);
    const int64_t start = now_ms();
    wire_send_command(fd, "PING", "\0\2", 2); /* 0.2 s */
    wire_expect_command(fd, "PONG", "", 0);
    wire_expect_dropped(&scene, fd);
    assert_true(now_ms() - start >= 190);
}

static void test_own_heartbeats(void **state)
{
    struct world *world = *state;
    struct wire_scene scene = {.socket = open_socket(world, ZMQ_DEALER)};
    set_int(scene.socket, ZMQ_HEARTBEAT_IVL, 20);
    set_int(scene.socket, ZMQ_HEARTBEAT_TTL, 6500);
    set_int(scene.socket, ZMQ_HEARTBEAT_TIMEOUT, 1000);
    scene.monitor = watch(world, scene.socket, ZMQ_EVENT_ALL);
    bind_any(world, scene.socket, "tcp", scene.endpoint);
    const int fd = wire_join_scene(world, &scene);
    for (int i = 0; i < 5; i++) {
        struct octets ping;
        assert_int_equal(wire_read_frame(fd, &ping), FRAME_COMMAND);
        assert_true(ping.size >= 7 && ping.size <= 7 + 16);
        assert_memory_equal(ping.data, "\4PING\0\101", 7);
        wire_send_command(fd, "PONG", ping.data + 7, ping.size - 7);
    }
    expect_nothing(scene.monitor);
    raw_expect_close(fd); /* from here on nothing is answered */
    await_event(scene.monitor, ZMQ_EVENT_DISCONNECTED);
}

/* The connecting side gives a dead connection up as well, and comes again. */
static void test_heartbeat_brings_a_new_connection(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    const int listener = raw_listen(world, endpoint);
    void *dealer = open_socket(world, ZMQ_DEALER);
    set_int(dealer, ZMQ_HEARTBEAT_IVL, 30);
    set_int(dealer, ZMQ_RECONNECT_IVL, 5);
    assert_ok(zmq_connect(dealer, endpoint));
    for (int i = 0; i < 2; i++) {
        const int fd = raw_accept(world, listener);
        wire_handshake(fd, "DEALER", "DEALER", 1);
        raw_expect_close(fd);
    }
}

/* --- Many strangers --- */

/* Peers that say nothing, or nearly nothing, hold up neither the others nor the end. */
static void test_cve_2020_15166_silent_peers(void **state)
{
    struct world *world = *state;
    const struct wire_scene scene = wire_open_scene(world);
    uint8_t first[10] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f};
    for (int i = 0; i < 100; i++) {
        const int fd = raw_connect(world, scene.endpoint);
        raw_write(fd, first, (size_t)(i % 11));
    }
    wire_expect_undisturbed(&scene);
    const int late = raw_connect(world, scene.endpoint);
    wire_handshake(late, "DEALER", "DEALER", 1);
    wire_send_str(late, "late");
    expect_str(scene.socket, "late");
}

/* Half a message of each of many peers is dropped with its peer. */
static void test_cve_2021_20234_unfinished_messages(void **state)
{
    struct world *world = *state;
    const struct wire_scene scene = wire_open_scene(world);
    for (int i = 0; i < 30; i++) {
        const int fd = wire_join_scene(world, &scene);
        for (int part = 0; part < 50; part++)
            wire_send_frame(fd, FRAME_MORE, "part", 4);
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        wire_expect_dropped(&scene, fd);
    }
}

/* Reproducible noise after each stage of the handshake: whatever it means, the witness is not disturbed. */
static void test_noise(void **state)
{
    struct world *world = *state;
    const struct wire_scene scene = wire_open_scene(world);
    uint32_t seed = 12345;
    for (int i = 0; i < 120; i++) {
        struct octets out = {.size = 0};
        uint8_t noise[200];
        for (size_t k = 0; k < sizeof noise; k++) {
            seed = seed * 1664525 + 1013904223;
            noise[k] = (uint8_t)(seed >> 24);
        }
        noise[0] |= 0x80; /* no ZMTP 1.0 */
        if (i % 3 > 0)
            put_greeting(&out, "NULL", 3, 1);
        if (i % 3 > 1)
            put_ready(&out);
        const int fd = raw_connect(world, scene.endpoint);
        if (i % 3 == 2)
            noise[0] = FRAME_COMMAND;
        put_bytes(&out, noise, sizeof noise);
        wire_send(fd, &out);
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        raw_expect_close(fd);
        wire_close(world, fd);
    }
    wire_send_str(scene.witness, "still here");
    char text[16];
    zmq_msg_t message;
    do {
        assert_ok(zmq_msg_init(&message));
        const int size = zmq_msg_recv(&message, scene.socket, 0);
        assert_true(size >= 0);
        snprintf(text, sizeof text, "%.*s", size < 15 ? size : 15, (const char *)zmq_msg_data(&message));
        assert_ok(zmq_msg_close(&message));
    } while (strcmp(text, "still here") != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_frames_as_they_are_sent),
        world_test(test_frames_as_they_are_received),
        world_test(test_from_the_connecting_side),
        world_test(test_request_on_the_wire),
        world_test(test_unknown_commands),
        world_test(test_cve_2019_6250_absurd_sizes),
        world_test(test_maxmsgsize),
        world_test(test_maxmsgsize_of_the_bind_holds),
        world_test(test_cut_off_messages),
        world_test(test_subscriptions_as_they_are_sent),
        world_test(test_subscriptions_as_they_are_received),
        world_test(test_one_cancel_is_enough),
        world_test(test_cve_2021_20236_long_topic),
        world_test(test_cve_2021_20237_subscriptions_end_with_the_peer),
        world_test(test_ping_is_answered),
        world_test(test_ping_between_the_parts),
        world_test(test_ttl_of_the_peer),
        world_test(test_own_heartbeats),
        world_test(test_heartbeat_brings_a_new_connection),
        world_test(test_cve_2020_15166_silent_peers),
        world_test(test_cve_2021_20234_unfinished_messages),
        world_test(test_noise),
    };
    return cmocka_run_group_tests_name("traffic", tests, NULL, NULL);
}
