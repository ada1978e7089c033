/* Unit tests of lists: their pages, and what is kept of them. */
#include "fake.h"

#include "support.h"

#include "util/alloc.h"
#include "util/str.h"

#include <criterion/criterion.h>
#include <string.h>

GN_SUITE(client_lists);

#define ALL "{\"tools\":{},\"resources\":{},\"prompts\":{}}"

static struct fake f;

static void begin(gantry_client_options *options)
{
    fake_open(&f, options);
    fake_discover(&f, ALL);
}

static gantry_request *list(gantry_list_kind kind)
{
    return gantry_client_list(f.client, kind, NULL);
}

static void end(gantry_request *r)
{
    gantry_request_free(r);
    fake_close(&f);
}

Test(client_lists, joins_all_pages_in_their_order)
{
    begin(GANTRY_CLIENT_OPTIONS(.max_cache = SIZE_MAX));
    gantry_request *r = list(GANTRY_LIST_TOOLS);
    fake_next(&f, "tools/list");
    cr_assert_null(gn_json_get(f.m.params, "cursor"));
    fake_result(&f, "{\"resultType\":\"complete\",\"_meta\":{\"a\":1},\"tools\":[{\"name\":\"a\"},"
                    "{\"name\":\"b\"}],\"nextCursor\":\"2\",\"ttlMs\":60000,"
                    "\"cacheScope\":\"public\"}");
    fake_next(&f, "tools/list");
    cr_assert_str_eq(fake_param(&f, "/cursor"), "2");
    fake_result(&f, "{\"tools\":[],\"nextCursor\":\"\",\"ttlMs\":60000,\"cacheScope\":\"public\"}");
    fake_next(&f, "tools/list");
    cr_assert_str_eq(fake_param(&f, "/cursor"), "", "an empty cursor is one");
    fake_result(&f, "{\"tools\":[{\"name\":\"c\"}],\"_meta\":{\"b\":1},\"ttlMs\":5000,"
                    "\"cacheScope\":\"public\",\"nextCursor\":null}");
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    const gantry_json *v = gantry_request_result(r);
    cr_assert_eq(gantry_read_count(v, "/tools"), 3);
    cr_assert_str_eq(gantry_read_text(v, "/tools/0/name"), "a");
    cr_assert_str_eq(gantry_read_text(v, "/tools/2/name"), "c");
    cr_assert_eq(gantry_read_int(v, "/_meta/a", 0), 1);
    cr_assert_null(gantry_read(v, "/_meta/b"));
    cr_assert_null(gantry_read(v, "/nextCursor"));
    cr_assert_str_eq(gantry_read_text(v, "/resultType"), "complete");
    cr_assert_str_eq(gantry_read_text(v, "/cacheScope"), "public");
    cr_assert_leq(gantry_read_int(v, "/ttlMs", -1), 5000, "stale as soon as one of them is");
    cr_assert_geq(gantry_read_int(v, "/ttlMs", -1), 0);
    end(r);
}

Test(client_lists, gives_a_single_page_as_it_came)
{
    begin(GANTRY_CLIENT_OPTIONS(.name = NULL));
    gantry_request *r = list(GANTRY_LIST_TEMPLATES);
    fake_next(&f, "resources/templates/list");
    fake_result(&f, "{\"resourceTemplates\":[{\"uriTemplate\":\"x://{a}\"}],\"x\":1}");
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    cr_assert_eq(gantry_read_int(gantry_request_result(r), "/x", 0), 1);
    cr_assert_null(gantry_read(gantry_request_result(r), "/ttlMs"));
    end(r);
}

Test(client_lists, repeats_cursors_exactly)
{
    begin(GANTRY_CLIENT_OPTIONS(.name = NULL));
    gantry_request *r = list(GANTRY_LIST_PROMPTS);
    fake_next(&f, "prompts/list");
    fake_result(&f,
                "{\"prompts\":[],\"nextCursor\":\"a\\\"\\\\\\u0000\\n\\u00e9 \\ud83d\\ude00\"}");
    fake_next(&f, "prompts/list");
    size_t size;
    const char *cursor = gantry_read_bytes(f.m.params, "/cursor", &size);
    cr_assert_eq(size, 12);
    cr_assert_eq(memcmp(cursor, "a\"\\\0\n\303\251 \360\237\230\200", 12), 0);
    fake_result(&f, "{\"prompts\":[]}");
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    end(r);
}

