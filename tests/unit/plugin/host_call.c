/* host_call.c - the host table, second half: waiting, locks, the request, other components, the
 * instance. */
#include "plugin/bench.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

GN_SUITE(host_call);

static void check(const char *got, const char *expected)
{
    cr_assert_str_eq(got, expected, "\ngot      %s\nexpected %s", got, expected);
}

static void check_log(struct bench *b, const char *line)
{
    cr_assert(strstr(gn_buf_str(&b->lines), line), "no \"%s\" in: %s", line, gn_buf_str(&b->lines));
}

static int codes[32];

/* ---------------------------------------------------------------- waiting */

static int seven(void *arg)
{
    *(bool *)arg = gn_task_current() == NULL || gn_task_is_worker(gn_task_current());
    return 7;
}

static int minus_sixteen(void *arg)
{
    (void)arg;
    return -16; /* EBUSY of the system, but fn's own code */
}

static int wait_and_work(gantry_call *call, const void *in)
{
    (void)in;
    bool elsewhere = false;
    codes[0] = gantry_sleep(call, 0);
    codes[1] = gantry_sleep(call, 1);
    codes[2] = gantry_work(call, seven, &elsewhere);
    codes[3] = elsewhere;
    codes[4] = gantry_work(call, minus_sixteen, NULL);
    return GANTRY_OK;
}

Test(host_call, waits_and_works_on_the_loop_and_on_a_worker)
{
    struct bench b;
    bench_open(&b);
    for (int blocking = 0; blocking < 2; blocking++) {
        memset(codes, 0xff, sizeof codes);
        bench_tool(&b, blocking ? "b" : "c", wait_and_work, blocking ? GANTRY_BLOCKING : 0);
        check(bench_do(&b, GN_TOOL, blocking ? "b" : "c", NULL), "{\"content\":[]}");
        cr_assert(codes[0] == 0 && codes[1] == 0 && codes[2] == 7 && codes[3] && codes[4] == -16);
    }
    bench_close(&b);
}

static int use_the_call(void *arg)
{
    gantry_call *call = arg;
    codes[1] = gantry_sleep(call, 1);
    codes[2] = gantry_text(call, "not from here");
    codes[3] = gantry_work(call, minus_sixteen, NULL);
    codes[4] = gantry_cancelled(call);
    codes[5] = gantry_alloc(call, 1) != NULL;
    return 0;
}

static int use_elsewhere(gantry_call *call, const void *in)
{
    (void)in;
    codes[0] = gantry_work(call, use_the_call, call);
    return gantry_text(call, "from here");
}

Test(host_call, a_call_is_refused_outside_of_its_handler)
{
    struct bench b;
    bench_open(&b);
    memset(codes, 0xff, sizeof codes);
    bench_tool(&b, "t", use_elsewhere, 0);
    check(bench_do(&b, GN_TOOL, "t", NULL),
          "{\"content\":[{\"type\":\"text\",\"text\":\"from here\"}]}");
    static const int expected[] = {0, GANTRY_EPERM, GANTRY_EPERM, GANTRY_EPERM, 0, 0};
    for (size_t i = 0; i < GN_COUNT(expected); i++)
        cr_assert_eq(codes[i], expected[i], "%zu: %d", i, codes[i]);
    check_log(&b, "the call is used on a thread that is not its handler's");
    bench_close(&b);
}

static bool sleeping;

static int sleep_long(gantry_call *call, const void *in)
{
    (void)in;
    codes[0] = gantry_cancelled(call);
    sleeping = true;
    codes[1] = gantry_sleep(call, 3600000);
    codes[2] = gantry_cancelled(call);
    codes[3] = gantry_sleep(call, 1);
    codes[4] = gantry_work(call, minus_sixteen, NULL);
    codes[5] = gantry_shield(call, 60000);
    codes[6] = gantry_sleep(call, 1);
    codes[7] = gantry_shield(call, 1);
    return codes[1];
}

