/* SPDX-License-Identifier: ISC */
/* The codec: one CurveZMQ session (RFC 26), octets in and octets out. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <curve.h>
#include <sodium.h>

#include "base/random.h"
#include "base/secret.h"
#include "curvezmq/client.h"
#include "curvezmq/server.h"
#include "zmtp/metadata.h"

_Static_assert(CURVE_HELLO_SIZE == IH_CURVE_HELLO && CURVE_WELCOME_SIZE == IH_CURVE_WELCOME &&
                   CURVE_INITIATE_SIZE == IH_CURVE_INITIATE && CURVE_READY_SIZE == IH_CURVE_READY &&
                   CURVE_MESSAGE_OVERHEAD == IH_CURVE_MESSAGE && CURVE_KEY_SIZE == IH_CURVE_KEY,
               "curve.h's sizes are the RFC's");

/* "\7MESSAGE", short nonce, tag, then the sealed text: payload flags, payload (RFC 26, "The MESSAGE Command"). */
enum {
    NAME = 8,
    TAG = NAME + IH_CURVE_SHORT_NONCE,
    TEXT = TAG + IH_CURVE_TAG,
    FLAG_MORE = 1,
};

/* error = %d5 "ERROR" error-reason; error-reason = OCTET *VCHAR */
static const uint8_t refusal[] = "\5ERROR\7refused";
enum { REFUSAL = sizeof refusal - 1, ERROR_REASON = 6 };

/* The serial and the time of cookies: the codec's jar serves one connection, and a codec has no clock. */
enum { SERIAL = 1, NOW = 0 };

enum step {
    START,           /* client: nothing sent yet */
    EXPECT_HELLO,    /* server */
    EXPECT_WELCOME,  /* client */
    EXPECT_INITIATE, /* server */
    EXPECT_READY,    /* client */
    TRAFFIC,
};

/* Owner: who called curve_codec_new_*; used by one thread at a time. Keys are in secret memory. */
struct curve_codec {
    bool is_server;
    bool peer_known; /* peer_key is set */
    enum step step;
    curve_error_t error; /* the one that it failed with */
    struct ih_curve_pair *own;
    struct ih_curve_client client; /* one of the two is used, until the handshake ends */
    struct ih_curve_server server;
    struct ih_cookie_jar *jar; /* of a server, until INITIATE */
    struct ih_box_keys *keys;  /* of traffic */
    curve_accept_fn *accept;
    void *arg;
    uint8_t peer_key[IH_CURVE_KEY];
    uint8_t *meta; /* for the peer, encoded */
    size_t meta_size;
    uint8_t *peer_text; /* what the peer's metadata is in */
    size_t peer_text_size;
    const uint8_t *peer_meta;
    size_t peer_meta_size;
    char *peer_names; /* of the metadata, each with its NUL, one behind the other */
    size_t peer_name_count;
};

/* --- life --------------------------------------------------------------------------------------------------------- */

static void wipe_free(void *data, size_t size)
{
    if (data)
        sodium_memzero(data, size);
    free(data);
}

/* What only a handshake needs. */
static void end_handshake(curve_codec_t *codec)
{
    ih_curve_client_fini(&codec->client);
    ih_curve_server_fini(&codec->server);
    ih_cookie_jar_free(codec->jar);
    ih_secret_free(codec->own);
    codec->jar = NULL;
    codec->own = NULL;
}

/* Wipes what is secret: a codec that failed needs no keys. */
static curve_error_t fail(curve_codec_t *codec, curve_error_t error)
{
    end_handshake(codec);
    ih_secret_free(codec->keys);
    codec->keys = NULL;
    codec->error = error;
    return error;
}

void curve_codec_destroy(curve_codec_t **codec_p)
{
    curve_codec_t *codec = codec_p ? *codec_p : NULL;

    if (!codec)
        return;
    end_handshake(codec);
    ih_secret_free(codec->keys);
    wipe_free(codec->meta, codec->meta_size);
    wipe_free(codec->peer_text, codec->peer_text_size);
    wipe_free(codec->peer_names, codec->peer_meta_size);
    free(codec);
    *codec_p = NULL;
}

