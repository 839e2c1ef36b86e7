/* SPDX-License-Identifier: ISC */
/* The back end PostgreSQL against a real server: what only this one does, and what a server can do to it. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

#include "auth/backend.h"
#include "auth/password.h"
#include "conformance.h"
#include "server_postgresql.h"
#include "user.h"

#include <cmocka.h>

enum { PATIENT = 20000, SHORT = 250 /* ms */ };

static struct postgresql server;
static const struct auth_backend_ops *ops;
static char hash[AUTH_HASH_MAX];
static const uint8_t key[AUTH_KEY_SIZE] = {1, 2, 3};

/* --- a back end with one session ---------------------------------------------------------------------------------- */

/* Once the server is there again, this ends: it is asked as often as need be. */
static int find_at_last(struct auth_session *session, const char *name)
{
    struct auth_record record;
    int rc;

    do
        rc = ops->find_user(session, name, &record);
    while (rc == -EAGAIN);
    return rc;
}

static void run_in(const char *database, const char *sql)
{
    if (!postgresql_run(&server, database, sql))
        fail_msg("%s", sql);
}

static void run(const char *sql)
{
    run_in("postgres", sql);
}

static void make_database(struct user *user, const char *name)
{
    char sql[64];
    char url[256];

    (void)snprintf(sql, sizeof sql, "CREATE DATABASE %s", name);
    run(sql);
    postgresql_url(&server, url, sizeof url, "owner", name);
    user_begin(user, ops, url, NULL, PATIENT);
}

/* --- what it stores ----------------------------------------------------------------------------------------------- */

static void test_init(void **state)
{
    struct auth_record record;
    struct user user;

    (void)state;
    make_database(&user, "fresh");
    assert_int_equal(ops->find_user(user.session, "alice", &record), -EBADMSG);
    assert_int_equal(ops->init(&user.settings), 0);
    assert_int_equal(ops->init(&user.settings), -EEXIST);
    assert_int_equal(ops->find_user(user.session, "alice", &record), -ENOENT);
    user_end(&user);
}

struct init_call {
    struct auth_settings settings;
    int rc;
};

static void *init_thread(void *arg)
{
    struct init_call *call = arg;

    call->rc = ops->init(&call->settings);
    return NULL;
}

