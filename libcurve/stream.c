/* SPDX-License-Identifier: ISC */
/* A session's messages: numbers, acknowledgements, and what is sent again.
 *
 * Messages are numbered from 1 on in each direction, for as long as the two ends remember each other. The receiver takes
 * the next number only. When one is missing it asks for all from there on, once; if that is lost too, the sender's next
 * PING brings it to light. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/block.h"
#include "base/random.h"
#include "libcurve/engine.h"

enum {
    ACK_MS = 10,          /* an acknowledgement waits so long for a message that takes it along */
    ACK_MESSAGES = 32,    /* or until so many messages came */
    ACK_OCTETS = 1 << 18, /* or so many octets */
};

static struct ih_outgoing *outgoing_at(struct ih_list *link)
{
    return IH_CONTAINER(link, struct ih_outgoing, link);
}

static uint64_t new_name(void)
{
    uint64_t name;

    do {
        name = ih_random_u64();
    } while (name == 0);
    return name;
}

void ih_stream_init(struct ih_session *session)
{
    struct ih_stream *stream = &session->stream;

    memset(stream, 0, sizeof *stream);
    stream->own = new_name();
    ih_list_init(&stream->queue);
    ih_list_init(&stream->ready);
    stream->cursor = &stream->queue;
}

/* A message joins the queue, or leaves it. */
static void count(struct ih_session *session, int change)
{
    size_t hwm = (size_t)session->engine->limits.sndhwm;
    struct ih_stream *stream = &session->stream;
    bool full = stream->queued >= hwm;

    stream->queued += (size_t)change;
    session->engine->queued += (size_t)change;
    if (full != (stream->queued >= hwm))
        session->engine->full += (size_t)change;
}

static void dequeue(struct ih_session *session, struct ih_outgoing *outgoing)
{
    ih_list_del(&outgoing->link);
    count(session, -1);
    ih_block_free(outgoing, sizeof *outgoing + outgoing->size);
}

void ih_stream_fini(struct ih_session *session)
{
    struct ih_list *link;

    while ((link = ih_list_first(&session->stream.queue)) != NULL)
        dequeue(session, outgoing_at(link));
    while ((link = ih_list_pop(&session->stream.ready)) != NULL)
        ih_message_free(&IH_CONTAINER(link, struct ih_incoming, link)->message);
}

/* --- memory of each other ----------------------------------------------------------------------------------------- */

static uint32_t credit_of(const struct ih_session *session)
{
    size_t hwm = (size_t)session->engine->limits.rcvhwm;
    size_t count = session->stream.ready_count;

    return count < hwm ? (uint32_t)(hwm - count) : 0;
}

struct ih_claim ih_stream_claim(struct ih_session *session, uint64_t own)
{
    struct ih_stream *stream = &session->stream;
    struct ih_claim claim = {
        .stream = own,
        .credit = credit_of(session),
        .limit = (uint32_t)session->engine->limits.maxmsgsize,
    };

    /* Under a new name nothing is known. */
    if (own == stream->own) {
        claim.known = stream->peer;
        claim.delivered = stream->delivered;
    }
    return claim;
}

/* True if the other end's memory and this one's go on where they were. That it does not know this end while nothing was
 * acknowledged means that nothing has come: its part of the last handshake was lost. */
static bool goes_on(const struct ih_stream *stream, const struct ih_claim *claim)
{
    if (stream->peer == 0 || claim->stream != stream->peer)
        return false;
    if (claim->known == stream->own)
        return claim->delivered >= stream->acked && claim->delivered <= stream->sent;
    return claim->known == 0 && stream->acked == 0;
}

enum ih_verdict ih_stream_judge(struct ih_session *session, const struct ih_claim *claim, uint64_t *own)
{
    struct ih_stream *stream = &session->stream;

    *own = stream->own;
    if (goes_on(stream, claim))
        return IH_CLAIM_RESUMED;
    /* The name is not known to anybody who would take it for something else. */
    if (stream->peer == 0)
        return IH_CLAIM_FIRST;
    if (stream->offered_for != claim->stream) {
        stream->offered = new_name();
        stream->offered_for = claim->stream;
    }
    *own = stream->offered;
    return IH_CLAIM_ANEW;
}