/* A codec with its own keys. NULL: errno is set. */
static curve_codec_t *codec_new(const curve_cert_t *own, bool is_server)
{
    const uint8_t *secret_key = own ? curve_cert_secret_key(own) : NULL;
    curve_codec_t *codec;

    if (!secret_key || ih_random_init() < 0) {
        errno = EINVAL;
        return NULL;
    }
    codec = calloc(1, sizeof *codec);
    if (!codec)
        return NULL;
    codec->is_server = is_server;
    codec->own = ih_secret_alloc(sizeof *codec->own);
    if (!codec->own) {
        curve_codec_destroy(&codec);
        errno = ENOMEM;
        return NULL;
    }
    memcpy(codec->own->public_key, curve_cert_public_key(own), IH_CURVE_KEY);
    memcpy(codec->own->secret_key, secret_key, IH_CURVE_KEY);
    return codec;
}

curve_codec_t *curve_codec_new_client(const curve_cert_t *own, const uint8_t *server_key)
{
    curve_codec_t *codec;
    int rc;

    if (!server_key) {
        errno = EINVAL;
        return NULL;
    }
    codec = codec_new(own, false);
    if (!codec)
        return NULL;
    codec->step = START;
    codec->peer_known = true;
    memcpy(codec->peer_key, server_key, IH_CURVE_KEY);
    rc = ih_curve_client_init(&codec->client, codec->own, codec->peer_key);
    if (rc < 0) {
        curve_codec_destroy(&codec);
        errno = rc == -ENOMEM ? ENOMEM : EINVAL;
    }
    return codec;
}

curve_codec_t *curve_codec_new_server(const curve_cert_t *own, curve_accept_fn *accept, void *arg)
{
    curve_codec_t *codec = codec_new(own, true);

    if (!codec)
        return NULL;
    codec->step = EXPECT_HELLO;
    codec->accept = accept;
    codec->arg = arg;
    codec->jar = ih_cookie_jar_new();
    if (!codec->jar) {
        curve_codec_destroy(&codec);
        errno = ENOMEM;
        return NULL;
    }
    ih_curve_server_init(&codec->server, codec->own->public_key, codec->own->secret_key, codec->jar, SERIAL);
    return codec;
}

/* --- metadata ----------------------------------------------------------------------------------------------------- */

curve_error_t curve_codec_set_meta(curve_codec_t *codec, const char *name, const void *value, size_t size)
{
    size_t name_size = name ? strlen(name) : 0;
    uint8_t *meta;
    size_t room;

    if (codec->error)
        return codec->error;
    if (codec->step != START && codec->step != EXPECT_HELLO)
        return CURVE_ERROR_STATE;
    if (name_size == 0 || name_size > 255 || (!value && size > 0))
        return CURVE_ERROR_MALFORMED;
    if (size > CURVE_METADATA_MAX || ih_metadata_room(name, size) > CURVE_METADATA_MAX - codec->meta_size)
        return CURVE_ERROR_LIMIT;
    room = ih_metadata_room(name, size);
    meta = malloc(codec->meta_size + room);
    if (!meta)
        return CURVE_ERROR_MEMORY;
    if (codec->meta_size > 0)
        memcpy(meta, codec->meta, codec->meta_size);
    (void)ih_metadata_put(meta + codec->meta_size, name, value, size);
    /* The reader's rules, for the name's characters and for how many there may be, are the writer's. */
    if (ih_metadata_check(meta, codec->meta_size + room) < 0) {
        wipe_free(meta, codec->meta_size + room);
        return CURVE_ERROR_MALFORMED;
    }
    wipe_free(codec->meta, codec->meta_size);
    codec->meta = meta;
    codec->meta_size += room;
    return CURVE_OK;
}

/* The peer's metadata, in codec->peer_text, which may be asked for from now on. */
static curve_error_t take_meta(curve_codec_t *codec, const uint8_t *meta, size_t size)
{
    struct ih_metadata walk = {meta, size};
    struct ih_property property;
    char *name;

    if (ih_metadata_check(meta, size) < 0)
        return CURVE_ERROR_MALFORMED;
    /* A property's name and NUL take no more than its name and length. */
    name = codec->peer_names = malloc(size > 0 ? size : 1);
    if (!name)
        return CURVE_ERROR_MEMORY;
    codec->peer_meta = meta;
    codec->peer_meta_size = size;
    while (ih_metadata_next(&walk, &property) > 0) {
        memcpy(name, property.name, property.name_size);
        name += property.name_size;
        *name++ = '\0';
        codec->peer_name_count++;
    }
    return CURVE_OK;
}

