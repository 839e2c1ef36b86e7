/* SPDX-License-Identifier: ISC */
/* A connection to a directory: TLS, binding, searching. */
#include <errno.h>
#include <openldap.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "auth/backends/ldap.h"

enum {
    PAUSE_FIRST = 50, /* ms after an attempt that failed, doubled up to: */
    PAUSE_MOST = 1000,
    MESSAGE_MAX = 4 << 20, /* octets: a group may have many members */
    PASSWORD_MAX = 1024,
};

int64_t auth_ldap_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void auth_ldap_link_init(struct auth_ldap_link *link, const struct auth_backend *backend, bool searches)
{
    *link = (struct auth_ldap_link){.backend = backend, .searches = searches, .fd = -1};
}

void auth_ldap_link_drop(struct auth_ldap_link *link)
{
    if (link->ld)
        (void)ldap_unbind_ext(link->ld, NULL, NULL); /* closes fd */
    link->ld = NULL;
}

void auth_ldap_link_start(struct auth_ldap_link *link)
{
    link->deadline = auth_ldap_now() + link->backend->timeout;
}

/* What is left of the call's time; false: nothing. */
static bool time_left(const struct auth_ldap_link *link, struct timeval *left)
{
    int64_t ms = link->deadline - auth_ldap_now();

    *left = (struct timeval){.tv_sec = ms > 0 ? ms / 1000 : 0, .tv_usec = ms > 0 ? ms % 1000 * 1000 : 0};
    return ms > 0;
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

int auth_ldap_link_await(struct auth_ldap_link *link, int msgid, LDAPMessage **message)
{
    struct timeval left;

    *message = NULL;
    if (time_left(link, &left) && ldap_result(link->ld, msgid, LDAP_MSG_ONE, &left, message) > 0)
        return 0;
    ldap_msgfree(*message);
    *message = NULL;
    auth_ldap_link_drop(link);
    return -EAGAIN;
}

/* The result of an operation that has one message, in *code. The connection is dropped where that is not what comes. */
static int await_result(struct auth_ldap_link *link, int msgid, int type, int *code)
{
    LDAPMessage *message;
    int rc = auth_ldap_link_await(link, msgid, &message);

    if (rc)
        return rc;
    if (ldap_msgtype(message) != type ||
        ldap_parse_result(link->ld, message, code, NULL, NULL, NULL, NULL, 0) != LDAP_SUCCESS)
        rc = -EBADMSG;
    ldap_msgfree(message);
    if (rc)
        auth_ldap_link_drop(link);
    return rc;
}

/* --- connecting --------------------------------------------------------------------------------------------------- */

/* What ldap.conf(5), ldaprc and the environment say about this is not asked. */
static bool set_options(struct auth_ldap_link *link)
{
    static const int version = LDAP_VERSION3, never = LDAP_DEREF_NEVER, demand = LDAP_OPT_X_TLS_HARD, client = 0;
    static const int tls12 = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2;
    const char *ca_file = link->backend->ca_file;
    ber_len_t most = MESSAGE_MAX;
    Sockbuf *sockbuf = NULL;
    LDAP *ld = link->ld;

    return ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version) == 0 &&
           ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) == 0 &&
           ldap_set_option(ld, LDAP_OPT_DEREF, &never) == 0 && ldap_get_option(ld, LDAP_OPT_SOCKBUF, &sockbuf) == 0 &&
           sockbuf && ber_sockbuf_ctrl(sockbuf, LBER_SB_OPT_SET_MAX_INCOMING, &most) >= 0 &&
           ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) == 0 &&
           ldap_set_option(ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &tls12) == 0 &&
           (!ca_file || ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, ca_file) == 0) &&
           (link->backend->transport == AUTH_LDAP_UNIX || ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &client) == 0);
}

static int start_tls(struct auth_ldap_link *link)
{
    int code;
    int rc;
    int msgid;

    if (link->backend->transport != AUTH_LDAP_TLS && !link->backend->starttls)
        return 0;
    if (link->backend->starttls) {
        if (ldap_start_tls(link->ld, NULL, NULL, &msgid) != LDAP_SUCCESS)
            return -EAGAIN;
        rc = await_result(link, msgid, LDAP_RES_EXTENDED, &code);
        if (rc || code != LDAP_SUCCESS)
            return -EAGAIN;
    }
    link->waits = true; /* a handshake is one call, from the beginning to the end */
    rc = ldap_install_tls(link->ld) == LDAP_SUCCESS && ldap_tls_inplace(link->ld) == 1 ? 0 : -EAGAIN;
    link->waits = false;
    return rc;
}

