/* SPDX-License-Identifier: ISC */
/* The client's half of a CurveZMQ handshake. */
#include "curvezmq/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/secret.h"

/* Field offsets of the commands, as in the RFC's grammar. */
enum {
    HELLO_VERSION = 6,
    HELLO_CLIENT = 80,
    HELLO_NONCE = 112,
    HELLO_BOX = 120,
    HELLO_TEXT = 64,

    WELCOME_NONCE = 8,
    WELCOME_BOX = 24,

    INITIATE_COOKIE = 9,
    INITIATE_NONCE = 105,
    INITIATE_BOX = 113,

    READY_NONCE = 6,
    READY_BOX = 14,
};

/* In secret memory. */
struct ih_curve_client_secrets {
    struct ih_curve_pair transient;   /* C', c' */
    uint8_t hello[IH_CURVE_KEY];      /* of C' and S */
    uint8_t session[IH_CURVE_KEY];    /* of C' and S' */
    uint8_t vouch[IH_CURVE_KEY];      /* of C and S' */
    struct {                          /* what WELCOME's box holds */
        uint8_t server[IH_CURVE_KEY]; /* S' */
        uint8_t cookie[IH_CURVE_COOKIE];
    } welcome;
};

int ih_curve_client_init(struct ih_curve_client *client, const struct ih_curve_pair *own,
                         const uint8_t server_key[IH_CURVE_KEY])
{
    struct ih_curve_client_secrets *secrets = ih_secret_alloc(sizeof *secrets);

    client->own = own;
    client->server_key = server_key;
    client->secrets = secrets;
    client->nonce = 0;
    if (!secrets)
        return -ENOMEM;
    (void)crypto_box_keypair(secrets->transient.public_key, secrets->transient.secret_key);
    if (crypto_box_beforenm(secrets->hello, server_key, secrets->transient.secret_key) != 0)
        return -EBADMSG;
    return 0;
}

void ih_curve_client_fini(struct ih_curve_client *client)
{
    ih_secret_free(client->secrets);
    client->secrets = NULL;
}

/* hello = %d5 "HELLO" hello-version hello-padding hello-client hello-nonce hello-box */
void ih_curve_client_hello(struct ih_curve_client *client, uint8_t hello[IH_CURVE_HELLO])
{
    static const uint8_t zeros[HELLO_TEXT];
    uint8_t nonce[IH_CURVE_NONCE];

    memset(hello, 0, IH_CURVE_HELLO);
    (void)ih_curve_put_name(hello, "HELLO");
    hello[HELLO_VERSION] = 1;
    memcpy(hello + HELLO_CLIENT, client->secrets->transient.public_key, IH_CURVE_KEY);
    client->nonce++;
    ih_curve_put_nonce(hello + HELLO_NONCE, client->nonce);
    ih_curve_short_nonce(nonce, ih_curve_hello_prefix, client->nonce);
    /* Box [64 * %x0](C'->S) */
    (void)crypto_box_easy_afternm(hello + HELLO_BOX, zeros, sizeof zeros, nonce, client->secrets->hello);
}

/* welcome = %d7 "WELCOME" welcome-nonce welcome-box */
int ih_curve_client_welcome(struct ih_curve_client *client, const uint8_t *command, size_t size)
{
    struct ih_curve_client_secrets *secrets = client->secrets;
    uint8_t nonce[IH_CURVE_NONCE];

    if (size != IH_CURVE_WELCOME || !ih_curve_is(command, size, "WELCOME"))
        return -EPROTO;
    ih_curve_long_nonce(nonce, ih_curve_welcome_prefix, command + WELCOME_NONCE);
    /* Box [S' + cookie](S->C') */
    if (crypto_box_open_easy_afternm((uint8_t *)&secrets->welcome, command + WELCOME_BOX, size - WELCOME_BOX, nonce,
                                     secrets->hello) != 0)
        return -EBADMSG;
    if (crypto_box_beforenm(secrets->session, secrets->welcome.server, secrets->transient.secret_key) != 0 ||
        crypto_box_beforenm(secrets->vouch, secrets->welcome.server, client->own->secret_key) != 0)
        return -EBADMSG;
    return 0;
}

/* vouch = vouch-nonce vouch-box; Box [C',S](C->S') */
static void put_vouch(const struct ih_curve_client *client, uint8_t vouch[IH_CURVE_VOUCH])
{
    const struct ih_curve_client_secrets *secrets = client->secrets;
    uint8_t text[2 * IH_CURVE_KEY];
    uint8_t nonce[IH_CURVE_NONCE];

    memcpy(text, secrets->transient.public_key, IH_CURVE_KEY);
    memcpy(text + IH_CURVE_KEY, client->server_key, IH_CURVE_KEY);
    randombytes_buf(vouch, IH_CURVE_LONG_NONCE);
    ih_curve_long_nonce(nonce, ih_curve_vouch_prefix, vouch);
    (void)crypto_box_easy_afternm(vouch + IH_CURVE_LONG_NONCE, text, sizeof text, nonce, secrets->vouch);
}

/* initiate = %d8 "INITIATE" initiate-cookie initiate-nonce initiate-box */
void ih_curve_client_initiate(struct ih_curve_client *client, const uint8_t *metadata, size_t size, uint8_t *initiate)
{
    struct ih_curve_client_secrets *secrets = client->secrets;
    uint8_t nonce[IH_CURVE_NONCE];
    uint8_t *text = initiate + INITIATE_BOX + IH_CURVE_TAG;

    (void)ih_curve_put_name(initiate, "INITIATE");
    memcpy(initiate + INITIATE_COOKIE, secrets->welcome.cookie, IH_CURVE_COOKIE);
    client->nonce++;
    ih_curve_put_nonce(initiate + INITIATE_NONCE, client->nonce);
    ih_curve_short_nonce(nonce, ih_curve_initiate_prefix, client->nonce);
    memcpy(text, client->own->public_key, IH_CURVE_KEY);
    put_vouch(client, text + IH_CURVE_KEY);
    if (size > 0)
        memcpy(text + IH_CURVE_KEY + IH_CURVE_VOUCH, metadata, size);
    /* Box [C + vouch + metadata](C'->S') */
    (void)crypto_box_easy_afternm(initiate + INITIATE_BOX, text, IH_CURVE_KEY + IH_CURVE_VOUCH + size, nonce,
                                  secrets->session);
}

/* ready = %d5 "READY" ready-nonce ready-box */
int ih_curve_client_ready(struct ih_curve_client *client, const uint8_t *command, size_t size, uint8_t *metadata,
                          struct ih_box_keys **keys)
{
    uint8_t nonce[IH_CURVE_NONCE];
    uint64_t counter;

    if (size < IH_CURVE_READY || !ih_curve_is(command, size, "READY"))
        return -EPROTO;
    counter = ih_curve_get_nonce(command + READY_NONCE);
    ih_curve_short_nonce(nonce, ih_curve_ready_prefix, counter);
    /* Box [metadata](S'->C') */
    if (crypto_box_open_easy_afternm(metadata, command + READY_BOX, size - READY_BOX, nonce,
                                     client->secrets->session) != 0)
        return -EBADMSG;
    *keys = ih_curve_session(client->secrets->session, false, client->nonce, counter);
    return *keys ? 0 : -ENOMEM;
}
