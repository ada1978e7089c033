/* Unit tests of state across calls: who finds what, limits, age, what goes first. */
#include "call/store.h"

#include "stage.h"
#include "support.h"
#include "util/alloc.h"
#include "util/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

GN_SUITE(store);

#define FOR_EVER 3600000u

static struct stage stage;
static struct gn_store *store;

static void open_store(struct gn_store_limits limits)
{
    stage_open(&stage);
    store = gn_store_new(stage.loop, &limits);
}

static void close_store(void)
{
    gn_store_free(store);
    stage_close(&stage);
}

static struct gn_store_limits roomy(void)
{
    return (struct gn_store_limits){
        .max_handles = 10, .max_bytes = 1000, .max_total = 100000, .max_age_ms = FOR_EVER};
}

static int set(const char *handle, const char *principal, const char *key, const char *json)
{
    struct gn_store_place place = {.handle = handle, .principal = principal};
    return gn_store_set(store, &place, key, json, strlen(json));
}

/* "" where it is not there. */
static const char *get(const char *handle, const char *principal, const char *key)
{
    struct gn_store_place place = {.handle = handle, .principal = principal};
    const char *json;
    size_t len;
    if (gn_store_get(store, &place, key, &json, &len) != GN_OK)
        return "";
    cr_assert_eq(strlen(json), len);
    return json;
}

static struct gn_store_stats stats(void)
{
    struct gn_store_stats s;
    gn_store_stats(store, &s);
    return s;
}

Test(store, keeps_values_by_handle_and_key)
{
    open_store(roomy());
    char one[GN_STORE_HANDLE], two[GN_STORE_HANDLE];
    cr_assert_eq(gn_store_mint(store, NULL, one), GN_OK);
    cr_assert_eq(gn_store_mint(store, NULL, two), GN_OK);
    cr_assert_eq(strlen(one), 43);
    cr_assert_str_neq(one, two);
    cr_assert_eq(set(one, NULL, "a", "1"), GN_OK);
    cr_assert_eq(set(one, NULL, "b", "[2]"), GN_OK);
    cr_assert_eq(set(two, NULL, "a", "3"), GN_OK);
    cr_assert_eq(set(one, NULL, "a", "\"more\""), GN_OK);
    cr_assert_str_eq(get(one, NULL, "a"), "\"more\"");
    cr_assert_str_eq(get(one, NULL, "b"), "[2]");
    cr_assert_str_eq(get(two, NULL, "a"), "3");
    cr_assert_str_eq(get(two, NULL, "b"), "");
    struct gn_store_place place = {.handle = one};
    cr_assert_eq(gn_store_delete(store, &place, "a"), GN_OK);
    cr_assert_eq(gn_store_delete(store, &place, "a"), GN_ENOENT);
    cr_assert_eq(gn_store_delete(store, &place, NULL), GN_OK);
    cr_assert_eq(gn_store_delete(store, &place, NULL), GN_ENOENT);
    cr_assert_str_eq(get(two, NULL, "a"), "3");
    cr_assert_eq(stats().handles, 1);
    cr_assert_eq(stats().bytes, GN_STORE_ENTRY_COST + 2);
    close_store();
}

Test(store, shows_nobody_what_is_anothers)
{
    open_store(roomy());
    char handle[GN_STORE_HANDLE];
    cr_assert_eq(gn_store_mint(store, "ada", handle), GN_OK);
    cr_assert_eq(set(handle, "ada", "a", "1"), GN_OK);
    cr_assert_eq(set(handle, "bob", "a", "2"), GN_ENOENT);
    cr_assert_eq(set(handle, NULL, "a", "2"), GN_ENOENT);
    cr_assert_str_eq(get(handle, "bob", "a"), "");
    cr_assert_str_eq(get(handle, NULL, "a"), "");
    struct gn_store_place place = {.handle = handle, .principal = "bob"};
    cr_assert_eq(gn_store_delete(store, &place, NULL), GN_ENOENT);
    cr_assert_str_eq(get(handle, "ada", "a"), "1");
    cr_assert_eq(set("made-up", "ada", "a", "1"), GN_ENOENT);
    cr_assert_eq(set("", "ada", "a", "1"), GN_ENOENT);
    close_store();
}

