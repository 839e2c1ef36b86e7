/* SPDX-License-Identifier: ISC */
/* The back end LDAP by TCP: TLS, or nothing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/backend.h"
#include "liar.h"
#include "server_ldap.h"

#include <cmocka.h>

enum { PATIENT = 20000, SHORT = 250 /* ms; where the time limit must end it */ };

static struct directory server;
static const struct auth_backend_ops *ops;

static const char *get(const void *arg, const char *name)
{
    for (const char *const *at = arg; *at; at += 2) {
        if (strcmp(at[0], name) == 0)
            return at[1];
    }
    return NULL;
}

/* What alice gets who comes with her password. */
static int ask(const char *url, const char *const *properties, int timeout)
{
    struct auth_settings settings = {
        .name = "tls", .url = url, .timeout = timeout, .sessions = 1, .get = get, .arg = properties};
    struct auth_record record = {.user_id = ""};
    struct auth_backend *backend;
    struct auth_session *session;
    const char *error;
    int rc;

    assert_int_equal(ops->open(&settings, &backend, &error), 0);
    assert_int_equal(ops->begin(backend, &session), 0);
    rc = ops->check_password(session, "alice", "secret", &record);
    assert_string_equal(record.user_id, rc ? "" : "alice");
    ops->end(session);
    ops->close(backend);
    return rc;
}

#define COMMON "base", "ou=people,dc=test", "bind-dn", LDAP_TEST_SERVICE, "bind-password-file", server.password_file

static const char *url_of(const char *scheme, const char *host)
{
    static char url[64];

    (void)snprintf(url, sizeof url, "%s://%s:%d", scheme, host, server.port + (strcmp(scheme, "ldaps") == 0));
    return url;
}

static void test_both_ways(void **state)
{
    const char *const properties[] = {COMMON, "ca-file", server.ca_file, NULL};
    const char *const in_the_open[] = {COMMON, "starttls", "no", NULL};

    (void)state;
    assert_int_equal(ask(url_of("ldaps", "127.0.0.1"), properties, PATIENT), 0);
    assert_int_equal(ask(url_of("ldap", "127.0.0.1"), properties, PATIENT), 0);
    assert_int_equal(ask(url_of("ldap", "127.0.0.1"), in_the_open, PATIENT), 0);
}

static void test_whose_certificate_is_not_good(void **state)
{
    char other[128];
    const char *const no_ca[] = {COMMON, NULL};
    const char *const other_ca[] = {COMMON, "ca-file", other, NULL};
    const char *const good_ca[] = {COMMON, "ca-file", server.ca_file, NULL};

    (void)state;
    (void)snprintf(other, sizeof other, "%s/other.pem", server.folder);
    assert_int_equal(ask(url_of("ldaps", "127.0.0.1"), no_ca, PATIENT), -EAGAIN);
    assert_int_equal(ask(url_of("ldap", "127.0.0.1"), no_ca, PATIENT), -EAGAIN);
    assert_int_equal(ask(url_of("ldaps", "127.0.0.1"), other_ca, PATIENT), -EAGAIN);
    assert_int_equal(ask(url_of("ldap", "127.0.0.1"), other_ca, PATIENT), -EAGAIN);
    /* Another name for the same machine, for which the certificate is not. */
    assert_int_equal(ask(url_of("ldaps", "127.0.0.2"), good_ca, PATIENT), -EAGAIN);
    assert_int_equal(ask(url_of("ldap", "127.0.0.2"), good_ca, PATIENT), -EAGAIN);
    /* What the environment says does not count. */
    assert_int_equal(setenv("LDAPTLS_REQCERT", "never", 1), 0);
    assert_int_equal(ask(url_of("ldaps", "127.0.0.1"), other_ca, PATIENT), -EAGAIN);
    assert_int_equal(ask(url_of("ldaps", "127.0.0.2"), good_ca, PATIENT), -EAGAIN);
    assert_int_equal(unsetenv("LDAPTLS_REQCERT"), 0);
}

