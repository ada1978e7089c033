/* Unit tests of arguments that are mirrored in headers. */
#include "fake.h"

#include "support.h"

#include "util/alloc.h"
#include "util/str.h"

#include <criterion/criterion.h>
#include <string.h>

GN_SUITE(client_param_headers);

#define CAPABILITIES "{\"tools\":{\"listChanged\":true}}"
#define REGION "{\"type\":\"string\",\"x-mcp-header\":\"Region\"}"

static struct fake f;

static void begin(bool is_http)
{
    memset(&f, 0, sizeof(f));
    f.has_exchanges = is_http;
    fake_open(&f, GANTRY_CLIENT_OPTIONS(.backoff_ms = 1));
    fake_discover(&f, CAPABILITIES);
}

/* Answers a list of one tool, with those properties. */
static void answer_list(const char *properties)
{
    GN_AUTO_FREE char *text = gn_format("{\"tools\":[{\"name\":\"t\",\"inputSchema\":{\"type\":"
                                        "\"object\",\"properties\":%s}}]}",
                                        properties);
    fake_next(&f, "tools/list");
    fake_result(&f, text);
}

/* The tools that a list of one with such a schema has: 1 or 0. */
static size_t list(const char *properties)
{
    gantry_request *r = gantry_client_list(f.client, GANTRY_LIST_TOOLS, NULL);
    answer_list(properties);
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    size_t count = gantry_read_count(gantry_request_result(r), "/tools");
    gantry_request_free(r);
    return count;
}

static gantry_request *call(const char *arguments)
{
    return gantry_client_call_tool(f.client, "t", arguments, NULL);
}

/* The headers of a call, each with a line end. */
static const char *headers_of(const char *arguments)
{
    static char out[4096];
    size_t n = 0;
    gantry_request *r = call(arguments);
    fake_next(&f, "tools/call");
    out[0] = '\0';
    for (char **h = f.param_headers; h && *h; h++)
        n += (size_t)snprintf(out + n, sizeof(out) - n, "%s\n", *h);
    fake_result(&f, "{\"content\":[]}");
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    gantry_request_free(r);
    return out;
}

Test(client_param_headers, mirror_arguments_of_every_type)
{
    begin(true);
    cr_assert_eq(list("{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"},"
                      "\"b\":{\"type\":\"integer\",\"x-mcp-header\":\"B\"},"
                      "\"c\":{\"type\":\"boolean\",\"x-mcp-header\":\"C\"},"
                      "\"d\":{\"type\":\"object\",\"properties\":{\"e\":{\"type\":\"string\","
                      "\"x-mcp-header\":\"E\"}}},\"f\":{\"type\":\"number\"}}"),
                 1);
    cr_assert_str_eq(headers_of("{\"a\":\"x\",\"b\":-7,\"c\":true,\"d\":{\"e\":\"y\"},\"f\":1}"),
                     "Mcp-Param-A: x\nMcp-Param-B: -7\nMcp-Param-C: true\nMcp-Param-E: y\n");
    cr_assert_str_eq(headers_of("{\"a\":null,\"b\":42.0,\"c\":false,\"d\":{}}"),
                     "Mcp-Param-B: 42\nMcp-Param-C: false\n");
    cr_assert_str_eq(headers_of("{}"), "");
    cr_assert_str_eq(headers_of(NULL), "");
    cr_assert_str_eq(headers_of("{\"a\":[\"x\"],\"d\":\"no object\",\"c\":{\"x\":1}}"), "");
    fake_close(&f);
}

