/* SPDX-License-Identifier: ISC */
/* zmq_msg_t by itself: making, closing, copying, moving, sharing, relocating. No socket takes part. */
#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define INLINE_MAX 33
#define INLINE_OFFSET 8

/* How often and with what the free function below was called. */
static atomic_int free_calls;
static void *freed_data;
static void *freed_hint;

static void count_free(void *data, void *hint)
{
    freed_data = data;
    freed_hint = hint;
    atomic_fetch_add(&free_calls, 1);
}

static int reset_count(void **state)
{
    (void)state;
    atomic_store(&free_calls, 0);
    freed_data = NULL;
    freed_hint = NULL;
    return 0;
}

static void expect_freed(int calls)
{
    assert_int_equal(atomic_load(&free_calls), calls);
}

static const uint8_t *data_of(zmq_msg_t *message)
{
    return zmq_msg_data(message);
}

static void fill(zmq_msg_t *message, size_t size)
{
    assert_ok(zmq_msg_init_size(message, size));
    uint8_t *data = zmq_msg_data(message);
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(i * 31 + size);
}

static void expect_filled(zmq_msg_t *message, size_t size)
{
    assert_int_equal(zmq_msg_size(message), size);
    const uint8_t *data = data_of(message);
    for (size_t i = 0; i < size; i++)
        if (data[i] != (uint8_t)(i * 31 + size))
            fail_msg("octet %zu of %zu is wrong", i, size);
}

static void test_empty_message(void **state)
{
    (void)state;
    zmq_msg_t message;
    memset(&message, 0xff, sizeof message);
    assert_ok(zmq_msg_init(&message));
    assert_int_equal(zmq_msg_size(&message), 0);
    assert_non_null(zmq_msg_data(&message));
    assert_int_equal(zmq_msg_more(&message), 0);
    assert_returns(zmq_msg_get(&message, ZMQ_MORE), 0);
    assert_returns(zmq_msg_get(&message, ZMQ_SHARED), 0);
    assert_ok(zmq_msg_close(&message));
}

static void test_sizes(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 8, 24, 29, 32, 33, 34, 35, 55, 56, 63, 64, 65, 255, 256, 8192, 1 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        zmq_msg_t message;
        fill(&message, sizes[i]);
        expect_filled(&message, sizes[i]);
        assert_int_equal(zmq_msg_more(&message), 0);
        assert_ok(zmq_msg_close(&message));
    }
}

static void test_small_messages_live_in_the_structure(void **state)
{
    (void)state;
    for (size_t size = 0; size <= 64; size++) {
        zmq_msg_t message;
        fill(&message, size);
        const uint8_t *from = (const uint8_t *)&message;
        const uint8_t *data = data_of(&message);
        if (size <= INLINE_MAX)
            assert_ptr_equal(data, from + INLINE_OFFSET);
        else
            assert_true((uintptr_t)data < (uintptr_t)from || (uintptr_t)data >= (uintptr_t)from + sizeof message);
        assert_ok(zmq_msg_close(&message));
    }
}

static void test_messages_can_be_relocated_bit_by_bit(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 33, 34, 100, 5000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        zmq_msg_t first;
        zmq_msg_t second;
        fill(&first, sizes[i]);
        memcpy(&second, &first, sizeof first);
        memset(&first, 0xee, sizeof first);
        expect_filled(&second, sizes[i]);
        zmq_msg_t *heap = malloc(sizeof *heap);
        assert_non_null(heap);
        *heap = second;
        expect_filled(heap, sizes[i]);
        assert_ok(zmq_msg_close(heap));
        free(heap);
    }
}

static void test_relocated_messages_still_share(void **state)
{
    (void)state;
    zmq_msg_t first;
    zmq_msg_t second;
    zmq_msg_t moved;
    uint8_t data[100];
    assert_ok(zmq_msg_init_data(&first, data, sizeof data, count_free, NULL));
    assert_ok(zmq_msg_init(&second));
    assert_ok(zmq_msg_copy(&second, &first));
    memcpy(&moved, &first, sizeof first);
    memset(&first, 0, sizeof first);
    assert_ok(zmq_msg_close(&moved));
    expect_freed(0);
    assert_ok(zmq_msg_close(&second));
    expect_freed(1);
}

