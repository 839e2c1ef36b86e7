/* SPDX-License-Identifier: ISC */
/* Contexts: their options, their end, and what their end does to calls and sockets. */
#include "support.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define ZERO_COPY_RECV 10

static void test_option_defaults(void **state)
{
    const struct world *world = *state;
    static const struct {
        int option;
        int value;
    } defaults[] = {
        {ZMQ_IO_THREADS, 1},           {ZMQ_MAX_SOCKETS, 1023}, {ZMQ_SOCKET_LIMIT, 65535},   {ZMQ_MAX_MSGSZ, INT_MAX},
        {ZMQ_MSG_T_SIZE, 64},          {ZMQ_IPV6, 0},           {ZMQ_THREAD_NAME_PREFIX, 0}, {ZERO_COPY_RECV, 1},
        {ZMQ_THREAD_SCHED_POLICY, -1}, {ZMQ_BLOCKY, 1},
    };
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
        assert_returns(zmq_ctx_get(world->context, defaults[i].option), defaults[i].value);
        assert_int_equal(errno, 0);
    }
}

static void test_options_take_and_refuse(void **state)
{
    (void)state;
    static const struct {
        int option;
        int value;
        int read; /* what zmq_ctx_get tells then, or REFUSED */
    } sets[] = {
#define REFUSED INT_MIN
        {ZMQ_IO_THREADS, 0, 0},
        {ZMQ_IO_THREADS, 4, 4},
        {ZMQ_IO_THREADS, -1, REFUSED},
        {ZMQ_MAX_SOCKETS, 1, 1},
        {ZMQ_MAX_SOCKETS, 65535, 65535},
        {ZMQ_MAX_SOCKETS, 0, REFUSED},
        {ZMQ_MAX_SOCKETS, -1, REFUSED},
        {ZMQ_THREAD_PRIORITY, 0, 65535},
        {ZMQ_THREAD_PRIORITY, 10, 65535},
        {ZMQ_THREAD_PRIORITY, -1, REFUSED},
        {ZMQ_THREAD_SCHED_POLICY, 0, 0},
        {ZMQ_THREAD_SCHED_POLICY, 2, 2},
        {ZMQ_THREAD_SCHED_POLICY, -1, REFUSED},
        {ZMQ_MAX_MSGSZ, 0, 0},
        {ZMQ_MAX_MSGSZ, INT_MAX, INT_MAX},
        {ZMQ_MAX_MSGSZ, -1, REFUSED},
        {ZMQ_MSG_T_SIZE, 64, REFUSED},
        {ZMQ_THREAD_AFFINITY_CPU_ADD, -1, REFUSED},
        {ZMQ_THREAD_AFFINITY_CPU_REMOVE, -1, REFUSED},
        {ZMQ_THREAD_AFFINITY_CPU_REMOVE, 0, REFUSED},
        {ZMQ_THREAD_NAME_PREFIX, 7, 7},
        {ZMQ_THREAD_NAME_PREFIX, -7, -7},
        {ZERO_COPY_RECV, 0, 0},
        {ZERO_COPY_RECV, 9, 1},
        {ZERO_COPY_RECV, -1, REFUSED},
        {ZMQ_IPV6, 1, 1},
        {ZMQ_IPV6, 5, 1},
        {ZMQ_IPV6, -1, REFUSED},
        {ZMQ_BLOCKY, 0, 0},
        {ZMQ_BLOCKY, 3, 1},
        {ZMQ_BLOCKY, -1, REFUSED},
        {0, 1, REFUSED},
        {-1, 1, REFUSED},
        {11, 1, REFUSED},
        {999, 1, REFUSED},
    };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        void *context = zmq_ctx_new();
        assert_non_null(context);
        if (sets[i].read == REFUSED) {
            const int before = zmq_ctx_get(context, sets[i].option);
            assert_fails(zmq_ctx_set(context, sets[i].option, sets[i].value), EINVAL);
            assert_returns(zmq_ctx_get(context, sets[i].option), before);
        } else {
            assert_ok(zmq_ctx_set(context, sets[i].option, sets[i].value));
            assert_returns(zmq_ctx_get(context, sets[i].option), sets[i].read);
        }
        assert_ok(zmq_ctx_term(context));
    }
}

