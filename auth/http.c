/* SPDX-License-Identifier: ISC */
/* GET /metrics, by libmicrohttpd, in a thread of its own. */
#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "auth/address.h"
#include "auth/metrics.h"

/* Who is on the loopback may still be a nuisance. */
enum { CONNECTIONS_MAX = 16, PATIENCE = 10 /* s */, MEMORY_MAX = 16384 /* for each connection */ };

/* Owner: whoever started it; the daemon's thread uses metrics until it is stopped. */
struct auth_http {
    struct MHD_Daemon *daemon;
    struct auth_metrics *metrics;
};

bool auth_http_available(void)
{
    return true;
}

/* text: malloc'ed, taken over. */
static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *header, const char *value,
                              char *text)
{
    struct MHD_Response *response =
        text ? MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE) : NULL;
    enum MHD_Result result = MHD_NO; /* closes the connection */

    if (!response) {
        free(text);
        return MHD_NO;
    }
    if (MHD_add_response_header(response, header, value) == MHD_YES)
        result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *data, size_t *size, void **state)
{
    struct auth_http *http = arg;

    (void)version, (void)data, (void)state;
    *size = 0; /* a body is passed over */
    if (strcmp(url, "/metrics") != 0)
        return answer(connection, MHD_HTTP_NOT_FOUND, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain",
                      strdup("Not found. There is /metrics.\n"));
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0)
        return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, MHD_HTTP_HEADER_ALLOW, MHD_HTTP_METHOD_GET,
                      strdup("Only GET.\n"));
    return answer(connection, MHD_HTTP_OK, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8",
                  auth_metrics_text(http->metrics));
}

/* Signals are the program's: the thread that is started here has them blocked. */
static int start(struct auth_http *http, const struct sockaddr_storage *address)
{
    unsigned flags = MHD_USE_AUTO_INTERNAL_THREAD | (address->ss_family == AF_INET6 ? MHD_USE_IPv6 : 0);
    sigset_t all, old;
    int error;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    errno = 0;
    http->daemon =
        MHD_start_daemon(flags, 0, NULL, NULL, handle, http, MHD_OPTION_SOCK_ADDR, address, MHD_OPTION_CONNECTION_LIMIT,
                         (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)PATIENCE,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_MAX, MHD_OPTION_END);
    error = errno ? -errno : -EIO;
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return http->daemon ? 0 : error;
}

int auth_http_start(struct auth_http **http, const char *address, struct auth_metrics *metrics)
{
    struct sockaddr_storage parsed;
    struct auth_http *started;
    socklen_t size;
    int rc = auth_address_loopback(&parsed, &size, address);

    if (rc < 0)
        return rc;
    started = calloc(1, sizeof *started);
    if (!started)
        return -ENOMEM;
    started->metrics = metrics;
    rc = start(started, &parsed);
    if (rc < 0)
        free(started);
    else
        *http = started;
    return rc;
}

unsigned auth_http_port(const struct auth_http *http)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT);

    return info ? info->port : 0;
}

void auth_http_stop(struct auth_http *http)
{
    if (!http)
        return;
    MHD_stop_daemon(http->daemon);
    free(http);
}
