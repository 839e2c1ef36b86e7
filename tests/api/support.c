/* SPDX-License-Identifier: ISC */
/* The helpers of support.h. */
#include "support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <ftw.h>
#include <time.h>
#include <unistd.h>

int world_setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    if (!world)
        return -1;
    world->context = zmq_ctx_new();
    *state = world;
    alarm(TEST_SECONDS);
    return world->context ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

int world_teardown(void **state)
{
    struct world *world = *state;
    stop_watching(world);
    for (size_t i = 0; i < world->socket_count; i++) {
        zmq_setsockopt(world->sockets[i], ZMQ_LINGER, &(int){0}, sizeof(int));
        zmq_close(world->sockets[i]);
    }
    for (size_t i = 0; i < world->fd_count; i++)
        close(world->fds[i]);
    int result = 0;
    if (world->context)
        result = zmq_ctx_term(world->context);
    if (world->directory[0])
        nftw(world->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(world);
    alarm(0);
    return result;
}

void *open_plain_socket(struct world *world, int type)
{
    assert_true(world->socket_count < WORLD_SOCKETS);
    void *socket = zmq_socket(world->context, type);
    assert_non_null(socket);
    world->sockets[world->socket_count++] = socket;
    return socket;
}

void *open_socket(struct world *world, int type)
{
    void *socket = open_plain_socket(world, type);
    set_int(socket, ZMQ_LINGER, 0);
    set_int(socket, ZMQ_RCVTIMEO, DEADLINE_MS);
    set_int(socket, ZMQ_SNDTIMEO, DEADLINE_MS);
    return socket;
}

/* Reads the events of a socket that is closing, until its end of the monitor is gone. That may last as long as a
 * handshake that hangs, so this is a try only. */
static void drain_monitor(void *monitor)
{
    const int64_t limit = now_ms() + 200;
    while (now_ms() < limit) {
        int events = 0;
        size_t size = sizeof events;
        while (zmq_recv(monitor, NULL, 0, ZMQ_DONTWAIT) >= 0)
            ;
        if (zmq_getsockopt(monitor, ZMQ_EVENTS, &events, &size) != 0 || events == 0)
            return;
        zmq_pollitem_t item = {monitor, 0, ZMQ_POLLIN, 0};
        zmq_poll(&item, 1, 1);
    }
}

static void stop_watch(struct world *world, size_t index)
{
    if (world->watches[index].socket)
        zmq_socket_monitor(world->watches[index].socket, NULL, 0);
    else
        drain_monitor(world->watches[index].monitor);
    world->watches[index] = world->watches[--world->watch_count];
}

void stop_watching(struct world *world)
{
    while (world->watch_count > 0)
        stop_watch(world, 0);
}

/* A socket about to be closed may still tell its monitor of its end; a monitor is stopped first. */
static void leave_watch(struct world *world, void *socket)
{
    for (size_t i = world->watch_count; i-- > 0;)
        if (world->watches[i].socket == socket)
            world->watches[i].socket = NULL;
        else if (world->watches[i].monitor == socket)
            stop_watch(world, i);
}

void close_socket(struct world *world, void *socket)
{
    leave_watch(world, socket);
    for (size_t i = 0; i < world->socket_count; i++)
        if (world->sockets[i] == socket) {
            world->sockets[i] = world->sockets[--world->socket_count];
            assert_ok(zmq_close(socket));
            return;
        }
    fail_msg("close_socket: not a socket of this world");
}

int keep_fd(struct world *world, int fd)
{
    assert_true(fd >= 0);
    assert_true(world->fd_count < WORLD_FDS);
    world->fds[world->fd_count++] = fd;
    return fd;
}

void make_path(struct world *world, const char *name, char path[ENDPOINT_MAX])
{
    if (!world->directory[0]) {
        char template[] = "/tmp/zmq-test-XXXXXX";
        assert_non_null(mkdtemp(template));
        strcpy(world->directory, template);
    }
    snprintf(path, ENDPOINT_MAX, "%s/%s", world->directory, name);
}

void fresh_endpoint(struct world *world, const char *transport, char endpoint[ENDPOINT_MAX])
{
    static unsigned serial;
    char name[32];
    snprintf(name, sizeof name, "endpoint-%u", serial++);
    if (strcmp(transport, "tcp") == 0) {
        strcpy(endpoint, "tcp://127.0.0.1:*");
    } else if (strcmp(transport, "inproc") == 0) {
        snprintf(endpoint, ENDPOINT_MAX, "inproc://%s", name);
    } else {
        assert_string_equal(transport, "ipc");
        char path[ENDPOINT_MAX];
        make_path(world, name, path);
        snprintf(endpoint, ENDPOINT_MAX, "ipc://%.200s", path);
    }
}

void last_endpoint(void *socket, char endpoint[ENDPOINT_MAX])
{
    size_t size = ENDPOINT_MAX;
    assert_ok(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size));
    assert_true(size > 0);
    assert_int_equal(strlen(endpoint), size - 1);
}

