/* SPDX-License-Identifier: ISC */
/* The command line, and how the program ends. */
#ifndef IH_IRONAUTH_OPTIONS_H
#define IH_IRONAUTH_OPTIONS_H

#include <stdbool.h>

/* Exit statuses; the man page has them. */
enum status {
    STATUS_DONE = 0,
    STATUS_REFUSED = 1, /* not let in; no such entry; there is one already */
    STATUS_USAGE = 2,   /* of the program, or a mistake in a configuration */
    STATUS_AWAY = 3,    /* a back end or service does not answer */
    STATUS_DAMAGED = 4, /* what a back end holds, or says */
    STATUS_FAILED = 5,  /* the system: no permission, no memory, no space */
};

/* What a command may be given, besides --json and --help. */
enum option_set {
    OPTION_STORE = 1 << 0, /* a URL, or -c and -b */
    OPTION_CONFIG = 1 << 1,
    OPTION_USER = 1 << 2,
    OPTION_KEY = 1 << 3,
    OPTION_COMMENT = 1 << 4,
    OPTION_PASSWORD = 1 << 5, /* --password-stdin */
    OPTION_PRINT = 1 << 6,
    OPTION_REQUEST = 1 << 7, /* --domain, --address, --mechanism */
};

/* Owner: main; its strings are argv's. */
struct options {
    const char *command;
    const char *url; /* NULL: not given; likewise the others */
    const char *config, *backend;
    const char *user, *key, *comment;
    const char *domain, *address, *mechanism;
    int timeout; /* ms */
    bool password_stdin, print, json, help;
};

/* Reads what stands behind the command. STATUS_USAGE: it has said why. */
enum status options_read(struct options *options, unsigned allowed, int argc, char **argv);

#endif