static void test_two_who_init_at_once(void **state)
{
    struct init_call calls[4];
    pthread_t threads[4];
    struct user user;
    int made = 0;

    (void)state;
    make_database(&user, "twice");
    for (int i = 0; i < 4; i++) {
        calls[i].settings = user.settings;
        assert_int_equal(pthread_create(&threads[i], NULL, init_thread, &calls[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        made += calls[i].rc == 0;
        if (calls[i].rc != 0)
            assert_int_equal(calls[i].rc, -EEXIST);
    }
    assert_int_equal(made, 1);
    assert_int_equal(find_at_last(user.session, "alice"), -ENOENT);
    user_end(&user);
}

static void test_another_version_is_not_read(void **state)
{
    static const char *const versions[] = {"2", "0", "1000000"};
    struct auth_record record;
    struct user user;

    (void)state;
    make_database(&user, "newer");
    assert_int_equal(ops->init(&user.settings), 0);
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        char sql[160];

        (void)snprintf(sql, sizeof sql, "UPDATE ironauth.version SET version = %s", versions[i]);
        run_in("newer", sql);
        ops->end(user.session);
        assert_int_equal(ops->begin(user.backend, &user.session), 0);
        assert_int_equal(ops->find_user(user.session, "alice", &record), -EBADMSG);
        assert_int_equal(ops->find_key(user.session, key, &record), -EBADMSG);
        assert_int_equal(ops->add_user(user.session, "alice", hash, ""), -EBADMSG);
        assert_int_equal(ops->init(&user.settings), -EBADMSG);
    }
    user_end(&user);
}

/* The role as ironauth-postgresql(7) makes it. */
static void test_a_reader_needs_no_more_than_the_manual_says(void **state)
{
    char url[256];
    struct auth_record record;
    struct user reader;
    int stop = eventfd(0, EFD_CLOEXEC);

    (void)state;
    run("CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA ironauth TO reader;"
        "GRANT SELECT ON ironauth.version, ironauth.users, ironauth.keys TO reader");
    run("CREATE ROLE nobody LOGIN");
    postgresql_url(&server, url, sizeof url, "reader", "postgres");
    user_begin(&reader, ops, url, NULL, PATIENT);
    assert_int_equal(ops->find_key(reader.session, key, &record), -ENOENT);
    assert_int_equal(ops->check_password(reader.session, "alice", "x", &record), -ENOENT);
    assert_int_equal(ops->watch(reader.session, stop), 1);
    assert_int_equal(ops->add_key(reader.session, key, "", ""), -ENOTSUP);
    assert_int_equal(ops->add_user(reader.session, "alice", hash, ""), -ENOTSUP);
    assert_int_equal(ops->remove_user(reader.session, "alice"), -ENOTSUP);
    user_end(&reader);
    postgresql_url(&server, url, sizeof url, "nobody", "postgres");
    user_begin(&reader, ops, url, NULL, PATIENT);
    assert_int_equal(ops->find_key(reader.session, key, &record), -EBADMSG);
    user_end(&reader);
    (void)close(stop);
}

/* --- injection ---------------------------------------------------------------------------------------------------- */

static const char *const nasty[] = {
    "'; DROP TABLE ironauth.users; --",
    "' OR '1'='1",
    "$1",
    "\\'",
    "\"",
    "%",
    "_",
    "x'||pg_sleep(9)||'",
    "日本",
    "$$;DROP SCHEMA ironauth CASCADE;$$",
    "NULL",
    "E'\\x27'",
    " ",
    "a b",
};

static int count_entry(void *arg, const struct auth_entry *entry)
{
    (void)entry;
    ++*(int *)arg;
    return 0;
}

static void test_injection_in_every_field(void **state)
{
    struct auth_record record;
    struct user user;
    int count = 0;

    (void)state;
    user_begin(&user, ops, server.url, NULL, PATIENT);
    for (size_t i = 0; i < sizeof nasty / sizeof nasty[0]; i++) {
        uint8_t other[AUTH_KEY_SIZE] = {(uint8_t)i, 9};

        assert_int_equal(ops->check_password(user.session, nasty[i], nasty[i], &record), -ENOENT);
        assert_int_equal(ops->find_user(user.session, nasty[i], &record), -ENOENT);
        assert_int_equal(ops->remove_user(user.session, nasty[i]), -ENOENT);
        assert_int_equal(ops->add_user(user.session, nasty[i], hash, nasty[i]), 0);
        assert_int_equal(ops->add_user(user.session, nasty[i], hash, nasty[i]), -EEXIST);
        assert_int_equal(ops->check_password(user.session, nasty[i], nasty[i], &record), -EACCES);
        assert_int_equal(ops->check_password(user.session, nasty[i], "secret", &record), 0);
        assert_string_equal(record.user_id, nasty[i]);
        assert_int_equal(ops->add_key(user.session, other, nasty[i], nasty[i]), 0);
        assert_int_equal(ops->find_key(user.session, other, &record), 0);
        assert_string_equal(record.user_id, nasty[i]);
        assert_int_equal(ops->set_password(user.session, nasty[i], hash), 0);
    }
    assert_int_equal(ops->list(user.session, count_entry, &count), 0);
    assert_int_equal(count, 2 * sizeof nasty / sizeof nasty[0]);
    run("DELETE FROM ironauth.users; DELETE FROM ironauth.keys");
    assert_int_equal(ops->find_user(user.session, "a/b", &record), -ENOENT);
    assert_int_equal(ops->find_user(user.session, "\xff", &record), -ENOENT);
    assert_int_equal(ops->add_user(user.session, "alice", hash, "\xff"), -EINVAL);
    user_end(&user);
}

/* --- lies --------------------------------------------------------------------------------------------------------- */

/* A database whose tables are what an attacker, or an accident, made of them. */
static void test_rows_that_lie(void **state)
{
    static const char *const users[] = {
        "VALUES ('alice', NULL::text)",           "VALUES ('alice', '')",
        "VALUES ('alice', 'x'), ('alice', 'x')",  "VALUES ('alice', repeat('x', 128))",
        "VALUES ('alice', repeat('x', 1000000))",
    };
    struct auth_record record;
    char sql[512];
    struct user user;

    (void)state;
    make_database(&user, "liar");
    run_in("liar", "CREATE SCHEMA ironauth; CREATE TABLE ironauth.version AS SELECT 1 AS version;"
                   "CREATE TABLE ironauth.users (name text, hash text)");
    for (size_t i = 0; i < sizeof users / sizeof users[0]; i++) {
        (void)snprintf(sql, sizeof sql, "TRUNCATE ironauth.users; INSERT INTO ironauth.users %s", users[i]);
        run_in("liar", sql);
        assert_int_equal(ops->find_user(user.session, "alice", &record), -EBADMSG);
        assert_int_equal(ops->check_password(user.session, "alice", "", &record), -EBADMSG);
        assert_int_equal(ops->check_password(user.session, "alice", "x", &record), -EBADMSG);
    }
    user_end(&user);
}

/* --- a server that is away ---------------------------------------------------------------------------------------- */

static void expect_away(struct auth_session *session)
{
    struct auth_record record;

    assert_int_equal(ops->find_user(session, "alice", &record), -EAGAIN);
    assert_int_equal(ops->find_key(session, key, &record), -EAGAIN);
    assert_int_equal(ops->check_password(session, "alice", "secret", &record), -EAGAIN);
    assert_int_equal(ops->add_user(session, "bob", hash, ""), -EAGAIN);
    assert_int_equal(ops->remove_key(session, key), -EAGAIN);
}

static void test_a_server_that_does_not_answer(void **state)
{
    struct auth_record record;
    struct user user;
    struct user late;

    (void)state;
    user_begin(&user, ops, server.url, NULL, SHORT);
    user_begin(&late, ops, server.url, NULL, SHORT);
    assert_int_equal(find_at_last(user.session, "alice"), -ENOENT);
    keeper_pause(&server.keeper);
    expect_away(user.session);
    expect_away(late.session); /* it cannot even connect */
    assert_int_equal(ops->init(&late.settings), -EAGAIN);
    keeper_resume(&server.keeper);
    assert_int_equal(find_at_last(user.session, "alice"), -ENOENT);
    assert_int_equal(find_at_last(late.session, "alice"), -ENOENT);
    (void)ops->remove_user(user.session, "bob");
    while (ops->find_user(user.session, "bob", &record) != -ENOENT)
        (void)ops->remove_user(user.session, "bob");
    user_end(&user);
    user_end(&late);
}

static void test_a_server_that_is_stopped_and_started(void **state)
{
    struct auth_record record;
    struct user user;

    (void)state;
    user_begin(&user, ops, server.url, NULL, PATIENT);
    assert_int_equal(ops->find_user(user.session, "alice", &record), -ENOENT);
    keeper_stop(&server.keeper);
    keeper_start(&server.keeper);
    /* The connection is dead, but the server is there: nobody notices. */
    assert_int_equal(ops->find_user(user.session, "alice", &record), -ENOENT);
    keeper_stop(&server.keeper);
    expect_away(user.session);
    keeper_start(&server.keeper);
    assert_int_equal(find_at_last(user.session, "alice"), -ENOENT);
    keeper_kill(&server.keeper);
    expect_away(user.session);
    keeper_start(&server.keeper);
    assert_int_equal(find_at_last(user.session, "alice"), -ENOENT);
    user_end(&user);
}

static void *lookup_thread(void *arg)
{
    struct auth_record record;
    struct user *user = arg;
    int rc;

    rc = ops->find_user(user->session, "alice", &record);
    return rc == -EAGAIN ? NULL : user;
}

/* It waits for an answer, or for its connection, when the server dies. */
static void test_a_server_killed_in_the_middle_of_a_lookup(void **state)
{
    pthread_t thread;
    struct user user;
    void *wrong;

    (void)state;
    user_begin(&user, ops, server.url, NULL, PATIENT);
    assert_int_equal(find_at_last(user.session, "alice"), -ENOENT);
    keeper_pause(&server.keeper);
    assert_int_equal(pthread_create(&thread, NULL, lookup_thread, &user), 0);
    keeper_kill(&server.keeper);
    assert_int_equal(pthread_join(thread, &wrong), 0);
    assert_null(wrong);
    keeper_start(&server.keeper);
    assert_int_equal(find_at_last(user.session, "alice"), -ENOENT);
    user_end(&user);
}

static void test_nobody_is_there(void **state)
{
    struct user user;

    (void)state;
    user_begin(&user, ops, "postgresql:host=/nonexistent dbname=x", NULL, PATIENT);
    expect_away(user.session);
    user_end(&user);
    user_begin(&user, ops, "postgresql://127.0.0.1:1/x", NULL, PATIENT);
    expect_away(user.session);
    user_end(&user);
}

static void test_all_connections_are_taken(void **state)
{
    char url[256];
    struct user first;
    struct user second;
    struct auth_record record;

    (void)state;
    run("CREATE ROLE narrow LOGIN CONNECTION LIMIT 1; GRANT USAGE ON SCHEMA ironauth TO narrow;"
        "GRANT SELECT ON ALL TABLES IN SCHEMA ironauth TO narrow");
    postgresql_url(&server, url, sizeof url, "narrow", "postgres");
    user_begin(&first, ops, url, NULL, PATIENT);
    user_begin(&second, ops, url, NULL, PATIENT);
    assert_int_equal(ops->find_user(first.session, "alice", &record), -ENOENT);
    assert_int_equal(ops->find_user(second.session, "alice", &record), -EAGAIN);
    user_end(&first);
    assert_int_equal(find_at_last(second.session, "alice"), -ENOENT);
    user_end(&second);
}

/* --- changes ------------------------------------------------------------------------------------------------------ */

static void test_every_change_is_heard_by_all(void **state)
{
    static const char *const changes[] = {
        "INSERT INTO ironauth.keys (key) VALUES (repeat('0', 40))",
        "UPDATE ironauth.keys SET owner = 'alice'",
        "DELETE FROM ironauth.keys",
        "TRUNCATE ironauth.keys",
        "INSERT INTO ironauth.users (name, hash) VALUES ('carol', 'x')",
        "UPDATE ironauth.users SET hash = 'y'",
        "TRUNCATE ironauth.users",
        "SET session_replication_role = replica; INSERT INTO ironauth.users (name, hash) VALUES ('carol', 'x')",
        "DELETE FROM ironauth.users",
    };
    struct watcher watchers[2];

    (void)state;
    watcher_begin(&watchers[0], ops, server.url, NULL, PATIENT);
    watcher_begin(&watchers[1], ops, server.url, NULL, PATIENT);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        run(changes[i]);
        expect_change(&watchers[0]);
        expect_change(&watchers[1]);
    }
    watcher_end(&watchers[0]);
    watcher_end(&watchers[1]);
}

static void test_who_was_deaf_for_a_while_says_so(void **state)
{
    struct watcher watcher;

    (void)state;
    watcher_begin(&watcher, ops, server.url, NULL, PATIENT);
    run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN ironauth'");
    expect_change(&watcher);
    keeper_stop(&server.keeper);
    keeper_start(&server.keeper);
    expect_change(&watcher);
    keeper_kill(&server.keeper);
    keeper_start(&server.keeper);
    expect_change(&watcher);
    run("INSERT INTO ironauth.keys (key) VALUES (repeat('1', 40)); DELETE FROM ironauth.keys");
    expect_change(&watcher);
    watcher_end(&watcher);
}

static void test_a_watch_stops_while_nobody_is_there(void **state)
{
    struct user user;
    int stop = eventfd(0, EFD_CLOEXEC);

    (void)state;
    user_begin(&user, ops, "postgresql:host=/nonexistent dbname=x", NULL, PATIENT);
    assert_int_equal(ops->watch(user.session, stop), -EAGAIN);
    assert_int_equal(ops->watch(user.session, stop), -EAGAIN);
    assert_int_equal(eventfd_write(stop, 1), 0);
    assert_int_equal(ops->watch(user.session, stop), 0);
    user_end(&user);
    (void)close(stop);
}

/* --- settings ----------------------------------------------------------------------------------------------------- */

static void test_wrong_settings(void **state)
{
    static const char *const urls[] = {"postgresql:secret", "postgresql:host", "postgresql://a:b:c@/x?y=z",
                                       "postgresql:unknown=1"};

    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct auth_settings settings = {.name = "test", .url = urls[i], .timeout = 1, .sessions = 1};
        struct auth_backend *backend = NULL;
        const char *error = NULL;

        assert_int_equal(ops->open(&settings, &backend, &error), -EINVAL);
        assert_non_null(error);
        assert_null(strstr(error, "secret"));
        assert_int_equal(ops->init(&settings), -EINVAL);
    }
}

