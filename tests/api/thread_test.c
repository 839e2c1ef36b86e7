/* SPDX-License-Identifier: ISC */
/* Threads: sockets handed from one to another, contexts shared by many, and the end of a context while other threads
 * are inside its calls. No socket is used by two threads at once. */
#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static const char *const transports[] = {"inproc", "ipc", "tcp"};

/* Owned by the thread while it runs, by the main thread before and after. */
struct worker {
    pthread_t thread;
    void *context;
    void *socket;
    const char *endpoint;
    int rounds;
    int result;
    int number;
    atomic_bool ready;
};

static void start(struct worker *worker, void *(*function)(void *))
{
    assert_int_equal(pthread_create(&worker->thread, NULL, function, worker), 0);
}

static void fail_worker(struct worker *worker)
{
    if (worker->result == 0) {
        worker->result = -1;
        worker->number = zmq_errno();
    }
}

static void *echo_main(void *argument)
{
    struct worker *worker = argument;
    for (int i = 0; i < worker->rounds; i++) {
        char buffer[16];
        const int size = zmq_recv(worker->socket, buffer, sizeof buffer, 0);
        if (size < 0 || zmq_send(worker->socket, buffer, (size_t)size, 0) != size)
            fail_worker(worker);
    }
    return NULL;
}

static void test_a_socket_moves_between_threads(void **state)
{
    struct world *world = *state;
    for (int t = 0; t < 3; t++) {
        struct ends ends = join_pair(world, transports[t], ZMQ_REP, ZMQ_REQ);
        for (int i = 0; i < 20; i++) {
            struct worker worker = {.socket = ends.bound, .rounds = 3};
            start(&worker, echo_main);
            for (int k = 0; k < 3; k++) {
                send_str(ends.connected, "there");
                expect_str(ends.connected, "there");
            }
            pthread_join(worker.thread, NULL);
            assert_int_equal(worker.result, 0);
            /* And back in this thread. */
            send_str(ends.connected, "here");
            expect_str(ends.bound, "here");
            send_str(ends.bound, "done");
            expect_str(ends.connected, "done");
        }
    }
}

static void *close_main(void *argument)
{
    struct worker *worker = argument;
    worker->result = zmq_close(worker->socket);
    return NULL;
}

static void test_a_socket_is_closed_by_another_thread(void **state)
{
    struct world *world = *state;
    for (int t = 0; t < 3; t++) {
        void *receiver = open_socket(world, ZMQ_PULL);
        char endpoint[ENDPOINT_MAX];
        bind_any(world, receiver, transports[t], endpoint);
        struct worker worker = {.socket = zmq_socket(world->context, ZMQ_PUSH)};
        assert_ok(zmq_connect(worker.socket, endpoint));
        send_str(worker.socket, "last words");
        start(&worker, close_main);
        expect_str(receiver, "last words");
        pthread_join(worker.thread, NULL);
        assert_int_equal(worker.result, 0);
    }
}

static void *open_main(void *argument)
{
    struct worker *worker = argument;
    worker->socket = zmq_socket(worker->context, ZMQ_PUSH);
    if (!worker->socket || zmq_connect(worker->socket, worker->endpoint) != 0 ||
        zmq_send(worker->socket, "from the thread", 15, 0) != 15)
        fail_worker(worker);
    return NULL;
}

static void test_a_socket_outlives_the_thread_that_made_it(void **state)
{
    struct world *world = *state;
    for (int t = 0; t < 3; t++) {
        void *receiver = open_socket(world, ZMQ_PULL);
        char endpoint[ENDPOINT_MAX];
        bind_any(world, receiver, transports[t], endpoint);
        struct worker worker = {.context = world->context, .endpoint = endpoint};
        start(&worker, open_main);
        pthread_join(worker.thread, NULL);
        assert_int_equal(worker.result, 0);
        expect_str(receiver, "from the thread");
        send_str(worker.socket, "from here");
        expect_str(receiver, "from here");
        assert_ok(zmq_close(worker.socket));
    }
}

static void *many_main(void *argument)
{
    struct worker *worker = argument;
    for (int i = 0; i < worker->rounds; i++) {
        void *socket = zmq_socket(worker->context, ZMQ_PUSH);
        char text[16];
        const int size = snprintf(text, sizeof text, "%d", i);
        if (!socket || zmq_connect(socket, worker->endpoint) != 0 || zmq_send(socket, text, (size_t)size, 0) != size ||
            zmq_close(socket) != 0)
            fail_worker(worker);
    }
    return NULL;
}

