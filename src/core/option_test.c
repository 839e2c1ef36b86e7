/* SPDX-License-Identifier: ISC */
/* The table of options against what libzmq 4.3.4 takes, gives and refuses. */
#include "core/option.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <zmq.h>

#include <cmocka.h>

#include "platform/net.h"
#include "zmtp/metadata.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct ints {
    int option;
    int initial;
    int low, high; /* accepted and read back */
    bool any;      /* any int is accepted; what is not 0 reads back as 1 */
};

static const struct ints ints[] = {
    {ZMQ_RATE, 100, 1, INT_MAX, false},
    {ZMQ_RECOVERY_IVL, 10000, 0, INT_MAX, false},
    {ZMQ_SNDBUF, -1, -1, INT_MAX, false},
    {ZMQ_RCVBUF, -1, -1, INT_MAX, false},
    {ZMQ_LINGER, -1, -1, INT_MAX, false},
    {ZMQ_RECONNECT_IVL, 100, -1, INT_MAX, false},
    {ZMQ_BACKLOG, 100, 0, INT_MAX, false},
    {ZMQ_RECONNECT_IVL_MAX, 0, 0, INT_MAX, false},
    {ZMQ_SNDHWM, 1000, 0, INT_MAX, false},
    {ZMQ_RCVHWM, 1000, 0, INT_MAX, false},
    {ZMQ_MULTICAST_HOPS, 1, 1, INT_MAX, false},
    {ZMQ_RCVTIMEO, -1, -1, INT_MAX, false},
    {ZMQ_SNDTIMEO, -1, -1, INT_MAX, false},
    {ZMQ_IPV4ONLY, 1, 0, 1, false},
    {ZMQ_TCP_KEEPALIVE, -1, -1, 1, false},
    {ZMQ_TCP_KEEPALIVE_CNT, -1, -1, INT_MAX, false},
    {ZMQ_TCP_KEEPALIVE_IDLE, -1, -1, INT_MAX, false},
    {ZMQ_TCP_KEEPALIVE_INTVL, -1, -1, INT_MAX, false},
    {ZMQ_IMMEDIATE, 0, 0, 1, false},
    {ZMQ_IPV6, 0, 0, 1, false},
    {ZMQ_CONFLATE, 0, 0, 1, false},
    {ZMQ_TOS, 0, 0, INT_MAX, false},
    {ZMQ_HANDSHAKE_IVL, 30000, 0, INT_MAX, false},
    {ZMQ_INVERT_MATCHING, 0, 0, 1, true},
    {ZMQ_HEARTBEAT_IVL, 0, 0, INT_MAX, false},
    {ZMQ_HEARTBEAT_TIMEOUT, -1, 0, INT_MAX, false},
    {ZMQ_CONNECT_TIMEOUT, 0, 0, INT_MAX, false},
    {ZMQ_TCP_MAXRT, 0, 0, INT_MAX, false},
    {ZMQ_MULTICAST_MAXTPDU, 1500, 1, INT_MAX, false},
    {ZMQ_USE_FD, -1, -1, INT_MAX, false},
    {ZMQ_ZAP_ENFORCE_DOMAIN, 0, 0, 1, true},
    {ZMQ_LOOPBACK_FASTPATH, 0, 0, 1, true},
    {ZMQ_MULTICAST_LOOP, 1, 0, 1, true},
    {ZMQ_RECONNECT_STOP, 0, INT_MIN, INT_MAX, false},
};

static const int values[] = {INT_MIN, -1000, -2, -1, 0, 1, 2, 3, 255, 256, 65535, 65536, 6553600, INT_MAX};

static int setup(void **state)
{
    static struct ih_options opt;
    ih_options_init(&opt);
    *state = &opt;
    return 0;
}

static int teardown(void **state)
{
    ih_options_fini(*state);
    return 0;
}

static int get_int(const struct ih_options *opt, int option)
{
    int value = 0x5a5a5a5a;
    size_t size = sizeof(value);
    assert_int_equal(ih_options_get(opt, option, &value, &size), 0);
    assert_int_equal(size, sizeof(value));
    return value;
}

static int set_int(struct ih_options *opt, int option, int value)
{
    return ih_options_set(opt, option, &value, sizeof(value));
}

