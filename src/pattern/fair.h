/* SPDX-License-Identifier: ISC */
/* Fair queueing: messages are received from the peers in turn (RFC 28, 30, 31). */
#ifndef IH_PATTERN_FAIR_H
#define IH_PATTERN_FAIR_H

#include "core/pipe.h"

/* Owner: a pattern's state; guarded by the socket's lock. A pipe is in the list from the moment it becomes readable until
 * it is found to be empty, so that a receive costs the same however many peers there are. */
struct ih_fair {
    struct ih_list active;   /* struct ih_pipe.fair; the first is the next to be read from */
    struct ih_pipe *current; /* in the middle of its message, or NULL */
};

void ih_fair_init(struct ih_fair *fair);

/* The pipe has something to read. */
static inline void ih_fair_add(struct ih_fair *fair, struct ih_pipe *pipe)
{
    if (!ih_list_linked(&pipe->fair))
        ih_list_add_tail(&fair->active, &pipe->fair);
}

/* Forgets the pipe. */
void ih_fair_remove(struct ih_fair *fair, struct ih_pipe *pipe);

/* The pipe that the next frame is to come from, or NULL. */
struct ih_pipe *ih_fair_next(struct ih_fair *fair);

/* The next frame, and whose it is if from is not NULL. 0 or -EAGAIN. */
int ih_fair_recv(struct ih_fair *fair, struct ih_msg *msg, struct ih_pipe **from);

static inline bool ih_fair_can_recv(struct ih_fair *fair)
{
    return ih_fair_next(fair) != NULL;
}

#endif
