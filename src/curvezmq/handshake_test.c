/* SPDX-License-Identifier: ISC */
/* Both halves of a CurveZMQ handshake: known answers, and every way to get a command wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <sodium.h>

#include "base/random.h"
#include "base/secret.h"
#include "base/z85.h"
#include "curvezmq/client.h"
#include "curvezmq/handshake_vectors.h"
#include "curvezmq/server.h"

enum { METADATA = 35, INITIATE = IH_CURVE_INITIATE + METADATA, READY = IH_CURVE_READY + METADATA, NOW = 1000 };

static const uint8_t metadata[METADATA] = "\13Socket-Type\0\0\0\6DEALER\10Identity\0\0\0";
static struct ih_curve_pair C;
static struct ih_curve_pair S;
static struct ih_cookie_jar *jar;

/* One handshake. */
static struct ih_curve_client client;
static struct ih_curve_server server;
static uint8_t hello[IH_CURVE_HELLO];
static uint8_t welcome[IH_CURVE_WELCOME];
static uint8_t initiate[INITIATE];
static uint8_t ready[READY];
static uint8_t text[1024];

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

/* ------------------------------------------------------------------------------------------------------------------ */

static int group_setup(void **state)
{
    (void)state;
    assert_int_equal(ih_random_init(), 0);
    assert_int_equal(ih_z85_decode(S.public_key, "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", 40), 0);
    assert_int_equal(ih_z85_decode(S.secret_key, "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6", 40), 0);
    assert_int_equal(ih_z85_decode(C.public_key, "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", 40), 0);
    assert_int_equal(ih_z85_decode(C.secret_key, "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs", 40), 0);
    jar = ih_cookie_jar_new();
    return jar ? 0 : -1;
}

static int group_teardown(void **state)
{
    (void)state;
    ih_cookie_jar_free(jar);
    return 0;
}

/* A handshake up to INITIATE, which the server has not seen. */
static int setup(void **state)
{
    (void)state;
    assert_int_equal(ih_curve_client_init(&client, &C, S.public_key), 0);
    ih_curve_server_init(&server, S.public_key, S.secret_key, jar, 5);
    ih_curve_client_hello(&client, hello);
    assert_int_equal(ih_curve_server_hello(&server, hello, sizeof hello, NOW, welcome), 0);
    assert_int_equal(ih_curve_client_welcome(&client, welcome, sizeof welcome), 0);
    ih_curve_client_initiate(&client, metadata, METADATA, initiate);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ih_curve_client_fini(&client);
    ih_curve_server_fini(&server);
    return 0;
}

static int take_initiate(const uint8_t *command, size_t size)
{
    const uint8_t *from;

    return ih_curve_server_initiate(&server, command, size, NOW, text, &from);
}

/* The client answers as computed elsewhere, from HELLO to messages in both directions. */
static void client_known_answers(void **state)
{
    struct ih_box_keys *keys;
    uint8_t place[256];
    uint8_t head;

    (void)state;
    calls = 0;
    randombytes_set_implementation(&fixed);
    assert_int_equal(ih_curve_client_init(&client, &C, S.public_key), 0);
    ih_curve_client_hello(&client, hello);
    assert_memory_equal(hello, kat_hello, sizeof hello);
    assert_int_equal(ih_curve_client_welcome(&client, kat_welcome, sizeof kat_welcome), 0);
    assert_int_equal(sizeof kat_initiate, INITIATE);
    ih_curve_client_initiate(&client, metadata, METADATA, initiate);
    assert_memory_equal(initiate, kat_initiate, sizeof initiate);
    assert_int_equal(ih_curve_client_ready(&client, kat_ready, sizeof kat_ready, text, &keys), 0);
    assert_memory_equal(text, metadata, METADATA);

    assert_int_equal(keys->sealed, 2);
    assert_int_equal(keys->opened, 1);
    memcpy(place + 32, "\0hello", 6);
    ih_box_seal(keys->seal, 3, place + 32, 6, place + 16);
    assert_memory_equal(place + 16, kat_client_message + 16, 16 + 6);
    assert_int_equal(ih_box_open(keys->open, 2, kat_server_message + 16, kat_server_message + 32, 6, &head, place), 0);
    assert_int_equal(head, 1);
    assert_memory_equal(place, "world", 5);
    ih_secret_free(keys);
    ih_curve_client_fini(&client);
    randombytes_set_implementation(&randombytes_sysrandom_implementation);
}