Test(client_param_headers, encode_what_a_header_cannot_carry)
{
    begin(true);
    list("{\"a\":" REGION "}");
    cr_assert_str_eq(headers_of("{\"a\":\"Hello, \\u4e16\\u754c\"}"),
                     "Mcp-Param-Region: =?base64?SGVsbG8sIOS4lueVjA==?=\n");
    cr_assert_str_eq(headers_of("{\"a\":\" padded \"}"),
                     "Mcp-Param-Region: =?base64?IHBhZGRlZCA=?=\n");
    cr_assert_str_eq(headers_of("{\"a\":\"line1\\nline2\"}"),
                     "Mcp-Param-Region: =?base64?bGluZTEKbGluZTI=?=\n");
    cr_assert_str_eq(headers_of("{\"a\":\"=?base64?literal?=\"}"),
                     "Mcp-Param-Region: =?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=\n");
    cr_assert_str_eq(headers_of("{\"a\":\"x\\r\\nEvil: yes\"}"),
                     "Mcp-Param-Region: =?base64?eA0KRXZpbDogeWVz?=\n");
    cr_assert_str_eq(headers_of("{\"a\":\"\"}"), "Mcp-Param-Region: =?base64?"
                                                 "?=\n");
    fake_close(&f);
}

Test(client_param_headers, that_are_wrong_leave_the_tool_out)
{
    static const char *const wrong[] = {
        "{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"\"}}",
        "{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"a b\"}}",
        "{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"a\\r\\nb\"}}",
        "{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"\\u00e9\"}}",
        "{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"a\\u0000b\"}}",
        "{\"a\":{\"type\":\"string\",\"x-mcp-header\":7}}",
        "{\"a\":{\"type\":\"number\",\"x-mcp-header\":\"A\"}}",
        "{\"a\":{\"type\":\"object\",\"x-mcp-header\":\"A\"}}",
        "{\"a\":{\"x-mcp-header\":\"A\"}}",
        "{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"},"
        "\"b\":{\"type\":\"string\",\"x-mcp-header\":\"a\"}}",
        "{\"a\":{\"type\":\"array\",\"items\":" REGION "}}",
        "{\"a\":{\"anyOf\":[" REGION "]}}",
        "{\"a\":{\"items\":{\"type\":\"object\",\"properties\":{\"b\":" REGION "}}}}",
        "{\"a\":{\"if\":{\"properties\":{\"b\":" REGION "}}}}",
        "[" REGION "]",
        "{\"a\":{\"properties\":[" REGION "]}}",
    };
    begin(true);
    for (size_t i = 0; i < GN_COUNT(wrong); i++) {
        gn_buf_clear(&f.notes);
        cr_assert_eq(list(wrong[i]), 0, "%s", wrong[i]);
        cr_assert(strstr(gn_buf_str(&f.notes), "\"t\""), "%s", gn_buf_str(&f.notes));
        cr_assert(strstr(gn_buf_str(&f.notes), "x-mcp-header"), "%s", gn_buf_str(&f.notes));
    }
    fake_close(&f);
}

Test(client_param_headers, that_only_look_like_marks_are_none)
{
    static const char *const fine[] = {
        "{\"x-mcp-header\":{\"type\":\"object\"}}",
        "{\"a\":{\"type\":\"object\",\"default\":{\"x-mcp-header\":\"A\"}}}",
        "{\"a\":{\"enum\":[{\"x-mcp-header\":\"A\"}]}}",
        "{\"a\":{\"anyOf\":[{\"properties\":{\"x-mcp-header\":{\"type\":\"string\"}}}]}}",
        "{}",
        "7",
    };
    begin(true);
    for (size_t i = 0; i < GN_COUNT(fine); i++)
        cr_assert_eq(list(fine[i]), 1, "%s", fine[i]);
    fake_close(&f);
}

