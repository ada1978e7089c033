/* call.c - the life of a call: start, deadline, cancellation, end. */
#include "call/call.h"

#include "call/ask.h"
#include "call/internal.h"
#include "call/lines.h"
#include "call/mutex.h"
#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"

#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_TIMEOUT_MS 60000
#define DEFAULT_ARENA_BYTES (64u << 20)

struct gn_call *gn_call_new(struct gn_call_env *env, const struct gn_call_ops *ops, void *ops_data)
{
    struct gn_call *call = gn_calloc(1, sizeof *call);
    call->magic = GN_CALL_MAGIC;
    call->refs = 1;
    call->env = env;
    call->ops = ops;
    call->ops_data = ops_data;
    call->log_level = -1;
    call->progress_done = -HUGE_VAL;
    call->progress_tokens = GN_PROGRESS_BURST;
    call->result.role = GANTRY_USER;
    call->result.suggestion_total = -1;
    gn_list_init(&call->locks);
    gn_arena_init_spare(&call->arena, env->arena_bytes ? env->arena_bytes : DEFAULT_ARENA_BYTES,
                        gn_loop_arenas(env->loop));
    gn_list_append(&env->calls, &call->node);
    env->alive++;
    env->peak = GN_MAX(env->peak, env->alive);
    return call;
}

struct gn_call *gn_call_ref(struct gn_call *call)
{
    GN_CHECK(call, GN_CALL_MAGIC);
    call->refs++;
    return call;
}

void gn_call_unref(struct gn_call *call)
{
    if (!call)
        return;
    GN_CHECK(call, GN_CALL_MAGIC);
    if (--call->refs > 0)
        return;
    gn_assert(!call->running);
    gn_timer_stop(&call->deadline);
    gn_list_remove(&call->node);
    call->env->alive--;
    gn_lines_free(call);
    gn_scope_end(call);
    gn_rules_unref(call->rules);
    gn_arena_release(&call->arena);
    gn_json_release(&call->doc);
    struct gn_call *parent = call->parent;
    call->magic = 0;
    gn_free(call);
    gn_call_unref(parent);
}

void gn_rules_unref(struct gn_rules *rules)
{
    if (rules && --rules->refs == 0)
        rules->free(rules);
}

const char *gn_call_label(const struct gn_call *call)
{
    return call->label ? call->label : call->method ? call->method : "call";
}

/* While its code runs `arguments` are those of the code, with all that is hidden from clients. */
const gantry_json *gn_call_arguments(const struct gn_call *call)
{
    return call->running ? call->given : call->arguments;
}

uint64_t gn_call_correlation(struct gn_call *call)
{
    uint64_t id = __atomic_load_n(&call->correlation, __ATOMIC_RELAXED), made;
    if (id)
        return id;
    randombytes_buf(&made, sizeof made);
    made |= !made;
    /* The loop may ask at the deadline while a worker does: the first one counts. */
    return __atomic_compare_exchange_n(&call->correlation, &id, made, false, __ATOMIC_RELAXED,
                                       __ATOMIC_RELAXED)
               ? made
               : id;
}

static void make_label(struct gn_call *call, const char *owner, const char *what)
{
    call->label = gn_arena_format(&call->arena, "%s/%s", owner, what);
}

void gn_call_observe(struct gn_call_env *env, struct gn_call_observer *observer)
{
    gn_list_append(&env->observers, &observer->node);
}

void gn_call_tell_ended(struct gn_call *call, enum gn_outcome outcome)
{
    if (!call->method || !call->component || !call->env->observers.next)
        return;
    GN_LIST_EACH(&call->env->observers, n) {
        struct gn_call_observer *o = GN_CONTAINER(n, struct gn_call_observer, node);
        o->ended(o, call, outcome);
    }
}

/* Hands the outcome over, once. May free the call unless the caller holds it. */
static void finish(struct gn_call *call, enum gn_outcome outcome)
{
    if (call->finished)
        return;
    gn_lines_end(call);
    call->finished = true;
    gn_timer_stop(&call->deadline);
    gn_call_tell_ended(call, outcome);
    const struct gn_call_ops *ops = call->ops;
    if (call->asking && ops && ops->unask)
        ops->unask(call);
    if (ops && ops->finished)
        ops->finished(call, outcome);
}

