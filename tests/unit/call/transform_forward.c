/* Functions around tools: what they pass on, what they make of it, who is held meanwhile, and the
 * threads of it all. */
#include "call/made.h"

#include "call/ask.h"
#include "call/mutex.h"
#include "shapes.h"
#include "support.h"
#include "util/alloc.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

GN_SUITE(transform_forward);

#define NONE ROWS({.name = NULL})

static struct rig r;
static struct rig_call c;
static struct gn_component *tool;

/* A second owner, of the functions. */
static struct {
    struct gn_owner owner;
    int held;
} other;

static void other_ref(struct gn_owner *o)
{
    (void)o;
    other.held++;
}

static void other_unref(struct gn_owner *o)
{
    (void)o;
    other.held--;
}

static void open_rig(void)
{
    rig_open(&r);
    other.owner = (struct gn_owner){.ref = other_ref, .unref = other_unref, .name = "other"};
    other.held = 0;
}

static void close_rig(void)
{
    cr_assert_eq(other.held, 0);
    gn_component_unref(tool);
    rig_close(&r);
}

static void call_with(const char *arguments)
{
    rig_call_with(&r, &c, tool, arguments);
}

static void expect(enum gn_outcome outcome, const char *text)
{
    cr_assert_eq(c.outcome, outcome, "%d %s\n%s", (int)c.outcome, c.result, r.logged);
    cr_assert(strstr(c.result, text), "%s is not in %s", text, c.result);
}

/* ---------------------------------------------------------------- parents and functions */

static int echo(gantry_call *call, const void *in)
{
    (void)in;
    cr_assert_eq(call->self, &r.owner);
    cr_assert_eq(gn_call_component(call), tool);
    return rig_say_json(call, call->arguments);
}

static int pass(gantry_call *call, const void *in)
{
    (void)in;
    const struct gn_frame *frame = call->frame;
    cr_assert(gn_call_is_around(call));
    int rc = gn_call_forward(call, NULL, false);
    cr_assert_eq(call->self, &other.owner);
    cr_assert_eq(call->frame, frame);
    return rc;
}

static int swallow(gantry_call *call, const void *in)
{
    (void)in;
    int rc = gn_call_forward(call, NULL, false);
    return rig_say(call, rc == GANTRY_OK ? "fine" : "mended");
}

static int replace(gantry_call *call, const void *in)
{
    (void)in;
    gn_call_forward(call, NULL, false);
    return gn_call_fail(call, "not today");
}

static int answer_alone(gantry_call *call, const void *in)
{
    (void)in;
    return rig_say(call, "alone");
}

static int refuse(gantry_call *call, const void *in)
{
    (void)in;
    return gn_call_fail(call, "no: %s", "because");
}

static int refuse_with_code(gantry_call *call, const void *in)
{
    (void)in;
    return gn_call_refuse(call, -32050, "refused");
}

static int stumble(gantry_call *call, const void *in)
{
    (void)call, (void)in;
    return GANTRY_EIO;
}

static void around(gantry_run_fn run, const char *key, const struct shape_row *rows)
{
    tool = shape_around(tool, key, run, &other.owner, rows, NULL, NULL, 0);
}

/* ---------------------------------------------------------------- passing on */

Test(transform_forward, runs_the_parent_with_its_own_names)
{
    open_rig();
    tool = shape_tool(&r, "echo", echo, 0, NULL);
    around(pass, "around",
           ROWS({.name = "q", .parent_name = "query"},
                {.parent_name = "key", .source = GN_SOURCE_VALUE, .json = "1"}));
    call_with("{\"q\":2}");
    expect(GN_OUT_RESULT, "{\\\"query\\\":2,\\\"key\\\":1}");
    call_with("{\"query\":2}");
    expect(GN_OUT_INVALID, "unknown argument \\\"query\\\"");
    close_rig();
}

