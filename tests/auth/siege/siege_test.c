/* SPDX-License-Identifier: ISC */
/* Nobody gets in who must not, whatever happens to a back end: real servers are stopped, killed, paused and started again
 * while strangers knock without a pause. And a key that is removed in PostgreSQL closes its connections at two servers. */
#include "world.h"

#include <curve.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "auth/backend.h"
#include "auth/request.h"
#include "backends/server_ldap.h"
#include "backends/server_postgresql.h"

enum { TIMEOUT_MS = 300, KNOCKERS = 2 };

/* The folder's owner is the world; the servers are the process's, opened before there are threads. */
static struct postgresql postgresql;
static struct directory directory;
static bool with_postgresql, with_directory;

/* Alice, who may get in, and a stranger. */
struct people {
    uint8_t alice[32], stranger[32];
    char alice_text[41];
};

/* A back end, and what can happen to it. NULL: that does not happen to this one. */
struct store {
    const char *name;
    const char *settings; /* in the configuration, behind the URL */
    void (*url)(struct world *world, char *url, size_t size);
    void (*fill)(struct world *world, const char *url, const struct people *people);
    void (*down)(struct world *world);
    void (*up)(struct world *world);
    void (*slow)(struct world *world);
    void (*fast)(struct world *world);
};

/* ---- files and SQLite ---- */

static void move(struct world *world, const char *from, const char *to)
{
    assert_int_equal(rename(path_of(world, from), path_of(world, to)), 0);
}

static void files_url(struct world *world, char *url, size_t size)
{
    (void)snprintf(url, size, "files:%s", path_of(world, "store"));
}

static void files_fill(struct world *world, const char *url, const struct people *people)
{
    (void)url;
    make_folder(world, "store");
    write_file(world, "store/passwords", "alice:%s\n", HASH);
    write_file(world, "store/alice.key", "metadata\n    name = \"alice\"\ncurve\n    public-key = \"%s\"\n",
               people->alice_text);
}

static void store_away(struct world *world)
{
    move(world, "store", "away");
}

static void store_back(struct world *world)
{
    move(world, "away", "store");
}

static void sqlite_url(struct world *world, char *url, size_t size)
{
    (void)snprintf(url, size, "sqlite:%s", path_of(world, "store"));
}

/* By the back end's own calls. */
static void fill_by_calls(struct world *world, const char *url, const struct people *people)
{
    const struct auth_backend_ops *ops = auth_backend_find(url);
    const struct auth_settings settings = {.name = "store", .url = url, .timeout = 30000, .sessions = 1};
    struct auth_backend *backend;
    struct auth_session *session;
    const char *error;

    (void)world;
    assert_non_null(ops);
    assert_int_equal(ops->init(&settings), 0);
    assert_int_equal(ops->open(&settings, &backend, &error), 0);
    assert_int_equal(ops->begin(backend, &session), 0);
    assert_int_equal(ops->add_user(session, "alice", HASH, ""), 0);
    assert_int_equal(ops->add_key(session, people->alice, "alice", ""), 0);
    ops->end(session);
    ops->close(backend);
}

/* ---- PostgreSQL and LDAP ---- */

static void postgresql_url_of(struct world *world, char *url, size_t size)
{
    (void)world;
    (void)snprintf(url, size, "%s", postgresql.url);
}

static void postgresql_down(struct world *world)
{
    (void)world;
    keeper_kill(&postgresql.keeper);
}

static void postgresql_up(struct world *world)
{
    (void)world;
    keeper_start(&postgresql.keeper);
}

static void postgresql_slow(struct world *world)
{
    (void)world;
    keeper_pause(&postgresql.keeper);
}

static void postgresql_fast(struct world *world)
{
    (void)world;
    keeper_resume(&postgresql.keeper);
}

static void directory_url_of(struct world *world, char *url, size_t size)
{
    (void)world;
    (void)snprintf(url, size, "%s", directory.url);
}

static void directory_fill(struct world *world, const char *url, const struct people *people)
{
    (void)world;
    (void)url;
    directory_add_person(&directory, "alice", "secret");
    directory_set_key(&directory, "alice", people->alice_text, true);
}

static void directory_down(struct world *world)
{
    (void)world;
    keeper_kill(&directory.keeper);
}

static void directory_up(struct world *world)
{
    (void)world;
    keeper_start(&directory.keeper);
}

static void directory_slow(struct world *world)
{
    (void)world;
    keeper_pause(&directory.keeper);
}

static void directory_fast(struct world *world)
{
    (void)world;
    keeper_resume(&directory.keeper);
}

static const struct store files = {
    .name = "files", .settings = "", .url = files_url, .fill = files_fill, .down = store_away, .up = store_back};
