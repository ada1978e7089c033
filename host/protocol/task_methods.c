/* task_methods.c - tasks/get, tasks/update, tasks/cancel (SEP-2663). */
#include "protocol/tasks.h"

#include "call/ask.h"
#include "util/str.h"

#include <stdio.h>

/* Before anything else the client must have declared the extension, on this very request. */
void gn_method_task(struct gn_request *r)
{
    if (!gn_request_refuse_no_tasks(r, r->method->name))
        gn_request_operate(r);
}

/* NULL after setting fault: an unknown task, or somebody else's, which is the same. */
static struct gn_mcp_task *find(struct gn_request *r, struct gn_fault *fault)
{
    const char *id = gn_json_cstr(gn_json_get(r->params, "taskId"));
    const char *principal = r->stream ? r->stream->principal : NULL;
    if (!id) {
        gn_fault_set(fault, 200, GN_RPC_INVALID_PARAMS, "%s needs params.taskId, a string",
                     r->method->name);
        return NULL;
    }
    struct gn_mcp_task *t = r->stream ? gn_tasks_find(r->p->tasks, id, principal) : NULL;
    if (!t)
        gn_fault_set(fault, 200, GN_RPC_INVALID_PARAMS,
                     "Task not found: unknown, expired, or another caller's");
    return t;
}

int gn_produce_get_task(struct gn_request *r, struct gn_jw *w, struct gn_fault *fault)
{
    const struct gn_mcp_task *t = find(r, fault);
    if (!t)
        return GN_EINVAL;
    gn_mcp_task_write_detailed(t, w);
    return GN_OK;
}

int gn_produce_cancel_task(struct gn_request *r, struct gn_jw *w, struct gn_fault *fault)
{
    struct gn_mcp_task *t = find(r, fault);
    (void)w;
    if (!t)
        return GN_EINVAL;
    if (gn_mcp_task_runs(t) && t->call) {
        t->is_refused = true;
        gn_mcp_task_cancel(t);
    }
    return GN_OK;
}

/* One answer. What does not fit leaves its question as it was: the key stays the same, since the
 * client is told that its answer was not taken. */
static bool take_answer(struct gn_call *call, const char *key, const gantry_json *answer,
                        struct gn_fault *fault)
{
    struct gn_question *q = gn_asking_find(call, key);
    if (!q || q->state != GN_QUESTION_SENT)
        return false; /* never asked, or answered: ignored (SEP-2663, Task Update Requests) */
    gn_ask_answer(call, q, answer, false);
    if (q->state == GN_QUESTION_ANSWERED)
        return true;
    q->state = GN_QUESTION_SENT;
    if (!fault->code)
        gn_fault_set(fault, 200, GN_RPC_INVALID_PARAMS,
                     "the answer to \"%.128s\" does not fit, and is still waited for: %.256s", key,
                     q->error ? q->error : "it is none");
    return false;
}

int gn_produce_update_task(struct gn_request *r, struct gn_jw *w, struct gn_fault *fault)
{
    struct gn_mcp_task *t = find(r, fault);
    const gantry_json *answers = gn_json_get(r->params, "inputResponses");
    (void)w;
    if (!t)
        return GN_EINVAL;
    if (gn_json_type(answers) != GN_JSON_OBJECT)
        return gn_fault_set(fault, 200, GN_RPC_INVALID_PARAMS,
                            "tasks/update needs params.inputResponses, an object");
    struct gn_call *call = t->call;
    bool is_taken = false;
    fault->code = 0;
    if (!call || !call->asking)
        return GN_OK;
    for (const gantry_json *v = NULL; (v = gn_json_next(answers, v)) && call->asking;)
        is_taken |= take_answer(call, gn_json_name(v, NULL), v, fault);
    if (is_taken)
        gn_mcp_task_set_status(t, gn_asking_settle(call) ? GN_MCP_WORKING : GN_MCP_INPUT_REQUIRED);
    return fault->code ? GN_EINVAL : GN_OK;
}
