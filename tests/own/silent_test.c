/* SPDX-License-Identifier: ISC */
/* Peers that connect and say nothing, or too slowly, or come by the thousand: they get their time, and nobody else waits
 * for them. */
#include "curve_peer.h"
#include "hostile.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    HANDSHAKE_MS = 100,
    HEARTBEAT_MS = 20,
    SILENT = 20,
    CROWD = 1200,         /* more than one host may have half open, and more than all may */
    HALF_OPEN_PEER = 512, /* what it may */
    HALF_OPEN = 1024,     /* what all may */
};

static void short_handshake(void *victim)
{
    set_int(victim, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
}

/* --- silence --------------------------------------------------------------------------------------------------------- */

/* Silent from the beginning, behind the greeting, or within the handshake. */
static void test_silence_in_the_handshake(void **state)
{
    for (int mechanism = ZMQ_NULL; mechanism <= ZMQ_CURVE; mechanism++) {
        for (int server = 0; server < 2; server++) {
            struct octets out = {.size = 0};
            struct arena arena;

            arena_open(&arena, *state, mechanism, server, short_handshake);
            put_right_greeting(&out, &arena);
            for (size_t size = 0; size <= out.size; size += 16) {
                const int fd = arena_attack(&arena);

                raw_write(fd, out.data, size);
                arena_exchange(&arena);
                arena_expect_reason(&arena, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, ANY_VALUE, "silence");
                arena_expect_left(&arena, fd);
            }
        }
    }
}

/* One octet every few milliseconds: the time that the handshake has does not begin anew with each of them. */
static void test_slow_handshake(void **state)
{
    struct octets out = {.size = 0};
    struct pollfd closed;
    struct arena arena;
    size_t sent = 0;

    arena_open(&arena, *state, ZMQ_NULL, true, short_handshake);
    put_right_greeting(&out, &arena);
    put_metadata_command(&out, "READY", "DEALER", NULL);
    closed = (struct pollfd){.fd = arena_attack(&arena), .events = POLLRDHUP};
    do {
        assert_true(sent < out.size);
        assert_true(send(closed.fd, out.data + sent++, 1, MSG_NOSIGNAL) == 1 || errno == EPIPE || errno == ECONNRESET);
        arena_exchange(&arena);
    } while (poll(&closed, 1, HANDSHAKE_MS / 20) == 0);
    arena_expect_reason(&arena, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, ANY_VALUE, "slowness");
}

static void heartbeats(void *victim)
{
    set_int(victim, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS);
    set_int(victim, ZMQ_HEARTBEAT_TIMEOUT, 4 * HEARTBEAT_MS);
}

/* READY, and then nothing: PINGs are not answered. The healthy peer's are. */
static void test_silence_in_traffic(void **state)
{
    for (int server = 0; server < 2; server++) {
        struct curve_peer peer;
        struct arena arena;
        int fd;

        arena_open(&arena, *state, ZMQ_CURVE, server, heartbeats);
        fd = arena_attack(&arena);
        (server ? curve_client_init : curve_server_init)(&peer);
        curve_join(&peer, fd, server ? "DEALER" : "ROUTER");
        assert_int_equal(next_event(arena.monitor).kind, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
        assert_int_equal(next_event(arena.monitor).kind, ZMQ_EVENT_DISCONNECTED);
        arena_expect_left(&arena, fd);
    }
}

/* --- starving the others --------------------------------------------------------------------------------------------- */

/* A bound socket with silent peers in front of and behind a healthy one. */
struct queue_of_peers {
    struct world *world;
    char endpoint[ENDPOINT_MAX];
    void *bound;
    void *healthy;
};

static void silent_peers(struct queue_of_peers *queue, int mechanism)
{
    for (int i = 0; i < SILENT; i++) {
        struct octets out = {.size = 0};
        const int fd = raw_connect(queue->world, queue->endpoint);

        put_greeting(&out, mechanism_name(mechanism), 3, 1);
        if (i % 2)
            wire_send(fd, &out);
    }
}

static void open_queue(struct queue_of_peers *queue, struct world *world, int mechanism, int bound_type, int other_type)
{
    queue->world = world;
    queue->bound = open_socket(world, bound_type);
    queue->healthy = open_socket(world, other_type);
    secure_server(queue->bound, mechanism);
    secure_client(queue->healthy, mechanism);
    bind_apart(queue->bound, queue->endpoint);
    silent_peers(queue, mechanism);
    assert_ok(zmq_connect(queue->healthy, queue->endpoint));
    silent_peers(queue, mechanism);
}

static void cve_2020_15166_server_hears_its_clients(void **state)
{
    for (int mechanism = ZMQ_NULL; mechanism <= ZMQ_CURVE; mechanism++) {
        struct queue_of_peers queue;

        open_queue(&queue, *state, mechanism, ZMQ_REP, ZMQ_REQ);
        for (int i = 0; i < 50; i++) {
            send_str(queue.healthy, "request");
            expect_str(queue.bound, "request");
            send_str(queue.bound, "reply");
            expect_str(queue.healthy, "reply");
        }
        for (size_t i = queue.world->fd_count; i > 0; i--)
            drop_fd(queue.world, queue.world->fds[i - 1]);
    }
}

/* What a bound socket sends goes to those who are there, not to those who have not said who they are. */
static void cve_2020_15166_clients_hear_their_server(void **state)
{
    static const int types[][2] = {{ZMQ_PUSH, ZMQ_PULL}, {ZMQ_PAIR, ZMQ_PAIR}, {ZMQ_DEALER, ZMQ_DEALER}};

    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        struct queue_of_peers queue;

        open_queue(&queue, *state, ZMQ_CURVE, types[k][0], types[k][1]);
        for (int i = 0; i < 3 * SILENT; i++)
            send_str(queue.bound, "message");
        for (int i = 0; i < 3 * SILENT; i++)
            expect_str(queue.healthy, "message");
        for (size_t i = queue.world->fd_count; i > 0; i--)
            drop_fd(queue.world, queue.world->fds[i - 1]);
    }
}

/* --- a crowd --------------------------------------------------------------------------------------------------------- */

/* Room for both ends of each connection. Returns how many connections there may be. */
static int make_room(void)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < 3 * CROWD && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max < 3 * CROWD ? limit.rlim_max : 3 * CROWD;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    }
    return limit.rlim_cur < 3 * CROWD ? (int)limit.rlim_cur / 3 : CROWD;
}