static void test_many_threads_share_a_context(void **state)
{
    struct world *world = *state;
    enum { THREADS = 8, ROUNDS = 25 };
    for (int t = 0; t < 3; t++) {
        struct worker workers[THREADS];
        void *receiver = open_socket(world, ZMQ_PULL);
        char endpoint[ENDPOINT_MAX];
        bind_any(world, receiver, transports[t], endpoint);
        for (int i = 0; i < THREADS; i++) {
            workers[i] = (struct worker){.context = world->context, .endpoint = endpoint, .rounds = ROUNDS};
            start(&workers[i], many_main);
        }
        int seen[ROUNDS] = {0};
        for (int i = 0; i < THREADS * ROUNDS; i++) {
            char text[16];
            int number = -1;
            recv_str(receiver, text, sizeof text);
            assert_int_equal(sscanf(text, "%d", &number), 1);
            assert_in_range(number, 0, ROUNDS - 1);
            seen[number]++;
        }
        for (int i = 0; i < ROUNDS; i++)
            assert_int_equal(seen[i], THREADS);
        for (int i = 0; i < THREADS; i++) {
            pthread_join(workers[i].thread, NULL);
            assert_int_equal(workers[i].result, 0);
        }
    }
}

/* The calls below block until the context ends. Each leaves its result, and its socket closed. */
static void *recv_main(void *argument)
{
    struct worker *worker = argument;
    char byte;
    atomic_store(&worker->ready, true);
    worker->result = zmq_recv(worker->socket, &byte, 1, 0);
    worker->number = zmq_errno();
    zmq_close(worker->socket);
    return NULL;
}

static void *send_main(void *argument)
{
    struct worker *worker = argument;
    atomic_store(&worker->ready, true);
    worker->result = zmq_send(worker->socket, "x", 1, 0);
    worker->number = zmq_errno();
    zmq_close(worker->socket);
    return NULL;
}

static void *poll_main(void *argument)
{
    struct worker *worker = argument;
    zmq_pollitem_t items[] = {{NULL, -1, ZMQ_POLLIN, 0}, {worker->socket, 0, ZMQ_POLLIN, 0}};
    atomic_store(&worker->ready, true);
    worker->result = zmq_poll(items, 2, -1);
    worker->number = zmq_errno();
    zmq_close(worker->socket);
    return NULL;
}

static void *msg_recv_main(void *argument)
{
    struct worker *worker = argument;
    zmq_msg_t message;
    zmq_msg_init(&message);
    atomic_store(&worker->ready, true);
    worker->result = zmq_msg_recv(&message, worker->socket, 0);
    worker->number = zmq_errno();
    zmq_msg_close(&message);
    zmq_close(worker->socket);
    return NULL;
}

static void *proxy_main(void *argument)
{
    struct worker *worker = argument;
    void *backend = zmq_socket(worker->context, ZMQ_DEALER);
    atomic_store(&worker->ready, true);
    worker->result = zmq_proxy(worker->socket, backend, NULL);
    worker->number = zmq_errno();
    zmq_close(backend);
    zmq_close(worker->socket);
    return NULL;
}

static void expect_eterm(void (*prepare)(void *), int type, void *(*function)(void *), int (*end)(void *))
{
    struct worker worker = {.context = zmq_ctx_new()};
    worker.socket = zmq_socket(worker.context, type);
    assert_non_null(worker.socket);
    if (prepare)
        prepare(worker.socket);
    start(&worker, function);
    while (!atomic_load(&worker.ready))
        continue;
    assert_ok(end(worker.context));
    pthread_join(worker.thread, NULL);
    assert_int_equal(worker.result, -1);
    assert_int_equal(worker.number, ETERM);
    if (end == zmq_ctx_shutdown)
        assert_ok(zmq_ctx_term(worker.context));
}

static void bind_tcp(void *socket)
{
    assert_ok(zmq_bind(socket, "tcp://127.0.0.1:*"));
}

static void connect_nowhere(void *socket)
{
    assert_ok(zmq_setsockopt(socket, ZMQ_IMMEDIATE, &(int){1}, sizeof(int)));
    assert_ok(zmq_connect(socket, "ipc:///nonexistent/directory/socket"));
}

static void test_the_end_reaches_blocked_calls(void **state)
{
    (void)state;
    static int (*const ends[])(void *) = {zmq_ctx_term, zmq_ctx_shutdown, zmq_ctx_destroy};
    for (int round = 0; round < 10; round++)
        for (int i = 0; i < 3; i++) {
            expect_eterm(NULL, ZMQ_PULL, recv_main, ends[i]);
            expect_eterm(bind_tcp, ZMQ_ROUTER, recv_main, ends[i]);
            expect_eterm(NULL, ZMQ_SUB, msg_recv_main, ends[i]);
            expect_eterm(NULL, ZMQ_PUSH, send_main, ends[i]);
            expect_eterm(bind_tcp, ZMQ_DEALER, send_main, ends[i]);
            expect_eterm(connect_nowhere, ZMQ_PUSH, send_main, ends[i]);
            expect_eterm(bind_tcp, ZMQ_PULL, poll_main, ends[i]);
            expect_eterm(bind_tcp, ZMQ_ROUTER, proxy_main, ends[i]);
        }
}

