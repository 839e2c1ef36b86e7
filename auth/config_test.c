/* SPDX-License-Identifier: ISC */
#include "auth/config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define BACKEND "backend\n    name = staff\n    url = test:x\n"
#define FORWARD "forward\n    name = central\n    server = \"tcp://h:1 " KEY "\"\n    certificate = c\n"
#define DOMAIN "domain\n    name = d\n"

/* The registry's place is taken here, so that the test does not depend on what is built in. */
static const char *const test_keys[] = {"base", "group", NULL};
static const struct auth_backend_ops test_ops = {.scheme = "test", .keys = test_keys};

const struct auth_backend_ops *auth_backend_find(const char *url)
{
    return strncmp(url, "test:", 5) == 0 ? &test_ops : NULL;
}

const char *const *auth_backend_schemes(void)
{
    static const char *const schemes[] = {"test", "other", NULL};

    return schemes;
}

static struct auth_config *parse(const char *text)
{
    struct auth_config *config = NULL;
    struct auth_mistake mistake;

    if (auth_config_parse(&config, text, strlen(text), &mistake) != 0)
        fail_msg("%s\n%u:%u: %s", text, mistake.line, mistake.column, mistake.text);
    assert_int_equal(mistake.line, 0);
    return config;
}

static void test_empty(void **state)
{
    static const char *const texts[] = {"", "\n", "# nobody gets in\n"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct auth_config *config = parse(texts[i]);

        assert_int_equal(config->domain_count + config->backend_count + config->forward_count, 0);
        assert_null(config->audit);
        assert_null(config->metrics);
        assert_null(config->serve.endpoint);
        assert_null(auth_config_domain(config, ""));
        assert_null(auth_config_domain(config, "global"));
        assert_string_equal(config->file, "");
        auth_config_release(config);
    }
}

static const char whole[] = "audit = /var/log/ironauth.log\n"
                            "metrics = \"127.0.0.1:9464\"\n"
                            "domain                             # before what it names\n"
                            "    name = \"global\"\n"
                            "    allow = \"10.0.0.0/8  ::1 local\"\n"
                            "    deny = 10.1.2.3\n"
                            "    allow = 2001:db8::/32\n"
                            "    null = everyone\n"
                            "    plain = staff\n"
                            "    curve = visitors staff\n"
                            "backend\n"
                            "    name = staff\n"
                            "    url = \"test:/var/lib/app/auth.db\"\n"
                            "    timeout = 500\n"
                            "    sessions = 64\n"
                            "    cache = 0\n"
                            "    base = \"dc=example,dc=org\"\n"
                            "backend\n"
                            "    name = visitors\n"
                            "    url = test:v\n"
                            "forward\n"
                            "    name = central\n"
                            "    server = \"tcp://10.0.0.5:9100 " KEY "\"\n"
                            "    server = \"ipc:///run/x   " KEY "\"\n"
                            "    certificate = /etc/app/machine.cert\n"
                            "    timeout = 60000\n"
                            "    cache = 86400\n"
                            "serve\n"
                            "    endpoint = tcp://*:9100\n"
                            "    certificate = /etc/ironauth/service.cert\n"
                            "    clients = \"domain:global\"\n"
                            "domain\n"
                            "    name = remote\n"
                            "    forward = central\n";

static void check_global(const struct auth_config *config, const struct auth_domain *domain)
{
    assert_string_equal(domain->name, "global");
    assert_int_equal(domain->allow_count, 4);
    assert_true(auth_network_holds(&domain->allow[0], "10.1.1.1"));
    assert_true(domain->allow[2].local);
    assert_int_equal(domain->allow[3].bits, 32);
    assert_int_equal(domain->deny_count, 1);
    assert_int_equal(domain->forward, -1);
    assert_true(domain->rules[AUTH_MECHANISM_NULL].everyone);
    assert_int_equal(domain->rules[AUTH_MECHANISM_NULL].count, 0);
    assert_false(domain->rules[AUTH_MECHANISM_PLAIN].everyone);
    assert_int_equal(domain->rules[AUTH_MECHANISM_PLAIN].count, 1);
    assert_int_equal(domain->rules[AUTH_MECHANISM_CURVE].count, 2);
    assert_string_equal(config->backends[domain->rules[AUTH_MECHANISM_CURVE].backends[0]].settings.name, "visitors");
    assert_string_equal(config->backends[domain->rules[AUTH_MECHANISM_CURVE].backends[1]].settings.name, "staff");
}

