/* SPDX-License-Identifier: ISC */
/* A back end that does what the test says, under a running authenticator: time limits, full queues, late answers, changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

#include "auth/engine.h"

enum { PATIENCE = 30000, REVIEWED = 77 /* the first octet of a key that is never held */ };

/* ---- the back end ---- */

struct auth_backend {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool held;     /* lookups wait */
    int rc;        /* what they say then */
    size_t inside; /* lookups that have begun and not ended */
    int change_fd; /* readable: something changed */
};

static struct auth_backend fake;

static int open_fake(const struct auth_settings *settings, struct auth_backend **backend, const char **error)
{
    (void)settings;
    (void)error;
    *backend = &fake;
    return 0;
}

static void close_fake(struct auth_backend *backend)
{
    assert_int_equal(backend->inside, 0);
}

static int begin(struct auth_backend *backend, struct auth_session **session)
{
    *session = (struct auth_session *)(void *)backend;
    return 0;
}

static void end(struct auth_session *session)
{
    (void)session;
}

static int visit(bool held)
{
    int rc;

    (void)pthread_mutex_lock(&fake.lock);
    fake.inside++;
    (void)pthread_cond_broadcast(&fake.changed);
    while (fake.held && held)
        (void)pthread_cond_wait(&fake.changed, &fake.lock);
    fake.inside--;
    (void)pthread_cond_broadcast(&fake.changed);
    rc = fake.rc;
    (void)pthread_mutex_unlock(&fake.lock);
    return rc;
}

static int find_key(struct auth_session *session, const uint8_t *key, struct auth_record *record)
{
    int rc = visit(key[0] != REVIEWED);

    (void)session;
    (void)snprintf(record->user_id, sizeof(record->user_id), "owner");
    return rc;
}

static int find_user(struct auth_session *session, const char *user, struct auth_record *record)
{
    (void)session;
    (void)user;
    (void)record;
    return -ENOENT;
}

static int check_password(struct auth_session *session, const char *user, const char *password,
                          struct auth_record *record)
{
    (void)password;
    (void)visit(true);
    return find_user(session, user, record);
}

static int watch(struct auth_session *session, int stop_fd)
{
    struct pollfd items[2] = {{.fd = stop_fd, .events = POLLIN}, {.fd = fake.change_fd, .events = POLLIN}};
    uint64_t count;

    (void)session;
    while (poll(items, 2, -1) < 0 && errno == EINTR)
        continue;
    if (items[0].revents)
        return 0;
    return read(fake.change_fd, &count, sizeof(count)) > 0 ? 1 : -EAGAIN;
}

static const struct auth_backend_ops ops = {.scheme = "fake",
                                            .open = open_fake,
                                            .close = close_fake,
                                            .begin = begin,
                                            .end = end,
                                            .find_key = find_key,
                                            .find_user = find_user,
                                            .check_password = check_password,
                                            .watch = watch};

static void hold(bool held, int rc)
{
    (void)pthread_mutex_lock(&fake.lock);
    fake.held = held;
    fake.rc = rc;
    (void)pthread_cond_broadcast(&fake.changed);
    (void)pthread_mutex_unlock(&fake.lock);
}

/* Until as many lookups are under way. */
static void await_inside(size_t count)
{
    (void)pthread_mutex_lock(&fake.lock);
    while (fake.inside != count)
        (void)pthread_cond_wait(&fake.changed, &fake.lock);
    (void)pthread_mutex_unlock(&fake.lock);
}

static bool is_inside(void)
{
    bool inside;

    (void)pthread_mutex_lock(&fake.lock);
    inside = fake.inside > 0;
    (void)pthread_mutex_unlock(&fake.lock);
    return inside;
}

/* ---- the authenticator ---- */

struct world {
    void *context;
    ironauth_t *auth;
    struct auth_source *source;
};

/* On the authenticator's thread. */
static void add(struct ironauth *auth, void *pool)
{
    auth->lists.lists = calloc(1, sizeof(struct auth_list));
    assert_non_null(auth->lists.lists);
    auth->lists.lists[0] = (struct auth_list){.domain = "fake", .pool = pool};
    auth->lists.count = 1;
    auth_engine_add_source(auth, auth_pool_source(pool));
}

static void start_sessions(struct world *world, int timeout, int fresh, int sessions)
{
    struct auth_settings settings = {.name = "fake", .url = "fake:", .timeout = timeout, .sessions = sessions};
    struct auth_pool *pool;
    const char *why;

    world->auth = ironauth_start(world->context, NULL);
    assert_non_null(world->auth);
    assert_int_equal(auth_pool_open(&pool, &ops, &settings, fresh, &world->auth->mailbox, &why), 0);
    world->source = auth_pool_source(pool);
    auth_engine_call(world->auth, add, pool);
}

