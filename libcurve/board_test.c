/* SPDX-License-Identifier: ISC */
/* Whom one can send to and how much; who may come in; which relay leads to whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <zmq.h>

#include "libcurve/board.h"
#include "libcurve/guard.h"
#include "libcurve/routes.h"

static uint8_t a1[CURVE_ID_SIZE] = "a";
static uint8_t a2[CURVE_ID_SIZE] = "a";
static uint8_t b1[CURVE_ID_SIZE] = "b";

static int reserve(struct ih_board *board, const uint8_t *name, size_t size, const uint8_t *expected)
{
    uint8_t id[CURVE_ID_SIZE];
    int error = ih_board_reserve(board, name, size, 0, id);

    if (error == 0)
        assert_memory_equal(id, expected, CURVE_ID_SIZE);
    return error;
}

static void setup_ids(void)
{
    a1[CURVE_KEY_SIZE] = 1;
    a2[CURVE_KEY_SIZE] = 2;
    b1[CURVE_KEY_SIZE] = 1;
}

static void test_server(void **state)
{
    struct ih_board board;

    (void)state;
    setup_ids();
    ih_board_init(&board, false);
    ih_board_limit(&board, 100, 2);
    assert_int_equal(reserve(&board, a1, CURVE_ID_SIZE, NULL), -EHOSTUNREACH);
    assert_int_equal(reserve(&board, a1, 10, NULL), -EINVAL);
    ih_board_ready(&board, a1);
    assert_int_equal(reserve(&board, a1, CURVE_KEY_SIZE, a1), 0);
    assert_int_equal(ih_board_commit(&board, a1, 1), 0);
    ih_board_ready(&board, a2);
    assert_int_equal(reserve(&board, a1, CURVE_KEY_SIZE, a2), 0);
    ih_board_cancel(&board, a2);
    assert_int_equal(reserve(&board, a1, CURVE_ID_SIZE, a1), 0);
    assert_int_equal(ih_board_commit(&board, a1, 2), 0);
    assert_int_equal(reserve(&board, a1, CURVE_ID_SIZE, NULL), -EAGAIN);
    assert_int_equal(reserve(&board, b1, CURVE_ID_SIZE, NULL), -EHOSTUNREACH);
    ih_board_settle(&board, a1, 1, true);
    assert_int_equal(reserve(&board, a1, CURVE_ID_SIZE, a1), 0);
    ih_board_cancel(&board, a1);
    /* The newest goes: the key means the other one again. */
    ih_board_closed(&board, a2);
    assert_int_equal(reserve(&board, a1, CURVE_KEY_SIZE, a1), 0);
    ih_board_cancel(&board, a1);
    ih_board_closed(&board, a1);
    assert_int_equal(reserve(&board, a1, CURVE_KEY_SIZE, NULL), -EHOSTUNREACH);
    ih_board_settle(&board, a1, 2, false);
    assert_int_equal(ih_map_count(&board.ends), 0);
    ih_board_end(&board);
    assert_int_equal(reserve(&board, a1, CURVE_KEY_SIZE, NULL), -ETERM);
    ih_board_fini(&board);
}

/* Messages are settled in any order, more than the ring had room for at first. */
static void test_settle(void **state)
{
    struct ih_board board;

    (void)state;
    setup_ids();
    ih_board_init(&board, false);
    ih_board_limit(&board, 100, 20);
    ih_board_ready(&board, a1);
    for (uint64_t i = 1; i <= 20; i++) {
        assert_int_equal(reserve(&board, a1, CURVE_ID_SIZE, a1), 0);
        assert_int_equal(ih_board_commit(&board, a1, i), 0);
        if (i == 5)
            ih_board_settle(&board, a1, 3, true);
    }
    ih_board_settle(&board, a1, 10, false);
    ih_board_settle(&board, a1, 10, false);
    ih_board_settle(&board, a1, 20, false);
    ih_board_closed(&board, a1);
    ih_board_settle(&board, a1, 18, true);
    assert_int_equal(ih_map_count(&board.ends), 1);
    ih_board_settle(&board, a1, 19, true);
    assert_int_equal(ih_map_count(&board.ends), 0);
    ih_board_fini(&board);
}

