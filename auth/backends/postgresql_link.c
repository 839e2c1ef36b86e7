/* SPDX-License-Identifier: ISC */
/* A connection to PostgreSQL whose every wait ends at a deadline. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/backends/postgresql.h"

enum {
    PAUSE_FIRST = 50, /* ms after an attempt that failed, doubled up to: */
    PAUSE_MOST = 1000,
    SQLSTATE_SIZE = 5,
};

/* Every name with its schema: who may make tables elsewhere cannot put one in front of ours. */
static const char *const statements[AUTH_PG_STATEMENTS] = {
    [AUTH_PG_VERSION_READ] = "SELECT version, set_config('statement_timeout', $1, false) FROM ironauth.version",
    [AUTH_PG_KEY_READ] = "SELECT key, owner FROM ironauth.keys WHERE key = $1",
    [AUTH_PG_USER_READ] = "SELECT name, hash FROM ironauth.users WHERE name = $1",
    [AUTH_PG_USERS_LIST] = "SELECT name, comment, hash FROM ironauth.users ORDER BY name",
    [AUTH_PG_KEYS_LIST] = "SELECT owner, comment, key FROM ironauth.keys ORDER BY owner, key",
    [AUTH_PG_OPEN] = ("SELECT has_table_privilege('public', 'ironauth.users', 'SELECT'),"
                      " has_table_privilege('public', 'ironauth.users', 'INSERT, UPDATE, DELETE, TRUNCATE') OR"
                      " has_table_privilege('public', 'ironauth.keys', 'INSERT, UPDATE, DELETE, TRUNCATE')"),
    [AUTH_PG_USER_ADD] = "INSERT INTO ironauth.users (name, hash, comment) VALUES ($1, $2, $3)",
    [AUTH_PG_PASSWORD_SET] = "UPDATE ironauth.users SET hash = $2 WHERE name = $1",
    [AUTH_PG_USER_REMOVE] = "DELETE FROM ironauth.users WHERE name = $1",
    [AUTH_PG_KEY_ADD] = "INSERT INTO ironauth.keys (key, owner, comment) VALUES ($1, $2, $3)",
    [AUTH_PG_KEY_REMOVE] = "DELETE FROM ironauth.keys WHERE key = $1",
};
static const int parameters[AUTH_PG_STATEMENTS] = {
    [AUTH_PG_VERSION_READ] = 1, [AUTH_PG_KEY_READ] = 1,    [AUTH_PG_USER_READ] = 1, [AUTH_PG_USER_ADD] = 3,
    [AUTH_PG_PASSWORD_SET] = 2, [AUTH_PG_USER_REMOVE] = 1, [AUTH_PG_KEY_ADD] = 3,   [AUTH_PG_KEY_REMOVE] = 1,
};

int64_t auth_pg_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void auth_pg_link_init(struct auth_pg_link *link, const struct auth_pg_target *target)
{
    *link = (struct auth_pg_link){.target = target, .stop_fd = -1};
}

void auth_pg_link_drop(struct auth_pg_link *link)
{
    PQfinish(link->conn);
    link->conn = NULL;
    link->prepared = 0;
}

void auth_pg_link_start(struct auth_pg_link *link)
{
    link->deadline = auth_pg_now() + link->target->timeout;
}

int auth_pg_link_wait(struct auth_pg_link *link, short events, int64_t until)
{
    struct pollfd items[] = {{.fd = PQsocket(link->conn), .events = events}, {.fd = link->stop_fd, .events = POLLIN}};

    for (;;) {
        int64_t left = until - auth_pg_now();
        int count = left > 0 ? poll(items, 2, (int)left) : 0;

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -EAGAIN;
        if (count == 0)
            return -ETIMEDOUT;
        return items[1].revents ? -ECANCELED : 0;
    }
}

/* --- connecting --------------------------------------------------------------------------------------------------- */

/* What the server has to say besides is nobody's business: it would be printed. */
static void be_silent(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}

