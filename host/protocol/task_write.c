/* task_write.c - tasks as JSON: for clients, and for their files. */
#include "protocol/tasks.h"

#include "call/ask.h"
#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"

#include <string.h>

#define VERSION 1 /* of the files */
#define ERROR_BYTES (64u << 10)
#define FILE_BYTES (64u << 10) /* beside the outcome */

const char *const gn_task_status_names[GN_TASK_STATUSES] = {
    [GN_MCP_WORKING] = "working",     [GN_MCP_INPUT_REQUIRED] = "input_required",
    [GN_MCP_COMPLETED] = "completed", [GN_MCP_FAILED] = "failed",
    [GN_MCP_CANCELLED] = "cancelled",
};

const char *gn_mcp_status_name(enum gn_mcp_status status)
{
    return gn_task_status_names[status];
}

int gn_mcp_status_parse(const char *name)
{
    for (size_t i = 0; i < GN_COUNT(gn_task_status_names); i++) {
        if (gn_streq(name, gn_task_status_names[i]))
            return (int)i;
    }
    return -1;
}

/* ---------------------------------------------------------------- for clients */

static void write_time(struct gn_jw *w, const char *name, int64_t unix_ms)
{
    char text[32];
    gn_wall_format(unix_ms, text);
    gn_jw_str(w, name, text);
}

void gn_mcp_task_write(const struct gn_mcp_task *t, struct gn_jw *w)
{
    gn_jw_str(w, "taskId", t->id);
    gn_jw_str(w, "status", gn_task_status_names[t->status]);
    if (t->message)
        gn_jw_str(w, "statusMessage", t->message);
    write_time(w, "createdAt", t->created_ms);
    write_time(w, "lastUpdatedAt", t->updated_ms);
    gn_jw_int(w, "ttlMs", (int64_t)t->ttl_ms);
    gn_jw_int(w, "pollIntervalMs", t->poll_ms);
}

static const char *outcome_name(enum gn_mcp_status status)
{
    return status == GN_MCP_COMPLETED ? "result" : "error";
}

void gn_mcp_task_write_detailed(const struct gn_mcp_task *t, struct gn_jw *w)
{
    gn_mcp_task_write(t, w);
    if (t->outcome)
        gn_jw_raw(w, outcome_name(t->status), t->outcome, t->outcome_len);
    if (t->status != GN_MCP_INPUT_REQUIRED)
        return;
    gn_jw_object(w, "inputRequests");
    if (t->call && t->call->asking)
        gn_asking_write(t->call, w);
    gn_jw_end(w);
}

/* ---------------------------------------------------------------- what a call has come to */

char *gn_mcp_error(int code, const char *message, const char *data, size_t *ret_len)
{
    struct gn_buf out = GN_BUF_INIT(ERROR_BYTES);
    struct gn_jw w;
    gn_jw_init(&w, &out);
    gn_jw_object(&w, NULL);
    gn_jw_int(&w, "code", code);
    gn_jw_strn(&w, "message", message, gn_utf8_cut(message, strlen(message), ERROR_BYTES / 16));
    if (data && strlen(data) < ERROR_BYTES / 2)
        gn_jw_raw(&w, "data", data, strlen(data));
    gn_jw_end(&w);
    return gn_buf_take(&out, ret_len);
}

/* A JSON-RPC error, had there been a request to answer (calls.c). False: a result. */
static bool is_error(const struct gn_call *call, enum gn_outcome outcome, char **ret,
                     size_t *ret_len, char **ret_message)
{
    const char *text = "busy: too many calls, try again later";
    int code = GN_RPC_INTERNAL_ERROR;
    struct gn_buf data = GN_BUF_INIT(4096);
    if (outcome == GN_OUT_FAILED && call->error_code) {
        code = call->error_code;
        text = call->failure;
        if (code == GN_RPC_MISSING_CAPABILITY && call->lacking)
            gn_write_required(&data, call->lacking);
    } else if (outcome != GN_OUT_BUSY) {
        return false;
    }
    *ret = gn_mcp_error(code, text, data.data, ret_len);
    *ret_message = gn_strdup(text);
    gn_buf_release(&data);
    return true;
}

