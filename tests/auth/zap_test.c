/* SPDX-License-Identifier: ISC */
/* ZAP (RFC 27) by hand: what the handler answers to requests, well formed and not. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPEN "domain\n    name = open\n    null = everyone\n    plain = everyone\n    curve = everyone\n"

static const uint8_t key[32] = {1, 2, 3};

static void ask(void *socket, const struct frames *request, struct frames *reply)
{
    send_frames(socket, request);
    recv_frames(socket, reply);
}

/* The reply to a request without further routing ids: its form, and this status. */
static void assert_status(const struct frames *reply, const char *id, const char *status)
{
    assert_int_equal(reply->count, 7);
    assert_true(frame_is(reply, 0, ""));
    assert_true(frame_is(reply, 1, "1.0"));
    assert_true(frame_is(reply, 2, id));
    if (!frame_is(reply, 3, status))
        fail_msg("status %.3s, not %s", reply->frame[3].data, status);
    if (strcmp(status, "200") != 0) {
        assert_true(frame_is(reply, 5, ""));
        assert_true(frame_is(reply, 6, ""));
    }
}

static void expect(void *socket, const struct frames *request, const char *id, const char *status)
{
    struct frames reply;

    ask(socket, request, &reply);
    assert_status(&reply, id, status);
}

static void test_mechanisms(void **state)
{
    struct world *world = *state;
    struct frames request;
    void *socket;

    start(world, OPEN);
    socket = open_zap(world);
    zap_request(&request, "1", "open", "NULL", NULL, NULL);
    expect(socket, &request, "1", "200");
    zap_request(&request, "2", "open", "PLAIN", "alice", "secret");
    expect(socket, &request, "2", "200");
    zap_request(&request, "3", "open", "CURVE", key, NULL);
    expect(socket, &request, "3", "200");
    zap_request(&request, "4", "other", "NULL", NULL, NULL);
    expect(socket, &request, "4", "400");
    zap_request(&request, "5", "open", "GSSAPI", NULL, NULL);
    expect(socket, &request, "5", "400");
}

static void test_nothing_is_open_by_itself(void **state)
{
    struct world *world = *state;
    struct frames request;
    void *socket;

    start(world, NULL);
    socket = open_zap(world);
    zap_request(&request, "1", "", "NULL", NULL, NULL);
    expect(socket, &request, "1", "400");
    zap_request(&request, "2", "global", "CURVE", key, NULL);
    expect(socket, &request, "2", "400");
    zap_request(&request, "3", "everyone:", "CURVE", key, NULL);
    expect(socket, &request, "3", "400");
}

/* "The reply SHALL echo the request id without modifying it", and the whole envelope. */
static void test_envelope(void **state)
{
    struct world *world = *state;
    struct frames request, reply, whole = {.count = 0};
    void *socket;

    start(world, OPEN);
    socket = open_zap(world);
    add_text(&whole, "far");
    add_frame(&whole, "\0near", 5);
    zap_request(&request, "", "open", "NULL", NULL, NULL);
    memcpy(request.frame[2].data, "a\0b\xff", request.frame[2].size = 4);
    for (size_t i = 0; i < request.count; i++)
        add_frame(&whole, request.frame[i].data, request.frame[i].size);
    ask(socket, &whole, &reply);
    assert_int_equal(reply.count, 9);
    assert_true(frame_is(&reply, 0, "far"));
    assert_int_equal(reply.frame[1].size, 5);
    assert_memory_equal(reply.frame[1].data, "\0near", 5);
    assert_true(frame_is(&reply, 2, "") && frame_is(&reply, 3, "1.0"));
    assert_int_equal(reply.frame[4].size, 4);
    assert_memory_equal(reply.frame[4].data, "a\0b\xff", 4);
    assert_true(frame_is(&reply, 5, "200"));
}

