/* Unit tests of work without a client: its identity, scope, end, limits, and the drain. */
#include "call/background.h"

#include "stage.h"
#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

GN_SUITE(background);

static struct stage stage;
static int ran, freed, drained;
static bool go;
static char order[256];

static void note(const char *what)
{
    size_t len = strlen(order);
    snprintf(order + len, sizeof order - len, "%s ", what);
}

static void open_stage(void)
{
    stage_open(&stage);
    ran = freed = drained = 0;
    go = false;
    order[0] = '\0';
}

static void free_arg(void *arg)
{
    cr_assert(gn_loop_is_current(stage.loop));
    cr_assert_eq(stage.a.refs, 1); /* its code must be there still */
    freed++;
    note(arg ? arg : "freed");
}

static int count(struct gn_call *call, void *arg)
{
    (void)call;
    (void)arg;
    __atomic_add_fetch(&ran, 1, __ATOMIC_RELEASE);
    return GANTRY_OK;
}

static int wait_for_go(struct gn_call *call, void *arg)
{
    (void)arg;
    __atomic_add_fetch(&ran, 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&go, __ATOMIC_ACQUIRE)) {
        int rc = gn_task_sleep(call->task, 1);
        if (rc)
            return GANTRY_ECANCELED;
    }
    return GANTRY_OK;
}

static struct gn_background_work work_of(int (*run)(struct gn_call *call, void *arg))
{
    return (struct gn_background_work){.name = "work", .run = run, .free_arg = free_arg};
}

static struct gn_background *make(const struct gn_background_work *work)
{
    struct gn_background *b = NULL;
    cr_assert_eq(gn_background_new(&stage.env, NULL, &stage.a.owner, work, &b), GN_OK);
    return b;
}

static bool has_said(const char *line)
{
    return strstr(gn_buf_str(&stage.said), line) != NULL;
}

/* ---------------------------------------------------------------- one piece */

Test(background, runs_and_frees_its_argument)
{
    open_stage();
    struct gn_background_work work = work_of(count);
    for (int blocks = 0; blocks < 2; blocks++) {
        work.blocks = blocks;
        gn_background_start(make(&work));
        cr_assert_eq(ran, blocks); /* not on the stack of whoever starts it */
        cr_assert_eq(stage.env.background, 1);
        cr_assert_eq(stage.a.refs, 1);
        stage_settle(&stage);
        cr_assert_eq(ran, blocks + 1);
        cr_assert_eq(freed, blocks + 1);
    }
    cr_assert(has_said("debug background a/work has ended"));
    stage_close(&stage);
}

static const gantry_var user = GANTRY_VAR("user", GANTRY_VALUE_TEXT);

static void note_destroyed(void *value)
{
    note(value);
}

static const gantry_var job = GANTRY_VAR("job", GANTRY_VALUE_POINTER, .flags = GANTRY_VAR_SPAWNED,
                                         .destroy = note_destroyed);

static int look_around(struct gn_call *call, void *arg)
{
    gantry_value v;
    (void)arg;
    cr_assert_eq(gn_scope_get(call, call->self, &user, &v), GANTRY_OK);
    cr_assert_str_eq(v.as.text, "ada");
    cr_assert_eq(gn_scope_get(call, call->self, &job, &v), GANTRY_OK);
    cr_assert_str_eq(v.as.pointer, "scope");
    cr_assert_str_eq(call->request_id, "7");
    cr_assert_str_eq(call->principal, "ada");
    cr_assert_str_eq(call->session_key, "key");
    cr_assert_str_eq(call->traceparent, "00-1-2-01");
    cr_assert_null(call->client_name);
    cr_assert_null(call->params);
    cr_assert_null(call->method);
    cr_assert_eq(call->capabilities, 0);
    cr_assert_eq(call->revision, GN_REV_LATEST_HANDSHAKE);
    cr_assert_eq(call->self, &stage.a.owner);
    cr_assert_str_eq(gn_call_label(call), "a/work");
    note("ran");
    ran++;
    return GANTRY_OK;
}

