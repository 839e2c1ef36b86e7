/* SPDX-License-Identifier: ISC */
/* What is known of a folder's certificates: each file is read once, and again when it changed. */
#include <curve.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "auth/backends/files.h"

enum { FIRST_ROOM = 64 };

/* A file that is younger than this when it is read is read again: its clock ticks too slowly to tell of the next change. */
enum { RACY_SECONDS = 2 };

static bool is_young(const struct timespec *time, const struct timespec *now)
{
    return time->tv_sec >= now->tv_sec - RACY_SECONDS;
}

void files_identity_set(struct files_identity *identity, const struct stat *status)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    *identity = (struct files_identity){.dev = status->st_dev,
                                        .ino = status->st_ino,
                                        .size = status->st_size,
                                        .modified = status->st_mtim,
                                        .changed = status->st_ctim,
                                        .racy = is_young(&status->st_mtim, &now) || is_young(&status->st_ctim, &now)};
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool files_identity_is(const struct files_identity *identity, const struct stat *status)
{
    return identity->dev == status->st_dev && identity->ino == status->st_ino && identity->size == status->st_size &&
           is_same_time(&identity->modified, &status->st_mtim) && is_same_time(&identity->changed, &status->st_ctim);
}

/* ---- the tables ---- */

void files_certs_init(struct files_certs *certs)
{
    memset(certs, 0, sizeof *certs);
    randombytes_buf(certs->seed, sizeof certs->seed);
}

static void free_cert(struct files_cert *cert)
{
    free(cert->file);
    free(cert->user);
    free(cert->comment);
    free(cert);
}

void files_certs_fini(struct files_certs *certs)
{
    for (size_t i = 0; i < certs->room; i++) {
        while (certs->by_file[i]) {
            struct files_cert *cert = certs->by_file[i];

            certs->by_file[i] = cert->next_file;
            free_cert(cert);
        }
    }
    free(certs->by_file);
    free(certs->by_key);
}

static size_t bucket(const struct files_certs *certs, const void *data, size_t size)
{
    uint64_t hash;

    _Static_assert(sizeof hash == crypto_shorthash_BYTES, "the hash has another size");
    (void)crypto_shorthash((uint8_t *)&hash, data, size, certs->seed);
    return (size_t)(hash & (certs->room - 1));
}

static struct files_cert **file_place(const struct files_certs *certs, const char *file)
{
    struct files_cert **place = &certs->by_file[bucket(certs, file, strlen(file))];

    while (*place && strcmp((*place)->file, file) != 0)
        place = &(*place)->next_file;
    return place;
}

static void link_cert(struct files_certs *certs, struct files_cert *cert)
{
    struct files_cert **place = file_place(certs, cert->file);

    cert->next_file = *place;
    *place = cert;
    if (cert->error)
        return;
    place = &certs->by_key[bucket(certs, cert->key, sizeof cert->key)];
    cert->next_key = *place;
    *place = cert;
}

static void drop(struct files_certs *certs, struct files_cert **place)
{
    struct files_cert *cert = *place;

    *place = cert->next_file;
    place = &certs->by_key[bucket(certs, cert->key, sizeof cert->key)];
    while (*place && *place != cert)
        place = &(*place)->next_key;
    if (*place)
        *place = cert->next_key;
    free_cert(cert);
    certs->count--;
}

/* Twice as many buckets, when there are as many files. */
static int make_room(struct files_certs *certs)
{
    struct files_cert **old = certs->by_file;
    size_t old_room = certs->room;
    size_t room = old_room ? old_room * 2 : FIRST_ROOM;
    struct files_cert **by_file;
    struct files_cert **by_key;

    if (certs->count < old_room)
        return 0;
    by_file = calloc(room, sizeof(struct files_cert *));
    by_key = calloc(room, sizeof(struct files_cert *));
    if (!by_file || !by_key) {
        free(by_file);
        free(by_key);
        return -ENOMEM;
    }
    free(certs->by_key);
    certs->by_file = by_file;
    certs->by_key = by_key;
    certs->room = room;
    for (size_t i = 0; i < old_room; i++) {
        for (struct files_cert *cert = old[i], *next; cert; cert = next) {
            next = cert->next_file;
            link_cert(certs, cert);
        }
    }
    free(old);
    return 0;
}

struct files_cert *files_certs_find(const struct files_certs *certs, const uint8_t *key)
{
    struct files_cert *cert = certs->room ? certs->by_key[bucket(certs, key, AUTH_KEY_SIZE)] : NULL;

    while (cert && memcmp(cert->key, key, AUTH_KEY_SIZE) != 0)
        cert = cert->next_key;
    return cert;
}

struct files_cert *files_certs_next(const struct files_cert *cert)
{
    struct files_cert *next = cert->next_key;

    while (next && memcmp(next->key, cert->key, AUTH_KEY_SIZE) != 0)
        next = next->next_key;
    return next;
}

bool files_cert_is_same_owner(const struct files_cert *a, const struct files_cert *b)
{
    return a->user && b->user ? strcmp(a->user, b->user) == 0 : a->user == b->user;
}

/* ---- reading ---- */

/* Hidden files are drafts of programs, NAME_secret is the other half of NAME: neither counts, as for CZMQ. */
static bool is_candidate(const char *file)
{
    size_t size = strlen(file);

    return file[0] != '.' && strcmp(file, FILES_PASSWORDS) != 0 &&
           !(size >= strlen("_secret") && strcmp(file + size - strlen("_secret"), "_secret") == 0);
}

