/* SPDX-License-Identifier: ISC */
/* Every socket option of every socket type: who has it, its default, the sizes and values that it takes and refuses,
 * and what it reads back. What options do is for other tests; how they are stored and refused is for this one. */
#include "support.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define TYPES (ZMQ_STREAM + 1)
#define BIT(type) (1u << (type))
#define ALL ((1u << TYPES) - 1)
#define NONE 0u
#define ROUTERS (BIT(ZMQ_ROUTER) | BIT(ZMQ_REP))
#define DEALERS (BIT(ZMQ_DEALER) | BIT(ZMQ_REQ))
#define PUBLISHERS (BIT(ZMQ_PUB) | BIT(ZMQ_XPUB))
#define ALWAYS_WRITABLE (PUBLISHERS | BIT(ZMQ_XSUB) | BIT(ZMQ_ROUTER) | BIT(ZMQ_STREAM))
#define DEFAULT_LINGER_0 (BIT(ZMQ_SUB) | BIT(ZMQ_XSUB))

enum kind {
    INT,       /* an int in [low, high]; reads back what was set */
    INT_LOOSE, /* read only; a longer buffer will do */
    SWITCH,    /* any int; reads back 0 or 1 */
    LONG,      /* an int64_t, any value */
    TEXT,      /* octets in, the same and a NUL out */
    OCTETS,    /* octets in, the same out */
};

enum empty {
    REFUSE_EMPTY = 0,
    TAKE_NULL = 1,  /* (NULL, 0) */
    TAKE_EMPTY = 2, /* ("", 0) */
};

struct option {
    int number;
    enum kind kind;
    unsigned readers; /* types that can read it */
    unsigned writers; /* types that can set it */
    long long initial;
    long long low;  /* least value; of octets: an enum empty */
    long long high; /* greatest value, or number of octets */
};

#define ANY_LENGTH 70000

