/* SPDX-License-Identifier: ISC */
/* Addresses and networks. What is parsed how was asked of libzmq 4.3.4 by experiment. */
#include "platform/net.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- text to address and back ------------------------------------------------------------------------------------ */

struct bind_case {
    const char *text;
    bool ipv6;
    int rc;
    const char *formatted;
};

static const struct bind_case bind_cases[] = {
    {"127.0.0.1:5555", false, 0, "127.0.0.1:5555"},
    {"127.0.0.1:*", false, 0, "127.0.0.1:0"},
    {"127.0.0.1:0", false, 0, "127.0.0.1:0"},
    {"*:5555", false, 0, "0.0.0.0:5555"},
    {"*:*", false, 0, "0.0.0.0:0"},
    {"[*]:*", false, 0, "0.0.0.0:0"},
    {"[127.0.0.1]:1", false, 0, "127.0.0.1:1"},
    {"127.1:1", false, 0, "127.0.0.1:1"},
    {"0:1", false, 0, "0.0.0.0:1"},
    {"0x7f000001:1", false, 0, "127.0.0.1:1"},
    {"127.0.0.1%lo:1", false, 0, "127.0.0.1:1"},
    {"::ffff:127.0.0.1:1", false, 0, "127.0.0.1:1"},
    {"[::ffff:127.0.0.1]:1", false, 0, "127.0.0.1:1"},
    {"lo:1", false, 0, "127.0.0.1:1"},
    {"[lo]:1", false, 0, "127.0.0.1:1"},
    {"[::1]:1", false, -ENODEV, NULL},
    {"::1:1", false, -ENODEV, NULL},
    {"[::]:1", false, -ENODEV, NULL},
    {"[::1%lo]:1", false, -ENODEV, NULL},
    {"[::1%nope]:1", false, -EINVAL, NULL},
    {"localhost:1", false, -ENODEV, NULL},
    {"nosuchif0:1", false, -ENODEV, NULL},
    {"1.2.3.4.5:1", false, -ENODEV, NULL},
    {":1", false, -ENODEV, NULL},
    {"[]:1", false, -ENODEV, NULL},
    {"[::1:1", false, -ENODEV, NULL},
    {"127.0.0.1 :1", false, -ENODEV, NULL},
    {" 127.0.0.1:1", false, -ENODEV, NULL},
    {"x;127.0.0.1:1", false, -EINVAL, NULL},
    {"", false, -EINVAL, NULL},
    {"*", false, -EINVAL, NULL},
    {"127.0.0.1", false, -EINVAL, NULL},
    {"127.0.0.1:", false, -EINVAL, NULL},
    {"127.0.0.1:x", false, -EINVAL, NULL},
    {"127.0.0.1:http", false, -EINVAL, NULL},
    {"127.0.0.1:0x15b3", false, -EINVAL, NULL},
    {"127.0.0.1:00", false, -EINVAL, NULL},
    {"127.0.0.1:*1", false, -EINVAL, NULL},
    {"127.0.0.1:65535", false, 0, "127.0.0.1:65535"},
    {"127.0.0.1:65536", false, -EINVAL, NULL},
    {"127.0.0.1:65537", false, 0, "127.0.0.1:1"},
    {"127.0.0.1:99999", false, 0, "127.0.0.1:34463"},
    {"127.0.0.1:4294967296", false, -EINVAL, NULL},
    {"127.0.0.1:4294967297", false, 0, "127.0.0.1:1"},
    {"127.0.0.1:99999999999999999999", false, 0, "127.0.0.1:65535"},
    {"127.0.0.1:-1", false, 0, "127.0.0.1:65535"},
    {"127.0.0.1:5555/", false, 0, "127.0.0.1:5555"},
    {"127.0.0.1:5555", true, 0, "[::ffff:127.0.0.1]:5555"},
    {"0:1", true, 0, "[::ffff:0.0.0.0]:1"},
    {"*:*", true, 0, "[::]:0"},
    {"[::1]:1", true, 0, "[::1]:1"},
    {"::1:1", true, 0, "[::1]:1"},
    {"[::]:*", true, 0, "[::]:0"},
    {":::*", true, 0, "[::]:0"},
    {"[::1%lo]:1", true, 0, "[::1]:1"},
    {"[::1%1]:1", true, 0, "[::1]:1"},
    {"[fe80::1%lo]:1", true, 0, "[fe80::1%lo]:1"},
    {"[fe80::1%4000000000]:1", true, 0, "[fe80::1%4000000000]:1"},
    {"[::1%nope]:1", true, -EINVAL, NULL},
    {"[::1%]:1", true, -EINVAL, NULL},
    {"localhost:1", true, -ENODEV, NULL},
    {"[::1:1", true, -ENODEV, NULL},
    {"::1]:1", true, -ENODEV, NULL},
};

