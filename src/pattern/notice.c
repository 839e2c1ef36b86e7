/* SPDX-License-Identifier: ISC */
/* Notices of an XPUB. */
#include "pattern/notice.h"

#include <stdlib.h>

void ih_notices_init(struct ih_notices *notices)
{
    ih_list_init(&notices->list);
    notices->users = 0;
}

void ih_notices_clear(struct ih_notices *notices)
{
    struct ih_pipe *pipe;
    struct ih_msg msg;

    while (ih_notices_pop(notices, &msg, &pipe))
        ih_msg_close(&msg);
}

static struct ih_notice *append(struct ih_notices *notices, struct ih_pipe *pipe)
{
    struct ih_notice *notice = malloc(sizeof *notice);

    if (!notice)
        return NULL;
    notice->pipe = pipe;
    notice->user = false;
    ih_list_add_tail(&notices->list, &notice->node);
    return notice;
}

static void drop(struct ih_notice *notice)
{
    ih_list_del(&notice->node);
    free(notice);
}

int ih_notices_topic(struct ih_notices *notices, struct ih_pipe *pipe, bool track, bool subscribe, const void *topic,
                     size_t size)
{
    struct ih_notice *notice = append(notices, track ? pipe : NULL);
    uint8_t *data;

    if (!notice)
        return -ENOMEM;
    if (size == SIZE_MAX || ih_msg_init_size(&notice->msg, size + 1) < 0) {
        drop(notice);
        return -ENOMEM;
    }
    data = ih_msg_data(&notice->msg);
    data[0] = subscribe;
    if (size > 0)
        memcpy(data + 1, topic, size);
    if (pipe->props)
        ih_msg_set_props(&notice->msg, pipe->props);
    return 0;
}

int ih_notices_frame(struct ih_notices *notices, struct ih_pipe *pipe, bool track, struct ih_msg *msg)
{
    struct ih_notice *notice = append(notices, track ? pipe : NULL);

    if (!notice)
        return -ENOMEM;
    notice->user = !ih_msg_more(msg);
    notices->users += notice->user;
    ih_msg_take(&notice->msg, msg);
    if (pipe->props)
        ih_msg_set_props(&notice->msg, pipe->props);
    return 0;
}

void ih_notices_splice(struct ih_notices *dst, struct ih_notices *src)
{
    ih_list_splice(&dst->list, &src->list);
    dst->users += src->users;
    src->users = 0;
}

bool ih_notices_pop(struct ih_notices *notices, struct ih_msg *msg, struct ih_pipe **pipe)
{
    struct ih_list *link = ih_list_pop(&notices->list);
    struct ih_notice *notice;

    if (!link)
        return false;
    notice = IH_CONTAINER(link, struct ih_notice, node);
    *msg = notice->msg;
    *pipe = notice->pipe;
    notices->users -= notice->user;
    drop(notice);
    return true;
}

void ih_notices_orphan(struct ih_notices *notices, const struct ih_pipe *pipe)
{
    IH_LIST_EACH(link, &notices->list) {
        struct ih_notice *notice = IH_CONTAINER(link, struct ih_notice, node);

        if (notice->pipe == pipe)
            notice->pipe = NULL;
    }
}
