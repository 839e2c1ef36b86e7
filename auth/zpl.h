/* SPDX-License-Identifier: ISC */
/* ZPL, the ZeroMQ Property Language (RFC 4): a tree of named values, with the place where each stands. */
#ifndef IH_AUTH_ZPL_H
#define IH_AUTH_ZPL_H

#include <stddef.h>

#include "auth/mistake.h"

/* Owner of all nodes: the root, which has no name. */
struct auth_zpl {
    char *name;
    char *value;           /* "" if there is none */
    unsigned line, column; /* of the name, from 1 on */
    unsigned value_column;
    struct auth_zpl *child, *next; /* in the order of the file */
};

/* Text need not end with NUL. -EINVAL with the first mistake: indentation that is no multiple of four or leaps, a tab before a
 * name, a character that no name may have, a value with a '#' in the middle of a word or with a control character, no UTF-8,
 * deeper than 16 levels; -ENOMEM. Columns count characters. */
int auth_zpl_parse(struct auth_zpl **root, const char *text, size_t size, struct auth_mistake *mistake);

void auth_zpl_free(struct auth_zpl *root);

/* The first child with this name, NULL: none. */
const struct auth_zpl *auth_zpl_find(const struct auth_zpl *node, const char *name);

#endif
