/* SPDX-License-Identifier: ISC */
/* Handshakes in memory: every mechanism and role, what is refused and why, and octets that come in any pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "curvezmq/cookie.h"
#include "zmtp/greeting.h"
#include "zmtp/metadata.h"
#include "zmtp/testing.h"

enum { MECHANISMS = 3, WIRE = 4096 };

static struct ih_cookie_jar *jar;
static struct testing_end client;
static struct testing_end server;
static uint8_t wire[WIRE];

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

static void open_both(int mechanism, bool zap)
{
    client = testing_open(mechanism, false, false, jar);
    server = testing_open(mechanism, true, zap, jar);
}

static void close_both(void)
{
    testing_free(&client);
    testing_free(&server);
}

static void assert_state(const struct testing_end *end, enum ih_zmtp_state state)
{
    assert_int_equal(ih_zmtp_state(end->zmtp), state);
}

static void assert_failed(const struct testing_end *end, enum ih_zmtp_failure failure, int code)
{
    assert_state(end, IH_ZMTP_CLOSED);
    assert_int_equal(ih_zmtp_error(end->zmtp)->failure, failure);
    assert_int_equal(ih_zmtp_error(end->zmtp)->code, code);
}

static void assert_property(const struct testing_end *end, const char *name, const char *value)
{
    size_t size;
    const void *data = ih_zmtp_peer_property(end->zmtp, name, &size);

    assert_non_null(data);
    assert_int_equal(size, strlen(value));
    assert_memory_equal(data, value, size);
}

/* --- good --------------------------------------------------------------------------------------------------------- */

static void every_mechanism(void **state)
{
    (void)state;
    for (int mechanism = 0; mechanism < MECHANISMS; mechanism++) {
        for (int zap = 0; zap < 2; zap++) {
            open_both(mechanism, zap);
            testing_shake(&client, &server);
            assert_state(&client, IH_ZMTP_READY);
            assert_state(&server, IH_ZMTP_READY);
            assert_property(&client, "Socket-Type", "DEALER");
            assert_property(&client, "identity", "server");
            assert_property(&server, "Identity", "client");
            assert_int_equal(ih_zmtp_peer_minor(client.zmtp), 1);
            ih_zmtp_handshake_done(client.zmtp);
            ih_zmtp_handshake_done(client.zmtp);
            close_both();
        }
    }
}

/* Feeds both ends in pieces that piece() chooses. */
static void shake_in_pieces(size_t (*piece)(size_t left))
{
    for (int i = 0; i < 8; i++) {
        struct testing_end *from = i % 2 ? &server : &client;
        struct testing_end *to = i % 2 ? &client : &server;
        size_t size = testing_output(from, wire, sizeof wire);
        size_t done = 0;

        while (done < size) {
            size_t take = piece(size - done);

            assert_int_equal(testing_input(to, wire + done, take), take);
            done += take;
        }
    }
}

static size_t one_octet(size_t left)
{
    (void)left;
    return 1;
}

static size_t random_piece(size_t left)
{
    return 1 + ih_random_below(left < 90 ? (uint32_t)left : 90);
}

static void octets_in_any_pieces(void **state)
{
    (void)state;
    for (int i = 0; i < 60; i++) {
        open_both(i % MECHANISMS, false);
        shake_in_pieces(i < MECHANISMS ? one_octet : random_piece);
        assert_state(&client, IH_ZMTP_READY);
        assert_state(&server, IH_ZMTP_READY);
        assert_property(&server, "Identity", "client");
        close_both();
    }
}

/* What follows the handshake is traffic, and left alone. */
static void traffic_is_not_taken(void **state)
{
    size_t size;

    (void)state;
    open_both(ZMQ_NULL, false);
    testing_carry(&client, &server);
    testing_carry(&server, &client);
    size = testing_output(&client, wire, sizeof wire);
    memcpy(wire + size, "\0\5hello", 7);
    assert_int_equal(testing_input(&server, wire, size + 7), size);
    assert_state(&server, IH_ZMTP_READY);
    assert_int_equal(testing_input(&server, wire, 1), 0);
    close_both();
}

