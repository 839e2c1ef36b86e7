/* SPDX-License-Identifier: ISC */
/* Back end "sqlite": the suite, and what only a file of SQLite's can do. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include <cmocka.h>

#include "conformance_parts.h"

static char parent[64];
static sqlite3 *locker;

static const char *in_parent(const char *name)
{
    static char path[512];

    (void)snprintf(path, sizeof path, "%s/%s", parent, name);
    return path;
}

static void run(const char *command)
{
    char line[512];

    (void)snprintf(line, sizeof line, "cd '%s' && %s", parent, command);
    assert_int_equal(system(line), 0);
}

/* A connection of somebody who may write what he likes. */
static sqlite3 *connect_to(const char *name)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(in_parent(name), &db), SQLITE_OK);
    assert_int_equal(sqlite3_busy_timeout(db, 30000), SQLITE_OK);
    return db;
}

static void sql(const char *name, const char *text)
{
    sqlite3 *db = connect_to(name);

    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void start(struct conformance *subject)
{
    conformance_folder(parent, "sqlite");
    (void)snprintf(subject->url, sizeof subject->url, "sqlite:%s/store/auth.db", parent);
}

static void stop(struct conformance *subject)
{
    (void)subject;
    run("rm -rf store away other && rmdir \"$PWD\"");
}

static int init(const char *url)
{
    const struct auth_settings settings = {.url = url, .timeout = 30000};

    return auth_backend_find(url)->init(&settings);
}

static void reset(struct conformance *subject)
{
    run("rm -rf store away other && mkdir store other");
    assert_int_equal(init(subject->url), 0);
}

static void away(struct conformance *subject)
{
    (void)subject;
    run("mv store away");
}

static void back(struct conformance *subject)
{
    (void)subject;
    run("mv away store");
}

static void slow(struct conformance *subject)
{
    (void)subject;
    locker = connect_to("store/auth.db");
    assert_int_equal(sqlite3_exec(locker, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE", NULL, NULL, NULL),
                     SQLITE_OK);
}

static void quick(struct conformance *subject)
{
    (void)subject;
    assert_int_equal(sqlite3_close(locker), SQLITE_OK);
}

static void fill(struct conformance *subject, uint8_t (*keys)[AUTH_KEY_SIZE], size_t count)
{
    sqlite3 *db = connect_to("store/auth.db");
    char text[128];
    char key[AUTH_KEY_TEXT];

    (void)subject;
    assert_int_equal(sqlite3_exec(db, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(text, sizeof text, "INSERT INTO keys (key) VALUES ('%s')",
                       zmq_z85_encode(key, keys[i], AUTH_KEY_SIZE));
        assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    }
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void damage_user(struct conformance *subject, const char *user)
{
    (void)subject;
    assert_string_equal(user, "alice");
    sql("store/auth.db", "UPDATE users SET hash = '$argon2x' || hash WHERE name = 'alice'");
}

static void damage_key(struct conformance *subject, const uint8_t *key)
{
    (void)subject;
    (void)key;
    sql("store/auth.db", "UPDATE keys SET owner = 'alice:' WHERE owner = 'alice'");
}

static struct conformance subject = {
    .name = "sqlite",
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

/* ---- only here ---- */

static uint8_t known[AUTH_KEY_SIZE];

static int setup(void **state)
{
    *state = &subject;
    start(&subject);
    reset(&subject);
    open_backend(&subject);
    make_key(known);
    put_key(&subject, known, "carol");
    put_user(&subject, "alice", "sesame");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close_backend(&subject);
    stop(&subject);
    return 0;
}

static void expect(int rc)
{
    struct auth_record record;

    assert_int_equal(find_key(&subject, known, &record), rc);
    assert_int_equal(find_user(&subject, "alice", &record), rc);
    assert_int_equal(check(&subject, "alice", "sesame"), rc);
}

/* Both answers are no, whichever the damage looks like. */
static void expect_no(void)
{
    struct auth_record record;

    assert_true(find_key(&subject, known, &record) < 0);
    assert_true(find_user(&subject, "alice", &record) < 0);
    assert_true(check(&subject, "alice", "sesame") < 0);
}

static void test_a_lookup_makes_no_file(void **state)
{
    (void)state;
    expect(0);
    run("rm store/auth.db store/auth.db-*");
    expect(-EAGAIN);
    run("test -z \"$(ls store)\"");
    run("mkdir store/auth.db");
    expect_no();
    run("rmdir store/auth.db && : > store/auth.db");
    expect(-EBADMSG);
    assert_int_equal(init(subject.url), 0);
    expect(-ENOENT);
}

static void test_modes(void **state)
{
    (void)state;
    run("test \"$(stat -c %a store/* | sort -u)\" = 600");
}

static void test_replaced(void **state)
{
    (void)state;
    expect(0);
    (void)snprintf(subject.url, sizeof subject.url, "sqlite:%s/other/auth.db", parent);
    assert_int_equal(init(subject.url), 0);
    run("mv -T store away && mv -T other store");
    expect(-ENOENT);
    run("mv -T store other && mv -T away store");
    expect(0);
}

static void test_other_versions(void **state)
{
    (void)state;
    expect(0);
    close_backend(&subject);
    sql("store/auth.db", "PRAGMA user_version = 2");
    open_backend(&subject);
    expect(-EBADMSG);
    assert_int_equal(init(subject.url), -EBADMSG);
    sql("store/auth.db", "PRAGMA user_version = 0");
    expect(-EBADMSG);
    sql("store/auth.db", "PRAGMA user_version = 1; PRAGMA application_id = 7");
    expect(-EBADMSG);
    assert_int_equal(init(subject.url), -EBADMSG);
    sql("store/auth.db", "PRAGMA application_id = 0");
    assert_int_equal(init(subject.url), -EBADMSG);
}

/* Somebody who may write the file can say who gets in, but not by a row that says two things. */
static void test_lying_tables(void **state)
{
    (void)state;
    sql("store/auth.db",
        "ALTER TABLE users RENAME TO u; CREATE VIEW users AS SELECT 'alice' AS name, hash, comment, 0 AS "
        "rowid FROM u UNION ALL SELECT 'alice', 'x', '', 1;"
        "ALTER TABLE keys RENAME TO k; CREATE VIEW keys AS SELECT key, owner, comment FROM k UNION ALL "
        "SELECT key, 'root', '' FROM k");
    expect(-EBADMSG);
    sql("store/auth.db",
        "DROP VIEW users; DROP VIEW keys; CREATE TABLE users (name TEXT COLLATE NOCASE, hash, comment);"
        "INSERT INTO users SELECT 'ALICE', hash, '' FROM u;"
        "CREATE TABLE keys (key TEXT, owner, comment); INSERT INTO keys SELECT key, x'6100', '' FROM k");
    expect(-EBADMSG);
    sql("store/auth.db", "UPDATE users SET name = 'alice', hash = CAST(hash AS BLOB); UPDATE keys SET owner = NULL");
    expect(-EBADMSG);
    sql("store/auth.db", "UPDATE users SET hash = hash || char(0); UPDATE keys SET owner = 'a' || char(0) || 'b'");
    expect(-EBADMSG);
    sql("store/auth.db", "DROP TABLE users; DROP TABLE keys");
    expect(-EBADMSG);
}

static void test_a_view_without_end(void **state)
{
    (void)state;
    close_backend(&subject);
    sql("store/auth.db", "DROP TABLE users; DROP TABLE keys;"
                         "CREATE VIEW users AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                         "SELECT i AS name, i AS hash FROM n;"
                         "CREATE VIEW keys AS SELECT name AS key, hash AS owner FROM users");
    subject.timeout = 100;
    open_backend(&subject);
    subject.timeout = 0;
    expect(-EAGAIN);
}

/* The file is overwritten from each of its pages on, with the connection open and anew. */
static void test_corruption(void **state)
{
    uint8_t noise[4096];
    struct stat status;

    (void)state;
    randombytes_buf(noise, sizeof noise);
    expect(0);
    close_backend(&subject);
    sql("store/auth.db", "PRAGMA wal_checkpoint(TRUNCATE)");
    assert_int_equal(stat(in_parent("store/auth.db"), &status), 0);
    run("cp store/auth.db other/");
    for (off_t at = 0; at < status.st_size; at += (off_t)sizeof noise) {
        int fd;

        run("rm -f store/* && cp other/auth.db store/");
        open_backend(&subject);
        expect(0);
        fd = open(in_parent("store/auth.db"), O_WRONLY);
        assert_true(fd >= 0);
        for (off_t page = at; page < status.st_size; page += (off_t)sizeof noise)
            assert_int_equal(pwrite(fd, noise, sizeof noise, page), sizeof noise);
        assert_int_equal(close(fd), 0);
        close_backend(&subject);
        open_backend(&subject);
        if (at <= (off_t)sizeof noise)
            expect_no();
        else
            (void)check(&subject, "alice", "sesame");
        assert_true(check(&subject, "alice", "wrong") < 0);
        assert_true(check(&subject, "mallory", "") < 0);
        close_backend(&subject);
    }
    run("rm -f store/* && head -c 5000 other/auth.db > store/auth.db");
    open_backend(&subject);
    expect_no();
}

static int count(void *arg, const struct auth_entry *entry)
{
    (void)entry;
    ++*(int *)arg;
    return 0;
}

static void collect(void *arg, const char *line)
{
    (void)strcat(strcat(arg, line), "\n");
}

static void test_inspect(void **state)
{
    char told[1024] = "";
    int entries = 0;

    (void)state;
    assert_int_equal(subject.ops->inspect(subject.session, collect, told), 0);
    assert_string_equal(told, "");
    assert_int_equal(subject.ops->list(subject.session, count, &entries), 0);
    assert_int_equal(entries, 2);
    run("chmod 644 store/auth.db");
    sql("store/auth.db", "UPDATE users SET hash = 'x'; INSERT INTO users (name, hash) VALUES ('a/b', 'x');"
                         "UPDATE keys SET owner = 'a' || char(10)");
    assert_int_equal(subject.ops->inspect(subject.session, collect, told), 0);
    assert_string_equal(told, "others than its owner may open it (mode 0644)\n"
                              "users, row 2: damaged\n"
                              "users, row 1: no Argon2id hash\n"
                              "keys, row 1: damaged\n");
    assert_int_equal(subject.ops->list(subject.session, count, &entries), -EBADMSG);
}

static void test_names_with_a_meaning_to_sqlite(void **state)
{
    static const char *const urls[] = {"sqlite::memory:", "sqlite:file:x?mode=memory"};
    struct auth_settings settings = {.url = "sqlite:", .timeout = 100};
    struct auth_backend *backend;
    struct auth_session *session;
    struct auth_record record;
    const char *error = NULL;

    (void)state;
    assert_int_equal(subject.ops->open(&settings, &backend, &error), -EINVAL);
    assert_non_null(error);
    for (size_t i = 0; i < 2; i++) {
        settings.url = urls[i];
        assert_int_equal(subject.ops->open(&settings, &backend, &error), 0);
        assert_int_equal(subject.ops->begin(backend, &session), 0);
        assert_int_equal(subject.ops->find_user(session, "alice", &record), -EAGAIN);
        subject.ops->end(session);
        subject.ops->close(backend);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_lookup_makes_no_file),
        TEST(test_modes),
        TEST(test_replaced),
        TEST(test_other_versions),
        TEST(test_lying_tables),
        TEST(test_a_view_without_end),
        TEST(test_corruption),
        TEST(test_inspect),
        TEST(test_names_with_a_meaning_to_sqlite),
    };
    int failed = conformance_run(&subject);

    return failed + cmocka_run_group_tests_name("sqlite alone", tests, NULL, NULL);
}
