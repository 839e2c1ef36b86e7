/* SPDX-License-Identifier: ISC */
/* Traffic under CURVE: nothing replayed, reordered, left out, altered or in clear text gets in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/random.h"
#include "curvezmq/cookie.h"
#include "zmtp/machine.h"
#include "zmtp/testing.h"

enum { HEAD = 2, MESSAGES = 3, WIRE = 64 };

static struct ih_cookie_jar *jar;
static struct testing_end client;
static struct testing_end server;
static uint8_t wire[MESSAGES][WIRE]; /* sealed frames: "first", "second", "third" */
static size_t wire_size[MESSAGES];

static int group_setup(void **state)
{
    (void)state;
    assert_int_equal(ih_random_init(), 0);
    jar = ih_cookie_jar_new();
    return jar ? 0 : -1;
}

static int group_teardown(void **state)
{
    (void)state;
    ih_cookie_jar_free(jar);
    return 0;
}

static int setup(void **state)
{
    static const char *const texts[MESSAGES] = {"first", "second", "third"};

    (void)state;
    testing_pair(ZMQ_CURVE, jar, &client, &server);
    for (int i = 0; i < MESSAGES; i++) {
        uint8_t *frame;

        testing_put(&client, IH_MSG_DATA, false, texts[i], strlen(texts[i]));
        frame = testing_encode(&client, &wire_size[i]);
        memcpy(wire[i], frame, wire_size[i]);
        free(frame);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    testing_free(&client);
    testing_free(&server);
    return 0;
}

static int take(const void *data, size_t size)
{
    size_t used;

    return ih_zmtp_decode(server.zmtp, data, size, &used, &server.in, SIZE_MAX);
}

static void assert_refused(const void *data, size_t size, int code)
{
    size_t before = server.in.count;

    assert_int_equal(take(data, size), -EPROTO);
    assert_int_equal(ih_zmtp_state(server.zmtp), IH_ZMTP_CLOSED);
    assert_int_equal(ih_zmtp_error(server.zmtp)->failure, IH_ZMTP_PROTOCOL);
    assert_int_equal(ih_zmtp_error(server.zmtp)->code, code);
    assert_int_equal(server.in.count, before);
}

/* A frame by hand: any payload flags, sealed as the client's next message. */
static size_t seal(uint8_t *frame, uint8_t flags, const void *data, size_t size)
{
    uint8_t *area = malloc(IH_BOX_ROOM + 1 + size + IH_BOX_SPARE);
    uint8_t *text = area + IH_BOX_ROOM;

    text[0] = flags;
    memcpy(text + 1, data, size);
    client.zmtp->sealed++;
    frame[0] = 0;
    frame[1] = (uint8_t)(IH_CURVE_MESSAGE + size);
    memcpy(frame + 2, "\7MESSAGE", 8);
    ih_curve_put_nonce(frame + 10, client.zmtp->sealed);
    ih_box_seal(client.zmtp->keys->seal, client.zmtp->sealed, text, 1 + size, frame + 18);
    memcpy(frame + 34, text, 1 + size);
    free(area);
    return 2 + IH_CURVE_MESSAGE + size;
}

/* RFC 26, "The MESSAGE Command". */
static void frame_is_the_rfcs(void **state)
{
    (void)state;
    assert_int_equal(wire_size[0], HEAD + IH_CURVE_MESSAGE + 5);
    assert_memory_equal(wire[0], "\0\46\7MESSAGE\0\0\0\0\0\0\0\3", 18);
    assert_int_equal(take(wire[0], wire_size[0]), 0);
    assert_int_equal(server.in.count, 1);
}

static void cve_2014_7203_replayed(void **state)
{
    (void)state;
    assert_int_equal(take(wire[0], wire_size[0]), 0);
    assert_refused(wire[0], wire_size[0], ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE);
}

static void cve_2014_7203_reordered(void **state)
{
    (void)state;
    assert_refused(wire[1], wire_size[1], ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE);
}

static void left_out(void **state)
{
    (void)state;
    assert_int_equal(take(wire[0], wire_size[0]), 0);
    assert_refused(wire[2], wire_size[2], ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE);
}

static void of_another_connection(void **state)
{
    uint8_t old[WIRE];
    size_t size = wire_size[0];

    memcpy(old, wire[0], size);
    (void)teardown(state);
    (void)setup(state);
    assert_refused(old, size, ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC);
}

/* A message that is sent back to who sent it. */
static void reflected(void **state)
{
    uint8_t *frame;
    size_t size;

    (void)state;
    server.zmtp->sealed = server.zmtp->opened;
    testing_put(&server, IH_MSG_DATA, false, "x", 1);
    frame = testing_encode(&server, &size);
    assert_refused(frame, size, ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC);
    free(frame);
}

static void altered_in_every_octet(void **state)
{
    for (size_t i = 0; i < HEAD + IH_CURVE_MESSAGE + 5; i++) {
        for (int bit = 0; bit < 8; bit++) {
            wire[0][i] ^= (uint8_t)(1 << bit);
            (void)take(wire[0], wire_size[0]);
            assert_true(i == 0 || ih_queue_empty(&server.in));
            if (i > 1)
                assert_int_equal(ih_zmtp_state(server.zmtp), IH_ZMTP_CLOSED);
            (void)teardown(state);
            (void)setup(state);
        }
    }
}

static void shortened(void **state)
{
    for (size_t size = 0; size < wire_size[0] - HEAD; size++) {
        wire[0][1] = (uint8_t)size;
        assert_int_equal(take(wire[0], HEAD + size), -EPROTO);
        assert_int_equal(ih_zmtp_state(server.zmtp), IH_ZMTP_CLOSED);
        (void)teardown(state);
        (void)setup(state);
    }
}

/* CVE-2014-7202: once there is CURVE, nothing comes in clear text. */
static void cve_2014_7202_clear_text(void **state)
{
    static const struct {
        const char *frame;
        size_t size;
        int code;
    } frames[] = {
        {"\0\0", 2, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED},
        {"\0\5hello", 7, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED},
        {"\1\5hello", 7, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE},
        {"\4\7\4PING\0\0", 9, ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND},
        {"\4\13\11SUBSCRIBEa", 13, ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND},
        {"\4\12\5ERROR\003400", 12, ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND},
        {"\4\6\5READY", 8, ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND},
        {"\4\10\7MESSAGE", 10, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE},
    };

    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        assert_refused(frames[i].frame, frames[i].size, frames[i].code);
        (void)teardown(state);
        (void)setup(state);
    }
}

