/* SPDX-License-Identifier: ISC */
#include "auth/password.h"

#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef int(hash_fn)(unsigned char *, unsigned long long, const char *, unsigned long long, const unsigned char *,
                     unsigned long long, size_t, int);

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
    assert_int_equal(strncmp(other, "$argon2id$v=19$m=65536,t=2,p=1$", 31), 0);
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

static bool no_memory;

/* In place of libsodium's, which fails for want of memory alone. */
int crypto_pwhash(unsigned char *const out, unsigned long long out_size, const char *const password,
                  unsigned long long size, const unsigned char *const salt, unsigned long long rounds, size_t memory,
                  int algorithm)
{
    hash_fn *real = NULL;

    if (no_memory) {
        errno = ENOMEM;
        return -1;
    }
    *(void **)(void *)&real = dlsym(RTLD_NEXT, "crypto_pwhash");
    return real(out, out_size, password, size, salt, rounds, memory, algorithm);
}

static void test_without_memory_nobody_gets_in(void **state)
{
    (void)state;
    no_memory = true;
    assert_int_equal(auth_password_check(good, "sesame"), -ENOMEM);
    assert_int_equal(auth_password_check(good, "wrong"), -ENOMEM);
    assert_int_equal(auth_password_check(NULL, "sesame"), -ENOMEM);
    assert_int_equal(auth_password_check("damaged", "sesame"), -ENOMEM);
    no_memory = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right_and_wrong),
        cmocka_unit_test(test_two_hashes_of_one_password_differ),
        cmocka_unit_test(test_damaged_hashes),
        cmocka_unit_test(test_without_memory_nobody_gets_in),
    };

    if (sodium_init() < 0 || crypto_pwhash_str(good, "sesame", strlen("sesame"), crypto_pwhash_OPSLIMIT_MIN,
                                               crypto_pwhash_MEMLIMIT_MIN) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