static void test_closing_twice(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 10, 100};
    for (size_t i = 0; i < 3; i++) {
        zmq_msg_t message;
        fill(&message, sizes[i]);
        assert_ok(zmq_msg_close(&message));
        assert_fails(zmq_msg_close(&message), EFAULT);
        assert_fails(zmq_msg_close(&message), EFAULT);
    }
}

static void test_what_was_never_a_message(void **state)
{
    (void)state;
    zmq_msg_t junk;
    zmq_msg_t good;
    assert_ok(zmq_msg_init(&good));
    for (int byte = 0; byte < 256; byte += 255) {
        memset(&junk, byte, sizeof junk);
        assert_fails(zmq_msg_close(&junk), EFAULT);
        assert_fails(zmq_msg_copy(&junk, &good), EFAULT);
        assert_fails(zmq_msg_copy(&good, &junk), EFAULT);
        assert_fails(zmq_msg_move(&junk, &good), EFAULT);
        assert_fails(zmq_msg_move(&good, &junk), EFAULT);
    }
    assert_ok(zmq_msg_close(&good));
}

static void test_closed_messages_cannot_be_copied(void **state)
{
    (void)state;
    zmq_msg_t closed;
    zmq_msg_t good;
    assert_ok(zmq_msg_init(&closed));
    assert_ok(zmq_msg_close(&closed));
    fill(&good, 100);
    assert_fails(zmq_msg_copy(&good, &closed), EFAULT);
    assert_fails(zmq_msg_move(&good, &closed), EFAULT);
    assert_fails(zmq_msg_copy(&closed, &good), EFAULT);
    assert_fails(zmq_msg_move(&closed, &good), EFAULT);
    expect_filled(&good, 100);
    assert_ok(zmq_msg_close(&good));
}

static void test_free_function_is_called_once(void **state)
{
    (void)state;
    uint8_t data[64];
    int hint;
    for (size_t size = 0; size <= sizeof data; size += 16) {
        reset_count(NULL);
        zmq_msg_t message;
        assert_ok(zmq_msg_init_data(&message, data, size, count_free, &hint));
        assert_ptr_equal(zmq_msg_data(&message), data);
        assert_int_equal(zmq_msg_size(&message), size);
        assert_returns(zmq_msg_get(&message, ZMQ_SHARED), 0);
        expect_freed(0);
        assert_ok(zmq_msg_close(&message));
        expect_freed(1);
        assert_ptr_equal(freed_data, data);
        assert_ptr_equal(freed_hint, &hint);
        assert_fails(zmq_msg_close(&message), EFAULT);
        expect_freed(1);
    }
}

static void test_constant_data(void **state)
{
    (void)state;
    static char constant[] = "nobody frees this";
    zmq_msg_t message;
    zmq_msg_t copy;
    assert_ok(zmq_msg_init_data(&message, constant, sizeof constant, NULL, NULL));
    assert_ptr_equal(zmq_msg_data(&message), constant);
    assert_returns(zmq_msg_get(&message, ZMQ_SHARED), 1);
    assert_ok(zmq_msg_init(&copy));
    assert_ok(zmq_msg_copy(&copy, &message));
    assert_ptr_equal(zmq_msg_data(&copy), constant);
    assert_ok(zmq_msg_close(&message));
    assert_string_equal(zmq_msg_data(&copy), "nobody frees this");
    assert_ok(zmq_msg_close(&copy));
    assert_ok(zmq_msg_init_data(&message, NULL, 0, NULL, NULL));
    assert_int_equal(zmq_msg_size(&message), 0);
    assert_ok(zmq_msg_close(&message));
}

