/* SPDX-License-Identifier: ISC */
/* Handshakes that this end begins. A command that is wrong is dropped, for anybody may have made it; what is not answered
 * is sent again until it is given up. */
#include <errno.h>
#include <stdlib.h>

#include <sodium.h>

#include "libcurve/engine.h"

/* error = %d5 "ERROR" error-reason; error-reason = OCTET *VCHAR */
enum { ERROR_REASON = 6 };

int ih_initiator_begin(struct ih_session *session, uint64_t now_ms)
{
    uint8_t *hello = malloc(IH_CURVE_HELLO);
    struct ih_channel *channel = NULL;
    uint8_t tag[IH_ENVELOPE_TAG];
    int rc = -ENOMEM;

    randombytes_buf(tag, sizeof tag);
    if (hello)
        channel = ih_channel_new(session, true, tag, now_ms);
    if (!channel)
        goto out;
    channel->client = calloc(1, sizeof *channel->client);
    if (channel->client)
        rc = ih_curve_client_init(channel->client, session->engine->own, session->id);
    if (rc < 0)
        goto out;
    ih_curve_client_hello(channel->client, hello);
    ih_channel_command(channel, hello, IH_CURVE_HELLO, now_ms);
    session->next = channel;
    ih_session_wake(session);
    return 0;
out:
    free(hello);
    ih_channel_free(channel);
    return rc;
}

/* INITIATE, with what this end claims. */
static int send_initiate(struct ih_channel *channel, uint64_t now_ms)
{
    struct ih_session *session = channel->session;
    struct ih_claim claim = ih_stream_claim(session, session->stream.own);
    uint8_t *initiate = NULL;
    uint8_t *metadata;
    size_t size;
    int rc = -ENOMEM;

    metadata = ih_engine_metadata(session->engine, &claim, &size);
    if (metadata)
        initiate = malloc(IH_CURVE_INITIATE + size);
    if (initiate) {
        ih_curve_client_initiate(channel->client, metadata, size, initiate);
        channel->stream = claim.stream;
        channel->welcomed = true;
        ih_channel_command(channel, initiate, IH_CURVE_INITIATE + size, now_ms);
        ih_session_wake(session);
        rc = 0;
    }
    free(metadata);
    return rc;
}

static int take_welcome(struct ih_channel *channel, const uint8_t *command, size_t size, uint64_t now_ms)
{
    int rc;

    /* The answer to a HELLO that was sent again. */
    if (channel->welcomed)
        return 0;
    rc = ih_curve_client_welcome(channel->client, command, size);
    return rc < 0 ? rc : send_initiate(channel, now_ms);
}

/* The responder let us in, and says what it remembers. */
static void join(struct ih_channel *channel, const struct ih_claim *claim, uint64_t now_ms)
{
    struct ih_session *session = channel->session;
    enum ih_verdict verdict;
    uint64_t own;

    verdict = ih_stream_judge(session, claim, &own);
    if (verdict == IH_CLAIM_ANEW)
        ih_session_restart(session, now_ms);
    else
        ih_session_ready(session, claim, verdict, own, now_ms);
}

static int take_ready(struct ih_channel *channel, const uint8_t *command, size_t size, uint64_t now_ms)
{
    struct ih_claim claim;
    uint8_t *metadata;
    int rc;

    if (!channel->welcomed || size > IH_CURVE_READY + CURVE_METADATA_MAX)
        return -EPROTO;
    metadata = malloc(size);
    if (!metadata)
        return -ENOMEM;
    rc = ih_curve_client_ready(channel->client, command, size, metadata, &channel->keys);
    if (rc < 0) {
        free(metadata);
        return rc;
    }
    channel->metadata = metadata;
    channel->metadata_size = size - IH_CURVE_READY;
    rc = ih_claim_get(metadata, channel->metadata_size, &claim);
    if (rc < 0)
        ih_session_failed(channel->session, now_ms);
    else
        join(channel, &claim, now_ms);
    return rc;
}

/* Not sealed: RFC 26 knows no better. So it is no reason not to try again, later. */
static int take_error(struct ih_channel *channel, const uint8_t *command, size_t size, uint64_t now_ms)
{
    struct ih_session *session = channel->session;

    if (!channel->welcomed || size <= ERROR_REASON || command[ERROR_REASON] != size - ERROR_REASON - 1)
        return -EPROTO;
    ih_session_failed(session, now_ms);
    ih_engine_event(session->engine, CURVE_EVENT_REFUSED, CURVE_ERROR_REFUSED, 0, session->id);
    return 0;
}

void ih_initiator_command(struct ih_channel *channel, const uint8_t *command, size_t size, uint64_t now_ms)
{
    struct ih_session *session = channel->session;
    int rc = -EPROTO;

    /* The handshake is over: this is an answer to something that was sent twice. */
    if (!channel->client)
        return;
    if (ih_curve_is(command, size, "WELCOME"))
        rc = take_welcome(channel, command, size, now_ms);
    else if (ih_curve_is(command, size, "READY"))
        rc = take_ready(channel, command, size, now_ms);
    else if (ih_curve_is(command, size, "ERROR"))
        rc = take_error(channel, command, size, now_ms);
    if (rc == -EBADMSG || rc == -EPROTO)
        ih_engine_suspect(session->engine, rc == -EPROTO ? CURVE_ERROR_MALFORMED : CURVE_ERROR_CRYPTO, session->id);
    ih_session_arm(session, now_ms);
    ih_session_sweep(session);
}