const void *curve_codec_peer_meta(const curve_codec_t *codec, const char *name, size_t *size)
{
    const uint8_t *value;
    size_t value_size = 0;

    if (!name)
        return NULL;
    value = ih_metadata_find(codec->peer_meta, codec->peer_meta_size, name, &value_size);
    if (size)
        *size = value_size;
    return value;
}

const char *curve_codec_peer_meta_name(const curve_codec_t *codec, size_t index)
{
    const char *name = codec->peer_names;

    if (index >= codec->peer_name_count)
        return NULL;
    while (index-- > 0)
        name += strlen(name) + 1;
    return name;
}

/* --- handshake ---------------------------------------------------------------------------------------------------- */

static curve_error_t error_of(int rc)
{
    switch (rc) {
    case 0:
        return CURVE_OK;
    case -EBADMSG:
        return CURVE_ERROR_CRYPTO;
    case -EKEYREJECTED:
        return CURVE_ERROR_VOUCH;
    case -ESTALE:
        return CURVE_ERROR_ORDER;
    case -ENOMEM:
        return CURVE_ERROR_MEMORY;
    default:
        return CURVE_ERROR_MALFORMED;
    }
}

/* What a command is that is not the one that is due. */
static curve_error_t unexpected(const curve_codec_t *codec, const uint8_t *in, size_t size)
{
    static const char *const names[] = {"HELLO", "WELCOME", "INITIATE", "READY", "MESSAGE"};

    if (!codec->is_server && codec->step != TRAFFIC && ih_curve_is(in, size, "ERROR")) {
        bool is_whole = size > ERROR_REASON && in[ERROR_REASON] == size - ERROR_REASON - 1;

        return is_whole ? CURVE_ERROR_REFUSED : CURVE_ERROR_MALFORMED;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (ih_curve_is(in, size, names[i]))
            return CURVE_ERROR_STATE;
    }
    return CURVE_ERROR_MALFORMED;
}

/* Memory for a text that will hold the peer's metadata. */
static curve_error_t peer_text(curve_codec_t *codec, size_t in_size, size_t fixed)
{
    /* CVE-2019-13132: sizes are known to be right before anything relies on them. */
    if (in_size < fixed)
        return CURVE_ERROR_MALFORMED;
    if (in_size - fixed > CURVE_METADATA_MAX)
        return CURVE_ERROR_LIMIT;
    codec->peer_text = malloc(in_size);
    codec->peer_text_size = codec->peer_text ? in_size : 0;
    return codec->peer_text ? CURVE_OK : CURVE_ERROR_MEMORY;
}

static curve_error_t take_ready(curve_codec_t *codec, const uint8_t *in, size_t in_size)
{
    curve_error_t error = peer_text(codec, in_size, IH_CURVE_READY);
    int rc;

    if (error)
        return error;
    rc = ih_curve_client_ready(&codec->client, in, in_size, codec->peer_text, &codec->keys);
    if (rc < 0)
        return error_of(rc);
    return take_meta(codec, codec->peer_text, in_size - IH_CURVE_READY);
}

/* Lets the client in and writes READY, or writes ERROR. */
static curve_error_t answer_initiate(curve_codec_t *codec, uint8_t *out, size_t *out_size)
{
    if (!codec->accept || !codec->accept(codec->arg, codec, codec->peer_key)) {
        memcpy(out, refusal, REFUSAL);
        *out_size = REFUSAL;
        return CURVE_ERROR_REFUSED;
    }
    codec->keys = ih_curve_server_session(&codec->server);
    if (!codec->keys)
        return CURVE_ERROR_MEMORY;
    ih_curve_server_ready(&codec->server, codec->meta, codec->meta_size, out);
    *out_size = IH_CURVE_READY + codec->meta_size;
    return CURVE_OK;
}

static curve_error_t take_initiate(curve_codec_t *codec, const uint8_t *in, size_t in_size, uint8_t *out,
                                   size_t *out_size)
{
    curve_error_t error = peer_text(codec, in_size, IH_CURVE_INITIATE);
    uint8_t client_key[IH_CURVE_KEY];
    uint8_t secret_key[IH_CURVE_KEY];
    const uint8_t *meta;
    int rc;

    if (error)
        return error;
    /* To tell a cookie that is not of this connection from an altered box. */
    rc = ih_cookie_open(codec->jar, SERIAL, NOW, in + sizeof "INITIATE", client_key, secret_key);
    sodium_memzero(secret_key, sizeof secret_key);
    if (rc < 0)
        return CURVE_ERROR_STALE;
    rc = ih_curve_server_initiate(&codec->server, in, in_size, NOW, codec->peer_text, &meta);
    if (rc < 0)
        return error_of(rc);
    memcpy(codec->peer_key, codec->server.client_key, IH_CURVE_KEY);
    codec->peer_known = true;
    error = take_meta(codec, meta, in_size - IH_CURVE_INITIATE);
    return error ? error : answer_initiate(codec, out, out_size);
}