void gn_call_detach(struct gn_call *call)
{
    GN_CHECK(call, GN_CALL_MAGIC);
    call->ops = NULL;
}

/* Through its spine, if it has one: a worker that the spine waits for is cancelled by it. */
static void cancel_task(struct gn_call *call)
{
    struct gn_task *task = call->spine ? call->spine : call->task;
    if (task)
        gn_task_cancel(task);
}

void gn_call_cancel(struct gn_call *call)
{
    GN_CHECK(call, GN_CALL_MAGIC);
    gn_call_ref(call);
    call->cancelled = true;
    finish(call, GN_OUT_CANCELED);
    cancel_task(call);
    gn_call_unref(call);
}

void gn_call_unwind(struct gn_call *call)
{
    GN_CHECK(call, GN_CALL_MAGIC);
    gn_call_ref(call);
    gn_call_detach(call);
    call->cancelled = true;
    finish(call, GN_OUT_UNWOUND);
    cancel_task(call);
    gn_call_unref(call);
}

static void on_deadline(struct gn_timer *timer)
{
    struct gn_call *call = GN_CONTAINER(timer, struct gn_call, deadline);
    gn_call_ref(call);
    uint64_t correlation = gn_call_correlation(call);
    snprintf(call->deadline_text, sizeof call->deadline_text,
             "the %s did not finish in time (correlation id %016llx)",
             call->component ? gn_kind_name(call->component->kind)
             : call->operate ? call->method
                             : "function",
             (unsigned long long)correlation);
    gn_call_note(call, GN_WARNING, "%s did not end within %u ms: cancelled, correlation id %016llx",
                 gn_call_label(call), call->timeout_ms, (unsigned long long)correlation);
    call->cancelled = true;
    finish(call, GN_OUT_TIMEOUT);
    cancel_task(call);
    gn_call_unref(call);
}

static uint32_t usual_timeout(const struct gn_call_env *env)
{
    return env->timeout_ms ? env->timeout_ms : DEFAULT_TIMEOUT_MS;
}

static void start_deadline(struct gn_call *call)
{
    if (!call->timeout_ms && call->component)
        call->timeout_ms = call->component->timeout_ms;
    if (!call->timeout_ms)
        call->timeout_ms = usual_timeout(call->env);
    gn_timer_start(call->env->loop, &call->deadline, call->timeout_ms, on_deadline);
}

void gn_call_stop_clock(struct gn_call *call)
{
    call->is_clock_stopped = gn_timer_is_running(&call->deadline);
    gn_timer_stop(&call->deadline);
}

void gn_call_start_clock(struct gn_call *call)
{
    if (call->is_clock_stopped && !call->finished)
        gn_timer_start(call->env->loop, &call->deadline, call->timeout_ms, on_deadline);
    call->is_clock_stopped = false;
}

void gn_call_set_timeout(struct gn_call *call, uint32_t ms)
{
    GN_CHECK(call, GN_CALL_MAGIC);
    if (call->finished)
        return;
    call->timeout_ms = ms;
    if (call->is_clock_stopped)
        return;
    gn_timer_start(call->env->loop, &call->deadline, ms, on_deadline);
}

void gn_call_lend_timeout(struct gn_call *call, const struct gn_component *c)
{
    bool is_usual = call->timeout_ms == usual_timeout(call->env);
    /* A nested call on its parent's stack has none of its own. */
    if (c->timeout_ms && is_usual && gn_timer_is_running(&call->deadline))
        gn_call_set_timeout(call, c->timeout_ms);
}

/* ---------------------------------------------------------------- the end of a handler */

void gn_call_release_locks(struct gn_call *call)
{
    GN_LIST_EACH(&call->locks, n) {
        struct gantry_mutex *m = GN_CONTAINER(n, struct gantry_mutex, call_node);
        if (m->level != call->around_at)
            continue;
        gn_list_remove(n);
        gn_call_note(call, GN_ERROR, "%s returned without gantry_unlock: released",
                     gn_call_label(call));
        gn_mutex_unlock(&m->mutex, call->task);
    }
}