Test(client_lists, ends_when_a_cursor_comes_twice)
{
    begin(GANTRY_CLIENT_OPTIONS(.name = NULL));
    gantry_request *r = list(GANTRY_LIST_TOOLS);
    static const char *const cursors[] = {"a", "b", "a"};
    for (size_t i = 0; i < 3; i++) {
        GN_AUTO_FREE char *text = gn_format("{\"tools\":[],\"nextCursor\":\"%s\"}", cursors[i]);
        fake_next(&f, "tools/list");
        fake_result(&f, text);
    }
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_PROTOCOL);
    cr_assert(strstr(gantry_request_message(r), "circles"));
    cr_assert_null(gantry_request_result(r));
    fake_nothing(&f);
    end(r);
}

Test(client_lists, ends_at_the_limits_of_pages_and_bytes)
{
    begin(GANTRY_CLIENT_OPTIONS(.max_pages = 3, .max_message = 4096));
    gantry_request *r = list(GANTRY_LIST_TOOLS);
    for (int i = 0; i < 3; i++) {
        GN_AUTO_FREE char *text = gn_format("{\"tools\":[],\"nextCursor\":\"%d\"}", i);
        fake_next(&f, "tools/list");
        fake_result(&f, text);
    }
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_LIMIT);
    gantry_request_free(r);
    for (int big = 0; big < 2; big++) { /* large tools, large cursors */
        r = list(GANTRY_LIST_TOOLS);
        for (int i = 0; i < 2; i++) {
            GN_AUTO_FREE char *text = gn_format(
                "{\"tools\":[{\"name\":\"%0*d\"}],\"nextCursor\":\"%0*d\"}", big ? 1 : 2500, i,
                big ? 2500 : 1, i);
            fake_next(&f, "tools/list");
            fake_result(&f, text);
        }
        cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_LIMIT);
        cr_assert(strstr(gantry_request_message(r), "4096"));
        gantry_request_free(r);
    }
    fake_close(&f);
}

Test(client_lists, begins_once_more_when_a_cursor_is_unknown)
{
    begin(GANTRY_CLIENT_OPTIONS(.name = NULL));
    gantry_request *r = list(GANTRY_LIST_RESOURCES);
    fake_next(&f, "resources/list");
    fake_result(&f, "{\"resources\":[{\"uri\":\"x:old\"}],\"nextCursor\":\"2\"}");
    fake_next(&f, "resources/list");
    fake_error(&f, -32602, "unknown cursor", NULL);
    fake_next(&f, "resources/list");
    cr_assert_null(gn_json_get(f.m.params, "cursor"));
    fake_result(&f, "{\"resources\":[{\"uri\":\"x:new\"}],\"nextCursor\":\"2\"}");
    fake_next(&f, "resources/list");
    cr_assert_str_eq(fake_param(&f, "/cursor"), "2");
    fake_result(&f, "{\"resources\":[]}");
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    cr_assert_eq(gantry_read_count(gantry_request_result(r), "/resources"), 1);
    cr_assert_str_eq(gantry_read_text(gantry_request_result(r), "/resources/0/uri"), "x:new");
    gantry_request_free(r);
    r = list(GANTRY_LIST_RESOURCES);
    for (int i = 0; i < 2; i++) {
        fake_next(&f, "resources/list");
        fake_result(&f, "{\"resources\":[],\"nextCursor\":\"2\"}");
        fake_next(&f, "resources/list");
        fake_error(&f, -32602, "unknown cursor", NULL);
    }
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_ERROR);
    cr_assert_eq(gantry_request_error_code(r), -32602);
    fake_nothing(&f);
    end(r);
}

Test(client_lists, refuses_answers_that_are_no_lists)
{
    static const char *const wrong[] = {
        "{}",
        "{\"tools\":{}}",
        "{\"tools\":null}",
        "{\"prompts\":[]}",
        "{\"tools\":[],\"nextCursor\":7}",
        "{\"tools\":[],\"nextCursor\":{\"a\":[]}}",
    };
    begin(GANTRY_CLIENT_OPTIONS(.name = NULL));
    for (size_t i = 0; i < GN_COUNT(wrong); i++) {
        gantry_request *r = list(GANTRY_LIST_TOOLS);
        fake_next(&f, "tools/list");
        fake_result(&f, wrong[i]);
        cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_PROTOCOL, "%s", wrong[i]);
        gantry_request_free(r);
    }
    fake_close(&f);
}

Test(client_lists, is_empty_without_the_capability)
{
    static const char *const members[] = {"/tools", "/resources", "/resourceTemplates", "/prompts"};
    fake_open(&f, GANTRY_CLIENT_OPTIONS(.name = NULL));
    fake_discover(&f, "{}");
    for (size_t i = 0; i < GN_COUNT(members); i++) {
        gantry_request *r = list((gantry_list_kind)i);
        cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
        cr_assert_eq(gantry_read_type(gantry_request_result(r), members[i]), GANTRY_JSON_IS_ARRAY);
        cr_assert_eq(gantry_read_count(gantry_request_result(r), members[i]), 0);
        gantry_request_free(r);
    }
    gantry_request *r = list(GANTRY_LIST_TASKS);
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_UNSUPPORTED);
    gantry_request_free(r);
    r = list((gantry_list_kind)17);
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_INVALID);
    fake_nothing(&f);
    end(r);
}