Test(client_param_headers, leave_the_others_of_a_list_in_it)
{
    begin(true);
    struct gn_buf text = GN_BUF_INIT(64 * 1024);
    gn_buf_adds(&text, "{\"_meta\":{\"x\":1},\"tools\":[{\"name\":\"first\"}");
    for (int i = 0; i < 20; i++)
        gn_buf_addf(&text, ",{\"name\":\"bad%d\",\"inputSchema\":{\"x-mcp-header\":\"X\"}}", i);
    gn_buf_adds(&text, ",{\"name\":\"last\"}],\"y\":2}");
    for (int raw = 0; raw < 2; raw++) { /* also of a page that is asked for by itself */
        gn_buf_clear(&f.notes);
        gantry_request *r = raw ? gantry_client_request(f.client, "tools/list", NULL, NULL)
                                : gantry_client_list(f.client, GANTRY_LIST_TOOLS, NULL);
        fake_next(&f, "tools/list");
        fake_result(&f, gn_buf_str(&text));
        cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
        const gantry_json *v = gantry_request_result(r);
        cr_assert_eq(gantry_read_count(v, "/tools"), 2);
        cr_assert_str_eq(gantry_read_text(v, "/tools/1/name"), "last");
        cr_assert_eq(gantry_read_int(v, "/_meta/x", 0), 1);
        cr_assert_eq(gantry_read_int(v, "/y", 0), 2);
        cr_assert(strstr(gn_buf_str(&f.notes), "12 more tools"));
        gantry_request_free(r);
    }
    gn_buf_release(&text);
    fake_close(&f);
}

Test(client_param_headers, are_of_no_interest_without_http)
{
    begin(false);
    cr_assert_eq(list("{\"a\":{\"type\":\"number\",\"x-mcp-header\":\"A\"}}"), 1);
    cr_assert_eq(list("{\"a\":" REGION "}"), 1);
    cr_assert_str_eq(headers_of("{\"a\":\"x\"}"), "");
    gantry_request *r = call("{\"a\":\"x\"}");
    fake_next(&f, "tools/call");
    fake_error(&f, -32020, "what?", NULL);
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_ERROR);
    gantry_request_free(r);
    fake_close(&f);
    memset(&f, 0, sizeof(f));
    f.has_exchanges = true;
    fake_open(&f, GANTRY_CLIENT_OPTIONS(.name = NULL));
    fake_initialize(&f, "2025-11-25", CAPABILITIES);
    cr_assert_eq(list("{\"a\":{\"type\":\"number\",\"x-mcp-header\":\"A\"}}"), 1);
    fake_close(&f);
}

Test(client_param_headers, hold_no_number_that_loses_digits)
{
    static const char *const wrong[] = {"9007199254740992", "-9007199254740992", "1e400",
                                        "99999999999999999999"};
    begin(true);
    list("{\"a\":{\"type\":\"integer\",\"x-mcp-header\":\"A\"}}");
    cr_assert_str_eq(headers_of("{\"a\":9007199254740991}"), "Mcp-Param-A: 9007199254740991\n");
    for (size_t i = 0; i < GN_COUNT(wrong); i++) {
        GN_AUTO_FREE char *arguments = gn_format("{\"a\":%s}", wrong[i]);
        gantry_request *r = call(arguments);
        cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_INVALID, "%s", wrong[i]);
        cr_assert(strstr(gantry_request_message(r), "Mcp-Param-A"));
        gantry_request_free(r);
    }
    fake_nothing(&f);
    fake_close(&f);
}

Test(client_param_headers, are_learnt_when_the_server_misses_them)
{
    begin(true);
    gantry_request *r = call("{\"a\":\"x\"}"), *other = call("{\"a\":\"y\"}");
    fake_next(&f, "tools/call");
    cr_assert(!f.param_headers || !*f.param_headers);
    fake_error(&f, -32020, "no header", NULL);
    fake_next(&f, "tools/call");
    fake_error(&f, -32020, "no header", NULL);
    answer_list("{\"a\":" REGION "}"); /* once for both */
    fake_next(&f, "tools/call");
    cr_assert_str_eq(f.param_headers[0], "Mcp-Param-Region: x");
    fake_result(&f, "{\"content\":[]}");
    fake_next(&f, "tools/call");
    cr_assert_str_eq(f.param_headers[0], "Mcp-Param-Region: y");
    fake_error(&f, -32020, "still not", NULL); /* once only */
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    cr_assert_eq(fake_wait(&f, other), GANTRY_CLIENT_ERROR);
    cr_assert_str_eq(gantry_request_message(other), "still not");
    fake_nothing(&f);
    gantry_request_free(r);
    gantry_request_free(other);
    fake_close(&f);
}

