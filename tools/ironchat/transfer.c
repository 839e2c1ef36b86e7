/* SPDX-License-Identifier: ISC */
#include "ironchat/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 65536, NAMES_MAX = 10000 };

static ssize_t read_at(int fd, void *data, size_t size, uint64_t offset)
{
    ssize_t count;

    do {
        count = pread(fd, data, size, (off_t)offset);
    } while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

/* Adds the first size octets of the file to the sum. -EIO: there are fewer. */
static int sum_file(crypto_generichash_state *sum, int fd, uint64_t size)
{
    uint8_t block[BLOCK];

    (void)crypto_generichash_init(sum, NULL, 0, CHAT_HASH_SIZE);
    for (uint64_t done = 0; done < size;) {
        size_t want = size - done < BLOCK ? (size_t)(size - done) : BLOCK;
        ssize_t count = read_at(fd, block, want, done);

        if (count <= 0)
            return count < 0 ? (int)count : -EIO;
        (void)crypto_generichash_update(sum, block, (size_t)count);
        done += (uint64_t)count;
    }
    return 0;
}

int chat_transfer_send(struct chat_transfer *transfer, const char *path)
{
    crypto_generichash_state sum;
    struct stat status;
    int rc = 0, fd;

    if (strlen(path) >= sizeof transfer->path)
        return -ENAMETOOLONG;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &status) < 0)
        rc = -errno;
    else if (!S_ISREG(status.st_mode))
        rc = S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
    else if ((uint64_t)status.st_size > CHAT_FILE_MAX)
        rc = -EFBIG;
    else
        rc = sum_file(&sum, fd, (uint64_t)status.st_size);
    if (rc < 0) {
        (void)close(fd);
        return rc;
    }
    memset(transfer, 0, sizeof *transfer);
    randombytes_buf(transfer->id, sizeof transfer->id);
    (void)crypto_generichash_final(&sum, transfer->hash, sizeof transfer->hash);
    chat_filename_clean(transfer->name, path, strlen(path));
    memcpy(transfer->path, path, strlen(path) + 1);
    transfer->size = (uint64_t)status.st_size;
    transfer->fd = fd;
    return 0;
}

int chat_transfer_read(struct chat_transfer *transfer, uint8_t *out, size_t size)
{
    uint64_t left = transfer->size - transfer->offset;
    ssize_t count;

    if (left < size)
        size = (size_t)left;
    if (size == 0)
        return 0;
    count = read_at(transfer->fd, out, size, transfer->offset);
    if (count <= 0)
        return count < 0 ? (int)count : -EIO;
    transfer->offset += (uint64_t)count;
    return (int)count;
}

static int hidden_path(char *path, size_t room, const struct chat_transfer *transfer, const char *folder)
{
    char hex[2 * 16 + 1];

    (void)sodium_bin2hex(hex, sizeof hex, transfer->hash, 16);
    return snprintf(path, room, "%s/.ironchat-%s.part", folder, hex) < (int)room ? 0 : -ENAMETOOLONG;
}

uint64_t chat_transfer_stored(const struct chat_transfer *transfer, const char *folder)
{
    char path[PATH_MAX];
    struct stat status;

    if (hidden_path(path, sizeof path, transfer, folder) < 0 || lstat(path, &status) < 0 || !S_ISREG(status.st_mode) ||
        (uint64_t)status.st_size > transfer->size)
        return 0;
    return (uint64_t)status.st_size;
}

/* What is stored already counts if it can be part of this file; whether it is, the hash says in the end. */
static int take_up(struct chat_transfer *transfer, int fd)
{
    struct stat status;

    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? -EBUSY : -errno;
    if (fstat(fd, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return -EINVAL;
    transfer->offset = (uint64_t)status.st_size;
    if (transfer->offset > transfer->size) {
        transfer->offset = 0;
        if (ftruncate(fd, 0) < 0)
            return -errno;
    }
    return sum_file(&transfer->sum, fd, transfer->offset);
}

int chat_transfer_receive(struct chat_transfer *transfer, const char *folder)
{
    int rc = hidden_path(transfer->path, sizeof transfer->path, transfer, folder);
    int fd;

    transfer->fd = -1;
    if (rc < 0)
        return rc;
    if (mkdir(folder, 0700) < 0 && errno != EEXIST)
        return -errno;
    fd = open(transfer->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd < 0)
        return -errno;
    rc = take_up(transfer, fd);
    if (rc < 0) {
        (void)close(fd);
        return rc;
    }
    transfer->fd = fd;
    return 0;
}

static int write_at(int fd, const uint8_t *data, size_t size, uint64_t offset)
{
    while (size > 0) {
        ssize_t count = pwrite(fd, data, size, (off_t)offset);

        if (count > 0) {
            data += count;
            size -= (size_t)count;
            offset += (uint64_t)count;
        } else if (count == 0) {
            return -EIO;
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

int chat_transfer_write(struct chat_transfer *transfer, uint64_t offset, const void *data, size_t size)
{
    int rc;

    if (offset != transfer->offset || size > transfer->size - transfer->offset)
        return -ERANGE;
    rc = write_at(transfer->fd, data, size, offset);
    if (rc < 0) {
        /* So that it goes on where it stopped, when there is room again. If that fails too, the hash notices. */
        (void)!ftruncate(transfer->fd, (off_t)transfer->offset);
        return rc;
    }
    (void)crypto_generichash_update(&transfer->sum, data, size);
    transfer->offset += size;
    return 0;
}

/* Renames to the first name that is free. The kernel looks and renames in one step, so that nothing is ever replaced. */
static int name_file(struct chat_transfer *transfer, const char *folder)
{
    for (unsigned n = 1; n <= NAMES_MAX; n++) {
        char name[NAME_MAX + 1], path[PATH_MAX];

        chat_filename_number(name, sizeof name, transfer->name, n);
        if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
            return -ENAMETOOLONG;
        if (renameat2(AT_FDCWD, transfer->path, AT_FDCWD, path, RENAME_NOREPLACE) == 0) {
            memcpy(transfer->path, path, sizeof path);
            return 0;
        }
        if (errno != EEXIST)
            return -errno;
    }
    return -EEXIST;
}

int chat_transfer_finish(struct chat_transfer *transfer, const char *folder)
{
    uint8_t hash[CHAT_HASH_SIZE];

    (void)crypto_generichash_final(&transfer->sum, hash, sizeof hash);
    if (sodium_memcmp(hash, transfer->hash, sizeof hash) != 0) {
        (void)unlink(transfer->path);
        return -EBADMSG;
    }
    if (fsync(transfer->fd) < 0)
        return -errno;
    return name_file(transfer, folder);
}

void chat_transfer_close(struct chat_transfer *transfer)
{
    if (transfer->fd >= 0)
        (void)close(transfer->fd);
    transfer->fd = -1;
}
