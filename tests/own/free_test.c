/* SPDX-License-Identifier: ISC */
/* The free function of zmq_msg_init_data may call the library, whatever it was that gave the message up and on whatever
 * thread: no lock of the socket's is held then. Each test that fails hangs, until SIGALRM. */
#include "hostile.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SIZE = 100,
    LARGE = 65536, /* more than is copied into a batch */
    MANY = 300,
};

/* One test's. The free function may run on an I/O thread. */
static void *probed[2];           /* sockets that the free function enters */
static void *probed_context;      /* the free function calls zmq_ctx_shutdown, which enters all its sockets */
static int signal_fd;             /* -1, or where it writes an octet at its end */
static atomic_uint freed, failed; /* calls of the free function; calls of the library in it that failed */

static void call_back(void *data, void *hint)
{
    (void)hint;
    for (size_t i = 0; i < 2; i++) {
        int events;
        size_t size = sizeof events;

        if (probed[i] && zmq_getsockopt(probed[i], ZMQ_EVENTS, &events, &size) < 0)
            atomic_fetch_add(&failed, 1);
    }
    if (probed_context && zmq_ctx_shutdown(probed_context) < 0)
        atomic_fetch_add(&failed, 1);
    free(data);
    atomic_fetch_add(&freed, 1);
    if (signal_fd >= 0 && write(signal_fd, "", 1) != 1)
        atomic_fetch_add(&failed, 1);
}

static int setup(void **state)
{
    memset(probed, 0, sizeof probed);
    probed_context = NULL;
    signal_fd = -1;
    atomic_store(&freed, 0);
    atomic_store(&failed, 0);
    return world_setup(state);
}

#define free_test(function) cmocka_unit_test_setup_teardown(function, setup, world_teardown)

static zmq_msg_t message(size_t size)
{
    zmq_msg_t msg;

    assert_ok(zmq_msg_init_data(&msg, calloc(1, size), size, call_back, NULL));
    return msg;
}

/* What zmq_msg_send returns, or -1; what was not sent is closed. */
static int give(void *socket, size_t size, int flags)
{
    zmq_msg_t msg = message(size);
    const int rc = zmq_msg_send(&msg, socket, flags);

    assert_ok(zmq_msg_close(&msg));
    return rc;
}

static void give_many(void *socket)
{
    for (int i = 0; i < MANY; i++)
        assert_returns(give(socket, SIZE, ZMQ_DONTWAIT), SIZE);
}

static void expect_freed(unsigned count)
{
    assert_int_equal(atomic_load(&freed), count);
    assert_int_equal(atomic_load(&failed), 0);
}

/* Drives the socket until everything that was given is freed. */
static void await_freed(void *socket, unsigned count)
{
    const int64_t deadline = now_ms() + DEADLINE_MS;

    while (atomic_load(&freed) < count) {
        zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN, 0};

        assert_true(now_ms() < deadline);
        assert_true(zmq_poll(&item, 1, 1) >= 0);
    }
    expect_freed(count);
}

