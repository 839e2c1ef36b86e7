/* SPDX-License-Identifier: ISC */
/* The helpers of hostile.h. */
#include "hostile.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Descriptors before the test; one test runs at a time. */
static int descriptors_before;

int count_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = -1; /* the directory's own */

    if (!directory)
        return -1;
    for (const struct dirent *entry; (entry = readdir(directory));)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

int arena_setup(void **state)
{
    zmq_pollitem_t none[2] = {{NULL, -1, ZMQ_POLLIN, 0}, {NULL, -1, ZMQ_POLLIN, 0}};

    zmq_poll(none, 2, 0); /* what a thread needs once and keeps */
    descriptors_before = count_descriptors();
    return zap_world_setup(state);
}

int arena_teardown(void **state)
{
    const int rc = zap_world_teardown(state);
    const int left = count_descriptors() - descriptors_before;

    if (left)
        print_error("%d descriptors are left over\n", left);
    return rc || left ? -1 : 0;
}

/* 127.1.0.0 and upwards, by process. */
static uint32_t own_host(void)
{
    return 0x7f010000u + (uint32_t)getpid() % 0xfe0000u;
}

void bind_apart(void *socket, char endpoint[ENDPOINT_MAX])
{
    const uint32_t host = own_host();

    snprintf(endpoint, ENDPOINT_MAX, "tcp://127.%u.%u.%u:*", host >> 16 & 255, host >> 8 & 255, host & 255);
    assert_ok(zmq_bind(socket, endpoint));
    last_endpoint(socket, endpoint);
}

int listen_apart(struct world *world, char endpoint[ENDPOINT_MAX])
{
    const uint32_t host = own_host();
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(host)};
    socklen_t size = sizeof address;
    const int fd = keep_fd(world, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));

    assert_int_equal(bind(fd, (const struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    snprintf(endpoint, ENDPOINT_MAX, "tcp://127.%u.%u.%u:%u", host >> 16 & 255, host >> 8 & 255, host & 255,
             (unsigned)ntohs(address.sin_port));
    return fd;
}

int dial_from(const char *source, const char *endpoint)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct sockaddr_in own = {.sin_family = AF_INET};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unsigned short port;
    char host[64];

    assert_true(fd >= 0);
    assert_int_equal(sscanf(endpoint, "tcp://%63[0-9.]:%hu", host, &port), 2);
    assert_int_equal(inet_pton(AF_INET, host, &address.sin_addr), 1);
    address.sin_port = htons(port);
    if (source) {
        assert_int_equal(inet_pton(AF_INET, source, &own.sin_addr), 1);
        assert_int_equal(bind(fd, (const struct sockaddr *)&own, sizeof own), 0);
    }
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

int dial(const char *endpoint)
{
    return dial_from(NULL, endpoint);
}

static void open_peers(struct arena *arena)
{
    arena->victim = open_socket(arena->world, arena->server ? ZMQ_ROUTER : ZMQ_DEALER);
    arena->healthy = open_socket(arena->world, arena->server ? ZMQ_DEALER : ZMQ_ROUTER);
    set_bytes(arena->server ? arena->healthy : arena->victim, ZMQ_ROUTING_ID, "peer", 4);
    (arena->server ? secure_server : secure_client)(arena->victim, arena->mechanism);
    (arena->server ? secure_client : secure_server)(arena->healthy, arena->mechanism);
    /* A client's messages must not wait in the pipe of a peer that is not READY. */
    set_int(arena->victim, ZMQ_IMMEDIATE, 1);
    set_int(arena->victim, ZMQ_RECONNECT_IVL, -1);
    if (!arena->server)
        set_int(arena->healthy, ZMQ_ROUTER_MANDATORY, 1);
}

void arena_open(struct arena *arena, struct world *world, int mechanism, bool server, void (*prepare)(void *victim))
{
    char endpoint[ENDPOINT_MAX];
    void *bound;

    *arena = (struct arena){.world = world, .mechanism = mechanism, .server = server, .listener = -1};
    open_peers(arena);
    if (prepare)
        prepare(arena->victim);
    arena->monitor =
        watch(world, arena->victim, HANDSHAKE_FAILED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED);
    bound = server ? arena->victim : arena->healthy;
    bind_apart(bound, endpoint);
    assert_ok(zmq_connect(server ? arena->healthy : arena->victim, endpoint));
    /* Where handshakes have little time, and the machine much to do, it may take a second attempt. */
    await_event(arena->monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    if (server)
        strcpy(arena->endpoint, endpoint);
    else
        arena->listener = listen_apart(world, arena->endpoint);
}

void arena_expect_healthy(struct arena *arena)
{
    char text[32];

    snprintf(text, sizeof text, "message %u", arena->said++);
    if (arena->server) {
        send_str(arena->healthy, text);
        expect_frames(arena->victim, "peer", text);
    } else {
        send_frames(arena->healthy, "peer", text);
        expect_str(arena->victim, text);
    }
}

void arena_exchange(struct arena *arena)
{
    char text[32];

    arena_expect_healthy(arena);
    snprintf(text, sizeof text, "reply %u", arena->said);
    if (arena->server) {
        send_frames(arena->victim, "peer", text);
        expect_str(arena->healthy, text);
    } else {
        send_str(arena->victim, text);
        expect_frames(arena->healthy, "peer", text);
    }
}

int arena_attack(struct arena *arena)
{
    if (arena->server)
        return raw_connect(arena->world, arena->endpoint);
    assert_ok(zmq_connect(arena->victim, arena->endpoint));
    return raw_accept(arena->world, arena->listener);
}

void drop_fd(struct world *world, int fd)
{
    for (size_t i = 0; i < world->fd_count; i++) {
        if (world->fds[i] == fd) {
            world->fds[i] = world->fds[--world->fd_count];
            close(fd);
            return;
        }
    }
    fail_msg("drop_fd: not a descriptor of this world");
}

void arena_leave(struct arena *arena, int fd)
{
    if (!arena->server)
        assert_ok(zmq_disconnect(arena->victim, arena->endpoint));
    drop_fd(arena->world, fd);
}

void arena_expect_left(struct arena *arena, int fd)
{
    raw_expect_close(fd);
    arena_leave(arena, fd);
    arena_exchange(arena);
}

void arena_expect_reason(struct arena *arena, int kind, uint32_t value, const char *name)
{
    const struct event reason = await_refusal(arena->monitor);

    if (reason.kind != kind || (value != ANY_VALUE && reason.value != value))
        print_error("%s %s, %s: event 0x%x with 0x%x, expected 0x%x with 0x%x\n", mechanism_name(arena->mechanism),
                    arena->server ? "server" : "client", name, reason.kind, (unsigned)reason.value, (unsigned)kind,
                    (unsigned)value);
    assert_int_equal(reason.kind, kind);
    if (value != ANY_VALUE)
        assert_int_equal(reason.value, value);
}

void put_right_greeting(struct octets *out, const struct arena *arena)
{
    const size_t at = out->size;

    put_greeting(out, mechanism_name(arena->mechanism), 3, 1);
    if (!arena->server && arena->mechanism != ZMQ_NULL)
        out->data[at + 32] = 1; /* as-server */
}

uint64_t random_next(struct random *random)
{
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return random->state * UINT64_C(0x2545f4914f6cdd1d);
}

size_t random_below(struct random *random, size_t limit)
{
    return (size_t)(random_next(random) >> 11) % limit;
}

void random_fill(struct random *random, void *data, size_t size)
{
    uint8_t *out = data;

    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(random_next(random) >> 32);
}
