/* SPDX-License-Identifier: ISC */
/* The end: of the authenticator, of the context, in either order, with requests under way, from any thread. A test that
 * hangs has failed. */
#include "world.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define OPEN "domain\n    name = open\n    null = everyone\n"

/* A directory server that never says anything: whoever asks it waits for the time limit. */
struct mute {
    int fd;
    unsigned port;
};

static struct mute mute;

static int open_mute(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    mute.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(mute.fd >= 0);
    assert_int_equal(bind(mute.fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(mute.fd, 64), 0);
    assert_int_equal(getsockname(mute.fd, (struct sockaddr *)&address, &size), 0);
    mute.port = ntohs(address.sin_port);
    return world_setup(state);
}

static int close_mute(void **state)
{
    int rc = world_teardown(state);

    (void)close(mute.fd);
    return rc;
}

/* An authenticator whose back end does not answer within ten seconds, and one for whom it does not matter. */
static void start_slow(struct world *world)
{
    char text[1024];

    (void)snprintf(text, sizeof(text),
                   "backend\n    name = slow\n    url = \"postgresql://nobody@127.0.0.1:%u/none\"\n    timeout = 1000\n"
                   "    sessions = 2\ndomain\n    name = slow\n    curve = slow\n    plain = slow\n" OPEN,
                   mute.port);
    start(world, text);
}

static void ask_slowly(struct world *world, void *socket, int count)
{
    static const uint8_t key[32] = {7};
    struct frames frames;

    (void)world;
    for (int i = 0; i < count; i++) {
        zap_request(&frames, "1", "slow", "CURVE", key, NULL);
        send_frames(socket, &frames);
    }
}

static void test_slow_one_delays_nobody(void **state)
{
    struct world *world = *state;
    struct frames frames;
    void *socket;

    start_slow(world);
    socket = open_zap(world);
    ask_slowly(world, socket, 50);
    zap_request(&frames, "fast", "open", "NULL", NULL, NULL);
    send_frames(socket, &frames);
    recv_frames(socket, &frames); /* it overtakes them all */
    assert_true(frame_is(&frames, 2, "fast") && frame_is(&frames, 3, "200"));
    for (int i = 0; i < 50; i++) { /* which are answered in time, long before a back end with two sessions could */
        recv_frames(socket, &frames);
        assert_true(frame_is(&frames, 2, "1") && frame_is(&frames, 3, "300"));
    }
}

static void test_check_of_slow_one(void **state)
{
    static const uint8_t key[32] = {7};
    struct world *world = *state;

    start_slow(world);
    assert_int_equal(check_curve(world, "slow", key), 300);
    assert_int_equal(check_plain(world, "slow", "alice", "secret"), 300);
}

static void test_stop_then_term(void **state)
{
    struct world *world = *state;

    start_slow(world);
    ask_slowly(world, open_zap(world), 100);
    ironauth_stop(&world->auth);
    assert_null(world->auth);
    ironauth_stop(&world->auth); /* nothing */
    ironauth_stop(NULL);
}

static void close_all(struct world *world)
{
    while (world->count)
        assert_int_equal(zmq_close(world->sockets[--world->count]), 0);
}

static void test_term_then_stop(void **state)
{
    struct world *world = *state;

    start_slow(world);
    ask_slowly(world, open_zap(world), 100);
    close_all(world);
    assert_int_equal(zmq_ctx_term(world->context), 0);
    world->context = NULL;
    /* It still knows who would get in. */
    assert_int_equal(check_null(world, "open", "127.0.0.1"), 200);
    assert_int_equal(ironauth_reload(world->auth), 0);
    assert_int_equal(check_null(world, "other", "127.0.0.1"), 400);
}

static void test_shutdown_then_stop(void **state)
{
    struct world *world = *state;

    start_slow(world);
    ask_slowly(world, open_zap(world), 100);
    assert_int_equal(zmq_ctx_shutdown(world->context), 0);
    assert_int_equal(check_null(world, "open", "127.0.0.1"), 200);
    ironauth_stop(&world->auth);
}

/* Its sockets are closed by the test's end, in another thread's term. */
static void *terminate(void *context)
{
    assert_int_equal(zmq_ctx_term(context), 0);
    return NULL;
}

static void test_term_while_stopping(void **state)
{
    struct world *world = *state;
    pthread_t thread;

    start_slow(world);
    ask_slowly(world, open_zap(world), 100);
    close_all(world);
    assert_int_equal(pthread_create(&thread, NULL, terminate, world->context), 0);
    ironauth_stop(&world->auth);
    assert_int_equal(pthread_join(thread, NULL), 0);
    world->context = NULL;
}

/* Checks that are under way when it is stopped end, and say so or say "temporary". */
struct checker {
    ironauth_t *auth;
    void *ready; /* inproc: says when it has begun */
    int rc, error;
    ironauth_verdict_t verdict;
};

static void *check_slowly(void *arg)
{
    static const uint8_t key[32] = {7};
    struct checker *checker = arg;

    put_text(checker->ready, "here");
    checker->rc = ironauth_check(
        checker->auth, &(ironauth_request_t){.domain = "slow", .mechanism = "CURVE", .key = key}, &checker->verdict);
    checker->error = errno;
    return NULL;
}

static void test_stop_with_checks(void **state)
{
    enum { COUNT = 4 };
    struct world *world = *state;
    struct checker checkers[COUNT];
    pthread_t threads[COUNT];
    void *ready = open_socket(world, ZMQ_PULL);

    start_slow(world);
    assert_int_equal(zmq_bind(ready, "inproc://ready"), 0);
    for (int i = 0; i < COUNT; i++) {
        checkers[i] = (struct checker){.auth = world->auth, .ready = open_socket(world, ZMQ_PUSH)};
        assert_int_equal(zmq_connect(checkers[i].ready, "inproc://ready"), 0);
        assert_int_equal(pthread_create(&threads[i], NULL, check_slowly, &checkers[i]), 0);
    }
    /* A call after the stop would be the program's mistake, so they are given the time to begin. */
    for (int i = 0; i < COUNT; i++)
        expect_text(ready, "here");
    assert_int_equal(check_null(world, "open", "127.0.0.1"), 200);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(checkers[i].rc, 0);
        assert_int_equal(checkers[i].verdict.status, 300);
    }
    ironauth_stop(&world->auth);
}

