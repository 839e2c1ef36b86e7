/* SPDX-License-Identifier: ISC */
/* No descriptors left: in a child process with a low limit, calls fail with EMFILE and leave nothing behind, listeners say
 * ACCEPT_FAILED without spinning, and everything goes on when there are descriptors again. */
#include "hostile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    LIMIT = 64,
    PAIRS = 250, /* of sockets that need no descriptor */
    LEVELS = 16, /* descriptors that are left, from none to enough for everything */
    PAUSES = 4,  /* failures to accept that must not come in less time than this */
    PAUSES_MS = 100,
};

/* In the child, where cmocka's assertions mean nothing. */
#define CHECK(condition)                                                                     \
    do {                                                                                     \
        if (!(condition)) {                                                                  \
            fprintf(stderr, "child, line %d: %s (errno %d)\n", __LINE__, #condition, errno); \
            _exit(1);                                                                        \
        }                                                                                    \
    } while (0)

/* Descriptors that the child holds so that there are none. */
static int held[LIMIT];
static int held_count;

static void exhaust(int left)
{
    int fd;

    while ((fd = dup(0)) >= 0)
        held[held_count++] = fd;
    while (left-- > 0 && held_count > 0)
        close(held[--held_count]);
}

static void release(void)
{
    while (held_count > 0)
        close(held[--held_count]);
}

/* Runs it in a child with few descriptors, and expects it to succeed. */
static void in_child(void (*run)(void))
{
    const pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit limit = {LIMIT, LIMIT};

        alarm(TEST_SECONDS);
        CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
        run();
        exit(0); /* with the leak check */
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (status != 0)
        fail_msg("the child ended with 0x%x", (unsigned)status);
}

static void set_option(void *socket, int option, int value)
{
    CHECK(zmq_setsockopt(socket, option, &value, sizeof value) == 0);
}

static void *new_socket(void *context, int type)
{
    void *socket = zmq_socket(context, type);

    CHECK(socket);
    set_option(socket, ZMQ_LINGER, 0);
    set_option(socket, ZMQ_RCVTIMEO, DEADLINE_MS);
    set_option(socket, ZMQ_SNDTIMEO, DEADLINE_MS);
    set_option(socket, ZMQ_RECONNECT_IVL, 10);
    return socket;
}

static void bind_to(void *socket, char endpoint[ENDPOINT_MAX])
{
    size_t size = ENDPOINT_MAX;

    CHECK(zmq_bind(socket, "tcp://127.0.0.1:*") == 0);
    CHECK(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0);
}

static void pass(void *from, void *to)
{
    char text[8];

    CHECK(zmq_send(from, "hello", 5, 0) == 5);
    CHECK(zmq_recv(to, text, sizeof text, 0) == 5);
}

/* --- calls ---------------------------------------------------------------------------------------------------------- */

static void sockets(void)
{
    for (int left = 0; left < LEVELS; left++) {
        void *context = zmq_ctx_new();
        const int before = count_descriptors();
        void *socket;

        CHECK(context);
        exhaust(left);
        socket = zmq_socket(context, ZMQ_PULL);
        CHECK(socket || errno == EMFILE);
        CHECK(left > 0 || !socket);
        CHECK(left < LEVELS - 1 || socket);
        CHECK(!socket || zmq_close(socket) == 0);
        release();
        socket = zmq_socket(context, ZMQ_PULL);
        CHECK(socket);
        CHECK(zmq_close(socket) == 0);
        CHECK(zmq_ctx_term(context) == 0);
        CHECK(count_descriptors() == before);
    }
}

static void test_sockets(void **state)
{
    (void)state;
    in_child(sockets);
}

static void receive_one(void *socket)
{
    char text[8];

    CHECK(zmq_recv(socket, text, sizeof text, 0) == 1);
}

/* Sockets that talk within the process, threads that sleep in them included, take no descriptor; one that gets a transport
 * later takes what it needs then, and says so if there is none. */
static void inproc_only(void)
{
    void *context = zmq_ctx_new(), *pull[PAIRS], *push[PAIRS];
    int before;

    CHECK(zmq_close(new_socket(context, ZMQ_PULL)) == 0);
    before = count_descriptors();
    for (int i = 0; i < PAIRS; i++) {
        char name[32];

        snprintf(name, sizeof name, "inproc://%d", i);
        pull[i] = new_socket(context, ZMQ_PULL);
        push[i] = new_socket(context, ZMQ_PUSH);
        CHECK(zmq_bind(pull[i], name) == 0 && zmq_connect(push[i], name) == 0);
    }
    exhaust(0);
    for (int i = 0; i < PAIRS; i++) {
        void *thread = zmq_threadstart(receive_one, pull[i]);

        CHECK(thread);
        CHECK(zmq_send(push[i], "x", 1, 0) == 1);
        zmq_threadclose(thread);
    }
    CHECK(zmq_bind(pull[0], "tcp://127.0.0.1:*") == -1 && errno == EMFILE);
    pass(push[0], pull[0]);
    release();
    CHECK(count_descriptors() == before);
    CHECK(zmq_bind(pull[0], "tcp://127.0.0.1:*") == 0);
    pass(push[0], pull[0]);
    for (int i = 0; i < PAIRS; i++)
        CHECK(zmq_close(pull[i]) == 0 && zmq_close(push[i]) == 0);
    CHECK(zmq_ctx_term(context) == 0);
}

static void test_inproc_only(void **state)
{
    (void)state;
    in_child(inproc_only);
}

/* zmq_bind or zmq_connect on each transport with so many descriptors left; then as it should be. before: descriptors that
 * are open without it. (They are not counted here: a thread that looks up a name may have a file open just then.) */
static void endpoints_of(void *context, int before, const char *endpoint, int (*call)(void *, const char *), int left)
{
    void *socket = new_socket(context, ZMQ_DEALER);
    int rc;

    exhaust(left);
    rc = call(socket, endpoint);
    CHECK(rc == 0 || errno == EMFILE);
    CHECK(left < LEVELS - 1 || rc == 0);
    release();
    if (rc < 0)
        CHECK(call(socket, endpoint) == 0);
    CHECK(zmq_close(socket) == 0);
    for (int64_t end = now_ms() + DEADLINE_MS; count_descriptors() != before;)
        CHECK(now_ms() < end); /* the socket's end is the I/O thread's affair, and a lookup may be under way */
}

static void endpoints(void)
{
    char abstract[64];
    const char *const names[] = {"tcp://127.0.0.1:*", "ipc://*", abstract, "inproc://name"};
    void *context = zmq_ctx_new();
    int before;

    snprintf(abstract, sizeof abstract, "ipc://@ironhouse-descriptors-%d", (int)getpid());
    CHECK(zmq_close(new_socket(context, ZMQ_PULL)) == 0);
    before = count_descriptors();
    for (int left = 0; left < LEVELS; left++) {
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            endpoints_of(context, before, names[i], zmq_bind, left);
        endpoints_of(context, before, "tcp://127.0.0.1:1", zmq_connect, left);
        endpoints_of(context, before, "tcp://localhost:1", zmq_connect, left);
        endpoints_of(context, before, "ipc:///nowhere/at/all", zmq_connect, left);
        endpoints_of(context, before, "inproc://nobody", zmq_connect, left);
    }
    CHECK(zmq_ctx_term(context) == 0);
}

static void test_endpoints(void **state)
{
    (void)state;
    in_child(endpoints);
}

/* Other calls that may need a descriptor. */
static void other_calls(void)
{
    void *context = zmq_ctx_new();
    void *socket = new_socket(context, ZMQ_DEALER);

    for (int left = 0; left < LEVELS; left++) {
        zmq_pollitem_t items[2] = {{socket, 0, ZMQ_POLLIN, 0}, {socket, 0, ZMQ_POLLIN, 0}};
        size_t size = sizeof(int);
        char text[8];
        int fd, rc;

        exhaust(left);
        CHECK(zmq_getsockopt(socket, ZMQ_FD, &fd, &size) == 0 || errno == EMFILE);
        rc = zmq_poll(items, 2, 1); /* a thread's first one takes a descriptor */
        CHECK(rc == 0 || (rc == -1 && errno == EMFILE));
        CHECK(zmq_recv(socket, text, sizeof text, ZMQ_DONTWAIT) == -1 && errno == EAGAIN);
        CHECK(zmq_socket_monitor(socket, "inproc://monitor", ZMQ_EVENT_ALL) == 0 || errno == EMFILE);
        CHECK(zmq_socket_monitor(socket, NULL, 0) == 0);
        release();
    }
    CHECK(zmq_close(socket) == 0);
    CHECK(zmq_ctx_term(context) == 0);
}

static void test_other_calls(void **state)
{
    (void)state;
    in_child(other_calls);
}

/* --- connections ------------------------------------------------------------------------------------------------------ */

/* A server with a client, and a monitor. */
struct host {
    void *context, *server, *client, *monitor;
    char endpoint[ENDPOINT_MAX];
};

static void open_host(struct host *host, int events)
{
    host->context = zmq_ctx_new();
    host->server = new_socket(host->context, ZMQ_PULL);
    host->client = new_socket(host->context, ZMQ_PUSH);
    host->monitor = new_socket(host->context, ZMQ_PAIR);
    CHECK(zmq_socket_monitor(host->server, "inproc://monitor", events) == 0);
    CHECK(zmq_connect(host->monitor, "inproc://monitor") == 0);
    bind_to(host->server, host->endpoint);
    CHECK(zmq_connect(host->client, host->endpoint) == 0);
    pass(host->client, host->server);
}

static void close_host(struct host *host)
{
    CHECK(zmq_close(host->monitor) == 0);
    CHECK(zmq_close(host->client) == 0);
    CHECK(zmq_close(host->server) == 0);
    CHECK(zmq_ctx_term(host->context) == 0);
}

static struct event read_event(void *monitor)
{
    struct event event;
    uint8_t head[6];
    int size;

    CHECK(zmq_recv(monitor, head, sizeof head, 0) == 6);
    memcpy(&event.kind, head, 2);
    memcpy(&event.value, head + 2, 4);
    size = zmq_recv(monitor, event.address, sizeof event.address, 0);
    CHECK(size >= 0 && size < ENDPOINT_MAX);
    event.address[size] = '\0';
    return event;
}

/* A client by hand: its descriptor is there before there are none. */
static int dial_with(int fd, const char *endpoint)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    address.sin_port = htons((uint16_t)atoi(strrchr(endpoint, ':') + 1));
    return connect(fd, (struct sockaddr *)&address, sizeof address);
}

