/* small.c - error, alloc, list, clock, log: a few tests each. */
#include "support.h"
#include "util/alloc.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/list.h"
#include "util/log.h"
#include "util/str.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

GN_SUITE(error);
GN_SUITE(alloc);
GN_SUITE(list);
GN_SUITE(clock);
GN_SUITE(log);
GN_SUITE(assertion);

struct item {
    int value;
    struct gn_list node;
};

struct catcher {
    struct gn_log log;
    int lines;
    enum gn_level level;
    char component[32], fields[64], text[128 * 1024];
};

static void catch_line(struct gn_log *log, enum gn_level level, const char *component,
                       const struct gn_log_field *fields, size_t field_count, const char *text)
{
    struct catcher *c = GN_CONTAINER(log, struct catcher, log);
    c->lines++;
    c->level = level;
    snprintf(c->component, sizeof(c->component), "%s", component);
    snprintf(c->text, sizeof(c->text), "%s", text);
    c->fields[0] = '\0';
    for (size_t i = 0; i < field_count; i++) {
        size_t len = strlen(c->fields);
        snprintf(c->fields + len, sizeof(c->fields) - len, "%s=%s;", fields[i].key,
                 fields[i].value);
    }
}

Test(error, set_and_prefix_read_from_the_outside_in)
{
    struct gn_error err = {0};
    cr_assert_eq(gn_error_set(&err, GN_EINVAL, "argument %s: not a number", "times"), GN_EINVAL);
    gn_error_prefix(&err, "tool %s: ", "greet");
    gn_error_prefix(&err, "plugin %s: ", "hello");
    cr_assert_str_eq(err.text, "plugin hello: tool greet: argument times: not a number");
    cr_assert_eq(err.code, GN_EINVAL);
    cr_assert_eq(gn_error_set(&err, GN_EPROTO, "again: %s", err.text), GN_EPROTO);
    cr_assert_str_eq(err.text, "again: plugin hello: tool greet: argument times: not a number");
}

Test(error, null_is_accepted)
{
    cr_assert_eq(gn_error_set(NULL, GN_ENOENT, "nobody reads %d", 1), GN_ENOENT);
    gn_error_prefix(NULL, "x");
}

Test(error, long_messages_are_cut_between_characters)
{
    char euros[3 * 1000 + 1];
    for (size_t i = 0; i < 1000; i++)
        memcpy(euros + 3 * i, "\xE2\x82\xAC", 3);
    euros[3000] = '\0';
    struct gn_error err = {0};
    for (int pad = 0; pad < 4; pad++) {
        gn_error_set(&err, GN_EINVAL, "%.*s%s", pad, "xxx", euros);
        cr_assert_gt(strlen(err.text), GN_ERROR_MAX - 5);
        cr_assert(gn_utf8_valid(err.text, strlen(err.text)));
        gn_error_prefix(&err, "%.*s%s: ", pad, "xxx", "before");
        cr_assert(gn_utf8_valid(err.text, strlen(err.text)));
        cr_assert_gt(strlen(err.text), GN_ERROR_MAX - 5);
    }
    gn_error_prefix(&err, "%s", euros);
    cr_assert(gn_utf8_valid(err.text, strlen(err.text)));
}

Test(alloc, copies_and_formats)
{
    cr_assert_null(gn_strdup(NULL));
    GN_AUTO_FREE char *a = gn_strdup("abc");
    GN_AUTO_FREE char *b = gn_strndup("abcdef", 2);
    GN_AUTO_FREE char *c = gn_format("%s/%d", a, 7);
    cr_assert_str_eq(c, "abc/7");
    cr_assert_str_eq(b, "ab");
    GN_AUTO_FREE int *numbers = gn_calloc(10, sizeof(int));
    numbers = gn_reallocarray(numbers, 20, sizeof(int));
    cr_assert_eq(numbers[9], 0);
    gn_free(gn_malloc(0));
}

Test(alloc, overflowing_array_ends_the_process, .signal = SIGABRT)
{
    gn_reallocarray(NULL, SIZE_MAX / 2, 4);
}

Test(list, is_taken_whole_and_in_order)
{
    struct gn_list from, head;
    struct item items[3];
    for (int count = 0; count <= 3; count++) {
        gn_list_init(&from);
        for (int i = 0; i < count; i++) {
            items[i].value = i;
            gn_list_append(&from, &items[i].node);
        }
        gn_list_take(&head, &from);
        cr_assert(gn_list_empty(&from));
        for (int i = 0; i < count; i++)
            cr_assert_eq(GN_CONTAINER(gn_list_pop(&head), struct item, node)->value, i);
        cr_assert_null(gn_list_pop(&head));
    }
}