static void test_a_server_that_stops_in_the_handshake(void **state)
{
    const char *const properties[] = {COMMON, "ca-file", server.ca_file, NULL};

    (void)state;
    keeper_pause(&server.keeper);
    assert_int_equal(ask(url_of("ldaps", "127.0.0.1"), properties, SHORT), -EAGAIN);
    assert_int_equal(ask(url_of("ldap", "127.0.0.1"), properties, SHORT), -EAGAIN);
    keeper_resume(&server.keeper);
    assert_int_equal(ask(url_of("ldaps", "127.0.0.1"), properties, PATIENT), 0);
}

/* --- who speaks no TLS -------------------------------------------------------------------------------------------- */

/* RFC 4511, section 4.14: refuses StartTLS, or agrees to it and goes on in the open. Then counts what comes. */
struct refuser {
    const char *answer; /* result code of the extended response */
    size_t size;
    char heard[4096];
    size_t heard_size;
};

static void talk_without_tls(int fd, void *arg)
{
    struct refuser *refuser = arg;
    unsigned char head[2];
    unsigned char rest[256];

    if (!liar_read(fd, head, 2) || !liar_read(fd, rest, head[1]))
        return;
    (void)liar_write(fd, refuser->answer, refuser->size);
    while (refuser->heard_size < sizeof refuser->heard && liar_read(fd, refuser->heard + refuser->heard_size, 1))
        refuser->heard_size++;
}

/* message id 1, ExtendedResponse with the result code, and two empty strings */
#define RESPONSE(code) "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01" code "\x04\x00\x04\x00"
/* and a bind's success behind it, before TLS: nobody may believe that later */
#define BOUND "\x30\x0c\x02\x01\x02\x61\x07\x0a\x01\x00\x04\x00\x04\x00"

static void test_starttls_is_not_given_up(void **state)
{
    static const struct {
        const char *octets;
        size_t size;
    } answers[] = {
        {RESPONSE("\x02"), 14},
        {RESPONSE("\x34"), 14},
        {RESPONSE("\x00"), 14},
        {RESPONSE("\x00") BOUND BOUND, 42},
    };
    const char *const properties[] = {COMMON, "ca-file", server.ca_file, NULL};

    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct refuser refuser = {.answer = answers[i].octets, .size = answers[i].size};
        struct liar liar;
        char url[64];

        liar_begin(&liar, NULL, talk_without_tls, &refuser);
        (void)snprintf(url, sizeof url, "ldap://127.0.0.1:%d", liar.port);
        assert_int_equal(ask(url, properties, SHORT), -EAGAIN);
        liar_end(&liar);
        assert_null(memmem(refuser.heard, refuser.heard_size, "service", 7));
        assert_null(memmem(refuser.heard, refuser.heard_size, "secret", 6));
        assert_null(memmem(refuser.heard, refuser.heard_size, "alice", 5));
    }
}

static void talk_drip(int fd, void *arg)
{
    (void)arg;
    liar_drip(fd, "\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03", 11); /* a long ServerHello */
}

static void talk_noise(int fd, void *arg)
{
    liar_noise(fd, *(unsigned *)arg);
}

static void test_a_handshake_without_an_end(void **state)
{
    const char *const properties[] = {COMMON, "ca-file", server.ca_file, NULL};
    struct liar liar;
    char url[64];

    (void)state;
    liar_begin(&liar, NULL, talk_drip, NULL);
    (void)snprintf(url, sizeof url, "ldaps://127.0.0.1:%d", liar.port);
    assert_int_equal(ask(url, properties, SHORT), -EAGAIN);
    liar_end(&liar);
    for (unsigned seed = 1; seed < 6; seed++) {
        liar_begin(&liar, NULL, talk_noise, &seed);
        (void)snprintf(url, sizeof url, "ldaps://127.0.0.1:%d", liar.port);
        assert_int_equal(ask(url, properties, SHORT), -EAGAIN);
        liar_end(&liar);
    }
}

static int setup(void **state)
{
    (void)state;
    directory_open(&server, DIRECTORY_TLS);
    directory_add_person(&server, "alice", "secret");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    directory_close(&server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_whose_certificate_is_not_good),
        cmocka_unit_test(test_a_server_that_stops_in_the_handshake),
        cmocka_unit_test(test_starttls_is_not_given_up),
        cmocka_unit_test(test_a_handshake_without_an_end),
    };

    ops = auth_backend_find("ldap:");
    if (!ops || !directory_is_there())
        return 77;
    return cmocka_run_group_tests(tests, setup, teardown);
}
