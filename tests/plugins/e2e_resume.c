/* e2e_resume.c - a tool that says something each time it is let go on, for test_resumption.py. */
#include <gantry.h>

#define LINES 16

/* How far the call with this number may go: set by `go`. */
static int64_t allowed[LINES];

typedef struct {
    int64_t line, to;
} go_in;
static const gantry_arg go_args[] = {
    GANTRY_ARG(go_in, line, "Which call", .range = {0, LINES - 1}, .default_json = "0"),
    GANTRY_ARG(go_in, to, "How far", .default_json = "1000000"),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(go, go_in, "Lets a call of steps go on")
{
    allowed[in->line] = in->to;
    return gantry_text(call, "gone");
}

typedef struct {
    int64_t line, count, close_every, retry, bytes;
} steps_in;
static const gantry_arg steps_args[] = {
    GANTRY_ARG(steps_in, line, "Which call this is", .range = {0, LINES - 1}, .default_json = "0"),
    GANTRY_ARG(steps_in, count, "How many steps", .range = {0, 100000}),
    GANTRY_ARG(steps_in, close_every, "After how many the connection is closed, 0: never",
               .default_json = "0"),
    GANTRY_ARG(steps_in, retry, "Milliseconds that the client then waits", .default_json = "1"),
    GANTRY_ARG(steps_in, bytes, "How long a line is", .default_json = "1", .range = {1, 100000}),
    GANTRY_ARGS_END,
};

static int wait_for(gantry_call *call, int64_t line, int64_t step)
{
    int rc = GANTRY_OK;
    while (rc == GANTRY_OK && allowed[line] < step)
        rc = gantry_sleep(call, 1);
    return rc;
}

GANTRY_TOOL(steps, steps_in, "Says each step as far as go lets it", .timeout_ms = 600000)
{
    int64_t closed = 0;
    for (int64_t i = 1; i <= in->count; i++) {
        int rc = wait_for(call, in->line, i);
        if (rc)
            return rc;
        gantry_log(call, GANTRY_INFO, "step %lld %*s", (long long)i, (int)in->bytes, ".");
        if (in->close_every && i % in->close_every == 0) {
            rc = gantry_close_stream(call, (uint32_t)in->retry);
            if (rc == GANTRY_ENOTSUP)
                gantry_log(call, GANTRY_INFO, "the connection cannot be closed");
            else if (rc)
                return rc;
            closed += rc == GANTRY_OK;
        }
    }
    int rc = wait_for(call, in->line, in->count + 1);
    return rc ? rc
              : gantry_text(call, "%lld steps, closed %lld times", (long long)in->count,
                            (long long)closed);
}

typedef struct {
    int64_t line;
} question_in;
static const gantry_arg question_args[] = {
    GANTRY_ARG(question_in, line, "Which call this is", .range = {0, LINES - 1},
               .default_json = "0"),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(question, question_in, "Says a step, and asks once it may go on", .timeout_ms = 600000)
{
    gantry_log(call, GANTRY_INFO, "step 1");
    int rc = wait_for(call, in->line, 2);
    if (!rc)
        rc = gantry_confirm(call, "sure", "Are you sure?");
    if (rc)
        return rc == GANTRY_EDECLINED ? gantry_text(call, "no") : rc;
    gantry_log(call, GANTRY_INFO, "step 2");
    return gantry_text(call, "yes");
}

GANTRY_PLUGIN("e2e_resume", "1.0.0", .tools = GANTRY_TOOLS(&go_tool, &steps_tool, &question_tool));
