/* SPDX-License-Identifier: ISC */
/* Files that appear whole or not at all. */
#include "libcurve/draft.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of the name that goes into the draft's, which takes a dot before it and a random end. */
enum { STEM_MAX = 200 };

int ih_write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t count = write(fd, data, size);

        if (count > 0) {
            data += count;
            size -= (size_t)count;
        } else if (count == 0) {
            return -EIO;
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

/* The draft's random end lets one that a power failure left behind be in nobody's way. */
static int name_draft(struct ih_draft *draft, const char *name)
{
    unsigned int random;

    if (*name == '\0' || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return -EINVAL;
    if (strlen(name) > IH_DRAFT_NAME_MAX)
        return -ENAMETOOLONG;
    if (getentropy(&random, sizeof(random)) != 0)
        return -errno;
    (void)snprintf(draft->name, sizeof(draft->name), "%s", name);
    (void)snprintf(draft->draft, sizeof(draft->draft), ".%.*s.%08x", STEM_MAX, name, random);
    return 0;
}

int ih_draft_write(struct ih_draft *draft, int dir, const char *name, mode_t mode, const char *text, size_t size)
{
    int error = name_draft(draft, name);
    int fd;

    if (error)
        return error;
    fd = openat(dir, draft->draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return -errno;
    draft->has_draft = true;
    error = ih_write_all(fd, text, size);
    if (error == 0 && fsync(fd) != 0)
        error = -errno;
    if (close(fd) != 0 && error == 0)
        error = -errno;
    return error;
}

int ih_draft_link(struct ih_draft *draft, int dir)
{
    if (linkat(dir, draft->draft, dir, draft->name, 0) != 0)
        return -errno;
    draft->has_name = true;
    return 0;
}

int ih_draft_drop(struct ih_draft *draft, int dir)
{
    if (unlinkat(dir, draft->draft, 0) != 0)
        return -errno;
    draft->has_draft = false;
    return 0;
}

int ih_draft_replace(struct ih_draft *draft, int dir)
{
    if (renameat(dir, draft->draft, dir, draft->name) != 0)
        return -errno;
    draft->has_draft = false;
    return 0;
}

int ih_draft_sync(int dir)
{
    /* EINVAL: a file system whose folders cannot be synchronised. */
    return fsync(dir) != 0 && errno != EINVAL ? -errno : 0;
}

void ih_draft_undo(struct ih_draft *draft, int dir)
{
    if (draft->has_draft)
        (void)unlinkat(dir, draft->draft, 0);
    if (draft->has_name)
        (void)unlinkat(dir, draft->name, 0);
    draft->has_draft = false;
    draft->has_name = false;
}
