/* SPDX-License-Identifier: ISC */
/* The history: what was said comes back, to who knows the passphrase, and nothing else ever does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ironchat/file.h"
#include "ironchat/history.h"

static char folder[64], path[128], told[4096];

static void collect(void *arg, const char *text, size_t size)
{
    size_t used = strlen(told);

    (void)arg;
    (void)snprintf(told + used, sizeof told - used, "%.*s|", (int)size, text);
}

static int reopen(struct chat_history *history, const char *passphrase)
{
    told[0] = '\0';
    return chat_history_open(history, path, passphrase, collect, NULL);
}

/* One run of the program that says these words. */
static void run(const char *first, const char *second)
{
    struct chat_history history;

    assert_int_equal(reopen(&history, "correct horse"), 0);
    assert_int_equal(chat_history_append(&history, first, strlen(first)), 0);
    assert_int_equal(chat_history_append(&history, second, strlen(second)), 0);
    chat_history_close(&history);
}

static off_t size_of(void)
{
    struct stat status;

    assert_int_equal(stat(path, &status), 0);
    return status.st_size;
}

static void comes_back(void **state)
{
    struct chat_history history, other;
    char *data;
    size_t size;

    (void)state;
    run("one", "two");
    run("three", "four");
    assert_int_equal(reopen(&history, "correct horse"), 0);
    assert_string_equal(told, "one|two|three|four|");
    assert_int_equal(chat_history_open(&other, path, "correct horse", collect, NULL), -EBUSY);
    chat_history_close(&history);
    assert_int_equal(chat_file_read(path, 1 << 20, &data, &size, NULL), 0);
    assert_null(memmem(data, size, "three", 5));
    free(data);
}

static void needs_the_passphrase(void **state)
{
    struct chat_history history;
    off_t size;

    (void)state;
    run("one", "two");
    size = size_of();
    assert_int_equal(reopen(&history, "correct hors"), -EACCES);
    assert_string_equal(told, "");
    assert_int_equal(size_of(), size);
}

static void survives_a_crash(void **state)
{
    struct chat_history history;

    (void)state;
    run("one", "two");
    assert_int_equal(truncate(path, size_of() - 1), 0);
    run("three", "four");
    assert_int_equal(reopen(&history, "correct horse"), 0);
    assert_string_equal(told, "one|three|four|");
    chat_history_close(&history);
}

static void notices_changes(void **state)
{
    struct chat_history history;
    char *data;
    size_t size;

    (void)state;
    run("one", "two");
    run("three", "four");
    assert_int_equal(chat_file_read(path, 1 << 20, &data, &size, NULL), 0);
    data[120] ^= 1; /* within the first record */
    assert_int_equal(chat_file_write(path, data, size, NULL), 0);
    assert_int_equal(reopen(&history, "correct horse"), -EBADMSG);
    assert_int_equal(size_of(), size);
    free(data);
}

/* Two runs of the same length, in the other order. */
static void notices_streams_that_change_places(void **state)
{
    enum { HEAD = 19 + 8 + 8 + 16 + 32 };
    struct chat_history history;
    char *data, *moved;
    size_t size, half;

    (void)state;
    run("one", "two");
    run("six", "ten");
    assert_int_equal(chat_file_read(path, 1 << 20, &data, &size, NULL), 0);
    half = (size - HEAD) / 2;
    moved = malloc(size);
    assert_non_null(moved);
    memcpy(moved, data, HEAD);
    memcpy(moved + HEAD, data + HEAD + half, half);
    memcpy(moved + HEAD + half, data + HEAD, half);
    assert_int_equal(chat_file_write(path, moved, size, NULL), 0);
    assert_int_equal(reopen(&history, "correct horse"), -EBADMSG);
    assert_string_equal(told, "");
    free(moved);
    free(data);
}

/* The head is written in part: what was left of it would be no history for ever. */
static void begins_anew_when_the_disk_was_full(void **state)
{
    struct chat_history history;
    struct rlimit kept, limit;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &kept), 0);
    limit = kept;
    limit.rlim_cur = 50;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(reopen(&history, "correct horse"), -EFBIG);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &kept), 0);
    run("one", "two");
    assert_int_equal(reopen(&history, "correct horse"), 0);
    assert_string_equal(told, "one|two|");
    chat_history_close(&history);
}

/* What one cannot read again is not written. */
static void has_an_end(void **state)
{
    struct chat_history history;

    (void)state;
    assert_int_equal(reopen(&history, "correct horse"), 0);
    history.limit = 170;
    assert_int_equal(chat_history_append(&history, "one", 3), 0);
    assert_int_equal(chat_history_append(&history, "two", 3), 0);
    assert_int_equal(chat_history_append(&history, "three", 5), -EFBIG);
    chat_history_close(&history);
    assert_int_equal(size_of(), 83 + 28 + 2 * (4 + 3 + 17));
    assert_int_equal(reopen(&history, "correct horse"), 0);
    assert_int_equal(history.size, size_of());
    assert_string_equal(told, "one|two|");
    chat_history_close(&history);
}

static void refuses_what_is_none(void **state)
{
    struct chat_history history;
    char head[200] = "ironchat history 1\n";

    (void)state;
    assert_int_equal(chat_file_write(path, "hello", 5, NULL), 0);
    assert_int_equal(reopen(&history, "x"), -EINVAL);
    memset(head + 19, 0xff, 16); /* all the memory there is, and more */
    assert_int_equal(chat_file_write(path, head, sizeof head, NULL), 0);
    assert_int_equal(reopen(&history, "x"), -EINVAL);
}

static int start(void **state)
{
    (void)state;
    memcpy(folder, "/tmp/history-XXXXXX", 20);
    if (mkdtemp(folder) == NULL || sodium_init() < 0)
        return -1;
    (void)snprintf(path, sizeof path, "%s/history", folder);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(comes_back, start, finish),
        cmocka_unit_test_setup_teardown(needs_the_passphrase, start, finish),
        cmocka_unit_test_setup_teardown(survives_a_crash, start, finish),
        cmocka_unit_test_setup_teardown(notices_changes, start, finish),
        cmocka_unit_test_setup_teardown(notices_streams_that_change_places, start, finish),
        cmocka_unit_test_setup_teardown(begins_anew_when_the_disk_was_full, start, finish),
        cmocka_unit_test_setup_teardown(has_an_end, start, finish),
        cmocka_unit_test_setup_teardown(refuses_what_is_none, start, finish),
    };

    (void)signal(SIGXFSZ, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