static curve_error_t client_step(curve_codec_t *codec, const uint8_t *in, size_t in_size, uint8_t *out,
                                 size_t *out_size)
{
    curve_error_t error = CURVE_OK;

    if (codec->step == START && !in) {
        ih_curve_client_hello(&codec->client, out);
        *out_size = IH_CURVE_HELLO;
        codec->step = EXPECT_WELCOME;
    } else if (codec->step == EXPECT_WELCOME && ih_curve_is(in, in_size, "WELCOME")) {
        error = error_of(ih_curve_client_welcome(&codec->client, in, in_size));
        if (!error) {
            ih_curve_client_initiate(&codec->client, codec->meta, codec->meta_size, out);
            *out_size = IH_CURVE_INITIATE + codec->meta_size;
            codec->step = EXPECT_READY;
        }
    } else if (codec->step == EXPECT_READY && ih_curve_is(in, in_size, "READY")) {
        error = take_ready(codec, in, in_size);
        if (!error)
            codec->step = TRAFFIC;
    } else {
        error = in ? unexpected(codec, in, in_size) : CURVE_ERROR_STATE;
    }
    return error;
}

static curve_error_t server_step(curve_codec_t *codec, const uint8_t *in, size_t in_size, uint8_t *out,
                                 size_t *out_size)
{
    curve_error_t error;

    if (codec->step == EXPECT_HELLO && in && ih_curve_is(in, in_size, "HELLO")) {
        error = error_of(ih_curve_server_hello(&codec->server, in, in_size, NOW, out));
        if (!error) {
            *out_size = IH_CURVE_WELCOME;
            codec->step = EXPECT_INITIATE;
        }
    } else if (codec->step == EXPECT_INITIATE && in && ih_curve_is(in, in_size, "INITIATE")) {
        error = take_initiate(codec, in, in_size, out, out_size);
        if (!error)
            codec->step = TRAFFIC;
    } else {
        error = in ? unexpected(codec, in, in_size) : CURVE_ERROR_STATE;
    }
    return error;
}

/* How much room the answer of the step that is due may take. */
static size_t step_room(const curve_codec_t *codec)
{
    switch (codec->step) {
    case START:
        return IH_CURVE_HELLO;
    case EXPECT_HELLO:
        return IH_CURVE_WELCOME;
    case EXPECT_WELCOME:
        return IH_CURVE_INITIATE + codec->meta_size;
    case EXPECT_INITIATE:
        return IH_CURVE_READY + codec->meta_size;
    default:
        return 0;
    }
}

curve_error_t curve_codec_handshake(curve_codec_t *codec, const void *in, size_t in_size, void *out, size_t out_room,
                                    size_t *out_size)
{
    curve_error_t error;

    *out_size = 0;
    if (codec->error)
        return codec->error;
    if (out_room < step_room(codec))
        return CURVE_ERROR_ROOM;
    if (codec->is_server)
        error = server_step(codec, in, in_size, out, out_size);
    else
        error = client_step(codec, in, in_size, out, out_size);
    if (error)
        return fail(codec, error);
    if (codec->step == TRAFFIC)
        end_handshake(codec);
    return CURVE_OK;
}

size_t curve_codec_handshake_room(const curve_codec_t *codec)
{
    size_t ready = IH_CURVE_READY + codec->meta_size;

    if (!codec->is_server)
        return IH_CURVE_INITIATE + codec->meta_size;
    return ready < IH_CURVE_WELCOME ? IH_CURVE_WELCOME : ready;
}

/* --- what it is --------------------------------------------------------------------------------------------------- */

int curve_codec_ready(const curve_codec_t *codec)
{
    return codec->step == TRAFFIC && !codec->error;
}

curve_error_t curve_codec_error(const curve_codec_t *codec)
{
    return codec->error;
}

const uint8_t *curve_codec_peer_key(const curve_codec_t *codec)
{
    return codec->peer_known ? codec->peer_key : NULL;
}

