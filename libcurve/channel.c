/* SPDX-License-Identifier: ISC */
/* Channels: one CurveZMQ session each. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/block.h"
#include "base/secret.h"
#include "libcurve/engine.h"

/* "\7MESSAGE", short nonce, tag, then the sealed text: payload flags, header, message (RFC 26, "The MESSAGE Command"). */
enum {
    NAME = 8,
    TAG = NAME + IH_CURVE_SHORT_NONCE,
    TEXT = TAG + IH_CURVE_TAG,
    COMMAND_MIN = TEXT + IH_MESSAGE_HEAD,
};

_Static_assert((int)IH_MESSAGE_HEAD <= (int)IH_BOX_HEAD, "the head of a text is sealed in one piece");
_Static_assert(offsetof(struct ih_incoming, text) == offsetof(struct ih_incoming, head) + IH_HEADER_SIZE,
               "a text is opened in one piece");

struct ih_channel *ih_channel_new(struct ih_session *session, bool initiator, const uint8_t *tag, uint64_t now_ms)
{
    struct ih_engine *engine = session->engine;
    struct ih_channel *channel = calloc(1, sizeof *channel);

    if (!channel)
        return NULL;
    channel->session = session;
    channel->initiator = initiator;
    channel->born_ms = now_ms;
    channel->give_up_ms = now_ms + (uint64_t)engine->limits.handshake_ivl;
    channel->name[0] = initiator ? IH_ENVELOPE_RESPONDER : IH_ENVELOPE_INITIATOR;
    memcpy(channel->name + 1, tag, IH_ENVELOPE_TAG);
    if (ih_map_insert(&engine->channels, &channel->node, channel->name, sizeof channel->name) < 0) {
        free(channel);
        return NULL;
    }
    return channel;
}

void ih_channel_settle(struct ih_channel *channel)
{
    if (channel->client) {
        ih_curve_client_fini(channel->client);
        free(channel->client);
    }
    channel->client = NULL;
    free(channel->command);
    channel->command = NULL;
    channel->command_due = false;
    free(channel->route);
    channel->route = NULL;
}

void ih_channel_free(struct ih_channel *channel)
{
    if (!channel)
        return;
    ih_map_remove(&channel->session->engine->channels, &channel->node);
    ih_channel_settle(channel);
    ih_secret_free(channel->keys);
    free(channel->metadata);
    free(channel);
}

void ih_channel_command(struct ih_channel *channel, uint8_t *command, size_t size, uint64_t now_ms)
{
    free(channel->command);
    channel->command = command;
    channel->command_size = size;
    channel->command_due = true;
    channel->resend_ivl = 2 * (uint64_t)channel->session->engine->limits.reconnect_ivl;
    channel->resend_ms = now_ms + channel->resend_ivl;
}

const uint8_t *ih_channel_tag(const struct ih_channel *channel)
{
    return channel->name + 1;
}

struct ih_envelope *ih_channel_seal(struct ih_channel *channel, const struct ih_header *header, const uint8_t *text,
                                    size_t size)
{
    struct ih_octets route = {channel->session->route, channel->session->route_size};
    uint8_t type = channel->initiator ? IH_ENVELOPE_INITIATOR : IH_ENVELOPE_RESPONDER;
    struct ih_envelope *envelope = ih_envelope_new(route, type, ih_channel_tag(channel), COMMAND_MIN + size);
    uint8_t *command;

    if (!envelope)
        return NULL;
    command = envelope->data + IH_ENVELOPE_HEAD;
    (void)ih_curve_put_name(command, "MESSAGE");
    channel->keys->sealed++;
    ih_curve_put_nonce(command + NAME, channel->keys->sealed);
    command[TEXT] = 0;
    ih_header_put(command + TEXT + 1, header);
    ih_box_seal_parts(channel->keys->seal, channel->keys->sealed, command + TEXT, IH_MESSAGE_HEAD, text, size,
                      command + COMMAND_MIN, command + TAG);
    return envelope;
}

int ih_channel_open(struct ih_channel *channel, const uint8_t *command, size_t size, struct ih_header *header,
                    struct ih_incoming **incoming_p, bool *gap)
{
    size_t limit = (size_t)channel->session->engine->limits.maxmsgsize + (size_t)IH_FRAME_SIZE * IH_FRAMES_MAX;
    struct ih_incoming *incoming;
    uint64_t nonce;
    uint8_t flags;
    int rc = 0;

    if (size < COMMAND_MIN)
        return -EPROTO;
    if (size - COMMAND_MIN > limit)
        return -EMSGSIZE;
    nonce = ih_curve_get_nonce(command + NAME);
    if (nonce <= channel->keys->opened)
        return -ESTALE;
    incoming = ih_block_alloc(sizeof *incoming + size - COMMAND_MIN);
    if (!incoming)
        return -ENOMEM;
    incoming->size = size - COMMAND_MIN;
    incoming->several = NULL;
    ih_list_init(&incoming->link);
    if (ih_box_open(channel->keys->open, nonce, command + TAG, command + TEXT, size - TEXT, &flags, incoming->head) < 0)
        rc = -EBADMSG;
    if (rc == 0) {
        *gap = nonce != channel->keys->opened + 1;
        channel->keys->opened = nonce;
        rc = flags != 0 ? -EPROTO : ih_header_get(incoming->head, header);
    }
    if (rc < 0) {
        ih_message_free(&incoming->message);
        return rc;
    }
    *incoming_p = incoming;
    return 0;
}