Test(client_lists, has_tasks_where_the_server_lists_them)
{
    fake_open(&f, GANTRY_CLIENT_OPTIONS(.name = NULL));
    fake_initialize(&f, "2025-11-25", "{\"tasks\":{\"list\":{}}}");
    gantry_request *r = list(GANTRY_LIST_TASKS);
    fake_next(&f, "tasks/list");
    fake_result(&f, "{\"tasks\":[{\"taskId\":\"1\"}]}");
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    gantry_request_free(r);
    fake_close(&f);
    fake_open(&f, GANTRY_CLIENT_OPTIONS(.name = NULL));
    fake_initialize(&f, "2025-11-25", "{\"tasks\":{}}");
    r = list(GANTRY_LIST_TASKS);
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_UNSUPPORTED);
    end(r);
}

Test(client_lists, takes_a_server_without_templates_for_one_that_has_none)
{
    begin(GANTRY_CLIENT_OPTIONS(.name = NULL));
    gantry_request *r = list(GANTRY_LIST_TEMPLATES);
    fake_next(&f, "resources/templates/list");
    fake_error(&f, -32601, "Method not found", NULL);
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    cr_assert_eq(gantry_read_type(gantry_request_result(r), "/resourceTemplates"),
                 GANTRY_JSON_IS_ARRAY);
    gantry_request_free(r);
    r = list(GANTRY_LIST_RESOURCES);
    fake_next(&f, "resources/list");
    fake_error(&f, -32601, "Method not found", NULL);
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_ERROR);
    end(r);
}

Test(client_lists, may_be_cancelled_between_pages)
{
    begin(GANTRY_CLIENT_OPTIONS(.name = NULL));
    gantry_request *r = list(GANTRY_LIST_TOOLS);
    fake_next(&f, "tools/list");
    fake_result(&f, "{\"tools\":[{\"name\":\"a\"}],\"nextCursor\":\"2\"}");
    fake_next(&f, "tools/list");
    gantry_request_cancel(r, NULL);
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_CANCELLED);
    fake_next(&f, "notifications/cancelled");
    end(r);
}

Test(client_lists, goes_on_over_another_connection)
{
    begin(GANTRY_CLIENT_OPTIONS(.backoff_ms = 1));
    gantry_request *r = list(GANTRY_LIST_TOOLS);
    fake_next(&f, "tools/list");
    fake_result(&f, "{\"tools\":[{\"name\":\"a\"}],\"nextCursor\":\"2\"}");
    fake_next(&f, "tools/list");
    fake_loses(&f, true);
    fake_next(&f, "server/discover");
    fake_result(&f, "{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":" ALL "}");
    fake_next(&f, "tools/list");
    cr_assert_str_eq(fake_param(&f, "/cursor"), "2");
    fake_error(&f, -32602, "unknown cursor", NULL);
    fake_next(&f, "tools/list");
    fake_result(&f, "{\"tools\":[{\"name\":\"b\"}]}");
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    cr_assert_eq(gantry_read_count(gantry_request_result(r), "/tools"), 1);
    end(r);
}

Test(client_lists, of_a_hundred_thousand_tools_are_joined)
{
    begin(GANTRY_CLIENT_OPTIONS(.name = NULL));
    gantry_request *r = list(GANTRY_LIST_TOOLS);
    for (int page = 0; page < 100; page++) {
        struct gn_buf text = GN_BUF_INIT(SIZE_MAX / 2);
        gn_buf_adds(&text, "{\"tools\":[");
        for (int i = 0; i < 1000; i++)
            gn_buf_addf(&text,
                        "%s{\"name\":\"t%d\",\"description\":\"d\",\"inputSchema\":{\"type\":"
                        "\"object\",\"properties\":{\"a\":{\"type\":\"string\"}}}}",
                        i ? "," : "", page * 1000 + i);
        gn_buf_addc(&text, ']');
        if (page < 99)
            gn_buf_addf(&text, ",\"nextCursor\":\"%d\"", page);
        gn_buf_addc(&text, '}');
        fake_next(&f, "tools/list");
        fake_result(&f, gn_buf_str(&text));
        gn_buf_release(&text);
    }
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    cr_assert_eq(gantry_read_count(gantry_request_result(r), "/tools"), 100000);
    end(r);
}
