/* e2e_scope.c - variables, state across calls, background work and schedules, for the end-to-end
 * tests. Built twice (SCOPE), so that one can replace the other. */
#include <gantry.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef SCOPE
#define SCOPE 1
#endif

/* Counted on the loop thread only, but for what a blocking function counts. */
static struct {
    int64_t ran, ended, cancelled, freed, ticks, spawned_at_start, in_start;
    char destroyed[512];
    gantry_schedule *interval;
} counts;

static void note_destroyed(void *value)
{
    size_t len = strlen(counts.destroyed);
    snprintf(counts.destroyed + len, sizeof counts.destroyed - len, "%s ", (const char *)value);
    free(value);
}

/* ---------------------------------------------------------------- one variable, many calls */

static const gantry_var user = GANTRY_VAR("user", GANTRY_VALUE_TEXT);
static const gantry_var number = GANTRY_VAR("number", GANTRY_VALUE_INT);
static const gantry_var document = GANTRY_VAR("document", GANTRY_VALUE_JSON);
static const gantry_var cell = GANTRY_VAR("cell", GANTRY_VALUE_POINTER, .destroy = free);

typedef struct {
    const char *user;
    int64_t number, turns, depth;
} mix_in;
static const gantry_arg mix_args[] = {
    GANTRY_ARG(mix_in, user, "What the variables are set to"),
    GANTRY_ARG(mix_in, number, "Likewise"),
    GANTRY_ARG(mix_in, turns, "How often", .default_json = "3"),
    GANTRY_ARG(mix_in, depth, "How many tools it calls, one from the other", .default_json = "0"),
    GANTRY_ARGS_END,
};

static int set_all(gantry_call *call, const mix_in *in, int64_t turn)
{
    int64_t *value = malloc(sizeof *value);
    const gantry_json *json = gantry_json_parse(call, in->user[0] ? "[1]" : "[]",
                                                in->user[0] ? 3 : 2);
    int rc = gantry_set_text(call, &user, in->user);
    if (!rc)
        rc = gantry_set_int(call, &number, in->number + turn);
    if (!rc)
        rc = gantry_set_json(call, &document, json);
    if (!value)
        return GANTRY_EBUSY;
    *value = in->number;
    if (!rc)
        rc = gantry_set_pointer(call, &cell, value);
    if (rc)
        free(value);
    return rc;
}

static bool is_mine(gantry_call *call, const mix_in *in, int64_t turn)
{
    const char *text = gantry_get_text(call, &user);
    const int64_t *value = gantry_get_pointer(call, &cell);
    return text && strcmp(text, in->user) == 0 && value && *value == in->number &&
           gantry_get_int(call, &number, -1) == in->number + turn &&
           gantry_json_count(gantry_get_json(call, &document)) == (in->user[0] != '\0') &&
           gantry_current() == call;
}

/* The same with other values, one call further in; it alternates between the two kinds. */
static int go_deeper(gantry_call *call, const mix_in *in)
{
    const gantry_json *result = NULL;
    gantry_builder *b = gantry_builder_new(call);
    bool blocks = strcmp(gantry_component_name(call), "mix") == 0;
    gantry_put_object(b, NULL);
    gantry_put_string(b, "user", gantry_format(call, "%s/%lld", in->user, (long long)in->depth));
    gantry_put_int(b, "number", in->number + 100000);
    gantry_put_int(b, "depth", in->depth - 1);
    gantry_put_close(b);
    const char *other = (in->depth % 2 == 1) == blocks ? "mix" : "mix_blocking";
    int rc = gantry_call_tool(call, other, gantry_builder_end(b), &result);
    return rc;
}

static int mix_body(gantry_call *call, const mix_in *in)
{
    int rc;
    for (int64_t turn = 0; turn < in->turns; turn++) {
        if ((rc = set_all(call, in, turn)))
            return rc;
        if ((rc = gantry_sleep(call, (uint32_t)(in->number + turn) % 3)))
            return rc;
        if (turn == 1 && in->depth > 0 && (rc = go_deeper(call, in)))
            return gantry_fail(call, "further in: %d", rc);
        if (!is_mine(call, in, turn))
            return gantry_fail(call, "%s has read what is another's", in->user);
    }
    return gantry_text(call, "%s", in->user);
}

GANTRY_TOOL(mix, mix_in, "Sets, waits, reads")
{
    return mix_body(call, in);
}

#define mix_blocking_args mix_args
GANTRY_TOOL(mix_blocking, mix_in, "The same on a worker", .flags = GANTRY_BLOCKING)
{
    return mix_body(call, in);
}

