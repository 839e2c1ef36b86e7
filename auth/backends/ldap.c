/* SPDX-License-Identifier: ISC */
/* The back end LDAP: looking up, and trying passwords by binding. It only reads. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "auth/backends/ldap.h"

enum {
    MATCHES_MAX = 8, /* entries that a directory may take for the one that was asked for: it may not tell a from A */
    BASE64_TEXT = 45,
    STAMP_OCTETS = (AUTH_STAMP_SIZE - 1) / 2,
};

static int open_backend(const struct auth_settings *settings, struct auth_backend **backend_p, const char **error)
{
    struct auth_backend *backend = calloc(1, sizeof *backend);
    int rc;

    *error = "there is no memory";
    rc = backend ? auth_ldap_configure(backend, settings, error) : -ENOMEM;
    if (rc) {
        free(backend);
        return rc;
    }
    *backend_p = backend;
    return 0;
}

static void close_backend(struct auth_backend *backend)
{
    auth_ldap_forget(backend);
    free(backend);
}

static int begin(struct auth_backend *backend, struct auth_session **session_p)
{
    struct auth_session *session = calloc(1, sizeof *session);

    if (!session)
        return -ENOMEM;
    session->backend = backend;
    auth_ldap_link_init(&session->search, backend, true);
    auth_ldap_link_init(&session->bind, backend, false);
    *session_p = session;
    return 0;
}

static void end(struct auth_session *session)
{
    auth_ldap_link_drop(&session->search);
    auth_ldap_link_drop(&session->bind);
    free(session);
}

/* --- entries ------------------------------------------------------------------------------------------------------ */

/* The entry that was asked for. Owner: a call; freed by forget(). */
struct found {
    const struct auth_backend *backend;
    const char *attribute; /* must hold one of these, octet for octet */
    const char *wanted[2];
    bool is_key;
    int count;
    char *dn;
    struct auth_record record;
};

static void forget(struct found *found)
{
    ldap_memfree(found->dn);
    found->dn = NULL;
}

static bool holds(const struct berval *value, const char *text)
{
    return text && value->bv_len == strlen(text) && memcmp(value->bv_val, text, value->bv_len) == 0;
}

/* Directories compare as their schema says, often without regard to upper and lower case or spaces: then one person would
 * have many names, and other keys would be hers. */
static bool is_wanted(const struct found *found, LDAP *ld, LDAPMessage *entry)
{
    struct berval **values = ldap_get_values_len(ld, entry, found->attribute);
    bool wanted = false;

    for (int i = 0; values && values[i]; i++)
        wanted = wanted || holds(values[i], found->wanted[0]) || holds(values[i], found->wanted[1]);
    ldap_value_free_len(values);
    return wanted;
}

/* Whose key is it? Of several names none is better than the others. */
static int take_owner(struct found *found, LDAP *ld, LDAPMessage *entry)
{
    struct berval **values = ldap_get_values_len(ld, entry, found->backend->user_attribute);
    int rc = -EBADMSG;

    if (values && values[0] && !values[1] && values[0]->bv_len <= AUTH_TEXT_MAX) {
        memcpy(found->record.user_id, values[0]->bv_val, values[0]->bv_len);
        found->record.user_id[values[0]->bv_len] = '\0';
        if (strlen(found->record.user_id) == values[0]->bv_len && auth_user_valid(found->record.user_id))
            rc = 0;
    }
    ldap_value_free_len(values);
    return rc;
}

static int compare(const void *a, const void *b)
{
    return ber_bvcmp(*(struct berval *const *)a, *(struct berval *const *)b);
}

