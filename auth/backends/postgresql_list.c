/* SPDX-License-Identifier: ISC */
/* PostgreSQL: showing the tables to people. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "auth/backends/postgresql.h"
#include "auth/password.h"

enum { KEY_TEXT = AUTH_KEY_TEXT - 1 };

/* Columns of AUTH_PG_USERS_LIST and AUTH_PG_KEYS_LIST. */
enum { OWNER, COMMENT, KEY_OR_HASH };

/* False: the row is damaged. */
static bool read_entry(const PGresult *result, int row, bool is_key, struct auth_entry *entry)
{
    const char *user = auth_pg_text(result, row, OWNER, AUTH_TEXT_MAX);
    const char *comment = auth_pg_text(result, row, COMMENT, AUTH_COMMENT_MAX);
    const char *key = is_key ? auth_pg_text(result, row, KEY_OR_HASH, KEY_TEXT) : NULL;

    *entry = (struct auth_entry){.is_key = is_key};
    if (!user || !comment || !auth_comment_valid(comment) || (!auth_user_valid(user) && (*user || !is_key)))
        return false;
    (void)snprintf(entry->user, sizeof entry->user, "%s", user);
    (void)snprintf(entry->comment, sizeof entry->comment, "%s", comment);
    return !is_key || (key && strlen(key) == KEY_TEXT && zmq_z85_decode(entry->key, key));
}

static int list(struct auth_session *session, bool is_key, auth_entry_fn *fn, void *arg)
{
    PGresult *result;
    int rc = auth_pg_link_ask(&session->link, is_key ? AUTH_PG_KEYS_LIST : AUTH_PG_USERS_LIST, NULL, &result);

    if (rc)
        return rc;
    for (int row = 0; rc >= 0 && row < PQntuples(result); row++) {
        struct auth_entry entry;

        rc = read_entry(result, row, is_key, &entry) ? fn(arg, &entry) : -EBADMSG;
    }
    PQclear(result);
    return rc < 0 ? rc : 0;
}

int auth_pg_list(struct auth_session *session, auth_entry_fn *fn, void *arg)
{
    int rc;

    auth_pg_link_start(&session->link);
    rc = list(session, false, fn, arg);
    return rc ? rc : list(session, true, fn, arg);
}

/* --- mistakes ----------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static void tell_line(auth_tell_fn *tell, void *arg, const char *format, ...)
{
    char line[512];
    va_list values;

    va_start(values, format);
    (void)vsnprintf(line, sizeof line, format, values);
    va_end(values);
    tell(arg, line);
}

static int inspect_rows(struct auth_session *session, bool is_key, auth_tell_fn *tell, void *arg)
{
    PGresult *result;
    int rc = auth_pg_link_ask(&session->link, is_key ? AUTH_PG_KEYS_LIST : AUTH_PG_USERS_LIST, NULL, &result);

    if (rc)
        return rc;
    for (int row = 0; row < PQntuples(result); row++) {
        const char *hash = auth_pg_text(result, row, KEY_OR_HASH, AUTH_HASH_MAX - 1);
        struct auth_entry entry;

        if (!read_entry(result, row, is_key, &entry))
            tell_line(tell, arg, "%s, number %d by name: damaged", is_key ? "keys" : "users", row + 1);
        else if (!is_key && (!hash || !auth_password_is_hash(hash)))
            tell_line(tell, arg, "users, \"%s\": no Argon2id hash", entry.user);
    }
    PQclear(result);
    return 0;
}

/* Who holds a role in the database, whichever, and what he may. */
static int inspect_privileges(struct auth_session *session, auth_tell_fn *tell, void *arg)
{
    static const char *const lines[] = {"everybody in the database may read the password hashes",
                                        "everybody in the database may change who gets in"};
    PGresult *result;
    int rc = auth_pg_link_ask(&session->link, AUTH_PG_OPEN, NULL, &result);

    if (rc)
        return rc;
    for (int i = 0; i < 2; i++) {
        const char *text = auth_pg_text(result, 0, i, 1);

        if (!text || strcmp(text, "f") != 0)
            tell(arg, lines[i]);
    }
    PQclear(result);
    return 0;
}

int auth_pg_inspect(struct auth_session *session, auth_tell_fn *tell, void *arg)
{
    int rc;

    auth_pg_link_start(&session->link);
    rc = inspect_privileges(session, tell, arg);
    if (!rc)
        rc = inspect_rows(session, false, tell, arg);
    if (!rc)
        rc = inspect_rows(session, true, tell, arg);
    if (!rc && auth_pg_target_is_open(session->link.target))
        tell(arg, "sslmode: the server's certificate is not checked");
    return rc;
}
