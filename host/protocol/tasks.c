/* tasks.c - a call that has become a task: how it becomes one, asks, and ends. */
#include "protocol/tasks.h"

#include "call/ask.h"
#include "call/lines.h"
#include "util/alloc.h"

#include <string.h>

/* A handler that was cancelled and has not returned. */
struct lingering {
    struct gn_list node;
    struct gn_call *call;
};

static const struct gn_call_ops task_ops;

static struct gn_mcp_task *task_of(struct gn_call *call)
{
    struct gn_mcp_task *t = call->ops_data;
    GN_CHECK(t, GN_MCP_TASK_MAGIC);
    return t;
}

/* ---------------------------------------------------------------- letting go */

static void release_component(struct gn_mcp_task *t)
{
    struct gn_component *c = t->to_start;
    struct gn_owner *owner = c ? c->owner : NULL;
    t->to_start = NULL;
    gn_component_unref(c);
    if (owner)
        owner->unref(owner);
}

/* What has not begun never will. */
static void unhold(struct gn_mcp_task *t, struct gn_call *call)
{
    if (!t->to_start)
        return;
    call->component = NULL;
    release_component(t);
}

static void release_call(struct gn_mcp_task *t)
{
    struct gn_call *call = t->call;
    t->call = NULL;
    if (!call)
        return;
    unhold(t, call);
    gn_call_detach(call);
    if (!call->running) {
        gn_call_unref(call);
        return;
    }
    struct lingering *l = gn_calloc(1, sizeof *l);
    l->call = call;
    gn_list_append(&t->all->lingering, &l->node);
    t->all->lingering_count++;
}

void gn_tasks_sweep(struct gn_tasks *all, bool abandon)
{
    GN_LIST_EACH(&all->lingering, n) {
        struct lingering *l = GN_CONTAINER(n, struct lingering, node);
        if (l->call->running && !abandon)
            continue;
        gn_list_remove(n);
        all->lingering_count--;
        gn_call_unref(l->call);
        gn_free(l);
    }
}

static struct gn_request *take_request(struct gn_mcp_task *t)
{
    struct gn_request *r = t->request;
    t->request = NULL;
    if (r)
        r->task = NULL;
    return r;
}

void gn_mcp_task_abandon(struct gn_mcp_task *t)
{
    struct gn_request *r = take_request(t);
    struct gn_call *call = t->call ? gn_call_ref(t->call) : NULL;
    if (call) {
        gn_call_detach(call);
        gn_call_cancel(call);
        release_call(t);
        gn_call_unref(call);
    }
    if (r)
        gn_reply_error(r, 500, GN_RPC_INTERNAL_ERROR, NULL, "the task could not be stored");
}

/* Its client is gone before it heard of the task: so nobody ever will. */
void gn_request_forsake_task(struct gn_request *r)
{
    struct gn_mcp_task *t = r->task;
    if (!t)
        return;
    take_request(t);
    gn_mcp_task_drop(t);
}

/* ---------------------------------------------------------------- the end */

/* Why it was cancelled decides what it is: its client wanted that, or something befell it. */
static void end_cancelled(struct gn_mcp_task *t)
{
    static const char stopped[] = "the server was stopped while the task ran";
    static const char replaced[] = "the plugin that ran this task was replaced or taken away";
    if (t->is_refused) {
        gn_mcp_task_set_message(t, "cancelled by the client");
        gn_mcp_task_end(t, GN_MCP_CANCELLED, NULL, 0);
        return;
    }
    size_t len;
    const char *why = t->all->p->draining ? stopped : replaced;
    gn_mcp_task_set_message(t, why);
    char *error = gn_mcp_error(GN_RPC_INTERNAL_ERROR, why, NULL, &len);
    gn_mcp_task_end(t, GN_MCP_FAILED, error, len);
}

static void task_finished(struct gn_call *call, enum gn_outcome outcome)
{
    struct gn_mcp_task *t = task_of(call);
    struct gn_protocol *p = t->all->p;
    if (outcome == GN_OUT_CANCELED) {
        release_call(t);
        end_cancelled(t);
    } else {
        GN_AUTO_FREE char *message = NULL;
        char *text;
        size_t len;
        enum gn_mcp_status status = gn_mcp_outcome(call, outcome, p->config->tasks_max_result,
                                                   &text, &len, &message);
        release_call(t);
        gn_mcp_task_set_message(t, message);
        gn_mcp_task_end(t, status, text, len);
    }
    gn_protocol_check_drained(p);
}

/* ---------------------------------------------------------------- questions */

static int task_ask(struct gn_call *call)
{
    struct gn_mcp_task *t = task_of(call);
    const struct gn_asking *asking = call->asking;
    if (t->all->p->draining)
        return GN_ECANCELED;
    for (size_t i = 0; i < asking->count; i++) {
        if (asking->v[i]->state == GN_QUESTION_OPEN)
            asking->v[i]->state = GN_QUESTION_SENT;
    }
    gn_mcp_task_set_status(t, GN_MCP_INPUT_REQUIRED);
    return 0;
}

static void task_unask(struct gn_call *call)
{
    gn_mcp_task_set_status(task_of(call), GN_MCP_WORKING);
}

static int task_status(struct gn_call *call, const char *message)
{
    gn_mcp_task_set_message(task_of(call), message);
    return GANTRY_OK;
}

static int become_again(struct gn_call *call, const gantry_task_options *options)
{
    (void)call, (void)options;
    return GANTRY_OK;
}

/* Progress and log lines are not for tasks (SEP-2663, Task Status Notifications). */
static const struct gn_call_ops task_ops = {
    .finished = task_finished,
    .ask = task_ask,
    .unask = task_unask,
    .become_task = become_again,
    .task_status = task_status,
};

/* ---------------------------------------------------------------- becoming one */

