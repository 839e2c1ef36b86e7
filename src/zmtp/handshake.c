/* SPDX-License-Identifier: ISC */
/* The handshake of a connection: octets to greeting and commands, and the mechanism's answers to octets. */
#include "zmtp/handshake.h"

#include <stdlib.h>

#include <zmq.h>

#include "mechanism/security.h"
#include "zmtp/frame.h"
#include "zmtp/machine.h"
#include "zmtp/metadata.h"
#include "zmtp/socket_type.h"

enum { BUFFER_MIN = 64, IDENTITY_MAX = 255 };

/* --- buffers ------------------------------------------------------------------------------------------------------ */

static void buffer_free(struct ih_zmtp_buffer *buffer)
{
    /* PLAIN's HELLO was here. */
    if (buffer->data)
        explicit_bzero(buffer->data, buffer->room);
    free(buffer->data);
}

/* Room for size octets more; NULL when out of memory. Sizes are bounded by the callers, far from overflowing. */
static uint8_t *buffer_reserve(struct ih_zmtp_buffer *buffer, size_t size)
{
    if (buffer->start == buffer->end) {
        buffer->start = 0;
        buffer->end = 0;
    }
    if (size > buffer->room - buffer->end) {
        struct ih_zmtp_buffer larger = {.start = buffer->start, .end = buffer->end, .room = 2 * buffer->room};

        if (larger.room < BUFFER_MIN)
            larger.room = BUFFER_MIN;
        if (larger.room < buffer->end + size)
            larger.room = buffer->end + size;
        larger.data = malloc(larger.room);
        if (!larger.data)
            return NULL;
        if (buffer->end > 0)
            memcpy(larger.data, buffer->data, buffer->end);
        buffer_free(buffer);
        *buffer = larger;
    }
    return buffer->data + buffer->end;
}

static int buffer_append(struct ih_zmtp_buffer *buffer, const uint8_t *data, size_t size)
{
    uint8_t *to = buffer_reserve(buffer, size);

    if (!to)
        return -ENOMEM;
    memcpy(to, data, size);
    buffer->end += size;
    return 0;
}

/* --- the mechanism's host ----------------------------------------------------------------------------------------- */

static uint8_t *host_emit(struct ih_mechanism_host *host, size_t size)
{
    struct ih_zmtp_handshake *handshake = (struct ih_zmtp_handshake *)host;
    uint8_t *to = buffer_reserve(&handshake->out, IH_FRAME_LONG_HEAD + size);
    size_t head;

    if (!to)
        return NULL;
    head = ih_frame_put(to, IH_FRAME_COMMAND, size);
    handshake->out.end += head + size;
    return to + head;
}

/* RFC 37, "The Socket-Type Property", "The Identity Property". A peer need not tell its type. */
static int check_peer(const struct ih_zmtp_handshake *handshake, const uint8_t *data, size_t size)
{
    struct ih_metadata metadata = {data, size};
    struct ih_property property;

    if (ih_metadata_check(data, size) < 0)
        return -EPROTO;
    while (ih_metadata_next(&metadata, &property) > 0) {
        if (ih_property_is(&property, "Socket-Type") &&
            !ih_socket_type_accepts(handshake->config.socket_type, property.value, property.value_size))
            return -EPROTO;
        if (ih_property_is(&property, "Identity") && property.value_size > IDENTITY_MAX)
            return -EPROTO;
    }
    return 0;
}

static int host_metadata(struct ih_mechanism_host *host, const uint8_t *data, size_t size)
{
    struct ih_zmtp_handshake *handshake = (struct ih_zmtp_handshake *)host;
    int rc = size > IH_METADATA_MAX ? -EPROTO : check_peer(handshake, data, size);
    uint8_t *copy;

    if (rc < 0 || size == 0)
        return rc;
    copy = malloc(size);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, data, size);
    free(handshake->peer);
    handshake->peer = copy;
    handshake->peer_size = size;
    return 0;
}

/* --- making and ending -------------------------------------------------------------------------------------------- */

/* Our own metadata: Socket-Type, Identity where the RFC has it, the application's. */
static int make_metadata(struct ih_zmtp_handshake *handshake)
{
    const struct ih_zmtp_config *config = &handshake->config;
    bool identity = ih_socket_type_announces(config->socket_type);
    size_t type_size = strlen(config->socket_type);
    size_t size = ih_metadata_room("Socket-Type", type_size);
    uint8_t *p;

    if (identity)
        size += ih_metadata_room("Identity", config->routing_id_size);
    p = malloc(size + config->metadata_size);
    if (!p)
        return -ENOMEM;
    handshake->metadata = p;
    handshake->metadata_size = size + config->metadata_size;
    p = ih_metadata_put(p, "Socket-Type", config->socket_type, type_size);
    if (identity)
        p = ih_metadata_put(p, "Identity", config->routing_id, config->routing_id_size);
    if (config->metadata_size > 0)
        memcpy(p, config->metadata, config->metadata_size);
    return 0;
}

