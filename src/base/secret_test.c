/* SPDX-License-Identifier: ISC */
/* Memory for secrets, and random octets. */
#include "base/secret.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/random.h"

enum { SECRETS = 200 };

static size_t size_of(size_t i)
{
    static const size_t sizes[] = {1, 32, 128, 129, 512, 513, 4032, 4033, 20000};

    return sizes[i % (sizeof sizes / sizeof *sizes)];
}

/* Zeroed, aligned, apart from each other. */
static void *use_secrets(void *arg)
{
    uint8_t **secrets = calloc(SECRETS, sizeof *secrets);
    uint8_t mark = *(uint8_t *)arg;

    assert_non_null(secrets);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < SECRETS; i++) {
            secrets[i] = ih_secret_alloc(size_of(i));
            assert_non_null(secrets[i]);
            assert_int_equal((uintptr_t)secrets[i] % 16, 0);
            for (size_t j = 0; j < size_of(i); j++)
                assert_int_equal(secrets[i][j], 0);
            memset(secrets[i], mark + (int)i % 50, size_of(i));
        }
        for (size_t i = 0; i < SECRETS; i++) {
            size_t victim = i * 7 % SECRETS;

            for (size_t j = 0; j < size_of(victim); j++)
                assert_int_equal(secrets[victim][j], (uint8_t)(mark + (int)victim % 50));
            ih_secret_free(secrets[victim]);
        }
    }
    free(secrets);
    return NULL;
}

static void secrets_are_zeroed_and_apart(void **state)
{
    uint8_t mark = 1;

    (void)state;
    use_secrets(&mark);
    ih_secret_free(NULL);
}

static void threads_may_share_the_pages(void **state)
{
    static uint8_t marks[3] = {1, 60, 120};
    pthread_t threads[3];

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_secrets, &marks[i]), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void freed_cells_are_wiped(void **state)
{
    uint8_t *keep = ih_secret_alloc(32);
    uint8_t *secret = ih_secret_alloc(32);
    uint8_t *again = NULL;

    (void)state;
    assert_non_null(keep);
    assert_non_null(secret);
    memset(secret, 0x5a, 32);
    ih_secret_free(secret);
    /* The page is still in use, so that the cell may be looked at. */
    for (size_t i = 0; i < 128; i++)
        assert_int_equal(secret[i], 0);
    again = ih_secret_alloc(32);
    assert_ptr_equal(again, secret);
    ih_secret_free(again);
    ih_secret_free(keep);
}

static void no_locked_memory_is_no_failure(void **state)
{
    pid_t child = fork();
    int status = 0;

    (void)state;
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit none = {0, 0};
        uint8_t mark = 9;

        if (setrlimit(RLIMIT_MEMLOCK, &none) < 0)
            _exit(1);
        use_secrets(&mark);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void impossible_sizes_are_refused(void **state)
{
    (void)state;
    assert_null(ih_secret_alloc(SIZE_MAX));
    assert_null(ih_secret_alloc(SIZE_MAX - 100));
}

static void random_octets_differ(void **state)
{
    uint8_t a[32] = {0};
    uint8_t b[32] = {0};

    (void)state;
    assert_int_equal(ih_random_init(), 0);
    assert_int_equal(ih_random_init(), 0);
    ih_random(a, sizeof a);
    ih_random(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    assert_true(ih_random_u64() != ih_random_u64());
    assert_int_equal(ih_random_below(0), 0);
    assert_int_equal(ih_random_below(1), 0);
    for (int i = 0; i < 100; i++)
        assert_true(ih_random_below(10) < 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_zeroed_and_apart), cmocka_unit_test(threads_may_share_the_pages),
        cmocka_unit_test(freed_cells_are_wiped),        cmocka_unit_test(no_locked_memory_is_no_failure),
        cmocka_unit_test(impossible_sizes_are_refused), cmocka_unit_test(random_octets_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
