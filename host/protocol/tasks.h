/* tasks.h - calls that outlive their request: the extension io.modelcontextprotocol/tasks
 * (SEP-2663; stateless era only).
 *
 *     tools/call --become--> working <-> input_required
 *                               \--> completed | failed | cancelled --ttl--> gone
 *
 * A task is where a call's result goes (gn_call_ops) once its request has been answered with the
 * id of the task. It has left the limits of requests and has its own (section `tasks` of the
 * configuration): those that run are counted, never taken away; those that ended are kept until
 * they expire, the oldest going first when there are too many. With a folder (task_files.h) each is
 * stored before its client hears of it, and again when it ends.
 *
 *     tasks.c       the call's side: becoming one, asking, ending; drain
 *     task_methods.c  tasks/get, tasks/update, tasks/cancel
 *     task_store.c  all of them: limits, expiry, what is read from the folder
 *     task_write.c  as JSON
 *     task_watch.c  notifications/tasks
 *
 * Loop thread only.
 */
#ifndef GN_PROTOCOL_TASKS_H
#define GN_PROTOCOL_TASKS_H

#include "protocol/internal.h"
#include "protocol/task_files.h"

enum gn_mcp_status {
    GN_MCP_WORKING = 0,
    GN_MCP_INPUT_REQUIRED,
    GN_MCP_COMPLETED,
    GN_MCP_FAILED,
    GN_MCP_CANCELLED,
};

#define GN_MCP_TASK_MAGIC 0x7a5c0001u
struct gn_mcp_task {
    uint32_t magic;
    struct gn_tasks *all;
    struct gn_list node; /* in all->running or all->ended, oldest first */
    char id[GN_TASK_ID_LEN + 1];
    char *principal, *tool; /* principal NULL: nobody in particular */
    char *message;          /* may be NULL */
    enum gn_mcp_status status;
    int64_t created_ms, updated_ms; /* Unix time */
    uint64_t ttl_ms;
    uint32_t poll_ms;
    char *outcome; /* completed: the result; failed: the error; a JSON object */
    size_t outcome_len;
    struct gn_timer expiry;
    struct gn_list watchers; /* task_watch.c */
    bool is_news;            /* they are to be told */
    struct gn_task_file *file;
    bool is_stored; /* as far as there is a folder: its client may hear of it */

    /* while it runs */
    struct gn_call *call;          /* held */
    struct gn_request *request;    /* to be answered once it is stored; NULL */
    struct gn_component *to_start; /* held, with its owner, until it is stored: then call begins */
    bool is_refused;               /* its client has cancelled it */
};

struct gn_tasks {
    struct gn_protocol *p;
    struct gn_map by_id;
    struct gn_list running, ended;
    /* Calls whose task has ended and whose handler has not returned: they take room, too. */
    struct gn_list lingering;
    uint32_t lingering_count;
    uint32_t counts[GN_TASK_STATUSES];
    uint64_t bytes; /* of the outcomes */
    struct gn_task_files *files;
    struct gn_list fresh; /* gn_task_watch: new ones (task_watch.c) */
    struct gn_timer news;
};

/* ---- task_store.c */
static inline bool gn_mcp_task_runs(const struct gn_mcp_task *t)
{
    return t->status <= GN_MCP_INPUT_REQUIRED;
}
/* The task of that id, if it is this principal's (NULL: nobody in particular); else NULL. */
struct gn_mcp_task *gn_tasks_find(struct gn_tasks *all, const char *id, const char *principal);
/* Handlers that run, or have not returned yet. */
uint32_t gn_tasks_running(const struct gn_tasks *all);
/* A task that works, not stored yet. NULL: too many, of all or of the principal. options may be
 * NULL. */
struct gn_mcp_task *gn_tasks_add(struct gn_tasks *all, const char *principal, const char *tool,
                                 const gantry_task_options *options);
/* Stores it; gn_mcp_task_stored(t, rc) comes, at once where there is no folder. */
void gn_mcp_task_store(struct gn_mcp_task *t);
/* working <-> input_required; a message (copied, cut, NULL: none any more). Tells who watches. */
void gn_mcp_task_set_status(struct gn_mcp_task *t, enum gn_mcp_status status);
void gn_mcp_task_set_message(struct gn_mcp_task *t, const char *message);
/* It has ended: takes outcome over. May free t, and others. */
void gn_mcp_task_end(struct gn_mcp_task *t, enum gn_mcp_status status, char *outcome, size_t len);
/* It is not known any more: cancels what runs. Frees t. */
void gn_mcp_task_drop(struct gn_mcp_task *t);

/* ---- tasks.c */
/* It has been stored, or could not be (rc). May free t. */
void gn_mcp_task_stored(struct gn_mcp_task *t, int rc);
/* Cancels what runs. The status follows from why: see there. May free t. */
void gn_mcp_task_cancel(struct gn_mcp_task *t);
/* t goes: lets go of its call and its request. */
void gn_mcp_task_abandon(struct gn_mcp_task *t);

/* ---- task_write.c: members of an open object */
const char *gn_mcp_status_name(enum gn_mcp_status status);
/* -1: none. */
int gn_mcp_status_parse(const char *name);
/* MCP's Task. */
void gn_mcp_task_write(const struct gn_mcp_task *t, struct gn_jw *w);
/* DetailedTask: with result, error or inputRequests. */
void gn_mcp_task_write_detailed(const struct gn_mcp_task *t, struct gn_jw *w);
/* What the call has come to, as an object of max_bytes at most; the status it means, and for FAILED
 * a message, the caller's as well. */
enum gn_mcp_status gn_mcp_outcome(const struct gn_call *call, enum gn_outcome outcome,
                                  uint64_t max_bytes, char **ret, size_t *ret_len,
                                  char **ret_message);
/* An error object. */
char *gn_mcp_error(int code, const char *message, const char *data, size_t *ret_len);
/* The file of a task, and what one says. */
char *gn_mcp_task_text(const struct gn_mcp_task *t, size_t *ret_len);
struct gn_mcp_record {
    const char *id, *principal, *tool, *message;
    enum gn_mcp_status status;
    int64_t created_ms, updated_ms, ttl_ms, poll_ms;
    const gantry_json *outcome; /* an object; NULL: it ran, or was cancelled */
};
/* GN_EINVAL: none that we have written; err says why. ret borrows from root. */
GN_NODISCARD int gn_mcp_record_read(const gantry_json *root, const char *id,
                                    struct gn_mcp_record *ret, struct gn_error *err);

/* ---- task_watch.c */
/* Something about it has changed: who watches is told, at once or a moment later. */
void gn_mcp_task_tell(struct gn_mcp_task *t, bool at_once);
/* Nobody watches it any more: t goes. */
void gn_mcp_task_unwatch_all(struct gn_mcp_task *t);

#endif