static void note_observed(struct gn_call_observer *observer, const struct gn_call *call,
                          enum gn_outcome outcome)
{
    (void)observer;
    (void)call;
    (void)outcome;
    note("observed");
}

Test(background, knows_who_asked_and_what_was_set)
{
    struct gn_call_observer observer = {.ended = note_observed};
    open_stage();
    gn_call_observe(&stage.env, &observer);
    struct gn_call *from = gn_call_new(&stage.env, NULL, NULL);
    struct gn_background_work work = work_of(look_around);
    struct gn_background *b = NULL;
    from->revision = GN_REV_LATEST_HANDSHAKE;
    from->request_id = gn_arena_strdup(&from->arena, "7");
    from->method = "tools/call";
    from->principal = gn_arena_strdup(&from->arena, "ada");
    from->session_key = gn_arena_strdup(&from->arena, "key");
    from->traceparent = gn_arena_strdup(&from->arena, "00-1-2-01");
    from->capabilities = GANTRY_CAP_ROOTS;
    gantry_value v = gantry_value_text("ada");
    cr_assert_eq(gn_scope_set(from, NULL, &user, &v), GANTRY_OK);
    char scope[] = "scope";
    v = gantry_value_pointer(scope);
    cr_assert_eq(gn_scope_set(from, &stage.a.owner, &job, &v), GANTRY_OK);
    char argument[] = "argument";
    work.arg = argument;
    cr_assert_eq(gn_background_new(&stage.env, from, &stage.a.owner, &work, &b), GN_OK);
    gn_background_start(b);
    gn_call_unref(from); /* the call has ended before it begins */
    stage_settle(&stage);
    cr_assert_str_eq(order, "ran scope argument ");
    stage_close(&stage);
}

static int fail(struct gn_call *call, void *arg)
{
    (void)arg;
    return gn_call_fail(call, "no paper in %s", "tray 2");
}

static int slip(struct gn_call *call, void *arg)
{
    (void)call;
    (void)arg;
    return GANTRY_EIO;
}

Test(background, logs_its_errors_by_name)
{
    open_stage();
    struct gn_background_work work = work_of(fail);
    gn_background_start(make(&work));
    stage_settle(&stage);
    cr_assert(has_said("error background a/work failed: no paper in tray 2"));
    work.run = slip;
    gn_background_start(make(&work));
    stage_settle(&stage);
    cr_assert(has_said("a/work failed: it returned EIO"));
    cr_assert_eq(freed, 2);
    stage_close(&stage);
}

Test(background, is_cancelled_at_its_deadline)
{
    open_stage();
    struct gn_background_work work = work_of(wait_for_go);
    work.timeout_ms = 20;
    gn_background_start(make(&work));
    stage_settle(&stage);
    cr_assert(has_said("a/work did not end within 20 ms"));
    stage.env.background_timeout_ms = 20; /* that of one without its own */
    work.timeout_ms = 0;
    gn_background_start(make(&work));
    stage_settle(&stage);
    cr_assert_eq(ran, 2);
    cr_assert_eq(freed, 2);
    stage_close(&stage);
}

Test(background, frees_its_argument_though_it_never_ran)
{
    open_stage();
    struct gn_background_work work = work_of(count);
    struct gn_list waiting;
    gn_list_init(&waiting);
    struct gn_background *kept = make(&work);
    gn_list_append(&waiting, &kept->node);
    gn_background_cancel(kept); /* before it was started */
    cr_assert(gn_list_empty(&waiting));
    cr_assert_eq(freed, 1);
    struct gn_background *started = make(&work);
    gn_background_start(started);
    gn_background_cancel(started);
    stage_settle(&stage);
    cr_assert_eq(freed, 2);
    cr_assert_eq(ran, 0);
    stage_close(&stage);
}

/* ---------------------------------------------------------------- limits */

