/* SPDX-License-Identifier: ISC */
/* The socket options that fit into no table: keys and the mechanism that follows from them, filters, metadata, rounded
 * and coupled values, and what can only be read. */
#include "support.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define METADATA 95

/* A key as 40 Z85 digits. */
static const char z85_key[] = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
static const int key_options[] = {ZMQ_CURVE_PUBLICKEY, ZMQ_CURVE_SECRETKEY, ZMQ_CURVE_SERVERKEY};

static void expect_key(void *socket, int option, const char *z85, const uint8_t binary[32])
{
    char text[42];
    uint8_t octets[33];
    memset(text, 'x', sizeof text);
    memset(octets, 'x', sizeof octets);
    size_t size = 41;
    assert_ok(zmq_getsockopt(socket, option, text, &size));
    assert_int_equal(size, 41);
    assert_string_equal(text, z85);
    assert_int_equal(text[41], 'x');
    size = 32;
    assert_ok(zmq_getsockopt(socket, option, octets, &size));
    assert_int_equal(size, 32);
    assert_memory_equal(octets, binary, 32);
    assert_int_equal(octets[32], 'x');
}

static void test_curve_keys_in_both_forms(void **state)
{
    struct world *world = *state;
    uint8_t binary[32];
    static const uint8_t zero[32];
    assert_non_null(zmq_z85_decode(binary, z85_key));
    for (size_t i = 0; i < 3; i++) {
        void *socket = open_socket(world, ZMQ_DEALER);
        expect_key(socket, key_options[i], "0000000000000000000000000000000000000000", zero);
        set_bytes(socket, key_options[i], binary, 32);
        expect_key(socket, key_options[i], z85_key, binary);
        set_bytes(socket, key_options[i], zero, 32);
        set_bytes(socket, key_options[i], z85_key, 40);
        expect_key(socket, key_options[i], z85_key, binary);
        set_bytes(socket, key_options[i], zero, 32);
        set_bytes(socket, key_options[i], z85_key, 41);
        expect_key(socket, key_options[i], z85_key, binary);
    }
}

static void test_curve_key_buffers_must_fit_exactly(void **state)
{
    struct world *world = *state;
    void *socket = open_socket(world, ZMQ_PUB);
    char buffer[300];
    for (size_t i = 0; i < 3; i++)
        for (size_t capacity = 0; capacity < 260; capacity++) {
            size_t size = capacity;
            if (capacity == 32 || capacity == 41)
                assert_ok(zmq_getsockopt(socket, key_options[i], buffer, &size));
            else
                assert_fails(zmq_getsockopt(socket, key_options[i], buffer, &size), EINVAL);
            assert_int_equal(size, capacity);
        }
}

static void test_bad_curve_keys_change_nothing(void **state)
{
    struct world *world = *state;
    uint8_t binary[32];
    char bad[64];
    assert_non_null(zmq_z85_decode(binary, z85_key));
    for (size_t i = 0; i < 3; i++) {
        void *socket = open_socket(world, ZMQ_DEALER);
        assert_fails(zmq_setsockopt(socket, key_options[i], NULL, 0), EINVAL);
        assert_fails(zmq_setsockopt(socket, key_options[i], "", 0), EINVAL);
        assert_int_equal(get_int(socket, ZMQ_MECHANISM), ZMQ_NULL);
        set_bytes(socket, key_options[i], z85_key, 41);
        for (size_t size = 0; size < sizeof bad; size++) {
            memset(bad, '0', sizeof bad);
            if (size != 32 && size != 40)
                assert_fails(zmq_setsockopt(socket, key_options[i], bad, size), EINVAL);
        }
        static const char wrong[] = {'"', ' ', '\'',   ',',    ';',    '\\', '_', '`',
                                     '|', '~', '\x7f', '\x80', '\xff', '\0', '\n'};
        for (size_t k = 0; k < sizeof wrong; k++) {
            memcpy(bad, z85_key, 41);
            bad[21] = wrong[k];
            assert_fails(zmq_setsockopt(socket, key_options[i], bad, 40), EINVAL);
        }
        memset(bad, '#', 40); /* five of these are more than 32 bits hold */
        assert_fails(zmq_setsockopt(socket, key_options[i], bad, 40), EINVAL);
        memcpy(bad, z85_key, 40);
        bad[40] = '0';
        assert_fails(zmq_setsockopt(socket, key_options[i], bad, 41), EINVAL);
        expect_key(socket, key_options[i], z85_key, binary);
    }
}