/* --- what everybody sees ------------------------------------------------------------------------------------------ */

static void tell(void *arg, const char *line)
{
    char *told = arg;

    assert_true(strlen(told) + strlen(line) + 2 < 1024);
    (void)strcat(strcat(told, line), "\n");
}

static void test_inspect(void **state)
{
    char told[1024] = "";
    struct user user;

    (void)state;
    user_begin(&user, ops, server.url, NULL, PATIENT);
    assert_int_equal(ops->add_user(user.session, "alice", hash, ""), 0);
    assert_int_equal(ops->inspect(user.session, tell, told), 0);
    assert_string_equal(told, "");
    run("INSERT INTO ironauth.users VALUES ('bob', 'secret'); INSERT INTO ironauth.keys VALUES (repeat('\"', 40));"
        "INSERT INTO ironauth.users VALUES (E'c\\n', 'secret')");
    run("GRANT SELECT ON ironauth.users TO PUBLIC; GRANT DELETE ON ironauth.keys TO PUBLIC");
    assert_int_equal(ops->inspect(user.session, tell, told), 0);
    assert_string_equal(told, "everybody in the database may read the password hashes\n"
                              "everybody in the database may change who gets in\n"
                              "users, \"bob\": no Argon2id hash\n"
                              "users, number 3 by name: damaged\n"
                              "keys, number 1 by name: damaged\n");
    run("REVOKE ALL ON ironauth.users, ironauth.keys FROM PUBLIC; TRUNCATE ironauth.users, ironauth.keys");
    user_end(&user);
}

