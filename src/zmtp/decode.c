/* SPDX-License-Identifier: ISC */
/* The receiving half: octets to frames. */
#include <errno.h>

#include <zmq.h>

#include "curvezmq/box.h"
#include "zmtp/command.h"
#include "zmtp/frame.h"
#include "zmtp/machine.h"

/* A limit on messages does not reach commands of this size: PING must get through whatever the limit is. */
enum { COMMAND_FREE = 512 };

/* "\7MESSAGE", short nonce, tag, then the sealed text: payload flags, payload (RFC 26, "The MESSAGE Command"). */
enum {
    NAME = 8,
    TAG = NAME + IH_CURVE_SHORT_NONCE,
    TEXT = TAG + IH_CURVE_TAG,
};

static const uint8_t message_name[NAME] = "\7MESSAGE";

/* Payload flags. RFC 26 has only MORE; libzmq sends commands as 2 (found by experiment). */
enum { PAYLOAD_MORE = 1, PAYLOAD_COMMAND = 2 };

static int fail_protocol(struct ih_zmtp *zmtp, int code)
{
    return ih_zmtp_fail(zmtp, IH_ZMTP_PROTOCOL, code, -EPROTO);
}

static int fail_memory(struct ih_zmtp *zmtp)
{
    return ih_zmtp_fail(zmtp, IH_ZMTP_NO_DETAIL, ENOMEM, -ENOMEM);
}

/* --- what a frame is ---------------------------------------------------------------------------------------------- */

static uint64_t command_limit(const struct ih_zmtp *zmtp)
{
    return zmtp->limit < COMMAND_FREE ? COMMAND_FREE : zmtp->limit;
}

/* A frame's head says what its body may be. 0, -EPROTO. */
static int check_size(struct ih_zmtp *zmtp, const struct ih_frame *frame)
{
    uint64_t limit = frame->flags & IH_FRAME_COMMAND ? command_limit(zmtp) : zmtp->limit;
    uint64_t size = frame->size;

    if (zmtp->keys) {
        /* MORE is among the payload flags: outside of the box anybody could set it. */
        if (frame->flags & IH_FRAME_MORE)
            return fail_protocol(zmtp, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE);
        /* Whether a box holds a command shows when it is open. */
        limit = command_limit(zmtp);
        size -= size < IH_CURVE_MESSAGE ? size : IH_CURVE_MESSAGE;
    }
    if (size > limit)
        return ih_zmtp_fail(zmtp, IH_ZMTP_NO_DETAIL, EMSGSIZE, -EPROTO);
    return 0;
}

/* The frame in msg is a command's body. 1: it is one to deliver; 0: not known, closed; -EPROTO. */
static int take_command(struct ih_zmtp *zmtp, struct ih_msg *msg)
{
    int rc = ih_command_open(msg);

    if (rc <= 0)
        ih_msg_close(msg);
    if (rc < 0)
        return fail_protocol(zmtp, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED);
    return rc;
}

/* What a body under CURVE must look like before it is worth opening. 0, -EPROTO. */
static int check_sealed(struct ih_zmtp *zmtp, const uint8_t *body, uint64_t size)
{
    uint64_t nonce;

    if (size < NAME || memcmp(body, message_name, NAME) != 0) {
        /* CVE-2014-7202: once CURVE is chosen, nothing comes in clear text. */
        return fail_protocol(zmtp, ih_command_named(body, size < 256 ? (size_t)size : 256)
                                       ? ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND
                                       : ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED);
    }
    if (size < IH_CURVE_MESSAGE)
        return fail_protocol(zmtp, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE);
    /* CVE-2014-7203, CVE-2014-9721: no nonce twice. libzmq counts by one, and so must the peer, so that none is missing
     * either. */
    nonce = ih_curve_get_nonce(body + NAME);
    if (nonce != zmtp->opened + 1 || nonce == 0)
        return fail_protocol(zmtp, ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE);
    return 0;
}

/* Opens a whole, checked body into msg, which has room for the payload. 1: deliver it; 0: dropped; negative: failed. In
 * both of these msg is closed. */
