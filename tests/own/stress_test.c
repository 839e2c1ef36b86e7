/* SPDX-License-Identifier: ISC */
/* Several threads on the same sockets: sending and receiving, polling, connecting and leaving, closing while others wait,
 * and the end of the context in the middle of it all. For the thread sanitizer above all. Threads hand numbers over; the
 * main thread judges. */
#include "api/secure.h"
#include "api/support.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum {
    THREADS = 4,
    MESSAGES = 500, /* that each thread sends */
    ROUNDS = 40,
    VISITS = 25, /* of each thread to a server */
    TALK = 50,
};

static void *option_socket(void *context, int type)
{
    static const int zero = 0, deadline = DEADLINE_MS, soon = 1;
    void *socket = zmq_socket(context, type);

    if (!socket)
        return NULL;
    zmq_setsockopt(socket, ZMQ_LINGER, &zero, sizeof zero);
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &deadline, sizeof deadline);
    zmq_setsockopt(socket, ZMQ_SNDTIMEO, &deadline, sizeof deadline);
    zmq_setsockopt(socket, ZMQ_RECONNECT_IVL, &soon, sizeof soon);
    return socket;
}

/* --- threads ---------------------------------------------------------------------------------------------------------- */

/* What the threads of one test share. Owned by the test's stack; the main thread sets it before they start, and reads it
 * when they have ended. */
struct crew {
    void *context;
    void *socket[2];
    char endpoint[ENDPOINT_MAX];
    pthread_t threads[3 * THREADS];
    int count;
    atomic_int sent;
    atomic_int received;
    atomic_int expected; /* to be received, by all together */
    atomic_llong sum;
    atomic_int wrong; /* calls that ended otherwise than they may */
    atomic_int error; /* the error of one of these */
    atomic_bool stop;
    pthread_barrier_t barrier;
};

static void start(struct crew *crew, int count, void *(*run)(void *))
{
    while (count-- > 0)
        assert_int_equal(pthread_create(&crew->threads[crew->count++], NULL, run, crew), 0);
}

static void join(struct crew *crew)
{
    while (crew->count > 0)
        assert_int_equal(pthread_join(crew->threads[--crew->count], NULL), 0);
    if (atomic_load(&crew->wrong))
        fail_msg("%d calls went wrong, one of them with %s", atomic_load(&crew->wrong),
                 zmq_strerror(atomic_load(&crew->error)));
}

static void went_wrong(struct crew *crew)
{
    atomic_store(&crew->error, errno);
    atomic_fetch_add(&crew->wrong, 1);
}

/* --- sending and receiving --------------------------------------------------------------------------------------------- */

static void *send_all(void *arg)
{
    struct crew *crew = arg;

    for (int i = 0; i < MESSAGES; i++) {
        char text[200] = {0};
        const int number = atomic_fetch_add(&crew->sent, 1) + 1;

        memcpy(text, &number, sizeof number);
        /* Some lie within the message, some have memory of their own. */
        if (zmq_send(crew->socket[0], text, i % 2 ? sizeof text : sizeof number, 0) < 0)
            went_wrong(crew);
    }
    return NULL;
}

static void *receive_all(void *arg)
{
    struct crew *crew = arg;

    while (atomic_fetch_sub(&crew->expected, 1) > 0) {
        char text[200];
        int number;

        if (zmq_recv(crew->socket[1], text, sizeof text, 0) < (int)sizeof number) {
            went_wrong(crew);
            return NULL;
        }
        memcpy(&number, text, sizeof number);
        atomic_fetch_add(&crew->sum, number);
        atomic_fetch_add(&crew->received, 1);
    }
    return NULL;
}

