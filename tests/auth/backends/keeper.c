/* SPDX-License-Identifier: ISC */
/* The keeper is a process of its own with one server as its child. It obeys one octet at a time on a socket and answers
 * each; the socket's end is the test's end. */
#include "keeper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { START = 's', STOP = 't', KILL = 'k', PAUSE = 'p', RESUME = 'r', DONE = 'y', FAILED = 'n' };

/* In the keeper alone. */
struct kept {
    const struct keeper_spec *spec;
    pid_t server; /* 0: none */
    int said;     /* what the server says; -1: none */
    int log;
    char line[1024]; /* of what it says, the beginning of a line */
    size_t size;
};

/* --- in the keeper: the server's processes ------------------------------------------------------------------------ */

/* The signal for a process and all below it, from the top: a process that is stopped makes no more children. */
static void signal_tree(pid_t pid, int number)
{
    char path[64];
    FILE *file;
    int child;

    (void)kill(pid, number);
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    file = fopen(path, "r");
    while (file && fscanf(file, "%d", &child) == 1)
        signal_tree(child, number);
    if (file)
        (void)fclose(file);
}

/* Do all threads of the process and of those below it stand still? A signal that was sent has not come yet. */
static bool stands_still(pid_t pid)
{
    char path[300];
    bool still = true;
    struct dirent *entry;
    FILE *file;
    DIR *threads;
    int child;

    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    threads = opendir(path);
    while (threads && (entry = readdir(threads))) {
        char state = 'T';

        (void)snprintf(path, sizeof path, "/proc/%d/task/%s/stat", (int)pid, entry->d_name);
        file = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
        if (file && fscanf(file, "%*d (%*[^)]) %c", &state) == 1)
            still = still && (state == 'T' || state == 'Z');
        if (file)
            (void)fclose(file);
    }
    if (threads)
        (void)closedir(threads);
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    file = fopen(path, "r");
    while (file && fscanf(file, "%d", &child) == 1)
        still = stands_still(child) && still;
    if (file)
        (void)fclose(file);
    return still;
}

/* What is a child's becomes ours when that child dies (PR_SET_CHILD_SUBREAPER). */
static void kill_all(void)
{
    pid_t pid = getpid();
    char path[64];
    FILE *file;
    int child;

    do {
        (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
        file = fopen(path, "r");
        while (file && fscanf(file, "%d", &child) == 1)
            signal_tree(child, SIGKILL);
        if (file)
            (void)fclose(file);
    } while (waitpid(-1, NULL, 0) > 0 || errno == EINTR);
}

static void ended(struct kept *kept)
{
    if (kept->said >= 0)
        (void)close(kept->said);
    kept->said = -1;
    kept->server = 0;
}

/* Reads on, and says whether that line was among it. -1: the server has closed its end. */
static int listen_for(struct kept *kept, const char *text)
{
    char octets[1024];
    ssize_t got = read(kept->said, octets, sizeof octets);
    int found = 0;

    if (got <= 0)
        return -1;
    (void)!write(kept->log, octets, (size_t)got);
    for (ssize_t i = 0; i < got; i++) {
        if (octets[i] != '\n') {
            if (kept->size < sizeof kept->line - 1)
                kept->line[kept->size++] = octets[i];
            continue;
        }
        kept->line[kept->size] = '\0';
        kept->size = 0;
        if (strstr(kept->line, text))
            found = 1;
    }
    return found;
}

static void become(const struct keeper_spec *spec, const char *const *argv, int said)
{
    if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setgid(spec->gid) != 0 || setuid(spec->uid) != 0))
        _exit(127);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (chdir(spec->folder) != 0 || dup2(said, 1) < 0 || dup2(said, 2) < 0)
        _exit(127);
    (void)execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

/* Tries to connect until it can, or the server is gone. */
static bool accepts(const struct kept *kept)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int rc = -1;

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", kept->spec->socket);
    while (rc != 0 && waitpid(kept->server, NULL, WNOHANG) == 0) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        rc = connect(fd, (const struct sockaddr *)&address, sizeof address);
        (void)close(fd);
        (void)sched_yield();
    }
    return rc == 0;
}

static bool start(struct kept *kept)
{
    int ends[2];
    int found = 0;

    if (kept->server || pipe2(ends, O_CLOEXEC) != 0)
        return false;
    kept->server = fork();
    if (kept->server == 0)
        become(kept->spec, kept->spec->argv, ends[1]);
    (void)close(ends[1]);
    kept->said = ends[0];
    while (kept->server > 0 && found == 0)
        found = listen_for(kept, kept->spec->ready);
    if (found > 0 && (!kept->spec->socket || accepts(kept)))
        return true;
    kill_all();
    ended(kept);
    return false;
}

