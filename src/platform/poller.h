/* SPDX-License-Identifier: ISC */
/* Sets of descriptors that a thread waits for, descriptors that another thread makes ready, and deadlines as
 * descriptors. (Linux: epoll, eventfd, timerfd.) All functions return 0 or a value, or a negative errno. */
#ifndef IH_PLATFORM_POLLER_H
#define IH_PLATFORM_POLLER_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

/* What a descriptor is waited for, and what it is ready for. */
#define IH_READ ((uint32_t)EPOLLIN)
#define IH_WRITE ((uint32_t)EPOLLOUT)
#define IH_BROKEN ((uint32_t)(EPOLLERR | EPOLLHUP)) /* always reported */
#define IH_HANGUP ((uint32_t)EPOLLRDHUP)            /* the peer sends no more */
#define IH_EDGE ((uint32_t)EPOLLET)                 /* reported once each time it becomes ready */
#define IH_ONCE ((uint32_t)EPOLLONESHOT)            /* reported once, until it is changed */

/* One descriptor that is ready: event.data.ptr is what was given for it, event.events what it is ready for. */
typedef struct epoll_event ih_event;

/* A set; itself a descriptor that is readable while something in it is ready. */
int ih_poller_new(void);

static inline int ih_poller_control(int set, int op, int fd, uint32_t events, void *what)
{
    ih_event event = {.events = events, .data.ptr = what};

    return epoll_ctl(set, op, fd, &event) < 0 ? -errno : 0;
}

static inline int ih_poller_add(int set, int fd, uint32_t events, void *what)
{
    return ih_poller_control(set, EPOLL_CTL_ADD, fd, events, what);
}

static inline int ih_poller_change(int set, int fd, uint32_t events, void *what)
{
    return ih_poller_control(set, EPOLL_CTL_MOD, fd, events, what);
}

static inline int ih_poller_remove(int set, int fd)
{
    return ih_poller_control(set, EPOLL_CTL_DEL, fd, 0, NULL);
}

/* Waits at most timeout_ms (-1: for ever). How many are ready, or -EINTR. */
static inline int ih_poller_wait(int set, ih_event *events, int max, int timeout_ms)
{
    int count = epoll_wait(set, events, max, timeout_ms);

    return count < 0 ? -errno : count;
}

/* The same for callers: a process that is stopped and continued does not get -EINTR if no handler ran. */
int ih_poller_sleep(int set, ih_event *events, int max, int timeout_ms);

/* The same in microseconds, as exactly as the system can. */
int ih_poller_wait_us(int set, ih_event *events, int max, int64_t timeout_us);

/* A descriptor that ih_wakeup_raise makes readable. */
int ih_wakeup_new(void);
void ih_wakeup_raise(int fd);
void ih_wakeup_clear(int fd);

/* One that belongs to the calling thread, until it ends. A negative errno. */
int ih_wakeup_of_thread(void);

/* A descriptor that becomes readable at a moment of the monotonic clock. */
int ih_deadline_new(void);
int ih_deadline_set(int fd, uint64_t at_ms);

#endif
