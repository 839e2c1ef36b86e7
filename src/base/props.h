/* SPDX-License-Identifier: ISC */
/* Properties of a connection (zmq_msg_gets): an immutable, counted list of names and values. */
#ifndef IH_BASE_PROPS_H
#define IH_BASE_PROPS_H

#include <stddef.h>

/* Owner: everybody who holds it, by an atomic count; immutable once it is shared. Names are compared exactly,
 * values are kept NUL-terminated behind their length, so that zmq_msg_gets can return them. */
struct ih_props;

/* An empty list. NULL when out of memory. */
struct ih_props *ih_props_new(void);

/* Adds or replaces a property, before the list is shared. May move the list: *props is updated. Limits its total size
 * to 64 KiB. -ENOMEM, -EINVAL (empty name or a name of more than 255 octets), -EMSGSIZE. */
int ih_props_set(struct ih_props **props, const char *name, size_t name_size, const void *value, size_t size);

struct ih_props *ih_props_hold(struct ih_props *props);
void ih_props_release(struct ih_props *props);

/* Many references at once: what is handed out one by one afterwards costs nothing. */
void ih_props_hold_many(struct ih_props *props, unsigned count);
void ih_props_release_many(struct ih_props *props, unsigned count);

/* The value (NUL-terminated, valid while props is held), or NULL. */
const char *ih_props_get(const struct ih_props *props, const char *name);

/* The value with its size, for values that hold NULs; or NULL. */
const void *ih_props_value(const struct ih_props *props, const char *name, size_t *size);

#endif