Test(client_param_headers, that_make_no_difference_end_in_the_error)
{
    begin(true);
    gantry_request *r = call("{\"a\":\"x\"}");
    fake_next(&f, "tools/call");
    fake_error(&f, -32020, "wrong name", "{\"d\":1}");
    answer_list("{\"a\":{\"type\":\"string\"}}");
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_ERROR);
    cr_assert_str_eq(gantry_request_message(r), "wrong name");
    cr_assert_eq(gantry_request_error_code(r), -32020);
    cr_assert_eq(gantry_read_int(gantry_request_error_data(r), "/d", 0), 1);
    gantry_request_free(r);
    r = call("{}");
    fake_next(&f, "tools/call");
    fake_error(&f, -32020, "wrong name", NULL);
    fake_next(&f, "tools/list");
    fake_error(&f, -32603, "cannot list", NULL);
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_ERROR);
    cr_assert_str_eq(gantry_request_message(r), "wrong name");
    gantry_request_free(r);
    fake_close(&f);
}

Test(client_param_headers, may_be_cancelled_while_they_are_learnt)
{
    begin(true);
    gantry_request *r = call("{\"a\":\"x\"}");
    fake_next(&f, "tools/call");
    fake_error(&f, -32020, "no header", NULL);
    fake_next(&f, "tools/list");
    gantry_request_cancel(r, NULL);
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_CANCELLED);
    gantry_request_free(r);
    fake_result(&f, "{\"tools\":[]}");
    fake_nothing(&f);
    r = call("{\"a\":\"x\"}");
    fake_next(&f, "tools/call");
    fake_error(&f, -32020, "no header", NULL);
    fake_next(&f, "tools/list");
    gantry_request_free(r);
    fake_close(&f);
}

Test(client_param_headers, are_forgotten_with_the_list)
{
    begin(true);
    list("{\"a\":" REGION "}");
    cr_assert_str_eq(headers_of("{\"a\":\"x\"}"), "Mcp-Param-Region: x\n");
    gn_cache_changed(f.client, "notifications/tools/list_changed", NULL);
    cr_assert_str_eq(headers_of("{\"a\":\"x\"}"), "");
    list("{\"a\":" REGION "}");
    list("{}"); /* another list */
    cr_assert_str_eq(headers_of("{\"a\":\"x\"}"), "");
    fake_close(&f);
}

Test(client_param_headers, of_a_hostile_server_take_a_bounded_space)
{
    begin(true);
    for (int page = 0; page < 40; page++) {
        struct gn_buf text = GN_BUF_INIT(SIZE_MAX / 2);
        gn_buf_adds(&text, "{\"tools\":[{\"name\":\"x\"}");
        for (int i = 0; i < 1000; i++)
            gn_buf_addf(&text,
                        ",{\"name\":\"t%d\",\"inputSchema\":{\"properties\":{\"a\":" REGION "}}}",
                        page * 1000 + i);
        gn_buf_adds(&text, "]}");
        GN_AUTO_FREE char *params = gn_format("{\"cursor\":\"%d\"}", page);
        gantry_request *r = gantry_client_request(f.client, "tools/list", params, NULL);
        fake_next(&f, "tools/list");
        fake_result(&f, gn_buf_str(&text));
        cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
        cr_assert_eq(gantry_read_count(gantry_request_result(r), "/tools"), 1001);
        gantry_request_free(r);
        gn_buf_release(&text);
    }
    fake_close(&f);
}
