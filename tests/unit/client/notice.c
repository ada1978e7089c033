/* Unit tests of notifications: what each means, and what is ignored. */
#include "fake.h"

#include "support.h"

#include "util/alloc.h"
#include "util/str.h"

#include <criterion/criterion.h>
#include <string.h>

GN_SUITE(client_notice);

#define TOOLS "{\"tools\":{}}"
#define SAYS(method, params)                                                                       \
    fake_says(&f, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/" method                        \
                  "\",\"params\":" params "}")

static struct fake f;
static struct gn_buf told;

static void on_log(gantry_client *c, gantry_request *r, const gantry_client_log *log, void *arg)
{
    (void)c, (void)arg;
    gn_buf_addf(&told, "log %s %s %s%s\n", log->level, log->logger ? log->logger : "-", log->text,
                r ? " of a request" : "");
}

static void on_progress(gantry_client *c, gantry_request *r, const gantry_client_progress *p,
                        void *arg)
{
    (void)c, (void)arg;
    gn_buf_addf(&told, "%s %g/%g %s\n", r->name, p->progress, p->total,
                p->message ? p->message : "-");
}

static void on_own_progress(gantry_request *r, const gantry_client_progress *p, void *arg)
{
    cr_assert_eq(arg, &told);
    gn_buf_addf(&told, "own %g\n", p->progress);
    if (p->progress >= 1)
        gantry_request_free(r);
}

static void on_list(gantry_client *c, gantry_list_kind kind, void *arg)
{
    (void)c, (void)arg;
    gn_buf_addf(&told, "list %d\n", (int)kind);
}

static void on_updated(gantry_client *c, const char *uri, void *arg)
{
    (void)c, (void)arg;
    gn_buf_addf(&told, "updated %s\n", uri);
}

static void begin(const char *revision, uint32_t timeout_ms, bool resets)
{
    gn_buf_init(&told, 1 << 16);
    fake_open(&f, GANTRY_CLIENT_OPTIONS(.timeout_ms = timeout_ms, .progress_resets = resets,
                                        .handlers = GANTRY_CLIENT_HANDLERS(
                                                .on_log = on_log, .on_progress = on_progress,
                                                .on_list_changed = on_list,
                                                .on_resource_updated = on_updated)));
    if (revision)
        fake_initialize(&f, revision, TOOLS);
    else
        fake_discover(&f, TOOLS);
}

static void tells(const char *text)
{
    cr_assert_str_eq(gn_buf_str(&told), text);
    gn_buf_clear(&told);
    if (told.data)
        told.data[0] = '\0';
}

static void end(void)
{
    fake_close(&f);
    gn_buf_release(&told);
}

static void progress(int64_t token, const char *rest)
{
    GN_AUTO_FREE char *text = gn_format("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\""
                                        ",\"params\":{\"progressToken\":%lld%s}}",
                                        (long long)token, rest);
    fake_says(&f, text);
}

Test(client_notice, progress_goes_to_its_request_and_only_forward)
{
    begin("2025-11-25", 0, false);
    gantry_request *a = gantry_client_call_tool(f.client, "a", NULL, NULL);
    fake_next(&f, "tools/call");
    cr_assert_eq(gantry_read_int(f.m.params, "/_meta/progressToken", 0), a->id);
    gantry_request *b = gantry_client_call_tool(f.client, "b", NULL, NULL);
    fake_next(&f, "tools/call");
    progress(a->id, ",\"progress\":0,\"total\":4,\"message\":\"begun\"");
    progress(b->id, ",\"progress\":2.5");
    tells("a 0/4 begun\nb 2.5/0 -\n");
    progress(a->id, ",\"progress\":0");
    progress(b->id, ",\"progress\":1");
    progress(a->id, ",\"progress\":\"1\"");
    progress(a->id, "");
    progress(a->id + 1000, ",\"progress\":5");
    SAYS("progress", "{\"progressToken\":\"1\",\"progress\":5}");
    SAYS("progress", "{\"progressToken\":1e300,\"progress\":5}");
    SAYS("progress", "{}");
    tells("");
    progress(a->id, ",\"progress\":1");
    tells("a 1/0 -\n");
    fake_result(&f, "{\"content\":[]}"); /* to b */
    cr_assert_eq(fake_wait(&f, b), GANTRY_CLIENT_OK);
    progress(b->id, ",\"progress\":9");
    tells("");
    gantry_request_free(a);
    gantry_request_free(b);
    end();
}

