/* SPDX-License-Identifier: ISC */
/* What failed, in words; and which libironauth this is. */
#include "auth/error.h"

#include <errno.h>
#include <ironauth.h>
#include <stdarg.h>
#include <stdio.h>

static _Thread_local char line[512];

int auth_error_set(int rc, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    (void)vsnprintf(line, sizeof line, format, list);
    va_end(list);
    errno = -rc;
    return -1;
}

const char *ironauth_error(void)
{
    return line;
}

void ironauth_version(int *major, int *minor, int *patch)
{
    *major = IRONAUTH_VERSION_MAJOR;
    *minor = IRONAUTH_VERSION_MINOR;
    *patch = IRONAUTH_VERSION_PATCH;
}
