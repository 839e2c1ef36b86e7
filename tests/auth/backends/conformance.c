/* SPDX-License-Identifier: ISC */
/* The suite: keys, users, strangers' texts, and a store that changes. What a store that fails must do is in
 * conformance_failure.c. */
#include "conformance.h"

#include <errno.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include <cmocka.h>

#include "auth/password.h"
#include "conformance_parts.h"

/* ---- the store, by whatever can change it ---- */

void conformance_folder(char *path, const char *name)
{
    (void)snprintf(path, 64, "%s/ironauth-%s-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", name);
    assert_non_null(mkdtemp(path));
}

void put_user(struct conformance *subject, const char *user, const char *password)
{
    if (subject->add_user)
        subject->add_user(subject, user, password);
    else
        assert_int_equal(subject->ops->add_user(subject->session, user, conformance_hash(password), ""), 0);
}

void put_password(struct conformance *subject, const char *user, const char *password)
{
    if (subject->set_password)
        subject->set_password(subject, user, password);
    else
        assert_int_equal(subject->ops->set_password(subject->session, user, conformance_hash(password)), 0);
}

void take_user(struct conformance *subject, const char *user)
{
    if (subject->remove_user)
        subject->remove_user(subject, user);
    else
        assert_int_equal(subject->ops->remove_user(subject->session, user), 0);
}

void put_key(struct conformance *subject, const uint8_t *key, const char *user)
{
    if (subject->add_key)
        subject->add_key(subject, key, user);
    else
        assert_int_equal(subject->ops->add_key(subject->session, key, user, ""), 0);
}

void take_key(struct conformance *subject, const uint8_t *key)
{
    if (subject->remove_key)
        subject->remove_key(subject, key);
    else
        assert_int_equal(subject->ops->remove_key(subject->session, key), 0);
}

void make_key(uint8_t key[AUTH_KEY_SIZE])
{
    randombytes_buf(key, AUTH_KEY_SIZE);
}

int find_key(struct conformance *subject, const uint8_t *key, struct auth_record *record)
{
    return subject->ops->find_key(subject->session, key, record);
}

int find_user(struct conformance *subject, const char *user, struct auth_record *record)
{
    return subject->ops->find_user(subject->session, user, record);
}

int check(struct conformance *subject, const char *user, const char *password)
{
    struct auth_record record;
    int rc = subject->ops->check_password(subject->session, user, password, &record);

    if (rc == 0 && !subject->loose_names)
        assert_string_equal(record.user_id, user);
    return rc;
}

void open_backend(struct conformance *subject)
{
    const char *error = NULL;

    subject->settings = (struct auth_settings){.name = "subject",
                                               .url = subject->url,
                                               .timeout = subject->timeout ? subject->timeout : 5000,
                                               .sessions = 8,
                                               .get = subject->get,
                                               .arg = subject};
    subject->ops = auth_backend_find(subject->url);
    assert_non_null(subject->ops);
    assert_int_equal(subject->ops->open(&subject->settings, &subject->backend, &error), 0);
    assert_int_equal(subject->ops->begin(subject->backend, &subject->session), 0);
}

void close_backend(struct conformance *subject)
{
    subject->ops->end(subject->session);
    subject->ops->close(subject->backend);
}

/* ---- keys ---- */

static void test_keys(void **state)
{
    struct conformance *subject = *state;
    struct auth_record record;
    uint8_t keys[3][AUTH_KEY_SIZE];

    for (size_t i = 0; i < 3; i++)
        make_key(keys[i]);
    assert_int_equal(find_key(subject, keys[0], &record), -ENOENT);
    put_key(subject, keys[0], "alice");
    put_key(subject, keys[1], "bob");
    assert_int_equal(find_key(subject, keys[0], &record), 0);
    assert_string_equal(record.user_id, "alice");
    assert_int_equal(find_key(subject, keys[1], &record), 0);
    assert_string_equal(record.user_id, "bob");
    assert_int_equal(find_key(subject, keys[2], &record), -ENOENT);
    take_key(subject, keys[0]);
    assert_int_equal(find_key(subject, keys[0], &record), -ENOENT);
    assert_int_equal(find_key(subject, keys[1], &record), 0);
    put_key(subject, keys[0], "carol");
    assert_int_equal(find_key(subject, keys[0], &record), 0);
    assert_string_equal(record.user_id, "carol");
}