/* Changes with the attribute's values, in whatever order the directory gives them. */
static void take_stamp(struct found *found, LDAP *ld, LDAPMessage *entry)
{
    struct berval **values = ldap_get_values_len(ld, entry, found->backend->stamp_attribute);
    int count = ldap_count_values_len(values);
    uint8_t digest[crypto_generichash_BYTES_MIN];
    crypto_generichash_state hash;

    if (count > 0) {
        qsort(values, (size_t)count, sizeof(void *), compare);
        (void)crypto_generichash_init(&hash, NULL, 0, sizeof digest);
        for (int i = 0; i < count; i++) {
            uint64_t size = values[i]->bv_len;

            (void)crypto_generichash_update(&hash, (const uint8_t *)&size, sizeof size);
            (void)crypto_generichash_update(&hash, (const uint8_t *)values[i]->bv_val, values[i]->bv_len);
        }
        (void)crypto_generichash_final(&hash, digest, sizeof digest);
        (void)sodium_bin2hex(found->record.stamp, AUTH_STAMP_SIZE, digest, STAMP_OCTETS);
    }
    ldap_value_free_len(values);
}

static int take_entry(void *arg, LDAP *ld, LDAPMessage *entry)
{
    struct found *found = arg;

    if (!is_wanted(found, ld, entry))
        return 0;
    if (found->count++ > 0)
        return -EBADMSG;
    found->dn = ldap_get_dn(ld, entry);
    if (!found->dn || !*found->dn)
        return -EBADMSG;
    if (found->is_key)
        return take_owner(found, ld, entry);
    (void)snprintf(found->record.user_id, sizeof found->record.user_id, "%s", found->wanted[0]);
    take_stamp(found, ld, entry);
    return 0;
}

/* --- searching ---------------------------------------------------------------------------------------------------- */

/* condition: about the one who is asked for; what holds for all comes besides. */
static int look_up(struct auth_session *session, struct found *found, const char *condition)
{
    const struct auth_backend *backend = session->backend;
    char *attributes[] = {(char *)(uintptr_t)found->attribute, (char *)(uintptr_t)backend->user_attribute,
                          (char *)(uintptr_t)backend->stamp_attribute, NULL};
    char *common = auth_ldap_filter(backend->filter, "", "");
    struct auth_ldap_search search = {.base = backend->base, .scope = LDAP_SCOPE_SUBTREE, .limit = MATCHES_MAX};
    size_t size = common ? strlen(condition) + strlen(common) + sizeof "(&)" : 0;
    char *filter = common ? malloc(size) : NULL;
    int rc = -ENOMEM;

    if (found->is_key)
        attributes[2] = NULL;
    if (filter) {
        (void)snprintf(filter, size, "(&%s%s)", condition, common);
        search.filter = filter;
        search.attributes = attributes;
        rc = auth_ldap_search(&session->search, &search, take_entry, found);
    }
    free(filter);
    free(common);
    if (rc == -EMSGSIZE)
        rc = -EBADMSG;
    return rc ? rc : found->count == 1 ? 0 : -ENOENT;
}

static int look_up_user(struct auth_session *session, struct found *found, const char *user)
{
    char *condition;
    int rc;

    *found = (struct found){
        .backend = session->backend, .attribute = session->backend->user_attribute, .wanted = {user, NULL}};
    if (!auth_user_valid(user))
        return -ENOENT;
    condition = auth_ldap_filter(session->backend->user_filter, user, "");
    rc = condition ? look_up(session, found, condition) : -ENOMEM;
    free(condition);
    return rc;
}

static int look_up_key(struct auth_session *session, struct found *found, const uint8_t *key)
{
    const char *attribute = session->backend->key_attribute;
    char z85[AUTH_KEY_TEXT];
    char base64[BASE64_TEXT];
    char template[2 * 128 + 16];
    char *condition;
    int rc;

    *found = (struct found){.backend = session->backend, .attribute = attribute, .is_key = true};
    if (!attribute)
        return -ENOENT;
    found->wanted[0] = zmq_z85_encode(z85, key, AUTH_KEY_SIZE);
    found->wanted[1] = sodium_bin2base64(base64, sizeof base64, key, AUTH_KEY_SIZE, sodium_base64_VARIANT_ORIGINAL);
    (void)snprintf(template, sizeof template, "(|(%s=%%u)(%s=%%d))", attribute, attribute);
    condition = auth_ldap_filter(template, z85, base64);
    rc = condition ? look_up(session, found, condition) : -ENOMEM;
    free(condition);
    found->wanted[0] = found->wanted[1] = NULL;
    return rc;
}

