/* SPDX-License-Identifier: ISC */
/* What the configuration says about a directory, and filters made of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/backends/ldap.h"

const char *const auth_ldap_keys[] = {
    "base",         "filter",  "user-filter",        "user-attribute", "key-attribute", "stamp-attribute", "group",
    "group-filter", "bind-dn", "bind-password-file", "starttls",       "ca-file",       "dummy-dn",        NULL,
};

/* --- filters ------------------------------------------------------------------------------------------------------ */

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Everything but letters and digits is escaped, whether it means something or not. Returns where it goes on. */
static char *put_escaped(char *to, const char *value)
{
    static const char digits[] = "0123456789abcdef";

    for (; *value; value++) {
        if (is_plain(*value)) {
            *to++ = *value;
        } else {
            *to++ = '\\';
            *to++ = digits[(unsigned char)*value >> 4];
            *to++ = digits[(unsigned char)*value & 15];
        }
    }
    return to;
}

static size_t count(const char *text, char c)
{
    size_t found = 0;

    for (; *text; text++)
        found += *text == c;
    return found;
}

char *auth_ldap_filter(const char *template, const char *user, const char *dn)
{
    size_t longest = strlen(user) > strlen(dn) ? strlen(user) : strlen(dn);
    char *filter = malloc(strlen(template) + count(template, '%') * longest * 3 + 1);
    char *to = filter;

    for (const char *from = template; filter && *from; from++) {
        if (*from != '%')
            *to++ = *from;
        else if (*++from == '%')
            *to++ = '%';
        else
            to = put_escaped(to, *from == 'u' ? user : dn);
    }
    if (filter)
        *to = '\0';
    return filter;
}

/* Parentheses that are balanced from the first to the last octet, and of %... only those that are allowed, one at least. */
static bool is_template(const char *text, const char *allowed)
{
    bool any = !*allowed;
    long depth = 0;

    for (const char *at = text; *at; at++) {
        if (*at == '(')
            depth++;
        else if (*at == ')' && --depth == 0 && at[1])
            return false;
        else if (*at == '%' && *++at != '%') {
            if (!*at || !strchr(allowed, *at))
                return false;
            any = true;
        }
        if (depth <= 0 && at[1])
            return false;
    }
    return *text == '(' && depth == 0 && any;
}

/* RFC 4512, section 2.5: a name or numbers, and options. */
static bool is_attribute(const char *text)
{
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.;");

    return size > 0 && size <= 128 && text[size] == '\0';
}

/* --- settings ----------------------------------------------------------------------------------------------------- */

static const char *get(const struct auth_settings *settings, const char *name, const char *otherwise)
{
    const char *value = auth_setting(settings, name);

    return value ? value : otherwise;
}

static bool is_dn(const char *text)
{
    LDAPDN dn = NULL;
    bool good = *text && ldap_str2dn(text, &dn, LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS;

    ldap_dnfree(dn);
    return good;
}

static const char *read_url(struct auth_backend *backend, const char *url)
{
    LDAPURLDesc *parts;

    if (ldap_url_parse(url, &backend->url) != LDAP_URL_SUCCESS)
        return "this is no URL of a directory";
    parts = backend->url;
    if ((parts->lud_dn && *parts->lud_dn) || parts->lud_attrs || parts->lud_filter || parts->lud_exts)
        return "the URL names the server and nothing else";
    if (!parts->lud_host || !*parts->lud_host)
        return "the URL names no server";
    backend->uri = url;
    backend->transport = strcmp(parts->lud_scheme, "ldapi") == 0   ? AUTH_LDAP_UNIX
                         : strcmp(parts->lud_scheme, "ldaps") == 0 ? AUTH_LDAP_TLS
                                                                   : AUTH_LDAP_TCP;
    return NULL;
}

static const char *read_starttls(struct auth_backend *backend, const char *text)
{
    backend->starttls = text ? strcmp(text, "yes") == 0 : backend->transport == AUTH_LDAP_TCP;
    if (text && strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
        return "starttls is yes or no";
    if (backend->starttls && backend->transport != AUTH_LDAP_TCP)
        return "starttls is for ldap: alone";
    return NULL;
}

static const char *check_names(const struct auth_backend *backend)
{
    if (!backend->base || !is_dn(backend->base))
        return "base is the name (DN) below which users are";
    if (backend->group && !is_dn(backend->group))
        return "group is the name (DN) of a group";
    if (backend->dummy_dn && !is_dn(backend->dummy_dn))
        return "dummy-dn is the name (DN) of an entry";
    if (!backend->bind_dn != !backend->password_file)
        return "bind-dn and bind-password-file belong together";
    if (backend->bind_dn && !is_dn(backend->bind_dn))
        return "bind-dn is the name (DN) of an entry";
    return NULL;
}

static const char *check_filters(const struct auth_backend *backend)
{
    if (*backend->filter && !is_template(backend->filter, ""))
        return "filter is a filter in parentheses, where %% is a percent sign";
    if (!is_template(backend->user_filter, "u"))
        return "user-filter is a filter in parentheses, with %u for the user";
    if (!is_template(backend->group_filter, "ud"))
        return "group-filter is a filter in parentheses, with %d for the user's DN or %u for the user";
    if (!is_attribute(backend->user_attribute) || !is_attribute(backend->stamp_attribute) ||
        (backend->key_attribute && !is_attribute(backend->key_attribute)))
        return "this is no name of an attribute";
    return NULL;
}

int auth_ldap_configure(struct auth_backend *backend, const struct auth_settings *settings, const char **error)
{
    *backend = (struct auth_backend){
        .timeout = settings->timeout,
        .base = auth_setting(settings, "base"),
        .filter = get(settings, "filter", ""),
        .user_filter = get(settings, "user-filter", "(uid=%u)"),
        .user_attribute = get(settings, "user-attribute", "uid"),
        .key_attribute = auth_setting(settings, "key-attribute"),
        .stamp_attribute = get(settings, "stamp-attribute", "pwdChangedTime"),
        .group = auth_setting(settings, "group"),
        .group_filter = get(settings, "group-filter", "(member=%d)"),
        .bind_dn = auth_setting(settings, "bind-dn"),
        .password_file = auth_setting(settings, "bind-password-file"),
        .ca_file = auth_setting(settings, "ca-file"),
        .dummy_dn = auth_setting(settings, "dummy-dn"),
    };
    *error = settings->timeout > 0 ? read_url(backend, settings->url) : "the time limit is not positive";
    if (!*error)
        *error = read_starttls(backend, auth_setting(settings, "starttls"));
    if (!*error)
        *error = check_names(backend);
    if (!*error)
        *error = check_filters(backend);
    if (!*error)
        return 0;
    auth_ldap_forget(backend);
    return -EINVAL;
}

void auth_ldap_forget(struct auth_backend *backend)
{
    ldap_free_urldesc(backend->url);
    backend->url = NULL;
}
