/* SPDX-License-Identifier: ISC */
/* ironhouse.h: a ZAP handler looks at what it let in, and takes its word back. */
#include "hostile.h"

#include <errno.h>
#include <ironhouse.h>
#include <string.h>

enum { ROOM = 16, CROWD = 12 };

/* What a review showed. */
struct shown {
    uint64_t ids[ROOM];
    char users[ROOM][16];
    char grants[ROOM][16];
    char addresses[ROOM][32];
    size_t count;
};

static void copy(char *to, size_t room, const char *text)
{
    assert_non_null(text);
    assert_true(strlen(text) < room);
    memcpy(to, text, strlen(text) + 1);
}

static void show(void *arg, uint64_t id, const ironhouse_connection_t *connection)
{
    struct shown *shown = arg;
    const size_t i = shown->count++;

    assert_true(i < ROOM);
    assert_null(ironhouse_property(connection, "nothing"));
    shown->ids[i] = id;
    copy(shown->users[i], sizeof shown->users[i], ironhouse_property(connection, "User-Id"));
    copy(shown->grants[i], sizeof shown->grants[i], ironhouse_property(connection, "Grant"));
    copy(shown->addresses[i], sizeof shown->addresses[i], ironhouse_property(connection, "Peer-Address"));
}

static struct shown review(struct world *world, size_t count)
{
    struct shown shown = {.count = 0};

    assert_int_equal(ironhouse_connections(world->context, show, &shown), count);
    assert_int_equal(shown.count, count);
    return shown;
}

static size_t find_user(const struct shown *shown, const char *user)
{
    size_t i = 0;

    while (i < shown->count && strcmp(shown->users[i], user) != 0)
        i++;
    assert_true(i < shown->count);
    return i;
}

/* Lets the next one in, with the metadata property Grant = "pass". */
static void admit(void *handler, const char *user)
{
    static const char metadata[] = "\5Grant\0\0\0\4pass";
    struct zap_request request;

    zap_receive(handler, &request);
    zap_reply(handler, &request, "200", user, metadata, sizeof metadata - 1);
}