static struct ih_mechanism *open_mechanism(struct ih_zmtp_handshake *handshake)
{
    struct ih_mechanism_config config = {
        .security = handshake->config.security,
        .cookies = handshake->config.cookies,
        .metadata = handshake->metadata,
        .metadata_size = handshake->metadata_size,
        .serial = handshake->config.serial,
        .ask_zap = handshake->config.ask_zap,
    };
    struct ih_mechanism *mechanism = handshake->ops->open(&config);

    if (mechanism)
        mechanism->host = &handshake->host;
    return mechanism; /* cppcheck-suppress returnDanglingLifetime ; open copies what it keeps of config */
}

static bool as_server(const struct ih_zmtp_handshake *handshake)
{
    return handshake->ops->roles && ih_security_as_server(handshake->config.security) != 0;
}

struct ih_zmtp_handshake *ih_zmtp_handshake_new(struct ih_zmtp *zmtp, const struct ih_zmtp_config *config)
{
    struct ih_zmtp_handshake *handshake = calloc(1, sizeof *handshake);
    uint8_t *greeting;

    if (!handshake)
        return NULL;
    handshake->host.emit = host_emit;
    handshake->host.metadata = host_metadata;
    handshake->zmtp = zmtp;
    handshake->config = *config;
    handshake->ops = ih_mechanism_find(ih_security_mechanism(config->security));
    if (!handshake->ops || make_metadata(handshake) < 0)
        goto fail;
    handshake->mechanism = open_mechanism(handshake);
    greeting = buffer_reserve(&handshake->out, IH_GREETING_SIZE);
    if (!handshake->mechanism || !greeting)
        goto fail;
    ih_greeting_put(greeting, handshake->ops->name, as_server(handshake));
    handshake->out.end += IH_GREETING_SIZE;
    return handshake;

fail:
    ih_zmtp_handshake_free(handshake);
    return NULL;
}

static void close_mechanism(struct ih_zmtp_handshake *handshake)
{
    if (handshake->mechanism)
        handshake->ops->close(handshake->mechanism);
    handshake->mechanism = NULL;
}

void ih_zmtp_handshake_free(struct ih_zmtp_handshake *handshake)
{
    if (!handshake)
        return;
    close_mechanism(handshake);
    buffer_free(&handshake->in);
    buffer_free(&handshake->out);
    free(handshake->metadata);
    free(handshake->peer);
    free(handshake);
}

/* --- the state machine -------------------------------------------------------------------------------------------- */

/* The connection's state follows the mechanism's. Its keys are dropped as soon as it has nothing more to do. */
static void follow(struct ih_zmtp_handshake *handshake)
{
    static const enum ih_zmtp_failure failures[] = {
        [IH_MECHANISM_PROTOCOL] = IH_ZMTP_PROTOCOL,
        [IH_MECHANISM_AUTH] = IH_ZMTP_AUTH,
        [IH_MECHANISM_REFUSED] = IH_ZMTP_NO_DETAIL,
        [IH_MECHANISM_SYSTEM] = IH_ZMTP_NO_DETAIL,
    };
    struct ih_mechanism *mechanism = handshake->mechanism;
    struct ih_zmtp *zmtp = handshake->zmtp;

    switch (mechanism->state) {
    case IH_MECHANISM_COMMAND:
        ih_zmtp_set_state(zmtp, IH_ZMTP_HANDSHAKE);
        break;
    case IH_MECHANISM_ZAP:
        ih_zmtp_set_state(zmtp, IH_ZMTP_ZAP);
        break;
    case IH_MECHANISM_READY:
        if (handshake->ops->take_keys) {
            zmtp->keys = handshake->ops->take_keys(mechanism);
            zmtp->sealed = zmtp->keys->sealed;
            zmtp->opened = zmtp->keys->opened;
        }
        close_mechanism(handshake);
        ih_zmtp_set_state(zmtp, IH_ZMTP_READY);
        break;
    case IH_MECHANISM_FAILED:
        zmtp->error.fatal_credentials = mechanism->refused;
        (void)ih_zmtp_fail(zmtp, failures[mechanism->failure], mechanism->code, 0);
        close_mechanism(handshake);
        break;
    }
}

static int fail(struct ih_zmtp_handshake *handshake, enum ih_zmtp_failure failure, int code)
{
    close_mechanism(handshake);
    return ih_zmtp_fail(handshake->zmtp, failure, code, -EPROTO);
}

/* The peer's greeting is whole: version, mechanism and roles must fit. */
static void greeted(struct ih_zmtp_handshake *handshake, const struct ih_greeting *greeting)
{
    /* "If the mechanism that the peer received does not exactly match ... it MUST close the connection." */
    bool fits = strcmp(greeting->mechanism, handshake->ops->name) == 0;

    /* Two servers never come to an end. libzmq's servers say 0 too, so two clients cannot be told here: each refuses
     * the other's HELLO. */
    if (as_server(handshake) && greeting->as_server)
        fits = false;
    if (!fits) {
        (void)fail(handshake, IH_ZMTP_PROTOCOL, ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH);
        return;
    }
    handshake->zmtp->peer_minor = greeting->major > 3 || greeting->minor > 0;
    handshake->ops->start(handshake->mechanism);
    follow(handshake);
}