/* A PUSH whose peer never answers, with messages for it. */
static void *open_waiting(struct world *world, char endpoint[ENDPOINT_MAX])
{
    void *push = open_socket(world, ZMQ_PUSH);

    raw_listen(world, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    probed[0] = push;
    give_many(push);
    return push;
}

static void disconnected(void **state)
{
    char endpoint[ENDPOINT_MAX];
    void *push = open_waiting(*state, endpoint);

    assert_ok(zmq_disconnect(push, endpoint));
    expect_freed(MANY);
}

/* The last part of a message that is given up with its beginning. */
static void unfinished(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = open_socket(world, ZMQ_PUSH);

    raw_listen(world, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    probed[0] = push;
    for (int i = 0; i < MANY; i++)
        assert_returns(give(push, SIZE, ZMQ_SNDMORE), SIZE);
    assert_ok(zmq_disconnect(push, endpoint));
    expect_freed(MANY);
}

static void lingered(void **state)
{
    char endpoint[ENDPOINT_MAX];
    void *push = open_waiting(*state, endpoint);

    set_int(push, ZMQ_LINGER, 1);
    assert_ok(zmq_disconnect(push, endpoint));
    await_freed(push, MANY);
}

static void closed(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = open_waiting(world, endpoint);

    probed[0] = NULL;
    probed_context = world->context;
    close_socket(world, push);
    expect_freed(MANY);
}

/* The I/O thread ends the lingering. */
static void closed_lingering(void **state)
{
    struct world *world = *state;
    char endpoint[ENDPOINT_MAX];
    void *push = open_waiting(world, endpoint);
    char octets[MANY];
    int pipes[2];

    assert_ok(pipe(pipes));
    keep_fd(world, pipes[0]);
    signal_fd = keep_fd(world, pipes[1]);
    probed[0] = NULL;
    probed_context = world->context;
    set_int(push, ZMQ_LINGER, 1);
    close_socket(world, push);
    raw_read(pipes[0], octets, MANY);
    expect_freed(MANY);
}

static void peer_lost(void **state)
{
    struct world *world = *state;
    void *push = open_socket(world, ZMQ_PUSH);
    char endpoint[ENDPOINT_MAX];
    unsigned given = 0;
    int peer;

    bind_any(world, push, "tcp", endpoint);
    peer = wire_join(world, endpoint, "PULL", "PUSH");
    probed[0] = push;
    set_int(push, ZMQ_SNDTIMEO, 0);
    await_ready(push, ZMQ_POLLOUT);
    while (give(push, LARGE, 0) == LARGE)
        given++;
    given++; /* what was refused is freed too */
    wire_close(world, peer);
    await_freed(push, given);
}

static void written(void **state)
{
    struct ends ends = join_pair_ready(*state, "tcp", ZMQ_PULL, ZMQ_PUSH);
    zmq_msg_t msg;

    probed[0] = ends.connected;
    assert_ok(zmq_msg_init(&msg));
    for (int i = 0; i < MANY; i++) {
        assert_returns(give(ends.connected, LARGE, 0), LARGE);
        assert_returns(give(ends.connected, SIZE, 0), SIZE);
        assert_returns(zmq_msg_recv(&msg, ends.bound, 0), LARGE);
        assert_returns(zmq_msg_recv(&msg, ends.bound, 0), SIZE);
    }
    assert_ok(zmq_msg_close(&msg));
    await_freed(ends.connected, 2 * MANY);
}

static void nobody_subscribes(void **state)
{
    struct ends ends = join_pair_ready(*state, "tcp", ZMQ_PUB, ZMQ_SUB);

    probed[0] = ends.bound;
    give_many(ends.bound);
    expect_freed(MANY);
}

static void subscriber_full(void **state)
{
    struct world *world = *state;
    void *pub = open_socket(world, ZMQ_XPUB);
    void *sub = open_socket(world, ZMQ_SUB);
    char endpoint[ENDPOINT_MAX];

    set_int(pub, ZMQ_SNDHWM, 1);
    set_int(sub, ZMQ_RCVHWM, 1);
    bind_any(world, pub, "inproc", endpoint);
    assert_ok(zmq_connect(sub, endpoint));
    set_bytes(sub, ZMQ_SUBSCRIBE, "", 0);
    expect_bytes(pub, "\1", 1);
    probed[0] = pub;
    probed[1] = sub;
    give_many(pub);
    expect_freed(MANY - 2);
    assert_ok(zmq_disconnect(sub, endpoint));
    await_freed(pub, MANY);
}

static void nobody_has_that_id(void **state)
{
    void *router = open_socket(*state, ZMQ_ROUTER);

    probed[0] = router;
    for (int i = 0; i < 3; i++) {
        assert_returns(give(router, SIZE, ZMQ_SNDMORE), SIZE);
        assert_returns(give(router, SIZE, ZMQ_SNDMORE), SIZE);
        assert_returns(give(router, SIZE, 0), SIZE);
    }
    expect_freed(9);
}

static void newer_message_only(void **state)
{
    struct world *world = *state;
    void *push = open_socket(world, ZMQ_PUSH);
    char endpoint[ENDPOINT_MAX];

    set_int(push, ZMQ_CONFLATE, 1);
    raw_listen(world, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    probed[0] = push;
    give_many(push);
    expect_freed(MANY - 1);
}

/* What was sent and is in the other socket's queue, or still in the link's. */
static void inproc_receiver_closes(void **state)
{
    struct world *world = *state;
    struct ends ends = join_pair(world, "inproc", ZMQ_PULL, ZMQ_PUSH);
    zmq_msg_t msg;

    give_many(ends.connected);
    assert_ok(zmq_msg_init(&msg));
    assert_returns(zmq_msg_recv(&msg, ends.bound, 0), SIZE);
    give_many(ends.connected);
    assert_ok(zmq_msg_close(&msg));
    probed_context = world->context;
    close_socket(world, ends.bound);
    expect_freed(2 * MANY);
}

static void inproc_newer_message_only(void **state)
{
    struct world *world = *state;
    void *pull = open_socket(world, ZMQ_PULL);
    void *push = open_socket(world, ZMQ_PUSH);
    char endpoint[ENDPOINT_MAX];

    set_int(pull, ZMQ_CONFLATE, 1);
    bind_any(world, pull, "inproc", endpoint);
    assert_ok(zmq_connect(push, endpoint));
    await_ready(push, ZMQ_POLLOUT);
    (void)get_int(pull, ZMQ_EVENTS); /* it has accepted */
    probed[0] = push;
    give_many(push);
    expect_freed(MANY - 1);
}

static void inproc_nobody_binds(void **state)
{
    struct world *world = *state;
    void *push = open_socket(world, ZMQ_PUSH);

    assert_ok(zmq_connect(push, "inproc://nobody"));
    give_many(push);
    close_socket(world, push);
    stop_watching(world);
    assert_ok(zmq_ctx_term(world->context));
    world->context = NULL;
    expect_freed(MANY);
}

static void zap_reply_of_the_handlers(void **state)
{
    struct world *world = *state;
    void *handler = open_socket(world, ZMQ_REP);
    void *server = open_socket(world, ZMQ_DEALER);
    void *client = open_socket(world, ZMQ_DEALER);
    struct zap_request request;
    char endpoint[ENDPOINT_MAX];

    assert_ok(zmq_bind(handler, ZAP_ENDPOINT));
    set_int(server, ZMQ_PLAIN_SERVER, 1);
    set_bytes(client, ZMQ_PLAIN_USERNAME, "admin", 5);
    set_bytes(client, ZMQ_PLAIN_PASSWORD, "secret", 6);
    bind_any(world, server, "tcp", endpoint);
    assert_ok(zmq_connect(client, endpoint));
    zap_receive(handler, &request);
    probed[0] = server;
    assert_returns(give(handler, SIZE, ZMQ_SNDMORE), SIZE); /* no version: refused */
    assert_returns(give(handler, SIZE, 0), SIZE);
    await_freed(server, 2);
}

/* As with libzmq, a program may rely on it that its own closing frees at once. */
static void own_closing_frees_at_once(void **state)
{
    struct ends ends = join_pair(*state, "inproc", ZMQ_PULL, ZMQ_PUSH);
    char octets[SIZE];
    zmq_msg_t msg = message(SIZE), copy;

    probed[0] = ends.bound;
    probed[1] = ends.connected;
    assert_ok(zmq_msg_init(&copy));
    assert_ok(zmq_msg_copy(&copy, &msg));
    assert_ok(zmq_msg_close(&msg));
    expect_freed(0);
    assert_ok(zmq_msg_close(&copy));
    expect_freed(1);
    assert_returns(give(ends.connected, SIZE, 0), SIZE);
    assert_returns(zmq_recv(ends.bound, octets, SIZE, 0), SIZE);
    expect_freed(2);
    assert_returns(give(ends.connected, SIZE, 0), SIZE);
    msg = message(SIZE);
    assert_returns(zmq_msg_recv(&msg, ends.bound, 0), SIZE);
    expect_freed(3);
    assert_ok(zmq_msg_init(&copy));
    assert_ok(zmq_msg_move(&msg, &copy));
    expect_freed(4);
}

/* Polls two sockets of the same thread's, and is what wakes the poll that it runs in. */
static void poll_within(void *data, void *hint)
{
    zmq_pollitem_t items[] = {{probed[0], 0, ZMQ_POLLIN, 0}, {probed[1], 0, ZMQ_POLLIN, 0}};

    free(data);
    if (zmq_send(hint, "x", 1, 0) != 1 || zmq_poll(items, 2, 0) != 0)
        atomic_fetch_add(&failed, 1);
    atomic_fetch_add(&freed, 1);
}

/* A message that the second socket drops when it is looked at, after the first one was. */
static void a_poll_within_a_poll(void **state)
{
    struct ends first = join_pair(*state, "inproc", ZMQ_PULL, ZMQ_PUSH);
    struct ends second = join_pair(*state, "inproc", ZMQ_XSUB, ZMQ_XPUB);
    zmq_pollitem_t items[] = {{first.bound, 0, ZMQ_POLLIN, 0}, {second.bound, 0, ZMQ_POLLIN, 0}};
    zmq_msg_t msg;

    probed[0] = join_pair(*state, "inproc", ZMQ_PULL, ZMQ_PUSH).bound;
    probed[1] = join_pair(*state, "inproc", ZMQ_PULL, ZMQ_PUSH).bound;
    send_bytes(second.bound, "\1q", 2, 0);
    expect_bytes(second.connected, "\1q", 2);
    assert_ok(zmq_msg_init_data(&msg, calloc(1, SIZE), SIZE, poll_within, first.connected));
    memcpy(zmq_msg_data(&msg), "q", 1);
    assert_returns(zmq_msg_send(&msg, second.connected, 0), SIZE);
    send_bytes(second.bound, "\0q", 2, 0);
    assert_int_equal(zmq_poll(items, 2, -1), 1);
    assert_int_equal(items[0].revents, ZMQ_POLLIN);
    expect_freed(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        free_test(disconnected),
        free_test(unfinished),
        free_test(lingered),
        free_test(closed),
        free_test(closed_lingering),
        free_test(peer_lost),
        free_test(written),
        free_test(nobody_subscribes),
        free_test(subscriber_full),
        free_test(nobody_has_that_id),
        free_test(newer_message_only),
        free_test(inproc_receiver_closes),
        free_test(inproc_newer_message_only),
        free_test(inproc_nobody_binds),
        free_test(zap_reply_of_the_handlers),
        free_test(own_closing_frees_at_once),
        free_test(a_poll_within_a_poll),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
