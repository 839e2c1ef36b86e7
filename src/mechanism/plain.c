/* SPDX-License-Identifier: ISC */
/* The PLAIN mechanism (RFC 24): HELLO with user name and password, WELCOME, INITIATE, READY. */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>
#include <zmq.h>

#include "base/secret.h"
#include "mechanism/credentials.h"
#include "mechanism/mechanism.h"

/* What libzmq calls ERROR under PLAIN. It means "\5ERROR" and writes "\x05ERROR", where the E is taken for a digit. Its
 * clients know no other spelling, so this is what a server must say; a client of ours knows both. (By experiment.) */
static const char error_name[] = "^RROR";

enum {
    FIELDS = 2, /* of HELLO: user name, password */
    FIELD_MAX = 255,
};

enum step {
    EXPECT_HELLO,
    EXPECT_INITIATE,
    EXPECT_WELCOME,
    EXPECT_READY,
};

/* HELLO's fields, for ZAP. In secret memory. */
struct fields {
    uint8_t size[FIELDS];
    uint8_t octets[FIELDS][FIELD_MAX];
};

/* Owner: the connection, as its base. */
struct plain {
    struct ih_mechanism base;
    enum step step;
    struct fields *fields; /* while ZAP is asked */
};

static struct ih_mechanism *plain_open(const struct ih_mechanism_config *config)
{
    struct plain *plain = calloc(1, sizeof *plain);

    if (!plain)
        return NULL;
    plain->base.ops = &ih_plain_mechanism;
    plain->base.config = *config;
    plain->base.state = IH_MECHANISM_COMMAND;
    plain->base.expect = IH_COMMAND_SMALL;
    plain->step = ih_security_as_server(config->security) ? EXPECT_HELLO : EXPECT_WELCOME;
    return &plain->base;
}

static void plain_close(struct ih_mechanism *mechanism)
{
    struct plain *plain = (struct plain *)mechanism;

    ih_secret_free(plain->fields);
    free(plain);
}

static uint8_t *put_field(uint8_t *out, const uint8_t *octets, size_t size)
{
    *out++ = (uint8_t)size;
    if (size > 0)
        memcpy(out, octets, size);
    return out + size;
}

/* hello = command-size %d5 "HELLO" username password */
static void plain_start(struct ih_mechanism *mechanism)
{
    struct plain *plain = (struct plain *)mechanism;
    uint8_t data[FIELDS * (1 + FIELD_MAX)];
    const uint8_t *octets;
    uint8_t *p = data;
    size_t size;

    if (plain->step != EXPECT_WELCOME)
        return;
    octets = ih_security_username(mechanism->config.security, &size);
    p = put_field(p, octets, size);
    octets = ih_security_password(mechanism->config.security, &size);
    p = put_field(p, octets, size);
    (void)ih_mechanism_send(mechanism, "HELLO", data, (size_t)(p - data));
    sodium_memzero(data, sizeof data);
}

static void malformed(struct ih_mechanism *mechanism, int code)
{
    ih_mechanism_fail(mechanism, IH_MECHANISM_PROTOCOL, code);
}

/* --- server ------------------------------------------------------------------------------------------------------- */

static void welcome(struct plain *plain)
{
    ih_secret_free(plain->fields);
    plain->fields = NULL;
    plain->step = EXPECT_INITIATE;
    plain->base.expect = IH_COMMAND_MAX;
    plain->base.state = IH_MECHANISM_COMMAND;
    (void)ih_mechanism_send(&plain->base, "WELCOME", NULL, 0);
}

/* Where HELLO's fields are. False: they are not exactly what there is. */
static bool parse_fields(const uint8_t *data, size_t size, const uint8_t *field[FIELDS])
{
    for (int i = 0; i < FIELDS; i++) {
        if (size < 1 || data[0] > size - 1)
            return false;
        field[i] = data;
        size -= 1 + (size_t)data[0];
        data += 1 + data[0];
    }
    return size == 0;
}