/* The server's commands, opened by crypto_box with the keys that the fixed randomness gives. */
static void server_known_answers(void **state)
{
    uint8_t secret_key[IH_CURVE_KEY]; /* s' */
    uint8_t public_key[IH_CURVE_KEY]; /* S' */
    uint8_t transient[IH_CURVE_KEY];  /* c' */
    uint8_t nonce[IH_CURVE_NONCE];
    const uint8_t *from;

    (void)state;
    ih_curve_server_init(&server, S.public_key, S.secret_key, jar, 5);
    calls = 0;
    randombytes_set_implementation(&fixed);
    assert_int_equal(ih_curve_server_hello(&server, kat_hello, sizeof kat_hello, NOW, welcome), 0);
    randombytes_set_implementation(&randombytes_sysrandom_implementation);
    for (unsigned i = 0; i < sizeof transient; i++) {
        transient[i] = (uint8_t)i;
        secret_key[i] = (uint8_t)(37 + i);
    }
    assert_memory_equal(welcome, "\7WELCOME\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17", 24);
    memcpy(nonce, "WELCOME-", 8);
    memcpy(nonce + 8, welcome + 8, 16);
    assert_int_equal(crypto_box_open_easy(text, welcome + 24, 144, nonce, S.public_key, transient), 0);
    crypto_scalarmult_base(public_key, secret_key);
    assert_memory_equal(text, public_key, 32);
    assert_memory_equal(text + 32, "\112\113\114\115", 4);

    /* A client that knows c' goes on from here. */
    assert_int_equal(ih_curve_client_init(&client, &C, S.public_key), 0);
    ih_curve_client_fini(&client);
    calls = 0;
    randombytes_set_implementation(&fixed);
    assert_int_equal(ih_curve_client_init(&client, &C, S.public_key), 0);
    randombytes_set_implementation(&randombytes_sysrandom_implementation);
    ih_curve_client_hello(&client, hello);
    assert_int_equal(ih_curve_client_welcome(&client, welcome, sizeof welcome), 0);
    ih_curve_client_initiate(&client, metadata, METADATA, initiate);
    assert_int_equal(ih_curve_server_initiate(&server, initiate, sizeof initiate, NOW, text, &from), 0);
    assert_memory_equal(from, metadata, METADATA);
    assert_memory_equal(server.client_key, C.public_key, 32);
    ih_curve_server_ready(&server, metadata, METADATA, ready);
    assert_memory_equal(ready, "\5READY\0\0\0\0\0\0\0\1", 14);
    memcpy(nonce, "CurveZMQREADY---", 16);
    memcpy(nonce + 16, ready + 6, 8);
    assert_int_equal(crypto_box_open_easy(text, ready + 14, 16 + METADATA, nonce, public_key, transient), 0);
    assert_memory_equal(text, metadata, METADATA);
    ih_curve_client_fini(&client);
    ih_curve_server_fini(&server);
}

static void both_ends_agree(void **state)
{
    struct ih_box_keys *ours;
    struct ih_box_keys *theirs;

    (void)state;
    assert_int_equal(take_initiate(initiate, sizeof initiate), 0);
    ours = ih_curve_server_session(&server);
    ih_curve_server_ready(&server, metadata, METADATA, ready);
    assert_int_equal(ih_curve_client_ready(&client, ready, sizeof ready, text, &theirs), 0);
    assert_memory_equal(text, metadata, METADATA);
    assert_memory_equal(ours->seal, theirs->open, IH_CURVE_KEY);
    assert_memory_equal(ours->open, theirs->seal, IH_CURVE_KEY);
    assert_memory_not_equal(ours->open, ours->seal, IH_CURVE_KEY);
    assert_int_equal(ours->sealed, theirs->opened);
    assert_int_equal(ours->opened, theirs->sealed);
    ih_secret_free(ours);
    ih_secret_free(theirs);
}

/* --- altered in every octet, cut at every length ------------------------------------------------------------------ */

static void altered_hello(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hello; i++) {
        hello[i] ^= 0x20;
        assert_true(ih_curve_server_hello(&server, hello, sizeof hello, NOW, welcome) < 0);
        hello[i] ^= 0x20;
    }
    for (size_t size = 0; size < sizeof hello; size++)
        assert_int_equal(ih_curve_server_hello(&server, hello, size, NOW, welcome), -EPROTO);
    assert_int_equal(ih_curve_server_hello(&server, hello, sizeof hello, NOW, welcome), 0);
}

