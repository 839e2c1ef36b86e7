/* SPDX-License-Identifier: ISC */
#include "auth/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define KEY "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"

static const struct auth_backend_ops test_ops = {.scheme = "test", .keys = NULL};

const struct auth_backend_ops *auth_backend_find(const char *url)
{
    (void)url;
    return &test_ops;
}

const char *const *auth_backend_schemes(void)
{
    static const char *const schemes[] = {"test", NULL};

    return schemes;
}

static const char text[] = "backend\n"
                           "    name = staff\n"
                           "    url = test:x\n"
                           "forward\n"
                           "    name = central\n"
                           "    server = \"tcp://h:1 " KEY "\"\n"
                           "    certificate = c\n"
                           "domain\n"
                           "    name = global\n"
                           "    allow = \"10.0.0.0/8 ::1 local\"\n"
                           "    deny = \"10.1.2.3 2001:db8::/32 10.2.0.0/16\"\n"
                           "    null = everyone\n"
                           "    plain = staff\n"
                           "domain\n"
                           "    name = open\n"
                           "    plain = everyone\n"
                           "    curve = everyone\n"
                           "domain\n"
                           "    name = closed-to-some\n"
                           "    deny = 10.1.2.3\n"
                           "    null = everyone\n"
                           "domain\n"
                           "    name = not-local\n"
                           "    deny = local\n"
                           "    null = everyone\n"
                           "domain\n"
                           "    name = remote\n"
                           "    allow = 10.0.0.0/8\n"
                           "    forward = central\n";

static int setup(void **state)
{
    struct auth_config *config = NULL;
    struct auth_mistake mistake;
    int rc = auth_config_parse(&config, text, strlen(text), &mistake);

    *state = config;
    return rc;
}

static int teardown(void **state)
{
    auth_config_release(*state);
    return 0;
}

static struct auth_request request(const char *domain, const char *address, enum auth_mechanism mechanism)
{
    struct auth_request asked = {.mechanism = mechanism, .user = "alice", .password = "secret"};

    (void)snprintf(asked.domain, sizeof asked.domain, "%s", domain);
    (void)snprintf(asked.address, sizeof asked.address, "%s", address);
    assert_true(auth_key_parse(asked.key, KEY));
    return asked;
}

static enum auth_outcome apply(const struct auth_config *config, const struct auth_request *asked,
                               struct auth_verdict *verdict, const struct auth_rule **rule)
{
    const struct auth_domain *domain;
    enum auth_outcome outcome;

    memset(verdict, 0xaa, sizeof *verdict);
    outcome = auth_policy_apply(config, asked, verdict, &domain, rule);
    if (domain && *rule)
        assert_ptr_equal(*rule, &domain->rules[asked->mechanism]);
    assert_string_equal(verdict->backend, "");
    assert_string_equal(verdict->stamp, "");
    if (outcome != AUTH_DECIDED)
        assert_int_equal(verdict->status, 0);
    if (verdict->status != AUTH_OK)
        assert_string_equal(verdict->user_id, "");
    return outcome;
}

