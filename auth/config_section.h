/* SPDX-License-Identifier: ISC */
/* A section of a configuration: which properties it may have, and their values. All functions return 0, or -EINVAL with the
 * mistake. */
#ifndef IH_AUTH_CONFIG_SECTION_H
#define IH_AUTH_CONFIG_SECTION_H

#include <stdbool.h>
#include <stddef.h>

#include "auth/zpl.h"

enum {
    AUTH_PROPERTY_REQUIRED = 1,
    AUTH_PROPERTY_REPEATED = 2, /* may be there several times */
    AUTH_PROPERTY_SECTION = 4,  /* has properties and no value */
};

struct auth_property {
    const char *name; /* NULL behind the last */
    unsigned flags;
};

enum { AUTH_PROPERTIES_MAX = 64, AUTH_WORD_MAX = 255 };

/* Every property of the section is one of known, or of more (names; NULL behind the last, or NULL: none), is there as often as
 * it may, and has what it should have. At most AUTH_PROPERTIES_MAX in all. */
int auth_section_check(const struct auth_zpl *section, const struct auth_property *known, const char *const *more,
                       struct auth_mistake *mistake);

/* A mistake in the property's value, offset octets behind its beginning. */
__attribute__((format(printf, 4, 5))) int auth_section_wrong(struct auth_mistake *mistake,
                                                             const struct auth_zpl *property, size_t offset,
                                                             const char *format, ...);

/* *number stays as it is if the section has no such property. */
int auth_section_number(const struct auth_zpl *section, const char *name, int *number, int least, int most,
                        struct auth_mistake *mistake);

/* A property that auth_section_check found to be there. */
const struct auth_zpl *auth_section_get(const struct auth_zpl *section, const char *name);

/* NULL if the section has no such property. */
const char *auth_section_text(const struct auth_zpl *section, const char *name);

/* The words of a value, between spaces. Begin with at = 0. */
struct auth_words {
    const struct auth_zpl *property;
    size_t at;     /* behind the word */
    size_t offset; /* of the word */
    char word[AUTH_WORD_MAX + 1];
};

/* 1: words->word is the next one; 0: there is none. -EINVAL: it is too long. */
int auth_words_next(struct auth_words *words, struct auth_mistake *mistake);

#endif
