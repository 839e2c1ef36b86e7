/* SPDX-License-Identifier: ISC */
/* The back end LDAP against a real directory: what only this one does. */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "auth/backend.h"
#include "server_ldap.h"
#include "user.h"

#include <cmocka.h>

enum { PATIENT = 20000, SHORT = 250 /* ms; where the time limit must end it */ };

static struct directory server;
static const struct auth_backend_ops *ops;

/* --- how it is asked ---------------------------------------------------------------------------------------------- */

#define COMMON "base", "ou=people,dc=test", "bind-dn", LDAP_TEST_SERVICE, "bind-password-file", server.password_file
#define PLAIN_PROPERTIES ((const char *const[]){COMMON, "key-attribute", "zmqKey", NULL})

static int check(struct user *user, const char *name, const char *password)
{
    struct auth_record record = {.user_id = ""};
    int rc = ops->check_password(user->session, name, password, &record);

    assert_string_equal(record.user_id, rc ? "" : name);
    return rc;
}

/* Once the server is there again, this ends: it is asked as often as need be. */
static int check_at_last(struct user *user, const char *name, const char *password)
{
    int rc;

    do
        rc = check(user, name, password);
    while (rc == -EAGAIN);
    return rc;
}

static int find_key(struct user *user, const uint8_t *key, const char *owner)
{
    struct auth_record record = {.user_id = ""};
    int rc = ops->find_key(user->session, key, &record);

    assert_string_equal(record.user_id, rc ? "" : owner);
    return rc;
}

static int find_user(struct user *user, const char *name)
{
    struct auth_record record;

    return ops->find_user(user->session, name, &record);
}

static void change(const char *ldif)
{
    if (!directory_change(&server, ldif))
        fail_msg("%s", ldif);
}

/* --- who gets in -------------------------------------------------------------------------------------------------- */

static void test_passwords(void **state)
{
    struct user user;

    (void)state;
    directory_add_person(&server, "alice", "secret");
    user_begin(&user, ops, server.url, PLAIN_PROPERTIES, PATIENT);
    assert_int_equal(check(&user, "alice", "secret"), 0);
    assert_int_equal(check(&user, "alice", "Secret"), -EACCES);
    assert_int_equal(check(&user, "bob", "secret"), -ENOENT);
    /* After somebody else's bind as after none. */
    assert_int_equal(check(&user, "alice", "secret"), 0);
    assert_int_equal(find_user(&user, "alice"), 0);
    assert_int_equal(find_user(&user, "bob"), -ENOENT);
    directory_remove_person(&server, "alice");
    assert_int_equal(check(&user, "alice", "secret"), -ENOENT);
    assert_int_equal(find_user(&user, "alice"), -ENOENT);
    user_end(&user);
}

/* This slapd takes a bind without a password for an anonymous one, and says that it succeeds. */
static void test_an_empty_password_is_none(void **state)
{
    struct user user;

    (void)state;
    directory_add_person(&server, "alice", "secret");
    user_begin(&user, ops, server.url, PLAIN_PROPERTIES, PATIENT);
    assert_int_equal(check(&user, "alice", ""), -EACCES);
    assert_int_equal(check(&user, "bob", ""), -ENOENT);
    directory_remove_person(&server, "alice");
    user_end(&user);
}

static void test_no_entry_but_the_one_with_that_name(void **state)
{
    static const char *const others[] = {"Alice", "ALICE", " alice", "alice ", "al  ice", "*", "al*", "a\xcc\x81lice"};
    struct user user;

    (void)state;
    directory_add_person(&server, "alice", "secret");
    directory_add_person(&server, "al ice", "secret");
    user_begin(&user, ops, server.url, PLAIN_PROPERTIES, PATIENT);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(check(&user, others[i], "secret"), -ENOENT);
        assert_int_equal(find_user(&user, others[i]), -ENOENT);
    }
    directory_remove_person(&server, "alice");
    directory_remove_person(&server, "al ice");
    user_end(&user);
}