static void test_whole(void **state)
{
    struct auth_config *config = parse(whole);
    const struct auth_backend_config *staff = &config->backends[0];

    (void)state;
    assert_string_equal(config->audit, "/var/log/ironauth.log");
    assert_string_equal(config->metrics, "127.0.0.1:9464");
    assert_int_equal(config->backend_count, 2);
    assert_ptr_equal(staff->ops, &test_ops);
    assert_string_equal(staff->settings.name, "staff");
    assert_string_equal(staff->settings.url, "test:/var/lib/app/auth.db");
    assert_int_equal(staff->settings.timeout, 500);
    assert_int_equal(staff->settings.sessions, 64);
    assert_int_equal(staff->cache, 0);
    assert_string_equal(staff->settings.get(staff->settings.arg, "base"), "dc=example,dc=org");
    assert_null(staff->settings.get(staff->settings.arg, "group"));
    assert_int_equal(config->backends[1].settings.timeout, 2000);
    assert_int_equal(config->backends[1].settings.sessions, 4);
    assert_int_equal(config->backends[1].cache, 60);
    assert_int_equal(config->forward_count, 1);
    assert_int_equal(config->forwards[0].count, 2);
    assert_string_equal(config->forwards[0].servers[0].endpoint, "tcp://10.0.0.5:9100");
    assert_string_equal(config->forwards[0].servers[0].key, KEY);
    assert_string_equal(config->forwards[0].servers[1].endpoint, "ipc:///run/x");
    assert_string_equal(config->forwards[0].servers[1].key, KEY);
    assert_string_equal(config->forwards[0].certificate, "/etc/app/machine.cert");
    assert_int_equal(config->forwards[0].timeout, 60000);
    assert_int_equal(config->forwards[0].cache, 86400);
    assert_string_equal(config->serve.endpoint, "tcp://*:9100");
    assert_string_equal(config->serve.clients, "domain:global");
    assert_int_equal(config->domain_count, 2);
    check_global(config, auth_config_domain(config, "global"));
    assert_int_equal(auth_config_domain(config, "remote")->forward, 0);
    assert_null(auth_config_domain(config, "other"));
    assert_null(auth_config_domain(config, "Global"));
    assert_null(auth_config_domain(config, ""));
    auth_config_release(config);
}

static void test_any_domain(void **state)
{
    struct auth_config *config =
        parse("domain\n    name = \"*\"\n    curve = everyone\n" DOMAIN "    null = everyone\n");

    (void)state;
    assert_string_equal(auth_config_domain(config, "d")->name, "d");
    assert_string_equal(auth_config_domain(config, "e")->name, "*");
    assert_string_equal(auth_config_domain(config, "")->name, "*");
    auth_config_release(config);
}

/* ---- mistakes ---- */

struct wrong {
    const char *text;
    unsigned line, column;
    const char *what;
};

static void check_mistakes(const struct wrong *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct auth_config *config = NULL;
        struct auth_mistake mistake;
        int rc = auth_config_parse(&config, cases[i].text, strlen(cases[i].text), &mistake);

        if (rc != -EINVAL || config || mistake.line != cases[i].line || mistake.column != cases[i].column ||
            !strstr(mistake.text, cases[i].what))
            fail_msg("%s\n%d at %u:%u: %s", cases[i].text, rc, mistake.line, mistake.column, mistake.text);
    }
}

static void test_wrong_sections(void **state)
{
    static const struct wrong cases[] = {
        {"audti = stderr", 1, 1, "'audti' is unknown here; is 'audit' meant?"},
        {"backends\n    name = a", 1, 1, "is 'backend' meant"},
        {"x", 1, 1, "'x' is unknown here"},
        {"audit = stderr\naudit = syslog", 2, 1, "second time"},
        {"audit", 1, 6, "no value"},
        {"audit =", 1, 8, "no value"},
        {"audit = \"\"", 1, 10, "no value"},
        {"audit = \"stderr", 1, 9, "quote"},
        {"audit = x\n    y = z", 2, 5, "nothing stands below"},
        {"domain = d", 1, 10, "is a section"},
        {"domain", 1, 1, "has no 'name'"},
        {"serve\n    endpoint = tcp://h:1\n    certificate = c\n    clients = c\nserve", 5, 1, "second time"},
        {DOMAIN "    curve = everyone\n        x = y", 4, 9, "nothing stands below"},
        {DOMAIN "    name = e", 3, 5, "second time"},
        {DOMAIN "    alow = ::1", 3, 5, "is 'allow' meant"},
        {DOMAIN "   null = everyone", 3, 4, "four spaces"},
        {"metrics = 9464", 1, 11, "loopback"},
        {"metrics = \"0.0.0.0:9464\"", 1, 12, "loopback"},
    };

    (void)state;
    check_mistakes(cases, sizeof cases / sizeof cases[0]);
}