static void parses_what_can_be_bound(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bind_cases); i++) {
        const struct bind_case *c = &bind_cases[i];
        struct ih_addr addr = {.size = 77};
        char text[128];
        int rc = ih_net_parse_bind(c->text, c->ipv6, &addr);
        if (rc != c->rc) {
            fail_msg("'%s': %d, not %d", c->text, rc, c->rc);
        }
        if (rc != 0) {
            assert_int_equal(addr.size, 77);
            continue;
        }
        ih_net_format(&addr, true, text, sizeof(text));
        assert_string_equal(text, c->formatted);
    }
}

struct connect_case {
    const char *text;
    bool ipv6;
    int rc;
    const char *source;
    const char *addr;
};

static const struct connect_case connect_cases[] = {
    {"127.0.0.1:5555", false, 1, "", "127.0.0.1:5555"},
    {"[127.0.0.1]:1", false, 1, "", "127.0.0.1:1"},
    {"127.0.0.1:99999", false, 1, "", "127.0.0.1:34463"},
    {"127.0.0.1:0", false, 1, "", "127.0.0.1:0"},
    {"127.0.0.1:5555x", false, 1, "", "127.0.0.1:5555"},
    {"127.0.0.1:1", true, 1, "", "[::ffff:127.0.0.1]:1"},
    {"[::1]:1", true, 1, "", "[::1]:1"},
    {"::1:1", true, 1, "", "[::1]:1"},
    {"[fe80::1%lo]:1", true, 1, "", "[fe80::1%lo]:1"},
    {"[::1]:1", false, 0, "", NULL},
    {"[::1%nope]:1", true, 0, "", NULL},
    {"localhost:1", false, 0, "", NULL},
    {"lo:1", false, 0, "", NULL},
    {":1", false, 0, "", NULL},
    {"127.0.0.2:0;127.0.0.1:1", false, 1, "127.0.0.2:0", "127.0.0.1:1"},
    {"127.0.0.2:*;127.0.0.1:1", false, 1, "127.0.0.2:0", "127.0.0.1:1"},
    {"lo:7;127.0.0.1:1", false, 1, "127.0.0.1:7", "127.0.0.1:1"},
    {"127.0.0.2:7;localhost:1", false, 0, "127.0.0.2:7", NULL},
    {"[::1]:7;[::1]:1", true, 1, "[::1]:7", "[::1]:1"},
    {"nosuchif0:0;127.0.0.1:1", false, -ENODEV, NULL, NULL},
    {"127.0.0.2;127.0.0.1:1", false, -ENODEV, NULL, NULL},
    {"127.0.0.2:x;127.0.0.1:1", false, -ENODEV, NULL, NULL},
    {"", false, -EINVAL, NULL, NULL},
    {"*:1", false, -EINVAL, NULL, NULL},
    {"*:0;127.0.0.1:1", false, -EINVAL, NULL, NULL},
    {";127.0.0.1:1", false, -EINVAL, NULL, NULL},
    {"127.0.0.2:0;*:1", false, -EINVAL, NULL, NULL},
    {"127.0.0.2:0;127.0.0.1", false, -EINVAL, NULL, NULL},
    {"127.0.0.2:0;127.0.0.3:0;127.0.0.1:1", false, -EINVAL, NULL, NULL},
    {"127.0.0.1", false, -EINVAL, NULL, NULL},
    {"127.0.0.1:", false, -EINVAL, NULL, NULL},
    {"127.0.0.1:*", false, -EINVAL, NULL, NULL},
    {"127.0.0.1:x", false, -EINVAL, NULL, NULL},
    {"127.0.0.1:-1", false, -EINVAL, NULL, NULL},
    {"127.0.0.1:+1", false, -EINVAL, NULL, NULL},
    {"127.0.0.1: 1", false, -EINVAL, NULL, NULL},
    {"127.0.0.1:1/", false, -EINVAL, NULL, NULL},
    {"127.0.0.1 :1", false, -EINVAL, NULL, NULL},
    {"a b:1", false, -EINVAL, NULL, NULL},
    {"a@b:1", false, -EINVAL, NULL, NULL},
    {"_a:1", false, -EINVAL, NULL, NULL},
};

