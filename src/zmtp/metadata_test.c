/* SPDX-License-Identifier: ISC */
/* Metadata: good, malformed, and cut at every length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "zmtp/metadata.h"

/* The RFC's worked example. */
static const uint8_t example[] = "\13Socket-Type\0\0\0\6DEALER\10Identity\0\0\0";

/* Checks a copy that a sanitizer sees the end of. */
static int check(const void *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    int rc;

    assert_non_null(copy);
    memcpy(copy, data, size);
    rc = ih_metadata_check(copy, size);
    free(copy);
    return rc;
}

static void example_has_two_properties(void **state)
{
    struct ih_metadata metadata = {example, sizeof example};
    struct ih_property property;

    (void)state;
    assert_int_equal(ih_metadata_next(&metadata, &property), 1);
    assert_int_equal(property.name_size, 11);
    assert_memory_equal(property.name, "Socket-Type", 11);
    assert_int_equal(property.value_size, 6);
    assert_memory_equal(property.value, "DEALER", 6);
    assert_int_equal(ih_metadata_next(&metadata, &property), 1);
    assert_true(ih_property_is(&property, "iDENTITY"));
    assert_int_equal(property.value_size, 0);
    assert_int_equal(ih_metadata_next(&metadata, &property), 0);
}

static void written_as_the_example(void **state)
{
    uint8_t out[sizeof example];
    uint8_t *p = out;

    (void)state;
    assert_int_equal(ih_metadata_room("Socket-Type", 6) + ih_metadata_room("Identity", 0), sizeof example);
    p = ih_metadata_put(p, "Socket-Type", "DEALER", 6);
    p = ih_metadata_put(p, "Identity", NULL, 0);
    assert_ptr_equal(p, out + sizeof out);
    assert_memory_equal(out, example, sizeof example);
}

static void cut_at_every_length(void **state)
{
    (void)state;
    for (size_t size = 0; size <= sizeof example; size++) {
        bool whole = size == 0 || size == 22 || size == sizeof example;

        assert_int_equal(check(example, size), whole ? 0 : -EPROTO);
    }
}

static void names(void **state)
{
    uint8_t wire[] = {1, 'x', 0, 0, 0, 0};

    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    (c != 0 && strchr("-_.+", (int)c));

        wire[1] = (uint8_t)c;
        assert_int_equal(check(wire, sizeof wire), good ? 0 : -EPROTO);
    }
    /* "Zero-sized names are not valid." */
    assert_int_equal(check("\0\0\0\0\0", 5), -EPROTO);
}

static void name_of_255_octets(void **state)
{
    uint8_t wire[1 + 255 + 4 + 1];

    (void)state;
    memset(wire, 'n', sizeof wire);
    wire[0] = 255;
    memcpy(wire + 256, "\0\0\0\1", 4);
    assert_int_equal(check(wire, sizeof wire), 0);
    assert_int_equal(check(wire, sizeof wire - 1), -EPROTO);
}

static void value_sizes(void **state)
{
    static const uint32_t sizes[] = {4, 5, 255, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
    uint8_t wire[] = {1, 'n', 0, 0, 0, 0, 'a', 'b', 'c'};

    (void)state;
    wire[5] = 3;
    assert_int_equal(check(wire, sizeof wire), 0);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        wire[2] = (uint8_t)(sizes[i] >> 24);
        wire[3] = (uint8_t)(sizes[i] >> 16);
        wire[4] = (uint8_t)(sizes[i] >> 8);
        wire[5] = (uint8_t)sizes[i];
        assert_int_equal(check(wire, sizeof wire), -EPROTO);
    }
}

static void number_of_properties_is_bounded(void **state)
{
    uint8_t wire[6 * (IH_METADATA_PROPERTIES + 1)];

    (void)state;
    for (size_t i = 0; i < sizeof wire; i += 6)
        memcpy(wire + i, "\1x\0\0\0", 6);
    assert_int_equal(check(wire, sizeof wire - 6), 0);
    assert_int_equal(check(wire, sizeof wire), -EPROTO);
}

static void last_of_a_name_counts(void **state)
{
    static const uint8_t wire[] = "\3X-a\0\0\0\1p\3x-A\0\0\0\2qr\3X-b\0\0\0";
    const uint8_t *value;
    size_t size;

    (void)state;
    value = ih_metadata_find(wire, sizeof wire, "X-A", &size);
    assert_int_equal(size, 2);
    assert_memory_equal(value, "qr", 2);
    assert_non_null(ih_metadata_find(wire, sizeof wire, "X-b", &size));
    assert_int_equal(size, 0);
    assert_null(ih_metadata_find(wire, sizeof wire, "X-c", &size));
    assert_null(ih_metadata_find(NULL, 0, "X-c", &size));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(example_has_two_properties),
        cmocka_unit_test(written_as_the_example),
        cmocka_unit_test(cut_at_every_length),
        cmocka_unit_test(names),
        cmocka_unit_test(name_of_255_octets),
        cmocka_unit_test(value_sizes),
        cmocka_unit_test(number_of_properties_is_bounded),
        cmocka_unit_test(last_of_a_name_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
