/* SPDX-License-Identifier: ISC */
/* What ironauth_curve_server lets in: folders of certificates, and everyone. Each is a ZAP domain of its own, beside those
 * of the configuration and not touched by it. */
#ifndef IH_AUTH_LISTS_H
#define IH_AUTH_LISTS_H

#include "auth/config.h"
#include "auth/pool.h"

struct auth_list {
    char domain[AUTH_TEXT_MAX + 1]; /* "folder:PATH", or with a hash if the path is no text for a domain */
    char *folder;                   /* as realpath(3) says */
    struct auth_pool *pool;
    char *url;
};

/* Owner: the authenticator. Changed on its thread alone, and only for who holds ironauth.setup, who may therefore read it
 * too. Lists are never taken out: as many as there are folders. */
struct auth_lists {
    struct auth_list *lists;
    size_t count;
    bool everyone;
};

enum auth_list_outcome {
    AUTH_LIST_OTHER, /* no domain of this kind; one that is nobody's (of an authenticator before us) is decided */
    AUTH_LIST_DECIDED,
    AUTH_LIST_ASK, /* ask *source */
};

enum auth_list_outcome auth_lists_apply(const struct auth_lists *lists, const struct auth_request *request,
                                        struct auth_verdict *verdict, struct auth_source **source);

/* The two that may be called with ironauth.setup held, from other threads: they set the domain of the folder, or of
 * everyone. -ENOENT, -ENOTDIR, the system's errors; *why says more, or is NULL. */
int auth_lists_add_folder(struct ironauth *auth, const char *folder, char domain[AUTH_TEXT_MAX + 1], const char **why);
void auth_lists_add_everyone(struct ironauth *auth, char domain[AUTH_TEXT_MAX + 1]);

/* The authenticator's thread has ended. */
void auth_lists_stop(struct auth_lists *lists);
void auth_lists_fini(struct auth_lists *lists);

#endif
