/* jsonrpc.c - what a message is, and the frame of those we write. */
#include "wire/jsonrpc.h"

#include "support.h"
#include "wire/revision.h"

#include <string.h>

GN_SUITE(jsonrpc);
GN_SUITE(revision);

static struct gn_json_doc doc;
static struct gn_jsonrpc m;
static struct gn_error err;

static int classify(const char *text)
{
    gn_json_release(&doc);
    err = (struct gn_error){0};
    cr_assert_eq(gn_json_parse_copy(&doc, text, strlen(text), NULL, &err), 0, "%s", text);
    return gn_jsonrpc_classify(gn_json_root(&doc), &m, &err);
}

static void done(void)
{
    gn_json_release(&doc);
}

Test(jsonrpc, requests_notifications_and_responses, .fini = done)
{
    cr_assert_eq(classify("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"), 0);
    cr_assert_eq(m.kind, GN_JSONRPC_REQUEST);
    cr_assert_str_eq(m.method, "ping");
    cr_assert_eq(gn_json_type(m.id), GN_JSON_NUMBER);
    cr_assert_null(m.params);

    cr_assert_eq(
        classify("{\"params\":{\"a\":1},\"method\":\"x\",\"id\":\"s\",\"jsonrpc\":\"2.0\"}"), 0);
    cr_assert_eq(m.kind, GN_JSONRPC_REQUEST);
    cr_assert_str_eq(gn_json_cstr(m.id), "s");
    cr_assert_eq(gn_json_count(m.params), 1);

    cr_assert_eq(classify("{\"jsonrpc\":\"2.0\",\"method\":\"n\",\"unknown\":[]}"), 0);
    cr_assert_eq(m.kind, GN_JSONRPC_NOTIFICATION);
    cr_assert_null(m.id);

    cr_assert_eq(classify("{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"r\":0}}"), 0);
    cr_assert_eq(m.kind, GN_JSONRPC_RESPONSE);
    cr_assert_not_null(m.result);
    cr_assert_null(m.error);

    cr_assert_eq(
        classify("{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32600,\"message\":\"m\"}}"),
        0);
    cr_assert_eq(m.kind, GN_JSONRPC_RESPONSE);
    cr_assert_not_null(m.error);
    cr_assert_not_null(m.id);
}

Test(jsonrpc, an_error_may_answer_what_could_not_be_read, .fini = done)
{
    cr_assert_eq(
        classify("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":1,\"message\":\"\"}}"), 0);
    cr_assert_eq(m.kind, GN_JSONRPC_RESPONSE);
    cr_assert_null(m.id);
    cr_assert_eq(classify("{\"jsonrpc\":\"2.0\",\"error\":{\"code\":1,\"message\":\"\"}}"), 0);
    cr_assert_null(m.id);
    cr_assert_eq(classify("{\"jsonrpc\":\"2.0\",\"result\":{}}"), GN_EPROTO);
    cr_assert_eq(classify("{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":{}}"), GN_EPROTO);
}

Test(jsonrpc, invalid_messages_say_why, .fini = done)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"[]", "expected an object, found array"},
        {"1", "found integer"},
        {"{}", "jsonrpc must be"},
        {"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"x\"}", "jsonrpc must be"},
        {"{\"jsonrpc\":2.0,\"id\":1,\"method\":\"x\"}", "jsonrpc must be"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1}", "neither a method"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":5}", "method must be a string"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\\u0000b\"}", "method must be a string"},
        {"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"x\"}", "id must be"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"x\"}", "id must be"},
        {"{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"x\"}", "id must be"},
        {"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"x\"}", "id must be"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1e99,\"method\":\"x\"}", "id must be"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":[1]}",
         "params must be an object"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":null}",
         "params must be an object"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"result\":{}}", "both a method and"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{},\"error\":{}}", "both a result and an error"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":3}", "result must be an object"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":3}", "error must be an object"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1.5,\"message\":\"\"}}",
         "integer code"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1}}", "integer code and a message"},
    };
    for (size_t i = 0; i < GN_COUNT(cases); i++) {
        cr_assert_eq(classify(cases[i].text), GN_EPROTO, "%s", cases[i].text);
        cr_assert_eq(m.kind, GN_JSONRPC_INVALID);
        cr_assert_not_null(strstr(err.text, cases[i].why), "%s: %s", cases[i].text, err.text);
    }
    cr_assert_eq(gn_jsonrpc_classify(NULL, &m, NULL), GN_EPROTO);
}