Test(host_call, cancellation_sticks_and_a_shield_suspends_it)
{
    struct bench b;
    bench_open(&b);
    bench_tool(&b, "t", sleep_long, 0);
    struct gn_call *call = bench_call(&b, GN_TOOL, "t", NULL);
    gn_call_start(call);
    while (!sleeping)
        uv_run(&b.uv, UV_RUN_ONCE);
    gn_call_cancel(call);
    cr_assert_eq(b.outcome, GN_OUT_CANCELED);
    bench_wait(&b, call);
    gn_call_unref(call);
    static const int expected[] = {
        0,         GANTRY_ECANCELED, 1, GANTRY_ECANCELED, GANTRY_ECANCELED, GANTRY_OK,
        GANTRY_OK, GANTRY_EINVAL};
    for (size_t i = 0; i < GN_COUNT(expected); i++)
        cr_assert_eq(codes[i], expected[i], "%zu: %d", i, codes[i]);
    bench_close(&b);
}

static int report_progress(gantry_call *call, const void *in)
{
    (void)in;
    codes[0] = gantry_progress(call, 1, 3, "one");
    codes[1] = gantry_progress(call, 1, 3, NULL);
    codes[2] = gantry_progress(call, 2, 3, NULL);
    gantry_log(call, GANTRY_WARNING, "%s is near", "rain");
    gantry_log(call, 99, "worst");
    return GANTRY_OK;
}

Test(host_call, progress_grows_and_logs_are_labelled)
{
    struct bench b;
    bench_open(&b);
    bench_body(&b, report_progress);
    cr_assert(codes[0] == GANTRY_OK && codes[1] == GANTRY_EINVAL && codes[2] == GANTRY_OK);
    check_log(&b, "inst/t: rain is near\n");
    check_log(&b, "inst/t: worst\n");
    bench_close(&b);
}

/* ---------------------------------------------------------------- locks */

static gantry_mutex *mutex, *foreign;

static int lock_twice(gantry_call *call, const void *in)
{
    (void)in;
    gantry_unlock(call, mutex);
    codes[0] = gantry_lock(call, mutex);
    codes[1] = gantry_lock(call, mutex);
    gantry_mutex_free(mutex); /* in use: refused */
    codes[2] = gantry_sleep(call, 1);
    gantry_unlock(call, mutex);
    codes[3] = gantry_lock(call, mutex);
    gantry_unlock(call, mutex);
    gantry_unlock(call, mutex);
    codes[4] = gantry_lock(call, foreign);
    codes[5] = gantry_lock(call, NULL);
    return GANTRY_OK;
}

Test(host_call, a_lock_is_held_once_and_by_its_own_instance)
{
    struct bench b;
    bench_open(&b);
    struct gn_generation *other = bench_instance(&b, "other");
    mutex = gantry_mutex_new(b.g);
    foreign = gantry_mutex_new(other);
    static const int expected[] = {GANTRY_OK, GANTRY_EINVAL, GANTRY_OK,
                                   GANTRY_OK, GANTRY_EINVAL, GANTRY_EINVAL};
    for (uint32_t flags = 0; flags <= GANTRY_BLOCKING; flags++) {
        bench_tool(&b, flags ? "b" : "c", lock_twice, flags);
        bench_do(&b, GN_TOOL, flags ? "b" : "c", NULL);
        for (size_t i = 0; i < GN_COUNT(expected); i++)
            cr_assert_eq(codes[i], expected[i], "%zu: %d", i, codes[i]);
    }
    check_log(&b, "inst/c: gantry_unlock: this call does not hold the mutex\n");
    check_log(&b, "inst/c: gantry_lock: this call holds the mutex already\n");
    check_log(&b, "inst: gantry_mutex_free: it is in use\n");
    gantry_mutex_free(mutex);
    gantry_mutex_free(NULL);
    bench_drop(&b, other); /* frees the one that was not freed */
    bench_close(&b);
}

static int in_section, sections;

