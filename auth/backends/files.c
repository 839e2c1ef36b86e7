/* SPDX-License-Identifier: ISC */
/*
 * Back end "files:FOLDER": a client key is let in if a file of the folder is its certificate (zcert_save(3),
 * curve_cert(3)); users are the lines of FOLDER/passwords, if there is such a file.
 *
 * Changes count from the next lookup on. inotify tells of each of them: before a lookup the notices are taken, and what they
 * name is looked at again. Where inotify does not reach, the file that lets somebody in is compared with what was read.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>
#include <zmq.h>

#include "auth/backends/files.h"
#include "auth/password.h"

enum { WATCH_PERIOD = 250 /* ms */, ATTEMPTS = 3 };

enum {
    NOTICES = IN_CREATE | IN_DELETE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO |
              IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR,
    LOST = IN_Q_OVERFLOW | IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT,
};

static const char *folder_of(const char *url)
{
    return url + strlen("files:");
}

static int open_backend(const struct auth_settings *settings, struct auth_backend **backend_p, const char **error)
{
    struct auth_backend *backend;

    if (!*folder_of(settings->url)) {
        *error = "files: no folder is named";
        return -EINVAL;
    }
    backend = calloc(1, sizeof *backend);
    if (backend)
        backend->folder = strdup(folder_of(settings->url));
    if (!backend || !backend->folder || sodium_init() < 0 || pthread_mutex_init(&backend->lock, NULL) != 0) {
        if (backend)
            free(backend->folder);
        free(backend);
        return -ENOMEM;
    }
    backend->timeout = settings->timeout;
    backend->notify = backend->watch = -1;
    files_certs_init(&backend->certs);
    files_users_init(&backend->users);
    *backend_p = backend;
    return 0;
}

static void close_backend(struct auth_backend *backend)
{
    if (backend->notify >= 0)
        (void)close(backend->notify);
    files_certs_fini(&backend->certs);
    files_users_fini(&backend->users);
    (void)pthread_mutex_destroy(&backend->lock);
    free(backend->folder);
    free(backend);
}

static int begin(struct auth_backend *backend, struct auth_session **session)
{
    *session = calloc(1, sizeof **session);
    if (!*session)
        return -ENOMEM;
    (*session)->backend = backend;
    (*session)->notify = -1;
    return 0;
}

static void end(struct auth_session *session)
{
    if (session->notify >= 0)
        (void)close(session->notify);
    free(session);
}

/* ---- what is fresh ---- */

int files_folder_open(const char *folder, int *dir)
{
    *dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *dir >= 0 ? 0 : errno == ENOMEM ? -ENOMEM : -EAGAIN;
}

static bool is_same_folder(const struct files_identity *identity, const struct stat *status)
{
    return identity->dev == status->st_dev && identity->ino == status->st_ino;
}

/* Calls fn for each notice until it returns something else than 0; false for the end of it. */
typedef int(notice_fn)(void *arg, const struct inotify_event *event);

static int take_notices(int notify, notice_fn *fn, void *arg)
{
    _Alignas(struct inotify_event) char buffer[16384];
    ssize_t size;
    int rc = 0;

    while ((size = read(notify, buffer, sizeof buffer)) > 0) {
        for (ssize_t at = 0; at < size && rc >= 0;) {
            const struct inotify_event *event = (const struct inotify_event *)(const void *)(buffer + at);
            int one = fn(arg, event);

            rc = one < 0 || rc == 0 ? one : rc;
            at += (ssize_t)(sizeof *event + event->len);
        }
        if (rc < 0)
            return rc;
    }
    return size < 0 && errno != EAGAIN && errno != EINTR ? -EAGAIN : rc;
}

/* 1: this notice said what changed. Notices of a folder watched before count as well: they do no harm. */
static int apply_notice(void *arg, const struct inotify_event *event)
{
    struct auth_backend *backend = arg;
    int rc = 0;

    if (event->mask & IN_IGNORED && event->wd != backend->watch)
        return 0;
    if (event->mask & LOST || event->len == 0)
        backend->whole = false;
    else
        rc = files_certs_apply(&backend->certs, backend->folder, event->name);
    if (rc)
        backend->whole = false;
    return rc ? rc : 1;
}

/* Watches first, then reads: what changes meanwhile is noticed. */
static int watch_and_scan(struct auth_backend *backend, struct stat *before)
{
    int watch;

    if (backend->notify < 0)
        backend->notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    watch = backend->notify < 0 ? -1 : inotify_add_watch(backend->notify, backend->folder, NOTICES);
    if (backend->watch >= 0 && backend->watch != watch)
        (void)inotify_rm_watch(backend->notify, backend->watch);
    backend->watch = watch;
    if (stat(backend->folder, before) != 0)
        return -EAGAIN;
    return files_certs_scan(&backend->certs, backend->folder);
}