static void test_decided(void **state)
{
    static const struct {
        const char *domain, *address;
        enum auth_mechanism mechanism;
        enum auth_status status;
        const char *reason;
    } cases[] = {
        {"global", "10.0.0.1", AUTH_MECHANISM_NULL, AUTH_OK, "domain 'global' lets everyone in by NULL"},
        {"global", "::1", AUTH_MECHANISM_NULL, AUTH_OK, "domain 'global' lets everyone in by NULL"},
        {"global", "", AUTH_MECHANISM_NULL, AUTH_OK, "domain 'global' lets everyone in by NULL"},
        {"global", "localhost:0:0:1", AUTH_MECHANISM_NULL, AUTH_OK, "domain 'global' lets everyone in by NULL"},
        {"global", "10.1.2.3", AUTH_MECHANISM_NULL, AUTH_REFUSED, "address 10.1.2.3 is denied by 10.1.2.3/32"},
        {"global", "::ffff:10.1.2.3", AUTH_MECHANISM_NULL, AUTH_REFUSED,
         "address ::ffff:10.1.2.3 is denied by 10.1.2.3/32"},
        {"global", "10.2.9.9", AUTH_MECHANISM_PLAIN, AUTH_REFUSED, "address 10.2.9.9 is denied by 10.2.0.0/16"},
        {"global", "2001:db8::1", AUTH_MECHANISM_NULL, AUTH_REFUSED, "address 2001:db8::1 is denied by 2001:db8::/32"},
        {"global", "11.0.0.1", AUTH_MECHANISM_NULL, AUTH_REFUSED,
         "address 11.0.0.1 is not among those that are allowed"},
        {"global", "nonsense", AUTH_MECHANISM_NULL, AUTH_REFUSED, "'nonsense' is no address"},
        {"global", "localhost", AUTH_MECHANISM_NULL, AUTH_REFUSED, "'localhost' is no address"},
        {"global", "10.0.0.1", AUTH_MECHANISM_CURVE, AUTH_REFUSED, "domain 'global' lets nobody in by CURVE"},
        {"open", "nonsense", AUTH_MECHANISM_CURVE, AUTH_OK, "domain 'open' lets everyone in by CURVE"},
        {"open", "1.2.3.4", AUTH_MECHANISM_PLAIN, AUTH_OK, "domain 'open' lets everyone in by PLAIN"},
        {"open", "1.2.3.4", AUTH_MECHANISM_NULL, AUTH_REFUSED, "domain 'open' lets nobody in by NULL"},
        {"open", "1.2.3.4", AUTH_MECHANISMS, AUTH_REFUSED, "unknown mechanism"},
        {"closed-to-some", "10.1.2.4", AUTH_MECHANISM_NULL, AUTH_OK,
         "domain 'closed-to-some' lets everyone in by NULL"},
        {"closed-to-some", "", AUTH_MECHANISM_NULL, AUTH_OK, "domain 'closed-to-some' lets everyone in by NULL"},
        {"closed-to-some", "10.1.2.3 ", AUTH_MECHANISM_NULL, AUTH_REFUSED, "'10.1.2.3 ' is no address"},
        {"not-local", "", AUTH_MECHANISM_NULL, AUTH_REFUSED, "address local is denied by local"},
        {"not-local", "localhost:0:0:1", AUTH_MECHANISM_NULL, AUTH_REFUSED,
         "address localhost:0:0:1 is denied by local"},
        {"remote", "11.0.0.1", AUTH_MECHANISM_NULL, AUTH_REFUSED,
         "address 11.0.0.1 is not among those that are allowed"},
        {"other", "10.0.0.1", AUTH_MECHANISM_NULL, AUTH_REFUSED, "domain 'other' is not configured"},
        {"", "10.0.0.1", AUTH_MECHANISM_NULL, AUTH_REFUSED, "domain '' is not configured"},
        {"*", "10.0.0.1", AUTH_MECHANISM_NULL, AUTH_REFUSED, "domain '*' is not configured"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct auth_request asked = request(cases[i].domain, cases[i].address, cases[i].mechanism);
        const struct auth_rule *rule;
        struct auth_verdict verdict;

        assert_int_equal(apply(*state, &asked, &verdict, &rule), AUTH_DECIDED);
        assert_string_equal(verdict.reason, cases[i].reason);
        assert_int_equal(verdict.status, cases[i].status);
        /* Only what is proved is an identity. */
        assert_string_equal(verdict.user_id,
                            cases[i].status == AUTH_OK && cases[i].mechanism == AUTH_MECHANISM_CURVE ? KEY : "");
    }
}

static void test_asked(void **state)
{
    const struct auth_config *config = *state;
    struct auth_request asked = request("global", "10.0.0.1", AUTH_MECHANISM_PLAIN);
    const struct auth_rule *rule = NULL;
    struct auth_verdict verdict;

    assert_int_equal(apply(config, &asked, &verdict, &rule), AUTH_ASK);
    assert_int_equal(rule->count, 1);
    assert_string_equal(config->backends[rule->backends[0]].settings.name, "staff");
    for (int i = 0; i < AUTH_MECHANISMS; i++) {
        asked = request("remote", "10.0.0.1", (enum auth_mechanism)i);
        assert_int_equal(apply(config, &asked, &verdict, &rule), AUTH_FORWARD);
        assert_null(rule);
    }
}

/* A review goes the same way. */
static void test_review(void **state)
{
    struct auth_request asked = request("global", "10.1.2.3", AUTH_MECHANISM_PLAIN);
    const struct auth_rule *rule;
    struct auth_verdict verdict;

    asked.review = true;
    assert_int_equal(apply(*state, &asked, &verdict, &rule), AUTH_DECIDED);
    assert_int_equal(verdict.status, AUTH_REFUSED);
}

static void test_no_configuration(void **state)
{
    struct auth_request asked = request("", "", AUTH_MECHANISM_NULL);
    struct auth_config *config = NULL;
    const struct auth_rule *rule;
    struct auth_mistake mistake;
    struct auth_verdict verdict;

    (void)state;
    assert_int_equal(auth_config_parse(&config, "", 0, &mistake), 0);
    assert_int_equal(apply(config, &asked, &verdict, &rule), AUTH_DECIDED);
    assert_int_equal(verdict.status, AUTH_REFUSED);
    auth_config_release(config);
}

/* The longest names still give one line of valid text. */
static void test_long_names(void **state)
{
    struct auth_request asked = request("", "10.0.0.1", AUTH_MECHANISM_NULL);
    const struct auth_rule *rule;
    struct auth_verdict verdict;

    for (size_t i = 0; i + 2 <= AUTH_TEXT_MAX; i += 2)
        memcpy(asked.domain + i, "\xc3\xab", 2);
    assert_int_equal(apply(*state, &asked, &verdict, &rule), AUTH_DECIDED);
    assert_int_equal(verdict.status, AUTH_REFUSED);
    assert_int_equal((uint8_t)verdict.reason[strlen(verdict.reason) - 1], 0xab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decided),          cmocka_unit_test(test_asked),      cmocka_unit_test(test_review),
        cmocka_unit_test(test_no_configuration), cmocka_unit_test(test_long_names),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
