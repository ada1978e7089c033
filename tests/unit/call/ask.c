/* ask.c - questions to the client: keys, answers that are known already, waiting, steps. */
#include "call/ask.h"

#include "rig.h"
#include "support.h"

#include <criterion/criterion.h>
#include <string.h>

GN_SUITE(call_ask);

/* A client: it is asked by a sink that remembers, and answers when the test says so. */
static struct {
    struct rig rig;
    struct gn_call *call;
    int asked, unasked, finished, ran, steps;
    enum gn_outcome outcome;
    int rc;         /* what the handler got */
    int refuse;     /* what the sink says instead of asking */
    uint32_t count; /* questions the handler asks */
    const char *keys[4];
    char requests[4096]; /* inputRequests */
    char answers[4][128];
    bool blocks;
} stage;

static int is_yes_or_no(struct gn_question *q, const gantry_json *result, struct gn_error *err)
{
    const char *s = gn_json_cstr(gn_json_get(result, "say"));
    (void)q;
    if (s)
        return 0;
    return gn_error_set(err, GN_EINVAL, "say is missing");
}

static int ask_handler(gantry_call *call, const void *in)
{
    struct gn_question q[4];
    struct gn_question *v[4];
    (void)in;
    stage.ran++;
    memset(q, 0, sizeof q);
    for (uint32_t i = 0; i < stage.count; i++) {
        q[i] = (struct gn_question){.key = stage.keys[i],
                                    .method = "elicitation/create",
                                    .params = "{\"message\":\"?\"}",
                                    .params_len = 15,
                                    .capability = GANTRY_CAP_ELICITATION,
                                    .check = is_yes_or_no};
        v[i] = &q[i];
    }
    stage.rc = gn_call_ask(call, v, stage.count);
    if (stage.rc)
        return stage.rc == GN_ECANCELED ? GANTRY_ECANCELED
               : stage.rc == GN_ENOTSUP ? GANTRY_ENOTSUP
                                        : GANTRY_EIO;
    for (uint32_t i = 0; i < stage.count; i++) {
        const char *s = gn_json_cstr(gn_json_get(q[i].result, "say"));
        snprintf(stage.answers[i], sizeof stage.answers[i], "%s=%s", q[i].wire_key,
                 q[i].rc ? q[i].error ? q[i].error : "never" : s);
    }
    return rig_say(call, stage.answers[0]);
}

static int sink_ask(struct gn_call *call)
{
    struct gn_buf buf = GN_BUF_INIT(sizeof stage.requests - 1);
    struct gn_jw w;
    if (stage.refuse)
        return stage.refuse;
    gn_jw_init(&w, &buf);
    gn_jw_object(&w, NULL);
    gn_asking_write(call, &w);
    gn_jw_end(&w);
    snprintf(stage.requests, sizeof stage.requests, "%s", gn_buf_str(&buf));
    gn_buf_release(&buf);
    stage.asked++;
    return 0;
}

static void sink_unask(struct gn_call *call)
{
    (void)call;
    stage.unasked++;
}

static void sink_finished(struct gn_call *call, enum gn_outcome outcome)
{
    (void)call;
    stage.finished++;
    stage.outcome = outcome;
}

static const struct gn_call_ops sink = {
    .finished = sink_finished, .ask = sink_ask, .unask = sink_unask};

static struct gn_component *tool;

static void begin(gantry_run_fn run, uint32_t flags)
{
    tool = rig_tool(&stage.rig, "asker", run, flags);
    stage.call = gn_call_new(&stage.rig.env, &sink, NULL);
    stage.call->revision = GN_REV_LATEST;
    stage.call->method = "tools/call";
    stage.call->capabilities = GANTRY_CAP_ELICITATION;
    stage.call->component = tool;
}

static void open_stage(void)
{
    memset(&stage, 0, sizeof stage);
    rig_open(&stage.rig);
    stage.count = 1;
    stage.keys[0] = "first";
    stage.keys[1] = "second";
}

static void close_stage(void)
{
    rig_until(&stage.rig, &stage.finished, 1);
    while (stage.call->running) /* one that was cancelled still unwinds, perhaps on a worker */
        uv_run(&stage.rig.uv, UV_RUN_ONCE);
    gn_call_unref(stage.call);
    gn_component_unref(tool);
    rig_close(&stage.rig);
}

