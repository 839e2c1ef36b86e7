/* SPDX-License-Identifier: ISC */
/* A connection pauses when the receiver's limit is reached, and is resumed by whoever reads. Another thread, which waits for
 * room to send, may sleep in the socket's set meanwhile: it must hear of it, for no event will come. */
#include "api/support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    COUNT = 20000,
    SIZE = 1000,
    LIMIT = 100,
    BUFFER = 32768,
};

/* Owned by the test's stack. */
struct sender {
    void *socket;
    int count; /* 0: until the context ends */
    atomic_int thread;
};

static void *send_all(void *arg)
{
    struct sender *sender = arg;
    static const char data[SIZE];

    atomic_store(&sender->thread, gettid());
    for (int i = 0; !sender->count || i < sender->count; i++)
        if (zmq_send(sender->socket, data, sizeof data, 0) < 0)
            break;
    return NULL;
}

/* The state of a thread of this process, as proc(5) has it: S sleeps. */
static char thread_state(int thread)
{
    char path[64], text[256];
    const char *behind;
    FILE *file;

    snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    behind = strrchr(text, ')');
    assert_non_null(behind);
    return behind[2];
}

/* Until the thread has slept at so many looks in a row. */
static void await_sleep(struct sender *sender)
{
    for (int slept = 0; slept < 100;) {
        const int thread = atomic_load(&sender->thread);

        slept = thread && thread_state(thread) == 'S' ? slept + 1 : 0;
        sched_yield();
    }
}

static void small_limits(void *socket)
{
    static const int limits[] = {ZMQ_SNDHWM, ZMQ_RCVHWM}, buffers[] = {ZMQ_SNDBUF, ZMQ_RCVBUF};

    for (int i = 0; i < 2; i++) {
        set_int(socket, limits[i], LIMIT);
        set_int(socket, buffers[i], BUFFER);
    }
}

static void one_type(struct world *world, int type)
{
    void *socket = open_socket(world, type), *peer = open_socket(world, type);
    struct sender ours = {.socket = socket}, theirs = {.socket = peer, .count = COUNT};
    char endpoint[ENDPOINT_MAX], data[SIZE];
    pthread_t our_thread, their_thread;

    small_limits(socket);
    small_limits(peer);
    set_int(socket, ZMQ_SNDTIMEO, -1);
    set_int(peer, ZMQ_SNDTIMEO, -1);
    bind_any(world, socket, "tcp", endpoint);
    assert_ok(zmq_connect(peer, endpoint));
    assert_int_equal(pthread_create(&our_thread, NULL, send_all, &ours), 0);
    await_sleep(&ours);
    assert_int_equal(pthread_create(&their_thread, NULL, send_all, &theirs), 0);
    await_sleep(&theirs);
    for (int i = 0; i < COUNT; i++)
        assert_returns(zmq_recv(socket, data, sizeof data, 0), SIZE);
    assert_int_equal(pthread_join(their_thread, NULL), 0);
    assert_ok(zmq_ctx_shutdown(world->context));
    assert_int_equal(pthread_join(our_thread, NULL), 0);
}

static void test_pair(void **state)
{
    one_type(*state, ZMQ_PAIR);
}

static void test_dealer(void **state)
{
    one_type(*state, ZMQ_DEALER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_pair),
        world_test(test_dealer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
