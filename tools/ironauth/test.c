/* SPDX-License-Identifier: ISC */
/* Command test: is a configuration right, and do its back ends answer? */
#include <arpa/inet.h>
#include <curve.h>
#include <errno.h>
#include <ironauth.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "auth/engine.h"

#include "ironauth/commands.h"
#include "ironauth/out.h"
#include "ironauth/store.h"

/* What was found so far. The worst decides how the program ends. */
struct findings {
    const struct options *options;
    enum status worst;
    const char *name; /* of whom it is found */
    bool any;
};

static void find(struct findings *findings, const char *line, enum status status)
{
    if (findings->options->json) {
        (void)fputs(findings->any ? ",\n {\"name\": " : "\n {\"name\": ", stdout);
        out_string(findings->name);
        (void)fputs(", \"finding\": ", stdout);
        out_string(line);
        (void)printf(", \"status\": %d}", status);
    } else {
        out_text(findings->name);
        (void)fputs(": ", stdout);
        out_text(line);
        (void)putchar('\n');
    }
    findings->any = true;
    if (status > findings->worst)
        findings->worst = status;
}

static void find_damage(void *arg, const char *line)
{
    find(arg, line, STATUS_DAMAGED);
}

/* Nobody has this key: a back end that works says so. */
static int ask(const struct auth_backend_ops *ops, struct auth_session *session)
{
    uint8_t key[AUTH_KEY_SIZE];
    struct auth_record record;
    int rc;

    randombytes_buf(key, sizeof key);
    rc = ops->find_key(session, key, &record);
    return rc == -ENOENT ? 0 : rc == 0 ? -EBADMSG : rc;
}

static int inspect(struct findings *findings, const struct auth_backend_ops *ops, struct auth_backend *backend)
{
    struct auth_session *session;
    int rc = ops->begin(backend, &session);

    if (rc)
        return rc;
    rc = ask(ops, session);
    if (rc == 0 && ops->inspect)
        rc = ops->inspect(session, find_damage, findings);
    ops->end(session);
    return rc;
}

static void test_backend(struct findings *findings, const struct auth_backend_config *config)
{
    struct auth_backend *backend;
    char line[STORE_REASON_SIZE];
    const char *error = NULL;
    int rc = config->ops->open(&config->settings, &backend, &error);

    findings->name = config->settings.name;
    if (rc) {
        find(findings, rc == -EINVAL && error ? error : strerror(-rc), rc == -EINVAL ? STATUS_USAGE : STATUS_FAILED);
        return;
    }
    rc = inspect(findings, config->ops, backend);
    config->ops->close(backend);
    find(findings, rc ? store_reason(line, config->ops, &config->settings, rc) : "answers", out_status(rc));
}

/* Of what it is found, as a file that the configuration names, and what. */
static void find_in(struct findings *findings, const char *where, const char *what, enum status status)
{
    char line[STORE_REASON_SIZE];

    (void)snprintf(line, sizeof line, "%.800s: %s", where, what);
    find(findings, line, status);
}

/* A service without its key pair cannot start. */
static void test_certificate(struct findings *findings, const char *name, const char *file)
{
    curve_cert_t *cert;

    findings->name = name;
    cert = curve_cert_load(file);
    if (!cert)
        find_in(findings, file, errno == EINVAL ? "no certificate" : strerror(errno), STATUS_USAGE);
    else if (!curve_cert_secret_key(cert))
        find_in(findings, file, "the certificate has no secret key, nor is there a .key_secret beside it",
                STATUS_USAGE);
    else if (curve_cert_exposed(cert))
        find_in(findings, file, "the secret key may be read by others than the file's owner", STATUS_DAMAGED);
    curve_cert_destroy(&cert);
}

/* ---- central services ---- */

/* A request of nobody's that the domain's policy hands on: by an address that it lets in. */
static bool find_request(struct auth_request *request, const struct auth_config *config,
                         const struct auth_domain *domain)
{
    struct auth_verdict verdict;
    const struct auth_domain *found;
    const struct auth_rule *rule;

    memset(request, 0, sizeof *request);
    request->mechanism = AUTH_MECHANISM_CURVE;
    randombytes_buf(request->key, sizeof request->key);
    (void)snprintf(request->domain, sizeof request->domain, "%s",
                   strcmp(domain->name, "*") == 0 ? "(ironauth test)" : domain->name);
    for (size_t i = 0; i <= domain->allow_count; i++) {
        if (auth_policy_apply(config, request, &verdict, &found, &rule) == AUTH_FORWARD)
            return true;
        if (i < domain->allow_count &&
            !inet_ntop(AF_INET6, domain->allow[i].address, request->address, sizeof request->address))
            return false;
    }
    return false;
}

