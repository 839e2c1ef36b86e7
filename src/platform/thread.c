/* SPDX-License-Identifier: ISC */
/* Threads of the library's own. */
#include "platform/thread.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* What a new thread needs to know. Owner: the creator until the thread runs, then the thread, which frees it. */
struct start {
    void (*run)(void *arg);
    void *arg;
    char name[16];
    int policy;
    int priority;
    cpu_set_t cpus;
};

static void set_schedule(const struct start *start)
{
    int policy;
    struct sched_param param;
    if (pthread_getschedparam(pthread_self(), &policy, &param) != 0) {
        return;
    }
    if (start->policy >= 0) {
        policy = start->policy;
    }
    if (policy == SCHED_FIFO || policy == SCHED_RR) {
        param.sched_priority = start->priority >= 0 ? start->priority : sched_get_priority_min(policy);
    } else {
        param.sched_priority = 0;
    }
    int rc = pthread_setschedparam(pthread_self(), policy, &param);
    if (rc == 0 && param.sched_priority == 0 && start->priority >= 0) {
        (void)setpriority(PRIO_PROCESS, (id_t)gettid(), -20); /* zmq_ctx_set(3), ZMQ_THREAD_PRIORITY */
    }
}

static void *enter(void *arg)
{
    struct start *start = arg;
    if (start->name[0] != '\0') {
        (void)pthread_setname_np(pthread_self(), start->name);
    }
    if (CPU_COUNT(&start->cpus) > 0) {
        (void)pthread_setaffinity_np(pthread_self(), sizeof(start->cpus), &start->cpus);
    }
    if (start->policy >= 0 || start->priority >= 0) {
        set_schedule(start);
    }
    void (*run)(void *) = start->run;
    void *run_arg = start->arg;
    free(start);
    run(run_arg);
    return NULL;
}

static void copy_config(struct start *start, const struct ih_thread_config *config)
{
    start->policy = config->policy;
    start->priority = config->priority;
    if (config->name != NULL) {
        (void)snprintf(start->name, sizeof(start->name), "%s", config->name);
    }
    for (size_t i = 0; i < config->cpu_count; i++) {
        if (config->cpus[i] >= 0 && config->cpus[i] < CPU_SETSIZE) {
            CPU_SET((size_t)config->cpus[i], &start->cpus);
        }
    }
}

int ih_thread_start(struct ih_thread *thread, const struct ih_thread_config *config, void (*run)(void *arg), void *arg)
{
    struct start *start = malloc(sizeof(*start));
    if (start == NULL) {
        return -ENOMEM;
    }
    *start = (struct start){.run = run, .arg = arg, .policy = -1, .priority = -1};
    if (config != NULL) {
        copy_config(start, config);
    }
    /* Blocked before the thread exists: it inherits the mask, and the program's handlers never run in it. */
    sigset_t all, saved;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &saved);
    int rc = pthread_create(&thread->handle, NULL, enter, start);
    pthread_sigmask(SIG_SETMASK, &saved, NULL);
    if (rc != 0) {
        free(start);
        return -rc;
    }
    return 0;
}

void ih_thread_join(struct ih_thread *thread)
{
    pthread_join(thread->handle, NULL);
}

void ih_thread_detach(struct ih_thread *thread)
{
    pthread_detach(thread->handle);
}
