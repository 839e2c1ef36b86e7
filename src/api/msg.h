/* SPDX-License-Identifier: ISC */
/* The one place where the public zmq_msg_t becomes the library's own frame. */
#ifndef IH_API_MSG_H
#define IH_API_MSG_H

#include <zmq.h>

#include "base/message.h"
#include "base/trash.h"

_Static_assert(sizeof(zmq_msg_t) == sizeof(struct ih_msg), "zmq_msg_t is a frame");
_Static_assert(_Alignof(zmq_msg_t) >= _Alignof(struct ih_msg), "zmq_msg_t is aligned for a frame");

static inline struct ih_msg *ih_api_msg(zmq_msg_t *msg)
{
    return (struct ih_msg *)(void *)msg;
}

static inline const struct ih_msg *ih_api_const_msg(const zmq_msg_t *msg)
{
    return (const struct ih_msg *)(const void *)msg;
}

/* Closes a frame of the application's, whose free function it may wait for. No lock held. */
static inline void ih_api_close(struct ih_msg *msg)
{
    const bool may_wait = msg->type == IH_MSG_LARGE;

    ih_msg_close(msg);
    if (may_wait)
        ih_trash_empty();
}

#endif