static void test_the_end_reaches_many_threads(void **state)
{
    struct world *world = *state;
    static void *(*const calls[])(void *) = {recv_main, msg_recv_main, poll_main};
    enum { THREADS = 24 };
    struct worker workers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.context = world->context};
        workers[i].socket = zmq_socket(world->context, ZMQ_PAIR);
        assert_non_null(workers[i].socket);
        start(&workers[i], calls[i % 3]);
    }
    assert_ok(zmq_ctx_term(world->context));
    world->context = NULL;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].result, -1);
        assert_int_equal(workers[i].number, ETERM);
    }
}

static void *timeout_main(void *argument)
{
    struct worker *worker = argument;
    char byte;
    zmq_setsockopt(worker->socket, ZMQ_RCVTIMEO, &(int){30}, sizeof(int));
    const int64_t begin = now_ms();
    worker->result = zmq_recv(worker->socket, &byte, 1, 0);
    worker->number = zmq_errno();
    worker->rounds = (int)(now_ms() - begin);
    return NULL;
}

static void test_timeouts_are_each_socket_s_own(void **state)
{
    struct world *world = *state;
    struct worker workers[8];
    for (int i = 0; i < 8; i++) {
        workers[i] = (struct worker){.socket = open_socket(world, i % 2 ? ZMQ_PULL : ZMQ_DEALER)};
        start(&workers[i], timeout_main);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].result, -1);
        assert_int_equal(workers[i].number, EAGAIN);
        assert_in_range(workers[i].rounds, 29, DEADLINE_MS);
    }
}

static void *context_main(void *argument)
{
    struct worker *worker = argument;
    for (int i = 0; i < worker->rounds; i++) {
        void *context = zmq_ctx_new();
        void *one = zmq_socket(context, ZMQ_PAIR);
        void *two = zmq_socket(context, ZMQ_PAIR);
        char byte = 0;
        if (zmq_bind(one, "inproc://same-name-everywhere") != 0 ||
            zmq_connect(two, "inproc://same-name-everywhere") != 0 || zmq_send(two, "x", 1, 0) != 1 ||
            zmq_recv(one, &byte, 1, 0) != 1 || byte != 'x' || zmq_close(one) != 0 || zmq_close(two) != 0 ||
            zmq_ctx_term(context) != 0)
            fail_worker(worker);
    }
    return NULL;
}

static void test_contexts_of_several_threads(void **state)
{
    (void)state;
    struct worker workers[4];
    for (int i = 0; i < 4; i++) {
        workers[i] = (struct worker){.rounds = 25};
        start(&workers[i], context_main);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].result, 0);
    }
}

static void *relay_main(void *argument)
{
    struct worker *worker = argument;
    void *out = zmq_socket(worker->context, ZMQ_PUSH);
    if (zmq_connect(out, worker->endpoint) != 0)
        fail_worker(worker);
    for (int i = 0; i < worker->rounds; i++) {
        zmq_msg_t message;
        zmq_msg_init(&message);
        if (zmq_msg_recv(&message, worker->socket, 0) < 0 || zmq_msg_send(&message, out, 0) < 0)
            fail_worker(worker);
        zmq_msg_close(&message);
    }
    zmq_close(out);
    return NULL;
}

static void test_a_chain_of_threads(void **state)
{
    struct world *world = *state;
    enum { LENGTH = 6, MESSAGES = 500 };
    struct worker workers[LENGTH];
    char endpoints[LENGTH + 1][ENDPOINT_MAX];
    void *last = open_socket(world, ZMQ_PULL);
    bind_any(world, last, "inproc", endpoints[LENGTH]);
    for (int i = 0; i < LENGTH; i++) {
        void *socket = open_socket(world, ZMQ_PULL);
        bind_any(world, socket, transports[i % 3], endpoints[i]);
        workers[i] = (struct worker){.context = world->context, .socket = socket, .rounds = MESSAGES};
    }
    for (int i = 0; i < LENGTH; i++) {
        workers[i].endpoint = endpoints[i + 1];
        start(&workers[i], relay_main);
    }
    void *first = open_socket(world, ZMQ_PUSH);
    assert_ok(zmq_connect(first, endpoints[0]));
    for (int i = 0; i < MESSAGES; i++)
        send_bytes(first, &i, sizeof i, 0);
    for (int i = 0; i < MESSAGES; i++)
        expect_bytes(last, &i, sizeof i);
    for (int i = 0; i < LENGTH; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].result, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_a_socket_moves_between_threads),
        world_test(test_a_socket_is_closed_by_another_thread),
        world_test(test_a_socket_outlives_the_thread_that_made_it),
        world_test(test_many_threads_share_a_context),
        world_test(test_the_end_reaches_blocked_calls),
        world_test(test_the_end_reaches_many_threads),
        world_test(test_timeouts_are_each_socket_s_own),
        world_test(test_contexts_of_several_threads),
        world_test(test_a_chain_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
