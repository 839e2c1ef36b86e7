/* SPDX-License-Identifier: ISC */
/* ironauth_curve_server and ironauth_curve_client: whole or not at all, and whom they let in. */
#include "world.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ENFORCE_DOMAIN 93 /* ZMQ_ZAP_ENFORCE_DOMAIN, a draft in zmq.h */

/* A server in a world with the folder "keys", in which alice's certificate is, and mallory's is not. */
struct house {
    struct world *world;
    void *server, *monitor;
    char endpoint[256];
    uint8_t server_key[32], alice[32], mallory[32];
};

static void build(struct house *house, struct world *world)
{
    house->world = world;
    make_folder(world, "keys");
    make_cert(world, NULL, "server", house->server_key);
    make_cert(world, "keys", "alice", house->alice);
    make_cert(world, NULL, "mallory", house->mallory);
    house->server = open_socket(world, ZMQ_PULL);
    house->monitor = open_monitor(world, house->server, ZMQ_EVENT_ALL);
}

static void open_house(struct house *house, const char *clients)
{
    if (ironauth_curve_server(house->world->auth, house->server, path_of(house->world, "server"), clients) != 0)
        fail_msg("%s", ironauth_error());
    bind_any(house->server, house->endpoint);
}

/* A client with this certificate, NULL: a new key, that says its word. */
static void *visit(struct house *house, const char *name, const char *word)
{
    void *client = open_socket(house->world, ZMQ_PUSH);

    set_int(client, ZMQ_RECONNECT_IVL, 1);
    if (ironauth_curve_client(client, name ? path_of(house->world, name) : NULL, path_of(house->world, "server")) != 0)
        fail_msg("%s", ironauth_error());
    assert_int_equal(zmq_connect(client, house->endpoint), 0);
    put_text(client, word);
    return client;
}

static void test_folder(void **state)
{
    struct house house;

    build(&house, *state);
    start(house.world, NULL);
    open_house(&house, path_of(house.world, "keys"));
    (void)visit(&house, "mallory", "never");
    assert_int_equal(await_outcome(house.monitor), 400);
    (void)visit(&house, "alice", "hello");
    expect_text(house.server, "hello");
}

static void test_folder_changes(void **state)
{
    struct house house;
    char domain[400];
    uint8_t bob[32];

    build(&house, *state);
    start(house.world, NULL);
    open_house(&house, path_of(house.world, "keys"));
    (void)visit(&house, "alice", "hello");
    expect_text(house.server, "hello");
    /* From the next attempt on, both ways. */
    make_cert(house.world, "keys", "bob", bob);
    (void)visit(&house, "bob", "me too");
    expect_text(house.server, "me too");
    remove_file(house.world, "keys/alice");
    (void)snprintf(domain, sizeof(domain), "folder:%s", path_of(house.world, "keys"));
    assert_int_equal(check_curve(house.world, domain, house.alice), 400);
    assert_int_equal(check_curve(house.world, domain, bob), 200);
}

/* A server outlives the authenticator that it was made a server with. The next one, even if it lets everyone into all domains,
 * lets nobody in by a folder that it was not given. */
static void test_next_authenticator(void **state)
{
    struct house house;

    build(&house, *state);
    start(house.world, NULL);
    open_house(&house, path_of(house.world, "keys"));
    ironauth_stop(&house.world->auth);
    start(house.world, "domain\n    name = \"*\"\n    null = everyone\n    plain = everyone\n    curve = everyone\n");
    assert_int_equal(check_curve(house.world, "other", house.mallory), 200);
    (void)visit(&house, "mallory", "never");
    assert_int_equal(await_outcome(house.monitor), 400);
    assert_int_equal(check_curve(house.world, "everyone:", house.mallory), 400);
}

static void test_everyone(void **state)
{
    struct house house;

    build(&house, *state);
    start(house.world, NULL);
    assert_int_equal(check_curve(house.world, "everyone:", house.alice), 400);
    open_house(&house, IRONAUTH_EVERYONE);
    (void)visit(&house, NULL, "anybody");
    expect_text(house.server, "anybody");
    assert_int_equal(check_curve(house.world, "everyone:", house.alice), 200);
    assert_int_equal(check_null(house.world, "everyone:", "127.0.0.1"), 400);
    assert_int_equal(check_plain(house.world, "everyone:", "alice", "secret"), 400);
}