Test(jsonrpc, an_integer_of_any_size_is_an_id, .fini = done)
{
    cr_assert_eq(classify("{\"jsonrpc\":\"2.0\",\"id\":184467440737095516160,\"method\":\"x\"}"),
                 0);
    cr_assert_eq(m.kind, GN_JSONRPC_REQUEST);
    cr_assert_eq(gn_json_type(m.id), GN_JSON_NUMBER);
}

Test(jsonrpc, the_id_of_an_invalid_message_is_kept, .fini = done)
{
    cr_assert_eq(classify("{\"jsonrpc\":\"2.0\",\"id\":\"me\",\"method\":5}"), GN_EPROTO);
    cr_assert_str_eq(gn_json_cstr(m.id), "me");
    cr_assert_eq(classify("{\"id\":9}"), GN_EPROTO);
    cr_assert_eq(gn_json_type(m.id), GN_JSON_NUMBER);
    cr_assert_eq(classify("{\"id\":[9]}"), GN_EPROTO);
    cr_assert_null(m.id);
}

Test(jsonrpc, of_equal_members_the_last_counts, .fini = done)
{
    cr_assert_eq(
        classify("{\"jsonrpc\":\"1\",\"jsonrpc\":\"2.0\",\"method\":\"a\",\"method\":\"b\"}"), 0);
    cr_assert_str_eq(m.method, "b");
}

Test(jsonrpc, frames)
{
    struct gn_buf b = GN_BUF_INIT(1000);
    gn_jsonrpc_write_error(&b, NULL, GN_RPC_PARSE_ERROR, "bad \"x\"", NULL, 0);
    cr_assert_str_eq(b.data, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,"
                             "\"message\":\"bad \\\"x\\\"\"}}");
    gn_buf_clear(&b);
    gn_jsonrpc_write_error(&b, NULL, GN_RPC_HEADER_MISMATCH, "m", "{\"a\":1}", GN_JSONRPC_OMIT_ID);
    cr_assert_str_eq(b.data, "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32020,\"message\":\"m\","
                             "\"data\":{\"a\":1}}}");
    gn_buf_clear(&b);
    gn_jsonrpc_write_error(&b, "\"x\"", GN_RPC_INTERNAL_ERROR, "m", NULL, GN_JSONRPC_OMIT_ID);
    cr_assert_str_eq(
        b.data, "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"error\":{\"code\":-32603,\"message\":\"m\"}}");
    gn_buf_clear(&b);
    gn_jsonrpc_write_result(&b, "5", "{\"r\":1}", 7);
    cr_assert_str_eq(b.data, "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{\"r\":1}}");
    gn_buf_clear(&b);
    gn_jsonrpc_write_request(&b, "5", "a/b", NULL);
    cr_assert_str_eq(b.data, "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"a/b\"}");
    gn_buf_clear(&b);
    gn_jsonrpc_write_notification(&b, "n", "{}");
    cr_assert_str_eq(b.data, "{\"jsonrpc\":\"2.0\",\"method\":\"n\",\"params\":{}}");
    gn_buf_release(&b);
    gn_buf_init(&b, 20);
    cr_assert_eq(gn_jsonrpc_write_notification(&b, "n", "{}"), GN_ETOOBIG);
    gn_buf_release(&b);
}

Test(revision, names_and_eras)
{
    cr_assert_str_eq(gn_revision_names[0], "2026-07-28");
    size_t count = 0;
    for (; gn_revision_names[count]; count++) {
        enum gn_revision rev = gn_revision_parse(gn_revision_names[count]);
        cr_assert_str_eq(gn_revision_name(rev), gn_revision_names[count]);
        cr_assert_eq(gn_revision_is_stateless(rev), count == 0);
    }
    cr_assert_eq(count, 5);
    cr_assert_eq(gn_revision_parse("2025-11-25"), GN_REV_LATEST_HANDSHAKE);
    cr_assert_eq(gn_revision_parse("2024-11-05"), GN_REV_2024_11_05);
    cr_assert_eq(gn_revision_parse("2025-11-2"), GN_REV_NONE);
    cr_assert_eq(gn_revision_parse(""), GN_REV_NONE);
    cr_assert_eq(gn_revision_parse(NULL), GN_REV_NONE);
    cr_assert_null(gn_revision_name(GN_REV_NONE));
}