void bind_any(struct world *world, void *socket, const char *transport, char endpoint[ENDPOINT_MAX])
{
    fresh_endpoint(world, transport, endpoint);
    assert_ok(zmq_bind(socket, endpoint));
    last_endpoint(socket, endpoint);
}

struct ends join_pair(struct world *world, const char *transport, int bound_type, int connected_type)
{
    struct ends ends;
    ends.bound = open_socket(world, bound_type);
    ends.connected = open_socket(world, connected_type);
    bind_any(world, ends.bound, transport, ends.endpoint);
    assert_ok(zmq_connect(ends.connected, ends.endpoint));
    return ends;
}

void set_int(void *socket, int option, int value)
{
    assert_ok(zmq_setsockopt(socket, option, &value, sizeof value));
}

int get_int(void *socket, int option)
{
    int value = 0;
    size_t size = sizeof value;
    assert_ok(zmq_getsockopt(socket, option, &value, &size));
    assert_int_equal(size, sizeof value);
    return value;
}

void set_bytes(void *socket, int option, const void *value, size_t size)
{
    assert_ok(zmq_setsockopt(socket, option, value, size));
}

short await_ready(void *socket, short events)
{
    zmq_pollitem_t item = {socket, 0, events, 0};
    assert_returns(zmq_poll(&item, 1, DEADLINE_MS), 1);
    return item.revents;
}

void check_failure(bool failed, int number, const char *expression, const char *file, int line)
{
    const int got = errno;
    const int told = zmq_errno();
    if (failed && got == number && told == number)
        return;
    if (failed)
        print_error("%s: errno is %d (%s), zmq_errno() %d, expected %d (%s)\n", expression, got, zmq_strerror(got),
                    told, number, zmq_strerror(number));
    else
        print_error("%s: did not fail, expected %d (%s)\n", expression, number, zmq_strerror(number));
    _fail(file, line);
}

void check_result(int result, int expected, const char *expression, const char *file, int line)
{
    const int number = zmq_errno();
    if (result == expected)
        return;
    print_error("%s: returned %d, expected %d, errno %d (%s)\n", expression, result, expected, number,
                zmq_strerror(number));
    _fail(file, line);
}

void send_bytes_at(void *socket, const void *data, size_t size, int flags, const char *file, int line)
{
    check_result(zmq_send(socket, data, size, flags), (int)size, "zmq_send", file, line);
}

void send_list_at(void *socket, const char *const *frames, const char *file, int line)
{
    for (; *frames; frames++)
        send_bytes_at(socket, *frames, strlen(*frames), frames[1] ? ZMQ_SNDMORE : 0, file, line);
}

static void print_text(const char *title, const uint8_t *data, size_t size)
{
    print_error("%s (%zu):", title, size);
    for (size_t i = 0; i < size && i < 80; i++)
        print_error(data[i] >= ' ' && data[i] < 127 ? "%c" : "\\x%02x", data[i]);
    print_error("\n");
}

