/* SPDX-License-Identifier: ISC */
/* The server's half of a CurveZMQ handshake. */
#include "curvezmq/server.h"

#include <errno.h>
#include <string.h>

#include <sodium.h>

#include "base/secret.h"

/* Field offsets of the commands, as in the RFC's grammar. */
enum {
    HELLO_VERSION = 6,
    HELLO_PADDING = 8,
    HELLO_CLIENT = 80,
    HELLO_NONCE = 112,
    HELLO_BOX = 120,
    HELLO_TEXT = 64,

    WELCOME_NONCE = 8,
    WELCOME_BOX = 24,

    INITIATE_COOKIE = 9,
    INITIATE_NONCE = 105,
    INITIATE_BOX = 113,
    INITIATE_VOUCH = IH_CURVE_KEY, /* within the text */
    INITIATE_METADATA = INITIATE_VOUCH + IH_CURVE_VOUCH,

    READY_NONCE = 6,
    READY_BOX = 14,

    READY_COUNTER = 1, /* the first short nonce that a server sends */
};

void ih_curve_server_init(struct ih_curve_server *server, const uint8_t public_key[IH_CURVE_KEY],
                          const uint8_t secret_key[IH_CURVE_KEY], struct ih_cookie_jar *jar, uint64_t serial)
{
    memset(server, 0, sizeof *server);
    server->public_key = public_key;
    server->secret_key = secret_key;
    server->jar = jar;
    server->serial = serial;
}

static void forget_cookie(struct ih_curve_server *server)
{
    if (server->expects_cookie)
        ih_cookie_forget(server->jar, server->cookie);
    server->expects_cookie = false;
}

void ih_curve_server_fini(struct ih_curve_server *server)
{
    forget_cookie(server);
    ih_secret_free(server->session);
    server->session = NULL;
}

void ih_curve_server_part(struct ih_curve_server *server)
{
    server->expects_cookie = false;
}

/* welcome = %d7 "WELCOME" welcome-nonce welcome-box. shared: of C' and S. */
static void put_welcome(struct ih_curve_server *server, const uint8_t *client_key, uint64_t now_ms,
                        const uint8_t *shared, uint8_t welcome[IH_CURVE_WELCOME])
{
    uint8_t nonce[IH_CURVE_NONCE];
    uint8_t secret_key[IH_CURVE_KEY];
    uint8_t *text = welcome + WELCOME_BOX + IH_CURVE_TAG;

    (void)ih_curve_put_name(welcome, "WELCOME");
    randombytes_buf(welcome + WELCOME_NONCE, IH_CURVE_LONG_NONCE);
    ih_curve_long_nonce(nonce, ih_curve_welcome_prefix, welcome + WELCOME_NONCE);
    (void)crypto_box_keypair(text, secret_key);
    forget_cookie(server);
    server->cookie = ih_cookie_seal(server->jar, server->serial, now_ms, client_key, secret_key, text + IH_CURVE_KEY);
    server->expects_cookie = true;
    /* Box [S' + cookie](S->C') */
    (void)crypto_box_easy_afternm(welcome + WELCOME_BOX, text, IH_CURVE_KEY + IH_CURVE_COOKIE, nonce, shared);
    sodium_memzero(secret_key, sizeof secret_key);
}

/* hello = %d5 "HELLO" hello-version hello-padding hello-client hello-nonce hello-box */
int ih_curve_server_hello(struct ih_curve_server *server, const uint8_t *command, size_t size, uint64_t now_ms,
                          uint8_t welcome[IH_CURVE_WELCOME])
{
    const uint8_t *client_key = command + HELLO_CLIENT;
    uint8_t nonce[IH_CURVE_NONCE];
    uint8_t shared[IH_CURVE_KEY];
    uint8_t text[HELLO_TEXT];
    int rc = 0;

    if (size != IH_CURVE_HELLO || !ih_curve_is(command, size, "HELLO"))
        return -EPROTO;
    if (command[HELLO_VERSION] != 1 || command[HELLO_VERSION + 1] != 0)
        return -EPROTO;
    if (!sodium_is_zero(command + HELLO_PADDING, HELLO_CLIENT - HELLO_PADDING))
        return -EPROTO;
    server->nonce = ih_curve_get_nonce(command + HELLO_NONCE);
    ih_curve_short_nonce(nonce, ih_curve_hello_prefix, server->nonce);
    /* Box [64 * %x0](C'->S) */
    if (crypto_box_beforenm(shared, client_key, server->secret_key) != 0 ||
        crypto_box_open_easy_afternm(text, command + HELLO_BOX, size - HELLO_BOX, nonce, shared) != 0 ||
        !sodium_is_zero(text, sizeof text))
        rc = -EBADMSG;
    else
        put_welcome(server, client_key, now_ms, shared, welcome);
    sodium_memzero(shared, sizeof shared);
    return rc;
}