static void expect_mechanism(void *socket, int mechanism, int plain_server, int curve_server)
{
    assert_int_equal(get_int(socket, ZMQ_MECHANISM), mechanism);
    assert_int_equal(get_int(socket, ZMQ_PLAIN_SERVER), plain_server);
    assert_int_equal(get_int(socket, ZMQ_CURVE_SERVER), curve_server);
}

static void test_plain_options_choose_the_mechanism(void **state)
{
    struct world *world = *state;
    void *socket = open_socket(world, ZMQ_REQ);
    expect_mechanism(socket, ZMQ_NULL, 0, 0);
    set_int(socket, ZMQ_PLAIN_SERVER, 1);
    expect_mechanism(socket, ZMQ_PLAIN, 1, 0);
    set_int(socket, ZMQ_PLAIN_SERVER, 0);
    expect_mechanism(socket, ZMQ_NULL, 0, 0);
    set_bytes(socket, ZMQ_PLAIN_USERNAME, "user", 4);
    expect_mechanism(socket, ZMQ_PLAIN, 0, 0);
    set_bytes(socket, ZMQ_PLAIN_USERNAME, NULL, 0);
    expect_mechanism(socket, ZMQ_NULL, 0, 0);
    set_bytes(socket, ZMQ_PLAIN_PASSWORD, "word", 4);
    expect_mechanism(socket, ZMQ_PLAIN, 0, 0);
    set_int(socket, ZMQ_PLAIN_SERVER, 1);
    expect_mechanism(socket, ZMQ_PLAIN, 1, 0);
    set_bytes(socket, ZMQ_PLAIN_USERNAME, "user", 4);
    expect_mechanism(socket, ZMQ_PLAIN, 0, 0);
    assert_fails(zmq_setsockopt(socket, ZMQ_PLAIN_USERNAME, "", 0), EINVAL);
    expect_mechanism(socket, ZMQ_PLAIN, 0, 0);
    set_bytes(socket, ZMQ_PLAIN_PASSWORD, NULL, 0);
    expect_mechanism(socket, ZMQ_NULL, 0, 0);
}

static void test_curve_options_choose_the_mechanism(void **state)
{
    struct world *world = *state;
    void *socket = open_socket(world, ZMQ_REP);
    set_int(socket, ZMQ_CURVE_SERVER, 1);
    expect_mechanism(socket, ZMQ_CURVE, 0, 1);
    set_bytes(socket, ZMQ_CURVE_SECRETKEY, z85_key, 40);
    set_bytes(socket, ZMQ_CURVE_PUBLICKEY, z85_key, 40);
    expect_mechanism(socket, ZMQ_CURVE, 0, 1);
    set_int(socket, ZMQ_CURVE_SERVER, 0);
    expect_mechanism(socket, ZMQ_NULL, 0, 0);
    for (size_t i = 0; i < 3; i++) {
        set_bytes(socket, key_options[i], z85_key, 40);
        expect_mechanism(socket, ZMQ_CURVE, 0, 0);
        set_int(socket, ZMQ_CURVE_SERVER, 0);
        expect_mechanism(socket, ZMQ_NULL, 0, 0);
    }
    set_int(socket, ZMQ_CURVE_SERVER, 1);
    set_bytes(socket, ZMQ_CURVE_SERVERKEY, z85_key, 40);
    expect_mechanism(socket, ZMQ_CURVE, 0, 0);
}