static bool answer(const char *key, const char *json)
{
    struct gn_json_doc doc = {0};
    struct gn_question *q = gn_asking_find(stage.call, key);
    cr_assert_not_null(q, "%s is not asked", key);
    cr_assert_eq(gn_json_parse_copy(&doc, json, strlen(json), NULL, NULL), 0);
    gn_ask_answer(stage.call, q, gn_json_root(&doc), true);
    gn_json_release(&doc);
    return gn_asking_settle(stage.call);
}

Test(call_ask, a_handler_waits_until_its_question_is_answered)
{
    open_stage();
    begin(ask_handler, 0);
    gn_call_start(stage.call);
    rig_until(&stage.rig, &stage.asked, 1);
    cr_assert_str_eq(stage.requests, "{\"first\":{\"method\":\"elicitation/create\",\"params\":{"
                                     "\"message\":\"?\"}}}");
    cr_assert_eq(stage.rig.env.asking, 1);
    cr_assert_eq(stage.rig.env.running, 0, "one that waits takes nobody's place");
    cr_assert(answer("first", "{\"say\":\"yes\"}"));
    rig_until(&stage.rig, &stage.finished, 1);
    cr_assert_str_eq(stage.answers[0], "first=yes");
    cr_assert_eq(stage.rig.env.asking, 0);
    close_stage();
}

Test(call_ask, a_blocking_handler_waits_on_its_thread)
{
    open_stage();
    begin(ask_handler, GANTRY_BLOCKING);
    gn_call_start(stage.call);
    rig_until(&stage.rig, &stage.asked, 1);
    cr_assert_not(gn_asking_can_park(stage.call));
    cr_assert(answer("first", "{\"say\":\"yes\"}"));
    close_stage();
    cr_assert_str_eq(stage.answers[0], "first=yes");
}

Test(call_ask, several_questions_wait_for_the_last_answer)
{
    open_stage();
    stage.count = 2;
    begin(ask_handler, 0);
    gn_call_start(stage.call);
    rig_until(&stage.rig, &stage.asked, 1);
    cr_assert(gn_asking_can_park(stage.call));
    cr_assert_not(answer("second", "{\"say\":\"b\"}"));
    cr_assert_null(gn_asking_find(stage.call, "second"), "it has its answer");
    cr_assert(answer("first", "{\"say\":\"a\"}"));
    close_stage();
    cr_assert_str_eq(stage.answers[0], "first=a");
    cr_assert_str_eq(stage.answers[1], "second=b");
}

Test(call_ask, a_key_used_again_gets_a_number)
{
    open_stage();
    stage.count = 4;
    stage.keys[1] = "first-2";
    stage.keys[2] = stage.keys[3] = "first";
    begin(ask_handler, 0);
    gn_call_start(stage.call);
    rig_until(&stage.rig, &stage.asked, 1);
    answer("first", "{\"say\":\"1\"}");
    answer("first-2", "{\"say\":\"2\"}");
    answer("first-3", "{\"say\":\"3\"}");
    cr_assert(answer("first-4", "{\"say\":\"4\"}"));
    close_stage();
}

Test(call_ask, an_answer_that_never_fits_is_given_up_after_three)
{
    open_stage();
    begin(ask_handler, 0);
    gn_call_start(stage.call);
    rig_until(&stage.rig, &stage.asked, 1);
    cr_assert_not(answer("first", "{}"));
    cr_assert_not(answer("first", "{\"say\":5}"));
    cr_assert(answer("first", "{}"));
    close_stage();
    cr_assert_str_eq(stage.answers[0], "first=say is missing");
}

Test(call_ask, what_the_client_sent_along_is_not_asked_again)
{
    open_stage();
    stage.count = 2;
    begin(ask_handler, 0);
    static const char sent[] = "{\"first\":{\"say\":\"early\"},\"second\":{},\"third\":{}}";
    stage.call->responses = gn_json_parse_arena(&stage.call->arena, sent, sizeof sent - 1, NULL);
    gn_call_start(stage.call);
    rig_until(&stage.rig, &stage.asked, 1);
    cr_assert_null(strstr(stage.requests, "first"));
    cr_assert(answer("second", "{\"say\":\"late\"}"));
    close_stage();
    cr_assert_str_eq(stage.answers[0], "first=early");
}

