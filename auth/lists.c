/* SPDX-License-Identifier: ISC */
#include "auth/lists.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "auth/engine.h"

/* A folder is looked at by few threads: it is in memory. */
enum { TIMEOUT = 2000, SESSIONS = 1 };

#define SCHEME "files:"

/* ---- the policy ---- */

static bool is_ours(const char *domain)
{
    return strcmp(domain, AUTH_LISTS_EVERYONE) == 0 ||
           strncmp(domain, AUTH_LISTS_FOLDER, strlen(AUTH_LISTS_FOLDER)) == 0;
}

enum auth_list_outcome auth_lists_apply(const struct auth_lists *lists, const struct auth_request *request,
                                        struct auth_verdict *verdict, struct auth_source **source)
{
    const struct auth_list *list = NULL;
    bool everyone = lists->everyone && strcmp(request->domain, AUTH_LISTS_EVERYONE) == 0;

    for (size_t i = 0; i < lists->count && !list && !everyone; i++) {
        if (strcmp(lists->lists[i].domain, request->domain) == 0)
            list = &lists->lists[i];
    }
    if (!list && !everyone) {
        if (!is_ours(request->domain))
            return AUTH_LIST_OTHER;
        auth_verdict_set(verdict, AUTH_REFUSED, "", "no server was made for '%.100s' here", request->domain);
        return AUTH_LIST_DECIDED;
    }
    if (request->mechanism != AUTH_MECHANISM_CURVE) {
        auth_verdict_set(verdict, AUTH_REFUSED, "", "this server is for CURVE only");
        return AUTH_LIST_DECIDED;
    }
    if (list) {
        *source = auth_pool_source(list->pool);
        return AUTH_LIST_ASK;
    }
    auth_verdict_set(verdict, AUTH_OK, "", "everyone gets in by CURVE");
    (void)zmq_z85_encode(verdict->user_id, request->key, AUTH_KEY_SIZE);
    return AUTH_LIST_DECIDED;
}

/* ---- adding ---- */

static const char *no_setting(const void *arg, const char *name)
{
    (void)arg;
    (void)name;
    return NULL;
}

static bool printable(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || (unsigned char)*text > '~')
            return false;
    }
    return true;
}

/* The same for the same folder, in each authenticator: a server may outlive one. */
static void name_domain(struct auth_list *list)
{
    size_t size = strlen(list->folder);
    uint8_t digest[16];
    char text[2 * sizeof(digest) + 1];

    if (size <= AUTH_TEXT_MAX - strlen(AUTH_LISTS_FOLDER) && printable(list->folder)) {
        (void)snprintf(list->domain, sizeof(list->domain), AUTH_LISTS_FOLDER "%s", list->folder);
        return;
    }
    (void)crypto_generichash(digest, sizeof(digest), (const uint8_t *)list->folder, size, NULL, 0);
    (void)sodium_bin2hex(text, sizeof(text), digest, sizeof(digest));
    (void)snprintf(list->domain, sizeof(list->domain), AUTH_LISTS_FOLDER "%s", text);
}

static int open_list(struct ironauth *auth, struct auth_list *list, const char **why)
{
    size_t size = strlen(SCHEME) + strlen(list->folder) + 1;
    struct auth_settings settings = {.name = "folder", .timeout = TIMEOUT, .sessions = SESSIONS, .get = no_setting};
    const struct auth_backend_ops *ops;

    list->url = malloc(size);
    if (!list->url)
        return -ENOMEM;
    (void)snprintf(list->url, size, SCHEME "%s", list->folder);
    settings.url = list->url;
    ops = auth_backend_find(list->url);
    return ops ? auth_pool_open(&list->pool, ops, &settings, 0, &auth->mailbox, why) : -ENOTSUP;
}

/* On the authenticator's thread: room was made before. */
static void commit(struct ironauth *auth, void *arg)
{
    struct auth_list *list = arg;

    auth->lists.lists[auth->lists.count++] = *list;
    auth_engine_add_source(auth, auth_pool_source(list->pool));
}

struct grow {
    int rc;
};

static void make_room(struct ironauth *auth, void *arg)
{
    struct grow *grow = arg;
    struct auth_list *lists = realloc(auth->lists.lists, (auth->lists.count + 1) * sizeof(*lists));

    grow->rc = lists ? 0 : -ENOMEM;
    if (lists)
        auth->lists.lists = lists;
}

static int add(struct ironauth *auth, struct auth_list *list, const char **why)
{
    struct grow grow;
    int rc = open_list(auth, list, why);

    if (rc)
        goto fail;
    auth_engine_call(auth, make_room, &grow);
    rc = grow.rc;
    if (rc == 0) {
        auth_engine_call(auth, commit, list);
        return 0;
    }
    auth_pool_stop(list->pool);
    auth_engine_flush(auth);
    auth_pool_free(list->pool);
fail:
    free(list->url);
    return rc;
}

static int resolve(const char *folder, char **path)
{
    struct stat status;

    *path = realpath(folder, NULL);
    if (!*path)
        return -errno;
    if (stat(*path, &status) == 0 && S_ISDIR(status.st_mode))
        return 0;
    free(*path);
    return -ENOTDIR;
}

int auth_lists_add_folder(struct ironauth *auth, const char *folder, char domain[AUTH_TEXT_MAX + 1], const char **why)
{
    struct auth_list list = {.pool = NULL};
    int rc;

    *why = NULL;
    rc = resolve(folder, &list.folder);
    if (rc)
        return rc;
    for (size_t i = 0; i < auth->lists.count; i++) {
        if (strcmp(auth->lists.lists[i].folder, list.folder) == 0) {
            memcpy(domain, auth->lists.lists[i].domain, AUTH_TEXT_MAX + 1);
            free(list.folder);
            return 0;
        }
    }
    name_domain(&list);
    memcpy(domain, list.domain, AUTH_TEXT_MAX + 1);
    rc = add(auth, &list, why);
    if (rc)
        free(list.folder);
    return rc;
}

static void commit_everyone(struct ironauth *auth, void *arg)
{
    (void)arg;
    auth->lists.everyone = true;
}

void auth_lists_add_everyone(struct ironauth *auth, char domain[AUTH_TEXT_MAX + 1])
{
    (void)snprintf(domain, AUTH_TEXT_MAX + 1, "%s", AUTH_LISTS_EVERYONE);
    auth_engine_call(auth, commit_everyone, NULL);
}

/* ---- the end ---- */

void auth_lists_stop(struct auth_lists *lists)
{
    for (size_t i = 0; i < lists->count; i++)
        auth_pool_stop(lists->lists[i].pool);
}

void auth_lists_fini(struct auth_lists *lists)
{
    for (size_t i = 0; i < lists->count; i++) {
        auth_pool_free(lists->lists[i].pool);
        free(lists->lists[i].folder);
        free(lists->lists[i].url);
    }
    free(lists->lists);
}
