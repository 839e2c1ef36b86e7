/* SPDX-License-Identifier: ISC */
/* Back end "files": the suite, and what only a folder can do. */
#include <curve.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include <cmocka.h>

#include "conformance_parts.h"
#include "keeper.h"

static char parent[64];

static const char *path_of(const char *format, const char *name)
{
    static char path[512];

    (void)snprintf(path, sizeof path, format, parent, name);
    return path;
}

static const char *in_folder(const char *name)
{
    return path_of("%s/store/%s", name);
}

static void run(const char *command)
{
    char line[512];

    (void)snprintf(line, sizeof line, command, parent);
    assert_int_equal(system(line), 0);
}

static void start(struct conformance *subject)
{
    conformance_folder(parent, "files");
    assert_int_equal(chmod(parent, 0711), 0);
    (void)snprintf(subject->url, sizeof subject->url, "files:%s/store", parent);
}

static void stop(struct conformance *subject)
{
    (void)subject;
    run("rm -rf '%s'");
}

static void reset(struct conformance *subject)
{
    const struct auth_settings settings = {.url = subject->url};

    run("cd '%s' && rm -rf store away other");
    assert_int_equal(auth_backend_find(subject->url)->init(&settings), 0);
}

static void away(struct conformance *subject)
{
    (void)subject;
    run("cd '%s' && mv store away");
}

static void back(struct conformance *subject)
{
    (void)subject;
    run("cd '%s' && mv away store");
}

static void write_file(const char *path, const char *text, size_t size)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void save_cert(const char *path, const uint8_t *key, const char *user)
{
    curve_cert_t *cert = curve_cert_from(key, NULL);

    assert_non_null(cert);
    if (user)
        assert_int_equal(curve_cert_set_meta(cert, "name", user), 0);
    assert_int_equal(curve_cert_save_public(cert, path), 0);
    curve_cert_destroy(&cert);
}

/* As CZMQ writes them, without the care of curve_cert_save_public, which waits for the disk each time. */
static void fill(struct conformance *subject, uint8_t (*keys)[AUTH_KEY_SIZE], size_t count)
{
    (void)subject;
    for (size_t i = 0; i < count; i++) {
        curve_cert_t *cert = curve_cert_from(keys[i], NULL);
        char name[32];
        char text[256];

        assert_non_null(cert);
        (void)snprintf(name, sizeof name, "client%zu.cert", i);
        (void)snprintf(text, sizeof text, "metadata\ncurve\n    public-key = \"%s\"\n", curve_cert_public_text(cert));
        write_file(in_folder(name), text, strlen(text));
        curve_cert_destroy(&cert);
    }
}

static void damage_user(struct conformance *subject, const char *user)
{
    (void)subject;
    run("cd '%s'/store && sed -i 's/^alice:.argon2id/alice:$argon2x/' passwords");
    assert_string_equal(user, "alice");
}

/* Two certificates that say different things of one key. */
static void damage_key(struct conformance *subject, const uint8_t *key)
{
    (void)subject;
    save_cert(in_folder("other"), key, "mallory");
}

static struct conformance subject = {
    .name = "files",
    .start = start,
    .stop = stop,
    .reset = reset,
    .away = away,
    .back = back,
    .fill = fill,
    .damage_user = damage_user,
    .damage_key = damage_key,
    .fewer_owners = true,
};

/* ---- only here ---- */

static int setup(void **state)
{
    *state = &subject;
    start(&subject);
    reset(&subject);
    open_backend(&subject);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close_backend(&subject);
    stop(&subject);
    return 0;
}

static void expect_key(const uint8_t *key, const char *user)
{
    struct auth_record record;

    assert_int_equal(find_key(&subject, key, &record), user ? 0 : -ENOENT);
    if (user)
        assert_string_equal(record.user_id, user);
}