Test(call_ask, a_replay_finds_the_answers_of_its_journal)
{
    struct gn_arena arena;
    struct gn_journal journal = {0};
    struct gn_buf bytes = GN_BUF_INIT(65536);
    gn_arena_init(&arena, 1 << 20);
    open_stage();
    begin(ask_handler, 0);
    gn_call_start(stage.call);
    rig_until(&stage.rig, &stage.asked, 1);
    cr_assert(answer("first", "{\"say\":\"kept\"}"));
    rig_until(&stage.rig, &stage.finished, 1);
    cr_assert_eq(gn_journal_write(&stage.call->journal, &bytes), 0);
    cr_assert_eq(gn_journal_read(&journal, &arena, bytes.data, bytes.len), 0);
    close_stage();

    open_stage();
    begin(ask_handler, 0);
    stage.call->journal = journal;
    gn_call_start(stage.call);
    close_stage();
    cr_assert_eq(stage.asked, 0);
    cr_assert_str_eq(stage.answers[0], "first=kept");
    gn_buf_release(&bytes);
    gn_arena_release(&arena);
}

Test(call_ask, another_question_under_the_same_key_is_asked)
{
    open_stage();
    begin(ask_handler, 0);
    static const unsigned char other[GN_JOURNAL_DIGEST] = {1};
    cr_assert_eq(gn_journal_add(&stage.call->journal, &stage.call->arena, "first",
                                GN_JOURNAL_ANSWER, other, "{\"say\":\"old\"}", 13),
                 0);
    gn_call_start(stage.call);
    rig_until(&stage.rig, &stage.asked, 1);
    cr_assert(answer("first", "{\"say\":\"new\"}"));
    close_stage();
    cr_assert_str_eq(stage.answers[0], "first=new");
}

/* What was asked before the call was run again is known by its digest: yes to one price is not yes
 * to another. */
Test(call_ask, an_answer_to_another_question_is_not_taken)
{
    static const char sent[] = "{\"first\":{\"say\":\"yes\"}}";
    static const unsigned char other[GN_JOURNAL_DIGEST] = {1};
    open_stage();
    begin(ask_handler, 0);
    cr_assert_eq(gn_journal_add(&stage.call->journal, &stage.call->arena, "first",
                                GN_JOURNAL_ANSWER, other, NULL, 0),
                 0);
    stage.call->responses = gn_json_parse_arena(&stage.call->arena, sent, sizeof sent - 1, NULL);
    gn_call_start(stage.call);
    rig_until(&stage.rig, &stage.asked, 1);
    cr_assert(answer("first", "{\"say\":\"no\"}"));
    close_stage();
    cr_assert_str_eq(stage.answers[0], "first=no");
}

Test(call_ask, a_replay_takes_the_answer_to_what_was_asked)
{
    static const char sent[] = "{\"first\":{\"say\":\"yes\"}}";
    struct gn_arena arena;
    struct gn_journal journal = {0};
    struct gn_buf bytes = GN_BUF_INIT(65536);
    gn_arena_init(&arena, 1 << 20);
    open_stage();
    begin(ask_handler, 0);
    gn_call_start(stage.call);
    rig_until(&stage.rig, &stage.asked, 1);
    cr_assert_eq(gn_journal_write(&stage.call->journal, &bytes), 0);
    cr_assert_eq(gn_journal_read(&journal, &arena, bytes.data, bytes.len), 0);
    cr_assert_eq(journal.count, 1);
    cr_assert(answer("first", "{\"say\":\"here\"}"));
    close_stage();

    open_stage();
    begin(ask_handler, 0);
    stage.call->journal = journal;
    stage.call->responses = gn_json_parse_arena(&stage.call->arena, sent, sizeof sent - 1, NULL);
    gn_call_start(stage.call);
    close_stage();
    cr_assert_eq(stage.asked, 0);
    cr_assert_str_eq(stage.answers[0], "first=yes");
    gn_buf_release(&bytes);
    gn_arena_release(&arena);
}

