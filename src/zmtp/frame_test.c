/* SPDX-License-Identifier: ISC */
/* Frame heads: every flags octet, sizes up to the largest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "zmtp/frame.h"

static struct ih_frame frame;

static void flags(void **state)
{
    (void)state;
    for (unsigned value = 0; value < 256; value++) {
        const uint8_t wire[9] = {(uint8_t)value, 0, 0, 0, 0, 0, 0, 0, 7};
        bool good = value <= 6 && value != 5;

        assert_int_equal(ih_frame_parse(wire, sizeof wire, &frame), good ? 1 : -EPROTO);
        if (good) {
            assert_int_equal(frame.flags, value);
            assert_int_equal(frame.head, value & IH_FRAME_LONG ? 9 : 2);
            assert_int_equal(frame.size, value & IH_FRAME_LONG ? 7 : 0);
        }
    }
}

static void sizes_go_there_and_back(void **state)
{
    static const uint64_t sizes[] = {0, 1, 255, 256, 65535, 65536, UINT64_C(1) << 32, INT64_MAX};
    uint8_t wire[9];

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t head = ih_frame_put(wire, IH_FRAME_MORE, sizes[i]);

        assert_int_equal(head, sizes[i] < 256 ? 2 : 9);
        assert_int_equal(head, ih_frame_head(sizes[i]));
        for (size_t size = 0; size < head; size++)
            assert_int_equal(ih_frame_parse(wire, size, &frame), 0);
        assert_int_equal(ih_frame_parse(wire, head, &frame), 1);
        assert_int_equal(frame.size, sizes[i]);
        assert_int_equal(frame.head, head);
        assert_int_equal(frame.flags & ~(unsigned)IH_FRAME_LONG, IH_FRAME_MORE);
    }
}

/* "A long frame has a body of 0 to 2^63-1 octets." */
static void highest_bit_of_a_size(void **state)
{
    const uint8_t smallest[9] = {2, 0x80};
    const uint8_t largest[9] = {2, 255, 255, 255, 255, 255, 255, 255, 255};

    (void)state;
    assert_int_equal(ih_frame_parse(smallest, sizeof smallest, &frame), -EPROTO);
    assert_int_equal(ih_frame_parse(largest, sizeof largest, &frame), -EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags),
        cmocka_unit_test(sizes_go_there_and_back),
        cmocka_unit_test(highest_bit_of_a_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
