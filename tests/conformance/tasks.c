/* tasks.c - tools whose calls become tasks (extension io.modelcontextprotocol/tasks). */
#include "conformance.h"

typedef struct {
    const char *name;
} greet_in;
static const gantry_arg greet_args[] = {
    GANTRY_ARG(greet_in, name, "Who to greet"),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(greet, greet_in, "Greets somebody at once, never as a task")
{
    return gantry_text(call, "Hello, %s!", in->name);
}

/* ---------------------------------------------------------------- work */

typedef struct {
    int64_t seconds;
    const char *label;
} compute_in;
static const gantry_arg slow_compute_args[] = {
    GANTRY_ARG(compute_in, seconds, "How long to take", .range = {0, 600}),
    GANTRY_ARG(compute_in, label, "What to call it", .default_json = "\"work\""),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(slow_compute, compute_in, "Takes its time", .task = GANTRY_TASK_OPTIONAL)
{
    int rc = gantry_sleep(call, (uint32_t)in->seconds * 1000);
    return rc ? rc : gantry_text(call, "%s: %d seconds", in->label, (int)in->seconds);
}

GANTRY_TOOL0(failing_job, "Fails after a while; only as a task", .task = GANTRY_TASK_REQUIRED)
{
    int rc = gantry_sleep(call, 1000);
    return rc ? rc : gantry_fail(call, "The job has failed, as it always does");
}

GANTRY_TOOL0(protocol_error_job, "Ends in a protocol error instead of a result",
             .task = GANTRY_TASK_OPTIONAL)
{
    int rc = gantry_sleep(call, 100);
    return rc ? rc : gantry_refuse(call, -32603, "The job could not be carried out");
}

/* ---------------------------------------------------------------- work that asks */

typedef struct {
    bool confirm;
} confirm_form;
static const gantry_arg confirm_form_args[] = {
    GANTRY_ARG(confirm_form, confirm, "Whether to do it"),
    GANTRY_ARGS_END,
};

typedef struct {
    const char *filename;
} delete_in;
static const gantry_arg confirm_delete_args[] = {
    GANTRY_ARG(delete_in, filename, "What to delete"),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(confirm_delete, delete_in, "Deletes (in words only) what the user agrees to",
            .task = GANTRY_TASK_OPTIONAL)
{
    confirm_form answer;
    int rc = gantry_elicit(call, "confirm", gantry_format(call, "Delete %s?", in->filename),
                           GANTRY_FORM(confirm_form, confirm_form_args), &answer);
    if (rc)
        return rc;
    return gantry_text(call, answer.confirm ? "Deleted %s" : "Kept %s", in->filename);
}

GANTRY_TOOL0(multi_input, "Asks two things at once", .task = GANTRY_TASK_OPTIONAL)
{
    name_form user;
    confirm_form answer;
    gantry_ask *const asks[] = {
        GANTRY_ASK(GANTRY_ASK_FORM, "name", .message = "What is your name?",
                   .form = GANTRY_FORM(name_form, name_form_args), .answer = &user),
        GANTRY_ASK(GANTRY_ASK_FORM, "confirm", .message = "Go on?",
                   .form = GANTRY_FORM(confirm_form, confirm_form_args), .answer = &answer),
    };
    int rc = gantry_ask_all(call, asks, 2);
    for (size_t i = 0; !rc && i < 2; i++)
        rc = asks[i]->rc;
    return rc ? rc : gantry_text(call, "%s said %s", user.name, answer.confirm ? "yes" : "no");
}

GANTRY_TOOL0(test_tool_with_task, "Asks for a name, then goes on as a task")
{
    name_form user;
    int rc = gantry_elicit(call, "user_name", "What is your name?",
                           GANTRY_FORM(name_form, name_form_args), &user);
    if (rc)
        return rc;
    rc = gantry_become_task(call, NULL);
    if (rc && rc != GANTRY_ENOTSUP)
        return rc;
    if ((rc = gantry_sleep(call, 100)))
        return rc;
    return gantry_text(call, "Hello, %s! It is done.", user.name);
}

/* ---------------------------------------------------------------- all of them */

int conformance_add_tasks(gantry_plugin *plugin)
{
    static const gantry_tool *const tools[] = {
        &greet_tool,
        &slow_compute_tool,
        &failing_job_tool,
        &protocol_error_job_tool,
        &confirm_delete_tool,
        &multi_input_tool,
        &test_tool_with_task_tool,
    };
    for (size_t i = 0; i < sizeof tools / sizeof *tools; i++) {
        int rc = gantry_add_tool(plugin, tools[i]);
        if (rc)
            return rc;
    }
    return GANTRY_OK;
}