static void test_wrong_backends(void **state)
{
    static const struct wrong cases[] = {
        {"backend\n    name = a", 1, 1, "this 'backend' has no 'url'"},
        {"backend\n    url = test:x", 1, 1, "this 'backend' has no 'name'"},
        {"backend\n    url", 2, 8, "no value"},
        {"backend\n    url = nonsense:secret", 2, 11, "no back end 'nonsense' is built in; these are: test other"},
        {"backend\n    url = /etc/x", 2, 11, "a URL begins with"},
        {BACKEND "    timeuot = 1", 4, 5, "is 'timeout' meant"},
        {BACKEND "    gruop = x", 4, 5, "is 'group' meant"},
        {BACKEND "    base = x\n    base = y", 5, 5, "second time"},
        {BACKEND "    timeout = 9", 4, 15, "from 10 to 60000"},
        {BACKEND "    timeout = 60001", 4, 15, "from 10 to 60000"},
        {BACKEND "    timeout = -1", 4, 15, "from 10 to 60000"},
        {BACKEND "    timeout = +20", 4, 15, "from 10 to 60000"},
        {BACKEND "    timeout = 2000ms", 4, 15, "from 10 to 60000"},
        {BACKEND "    timeout = 99999999999999999999", 4, 15, "from 10 to 60000"},
        {BACKEND "    timeout = 4294967296", 4, 15, "from 10 to 60000"},
        {BACKEND "    sessions = 0", 4, 16, "from 1 to 64"},
        {BACKEND "    sessions = 65", 4, 16, "from 1 to 64"},
        {BACKEND "    cache = 86401", 4, 13, "from 0 to 86400"},
        {BACKEND "    cache = 1.5", 4, 13, "from 0 to 86400"},
        {BACKEND BACKEND, 5, 12, "another back end or forward"},
        {FORWARD "backend\n    name = central\n    url = test:x", 6, 12, "another back end or forward"},
        {"backend\n    name = a b\n    url = test:x", 2, 13, "letters, digits"},
        {"backend\n    name = \"\"\n    url = test:x", 2, 13, "no value"},
        {"backend\n    name = everyone\n    url = test:x", 2, 12, "everyone"},
        {"backend\n    name = "
         "1234567890123456789012345678901234567890123456789012345678901234\n    url = test:x",
         2, 12, "63 characters"},
    };

    (void)state;
    check_mistakes(cases, sizeof cases / sizeof cases[0]);
}

