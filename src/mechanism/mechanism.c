/* SPDX-License-Identifier: ISC */
/* The mechanisms' registry, and what they share: command names, failures, the ERROR command. */
#include "mechanism/mechanism.h"

#include <errno.h>
#include <string.h>

#include <zmq.h>

static const struct ih_mechanism_ops *const registry[] = {
    &ih_null_mechanism,
    &ih_plain_mechanism,
    &ih_curve_mechanism,
};

const struct ih_mechanism_ops *ih_mechanism_find(int id)
{
    for (size_t i = 0; i < sizeof registry / sizeof registry[0]; i++) {
        if (registry[i]->id == id)
            return registry[i];
    }
    return NULL;
}

bool ih_command_is(const uint8_t *body, size_t size, const char *name)
{
    size_t length = strlen(name);

    return size > length && body[0] == length && memcmp(body + 1, name, length) == 0;
}

bool ih_command_named(const uint8_t *body, size_t size)
{
    return size > 1 && body[0] > 0 && body[0] < size;
}

void ih_mechanism_fail(struct ih_mechanism *mechanism, enum ih_mechanism_failure failure, int code)
{
    mechanism->state = IH_MECHANISM_FAILED;
    mechanism->failure = failure;
    mechanism->code = code;
}

void ih_mechanism_unexpected(struct ih_mechanism *mechanism, const uint8_t *body, size_t size)
{
    ih_mechanism_fail(mechanism, IH_MECHANISM_PROTOCOL,
                      ih_command_named(body, size) ? ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND
                                                   : ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED);
}

bool ih_mechanism_metadata(struct ih_mechanism *mechanism, const uint8_t *data, size_t size)
{
    int rc = mechanism->host->metadata(mechanism->host, data, size);

    if (rc == -EPROTO)
        ih_mechanism_fail(mechanism, IH_MECHANISM_PROTOCOL, ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA);
    else if (rc < 0)
        ih_mechanism_fail(mechanism, IH_MECHANISM_SYSTEM, -rc);
    return rc == 0;
}

bool ih_mechanism_send(struct ih_mechanism *mechanism, const char *name, const uint8_t *data, size_t size)
{
    size_t length = strlen(name);
    uint8_t *body = mechanism->host->emit(mechanism->host, 1 + length + size);

    if (!body) {
        ih_mechanism_fail(mechanism, IH_MECHANISM_SYSTEM, ENOMEM);
        return false;
    }
    body[0] = (uint8_t)length;
    memcpy(body + 1, name, length);
    if (size > 0)
        memcpy(body + 1 + length, data, size);
    return true;
}

void ih_mechanism_deny(struct ih_mechanism *mechanism, const char *prefix, unsigned status)
{
    size_t length = strlen(prefix);
    uint8_t *body = NULL;

    /* 300 is a temporary failure: the peer is to come back, and RFC 37 makes ERROR final. */
    if (status != 300)
        body = mechanism->host->emit(mechanism->host, length + 4);
    if (body) {
        memcpy(body, prefix, length);
        body[length] = 3;
        body[length + 1] = (uint8_t)('0' + status / 100 % 10);
        body[length + 2] = (uint8_t)('0' + status / 10 % 10);
        body[length + 3] = (uint8_t)('0' + status % 10);
    }
    ih_mechanism_fail(mechanism, IH_MECHANISM_AUTH, (int)status);
}

void ih_mechanism_refused(struct ih_mechanism *mechanism, const uint8_t *reason, size_t size)
{
    if (size == 0 || reason[0] != size - 1) {
        ih_mechanism_fail(mechanism, IH_MECHANISM_PROTOCOL, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR);
        return;
    }
    mechanism->refused = true;
    if (size == 4 && reason[1] >= '3' && reason[1] <= '5' && reason[2] == '0' && reason[3] == '0')
        ih_mechanism_fail(mechanism, IH_MECHANISM_AUTH, (reason[1] - '0') * 100);
    else
        ih_mechanism_fail(mechanism, IH_MECHANISM_REFUSED, EACCES);
}