static int enter_section(gantry_call *call, const void *in)
{
    (void)in;
    int rc = gantry_lock(call, mutex);
    if (rc)
        return rc;
    codes[0] += in_section++;
    rc = gantry_sleep(call, 1);
    in_section--;
    sections++;
    gantry_unlock(call, mutex);
    return rc;
}

Test(host_call, a_lock_excludes_coroutines_and_workers_alike)
{
    struct bench b;
    struct gn_call *calls[10];
    bench_open(&b);
    mutex = gantry_mutex_new(b.g);
    bench_tool(&b, "c", enter_section, 0);
    bench_tool(&b, "b", enter_section, GANTRY_BLOCKING);
    for (size_t i = 0; i < GN_COUNT(calls); i++) {
        calls[i] = bench_call(&b, GN_TOOL, i % 2 ? "b" : "c", NULL);
        gn_call_start(calls[i]);
    }
    for (size_t i = 0; i < GN_COUNT(calls); i++) {
        bench_wait(&b, calls[i]);
        gn_call_unref(calls[i]);
    }
    cr_assert_eq(sections, 10);
    cr_assert_eq(codes[0], 0, "somebody was inside");
    bench_close(&b);
}

/* ---------------------------------------------------------------- the request */

static int tell_request(gantry_call *call, const void *in)
{
    (void)in;
    char *data = gantry_data(call);
    codes[0] = data && gn_streq(data, "payload");
    codes[1] = gn_streq(gantry_instance(gantry_self(call)), "inst");
    codes[2] = gn_streq(gantry_header(call, "x-color"), "green") &&
               gantry_header(call, "x-other") == NULL && gantry_header(call, NULL) == NULL;
    codes[3] = gantry_uri(call) == NULL;
    codes[4] = gn_streq(gantry_method(call), "test") && gn_streq(gantry_request_id(call), "7") &&
               gn_streq(gantry_client_name(call), "tester") && gantry_session_id(call) == NULL &&
               gantry_principal(call) == NULL && gantry_client_version(call) == NULL &&
               gn_streq(gantry_component_name(call), "t") &&
               gn_streq(gantry_host_->info(call, GANTRY_INFO_PROTOCOL), "2026-07-28") &&
               gantry_host_->info(call, 99) == NULL;
    codes[5] = gantry_can(call, GANTRY_CAP_ROOTS) && !gantry_can(call, GANTRY_CAP_SAMPLING) &&
               !gantry_can(call, GANTRY_CAP_ROOTS | GANTRY_CAP_SAMPLING) && !gantry_can(call, 0);
    codes[6] = gantry_json_count(gantry_arguments(call)) == 1 && gantry_params(call) == NULL &&
               gantry_request_meta(call) == NULL;
    return GANTRY_OK;
}

Test(host_call, the_request_can_be_read)
{
    static char payload[] = "payload";
    struct bench b;
    bench_open(&b);
    for (uint32_t flags = 0; flags <= GANTRY_BLOCKING; flags++) {
        gantry_tool t = {.size = sizeof t,
                         .name = "t",
                         .run = tell_request,
                         .flags = flags,
                         .data = payload,
                         .input_schema_json = "{\"type\":\"object\"}"};
        cr_assert_eq(gantry_add_tool(b.g, &t), GANTRY_OK);
        struct gn_call *call = bench_call(&b, GN_TOOL, "t", "{\"x\":1}");
        call->request_id = "7";
        call->client_name = "tester";
        call->capabilities = GANTRY_CAP_ROOTS;
        memset(codes, 0, sizeof codes);
        bench_run(&b, call);
        for (int i = 0; i <= 6; i++)
            cr_assert(codes[i], "check %d, flags %u", i, flags);
        cr_assert_eq(gantry_remove_tool(b.g, "t"), GANTRY_OK);
    }
    bench_close(&b);
}

/* ---------------------------------------------------------------- other components */

static int echo(gantry_call *call, const void *in)
{
    (void)in;
    int rc = gantry_result_meta(call, "org.example/k", gantry_json_parse(call, "[1]", 3));
    const char *what = gantry_json_string(gantry_json_get(gantry_arguments(call), "what"), NULL);
    if (rc || !what)
        return rc ? rc : gantry_fail(call, "nothing to say");
    return gantry_text(call, "%s", what);
}