static bool obey(struct kept *kept, char command)
{
    switch (command) {
    case START:
        return start(kept);
    case STOP:
        if (kept->server > 0) {
            (void)kill(kept->server, kept->spec->stop_signal);
            while (listen_for(kept, kept->spec->ready) >= 0)
                ;
            while (waitpid(-1, NULL, 0) > 0)
                ;
        }
        ended(kept);
        return true;
    case KILL:
        kill_all();
        ended(kept);
        return true;
    case PAUSE:
        if (kept->server <= 0)
            return false;
        do
            signal_tree(kept->server, SIGSTOP); /* again: there may be a child more */
        while (!stands_still(kept->server) && sched_yield() == 0);
        return true;
    case RESUME:
        signal_tree(kept->server, SIGCONT);
        return kept->server > 0;
    default:
        return false;
    }
}

static void keep(const struct keeper_spec *spec, int control)
{
    struct kept kept = {.spec = spec, .said = -1};
    const char *const removal[] = {"/bin/rm", "-rf", spec->folder, NULL};
    struct pollfd items[2] = {{.fd = control, .events = POLLIN}, {.events = POLLIN}};
    char path[PATH_MAX];
    char command;

    /* What the test has open is not ours: another keeper waits for its end. */
    (void)close_range(3, (unsigned)control - 1, 0);
    (void)close_range((unsigned)control + 1, ~0u, 0);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGTERM, SIG_IGN);
    (void)snprintf(path, sizeof path, "%s/log", spec->folder);
    kept.log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    for (;;) {
        items[1].fd = kept.said;
        (void)poll(items, 2, -1);
        if (items[1].revents && listen_for(&kept, spec->ready) < 0) {
            (void)close(kept.said);
            kept.said = -1;
        }
        if (!items[0].revents)
            continue;
        if (read(control, &command, 1) != 1)
            break;
        command = obey(&kept, command) ? DONE : FAILED;
        if (write(control, &command, 1) != 1)
            break;
    }
    kill_all();
    (void)execv(removal[0], (char *const *)(uintptr_t)removal);
    _exit(127);
}

/* --- in the test -------------------------------------------------------------------------------------------------- */

bool keeper_can(const char *user)
{
    const struct passwd *entry = geteuid() == 0 ? getpwnam(user) : getpwuid(geteuid());
    pid_t child = entry ? fork() : -1;
    int status = -1;

    if (child == 0) {
        if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setgid(entry->pw_gid) != 0 || setuid(entry->pw_uid) != 0))
            _exit(1);
        _exit(access("/tmp", W_OK | X_OK) == 0 ? 0 : 1);
    }
    if (child > 0 && waitpid(child, &status, 0) == child && status == 0)
        return true;
    (void)fprintf(stderr, "no server can run as %s here\n", user);
    return false;
}

void keeper_folder(struct keeper_spec *spec, char *folder, size_t size, const char *user)
{
    const struct passwd *entry = geteuid() == 0 ? getpwnam(user) : getpwuid(geteuid());

    assert_non_null(entry);
    assert_true(snprintf(folder, size, "/tmp/ironauth-XXXXXX") < (int)size);
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chown(folder, entry->pw_uid, entry->pw_gid), 0);
    spec->folder = folder;
    spec->uid = entry->pw_uid;
    spec->gid = entry->pw_gid;
}

void keeper_open(struct keeper *keeper, const struct keeper_spec *spec)
{
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    keeper->pid = fork();
    assert_true(keeper->pid >= 0);
    if (keeper->pid == 0) {
        (void)close(ends[0]);
        keep(spec, ends[1]);
    }
    (void)close(ends[1]);
    keeper->control = ends[0];
}

void keeper_close(struct keeper *keeper)
{
    int status;

    (void)close(keeper->control);
    assert_int_equal(waitpid(keeper->pid, &status, 0), keeper->pid);
    assert_int_equal(status, 0);
}

static bool try(const struct keeper *keeper, char octet)
{
    char answer = 0;

    assert_int_equal(write(keeper->control, &octet, 1), 1);
    assert_int_equal(read(keeper->control, &answer, 1), 1);
    return answer == DONE;
}

static void command(const struct keeper *keeper, char octet)
{
    assert_true(try(keeper, octet));
}

void keeper_start(struct keeper *keeper)
{
    command(keeper, START);
}

bool keeper_try(struct keeper *keeper)
{
    return try(keeper, START);
}

void keeper_stop(struct keeper *keeper)
{
    command(keeper, STOP);
}

void keeper_kill(struct keeper *keeper)
{
    command(keeper, KILL);
}

void keeper_pause(struct keeper *keeper)
{
    command(keeper, PAUSE);
}

void keeper_resume(struct keeper *keeper)
{
    command(keeper, RESUME);
}

int keeper_run(const struct keeper_spec *spec, const char *const *argv)
{
    char path[PATH_MAX];
    int status;
    int said;
    pid_t pid;

    assert_true(snprintf(path, sizeof path, "%s/log", spec->folder) < (int)sizeof path);
    said = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    assert_true(said >= 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        become(spec, argv, said);
    (void)close(said);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
