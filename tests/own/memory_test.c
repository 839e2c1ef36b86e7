/* SPDX-License-Identifier: ISC */
/* Peers that try to use memory up, or the stack: messages without an end, subscriptions of every length and number. Leaks
 * show in the address sanitizer's build; growth shows in the others. */
#include "hostile.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROUNDS = 30,
    PART = 20000,
    LONG_TOPIC = 400000,
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
        arena_test(cve_2021_20236_long_topics),
        arena_test(cve_2021_20236_long_topics_of_our_own),
        arena_test(cve_2021_20237_subscriptions_come_and_go),
        arena_test(cve_2021_20237_subscriptions_of_who_has_left),
    };

    /* One heap for all threads: what mallinfo2 tells of. */
    mallopt(M_ARENA_MAX, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