static void check_value(struct ih_options *opt, const struct ints *o, int value)
{
    int before = get_int(opt, o->option);
    bool ok = o->any || (value >= o->low && value <= o->high);
    int after = !ok ? before : o->any ? value != 0 : value;
    if (set_int(opt, o->option, value) != (ok ? 0 : -EINVAL) || get_int(opt, o->option) != after) {
        fail_msg("option %d, value %d", o->option, value);
    }
}

static void ints_have_ranges_and_defaults(void **state)
{
    for (size_t i = 0; i < COUNT(ints); i++) {
        if (get_int(*state, ints[i].option) != ints[i].initial) {
            fail_msg("option %d starts with %d", ints[i].option, get_int(*state, ints[i].option));
        }
        for (size_t k = 0; k < COUNT(values); k++) {
            check_value(*state, &ints[i], values[k]);
        }
        (void)set_int(*state, ZMQ_IPV6, 0);
    }
}

static void check_sizes(struct ih_options *opt, int option, size_t right)
{
    uint8_t buffer[300], value[16] = {1};
    for (size_t size = 0; size <= 16; size++) {
        size_t room = size;
        memset(buffer, 0xa5, sizeof(buffer));
        int rc = ih_options_get(opt, option, buffer, &room);
        assert_int_equal(rc, size == right ? 0 : -EINVAL);
        assert_int_equal(room, size);
        assert_int_equal(buffer[size], 0xa5);
        assert_true(rc == 0 || buffer[0] == 0xa5);
        assert_int_equal(ih_options_set(opt, option, value, size), size == right ? 0 : -EINVAL);
    }
    assert_int_equal(ih_options_set(opt, option, NULL, 0), -EINVAL);
    assert_int_equal(ih_options_set(opt, option, NULL, right), -EINVAL);
}

static void numbers_want_their_exact_size(void **state)
{
    for (size_t i = 0; i < COUNT(ints); i++) {
        check_sizes(*state, ints[i].option, 4);
    }
    check_sizes(*state, ZMQ_HEARTBEAT_TTL, 4);
    check_sizes(*state, ZMQ_AFFINITY, 8);
    check_sizes(*state, ZMQ_MAXMSGSIZE, 8);
}

static void wide_numbers_take_any_value(void **state)
{
    static const struct {
        int option;
        int64_t initial;
    } wide[] = {{ZMQ_AFFINITY, 0}, {ZMQ_MAXMSGSIZE, -1}};
    static const int64_t all[] = {INT64_MIN, -2, -1, 0, 1, INT64_C(1) << 40, INT64_MAX};
    for (size_t i = 0; i < COUNT(wide); i++) {
        int64_t value = 7;
        size_t size = sizeof(value);
        assert_int_equal(ih_options_get(*state, wide[i].option, &value, &size), 0);
        assert_int_equal(value, wide[i].initial);
        for (size_t k = 0; k < COUNT(all); k++) {
            assert_int_equal(ih_options_set(*state, wide[i].option, &all[k], sizeof(all[k])), 0);
            assert_int_equal(ih_options_get(*state, wide[i].option, &value, &size), 0);
            assert_true(value == all[k]);
        }
    }
}

static void heartbeat_ttl_is_cut_to_tenths_of_a_second(void **state)
{
    static const int pairs[][2] = {{0, 0},
                                   {1, 0},
                                   {99, 0},
                                   {100, 100},
                                   {199, 100},
                                   {-99, 0},
                                   {65535, 65500},
                                   {6553500, 6553500},
                                   {6553599, 6553500}};
    static const int refused[] = {-100, INT_MIN, 6553600, INT_MAX};
    for (size_t i = 0; i < COUNT(pairs); i++) {
        assert_int_equal(set_int(*state, ZMQ_HEARTBEAT_TTL, pairs[i][0]), 0);
        assert_int_equal(get_int(*state, ZMQ_HEARTBEAT_TTL), pairs[i][1]);
    }
    for (size_t i = 0; i < COUNT(refused); i++) {
        assert_int_equal(set_int(*state, ZMQ_HEARTBEAT_TTL, refused[i]), -EINVAL);
        assert_int_equal(get_int(*state, ZMQ_HEARTBEAT_TTL), 6553500);
    }
}