static void test_injection(void **state)
{
    static const char *const names[] = {
        "*",           "*)(uid=*",  "a)(|(uid=*", "\\2a",     "a\\", "(",       ")",
        "&",           "a,dc=test", "uid=a",      "a+cn=x",   "%u",  "%d",      "日本",
        "x;y<z>\"q\"", "#a",        "a=b",        "|(uid=*)", "a b", "o'brien", "admin)(!(uid=x",
    };
    struct user user;
    int count = (int)(sizeof names / sizeof names[0]);

    (void)state;
    directory_add_person(&server, "admin", "secret");
    user_begin(&user, ops, server.url, PLAIN_PROPERTIES, PATIENT);
    for (int i = 0; i < count; i++) {
        assert_int_equal(check(&user, names[i], "secret"), -ENOENT);
        assert_int_equal(check(&user, names[i], names[i]), -ENOENT);
        assert_int_equal(find_user(&user, names[i]), -ENOENT);
    }
    for (int i = 0; i < count; i++)
        directory_add_person(&server, names[i], names[i]);
    for (int i = 0; i < count; i++) {
        assert_int_equal(check(&user, names[i], names[i]), 0);
        assert_int_equal(check(&user, names[i], names[(i + 1) % count]), -EACCES);
    }
    for (int i = 0; i < count; i++)
        directory_remove_person(&server, names[i]);
    directory_remove_person(&server, "admin");
    user_end(&user);
}

static void test_two_entries_for_one_name(void **state)
{
    struct user user;

    (void)state;
    directory_add_person(&server, "alice", "secret");
    change("dn: ou=more,ou=people,dc=test\nobjectClass: organizationalUnit\nou: more\n\n"
           "dn: uid=alice,ou=more,ou=people,dc=test\nobjectClass: inetOrgPerson\ncn: x\nsn: x\nuid: alice\n"
           "userPassword: other\n");
    user_begin(&user, ops, server.url, PLAIN_PROPERTIES, PATIENT);
    assert_int_equal(check(&user, "alice", "secret"), -EBADMSG);
    assert_int_equal(check(&user, "alice", "other"), -EBADMSG);
    assert_int_equal(find_user(&user, "alice"), -EBADMSG);
    change("dn: uid=alice,ou=more,ou=people,dc=test\nchangetype: delete\n\n"
           "dn: ou=more,ou=people,dc=test\nchangetype: delete\n");
    assert_int_equal(check(&user, "alice", "secret"), 0);
    directory_remove_person(&server, "alice");
    user_end(&user);
}

/* An alias is not followed, and a referral neither. */
static void test_who_is_elsewhere(void **state)
{
    char dn[128];
    char ldif[512];
    struct user user;

    (void)state;
    directory_add_person(&server, "alice", "secret");
    directory_dn(dn, sizeof dn, "alice");
    (void)snprintf(ldif, sizeof ldif,
                   "dn: uid=bob,ou=people,dc=test\nobjectClass: alias\nobjectClass: extensibleObject\nuid: bob\n"
                   "aliasedObjectName: %s\n",
                   dn);
    change(ldif);
    user_begin(&user, ops, server.url, PLAIN_PROPERTIES, PATIENT);
    assert_int_equal(check(&user, "bob", "secret"), -EACCES);
    assert_int_equal(check(&user, "alice", "secret"), 0);
    change("dn: uid=bob,ou=people,dc=test\nchangetype: delete\n");
    directory_remove_person(&server, "alice");
    user_end(&user);
}

