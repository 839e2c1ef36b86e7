/* SPDX-License-Identifier: ISC */
/* The back end LDAP: what every back end must do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "conformance.h"
#include "server_ldap.h"

#include <cmocka.h>

static struct directory server;

/* Whose key is it? The suite's keys, since it only names the key to be removed. */
static struct owner {
    uint8_t key[AUTH_KEY_SIZE];
    char name[AUTH_TEXT_MAX + 1];
} owners[64];
static size_t owner_count;

static const char *get_of_suite(const void *arg, const char *name)
{
    static const char *const properties[] = {
        "base",   "ou=people,dc=test", "bind-dn",     LDAP_TEST_SERVICE, "key-attribute",
        "zmqKey", "stamp-attribute",   "userPassword"};

    (void)arg;
    for (size_t i = 0; i < sizeof properties / sizeof properties[0]; i += 2) {
        if (strcmp(properties[i], name) == 0)
            return properties[i + 1];
    }
    return strcmp(name, "bind-password-file") == 0 ? server.password_file : NULL;
}

static void start(struct conformance *subject)
{
    directory_open(&server, DIRECTORY_OPEN);
    (void)snprintf(subject->url, sizeof subject->url, "%s", server.url);
}

static void stop(struct conformance *subject)
{
    (void)subject;
    directory_close(&server);
}

static void reset(struct conformance *subject)
{
    (void)subject;
    directory_reset(&server);
    owner_count = 0;
}

static void away(struct conformance *subject)
{
    (void)subject;
    keeper_kill(&server.keeper);
}

static void back(struct conformance *subject)
{
    (void)subject;
    keeper_start(&server.keeper);
}

static void slow(struct conformance *subject)
{
    (void)subject;
    keeper_pause(&server.keeper);
}

static void quick(struct conformance *subject)
{
    (void)subject;
    keeper_resume(&server.keeper);
}

static void set_password(struct conformance *subject, const char *user, const char *password)
{
    (void)subject;
    directory_set_password(&server, user, password);
}

/* Who owns a key is there already. */
static void add_user(struct conformance *subject, const char *user, const char *password)
{
    if (!directory_try_person(&server, user, password))
        set_password(subject, user, password);
}

static void remove_user(struct conformance *subject, const char *user)
{
    (void)subject;
    directory_remove_person(&server, user);
}

static void add_key(struct conformance *subject, const uint8_t *key, const char *user)
{
    char text[AUTH_KEY_TEXT];

    (void)subject;
    assert_true(owner_count < sizeof owners / sizeof owners[0]);
    memcpy(owners[owner_count].key, key, AUTH_KEY_SIZE);
    (void)strcpy(owners[owner_count++].name, user);
    (void)directory_try_person(&server, user, "of nobody");
    directory_set_key(&server, user, zmq_z85_encode(text, key, AUTH_KEY_SIZE), true);
}

static void remove_key(struct conformance *subject, const uint8_t *key)
{
    char text[AUTH_KEY_TEXT];

    (void)subject;
    for (size_t i = owner_count; i-- > 0;) {
        if (memcmp(owners[i].key, key, AUTH_KEY_SIZE) != 0)
            continue;
        directory_set_key(&server, owners[i].name, zmq_z85_encode(text, key, AUTH_KEY_SIZE), false);
        return;
    }
    fail();
}

/* Each has an owner of its own. The second is one that the suite removes. */
static void fill(struct conformance *subject, uint8_t (*keys)[AUTH_KEY_SIZE], size_t count)
{
    char *ldif = malloc(count * 256);
    char *to = ldif;

    assert_non_null(ldif);
    for (size_t i = 0; i < count; i++) {
        char text[AUTH_KEY_TEXT];

        if (i == 1)
            continue;
        to +=
            sprintf(to,
                    "dn: cn=%zu,ou=people,dc=test\nobjectClass: inetOrgPerson\nobjectClass: zmqUser\nsn: x\nuid: u%zu\n"
                    "zmqKey: x\nzmqKey: %s\n\n",
                    i, i, zmq_z85_encode(text, keys[i], AUTH_KEY_SIZE));
    }
    directory_load(&server, ldif);
    free(ldif);
    add_key(subject, keys[1], "u1");
}

static void damage_user(struct conformance *subject, const char *user)
{
    (void)subject;
    directory_add_person(&server, "another", "sesame");
    directory_change_person(&server, "another", "changetype: modify\nadd: uid\nuid: %s\n", user);
}

static void damage_key(struct conformance *subject, const uint8_t *key)
{
    add_key(subject, key, "another");
}

static struct conformance suite = {
    .name = "ldap",
    .get = get_of_suite,
    .no_hashes = true,
    .owners_only = true,
    .start = start,
    .stop = stop,
    .reset = reset,
    .away = away,
    .back = back,
    .slow = slow,
    .quick = quick,
    .add_user = add_user,
    .set_password = set_password,
    .remove_user = remove_user,
    .add_key = add_key,
    .remove_key = remove_key,
    .fill = fill,
    .damage_user = damage_user,
    .damage_key = damage_key,
};

int main(void)
{
    if (!auth_backend_find("ldap:") || !directory_is_there())
        return 77;
    return conformance_run(&suite);
}