static void accepting(void)
{
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct host host;
    char signature;
    int64_t begin;

    open_host(&host, ZMQ_EVENT_ACCEPT_FAILED);
    exhaust(0);
    CHECK(dial_with(fd, host.endpoint) == 0);
    begin = now_ms();
    for (int i = 0; i < PAUSES; i++) {
        const struct event event = read_event(host.monitor);

        CHECK(event.kind == ZMQ_EVENT_ACCEPT_FAILED);
        CHECK(event.value == EMFILE);
        CHECK(strcmp(event.address, host.endpoint) == 0);
        pass(host.client, host.server);
    }
    CHECK(now_ms() - begin >= PAUSES_MS);
    release();
    CHECK(read(fd, &signature, 1) == 1); /* the greeting */
    pass(host.client, host.server);
    close(fd);
    close_host(&host);
}

/* A listener that never had a timer before needs one to pause. */
static void accepting_first(void)
{
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct host host = {.context = zmq_ctx_new()};
    int64_t begin;
    char signature;

    host.server = new_socket(host.context, ZMQ_PULL);
    host.monitor = new_socket(host.context, ZMQ_PAIR);
    CHECK(zmq_socket_monitor(host.server, "inproc://monitor", ZMQ_EVENT_ACCEPT_FAILED) == 0);
    CHECK(zmq_connect(host.monitor, "inproc://monitor") == 0);
    bind_to(host.server, host.endpoint);
    exhaust(0);
    CHECK(dial_with(fd, host.endpoint) == 0);
    begin = now_ms();
    for (int i = 0; i < PAUSES; i++)
        CHECK(read_event(host.monitor).kind == ZMQ_EVENT_ACCEPT_FAILED);
    CHECK(now_ms() - begin >= PAUSES_MS);
    release();
    CHECK(read(fd, &signature, 1) == 1);
    close(fd);
    CHECK(zmq_close(host.monitor) == 0);
    CHECK(zmq_close(host.server) == 0);
    CHECK(zmq_ctx_term(host.context) == 0);
}

