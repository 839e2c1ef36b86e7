/* SPDX-License-Identifier: ISC */
/* Fair queueing. */
#include "pattern/fair.h"

void ih_fair_init(struct ih_fair *fair)
{
    ih_list_init(&fair->active);
    fair->current = NULL;
}

void ih_fair_remove(struct ih_fair *fair, struct ih_pipe *pipe)
{
    ih_list_del(&pipe->fair);
    if (fair->current == pipe)
        fair->current = NULL;
}

static struct ih_pipe *first_active(const struct ih_fair *fair)
{
    struct ih_list *link = ih_list_first(&fair->active);

    return link ? IH_CONTAINER(link, struct ih_pipe, fair) : NULL;
}

struct ih_pipe *ih_fair_next(struct ih_fair *fair)
{
    struct ih_pipe *pipe = fair->current;

    if (pipe)
        return pipe;
    while ((pipe = first_active(fair)) && !ih_pipe_can_read(pipe))
        ih_list_del(&pipe->fair);
    return pipe;
}

/* A frame of the pipe was read. After the last one of a message it is the others' turn. */
static void advance(struct ih_fair *fair, struct ih_pipe *pipe, bool more)
{
    fair->current = more ? pipe : NULL;
    if (more || fair->active.next == fair->active.prev)
        return;
    ih_list_del(&pipe->fair);
    ih_list_add_tail(&fair->active, &pipe->fair);
}

int ih_fair_recv(struct ih_fair *fair, struct ih_msg *msg, struct ih_pipe **from)
{
    struct ih_pipe *pipe = fair->current ? fair->current : first_active(fair);

    while (pipe && ih_pipe_read(pipe, msg) < 0) {
        ih_fair_remove(fair, pipe);
        pipe = first_active(fair);
    }
    if (!pipe)
        return -EAGAIN;
    advance(fair, pipe, ih_msg_more(msg));
    if (from)
        *from = pipe;
    return 0;
}