static void test_wrong_services(void **state)
{
    static const struct wrong cases[] = {
        {"forward\n    name = f\n    certificate = c", 1, 1, "has no 'server'"},
        {"forward\n    name = f\n    server = \"tcp://h:1 " KEY "\"", 1, 1, "has no 'certificate'"},
        {FORWARD "    server = tcp://h:1", 5, 14, "public key"},
        {FORWARD "    server = \"tcp://h:1 short\"", 5, 25, "no key"},
        {FORWARD "    server = \"tcp://h:1 " KEY " \"", 5, 25, "no key"},
        {FORWARD "    server = \"tcp://h:1 " KEY "0\"", 5, 25, "no key"},
        {FORWARD "    server = \"tcp://h:1 #####>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\"", 5, 25, "no key"},
        {FORWARD "    server = \"http://h:1 " KEY "\"", 5, 15, "tcp://"},
        {FORWARD "    server = \"tcp:// " KEY "\"", 5, 15, "tcp://"},
        {FORWARD "    server = \"tcp://h " KEY "\"", 5, 15, "port"},
        {FORWARD "    timeout = 0", 5, 15, "from 10"},
        {FORWARD "    cache = x", 5, 13, "from 0"},
        {FORWARD FORWARD, 6, 12, "another back end or forward"},
        {"domain\n    name = \"folder:/x\"\n    null = everyone", 2, 13, "curve_server"},
        {"domain\n    name = everyone:\n    null = everyone", 2, 12, "curve_server"},
        {"serve\n    certificate = c\n    clients = c", 1, 1, "has no 'endpoint'"},
        {"serve\n    endpoint = tcp://h:1\n    clients = c", 1, 1, "has no 'certificate'"},
        {"serve\n    endpoint = tcp://h:1\n    certificate = c", 1, 1, "has no 'clients'"},
        {"serve\n    endpoint = tcp://\n    certificate = c\n    clients = c", 2, 16, "tcp://"},
        {"serve\n    endpoint = tcp://h\n    certificate = c\n    clients = c", 2, 16, "port"},
        {"serve\n    endpoint = tcp://[::1]\n    certificate = c\n    clients = c", 2, 16, "port"},
        {"serve\n    endpoint = tcp://h:\n    certificate = c\n    clients = c", 2, 16, "port"},
        {"serve\n    endpoint = tcp://h:65536\n    certificate = c\n    clients = c", 2, 16, "port"},
        {"serve\n    endpoint = tcp://h:91OO\n    certificate = c\n    clients = c", 2, 16, "port"},
        {"serve\n    endpoint = inproc://x\n    certificate = c\n    clients = c", 2, 16, "tcp://"},
        {"serve\n    endpoint = tcp://h:1\n    certificate = c\n    clients = domain:d", 4, 22, "no domain 'd'"},
        {DOMAIN "    null = everyone\nserve\n    endpoint = tcp://h:1\n    certificate = c\n    clients = domain:d", 7,
         22, "nobody in by CURVE"},
    };

    (void)state;
    check_mistakes(cases, sizeof cases / sizeof cases[0]);
}

static void test_wrong_domains(void **state)
{
    static const struct wrong cases[] = {
        {DOMAIN, 1, 1, "lets nobody in"},
        {DOMAIN "    allow = ::1", 1, 1, "lets nobody in"},
        {DOMAIN "    null = everyone\n" DOMAIN "    null = everyone", 5, 12, "another domain named 'd', in line 2"},
        {DOMAIN "    allow = 10.0.0.0/8 10.0.0.1/8", 3, 24, "'10.0.0.1/8' is no address"},
        {DOMAIN "    allow = \"10.0.0.0/8, ::1\"", 3, 14, "'10.0.0.0/8,' is no address"},
        {DOMAIN "    deny = localhost", 3, 12, "'localhost' is no address"},
        {DOMAIN "    allow = \"  \"\n    null = everyone", 3, 14, "no value"},
        {DOMAIN "    allow = ::1\n    allow = \" \"\n    null = everyone", 4, 14, "no value"},
        {DOMAIN "    null = staff", 3, 12, "only be everyone"},
        {DOMAIN "    null = nobody", 3, 12, "only be everyone"},
        {DOMAIN "    plain = \" \"", 3, 14, "no value"},
        {DOMAIN "    plain = staff", 3, 13, "no back end named 'staff'"},
        {BACKEND DOMAIN "    curve = staff stuff", 6, 19, "no back end named 'stuff'; is 'staff' meant"},
        {BACKEND DOMAIN "    curve = everione", 6, 13, "is 'everyone' meant"},
        {BACKEND DOMAIN "    curve = staff everyone", 6, 19, "stands alone"},
        {BACKEND DOMAIN "    curve = staff staff", 6, 19, "second time"},
        {FORWARD DOMAIN "    curve = central", 7, 13, "is a forward"},
        {FORWARD DOMAIN "    forward = centrall", 7, 15, "no forward named 'centrall'"},
        {BACKEND DOMAIN "    forward = staff", 6, 15, "no forward named 'staff'"},
        {FORWARD DOMAIN "    forward = central\n    curve = everyone", 7, 5, "forwarded has no"},
    };

    (void)state;
    check_mistakes(cases, sizeof cases / sizeof cases[0]);
}