static void take_hello(struct plain *plain, const uint8_t *data, size_t size)
{
    const uint8_t *field[FIELDS];

    if (!parse_fields(data, size, field)) {
        malformed(&plain->base, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO);
        return;
    }
    if (!plain->base.config.ask_zap) {
        welcome(plain);
        return;
    }
    plain->fields = ih_secret_alloc(sizeof *plain->fields);
    if (!plain->fields) {
        ih_mechanism_fail(&plain->base, IH_MECHANISM_SYSTEM, ENOMEM);
        return;
    }
    for (int i = 0; i < FIELDS; i++) {
        plain->fields->size[i] = field[i][0];
        memcpy(plain->fields->octets[i], field[i] + 1, field[i][0]);
    }
    plain->base.state = IH_MECHANISM_ZAP;
}

static bool plain_credential(const struct ih_mechanism *mechanism, unsigned i, const uint8_t **data, size_t *size)
{
    const struct plain *plain = (const struct plain *)mechanism;

    if (i >= FIELDS || !plain->fields)
        return false;
    *data = plain->fields->octets[i];
    *size = plain->fields->size[i];
    return true;
}

static void plain_decide(struct ih_mechanism *mechanism, unsigned status)
{
    if (status == 200)
        welcome((struct plain *)mechanism);
    else
        ih_mechanism_deny(mechanism, error_name, status);
}

/* initiate = command-size %d8 "INITIATE" metadata */
static void take_initiate(struct plain *plain, const uint8_t *data, size_t size)
{
    const struct ih_mechanism_config *config = &plain->base.config;

    if (ih_mechanism_metadata(&plain->base, data, size) &&
        ih_mechanism_send(&plain->base, "READY", config->metadata, config->metadata_size))
        plain->base.state = IH_MECHANISM_READY;
}

/* --- client ------------------------------------------------------------------------------------------------------- */

static void take_welcome(struct plain *plain, size_t size)
{
    const struct ih_mechanism_config *config = &plain->base.config;

    if (size > 0) {
        malformed(&plain->base, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME);
        return;
    }
    plain->step = EXPECT_READY;
    plain->base.expect = IH_COMMAND_MAX;
    (void)ih_mechanism_send(&plain->base, "INITIATE", config->metadata, config->metadata_size);
}

static bool is_error(const uint8_t *body, size_t size)
{
    return ih_command_is(body, size, "ERROR") ||
           (size >= sizeof error_name - 1 && memcmp(body, error_name, sizeof error_name - 1) == 0);
}

static void client_command(struct plain *plain, const uint8_t *body, size_t size)
{
    size_t name = body[0] == error_name[0] ? sizeof error_name - 1 : 6;

    if (is_error(body, size))
        ih_mechanism_refused(&plain->base, body + name, size - name);
    else if (plain->step == EXPECT_WELCOME && ih_command_is(body, size, "WELCOME"))
        take_welcome(plain, size - 8);
    else if (plain->step == EXPECT_READY && ih_command_is(body, size, "READY")) {
        if (ih_mechanism_metadata(&plain->base, body + 6, size - 6))
            plain->base.state = IH_MECHANISM_READY;
    } else {
        ih_mechanism_unexpected(&plain->base, body, size);
    }
}

static void plain_command(struct ih_mechanism *mechanism, const uint8_t *body, size_t size, uint64_t now_ms)
{
    struct plain *plain = (struct plain *)mechanism;

    (void)now_ms;
    if (size == 0)
        ih_mechanism_unexpected(mechanism, body, size);
    else if (plain->step == EXPECT_WELCOME || plain->step == EXPECT_READY)
        client_command(plain, body, size);
    else if (plain->step == EXPECT_HELLO && ih_command_is(body, size, "HELLO"))
        take_hello(plain, body + 6, size - 6);
    else if (plain->step == EXPECT_INITIATE && ih_command_is(body, size, "INITIATE"))
        take_initiate(plain, body + 9, size - 9);
    else
        ih_mechanism_unexpected(mechanism, body, size);
}

const struct ih_mechanism_ops ih_plain_mechanism = {
    .id = ZMQ_PLAIN,
    .name = "PLAIN",
    .roles = true,
    .open = plain_open,
    .start = plain_start,
    .command = plain_command,
    .credential = plain_credential,
    .decide = plain_decide,
    .close = plain_close,
};
