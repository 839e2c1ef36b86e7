/* SPDX-License-Identifier: ISC */
/* Configurations that are read, read again, and wrong; mechanisms, domains and addresses; who would get in. */
#include "world.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STAFF "backend\n    name = staff\n    url = \"files:$/keys\"\n"

static void write_users(struct world *world)
{
    make_folder(world, "keys");
    write_file(world, "keys/passwords", "alice:" HASH "\nbob:" HASH_OTHER "\n");
}

static void test_policy(void **state)
{
    struct world *world = *state;
    uint8_t key[32], other[32] = {1};

    write_users(world);
    make_cert(world, "keys", "carol", key);
    start(world, STAFF "domain\n    name = one\n    allow = \"10.0.0.0/8 127.0.0.1\"\n    deny = 10.1.2.3\n"
                       "    null = everyone\n"
                       "domain\n    name = two\n    plain = staff\n    curve = staff\n"
                       "domain\n    name = \"*\"\n    deny = 127.0.0.1\n    null = everyone\n");
    assert_int_equal(check_null(world, "one", "10.1.1.1"), 200);
    assert_int_equal(check_null(world, "one", "10.1.2.3"), 400);
    assert_int_equal(check_null(world, "one", "192.168.1.1"), 400);
    assert_int_equal(check_null(world, "two", "127.0.0.1"), 400);
    assert_int_equal(check_null(world, "else", "127.0.0.1"), 400);
    assert_int_equal(check_null(world, "else", "10.0.0.1"), 200);
    assert_int_equal(check_plain(world, "two", "alice", "secret"), 200);
    assert_int_equal(check_plain(world, "two", "alice", "other"), 400);
    assert_int_equal(check_plain(world, "two", "bob", "other"), 200);
    assert_int_equal(check_plain(world, "two", "eve", "secret"), 400);
    assert_int_equal(check_plain(world, "two", "", ""), 400);
    assert_int_equal(check_plain(world, "one", "alice", "secret"), 400);
    assert_int_equal(check_curve(world, "two", key), 200);
    assert_int_equal(check_curve(world, "two", other), 400);
}

static void test_check_malformed(void **state)
{
    struct world *world = *state;
    ironauth_request_t request = {.domain = "one", .mechanism = "NONE"};
    ironauth_verdict_t verdict;

    start(world, NULL);
    assert_int_equal(ironauth_check(world->auth, &request, &verdict), -1);
    assert_int_equal(errno, EINVAL);
    request = (ironauth_request_t){.domain = "one", .mechanism = "CURVE"}; /* without a key */
    assert_int_equal(ironauth_check(world->auth, &request, &verdict), -1);
    assert_int_equal(errno, EINVAL);
    request = (ironauth_request_t){.mechanism = "PLAIN", .user = "a\nb"};
    assert_int_equal(ironauth_check(world->auth, &request, &verdict), -1);
    assert_int_equal(errno, EINVAL);
    assert_true(ironauth_error()[0]);
    assert_int_equal(ironauth_check(world->auth, NULL, &verdict), -1);
    assert_int_equal(errno, EFAULT);
}

/* The first back end that knows the user decides. */
static void test_order(void **state)
{
    struct world *world = *state;

    make_folder(world, "keys");
    make_folder(world, "guests");
    write_file(world, "keys/passwords", "alice:" HASH "\n");
    write_file(world, "guests/passwords", "alice:" HASH_OTHER "\nbob:" HASH_OTHER "\n");
    start(world, STAFF "backend\n    name = guests\n    url = \"files:$/guests\"\n"
                       "domain\n    name = both\n    plain = staff guests\n");
    assert_int_equal(check_plain(world, "both", "alice", "secret"), 200);
    assert_int_equal(check_plain(world, "both", "alice", "other"), 400);
    assert_int_equal(check_plain(world, "both", "bob", "other"), 200);
}

