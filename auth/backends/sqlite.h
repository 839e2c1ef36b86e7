/* SPDX-License-Identifier: ISC */
/*
 * The back end "sqlite", between its own files.
 *
 *   sqlite.c         the back end: lookups, watching
 *   sqlite_link.c    a connection to the file: opening, statements, what errors mean
 *   sqlite_schema.c  the tables, and how older ones become those of today
 *   sqlite_write.c   changing, listing, inspecting
 */
#ifndef IH_AUTH_BACKENDS_SQLITE_H
#define IH_AUTH_BACKENDS_SQLITE_H

#include <sqlite3.h>
#include <sys/stat.h>

#include "auth/backend.h"

enum { AUTH_SQLITE_VERSION = 1, AUTH_SQLITE_APPLICATION = 0x69726f6e /* "iron" */ };

enum auth_sqlite_statement {
    AUTH_SQLITE_KEY_FIND,
    AUTH_SQLITE_USER_FIND,
    AUTH_SQLITE_USER_ADD,
    AUTH_SQLITE_PASSWORD_SET,
    AUTH_SQLITE_USER_REMOVE,
    AUTH_SQLITE_KEY_ADD,
    AUTH_SQLITE_KEY_REMOVE,
    AUTH_SQLITE_USERS_LIST,
    AUTH_SQLITE_KEYS_LIST,
    AUTH_SQLITE_DATA_VERSION,
    AUTH_SQLITE_CHECK,
    AUTH_SQLITE_STATEMENTS,
};

/* Owner: who opened it; nothing in it changes. */
struct auth_backend {
    char *path; /* begins with '/' or "./": no name has a meaning to SQLite */
    int timeout;
};

/* A connection to the file, and to this very file. Owner: a session, or a call. All zero is a closed one. */
struct auth_sqlite_link {
    const char *path;
    int timeout;
    sqlite3 *db; /* NULL: not connected */
    dev_t dev;
    ino_t ino;
    int64_t deadline; /* ms, of the call under way */
    sqlite3_stmt *statements[AUTH_SQLITE_STATEMENTS];
};

/* One thread at a time. */
struct auth_session {
    struct auth_sqlite_link link;
    bool watches;
    int64_t seen; /* data_version */
};

/* "sqlite:PATH" as SQLite is to be told; malloc'ed. -EINVAL: no path. */
int auth_sqlite_path(char **path, const char *url);

/* Readies the connection for a call: connects, again if the file is another one now. -EAGAIN: there is no file, or it cannot
 * be opened; -EBADMSG: it is no database of this version. */
int auth_sqlite_link_ready(struct auth_sqlite_link *link);
void auth_sqlite_link_drop(struct auth_sqlite_link *link);

/* Connects without a look at the schema. */
int auth_sqlite_link_open(struct auth_sqlite_link *link);

/* The statement, ready to be bound and stepped; NULL: *rc says why. Bound texts are the caller's until it is reset. */
sqlite3_stmt *auth_sqlite_statement(struct auth_sqlite_link *link, enum auth_sqlite_statement which, int *rc);
int auth_sqlite_bind(sqlite3_stmt *statement, int index, const char *text);

/* 1: a row; 0: no more; or what the error means. Resets the statement unless there is a row. */
int auth_sqlite_step(struct auth_sqlite_link *link, sqlite3_stmt *statement);

/* Runs a text of ours without results. */
int auth_sqlite_run(struct auth_sqlite_link *link, const char *sql);

/* The one number that a text of ours gives. */
int auth_sqlite_number(struct auth_sqlite_link *link, const char *sql, int64_t *number);

/* A text of at most limit octets, without NUL inside, of the row; NULL: it is none. Lives until the next step. */
const char *auth_sqlite_text(sqlite3_stmt *statement, int column, size_t limit);

/* -EBADMSG: the file is no database of ours, or of another version. */
int auth_sqlite_schema_check(struct auth_sqlite_link *link);

int auth_sqlite_init(const struct auth_settings *settings);
int auth_sqlite_add_user(struct auth_session *session, const char *user, const char *hash, const char *comment);
int auth_sqlite_set_password(struct auth_session *session, const char *user, const char *hash);
int auth_sqlite_remove_user(struct auth_session *session, const char *user);
int auth_sqlite_add_key(struct auth_session *session, const uint8_t *key, const char *user, const char *comment);
int auth_sqlite_remove_key(struct auth_session *session, const uint8_t *key);
int auth_sqlite_list(struct auth_session *session, auth_entry_fn *fn, void *arg);
int auth_sqlite_inspect(struct auth_session *session, auth_tell_fn *tell, void *arg);

#endif
