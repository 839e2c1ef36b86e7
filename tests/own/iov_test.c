/* SPDX-License-Identifier: ISC */
/* zmq_sendiov and zmq_recviov from several threads at once on one socket: a message's frames stay together. */
#include "api/support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

enum {
    THREADS = 4,
    MESSAGES = 2000, /* of each thread */
    PARTS = 3,
};

/* One end, used by all threads; what they found is judged by the main thread. */
struct crowd {
    void *socket;
    atomic_int joined; /* threads that have come: their numbers */
    pthread_t threads[THREADS];
};

/* Each part of a message begins with its thread and its number. */
struct mark {
    int thread, message;
};

static size_t part_size(size_t index)
{
    return sizeof(struct mark) + 30 * index;
}

static void *send_many(void *arg)
{
    struct crowd *crowd = arg;
    struct mark mark = {.thread = atomic_fetch_add(&crowd->joined, 1)};
    char octets[PARTS][128] = {{0}};
    struct iovec iov[PARTS];

    for (mark.message = 0; mark.message < MESSAGES; mark.message++) {
        for (size_t i = 0; i < PARTS; i++) {
            memcpy(octets[i], &mark, sizeof mark);
            iov[i] = (struct iovec){octets[i], part_size(i)};
        }
        if (zmq_sendiov(crowd->socket, iov, PARTS, ZMQ_SNDMORE) != (int)part_size(PARTS - 1))
            return NULL;
    }
    return arg;
}

/* Frees the parts. */
static bool is_whole(struct iovec *iov, size_t count)
{
    bool whole = count == PARTS;

    for (size_t i = 0; i < count && whole; i++)
        whole = iov[i].iov_len == part_size(i) && memcmp(iov[i].iov_base, iov[0].iov_base, sizeof(struct mark)) == 0;
    for (size_t i = 0; i < count; i++)
        free(iov[i].iov_base);
    return whole;
}

static void *receive_many(void *arg)
{
    struct crowd *crowd = arg;

    for (int i = 0; i < MESSAGES; i++) {
        struct iovec iov[PARTS + 1];
        size_t count = PARTS + 1;

        if (zmq_recviov(crowd->socket, iov, &count, 0) < 0 || !is_whole(iov, count))
            return NULL;
    }
    return arg;
}

static void start(struct crowd *crowd, void *socket, void *(*run)(void *))
{
    crowd->socket = socket;
    atomic_init(&crowd->joined, 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&crowd->threads[i], NULL, run, crowd), 0);
}

static void finish(struct crowd *crowd)
{
    for (int i = 0; i < THREADS; i++) {
        void *result;

        assert_int_equal(pthread_join(crowd->threads[i], &result), 0);
        assert_ptr_equal(result, crowd);
    }
}

static void over(struct world *world, const char *transport)
{
    struct ends ends = join_pair(world, transport, ZMQ_PULL, ZMQ_PUSH);
    struct crowd senders, receivers;

    start(&receivers, ends.bound, receive_many);
    start(&senders, ends.connected, send_many);
    finish(&senders);
    finish(&receivers);
}

static void messages_stay_whole_over_tcp(void **state)
{
    over(*state, "tcp");
}

static void messages_stay_whole_over_inproc(void **state)
{
    over(*state, "inproc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(messages_stay_whole_over_tcp),
        world_test(messages_stay_whole_over_inproc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
