/* SPDX-License-Identifier: ISC */
/* The audit: one JSON line for each decision. Thread-safe; a line is written whole or not at all, and never blocks the
 * authenticator for long. */
#ifndef IH_AUTH_AUDIT_H
#define IH_AUTH_AUDIT_H

#include "auth/request.h"

struct auth_audit;

/* where: "stderr", "syslog" (LOG_AUTH), or a file, appended to, mode 0600 if made. NULL where: an audit that writes nothing.
 * The system's errors: of the file, or of /dev/log if nobody listens there. */
int auth_audit_open(struct auth_audit **audit, const char *where);
void auth_audit_close(struct auth_audit *audit);

/* For log rotation: opens a file anew. Lines that could not be written (disk full) are counted and reported by the next
 * one that can, as "lost". */
int auth_audit_reopen(struct auth_audit *audit);

void auth_audit_write(struct auth_audit *audit, const struct auth_request *request, const struct auth_verdict *verdict,
                      uint64_t microseconds);

/* A connection that lost its permission. closed: it was closed; else it could not be (stock libzmq). */
void auth_audit_revoked(struct auth_audit *audit, const struct auth_request *request,
                        const struct auth_verdict *verdict, bool closed);

/* The line itself, without the line end: RFC 8259, all text escaped, so that what strangers send stays inside its string, and
 * octets that are no UTF-8 shown as U+FFFD. Returns its length, 0 if room is less than AUTH_AUDIT_LINE_MAX. */
enum { AUTH_AUDIT_LINE_MAX = 10240 };
size_t auth_audit_line(char *line, size_t room, const struct auth_request *request, const struct auth_verdict *verdict,
                       uint64_t microseconds, uint64_t wall_ms);

/* The same for a connection that lost its permission. */
size_t auth_audit_revoked_line(char *line, size_t room, const struct auth_request *request,
                               const struct auth_verdict *verdict, bool closed, uint64_t wall_ms);

#endif
