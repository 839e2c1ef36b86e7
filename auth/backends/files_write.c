/* SPDX-License-Identifier: ISC */
/*
 * Changing the folder. Writers take the lock file, so that none loses what another one wrote; a file appears whole or not at
 * all. The system's refusals are EPERM here, since EACCES speaks of passwords.
 */
#include <curve.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "auth/backends/files.h"
#include "auth/password.h"

#define LOCK_FILE ".lock"
#define DRAFT_FILE ".passwords.draft"

enum { LOCK_PAUSE = 5 /* ms */ };

/* A folder under the lock file. On the stack of one call. */
struct files_change {
    int dir, lock;
};

static int system_error(int error)
{
    if (error == ENOENT || error == ENOTDIR)
        return -EAGAIN;
    return error == EACCES || error == EROFS ? -EPERM : -error;
}

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* flock(2) knows no time limit. */
static int take_lock(int fd, int timeout)
{
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE * 1000000L};
    int64_t end = now_ms() + timeout;

    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return system_error(errno);
        if (now_ms() >= end)
            return -EAGAIN;
        (void)nanosleep(&pause, NULL);
    }
    return 0;
}

static void finish(struct files_change *change)
{
    if (change->lock >= 0)
        (void)close(change->lock);
    if (change->dir >= 0)
        (void)close(change->dir);
}

