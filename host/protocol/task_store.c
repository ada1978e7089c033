/* task_store.c - all tasks: how many there may be, how long they stay, what outlives a restart. */
#include "protocol/tasks.h"

#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define MAX_MESSAGE 1024
#define MAX_FILE ((size_t)256 << 20)       /* that is read: tasks.max_result cannot be more */
#define LAST_MS ((int64_t)253402300799999) /* of the year 9999 */

/* ---------------------------------------------------------------- finding and counting */

struct gn_mcp_task *gn_tasks_find(struct gn_tasks *all, const char *id, const char *principal)
{
    struct gn_mcp_task *t = id ? gn_map_find(&all->by_id, id) : NULL;
    /* Somebody else's task does not exist for this caller; nor does one that nobody was told of. */
    return t && t->is_stored && gn_streq(t->principal, principal) ? t : NULL;
}

uint32_t gn_tasks_running(const struct gn_tasks *all)
{
    return all->counts[GN_MCP_WORKING] + all->counts[GN_MCP_INPUT_REQUIRED] + all->lingering_count;
}

static uint32_t running_of(const struct gn_tasks *all, const char *principal)
{
    uint32_t count = 0;
    GN_LIST_EACH(&all->running, n) {
        count += gn_streq(GN_CONTAINER(n, struct gn_mcp_task, node)->principal, principal);
    }
    return count;
}

static bool has_room(const struct gn_tasks *all, const char *principal)
{
    const struct gn_config *c = all->p->config;
    return gn_tasks_running(all) < c->tasks_max &&
           (!principal || running_of(all, principal) < c->tasks_max_per_principal);
}

/* ---------------------------------------------------------------- coming and going */

static void task_free(struct gn_mcp_task *t)
{
    gn_timer_stop(&t->expiry);
    gn_mcp_task_unwatch_all(t);
    gn_list_remove(&t->node);
    gn_map_remove(&t->all->by_id, t->id);
    t->all->counts[t->status]--;
    t->all->bytes -= t->outcome_len;
    gn_free(t->principal);
    gn_free(t->tool);
    gn_free(t->message);
    gn_free(t->outcome);
    t->magic = 0;
    gn_free(t);
}

void gn_mcp_task_drop(struct gn_mcp_task *t)
{
    GN_CHECK(t, GN_MCP_TASK_MAGIC);
    gn_mcp_task_abandon(t);
    gn_task_file_remove(t->file);
    task_free(t);
}

static void on_expiry(struct gn_timer *timer)
{
    struct gn_mcp_task *t = GN_CONTAINER(timer, struct gn_mcp_task, expiry);
    gn_log(t->all->p->env->log, GN_DEBUG, "tasks", "task %.8s... of tool %s has expired, %s", t->id,
           t->tool, gn_mcp_status_name(t->status));
    gn_mcp_task_drop(t);
}

/* Too many that have ended, or too large: the oldest go. */
static void evict(struct gn_tasks *all)
{
    const struct gn_config *c = all->p->config;
    for (;;) {
        uint32_t ended = all->counts[GN_MCP_COMPLETED] + all->counts[GN_MCP_FAILED] +
                         all->counts[GN_MCP_CANCELLED];
        if (gn_list_empty(&all->ended) ||
            (ended <= c->tasks_max_kept && all->bytes <= c->tasks_max_bytes))
            return;
        gn_mcp_task_drop(GN_CONTAINER(all->ended.next, struct gn_mcp_task, node));
    }
}

static struct gn_mcp_task *task_new(struct gn_tasks *all, const char *id, const char *principal,
                                    const char *tool)
{
    struct gn_mcp_task *t = gn_calloc(1, sizeof *t);
    t->magic = GN_MCP_TASK_MAGIC;
    t->all = all;
    memcpy(t->id, id, sizeof t->id);
    t->principal = gn_strdup(principal);
    t->tool = gn_strdup(tool);
    gn_list_init(&t->node);
    gn_list_init(&t->watchers);
    gn_map_put(&all->by_id, t->id, t);
    if (all->files)
        t->file = gn_task_file_new(all->files, t->id);
    return t;
}

