/* SPDX-License-Identifier: ISC */
/* How internal results become results of the API: the one place that sets errno. */
#ifndef IH_API_ERROR_H
#define IH_API_ERROR_H

#include <errno.h>
#include <stddef.h>

/* -1 with errno. Programs take -1 with errno 0 for success, so error must not be 0. */
static inline int ih_api_fail(int error)
{
    errno = error;
    return -1;
}

/* NULL with errno. */
static inline void *ih_api_fail_null(int error)
{
    errno = error;
    return NULL;
}

/* An internal result (0 or more, or a negative errno) as the API's. */
static inline int ih_api_result(int rc)
{
    return rc < 0 ? ih_api_fail(-rc) : rc;
}

#endif