Test(client_notice, progress_goes_to_the_requests_own_function_which_may_free_it)
{
    begin(NULL, 0, false);
    gantry_request *r = gantry_client_call_tool(
        f.client, "a", NULL, GANTRY_REQUEST_OPTIONS(.on_progress = on_own_progress, .arg = &told));
    fake_next(&f, "tools/call");
    int64_t id = r->id;
    progress(id, ",\"progress\":0.5");
    progress(id, ",\"progress\":1");
    progress(id, ",\"progress\":2");
    tells("own 0.5\nown 1\n");
    end();
}

Test(client_notice, progress_begins_the_time_anew_if_it_shall)
{
    begin("2025-06-18", 150, true);
    gantry_request *r = gantry_client_call_tool(f.client, "a", NULL, NULL);
    fake_next(&f, "tools/call");
    uint64_t before = r->deadline.at_ms;
    uv_sleep(5);
    progress(r->id, ",\"progress\":1");
    cr_assert(r->deadline.at_ms > before);
    before = r->deadline.at_ms;
    uv_sleep(5);
    progress(r->id, ",\"progress\":1");
    cr_assert_eq(r->deadline.at_ms, before);
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_TIMEOUT);
    gantry_request_free(r);
    end();
}

Test(client_notice, log_messages_have_a_text)
{
    begin("2025-11-25", 0, false);
    SAYS("message", "{\"level\":\"warning\",\"logger\":\"db\",\"data\":\"slow\"}");
    SAYS("message", "{\"level\":\"error\",\"data\":{\"msg\":\"gone\",\"n\":1}}");
    SAYS("message", "{\"level\":\"error\",\"data\":{\"message\":\"bad\"}}");
    SAYS("message", "{\"level\":\"info\",\"data\":{\"n\":[1,2]}}");
    SAYS("message", "{\"level\":\"info\",\"data\":\"a\\u0000b\"}");
    SAYS("message", "{\"level\":\"loud\",\"data\":5}");
    SAYS("message", "{\"level\":5,\"logger\":{}}");
    fake_says(&f, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}");
    tells("log warning db slow\nlog error - gone\nlog error - bad\nlog info - {\"n\":[1,2]}\n"
          "log info - \"a\\u0000b\"\nlog info - 5\nlog info - \nlog info - \n");
    end();
}

Test(client_notice, log_messages_belong_to_the_request_on_whose_stream_they_come)
{
    f.has_exchanges = true;
    begin(NULL, 0, false);
    f.has_exchanges = true;
    gantry_request *r = gantry_client_call_tool(f.client, "a", NULL, NULL);
    fake_next(&f, "tools/call");
    SAYS("message", "{\"level\":\"info\",\"data\":\"x\"}");
    tells("log info - x of a request\n");
    gantry_request_free(r);
    f.has_exchanges = false;
    end();
}

Test(client_notice, what_changed_is_told)
{
    begin("2025-11-25", 0, false);
    fake_says(&f, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}");
    SAYS("prompts/list_changed", "{}");
    SAYS("resources/list_changed", "{}");
    SAYS("resources/updated", "{\"uri\":\"x:y\"}");
    SAYS("resources/updated", "{\"uri\":5}");
    SAYS("resources/updated", "{}");
    tells("list 0\nlist 3\nlist 1\nupdated x:y\n");
    end();
}

Test(client_notice, what_means_nothing_here_is_ignored)
{
    begin("2025-11-25", 0, false);
    SAYS("whatever", "{}");
    SAYS("cancelled", "{}");
    SAYS("cancelled", "{\"requestId\":{}}");
    SAYS("cancelled", "{\"requestId\":12345}");
    SAYS("elicitation/complete", "{\"elicitationId\":5}");
    SAYS("elicitation/complete", "{}");
    SAYS("tasks/status", "{}");
    SAYS("tasks", "{\"taskId\":\"x\",\"status\":\"completed\"}");
    SAYS("subscriptions/acknowledged", "{}");
    tells("");
    fake_nothing(&f);
    end();
}
