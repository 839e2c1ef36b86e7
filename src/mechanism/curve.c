/* SPDX-License-Identifier: ISC */
/* The CURVE mechanism (RFC 25): CurveZMQ's handshake (RFC 26) as ZMTP commands. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

#include "base/secret.h"
#include "curvezmq/client.h"
#include "curvezmq/server.h"
#include "mechanism/credentials.h"
#include "mechanism/mechanism.h"

enum step {
    EXPECT_HELLO,
    EXPECT_INITIATE,
    EXPECT_WELCOME,
    EXPECT_READY,
};

/* Owner: the connection, as its base. */
struct curve {
    struct ih_mechanism base;
    enum step step;
    struct ih_curve_client client; /* one of the two is used, as the role is */
    struct ih_curve_server server;
    struct ih_box_keys *keys; /* of traffic, once they are known */
};

static struct ih_mechanism *curve_open(const struct ih_mechanism_config *config)
{
    const struct ih_curve_credentials *keys = ih_security_curve(config->security);
    struct curve *curve = calloc(1, sizeof *curve);

    if (!curve)
        return NULL;
    curve->base.ops = &ih_curve_mechanism;
    curve->base.config = *config;
    curve->base.state = IH_MECHANISM_COMMAND;
    curve->base.expect = IH_COMMAND_SMALL;
    curve->step = ih_security_as_server(config->security) ? EXPECT_HELLO : EXPECT_WELCOME;
    if (curve->step == EXPECT_HELLO)
        ih_curve_server_init(&curve->server, keys->derived, keys->own.secret_key, config->cookies, config->serial);
    return &curve->base;
}

static void curve_close(struct ih_mechanism *mechanism)
{
    struct curve *curve = (struct curve *)mechanism;

    ih_curve_client_fini(&curve->client);
    ih_curve_server_fini(&curve->server);
    ih_secret_free(curve->keys);
    free(curve);
}

/* A step of the handshake went wrong; malformed is the code if the command's form was. */
static void fail(struct curve *curve, int rc, int malformed)
{
    int code = malformed;

    if (rc == -ENOMEM) {
        ih_mechanism_fail(&curve->base, IH_MECHANISM_SYSTEM, ENOMEM);
        return;
    }
    if (rc == -EBADMSG)
        code = ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC;
    else if (rc == -EKEYREJECTED)
        code = ZMQ_PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE;
    else if (rc == -ESTALE)
        code = ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE;
    ih_mechanism_fail(&curve->base, IH_MECHANISM_PROTOCOL, code);
}

static uint8_t *emit(struct curve *curve, size_t size)
{
    return curve->base.host->emit(curve->base.host, size);
}

/* --- client ------------------------------------------------------------------------------------------------------- */

static void curve_start(struct ih_mechanism *mechanism)
{
    struct curve *curve = (struct curve *)mechanism;
    const struct ih_curve_credentials *keys = ih_security_curve(mechanism->config.security);
    uint8_t *hello;
    int rc;

    if (curve->step != EXPECT_WELCOME)
        return;
    rc = ih_curve_client_init(&curve->client, &keys->own, keys->server_key);
    hello = rc == 0 ? emit(curve, IH_CURVE_HELLO) : NULL;
    if (hello)
        ih_curve_client_hello(&curve->client, hello);
    else
        fail(curve, rc < 0 ? rc : -ENOMEM, 0);
}

static void take_welcome(struct curve *curve, const uint8_t *body, size_t size)
{
    const struct ih_mechanism_config *config = &curve->base.config;
    int rc = ih_curve_client_welcome(&curve->client, body, size);
    uint8_t *out = rc == 0 ? emit(curve, IH_CURVE_INITIATE + config->metadata_size) : NULL;

    if (out)
        ih_curve_client_initiate(&curve->client, config->metadata, config->metadata_size, out);
    else
        fail(curve, rc < 0 ? rc : -ENOMEM, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME);
    curve->step = EXPECT_READY;
    curve->base.expect = IH_COMMAND_MAX;
}

static void take_ready(struct curve *curve, const uint8_t *body, size_t size)
{
    uint8_t *metadata = malloc(size);
    int rc = -ENOMEM;

    if (metadata)
        rc = ih_curve_client_ready(&curve->client, body, size, metadata, &curve->keys);
    if (rc < 0)
        fail(curve, rc, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY);
    else if (ih_mechanism_metadata(&curve->base, metadata, size - IH_CURVE_READY))
        curve->base.state = IH_MECHANISM_READY;
    free(metadata);
}