Test(transform_forward, passes_on_every_failure_as_it_is)
{
    const struct {
        gantry_run_fn run;
        enum gn_outcome outcome;
        const char *text;
    } cases[] = {
        {refuse, GN_OUT_FAILED, "no: because"},
        {refuse_with_code, GN_OUT_FAILED, "refused"},
        {stumble, GN_OUT_ACCIDENT, "internal error (correlation id "},
    };
    for (size_t i = 0; i < GN_COUNT(cases); i++) {
        open_rig();
        tool = shape_tool(&r, "parent", cases[i].run, 0, NULL);
        around(pass, "inner", NONE);
        around(pass, "outer", NONE);
        rig_start_with(&r, &c, tool, "{}");
        rig_until(&r, &c.finished, 1);
        expect(cases[i].outcome, cases[i].text);
        cr_assert_eq(c.call->error_code, cases[i].run == refuse_with_code ? -32050 : 0);
        rig_end(&c);
        const char *first = strstr(r.logged, "failed:");
        cr_assert_eq(first != NULL, cases[i].run == stumble);
        cr_assert(!first || !strstr(first + 1, "failed:"), "told once: %s", r.logged);
        cr_assert(!first || strstr(r.logged, "test/parent failed: it returned EIO"), "%s",
                  r.logged);
        close_rig();
    }
}

Test(transform_forward, tells_what_the_parent_did_not_take_by_the_names_of_the_tool)
{
    open_rig();
    tool = shape_tool(&r, "parent", echo, 0,
                      "{\"type\":\"object\",\"properties\":{\"limit\":{\"type\":\"integer\"}},"
                      "\"required\":[\"limit\"]}");
    around(pass, "around", ROWS({.name = "n", .parent_name = "limit"}));
    call_with("{\"n\":\"many\"}");
    expect(GN_OUT_INVALID, "/n: ");
    call_with("{}");
    expect(GN_OUT_INVALID, "missing");
    close_rig();
}

static int pass_raw(gantry_call *call, const void *in)
{
    (void)in;
    return gn_call_forward(call, call->arguments, true);
}

Test(transform_forward, tells_no_names_of_hidden_arguments)
{
    const struct {
        gantry_run_fn run;
        const char *arguments;
        enum gn_outcome outcome;
        const char *text;
    } cases[] = {
        {pass, "{}", GN_OUT_INVALID, "missing \\\"n\\\""},
        {pass_raw, "{\"key\":\"k\"}", GN_OUT_INVALID, "missing \\\"limit\\\""},
        {pass_raw, "{\"limit\":\"many\",\"key\":\"k\"}", GN_OUT_INVALID, "/limit: "},
        {pass_raw, "{\"limit\":1}", GN_OUT_ACCIDENT, "internal error"},
        {pass_raw, "{\"limit\":1,\"key\":[]}", GN_OUT_ACCIDENT, "internal error"},
        {pass_raw, "{\"limit\":1,\"key\":\"k\"}", GN_OUT_RESULT, "limit"},
    };
    for (size_t i = 0; i < GN_COUNT(cases); i++) {
        open_rig();
        tool = shape_tool(&r, "parent", echo, 0,
                          "{\"type\":\"object\",\"properties\":{\"limit\":{\"type\":\"integer\"},"
                          "\"key\":{\"type\":\"string\"}},\"required\":[\"limit\",\"key\"]}");
        around(cases[i].run, "around",
               ROWS({.name = "n", .parent_name = "limit"},
                    {.parent_name = "key", .source = GN_SOURCE_VALUE, .json = "\"k\""}));
        call_with(cases[i].arguments);
        expect(cases[i].outcome, cases[i].text);
        cr_expect(cases[i].outcome == GN_OUT_RESULT || !strstr(c.result, "key"), "%s", c.result);
        close_rig();
    }
}