static void share(struct world *world, const char *transport, int from, int to, int mechanism)
{
    const long long total = THREADS * MESSAGES;
    struct crew crew = {.context = world->context};

    crew.socket[0] = open_socket(world, from);
    crew.socket[1] = open_socket(world, to);
    secure_server(crew.socket[1], mechanism);
    secure_client(crew.socket[0], mechanism);
    set_int(crew.socket[0], ZMQ_SNDHWM, 50);
    set_int(crew.socket[1], ZMQ_RCVHWM, 50);
    bind_any(world, crew.socket[1], transport, crew.endpoint);
    assert_ok(zmq_connect(crew.socket[0], crew.endpoint));
    atomic_store(&crew.expected, (int)total);
    start(&crew, THREADS, send_all);
    start(&crew, THREADS, receive_all);
    join(&crew);
    assert_int_equal(atomic_load(&crew.received), total);
    assert_true(atomic_load(&crew.sum) == total * (total + 1) / 2);
    close_socket(world, crew.socket[0]);
    close_socket(world, crew.socket[1]);
}

static void test_threads_share_sockets(void **state)
{
    static const int types[][2] = {{ZMQ_PUSH, ZMQ_PULL}, {ZMQ_DEALER, ZMQ_DEALER}, {ZMQ_PAIR, ZMQ_PAIR}};
    static const char *const transports[] = {"tcp", "ipc", "inproc"};

    for (size_t t = 0; t < sizeof transports / sizeof *transports; t++)
        for (size_t i = 0; i < sizeof types / sizeof *types; i++)
            share(*state, transports[t], types[i][0], types[i][1], ZMQ_NULL);
}

static void test_threads_share_secured_sockets(void **state)
{
    share(*state, "tcp", ZMQ_PUSH, ZMQ_PULL, ZMQ_CURVE);
    share(*state, "tcp", ZMQ_DEALER, ZMQ_DEALER, ZMQ_CURVE);
}

/* --- publishing ---------------------------------------------------------------------------------------------------------- */

static void *publish(void *arg)
{
    struct crew *crew = arg;

    while (!atomic_load(&crew->stop)) {
        if (zmq_send(crew->socket[0], "news", 4, 0) < 0)
            went_wrong(crew);
    }
    return NULL;
}

/* Subscribers come and go while several threads publish. */
static void *subscribe(void *arg)
{
    struct crew *crew = arg;

    for (int i = 0; i < VISITS; i++) {
        void *sub = option_socket(crew->context, ZMQ_SUB);
        char text[8];

        if (!sub || zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "new", 3) < 0 || zmq_connect(sub, crew->endpoint) < 0 ||
            zmq_recv(sub, text, sizeof text, 0) != 4 || zmq_setsockopt(sub, ZMQ_UNSUBSCRIBE, "new", 3) < 0)
            went_wrong(crew);
        zmq_close(sub);
    }
    return NULL;
}

static void test_subscribers_come_and_go(void **state)
{
    static const char *const transports[] = {"tcp", "ipc", "inproc"};
    struct world *world = *state;

    for (size_t t = 0; t < sizeof transports / sizeof *transports; t++) {
        struct crew crew = {.context = world->context}, publishers = {.context = world->context};

        publishers.socket[0] = open_socket(world, t % 2 ? ZMQ_XPUB : ZMQ_PUB);
        bind_any(world, publishers.socket[0], transports[t], crew.endpoint);
        start(&publishers, 2, publish);
        start(&crew, 2, subscribe);
        join(&crew);
        atomic_store(&publishers.stop, true);
        join(&publishers);
        close_socket(world, publishers.socket[0]);
    }
}

/* --- connecting and leaving ------------------------------------------------------------------------------------------------ */

/* Every other message must arrive, for it lingers; the others may. */
static void *visit(void *arg)
{
    struct crew *crew = arg;

    for (int i = 0; i < VISITS; i++) {
        void *push = option_socket(crew->context, ZMQ_PUSH);
        const int linger = i % 2 ? -1 : 0;

        if (!push || zmq_setsockopt(push, ZMQ_LINGER, &linger, sizeof linger) < 0 ||
            zmq_connect(push, crew->endpoint) < 0 || zmq_send(push, i % 2 ? "stays" : "visit", 5, 0) < 0 ||
            (i % 4 == 1 && zmq_disconnect(push, crew->endpoint) < 0))
            went_wrong(crew);
        zmq_close(push);
    }
    return NULL;
}

