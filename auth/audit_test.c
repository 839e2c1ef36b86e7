/* SPDX-License-Identifier: ISC */
/* Where the audit goes, and what happens where it cannot. */
#include "auth/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "auth/audit_sink.h"

static char folder[64];
static char path[96]; /* of a file in it */

static int setup(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/ironauth-audit-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(path, sizeof path, "%s/log", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static const struct auth_request asked = {.mechanism = AUTH_MECHANISM_PLAIN, .domain = "global", .user = "alice"};
static const struct auth_verdict refused = {.status = AUTH_REFUSED, .reason = "no"};

/* All that stands in a file. */
static const char *content(const char *name)
{
    static char text[1 << 20];
    FILE *file = fopen(name, "r");
    size_t size;

    assert_non_null(file);
    size = fread(text, 1, sizeof text - 1, file);
    assert_int_equal(fclose(file), 0);
    text[size] = '\0';
    return text;
}

/* How many lines of this kind; every one must be whole. */
static int lines(const char *text)
{
    int count = 0;

    for (; *text != '\0'; count++) {
        const char *end = strchr(text, '\n');

        assert_non_null(end);
        assert_int_equal(*text, '{');
        assert_int_equal(end[-1], '}');
        text = end + 1;
    }
    return count;
}

static void test_none(void **state)
{
    struct auth_audit *audit;

    (void)state;
    assert_int_equal(auth_audit_open(&audit, NULL), 0);
    auth_audit_write(audit, &asked, &refused, 1);
    auth_audit_revoked(audit, &asked, &refused, true);
    assert_int_equal(auth_audit_reopen(audit), 0);
    auth_audit_close(audit);
    auth_audit_close(NULL);
}

static void test_file_and_rotation(void **state)
{
    struct auth_audit *audit;
    char rotated[160];
    struct stat status;

    (void)state;
    assert_int_equal(auth_audit_open(&audit, path), 0);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    auth_audit_write(audit, &asked, &refused, 1);
    auth_audit_revoked(audit, &asked, &refused, true);
    assert_int_equal(lines(content(path)), 2);
    (void)snprintf(rotated, sizeof rotated, "%s.1", path);
    assert_int_equal(rename(path, rotated), 0);
    auth_audit_write(audit, &asked, &refused, 2); /* still to the old one */
    assert_int_equal(lines(content(rotated)), 3);
    assert_int_equal(auth_audit_reopen(audit), 0);
    auth_audit_write(audit, &asked, &refused, 3);
    assert_int_equal(lines(content(rotated)), 3);
    assert_int_equal(lines(content(path)), 1);
    auth_audit_close(audit);
    /* What is there is appended to. */
    assert_int_equal(auth_audit_open(&audit, path), 0);
    auth_audit_write(audit, &asked, &refused, 4);
    assert_int_equal(lines(content(path)), 2);
    /* Where nothing can be opened, the old one stays. */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(auth_audit_reopen(audit), -EISDIR);
    auth_audit_write(audit, &asked, &refused, 5);
    auth_audit_close(audit);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(unlink(rotated), 0);
}

static void test_cannot_be_opened(void **state)
{
    struct auth_audit *audit = NULL;

    (void)state;
    assert_int_equal(auth_audit_open(&audit, folder), -EISDIR);
    assert_int_equal(auth_audit_open(&audit, "/nonexistent/log"), -ENOENT);
    assert_null(audit);
}

static void test_full_disk(void **state)
{
    struct auth_audit *audit;
    char name[160];

    (void)state;
    /* A name for a place without room, and then one with room. */
    assert_int_equal(symlink("/dev/full", path), 0);
    assert_int_equal(auth_audit_open(&audit, path), 0);
    for (int i = 0; i < 5; i++)
        auth_audit_write(audit, &asked, &refused, 1);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(auth_audit_reopen(audit), 0);
    auth_audit_write(audit, &asked, &refused, 1);
    assert_non_null(strstr(content(path), "\"microseconds\":1,\"lost\":5}\n"));
    auth_audit_write(audit, &asked, &refused, 1);
    (void)snprintf(name, sizeof name, "%s", content(path));
    assert_int_equal(lines(content(path)), 2);
    assert_null(strstr(strchr(content(path), '\n'), "lost"));
    auth_audit_close(audit);
}

static bool is_pending(int number)
{
    sigset_t pending;

    assert_int_equal(sigpending(&pending), 0);
    return sigismember(&pending, number);
}

/* The file's limit cuts a line in two: what was written of it is taken back, and no signal ends the process. */
static void test_cut_line(void **state)
{
    struct rlimit old, small;
    struct auth_audit *audit;
    size_t size;

    (void)state;
    assert_int_equal(auth_audit_open(&audit, path), 0);
    auth_audit_write(audit, &asked, &refused, 1);
    size = strlen(content(path));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    (void)signal(SIGXFSZ, SIG_DFL); /* whatever started this may have had it ignored */
    small = (struct rlimit){size + size / 2, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    auth_audit_write(audit, &asked, &refused, 2);
    small.rlim_cur = size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    auth_audit_write(audit, &asked, &refused, 3);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(strlen(content(path)), size);
    auth_audit_write(audit, &asked, &refused, 4);
    assert_int_equal(lines(content(path)), 2);
    assert_non_null(strstr(content(path), "\"microseconds\":4,\"lost\":2}\n"));
    assert_false(is_pending(SIGXFSZ));
    auth_audit_close(audit);
}

/* A reader that reads nothing, and then all. */
static void test_slow_reader(void **state)
{
    enum { COUNT = 5000 };
    static char text[1 << 20];
    struct auth_audit *audit;
    ssize_t size;
    char *lost;
    int reader;
    int before;

    (void)state;
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(auth_audit_open(&audit, path), -ENXIO); /* nobody reads: not waited for */
    reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(reader >= 0);
    assert_int_equal(auth_audit_open(&audit, path), 0);
    for (int i = 0; i < COUNT; i++)
        auth_audit_write(audit, &asked, &refused, 1);
    size = read(reader, text, sizeof text - 1);
    assert_true(size > 0);
    text[size] = '\0';
    before = lines(text);
    assert_in_range(before, 1, COUNT - 1);
    assert_null(strstr(text, "lost"));
    auth_audit_write(audit, &asked, &refused, 1);
    size = read(reader, text, sizeof text - 1);
    assert_true(size > 0);
    text[size] = '\0';
    assert_int_equal(lines(text), 1);
    lost = strstr(text, "\"lost\":");
    assert_non_null(lost);
    assert_int_equal(atoi(lost + 7), COUNT - before);
    /* And one that is gone. */
    assert_int_equal(close(reader), 0);
    auth_audit_write(audit, &asked, &refused, 1);
    auth_audit_close(audit);
}

/* stderr is the program's, blocking as it made it: a full pipe is not waited for, a broken one does not end the process.
 * Nothing is asserted while stderr is the pipe, for it would be said there. */
static void test_stderr(void **state)
{
    int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    int opened, full, broken, open_still;
    struct auth_sink sink;
    char line[4096];
    int ends[2];

    (void)state;
    assert_true(saved >= 0);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    (void)close(ends[1]);
    memset(line, 'x', sizeof line);
    opened = auth_sink_open(&sink, "stderr", NULL) + auth_sink_reopen(&sink);
    while (auth_sink_write(&sink, line, sizeof line - 1) == 0)
        continue;
    full = auth_sink_write(&sink, line, sizeof line - 1);
    (void)close(ends[0]);
    broken = auth_sink_write(&sink, line, sizeof line - 1);
    auth_sink_close(&sink);
    open_still = fcntl(STDERR_FILENO, F_GETFD);
    (void)dup2(saved, STDERR_FILENO);
    assert_int_equal(close(saved), 0);
    assert_int_equal(opened, 0);
    assert_int_equal(full, -EAGAIN);
    assert_int_equal(broken, -EPIPE);
    assert_int_equal(open_still, 0);
    assert_false(is_pending(SIGPIPE));
}

/* ---- the system's log ---- */

static int listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", name);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void test_syslog(void **state)
{
    char line[64] = "{\"a\":1}";
    struct auth_sink sink;
    char text[256] = "";
    ssize_t size;
    int log;
    int written = 0;

    (void)state;
    assert_int_equal(auth_sink_open(&sink, "syslog", path), -ENOENT);
    log = listen_at(path);
    assert_int_equal(auth_sink_open(&sink, "syslog", path), 0);
    assert_int_equal(auth_sink_write(&sink, line, 7), 0);
    size = recv(log, text, sizeof text - 1, 0);
    assert_true(size > 0);
    text[size] = '\0';
    assert_int_equal(strncmp(text, "<38>", 4), 0);
    assert_int_equal(text[7], ' '); /* "Nov 26 01:02:03 " */
    assert_int_equal(strncmp(text + 19, " ironauth[", 10), 0);
    assert_non_null(strstr(text, "]: {\"a\":1}"));
    assert_int_equal(text[size - 1], '}');

    /* A log that takes nothing is not waited for. */
    while (auth_sink_write(&sink, line, 7) == 0)
        written++;
    assert_true(written > 0);
    assert_int_equal(auth_sink_write(&sink, line, 7), -EAGAIN);

    /* One that ended is found again when it is back. */
    assert_int_equal(close(log), 0);
    assert_int_equal(auth_sink_write(&sink, line, 7), -ECONNREFUSED);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(auth_sink_write(&sink, line, 7), -ENOENT);
    log = listen_at(path);
    assert_int_equal(auth_sink_write(&sink, line, 7), 0);
    assert_true(recv(log, text, sizeof text, 0) > 0);
    assert_int_equal(close(log), 0);
    auth_sink_close(&sink);
}

/* ---- threads ---- */

enum { THREADS = 4, EACH = 500 };

static void *write_many(void *audit)
{
    for (int i = 0; i < EACH; i++)
        auth_audit_write(audit, &asked, &refused, 1);
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t threads[THREADS];
    struct auth_audit *audit;

    (void)state;
    assert_int_equal(auth_audit_open(&audit, path), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, audit), 0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(auth_audit_reopen(audit), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    auth_audit_close(audit);
    assert_int_equal(lines(content(path)), THREADS * EACH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_none, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_and_rotation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cannot_be_opened, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cut_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slow_reader, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stderr, setup, teardown),
        cmocka_unit_test_setup_teardown(test_syslog, setup, teardown),
        cmocka_unit_test_setup_teardown(test_threads, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
