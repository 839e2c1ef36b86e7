/* SPDX-License-Identifier: ISC */
/* Used cookies: remembered for two minutes, and nobody takes the room of the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "curvezmq/cookie.h"
#include "libcurve/used.h"

static uint32_t last;

/* A cookie that was not there before. */
static int add_new(struct ih_used *used, uint32_t client, uint64_t now_ms)
{
    uint8_t name[IH_COOKIE_NAME] = {0};
    uint8_t key[IH_CURVE_KEY] = {0};

    last++;
    memcpy(name, &last, sizeof(last));
    memcpy(key, &client, sizeof(client));
    return ih_used_add(used, name, key, now_ms);
}

static void test_remembered(void **state)
{
    enum { START = 500000, LATER = START + IH_COOKIE_LIFE_MS, END = LATER + IH_COOKIE_LIFE_MS };
    static const uint8_t name[IH_COOKIE_NAME] = "name";
    static const uint8_t key[IH_CURVE_KEY] = "key";
    struct ih_used used = {0};

    (void)state;
    assert_false(ih_used_has(&used, name));
    assert_int_equal(ih_used_add(&used, name, key, START), 0);
    assert_int_equal(ih_used_add(&used, name, key, START), -EEXIST);
    assert_int_equal(add_new(&used, 1, LATER), 0);
    assert_true(ih_used_has(&used, name));
    assert_int_equal(ih_used_add(&used, name, key, END - 1), -EEXIST);
    assert_int_equal(ih_used_add(&used, name, key, END), 0);
    ih_used_fini(&used);
}

/* One client makes handshakes without end: it is refused, and others are not. */
static void test_hog(void **state)
{
    struct ih_used used = {0};
    int taken = 0;

    (void)state;
    assert_int_equal(add_new(&used, 1, IH_COOKIE_LIFE_MS), 0);
    for (taken = 1; add_new(&used, 1, IH_COOKIE_LIFE_MS) == 0; taken++)
        assert_true(taken < IH_USED_MAX);
    assert_int_equal(add_new(&used, 1, IH_COOKIE_LIFE_MS), -ENOSPC);
    for (uint32_t client = 2; client < 10002; client++)
        assert_int_equal(add_new(&used, client, IH_COOKIE_LIFE_MS), 0);
    /* After two minutes it may again. */
    assert_int_equal(add_new(&used, 1, UINT64_C(2) * IH_COOKIE_LIFE_MS), 0);
    ih_used_fini(&used);
}

/* However many hogs there are, there is an end. */
static void test_full(void **state)
{
    struct ih_used used = {0};
    int taken = 0;

    (void)state;
    for (uint32_t client = 0; client < 2 * IH_USED_MAX; client++)
        taken += add_new(&used, client, IH_COOKIE_LIFE_MS) == 0;
    assert_int_equal(taken, IH_USED_MAX);
    ih_used_fini(&used);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_remembered),
        cmocka_unit_test(test_hog),
        cmocka_unit_test(test_full),
    };

    return cmocka_run_group_tests_name("used", tests, NULL, NULL);
}