Test(transform_forward, takes_the_blame_for_a_hidden_value)
{
    open_rig();
    tool = shape_tool(&r, "parent", echo, 0,
                      "{\"type\":\"object\",\"properties\":{\"key\":{\"type\":\"integer\"}}}");
    around(pass, "around",
           ROWS({.parent_name = "key", .source = GN_SOURCE_VALUE, .json = "\"hidden\""}));
    call_with("{}");
    expect(GN_OUT_ACCIDENT, "internal error (correlation id ");
    cr_assert_null(strstr(c.result, "hidden"), "%s", c.result);
    cr_assert(strstr(r.logged, "that tool around makes for parent: /key: "), "%s", r.logged);
    close_rig();
}

Test(transform_forward, shows_no_hidden_value_where_all_arguments_are_wrong_together)
{
    open_rig();
    tool = shape_tool(&r, "parent", echo, 0,
                      "{\"anyOf\":[{\"required\":[\"x\"]},{\"maxProperties\":0}]}");
    around(pass, "around",
           ROWS({.parent_name = "key", .source = GN_SOURCE_VALUE, .json = "\"s3cret\""}));
    call_with("{}");
    cr_assert_neq(c.outcome, GN_OUT_RESULT);
    cr_assert_null(strstr(c.result, "s3cret"), "%s", c.result);
    cr_assert_null(strstr(r.logged, "s3cret"), "%s", r.logged);
    close_rig();
}

Test(transform_forward, may_make_a_result_of_a_failure_and_a_failure_of_a_result)
{
    open_rig();
    tool = shape_tool(&r, "parent", refuse, 0, NULL);
    around(swallow, "around", NONE);
    call_with("{}");
    expect(GN_OUT_RESULT, "mended");
    cr_assert_null(strstr(c.result, "because"), "%s", c.result);
    around(replace, "again", NONE);
    call_with("{}");
    expect(GN_OUT_FAILED, "not today");
    cr_assert_null(strstr(c.result, "mended"), "%s", c.result);
    around(answer_alone, "alone", NONE);
    call_with("{}");
    expect(GN_OUT_RESULT, "alone");
    close_rig();
}

static int add_and_reshape(gantry_call *call, const void *in)
{
    struct gn_error err = {0};
    (void)in;
    cr_assert_null(gn_call_result(call));
    int rc = gn_call_forward(call, NULL, false);
    if (rc)
        return rc;
    cr_assert_eq(rig_say(call, "added"), GANTRY_OK);
    const gantry_json *result = gn_call_result(call);
    cr_assert_eq(gn_json_count(gn_json_get(result, "content")), 2);
    const char text[] = "{\"content\":[{\"type\":\"text\",\"text\":\"whole\"}]}";
    result = gn_json_parse_arena(&call->arena, text, strlen(text), NULL);
    cr_assert_eq(gn_call_set_result(call, result, &err), GANTRY_OK);
    return GANTRY_OK;
}

Test(transform_forward, may_see_and_replace_the_result)
{
    open_rig();
    tool = shape_tool(&r, "parent", echo, 0, NULL);
    around(add_and_reshape, "around", NONE);
    call_with("{}");
    expect(GN_OUT_RESULT, "whole");
    cr_assert_null(strstr(c.result, "added"), "%s", c.result);
    close_rig();
}

static int thrice(gantry_call *call, const void *in)
{
    int rc = GANTRY_OK;
    (void)in;
    for (int i = 0; i < 3 && !rc; i++) {
        char text[32];
        int len = snprintf(text, sizeof text, "{\"n\":%d}", i);
        const gantry_json *args = gn_json_parse_arena(&call->arena, text, (size_t)len, NULL);
        rc = gn_call_forward(call, args, i == 2);
    }
    return rc;
}

