/* SPDX-License-Identifier: ISC */
/* Load balancing. */
#include "pattern/balance.h"

void ih_balance_init(struct ih_balance *balance)
{
    ih_list_init(&balance->active);
    balance->current = NULL;
    balance->dropping = false;
}

void ih_balance_remove(struct ih_balance *balance, struct ih_pipe *pipe)
{
    ih_list_del(&pipe->load);
    if (balance->current == pipe) {
        balance->current = NULL;
        balance->dropping = true;
    }
}

static struct ih_pipe *first_active(const struct ih_balance *balance)
{
    struct ih_list *link = ih_list_first(&balance->active);

    return link ? IH_CONTAINER(link, struct ih_pipe, load) : NULL;
}

static void drop(struct ih_balance *balance, struct ih_msg *msg)
{
    balance->dropping = ih_msg_more(msg);
    ih_msg_close(msg);
    ih_msg_init(msg);
}

/* A frame was written to the pipe. After the last one of a message it is the others' turn. */
static void advance(struct ih_balance *balance, struct ih_pipe *pipe, bool more)
{
    balance->current = more ? pipe : NULL;
    if (more || balance->active.next == balance->active.prev)
        return;
    ih_list_del(&pipe->load);
    ih_list_add_tail(&balance->active, &pipe->load);
}

int ih_balance_send(struct ih_balance *balance, struct ih_msg *msg, struct ih_pipe **to)
{
    struct ih_pipe *pipe = balance->current ? balance->current : first_active(balance);
    const bool more = ih_msg_more(msg);
    int rc = 0;

    if (to)
        *to = NULL;
    if (balance->dropping) {
        drop(balance, msg);
        return 0;
    }
    /* A message is not begun on a pipe whose peer is gone; one that was begun goes on, and the pipe swallows it. */
    while (pipe && (rc = pipe->ended && !balance->current ? -EAGAIN : ih_pipe_write(pipe, msg)) == -EAGAIN) {
        ih_list_del(&pipe->load);
        pipe = first_active(balance);
    }
    if (!pipe)
        return -EAGAIN;
    if (rc < 0)
        return rc;
    advance(balance, pipe, more);
    if (to)
        *to = pipe;
    return 0;
}

void ih_balance_unwind(struct ih_balance *balance)
{
    if (balance->current)
        ih_pipe_unwind(balance->current);
    balance->current = NULL;
    balance->dropping = false;
}

bool ih_balance_can_send(struct ih_balance *balance)
{
    struct ih_pipe *pipe = NULL;

    if (balance->current || balance->dropping)
        return true;
    while ((pipe = first_active(balance)) && !ih_pipe_can_write(pipe))
        ih_list_del(&pipe->load);
    return pipe != NULL;
}
