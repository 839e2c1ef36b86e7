/* SPDX-License-Identifier: ISC */
/* Peers that try to use memory up, or the stack: messages without an end, subscriptions of every length and number. Leaks
 * show in the address sanitizer's build; growth shows in the others. */
#include "hostile.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    ROUNDS = 30,
    PART = 20000,
    LONG_TOPIC = 400000,
    FRAME = 100,
    FRAMES = 5000,        /* that a message may have */
    FRAMES_MAX = 1000000, /* and that it may not */
    TOPICS = 20000,
    GROWTH = 4 << 20, /* octets: what many rounds may leave in use */
};

/* What the program has of the heap. Sanitizers count otherwise: 0 there. */
static size_t in_use(void)
{
    return mallinfo2().uordblks;
}

/* Two large parts of a message whose end never comes, the second one cut. */
static void unfinished(int fd)
{
    struct octets head = {.size = 0};
    uint8_t *body = calloc(1, PART);

    assert_non_null(body);
    put_long_header(&head, FRAME_MORE, PART);
    wire_send(fd, &head);
    raw_write(fd, body, PART);
    wire_send(fd, &head);
    raw_write(fd, body, PART / 2);
    free(body);
}

/* A server, or a client, that leaves in the middle of its message. */
static void cve_2021_20234_unfinished_messages(void **state)
{
    for (int server = 0; server < 2; server++) {
        struct arena arena;
        size_t before = 0;

        arena_open(&arena, *state, ZMQ_NULL, server, NULL);
        for (int i = 0; i < ROUNDS; i++) {
            const int fd = arena_attack(&arena);

            wire_handshake(fd, server ? "DEALER" : "ROUTER", server ? "ROUTER" : "DEALER", 1);
            unfinished(fd);
            drop_fd(*state, fd);
            await_event(arena.monitor, ZMQ_EVENT_DISCONNECTED);
            if (!server)
                assert_ok(zmq_disconnect(arena.victim, arena.endpoint));
            arena_exchange(&arena);
            if (i == 2)
                before = in_use();
        }
        assert_true(in_use() < before + ROUNDS * PART);
    }
}

/* Messages wait, whole, and behind them one that is not. The whole ones can be read when the peer is gone. */
static void cve_2021_20234_unfinished_behind_whole(void **state)
{
    struct arena arena;
    int fd;

    arena_open(&arena, *state, ZMQ_NULL, true, NULL);
    fd = arena_attack(&arena);
    wire_handshake(fd, "DEALER", "ROUTER", 1);
    wire_send_str(fd, "one");
    wire_send_str(fd, "two");
    unfinished(fd);
    drop_fd(*state, fd);
    await_event(arena.monitor, ZMQ_EVENT_DISCONNECTED);
    for (int i = 0; i < 2; i++) {
        assert_returns(zmq_recv(arena.victim, &(char[8]){0}, 8, 0), 5);
        expect_str(arena.victim, i ? "two" : "one");
    }
    arena_exchange(&arena);
}

/* False when the other side has hung up. */
static bool try_write(int fd, const struct octets *out)
{
    for (size_t sent = 0; sent < out->size;) {
        const ssize_t rc = send(fd, out->data + sent, out->size - sent, MSG_NOSIGNAL);

        if (rc < 0)
            return false;
        sent += (size_t)rc;
    }
    return true;
}

static void limit_frames(void *victim)
{
    const int64_t largest = FRAME;

    set_bytes(victim, ZMQ_MAXMSGSIZE, &largest, sizeof largest);
}

