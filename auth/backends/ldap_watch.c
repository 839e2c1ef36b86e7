/* SPDX-License-Identifier: ISC */
/*
 * Hearing of changes in a directory. Where it synchronizes content (RFC 4533), a search that goes on tells of each; else what
 * matters is read every now and then, and a digest of it compared.
 */
#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "auth/backends/ldap.h"

enum {
    BEAT = 1000, /* ms between two looks whether a silent connection is alive */
    LOOK = 400,  /* ms between two looks at a directory that does not tell */
    MODE_REFRESH_AND_PERSIST = 3,
};

/* RFC 4533, section 2.5: the choices of syncInfoValue. */
enum { TAG_REFRESH_DELETE = 0xa1, TAG_REFRESH_PRESENT = 0xa2 };

/* What the caller need not know: nothing has come yet, or the time is over. */
enum { GO_ON = 2 };

static void become_deaf(struct auth_session *session)
{
    auth_ldap_link_drop(&session->search);
    session->watch = AUTH_LDAP_DEAF;
}

/* 0: there is input, or none until that time; -ECANCELED: stop. fd: -1 for none. */
static int wait_for(int fd, int stop_fd, int64_t until)
{
    struct pollfd items[] = {{.fd = fd, .events = POLLIN}, {.fd = stop_fd, .events = POLLIN}};
    int64_t left;
    int count;

    do {
        left = until - auth_ldap_now();
        count = poll(items, 2, left > 0 ? (int)left : 0);
    } while (count < 0 && errno == EINTR);
    return count > 0 && items[1].revents ? -ECANCELED : 0;
}

/* --- a directory that tells --------------------------------------------------------------------------------------- */

/* Is b below a, or the same? In doubt not: then there is one search more than need be. */
static bool is_below(const char *a, const char *b)
{
    size_t size = strlen(a);
    size_t length = strlen(b);

    return length >= size && strcasecmp(b + length - size, a) == 0 && (length == size || b[length - size - 1] == ',');
}

/* The control of RFC 4533, section 2.2, without a cookie: what is there is told first. */
static int send_search(struct auth_session *session, const char *base, int scope, int *msgid)
{
    BerElement *ber = ber_alloc_t(LBER_USE_DER);
    char *none[] = {(char *)(uintptr_t)LDAP_NO_ATTRS, NULL};
    LDAPControl control = {.ldctl_oid = (char *)(uintptr_t)LDAP_CONTROL_SYNC, .ldctl_iscritical = 1};
    LDAPControl *controls[] = {&control, NULL};
    int rc = -ENOMEM;

    if (ber && ber_printf(ber, "{e}", MODE_REFRESH_AND_PERSIST) >= 0 && ber_flatten2(ber, &control.ldctl_value, 0) == 0)
        rc = ldap_search_ext(session->search.ld, base, scope, "(objectClass=*)", none, 0, controls, NULL, NULL,
                             LDAP_NO_LIMIT, msgid) == LDAP_SUCCESS
                 ? 0
                 : -EAGAIN;
    if (ber)
        ber_free(ber, 1);
    return rc;
}

static int start_sync(struct auth_session *session)
{
    const struct auth_backend *backend = session->backend;
    int rc = send_search(session, backend->base, LDAP_SCOPE_SUBTREE, &session->syncs[0]);

    session->syncs[1] = session->beat = 0;
    session->refreshed[0] = false;
    session->refreshed[1] = true;
    if (!rc && backend->group && !is_below(backend->base, backend->group)) {
        session->refreshed[1] = false;
        rc = send_search(session, backend->group, LDAP_SCOPE_BASE, &session->syncs[1]);
    }
    session->next = auth_ldap_now() + BEAT;
    session->watch = AUTH_LDAP_REFRESHING;
    return rc;
}

/* Does this message end the telling of what there was? RFC 4533, section 2.5: refreshDone is true if it is not there. */
static bool ends_refresh(LDAP *ld, LDAPMessage *message)
{
    struct berval *value = NULL;
    char *oid = NULL;
    BerElement *ber = NULL;
    ber_len_t size;
    ber_tag_t tag = 0;
    ber_int_t done = 1;

    if (ldap_parse_intermediate(ld, message, &oid, &value, NULL, 0) == LDAP_SUCCESS && oid && value &&
        strcmp(oid, LDAP_SYNC_INFO) == 0)
        ber = ber_init(value);
    if (ber) {
        tag = ber_skip_tag(ber, &size);
        if (ber_peek_tag(ber, &size) == LBER_OCTETSTRING)
            (void)ber_scanf(ber, "x"); /* the cookie */
        if (ber_peek_tag(ber, &size) == LBER_BOOLEAN && ber_scanf(ber, "b", &done) == LBER_ERROR)
            done = 0;
        ber_free(ber, 1);
    }
    ldap_memfree(oid);
    ber_bvfree(value);
    return (tag == TAG_REFRESH_DELETE || tag == TAG_REFRESH_PRESENT) && done;
}

