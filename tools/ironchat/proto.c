/* SPDX-License-Identifier: ISC */
#include "ironchat/proto.h"

#include <errno.h>
#include <string.h>

enum { VERSION = 1 };

/* What is still to be read. On chat_msg_parse's stack; `bad` sticks, so that one look at the end suffices. */
struct reader {
    const uint8_t *at;
    size_t left;
    bool bad;
};

/* What is written so far; likewise. */
struct writer {
    uint8_t *start;
    size_t used;
    size_t room;
    bool bad;
};

static const uint8_t *take(struct reader *reader, size_t size)
{
    const uint8_t *at = reader->at;

    if (reader->bad || size > reader->left) {
        reader->bad = true;
        return NULL;
    }
    reader->at += size;
    reader->left -= size;
    return at;
}

static uint64_t take_number(struct reader *reader, size_t size)
{
    const uint8_t *octets = take(reader, size);
    uint64_t value = 0;

    for (size_t i = 0; octets != NULL && i < size; i++)
        value = value << 8 | octets[i];
    return value;
}

static void take_copy(struct reader *reader, uint8_t *out, size_t size)
{
    const uint8_t *octets = take(reader, size);

    if (octets != NULL)
        memcpy(out, octets, size);
}

static void take_string(struct reader *reader, struct chat_msg *msg)
{
    msg->size = (size_t)take_number(reader, 2);
    msg->text = (const char *)take(reader, msg->size);
}

static void give(struct writer *writer, const void *data, size_t size)
{
    if (writer->bad || size > writer->room - writer->used) {
        writer->bad = true;
    } else if (size > 0) {
        memcpy(writer->start + writer->used, data, size);
        writer->used += size;
    }
}

static void give_number(struct writer *writer, uint64_t value, size_t size)
{
    uint8_t octets[8];

    for (size_t i = 0; i < size; i++)
        octets[i] = (uint8_t)(value >> 8 * (size - 1 - i));
    give(writer, octets, size);
}

static void give_string(struct writer *writer, const struct chat_msg *msg)
{
    give_number(writer, msg->size, 2);
    give(writer, msg->text, msg->size);
}

/* Rising order makes a list without repetitions, and one spelling of it. */
static bool keys_valid(const struct chat_msg *msg)
{
    if (msg->count < 2 || msg->count > CHAT_MEMBERS_MAX || msg->owner >= msg->count)
        return false;
    for (int i = 1; i < msg->count; i++) {
        const uint8_t *key = msg->keys + (size_t)i * CHAT_KEY_SIZE;

        if (memcmp(key - CHAT_KEY_SIZE, key, CHAT_KEY_SIZE) >= 0)
            return false;
    }
    return true;
}

/* The bounds of each kind's fields, the same for who writes and who reads. */
static bool valid(const struct chat_msg *msg)
{
    switch (msg->kind) {
    case CHAT_TEXT:
        return msg->size >= 1 && msg->size <= CHAT_TEXT_MAX;
    case CHAT_PRESENCE:
        return msg->state == CHAT_HERE || msg->state == CHAT_LEAVING;
    case CHAT_ROOM:
        return msg->size >= 1 && msg->size < CHAT_NAME_SIZE && keys_valid(msg);
    case CHAT_MEMBER:
        return msg->state == CHAT_JOINED || msg->state == CHAT_LEFT;
    case CHAT_OFFER:
        return msg->size >= 1 && msg->size <= CHAT_FILENAME_MAX && msg->number <= CHAT_FILE_MAX;
    case CHAT_ACCEPT:
        return msg->number <= CHAT_FILE_MAX;
    case CHAT_CHUNK:
        return msg->size >= 1 && msg->size <= CHAT_CHUNK_MAX && msg->number <= CHAT_FILE_MAX - msg->size;
    case CHAT_END:
        return msg->state >= CHAT_END_RECEIVED && msg->state <= CHAT_END_UNKNOWN;
    }
    return false;
}

