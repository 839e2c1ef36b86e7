/* SPDX-License-Identifier: ISC */
/* What the tests of the public interface share. They speak zmq.h alone, so that the same test also runs on a foreign
 * libzmq.so.5. Every wait has a deadline: a test that fails ends. cmocka's assertions (and so all of these helpers)
 * are for the main thread; other threads hand their results over and let the main thread judge. */
#ifndef IH_TESTS_API_SUPPORT_H
#define IH_TESTS_API_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <zmq.h>

/* No wait for something that must come is longer than this. */
#define DEADLINE_MS 10000
/* A test that takes longer than this is killed by SIGALRM. */
#define TEST_SECONDS 120

#define ENDPOINT_MAX 256
#define WORLD_SOCKETS 256
#define WORLD_FDS 128

/* Owned by the fixture, used by the main thread only, lives for one test: a context, and all that was opened in it. */
struct world {
    void *context; /* set to NULL by a test that terminates it itself */
    void *sockets[WORLD_SOCKETS];
    size_t socket_count;
    int fds[WORLD_FDS];
    size_t fd_count;
    char directory[64]; /* for ipc, made at the first use; "" until then */
    struct {
        void *socket; /* NULL when it was closed before its monitor */
        void *monitor;
    } watches[WORLD_SOCKETS]; /* by watch, until the monitor is closed */
    size_t watch_count;
};

int world_setup(void **state);
int world_teardown(void **state);
#define world_test(function) cmocka_unit_test_setup_teardown(function, world_setup, world_teardown)

/* A socket with LINGER 0 and both timeouts at DEADLINE_MS, closed by the fixture. */
void *open_socket(struct world *world, int type);
/* One with every option at its default, which the fixture closes as well. */
void *open_plain_socket(struct world *world, int type);
/* Closes it now, and asserts that this succeeds. */
void close_socket(struct world *world, void *socket);
/* The fixture closes this descriptor too. Returns it. */
int keep_fd(struct world *world, int fd);
/* A path in the test's own temporary directory. */
void make_path(struct world *world, const char *name, char path[ENDPOINT_MAX]);

/* transport is "tcp", "ipc" or "inproc". */
void fresh_endpoint(struct world *world, const char *transport, char endpoint[ENDPOINT_MAX]);
/* Binds to a fresh endpoint and tells which: what another socket connects to. */
void bind_any(struct world *world, void *socket, const char *transport, char endpoint[ENDPOINT_MAX]);
void last_endpoint(void *socket, char endpoint[ENDPOINT_MAX]);

struct ends {
    void *bound;
    void *connected;
    char endpoint[ENDPOINT_MAX];
};
/* Two new sockets, the first bound and the second connected to it; the handshake may still be under way. */
struct ends join_pair(struct world *world, const char *transport, int bound_type, int connected_type);

void set_int(void *socket, int option, int value);
int get_int(void *socket, int option);
void set_bytes(void *socket, int option, const void *value, size_t size);
/* Blocks until the socket is ready for one of events (ZMQ_POLLIN, ZMQ_POLLOUT). Returns what it is ready for. */
short await_ready(void *socket, short events);

/* --- Assertions. Each macro names the line of the test that called it. --- */

