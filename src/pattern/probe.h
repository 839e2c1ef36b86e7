/* SPDX-License-Identifier: ISC */
/* ZMQ_PROBE_ROUTER: an empty message that makes us known to a ROUTER at once. */
#ifndef IH_PATTERN_PROBE_H
#define IH_PATTERN_PROBE_H

#include "core/pipe.h"

/* Queues the probe as the first message to a new peer. Without memory there is none. */
static inline void ih_probe_send(struct ih_pipe *pipe)
{
    struct ih_msg msg;

    ih_msg_init(&msg);
    (void)ih_pipe_force(pipe, &msg);
    ih_msg_close(&msg);
}

#endif
