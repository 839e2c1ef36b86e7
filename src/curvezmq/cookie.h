/* SPDX-License-Identifier: ISC */
/* Cookies (RFC 26, "The WELCOME Command"): what a server must know of a client, kept by the client.
 *
 * A cookie's key is derived from a secret that is replaced each minute and from the connection's number, so that it
 * opens for one to two minutes, and only on the connection that it was made for. "The server MUST discard from its memory
 * the cookie key after a short interval": while nobody comes, nothing replaces the secret after a minute, so it is
 * replaced as soon as no cookie is expected back that was made with it. Whoever then gets hold of the server's memory
 * opens no cookie that he recorded, and so no session. */
#ifndef IH_CURVEZMQ_COOKIE_H
#define IH_CURVEZMQ_COOKIE_H

#include "curvezmq/keys.h"

enum { IH_COOKIE_LIFE_MS = 120000 }; /* no cookie opens after so long */

/* The server's secrets. Owner: who made it (a context); has a lock of its own. */
struct ih_cookie_jar;

/* NULL when out of memory. */
struct ih_cookie_jar *ih_cookie_jar_new(void);

/* Wipes and frees; NULL is fine. */
void ih_cookie_jar_free(struct ih_cookie_jar *jar);

/* Box [C' + s'](K). serial is never the same for two connections; now_ms: a monotonic clock. Returns the number of the
 * secret that was used, for ih_cookie_forget, which is to be called once for each cookie. */
uint64_t ih_cookie_seal(struct ih_cookie_jar *jar, uint64_t serial, uint64_t now_ms,
                        const uint8_t client_key[IH_CURVE_KEY], const uint8_t secret_key[IH_CURVE_KEY],
                        uint8_t cookie[IH_CURVE_COOKIE]);

/* 0, or -EBADMSG: it was made for another connection, or altered, or is too old. */
int ih_cookie_open(struct ih_cookie_jar *jar, uint64_t serial, uint64_t now_ms, const uint8_t cookie[IH_CURVE_COOKIE],
                   uint8_t client_key[IH_CURVE_KEY], uint8_t secret_key[IH_CURVE_KEY]);

/* A cookie that was made with that secret is not expected any more: it came back, or its connection ended. */
void ih_cookie_forget(struct ih_cookie_jar *jar, uint64_t secret);

/* Replaces secrets that are too old: for a server that keeps nothing of whom it sent WELCOME (ih_curve_server_part), to be
 * called IH_COOKIE_LIFE_MS after it did. */
void ih_cookie_rotate(struct ih_cookie_jar *jar, uint64_t now_ms);

#endif
