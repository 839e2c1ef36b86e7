/* SPDX-License-Identifier: ISC */
/* The wrappers of wrap.h. */
#include "wrap.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

static atomic_bool counting;
static atomic_uint calls;
static _Atomic(enum shortage) kind;
static atomic_uint failing;

void wrap_begin(enum shortage shortage, unsigned number)
{
    atomic_store(&kind, shortage);
    atomic_store(&calls, 0);
    atomic_store(&failing, number);
    atomic_store(&counting, true);
}

unsigned wrap_end(void)
{
    atomic_store(&counting, false);
    return atomic_load(&calls);
}

/* True if this call is to fail; sets errno then. */
static bool fails(enum shortage shortage, int error)
{
    if (!atomic_load(&counting) || atomic_load(&kind) != shortage)
        return false;
    if (atomic_fetch_add(&calls, 1) + 1 != atomic_load(&failing))
        return false;
    errno = error;
    return true;
}

/* The names are the linker's. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
int __real_epoll_create1(int flags);
int __real_epoll_ctl(int set, int operation, int fd, struct epoll_event *event);
int __real_eventfd(unsigned value, int flags);
int __real_timerfd_create(int clock, int flags);
int __real_socket(int domain, int type, int protocol);
int __real_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *arg);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
int __wrap_epoll_create1(int flags);
int __wrap_epoll_ctl(int set, int operation, int fd, struct epoll_event *event);
int __wrap_eventfd(unsigned value, int flags);
int __wrap_timerfd_create(int clock, int flags);
int __wrap_socket(int domain, int type, int protocol);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *arg);

void *__wrap_malloc(size_t size)
{
    return fails(SHORTAGE_MEMORY, ENOMEM) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails(SHORTAGE_MEMORY, ENOMEM) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails(SHORTAGE_MEMORY, ENOMEM) ? NULL : __real_realloc(memory, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails(SHORTAGE_MEMORY, ENOMEM) ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strdup(const char *text)
{
    return fails(SHORTAGE_MEMORY, ENOMEM) ? NULL : __real_strdup(text);
}

int __wrap_epoll_create1(int flags)
{
    return fails(SHORTAGE_SYSTEM, EMFILE) ? -1 : __real_epoll_create1(flags);
}

int __wrap_epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
{
    /* The kernel allocates nothing for the other operations. */
    return operation == EPOLL_CTL_ADD && fails(SHORTAGE_SYSTEM, ENOMEM) ? -1
                                                                        : __real_epoll_ctl(set, operation, fd, event);
}

int __wrap_eventfd(unsigned value, int flags)
{
    return fails(SHORTAGE_SYSTEM, EMFILE) ? -1 : __real_eventfd(value, flags);
}

int __wrap_timerfd_create(int clock, int flags)
{
    return fails(SHORTAGE_SYSTEM, EMFILE) ? -1 : __real_timerfd_create(clock, flags);
}

int __wrap_socket(int domain, int type, int protocol)
{
    return fails(SHORTAGE_SYSTEM, ENFILE) ? -1 : __real_socket(domain, type, protocol);
}

int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    return fails(SHORTAGE_SYSTEM, ENFILE) ? -1 : __real_accept4(fd, address, size, flags);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *arg)
{
    return fails(SHORTAGE_SYSTEM, EAGAIN) ? EAGAIN : __real_pthread_create(thread, attributes, run, arg);
}