Test(transform_forward, may_run_the_parent_again_and_by_its_own_names)
{
    open_rig();
    tool = shape_tool(&r, "parent", echo, 0, NULL);
    around(thrice, "around",
           ROWS({.name = "n", .parent_name = "limit"},
                {.parent_name = "key", .source = GN_SOURCE_VALUE, .json = "\"v\""}));
    call_with("{}");
    expect(GN_OUT_RESULT, "{\\\"n\\\":2}");
    cr_assert_null(strstr(c.result, "limit"), "only the last result counts: %s", c.result);
    close_rig();
}

typedef struct {
    int64_t times;
} own_rows;

static int use_rows(gantry_call *call, const void *in)
{
    const own_rows *rows = in;
    cr_assert_eq(rows->times, 3);
    cr_assert_not_null(gn_json_get(call->arguments, "times"));
    return gn_call_forward(call, NULL, false);
}

Test(transform_forward, binds_the_rows_of_the_function_and_keeps_its_arguments_to_itself)
{
    const gantry_arg args[] = {GANTRY_ARG(own_rows, times, "How often"), GANTRY_ARGS_END};
    open_rig();
    tool = shape_tool(&r, "parent", echo, 0,
                      "{\"type\":\"object\",\"properties\":{\"query\":{}},"
                      "\"additionalProperties\":false}");
    tool = shape_around(tool, "around", use_rows, &other.owner,
                        ROWS({.name = "times"}, {.name = "q", .parent_name = "query"}),
                        "{\"type\":\"object\",\"properties\":{\"q\":{},\"times\":{\"type\":"
                        "\"integer\"}},\"required\":[\"times\"],\"additionalProperties\":false}",
                        args, sizeof(own_rows));
    call_with("{\"times\":\"3\",\"q\":1}");
    expect(GN_OUT_RESULT, "{\\\"query\\\":1}");
    call_with("{\"q\":1}");
    expect(GN_OUT_INVALID, "times");
    tool = shape_made(tool, "outer", ROWS({.name = "count", .parent_name = "times"}), NULL);
    call_with("{\"count\":3,\"q\":1}");
    expect(GN_OUT_RESULT, "{\\\"query\\\":1}");
    close_rig();
}

Test(transform_forward, checks_the_output_of_the_parent)
{
    open_rig();
    tool = shape_tool(&r, "parent", echo, GANTRY_OUTPUT_STRICT, NULL);
    cr_assert_eq(gn_schema_compile("{\"type\":\"object\"}", 17, NULL, &tool->output_schema, NULL),
                 0);
    tool->output_text = gn_strdup("{\"type\":\"object\"}");
    around(swallow, "around", NONE);
    tool->output_schema = NULL;
    tool->output_text = NULL;
    call_with("{}");
    expect(GN_OUT_RESULT, "mended");
    cr_assert(strstr(r.logged, "test/parent failed: it has an output schema"), "%s", r.logged);
    close_rig();
}

/* ---------------------------------------------------------------- where it may not be called */

static int try_to_forward(gantry_call *call, const void *in)
{
    (void)in;
    return rig_say(call, gn_call_forward(call, NULL, false) == GANTRY_EPERM ? "may not" : "may");
}

static int forward_in_middleware(gantry_call *call)
{
    cr_assert_not(gn_call_is_around(call));
    cr_assert_eq(gn_call_forward(call, NULL, false), GANTRY_EPERM);
    return gn_call_next(call);
}

static void put_around(int (*run)(gantry_call *call))
{
    struct gn_middleware *m = gn_middleware_new("m");
    m->owner = &r.owner;
    m->hooks = GANTRY_ON_CALL_TOOL;
    m->run = run;
    gn_around_replace(&r.env, &r.owner, &m, 1);
    gn_middleware_unref(m);
}

Test(transform_forward, is_for_functions_around_tools_only)
{
    open_rig();
    tool = shape_tool(&r, "parent", try_to_forward, 0, NULL);
    call_with("{}");
    expect(GN_OUT_RESULT, "may not");
    tool = shape_made(tool, "plain", ROWS({.name = "a", .parent_name = "b"}), NULL);
    call_with("{}");
    expect(GN_OUT_RESULT, "may not");
    put_around(forward_in_middleware);
    around(pass, "around", NONE);
    call_with("{}");
    expect(GN_OUT_RESULT, "may not");
    close_rig();
}