static void test_the_last_mechanism_counts(void **state)
{
    struct world *world = *state;
    void *socket = open_socket(world, ZMQ_REP);
    set_int(socket, ZMQ_CURVE_SERVER, 1);
    set_int(socket, ZMQ_PLAIN_SERVER, 1);
    expect_mechanism(socket, ZMQ_PLAIN, 1, 0);
    set_int(socket, ZMQ_CURVE_SERVER, 1);
    expect_mechanism(socket, ZMQ_CURVE, 0, 1);
    set_bytes(socket, ZMQ_PLAIN_USERNAME, "user", 4);
    expect_mechanism(socket, ZMQ_PLAIN, 0, 0);
    assert_fails(zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &(int){2}, sizeof(int)), EINVAL);
    assert_fails(zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, "short", 5), EINVAL);
    expect_mechanism(socket, ZMQ_PLAIN, 0, 0);
    assert_fails(zmq_setsockopt(socket, ZMQ_MECHANISM, &(int){ZMQ_NULL}, sizeof(int)), EINVAL);
    expect_mechanism(socket, ZMQ_PLAIN, 0, 0);
}

static void test_type_of_every_socket(void **state)
{
    struct world *world = *state;
    for (int type = ZMQ_PAIR; type <= ZMQ_STREAM; type++) {
        void *socket = open_socket(world, type);
        int value = -1;
        for (size_t size = 0; size < 9; size++) {
            size_t told = size;
            if (size == sizeof value)
                assert_ok(zmq_getsockopt(socket, ZMQ_TYPE, &value, &told));
            else
                assert_fails(zmq_getsockopt(socket, ZMQ_TYPE, &(int64_t[2]){0}, &told), EINVAL);
        }
        assert_int_equal(value, type);
        assert_fails(zmq_setsockopt(socket, ZMQ_TYPE, &type, sizeof type), EINVAL);
    }
}

static void test_fd_is_a_descriptor_and_stays(void **state)
{
    struct world *world = *state;
    for (int type = ZMQ_PAIR; type <= ZMQ_STREAM; type++) {
        void *socket = open_socket(world, type);
        int64_t wide[2] = {-1, -1};
        size_t size = sizeof wide;
        assert_ok(zmq_getsockopt(socket, ZMQ_FD, wide, &size));
        assert_int_equal(size, sizeof(int));
        int fd;
        memcpy(&fd, wide, sizeof fd);
        struct stat status;
        assert_int_equal(fstat(fd, &status), 0);
        assert_int_equal(get_int(socket, ZMQ_FD), fd);
        size = 3;
        assert_fails(zmq_getsockopt(socket, ZMQ_FD, wide, &size), EINVAL);
        assert_fails(zmq_setsockopt(socket, ZMQ_FD, &fd, sizeof fd), EINVAL);
    }
}

static void test_last_endpoint(void **state)
{
    struct world *world = *state;
    void *socket = open_socket(world, ZMQ_DEALER);
    char buffer[64];
    size_t size = 0;
    assert_fails(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, buffer, &size), EINVAL);
    last_endpoint(socket, (char[ENDPOINT_MAX]){0});
    assert_ok(zmq_bind(socket, "inproc://twelve"));
    size = 15;
    assert_fails(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, buffer, &size), EINVAL);
    size = 16;
    assert_ok(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, buffer, &size));
    assert_int_equal(size, 16);
    assert_string_equal(buffer, "inproc://twelve");
    assert_fails(zmq_setsockopt(socket, ZMQ_LAST_ENDPOINT, "x", 1), EINVAL);
}

