/* SPDX-License-Identifier: ISC */
/* What is asked about a connection, and what is answered: RFC 27. Plain values, copied freely; no pointers. */
#ifndef IH_AUTH_REQUEST_H
#define IH_AUTH_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    AUTH_TEXT_MAX = 255, /* RFC 27: "All string fields are at most 255 characters" */
    AUTH_KEY_SIZE = 32,
    AUTH_KEY_TEXT = 41, /* in Z85, with NUL */
    AUTH_STAMP_SIZE = 17,
};

enum auth_mechanism { AUTH_MECHANISM_NULL, AUTH_MECHANISM_PLAIN, AUTH_MECHANISM_CURVE, AUTH_MECHANISMS };

/* Texts end with NUL and hold no control characters: auth_zap_parse refuses what does. Wipe it after use: it may hold a
 * password (sodium_memzero). */
struct auth_request {
    enum auth_mechanism mechanism;
    char domain[AUTH_TEXT_MAX + 1];
    char address[AUTH_TEXT_MAX + 1]; /* as the server gave it; "" if unknown (ipc, inproc) */
    char user[AUTH_TEXT_MAX + 1];    /* PLAIN */
    char password[AUTH_TEXT_MAX + 1];
    uint8_t key[AUTH_KEY_SIZE]; /* CURVE */
    /* Set: no connection waits; this asks whether an open one would still be let in. password is empty then and not
     * looked at; stamp must still be that of the user's credentials ("" matches any). */
    bool review;
    char stamp[AUTH_STAMP_SIZE];
};

enum auth_status { AUTH_OK = 200, AUTH_TEMPORARY = 300, AUTH_REFUSED = 400, AUTH_BROKEN = 500 };

struct auth_verdict {
    enum auth_status status;
    char user_id[AUTH_TEXT_MAX + 1]; /* empty unless AUTH_OK */
    char reason[AUTH_TEXT_MAX + 1]; /* one line for the audit and `ironauth check`; no secrets. Clients do not see it */
    char backend[64];               /* the configuration's name of who decided; "" : the policy alone */
    char stamp[AUTH_STAMP_SIZE];    /* PLAIN: changes when the password does; else "" */
};

/* "NULL", "PLAIN", "CURVE"; "" for none of them. */
const char *auth_mechanism_name(enum auth_mechanism mechanism);

/* A key as Z85 (RFC 32), and back: false, and the key is untouched, if the text is none. print returns text. */
const char *auth_key_print(char text[AUTH_KEY_TEXT], const uint8_t key[AUTH_KEY_SIZE]);
bool auth_key_parse(uint8_t key[AUTH_KEY_SIZE], const char *text);

#endif