static void test_unknown_options_are_refused(void **state)
{
    const struct world *world = *state;
    static const int unknown[] = {-1, 0, ZMQ_THREAD_AFFINITY_CPU_ADD, ZMQ_THREAD_AFFINITY_CPU_REMOVE, 11, 41, 71, 999};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        assert_fails(zmq_ctx_get(world->context, unknown[i]), EINVAL);
}

static void test_affinity_is_a_set(void **state)
{
    const struct world *world = *state;
    assert_ok(zmq_ctx_set(world->context, ZMQ_THREAD_AFFINITY_CPU_ADD, 0));
    assert_ok(zmq_ctx_set(world->context, ZMQ_THREAD_AFFINITY_CPU_ADD, 0));
    assert_ok(zmq_ctx_set(world->context, ZMQ_THREAD_AFFINITY_CPU_REMOVE, 0));
    assert_fails(zmq_ctx_set(world->context, ZMQ_THREAD_AFFINITY_CPU_REMOVE, 0), EINVAL);
}

static void test_options_may_change_after_the_first_socket(void **state)
{
    struct world *world = *state;
    void *early = open_socket(world, ZMQ_PAIR);
    assert_ok(zmq_ctx_set(world->context, ZMQ_IO_THREADS, 3));
    assert_returns(zmq_ctx_get(world->context, ZMQ_IO_THREADS), 3);
    assert_ok(zmq_ctx_set(world->context, ZMQ_IPV6, 1));
    void *late = open_socket(world, ZMQ_PAIR);
    assert_int_equal(get_int(early, ZMQ_IPV6), 0);
    assert_int_equal(get_int(late, ZMQ_IPV6), 1);
    assert_int_equal(get_int(late, ZMQ_IPV4ONLY), 0);
}

static int fresh_linger(void *context, int type)
{
    void *socket = zmq_socket(context, type);
    assert_non_null(socket);
    const int linger = get_int(socket, ZMQ_LINGER);
    assert_ok(zmq_close(socket));
    return linger;
}

static void test_blocky_decides_the_default_linger(void **state)
{
    const struct world *world = *state;
    assert_int_equal(fresh_linger(world->context, ZMQ_PUSH), -1);
    assert_int_equal(fresh_linger(world->context, ZMQ_SUB), 0);
    assert_ok(zmq_ctx_set(world->context, ZMQ_BLOCKY, 0));
    assert_int_equal(fresh_linger(world->context, ZMQ_PUSH), 0);
    assert_ok(zmq_ctx_set(world->context, ZMQ_BLOCKY, 1));
    assert_int_equal(fresh_linger(world->context, ZMQ_PUSH), -1);
}

static void test_legacy_creation(void **state)
{
    (void)state;
    for (int threads = 0; threads < 4; threads++) {
        void *context = zmq_init(threads);
        assert_non_null(context);
        assert_returns(zmq_ctx_get(context, ZMQ_IO_THREADS), threads);
        assert_ok(threads % 2 ? zmq_term(context) : zmq_ctx_destroy(context));
    }
    assert_null_fails(zmq_init(-1), EINVAL);
}

static void test_null_and_ended_contexts_are_refused(void **state)
{
    (void)state;
    assert_fails(zmq_ctx_term(NULL), EFAULT);
    assert_fails(zmq_term(NULL), EFAULT);
    assert_fails(zmq_ctx_destroy(NULL), EFAULT);
    assert_fails(zmq_ctx_shutdown(NULL), EFAULT);
    assert_fails(zmq_ctx_set(NULL, ZMQ_IO_THREADS, 1), EFAULT);
    assert_fails(zmq_ctx_get(NULL, ZMQ_IO_THREADS), EFAULT);
    assert_null_fails(zmq_socket(NULL, ZMQ_PAIR), EFAULT);
    void *context = zmq_ctx_new();
    assert_ok(zmq_ctx_term(context));
    assert_fails(zmq_ctx_term(context), EFAULT);
    assert_fails(zmq_ctx_shutdown(context), EFAULT);
    assert_fails(zmq_ctx_set(context, ZMQ_IO_THREADS, 1), EFAULT);
    assert_fails(zmq_ctx_get(context, ZMQ_IO_THREADS), EFAULT);
    assert_null_fails(zmq_socket(context, ZMQ_PAIR), EFAULT);
}