static int open_sealed(struct ih_zmtp *zmtp, const uint8_t *body, size_t size, struct ih_msg *msg)
{
    uint64_t nonce = zmtp->opened + 1;
    uint8_t flags;

    if (ih_box_open(zmtp->keys->open, nonce, body + TAG, body + TEXT, size - TEXT, &flags, ih_msg_data(msg)) < 0) {
        ih_msg_close(msg);
        return fail_protocol(zmtp, ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC);
    }
    zmtp->opened = nonce;
    if (flags == PAYLOAD_COMMAND)
        return take_command(zmtp, msg);
    if (flags > PAYLOAD_MORE) {
        ih_msg_close(msg);
        return fail_protocol(zmtp, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE);
    }
    if (size - IH_CURVE_MESSAGE > zmtp->limit) {
        ih_msg_close(msg);
        return ih_zmtp_fail(zmtp, IH_ZMTP_NO_DETAIL, EMSGSIZE, -EPROTO);
    }
    msg->flags = flags;
    return 1;
}

/* --- frames that come in pieces ----------------------------------------------------------------------------------- */

/* Gives a frame, of whose body have octets came, memory of its own. The head was checked, and under CURVE so much of
 * the body came that it can be. 0, or a negative errno. */
static int take_over(struct ih_zmtp *zmtp, const struct ih_frame *frame, const uint8_t *in, size_t have)
{
    size_t headroom = zmtp->keys ? IH_CURVE_MESSAGE : 0;
    struct ih_zmtp_body *body = &zmtp->body;
    int rc = zmtp->keys ? check_sealed(zmtp, in, frame->size) : 0;

    if (rc < 0)
        return rc;
    if (frame->size > PTRDIFF_MAX || ih_msg_init_headroom(&body->msg, (size_t)frame->size - headroom, headroom) < 0)
        return fail_memory(zmtp);
    body->data = ih_msg_data(&body->msg) - headroom;
    body->size = (size_t)frame->size;
    body->filled = have;
    body->command = (frame->flags & IH_FRAME_COMMAND) != 0;
    if (!zmtp->keys)
        body->msg.flags = frame->flags & IH_FRAME_MORE;
    memcpy(body->data, in, have);
    return 0;
}

uint8_t *ih_zmtp_body(struct ih_zmtp *zmtp, size_t *room)
{
    struct ih_zmtp_body *body = &zmtp->body;

    *room = body->size - body->filled;
    return body->data ? body->data + body->filled : NULL;
}

int ih_zmtp_body_filled(struct ih_zmtp *zmtp, size_t size, struct ih_queue *out)
{
    struct ih_zmtp_body *body = &zmtp->body;
    struct ih_msg *slot;
    int rc = 1;

    body->filled += size;
    if (body->filled < body->size)
        return 0;
    slot = ih_queue_reserve(out);
    if (!slot)
        return fail_memory(zmtp);
    *slot = body->msg;
    ih_msg_init(&body->msg);
    if (zmtp->keys)
        rc = open_sealed(zmtp, body->data, body->size, slot);
    else if (body->command)
        rc = take_command(zmtp, slot);
    body->data = NULL;
    if (rc > 0)
        ih_queue_commit(out);
    return rc < 0 ? rc : 0;
}

/* --- whole frames ------------------------------------------------------------------------------------------------- */

/* A frame in clear text that is there as a whole, appended to out. 0, or a negative errno. */
static int take_clear(struct ih_zmtp *zmtp, const struct ih_frame *frame, const uint8_t *body, struct ih_queue *out)
{
    struct ih_msg *slot = ih_queue_reserve(out);
    int rc = 1;

    if (!slot || ih_msg_init_copy(slot, body, (size_t)frame->size) < 0)
        return fail_memory(zmtp);
    if (frame->flags & IH_FRAME_COMMAND)
        rc = take_command(zmtp, slot);
    else
        slot->flags = frame->flags & IH_FRAME_MORE;
    if (rc > 0)
        ih_queue_commit(out);
    return rc < 0 ? rc : 0;
}

