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

/* fresh: ms for which an entry is good; 0: nothing is kept. whole: the domain and the address are a part of the request, since
 * who answers has a policy of its own (a central service); else they do not matter: they are our policy's. */
struct auth_cache *auth_cache_new(size_t entries, uint64_t fresh, bool whole);
void auth_cache_free(struct auth_cache *cache);

void auth_cache_put(struct auth_cache *cache, const struct auth_request *request, const struct auth_record *record,
                    uint64_t now);
/* The answer was no: user and key go, review or not. Of a wrong password one that was right stays: else a stranger could
 * make us forget whomever he can name. */
void auth_cache_drop(struct auth_cache *cache, const struct auth_request *request);
void auth_cache_refused(struct auth_cache *cache, const struct auth_request *request);
void auth_cache_clear(struct auth_cache *cache);

/* True, and the record, if this very request (mechanism, user and password, or key) was answered with yes and is fresh. A
 * review needs no password, but the same stamp. */
bool auth_cache_get(struct auth_cache *cache, const struct auth_request *request, struct auth_record *record,
                    uint64_t now);

/* Is this a guess: does the user have another password, as far as is remembered? */
bool auth_cache_contradicts(struct auth_cache *cache, const struct auth_request *request, uint64_t now);

#endif