/* Once more if another folder took its place meanwhile. */
static int rescan(struct auth_backend *backend)
{
    struct stat before;
    struct stat after;

    for (int i = 0; i < ATTEMPTS; i++) {
        int rc = watch_and_scan(backend, &before);

        if (rc)
            return rc;
        if (stat(backend->folder, &after) != 0)
            return -EAGAIN;
        files_identity_set(&backend->identity, &before);
        if (is_same_folder(&backend->identity, &after)) {
            backend->whole = backend->watch >= 0;
            return 0;
        }
    }
    return -EAGAIN;
}

int files_refresh(struct auth_backend *backend)
{
    struct stat status;
    int rc = 0;

    if (stat(backend->folder, &status) != 0 || !S_ISDIR(status.st_mode)) {
        backend->whole = false;
        return -EAGAIN;
    }
    if (backend->whole && is_same_folder(&backend->identity, &status)) {
        rc = take_notices(backend->notify, apply_notice, backend);
        if (rc < 0) {
            backend->whole = false;
            return rc;
        }
        if (backend->whole && (rc > 0 || files_identity_is(&backend->identity, &status))) {
            files_identity_set(&backend->identity, &status);
            return 0;
        }
    }
    backend->whole = false;
    return rescan(backend);
}

/* ---- lookups ---- */

static void name_owner(struct auth_record *record, const struct files_cert *cert)
{
    char text[AUTH_KEY_TEXT];

    (void)snprintf(record->user_id, sizeof record->user_id, "%s",
                   cert->user ? cert->user : zmq_z85_encode(text, cert->key, AUTH_KEY_SIZE));
    record->stamp[0] = '\0';
}

/* 1: a file with this key is not what was read; it was looked at again. */
static int look_again(struct auth_backend *backend, const uint8_t *key)
{
    for (const struct files_cert *cert = files_certs_find(&backend->certs, key); cert; cert = files_certs_next(cert)) {
        char *file;
        int rc;

        if (files_cert_is_fresh(cert, backend->folder))
            continue;
        file = strdup(cert->file);
        rc = file ? files_certs_apply(&backend->certs, backend->folder, file) : -ENOMEM;
        free(file);
        backend->noticed++;
        return rc ? rc : 1;
    }
    return 0;
}

static int look_up(struct auth_backend *backend, const uint8_t *key, struct auth_record *record)
{
    const struct files_cert *cert;
    int rc = files_refresh(backend);

    for (int i = 0; rc == 0 && i < ATTEMPTS; i++) {
        rc = look_again(backend, key);
        if (rc == 0)
            break;
        rc = rc < 0 ? rc : i + 1 < ATTEMPTS ? 0 : -EAGAIN;
    }
    if (rc)
        return rc;
    cert = files_certs_find(&backend->certs, key);
    if (!cert)
        return -ENOENT;
    for (const struct files_cert *next = files_certs_next(cert); next; next = files_certs_next(next)) {
        if (!files_cert_is_same_owner(cert, next))
            return -EBADMSG;
    }
    name_owner(record, cert);
    return 0;
}

static int find_key(struct auth_session *session, const uint8_t *key, struct auth_record *record)
{
    struct auth_backend *backend = session->backend;
    int rc;

    (void)pthread_mutex_lock(&backend->lock);
    rc = look_up(backend, key, record);
    (void)pthread_mutex_unlock(&backend->lock);
    return rc;
}

int files_refresh_users(struct auth_backend *backend)
{
    int dir;
    int rc = files_folder_open(backend->folder, &dir);

    if (rc)
        return rc;
    rc = files_users_refresh(&backend->users, dir);
    (void)close(dir);
    return rc;
}

/* The user's hash, copied out of the lock's reach. */
static int find_hash(struct auth_backend *backend, const char *name, char hash[AUTH_HASH_MAX])
{
    const struct files_user *user;
    int rc;

    (void)pthread_mutex_lock(&backend->lock);
    rc = files_refresh_users(backend);
    if (rc == 0)
        rc = files_users_find(&backend->users, name, &user);
    if (rc == 0)
        memcpy(hash, user->hash, strlen(user->hash) + 1);
    (void)pthread_mutex_unlock(&backend->lock);
    return rc;
}

static void fill_record(struct auth_record *record, const char *user, const char *hash)
{
    (void)snprintf(record->user_id, sizeof record->user_id, "%s", user);
    auth_password_stamp(record->stamp, hash);
}

