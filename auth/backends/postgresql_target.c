/* SPDX-License-Identifier: ISC */
/* What a URL says about the way to a PostgreSQL server, and what it does not say. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/backends/postgresql.h"

/* What libpq does by itself is meant for people at a terminal: it takes plaintext where the server wants it so, asks a
 * Kerberos server, and waits for a dead machine for as long as the kernel does. Each of these can be written in the URL. */
static const struct {
    const char *key, *value;
} defaults[] = {
    {"sslmode", "verify-full"},   {"gssencmode", "disable"}, {"keepalives_idle", "2"},
    {"keepalives_interval", "1"}, {"keepalives_count", "3"}, {"fallback_application_name", "ironauth"},
    {"tcp_user_timeout", NULL}, /* the back end's timeout */
};

enum { DEFAULTS = sizeof defaults / sizeof defaults[0], FORCED = 1 };

/* "postgresql://..." is libpq's own; of "postgresql:host=..." the scheme is ours. */
static const char *conninfo_of(const char *url)
{
    static const char scheme[] = "postgresql:";

    if (strncmp(url, scheme, sizeof scheme - 1) != 0)
        return NULL;
    return strncmp(url + sizeof scheme - 1, "//", 2) == 0 ? url : url + sizeof scheme - 1;
}

static PQconninfoOption *parse(const char *url)
{
    const char *conninfo = conninfo_of(url);
    char *message = NULL;
    PQconninfoOption *options = conninfo ? PQconninfoParse(conninfo, &message) : NULL;

    PQfreemem(message); /* it would quote what it does not understand, which may be the password */
    return options;
}

static void put(struct auth_pg_target *target, size_t *count, const char *key, const char *value)
{
    target->keys[*count] = key;
    target->values[(*count)++] = value;
}

static bool is_given(const struct auth_pg_target *target, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(target->keys[i], key) == 0)
            return true;
    }
    return false;
}

static void fill(struct auth_pg_target *target)
{
    size_t count = 0;

    for (const PQconninfoOption *option = target->options; option->keyword; option++) {
        if (option->val && strcmp(option->keyword, "client_encoding") != 0)
            put(target, &count, option->keyword, option->val);
    }
    for (size_t i = 0; i < DEFAULTS; i++) {
        if (!is_given(target, count, defaults[i].key))
            put(target, &count, defaults[i].key, defaults[i].value ? defaults[i].value : target->limit);
    }
    put(target, &count, "client_encoding", "UTF8"); /* names are compared octet by octet */
}

int auth_pg_target_make(struct auth_pg_target *target, const struct auth_settings *settings, const char **error)
{
    size_t room = DEFAULTS + FORCED + 1;

    *target = (struct auth_pg_target){.timeout = settings->timeout};
    if (settings->timeout <= 0) {
        *error = "the time limit is not positive";
        return -EINVAL;
    }
    target->options = parse(settings->url);
    if (!target->options) {
        *error = "this is no connection string of PostgreSQL's";
        return -EINVAL;
    }
    for (const PQconninfoOption *option = target->options; option->keyword; option++)
        room++;
    (void)snprintf(target->limit, sizeof target->limit, "%d", settings->timeout);
    target->keys = calloc(room, sizeof *target->keys);
    target->values = calloc(room, sizeof *target->values);
    if (!target->keys || !target->values) {
        auth_pg_target_free(target);
        *error = "there is no memory";
        return -ENOMEM;
    }
    fill(target);
    return 0;
}

static const char *value_of(const struct auth_pg_target *target, const char *key)
{
    for (size_t i = 0; target->keys[i]; i++) {
        if (strcmp(target->keys[i], key) == 0)
            return target->values[i];
    }
    return "";
}

/* A host that begins with a slash is a folder with a socket, and so it is mostly if there is none. */
bool auth_pg_target_is_open(const struct auth_pg_target *target)
{
    const char *host = value_of(target, "host");
    bool local = *value_of(target, "hostaddr") == '\0' && (*host == '\0' || *host == '/' || *host == '@');

    return !local && strcmp(value_of(target, "sslmode"), "verify-full") != 0;
}

void auth_pg_target_free(struct auth_pg_target *target)
{
    PQconninfoFree(target->options);
    free(target->keys);
    free(target->values);
    *target = (struct auth_pg_target){0};
}