Test(call_ask, a_client_without_the_capability_is_not_asked)
{
    open_stage();
    begin(ask_handler, 0);
    stage.call->capabilities = GANTRY_CAP_ROOTS;
    gn_call_start(stage.call);
    rig_until(&stage.rig, &stage.finished, 1);
    cr_assert_eq(stage.rc, GN_ENOTSUP);
    cr_assert_eq(stage.outcome, GN_OUT_FAILED);
    cr_assert_eq(stage.call->error_code, -32021);
    cr_assert(strstr(stage.call->failure, "elicitation (forms)"));
    close_stage();
}

Test(call_ask, what_the_sink_refuses_is_the_handlers_to_know)
{
    open_stage();
    stage.refuse = GN_EPROTO;
    begin(ask_handler, 0);
    gn_call_start(stage.call);
    close_stage();
    cr_assert_eq(stage.rc, GN_EPROTO);
}

Test(call_ask, too_many_that_wait_are_refused)
{
    open_stage();
    stage.rig.env.max_asking = 1;
    stage.rig.env.asking = 1;
    begin(ask_handler, 0);
    stage.call->revision = GN_REV_2025_11_25;
    gn_call_start(stage.call);
    rig_until(&stage.rig, &stage.finished, 1);
    cr_assert_eq(stage.rc, GN_EBUSY);
    stage.rig.env.asking = 0;
    close_stage();
}

Test(call_ask, tasks_that_wait_take_nobodys_place)
{
    open_stage();
    stage.rig.env.max_asking = 1;
    stage.rig.env.asking = 1;
    begin(ask_handler, 0);
    stage.call->task_id = "a task";
    gn_call_start(stage.call);
    rig_until(&stage.rig, &stage.asked, 1);
    cr_assert_eq(stage.rig.env.asking, 1);
    cr_assert(answer("first", "{\"say\":\"yes\"}"));
    rig_until(&stage.rig, &stage.finished, 1);
    cr_assert_eq(stage.rig.env.asking, 1);
    stage.rig.env.asking = 0;
    close_stage();
}

Test(call_ask, one_principal_has_no_more_than_its_share)
{
    static const char *const others[] = {"bob", "ada"};
    for (size_t i = 0; i < 2; i++) {
        struct gn_asking waiting = {.count = 0};
        open_stage();
        struct gn_call *other = gn_call_new(&stage.rig.env, NULL, NULL);
        other->principal = others[i];
        other->asking = &waiting;
        stage.rig.env.max_asking_principal = 1;
        begin(ask_handler, 0);
        stage.call->revision = GN_REV_2025_11_25;
        stage.call->principal = "ada";
        gn_call_start(stage.call);
        if (i == 0) {
            rig_until(&stage.rig, &stage.asked, 1);
            cr_assert(answer("first", "{\"say\":\"yes\"}"));
        }
        rig_until(&stage.rig, &stage.finished, 1);
        cr_assert_eq(stage.rc, i == 0 ? 0 : GN_EBUSY);
        other->asking = NULL;
        gn_call_unref(other);
        close_stage();
    }
}

Test(call_ask, cancelling_ends_the_wait_and_takes_the_question_back)
{
    open_stage();
    begin(ask_handler, 0);
    gn_call_start(stage.call);
    rig_until(&stage.rig, &stage.asked, 1);
    gn_call_cancel(stage.call);
    close_stage();
    cr_assert_eq(stage.rc, GN_ECANCELED);
    cr_assert_geq(stage.unasked, 1);
    cr_assert_eq(stage.outcome, GN_OUT_CANCELED);
}

Test(call_ask, a_client_that_never_answers_ends_it)
{
    open_stage();
    stage.rig.env.ask_timeout_ms = 20;
    begin(ask_handler, 0);
    gn_call_start(stage.call);
    close_stage();
    cr_assert_eq(stage.rc, GN_ETIMEDOUT);
    cr_assert_eq(stage.unasked, 1);
}

Test(call_ask, the_deadline_stands_still_meanwhile)
{
    open_stage();
    begin(ask_handler, 0);
    stage.call->timeout_ms = 30;
    gn_call_start(stage.call);
    rig_until(&stage.rig, &stage.asked, 1);
    cr_assert_not(gn_timer_is_running(&stage.call->deadline));
    cr_assert(answer("first", "{\"say\":\"yes\"}"));
    cr_assert(gn_timer_is_running(&stage.call->deadline));
    close_stage();
}