static int start(struct files_change *change, const char *folder, int timeout)
{
    int rc;

    change->lock = -1;
    rc = files_folder_open(folder, &change->dir);
    if (rc)
        return rc;
    change->lock = openat(change->dir, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    rc = change->lock < 0 ? system_error(errno) : take_lock(change->lock, timeout);
    if (rc)
        finish(change);
    return rc;
}

/* ---- the passwords file ---- */

static int write_all(int fd, const char *text, size_t size)
{
    while (size) {
        ssize_t count = write(fd, text, size);

        if (count < 0 && errno != EINTR)
            return -errno;
        if (count > 0) {
            text += count;
            size -= (size_t)count;
        }
    }
    return 0;
}

/* The draft has the owner and group of the file that it replaces, and no wider mode. */
static int fill_draft(int fd, const struct stat *old, const char *text, size_t size)
{
    int rc = 0;

    if (old->st_nlink && (old->st_uid != geteuid() || old->st_gid != getegid()) &&
        fchown(fd, old->st_uid, old->st_gid) != 0)
        rc = -EPERM;
    if (rc == 0 && old->st_nlink && fchmod(fd, old->st_mode & (S_IRUSR | S_IWUSR | S_IRGRP)) != 0)
        rc = -errno;
    if (rc == 0)
        rc = write_all(fd, text, size);
    if (rc == 0 && fsync(fd) != 0)
        rc = -errno;
    return rc;
}

static int write_passwords(int dir, const struct stat *old, const char *text, size_t size)
{
    int fd;
    int rc;

    (void)unlinkat(dir, DRAFT_FILE, 0);
    fd = openat(dir, DRAFT_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return system_error(errno);
    rc = fill_draft(fd, old, text, size);
    if (close(fd) != 0 && rc == 0)
        rc = -errno;
    if (rc == 0 && renameat(dir, DRAFT_FILE, dir, FILES_PASSWORDS) != 0)
        rc = system_error(errno);
    if (rc) {
        (void)unlinkat(dir, DRAFT_FILE, 0);
        return rc;
    }
    return fsync(dir) == 0 ? 0 : -errno;
}

/* A link would be replaced by a file, and what it leads to stay as it is. */
static int refuse_link(int dir)
{
    struct stat status;

    return fstatat(dir, FILES_PASSWORDS, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode) ? -ELOOP : 0;
}

static bool is_of(const struct files_line *line, const char *user)
{
    return line->size && line->name_size == strlen(user) && memcmp(line->data, user, line->name_size) == 0;
}

/* The comment that a user's line has, with its colon, or an empty one. */
static struct files_line comment_of(const struct files_line *line)
{
    const char *end = line->data + line->size;
    const char *hash = line->data + line->name_size + (line->name_size < line->size);
    const char *colon = memchr(hash, ':', (size_t)(end - hash));

    return (struct files_line){.data = colon ? colon : end, .size = colon ? (size_t)(end - colon) : 0};
}

/* Copies a text without the user's lines; puts line, unless it is NULL, in place of the first, or at the end. keep: with the
 * comment that stands there. Returns how many lines the user had. out has room. */
static unsigned edit(char *out, size_t *out_size, const char *text, size_t size, const char *user, const char *line,
                     bool keep)
{
    unsigned found = 0;
    char *at = out;

    while (size) {
        struct files_line one = files_users_line(&text, &size);

        if (!is_of(&one, user)) {
            memcpy(at, one.data, one.size);
            at += one.size;
            *at++ = '\n';
        } else if (found++ == 0 && line) {
            struct files_line comment = comment_of(&one);

            at = stpcpy(at, line);
            if (keep)
                at = mempcpy(at, comment.data, comment.size);
            *at++ = '\n';
        }
    }
    if (line && !found) {
        at = stpcpy(at, line);
        *at++ = '\n';
    }
    *out_size = (size_t)(at - out);
    return found;
}

/* What a change asks for: how many lines the user must have before it. */
enum files_need { NEED_NONE, NEED_ONE };

static int rewrite(int dir, const char *user, const char *line, enum files_need need)
{
    struct stat old;
    char *text = NULL;
    char *edited = NULL;
    size_t size, text_size;
    unsigned found;
    int rc = refuse_link(dir);

    if (rc == 0)
        rc = files_users_read(dir, &text, &size, &old);
    if (rc)
        return rc;
    text_size = size;
    edited = malloc(size + (line ? strlen(line) : 0) + 3);
    if (!edited) {
        rc = -ENOMEM;
    } else {
        found = edit(edited, &size, text, size, user, line, need == NEED_ONE);
        if (need == NEED_NONE && found)
            rc = -EEXIST;
        else if (need == NEED_ONE && !found)
            rc = -ENOENT;
        else
            rc = size > FILES_PASSWORDS_MAX ? -EFBIG : write_passwords(dir, &old, edited, size);
    }
    if (edited)
        sodium_memzero(edited, size); /* hashes, as below */
    free(edited);
    sodium_memzero(text, text_size);
    free(text);
    return rc;
}

static int change_user(struct auth_session *session, const char *user, const char *line, enum files_need need)
{
    struct files_change change;
    int rc = start(&change, session->backend->folder, session->backend->timeout);

    if (rc)
        return rc;
    rc = rewrite(change.dir, user, line, need);
    finish(&change);
    return rc;
}

int files_add_user(struct auth_session *session, const char *user, const char *hash, const char *comment)
{
    char line[AUTH_TEXT_MAX + AUTH_HASH_MAX + AUTH_COMMENT_MAX + 4];

    if (!auth_user_valid(user) || !auth_password_is_hash(hash) || !auth_comment_valid(comment))
        return -EINVAL;
    (void)snprintf(line, sizeof line, *comment ? "%s:%s:%s" : "%s:%s", user, hash, comment);
    return change_user(session, user, line, NEED_NONE);
}

int files_set_password(struct auth_session *session, const char *user, const char *hash)
{
    char line[AUTH_TEXT_MAX + AUTH_HASH_MAX + 2];

    if (!auth_password_is_hash(hash))
        return -EINVAL;
    if (!auth_user_valid(user))
        return -ENOENT;
    (void)snprintf(line, sizeof line, "%s:%s", user, hash);
    return change_user(session, user, line, NEED_ONE);
}

int files_remove_user(struct auth_session *session, const char *user)
{
    return auth_user_valid(user) ? change_user(session, user, NULL, NEED_ONE) : -ENOENT;
}

/* ---- certificates ---- */

/* The owner's name as far as it is plain, and of the key what makes the file's name unlike any other. */
static char *file_of(const char *folder, const uint8_t *key, const char *user)
{
    enum { NAME_MAX_ = 64, DIGITS = 33 };
    char digits[DIGITS];
    char name[NAME_MAX_ + 1];
    size_t size = 0;
    char *path;

    for (; *user && size < NAME_MAX_; user++) {
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-", *user))
            name[size++] = *user;
    }
    name[size] = '\0';
    (void)sodium_bin2hex(digits, sizeof digits, key, DIGITS / 2);
    path = malloc(strlen(folder) + sizeof name + sizeof digits + 16);
    if (path)
        (void)sprintf(path, "%s/%s-%s.cert", folder, size ? name : "key", digits);
    return path;
}

static int make_cert(curve_cert_t **cert, const uint8_t *key, const char *user, const char *comment)
{
    *cert = curve_cert_from(key, NULL);
    if (!*cert)
        return -errno;
    if ((*user && curve_cert_set_meta(*cert, "name", user) != 0) ||
        (*comment && curve_cert_set_meta(*cert, "comment", comment) != 0))
        return -errno;
    return 0;
}

static int refresh_under_lock(struct auth_backend *backend)
{
    int rc;

    (void)pthread_mutex_lock(&backend->lock);
    rc = files_refresh(backend);
    (void)pthread_mutex_unlock(&backend->lock);
    return rc;
}

static bool is_known(struct auth_backend *backend, const uint8_t *key)
{
    bool known;

    (void)pthread_mutex_lock(&backend->lock);
    known = files_certs_find(&backend->certs, key) != NULL;
    (void)pthread_mutex_unlock(&backend->lock);
    return known;
}

static int save_cert(struct auth_backend *backend, const uint8_t *key, const char *user, const curve_cert_t *cert)
{
    struct files_change change;
    char *path = file_of(backend->folder, key, user);
    int rc = path ? start(&change, backend->folder, backend->timeout) : -ENOMEM;

    if (rc == 0) {
        rc = refresh_under_lock(backend);
        if (rc == 0 && (is_known(backend, key) || faccessat(change.dir, strrchr(path, '/') + 1, F_OK, 0) == 0))
            rc = -EEXIST;
        if (rc == 0 && curve_cert_save_public(cert, path) != 0)
            rc = system_error(errno);
        finish(&change);
    }
    free(path);
    return rc;
}

int files_add_key(struct auth_session *session, const uint8_t *key, const char *user, const char *comment)
{
    curve_cert_t *cert = NULL;
    int rc;

    if ((*user && !auth_user_valid(user)) || !auth_comment_valid(comment) || sodium_is_zero(key, AUTH_KEY_SIZE))
        return -EINVAL;
    rc = make_cert(&cert, key, user, comment);
    if (rc == 0)
        rc = save_cert(session->backend, key, user, cert);
    curve_cert_destroy(&cert);
    return rc;
}

/* Takes away one file with this key. 1: there is none. */
static int remove_one(struct auth_backend *backend, int dir, const uint8_t *key)
{
    const struct files_cert *cert;
    int rc = 1;

    (void)pthread_mutex_lock(&backend->lock);
    cert = files_certs_find(&backend->certs, key);
    if (cert)
        rc = unlinkat(dir, cert->file, 0) == 0 ? 0 : system_error(errno);
    if (rc == 0) {
        char *file = strdup(cert->file);

        rc = file ? files_certs_apply(&backend->certs, backend->folder, file) : -ENOMEM;
        free(file);
    }
    (void)pthread_mutex_unlock(&backend->lock);
    return rc;
}

int files_remove_key(struct auth_session *session, const uint8_t *key)
{
    struct auth_backend *backend = session->backend;
    struct files_change change;
    unsigned removed = 0;
    int rc = start(&change, backend->folder, backend->timeout);

    if (rc)
        return rc;
    rc = refresh_under_lock(backend);
    while (rc == 0) {
        rc = remove_one(backend, change.dir, key);
        removed += rc == 0;
    }
    if (rc == 1)
        rc = !removed ? -ENOENT : fsync(change.dir) == 0 ? 0 : -errno;
    finish(&change);
    return rc;
}

/* ---- the folder itself ---- */

int files_init(const struct auth_settings *settings)
{
    const char *folder = settings->url + strlen("files:");
    int dir;
    int fd;
    int rc;

    if (!*folder)
        return -EINVAL;
    if (mkdir(folder, S_IRWXU) != 0 && errno != EEXIST)
        return -errno;
    rc = files_folder_open(folder, &dir);
    if (rc)
        return rc;
    fd = openat(dir, FILES_PASSWORDS, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (fd < 0)
        rc = errno == EEXIST ? -EEXIST : system_error(errno);
    else if (close(fd) != 0 || fsync(dir) != 0)
        rc = -errno;
    (void)close(dir);
    return rc;
}
