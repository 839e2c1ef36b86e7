/* SPDX-License-Identifier: ISC */
/* What is wrong with a configuration, and where. */
#ifndef IH_AUTH_MISTAKE_H
#define IH_AUTH_MISTAKE_H

/* For people: one line. */
struct auth_mistake {
    unsigned line, column; /* from 1 on; 0: the file as a whole */
    char text[200];
};

/* Returns -EINVAL. */
__attribute__((format(printf, 4, 5))) int auth_mistake_set(struct auth_mistake *mistake, unsigned line, unsigned column,
                                                           const char *format, ...);

/* The name among names (NULL behind the last) that is most like text; NULL: none is like it. */
const char *auth_mistake_nearest(const char *text, const char *const *names);

#endif