static void client_command(struct curve *curve, const uint8_t *body, size_t size)
{
    if (ih_command_is(body, size, "ERROR"))
        ih_mechanism_refused(&curve->base, body + 6, size - 6);
    else if (curve->step == EXPECT_WELCOME && ih_command_is(body, size, "WELCOME"))
        take_welcome(curve, body, size);
    else if (curve->step == EXPECT_READY && ih_command_is(body, size, "READY"))
        take_ready(curve, body, size);
    else
        ih_mechanism_unexpected(&curve->base, body, size);
}

/* --- server ------------------------------------------------------------------------------------------------------- */

static void take_hello(struct curve *curve, const uint8_t *body, size_t size, uint64_t now_ms)
{
    uint8_t welcome[IH_CURVE_WELCOME];
    int rc = ih_curve_server_hello(&curve->server, body, size, now_ms, welcome);
    uint8_t *out = rc == 0 ? emit(curve, sizeof welcome) : NULL;

    if (out)
        memcpy(out, welcome, sizeof welcome);
    else
        fail(curve, rc < 0 ? rc : -ENOMEM, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO);
    curve->step = EXPECT_INITIATE;
    curve->base.expect = IH_COMMAND_MAX;
}

static void send_ready(struct curve *curve)
{
    const struct ih_mechanism_config *config = &curve->base.config;
    uint8_t *out = NULL;

    curve->keys = ih_curve_server_session(&curve->server);
    if (curve->keys)
        out = emit(curve, IH_CURVE_READY + config->metadata_size);
    if (!out) {
        fail(curve, -ENOMEM, 0);
        return;
    }
    ih_curve_server_ready(&curve->server, config->metadata, config->metadata_size, out);
    curve->base.state = IH_MECHANISM_READY;
}

/* The client is who it says, and now ZAP may say whether it is let in. */
static void introduced(struct curve *curve)
{
    if (curve->base.config.ask_zap)
        curve->base.state = IH_MECHANISM_ZAP;
    else
        send_ready(curve);
}

static void take_initiate(struct curve *curve, const uint8_t *body, size_t size, uint64_t now_ms)
{
    uint8_t *text = malloc(size);
    const uint8_t *metadata;
    int rc = -ENOMEM;

    if (text)
        rc = ih_curve_server_initiate(&curve->server, body, size, now_ms, text, &metadata);
    if (rc < 0)
        fail(curve, rc, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE);
    else if (ih_mechanism_metadata(&curve->base, metadata, size - IH_CURVE_INITIATE))
        introduced(curve);
    free(text);
}

static bool curve_credential(const struct ih_mechanism *mechanism, unsigned i, const uint8_t **data, size_t *size)
{
    const struct curve *curve = (const struct curve *)mechanism;

    *data = curve->server.client_key;
    *size = IH_CURVE_KEY;
    return i == 0;
}

static void curve_decide(struct ih_mechanism *mechanism, unsigned status)
{
    if (status == 200)
        send_ready((struct curve *)mechanism);
    else
        ih_mechanism_deny(mechanism, "\5ERROR", status);
}

/* --- either ------------------------------------------------------------------------------------------------------- */

static void curve_command(struct ih_mechanism *mechanism, const uint8_t *body, size_t size, uint64_t now_ms)
{
    struct curve *curve = (struct curve *)mechanism;

    if (curve->step == EXPECT_WELCOME || curve->step == EXPECT_READY)
        client_command(curve, body, size);
    else if (curve->step == EXPECT_HELLO && ih_command_is(body, size, "HELLO"))
        take_hello(curve, body, size, now_ms);
    else if (curve->step == EXPECT_INITIATE && ih_command_is(body, size, "INITIATE"))
        take_initiate(curve, body, size, now_ms);
    else
        ih_mechanism_unexpected(mechanism, body, size);
}

static struct ih_box_keys *curve_take_keys(struct ih_mechanism *mechanism)
{
    struct curve *curve = (struct curve *)mechanism;
    struct ih_box_keys *keys = curve->keys;

    curve->keys = NULL;
    return keys;
}

const struct ih_mechanism_ops ih_curve_mechanism = {
    .id = ZMQ_CURVE,
    .name = "CURVE",
    .roles = true,
    .open = curve_open,
    .start = curve_start,
    .command = curve_command,
    .credential = curve_credential,
    .decide = curve_decide,
    .take_keys = curve_take_keys,
    .close = curve_close,
};
