/* SPDX-License-Identifier: ISC */
/* The codec: known answers for every command, every way to get one wrong, and what its calls promise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <curve.h>
#include <errno.h>
#include <sodium.h>

#include "base/random.h"
#include "base/z85.h"
#include "curvezmq/handshake_vectors.h"
#include "libcurve/codec_vectors.h"

enum { META = 35, ROOM = CURVE_METADATA_MAX + 1024 };

static curve_cert_t *client_cert;
static curve_cert_t *server_cert;

/* One session. */
static curve_codec_t *client;
static curve_codec_t *server;
static uint8_t hello[ROOM];
static uint8_t welcome[ROOM];
static uint8_t initiate[ROOM];
static uint8_t ready[ROOM];
static size_t hello_size;
static size_t welcome_size;
static size_t initiate_size;
static size_t ready_size;
static int accept_answer;
static int accept_calls;

/* --- randomness that repeats: call k gives 37k, 37k + 1, ... ------------------------------------------------------ */

static unsigned calls;

static const char *fixed_name(void)
{
    return "fixed";
}

static uint32_t fixed_random(void)
{
    return 4;
}

static void fixed_buf(void *buf, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)buf)[i] = (uint8_t)(calls * 37 + i);
    calls++;
}

static struct randombytes_implementation fixed = {
    .implementation_name = fixed_name,
    .random = fixed_random,
    .buf = fixed_buf,
};

static void fix_random(void)
{
    calls = 0;
    randombytes_set_implementation(&fixed);
}

static void free_random(void)
{
    randombytes_set_implementation(&randombytes_sysrandom_implementation);
}

/* --- a session ---------------------------------------------------------------------------------------------------- */

static curve_cert_t *cert_of(const char *public_text, const char *secret_text)
{
    uint8_t public_key[CURVE_KEY_SIZE];
    uint8_t secret_key[CURVE_KEY_SIZE];

    assert_int_equal(ih_z85_decode(public_key, public_text, 40), 0);
    assert_int_equal(ih_z85_decode(secret_key, secret_text, 40), 0);
    return curve_cert_from(public_key, secret_key);
}

static int group_setup(void **state)
{
    (void)state;
    assert_int_equal(ih_random_init(), 0);
    server_cert = cert_of("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6");
    client_cert = cert_of("Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs");
    return client_cert && server_cert ? 0 : -1;
}

static int group_teardown(void **state)
{
    (void)state;
    curve_cert_destroy(&client_cert);
    curve_cert_destroy(&server_cert);
    return 0;
}

static int take_client(void *arg, curve_codec_t *codec, const uint8_t *client_key)
{
    size_t size;

    assert_ptr_equal(arg, &accept_answer);
    assert_memory_equal(client_key, curve_cert_public_key(client_cert), CURVE_KEY_SIZE);
    assert_memory_equal(curve_codec_peer_key(codec), client_key, CURVE_KEY_SIZE);
    assert_memory_equal(curve_codec_peer_meta(codec, "socket-TYPE", &size), "DEALER", 6);
    assert_int_equal(size, 6);
    accept_calls++;
    return accept_answer;
}

static void open_codecs(void)
{
    accept_answer = 1;
    accept_calls = 0;
    client = curve_codec_new_client(client_cert, curve_cert_public_key(server_cert));
    server = curve_codec_new_server(server_cert, take_client, &accept_answer);
    assert_non_null(client);
    assert_non_null(server);
    assert_int_equal(curve_codec_set_meta(client, "Socket-Type", "DEALER", 6), CURVE_OK);
    assert_int_equal(curve_codec_set_meta(client, "Identity", NULL, 0), CURVE_OK);
    assert_int_equal(curve_codec_set_meta(server, "Room", "42", 2), CURVE_OK);
}

static void close_codecs(void)
{
    curve_codec_destroy(&client);
    curve_codec_destroy(&server);
    assert_null(client);
}

/* The commands up to the one that is asked for are made; those before it were taken. */
static void play(int commands)
{
    open_codecs();
    assert_int_equal(curve_codec_handshake(client, NULL, 0, hello, ROOM, &hello_size), CURVE_OK);
    if (commands > 1)
        assert_int_equal(curve_codec_handshake(server, hello, hello_size, welcome, ROOM, &welcome_size), CURVE_OK);
    if (commands > 2)
        assert_int_equal(curve_codec_handshake(client, welcome, welcome_size, initiate, ROOM, &initiate_size),
                         CURVE_OK);
    if (commands > 3)
        assert_int_equal(curve_codec_handshake(server, initiate, initiate_size, ready, ROOM, &ready_size), CURVE_OK);
}