/* The first line. The caller wipes it. */
static int read_password(const char *file, char *password, size_t size)
{
    FILE *stream = fopen(file, "re");
    int rc = -EAGAIN;

    if (!stream)
        return -EAGAIN;
    (void)setvbuf(stream, NULL, _IONBF, 0); /* no copy that nobody wipes */
    if (fgets(password, (int)size, stream)) {
        password[strcspn(password, "\r\n")] = '\0';
        rc = *password ? 0 : -EAGAIN;
    }
    (void)fclose(stream);
    return rc;
}

static int bind_service(struct auth_ldap_link *link)
{
    char password[PASSWORD_MAX] = "";
    int rc;

    if (!link->searches || !link->backend->bind_dn)
        return 0;
    rc = read_password(link->backend->password_file, password, sizeof password);
    if (!rc)
        rc = auth_ldap_bind_once(link, link->backend->bind_dn, password);
    sodium_memzero(password, sizeof password);
    return rc;
}

static int establish(struct auth_ldap_link *link)
{
    int rc = auth_ldap_dial(link);

    if (rc)
        return rc;
    if (!set_options(link))
        return -EAGAIN;
    rc = start_tls(link);
    return rc ? rc : bind_service(link);
}

/* A server that closed the connection, or died: it shows before anything is lost by it. */
static void drop_stale(struct auth_ldap_link *link)
{
    char octet;

    if (link->ld && recv(link->fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) <= 0 && errno != EAGAIN && errno != EINTR)
        auth_ldap_link_drop(link);
}

/* A server that is away is not hammered, and nobody waits for it longer than need be. */
int auth_ldap_link_ready(struct auth_ldap_link *link)
{
    int rc;

    drop_stale(link);
    if (link->ld)
        return 0;
    if (auth_ldap_now() < link->retry)
        return -EAGAIN;
    rc = establish(link);
    if (!rc) {
        link->pause = 0;
        return 0;
    }
    auth_ldap_link_drop(link);
    if (rc == -ENOMEM)
        return rc;
    link->pause = link->pause == 0 ? PAUSE_FIRST : link->pause < PAUSE_MOST / 2 ? link->pause * 2 : PAUSE_MOST;
    link->retry = auth_ldap_now() + link->pause;
    return -EAGAIN;
}

/* --- operations --------------------------------------------------------------------------------------------------- */

/* What a bind's result means for the one who wants in. */
static int error_of_bind(int code)
{
    switch (code) {
    case LDAP_SUCCESS:
        return 0;
    case LDAP_INVALID_CREDENTIALS:
    case LDAP_INAPPROPRIATE_AUTH:
    case LDAP_NO_SUCH_OBJECT:
    case LDAP_INVALID_DN_SYNTAX:
    case LDAP_INSUFFICIENT_ACCESS:
    case LDAP_CONSTRAINT_VIOLATION:
    case LDAP_UNWILLING_TO_PERFORM:
        return -EACCES;
    case LDAP_BUSY:
    case LDAP_UNAVAILABLE:
    case LDAP_OPERATIONS_ERROR:
    case LDAP_TIMELIMIT_EXCEEDED:
    case LDAP_OTHER:
        return -EAGAIN;
    default:
        return -EBADMSG; /* it wants TLS or SASL, refers to others, or lies */
    }
}

int auth_ldap_bind_once(struct auth_ldap_link *link, const char *dn, const char *password)
{
    struct berval credential;
    int code;
    int msgid;
    int rc;

    if (!*dn || !*password)
        return -EACCES;
    /* ber_str2bv takes no const, but neither does it write. */
    credential = (struct berval){.bv_len = strlen(password), .bv_val = (char *)(uintptr_t)password};
    if (ldap_sasl_bind(link->ld, dn, LDAP_SASL_SIMPLE, &credential, NULL, NULL, &msgid) != LDAP_SUCCESS) {
        auth_ldap_link_drop(link);
        return -EAGAIN;
    }
    rc = await_result(link, msgid, LDAP_RES_BIND, &code);
    return rc ? rc : error_of_bind(code);
}