/* A search that was to go on has ended. If it had not begun to tell of changes, and the directory is not just busy: it does
 * not tell, or not us. Some take the control for granted, and end as they would without it. */
static int take_end(struct auth_session *session, LDAPMessage *message)
{
    const bool told = session->watch == AUTH_LDAP_SYNC;
    int code = LDAP_OTHER;

    (void)ldap_parse_result(session->search.ld, message, &code, NULL, NULL, NULL, NULL, 0);
    become_deaf(session);
    if (told || code == LDAP_SYNC_REFRESH_REQUIRED || code == LDAP_BUSY || code == LDAP_UNAVAILABLE)
        return -EAGAIN;
    session->watch = AUTH_LDAP_POLL;
    session->next = 0;
    return GO_ON;
}

/* 1: something has changed. */
static int take_message(struct auth_session *session, LDAPMessage *message)
{
    const int msgid = ldap_msgid(message);
    const int type = ldap_msgtype(message);
    const int which = msgid == session->syncs[0] ? 0 : 1;

    if (msgid == session->beat && type == LDAP_RES_SEARCH_RESULT) {
        session->beat = 0;
        session->next = auth_ldap_now() + BEAT;
    }
    if (msgid != session->syncs[which] || msgid == 0)
        return GO_ON;
    if (type == LDAP_RES_SEARCH_RESULT)
        return take_end(session, message);
    if (type != LDAP_RES_INTERMEDIATE)
        return session->refreshed[which] ? 1 : GO_ON;
    if (!session->refreshed[which] && ends_refresh(session->search.ld, message)) {
        session->refreshed[which] = true;
        if (session->refreshed[0] && session->refreshed[1]) {
            session->watch = AUTH_LDAP_SYNC;
            return 1; /* from now on nothing is missed */
        }
    }
    return GO_ON;
}

/* The connection is silent: does the directory still answer? */
static int beat(struct auth_session *session)
{
    char *none[] = {(char *)(uintptr_t)LDAP_NO_ATTRS, NULL};

    if (auth_ldap_now() < session->next)
        return GO_ON;
    if (session->beat)
        return -EAGAIN;
    if (ldap_search_ext(session->search.ld, "", LDAP_SCOPE_BASE, "(objectClass=*)", none, 0, NULL, NULL, NULL, 1,
                        &session->beat) != LDAP_SUCCESS)
        return -EAGAIN;
    session->next = auth_ldap_now() + session->backend->timeout;
    return GO_ON;
}

/* Takes all messages that have come, and then waits for more. */
static int hear(struct auth_session *session, int stop_fd)
{
    struct timeval at_once = {0};
    LDAPMessage *message = NULL;
    int rc = GO_ON;
    int got;

    while (rc == GO_ON && session->watch != AUTH_LDAP_POLL) {
        got = ldap_result(session->search.ld, LDAP_RES_ANY, LDAP_MSG_ONE, &at_once, &message);
        if (got > 0) {
            rc = take_message(session, message);
            ldap_msgfree(message);
            if (rc == GO_ON && wait_for(-1, stop_fd, 0) != 0)
                rc = -ECANCELED; /* there may always be more */
        } else {
            rc = got < 0 ? -EAGAIN : beat(session);
        }
        if (got <= 0 && rc == GO_ON) {
            int waited = wait_for(session->search.fd, stop_fd, session->next);

            rc = waited ? waited : GO_ON;
        }
    }
    return rc;
}

/* --- a directory that does not tell ------------------------------------------------------------------------------- */

/* Adds a hash of the value: the order of entries and values does not matter. */
static void add(struct auth_session *session, const char *dn, const char *name, const struct berval *value)
{
    uint64_t digest[AUTH_LDAP_DIGEST];
    crypto_generichash_state hash;

    (void)crypto_generichash_init(&hash, NULL, 0, sizeof digest);
    (void)crypto_generichash_update(&hash, (const uint8_t *)dn, strlen(dn) + 1);
    (void)crypto_generichash_update(&hash, (const uint8_t *)name, strlen(name) + 1);
    if (value)
        (void)crypto_generichash_update(&hash, (const uint8_t *)value->bv_val, value->bv_len);
    (void)crypto_generichash_final(&hash, (uint8_t *)digest, sizeof digest);
    for (int i = 0; i < AUTH_LDAP_DIGEST; i++)
        session->digest[i] += digest[i];
}