/* Both ends are ready. */
static void play_all(void)
{
    size_t size;

    play(4);
    assert_int_equal(curve_codec_handshake(client, ready, ready_size, NULL, 0, &size), CURVE_OK);
    assert_int_equal(size, 0);
}

/* The codec failed with this, wiped what it had, and gives the same answer to everything. */
static void assert_final(curve_codec_t *codec, curve_error_t error)
{
    uint8_t out[CURVE_MESSAGE_OVERHEAD + 5];
    size_t size = 77;
    int more;

    assert_int_equal(curve_codec_error(codec), error);
    assert_false(curve_codec_ready(codec));
    assert_int_equal(curve_codec_handshake(codec, hello, CURVE_HELLO_SIZE, welcome, ROOM, &size), error);
    assert_int_equal(size, 0);
    assert_int_equal(curve_codec_encrypt(codec, "hello", 5, 0, out, sizeof out, &size), error);
    assert_int_equal(size, 0);
    assert_int_equal(curve_codec_decrypt(codec, out, sizeof out, out, sizeof out, &size, &more), error);
    assert_int_equal(curve_codec_set_meta(codec, "X", "y", 1), error);
}

/* --- known answers ------------------------------------------------------------------------------------------------ */

static void client_known_answers(void **state)
{
    uint8_t out[1024];
    uint8_t message[64];
    size_t size;
    int more;

    (void)state;
    fix_random();
    client = curve_codec_new_client(client_cert, curve_cert_public_key(server_cert));
    assert_int_equal(curve_codec_set_meta(client, "Socket-Type", "DEALER", 6), CURVE_OK);
    assert_int_equal(curve_codec_set_meta(client, "Identity", "", 0), CURVE_OK);
    assert_int_equal(curve_codec_handshake_room(client), CURVE_INITIATE_SIZE + META);
    assert_int_equal(curve_codec_handshake(client, NULL, 0, out, sizeof out, &size), CURVE_OK);
    assert_int_equal(size, sizeof kat_hello);
    assert_memory_equal(out, kat_hello, size);
    assert_int_equal(curve_codec_handshake(client, kat_welcome, sizeof kat_welcome, out, sizeof out, &size), CURVE_OK);
    assert_int_equal(size, sizeof kat_initiate);
    assert_memory_equal(out, kat_initiate, size);
    assert_false(curve_codec_ready(client));
    assert_int_equal(curve_codec_handshake(client, kat_ready, sizeof kat_ready, out, sizeof out, &size), CURVE_OK);
    assert_int_equal(size, 0);
    assert_true(curve_codec_ready(client));
    assert_int_equal(curve_codec_encrypt(client, "hello", 5, 0, out, sizeof out, &size), CURVE_OK);
    assert_int_equal(size, sizeof kat_client_message);
    assert_memory_equal(out, kat_client_message, size);
    assert_int_equal(curve_codec_decrypt(client, kat_server_message, sizeof kat_server_message, message, sizeof message,
                                         &size, &more),
                     CURVE_OK);
    assert_int_equal(size, 5);
    assert_int_equal(more, 1);
    assert_memory_equal(message, "world", 5);
    curve_codec_destroy(&client);
    free_random();
}

static void server_known_answers(void **state)
{
    uint8_t out[1024];
    uint8_t message[64];
    size_t size;
    int more;

    (void)state;
    accept_answer = 1;
    fix_random();
    server = curve_codec_new_server(server_cert, take_client, &accept_answer);
    assert_int_equal(curve_codec_set_meta(server, "Socket-Type", "DEALER", 6), CURVE_OK);
    assert_int_equal(curve_codec_set_meta(server, "Identity", "", 0), CURVE_OK);
    assert_int_equal(curve_codec_handshake_room(server), CURVE_WELCOME_SIZE);
    assert_null(curve_codec_peer_key(server));
    assert_int_equal(curve_codec_handshake(server, kat_hello, sizeof kat_hello, out, sizeof out, &size), CURVE_OK);
    assert_int_equal(size, sizeof codec_welcome);
    assert_memory_equal(out, codec_welcome, size);
    assert_int_equal(curve_codec_handshake(server, codec_initiate, sizeof codec_initiate, out, sizeof out, &size),
                     CURVE_OK);
    assert_int_equal(size, sizeof codec_ready);
    assert_memory_equal(out, codec_ready, size);
    assert_true(curve_codec_ready(server));
    assert_int_equal(curve_codec_decrypt(server, codec_client_message, sizeof codec_client_message, message,
                                         sizeof message, &size, &more),
                     CURVE_OK);
    assert_int_equal(size, 5);
    assert_int_equal(more, 0);
    assert_memory_equal(message, "hello", 5);
    assert_int_equal(curve_codec_encrypt(server, "world", 5, 1, out, sizeof out, &size), CURVE_OK);
    assert_int_equal(size, sizeof codec_server_message);
    assert_memory_equal(out, codec_server_message, size);
    curve_codec_destroy(&server);
    free_random();
}

