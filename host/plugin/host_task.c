/* host_task.c - calls that become tasks, streams that are closed, extensions of the client. */
#include "plugin/host_internal.h"

#include "call/ask.h"
#include "plugin/abi_internal.h"

struct request {
    gantry_call *root;
    const gantry_task_options *options;
    const char *message;
    uint32_t retry_ms;
    int rc;
};

static void become_task(void *arg)
{
    struct request *r = arg;
    const struct gn_call_ops *ops = r->root->ops;
    r->rc = ops && ops->become_task ? ops->become_task(r->root, r->options) : GANTRY_ENOTSUP;
}

static void task_status(void *arg)
{
    struct request *r = arg;
    const struct gn_call_ops *ops = r->root->ops;
    r->rc = ops && ops->task_status ? ops->task_status(r->root, r->message) : GANTRY_ENOTSUP;
}

static void close_stream(void *arg)
{
    struct request *r = arg;
    const struct gn_call_ops *ops = r->root->ops;
    r->rc = ops && ops->close_stream ? ops->close_stream(r->root, r->retry_ms) : GANTRY_ENOTSUP;
}

int gn_host_become_task(gantry_call *call, const gantry_task_options *options)
{
    if (!gn_host_runs(call))
        return GANTRY_EPERM;
    gantry_task_options known = {0};
    struct gn_error err = {0};
    if (options &&
        gn_abi_copy(&known, sizeof known, offsetof(gantry_task_options, message), options, &err))
        return gn_host_misuse(call, "gantry_become_task: its options: %s", err.text);
    struct request r = {.root = gn_call_root(call), .options = &known};
    gn_host_on_loop(call, become_task, &r);
    return r.rc;
}

int gn_host_task_status(gantry_call *call, const char *message)
{
    if (!gn_host_runs(call))
        return GANTRY_EPERM;
    struct request r = {.root = gn_call_root(call), .message = message};
    gn_host_on_loop(call, task_status, &r);
    return r.rc;
}

const char *gn_host_task_id(gantry_call *call)
{
    return gn_host_runs(call) ? gn_call_root(call)->task_id : NULL;
}

int gn_host_close_stream(gantry_call *call, uint32_t retry_ms)
{
    if (!gn_host_runs(call))
        return GANTRY_EPERM;
    struct request r = {.root = gn_call_root(call), .retry_ms = retry_ms};
    gn_host_on_loop(call, close_stream, &r);
    return r.rc;
}

const gantry_json *gn_host_client_extension(gantry_call *call, const char *name)
{
    return gn_host_runs(call) && name ? gn_json_get(gn_call_root(call)->extensions, name) : NULL;
}
