/* SPDX-License-Identifier: ISC */
/* The two hash maps, against arrays. */
#include "base/map.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/ptrmap.h"

enum { ITEMS = 5000 };

struct item {
    struct ih_map_node node;
    char key[24];
    size_t size;
    bool in;
    unsigned seen;
};

static struct item items[ITEMS];

static void make_items(void)
{
    memset(items, 0, sizeof items);
    for (unsigned i = 0; i < ITEMS; i++) {
        /* Keys with NULs, and all lengths down to none. */
        items[i].size = i % sizeof items[i].key;
        memcpy(items[i].key, &i, sizeof i < items[i].size ? sizeof i : items[i].size);
    }
}

static struct item *find(const struct ih_map *map, const struct item *like)
{
    struct ih_map_node *node = ih_map_find(map, like->key, like->size);

    return node ? IH_CONTAINER(node, struct item, node) : NULL;
}

static void behaves_as_a_set_of_keys(void **state)
{
    struct ih_map map = {0};
    size_t count = 0;

    (void)state;
    make_items();
    for (unsigned i = 0; i < ITEMS; i++) {
        struct item *other = find(&map, &items[i]);
        int rc = ih_map_insert(&map, &items[i].node, items[i].key, items[i].size);

        assert_int_equal(rc, other ? -EEXIST : 0);
        items[i].in = !other;
        count += !other;
        assert_int_equal(ih_map_count(&map), count);
    }
    assert_true(count > ITEMS / 2);
    for (unsigned i = 0; i < ITEMS; i++) {
        struct item *found = find(&map, &items[i]);

        assert_non_null(found);
        assert_int_equal(found->size, items[i].size);
        assert_memory_equal(found->key, items[i].key, items[i].size);
        if (items[i].in)
            assert_ptr_equal(found, &items[i]);
    }
    for (struct ih_map_node *node = ih_map_first(&map); node; node = ih_map_next(&map, node))
        IH_CONTAINER(node, struct item, node)->seen++;
    for (unsigned i = 0; i < ITEMS; i++)
        assert_int_equal(items[i].seen, items[i].in);
    for (unsigned i = 0; i < ITEMS; i++) {
        if (items[i].in) {
            ih_map_remove(&map, &items[i].node);
            assert_null(find(&map, &items[i]));
            count--;
        }
    }
    assert_int_equal(count, 0);
    assert_null(map.buckets);
}

static void a_walk_may_remove(void **state)
{
    struct ih_map map = {0};

    (void)state;
    make_items();
    for (unsigned i = 0; i < ITEMS; i++)
        items[i].in = ih_map_insert(&map, &items[i].node, items[i].key, items[i].size) == 0;
    for (struct ih_map_node *node = ih_map_first(&map), *next = NULL; node; node = next) {
        next = ih_map_next(&map, node);
        IH_CONTAINER(node, struct item, node)->seen++;
        ih_map_remove(&map, node);
    }
    for (unsigned i = 0; i < ITEMS; i++)
        assert_int_equal(items[i].seen, items[i].in);
    assert_int_equal(ih_map_count(&map), 0);
    ih_map_fini(&map);
}

static void keys_in_one_bucket_are_told_apart(void **state)
{
    struct ih_map map = {0};
    unsigned in = 0;

    (void)state;
    make_items();
    /* The first table has 8 buckets: 8 keys that all go to the same. */
    for (unsigned i = 8; in < 8; i++) {
        assert_true(i < ITEMS);
        memcpy(items[i].key, &i, sizeof i);
        items[i].size = sizeof i;
        if ((ih_hash(&i, sizeof i) & 7) != 3)
            continue;
        assert_int_equal(ih_map_insert(&map, &items[i].node, items[i].key, items[i].size), 0);
        items[i].in = true;
        in++;
    }
    assert_int_equal(map.mask, 7);
    for (unsigned i = 8; i < ITEMS; i++) {
        if (items[i].in) {
            assert_ptr_equal(find(&map, &items[i]), &items[i]);
            ih_map_remove(&map, &items[i].node);
            assert_null(find(&map, &items[i]));
        }
    }
}

static void pointers_behave_as_a_set(void **state)
{
    struct ih_ptrmap map = {0};
    uint32_t count = 0;
    uint32_t seed = 5;

    (void)state;
    make_items();
    assert_null(ih_ptrmap_find(&map, &items[0]));
    for (unsigned i = 0; i < 60000; i++) {
        struct item *item;
        void **value;

        seed = seed * 1664525u + 1013904223u;
        /* The set swings between none and many. */
        item = &items[(seed >> 8) % (i / 5000 % 2 ? 40 : 3000)];
        value = ih_ptrmap_find(&map, item);
        assert_int_equal(value != NULL, item->in);
        if (value)
            assert_ptr_equal(*value, item->key);
        if (item->in)
            ih_ptrmap_remove(&map, item);
        else
            assert_int_equal(ih_ptrmap_insert(&map, item, item->key), 0);
        count += item->in ? UINT32_MAX : 1;
        item->in = !item->in;
        assert_int_equal(map.count, count);
    }
    for (unsigned i = 0; i < ITEMS; i++)
        ih_ptrmap_remove(&map, &items[i]);
    assert_int_equal(map.count, 0);
    assert_int_equal(map.cap, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(behaves_as_a_set_of_keys),
        cmocka_unit_test(a_walk_may_remove),
        cmocka_unit_test(keys_in_one_bucket_are_told_apart),
        cmocka_unit_test(pointers_behave_as_a_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
