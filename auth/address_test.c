/* SPDX-License-Identifier: ISC */
#include "auth/address.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_parse(void **state)
{
    static const struct {
        const char *text, *printed; /* NULL: malformed */
    } cases[] = {
        {"10.0.0.0/8", "10.0.0.0/8"},
        {"192.168.0.7", "192.168.0.7/32"},
        {"0.0.0.0/0", "0.0.0.0/0"},
        {"255.255.255.255/32", "255.255.255.255/32"},
        {"10.128.0.0/9", "10.128.0.0/9"},
        {"2001:db8::/32", "2001:db8::/32"},
        {"2001:db8:8000::/33", "2001:db8:8000::/33"},
        {"::1", "::1/128"},
        {"::/0", "::/0"},
        {"::ffff:10.0.0.0/104", "10.0.0.0/8"},
        {"::ffff:10.1.2.3", "10.1.2.3/32"},
        {"::ffff:0:0/96", "0.0.0.0/0"},
        {"local", "local"},
        {"", NULL},
        {"/", NULL},
        {"/8", NULL},
        {"10.0.0.0/", NULL},
        {"10.0.0.0/33", NULL},
        {"10.0.0.0/08", NULL},
        {"10.0.0.0/+8", NULL},
        {"10.0.0.0/-1", NULL},
        {"10.0.0.0/8 ", NULL},
        {" 10.0.0.0/8", NULL},
        {"10.0.0.0/8/8", NULL},
        {"10.0.0.0/99999999999999999999", NULL},
        {"10.0.0.0/4294967304", NULL},
        {"10.0.0.1/8", NULL},
        {"10.0.0.0/255.0.0.0", NULL},
        {"10.0.0", NULL},
        {"10.0.0.256", NULL},
        {"010.0.0.1", NULL},
        {"0x0a.0.0.1", NULL},
        {"2001:db8::1/32", NULL},
        {"2001:db8::/129", NULL},
        {"2001:db8:::/32", NULL},
        {"fe80::1%eth0", NULL},
        {"[::1]", NULL},
        {"localhost", NULL},
        {"Local", NULL},
        {"local/8", NULL},
        {"example.org", NULL},
        {"1111:2222:3333:4444:5555:6666:7777:8888:9999", NULL},
        {"1111:2222:3333:4444:5555:6666:255.255.255.255", "1111:2222:3333:4444:5555:6666:ffff:ffff/128"},
        {"1111:2222:3333:4444:5555:6666:255.255.255.2550000", NULL},
    };
    char text[AUTH_NETWORK_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct auth_network network;
        int rc = auth_network_parse(&network, cases[i].text);

        assert_int_equal(rc, cases[i].printed ? 0 : -EINVAL);
        if (rc == 0)
            assert_string_equal(auth_network_print(text, &network), cases[i].printed);
    }
}

static bool holds(const char *network, const char *address)
{
    struct auth_network parsed;

    assert_int_equal(auth_network_parse(&parsed, network), 0);
    return auth_network_holds(&parsed, address);
}

static void test_holds(void **state)
{
    (void)state;
    assert_true(holds("10.0.0.0/8", "10.255.0.1"));
    assert_false(holds("10.0.0.0/8", "11.0.0.1"));
    assert_true(holds("10.128.0.0/9", "10.200.0.1"));
    assert_false(holds("10.128.0.0/9", "10.127.255.255"));
    assert_true(holds("10.0.0.7", "10.0.0.7"));
    assert_false(holds("10.0.0.7", "10.0.0.6"));
    assert_true(holds("2001:db8::/32", "2001:db8:ffff::1"));
    assert_false(holds("2001:db8::/32", "2001:db9::1"));
    assert_true(holds("fe80::/10", "fe80::1%eth0"));
    assert_true(holds("0.0.0.0/0", "1.2.3.4"));
    assert_true(holds("::/0", "::1"));
}

/* One and the same in both ways of writing; and no IPv6 network reaches into IPv4. */
static void test_mapped(void **state)
{
    (void)state;
    assert_true(holds("10.0.0.0/8", "::ffff:10.1.2.3"));
    assert_true(holds("10.0.0.0/8", "::ffff:a01:203"));
    assert_true(holds("::ffff:10.0.0.0/104", "10.1.2.3"));
    assert_false(holds("::/0", "10.1.2.3"));
    assert_false(holds("::/0", "::ffff:10.1.2.3"));
    assert_false(holds("0.0.0.0/0", "::1"));
    assert_false(holds("0.0.0.0/0", "::10.1.2.3"));
}

static void test_local(void **state)
{
    (void)state;
    assert_true(holds("local", ""));
    assert_true(holds("local", "localhost:1000:1000:4711"));
    assert_false(holds("local", "127.0.0.1"));
    assert_false(holds("local", "::1"));
    assert_false(holds("local", "localhost"));
    assert_false(holds("0.0.0.0/0", ""));
    assert_false(holds("::/0", ""));
    assert_false(holds("::/0", "localhost:0:0:1"));
}

static void test_no_address(void **state)
{
    static const char *const cases[] = {
        "x",         "10.0.0.1 ",         "10.0.0.1/32", "10.0.0.1%eth0", "fe80::1%",      "%",     "%eth0",
        "1.2.3.4.5", "localhost",         "[::1]",       "::1]",          "10.0.0.1:5555", "local", "10.0.0.1\n",
        " ",         "::ffff:10.0.0.1.2", "LOCALHOST:1", "1.2.3.4%:"};
    uint8_t octets[16];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(auth_address_parse(octets, cases[i]), AUTH_ADDRESS_NONE);
        assert_false(holds("0.0.0.0/0", cases[i]));
        assert_false(holds("::/0", cases[i]));
        assert_false(holds("local", cases[i]));
    }
}

static void test_loopback(void **state)
{
    static const char *const wrong[] = {
        "127.0.0.1", "127.0.0.1:",   "0.0.0.0:1", "10.0.0.1:9464",       "*:9464",          ":9464",
        "[::]:9464", "::1:9464",     "[::1]",     "[::1]9464",           "127.0.0.1:65536", "127.0.0.1:+1",
        "example:1", "[127.0.0.1:1", "",          "[::ffff:10.0.0.1]:1", "127.0.0.1:9464/", "128.0.0.1:1"};
    struct sockaddr_storage address;
    socklen_t size;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(auth_address_loopback(&address, &size, wrong[i]), -EINVAL);
    assert_int_equal(auth_address_loopback(&address, &size, "127.0.0.1:9464"), 0);
    assert_int_equal(address.ss_family, AF_INET);
    assert_int_equal(size, sizeof(struct sockaddr_in));
    assert_int_equal(((struct sockaddr_in *)&address)->sin_port, htons(9464));
    assert_int_equal(((struct sockaddr_in *)&address)->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    assert_int_equal(auth_address_loopback(&address, &size, "localhost:0"), 0);
    assert_int_equal(address.ss_family, AF_INET);
    assert_int_equal(auth_address_loopback(&address, &size, "[::1]:65535"), 0);
    assert_int_equal(address.ss_family, AF_INET6);
    assert_int_equal(size, sizeof(struct sockaddr_in6));
    assert_int_equal(((struct sockaddr_in6 *)&address)->sin6_port, htons(65535));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse), cmocka_unit_test(test_holds),      cmocka_unit_test(test_mapped),
        cmocka_unit_test(test_local), cmocka_unit_test(test_no_address), cmocka_unit_test(test_loopback),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
