/* SPDX-License-Identifier: ISC */
/* The passwords file: lines of name:hash or name:hash:comment. A damaged line takes nobody's access but its own user's. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/backends/files.h"
#include "auth/password.h"

void files_users_init(struct files_users *users)
{
    memset(users, 0, sizeof *users);
    randombytes_buf(users->seed, sizeof users->seed);
}

static void clear(struct files_users *users)
{
    for (size_t i = 0; i < users->count; i++) {
        free(users->all[i].name);
        free(users->all[i].hash);
        free(users->all[i].comment);
    }
    free(users->all);
    free(users->by_name);
    users->all = NULL;
    users->by_name = NULL;
    users->count = users->room = 0;
    users->known = false;
}

void files_users_fini(struct files_users *users)
{
    clear(users);
}

/* ---- the text ---- */

static int read_all(int fd, char *text, size_t room, size_t *size)
{
    ssize_t count = 1;

    *size = 0;
    while (count > 0 && *size < room) {
        count = read(fd, text + *size, room - *size);
        if (count > 0)
            *size += (size_t)count;
        else if (count < 0 && errno == EINTR)
            count = 1;
    }
    return count < 0 ? -EAGAIN : 0;
}

/* One octet more than there are shows a file that grows meanwhile. */
static int read_text(int fd, char **text, size_t *size, struct stat *status)
{
    size_t room;
    int rc;

    if (fstat(fd, status) != 0 || !S_ISREG(status->st_mode))
        return -EAGAIN;
    if (status->st_size > FILES_PASSWORDS_MAX)
        return -EBADMSG;
    room = (size_t)status->st_size + 1;
    *text = malloc(room + 1);
    if (!*text)
        return -ENOMEM;
    rc = read_all(fd, *text, room, size);
    if (rc == 0 && *size == room)
        rc = -EAGAIN;
    if (rc) {
        free(*text);
        *text = NULL;
        return rc;
    }
    (*text)[*size] = '\0';
    return 0;
}

int files_users_read(int dir, char **text, size_t *size, struct stat *status)
{
    int fd = openat(dir, FILES_PASSWORDS, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int rc;

    if (fd >= 0) {
        rc = read_text(fd, text, size, status);
        (void)close(fd);
        return rc;
    }
    if (errno != ENOENT)
        return errno == ENOMEM ? -ENOMEM : -EAGAIN;
    memset(status, 0, sizeof *status);
    *size = 0;
    *text = strdup("");
    return *text ? 0 : -ENOMEM;
}

struct files_line files_users_line(const char **text, size_t *size)
{
    const char *end = memchr(*text, '\n', *size);
    struct files_line line = {.data = *text, .size = end ? (size_t)(end - *text) : *size};
    const char *colon = memchr(line.data, ':', line.size);
    size_t taken = end ? line.size + 1 : line.size;

    line.name_size = colon ? (size_t)(colon - line.data) : line.size;
    *text += taken;
    *size -= taken;
    return line;
}

/* ---- the table ---- */

static size_t bucket(const struct files_users *users, const char *name)
{
    uint64_t hash;

    (void)crypto_shorthash((uint8_t *)&hash, (const uint8_t *)name, strlen(name), users->seed);
    return (size_t)(hash & (users->room - 1));
}

static char *copy(const char *data, size_t size)
{
    char *text = malloc(size + 1);

    if (text) {
        memcpy(text, data, size);
        text[size] = '\0';
    }
    return text;
}

/* What is no name, or holds NUL, leaves the user without one; what is no hash leaves it without a hash. */
static int parse_line(struct files_user *user, const struct files_line *line)
{
    bool whole = !memchr(line->data, '\0', line->size);
    const char *hash = line->data + line->name_size + (line->name_size < line->size);
    size_t rest = line->size - (size_t)(hash - line->data);
    const char *colon = memchr(hash, ':', rest);
    size_t hash_size = colon ? (size_t)(colon - hash) : rest;

    user->name = copy(line->data, line->name_size);
    user->hash = whole ? copy(hash, hash_size) : strdup("");
    user->comment = whole && colon ? copy(colon + 1, rest - hash_size - 1) : strdup("");
    if (!user->name || !user->hash || !user->comment)
        return -ENOMEM;
    if (memchr(line->data, '\0', line->name_size) || !auth_user_valid(user->name)) {
        free(user->name);
        user->name = NULL;
    }
    if (!auth_password_is_hash(user->hash))
        user->hash[0] = '\0';
    return 0;
}

static int parse(struct files_users *users, const char *text, size_t size)
{
    unsigned number = 0;

    while (size) {
        struct files_line line = files_users_line(&text, &size);
        struct files_user *user = &users->all[users->count];
        int rc;

        number++;
        if (line.size == 0)
            continue;
        *user = (struct files_user){.line = number};
        users->count++;
        rc = parse_line(user, &line);
        if (rc)
            return rc;
        if (user->name) {
            struct files_user **place = &users->by_name[bucket(users, user->name)];

            user->next = *place;
            *place = user;
        }
    }
    return 0;
}

static int fill(struct files_users *users, const char *text, size_t size)
{
    size_t lines = 1;

    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    users->room = 64;
    while (users->room < lines)
        users->room *= 2;
    users->all = calloc(lines, sizeof *users->all);
    users->by_name = calloc(users->room, sizeof(struct files_user *));
    return users->all && users->by_name ? parse(users, text, size) : -ENOMEM;
}

static bool is_known(const struct files_users *users, int dir)
{
    struct stat status;

    return users->known && !users->identity.racy && fstatat(dir, FILES_PASSWORDS, &status, 0) == 0 &&
           files_identity_is(&users->identity, &status) && faccessat(dir, FILES_PASSWORDS, R_OK, AT_EACCESS) == 0;
}

int files_users_refresh(struct files_users *users, int dir)
{
    struct stat status;
    char *text = NULL;
    size_t size;
    int rc;

    if (is_known(users, dir))
        return 0;
    clear(users);
    rc = files_users_read(dir, &text, &size, &status);
    if (rc == 0)
        rc = fill(users, text, size);
    if (text)
        sodium_memzero(text, size); /* hashes */
    free(text);
    if (rc) {
        clear(users);
        return rc;
    }
    users->known = status.st_nlink > 0;
    users->mode = status.st_mode & 07777;
    files_identity_set(&users->identity, &status);
    return 0;
}

int files_users_find(const struct files_users *users, const char *name, const struct files_user **user)
{
    const struct files_user *found = NULL;

    if (!auth_user_valid(name) || !users->room)
        return -ENOENT;
    for (const struct files_user *at = users->by_name[bucket(users, name)]; at; at = at->next) {
        if (strcmp(at->name, name) != 0)
            continue;
        if (found)
            return -EBADMSG;
        found = at;
    }
    if (!found)
        return -ENOENT;
    *user = found;
    return found->hash[0] ? 0 : -EBADMSG;
}