static void test_heartbeat_ttl_is_kept_in_tenths_of_a_second(void **state)
{
    struct world *world = *state;
    static const struct {
        int value;
        int read;
    } sets[] = {{0, 0},         {1, 0},  {99, 0},  {100, 100},   {101, 100},         {199, 100},        {200, 200},
                {65535, 65500}, {-1, 0}, {-99, 0}, {5000, 5000}, {6553500, 6553500}, {6553599, 6553500}};
    static const int refused[] = {-100, -200, 6553600, INT_MAX, INT_MIN};
    for (int type = ZMQ_PAIR; type <= ZMQ_STREAM; type++) {
        void *socket = open_socket(world, type);
        assert_int_equal(get_int(socket, ZMQ_HEARTBEAT_TTL), 0);
        for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
            set_int(socket, ZMQ_HEARTBEAT_TTL, sets[i].value);
            assert_int_equal(get_int(socket, ZMQ_HEARTBEAT_TTL), sets[i].read);
        }
        for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
            assert_fails(zmq_setsockopt(socket, ZMQ_HEARTBEAT_TTL, &refused[i], sizeof(int)), EINVAL);
        assert_int_equal(get_int(socket, ZMQ_HEARTBEAT_TTL), 6553500);
        assert_fails(zmq_setsockopt(socket, ZMQ_HEARTBEAT_TTL, &(int64_t){100}, 8), EINVAL);
        close_socket(world, socket);
    }
}

static void test_ipv6_and_ipv4only_are_one(void **state)
{
    struct world *world = *state;
    void *socket = open_socket(world, ZMQ_SUB);
    set_int(socket, ZMQ_IPV4ONLY, 0);
    assert_int_equal(get_int(socket, ZMQ_IPV6), 1);
    set_int(socket, ZMQ_IPV6, 0);
    assert_int_equal(get_int(socket, ZMQ_IPV4ONLY), 1);
}

static void test_tcp_accept_filters(void **state)
{
    struct world *world = *state;
    static const char *const taken[] = {"127.0.0.1", "127.0.0.1/32", "127.0.0.0/8", "10.0.0.0/1", "127.0.0.1/0"};
    static const char *const refused[] = {
        "127.0.0.1/33", "127.0.0.1/", "127.0.0.1/-1", "127.0.0.256", "127.0.0.1:5", "localhost", "bogus",
        "lo",           "*",          "/8",           "::1",         "[::1]",       "::/0",      ""};
    static const char *const taken6[] = {"::1", "::1/128", "::/0", "fe80::/10"};
    for (int type = ZMQ_PAIR; type <= ZMQ_STREAM; type++) {
        void *socket = open_socket(world, type);
        for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
            set_bytes(socket, ZMQ_TCP_ACCEPT_FILTER, taken[i], strlen(taken[i]));
        for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
            assert_fails(zmq_setsockopt(socket, ZMQ_TCP_ACCEPT_FILTER, refused[i], strlen(refused[i])), EINVAL);
        set_bytes(socket, ZMQ_TCP_ACCEPT_FILTER, NULL, 0);
        set_int(socket, ZMQ_IPV6, 1);
        for (size_t i = 0; i < sizeof taken6 / sizeof *taken6; i++)
            set_bytes(socket, ZMQ_TCP_ACCEPT_FILTER, taken6[i], strlen(taken6[i]));
        assert_fails(zmq_setsockopt(socket, ZMQ_TCP_ACCEPT_FILTER, "::1/129", 7), EINVAL);
        char buffer[64];
        size_t size = sizeof buffer;
        assert_fails(zmq_getsockopt(socket, ZMQ_TCP_ACCEPT_FILTER, buffer, &size), EINVAL);
        close_socket(world, socket);
    }
}

