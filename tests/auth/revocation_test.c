/* SPDX-License-Identifier: ISC */
/* Who loses a permission loses the connection, on a libzmq that can close it (ironhouse.h). On another one nothing is
 * closed, and the next attempt is refused. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The hash of "secret", as dear as a hash may be. */
#define HASH_SLOW                                            \
    "$argon2id$v=19$m=65536,t=14,p=1$3ZkG3KiN8FSEiyQZ2Lm0kg" \
    "$l9ae8TybHNcgJoucZcx0WNw/CAR+bdU6v01u5oTx/B0"

#define STAFF "backend\n    name = staff\n    url = \"files:$/keys\"\n"

struct house {
    struct world *world;
    void *server, *monitor;
    char endpoint[256];
};

static void open_plain(struct house *house, struct world *world, const char *domain)
{
    house->world = world;
    house->server = open_socket(world, ZMQ_PULL);
    set_text(house->server, ZMQ_ZAP_DOMAIN, domain);
    set_int(house->server, ZMQ_PLAIN_SERVER, 1);
    house->monitor = open_monitor(world, house->server, ZMQ_EVENT_ALL);
    bind_any(house->server, house->endpoint);
}

/* comes_back: whoever is closed comes back. Of who does not, a word is proof that nobody closed his connection. */
static void *enter_plain(struct house *house, const char *user, const char *password, bool comes_back)
{
    void *client = open_socket(house->world, ZMQ_PUSH);

    set_int(client, ZMQ_RECONNECT_IVL, comes_back ? 1 : -1);
    set_text(client, ZMQ_PLAIN_USERNAME, user);
    set_text(client, ZMQ_PLAIN_PASSWORD, password);
    assert_int_equal(zmq_connect(client, house->endpoint), 0);
    put_text(client, user);
    expect_text(house->server, user);
    return client;
}

static void await_disconnected(struct house *house)
{
    while (await_event(house->monitor, NULL) != ZMQ_EVENT_DISCONNECTED)
        continue;
}

static void *await_refused(struct house *house)
{
    while (await_outcome(house->monitor) != 400)
        continue;
    return NULL;
}

/* The client whose connection was closed comes back, and is refused; the other one is still there. */
static void assert_closed(struct house *house, void *other, const char *word)
{
    if (can_revoke()) {
        await_disconnected(house);
        (void)await_refused(house);
    }
    put_text(other, word);
    expect_text(house->server, word);
}

static void test_user_removed(void **state)
{
    struct world *world = *state;
    struct house house;
    void *alice;

    make_folder(world, "keys");
    write_file(world, "keys/passwords", "alice:" HASH "\nbob:" HASH "\n");
    start(world, STAFF "domain\n    name = home\n    plain = staff\n");
    open_plain(&house, world, "home");
    alice = enter_plain(&house, "alice", "secret", false);
    (void)enter_plain(&house, "bob", "secret", true);
    write_file(world, "keys/passwords", "alice:" HASH "\n");
    assert_closed(&house, alice, "still here");
    assert_int_equal(check_plain(world, "home", "bob", "secret"), 400);
}

static void test_password_changed(void **state)
{
    struct world *world = *state;
    struct house house;
    void *alice;

    make_folder(world, "keys");
    write_file(world, "keys/passwords", "alice:" HASH "\nbob:" HASH "\n");
    start(world, STAFF "domain\n    name = home\n    plain = staff\n");
    open_plain(&house, world, "home");
    alice = enter_plain(&house, "alice", "secret", false);
    (void)enter_plain(&house, "bob", "secret", true);
    write_file(world, "keys/passwords", "alice:" HASH "\nbob:" HASH_OTHER "\n");
    assert_closed(&house, alice, "still here");
    assert_int_equal(check_plain(world, "home", "bob", "other"), 200);
}

static void test_key_removed(void **state)
{
    struct world *world = *state;
    struct house house = {.world = world};
    uint8_t key[32];
    void *clients[2];

    make_folder(world, "keys");
    make_cert(world, NULL, "server", key);
    make_cert(world, "keys", "alice", key);
    make_cert(world, "keys", "bob", key);
    start(world, NULL);
    house.server = open_socket(world, ZMQ_PULL);
    house.monitor = open_monitor(world, house.server, ZMQ_EVENT_ALL);
    assert_int_equal(ironauth_curve_server(world->auth, house.server, path_of(world, "server"), path_of(world, "keys")),
                     0);
    bind_any(house.server, house.endpoint);
    for (int i = 0; i < 2; i++) {
        clients[i] = open_socket(world, ZMQ_PUSH);
        set_int(clients[i], ZMQ_RECONNECT_IVL, i ? 1 : -1); /* as above: alice stays */
        assert_int_equal(
            ironauth_curve_client(clients[i], path_of(world, i ? "bob" : "alice"), path_of(world, "server")), 0);
        assert_int_equal(zmq_connect(clients[i], house.endpoint), 0);
        put_text(clients[i], "hello");
        expect_text(house.server, "hello");
    }
    remove_file(world, "keys/bob");
    assert_closed(&house, clients[0], "still here");
}

