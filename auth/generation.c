/* SPDX-License-Identifier: ISC */
#include "auth/generation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "auth/error.h"

/* Between numbered parts of a file's name and text. */
static const char *named(const char *file)
{
    return file ? file : "(no configuration)";
}

/* ---- its parts ---- */

static int load(struct auth_generation *generation, const char *file)
{
    struct auth_mistake mistake = {.line = 0};
    int rc = file ? auth_config_load(&generation->config, file, &mistake)
                  : auth_config_parse(&generation->config, "", 0, &mistake);

    if (rc == 0)
        return 0;
    if (rc != -EINVAL)
        (void)auth_error_set(rc, "%s: %s", named(file), strerror(-rc));
    else if (mistake.line)
        (void)auth_error_set(rc, "%s:%u:%u: %s", named(file), mistake.line, mistake.column, mistake.text);
    else
        (void)auth_error_set(rc, "%s: %s", named(file), mistake.text);
    return rc;
}

static int open_pools(struct auth_generation *generation, struct auth_mailbox *mailbox)
{
    const struct auth_config *config = generation->config;

    generation->pools = calloc(config->backend_count + 1, sizeof(struct auth_pool *));
    if (!generation->pools)
        return auth_error_set(-ENOMEM, "no memory"), -ENOMEM;
    for (size_t i = 0; i < config->backend_count; i++) {
        const struct auth_backend_config *backend = &config->backends[i];
        const char *why = NULL;
        int rc = auth_pool_open(&generation->pools[i], backend->ops, &backend->settings, backend->cache, mailbox, &why);

        if (rc) {
            (void)auth_error_set(rc, "back end '%s': %s", backend->settings.name, why ? why : strerror(-rc));
            return rc;
        }
        generation->pool_count++;
    }
    return 0;
}

static int open_forwards(struct auth_generation *generation)
{
    const struct auth_config *config = generation->config;

    generation->forwards = calloc(config->forward_count + 1, sizeof(struct auth_forward *));
    if (!generation->forwards)
        return auth_error_set(-ENOMEM, "no memory"), -ENOMEM;
    if (config->forward_count == 0)
        return 0;
    generation->context = zmq_ctx_new();
    if (!generation->context)
        return auth_error_set(-zmq_errno(), "no context for central services: %s", zmq_strerror(zmq_errno())), -errno;
    for (size_t i = 0; i < config->forward_count; i++) {
        int rc = auth_forward_open(&generation->forwards[i], &config->forwards[i], generation->context);

        if (rc)
            return rc;
        generation->forward_count++;
    }
    return 0;
}

static bool same(const char *one, const char *other)
{
    return one && other ? strcmp(one, other) == 0 : one == other;
}

/* For who wants to know what the configuration says, while another program does what it says. */
static void hush(struct auth_config *config)
{
    config->audit = NULL;
    config->metrics = NULL;
}

static int open_audit(struct auth_generation *generation, const struct auth_generation *old)
{
    const char *where = generation->config->audit;
    int rc;

    generation->keeps_audit = old && same(where, old->config->audit);
    /* After a reload for the rotation of logs too. */
    rc = generation->keeps_audit ? auth_audit_reopen(old->audit) : auth_audit_open(&generation->audit, where);
    if (rc)
        (void)auth_error_set(rc, "audit '%s': %s", where ? where : "", strerror(-rc));
    return rc;
}

/* ---- metrics ---- */

static bool same_names(const struct auth_config *one, const struct auth_config *other)
{
    if (one->backend_count != other->backend_count || one->forward_count != other->forward_count)
        return false;
    for (size_t i = 0; i < one->backend_count; i++) {
        if (strcmp(one->backends[i].settings.name, other->backends[i].settings.name) != 0)
            return false;
    }
    for (size_t i = 0; i < one->forward_count; i++) {
        if (strcmp(one->forwards[i].name, other->forwards[i].name) != 0)
            return false;
    }
    return true;
}