static void test_domain(void **state)
{
    struct house house;

    build(&house, *state);
    start(house.world, "backend\n    name = staff\n    url = \"files:$/keys\"\n"
                       "domain\n    name = inner\n    curve = staff\n"
                       "domain\n    name = plain\n    plain = staff\n");
    assert_int_equal(
        ironauth_curve_server(house.world->auth, house.server, path_of(house.world, "server"), "domain:plain"), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(
        ironauth_curve_server(house.world->auth, house.server, path_of(house.world, "server"), "domain:other"), -1);
    assert_int_equal(errno, EINVAL);
    assert_non_null(strstr(ironauth_error(), "other"));
    open_house(&house, "domain:inner");
    (void)visit(&house, "mallory", "never");
    assert_int_equal(await_outcome(house.monitor), 400);
    (void)visit(&house, "alice", "hello");
    expect_text(house.server, "hello");
}

/* Two servers, one list. */
static void test_folder_twice(void **state)
{
    struct house house, other = {.world = *state};

    build(&house, *state);
    start(house.world, NULL);
    open_house(&house, path_of(house.world, "keys"));
    other.server = open_socket(other.world, ZMQ_PULL);
    open_house(&other, path_of(house.world, "keys/../keys/"));
    (void)visit(&other, "alice", "there");
    expect_text(other.server, "there");
    (void)visit(&house, "alice", "here");
    expect_text(house.server, "here");
}

/* ---- what fails leaves nothing behind ---- */

struct settings {
    int mechanism, server, enforce;
    char domain[256];
    uint8_t public_key[32], secret_key[32], server_key[32];
};

static void read_settings(void *socket, struct settings *settings)
{
    size_t size = sizeof(settings->domain);

    memset(settings, 0, sizeof(*settings));
    settings->mechanism = get_int(socket, ZMQ_MECHANISM);
    settings->server = get_int(socket, ZMQ_CURVE_SERVER);
    settings->enforce = get_int(socket, ENFORCE_DOMAIN);
    assert_int_equal(zmq_getsockopt(socket, ZMQ_ZAP_DOMAIN, settings->domain, &size), 0);
    size = 32;
    assert_int_equal(zmq_getsockopt(socket, ZMQ_CURVE_PUBLICKEY, settings->public_key, &size), 0);
    size = 32;
    assert_int_equal(zmq_getsockopt(socket, ZMQ_CURVE_SECRETKEY, settings->secret_key, &size), 0);
    size = 32;
    assert_int_equal(zmq_getsockopt(socket, ZMQ_CURVE_SERVERKEY, settings->server_key, &size), 0);
}

static void refuse_server(struct house *house, void *socket, const char *certificate, const char *clients, int error)
{
    struct settings before, after;

    read_settings(socket, &before);
    assert_int_equal(ironauth_curve_server(house->world->auth, socket, certificate, clients), -1);
    assert_int_equal(errno, error);
    assert_true(ironauth_error()[0]);
    read_settings(socket, &after);
    assert_memory_equal(&before, &after, sizeof(before));
}

static void refuse_client(void *socket, const char *certificate, const char *server, int error)
{
    struct settings before, after;

    read_settings(socket, &before);
    assert_int_equal(ironauth_curve_client(socket, certificate, server), -1);
    assert_int_equal(errno, error);
    assert_true(ironauth_error()[0]);
    read_settings(socket, &after);
    assert_memory_equal(&before, &after, sizeof(before));
}

static void test_server_refused(void **state)
{
    struct house house;
    struct world *world = *state;
    char keys[PATH_ROOM], server[PATH_ROOM];

    build(&house, world);
    start(world, NULL);
    (void)snprintf(server, sizeof(server), "%s", path_of(world, "server"));
    (void)snprintf(keys, sizeof(keys), "%s", path_of(world, "keys"));
    write_file(world, "garbage", "nothing\n");
    refuse_server(&house, house.server, path_of(world, "none"), keys, ENOENT);
    refuse_server(&house, house.server, path_of(world, "garbage"), keys, EINVAL);
    refuse_server(&house, house.server, path_of(world, "keys/alice"), keys, EINVAL); /* without a secret key */
    refuse_server(&house, house.server, server, path_of(world, "none"), ENOENT);
    refuse_server(&house, house.server, server, path_of(world, "garbage"), ENOTDIR);
    refuse_server(&house, house.server, server, "", ENOENT);
    refuse_server(&house, house.server, server, "domain:", EINVAL);
    refuse_server(&house, house.server, server, "domain:global", EINVAL);
    refuse_server(&house, house.server, server, "global", ENOENT); /* what was meant is said */
    assert_non_null(strstr(ironauth_error(), "domain:global"));
    refuse_server(&house, house.server, server, "**", ENOENT);
    assert_int_equal(ironauth_curve_server(world->auth, NULL, server, keys), -1);
    assert_int_equal(errno, EFAULT);
    assert_int_equal(ironauth_curve_server(NULL, house.server, server, keys), -1);
    assert_int_equal(errno, EFAULT);
    /* and it still can be made one */
    open_house(&house, keys);
    refuse_server(&house, house.server, server, keys, EBUSY);
}

static void test_client_refused(void **state)
{
    struct house house;
    struct world *world = *state;
    void *client, *bound;
    char endpoint[256];

    build(&house, world);
    client = open_socket(world, ZMQ_PUSH);
    refuse_client(client, NULL, "not a key", ENOENT);
    refuse_client(client, NULL, path_of(world, "keys"), EISDIR);
    refuse_client(client, path_of(world, "none"), path_of(world, "server"), ENOENT);
    refuse_client(client, path_of(world, "keys/alice"), path_of(world, "server"), EINVAL);
    bound = open_socket(world, ZMQ_PUSH);
    bind_any(bound, endpoint);
    refuse_client(bound, NULL, path_of(world, "server"), EBUSY);
    assert_int_equal(zmq_unbind(bound, endpoint), 0);
    refuse_client(bound, NULL, path_of(world, "server"), EBUSY);
    assert_int_equal(zmq_connect(client, endpoint), 0);
    refuse_client(client, NULL, path_of(world, "server"), EBUSY);
    assert_int_equal(ironauth_curve_client(world->context, NULL, path_of(world, "server")), -1);
    assert_int_equal(errno, ENOTSOCK);
}

/* The server's key may be given as text as well, and what a socket was before does not matter. */
static void test_client_by_key(void **state)
{
    struct house house;
    char text[41];
    void *client;

    build(&house, *state);
    start(house.world, NULL);
    open_house(&house, path_of(house.world, "keys"));
    client = open_socket(house.world, ZMQ_PUSH);
    set_int(client, ZMQ_CURVE_SERVER, 1);
    assert_non_null(zmq_z85_encode(text, house.server_key, 32));
    assert_int_equal(ironauth_curve_client(client, path_of(house.world, "alice"), text), 0);
    assert_int_equal(get_int(client, ZMQ_CURVE_SERVER), 0);
    assert_int_equal(zmq_connect(client, house.endpoint), 0);
    put_text(client, "hello");
    expect_text(house.server, "hello");
}

/* Without an authenticator a server of ironauth_curve_server's lets nobody in. */
static void test_without_handler(void **state)
{
    struct house house;

    build(&house, *state);
    start(house.world, NULL);
    open_house(&house, IRONAUTH_EVERYONE);
    ironauth_stop(&house.world->auth);
    assert_null(house.world->auth);
    (void)visit(&house, NULL, "never");
    assert_int_not_equal(await_outcome(house.monitor), 200);
    start(house.world, NULL); /* which does not know the list */
    (void)visit(&house, NULL, "never");
    while (await_outcome(house.monitor) != 400)
        continue;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_folder),         WORLD_TEST(test_folder_changes),
        WORLD_TEST(test_everyone),       WORLD_TEST(test_next_authenticator),
        WORLD_TEST(test_domain),         WORLD_TEST(test_folder_twice),
        WORLD_TEST(test_server_refused), WORLD_TEST(test_client_refused),
        WORLD_TEST(test_client_by_key),  WORLD_TEST(test_without_handler),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
