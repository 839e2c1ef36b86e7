/* SPDX-License-Identifier: ISC */
/* The values of the patterns' on-off options. */
#ifndef IH_PATTERN_FLAG_H
#define IH_PATTERN_FLAG_H

#include <errno.h>

#include "core/option.h"

/* As libzmq: 0 is off, any greater int is on. -EINVAL: negative, or no int. */
static inline int ih_flag_read(const void *value, size_t size, bool *flag)
{
    int number;
    int rc = ih_option_read_int(value, size, &number);

    if (rc < 0)
        return rc;
    if (number < 0)
        return -EINVAL;
    *flag = number != 0;
    return 0;
}

#endif
