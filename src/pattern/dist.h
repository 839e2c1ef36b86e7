/* SPDX-License-Identifier: ISC */
/* Distribution: one message to many peers, whole to each or not at all (RFC 29). */
#ifndef IH_PATTERN_DIST_H
#define IH_PATTERN_DIST_H

#include "core/pipe.h"

/* Owner: a pattern's state; guarded by the socket's lock. */
struct ih_dist {
    struct ih_list targets; /* struct ih_pipe.load: who gets the message being sent */
};

static inline void ih_dist_init(struct ih_dist *dist)
{
    ih_list_init(&dist->targets);
}

/* The pipe gets the message that is about to be sent. Adding it twice is adding it once. */
static inline void ih_dist_add(struct ih_dist *dist, struct ih_pipe *pipe)
{
    if (!ih_list_linked(&pipe->load))
        ih_list_add_tail(&dist->targets, &pipe->load);
}

static inline bool ih_dist_has(const struct ih_pipe *pipe)
{
    return ih_list_linked(&pipe->load);
}

/* The pipe does not get it, or no more of it. */
static inline void ih_dist_remove(struct ih_pipe *pipe)
{
    ih_list_del(&pipe->load);
}

/* Before the first frame: leaves out the peers that have no room. True if there were some. */
bool ih_dist_prune(struct ih_dist *dist);

/* Nobody gets it. */
void ih_dist_clear(struct ih_dist *dist);

/* Sends a frame to all that are left; after the last frame of the message nobody is. Takes msg. */
void ih_dist_send(struct ih_dist *dist, struct ih_msg *msg);

#endif
