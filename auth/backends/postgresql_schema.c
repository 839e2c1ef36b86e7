/* SPDX-License-Identifier: ISC */
/* The tables, and how an older schema becomes one of today. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "auth/backends/postgresql.h"

/*
 * Version 1. Texts are compared octet by octet (COLLATE "C"), whatever the database's language. The triggers tell every
 * server at the end of each transaction; ENABLE ALWAYS: what comes by replication counts too.
 */
#define ANNOUNCED(table)                                                                      \
    "CREATE TRIGGER announce AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON ironauth." table \
    " FOR EACH STATEMENT EXECUTE FUNCTION ironauth.announce();"                               \
    "ALTER TABLE ironauth." table " ENABLE ALWAYS TRIGGER announce;"

static const char *const migrations[] = {
    "CREATE TABLE ironauth.version (version integer NOT NULL);"
    "CREATE UNIQUE INDEX version_is_one ON ironauth.version ((true));"
    "INSERT INTO ironauth.version VALUES (0);"
    "CREATE TABLE ironauth.users ("
    " name text COLLATE \"C\" PRIMARY KEY CHECK (octet_length(name) BETWEEN 1 AND 255),"
    " hash text COLLATE \"C\" NOT NULL CHECK (octet_length(hash) BETWEEN 1 AND 127),"
    " comment text COLLATE \"C\" NOT NULL DEFAULT '' CHECK (octet_length(comment) <= 255));"
    "CREATE TABLE ironauth.keys ("
    " key text COLLATE \"C\" PRIMARY KEY CHECK (octet_length(key) = 40),"
    " owner text COLLATE \"C\" NOT NULL DEFAULT '' CHECK (octet_length(owner) <= 255),"
    " comment text COLLATE \"C\" NOT NULL DEFAULT '' CHECK (octet_length(comment) <= 255));"
    "CREATE FUNCTION ironauth.announce() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog"
    " AS 'BEGIN PERFORM pg_notify(''ironauth'', ''''); RETURN NULL; END';" ANNOUNCED("users") ANNOUNCED("keys"),
};

_Static_assert(sizeof migrations / sizeof migrations[0] == AUTH_PG_VERSION, "a version has no migration");

/* One at a time, whatever the number of programs: the lock ends with the transaction. "iron" in ASCII. */
static const char begin[] = "BEGIN; SELECT pg_advisory_xact_lock(1769107310)";

static int read_number(struct auth_pg_link *link, const char *sql, int *number)
{
    PGresult *result;
    const char *text;
    char *end;
    long value;
    int rc = auth_pg_link_script(link, sql, &result);

    if (rc)
        return rc;
    text = PQntuples(result) == 1 ? auth_pg_text(result, 0, 0, 10) : NULL;
    value = text ? strtol(text, &end, 10) : -1;
    if (!text || *end || value < 0 || value > INT_MAX)
        rc = -EBADMSG;
    else
        *number = (int)value;
    PQclear(result);
    return rc;
}

/* 0: there is none, and no schema perhaps. */
static int read_version(struct auth_pg_link *link, int *version)
{
    int there = 0;
    int rc = read_number(link, "SELECT (to_regclass('ironauth.version') IS NOT NULL)::integer", &there);

    *version = 0;
    if (rc || !there)
        return rc;
    rc = read_number(link, "SELECT version FROM ironauth.version", version);
    return rc ? rc : *version ? 0 : -EBADMSG;
}

/* Who owns a schema may make tables in it, and need not be allowed to make schemas. */
static int make_schema(struct auth_pg_link *link)
{
    int there;
    int rc = read_number(link, "SELECT (to_regnamespace('ironauth') IS NOT NULL)::integer", &there);

    return rc || there ? rc : auth_pg_link_script(link, "CREATE SCHEMA ironauth", NULL);
}

static int migrate(struct auth_pg_link *link)
{
    int version;
    int rc = auth_pg_link_script(link, begin, NULL);

    if (!rc)
        rc = read_version(link, &version);
    if (rc)
        return rc;
    if (version >= AUTH_PG_VERSION)
        return version == AUTH_PG_VERSION ? -EEXIST : -EBADMSG;
    if (version == 0)
        rc = make_schema(link);
    for (int i = version; !rc && i < AUTH_PG_VERSION; i++) {
        rc = auth_pg_link_script(link, migrations[i], NULL);
        if (!rc)
            rc = auth_pg_link_script(link, "UPDATE ironauth.version SET version = version + 1", NULL);
    }
    return rc ? rc : auth_pg_link_script(link, "COMMIT", NULL);
}

/* What is not committed when the connection ends has not happened. */
int auth_pg_init(const struct auth_settings *settings)
{
    struct auth_pg_target target;
    struct auth_pg_link link;
    const char *error;
    int rc = auth_pg_target_make(&target, settings, &error);

    if (rc)
        return rc;
    auth_pg_link_init(&link, &target);
    auth_pg_link_start(&link);
    rc = auth_pg_link_open(&link);
    if (!rc)
        rc = migrate(&link);
    auth_pg_link_drop(&link);
    auth_pg_target_free(&target);
    return rc;
}
