/* SPDX-License-Identifier: ISC */
/*
 * A configuration: the policy of each ZAP domain, the back ends and central services that it names, audit and metrics.
 * docs/man/ironauth.conf.5 is the language. Immutable once read; counted references, since decisions under way still use
 * the old one after a reload.
 *
 *     audit = /var/log/ironauth.log          # or: stderr, syslog
 *     metrics = "127.0.0.1:9464"             # Prometheus; loopback only
 *     backend
 *         name = staff
 *         url = "sqlite:/var/lib/app/auth.db"
 *         timeout = 2000                     # ms
 *         sessions = 4
 *         cache = 60                         # seconds for which an answer is good while the back end is away; 0: none
 *     forward
 *         name = central
 *         server = "tcp://10.0.0.5:9100 rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"   # repeated: failover, in this order
 *         certificate = /etc/app/machine.cert
 *         timeout = 2000
 *         cache = 60
 *     serve                                  # ironauth serve
 *         endpoint = "tcp://0.0.0.0:9100"
 *         certificate = /etc/ironauth/service.cert
 *         clients = /etc/ironauth/machines
 *     domain
 *         name = "global"                    # "*": every domain that is not named
 *         allow = "10.0.0.0/8 ::1 local"     # may be repeated; once there, others are refused
 *         deny = 10.1.2.3                    # wins
 *         null = everyone
 *         plain = staff                      # back ends, the first that knows the user decides; or everyone
 *         curve = staff visitors
 *     domain
 *         name = "remote"
 *         forward = central                  # address rules are applied here, then there
 */
#ifndef IH_AUTH_CONFIG_H
#define IH_AUTH_CONFIG_H

#include "auth/address.h"
#include "auth/backend.h"
#include "auth/zpl.h"

/* How domains of ironauth_curve_server's begin (lists.h), which no configuration may name or mean. */
#define AUTH_LISTS_EVERYONE "everyone:"
#define AUTH_LISTS_FOLDER "folder:"

struct auth_backend_config {
    const struct auth_backend_ops *ops;
    struct auth_settings settings; /* settings.name, url, timeout, sessions, get */
    int cache;                     /* seconds */
};

struct auth_forward_server {
    const char *endpoint;
    char key[AUTH_KEY_TEXT];
};

struct auth_forward_config {
    const char *name;
    const char *certificate;
    struct auth_forward_server *servers;
    size_t count;
    int timeout; /* ms */
    int cache;   /* seconds */
};

struct auth_serve_config {
    const char *endpoint; /* NULL: there is no such section */
    const char *certificate;
    const char *clients; /* as ironauth_curve_server's */
};

/* Who may, by one mechanism. */
struct auth_rule {
    bool everyone;
    size_t *backends; /* indexes into config->backends, in order */
    size_t count;
};

struct auth_domain {
    const char *name;
    struct auth_network *allow, *deny;
    size_t allow_count, deny_count;
    struct auth_rule rules[AUTH_MECHANISMS];
    int forward; /* index into config->forwards, -1: none */
};

struct auth_config {
    const char *file; /* as given; "" for one made of text */
    const char *audit, *metrics;
    struct auth_backend_config *backends;
    struct auth_forward_config *forwards;
    struct auth_domain *domains;
    size_t backend_count, forward_count, domain_count;
    struct auth_serve_config serve;
    struct auth_zpl *zpl; /* owns the texts */
    /* and the reference count, config.c's */
};

/* Reads, checks names against each other, opens nothing. Unknown names, repeated single ones, numbers out of range, a back
 * end that is not built in, a domain that lets nobody in, more than 1 MiB: -EINVAL with the place. The system's errors of
 * reading; -ENOMEM. A file without domains is no mistake: nobody gets in. */
int auth_config_load(struct auth_config **config, const char *file, struct auth_mistake *mistake);
int auth_config_parse(struct auth_config **config, const char *text, size_t size, struct auth_mistake *mistake);

struct auth_config *auth_config_hold(struct auth_config *config);
void auth_config_release(struct auth_config *config);

/* The domain's policy: by name, else "*", else NULL. */
const struct auth_domain *auth_config_domain(const struct auth_config *config, const char *name);

enum auth_outcome {
    AUTH_DECIDED, /* verdict is whole */
    AUTH_ASK,     /* ask the back ends of *rule in order */
    AUTH_FORWARD, /* ask the central service domain->forward */
};

/* What the policy itself says: domain, addresses, mechanism, everyone. In doubt refused. *domain NULL: there is none; *rule
 * NULL: no mechanism's rule was looked at. The verdict is whole with AUTH_DECIDED, else empty: status 0 lets nobody in. */
enum auth_outcome auth_policy_apply(const struct auth_config *config, const struct auth_request *request,
                                    struct auth_verdict *verdict, const struct auth_domain **domain,
                                    const struct auth_rule **rule);

#endif
