/* SPDX-License-Identifier: ISC */
/* Traffic in memory, in clear text and under CURVE: frames of every size and kind, in any pieces, and what is
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/trash.h"
#include "curvezmq/cookie.h"
#include "zmtp/greeting.h"
#include "zmtp/testing.h"

enum { LARGEST = 300000 };

static const size_t sizes[] = {0,    1,    2,    15,   16,   17,   29,   30,   31,   32,    33,     34,
                               63,   64,   65,   200,  220,  221,  222,  223,  224,  254,   255,    256,
                               257,  300,  478,  479,  480,  481,  511,  512,  513,  989,   990,    991,
                               1023, 1024, 1025, 4096, 8159, 8191, 8192, 8193, 9000, 65536, LARGEST};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static struct ih_cookie_jar *jar;
static struct testing_end client;
static struct testing_end server;
static uint8_t pattern[LARGEST + 1];

static int group_setup(void **state)
{
    (void)state;
    assert_int_equal(ih_random_init(), 0);
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (uint8_t)(i * 7 + i / 251);
    jar = ih_cookie_jar_new();
    return jar ? 0 : -1;
}

static int group_teardown(void **state)
{
    (void)state;
    ih_cookie_jar_free(jar);
    return 0;
}

static void close_both(void)
{
    testing_free(&client);
    testing_free(&server);
}

/* The next frame that the server has decoded is as said. */
static void assert_frame(enum ih_msg_kind kind, bool more, const void *data, size_t size)
{
    struct ih_msg msg;

    assert_true(ih_queue_pop(&server.in, &msg));
    assert_int_equal(msg.kind, kind);
    assert_int_equal(ih_msg_more(&msg), more);
    assert_int_equal(ih_msg_size(&msg), size);
    assert_memory_equal(ih_msg_data(&msg), data, size);
    assert_null(msg.props);
    ih_msg_close(&msg);
}

static void assert_failed(enum ih_zmtp_failure failure, int code)
{
    assert_int_equal(ih_zmtp_state(server.zmtp), IH_ZMTP_CLOSED);
    assert_int_equal(ih_zmtp_error(server.zmtp)->failure, failure);
    assert_int_equal(ih_zmtp_error(server.zmtp)->code, code);
}

/* Frames of every size; each second one is continued by the next. */
static void put_all_sizes(void)
{
    for (size_t i = 0; i < SIZES; i++)
        testing_put(&client, IH_MSG_DATA, i % 2 == 0 && i + 1 < SIZES, pattern + i % 2, sizes[i]);
}

static void assert_all_sizes(void)
{
    for (size_t i = 0; i < SIZES; i++)
        assert_frame(IH_MSG_DATA, i % 2 == 0 && i + 1 < SIZES, pattern + i % 2, sizes[i]);
    assert_true(ih_queue_empty(&server.in));
}

static void frames_of_every_size(void **state)
{
    (void)state;
    for (int mechanism = 0; mechanism < 3; mechanism++) {
        uint8_t *wire;
        size_t size;
        size_t left;

        testing_pair(mechanism, jar, &client, &server);
        for (int round = 0; round < 2; round++) {
            put_all_sizes();
            wire = testing_encode(&client, &size);
            assert_int_equal(testing_decode(&server, wire, size, &left), 0);
            assert_int_equal(left, 0);
            assert_all_sizes();
            free(wire);
        }
        close_both();
    }
}

/* As a connection reads: whatever is there is offered, and what is not used comes again with more behind it. */
static void decode_in_pieces(const uint8_t *wire, size_t size, size_t largest)
{
    size_t start = 0;
    size_t end = 0;

    while (start < size) {
        size_t room;
        uint8_t *body = ih_zmtp_body(server.zmtp, &room);
        size_t piece = 1 + ih_random_below((uint32_t)largest);
        size_t used;

        if (body) {
            used = end - start < room ? end - start : room;
            if (used == 0) {
                used = piece < room ? piece : room;
                used = used < size - end ? used : size - end;
                end += used;
            }
            memcpy(body, wire + start, used);
            assert_int_equal(ih_zmtp_body_filled(server.zmtp, used, &server.in), 0);
        } else {
            end += piece < size - end ? piece : size - end;
            assert_int_equal(
                ih_zmtp_decode(server.zmtp, wire + start, end - start, &used, &server.in, 1 + ih_random_below(5)), 0);
        }
        start += used;
    }
}

