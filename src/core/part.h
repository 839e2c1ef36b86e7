/* SPDX-License-Identifier: ISC */
/* The part of a message that has come before its last frame. */
#ifndef IH_CORE_PART_H
#define IH_CORE_PART_H

#include "core/pipe.h"

/* Slow half of ih_part_check. */
int ih_part_count(struct ih_pipe *pipe, const struct ih_queue *frames);

/* frames are about to follow what is in pipe->in. -EMSGSIZE if they make a message too large that has no end yet:
 * ZMQ_RCVHWM counts whole messages, and this one might never be. Lock of the pipe's socket held. */
static inline int ih_part_check(struct ih_pipe *pipe, const struct ih_queue *frames)
{
    const struct ih_chunk *chunk = frames->last;
    const struct ih_msg *last = chunk && chunk->tail > chunk->head ? &chunk->msgs[chunk->tail - 1] : NULL;

    if (!pipe->in_part && (!last || (!ih_msg_more(last) && last->kind == IH_MSG_DATA)))
        return 0;
    return ih_part_count(pipe, frames);
}

#endif