int auth_ldap_bind(struct auth_ldap_link *link, const char *dn, const char *password)
{
    bool reused = link->ld;
    int rc = auth_ldap_link_ready(link);

    if (!rc)
        rc = auth_ldap_bind_once(link, dn, password);
    if (rc == -EAGAIN && reused && !link->ld) {
        rc = auth_ldap_link_ready(link);
        if (!rc)
            rc = auth_ldap_bind_once(link, dn, password);
    }
    return rc;
}

static int error_of_search(int code)
{
    switch (code) {
    case LDAP_SUCCESS:
    case LDAP_NO_SUCH_OBJECT:
        return 0;
    case LDAP_SIZELIMIT_EXCEEDED:
    case LDAP_ADMINLIMIT_EXCEEDED:
        return -EMSGSIZE;
    case LDAP_BUSY:
    case LDAP_UNAVAILABLE:
    case LDAP_OPERATIONS_ERROR:
    case LDAP_TIMELIMIT_EXCEEDED:
    case LDAP_OTHER:
        return -EAGAIN;
    case LDAP_NO_MEMORY:
        return -ENOMEM;
    default:
        return -EBADMSG;
    }
}

/* Takes messages up to the result. *seen: how many entries have come. */
static int collect(struct auth_ldap_link *link, int msgid, const struct auth_ldap_search *search,
                   auth_ldap_entry_fn *fn, void *arg, int *seen)
{
    int code = LDAP_SUCCESS;
    int type = 0;
    int rc = 0;

    while (!rc && type != LDAP_RES_SEARCH_RESULT) {
        LDAPMessage *message;

        rc = auth_ldap_link_await(link, msgid, &message);
        if (rc)
            return rc;
        type = ldap_msgtype(message);
        if (type == LDAP_RES_SEARCH_ENTRY)
            rc = search->limit && *seen >= search->limit ? -EBADMSG : fn(arg, link->ld, message);
        else if (type == LDAP_RES_SEARCH_RESULT)
            rc = ldap_parse_result(link->ld, message, &code, NULL, NULL, NULL, NULL, 0) == LDAP_SUCCESS ? 0 : -EBADMSG;
        else if (type != LDAP_RES_SEARCH_REFERENCE) /* other servers are not asked */
            rc = -EBADMSG;
        *seen += type == LDAP_RES_SEARCH_ENTRY;
        ldap_msgfree(message);
    }
    if (rc)
        auth_ldap_link_drop(link); /* there may be more to come */
    return rc ? rc : error_of_search(code);
}

static int search_once(struct auth_ldap_link *link, const struct auth_ldap_search *search, auth_ldap_entry_fn *fn,
                       void *arg, int *seen)
{
    struct timeval left;
    int msgid;
    int rc = auth_ldap_link_ready(link);

    if (rc)
        return rc;
    if (!time_left(link, &left))
        return -EAGAIN;
    left.tv_sec += 1; /* the server counts in seconds */
    /* One more than is wanted shows that there are more. */
    rc = ldap_search_ext(link->ld, search->base, search->scope, search->filter, search->attributes, 0, NULL, NULL,
                         &left, search->limit ? search->limit + 1 : LDAP_NO_LIMIT, &msgid);
    if (rc != LDAP_SUCCESS) {
        auth_ldap_link_drop(link);
        return rc == LDAP_NO_MEMORY ? -ENOMEM : rc == LDAP_FILTER_ERROR ? -EBADMSG : -EAGAIN;
    }
    return collect(link, msgid, search, fn, arg, seen);
}

int auth_ldap_search(struct auth_ldap_link *link, const struct auth_ldap_search *search, auth_ldap_entry_fn *fn,
                     void *arg)
{
    bool reused = link->ld;
    int seen = 0;
    int rc = search_once(link, search, fn, arg, &seen);

    if (rc == -EAGAIN && reused && !link->ld && seen == 0)
        rc = search_once(link, search, fn, arg, &seen);
    return rc;
}