Test(list, keeps_order_and_allows_removal)
{
    struct gn_list head;
    gn_list_init(&head);
    struct item items[5];
    for (int i = 0; i < 5; i++) {
        items[i].value = i;
        gn_list_append(&head, &items[i].node);
    }
    int want = 0;
    GN_LIST_EACH(&head, n) {
        struct item *it = GN_CONTAINER(n, struct item, node);
        cr_assert_eq(it->value, want++);
        if (it->value % 2)
            gn_list_remove(n);
    }
    cr_assert_eq(want, 5);
    gn_list_remove(&items[1].node); /* twice is harmless */
    gn_list_prepend(&head, &items[3].node);
    static const int left[] = {3, 0, 2, 4};
    for (size_t i = 0; i < GN_COUNT(left); i++) {
        struct gn_list *n = gn_list_pop(&head);
        cr_assert_eq(GN_CONTAINER(n, struct item, node)->value, left[i]);
    }
    cr_assert(gn_list_empty(&head));
    cr_assert_null(gn_list_pop(&head));
}

Test(clock, never_goes_back)
{
    uint64_t ms = gn_clock_ms(), us = gn_clock_us();
    cr_assert_geq(us / 1000 + 1, ms);
    cr_assert_geq(gn_clock_ms(), ms);
    cr_assert_gt(gn_wall_ms(), INT64_C(1600000000000));
}

Test(clock, wall_time_is_rfc_3339)
{
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {1, "1970-01-01T00:00:00.001Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {INT64_C(1769860800123), "2026-01-31T12:00:00.123Z"},
        {INT64_MAX, "9999-12-31T23:59:59.999Z"},
        {INT64_MIN, "0000-01-01T00:00:00.000Z"},
    };
    for (size_t i = 0; i < GN_COUNT(cases); i++) {
        char out[32];
        gn_wall_format(cases[i].ms, out);
        cr_assert_str_eq(out, cases[i].text);
    }
}

Test(log, drops_what_is_below_the_level)
{
    static struct catcher c = {.log = {.level = GN_WARNING, .write = catch_line}};
    gn_log(&c.log, GN_NOTICE, "http", "unseen");
    cr_assert_eq(c.lines, 0);
    gn_log(&c.log, GN_WARNING, "http", "seen %d", 1);
    cr_assert_eq(c.lines, 1);
    cr_assert_eq(c.level, GN_WARNING);
    cr_assert_str_eq(c.component, "http");
    cr_assert_str_eq(c.text, "seen 1");
    gn_log(NULL, GN_EMERGENCY, "http", "nobody listens");
}

Test(log, passes_fields)
{
    static struct catcher c = {.log = {.write = catch_line}};
    const char *name = "hello";
    gn_log_with(&c.log, GN_INFO, "plugin", GN_LOG_FIELDS({"plugin", name}, {"generation", "2"}),
                "loaded in %d ms", 5);
    cr_assert_str_eq(c.fields, "plugin=hello;generation=2;");
    cr_assert_str_eq(c.text, "loaded in 5 ms");
}

Test(log, long_lines_are_bounded)
{
    static struct catcher c = {.log = {.write = catch_line}};
    static char text[100 * 1024 + 1];
    memset(text, 'x', sizeof(text) - 1);
    gn_log(&c.log, GN_INFO, "a", "%.*s", 5000, text);
    cr_assert_eq(strlen(c.text), 5000);
    gn_log(&c.log, GN_INFO, "a", "%s", text);
    cr_assert_eq(strlen(c.text), 64 * 1024 - 1);
}

Test(log, levels_have_names)
{
    cr_assert_eq(gn_level_parse("debug"), GN_DEBUG);
    cr_assert_eq(gn_level_parse("emergency"), GN_EMERGENCY);
    cr_assert_eq(gn_level_parse("fatal"), -1);
    cr_assert_eq(gn_level_parse(NULL), -1);
    cr_assert_str_eq(gn_level_names[GN_WARNING], "warning");
}

Test(assertion, failure_aborts, .signal = SIGABRT)
{
    struct {
        uint32_t magic;
    } object = {1};
    GN_CHECK(&object, 2u);
}
