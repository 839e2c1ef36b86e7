/* SPDX-License-Identifier: ISC */
/* The suite: a store that changes, is damaged, goes away, and comes back. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "conformance_parts.h"

/* ---- two sessions ---- */

/* A session of its own in a thread of its own. cmocka's assertions belong to the main thread: mistakes are counted. */
struct reader {
    struct conformance *subject;
    pthread_t thread;
    uint8_t always[AUTH_KEY_SIZE], sometimes[AUTH_KEY_SIZE], never[AUTH_KEY_SIZE];
    atomic_uint rounds;
    atomic_bool stop;
    atomic_int wrong; /* the first answer that may not be */
};

static void expect(struct reader *reader, int rc, int one, int other)
{
    int none = 0;

    if (rc != one && rc != other)
        (void)atomic_compare_exchange_strong(&reader->wrong, &none, rc ? rc : 1);
}

static void *read_on(void *arg)
{
    struct reader *reader = arg;
    const struct auth_backend_ops *ops = reader->subject->ops;
    struct auth_session *session;
    struct auth_record record;

    if (ops->begin(reader->subject->backend, &session) != 0) {
        reader->wrong = 1;
        reader->rounds = 1;
        return NULL;
    }
    while (!reader->stop) {
        expect(reader, ops->find_key(session, reader->always, &record), 0, 0);
        expect(reader, ops->find_key(session, reader->never, &record), -ENOENT, -ENOENT);
        expect(reader, ops->find_key(session, reader->sometimes, &record), 0, -ENOENT);
        expect(reader, ops->check_password(session, "alice", "sesame", &record), 0, 0);
        expect(reader, ops->check_password(session, "bob", "wrong", &record), -EACCES, -ENOENT);
        reader->rounds++;
    }
    ops->end(session);
    return NULL;
}

void test_two_sessions_see_every_change(void **state)
{
    struct conformance *subject = *state;
    struct reader reader = {.subject = subject};
    struct auth_record record;

    make_key(reader.always);
    make_key(reader.sometimes);
    make_key(reader.never);
    put_key(subject, reader.always, "alice");
    put_user(subject, "alice", "sesame");
    assert_int_equal(pthread_create(&reader.thread, NULL, read_on, &reader), 0);
    for (unsigned i = 0; i < 20; i++) {
        unsigned rounds = reader.rounds;

        put_key(subject, reader.sometimes, "carol");
        put_user(subject, "bob", "other");
        assert_int_equal(find_key(subject, reader.sometimes, &record), 0);
        while (reader.rounds == rounds)
            (void)sched_yield();
        take_key(subject, reader.sometimes);
        take_user(subject, "bob");
        assert_int_equal(find_key(subject, reader.sometimes, &record), -ENOENT);
        assert_int_equal(check(subject, "bob", "other"), -ENOENT);
    }
    reader.stop = true;
    assert_int_equal(pthread_join(reader.thread, NULL), 0);
    assert_int_equal(reader.wrong, 0);
}

/* ---- watching ---- */

/* Watches in a thread of its own, as the authenticator does, and tells the test what it saw. */
struct watcher {
    struct conformance *subject;
    pthread_t thread;
    int stop[2];
    pthread_mutex_t lock; /* for all below */
    pthread_cond_t news;
    unsigned changes, absences;
    int last; /* what watch returned at last; 2: nothing yet */
};

static void note(struct watcher *watcher, int rc)
{
    (void)pthread_mutex_lock(&watcher->lock);
    watcher->changes += rc == 1;
    watcher->absences += rc == -EAGAIN;
    watcher->last = rc;
    (void)pthread_cond_broadcast(&watcher->news);
    (void)pthread_mutex_unlock(&watcher->lock);
}

static void *watch_on(void *arg)
{
    struct watcher *watcher = arg;
    const struct auth_backend_ops *ops = watcher->subject->ops;
    struct auth_session *session;
    int rc = ops->begin(watcher->subject->backend, &session);

    if (rc) {
        note(watcher, rc);
        return NULL;
    }
    do {
        rc = ops->watch(session, watcher->stop[0]);
        note(watcher, rc);
    } while (rc == 1 || rc == -EAGAIN);
    ops->end(session);
    return NULL;
}