static int read_page(gantry_call *call, const void *in)
{
    (void)in;
    const char *id = gantry_json_string(gantry_json_get(gantry_arguments(call), "id"), NULL);
    if (gn_streq(id, "none"))
        return GANTRY_ENOENT;
    if (gn_streq(id, "bad"))
        return gantry_fail(call, "the page is torn");
    return gantry_text(call, "page %s", id);
}

static int call_others(gantry_call *call, const void *in)
{
    (void)in;
    const gantry_json *r = NULL, *arguments = gantry_json_parse(call, "{\"what\":\"hi\"}", 13);
    gantry_builder *all = gantry_builder_new(call);
    gantry_put_array(all, NULL);
    codes[0] = gantry_call_tool(call, "echo", arguments, &r);
    gantry_put_json(all, NULL, r);
    codes[1] = gantry_call_tool(call, "echo_blocking", NULL, &r);
    gantry_put_json(all, NULL, r);
    codes[2] = gantry_read_resource(call, "page://7", &r);
    gantry_put_json(all, NULL, r);
    codes[3] = gantry_call_tool(call, "nobody", NULL, &r);
    codes[4] = r == NULL;
    codes[5] = gantry_read_resource(call, "page://none", &r);
    codes[6] = gantry_read_resource(call, "page://bad", &r);
    codes[7] = gantry_read_resource(call, "other://x", &r);
    codes[8] = gantry_call_tool(call, NULL, NULL, &r);
    gantry_put_close(all);
    return gantry_text(call, "%s", gantry_json_print(call, gantry_builder_end(all)));
}

typedef struct {
    const char *id;
} page_in;
static const gantry_arg page_args[] = {
    GANTRY_ARG(page_in, id, NULL),
    GANTRY_ARGS_END,
};

Test(host_call, a_handler_calls_tools_and_reads_resources)
{
    static const char expected[] =
        "[{\"content\":[{\"type\":\"text\",\"text\":\"hi\"}],\"_meta\":{\"org.example/k\":[1]}},"
        "{\"content\":[{\"type\":\"text\",\"text\":\"nothing to say\"}],\"isError\":true},"
        "{\"contents\":[{\"uri\":\"page://7\",\"mimeType\":\"text/x-page\",\"text\":\"page 7\"}]}]";
    static const char *const names[] = {"echo", "echo_blocking"};
    struct bench b;
    bench_open(&b);
    for (uint32_t i = 0; i < 2; i++) {
        gantry_tool t = {.size = sizeof t,
                         .name = names[i],
                         .run = echo,
                         .flags = i ? GANTRY_BLOCKING : 0,
                         .input_schema_json = "{\"type\":\"object\"}"};
        cr_assert_eq(gantry_add_tool(b.g, &t), GANTRY_OK);
    }
    gantry_template p = {.size = sizeof p,
                         .arg_size = sizeof(gantry_arg),
                         .uri_template = "page://{id}",
                         .name = "page",
                         .args = page_args,
                         .in_size = sizeof(page_in),
                         .read = read_page,
                         .mime_type = "text/x-page"};
    cr_assert_eq(gantry_add_template(b.g, &p), GANTRY_OK);
    for (uint32_t flags = 0; flags <= GANTRY_BLOCKING; flags++) {
        bench_tool(&b, flags ? "b" : "c", call_others, flags);
        memset(codes, 0, sizeof codes);
        bench_do(&b, GN_TOOL, flags ? "b" : "c", NULL);
        struct gn_json_doc doc = {0};
        cr_assert_eq(gn_json_parse_copy(&doc, b.result.data, b.result.len, NULL, NULL), 0);
        const gantry_json *content = gn_json_at(gn_json_get(gn_json_root(&doc), "content"), 0);
        check(gn_json_str(gn_json_get(content, "text"), NULL), expected);
        gn_json_release(&doc);
        static const int wanted[] = {GANTRY_OK,     GANTRY_EFAILED, GANTRY_OK,     GANTRY_ENOENT, 1,
                                     GANTRY_ENOENT, GANTRY_EFAILED, GANTRY_ENOENT, GANTRY_EINVAL};
        for (size_t i = 0; i < GN_COUNT(wanted); i++)
            cr_assert_eq(codes[i], wanted[i], "%zu: %d, flags %u", i, codes[i], flags);
    }
    check_log(&b, "gantry_read_resource page://bad: the page is torn\n");
    bench_close(&b);
}