Test(call_ask, one_that_unwinds_is_cancelled_and_tells_nobody)
{
    open_stage();
    begin(ask_handler, GANTRY_BLOCKING | GANTRY_REPLAY);
    gn_call_start(stage.call);
    rig_until(&stage.rig, &stage.asked, 1);
    gn_call_unwind(stage.call);
    while (stage.rig.env.running > 0 || stage.call->running)
        uv_run(&stage.rig.uv, UV_RUN_ONCE);
    cr_assert_eq(stage.rc, GN_ECANCELED);
    cr_assert_eq(stage.finished, 0);
    stage.finished = 1;
    close_stage();
}

/* ---------------------------------------------------------------- nested, steps */

static struct gn_component *inner;

static int outer_handler(gantry_call *call, const void *in)
{
    char text[128];
    (void)in;
    rig_nested(call, inner, text, sizeof text);
    return rig_say(call, text);
}

Test(call_ask, what_a_nested_call_asks_is_asked_by_the_outermost)
{
    for (uint32_t flags = 0; flags <= GANTRY_BLOCKING; flags++) {
        open_stage();
        begin(outer_handler, 0);
        inner = rig_tool(&stage.rig, "inner", ask_handler, flags);
        gn_call_start(stage.call);
        rig_until(&stage.rig, &stage.asked, 1);
        cr_assert_eq(gn_asking_can_park(stage.call), flags == 0);
        cr_assert_eq(stage.rig.env.running, 0);
        cr_assert(answer("first", "{\"say\":\"deep\"}"));
        close_stage();
        cr_assert_str_eq(stage.answers[0], "first=deep");
        gn_component_unref(inner);
    }
}

static int shielded_ask_handler(gantry_call *call, const void *in)
{
    cr_assert_eq(gn_task_shield(call->task, 100), 0);
    return ask_handler(call, in);
}

Test(call_ask, a_nested_call_that_asks_on_behind_its_caller_is_counted_once)
{
    open_stage();
    begin(outer_handler, 0);
    inner = rig_tool(&stage.rig, "inner", shielded_ask_handler, GANTRY_BLOCKING);
    gn_call_start(stage.call);
    rig_until(&stage.rig, &stage.asked, 1);
    gn_call_cancel(stage.call);
    while (stage.call->running)
        uv_run(&stage.rig.uv, UV_RUN_ONCE);
    cr_assert_eq(stage.rig.env.asking, 1, "the shield is up");
    cr_assert_eq(stage.rig.env.running, 0);
    while (stage.rig.env.alive > 1)
        uv_run(&stage.rig.uv, UV_RUN_ONCE);
    cr_assert_eq(stage.rig.env.asking, 0);
    cr_assert_eq(stage.rig.env.running, 0);
    close_stage();
    gn_component_unref(inner);
}

static int step(gantry_call *call, void *arg, const gantry_json **ret)
{
    (void)arg;
    stage.steps++;
    *ret = gn_json_parse_arena(&call->arena, "{\"n\":7}", 7, NULL);
    return GANTRY_OK;
}

static int step_handler(gantry_call *call, const void *in)
{
    const gantry_json *value = NULL;
    int64_t n = 0;
    int code = -1;
    (void)in;
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(gn_call_once(call, "book", step, NULL, &value, &code), 0);
        cr_assert_eq(code, GANTRY_OK);
        cr_assert(gn_json_int(gn_json_get(value, "n"), &n));
        cr_assert_eq(n, 7);
    }
    const char *id = gn_call_made_up(call, "url");
    cr_assert_eq(strlen(id), 32);
    cr_assert_str_eq(id, gn_call_made_up(call, "url"));
    return ask_handler(call, in);
}

