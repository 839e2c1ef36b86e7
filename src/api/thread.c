/* SPDX-License-Identifier: ISC */
/* zmq_threadstart, zmq_threadclose: threads for programs that have no other way. */
#include <zmq.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "api/error.h"

/* Owner: the program, until it closes it. */
struct thread {
    pthread_t id;
    zmq_thread_fn *func;
    void *arg;
};

static void *run(void *arg)
{
    struct thread *thread = arg;

    thread->func(thread->arg);
    return NULL;
}

/* Signals are for the program's own threads: the new one starts with all of them blocked. */
static int start(struct thread *thread)
{
    sigset_t all;
    sigset_t old;
    int error;

    (void)sigfillset(&all);
    error = pthread_sigmask(SIG_SETMASK, &all, &old);
    if (error)
        return -error;
    error = pthread_create(&thread->id, NULL, run, thread);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return -error;
}

void *zmq_threadstart(zmq_thread_fn *func, void *arg)
{
    struct thread *thread = NULL;
    int rc;

    if (!func)
        return ih_api_fail_null(EFAULT);
    thread = malloc(sizeof *thread);
    if (!thread)
        return ih_api_fail_null(ENOMEM);
    thread->func = func;
    thread->arg = arg;
    rc = start(thread);
    if (rc < 0) {
        free(thread);
        return ih_api_fail_null(-rc);
    }
    return thread;
}

void zmq_threadclose(void *handle)
{
    struct thread *thread = handle;

    if (!thread)
        return;
    (void)pthread_join(thread->id, NULL);
    free(thread);
}