/* A REQ says no empty frame itself, and gets none. */
static void test_req(void **state)
{
    struct world *world = *state;
    struct frames request, reply;
    void *socket;

    start(world, OPEN);
    socket = open_socket(world, ZMQ_REQ);
    assert_int_equal(zmq_connect(socket, ZAP), 0);
    zap_request(&request, "7", "open", "NULL", NULL, NULL);
    memmove(&request.frame[0], &request.frame[1], (--request.count) * sizeof(request.frame[0]));
    ask(socket, &request, &reply);
    assert_int_equal(reply.count, 6);
    assert_true(frame_is(&reply, 0, "1.0") && frame_is(&reply, 1, "7") && frame_is(&reply, 2, "200"));
}

static void test_malformed(void **state)
{
    struct world *world = *state;
    struct frames request;
    char text[300];
    void *socket;

    start(world, OPEN);
    socket = open_zap(world);
    zap_request(&request, "1", "open", "NULL", NULL, NULL);
    memcpy(request.frame[1].data, "2.0", 3);
    expect(socket, &request, "1", "500");
    zap_request(&request, "2", "open", "NULL", NULL, NULL);
    request.count--; /* no mechanism */
    expect(socket, &request, "2", "500");
    request.count = 2; /* nothing behind the version */
    expect(socket, &request, "", "500");
    request.count = 1; /* nothing at all */
    expect(socket, &request, "", "500");
    zap_request(&request, "3", "open", "NULL", NULL, NULL);
    add_text(&request, "credentials");
    expect(socket, &request, "3", "400");
    zap_request(&request, "4", "open", "PLAIN", "alice", "secret");
    request.count--;
    expect(socket, &request, "4", "400");
    zap_request(&request, "5", "open", "CURVE", key, NULL);
    request.frame[7].size = 31;
    expect(socket, &request, "5", "400");
    memset(text, 'a', sizeof(text));
    text[256] = '\0';
    zap_request(&request, "6", "open", "PLAIN", text, "secret");
    expect(socket, &request, "6", "400");
    zap_request(&request, "7", "open", "PLAIN", "ali\nce", "secret");
    expect(socket, &request, "7", "400");
    zap_request(&request, "8", "open", "NULL", NULL, NULL); /* and it is still there */
    expect(socket, &request, "8", "200");
}

/* What is no request at all gets no answer, and does no harm. */
static void test_garbage(void **state)
{
    struct world *world = *state;
    struct frames request = {.count = 0};
    void *socket;

    start(world, OPEN);
    socket = open_zap(world);
    add_text(&request, "no envelope");
    send_frames(socket, &request);
    for (int i = 0; i < 38; i++)
        add_text(&request, "more");
    send_frames(socket, &request);
    zap_request(&request, "1", "open", "NULL", NULL, NULL);
    while (request.count < 39)
        add_text(&request, "far too many");
    send_frames(socket, &request);
    request.count = 0;
    for (int i = 0; i < 30; i++)
        add_text(&request, "too many routing ids");
    add_text(&request, "");
    send_frames(socket, &request);
    zap_request(&request, "2", "open", "NULL", NULL, NULL);
    expect(socket, &request, "2", "200");
}

/* Frames up to the limit of what is read, and one beyond. */
static void test_too_many_frames(void **state)
{
    struct world *world = *state;
    struct frames request;
    void *socket;

    start(world, OPEN);
    socket = open_zap(world);
    zap_request(&request, "1", "open", "NULL", NULL, NULL);
    while (request.count < 17)
        add_text(&request, "x");
    expect(socket, &request, "1", "400");
    add_text(&request, "x");
    expect(socket, &request, "1", "500");
}

