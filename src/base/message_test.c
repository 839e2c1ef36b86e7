/* SPDX-License-Identifier: ISC */
/* Message frames and the properties they carry. */
#include "base/message.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/trash.h"

static int freed;
static void *freed_data;

static void count_free(void *data, void *hint)
{
    freed++;
    freed_data = data;
    *(int *)hint += 1;
}

static void small_frames_are_inline(void **state)
{
    struct ih_msg msg;

    (void)state;
    assert_int_equal(ih_msg_init_size(&msg, IH_MSG_INLINE), 0);
    assert_int_equal(msg.type, IH_MSG_SMALL);
    assert_ptr_equal(ih_msg_data(&msg), (uint8_t *)&msg + 8);
    assert_int_equal(ih_msg_size(&msg), IH_MSG_INLINE);
    assert_true(ih_msg_sole(&msg));
    ih_msg_close(&msg);
    assert_false(ih_msg_valid(&msg));
    assert_int_equal(ih_msg_init_size(&msg, IH_MSG_INLINE + 1), 0);
    assert_int_equal(msg.type, IH_MSG_LARGE);
    ih_msg_close(&msg);
}

static void copies_hold_the_octets(void **state)
{
    uint8_t octets[300];
    struct ih_msg msg;

    (void)state;
    for (size_t i = 0; i < sizeof octets; i++)
        octets[i] = (uint8_t)(i * 7);
    for (size_t size = 0; size <= sizeof octets; size++) {
        assert_int_equal(ih_msg_init_copy(&msg, octets, size), 0);
        assert_int_equal(ih_msg_size(&msg), size);
        assert_memory_equal(ih_msg_data(&msg), octets, size);
        ih_msg_close(&msg);
    }
    assert_int_equal(ih_msg_init_copy(&msg, NULL, 0), 0);
    ih_msg_close(&msg);
}

static void headroom_is_in_front_of_aligned_data(void **state)
{
    static const size_t heads[] = {0, 1, 16, 33, 1000};
    struct ih_msg msg;

    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        for (size_t size = 0; size < 40; size++) {
            assert_int_equal(ih_msg_init_headroom(&msg, size, heads[i]), 0);
            assert_int_equal(msg.type, IH_MSG_LARGE);
            assert_int_equal((uintptr_t)ih_msg_data(&msg) % 16, 0);
            assert_ptr_equal(msg.u.large.content->data, ih_msg_data(&msg) - heads[i]);
            assert_int_equal(msg.u.large.content->size, heads[i] + size);
            memset(msg.u.large.content->data, 0xa5, heads[i] + size);
            ih_msg_close(&msg);
        }
    }
}

static void impossible_sizes_are_out_of_memory(void **state)
{
    static const size_t sizes[] = {SIZE_MAX,      SIZE_MAX - 1, SIZE_MAX - 40,    SIZE_MAX - 55,
                                   SIZE_MAX - 64, SIZE_MAX / 2, SIZE_MAX / 2 + 1, SIZE_MAX / 2 - 54};
    struct ih_msg msg;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_int_equal(ih_msg_init_size(&msg, sizes[i]), -ENOMEM);
        /* What is left is a frame that may be closed. */
        assert_int_equal(ih_msg_size(&msg), 0);
        ih_msg_close(&msg);
        assert_int_equal(ih_msg_init_headroom(&msg, 1, sizes[i]), -ENOMEM);
        assert_int_equal(ih_msg_init_headroom(&msg, sizes[i], sizes[i]), -ENOMEM);
        assert_int_equal(ih_msg_init_headroom(&msg, sizes[i], 16), -ENOMEM);
    }
}

