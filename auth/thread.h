/* SPDX-License-Identifier: ISC */
/* Threads of the library's own: they take no signals, which are the program's. */
#ifndef IH_AUTH_THREAD_H
#define IH_AUTH_THREAD_H

#include <pthread.h>

int auth_thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *arg);

#endif