/* A message of so many frames is one; if it goes on and on, its peer goes. */
static void frames_without_an_end(void **state)
{
    static const uint8_t body[FRAME];
    static const size_t sizes[] = {0, 1, FRAME};
    const int64_t none = -1;

    for (size_t i = 0; i < 3; i++) {
        struct octets frame = {.size = 0};
        struct arena arena;
        struct event event;
        unsigned frames = 0;
        int fd;

        arena_open(&arena, *state, ZMQ_NULL, true, limit_frames);
        set_bytes(arena.victim, ZMQ_MAXMSGSIZE, &none, sizeof none); /* for endpoints to come */
        fd = arena_attack(&arena);
        wire_handshake(fd, "DEALER", "ROUTER", 1);
        put_frame(&frame, FRAME_MORE, body, sizes[i]);
        while (frames < FRAMES_MAX && try_write(fd, &frame))
            frames++;
        assert_in_range(frames, FRAMES, FRAMES_MAX - 1);
        event = await_event(arena.monitor, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
        assert_int_equal(event.value, EMSGSIZE);
        await_event(arena.monitor, ZMQ_EVENT_DISCONNECTED);
        arena_leave(&arena, fd);
        arena_exchange(&arena);
    }
}

/* As in libzmq, ZMQ_MAXMSGSIZE is about frames, and a message may have many. */
static void many_frames(void **state)
{
    void *pull = open_socket(*state, ZMQ_PULL);
    void *push = open_socket(*state, ZMQ_PUSH);
    static const uint8_t body[FRAME];
    char endpoint[ENDPOINT_MAX];
    uint8_t frame[FRAME];

    limit_frames(pull);
    set_int(pull, ZMQ_RCVHWM, 1);
    bind_apart(pull, endpoint);
    assert_ok(zmq_connect(push, endpoint));
    for (int i = 0; i < FRAMES; i++)
        send_bytes(push, body, sizeof body, i + 1 < FRAMES ? ZMQ_SNDMORE : 0);
    for (int i = 0; i < FRAMES; i++) {
        assert_returns(zmq_recv(pull, frame, sizeof frame, 0), FRAME);
        assert_int_equal(get_int(pull, ZMQ_RCVMORE), i + 1 < FRAMES);
    }
}

/* --- subscriptions --------------------------------------------------------------------------------------------------- */

/* A publisher, its subscriber that must notice nothing, and a hostile one. */
struct press {
    struct world *world;
    void *publisher;
    void *reader;
    void *monitor;
    char endpoint[ENDPOINT_MAX];
};

static void open_press(struct press *press, struct world *world, int type)
{
    press->world = world;
    press->publisher = open_socket(world, type);
    press->reader = open_socket(world, ZMQ_SUB);
    press->monitor = watch(world, press->publisher, ZMQ_EVENT_DISCONNECTED);
    bind_apart(press->publisher, press->endpoint);
    set_bytes(press->reader, ZMQ_SUBSCRIBE, "news", 4);
    assert_ok(zmq_connect(press->reader, press->endpoint));
}

static int subscriber(struct press *press, const char *library_type)
{
    return wire_join(press->world, press->endpoint, "SUB", library_type);
}

/* The reader hears what is published; it may take until its subscription has come. */
static void publish_this(struct press *press, const char *data, size_t size)
{
    zmq_pollitem_t item = {press->reader, 0, ZMQ_POLLIN, 0};

    do
        send_bytes(press->publisher, data, size, 0);
    while (zmq_poll(&item, 1, 10) == 0);
    expect_bytes(press->reader, data, size);
    while (zmq_poll(&item, 1, 10) == 1)
        expect_bytes(press->reader, data, size);
}

static void publish(struct press *press)
{
    publish_this(press, "news", 4);
}

/* SUBSCRIBE or CANCEL with a topic of size octets, of which the last ones are a number. */
static void send_topic(int fd, const char *name, size_t size, unsigned number)
{
    const size_t whole = 1 + strlen(name) + size;
    struct octets head = {.size = 0};
    uint8_t *body = malloc(whole);

    assert_non_null(body);
    memset(body, 'x', whole);
    body[0] = (uint8_t)strlen(name);
    memcpy(body + 1, name, strlen(name));
    for (size_t i = 0; i < 4 && i < size; i++)
        body[whole - 1 - i] = (uint8_t)(number >> 8 * i);
    put_long_header(&head, FRAME_COMMAND, whole);
    wire_send(fd, &head);
    raw_write(fd, body, whole);
    free(body);
}

/* libzmq went down one level of recursion for each octet of a topic. */
static void cve_2021_20236_long_topics(void **state)
{
    static const int types[] = {ZMQ_PUB, ZMQ_XPUB};

    for (int k = 0; k < 2; k++) {
        struct press press;
        int fd;

        open_press(&press, *state, types[k]);
        fd = subscriber(&press, k ? "XPUB" : "PUB");
        send_topic(fd, "SUBSCRIBE", LONG_TOPIC, 1);
        send_topic(fd, "SUBSCRIBE", LONG_TOPIC, 2);
        send_topic(fd, "SUBSCRIBE", LONG_TOPIC / 2, 2);
        send_topic(fd, "CANCEL", LONG_TOPIC, 1);
        publish(&press);
        drop_fd(*state, fd);
        await_event(press.monitor, ZMQ_EVENT_DISCONNECTED);
        publish(&press);
    }
}

static void cve_2021_20236_long_topics_of_our_own(void **state)
{
    char *topic = malloc(LONG_TOPIC);
    struct press press;

    assert_non_null(topic);
    memset(topic, 'y', LONG_TOPIC);
    open_press(&press, *state, ZMQ_PUB);
    for (size_t size = LONG_TOPIC; size > LONG_TOPIC - 3; size--)
        set_bytes(press.reader, ZMQ_SUBSCRIBE, topic, size);
    publish(&press);
    publish_this(&press, topic, LONG_TOPIC);
    set_bytes(press.reader, ZMQ_UNSUBSCRIBE, topic, LONG_TOPIC);
    publish(&press);
    free(topic);
}

/* A publisher does not keep what it will never read: neither the subscriptions themselves when they are cancelled, nor
 * the notices that an XPUB would get, nor a subscriber's messages. */
static void cve_2021_20237_subscriptions_come_and_go(void **state)
{
    struct press press;
    size_t before;
    int fd;

    open_press(&press, *state, ZMQ_PUB);
    fd = subscriber(&press, "PUB");
    send_topic(fd, "SUBSCRIBE", 200, 0);
    publish(&press);
    before = in_use();
    for (unsigned i = 1; i < TOPICS; i++) {
        send_topic(fd, "SUBSCRIBE", 200, i);
        send_topic(fd, "SUBSCRIBE", 200, i);
        wire_send_frame(fd, 0, "\2a message of no use", 19);
        send_topic(fd, "CANCEL", 200, i);
        send_topic(fd, "CANCEL", 200, i);
        send_topic(fd, "CANCEL", 200, i);
    }
    drop_fd(*state, fd);
    await_event(press.monitor, ZMQ_EVENT_DISCONNECTED);
    publish(&press);
    assert_true(in_use() < before + GROWTH);
}

/* Reads what is there. Returns how often topics were subscribed to, less how often they were cancelled. */
static int balance(void *xpub)
{
    uint8_t notice[256];
    int sum = 0;

    while (zmq_recv(xpub, notice, sizeof notice, ZMQ_DONTWAIT) > 0)
        sum += notice[0] ? 1 : -1;
    return sum;
}

/* Two subscribers ask for the same topics, so many times in turn, and take that back; one of them is sometimes lost
 * instead. */
static void come_and_go(struct press *press, unsigned topics, int times)
{
    int fds[2] = {subscriber(press, "XPUB"), subscriber(press, "XPUB")};

    for (unsigned i = 1; i < topics; i++) {
        for (int k = 0; k < times; k++)
            send_topic(fds[k % 2], "SUBSCRIBE", 200, i);
        if (i % 500 == 0) {
            drop_fd(press->world, fds[0]);
            await_event(press->monitor, ZMQ_EVENT_DISCONNECTED);
            fds[0] = subscriber(press, "XPUB");
        }
        for (int k = 0; k < times; k++)
            send_topic(fds[k % 2], "CANCEL", 200, i);
    }
    for (int k = 0; k < 2; k++) {
        drop_fd(press->world, fds[k]);
        await_event(press->monitor, ZMQ_EVENT_DISCONNECTED);
    }
}

/* The application of an XPUB does not receive: it finds what is left of all that, not all that there ever was. */
static void notices_nobody_reads(void **state)
{
    static const int options[] = {0, ZMQ_XPUB_VERBOSE, ZMQ_XPUB_VERBOSER, ZMQ_XPUB_MANUAL};

    for (size_t i = 0; i < 4; i++) {
        /* With ZMQ_XPUB_VERBOSE repetitions are told, but one cancellation: the sum means nothing there. */
        const bool sums = options[i] != ZMQ_XPUB_VERBOSE;
        struct press press;
        size_t before;

        open_press(&press, *state, ZMQ_XPUB);
        if (options[i])
            set_int(press.publisher, options[i], 1);
        if (options[i] != ZMQ_XPUB_MANUAL)
            publish(&press); /* the reader has subscribed */
        come_and_go(&press, TOPICS / 20, sums ? 2 : 3);
        before = in_use();
        come_and_go(&press, TOPICS / 4, sums ? 2 : 3);
        assert_true(in_use() < before + GROWTH / 4);
        if (sums)
            assert_int_equal(balance(press.publisher), 1);
        close_socket(*state, press.reader);
        close_socket(*state, press.publisher);
    }
}

/* Those that were not cancelled go with their subscriber. */
static void cve_2021_20237_subscriptions_of_who_has_left(void **state)
{
    struct press press;
    size_t before = 0;

    open_press(&press, *state, ZMQ_PUB);
    for (int round = 0; round < 4; round++) {
        const int fd = subscriber(&press, "PUB");

        for (unsigned i = 0; i < TOPICS / 2; i++)
            send_topic(fd, "SUBSCRIBE", 200, i);
        drop_fd(*state, fd);
        await_event(press.monitor, ZMQ_EVENT_DISCONNECTED);
        publish(&press);
        if (round == 0)
            before = in_use();
    }
    assert_true(in_use() < before + GROWTH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(cve_2021_20234_unfinished_messages),
        arena_test(cve_2021_20234_unfinished_behind_whole),
        arena_test(frames_without_an_end),
        arena_test(many_frames),
        arena_test(cve_2021_20236_long_topics),
        arena_test(cve_2021_20236_long_topics_of_our_own),
        arena_test(cve_2021_20237_subscriptions_come_and_go),
        arena_test(cve_2021_20237_subscriptions_of_who_has_left),
        arena_test(notices_nobody_reads),
    };

    /* One heap for all threads: what mallinfo2 tells of. */
    mallopt(M_ARENA_MAX, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
