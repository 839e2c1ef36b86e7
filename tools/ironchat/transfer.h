/* SPDX-License-Identifier: ISC */
/*
 * One file on its way, at either end: the disk's side of it. A file that comes in grows under a hidden name made of its
 * hash, so that it goes on where it stopped, whoever of the two was away; it gets a name only when it is whole and right,
 * and never one that is taken.
 */
#ifndef IRONCHAT_TRANSFER_H
#define IRONCHAT_TRANSFER_H

#include <limits.h>
#include <sodium.h>
#include <stdbool.h>

#include "ironchat/filename.h"
#include "ironchat/proto.h"

/* One end's view. Owned by the chat; one thread. */
struct chat_transfer {
    uint8_t id[CHAT_ID_SIZE];
    uint8_t hash[CHAT_HASH_SIZE];
    char name[CHAT_FILENAME_SIZE]; /* clean */
    uint64_t size;
    uint64_t offset;              /* how much is sent, or stored */
    int fd;                       /* -1: not open */
    crypto_generichash_state sum; /* of what is stored */
    char path[PATH_MAX];          /* what is sent; or the hidden file, and after _finish the final one */
};

/* Opens a regular file to be sent, and takes its hash. The system's errors; -EISDIR, -EFBIG, -EINVAL: no regular file. */
int chat_transfer_send(struct chat_transfer *transfer, const char *path);

/* The next octets of it, at most size; 0: the end. -EIO: it has become shorter. The offset moves on. */
int chat_transfer_read(struct chat_transfer *transfer, uint8_t *out, size_t size);

/* How much of a file with this hash and size is stored already: 0 if nothing. */
uint64_t chat_transfer_stored(const struct chat_transfer *transfer, const char *folder);

/* Opens the hidden file, made if there is none; the offset is how much it holds. id, hash, name and size are filled in.
 * -EBUSY: another transfer writes it. The system's errors. */
int chat_transfer_receive(struct chat_transfer *transfer, const char *folder);

/* Stores the next octets. -ERANGE: they are not the next ones, or beyond the end. The system's errors, such as -ENOSPC:
 * nothing of them counts. */
int chat_transfer_write(struct chat_transfer *transfer, uint64_t offset, const void *data, size_t size);

/* All is there: compares the hash and gives the file its name in the folder. -EBADMSG: it is another file; it is gone. */
int chat_transfer_finish(struct chat_transfer *transfer, const char *folder);

/* Closes; what is stored stays. */
void chat_transfer_close(struct chat_transfer *transfer);

#endif
