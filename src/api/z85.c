/* SPDX-License-Identifier: ISC */
/* zmq_z85_*: Z85 (RFC 32). */
#include <zmq.h>

#include <string.h>

#include "api/error.h"
#include "base/z85.h"

char *zmq_z85_encode(char *dest, const uint8_t *data, size_t size)
{
    int rc = ih_z85_encode(dest, data, size);

    return rc == 0 ? dest : ih_api_fail_null(-rc);
}

uint8_t *zmq_z85_decode(uint8_t *dest, const char *text)
{
    size_t size = strlen(text);
    int rc = size > 0 ? ih_z85_decode(dest, text, size) : -EINVAL;

    return rc == 0 ? dest : ih_api_fail_null(-rc);
}