/* ---------------------------------------------------------------- what a scope promises */

static const gantry_var own = GANTRY_VAR("own", GANTRY_VALUE_POINTER, .destroy = note_destroyed);
static const gantry_var shown = GANTRY_VAR("shown", GANTRY_VALUE_POINTER,
                                           .flags = GANTRY_VAR_NESTED, .destroy = note_destroyed);
static const gantry_var handed_on = GANTRY_VAR(
    "handed_on", GANTRY_VALUE_POINTER, .flags = GANTRY_VAR_SPAWNED, .destroy = note_destroyed);

static int set_copy(gantry_call *call, const gantry_var *var, const char *text)
{
    char *copy = strdup(text);
    int rc = gantry_set_pointer(call, var, copy);
    if (rc)
        free(copy);
    return rc;
}

static const char *or_none(const char *text)
{
    return text ? text : "none";
}

GANTRY_TOOL0(destroyed, "What was destroyed, in order")
{
    return gantry_text(call, "%s", counts.destroyed);
}

GANTRY_TOOL0(inner, "What a nested call sees, and sets")
{
    const char *seen = gantry_format(call, "%s %s %s", or_none(gantry_get_text(call, &user)),
                                     or_none(gantry_get_pointer(call, &own)),
                                     or_none(gantry_get_pointer(call, &shown)));
    gantry_set_text(call, &user, "inner");
    set_copy(call, &own, "inner's");
    return gantry_text(call, "%s", seen);
}

GANTRY_TOOL0(outer, "Sets, calls, looks again")
{
    const gantry_json *result = NULL;
    counts.destroyed[0] = '\0';
    gantry_set_text(call, &user, "outer");
    set_copy(call, &own, "outer's");
    set_copy(call, &shown, "shown");
    set_copy(call, &own, "newer");
    int rc = gantry_call_tool(call, "inner", NULL, &result);
    if (rc)
        return rc;
    const gantry_json *block = gantry_json_at(gantry_json_get(result, "content"), 0);
    return gantry_text(call, "%s; then %s %s; destroyed: %s", gantry_json_text(block, "text"),
                       gantry_get_text(call, &user), (char *)gantry_get_pointer(call, &own),
                       counts.destroyed);
}

static int look_for_current(void *arg)
{
    *(bool *)arg = gantry_current() == NULL;
    return 0;
}

GANTRY_TOOL0(current, "Which call it is, here and in gantry_work()", .flags = GANTRY_BLOCKING)
{
    bool none = false;
    gantry_work(call, look_for_current, &none);
    return gantry_text(call, "%d %d %d", gantry_current() == call, none, gantry_current() == call);
}

GANTRY_TOOL0(current_coroutine, "The same, not on a worker")
{
    bool none = false;
    gantry_work(call, look_for_current, &none);
    return gantry_text(call, "%d %d %d", gantry_current() == call, none, gantry_current() == call);
}

GANTRY_TOOL0(misuse, "The codes of what must not be done")
{
    static const gantry_var as_int = GANTRY_VAR("user", GANTRY_VALUE_INT);
    static const gantry_var builtin = GANTRY_VAR("gantry.request_id", GANTRY_VALUE_TEXT);
    static const gantry_var nameless = GANTRY_VAR(NULL, GANTRY_VALUE_TEXT);
    gantry_background bad = *GANTRY_BACKGROUND("", NULL, NULL);
    const gantry_json *value = NULL;
    int codes[] = {
        gantry_set_text(call, &user, "text"),
        gantry_set_int(call, &as_int, 1),
        gantry_set_text(call, &builtin, "8"),
        gantry_set_text(call, &nameless, "x"),
        gantry_set_text(call, NULL, "x"),
        gantry_bind(call, &own),
        gantry_unset(call, &number),
        gantry_spawn(call, NULL),
        gantry_spawn(call, &bad),
        gantry_state_get(call, "not a handle", "key", &value),
        gantry_state_get(call, "not a handle", NULL, &value),
        gantry_state_set(call, "not a handle", "key", NULL),
        gantry_handle_new(call, NULL),
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        gantry_text(call, "%d", codes[i]);
    return GANTRY_OK;
}

GANTRY_TOOL0(about, "What the host knows of the request, asked in both ways")
{
    static const char *const names[] = {
        "request_id",       "session_id", "client_name", "client_version", "transport",
        "protocol_version", "principal",  "traceparent", "method",         "component"};
    gantry_builder *b = gantry_builder_new(call);
    gantry_put_object(b, NULL);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const gantry_var var = GANTRY_VAR(gantry_format(call, "gantry.%s", names[i]),
                                          GANTRY_VALUE_TEXT);
        const char *text = gantry_get_text(call, &var);
        if (text)
            gantry_put_string(b, names[i], text);
    }
    gantry_put_string(b, "transport()", gantry_transport(call));
    gantry_put_string(b, "protocol()", gantry_protocol_version(call));
    gantry_put_string(b, "traceparent()", or_none(gantry_traceparent(call)));
    gantry_put_string(b, "tracestate()", or_none(gantry_tracestate(call)));
    gantry_put_string(b, "baggage()", or_none(gantry_baggage(call)));
    gantry_put_close(b);
    return gantry_text(call, "%s", gantry_json_print(call, gantry_builder_end(b)));
}