/* A back end that is away: nobody gets in by it, nor by those behind it. */
static void test_away(void **state)
{
    struct world *world = *state;

    make_folder(world, "guests");
    write_file(world, "guests/passwords", "bob:" HASH_OTHER "\n");
    start(world, STAFF "backend\n    name = guests\n    url = \"files:$/guests\"\n"
                       "domain\n    name = both\n    plain = staff guests\n"
                       "domain\n    name = turned\n    plain = guests staff\n");
    assert_int_equal(check_plain(world, "both", "bob", "other"), 300);
    assert_int_equal(check_plain(world, "turned", "bob", "other"), 200);
    assert_int_equal(check_plain(world, "turned", "bob", "secret"), 400);
    assert_int_equal(check_plain(world, "turned", "eve", "secret"), 300);
    write_users(world); /* and it is there */
    assert_int_equal(check_plain(world, "both", "bob", "other"), 200);
    assert_int_equal(check_plain(world, "turned", "eve", "secret"), 400);
}

/* What a back end last said counts while it is away; what it did not say does not. */
static void test_cache(void **state)
{
    struct world *world = *state;

    write_users(world);
    start(world, "backend\n    name = staff\n    url = \"files:$/keys\"\n    cache = 600\n"
                 "domain\n    name = one\n    plain = staff\n");
    /* The watch tells once that it has begun, and what is remembered until then goes with that; so it is asked until it is
     * remembered. */
    do {
        assert_int_equal(check_plain(world, "one", "alice", "secret"), 200);
        assert_int_equal(rename(path_of(world, "keys"), path_of(world, "away")), 0);
        if (check_plain(world, "one", "alice", "secret") == 200)
            break;
        assert_int_equal(rename(path_of(world, "away"), path_of(world, "keys")), 0);
    } while (true);
    assert_int_equal(check_plain(world, "one", "alice", "other"), 300);
    assert_int_equal(check_plain(world, "one", "bob", "other"), 300);
}

static void test_wrong(void **state)
{
    struct world *world = *state;

    configure(world, "domain\n    name = one\n    nul = everyone\n");
    assert_null(ironauth_start(world->context, path_of(world, "ironauth.conf")));
    assert_int_equal(errno, EINVAL);
    assert_non_null(strstr(ironauth_error(), "ironauth.conf:3:5"));
    assert_null(ironauth_start(world->context, path_of(world, "none")));
    assert_int_equal(errno, ENOENT);
    configure(world, "backend\n    name = staff\n    url = \"files:\"\n");
    assert_null(ironauth_start(world->context, path_of(world, "ironauth.conf")));
    assert_int_equal(errno, EINVAL);
    assert_null(ironauth_start(NULL, NULL));
    assert_int_equal(errno, EFAULT);
    start(world, NULL); /* nothing of them has stayed */
    assert_null(ironauth_start(world->context, NULL));
    assert_int_equal(errno, EADDRINUSE);
}