void expect_bytes_at(void *socket, const void *data, size_t size, const char *file, int line)
{
    zmq_msg_t message;
    assert_ok(zmq_msg_init(&message));
    const int got = zmq_msg_recv(&message, socket, 0);
    if (got < 0)
        check_result(got, (int)size, "zmq_msg_recv", file, line);
    const bool same = (size_t)got == size && (size == 0 || memcmp(zmq_msg_data(&message), data, size) == 0);
    if (!same) {
        print_text("received", zmq_msg_data(&message), (size_t)got);
        print_text("expected", data, size);
    }
    zmq_msg_close(&message);
    if (!same)
        _fail(file, line);
}

void expect_list_at(void *socket, const char *const *frames, const char *file, int line)
{
    for (; *frames; frames++) {
        expect_bytes_at(socket, *frames, strlen(*frames), file, line);
        expect_rcvmore_at(socket, frames[1] ? 1 : 0, file, line);
    }
}

size_t recv_str_at(void *socket, char *buffer, size_t capacity, const char *file, int line)
{
    const int size = zmq_recv(socket, buffer, capacity - 1, 0);
    if (size < 0)
        check_result(size, 0, "zmq_recv", file, line);
    if ((size_t)size >= capacity) {
        print_error("zmq_recv: %d octets, room for %zu\n", size, capacity - 1);
        _fail(file, line);
    }
    buffer[size] = '\0';
    return (size_t)size;
}

void expect_rcvmore_at(void *socket, int more, const char *file, int line)
{
    check_result(get_int(socket, ZMQ_RCVMORE), more, "ZMQ_RCVMORE", file, line);
}

void expect_nothing_at(void *socket, const char *file, int line)
{
    char byte;
    errno = 0;
    const int size = zmq_recv(socket, &byte, 1, ZMQ_DONTWAIT);
    check_failure(size == -1, EAGAIN, "zmq_recv(DONTWAIT)", file, line);
}

void *watch(struct world *world, void *socket, int events)
{
    char endpoint[ENDPOINT_MAX];
    fresh_endpoint(world, "inproc", endpoint);
    assert_ok(zmq_socket_monitor(socket, endpoint, events));
    void *monitor = open_socket(world, ZMQ_PAIR);
    assert_ok(zmq_connect(monitor, endpoint));
    world->watches[world->watch_count].socket = socket;
    world->watches[world->watch_count++].monitor = monitor;
    return monitor;
}

struct event next_event(void *monitor)
{
    struct event event;
    uint8_t head[7];
    assert_returns(zmq_recv(monitor, head, sizeof head, 0), 6);
    expect_more(monitor);
    memcpy(&event.kind, head, 2);
    memcpy(&event.value, head + 2, 4);
    recv_str(monitor, event.address, sizeof event.address);
    expect_no_more(monitor);
    return event;
}

struct event await_event(void *monitor, int kinds)
{
    struct event event;
    const int64_t end = now_ms() + DEADLINE_MS;
    do {
        assert_true(now_ms() < end);
        event = next_event(monitor);
    } while (!(event.kind & kinds));
    return event;
}