/* --- metadata ----------------------------------------------------------------------------------------------------- */

static void metadata_is_exchanged(void **state)
{
    size_t size = 9;

    (void)state;
    play_all();
    assert_memory_equal(curve_codec_peer_meta(client, "ROOM", &size), "42", 2);
    assert_int_equal(size, 2);
    assert_null(curve_codec_peer_meta(client, "Rooms", &size));
    assert_int_equal(size, 0);
    assert_string_equal(curve_codec_peer_meta_name(client, 0), "Room");
    assert_null(curve_codec_peer_meta_name(client, 1));
    assert_string_equal(curve_codec_peer_meta_name(server, 0), "Socket-Type");
    assert_string_equal(curve_codec_peer_meta_name(server, 1), "Identity");
    assert_non_null(curve_codec_peer_meta(server, "identity", &size));
    assert_int_equal(size, 0);
    assert_null(curve_codec_peer_meta_name(server, 2));
    assert_int_equal(accept_calls, 1);
    assert_int_equal(curve_codec_set_meta(client, "Late", "x", 1), CURVE_ERROR_STATE);
    assert_true(curve_codec_ready(client));
    close_codecs();
}

/* Arguments that are refused change nothing. */
static void metadata_has_limits(void **state)
{
    static uint8_t value[CURVE_METADATA_MAX];
    char name[257];

    (void)state;
    open_codecs();
    memset(name, 'n', sizeof name);
    name[256] = '\0';
    assert_int_equal(curve_codec_set_meta(client, name, "x", 1), CURVE_ERROR_MALFORMED);
    assert_int_equal(curve_codec_set_meta(client, "", "x", 1), CURVE_ERROR_MALFORMED);
    assert_int_equal(curve_codec_set_meta(client, NULL, "x", 1), CURVE_ERROR_MALFORMED);
    assert_int_equal(curve_codec_set_meta(client, "a b", "x", 1), CURVE_ERROR_MALFORMED);
    assert_int_equal(curve_codec_set_meta(client, "a", NULL, 1), CURVE_ERROR_MALFORMED);
    assert_int_equal(curve_codec_set_meta(client, "a", value, SIZE_MAX), CURVE_ERROR_LIMIT);
    assert_int_equal(curve_codec_set_meta(client, "a", value, sizeof value), CURVE_ERROR_LIMIT);
    assert_int_equal(curve_codec_set_meta(client, "a", value, sizeof value - META - 6), CURVE_OK);
    assert_int_equal(curve_codec_set_meta(client, "a", value, 0), CURVE_ERROR_LIMIT);
    assert_int_equal(curve_codec_handshake_room(client), CURVE_INITIATE_SIZE + CURVE_METADATA_MAX);
    close_codecs();
    play_all();
    close_codecs();
}