static int find_user(struct auth_session *session, const char *user, struct auth_record *record)
{
    char hash[AUTH_HASH_MAX];
    int rc = find_hash(session->backend, user, hash);

    if (rc == 0)
        fill_record(record, user, hash);
    sodium_memzero(hash, sizeof hash);
    return rc;
}

static int check_password(struct auth_session *session, const char *user, const char *password,
                          struct auth_record *record)
{
    char hash[AUTH_HASH_MAX] = "";
    int rc = find_hash(session->backend, user, hash);

    if (rc && rc != -ENOENT && rc != -EBADMSG)
        return rc;
    rc = auth_password_check(rc == -ENOENT ? NULL : hash, password);
    if (rc == 0)
        fill_record(record, user, hash);
    sodium_memzero(hash, sizeof hash);
    return rc;
}

/* ---- watching ---- */

/* 1: something that counts. Drafts and the lock file are hidden. */
static int is_change(void *arg, const struct inotify_event *event)
{
    (void)arg;
    return event->mask & LOST || event->len == 0 || event->name[0] != '.';
}

static void stat_passwords(const struct auth_session *session, struct stat *status)
{
    char path[4096];

    if ((size_t)snprintf(path, sizeof path, "%s/" FILES_PASSWORDS, session->backend->folder) >= sizeof path ||
        stat(path, status) != 0)
        memset(status, 0, sizeof *status);
}

static void remember(struct auth_session *session, const struct stat *folder)
{
    struct stat passwords;

    stat_passwords(session, &passwords);
    files_identity_set(&session->folder, folder);
    files_identity_set(&session->passwords, &passwords);
}

static int disarm(struct auth_session *session)
{
    (void)close(session->notify);
    session->notify = -1;
    return -EAGAIN;
}

static int arm(struct auth_session *session)
{
    struct stat status;

    session->notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (session->notify < 0)
        return -EAGAIN;
    if (inotify_add_watch(session->notify, session->backend->folder, NOTICES) < 0 ||
        stat(session->backend->folder, &status) != 0)
        return disarm(session);
    remember(session, &status);
    return 1;
}

/* What inotify does not tell: of files that are linked to from here, and what lookups found. */
static bool is_changed_elsewhere(struct auth_session *session)
{
    struct auth_backend *backend = session->backend;
    bool changed;

    (void)pthread_mutex_lock(&backend->lock);
    changed = backend->noticed != session->noticed;
    for (size_t i = 0; !changed && backend->whole && i < backend->certs.room; i++) {
        for (const struct files_cert *cert = backend->certs.by_file[i]; cert && !changed; cert = cert->next_file)
            changed = cert->linked && !files_cert_is_fresh(cert, backend->folder);
    }
    if (changed)
        backend->whole = false;
    session->noticed = backend->noticed;
    (void)pthread_mutex_unlock(&backend->lock);
    return changed;
}

/* 1: changed; 0: not yet; -EAGAIN: away. */
static int look_for_change(struct auth_session *session)
{
    struct stat folder;
    struct stat passwords;
    bool changed;
    int rc;

    if (stat(session->backend->folder, &folder) != 0 || !S_ISDIR(folder.st_mode))
        return disarm(session);
    if (!is_same_folder(&session->folder, &folder)) {
        (void)disarm(session);
        return arm(session);
    }
    rc = take_notices(session->notify, is_change, session);
    stat_passwords(session, &passwords);
    changed =
        rc != 0 || !files_identity_is(&session->folder, &folder) || !files_identity_is(&session->passwords, &passwords);
    remember(session, &folder);
    return changed || is_changed_elsewhere(session);
}

static int watch(struct auth_session *session, int stop_fd)
{
    int rc = 0;

    if (session->notify < 0)
        return arm(session);
    while (rc == 0) {
        struct pollfd polls[] = {{.fd = stop_fd, .events = POLLIN}, {.fd = session->notify, .events = POLLIN}};

        if (poll(polls, 2, WATCH_PERIOD) < 0 && errno != EINTR)
            return -EAGAIN;
        if (polls[0].revents)
            return 0;
        rc = look_for_change(session);
    }
    return rc;
}

const struct auth_backend_ops auth_files_ops = {
    .scheme = "files",
    .keys = (const char *const[]){NULL},
    .open = open_backend,
    .close = close_backend,
    .begin = begin,
    .end = end,
    .find_key = find_key,
    .find_user = find_user,
    .check_password = check_password,
    .watch = watch,
    .inspect = files_inspect,
    .init = files_init,
    .add_user = files_add_user,
    .set_password = files_set_password,
    .remove_user = files_remove_user,
    .add_key = files_add_key,
    .remove_key = files_remove_key,
    .list = files_list,
};
