/* SPDX-License-Identifier: ISC */
#include "auth/metrics.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const names[] = {"staff", "a\"b\\c\nd"};

static int setup(void **state)
{
    return auth_metrics_new((struct auth_metrics **)state, names, 2);
}

static int teardown(void **state)
{
    auth_metrics_free(*state);
    return 0;
}

/* There is this very line. */
static void check(struct auth_metrics *metrics, const char *line)
{
    char *text = auth_metrics_text(metrics);
    size_t size = strlen(line);
    bool found = false;

    assert_non_null(text);
    for (const char *at = text; at && !found; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
        found = strncmp(at, line, size) == 0 && at[size] == '\n';
    if (!found)
        fail_msg("%s\n---\n%s", line, text);
    free(text);
}

static void test_decisions(void **state)
{
    struct auth_metrics *metrics = *state;

    check(metrics, "ironauth_decisions_total{mechanism=\"PLAIN\",status=\"200\",backend=\"staff\"} 0");
    auth_metrics_decided(metrics, AUTH_MECHANISM_PLAIN, AUTH_OK, "staff", 1000);
    auth_metrics_decided(metrics, AUTH_MECHANISM_PLAIN, AUTH_OK, "staff", 1001);
    auth_metrics_decided(metrics, AUTH_MECHANISM_CURVE, AUTH_TEMPORARY, "staff", 2500000);
    auth_metrics_decided(metrics, AUTH_MECHANISM_NULL, AUTH_REFUSED, "", 1);
    auth_metrics_decided(metrics, AUTH_MECHANISM_NULL, AUTH_REFUSED, "gone since the reload", 1);
    auth_metrics_decided(metrics, AUTH_MECHANISM_NULL, AUTH_BROKEN, names[1], 20000000);
    auth_metrics_decided(metrics, AUTH_MECHANISMS, AUTH_OK, "staff", 1);
    check(metrics, "ironauth_decisions_total{mechanism=\"PLAIN\",status=\"200\",backend=\"staff\"} 2");
    check(metrics, "ironauth_decisions_total{mechanism=\"CURVE\",status=\"300\",backend=\"staff\"} 1");
    check(metrics, "ironauth_decisions_total{mechanism=\"NULL\",status=\"400\",backend=\"\"} 2");
    check(metrics, "ironauth_decisions_total{mechanism=\"NULL\",status=\"500\",backend=\"a\\\"b\\\\c\\nd\"} 1");
    check(metrics, "ironauth_decision_seconds_bucket{backend=\"staff\",le=\"0.0005\"} 0");
    check(metrics, "ironauth_decision_seconds_bucket{backend=\"staff\",le=\"0.001\"} 1");
    check(metrics, "ironauth_decision_seconds_bucket{backend=\"staff\",le=\"0.0025\"} 2");
    check(metrics, "ironauth_decision_seconds_bucket{backend=\"staff\",le=\"1\"} 2");
    check(metrics, "ironauth_decision_seconds_bucket{backend=\"staff\",le=\"2.5\"} 3");
    check(metrics, "ironauth_decision_seconds_bucket{backend=\"staff\",le=\"+Inf\"} 3");
    check(metrics, "ironauth_decision_seconds_sum{backend=\"staff\"} 2.502001");
    check(metrics, "ironauth_decision_seconds_count{backend=\"staff\"} 3");
    check(metrics, "ironauth_decision_seconds_bucket{backend=\"a\\\"b\\\\c\\nd\",le=\"10\"} 0");
    check(metrics, "ironauth_decision_seconds_bucket{backend=\"a\\\"b\\\\c\\nd\",le=\"+Inf\"} 1");
}

static void test_others(void **state)
{
    struct auth_metrics *metrics = *state;

    check(metrics, "# TYPE ironauth_decisions_total counter");
    check(metrics, "# TYPE ironauth_decision_seconds histogram");
    check(metrics, "ironauth_revoked_total 0");
    check(metrics, "ironauth_throttled_total 0");
    check(metrics, "ironauth_backend_up{backend=\"staff\"} 1");
    auth_metrics_revoked(metrics, 3);
    auth_metrics_throttled(metrics);
    auth_metrics_away(metrics, "staff", true);
    check(metrics, "ironauth_revoked_total 3");
    check(metrics, "ironauth_throttled_total 1");
    check(metrics, "ironauth_backend_up{backend=\"staff\"} 0");
    auth_metrics_away(metrics, "staff", false);
    check(metrics, "ironauth_backend_up{backend=\"staff\"} 1");
}

static void test_none(void **state)
{
    struct auth_metrics *metrics;

    (void)state;
    assert_int_equal(auth_metrics_new(&metrics, NULL, 0), 0);
    check(metrics, "ironauth_decisions_total{mechanism=\"PLAIN\",status=\"200\",backend=\"\"} 0");
    auth_metrics_free(metrics);
    auth_metrics_free(NULL);
}

enum { THREADS = 4, EACH = 5000 };

static void *count(void *metrics)
{
    for (int i = 0; i < EACH; i++)
        auth_metrics_decided(metrics, AUTH_MECHANISM_CURVE, AUTH_OK, "staff", 1);
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count, *state), 0);
    free(auth_metrics_text(*state));
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    check(*state, "ironauth_decisions_total{mechanism=\"CURVE\",status=\"200\",backend=\"staff\"} 20000");
    check(*state, "ironauth_decision_seconds_count{backend=\"staff\"} 20000");
    check(*state, "ironauth_decision_seconds_sum{backend=\"staff\"} 0.020000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_decisions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_others, setup, teardown),
        cmocka_unit_test(test_none),
        cmocka_unit_test_setup_teardown(test_threads, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