/* --- the suite ---------------------------------------------------------------------------------------------------- */

static void start(struct conformance *subject)
{
    postgresql_open(&server);
    (void)snprintf(subject->url, sizeof subject->url, "%s", server.url);
}

/* The other tests use it too. */
static void stop(struct conformance *subject)
{
    (void)subject;
}

static void reset(struct conformance *subject)
{
    const struct auth_settings settings = {.url = subject->url, .timeout = PATIENT};

    run("DROP SCHEMA IF EXISTS ironauth CASCADE");
    assert_int_equal(ops->init(&settings), 0);
}

static void away(struct conformance *subject)
{
    (void)subject;
    keeper_kill(&server.keeper);
}

static void back(struct conformance *subject)
{
    (void)subject;
    keeper_start(&server.keeper);
}

static void slow(struct conformance *subject)
{
    (void)subject;
    keeper_pause(&server.keeper);
}

static void quick(struct conformance *subject)
{
    (void)subject;
    keeper_resume(&server.keeper);
}

static void fill(struct conformance *subject, uint8_t (*keys)[AUTH_KEY_SIZE], size_t count)
{
    char *sql = malloc(64 + count * (AUTH_KEY_TEXT + 8));
    char *to = sql;

    (void)subject;
    assert_non_null(sql);
    to += sprintf(to, "COPY ironauth.keys (key) FROM stdin;\n");
    for (size_t i = 0; i < count; i++) {
        char text[AUTH_KEY_TEXT];

        to += sprintf(to, "%s\n", zmq_z85_encode(text, keys[i], AUTH_KEY_SIZE));
    }
    (void)strcpy(to, "\\.\n");
    run(sql);
    free(sql);
}