static void altered_welcome(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof welcome; i++) {
        welcome[i] ^= 0x20;
        assert_true(ih_curve_client_welcome(&client, welcome, sizeof welcome) < 0);
        welcome[i] ^= 0x20;
    }
    for (size_t size = 0; size < sizeof welcome; size++)
        assert_int_equal(ih_curve_client_welcome(&client, welcome, size), -EPROTO);
    assert_int_equal(ih_curve_client_welcome(&client, welcome, sizeof welcome), 0);
}

static void altered_initiate(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof initiate; i++) {
        initiate[i] ^= 0x20;
        assert_true(take_initiate(initiate, sizeof initiate) < 0);
        assert_null(server.session);
        initiate[i] ^= 0x20;
    }
    for (size_t size = IH_CURVE_INITIATE; size < sizeof initiate; size++)
        assert_int_equal(take_initiate(initiate, size), -EBADMSG);
    assert_int_equal(take_initiate(initiate, sizeof initiate), 0);
}

/* An INITIATE that is shorter than its fixed fields, each size in memory of its own so that a sanitizer sees a read
 * beyond it. */
static void cve_2019_13132_initiate_length(void **state)
{
    (void)state;
    for (size_t size = 0; size < IH_CURVE_INITIATE; size++) {
        uint8_t *command = malloc(size > 0 ? size : 1);

        assert_non_null(command);
        memcpy(command, initiate, size);
        assert_int_equal(take_initiate(command, size), -EPROTO);
        free(command);
    }
}

static void altered_ready(void **state)
{
    struct ih_box_keys *keys = NULL;

    (void)state;
    assert_int_equal(take_initiate(initiate, sizeof initiate), 0);
    ih_curve_server_ready(&server, metadata, METADATA, ready);
    for (size_t i = 0; i < sizeof ready; i++) {
        ready[i] ^= 0x20;
        assert_true(ih_curve_client_ready(&client, ready, sizeof ready, text, &keys) < 0);
        ready[i] ^= 0x20;
    }
    for (size_t size = 0; size < sizeof ready; size++)
        assert_true(ih_curve_client_ready(&client, ready, size, text, &keys) < 0);
    assert_null(keys);
}

/* --- replayed ----------------------------------------------------------------------------------------------------- */

static void initiate_is_worthless_elsewhere(void **state)
{
    struct ih_curve_server other;
    const uint8_t *from;

    (void)state;
    ih_curve_server_init(&other, S.public_key, S.secret_key, jar, 6);
    /* The whole handshake is replayed on another connection, where WELCOME was another. */
    assert_int_equal(ih_curve_server_hello(&other, hello, sizeof hello, NOW, welcome), 0);
    assert_int_equal(ih_curve_server_initiate(&other, initiate, sizeof initiate, NOW, text, &from), -EBADMSG);
    ih_curve_server_fini(&other);
}

static void initiate_is_worthless_later(void **state)
{
    const uint8_t *from;

    (void)state;
    assert_int_equal(ih_curve_server_initiate(&server, initiate, sizeof initiate, NOW + 600000, text, &from), -EBADMSG);
}

/* Even to one who has all that the server then has: its cookie opens no more. */
static void cookie_is_worthless_afterwards(void **state)
{
    uint8_t client_key[IH_CURVE_KEY];
    uint8_t secret_key[IH_CURVE_KEY];
    struct ih_cookie_jar *idle = ih_cookie_jar_new();

    (void)state;
    for (int finished = 0; finished < 2; finished++) {
        teardown(NULL);
        assert_int_equal(ih_curve_client_init(&client, &C, S.public_key), 0);
        ih_curve_server_init(&server, S.public_key, S.secret_key, idle, 5);
        ih_curve_client_hello(&client, hello);
        assert_int_equal(ih_curve_server_hello(&server, hello, sizeof hello, NOW, welcome), 0);
        assert_int_equal(ih_curve_client_welcome(&client, welcome, sizeof welcome), 0);
        ih_curve_client_initiate(&client, metadata, METADATA, initiate);
        assert_int_equal(ih_cookie_open(idle, 5, NOW, initiate + 9, client_key, secret_key), 0);
        if (finished)
            assert_int_equal(take_initiate(initiate, sizeof initiate), 0);
        else
            ih_curve_server_fini(&server);
        assert_int_equal(ih_cookie_open(idle, 5, NOW, initiate + 9, client_key, secret_key), -EBADMSG);
    }
    ih_cookie_jar_free(idle);
}