static void report_undelivered(struct ih_session *session, struct ih_outgoing *outgoing)
{
    uint64_t number = outgoing->number;

    dequeue(session, outgoing);
    ih_engine_event(session->engine, CURVE_EVENT_UNDELIVERED, 0, number, session->id);
}

void ih_stream_forget(struct ih_session *session)
{
    struct ih_stream *stream = &session->stream;
    struct ih_list *first;

    while ((first = ih_list_first(&stream->queue)) != NULL && outgoing_at(first)->wire != 0)
        report_undelivered(session, outgoing_at(first));
    stream->own = new_name();
    stream->peer = 0;
    stream->offered_for = 0;
    stream->cursor = stream->queue.next;
    stream->sent = 0;
    stream->acked = 0;
    stream->limit = 0;
    stream->delivered = 0;
    stream->advertised = 0;
    stream->unacked = 0;
    stream->unacked_octets = 0;
    stream->resend = false;
    stream->resend_asked = false;
}

void ih_stream_abandon(struct ih_session *session)
{
    struct ih_list *first;

    while ((first = ih_list_first(&session->stream.queue)) != NULL)
        report_undelivered(session, outgoing_at(first));
    session->stream.cursor = &session->stream.queue;
}

/* Everything of the other end up to this number has come. */
static void acknowledge(struct ih_session *session, uint64_t ack)
{
    struct ih_stream *stream = &session->stream;
    struct ih_list *first;
    uint64_t number = 0;

    while ((first = ih_list_first(&stream->queue)) != NULL) {
        struct ih_outgoing *outgoing = outgoing_at(first);

        if (outgoing->wire == 0 || outgoing->wire > ack)
            break;
        number = outgoing->number;
        if (stream->cursor == first)
            stream->cursor = first->next;
        dequeue(session, outgoing);
    }
    stream->acked = ack;
    if (number != 0)
        ih_engine_event(session->engine, CURVE_EVENT_DELIVERED, 0, number, session->id);
}

