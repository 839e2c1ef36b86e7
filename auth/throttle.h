/* SPDX-License-Identifier: ISC */
/*
 * Slows down guessing: after a few failures an address, and a user name, must wait before the next attempt is looked at;
 * the wait doubles with each failure up to a bound, and is forgotten with time or, for the address and user together, by
 * success. Pure: times are the caller's, in ms. Bounded memory: the entries that would be forgotten next go first; a flood of
 * names cannot push out an address under punishment that fails at the time. Keyed hashes, so that a stranger cannot
 * aim at one slot. Not thread-safe.
 */
#ifndef IH_AUTH_THROTTLE_H
#define IH_AUTH_THROTTLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AUTH_THROTTLE_LONGEST = 8000 }; /* ms: what a user name that others guess at costs its owner, at most */

struct auth_throttle;

struct auth_throttle *auth_throttle_new(size_t entries);
void auth_throttle_free(struct auth_throttle *throttle);

/* Addresses of one place count as one: a number that is the same for them, and for others hardly ever. */
uint64_t auth_throttle_place(const struct auth_throttle *throttle, const char *address);

/* What auth_throttle_when says if more attempts of this address wait already than a handshake has patience for. */
#define AUTH_THROTTLE_NEVER UINT64_MAX

/* When an attempt may be looked at: now, or later, or AUTH_THROTTLE_NEVER: answer it "temporary" at once. To be asked once for
 * each attempt, not again when its time has come: of an address that must wait it takes a turn, so that a thousand attempts
 * at a time do not wait side by side and are all looked at together. IPv6 addresses count as their /64, local ones (ipc) by
 * user id. */
uint64_t auth_throttle_when(struct auth_throttle *throttle, const char *address, const char *user, uint64_t now);

void auth_throttle_failed(struct auth_throttle *throttle, const char *address, const char *user, uint64_t now);
void auth_throttle_succeeded(struct auth_throttle *throttle, const char *address, const char *user, uint64_t now);

#endif