/* The call returns -1 and leaves exactly this error number, in errno and in zmq_errno(). */
#define assert_fails(expression, number)                                         \
    do {                                                                         \
        errno = 0;                                                               \
        const int result_ = (expression);                                        \
        check_failure(result_ == -1, (number), #expression, __FILE__, __LINE__); \
    } while (0)
/* The same for a call that returns a pointer: NULL. */
#define assert_null_fails(expression, number)                                      \
    do {                                                                           \
        errno = 0;                                                                 \
        const void *const result_ = (expression);                                  \
        check_failure(result_ == NULL, (number), #expression, __FILE__, __LINE__); \
    } while (0)
/* The call returns exactly this number; says which error it had if it does not. */
#define assert_returns(expression, value)                                \
    do {                                                                 \
        errno = 0;                                                       \
        const int result_ = (expression);                                \
        check_result(result_, (value), #expression, __FILE__, __LINE__); \
    } while (0)
#define assert_ok(expression) assert_returns(expression, 0)

#define send_bytes(socket, data, size, flags) send_bytes_at((socket), (data), (size), (flags), __FILE__, __LINE__)
#define send_str(socket, text) send_list_at((socket), (const char *const[]){(text), NULL}, __FILE__, __LINE__)
/* One message of these frames, each a string. */
#define send_frames(socket, ...) send_list_at((socket), (const char *const[]){__VA_ARGS__, NULL}, __FILE__, __LINE__)

/* The next frame is exactly this. Says nothing about the frames after it. */
#define expect_bytes(socket, data, size) expect_bytes_at((socket), (data), (size), __FILE__, __LINE__)
/* The next message is exactly this one frame, or exactly these frames. */
#define expect_str(socket, text) expect_list_at((socket), (const char *const[]){(text), NULL}, __FILE__, __LINE__)
#define expect_frames(socket, ...) \
    expect_list_at((socket), (const char *const[]){__VA_ARGS__, NULL}, __FILE__, __LINE__)
/* The next frame as a string; asserts that it fits and counts its octets. Returns its length. */
#define recv_str(socket, buffer, capacity) recv_str_at((socket), (buffer), (capacity), __FILE__, __LINE__)
/* ZMQ_RCVMORE of the frame just received. */
#define expect_more(socket) expect_rcvmore_at((socket), 1, __FILE__, __LINE__)
#define expect_no_more(socket) expect_rcvmore_at((socket), 0, __FILE__, __LINE__)
/* Nothing is there now. Proves something only after an event that would have come later. */
#define expect_nothing(socket) expect_nothing_at((socket), __FILE__, __LINE__)

void check_failure(bool failed, int number, const char *expression, const char *file, int line);
void check_result(int result, int expected, const char *expression, const char *file, int line);
void send_bytes_at(void *socket, const void *data, size_t size, int flags, const char *file, int line);
void send_list_at(void *socket, const char *const *frames, const char *file, int line);
void expect_bytes_at(void *socket, const void *data, size_t size, const char *file, int line);
void expect_list_at(void *socket, const char *const *frames, const char *file, int line);
size_t recv_str_at(void *socket, char *buffer, size_t capacity, const char *file, int line);
void expect_rcvmore_at(void *socket, int more, const char *file, int line);
void expect_nothing_at(void *socket, const char *file, int line);

/* --- The monitor --- */

struct event {
    uint16_t kind;
    uint32_t value;
    char address[ENDPOINT_MAX];
};

/* Ends what watch began: a library may block where nobody reads the events of a socket any more. */
void stop_watching(struct world *world);
/* Monitors these events; returns the PAIR to read them from, which the fixture closes. */
void *watch(struct world *world, void *socket, int events);
/* The next event, whatever it is; asserts its two frames. */
struct event next_event(void *monitor);
/* The next event of one of these kinds (a mask), skipping others. */
struct event await_event(void *monitor, int kinds);
/* As join_pair, and waits until both ends have reported that the handshake succeeded. */
struct ends join_pair_ready(struct world *world, const char *transport, int bound_type, int connected_type);

/* --- TCP by hand, to speak ZMTP octet by octet. The fixture closes the descriptors. --- */

int raw_connect(struct world *world, const char *endpoint);
int raw_listen(struct world *world, char endpoint[ENDPOINT_MAX]);
int raw_accept(struct world *world, int listener);
void raw_write(int fd, const void *data, size_t size);
/* Reads exactly this many octets. */
void raw_read(int fd, void *data, size_t size);
/* Reads exactly these octets. */
void raw_expect(int fd, const void *data, size_t size);
/* The peer closes the connection; octets that come before that are skipped. */
void raw_expect_close(int fd);
/* A peer of this socket type ("DEALER", ...) under NULL, ZMTP 3.1: greeting and READY in both directions. The command
 * of the other side is returned in ready (its body without the frame header), its length as result. */
size_t raw_handshake(int fd, const char *socket_type, uint8_t ready[256]);
/* Now, in milliseconds, from a clock that never goes back. */
int64_t now_ms(void);

#endif
