/* SPDX-License-Identifier: ISC */
/* Sets of descriptors, wake-ups, deadlines. */
#include "platform/poller.h"

#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

int ih_poller_new(void)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

int ih_poller_wait_us(int set, ih_event *events, int max, int64_t timeout_us)
{
    struct timespec timeout = {.tv_sec = timeout_us / 1000000, .tv_nsec = timeout_us % 1000000 * 1000};
    int count;

    if (timeout_us <= 0)
        return ih_poller_wait(set, events, max, (int)timeout_us);
    count = epoll_pwait2(set, events, max, &timeout, NULL);
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
