/* SPDX-License-Identifier: ISC */
/* Certificates in files: FILE for anyone, FILE_secret for the owner. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/z85.h"
#include "libcurve/cert.h"
#include "libcurve/draft.h"

#define SECRET_SUFFIX "_secret"

enum { PUBLIC_FILE = 1, SECRET_FILE = 2, BOTH_FILES = 3 };

/* ---- writing ---- */

/* The text in secret memory, for either file. NULL: no memory. */
static char *format(const curve_cert_t *cert, const char *secret_text)
{
    size_t size = ih_cert_format(NULL, 0, cert->public_text, secret_text, cert->meta, cert->count);
    char *text = ih_secret_alloc(size + 1);

    if (text)
        (void)ih_cert_format(text, size + 1, cert->public_text, secret_text, cert->meta, cert->count);
    return text;
}

static int write_public(const curve_cert_t *cert, int dir, const char *name, struct ih_draft *draft)
{
    char *text = format(cert, NULL);
    int error = -ENOMEM;

    if (text)
        error = ih_draft_write(draft, dir, name, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH, text, strlen(text));
    ih_secret_free(text);
    return error;
}

static int write_secret(const curve_cert_t *cert, int dir, const char *name, struct ih_draft *draft)
{
    char secret_name[IH_DRAFT_NAME_MAX + sizeof(SECRET_SUFFIX)];
    char secret_text[CURVE_KEY_TEXT];
    char *text = NULL;
    int error = -ENOMEM;

    if (strlen(name) > IH_DRAFT_NAME_MAX - strlen(SECRET_SUFFIX))
        return -ENAMETOOLONG;
    (void)snprintf(secret_name, sizeof(secret_name), "%s" SECRET_SUFFIX, name);
    (void)ih_z85_encode(secret_text, cert->secret_key, CURVE_KEY_SIZE);
    text = format(cert, secret_text);
    if (text)
        error = ih_draft_write(draft, dir, secret_name, S_IRUSR | S_IWUSR, text, strlen(text));
    ih_secret_free(text);
    sodium_memzero(secret_text, sizeof(secret_text));
    return error;
}

/* The secret file first: should the machine stop between, no key is lost. */
static int save_in(const curve_cert_t *cert, int dir, const char *name, int which)
{
    struct ih_draft drafts[2] = {{.has_draft = false}, {.has_draft = false}};
    int error = 0;

    if (which & SECRET_FILE)
        error = write_secret(cert, dir, name, &drafts[0]);
    if (error == 0 && which & PUBLIC_FILE)
        error = write_public(cert, dir, name, &drafts[1]);
    for (int i = 0; error == 0 && i < 2; i++) {
        if (drafts[i].has_draft)
            error = ih_draft_replace(&drafts[i], dir);
    }
    for (int i = 0; i < 2; i++)
        ih_draft_undo(&drafts[i], dir);
    return error ? error : ih_draft_sync(dir);
}

static int save(const curve_cert_t *cert, const char *file, int which)
{
    const char *slash = strrchr(file, '/');
    char *folder = NULL;
    int dir;
    int error;

    if (which & SECRET_FILE && !cert->secret_key)
        return -EINVAL;
    folder = slash ? strndup(file, (size_t)(slash - file) + 1) : strdup(".");
    if (!folder)
        return -ENOMEM;
    dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    error = dir < 0 ? -errno : save_in(cert, dir, slash ? slash + 1 : file, which);
    if (dir >= 0)
        (void)close(dir);
    free(folder);
    return error;
}

static int answer(int error)
{
    if (error == 0)
        return 0;
    errno = -error;
    return -1;
}

int curve_cert_save(const curve_cert_t *cert, const char *file)
{
    return answer(cert && file ? save(cert, file, BOTH_FILES) : -EFAULT);
}

int curve_cert_save_public(const curve_cert_t *cert, const char *file)
{
    return answer(cert && file ? save(cert, file, PUBLIC_FILE) : -EFAULT);
}

int curve_cert_save_secret(const curve_cert_t *cert, const char *file)
{
    return answer(cert && file ? save(cert, file, SECRET_FILE) : -EFAULT);
}

/* ---- reading ---- */

/* All of the file, up to room. */
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
    return count < 0 ? -errno : 0;
}

/* A file that is larger than it said is being written: what was read of it is no certificate yet. A text of more than the
 * limit is left to the parser, which refuses it. */
static int read_cert(int fd, curve_cert_t **cert)
{
    struct stat status;
    char *text = NULL;
    size_t size = 0;
    size_t room;
    int error;

    if (fstat(fd, &status) != 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
    room = (status.st_size < IH_CERT_TEXT_MAX ? (size_t)status.st_size : IH_CERT_TEXT_MAX) + 1;
    text = ih_secret_alloc(room);
    if (!text)
        return -ENOMEM;
    error = read_all(fd, text, room, &size);
    if (error == 0 && size == room && room <= IH_CERT_TEXT_MAX)
        error = -EINVAL;
    if (error == 0)
        error = ih_cert_parse(cert, text, size);
    if (error == 0)
        (*cert)->exposed = (*cert)->secret_key && status.st_mode & (S_IRWXG | S_IRWXO);
    ih_secret_free(text);
    return error;
}

/* O_NONBLOCK: a pipe of that name does not keep us waiting. */
static int load(const char *file, curve_cert_t **cert)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    int error;

    if (fd < 0)
        return -errno;
    error = read_cert(fd, cert);
    (void)close(fd);
    return error;
}

curve_cert_t *curve_cert_load(const char *file)
{
    curve_cert_t *cert = NULL;
    char *secret_file = NULL;
    int error;

    if (!file) {
        errno = EFAULT;
        return NULL;
    }
    secret_file = malloc(strlen(file) + sizeof(SECRET_SUFFIX));
    if (!secret_file) {
        errno = ENOMEM;
        return NULL;
    }
    (void)sprintf(secret_file, "%s" SECRET_SUFFIX, file);
    error = load(secret_file, &cert);
    if (error == -ENOENT)
        error = load(file, &cert);
    free(secret_file);
    if (error)
        errno = -error;
    return cert;
}

curve_cert_t *curve_cert_load_public(const char *file)
{
    curve_cert_t *cert = NULL;
    int error = file ? load(file, &cert) : -EFAULT;

    if (error) {
        errno = -error;
        return NULL;
    }
    ih_secret_free(cert->secret_key);
    cert->secret_key = NULL;
    cert->exposed = false;
    return cert;
}