static void initiate_is_worthless_after_another_hello(void **state)
{
    struct ih_curve_client again;

    (void)state;
    assert_int_equal(ih_curve_client_init(&again, &C, S.public_key), 0);
    again.nonce = 1;
    ih_curve_client_hello(&again, hello);
    assert_int_equal(ih_curve_server_hello(&server, hello, sizeof hello, NOW, welcome), 0);
    /* Its nonce is the one that this HELLO used. */
    assert_int_equal(take_initiate(initiate, sizeof initiate), -ESTALE);
    ih_curve_client_fini(&again);
}

static void welcome_is_worthless_elsewhere(void **state)
{
    struct ih_curve_client other;

    (void)state;
    assert_int_equal(ih_curve_client_init(&other, &C, S.public_key), 0);
    ih_curve_client_hello(&other, hello);
    assert_int_equal(ih_curve_client_welcome(&other, welcome, sizeof welcome), -EBADMSG);
    ih_curve_client_fini(&other);
}

/* --- false keys --------------------------------------------------------------------------------------------------- */

/* INITIATE made by hand: who is vouched for, and to whom, is said by the caller. */
static void make_initiate(const uint8_t *vouched, const uint8_t *vouched_to, const struct ih_curve_pair *from,
                          uint64_t counter)
{
    struct ih_curve_pair transient;
    uint8_t nonce[IH_CURVE_NONCE];
    uint8_t opened[128];
    uint8_t vouch[64];
    uint8_t *p = text;

    assert_int_equal(crypto_box_keypair(transient.public_key, transient.secret_key), 0);
    ih_curve_server_init(&server, S.public_key, S.secret_key, jar, 5);
    memset(hello, 0, sizeof hello);
    memcpy(hello, "\5HELLO\1", 7);
    memcpy(hello + 80, transient.public_key, 32);
    ih_curve_put_nonce(hello + 112, 1);
    ih_curve_short_nonce(nonce, ih_curve_hello_prefix, 1);
    memset(opened, 0, 64);
    assert_int_equal(crypto_box_easy(hello + 120, opened, 64, nonce, S.public_key, transient.secret_key), 0);
    assert_int_equal(ih_curve_server_hello(&server, hello, sizeof hello, NOW, welcome), 0);
    ih_curve_long_nonce(nonce, ih_curve_welcome_prefix, welcome + 8);
    assert_int_equal(crypto_box_open_easy(opened, welcome + 24, 144, nonce, S.public_key, transient.secret_key), 0);

    memcpy(vouch, vouched ? vouched : transient.public_key, 32);
    memcpy(vouch + 32, vouched_to, 32);
    memcpy(p, from->public_key, 32);
    memset(p + 32, 9, 16);
    ih_curve_long_nonce(nonce, ih_curve_vouch_prefix, p + 32);
    assert_int_equal(crypto_box_easy(p + 48, vouch, 64, nonce, opened, from->secret_key), 0);
    memcpy(p + 128, metadata, METADATA);
    memcpy(initiate, "\10INITIATE", 9);
    memcpy(initiate + 9, opened + 32, 96);
    ih_curve_put_nonce(initiate + 105, counter);
    ih_curve_short_nonce(nonce, ih_curve_initiate_prefix, counter);
    assert_int_equal(crypto_box_easy(initiate + 113, p, 128 + METADATA, nonce, opened, transient.secret_key), 0);
}

static void vouch_must_be_for_this_connection_and_server(void **state)
{
    struct ih_curve_pair other;

    (void)state;
    assert_int_equal(crypto_box_keypair(other.public_key, other.secret_key), 0);
    make_initiate(NULL, S.public_key, &C, 2);
    assert_int_equal(take_initiate(initiate, sizeof initiate), 0);
    ih_curve_server_fini(&server);
    make_initiate(other.public_key, S.public_key, &C, 2);
    assert_int_equal(take_initiate(initiate, sizeof initiate), -EKEYREJECTED);
    /* A server that this client talks to cannot use the vouch to pose as the client elsewhere. */
    make_initiate(NULL, other.public_key, &C, 2);
    assert_int_equal(take_initiate(initiate, sizeof initiate), -EKEYREJECTED);
    assert_null(server.session);
}