static void test_reload(void **state)
{
    struct world *world = *state;

    start(world, "domain\n    name = one\n    null = everyone\n");
    assert_int_equal(check_null(world, "one", "10.0.0.1"), 200);
    configure(world, "domain\n    name = one\n    null = everybody\n");
    assert_int_equal(ironauth_reload(world->auth), -1);
    assert_int_equal(errno, EINVAL);
    assert_non_null(strstr(ironauth_error(), "ironauth.conf:3:"));
    assert_int_equal(check_null(world, "one", "10.0.0.1"), 200);
    remove_file(world, "ironauth.conf");
    assert_int_equal(ironauth_reload(world->auth), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(check_null(world, "one", "10.0.0.1"), 200);
    write_users(world);
    configure(world, STAFF "domain\n    name = one\n    plain = staff\n");
    assert_int_equal(ironauth_reload(world->auth), 0);
    assert_int_equal(check_null(world, "one", "10.0.0.1"), 400);
    assert_int_equal(check_plain(world, "one", "alice", "secret"), 200);
}

/* What fails last is undone whole: the metrics' port is taken. */
static void test_reload_fails_late(void **state)
{
    struct world *world = *state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char text[1024];

    assert_int_equal(bind(taken, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(taken, 1), 0);
    assert_int_equal(getsockname(taken, (struct sockaddr *)&address, &size), 0);
    write_users(world);
    start(world, "domain\n    name = one\n    null = everyone\n");
    (void)snprintf(text, sizeof(text),
                   "metrics = \"127.0.0.1:%u\"\n" STAFF "domain\n    name = one\n    plain = staff\n",
                   ntohs(address.sin_port));
    configure(world, text);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(ironauth_reload(world->auth), -1);
        assert_non_null(strstr(ironauth_error(), "metrics"));
        assert_int_equal(check_null(world, "one", "10.0.0.1"), 200);
    }
    assert_int_equal(close(taken), 0);
}

/* One line for each decision, and no password in any. */
static void test_audit(void **state)
{
    struct world *world = *state;
    char line[2048];
    struct frames frames;
    void *socket;
    FILE *file;

    write_users(world);
    start(world, "audit = $/audit.log\n" STAFF "domain\n    name = home\n    plain = staff\n");
    socket = open_zap(world);
    for (int i = 0; i < 2; i++) {
        zap_request(&frames, "1", "home", "PLAIN", "alice", i ? "secret" : "wrong");
        send_frames(socket, &frames);
        recv_frames(socket, &frames);
        assert_true(frame_is(&frames, 3, i ? "200" : "400"));
    }
    assert_int_equal(check_plain(world, "home", "alice", "secret"), 200); /* is no decision about anybody */
    file = fopen(path_of(world, "audit.log"), "r");
    assert_non_null(file);
    for (int i = 0; i < 2; i++) {
        assert_non_null(fgets(line, sizeof(line), file));
        assert_non_null(strstr(line, i ? "\"status\":200" : "\"status\":400"));
        assert_non_null(strstr(line, "\"user\":\"alice\""));
        assert_non_null(strstr(line, "\"backend\":\"staff\""));
        assert_null(strstr(line, "secret"));
        assert_null(strstr(line, "wrong\""));
    }
    assert_null(fgets(line, sizeof(line), file));
    (void)fclose(file);
}

/* A server by hand, without ironauth's help, in a domain of the configuration. */
static void *open_server(struct world *world, const char *domain, int option, char endpoint[256], void **monitor)
{
    void *server = open_socket(world, ZMQ_PULL);

    set_text(server, ZMQ_ZAP_DOMAIN, domain);
    if (option)
        set_int(server, option, 1);
    *monitor = open_monitor(world, server, ZMQ_EVENT_ALL);
    bind_any(server, endpoint);
    return server;
}

static void test_null_socket(void **state)
{
    struct world *world = *state;
    char endpoint[2][256];
    void *server[2], *monitor[2], *client;

    start(world, "domain\n    name = home\n    allow = 127.0.0.1\n    null = everyone\n"
                 "domain\n    name = abroad\n    allow = 10.0.0.0/8\n    null = everyone\n");
    server[0] = open_server(world, "home", 0, endpoint[0], &monitor[0]);
    server[1] = open_server(world, "abroad", 0, endpoint[1], &monitor[1]);
    client = open_socket(world, ZMQ_PUSH);
    assert_int_equal(zmq_connect(client, endpoint[0]), 0);
    put_text(client, "hello");
    expect_text(server[0], "hello");
    client = open_socket(world, ZMQ_PUSH);
    assert_int_equal(zmq_connect(client, endpoint[1]), 0);
    assert_int_equal(await_outcome(monitor[1]), 400);
}

static void test_plain_socket(void **state)
{
    struct world *world = *state;
    char endpoint[256];
    void *server, *monitor, *client;

    write_users(world);
    start(world, STAFF "domain\n    name = home\n    plain = staff\n");
    server = open_server(world, "home", ZMQ_PLAIN_SERVER, endpoint, &monitor);
    client = open_socket(world, ZMQ_PUSH);
    set_text(client, ZMQ_PLAIN_USERNAME, "alice");
    set_text(client, ZMQ_PLAIN_PASSWORD, "wrong");
    assert_int_equal(zmq_connect(client, endpoint), 0);
    assert_int_equal(await_outcome(monitor), 400);
    client = open_socket(world, ZMQ_PUSH);
    set_text(client, ZMQ_PLAIN_USERNAME, "alice");
    set_text(client, ZMQ_PLAIN_PASSWORD, "secret");
    assert_int_equal(zmq_connect(client, endpoint), 0);
    put_text(client, "hello");
    expect_text(server, "hello");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_policy),
        WORLD_TEST(test_check_malformed),
        WORLD_TEST(test_order),
        WORLD_TEST(test_away),
        WORLD_TEST(test_cache),
        WORLD_TEST(test_wrong),
        WORLD_TEST(test_reload),
        WORLD_TEST(test_null_socket),
        WORLD_TEST(test_plain_socket),
        WORLD_TEST(test_audit),
        WORLD_TEST(test_reload_fails_late),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