static void octets_in_any_pieces(void **state)
{
    static const size_t largest[] = {1, 3, 40, 700, 9000, 100000};

    (void)state;
    for (size_t i = 0; i < 2 * sizeof largest / sizeof largest[0]; i++) {
        uint8_t *wire;
        size_t size;

        testing_pair(i % 2 ? ZMQ_CURVE : ZMQ_NULL, jar, &client, &server);
        put_all_sizes();
        wire = testing_encode(&client, &size);
        decode_in_pieces(wire, size, largest[i / 2]);
        assert_all_sizes();
        free(wire);
        close_both();
    }
}

/* RFC 37, "Framing". */
static void known_answers(void **state)
{
    static const uint8_t expected[] = "\1\5hello\0\0\4\7\4PING\0\12\4\5\4PONG\4\13\11SUBSCRIBEa\4\7\6CANCEL";
    uint8_t *wire;
    size_t size;

    (void)state;
    testing_pair(ZMQ_NULL, jar, &client, &server);
    testing_put(&client, IH_MSG_DATA, true, "hello", 5);
    testing_put(&client, IH_MSG_DATA, false, "", 0);
    testing_put(&client, IH_MSG_PING, false, "\0\12", 2);
    testing_put(&client, IH_MSG_PONG, false, "", 0);
    testing_put(&client, IH_MSG_SUBSCRIBE, false, "a", 1);
    testing_put(&client, IH_MSG_CANCEL, false, "", 0);
    wire = testing_encode(&client, &size);
    assert_int_equal(size, sizeof expected - 1);
    assert_memory_equal(wire, expected, size);
    free(wire);
    testing_put(&client, IH_MSG_DATA, true, pattern, 256);
    wire = testing_encode(&client, &size);
    assert_int_equal(size, 9 + 256);
    assert_memory_equal(wire, "\3\0\0\0\0\0\0\1\0", 9);
    free(wire);
    close_both();
}

static void commands_go_there(void **state)
{
    (void)state;
    for (int mechanism = 0; mechanism < 3; mechanism++) {
        uint8_t *wire;
        size_t size;
        size_t left;

        testing_pair(mechanism, jar, &client, &server);
        for (size_t i = 0; i < SIZES; i++) {
            testing_put(&client, IH_MSG_SUBSCRIBE, false, pattern, sizes[i]);
            testing_put(&client, IH_MSG_DATA, true, pattern, i);
            testing_put(&client, IH_MSG_CANCEL, false, pattern, sizes[i]);
            testing_put(&client, IH_MSG_PING, false, pattern, 2 + i % 17);
            testing_put(&client, IH_MSG_DATA, false, pattern, i);
            testing_put(&client, IH_MSG_PONG, false, pattern, i % 17);
        }
        wire = testing_encode(&client, &size);
        assert_int_equal(testing_decode(&server, wire, size, &left), 0);
        assert_int_equal(left, 0);
        for (size_t i = 0; i < SIZES; i++) {
            assert_frame(IH_MSG_SUBSCRIBE, false, pattern, sizes[i]);
            assert_frame(IH_MSG_DATA, true, pattern, i);
            assert_frame(IH_MSG_CANCEL, false, pattern, sizes[i]);
            assert_frame(IH_MSG_PING, false, pattern, 2 + i % 17);
            assert_frame(IH_MSG_DATA, false, pattern, i);
            assert_frame(IH_MSG_PONG, false, pattern, i % 17);
        }
        free(wire);
        close_both();
    }
}

