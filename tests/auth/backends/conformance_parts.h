/* SPDX-License-Identifier: ISC */
/* Between the suite's files. */
#ifndef IH_TESTS_AUTH_CONFORMANCE_PARTS_H
#define IH_TESTS_AUTH_CONFORMANCE_PARTS_H

#include "conformance.h"

void put_user(struct conformance *subject, const char *user, const char *password);
void put_password(struct conformance *subject, const char *user, const char *password);
void take_user(struct conformance *subject, const char *user);
void put_key(struct conformance *subject, const uint8_t *key, const char *user);
void take_key(struct conformance *subject, const uint8_t *key);
void make_key(uint8_t key[AUTH_KEY_SIZE]);

int find_key(struct conformance *subject, const uint8_t *key, struct auth_record *record);
int find_user(struct conformance *subject, const char *user, struct auth_record *record);
int check(struct conformance *subject, const char *user, const char *password);

void open_backend(struct conformance *subject);
void close_backend(struct conformance *subject);

void test_two_sessions_see_every_change(void **state);
void test_watch_sees_changes(void **state);
void test_watch_stops(void **state);
void test_damage_lets_nobody_in(void **state);
void test_away_is_not_empty(void **state);
void test_begun_while_away(void **state);
void test_watch_outlives_an_absence(void **state);
void test_slow_is_away(void **state);

#endif