static void test_peer(void **state)
{
    static const uint8_t none[CURVE_ID_SIZE] = "a";
    struct ih_board board;

    (void)state;
    setup_ids();
    ih_board_init(&board, true);
    ih_board_limit(&board, 1, 2);
    assert_int_equal(reserve(&board, a1, CURVE_ID_SIZE, none), 0);
    assert_int_equal(reserve(&board, b1, CURVE_KEY_SIZE, NULL), -EHOSTUNREACH);
    assert_int_equal(ih_board_commit(&board, none, 1), 0);
    ih_board_uncommit(&board, none);
    ih_board_cancel(&board, none);
    assert_int_equal(ih_map_count(&board.ends), 0);
    ih_board_fini(&board);
}

static void *settle_later(void *arg)
{
    ih_board_settle(arg, a1, 1, true);
    return NULL;
}

static void test_wait(void **state)
{
    struct ih_board board;
    pthread_t thread;
    uint8_t id[CURVE_ID_SIZE];

    (void)state;
    setup_ids();
    ih_board_init(&board, false);
    ih_board_limit(&board, 100, 1);
    ih_board_ready(&board, a1);
    assert_int_equal(reserve(&board, a1, CURVE_ID_SIZE, a1), 0);
    assert_int_equal(ih_board_commit(&board, a1, 1), 0);
    assert_int_equal(ih_board_reserve(&board, a1, CURVE_ID_SIZE, 10, id), -EAGAIN);
    assert_int_equal(pthread_create(&thread, NULL, settle_later, &board), 0);
    assert_int_equal(ih_board_reserve(&board, a1, CURVE_ID_SIZE, -1, id), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    ih_board_fini(&board);
}

static void test_guard(void **state)
{
    struct ih_guard guard;

    (void)state;
    ih_guard_init(&guard);
    assert_false(ih_guard_allows(&guard, a1));
    assert_int_equal(ih_guard_allow(&guard, a1), 0);
    assert_int_equal(ih_guard_allow(&guard, a1), 0);
    assert_true(ih_guard_allows(&guard, a1));
    assert_false(ih_guard_allows(&guard, b1));
    assert_int_equal(ih_guard_allow(&guard, NULL), 0);
    assert_true(ih_guard_allows(&guard, b1));
    ih_guard_deny(&guard, NULL);
    assert_false(ih_guard_allows(&guard, b1));
    ih_guard_deny(&guard, a1);
    ih_guard_deny(&guard, a1);
    assert_false(ih_guard_allows(&guard, a1));
    assert_int_equal(ih_guard_allow(&guard, b1), 0);
    ih_guard_fini(&guard);
}

static void test_routes(void **state)
{
    static const uint8_t c[CURVE_KEY_SIZE] = "c";
    struct ih_routes routes;

    (void)state;
    ih_routes_init(&routes, 2);
    assert_int_equal(ih_routes_find(&routes, a1), -1);
    ih_routes_set(&routes, a1, 1);
    ih_routes_set(&routes, b1, 2);
    ih_routes_set(&routes, a1, 3);
    assert_int_equal(ih_routes_find(&routes, a1), 3);
    ih_routes_set(&routes, c, 4);
    assert_int_equal(ih_routes_find(&routes, b1), -1);
    assert_int_equal(ih_routes_find(&routes, a1), 3);
    assert_int_equal(ih_routes_find(&routes, c), 4);
    ih_routes_fini(&routes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server), cmocka_unit_test(test_settle), cmocka_unit_test(test_peer),
        cmocka_unit_test(test_wait),   cmocka_unit_test(test_guard),  cmocka_unit_test(test_routes),
    };

    return cmocka_run_group_tests_name("board", tests, NULL, NULL);
}