static int add_entry(void *arg, LDAP *ld, LDAPMessage *entry)
{
    struct auth_session *session = arg;
    BerElement *ber = NULL;
    char *dn = ldap_get_dn(ld, entry);
    char *name;

    if (!dn)
        return -EBADMSG;
    add(session, dn, "", NULL);
    for (name = ldap_first_attribute(ld, entry, &ber); name; name = ldap_next_attribute(ld, entry, ber)) {
        struct berval **values = ldap_get_values_len(ld, entry, name);

        for (int i = 0; values && values[i]; i++)
            add(session, dn, name, values[i]);
        ldap_value_free_len(values);
        ldap_memfree(name);
    }
    ber_free(ber, 0);
    ldap_memfree(dn);
    return 0;
}

static char *text(const char *constant)
{
    return (char *)(uintptr_t)constant;
}

/* A directory that counts its changes says so in its root (RFC 4512, section 5.1), in an attribute of its own. */
static int read_counter(struct auth_session *session, bool *counts)
{
    char *names[] = {text("highestCommittedUSN"), text("lastChangeNumber"), NULL};
    const struct auth_ldap_search search = {
        .base = "", .scope = LDAP_SCOPE_BASE, .filter = "(objectClass=*)", .attributes = names, .limit = 1};
    uint64_t nothing[AUTH_LDAP_DIGEST];
    int rc;

    memset(session->digest, 0, sizeof session->digest);
    add(session, "", "", NULL); /* what an entry without attributes adds */
    memcpy(nothing, session->digest, sizeof nothing);
    memset(session->digest, 0, sizeof session->digest);
    rc = auth_ldap_search(&session->search, &search, add_entry, session);
    *counts = !rc && memcmp(session->digest, nothing, sizeof nothing) != 0;
    return rc;
}

static int read_content(struct auth_session *session)
{
    const struct auth_backend *backend = session->backend;
    char *names[] = {text("entryCSN"),
                     text("modifyTimestamp"),
                     text(backend->user_attribute),
                     text(backend->stamp_attribute),
                     text(backend->key_attribute),
                     NULL};
    char *all[] = {text(LDAP_ALL_USER_ATTRIBUTES), NULL};
    struct auth_ldap_search search = {
        .base = backend->base, .scope = LDAP_SCOPE_SUBTREE, .filter = "(objectClass=*)", .attributes = names};
    int rc = auth_ldap_search(&session->search, &search, add_entry, session);

    if (rc || !backend->group)
        return rc;
    search.base = backend->group;
    search.scope = LDAP_SCOPE_BASE;
    search.attributes = all;
    return auth_ldap_search(&session->search, &search, add_entry, session);
}

/* 1: it is not what it was, or more than may be read. */
static int look(struct auth_session *session)
{
    uint64_t before[AUTH_LDAP_DIGEST];
    bool first = session->next == 0;
    bool counts;
    int rc;

    memcpy(before, session->digest, sizeof before);
    auth_ldap_link_start(&session->search);
    session->next = auth_ldap_now() + LOOK;
    rc = read_counter(session, &counts);
    if (!rc && !counts)
        rc = read_content(session);
    if (rc == -EMSGSIZE)
        return 1;
    if (rc)
        return rc;
    return first || memcmp(before, session->digest, sizeof before) != 0 ? 1 : GO_ON;
}

static int look_again(struct auth_session *session, int stop_fd)
{
    int rc = GO_ON;

    while (rc == GO_ON) {
        rc = wait_for(-1, stop_fd, session->next);
        if (!rc)
            rc = look(session);
    }
    return rc;
}

/* --- both --------------------------------------------------------------------------------------------------------- */

int auth_ldap_watch(struct auth_session *session, int stop_fd)
{
    int rc = wait_for(-1, stop_fd, 0);

    if (!rc && session->watch == AUTH_LDAP_DEAF) {
        auth_ldap_link_start(&session->search);
        rc = auth_ldap_link_ready(&session->search);
        if (!rc)
            rc = start_sync(session);
    }
    if (!rc && session->watch != AUTH_LDAP_POLL)
        rc = hear(session, stop_fd);
    if ((!rc || rc == GO_ON) && session->watch == AUTH_LDAP_POLL)
        rc = look_again(session, stop_fd);
    if (rc == -ECANCELED)
        return 0;
    if (rc == 1)
        return 1;
    become_deaf(session);
    return -EAGAIN;
}
