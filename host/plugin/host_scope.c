/* host_scope.c - the scope of a call, and state across calls. */
#include "plugin/host_internal.h"

#include "call/lines.h"
#include "call/store.h"
#include "plugin/host_errors.h"

gantry_call *gn_host_current(void)
{
    struct gn_task *task = gn_task_current();
    return task ? gn_task_local(task) : NULL;
}

/* ---------------------------------------------------------------- variables */

static const char *name_of(const gantry_var *var)
{
    return var && var->name ? var->name : "(a variable without a name)";
}

/* What is the author's mistake is told in the log; the rest may be expected. */
__attribute__((noinline)) static int told(gantry_call *call, const char *function,
                                          const gantry_var *var, int rc)
{
    if (rc == GANTRY_EINVAL)
        gn_host_misuse(call,
                       "%s %.128s: it is set with another type, is the host's own (gantry.), or "
                       "its descriptor is damaged",
                       function, name_of(var));
    else if (rc == GANTRY_ETOOBIG)
        gn_log(call->env->log, GN_WARNING, gn_call_label(call),
               "%s %.128s: more than %d values in one call, or more than its memory", function,
               name_of(var), GN_SCOPE_MAX);
    return rc;
}

static inline int report(gantry_call *call, const char *function, const gantry_var *var, int rc)
{
    return rc ? told(call, function, var, rc) : GANTRY_OK;
}

int gn_host_var_set(gantry_call *call, const gantry_var *var, const gantry_value *value)
{
    if (!gn_host_runs(call))
        return GANTRY_EPERM;
    return report(call, "gantry_set", var, gn_scope_set(call, call->self, var, value));
}

int gn_host_var_get(gantry_call *call, const gantry_var *var, gantry_value *ret)
{
    if (!gn_host_runs(call))
        return GANTRY_EPERM;
    return report(call, "gantry_get", var, gn_scope_get(call, call->self, var, ret));
}

int gn_host_var_unset(gantry_call *call, const gantry_var *var)
{
    if (!gn_host_runs(call))
        return GANTRY_EPERM;
    return report(call, "gantry_unset", var, gn_scope_unset(call, call->self, var));
}

int gn_host_var_bind(gantry_call *call, const gantry_var *var)
{
    if (!gn_host_runs(call))
        return GANTRY_EPERM;
    if (var && var->type == GANTRY_VALUE_POINTER)
        return gn_host_misuse(call, "gantry_bind %.128s: a pointer is nothing for the log",
                              name_of(var));
    return report(call, "gantry_bind", var, gn_scope_bind(call, call->self, var));
}

/* ---------------------------------------------------------------- state */

/* One access, carried to the loop. */
struct state {
    gantry_call *call;
    struct gn_store_place place;
    const char *key;
    struct gn_buf text;       /* set: the value */
    const gantry_json *value; /* get */
    char minted[GN_STORE_HANDLE];
    int rc;
};

static struct state state_of(gantry_call *call, const char *handle, const char *key)
{
    return (struct state){
        .call = call,
        .place = {.handle = handle, .session = call->session_key, .principal = call->principal},
        .key = key,
    };
}

/* The plugin hears that there is no room, the operator where it can be made. */
static int no_room(gantry_call *call, const char *function, const char *limit, int rc)
{
    gn_call_note(call, GN_WARNING, "%s: %s is refused: over %s", gn_call_label(call), function,
                 limit);
    return gn_host_code(rc);
}

static void mint(void *arg)
{
    struct state *s = arg;
    s->rc = gn_store_mint(s->call->env->store, s->call->principal, s->minted);
}

int gn_host_handle_new(gantry_call *call, const char **ret_handle)
{
    if (!gn_host_runs(call))
        return GANTRY_EPERM;
    if (!ret_handle)
        return gn_host_misuse(call, "gantry_handle_new: the place for the handle is NULL");
    *ret_handle = NULL;
    struct state s = state_of(call, NULL, NULL);
    gn_host_on_loop(call, mint, &s);
    if (s.rc == GN_EBUSY)
        return no_room(call, "gantry_handle_new", "state.max_handles", s.rc);
    if (s.rc)
        return gn_host_code(s.rc);
    *ret_handle = gn_arena_strdup(&call->arena, s.minted);
    return *ret_handle ? GANTRY_OK : GANTRY_ETOOBIG;
}

static void get(void *arg)
{
    struct state *s = arg;
    const char *json;
    size_t len;
    s->rc = gn_store_get(s->call->env->store, &s->place, s->key, &json, &len);
    if (s->rc)
        return;
    s->value = gn_json_parse_arena(&s->call->arena, json, len, NULL);
    if (!s->value)
        s->rc = GN_ETOOBIG;
}

int gn_host_state_get(gantry_call *call, const char *handle, const char *key,
                      const gantry_json **ret)
{
    if (!gn_host_runs(call))
        return GANTRY_EPERM;
    if (!key || !ret)
        return gn_host_misuse(call, "gantry_state_get: the %s is NULL",
                              key ? "place for the value" : "key");
    *ret = NULL;
    struct state s = state_of(call, handle, key);
    gn_host_on_loop(call, get, &s);
    *ret = s.value;
    return gn_host_code(s.rc);
}

static void set(void *arg)
{
    struct state *s = arg;
    s->rc = gn_store_set(s->call->env->store, &s->place, s->key, gn_buf_str(&s->text), s->text.len);
}

int gn_host_state_set(gantry_call *call, const char *handle, const char *key,
                      const gantry_json *value)
{
    if (!gn_host_runs(call))
        return GANTRY_EPERM;
    if (!key || !value)
        return gn_host_misuse(call, "gantry_state_set: the %s is NULL", key ? "value" : "key");
    struct state s = state_of(call, handle, key);
    gn_buf_init(&s.text, call->arena.max);
    int rc = gn_json_write(&s.text, value);
    if (rc == GN_OK)
        gn_host_on_loop(call, set, &s);
    gn_buf_release(&s.text);
    if (rc)
        return gn_host_code(rc);
    if (s.rc == GN_ETOOBIG || s.rc == GN_EBUSY)
        return no_room(call, "gantry_state_set",
                       s.rc == GN_EBUSY ? "state.max_total" : "state.max_bytes", s.rc);
    return gn_host_code(s.rc);
}

static void delete (void *arg)
{
    struct state *s = arg;
    s->rc = gn_store_delete(s->call->env->store, &s->place, s->key);
}

int gn_host_state_delete(gantry_call *call, const char *handle, const char *key)
{
    if (!gn_host_runs(call))
        return GANTRY_EPERM;
    struct state s = state_of(call, handle, key);
    gn_host_on_loop(call, delete, &s);
    return gn_host_code(s.rc);
}