/* Box [C',S](C->S'): the client with the long-term key C vouches for C' to this very server. */
static int check_vouch(const struct ih_curve_server *server, const uint8_t *vouch, const uint8_t *client_key,
                       const uint8_t *transient, const uint8_t *secret_key)
{
    uint8_t expected[2 * IH_CURVE_KEY];
    uint8_t nonce[IH_CURVE_NONCE];
    uint8_t text[2 * IH_CURVE_KEY];

    ih_curve_long_nonce(nonce, ih_curve_vouch_prefix, vouch);
    if (crypto_box_open_easy(text, vouch + IH_CURVE_LONG_NONCE, IH_CURVE_VOUCH - IH_CURVE_LONG_NONCE, nonce, client_key,
                             secret_key) != 0)
        return -EBADMSG;
    memcpy(expected, transient, IH_CURVE_KEY);
    memcpy(expected + IH_CURVE_KEY, server->public_key, IH_CURVE_KEY);
    return sodium_memcmp(text, expected, sizeof text) == 0 ? 0 : -EKEYREJECTED;
}

/* Opens cookie, box and vouch; the key of C' and S' goes to shared. */
static int open_initiate(struct ih_curve_server *server, const uint8_t *command, size_t size, uint64_t now_ms,
                         uint8_t *text, uint8_t shared[IH_CURVE_KEY])
{
    uint64_t counter = ih_curve_get_nonce(command + INITIATE_NONCE);
    uint8_t nonce[IH_CURVE_NONCE];
    uint8_t transient[IH_CURVE_KEY];  /* C' */
    uint8_t secret_key[IH_CURVE_KEY]; /* s' */
    int rc;

    if (counter <= server->nonce)
        return -ESTALE;
    rc = ih_cookie_open(server->jar, server->serial, now_ms, command + INITIATE_COOKIE, transient, secret_key);
    if (rc < 0)
        return rc;
    ih_curve_short_nonce(nonce, ih_curve_initiate_prefix, counter);
    /* Box [C + vouch + metadata](C'->S') */
    if (crypto_box_beforenm(shared, transient, secret_key) != 0 ||
        crypto_box_open_easy_afternm(text, command + INITIATE_BOX, size - INITIATE_BOX, nonce, shared) != 0)
        rc = -EBADMSG;
    else
        rc = check_vouch(server, text + INITIATE_VOUCH, text, transient, secret_key);
    if (rc == 0)
        server->nonce = counter;
    sodium_memzero(secret_key, sizeof secret_key);
    return rc;
}

/* initiate = %d8 "INITIATE" initiate-cookie initiate-nonce initiate-box */
int ih_curve_server_initiate(struct ih_curve_server *server, const uint8_t *command, size_t size, uint64_t now_ms,
                             uint8_t *text, const uint8_t **metadata)
{
    uint8_t *shared;
    int rc;

    /* CVE-2019-13132: everything below relies on this size. */
    if (size < IH_CURVE_INITIATE || !ih_curve_is(command, size, "INITIATE"))
        return -EPROTO;
    shared = ih_secret_alloc(IH_CURVE_KEY);
    if (!shared)
        return -ENOMEM;
    rc = open_initiate(server, command, size, now_ms, text, shared);
    if (rc < 0) {
        ih_secret_free(shared);
        return rc;
    }
    forget_cookie(server);
    server->session = shared;
    memcpy(server->client_key, text, IH_CURVE_KEY);
    *metadata = text + INITIATE_METADATA;
    return 0;
}

/* ready = %d5 "READY" ready-nonce ready-box */
void ih_curve_server_ready(struct ih_curve_server *server, const uint8_t *metadata, size_t size, uint8_t *ready)
{
    uint8_t nonce[IH_CURVE_NONCE];

    (void)ih_curve_put_name(ready, "READY");
    ih_curve_put_nonce(ready + READY_NONCE, READY_COUNTER);
    ih_curve_short_nonce(nonce, ih_curve_ready_prefix, READY_COUNTER);
    /* Box [metadata](S'->C') */
    (void)crypto_box_easy_afternm(ready + READY_BOX, metadata, size, nonce, server->session);
}

struct ih_box_keys *ih_curve_server_session(const struct ih_curve_server *server)
{
    return ih_curve_session(server->session, true, READY_COUNTER, server->nonce);
}
