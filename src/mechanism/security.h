/* SPDX-License-Identifier: ISC */
/* A socket's security settings: which mechanism, which role, which credentials. */
#ifndef IH_MECHANISM_SECURITY_H
#define IH_MECHANISM_SECURITY_H

#include <stddef.h>
#include <stdint.h>

/* Owner: everybody who holds it, by an atomic count. A socket changes its own copy only while it is the sole owner, and
 * otherwise replaces it by a copy (ih_security_edit), so that a connection keeps the settings of the bind or connect it
 * came from. Keys and passwords are in locked memory and wiped. */
struct ih_security;

struct ih_security *ih_security_new(void);
struct ih_security *ih_security_hold(struct ih_security *security);
void ih_security_release(struct ih_security *security);

/* Makes *security the caller's own to change (copies it if it is shared). -ENOMEM. */
int ih_security_edit(struct ih_security **security);

/* zmq_setsockopt and zmq_getsockopt for the options that belong here: ZMQ_MECHANISM (get), ZMQ_PLAIN_*, ZMQ_CURVE_*.
 * -ENOENT: not an option of this module. -EINVAL, -ENOMEM. As libzmq: sizes, Z85 or
 * binary keys, which option selects or unselects a mechanism. */
int ih_security_set(struct ih_security **security, int option, const void *value, size_t size);
int ih_security_get(const struct ih_security *security, int option, void *value, size_t *size);

/* ZMQ_NULL, ZMQ_PLAIN or ZMQ_CURVE. */
int ih_security_mechanism(const struct ih_security *security);
/* 1 if this end authenticates the other (PLAIN or CURVE server). */
int ih_security_as_server(const struct ih_security *security);

#endif