static void test_which_files_count(void **state)
{
    uint8_t keys[5][AUTH_KEY_SIZE];
    curve_cert_t *cert = curve_cert_new();

    (void)state;
    for (size_t i = 0; i < 5; i++)
        make_key(keys[i]);
    save_cert(in_folder("no suffix"), keys[0], "alice");
    save_cert(in_folder(".hidden"), keys[1], "hidden");
    save_cert(in_folder("x_secret"), keys[2], "secret");
    assert_int_equal(mkdir(in_folder("folder"), 0700), 0);
    save_cert(in_folder("folder/x"), keys[3], "below");
    assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
    assert_int_equal(curve_cert_save_secret(cert, in_folder("alone")), 0);
    write_file(in_folder("junk"), "junk", 4);
    write_file(in_folder("empty"), "", 0);
    expect_key(keys[0], "alice");
    expect_key(keys[1], NULL);
    expect_key(keys[2], NULL);
    expect_key(keys[3], NULL);
    expect_key(curve_cert_public_key(cert), NULL);
    /* The secret half may be anybody's. */
    assert_int_equal(curve_cert_save_secret(cert, in_folder("no suffix")), 0);
    expect_key(keys[0], "alice");
    expect_key(curve_cert_public_key(cert), NULL);
    curve_cert_destroy(&cert);
}

/* Written by zcert_save of CZMQ 4.2. */
static void test_what_czmq_writes(void **state)
{
    static const char text[] = "#   ****  Generated on 2026-11-26 01:27:05 by CZMQ  ****\n"
                               "#   ZeroMQ CURVE Public Certificate\n"
                               "#   Exchange securely, or use a secure mechanism to verify the contents\n"
                               "#   of this file after exchange. Store public certificates in your home\n"
                               "#   directory, in the .curve subdirectory.\n"
                               "\n"
                               "metadata\n"
                               "    name = \"Bob Foo\"\n"
                               "curve\n"
                               "    public-key = \"r^(.X5=oPu1(7h8{3}OcIylJr!z=#qt6SmU)(-JM\"\n";
    uint8_t key[AUTH_KEY_SIZE];

    (void)state;
    assert_non_null(zmq_z85_decode(key, "r^(.X5=oPu1(7h8{3}OcIylJr!z=#qt6SmU)(-JM"));
    expect_key(key, NULL);
    write_file(in_folder("bob"), text, sizeof text - 1);
    expect_key(key, "Bob Foo");
}

static void test_a_name_that_is_none(void **state)
{
    uint8_t key[AUTH_KEY_SIZE];
    struct auth_record record;

    (void)state;
    make_key(key);
    save_cert(in_folder("a"), key, "of: sales");
    assert_int_equal(find_key(&subject, key, &record), 0);
    assert_int_equal(strlen(record.user_id), AUTH_KEY_TEXT - 1);
}

static void test_half_a_certificate(void **state)
{
    uint8_t keys[2][AUTH_KEY_SIZE];
    char text[4096];
    size_t size;
    FILE *file;

    (void)state;
    make_key(keys[0]);
    make_key(keys[1]);
    save_cert(in_folder("whole"), keys[0], "whole");
    save_cert(in_folder("half"), keys[1], "half");
    file = fopen(in_folder("half"), "r");
    assert_non_null(file);
    size = fread(text, 1, sizeof text, file);
    assert_int_equal(fclose(file), 0);
    expect_key(keys[1], "half");
    for (size_t i = 0; i < size - 2; i += 7) {
        write_file(in_folder("half"), text, i);
        expect_key(keys[1], NULL);
        expect_key(keys[0], "whole");
    }
    write_file(in_folder("half"), text, size);
    expect_key(keys[1], "half");
}

static void format_cert(char text[256], const uint8_t *key)
{
    char z85[AUTH_KEY_TEXT];

    (void)snprintf(text, 256, "metadata\n    name = \"alice\"\ncurve\n    public-key = \"%s\"\n",
                   zmq_z85_encode(z85, key, AUTH_KEY_SIZE));
}

/* In place, with the same size and as fast as can be: no time that a file has tells of it. */
static void test_changed_in_place(void **state)
{
    uint8_t keys[2][AUTH_KEY_SIZE];
    char text[256];

    (void)state;
    for (int i = 0; i < 200; i++) {
        make_key(keys[i % 2]);
        format_cert(text, keys[i % 2]);
        write_file(in_folder("a"), text, strlen(text));
        expect_key(keys[i % 2], "alice");
        if (i)
            expect_key(keys[1 - i % 2], NULL);
    }
}