static void payload_flags(void **state)
{
    uint8_t frame[WIRE];

    for (unsigned flags = 0; flags < 256; flags++) {
        size_t size;

        client.zmtp->sealed -= MESSAGES;
        size = seal(frame, (uint8_t)flags, "\4PING\0\0", 7);
        if (flags > 2) {
            assert_refused(frame, size, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE);
        } else {
            assert_int_equal(take(frame, size), 0);
            assert_int_equal(ih_queue_front(&server.in)->kind, flags == 2 ? IH_MSG_PING : IH_MSG_DATA);
            assert_int_equal(ih_msg_more(ih_queue_front(&server.in)), flags == 1);
        }
        (void)teardown(state);
        (void)setup(state);
    }
}

static void malformed_command_in_a_box(void **state)
{
    uint8_t frame[WIRE];
    size_t size;

    (void)state;
    client.zmtp->sealed -= MESSAGES;
    size = seal(frame, 2, "\3FOO", 4);
    assert_int_equal(take(frame, size), 0);
    assert_true(ih_queue_empty(&server.in));
    size = seal(frame, 2, "PING", 4);
    assert_refused(frame, size, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED);
}

/* libzmq sends message frames; the RFC has command frames. */
static void outer_flags(void **state)
{
    wire[0][0] = 4;
    assert_int_equal(take(wire[0], wire_size[0]), 0);
    assert_int_equal(server.in.count, 1);
    assert_int_equal(ih_queue_front(&server.in)->kind, IH_MSG_DATA);
    (void)state;
    wire[1][0] = 1;
    assert_refused(wire[1], wire_size[1], ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE);
}

/* A large frame is looked at before memory is taken for it. */
static void large_frame_is_checked_first(void **state)
{
    uint8_t large[200] = {2, 0, 0, 0, 0, 0, 0x10};
    size_t room;

    assert_refused(large, sizeof large, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED);
    assert_null(ih_zmtp_body(server.zmtp, &room));
    (void)teardown(state);
    (void)setup(state);
    memcpy(large + 9, "\7MESSAGE\0\0\0\0\0\0\0\4", 16);
    assert_refused(large, sizeof large, ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE);
    assert_null(ih_zmtp_body(server.zmtp, &room));
}

static void large_frame_altered(void **state)
{
    static uint8_t data[20000];
    static const size_t places[] = {11, 24, 30, 41, 42, 500, 20041};
    uint8_t *frame;
    size_t size;
    size_t left;

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        client.zmtp->sealed -= MESSAGES;
        testing_put(&client, IH_MSG_DATA, false, data, sizeof data);
        frame = testing_encode(&client, &size);
        assert_int_equal(size, 9 + IH_CURVE_MESSAGE + sizeof data);
        frame[places[i]] ^= 4;
        assert_int_equal(take(frame, 5000), places[i] < 25 ? -EPROTO : 0);
        if (places[i] >= 25) {
            assert_int_equal(testing_decode(&server, frame + 5000, size - 5000, &left), -EPROTO);
            assert_int_equal(ih_zmtp_error(server.zmtp)->code, ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC);
        }
        assert_true(ih_queue_empty(&server.in));
        free(frame);
        (void)teardown(state);
        (void)setup(state);
    }
}

/* After the largest number there is none. */
static void nonces_do_not_wrap(void **state)
{
    uint8_t frame[WIRE];
    size_t size;

    (void)state;
    client.zmtp->sealed = UINT64_MAX - 1;
    server.zmtp->opened = UINT64_MAX - 1;
    size = seal(frame, 0, "x", 1);
    assert_int_equal(take(frame, size), 0);
    size = seal(frame, 0, "y", 1);
    assert_refused(frame, size, ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE);
}

#define SEALED_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SEALED_TEST(frame_is_the_rfcs),
        SEALED_TEST(cve_2014_7203_replayed),
        SEALED_TEST(cve_2014_7203_reordered),
        SEALED_TEST(left_out),
        SEALED_TEST(of_another_connection),
        SEALED_TEST(reflected),
        SEALED_TEST(altered_in_every_octet),
        SEALED_TEST(shortened),
        SEALED_TEST(cve_2014_7202_clear_text),
        SEALED_TEST(payload_flags),
        SEALED_TEST(malformed_command_in_a_box),
        SEALED_TEST(outer_flags),
        SEALED_TEST(large_frame_is_checked_first),
        SEALED_TEST(large_frame_altered),
        SEALED_TEST(nonces_do_not_wrap),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
