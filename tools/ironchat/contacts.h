/* SPDX-License-Identifier: ISC */
/*
 * The file of contacts: one a line, in any order, comments from # on:
 *
 *   NAME KEY verified
 *   NAME KEY unverified
 *
 * A file with errors is never written over, nor one that somebody else changed since it was read.
 */
#ifndef IRONCHAT_CONTACTS_H
#define IRONCHAT_CONTACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "ironchat/contact.h"

enum { CHAT_CONTACTS_MAX = 1000, CHAT_CONTACTS_FILE_MAX = 1 << 20 };

/* One contact. Owned by its list. */
struct chat_contact {
    char name[CHAT_NAME_SIZE];
    uint8_t key[CHAT_KEY_SIZE];
    bool verified;
    char *before; /* comments and empty lines in front of it, or NULL; kept when the file is written */
};

/* The list, and the file that it came from. Owned by one thread; no lock. */
struct chat_contacts {
    struct chat_contact *list;
    size_t count;
    char *after; /* comments behind the last, or NULL */
    char *path;  /* NULL: not from a file */
    bool broken; /* the file has errors: chat_contacts_save refuses */
    bool exists; /* and `seen` says which file it was */
    struct stat seen;
};

/* Told of each error in the file, lines counted from 1; line 0: of the file as a whole. */
typedef void chat_complain_fn(void *arg, const char *file, int line, const char *what);

/* Reads text into a list that is empty. -EINVAL after telling all errors (the list holds what was right), -ENOMEM. */
int chat_contacts_parse(struct chat_contacts *contacts, const char *name, const char *text, size_t size,
                        chat_complain_fn *complain, void *arg);

/* The same from a file; none is an empty list. The system's errors, -EFBIG. */
int chat_contacts_load(struct chat_contacts *contacts, const char *path, chat_complain_fn *complain, void *arg);

/* Whole or not at all. -EPERM: it has errors; -ESTALE: it was changed meanwhile; the system's errors. */
int chat_contacts_save(struct chat_contacts *contacts);

/* Changes the list, not the file. -EEXIST: the name or key is there; -EINVAL: no such name may be; -ENOSPC. */
int chat_contacts_add(struct chat_contacts *contacts, const char *name, const uint8_t *key, bool verified);
void chat_contacts_remove(struct chat_contacts *contacts, const char *name);

/* NULL: not there. Valid until the list changes. */
struct chat_contact *chat_contacts_named(const struct chat_contacts *contacts, const char *name);
struct chat_contact *chat_contacts_keyed(const struct chat_contacts *contacts, const uint8_t *key);

void chat_contacts_fini(struct chat_contacts *contacts);

#endif