static void ipv4only_is_the_opposite_of_ipv6(void **state)
{
    assert_int_equal(set_int(*state, ZMQ_IPV4ONLY, 0), 0);
    assert_int_equal(get_int(*state, ZMQ_IPV6), 1);
    assert_int_equal(set_int(*state, ZMQ_IPV6, 0), 0);
    assert_int_equal(get_int(*state, ZMQ_IPV4ONLY), 1);
}

static void expect_bytes(const struct ih_options *opt, int option, const void *data, size_t size, bool nul)
{
    uint8_t buffer[400];
    size_t total = size + (nul ? 1 : 0);
    size_t room = sizeof(buffer);
    memset(buffer, 0xa5, sizeof(buffer));
    assert_int_equal(ih_options_get(opt, option, buffer, &room), 0);
    assert_int_equal(room, total);
    if (size > 0) {
        assert_memory_equal(buffer, data, size);
    }
    assert_int_equal(buffer[total], 0xa5);
    assert_true(!nul || buffer[size] == 0);
    room = total;
    assert_int_equal(ih_options_get(opt, option, buffer, &room), 0);
    if (total > 0) {
        room = total - 1;
        assert_int_equal(ih_options_get(opt, option, buffer, &room), -EINVAL);
        assert_int_equal(room, total - 1);
    }
}

static void texts_are_read_back_with_a_nul(void **state)
{
    static const struct {
        size_t longest;
        int option;
        bool clears, empty; /* (NULL, 0), ("", 0) */
    } texts[] = {
        {255, ZMQ_ZAP_DOMAIN, false, false},
        {16, ZMQ_BINDTODEVICE, true, false},
        {255, ZMQ_SOCKS_USERNAME, true, true},
        {255, ZMQ_SOCKS_PASSWORD, true, true},
    };
    char text[300];
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < COUNT(texts); i++) {
        int option = texts[i].option;
        size_t longest = texts[i].longest;
        expect_bytes(*state, option, "", 0, true);
        assert_int_equal(ih_options_set(*state, option, "a\0b", 4), 0);
        expect_bytes(*state, option, "a\0b", 4, true);
        assert_int_equal(ih_options_set(*state, option, text, longest), 0);
        assert_int_equal(ih_options_set(*state, option, text, longest + 1), -EINVAL);
        expect_bytes(*state, option, text, longest, true);
        assert_int_equal(ih_options_set(*state, option, NULL, 1), -EINVAL);
        assert_int_equal(ih_options_set(*state, option, "", 0), texts[i].empty ? 0 : -EINVAL);
        assert_int_equal(ih_options_set(*state, option, text, 1), 0);
        assert_int_equal(ih_options_set(*state, option, NULL, 0), texts[i].clears ? 0 : -EINVAL);
        expect_bytes(*state, option, text, texts[i].clears ? 0 : 1, true);
    }
}

static void routing_id_is_1_to_255_octets(void **state)
{
    char id[256];
    memset(id, 'i', sizeof(id));
    expect_bytes(*state, ZMQ_ROUTING_ID, "", 0, false);
    assert_int_equal(ih_options_set(*state, ZMQ_ROUTING_ID, "\0id", 3), 0);
    expect_bytes(*state, ZMQ_ROUTING_ID, "\0id", 3, false);
    assert_int_equal(ih_options_set(*state, ZMQ_ROUTING_ID, id, 255), 0);
    assert_int_equal(ih_options_set(*state, ZMQ_ROUTING_ID, id, 256), -EINVAL);
    assert_int_equal(ih_options_set(*state, ZMQ_ROUTING_ID, id, 0), -EINVAL);
    assert_int_equal(ih_options_set(*state, ZMQ_ROUTING_ID, NULL, 0), -EINVAL);
    expect_bytes(*state, ZMQ_ROUTING_ID, id, 255, false);
}