/* Whoever holds the descriptors and says nothing gives way, long before ZMQ_HANDSHAKE_IVL; who is let in stays. */
static void accepting_behind_silence(void)
{
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const struct timeval deadline = {.tv_sec = DEADLINE_MS / 1000};
    struct event event;
    struct host host;
    int silent[3];
    char signature;

    CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline) == 0);
    open_host(&host, ZMQ_EVENT_ACCEPT_FAILED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
    for (int i = 0; i < 3; i++) {
        silent[i] = socket(AF_INET, SOCK_STREAM, 0);
        CHECK(dial_with(silent[i], host.endpoint) == 0);
        CHECK(read(silent[i], &signature, 1) == 1); /* it is accepted */
    }
    exhaust(0);
    CHECK(dial_with(fd, host.endpoint) == 0);
    CHECK(read(fd, &signature, 1) == 1);
    do
        event = read_event(host.monitor);
    while (event.kind == ZMQ_EVENT_ACCEPT_FAILED);
    CHECK(event.value == EBUSY);
    pass(host.client, host.server);
    release();
    for (int i = 0; i < 3; i++)
        close(silent[i]);
    close(fd);
    close_host(&host);
}

static void test_accepting(void **state)
{
    (void)state;
    in_child(accepting);
    in_child(accepting_behind_silence);
    in_child(accepting_first);
}