static void test_unknown_socket_types(void **state)
{
    const struct world *world = *state;
    static const int types[] = {-1, 21, 22, 999, INT_MAX, INT_MIN};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        assert_null_fails(zmq_socket(world->context, types[i]), EINVAL);
}

static void test_too_many_sockets(void **state)
{
    struct world *world = *state;
    assert_ok(zmq_ctx_set(world->context, ZMQ_MAX_SOCKETS, 3));
    void *first = open_socket(world, ZMQ_PAIR);
    open_socket(world, ZMQ_PUB);
    open_socket(world, ZMQ_REQ);
    assert_null_fails(zmq_socket(world->context, ZMQ_PAIR), EMFILE);
    close_socket(world, first);
    /* The place comes free again, though perhaps not at once. */
    void *again = NULL;
    for (const int64_t end = now_ms() + DEADLINE_MS; !again && now_ms() < end; sched_yield())
        again = zmq_socket(world->context, ZMQ_PAIR);
    assert_non_null(again);
    assert_null_fails(zmq_socket(world->context, ZMQ_PAIR), EMFILE);
    assert_ok(zmq_close(again));
}

static void test_no_io_thread(void **state)
{
    struct world *world = *state;
    assert_ok(zmq_ctx_set(world->context, ZMQ_IO_THREADS, 0));
    void *bound = open_socket(world, ZMQ_PAIR);
    void *connected = open_socket(world, ZMQ_PAIR);
    assert_fails(zmq_bind(bound, "tcp://127.0.0.1:*"), EMTHREAD);
    assert_fails(zmq_bind(bound, "ipc://*"), EMTHREAD);
    assert_fails(zmq_connect(bound, "tcp://127.0.0.1:9"), EMTHREAD);
    assert_fails(zmq_connect(bound, "ipc:///nonexistent"), EMTHREAD);
    assert_ok(zmq_bind(bound, "inproc://threadless"));
    assert_ok(zmq_connect(connected, "inproc://threadless"));
    send_str(connected, "hello");
    expect_str(bound, "hello");
}

static void test_inproc_names_belong_to_the_context(void **state)
{
    struct world *world = *state;
    void *here = open_socket(world, ZMQ_PAIR);
    assert_ok(zmq_bind(here, "inproc://name"));
    void *elsewhere = zmq_ctx_new();
    void *there = zmq_socket(elsewhere, ZMQ_PAIR);
    assert_ok(zmq_bind(there, "inproc://name"));
    assert_ok(zmq_close(there));
    assert_ok(zmq_ctx_term(elsewhere));
}

static void test_shutdown(void **state)
{
    struct world *world = *state;
    void *socket = open_socket(world, ZMQ_PAIR);
    assert_ok(zmq_ctx_shutdown(world->context));
    assert_ok(zmq_ctx_shutdown(world->context));
    assert_null_fails(zmq_socket(world->context, ZMQ_PAIR), ETERM);
    assert_returns(zmq_ctx_get(world->context, ZMQ_IO_THREADS), 1);
    assert_ok(zmq_ctx_set(world->context, ZMQ_IO_THREADS, 2));
    char byte;
    assert_fails(zmq_recv(socket, &byte, 1, 0), ETERM);
}

static void test_shutdown_before_the_first_socket(void **state)
{
    const struct world *world = *state;
    assert_ok(zmq_ctx_shutdown(world->context));
    assert_null_fails(zmq_socket(world->context, ZMQ_PAIR), ETERM);
}