/* RFC 23: a peer of ZMTP 3.0 gets subscriptions as messages. */
static void subscriptions_for_an_older_peer(void **state)
{
    static const uint8_t ready[] = "\4\34\5READY\13Socket-Type\0\0\0\6DEALER";
    uint8_t greeting[IH_GREETING_SIZE];
    uint8_t *wire;
    size_t size;

    (void)state;
    client = testing_open(ZMQ_NULL, false, false, jar);
    ih_greeting_put(greeting, "NULL", false);
    greeting[11] = 0;
    (void)testing_input(&client, greeting, sizeof greeting);
    (void)testing_input(&client, ready, sizeof ready - 1);
    assert_int_equal(ih_zmtp_state(client.zmtp), IH_ZMTP_READY);
    testing_put(&client, IH_MSG_SUBSCRIBE, false, "abc", 3);
    testing_put(&client, IH_MSG_CANCEL, false, pattern, 2000);
    wire = testing_encode(&client, &size);
    assert_int_equal(size, 2 + 4 + 9 + 2001);
    assert_memory_equal(wire, "\0\4\1abc\2\0\0\0\0\0\0\7\321\0", 16);
    assert_memory_equal(wire + 16, pattern, 2000);
    free(wire);
    testing_free(&client);
}

static void unknown_commands_are_dropped(void **state)
{
    static const uint8_t wire[] = "\1\1a\4\4\3FOO\4\6\5READY\4\12\5ERROR\003400\0\1b\6\0\0\0\0\0\0\0\5\4JOIN\0\1c";
    size_t left;

    (void)state;
    testing_pair(ZMQ_NULL, jar, &client, &server);
    assert_int_equal(testing_decode(&server, wire, sizeof wire - 1, &left), 0);
    assert_int_equal(left, 0);
    assert_frame(IH_MSG_DATA, true, "a", 1);
    assert_frame(IH_MSG_DATA, false, "b", 1);
    assert_frame(IH_MSG_DATA, false, "c", 1);
    close_both();
}

static void malformed_frames(void **state)
{
    static const struct {
        const char *frame;
        size_t size;
    } frames[] = {
        {"\10\0", 2},
        {"\200\0", 2},
        {"\7\0\0\0\0\0\0\0\0", 9},
        {"\5\7\4PING\0\0", 9},
        {"\4\0", 2},
        {"\4\1\0", 3},
        {"\4\5\5PING", 7},
        {"\4\5\4PING", 7},
        {"\4\6\4PING\0", 8},
        {"\4\26\4PONG12345678901234567", 24},
    };

    (void)state;
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        uint8_t wire[64] = "\0\1x";
        size_t left;

        testing_pair(ZMQ_NULL, jar, &client, &server);
        memcpy(wire + 3, frames[i].frame, frames[i].size);
        assert_int_equal(testing_decode(&server, wire, 3 + frames[i].size, &left), -EPROTO);
        assert_failed(IH_ZMTP_PROTOCOL, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED);
        /* What came before it counts. */
        assert_int_equal(left, frames[i].size);
        assert_frame(IH_MSG_DATA, false, "x", 1);
        close_both();
    }
}

static void max_frames(void **state)
{
    uint8_t *wire;
    size_t size;
    size_t used;

    (void)state;
    for (int mechanism = 0; mechanism < 3; mechanism += 2) {
        size_t start = 0;

        testing_pair(mechanism, jar, &client, &server);
        for (int i = 0; i < 100; i++)
            testing_put(&client, IH_MSG_DATA, false, pattern, 10);
        wire = testing_encode(&client, &size);
        for (size_t max = 1; start < size; max++) {
            assert_int_equal(ih_zmtp_decode(server.zmtp, wire + start, size - start, &used, &server.in, max), 0);
            start += used;
            if (start < size)
                assert_int_equal(ih_queue_unwind(&server.in), 0);
            assert_int_equal(server.in.count, start < size ? max * (max + 1) / 2 : 100);
        }
        free(wire);
        close_both();
    }
}

/* --- limits ------------------------------------------------------------------------------------------------------- */

static void open_limited(int mechanism, int64_t limit)
{
    struct ih_security *security = testing_security(mechanism, true);
    struct ih_zmtp_config config = testing_config(security, jar, true);

    config.max_msg_size = limit;
    server = testing_new(security, &config);
    client = testing_open(mechanism, false, false, jar);
    testing_shake(&client, &server);
    assert_int_equal(ih_zmtp_state(server.zmtp), IH_ZMTP_READY);
}