static void test_passwords_changed_in_place(void **state)
{
    static const char *const passwords[] = {"one", "two"};
    char lines[2][256];

    (void)state;
    for (int i = 0; i < 2; i++)
        (void)snprintf(lines[i], sizeof lines[i], "alice:%s\n", conformance_hash(passwords[i]));
    for (int i = 0; i < 200; i++) {
        write_file(in_folder("passwords"), lines[i % 2], strlen(lines[i % 2]));
        assert_int_equal(check(&subject, "alice", passwords[i % 2]), 0);
        assert_int_equal(check(&subject, "alice", passwords[1 - i % 2]), -EACCES);
    }
}

/* What inotify does not tell of: a watch that misses it never ends. */
static void test_watching_through_links(void **state)
{
    uint8_t keys[2][AUTH_KEY_SIZE];
    struct auth_session *session;
    char text[256];
    int stop[2];

    (void)state;
    make_key(keys[0]);
    make_key(keys[1]);
    assert_int_equal(pipe(stop), 0);
    run("cd '%s' && mkdir one two && rm -r store && ln -s one store && echo > two/b");
    save_cert(path_of("%s/%s", "elsewhere"), keys[0], "alice");
    assert_int_equal(symlink("../elsewhere", in_folder("a")), 0);
    expect_key(keys[0], "alice");
    assert_int_equal(subject.ops->begin(subject.backend, &session), 0);
    assert_int_equal(subject.ops->watch(session, stop[0]), 1);
    save_cert(path_of("%s/%s", "elsewhere"), keys[1], "alice");
    assert_int_equal(subject.ops->watch(session, stop[0]), 1);
    expect_key(keys[1], "alice");
    save_cert(path_of("%s/%s", "elsewhere"), keys[0], "alice");
    expect_key(keys[1], NULL);
    assert_int_equal(subject.ops->watch(session, stop[0]), 1);
    run("cd '%s' && ln -s two next && mv -T next store");
    assert_int_equal(subject.ops->watch(session, stop[0]), 1);
    format_cert(text, keys[1]);
    write_file(in_folder("b"), text, strlen(text));
    assert_int_equal(subject.ops->watch(session, stop[0]), 1);
    subject.ops->end(session);
    assert_int_equal(close(stop[0]), 0);
    assert_int_equal(close(stop[1]), 0);
}

static void test_links(void **state)
{
    uint8_t keys[2][AUTH_KEY_SIZE];

    (void)state;
    make_key(keys[0]);
    make_key(keys[1]);
    assert_int_equal(mkdir(path_of("%s/%s", "other"), 0700), 0);
    save_cert(path_of("%s/%s", "other/a"), keys[0], "alice");
    assert_int_equal(symlink("../other/a", in_folder("a")), 0);
    assert_int_equal(symlink("../nowhere", in_folder("dangling")), 0);
    assert_int_equal(symlink("loop", in_folder("loop")), 0);
    expect_key(keys[0], "alice");
    save_cert(path_of("%s/%s", "other/a"), keys[1], "bob");
    expect_key(keys[0], NULL);
    expect_key(keys[1], "bob");
    assert_int_equal(unlink(path_of("%s/%s", "other/a")), 0);
    expect_key(keys[1], NULL);
}

/* The folder itself is a link that comes to lead elsewhere, or gives its place to another. */
static void test_another_folder(void **state)
{
    uint8_t keys[2][AUTH_KEY_SIZE];

    (void)state;
    make_key(keys[0]);
    make_key(keys[1]);
    run("cd '%s' && mkdir one two && rm -r store && ln -s one store");
    save_cert(path_of("%s/%s", "one/a"), keys[0], "alice");
    save_cert(path_of("%s/%s", "two/a"), keys[1], "bob");
    expect_key(keys[0], "alice");
    run("cd '%s' && ln -s two next && mv -T next store");
    expect_key(keys[0], NULL);
    expect_key(keys[1], "bob");
    run("cd '%s' && rm store && mv one store");
    expect_key(keys[0], "alice");
    expect_key(keys[1], NULL);
    run("cd '%s' && mv store one && mv two store");
    expect_key(keys[0], NULL);
    expect_key(keys[1], "bob");
    save_cert(path_of("%s/%s", "store/b"), keys[0], "alice");
    expect_key(keys[0], "alice");
}