static int take_sealed(struct ih_zmtp *zmtp, const struct ih_frame *frame, const uint8_t *body, struct ih_queue *out)
{
    size_t size = (size_t)frame->size;
    struct ih_msg *slot;
    int rc = check_sealed(zmtp, body, size);

    if (rc < 0)
        return rc;
    slot = ih_queue_reserve(out);
    if (!slot || ih_msg_init_size(slot, size - IH_CURVE_MESSAGE) < 0)
        return fail_memory(zmtp);
    rc = open_sealed(zmtp, body, size, slot);
    if (rc > 0)
        ih_queue_commit(out);
    return rc < 0 ? rc : 0;
}

/* A short message frame in clear text, small enough to lie within the slot, followed by so much other input that a copy
 * of constant size may be made: the hot path. */
static int take_small(struct ih_zmtp *zmtp, const uint8_t *in, struct ih_queue *out)
{
    struct ih_msg *slot = ih_queue_reserve(out);

    if (!slot)
        return fail_memory(zmtp);
    slot->props = NULL;
    memcpy(slot->u.small, in + IH_FRAME_SHORT_HEAD, IH_MSG_INLINE);
    slot->small_size = in[1];
    slot->type = IH_MSG_SMALL;
    slot->flags = in[0];
    slot->kind = IH_MSG_DATA;
    ih_queue_commit(out);
    return 0;
}

/* Runs of small messages in clear text. Returns the octets done; sets *count to the frames. */
static size_t take_run(struct ih_zmtp *zmtp, const uint8_t *in, size_t size, struct ih_queue *out, size_t *count,
                       int *rc)
{
    uint64_t largest = zmtp->limit < IH_MSG_INLINE ? zmtp->limit : IH_MSG_INLINE;
    size_t max = *count;
    size_t done = 0;

    *count = 0;
    while (*count < max && size - done >= IH_FRAME_SHORT_HEAD + IH_MSG_INLINE) {
        const uint8_t *p = in + done;

        if (p[0] > IH_FRAME_MORE || p[1] > largest)
            break;
        *rc = take_small(zmtp, p, out);
        if (*rc < 0)
            break;
        done += IH_FRAME_SHORT_HEAD + (size_t)p[1];
        (*count)++;
    }
    return done;
}

/* One frame of any sort. Returns the octets done; 0 if none is whole, or *rc is negative. */
static size_t take_frame(struct ih_zmtp *zmtp, const uint8_t *in, size_t size, struct ih_queue *out, int *rc)
{
    struct ih_frame frame;
    size_t have;

    *rc = ih_frame_parse(in, size, &frame);
    if (*rc <= 0) {
        if (*rc < 0)
            *rc = fail_protocol(zmtp, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED);
        return 0;
    }
    *rc = check_size(zmtp, &frame);
    if (*rc < 0)
        return 0;
    have = size - frame.head;
    if (have < frame.size) {
        if (frame.size <= IH_ZMTP_DIRECT || (zmtp->keys && have < TEXT))
            return 0;
        *rc = take_over(zmtp, &frame, in + frame.head, have);
        return *rc < 0 ? 0 : size;
    }
    *rc = zmtp->keys ? take_sealed(zmtp, &frame, in + frame.head, out) : take_clear(zmtp, &frame, in + frame.head, out);
    return *rc < 0 ? 0 : frame.head + (size_t)frame.size;
}

int ih_zmtp_decode(struct ih_zmtp *zmtp, const uint8_t *in, size_t size, size_t *used, struct ih_queue *out, size_t max)
{
    size_t done = 0;
    int rc = 0;

    while (max > 0 && done < size && rc == 0) {
        size_t count = max;
        size_t taken = 0;

        if (!zmtp->keys) {
            taken = take_run(zmtp, in + done, size - done, out, &count, &rc);
            done += taken;
            max -= count;
        }
        if (rc < 0 || max == 0)
            break;
        taken = take_frame(zmtp, in + done, size - done, out, &rc);
        if (taken == 0)
            break;
        done += taken;
        max--;
    }
    *used = done;
    return rc;
}
