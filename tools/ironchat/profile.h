/* SPDX-License-Identifier: ISC */
/*
 * A participant's folder, mode 0700: the certificate "key" and "key_secret" (with the metadata name, relay and hop-key),
 * "contacts", "history", and the folder "files".
 */
#ifndef IRONCHAT_PROFILE_H
#define IRONCHAT_PROFILE_H

#include <curve.h>
#include <limits.h>

#include "ironchat/contacts.h"

/* Owned by one thread. */
struct profile {
    char folder[PATH_MAX - 64];
    curve_cert_t *cert; /* NULL: there is none yet */
    struct chat_card card;
    struct chat_contacts contacts;
};

/* All functions say on stderr what went wrong, and return 0, or -1 then. folder NULL: $IRONCHAT_HOME, or ~/.ironchat.
 * Errors in the contacts file are told, and are none here. */
int profile_open(struct profile *profile, const char *folder);

/* Makes the keys. It is an error if there are some. */
int profile_create(struct profile *profile, const char *name);

/* ENDPOINT or ENDPOINT,KEY. */
int profile_set_relay(struct profile *profile, const char *relay);

/* Adds a contact string; its relay becomes the own one if there is none. */
int profile_add(struct profile *profile, const char *text);

int profile_save_contacts(struct profile *profile);

/* The path of a file in it. */
void profile_path(const struct profile *profile, char path[PATH_MAX], const char *name);

void profile_close(struct profile *profile);

__attribute__((format(printf, 1, 2))) int profile_complain(const char *format, ...);

#endif