static int take_member(void *arg, LDAP *ld, LDAPMessage *entry)
{
    (void)ld;
    (void)entry;
    *(bool *)arg = true;
    return 0;
}

/* Is the group's entry one that the filter matches? */
static int check_group(struct auth_session *session, const struct found *found)
{
    const struct auth_backend *backend = session->backend;
    char *none[] = {(char *)(uintptr_t)LDAP_NO_ATTRS, NULL};
    struct auth_ldap_search search = {.base = backend->group, .scope = LDAP_SCOPE_BASE, .attributes = none, .limit = 1};
    bool member = false;
    char *filter;
    int rc;

    if (!backend->group)
        return 0;
    filter = auth_ldap_filter(backend->group_filter, found->record.user_id, found->dn);
    search.filter = filter;
    rc = filter ? auth_ldap_search(&session->search, &search, take_member, &member) : -ENOMEM;
    free(filter);
    if (rc == -EMSGSIZE)
        rc = -EBADMSG;
    return rc ? rc : member ? 0 : -EACCES;
}

/* --- the calls ---------------------------------------------------------------------------------------------------- */

/* A name that nobody has. The directory's answer does not count. */
static int bind_nobody(struct auth_session *session, const char *password)
{
    const struct auth_backend *backend = session->backend;
    char name[32];
    size_t size = sizeof name + strlen(backend->base) + sizeof "uid=,";
    char *dn;
    int rc;

    if (backend->dummy_dn)
        return auth_ldap_bind(&session->bind, backend->dummy_dn, password);
    dn = malloc(size);
    if (!dn)
        return -ENOMEM;
    (void)snprintf(name, sizeof name, "%08x%08x", randombytes_random(), randombytes_random());
    (void)snprintf(dn, size, "uid=%s,%s", name, backend->base);
    rc = auth_ldap_bind(&session->bind, dn, password);
    free(dn);
    return rc;
}

/* The same steps for a user who is not there and for a wrong password. */
static int try_password(struct auth_session *session, const char *user, const char *password, struct found *found)
{
    int rc = look_up_user(session, found, user);
    int bound;

    if ((rc && rc != -ENOENT) || !auth_user_valid(user))
        return rc;
    if (!*password) /* such a bind is anonymous, and would succeed (RFC 4513, section 5.1.2) */
        return rc ? rc : -EACCES;
    bound = rc ? bind_nobody(session, password) : auth_ldap_bind(&session->bind, found->dn, password);
    if (rc)
        return bound == -EAGAIN || bound == -ENOMEM ? bound : -ENOENT;
    return bound ? bound : check_group(session, found);
}

static int check_password(struct auth_session *session, const char *user, const char *password,
                          struct auth_record *record)
{
    struct found found;
    int rc;

    auth_ldap_link_start(&session->search);
    session->bind.deadline = session->search.deadline;
    rc = try_password(session, user, password, &found);
    if (!rc)
        *record = found.record;
    forget(&found);
    return rc;
}

static int find_user(struct auth_session *session, const char *user, struct auth_record *record)
{
    struct found found;
    int rc;

    auth_ldap_link_start(&session->search);
    rc = look_up_user(session, &found, user);
    if (!rc)
        rc = check_group(session, &found);
    if (!rc)
        *record = found.record;
    forget(&found);
    return rc;
}

static int find_key(struct auth_session *session, const uint8_t *key, struct auth_record *record)
{
    struct found found;
    int rc;

    auth_ldap_link_start(&session->search);
    rc = look_up_key(session, &found, key);
    if (!rc)
        rc = check_group(session, &found);
    if (!rc)
        *record = found.record;
    forget(&found);
    return rc;
}

extern const struct auth_backend_ops auth_ldap_ops;
const struct auth_backend_ops auth_ldap_ops = {
    .scheme = "ldap",
    .keys = auth_ldap_keys,
    .open = open_backend,
    .close = close_backend,
    .begin = begin,
    .end = end,
    .find_key = find_key,
    .find_user = find_user,
    .check_password = check_password,
    .watch = auth_ldap_watch,
    .inspect = auth_ldap_inspect,
};
