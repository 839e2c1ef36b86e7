/* SPDX-License-Identifier: ISC */
/* Counters that are added to without a lock, and read one by one: a text may show a decision that its histogram does not
 * yet have. */
#include "auth/metrics.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Upper bounds of the histogram, µs, and what the text says of them. */
static const struct {
    uint64_t bound;
    const char *text;
} buckets[] = {
    {100, "0.0001"}, {250, "0.00025"}, {500, "0.0005"}, {1000, "0.001"},  {2500, "0.0025"}, {5000, "0.005"},
    {10000, "0.01"}, {25000, "0.025"}, {50000, "0.05"}, {100000, "0.1"},  {250000, "0.25"}, {500000, "0.5"},
    {1000000, "1"},  {2500000, "2.5"}, {5000000, "5"},  {10000000, "10"},
};

enum { BUCKETS = sizeof buckets / sizeof buckets[0], STATUSES = 4 };

static const enum auth_status statuses[STATUSES] = {AUTH_OK, AUTH_TEMPORARY, AUTH_REFUSED, AUTH_BROKEN};

/* Of one back end. */
struct series {
    char *name;
    atomic_ullong decisions[AUTH_MECHANISMS][STATUSES];
    atomic_ullong durations[BUCKETS + 1]; /* not cumulative; the last: longer than all bounds */
    atomic_ullong microseconds;
    atomic_bool away;
};

/* Names never change; the rest is atomic. */
struct auth_metrics {
    struct series *series; /* the policy's, "", is the first */
    size_t count;
    atomic_ullong revoked, throttled;
};

int auth_metrics_new(struct auth_metrics **metrics, const char *const *names, size_t count)
{
    struct auth_metrics *made = calloc(1, sizeof *made);

    if (!made)
        return -ENOMEM;
    made->series = calloc(count + 1, sizeof *made->series);
    for (; made->series && made->count < count + 1; made->count++) {
        struct series *series = &made->series[made->count];

        series->name = strdup(made->count == 0 ? "" : names[made->count - 1]);
        if (!series->name)
            break;
    }
    if (made->count < count + 1) {
        auth_metrics_free(made);
        return -ENOMEM;
    }
    *metrics = made;
    return 0;
}

void auth_metrics_free(struct auth_metrics *metrics)
{
    if (!metrics)
        return;
    for (size_t i = 0; i < metrics->count; i++)
        free(metrics->series[i].name);
    free(metrics->series);
    free(metrics);
}

/* ---- counting ---- */

/* A name that is not known counts as the policy's: decisions are not lost. */
static struct series *find(struct auth_metrics *metrics, const char *backend)
{
    for (size_t i = 1; i < metrics->count; i++)
        if (strcmp(metrics->series[i].name, backend) == 0)
            return &metrics->series[i];
    return &metrics->series[0];
}

static void add(atomic_ullong *counter, unsigned long long number)
{
    (void)atomic_fetch_add_explicit(counter, number, memory_order_relaxed);
}

