/* SPDX-License-Identifier: ISC */
/* Load balancing: messages are sent to the peers in turn, skipping those that have no room (RFC 28, 30). */
#ifndef IH_PATTERN_BALANCE_H
#define IH_PATTERN_BALANCE_H

#include "core/pipe.h"

/* Owner: a pattern's state; guarded by the socket's lock. A pipe is in the list from the moment it has room until it is
 * found to be full, so that a send costs the same however many peers there are. */
struct ih_balance {
    struct ih_list active;   /* struct ih_pipe.load; the first is the next to be written to */
    struct ih_pipe *current; /* in the middle of its message, or NULL */
    bool dropping;           /* the peer went away in the middle of its message: the rest is dropped */
};

void ih_balance_init(struct ih_balance *balance);

/* The pipe has room. */
static inline void ih_balance_add(struct ih_balance *balance, struct ih_pipe *pipe)
{
    if (!ih_list_linked(&pipe->load))
        ih_list_add_tail(&balance->active, &pipe->load);
}

/* Forgets the pipe. */
void ih_balance_remove(struct ih_balance *balance, struct ih_pipe *pipe);

/* Sends a frame: the first one of a message to the next peer that has room, the others after it. *to: where it went, NULL
 * if it was dropped; to may be NULL. 0, -EAGAIN, -ENOMEM. */
int ih_balance_send(struct ih_balance *balance, struct ih_msg *msg, struct ih_pipe **to);

/* Drops the frames of a message that is not whole yet. */
void ih_balance_unwind(struct ih_balance *balance);

bool ih_balance_can_send(struct ih_balance *balance);

#endif