static void a_proxy_is_any_text(void **state)
{
    char text[290]; /* longer than other texts may be */
    memset(text, 'p', sizeof(text));
    expect_bytes(*state, ZMQ_SOCKS_PROXY, "", 0, true);
    assert_int_equal(ih_options_set(*state, ZMQ_SOCKS_PROXY, "127.0.0.1:1080", 14), 0);
    expect_bytes(*state, ZMQ_SOCKS_PROXY, "127.0.0.1:1080", 14, true);
    assert_int_equal(ih_options_set(*state, ZMQ_SOCKS_PROXY, "", 0), -EINVAL);
    expect_bytes(*state, ZMQ_SOCKS_PROXY, "127.0.0.1:1080", 14, true);
    assert_int_equal(ih_options_set(*state, ZMQ_SOCKS_PROXY, text, sizeof(text)), 0);
    expect_bytes(*state, ZMQ_SOCKS_PROXY, text, sizeof(text), true);
    assert_int_equal(ih_options_set(*state, ZMQ_SOCKS_PROXY, NULL, 0), 0);
    expect_bytes(*state, ZMQ_SOCKS_PROXY, "", 0, true);
}

static void refuses_get(const struct ih_options *opt, int option)
{
    uint8_t buffer[300];
    for (size_t size = 0; size < sizeof(buffer); size++) {
        size_t room = size;
        assert_int_equal(ih_options_get(opt, option, buffer, &room), -EINVAL);
    }
}

static void accept_filters_gather_and_follow_ipv6(void **state)
{
    struct ih_options *opt = *state;
    struct ih_net_filter filters[2];
    assert_int_equal(ih_options_set(opt, ZMQ_TCP_ACCEPT_FILTER, "10.0.0.0/8", 10), 0);
    assert_int_equal(ih_options_set(opt, ZMQ_TCP_ACCEPT_FILTER, "::1", 3), -EINVAL);
    assert_int_equal(ih_options_set(opt, ZMQ_TCP_ACCEPT_FILTER, "", 0), -EINVAL);
    assert_int_equal(opt->tcp_accept_filters.size, sizeof(filters[0]));
    assert_int_equal(set_int(opt, ZMQ_IPV6, 1), 0);
    assert_int_equal(ih_options_set(opt, ZMQ_TCP_ACCEPT_FILTER, "::1", 3), 0);
    assert_int_equal(opt->tcp_accept_filters.size, sizeof(filters));
    memcpy(filters, opt->tcp_accept_filters.data, sizeof(filters));
    assert_int_equal(filters[0].prefix, 96 + 8);
    assert_int_equal(filters[1].prefix, 128);
    refuses_get(opt, ZMQ_TCP_ACCEPT_FILTER);
    assert_int_equal(ih_options_set(opt, ZMQ_TCP_ACCEPT_FILTER, NULL, 0), 0);
    assert_int_equal(opt->tcp_accept_filters.size, 0);
}

static void ipc_filters_gather(void **state)
{
    struct ih_options *opt = *state;
    const struct {
        int option;
        const struct ih_blob *blob;
    } lists[] = {{ZMQ_IPC_FILTER_PID, &opt->ipc_pids},
                 {ZMQ_IPC_FILTER_UID, &opt->ipc_uids},
                 {ZMQ_IPC_FILTER_GID, &opt->ipc_gids}};
    for (size_t i = 0; i < COUNT(lists); i++) {
        int ids[3];
        assert_int_equal(set_int(opt, lists[i].option, 0), 0);
        assert_int_equal(set_int(opt, lists[i].option, 4711), 0);
        assert_int_equal(set_int(opt, lists[i].option, -1), 0);
        assert_int_equal(ih_options_set(opt, lists[i].option, "12345", 5), -EINVAL);
        assert_int_equal(ih_options_set(opt, lists[i].option, "", 0), -EINVAL);
        assert_int_equal(lists[i].blob->size, sizeof(ids));
        memcpy(ids, lists[i].blob->data, sizeof(ids));
        assert_int_equal(ids[0], 0);
        assert_int_equal(ids[1], 4711);
        assert_int_equal(ids[2], -1);
        refuses_get(opt, lists[i].option);
        assert_int_equal(ih_options_set(opt, lists[i].option, NULL, 0), 0);
        assert_int_equal(lists[i].blob->size, 0);
    }
}

static void expect_property(const struct ih_options *opt, const char *name, const char *value)
{
    size_t size = 0;
    const uint8_t *found = ih_metadata_find(opt->metadata.data, opt->metadata.size, name, &size);
    assert_non_null(found);
    assert_int_equal(size, strlen(value));
    assert_memory_equal(found, value, size);
}