/* ---------------------------------------------------------------- state */

typedef struct {
    const char *handle, *key;
    const gantry_json *value;
} state_in;
static const gantry_arg state_args[] = {
    GANTRY_ARG(state_in, handle, "Of new_handle; the session's without", .optional = 1),
    GANTRY_ARG(state_in, key, "The value's name", .optional = 1),
    GANTRY_ARG(state_in, value, "The value", .optional = 1),
    GANTRY_ARGS_END,
};

GANTRY_TOOL0(new_handle, "Makes a place for values")
{
    const char *handle;
    int rc = gantry_handle_new(call, &handle);
    return rc ? gantry_fail(call, "%d", rc) : gantry_text(call, "%s", handle);
}

#define remember_args state_args
GANTRY_TOOL(remember, state_in, "Keeps a value")
{
    int rc = gantry_state_set(call, in->handle, in->key, in->value);
    return rc ? gantry_fail(call, "%d", rc) : gantry_text(call, "kept");
}

#define recall_args state_args
GANTRY_TOOL(recall, state_in, "Finds it again", .flags = GANTRY_BLOCKING)
{
    const gantry_json *value;
    int rc = gantry_state_get(call, in->handle, in->key, &value);
    return rc ? gantry_fail(call, "%d", rc)
              : gantry_text(call, "%s", gantry_json_print(call, value));
}

#define forget_args state_args
GANTRY_TOOL(forget, state_in, "Drops it, or all")
{
    int rc = gantry_state_delete(call, in->handle, in->key);
    return rc ? gantry_fail(call, "%d", rc) : gantry_text(call, "gone");
}

/* ---------------------------------------------------------------- background work */

typedef struct {
    char what[32], until[256];
    uint32_t ms;
} job;

static void job_free(void *arg)
{
    counts.freed++;
    free(arg);
}

static int work(gantry_call *call, void *arg)
{
    const job *j = arg;
    __atomic_add_fetch(&counts.ran, 1, __ATOMIC_RELAXED);
    int rc = gantry_sleep(call, j->ms);
    while (!rc && j->until[0] && access(j->until, F_OK) != 0)
        rc = gantry_sleep(call, 2);
    if (rc) {
        __atomic_add_fetch(&counts.cancelled, 1, __ATOMIC_RELAXED);
        gantry_log(call, GANTRY_INFO, "work %d told to end", SCOPE);
        return rc;
    }
    if (strcmp(j->what, "fail") == 0)
        return gantry_fail(call, "the printer is on fire");
    if (strcmp(j->what, "slip") == 0)
        return GANTRY_EIO;
    static const gantry_var id = GANTRY_VAR("gantry.request_id", GANTRY_VALUE_TEXT);
    gantry_log(call, GANTRY_INFO, "work %d done for %s, request %s, cell %s, %s", SCOPE,
               or_none(gantry_get_text(call, &user)), or_none(gantry_get_text(call, &id)),
               or_none(gantry_get_pointer(call, &handed_on)),
               gantry_current() == call ? "current" : "not current");
    __atomic_add_fetch(&counts.ended, 1, __ATOMIC_RELAXED);
    return GANTRY_OK;
}

typedef struct {
    const char *what, *until;
    int64_t ms, count;
    bool blocking;
} spawn_in;
static const gantry_arg spawn_args[] = {
    GANTRY_ARG(spawn_in, what, "fail, slip, or something else", .default_json = "\"done\""),
    GANTRY_ARG(spawn_in, until, "A file: until it is there", .default_json = "\"\""),
    GANTRY_ARG(spawn_in, ms, "How long", .default_json = "0"),
    GANTRY_ARG(spawn_in, count, "How many", .default_json = "1"),
    GANTRY_ARG(spawn_in, blocking, "On a worker", .default_json = "false"),
    GANTRY_ARGS_END,
};

