/* task_watch.c - notifications/tasks on the streams of subscriptions/listen. Steps within 50 ms
 * are told once; questions and the end at once. */
#include "protocol/tasks.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define MAX_WATCHED 1024 /* tasks of one subscription */

struct gn_task_watch {
    struct gn_list node; /* in task->watchers */
    struct gn_task_watch *next;
    struct gn_request *r;
    struct gn_mcp_task *task; /* NULL: it is gone */
    struct gn_list fresh;     /* in all->fresh: what came before is to be told */
};

static void send_task(struct gn_request *r, const struct gn_mcp_task *t)
{
    struct gn_buf buf = GN_BUF_INIT(GN_REPLY_MAX);
    struct gn_jw w;
    if (!r->stream)
        return;
    gn_jsonrpc_open_notification(&w, &buf, "notifications/tasks");
    gn_write_subscription(r->id, &w);
    gn_mcp_task_write_detailed(t, &w);
    gn_jsonrpc_close_notification(&w);
    /* What a slow reader misses of a task at work the next news makes up for. */
    if (!buf.overflow)
        (void)gn_request_send(r, gn_buf_str(&buf), buf.len,
                              t->status == GN_MCP_WORKING ? GN_MAY : GN_MUST);
    gn_buf_release(&buf);
}

static void tell_now(struct gn_mcp_task *t)
{
    struct gn_list due, *n;
    t->is_news = false;
    gn_list_take(&due, &t->watchers);
    /* Sending may end a connection, and with it any of those that are due. */
    while ((n = gn_list_pop(&due))) {
        struct gn_task_watch *watch = GN_CONTAINER(n, struct gn_task_watch, node);
        gn_list_append(&t->watchers, n);
        gn_list_remove(&watch->fresh);
        send_task(watch->r, t);
    }
}

static void on_news(struct gn_timer *timer)
{
    struct gn_tasks *all = GN_CONTAINER(timer, struct gn_tasks, news);
    struct gn_list *fresh;
    /* What ended, or asked, before it was watched would else never be told. */
    while ((fresh = gn_list_pop(&all->fresh))) {
        struct gn_task_watch *watch = GN_CONTAINER(fresh, struct gn_task_watch, fresh);
        if (watch->task && watch->task->status != GN_MCP_WORKING)
            send_task(watch->r, watch->task);
    }
    GN_LIST_EACH(&all->running, n) {
        struct gn_mcp_task *t = GN_CONTAINER(n, struct gn_mcp_task, node);
        if (t->is_news)
            tell_now(t);
    }
}

static void wake(struct gn_tasks *all)
{
    if (!gn_timer_is_running(&all->news))
        gn_timer_start(all->p->env->loop, &all->news, GN_COALESCE_MS, on_news);
}

void gn_mcp_task_tell(struct gn_mcp_task *t, bool at_once)
{
    struct gn_tasks *all = t->all;
    if (gn_list_empty(&t->watchers))
        return;
    if (at_once) {
        tell_now(t);
        return;
    }
    t->is_news = true;
    wake(all);
}

void gn_mcp_task_unwatch_all(struct gn_mcp_task *t)
{
    struct gn_list *n;
    while ((n = gn_list_pop(&t->watchers)))
        GN_CONTAINER(n, struct gn_task_watch, node)->task = NULL;
}

/* ---------------------------------------------------------------- subscriptions */

static bool is_watched(const struct gn_request *r, const struct gn_mcp_task *t)
{
    for (const struct gn_task_watch *watch = r->watches; watch; watch = watch->next) {
        if (watch->task == t)
            return true;
    }
    return false;
}

bool gn_request_watch_tasks(struct gn_request *r, const gantry_json *ids)
{
    if (gn_json_count(ids) > MAX_WATCHED)
        return false;
    for (const gantry_json *v = NULL; (v = gn_json_next(ids, v));) {
        struct gn_mcp_task *t = gn_tasks_find(r->p->tasks, gn_json_cstr(v), r->stream->principal);
        if (!t || is_watched(r, t))
            continue;
        struct gn_task_watch *watch = gn_calloc(1, sizeof *watch);
        watch->r = r;
        watch->task = t;
        watch->next = r->watches;
        r->watches = watch;
        gn_list_append(&t->watchers, &watch->node);
        gn_list_append(&r->p->tasks->fresh, &watch->fresh);
    }
    if (r->watches)
        wake(r->p->tasks);
    return true;
}

void gn_request_write_watched(const struct gn_request *r, struct gn_jw *w)
{
    if (!r->watches)
        return;
    gn_jw_array(w, "taskIds");
    for (const struct gn_task_watch *watch = r->watches; watch; watch = watch->next) {
        if (watch->task)
            gn_jw_str(w, NULL, watch->task->id);
    }
    gn_jw_end(w);
}

void gn_request_unwatch(struct gn_request *r)
{
    struct gn_task_watch *watch;
    while ((watch = r->watches)) {
        r->watches = watch->next;
        gn_list_remove(&watch->node);
        gn_list_remove(&watch->fresh);
        gn_free(watch);
    }
}