static int pass_on(gantry_call *call, const void *in)
{
    (void)in;
    const gantry_json *r;
    int rc = gantry_call_tool(call, "torn", NULL, &r);
    check(gantry_failure(call), "the page is torn");
    return rc;
}

static int torn(gantry_call *call, const void *in)
{
    (void)in;
    return gantry_fail(call, "the page is torn");
}

Test(host_call, a_failure_that_is_passed_on_keeps_its_words)
{
    struct bench b;
    bench_open(&b);
    bench_tool(&b, "torn", torn, 0);
    check(bench_body(&b, pass_on),
          "{\"content\":[{\"type\":\"text\",\"text\":\"the page is torn\"}],\"isError\":true}");
    bench_close(&b);
}

static int call_itself(gantry_call *call, const void *in)
{
    (void)in;
    const gantry_json *r;
    codes[1]++;
    int rc = gantry_call_tool(call, "t", NULL, &r);
    if (rc)
        codes[0] = rc;
    return GANTRY_OK;
}

Test(host_call, nesting_is_bounded)
{
    struct bench b;
    bench_open(&b);
    bench_body(&b, call_itself);
    cr_assert_eq(codes[0], GANTRY_ETOOBIG);
    cr_assert_eq(codes[1], 17, "the outer one and sixteen below it");
    bench_close(&b);
}

static int fetch(gantry_call *call, const void *in)
{
    (void)in;
    struct {
        gantry_http_request r;
        uint64_t more;
    } newer = {{.size = sizeof newer, .url = "http://127.0.0.1:1/"}, 1};
    const gantry_http_response *response;
    codes[0] = gantry_http(call, &newer.r, &response);
    codes[1] = gantry_http(call, GANTRY_HTTP_REQUEST(.url = NULL), &response);
    codes[2] = gantry_http(call, GANTRY_HTTP_REQUEST(.url = "http://127.0.0.1:1/"), NULL);
    codes[3] = gantry_http(call, GANTRY_HTTP_REQUEST(.url = "http://me:secret@127.0.0.1:1/k?key=1"),
                           &response);
    codes[4] = gantry_http(call, GANTRY_HTTP_REQUEST(.url = "file:///etc/passwd"), &response);
    return GANTRY_OK;
}

static void note_closed(void *arg)
{
    *(bool *)arg = true;
}

Test(host_call, http_tells_why_in_the_log_without_secrets)
{
    struct bench b;
    bench_open(&b);
    bench_body(&b, fetch);
    cr_assert_eq(codes[3], GANTRY_ENOTSUP, "a host without a client");
    b.env.http = gn_http_new(b.loop);
    bench_body(&b, fetch);
    bool closed = false;
    gn_http_close(b.env.http, note_closed, &closed);
    while (!closed)
        uv_run(&b.uv, UV_RUN_ONCE);
    static const int expected[] = {GANTRY_ENOTSUP, GANTRY_EINVAL, GANTRY_EINVAL, GANTRY_EIO,
                                   GANTRY_EINVAL};
    for (size_t i = 0; i < GN_COUNT(expected); i++)
        cr_assert_eq(codes[i], expected[i], "%zu: %d", i, codes[i]);
    check_log(&b, "inst/t: GET http://127.0.0.1:1: ");
    cr_assert_null(strstr(gn_buf_str(&b.lines), "secret"));
    cr_assert_null(strstr(gn_buf_str(&b.lines), "key=1"));
    bench_close(&b);
}

