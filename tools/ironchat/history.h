/* SPDX-License-Identifier: ISC */
/*
 * History on disk, which nobody reads without the passphrase. The key is Argon2id's; each run of the program appends a
 * stream of libsodium's secretstream, tied to what stands before it:
 *
 *   "ironchat history 1\n"  u64 operations  u64 memory  salt (16)  check (32)
 *   stream:  u32 0, header (24)      record:  u32 size, ciphertext
 *
 * A record that a crash cut off is cut away. Cutting whole records off the end leaves no trace: only what is there is
 * guaranteed to be what was written, in that order. It takes 256 MiB; what does not fit is not kept.
 */
#ifndef IRONCHAT_HISTORY_H
#define IRONCHAT_HISTORY_H

#include <sodium.h>
#include <stddef.h>
#include <stdint.h>

enum { CHAT_RECORD_MAX = 16384 };

/* An open history. Owned by one thread; the key's memory is wiped at the end. */
struct chat_history {
    int fd;
    uint64_t size;  /* of the file */
    uint64_t limit; /* of it: no more than can be read again */
    crypto_secretstream_xchacha20poly1305_state stream;
    uint8_t tie[crypto_secretstream_xchacha20poly1305_ABYTES]; /* the last octets before the stream */
};

/* Told of each record, the oldest first. */
typedef void chat_record_fn(void *arg, const char *text, size_t size);

/* Opens, or makes, and reads all there is. -EACCES: the passphrase is another; -EBADMSG: altered (what was right up to
 * there was told); -EINVAL: no history; -EBUSY: in use; the system's errors. */
int chat_history_open(struct chat_history *history, const char *path, const char *passphrase, chat_record_fn *record,
                      void *arg);

/* -EFBIG: the history is full; the system's errors. */
int chat_history_append(struct chat_history *history, const char *text, size_t size);

void chat_history_close(struct chat_history *history);

#endif