/* A mistake that repeats much of the file stays one line. */
static void test_long_mistakes(void **state)
{
    struct auth_config *config = NULL;
    struct auth_mistake mistake;
    char text[2000];
    int size;

    (void)state;
    memset(text, 'a', sizeof text);
    assert_int_equal(auth_config_parse(&config, text, sizeof text, &mistake), -EINVAL);
    assert_true(strlen(mistake.text) < 120);
    size = snprintf(text, sizeof text, DOMAIN "    allow = ");
    memset(text + size, 'a', sizeof text - (size_t)size);
    assert_int_equal(auth_config_parse(&config, text, sizeof text, &mistake), -EINVAL);
    assert_non_null(strstr(mistake.text, "255"));
    assert_int_equal(mistake.line, 3);
}

/* ---- many, large, files ---- */

static void test_too_many(void **state)
{
    struct auth_config *config = NULL;
    struct auth_mistake mistake;
    char text[32768] = "";
    size_t size = 0;

    (void)state;
    for (int i = 0; i < 257; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "backend\n    name = b%d\n    url = test:x\n", i);
    assert_int_equal(auth_config_parse(&config, text, size, &mistake), -EINVAL);
    assert_int_equal(mistake.line, 256 * 3 + 1);
    size = (size_t)snprintf(text, sizeof text, "forward\n    name = f\n    certificate = c\n");
    for (int i = 0; i < 17; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "    server = \"tcp://h:%d %s\"\n", i, KEY);
    assert_int_equal(auth_config_parse(&config, text, size, &mistake), -EINVAL);
    assert_int_equal(mistake.line, 3 + 17);
}

static void test_many_domains(void **state)
{
    enum { COUNT = 10000, LINE = 64 };
    char *text = malloc((size_t)COUNT * LINE);
    struct auth_config *config;
    size_t size = 0;
    char name[16];

    (void)state;
    assert_non_null(text);
    for (int i = 0; i < COUNT; i++)
        size += (size_t)snprintf(text + size, LINE, "domain\n    name = d%d\n    curve = everyone\n", i);
    config = parse(text);
    assert_int_equal(config->domain_count, COUNT);
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(name, sizeof name, "d%d", i);
        assert_string_equal(auth_config_domain(config, name)->name, name);
    }
    auth_config_release(config);
    free(text);
}

static void test_references(void **state)
{
    struct auth_config *config = parse(whole);

    (void)state;
    assert_ptr_equal(auth_config_hold(config), config);
    auth_config_release(config);
    check_global(config, auth_config_domain(config, "global")); /* a sanitizer would object */
    auth_config_release(config);
    auth_config_release(NULL);
}

static void write_file(const char *path, size_t comment)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    (void)fputs(whole, file);
    (void)fputs("#", file);
    for (size_t i = 0; i < comment; i++)
        (void)fputc('x', file);
    assert_int_equal(fclose(file), 0);
}

static void test_files(void **state)
{
    const size_t limit = 1 << 20;
    char folder[] = "/tmp/ironauth-config-XXXXXX";
    struct auth_config *config = NULL;
    struct auth_mistake mistake;
    char path[64];

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/conf", folder);
    assert_int_equal(auth_config_load(&config, path, &mistake), -ENOENT);
    assert_int_equal(auth_config_load(&config, folder, &mistake), -EISDIR);
    assert_int_equal(auth_config_load(&config, "/dev/null", &mistake), -EINVAL);
    assert_null(config);
    write_file(path, limit - sizeof whole);
    assert_int_equal(auth_config_load(&config, path, &mistake), 0);
    assert_string_equal(config->file, path);
    check_global(config, auth_config_domain(config, "global"));
    auth_config_release(config);
    config = NULL;
    write_file(path, limit - sizeof whole + 1);
    assert_int_equal(auth_config_load(&config, path, &mistake), -EINVAL);
    assert_null(config);
    assert_int_equal(mistake.line, 0);
    assert_non_null(strstr(mistake.text, "1 MiB"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),          cmocka_unit_test(test_whole),
        cmocka_unit_test(test_any_domain),     cmocka_unit_test(test_wrong_sections),
        cmocka_unit_test(test_wrong_backends), cmocka_unit_test(test_wrong_services),
        cmocka_unit_test(test_wrong_domains),  cmocka_unit_test(test_long_mistakes),
        cmocka_unit_test(test_too_many),       cmocka_unit_test(test_many_domains),
        cmocka_unit_test(test_references),     cmocka_unit_test(test_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
