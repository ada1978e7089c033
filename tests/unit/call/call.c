/* Unit tests of the call floor: handlers calling handlers, deadlines, locks left behind, results.
 */
#include "call/call.h"

#include "call/mutex.h"
#include "support.h"
#include "util/alloc.h"
#include "util/clock.h"

#include <criterion/criterion.h>
#include <string.h>

GN_SUITE(call);

#define DEADLINE_MS 10000

static uv_loop_t uv;
static struct gn_loop *loop;
static struct gn_call_env env;
static int held; /* references to the owner */
static struct gn_work_group group;
static int finished;
static enum gn_outcome last_outcome;
static char last_result[65536];
static char last_log[1024];

static void owner_ref(struct gn_owner *o)
{
    (void)o;
    held++;
}

static void owner_unref(struct gn_owner *o)
{
    (void)o;
    held--;
}

static struct gn_owner owner = {
    .ref = owner_ref, .unref = owner_unref, .name = "test", .group = &group};

static void open_loop(void)
{
    uv_loop_init(&uv);
    loop = gn_loop_new(&uv, NULL, NULL);
    env = (struct gn_call_env){.loop = loop};
    gn_list_init(&env.calls);
    held = finished = 0;
}

static void note_log(struct gn_log *log, enum gn_level level, const char *component,
                     const struct gn_log_field *fields, size_t field_count, const char *text)
{
    (void)log;
    (void)level;
    (void)component;
    (void)fields;
    (void)field_count;
    snprintf(last_log, sizeof last_log, "%s", text);
}

static void note_closed(void *arg)
{
    *(bool *)arg = true;
}

static void close_loop(void)
{
    bool closed = false;
    cr_assert_eq(env.alive, 0);
    cr_assert_eq(held, 0);
    gn_loop_close(loop, 1000, note_closed, &closed);
    uv_run(&uv, UV_RUN_DEFAULT);
    cr_assert(closed);
    cr_assert_eq(uv_loop_close(&uv), 0);
}

static void tick(uv_timer_t *t)
{
    (void)t;
}

