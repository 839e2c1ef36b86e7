/* SPDX-License-Identifier: ISC */
/* A batch of encoded frames: how far it is written. */
#include "zmtp/batch.h"

void ih_batch_clear(struct ih_batch *batch)
{
    for (unsigned i = 0; i < batch->held_count; i++)
        ih_msg_close(&batch->held[i]);
    ih_batch_init(batch);
}

void ih_batch_written(struct ih_batch *batch, size_t size)
{
    if (size >= batch->bytes) {
        ih_batch_clear(batch);
        return;
    }
    batch->bytes -= size;
    while (size > 0) {
        struct iovec *iov = &batch->iov[batch->first_iov];

        if (size < iov->iov_len) {
            iov->iov_base = (uint8_t *)iov->iov_base + size;
            iov->iov_len -= size;
            return;
        }
        size -= iov->iov_len;
        batch->first_iov++;
    }
}