static void start(struct world *world, int timeout, int fresh)
{
    start_sessions(world, timeout, fresh, 1);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    world->context = zmq_ctx_new();
    assert_int_equal(pthread_mutex_init(&fake.lock, NULL), 0);
    assert_int_equal(pthread_cond_init(&fake.changed, NULL), 0);
    fake.change_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_true(fake.change_fd >= 0);
    fake.inside = 0;
    hold(false, 0);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    hold(false, 0);
    ironauth_stop(&world->auth);
    (void)zmq_ctx_term(world->context);
    (void)close(fake.change_fd);
    (void)pthread_cond_destroy(&fake.changed);
    (void)pthread_mutex_destroy(&fake.lock);
    free(world);
    return 0;
}

static const uint8_t key[AUTH_KEY_SIZE] = {1};

static int check(struct world *world)
{
    ironauth_verdict_t verdict;

    assert_int_equal(ironauth_check(world->auth,
                                    &(ironauth_request_t){.domain = "fake", .mechanism = "CURVE", .key = key},
                                    &verdict),
                     0);
    return verdict.status;
}

static void get_changes(struct ironauth *auth, void *arg)
{
    (void)auth;
    *(uint64_t *)arg = auth_pool_source(auth->lists.lists[0].pool)->changes;
}

static uint64_t changes(struct world *world)
{
    uint64_t count;

    auth_engine_call(world->auth, get_changes, &count);
    return count;
}

/* The back end changes, and the authenticator has noticed. */
static void change(struct world *world)
{
    uint64_t one = 1, before = changes(world);

    assert_int_equal(write(fake.change_fd, &one, sizeof(one)), sizeof(one));
    while (changes(world) == before)
        (void)sched_yield();
}

/* ---- tests ---- */

static void test_errors(void **state)
{
    static const struct {
        int rc, status;
    } cases[] = {{0, 200},        {-ENOENT, 400}, {-EACCES, 400}, {-EAGAIN, 300},
                 {-EBADMSG, 500}, {-EINVAL, 500}, {-ENOMEM, 300}, {-ENOTSUP, 500}};
    struct world *world = *state;

    start(world, PATIENCE, 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        hold(false, cases[i].rc);
        assert_int_equal(check(world), cases[i].status);
    }
}

/* A lookup that takes too long is answered all the same, and its late yes is remembered. */
static void test_deadline(void **state)
{
    struct world *world = *state;

    start(world, 50, 600);
    hold(true, 0);
    assert_int_equal(check(world), 300); /* the back end has not said anything */
    hold(false, 0);
    while (check(world) != 200) /* it may be slow by itself */
        continue;
    hold(true, 0);
    assert_int_equal(check(world), 200);
    hold(false, -EACCES);
    while (check(world) != 400)
        continue;
    hold(true, 0);
    assert_int_equal(check(world), 300); /* it said something else since */
}

/* What was on its way when something changed is no yes of today. */
static void test_late_and_stale(void **state)
{
    struct world *world = *state;

    start(world, 50, 600);
    hold(true, 0);
    do
        assert_int_equal(check(world), 300);
    while (!is_inside()); /* where the worker was too slow even to begin */
    change(world);
    hold(false, 0); /* yes, but of before */
    await_inside(0);
    hold(true, 0);
    assert_int_equal(check(world), 300);
}

/* What is remembered goes with a change. */
static void test_change_clears(void **state)
{
    struct world *world = *state;

    start(world, PATIENCE, 600);
    assert_int_equal(check(world), 200);
    hold(false, -EAGAIN);
    assert_int_equal(check(world), 200);
    change(world);
    assert_int_equal(check(world), 300);
}

static void send_request(void *socket)
{
    static const char *const frames[] = {"", "1.0", "id", "fake", "127.0.0.1", "", "CURVE"};

    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
        assert_true(zmq_send(socket, frames[i], strlen(frames[i]), ZMQ_SNDMORE) >= 0);
    assert_int_equal(zmq_send(socket, key, sizeof(key), 0), sizeof(key));
}

static int recv_status(void *socket)
{
    char frame[1200];
    int status = 0;

    for (int i = 0; i < 7; i++) {
        int size = zmq_recv(socket, frame, sizeof(frame) - 1, 0);

        assert_true(size >= 0);
        frame[size] = '\0';
        if (i == 3)
            status = atoi(frame);
    }
    return status;
}