static void take_greeting(struct ih_zmtp_handshake *handshake, const uint8_t *in, size_t size, size_t *used)
{
    size_t room = IH_GREETING_SIZE - handshake->greeting_size;
    size_t take = size < room ? size : room;
    struct ih_greeting greeting;
    int rc;

    memcpy(handshake->greeting + handshake->greeting_size, in, take);
    handshake->greeting_size += take;
    *used = take;
    rc = ih_greeting_parse(handshake->greeting, handshake->greeting_size, &greeting);
    if (rc == -EPROTONOSUPPORT)
        (void)fail(handshake, IH_ZMTP_NO_DETAIL, EPROTO);
    else if (rc < 0)
        (void)fail(handshake, IH_ZMTP_PROTOCOL, ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH);
    else if (rc > 0)
        greeted(handshake, &greeting);
}

/* A frame's head, which must be one that the handshake can have. 1, 0 (more octets are needed), -EPROTO. */
static int check_frame(struct ih_zmtp_handshake *handshake, const uint8_t *in, size_t size, struct ih_frame *frame)
{
    int rc = ih_frame_parse(in, size, frame);

    if (rc < 0)
        return fail(handshake, IH_ZMTP_PROTOCOL, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED);
    if (rc > 0 && !(frame->flags & IH_FRAME_COMMAND))
        return fail(handshake, IH_ZMTP_PROTOCOL, ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND);
    if (rc > 0 && frame->size > handshake->mechanism->expect)
        return fail(handshake, IH_ZMTP_NO_DETAIL, EMSGSIZE);
    return rc;
}

/* A command that came in pieces: takes what is missing, first of its head, then of its body. */
static int gather(struct ih_zmtp_handshake *handshake, const uint8_t *in, size_t size, size_t *used,
                  struct ih_frame *frame)
{
    struct ih_zmtp_buffer *buffer = &handshake->in;

    for (;;) {
        const uint8_t *have = buffer->data ? buffer->data + buffer->start : in;
        size_t count = buffer->end - buffer->start;
        int rc = check_frame(handshake, have, count, frame);
        size_t want = 1;

        if (rc < 0)
            return rc;
        if (rc > 0)
            want = frame->head + (size_t)frame->size - count;
        if (want == 0)
            return 1;
        if (want > size - *used)
            want = size - *used;
        if (want == 0)
            return 0;
        if (buffer_append(buffer, in + *used, want) < 0)
            return fail(handshake, IH_ZMTP_NO_DETAIL, ENOMEM);
        *used += want;
    }
}

/* The next command's body: where it came, if all of it did, else gathered. 1, 0 (more octets are needed), -EPROTO. */
static int next_body(struct ih_zmtp_handshake *handshake, const uint8_t *in, size_t size, size_t *used,
                     const uint8_t **body, size_t *body_size)
{
    struct ih_zmtp_buffer *buffer = &handshake->in;
    struct ih_frame frame;
    int rc;

    if (buffer->start == buffer->end) {
        rc = check_frame(handshake, in, size, &frame);
        if (rc < 0)
            return rc;
        if (rc > 0 && size - frame.head >= frame.size) {
            *body = in + frame.head;
            *body_size = (size_t)frame.size;
            *used = frame.head + *body_size;
            return 1;
        }
    }
    rc = gather(handshake, in, size, used, &frame);
    if (rc <= 0)
        return rc;
    *body = buffer->data + buffer->start + frame.head;
    *body_size = (size_t)frame.size;
    buffer->start = buffer->end;
    return 1;
}

static void take_command(struct ih_zmtp_handshake *handshake, const uint8_t *in, size_t size, size_t *used,
                         uint64_t now_ms)
{
    const uint8_t *body;
    size_t body_size;

    if (next_body(handshake, in, size, used, &body, &body_size) <= 0)
        return;
    handshake->ops->command(handshake->mechanism, body, body_size, now_ms);
    follow(handshake);
}

int ih_zmtp_input(struct ih_zmtp *zmtp, const uint8_t *in, size_t size, size_t *used, uint64_t now_ms)
{
    *used = 0;
    while (*used < size) {
        enum ih_zmtp_state state = ih_zmtp_state(zmtp);
        size_t taken = 0;

        if (state == IH_ZMTP_GREETING)
            take_greeting(zmtp->handshake, in + *used, size - *used, &taken);
        else if (state == IH_ZMTP_HANDSHAKE)
            take_command(zmtp->handshake, in + *used, size - *used, &taken, now_ms);
        else
            break;
        *used += taken;
    }
    return ih_zmtp_state(zmtp) == IH_ZMTP_CLOSED ? -EPROTO : 0;
}

int ih_zmtp_zap_reply(struct ih_zmtp *zmtp, unsigned status)
{
    if (ih_zmtp_state(zmtp) == IH_ZMTP_ZAP) {
        zmtp->handshake->ops->decide(zmtp->handshake->mechanism, status);
        follow(zmtp->handshake);
    }
    return ih_zmtp_state(zmtp) == IH_ZMTP_CLOSED ? -EPROTO : 0;
}
