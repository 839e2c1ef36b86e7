/* SPDX-License-Identifier: ISC */
/* The sending half: frames to octets. */
#include <errno.h>

#include "base/copy.h"
#include "curvezmq/box.h"
#include "zmtp/command.h"
#include "zmtp/frame.h"
#include "zmtp/machine.h"

/* In the batch's buffer before a sealed text: "\7MESSAGE", short nonce, tag. */
enum {
    NAME = 8,
    TAG = NAME + IH_CURVE_SHORT_NONCE,
    TEXT = TAG + IH_CURVE_TAG,
};

_Static_assert((int)TEXT == (int)IH_BOX_ROOM, "what stands before a sealed text is the room that sealing needs");

enum { PAYLOAD_MORE = 1, PAYLOAD_COMMAND = 2 };

enum {
    HEAD_MAX = IH_FRAME_LONG_HEAD + TEXT + 1 + 15, /* of a frame: head, name, nonce, tag, payload flags, prefix */
    AROUND = HEAD_MAX + IH_BOX_SPARE,              /* a frame that goes to the buffer needs so much beside its data */
    IOV_SPARE = 3,                                 /* a large frame needs two; what follows in the buffer one */
};

static const struct ih_command_prefix no_prefix = {"", 0, false};

static const struct ih_command_prefix *prefix_of(const struct ih_zmtp *zmtp, const struct ih_msg *msg)
{
    return msg->kind == IH_MSG_DATA ? &no_prefix : ih_command_prefix((enum ih_msg_kind)msg->kind, zmtp->peer_minor);
}

/* Drops the first frame, which is closed or moved. */
static void drop_front(struct ih_queue *queue)
{
    struct ih_chunk *chunk = queue->first;

    queue->count--;
    if (++chunk->head == chunk->tail)
        ih_queue_shrink(queue);
}

static void add_iov(struct ih_batch *batch, void *base, size_t size)
{
    struct iovec *last = batch->iovs > 0 ? &batch->iov[batch->iovs - 1] : NULL;

    batch->bytes += size;
    if (batch->iovs > batch->first_iov && (uint8_t *)last->iov_base + last->iov_len == (uint8_t *)base) {
        last->iov_len += size;
        return;
    }
    batch->iov[batch->iovs++] = (struct iovec){base, size};
}

/* --- one frame ---------------------------------------------------------------------------------------------------- */

/* A whole frame in clear text at out. Returns the position behind it. */
static uint8_t *put_clear(struct ih_msg *msg, const struct ih_command_prefix *prefix, uint8_t *out)
{
    size_t size = ih_msg_size(msg);
    unsigned flags = prefix->command ? IH_FRAME_COMMAND : msg->flags & IH_MSG_MORE;

    out += ih_frame_put(out, flags, prefix->size + size);
    memcpy(out, prefix->text, sizeof prefix->text);
    out += prefix->size;
    ih_copy(out, ih_msg_data(msg), size);
    return out + size;
}

/* The message's flags and what stands before its data, as the beginning of a text to be sealed. Returns its size. */
static size_t put_text_head(const struct ih_msg *msg, const struct ih_command_prefix *prefix, uint8_t *out)
{
    out[0] = prefix->command ? PAYLOAD_COMMAND : msg->flags & PAYLOAD_MORE;
    memcpy(out + 1, prefix->text, sizeof prefix->text);
    return 1 + (size_t)prefix->size;
}

/* libzmq sends MESSAGE as a message frame, and takes none in a command frame (found by experiment; RFC 37 would have it
 * a command). */
static size_t put_sealed_head(uint8_t *out, size_t text)
{
    return ih_frame_put(out, 0, TEXT + text);
}

/* What stands before a sealed text; the tag is there already. */
static void put_message(uint8_t *out, uint64_t nonce)
{
    memcpy(out, "\7MESSAGE", NAME);
    ih_curve_put_nonce(out + NAME, nonce);
}

/* A whole sealed frame at out. Returns the position behind it. */
static uint8_t *put_sealed(struct ih_zmtp *zmtp, struct ih_msg *msg, const struct ih_command_prefix *prefix,
                           uint8_t *out)
{
    size_t size = ih_msg_size(msg);
    size_t text = 1 + prefix->size + size;
    size_t head;

    out += put_sealed_head(out, text);
    head = put_text_head(msg, prefix, out + TEXT);
    ih_copy(out + TEXT + head, ih_msg_data(msg), size);
    ih_box_seal(zmtp->keys->seal, ++zmtp->sealed, out + TEXT, text, out + TAG);
    put_message(out, zmtp->sealed);
    return out + TEXT + text;
}

/* --- large frames: their data stays where it is, or is sealed to where it will stay ------------------------------- */

/* Moves msg to the batch, which sends its data after what is at head. */
static void hold(struct ih_batch *batch, struct ih_msg *msg, uint8_t *head, size_t head_size)
{
    struct ih_msg *held = &batch->held[batch->held_count++];

    *held = *msg;
    batch->used += head_size;
    add_iov(batch, head, head_size);
    add_iov(batch, ih_msg_data(held), ih_msg_size(held));
}

static int hold_clear(struct ih_batch *batch, struct ih_msg *msg, const struct ih_command_prefix *prefix)
{
    uint8_t *head = batch->buf + batch->used;
    uint8_t *p = head;
    unsigned flags = prefix->command ? IH_FRAME_COMMAND : msg->flags & IH_MSG_MORE;

    p += ih_frame_put(p, flags, prefix->size + ih_msg_size(msg));
    memcpy(p, prefix->text, sizeof prefix->text);
    p += prefix->size;
    hold(batch, msg, head, (size_t)(p - head));
    return 0;
}

