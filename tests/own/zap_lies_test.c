/* SPDX-License-Identifier: ISC */
/* Handlers that lie, at length and at random, of the wrong type, with hundreds of questions open. (What each wrong answer
 * is called is in tests/api/zap_reply_test.c.) */
#include "hostile.h"

#include <stdlib.h>
#include <string.h>

enum {
    RANDOM_REPLIES = 300,
    CROWD = 60,
    LARGE = 1 << 20,
    HANDSHAKE_MS = 100,
    FRAMES = 7,
};

/* A PLAIN server, and what its monitor says. */
struct gate {
    struct world *world;
    void *server;
    void *monitor;
    char endpoint[ENDPOINT_MAX];
};

static void open_gate(struct gate *gate, struct world *world, int handshake_ms)
{
    gate->world = world;
    gate->server = open_socket(world, ZMQ_PULL);
    secure_server(gate->server, ZMQ_PLAIN);
    set_int(gate->server, ZMQ_HANDSHAKE_IVL, handshake_ms);
    gate->monitor =
        watch(world, gate->server, HANDSHAKE_FAILED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED);
    bind_apart(gate->server, gate->endpoint);
}

/* A PLAIN client by hand, which says all that it has to say at once, a message included. */
static int knock(struct gate *gate)
{
    struct octets out = {.size = 0};
    const int fd = raw_connect(gate->world, gate->endpoint);

    put_greeting(&out, "PLAIN", 3, 1);
    put_command(&out, "HELLO", "\4name\6secret", 12);
    put_metadata_command(&out, "INITIATE", "PUSH", NULL);
    put_frame(&out, 0, "inside", 6);
    wire_send(fd, &out);
    return fd;
}

