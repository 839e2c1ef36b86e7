/* SPDX-License-Identifier: ISC */
/* Z85 (RFC 32) and the two functions that make CURVE keys. */
#include "support.h"

#include <errno.h>
#include <string.h>

static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

static void test_the_example_of_the_rfc(void **state)
{
    (void)state;
    static const uint8_t hello[8] = {0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B};
    char text[11];
    uint8_t data[9];
    memset(text, 'x', sizeof text);
    memset(data, 0x77, sizeof data);
    assert_ptr_equal(zmq_z85_encode(text, hello, sizeof hello), text);
    assert_string_equal(text, "HelloWorld");
    assert_ptr_equal(zmq_z85_decode(data, "HelloWorld"), data);
    assert_memory_equal(data, hello, sizeof hello);
    assert_int_equal(data[8], 0x77);
}

static void test_borders(void **state)
{
    (void)state;
    static const struct {
        uint8_t data[4];
        const char *text;
    } pairs[] = {{{0, 0, 0, 0}, "00000"},
                 {{0, 0, 0, 1}, "00001"},
                 {{0, 0, 0, 84}, "0000#"},
                 {{0, 0, 0, 85}, "00010"},
                 {{0xff, 0xff, 0xff, 0xff}, "%nSc0"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char text[6];
        uint8_t data[4];
        assert_non_null(zmq_z85_encode(text, pairs[i].data, 4));
        assert_string_equal(text, pairs[i].text);
        assert_non_null(zmq_z85_decode(data, pairs[i].text));
        assert_memory_equal(data, pairs[i].data, 4);
    }
}

static void test_every_length(void **state)
{
    (void)state;
    uint8_t data[64];
    char text[81];
    uint8_t back[64];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 197 + 13);
    for (size_t size = 0; size <= sizeof data; size++) {
        memset(text, 'x', sizeof text);
        if (size % 4) {
            assert_null_fails(zmq_z85_encode(text, data, size), EINVAL);
            continue;
        }
        assert_non_null(zmq_z85_encode(text, data, size));
        assert_int_equal(strlen(text), size / 4 * 5);
        for (size_t i = 0; text[i]; i++)
            assert_non_null(strchr(alphabet, text[i]));
        if (size == 0)
            continue;
        assert_non_null(zmq_z85_decode(back, text));
        assert_memory_equal(back, data, size);
    }
}

static void test_texts_of_a_wrong_length(void **state)
{
    (void)state;
    uint8_t data[64];
    char text[32];
    for (size_t length = 0; length < sizeof text; length++) {
        memset(text, '0', length);
        text[length] = '\0';
        if (length == 0 || length % 5)
            assert_null_fails(zmq_z85_decode(data, text), EINVAL);
        else
            assert_non_null(zmq_z85_decode(data, text));
    }
}

static void test_characters_outside_the_alphabet(void **state)
{
    (void)state;
    uint8_t data[8];
    for (int character = 1; character < 256; character++)
        for (int position = 1; position < 10; position++) {
            char text[11] = "0000000000";
            text[position] = (char)character;
            if (strchr(alphabet, character)) {
                if (position != 5)
                    assert_non_null(zmq_z85_decode(data, text));
            } else {
                assert_null_fails(zmq_z85_decode(data, text), EINVAL);
            }
        }
}

static void test_values_above_32_bits(void **state)
{
    (void)state;
    static const char *const texts[] = {"%nSc1", "%nSd0", "%nT00",      "%o000",
                                        "$0000", "#####", "00000#####", "#####00000"};
    uint8_t data[8];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_null_fails(zmq_z85_decode(data, texts[i]), EINVAL);
}