static gantry_background background_of(const spawn_in *in)
{
    job *j = calloc(1, sizeof *j);
    gantry_background b = *GANTRY_BACKGROUND("work", work, j, .free_arg = job_free);
    snprintf(j->what, sizeof j->what, "%s", in->what);
    snprintf(j->until, sizeof j->until, "%s", in->until);
    j->ms = (uint32_t)in->ms;
    b.flags = in->blocking ? GANTRY_BLOCKING : 0;
    return b;
}

GANTRY_TOOL(spawn, spawn_in, "Starts work and answers")
{
    int64_t started = 0;
    int rc = GANTRY_OK;
    counts.destroyed[0] = '\0';
    gantry_set_text(call, &user, "ada");
    set_copy(call, &handed_on, "shared");
    for (; started < in->count; started++) {
        gantry_background b = background_of(in);
        rc = gantry_spawn(call, &b);
        if (rc) {
            free(b.arg);
            break;
        }
    }
    return gantry_text(call, "%lld %d", (long long)started, rc);
}

/* ---------------------------------------------------------------- schedules */

static int tick(gantry_call *call, void *arg)
{
    (void)arg;
    counts.ticks++;
    if (counts.in_start)
        gantry_log(call, GANTRY_ERROR, "a tick before start has returned");
    return gantry_sleep(call, 1);
}

static int once(gantry_call *call, void *arg)
{
    gantry_log(call, GANTRY_INFO, "once %d: %s", SCOPE, (const char *)arg);
    return GANTRY_OK;
}

static int at_start(gantry_call *call, void *arg)
{
    (void)arg;
    counts.spawned_at_start++;
    if (counts.in_start)
        gantry_log(call, GANTRY_ERROR, "spawned work before start has returned");
    return GANTRY_OK;
}

GANTRY_TOOL0(stop_ticking, "Stops the interval")
{
    gantry_schedule_stop(counts.interval);
    counts.interval = NULL;
    return gantry_text(call, "%lld", (long long)counts.ticks);
}

GANTRY_TOOL0(too_many_schedules, "How many there may be")
{
    int64_t made = 0;
    gantry_schedule *all[100];
    while (made < 100 && (all[made] = gantry_after(gantry_self(call), 3600000,
                                                   GANTRY_BACKGROUND("later", once, NULL))))
        made++;
    for (int64_t i = 0; i < made; i++)
        gantry_schedule_stop(all[i]);
    return gantry_text(call, "%lld", (long long)made);
}

GANTRY_TOOL0(counted, "All counts")
{
    gantry_builder *b = gantry_builder_new(call);
    gantry_put_object(b, NULL);
    gantry_put_int(b, "generation", SCOPE);
    gantry_put_int(b, "ran", __atomic_load_n(&counts.ran, __ATOMIC_RELAXED));
    gantry_put_int(b, "ended", __atomic_load_n(&counts.ended, __ATOMIC_RELAXED));
    gantry_put_int(b, "cancelled", __atomic_load_n(&counts.cancelled, __ATOMIC_RELAXED));
    gantry_put_int(b, "freed", counts.freed);
    gantry_put_int(b, "ticks", counts.ticks);
    gantry_put_int(b, "spawned_at_start", counts.spawned_at_start);
    gantry_put_close(b);
    return gantry_text(call, "%s", gantry_json_print(call, gantry_builder_end(b)));
}

static int start(gantry_call *call, gantry_plugin *plugin)
{
    static char after[] = "after start";
    counts.in_start = 1;
    counts.interval = gantry_every(plugin, 5, GANTRY_BACKGROUND("tick", tick, NULL));
    if (!counts.interval || !gantry_after(plugin, 1, GANTRY_BACKGROUND("once", once, after)))
        return gantry_fail(call, "no schedule");
    int rc = gantry_spawn(call, GANTRY_BACKGROUND("at_start", at_start, NULL));
    if (!rc)
        rc = gantry_sleep(call, 50);
    counts.in_start = 0;
    return rc;
}

static void stop(gantry_plugin *plugin)
{
    gantry_schedule_stop(counts.interval); /* as an author would, although it has ended */
    gantry_plugin_log(plugin, GANTRY_INFO, "scope %d stopped", SCOPE);
}

GANTRY_PLUGIN("scope", "1.0.0",
              .tools = GANTRY_TOOLS(&mix_tool, &mix_blocking_tool, &destroyed_tool, &inner_tool,
                                    &outer_tool, &current_tool, &current_coroutine_tool,
                                    &misuse_tool, &about_tool, &new_handle_tool, &remember_tool,
                                    &recall_tool, &forget_tool, &spawn_tool, &stop_ticking_tool,
                                    &too_many_schedules_tool, &counted_tool),
              .start = start, .stop = stop);