/* Its readers wait for nobody (WAL). */
static const struct store sqlite = {
    .name = "sqlite", .settings = "", .url = sqlite_url, .fill = fill_by_calls, .down = store_away, .up = store_back};
static const struct store database = {.name = "postgresql",
                                      .settings = "",
                                      .url = postgresql_url_of,
                                      .fill = fill_by_calls,
                                      .down = postgresql_down,
                                      .up = postgresql_up,
                                      .slow = postgresql_slow,
                                      .fast = postgresql_fast};

/* ---- the siege ---- */

/* Strangers, who knock until they are told to stop. Owner: the test's stack. */
struct siege {
    struct world *world;
    const struct people *people;
    atomic_bool stop;
    atomic_uint knocks, entered, odd;
};

static int ask(struct world *world, const char *mechanism, const char *password, const uint8_t *key)
{
    const ironauth_request_t request = {.domain = "castle",
                                        .address = "127.0.0.1",
                                        .mechanism = mechanism,
                                        .user = key ? NULL : "alice",
                                        .password = password,
                                        .key = key};
    ironauth_verdict_t verdict;

    return ironauth_check(world->auth, &request, &verdict) == 0 ? verdict.status : -errno;
}

static void *knock(void *arg)
{
    struct siege *siege = arg;

    while (!atomic_load(&siege->stop)) {
        const int key = ask(siege->world, "CURVE", NULL, siege->people->stranger);
        const int user = ask(siege->world, "PLAIN", "wrong", NULL);

        atomic_fetch_add(&siege->knocks, 1);
        atomic_fetch_add(&siege->entered, (unsigned)(key == 200) + (unsigned)(user == 200));
        atomic_fetch_add(&siege->odd, (unsigned)(key != 300 && key != 400) + (unsigned)(user != 300 && user != 400));
    }
    return NULL;
}

static int ask_alice(struct world *world, const struct people *people)
{
    return ask(world, "CURVE", NULL, people->alice);
}

/* She is known: never 400. */
static void await_alice(struct world *world, const struct people *people, int status)
{
    int told;

    while ((told = ask_alice(world, people)) != status)
        assert_true(told == 200 || told == 300);
}

/* Sessions come back one by one. */
static void await_refusal(struct world *world, const struct people *people)
{
    int told;

    while ((told = ask(world, "CURVE", NULL, people->stranger)) != 400)
        assert_int_equal(told, 300);
}

/* Some knocks have begun and ended since. */
static void await_knocks(struct siege *siege)
{
    const unsigned then = atomic_load(&siege->knocks);

    while (atomic_load(&siege->knocks) < then + 2 * KNOCKERS)
        (void)ask_alice(siege->world, siege->people);
}

static void trouble(struct siege *siege, void (*begin)(struct world *world), void (*end)(struct world *world))
{
    if (!begin)
        return;
    begin(siege->world);
    await_alice(siege->world, siege->people, 300);
    await_knocks(siege);
    end(siege->world);
    await_alice(siege->world, siege->people, 200);
    await_refusal(siege->world, siege->people);
}

static void make_people(struct people *people)
{
    char secret[41], stranger[41];

    assert_int_equal(zmq_curve_keypair(people->alice_text, secret), 0);
    assert_non_null(zmq_z85_decode(people->alice, people->alice_text));
    assert_int_equal(zmq_curve_keypair(stranger, secret), 0);
    assert_non_null(zmq_z85_decode(people->stranger, stranger));
}

static void start_castle(struct world *world, const struct store *store, const struct people *people)
{
    char url[400], config[2048];

    store->url(world, url, sizeof url);
    store->fill(world, url, people);
    (void)snprintf(config, sizeof config,
                   "backend\n    name = store\n    url = \"%s\"\n    timeout = %d\n    cache = 0\n%s"
                   "domain\n    name = castle\n    curve = store\n    plain = store\n",
                   url, TIMEOUT_MS, store->settings);
    start(world, config);
}

static void besiege(struct world *world, const struct store *store)
{
    struct people people;
    struct siege siege = {.world = world, .people = &people};
    pthread_t threads[KNOCKERS];

    make_people(&people);
    start_castle(world, store, &people);
    await_alice(world, &people, 200);
    while (ask(world, "PLAIN", "secret", NULL) != 200)
        continue;
    for (int i = 0; i < KNOCKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, knock, &siege), 0);
    for (int i = 0; i < 2; i++) {
        trouble(&siege, store->down, store->up);
        trouble(&siege, store->slow, store->fast);
    }
    atomic_store(&siege.stop, true);
    for (int i = 0; i < KNOCKERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&siege.entered), 0);
    assert_int_equal(atomic_load(&siege.odd), 0);
}

