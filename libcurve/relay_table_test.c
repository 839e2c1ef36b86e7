/* SPDX-License-Identifier: ISC */
/* Who is registered with a relay: claims, idle ones, credit; and the ledger of what waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "libcurve/relay_table.h"

static const uint8_t a[CURVE_KEY_SIZE] = "a";
static const uint8_t b[CURVE_KEY_SIZE] = "b";

static int add(struct ih_relay_table *table, const char *route, const uint8_t *key, uint64_t now)
{
    return ih_relay_table_register(table, route, strlen(route), key, now);
}

static struct ih_relay_peer *peer(struct ih_relay_table *table, const char *route)
{
    return ih_relay_table_peer(table, route, strlen(route));
}

static size_t claims(struct ih_relay_table *table, const uint8_t *key)
{
    struct ih_relay_key *entry = ih_relay_table_key(table, key);

    return entry ? entry->count : 0;
}

static void test_register(void **state)
{
    struct ih_relay_table table;

    (void)state;
    assert_int_equal(ih_relay_table_init(&table, 2, 100), 0);
    assert_null(peer(&table, "1"));
    assert_int_equal(add(&table, "1", a, 0), 0);
    assert_int_equal(add(&table, "1", a, 10), 0);
    assert_int_equal(claims(&table, a), 1);
    assert_int_equal(add(&table, "1", b, 20), 0);
    assert_int_equal(claims(&table, a), 0);
    assert_int_equal(claims(&table, b), 1);
    assert_int_equal(add(&table, "2", b, 20), 0);
    assert_int_equal(claims(&table, b), 2);
    /* Full, until somebody has been silent long enough. */
    assert_int_equal(add(&table, "3", a, 119), -ENOSPC);
    ih_relay_table_seen(&table, peer(&table, "1"), 119);
    assert_int_equal(add(&table, "3", a, 120), 0);
    assert_null(peer(&table, "2"));
    ih_relay_table_forget(&table, peer(&table, "1"));
    assert_null(ih_relay_table_key(&table, b));
    ih_relay_table_fini(&table);
}

/* A fifth claim takes the place of the one that was silent longest, which is not the newcomer. */
static void test_claims(void **state)
{
    struct ih_relay_table table;

    (void)state;
    assert_int_equal(ih_relay_table_init(&table, 100, 1000), 0);
    assert_int_equal(add(&table, "1", a, 1), 0);
    assert_int_equal(add(&table, "2", a, 1), 0);
    assert_int_equal(add(&table, "3", a, 1), 0);
    assert_int_equal(add(&table, "4", a, 1), 0);
    ih_relay_table_seen(&table, peer(&table, "1"), 2);
    ih_relay_table_seen(&table, peer(&table, "3"), 2);
    ih_relay_table_seen(&table, peer(&table, "4"), 2);
    assert_int_equal(add(&table, "5", a, 3), 0);
    assert_int_equal(claims(&table, a), IH_RELAY_CLAIMS);
    assert_null(peer(&table, "2"));
    assert_non_null(peer(&table, "5"));
    ih_relay_table_fini(&table);
}

static void test_expire(void **state)
{
    struct ih_relay_table table;

    (void)state;
    assert_int_equal(ih_relay_table_init(&table, 100, 100), 0);
    assert_true(ih_relay_table_expire(&table, 5) == UINT64_MAX);
    assert_int_equal(add(&table, "1", a, 10), 0);
    assert_int_equal(add(&table, "2", b, 20), 0);
    ih_relay_table_seen(&table, peer(&table, "1"), 30);
    assert_int_equal(ih_relay_table_expire(&table, 119), 120);
    assert_int_equal(ih_relay_table_expire(&table, 120), 130);
    assert_null(peer(&table, "2"));
    assert_true(ih_relay_table_expire(&table, 130) == UINT64_MAX);
    assert_null(ih_relay_table_key(&table, a));
    ih_relay_table_fini(&table);
}

