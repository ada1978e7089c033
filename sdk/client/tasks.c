/* tasks.c - tasks, in both of their forms: the extension io.modelcontextprotocol/tasks (SEP-2663),
 * by which a server makes a task of a call as it likes, and those of 2025-11-25 ("Tasks"), for
 * which it is asked. Here is what becomes one; what goes on until it ends is in task_watch.c.
 */
#include "tasks.h"

#include "util/alloc.h"
#include "util/str.h"
#include "wire/meta.h"

#include <string.h>

#define TASK_ID_MAX 1024
#define EXTENSION "extensions/io.modelcontextprotocol~1tasks"

/* ---------------------------------------------------------------- asking for one */

static bool offers_tasks(const gantry_client *c)
{
    if (gn_client_is_stateless(c))
        return gn_client_server_can(c, EXTENSION);
    return c->revision == GN_REV_2025_11_25 && gn_client_server_can(c, "tasks");
}

void gn_tasks_prepare(gantry_request *r)
{
    const gantry_client *c = r->client;
    bool asks = r->o.task_ttl_ms && r->kind && r->kind->may_be_task &&
                c->revision == GN_REV_2025_11_25 &&
                gn_client_server_can(c, "tasks/requests/tools/call");
    if (!asks && !r->is_task_asked)
        return;
    gn_free(r->extra);
    r->extra = asks ? gn_format("\"task\":{\"ttl\":%u}", r->o.task_ttl_ms) : NULL;
    r->is_task_asked = asks;
}

/* ---------------------------------------------------------------- what becomes one */

static bool refuse(gantry_request *r, const char *what)
{
    gn_request_end(r, GANTRY_CLIENT_PROTOCOL, "the server answers %s with %s", r->method, what);
    return true;
}

/* The state of the task that the result says it became; NULL: it became none. */
static const gantry_json *find_task(const gantry_request *r, const gantry_json *result)
{
    if (gn_client_is_stateless(r->client)) {
        bool is_task = gn_json_streq(gn_json_get(result, "resultType"), GN_RESULT_TASK);
        /* servers in the field say it of the state of a task, too */
        return is_task && !gn_starts_with(r->method, "tasks/") ? result : NULL;
    }
    const gantry_json *task = r->is_task_asked ? gn_json_get(result, "task") : NULL;
    return gn_json_type(task) == GN_JSON_OBJECT ? task : NULL;
}

static bool become_task(gantry_request *r, struct gn_json_doc *doc, const gantry_json *task)
{
    const char *id = gn_json_cstr(gn_json_get(task, "taskId"));
    if (!r->kind || !r->kind->may_be_task)
        return refuse(r, "a task, which only tools/call may become");
    if (!id || !*id || strlen(id) > TASK_ID_MAX)
        return refuse(r, "a task without a taskId");
    gn_free(r->task_id);
    r->task_id = gn_strdup(id);
    if (r->o.detaches) {
        gn_request_end_result(r, doc, task);
        return true;
    }
    r->task = gn_task_watch_new(r);
    gn_task_watch_take(r->task, doc, task, true);
    return true;
}

bool gn_tasks_take(gantry_request *r, struct gn_json_doc *doc, const gantry_json *result)
{
    if (r->is_internal || r->is_part)
        return false;
    if (r->task) { /* the first look of gantry_client_task */
        gn_request_hold(r);
        gn_task_watch_take(r->task, doc, result, false);
        return true;
    }
    const gantry_json *task = find_task(r, result);
    return task && become_task(r, doc, task);
}

void gn_tasks_forget(gantry_request *r)
{
    struct gn_task_watch *w = r->task;
    r->task = NULL;
    if (w)
        gn_task_watch_free(w);
}

/* ---------------------------------------------------------------- what is told of them */

static gantry_request *request_of(struct gn_list *node)
{
    return GN_CONTAINER(node, gantry_request, node);
}

gantry_request *gn_tasks_find_by_id(gantry_client *c, const char *task_id)
{
    GN_LIST_EACH(&c->requests, n) {
        if (request_of(n)->task && gn_streq(request_of(n)->task_id, task_id))
            return request_of(n);
    }
    return NULL;
}

gantry_request *gn_tasks_find_by_token(gantry_client *c, int64_t id)
{
    GN_LIST_EACH(&c->requests, n) {
        if (request_of(n)->task && id > 0 && request_of(n)->id == id)
            return request_of(n);
    }
    return NULL;
}

void gn_tasks_notified(gantry_client *c, const gantry_json *params)
{
    const char *id = gn_json_cstr(gn_json_get(params, "taskId"));
    gantry_request *r = id ? gn_tasks_find_by_id(c, id) : NULL;
    struct gn_json_doc doc = {0};
    if (!r || r->state != GN_REQUEST_ASKING)
        return;
    GN_AUTO_FREE char *text = gantry_read_print(params);
    if (text && gn_json_parse_copy(&doc, text, strlen(text), NULL, NULL) == 0)
        gn_task_watch_take(r->task, &doc, gn_json_root(&doc), false);
    gn_json_release(&doc);
}

/* ---------------------------------------------------------------- by id */

static bool check_offered(gantry_request *r)
{
    if (offers_tasks(r->client))
        return false;
    gn_request_end(r, GANTRY_CLIENT_UNSUPPORTED, "the server does not offer tasks (for %s)",
                   r->method);
    return true;
}

static bool check_cancel(gantry_request *r)
{
    if (check_offered(r))
        return true;
    if (gn_client_is_stateless(r->client) || gn_client_server_can(r->client, "tasks/cancel"))
        return false;
    gn_request_end(r, GANTRY_CLIENT_UNSUPPORTED, "the server does not offer to cancel tasks");
    return true;
}

static gantry_request *new_by_id(gantry_client *c, const char *method, const char *task_id,
                                 const gantry_request_options *options)
{
    GN_AUTO_FREE char *params = gantry_format_json("{'taskId': %s}", task_id);
    gantry_request *r = gn_request_new(c, method, params, options);
    if (!task_id || !*task_id || strlen(task_id) > TASK_ID_MAX)
        gn_request_end(r, GANTRY_CLIENT_INVALID, "%s without the id of a task", method);
    r->task_id = gn_strdup(task_id);
    r->before = check_offered;
    return r;
}

gantry_request *gantry_client_task(gantry_client *client, const char *task_id,
                                   const gantry_request_options *options)
{
    gantry_request *r = new_by_id(client, "tasks/get", task_id, options);
    if (r->state == GN_REQUEST_NEW) {
        r->task = gn_task_watch_new(r);
        r->task->is_others = true;
    }
    gn_request_start(r);
    return r;
}

gantry_request *gantry_client_get_task(gantry_client *client, const char *task_id,
                                       const gantry_request_options *options)
{
    gantry_request *r = new_by_id(client, "tasks/get", task_id, options);
    gn_request_start(r);
    return r;
}

gantry_request *gantry_client_cancel_task(gantry_client *client, const char *task_id,
                                          const gantry_request_options *options)
{
    gantry_request *r = new_by_id(client, "tasks/cancel", task_id, options);
    r->before = check_cancel;
    gn_request_start(r);
    return r;
}