Test(transform_forward, is_capped_in_all)
{
    open_rig();
    tool = shape_tool(&r, "parent", echo, 0, NULL);
    for (int i = 0; i < GN_CALL_MAX_DEPTH; i++)
        around(pass, "deep", NONE);
    call_with("{}");
    expect(GN_OUT_RESULT, "{}");
    around(pass, "deeper", NONE);
    call_with("{}");
    expect(GN_OUT_FAILED, "nested too deep");
    close_rig();
}

static uint32_t deepest;

static int call_itself(gantry_call *call, const void *in)
{
    struct gn_call *child;
    enum gn_outcome outcome;
    (void)in;
    deepest = GN_MAX(deepest, gn_call_depth(call));
    int rc = gn_call_nested(call, tool, NULL, NULL, &child, &outcome);
    if (rc == GN_ETOOBIG)
        return rig_say(call, "the end");
    const char *said = outcome == GN_OUT_RESULT ? child->result.first->text : child->failure;
    rig_say(call, said);
    gn_call_unref(child);
    return GANTRY_OK;
}

Test(transform_forward, is_capped_together_with_nested_calls)
{
    open_rig();
    tool = shape_tool(&r, "parent", call_itself, 0, NULL);
    around(pass, "around", NONE);
    call_with("{}");
    expect(GN_OUT_RESULT, "nested too deep");
    cr_assert_eq(deepest, GN_CALL_MAX_DEPTH - 1, "%u", deepest);
    close_rig();
}

/* ---------------------------------------------------------------- who is held */

static struct gn_component *standing; /* what stands in the place of the tool */
static int asked_for;

static struct gn_component *remade(struct gn_registry *registry, const struct gn_component *made)
{
    (void)registry;
    cr_assert_str_eq(made->key, "around");
    asked_for++;
    return standing;
}

static int say_new(gantry_call *call, const void *in)
{
    (void)in;
    return rig_say(call, "the new one");
}

Test(transform_forward, runs_the_parent_that_stands_there_now)
{
    open_rig();
    r.env.remade = remade;
    struct gn_component *old = shape_tool(&r, "parent", echo, 0, NULL);
    tool = old;
    around(pass, "around", NONE);
    struct gn_component *mine = tool;
    tool = shape_tool(&r, "parent", say_new, 0, NULL);
    around(pass, "around", ROWS({.name = "q", .parent_name = "query"}));
    standing = tool;
    tool = mine;
    call_with("{}");
    expect(GN_OUT_RESULT, "the new one");
    gn_component_unref(standing);
    standing = NULL;
    call_with("{}");
    expect(GN_OUT_FAILED, "tool around: the tool that it is made of is not there any more");
    cr_assert_eq(asked_for, 2);
    close_rig();
}

static int look_who_is_held(gantry_call *call, const void *in)
{
    struct gn_owner *runs;
    (void)in;
    cr_assert_gt(r.held, 0);
    cr_assert_gt(other.held, 0);
    cr_assert(gn_call_uses(call, &r.owner));
    cr_assert(gn_call_uses(call, &other.owner));
    cr_assert(gn_call_owner_at(call, 0, &runs));
    cr_assert_eq(runs, &r.owner);
    cr_assert(gn_call_owner_at(call, 1, &runs));
    cr_assert_eq(runs, &other.owner);
    cr_assert_not(gn_call_owner_at(call, 2, &runs));
    cr_assert_str_eq(gn_call_label(call), "test/parent");
    return rig_say(call, gn_call_is_replayable(call) ? "replayable" : "not replayable");
}