static void damage_user(struct conformance *subject, const char *name)
{
    char sql[128];

    (void)subject;
    (void)snprintf(sql, sizeof sql, "UPDATE ironauth.users SET hash = '$argon2id$' || hash WHERE name = '%s'", name);
    run(sql);
}

static void damage_key(struct conformance *subject, const uint8_t *damaged)
{
    char sql[160];
    char text[AUTH_KEY_TEXT];

    (void)subject;
    (void)snprintf(sql, sizeof sql, "UPDATE ironauth.keys SET owner = E'a\\nb' WHERE key = '%s'",
                   zmq_z85_encode(text, damaged, AUTH_KEY_SIZE));
    run(sql);
}

static struct conformance suite = {
    .name = "postgresql",
    .start = start,
    .stop = stop,
    .reset = reset,
    .away = away,
    .back = back,
    .slow = slow,
    .quick = quick,
    .fill = fill,
    .damage_user = damage_user,
    .damage_key = damage_key,
};

static int setup(void **state)
{
    (void)state;
    (void)snprintf(hash, sizeof hash, "%s", conformance_hash("secret"));
    reset(&suite);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    postgresql_close(&server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_init),
        cmocka_unit_test(test_two_who_init_at_once),
        cmocka_unit_test(test_another_version_is_not_read),
        cmocka_unit_test(test_a_reader_needs_no_more_than_the_manual_says),
        cmocka_unit_test(test_injection_in_every_field),
        cmocka_unit_test(test_rows_that_lie),
        cmocka_unit_test(test_a_server_that_does_not_answer),
        cmocka_unit_test(test_a_server_that_is_stopped_and_started),
        cmocka_unit_test(test_a_server_killed_in_the_middle_of_a_lookup),
        cmocka_unit_test(test_nobody_is_there),
        cmocka_unit_test(test_all_connections_are_taken),
        cmocka_unit_test(test_every_change_is_heard_by_all),
        cmocka_unit_test(test_who_was_deaf_for_a_while_says_so),
        cmocka_unit_test(test_a_watch_stops_while_nobody_is_there),
        cmocka_unit_test(test_wrong_settings),
        cmocka_unit_test(test_inspect),
    };
    int failed;

    ops = auth_backend_find("postgresql:");
    if (!ops || !postgresql_is_there())
        return 77;
    failed = conformance_run(&suite);
    return failed + cmocka_run_group_tests_name("postgresql alone", tests, setup, teardown);
}