static void test_a_key_without_an_owner_is_its_own_name(void **state)
{
    struct conformance *subject = *state;
    struct auth_record record;
    uint8_t key[AUTH_KEY_SIZE];
    char text[AUTH_KEY_TEXT];

    if (subject->owners_only)
        skip();
    make_key(key);
    put_key(subject, key, "");
    assert_int_equal(find_key(subject, key, &record), 0);
    assert_string_equal(record.user_id, zmq_z85_encode(text, key, AUTH_KEY_SIZE));
    assert_string_equal(record.stamp, "");
}

/* Keys are octets: neither NUL, quotes, backslashes nor a bit make two of them one. */
static void test_odd_keys(void **state)
{
    static const uint8_t fill[] = {0x00, 0x22, 0x25, 0x27, 0x2a, 0x28, 0x5c, 0xff};
    struct conformance *subject = *state;
    struct auth_record record;
    uint8_t key[AUTH_KEY_SIZE];

    for (size_t i = 0; i < sizeof fill; i++) {
        memset(key, fill[i], sizeof key);
        key[0] ^= 1; /* nobody has a key of nothing but zeros */
        assert_int_equal(find_key(subject, key, &record), -ENOENT);
        put_key(subject, key, "alice");
        assert_int_equal(find_key(subject, key, &record), 0);
        for (size_t bit = 0; bit < 256; bit += 37) {
            key[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(find_key(subject, key, &record), -ENOENT);
            key[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
}

static void test_writing_says_what_there_is(void **state)
{
    struct conformance *subject = *state;
    uint8_t key[AUTH_KEY_SIZE];

    if (!subject->ops->add_user)
        skip();
    make_key(key);
    assert_int_equal(subject->ops->remove_key(subject->session, key), -ENOENT);
    assert_int_equal(subject->ops->add_key(subject->session, key, "alice", "her laptop"), 0);
    assert_int_equal(subject->ops->add_key(subject->session, key, "bob", ""), -EEXIST);
    assert_int_equal(subject->ops->remove_user(subject->session, "carol"), -ENOENT);
    assert_int_equal(subject->ops->set_password(subject->session, "carol", conformance_hash("x")), -ENOENT);
    assert_int_equal(subject->ops->add_user(subject->session, "carol", conformance_hash("x"), "of sales"), 0);
    assert_int_equal(subject->ops->add_user(subject->session, "carol", conformance_hash("y"), ""), -EEXIST);
    assert_int_equal(subject->ops->add_user(subject->session, "dave", "no hash", ""), -EINVAL);
    assert_int_equal(subject->ops->set_password(subject->session, "carol", "no hash"), -EINVAL);
    assert_int_equal(subject->ops->add_user(subject->session, "dave", conformance_hash("x"), "a\nb"), -EINVAL);
    assert_int_equal(subject->ops->init(&subject->settings), -EEXIST);
    assert_int_equal(check(subject, "carol", "x"), 0);
}

struct seen {
    struct auth_entry entries[16];
    size_t count;
};

static int see(void *arg, const struct auth_entry *entry)
{
    struct seen *seen = arg;

    assert_true(seen->count < 16);
    seen->entries[seen->count++] = *entry;
    return 0;
}

static int stop_at_once(void *arg, const struct auth_entry *entry)
{
    (void)entry;
    ++*(int *)arg;
    return -ECANCELED;
}

static void test_list(void **state)
{
    struct conformance *subject = *state;
    struct seen seen = {.count = 0};
    uint8_t keys[3][AUTH_KEY_SIZE];
    int calls = 0;

    if (!subject->ops->list || !subject->ops->add_user)
        skip();
    for (uint8_t i = 0; i < 3; i++)
        memset(keys[i], i + 1, AUTH_KEY_SIZE);
    assert_int_equal(subject->ops->add_key(subject->session, keys[2], "bob", ""), 0);
    assert_int_equal(subject->ops->add_key(subject->session, keys[1], "bob", "his phone: \xc3\xa4"), 0);
    assert_int_equal(subject->ops->add_key(subject->session, keys[0], "dora", ""), 0);
    assert_int_equal(subject->ops->add_user(subject->session, "zoe", conformance_hash("x"), "a:b % \xc3\xa4"), 0);
    assert_int_equal(subject->ops->add_user(subject->session, "adam", conformance_hash("x"), ""), 0);
    assert_int_equal(subject->ops->list(subject->session, see, &seen), 0);
    assert_int_equal(seen.count, 5);
    assert_string_equal(seen.entries[0].user, "adam");
    assert_string_equal(seen.entries[1].user, "zoe");
    assert_string_equal(seen.entries[1].comment, "a:b % \xc3\xa4");
    assert_false(seen.entries[1].is_key);
    for (size_t i = 2; i < 5; i++) {
        assert_true(seen.entries[i].is_key);
        assert_string_equal(seen.entries[i].user, i < 4 ? "bob" : "dora");
        assert_string_equal(seen.entries[i].comment, seen.entries[i].key[0] == 2 ? "his phone: \xc3\xa4" : "");
    }
    assert_int_equal(seen.entries[2].key[0] + seen.entries[3].key[0], 2 + 3);
    assert_memory_equal(seen.entries[4].key, keys[0], AUTH_KEY_SIZE);
    assert_int_equal(subject->ops->list(subject->session, stop_at_once, &calls), -ECANCELED);
    assert_int_equal(calls, 1);
}

/* ---- users ---- */

static void test_users(void **state)
{
    struct conformance *subject = *state;
    struct auth_record before;
    struct auth_record after;

    assert_int_equal(find_user(subject, "alice", &before), -ENOENT);
    assert_int_equal(check(subject, "alice", "sesame"), -ENOENT);
    put_user(subject, "alice", "sesame");
    put_user(subject, "bob", "other");
    assert_int_equal(check(subject, "alice", "sesame"), 0);
    assert_int_equal(check(subject, "bob", "other"), 0);
    assert_int_equal(check(subject, "alice", "other"), -EACCES);
    assert_int_equal(check(subject, "alice", ""), -EACCES);
    assert_int_equal(check(subject, "bob", "sesame"), -EACCES);
    assert_int_equal(find_user(subject, "alice", &before), 0);
    assert_string_equal(before.user_id, "alice");
    put_password(subject, "alice", "new");
    assert_int_equal(check(subject, "alice", "sesame"), -EACCES);
    assert_int_equal(check(subject, "alice", "new"), 0);
    assert_int_equal(find_user(subject, "alice", &after), 0);
    if (!subject->no_stamps)
        assert_string_not_equal(before.stamp, after.stamp);
    take_user(subject, "alice");
    assert_int_equal(check(subject, "alice", "new"), -ENOENT);
    assert_int_equal(find_user(subject, "alice", &after), -ENOENT);
    assert_int_equal(check(subject, "bob", "other"), 0);
}

static void test_a_record_says_the_same_by_either_call(void **state)
{
    struct conformance *subject = *state;
    struct auth_record found;
    struct auth_record checked;

    put_user(subject, "alice", "sesame");
    assert_int_equal(find_user(subject, "alice", &found), 0);
    assert_int_equal(subject->ops->check_password(subject->session, "alice", "sesame", &checked), 0);
    assert_string_equal(found.user_id, checked.user_id);
    assert_string_equal(found.stamp, checked.stamp);
    assert_int_equal(strlen(found.stamp), subject->no_stamps ? 0 : AUTH_STAMP_SIZE - 1);
}

static unsigned hashes_of(struct conformance *subject, const char *user, const char *password)
{
    unsigned before = conformance_hashes();

    (void)check(subject, user, password);
    return conformance_hashes() - before;
}

/* One hash each: who watches the time cannot tell who is there. */
static void test_every_answer_costs_a_hash(void **state)
{
    struct conformance *subject = *state;
    char longest[AUTH_TEXT_MAX + 2];

    if (subject->no_hashes)
        skip();
    memset(longest, 'x', sizeof longest);
    longest[AUTH_TEXT_MAX + 1] = '\0';
    put_user(subject, "alice", "sesame");
    assert_int_equal(hashes_of(subject, "alice", "sesame"), 1);
    assert_int_equal(hashes_of(subject, "alice", "wrong"), 1);
    assert_int_equal(hashes_of(subject, "nobody", "wrong"), 1);
    assert_int_equal(hashes_of(subject, "", "wrong"), 1);
    assert_int_equal(hashes_of(subject, "a:b", "wrong"), 1);
    assert_int_equal(hashes_of(subject, "\xff\xfe", "wrong"), 1);
    assert_int_equal(hashes_of(subject, longest, "wrong"), 1);
}

/* ---- what strangers send ---- */

const char *const hostile_names[] = {
    "o'brien",
    "\"quoted\"",
    "back\\slash",
    "alice' --",
    "' OR '1'='1",
    "'; DROP TABLE users; --",
    "x'); DELETE FROM users WHERE ('a'='a",
    "$1",
    "?1",
    "%s%n%x",
    "100%",
    "_lice",
    "*",
    "a*",
    "*)(uid=*",
    "*))(|(uid=*",
    "(cn=admin)",
    "alice,ou=people",
    "alice+cn=x",
    "\\2a",
    "\\00",
    "#616c696365",
    " alice",
    "alice ",
    "..",
    ".",
    "~root",
    "-rf",
    "--help",
    "passwords",
    "$argon2id$v=19$m=8,t=1,p=1$",
    "${jndi}",
    "$(id)",
    "`id`",
    "a;b|c&d>e<f",
    "\xe6\x97\xa5\xe6\x9c\xac",
    "\xf0\x9f\x94\x91",
    "e\xcc\x81",
    NULL,
};

static const char *const invalid_names[] = {
    "",          "a:b",  "alice:", "a/b",      "../alice", "/etc/passwd",  "a\nb",     "alice\n",
    "alice\x01", "\x7f", "\xff",   "\xc0\x80", "a\xc3",    "\xed\xa0\x80", "\xc2\x80", NULL,
};

static bool is_loose(const struct conformance *subject, const char *name)
{
    return subject->loose_names && (strchr(name, ' ') != NULL || strchr(name, '\\') != NULL);
}

/* Nobody who was not added is there, whatever the name, and those who were stay as they are. */
static void test_hostile_names_are_unknown(void **state)
{
    struct conformance *subject = *state;
    struct auth_record record;

    put_user(subject, "alice", "sesame");
    for (const char *const *name = hostile_names; *name; name++) {
        if (is_loose(subject, *name))
            continue;
        assert_int_equal(find_user(subject, *name, &record), -ENOENT);
        assert_int_equal(check(subject, *name, "sesame"), -ENOENT);
        assert_int_equal(check(subject, *name, ""), -ENOENT);
    }
    for (const char *const *name = invalid_names; *name; name++) {
        assert_int_equal(find_user(subject, *name, &record), -ENOENT);
        assert_int_equal(check(subject, *name, "sesame"), -ENOENT);
        if (subject->ops->add_user)
            assert_int_equal(subject->ops->add_user(subject->session, *name, conformance_hash("x"), ""), -EINVAL);
        if (subject->ops->add_key && **name)
            assert_int_equal(subject->ops->add_key(subject->session, (const uint8_t[AUTH_KEY_SIZE]){1}, *name, ""),
                             -EINVAL);
        if (subject->ops->remove_user)
            assert_int_equal(subject->ops->remove_user(subject->session, *name), -ENOENT);
    }
    assert_int_equal(check(subject, "alice", "sesame"), 0);
    if (!subject->loose_names)
        assert_int_equal(check(subject, "Alice", "sesame"), -ENOENT);
}

static void test_hostile_names_are_just_names(void **state)
{
    struct conformance *subject = *state;
    struct auth_record record;

    put_user(subject, "alice", "sesame");
    for (const char *const *name = hostile_names; *name; name++) {
        if (is_loose(subject, *name))
            continue;
        put_user(subject, *name, "theirs");
        assert_int_equal(check(subject, *name, "theirs"), 0);
        assert_int_equal(check(subject, *name, "sesame"), -EACCES);
        assert_int_equal(find_user(subject, *name, &record), 0);
        if (!subject->loose_names)
            assert_string_equal(record.user_id, *name);
    }
    assert_int_equal(check(subject, "alice", "sesame"), 0);
    for (const char *const *name = hostile_names; *name; name++) {
        if (is_loose(subject, *name))
            continue;
        take_user(subject, *name);
        assert_int_equal(check(subject, *name, "theirs"), -ENOENT);
    }
    assert_int_equal(check(subject, "alice", "sesame"), 0);
}

static void test_hostile_owners(void **state)
{
    struct conformance *subject = *state;
    struct auth_record record;
    uint8_t key[AUTH_KEY_SIZE];

    if (!subject->ops->add_key)
        skip();
    for (const char *const *name = hostile_names; *name; name++) {
        int rc;

        make_key(key);
        rc = subject->ops->add_key(subject->session, key, *name, *name);
        if (rc == -EINVAL && subject->fewer_owners) {
            assert_int_equal(find_key(subject, key, &record), -ENOENT);
            continue;
        }
        assert_int_equal(rc, 0);
        assert_int_equal(find_key(subject, key, &record), 0);
        assert_string_equal(record.user_id, *name);
        assert_int_equal(subject->ops->remove_key(subject->session, key), 0);
    }
}

static void test_hostile_passwords(void **state)
{
    struct conformance *subject = *state;

    put_user(subject, "alice", "sesame");
    for (const char *const *text = hostile_names; *text; text++) {
        assert_int_equal(check(subject, "alice", *text), -EACCES);
        assert_int_equal(check(subject, "nobody", *text), -ENOENT);
    }
    assert_int_equal(check(subject, "alice", conformance_hash("sesame")), -EACCES);
    for (const char *const *text = hostile_names; *text; text++) {
        put_password(subject, "alice", *text);
        assert_int_equal(check(subject, "alice", *text), 0);
        assert_int_equal(check(subject, "alice", "sesame"), -EACCES);
    }
}

static void test_longest_names(void **state)
{
    struct conformance *subject = *state;
    struct auth_record record;
    char name[AUTH_TEXT_MAX + 2];

    memset(name, 'n', sizeof name);
    name[AUTH_TEXT_MAX] = '\0';
    put_user(subject, name, name);
    assert_int_equal(check(subject, name, name), 0);
    assert_int_equal(find_user(subject, name, &record), 0);
    assert_string_equal(record.user_id, name);
    name[AUTH_TEXT_MAX] = 'n';
    name[AUTH_TEXT_MAX + 1] = '\0';
    assert_int_equal(check(subject, name, "x"), -ENOENT);
    assert_int_equal(find_user(subject, name, &record), -ENOENT);
    if (subject->ops->add_user)
        assert_int_equal(subject->ops->add_user(subject->session, name, conformance_hash("x"), ""), -EINVAL);
    name[AUTH_TEXT_MAX - 1] = '\0';
    assert_int_equal(check(subject, name, "x"), -ENOENT);
}

/* ---- many ---- */

enum { MANY = 10000 };

static void test_many_keys(void **state)
{
    struct conformance *subject = *state;
    uint8_t(*keys)[AUTH_KEY_SIZE] = malloc(sizeof *keys * MANY);
    struct auth_record record;

    if (!subject->fill) {
        free(keys);
        skip();
    }
    assert_non_null(keys);
    randombytes_buf(keys, sizeof *keys * MANY);
    subject->fill(subject, keys, MANY);
    for (size_t i = 0; i < MANY; i += 97) {
        assert_int_equal(find_key(subject, keys[i], &record), 0);
        keys[i][i % AUTH_KEY_SIZE] ^= 1;
        assert_int_equal(find_key(subject, keys[i], &record), -ENOENT);
    }
    take_key(subject, keys[1]);
    assert_int_equal(find_key(subject, keys[1], &record), -ENOENT);
    assert_int_equal(find_key(subject, keys[2], &record), 0);
    free(keys);
}

/* ---- running ---- */

static int setup(void **state)
{
    struct conformance *subject = *state;

    subject->reset(subject);
    open_backend(subject);
    return 0;
}

static int teardown(void **state)
{
    close_backend(*state);
    return 0;
}

static int start(void **state)
{
    struct conformance *subject = *state;

    subject->start(subject);
    return sodium_init() < 0;
}

static int stop(void **state)
{
    struct conformance *subject = *state;

    subject->stop(subject);
    return 0;
}

static struct conformance *running;

static int give_subject_and_start(void **state)
{
    *state = running;
    return start(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int conformance_run(struct conformance *subject)
{
    const struct CMUnitTest tests[] = {
        TEST(test_keys),
        TEST(test_a_key_without_an_owner_is_its_own_name),
        TEST(test_odd_keys),
        TEST(test_writing_says_what_there_is),
        TEST(test_list),
        TEST(test_users),
        TEST(test_a_record_says_the_same_by_either_call),
        TEST(test_every_answer_costs_a_hash),
        TEST(test_hostile_names_are_unknown),
        TEST(test_hostile_names_are_just_names),
        TEST(test_hostile_owners),
        TEST(test_hostile_passwords),
        TEST(test_longest_names),
        TEST(test_many_keys),
        TEST(test_two_sessions_see_every_change),
        TEST(test_watch_sees_changes),
        TEST(test_watch_stops),
        TEST(test_damage_lets_nobody_in),
        TEST(test_away_is_not_empty),
        TEST(test_begun_while_away),
        TEST(test_watch_outlives_an_absence),
        TEST(test_slow_is_away),
    };

    running = subject;
    return cmocka_run_group_tests_name(subject->name, tests, give_subject_and_start, stop);
}
