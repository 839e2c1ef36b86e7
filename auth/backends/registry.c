/* SPDX-License-Identifier: ISC */
/* Which back ends there are, and what all of them agree on. */
#include <string.h>

#include "auth/backend.h"
#include "auth/text.h"

struct scheme {
    const char *name;
    const struct auth_backend_ops *ops;
};

extern const struct auth_backend_ops auth_files_ops;

#ifdef AUTH_WITH_SQLITE
extern const struct auth_backend_ops auth_sqlite_ops;
#define SQLITE_SCHEMES {"sqlite", &auth_sqlite_ops},
#define SQLITE_NAMES "sqlite",
#else
#define SQLITE_SCHEMES
#define SQLITE_NAMES
#endif

#ifdef AUTH_WITH_POSTGRESQL
extern const struct auth_backend_ops auth_postgresql_ops;
#define POSTGRESQL_SCHEMES {"postgresql", &auth_postgresql_ops},
#define POSTGRESQL_NAMES "postgresql",
#else
#define POSTGRESQL_SCHEMES
#define POSTGRESQL_NAMES
#endif

#ifdef AUTH_WITH_LDAP
extern const struct auth_backend_ops auth_ldap_ops;
#define LDAP_SCHEMES {"ldap", &auth_ldap_ops}, {"ldaps", &auth_ldap_ops}, {"ldapi", &auth_ldap_ops},
#define LDAP_NAMES "ldap", "ldaps", "ldapi",
#else
#define LDAP_SCHEMES
#define LDAP_NAMES
#endif

static const struct scheme schemes[] = {{"files", &auth_files_ops},
                                        SQLITE_SCHEMES POSTGRESQL_SCHEMES LDAP_SCHEMES{NULL, NULL}};
static const char *const names[] = {"files", SQLITE_NAMES POSTGRESQL_NAMES LDAP_NAMES NULL};

const struct auth_backend_ops *auth_backend_find(const char *url)
{
    size_t size = strcspn(url, ":");

    if (url[size] != ':')
        return NULL;
    for (const struct scheme *scheme = schemes; scheme->name; scheme++) {
        if (strlen(scheme->name) == size && memcmp(scheme->name, url, size) == 0)
            return scheme->ops;
    }
    return NULL;
}

const char *const *auth_backend_schemes(void)
{
    return names;
}

const char *auth_setting(const struct auth_settings *settings, const char *name)
{
    return settings->get ? settings->get(settings->arg, name) : NULL;
}

bool auth_user_valid(const char *user)
{
    size_t size = strnlen(user, AUTH_TEXT_MAX + 1);

    return size > 0 && size <= AUTH_TEXT_MAX && !strpbrk(user, ":/") && auth_text_clean(user, size);
}

bool auth_comment_valid(const char *comment)
{
    size_t size = strnlen(comment, AUTH_COMMENT_MAX + 1);

    return size <= AUTH_COMMENT_MAX && auth_text_clean(comment, size);
}
