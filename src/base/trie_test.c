/* SPDX-License-Identifier: ISC */
/* The subscription trie against a model that is a plain array. */
#include "base/trie.h"

#include "base/trie_node.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    KEYS = 160,
    KEY_MAX = 40,
    SUBSCRIBERS = 24,
    MODEL_STEPS = 15000,
    DEEP = 2000, /* each add splits the megabyte that is left */
};

static uint8_t keys[KEYS][KEY_MAX];
static size_t sizes[KEYS];
static unsigned model[KEYS][SUBSCRIBERS]; /* how often this subscriber has added this key */
static int subscribers[SUBSCRIBERS];
static unsigned calls[SUBSCRIBERS];
static unsigned lost[KEYS];
static uint32_t seed;

static uint32_t draw(uint32_t limit)
{
    seed = seed * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)seed * limit >> 32);
}

/* Different keys over few letters, many of them prefixes of others; the first is empty. */
static void draw_keys(void)
{
    for (size_t i = 0; i < KEYS; i++) {
        bool again = true;

        while (again) {
            sizes[i] = i == 0 ? 0 : 1 + draw(draw(4) ? 6 : KEY_MAX);
            for (size_t j = 0; j < sizes[i]; j++)
                keys[i][j] = (uint8_t)(draw(8) ? draw(2) : draw(256));
            again = false;
            for (size_t j = 0; j < i; j++)
                if (sizes[j] == sizes[i] && memcmp(keys[i], keys[j], sizes[i]) == 0)
                    again = true;
        }
    }
}

static unsigned model_holders(size_t key)
{
    unsigned holders = 0;

    for (size_t i = 0; i < SUBSCRIBERS; i++)
        holders += model[key][i] > 0;
    return holders;
}

static void model_add(struct ih_trie *trie, size_t key, size_t who)
{
    int expected = IH_TRIE_COUNTED;

    if (model_holders(key) == 0)
        expected = IH_TRIE_KEY;
    else if (model[key][who] == 0)
        expected = IH_TRIE_SUBSCRIBER;
    assert_int_equal(ih_trie_add(trie, keys[key], sizes[key], &subscribers[who]), expected);
    model[key][who]++;
}

static void model_remove(struct ih_trie *trie, size_t key, size_t who)
{
    int expected = IH_TRIE_COUNTED;

    if (model[key][who] == 0)
        expected = -ENOENT;
    else if (model[key][who] == 1)
        expected = model_holders(key) == 1 ? IH_TRIE_KEY : IH_TRIE_SUBSCRIBER;
    assert_int_equal(ih_trie_remove(trie, keys[key], sizes[key], &subscribers[who]), expected);
    if (model[key][who] > 0)
        model[key][who]--;
}

static void count_key(const void *key, size_t size, void *arg)
{
    (void)arg;
    for (size_t i = 0; i < KEYS; i++) {
        if (sizes[i] == size && memcmp(keys[i], key, size) == 0) {
            lost[i]++;
            return;
        }
    }
    fail_msg("a key that was never added");
}

static void model_remove_subscriber(struct ih_trie *trie, size_t who)
{
    memset(lost, 0, sizeof lost);
    ih_trie_remove_subscriber(trie, &subscribers[who], count_key, NULL);
    for (size_t i = 0; i < KEYS; i++) {
        assert_int_equal(lost[i], model[i][who] > 0 && model_holders(i) == 1);
        model[i][who] = 0;
    }
}

static void count_call(void *subscriber, void *arg)
{
    (void)arg;
    calls[(int *)subscriber - subscribers]++;
}

static void model_match(struct ih_trie *trie)
{
    uint8_t data[2 * KEY_MAX];
    size_t a = draw(KEYS);
    size_t b = draw(KEYS);
    size_t size = sizes[a] + sizes[b];
    unsigned expected[SUBSCRIBERS] = {0};
    unsigned total = 0;

    memcpy(data, keys[a], sizes[a]);
    memcpy(data + sizes[a], keys[b], sizes[b]);
    for (size_t i = 0; i < KEYS; i++) {
        for (size_t j = 0; j < SUBSCRIBERS; j++) {
            bool matches = model[i][j] > 0 && sizes[i] <= size && memcmp(data, keys[i], sizes[i]) == 0;

            expected[j] += matches;
            total += matches;
        }
    }
    memset(calls, 0, sizeof calls);
    ih_trie_match(trie, data, size, count_call, NULL);
    assert_memory_equal(calls, expected, sizeof calls);
    assert_int_equal(ih_trie_check(trie, data, size), total > 0);
}

static void model_each(struct ih_trie *trie)
{
    size_t count = 0;

    memset(lost, 0, sizeof lost);
    ih_trie_each(trie, count_key, NULL);
    for (size_t i = 0; i < KEYS; i++) {
        assert_int_equal(lost[i], model_holders(i) > 0);
        count += lost[i];
    }
    assert_int_equal(ih_trie_count(trie), count);
}

static void model_step(struct ih_trie *trie, unsigned adds)
{
    size_t key = draw(KEYS);
    size_t who = draw(SUBSCRIBERS);
    uint32_t what = draw(100);

    if (what < adds)
        model_add(trie, key, who);
    else if (what < 90)
        model_remove(trie, key, who);
    else if (what < 98)
        model_match(trie);
    else if (what < 99)
        model_remove_subscriber(trie, who);
    else
        model_each(trie);
}

