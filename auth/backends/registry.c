/* SPDX-License-Identifier: ISC */
/* Which back ends there are, and what all of them agree on. */
#include <string.h>

#include "auth/backend.h"

struct scheme {
    const char *name;
    const struct auth_backend_ops *ops;
};

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

static const struct scheme schemes[] = {SQLITE_SCHEMES POSTGRESQL_SCHEMES LDAP_SCHEMES{NULL, NULL}};
static const char *const names[] = {SQLITE_NAMES POSTGRESQL_NAMES LDAP_NAMES NULL};

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

/* Octets of the character at text, which NUL ends, and its code; 0: this is no UTF-8 (RFC 3629). */
static size_t decode(const unsigned char *text, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = text[0] < 0x80 ? 1 : text[0] < 0xc2 ? 0 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;

    *code = length == 1 ? text[0] : text[0] & (0x7fu >> length);
    if (text[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (text[i] & 0x3fu);
    }
    return length == 0 || *code < least[length] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff) ? 0
                                                                                                            : length;
}

/* Line and paragraph separators count as control characters: a name stays on its line. */
bool auth_user_valid(const char *user)
{
    size_t size = strnlen(user, AUTH_TEXT_MAX + 1);
    size_t length;

    if (size == 0 || size > AUTH_TEXT_MAX)
        return false;
    for (size_t i = 0; i < size; i += length) {
        uint32_t code;

        length = decode((const unsigned char *)user + i, &code);
        if (length == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 ||
            code == ':' || code == '/')
            return false;
    }
    return true;
}