static void test_every_call_says_eterm(void **state)
{
    struct world *world = *state;
    void *socket = open_socket(world, ZMQ_DEALER);
    char byte = 0;
    int value = 0;
    size_t size = sizeof value;
    zmq_msg_t message;
    zmq_msg_init(&message);
    zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN, 0};
    assert_ok(zmq_ctx_shutdown(world->context));
    assert_fails(zmq_recv(socket, &byte, 1, 0), ETERM);
    assert_fails(zmq_recv(socket, &byte, 1, ZMQ_DONTWAIT), ETERM);
    assert_fails(zmq_send(socket, &byte, 1, 0), ETERM);
    assert_fails(zmq_send(socket, &byte, 1, ZMQ_DONTWAIT), ETERM);
    assert_fails(zmq_send_const(socket, &byte, 1, 0), ETERM);
    assert_fails(zmq_msg_recv(&message, socket, 0), ETERM);
    assert_fails(zmq_msg_send(&message, socket, 0), ETERM);
    assert_fails(zmq_bind(socket, "inproc://x"), ETERM);
    assert_fails(zmq_connect(socket, "inproc://x"), ETERM);
    assert_fails(zmq_unbind(socket, "inproc://x"), ETERM);
    assert_fails(zmq_disconnect(socket, "inproc://x"), ETERM);
    assert_fails(zmq_getsockopt(socket, ZMQ_TYPE, &value, &size), ETERM);
    assert_fails(zmq_getsockopt(socket, ZMQ_EVENTS, &value, &size), ETERM);
    assert_fails(zmq_setsockopt(socket, ZMQ_LINGER, &value, sizeof value), ETERM);
    assert_fails(zmq_socket_monitor(socket, "inproc://m", ZMQ_EVENT_ALL), ETERM);
    assert_fails(zmq_poll(&item, 1, 0), ETERM);
    assert_fails(zmq_poll(&item, 1, -1), ETERM);
    assert_int_equal(item.revents, 0);
    close_socket(world, socket);
    zmq_msg_close(&message);
}

/* Ends a context in a thread of its own; the main thread reads ended and result. */
struct term {
    pthread_t thread;
    void *context;
    atomic_bool ended;
    int result;
    int number;
};

static void *term_main(void *argument)
{
    struct term *term = argument;
    term->result = zmq_ctx_term(term->context);
    term->number = errno;
    atomic_store(&term->ended, true);
    return NULL;
}

static void term_start(struct term *term, struct world *world)
{
    *term = (struct term){.context = world->context};
    world->context = NULL;
    assert_int_equal(pthread_create(&term->thread, NULL, term_main, term), 0);
}

static void test_term_waits_for_every_socket(void **state)
{
    struct world *world = *state;
    void *sockets[3];
    for (int i = 0; i < 3; i++)
        sockets[i] = open_socket(world, i);
    struct term term;
    term_start(&term, world);
    char byte;
    assert_fails(zmq_recv(sockets[0], &byte, 1, 0), ETERM);
    for (int i = 0; i < 3; i++) {
        assert_false(atomic_load(&term.ended));
        close_socket(world, sockets[i]);
    }
    pthread_join(term.thread, NULL);
    assert_int_equal(term.result, 0);
}

static void test_term_delivers_what_lingers(void **state)
{
    struct world *world = *state;
    char path[ENDPOINT_MAX];
    fresh_endpoint(world, "ipc", path);
    void *sender = open_socket(world, ZMQ_PUSH);
    set_int(sender, ZMQ_LINGER, -1);
    set_int(sender, ZMQ_RECONNECT_IVL, 10);
    assert_ok(zmq_connect(sender, path));
    for (int i = 0; i < 50; i++)
        send_frames(sender, "one", "two");
    close_socket(world, sender);
    struct term term;
    term_start(&term, world);
    /* Nobody listens yet: the context cannot end before this receiver has come. */
    world->context = zmq_ctx_new();
    void *receiver = open_socket(world, ZMQ_PULL);
    assert_false(atomic_load(&term.ended));
    assert_ok(zmq_bind(receiver, path));
    for (int i = 0; i < 50; i++)
        expect_frames(receiver, "one", "two");
    pthread_join(term.thread, NULL);
    assert_int_equal(term.result, 0);
}