static void *open_zap(struct world *world)
{
    int patience = PATIENCE, unlimited = 0, zero = 0;
    void *socket = zmq_socket(world->context, ZMQ_DEALER);

    assert_non_null(socket);
    assert_int_equal(zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(zmq_setsockopt(socket, ZMQ_SNDHWM, &unlimited, sizeof(unlimited)), 0);
    assert_int_equal(zmq_setsockopt(socket, ZMQ_RCVHWM, &unlimited, sizeof(unlimited)), 0);
    assert_int_equal(zmq_setsockopt(socket, ZMQ_LINGER, &zero, sizeof(zero)), 0);
    assert_int_equal(zmq_connect(socket, AUTH_ENDPOINT), 0);
    return socket;
}

/* More than may wait are answered at once; the others when it is their turn. */
static void test_full(void **state)
{
    enum { MORE = 50 };
    struct world *world = *state;
    void *socket;

    start(world, 10 * PATIENCE, 0);
    socket = open_zap(world);
    hold(true, 0);
    send_request(socket);
    await_inside(1);
    for (int i = 0; i < AUTH_POOL_QUEUE + MORE; i++)
        send_request(socket);
    for (int i = 0; i < MORE; i++)
        assert_int_equal(recv_status(socket), 300);
    hold(false, 0);
    for (int i = 0; i < AUTH_POOL_QUEUE + 1; i++)
        assert_int_equal(recv_status(socket), 200);
    assert_int_equal(zmq_close(socket), 0);
}

/* The next task of the pool's that has ended. */
static struct auth_task *await_task(struct auth_mailbox *mailbox)
{
    struct pollfd item = {.fd = mailbox->fd, .events = POLLIN};
    struct auth_mail *mail;

    while (!(mail = auth_mailbox_take(mailbox)))
        assert_int_equal(poll(&item, 1, PATIENCE), 1);
    return AUTH_LIST_OF(mail, struct auth_task, mail);
}

/* Passwords that strangers try put off neither reviews nor keys, and do not take their places. */
static void test_passwords_go_last(void **state)
{
    enum { TASKS = AUTH_POOL_QUEUE + 4 };
    const struct auth_settings settings = {.name = "fake", .url = "fake:", .timeout = PATIENCE, .sessions = 1};
    struct auth_task *tasks = calloc(TASKS, sizeof(*tasks)), *review = &tasks[0], *wanted = &tasks[1];
    struct auth_mailbox mailbox;
    struct auth_source *source;
    struct auth_pool *pool;
    const char *why;

    (void)state;
    assert_non_null(tasks);
    assert_int_equal(auth_mailbox_init(&mailbox), 0);
    assert_int_equal(auth_pool_open(&pool, &ops, &settings, 0, &mailbox, &why), 0);
    source = auth_pool_source(pool);
    for (int i = 0; i < TASKS; i++) {
        auth_mail_init(&tasks[i].mail, NULL);
        auth_list_init(&tasks[i].queue);
        tasks[i].request.mechanism = i < 2 ? AUTH_MECHANISM_CURVE : AUTH_MECHANISM_PLAIN;
    }
    review->request.review = true;
    hold(true, 0);
    assert_int_equal(source->ops->submit(source, &tasks[2]), 0);
    await_inside(1);
    for (int i = 3; i < TASKS - 1; i++)
        assert_int_equal(source->ops->submit(source, &tasks[i]), 0);
    assert_int_equal(source->ops->submit(source, &tasks[TASKS - 1]), -EAGAIN);
    assert_int_equal(source->ops->submit(source, wanted), 0);
    assert_int_equal(source->ops->submit(source, review), 0);
    hold(false, 0);
    assert_ptr_equal(await_task(&mailbox), &tasks[2]);
    assert_ptr_equal(await_task(&mailbox), review);
    assert_ptr_equal(await_task(&mailbox), wanted);
    for (int i = 3; i < TASKS - 1; i++)
        assert_ptr_equal(await_task(&mailbox), &tasks[i]);
    auth_pool_stop(pool);
    auth_pool_free(pool);
    auth_mailbox_fini(&mailbox);
    free(tasks);
}

/* ---- a review ---- */

struct review {
    struct auth_decision decision;
    bool done; /* under fake's lock */
};

static void reviewed(struct ironauth *auth, struct auth_decision *decision)
{
    struct review *review = AUTH_LIST_OF(decision, struct review, decision);

    (void)auth;
    (void)pthread_mutex_lock(&fake.lock);
    review->done = true;
    (void)pthread_cond_broadcast(&fake.changed);
    (void)pthread_mutex_unlock(&fake.lock);
}

static void start_review(struct ironauth *auth, void *arg)
{
    struct review *review = arg;

    review->decision.caller = AUTH_CALLER_CHECK;
    review->decision.done = reviewed;
    review->decision.request.mechanism = AUTH_MECHANISM_CURVE;
    review->decision.request.review = true;
    review->decision.request.key[0] = REVIEWED;
    (void)snprintf(review->decision.request.domain, AUTH_TEXT_MAX, "fake");
    auth_decision_start(auth, &review->decision);
}

/* Lookups that take long, as many as there are workers and more, do not put off a review. */
static void test_review_goes_first(void **state)
{
    struct world *world = *state;
    struct review review = {.done = false};
    void *socket;

    start_sessions(world, 10 * PATIENCE, 0, 3);
    socket = open_zap(world);
    hold(true, 0);
    for (int i = 0; i < 5; i++)
        send_request(socket);
    await_inside(2);
    auth_engine_call(world->auth, start_review, &review);
    (void)pthread_mutex_lock(&fake.lock);
    while (!review.done)
        (void)pthread_cond_wait(&fake.changed, &fake.lock);
    (void)pthread_mutex_unlock(&fake.lock);
    assert_int_equal(review.decision.verdict.status, 200);
    hold(false, 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(recv_status(socket), 200);
    assert_int_equal(zmq_close(socket), 0);
}

#define POOL_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        POOL_TEST(test_errors),
        POOL_TEST(test_deadline),
        POOL_TEST(test_late_and_stale),
        POOL_TEST(test_change_clears),
        POOL_TEST(test_full),
        POOL_TEST(test_review_goes_first),
        POOL_TEST(test_passwords_go_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
