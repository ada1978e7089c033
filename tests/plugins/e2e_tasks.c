/* e2e_tasks.c - tools whose calls become tasks, for the end-to-end tests. */
#include <gantry.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Counted on the loop thread only. */
static struct {
    int64_t running, ended, cancelled;
} counts;

typedef struct {
    int64_t ms;
    const char *text;
} work_in;
static const gantry_arg work_args[] = {
    GANTRY_ARG(work_in, ms, "How long it takes", .default_json = "0", .range = {0, 600000}),
    GANTRY_ARG(work_in, text, "What it says in the end", .default_json = "\"done\""),
    GANTRY_ARGS_END,
};

#define slow_args work_args
#define only_args work_args
#define brief_args work_args
#define plain_args work_args
#define blocking_args work_args

static int work(gantry_call *call, const work_in *in)
{
    counts.running++;
    int rc = gantry_sleep(call, (uint32_t)in->ms);
    counts.running--;
    counts.ended++;
    if (rc == GANTRY_ECANCELED)
        counts.cancelled++;
    if (rc)
        return rc;
    rc = gantry_text(call, "%s", in->text);
    return rc ? rc : gantry_result_meta(call, "e2e/mark", gantry_json_parse(call, "7", 1));
}

GANTRY_TOOL(slow, work_in, "Takes its time", .task = GANTRY_TASK_OPTIONAL)
{
    return work(call, in);
}
GANTRY_TOOL(only, work_in, "Takes its time, as a task only", .task = GANTRY_TASK_REQUIRED)
{
    return work(call, in);
}
GANTRY_TOOL(brief, work_in, "May take a moment", .task = GANTRY_TASK_OPTIONAL, .timeout_ms = 50)
{
    return work(call, in);
}
GANTRY_TOOL(plain, work_in, "Never a task")
{
    return work(call, in);
}
GANTRY_TOOL(blocking, work_in, "Blocks a worker", .task = GANTRY_TASK_OPTIONAL,
            .flags = GANTRY_BLOCKING)
{
    usleep((useconds_t)in->ms * 1000);
    return gantry_text(call, "%s", in->text);
}

/* ---------------------------------------------------------------- how they end */

GANTRY_TOOL0(fails, "Fails on purpose", .task = GANTRY_TASK_REQUIRED)
{
    return gantry_fail(call, "no such luck");
}
GANTRY_TOOL0(accident, "Fails by accident", .task = GANTRY_TASK_REQUIRED)
{
    (void)call;
    return GANTRY_EIO;
}
GANTRY_TOOL0(refuses, "Fails with a JSON-RPC error", .task = GANTRY_TASK_OPTIONAL)
{
    return gantry_refuse(call, -32050, "the quota is used up");
}