struct ends join_pair_ready(struct world *world, const char *transport, int bound_type, int connected_type)
{
    if (strcmp(transport, "inproc") == 0)
        return join_pair(world, transport, bound_type, connected_type);
    struct ends ends;
    ends.bound = open_socket(world, bound_type);
    ends.connected = open_socket(world, connected_type);
    void *monitors[] = {
        watch(world, ends.bound, ZMQ_EVENT_HANDSHAKE_SUCCEEDED),
        watch(world, ends.connected, ZMQ_EVENT_HANDSHAKE_SUCCEEDED),
    };
    bind_any(world, ends.bound, transport, ends.endpoint);
    assert_ok(zmq_connect(ends.connected, ends.endpoint));
    for (int i = 0; i < 2; i++)
        await_event(monitors[i], ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    assert_ok(zmq_socket_monitor(ends.bound, NULL, 0));
    assert_ok(zmq_socket_monitor(ends.connected, NULL, 0));
    for (int i = 0; i < 2; i++)
        close_socket(world, monitors[i]);
    return ends;
}

static struct sockaddr_in parse_address(const char *endpoint)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    char host[64];
    unsigned short port;
    assert_int_equal(sscanf(endpoint, "tcp://%63[0-9.]:%hu", host, &port), 2);
    assert_int_equal(inet_pton(AF_INET, host, &address.sin_addr), 1);
    address.sin_port = htons(port);
    return address;
}

int raw_connect(struct world *world, const char *endpoint)
{
    const struct sockaddr_in address = parse_address(endpoint);
    const int fd = keep_fd(world, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

int raw_listen(struct world *world, char endpoint[ENDPOINT_MAX])
{
    struct sockaddr_in address = parse_address("tcp://127.0.0.1:0");
    socklen_t size = sizeof address;
    const int fd = keep_fd(world, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    snprintf(endpoint, ENDPOINT_MAX, "tcp://127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    return fd;
}

static void await_readable(int fd)
{
    struct pollfd item = {fd, POLLIN, 0};
    if (poll(&item, 1, DEADLINE_MS) != 1)
        fail_msg("nothing arrived on the raw socket before the deadline");
}

int raw_accept(struct world *world, int listener)
{
    await_readable(listener);
    return keep_fd(world, accept(listener, NULL, NULL));
}

void raw_write(int fd, const void *data, size_t size)
{
    const uint8_t *at = data;
    while (size > 0) {
        const ssize_t done = send(fd, at, size, MSG_NOSIGNAL);
        assert_true(done > 0);
        at += done;
        size -= (size_t)done;
    }
}

void raw_read(int fd, void *data, size_t size)
{
    uint8_t *at = data;
    while (size > 0) {
        await_readable(fd);
        const ssize_t done = read(fd, at, size);
        if (done <= 0)
            fail_msg("the raw socket ended with %zu octets still to come", size);
        at += done;
        size -= (size_t)done;
    }
}

void raw_expect(int fd, const void *data, size_t size)
{
    uint8_t buffer[4096];
    assert_true(size <= sizeof buffer);
    raw_read(fd, buffer, size);
    assert_memory_equal(buffer, data, size);
}

void raw_expect_close(int fd)
{
    uint8_t buffer[4096];
    ssize_t done;
    do {
        await_readable(fd);
        done = read(fd, buffer, sizeof buffer);
    } while (done > 0);
    assert_true(done == 0 || errno == ECONNRESET);
}

/* RFC 37, "The Greeting" and "The NULL mechanism". */
size_t raw_handshake(int fd, const char *socket_type, uint8_t ready[256])
{
    uint8_t greeting[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1, 'N', 'U', 'L', 'L'};
    raw_write(fd, greeting, sizeof greeting);
    raw_read(fd, greeting, sizeof greeting);
    assert_int_equal(greeting[0], 0xff);
    assert_int_equal(greeting[9], 0x7f);
    assert_int_equal(greeting[10], 3);

    uint8_t command[64] = {0x04, 0, 5, 'R', 'E', 'A', 'D', 'Y', 11};
    const size_t length = strlen(socket_type);
    assert_true(length < 16);
    memcpy(command + 9, "Socket-Type", 11);
    command[23] = (uint8_t)length;
    memcpy(command + 24, socket_type, length);
    command[1] = (uint8_t)(22 + length);
    raw_write(fd, command, 24 + length);

    uint8_t header[2];
    raw_read(fd, header, sizeof header);
    assert_int_equal(header[0], 0x04);
    raw_read(fd, ready, header[1]);
    return header[1];
}

int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