static void test_a_thousand_connections(void **state)
{
    const int size = make_room();
    int *fds = malloc((size_t)size * sizeof *fds);
    struct arena arena;
    void *newcomer;

    assert_non_null(fds);
    arena_open(&arena, *state, ZMQ_CURVE, true, NULL);
    for (int i = 0; i < size; i++) {
        fds[i] = dial(arena.endpoint);
        if (i % 10 == 0)
            arena_exchange(&arena);
    }
    newcomer = open_socket(*state, ZMQ_DEALER);
    secure_client(newcomer, ZMQ_CURVE);
    assert_ok(zmq_connect(newcomer, arena.endpoint));
    send_str(newcomer, "let me in");
    assert_returns(zmq_recv(arena.victim, &(char[8]){0}, 8, 0), 5);
    expect_str(arena.victim, "let me in");
    /* Those who came first had to give way. */
    for (int i = 0; i < size - HALF_OPEN_PEER; i++) {
        raw_expect_close(fds[i]);
        arena_expect_reason(&arena, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, EBUSY, "crowd");
    }
    for (int i = 0; i < size; i++)
        close(fds[i]);
    free(fds);
    arena_exchange(&arena);
}

/* Several hosts, none of which has more than it may, do not drive out one who is slow. */
static void test_a_crowd_of_several_hosts(void **state)
{
    static const char *const hosts[] = {"127.0.9.1", "127.0.9.2", "127.0.9.3"};
    const int size = make_room();
    int *fds = malloc((size_t)size * sizeof *fds);
    struct octets out = {.size = 0};
    struct arena arena;
    int slow;

    assert_non_null(fds);
    arena_open(&arena, *state, ZMQ_NULL, true, NULL);
    slow = keep_fd(*state, dial_from("127.0.9.4", arena.endpoint));
    wire_expect_greeting(slow, "NULL");
    for (int i = 0; i < size; i++) {
        fds[i] = dial_from(hosts[i % 3], arena.endpoint);
        if (i % 10 == 0)
            arena_exchange(&arena);
    }
    for (int i = 0; i < size + 1 - HALF_OPEN; i++)
        arena_expect_reason(&arena, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, EBUSY, "crowd");
    put_right_greeting(&out, &arena);
    put_metadata_command(&out, "READY", "DEALER", NULL);
    put_frame(&out, 0, "late", 4);
    wire_send(slow, &out);
    assert_int_equal(await_event(arena.monitor, OUTCOME).kind, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    assert_returns(zmq_recv(arena.victim, &(char[8]){0}, 8, 0), 5);
    expect_str(arena.victim, "late");
    for (int i = 0; i < size; i++)
        close(fds[i]);
    free(fds);
    drop_fd(*state, slow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(test_silence_in_the_handshake),
        arena_test(test_slow_handshake),
        arena_test(test_silence_in_traffic),
        arena_test(cve_2020_15166_server_hears_its_clients),
        arena_test(cve_2020_15166_clients_hear_their_server),
        arena_test(test_a_thousand_connections),
        arena_test(test_a_crowd_of_several_hosts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
