/* SPDX-License-Identifier: ISC */
/*
 * Back end "sqlite:PATH": tables of users and keys in a file that `ironauth init` makes. Each session has a connection of its
 * own; a lookup sees what was committed before it. Names and keys are bound to prepared statements and nothing else.
 */
#include "auth/backends/sqlite.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "auth/password.h"

enum { WATCH_PERIOD = 200 /* ms */ };

static int open_backend(const struct auth_settings *settings, struct auth_backend **backend_p, const char **error)
{
    struct auth_backend *backend = calloc(1, sizeof *backend);
    int rc = backend ? auth_sqlite_path(&backend->path, settings->url) : -ENOMEM;

    if (rc) {
        *error = "sqlite: no file is named";
        free(backend);
        return rc;
    }
    backend->timeout = settings->timeout;
    *backend_p = backend;
    return 0;
}

static void close_backend(struct auth_backend *backend)
{
    free(backend->path);
    free(backend);
}

static int begin(struct auth_backend *backend, struct auth_session **session)
{
    *session = calloc(1, sizeof **session);
    if (!*session)
        return -ENOMEM;
    (*session)->link.path = backend->path;
    (*session)->link.timeout = backend->timeout;
    return 0;
}

static void end(struct auth_session *session)
{
    auth_sqlite_link_drop(&session->link);
    free(session);
}

/* ---- lookups ---- */

/* The row whose first column is what was asked for, and only that: its second column. */
static int look_up(struct auth_sqlite_link *link, enum auth_sqlite_statement which, const char *name, char *value,
                   size_t limit)
{
    sqlite3_stmt *statement;
    const char *found;
    const char *text;
    int rc = auth_sqlite_link_ready(link);

    statement = rc == 0 ? auth_sqlite_statement(link, which, &rc) : NULL;
    if (!statement)
        return rc;
    rc = auth_sqlite_bind(statement, 1, name);
    if (rc == 0)
        rc = auth_sqlite_step(link, statement);
    if (rc != 1)
        return rc == 0 ? -ENOENT : rc == -ENOMEM || rc == -EBADMSG ? rc : -EAGAIN;
    found = auth_sqlite_text(statement, 0, AUTH_TEXT_MAX);
    text = auth_sqlite_text(statement, 1, limit);
    if (!found || strcmp(found, name) != 0 || !text)
        rc = -EBADMSG;
    else
        memcpy(value, text, strlen(text) + 1);
    if (rc == 1)
        rc = auth_sqlite_step(link, statement) == 0 ? 0 : -EBADMSG;
    if (link->db) {
        (void)sqlite3_reset(statement);
        (void)sqlite3_clear_bindings(statement);
    }
    return rc;
}

static int find_key(struct auth_session *session, const uint8_t *key, struct auth_record *record)
{
    char text[AUTH_KEY_TEXT];
    char owner[AUTH_TEXT_MAX + 1] = "";
    int rc =
        look_up(&session->link, AUTH_SQLITE_KEY_FIND, zmq_z85_encode(text, key, AUTH_KEY_SIZE), owner, AUTH_TEXT_MAX);

    if (rc == 0 && *owner && !auth_user_valid(owner))
        rc = -EBADMSG;
    if (rc)
        return rc;
    (void)snprintf(record->user_id, sizeof record->user_id, "%s", *owner ? owner : text);
    record->stamp[0] = '\0';
    return 0;
}

static int find_hash(struct auth_session *session, const char *user, char hash[AUTH_HASH_MAX])
{
    int rc =
        auth_user_valid(user) ? look_up(&session->link, AUTH_SQLITE_USER_FIND, user, hash, AUTH_HASH_MAX - 1) : -ENOENT;

    return rc == 0 && !auth_password_is_hash(hash) ? -EBADMSG : rc;
}

static void fill_record(struct auth_record *record, const char *user, const char *hash)
{
    (void)snprintf(record->user_id, sizeof record->user_id, "%s", user);
    auth_password_stamp(record->stamp, hash);
}

static int find_user(struct auth_session *session, const char *user, struct auth_record *record)
{
    char hash[AUTH_HASH_MAX];
    int rc = find_hash(session, user, hash);

    if (rc == 0)
        fill_record(record, user, hash);
    sodium_memzero(hash, sizeof hash);
    return rc;
}

static int check_password(struct auth_session *session, const char *user, const char *password,
                          struct auth_record *record)
{
    char hash[AUTH_HASH_MAX] = "";
    int rc = find_hash(session, user, hash);

    if (rc && rc != -ENOENT && rc != -EBADMSG)
        return rc;
    rc = auth_password_check(rc == -ENOENT ? NULL : rc == 0 ? hash : "", password);
    if (rc == 0)
        fill_record(record, user, hash);
    sodium_memzero(hash, sizeof hash);
    return rc;
}

/* ---- watching ---- */

/* What other connections committed changes this number, for this connection. */
static int read_data_version(struct auth_sqlite_link *link, int64_t *version)
{
    int rc = 0;
    sqlite3_stmt *statement = auth_sqlite_statement(link, AUTH_SQLITE_DATA_VERSION, &rc);

    if (!statement)
        return rc;
    rc = auth_sqlite_step(link, statement);
    if (rc != 1)
        return rc ? rc : -EBADMSG;
    *version = sqlite3_column_int64(statement, 0);
    (void)sqlite3_reset(statement);
    return 0;
}

/* 1: changed; 0: not yet; -EAGAIN: away, or of no use. */
static int look_for_change(struct auth_session *session)
{
    const sqlite3 *before = session->link.db;
    int64_t seen = session->seen;
    int rc = auth_sqlite_link_ready(&session->link);

    if (rc == 0)
        rc = read_data_version(&session->link, &session->seen);
    if (rc) {
        session->watches = false;
        return rc == -ENOMEM ? rc : -EAGAIN;
    }
    if (session->watches && before && session->link.db == before && session->seen == seen)
        return 0;
    session->watches = true;
    return 1;
}

static int watch(struct auth_session *session, int stop_fd)
{
    struct pollfd stop = {.fd = stop_fd, .events = POLLIN};
    int rc = look_for_change(session);

    while (rc == 0) {
        if (poll(&stop, 1, WATCH_PERIOD) < 0 && errno != EINTR)
            return -EAGAIN;
        if (stop.revents)
            return 0;
        rc = look_for_change(session);
    }
    return rc;
}

const struct auth_backend_ops auth_sqlite_ops = {
    .scheme = "sqlite",
    .keys = (const char *const[]){NULL},
    .open = open_backend,
    .close = close_backend,
    .begin = begin,
    .end = end,
    .find_key = find_key,
    .find_user = find_user,
    .check_password = check_password,
    .watch = watch,
    .inspect = auth_sqlite_inspect,
    .init = auth_sqlite_init,
    .add_user = auth_sqlite_add_user,
    .set_password = auth_sqlite_set_password,
    .remove_user = auth_sqlite_remove_user,
    .add_key = auth_sqlite_add_key,
    .remove_key = auth_sqlite_remove_key,
    .list = auth_sqlite_list,
};
