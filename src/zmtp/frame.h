/* SPDX-License-Identifier: ISC */
/* Frames (RFC 37, "Framing"): a flags octet, a size of one or eight octets, a body. */
#ifndef IH_ZMTP_FRAME_H
#define IH_ZMTP_FRAME_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

enum ih_frame_flags {
    IH_FRAME_MORE = 1,
    IH_FRAME_LONG = 2,
    IH_FRAME_COMMAND = 4,
};

enum {
    IH_FRAME_SHORT_HEAD = 2,
    IH_FRAME_LONG_HEAD = 9,
    IH_FRAME_SHORT_MAX = 255,
};

struct ih_frame {
    uint64_t size; /* of the body; at most 2^63-1 */
    uint8_t head;  /* octets before it */
    uint8_t flags;
};

/* Reads a frame's head. 1: *frame is set; 0: in holds no whole head; -EPROTO: reserved flags, a command with MORE, or a
 * size with its highest bit set. */
static inline int ih_frame_parse(const uint8_t *in, size_t size, struct ih_frame *frame)
{
    uint64_t body = 0;
    uint8_t flags;

    if (size < IH_FRAME_SHORT_HEAD)
        return 0;
    flags = in[0];
    /* "Bits 7-3 ... MUST be zero"; MORE "SHALL be zero on command frames". */
    if (flags > (IH_FRAME_COMMAND | IH_FRAME_LONG) || (flags & (IH_FRAME_COMMAND | IH_FRAME_MORE)) == 5)
        return -EPROTO;
    frame->flags = flags;
    if (!(flags & IH_FRAME_LONG)) {
        frame->size = in[1];
        frame->head = IH_FRAME_SHORT_HEAD;
        return 1;
    }
    if (size < IH_FRAME_LONG_HEAD)
        return 0;
    for (int i = 1; i < IH_FRAME_LONG_HEAD; i++)
        body = body << 8 | in[i];
    if (body > INT64_MAX)
        return -EPROTO;
    frame->size = body;
    frame->head = IH_FRAME_LONG_HEAD;
    return 1;
}

/* Octets of the head of a frame with a body of that size. */
static inline size_t ih_frame_head(size_t size)
{
    return size <= IH_FRAME_SHORT_MAX ? IH_FRAME_SHORT_HEAD : IH_FRAME_LONG_HEAD;
}

/* Writes a head; flags without LONG. Returns its size. */
static inline size_t ih_frame_put(uint8_t *out, unsigned flags, size_t size)
{
    uint64_t body = size;

    if (size <= IH_FRAME_SHORT_MAX) {
        out[0] = (uint8_t)flags;
        out[1] = (uint8_t)size;
        return IH_FRAME_SHORT_HEAD;
    }
    out[0] = (uint8_t)(flags | IH_FRAME_LONG);
    for (int i = IH_FRAME_LONG_HEAD - 1; i > 0; i--) {
        out[i] = (uint8_t)body;
        body >>= 8;
    }
    return IH_FRAME_LONG_HEAD;
}

#endif
