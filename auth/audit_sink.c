/* SPDX-License-Identifier: ISC */
/* Lines to files, pipes and the system's log, without waiting and without signals. */
#include "auth/audit_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

/* ---- opening ---- */

static int open_file(const char *path)
{
    int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    int fd = open(path, flags, S_IRUSR | S_IWUSR);

    return fd < 0 ? -errno : fd;
}

static int open_log(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd, rc;

    if (strlen(path) >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    rc = -errno;
    (void)close(fd);
    return rc;
}

static int open_again(const struct auth_sink *sink)
{
    return sink->kind == AUTH_SINK_SYSLOG ? open_log(sink->path) : open_file(sink->path);
}

static enum auth_sink_kind kind_of(const char *where)
{
    if (!where)
        return AUTH_SINK_NONE;
    if (strcmp(where, "stderr") == 0)
        return AUTH_SINK_STDERR;
    return strcmp(where, "syslog") == 0 ? AUTH_SINK_SYSLOG : AUTH_SINK_FILE;
}

int auth_sink_open(struct auth_sink *sink, const char *where, const char *log)
{
    *sink = (struct auth_sink){.kind = kind_of(where), .fd = -1};
    if (sink->kind == AUTH_SINK_STDERR)
        sink->fd = STDERR_FILENO;
    if (sink->kind == AUTH_SINK_NONE || sink->kind == AUTH_SINK_STDERR)
        return 0;
    sink->path = strdup(sink->kind == AUTH_SINK_SYSLOG ? log : where);
    if (!sink->path)
        return -ENOMEM;
    sink->fd = open_again(sink);
    if (sink->fd >= 0)
        return 0;
    free(sink->path);
    sink->path = NULL;
    return sink->fd;
}

void auth_sink_close(struct auth_sink *sink)
{
    if (sink->fd >= 0 && sink->kind != AUTH_SINK_STDERR)
        (void)close(sink->fd);
    free(sink->path);
    *sink = (struct auth_sink){.kind = AUTH_SINK_NONE, .fd = -1};
}

int auth_sink_reopen(struct auth_sink *sink)
{
    int fd;

    if (sink->kind == AUTH_SINK_NONE || sink->kind == AUTH_SINK_STDERR)
        return 0;
    fd = open_again(sink);
    if (fd < 0)
        return fd;
    if (sink->fd >= 0)
        (void)close(sink->fd);
    sink->fd = fd;
    sink->torn = false;
    return 0;
}

/* ---- writing ---- */

/* write(2) that raises neither SIGPIPE (nobody reads stderr any more) nor SIGXFSZ (the file has grown to its limit). */
static ssize_t write_quietly(int fd, const char *data, size_t size)
{
    const struct timespec at_once = {0, 0};
    sigset_t raised, pending, old;
    ssize_t count;
    int error;

    (void)sigemptyset(&raised);
    (void)sigaddset(&raised, SIGPIPE);
    (void)sigaddset(&raised, SIGXFSZ);
    (void)pthread_sigmask(SIG_BLOCK, &raised, &old);
    (void)sigpending(&pending);
    do
        count = write(fd, data, size);
    while (count < 0 && errno == EINTR);
    error = count < 0 ? errno : 0;
    if (error == EPIPE && !sigismember(&pending, SIGPIPE))
        (void)sigtimedwait(&raised, NULL, &at_once);
    if (error == EFBIG && !sigismember(&pending, SIGXFSZ))
        (void)sigtimedwait(&raised, NULL, &at_once);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return count < 0 ? -error : count;
}

/* Takes half a line back, unless somebody has written behind it. */
static void take_back(struct auth_sink *sink, off_t size)
{
    struct stat status;

    sink->torn = fstat(sink->fd, &status) != 0 || !S_ISREG(status.st_mode) ||
                 status.st_size != lseek(sink->fd, 0, SEEK_CUR) || ftruncate(sink->fd, status.st_size - size) != 0;
}

/* The caller's stderr may be a pipe that is full: it is not for us to make it non-blocking. Where something is wrong with it,
 * write(2) says so at once. */
static bool would_wait(int fd)
{
    struct pollfd item = {.fd = fd, .events = POLLOUT};

    return poll(&item, 1, 0) != 1;
}

static int write_line(struct auth_sink *sink, const char *line, size_t size)
{
    ssize_t count;

    if (would_wait(sink->fd))
        return -EAGAIN;
    if (sink->torn) {
        if (write_quietly(sink->fd, "\n", 1) != 1)
            return -EAGAIN;
        sink->torn = false;
    }
    count = write_quietly(sink->fd, line, size);
    if (count < 0)
        return (int)count;
    if ((size_t)count == size)
        return 0;
    take_back(sink, count);
    return -ENOSPC;
}

/* ---- the system's log ---- */

/* As syslog(3) writes it; which would wait for a log that takes nothing. */
static size_t print_head(char *head, size_t room)
{
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t now = time(NULL);
    struct tm tm = {.tm_mday = 1};

    (void)localtime_r(&now, &tm);
    return (size_t)snprintf(head, room, "<%d>%s %2d %02d:%02d:%02d ironauth[%ld]: ", LOG_AUTH | LOG_INFO,
                            months[tm.tm_mon % 12], tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (long)getpid());
}

static int send_log(struct auth_sink *sink, char *text, size_t size)
{
    char head[96];
    struct iovec parts[] = {{head, print_head(head, sizeof head)}, {text, size}};
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

    return sendmsg(sink->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* A log that was started anew is found again. */
static int write_log(struct auth_sink *sink, char *text, size_t size)
{
    int rc = sink->fd >= 0 ? send_log(sink, text, size) : -ENOTCONN;

    if (rc == 0 || rc == -EAGAIN || rc == -EMSGSIZE)
        return rc;
    rc = auth_sink_reopen(sink);
    return rc < 0 ? rc : send_log(sink, text, size);
}

int auth_sink_write(struct auth_sink *sink, char *text, size_t size)
{
    if (sink->kind == AUTH_SINK_NONE)
        return 0;
    if (sink->kind == AUTH_SINK_SYSLOG)
        return write_log(sink, text, size);
    text[size] = '\n';
    return write_line(sink, text, size + 1);
}