typedef struct {
    int64_t bytes;
} big_in;
static const gantry_arg big_args[] = {
    GANTRY_ARG(big_in, bytes, "How many", .range = {0, 8388608}),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(big, big_in, "Says much", .task = GANTRY_TASK_OPTIONAL)
{
    char *text = gantry_alloc(call, (size_t)in->bytes + 1);
    if (!text)
        return GANTRY_ETOOBIG;
    memset(text, 'x', (size_t)in->bytes);
    return gantry_text_add(call, text, (size_t)in->bytes);
}

/* ---------------------------------------------------------------- on the way */

typedef struct {
    int64_t ms, ttl;
    const char *text;
} later_in;
static const gantry_arg later_args[] = {
    GANTRY_ARG(later_in, ms, "How long it takes", .default_json = "0"),
    GANTRY_ARG(later_in, ttl, "How long it is kept", .default_json = "0"),
    GANTRY_ARG(later_in, text, "What it says", .default_json = "\"later\""),
    GANTRY_ARGS_END,
};
#define later_blocking_args later_args

static int become(gantry_call *call, const later_in *in)
{
    int rc = gantry_become_task(call, GANTRY_TASK_OPTIONS(.message = "it takes long", .poll_ms = 77,
                                                          .ttl_ms = (uint64_t)in->ttl));
    if (rc == GANTRY_EBUSY)
        return gantry_fail(call, "too many tasks");
    if (rc && rc != GANTRY_ENOTSUP)
        return rc;
    int again = gantry_become_task(call, NULL);
    int wait = gantry_sleep(call, (uint32_t)in->ms);
    if (wait)
        return wait;
    return gantry_text(call, "%s %d %d %d", in->text, rc, again, gantry_task_id(call) != NULL);
}
GANTRY_TOOL(later, later_in, "Finds out that it takes long")
{
    return become(call, in);
}
GANTRY_TOOL(later_blocking, later_in, "The same on a worker", .flags = GANTRY_BLOCKING)
{
    return become(call, in);
}

typedef struct {
    int64_t n, ms;
} steps_in;
static const gantry_arg steps_args[] = {
    GANTRY_ARG(steps_in, n, "How many"),
    GANTRY_ARG(steps_in, ms, "Between two", .default_json = "0"),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(steps, steps_in, "Says where it is", .task = GANTRY_TASK_OPTIONAL)
{
    char message[64];
    for (int64_t i = 1; i <= in->n; i++) {
        snprintf(message, sizeof message, "step %d of %d", (int)i, (int)in->n);
        int rc = gantry_task_status(call, message);
        if (rc && rc != GANTRY_ENOTSUP)
            return rc;
        gantry_progress(call, (double)i, (double)in->n, message);
        gantry_log(call, GANTRY_INFO, "%s", message);
        rc = gantry_sleep(call, (uint32_t)in->ms);
        if (rc)
            return rc;
    }
    return gantry_text(call, "all %d", (int)in->n);
}

/* ---------------------------------------------------------------- questions */

typedef struct {
    const char *name;
    int64_t age;
} person;
static const gantry_arg person_args[] = {
    GANTRY_ARG(person, name, "Your name", .length = {2, 20}),
    GANTRY_ARG(person, age, "Your age", .optional = 1, .range = {0, 150}),
    GANTRY_ARGS_END,
};

static int greet(gantry_call *call)
{
    person p = {0}, q = {0};
    int rc = gantry_elicit(call, "who", "Who are you?", GANTRY_FORM(person, person_args), &p);
    if (rc == GANTRY_EDECLINED)
        return gantry_text(call, "declined");
    if (rc)
        return rc;
    rc = gantry_elicit(call, "who", "And who else?", GANTRY_FORM(person, person_args), &q);
    if (rc)
        return rc;
    return gantry_text(call, "%s and %s", p.name, q.name);
}
GANTRY_TOOL0(greets, "Asks twice", .task = GANTRY_TASK_OPTIONAL)
{
    return greet(call);
}
GANTRY_TOOL0(greets_blocking, "Asks twice, on a worker", .task = GANTRY_TASK_OPTIONAL,
             .flags = GANTRY_BLOCKING)
{
    return greet(call);
}

GANTRY_TOOL0(both, "Asks two things at once", .task = GANTRY_TASK_OPTIONAL)
{
    person p = {0};
    gantry_ask *name = GANTRY_ASK(GANTRY_ASK_FORM, "name", .message = "Name?",
                                  .form = GANTRY_FORM(person, person_args), .answer = &p);
    gantry_ask *sure = GANTRY_ASK(GANTRY_ASK_FORM, "sure", .message = "Sure?");
    gantry_ask *asks[] = {name, sure};
    int rc = gantry_ask_all(call, asks, 2);
    if (rc)
        return rc;
    return gantry_text(call, "%s %d", p.name, (int)sure->rc);
}

GANTRY_TOOL0(deferred, "Asks, and then becomes a task", .task = GANTRY_TASK_DEFERRED)
{
    person p = {0};
    int rc = gantry_elicit(call, "who", "Who are you?", GANTRY_FORM(person, person_args), &p);
    if (!rc)
        rc = gantry_become_task(call, NULL);
    if (!rc)
        rc = gantry_confirm(call, "sure", "Are you sure?");
    return rc ? rc : gantry_text(call, "%s is sure", p.name);
}

/* ---------------------------------------------------------------- what has happened */

typedef struct {
    int64_t running, ended, cancelled;
} counts_out;
static const gantry_arg counts_args[] = {
    GANTRY_ARG(counts_out, running, "Handlers at work"),
    GANTRY_ARG(counts_out, ended, "Those that have ended"),
    GANTRY_ARG(counts_out, cancelled, "Those that were cancelled"),
    GANTRY_ARGS_END,
};
GANTRY_TOOL0(counted, "What the handlers did", GANTRY_OUTPUT(counts_out, counts_args))
{
    counts_out out = {counts.running, counts.ended, counts.cancelled};
    return gantry_structured(call, &out);
}

GANTRY_PROMPT0(no_task, "A prompt cannot become a task")
{
    return gantry_text(call, "%d %d", gantry_become_task(call, NULL),
                       gantry_task_status(call, "x"));
}

#define STRING_(x) #x
#define STRING(x) STRING_(x)
GANTRY_TOOL0(version, "Which of the two this is")
{
    return gantry_text(call, "%d", TASKS);
}

#ifndef TASKS_FLAGS
#define TASKS_FLAGS 0
#endif
GANTRY_PLUGIN("tasks", STRING(TASKS) ".0.0", .flags = TASKS_FLAGS,
              .tools = GANTRY_TOOLS(&slow_tool, &only_tool, &brief_tool, &plain_tool,
                                    &blocking_tool, &fails_tool, &accident_tool, &refuses_tool,
                                    &big_tool, &later_tool, &later_blocking_tool, &steps_tool,
                                    &greets_tool, &greets_blocking_tool, &both_tool, &deferred_tool,
                                    &counted_tool, &version_tool),
              .prompts = GANTRY_PROMPTS(&no_task_prompt));
