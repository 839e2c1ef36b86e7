/* SPDX-License-Identifier: ISC */
/* libcurve's codec. The first octet: which of the five commands (modulo 5: HELLO, WELCOME, INITIATE, READY, MESSAGE) is
 * not what its sender made; its top bit: the rest of the input is given to the taker in its place. Otherwise the rest is a
 * list of three octets: which octet (two) of the command is altered, by what. */
#include <curve.h>

#include "base/random.h"
#include "fixed.h"
#include "fuzz.h"

enum { COMMANDS = 5, ROOM = 1 << 17, MESSAGE = 100 };

static uint8_t command[ROOM];
static uint8_t answer[ROOM];
static size_t command_size;
static size_t answer_size;

/* Replaces the command by octets, or alters it. True if it is another one now. */
static int harm(uint8_t how, const uint8_t *data, size_t size)
{
    uint8_t *before = fuzz_copy(command, command_size);
    size_t before_size = command_size;
    int changed;

    if (how & 0x80) {
        command_size = size < ROOM ? size : ROOM;
        memcpy(command, data, command_size);
    } else {
        for (; size >= 3; size -= 3, data += 3)
            command[((size_t)data[0] << 8 | data[1]) % command_size] ^= data[2];
    }
    changed = command_size != before_size || memcmp(command, before, before_size) != 0;
    free(before);
    return changed;
}

static int accept_all(void *arg, curve_codec_t *codec, const uint8_t *key)
{
    (void)arg;
    (void)key;
    for (size_t i = 0; curve_codec_peer_meta_name(codec, i); i++)
        assert(curve_codec_peer_meta(codec, curve_codec_peer_meta_name(codec, i), NULL));
    return 1;
}

/* Takes the command, in memory that ends where it ends. */
static curve_error_t take(curve_codec_t *codec, int message)
{
    uint8_t *in = fuzz_copy(command, command_size);
    curve_error_t error;
    int more;

    if (message)
        error = curve_codec_decrypt(codec, in, command_size, answer, sizeof answer, &answer_size, &more);
    else
        error = curve_codec_handshake(codec, in, command_size, answer, sizeof answer, &answer_size);
    free(in);
    return error;
}

static void failed(curve_codec_t *codec, curve_error_t error)
{
    assert(error != CURVE_ERROR_ROOM && curve_codec_error(codec) == error && !curve_codec_ready(codec));
    assert(take(codec, 0) == error && answer_size == 0);
}

/* The session, with harm to one of its commands. */
static void play(curve_codec_t *client, curve_codec_t *server, const uint8_t *data, size_t size)
{
    int altered = 0;

    assert(curve_codec_handshake(client, NULL, 0, command, sizeof command, &command_size) == CURVE_OK);
    for (int i = 0; i < COMMANDS; i++) {
        curve_codec_t *taker = i % 2 ? client : server;
        curve_error_t error;

        if (i == COMMANDS - 1) {
            assert(curve_codec_encrypt(client, answer, MESSAGE, 1, command, sizeof command, &command_size) == CURVE_OK);
        } else if (i > 0) {
            memcpy(command, answer, answer_size);
            command_size = answer_size;
        }
        if (data[0] % 0x80 % COMMANDS == i)
            altered = harm(data[0], data + 1, size - 1);
        error = take(taker, i == COMMANDS - 1);
        if (error) {
            assert(altered);
            failed(taker, error);
            return;
        }
    }
    /* X25519 ignores the top bit of a key: HELLO may differ by that, and its vouch says so. */
    assert(!altered);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static curve_cert_t *cert;
    curve_codec_t *client;
    curve_codec_t *server;

    if (size < 1 || ih_random_init() < 0)
        return 0;
    fixed_random();
    if (!cert)
        cert = curve_cert_new();
    client = curve_codec_new_client(cert, curve_cert_public_key(cert));
    server = curve_codec_new_server(cert, accept_all, NULL);
    assert(client && server);
    assert(curve_codec_set_meta(client, "Name", "value", 5) == CURVE_OK);
    assert(curve_codec_set_meta(server, "Name", "", 0) == CURVE_OK);
    play(client, server, data, size);
    curve_codec_destroy(&client);
    curve_codec_destroy(&server);
    return 0;
}
