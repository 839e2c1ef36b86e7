/* SPDX-License-Identifier: ISC */
/* The tables, and how an older schema becomes one of today. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/backends/sqlite.h"

/* Each makes its version of the one before it. Texts are compared octet by octet (BINARY is what tables say of nothing). */
static const char *const migrations[] = {
    "CREATE TABLE users ("
    " name TEXT PRIMARY KEY NOT NULL CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 255),"
    " hash TEXT NOT NULL CHECK (length(CAST(hash AS BLOB)) BETWEEN 1 AND 127),"
    " comment TEXT NOT NULL DEFAULT '' CHECK (length(CAST(comment AS BLOB)) <= 255)) STRICT;"
    "CREATE TABLE keys ("
    " key TEXT PRIMARY KEY NOT NULL CHECK (length(CAST(key AS BLOB)) = 40)," /* Z85 */
    " owner TEXT NOT NULL DEFAULT '' CHECK (length(CAST(owner AS BLOB)) <= 255),"
    " comment TEXT NOT NULL DEFAULT '' CHECK (length(CAST(comment AS BLOB)) <= 255)) STRICT;",
};

_Static_assert(sizeof migrations / sizeof migrations[0] == AUTH_SQLITE_VERSION, "a version has no migration");

static int read_version(struct auth_sqlite_link *link, int64_t *application, int64_t *version)
{
    int rc = auth_sqlite_number(link, "PRAGMA application_id", application);

    return rc ? rc : auth_sqlite_number(link, "PRAGMA user_version", version);
}

int auth_sqlite_schema_check(struct auth_sqlite_link *link)
{
    int64_t application;
    int64_t version;
    int rc = read_version(link, &application, &version);

    if (rc)
        return rc;
    return application == AUTH_SQLITE_APPLICATION && version == AUTH_SQLITE_VERSION ? 0 : -EBADMSG;
}

/* A file without anything in it is not somebody else's. */
static int is_ours(struct auth_sqlite_link *link, int64_t application, int64_t version)
{
    int64_t objects;
    int rc;

    if (application == AUTH_SQLITE_APPLICATION)
        return version > 0 && version <= AUTH_SQLITE_VERSION ? 0 : -EBADMSG;
    rc = auth_sqlite_number(link, "SELECT count(*) FROM sqlite_schema", &objects);
    return rc ? rc : application == 0 && version == 0 && objects == 0 ? 0 : -EBADMSG;
}

static int migrate_from(struct auth_sqlite_link *link, int64_t version)
{
    char text[96];
    int rc = 0;

    for (int64_t i = version; rc == 0 && i < AUTH_SQLITE_VERSION; i++)
        rc = auth_sqlite_run(link, migrations[i]);
    (void)snprintf(text, sizeof text, "PRAGMA application_id = %d; PRAGMA user_version = %d", AUTH_SQLITE_APPLICATION,
                   AUTH_SQLITE_VERSION);
    if (rc == 0)
        rc = auth_sqlite_run(link, text);
    return rc ? rc : auth_sqlite_run(link, "COMMIT");
}

/* Of two at a time one waits, and finds it done. What is not committed has not happened. */
static int migrate(struct auth_sqlite_link *link)
{
    int64_t application;
    int64_t version;
    int rc = auth_sqlite_run(link, "BEGIN IMMEDIATE");

    if (rc == 0)
        rc = read_version(link, &application, &version);
    if (rc == 0)
        rc = is_ours(link, application, version);
    if (rc)
        return rc;
    return version == AUTH_SQLITE_VERSION ? -EEXIST : migrate_from(link, version);
}

/* The journal's mode cannot change within a transaction. What SQLite answers is the mode that it has now. */
static int set_mode(struct auth_sqlite_link *link)
{
    sqlite3_stmt *statement = NULL;
    const char *mode = NULL;
    int rc = -EAGAIN;

    if (sqlite3_prepare_v2(link->db, "PRAGMA journal_mode = WAL", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        mode = auth_sqlite_text(statement, 0, 16);
        rc = mode && strcmp(mode, "wal") == 0 ? 0 : -ENOTSUP;
    }
    (void)sqlite3_finalize(statement);
    return rc;
}

/* -EEXIST: there was nothing to do. */
static int make_tables(struct auth_sqlite_link *link)
{
    int made = migrate(link);
    int rc = made == -EEXIST ? auth_sqlite_run(link, "ROLLBACK") : made;

    if (rc == 0)
        rc = set_mode(link);
    return rc ? rc : made;
}

/* The file's mode is that of all that SQLite puts beside it. */
static int make_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);

    if (fd < 0)
        return errno == EEXIST ? 0 : errno == EACCES || errno == EROFS ? -EPERM : -errno;
    return close(fd) == 0 ? 0 : -errno;
}

int auth_sqlite_init(const struct auth_settings *settings)
{
    struct auth_sqlite_link link = {.timeout = settings->timeout};
    char *path;
    int rc = auth_sqlite_path(&path, settings->url);

    if (rc)
        return rc;
    link.path = path;
    rc = make_file(path);
    if (rc == 0)
        rc = auth_sqlite_link_open(&link);
    if (rc == 0)
        rc = make_tables(&link);
    auth_sqlite_link_drop(&link);
    free(path);
    return rc;
}