static void limit_is_of_the_payload(void **state)
{
    static const size_t limits[] = {0, 1, 10, 33, 100, 255, 256, 1000, 20000};

    (void)state;
    for (size_t i = 0; i < 3 * sizeof limits / sizeof limits[0]; i++) {
        size_t limit = limits[i / 3];
        uint8_t *wire;
        size_t size;
        size_t left;

        open_limited((int)(i % 3), (int64_t)limit);
        /* PING is not a message. */
        testing_put(&client, IH_MSG_PING, false, pattern, 18);
        testing_put(&client, IH_MSG_DATA, false, pattern, limit);
        testing_put(&client, IH_MSG_DATA, false, pattern, limit + 1);
        wire = testing_encode(&client, &size);
        assert_int_equal(testing_decode(&server, wire, size, &left), -EPROTO);
        assert_failed(IH_ZMTP_NO_DETAIL, EMSGSIZE);
        assert_frame(IH_MSG_PING, false, pattern, 18);
        assert_frame(IH_MSG_DATA, false, pattern, limit);
        assert_true(ih_queue_empty(&server.in));
        free(wire);
        close_both();
    }
}

/* CVE-2019-6250: sizes that overflow when something is added to them. The head alone is enough to refuse them: there is
 * no memory of such a size. */
static void cve_2019_6250_size_overflow(void **state)
{
    static const uint64_t huge[] = {UINT64_MAX,        UINT64_MAX - 1,          UINT64_MAX - 9,     UINT64_MAX - 33,
                                    UINT64_C(1) << 63, (UINT64_C(1) << 63) - 1, UINT64_C(1) << 62,  INT64_MAX - 32,
                                    INT64_MAX - 4096,  UINT64_C(1) << 48,       (UINT64_C(1) << 40)};

    (void)state;
    for (size_t i = 0; i < 8 * sizeof huge / sizeof huge[0]; i++) {
        uint8_t wire[9 + 64] = {i % 8 / 4 ? 6 : 2};
        size_t left;

        open_limited(i % 2 ? ZMQ_CURVE : ZMQ_NULL, i / 2 % 2 ? 1000 : -1);
        for (int k = 0; k < 8; k++)
            wire[1 + k] = (uint8_t)(huge[i / 8] >> (56 - 8 * k));
        memcpy(wire + 9, "\7MESSAGE\0\0\0\0\0\0\0\3", 16);
        assert_int_equal(testing_decode(&server, wire, sizeof wire, &left), -EPROTO);
        assert_int_equal(ih_zmtp_state(server.zmtp), IH_ZMTP_CLOSED);
        assert_true(ih_queue_empty(&server.in));
        close_both();
    }
}

/* --- large frames ------------------------------------------------------------------------------------------------- */

static void large_frame_has_memory_of_its_own(void **state)
{
    (void)state;
    for (int mechanism = 0; mechanism < 3; mechanism += 2) {
        uint8_t *wire;
        size_t size;
        size_t used;
        size_t room;
        uint8_t *body;

        testing_pair(mechanism, jar, &client, &server);
        testing_put(&client, IH_MSG_DATA, true, pattern, 100000);
        wire = testing_encode(&client, &size);
        assert_null(ih_zmtp_body(server.zmtp, &room));
        assert_int_equal(ih_zmtp_decode(server.zmtp, wire, 5000, &used, &server.in, 10), 0);
        assert_int_equal(used, 5000);
        body = ih_zmtp_body(server.zmtp, &room);
        assert_non_null(body);
        assert_int_equal(room, size - 5000);
        memcpy(body, wire + 5000, room - 1);
        assert_int_equal(ih_zmtp_body_filled(server.zmtp, room - 1, &server.in), 0);
        assert_true(ih_queue_empty(&server.in));
        body = ih_zmtp_body(server.zmtp, &room);
        assert_int_equal(room, 1);
        *body = wire[size - 1];
        assert_int_equal(ih_zmtp_body_filled(server.zmtp, 1, &server.in), 0);
        assert_null(ih_zmtp_body(server.zmtp, &room));
        assert_int_equal((uintptr_t)ih_msg_data(ih_queue_front(&server.in)) % 16, 0);
        assert_frame(IH_MSG_DATA, true, pattern, 100000);
        free(wire);
        close_both();
    }
}

