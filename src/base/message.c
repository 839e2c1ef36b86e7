/* SPDX-License-Identifier: ISC */
/* Message frames: making, sharing and releasing their content. */
#include "base/message.h"

#include "base/block.h"
#include "base/copy.h"
#include "base/trash.h"

enum { ALIGN = 16 };

/* No object may be larger; malloc would refuse it, and sums below stay far from overflowing. */
#define SIZE_LIMIT ((size_t)PTRDIFF_MAX)

int ih_msg_init_headroom(struct ih_msg *msg, size_t size, size_t head)
{
    const size_t overhead = sizeof(struct ih_content) + ALIGN - 1;
    struct ih_content *content = NULL;
    size_t offset;

    ih_msg_init(msg);
    if (head > SIZE_LIMIT - overhead || size > SIZE_LIMIT - overhead - head)
        return -ENOMEM;
    offset = (overhead + head) & ~(size_t)(ALIGN - 1);
    content = ih_block_alloc(offset + size);
    if (!content)
        return -ENOMEM;
    atomic_init(&content->refs, 1);
    content->reserved = 0;
    content->ffn = NULL;
    content->data = (uint8_t *)content + offset - head;
    content->hint = NULL;
    content->size = head + size;
    msg->u.large.content = content;
    msg->u.large.data = (uint8_t *)content + offset;
    msg->u.large.size = size;
    msg->type = IH_MSG_LARGE;
    return 0;
}

int ih_msg_init_size(struct ih_msg *msg, size_t size)
{
    if (size > IH_MSG_INLINE)
        return ih_msg_init_headroom(msg, size, 0);
    ih_msg_init(msg);
    msg->small_size = (uint8_t)size;
    return 0;
}

int ih_msg_init_copy(struct ih_msg *msg, const void *data, size_t size)
{
    int rc = ih_msg_init_size(msg, size);

    if (rc == 0 && size > 0)
        ih_copy(ih_msg_data(msg), data, size);
    return rc;
}

int ih_msg_init_data(struct ih_msg *msg, void *data, size_t size, ih_free_fn *ffn, void *hint)
{
    struct ih_content *content = NULL;

    ih_msg_init(msg);
    if (ffn) {
        content = ih_block_alloc(sizeof *content);
        if (!content)
            return -ENOMEM;
        atomic_init(&content->refs, 1);
        content->reserved = 0;
        content->ffn = ffn;
        content->data = data;
        content->hint = hint;
        content->size = size;
    }
    msg->u.large.content = content;
    msg->u.large.data = data;
    msg->u.large.size = size;
    msg->type = content ? IH_MSG_LARGE : IH_MSG_CONST;
    return 0;
}

int ih_msg_own(struct ih_msg *msg)
{
    struct ih_msg copy;
    int rc = ih_msg_init_copy(&copy, msg->u.large.data, msg->u.large.size);

    if (rc < 0)
        return rc;
    copy.props = msg->props;
    copy.flags = msg->flags & IH_MSG_MORE;
    copy.kind = msg->kind;
    *msg = copy;
    return 0;
}

/* What was allocated for content with octets of its own. */
static size_t block_size(const struct ih_content *content)
{
    return (size_t)((const uint8_t *)content->data - (const uint8_t *)content) + content->size;
}

static void content_release(struct ih_content *content, bool shared)
{
    /* Release: our reads and writes come before the last owner's free; acquire: the last owner sees them all. */
    if (shared && atomic_fetch_sub_explicit(&content->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (content->ffn)
        ih_trash_content(content);
    else
        ih_block_free(content, block_size(content));
}

void ih_content_free(struct ih_content *content)
{
    content->ffn(content->data, content->hint);
    ih_block_free(content, sizeof *content);
}

void ih_msg_release(struct ih_msg *msg)
{
    if (msg->props) {
        ih_props_release(msg->props);
        msg->props = NULL;
    }
    if (msg->type == IH_MSG_LARGE)
        content_release(msg->u.large.content, (msg->flags & IH_MSG_SHARED) != 0);
    msg->type = IH_MSG_CLOSED;
}

void ih_msg_share(struct ih_msg *dst, struct ih_msg *src)
{
    if (src->type == IH_MSG_LARGE) {
        atomic_uint *refs = &src->u.large.content->refs;

        /* A frame that was never shared is the only one that knows the content: no other thread can count now. */
        if (src->flags & IH_MSG_SHARED)
            atomic_fetch_add_explicit(refs, 1, memory_order_relaxed);
        else
            atomic_store_explicit(refs, 2, memory_order_relaxed);
        src->flags |= IH_MSG_SHARED;
    } else if (src->type == IH_MSG_CONST) {
        src->flags |= IH_MSG_SHARED;
    }
    if (src->props)
        (void)ih_props_hold(src->props);
    *dst = *src;
}

bool ih_msg_sole(const struct ih_msg *msg)
{
    const struct ih_content *content;

    if (msg->type != IH_MSG_LARGE)
        return msg->type == IH_MSG_SMALL;
    content = msg->u.large.content;
    /* What zmq_msg_init_data took may be read by its giver until ffn is called (pyzmq passes immutable strings). */
    if (content->ffn)
        return false;
    return !(msg->flags & IH_MSG_SHARED) || atomic_load_explicit(&content->refs, memory_order_acquire) == 1;
}

void ih_msg_truncate(struct ih_msg *msg, size_t size)
{
    if (msg->type == IH_MSG_SMALL)
        msg->small_size = (uint8_t)size;
    else
        msg->u.large.size = size;
}

void ih_msg_set_props(struct ih_msg *msg, struct ih_props *props)
{
    struct ih_props *old = msg->props;

    msg->props = props ? ih_props_hold(props) : NULL;
    if (old)
        ih_props_release(old);
}