bool gn_request_knows_tasks(const struct gn_request *r)
{
    const gantry_json *capabilities = gn_json_get(r->meta, GN_META_CLIENT_CAPABILITIES);
    const gantry_json *extensions = gn_json_get(capabilities, "extensions");
    return gn_request_is_stateless(r) &&
           gn_json_type(gn_json_get(extensions, GN_EXTENSION_TASKS)) == GN_JSON_OBJECT;
}

/* How long it may run: what its author says of the tool, but not of calls that turn out long. */
static uint32_t time_limit(const struct gn_mcp_task *t, uint32_t of_tool)
{
    uint32_t ms = of_tool ? of_tool : t->all->p->config->tasks_timeout_ms;
    return (uint32_t)GN_MIN((uint64_t)ms, t->ttl_ms);
}

/* The call leaves its request, which waits to be told. */
static void take_over(struct gn_mcp_task *t, struct gn_request *r)
{
    struct gn_call *call = r->call;
    gn_lines_end(call);
    t->call = call;
    t->request = r;
    call->ops = &task_ops;
    call->ops_data = t;
    call->task_id = gn_arena_strdup(&call->arena, t->id);
    call->progress_token = NULL;
    call->log_level = -1;
    r->task = t;
    gn_request_end_turn(r);
    r->call = NULL;
    r->params = r->meta = NULL; /* they are the call's */
}

int gn_request_become_task(struct gn_call *call, const gantry_task_options *options)
{
    struct gn_request *r = call->ops_data;
    GN_CHECK(r, GN_REQUEST_MAGIC);
    if (!gn_request_knows_tasks(r))
        return GANTRY_ENOTSUP;
    if (call->finished || r->p->draining)
        return GANTRY_ECANCELED;
    struct gn_mcp_task *t = gn_tasks_add(r->p->tasks, call->principal, gn_call_component(call)->key,
                                         options);
    if (!t)
        return GANTRY_EBUSY;
    take_over(t, r);
    gn_call_set_timeout(call, time_limit(t, 0));
    gn_mcp_task_store(t);
    return GANTRY_OK;
}

/* `data` of the error. */
static const char missing[] = "{\"requiredCapabilities\":{\"extensions\":{\"" GN_EXTENSION_TASKS
                              "\":{}}}}";

static void refuse(struct gn_request *r, const char *what)
{
    bool stateless = gn_request_is_stateless(r);
    gn_reply_error(r, stateless ? 400 : 200,
                   stateless ? GN_RPC_MISSING_CAPABILITY : GN_RPC_INVALID_PARAMS,
                   stateless ? missing : NULL,
                   "%.256s needs a client that declares the extension " GN_EXTENSION_TASKS
                   " (revision 2026-07-28)",
                   what);
}

bool gn_request_refuse_no_tasks(struct gn_request *r, const char *what)
{
    if (gn_request_knows_tasks(r))
        return false;
    refuse(r, what);
    return true;
}

bool gn_request_start_task(struct gn_request *r)
{
    struct gn_call *call = r->call;
    struct gn_component *c = call->component;
    bool wants = c->task == GANTRY_TASK_OPTIONAL || c->task == GANTRY_TASK_REQUIRED;
    if (!wants || !gn_request_knows_tasks(r))
        return false;
    struct gn_mcp_task *t = gn_tasks_add(r->p->tasks, call->principal, c->key, NULL);
    if (!t) {
        gn_reply_error(r, 503, GN_RPC_INTERNAL_ERROR, NULL,
                       "busy: too many tasks, try again later");
        return true;
    }
    t->to_start = gn_component_ref(c);
    if (c->owner)
        c->owner->ref(c->owner);
    take_over(t, r);
    call->timeout_ms = time_limit(t, c->timeout_ms);
    gn_mcp_task_store(t);
    return true;
}

static void reply_created(struct gn_mcp_task *t)
{
    struct gn_request *r = take_request(t);
    struct gn_reply reply;
    if (!r)
        return;
    gn_reply_open_as(r, &reply, GN_RESULT_TASK);
    gn_mcp_task_write(t, &reply.w);
    gn_reply_send(r, &reply, NULL);
}

/* The generation that was current when the request came is held, and runs it. */
static void start(struct gn_mcp_task *t)
{
    struct gn_component *c = t->to_start;
    struct gn_owner *owner = c->owner;
    struct gn_call *call = gn_call_ref(t->call);
    t->to_start = NULL;
    gn_call_start(call); /* may end it, and free t */
    gn_call_unref(call);
    gn_component_unref(c);
    if (owner)
        owner->unref(owner);
}

void gn_mcp_task_stored(struct gn_mcp_task *t, int rc)
{
    if (rc) {
        gn_mcp_task_drop(t);
        return;
    }
    t->is_stored = true;
    reply_created(t);
    if (t->to_start)
        start(t);
}

/* ---------------------------------------------------------------- cancelling, the end of all */

void gn_mcp_task_cancel(struct gn_mcp_task *t)
{
    struct gn_call *call = gn_call_ref(t->call);
    gn_call_cancel(call);
    gn_call_unref(call);
}

void gn_tasks_drain(struct gn_tasks *all, bool only_asking)
{
    for (bool found = true; found;) {
        found = false;
        GN_LIST_EACH(&all->running, n) {
            struct gn_mcp_task *t = GN_CONTAINER(n, struct gn_mcp_task, node);
            if (!t->call || (only_asking && t->status != GN_MCP_INPUT_REQUIRED))
                continue;
            gn_mcp_task_cancel(t); /* it leaves the list */
            found = true;
            break;
        }
    }
}

bool gn_tasks_are_over(const struct gn_tasks *all)
{
    return gn_list_empty(&all->running) && gn_task_files_pending(all->files) == 0;
}