static void parses_what_can_be_connected_to(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(connect_cases); i++) {
        const struct connect_case *c = &connect_cases[i];
        struct ih_addr source = {.size = 77}, addr = {.size = 77};
        char text[128];
        int rc = ih_net_parse_connect(c->text, c->ipv6, &source, &addr);
        if (rc != c->rc) {
            fail_msg("'%s': %d, not %d", c->text, rc, c->rc);
        }
        if (rc < 0) {
            assert_int_equal(source.size, 77);
            continue;
        }
        ih_net_format(&source, true, text, sizeof(text));
        assert_string_equal(text, c->source);
        if (rc == 1) {
            ih_net_format(&addr, true, text, sizeof(text));
            assert_string_equal(text, c->addr);
        }
    }
}

static void refuses_overlong_hosts(void **state)
{
    (void)state;
    char text[1000];
    struct ih_addr addr, source;
    memset(text, 'a', sizeof(text));
    memcpy(text + 900, ":1", 3);
    assert_int_equal(ih_net_parse_bind(text, false, &addr), -EINVAL);
    assert_int_equal(ih_net_parse_connect(text, false, &source, &addr), -EINVAL);
    assert_int_equal(ih_net_resolve(text, false, &addr), -EINVAL);
    memcpy(text + 255, ":1", 3);
    assert_int_equal(ih_net_parse_bind(text, true, &addr), -ENODEV);
}