static void behaves_as_the_model(void **state)
{
    struct ih_trie trie;

    (void)state;
    for (uint32_t run = 1; run <= 3; run++) {
        seed = run;
        memset(model, 0, sizeof model);
        draw_keys();
        ih_trie_init(&trie);
        /* The share of additions swings, so that the trie fills and empties. */
        for (unsigned i = 0; i < MODEL_STEPS / 3; i++)
            model_step(&trie, i / 1000 % 2 ? 20 : 60);
        for (size_t i = 0; i < SUBSCRIBERS; i++)
            model_remove_subscriber(&trie, i);
        assert_int_equal(ih_trie_count(&trie), 0);
        assert_null(trie.root.kids);
        assert_null(trie.scratch);
        ih_trie_fini(&trie);
    }
}

static void frees_what_is_left(void **state)
{
    struct ih_trie trie;

    (void)state;
    seed = 77;
    draw_keys();
    memset(model, 0, sizeof model);
    ih_trie_init(&trie);
    for (size_t i = 0; i < KEYS; i++)
        model_add(&trie, i, i % SUBSCRIBERS);
    ih_trie_fini(&trie);
    assert_int_equal(ih_trie_count(&trie), 0);
}

/* CVE-2021-20236: a topic's length must not become a stack's depth. */
static void long_keys_and_deep_tries_do_not_recurse(void **state)
{
    const size_t size = 1 << 20;
    uint8_t *data = malloc(size);
    struct ih_trie trie;

    (void)state;
    assert_non_null(data);
    memset(data, 'a', size);
    ih_trie_init(&trie);
    assert_int_equal(ih_trie_add(&trie, data, size, &subscribers[0]), IH_TRIE_KEY);
    for (size_t i = 0; i <= DEEP; i++)
        assert_int_equal(ih_trie_add(&trie, data, i, &subscribers[1]), IH_TRIE_KEY);
    memset(calls, 0, sizeof calls);
    ih_trie_match(&trie, data, size, count_call, NULL);
    assert_int_equal(calls[0], 1);
    assert_int_equal(calls[1], DEEP + 1);
    assert_int_equal(ih_trie_remove(&trie, data, size - 1, &subscribers[0]), -ENOENT);
    ih_trie_remove_subscriber(&trie, &subscribers[1], NULL, NULL);
    assert_int_equal(ih_trie_count(&trie), 1);
    /* Nothing is left of the forks. */
    assert_int_equal(trie.root.kids->count, 1);
    assert_int_equal(trie.root.kids->kids[0]->len, size);
    assert_int_equal(ih_trie_remove(&trie, data, size, &subscribers[0]), IH_TRIE_KEY);
    ih_trie_fini(&trie);
    free(data);
}

static void one_key_may_have_many_subscribers(void **state)
{
    enum { MANY = 3000 };
    static char many[MANY];
    struct ih_trie trie;

    (void)state;
    ih_trie_init(&trie);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(ih_trie_add(&trie, "t", 1, &many[i]), i == 0 ? IH_TRIE_KEY : IH_TRIE_SUBSCRIBER);
        assert_int_equal(ih_trie_add(&trie, "t", 1, &many[i]), IH_TRIE_COUNTED);
    }
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(ih_trie_remove(&trie, "t", 1, &many[i]), IH_TRIE_COUNTED);
        assert_int_equal(ih_trie_remove(&trie, "t", 1, &many[i]), i == MANY - 1 ? IH_TRIE_KEY : IH_TRIE_SUBSCRIBER);
        assert_int_equal(ih_trie_remove(&trie, "t", 1, &many[i]), -ENOENT);
    }
    ih_trie_fini(&trie);
}

static void a_node_may_have_256_kids(void **state)
{
    struct ih_trie trie;

    (void)state;
    ih_trie_init(&trie);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 256; i++) {
            uint8_t key[2] = {7, (uint8_t)(i * 37)};

            assert_int_equal(ih_trie_add(&trie, key, 2, &subscribers[0]), IH_TRIE_KEY);
            assert_true(ih_trie_check(&trie, key, 2));
            assert_false(ih_trie_check(&trie, key, 1));
        }
        for (unsigned i = 0; i < 256; i++) {
            uint8_t key[2] = {7, (uint8_t)(i * 91)};

            assert_int_equal(ih_trie_remove(&trie, key, 2, &subscribers[0]), IH_TRIE_KEY);
            assert_false(ih_trie_check(&trie, key, 2));
        }
    }
    ih_trie_fini(&trie);
}

static void the_empty_key_matches_everything(void **state)
{
    struct ih_trie trie;

    (void)state;
    ih_trie_init(&trie);
    assert_false(ih_trie_check(&trie, NULL, 0));
    assert_int_equal(ih_trie_add(&trie, NULL, 0, &subscribers[0]), IH_TRIE_KEY);
    assert_true(ih_trie_check(&trie, NULL, 0));
    assert_true(ih_trie_check(&trie, "x", 1));
    sizes[0] = 0;
    memset(lost, 0, sizeof lost);
    ih_trie_each(&trie, count_key, NULL);
    assert_int_equal(lost[0], 1);
    ih_trie_remove_subscriber(&trie, &subscribers[0], count_key, NULL);
    assert_int_equal(lost[0], 2);
    assert_false(ih_trie_check(&trie, "x", 1));
    ih_trie_fini(&trie);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(behaves_as_the_model),
        cmocka_unit_test(frees_what_is_left),
        cmocka_unit_test(long_keys_and_deep_tries_do_not_recurse),
        cmocka_unit_test(one_key_may_have_many_subscribers),
        cmocka_unit_test(a_node_may_have_256_kids),
        cmocka_unit_test(the_empty_key_matches_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
