/* SPDX-License-Identifier: ISC */
/* The values of options that are byte strings or lists. */
#ifndef IH_CORE_BLOB_H
#define IH_CORE_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Owner: the struct it is in. A NUL follows the octets. They may be a password: they are wiped before they are
 * freed. */
struct ih_blob {
    uint8_t *data; /* NULL: empty */
    size_t size;
};

void ih_blob_clear(struct ih_blob *blob);

/* Replaces the octets; size 0 makes it empty. -ENOMEM. */
int ih_blob_set(struct ih_blob *blob, const void *data, size_t size);

/* Adds octets at the end. -ENOMEM. */
int ih_blob_append(struct ih_blob *blob, const void *data, size_t size);

/* The lists that zmq_setsockopt adds an entry to. -EINVAL, -ENOMEM; nothing is changed then. (NULL, 0) clears the first
 * two. */

/* ZMQ_TCP_ACCEPT_FILTER: struct ih_net_filter. */
int ih_blob_add_filter(struct ih_blob *blob, bool ipv6, const void *value, size_t size);
/* ZMQ_IPC_FILTER_PID, _UID, _GID: 4 octets each. */
int ih_blob_add_id(struct ih_blob *blob, const void *value, size_t size);
/* ZMQ_METADATA "X-name:value", in RFC 37's encoding; replaces a property of that name. */
int ih_blob_add_property(struct ih_blob *blob, const void *value, size_t size);

#endif
