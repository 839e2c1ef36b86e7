/* SPDX-License-Identifier: ISC */
/* The manual's examples are configurations, as they stand there. */
#include "auth/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Every back end that the examples name is built in here, with every property that they have. */
static const char *const keys[] = {"base", NULL};
static const struct auth_backend_ops any_ops = {.scheme = "any", .keys = keys};

const struct auth_backend_ops *auth_backend_find(const char *url)
{
    return strchr(url, ':') ? &any_ops : NULL;
}

const char *const *auth_backend_schemes(void)
{
    static const char *const schemes[] = {"any", NULL};

    return schemes;
}

/* The next example: what stands in a literal display of configuration. False: there is none. */
static bool next_example(FILE *page, char *text, size_t room)
{
    bool within = false;
    size_t size = 0;
    char line[256];

    while (fgets(line, sizeof line, page)) {
        if (strcmp(line, ".Bd -literal -compact\n") == 0 || strcmp(line, ".Bd -literal -offset indent\n") == 0) {
            within = true;
        } else if (within && strcmp(line, ".Ed\n") == 0) {
            return true;
        } else if (within) {
            assert_true(strlen(line) < room - size);
            size += (size_t)snprintf(text + size, room - size, "%s", line);
        }
    }
    return false;
}

static void test_examples(void **state)
{
    FILE *page = fopen(IRONHOUSE_SOURCE_DIR "/docs/man/ironauth.conf.5", "r");
    static char text[8192];
    int count = 0;

    (void)state;
    assert_non_null(page);
    for (; next_example(page, text, sizeof text); count++) {
        struct auth_config *config = NULL;
        struct auth_mistake mistake;

        if (auth_config_parse(&config, text, strlen(text), &mistake) != 0)
            fail_msg("%s\n%u:%u: %s", text, mistake.line, mistake.column, mistake.text);
        assert_true(config->domain_count > 0);
        auth_config_release(config);
    }
    assert_int_equal(count, 5);
    (void)fclose(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_examples)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
