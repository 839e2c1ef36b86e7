/* SPDX-License-Identifier: ISC */
/* A back end, as the command line names it. */
#ifndef IH_IRONAUTH_STORE_H
#define IH_IRONAUTH_STORE_H

#include "auth/backend.h"
#include "auth/config.h"
#include "ironauth/options.h"

/* On the stack of a command; store_close ends it, whatever store_find and store_open said. */
struct store {
    const struct auth_backend_ops *ops;
    struct auth_settings settings;
    struct auth_config *config;   /* NULL: it was named by a URL */
    char *url;                    /* made of a path, or NULL */
    struct auth_backend *backend; /* NULL: not open */
    struct auth_session *session;
};

enum { STORE_REASON_SIZE = 1024 };

/* What an error of a back end's means, in words: for one that is a file or folder which one it is, and what is wrong with it.
 * line: room for the words; or they are static. */
const char *store_reason(char line[STORE_REASON_SIZE], const struct auth_backend_ops *ops,
                         const struct auth_settings *settings, int rc);

/* The folder in which a file is. */
void store_folder_of(char folder[STORE_REASON_SIZE], const char *file);

/* Each says what is wrong. */
enum status store_find(struct store *store, const struct options *options);
enum status store_open(struct store *store, const struct options *options);
void store_close(struct store *store);

/* Reads a configuration, or says where its mistake is. */
enum status store_config(struct auth_config **config, const struct options *options);

/* The key that --key says: 40 characters of Z85, or a certificate's file. */
enum status store_key(uint8_t key[AUTH_KEY_SIZE], const struct options *options);

#endif
