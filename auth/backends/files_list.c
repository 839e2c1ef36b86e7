/* SPDX-License-Identifier: ISC */
/* The folder for people: what is there, and what is wrong with it. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/backends/files.h"

/* What is listed: copies, so that who is told may change what is listed. */
struct listing {
    struct auth_entry *entries;
    size_t count;
};

static int compare_entries(const void *a_p, const void *b_p)
{
    const struct auth_entry *a = a_p;
    const struct auth_entry *b = b_p;
    int rc = a->is_key - b->is_key;

    if (rc == 0)
        rc = strcmp(a->user, b->user);
    return rc ? rc : memcmp(a->key, b->key, sizeof a->key);
}

static void list_users(struct listing *listing, const struct files_users *users)
{
    for (size_t i = 0; i < users->count; i++) {
        const struct files_user *user = &users->all[i];
        struct auth_entry *entry = &listing->entries[listing->count];

        if (!user->name)
            continue;
        listing->count++;
        (void)snprintf(entry->user, sizeof entry->user, "%s", user->name);
        (void)snprintf(entry->comment, sizeof entry->comment, "%s", user->comment);
    }
}

static void list_keys(struct listing *listing, const struct files_certs *certs)
{
    for (size_t i = 0; i < certs->room; i++) {
        for (const struct files_cert *cert = certs->by_file[i]; cert; cert = cert->next_file) {
            struct auth_entry *entry = &listing->entries[listing->count];

            if (cert->error)
                continue;
            listing->count++;
            entry->is_key = true;
            memcpy(entry->key, cert->key, sizeof entry->key);
            (void)snprintf(entry->user, sizeof entry->user, "%s", cert->user ? cert->user : "");
            (void)snprintf(entry->comment, sizeof entry->comment, "%s", cert->comment ? cert->comment : "");
        }
    }
}

static int make_listing(struct auth_backend *backend, struct listing *listing)
{
    int rc = files_refresh(backend);

    if (rc == 0)
        rc = files_refresh_users(backend);
    if (rc)
        return rc;
    listing->entries = calloc(backend->users.count + backend->certs.count + 1, sizeof *listing->entries);
    if (!listing->entries)
        return -ENOMEM;
    list_users(listing, &backend->users);
    list_keys(listing, &backend->certs);
    qsort(listing->entries, listing->count, sizeof *listing->entries, compare_entries);
    return 0;
}

int files_list(struct auth_session *session, auth_entry_fn *fn, void *arg)
{
    struct listing listing = {.entries = NULL};
    int rc;

    (void)pthread_mutex_lock(&session->backend->lock);
    rc = make_listing(session->backend, &listing);
    (void)pthread_mutex_unlock(&session->backend->lock);
    for (size_t i = 0; rc == 0 && i < listing.count; i++)
        rc = fn(arg, &listing.entries[i]);
    free(listing.entries);
    return rc;
}

__attribute__((format(printf, 3, 4))) static void tell_line(auth_tell_fn *tell, void *arg, const char *format, ...)
{
    char line[512];
    va_list values;

    va_start(values, format);
    (void)vsnprintf(line, sizeof line, format, values);
    va_end(values);
    tell(arg, line);
}

static void inspect_users(const struct files_users *users, auth_tell_fn *tell, void *arg)
{
    const struct files_user *found;

    if (users->known && users->mode & (S_IRWXG | S_IRWXO))
        tell_line(tell, arg, FILES_PASSWORDS ": others than its owner may open it (mode %04o)", users->mode);
    for (size_t i = 0; i < users->count; i++) {
        const struct files_user *user = &users->all[i];

        if (!user->name)
            tell_line(tell, arg, FILES_PASSWORDS ", line %u: no user's name", user->line);
        else if (!user->hash[0])
            tell_line(tell, arg, FILES_PASSWORDS ", line %u: no Argon2id hash", user->line);
        else if (files_users_find(users, user->name, &found) != 0)
            tell_line(tell, arg, FILES_PASSWORDS ", line %u: the user has another line", user->line);
    }
}

static void inspect_certs(const struct files_certs *certs, auth_tell_fn *tell, void *arg)
{
    for (size_t i = 0; i < certs->room; i++) {
        for (const struct files_cert *cert = certs->by_file[i]; cert; cert = cert->next_file) {
            const struct files_cert *first = cert->error ? cert : files_certs_find(certs, cert->key);

            if (cert->error)
                tell_line(tell, arg, "%s: %s", cert->file,
                          cert->error == EINVAL ? "no certificate" : strerror(cert->error));
            else if (!files_cert_is_same_owner(first, cert))
                tell_line(tell, arg, "%s: %s has the same key and another name", cert->file, first->file);
        }
    }
}

int files_inspect(struct auth_session *session, auth_tell_fn *tell, void *arg)
{
    struct auth_backend *backend = session->backend;
    int rc;

    (void)pthread_mutex_lock(&backend->lock);
    rc = files_refresh(backend);
    if (rc == 0)
        inspect_certs(&backend->certs, tell, arg);
    if (rc == 0)
        rc = files_refresh_users(backend);
    if (rc == 0)
        inspect_users(&backend->users, tell, arg);
    (void)pthread_mutex_unlock(&backend->lock);
    return rc;
}