/* Somebody who may get in does. */
static void admit_another(struct gate *gate, void *handler)
{
    struct zap_request request;
    const int fd = knock(gate);

    zap_receive(handler, &request);
    zap_reply(handler, &request, "200", "friend", NULL, 0);
    expect_str(gate->server, "inside");
    assert_int_equal(next_event(gate->monitor).kind, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    drop_fd(gate->world, fd);
    assert_int_equal(next_event(gate->monitor).kind, ZMQ_EVENT_DISCONNECTED);
}

/* The right answer, frame by frame. */
static const struct zap_frame right[FRAMES] = {{"", 0},   {"1.0", 3}, {"1", 1}, {"200", 3},
                                               {"OK", 2}, {"me", 2},  {"", 0}};

/* Changes one or more of the frames, their order or their number, so that the answer is not right any more. */
static size_t spoil(struct random *random, const struct zap_request *request, struct zap_frame frames[2 * FRAMES],
                    uint8_t noise[64])
{
    static const size_t checked[] = {0, 1, 2, 3, 6};
    const size_t victim = checked[random_below(random, sizeof checked / sizeof *checked)];
    size_t count = FRAMES;

    memcpy(frames, right, sizeof right);
    frames[2] = (struct zap_frame){request->frames[ZAP_REQUEST_ID], request->sizes[ZAP_REQUEST_ID]};
    random_fill(random, noise, 64);
    noise[0] |= 0x80; /* no text, and no size of a name that could be there */
    switch (random_below(random, 4)) {
    case 0:
        count = 1 + random_below(random, FRAMES - 1);
        break;
    case 1:
        while (count < FRAMES + 1 + random_below(random, FRAMES - 2))
            frames[count++] = (struct zap_frame){noise, random_below(random, 64)};
        break;
    default:
        frames[victim] = (struct zap_frame){noise, 1 + random_below(random, 63)};
        for (size_t i = 4; i < 6; i++)
            frames[i] = (struct zap_frame){noise, random_below(random, 64)};
    }
    frames[count] = (struct zap_frame){NULL, 0};
    return count;
}

static void test_random_replies(void **state)
{
    struct random random = {20240611};
    void *handler = open_handler(*state);
    struct gate gate;

    open_gate(&gate, *state, 30000);
    for (int i = 0; i < RANDOM_REPLIES; i++) {
        struct zap_frame frames[2 * FRAMES];
        struct zap_request request;
        uint8_t noise[64];
        const int fd = knock(&gate);

        zap_receive(handler, &request);
        spoil(&random, &request, frames, noise);
        zap_send(handler, &request, frames);
        assert_int_equal(await_refusal(gate.monitor).kind, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL);
        raw_expect_close(fd);
        drop_fd(*state, fd);
        if (i % 10 == 0)
            admit_another(&gate, handler);
    }
    expect_nothing(gate.server);
}

/* A megabyte in each place in turn: of text and user id it is allowed, elsewhere it is wrong. */
static void test_large_replies(void **state)
{
    char *large = calloc(1, LARGE);
    void *handler = open_handler(*state);
    struct gate gate;

    assert_non_null(large);
    open_gate(&gate, *state, 30000);
    for (size_t at = 0; at < FRAMES; at++) {
        struct zap_frame frames[FRAMES + 1] = {{NULL, 0}};
        struct zap_request request;
        const int fd = knock(&gate);

        zap_receive(handler, &request);
        memcpy(frames, right, sizeof right);
        frames[2] = (struct zap_frame){request.frames[ZAP_REQUEST_ID], request.sizes[ZAP_REQUEST_ID]};
        frames[at] = (struct zap_frame){large, LARGE};
        zap_send(handler, &request, frames);
        if (at == 4) {
            expect_str(gate.server, "inside");
            assert_int_equal(next_event(gate.monitor).kind, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
            drop_fd(*state, fd);
            assert_int_equal(next_event(gate.monitor).kind, ZMQ_EVENT_DISCONNECTED);
        } else if (at != 5) {
            assert_int_equal(await_refusal(gate.monitor).kind, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL);
            drop_fd(*state, fd);
        } else {
            await_event(gate.monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED | HANDSHAKE_FAILED);
            drop_fd(*state, fd);
            await_event(gate.monitor, ZMQ_EVENT_DISCONNECTED);
            while (zmq_recv(gate.server, large, LARGE, ZMQ_DONTWAIT) >= 0)
                continue;
        }
        admit_another(&gate, handler);
    }
    free(large);
}

/* The handler dies with questions open; those who asked are told, and the next handler is asked by the next. */
static void test_handler_dies_with_questions_open(void **state)
{
    struct world *world = *state;
    void *handler = open_handler(world);
    struct gate gate;

    open_gate(&gate, world, 30000);
    for (int i = 0; i < CROWD; i++) {
        struct zap_request request;

        knock(&gate);
        zap_receive(handler, &request);
    }
    close_socket(world, handler);
    for (int i = 0; i < CROWD; i++)
        assert_int_equal(await_refusal(gate.monitor).kind, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL);
    handler = open_handler(world);
    admit_another(&gate, handler);
    expect_nothing(gate.server);
}

/* It dies without having read them. */
static void test_handler_dies_unasked(void **state)
{
    struct world *world = *state;
    void *handler = open_handler(world);
    struct gate gate;

    open_gate(&gate, world, 30000);
    for (int i = 0; i < CROWD; i++)
        knock(&gate);
    await_ready(handler, ZMQ_POLLIN);
    close_socket(world, handler);
    for (int i = 0; i < CROWD; i++)
        assert_true(await_refusal(gate.monitor).kind & HANDSHAKE_FAILED);
    handler = open_handler(world);
    admit_another(&gate, handler);
}

/* It answers some and lets the others wait until their time is over; then it answers them after all. */
static void test_answers_after_the_time(void **state)
{
    static struct zap_request requests[CROWD];
    struct world *world = *state;
    void *handler = open_handler(world);
    struct gate gate;

    open_gate(&gate, world, HANDSHAKE_MS);
    for (int i = 0; i < CROWD; i++) {
        knock(&gate);
        zap_receive(handler, &requests[i]);
    }
    for (int i = 0; i < CROWD; i++)
        assert_int_equal(await_refusal(gate.monitor).kind, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
    for (int i = 0; i < CROWD; i++)
        zap_reply(handler, &requests[i], "200", "late", NULL, 0);
    admit_another(&gate, handler);
    expect_nothing(gate.server);
}

/* A socket that is no handler has the handler's name. Whatever it does or says, nobody gets in. */
static void test_handlers_of_the_wrong_type(void **state)
{
    static const int types[] = {ZMQ_PULL, ZMQ_PUSH, ZMQ_PAIR, ZMQ_DEALER, ZMQ_PUB,
                                ZMQ_SUB,  ZMQ_XPUB, ZMQ_XSUB, ZMQ_REQ};
    struct world *world = *state;
    struct gate gate;

    open_gate(&gate, world, HANDSHAKE_MS);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        void *handler = open_socket(world, types[i]);
        const int fd = knock(&gate);

        assert_ok(zmq_bind(handler, ZAP_ENDPOINT));
        knock(&gate);
        set_int(handler, ZMQ_SNDTIMEO, 0);
        for (int k = 0; k < 3; k++)
            zmq_send(handler, "200", 3, 0);
        for (int k = 0; k < 2; k++)
            assert_true(await_refusal(gate.monitor).kind & HANDSHAKE_FAILED);
        raw_expect_close(fd);
        close_socket(world, handler);
    }
    expect_nothing(gate.server);
    void *handler = open_handler(world);
    admit_another(&gate, handler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_random_replies),
        world_test(test_large_replies),
        world_test(test_handler_dies_with_questions_open),
        world_test(test_handler_dies_unasked),
        world_test(test_answers_after_the_time),
        world_test(test_handlers_of_the_wrong_type),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