static void make_id(char id[GN_TASK_ID_LEN + 1])
{
    unsigned char bytes[32];
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2base64(id, GN_TASK_ID_LEN + 1, bytes, sizeof bytes,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static char *cut_message(const char *message)
{
    return message ? gn_strndup(message, gn_utf8_cut(message, strlen(message), MAX_MESSAGE)) : NULL;
}

struct gn_mcp_task *gn_tasks_add(struct gn_tasks *all, const char *principal, const char *tool,
                                 const gantry_task_options *options)
{
    static const gantry_task_options none;
    const struct gn_config *c = all->p->config;
    const gantry_task_options *o = options ? options : &none;
    char id[GN_TASK_ID_LEN + 1];
    if (!has_room(all, principal))
        return NULL;
    make_id(id);
    struct gn_mcp_task *t = task_new(all, id, principal, tool);
    t->message = cut_message(o->message);
    t->created_ms = t->updated_ms = gn_wall_ms();
    t->ttl_ms = GN_MIN(o->ttl_ms ? o->ttl_ms : c->tasks_ttl_ms, (uint64_t)c->tasks_max_ttl_ms);
    t->poll_ms = GN_MIN(o->poll_ms ? o->poll_ms : c->tasks_poll_ms, (uint32_t)INT32_MAX);
    gn_list_append(&all->running, &t->node);
    all->counts[GN_MCP_WORKING]++;
    gn_timer_start(all->p->env->loop, &t->expiry, t->ttl_ms, on_expiry);
    return t;
}

/* ---------------------------------------------------------------- the file of one */

static void on_written(struct gn_task_file *file, int rc)
{
    struct gn_mcp_task *t = file->data;
    GN_CHECK(t, GN_MCP_TASK_MAGIC);
    if (rc)
        gn_log(t->all->p->env->log, GN_ERROR, "tasks", "task %.8s... of tool %s: not stored: %s",
               t->id, t->tool, strerror(-rc));
    if (!t->is_stored)
        gn_mcp_task_stored(t, rc);
}

static void write_file(struct gn_mcp_task *t)
{
    size_t len;
    char *text = gn_mcp_task_text(t, &len);
    t->file->data = t;
    t->file->written = on_written;
    gn_task_file_write(t->file, text, len);
}

void gn_mcp_task_store(struct gn_mcp_task *t)
{
    if (t->file)
        write_file(t);
    else
        gn_mcp_task_stored(t, 0);
}

/* ---------------------------------------------------------------- what happens to one */

static void touch(struct gn_mcp_task *t)
{
    t->updated_ms = GN_MAX(gn_wall_ms(), t->updated_ms); /* a clock may be set back */
}

static void move(struct gn_mcp_task *t, enum gn_mcp_status status)
{
    t->all->counts[t->status]--;
    t->all->counts[status]++;
    t->status = status;
    touch(t);
}

void gn_mcp_task_set_status(struct gn_mcp_task *t, enum gn_mcp_status status)
{
    GN_CHECK(t, GN_MCP_TASK_MAGIC);
    bool asks = status == GN_MCP_INPUT_REQUIRED;
    if (t->status == status && !asks)
        return;
    move(t, status);
    gn_mcp_task_tell(t, asks);
}

void gn_mcp_task_set_message(struct gn_mcp_task *t, const char *message)
{
    GN_CHECK(t, GN_MCP_TASK_MAGIC);
    gn_free(t->message);
    t->message = cut_message(message);
    touch(t);
    gn_mcp_task_tell(t, false);
}

void gn_mcp_task_end(struct gn_mcp_task *t, enum gn_mcp_status status, char *outcome, size_t len)
{
    GN_CHECK(t, GN_MCP_TASK_MAGIC);
    gn_assert(gn_mcp_task_runs(t) && status > GN_MCP_INPUT_REQUIRED);
    struct gn_tasks *all = t->all;
    move(t, status);
    t->outcome = outcome;
    t->outcome_len = outcome ? len : 0;
    all->bytes += t->outcome_len;
    gn_list_remove(&t->node);
    gn_list_append(&all->ended, &t->node);
    if (t->file)
        write_file(t);
    gn_mcp_task_tell(t, true);
    evict(all);
}

/* ---------------------------------------------------------------- what is read at the start */

struct reading {
    struct gn_tasks *all;
    struct gn_mcp_task **v;
    size_t count, cap;
    char (*gone)[GN_TASK_ID_LEN + 1]; /* expired meanwhile: to be removed */
    size_t gone_count, gone_cap;
};

static void note_gone(struct reading *r, const char *id)
{
    if (r->gone_count == r->gone_cap) {
        r->gone_cap = r->gone_cap ? 2 * r->gone_cap : 64;
        r->gone = gn_reallocarray(r->gone, r->gone_cap, sizeof *r->gone);
    }
    memcpy(r->gone[r->gone_count++], id, GN_TASK_ID_LEN + 1);
}

static void note_task(struct reading *r, struct gn_mcp_task *t)
{
    if (r->count == r->cap) {
        r->cap = r->cap ? 2 * r->cap : 64;
        r->v = gn_reallocarray(r->v, r->cap, sizeof *r->v);
    }
    r->v[r->count++] = t;
}

/* The process that ran it has died, or had no time to end it. */
static const char lost[] = "the server was restarted while the task ran";

static void restore(struct reading *r, const struct gn_mcp_record *record)
{
    struct gn_tasks *all = r->all;
    bool ran = record->status <= GN_MCP_INPUT_REQUIRED;
    struct gn_mcp_task *t = task_new(all, record->id, record->principal, record->tool);
    t->is_stored = true;
    t->created_ms = record->created_ms;
    t->updated_ms = ran ? gn_wall_ms() : record->updated_ms;
    t->ttl_ms = (uint64_t)record->ttl_ms;
    t->poll_ms = (uint32_t)record->poll_ms;
    t->message = cut_message(ran ? lost : record->message);
    t->status = ran ? GN_MCP_FAILED : record->status;
    if (ran) {
        t->outcome = gn_mcp_error(GN_RPC_INTERNAL_ERROR, lost, NULL, &t->outcome_len);
    } else if (record->outcome) {
        struct gn_buf text = GN_BUF_INIT(MAX_FILE);
        gn_json_write(&text, record->outcome);
        t->outcome = gn_buf_take(&text, &t->outcome_len);
    }
    all->counts[t->status]++;
    all->bytes += t->outcome_len;
    note_task(r, t);
}

static void read_one(void *arg, const char *id, char *text, size_t len)
{
    struct reading *r = arg;
    struct gn_json_doc doc = {0};
    struct gn_error err = {0};
    struct gn_mcp_record record;
    const struct gn_json_limits limits = {.max_depth = GN_JSON_MAX_DEPTH};
    int rc = gn_json_parse(&doc, text, len, &limits, &err);
    if (!rc)
        rc = gn_mcp_record_read(gn_json_root(&doc), id, &record, &err);
    if (!rc &&
        (record.created_ms > LAST_MS || record.updated_ms > LAST_MS || record.ttl_ms > LAST_MS))
        rc = gn_error_set(&err, GN_EINVAL, "is of a time to come");
    if (rc)
        gn_log(r->all->p->env->log, GN_WARNING, "tasks", "%.8s....json: %s: skipped", id, err.text);
    else if (record.created_ms + record.ttl_ms <= gn_wall_ms())
        note_gone(r, id);
    else
        restore(r, &record);
    gn_json_release(&doc);
}

static int by_age(const void *a, const void *b)
{
    const struct gn_mcp_task *x = *(struct gn_mcp_task *const *)a;
    const struct gn_mcp_task *y = *(struct gn_mcp_task *const *)b;
    return x->updated_ms < y->updated_ms ? -1 : x->updated_ms > y->updated_ms;
}

/* In the order in which they ended; from now on as if they had ended here. */
static void settle(struct reading *r)
{
    struct gn_tasks *all = r->all;
    int64_t now = gn_wall_ms();
    if (r->count)
        qsort(r->v, r->count, sizeof *r->v, by_age);
    for (size_t i = 0; i < r->count; i++) {
        struct gn_mcp_task *t = r->v[i];
        int64_t left = t->created_ms + (int64_t)t->ttl_ms - now;
        gn_list_append(&all->ended, &t->node);
        gn_timer_start(all->p->env->loop, &t->expiry, (uint64_t)GN_MAX(left, 1), on_expiry);
        if (gn_streq(t->message, lost))
            write_file(t);
    }
    for (size_t i = 0; i < r->gone_count; i++)
        gn_task_file_remove(gn_task_file_new(all->files, r->gone[i]));
    if (r->count)
        gn_log(all->p->env->log, GN_INFO, "tasks", "%zu tasks are known from before", r->count);
    evict(all);
}

void gn_tasks_freeze(struct gn_tasks *all)
{
    GN_LIST_EACH(&all->ended, n) {
        gn_timer_stop(&GN_CONTAINER(n, struct gn_mcp_task, node)->expiry);
    }
}

static void on_idle(void *arg)
{
    struct gn_tasks *all = arg;
    gn_protocol_check_drained(all->p);
}

int gn_tasks_open(struct gn_tasks *all, const char *path, struct gn_error *err)
{
    struct gn_call_env *env = all->p->env;
    int rc = gn_task_files_open(gn_loop_uv(env->loop), env->log, path, &all->files, err);
    if (rc)
        return rc;
    struct reading r = {.all = all};
    gn_task_files_on_idle(all->files, on_idle, all);
    gn_task_files_each(all->files, MAX_FILE, read_one, &r);
    settle(&r);
    gn_free(r.v);
    gn_free(r.gone);
    return 0;
}

void gn_tasks_count(const struct gn_tasks *all, uint32_t counts[GN_TASK_STATUSES])
{
    memcpy(counts, all->counts, sizeof all->counts);
}

struct gn_tasks *gn_tasks_new(struct gn_protocol *p)
{
    struct gn_tasks *all = gn_calloc(1, sizeof *all);
    all->p = p;
    gn_map_init(&all->by_id);
    gn_list_init(&all->running);
    gn_list_init(&all->ended);
    gn_list_init(&all->lingering);
    gn_list_init(&all->fresh);
    return all;
}

/* Their files stay: they are for the next process. */
void gn_tasks_free(struct gn_tasks *all)
{
    struct gn_list *n;
    gn_assert(gn_list_empty(&all->running));
    gn_timer_stop(&all->news);
    gn_tasks_sweep(all, true);
    while ((n = gn_list_pop(&all->ended))) {
        struct gn_mcp_task *t = GN_CONTAINER(n, struct gn_mcp_task, node);
        gn_task_file_forget(t->file);
        task_free(t);
    }
    gn_map_release(&all->by_id, NULL);
    gn_task_files_close(all->files);
    gn_free(all);
}