static void test_a_thousand_at_once(void **state)
{
    enum { COUNT = 1000 };
    static bool seen[COUNT];
    struct world *world = *state;
    struct frames frames;
    uint8_t known[32];
    void *socket;

    make_folder(world, "keys");
    make_cert(world, "keys", "alice", known);
    start(world, "backend\n    name = staff\n    url = \"files:$/keys\"\n"
                 "domain\n    name = open\n    null = everyone\n    curve = staff\n");
    socket = open_zap(world);
    memset(seen, 0, sizeof(seen));
    for (int i = 0; i < COUNT; i++) {
        char id[16];

        (void)snprintf(id, sizeof(id), "%d", i);
        zap_request(&frames, id, "open", "CURVE", i % 2 ? known : key, NULL);
        send_frames(socket, &frames);
    }
    for (int i = 0; i < COUNT; i++) {
        int number;

        recv_frames(socket, &frames);
        frames.frame[2].data[frames.frame[2].size] = '\0';
        number = atoi(frames.frame[2].data);
        assert_true(number >= 0 && number < COUNT && !seen[number]);
        seen[number] = true;
        assert_status(&frames, frames.frame[2].data, number % 2 ? "200" : "400");
    }
}

/* Of many guesses at once few are looked at, and others' attempts are not held up. */
static void test_guessing(void **state)
{
    enum { COUNT = 100, SENT_AWAY = COUNT - 64 - 4 };
    struct world *world = *state;
    struct frames frames;
    int away = 0, wrong = 0;
    bool other = false;
    void *socket;

    make_folder(world, "keys");
    write_file(world, "keys/passwords", "alice:" HASH "\nbob:" HASH "\n");
    start(world, "backend\n    name = staff\n    url = \"files:$/keys\"\n"
                 "domain\n    name = home\n    plain = staff\n");
    socket = open_zap(world);
    for (int i = 0; i < COUNT; i++) {
        zap_request(&frames, "alice", "home", "PLAIN", "alice", "guess");
        send_frames(socket, &frames);
    }
    zap_request(&frames, "bob", "home", "PLAIN", "bob", "secret");
    memcpy(frames.frame[4].data, "10.0.0.9", frames.frame[4].size = 8);
    send_frames(socket, &frames);
    while (!other || away < SENT_AWAY) {
        recv_frames(socket, &frames);
        if (frame_is(&frames, 2, "bob")) {
            assert_true(frame_is(&frames, 3, "200"));
            other = true;
        } else if (frame_is(&frames, 3, "300")) {
            away++;
        } else {
            assert_true(frame_is(&frames, 3, "400"));
            wrong++;
        }
    }
    assert_true(wrong <= COUNT - SENT_AWAY);
}

/* Somebody has a whole network of addresses, and a name for each guess. */
static void test_guessing_from_a_network(void **state)
{
    enum { COUNT = 150, SENT_AWAY = COUNT - 64 - 20 };
    struct world *world = *state;
    struct frames frames;
    int away = 0, wrong = 0;
    void *socket;

    make_folder(world, "keys");
    start(world, "backend\n    name = staff\n    url = \"files:$/keys\"\n    timeout = 60000\n"
                 "domain\n    name = home\n    plain = staff\n");
    socket = open_zap(world);
    for (int i = 0; i < COUNT; i++) {
        char user[16];

        (void)snprintf(user, sizeof(user), "user%d", i);
        zap_request(&frames, "1", "home", "PLAIN", user, "guess");
        frames.frame[4].size = (size_t)snprintf(frames.frame[4].data, FRAME_ROOM, "2001:db8::%x", i + 1);
        send_frames(socket, &frames);
    }
    while (away < SENT_AWAY) {
        recv_frames(socket, &frames);
        if (frame_is(&frames, 3, "300"))
            away++;
        else if (++wrong > 20)
            fail_msg("%d guesses were looked at", wrong);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_mechanisms),      WORLD_TEST(test_nothing_is_open_by_itself),
        WORLD_TEST(test_envelope),        WORLD_TEST(test_req),
        WORLD_TEST(test_malformed),       WORLD_TEST(test_garbage),
        WORLD_TEST(test_too_many_frames), WORLD_TEST(test_a_thousand_at_once),
        WORLD_TEST(test_guessing),        WORLD_TEST(test_guessing_from_a_network),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