/* The largest metadata passes, and one octet more does not, even from a valid client. */
static void metadata_of_the_peer_has_limits(void **state)
{
    static uint8_t value[CURVE_METADATA_MAX];
    size_t size;

    (void)state;
    play(2);
    curve_codec_destroy(&client);
    curve_codec_destroy(&server);
    open_codecs();
    assert_int_equal(curve_codec_set_meta(client, "a", value, sizeof value - META - 6), CURVE_OK);
    assert_int_equal(curve_codec_handshake(client, NULL, 0, hello, ROOM, &hello_size), CURVE_OK);
    assert_int_equal(curve_codec_handshake(server, hello, hello_size, welcome, ROOM, &welcome_size), CURVE_OK);
    assert_int_equal(curve_codec_handshake(client, welcome, welcome_size, initiate, ROOM, &initiate_size), CURVE_OK);
    assert_int_equal(curve_codec_handshake(server, initiate, initiate_size, ready, ROOM, &ready_size), CURVE_OK);
    assert_non_null(curve_codec_peer_meta(server, "a", &size));
    assert_int_equal(size, sizeof value - META - 6);
    close_codecs();
    play(3);
    assert_int_equal(
        curve_codec_handshake(server, initiate, CURVE_INITIATE_SIZE + CURVE_METADATA_MAX + 1, ready, ROOM, &size),
        CURVE_ERROR_LIMIT);
    assert_final(server, CURVE_ERROR_LIMIT);
    close_codecs();
}

/* --- the wrong command -------------------------------------------------------------------------------------------- */

/* Each octet of each command, altered: the taker fails, and says why. Not the top bits, since X25519 ignores that of a
 * key: what HELLO says with it altered is refused with the vouch. */
static void altered(int command, uint8_t *octets, size_t size, curve_codec_t **taker)
{
    for (size_t i = 0; i < size; i++) {
        curve_error_t error;
        size_t out;

        play(command);
        octets[i] ^= (uint8_t)(1u << (i % 7));
        error = curve_codec_handshake(*taker, octets, size, ready, ROOM, &out);
        assert_int_not_equal(error, CURVE_OK);
        assert_int_not_equal(error, CURVE_ERROR_ROOM);
        assert_int_equal(out, 0);
        assert_final(*taker, error);
        assert_int_equal(accept_calls, command == 4 ? 1 : 0);
        close_codecs();
    }
}

static void altered_hello(void **state)
{
    (void)state;
    altered(1, hello, CURVE_HELLO_SIZE, &server);
}

static void altered_hello_key(void **state)
{
    (void)state;
    play(1);
    hello[111] ^= 0x80; /* the top bit of C' */
    assert_int_equal(curve_codec_handshake(server, hello, hello_size, welcome, ROOM, &welcome_size), CURVE_OK);
    assert_int_equal(curve_codec_handshake(client, welcome, welcome_size, initiate, ROOM, &initiate_size), CURVE_OK);
    assert_int_equal(curve_codec_handshake(server, initiate, initiate_size, ready, ROOM, &ready_size),
                     CURVE_ERROR_VOUCH);
    assert_final(server, CURVE_ERROR_VOUCH);
    assert_int_equal(accept_calls, 0);
    close_codecs();
}

static void altered_welcome(void **state)
{
    (void)state;
    altered(2, welcome, CURVE_WELCOME_SIZE, &client);
}

static void altered_initiate(void **state)
{
    (void)state;
    altered(3, initiate, CURVE_INITIATE_SIZE + META, &server);
}

static void altered_ready(void **state)
{
    (void)state;
    altered(4, ready, CURVE_READY_SIZE + 10, &client);
}

static void altered_message(void **state)
{
    uint8_t command[CURVE_MESSAGE_OVERHEAD + 40];
    uint8_t out[sizeof command];
    uint8_t untouched[sizeof out];
    uint8_t text[40] = {1, 2, 3};
    size_t size;
    int more;

    (void)state;
    memset(untouched, 0xee, sizeof untouched);
    for (size_t i = 0; i < sizeof command; i++) {
        curve_error_t error;

        play_all();
        assert_int_equal(curve_codec_encrypt(client, text, sizeof text, 1, command, sizeof command, &size), CURVE_OK);
        command[i] ^= (uint8_t)(1u << (i % 8));
        memset(out, 0xee, sizeof out);
        error = curve_codec_decrypt(server, command, size, out, sizeof out, &size, &more);
        if (i < 8)
            assert_int_equal(error, CURVE_ERROR_MALFORMED);
        else
            assert_int_equal(error, i < 16 ? CURVE_ERROR_ORDER : CURVE_ERROR_CRYPTO);
        assert_memory_equal(out, untouched, sizeof out);
        assert_final(server, error);
        close_codecs();
    }
}

