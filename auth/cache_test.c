/* SPDX-License-Identifier: ISC */
#include "auth/cache.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ENTRIES = 8, FRESH = 1000 };

static int setup(void **state)
{
    *state = auth_cache_new(ENTRIES, FRESH, false);
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    auth_cache_free(*state);
    return 0;
}

static struct auth_request plain(const char *user, const char *password)
{
    struct auth_request request = {.mechanism = AUTH_MECHANISM_PLAIN};

    (void)snprintf(request.user, sizeof request.user, "%s", user);
    (void)snprintf(request.password, sizeof request.password, "%s", password);
    return request;
}

static struct auth_request review(const char *user, const char *stamp)
{
    struct auth_request request = plain(user, "");

    request.review = true;
    (void)snprintf(request.stamp, sizeof request.stamp, "%s", stamp);
    return request;
}

static struct auth_request curve(uint8_t first)
{
    return (struct auth_request){.mechanism = AUTH_MECHANISM_CURVE, .key = {first}};
}

static void put(struct auth_cache *cache, struct auth_request request, const char *id, const char *stamp, uint64_t now)
{
    struct auth_record record = {.user_id = ""};

    (void)snprintf(record.user_id, sizeof record.user_id, "%s", id);
    (void)snprintf(record.stamp, sizeof record.stamp, "%s", stamp);
    auth_cache_put(cache, &request, &record, now);
}

/* The user id that the cache has for the request; NULL: none. */
static const char *get(struct auth_cache *cache, struct auth_request request, uint64_t now)
{
    static struct auth_record record;

    return auth_cache_get(cache, &request, &record, now) ? record.user_id : NULL;
}

static void test_passwords(void **state)
{
    struct auth_cache *cache = *state;

    assert_null(get(cache, plain("alice", "secret"), 0));
    put(cache, plain("alice", "secret"), "Alice", "1", 0);
    assert_string_equal(get(cache, plain("alice", "secret"), 0), "Alice");
    assert_null(get(cache, plain("alice", "Secret"), 0));
    assert_null(get(cache, plain("alice", ""), 0));
    assert_null(get(cache, plain("alice", "secret1"), 0));
    assert_null(get(cache, plain("alicesecret", ""), 0));
    assert_null(get(cache, plain("alic", "esecret"), 0));
    assert_null(get(cache, plain("bob", "secret"), 0));
    /* Another password that was let in: it is the one now. */
    put(cache, plain("alice", "new"), "Alice", "2", 1);
    assert_string_equal(get(cache, plain("alice", "new"), 1), "Alice");
    assert_null(get(cache, plain("alice", "secret"), 1));
}

static void test_keys(void **state)
{
    struct auth_cache *cache = *state;
    struct auth_request request = curve(1);

    put(cache, curve(1), "Alice", "", 0);
    assert_string_equal(get(cache, curve(1), 0), "Alice");
    assert_null(get(cache, curve(2), 0));
    request.review = true;
    assert_string_equal(get(cache, request, 0), "Alice");
    /* A user whose name is the key's octets is somebody else. */
    assert_null(get(cache, plain("\x01", ""), 0));
    request.mechanism = AUTH_MECHANISM_NULL;
    assert_null(get(cache, request, 0));
}

static void test_freshness(void **state)
{
    struct auth_cache *cache = *state;

    put(cache, plain("alice", "secret"), "Alice", "1", 5000);
    put(cache, curve(1), "Key", "", 5000);
    assert_non_null(get(cache, plain("alice", "secret"), 5000 + FRESH - 1));
    assert_non_null(get(cache, plain("alice", "secret"), 4999)); /* threads see time in their own order */
    assert_null(get(cache, plain("alice", "secret"), 5000 + FRESH));
    assert_null(get(cache, curve(1), 5000 + FRESH));
    /* It is gone, not only old. */
    assert_null(get(cache, plain("alice", "secret"), 5000));
    put(cache, plain("alice", "secret"), "Alice", "1", 9000);
    put(cache, plain("alice", "secret"), "Alice", "1", 9500);
    assert_non_null(get(cache, plain("alice", "secret"), 9500 + FRESH - 1));
}

