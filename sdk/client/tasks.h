/* tasks.h - between tasks.c (what becomes a task, and what is asked by its id) and task_watch.c
 * (what goes on until it ends).
 */
#ifndef GN_CLIENT_TASKS_H
#define GN_CLIENT_TASKS_H

#include "internal.h"

/* A task that is being waited for: client->requests -> r->task. All of it ends with r. */
struct gn_task_watch {
    gantry_request *r;
    struct gn_client_timer pause;           /* before the next look */
    gantry_request *look, *result, *update; /* parts of r that are under way; else NULL */
    uint64_t poll_ms;
    unsigned failures;         /* looks in a row that came to nothing */
    struct gn_task_ask **asks; /* all that it ever asked: a key is answered once */
    size_t ask_count, open;    /* open: not answered yet */
    bool is_result_early;      /* `result` is only the stream that its questions come on */
    unsigned ended_looks;      /* that found it ended while `result` was under way */
    bool is_stateless;         /* of which form it is, also when the connection is gone */
    bool is_others;            /* asked for by id: it is not ours to cancel */
    bool is_told;              /* gn_listen_task was told */
    bool is_over;              /* nothing is left to be cancelled */
    unsigned busy;             /* within functions that call handlers */
    bool is_forgotten;         /* meanwhile */
};

/* r->task_id is the task; r is held. */
struct gn_task_watch *gn_task_watch_new(gantry_request *r);
/* A state of the task, of doc, which is taken over if it ends the request. is_seed: of the answer
 * that made it a task, which has no more than the status. */
void gn_task_watch_take(struct gn_task_watch *w, struct gn_json_doc *doc, const gantry_json *task,
                        bool is_seed);
/* Its request is over: the task is cancelled, unless it has ended. */
void gn_task_watch_free(struct gn_task_watch *w);

#endif
