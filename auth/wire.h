/* SPDX-License-Identifier: ISC */
/*
 * What a machine and a central service say to each other besides ZAP, behind an envelope and an empty frame as ZAP's
 * messages. docs/libironauth.md describes it for others.
 *
 *   machine                                            service
 *   IRONAUTH/1  id  PING                               IRONAUTH/1  id  PONG     state
 *   IRONAUTH/1  id  REVIEW  grant  address             IRONAUTH/1  id  VERDICT  status  user-id
 *   anything else                                      IRONAUTH/1  id  ERROR    text
 *                                                      IRONAUTH/1  ""  CHANGED  state        unasked, to who pinged
 */
#ifndef IH_AUTH_WIRE_H
#define IH_AUTH_WIRE_H

#include "auth/zap.h"

#define AUTH_WIRE_VERSION "IRONAUTH/1"

enum {
    AUTH_WIRE_PING_IVL = 1000, /* ms between two pings */
    AUTH_WIRE_STATE = 64,      /* the longest state, with NUL */
    AUTH_WIRE_GRANT = 600,     /* the longest grant, with NUL */
};

/* Where the parts of a message stand behind the empty frame. */
enum { AUTH_WIRE_AT_VERSION, AUTH_WIRE_AT_ID, AUTH_WIRE_AT_NAME, AUTH_WIRE_AT_REST };

struct auth_frame auth_wire_text(const char *text);
bool auth_wire_is(const struct auth_frame *frame, const char *text);

/* A frame as text: false if it is too long or holds a NUL. */
bool auth_wire_copy(char *text, size_t room, const struct auth_frame *frame);

/* The grant of the connection that this request is about. */
void auth_wire_grant(char grant[AUTH_WIRE_GRANT], const struct auth_request *request);

/* The stamp in the grant of a reply's metadata (RFC 27); "" if there is none, or it is malformed. */
void auth_wire_stamp(char stamp[AUTH_STAMP_SIZE], const struct auth_frame *metadata);

#endif
