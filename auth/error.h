/* SPDX-License-Identifier: ISC */
/* What ironauth_error() says: one line, of each thread its own. */
#ifndef IH_AUTH_ERROR_H
#define IH_AUTH_ERROR_H

/* Sets the line, cut at 511 octets, and errno to -rc. Returns -1. */
__attribute__((format(printf, 2, 3))) int auth_error_set(int rc, const char *format, ...);

#endif
