/* SPDX-License-Identifier: ISC */
/* ironauth_null_server and ironauth_plain_server: whole or not at all, and whom they let in. */
#include "world.h"

#include <errno.h>
#include <string.h>

#define ENFORCE_DOMAIN 93 /* ZMQ_ZAP_ENFORCE_DOMAIN, a draft in zmq.h */

static void configure_both(struct world *world)
{
    make_folder(world, "users");
    write_file(world, "users/passwords", "alice:%s\n", HASH);
    start(world, "backend\n    name = staff\n    url = \"files:$/users\"\n"
                 "domain\n    name = straw\n    allow = 127.0.0.1\n    null = everyone\n"
                 "domain\n    name = wood\n    plain = staff\n"
                 "domain\n    name = nobody\n    deny = 127.0.0.1\n    null = everyone\n");
}

/* A client that says its word; user NULL: by NULL. */
static void visit(struct world *world, const char *endpoint, const char *user, const char *password, const char *word)
{
    void *client = open_socket(world, ZMQ_PUSH);

    if (user) {
        set_text(client, ZMQ_PLAIN_USERNAME, user);
        set_text(client, ZMQ_PLAIN_PASSWORD, password);
    }
    assert_int_equal(zmq_connect(client, endpoint), 0);
    put_text(client, word);
}

static void test_null(void **state)
{
    struct world *world = *state;
    void *server = open_socket(world, ZMQ_PULL), *closed = open_socket(world, ZMQ_PULL);
    void *monitor = open_monitor(world, closed, ZMQ_EVENT_ALL);
    char endpoint[256];

    configure_both(world);
    assert_int_equal(ironauth_null_server(world->auth, server, "straw"), 0);
    assert_int_equal(get_int(server, ENFORCE_DOMAIN), 1);
    bind_any(server, endpoint);
    visit(world, endpoint, NULL, NULL, "hello");
    expect_text(server, "hello");

    assert_int_equal(ironauth_null_server(world->auth, closed, "nobody"), 0);
    bind_any(closed, endpoint);
    visit(world, endpoint, NULL, NULL, "never");
    assert_int_equal(await_outcome(monitor), 400);
}

static void test_plain(void **state)
{
    struct world *world = *state;
    void *server = open_socket(world, ZMQ_PULL);
    void *monitor = open_monitor(world, server, ZMQ_EVENT_ALL);
    char endpoint[256];

    configure_both(world);
    assert_int_equal(ironauth_plain_server(world->auth, server, "wood"), 0);
    assert_int_equal(get_int(server, ZMQ_PLAIN_SERVER), 1);
    assert_int_equal(get_int(server, ENFORCE_DOMAIN), 1);
    bind_any(server, endpoint);
    visit(world, endpoint, "alice", "guess", "never");
    assert_int_equal(await_outcome(monitor), 400);
    visit(world, endpoint, "alice", "secret", "hello");
    expect_text(server, "hello");
}

/* Who stops the authenticator opens nothing. */
static void test_nobody_gets_in_without_it(void **state)
{
    struct world *world = *state;
    void *server = open_socket(world, ZMQ_PULL);
    void *monitor = open_monitor(world, server, ZMQ_EVENT_ALL);
    char endpoint[256];

    configure_both(world);
    assert_int_equal(ironauth_null_server(world->auth, server, "straw"), 0);
    ironauth_stop(&world->auth);
    bind_any(server, endpoint);
    visit(world, endpoint, NULL, NULL, "never");
    assert_int_equal(await_outcome(monitor), 0);
}

static void expect_failure(int rc, int number, const char *words)
{
    assert_int_equal(rc, -1);
    assert_int_equal(errno, number);
    assert_non_null(strstr(ironauth_error(), words));
}

static void test_failures_leave_the_socket_as_it_was(void **state)
{
    struct world *world = *state;
    void *server = open_socket(world, ZMQ_PULL), *other = open_socket(world, ZMQ_PULL);
    char endpoint[256], domain[16];
    size_t size = sizeof domain;

    configure_both(world);
    expect_failure(ironauth_null_server(world->auth, server, "wood"), EINVAL, "wood");
    expect_failure(ironauth_plain_server(world->auth, server, "straw"), EINVAL, "straw");
    expect_failure(ironauth_plain_server(world->auth, server, "missing"), EINVAL, "missing");
    expect_failure(ironauth_null_server(world->auth, server, ""), EINVAL, "domain");
    expect_failure(ironauth_null_server(world->auth, server, NULL), EFAULT, "NULL");
    expect_failure(ironauth_null_server(NULL, server, "straw"), EFAULT, "NULL");
    assert_int_equal(get_int(server, ZMQ_MECHANISM), ZMQ_NULL);
    assert_int_equal(get_int(server, ENFORCE_DOMAIN), 0);
    assert_int_equal(zmq_getsockopt(server, ZMQ_ZAP_DOMAIN, domain, &size), 0);
    assert_string_equal(domain, "");

    bind_any(server, endpoint);
    expect_failure(ironauth_null_server(world->auth, server, "straw"), EBUSY, "bound");
    set_text(other, ZMQ_PLAIN_USERNAME, "me");
    expect_failure(ironauth_null_server(world->auth, other, "straw"), EALREADY, "mechanism");
    assert_int_equal(get_int(other, ZMQ_MECHANISM), ZMQ_PLAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_null),
        WORLD_TEST(test_plain),
        WORLD_TEST(test_nobody_gets_in_without_it),
        WORLD_TEST(test_failures_leave_the_socket_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
