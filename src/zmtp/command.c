/* SPDX-License-Identifier: ISC */
/* Commands in traffic: their names, and the data they may have. */
#include "zmtp/command.h"

enum {
    KINDS = IH_MSG_PONG + 1,
    PING_TTL = 2,
    PING_CONTEXT_MAX = 16,
};

static const struct ih_command_prefix prefixes[KINDS] = {
    [IH_MSG_SUBSCRIBE] = {"\x9SUBSCRIBE", 10, true},
    [IH_MSG_CANCEL] = {"\x6"
                       "CANCEL",
                       7, true},
    [IH_MSG_PING] = {"\x4PING", 5, true},
    [IH_MSG_PONG] = {"\x4PONG", 5, true},
};

static const struct ih_command_prefix old_subscribe = {"\1", 1, false};
static const struct ih_command_prefix old_cancel = {"", 1, false};

const struct ih_command_prefix *ih_command_prefix(enum ih_msg_kind kind, unsigned minor)
{
    if (minor == 0 && kind == IH_MSG_SUBSCRIBE)
        return &old_subscribe;
    if (minor == 0 && kind == IH_MSG_CANCEL)
        return &old_cancel;
    return &prefixes[kind];
}

/* Takes skip octets away from the front of a frame that nobody else has. */
static void advance(struct ih_msg *msg, size_t skip)
{
    if (msg->type == IH_MSG_SMALL) {
        msg->small_size = (uint8_t)(msg->small_size - skip);
        memmove(msg->u.small, msg->u.small + skip, msg->small_size);
    } else {
        msg->u.large.data += skip;
        msg->u.large.size -= skip;
    }
}

static bool data_fits(unsigned kind, size_t size)
{
    if (kind == IH_MSG_PING)
        return size >= PING_TTL && size <= PING_TTL + PING_CONTEXT_MAX;
    return kind != IH_MSG_PONG || size <= PING_CONTEXT_MAX;
}

int ih_command_open(struct ih_msg *msg)
{
    const uint8_t *body = ih_msg_data(msg);
    size_t size = ih_msg_size(msg);

    if (size < 2 || body[0] == 0 || body[0] > size - 1)
        return -EPROTO;
    for (unsigned kind = IH_MSG_SUBSCRIBE; kind < KINDS; kind++) {
        const struct ih_command_prefix *prefix = &prefixes[kind];

        if (size < prefix->size || memcmp(body, prefix->text, prefix->size) != 0)
            continue;
        if (!data_fits(kind, size - prefix->size))
            return -EPROTO;
        advance(msg, prefix->size);
        msg->kind = (uint8_t)kind;
        return 1;
    }
    return 0;
}