/* What a proxy is told: libzmq 4.3.4 asks for these. */
static void parses_what_a_proxy_is_to_connect_to(void **state)
{
    static const uint8_t one[16] = {[15] = 1}, link_local[16] = {0xfe, 0x80, [15] = 1};
    static const uint8_t loopback[4] = {127, 0, 0, 1}, mapped[4] = {1, 2, 3, 4};
    static const struct {
        const char *text;
        const char *host; /* NULL: refused */
        const uint8_t *ip;
        size_t ip_size;
        unsigned port;
    } cases[] = {
        {"127.0.0.1:5555", "127.0.0.1", loopback, 4, 5555},
        {"[127.0.0.1]:1", "127.0.0.1", loopback, 4, 1},
        {"[::1]:1", "::1", one, 16, 1},
        {"::1:1", "::1", one, 16, 1},
        {"[fe80::1%lo]:1", "fe80::1%lo", link_local, 16, 1},
        {"[fe80::1%nope]:1", "fe80::1%nope", NULL, 0, 1},
        {"[::ffff:1.2.3.4]:1", "::ffff:1.2.3.4", mapped, 4, 1},
        {"localhost:80", "localhost", NULL, 0, 80},
        {"[localhost]:80", "localhost", NULL, 0, 80},
        {"no-such.example:1", "no-such.example", NULL, 0, 1},
        {"lo:99999", "lo", NULL, 0, 34463},
        {"127.0.0.2:0;host:1", "host", NULL, 0, 1},
        {"nosuchif0:0;127.0.0.1:1", "127.0.0.1", loopback, 4, 1},
        {":7", "", NULL, 0, 7},
        {"*:1", NULL, NULL, 0, 0},
        {"host", NULL, NULL, 0, 0},
        {"host:x", NULL, NULL, 0, 0},
        {"host:*", NULL, NULL, 0, 0},
        {"ho st:1", NULL, NULL, 0, 0},
        {"a;b;c:1", NULL, NULL, 0, 0},
        {"", NULL, NULL, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ih_net_target target;
        int rc = ih_net_parse_target(cases[i].text, &target);
        if (rc != (cases[i].host == NULL ? -EINVAL : 0)) {
            fail_msg("'%s', %d", cases[i].text, rc);
        }
        if (rc == 0) {
            assert_string_equal(target.host, cases[i].host);
            assert_int_equal(target.port, cases[i].port);
            assert_int_equal(target.ip_size, cases[i].ip_size);
            assert_true(target.ip_size == 0 || memcmp(target.ip, cases[i].ip, target.ip_size) == 0);
        }
    }
}

static void formats_with_and_without_port_and_truncates(void **state)
{
    (void)state;
    struct ih_addr addr;
    char text[64];
    assert_int_equal(ih_net_parse_bind("[::1]:80", true, &addr), 0);
    ih_net_format(&addr, false, text, sizeof(text));
    assert_string_equal(text, "::1");
    assert_int_equal(ih_net_parse_bind("127.0.0.1:80", false, &addr), 0);
    ih_net_format(&addr, false, text, sizeof(text));
    assert_string_equal(text, "127.0.0.1");
    memset(text, 'x', sizeof(text));
    ih_net_format(&addr, true, text, 4);
    assert_string_equal(text, "127");
    assert_int_equal(text[4], 'x');
    memset(&addr, 0, sizeof(addr));
    ih_net_format(&addr, true, text, sizeof(text));
    assert_string_equal(text, "");
}

static void parses_ipc_paths(void **state)
{
    (void)state;
    struct ih_addr addr;
    char path[200], text[200];
    assert_int_equal(ih_net_parse_ipc("", &addr), -EINVAL);
    assert_int_equal(ih_net_parse_ipc("@", &addr), -EINVAL);
    memset(path, 'p', sizeof(path));
    path[108] = '\0';
    assert_int_equal(ih_net_parse_ipc(path, &addr), -ENAMETOOLONG);
    path[0] = '@';
    assert_int_equal(ih_net_parse_ipc(path, &addr), -ENAMETOOLONG);
    path[107] = '\0';
    assert_int_equal(ih_net_parse_ipc(path, &addr), 0);
    ih_net_format(&addr, true, text, sizeof(text));
    assert_string_equal(text, path);
    path[0] = '/';
    assert_int_equal(ih_net_parse_ipc(path, &addr), 0);
    ih_net_format(&addr, false, text, sizeof(text));
    assert_string_equal(text, path);
}

/* --- filters ----------------------------------------------------------------------------------------------------- */

struct filter_case {
    const char *filter;
    bool ipv6;
    const char *yes; /* NULL: the filter is refused */
    const char *no;
};

static const struct filter_case filter_cases[] = {
    {"127.0.0.1", false, "127.0.0.1:1", "127.0.0.2:1"},
    {"127.0.0.1/32", false, "127.0.0.1:1", "127.0.0.0:1"},
    {"127.0.0.1/8", false, "127.255.0.1:1", "126.0.0.1:1"},
    {"10.128.0.0/9", false, "10.200.0.1:1", "10.127.0.1:1"},
    {"10.0.0.0/31", false, "10.0.0.1:1", "10.0.0.2:1"},
    {"10.0.0.0/0", false, "1.2.3.4:1", "[::1]:1"},
    {"127.0.0.1/8", true, "[::ffff:127.9.9.9]:1", "[::1]:1"},
    {"0.0.0.0/0", true, "[::ffff:1.2.3.4]:1", "[::1]:1"},
    {"::1", true, "[::1]:1", "[::2]:1"},
    {"[::1]/128", true, "[::1]:1", "127.0.0.1:1"},
    {"2001:db8::/33", true, "[2001:db8:7fff::1]:1", "[2001:db8:8000::1]:1"},
    {"::ffff:127.0.0.0/104", true, "127.9.9.9:1", "126.0.0.1:1"},
    {"::/0", true, "127.0.0.1:1", NULL},
    {"::1", false, NULL, NULL},
    {"::ffff:127.0.0.1", false, NULL, NULL},
    {"::1/129", true, NULL, NULL},
    {"127.0.0.1/33", false, NULL, NULL},
    {"127.0.0.1/33", true, NULL, NULL},
    {"127.0.0.1/-1", false, NULL, NULL},
    {"127.0.0.1/", false, NULL, NULL},
    {"127.0.0.1/8x", false, NULL, NULL},
    {"127.0.0.1/ 8", false, NULL, NULL},
    {"127.0.0.1/8/8", false, NULL, NULL},
    {"127.0.0.1/4294967296", false, NULL, NULL},
    {"127.0.0.1:80", false, NULL, NULL},
    {"fe80::1%lo", true, NULL, NULL},
    {"localhost", false, NULL, NULL},
    {"lo", false, NULL, NULL},
    {"*", false, NULL, NULL},
    {"/8", false, NULL, NULL},
    {"", false, NULL, NULL},
};

static bool matches(const struct ih_net_filter *filter, const char *text)
{
    struct ih_addr addr;
    assert_int_equal(ih_net_parse_bind(text, text[0] == '[', &addr), 0);
    return ih_net_filter_match(filter, &addr);
}

static void filters_by_network(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(filter_cases); i++) {
        const struct filter_case *c = &filter_cases[i];
        struct ih_net_filter filter;
        int rc = ih_net_parse_filter(c->filter, strlen(c->filter), c->ipv6, &filter);
        if (rc != (c->yes != NULL ? 0 : -EINVAL) || (rc == 0 && !matches(&filter, c->yes)) ||
            (c->no != NULL && matches(&filter, c->no))) {
            fail_msg("filter '%s', %d", c->filter, rc);
        }
    }
}