static void start_watching(struct watcher *watcher, struct conformance *subject)
{
    *watcher = (struct watcher){.subject = subject, .last = 2};
    assert_int_equal(pipe(watcher->stop), 0);
    assert_int_equal(pthread_mutex_init(&watcher->lock, NULL), 0);
    assert_int_equal(pthread_cond_init(&watcher->news, NULL), 0);
    assert_int_equal(pthread_create(&watcher->thread, NULL, watch_on, watcher), 0);
}

static void stop_watching(struct watcher *watcher)
{
    assert_int_equal(close(watcher->stop[1]), 0);
    assert_int_equal(pthread_join(watcher->thread, NULL), 0);
    assert_int_equal(watcher->last, 0);
    assert_int_equal(close(watcher->stop[0]), 0);
    (void)pthread_cond_destroy(&watcher->news);
    (void)pthread_mutex_destroy(&watcher->lock);
}

static unsigned count_changes(struct watcher *watcher)
{
    unsigned changes;

    (void)pthread_mutex_lock(&watcher->lock);
    changes = watcher->changes;
    (void)pthread_mutex_unlock(&watcher->lock);
    return changes;
}

/* Waits for more than these. */
static void await_change(struct watcher *watcher, unsigned changes)
{
    (void)pthread_mutex_lock(&watcher->lock);
    while (watcher->changes == changes)
        (void)pthread_cond_wait(&watcher->news, &watcher->lock);
    (void)pthread_mutex_unlock(&watcher->lock);
}

static void await_absence(struct watcher *watcher)
{
    (void)pthread_mutex_lock(&watcher->lock);
    while (watcher->absences == 0)
        (void)pthread_cond_wait(&watcher->news, &watcher->lock);
    (void)pthread_mutex_unlock(&watcher->lock);
}

static void change(struct conformance *subject, unsigned step, const uint8_t *key)
{
    if (step == 0)
        put_key(subject, key, "carol");
    else if (step == 1)
        put_user(subject, "alice", "sesame");
    else if (step == 2)
        put_password(subject, "alice", "new");
    else if (step == 3)
        take_key(subject, key);
    else
        take_user(subject, "alice");
}

void test_watch_sees_changes(void **state)
{
    struct conformance *subject = *state;
    uint8_t key[AUTH_KEY_SIZE];

    make_key(key);
    for (unsigned step = 0; step < 5; step++) {
        struct watcher watcher;

        start_watching(&watcher, subject);
        await_change(&watcher, 0);
        change(subject, step, key);
        await_change(&watcher, 1);
        stop_watching(&watcher);
    }
}

/* A watch that begins anew for each of two ends says 1 once each, and ends without a change. */
void test_watch_stops(void **state)
{
    struct conformance *subject = *state;

    for (int i = 0; i < 2; i++) {
        struct watcher watcher;

        start_watching(&watcher, subject);
        await_change(&watcher, 0);
        stop_watching(&watcher);
        assert_int_equal(watcher.changes, 1);
        assert_int_equal(watcher.absences, 0);
    }
}

/* ---- damage ---- */

void test_damage_lets_nobody_in(void **state)
{
    struct conformance *subject = *state;
    struct auth_record record;
    uint8_t keys[2][AUTH_KEY_SIZE];

    if (!subject->damage_user && !subject->damage_key)
        skip();
    make_key(keys[0]);
    make_key(keys[1]);
    put_user(subject, "alice", "sesame");
    put_user(subject, "bob", "other");
    put_key(subject, keys[0], "alice");
    put_key(subject, keys[1], "bob");
    if (subject->damage_user) {
        subject->damage_user(subject, "alice");
        assert_int_equal(check(subject, "alice", "sesame"), -EBADMSG);
        assert_int_equal(check(subject, "alice", ""), -EBADMSG);
        assert_int_equal(find_user(subject, "alice", &record), -EBADMSG);
        assert_int_equal(check(subject, "bob", "other"), 0);
    }
    if (subject->damage_key) {
        subject->damage_key(subject, keys[0]);
        assert_int_equal(find_key(subject, keys[0], &record), -EBADMSG);
        assert_int_equal(find_key(subject, keys[1], &record), 0);
    }
}