static void metadata_is_kept_in_its_encoding(void **state)
{
    struct ih_options *opt = *state;
    assert_int_equal(ih_options_set(opt, ZMQ_METADATA, "X-a:1", 5), 0);
    assert_memory_equal(opt->metadata.data,
                        "\x03X-a\0\0\0\x01"
                        "1",
                        9);
    assert_int_equal(ih_options_set(opt, ZMQ_METADATA, "X-bc:d:e", 9), 0); /* the NUL is no part of it */
    assert_int_equal(ih_options_set(opt, ZMQ_METADATA, "X-a:other", 9), 0);
    assert_int_equal(ih_metadata_check(opt->metadata.data, opt->metadata.size), 0);
    expect_property(opt, "X-bc", "d:e");
    expect_property(opt, "X-a", "other");
    assert_int_equal(opt->metadata.size, (1 + 3 + 4 + 5) + (1 + 4 + 4 + 3));
    refuses_get(opt, ZMQ_METADATA);
}

static void metadata_that_peers_would_refuse_is_refused(void **state)
{
    static const char *const refused[] = {
        "", ":", "a:b", "x-a:b", "X-:b", "X-a:", "X-a", "X a:b", "X- :b", "X-a b:c", ":b", "Socket-Type:PAIR"};
    struct ih_options *opt = *state;
    static char text[70000];
    for (size_t i = 0; i < COUNT(refused); i++) {
        assert_int_equal(ih_options_set(opt, ZMQ_METADATA, refused[i], strlen(refused[i])), -EINVAL);
    }
    assert_int_equal(ih_options_set(opt, ZMQ_METADATA, "X-a\0:b", 6), -EINVAL);
    assert_int_equal(ih_options_set(opt, ZMQ_METADATA, NULL, 0), -EINVAL);
    memset(text, 'a', sizeof(text));
    text[0] = 'X';
    text[1] = '-';
    text[256] = ':';
    assert_int_equal(ih_options_set(opt, ZMQ_METADATA, text, 300), -EINVAL);
    assert_int_equal(opt->metadata.size, 0);
    text[255] = ':';
    text[256] = 'a';
    assert_int_equal(ih_options_set(opt, ZMQ_METADATA, text, 300), 0);
    assert_int_equal(ih_options_set(opt, ZMQ_METADATA, text, 66000), -EINVAL);
    text[2] = 'b';
    text[3] = ':';
    assert_int_equal(ih_options_set(opt, ZMQ_METADATA, text, 60000), 0);
    text[2] = 'c';
    assert_int_equal(ih_options_set(opt, ZMQ_METADATA, text, 6000), -EINVAL);
    assert_int_equal(ih_metadata_check(opt->metadata.data, opt->metadata.size), 0);
}

static void metadata_has_a_limited_number_of_properties(void **state)
{
    int accepted = 0;
    char text[] = "X-00:v";
    for (int i = 0; i < 26 * 26; i++) {
        text[2] = (char)('a' + i / 26);
        text[3] = (char)('a' + i % 26);
        accepted += ih_options_set(*state, ZMQ_METADATA, text, 6) == 0;
    }
    assert_in_range(accepted, 200, IH_METADATA_PROPERTIES - 2);
}

static void others_options_are_not_here(void **state)
{
    static const int others[] = {
        -1,
        0,
        1,
        10,
        ZMQ_SUBSCRIBE,
        ZMQ_UNSUBSCRIBE,
        ZMQ_RCVMORE,
        ZMQ_FD,
        ZMQ_EVENTS,
        ZMQ_TYPE,
        ZMQ_LAST_ENDPOINT,
        ZMQ_ROUTER_MANDATORY,
        ZMQ_XPUB_VERBOSE,
        ZMQ_MECHANISM,
        ZMQ_PLAIN_SERVER,
        ZMQ_PLAIN_USERNAME,
        ZMQ_PLAIN_PASSWORD,
        ZMQ_CURVE_SERVER,
        ZMQ_CURVE_PUBLICKEY,
        ZMQ_CURVE_SECRETKEY,
        ZMQ_CURVE_SERVERKEY,
        ZMQ_GSSAPI_SERVER,
        ZMQ_GSSAPI_PRINCIPAL,
        ZMQ_BLOCKY,
        ZMQ_THREAD_SAFE,
        ZMQ_VMCI_BUFFER_SIZE,
        ZMQ_PRIORITY,
        999,
    };
    int value = 1;
    for (size_t i = 0; i < COUNT(others); i++) {
        size_t size = sizeof(value);
        assert_int_equal(ih_options_set(*state, others[i], &value, sizeof(value)), -ENOENT);
        assert_int_equal(ih_options_get(*state, others[i], &value, &size), -ENOENT);
    }
}