Test(call_ask, a_step_of_the_journal_is_not_repeated)
{
    for (uint32_t flags = 0; flags <= GANTRY_BLOCKING; flags++) {
        struct gn_arena arena;
        struct gn_journal journal = {0};
        struct gn_buf bytes = GN_BUF_INIT(65536);
        gn_arena_init(&arena, 1 << 20);
        open_stage();
        begin(step_handler, flags);
        gn_call_start(stage.call);
        rig_until(&stage.rig, &stage.asked, 1);
        cr_assert_eq(stage.steps, 2, "each use of a key is a step of its own");
        cr_assert_eq(gn_journal_write(&stage.call->journal, &bytes), 0);
        cr_assert_eq(gn_journal_read(&journal, &arena, bytes.data, bytes.len), 0);
        gn_call_cancel(stage.call);
        close_stage();

        open_stage();
        begin(step_handler, flags);
        stage.call->journal = journal;
        gn_call_start(stage.call);
        rig_until(&stage.rig, &stage.asked, 1);
        cr_assert_eq(stage.steps, 0);
        cr_assert(answer("first", "{\"say\":\"yes\"}"));
        close_stage();
        gn_buf_release(&bytes);
        gn_arena_release(&arena);
    }
}

/* ---------------------------------------------------------------- middlewares */

static char told[256];

static int pass(gantry_call *call)
{
    return gn_call_next(call);
}

static void tell(gantry_call *call, const char *what)
{
    size_t len = strlen(told);
    cr_assert_eq(call->self, &stage.rig.owner);
    cr_assert_eq(call->task, gn_task_current(), "functions of the call work");
    snprintf(told + len, sizeof told - len, "%s%s ", what, (const char *)call->self_data);
}

static void parks(gantry_call *call)
{
    tell(call, "-");
}

static void resumes(gantry_call *call)
{
    tell(call, "+");
}

/* Puts two of them around all calls. */
static void surround(uint32_t flags_of_inner)
{
    struct gn_middleware *v[2];
    told[0] = '\0';
    for (int i = 0; i < 2; i++) {
        v[i] = gn_middleware_new(i ? "inner" : "outer");
        v[i]->owner = &stage.rig.owner;
        v[i]->priority = i;
        v[i]->hooks = GANTRY_ON_CALL_TOOL;
        v[i]->run = pass;
        v[i]->data = v[i]->name;
        v[i]->on_park = parks;
        v[i]->on_resume = resumes;
        v[i]->order = (uint64_t)i;
    }
    v[1]->flags = flags_of_inner;
    gn_around_replace(&stage.rig.env, &stage.rig.owner, v, 2);
    gn_middleware_unref(v[0]);
    gn_middleware_unref(v[1]);
}

Test(call_ask, middlewares_are_told_that_a_call_waits_and_goes_on)
{
    open_stage();
    surround(0);
    begin(ask_handler, 0);
    gn_call_start(stage.call);
    rig_until(&stage.rig, &stage.asked, 1);
    cr_assert_str_eq(told, "-inner -outer ");
    cr_assert(gn_asking_can_park(stage.call));
    cr_assert(answer("first", "{\"say\":\"yes\"}"));
    rig_until(&stage.rig, &stage.finished, 1);
    cr_assert_str_eq(told, "-inner -outer +outer +inner ");
    close_stage();
}

Test(call_ask, those_of_a_nested_call_and_of_its_caller_are_told)
{
    open_stage();
    surround(0);
    begin(outer_handler, 0);
    inner = rig_tool(&stage.rig, "inner", ask_handler, 0);
    gn_call_start(stage.call);
    rig_until(&stage.rig, &stage.asked, 1);
    cr_assert_str_eq(told, "-inner -outer -inner -outer ");
    cr_assert(answer("first", "{\"say\":\"yes\"}"));
    close_stage();
    gn_component_unref(inner);
}

Test(call_ask, one_that_cannot_be_parked_keeps_the_call_from_it)
{
    open_stage();
    surround(GANTRY_NO_PARK);
    begin(ask_handler, 0);
    gn_call_start(stage.call);
    rig_until(&stage.rig, &stage.asked, 1);
    cr_assert_not(gn_asking_can_park(stage.call));
    cr_assert(answer("first", "{\"say\":\"yes\"}"));
    close_stage();
}

Test(call_ask, one_that_ends_instead_goes_on_for_nobody)
{
    open_stage();
    surround(0);
    begin(ask_handler, 0);
    gn_call_start(stage.call);
    rig_until(&stage.rig, &stage.asked, 1);
    gn_call_cancel(stage.call);
    close_stage();
    cr_assert_str_eq(told, "-inner -outer ");
}