/* ---------------------------------------------------------------- the instance */

static int freed;

static void count_free(void *data)
{
    (void)data;
    freed++;
}

static int nothing(gantry_call *call, const void *in)
{
    (void)call;
    (void)in;
    return GANTRY_OK;
}

static size_t listed(struct bench *b, enum gn_kind kind)
{
    return gn_registry_current(b->registry)->kinds[kind].count;
}

static int data;

static int add_and_remove(gantry_call *call, const void *in)
{
    (void)in;
    gantry_plugin *g = gantry_self(call);
    gantry_tool t = {.size = sizeof t,
                     .arg_size = sizeof(gantry_arg),
                     .name = "fresh",
                     .run = nothing,
                     .data = &data,
                     .free_data = count_free};
    codes[0] = gantry_add_tool(g, &t);
    codes[1] = gantry_add_tool(g, &t);
    t.name = "taken";
    codes[2] = gantry_add_tool(g, &t);
    t.name = "two words";
    codes[3] = gantry_add_tool(g, &t);
    t.name = "newer";
    t.flags = 0x800;
    codes[4] = gantry_add_tool(g, &t);
    codes[5] = freed;
    codes[6] = gantry_remove_tool(g, "taken");
    codes[7] = gantry_remove_tool(g, "fresh");
    codes[8] = gantry_remove_tool(g, "fresh");
    codes[9] = freed;
    codes[10] = gantry_remove_prompt(g, "fresh");
    codes[11] = gantry_host_->remove(g, 9, "fresh");
    return GANTRY_OK;
}

Test(host_call, components_come_and_go_at_run_time)
{
    static const int expected[] = {
        GANTRY_OK,      GANTRY_EEXIST,
        GANTRY_EEXIST,  GANTRY_EINVAL,
        GANTRY_ENOTSUP, 0,
        GANTRY_ENOENT,  GANTRY_OK,
        GANTRY_ENOENT,  1,
        GANTRY_ENOENT,  GANTRY_EINVAL,
    };
    struct bench b;
    bench_open(&b);
    struct gn_generation *other = bench_instance(&b, "other");
    gantry_tool taken = {
        .size = sizeof taken, .arg_size = sizeof(gantry_arg), .name = "taken", .run = nothing};
    cr_assert_eq(gantry_add_tool(other, &taken), GANTRY_OK);
    for (uint32_t flags = 0; flags <= GANTRY_BLOCKING; flags++) {
        freed = 0;
        bench_tool(&b, flags ? "b" : "c", add_and_remove, flags);
        bench_do(&b, GN_TOOL, flags ? "b" : "c", NULL);
        for (size_t i = 0; i < GN_COUNT(expected); i++)
            cr_assert_eq(codes[i], expected[i], "%zu: %d, flags %u", i, codes[i], flags);
    }
    cr_assert_eq(listed(&b, GN_TOOL), 3);
    check_log(&b, "plugin inst: tool fresh is declared twice\n");
    check_log(&b, "plugin inst: tool taken: plugin other has one of that name\n");
    check_log(&b, "plugin inst: tool two words: its name may hold");
    check_log(&b, "plugin inst: tool newer: uses flags newer than this host (0x800)\n");
    bench_drop(&b, other);
    bench_close(&b);
}

static int remove_myself(gantry_call *call, const void *in)
{
    (void)in;
    codes[0] = gantry_remove_tool(gantry_self(call), "self");
    codes[1] = freed;
    codes[2] = gantry_sleep(call, 1);
    return gantry_text(call, "%d", *(int *)gantry_data(call));
}

Test(host_call, a_tool_may_remove_itself_while_it_runs)
{
    struct bench b;
    bench_open(&b);
    data = 5;
    gantry_tool t = {.size = sizeof t,
                     .arg_size = sizeof(gantry_arg),
                     .name = "self",
                     .run = remove_myself,
                     .data = &data,
                     .free_data = count_free};
    cr_assert_eq(gantry_add_tool(b.g, &t), GANTRY_OK);
    check(bench_do(&b, GN_TOOL, "self", NULL),
          "{\"content\":[{\"type\":\"text\",\"text\":\"5\"}]}");
    cr_assert(codes[0] == GANTRY_OK && codes[1] == 0 && codes[2] == GANTRY_OK);
    cr_assert_eq(freed, 1);
    cr_assert_eq(listed(&b, GN_TOOL), 0);
    bench_close(&b);
}