static void test_files(void **state)
{
    besiege(*state, &files);
}

static void test_sqlite(void **state)
{
    besiege(*state, &sqlite);
}

static void test_postgresql(void **state)
{
    if (!with_postgresql)
        skip();
    assert_true(postgresql_run(&postgresql, "postgres", "DROP SCHEMA IF EXISTS ironauth CASCADE"));
    besiege(*state, &database);
}

static void test_ldap(void **state)
{
    char settings[512];
    struct store ldap = {.name = "ldap",
                         .settings = settings,
                         .url = directory_url_of,
                         .fill = directory_fill,
                         .down = directory_down,
                         .up = directory_up,
                         .slow = directory_slow,
                         .fast = directory_fast};

    if (!with_directory)
        skip();
    (void)snprintf(settings, sizeof settings,
                   "    base = \"ou=people,dc=test\"\n    key-attribute = zmqKey\n    bind-dn = \"" LDAP_TEST_SERVICE
                   "\"\n    bind-password-file = \"%s\"\n",
                   directory.password_file);
    besiege(*state, &ldap);
}

/* ---- revocation at two servers ---- */

/* One of two programs, each with an authenticator, a server and a client of its own. */
struct program {
    struct world *world;
    void *server, *monitor, *client;
    char endpoint[256];
};

static void enter(struct program *program, const struct people *people, const char *secret)
{
    uint8_t key[32];

    make_cert(program->world, NULL, "server", key);
    program->server = open_socket(program->world, ZMQ_PULL);
    program->monitor = open_monitor(program->world, program->server, ZMQ_EVENT_ALL);
    assert_int_equal(ironauth_curve_server(program->world->auth, program->server, path_of(program->world, "server"),
                                           "domain:castle"),
                     0);
    bind_any(program->server, program->endpoint);
    program->client = open_socket(program->world, ZMQ_PUSH);
    set_int(program->client, ZMQ_RECONNECT_IVL, 1);
    assert_int_equal(ironauth_curve_client(program->client, NULL, path_of(program->world, "server")), 0);
    assert_int_equal(zmq_setsockopt(program->client, ZMQ_CURVE_PUBLICKEY, people->alice_text, 40), 0);
    assert_int_equal(zmq_setsockopt(program->client, ZMQ_CURVE_SECRETKEY, secret, 40), 0);
    assert_int_equal(zmq_connect(program->client, program->endpoint), 0);
    put_text(program->client, "hello");
    expect_text(program->server, "hello");
}

static void test_a_key_removed_in_postgresql_leaves_two_servers(void **state)
{
    struct program programs[2] = {{.world = *state}};
    struct people people;
    char secret[41], url[400], config[1024];
    void *second = NULL;

    if (!with_postgresql)
        skip();
    assert_true(postgresql_run(&postgresql, "postgres", "DROP SCHEMA IF EXISTS ironauth CASCADE"));
    assert_int_equal(zmq_curve_keypair(people.alice_text, secret), 0);
    assert_non_null(zmq_z85_decode(people.alice, people.alice_text));
    postgresql_url_of(NULL, url, sizeof url);
    fill_by_calls(NULL, url, &people);
    assert_int_equal(world_setup(&second), 0);
    programs[1].world = second;
    (void)snprintf(config, sizeof config,
                   "backend\n    name = store\n    url = \"%s\"\ndomain\n    name = castle\n    curve = store\n", url);
    for (int i = 0; i < 2; i++) {
        start(programs[i].world, config);
        enter(&programs[i], &people, secret);
    }
    assert_true(postgresql_run(&postgresql, "postgres", "DELETE FROM ironauth.keys"));
    for (int i = 0; i < 2; i++) {
        if (can_revoke()) {
            while (await_event(programs[i].monitor, NULL) != ZMQ_EVENT_DISCONNECTED)
                continue;
        }
        while (check_curve(programs[i].world, "castle", people.alice) != 400)
            continue;
    }
    assert_int_equal(world_teardown(&second), 0);
}

static int close_all(void **state)
{
    (void)state;
    if (with_postgresql)
        postgresql_close(&postgresql);
    if (with_directory)
        directory_close(&directory);
    return 0;
}

/* Before there are threads. */
static int open_all(void **state)
{
    (void)state;
    with_postgresql = auth_backend_find("postgresql:") && postgresql_is_there();
    with_directory = auth_backend_find("ldap:") && directory_is_there();
    if (with_postgresql)
        postgresql_open(&postgresql);
    if (with_directory)
        directory_open(&directory, 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_files),
        WORLD_TEST(test_sqlite),
        WORLD_TEST(test_postgresql),
        WORLD_TEST(test_ldap),
        WORLD_TEST(test_a_key_removed_in_postgresql_leaves_two_servers),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