int gn_call_invoke(struct gn_call *call)
{
    int rc;
    void *outer = gn_task_local(call->task);
    struct gn_component *c = call->component;
    gn_task_set_local(call->task, call);
    call->self = call->owner;
    call->self_data = call->run ? NULL : c->data;
    if (call->owner && call->owner->refusal) {
        rc = call->is_completion ? 0 : gn_call_fail(call, "%s", call->owner->refusal);
    } else if (call->run) {
        rc = call->run(call, call->run_arg);
    } else if (call->is_completion) {
        rc = c->complete(call, call->argument_name, call->argument_value);
    } else {
        const gantry_json *arguments = call->arguments; /* as middlewares know them */
        call->arguments = call->bound.inner;
        rc = c->run(call, call->in);
        call->arguments = arguments;
    }
    if (!gn_list_empty(&call->locks))
        gn_call_release_locks(call);
    gn_task_set_local(call->task, outer);
    return rc;
}

/* Gives back what gn_call_start took; the plugin's code may be gone afterwards. [loop] */
static void release_code(struct gn_call *call)
{
    struct gn_owner *owner = call->owner;
    struct gn_component *component = call->component;
    call->owner = NULL;
    call->self = NULL;
    call->component = NULL;
    gn_around_release(call);
    gn_component_unref(component);
    if (owner)
        owner->unref(owner);
}

static void hold_code(struct gn_call *call, struct gn_owner *owner)
{
    call->owner = owner;
    if (owner)
        owner->ref(owner);
    if (call->component) {
        gn_component_ref(call->component);
        if (call->component->mime_type)
            call->mime_type = gn_arena_strdup(&call->arena, call->component->mime_type);
    }
}

static void task_run(struct gn_task *task, void *arg)
{
    struct gn_call *call = arg;
    if (!gn_task_is_worker(task))
        call->task = task; /* a fresh coroutine runs before gn_task_start has returned it */
    if (call->around_count) {
        call->spine = task;
        gn_task_set_local(task, call);
        call->rc = gn_call_next(call);
    } else {
        call->rc = gn_call_invoke(call);
    }
}

static void task_done(struct gn_task *task, void *arg)
{
    struct gn_call *call = arg;
    struct gn_call_env *env = call->env;
    GN_CHECK(call, GN_CALL_MAGIC);
    bool ran = gn_task_ran(task);
    env->running -= !call->is_still; /* a nested call may ask on behind one that was cancelled */
    call->is_still = false;
    call->task = NULL;
    call->running = false;
    if (!call->finished)
        finish(call, ran ? gn_call_outcome(call) : GN_OUT_CANCELED);
    call->spine = NULL;
    release_code(call);
    gn_call_unref(call);
    if (env->handler_ended)
        env->handler_ended(env->handler_arg);
}

static void start_task(struct gn_call *call, bool blocking, const char *name)
{
    struct gn_task_spec spec = {
        .name = name,
        .run = task_run,
        .done = task_done,
        .arg = call,
        .group = blocking && call->owner ? call->owner->group : NULL,
    };
    gn_call_ref(call);
    call->running = true;
    call->env->running++;
    start_deadline(call);
    struct gn_task *lender = blocking ? gn_call_lender(call) : NULL;
    int rc = lender     ? gn_task_start_on(lender, &spec, &call->task)
             : blocking ? gn_task_start_worker(call->env->loop, &spec, &call->task)
                        : gn_task_start(call->env->loop, &spec, &call->task);
    if (rc == 0)
        return;
    call->running = false;
    call->env->running--;
    finish(call, GN_OUT_BUSY);
    release_code(call);
    gn_call_unref(call);
}

/* ---------------------------------------------------------------- starting */

uint32_t gn_call_hook_of(const struct gn_component *c, bool is_completion)
{
    static const uint32_t hooks[GN_KINDS] = {
        [GN_TOOL] = GANTRY_ON_CALL_TOOL,
        [GN_RESOURCE] = GANTRY_ON_READ_RESOURCE,
        [GN_TEMPLATE] = GANTRY_ON_READ_RESOURCE,
        [GN_PROMPT] = GANTRY_ON_GET_PROMPT,
    };
    return GANTRY_ON_MESSAGE | GANTRY_ON_REQUEST |
           (is_completion ? (uint32_t)GANTRY_ON_COMPLETE : hooks[c->kind]);
}