static void test_visitors(void **state)
{
    static const char *const transports[] = {"tcp", "ipc", "inproc"};
    struct world *world = *state;

    for (size_t t = 0; t < sizeof transports / sizeof *transports; t++) {
        struct crew crew = {.context = world->context};
        void *pull = open_socket(world, ZMQ_PULL);
        int count = 0;

        bind_any(world, pull, transports[t], crew.endpoint);
        start(&crew, THREADS, visit);
        while (count < THREADS * (VISITS / 2)) {
            char text[8];

            recv_str(pull, text, sizeof text);
            count += strcmp(text, "stays") == 0;
        }
        join(&crew);
        close_socket(world, pull);
    }
}

/* Threads bind, unbind, connect and disconnect one and the same socket, while others send through it. */
static void *rearrange(void *arg)
{
    struct crew *crew = arg;

    for (int i = 0; i < VISITS; i++) {
        char endpoint[ENDPOINT_MAX];

        if (zmq_connect(crew->socket[0], crew->endpoint) < 0)
            went_wrong(crew);
        snprintf(endpoint, sizeof endpoint, "inproc://rearranged-%d", atomic_fetch_add(&crew->sent, 1));
        if (zmq_bind(crew->socket[0], endpoint) < 0 || zmq_unbind(crew->socket[0], endpoint) < 0)
            went_wrong(crew);
        zmq_disconnect(crew->socket[0], crew->endpoint); /* another thread may have done it */
    }
    return NULL;
}

static void *send_through(void *arg)
{
    struct crew *crew = arg;

    while (!atomic_load(&crew->stop)) {
        int events;
        size_t size = sizeof events;

        zmq_send(crew->socket[0], "through", 7, ZMQ_DONTWAIT);
        zmq_getsockopt(crew->socket[0], ZMQ_EVENTS, &events, &size);
        zmq_setsockopt(crew->socket[0], ZMQ_SNDHWM, &(int){100}, sizeof(int));
    }
    return NULL;
}

/* The name is the transport's: the socket of the one before may still hold its own, since zmq_close does not wait. */
static void *monitor_it(void *arg)
{
    struct crew *crew = arg;
    char name[64];

    snprintf(name, sizeof name, "inproc://stress-monitor-%.3s", crew->endpoint);
    while (!atomic_load(&crew->stop)) {
        void *pair = option_socket(crew->context, ZMQ_PAIR);
        char text[ENDPOINT_MAX];

        if (zmq_socket_monitor(crew->socket[0], name, ZMQ_EVENT_ALL) < 0 || zmq_connect(pair, name) < 0)
            went_wrong(crew);
        while (zmq_recv(pair, text, sizeof text, ZMQ_DONTWAIT) >= 0)
            continue;
        zmq_close(pair);
    }
    return NULL;
}

static void test_endpoints_change_under_way(void **state)
{
    static const char *const transports[] = {"tcp", "ipc", "inproc"};
    struct world *world = *state;

    for (size_t t = 0; t < sizeof transports / sizeof *transports; t++) {
        struct crew crew = {.context = world->context}, others;
        void *pull = open_socket(world, ZMQ_PULL);
        char text[8];

        bind_any(world, pull, transports[t], crew.endpoint);
        crew.socket[0] = open_socket(world, ZMQ_PUSH);
        others = crew;
        start(&others, 1, send_through);
        start(&others, 1, monitor_it);
        start(&crew, THREADS, rearrange);
        join(&crew);
        atomic_store(&others.stop, true);
        join(&others);
        while (zmq_recv(pull, text, sizeof text, ZMQ_DONTWAIT) >= 0)
            continue;
        close_socket(world, crew.socket[0]);
        close_socket(world, pull);
    }
}

