/* SPDX-License-Identifier: ISC */
/* Where the audit's lines go. Not thread-safe. */
#ifndef IH_AUTH_AUDIT_SINK_H
#define IH_AUTH_AUDIT_SINK_H

#include <stdbool.h>
#include <stddef.h>

enum auth_sink_kind { AUTH_SINK_NONE, AUTH_SINK_STDERR, AUTH_SINK_SYSLOG, AUTH_SINK_FILE };

/* Owner: the audit. */
struct auth_sink {
    enum auth_sink_kind kind;
    int fd;     /* -1: none */
    bool torn;  /* half a line stands at the end of the file */
    char *path; /* of the file, or of the system log's socket */
};

/* As auth_audit_open; log: the system log's socket. */
int auth_sink_open(struct auth_sink *sink, const char *where, const char *log);
void auth_sink_close(struct auth_sink *sink);

/* A file is opened anew; if that fails, the old one stays. */
int auth_sink_reopen(struct auth_sink *sink);

/* Writes line and '\n', with one write(2), or nothing: then the error. Does not wait. text[size] is overwritten. */
int auth_sink_write(struct auth_sink *sink, char *text, size_t size);

#endif
