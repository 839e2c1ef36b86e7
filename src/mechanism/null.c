/* SPDX-License-Identifier: ISC */
/* The NULL mechanism (RFC 37, "The NULL Security Mechanism"): both ends send READY with their metadata.
 *
 * RFC 37 lets the client speak first, RFC 23 demands that both send before they receive. Sending at once fits both, and
 * is what libzmq does; only an end that asks ZAP sends nothing before the decision. */
#include <stdlib.h>

#include <zmq.h>

#include "mechanism/mechanism.h"

static struct ih_mechanism *null_open(const struct ih_mechanism_config *config)
{
    struct ih_mechanism *mechanism = calloc(1, sizeof *mechanism);

    if (!mechanism)
        return NULL;
    mechanism->ops = &ih_null_mechanism;
    mechanism->config = *config;
    mechanism->state = IH_MECHANISM_COMMAND;
    mechanism->expect = IH_COMMAND_MAX;
    return mechanism;
}

static bool send_ready(struct ih_mechanism *mechanism)
{
    return ih_mechanism_send(mechanism, "READY", mechanism->config.metadata, mechanism->config.metadata_size);
}

static void null_start(struct ih_mechanism *mechanism)
{
    if (mechanism->config.ask_zap)
        mechanism->state = IH_MECHANISM_ZAP;
    else
        (void)send_ready(mechanism);
}

static void null_decide(struct ih_mechanism *mechanism, unsigned status)
{
    if (status != 200)
        ih_mechanism_deny(mechanism, "\5ERROR", status);
    else if (send_ready(mechanism))
        mechanism->state = IH_MECHANISM_COMMAND;
}

static void null_command(struct ih_mechanism *mechanism, const uint8_t *body, size_t size, uint64_t now_ms)
{
    (void)now_ms;
    if (ih_command_is(body, size, "READY")) {
        if (ih_mechanism_metadata(mechanism, body + 6, size - 6))
            mechanism->state = IH_MECHANISM_READY;
    } else if (ih_command_is(body, size, "ERROR")) {
        ih_mechanism_refused(mechanism, body + 6, size - 6);
    } else {
        ih_mechanism_unexpected(mechanism, body, size);
    }
}

static void null_close(struct ih_mechanism *mechanism)
{
    free(mechanism);
}

const struct ih_mechanism_ops ih_null_mechanism = {
    .id = ZMQ_NULL,
    .name = "NULL",
    .open = null_open,
    .start = null_start,
    .command = null_command,
    .decide = null_decide,
    .close = null_close,
};
