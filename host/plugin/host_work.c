/* host_work.c - pieces of work that can be told to stop, and semaphores. */
#include "plugin/host_internal.h"

#include "call/semaphore.h"
#include "plugin/host_errors.h"
#include "util/alloc.h"

#define PERMITS_MAX 1000000

/* ---------------------------------------------------------------- work */

/* What fn returns must not be mistaken for a code of the host. */
struct job {
    int (*fn)(void *arg);
    void (*interrupt)(void *arg);
    void *arg;
    int rc;
};

static int run_job(void *arg)
{
    struct job *job = arg;
    job->rc = job->fn(job->arg);
    return GN_OK;
}

static void interrupt_job(void *arg)
{
    struct job *job = arg;
    job->interrupt(job->arg);
}

int gn_host_work_interruptible(gantry_call *call, int (*fn)(void *arg),
                               void (*interrupt)(void *arg), void *arg)
{
    if (!gn_host_runs(call))
        return GANTRY_EPERM;
    if (!fn)
        return gn_host_misuse(call, "gantry_work_interruptible: the function is NULL");
    struct job job = {fn, interrupt, arg, 0};
    struct gn_work_group *group = call->self ? call->self->group : NULL;
    bool on_worker = gn_task_is_worker(call->task);
    /* On a worker fn runs at once, on this very task: no handler's code all the same. */
    void *local = gn_task_local(call->task);
    gn_task_set_local(call->task, NULL);
    int rc = gn_task_work_on(call->task, on_worker ? NULL : gn_call_lender(call), group, run_job,
                             interrupt ? interrupt_job : NULL, &job);
    gn_task_set_local(call->task, local);
    return rc ? gn_host_code(rc) : job.rc;
}

/* ---------------------------------------------------------------- semaphores */

gantry_semaphore *gn_host_semaphore_new(gantry_plugin *g, uint32_t permits)
{
    GN_CHECK(g, GN_GENERATION_MAGIC);
    const char *why = NULL;
    if (!gn_loop_is_current(g->env->loop))
        why = "not on a worker thread";
    else if (permits > PERMITS_MAX)
        why = "too many permits";
    if (why) {
        gn_log(g->env->log, GN_WARNING, g->instance, "gantry_semaphore_new: %s", why);
        return NULL;
    }
    gantry_semaphore *s = gn_calloc(1, sizeof *s);
    gn_semaphore_init(&s->semaphore, g->env->loop, permits);
    gn_list_append(&g->semaphores, &s->plugin_node);
    s->plugin = g;
    return s;
}

void gn_host_semaphore_free(gantry_semaphore *s)
{
    if (!s)
        return;
    gantry_plugin *g = s->plugin;
    const char *why = NULL;
    if (!gn_loop_is_current(g->env->loop))
        why = "not on a worker thread";
    else if (!gn_list_empty(&s->semaphore.waiters))
        why = "somebody waits for it";
    if (why) { /* it goes with the instance */
        gn_log(g->env->log, GN_WARNING, g->instance, "gantry_semaphore_free: %s", why);
        return;
    }
    gn_list_remove(&s->plugin_node);
    gn_semaphore_fini(&s->semaphore);
    gn_free(s);
}

int gn_host_semaphore_take(gantry_call *call, gantry_semaphore *s, uint32_t ms)
{
    if (!gn_host_runs(call))
        return GANTRY_EPERM;
    if (!s || s->plugin != gn_host_self(call))
        return gn_host_misuse(call, "gantry_semaphore_take: %s",
                              s ? "the semaphore is another instance's" : "it is NULL");
    return gn_host_code(gn_semaphore_take(&s->semaphore, call->task, ms));
}

static void give(void *arg)
{
    gantry_semaphore *s = arg;
    gn_semaphore_give(&s->semaphore);
}

void gn_host_semaphore_give(gantry_semaphore *s)
{
    if (!s)
        return;
    struct gn_loop *loop = s->plugin->env->loop;
    struct gn_task *task = gn_task_current();
    if (gn_loop_is_current(loop))
        give(s);
    else if (task && gn_task_loop(task) == loop)
        gn_task_on_loop(task, give, s);
    else
        gn_log(s->plugin->env->log, GN_WARNING, s->plugin->instance,
               "gantry_semaphore_give: not on a thread of the plugin's own: ignored");
}
