/* SPDX-License-Identifier: ISC */
#include "auth/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "auth/text.h"

#define KEY "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"

/* 2026-11-26 01:02:03.045 UTC */
static const uint64_t wall = 1795654923045;

static struct auth_request request(enum auth_mechanism mechanism)
{
    struct auth_request made = {
        .mechanism = mechanism, .domain = "global", .address = "10.1.2.3", .user = "alice", .password = "open sesame"};

    assert_true(auth_key_parse(made.key, KEY));
    return made;
}

static void test_lines(void **state)
{
    const struct auth_verdict yes = {
        .status = AUTH_OK, .user_id = "Alice", .reason = "known", .backend = "staff", .stamp = "5"};
    const struct auth_verdict no = {.status = AUTH_REFUSED, .user_id = "", .reason = "denied by 10.1.2.3/32"};
    struct auth_request asked = request(AUTH_MECHANISM_PLAIN);
    char line[AUTH_AUDIT_LINE_MAX];
    size_t size = auth_audit_line(line, sizeof line, &asked, &yes, 1234, wall);

    (void)state;
    assert_string_equal(line,
                        "{\"time\":\"2026-11-26T01:02:03.045Z\",\"event\":\"decision\",\"domain\":\"global\","
                        "\"address\":\"10.1.2.3\",\"mechanism\":\"PLAIN\",\"user\":\"alice\",\"status\":200,"
                        "\"user_id\":\"Alice\",\"reason\":\"known\",\"backend\":\"staff\",\"microseconds\":1234}");
    assert_int_equal(size, strlen(line));

    asked = request(AUTH_MECHANISM_CURVE);
    (void)auth_audit_line(line, sizeof line, &asked, &no, 0, wall);
    assert_string_equal(line, "{\"time\":\"2026-11-26T01:02:03.045Z\",\"event\":\"decision\",\"domain\":\"global\","
                              "\"address\":\"10.1.2.3\",\"mechanism\":\"CURVE\",\"key\":\"" KEY "\",\"status\":400,"
                              "\"reason\":\"denied by 10.1.2.3/32\",\"backend\":\"\",\"microseconds\":0}");

    asked = request(AUTH_MECHANISM_NULL);
    size = auth_audit_revoked_line(line, sizeof line, &asked, &no, true, wall);
    assert_string_equal(line, "{\"time\":\"2026-11-26T01:02:03.045Z\",\"event\":\"revoked\",\"domain\":\"global\","
                              "\"address\":\"10.1.2.3\",\"mechanism\":\"NULL\",\"status\":400,"
                              "\"reason\":\"denied by 10.1.2.3/32\",\"backend\":\"\",\"closed\":true}");
    assert_int_equal(size, strlen(line));
    (void)auth_audit_revoked_line(line, sizeof line, &asked, &no, false, 0);
    assert_non_null(strstr(line, "{\"time\":\"1970-01-01T00:00:00.000Z\""));
    assert_non_null(strstr(line, "\"closed\":false}"));
    assert_int_equal(auth_audit_line(line, sizeof line - 1, &asked, &no, 0, 0), 0);
}

/* One JSON object of one level, RFC 8259: the end of it, or NULL. */
static const char *pass_string(const char *at)
{
    if (*at++ != '"')
        return NULL;
    while (*at != '"') {
        if ((unsigned char)*at < 0x20)
            return NULL;
        if (*at == '\\' && at[1] == 'u' && strspn(at + 2, "0123456789abcdef") >= 4)
            at += 6;
        else if (*at == '\\' && at[1] != '\0' && strchr("\"\\/bfnrt", at[1]))
            at += 2;
        else if (*at == '\\')
            return NULL;
        else
            at++;
    }
    return at + 1;
}

static const char *pass_value(const char *at)
{
    if (*at == '"')
        return pass_string(at);
    if (strncmp(at, "true", 4) == 0)
        return at + 4;
    return strspn(at, "0123456789") > 0 ? at + strspn(at, "0123456789") : NULL;
}

static bool is_object(const char *at, int members)
{
    for (int i = 0; i < members; i++) {
        if (*at++ != (i == 0 ? '{' : ','))
            return false;
        at = pass_string(at);
        at = at && *at == ':' ? pass_value(at + 1) : NULL;
        if (!at)
            return false;
    }
    return strcmp(at, "}") == 0;
}

/* Every field full of each octet, and of what looks like the end of a field. */
static void test_hostile_texts(void **state)
{
    static const char *const endings[] = {
        "\",\"status\":200,\"x\":\"", "\\", "\"", "\n{}", "\xc2\x9b", "\xe2\x80\xa8", "\xf0\x9f"};
    struct auth_request asked = request(AUTH_MECHANISM_PLAIN);
    struct auth_verdict yes = {.status = AUTH_OK};
    char line[AUTH_AUDIT_LINE_MAX];

    (void)state;
    for (int octet = 1; octet < 256 + (int)(sizeof endings / sizeof endings[0]); octet++) {
        size_t size;

        memset(asked.user, octet < 256 ? octet : 'x', AUTH_TEXT_MAX);
        if (octet >= 256)
            (void)snprintf(asked.user, sizeof asked.user, "%s", endings[octet - 256]);
        memcpy(asked.domain, asked.user, sizeof asked.domain);
        memcpy(asked.address, asked.user, sizeof asked.address);
        memcpy(yes.user_id, asked.user, sizeof yes.user_id);
        memcpy(yes.reason, asked.user, sizeof yes.reason);
        (void)auth_text_print(yes.backend, sizeof yes.backend, "%s", asked.user);
        size = auth_audit_line(line, sizeof line, &asked, &yes, UINT64_MAX, UINT64_MAX / 1000000);
        assert_int_equal(size, strlen(line));
        assert_true(is_object(line, 11));
        assert_true(auth_text_clean(line, size));
        assert_null(strstr(line, "open sesame"));
    }
}

static void test_escapes(void **state)
{
    struct auth_request asked = request(AUTH_MECHANISM_PLAIN);
    struct auth_verdict no = {.status = AUTH_REFUSED};
    char line[AUTH_AUDIT_LINE_MAX];

    (void)state;
    (void)snprintf(asked.user, sizeof asked.user, "%s", "a\"b\\c\nd\x7f\xc2\x85\xff\xc3\xab/\xe2\x80\xa8\xe2\x80\xa9");
    (void)auth_audit_line(line, sizeof line, &asked, &no, 0, wall);
    assert_non_null(strstr(line, "\"user\":\"a\\\"b\\\\c\\u000ad\\u007f\\u0085\xef\xbf\xbd\xc3\xab/\\u2028\\u2029\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_hostile_texts),
        cmocka_unit_test(test_escapes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
