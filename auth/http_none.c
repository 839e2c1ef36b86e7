/* SPDX-License-Identifier: ISC */
/* Where libmicrohttpd is not found: no metrics by HTTP. */
#include <errno.h>

#include "auth/metrics.h"

bool auth_http_available(void)
{
    return false;
}

int auth_http_start(struct auth_http **http, const char *address, struct auth_metrics *metrics)
{
    (void)http, (void)address, (void)metrics;
    return -ENOTSUP;
}

unsigned auth_http_port(const struct auth_http *http)
{
    (void)http;
    return 0;
}

void auth_http_stop(struct auth_http *http)
{
    (void)http;
}