static void test_large_copies_share(void **state)
{
    (void)state;
    zmq_msg_t message;
    zmq_msg_t copy;
    fill(&message, 100);
    assert_ok(zmq_msg_init(&copy));
    assert_ok(zmq_msg_copy(&copy, &message));
    assert_ptr_equal(zmq_msg_data(&copy), zmq_msg_data(&message));
    assert_returns(zmq_msg_get(&message, ZMQ_SHARED), 1);
    assert_returns(zmq_msg_get(&copy, ZMQ_SHARED), 1);
    assert_ok(zmq_msg_close(&message));
    expect_filled(&copy, 100);
    assert_ok(zmq_msg_close(&copy));
}

static void test_small_copies_do_not(void **state)
{
    (void)state;
    zmq_msg_t message;
    zmq_msg_t copy;
    fill(&message, INLINE_MAX);
    assert_ok(zmq_msg_init(&copy));
    assert_ok(zmq_msg_copy(&copy, &message));
    assert_ptr_not_equal(zmq_msg_data(&copy), zmq_msg_data(&message));
    assert_returns(zmq_msg_get(&message, ZMQ_SHARED), 0);
    memset(zmq_msg_data(&message), 0, INLINE_MAX);
    expect_filled(&copy, INLINE_MAX);
    assert_ok(zmq_msg_close(&message));
    assert_ok(zmq_msg_close(&copy));
}

static void test_many_copies_free_once(void **state)
{
    (void)state;
    uint8_t data[8];
    zmq_msg_t copies[100];
    assert_ok(zmq_msg_init_data(&copies[0], data, sizeof data, count_free, NULL));
    for (int i = 1; i < 100; i++) {
        assert_ok(zmq_msg_init(&copies[i]));
        assert_ok(zmq_msg_copy(&copies[i], &copies[i / 2]));
        assert_ptr_equal(zmq_msg_data(&copies[i]), data);
    }
    for (int i = 0; i < 100; i++) {
        expect_freed(0);
        assert_ok(zmq_msg_close(&copies[(i * 37) % 100]));
    }
    expect_freed(1);
}

static void test_copy_and_move_release_what_was_there(void **state)
{
    (void)state;
    uint8_t data[50];
    zmq_msg_t target;
    zmq_msg_t source;
    fill(&source, 10);
    assert_ok(zmq_msg_init_data(&target, data, sizeof data, count_free, NULL));
    assert_ok(zmq_msg_copy(&target, &source));
    expect_freed(1);
    expect_filled(&target, 10);
    expect_filled(&source, 10);
    assert_ok(zmq_msg_close(&target));
    assert_ok(zmq_msg_init_data(&target, data, sizeof data, count_free, NULL));
    assert_ok(zmq_msg_move(&target, &source));
    expect_freed(2);
    expect_filled(&target, 10);
    assert_int_equal(zmq_msg_size(&source), 0);
    assert_ok(zmq_msg_close(&target));
    assert_ok(zmq_msg_close(&source));
}

static void test_move_empties_the_source(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 33, 34, 1000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        zmq_msg_t source;
        zmq_msg_t target;
        fill(&source, sizes[i]);
        const void *data = zmq_msg_data(&source);
        assert_ok(zmq_msg_init(&target));
        assert_ok(zmq_msg_move(&target, &source));
        expect_filled(&target, sizes[i]);
        if (sizes[i] > INLINE_MAX)
            assert_ptr_equal(zmq_msg_data(&target), data);
        assert_int_equal(zmq_msg_size(&source), 0);
        assert_ok(zmq_msg_close(&source));
        assert_ok(zmq_msg_close(&target));
    }
}

static void test_moving_keeps_one_owner(void **state)
{
    (void)state;
    uint8_t data[4];
    zmq_msg_t one;
    zmq_msg_t two;
    assert_ok(zmq_msg_init_data(&one, data, sizeof data, count_free, NULL));
    assert_ok(zmq_msg_init(&two));
    for (int i = 0; i < 10; i++)
        assert_ok(i % 2 ? zmq_msg_move(&one, &two) : zmq_msg_move(&two, &one));
    expect_freed(0);
    assert_ok(zmq_msg_close(&two));
    expect_freed(0);
    assert_ok(zmq_msg_close(&one));
    expect_freed(1);
}