/* --- polling ----------------------------------------------------------------------------------------------------------- */

/* Several threads poll the same two sockets, and take what they find. */
static void *poll_both(void *arg)
{
    struct crew *crew = arg;

    while (atomic_load(&crew->received) < TALK * THREADS) {
        zmq_pollitem_t items[] = {{crew->socket[0], 0, ZMQ_POLLIN, 0}, {crew->socket[1], 0, ZMQ_POLLIN, 0}};
        char text[8];

        if (zmq_poll(items, 2, 20) < 0)
            went_wrong(crew);
        for (int i = 0; i < 2; i++) {
            if (items[i].revents && zmq_recv(crew->socket[i], text, sizeof text, ZMQ_DONTWAIT) >= 0)
                atomic_fetch_add(&crew->received, 1);
        }
    }
    return NULL;
}

static void *talk(void *arg)
{
    struct crew *crew = arg;
    void *push = option_socket(crew->context, ZMQ_PUSH);

    if (zmq_connect(push, crew->endpoint) < 0 || zmq_connect(push, "inproc://poll") < 0)
        went_wrong(crew);
    for (int i = 0; i < TALK; i++) {
        if (zmq_send(push, "talk", 4, 0) < 0)
            went_wrong(crew);
    }
    zmq_setsockopt(push, ZMQ_LINGER, &(int){-1}, sizeof(int));
    zmq_close(push);
    return NULL;
}

static void test_threads_poll(void **state)
{
    struct world *world = *state;
    struct crew crew = {.context = world->context};

    for (int i = 0; i < 2; i++)
        crew.socket[i] = open_socket(world, ZMQ_PULL);
    bind_any(world, crew.socket[0], "tcp", crew.endpoint);
    assert_ok(zmq_bind(crew.socket[1], "inproc://poll"));
    start(&crew, THREADS, talk);
    start(&crew, THREADS, poll_both);
    join(&crew);
    assert_int_equal(atomic_load(&crew.received), TALK * THREADS);
}

/* --- the end ------------------------------------------------------------------------------------------------------------- */

static bool ended(int rc)
{
    return rc < 0 && (errno == ENOTSOCK || errno == ETERM);
}

static void *wait_in_recv(void *arg)
{
    struct crew *crew = arg;

    pthread_barrier_wait(&crew->barrier);
    if (!ended(zmq_recv(crew->socket[1], NULL, 0, 0)))
        went_wrong(crew);
    return NULL;
}

/* Nobody takes it: sooner or later this waits. */
static void *wait_in_send(void *arg)
{
    struct crew *crew = arg;
    int rc;

    pthread_barrier_wait(&crew->barrier);
    do
        rc = zmq_send(crew->socket[0], "x", 1, 0);
    while (rc == 1);
    if (!ended(rc))
        went_wrong(crew);
    return NULL;
}

static void *wait_in_poll(void *arg)
{
    struct crew *crew = arg;
    zmq_pollitem_t items[] = {{crew->socket[1], 0, ZMQ_POLLIN, 0}, {crew->socket[1], 0, ZMQ_POLLIN, 0}};

    pthread_barrier_wait(&crew->barrier);
    if (!ended(zmq_poll(items, 2, DEADLINE_MS)))
        went_wrong(crew);
    return NULL;
}

static void prepare_waiting(struct crew *crew, struct world *world, const char *transport)
{
    crew->socket[0] = option_socket(crew->context, ZMQ_PUSH);
    crew->socket[1] = option_socket(crew->context, ZMQ_PULL);
    assert_non_null(crew->socket[0]);
    assert_non_null(crew->socket[1]);
    if (transport)
        bind_any(world, crew->socket[1], transport, crew->endpoint);
    assert_int_equal(pthread_barrier_init(&crew->barrier, NULL, 3 * 2 + 1), 0);
    start(crew, 2, wait_in_recv);
    start(crew, 2, wait_in_send);
    start(crew, 2, wait_in_poll);
    pthread_barrier_wait(&crew->barrier);
}