static const struct option options[] = {
    {ZMQ_AFFINITY, LONG, ALL, ALL, 0, 0, 0},
    {ZMQ_ROUTING_ID, OCTETS, ALL, ALL, 0, REFUSE_EMPTY, 255},
    {ZMQ_SUBSCRIBE, OCTETS, NONE, BIT(ZMQ_SUB), 0, TAKE_NULL | TAKE_EMPTY, ANY_LENGTH},
    {ZMQ_UNSUBSCRIBE, OCTETS, NONE, BIT(ZMQ_SUB), 0, TAKE_NULL | TAKE_EMPTY, ANY_LENGTH},
    {ZMQ_RATE, INT, ALL, ALL, 100, 1, INT_MAX},
    {ZMQ_RECOVERY_IVL, INT, ALL, ALL, 10000, 0, INT_MAX},
    {ZMQ_SNDBUF, INT, ALL, ALL, -1, -1, INT_MAX},
    {ZMQ_RCVBUF, INT, ALL, ALL, -1, -1, INT_MAX},
    {ZMQ_RCVMORE, INT_LOOSE, ALL, NONE, 0, 0, 0},
    {ZMQ_EVENTS, INT_LOOSE, ALL & ~ALWAYS_WRITABLE, NONE, 0, 0, 0},
    {ZMQ_EVENTS, INT_LOOSE, ALWAYS_WRITABLE, NONE, ZMQ_POLLOUT, 0, 0},
    {ZMQ_LINGER, INT, ALL & ~DEFAULT_LINGER_0, ALL, -1, -1, INT_MAX},
    {ZMQ_LINGER, INT, DEFAULT_LINGER_0, ALL, 0, -1, INT_MAX},
    {ZMQ_RECONNECT_IVL, INT, ALL, ALL, 100, -1, INT_MAX},
    {ZMQ_BACKLOG, INT, ALL, ALL, 100, 0, INT_MAX},
    {ZMQ_RECONNECT_IVL_MAX, INT, ALL, ALL, 0, 0, INT_MAX},
    {ZMQ_MAXMSGSIZE, LONG, ALL, ALL, -1, 0, 0},
    {ZMQ_SNDHWM, INT, ALL, ALL, 1000, 0, INT_MAX},
    {ZMQ_RCVHWM, INT, ALL, ALL, 1000, 0, INT_MAX},
    {ZMQ_MULTICAST_HOPS, INT, ALL, ALL, 1, 1, INT_MAX},
    {ZMQ_RCVTIMEO, INT, ALL, ALL, -1, -1, INT_MAX},
    {ZMQ_SNDTIMEO, INT, ALL, ALL, -1, -1, INT_MAX},
    {ZMQ_IPV4ONLY, INT, ALL, ALL, 1, 0, 1},
    {ZMQ_ROUTER_MANDATORY, INT, NONE, ROUTERS, 0, 0, INT_MAX},
    {ZMQ_TCP_KEEPALIVE, INT, ALL, ALL, -1, -1, 1},
    {ZMQ_TCP_KEEPALIVE_CNT, INT, ALL, ALL, -1, -1, INT_MAX},
    {ZMQ_TCP_KEEPALIVE_IDLE, INT, ALL, ALL, -1, -1, INT_MAX},
    {ZMQ_TCP_KEEPALIVE_INTVL, INT, ALL, ALL, -1, -1, INT_MAX},
    {ZMQ_IMMEDIATE, INT, ALL, ALL, 0, 0, 1},
    {ZMQ_XPUB_VERBOSE, INT, NONE, PUBLISHERS, 0, 0, INT_MAX},
    {ZMQ_ROUTER_RAW, INT, NONE, ROUTERS, 0, 0, INT_MAX},
    {ZMQ_IPV6, INT, ALL, ALL, 0, 0, 1},
    {ZMQ_MECHANISM, INT, ALL, NONE, ZMQ_NULL, 0, 0},
    {ZMQ_PLAIN_SERVER, INT, ALL, ALL, 0, 0, 1},
    {ZMQ_PLAIN_USERNAME, TEXT, ALL, ALL, 0, TAKE_NULL, 255},
    {ZMQ_PLAIN_PASSWORD, TEXT, ALL, ALL, 0, TAKE_NULL, 255},
    {ZMQ_CURVE_SERVER, INT, ALL, ALL, 0, 0, 1},
    {ZMQ_PROBE_ROUTER, INT, NONE, ROUTERS | DEALERS, 0, 0, INT_MAX},
    {ZMQ_REQ_CORRELATE, INT, NONE, BIT(ZMQ_REQ), 0, 0, INT_MAX},
    {ZMQ_REQ_RELAXED, INT, NONE, BIT(ZMQ_REQ), 0, 0, INT_MAX},
    {ZMQ_CONFLATE, INT, ALL, ALL, 0, 0, 1},
    {ZMQ_ZAP_DOMAIN, TEXT, ALL, ALL, 0, REFUSE_EMPTY, 255},
    {ZMQ_ROUTER_HANDOVER, INT, NONE, ROUTERS, 0, 0, INT_MAX},
    {ZMQ_TOS, INT, ALL, ALL, 0, 0, INT_MAX},
    {ZMQ_IPC_FILTER_PID, INT, NONE, ALL, 0, INT_MIN, INT_MAX},
    {ZMQ_IPC_FILTER_UID, INT, NONE, ALL, 0, INT_MIN, INT_MAX},
    {ZMQ_IPC_FILTER_GID, INT, NONE, ALL, 0, INT_MIN, INT_MAX},
    {ZMQ_CONNECT_ROUTING_ID, OCTETS, NONE, ROUTERS | BIT(ZMQ_STREAM), 0, REFUSE_EMPTY, 255},
    {ZMQ_HANDSHAKE_IVL, INT, ALL, ALL, 30000, 0, INT_MAX},
    {ZMQ_SOCKS_PROXY, TEXT, ALL, ALL, 0, TAKE_NULL, ANY_LENGTH},
    {ZMQ_XPUB_NODROP, INT, NONE, PUBLISHERS, 0, 0, INT_MAX},
    {ZMQ_XPUB_MANUAL, INT, NONE, PUBLISHERS, 0, 0, INT_MAX},
    {ZMQ_XPUB_WELCOME_MSG, OCTETS, NONE, PUBLISHERS, 0, TAKE_NULL | TAKE_EMPTY, ANY_LENGTH},
    {ZMQ_STREAM_NOTIFY, INT, NONE, BIT(ZMQ_STREAM), 0, 0, 1},
    {ZMQ_INVERT_MATCHING, SWITCH, ALL, ALL, 0, 0, 0},
    {ZMQ_HEARTBEAT_IVL, INT, ALL, ALL, 0, 0, INT_MAX},
    {ZMQ_HEARTBEAT_TIMEOUT, INT, ALL, ALL, -1, 0, INT_MAX},
    {ZMQ_XPUB_VERBOSER, INT, NONE, PUBLISHERS, 0, 0, INT_MAX},
    {ZMQ_CONNECT_TIMEOUT, INT, ALL, ALL, 0, 0, INT_MAX},
    {ZMQ_TCP_MAXRT, INT, ALL, ALL, 0, 0, INT_MAX},
    {ZMQ_THREAD_SAFE, INT_LOOSE, ALL, NONE, 0, 0, 0},
    {ZMQ_MULTICAST_MAXTPDU, INT, ALL, ALL, 1500, 1, INT_MAX},
    {ZMQ_USE_FD, INT, ALL, ALL, -1, -1, INT_MAX},
    {ZMQ_BINDTODEVICE, TEXT, ALL, ALL, 0, TAKE_NULL, 16},
    /* Draft options that stable libraries take; by number, since a stable zmq.h hides the names. */
    {93 /* ZAP_ENFORCE_DOMAIN */, SWITCH, ALL, ALL, 0, 0, 0},
    {94 /* LOOPBACK_FASTPATH */, SWITCH, ALL, ALL, 0, 0, 0},
    {96 /* MULTICAST_LOOP */, SWITCH, ALL, ALL, 1, 0, 0},
    {98 /* XPUB_MANUAL_LAST_VALUE */, INT, NONE, PUBLISHERS, 0, 0, INT_MAX},
    {99 /* SOCKS_USERNAME */, TEXT, ALL, ALL, 0, TAKE_NULL | TAKE_EMPTY, 255},
    {100 /* SOCKS_PASSWORD */, TEXT, ALL, ALL, 0, TAKE_NULL | TAKE_EMPTY, 255},
    {108 /* ONLY_FIRST_SUBSCRIBE */, INT, NONE, PUBLISHERS | BIT(ZMQ_XSUB), 0, 0, INT_MAX},
    {109 /* RECONNECT_STOP */, INT, ALL, ALL, 0, INT_MIN, INT_MAX},
};
#define OPTIONS (sizeof options / sizeof *options)