/* A reload: what the policy refuses now, by address, domain or back end. */
static void test_reload(void **state)
{
    struct world *world = *state;
    struct house home, other;
    void *bob;

    start(world, "domain\n    name = home\n    plain = everyone\ndomain\n    name = other\n    plain = everyone\n");
    open_plain(&home, world, "home");
    open_plain(&other, world, "other");
    (void)enter_plain(&home, "alice", "any", true);
    bob = enter_plain(&other, "bob", "any", true);
    configure(world, "domain\n    name = home\n    deny = 127.0.0.0/8\n    plain = everyone\n"
                     "domain\n    name = other\n    plain = everyone\n");
    assert_int_equal(ironauth_reload(world->auth), 0);
    if (can_revoke()) {
        await_disconnected(&home);
        (void)await_refused(&home);
    }
    put_text(bob, "still here");
    expect_text(other.server, "still here");
    configure(world, "domain\n    name = home\n    plain = everyone\n");
    assert_int_equal(ironauth_reload(world->auth), 0);
    if (can_revoke()) {
        await_disconnected(&other);
        (void)await_refused(&other);
    }
}

/* A back end that goes away takes nobody's connection; when it is back, what it says then counts. */
static void test_away(void **state)
{
    struct world *world = *state;
    struct house house;
    void *alice;

    make_folder(world, "keys");
    write_file(world, "keys/passwords", "alice:" HASH "\nbob:" HASH "\n");
    start(world, STAFF "domain\n    name = home\n    plain = staff\n");
    open_plain(&house, world, "home");
    alice = enter_plain(&house, "alice", "secret", false);
    (void)enter_plain(&house, "bob", "secret", true);
    assert_int_equal(rename(path_of(world, "keys"), path_of(world, "away")), 0);
    assert_int_equal(ironauth_reload(world->auth), 0); /* all are decided about again, and cannot be */
    assert_int_equal(check_plain(world, "home", "bob", "secret"), 300);
    put_text(alice, "still here");
    expect_text(house.server, "still here");
    write_file(world, "away/passwords", "alice:" HASH "\n");
    assert_int_equal(rename(path_of(world, "away"), path_of(world, "keys")), 0);
    assert_closed(&house, alice, "here again");
}

/* Many connections of which half go, from a back end that looks at few at a time. */
static void test_many(void **state)
{
    enum { COUNT = 40 };
    struct world *world = *state;
    struct house house;
    void *clients[COUNT];
    char text[COUNT * 160];
    size_t size = 0;

    make_folder(world, "keys");
    for (int i = 0; i < COUNT; i++)
        size += (size_t)snprintf(text + size, sizeof(text) - size, "user%d:" HASH "\n", i);
    write_file(world, "keys/passwords", "%s", text);
    start(world, STAFF "domain\n    name = home\n    plain = staff\n");
    open_plain(&house, world, "home");
    for (int i = 0; i < COUNT; i++) {
        char user[16];

        (void)snprintf(user, sizeof(user), "user%d", i);
        clients[i] = enter_plain(&house, user, "secret", false);
    }
    size = 0;
    for (int i = 0; i < COUNT; i += 2)
        size += (size_t)snprintf(text + size, sizeof(text) - size, "user%d:" HASH "\n", i);
    write_file(world, "keys/passwords", "%s", text);
    for (int i = 0; i < COUNT / 2 && can_revoke(); i++)
        await_disconnected(&house);
    for (int i = 0; i < COUNT; i += 2) {
        put_text(clients[i], "still here");
        expect_text(house.server, "still here");
    }
    assert_int_equal(check_plain(world, "home", "user1", "secret"), 400);
}

/* Whose password takes longer to be looked at than the time between two changes gets in all the same: a review has the server
 * ask about the connection anew, and that does not begin from the start. */
static void test_changes_while_one_waits(void **state)
{
    enum { PAUSE = 20 /* ms between two changes */ };
    struct world *world = *state;
    struct house house;
    zmq_pollitem_t item;
    unsigned changes = 0;
    void *client;

    make_folder(world, "keys");
    write_file(world, "keys/passwords", "alice:" HASH_SLOW "\n");
    start(world, "backend\n    name = staff\n    url = \"files:$/keys\"\n    timeout = 60000\n"
                 "domain\n    name = home\n    plain = staff\n");
    open_plain(&house, world, "home");
    client = open_socket(world, ZMQ_PUSH);
    set_text(client, ZMQ_PLAIN_USERNAME, "alice");
    set_text(client, ZMQ_PLAIN_PASSWORD, "secret");
    assert_int_equal(zmq_connect(client, house.endpoint), 0);
    put_text(client, "hello");
    item = (zmq_pollitem_t){.socket = house.server, .events = ZMQ_POLLIN};
    while (zmq_poll(&item, 1, PAUSE) == 0)
        write_file(world, "keys/noise", "%u", changes++);
    expect_text(house.server, "hello");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_user_removed),
        WORLD_TEST(test_password_changed),
        WORLD_TEST(test_key_removed),
        WORLD_TEST(test_reload),
        WORLD_TEST(test_away),
        WORLD_TEST(test_many),
        WORLD_TEST(test_changes_while_one_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