static unsigned long long get(atomic_ullong *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static size_t status_index(enum auth_status status)
{
    size_t i = 0;

    while (i < STATUSES - 1 && statuses[i] != status)
        i++;
    return i;
}

void auth_metrics_decided(struct auth_metrics *metrics, enum auth_mechanism mechanism, enum auth_status status,
                          const char *backend, uint64_t microseconds)
{
    struct series *series = find(metrics, backend);
    size_t bucket = 0;

    if (mechanism >= AUTH_MECHANISMS)
        return;
    while (bucket < BUCKETS && microseconds > buckets[bucket].bound)
        bucket++;
    add(&series->decisions[mechanism][status_index(status)], 1);
    add(&series->durations[bucket], 1);
    add(&series->microseconds, microseconds);
}

void auth_metrics_revoked(struct auth_metrics *metrics, size_t connections)
{
    add(&metrics->revoked, connections);
}

void auth_metrics_throttled(struct auth_metrics *metrics)
{
    add(&metrics->throttled, 1);
}

void auth_metrics_away(struct auth_metrics *metrics, const char *backend, bool away)
{
    atomic_store_explicit(&find(metrics, backend)->away, away, memory_order_relaxed);
}

/* ---- the text ---- */

/* "label_value can be any sequence of UTF-8 characters, but the backslash, double-quote, and line feed characters have to be
 * escaped". */
static void print_label(FILE *out, const char *value)
{
    for (; *value != '\0'; value++) {
        if (*value == '\n')
            (void)fputs("\\n", out);
        else if (*value == '"' || *value == '\\')
            (void)fprintf(out, "\\%c", *value);
        else
            (void)fputc(*value, out);
    }
}

static void print_head(FILE *out, const char *name, const char *type, const char *help)
{
    (void)fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void print_decisions(FILE *out, struct series *series)
{
    for (int mechanism = 0; mechanism < AUTH_MECHANISMS; mechanism++) {
        for (size_t i = 0; i < STATUSES; i++) {
            (void)fprintf(out, "ironauth_decisions_total{mechanism=\"%s\",status=\"%d\",backend=\"",
                          auth_mechanism_name((enum auth_mechanism)mechanism), (int)statuses[i]);
            print_label(out, series->name);
            (void)fprintf(out, "\"} %llu\n", get(&series->decisions[mechanism][i]));
        }
    }
}

/* Buckets are cumulative in the text; their sum is the count, so that both agree. */
static void print_durations(FILE *out, struct series *series)
{
    unsigned long long microseconds = get(&series->microseconds);
    unsigned long long count = 0;

    for (size_t i = 0; i <= BUCKETS; i++) {
        count += get(&series->durations[i]);
        (void)fputs("ironauth_decision_seconds_bucket{backend=\"", out);
        print_label(out, series->name);
        (void)fprintf(out, "\",le=\"%s\"} %llu\n", i < BUCKETS ? buckets[i].text : "+Inf", count);
    }
    (void)fputs("ironauth_decision_seconds_sum{backend=\"", out);
    print_label(out, series->name);
    (void)fprintf(out, "\"} %llu.%06llu\n", microseconds / 1000000, microseconds % 1000000);
    (void)fputs("ironauth_decision_seconds_count{backend=\"", out);
    print_label(out, series->name);
    (void)fprintf(out, "\"} %llu\n", count);
}

static void print_all(FILE *out, struct auth_metrics *metrics)
{
    print_head(out, "ironauth_decisions_total", "counter",
               "Decisions, by the back end that made them; none: the policy.");
    for (size_t i = 0; i < metrics->count; i++)
        print_decisions(out, &metrics->series[i]);
    print_head(out, "ironauth_decision_seconds", "histogram", "How long decisions took.");
    for (size_t i = 0; i < metrics->count; i++)
        print_durations(out, &metrics->series[i]);
    print_head(out, "ironauth_revoked_total", "counter", "Connections that lost their permission.");
    (void)fprintf(out, "ironauth_revoked_total %llu\n", get(&metrics->revoked));
    print_head(out, "ironauth_throttled_total", "counter", "Attempts that had to wait after failures.");
    (void)fprintf(out, "ironauth_throttled_total %llu\n", get(&metrics->throttled));
    print_head(out, "ironauth_backend_up", "gauge", "Whether the back end answers.");
    for (size_t i = 1; i < metrics->count; i++) {
        (void)fputs("ironauth_backend_up{backend=\"", out);
        print_label(out, metrics->series[i].name);
        (void)fprintf(out, "\"} %d\n", !atomic_load_explicit(&metrics->series[i].away, memory_order_relaxed));
    }
}

char *auth_metrics_text(struct auth_metrics *metrics)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    bool failed;

    if (!out)
        return NULL;
    print_all(out, metrics);
    failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed) {
        free(text);
        return NULL;
    }
    return text;
}