static void shared_content_is_freed_by_the_last(void **state)
{
    char data[100] = "octets";
    int hint = 0;
    struct ih_msg one;
    struct ih_msg two;
    struct ih_msg three;

    (void)state;
    freed = 0;
    assert_int_equal(ih_msg_init_data(&one, data, sizeof data, count_free, &hint), 0);
    one.flags |= IH_MSG_MORE;
    ih_msg_share(&two, &one);
    assert_ptr_equal(ih_msg_data(&two), data);
    assert_true(ih_msg_more(&two));
    assert_true(one.flags & IH_MSG_SHARED);
    assert_true(two.flags & IH_MSG_SHARED);
    ih_msg_close(&one);
    assert_int_equal(freed, 0);
    ih_msg_take(&three, &two);
    assert_int_equal(ih_msg_size(&two), 0);
    ih_msg_close(&two);
    ih_msg_share(&two, &three);
    ih_msg_close(&three);
    assert_int_equal(freed, 0);
    ih_msg_close(&two);
    assert_int_equal(freed, 0); /* there may be a lock */
    ih_trash_empty();
    assert_int_equal(freed, 1);
    assert_ptr_equal(freed_data, data);
    assert_int_equal(hint, 1);
}

static void only_own_unshared_memory_is_sole(void **state)
{
    char data[100];
    int hint = 0;
    struct ih_msg one;
    struct ih_msg two;

    (void)state;
    assert_int_equal(ih_msg_init_size(&one, 100), 0);
    assert_true(ih_msg_sole(&one));
    ih_msg_share(&two, &one);
    assert_false(ih_msg_sole(&one));
    assert_false(ih_msg_sole(&two));
    ih_msg_close(&one);
    assert_true(ih_msg_sole(&two));
    ih_msg_close(&two);
    assert_int_equal(ih_msg_init_data(&one, data, sizeof data, count_free, &hint), 0);
    assert_false(ih_msg_sole(&one));
    ih_msg_close(&one);
    ih_trash_empty();
    assert_int_equal(ih_msg_init_data(&one, data, sizeof data, NULL, NULL), 0);
    assert_false(ih_msg_sole(&one));
    ih_msg_share(&two, &one);
    assert_ptr_equal(ih_msg_data(&two), data);
    ih_msg_close(&one);
    ih_msg_close(&two);
}

static void truncation_keeps_the_front(void **state)
{
    struct ih_msg msg;

    (void)state;
    assert_int_equal(ih_msg_init_copy(&msg, "hello", 5), 0);
    ih_msg_truncate(&msg, 2);
    assert_int_equal(ih_msg_size(&msg), 2);
    assert_memory_equal(ih_msg_data(&msg), "he", 2);
    ih_msg_close(&msg);
    assert_int_equal(ih_msg_init_size(&msg, 500), 0);
    memset(ih_msg_data(&msg), 3, 500);
    ih_msg_truncate(&msg, 7);
    assert_int_equal(ih_msg_size(&msg), 7);
    ih_msg_close(&msg);
}

static void *share_and_close(void *arg)
{
    struct ih_msg *mine = arg;

    for (int i = 0; i < 1000; i++) {
        struct ih_msg more;

        ih_msg_share(&more, mine);
        assert_int_equal(ih_msg_data(&more)[9], 9);
        ih_msg_close(&more);
    }
    ih_msg_close(mine);
    return NULL;
}