/* A client of this user that has sent "hello", which the server has not read. */
static void *enter(struct world *world, const struct zap_pair *pair, void *handler, int mechanism, const char *user)
{
    void *client = open_socket(world, ZMQ_PUSH);

    secure_client(client, mechanism);
    set_int(client, ZMQ_RECONNECT_IVL, 1);
    assert_ok(zmq_connect(client, pair->endpoint));
    admit(handler, user);
    assert_int_equal(await_event(pair->server_monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED).kind,
                     ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    send_str(client, "hello");
    await_ready(pair->server, ZMQ_POLLIN);
    return client;
}

static void one_is_closed_the_other_stays(struct world *world, int mechanism)
{
    void *handler = open_handler(world);
    struct zap_pair pair = open_zap_pair(world, mechanism, ZMQ_PULL, ZMQ_PUSH);
    struct shown shown;
    struct zap_request request;
    void *alice;

    review(world, 0);
    alice = enter(world, &pair, handler, mechanism, "alice");
    expect_str(pair.server, "hello");
    (void)enter(world, &pair, handler, mechanism, "bob"); /* his word is read by the library, not by the program */
    shown = review(world, 2);
    assert_true(shown.ids[0] != shown.ids[1]);
    for (size_t i = 0; i < shown.count; i++) {
        assert_string_equal(shown.grants[i], "pass");
        assert_string_equal(shown.addresses[i], "127.0.0.1");
    }

    assert_int_equal(ironhouse_close(world->context, &shown.ids[find_user(&shown, "bob")], 1), 1);
    assert_int_equal(await_event(pair.server_monitor, ZMQ_EVENT_DISCONNECTED).kind, ZMQ_EVENT_DISCONNECTED);
    expect_str(pair.server, "hello");
    zap_receive(handler, &request); /* he comes back, and is asked about */
    zap_reply(handler, &request, "400", "", NULL, 0);
    send_str(alice, "still here");
    expect_str(pair.server, "still here");

    assert_int_equal(ironhouse_close(world->context, shown.ids, shown.count), 1); /* one of them is gone */
    assert_int_equal(await_event(pair.server_monitor, ZMQ_EVENT_DISCONNECTED).kind, ZMQ_EVENT_DISCONNECTED);
    review(world, 0);
}

static void test_null(void **state)
{
    one_is_closed_the_other_stays(*state, ZMQ_NULL);
}

static void test_plain(void **state)
{
    one_is_closed_the_other_stays(*state, ZMQ_PLAIN);
}

static void test_curve(void **state)
{
    one_is_closed_the_other_stays(*state, ZMQ_CURVE);
}

/* The answer to what was asked before a review counts no more. */
static void test_open_questions_are_asked_anew(void **state)
{
    struct world *world = *state;
    void *handler = open_handler(world);
    struct zap_pair pair = open_zap_pair(world, ZMQ_CURVE, ZMQ_PULL, ZMQ_PUSH);
    struct zap_request early, late;

    assert_ok(zmq_connect(pair.client, pair.endpoint));
    zap_receive(handler, &early);
    review(world, 0);
    zap_receive(handler, &late);
    assert_int_equal(early.count, late.count);
    assert_memory_equal(early.frames[ZAP_CREDENTIALS], late.frames[ZAP_CREDENTIALS], 32);
    zap_reply(handler, &early, "200", "early", NULL, 0);
    zap_reply(handler, &late, "400", "", NULL, 0);
    assert_int_equal(next_outcome(pair.server_monitor).kind, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
    review(world, 0);
}

/* Clients of a crowd all come back after they were closed at once, and are asked about. */
static void test_a_crowd(void **state)
{
    struct world *world = *state;
    void *handler = open_handler(world);
    struct zap_pair pair = open_zap_pair(world, ZMQ_CURVE, ZMQ_PULL, ZMQ_PUSH);
    struct shown shown;

    for (int i = 0; i < CROWD; i++) {
        (void)enter(world, &pair, handler, ZMQ_CURVE, "one of many");
        expect_str(pair.server, "hello");
    }
    shown = review(world, CROWD);
    assert_int_equal(ironhouse_close(world->context, shown.ids, shown.count), CROWD);
    for (int i = 0; i < CROWD; i++)
        admit(handler, "again");
    for (int i = 0; i < CROWD; i++)
        await_event(pair.server_monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    shown = review(world, CROWD);
    assert_string_equal(shown.users[0], "again");
}

static void test_who_was_not_asked_about_is_not_shown(void **state)
{
    struct world *world = *state;
    struct ends ends = join_pair_ready(world, "tcp", ZMQ_PULL, ZMQ_PUSH);

    send_str(ends.connected, "free");
    expect_str(ends.bound, "free");
    review(world, 0);
}

static void test_errors(void **state)
{
    struct world *world = *state;
    const uint64_t nobody[] = {0, 1, UINT64_MAX};
    void *socket = open_socket(world, ZMQ_PULL);

    assert_fails(ironhouse_connections(NULL, show, NULL), EFAULT);
    assert_fails(ironhouse_connections(socket, show, NULL), EFAULT);
    assert_fails(ironhouse_connections(world->context, NULL, NULL), EFAULT);
    assert_fails(ironhouse_close(NULL, nobody, 3), EFAULT);
    assert_fails(ironhouse_close(world->context, NULL, 1), EFAULT);
    assert_null(ironhouse_property(NULL, "User-Id"));
    assert_returns(ironhouse_close(world->context, nobody, 3), 0);
    assert_returns(ironhouse_close(world->context, NULL, 0), 0);
    assert_ok(zmq_ctx_shutdown(world->context));
    assert_fails(ironhouse_connections(world->context, show, NULL), ETERM);
    assert_fails(ironhouse_close(world->context, nobody, 3), ETERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_null),    world_test(test_plain),
        world_test(test_curve),   world_test(test_open_questions_are_asked_anew),
        world_test(test_a_crowd), world_test(test_who_was_not_asked_about_is_not_shown),
        world_test(test_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