static uint64_t host_of(const char *text, bool ipv6)
{
    struct ih_addr addr;
    assert_int_equal(ih_net_parse_bind(text, ipv6, &addr), 0);
    return ih_net_host(&addr);
}

static void hosts_are_told_by_what_they_can_choose(void **state)
{
    (void)state;
    struct ih_addr one, other;
    assert_true(host_of("127.0.0.1:1", false) == host_of("127.0.0.1:2", false));
    assert_true(host_of("127.0.0.1:1", false) == host_of("[::ffff:127.0.0.1]:3", true));
    assert_true(host_of("127.0.0.1:1", false) != host_of("127.0.0.2:1", false));
    assert_true(host_of("[::ffff:127.0.0.1]:1", true) != host_of("[::ffff:127.0.0.2]:1", true));
    assert_true(host_of("[::1]:1", true) != host_of("[::ffff:0.0.0.1]:1", true));
    assert_true(host_of("[2001:db8:1:2::3]:1", true) == host_of("[2001:db8:1:2:ffff::]:2", true));
    assert_true(host_of("[2001:db8:1:2::3]:1", true) != host_of("[2001:db8:1:3::3]:1", true));
    assert_int_equal(ih_net_parse_ipc("@a", &one), 0);
    assert_int_equal(ih_net_parse_ipc("@b", &other), 0);
    assert_true(ih_net_host(&one) == ih_net_host(&other));
    assert_true(ih_net_host(&one) != host_of("127.0.0.1:1", false));
    assert_true(ih_net_host(&one) != host_of("[::1]:1", true));
}

static void filter_text_ends_at_size_or_nul(void **state)
{
    (void)state;
    struct ih_net_filter filter;
    char text[600];
    assert_int_equal(ih_net_parse_filter("10.0.0.0/8/", 10, false, &filter), 0);
    assert_int_equal(filter.prefix, 96 + 8);
    assert_int_equal(ih_net_parse_filter("10.0.0.0/8\0x", 12, false, &filter), 0);
    memset(text, '1', sizeof(text));
    assert_int_equal(ih_net_parse_filter(text, sizeof(text), false, &filter), -EINVAL);
}

static void filter_matches_no_other_family(void **state)
{
    (void)state;
    struct ih_net_filter filter;
    struct ih_addr addr;
    assert_int_equal(ih_net_parse_filter("::/0", 4, true, &filter), 0);
    assert_int_equal(ih_net_parse_ipc("@x", &addr), 0);
    assert_false(ih_net_filter_match(&filter, &addr));
    addr.size = 0;
    assert_false(ih_net_filter_match(&filter, &addr));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_what_can_be_bound),
        cmocka_unit_test(parses_what_can_be_connected_to),
        cmocka_unit_test(parses_what_a_proxy_is_to_connect_to),
        cmocka_unit_test(refuses_overlong_hosts),
        cmocka_unit_test(formats_with_and_without_port_and_truncates),
        cmocka_unit_test(parses_ipc_paths),
        cmocka_unit_test(hosts_are_told_by_what_they_can_choose),
        cmocka_unit_test(filters_by_network),
        cmocka_unit_test(filter_text_ends_at_size_or_nul),
        cmocka_unit_test(filter_matches_no_other_family),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