static void test_impossible_sizes(void **state)
{
    (void)state;
    static const size_t sizes[] = {SIZE_MAX,        SIZE_MAX - 1,   SIZE_MAX - 8,    SIZE_MAX - 40,
                                   SIZE_MAX - 64,   SIZE_MAX - 256, (size_t)1 << 63, ((size_t)1 << 63) - 1,
                                   (size_t)1 << 62, (size_t)1 << 60};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        zmq_msg_t message;
        assert_fails(zmq_msg_init_size(&message, sizes[i]), ENOMEM);
    }
}

static void test_properties(void **state)
{
    (void)state;
    static const int unknown[] = {-1, 0, 4, 5, 99};
    static const int all[] = {-1, 0, ZMQ_MORE, ZMQ_SRCFD, ZMQ_SHARED, 4, 99};
    static const char *const names[] = {"", "Socket-Type", "User-Id", "Peer-Address", "Routing-Id", "Identity", "X"};
    zmq_msg_t message;
    fill(&message, 100);
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        assert_fails(zmq_msg_get(&message, unknown[i]), EINVAL);
    assert_fails(zmq_msg_get(&message, ZMQ_SRCFD), EINVAL);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (int value = 0; value < 2; value++)
            assert_fails(zmq_msg_set(&message, all[i], value), EINVAL);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_null_fails(zmq_msg_gets(&message, names[i]), EINVAL);
    assert_null_fails(zmq_msg_gets(&message, NULL), EINVAL);
    expect_filled(&message, 100);
    assert_ok(zmq_msg_close(&message));
}

static void *close_main(void *argument)
{
    zmq_msg_t *copies = argument;
    for (int i = 0; i < 1000; i++)
        zmq_msg_close(&copies[i]);
    return NULL;
}

static void test_copies_may_be_closed_in_any_thread(void **state)
{
    (void)state;
    static zmq_msg_t copies[4][1000];
    static uint8_t data[16];
    zmq_msg_t message;
    pthread_t threads[4];
    assert_ok(zmq_msg_init_data(&message, data, sizeof data, count_free, NULL));
    for (int t = 0; t < 4; t++)
        for (int i = 0; i < 1000; i++) {
            assert_ok(zmq_msg_init(&copies[t][i]));
            assert_ok(zmq_msg_copy(&copies[t][i], &message));
        }
    assert_ok(zmq_msg_close(&message));
    for (int t = 0; t < 4; t++)
        assert_int_equal(pthread_create(&threads[t], NULL, close_main, copies[t]), 0);
    for (int t = 0; t < 4; t++)
        pthread_join(threads[t], NULL);
    expect_freed(1);
}

#define counted_test(function) cmocka_unit_test_setup(function, reset_count)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_message),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_small_messages_live_in_the_structure),
        cmocka_unit_test(test_messages_can_be_relocated_bit_by_bit),
        counted_test(test_relocated_messages_still_share),
        cmocka_unit_test(test_closing_twice),
        cmocka_unit_test(test_what_was_never_a_message),
        cmocka_unit_test(test_closed_messages_cannot_be_copied),
        counted_test(test_free_function_is_called_once),
        cmocka_unit_test(test_constant_data),
        cmocka_unit_test(test_large_copies_share),
        cmocka_unit_test(test_small_copies_do_not),
        counted_test(test_many_copies_free_once),
        counted_test(test_copy_and_move_release_what_was_there),
        cmocka_unit_test(test_move_empties_the_source),
        counted_test(test_moving_keeps_one_owner),
        cmocka_unit_test(test_impossible_sizes),
        cmocka_unit_test(test_properties),
        counted_test(test_copies_may_be_closed_in_any_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
