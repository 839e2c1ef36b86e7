/* SPDX-License-Identifier: ISC */
/* PostgreSQL: adding and removing. */
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <zmq.h>

#include "auth/backends/postgresql.h"
#include "auth/password.h"

/* Of a change that found nothing to change: -ENOENT. */
static int change(struct auth_session *session, enum auth_pg_statement statement, const char *const *values)
{
    PGresult *result;
    int rc;

    auth_pg_link_start(&session->link);
    rc = auth_pg_link_ask(&session->link, statement, values, &result);
    if (rc)
        return rc;
    rc = strcmp(PQcmdTuples(result), "1") == 0 ? 0 : -ENOENT;
    PQclear(result);
    return rc;
}

int auth_pg_add_user(struct auth_session *session, const char *user, const char *hash, const char *comment)
{
    const char *const values[] = {user, hash, comment};

    if (!auth_user_valid(user) || !auth_password_is_hash(hash) || !auth_comment_valid(comment))
        return -EINVAL;
    return change(session, AUTH_PG_USER_ADD, values);
}

int auth_pg_set_password(struct auth_session *session, const char *user, const char *hash)
{
    const char *const values[] = {user, hash};

    if (!auth_password_is_hash(hash))
        return -EINVAL;
    return auth_user_valid(user) ? change(session, AUTH_PG_PASSWORD_SET, values) : -ENOENT;
}

int auth_pg_remove_user(struct auth_session *session, const char *user)
{
    const char *const values[] = {user};

    return auth_user_valid(user) ? change(session, AUTH_PG_USER_REMOVE, values) : -ENOENT;
}

int auth_pg_add_key(struct auth_session *session, const uint8_t *key, const char *user, const char *comment)
{
    char text[AUTH_KEY_TEXT];
    const char *const values[] = {zmq_z85_encode(text, key, AUTH_KEY_SIZE), user, comment};

    if ((*user && !auth_user_valid(user)) || !auth_comment_valid(comment) || sodium_is_zero(key, AUTH_KEY_SIZE))
        return -EINVAL;
    return change(session, AUTH_PG_KEY_ADD, values);
}

int auth_pg_remove_key(struct auth_session *session, const uint8_t *key)
{
    char text[AUTH_KEY_TEXT];
    const char *const values[] = {zmq_z85_encode(text, key, AUTH_KEY_SIZE)};

    return change(session, AUTH_PG_KEY_REMOVE, values);
}
