/* SPDX-License-Identifier: ISC */
/* A batch of encoded frames: what the next writev calls send. */
#ifndef IH_ZMTP_BATCH_H
#define IH_ZMTP_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/message.h"

enum {
    IH_BATCH_SIZE = 65536, /* octets of small frames gathered at most */
    IH_BATCH_IOV = 64,
    IH_BATCH_HELD = 32,       /* large frames at most */
    IH_BATCH_LARGE = 4096,    /* frames from this size on are not copied but sent from their own memory; measured */
    IH_BATCH_BYTES = 1 << 20, /* enough for one batch: no further frame is taken once so many octets are in it */
};

/* Owner: the thread that writes, or the connection while the peer takes no more. The buffer follows the struct. */
struct ih_batch {
    size_t used;        /* octets of buf in use */
    size_t bytes;       /* octets that iov still refers to */
    unsigned first_iov; /* first entry not written yet */
    unsigned iovs;
    unsigned held_count;
    struct iovec iov[IH_BATCH_IOV];
    struct ih_msg held[IH_BATCH_HELD]; /* the frames that iov refers to */
    uint8_t buf[IH_BATCH_SIZE];
};

/* An empty batch; frees or reuses nothing. */
static inline void ih_batch_init(struct ih_batch *batch)
{
    batch->used = 0;
    batch->bytes = 0;
    batch->first_iov = 0;
    batch->iovs = 0;
    batch->held_count = 0;
}

static inline bool ih_batch_empty(const struct ih_batch *batch)
{
    return batch->bytes == 0;
}

/* size octets were written: advances; when all is written, releases the held frames and becomes empty. */
void ih_batch_written(struct ih_batch *batch, size_t size);

/* Releases the held frames and becomes empty, written or not. */
void ih_batch_clear(struct ih_batch *batch);

#endif