Test(background, refuses_more_than_the_limit)
{
    open_stage();
    struct gn_background_work work = work_of(wait_for_go);
    struct gn_background *b = NULL;
    stage.env.max_background = 3;
    work.free_arg = NULL;
    for (int i = 0; i < 3; i++)
        gn_background_start(make(&work));
    work.free_arg = free_arg;
    cr_assert_eq(gn_background_new(&stage.env, NULL, &stage.a.owner, &work, &b), GN_EBUSY);
    cr_assert_null(b);
    stage_until(&stage, &ran, 3);
    cr_assert_eq(gn_background_new(&stage.env, NULL, &stage.a.owner, &work, &b), GN_EBUSY);
    go = true;
    stage_settle(&stage);
    cr_assert_eq(freed, 0); /* what was refused stays the caller's */
    gn_background_start(make(&work));
    stage_settle(&stage);
    cr_assert_eq(freed, 1);
    stage_close(&stage);
}

Test(background, refuses_a_scope_that_does_not_fit)
{
    open_stage();
    struct gn_call *from = gn_call_new(&stage.env, NULL, NULL);
    struct gn_background_work work = work_of(count);
    struct gn_background *b = NULL;
    GN_AUTO_FREE char *large = gn_malloc(100000);
    memset(large, 'x', 99999);
    large[99999] = '\0';
    gantry_value v = gantry_value_text(large);
    cr_assert_eq(gn_scope_set(from, NULL, &user, &v), GANTRY_OK);
    stage.env.arena_bytes = 16384;
    cr_assert_eq(gn_background_new(&stage.env, from, &stage.a.owner, &work, &b), GN_ETOOBIG);
    gn_call_unref(from);
    cr_assert_eq(freed, 0);
    stage_close(&stage);
}

/* ---------------------------------------------------------------- the end of the host */

static void on_drained(void *arg)
{
    (void)arg;
    drained++;
    note("drained");
}

Test(background, lets_a_drain_wait_for_it)
{
    open_stage();
    struct gn_background_work work = work_of(wait_for_go);
    struct gn_background_drain drain;
    gn_background_start(make(&work));
    stage_until(&stage, &ran, 1);
    gn_background_drain(&stage.env, &drain, STAGE_DEADLINE_MS, on_drained, NULL);
    cr_assert(stage.env.no_schedules);
    stage_until(&stage, &ran, 1);
    cr_assert_eq(drained, 0);
    go = true;
    stage_until(&stage, &drained, 1);
    cr_assert_str_eq(order, "freed drained ");
    struct gn_background *b = NULL;
    cr_assert_eq(gn_background_new(&stage.env, NULL, NULL, &work, &b), GN_EBUSY);
    stage_close(&stage);
}

Test(background, is_cancelled_when_the_drain_is_over)
{
    open_stage();
    struct gn_background_work work = work_of(wait_for_go);
    struct gn_background_drain drain;
    struct gn_list waiting;
    gn_list_init(&waiting);
    for (int i = 0; i < 2; i++) {
        work.blocks = i;
        work.free_arg = NULL;
        gn_background_start(make(&work));
    }
    struct gn_background *kept = make(&work); /* waits for its owner to go live: it never will */
    gn_list_append(&waiting, &kept->node);
    stage_until(&stage, &ran, 2);
    gn_background_drain(&stage.env, &drain, 10, on_drained, NULL);
    cr_assert_eq(stage.env.background, 2);
    stage_until(&stage, &drained, 1);
    stage_settle(&stage);
    cr_assert(has_said("2 pieces of background work did not end in time: cancelled"));
    cr_assert(has_said("notice background a/work was cancelled"));
    stage_close(&stage);
}

Test(background, drains_at_once_where_there_is_none)
{
    open_stage();
    struct gn_background_drain drain;
    gn_background_drain(&stage.env, &drain, STAGE_DEADLINE_MS, on_drained, NULL);
    cr_assert_eq(drained, 0); /* from the loop */
    stage_until(&stage, &drained, 1);
    stage_close(&stage);
}
