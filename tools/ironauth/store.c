/* SPDX-License-Identifier: ISC */
/* A back end, as the command line names it. */
#include "ironauth/store.h"

#include <curve.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "auth/mistake.h"
#include "ironauth/out.h"

enum status store_config(struct auth_config **config, const struct options *options)
{
    struct auth_mistake mistake = {.line = 0};
    int rc = auth_config_load(config, options->config, &mistake);

    if (rc == -EINVAL && mistake.line)
        return out_failed(options, STATUS_USAGE, "%s:%u:%u: %s", options->config, mistake.line, mistake.column,
                          mistake.text);
    if (rc)
        return out_failed(options, rc == -ENOMEM ? STATUS_FAILED : STATUS_USAGE, "%s: %s", options->config,
                          rc == -EINVAL ? mistake.text : strerror(-rc));
    return STATUS_DONE;
}

static enum status find_configured(struct store *store, const struct options *options)
{
    enum status status;

    if (!options->backend)
        return out_usage(options, "-c needs -b NAME: which of its back ends");
    status = store_config(&store->config, options);
    if (status != STATUS_DONE)
        return status;
    for (size_t i = 0; i < store->config->backend_count; i++) {
        if (strcmp(store->config->backends[i].settings.name, options->backend) == 0) {
            store->ops = store->config->backends[i].ops;
            store->settings = store->config->backends[i].settings;
            return STATUS_DONE;
        }
    }
    return out_failed(options, STATUS_USAGE, "%s: there is no back end \"%s\"", options->config, options->backend);
}

/* A path without a scheme: a folder is one of certificates, anything else a file of SQLite's. */
static const char *url_of(struct store *store, const char *text)
{
    size_t size = strlen(text);
    struct stat status;
    bool is_folder = (size && text[size - 1] == '/') || (stat(text, &status) == 0 && S_ISDIR(status.st_mode));

    store->url = malloc(size + sizeof "sqlite:");
    if (store->url)
        (void)sprintf(store->url, "%s:%s", is_folder ? "files" : "sqlite", text);
    return store->url;
}

/* A word and a colon, as a scheme has it, even if it is none that we know. */
static bool has_scheme(const char *text)
{
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyz");

    return size > 0 && text[size] == ':';
}

enum status store_find(struct store *store, const struct options *options)
{
    const char *url;

    memset(store, 0, sizeof *store);
    if (options->config)
        return find_configured(store, options);
    if (options->backend)
        return out_usage(options, "-b needs -c FILE: in which configuration");
    if (!options->url)
        return out_usage(options, "which back end? A URL, or -c FILE -b NAME");
    url = has_scheme(options->url) ? options->url : url_of(store, options->url);
    if (!url)
        return out_failed(options, STATUS_FAILED, "%s", strerror(ENOMEM));
    store->ops = auth_backend_find(url);
    if (!store->ops)
        return out_failed(options, STATUS_USAGE, "there is no such back end here: %.*s:", (int)strcspn(url, ":"), url);
    store->settings = (struct auth_settings){.name = "", .url = url, .timeout = options->timeout, .sessions = 1};
    return STATUS_DONE;
}

void store_folder_of(char folder[STORE_REASON_SIZE], const char *file)
{
    const char *slash = strrchr(file, '/');

    (void)snprintf(folder, STORE_REASON_SIZE, "%.*s", slash ? (int)(slash - file) + 1 : 1, slash ? file : ".");
}

/* The file that keeps a back end on this machine from being read, in path; returns the errno, or 0. */
static int find_obstacle(char path[STORE_REASON_SIZE], const char *scheme, const char *place)
{
    bool files = strcmp(scheme, "files") == 0;
    struct stat status;

    (void)snprintf(path, STORE_REASON_SIZE, "%s", place);
    if (stat(path, &status) == 0 && files != (bool)S_ISDIR(status.st_mode))
        return files ? ENOTDIR : EISDIR;
    if (access(path, files ? R_OK | X_OK : R_OK | W_OK) != 0)
        return errno;
    if (!files) {
        store_folder_of(path, place); /* SQLite makes files beside it */
        return access(path, W_OK | X_OK) == 0 ? 0 : errno;
    }
    (void)snprintf(path, STORE_REASON_SIZE, "%s/passwords", place);
    return access(path, R_OK) == 0 || errno == ENOENT ? 0 : errno;
}

const char *store_reason(char line[STORE_REASON_SIZE], const struct auth_backend_ops *ops,
                         const struct auth_settings *settings, int rc)
{
    const char *place = strchr(settings->url, ':');
    char path[STORE_REASON_SIZE];
    int obstacle;

    if (rc != -EAGAIN || !place || (strcmp(ops->scheme, "files") != 0 && strcmp(ops->scheme, "sqlite") != 0))
        return out_reason(rc);
    obstacle = find_obstacle(path, ops->scheme, place + 1);
    if (obstacle == 0)
        return out_reason(rc);
    (void)snprintf(line, STORE_REASON_SIZE, "the back end is away: %.800s: %s%s", path, strerror(obstacle),
                   obstacle == ENOENT ? "; 'ironauth init' makes it" : "");
    return line;
}

enum status store_open(struct store *store, const struct options *options)
{
    char line[STORE_REASON_SIZE];
    const char *error = NULL;
    int rc = store->ops->open(&store->settings, &store->backend, &error);

    if (rc) {
        store->backend = NULL;
        return out_failed(options, rc == -EINVAL ? STATUS_USAGE : STATUS_FAILED, "%s",
                          rc == -EINVAL && error ? error : strerror(-rc));
    }
    rc = store->ops->begin(store->backend, &store->session);
    if (rc) {
        store->session = NULL;
        return out_failed(options, out_status(rc), "%s", store_reason(line, store->ops, &store->settings, rc));
    }
    return STATUS_DONE;
}

void store_close(struct store *store)
{
    if (store->session)
        store->ops->end(store->session);
    if (store->backend)
        store->ops->close(store->backend);
    if (store->config)
        auth_config_release(store->config);
    free(store->url);
}

/* A file's name may be of 40 such characters: what is there is a file. */
enum status store_key(uint8_t key[AUTH_KEY_SIZE], const struct options *options)
{
    struct stat status;
    curve_cert_t *cert;

    if (strlen(options->key) == AUTH_KEY_TEXT - 1 && stat(options->key, &status) != 0 &&
        zmq_z85_decode(key, options->key)) {
        if (sodium_is_zero(key, AUTH_KEY_SIZE))
            return out_failed(options, STATUS_USAGE, "nobody has this key");
        return STATUS_DONE;
    }
    cert = curve_cert_load_public(options->key);
    if (!cert)
        return out_failed(options, STATUS_USAGE, "%s: neither 40 characters of Z85 nor a certificate: %s", options->key,
                          errno == EINVAL ? "the file is none" : strerror(errno));
    memcpy(key, curve_cert_public_key(cert), AUTH_KEY_SIZE);
    curve_cert_destroy(&cert);
    return STATUS_DONE;
}