/* How long the context takes to end with a message that nobody takes. */
static int64_t term_duration(int linger)
{
    void *context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_PUSH);
    set_int(socket, ZMQ_LINGER, linger);
    assert_ok(zmq_connect(socket, "ipc:///nonexistent/directory/socket"));
    send_str(socket, "never read");
    assert_ok(zmq_close(socket));
    const int64_t start = now_ms();
    assert_ok(zmq_ctx_term(context));
    return now_ms() - start;
}

static void test_linger_bounds_the_wait(void **state)
{
    (void)state;
    assert_true(term_duration(0) < DEADLINE_MS);
    const int64_t duration = term_duration(150);
    assert_true(duration >= 140);
    assert_true(duration < DEADLINE_MS);
}

static void on_signal(int number)
{
    (void)number;
}

/* Signals the main thread again and again until told that its call has returned. */
struct nagger {
    pthread_t thread;
    pthread_t target;
    atomic_bool enough;
};

static void *nagger_main(void *argument)
{
    struct nagger *nagger = argument;
    while (!atomic_load(&nagger->enough)) {
        pthread_kill(nagger->target, SIGUSR1);
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    return NULL;
}

static void test_term_is_interrupted_and_taken_up_again(void **state)
{
    struct world *world = *state;
    const struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    void *socket = open_socket(world, ZMQ_PAIR);
    struct nagger nagger = {.target = pthread_self()};
    assert_int_equal(pthread_create(&nagger.thread, NULL, nagger_main, &nagger), 0);
    errno = 0;
    const int result = zmq_ctx_term(world->context);
    const int number = errno;
    atomic_store(&nagger.enough, true);
    pthread_join(nagger.thread, NULL);
    assert_int_equal(result, -1);
    assert_int_equal(number, EINTR);
    assert_null_fails(zmq_socket(world->context, ZMQ_PAIR), ETERM);
    char byte;
    assert_fails(zmq_recv(socket, &byte, 1, 0), ETERM);
    close_socket(world, socket);
    assert_ok(zmq_ctx_term(world->context));
    world->context = NULL;
}

static void test_contexts_come_and_go(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        void *context = zmq_ctx_new();
        void *bound = zmq_socket(context, ZMQ_PULL);
        void *connected = zmq_socket(context, ZMQ_PUSH);
        assert_ok(zmq_bind(bound, "tcp://127.0.0.1:*"));
        char endpoint[ENDPOINT_MAX];
        last_endpoint(bound, endpoint);
        assert_ok(zmq_connect(connected, endpoint));
        send_str(connected, "x");
        expect_str(bound, "x");
        assert_ok(zmq_close(connected));
        assert_ok(zmq_close(bound));
        assert_ok(zmq_ctx_term(context));
    }
}

static void test_term_from_one_thread_after_shutdown_by_another(void **state)
{
    struct world *world = *state;
    void *socket = open_socket(world, ZMQ_PULL);
    assert_ok(zmq_ctx_shutdown(world->context));
    struct term term;
    term_start(&term, world);
    char byte;
    assert_fails(zmq_recv(socket, &byte, 1, 0), ETERM);
    close_socket(world, socket);
    pthread_join(term.thread, NULL);
    assert_int_equal(term.result, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_option_defaults),
        world_test(test_options_take_and_refuse),
        world_test(test_unknown_options_are_refused),
        world_test(test_affinity_is_a_set),
        world_test(test_options_may_change_after_the_first_socket),
        world_test(test_blocky_decides_the_default_linger),
        world_test(test_legacy_creation),
        world_test(test_null_and_ended_contexts_are_refused),
        world_test(test_unknown_socket_types),
        world_test(test_too_many_sockets),
        world_test(test_no_io_thread),
        world_test(test_inproc_names_belong_to_the_context),
        world_test(test_shutdown),
        world_test(test_shutdown_before_the_first_socket),
        world_test(test_every_call_says_eterm),
        world_test(test_term_waits_for_every_socket),
        world_test(test_term_delivers_what_lingers),
        world_test(test_linger_bounds_the_wait),
        world_test(test_term_is_interrupted_and_taken_up_again),
        world_test(test_contexts_come_and_go),
        world_test(test_term_from_one_thread_after_shutdown_by_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
