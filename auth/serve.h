/* SPDX-License-Identifier: ISC */
/* The central service, `ironauth serve`: ZAP requests (RFC 27) of other machines' handlers, over CURVE, and the messages of
 * wire.h. Its own clients, the machines, are let in by the same authenticator. */
#ifndef IH_AUTH_SERVE_H
#define IH_AUTH_SERVE_H

#include <ironauth.h>
#include <zmq.h>

struct auth_serve;

/*
 * For the program: serves what the configuration's section "serve" says, until the authenticator is stopped or the context
 * ends. endpoint: where it is bound, resolved (256 octets). -1 with errno and ironauth_error(): EINVAL: there is no such
 * section, or it is wrong; EALREADY: it serves; what zmq_bind(3) says. A change of the section counts after a restart.
 */
int auth_serve_start(ironauth_t *auth, void *context, char endpoint[256]);

/* ---- the authenticator's thread, but for free, which is called when that has ended ---- */

enum { AUTH_SERVE_ITEMS = 1 };
size_t auth_serve_items(const struct auth_serve *serve, zmq_pollitem_t *items);
void auth_serve_read(ironauth_t *auth);
uint64_t auth_serve_tick(ironauth_t *auth, uint64_t now);
void auth_serve_leave_context(struct auth_serve *serve);
void auth_serve_free(ironauth_t *auth);

/* What somebody is told may be another thing from now on: tells all machines. */
void auth_serve_changed(ironauth_t *auth);

#endif
