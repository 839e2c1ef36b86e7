/* SPDX-License-Identifier: ISC */
/* The back end PostgreSQL: looking up, and hearing of changes. */
#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "auth/backends/postgresql.h"
#include "auth/password.h"

enum { BEAT = 1000 /* ms between two looks whether a silent connection is alive */ };

/* Immutable once it is open. Owner: who opened it. */
struct auth_backend {
    struct auth_pg_target target;
};

static int open_backend(const struct auth_settings *settings, struct auth_backend **backend_p, const char **error)
{
    struct auth_backend *backend = calloc(1, sizeof *backend);
    int rc;

    *error = "there is no memory";
    rc = backend ? auth_pg_target_make(&backend->target, settings, error) : -ENOMEM;
    if (rc) {
        free(backend);
        return rc;
    }
    *backend_p = backend;
    return 0;
}

static void close_backend(struct auth_backend *backend)
{
    auth_pg_target_free(&backend->target);
    free(backend);
}

static int begin(struct auth_backend *backend, struct auth_session **session_p)
{
    struct auth_session *session = calloc(1, sizeof *session);

    if (!session)
        return -ENOMEM;
    auth_pg_link_init(&session->link, &backend->target);
    *session_p = session;
    return 0;
}

static void end(struct auth_session *session)
{
    auth_pg_link_drop(&session->link);
    free(session);
}

/* --- looking up --------------------------------------------------------------------------------------------------- */

/* Asks for the one row of that name. A row of another name is a lie, and so is a second one. */
static int look_up(struct auth_session *session, enum auth_pg_statement statement, const char *name, PGresult **result)
{
    const char *const values[] = {name};
    const char *found;
    int rc = auth_pg_link_ask(&session->link, statement, values, result);

    if (rc)
        return rc;
    found = auth_pg_text(*result, 0, 0, AUTH_TEXT_MAX);
    if (PQntuples(*result) == 0)
        rc = -ENOENT;
    else if (PQntuples(*result) != 1 || !found || strcmp(found, name) != 0)
        rc = -EBADMSG;
    if (rc) {
        PQclear(*result);
        *result = NULL;
    }
    return rc;
}

static int find_key(struct auth_session *session, const uint8_t *key, struct auth_record *record)
{
    char text[AUTH_KEY_TEXT];
    PGresult *result;
    const char *owner;
    int rc;

    auth_pg_link_start(&session->link);
    rc = look_up(session, AUTH_PG_KEY_READ, zmq_z85_encode(text, key, AUTH_KEY_SIZE), &result);
    if (rc)
        return rc;
    owner = auth_pg_text(result, 0, 1, AUTH_TEXT_MAX);
    if (!owner || (*owner && !auth_user_valid(owner))) {
        rc = -EBADMSG;
    } else {
        *record = (struct auth_record){.stamp = ""};
        (void)snprintf(record->user_id, sizeof record->user_id, "%s", *owner ? owner : text);
    }
    PQclear(result);
    return rc;
}

/* hash: wiped by the caller. -ENOENT and others: it is empty. */
static int read_hash(struct auth_session *session, const char *user, char hash[AUTH_HASH_MAX])
{
    PGresult *result;
    const char *found;
    int rc;

    *hash = '\0';
    if (!auth_user_valid(user))
        return -ENOENT;
    auth_pg_link_start(&session->link);
    rc = look_up(session, AUTH_PG_USER_READ, user, &result);
    if (rc)
        return rc;
    found = auth_pg_text(result, 0, 1, AUTH_HASH_MAX - 1);
    if (found && auth_password_is_hash(found))
        (void)snprintf(hash, AUTH_HASH_MAX, "%s", found);
    else
        rc = -EBADMSG;
    if (PQnfields(result) > 1)
        sodium_memzero(PQgetvalue(result, 0, 1), (size_t)PQgetlength(result, 0, 1));
    PQclear(result);
    return rc;
}

static void fill_record(struct auth_record *record, const char *user, const char *hash)
{
    *record = (struct auth_record){.stamp = ""};
    (void)snprintf(record->user_id, sizeof record->user_id, "%s", user);
    auth_password_stamp(record->stamp, hash);
}

