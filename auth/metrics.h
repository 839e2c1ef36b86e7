/* SPDX-License-Identifier: ISC */
/* Counters and latencies, in Prometheus' text form (exposition format 0.0.4), and the HTTP endpoint that shows them
 * (libmicrohttpd; built in if it is found). Thread-safe, without a lock on the counting side. */
#ifndef IH_AUTH_METRICS_H
#define IH_AUTH_METRICS_H

#include "auth/request.h"

struct auth_metrics;

/* names: the back ends' and forwards'; copied. "" stands for the policy itself; what is counted for another name, too. */
int auth_metrics_new(struct auth_metrics **metrics, const char *const *names, size_t count);
void auth_metrics_free(struct auth_metrics *metrics);

void auth_metrics_decided(struct auth_metrics *metrics, enum auth_mechanism mechanism, enum auth_status status,
                          const char *backend, uint64_t microseconds);
void auth_metrics_revoked(struct auth_metrics *metrics, size_t connections);
void auth_metrics_throttled(struct auth_metrics *metrics);
void auth_metrics_away(struct auth_metrics *metrics, const char *backend, bool away); /* a gauge: 1 up, 0 away */

/* malloc'ed text; NULL: no memory. */
char *auth_metrics_text(struct auth_metrics *metrics);

struct auth_http;

/* False: libmicrohttpd was not found when this was built. */
bool auth_http_available(void);

/* address: "127.0.0.1:9464", "[::1]:9464"; port 0: any. -EINVAL: not loopback; -ENOTSUP: not built in; the system's errors.
 * Serves GET /metrics, to 16 connections at a time. metrics is used until auth_http_stop has returned. */
int auth_http_start(struct auth_http **http, const char *address, struct auth_metrics *metrics);
unsigned auth_http_port(const struct auth_http *http);
void auth_http_stop(struct auth_http *http);

#endif