/* Each command, cut short anywhere. */
static void truncated(void **state)
{
    uint8_t *octets[] = {hello, welcome, initiate, ready};
    size_t sizes[] = {CURVE_HELLO_SIZE, CURVE_WELCOME_SIZE, CURVE_INITIATE_SIZE + META, CURVE_READY_SIZE + 10};

    (void)state;
    for (int command = 1; command <= 4; command++) {
        for (size_t size = 0; size < sizes[command - 1]; size++) {
            curve_codec_t **taker = command % 2 ? &server : &client;
            uint8_t *copy = malloc(size > 0 ? size : 1);
            size_t out;

            play(command);
            memcpy(copy, octets[command - 1], size);
            assert_int_not_equal(curve_codec_handshake(*taker, copy, size, ready, ROOM, &out), CURVE_OK);
            assert_final(*taker, curve_codec_error(*taker));
            free(copy);
            close_codecs();
        }
    }
}

static curve_error_t give(curve_codec_t *codec, const void *in, size_t size)
{
    static uint8_t out[ROOM];
    size_t out_size;

    return curve_codec_handshake(codec, in, size, out, sizeof out, &out_size);
}

/* An ERROR that ends behind its name has no reason, and nothing is read behind it. */
static void short_error(void **state)
{
    uint8_t *copy = malloc(6);

    (void)state;
    memcpy(copy, "\5ERROR", 6);
    play(1);
    assert_int_equal(give(client, copy, 6), CURVE_ERROR_MALFORMED);
    close_codecs();
    free(copy);
}

static void wrong_order(void **state)
{
    uint8_t out[64];
    size_t size;
    int more;

    (void)state;
    play(3);
    assert_int_equal(give(client, welcome, welcome_size), CURVE_ERROR_STATE); /* a second time */
    assert_final(client, CURVE_ERROR_STATE);
    assert_int_equal(give(server, hello, hello_size), CURVE_ERROR_STATE);
    assert_final(server, CURVE_ERROR_STATE);
    close_codecs();

    play(1);
    assert_int_equal(give(client, NULL, 0), CURVE_ERROR_STATE); /* HELLO twice */
    assert_int_equal(give(server, NULL, 0), CURVE_ERROR_STATE);
    close_codecs();

    play(1);
    assert_int_equal(give(server, initiate, CURVE_INITIATE_SIZE + META), CURVE_ERROR_STATE);
    assert_int_equal(give(client, ready, CURVE_READY_SIZE + 10), CURVE_ERROR_STATE);
    close_codecs();

    play(3);
    assert_int_equal(curve_codec_encrypt(client, "x", 1, 0, out, sizeof out, &size), CURVE_ERROR_STATE);
    assert_int_equal(
        curve_codec_decrypt(server, kat_client_message, sizeof kat_client_message, out, sizeof out, &size, &more),
        CURVE_ERROR_STATE);
    close_codecs();

    play_all();
    assert_int_equal(give(client, ready, ready_size), CURVE_ERROR_STATE);
    assert_int_equal(curve_codec_decrypt(server, initiate, initiate_size, out, sizeof out, &size, &more),
                     CURVE_ERROR_STATE);
    close_codecs();
}

/* An INITIATE that was right in another session. */
static void replayed_initiate(void **state)
{
    static uint8_t old[ROOM];
    size_t old_size;

    (void)state;
    play(3);
    memcpy(old, initiate, initiate_size);
    old_size = initiate_size;
    close_codecs();
    play(3);
    assert_int_equal(give(server, old, old_size), CURVE_ERROR_STALE);
    assert_final(server, CURVE_ERROR_STALE);
    assert_int_equal(accept_calls, 0);
    close_codecs();
}

/* Repeated, left out, sent back. */
static void message_order(void **state)
{
    uint8_t first[64];
    uint8_t second[64];
    uint8_t out[64];
    size_t size;
    int more;

    (void)state;
    for (int i = 0; i < 3; i++) {
        curve_codec_t **taker = i == 2 ? &client : &server;
        curve_error_t error;

        play_all();
        assert_int_equal(curve_codec_encrypt(client, "x", 1, 0, first, sizeof first, &size), CURVE_OK);
        assert_int_equal(curve_codec_encrypt(client, "y", 1, 0, second, sizeof second, &size), CURVE_OK);
        if (i == 0) {
            assert_int_equal(curve_codec_decrypt(server, first, size, out, sizeof out, &size, &more), CURVE_OK);
            size = CURVE_MESSAGE_OVERHEAD + 1;
        }
        error = curve_codec_decrypt(*taker, i == 1 ? second : first, size, out, sizeof out, &size, &more);
        assert_int_equal(error, CURVE_ERROR_ORDER);
        assert_final(*taker, error);
        close_codecs();
    }
}

