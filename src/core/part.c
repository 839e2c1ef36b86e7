/* SPDX-License-Identifier: ISC */
/* What an unfinished message may take. */
#include "core/part.h"

#include "core/socket.h"

enum {
    MESSAGES = 16,          /* as much as so many whole messages, or as ZMQ_RCVHWM of them if that is more, */
    MESSAGES_NO_HWM = 1000, /* or as so many where that is no limit, */
    OCTETS = 1 << 20,       /* or this if that is more still */
};

/* What there is of the message with these frames. */
static size_t count(size_t octets, const struct ih_queue *frames)
{
    for (const struct ih_chunk *chunk = frames->first; chunk; chunk = chunk->next) {
        for (uint32_t i = chunk->head; i < chunk->tail; i++) {
            const struct ih_msg *msg = &chunk->msgs[i];

            if (msg->kind == IH_MSG_DATA)
                octets = ih_msg_more(msg) ? octets + sizeof *msg + ih_msg_size(msg) : 0;
        }
    }
    return octets;
}

/* Without ZMQ_MAXMSGSIZE a single frame has no limit either. */
static size_t limit(const struct ih_pipe *pipe)
{
    const int64_t largest = pipe->max_frame;
    size_t messages = pipe->in_limit ? pipe->in_limit : MESSAGES_NO_HWM;
    size_t octets;

    if (messages < MESSAGES)
        messages = MESSAGES;
    if (largest < 0 || (uint64_t)largest > SIZE_MAX / messages)
        return SIZE_MAX;
    octets = messages * (size_t)largest;
    return octets > OCTETS ? octets : OCTETS;
}

int ih_part_count(struct ih_pipe *pipe, const struct ih_queue *frames)
{
    if (pipe->conflate)
        return 0; /* each frame is a message */
    pipe->in_part = count(pipe->in_part, frames);
    return pipe->in_part > limit(pipe) ? -EMSGSIZE : 0;
}