static int new_metrics(struct auth_generation *generation)
{
    const struct auth_config *config = generation->config;
    size_t count = config->backend_count + config->forward_count + 1;
    const char **names = calloc(count, sizeof(*names));
    int rc;

    if (!names)
        return -ENOMEM;
    names[0] = "folder"; /* lists.c's */
    for (size_t i = 0; i < config->backend_count; i++)
        names[1 + i] = config->backends[i].settings.name;
    for (size_t i = 0; i < config->forward_count; i++)
        names[1 + config->backend_count + i] = config->forwards[i].name;
    rc = auth_metrics_new(&generation->metrics, names, count);
    free(names);
    return rc;
}

/* The old endpoint gives way to the new one at the same address, and comes back if that fails. */
static int start_http(struct auth_generation *generation, struct auth_generation *old)
{
    const char *address = generation->config->metrics;
    bool swap = old && old->http && same(address, old->config->metrics);
    int rc;

    if (!address)
        return 0;
    if (swap) {
        auth_http_stop(old->http);
        old->http = NULL;
    }
    rc = auth_http_start(&generation->http, address, generation->metrics);
    if (rc && swap)
        (void)auth_http_start(&old->http, address, old->metrics);
    return rc;
}

static int open_metrics(struct auth_generation *generation, struct auth_generation *old)
{
    const char *address = generation->config->metrics;
    int rc;

    generation->keeps_metrics =
        old && same(address, old->config->metrics) && same_names(generation->config, old->config);
    if (generation->keeps_metrics)
        return 0;
    rc = new_metrics(generation);
    if (rc == 0)
        rc = start_http(generation, old);
    if (rc)
        (void)auth_error_set(rc, "metrics '%s': %s", address ? address : "", strerror(-rc));
    return rc;
}

/* ---- life ---- */

int auth_generation_open(struct auth_generation **generation_p, const char *file, bool quiet,
                         struct auth_mailbox *mailbox, struct auth_generation *old)
{
    struct auth_generation *generation = calloc(1, sizeof(*generation));
    int rc;

    *generation_p = generation;
    if (!generation)
        return auth_error_set(-ENOMEM, "no memory"), -ENOMEM;
    rc = load(generation, file);
    if (rc == 0 && quiet)
        hush(generation->config);
    if (rc == 0)
        rc = open_pools(generation, mailbox);
    if (rc == 0)
        rc = open_forwards(generation);
    if (rc == 0)
        rc = open_audit(generation, old);
    if (rc == 0)
        rc = open_metrics(generation, old); /* the last: it may disturb the old one */
    if (rc)
        auth_generation_stop(generation);
    return rc;
}

void auth_generation_adopt(struct auth_generation *generation, struct auth_generation *old)
{
    if (generation->keeps_audit) {
        generation->audit = old->audit;
        old->audit = NULL;
    }
    if (generation->keeps_metrics) {
        generation->metrics = old->metrics;
        generation->http = old->http;
        old->metrics = NULL;
        old->http = NULL;
    }
}

void auth_generation_stop(struct auth_generation *generation)
{
    for (size_t i = 0; i < generation->pool_count; i++)
        auth_pool_stop(generation->pools[i]);
}

void auth_generation_free(struct auth_generation *generation)
{
    if (!generation)
        return;
    for (size_t i = 0; i < generation->pool_count; i++)
        auth_pool_free(generation->pools[i]);
    for (size_t i = 0; i < generation->forward_count; i++)
        auth_forward_close(generation->forwards[i]);
    if (generation->context)
        (void)zmq_ctx_term(generation->context);
    if (generation->http)
        auth_http_stop(generation->http);
    if (generation->metrics)
        auth_metrics_free(generation->metrics);
    if (generation->audit)
        auth_audit_close(generation->audit);
    if (generation->config)
        auth_config_release(generation->config);
    free(generation->pools);
    free(generation->forwards);
    free(generation);
}

struct auth_source *auth_generation_backend(const struct auth_generation *generation, size_t index)
{
    return auth_pool_source(generation->pools[index]);
}

struct auth_source *auth_generation_forward(const struct auth_generation *generation, size_t index)
{
    return auth_forward_source(generation->forwards[index]);
}

void auth_generation_each(const struct auth_generation *generation,
                          void (*fn)(struct ironauth *auth, struct auth_source *source), struct ironauth *auth)
{
    for (size_t i = 0; i < generation->pool_count; i++)
        fn(auth, auth_generation_backend(generation, i));
    for (size_t i = 0; i < generation->forward_count; i++)
        fn(auth, auth_generation_forward(generation, i));
}
