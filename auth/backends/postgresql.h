/* SPDX-License-Identifier: ISC */
/* PostgreSQL, between the files of this leaf: a connection that comes and goes, the statements, and the schema. */
#ifndef IH_AUTH_BACKENDS_POSTGRESQL_H
#define IH_AUTH_BACKENDS_POSTGRESQL_H

#include <libpq-fe.h>

#include "auth/backend.h"

enum { AUTH_PG_VERSION = 1 }; /* of the schema */

/* What is asked, each prepared once a connection. */
enum auth_pg_statement {
    AUTH_PG_VERSION_READ,
    AUTH_PG_KEY_READ,
    AUTH_PG_USER_READ,
    AUTH_PG_USERS_LIST,
    AUTH_PG_KEYS_LIST,
    AUTH_PG_OPEN,  /* to everybody? */
    AUTH_PG_READS, /* those above do not change anything, and may be asked twice */
    AUTH_PG_USER_ADD = AUTH_PG_READS,
    AUTH_PG_PASSWORD_SET,
    AUTH_PG_USER_REMOVE,
    AUTH_PG_KEY_ADD,
    AUTH_PG_KEY_REMOVE,
    AUTH_PG_STATEMENTS,
};

/* How to connect. Owner: the back end, or init; unchanged once it is made, hence without a lock. */
struct auth_pg_target {
    PQconninfoOption *options;   /* owns what keys and values point to, but for what is ours */
    const char **keys, **values; /* for PQconnectStartParams, NULL behind the last */
    int timeout;                 /* ms: the bound of a call */
    char limit[12];              /* the same as text */
};

/* *error: as auth_backend_ops.open's. -EINVAL, -ENOMEM. */
int auth_pg_target_make(struct auth_pg_target *target, const struct auth_settings *settings, const char **error);
void auth_pg_target_free(struct auth_pg_target *target);
bool auth_pg_target_is_open(const struct auth_pg_target *target); /* does it trust any server, by TCP? */

/* A connection. Owner: a session, or init; one thread at a time. */
struct auth_pg_link {
    const struct auth_pg_target *target;
    PGconn *conn;      /* NULL: there is none */
    int stop_fd;       /* -1, or what ends waiting with -ECANCELED */
    unsigned count;    /* of connections so far: the memory of one may be the next one's */
    unsigned prepared; /* one bit a statement */
    int64_t deadline;  /* of the call under way, ms */
    int64_t retry;     /* no attempt to connect before that */
    int pause;         /* ms after the next attempt that fails; doubles */
};

void auth_pg_link_init(struct auth_pg_link *link, const struct auth_pg_target *target);
void auth_pg_link_drop(struct auth_pg_link *link);

/* A call begins: its time runs. */
void auth_pg_link_start(struct auth_pg_link *link);

/* Connects if need be; does not look at the schema. -EAGAIN, -ENOMEM, -ECANCELED. */
int auth_pg_link_open(struct auth_pg_link *link);

/* The same, and a schema of our version must be there: -EBADMSG. */
int auth_pg_link_ready(struct auth_pg_link *link);

/* A constant text, several statements if need be. *result, if it is not NULL, gets the last one's. */
int auth_pg_link_script(struct auth_pg_link *link, const char *sql, PGresult **result);

/*
 * Connects if need be, asks, and waits until the deadline. *result is the caller's (PQclear): rows, or what was done. A
 * connection that was there before and turns out to be dead is made anew, once, if the statement only reads. -EEXIST,
 * -EINVAL (the database does not take these texts), -ENOTSUP (it may not be written), -EAGAIN, -EBADMSG, -ENOMEM, -ECANCELED.
 */
int auth_pg_link_ask(struct auth_pg_link *link, enum auth_pg_statement statement, const char *const *values,
                     PGresult **result);

/* Waits for input, or for the time (ms of the clock that deadline knows). 0: input; -ETIMEDOUT; -ECANCELED. */
int auth_pg_link_wait(struct auth_pg_link *link, short events, int64_t until);
int64_t auth_pg_now(void);

/* ---- the schema ---- */
int auth_pg_init(const struct auth_settings *settings);

/* ---- writing: auth_backend_ops's ---- */
int auth_pg_add_user(struct auth_session *session, const char *user, const char *hash, const char *comment);
int auth_pg_set_password(struct auth_session *session, const char *user, const char *hash);
int auth_pg_remove_user(struct auth_session *session, const char *user);
int auth_pg_add_key(struct auth_session *session, const uint8_t *key, const char *user, const char *comment);
int auth_pg_remove_key(struct auth_session *session, const uint8_t *key);

/* ---- for people: auth_backend_ops's ---- */
int auth_pg_list(struct auth_session *session, auth_entry_fn *fn, void *arg);
int auth_pg_inspect(struct auth_session *session, auth_tell_fn *tell, void *arg);

/* A worker's access. */
struct auth_session {
    struct auth_pg_link link;
    bool listening; /* watch: this connection hears of changes */
    int64_t beat;   /* watch: when the connection is to be tried */
};

/* A text of a row; NULL where there is none or it is longer than it may be. Lives as long as the result. */
const char *auth_pg_text(const PGresult *result, int row, int column, size_t limit);

#endif
