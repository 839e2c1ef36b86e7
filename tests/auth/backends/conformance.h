/* SPDX-License-Identifier: ISC */
/*
 * What every back end must do (auth/backend.h). A test program per back end describes how its store is started, filled, taken
 * away and damaged, and runs all of it:
 *
 *     static struct conformance subject = {.name = "files", .start = start, ...};
 *     int main(void) { return conformance_run(&subject); }
 *
 * Hashes here are Argon2id's cheapest, and the program's crypto_pwhash (conformance_hash.c) counts calls.
 */
#ifndef IH_TESTS_AUTH_CONFORMANCE_H
#define IH_TESTS_AUTH_CONFORMANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/backend.h"

/* Owner: the test program, static. Hooks return 0 or fail the test themselves; NULL ones are left out as said. */
struct conformance {
    const char *name;
    char url[512];                                         /* set by start */
    const char *(*get)(const void *arg, const char *name); /* settings besides the URL, or NULL */
    int timeout;                                           /* ms for one call; 0: 5000 */

    /* ---- what it cannot do ---- */
    bool no_stamps;    /* find_user gives stamp "" */
    bool no_hashes;    /* passwords are looked at by the server itself (bind) */
    bool loose_names;  /* "Alice" is "alice" to it */
    bool owners_only;  /* a key always has an owner, who is a user there */
    bool fewer_owners; /* some valid names cannot own a key: add_key says -EINVAL */

    /* ---- the store ---- */
    void (*start)(struct conformance *subject); /* an empty one; sets url */
    void (*stop)(struct conformance *subject);  /* ends and removes it */
    void (*reset)(struct conformance *subject); /* empties it, while no session is open */
    void (*away)(struct conformance *subject);  /* server killed, file or folder moved away */
    void (*back)(struct conformance *subject);  /* as it was before */
    void (*slow)(struct conformance *subject);  /* it answers nothing, but is there (SIGSTOP, a lock); NULL: cannot */
    void (*quick)(struct conformance *subject); /* again */

    /* ---- writing, where ops do not: all or none ---- */
    void (*add_user)(struct conformance *subject, const char *user, const char *password);
    void (*set_password)(struct conformance *subject, const char *user, const char *password);
    void (*remove_user)(struct conformance *subject, const char *user);
    void (*add_key)(struct conformance *subject, const uint8_t *key, const char *user);
    void (*remove_key)(struct conformance *subject, const uint8_t *key);

    /* Many keys at once, owner ""; NULL: one by one. */
    void (*fill)(struct conformance *subject, uint8_t (*keys)[AUTH_KEY_SIZE], size_t count);

    /* Damages what is stored about the user, or the key, who are there; NULL: there is nothing to damage. */
    void (*damage_user)(struct conformance *subject, const char *user);
    void (*damage_key)(struct conformance *subject, const uint8_t *key);

    /* ---- the suite's own ---- */
    const struct auth_backend_ops *ops;
    struct auth_settings settings;
    struct auth_backend *backend; /* open during a test, with one session */
    struct auth_session *session;
};

/* Runs the suite; the number of failed tests. */
int conformance_run(struct conformance *subject);

/* Makes a new folder, in memory where the system has such a place, since the tests need no disk. path: at least 64 octets. */
void conformance_folder(char *path, const char *name);

/* A cheap hash of the password. Lives until the next call of the thread. */
const char *conformance_hash(const char *password);

/* How many hashes were computed so far. */
unsigned conformance_hashes(void);

#endif
