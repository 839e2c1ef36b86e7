/* SPDX-License-Identifier: ISC */
#include "ironchat/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int chat_write_all(int fd, const void *data, size_t size)
{
    const char *at = data;

    while (size > 0) {
        ssize_t count = write(fd, at, size);

        if (count > 0) {
            at += count;
            size -= (size_t)count;
        } else if (count == 0) {
            return -EIO;
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

static int read_all(int fd, char *data, size_t size, size_t *got)
{
    *got = 0;
    while (*got < size) {
        ssize_t count = read(fd, data + *got, size - *got);

        if (count == 0)
            break;
        if (count > 0)
            *got += (size_t)count;
        else if (errno != EINTR)
            return -errno;
    }
    return 0;
}

int chat_file_read(const char *path, size_t max, char **data, size_t *size, struct stat *status)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *text = NULL;
    struct stat seen;
    int rc = 0;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &seen) < 0)
        rc = -errno;
    else if (!S_ISREG(seen.st_mode))
        rc = S_ISDIR(seen.st_mode) ? -EISDIR : -EINVAL;
    else if ((uintmax_t)seen.st_size > max)
        rc = -EFBIG;
    if (rc < 0)
        goto out;
    text = malloc((size_t)seen.st_size + 1);
    rc = text == NULL ? -ENOMEM : read_all(fd, text, (size_t)seen.st_size, size);
    if (rc < 0)
        goto out;
    text[*size] = '\0';
    *data = text;
    text = NULL;
    if (status != NULL)
        *status = seen;
out:
    free(text);
    (void)close(fd);
    return rc;
}

int chat_file_write(const char *path, const void *data, size_t size, struct stat *status)
{
    char draft[PATH_MAX];
    int fd, rc;

    if (snprintf(draft, sizeof draft, "%s.XXXXXX", path) >= (int)sizeof draft)
        return -ENAMETOOLONG;
    fd = mkostemp(draft, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    rc = chat_write_all(fd, data, size);
    if (rc == 0 && fsync(fd) < 0)
        rc = -errno;
    if (rc == 0 && rename(draft, path) < 0)
        rc = -errno;
    if (rc == 0 && status != NULL && fstat(fd, status) < 0)
        rc = -errno;
    if (rc < 0)
        (void)unlink(draft);
    (void)close(fd);
    return rc;
}