Test(host_call, a_staged_instance_collects_and_a_draining_one_refuses)
{
    struct bench b;
    bench_open(&b);
    b.g->state = GN_GEN_STAGED;
    bench_tool(&b, "later", nothing, 0);
    bench_prompt(&b, "later", nothing, NULL);
    bench_resource(&b, "notes://later", nothing);
    cr_assert_eq(listed(&b, GN_TOOL), 0);
    cr_assert_eq(b.g->component_count, 3);
    cr_assert_eq(gantry_remove_prompt(b.g, "later"), GANTRY_OK);
    cr_assert_eq(gantry_remove_resource(b.g, "notes://later"), GANTRY_OK);
    cr_assert_eq(gantry_remove_template(b.g, "notes://later"), GANTRY_ENOENT);
    cr_assert_eq(b.g->component_count, 1);
    b.g->state = GN_GEN_LIVE;
    bench_publish(&b, b.g);
    cr_assert_eq(listed(&b, GN_TOOL), 1);
    b.g->state = GN_GEN_DRAINING;
    gantry_tool t = {.size = sizeof t, .arg_size = sizeof(gantry_arg), .name = "x", .run = nothing};
    cr_assert_eq(gantry_add_tool(b.g, &t), GANTRY_EPERM);
    cr_assert_eq(gantry_remove_tool(b.g, "later"), GANTRY_EPERM);
    check_log(&b, "plugin inst: the instance is not live\n");
    bench_close(&b);
}

static void add_from_outside(void *arg)
{
    struct bench *b = arg;
    gantry_tool t = {.size = sizeof t, .arg_size = sizeof(gantry_arg), .name = "x", .run = nothing};
    codes[0] = gantry_add_tool(b->g, &t);
    codes[1] = gantry_mutex_new(b->g) == NULL;
}

Test(host_call, a_thread_of_the_plugin_cannot_register)
{
    struct bench b;
    uv_thread_t thread;
    bench_open(&b);
    cr_assert_eq(uv_thread_create(&thread, add_from_outside, &b), 0);
    uv_thread_join(&thread);
    cr_assert(codes[0] == GANTRY_EPERM && codes[1]);
    bench_close(&b);
}

Test(host_call, an_instance_has_state_a_log_and_a_buffer)
{
    static char state[] = "state";
    static char big[1 << 16];
    struct gantry_buffer out = {GN_BUF_INIT(GN_SAVE_BYTES)};
    struct bench b;
    bench_open(&b);
    cr_assert_null(gantry_state(b.g));
    gantry_set_state(b.g, state);
    cr_assert_eq(gantry_state(b.g), (void *)state);
    cr_assert_null(gantry_settings(b.g));
    cr_assert_str_eq(gantry_instance(b.g), "inst");
    gantry_plugin_log(b.g, GANTRY_ERROR, "%d left", 3);
    check_log(&b, "plugin inst: 3 left\n");
    cr_assert_eq(gantry_buffer_add(&out, "a\0b", 3), GANTRY_OK);
    cr_assert_eq(gantry_buffer_add(&out, NULL, 0), GANTRY_OK);
    cr_assert_eq(gantry_buffer_add(&out, NULL, 1), GANTRY_EINVAL);
    cr_assert(out.bytes.len == 3 && out.bytes.data[2] == 'b');
    int rc = GANTRY_OK;
    for (int i = 0; i < 257 && !rc; i++)
        rc = gantry_buffer_add(&out, big, sizeof big);
    cr_assert_eq(rc, GANTRY_ETOOBIG);
    gn_buf_release(&out.bytes);
    bench_close(&b);
}
