/* map.c - the hash map. */
#include "util/map.h"

#include "support.h"
#include "util/alloc.h"

#include <stdio.h>
#include <string.h>

GN_SUITE(map);

static int freed;

static void count_free(void *value)
{
    freed++;
    gn_free(value);
}

Test(map, finds_what_was_put)
{
    struct gn_map m;
    gn_map_init(&m);
    int one = 1, two = 2;
    cr_assert_null(gn_map_find(&m, "one"));
    cr_assert_null(gn_map_put(&m, "one", &one));
    cr_assert_eq(gn_map_find(&m, "one"), &one);
    cr_assert_eq(gn_map_put(&m, "one", &two), &one);
    cr_assert_eq(gn_map_find(&m, "one"), &two);
    cr_assert_eq(m.count, 1);
    cr_assert_eq(gn_map_remove(&m, "one"), &two);
    cr_assert_null(gn_map_remove(&m, "one"));
    cr_assert_eq(m.count, 0);
    gn_map_release(&m, NULL);
}

Test(map, keys_are_bytes)
{
    struct gn_map m;
    gn_map_init(&m);
    int a = 0, b = 0, c = 0;
    gn_map_putn(&m, "x\0y", 3, &a);
    gn_map_putn(&m, "x", 1, &b);
    gn_map_putn(&m, "", 0, &c);
    cr_assert_eq(gn_map_findn(&m, "x\0y", 3), &a);
    cr_assert_eq(gn_map_find(&m, "x"), &b);
    cr_assert_eq(gn_map_find(&m, ""), &c);
    cr_assert_null(gn_map_findn(&m, "x\0", 2));
    gn_map_release(&m, NULL);
}

Test(map, keeps_no_memory_of_what_is_gone)
{
    struct gn_map m;
    gn_map_init(&m);
    int value = 1;
    char key[32];
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof(key), "key %d", i);
        gn_map_put(&m, key, &value);
    }
    size_t most = m.cap;
    for (int i = 10; i < 5000; i++) {
        snprintf(key, sizeof(key), "key %d", i);
        cr_assert_eq(gn_map_remove(&m, key), &value);
    }
    for (int i = 5000; m.cap == most; i++) { /* graves are reused, until a rehash is due */
        cr_assert_lt(i, 50000);
        snprintf(key, sizeof(key), "key %d", i);
        gn_map_put(&m, key, &value);
        gn_map_remove(&m, key);
    }
    cr_assert_leq(m.cap, 64);
    for (int i = 0; i < 10; i++) {
        snprintf(key, sizeof(key), "key %d", i);
        cr_assert_eq(gn_map_find(&m, key), &value);
    }
    gn_map_release(&m, NULL);
}

Test(map, gives_its_table_back_when_the_last_is_removed_in_a_walk)
{
    struct gn_map m;
    gn_map_init(&m);
    int value = 1;
    char name[32];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 1000; i++) {
            snprintf(name, sizeof(name), "key %d", i);
            gn_map_put(&m, name, &value);
        }
        size_t at = 0, walked = 0;
        const char *key;
        void *found;
        while (gn_map_next(&m, &at, &key, &found)) {
            snprintf(name, sizeof(name), "%s", key);
            cr_assert_eq(gn_map_remove(&m, name), found);
            walked++;
        }
        cr_assert_eq(walked, 1000);
        cr_assert_eq(m.cap, 0);
        cr_assert_null(gn_map_find(&m, "key 1"));
        cr_assert_null(gn_map_remove(&m, "key 1"));
    }
    gn_map_release(&m, NULL);
}

Test(map, survives_growth_and_churn)
{
    struct gn_map m;
    gn_map_init(&m);
    static int values[5000];
    char key[32];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 5000; i++) {
            snprintf(key, sizeof(key), "key %d", i);
            cr_assert_null(gn_map_put(&m, key, &values[i]));
        }
        for (int i = 0; i < 5000; i++) {
            snprintf(key, sizeof(key), "key %d", i);
            cr_assert_eq(gn_map_find(&m, key), &values[i]);
            cr_assert_eq(gn_map_remove(&m, key), &values[i]);
        }
        cr_assert_eq(m.count, 0);
    }
    /* Graves are swept: a small map that changes for ever stays small. */
    struct gn_map small;
    gn_map_init(&small);
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof(key), "key %d", i);
        gn_map_put(&small, key, &values[i]);
        gn_map_remove(&small, key);
    }
    cr_assert_leq(small.cap, 16);
    gn_map_release(&small, NULL);
    gn_map_release(&m, NULL);
}

Test(map, walk_visits_each_once_and_may_remove)
{
    struct gn_map m;
    gn_map_init(&m);
    int seen[50] = {0};
    char key[32];
    for (int i = 0; i < 50; i++) {
        snprintf(key, sizeof(key), "%d", i);
        gn_map_put(&m, key, &seen[i]);
    }
    size_t at = 0;
    const char *name;
    void *value;
    while (gn_map_next(&m, &at, &name, &value)) {
        ++*(int *)value;
        cr_assert_eq(gn_map_remove(&m, name), value);
    }
    for (int i = 0; i < 50; i++)
        cr_assert_eq(seen[i], 1);
    cr_assert_eq(m.count, 0);
    gn_map_release(&m, NULL);
}

Test(map, release_frees_values)
{
    struct gn_map m = {0};
    gn_map_put(&m, "a", gn_strdup("1"));
    gn_map_put(&m, "b", gn_strdup("2"));
    gn_free(gn_map_remove(&m, "a"));
    gn_map_release(&m, count_free);
    cr_assert_eq(freed, 1);
    gn_map_release(&m, count_free);
    cr_assert_eq(freed, 1);
}
