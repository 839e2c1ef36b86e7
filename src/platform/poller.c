/* SPDX-License-Identifier: ISC */
/* Sets of descriptors, wake-ups, deadlines. */
#include "platform/poller.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <stdbool.h>
#include <unistd.h>

int ih_poller_new(void)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

/* epoll_wait is interrupted when a stopped process goes on; poll is not. It is worth the second system call: programs do
 * not expect EINTR where no handler of theirs ran. */
int ih_poller_sleep(int set, ih_event *events, int max, int timeout_ms)
{
    struct pollfd item = {.fd = set, .events = POLLIN};

    if (timeout_ms != 0 && poll(&item, 1, timeout_ms) < 0)
        return -errno;
    return ih_poller_wait(set, events, max, 0);
}

/* The thread sanitizer knows epoll_wait and what it orders, but not epoll_pwait2. */
#if defined(__SANITIZE_THREAD__)
#define wait_exactly(set, events, max, timeout) ((void)(timeout), errno = ENOSYS, -1)
#else
#define wait_exactly(set, events, max, timeout) epoll_pwait2(set, events, max, timeout, NULL)
#endif

int ih_poller_wait_us(int set, ih_event *events, int max, int64_t timeout_us)
{
    struct timespec timeout = {.tv_sec = timeout_us / 1000000, .tv_nsec = timeout_us % 1000000 * 1000};
    int count;

    if (timeout_us <= 0)
        return ih_poller_wait(set, events, max, (int)timeout_us);
    count = wait_exactly(set, events, max, &timeout);
    if (count < 0 && errno == ENOSYS) /* before Linux 5.11 */
        return ih_poller_wait(set, events, max, (int)((timeout_us + 999) / 1000));
    return count < 0 ? -errno : count;
}

int ih_wakeup_new(void)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    return fd < 0 ? -errno : fd;
}

void ih_wakeup_raise(int fd)
{
    const uint64_t one = 1;

    (void)!write(fd, &one, sizeof(one));
}

void ih_wakeup_clear(int fd)
{
    uint64_t count;

    (void)!read(fd, &count, sizeof(count));
}

/* A forked child must not share its parent's. */
struct own_wakeup {
    int fd;
    pid_t process;
};

static _Thread_local struct own_wakeup own = {-1, 0};
static pthread_key_t own_key;
static pthread_once_t own_once = PTHREAD_ONCE_INIT;
static bool own_possible;

static void close_own(void *arg)
{
    struct own_wakeup *wakeup = arg;

    close(wakeup->fd);
    wakeup->fd = -1;
}

static void make_own_key(void)
{
    own_possible = pthread_key_create(&own_key, close_own) == 0;
}

int ih_wakeup_of_thread(void)
{
    pid_t process = getpid();

    if (own.fd >= 0 && own.process == process)
        return own.fd;
    (void)pthread_once(&own_once, make_own_key);
    if (!own_possible)
        return -ENOMEM;
    if (own.fd >= 0)
        close(own.fd);
    own.fd = ih_wakeup_new();
    own.process = process;
    if (own.fd >= 0 && pthread_setspecific(own_key, &own) != 0) {
        close(own.fd);
        own.fd = -1;
        return -ENOMEM;
    }
    return own.fd;
}

int ih_deadline_new(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

    return fd < 0 ? -errno : fd;
}

int ih_deadline_set(int fd, uint64_t at_ms)
{
    struct itimerspec spec = {
        .it_value = {.tv_sec = (time_t)(at_ms / 1000), .tv_nsec = (long)(at_ms % 1000) * 1000000 + 1},
    };

    return timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL) < 0 ? -errno : 0;
}