/* Runs check for every row of the table and every socket type, on a socket of its own. */
static void for_each(struct world *world, void (*check)(const struct option *, int type, void *socket))
{
    for (int type = 0; type < TYPES; type++)
        for (size_t i = 0; i < OPTIONS; i++) {
            void *socket = open_plain_socket(world, type);
            check(&options[i], type, socket);
            close_socket(world, socket);
        }
}

#define EXPECT(condition, option, type)                                                                         \
    do {                                                                                                        \
        if (!(condition))                                                                                       \
            fail_msg("option %d, type %d: %s (%s)", (option)->number, (type), #condition, zmq_strerror(errno)); \
    } while (0)

static bool is_octets(const struct option *option)
{
    return option->kind == TEXT || option->kind == OCTETS;
}

static size_t value_size(const struct option *option)
{
    return option->kind == LONG ? 8 : 4;
}

/* Whether this option is there for type in any row of the table. */
static bool anywhere(int number, int type, bool reading)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (options[i].number == number && (reading ? options[i].readers : options[i].writers) & BIT(type))
            return true;
    return false;
}

static bool refuses_get(void *socket, int number, size_t capacity)
{
    uint8_t buffer[300];
    size_t size = capacity;
    memset(buffer, 0xa5, sizeof buffer);
    errno = 0;
    if (zmq_getsockopt(socket, number, buffer, &size) != -1 || errno != EINVAL || size != capacity)
        return false;
    for (size_t i = 0; i < sizeof buffer; i++)
        if (buffer[i] != 0xa5)
            return false;
    return true;
}

static bool refuses_set(void *socket, int number, const void *value, size_t size)
{
    errno = 0;
    return zmq_setsockopt(socket, number, value, size) == -1 && errno == EINVAL;
}

static long long get_number(const struct option *option, int type, void *socket)
{
    int small = 0x5a5a5a5a;
    int64_t large = 0;
    size_t size = value_size(option);
    EXPECT(zmq_getsockopt(socket, option->number, size == 8 ? (void *)&large : &small, &size) == 0, option, type);
    EXPECT(size == value_size(option), option, type);
    return size == 8 ? large : small;
}

static void check_default(const struct option *option, int type, void *socket)
{
    if (!(option->readers & BIT(type)))
        return;
    if (!is_octets(option)) {
        EXPECT(get_number(option, type, socket) == option->initial, option, type);
        return;
    }
    uint8_t buffer[300] = {0xff};
    size_t size = sizeof buffer;
    EXPECT(zmq_getsockopt(socket, option->number, buffer, &size) == 0, option, type);
    EXPECT(size == (option->kind == TEXT ? 1 : 0), option, type);
    EXPECT(option->kind == OCTETS || buffer[0] == 0, option, type);
}