Test(transform_forward, holds_both_owners_while_the_parent_runs)
{
    open_rig();
    tool = shape_tool(&r, "parent", look_who_is_held, GANTRY_REPLAY, NULL);
    around(pass, "around", NONE);
    call_with("{}");
    expect(GN_OUT_RESULT, "not replayable");
    tool->flags |= GANTRY_REPLAY;
    call_with("{}");
    expect(GN_OUT_RESULT, "\"replayable");
    cr_assert_eq(r.held, 0);
    close_rig();
}

/* ---------------------------------------------------------------- threads, time */

static int say_where(gantry_call *call, const void *in)
{
    (void)in;
    return rig_say(call, gn_task_is_worker(call->task) ? "on a worker" : "on the loop");
}

static int on_loop_then_pass(gantry_call *call, const void *in)
{
    (void)in;
    struct gn_task *task = call->task;
    int rc = gn_call_forward(call, NULL, false);
    cr_assert_eq(call->task, task);
    cr_assert_not(gn_task_is_worker(task));
    return rc;
}

Test(transform_forward, runs_a_blocking_parent_on_a_worker)
{
    open_rig();
    tool = shape_tool(&r, "parent", say_where, GANTRY_BLOCKING, NULL);
    around(on_loop_then_pass, "around", NONE);
    call_with("{}");
    expect(GN_OUT_RESULT, "on a worker");
    put_around(gn_call_next);
    call_with("{}");
    expect(GN_OUT_RESULT, "on a worker");
    close_rig();
}

static struct gn_component *target;

static int call_target(gantry_call *call, const void *in)
{
    char text[256];
    (void)in;
    enum gn_outcome outcome = rig_nested(call, target, text, sizeof text);
    return outcome == GN_OUT_RESULT ? rig_say(call, text) : GANTRY_EIO;
}

Test(transform_forward, works_in_nested_calls_of_both_kinds)
{
    for (int i = 0; i < 4; i++) {
        open_rig();
        uint32_t blocks = i & 1 ? GANTRY_BLOCKING : 0, caller_blocks = i & 2 ? GANTRY_BLOCKING : 0;
        tool = shape_tool(&r, "parent", say_where, blocks, NULL);
        around(on_loop_then_pass, "around", NONE);
        target = tool;
        tool = shape_tool(&r, "caller", call_target, caller_blocks, NULL);
        call_with("{}");
        expect(GN_OUT_RESULT, blocks ? "on a worker" : "on the loop");
        gn_component_unref(target);
        close_rig();
    }
}

static int parent_ended, parent_rc;

static int wait_long(gantry_call *call, const void *in)
{
    (void)in;
    parent_rc = gn_task_sleep(call->task, 60000);
    __atomic_fetch_add(&parent_ended, 1, __ATOMIC_RELEASE);
    return GANTRY_ECANCELED;
}

static int function_rc;

static int pass_and_note(gantry_call *call, const void *in)
{
    (void)in;
    function_rc = gn_call_forward(call, NULL, false);
    cr_assert(gn_task_is_cancelled(call->task));
    return function_rc;
}

static void cancel_one(uint32_t flags, bool in_middleware)
{
    open_rig();
    parent_ended = 0;
    tool = shape_tool(&r, "parent", wait_long, flags, NULL);
    around(pass_and_note, "around", NONE);
    if (in_middleware)
        put_around(gn_call_next);
    rig_start_with(&r, &c, tool, "{}");
    for (int i = 0; i < 20; i++)
        uv_run(&r.uv, UV_RUN_NOWAIT);
    gn_call_cancel(c.call);
    rig_until(&r, &parent_ended, 1);
    while (c.call->running)
        uv_run(&r.uv, UV_RUN_ONCE);
    cr_assert_eq(c.outcome, GN_OUT_CANCELED);
    cr_assert_eq(parent_rc, GN_ECANCELED);
    cr_assert_eq(function_rc, GANTRY_ECANCELED);
    cr_assert_null(strstr(r.logged, "failed"), "%s", r.logged);
    rig_end(&c);
    close_rig();
}