static void test_metadata_properties(void **state)
{
    struct world *world = *state;
    static const char *const taken[] = {"X-a:b", "X-name:value", "X-a:b:c", "X-a::", "X-a_b:c d", "X--:b", "X-a:b"};
    static const char *const refused[] = {"",     ":",    ":b",  "a:b",  "x-a:b", "X-:b",
                                          "X-a:", "X-ab", "X:b", "Xa:b", "Y:b",   "Socket-Type:PAIR"};
    for (int type = ZMQ_PAIR; type <= ZMQ_STREAM; type++) {
        void *socket = open_socket(world, type);
        for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
            set_bytes(socket, METADATA, taken[i], strlen(taken[i]));
        for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
            assert_fails(zmq_setsockopt(socket, METADATA, refused[i], strlen(refused[i])), EINVAL);
        assert_fails(zmq_setsockopt(socket, METADATA, NULL, 0), EINVAL);
        char text[600];
        memset(text, 'a', sizeof text);
        memcpy(text, "X-", 2);
        text[255] = ':'; /* a name of 255 octets, the most that the wire can carry */
        set_bytes(socket, METADATA, text, 300);
        memset(text + 255, 'a', 2);
        text[256] = ':';
        assert_fails(zmq_setsockopt(socket, METADATA, text, 300), EINVAL);
        size_t size = sizeof text;
        assert_fails(zmq_getsockopt(socket, METADATA, text, &size), EINVAL);
        close_socket(world, socket);
    }
}

static void test_options_may_be_set_on_a_connected_socket(void **state)
{
    struct world *world = *state;
    static const int ints[] = {ZMQ_SNDHWM,        ZMQ_RCVHWM,       ZMQ_LINGER,       ZMQ_RCVTIMEO,      ZMQ_SNDTIMEO,
                               ZMQ_RECONNECT_IVL, ZMQ_SNDBUF,       ZMQ_BACKLOG,      ZMQ_HANDSHAKE_IVL, ZMQ_IMMEDIATE,
                               ZMQ_TCP_KEEPALIVE, ZMQ_CURVE_SERVER, ZMQ_PLAIN_SERVER, ZMQ_CONFLATE,      ZMQ_IPV6};
    struct ends ends = join_pair_ready(world, "tcp", ZMQ_PULL, ZMQ_PUSH);
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) {
        set_int(ends.bound, ints[i], 1);
        assert_int_equal(get_int(ends.bound, ints[i]), 1);
    }
    set_bytes(ends.bound, ZMQ_ROUTING_ID, "later", 5);
    set_int(ends.bound, ZMQ_RCVTIMEO, DEADLINE_MS);
    send_str(ends.connected, "still there");
    expect_str(ends.bound, "still there");
}

static void test_sockets_keep_their_options_apart(void **state)
{
    struct world *world = *state;
    void *one = open_plain_socket(world, ZMQ_DEALER);
    void *other = open_plain_socket(world, ZMQ_DEALER);
    set_int(one, ZMQ_SNDHWM, 7);
    set_bytes(one, ZMQ_ROUTING_ID, "one", 3);
    assert_int_equal(get_int(other, ZMQ_SNDHWM), 1000);
    char id[16];
    size_t size = sizeof id;
    assert_ok(zmq_getsockopt(other, ZMQ_ROUTING_ID, id, &size));
    assert_int_equal(size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_curve_keys_in_both_forms),
        world_test(test_curve_key_buffers_must_fit_exactly),
        world_test(test_bad_curve_keys_change_nothing),
        world_test(test_plain_options_choose_the_mechanism),
        world_test(test_curve_options_choose_the_mechanism),
        world_test(test_the_last_mechanism_counts),
        world_test(test_type_of_every_socket),
        world_test(test_fd_is_a_descriptor_and_stays),
        world_test(test_last_endpoint),
        world_test(test_heartbeat_ttl_is_kept_in_tenths_of_a_second),
        world_test(test_ipv6_and_ipv4only_are_one),
        world_test(test_tcp_accept_filters),
        world_test(test_metadata_properties),
        world_test(test_options_may_be_set_on_a_connected_socket),
        world_test(test_sockets_keep_their_options_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
