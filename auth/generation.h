/* SPDX-License-Identifier: ISC */
/* All that one configuration makes: pools on back ends, ends of central services, audit, metrics. A reload makes a new one
 * beside the old, and only when it stands whole does it take the old one's place. */
#ifndef IH_AUTH_GENERATION_H
#define IH_AUTH_GENERATION_H

#include "auth/audit.h"
#include "auth/config.h"
#include "auth/forward.h"
#include "auth/metrics.h"
#include "auth/pool.h"

/* Owner: the authenticator. Immutable while the authenticator's thread has it, but for what lies in the sources. */
struct auth_generation {
    struct auth_config *config;
    struct auth_pool **pools; /* of config->backends, in their order */
    size_t pool_count;
    struct auth_forward **forwards; /* of config->forwards, in their order */
    size_t forward_count;
    void *context; /* of the sockets to central services, NULL: there are none */
    struct auth_audit *audit;
    struct auth_metrics *metrics;
    struct auth_http *http;          /* NULL: not wanted */
    bool keeps_audit, keeps_metrics; /* adopt takes the old generation's */
};

/* Makes it of this file (NULL: none; then everything is refused). Fails with ironauth_error() set. quiet: without audit and
 * metrics. old: the one it will replace, or NULL. */
int auth_generation_open(struct auth_generation **generation, const char *file, bool quiet,
                         struct auth_mailbox *mailbox, struct auth_generation *old);

/* Takes over what stays of the old one. Cannot fail. */
void auth_generation_adopt(struct auth_generation *generation, struct auth_generation *old);

/* As auth_pool_stop and auth_pool_free, in this order. */
void auth_generation_stop(struct auth_generation *generation);
void auth_generation_free(struct auth_generation *generation);

struct auth_source *auth_generation_backend(const struct auth_generation *generation, size_t index);
struct auth_source *auth_generation_forward(const struct auth_generation *generation, size_t index);

/* Calls fn for each source. */
void auth_generation_each(const struct auth_generation *generation,
                          void (*fn)(struct ironauth *auth, struct auth_source *source), struct ironauth *auth);

#endif
