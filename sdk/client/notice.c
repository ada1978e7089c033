/* notice.c - notifications: what each means. Those that mean nothing here, or are not what the
 * protocol says, are ignored ("Overview", Notifications).
 */
#include "internal.h"

#include "util/alloc.h"
#include "util/str.h"
#include "wire/meta.h"

#include <string.h>

#define LOG_LINE_MAX ((size_t)1 << 20)

/* A notification on its way: on which request's stream (NULL: not known), and what it says. */
typedef void notice_fn(gantry_client *c, gantry_request *on, const struct gn_jsonrpc *m);

/* The caller's request that another is a part of; NULL for one of the client's own. */
static gantry_request *callers(gantry_request *r)
{
    if (r && r->parent)
        r = r->parent;
    return r && !r->is_internal && !r->is_part ? r : NULL;
}

/* ---------------------------------------------------------------- of requests */

/* A request that became a task keeps its token as long as it goes on (2025-11-25 "Tasks"). */
static gantry_request *find_by_token(gantry_client *c, const gantry_json *token)
{
    int64_t id;
    if (gn_json_type(token) != GN_JSON_NUMBER || !gn_json_int(token, &id))
        return NULL;
    gantry_request *r = gn_request_find(c, id);
    return callers(r ? r : gn_tasks_find_by_token(c, id));
}

static void on_progress(gantry_client *c, gantry_request *on, const struct gn_jsonrpc *m)
{
    gantry_request *r = find_by_token(c, gn_json_get(m->params, "progressToken"));
    gantry_client_progress p = {0};
    (void)on;
    if (!r || !gn_json_num(gn_json_get(m->params, "progress"), &p.progress))
        return;
    if (r->progress_id == r->id && p.progress <= r->progress)
        return; /* it must increase: this one is late */
    r->progress_id = r->id;
    r->progress = p.progress;
    gn_json_num(gn_json_get(m->params, "total"), &p.total);
    p.message = gn_json_cstr(gn_json_get(m->params, "message"));
    gn_request_progressed(r);
    if (r->o.on_progress)
        r->o.on_progress(r, &p, r->o.arg);
    else if (c->s.handlers.on_progress)
        c->s.handlers.on_progress(c, r, &p, c->s.arg);
}

static const char *text_of(const gantry_json *data)
{
    static const char *const names[] = {"msg", "message"};
    const char *text = gn_json_cstr(data);
    for (size_t i = 0; i < GN_COUNT(names) && !text; i++)
        text = gn_json_cstr(gn_json_get(data, names[i]));
    return text;
}

static void write_log_line(gantry_client *c, const gantry_client_log *log)
{
    struct gn_buf line = GN_BUF_INIT(LOG_LINE_MAX);
    if (gn_buf_addf(&line, "%s%s%s: %s", log->level, log->logger ? " " : "",
                    log->logger ? log->logger : "", log->text) == 0)
        gn_client_log_line(c, "server", gn_buf_str(&line), line.len);
    gn_buf_release(&line);
}

static void on_log(gantry_client *c, gantry_request *on, const struct gn_jsonrpc *m)
{
    const gantry_json *task = gn_json_get(gn_json_get(m->params, GN_META), GN_META_RELATED_TASK);
    const char *task_id = gn_json_cstr(gn_json_get(task, "taskId"));
    gantry_client_log log = {
        .level = gn_json_cstr(gn_json_get(m->params, "level")),
        .logger = gn_json_cstr(gn_json_get(m->params, "logger")),
        .data = gn_json_get(m->params, "data"),
    };
    if (!gn_settings_is_level(log.level))
        log.level = "info";
    log.text = text_of(log.data);
    GN_AUTO_FREE char *printed = log.text ? NULL : gantry_read_print(log.data);
    if (!log.text)
        log.text = printed ? printed : "";
    write_log_line(c, &log);
    gantry_request *r = task_id ? gn_tasks_find_by_id(c, task_id) : NULL;
    if (c->s.handlers.on_log)
        c->s.handlers.on_log(c, r ? r : callers(on), &log, c->s.arg);
}

/* ---------------------------------------------------------------- of what the server has */

static void tell_list(gantry_client *c, const char *method, gantry_list_kind kind)
{
    gn_cache_changed(c, method, NULL);
    if (c->s.handlers.on_list_changed)
        c->s.handlers.on_list_changed(c, kind, c->s.arg);
}

static void on_tools(gantry_client *c, gantry_request *on, const struct gn_jsonrpc *m)
{
    (void)on;
    tell_list(c, m->method, GANTRY_LIST_TOOLS);
}

static void on_prompts(gantry_client *c, gantry_request *on, const struct gn_jsonrpc *m)
{
    (void)on;
    tell_list(c, m->method, GANTRY_LIST_PROMPTS);
}

static void on_resources(gantry_client *c, gantry_request *on, const struct gn_jsonrpc *m)
{
    (void)on;
    tell_list(c, m->method, GANTRY_LIST_RESOURCES);
}

static void on_updated(gantry_client *c, gantry_request *on, const struct gn_jsonrpc *m)
{
    const char *uri = gn_json_cstr(gn_json_get(m->params, "uri"));
    (void)on;
    if (!uri)
        return;
    gn_cache_changed(c, m->method, uri);
    if (c->s.handlers.on_resource_updated)
        c->s.handlers.on_resource_updated(c, uri, c->s.arg);
}

/* ---------------------------------------------------------------- of what goes on */

static void on_cancelled(gantry_client *c, gantry_request *on, const struct gn_jsonrpc *m)
{
    const gantry_json *id = gn_json_get(m->params, "requestId");
    (void)on;
    if (id)
        gn_question_cancelled(c, id);
}

static void on_elicited(gantry_client *c, gantry_request *on, const struct gn_jsonrpc *m)
{
    const char *id = gn_json_cstr(gn_json_get(m->params, "elicitationId"));
    (void)on;
    if (!id || !gn_elicit_completed(c, id))
        return;
    gn_rounds_completed(c, id);
    if (c->s.handlers.on_elicit_complete)
        c->s.handlers.on_elicit_complete(c, id, c->s.arg);
}

static void on_task(gantry_client *c, gantry_request *on, const struct gn_jsonrpc *m)
{
    (void)on;
    gn_tasks_notified(c, m->params);
}

static const struct {
    const char *method;
    notice_fn *take;
} notices[] = {
    {"notifications/progress", on_progress},
    {"notifications/message", on_log},
    {"notifications/tools/list_changed", on_tools},
    {"notifications/prompts/list_changed", on_prompts},
    {"notifications/resources/list_changed", on_resources},
    {"notifications/resources/updated", on_updated},
    {"notifications/cancelled", on_cancelled},
    {"notifications/elicitation/complete", on_elicited},
    {"notifications/tasks/status", on_task},
    {"notifications/tasks", on_task},
};

void gn_notice_received(gantry_client *c, gantry_request *on, const struct gn_jsonrpc *m)
{
    if (gn_client_is_stateless(c) && gn_listen_received(c, m))
        return;
    for (size_t i = 0; i < GN_COUNT(notices); i++) {
        if (gn_streq(notices[i].method, m->method)) {
            notices[i].take(c, on, m);
            return;
        }
    }
}