void ih_stream_join(struct ih_session *session, const struct ih_claim *claim, enum ih_verdict verdict, uint64_t own,
                    bool continued)
{
    struct ih_stream *stream = &session->stream;
    uint64_t from = 0;

    if (verdict == IH_CLAIM_ANEW) {
        ih_stream_forget(session);
        stream->own = own;
    }
    stream->peer = claim->stream;
    stream->offered_for = 0;
    stream->peer_limit = claim->limit;
    if (claim->known == stream->own && claim->delivered <= stream->sent) {
        from = claim->delivered;
        if (from > stream->acked)
            acknowledge(session, from);
    }
    if (from + claim->credit > stream->limit)
        stream->limit = from + claim->credit;
    stream->resend_asked = false;
    if (!continued)
        stream->cursor = stream->queue.next;
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

static void put_frames(struct ih_outgoing *outgoing, const struct ih_octets *frames, size_t frame_count)
{
    uint8_t *out = outgoing->text;

    for (size_t i = 0; i < frame_count; i++) {
        size_t size = frames[i].size;

        if (outgoing->flags & IH_HEADER_FRAMES) {
            for (int shift = 24; shift >= 0; shift -= 8)
                *out++ = (uint8_t)(size >> shift);
        }
        if (size > 0)
            memcpy(out, frames[i].data, size);
        out += size;
    }
}

int ih_stream_queue(struct ih_session *session, const struct ih_octets *frames, size_t frame_count, uint64_t number)
{
    size_t room = (size_t)session->engine->limits.maxmsgsize;
    struct ih_stream *stream = &session->stream;
    struct ih_outgoing *outgoing;
    size_t overhead = 0;
    size_t size = 0;

    for (size_t i = 0; i < frame_count; i++) {
        if (frames[i].size > room - size)
            return -EMSGSIZE;
        size += frames[i].size;
    }
    if (frame_count > 1)
        overhead = frame_count * IH_FRAME_SIZE;
    size += overhead;
    outgoing = ih_block_alloc(sizeof *outgoing + size);
    if (!outgoing)
        return -ENOMEM;
    outgoing->overhead = overhead;
    outgoing->number = number;
    outgoing->wire = 0;
    outgoing->flags = frame_count > 1 ? IH_HEADER_FRAMES : 0;
    outgoing->size = size;
    put_frames(outgoing, frames, frame_count);
    ih_list_add_tail(&stream->queue, &outgoing->link);
    if (stream->cursor == &stream->queue)
        stream->cursor = &outgoing->link;
    count(session, 1);
    return 0;
}

struct ih_outgoing *ih_stream_next(struct ih_session *session)
{
    struct ih_stream *stream = &session->stream;

    while (stream->cursor != &stream->queue) {
        struct ih_outgoing *outgoing = outgoing_at(stream->cursor);

        if (outgoing->wire == 0 && stream->sent >= stream->limit)
            return NULL;
        if (outgoing->size - outgoing->overhead <= stream->peer_limit || outgoing->wire != 0)
            return outgoing;
        stream->cursor = outgoing->link.next;
        report_undelivered(session, outgoing);
    }
    return NULL;
}

void ih_stream_sent(struct ih_session *session, struct ih_outgoing *outgoing)
{
    struct ih_stream *stream = &session->stream;

    if (outgoing->wire == 0)
        outgoing->wire = ++stream->sent;
    stream->cursor = outgoing->link.next;
}

bool ih_stream_outstanding(const struct ih_session *session)
{
    const struct ih_stream *stream = &session->stream;

    return stream->acked < stream->sent || (stream->queued > 0 && stream->sent >= stream->limit);
}

void ih_stream_header(struct ih_session *session, struct ih_header *header)
{
    struct ih_stream *stream = &session->stream;

    header->ack = stream->delivered;
    header->credit = credit_of(session);
    header->flags = stream->resend ? IH_HEADER_RESEND : 0;
    stream->advertised = stream->delivered + header->credit;
    stream->resend = false;
    stream->unacked = 0;
    stream->unacked_octets = 0;
    session->ack_due = false;
    session->ack_ms = IH_NEVER_MS;
}

/* --- receiving ---------------------------------------------------------------------------------------------------- */

/* Something is missing: asks for it, once until something comes. */
static void ask_resend(struct ih_session *session, bool again)
{
    struct ih_stream *stream = &session->stream;

    if (stream->resend_asked && !again)
        return;
    stream->resend = true;
    stream->resend_asked = true;
    session->ack_due = true;
}

/* What every header says of the messages that this end sent. */
static void take_ack(struct ih_session *session, const struct ih_header *header)
{
    struct ih_stream *stream = &session->stream;

    if (header->ack > stream->sent) {
        ih_engine_suspect(session->engine, CURVE_ERROR_MALFORMED, session->id);
        return;
    }
    if (header->ack > stream->acked) {
        acknowledge(session, header->ack);
        session->probe_ivl = 0;
    }
    if (header->ack + header->credit > stream->limit)
        stream->limit = header->ack + header->credit;
    if ((header->flags & IH_HEADER_RESEND) && header->ack == stream->acked)
        stream->cursor = stream->queue.next;
}

static uint32_t frame_size(const uint8_t *in)
{
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

/* The number of frames in a text, or 0: it is malformed. */
static size_t count_frames(const uint8_t *text, size_t size)
{
    size_t frames = 0;

    while (size > 0) {
        uint32_t frame;

        if (size < IH_FRAME_SIZE || frames == IH_FRAMES_MAX)
            return 0;
        frame = frame_size(text);
        if (frame > size - IH_FRAME_SIZE)
            return 0;
        text += IH_FRAME_SIZE + frame;
        size -= IH_FRAME_SIZE + frame;
        frames++;
    }
    return frames;
}

/* Finds a message's frames, of at most limit octets together. 0, -EPROTO, -EMSGSIZE, -ENOMEM. */
static int split_frames(struct ih_incoming *incoming, uint8_t flags, size_t limit)
{
    const uint8_t *text = incoming->text;
    size_t frames;

    incoming->message.count = 1;
    incoming->message.frames = &incoming->single;
    incoming->single = (struct ih_octets){text, incoming->size};
    if (!(flags & IH_HEADER_FRAMES))
        return incoming->size > limit ? -EMSGSIZE : 0;
    frames = count_frames(text, incoming->size);
    if (frames == 0)
        return -EPROTO;
    if (incoming->size - frames * IH_FRAME_SIZE > limit)
        return -EMSGSIZE;
    incoming->several = malloc(frames * sizeof *incoming->several);
    if (!incoming->several)
        return -ENOMEM;
    for (size_t i = 0; i < frames; i++) {
        incoming->several[i] = (struct ih_octets){text + IH_FRAME_SIZE, frame_size(text)};
        text += IH_FRAME_SIZE + incoming->several[i].size;
    }
    incoming->message.count = frames;
    incoming->message.frames = incoming->several;
    return 0;
}

/* Is this the message that is due, and is there room for it? */
static bool is_due(struct ih_session *session, const struct ih_header *header)
{
    struct ih_stream *stream = &session->stream;

    if (header->number <= stream->delivered) {
        /* It came before; the acknowledgement may have been lost. */
        session->ack_due = true;
        return false;
    }
    if (header->number != stream->delivered + 1) {
        ask_resend(session, false);
        return false;
    }
    return credit_of(session) > 0;
}

/* Takes incoming over. */
static void take_data(struct ih_session *session, const struct ih_header *header, struct ih_incoming *incoming,
                      uint64_t now_ms)
{
    size_t limit = (size_t)session->engine->limits.maxmsgsize;
    struct ih_stream *stream = &session->stream;
    int rc = 0;

    if (!is_due(session, header) || (rc = split_frames(incoming, header->flags, limit)) < 0) {
        if (rc == -EPROTO || rc == -EMSGSIZE)
            ih_engine_suspect(session->engine, rc == -EPROTO ? CURVE_ERROR_MALFORMED : CURVE_ERROR_LIMIT, session->id);
        ih_message_free(&incoming->message);
        return;
    }
    memcpy(incoming->message.id, session->id, CURVE_ID_SIZE);
    ih_list_add_tail(&stream->ready, &incoming->link);
    stream->ready_count++;
    if (!ih_list_linked(&session->readable))
        ih_list_add_tail(&session->engine->readable, &session->readable);
    stream->delivered++;
    stream->resend_asked = false;
    stream->unacked++;
    stream->unacked_octets += incoming->size;
    if (stream->unacked >= ACK_MESSAGES || stream->unacked_octets >= ACK_OCTETS ||
        stream->delivered == stream->advertised)
        session->ack_due = true;
    else if (session->ack_ms == IH_NEVER_MS)
        session->ack_ms = now_ms + ACK_MS;
}

void ih_stream_take(struct ih_session *session, const struct ih_header *header, struct ih_incoming *incoming,
                    uint64_t now_ms)
{
    take_ack(session, header);
    if (header->kind == IH_HEADER_DATA) {
        take_data(session, header, incoming, now_ms);
        return;
    }
    if (header->kind == IH_HEADER_PING) {
        session->ack_due = true;
        if (header->number > session->stream.delivered)
            ask_resend(session, true);
    }
    ih_message_free(&incoming->message);
}

struct ih_incoming *ih_stream_deliver(struct ih_session *session)
{
    struct ih_stream *stream = &session->stream;
    struct ih_list *link = ih_list_pop(&stream->ready);
    uint64_t room;

    stream->ready_count--;
    /* An end that waits for room is told when half of it is free again. */
    room = stream->delivered + credit_of(session) - stream->advertised;
    if (room * 2 >= (uint64_t)session->engine->limits.rcvhwm)
        session->ack_due = true;
    return IH_CONTAINER(link, struct ih_incoming, link);
}