static int dial(struct auth_pg_link *link)
{
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;

    link->conn = PQconnectStartParams(link->target->keys, link->target->values, 0);
    if (!link->conn)
        return -ENOMEM;
    (void)PQsetNoticeReceiver(link->conn, be_silent, NULL);
    if (PQstatus(link->conn) == CONNECTION_BAD)
        return -EAGAIN;
    while (status != PGRES_POLLING_OK) {
        int rc = auth_pg_link_wait(link, status == PGRES_POLLING_READING ? POLLIN : POLLOUT, link->deadline);

        if (rc)
            return rc;
        status = PQconnectPoll(link->conn);
        if (status == PGRES_POLLING_FAILED)
            return -EAGAIN;
    }
    return PQsetnonblocking(link->conn, 1) == 0 ? 0 : -EAGAIN;
}

/* A server that is away is not hammered, and nobody waits for it longer than need be. */
int auth_pg_link_open(struct auth_pg_link *link)
{
    int rc;

    if (link->conn)
        return 0;
    if (auth_pg_now() < link->retry)
        return -EAGAIN;
    rc = dial(link);
    if (!rc) {
        link->pause = 0;
        link->count++;
        return 0;
    }
    auth_pg_link_drop(link);
    if (rc == -ECANCELED || rc == -ENOMEM)
        return rc;
    link->pause = link->pause == 0 ? PAUSE_FIRST : link->pause < PAUSE_MOST / 2 ? link->pause * 2 : PAUSE_MOST;
    link->retry = auth_pg_now() + link->pause;
    return -EAGAIN;
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static bool is_state(const char *state, const char *wanted)
{
    return strncmp(state, wanted, strlen(wanted)) == 0;
}

/* Appendix A of PostgreSQL's manual. What cannot be helped by waiting is damage. */
static int error_of(const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    if (!state || strlen(state) != SQLSTATE_SIZE)
        return -EAGAIN; /* libpq's own: the connection is gone */
    if (is_state(state, "23505"))
        return -EEXIST;
    if (is_state(state, "23") || is_state(state, "22"))
        return -EINVAL;
    if (is_state(state, "25006") || is_state(state, "42501"))
        return -ENOTSUP; /* a standby; a role that may only read */
    if (is_state(state, "3F") || is_state(state, "42"))
        return -EBADMSG; /* no schema, or another one than ours */
    return -EAGAIN;
}

static int flush(struct auth_pg_link *link)
{
    for (;;) {
        int left = PQflush(link->conn);
        int rc;

        if (left <= 0)
            return left == 0 ? 0 : -EAGAIN;
        rc = auth_pg_link_wait(link, POLLIN | POLLOUT, link->deadline);
        if (rc)
            return rc;
        /* It must be read what the server says meanwhile, or both wait for each other. */
        if (!PQconsumeInput(link->conn))
            return -EAGAIN;
    }
}

static int next_result(struct auth_pg_link *link, PGresult **result)
{
    while (PQisBusy(link->conn)) {
        int rc = auth_pg_link_wait(link, POLLIN, link->deadline);

        if (rc)
            return rc;
        if (!PQconsumeInput(link->conn))
            return -EAGAIN;
    }
    *result = PQgetResult(link->conn);
    return 0;
}

/* Reads all results there are, for else the connection is of no further use. Rows before other results: the last counts. */
static int collect(struct auth_pg_link *link, PGresult **last)
{
    PGresult *result = NULL;
    int failed = 0;
    int rc = flush(link);

    *last = NULL;
    while (!rc) {
        ExecStatusType status;

        rc = next_result(link, &result);
        if (rc || !result)
            break;
        status = PQresultStatus(result);
        if (status == PGRES_FATAL_ERROR) {
            failed = failed ? failed : error_of(result);
            PQclear(result);
        } else if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
            PQclear(*last);
            *last = result;
        } else {
            PQclear(result); /* COPY and the like, which never end: nothing that we asked for */
            rc = -EPROTO;
        }
    }
    rc = rc ? rc : failed ? failed : *last ? 0 : -EAGAIN;
    if (rc) {
        PQclear(*last);
        *last = NULL;
    }
    return rc;
}

/* After an error that says something about the question, the connection is as good as before. */
static int settle(struct auth_pg_link *link, int rc)
{
    if (rc && (PQstatus(link->conn) != CONNECTION_OK || (rc != -EEXIST && rc != -EINVAL && rc != -ENOTSUP)))
        auth_pg_link_drop(link);
    return rc == -ETIMEDOUT ? -EAGAIN : rc == -EPROTO ? -EBADMSG : rc;
}

