/* SPDX-License-Identifier: ISC */
/*
 * The back end "files", between its own files: a folder of certificates, and in it the file "passwords".
 *
 *   files.c        the back end: what is fresh, lookups, watching
 *   files_certs.c  what is known of the folder's certificates
 *   files_users.c  what is known of the passwords file
 *   files_list.c   listing both, and what is wrong with them
 *   files_write.c  changing both
 */
#ifndef IH_AUTH_BACKENDS_FILES_H
#define IH_AUTH_BACKENDS_FILES_H

#include <pthread.h>
#include <sodium.h>
#include <sys/stat.h>

#include "auth/backend.h"

#define FILES_PASSWORDS "passwords"

/* Which content of which file was read. racy: it was so young then that it may have changed since without a new time. */
struct files_identity {
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec modified, changed;
    bool racy;
};

void files_identity_set(struct files_identity *identity, const struct stat *status);

/* False if in doubt. */
bool files_identity_is(const struct files_identity *identity, const struct stat *status);

/* A file in the folder. Owner: the certs. */
struct files_cert {
    char *file;
    struct files_identity identity;
    int error;   /* why it does not count: EINVAL: no certificate; EACCES ...; 0: it counts, and has a key */
    bool linked; /* its content may change without a change of the folder */
    uint8_t key[AUTH_KEY_SIZE];
    char *user;     /* the owner, NULL: none that is a name */
    char *comment;  /* or NULL */
    unsigned round; /* the scan that saw it last */
    struct files_cert *next_file, *next_key;
};

/* All files of the folder, by name and by key. Owner: the back end, its lock. */
struct files_certs {
    struct files_cert **by_file, **by_key; /* room buckets each */
    size_t room, count;
    unsigned round;
    uint8_t seed[crypto_shorthash_KEYBYTES];
};

void files_certs_init(struct files_certs *certs);
void files_certs_fini(struct files_certs *certs);

/* Looks at all files of the folder, and reads those that changed. -EAGAIN: some could not be looked at. */
int files_certs_scan(struct files_certs *certs, const char *folder);

/* Looks at one of them, which may have come, changed or gone. */
int files_certs_apply(struct files_certs *certs, const char *folder, const char *file);

/* The first file with this key, and the next one; NULL: none. */
struct files_cert *files_certs_find(const struct files_certs *certs, const uint8_t *key);
struct files_cert *files_certs_next(const struct files_cert *cert);

bool files_cert_is_same_owner(const struct files_cert *a, const struct files_cert *b);

/* Is the file still what was read? */
bool files_cert_is_fresh(const struct files_cert *cert, const char *folder);

/* A line of the passwords file. Owner: the users. */
struct files_user {
    char *name; /* NULL: the line has none */
    char *hash; /* "" if the line is damaged */
    char *comment;
    unsigned line;
    struct files_user *next;
};

/* The passwords file. Owner: the back end, its lock. */
struct files_users {
    bool known; /* identity and mode are those of the file read */
    mode_t mode;
    struct files_identity identity;
    struct files_user *all, **by_name; /* room buckets */
    size_t count, room;
    uint8_t seed[crypto_shorthash_KEYBYTES];
};

enum { FILES_PASSWORDS_MAX = 64 << 20 }; /* octets */

void files_users_init(struct files_users *users);
void files_users_fini(struct files_users *users);

/* Reads the file if it changed; none is one without users. -EAGAIN: it cannot be read. */
int files_users_refresh(struct files_users *users, int dir);

/* -ENOENT; -EBADMSG: the line is damaged, or there are two. */
int files_users_find(const struct files_users *users, const char *name, const struct files_user **user);

/* The passwords file's text, malloc'ed and ended by NUL; "" if there is none. status: of the file, st_nlink 0 without one. */
int files_users_read(int dir, char **text, size_t *size, struct stat *status);

/* Takes the first line off text. name: the user's, up to the colon or the end. */
struct files_line {
    const char *data;
    size_t size, name_size;
};
struct files_line files_users_line(const char **text, size_t *size);

/* Owner: who opened it; its sessions use it at the same time. */
struct auth_backend {
    char *folder;
    int timeout;
    pthread_mutex_t lock; /* for all below; held for short file operations, and over a scan */
    struct files_certs certs;
    struct files_users users;
    bool whole; /* certs are those of the folder with this identity, and notify tells of changes */
    struct files_identity identity;
    int notify, watch; /* inotify, -1: none */
    unsigned noticed;  /* changes that inotify did not tell, but a lookup found */
};

/* One thread at a time. */
struct auth_session {
    struct auth_backend *backend;
    int notify; /* of watch(), -1 before its first call and while the folder is away */
    struct files_identity folder, passwords;
    unsigned noticed;
};

/* Opens the folder: -EAGAIN if there is none, or it may not be read. */
int files_folder_open(const char *folder, int *dir);

/* Certificates are what the folder holds now. Under the lock. */
int files_refresh(struct auth_backend *backend);

/* Users are what the passwords file holds now. Under the lock. */
int files_refresh_users(struct auth_backend *backend);

int files_list(struct auth_session *session, auth_entry_fn *fn, void *arg);
int files_inspect(struct auth_session *session, auth_tell_fn *tell, void *arg);

int files_init(const struct auth_settings *settings);
int files_add_user(struct auth_session *session, const char *user, const char *hash, const char *comment);
int files_set_password(struct auth_session *session, const char *user, const char *hash);
int files_remove_user(struct auth_session *session, const char *user);
int files_add_key(struct auth_session *session, const uint8_t *key, const char *user, const char *comment);
int files_remove_key(struct auth_session *session, const uint8_t *key);

#endif
