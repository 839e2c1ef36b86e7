/* SPDX-License-Identifier: ISC */
/* A PostgreSQL server of a test's own, on a socket in its folder. */
#ifndef TESTS_AUTH_BACKENDS_SERVER_POSTGRESQL_H
#define TESTS_AUTH_BACKENDS_SERVER_POSTGRESQL_H

#include <stdbool.h>

#include "keeper.h"

/* Owner: the test. It may not be moved while it is open. */
struct postgresql {
    struct keeper_spec spec;
    struct keeper keeper;
    char folder[64];
    char url[160]; /* as the owner of everything */
    char data[96];
    char program[3][128]; /* initdb, postgres, psql */
    const char *argv[20];
};

/* Is PostgreSQL's server installed? */
bool postgresql_is_there(void);

/* Makes the cluster, and starts it. keeper_stop, _start and so on are to be used on .keeper. */
void postgresql_open(struct postgresql *server);
void postgresql_close(struct postgresql *server);

/* Runs statements by psql; false: one failed. */
bool postgresql_run(struct postgresql *server, const char *database, const char *sql);

/* The URL for another role or database. */
void postgresql_url(const struct postgresql *server, char *url, size_t size, const char *user, const char *database);

#endif
