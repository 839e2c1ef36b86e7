/* SPDX-License-Identifier: ISC */
/* Libraries that are closed while a thread that used them goes on: the thread ends well. */
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

static pthread_barrier_t used;
static pthread_barrier_t closed;

/* A message of its own memory, made and freed on this thread. */
static void *use(void *library)
{
    int (*init)(void *, size_t);
    int (*finish)(void *);
    long long msg[8];

    *(void **)&init = dlsym(library, "zmq_msg_init_size");
    *(void **)&finish = dlsym(library, "zmq_msg_close");
    if (init(msg, 5000) != 0 || finish(msg) != 0)
        return library;
    pthread_barrier_wait(&used);
    pthread_barrier_wait(&closed);
    return NULL;
}

int main(int argc, char **argv)
{
    void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
    void *result = library;
    pthread_t thread;

    pthread_barrier_init(&used, NULL, 2);
    pthread_barrier_init(&closed, NULL, 2);
    if (!library || pthread_create(&thread, NULL, use, library) != 0)
        return 1;
    pthread_barrier_wait(&used);
    dlclose(library);
    pthread_barrier_wait(&closed);
    pthread_join(thread, &result);
    return result != NULL;
}
