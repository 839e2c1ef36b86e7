/* SPDX-License-Identifier: ISC */
/* A directory of a test's own: slapd with the tree dc=test, on a socket in its folder, and by TCP with TLS if that is wanted. */
#ifndef TESTS_AUTH_BACKENDS_SERVER_LDAP_H
#define TESTS_AUTH_BACKENDS_SERVER_LDAP_H

#include <stdbool.h>
#include <stddef.h>

#include "keeper.h"

#define LDAP_TEST_SERVICE "cn=service,dc=test"       /* may search; its password is in server->password_file */
#define LDAP_TEST_GROUP "cn=staff,ou=groups,dc=test" /* a groupOfNames; nobody is in it but cn=nobody */

/* Owner: the test. It may not be moved while it is open. */
struct directory {
    struct keeper_spec spec;
    struct keeper keeper;
    char folder[64];
    char url[160]; /* ldapi: */
    char password_file[96];
    char ca_file[96];
    char socket[96];
    int port; /* 0: no TCP. Of ldap:, and ldaps: on the next one */
    const char *argv[4];
};

enum directory_flags {
    DIRECTORY_TLS = 1,    /* by TCP too, with a certificate for 127.0.0.1, not 127.0.0.2 */
    DIRECTORY_SILENT = 2, /* it does not tell of changes */
    DIRECTORY_OPEN = 4,   /* the service may read passwords */
};

/* Is slapd installed? */
bool directory_is_there(void);

void directory_open(struct directory *directory, unsigned flags);
void directory_close(struct directory *directory);

/* Changes it as ldapmodify(1) reads it; false: it did not. */
bool directory_change(struct directory *directory, const char *ldif);

/* Adds many entries at once, while it is stopped for a moment. */
void directory_load(struct directory *directory, const char *ldif);

/* Empties it: the tree is there, and nobody in it. */
void directory_reset(struct directory *directory);

/*
 * People are below ou=people,dc=test, inetOrgPerson with zmqKey; cn, of which the DN is made, is the name and something in
 * front, since a directory may take " a" and "A" for the same.
 */
void directory_add_person(struct directory *directory, const char *name, const char *password);
bool directory_try_person(struct directory *directory, const char *name,
                          const char *password); /* false: there already */
void directory_remove_person(struct directory *directory, const char *name);
void directory_set_password(struct directory *directory, const char *name, const char *password);
void directory_set_key(struct directory *directory, const char *name, const char *key, bool add);
void directory_set_member(struct directory *directory, const char *name, bool add);

/* The person's DN. dn: 64 octets and 3 for each of the name's. */
void directory_dn(char *dn, size_t size, const char *name);

/* Behind the person's DN, a change as ldapmodify(1) reads it. */
__attribute__((format(printf, 3, 4))) void directory_change_person(struct directory *directory, const char *name,
                                                                   const char *format, ...);

#endif