static void test_closing_while_others_wait(void **state)
{
    static const char *const transports[] = {"tcp", "ipc", "inproc", NULL};
    struct world *world = *state;

    for (int round = 0; round < ROUNDS; round++) {
        struct crew crew = {.context = world->context};

        prepare_waiting(&crew, world, transports[round % 4]);
        assert_ok(zmq_close(crew.socket[round % 2]));
        assert_ok(zmq_close(crew.socket[1 - round % 2]));
        join(&crew);
        pthread_barrier_destroy(&crew.barrier);
    }
}

static void test_context_ends_while_others_wait(void **state)
{
    static const char *const transports[] = {"tcp", "ipc", "inproc", NULL};

    for (int round = 0; round < ROUNDS; round++) {
        struct crew crew = {.context = zmq_ctx_new()};

        assert_non_null(crew.context);
        prepare_waiting(&crew, *state, transports[round % 4]);
        assert_ok(zmq_ctx_shutdown(crew.context));
        join(&crew);
        pthread_barrier_destroy(&crew.barrier);
        assert_ok(zmq_close(crew.socket[0]));
        assert_ok(zmq_close(crew.socket[1]));
        assert_ok(zmq_ctx_term(crew.context));
    }
}

/* Each thread has a pair of sockets of its own, and talks to itself and to the others until the context ends. */
static void *live(void *arg)
{
    struct crew *crew = arg;
    void *own = option_socket(crew->context, ZMQ_DEALER);
    void *other = option_socket(crew->context, ZMQ_DEALER);
    char text[8];
    int rc = own && other ? 0 : -1;

    pthread_barrier_wait(&crew->barrier);
    if (rc == 0)
        rc = zmq_bind(own, "tcp://127.0.0.1:*");
    if (rc == 0)
        rc = zmq_connect(own, crew->endpoint);
    if (rc == 0)
        rc = zmq_connect(other, crew->endpoint);
    while (rc >= 0) {
        rc = zmq_send(other, "life", 4, 0);
        if (rc >= 0)
            rc = zmq_recv(own, text, sizeof text, ZMQ_DONTWAIT) < 0 && errno == EAGAIN ? 0 : rc;
    }
    if (!ended(rc))
        went_wrong(crew);
    if (own)
        zmq_close(own);
    if (other)
        zmq_close(other);
    return NULL;
}

/* zmq_ctx_term waits for all of them, whatever they are doing. */
static void test_context_ends_in_the_middle(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS / 2; round++) {
        struct crew crew = {.context = zmq_ctx_new()};
        void *hub = option_socket(crew.context, ZMQ_DEALER);
        size_t size = sizeof crew.endpoint;

        assert_non_null(hub);
        assert_ok(zmq_bind(hub, round % 2 ? "tcp://127.0.0.1:*" : "inproc://hub"));
        assert_ok(zmq_getsockopt(hub, ZMQ_LAST_ENDPOINT, crew.endpoint, &size));
        assert_int_equal(pthread_barrier_init(&crew.barrier, NULL, THREADS + 1), 0);
        start(&crew, THREADS, live);
        pthread_barrier_wait(&crew.barrier);
        for (int i = 0; i < round; i++) { /* some rounds end early, some late */
            char text[8];

            assert_returns(zmq_recv(hub, text, sizeof text, 0), 4);
        }
        assert_ok(zmq_close(hub));
        assert_ok(zmq_ctx_term(crew.context));
        join(&crew);
        pthread_barrier_destroy(&crew.barrier);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_threads_share_sockets),      world_test(test_threads_share_secured_sockets),
        world_test(test_subscribers_come_and_go),    world_test(test_visitors),
        world_test(test_endpoints_change_under_way), world_test(test_threads_poll),
        world_test(test_closing_while_others_wait),  world_test(test_context_ends_while_others_wait),
        world_test(test_context_ends_in_the_middle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
