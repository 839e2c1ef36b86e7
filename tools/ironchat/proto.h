/* SPDX-License-Identifier: ISC */
/*
 * What participants say to each other, inside the sealed messages. One frame is one message:
 *
 *   octet 0  version, 1         octet 1  kind         then the fields below, numbers big-endian,
 *                                                     strings and lists behind their length
 *
 * Reading is strict: each field has its bounds, nothing may be missing and nothing may follow.
 */
#ifndef IRONCHAT_PROTO_H
#define IRONCHAT_PROTO_H

#include <stddef.h>
#include <stdint.h>

#include "ironchat/contact.h"

enum {
    CHAT_ID_SIZE = 16,      /* of a file: random; of a room: half random, half a hash of that and of its owner's key */
    CHAT_HASH_SIZE = 32,    /* BLAKE2b of a file */
    CHAT_MEMBERS_MAX = 32,  /* of a room */
    CHAT_CHUNK_MAX = 32768, /* octets of a file in one message */
    CHAT_FILENAME_MAX = 255,
    CHAT_MSG_MAX = CHAT_CHUNK_MAX + 64 /* the longest message */
};

#define CHAT_FILE_MAX ((uint64_t)1 << 40)

enum chat_kind {
    CHAT_TEXT = 1,     /* u8 to a room?, [room], str text */
    CHAT_PRESENCE = 2, /* u8 state, u64 incarnation */
    CHAT_ROOM = 3,     /* room, u32 revision, u8 owner's place, str name, u8 count, keys in rising order */
    CHAT_MEMBER = 4,   /* room, u8 state */
    CHAT_OFFER = 5,    /* file, u64 size, hash, str name */
    CHAT_ACCEPT = 6,   /* file, u64 offset */
    CHAT_CHUNK = 7,    /* file, u64 offset, octets up to the end */
    CHAT_END = 8       /* file, u8 status */
};

enum chat_presence { CHAT_HERE = 1, CHAT_LEAVING = 2 };
enum chat_member { CHAT_JOINED = 1, CHAT_LEFT = 2 };

/* How a transfer ended. */
enum chat_end {
    CHAT_END_RECEIVED = 1, /* whole, and the hash is right */
    CHAT_END_WRONG = 2,    /* whole, and the hash is wrong */
    CHAT_END_DECLINED = 3,
    CHAT_END_CANCELLED = 4,
    CHAT_END_STORAGE = 5, /* the receiver cannot store it, or the sender cannot read it */
    CHAT_END_UNKNOWN = 6  /* no such transfer here */
};

/* One message. Pointers are borrowed: from what was parsed, or from who writes it. */
struct chat_msg {
    enum chat_kind kind;
    uint8_t id[CHAT_ID_SIZE];     /* TEXT (to a room), ROOM, MEMBER: the room; OFFER, ACCEPT, CHUNK, END: the file */
    bool to_room;                 /* TEXT */
    uint8_t state;                /* PRESENCE, MEMBER, END */
    uint64_t number;              /* PRESENCE: incarnation; OFFER: size; ACCEPT, CHUNK: offset */
    uint32_t revision;            /* ROOM */
    uint8_t owner;                /* ROOM: who made it, a place in keys */
    uint8_t count;                /* ROOM: of keys */
    const uint8_t *keys;          /* ROOM: count times CHAT_KEY_SIZE */
    uint8_t hash[CHAT_HASH_SIZE]; /* OFFER */
    const char *text;             /* TEXT, ROOM and OFFER: the name; CHUNK: the octets. No NUL behind */
    size_t size;                  /* of text */
};

/* Writes a message; returns its size, or -EINVAL: a field is out of bounds, or it does not fit. */
int chat_msg_write(uint8_t *out, size_t room, const struct chat_msg *msg);

/* -EPROTONOSUPPORT: of another version, or of a kind that this one does not know; -EINVAL: malformed. */
int chat_msg_parse(struct chat_msg *msg, const uint8_t *data, size_t size);

#endif