/* Seals the data in place if nobody else can see it, else into memory of its own. -ENOMEM: nothing happened. */
static int hold_sealed(struct ih_zmtp *zmtp, struct ih_batch *batch, struct ih_msg *msg,
                       const struct ih_command_prefix *prefix)
{
    size_t size = ih_msg_size(msg);
    uint8_t *head = batch->buf + batch->used;
    uint8_t *p = head;
    struct ih_msg copy;
    size_t text_head;
    bool sole = ih_msg_sole(msg);

    if (!sole && ih_msg_init_size(&copy, size) < 0)
        return -ENOMEM;
    p += put_sealed_head(p, 1 + prefix->size + size);
    text_head = put_text_head(msg, prefix, p + TEXT);
    ih_box_seal_parts(zmtp->keys->seal, ++zmtp->sealed, p + TEXT, text_head, ih_msg_data(msg), size,
                      ih_msg_data(sole ? msg : &copy), p + TAG);
    put_message(p, zmtp->sealed);
    if (!sole) {
        ih_msg_close(msg);
        *msg = copy;
    }
    hold(batch, msg, head, (size_t)(p - head) + TEXT + text_head);
    return 0;
}

/* --- the batch ---------------------------------------------------------------------------------------------------- */

/* Runs of small messages in clear text, which own nothing and are copied with a constant size: the hot path. Returns the
 * position behind them. */
static uint8_t *gather_run(struct ih_queue *queue, uint8_t *p, const uint8_t *end)
{
    while (queue->count) {
        struct ih_chunk *chunk = queue->first;
        uint32_t at = chunk->head;

        for (; at < chunk->tail && end - p >= AROUND + IH_MSG_INLINE; at++) {
            const struct ih_msg *msg = &chunk->msgs[at];

            if (msg->type != IH_MSG_SMALL || msg->kind != IH_MSG_DATA || msg->props)
                break;
            p[0] = msg->flags & IH_MSG_MORE;
            p[1] = msg->small_size;
            memcpy(p + IH_FRAME_SHORT_HEAD, msg->u.small, IH_MSG_INLINE);
            p += IH_FRAME_SHORT_HEAD + msg->small_size;
        }
        queue->count -= at - chunk->head;
        chunk->head = at;
        if (at < chunk->tail)
            break;
        ih_queue_shrink(queue);
    }
    return p;
}

/* Small frames go to the buffer, one behind the other, up to the first that is large or has no room. */
static void gather(struct ih_zmtp *zmtp, struct ih_queue *queue, struct ih_batch *batch)
{
    uint8_t *start = batch->buf + batch->used;
    uint8_t *end = batch->buf + IH_BATCH_SIZE;
    uint8_t *p = start;
    struct ih_msg *msg;

    if (!zmtp->keys)
        p = gather_run(queue, p, end);
    while ((msg = ih_queue_front(queue)) != NULL) {
        size_t size = ih_msg_size(msg);
        const struct ih_command_prefix *prefix = prefix_of(zmtp, msg);

        if (size >= IH_BATCH_LARGE || (size_t)(end - p) < AROUND + size)
            break;
        p = zmtp->keys ? put_sealed(zmtp, msg, prefix, p) : put_clear(msg, prefix, p);
        ih_msg_close(msg);
        drop_front(queue);
    }
    if (p > start) {
        add_iov(batch, start, (size_t)(p - start));
        batch->used += (size_t)(p - start);
    }
}

bool ih_zmtp_gathers(const struct ih_zmtp *zmtp)
{
    return !zmtp->keys;
}

bool ih_zmtp_gather(struct ih_batch *batch, const struct ih_msg *msg)
{
    size_t size = ih_msg_size(msg);
    uint8_t *p = batch->buf + batch->used;

    if (IH_BATCH_SIZE - batch->used < IH_FRAME_LONG_HEAD + size)
        return false;
    p += ih_frame_put(p, 0, size);
    ih_copy(p, ih_msg_data_const(msg), size);
    batch->used = (size_t)(p - batch->buf) + size;
    return true;
}

void ih_zmtp_gathered(struct ih_batch *batch)
{
    add_iov(batch, batch->buf, batch->used);
}

int ih_zmtp_ungather(const struct ih_batch *batch, struct ih_queue *out)
{
    const uint8_t *p = batch->buf;
    const uint8_t *end = p + batch->used;
    struct ih_frame frame;

    while (p < end && ih_frame_parse(p, (size_t)(end - p), &frame) > 0) {
        struct ih_msg *slot = ih_queue_reserve(out);

        if (!slot || ih_msg_init_copy(slot, p + frame.head, (size_t)frame.size) < 0)
            return -ENOMEM;
        ih_queue_commit(out);
        p += frame.head + (size_t)frame.size;
    }
    return 0;
}

static bool has_room(const struct ih_batch *batch)
{
    return batch->bytes < IH_BATCH_BYTES && batch->iovs + IOV_SPARE <= IH_BATCH_IOV &&
           batch->held_count < IH_BATCH_HELD && IH_BATCH_SIZE - batch->used >= AROUND + IH_BATCH_LARGE;
}

int ih_zmtp_encode(struct ih_zmtp *zmtp, struct ih_queue *queue, struct ih_batch *batch)
{
    int rc = 0;

    while (has_room(batch)) {
        struct ih_msg *msg;

        gather(zmtp, queue, batch);
        msg = ih_queue_front(queue);
        if (!msg || ih_msg_size(msg) < IH_BATCH_LARGE || !has_room(batch))
            break;
        rc = zmtp->keys ? hold_sealed(zmtp, batch, msg, prefix_of(zmtp, msg))
                        : hold_clear(batch, msg, prefix_of(zmtp, msg));
        if (rc < 0)
            break;
        drop_front(queue);
    }
    return rc;
}