/* A frame under way is let go of when the connection ends. */
static void large_frame_is_abandoned(void **state)
{
    uint8_t wire[5000] = {2, 0, 0, 0, 0, 0, 1};
    size_t used;

    (void)state;
    testing_pair(ZMQ_NULL, jar, &client, &server);
    assert_int_equal(ih_zmtp_decode(server.zmtp, wire, sizeof wire, &used, &server.in, 10), 0);
    assert_int_equal(used, sizeof wire);
    close_both();
}

static int frees;

static void count_free(void *data, void *hint)
{
    (void)data;
    (void)hint;
    frees++;
}

/* What somebody else may see is not sealed in place: the application's memory, constants, shared content. */
static void memory_of_others_is_left_alone(void **state)
{
    static uint8_t theirs[100000];

    (void)state;
    for (int mechanism = 0; mechanism < 3; mechanism += 2) {
        struct ih_msg shared;
        struct ih_msg msg;
        uint8_t *wire;
        size_t size;
        size_t left;

        frees = 0;
        memcpy(theirs, pattern, sizeof theirs);
        testing_pair(mechanism, jar, &client, &server);
        assert_int_equal(ih_msg_init_data(&msg, theirs, sizeof theirs, count_free, NULL), 0);
        assert_int_equal(ih_queue_push(&client.out, &msg), 0);
        assert_int_equal(ih_msg_init_data(&msg, theirs, sizeof theirs, NULL, NULL), 0);
        assert_int_equal(ih_queue_push(&client.out, &msg), 0);
        assert_int_equal(ih_msg_init_copy(&msg, pattern, sizeof theirs), 0);
        ih_msg_share(&shared, &msg);
        assert_int_equal(ih_queue_push(&client.out, &msg), 0);
        wire = testing_encode(&client, &size);
        assert_memory_equal(theirs, pattern, sizeof theirs);
        assert_memory_equal(ih_msg_data(&shared), pattern, sizeof theirs);
        ih_trash_empty();
        assert_int_equal(frees, 1);
        ih_msg_close(&shared);
        assert_int_equal(testing_decode(&server, wire, size, &left), 0);
        for (int i = 0; i < 3; i++)
            assert_frame(IH_MSG_DATA, false, pattern, sizeof theirs);
        free(wire);
        close_both();
    }
}

/* --- batches ------------------------------------------------------------------------------------------------------ */

static void take_batch(const struct ih_batch *batch)
{
    size_t left;

    assert_false(ih_batch_empty(batch));
    assert_true(batch->used <= IH_BATCH_SIZE);
    assert_true(batch->iovs <= IH_BATCH_IOV);
    assert_true(batch->held_count <= IH_BATCH_HELD);
    for (unsigned i = 0; i < batch->iovs; i++) {
        const uint8_t *data = batch->iov[i].iov_base;
        size_t size = batch->iov[i].iov_len;
        size_t room;
        uint8_t *body = ih_zmtp_body(server.zmtp, &room);

        assert_true(size > 0);
        /* A large frame's head ends a vector, and its data is the next. */
        if (body) {
            assert_int_equal(size, room);
            memcpy(body, data, size);
            assert_int_equal(ih_zmtp_body_filled(server.zmtp, size, &server.in), 0);
        } else {
            assert_int_equal(testing_decode(&server, data, size, &left), 0);
            assert_int_equal(left, 0);
        }
    }
}

/* Whatever the mixture, a batch keeps its bounds, and its octets are those of frame after frame. */
static void batches_keep_their_bounds(void **state)
{
    struct ih_batch *batch = malloc(sizeof *batch);
    static size_t frame_sizes[400];

    (void)state;
    for (int round = 0; round < 40; round++) {
        size_t count = 1 + ih_random_below(400);

        testing_pair(round % 2 ? ZMQ_CURVE : ZMQ_NULL, jar, &client, &server);
        for (size_t i = 0; i < count; i++) {
            frame_sizes[i] = ih_random_below(round % 4 < 2 ? 40 : 1000);
            if (ih_random_below(8) == 0)
                frame_sizes[i] = IH_ZMTP_DIRECT + 1 + ih_random_below(1000);
            testing_put(&client, IH_MSG_DATA, false, pattern, frame_sizes[i]);
        }
        ih_batch_init(batch);
        while (!ih_queue_empty(&client.out)) {
            assert_int_equal(ih_zmtp_encode(client.zmtp, &client.out, batch), 0);
            take_batch(batch);
            ih_batch_clear(batch);
        }
        for (size_t i = 0; i < count; i++)
            assert_frame(IH_MSG_DATA, false, pattern, frame_sizes[i]);
        close_both();
    }
    free(batch);
}

