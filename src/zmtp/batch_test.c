/* SPDX-License-Identifier: ISC */
/* A batch that is written in pieces of any size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/trash.h"
#include "zmtp/batch.h"

static struct ih_batch batch;
static int freed;

static void count_free(void *data, void *hint)
{
    (void)data;
    (void)hint;
    freed++;
}

static void fill(void)
{
    static char large[] = "0123456789";

    freed = 0;
    ih_batch_init(&batch);
    memcpy(batch.buf, "abcdef", 6);
    assert_int_equal(ih_msg_init_data(&batch.held[0], large, 10, count_free, NULL), 0);
    batch.held_count = 1;
    batch.used = 6;
    batch.iov[0] = (struct iovec){batch.buf, 3};
    batch.iov[1] = (struct iovec){large, 10};
    batch.iov[2] = (struct iovec){batch.buf + 3, 3};
    batch.iovs = 3;
    batch.bytes = 16;
}

static void written_in_pieces(void **state)
{
    (void)state;
    for (size_t piece = 1; piece <= 17; piece++) {
        char got[17] = "";
        size_t size = 0;

        fill();
        while (!ih_batch_empty(&batch)) {
            size_t take = batch.bytes < piece ? batch.bytes : piece;
            size_t left = take;

            for (unsigned i = batch.first_iov; left > 0; i++) {
                size_t part = batch.iov[i].iov_len < left ? batch.iov[i].iov_len : left;

                memcpy(got + size, batch.iov[i].iov_base, part);
                size += part;
                left -= part;
            }
            ih_trash_empty();
            assert_int_equal(freed, 0);
            ih_batch_written(&batch, take);
        }
        assert_string_equal(got, "abc0123456789def");
        ih_trash_empty();
        assert_int_equal(freed, 1);
        assert_int_equal(batch.iovs, 0);
        assert_int_equal(batch.used, 0);
        assert_int_equal(batch.held_count, 0);
    }
}

static void cleared_before_it_is_written(void **state)
{
    (void)state;
    fill();
    ih_batch_written(&batch, 5);
    ih_batch_clear(&batch);
    ih_trash_empty();
    assert_int_equal(freed, 1);
    assert_true(ih_batch_empty(&batch));
    assert_int_equal(batch.first_iov, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_in_pieces),
        cmocka_unit_test(cleared_before_it_is_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