static void test_groups(void **state)
{
    const char *const properties[] = {COMMON, "key-attribute", "zmqKey", "group", LDAP_TEST_GROUP, NULL};
    const char *const by_name[] = {COMMON, "group", LDAP_TEST_GROUP, "group-filter", "(&(cn=staff)(description=%u))",
                                   NULL};
    uint8_t key[AUTH_KEY_SIZE] = {7};
    char text[AUTH_KEY_TEXT];
    struct user user;

    (void)state;
    directory_add_person(&server, "alice", "secret");
    directory_add_person(&server, "b,o(b)*", "secret");
    directory_set_key(&server, "alice", zmq_z85_encode(text, key, sizeof key), true);
    user_begin(&user, ops, server.url, properties, PATIENT);
    assert_int_equal(check(&user, "alice", "secret"), -EACCES);
    assert_int_equal(find_key(&user, key, "alice"), -EACCES);
    directory_set_member(&server, "alice", true);
    assert_int_equal(check(&user, "alice", "secret"), 0);
    assert_int_equal(check(&user, "alice", "wrong"), -EACCES);
    assert_int_equal(find_user(&user, "alice"), 0);
    assert_int_equal(find_key(&user, key, "alice"), 0);
    assert_int_equal(check(&user, "b,o(b)*", "secret"), -EACCES);
    directory_set_member(&server, "b,o(b)*", true);
    assert_int_equal(check(&user, "b,o(b)*", "secret"), 0);
    directory_set_member(&server, "b,o(b)*", false);
    directory_set_member(&server, "alice", false);
    assert_int_equal(find_user(&user, "alice"), -EACCES);
    user_end(&user);
    user_begin(&user, ops, server.url, by_name, PATIENT);
    assert_int_equal(check(&user, "alice", "secret"), -EACCES);
    change("dn: " LDAP_TEST_GROUP "\nchangetype: modify\nadd: description\ndescription: alice\n");
    assert_int_equal(check(&user, "alice", "secret"), 0);
    assert_int_equal(check(&user, "b,o(b)*", "secret"), -EACCES);
    change("dn: " LDAP_TEST_GROUP "\nchangetype: modify\ndelete: description\n");
    user_end(&user);
    directory_remove_person(&server, "alice");
    directory_remove_person(&server, "b,o(b)*");
}

static void test_a_group_that_is_not_there(void **state)
{
    const char *const properties[] = {COMMON, "group", "cn=none,dc=test", NULL};
    struct user user;

    (void)state;
    directory_add_person(&server, "alice", "secret");
    user_begin(&user, ops, server.url, properties, PATIENT);
    assert_int_equal(check(&user, "alice", "secret"), -EACCES);
    user_end(&user);
    directory_remove_person(&server, "alice");
}

