/* SPDX-License-Identifier: ISC */
/* Security options. Every expectation was seen on libzmq 4.3.4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <zmq.h>

#include "base/random.h"
#include "base/z85.h"
#include "mechanism/credentials.h"

static const char key_text[] = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
static const char secret_text[] = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6";
static const char zero_text[] = "0000000000000000000000000000000000000000";

static struct ih_security *security;

static int setup(void **state)
{
    (void)state;
    assert_int_equal(ih_random_init(), 0);
    security = ih_security_new();
    return security ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    ih_security_release(security);
    return 0;
}

static int set(int option, const void *value, size_t size)
{
    return ih_security_set(&security, option, value, size);
}

static int set_int(int option, int value)
{
    return set(option, &value, sizeof value);
}

static int get_int(int option)
{
    int value = -1;
    size_t size = sizeof value;

    assert_int_equal(ih_security_get(security, option, &value, &size), 0);
    assert_int_equal(size, sizeof value);
    return value;
}

/* Which mechanism and role is in force. */
static void assert_role(int mechanism, int plain_server, int curve_server)
{
    assert_int_equal(get_int(ZMQ_MECHANISM), mechanism);
    assert_int_equal(ih_security_mechanism(security), mechanism);
    assert_int_equal(get_int(ZMQ_PLAIN_SERVER), plain_server);
    assert_int_equal(get_int(ZMQ_CURVE_SERVER), curve_server);
    assert_int_equal(ih_security_as_server(security), plain_server || curve_server);
}

static void assert_text(int option, const char *text, size_t length)
{
    char value[256];
    size_t size = sizeof value;

    assert_int_equal(ih_security_get(security, option, value, &size), 0);
    assert_int_equal(size, length + 1);
    assert_memory_equal(value, text, length);
    assert_int_equal(value[length], '\0');
}

static void new_socket(void **state)
{
    (void)state;
    assert_role(ZMQ_NULL, 0, 0);
    assert_text(ZMQ_PLAIN_USERNAME, "", 0);
    assert_text(ZMQ_PLAIN_PASSWORD, "", 0);
}

static void other_options(void **state)
{
    size_t size = sizeof(int);
    int value = 1;

    (void)state;
    assert_int_equal(set_int(ZMQ_LINGER, 1), -ENOENT);
    assert_int_equal(ih_security_get(security, ZMQ_LINGER, &value, &size), -ENOENT);
    assert_int_equal(set_int(ZMQ_MECHANISM, ZMQ_CURVE), -EINVAL);
}

static void server_options(void **state)
{
    static const int options[] = {ZMQ_PLAIN_SERVER, ZMQ_CURVE_SERVER};
    int64_t wide = 1;

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(set_int(options[i], 1), 0);
        assert_role(ZMQ_PLAIN + i, i == 0, i == 1);
        assert_int_equal(set_int(options[i], 0), 0);
        assert_role(ZMQ_NULL, 0, 0);
        assert_int_equal(set_int(options[i], 2), -EINVAL);
        assert_int_equal(set_int(options[i], -1), -EINVAL);
        assert_int_equal(set(options[i], &wide, sizeof wide), -EINVAL);
        assert_int_equal(set(options[i], &wide, 1), -EINVAL);
        assert_int_equal(set(options[i], NULL, 0), -EINVAL);
        assert_int_equal(set(options[i], NULL, sizeof(int)), -EINVAL);
        assert_role(ZMQ_NULL, 0, 0);
    }
}

static void int_getters_want_four_octets(void **state)
{
    static const int options[] = {ZMQ_MECHANISM, ZMQ_PLAIN_SERVER, ZMQ_CURVE_SERVER};
    int64_t value;

    (void)state;
    for (int i = 0; i < 3; i++) {
        for (size_t size = 0; size <= 8; size++) {
            size_t room = size;

            assert_int_equal(ih_security_get(security, options[i], &value, &room), size == 4 ? 0 : -EINVAL);
        }
    }
}

