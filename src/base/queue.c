/* SPDX-License-Identifier: ISC */
/* A queue of frames: the operations that are off the hot path. */
#include "base/queue.h"

#include "base/block.h"

#include "base/trash.h"

enum {
    FIRST_CAP = 7,
    LAST_CAP = 63,
};

static size_t chunk_size(uint32_t cap)
{
    return sizeof(struct ih_chunk) + cap * sizeof(struct ih_msg);
}

/* Chunks, too, are made by one thread and freed by another. */
static void free_chunk(struct ih_chunk *chunk)
{
    ih_block_free(chunk, chunk_size(chunk->cap));
}

int ih_queue_grow(struct ih_queue *queue)
{
    uint32_t cap = FIRST_CAP;
    struct ih_chunk *chunk = NULL;

    if (queue->last && queue->last->cap < LAST_CAP)
        cap = queue->last->cap * 2 + 1;
    else if (queue->last)
        cap = LAST_CAP;
    chunk = ih_block_alloc(chunk_size(cap));
    if (!chunk)
        return -ENOMEM;
    chunk->next = NULL;
    chunk->head = 0;
    chunk->tail = 0;
    chunk->cap = cap;
    chunk->reserved = 0;
    if (queue->last)
        queue->last->next = chunk;
    else
        queue->first = chunk;
    queue->last = chunk;
    return 0;
}

/* The only chunk of a queue that keeps one, empty. */
static bool keep_chunk(struct ih_queue *queue)
{
    struct ih_chunk *chunk = queue->first;

    if (!queue->keeps || chunk != queue->last || chunk->cap != FIRST_CAP)
        return false;
    chunk->head = 0;
    chunk->tail = 0;
    return true;
}

void ih_queue_shrink(struct ih_queue *queue)
{
    if (keep_chunk(queue))
        return;
    /* Behind it there may be a chunk that was reserved and not used before others were spliced on. */
    do {
        struct ih_chunk *chunk = queue->first;

        queue->first = chunk->next;
        free_chunk(chunk);
    } while (queue->first && queue->first != queue->last && queue->first->head == queue->first->tail);
    if (!queue->first)
        queue->last = NULL;
}

/* The chunks belong to somebody else now. */
static void forget(struct ih_queue *queue)
{
    queue->first = NULL;
    queue->last = NULL;
    queue->count = 0;
}

void ih_chunk_free_all(struct ih_chunk *chunk)
{
    while (chunk) {
        struct ih_chunk *next = chunk->next;

        for (uint32_t i = chunk->head; i < chunk->tail; i++)
            ih_msg_close(&chunk->msgs[i]);
        free_chunk(chunk);
        chunk = next;
    }
}

void ih_queue_clear(struct ih_queue *queue)
{
    struct ih_chunk *first = queue->first;
    struct ih_chunk *last = queue->last;

    forget(queue);
    if (first != last)
        ih_trash_chunks(first, last);
    else
        ih_chunk_free_all(first);
}

/* True if all frames of src are in one chunk and there are not more than room: then they are copied, so that splicing
 * few at a time does not make a chain of nearly empty chunks. */
static bool fits(const struct ih_queue *src, size_t room)
{
    return src->first == src->last && src->count <= room;
}

static void copy_frames(struct ih_msg *to, const struct ih_chunk *from)
{
    if (from->tail - from->head == 1) { /* of the usual size that the compiler knows */
        *to = from->msgs[from->head];
        return;
    }
    memcpy(to, &from->msgs[from->head], (from->tail - from->head) * sizeof *to);
}

/* The frames have been copied: only the chunk is left to free. */
static void drop_chunk(struct ih_queue *src)
{
    src->count = 0;
    if (keep_chunk(src))
        return;
    free_chunk(src->first);
    forget(src);
}

/* True if dst or src has no frames, and all is done. */
static bool splice_trivially(struct ih_queue *dst, struct ih_queue *src)
{
    if (src->count == 0) {
        if (!src->keeps)
            ih_queue_clear(src);
        return true;
    }
    if (dst->count == 0) {
        ih_queue_clear(dst);
        dst->first = src->first;
        dst->last = src->last;
        dst->count = src->count;
        forget(src);
        return true;
    }
    return false;
}

void ih_queue_splice(struct ih_queue *dst, struct ih_queue *src)
{
    struct ih_chunk *last;

    if (splice_trivially(dst, src))
        return;
    last = dst->last;
    dst->count += src->count;
    if (fits(src, last->cap - last->tail)) {
        copy_frames(&last->msgs[last->tail], src->first);
        last->tail += (uint32_t)src->count;
        drop_chunk(src);
        return;
    }
    last->next = src->first;
    dst->last = src->last;
    forget(src);
}

void ih_queue_splice_front(struct ih_queue *dst, struct ih_queue *src)
{
    struct ih_chunk *first;

    if (splice_trivially(dst, src))
        return;
    first = dst->first;
    dst->count += src->count;
    if (fits(src, first->head)) {
        first->head -= (uint32_t)src->count;
        copy_frames(&first->msgs[first->head], src->first);
        drop_chunk(src);
        return;
    }
    src->last->next = first;
    dst->first = src->first;
    forget(src);
}

/* A place in a queue: the first frames of it, up to the end of which all messages are whole. */
struct cut {
    struct ih_chunk *chunk; /* NULL: before everything */
    uint32_t tail;
    size_t frames;
};

static struct cut find_cut(const struct ih_queue *queue)
{
    struct cut cut = {NULL, 0, 0};
    size_t frames = 0;

    for (struct ih_chunk *chunk = queue->first; chunk; chunk = chunk->next) {
        for (uint32_t i = chunk->head; i < chunk->tail; i++) {
            frames++;
            if (!ih_msg_more(&chunk->msgs[i]))
                cut = (struct cut){chunk, i + 1, frames};
        }
    }
    return cut;
}

size_t ih_queue_unwind(struct ih_queue *queue)
{
    struct cut cut;
    size_t dropped;

    if (queue->count == 0 ||
        (queue->last->tail > queue->last->head && !ih_msg_more(&queue->last->msgs[queue->last->tail - 1])))
        return 0;
    cut = find_cut(queue);
    dropped = queue->count - cut.frames;
    if (!cut.chunk) {
        ih_queue_clear(queue);
        return dropped;
    }
    if (cut.chunk->next)
        ih_trash_chunks(cut.chunk->next, queue->last);
    for (uint32_t i = cut.tail; i < cut.chunk->tail; i++)
        ih_msg_close(&cut.chunk->msgs[i]);
    cut.chunk->tail = cut.tail;
    cut.chunk->next = NULL;
    queue->last = cut.chunk;
    queue->count = cut.frames;
    return dropped;
}