static void write_fields(struct writer *writer, const struct chat_msg *msg)
{
    switch (msg->kind) {
    case CHAT_TEXT:
        give_number(writer, msg->to_room, 1);
        if (msg->to_room)
            give(writer, msg->id, CHAT_ID_SIZE);
        give_string(writer, msg);
        break;
    case CHAT_PRESENCE:
        give_number(writer, msg->state, 1);
        give_number(writer, msg->number, 8);
        break;
    case CHAT_ROOM:
        give(writer, msg->id, CHAT_ID_SIZE);
        give_number(writer, msg->revision, 4);
        give_number(writer, msg->owner, 1);
        give_string(writer, msg);
        give_number(writer, msg->count, 1);
        give(writer, msg->keys, (size_t)msg->count * CHAT_KEY_SIZE);
        break;
    case CHAT_OFFER:
        give(writer, msg->id, CHAT_ID_SIZE);
        give_number(writer, msg->number, 8);
        give(writer, msg->hash, CHAT_HASH_SIZE);
        give_string(writer, msg);
        break;
    case CHAT_ACCEPT:
    case CHAT_CHUNK:
        give(writer, msg->id, CHAT_ID_SIZE);
        give_number(writer, msg->number, 8);
        if (msg->kind == CHAT_CHUNK)
            give(writer, msg->text, msg->size);
        break;
    case CHAT_MEMBER:
    case CHAT_END:
        give(writer, msg->id, CHAT_ID_SIZE);
        give_number(writer, msg->state, 1);
        break;
    }
}

int chat_msg_write(uint8_t *out, size_t room, const struct chat_msg *msg)
{
    struct writer writer = {.room = room};

    if (!valid(msg))
        return -EINVAL;
    writer.start = out;
    give_number(&writer, VERSION, 1);
    give_number(&writer, (uint64_t)msg->kind, 1);
    write_fields(&writer, msg);
    return writer.bad ? -EINVAL : (int)writer.used;
}

static void read_text(struct reader *reader, struct chat_msg *msg)
{
    uint64_t to_room = take_number(reader, 1);

    if (to_room > 1)
        reader->bad = true;
    msg->to_room = to_room == 1;
    if (msg->to_room)
        take_copy(reader, msg->id, CHAT_ID_SIZE);
    take_string(reader, msg);
}

static void read_room(struct reader *reader, struct chat_msg *msg)
{
    take_copy(reader, msg->id, CHAT_ID_SIZE);
    msg->revision = (uint32_t)take_number(reader, 4);
    msg->owner = (uint8_t)take_number(reader, 1);
    take_string(reader, msg);
    msg->count = (uint8_t)take_number(reader, 1);
    msg->keys = take(reader, (size_t)msg->count * CHAT_KEY_SIZE);
}

static void read_fields(struct reader *reader, struct chat_msg *msg)
{
    switch (msg->kind) {
    case CHAT_TEXT:
        read_text(reader, msg);
        break;
    case CHAT_PRESENCE:
        msg->state = (uint8_t)take_number(reader, 1);
        msg->number = take_number(reader, 8);
        break;
    case CHAT_ROOM:
        read_room(reader, msg);
        break;
    case CHAT_OFFER:
        take_copy(reader, msg->id, CHAT_ID_SIZE);
        msg->number = take_number(reader, 8);
        take_copy(reader, msg->hash, CHAT_HASH_SIZE);
        take_string(reader, msg);
        break;
    case CHAT_ACCEPT:
    case CHAT_CHUNK:
        take_copy(reader, msg->id, CHAT_ID_SIZE);
        msg->number = take_number(reader, 8);
        if (msg->kind == CHAT_CHUNK) {
            msg->size = reader->left;
            msg->text = (const char *)take(reader, msg->size);
        }
        break;
    case CHAT_MEMBER:
    case CHAT_END:
        take_copy(reader, msg->id, CHAT_ID_SIZE);
        msg->state = (uint8_t)take_number(reader, 1);
        break;
    }
}

int chat_msg_parse(struct chat_msg *msg, const uint8_t *data, size_t size)
{
    struct reader reader = {data, size, false};
    struct chat_msg read = {.size = 0};
    uint64_t version = take_number(&reader, 1), kind = take_number(&reader, 1);

    if (reader.bad)
        return -EINVAL;
    if (version != VERSION || kind < CHAT_TEXT || kind > CHAT_END)
        return -EPROTONOSUPPORT;
    read.kind = (enum chat_kind)kind;
    read_fields(&reader, &read);
    if (reader.bad || reader.left > 0 || !valid(&read))
        return -EINVAL;
    *msg = read;
    return 0;
}