static void texts(void **state)
{
    static const int options[] = {ZMQ_PLAIN_USERNAME, ZMQ_PLAIN_PASSWORD};
    char text[257];

    (void)state;
    memset(text, 'x', sizeof text);
    for (int i = 0; i < 2; i++) {
        size_t size = 255;

        assert_int_equal(set(options[i], "", 0), -EINVAL);
        assert_int_equal(set(options[i], NULL, 5), -EINVAL);
        assert_int_equal(set(options[i], text, 256), -EINVAL);
        assert_role(ZMQ_NULL, 0, 0);
        assert_int_equal(set(options[i], text, 255), 0);
        assert_role(ZMQ_PLAIN, 0, 0);
        assert_text(options[i], text, 255);
        assert_int_equal(ih_security_get(security, options[i], text, &size), -EINVAL);
        assert_int_equal(set(options[i], "a\0b", 3), 0);
        assert_text(options[i], "a\0b", 3);
        /* NULL unselects the mechanism and leaves the text. */
        assert_int_equal(set(options[i], NULL, 0), 0);
        assert_role(ZMQ_NULL, 0, 0);
        assert_text(options[i], "a\0b", 3);
        size = 3;
        assert_int_equal(ih_security_get(security, options[i], text, &size), -EINVAL);
        memset(text, 'x', sizeof text);
    }
}

static void keys_are_set_in_three_forms(void **state)
{
    static const int options[] = {ZMQ_CURVE_PUBLICKEY, ZMQ_CURVE_SECRETKEY, ZMQ_CURVE_SERVERKEY};
    uint8_t binary[32];
    uint8_t got[41];

    (void)state;
    assert_int_equal(ih_z85_decode(binary, key_text, 40), 0);
    for (int i = 0; i < 9; i++) {
        const void *forms[] = {binary, key_text, key_text};
        static const size_t form_sizes[] = {32, 40, 41};
        size_t size = 32;

        assert_int_equal(set(options[i / 3], zero_text, 40), 0);
        assert_int_equal(set(options[i / 3], forms[i % 3], form_sizes[i % 3]), 0);
        assert_int_equal(ih_security_get(security, options[i / 3], got, &size), 0);
        assert_int_equal(size, 32);
        assert_memory_equal(got, binary, 32);
        size = 41;
        assert_int_equal(ih_security_get(security, options[i / 3], got, &size), 0);
        assert_int_equal(size, 41);
        assert_string_equal((char *)got, key_text);
        assert_role(ZMQ_CURVE, 0, 0);
    }
}

static void key_getters_want_32_or_41_octets(void **state)
{
    uint8_t got[256];

    (void)state;
    for (int option = ZMQ_CURVE_PUBLICKEY; option <= ZMQ_CURVE_SERVERKEY; option++) {
        for (size_t size = 0; size <= sizeof got; size++) {
            size_t room = size;
            int rc = ih_security_get(security, option, got, &room);

            assert_int_equal(rc, size == 32 || size == 41 ? 0 : -EINVAL);
        }
        /* What was never set is zero. */
        assert_string_equal((char *)got, zero_text);
    }
}

static void bad_keys(void **state)
{
    char text[42];

    (void)state;
    assert_int_equal(set(ZMQ_PLAIN_USERNAME, "u", 1), 0);
    for (int option = ZMQ_CURVE_PUBLICKEY; option <= ZMQ_CURVE_SERVERKEY; option++) {
        for (size_t size = 0; size <= 31; size++)
            assert_int_equal(set(option, key_text, size), -EINVAL);
        for (size_t size = 33; size <= 39; size++)
            assert_int_equal(set(option, key_text, size), -EINVAL);
        assert_int_equal(set(option, NULL, 0), -EINVAL);
        assert_int_equal(set(option, NULL, 32), -EINVAL);
        assert_int_equal(set(option, NULL, 40), -EINVAL);
        for (size_t i = 0; i <= 40; i++) {
            memcpy(text, key_text, 41);
            text[i] = i < 40 ? '"' : 'x';
            assert_int_equal(set(option, text, 41), -EINVAL);
            assert_int_equal(set(option, text, 40), i < 40 ? -EINVAL : 0);
            assert_int_equal(set(ZMQ_PLAIN_USERNAME, "u", 1), 0);
        }
        assert_int_equal(set(option, text, 42), -EINVAL);
        memset(text, '#', 40);
        assert_int_equal(set(option, text, 40), -EINVAL);
    }
    assert_role(ZMQ_PLAIN, 0, 0);
}

/* The last option that is set decides. */
static void last_one_wins(void **state)
{
    (void)state;
    assert_int_equal(set(ZMQ_PLAIN_USERNAME, "u", 1), 0);
    assert_int_equal(set(ZMQ_CURVE_SERVERKEY, key_text, 40), 0);
    assert_role(ZMQ_CURVE, 0, 0);
    assert_int_equal(set(ZMQ_PLAIN_PASSWORD, "p", 1), 0);
    assert_role(ZMQ_PLAIN, 0, 0);
    assert_int_equal(set_int(ZMQ_CURVE_SERVER, 1), 0);
    assert_role(ZMQ_CURVE, 0, 1);
    assert_int_equal(set_int(ZMQ_PLAIN_SERVER, 1), 0);
    assert_role(ZMQ_PLAIN, 1, 0);
    assert_int_equal(set_int(ZMQ_CURVE_SERVER, 0), 0);
    assert_role(ZMQ_NULL, 0, 0);
}

