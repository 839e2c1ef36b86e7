/* SPDX-License-Identifier: ISC */
/* Files on the disk: there, in parts, wrong, taken names, and no room. */
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
#include "ironchat/transfer.h"

enum { SIZE = 100000, STEP = 30000 };

static char folder[64], source[128], target[128];
static uint8_t octets[SIZE];

/* The receiver's end of what was offered. */
static struct chat_transfer offered(const struct chat_transfer *from)
{
    struct chat_transfer to = {.size = from->size};

    memcpy(to.hash, from->hash, sizeof to.hash);
    memcpy(to.name, from->name, sizeof to.name);
    return to;
}

static void move(struct chat_transfer *from, struct chat_transfer *to, uint64_t until)
{
    static uint8_t block[STEP];

    from->offset = to->offset;
    while (to->offset < until) {
        uint64_t at = from->offset;
        int count = chat_transfer_read(from, block, sizeof block);

        assert_true(count > 0);
        assert_int_equal(chat_transfer_write(to, at, block, (size_t)count), 0);
    }
}

static void expect_file(const char *path)
{
    char *data;
    size_t size;

    assert_int_equal(chat_file_read(path, SIZE, &data, &size, NULL), 0);
    assert_int_equal(size, SIZE);
    assert_memory_equal(data, octets, SIZE);
    free(data);
}

static void goes_on_where_it_stopped(void **state)
{
    struct chat_transfer from, to, other;
    char path[256];

    (void)state;
    assert_int_equal(chat_transfer_send(&from, source), 0);
    assert_string_equal(from.name, "source.bin");
    to = offered(&from);
    assert_int_equal(chat_transfer_stored(&to, target), 0);
    assert_int_equal(chat_transfer_receive(&to, target), 0);
    move(&from, &to, STEP);
    other = offered(&from);
    assert_int_equal(chat_transfer_receive(&other, target), -EBUSY);
    chat_transfer_close(&to);
    assert_int_equal(chat_transfer_stored(&to, target), STEP);
    assert_int_equal(chat_transfer_receive(&to, target), 0);
    assert_int_equal(to.offset, STEP);
    move(&from, &to, SIZE);
    assert_int_equal(chat_transfer_read(&from, octets, 1), 0);
    assert_int_equal(chat_transfer_finish(&to, target), 0);
    (void)snprintf(path, sizeof path, "%s/source.bin", target);
    assert_string_equal(to.path, path);
    expect_file(path);
    chat_transfer_close(&to);
    chat_transfer_close(&from);
}

static void takes_no_name_twice(void **state)
{
    char path[256];

    (void)state;
    for (int i = 1; i <= 3; i++) {
        struct chat_transfer from, to;

        assert_int_equal(chat_transfer_send(&from, source), 0);
        to = offered(&from);
        assert_int_equal(chat_transfer_receive(&to, target), 0);
        move(&from, &to, SIZE);
        assert_int_equal(chat_transfer_finish(&to, target), 0);
        chat_transfer_close(&to);
        chat_transfer_close(&from);
    }
    (void)snprintf(path, sizeof path, "%s/source (3).bin", target);
    expect_file(path);
}

static void refuses_what_does_not_follow(void **state)
{
    struct chat_transfer from, to;

    (void)state;
    assert_int_equal(chat_transfer_send(&from, source), 0);
    to = offered(&from);
    assert_int_equal(chat_transfer_receive(&to, target), 0);
    assert_int_equal(chat_transfer_write(&to, 1, "x", 1), -ERANGE);
    assert_int_equal(chat_transfer_write(&to, 0, octets, SIZE), 0);
    assert_int_equal(chat_transfer_write(&to, SIZE, "x", 1), -ERANGE);
    chat_transfer_close(&to);
    chat_transfer_close(&from);
}

static void drops_what_is_wrong(void **state)
{
    struct chat_transfer from, to;

    (void)state;
    assert_int_equal(chat_transfer_send(&from, source), 0);
    to = offered(&from);
    to.hash[31] ^= 1;
    assert_int_equal(chat_transfer_receive(&to, target), 0);
    move(&from, &to, SIZE);
    assert_int_equal(chat_transfer_finish(&to, target), -EBADMSG);
    chat_transfer_close(&to);
    assert_int_equal(chat_transfer_stored(&to, target), 0);
    chat_transfer_close(&from);
}

/* A limit of the process stands for a full disk: the write fails in the middle of a block, as there. */
static void survives_a_full_disk(void **state)
{
    struct rlimit kept, limit;
    struct chat_transfer from, to;

    (void)state;
    assert_int_equal(chat_transfer_send(&from, source), 0);
    to = offered(&from);
    assert_int_equal(chat_transfer_receive(&to, target), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &kept), 0);
    limit = kept;
    limit.rlim_cur = STEP + 100;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(chat_transfer_write(&to, 0, octets, STEP), 0);
    assert_int_equal(chat_transfer_write(&to, STEP, octets + STEP, STEP), -EFBIG);
    assert_int_equal(to.offset, STEP);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &kept), 0);
    assert_int_equal(chat_transfer_stored(&to, target), STEP);
    move(&from, &to, SIZE);
    assert_int_equal(chat_transfer_finish(&to, target), 0);
    chat_transfer_close(&to);
    chat_transfer_close(&from);
}

static void sends_only_files(void **state)
{
    struct chat_transfer from;

    (void)state;
    assert_int_equal(chat_transfer_send(&from, folder), -EISDIR);
    assert_int_equal(chat_transfer_send(&from, "/dev/zero"), -EINVAL);
    assert_int_equal(chat_transfer_send(&from, "/nowhere/at/all"), -ENOENT);
    assert_int_equal(chat_transfer_send(&from, source), 0);
    assert_int_equal(truncate(source, 10), 0);
    from.offset = 10;
    assert_int_equal(chat_transfer_read(&from, octets, 5), -EIO);
    chat_transfer_close(&from);
}

static int start(void **state)
{
    (void)state;
    memcpy(folder, "/tmp/transfer-XXXXXX", 21);
    if (mkdtemp(folder) == NULL || !chat_text_locale() || sodium_init() < 0)
        return -1;
    (void)snprintf(source, sizeof source, "%s/source.bin", folder);
    (void)snprintf(target, sizeof target, "%s/files", folder);
    randombytes_buf(octets, sizeof octets);
    return chat_file_write(source, octets, sizeof octets, NULL);
}

static int finish(void **state)
{
    char command[128];

    (void)state;
    (void)snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(goes_on_where_it_stopped, start, finish),
        cmocka_unit_test_setup_teardown(takes_no_name_twice, start, finish),
        cmocka_unit_test_setup_teardown(refuses_what_does_not_follow, start, finish),
        cmocka_unit_test_setup_teardown(drops_what_is_wrong, start, finish),
        cmocka_unit_test_setup_teardown(survives_a_full_disk, start, finish),
        cmocka_unit_test_setup_teardown(sends_only_files, start, finish),
    };

    (void)signal(SIGXFSZ, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