static void application_metadata(void **state)
{
    struct ih_security *security = testing_security(ZMQ_NULL, false);
    struct ih_zmtp_config config = testing_config(security, jar, false);
    struct ih_props *props = ih_props_new();

    (void)state;
    config.metadata = "\3X-a\0\0\0\2bc\5X-two\0\0\0";
    config.metadata_size = 10 + 10;
    client = testing_new(security, &config);
    server = testing_open(ZMQ_NULL, true, false, jar);
    testing_shake(&client, &server);
    assert_property(&server, "X-a", "bc");
    assert_property(&server, "x-TWO", "");
    assert_int_equal(ih_zmtp_peer_properties(server.zmtp, &props), 0);
    assert_string_equal(ih_props_get(props, "X-a"), "bc");
    assert_string_equal(ih_props_get(props, "Socket-Type"), "DEALER");
    ih_props_release(props);
    close_both();
}

static void reserved_metadata(void **state)
{
    static const char said[] = "\7User-Id\0\0\0\5admin\7uSER-iD\0\0\0\5admin\14Peer-Address\0\0\0\1x\4__fd\0\0\0\0010"
                               "\3X-a\0\0\0\1b";
    static const char *const names[] = {"User-Id", "uSER-iD", "Peer-Address", "__fd"};
    struct ih_security *security = testing_security(ZMQ_NULL, false);
    struct ih_zmtp_config config = testing_config(security, jar, false);
    struct ih_props *props = ih_props_new();

    (void)state;
    config.metadata = said;
    config.metadata_size = sizeof said - 1;
    client = testing_new(security, &config);
    server = testing_open(ZMQ_NULL, true, false, jar);
    testing_shake(&client, &server);
    assert_int_equal(ih_zmtp_peer_properties(server.zmtp, &props), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_null(ih_props_get(props, names[i]));
    assert_string_equal(ih_props_get(props, "X-a"), "b");
    ih_props_release(props);
    close_both();
}

/* --- ZAP ---------------------------------------------------------------------------------------------------------- */

/* Brings the server to the question. */
static void ask_zap(int mechanism)
{
    open_both(mechanism, true);
    for (int i = 0; i < 4 && ih_zmtp_state(server.zmtp) != IH_ZMTP_ZAP; i++) {
        testing_carry(&server, &client);
        testing_carry(&client, &server);
    }
    assert_state(&server, IH_ZMTP_ZAP);
}

static void credentials(void **state)
{
    static const char *const names[MECHANISMS] = {"NULL", "PLAIN", "CURVE"};
    static const unsigned counts[MECHANISMS] = {0, 2, 1};
    const uint8_t *data;
    size_t size;

    (void)state;
    for (int mechanism = 0; mechanism < MECHANISMS; mechanism++) {
        ask_zap(mechanism);
        assert_string_equal(ih_zmtp_mechanism_name(server.zmtp), names[mechanism]);
        assert_false(ih_zmtp_credential(server.zmtp, counts[mechanism], &data, &size));
        for (unsigned i = 0; i < counts[mechanism]; i++)
            assert_true(ih_zmtp_credential(server.zmtp, i, &data, &size));
        if (mechanism == ZMQ_PLAIN) {
            assert_memory_equal(data, "secret", 6);
            assert_int_equal(size, 6);
            assert_true(ih_zmtp_credential(server.zmtp, 0, &data, &size));
            assert_memory_equal(data, "admin", 5);
            assert_int_equal(size, 5);
        } else if (mechanism == ZMQ_CURVE) {
            uint8_t key[32];
            size_t key_size = sizeof key;

            assert_int_equal(ih_security_get(client.security, ZMQ_CURVE_PUBLICKEY, key, &key_size), 0);
            assert_int_equal(size, 32);
            assert_memory_equal(data, key, 32);
        }
        /* Nothing is taken while the question is open. */
        assert_int_equal(testing_input(&server, (const uint8_t *)"\4\0", 2), 0);
        assert_state(&server, IH_ZMTP_ZAP);
        close_both();
    }
}

static void denied(void **state)
{
    static const char *const errors[MECHANISMS] = {"\4\12\5ERROR\0034", "\4\11^RROR\0034", "\4\12\5ERROR\0034"};

    (void)state;
    for (int mechanism = 0; mechanism < MECHANISMS; mechanism++) {
        for (unsigned status = 300; status <= 500; status += 100) {
            size_t size;

            ask_zap(mechanism);
            assert_int_equal(ih_zmtp_zap_reply(server.zmtp, status), -EPROTO);
            assert_failed(&server, IH_ZMTP_AUTH, (int)status);
            assert_false(ih_zmtp_error(server.zmtp)->fatal_credentials);
            size = testing_output(&server, wire, sizeof wire);
            if (status == 300) {
                assert_int_equal(size, 0);
            } else {
                size_t length = strlen(errors[mechanism]);

                assert_memory_equal(wire, errors[mechanism], length - 1);
                assert_int_equal(wire[length - 1], '0' + status / 100);
                assert_int_equal(size, length + 2);
                assert_int_equal(testing_input(&client, wire, size), size);
                assert_failed(&client, IH_ZMTP_AUTH, (int)status);
                assert_true(ih_zmtp_error(client.zmtp)->fatal_credentials);
            }
            /* A second decision changes nothing. */
            assert_int_equal(ih_zmtp_zap_reply(server.zmtp, 200), -EPROTO);
            close_both();
        }
    }
}

/* --- greetings that do not fit ------------------------------------------------------------------------------------ */

static void feed_greeting(struct testing_end *end, const char *mechanism, bool as_server)
{
    ih_greeting_put(wire, mechanism, as_server);
    (void)testing_input(end, wire, IH_GREETING_SIZE);
}

static void cve_2014_7202_other_mechanism(void **state)
{
    static const char *const names[] = {"NULL", "PLAIN", "CURVE", "GSSAPI", "NUL", "NULLS"};

    (void)state;
    for (int mechanism = 0; mechanism < MECHANISMS; mechanism++) {
        for (int name = 0; name < 6; name++) {
            open_both(mechanism, false);
            feed_greeting(&client, names[name], true);
            feed_greeting(&server, names[name], false);
            if (name == mechanism) {
                assert_state(&client, IH_ZMTP_HANDSHAKE);
                assert_state(&server, IH_ZMTP_HANDSHAKE);
            } else {
                assert_failed(&client, IH_ZMTP_PROTOCOL, ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH);
                assert_failed(&server, IH_ZMTP_PROTOCOL, ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH);
            }
            close_both();
        }
    }
}

static void cve_2014_7202_older_version(void **state)
{
    (void)state;
    for (int mechanism = 0; mechanism < MECHANISMS; mechanism++) {
        open_both(mechanism, false);
        assert_int_equal(testing_input(&client, (const uint8_t *)"\377\0\0\0\0\0\0\0\1\177\1", 11), 11);
        assert_failed(&client, IH_ZMTP_NO_DETAIL, EPROTO);
        assert_int_equal(testing_input(&server, (const uint8_t *)"\1\0", 2), 2);
        assert_failed(&server, IH_ZMTP_NO_DETAIL, EPROTO);
        close_both();
    }
}

static void roles(void **state)
{
    (void)state;
    for (int mechanism = ZMQ_PLAIN; mechanism < MECHANISMS; mechanism++) {
        const char *name = mechanism == ZMQ_PLAIN ? "PLAIN" : "CURVE";

        /* Two servers. */
        open_both(mechanism, false);
        feed_greeting(&server, name, true);
        assert_failed(&server, IH_ZMTP_PROTOCOL, ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH);
        /* libzmq's servers do not say that they are. */
        feed_greeting(&client, name, false);
        assert_state(&client, IH_ZMTP_HANDSHAKE);
        close_both();
        /* Two clients. */
        client = testing_open(mechanism, false, false, jar);
        server = testing_open(mechanism, false, false, jar);
        testing_shake(&client, &server);
        assert_failed(&server, IH_ZMTP_PROTOCOL, ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND);
        close_both();
    }
    /* NULL has no roles. */
    open_both(ZMQ_NULL, false);
    feed_greeting(&server, "NULL", true);
    assert_state(&server, IH_ZMTP_HANDSHAKE);
    close_both();
}

static void minor_version(void **state)
{
    (void)state;
    for (unsigned version = 0x300; version <= 0x402; version++) {
        open_both(ZMQ_NULL, false);
        ih_greeting_put(wire, "NULL", false);
        wire[10] = (uint8_t)(version >> 8);
        wire[11] = (uint8_t)version;
        (void)testing_input(&server, wire, IH_GREETING_SIZE);
        assert_int_equal(ih_zmtp_peer_minor(server.zmtp), version > 0x300);
        close_both();
    }
}

/* --- commands that do not fit ------------------------------------------------------------------------------------- */

struct refusal {
    const char *frame;
    size_t size;
    int code; /* 0: none, the handshake goes on */
};

#define REFUSAL(frame, code)           \
    {                                  \
        frame, sizeof(frame) - 1, code \
    }
#define UNEXPECTED ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND
#define UNSPECIFIED ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED
#define BAD_ERROR ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR
#define BAD_METADATA ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA
#define BAD_HELLO ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO

/* Frames that no end takes at any moment of a handshake. */
static const struct refusal always[] = {
    REFUSAL("\0\0", UNEXPECTED),                /* a message */
    REFUSAL("\1\5hello", UNEXPECTED),           /* a part of a message */
    REFUSAL("\2\0\0\0\0\0\0\0\1x", UNEXPECTED), /* a long message */
    REFUSAL("\5\6\5READY", UNSPECIFIED),        /* a command with MORE */
    REFUSAL("\14\6\5READY", UNSPECIFIED),       /* reserved flags */
    REFUSAL("\200\0", UNSPECIFIED),
    REFUSAL("\6\200\0\0\0\0\0\0\0", UNSPECIFIED), /* a size of 2^63 */
    REFUSAL("\4\0", UNSPECIFIED),                 /* no name */
    REFUSAL("\4\1\0", UNSPECIFIED),
    REFUSAL("\4\5READY", UNSPECIFIED),
    REFUSAL("\4\6\6READY", UNSPECIFIED),
    REFUSAL("\4\7\4PING\0\0", UNEXPECTED),
    REFUSAL("\4\13\11SUBSCRIBEa", UNEXPECTED),
    REFUSAL("\4\10\7MESSAGE", UNEXPECTED),
};

static const struct refusal for_null[] = {
    REFUSAL("\4\6\5READY", 0),
    REFUSAL("\4\34\5READY\13Socket-Type\0\0\0\6DEALER", 0),
    REFUSAL("\4\34\5READY\13socket-type\0\0\0\6ROUTER", 0),
    REFUSAL("\4\31\5READY\13Socket-Type\0\0\0\3PUB", BAD_METADATA),
    REFUSAL("\4\26\5READY\13Socket-Type\0\0\0\0", BAD_METADATA),
    REFUSAL("\4\34\5READY\13Socket-Type\0\0\0\6dealer", BAD_METADATA),
    REFUSAL("\4\57\5READY\13Socket-Type\0\0\0\6DEALER\13Socket-Type\0\0\0\3PUB", BAD_METADATA),
    REFUSAL("\4\10\5READY\3a", BAD_METADATA),
    REFUSAL("\4\14\5READY\0\0\0\0\1a", BAD_METADATA),
    REFUSAL("\4\15\5READY\1X\377\377\377\377y", BAD_METADATA),
    REFUSAL("\4\6\5HELLO", UNEXPECTED),
    REFUSAL("\4\6\5ERROR", BAD_ERROR),
    REFUSAL("\4\11\5ERROR\5ab", BAD_ERROR),
    REFUSAL("\4\13\5ERROR\003400x", BAD_ERROR),
};

static const struct refusal for_plain_server[] = {
    REFUSAL("\4\10\5HELLO\0\0", 0),
    REFUSAL("\4\23\5HELLO\5admin\6secret", 0),
    REFUSAL("\4\6\5HELLO", BAD_HELLO),
    REFUSAL("\4\14\5HELLO\5admin", BAD_HELLO),
    REFUSAL("\4\14\5HELLO\6admin", BAD_HELLO),
    REFUSAL("\4\23\5HELLO\5admin\7secret", BAD_HELLO),
    REFUSAL("\4\24\5HELLO\5admin\6secretx", BAD_HELLO),
    REFUSAL("\4\11\10INITIATE", UNEXPECTED),
    REFUSAL("\4\6\5READY", UNEXPECTED),
    REFUSAL("\4\12\5ERROR\003400", UNEXPECTED),
};

static const struct refusal for_plain_client[] = {
    REFUSAL("\4\10\7WELCOME", 0),
    REFUSAL("\4\11\7WELCOMEx", ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME),
    REFUSAL("\4\6\5READY", UNEXPECTED),
    REFUSAL("\4\23\5HELLO\5admin\6secret", UNEXPECTED),
    REFUSAL("\4\6\5ERROR", BAD_ERROR),
    REFUSAL("\4\5^RROR", BAD_ERROR),
    REFUSAL("\4\12^RROR\003400x", BAD_ERROR),
};

static const struct refusal for_curve_server[] = {
    REFUSAL("\4\6\5HELLO", BAD_HELLO),
    REFUSAL("\4\11\10INITIATE", UNEXPECTED),
    REFUSAL("\4\6\5READY", UNEXPECTED),
    REFUSAL("\4\12\5ERROR\003400", UNEXPECTED),
};

static const struct refusal for_curve_client[] = {
    REFUSAL("\4\10\7WELCOME", ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME),
    REFUSAL("\4\6\5READY", UNEXPECTED),
    REFUSAL("\4\6\5HELLO", UNEXPECTED),
    REFUSAL("\4\6\5ERROR", BAD_ERROR),
};

/* Each frame to an end that has the greeting, as a whole and octet by octet. */
static void refuse(int mechanism, bool is_server, const struct refusal *refusals, size_t count)
{
    static const char *const names[MECHANISMS] = {"NULL", "PLAIN", "CURVE"};

    for (size_t i = 0; i < 2 * count; i++) {
        const struct refusal *refusal = &refusals[i / 2];
        const uint8_t *frame = (const uint8_t *)refusal->frame;
        struct testing_end end = testing_open(mechanism, is_server, false, jar);

        feed_greeting(&end, names[mechanism], !is_server && mechanism != ZMQ_NULL);
        if (i % 2 == 0)
            (void)testing_input(&end, frame, refusal->size);
        for (size_t k = 0; i % 2 == 1 && k < refusal->size; k++)
            (void)testing_input(&end, frame + k, 1);
        if (refusal->code != 0)
            assert_failed(&end, IH_ZMTP_PROTOCOL, refusal->code);
        else
            assert_int_not_equal(ih_zmtp_state(end.zmtp), IH_ZMTP_CLOSED);
        testing_free(&end);
    }
}

#define REFUSE(mechanism, is_server, refusals) \
    refuse(mechanism, is_server, refusals, sizeof(refusals) / sizeof *(refusals))

static void wrong_commands(void **state)
{
    (void)state;
    for (int mechanism = 0; mechanism < MECHANISMS; mechanism++) {
        REFUSE(mechanism, false, always);
        REFUSE(mechanism, true, always);
    }
    REFUSE(ZMQ_NULL, false, for_null);
    REFUSE(ZMQ_NULL, true, for_null);
    REFUSE(ZMQ_PLAIN, true, for_plain_server);
    REFUSE(ZMQ_PLAIN, false, for_plain_client);
    REFUSE(ZMQ_CURVE, true, for_curve_server);
    REFUSE(ZMQ_CURVE, false, for_curve_client);
}

/* What a peer's ERROR means, in each spelling. */
static void error_commands(void **state)
{
    static const struct {
        const char *reason;
        enum ih_zmtp_failure failure;
        int code;
    } cases[] = {
        {"300", IH_ZMTP_AUTH, 300},         {"400", IH_ZMTP_AUTH, 400},         {"500", IH_ZMTP_AUTH, 500},
        {"200", IH_ZMTP_NO_DETAIL, EACCES}, {"404", IH_ZMTP_NO_DETAIL, EACCES}, {"", IH_ZMTP_NO_DETAIL, EACCES},
        {"no", IH_ZMTP_NO_DETAIL, EACCES},  {"600", IH_ZMTP_NO_DETAIL, EACCES},
    };
    static const char *const greetings[MECHANISMS] = {"NULL", "PLAIN", "CURVE"};

    (void)state;
    for (size_t i = 0; i < 4 * sizeof cases / sizeof cases[0]; i++) {
        int mechanism = i % 4 == 3 ? ZMQ_PLAIN : (int)(i % 4);
        const char *name = i % 4 == 3 ? "^RROR" : "\5ERROR";
        const char *reason = cases[i / 4].reason;
        size_t length = strlen(name);

        client = testing_open(mechanism, false, false, jar);
        feed_greeting(&client, greetings[mechanism], mechanism != ZMQ_NULL);
        wire[0] = 4;
        wire[1] = (uint8_t)(length + 1 + strlen(reason));
        memcpy(wire + 2, name, length);
        wire[2 + length] = (uint8_t)strlen(reason);
        memcpy(wire + 3 + length, reason, strlen(reason));
        (void)testing_input(&client, wire, 2u + wire[1]);
        assert_failed(&client, cases[i / 4].failure, cases[i / 4].code);
        assert_true(ih_zmtp_error(client.zmtp)->fatal_credentials);
        testing_free(&client);
    }
}

/* A command that no handshake needs is refused by its head: the octets behind it are never read. */
static void sizes_are_checked_before_reading(void **state)
{
    static const uint8_t huge[] = {6, 0x7f, 255, 255, 255, 255, 255, 255, 255};
    static const uint8_t large[] = {6, 0, 0, 0, 0, 0, 1, 3, 0};
    static const char *const names[MECHANISMS] = {"NULL", "PLAIN", "CURVE"};

    (void)state;
    for (int mechanism = 0; mechanism < MECHANISMS; mechanism++) {
        for (int k = 0; k < 4; k++) {
            server = testing_open(mechanism, k % 2, false, jar);
            feed_greeting(&server, names[mechanism], k % 2 == 0 && mechanism != ZMQ_NULL);
            (void)testing_input(&server, k < 2 ? huge : large, sizeof huge);
            assert_failed(&server, IH_ZMTP_NO_DETAIL, EMSGSIZE);
            testing_free(&server);
        }
    }
}

static void identity_is_bounded(void **state)
{
    (void)state;
    for (size_t size = 255; size <= 256; size++) {
        uint8_t *p = wire + 9;
        uint8_t identity[256] = {1};

        server = testing_open(ZMQ_NULL, true, false, jar);
        feed_greeting(&server, "NULL", false);
        memcpy(p, "\5READY", 6);
        p = ih_metadata_put(p + 6, "Identity", identity, size);
        memcpy(wire, "\6\0\0\0\0\0\0\1", 8);
        wire[8] = (uint8_t)(p - wire - 9);
        (void)testing_input(&server, wire, (size_t)(p - wire));
        if (size == 255)
            assert_state(&server, IH_ZMTP_READY);
        else
            assert_failed(&server, IH_ZMTP_PROTOCOL, BAD_METADATA);
        testing_free(&server);
    }
}

/* Octets without meaning never make an end ready, and never harm. */
static void random_octets(void **state)
{
    static const char *const names[MECHANISMS] = {"NULL", "PLAIN", "CURVE"};

    (void)state;
    for (int i = 0; i < 3000; i++) {
        size_t size = 1 + ih_random_below(400);

        server = testing_open(i % MECHANISMS, i % 2, false, jar);
        if (i % 5)
            feed_greeting(&server, names[i % MECHANISMS], i % 2 == 0 && i % MECHANISMS > 0);
        ih_random(wire, size);
        if (i % 5 > 1) {
            wire[0] = 4;
            wire[1] = (uint8_t)(size - 2);
        }
        (void)testing_input(&server, wire, size);
        assert_int_not_equal(ih_zmtp_state(server.zmtp), IH_ZMTP_READY);
        testing_free(&server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mechanism),
        cmocka_unit_test(octets_in_any_pieces),
        cmocka_unit_test(traffic_is_not_taken),
        cmocka_unit_test(application_metadata),
        cmocka_unit_test(reserved_metadata),
        cmocka_unit_test(credentials),
        cmocka_unit_test(denied),
        cmocka_unit_test(cve_2014_7202_other_mechanism),
        cmocka_unit_test(cve_2014_7202_older_version),
        cmocka_unit_test(roles),
        cmocka_unit_test(minor_version),
        cmocka_unit_test(wrong_commands),
        cmocka_unit_test(error_commands),
        cmocka_unit_test(sizes_are_checked_before_reading),
        cmocka_unit_test(identity_is_bounded),
        cmocka_unit_test(random_octets),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