Test(store, ends_the_state_of_a_session_with_it)
{
    open_store(roomy());
    struct gn_store_place place = {.session = "s1", .principal = "ada"};
    struct gn_store_place other = {.session = "s1", .principal = "bob"};
    struct gn_store_place none = {.principal = "ada"};
    const char *json;
    size_t len;
    cr_assert_eq(gn_store_set(store, &none, "a", "1", 1), GN_ENOTSUP);
    cr_assert_eq(gn_store_set(store, &place, "a", "1", 1), GN_ENOENT);
    gn_store_add_session(store, "s1", "ada");
    gn_store_add_session(store, "s1", "ada");
    cr_assert_eq(gn_store_set(store, &place, "a", "1", 1), GN_OK);
    cr_assert_eq(gn_store_get(store, &other, "a", &json, &len), GN_ENOENT);
    cr_assert_eq(gn_store_delete(store, &place, NULL), GN_OK); /* the values, not the session */
    cr_assert_eq(gn_store_set(store, &place, "a", "2", 1), GN_OK);
    cr_assert_str_eq(get("s1", "ada", "a"), ""); /* its key is no handle */
    gn_store_drop_session(store, "s1");
    gn_store_drop_session(store, "s1");
    cr_assert_eq(gn_store_set(store, &place, "a", "3", 1), GN_ENOENT);
    cr_assert_eq(stats().bytes, 0);
    cr_assert_eq(stats().sessions, 0);
    close_store();
}

Test(store, does_without_a_store)
{
    char handle[GN_STORE_HANDLE];
    struct gn_store_place place = {.handle = "x", .session = "y"};
    const char *json;
    size_t len;
    cr_assert_eq(gn_store_mint(NULL, NULL, handle), GN_ENOTSUP);
    cr_assert_eq(gn_store_set(NULL, &place, "a", "1", 1), GN_ENOTSUP);
    cr_assert_eq(gn_store_get(NULL, &place, "a", &json, &len), GN_ENOTSUP);
    cr_assert_eq(gn_store_delete(NULL, &place, NULL), GN_ENOTSUP);
    gn_store_add_session(NULL, "s", NULL);
    gn_store_drop_session(NULL, "s");
    gn_store_free(NULL);
}

Test(store, bounds_keys_and_the_bytes_of_a_place)
{
    open_store(roomy());
    char handle[GN_STORE_HANDLE], key[GN_STORE_KEY_MAX + 2], large[1100];
    cr_assert_eq(gn_store_mint(store, NULL, handle), GN_OK);
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    cr_assert_eq(set(handle, NULL, key, "1"), GN_EINVAL);
    cr_assert_eq(set(handle, NULL, "", "1"), GN_EINVAL);
    key[GN_STORE_KEY_MAX] = '\0';
    cr_assert_eq(set(handle, NULL, key, "1"), GN_OK);
    struct gn_store_place place = {.handle = handle};
    cr_assert_eq(gn_store_delete(store, &place, key), GN_OK);
    memset(large, '1', sizeof large);
    large[1000 - 1 - GN_STORE_ENTRY_COST] = '\0';
    cr_assert_eq(set(handle, NULL, "a", large), GN_OK);
    cr_assert_eq(stats().bytes, 1000);
    cr_assert_eq(set(handle, NULL, "b", "1"), GN_ETOOBIG);
    large[1000 - 1 - GN_STORE_ENTRY_COST] = '1';
    large[1000 - GN_STORE_ENTRY_COST] = '\0';
    cr_assert_eq(set(handle, NULL, "a", large), GN_ETOOBIG);
    cr_assert_eq(strlen(get(handle, NULL, "a")), 999 - GN_STORE_ENTRY_COST); /* what was there */
    cr_assert_eq(set(handle, NULL, "a", "1"), GN_OK);
    cr_assert_eq(set(handle, NULL, "b", "1"), GN_OK);
    close_store();
}

Test(store, refuses_newcomers_while_all_is_in_use)
{
    struct gn_store_limits limits = roomy();
    limits.max_handles = 2;
    limits.max_total = 2 * (GN_STORE_ENTRY_COST + 2);
    open_store(limits);
    char one[GN_STORE_HANDLE], two[GN_STORE_HANDLE], three[GN_STORE_HANDLE];
    cr_assert_eq(gn_store_mint(store, NULL, one), GN_OK);
    cr_assert_eq(gn_store_mint(store, NULL, two), GN_OK);
    cr_assert_eq(gn_store_mint(store, NULL, three), GN_EBUSY);
    cr_assert_eq(set(one, NULL, "a", "1"), GN_OK);
    cr_assert_eq(set(two, NULL, "a", "1"), GN_OK);
    cr_assert_eq(set(two, NULL, "b", "1"), GN_EBUSY);
    cr_assert_eq(set(two, NULL, "a", "2"), GN_OK);
    cr_assert_str_eq(get(one, NULL, "a"), "1");
    cr_assert_eq(stats().evicted, 0);
    close_store();
}