static int find_user(struct auth_session *session, const char *user, struct auth_record *record)
{
    char hash[AUTH_HASH_MAX];
    int rc = read_hash(session, user, hash);

    if (!rc)
        fill_record(record, user, hash);
    sodium_memzero(hash, sizeof hash);
    return rc;
}

static int check_password(struct auth_session *session, const char *user, const char *password,
                          struct auth_record *record)
{
    char hash[AUTH_HASH_MAX];
    int rc = read_hash(session, user, hash);

    if (!rc || rc == -ENOENT || rc == -EBADMSG)
        rc = auth_password_check(rc == -ENOENT ? NULL : hash, password);
    if (!rc)
        fill_record(record, user, hash);
    sodium_memzero(hash, sizeof hash);
    return rc;
}

/* --- changes ------------------------------------------------------------------------------------------------------ */

/* What changed before the server listened to us, nobody has told: hence "changed" whenever a connection is new. */
static int listen_anew(struct auth_session *session)
{
    int rc = auth_pg_link_ready(&session->link);

    if (!rc)
        rc = auth_pg_link_script(&session->link, "LISTEN ironauth", NULL);
    session->listening = !rc;
    session->beat = auth_pg_now() + BEAT;
    if (rc)
        auth_pg_link_drop(&session->link);
    return rc == 0 ? 1 : rc;
}

static bool take_notices(struct auth_pg_link *link)
{
    PGnotify *notice;
    bool any = false;

    while ((notice = PQnotifies(link->conn))) {
        PQfreemem(notice);
        any = true;
    }
    return any;
}

/* Does the server still answer, and is the schema still there? (Nobody is told when it is dropped.) */
static int beat(struct auth_session *session)
{
    const char *const values[] = {session->link.target->limit};
    const unsigned before = session->link.count;
    PGresult *result;
    int rc;

    rc = auth_pg_link_ask(&session->link, AUTH_PG_VERSION_READ, values, &result);
    if (!rc)
        PQclear(result);
    session->beat = auth_pg_now() + BEAT;
    if (!rc && session->link.count == before)
        return 0;
    if (rc != -ECANCELED)
        session->listening = false;
    return rc;
}

/* Until something has come: 1; -ECANCELED; or what ended the connection. */
static int hear(struct auth_session *session)
{
    struct auth_pg_link *link = &session->link;
    int rc;

    while (!take_notices(link)) {
        rc = auth_pg_link_wait(link, POLLIN, session->beat);
        if (rc == -ETIMEDOUT) {
            auth_pg_link_start(link);
            rc = beat(session);
        } else if (!rc && !PQconsumeInput(link->conn)) {
            rc = -EAGAIN;
        }
        if (rc)
            return rc;
        if (!session->listening)
            return -EAGAIN;
    }
    return 1;
}

static int watch(struct auth_session *session, int stop_fd)
{
    struct auth_pg_link *link = &session->link;
    struct pollfd stop = {.fd = stop_fd, .events = POLLIN};
    int rc;

    if (poll(&stop, 1, 0) > 0)
        return 0;
    link->stop_fd = stop_fd;
    auth_pg_link_start(link);
    rc = session->listening ? hear(session) : listen_anew(session);
    if (rc < 0 && rc != -ECANCELED && session->listening) {
        auth_pg_link_drop(link);
        session->listening = false;
        auth_pg_link_start(link);
        rc = listen_anew(session);
    }
    link->stop_fd = -1;
    return rc == 1 ? 1 : rc == -ECANCELED ? 0 : -EAGAIN;
}

static const char *const keys[] = {NULL};

extern const struct auth_backend_ops auth_postgresql_ops;
const struct auth_backend_ops auth_postgresql_ops = {
    .scheme = "postgresql",
    .keys = keys,
    .open = open_backend,
    .close = close_backend,
    .begin = begin,
    .end = end,
    .find_key = find_key,
    .find_user = find_user,
    .check_password = check_password,
    .watch = watch,
    .inspect = auth_pg_inspect,
    .init = auth_pg_init,
    .add_user = auth_pg_add_user,
    .set_password = auth_pg_set_password,
    .remove_user = auth_pg_remove_user,
    .add_key = auth_pg_add_key,
    .remove_key = auth_pg_remove_key,
    .list = auth_pg_list,
};
