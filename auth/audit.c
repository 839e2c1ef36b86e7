/* SPDX-License-Identifier: ISC */
/* The audit: lines, one after the other, to one place. */
#include "auth/audit.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/audit_sink.h"

/* Lives as long as its owner says; the lock guards all. */
struct auth_audit {
    pthread_mutex_t lock;
    struct auth_sink sink;
    uint64_t lost; /* lines, since the last that could be written */
};

int auth_audit_open(struct auth_audit **audit, const char *where)
{
    struct auth_audit *opened = calloc(1, sizeof *opened);
    int rc;

    if (!opened)
        return -ENOMEM;
    rc = auth_sink_open(&opened->sink, where, "/dev/log");
    if (rc == 0)
        rc = -pthread_mutex_init(&opened->lock, NULL);
    if (rc == 0) {
        *audit = opened;
        return 0;
    }
    auth_sink_close(&opened->sink);
    free(opened);
    return rc;
}

void auth_audit_close(struct auth_audit *audit)
{
    if (!audit)
        return;
    (void)pthread_mutex_destroy(&audit->lock);
    auth_sink_close(&audit->sink);
    free(audit);
}

int auth_audit_reopen(struct auth_audit *audit)
{
    int rc;

    (void)pthread_mutex_lock(&audit->lock);
    rc = auth_sink_reopen(&audit->sink);
    (void)pthread_mutex_unlock(&audit->lock);
    return rc;
}

static uint64_t wall_ms(void)
{
    struct timespec now = {0, 0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* text has room for what says how many were lost, before its last character, '}'. */
static void write_line(struct auth_audit *audit, char *text, size_t size)
{
    (void)pthread_mutex_lock(&audit->lock);
    if (audit->lost > 0)
        size = size - 1 + (size_t)sprintf(text + size - 1, ",\"lost\":%llu}", (unsigned long long)audit->lost);
    if (auth_sink_write(&audit->sink, text, size) == 0)
        audit->lost = 0;
    else
        audit->lost++;
    (void)pthread_mutex_unlock(&audit->lock);
}

enum { ROOM_FOR_LOST = 64 };

void auth_audit_write(struct auth_audit *audit, const struct auth_request *request, const struct auth_verdict *verdict,
                      uint64_t microseconds)
{
    char text[AUTH_AUDIT_LINE_MAX + ROOM_FOR_LOST];

    if (audit->sink.kind != AUTH_SINK_NONE) /* never changes */
        write_line(audit, text, auth_audit_line(text, AUTH_AUDIT_LINE_MAX, request, verdict, microseconds, wall_ms()));
}

void auth_audit_revoked(struct auth_audit *audit, const struct auth_request *request,
                        const struct auth_verdict *verdict, bool closed)
{
    char text[AUTH_AUDIT_LINE_MAX + ROOM_FOR_LOST];

    if (audit->sink.kind != AUTH_SINK_NONE)
        write_line(audit, text,
                   auth_audit_revoked_line(text, AUTH_AUDIT_LINE_MAX, request, verdict, closed, wall_ms()));
}
