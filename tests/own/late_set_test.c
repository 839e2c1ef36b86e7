/* SPDX-License-Identifier: ISC */
/* A socket that has had inproc peers only gets its first descriptor while threads sleep in it, or for it: they must see
 * what comes by either way. Threads hand numbers over; the main thread judges. */
#include "api/support.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { ROUNDS = 50 };

/* Owned by the test's stack. */
struct waiting {
    void *socket; /* PULL, bound to inproc */
    void *idle;   /* another one, for zmq_poll to have several */
    void *inproc; /* PUSH, connected to it */
    pthread_barrier_t barrier;
    atomic_int got;
};

static void *wait_in_recv(void *arg)
{
    struct waiting *waiting = arg;
    char text[8];

    pthread_barrier_wait(&waiting->barrier);
    while (zmq_recv(waiting->socket, text, sizeof text, 0) == 1 && text[0] != '.')
        atomic_fetch_add(&waiting->got, 1);
    return NULL;
}

static void *wait_in_poll(void *arg)
{
    struct waiting *waiting = arg;
    zmq_pollitem_t items[] = {{waiting->socket, 0, ZMQ_POLLIN, 0}, {waiting->idle, 0, ZMQ_POLLIN, 0}};
    char text[8] = "";

    pthread_barrier_wait(&waiting->barrier);
    while (text[0] != '.' && zmq_poll(items, 2, DEADLINE_MS) == 1) {
        while (text[0] != '.' && zmq_recv(waiting->socket, text, sizeof text, ZMQ_DONTWAIT) == 1)
            atomic_fetch_add(&waiting->got, text[0] != '.');
    }
    return NULL;
}

/* One message by inproc and one by tcp, which comes while the thread waits. The last word is sent when the thread has read
 * the first, and so sleeps again. */
static void one_round(struct world *world, void *(*wait)(void *), bool tcp_is_last)
{
    struct waiting waiting = {.idle = open_socket(world, ZMQ_PULL)};
    char endpoint[ENDPOINT_MAX];
    void *tcp = open_socket(world, ZMQ_PUSH);
    pthread_t thread;

    waiting.socket = open_socket(world, ZMQ_PULL);
    waiting.inproc = open_socket(world, ZMQ_PUSH);
    assert_ok(zmq_bind(waiting.socket, "inproc://late"));
    assert_ok(zmq_connect(waiting.inproc, "inproc://late"));
    assert_int_equal(pthread_barrier_init(&waiting.barrier, NULL, 2), 0);
    assert_int_equal(pthread_create(&thread, NULL, wait, &waiting), 0);
    pthread_barrier_wait(&waiting.barrier);
    bind_any(world, waiting.socket, "tcp", endpoint);
    assert_ok(zmq_connect(tcp, endpoint));
    assert_int_equal(zmq_send(tcp_is_last ? waiting.inproc : tcp, "1", 1, 0), 1);
    for (const int64_t end = now_ms() + DEADLINE_MS; atomic_load(&waiting.got) < 1;)
        assert_true(now_ms() < end);
    assert_int_equal(zmq_send(tcp_is_last ? tcp : waiting.inproc, ".", 1, 0), 1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(atomic_load(&waiting.got), 1);
    pthread_barrier_destroy(&waiting.barrier);
    close_socket(world, tcp);
    close_socket(world, waiting.inproc);
    close_socket(world, waiting.socket);
    close_socket(world, waiting.idle);
}

static void test_while_receiving(void **state)
{
    for (int i = 0; i < ROUNDS; i++)
        one_round(*state, wait_in_recv, i % 2);
}

static void test_while_polling(void **state)
{
    for (int i = 0; i < ROUNDS; i++)
        one_round(*state, wait_in_poll, i % 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_while_receiving),
        world_test(test_while_polling),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