static void run_until(const int *counter, int want)
{
    uv_timer_t timer;
    uint64_t deadline = gn_clock_ms() + DEADLINE_MS;
    uv_timer_init(&uv, &timer);
    uv_timer_start(&timer, tick, 5, 5);
    while (__atomic_load_n(counter, __ATOMIC_RELAXED) < want) {
        cr_assert_lt(gn_clock_ms(), deadline, "waited too long");
        uv_run(&uv, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&uv, UV_RUN_NOWAIT);
}

static void on_finished(struct gn_call *call, enum gn_outcome outcome)
{
    struct gn_buf buf = GN_BUF_INIT(sizeof last_result - 1);
    struct gn_jw w;
    finished++;
    last_outcome = outcome;
    gn_jw_init(&w, &buf);
    gn_jw_object(&w, NULL);
    gn_result_write_tool(call, outcome, &w);
    gn_jw_end(&w);
    snprintf(last_result, sizeof last_result, "%s", gn_buf_str(&buf));
    gn_buf_release(&buf);
}

static const struct gn_call_ops ops = {.finished = on_finished};

static struct gn_component *component(const char *key, gantry_run_fn run, uint32_t flags)
{
    struct gn_component *c = gn_component_new(GN_TOOL);
    c->key = gn_strdup(key);
    c->name = gn_strdup(key);
    c->run = run;
    c->flags = flags;
    c->owner = &owner;
    return c;
}

static struct gn_call *start(struct gn_component *c, enum gn_revision revision)
{
    struct gn_call *call = gn_call_new(&env, &ops, NULL);
    call->revision = revision;
    call->method = "tools/call";
    call->component = c;
    gn_call_start(call);
    return call;
}

static int say(gantry_call *call, const char *text)
{
    struct gn_content content = {.kind = GN_CONTENT_TEXT, .text = text, .len = strlen(text)};
    return gn_call_add(call, &content);
}

/* ---------------------------------------------------------------- nested calls */

static struct gn_component *inner;
static bool inner_on_worker, inner_waited;

static int run_inner(gantry_call *call, const void *in)
{
    (void)in;
    inner_on_worker = gn_task_is_worker(call->task);
    inner_waited = gn_task_sleep(call->task, 1) == 0;
    return say(call, "from inside");
}

static int unref_child(gantry_call *call, struct gn_call *child)
{
    gn_task_on_loop(call->task, (void (*)(void *))gn_call_unref, child);
    return 0;
}

static int run_outer(gantry_call *call, const void *in)
{
    (void)in;
    struct gn_call *child;
    enum gn_outcome outcome;
    int rc = gn_call_nested(call, inner, NULL, NULL, &child, &outcome);
    if (rc)
        return GANTRY_ETOOBIG;
    const char *text = child->result.first ? child->result.first->text : "nothing";
    rc = outcome == GN_OUT_RESULT ? say(call, text)
                                  : gn_call_fail(call, "inner ended with %d", (int)outcome);
    unref_child(call, child);
    return rc;
}

static void nest(uint32_t outer_flags, uint32_t inner_flags)
{
    open_loop();
    inner = component("inner", run_inner, inner_flags);
    struct gn_component *outer = component("outer", run_outer, outer_flags);
    struct gn_call *call = start(outer, GN_REV_LATEST);
    run_until(&finished, 1);
    cr_assert_eq(last_outcome, GN_OUT_RESULT, "%s", last_result);
    cr_assert(strstr(last_result, "from inside"), "%s", last_result);
    cr_assert(inner_waited);
    cr_assert_eq(inner_on_worker, (inner_flags & GANTRY_BLOCKING) != 0);
    gn_call_unref(call);
    uv_run(&uv, UV_RUN_NOWAIT);
    gn_component_unref(inner);
    gn_component_unref(outer);
    close_loop();
}

Test(call, a_coroutine_calls_a_coroutine)
{
    nest(0, 0);
}

Test(call, a_coroutine_calls_a_blocking_handler)
{
    nest(0, GANTRY_BLOCKING);
}

Test(call, a_blocking_handler_calls_a_coroutine)
{
    nest(GANTRY_BLOCKING, 0);
}

Test(call, a_blocking_handler_calls_a_blocking_handler_on_its_own_worker)
{
    nest(GANTRY_BLOCKING, GANTRY_BLOCKING);
}

static int asked;

static bool hold_all(struct gn_owner *o, gantry_call *call)
{
    (void)o;
    (void)call;
    asked++;
    return true;
}

static int run_outer_while_held(gantry_call *call, const void *in)
{
    owner.hold = hold_all;
    return run_outer(call, in);
}

Test(call, an_owner_that_holds_calls_back_lets_nested_ones_through)
{
    open_loop();
    inner = component("inner", run_inner, GANTRY_BLOCKING);
    struct gn_component *outer = component("outer", run_outer_while_held, 0);
    struct gn_call *call = start(outer, GN_REV_LATEST);
    run_until(&finished, 1);
    owner.hold = NULL;
    cr_assert_eq(asked, 0);
    cr_assert(strstr(last_result, "from inside"), "%s", last_result);
    gn_call_unref(call);
    uv_run(&uv, UV_RUN_NOWAIT);
    gn_component_unref(inner);
    gn_component_unref(outer);
    close_loop();
}

static int run_nothing(gantry_call *call, const void *in)
{
    (void)call;
    (void)in;
    return GANTRY_OK;
}

Test(call, choices_beyond_a_hundred_are_counted_and_not_sent)
{
    enum { CHOICES = 150 };
    open_loop();
    struct gn_component *c = component("many", run_nothing, 0);
    char names[CHOICES][8], *one_of[CHOICES + 1] = {NULL};
    struct gn_field field = {.name = (char[]){"arg"}, .type = GANTRY_T_STRING, .one_of = one_of};
    struct gn_fields fields = {.count = 1, .v = &field};
    for (int i = 0; i < CHOICES; i++) {
        snprintf(names[i], sizeof names[i], "n%03d", i);
        one_of[i] = names[i];
    }
    c->input = &fields;
    struct gn_call *call = gn_call_new(&env, &ops, NULL);
    call->component = c;
    call->argument_name = "arg";
    call->argument_value = "n";
    gn_call_start_completion(call);
    struct gn_buf buf = GN_BUF_INIT(1u << 20);
    struct gn_jw w;
    gn_jw_init(&w, &buf);
    gn_jw_object(&w, NULL);
    gn_result_write_completion(call, &w);
    gn_jw_end(&w);
    cr_assert(strstr(gn_buf_str(&buf), "\"n099\"],\"total\":150,\"hasMore\":true"), "%s",
              gn_buf_str(&buf));
    gn_buf_release(&buf);
    gn_call_unref(call);
    c->input = NULL;
    gn_component_unref(c);
    close_loop();
}

static int deepest;

static int run_recursive(gantry_call *call, const void *in)
{
    (void)in;
    struct gn_call *child;
    enum gn_outcome outcome;
    deepest = GN_MAX(deepest, (int)call->depth);
    int rc = gn_call_nested(call, inner, NULL, NULL, &child, &outcome);
    if (rc == GN_ETOOBIG)
        return say(call, "deep enough");
    unref_child(call, child);
    return outcome == GN_OUT_RESULT ? say(call, "on the way up") : GANTRY_EIO;
}

Test(call, nesting_ends_at_sixteen_on_a_coroutines_stack_and_on_a_worker)
{
    static const uint32_t flags[] = {0, GANTRY_BLOCKING};
    for (size_t i = 0; i < GN_COUNT(flags); i++) {
        open_loop();
        deepest = 0;
        inner = component("recursive", run_recursive, flags[i]);
        struct gn_call *call = start(inner, GN_REV_LATEST);
        run_until(&finished, 1);
        cr_assert_eq(last_outcome, GN_OUT_RESULT);
        cr_assert_eq(deepest, GN_CALL_MAX_DEPTH);
        gn_call_unref(call);
        uv_run(&uv, UV_RUN_NOWAIT);
        gn_component_unref(inner);
        close_loop();
    }
}

static int entered;

static int run_forever(gantry_call *call, const void *in)
{
    (void)in;
    __atomic_fetch_add(&entered, 1, __ATOMIC_RELAXED); /* perhaps on a worker */
    return gn_task_sleep(call->task, 1000000) == GN_ECANCELED ? GANTRY_ECANCELED : GANTRY_OK;
}

Test(call, cancelling_the_outer_call_ends_the_inner_one)
{
    static const uint32_t pairs[][2] = {
        {0, 0}, {0, GANTRY_BLOCKING}, {GANTRY_BLOCKING, 0}, {GANTRY_BLOCKING, GANTRY_BLOCKING}};
    for (size_t i = 0; i < GN_COUNT(pairs); i++) {
        open_loop();
        entered = 0;
        inner = component("inner", run_forever, pairs[i][1]);
        struct gn_component *outer = component("outer", run_outer, pairs[i][0]);
        struct gn_call *call = start(outer, GN_REV_LATEST);
        run_until(&entered, 1);
        gn_call_cancel(call);
        cr_assert_eq(last_outcome, GN_OUT_CANCELED);
        gn_call_unref(call);
        while (env.alive > 0)
            uv_run(&uv, UV_RUN_ONCE);
        gn_component_unref(inner);
        gn_component_unref(outer);
        close_loop();
    }
}

/* ---------------------------------------------------------------- ends */

static int run_stubborn(gantry_call *call, const void *in)
{
    (void)in;
    (void)gn_task_shield(call->task, 5000);
    gn_task_sleep(call->task, 60);
    __atomic_fetch_add(&entered, 1, __ATOMIC_RELAXED); /* perhaps on a worker */
    return say(call, "too late");
}

Test(call, a_handler_that_does_not_listen_is_answered_for_at_its_deadline)
{
    open_loop();
    entered = 0;
    struct gn_component *c = component("stubborn", run_stubborn, 0);
    c->timeout_ms = 10;
    struct gn_call *call = start(c, GN_REV_LATEST);
    run_until(&finished, 1);
    cr_assert_eq(last_outcome, GN_OUT_TIMEOUT);
    cr_assert_eq(entered, 0);
    cr_assert_eq(held, 1, "the plugin must stay while its code runs");
    run_until(&entered, 1);
    uv_run(&uv, UV_RUN_NOWAIT);
    cr_assert_eq(finished, 1);
    gn_call_unref(call);
    gn_component_unref(c);
    close_loop();
}

static gantry_mutex mutex;

static int run_forgetful(gantry_call *call, const void *in)
{
    (void)in;
    int rc = gn_mutex_lock(&mutex.mutex, call->task);
    gn_list_append(&call->locks, &mutex.call_node);
    return rc ? GANTRY_EIO : say(call, "locked");
}

Test(call, a_lock_left_behind_is_released)
{
    open_loop();
    gn_mutex_init(&mutex.mutex, loop);
    gn_list_init(&mutex.call_node);
    static const uint32_t flags[] = {0, GANTRY_BLOCKING, 0};
    for (size_t i = 0; i < GN_COUNT(flags); i++) {
        struct gn_component *c = component("forgetful", run_forgetful, flags[i]);
        struct gn_call *call = start(c, GN_REV_LATEST);
        run_until(&finished, (int)i + 1);
        cr_assert_eq(last_outcome, GN_OUT_RESULT);
        gn_call_unref(call);
        uv_run(&uv, UV_RUN_NOWAIT);
        gn_component_unref(c);
    }
    gn_mutex_fini(&mutex.mutex);
    close_loop();
}

static int run_fails_and_goes_on(gantry_call *call, const void *in)
{
    (void)in;
    gn_call_fail(call, "on purpose");
    return say(call, "all the same");
}

static int run_returns_seven(gantry_call *call, const void *in)
{
    (void)in;
    (void)say(call, "seven");
    return 7;
}

Test(call, a_failure_that_is_not_returned_is_one_all_the_same)
{
    open_loop();
    struct gn_component *c = component("fails", run_fails_and_goes_on, 0);
    struct gn_call *call = start(c, GN_REV_LATEST);
    run_until(&finished, 1);
    cr_assert_eq(last_outcome, GN_OUT_FAILED);
    cr_assert(strstr(last_result, "on purpose"), "%s", last_result);
    gn_call_unref(call);
    gn_component_unref(c);
    close_loop();
}

static int run_too_big(gantry_call *call, const void *in)
{
    (void)call;
    (void)in;
    return GANTRY_ETOOBIG;
}

Test(call, a_result_over_the_limit_says_so)
{
    open_loop();
    struct gn_component *c = component("big", run_too_big, 0);
    struct gn_call *call = start(c, GN_REV_LATEST);
    run_until(&finished, 1);
    cr_assert_eq(last_outcome, GN_OUT_FAILED);
    cr_assert(strstr(last_result, "over this server's limit"), "%s", last_result);
    gn_call_unref(call);
    gn_component_unref(c);
    close_loop();
}

Test(call, a_code_that_is_none_is_an_accident)
{
    struct gn_log log = {.level = GN_DEBUG, .write = note_log};
    open_loop();
    env.log = &log;
    struct gn_component *c = component("seven", run_returns_seven, 0);
    struct gn_call *call = start(c, GN_REV_LATEST);
    run_until(&finished, 1);
    cr_assert_eq(last_outcome, GN_OUT_ACCIDENT);
    cr_assert(strstr(last_result, "correlation id"), "%s", last_result);
    cr_assert(strstr(last_log, "failed: it returned an unknown code (7), correlation id "), "%s",
              last_log);
    gn_call_unref(call);
    gn_component_unref(c);
    close_loop();
}

static int run_without_result(struct gantry_call *call, const void *in)
{
    (void)call;
    (void)in;
    return GANTRY_OK;
}

Test(call, a_promised_structure_that_is_missing_is_an_accident)
{
    struct gn_log log = {.level = GN_DEBUG, .write = note_log};
    open_loop();
    env.log = &log;
    env.output_check = GN_OUTPUT_STRICT;
    struct gn_component *c = component("vague", run_without_result, 0);
    c->output_text = gn_strdup("{\"type\":\"object\"}");
    struct gn_call *call = start(c, GN_REV_LATEST);
    run_until(&finished, 1);
    cr_assert_eq(last_outcome, GN_OUT_ACCIDENT);
    cr_assert(
        strstr(last_log, "failed: it has an output schema but returned no structured output,"),
        "%s", last_log);
    gn_call_unref(call);
    gn_component_unref(c);
    close_loop();
}

static int run_misfit(struct gantry_call *call, const void *in)
{
    (void)in;
    call->result.structured = "{\"n\":\"many\",\"m\":1}";
    call->result.structured_len = strlen(call->result.structured);
    return GANTRY_OK;
}

/* A tool whose output never fits. */
static struct gn_component *misfit(gantry_run_fn run, uint32_t flags)
{
    static const char schema[] =
        "{\"type\":\"object\",\"required\":[\"n\"],\"properties\":{\"n\":{\"type\":\"integer\"}}}";
    struct gn_component *c = component("misfit", run, flags);
    c->output_text = gn_strdup(schema);
    cr_assert_eq(gn_schema_compile(schema, strlen(schema), NULL, &c->output_schema, NULL), 0);
    return c;
}

static uint32_t told; /* lines at warning */

static void count_warnings(struct gn_log *log, enum gn_level level, const char *component_name,
                           const struct gn_log_field *fields, size_t field_count, const char *text)
{
    told += level >= GN_WARNING;
    note_log(log, level, component_name, fields, field_count, text);
}

Test(call, output_that_does_not_fit_goes_out_with_one_warning)
{
    struct gn_log log = {.level = GN_INFO, .write = count_warnings};
    open_loop();
    env.log = &log;
    struct gn_component *c = misfit(run_misfit, 0);
    for (int i = 1; i <= 11; i++) {
        struct gn_call *call = start(c, GN_REV_LATEST);
        run_until(&finished, i);
        cr_assert_eq(last_outcome, GN_OUT_RESULT);
        cr_assert_eq(told, i < 10 ? 1u : 2u, "%d calls, %u lines", i, told);
        cr_assert(strstr(last_log, "misfit: its structured output does not fit its schema: /n: "),
                  "%s", last_log);
        gn_call_unref(call);
    }
    cr_assert(strstr(last_log, "(10 results did not, up to now)"), "%s", last_log);
    gn_component_unref(c);
    close_loop();
}

Test(call, a_tool_may_choose_how_its_output_is_checked)
{
    static const struct {
        gantry_run_fn run;
        uint32_t flags;
        enum gn_output_check host;
        enum gn_outcome outcome;
        uint32_t warnings; /* or errors */
    } rows[] = {
        {run_misfit, 0, GN_OUTPUT_STRICT, GN_OUT_ACCIDENT, 1},
        {run_misfit, GANTRY_OUTPUT_STRICT, GN_OUTPUT_OFF, GN_OUT_ACCIDENT, 1},
        {run_misfit, GANTRY_OUTPUT_UNCHECKED, GN_OUTPUT_STRICT, GN_OUT_RESULT, 0},
        {run_misfit, 0, GN_OUTPUT_OFF, GN_OUT_RESULT, 0},
        {run_without_result, 0, GN_OUTPUT_WARN, GN_OUT_RESULT, 1},
        {run_without_result, GANTRY_OUTPUT_STRICT, GN_OUTPUT_WARN, GN_OUT_ACCIDENT, 1},
        {run_without_result, 0, GN_OUTPUT_OFF, GN_OUT_RESULT, 0},
    };
    struct gn_log log = {.level = GN_INFO, .write = count_warnings};
    open_loop();
    env.log = &log;
    for (size_t i = 0; i < GN_COUNT(rows); i++) {
        struct gn_component *c = misfit(rows[i].run, rows[i].flags);
        env.output_check = rows[i].host;
        told = 0;
        struct gn_call *call = start(c, GN_REV_LATEST);
        run_until(&finished, (int)i + 1);
        cr_expect_eq(last_outcome, rows[i].outcome, "row %zu: %d", i, last_outcome);
        cr_expect_eq(told, rows[i].warnings, "row %zu: %u lines", i, told);
        gn_call_unref(call);
        gn_component_unref(c);
    }
    close_loop();
}

static char seen[256]; /* the arguments of the last call, as its handler reads them */

static int run_read_arguments(struct gantry_call *call, const void *in)
{
    (void)in;
    struct gn_buf text = GN_BUF_INIT(sizeof seen - 1);
    if (call->arguments)
        gn_json_write(&text, call->arguments);
    snprintf(seen, sizeof seen, "%s", gn_buf_str(&text));
    gn_buf_release(&text);
    return GANTRY_OK;
}

Test(call, arguments_are_read_as_the_schema_means_them)
{
    static const char schema[] =
        "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\",\"maximum\":5},"
        "\"s\":{\"type\":\"string\"},\"l\":{\"type\":\"array\"}}}";
    static const struct {
        const char *arguments;
        uint32_t flags;
        bool strict;
        const char *seen; /* NULL: refused */
        const char *says;
    } rows[] = {
        {"{\"n\":5,\"s\":\"5\"}", 0, false, "{\"n\":5,\"s\":\"5\"}", NULL},
        {"{\"n\":\"5\",\"s\":\"5\"}", 0, false, "{\"n\":5,\"s\":\"5\"}", NULL},
        {"{\"n\":\"5\",\"s\":null,\"l\":\"[1]\"}", 0, false, "{\"n\":5,\"l\":[1]}", NULL},
        {NULL, 0, false, "", NULL},
        {"{\"n\":\"7\"}", 0, false, NULL, "/n: expected integer of at most 5, got 7"},
        {"{\"n\":\"5\"}", GANTRY_STRICT_INPUT, false, NULL, "got \"5\""},
        {"{\"n\":\"5\"}", 0, true, NULL, "got \"5\""},
        {"{\"n\":null}", 0, true, NULL, "got null"},
    };
    open_loop();
    for (size_t i = 0; i < GN_COUNT(rows); i++) {
        struct gn_component *c = component("read", run_read_arguments, rows[i].flags);
        cr_assert_eq(gn_schema_compile(schema, strlen(schema), NULL, &c->input_schema, NULL), 0);
        env.strict_input = rows[i].strict;
        struct gn_json_doc doc = {0};
        const char *text = rows[i].arguments ? rows[i].arguments : "0";
        cr_assert_eq(gn_json_parse_copy(&doc, text, strlen(text), NULL, NULL), 0);
        seen[0] = '\0';
        struct gn_call *call = gn_call_new(&env, &ops, NULL);
        call->component = c;
        call->revision = GN_REV_LATEST;
        call->arguments = rows[i].arguments ? gn_json_root(&doc) : NULL;
        gn_call_start(call);
        run_until(&finished, (int)i + 1);
        if (rows[i].seen) {
            cr_expect_eq(last_outcome, GN_OUT_RESULT, "row %zu: %s", i,
                         call->failure ? call->failure : "");
            cr_expect_str_eq(seen, rows[i].seen, "row %zu: %s", i, seen);
        } else {
            cr_expect_eq(last_outcome, GN_OUT_INVALID, "row %zu", i);
            cr_expect(call->failure && strstr(call->failure, rows[i].says), "row %zu: %s", i,
                      call->failure ? call->failure : "");
        }
        gn_call_unref(call);
        gn_json_release(&doc);
        gn_component_unref(c);
    }
    close_loop();
}

Test(call, arguments_that_take_too_much_to_read_are_refused)
{
    static const char schema[] = "{\"type\":\"object\",\"properties\":{"
                                 "\"many\":{\"items\":{\"type\":\"integer\"}},"
                                 "\"lists\":{\"items\":{\"type\":\"array\"}},"
                                 "\"deep\":{\"$ref\":\"#/$defs/t\"}},"
                                 "\"$defs\":{\"t\":{\"type\":\"array\",\"anyOf\":["
                                 "{\"items\":{\"$ref\":\"#/$defs/t\"},\"minItems\":1},"
                                 "{\"items\":{\"$ref\":\"#/$defs/t\"},\"maxItems\":1}]}}}";
    /* At once, never, and in small pieces that leave nothing over. */
    static const char *const starts[] = {"{\"many\":[\"1\"", "{\"deep\":", "{\"lists\":[\"[]\""};
    static const char *const more[] = {",\"1\"", "[", ",\"[]\""};
    static const char *const says[] = {
        "the arguments take more memory than a call may use",
        "the arguments take too many steps to check, or are nested too deep",
        "the arguments take more memory than a call may use",
    };
    open_loop();
    env.arena_bytes = 32768;
    struct gn_component *c = component("read", run_read_arguments, 0);
    cr_assert_eq(gn_schema_compile(schema, strlen(schema), NULL, &c->input_schema, NULL), 0);
    for (int i = 0; i < 3; i++) {
        struct gn_buf text = GN_BUF_INIT(65536);
        struct gn_json_doc doc = {0};
        gn_buf_adds(&text, starts[i]);
        for (int k = 0; k < 2000 && (k < 60 || i != 1); k++)
            gn_buf_adds(&text, more[i]);
        for (int k = 0; k < 60 && i == 1; k++)
            gn_buf_adds(&text, k ? "]" : "1]");
        gn_buf_adds(&text, i == 1 ? "}" : "]}");
        cr_assert_eq(gn_json_parse_copy(&doc, gn_buf_str(&text), text.len, NULL, NULL), 0);
        struct gn_call *call = gn_call_new(&env, &ops, NULL);
        call->component = c;
        call->arguments = gn_json_root(&doc);
        gn_call_start(call);
        run_until(&finished, i + 1);
        cr_expect_eq(last_outcome, GN_OUT_INVALID, "%d", last_outcome);
        cr_expect_str_eq(call->failure, says[i], "%s", call->failure);
        gn_call_unref(call);
        gn_json_release(&doc);
        gn_buf_release(&text);
    }
    gn_component_unref(c);
    close_loop();
}

/* ---------------------------------------------------------------- results in the shape of a
 * revision */

static int run_everything(gantry_call *call, const void *in)
{
    (void)in;
    struct gn_content items[] = {
        {.kind = GN_CONTENT_TEXT, .text = "t", .len = 1},
        {.kind = GN_CONTENT_AUDIO, .text = "QQ==", .len = 4, .mime = "audio/wav"},
        {.kind = GN_CONTENT_LINK, .uri = "a://b", .name = "n"},
    };
    for (size_t i = 0; i < GN_COUNT(items); i++) {
        if (gn_call_add(call, &items[i]))
            return GANTRY_ETOOBIG;
    }
    call->result.structured = "[1]";
    call->result.structured_len = 3;
    return GANTRY_OK;
}

Test(call, what_a_revision_does_not_have_becomes_the_nearest_it_has)
{
    static const struct {
        enum gn_revision revision;
        const char *has, *lacks;
    } rows[] = {
        {GN_REV_2024_11_05, "\"type\":\"resource\"", "\"type\":\"audio\""},
        {GN_REV_2025_03_26, "\"type\":\"audio\"", "resource_link"},
        {GN_REV_2025_06_18, "resource_link", "structuredContent"},
        {GN_REV_2026_07_28, "\"structuredContent\":[1]", "isError"},
    };
    open_loop();
    for (size_t i = 0; i < GN_COUNT(rows); i++) {
        struct gn_component *c = component("everything", run_everything, 0);
        struct gn_call *call = start(c, rows[i].revision);
        run_until(&finished, (int)i + 1);
        cr_expect(strstr(last_result, rows[i].has), "%s lacks %s", last_result, rows[i].has);
        cr_expect(!strstr(last_result, rows[i].lacks), "%s has %s", last_result, rows[i].lacks);
        gn_call_unref(call);
        gn_component_unref(c);
    }
    close_loop();
}