Test(transform_forward, is_cancelled_through_the_function)
{
    cancel_one(0, false);
    cancel_one(0, true);
}

static int started;

static int wait_on_worker(gantry_call *call, const void *in)
{
    __atomic_fetch_add(&started, 1, __ATOMIC_RELEASE);
    return wait_long(call, in);
}

Test(transform_forward, cancels_a_blocking_parent)
{
    for (int i = 0; i < 2; i++) {
        open_rig();
        parent_ended = started = 0;
        tool = shape_tool(&r, "parent", wait_on_worker, GANTRY_BLOCKING, NULL);
        around(pass_and_note, "around", NONE);
        if (i)
            put_around(gn_call_next);
        rig_start_with(&r, &c, tool, "{}");
        rig_until(&r, &started, 1);
        gn_call_cancel(c.call);
        rig_until(&r, &parent_ended, 1);
        while (c.call->running)
            uv_run(&r.uv, UV_RUN_ONCE);
        cr_assert_eq(parent_rc, GN_ECANCELED);
        cr_assert_eq(function_rc, GANTRY_ECANCELED);
        rig_end(&c);
        close_rig();
    }
}

Test(transform_forward, ends_at_the_deadline_of_the_call)
{
    open_rig();
    parent_ended = 0;
    tool = shape_tool(&r, "parent", wait_long, 0, NULL);
    around(pass_and_note, "around", NONE);
    tool->timeout_ms = 30;
    rig_start_with(&r, &c, tool, "{}");
    rig_until(&r, &c.finished, 1);
    rig_until(&r, &parent_ended, 1);
    while (c.call->running)
        uv_run(&r.uv, UV_RUN_ONCE);
    cr_assert_eq(c.outcome, GN_OUT_TIMEOUT);
    rig_end(&c);
    close_rig();
}

/* ---------------------------------------------------------------- locks, verdicts of middlewares
 */

static struct gantry_mutex inner_lock, outer_lock;

static void lock(gantry_call *call, struct gantry_mutex *m)
{
    cr_assert_eq(gn_mutex_lock(&m->mutex, call->task), 0);
    m->level = call->around_at;
    gn_list_append(&call->locks, &m->call_node);
}

static int lock_and_leave(gantry_call *call, const void *in)
{
    (void)in;
    lock(call, &inner_lock);
    return rig_say(call, "locked");
}

static int lock_and_pass(gantry_call *call, const void *in)
{
    (void)in;
    lock(call, &outer_lock);
    int rc = gn_call_forward(call, NULL, false);
    cr_assert_null(inner_lock.mutex.owner, "the parent's was released at its level");
    cr_assert_eq(outer_lock.mutex.owner, call->task, "the function's was not");
    gn_list_remove(&outer_lock.call_node);
    gn_mutex_unlock(&outer_lock.mutex, call->task);
    return rc;
}

Test(transform_forward, releases_locks_at_the_level_of_the_parent)
{
    for (int i = 0; i < 2; i++) {
        open_rig();
        gn_mutex_init(&inner_lock.mutex, r.loop);
        gn_mutex_init(&outer_lock.mutex, r.loop);
        gn_list_init(&inner_lock.call_node);
        gn_list_init(&outer_lock.call_node);
        tool = shape_tool(&r, "parent", lock_and_leave, i ? GANTRY_BLOCKING : 0, NULL);
        around(lock_and_pass, "around", NONE);
        put_around(gn_call_next);
        call_with("{}");
        expect(GN_OUT_RESULT, "locked");
        cr_assert(strstr(r.logged, "test/parent returned without gantry_unlock"), "%s", r.logged);
        gn_mutex_fini(&inner_lock.mutex);
        gn_mutex_fini(&outer_lock.mutex);
        close_rig();
    }
}