/* The connection breaks, and there is no descriptor for the next one: it comes when there is. */
static void connecting(void)
{
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    void *context = zmq_ctx_new();
    void *client = new_socket(context, ZMQ_DEALER);
    void *monitor = new_socket(context, ZMQ_PAIR);
    char endpoint[ENDPOINT_MAX], signature;
    int fd, before;

    set_option(client, ZMQ_RECONNECT_IVL, 100);
    CHECK(bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 8) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    CHECK(zmq_socket_monitor(client, "inproc://monitor", ZMQ_EVENT_CLOSED | ZMQ_EVENT_CONNECT_RETRIED) == 0);
    CHECK(zmq_connect(monitor, "inproc://monitor") == 0);
    CHECK(zmq_connect(client, endpoint) == 0);
    fd = accept(listener, NULL, NULL);
    CHECK(fd >= 0 && read(fd, &signature, 1) == 1);
    exhaust(0);
    before = held_count;
    shutdown(fd, SHUT_RDWR);
    for (const int64_t end = now_ms() + DEADLINE_MS; held_count == before; exhaust(0))
        CHECK(now_ms() < end); /* its own descriptor must be taken, before the next attempt */
    while (read_event(monitor).kind != ZMQ_EVENT_CLOSED)
        continue;
    for (int i = 0; i < 3; i++)
        read_event(monitor);
    release();
    close(fd);
    fd = accept(listener, NULL, NULL);
    CHECK(fd >= 0 && read(fd, &signature, 1) == 1);
    close(fd);
    close(listener);
    CHECK(zmq_close(monitor) == 0);
    CHECK(zmq_close(client) == 0);
    CHECK(zmq_ctx_term(context) == 0);
}

static void test_connecting(void **state)
{
    (void)state;
    in_child(connecting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sockets),     cmocka_unit_test(test_inproc_only), cmocka_unit_test(test_endpoints),
        cmocka_unit_test(test_other_calls), cmocka_unit_test(test_accepting),   cmocka_unit_test(test_connecting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