static void ask_service(struct findings *findings, ironauth_t *auth, const struct auth_request *request)
{
    const ironauth_request_t question = {
        .domain = request->domain, .address = request->address, .mechanism = "CURVE", .key = request->key};
    ironauth_verdict_t verdict;

    if (ironauth_check(auth, &question, &verdict) != 0)
        find(findings, ironauth_error(), STATUS_FAILED);
    else if (verdict.status == 300)
        find_in(findings, verdict.reason,
                "is it running, is its key the one of 'server', and may this machine's certificate ask it?",
                STATUS_AWAY);
    else if (verdict.status == 400)
        find(findings, "answers", STATUS_DONE);
    else
        find(findings, "knows everybody, or answers nonsense", STATUS_DAMAGED);
}

static void test_forward(struct findings *findings, const struct auth_config *config, size_t index, ironauth_t *auth)
{
    struct auth_request request;

    test_certificate(findings, config->forwards[index].name, config->forwards[index].certificate);
    for (size_t i = 0; i < config->domain_count; i++) {
        if (config->domains[i].forward != (int)index || !find_request(&request, config, &config->domains[i]))
            continue;
        ask_service(findings, auth, &request);
        return;
    }
    find(findings, "no domain asks it", STATUS_DONE);
}

/* Services are asked as the authenticator asks them. */
static void test_forwards(struct findings *findings, const struct auth_config *config)
{
    void *context = zmq_ctx_new();
    ironauth_t *auth = context ? auth_start(context, findings->options->config, true) : NULL;

    if (!auth) {
        findings->name = findings->options->config;
        find(findings, context ? ironauth_error() : strerror(errno), STATUS_FAILED);
    }
    for (size_t i = 0; auth && i < config->forward_count; i++)
        test_forward(findings, config, i, auth);
    ironauth_stop(&auth);
    if (context)
        (void)zmq_ctx_term(context);
}

/* An audit that cannot be opened keeps the authenticator from starting. Nothing is made here. */
static void test_audit(struct findings *findings, const char *where)
{
    char folder[STORE_REASON_SIZE];

    findings->name = "audit";
    if (strcmp(where, "stderr") == 0 || strcmp(where, "syslog") == 0)
        return;
    store_folder_of(folder, where);
    if (access(folder, F_OK) != 0)
        find_in(findings, folder, strerror(errno), STATUS_USAGE);
}

/* ---- what is served ---- */

static void test_serve(struct findings *findings, const struct auth_serve_config *config)
{
    struct stat status;

    test_certificate(findings, "serve", config->certificate);
    if (strcmp(config->clients, IRONAUTH_EVERYONE) == 0 || strncmp(config->clients, "domain:", 7) == 0)
        return;
    if (stat(config->clients, &status) != 0)
        find_in(findings, config->clients, strerror(errno), STATUS_USAGE);
    else if (!S_ISDIR(status.st_mode))
        find_in(findings, config->clients, strerror(ENOTDIR), STATUS_USAGE);
}

static void test_all(struct findings *findings, const struct auth_config *config)
{
    if (config->audit)
        test_audit(findings, config->audit);
    for (size_t i = 0; i < config->backend_count; i++)
        test_backend(findings, &config->backends[i]);
    if (config->forward_count)
        test_forwards(findings, config);
    if (config->serve.endpoint)
        test_serve(findings, &config->serve);
    findings->name = findings->options->config;
    find(findings, "no mistake in the configuration", STATUS_DONE);
}

enum status command_test(const struct options *options)
{
    struct findings findings = {.options = options};
    struct auth_config *config = NULL;
    enum status status;

    if (!options->config)
        return out_usage(options, "which configuration? -c FILE");
    status = store_config(&config, options);
    if (status != STATUS_DONE)
        return status;
    if (options->json)
        (void)fputs("{\"findings\": [", stdout);
    test_all(&findings, config);
    if (options->json)
        (void)printf(findings.worst ? "], \"ok\": false, \"status\": %d}\n" : "], \"ok\": true}\n", findings.worst);
    auth_config_release(config);
    return findings.worst;
}
