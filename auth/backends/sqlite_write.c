/* SPDX-License-Identifier: ISC */
/* Changing the tables, and showing them to people. */
#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "auth/backends/sqlite.h"
#include "auth/password.h"

/* Values up to the NULL are bound in order. -ENOENT: no row was changed. */
static int change(struct auth_session *session, enum auth_sqlite_statement which, const char *const *values)
{
    struct auth_sqlite_link *link = &session->link;
    sqlite3_stmt *statement;
    int rc = auth_sqlite_link_ready(link);

    statement = rc == 0 ? auth_sqlite_statement(link, which, &rc) : NULL;
    if (!statement)
        return rc;
    for (int i = 0; rc == 0 && values[i]; i++)
        rc = auth_sqlite_bind(statement, i + 1, values[i]);
    if (rc == 0)
        rc = auth_sqlite_step(link, statement);
    if (rc == 1)
        rc = -EBADMSG;
    return rc ? rc : sqlite3_changes(link->db) ? 0 : -ENOENT;
}

int auth_sqlite_add_user(struct auth_session *session, const char *user, const char *hash, const char *comment)
{
    const char *const values[] = {user, hash, comment, NULL};

    if (!auth_user_valid(user) || !auth_password_is_hash(hash) || !auth_comment_valid(comment))
        return -EINVAL;
    return change(session, AUTH_SQLITE_USER_ADD, values);
}

int auth_sqlite_set_password(struct auth_session *session, const char *user, const char *hash)
{
    const char *const values[] = {user, hash, NULL};

    if (!auth_password_is_hash(hash))
        return -EINVAL;
    return auth_user_valid(user) ? change(session, AUTH_SQLITE_PASSWORD_SET, values) : -ENOENT;
}

int auth_sqlite_remove_user(struct auth_session *session, const char *user)
{
    const char *const values[] = {user, NULL};

    return auth_user_valid(user) ? change(session, AUTH_SQLITE_USER_REMOVE, values) : -ENOENT;
}

int auth_sqlite_add_key(struct auth_session *session, const uint8_t *key, const char *user, const char *comment)
{
    char text[AUTH_KEY_TEXT];
    const char *const values[] = {zmq_z85_encode(text, key, AUTH_KEY_SIZE), user, comment, NULL};

    if ((*user && !auth_user_valid(user)) || !auth_comment_valid(comment) || sodium_is_zero(key, AUTH_KEY_SIZE))
        return -EINVAL;
    return change(session, AUTH_SQLITE_KEY_ADD, values);
}

int auth_sqlite_remove_key(struct auth_session *session, const uint8_t *key)
{
    char text[AUTH_KEY_TEXT];
    const char *const values[] = {zmq_z85_encode(text, key, AUTH_KEY_SIZE), NULL};

    return change(session, AUTH_SQLITE_KEY_REMOVE, values);
}

/* ---- for people ---- */

/* False: the row is damaged. */
static bool read_entry(sqlite3_stmt *statement, bool is_key, struct auth_entry *entry)
{
    const char *user = auth_sqlite_text(statement, 0, AUTH_TEXT_MAX);
    const char *comment = auth_sqlite_text(statement, 1, AUTH_COMMENT_MAX);
    const char *key = is_key ? auth_sqlite_text(statement, 2, AUTH_KEY_TEXT - 1) : NULL;

    *entry = (struct auth_entry){.is_key = is_key};
    if (!user || !comment || !auth_comment_valid(comment) || (!auth_user_valid(user) && (*user || !is_key)))
        return false;
    (void)snprintf(entry->user, sizeof entry->user, "%s", user);
    (void)snprintf(entry->comment, sizeof entry->comment, "%s", comment);
    return !is_key || (key && strlen(key) == AUTH_KEY_TEXT - 1 && zmq_z85_decode(entry->key, key));
}

static int list(struct auth_sqlite_link *link, bool is_key, auth_entry_fn *fn, void *arg)
{
    struct auth_entry entry;
    int rc = 0;
    sqlite3_stmt *statement = auth_sqlite_statement(link, is_key ? AUTH_SQLITE_KEYS_LIST : AUTH_SQLITE_USERS_LIST, &rc);

    while (statement && rc >= 0 && (rc = auth_sqlite_step(link, statement)) == 1)
        rc = read_entry(statement, is_key, &entry) ? fn(arg, &entry) : -EBADMSG;
    if (link->db && statement)
        (void)sqlite3_reset(statement);
    return rc;
}

int auth_sqlite_list(struct auth_session *session, auth_entry_fn *fn, void *arg)
{
    int rc = auth_sqlite_link_ready(&session->link);

    if (rc == 0)
        rc = list(&session->link, false, fn, arg);
    return rc < 0 ? rc : list(&session->link, true, fn, arg);
}

__attribute__((format(printf, 3, 4))) static void tell_line(auth_tell_fn *tell, void *arg, const char *format, ...)
{
    char line[512];
    va_list values;

    va_start(values, format);
    (void)vsnprintf(line, sizeof line, format, values);
    va_end(values);
    tell(arg, line);
}

static int inspect_rows(struct auth_sqlite_link *link, bool is_key, auth_tell_fn *tell, void *arg)
{
    struct auth_entry entry;
    int rc = 0;
    sqlite3_stmt *statement = auth_sqlite_statement(link, is_key ? AUTH_SQLITE_KEYS_LIST : AUTH_SQLITE_USERS_LIST, &rc);

    while (statement && (rc = auth_sqlite_step(link, statement)) == 1) {
        const char *hash = auth_sqlite_text(statement, 2, AUTH_HASH_MAX - 1);
        long long row = sqlite3_column_int64(statement, 3);

        if (!read_entry(statement, is_key, &entry))
            tell_line(tell, arg, "%s, row %lld: damaged", is_key ? "keys" : "users", row);
        else if (!is_key && (!hash || !auth_password_is_hash(hash)))
            tell_line(tell, arg, "users, row %lld: no Argon2id hash", row);
    }
    return rc;
}

static int inspect_file(struct auth_sqlite_link *link, auth_tell_fn *tell, void *arg)
{
    struct stat status;
    int rc = 0;
    sqlite3_stmt *statement = auth_sqlite_statement(link, AUTH_SQLITE_CHECK, &rc);

    if (stat(link->path, &status) == 0 && status.st_mode & (S_IRWXG | S_IRWXO))
        tell_line(tell, arg, "others than its owner may open it (mode %04o)", status.st_mode & 07777);
    while (statement && (rc = auth_sqlite_step(link, statement)) == 1) {
        const char *line = auth_sqlite_text(statement, 0, 400);

        if (!line || strcmp(line, "ok") != 0)
            tell_line(tell, arg, "the file is damaged: %s", line ? line : "unreadable");
    }
    return rc;
}

int auth_sqlite_inspect(struct auth_session *session, auth_tell_fn *tell, void *arg)
{
    int rc = auth_sqlite_link_ready(&session->link);

    if (rc == 0)
        rc = inspect_file(&session->link, tell, arg);
    if (rc == 0)
        rc = inspect_rows(&session->link, false, tell, arg);
    return rc ? rc : inspect_rows(&session->link, true, tell, arg);
}