/* A user name, a password or a server's key makes a client; one's own keys leave the role. */
static void which_options_change_the_role(void **state)
{
    (void)state;
    assert_int_equal(set_int(ZMQ_CURVE_SERVER, 1), 0);
    assert_int_equal(set(ZMQ_CURVE_PUBLICKEY, key_text, 40), 0);
    assert_int_equal(set(ZMQ_CURVE_SECRETKEY, secret_text, 40), 0);
    assert_role(ZMQ_CURVE, 0, 1);
    assert_int_equal(set(ZMQ_CURVE_SERVERKEY, key_text, 40), 0);
    assert_role(ZMQ_CURVE, 0, 0);
    assert_int_equal(set_int(ZMQ_PLAIN_SERVER, 1), 0);
    assert_int_equal(set(ZMQ_CURVE_PUBLICKEY, key_text, 40), 0);
    assert_role(ZMQ_CURVE, 0, 1);
    assert_int_equal(set_int(ZMQ_PLAIN_SERVER, 1), 0);
    assert_int_equal(set(ZMQ_PLAIN_USERNAME, "u", 1), 0);
    assert_role(ZMQ_PLAIN, 0, 0);
    assert_int_equal(set_int(ZMQ_PLAIN_SERVER, 1), 0);
    assert_int_equal(set(ZMQ_PLAIN_PASSWORD, "p", 1), 0);
    assert_role(ZMQ_PLAIN, 0, 0);
    assert_int_equal(set_int(ZMQ_PLAIN_SERVER, 1), 0);
    assert_int_equal(set(ZMQ_PLAIN_PASSWORD, NULL, 0), 0);
    assert_role(ZMQ_NULL, 0, 0);
    assert_int_equal(set(ZMQ_CURVE_SECRETKEY, secret_text, 40), 0);
    assert_role(ZMQ_CURVE, 0, 1);
}

/* A server needs no public key: it follows from the secret one. */
static void public_key_is_derived(void **state)
{
    uint8_t expected[32];

    (void)state;
    assert_int_equal(set(ZMQ_CURVE_SECRETKEY, secret_text, 40), 0);
    assert_int_equal(ih_z85_decode(expected, key_text, 40), 0);
    assert_memory_equal(ih_security_curve(security)->derived, expected, 32);
}

/* A connection keeps the settings that it was made with. */
static void shared_settings_do_not_change(void **state)
{
    struct ih_security *kept;
    size_t size;

    (void)state;
    assert_int_equal(set(ZMQ_PLAIN_USERNAME, "old", 3), 0);
    assert_int_equal(set(ZMQ_CURVE_SERVERKEY, key_text, 40), 0);
    kept = ih_security_hold(security);
    assert_int_equal(set(ZMQ_PLAIN_USERNAME, "new", 3), 0);
    assert_int_equal(set(ZMQ_PLAIN_PASSWORD, "word", 4), 0);
    assert_ptr_not_equal(kept, security);
    assert_memory_equal(ih_security_username(kept, &size), "old", 3);
    assert_memory_equal(ih_security_username(security, &size), "new", 3);
    (void)ih_security_password(kept, &size);
    assert_int_equal(size, 0);
    assert_int_equal(ih_security_mechanism(kept), ZMQ_CURVE);
    assert_memory_equal(ih_security_curve(kept), ih_security_curve(security), sizeof(struct ih_curve_credentials));
    assert_ptr_not_equal(ih_security_curve(kept), ih_security_curve(security));
    ih_security_release(kept);
    /* Alone again, it is changed where it is. */
    kept = security;
    assert_int_equal(set(ZMQ_PLAIN_USERNAME, "newer", 5), 0);
    assert_ptr_equal(kept, security);
}

#define SECURITY_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SECURITY_TEST(new_socket),
        SECURITY_TEST(other_options),
        SECURITY_TEST(server_options),
        SECURITY_TEST(int_getters_want_four_octets),
        SECURITY_TEST(texts),
        SECURITY_TEST(keys_are_set_in_three_forms),
        SECURITY_TEST(key_getters_want_32_or_41_octets),
        SECURITY_TEST(bad_keys),
        SECURITY_TEST(last_one_wins),
        SECURITY_TEST(which_options_change_the_role),
        SECURITY_TEST(public_key_is_derived),
        SECURITY_TEST(shared_settings_do_not_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