const char *curve_error_text(curve_error_t error)
{
    static const char *const texts[] = {
        [CURVE_OK] = "No error",
        [CURVE_ERROR_MALFORMED] = "The command is malformed: its name, size or version",
        [CURVE_ERROR_CRYPTO] = "The box does not open: it was altered, or is for somebody else",
        [CURVE_ERROR_VOUCH] = "The vouch is for another connection or another server",
        [CURVE_ERROR_ORDER] = "A command was repeated, reordered or lost",
        [CURVE_ERROR_STALE] = "The cookie is too old, was used before, or is for another connection",
        [CURVE_ERROR_REFUSED] = "The server does not accept the client",
        [CURVE_ERROR_STATE] = "The call or command does not fit where the session stands",
        [CURVE_ERROR_ROOM] = "The output buffer is too small",
        [CURVE_ERROR_LIMIT] = "The metadata or message is too large, or the session has carried too many",
        [CURVE_ERROR_MEMORY] = "Out of memory",
    };

    if ((unsigned)error >= sizeof texts / sizeof texts[0])
        return "Unknown error";
    return texts[error];
}

/* --- traffic ------------------------------------------------------------------------------------------------------ */

curve_error_t curve_codec_encrypt(curve_codec_t *codec, const void *data, size_t size, int more, void *out,
                                  size_t out_room, size_t *out_size)
{
    uint8_t *command = out;

    *out_size = 0;
    if (codec->error)
        return codec->error;
    if (codec->step != TRAFFIC)
        return fail(codec, CURVE_ERROR_STATE);
    if (codec->keys->sealed == UINT64_MAX)
        return fail(codec, CURVE_ERROR_LIMIT);
    if (out_room < IH_CURVE_MESSAGE || size > out_room - IH_CURVE_MESSAGE)
        return CURVE_ERROR_ROOM;
    codec->keys->sealed++;
    /* In place, data begins where the head of the command ends: nothing of it is overwritten. */
    (void)ih_curve_put_name(command, "MESSAGE");
    ih_curve_put_nonce(command + NAME, codec->keys->sealed);
    command[TEXT] = more ? FLAG_MORE : 0;
    ih_box_seal_parts(codec->keys->seal, codec->keys->sealed, command + TEXT, 1, data, size, command + IH_CURVE_MESSAGE,
                      command + TAG);
    *out_size = IH_CURVE_MESSAGE + size;
    return CURVE_OK;
}

/* What a command must look like before it is worth opening. */
static curve_error_t check_message(const curve_codec_t *codec, const uint8_t *in, size_t in_size)
{
    uint64_t nonce;

    if (codec->step != TRAFFIC)
        return CURVE_ERROR_STATE;
    if (!in || !ih_curve_is(in, in_size, "MESSAGE"))
        return in ? unexpected(codec, in, in_size) : CURVE_ERROR_MALFORMED;
    if (in_size < IH_CURVE_MESSAGE)
        return CURVE_ERROR_MALFORMED;
    nonce = ih_curve_get_nonce(in + NAME);
    return nonce == codec->keys->opened + 1 && nonce != 0 ? CURVE_OK : CURVE_ERROR_ORDER;
}

curve_error_t curve_codec_decrypt(curve_codec_t *codec, const void *in, size_t in_size, void *out, size_t out_room,
                                  size_t *out_size, int *more)
{
    const uint8_t *command = in;
    curve_error_t error;
    uint8_t *to = out;
    size_t size;
    uint8_t flags;

    *out_size = 0;
    *more = 0;
    if (codec->error)
        return codec->error;
    error = check_message(codec, command, in_size);
    if (error)
        return fail(codec, error);
    size = in_size - IH_CURVE_MESSAGE;
    if (out_room < size)
        return CURVE_ERROR_ROOM;
    /* Salsa20 works in place, or on texts that do not overlap; out may also be where the command begins. */
    if (out == in)
        to += IH_CURVE_MESSAGE;
    if (ih_box_open(codec->keys->open, codec->keys->opened + 1, command + TAG, command + TEXT, size + 1, &flags, to) <
        0)
        return fail(codec, CURVE_ERROR_CRYPTO);
    if (flags > FLAG_MORE)
        return fail(codec, CURVE_ERROR_MALFORMED);
    if (out == in && size > 0)
        memmove(out, to, size);
    codec->keys->opened++;
    *out_size = size;
    *more = flags;
    return CURVE_OK;
}
