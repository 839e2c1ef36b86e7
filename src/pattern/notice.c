/* SPDX-License-Identifier: ISC */
/* Notices of an XPUB. */
#include "pattern/notice.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void ih_notices_init(struct ih_notices *notices)
{
    ih_list_init(&notices->list);
    ih_map_init(&notices->latest);
    notices->users = 0;
    notices->topics = 0;
}

void ih_notices_clear(struct ih_notices *notices)
{
    struct ih_pipe *pipe;
    struct ih_msg msg;

    while (ih_notices_pop(notices, &msg, &pipe))
        ih_msg_close(&msg);
    ih_map_fini(&notices->latest);
}

static struct ih_notice *new_notice(struct ih_pipe *pipe, size_t key_size)
{
    struct ih_notice *notice = malloc(sizeof *notice + key_size);

    if (!notice)
        return NULL;
    ih_list_init(&notice->node);
    ih_msg_init(&notice->msg);
    notice->pipe = pipe;
    notice->user = notice->is_topic = notice->is_latest = false;
    notice->news = IH_NEWS_NONE;
    return notice;
}

static void forget_latest(struct ih_notices *notices, struct ih_notice *notice)
{
    if (notice->is_latest)
        ih_map_remove(&notices->latest, &notice->latest);
    notice->is_latest = false;
}

/* Takes it out of everything; the frame is left to the caller. */
static void drop(struct ih_notices *notices, struct ih_notice *notice)
{
    forget_latest(notices, notice);
    notices->users -= notice->user;
    notices->topics -= notice->is_topic;
    ih_list_del(&notice->node);
    free(notice);
}

/* --- topics ------------------------------------------------------------------------------------------------------- */

static struct ih_notice *new_topic(struct ih_pipe *pipe, bool track, bool each, enum ih_news news, const void *topic,
                                   size_t size)
{
    const struct ih_pipe *whose = each ? pipe : NULL;
    struct ih_notice *notice;
    uint8_t *data;

    if (size > SIZE_MAX / 2)
        return NULL;
    notice = new_notice(track ? pipe : NULL, sizeof whose + size);
    if (!notice)
        return NULL;
    if (ih_msg_init_size(&notice->msg, size + 1) < 0) {
        free(notice);
        return NULL;
    }
    data = ih_msg_data(&notice->msg);
    data[0] = news != IH_NEWS_END;
    notice->news = news;
    memcpy(notice->key, &whose, sizeof whose);
    if (size > 0) {
        memcpy(data + 1, topic, size);
        memcpy(notice->key + sizeof whose, topic, size);
    }
    if (pipe->props)
        ih_msg_set_props(&notice->msg, pipe->props);
    return notice;
}

static bool says_the_same(const struct ih_notice *one, const struct ih_notice *other)
{
    return (one->news == IH_NEWS_END) == (other->news == IH_NEWS_END);
}

static void discard(struct ih_notices *notices, struct ih_notice *notice)
{
    ih_msg_close(&notice->msg);
    drop(notices, notice);
}

/* Drops what the application need not hear, now that notice follows the last of its topic. True if it must hear notice. */
static bool shorten(struct ih_notices *notices, struct ih_notice *last, const struct ih_notice *notice)
{
    const bool ends_repetition = last->news == IH_NEWS_AGAIN && notice->news == IH_NEWS_END;

    if (!says_the_same(notice, last))
        discard(notices, last);
    return ends_repetition; /* the first one may have been read */
}

int ih_notices_topic(struct ih_notices *notices, struct ih_pipe *pipe, bool track, bool each, enum ih_news news,
                     const void *topic, size_t size)
{
    struct ih_notice *notice = new_topic(pipe, track, each, news, topic, size);
    struct ih_map_node *node;
    struct ih_notice *last;
    size_t key_size = sizeof pipe + size;

    if (!notice)
        return -ENOMEM;
    node = ih_map_find(&notices->latest, notice->key, key_size);
    last = node ? IH_CONTAINER(node, struct ih_notice, latest) : NULL;
    if (last && notices->topics >= IH_NOTICES_PLAIN) {
        if (!shorten(notices, last, notice)) {
            discard(notices, notice);
            return 0;
        }
    } else if (last) {
        forget_latest(notices, last);
    }
    if (ih_map_insert(&notices->latest, &notice->latest, notice->key, key_size) < 0) {
        discard(notices, notice);
        return -ENOMEM;
    }
    notice->is_topic = notice->is_latest = true;
    notices->topics++;
    ih_list_add_tail(&notices->list, &notice->node);
    return 0;
}

/* --- frames ------------------------------------------------------------------------------------------------------- */

int ih_notices_frame(struct ih_notices *notices, struct ih_pipe *pipe, bool track, struct ih_msg *msg)
{
    struct ih_notice *notice = new_notice(track ? pipe : NULL, 0);

    if (!notice)
        return -ENOMEM;
    notice->user = !ih_msg_more(msg);
    notices->users += notice->user;
    ih_msg_take(&notice->msg, msg);
    if (pipe->props)
        ih_msg_set_props(&notice->msg, pipe->props);
    ih_list_add_tail(&notices->list, &notice->node);
    return 0;
}

void ih_notices_splice(struct ih_notices *dst, struct ih_notices *src)
{
    assert(src->topics == 0);
    ih_list_splice(&dst->list, &src->list);
    dst->users += src->users;
    src->users = 0;
}

bool ih_notices_pop(struct ih_notices *notices, struct ih_msg *msg, struct ih_pipe **pipe)
{
    struct ih_notice *notice;

    if (ih_list_empty(&notices->list))
        return false;
    notice = IH_CONTAINER(notices->list.next, struct ih_notice, node);
    *msg = notice->msg;
    *pipe = notice->pipe;
    drop(notices, notice);
    return true;
}

void ih_notices_orphan(struct ih_notices *notices, const struct ih_pipe *pipe)
{
    IH_LIST_EACH(link, &notices->list) {
        struct ih_notice *notice = IH_CONTAINER(link, struct ih_notice, node);

        if (notice->pipe != pipe)
            continue;
        notice->pipe = NULL;
        forget_latest(notices, notice); /* another pipe may get its address */
    }
}