static void readers_refuse_and_leave_the_result(void **state)
{
    (void)state;
    int result = 42, minus = -1, two = 2;
    assert_int_equal(ih_option_read_bool(&two, sizeof(two), &result), -EINVAL);
    assert_int_equal(ih_option_read_bool(&minus, sizeof(minus), &result), -EINVAL);
    assert_int_equal(ih_option_read_int(NULL, sizeof(int), &result), -EINVAL);
    assert_int_equal(result, 42);
    assert_int_equal(ih_option_read_int(&minus, sizeof(minus), &result), 0);
    assert_int_equal(result, -1);
}

static void writing_never_overflows(void **state)
{
    (void)state;
    uint8_t buffer[4] = {9, 9, 9, 9};
    size_t size = 3;
    assert_int_equal(ih_option_write_bytes("abc", 3, true, buffer, &size), -EINVAL);
    assert_int_equal(ih_option_write_bytes("abc", SIZE_MAX, true, buffer, &size), -EINVAL);
    assert_int_equal(ih_option_write_int(1, buffer, &size), -EINVAL);
    assert_int_equal(ih_option_write_int(1, NULL, &(size_t){4}), -EINVAL);
    assert_int_equal(ih_option_write_bytes("abc", 3, false, buffer, &size), 0);
    assert_memory_equal(buffer, "abc\x09", 4);
    size = 0;
    assert_int_equal(ih_option_write_bytes("", 0, false, NULL, &size), 0);
    assert_int_equal(ih_option_write_bytes("", 0, true, NULL, &size), -EINVAL);
}

static void a_copy_is_independent(void **state)
{
    struct ih_options *opt = *state, copy;
    char text[300];
    size_t size = sizeof(text);
    assert_int_equal(ih_options_set(opt, ZMQ_ZAP_DOMAIN, "before", 6), 0);
    assert_int_equal(ih_options_set(opt, ZMQ_TCP_ACCEPT_FILTER, "10.0.0.0/8", 10), 0);
    assert_int_equal(set_int(opt, ZMQ_HANDSHAKE_IVL, 5), 0);
    assert_int_equal(ih_options_copy(&copy, opt), 0);
    assert_int_equal(ih_options_set(opt, ZMQ_ZAP_DOMAIN, "after", 5), 0);
    assert_int_equal(ih_options_set(opt, ZMQ_TCP_ACCEPT_FILTER, NULL, 0), 0);
    assert_int_equal(set_int(opt, ZMQ_HANDSHAKE_IVL, 6), 0);
    assert_int_equal(ih_options_get(&copy, ZMQ_ZAP_DOMAIN, text, &size), 0);
    assert_string_equal(text, "before");
    assert_int_not_equal(copy.tcp_accept_filters.size, 0);
    assert_int_equal(get_int(&copy, ZMQ_HANDSHAKE_IVL), 5);
    ih_options_fini(&copy);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ints_have_ranges_and_defaults),
        TEST(numbers_want_their_exact_size),
        TEST(wide_numbers_take_any_value),
        TEST(heartbeat_ttl_is_cut_to_tenths_of_a_second),
        TEST(ipv4only_is_the_opposite_of_ipv6),
        TEST(texts_are_read_back_with_a_nul),
        TEST(routing_id_is_1_to_255_octets),
        TEST(a_proxy_is_any_text),
        TEST(accept_filters_gather_and_follow_ipv6),
        TEST(ipc_filters_gather),
        TEST(metadata_is_kept_in_its_encoding),
        TEST(metadata_that_peers_would_refuse_is_refused),
        TEST(metadata_has_a_limited_number_of_properties),
        TEST(others_options_are_not_here),
        TEST(readers_refuse_and_leave_the_result),
        TEST(writing_never_overflows),
        TEST(a_copy_is_independent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
