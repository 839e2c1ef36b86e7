/* SPDX-License-Identifier: ISC */
/* Events that wait: what is merged, what is left out, and that nothing is ever said of a message that is not so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "libcurve/events.h"

static void add(struct ih_events *events, int event, int value, uint64_t number, uint32_t whom)
{
    curve_event_t record = {.event = event, .value = value, .number = number};

    memcpy(record.id, &whom, sizeof(whom));
    ih_events_add(events, &record);
}

static void expect(struct ih_events *events, int event, int value, uint64_t number, uint32_t whom)
{
    curve_event_t record;

    assert_true(ih_events_next(events, &record));
    assert_int_equal(record.event, event);
    assert_int_equal(record.value, value);
    assert_int_equal(record.number, number);
    assert_memory_equal(record.id, &whom, sizeof(whom));
    ih_events_taken(events);
}

static void expect_none(struct ih_events *events)
{
    curve_event_t record;

    assert_false(ih_events_next(events, &record));
    ih_events_fini(events);
}

static void test_order(void **state)
{
    struct ih_events events;

    (void)state;
    ih_events_init(&events);
    add(&events, CURVE_EVENT_CONNECTED, 0, 0, 0);
    add(&events, CURVE_EVENT_READY, 1, 0, 1);
    add(&events, CURVE_EVENT_DISCONNECTED, 0, 0, 0);
    add(&events, CURVE_EVENT_CONNECTED, 0, 0, 0);
    expect(&events, CURVE_EVENT_CONNECTED, 0, 0, 0);
    expect(&events, CURVE_EVENT_READY, 1, 0, 1);
    expect(&events, CURVE_EVENT_DISCONNECTED, 0, 0, 0);
    expect(&events, CURVE_EVENT_CONNECTED, 0, 0, 0);
    expect_none(&events);
}

/* The same of the same end is counted, where it came first. */
static void test_repeated(void **state)
{
    struct ih_events events;

    (void)state;
    ih_events_init(&events);
    for (int i = 0; i < 5000; i++) {
        add(&events, CURVE_EVENT_SUSPECT, 3, 0, 0);
        add(&events, CURVE_EVENT_SUSPECT, 4, 0, 0);
        add(&events, CURVE_EVENT_REFUSED, 3, 0, 1);
    }
    add(&events, CURVE_EVENT_SUSPECT, 3, 0, 2);
    expect(&events, CURVE_EVENT_SUSPECT, 3, 5000, 0);
    add(&events, CURVE_EVENT_SUSPECT, 3, 0, 0);
    expect(&events, CURVE_EVENT_SUSPECT, 4, 5000, 0);
    expect(&events, CURVE_EVENT_REFUSED, 3, 5000, 1);
    expect(&events, CURVE_EVENT_SUSPECT, 3, 1, 2);
    expect(&events, CURVE_EVENT_SUSPECT, 3, 1, 0);
    expect_none(&events);
}

/* A flood of one kind is cut off, and leaves the others alone. */
static void test_flood(void **state)
{
    struct ih_events events;

    (void)state;
    ih_events_init(&events);
    for (uint32_t i = 0; i < 3 * IH_EVENTS_MAX; i++)
        add(&events, CURVE_EVENT_REFUSED, 3, 0, i);
    for (uint32_t i = 0; i < 3 * IH_EVENTS_MAX; i++)
        add(&events, CURVE_EVENT_CONNECTED, 0, 0, 0);
    add(&events, CURVE_EVENT_CLOSED, 0, 0, 7);
    add(&events, CURVE_EVENT_UNDELIVERED, 0, 1, 7);
    for (uint32_t i = 0; i < IH_EVENTS_MAX; i++)
        expect(&events, CURVE_EVENT_REFUSED, 3, 1, i);
    for (uint32_t i = 0; i < IH_EVENTS_MAX; i++)
        expect(&events, CURVE_EVENT_CONNECTED, 0, 0, 0);
    add(&events, CURVE_EVENT_REFUSED, 3, 0, 8);
    expect(&events, CURVE_EVENT_CLOSED, 0, 0, 7);
    expect(&events, CURVE_EVENT_UNDELIVERED, 0, 1, 7);
    expect(&events, CURVE_EVENT_REFUSED, 3, 1, 8);
    expect_none(&events);
}

/* DELIVERED up to a number, but for what was reported before it. */
static void test_delivered(void **state)
{
    struct ih_events events;

    (void)state;
    ih_events_init(&events);
    add(&events, CURVE_EVENT_DELIVERED, 0, 1, 1);
    add(&events, CURVE_EVENT_DELIVERED, 0, 2, 2);
    add(&events, CURVE_EVENT_UNDELIVERED, 0, 3, 1);
    add(&events, CURVE_EVENT_DELIVERED, 0, 4, 1);
    add(&events, CURVE_EVENT_DELIVERED, 0, 5, 1);
    add(&events, CURVE_EVENT_UNDELIVERED, 0, 6, 1);
    expect(&events, CURVE_EVENT_DELIVERED, 0, 2, 2);
    expect(&events, CURVE_EVENT_UNDELIVERED, 0, 3, 1);
    expect(&events, CURVE_EVENT_DELIVERED, 0, 5, 1);
    expect(&events, CURVE_EVENT_UNDELIVERED, 0, 6, 1);
    expect_none(&events);
}

/* However many: each is reported. */
static void test_undelivered(void **state)
{
    enum { MESSAGES = 5000 };
    struct ih_events events;

    (void)state;
    ih_events_init(&events);
    for (uint32_t i = 1; i <= MESSAGES; i++)
        add(&events, CURVE_EVENT_UNDELIVERED, 0, i, 1);
    for (uint32_t i = 1; i <= MESSAGES; i++)
        add(&events, CURVE_EVENT_UNDELIVERED, 0, MESSAGES + i, i % 2);
    for (uint32_t i = 1; i <= MESSAGES; i++)
        expect(&events, CURVE_EVENT_UNDELIVERED, 0, i, 1);
    for (uint32_t i = 1; i <= MESSAGES; i++)
        expect(&events, CURVE_EVENT_UNDELIVERED, 0, MESSAGES + i, i % 2);
    expect_none(&events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),     cmocka_unit_test(test_repeated),    cmocka_unit_test(test_flood),
        cmocka_unit_test(test_delivered), cmocka_unit_test(test_undelivered),
    };

    return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