/* --- questions ---------------------------------------------------------------------------------------------------- */

int auth_pg_link_script(struct auth_pg_link *link, const char *sql, PGresult **result)
{
    PGresult *last;
    int rc = PQsendQuery(link->conn, sql) ? collect(link, &last) : -EAGAIN;

    if (rc)
        return settle(link, rc);
    if (result)
        *result = last;
    else
        PQclear(last);
    return 0;
}

static int prepare(struct auth_pg_link *link, enum auth_pg_statement statement, const char *name)
{
    PGresult *result;
    int rc;

    if (link->prepared & 1u << statement)
        return 0;
    if (!PQsendPrepare(link->conn, name, statements[statement], parameters[statement], NULL))
        return -EAGAIN;
    rc = collect(link, &result);
    if (rc)
        return rc;
    PQclear(result);
    link->prepared |= 1u << statement;
    return 0;
}

static int ask(struct auth_pg_link *link, enum auth_pg_statement statement, const char *const *values,
               PGresult **result)
{
    char name[16];
    int rc;

    *result = NULL;
    (void)snprintf(name, sizeof name, "ironauth%d", (int)statement);
    rc = prepare(link, statement, name);
    if (!rc && !PQsendQueryPrepared(link->conn, name, parameters[statement], values, NULL, NULL, 0))
        rc = -EAGAIN;
    if (!rc)
        rc = collect(link, result);
    return settle(link, rc);
}

/* The one row of the one version, in decimal. */
static int check_version(const PGresult *result)
{
    const char *text = PQntuples(result) == 1 ? auth_pg_text(result, 0, 0, SQLSTATE_SIZE) : NULL;
    char expected[12];

    (void)snprintf(expected, sizeof expected, "%d", AUTH_PG_VERSION);
    return text && strcmp(text, expected) == 0 ? 0 : -EBADMSG;
}

static int ask_version(struct auth_pg_link *link)
{
    const char *const values[] = {link->target->limit};
    PGresult *result;
    int rc = ask(link, AUTH_PG_VERSION_READ, values, &result);

    if (rc)
        return rc == -ENOTSUP ? -EBADMSG : rc;
    rc = check_version(result);
    PQclear(result);
    if (rc)
        auth_pg_link_drop(link);
    return rc;
}

/* A server that was restarted has closed our connection: it shows before anything is lost by it. */
static void drop_stale(struct auth_pg_link *link)
{
    struct pollfd item = {.events = POLLIN};

    if (!link->conn)
        return;
    item.fd = PQsocket(link->conn);
    if (poll(&item, 1, 0) != 0 && (!PQconsumeInput(link->conn) || PQstatus(link->conn) != CONNECTION_OK))
        auth_pg_link_drop(link);
}

int auth_pg_link_ready(struct auth_pg_link *link)
{
    int rc;

    if (link->conn)
        return 0;
    rc = auth_pg_link_open(link);
    return rc ? rc : ask_version(link);
}

int auth_pg_link_ask(struct auth_pg_link *link, enum auth_pg_statement statement, const char *const *values,
                     PGresult **result)
{
    bool reused;
    int rc;

    drop_stale(link);
    reused = link->conn;
    rc = auth_pg_link_ready(link);
    if (!rc)
        rc = ask(link, statement, values, result);
    if (rc && !link->conn && reused && statement < AUTH_PG_READS && rc != -ECANCELED) {
        rc = auth_pg_link_ready(link);
        if (!rc)
            rc = ask(link, statement, values, result);
    }
    if (rc == -ENOTSUP && statement < AUTH_PG_READS)
        rc = -EBADMSG;
    return rc;
}

const char *auth_pg_text(const PGresult *result, int row, int column, size_t limit)
{
    const char *text;
    size_t size;

    if (row >= PQntuples(result) || column >= PQnfields(result) || PQgetisnull(result, row, column))
        return NULL;
    text = PQgetvalue(result, row, column);
    size = (size_t)PQgetlength(result, row, column);
    return size <= limit && strlen(text) == size ? text : NULL;
}