static void test_reload_with_requests(void **state)
{
    struct world *world = *state;
    struct frames frames;
    void *socket;

    start_slow(world);
    socket = open_zap(world);
    ask_slowly(world, socket, 20);
    configure(world, "domain\n    name = slow\n    curve = everyone\n");
    assert_int_equal(ironauth_reload(world->auth), 0);
    for (int i = 0; i < 20; i++) { /* by the new configuration, since the old one had not decided */
        recv_frames(socket, &frames);
        assert_true(frame_is(&frames, 3, "200"));
    }
}

static void test_again_and_again(void **state)
{
    struct world *world = *state;

    for (int i = 0; i < 20; i++) {
        start(world, OPEN);
        assert_int_equal(check_null(world, "open", "127.0.0.1"), 200);
        ironauth_stop(&world->auth);
    }
}

#define MUTE_TEST(name) cmocka_unit_test_setup_teardown(name, open_mute, close_mute)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MUTE_TEST(test_slow_one_delays_nobody), MUTE_TEST(test_check_of_slow_one),
        MUTE_TEST(test_stop_then_term),         MUTE_TEST(test_term_then_stop),
        MUTE_TEST(test_shutdown_then_stop),     MUTE_TEST(test_term_while_stopping),
        MUTE_TEST(test_stop_with_checks),       MUTE_TEST(test_reload_with_requests),
        WORLD_TEST(test_again_and_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
