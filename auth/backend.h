/* SPDX-License-Identifier: ISC */
/*
 * The contract of back ends: where users, password hashes and client keys are kept. A back end is a leaf: one file (or a
 * few) in auth/backends/ that exports one const struct auth_backend_ops, named in auth/backends/registry.c; it has no
 * header of its own, and knows neither ZeroMQ nor the policy. tests: one conformance suite runs for all of them.
 *
 * A back end is named by a URL: "files:/etc/app/auth", "sqlite:/var/lib/app/auth.db", "postgresql://user@host/db" (or any
 * conninfo "postgresql:host=... dbname=..."), "ldap://host", "ldaps://host".
 *
 * Threads: open and close are called by one thread. A session belongs to one worker thread at a time; several sessions of
 * one back end work at the same time, so what they share is guarded by the back end's own lock. Calls on sessions may
 * block, for settings.timeout at most. Errors, everywhere: negative errno; nothing is printed.
 *
 *   -ENOENT   there is no such user or key
 *   -EACCES   the password is wrong, or a condition (group) does not hold
 *   -EAGAIN   the back end is away or too slow: answer "temporary"
 *   -EBADMSG  what is stored there is damaged, or lies (a row without a hash, two entries for one user)
 *   -EINVAL   malformed argument or setting; -ENOMEM; -ENOTSUP (read-only back end)
 *
 * Whatever the error, nobody is let in by it. Names and passwords come from strangers: they are data, never a part of a
 * query, filter, path or format.
 */
#ifndef IH_AUTH_BACKEND_H
#define IH_AUTH_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/request.h"

enum {
    AUTH_HASH_MAX = 128, /* crypto_pwhash_STRBYTES */
    AUTH_COMMENT_MAX = 255,
};

/* One entry: a user with a password hash, or a client key. */
struct auth_record {
    char user_id[AUTH_TEXT_MAX + 1]; /* what ZAP answers: a user's name; of a key its owner's, or the key's Z85 */
    char stamp[AUTH_STAMP_SIZE]; /* of a user: changes when the password does (auth_password_stamp); "" if unknown */
};

/* From the configuration. Owner: the configuration; longer-lived than the back end. Names of properties that only some
 * back ends know (LDAP) are looked up by auth_setting(). */
struct auth_settings {
    const char *name;                                      /* in the configuration: "staff" */
    const char *url;                                       /* whole, with the scheme */
    int timeout;                                           /* ms for one call */
    int sessions;                                          /* the most sessions at a time */
    const char *(*get)(const void *arg, const char *name); /* a property of the back end's section, or NULL */
    const void *arg;
};

struct auth_backend; /* the leaf's own */
struct auth_session;

/* For list: a user if hash is set, else a key. */
struct auth_entry {
    bool is_key;
    char user[AUTH_TEXT_MAX + 1];
    uint8_t key[AUTH_KEY_SIZE];
    char comment[AUTH_COMMENT_MAX + 1];
};

typedef int(auth_entry_fn)(void *arg, const struct auth_entry *entry); /* negative: stop, and return it */

typedef void(auth_tell_fn)(void *arg, const char *line);

struct auth_backend_ops {
    const char *scheme;      /* "sqlite" */
    const char *const *keys; /* names of settings that it knows besides url, timeout, sessions, cache; NULL ends them */

    /* ---- reading: every back end ---- */

    /* Checks the settings and readies what all sessions share. Does not wait for a server: a server that is away is found
     * out by sessions. *error: a static or settings-owned text that says what is wrong with the settings (-EINVAL). */
    int (*open)(const struct auth_settings *settings, struct auth_backend **backend, const char **error);
    void (*close)(struct auth_backend *backend); /* all sessions are ended before */

    /* A worker's access. Does not fail for a server that is away: the calls below connect, and connect again. */
    int (*begin)(struct auth_backend *backend, struct auth_session **session);
    void (*end)(struct auth_session *session);

    /* A client key. */
    int (*find_key)(struct auth_session *session, const uint8_t *key, struct auth_record *record);

    /* A user, without a look at the password (for reviews of open connections). */
    int (*find_user)(struct auth_session *session, const char *user, struct auth_record *record);

    /* A user and the password. Takes as long for a user who is not there as for a wrong password (auth_password_check). */
    int (*check_password)(struct auth_session *session, const char *user, const char *password,
                          struct auth_record *record);

    /* Waits until something may have changed, or stop_fd becomes readable. 1: changed (or changes may have been missed);
     * 0: stop; -EAGAIN: the back end is away (called again after a pause). Called in a thread of its own with a session of
     * its own. A change is seen within 500 ms. The first call of a session, and the first after the back end was away,
     * return 1 as soon as it watches: what changed before was missed. */
    int (*watch)(struct auth_session *session, int stop_fd);

    /* For people: tells, one line each and without secrets, what is stored there and damaged, passed over, or open to whom it
     * should not be. NULL if there is nothing that it could look at. */
    int (*inspect)(struct auth_session *session, auth_tell_fn *tell, void *arg);

    /* ---- writing: NULL where it cannot be written ---- */

    /* Makes it (tables, folder). -EEXIST: it is there already, and left alone. Static: no back end is open. */
    int (*init)(const struct auth_settings *settings);

    /* -EEXIST: there is such an entry (set_password replaces a hash). hash: auth_password_hash's. A key's user may be "".
     * -EINVAL: a text that may not be, or cannot be stored there; -EPERM: the system or server does not let us write. */
    int (*add_user)(struct auth_session *session, const char *user, const char *hash, const char *comment);
    int (*set_password)(struct auth_session *session, const char *user, const char *hash);
    int (*remove_user)(struct auth_session *session, const char *user);
    int (*add_key)(struct auth_session *session, const uint8_t *key, const char *user, const char *comment);
    int (*remove_key)(struct auth_session *session, const uint8_t *key);
    int (*list)(struct auth_session *session, auth_entry_fn *fn, void *arg); /* users by name, keys by owner and key */
};

/* The ops for a URL's scheme; NULL: unknown, or not built in. */
const struct auth_backend_ops *auth_backend_find(const char *url);

/* The schemes that are built in, NULL behind the last. */
const char *const *auth_backend_schemes(void);

/* A property of the back end's section, NULL if it is not there. */
const char *auth_setting(const struct auth_settings *settings, const char *name);

/* A user name that may be stored: 1 to 255 octets of valid UTF-8 without control characters, ':' and '/'. A request with
 * another one is answered -ENOENT by every back end. */
bool auth_user_valid(const char *user);

/* A comment that may be stored: at most AUTH_COMMENT_MAX octets of valid UTF-8 without control characters; "" for none. Never
 * NULL. Of a key's owner too: "" for none. */
bool auth_comment_valid(const char *comment);

#endif