static void content_is_shared_between_threads(void **state)
{
    struct ih_props *props = ih_props_new();
    struct ih_msg msgs[4];
    pthread_t threads[4];

    (void)state;
    assert_non_null(props);
    assert_int_equal(ih_msg_init_size(&msgs[0], 64), 0);
    ih_msg_set_props(&msgs[0], props);
    ih_props_release(props);
    ih_msg_data(&msgs[0])[9] = 9;
    for (int i = 1; i < 4; i++)
        ih_msg_share(&msgs[i], &msgs[0]);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, share_and_close, &msgs[i]), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void properties_are_found_by_their_names(void **state)
{
    struct ih_props *props = ih_props_new();
    struct ih_msg msg;
    struct ih_msg copy;
    size_t size = 0;

    (void)state;
    assert_non_null(props);
    assert_null(ih_props_get(props, "Socket-Type"));
    assert_int_equal(ih_props_set(&props, "Socket-Type", 11, "DEALER", 6), 0);
    assert_int_equal(ih_props_set(&props, "Identity", 8, NULL, 0), 0);
    assert_int_equal(ih_props_set(&props, "X-bin", 5, "a\0b", 3), 0);
    ih_msg_init(&msg);
    ih_msg_set_props(&msg, props);
    ih_props_release(props);
    ih_msg_share(&copy, &msg);
    ih_msg_close(&msg);
    assert_string_equal(ih_props_get(copy.props, "Socket-Type"), "DEALER");
    assert_string_equal(ih_props_get(copy.props, "Identity"), "");
    assert_null(ih_props_get(copy.props, "socket-type"));
    assert_null(ih_props_get(copy.props, "Identit"));
    assert_null(ih_props_get(copy.props, "Identity2"));
    assert_null(ih_props_get(copy.props, ""));
    assert_memory_equal(ih_props_value(copy.props, "X-bin", &size), "a\0b", 4);
    assert_int_equal(size, 3);
    ih_msg_set_props(&copy, NULL);
    assert_null(copy.props);
    ih_msg_close(&copy);
}

static void properties_are_replaced(void **state)
{
    struct ih_props *props = ih_props_new();

    (void)state;
    assert_int_equal(ih_props_set(&props, "a", 1, "1", 1), 0);
    assert_int_equal(ih_props_set(&props, "b", 1, "2", 1), 0);
    assert_int_equal(ih_props_set(&props, "c", 1, "3", 1), 0);
    assert_int_equal(ih_props_set(&props, "a", 1, "longer", 6), 0);
    assert_int_equal(ih_props_set(&props, "b", 1, NULL, 0), 0);
    assert_string_equal(ih_props_get(props, "a"), "longer");
    assert_string_equal(ih_props_get(props, "b"), "");
    assert_string_equal(ih_props_get(props, "c"), "3");
    ih_props_release(props);
}

static void properties_are_limited(void **state)
{
    struct ih_props *props = ih_props_new();
    char name[256];
    char *value = calloc(1, 70000);

    (void)state;
    memset(name, 'n', sizeof name);
    assert_int_equal(ih_props_set(&props, "", 0, "1", 1), -EINVAL);
    assert_int_equal(ih_props_set(&props, name, 256, "1", 1), -EINVAL);
    assert_int_equal(ih_props_set(&props, name, 255, "1", 1), 0);
    assert_int_equal(ih_props_set(&props, "a", 1, value, 65536), -EMSGSIZE);
    assert_int_equal(ih_props_set(&props, "a", 1, value, SIZE_MAX), -EMSGSIZE);
    assert_int_equal(ih_props_set(&props, "a", 1, value, 65000), 0);
    assert_int_equal(ih_props_set(&props, "b", 1, value, 1000), -EMSGSIZE);
    /* What is replaced makes room. */
    assert_int_equal(ih_props_set(&props, "a", 1, value, 65001), 0);
    assert_string_equal(ih_props_get(props, "a"), "");
    ih_props_release(props);
    free(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_frames_are_inline),
        cmocka_unit_test(copies_hold_the_octets),
        cmocka_unit_test(headroom_is_in_front_of_aligned_data),
        cmocka_unit_test(impossible_sizes_are_out_of_memory),
        cmocka_unit_test(shared_content_is_freed_by_the_last),
        cmocka_unit_test(only_own_unshared_memory_is_sole),
        cmocka_unit_test(truncation_keeps_the_front),
        cmocka_unit_test(content_is_shared_between_threads),
        cmocka_unit_test(properties_are_found_by_their_names),
        cmocka_unit_test(properties_are_replaced),
        cmocka_unit_test(properties_are_limited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
