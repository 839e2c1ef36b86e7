/* SPDX-License-Identifier: ISC */
/* Z85 by the vectors of RFC 32, and what is no Z85. */
#include "base/z85.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* RFC 32, "Test Case" */
static void the_specification_s_vector(void **state)
{
    static const uint8_t octets[8] = {0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b};
    uint8_t decoded[8];
    char text[11];

    (void)state;
    assert_int_equal(ih_z85_encode(text, octets, sizeof octets), 0);
    assert_string_equal(text, "HelloWorld");
    assert_int_equal(ih_z85_decode(decoded, text, 10), 0);
    assert_memory_equal(decoded, octets, sizeof octets);
}

static void every_octet_survives(void **state)
{
    uint8_t octets[256];
    uint8_t decoded[256];
    char text[321];

    (void)state;
    for (int i = 0; i < 256; i++)
        octets[i] = (uint8_t)(i * 151);
    for (size_t size = 0; size <= sizeof octets; size += 4) {
        memset(text, '~', sizeof text);
        assert_int_equal(ih_z85_encode(text, octets, size), 0);
        assert_int_equal(strlen(text), size / 4 * 5);
        assert_int_equal(ih_z85_decode(decoded, text, size / 4 * 5), 0);
        assert_memory_equal(decoded, octets, size);
    }
}

static void groups_end_at_32_bits(void **state)
{
    static const uint8_t ones[4] = {255, 255, 255, 255};
    static const uint8_t untouched[4] = {1, 2, 3, 4};
    uint8_t decoded[4] = {1, 2, 3, 4};

    (void)state;
    assert_int_equal(ih_z85_decode(decoded, "%nSc1", 5), -EINVAL);
    assert_int_equal(ih_z85_decode(decoded, "#####", 5), -EINVAL);
    assert_memory_equal(decoded, untouched, 4);
    assert_int_equal(ih_z85_decode(decoded, "%nSc0", 5), 0);
    assert_memory_equal(decoded, ones, 4);
}

static void other_text_is_refused(void **state)
{
    static const uint8_t octets[8] = {0};
    uint8_t decoded[8] = {0};
    char text[16] = "0000000000";
    unsigned valid = 0;

    (void)state;
    for (size_t size = 1; size < 10; size++)
        if (size != 5)
            assert_int_equal(ih_z85_decode(decoded, text, size), -EINVAL);
    for (size_t size = 1; size < 8; size++)
        if (size != 4)
            assert_int_equal(ih_z85_encode(text, octets, size), -EINVAL);
    memcpy(text, "0000000000", 11);
    for (int c = 0; c < 256; c++) {
        text[9] = (char)c;
        valid += ih_z85_decode(decoded, text, 10) == 0;
    }
    assert_int_equal(valid, 85);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_specification_s_vector),
        cmocka_unit_test(every_octet_survives),
        cmocka_unit_test(groups_end_at_32_bits),
        cmocka_unit_test(other_text_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