enum gn_mcp_status gn_mcp_outcome(const struct gn_call *call, enum gn_outcome outcome,
                                  uint64_t max_bytes, char **ret, size_t *ret_len,
                                  char **ret_message)
{
    *ret_message = NULL;
    if (is_error(call, outcome, ret, ret_len, ret_message))
        return GN_MCP_FAILED;
    struct gn_buf out = GN_BUF_INIT((size_t)max_bytes);
    struct gn_jw w;
    gn_jw_init(&w, &out);
    gn_jw_object(&w, NULL);
    gn_jw_str(&w, "resultType", GN_RESULT_COMPLETE);
    gn_result_write_tool(call, outcome, &w);
    if (outcome == GN_OUT_RESULT)
        gn_result_write_meta(call, &w);
    gn_jw_end(&w);
    if (out.overflow) {
        gn_buf_release(&out);
        *ret_message = gn_format(
            "the result takes more than the %llu bytes that a task may keep (tasks.max_result)",
            (unsigned long long)max_bytes);
        *ret = gn_mcp_error(GN_RPC_INTERNAL_ERROR, *ret_message, NULL, ret_len);
        return GN_MCP_FAILED;
    }
    *ret = gn_buf_take(&out, ret_len);
    return GN_MCP_COMPLETED;
}

/* ---------------------------------------------------------------- files */

char *gn_mcp_task_text(const struct gn_mcp_task *t, size_t *ret_len)
{
    struct gn_buf out = GN_BUF_INIT(t->outcome_len + FILE_BYTES);
    struct gn_jw w;
    gn_jw_init(&w, &out);
    gn_jw_object(&w, NULL);
    gn_jw_int(&w, "version", VERSION);
    gn_jw_str(&w, "id", t->id);
    gn_jw_str(&w, "principal", t->principal);
    gn_jw_str(&w, "tool", t->tool);
    gn_jw_str(&w, "status", gn_task_status_names[t->status]);
    gn_jw_str(&w, "message", t->message);
    gn_jw_int(&w, "created", t->created_ms);
    gn_jw_int(&w, "updated", t->updated_ms);
    gn_jw_int(&w, "ttl", (int64_t)t->ttl_ms);
    gn_jw_int(&w, "poll", t->poll_ms);
    if (t->outcome)
        gn_jw_raw(&w, "outcome", t->outcome, t->outcome_len);
    gn_jw_end(&w);
    return gn_buf_take(&out, ret_len);
}

/* A text, or null. */
static bool read_text(const gantry_json *root, const char *name, const char **ret)
{
    const gantry_json *v = gn_json_get(root, name);
    *ret = gn_json_cstr(v);
    return *ret || gn_json_type(v) == GN_JSON_NULL;
}

static bool read_number(const gantry_json *root, const char *name, int64_t least, int64_t *ret)
{
    return gn_json_int(gn_json_get(root, name), ret) && *ret >= least;
}

int gn_mcp_record_read(const gantry_json *root, const char *id, struct gn_mcp_record *ret,
                       struct gn_error *err)
{
    int64_t version;
    *ret = (struct gn_mcp_record){0};
    if (!read_number(root, "version", 1, &version))
        return gn_error_set(err, GN_EINVAL, "is no task");
    if (version != VERSION)
        return gn_error_set(err, GN_EINVAL, "was written by another version of the host");
    ret->id = gn_json_cstr(gn_json_get(root, "id"));
    if (!gn_streq(ret->id, id))
        return gn_error_set(err, GN_EINVAL, "is about a task of another name");
    int status = gn_mcp_status_parse(gn_json_cstr(gn_json_get(root, "status")));
    ret->outcome = gn_json_get(root, "outcome");
    bool is_whole = status >= 0 && read_text(root, "principal", &ret->principal) &&
                    read_text(root, "tool", &ret->tool) &&
                    read_text(root, "message", &ret->message) &&
                    read_number(root, "created", 0, &ret->created_ms) &&
                    read_number(root, "updated", 0, &ret->updated_ms) &&
                    read_number(root, "ttl", 1, &ret->ttl_ms) &&
                    read_number(root, "poll", 1, &ret->poll_ms) && ret->poll_ms <= INT32_MAX;
    bool has_outcome = status == GN_MCP_COMPLETED || status == GN_MCP_FAILED;
    if (!is_whole || has_outcome != (gn_json_type(ret->outcome) == GN_JSON_OBJECT))
        return gn_error_set(err, GN_EINVAL, "lacks a part, or has one that is not right");
    ret->status = (enum gn_mcp_status)status;
    return 0;
}
