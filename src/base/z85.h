/* SPDX-License-Identifier: ISC */
/* Z85: octets as printable text (RFC 32). */
#ifndef IH_BASE_Z85_H
#define IH_BASE_Z85_H

#include <stddef.h>
#include <stdint.h>

/* Writes size / 4 * 5 characters and a NUL. -EINVAL: size is no multiple of 4. */
int ih_z85_encode(char *dst, const uint8_t *src, size_t size);

/* Writes size / 5 * 4 octets. -EINVAL, dst untouched: size is no multiple of 5, a character is none of Z85's, or a
 * group of five means more than 32 bits hold. */
int ih_z85_decode(uint8_t *dst, const char *text, size_t size);

#endif
