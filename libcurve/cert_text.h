/* SPDX-License-Identifier: ISC */
/* A certificate as CZMQ writes it (ZPL, ZeroMQ RFC 4). Pure; libcurve and curve_keygen both use it. */
#ifndef IH_LIBCURVE_CERT_TEXT_H
#define IH_LIBCURVE_CERT_TEXT_H

#include <stddef.h>

/* Owner: the certificate, or the caller's stack; both strings end with NUL. */
struct ih_cert_meta {
    char *name;
    char *value;
};

/* The size of the text, without the NUL behind it. Writes as much of it as fits into room octets, always with a NUL
 * (room 0: nothing). Keys are in Z85; secret_text NULL leaves that key out. */
size_t ih_cert_format(char *out, size_t room, const char *public_text, const char *secret_text,
                      const struct ih_cert_meta *meta, size_t count);

#endif
