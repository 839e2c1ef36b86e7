/* SPDX-License-Identifier: ISC */
/* Distribution. */
#include "pattern/dist.h"

bool ih_dist_prune(struct ih_dist *dist)
{
    bool full = false;

    IH_LIST_EACH_SAFE(link, next, &dist->targets) {
        struct ih_pipe *pipe = IH_CONTAINER(link, struct ih_pipe, load);

        if (ih_pipe_can_write(pipe))
            continue;
        full |= !pipe->ended;
        ih_list_del(link);
    }
    return full;
}

void ih_dist_clear(struct ih_dist *dist)
{
    while (ih_list_pop(&dist->targets))
        ;
}

/* A peer that cannot get all frames of the message gets none of it, as far as that is still possible. */
static void write_frame(struct ih_pipe *pipe, struct ih_msg *msg)
{
    if (ih_pipe_write(pipe, msg) == 0)
        return;
    ih_pipe_unwind(pipe);
    ih_list_del(&pipe->load);
    ih_msg_close(msg);
    ih_msg_init(msg);
}

void ih_dist_send(struct ih_dist *dist, struct ih_msg *msg)
{
    const bool more = ih_msg_more(msg);
    struct ih_msg copy;

    if (msg->props)
        ih_msg_set_props(msg, NULL);
    IH_LIST_EACH_SAFE(link, next, &dist->targets) {
        struct ih_pipe *pipe = IH_CONTAINER(link, struct ih_pipe, load);

        if (next == &dist->targets) {
            write_frame(pipe, msg);
        } else {
            ih_msg_share(&copy, msg);
            write_frame(pipe, &copy);
        }
    }
    ih_msg_close(msg);
    ih_msg_init(msg);
    if (!more)
        ih_dist_clear(dist);
}