static void test_defaults(void **state)
{
    for_each(*state, check_default);
}

static void check_get_sizes(const struct option *option, int type, void *socket)
{
    static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 32, 41, 255, 256};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const size_t capacity = sizes[i];
        bool readable = anywhere(option->number, type, true);
        size_t told = value_size(option);
        if (is_octets(option)) {
            told = option->kind == TEXT ? 1 : 0;
            readable = readable && capacity >= told;
        } else {
            readable = readable && (capacity == told || (option->kind == INT_LOOSE && capacity > told));
        }
        if (!readable) {
            EXPECT(refuses_get(socket, option->number, capacity), option, type);
            continue;
        }
        uint8_t buffer[300];
        memset(buffer, 0xa5, sizeof buffer);
        size_t size = capacity;
        EXPECT(zmq_getsockopt(socket, option->number, buffer, &size) == 0, option, type);
        EXPECT(size == told, option, type);
        EXPECT(buffer[capacity] == 0xa5, option, type);
    }
}

static void test_sizes_of_the_buffer_to_read_into(void **state)
{
    for_each(*state, check_get_sizes);
}

static void check_set_numbers(const struct option *option, int type, void *socket)
{
    static const long long values[] = {INT_MIN, -65536, -2,  -1,  0,     1,     2,       3,
                                       7,       100,    255, 256, 65535, 65536, 6553600, INT_MAX};
    if (is_octets(option) || option->kind == LONG)
        return;
    const bool writable = option->writers & BIT(type);
    const bool readable = anywhere(option->number, type, true);
    const bool bounded = option->kind == INT;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const int value = (int)values[i];
        if (!writable || (bounded && (value < option->low || value > option->high))) {
            const long long before = readable ? get_number(option, type, socket) : 0;
            EXPECT(refuses_set(socket, option->number, &value, sizeof value), option, type);
            EXPECT(!readable || get_number(option, type, socket) == before, option, type);
            continue;
        }
        EXPECT(zmq_setsockopt(socket, option->number, &value, sizeof value) == 0, option, type);
        const long long expected = option->kind == SWITCH ? value != 0 : value;
        EXPECT(!readable || get_number(option, type, socket) == expected, option, type);
    }
}

static void test_values(void **state)
{
    for_each(*state, check_set_numbers);
}

static void check_set_longs(const struct option *option, int type, void *socket)
{
    static const int64_t values[] = {INT64_MIN, -2, -1, 0, 1, 1LL << 32, INT64_MAX};
    if (option->kind != LONG)
        return;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        EXPECT(zmq_setsockopt(socket, option->number, &values[i], sizeof values[i]) == 0, option, type);
        EXPECT(get_number(option, type, socket) == values[i], option, type);
    }
}

static void test_wide_values(void **state)
{
    for_each(*state, check_set_longs);
}

static void check_set_sizes(const struct option *option, int type, void *socket)
{
    static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 32, 40, 41, 255, 256};
    uint8_t value[256] = {1};
    if (is_octets(option))
        return;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i] != value_size(option) || !(option->writers & BIT(type)))
            EXPECT(refuses_set(socket, option->number, value, sizes[i]), option, type);
    const bool clears = option->number >= ZMQ_IPC_FILTER_PID && option->number <= ZMQ_IPC_FILTER_GID;
    if (clears)
        EXPECT(zmq_setsockopt(socket, option->number, NULL, 0) == 0, option, type);
    else
        EXPECT(refuses_set(socket, option->number, NULL, 0), option, type);
}

static void test_sizes_of_values(void **state)
{
    for_each(*state, check_set_sizes);
}

