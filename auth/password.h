/* SPDX-License-Identifier: ISC */
/* Password hashes: Argon2id, in libsodium's text form (crypto_pwhash_str). */
#ifndef IH_AUTH_PASSWORD_H
#define IH_AUTH_PASSWORD_H

#include "auth/backend.h"

/* Hashes a password, with libsodium's INTERACTIVE limits. -ENOMEM. */
int auth_password_hash(char hash[AUTH_HASH_MAX], const char *password);

/*
 * hash NULL: there is no such user; the same work is done with a hash of nothing, and the answer is -ENOENT. -EACCES: wrong;
 * -EBADMSG: hash is no Argon2id hash; -ENOMEM. Time is that of the hash, whatever the answer.
 */
int auth_password_check(const char *hash, const char *password);

/* Is it a hash that auth_password_check can look at? No secret decides how long this takes. */
bool auth_password_is_hash(const char *hash);

/* 16 hexadecimal digits that change with the hash. */
void auth_password_stamp(char stamp[AUTH_STAMP_SIZE], const char *hash);

#endif