static void many_octets_end_a_batch(void **state)
{
    struct ih_batch *batch = malloc(sizeof *batch);

    (void)state;
    testing_pair(ZMQ_NULL, jar, &client, &server);
    for (int i = 0; i < 20; i++)
        testing_put(&client, IH_MSG_DATA, false, pattern, LARGEST);
    ih_batch_init(batch);
    assert_int_equal(ih_zmtp_encode(client.zmtp, &client.out, batch), 0);
    assert_int_equal(batch->held_count, (IH_BATCH_BYTES + LARGEST - 1) / LARGEST);
    ih_batch_clear(batch);
    free(batch);
    close_both();
}

/* Small messages are encoded one by one: the peer understands them, and so do we where they must go back. */
static void gathered_messages(void **state)
{
    struct ih_batch *batch = malloc(sizeof *batch);
    struct ih_queue back;
    size_t left;

    (void)state;
    assert_non_null(batch);
    testing_pair(0, jar, &client, &server);
    assert_true(ih_zmtp_gathers(client.zmtp));
    ih_batch_init(batch);
    for (size_t i = 0; sizes[i] < IH_BATCH_LARGE; i++) {
        struct ih_msg msg;

        ih_msg_init_lent(&msg, pattern, sizes[i]);
        assert_true(ih_zmtp_gather(batch, &msg));
    }
    ih_queue_init(&back);
    assert_int_equal(ih_zmtp_ungather(batch, &back), 0);
    assert_int_equal(testing_decode(&server, batch->buf, batch->used, &left), 0);
    assert_int_equal(left, 0);
    for (size_t i = 0; sizes[i] < IH_BATCH_LARGE; i++) {
        struct ih_msg msg;

        assert_frame(IH_MSG_DATA, false, pattern, sizes[i]);
        assert_true(ih_queue_pop(&back, &msg));
        assert_int_equal(ih_msg_size(&msg), sizes[i]);
        assert_memory_equal(ih_msg_data(&msg), pattern, sizes[i]);
        ih_msg_close(&msg);
    }
    assert_true(ih_queue_empty(&back));
    ih_zmtp_gathered(batch);
    assert_int_equal(batch->bytes, batch->used);
    free(batch);
    close_both();
}

/* Gathering stops where the batch ends, and a sealed connection does not gather. */
static void gathering_ends(void **state)
{
    struct ih_batch *batch = malloc(sizeof *batch);
    struct ih_msg msg;
    size_t count = 0;

    (void)state;
    assert_non_null(batch);
    ih_batch_init(batch);
    ih_msg_init_lent(&msg, pattern, 1000);
    while (ih_zmtp_gather(batch, &msg))
        count++;
    assert_int_equal(count, IH_BATCH_SIZE / (1000 + 9));
    assert_true(batch->used <= IH_BATCH_SIZE);
    free(batch);
    testing_pair(2, jar, &client, &server);
    assert_false(ih_zmtp_gathers(client.zmtp));
    close_both();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_of_every_size),
        cmocka_unit_test(octets_in_any_pieces),
        cmocka_unit_test(known_answers),
        cmocka_unit_test(commands_go_there),
        cmocka_unit_test(subscriptions_for_an_older_peer),
        cmocka_unit_test(unknown_commands_are_dropped),
        cmocka_unit_test(malformed_frames),
        cmocka_unit_test(max_frames),
        cmocka_unit_test(limit_is_of_the_payload),
        cmocka_unit_test(cve_2019_6250_size_overflow),
        cmocka_unit_test(large_frame_has_memory_of_its_own),
        cmocka_unit_test(large_frame_is_abandoned),
        cmocka_unit_test(memory_of_others_is_left_alone),
        cmocka_unit_test(batches_keep_their_bounds),
        cmocka_unit_test(many_octets_end_a_batch),
        cmocka_unit_test(gathered_messages),
        cmocka_unit_test(gathering_ends),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
