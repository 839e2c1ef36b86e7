/* SPDX-License-Identifier: ISC */
/* The table of transports. */
#include <string.h>

#include "core/transport.h"

extern const struct ih_transport_ops ih_tcp_transport;
extern const struct ih_transport_ops ih_ipc_transport;
extern const struct ih_transport_ops ih_inproc_transport;

static const struct ih_transport_ops *const transports[] = {
    &ih_tcp_transport,
    &ih_ipc_transport,
    &ih_inproc_transport,
};

const struct ih_transport_ops *ih_transport_find(const char *scheme, size_t size)
{
    for (size_t i = 0; i < sizeof(transports) / sizeof(transports[0]); i++)
        if (strlen(transports[i]->scheme) == size && memcmp(transports[i]->scheme, scheme, size) == 0)
            return transports[i];
    return NULL;
}
