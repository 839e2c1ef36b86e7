/* SPDX-License-Identifier: ISC */
/* A message frame: the library's own view of zmq_msg_t.
 *
 * A frame of up to IH_MSG_INLINE octets lives inside the 64 octets of the struct; a larger one in counted content.
 * The struct may be moved by memcpy (language bindings do); moving hands over what it owns.
 * Not thread-safe by itself: one owner at a time. Content is shared between owners by an atomic count. */
#ifndef IH_BASE_MESSAGE_H
#define IH_BASE_MESSAGE_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/props.h"

enum { IH_MSG_INLINE = 33 };

/* ih_msg.type; never 0, so that zeroed or closed memory is recognised. */
enum ih_msg_type {
    IH_MSG_CLOSED = 0,
    IH_MSG_SMALL = 0x65, /* octets in u.small */
    IH_MSG_LARGE = 0x66, /* u.large, content counted */
    IH_MSG_CONST = 0x67, /* u.large, the caller's constant memory, no content */
};

/* ih_msg.flags */
enum ih_msg_flags {
    IH_MSG_MORE = 1,   /* more frames of the same message follow */
    IH_MSG_SHARED = 2, /* content may have other owners (zmq_msg_get ZMQ_SHARED) */
    IH_MSG_LENT = 4,   /* IH_MSG_CONST whose memory is lent for the running call alone: ih_msg_own before it is kept */
};

/* ih_msg.kind: what a frame is to ZMTP (RFC 37). All but DATA are commands and never reach an application. */
enum ih_msg_kind {
    IH_MSG_DATA = 0,
    IH_MSG_SUBSCRIBE, /* data: the topic */
    IH_MSG_CANCEL,    /* data: the topic */
    IH_MSG_PING,      /* data: TTL (2 octets, network order, tenths of a second), context (0 to 16 octets) */
    IH_MSG_PONG,      /* data: the context */
};

typedef void ih_free_fn(void *data, void *hint);

/* Owner: all frames that refer to it, by refs. The last one frees it, on whatever thread; if there is an ffn, through
 * that thread's trash (base/trash.h). */
struct ih_content {
    atomic_uint refs;
    uint32_t reserved;
    ih_free_fn *ffn; /* NULL: the octets are in the same allocation */
    void *data;      /* what ffn gets; for own memory the start of the octets */
    void *hint;
    size_t size;             /* capacity of data */
    struct ih_content *next; /* in the trash */
};

/* Owner: whoever holds the struct. Exactly sizeof (zmq_msg_t). */
struct ih_msg {
    struct ih_props *props; /* the connection's metadata, held, or NULL */
    union {
        uint8_t small[IH_MSG_INLINE];
        struct {
            struct ih_content *content; /* NULL for IH_MSG_CONST */
            uint8_t *data;              /* within content */
            size_t size;
        } large;
    } u;
    uint8_t small_size;
    uint8_t type;
    uint8_t flags;
    uint8_t kind;
    uint8_t reserved[11];
};

_Static_assert(sizeof(struct ih_msg) == 64, "zmq_msg_t is 64 octets");
_Static_assert(offsetof(struct ih_msg, u) == 8, "inline octets start at offset 8, as in libzmq");

static inline void ih_msg_init(struct ih_msg *msg)
{
    msg->props = NULL;
    msg->small_size = 0;
    msg->type = IH_MSG_SMALL;
    msg->flags = 0;
    msg->kind = IH_MSG_DATA;
}

static inline bool ih_msg_valid(const struct ih_msg *msg)
{
    return msg->type >= IH_MSG_SMALL && msg->type <= IH_MSG_CONST;
}

static inline uint8_t *ih_msg_data(struct ih_msg *msg)
{
    return msg->type == IH_MSG_SMALL ? msg->u.small : msg->u.large.data;
}

static inline const uint8_t *ih_msg_data_const(const struct ih_msg *msg)
{
    return msg->type == IH_MSG_SMALL ? msg->u.small : msg->u.large.data;
}

static inline size_t ih_msg_size(const struct ih_msg *msg)
{
    return msg->type == IH_MSG_SMALL ? msg->small_size : msg->u.large.size;
}

static inline bool ih_msg_more(const struct ih_msg *msg)
{
    return (msg->flags & IH_MSG_MORE) != 0;
}

/* Allocates content for size octets, whose data starts head octets into it and is aligned to 16 (head = octets that
 * are needed in front of the data, for instance by a sealed frame that is opened in place). -ENOMEM. */
int ih_msg_init_headroom(struct ih_msg *msg, size_t size, size_t head);

/* An uninitialised frame of size octets. -ENOMEM. */
int ih_msg_init_size(struct ih_msg *msg, size_t size);

/* A frame that holds a copy of data. -ENOMEM. */
int ih_msg_init_copy(struct ih_msg *msg, const void *data, size_t size);

/* A frame around memory that is lent for the running call; never fails. */
static inline void ih_msg_init_lent(struct ih_msg *msg, const void *data, size_t size)
{
    ih_msg_init(msg);
    msg->type = IH_MSG_CONST;
    msg->flags = IH_MSG_LENT;
    msg->u.large.content = NULL;
    msg->u.large.data = (uint8_t *)(uintptr_t)data;
    msg->u.large.size = size;
}

/* Gives a frame whose memory is lent a copy of its own. -ENOMEM, and nothing has changed. */
int ih_msg_own(struct ih_msg *msg);

/* A frame around the caller's memory; ffn (data, hint) is called once, on any thread, when the last owner has let go and
 * empties its trash. ffn NULL: the memory is constant and outlives the frame. -ENOMEM. */
int ih_msg_init_data(struct ih_msg *msg, void *data, size_t size, ih_free_fn *ffn, void *hint);

/* The end of content that nobody owns: calls ffn. No lock held. */
void ih_content_free(struct ih_content *content);

/* Slow half of ih_msg_close: frames with content or metadata. */
void ih_msg_release(struct ih_msg *msg);

/* Lets go of all the frame owns; the frame is closed afterwards. */
static inline void ih_msg_close(struct ih_msg *msg)
{
    if (msg->type != IH_MSG_SMALL || msg->props)
        ih_msg_release(msg);
    msg->type = IH_MSG_CLOSED;
}

/* Moves src to dst (whose old value is overwritten, not closed); src becomes an empty frame. */
static inline void ih_msg_take(struct ih_msg *dst, struct ih_msg *src)
{
    *dst = *src;
    ih_msg_init(src);
}

/* Makes dst (overwritten, not closed) a second owner of src's content. Never fails: inline octets are copied. */
void ih_msg_share(struct ih_msg *dst, struct ih_msg *src);

/* True if this frame is the only owner of memory that may be written (in-place sealing). */
bool ih_msg_sole(const struct ih_msg *msg);

/* Shortens the frame to size octets (size <= ih_msg_size). */
void ih_msg_truncate(struct ih_msg *msg, size_t size);

/* Sets the metadata; holds props, releases the old. */
void ih_msg_set_props(struct ih_msg *msg, struct ih_props *props);

#endif