static void test_keypairs(void **state)
{
    (void)state;
    char public_key[8][42];
    char secret_key[8][42];
    for (int i = 0; i < 8; i++) {
        char derived[42];
        memset(public_key[i], 'x', 42);
        memset(secret_key[i], 'x', 42);
        memset(derived, 'x', 42);
        assert_ok(zmq_curve_keypair(public_key[i], secret_key[i]));
        assert_int_equal(strlen(public_key[i]), 40);
        assert_int_equal(strlen(secret_key[i]), 40);
        assert_int_equal(public_key[i][41], 'x');
        assert_int_equal(secret_key[i][41], 'x');
        assert_ok(zmq_curve_public(derived, secret_key[i]));
        assert_string_equal(derived, public_key[i]);
        assert_int_equal(derived[41], 'x');
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(public_key[k], public_key[i]);
            assert_string_not_equal(secret_key[k], secret_key[i]);
        }
    }
}

/* RFC 7748, section 6.1: Alice's and Bob's keys. */
static void test_known_public_keys(void **state)
{
    (void)state;
    static const uint8_t pairs[2][2][32] = {
        {{0x77, 0x07, 0x6d, 0x0a, 0x73, 0x18, 0xa5, 0x7d, 0x3c, 0x16, 0xc1, 0x72, 0x51, 0xb2, 0x66, 0x45,
          0xdf, 0x4c, 0x2f, 0x87, 0xeb, 0xc0, 0x99, 0x2a, 0xb1, 0x77, 0xfb, 0xa5, 0x1d, 0xb9, 0x2c, 0x2a},
         {0x85, 0x20, 0xf0, 0x09, 0x89, 0x30, 0xa7, 0x54, 0x74, 0x8b, 0x7d, 0xdc, 0xb4, 0x3e, 0xf7, 0x5a,
          0x0d, 0xbf, 0x3a, 0x0d, 0x26, 0x38, 0x1a, 0xf4, 0xeb, 0xa4, 0xa9, 0x8e, 0xaa, 0x9b, 0x4e, 0x6a}},
        {{0x5d, 0xab, 0x08, 0x7e, 0x62, 0x4a, 0x8a, 0x4b, 0x79, 0xe1, 0x7f, 0x8b, 0x83, 0x80, 0x0e, 0xe6,
          0x6f, 0x3b, 0xb1, 0x29, 0x26, 0x18, 0xb6, 0xfd, 0x1c, 0x2f, 0x8b, 0x27, 0xff, 0x88, 0xe0, 0xeb},
         {0xde, 0x9e, 0xdb, 0x7d, 0x7b, 0x7d, 0xc1, 0xb4, 0xd3, 0x5b, 0x61, 0xc2, 0xec, 0xe4, 0x35, 0x37,
          0x3f, 0x83, 0x43, 0xc8, 0x5b, 0x78, 0x67, 0x4d, 0xad, 0xfc, 0x7e, 0x14, 0x6f, 0x88, 0x2b, 0x4f}}};
    for (int i = 0; i < 2; i++) {
        char secret_key[41];
        char public_key[41];
        char expected[41];
        assert_non_null(zmq_z85_encode(secret_key, pairs[i][0], 32));
        assert_non_null(zmq_z85_encode(expected, pairs[i][1], 32));
        assert_ok(zmq_curve_public(public_key, secret_key));
        assert_string_equal(public_key, expected);
    }
}

static void test_keys_fit_the_socket_options(void **state)
{
    struct world *world = *state;
    char public_key[41];
    char secret_key[41];
    char got[41];
    size_t size = sizeof got;
    assert_ok(zmq_curve_keypair(public_key, secret_key));
    void *socket = open_socket(world, ZMQ_DEALER);
    set_bytes(socket, ZMQ_CURVE_PUBLICKEY, public_key, sizeof public_key);
    set_bytes(socket, ZMQ_CURVE_SECRETKEY, secret_key, sizeof secret_key);
    assert_ok(zmq_getsockopt(socket, ZMQ_CURVE_SECRETKEY, got, &size));
    assert_string_equal(got, secret_key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_example_of_the_rfc),
        cmocka_unit_test(test_borders),
        cmocka_unit_test(test_every_length),
        cmocka_unit_test(test_texts_of_a_wrong_length),
        cmocka_unit_test(test_characters_outside_the_alphabet),
        cmocka_unit_test(test_values_above_32_bits),
        cmocka_unit_test(test_keypairs),
        cmocka_unit_test(test_known_public_keys),
        world_test(test_keys_fit_the_socket_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
