/* SPDX-License-Identifier: ISC */
/*
 * What a back end last said, for the time that it is away. Only "yes" is kept, and goes as soon as the back end says
 * anything else. A password is kept as a keyed BLAKE2b hash, the key living as long as the process, in secret memory.
 * Pure: times are the caller's, in ms. Bounded: the oldest goes first. Thread-safe by a lock of its own.
 */
#ifndef IH_AUTH_CACHE_H
#define IH_AUTH_CACHE_H

#include "auth/backend.h"

struct auth_cache;

/* fresh: ms for which an entry is good; 0: nothing is kept. */
struct auth_cache *auth_cache_new(size_t entries, uint64_t fresh);
void auth_cache_free(struct auth_cache *cache);

void auth_cache_put(struct auth_cache *cache, const struct auth_request *request, const struct auth_record *record,
                    uint64_t now);
void auth_cache_drop(struct auth_cache *cache, const struct auth_request *request); /* review or not: user and key go */
void auth_cache_clear(struct auth_cache *cache);

/* True, and the record, if this very request (mechanism, user and password, or key) was answered with yes and is fresh. A
 * review needs no password, but the same stamp. The domain and address do not matter: they are the policy's. */
bool auth_cache_get(struct auth_cache *cache, const struct auth_request *request, struct auth_record *record,
                    uint64_t now);

#endif
