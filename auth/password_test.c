/* SPDX-License-Identifier: ISC */
#include "auth/password.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

static char good[AUTH_HASH_MAX];

static void test_right_and_wrong(void **state)
{
    (void)state;
    assert_int_equal(auth_password_check(good, "sesame"), 0);
    assert_int_equal(auth_password_check(good, "sesam"), -EACCES);
    assert_int_equal(auth_password_check(good, "sesame "), -EACCES);
    assert_int_equal(auth_password_check(good, ""), -EACCES);
    assert_int_equal(auth_password_check(NULL, "sesame"), -ENOENT);
}

static void test_two_hashes_of_one_password_differ(void **state)
{
    char other[AUTH_HASH_MAX];
    char stamps[3][AUTH_STAMP_SIZE];

    (void)state;
    assert_int_equal(auth_password_hash(other, "sesame"), 0);
    assert_string_not_equal(good, other);
    assert_int_equal(auth_password_check(other, "sesame"), 0);
    auth_password_stamp(stamps[0], good);
    auth_password_stamp(stamps[1], other);
    auth_password_stamp(stamps[2], good);
    assert_string_not_equal(stamps[0], stamps[1]);
    assert_string_equal(stamps[0], stamps[2]);
    assert_int_equal(strlen(stamps[0]), AUTH_STAMP_SIZE - 1);
}

static void test_damaged_hashes(void **state)
{
    static const char *const bad[] = {
        "",
        "x",
        "sesame",
        "$argon2id$",
        "$argon2i$v=19$m=65536,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=65536,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=65536,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$",
        "$argon2id$v=19$m=65536,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$%%%%",
        "$argon2id$v=19$m=65536,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA%%",
        "$argon2id$v=19$m=-1,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=0,t=0,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=4194303,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=65536,t=9999999,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc8",
    };
    char text[400];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(auth_password_is_hash(bad[i]));
    for (size_t i = 0; i < strlen(good); i++) {
        (void)snprintf(text, sizeof text, "%.*s", (int)i, good);
        assert_false(auth_password_is_hash(text));
    }
    (void)snprintf(text, sizeof text, "%s ", good);
    assert_false(auth_password_is_hash(text));
    (void)snprintf(text, sizeof text, "%s%s%s", good, good, good);
    assert_false(auth_password_is_hash(text));
    assert_true(auth_password_is_hash(good));
    assert_int_equal(auth_password_check(text, "sesame"), -EBADMSG);
    assert_int_equal(auth_password_check("", "sesame"), -EBADMSG);
}

static void test_without_memory_nobody_gets_in(void **state)
{
    struct rlimit old;
    struct rlimit low;
    int right, unknown;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
    low = old;
    low.rlim_cur = 32u << 20;
    assert_int_equal(setrlimit(RLIMIT_AS, &low), 0);
    right = auth_password_check(good, "sesame");
    unknown = auth_password_check(NULL, "sesame");
    assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
    assert_int_equal(right, -ENOMEM);
    assert_int_equal(unknown, -ENOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right_and_wrong),
        cmocka_unit_test(test_two_hashes_of_one_password_differ),
        cmocka_unit_test(test_damaged_hashes),
        cmocka_unit_test(test_without_memory_nobody_gets_in),
    };

    if (auth_password_hash(good, "sesame") != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