/* Root may read everything: the child becomes somebody else. */
static int ask_as_nobody(const uint8_t *key)
{
    struct auth_record record;
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(99);
        open_backend(&subject);
        _exit(-find_key(&subject, key, &record));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return -WEXITSTATUS(status);
}

static void test_unreadable(void **state)
{
    uint8_t keys[2][AUTH_KEY_SIZE];

    (void)state;
    if (!keeper_can("nobody"))
        skip();
    make_key(keys[0]);
    make_key(keys[1]);
    save_cert(in_folder("a"), keys[0], "alice");
    save_cert(in_folder("b"), keys[1], "bob");
    assert_int_equal(chmod(in_folder(""), 0755), 0);
    assert_int_equal(chmod(in_folder("a"), 0000), 0);
    assert_int_equal(ask_as_nobody(keys[0]), -ENOENT);
    assert_int_equal(ask_as_nobody(keys[1]), 0);
    assert_int_equal(chmod(in_folder(""), 0711), 0);
    assert_int_equal(ask_as_nobody(keys[1]), -EAGAIN);
}

/* A want of our own is none of the files' faults: nobody is forgotten for it, and it passes. */
static void test_without_descriptors(void **state)
{
    uint8_t keys[2][AUTH_KEY_SIZE];
    struct auth_record record;
    struct rlimit old;
    struct rlimit none;
    int rc[2];

    (void)state;
    make_key(keys[0]);
    make_key(keys[1]);
    save_cert(in_folder("a"), keys[0], "alice");
    expect_key(keys[0], "alice");
    save_cert(in_folder("b"), keys[1], "bob");
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = old;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    for (size_t i = 0; i < 2; i++)
        rc[i] = find_key(&subject, keys[i], &record);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(rc[0], -EAGAIN);
    assert_int_equal(rc[1], -EAGAIN);
    expect_key(keys[0], "alice");
    expect_key(keys[1], "bob");
}

