/* SPDX-License-Identifier: ISC */
/* Password hashes, and equal work for those who have none. */
#include "auth/password.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* Of a hash's text: 16 and 32 octets in base64 without padding. */
enum { DIGEST_SIZE = 32, SALT_TEXT = 22, DIGEST_TEXT = 43 };

/* What a stored hash may ask for: memory of libsodium's SENSITIVE limit, and some rounds. More is no cost that somebody
 * chose, but damage, or a trap that holds up a worker. */
enum { MEMORY_MAX = 1048576 /* KiB */, ROUNDS_MAX = 16 };

int auth_password_hash(char hash[AUTH_HASH_MAX], const char *password)
{
    char text[crypto_pwhash_STRBYTES];

    _Static_assert(sizeof text <= AUTH_HASH_MAX, "a hash has no room");
    if (sodium_init() < 0 || crypto_pwhash_str(text, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                               crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0)
        return -ENOMEM;
    memcpy(hash, text, sizeof text);
    return 0;
}

/* A hash taken apart. On the stack of auth_password_check, and wiped there. */
struct parts {
    uint8_t salt[crypto_pwhash_SALTBYTES];
    uint8_t digest[DIGEST_SIZE];
    size_t memory; /* octets */
    unsigned long long rounds;
};

static bool decode(uint8_t *octets, size_t size, const char *text, size_t length)
{
    size_t got;

    return sodium_base642bin(octets, size, text, length, NULL, &got, NULL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING) ==
               0 &&
           got == size;
}

/* Octet for octet as crypto_pwhash_str writes it, and affordable. */
static bool parse(struct parts *parts, const char *hash)
{
    unsigned memory;
    unsigned rounds;
    int begin = 0;

    if (sscanf(hash, "$argon2id$v=19$m=%7u,t=%2u,p=1$%n", &memory, &rounds, &begin) != 2 || begin == 0 ||
        strlen(hash + begin) != SALT_TEXT + 1 + DIGEST_TEXT || hash[begin + SALT_TEXT] != '$' || memory > MEMORY_MAX ||
        rounds > ROUNDS_MAX)
        return false;
    parts->memory = (size_t)memory * 1024;
    parts->rounds = rounds;
    return parts->memory >= crypto_pwhash_MEMLIMIT_MIN && rounds >= crypto_pwhash_OPSLIMIT_MIN &&
           decode(parts->salt, sizeof parts->salt, hash + begin, SALT_TEXT) &&
           decode(parts->digest, sizeof parts->digest, hash + begin + SALT_TEXT + 1, DIGEST_TEXT);
}

bool auth_password_is_hash(const char *hash)
{
    struct parts parts;
    bool is = parse(&parts, hash);

    sodium_memzero(&parts, sizeof parts);
    return is;
}

/* Not crypto_pwhash_str_verify, which calls it a wrong password when there is no memory to look at it. */
static int verify(const struct parts *parts, const char *password)
{
    uint8_t digest[DIGEST_SIZE];
    int rc = 0;

    if (crypto_pwhash(digest, sizeof digest, password, strlen(password), parts->salt, parts->rounds, parts->memory,
                      crypto_pwhash_ALG_ARGON2ID13) != 0)
        rc = -ENOMEM;
    else if (sodium_memcmp(digest, parts->digest, sizeof digest) != 0)
        rc = -EACCES;
    sodium_memzero(digest, sizeof digest);
    return rc;
}

/* Without a hash that is one, the same work is done with a hash of nothing, which costs what those of auth_password_hash do. */
int auth_password_check(const char *hash, const char *password)
{
    struct parts parts;
    bool usable;
    int rc;

    if (sodium_init() < 0)
        return -ENOMEM;
    usable = hash && parse(&parts, hash);
    if (!usable)
        parts =
            (struct parts){.memory = crypto_pwhash_MEMLIMIT_INTERACTIVE, .rounds = crypto_pwhash_OPSLIMIT_INTERACTIVE};
    rc = verify(&parts, password);
    sodium_memzero(&parts, sizeof parts);
    if (usable || rc == -ENOMEM)
        return rc;
    return hash ? -EBADMSG : -ENOENT;
}

void auth_password_stamp(char stamp[AUTH_STAMP_SIZE], const char *hash)
{
    uint8_t digest[crypto_generichash_BYTES_MIN];

    _Static_assert(sizeof digest * 2 + 1 >= AUTH_STAMP_SIZE, "a stamp is longer than its digest");
    (void)crypto_generichash(digest, sizeof digest, (const uint8_t *)hash, strlen(hash), NULL, 0);
    (void)sodium_bin2hex(stamp, AUTH_STAMP_SIZE, digest, (AUTH_STAMP_SIZE - 1) / 2);
}
