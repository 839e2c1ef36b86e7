/* SPDX-License-Identifier: ISC */
/* PostgreSQL: adding, removing and listing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "auth/backends/postgresql.h"

enum { KEY_TEXT = AUTH_KEY_TEXT - 1 };

static bool is_comment(const char *comment)
{
    return !comment || strnlen(comment, AUTH_COMMENT_MAX + 1) <= AUTH_COMMENT_MAX;
}

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
    const char *const values[] = {user, hash, comment ? comment : ""};

    return auth_user_valid(user) && is_comment(comment) ? change(session, AUTH_PG_USER_ADD, values) : -EINVAL;
}

int auth_pg_set_password(struct auth_session *session, const char *user, const char *hash)
{
    const char *const values[] = {user, hash};

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
    const char *const values[] = {zmq_z85_encode(text, key, AUTH_KEY_SIZE), user ? user : "", comment ? comment : ""};

    if ((user && *user && !auth_user_valid(user)) || !is_comment(comment))
        return -EINVAL;
    return change(session, AUTH_PG_KEY_ADD, values);
}

int auth_pg_remove_key(struct auth_session *session, const uint8_t *key)
{
    char text[AUTH_KEY_TEXT];
    const char *const values[] = {zmq_z85_encode(text, key, AUTH_KEY_SIZE)};

    return change(session, AUTH_PG_KEY_REMOVE, values);
}

/* --- listing ------------------------------------------------------------------------------------------------------ */

static int take_user(const PGresult *result, int row, struct auth_entry *entry)
{
    const char *user = auth_pg_text(result, row, 0, AUTH_TEXT_MAX);
    const char *comment = auth_pg_text(result, row, 1, AUTH_COMMENT_MAX);

    if (!user || !comment)
        return -EBADMSG;
    *entry = (struct auth_entry){.is_key = false};
    strcpy(entry->user, user);
    strcpy(entry->comment, comment);
    return 0;
}

static int take_key(const PGresult *result, int row, struct auth_entry *entry)
{
    const char *key = auth_pg_text(result, row, 0, KEY_TEXT);
    const char *user = auth_pg_text(result, row, 1, AUTH_TEXT_MAX);
    const char *comment = auth_pg_text(result, row, 2, AUTH_COMMENT_MAX);

    *entry = (struct auth_entry){.is_key = true};
    if (!key || strlen(key) != KEY_TEXT || !user || !comment || !zmq_z85_decode(entry->key, key))
        return -EBADMSG;
    strcpy(entry->user, user);
    strcpy(entry->comment, comment);
    return 0;
}

static int list(struct auth_session *session, enum auth_pg_statement statement, auth_entry_fn *fn, void *arg)
{
    PGresult *result;
    int rc = auth_pg_link_ask(&session->link, statement, NULL, &result);

    if (rc)
        return rc;
    for (int row = 0; !rc && row < PQntuples(result); row++) {
        struct auth_entry entry;

        rc = statement == AUTH_PG_USERS_LIST ? take_user(result, row, &entry) : take_key(result, row, &entry);
        if (!rc)
            rc = fn(arg, &entry);
        rc = rc < 0 ? rc : 0;
    }
    PQclear(result);
    return rc;
}

int auth_pg_list(struct auth_session *session, auth_entry_fn *fn, void *arg)
{
    int rc;

    auth_pg_link_start(&session->link);
    rc = list(session, AUTH_PG_USERS_LIST, fn, arg);
    return rc ? rc : list(session, AUTH_PG_KEYS_LIST, fn, arg);
}