static void test_a_condition_for_all(void **state)
{
    const char *const properties[] = {COMMON, "key-attribute", "zmqKey", "filter", "(!(description=left))", NULL};
    uint8_t key[AUTH_KEY_SIZE] = {8};
    char text[AUTH_KEY_TEXT];
    struct user user;

    (void)state;
    directory_add_person(&server, "alice", "secret");
    directory_set_key(&server, "alice", zmq_z85_encode(text, key, sizeof key), true);
    user_begin(&user, ops, server.url, properties, PATIENT);
    assert_int_equal(check(&user, "alice", "secret"), 0);
    assert_int_equal(find_key(&user, key, "alice"), 0);
    directory_change_person(&server, "alice", "changetype: modify\nadd: description\ndescription: left\n");
    assert_int_equal(check(&user, "alice", "secret"), -ENOENT);
    assert_int_equal(find_key(&user, key, "alice"), -ENOENT);
    user_end(&user);
    directory_remove_person(&server, "alice");
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

static void swap_case(char *text)
{
    for (; *text; text++) {
        if ((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z'))
            *text ^= 0x20;
    }
}

/* An attribute that does not tell a from A: description. */
static void test_a_key_is_compared_octet_by_octet(void **state)
{
    const char *const properties[] = {COMMON, "key-attribute", "description", NULL};
    uint8_t key[AUTH_KEY_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 200, 201, 202};
    uint8_t other[AUTH_KEY_SIZE];
    char text[AUTH_KEY_TEXT];
    struct user user;

    (void)state;
    directory_add_person(&server, "alice", "secret");
    (void)zmq_z85_encode(text, key, sizeof key);
    directory_change_person(&server, "alice", "changetype: modify\nadd: description\ndescription: %s\n", text);
    user_begin(&user, ops, server.url, properties, PATIENT);
    assert_int_equal(find_key(&user, key, "alice"), 0);
    swap_case(text);
    assert_non_null(zmq_z85_decode(other, text));
    assert_int_equal(find_key(&user, other, ""), -ENOENT);
    user_end(&user);
    directory_remove_person(&server, "alice");
}

static void test_keys(void **state)
{
    uint8_t keys[2][AUTH_KEY_SIZE] = {{1}, {2}};
    char z85[AUTH_KEY_TEXT];
    char base64[64];
    struct user user;

    (void)state;
    (void)zmq_z85_encode(z85, keys[0], AUTH_KEY_SIZE);
    (void)sodium_bin2base64(base64, sizeof base64, keys[1], AUTH_KEY_SIZE, sodium_base64_VARIANT_ORIGINAL);
    directory_add_person(&server, "alice", "secret");
    directory_add_person(&server, "bob", "secret");
    user_begin(&user, ops, server.url, PLAIN_PROPERTIES, PATIENT);
    assert_int_equal(find_key(&user, keys[0], ""), -ENOENT);
    directory_set_key(&server, "alice", z85, true);
    directory_set_key(&server, "alice", base64, true);
    assert_int_equal(find_key(&user, keys[0], "alice"), 0);
    assert_int_equal(find_key(&user, keys[1], "alice"), 0);
    directory_set_key(&server, "bob", base64, true);
    assert_int_equal(find_key(&user, keys[1], ""), -EBADMSG); /* whose is it? */
    directory_set_key(&server, "alice", base64, false);
    assert_int_equal(find_key(&user, keys[1], "bob"), 0);
    directory_change_person(&server, "bob", "changetype: modify\nadd: uid\nuid: robert\n");
    assert_int_equal(find_key(&user, keys[1], ""), -EBADMSG);
    user_end(&user);
    user_begin(&user, ops, server.url, ((const char *const[]){COMMON, NULL}), PATIENT);
    assert_int_equal(find_key(&user, keys[0], ""), -ENOENT);
    user_end(&user);
    directory_remove_person(&server, "alice");
    directory_remove_person(&server, "bob");
}

/* --- stamps ------------------------------------------------------------------------------------------------------- */

static void test_the_stamp_changes_with_the_password_alone(void **state)
{
    struct auth_record before;
    struct auth_record record;
    struct user user;

    (void)state;
    directory_add_person(&server, "alice", "secret");
    user_begin(&user, ops, server.url, PLAIN_PROPERTIES, PATIENT);
    assert_int_equal(ops->find_user(user.session, "alice", &before), 0);
    assert_int_equal(strlen(before.stamp), AUTH_STAMP_SIZE - 1);
    assert_int_equal(ops->check_password(user.session, "alice", "secret", &record), 0);
    assert_string_equal(record.stamp, before.stamp);
    directory_change_person(&server, "alice", "changetype: modify\nadd: description\ndescription: x\n");
    assert_int_equal(ops->find_user(user.session, "alice", &record), 0);
    assert_string_equal(record.stamp, before.stamp);
    do { /* pwdChangedTime counts seconds */
        directory_set_password(&server, "alice", "new");
        assert_int_equal(ops->find_user(user.session, "alice", &record), 0);
    } while (strcmp(record.stamp, before.stamp) == 0);
    user_end(&user);
    directory_remove_person(&server, "alice");
}

/* --- a server that is away ---------------------------------------------------------------------------------------- */

static void expect_away(struct user *user)
{
    static const uint8_t key[AUTH_KEY_SIZE] = {1};

    assert_int_equal(check(user, "alice", "secret"), -EAGAIN);
    assert_int_equal(check(user, "nobody", "secret"), -EAGAIN);
    assert_int_equal(find_user(user, "alice"), -EAGAIN);
    assert_int_equal(find_key(user, key, ""), -EAGAIN);
}

static void test_a_server_that_does_not_answer(void **state)
{
    struct user user;
    struct user late;

    (void)state;
    directory_add_person(&server, "alice", "secret");
    user_begin(&user, ops, server.url, PLAIN_PROPERTIES, SHORT);
    user_begin(&late, ops, server.url, PLAIN_PROPERTIES, SHORT);
    assert_int_equal(check_at_last(&user, "alice", "secret"), 0);
    keeper_pause(&server.keeper);
    expect_away(&user);
    expect_away(&late);
    keeper_resume(&server.keeper);
    assert_int_equal(check_at_last(&user, "alice", "secret"), 0);
    assert_int_equal(check_at_last(&late, "alice", "wrong"), -EACCES);
    user_end(&user);
    user_end(&late);
    directory_remove_person(&server, "alice");
}

static void test_a_server_that_is_stopped_and_started(void **state)
{
    struct user user;

    (void)state;
    directory_add_person(&server, "alice", "secret");
    user_begin(&user, ops, server.url, PLAIN_PROPERTIES, PATIENT);
    assert_int_equal(check(&user, "alice", "secret"), 0);
    keeper_stop(&server.keeper);
    keeper_start(&server.keeper);
    /* Both connections are dead, but the server is there: nobody notices. */
    assert_int_equal(check(&user, "alice", "secret"), 0);
    keeper_stop(&server.keeper);
    expect_away(&user);
    keeper_start(&server.keeper);
    assert_int_equal(check_at_last(&user, "alice", "secret"), 0);
    keeper_kill(&server.keeper);
    expect_away(&user);
    keeper_start(&server.keeper);
    assert_int_equal(check_at_last(&user, "alice", "wrong"), -EACCES);
    user_end(&user);
    directory_remove_person(&server, "alice");
}

static void *check_thread(void *arg)
{
    struct user *user = arg;

    return check(user, "alice", "secret") == -EAGAIN ? NULL : user;
}

static void test_a_server_killed_in_the_middle_of_a_lookup(void **state)
{
    pthread_t thread;
    struct user user;
    void *wrong;

    (void)state;
    directory_add_person(&server, "alice", "secret");
    user_begin(&user, ops, server.url, PLAIN_PROPERTIES, PATIENT);
    assert_int_equal(check(&user, "alice", "secret"), 0);
    keeper_pause(&server.keeper);
    assert_int_equal(pthread_create(&thread, NULL, check_thread, &user), 0);
    keeper_kill(&server.keeper);
    assert_int_equal(pthread_join(thread, &wrong), 0);
    assert_null(wrong);
    keeper_start(&server.keeper);
    assert_int_equal(check_at_last(&user, "alice", "secret"), 0);
    user_end(&user);
    directory_remove_person(&server, "alice");
}

static void test_nobody_is_there(void **state)
{
    const char *const open_text[] = {"base", "dc=test", "starttls", "no", NULL};
    struct user user;

    (void)state;
    user_begin(&user, ops, "ldapi://%2fnonexistent", PLAIN_PROPERTIES, PATIENT);
    expect_away(&user);
    user_end(&user);
    user_begin(&user, ops, "ldap://127.0.0.1:1", open_text, PATIENT);
    assert_int_equal(check(&user, "alice", "secret"), -EAGAIN);
    user_end(&user);
}

static void test_a_service_that_may_not(void **state)
{
    const char *const anonymous[] = {"base", "ou=people,dc=test", NULL};
    char wrong_file[128];
    const char *const wrong[] = {
        "base", "ou=people,dc=test", "bind-password-file", wrong_file, "bind-dn", LDAP_TEST_SERVICE, NULL};
    struct user user;

    (void)state;
    directory_add_person(&server, "alice", "secret");
    user_begin(&user, ops, server.url, anonymous, PATIENT);
    assert_int_equal(check(&user, "alice", "secret"), -ENOENT); /* nobody may see anything */
    user_end(&user);
    (void)snprintf(wrong_file, sizeof wrong_file, "%s/slapd.conf", server.folder);
    user_begin(&user, ops, server.url, wrong, PATIENT);
    assert_int_equal(check(&user, "alice", "secret"), -EAGAIN);
    user_end(&user);
    directory_remove_person(&server, "alice");
}

/* --- changes ------------------------------------------------------------------------------------------------------ */

static void expect_changes(struct directory *directory, struct watcher *watcher)
{
    directory_add_person(directory, "carol", "secret");
    expect_change(watcher);
    directory_set_password(directory, "carol", "new");
    expect_change(watcher);
    directory_set_key(directory, "carol", "key", true);
    expect_change(watcher);
    directory_set_member(directory, "carol", true);
    expect_change(watcher);
    directory_set_member(directory, "carol", false);
    expect_change(watcher);
    directory_remove_person(directory, "carol");
    expect_change(watcher);
}

static void test_every_change_is_heard(void **state)
{
    const char *const properties[] = {COMMON, "group", LDAP_TEST_GROUP, NULL};
    const char *const whole[] = {
        "base",  "dc=test",       "bind-dn", LDAP_TEST_SERVICE, "bind-password-file", server.password_file,
        "group", LDAP_TEST_GROUP, NULL};
    struct watcher watcher;

    (void)state;
    watcher_begin(&watcher, ops, server.url, properties, PATIENT);
    expect_changes(&server, &watcher);
    watcher_end(&watcher);
    watcher_begin(&watcher, ops, server.url, whole, PATIENT);
    expect_changes(&server, &watcher);
    watcher_end(&watcher);
}

static void test_who_was_deaf_for_a_while_says_so(void **state)
{
    struct watcher watcher;

    (void)state;
    watcher_begin(&watcher, ops, server.url, PLAIN_PROPERTIES, PATIENT);
    keeper_stop(&server.keeper);
    keeper_start(&server.keeper);
    expect_change(&watcher);
    keeper_kill(&server.keeper);
    keeper_start(&server.keeper);
    expect_change(&watcher);
    directory_add_person(&server, "carol", "secret");
    expect_change(&watcher);
    directory_remove_person(&server, "carol");
    expect_change(&watcher);
    watcher_end(&watcher);
}

static void test_a_server_that_does_not_tell(void **state)
{
    static struct directory silent;
    struct watcher watcher;

    (void)state;
    directory_open(&silent, DIRECTORY_SILENT);
    {
        const char *const properties[] = {"base",
                                          "ou=people,dc=test",
                                          "bind-dn",
                                          LDAP_TEST_SERVICE,
                                          "bind-password-file",
                                          silent.password_file,
                                          "key-attribute",
                                          "zmqKey",
                                          "group",
                                          LDAP_TEST_GROUP,
                                          NULL};

        watcher_begin(&watcher, ops, silent.url, properties, PATIENT);
        expect_changes(&silent, &watcher);
        keeper_stop(&silent.keeper);
        keeper_start(&silent.keeper);
        directory_add_person(&silent, "dave", "secret"); /* whether it has noticed the absence or not */
        expect_change(&watcher);
        watcher_end(&watcher);
    }
    directory_close(&silent);
}

static void test_a_watch_stops_while_nobody_is_there(void **state)
{
    struct user user;
    int stop = eventfd(0, EFD_CLOEXEC);

    (void)state;
    user_begin(&user, ops, "ldapi://%2fnonexistent", PLAIN_PROPERTIES, PATIENT);
    assert_int_equal(ops->watch(user.session, stop), -EAGAIN);
    assert_int_equal(ops->watch(user.session, stop), -EAGAIN);
    assert_int_equal(eventfd_write(stop, 1), 0);
    assert_int_equal(ops->watch(user.session, stop), 0);
    user_end(&user);
    (void)close(stop);
}

/* --- what people should know -------------------------------------------------------------------------------------- */

static void tell(void *arg, const char *line)
{
    char *told = arg;

    assert_true(strlen(told) + strlen(line) + 2 < 1024);
    (void)strcat(strcat(told, line), "\n");
}

static void test_inspect(void **state)
{
    const char *const good[] = {COMMON, "group", LDAP_TEST_GROUP, NULL};
    const char *const bad[] = {
        "base",  "ou=nobody,dc=test", "bind-dn", LDAP_TEST_SERVICE, "bind-password-file", server.password_file,
        "group", "cn=none,dc=test",   NULL};
    char told[1024] = "";
    struct user user;

    (void)state;
    assert_int_equal(chmod(server.password_file, 0600), 0);
    user_begin(&user, ops, server.url, good, PATIENT);
    assert_int_equal(ops->inspect(user.session, tell, told), 0);
    assert_string_equal(told, "");
    user_end(&user);
    assert_int_equal(chmod(server.password_file, 0644), 0);
    user_begin(&user, ops, server.url, bad, PATIENT);
    assert_int_equal(ops->inspect(user.session, tell, told), 0);
    assert_string_equal(told, "bind-password-file: others than its owner may open it\n"
                              "base: there is no such entry, or who searches may not see it\n"
                              "group: there is no such entry, or who searches may not see it\n");
    user_end(&user);
}

/* --- descriptors -------------------------------------------------------------------------------------------------- */

static int count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    assert_non_null(folder);
    while (readdir(folder))
        count++;
    assert_int_equal(closedir(folder), 0);
    return count;
}

static void test_no_descriptor_is_left(void **state)
{
    int before = count_descriptors();
    struct user user;

    (void)state;
    user_begin(&user, ops, server.url, PLAIN_PROPERTIES, PATIENT);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(check_at_last(&user, "nobody", "secret"), -ENOENT);
        assert_int_equal(count_descriptors(), before + 2); /* one that searches, one that binds */
        keeper_stop(&server.keeper);
        expect_away(&user);
        assert_int_equal(count_descriptors(), before + 1); /* nobody was to be bound since */
        keeper_start(&server.keeper);
    }
    user_end(&user);
    assert_int_equal(count_descriptors(), before);
}

/* --- settings ----------------------------------------------------------------------------------------------------- */

static void test_wrong_settings(void **state)
{
    static const struct {
        const char *url;
        const char *properties[8];
    } wrong[] = {
        {"ldapi://%2fx", {NULL}},
        {"ldapi://%2fx", {"base", "", NULL}},
        {"ldapi://%2fx", {"base", "people", NULL}},
        {"ldap://", {"base", "dc=test", NULL}},
        {"ldap://host/dc=test", {"base", "dc=test", NULL}},
        {"ldapi://%2fx", {"base", "dc=test", "starttls", "yes", NULL}},
        {"ldap://host", {"base", "dc=test", "starttls", "maybe", NULL}},
        {"ldapi://%2fx", {"base", "dc=test", "user-filter", "(uid=alice)", NULL}},
        {"ldapi://%2fx", {"base", "dc=test", "user-filter", "uid=%u", NULL}},
        {"ldapi://%2fx", {"base", "dc=test", "user-filter", "(uid=%d)", NULL}},
        {"ldapi://%2fx", {"base", "dc=test", "user-filter", "(uid=%u", NULL}},
        {"ldapi://%2fx", {"base", "dc=test", "user-filter", "(uid=%u)(a=b)", NULL}},
        {"ldapi://%2fx", {"base", "dc=test", "user-filter", "(uid=%u)%", NULL}},
        {"ldapi://%2fx", {"base", "dc=test", "filter", "(a=%u)", NULL}},
        {"ldapi://%2fx", {"base", "dc=test", "key-attribute", "a)(b", NULL}},
        {"ldapi://%2fx", {"base", "dc=test", "key-attribute", "", NULL}},
        {"ldapi://%2fx", {"base", "dc=test", "group", "staff", NULL}},
        {"ldapi://%2fx", {"base", "dc=test", "group-filter", "(member=x)", NULL}},
        {"ldapi://%2fx", {"base", "dc=test", "bind-dn", "cn=x", NULL}},
        {"ldapi://%2fx", {"base", "dc=test", "bind-password-file", "x", NULL}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct user user = {.properties = wrong[i].properties};
        const char *error = NULL;

        user.settings = (struct auth_settings){.url = wrong[i].url, .timeout = 1, .get = user_property, .arg = &user};
        if (ops->open(&user.settings, &user.backend, &error) != -EINVAL)
            fail_msg("settings %zu", i);
        assert_non_null(error);
    }
}

static int setup(void **state)
{
    (void)state;
    directory_open(&server, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    directory_close(&server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passwords),
        cmocka_unit_test(test_an_empty_password_is_none),
        cmocka_unit_test(test_no_entry_but_the_one_with_that_name),
        cmocka_unit_test(test_injection),
        cmocka_unit_test(test_two_entries_for_one_name),
        cmocka_unit_test(test_who_is_elsewhere),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_a_group_that_is_not_there),
        cmocka_unit_test(test_a_condition_for_all),
        cmocka_unit_test(test_a_key_is_compared_octet_by_octet),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_the_stamp_changes_with_the_password_alone),
        cmocka_unit_test(test_a_server_that_does_not_answer),
        cmocka_unit_test(test_a_server_that_is_stopped_and_started),
        cmocka_unit_test(test_a_server_killed_in_the_middle_of_a_lookup),
        cmocka_unit_test(test_nobody_is_there),
        cmocka_unit_test(test_a_service_that_may_not),
        cmocka_unit_test(test_every_change_is_heard),
        cmocka_unit_test(test_who_was_deaf_for_a_while_says_so),
        cmocka_unit_test(test_a_server_that_does_not_tell),
        cmocka_unit_test(test_a_watch_stops_while_nobody_is_there),
        cmocka_unit_test(test_inspect),
        cmocka_unit_test(test_no_descriptor_is_left),
        cmocka_unit_test(test_wrong_settings),
    };

    ops = auth_backend_find("ldap:");
    if (!ops || !directory_is_there())
        return 77;
    return cmocka_run_group_tests(tests, setup, teardown);
}
