/* SPDX-License-Identifier: ISC */
/* LDAP, between the files of this leaf: settings, a connection that comes and goes, and what is searched by it. */
#ifndef IH_AUTH_BACKENDS_LDAP_H
#define IH_AUTH_BACKENDS_LDAP_H

#include <ldap.h>

#include "auth/backend.h"

enum auth_ldap_transport { AUTH_LDAP_TCP, AUTH_LDAP_TLS, AUTH_LDAP_UNIX };

/* What the configuration says. Immutable once it is open; texts are the configuration's or urls's. */
struct auth_backend {
    LDAPURLDesc *url;
    const char *uri; /* as written */
    enum auth_ldap_transport transport;
    bool starttls;
    int timeout; /* ms */
    const char *base;
    const char *filter;         /* holds for every entry; "" */
    const char *user_filter;    /* with %u */
    const char *user_attribute; /* the name of whom an entry is about */
    const char *key_attribute;  /* NULL: there are no keys */
    const char *stamp_attribute;
    const char *group;        /* NULL: none is asked for */
    const char *group_filter; /* with %d or %u */
    const char *bind_dn;      /* who searches; NULL: nobody */
    const char *password_file;
    const char *ca_file;
    const char *dummy_dn; /* whose password is tried for a user who is not there; NULL: one that is not there either */
};

extern const char *const auth_ldap_keys[];

/* *error: as auth_backend_ops.open's. -EINVAL, -ENOMEM. */
int auth_ldap_configure(struct auth_backend *backend, const struct auth_settings *settings, const char **error);
void auth_ldap_forget(struct auth_backend *backend);

/* Puts the values into a template in which %u is a user and %d a DN, escaped (RFC 4515, section 3). The caller frees it;
 * NULL: no memory. */
char *auth_ldap_filter(const char *template, const char *user, const char *dn);

/* A connection. Owner: a session; one thread at a time. */
struct auth_ldap_link {
    const struct auth_backend *backend;
    bool searches;    /* bound as bind_dn; else nobody is bound when it is new */
    LDAP *ld;         /* NULL: there is none */
    int fd;           /* ld's, -1 without */
    bool waits;       /* reading and writing wait until the deadline, instead of failing with EAGAIN */
    int64_t deadline; /* of the call under way, ms */
    int64_t retry;    /* no attempt to connect before that */
    int pause;        /* ms after the next attempt that fails; doubles */
};

void auth_ldap_link_init(struct auth_ldap_link *link, const struct auth_backend *backend, bool searches);
void auth_ldap_link_drop(struct auth_ldap_link *link);
void auth_ldap_link_start(struct auth_ldap_link *link); /* a call begins: its time runs */
int auth_ldap_link_ready(struct auth_ldap_link *link);  /* connects if need be. -EAGAIN, -ENOMEM */
int64_t auth_ldap_now(void);

/* Connects, and lays the socket below a new ld. -EAGAIN, -ENOMEM. */
int auth_ldap_dial(struct auth_ldap_link *link);

/* The next answer to msgid, until the deadline. 0, or -EAGAIN and the connection is dropped. The caller frees it. */
int auth_ldap_link_await(struct auth_ldap_link *link, int msgid, LDAPMessage **message);

/* Binds (RFC 4513, section 5.1.3), once more on a new connection if the one that was there is dead. 0; -EACCES: refused;
 * -EAGAIN, -EBADMSG, -ENOMEM. Never without a name and a password: that would succeed, and mean nothing (5.1.2). */
int auth_ldap_bind(struct auth_ldap_link *link, const char *dn, const char *password);

/* The same on a connection that is there. */
int auth_ldap_bind_once(struct auth_ldap_link *link, const char *dn, const char *password);

struct auth_ldap_search {
    const char *base;
    int scope;
    const char *filter;
    char **attributes;
    int limit; /* of entries; more are -EBADMSG. 0: the server's */
};

typedef int(auth_ldap_entry_fn)(void *arg, LDAP *ld, LDAPMessage *entry); /* negative: stop, and return it */

/* Searches, once more on a new connection if the one that was there is dead and no entry has come. A base that is not there
 * has no entries. -EAGAIN, -EBADMSG, -EMSGSIZE: the server's limit; -ENOMEM, and fn's. */
int auth_ldap_search(struct auth_ldap_link *link, const struct auth_ldap_search *search, auth_ldap_entry_fn *fn,
                     void *arg);

/* How changes are heard of. Owner: a session. */
enum auth_ldap_watch { AUTH_LDAP_DEAF, AUTH_LDAP_REFRESHING, AUTH_LDAP_SYNC, AUTH_LDAP_POLL };
enum { AUTH_LDAP_SEARCHES = 2, AUTH_LDAP_DIGEST = 4 };

/* A worker's access. Two connections: whoever binds by one is then what the directory lets him be. */
struct auth_session {
    const struct auth_backend *backend;
    struct auth_ldap_link search;
    struct auth_ldap_link bind;
    enum auth_ldap_watch watch;
    int syncs[AUTH_LDAP_SEARCHES];      /* SYNC: message ids of the searches that go on, 0: none */
    bool refreshed[AUTH_LDAP_SEARCHES]; /* SYNC: what there was has been told */
    int beat;                           /* SYNC: message id of a search that shows that the server is alive; 0: none */
    int64_t next;                       /* SYNC: when to try that, or to give it up; POLL: when to look */
    uint64_t digest[AUTH_LDAP_DIGEST];  /* POLL: of what there was */
};

int auth_ldap_inspect(struct auth_session *session, auth_tell_fn *tell, void *arg);
int auth_ldap_watch(struct auth_session *session, int stop_fd);

#endif