static void long_term_key_must_be_the_clients_own(void **state)
{
    struct ih_curve_pair thief = C;

    (void)state;
    assert_int_equal(crypto_box_keypair(text, thief.secret_key), 0);
    make_initiate(NULL, S.public_key, &thief, 2);
    assert_int_equal(take_initiate(initiate, sizeof initiate), -EBADMSG);
}

static void nonce_must_grow(void **state)
{
    (void)state;
    make_initiate(NULL, S.public_key, &C, 1);
    assert_int_equal(take_initiate(initiate, sizeof initiate), -ESTALE);
    make_initiate(NULL, S.public_key, &C, 0);
    assert_int_equal(take_initiate(initiate, sizeof initiate), -ESTALE);
    make_initiate(NULL, S.public_key, &C, UINT64_MAX);
    assert_int_equal(take_initiate(initiate, sizeof initiate), 0);
}

static void wrong_server_key(void **state)
{
    struct ih_curve_client other;

    (void)state;
    assert_int_equal(ih_curve_client_init(&other, &C, C.public_key), 0);
    ih_curve_client_hello(&other, hello);
    assert_int_equal(ih_curve_server_hello(&server, hello, sizeof hello, NOW, welcome), -EBADMSG);
    ih_curve_client_fini(&other);
}

/* Points of small order make a key that everybody knows. */
static const uint8_t low_order[][IH_CURVE_KEY] = {
    {0},
    {1},
    {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
     0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
    {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
     0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
};

static void low_order_points_are_refused(void **state)
{
    static const uint8_t zero[IH_CURVE_KEY];

    (void)state;
    for (size_t i = 0; i < sizeof low_order / sizeof low_order[0]; i++) {
        struct ih_curve_client other;
        uint8_t nonce[IH_CURVE_NONCE];
        uint8_t shared[IH_CURVE_KEY];

        /* S */
        assert_int_equal(ih_curve_client_init(&other, &C, low_order[i]), -EBADMSG);
        ih_curve_client_fini(&other);
        /* C': the box is made with what X25519 gives for such a point. */
        memcpy(hello + 80, low_order[i], IH_CURVE_KEY);
        assert_int_equal(crypto_core_hsalsa20(shared, zero, zero, NULL), 0);
        ih_curve_short_nonce(nonce, ih_curve_hello_prefix, 1);
        memset(text, 0, 64);
        assert_int_equal(crypto_box_easy_afternm(hello + 120, text, 64, nonce, shared), 0);
        assert_int_equal(ih_curve_server_hello(&server, hello, sizeof hello, NOW, welcome), -EBADMSG);
    }
}

/* Nothing is kept of a client before INITIATE but its nonce. */
static void no_key_state_before_initiate(void **state)
{
    struct ih_curve_server before;
    struct ih_curve_server after;

    (void)state;
    ih_curve_server_init(&before, S.public_key, S.secret_key, jar, 5);
    after = before;
    assert_int_equal(ih_curve_server_hello(&after, hello, sizeof hello, NOW, welcome), 0);
    assert_int_equal(after.nonce, 1);
    assert_true(after.expects_cookie);
    ih_cookie_forget(jar, after.cookie);
    after.nonce = 0;
    after.cookie = 0;
    after.expects_cookie = false;
    assert_memory_equal(&before, &after, sizeof before);
}

#define SHAKE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_known_answers),
        cmocka_unit_test(server_known_answers),
        SHAKE_TEST(both_ends_agree),
        SHAKE_TEST(altered_hello),
        SHAKE_TEST(altered_welcome),
        SHAKE_TEST(altered_initiate),
        SHAKE_TEST(cve_2019_13132_initiate_length),
        SHAKE_TEST(altered_ready),
        SHAKE_TEST(initiate_is_worthless_elsewhere),
        SHAKE_TEST(initiate_is_worthless_later),
        SHAKE_TEST(cookie_is_worthless_afterwards),
        SHAKE_TEST(initiate_is_worthless_after_another_hello),
        SHAKE_TEST(welcome_is_worthless_elsewhere),
        SHAKE_TEST(vouch_must_be_for_this_connection_and_server),
        SHAKE_TEST(long_term_key_must_be_the_clients_own),
        SHAKE_TEST(nonce_must_grow),
        SHAKE_TEST(wrong_server_key),
        SHAKE_TEST(low_order_points_are_refused),
        SHAKE_TEST(no_key_state_before_initiate),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
