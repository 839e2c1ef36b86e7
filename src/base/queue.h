/* SPDX-License-Identifier: ISC */
/* A queue of frames: a list of chunks, so that pushing and popping touch one cache line each, whole queues are handed
 * over in O(1), and an empty queue owns no memory. */
#ifndef IH_BASE_QUEUE_H
#define IH_BASE_QUEUE_H

#include "base/message.h"

/* Owner: the queue it is linked in. */
struct ih_chunk {
    struct ih_chunk *next;
    uint32_t head; /* first frame that is still there */
    uint32_t tail; /* one past the last */
    uint32_t cap;
    uint32_t reserved;
    struct ih_msg msgs[];
};

/* Owner: the struct it is embedded in; guarded by that owner's lock. All zero is an empty queue. */
struct ih_queue {
    struct ih_chunk *first;
    struct ih_chunk *last;
    size_t count; /* frames */
    bool keeps;   /* one small chunk stays when it is empty: for a queue that is filled again and again */
};

static inline void ih_queue_init(struct ih_queue *queue)
{
    queue->first = NULL;
    queue->last = NULL;
    queue->count = 0;
    queue->keeps = false;
}

static inline bool ih_queue_empty(const struct ih_queue *queue)
{
    return queue->count == 0;
}

/* Appends a chunk with room for at least one frame; chunks grow from 7 to 63 frames. -ENOMEM. */
int ih_queue_grow(struct ih_queue *queue);

/* Drops the first chunk, whose frames are all taken. */
void ih_queue_shrink(struct ih_queue *queue);

/* Room for one frame at the end, to be filled in place and then committed (or left: the next reservation gets it
 * again) before anything else is done to the queue; NULL when out of memory. */
static inline struct ih_msg *ih_queue_reserve(struct ih_queue *queue)
{
    if (!queue->last || queue->last->tail == queue->last->cap) {
        if (ih_queue_grow(queue) < 0)
            return NULL;
    }
    return &queue->last->msgs[queue->last->tail];
}

static inline void ih_queue_commit(struct ih_queue *queue)
{
    queue->last->tail++;
    queue->count++;
}

/* Moves msg to the end; msg becomes an empty frame. -ENOMEM, msg untouched. */
static inline int ih_queue_push(struct ih_queue *queue, struct ih_msg *msg)
{
    struct ih_msg *slot = ih_queue_reserve(queue);

    if (!slot)
        return -ENOMEM;
    ih_msg_take(slot, msg);
    ih_queue_commit(queue);
    return 0;
}

/* The first frame, or NULL. */
static inline struct ih_msg *ih_queue_front(struct ih_queue *queue)
{
    return queue->count ? &queue->first->msgs[queue->first->head] : NULL;
}

/* Moves the first frame to msg (overwritten, not closed). False if there is none. */
static inline bool ih_queue_pop(struct ih_queue *queue, struct ih_msg *msg)
{
    struct ih_chunk *chunk = queue->first;

    if (!queue->count)
        return false;
    *msg = chunk->msgs[chunk->head++];
    queue->count--;
    if (chunk->head == chunk->tail)
        ih_queue_shrink(queue);
    return true;
}

/* Moves all of src behind dst's last frame; src is empty afterwards. */
void ih_queue_splice(struct ih_queue *dst, struct ih_queue *src);

/* Moves all of src before dst's first frame; src is empty afterwards. */
void ih_queue_splice_front(struct ih_queue *dst, struct ih_queue *src);

/* Closes and frees a list of chunks and what is in them. No lock held. */
void ih_chunk_free_all(struct ih_chunk *chunk);

/* Closes and drops the frames at the end that belong to a message whose last frame is not there; returns how many. */
size_t ih_queue_unwind(struct ih_queue *queue);

/* Closes and drops everything, in O(1): more than a chunk goes to the thread's trash (base/trash.h). */
void ih_queue_clear(struct ih_queue *queue);

#endif