static void append_passwords(const char *text, size_t size)
{
    FILE *file = fopen(in_folder("passwords"), "a");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void count_lines(void *arg, const char *line)
{
    char *all = arg;

    assert_true(strlen(all) + strlen(line) < 4000);
    (void)strcat(strcat(all, line), "\n");
}

static void test_damaged_lines(void **state)
{
    static const char damage[] =
        "bob\n\ncarol:\ndave:$argon2id$v=19$m=8,t=1,p=1$x\n:nobody\n\xff\xfe:x\ner\0in:x\nfay:\0";
    struct auth_record record;
    char told[4096] = "";

    (void)state;
    put_user(&subject, "alice", "sesame");
    append_passwords(damage, sizeof damage - 1);
    append_passwords("\nzoe:", 5);
    append_passwords(conformance_hash("hers"), strlen(conformance_hash("hers")));
    assert_int_equal(check(&subject, "alice", "sesame"), 0);
    assert_int_equal(check(&subject, "zoe", "hers"), 0);
    assert_int_equal(check(&subject, "bob", ""), -EBADMSG);
    assert_int_equal(check(&subject, "carol", ""), -EBADMSG);
    assert_int_equal(check(&subject, "dave", "x"), -EBADMSG);
    assert_int_equal(check(&subject, "fay", ""), -EBADMSG);
    assert_int_equal(find_user(&subject, "er", &record), -ENOENT);
    assert_int_equal(check(&subject, "", ""), -ENOENT);
    assert_int_equal(chmod(in_folder("passwords"), 0644), 0);
    assert_int_equal(subject.ops->inspect(subject.session, count_lines, told), 0);
    assert_string_equal(told, "passwords: others than its owner may open it (mode 0644)\n"
                              "passwords, line 2: no Argon2id hash\n"
                              "passwords, line 4: no Argon2id hash\n"
                              "passwords, line 5: no Argon2id hash\n"
                              "passwords, line 6: no user's name\n"
                              "passwords, line 7: no user's name\n"
                              "passwords, line 8: no user's name\n"
                              "passwords, line 9: no Argon2id hash\n");
    /* Others' damage stays, one's own is repaired. */
    put_password(&subject, "bob", "his");
    assert_int_equal(check(&subject, "bob", "his"), 0);
    assert_int_equal(check(&subject, "carol", ""), -EBADMSG);
    assert_int_equal(check(&subject, "zoe", "hers"), 0);
    take_user(&subject, "carol");
    assert_int_equal(check(&subject, "carol", ""), -ENOENT);
}

static void test_two_lines_for_one_user(void **state)
{
    char line[256];

    (void)state;
    put_user(&subject, "alice", "sesame");
    (void)snprintf(line, sizeof line, "alice:%s\n", conformance_hash("other"));
    append_passwords(line, strlen(line));
    assert_int_equal(check(&subject, "alice", "sesame"), -EBADMSG);
    assert_int_equal(check(&subject, "alice", "other"), -EBADMSG);
    take_user(&subject, "alice");
    assert_int_equal(check(&subject, "alice", "sesame"), -ENOENT);
}

static void test_passwords_file(void **state)
{
    struct stat status;

    (void)state;
    put_user(&subject, "alice", "sesame");
    assert_int_equal(stat(in_folder("passwords"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(subject.ops->set_password(subject.session, "alice", conformance_hash("new")), 0);
    assert_int_equal(subject.ops->add_user(subject.session, "bob", conformance_hash("x"), "a comment"), 0);
    put_password(&subject, "bob", "y");
    run("grep -q ':a comment$' '%s'/store/passwords");
    assert_int_equal(unlink(in_folder("passwords")), 0);
    assert_int_equal(check(&subject, "alice", "new"), -ENOENT);
    assert_int_equal(symlink("../elsewhere", in_folder("passwords")), 0);
    assert_int_equal(subject.ops->add_user(subject.session, "bob", conformance_hash("x"), ""), -ELOOP);
    assert_int_equal(unlink(in_folder("passwords")), 0);
    assert_int_equal(mkdir(in_folder("passwords"), 0700), 0);
    assert_int_equal(check(&subject, "alice", "new"), -EAGAIN);
}

enum { WRITERS = 4, WRITES = 25 };

static void *add_users(void *arg)
{
    const char *letter = arg;
    struct auth_session *session;
    char name[32];
    intptr_t failed = 0;

    if (subject.ops->begin(subject.backend, &session) != 0)
        return (void *)1;
    for (int i = 0; i < WRITES; i++) {
        (void)snprintf(name, sizeof name, "%s%d", letter, i);
        failed |= subject.ops->add_user(session, name, conformance_hash(name), "");
    }
    subject.ops->end(session);
    return (void *)failed;
}

static void test_writers_lose_nothing(void **state)
{
    static const char *const letters[WRITERS] = {"a", "b", "c", "d"};
    pthread_t threads[WRITERS];
    char name[32];

    (void)state;
    subject.settings.timeout = 50000;
    close_backend(&subject);
    subject.timeout = 50000;
    open_backend(&subject);
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_users, (void *)(uintptr_t)letters[i]), 0);
    for (int i = 0; i < WRITERS; i++) {
        void *failed;

        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    subject.timeout = 0;
    for (int i = 0; i < WRITERS * WRITES; i++) {
        (void)snprintf(name, sizeof name, "%s%d", letters[i % WRITERS], i / WRITERS);
        assert_int_equal(check(&subject, name, name), 0);
    }
}

static void test_settings(void **state)
{
    struct auth_settings settings = {.url = "files:", .timeout = 100};
    struct auth_backend *backend;
    const char *error = NULL;

    (void)state;
    assert_int_equal(subject.ops->open(&settings, &backend, &error), -EINVAL);
    assert_non_null(error);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_which_files_count),      TEST(test_what_czmq_writes),
        TEST(test_a_name_that_is_none),    TEST(test_half_a_certificate),
        TEST(test_changed_in_place),       TEST(test_passwords_changed_in_place),
        TEST(test_watching_through_links), TEST(test_links),
        TEST(test_another_folder),         TEST(test_unreadable),
        TEST(test_without_descriptors),    TEST(test_damaged_lines),
        TEST(test_two_lines_for_one_user), TEST(test_passwords_file),
        TEST(test_writers_lose_nothing),   TEST(test_settings),
    };
    int failed = conformance_run(&subject);

    return failed + cmocka_run_group_tests_name("files alone", tests, NULL, NULL);
}