/* Lets so much time pass that what was used until now counts as idle. */
static void let_pass(uint64_t ms)
{
    uint64_t end = gn_clock_ms() + ms;
    while (gn_clock_ms() <= end)
        uv_run(&stage.uv, UV_RUN_NOWAIT);
}

Test(store, gives_up_what_was_not_used_for_the_longest_time)
{
    struct gn_store_limits limits = roomy();
    limits.max_handles = 2;
    limits.in_use_ms = 1;
    open_store(limits);
    char one[GN_STORE_HANDLE], two[GN_STORE_HANDLE], three[GN_STORE_HANDLE];
    cr_assert_eq(gn_store_mint(store, NULL, one), GN_OK);
    cr_assert_eq(gn_store_mint(store, NULL, two), GN_OK);
    cr_assert_eq(set(two, NULL, "a", "2"), GN_OK);
    cr_assert_eq(set(one, NULL, "a", "1"), GN_OK); /* the last one used */
    let_pass(5);
    cr_assert_eq(gn_store_mint(store, NULL, three), GN_OK);
    cr_assert_str_eq(get(two, NULL, "a"), "");
    cr_assert_str_eq(get(one, NULL, "a"), "1");
    cr_assert_eq(stats().evicted, 1);
    cr_assert_eq(stats().handles, 2);
    close_store();
}

Test(store, makes_room_among_handles_and_not_sessions)
{
    struct gn_store_limits limits = roomy();
    limits.in_use_ms = 1;
    limits.max_total = 2 * (GN_STORE_ENTRY_COST + 2);
    open_store(limits);
    char one[GN_STORE_HANDLE], two[GN_STORE_HANDLE];
    struct gn_store_place session = {.session = "s"};
    const char *json;
    size_t len;
    gn_store_add_session(store, "s", NULL);
    cr_assert_eq(gn_store_set(store, &session, "a", "1", 1), GN_OK);
    cr_assert_eq(gn_store_mint(store, NULL, one), GN_OK);
    cr_assert_eq(set(one, NULL, "a", "1"), GN_OK);
    let_pass(5);
    cr_assert_eq(gn_store_mint(store, NULL, two), GN_OK);
    cr_assert_eq(set(two, NULL, "a", "2"), GN_OK);
    cr_assert_str_eq(get(one, NULL, "a"), "");
    cr_assert_eq(gn_store_get(store, &session, "a", &json, &len), GN_OK);
    let_pass(5);
    cr_assert_eq(set(two, NULL, "b", "2"), GN_EBUSY); /* nothing else may go */
    cr_assert_str_eq(get(two, NULL, "a"), "2");
    close_store();
}

Test(store, ends_what_is_too_old)
{
    struct gn_store_limits limits = roomy();
    limits.max_age_ms = 50;
    open_store(limits);
    char handle[GN_STORE_HANDLE];
    gn_store_add_session(store, "s", NULL);
    struct gn_store_place session = {.session = "s"};
    cr_assert_eq(gn_store_set(store, &session, "a", "1", 1), GN_OK);
    cr_assert_eq(gn_store_mint(store, NULL, handle), GN_OK);
    uint64_t deadline = gn_clock_ms() + STAGE_DEADLINE_MS;
    while (stats().expired == 0) { /* by itself */
        cr_assert_lt(gn_clock_ms(), deadline);
        uv_run(&stage.uv, UV_RUN_ONCE);
    }
    cr_assert_eq(set(handle, NULL, "a", "1"), GN_ENOENT);
    cr_assert_eq(stats().handles, 0);
    cr_assert_eq(stats().sessions, 1);
    const char *json;
    size_t len;
    cr_assert_eq(gn_store_get(store, &session, "a", &json, &len), GN_OK);
    close_store();
}

Test(store, takes_smaller_limits_while_it_runs)
{
    open_store(roomy());
    char one[GN_STORE_HANDLE], two[GN_STORE_HANDLE];
    cr_assert_eq(gn_store_mint(store, NULL, one), GN_OK);
    cr_assert_eq(set(one, NULL, "a", "12345"), GN_OK);
    struct gn_store_limits limits = roomy();
    limits.max_handles = 1;
    limits.max_bytes = 10;
    gn_store_configure(store, &limits);
    cr_assert_eq(gn_store_mint(store, NULL, two), GN_EBUSY);
    cr_assert_str_eq(get(one, NULL, "a"), "12345");
    cr_assert_eq(set(one, NULL, "a", "1"), GN_ETOOBIG);
    limits.max_age_ms = 1;
    gn_store_configure(store, &limits);
    let_pass(5);
    cr_assert_eq(gn_store_mint(store, NULL, two), GN_OK);
    cr_assert_eq(stats().expired, 1);
    close_store();
}