static int verdict_seen, code_seen;

static int note_verdict(gantry_call *call)
{
    int rc = gn_call_next(call);
    verdict_seen = (int)call->verdict;
    code_seen = rc;
    return rc;
}

Test(transform_forward, tells_middlewares_the_verdict_of_the_function)
{
    open_rig();
    put_around(note_verdict);
    tool = shape_tool(&r, "parent", refuse, 0, NULL);
    around(pass, "around", NONE);
    call_with("{}");
    expect(GN_OUT_FAILED, "no: because");
    cr_assert_eq(verdict_seen, GN_OUT_FAILED);
    cr_assert_eq(code_seen, GANTRY_EFAILED);
    around(swallow, "again", NONE);
    call_with("{}");
    expect(GN_OUT_RESULT, "mended");
    cr_assert_eq(verdict_seen, GN_OUT_RESULT);
    cr_assert_eq(code_seen, GANTRY_OK);
    close_rig();
}

static int retry(gantry_call *call)
{
    gn_call_next(call);
    return gn_call_next(call);
}

Test(transform_forward, is_tried_again_by_a_middleware)
{
    open_rig();
    put_around(retry);
    tool = shape_tool(&r, "parent", echo, 0, NULL);
    around(pass, "around", ROWS({.name = "q", .parent_name = "query"}));
    call_with("{\"q\":1}");
    expect(GN_OUT_RESULT, "\"{\\\"query\\\":1}\"");
    close_rig();
}

/* ---------------------------------------------------------------- questions */

static int is_anything(struct gn_question *q, const gantry_json *result, struct gn_error *err)
{
    (void)q, (void)result, (void)err;
    return 0;
}

static int ask(gantry_call *call, const void *in)
{
    struct gn_question q = {.key = "sure",
                            .method = "elicitation/create",
                            .params = "{}",
                            .params_len = 2,
                            .check = is_anything};
    struct gn_question *v[] = {&q};
    (void)in;
    int rc = gn_call_ask(call, v, 1);
    return rc ? GANTRY_EIO : rig_say_json(call, q.result);
}

static int questions, replayable;

static int sink_ask(struct gn_call *call)
{
    questions++;
    replayable = gn_call_is_replayable(call);
    return 0;
}

static int ends;
static enum gn_outcome last;
static char said[256];

static void sink_finished(struct gn_call *call, enum gn_outcome outcome)
{
    ends++;
    last = outcome;
    snprintf(said, sizeof said, "%s", call->result.first ? call->result.first->text : "");
}

static const struct gn_call_ops sink = {.finished = sink_finished, .ask = sink_ask};

Test(transform_forward, lets_the_parent_ask_its_client)
{
    for (int i = 0; i < 2; i++) {
        open_rig();
        questions = ends = 0;
        tool = shape_tool(&r, "parent", ask, GANTRY_REPLAY, NULL);
        around(pass, "around", NONE);
        if (i)
            tool->flags |= GANTRY_REPLAY;
        struct gn_call *call = gn_call_new(&r.env, &sink, NULL);
        call->revision = GN_REV_LATEST;
        call->method = "tools/call";
        call->component = tool;
        gn_call_start(call);
        rig_until(&r, &questions, 1);
        cr_assert_eq(replayable, i, "both must be");
        cr_assert(gn_asking_can_park(call));
        struct gn_question *q = gn_asking_find(call, "sure");
        cr_assert_not_null(q);
        const gantry_json *yes = gn_json_parse_arena(&call->arena, "\"yes\"", 5, NULL);
        gn_ask_answer(call, q, yes, true);
        cr_assert(gn_asking_settle(call));
        rig_until(&r, &ends, 1);
        cr_assert_eq(last, GN_OUT_RESULT);
        cr_assert_str_eq(said, "\"yes\"");
        gn_call_unref(call);
        close_rig();
    }
}