static void check_octets(const struct option *option, int type, void *socket)
{
    static const size_t sizes[] = {1, 2, 3, 5, 8, 15, 16, 17, 32, 254, 255, 256, 257, 1000, 65536};
    static uint8_t value[65536];
    static uint8_t got[65537];
    if (!is_octets(option))
        return;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const size_t length = sizes[i];
        if (option->number == ZMQ_CONNECT_ROUTING_ID && length > 255)
            continue; /* no peer can be named so, and libraries differ */
        for (size_t k = 0; k < length; k++)
            value[k] = (uint8_t)(k * 7 + length); /* NULs among them */
        if (!(option->writers & BIT(type)) || length > (size_t)option->high) {
            EXPECT(refuses_set(socket, option->number, value, length), option, type);
            continue;
        }
        EXPECT(zmq_setsockopt(socket, option->number, value, length) == 0, option, type);
        if (!(option->readers & BIT(type)))
            continue;
        const size_t told = length + (option->kind == TEXT ? 1 : 0);
        size_t size = told;
        EXPECT(zmq_getsockopt(socket, option->number, got, &size) == 0, option, type);
        EXPECT(size == told, option, type);
        EXPECT(memcmp(got, value, length) == 0, option, type);
        EXPECT(option->kind == OCTETS || got[length] == 0, option, type);
        if (told - 1 <= 256)
            EXPECT(refuses_get(socket, option->number, told - 1), option, type);
        size = sizeof got;
        EXPECT(zmq_getsockopt(socket, option->number, got, &size) == 0 && size == told, option, type);
    }
}

static void test_octets(void **state)
{
    for_each(*state, check_octets);
}

static void check_empty(const struct option *option, int type, void *socket)
{
    if (!is_octets(option))
        return;
    const bool writable = option->writers & BIT(type);
    const bool readable = option->readers & BIT(type);
    if (writable)
        EXPECT(zmq_setsockopt(socket, option->number, "abc", 3) == 0, option, type);
    if (writable && option->low & TAKE_EMPTY)
        EXPECT(zmq_setsockopt(socket, option->number, "", 0) == 0, option, type);
    else
        EXPECT(refuses_set(socket, option->number, "", 0), option, type);
    if (writable && option->low & TAKE_NULL) {
        EXPECT(zmq_setsockopt(socket, option->number, NULL, 0) == 0, option, type);
        char got[16];
        size_t size = sizeof got;
        EXPECT(!readable || zmq_getsockopt(socket, option->number, got, &size) == 0, option, type);
        /* Without a user name there is no PLAIN, but what the name reads as then differs among libraries. */
        const bool plain = option->number == ZMQ_PLAIN_USERNAME || option->number == ZMQ_PLAIN_PASSWORD;
        EXPECT(!readable || plain || size == 1, option, type);
    } else {
        EXPECT(refuses_set(socket, option->number, NULL, 0), option, type);
    }
}

static void test_empty_octets(void **state)
{
    for_each(*state, check_empty);
}

static bool in_table(int number)
{
    static const int apart[] = {ZMQ_FD,
                                ZMQ_TYPE,
                                ZMQ_LAST_ENDPOINT,
                                ZMQ_TCP_ACCEPT_FILTER,
                                ZMQ_CURVE_PUBLICKEY,
                                ZMQ_CURVE_SECRETKEY,
                                ZMQ_CURVE_SERVERKEY,
                                ZMQ_HEARTBEAT_TTL,
                                95 /* METADATA */};
    for (size_t i = 0; i < sizeof apart / sizeof *apart; i++)
        if (number == apart[i])
            return true;
    for (size_t i = 0; i < OPTIONS; i++)
        if (number == options[i].number)
            return true;
    /* Whether GSSAPI is there depends on how a library was built. */
    return (number >= ZMQ_GSSAPI_SERVER && number <= ZMQ_GSSAPI_PLAINTEXT) || number == ZMQ_GSSAPI_PRINCIPAL_NAMETYPE ||
           number == ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE;
}

static void test_unknown_options(void **state)
{
    struct world *world = *state;
    static const size_t sizes[] = {0, 1, 4, 8, 255};
    const uint8_t value[255] = {1};
    for (int type = 0; type < TYPES; type++) {
        void *socket = open_socket(world, type);
        for (int number = -2; number < 200; number++)
            for (size_t i = 0; i < sizeof sizes / sizeof *sizes && !in_table(number); i++) {
                if (!refuses_get(socket, number, sizes[i]) || !refuses_set(socket, number, value, sizes[i]))
                    fail_msg("option %d, type %d, size %zu", number, type, sizes[i]);
            }
        assert_true(refuses_get(socket, INT_MAX, 4));
        assert_true(refuses_get(socket, INT_MIN, 4));
        close_socket(world, socket);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_defaults),        world_test(test_sizes_of_the_buffer_to_read_into),
        world_test(test_values),          world_test(test_wide_values),
        world_test(test_sizes_of_values), world_test(test_octets),
        world_test(test_empty_octets),    world_test(test_unknown_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