static void begin(struct gn_call *call, struct gn_owner *owner, const char *what)
{
    call->began_us = gn_clock_us();
    hold_code(call, owner);
    make_label(call, owner ? owner->name : "host", what);
}

/* Ends at once what has not been started. */
static void refuse(struct gn_call *call, enum gn_outcome outcome)
{
    finish(call, outcome);
    release_code(call);
}

void gn_call_start(struct gn_call *call)
{
    GN_CHECK(call, GN_CALL_MAGIC);
    struct gn_component *c = call->component;
    GN_CHECK(c, GN_COMPONENT_MAGIC);
    if (call->finished) /* cancelled while its owner held it back */
        return;
    /* A nested call is part of one that the owner waits for: held, both would wait. */
    if (!call->parent && c->owner && c->owner->hold && c->owner->hold(c->owner, call))
        return;
    call->hook = gn_call_hook_of(c, false);
    call->given = call->arguments;
    if (gn_around_hold(call, call->hook))
        return;
    gn_call_ref(call);
    begin(call, c->owner, c->key);
    enum gn_outcome outcome = GN_OUT_BUSY;
    if (gn_around_take(call) == GANTRY_OK && call->around_count) {
        gn_call_bind_ahead(call);
        start_task(call, false, gn_call_label(call));
    } else if (gn_call_bind(call, &outcome)) {
        start_task(call, c->flags & GANTRY_BLOCKING, gn_call_label(call));
    } else {
        refuse(call, outcome);
    }
    gn_call_unref(call);
}

/* A choice list completes itself. */
void gn_call_complete_choices(struct gn_call *call)
{
    const struct gn_field *field = call->component->input
                                       ? gn_fields_find(call->component->input, call->argument_name)
                                       : NULL;
    size_t len = strlen(call->argument_value);
    for (char **s = field ? field->one_of : NULL; s && *s; s++) {
        if (strncmp(*s, call->argument_value, len) != 0)
            continue;
        gn_call_suggest(call, *s); /* held until the end, as its component is */
    }
}

void gn_call_start_completion(struct gn_call *call)
{
    GN_CHECK(call, GN_CALL_MAGIC);
    struct gn_component *c = call->component;
    GN_CHECK(c, GN_COMPONENT_MAGIC);
    call->is_completion = true;
    call->hook = gn_call_hook_of(c, true);
    call->given = call->arguments;
    if (call->finished || gn_around_hold(call, call->hook))
        return;
    gn_call_ref(call);
    begin(call, c->owner, c->key);
    if (gn_around_take(call) != GANTRY_OK) {
        refuse(call, GN_OUT_BUSY);
    } else if (call->around_count || c->complete) {
        start_task(call, false, gn_call_label(call));
    } else {
        gn_call_complete_choices(call);
        refuse(call, GN_OUT_RESULT);
    }
    gn_call_unref(call);
}

void gn_call_start_function(struct gn_call *call, struct gn_owner *owner, const char *name,
                            int (*fn)(struct gn_call *call, void *arg), void *arg)
{
    GN_CHECK(call, GN_CALL_MAGIC);
    gn_call_ref(call);
    call->run = fn;
    call->run_arg = arg;
    begin(call, owner, name);
    start_task(call, call->run_blocks, gn_call_label(call));
    gn_call_unref(call);
}

void gn_call_start_operation(struct gn_call *call, uint32_t hook,
                             int (*operate)(struct gn_call *call))
{
    GN_CHECK(call, GN_CALL_MAGIC);
    call->operate = operate;
    call->hook = hook;
    call->label = call->method;
    if (call->finished || gn_around_hold(call, hook))
        return;
    gn_call_ref(call);
    call->began_us = gn_clock_us();
    if (gn_around_take(call) != GANTRY_OK) {
        refuse(call, GN_OUT_BUSY);
    } else if (call->around_count) {
        start_task(call, false, gn_call_label(call));
    } else {
        call->rc = operate(call);
        refuse(call, gn_call_judge(call, call->rc, gn_call_label(call)));
    }
    gn_call_unref(call);
}

void gn_call_start_again(struct gn_call *call)
{
    GN_CHECK(call, GN_CALL_MAGIC);
    if (call->operate)
        gn_call_start_operation(call, call->hook, call->operate);
    else if (call->is_completion)
        gn_call_start_completion(call);
    else
        gn_call_start(call);
}