static void test_reviews(void **state)
{
    struct auth_cache *cache = *state;

    put(cache, plain("alice", "secret"), "Alice", "1", 0);
    assert_non_null(get(cache, review("alice", "1"), 0));
    assert_non_null(get(cache, review("alice", ""), 0));
    assert_null(get(cache, review("alice", "2"), 0));
    assert_null(get(cache, review("bob", "1"), 0));

    /* The same stamp: the password still holds. */
    put(cache, review("alice", "1"), "Alice", "1", 900);
    assert_non_null(get(cache, plain("alice", "secret"), 900 + FRESH - 1));
    /* Another stamp: it does not. */
    put(cache, review("alice", "2"), "Alice", "2", 1000);
    assert_null(get(cache, plain("alice", "secret"), 1000));
    assert_non_null(get(cache, review("alice", "2"), 1000));
    assert_null(get(cache, review("alice", "1"), 1000));
}

/* Where stamps are unknown (LDAP), a review says nothing of the password, and makes it no younger. */
static void test_reviews_without_stamps(void **state)
{
    struct auth_cache *cache = *state;

    put(cache, plain("alice", "secret"), "Alice", "", 0);
    put(cache, review("alice", ""), "Alice", "", 900);
    assert_non_null(get(cache, plain("alice", "secret"), FRESH - 1));
    assert_null(get(cache, plain("alice", "secret"), FRESH));
    assert_non_null(get(cache, review("alice", ""), FRESH));

    /* Nor does a review alone let a password in: none, or the one that a review has. */
    put(cache, review("bob", ""), "Bob", "", 0);
    assert_null(get(cache, plain("bob", ""), 0));
    assert_null(get(cache, plain("bob", "x"), 0));
}

static void test_refused(void **state)
{
    struct auth_cache *cache = *state;
    struct auth_request wrong = plain("alice", "wrong"), right = plain("alice", "secret"), again = review("alice", "1");
    struct auth_request key = curve(1);

    put(cache, right, "Alice", "1", 0);
    assert_true(auth_cache_contradicts(cache, &wrong, 0));
    assert_false(auth_cache_contradicts(cache, &right, 0));
    assert_false(auth_cache_contradicts(cache, &wrong, FRESH));
    assert_false(auth_cache_contradicts(cache, &again, 0));
    auth_cache_refused(cache, &wrong);
    assert_non_null(get(cache, right, 0));
    auth_cache_refused(cache, &right); /* what was right is not any more */
    assert_null(get(cache, right, 0));
    assert_false(auth_cache_contradicts(cache, &wrong, 0));
    put(cache, right, "Alice", "1", 0);
    auth_cache_refused(cache, &again);
    assert_null(get(cache, right, 0));
    put(cache, again, "Alice", "1", 0); /* of her password nothing is known */
    assert_false(auth_cache_contradicts(cache, &wrong, 0));
    auth_cache_refused(cache, &wrong);
    assert_null(get(cache, again, 0));
    put(cache, key, "Key", "", 0);
    assert_false(auth_cache_contradicts(cache, &key, 0));
    auth_cache_refused(cache, &key);
    assert_null(get(cache, key, 0));
}

static struct auth_request asked(struct auth_request request, const char *domain, const char *address)
{
    (void)snprintf(request.domain, sizeof request.domain, "%s", domain);
    (void)snprintf(request.address, sizeof request.address, "%s", address);
    return request;
}

/* Where who answers has a policy, the answer is about the whole request. */
static void test_whole_requests(void **state)
{
    const struct auth_request null = {.mechanism = AUTH_MECHANISM_NULL};
    struct auth_cache *cache = auth_cache_new(ENTRIES, FRESH, true), *parts = *state;
    struct auth_request requests[] = {curve(1), plain("alice", "secret"), null};

    assert_non_null(cache);
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct auth_request request = asked(requests[i], "home", "10.0.0.1");

        put(cache, request, "Alice", "", 0);
        put(parts, request, "Alice", "", 0);
        assert_non_null(get(cache, request, 0));
        assert_null(get(cache, asked(request, "home", "10.0.0.2"), 0));
        assert_null(get(cache, asked(request, "vault", "10.0.0.1"), 0));
        assert_null(get(cache, asked(request, "home1", "0.0.0.1"), 0));
        assert_non_null(get(parts, asked(request, "vault", "10.0.0.2"), 0));
    }
    auth_cache_free(cache);
}