/* Whatever is not our own want is the file's fault, and throws out no other one. */
static bool is_ours(int error)
{
    return error == ENOMEM || error == EMFILE || error == ENFILE || error == EINTR || error == EAGAIN;
}

/* It stays so until the file changes; else the disk or network failed, and the file is read again with the next change. */
static bool is_lasting(int error)
{
    return error == EINVAL || error == EACCES || error == EPERM || error == EISDIR || error == ELOOP || error == ENXIO;
}

static int system_error(int error)
{
    return error == ENOMEM ? -ENOMEM : -EAGAIN;
}

static char *path_of(const char *folder, const char *file)
{
    char *path = malloc(strlen(folder) + strlen(file) + 2);

    if (path)
        (void)sprintf(path, "%s/%s", folder, file);
    return path;
}

/* As much of a longer comment as there is room for, in whole characters. */
static char *copy_comment(const char *comment)
{
    size_t size = strlen(comment);

    if (size > AUTH_COMMENT_MAX) {
        size = AUTH_COMMENT_MAX;
        while (((unsigned char)comment[size] & 0xc0) == 0x80)
            size--;
    }
    return strndup(comment, size);
}

/* A name that is none of a user's does not become one. */
static int take_meta(struct files_cert *cert, const curve_cert_t *loaded)
{
    const char *user = curve_cert_meta(loaded, "name");
    const char *comment = curve_cert_meta(loaded, "comment");

    memcpy(cert->key, curve_cert_public_key(loaded), AUTH_KEY_SIZE);
    if (user && auth_user_valid(user))
        cert->user = strdup(user);
    if (comment)
        cert->comment = copy_comment(comment);
    return (user && auth_user_valid(user) && !cert->user) || (comment && !cert->comment) ? -ENOMEM : 0;
}

static int read_cert(struct files_cert *cert, const char *path)
{
    curve_cert_t *loaded = curve_cert_load_public(path);
    int rc;

    if (!loaded) {
        cert->error = errno;
        cert->identity.racy |= !is_lasting(errno);
        return is_ours(errno) ? system_error(errno) : 0;
    }
    rc = take_meta(cert, loaded);
    curve_cert_destroy(&loaded);
    return rc;
}

static int replace(struct files_certs *certs, const char *file, const char *path, const struct stat *status,
                   bool linked)
{
    struct files_cert *cert = calloc(1, sizeof *cert);
    struct files_cert **place;
    int rc = cert ? make_room(certs) : -ENOMEM;

    if (rc == 0) {
        cert->file = strdup(file);
        files_identity_set(&cert->identity, status);
        cert->linked = linked;
        cert->round = certs->round;
        rc = cert->file ? read_cert(cert, path) : -ENOMEM;
    }
    if (rc) {
        if (cert)
            free_cert(cert);
        return rc;
    }
    place = file_place(certs, file);
    if (*place)
        drop(certs, place);
    link_cert(certs, cert);
    certs->count++;
    return 0;
}

static void forget(struct files_certs *certs, const char *file)
{
    struct files_cert **place = certs->room ? file_place(certs, file) : NULL;

    if (place && *place)
        drop(certs, place);
}

static int apply(struct files_certs *certs, const char *path, const char *file)
{
    struct stat link;
    struct stat status;
    struct files_cert *cert;

    if (lstat(path, &link) != 0 || stat(path, &status) != 0) {
        if (is_ours(errno))
            return system_error(errno);
        forget(certs, file);
        return 0;
    }
    if (!S_ISREG(status.st_mode)) {
        forget(certs, file);
        return 0;
    }
    cert = certs->room ? *file_place(certs, file) : NULL;
    if (cert && !cert->identity.racy && files_identity_is(&cert->identity, &status)) {
        cert->round = certs->round;
        return 0;
    }
    return replace(certs, file, path, &status, S_ISLNK(link.st_mode) || status.st_nlink > 1);
}

int files_certs_apply(struct files_certs *certs, const char *folder, const char *file)
{
    char *path;
    int rc;

    if (!is_candidate(file))
        return 0;
    path = path_of(folder, file);
    rc = path ? apply(certs, path, file) : -ENOMEM;
    free(path);
    return rc;
}

bool files_cert_is_fresh(const struct files_cert *cert, const char *folder)
{
    char *path = path_of(folder, cert->file);
    struct stat status;
    bool fresh = path && stat(path, &status) == 0 && files_identity_is(&cert->identity, &status);

    free(path);
    return fresh;
}

static void sweep(struct files_certs *certs)
{
    for (size_t i = 0; i < certs->room; i++) {
        struct files_cert **place = &certs->by_file[i];

        while (*place) {
            if ((*place)->round == certs->round)
                place = &(*place)->next_file;
            else
                drop(certs, place);
        }
    }
}

int files_certs_scan(struct files_certs *certs, const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry = NULL;
    int rc = 0;

    if (!dir)
        return system_error(errno);
    certs->round++;
    do {
        errno = 0;
        entry = readdir(dir);
        if (entry)
            rc = files_certs_apply(certs, folder, entry->d_name);
        else if (errno)
            rc = system_error(errno);
    } while (entry && rc == 0);
    (void)closedir(dir);
    if (rc == 0)
        sweep(certs);
    return rc;
}