/* --- who may ------------------------------------------------------------------------------------------------------ */

static void refused_client(void **state)
{
    size_t size;

    (void)state;
    for (int with_function = 0; with_function < 2; with_function++) {
        play(3);
        accept_answer = 0;
        if (!with_function) {
            curve_codec_destroy(&server);
            server = curve_codec_new_server(server_cert, NULL, NULL);
            curve_codec_destroy(&client);
            client = curve_codec_new_client(client_cert, curve_cert_public_key(server_cert));
            assert_int_equal(curve_codec_handshake(client, NULL, 0, hello, ROOM, &size), CURVE_OK);
            assert_int_equal(curve_codec_handshake(server, hello, size, welcome, ROOM, &size), CURVE_OK);
            assert_int_equal(curve_codec_handshake(client, welcome, size, initiate, ROOM, &initiate_size), CURVE_OK);
        }
        assert_int_equal(curve_codec_handshake(server, initiate, initiate_size, ready, ROOM, &size),
                         CURVE_ERROR_REFUSED);
        assert_true(size > 0);
        assert_int_equal(give(client, ready, size), CURVE_ERROR_REFUSED);
        assert_final(client, CURVE_ERROR_REFUSED);
        assert_final(server, CURVE_ERROR_REFUSED);
        assert_int_equal(accept_calls, with_function);
        close_codecs();
    }
    play(1);
    assert_int_equal(give(client, "\5ERROR\3no", 9), CURVE_ERROR_MALFORMED);
    close_codecs();
    play(1);
    assert_int_equal(give(server, "\5ERROR\2no", 9), CURVE_ERROR_MALFORMED);
    close_codecs();
}

/* A client that believes that the server has another key. */
static void wrong_server_key(void **state)
{
    (void)state;
    open_codecs();
    curve_codec_destroy(&client);
    client = curve_codec_new_client(client_cert, curve_cert_public_key(client_cert));
    assert_int_equal(curve_codec_handshake(client, NULL, 0, hello, ROOM, &hello_size), CURVE_OK);
    assert_int_equal(give(server, hello, hello_size), CURVE_ERROR_CRYPTO);
    close_codecs();
}

static void wrong_arguments(void **state)
{
    static const uint8_t low_order[CURVE_KEY_SIZE];
    curve_cert_t *half = curve_cert_from(curve_cert_public_key(client_cert), NULL);

    (void)state;
    errno = 0;
    assert_null(curve_codec_new_client(half, curve_cert_public_key(server_cert)));
    assert_int_equal(errno, EINVAL);
    assert_null(curve_codec_new_client(client_cert, NULL));
    assert_null(curve_codec_new_client(NULL, curve_cert_public_key(server_cert)));
    errno = 0;
    assert_null(curve_codec_new_client(client_cert, low_order));
    assert_int_equal(errno, EINVAL);
    assert_null(curve_codec_new_server(half, NULL, NULL));
    curve_cert_destroy(&half);
    curve_codec_destroy(NULL);
    curve_codec_destroy(&client);
    for (int error = -1; error < 20; error++)
        assert_non_null(curve_error_text((curve_error_t)error));
}

/* --- room and place ----------------------------------------------------------------------------------------------- */