/* ---- away ---- */

static void expect_away(struct conformance *subject, const uint8_t *key)
{
    struct auth_record record;

    assert_int_equal(find_key(subject, key, &record), -EAGAIN);
    assert_int_equal(find_user(subject, "alice", &record), -EAGAIN);
    assert_int_equal(check(subject, "alice", "sesame"), -EAGAIN);
    assert_int_equal(check(subject, "alice", "wrong"), -EAGAIN);
    assert_int_equal(check(subject, "nobody", "wrong"), -EAGAIN);
}

/* A server that comes back may need a moment: only the first answer that is one counts. */
static int find_key_at_last(struct conformance *subject, const uint8_t *key, struct auth_record *record)
{
    int rc;

    do {
        rc = find_key(subject, key, record);
        if (rc == -EAGAIN)
            (void)sched_yield();
    } while (rc == -EAGAIN);
    return rc;
}

static void expect_back(struct conformance *subject, const uint8_t *key)
{
    struct auth_record record;
    uint8_t unknown[AUTH_KEY_SIZE];

    make_key(unknown);
    assert_int_equal(find_key_at_last(subject, key, &record), 0);
    assert_string_equal(record.user_id, "alice");
    assert_int_equal(find_key_at_last(subject, unknown, &record), -ENOENT);
    assert_int_equal(check(subject, "alice", "sesame"), 0);
    assert_int_equal(check(subject, "alice", "wrong"), -EACCES);
    assert_int_equal(check(subject, "nobody", "wrong"), -ENOENT);
}

static void fill_for_absence(struct conformance *subject, uint8_t *key)
{
    make_key(key);
    put_user(subject, "alice", "sesame");
    put_key(subject, key, "alice");
}

void test_away_is_not_empty(void **state)
{
    struct conformance *subject = *state;
    uint8_t key[AUTH_KEY_SIZE];

    fill_for_absence(subject, key);
    for (int i = 0; i < 2; i++) {
        expect_back(subject, key);
        subject->away(subject);
        expect_away(subject, key);
        subject->back(subject);
    }
    expect_back(subject, key);
}

void test_begun_while_away(void **state)
{
    struct conformance *subject = *state;
    uint8_t key[AUTH_KEY_SIZE];

    fill_for_absence(subject, key);
    close_backend(subject);
    subject->away(subject);
    open_backend(subject);
    expect_away(subject, key);
    subject->back(subject);
    expect_back(subject, key);
}

void test_watch_outlives_an_absence(void **state)
{
    struct conformance *subject = *state;
    struct watcher watcher;
    uint8_t key[AUTH_KEY_SIZE];
    unsigned changes;

    fill_for_absence(subject, key);
    start_watching(&watcher, subject);
    await_change(&watcher, 0);
    subject->away(subject);
    await_absence(&watcher);
    changes = count_changes(&watcher);
    subject->back(subject);
    await_change(&watcher, changes);
    changes = count_changes(&watcher);
    expect_back(subject, key);
    take_key(subject, key);
    await_change(&watcher, changes);
    stop_watching(&watcher);
}

/* It is there and says nothing: every call ends by its time limit. */
void test_slow_is_away(void **state)
{
    struct conformance *subject = *state;
    uint8_t key[AUTH_KEY_SIZE];

    if (!subject->slow)
        skip();
    fill_for_absence(subject, key);
    expect_back(subject, key);
    close_backend(subject);
    subject->timeout = 200;
    open_backend(subject);
    subject->slow(subject);
    expect_away(subject, key);
    subject->quick(subject);
    subject->timeout = 0;
    close_backend(subject);
    open_backend(subject);
    expect_back(subject, key);
}
