/* SPDX-License-Identifier: ISC */
/* A connection to the file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/backends/sqlite.h"

enum { PROGRESS_STEPS = 10000, LENGTH_MAX = 1 << 20 };

static const char *const texts[AUTH_SQLITE_STATEMENTS] = {
    [AUTH_SQLITE_KEY_FIND] = "SELECT key, owner FROM keys WHERE key = ?1",
    [AUTH_SQLITE_USER_FIND] = "SELECT name, hash FROM users WHERE name = ?1",
    [AUTH_SQLITE_USER_ADD] = "INSERT INTO users (name, hash, comment) VALUES (?1, ?2, ?3)",
    [AUTH_SQLITE_PASSWORD_SET] = "UPDATE users SET hash = ?2 WHERE name = ?1",
    [AUTH_SQLITE_USER_REMOVE] = "DELETE FROM users WHERE name = ?1",
    [AUTH_SQLITE_KEY_ADD] = "INSERT INTO keys (key, owner, comment) VALUES (?1, ?2, ?3)",
    [AUTH_SQLITE_KEY_REMOVE] = "DELETE FROM keys WHERE key = ?1",
    [AUTH_SQLITE_USERS_LIST] = "SELECT name, comment, hash, rowid FROM users ORDER BY name",
    [AUTH_SQLITE_KEYS_LIST] = "SELECT owner, comment, key, rowid FROM keys ORDER BY owner, key",
    [AUTH_SQLITE_DATA_VERSION] = "PRAGMA data_version",
    [AUTH_SQLITE_CHECK] = "PRAGMA quick_check(20)",
};

int auth_sqlite_path(char **path_p, const char *url)
{
    const char *path = url + strlen("sqlite:");

    if (!*path)
        return -EINVAL;
    *path_p = malloc(strlen(path) + 3);
    if (!*path_p)
        return -ENOMEM;
    (void)sprintf(*path_p, "%s%s", *path == '/' ? "" : "./", path);
    return 0;
}

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A database may hold a view that never ends. */
static int is_late(void *arg)
{
    const struct auth_sqlite_link *link = arg;

    return now_ms() >= link->deadline;
}

/* What an error of SQLite's means. Whatever is not known to pass is damage. */
static int meaning(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
        return 0;
    case SQLITE_ROW:
        return 1;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_INTERRUPT:
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL:
        return -EAGAIN;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return -EPERM;
    case SQLITE_CONSTRAINT:
        return code == SQLITE_CONSTRAINT_PRIMARYKEY ? -EEXIST : -EINVAL;
    case SQLITE_TOOBIG:
        return -EINVAL;
    default:
        return -EBADMSG;
    }
}

/* After these nothing is known of the connection. */
static int judge(struct auth_sqlite_link *link, int code)
{
    int rc = meaning(code);

    if (rc < 0 && rc != -EEXIST && rc != -EINVAL && rc != -EPERM)
        auth_sqlite_link_drop(link);
    return rc;
}

void auth_sqlite_link_drop(struct auth_sqlite_link *link)
{
    for (size_t i = 0; i < AUTH_SQLITE_STATEMENTS; i++) {
        (void)sqlite3_finalize(link->statements[i]);
        link->statements[i] = NULL;
    }
    (void)sqlite3_close(link->db);
    link->db = NULL;
}

/* What the file says is data: its views and triggers get no power over what we did not ask for. */
static int harden(struct auth_sqlite_link *link)
{
    int code = sqlite3_extended_result_codes(link->db, 1);

    if (code == SQLITE_OK)
        code = sqlite3_busy_timeout(link->db, link->timeout);
    if (code == SQLITE_OK)
        code = sqlite3_db_config(link->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_db_config(link->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_db_config(link->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
    if (code == SQLITE_OK)
        (void)sqlite3_limit(link->db, SQLITE_LIMIT_LENGTH, LENGTH_MAX);
    sqlite3_progress_handler(link->db, PROGRESS_STEPS, is_late, link);
    return code;
}

static bool is_this_file(const struct auth_sqlite_link *link, const struct stat *status)
{
    return link->dev == status->st_dev && link->ino == status->st_ino;
}

/* Without SQLITE_OPEN_CREATE: what is not there is not made. */
int auth_sqlite_link_open(struct auth_sqlite_link *link)
{
    struct stat status;
    int code;

    link->deadline = now_ms() + link->timeout;
    if (stat(link->path, &status) != 0)
        return errno == ENOMEM ? -ENOMEM : -EAGAIN;
    link->dev = status.st_dev;
    link->ino = status.st_ino;
    code = sqlite3_open_v2(link->path, &link->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK)
        code = harden(link);
    if (code == SQLITE_OK && (stat(link->path, &status) != 0 || !is_this_file(link, &status)))
        code = SQLITE_BUSY;
    if (code != SQLITE_OK)
        auth_sqlite_link_drop(link);
    return meaning(code);
}

/* A file that was taken away or replaced is still there for SQLite. */
int auth_sqlite_link_ready(struct auth_sqlite_link *link)
{
    struct stat status;
    int rc;

    link->deadline = now_ms() + link->timeout;
    if (link->db && (stat(link->path, &status) != 0 || !is_this_file(link, &status)))
        auth_sqlite_link_drop(link);
    if (link->db)
        return 0;
    rc = auth_sqlite_link_open(link);
    if (rc == 0) {
        rc = auth_sqlite_schema_check(link);
        if (rc)
            auth_sqlite_link_drop(link);
    }
    return rc == -EPERM ? -EAGAIN : rc; /* a file that may not be read is away */
}

sqlite3_stmt *auth_sqlite_statement(struct auth_sqlite_link *link, enum auth_sqlite_statement which, int *rc)
{
    if (!link->statements[which])
        *rc = judge(link, sqlite3_prepare_v3(link->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT,
                                             &link->statements[which], NULL));
    else
        *rc = 0;
    return *rc == 0 ? link->statements[which] : NULL;
}

int auth_sqlite_bind(sqlite3_stmt *statement, int index, const char *text)
{
    return meaning(sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC));
}

/* Bindings are cleared as well: they are strangers' and the caller's. */
int auth_sqlite_step(struct auth_sqlite_link *link, sqlite3_stmt *statement)
{
    int code;

    link->deadline = now_ms() + link->timeout;
    code = sqlite3_step(statement);
    if (code != SQLITE_ROW) {
        (void)sqlite3_reset(statement);
        (void)sqlite3_clear_bindings(statement);
    }
    return judge(link, code);
}

int auth_sqlite_run(struct auth_sqlite_link *link, const char *sql)
{
    return meaning(sqlite3_exec(link->db, sql, NULL, NULL, NULL));
}

int auth_sqlite_number(struct auth_sqlite_link *link, const char *sql, int64_t *number)
{
    sqlite3_stmt *statement = NULL;
    int rc = meaning(sqlite3_prepare_v2(link->db, sql, -1, &statement, NULL));

    if (rc == 0)
        rc = meaning(sqlite3_step(statement));
    if (rc == 1)
        *number = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return rc == 1 ? 0 : rc == 0 ? -EBADMSG : rc;
}

const char *auth_sqlite_text(sqlite3_stmt *statement, int column, size_t limit)
{
    const char *text;

    if (sqlite3_column_type(statement, column) != SQLITE_TEXT)
        return NULL;
    text = (const char *)sqlite3_column_text(statement, column);
    return text && strlen(text) == (size_t)sqlite3_column_bytes(statement, column) && strlen(text) <= limit ? text
                                                                                                            : NULL;
}