/* Too little room: nothing has happened, and the same call with room succeeds. */
static void room(void **state)
{
    uint8_t out[CURVE_MESSAGE_OVERHEAD + 100];
    uint8_t text[100] = {7};
    size_t size;
    int more;

    (void)state;
    open_codecs();
    assert_int_equal(curve_codec_handshake(client, NULL, 0, hello, CURVE_HELLO_SIZE - 1, &size), CURVE_ERROR_ROOM);
    assert_int_equal(curve_codec_handshake(client, NULL, 0, hello, CURVE_HELLO_SIZE, &size), CURVE_OK);
    assert_int_equal(curve_codec_handshake(server, hello, size, welcome, CURVE_WELCOME_SIZE - 1, &welcome_size),
                     CURVE_ERROR_ROOM);
    assert_int_equal(curve_codec_handshake(server, hello, size, welcome, CURVE_WELCOME_SIZE, &size), CURVE_OK);
    assert_int_equal(
        curve_codec_handshake(client, welcome, size, initiate, CURVE_INITIATE_SIZE + META - 1, &initiate_size),
        CURVE_ERROR_ROOM);
    assert_int_equal(curve_codec_handshake(client, welcome, size, initiate, CURVE_INITIATE_SIZE + META, &size),
                     CURVE_OK);
    assert_int_equal(curve_codec_handshake(server, initiate, size, ready, CURVE_READY_SIZE + 10, &ready_size),
                     CURVE_ERROR_ROOM);
    assert_int_equal(accept_calls, 0);
    assert_int_equal(curve_codec_handshake(server, initiate, size, ready, CURVE_READY_SIZE + 11, &size), CURVE_OK);
    assert_int_equal(curve_codec_handshake(client, ready, size, NULL, 0, &size), CURVE_OK);

    assert_int_equal(curve_codec_encrypt(client, text, 100, 0, out, sizeof out - 1, &size), CURVE_ERROR_ROOM);
    assert_int_equal(curve_codec_encrypt(client, text, SIZE_MAX - 5, 0, out, sizeof out, &size), CURVE_ERROR_ROOM);
    assert_int_equal(curve_codec_encrypt(client, text, 100, 0, out, CURVE_MESSAGE_OVERHEAD - 1, &size),
                     CURVE_ERROR_ROOM);
    assert_int_equal(curve_codec_encrypt(client, text, 100, 0, out, sizeof out, &size), CURVE_OK);
    assert_int_equal(curve_codec_decrypt(server, out, size, text, 99, &size, &more), CURVE_ERROR_ROOM);
    assert_int_equal(size, 0);
    assert_int_equal(curve_codec_decrypt(server, out, sizeof out, text, 100, &size, &more), CURVE_OK);
    assert_int_equal(size, 100);
    close_codecs();
}

enum { BIG = 70000 };

/* Sizes around the box's units, in each place that is allowed, both ways. */
static void in_place(void **state)
{
    static const size_t sizes[] = {0, 1, 30, 31, 32, 33, 63, 64, 65, 479, 480, 481, 511, 512, 1000, 16384, 16385, BIG};
    static uint8_t text[BIG];
    static uint8_t place[CURVE_MESSAGE_OVERHEAD + BIG];
    static uint8_t out[BIG];

    (void)state;
    randombytes_buf(text, sizeof text);
    play_all();
    for (size_t i = 0; i < 6 * sizeof sizes / sizeof sizes[0]; i++) {
        curve_codec_t *from = i % 2 ? client : server;
        curve_codec_t *to = i % 2 ? server : client;
        size_t size = sizes[i / 6];
        uint8_t *target = i % 3 == 0 ? out : place + (i % 3 == 1 ? 0 : CURVE_MESSAGE_OVERHEAD);
        const uint8_t *source = i % 4 < 2 ? text : place + CURVE_MESSAGE_OVERHEAD;
        size_t command;
        size_t got;
        int more;

        memcpy(place + CURVE_MESSAGE_OVERHEAD, text, size);
        assert_int_equal(curve_codec_encrypt(from, source, size, i % 5 == 0, place, sizeof place, &command), CURVE_OK);
        assert_int_equal(command, size + CURVE_MESSAGE_OVERHEAD);
        assert_int_equal(curve_codec_decrypt(to, place, command, target, size, &got, &more), CURVE_OK);
        assert_int_equal(got, size);
        assert_int_equal(more, i % 5 == 0);
        assert_memory_equal(target, text, size);
    }
    close_codecs();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_known_answers),
        cmocka_unit_test(server_known_answers),
        cmocka_unit_test(metadata_is_exchanged),
        cmocka_unit_test(metadata_has_limits),
        cmocka_unit_test(metadata_of_the_peer_has_limits),
        cmocka_unit_test(altered_hello),
        cmocka_unit_test(altered_hello_key),
        cmocka_unit_test(altered_welcome),
        cmocka_unit_test(altered_initiate),
        cmocka_unit_test(altered_ready),
        cmocka_unit_test(altered_message),
        cmocka_unit_test(truncated),
        cmocka_unit_test(short_error),
        cmocka_unit_test(wrong_order),
        cmocka_unit_test(replayed_initiate),
        cmocka_unit_test(message_order),
        cmocka_unit_test(refused_client),
        cmocka_unit_test(wrong_server_key),
        cmocka_unit_test(wrong_arguments),
        cmocka_unit_test(room),
        cmocka_unit_test(in_place),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