static void test_credit(void **state)
{
    struct ih_relay_table table;
    struct ih_relay_peer *payer = NULL;

    (void)state;
    assert_int_equal(ih_relay_table_init(&table, 100, 100), 0);
    assert_int_equal(add(&table, "1", a, 1000), 0);
    payer = peer(&table, "1");
    assert_true(ih_relay_peer_pay(payer, 500, 100, 1000, 1000));
    assert_true(ih_relay_peer_pay(payer, 500, 100, 1000, 1000));
    assert_false(ih_relay_peer_pay(payer, 1, 100, 1000, 1000));
    /* A tenth of a second is ten octets, in how many steps ever. */
    for (uint64_t now = 1001; now <= 1099; now++)
        assert_false(ih_relay_peer_pay(payer, 10, 100, 1000, now));
    assert_true(ih_relay_peer_pay(payer, 10, 100, 1000, 1100));
    assert_false(ih_relay_peer_pay(payer, 1, 100, 1000, 1100));
    /* No more than the burst is saved up. */
    assert_false(ih_relay_peer_pay(payer, 1001, 100, 1000, UINT64_MAX / 2));
    assert_true(ih_relay_peer_pay(payer, 1000, 100, 1000, UINT64_MAX / 2));
    ih_relay_table_fini(&table);
}

/* Registering under another key buys neither credit nor room. */
static void test_new_key(void **state)
{
    struct ih_relay_table table;
    zmq_msg_t body;
    zmq_msg_t msg;

    (void)state;
    assert_int_equal(ih_relay_table_init(&table, 1, 100), 0);
    assert_int_equal(add(&table, "1", a, 1000), 0);
    assert_true(ih_relay_peer_pay(peer(&table, "1"), 1000, 100, 1000, 1000));
    assert_int_equal(zmq_msg_init_size(&body, 600), 0);
    assert_int_equal(ih_ledger_carry(peer(&table, "1")->ledger, &msg, "", 0, &body), 0);
    assert_int_equal(add(&table, "1", b, 1000), 0);
    assert_int_equal(claims(&table, a), 0);
    assert_int_equal(claims(&table, b), 1);
    assert_false(ih_relay_peer_pay(peer(&table, "1"), 1, 100, 1000, 1000));
    assert_false(ih_ledger_fits(peer(&table, "1")->ledger, 1, 1000));
    (void)zmq_msg_close(&msg);
    (void)zmq_msg_close(&body);
    ih_relay_table_fini(&table);
}

static void test_ledger(void **state)
{
    struct ih_ledger *total = ih_ledger_new(NULL);
    struct ih_ledger *one = ih_ledger_new(total);
    struct ih_ledger *other = ih_ledger_new(total);
    zmq_msg_t body;
    zmq_msg_t msg;

    (void)state;
    assert_true(ih_ledger_fits(one, 1000, 1000));
    assert_false(ih_ledger_fits(one, 1001, 1000));
    assert_int_equal(zmq_msg_init_size(&body, 598), 0);
    memset(zmq_msg_data(&body), 'b', 598);
    assert_int_equal(ih_ledger_carry(one, &msg, "aa", 2, &body), 0);
    assert_int_equal(zmq_msg_size(&msg), 600);
    assert_memory_equal(zmq_msg_data(&msg), "aab", 3);
    assert_false(ih_ledger_fits(one, 1, 1000));
    assert_true(ih_ledger_fits(other, 400, 1000));
    assert_false(ih_ledger_fits(other, 401, 1000));
    /* The message outlives the ledgers' owners. */
    ih_ledger_release(one);
    (void)zmq_msg_close(&msg);
    assert_true(ih_ledger_fits(other, 1000, 1000));
    (void)zmq_msg_close(&body);
    ih_ledger_release(other);
    ih_ledger_release(total);
    ih_ledger_release(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_register), cmocka_unit_test(test_claims),  cmocka_unit_test(test_expire),
        cmocka_unit_test(test_credit),   cmocka_unit_test(test_new_key), cmocka_unit_test(test_ledger),
    };

    return cmocka_run_group_tests_name("relay_table", tests, NULL, NULL);
}