static void test_drop_and_clear(void **state)
{
    struct auth_cache *cache = *state;
    struct auth_request gone = plain("alice", "wrong");
    struct auth_request key = curve(1);

    put(cache, plain("alice", "secret"), "Alice", "1", 0);
    put(cache, plain("bob", "secret"), "Bob", "1", 0);
    put(cache, curve(1), "Key", "", 0);
    auth_cache_refused(cache, &gone); /* says nothing of the right one */
    assert_non_null(get(cache, plain("alice", "secret"), 0));
    auth_cache_drop(cache, &gone);
    assert_null(get(cache, plain("alice", "secret"), 0));
    assert_null(get(cache, review("alice", "1"), 0));
    assert_non_null(get(cache, plain("bob", "secret"), 0));
    key.review = true;
    auth_cache_drop(cache, &key);
    auth_cache_drop(cache, &key);
    assert_null(get(cache, curve(1), 0));
    auth_cache_clear(cache);
    assert_null(get(cache, plain("bob", "secret"), 0));
    put(cache, plain("bob", "secret"), "Bob", "1", 0);
    assert_non_null(get(cache, plain("bob", "secret"), 0));
}

static void test_oldest_goes_first(void **state)
{
    struct auth_cache *cache = *state;

    for (int i = 0; i < ENTRIES; i++)
        put(cache, curve((uint8_t)i), "x", "", (uint64_t)i);
    put(cache, curve(0), "again", "", ENTRIES); /* now the youngest */
    put(cache, curve(ENTRIES), "x", "", ENTRIES);
    assert_null(get(cache, curve(1), ENTRIES));
    assert_string_equal(get(cache, curve(0), ENTRIES), "again");
    for (int i = 2; i <= ENTRIES; i++)
        assert_non_null(get(cache, curve((uint8_t)i), ENTRIES));
}

/* Many more than there is room for, some dropped: what was put last is there, and no more than there is room for. */
static void test_flood(void **state)
{
    struct auth_cache *cache = *state;
    char user[32];
    int there = 0;

    for (int i = 0; i < 20000; i++) {
        struct auth_request request;

        (void)snprintf(user, sizeof user, "user%d", i);
        request = plain(user, "secret");
        put(cache, request, user, "", 0);
        assert_string_equal(get(cache, request, 0), user);
        if (i % 3 == 0)
            auth_cache_drop(cache, &request);
    }
    for (int i = 0; i < 20000; i++) {
        (void)snprintf(user, sizeof user, "user%d", i);
        there += get(cache, plain(user, "secret"), 0) != NULL;
    }
    assert_in_range(there, ENTRIES - 1, ENTRIES);
}

static void test_nothing_is_kept(void **state)
{
    struct auth_cache *none[] = {auth_cache_new(ENTRIES, 0, false), auth_cache_new(0, FRESH, false)};

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_non_null(none[i]);
        put(none[i], plain("alice", "secret"), "Alice", "1", 0);
        assert_null(get(none[i], plain("alice", "secret"), 0));
        assert_null(get(none[i], review("alice", "1"), 0));
        auth_cache_clear(none[i]);
        auth_cache_free(none[i]);
    }
    auth_cache_free(NULL);
}

/* Several threads; the thread sanitizer looks on. */
static void *work(void *arg)
{
    struct auth_cache *cache = arg;
    struct auth_record record = {.user_id = "x"};

    for (int i = 0; i < 2000; i++) {
        struct auth_request request = curve((uint8_t)(i % (2 * ENTRIES)));

        auth_cache_put(cache, &request, &record, (uint64_t)i);
        (void)auth_cache_get(cache, &request, &record, (uint64_t)i);
        if (i % 5 == 0)
            auth_cache_drop(cache, &request);
        if (i % 100 == 0)
            auth_cache_clear(cache);
    }
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t threads[4];

    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, *state), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    put(*state, curve(200), "last", "", 3000);
    assert_string_equal(get(*state, curve(200), 3000), "last");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_passwords, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_freshness, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reviews, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reviews_without_stamps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_whole_requests, setup, teardown),
        cmocka_unit_test_setup_teardown(test_drop_and_clear, setup, teardown),
        cmocka_unit_test_setup_teardown(test_oldest_goes_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flood, setup, teardown),
        cmocka_unit_test(test_nothing_is_kept),
        cmocka_unit_test_setup_teardown(test_threads, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
