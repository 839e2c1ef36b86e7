/* SPDX-License-Identifier: ISC */
/* Metadata (RFC 37, "Connection Metadata"): properties in the encoding of READY and INITIATE. */
#ifndef IH_ZMTP_METADATA_H
#define IH_ZMTP_METADATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The RFC bounds neither; a list that is longer is refused. */
enum { IH_METADATA_PROPERTIES = 256 };

struct ih_property {
    const uint8_t *name;
    const uint8_t *value;
    size_t name_size;  /* 1 to 255 */
    size_t value_size; /* at most 2^31-1 */
};

/* Walks through metadata, which must outlive it. */
struct ih_metadata {
    const uint8_t *data;
    size_t size;
};

/* Takes the next property. 1: *property is set; 0: there is none; -EPROTO: malformed. Names are checked against
 * the RFC's grammar. */
int ih_metadata_next(struct ih_metadata *metadata, struct ih_property *property);

/* 0 if all of it is well-formed and not too long, else -EPROTO. */
int ih_metadata_check(const uint8_t *data, size_t size);

/* True if that is the property's name; case does not matter. */
bool ih_property_is(const struct ih_property *property, const char *name);

/* The value of the last property of that name, or NULL. */
const uint8_t *ih_metadata_find(const uint8_t *data, size_t size, const char *name, size_t *value_size);

/* Octets that ih_metadata_put writes. */
size_t ih_metadata_room(const char *name, size_t value_size);

/* Writes one property; returns the position behind it. */
uint8_t *ih_metadata_put(uint8_t *out, const char *name, const void *value, size_t value_size);

#endif
