/* scope.c - request-scoped variables: setting, finding, inheriting, destroying. */
#include "call/scope.h"

#include "call/call.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define BUILTIN_PREFIX "gantry."
#define FIELDS_SEEN offsetof(gantry_var, destroy) /* what every descriptor has, at least */

/* A pointer, shared by all scopes that inherited it. [loop], but for its making. */
struct cell {
    uint32_t refs;
    void *pointer;
    void (*destroy)(void *value);
    struct gn_owner *owner; /* held, if there is one */
};

/* Immutable once it stands in a chain. */
struct gn_scope_value {
    const struct gn_scope_value *next; /* older */
    const char *name;                  /* in an arena; the same pointer for the same name */
    uint8_t flags;                     /* GANTRY_VAR_ */
    bool is_set;                       /* not: unset from here on, or bound before it was set */
    bool is_logged, is_builtin;
    const struct gn_owner *setter; /* pointers are its own; for others only compared */
    gantry_value value;            /* type is that of the variable, set or not */
    struct cell *cell;             /* pointers that are set */
};

/* ---------------------------------------------------------------- names */

struct builtin {
    const char *name;
    size_t offset; /* of the text in the call; 0: computed */
};

#define AT(field) offsetof(struct gantry_call, field)
static const struct builtin builtins[] = {
    {"request_id", AT(request_id)},   {"session_id", AT(session_id)},
    {"client_name", AT(client_name)}, {"client_version", AT(client_version)},
    {"transport", AT(transport)},     {"principal", AT(principal)},
    {"traceparent", AT(traceparent)}, {"method", AT(method)},
    {"protocol_version", 0},          {"component", 0},
};

static bool is_builtin(const char *name)
{
    return name[0] == BUILTIN_PREFIX[0] && gn_starts_with(name, BUILTIN_PREFIX);
}

const char *gn_scope_builtin(const gantry_call *call, const char *name)
{
    const char *rest = name + strlen(BUILTIN_PREFIX);
    for (size_t i = 0; is_builtin(name) && i < GN_COUNT(builtins); i++) {
        if (strcmp(builtins[i].name, rest) != 0)
            continue;
        if (builtins[i].offset)
            return *(const char *const *)(const void *)((const char *)call + builtins[i].offset);
        if (rest[0] == 'p')
            return gn_revision_name(call->revision);
        return call->component ? call->component->name : NULL;
    }
    return NULL;
}

/* ---------------------------------------------------------------- finding */

/* What a function of this file works on. */
struct access {
    gantry_call *call;
    const struct gn_owner *self;
    const gantry_var *var;
    const struct gn_scope_value *found; /* the newest value of the variable; NULL: none */
    const char *name;                   /* as it stands in the chain already; NULL: it does not */
    bool is_inherited;
};

static bool is_sound(const gantry_var *var)
{
    return var && var->size >= FIELDS_SEEN && var->name && var->name[0] &&
           var->type >= GANTRY_VALUE_TEXT && var->type <= GANTRY_VALUE_POINTER;
}

static bool is_pointer(uint32_t type)
{
    return type == GANTRY_VALUE_POINTER;
}

/* Pointers and other values do not know of each other, unless one plugin mixes them up. */
static bool concerns(const struct access *a, const struct gn_scope_value *v)
{
    if (!is_pointer(a->var->type) && !is_pointer(v->value.type))
        return true;
    return v->setter == a->self;
}

/* GANTRY_EINVAL: the descriptor is damaged, or the variable has another type. */
static int look_up(struct access *a, gantry_call *call, const struct gn_owner *self,
                   const gantry_var *var)
{
    *a = (struct access){.call = call, .self = self, .var = var};
    if (!is_sound(var))
        return GANTRY_EINVAL;
    bool outer = false;
    for (const struct gn_scope_value *v = call->scope.last; v; v = v->next) {
        outer = outer || v == call->scope.outer;
        if (v->name[0] != var->name[0] || strcmp(v->name, var->name) != 0)
            continue;
        a->name = v->name;
        if (!concerns(a, v))
            continue;
        a->found = v;
        a->is_inherited = outer;
        return v->value.type == var->type ? GANTRY_OK : GANTRY_EINVAL;
    }
    return strnlen(var->name, GN_SCOPE_NAME_MAX + 1) <= GN_SCOPE_NAME_MAX ? GANTRY_OK
                                                                          : GANTRY_EINVAL;
}

/* What is inherited only if it says so may be covered by nothing and still not be there. */
static bool is_there(const struct access *a)
{
    const struct gn_scope_value *v = a->found;
    if (!v || !v->is_set)
        return false;
    return !a->is_inherited || !is_pointer(v->value.type) || (v->flags & GANTRY_VAR_NESTED);
}

/* ---------------------------------------------------------------- setting */

/* A new value, not in the chain yet; NULL: over a limit. A new name stands behind it. */
static struct gn_scope_value *make(struct access *a)
{
    gantry_call *call = a->call;
    size_t name_size = a->name ? 0 : strlen(a->var->name) + 1;
    if (call->scope.count >= GN_SCOPE_MAX)
        return NULL;
    struct gn_scope_value *v = gn_arena_alloc(&call->arena, sizeof *v + name_size);
    if (!v)
        return NULL;
    if (!a->name)
        a->name = memcpy(v + 1, a->var->name, name_size);
    *v = (struct gn_scope_value){
        .name = a->name,
        .flags = (uint8_t)a->var->flags,
        .setter = a->self,
        .value.type = a->var->type,
        .is_logged = !is_pointer(a->var->type) &&
                     ((a->var->flags & GANTRY_VAR_LOGGED) || (a->found && a->found->is_logged)),
    };
    return v;
}

static void push(gantry_call *call, struct gn_scope_value *v)
{
    v->next = call->scope.last;
    call->scope.last = v;
    call->scope.count++;
    call->scope.has_logged = call->scope.has_logged || v->is_logged;
}

/* Text and JSON become the call's own. */
static bool keep(struct gn_arena *arena, const gantry_value *from, gantry_value *to)
{
    *to = *from;
    to->reserved = 0;
    if (from->type == GANTRY_VALUE_TEXT) {
        to->as.text = gn_arena_strdup(arena, from->as.text);
        return to->as.text || !from->as.text;
    }
    if (from->type != GANTRY_VALUE_JSON || !from->as.json)
        return true;
    struct gn_buf text = GN_BUF_INIT(arena->max);
    to->as.json = gn_json_write(&text, from->as.json) == 0
                      ? gn_json_parse_arena(arena, gn_buf_str(&text), text.len, NULL)
                      : NULL;
    gn_buf_release(&text);
    return to->as.json != NULL;
}

static void hold_owner(void *arg)
{
    struct gn_owner *owner = arg;
    owner->ref(owner);
    owner->pointers++;
}

/* References count on the loop. */
static void on_loop(gantry_call *call, void (*fn)(void *arg), void *arg)
{
    if (call->task && gn_task_is_worker(call->task))
        gn_task_on_loop(call->task, fn, arg);
    else
        fn(arg);
}

static struct cell *cell_new(struct access *a, struct gn_owner *owner, void *pointer)
{
    struct cell *cell = gn_calloc(1, sizeof *cell);
    cell->refs = 1;
    cell->pointer = pointer;
    cell->destroy = a->var->size >= sizeof(gantry_var) ? a->var->destroy : NULL;
    cell->owner = owner;
    if (owner)
        on_loop(a->call, hold_owner, owner);
    return cell;
}

int gn_scope_set(gantry_call *call, struct gn_owner *self, const gantry_var *var,
                 const gantry_value *value)
{
    struct access a;
    int rc = look_up(&a, call, self, var);
    if (rc)
        return rc;
    if (!value || value->type != var->type || is_builtin(var->name))
        return GANTRY_EINVAL;
    struct gn_scope_value *v = make(&a);
    if (!v || !keep(&call->arena, value, &v->value))
        return GANTRY_ETOOBIG;
    if (is_pointer(var->type))
        v->cell = cell_new(&a, self, value->as.pointer);
    v->is_set = true;
    push(call, v);
    return GANTRY_OK;
}

/* The usual case: the newest value of that name is what was asked for. False: look_up must tell. */
static bool get_newest(const gantry_call *call, const gantry_var *var, gantry_value *ret)
{
    const struct gn_scope_value *v = call->scope.last;
    while (v && (v->name[0] != var->name[0] || strcmp(v->name, var->name) != 0))
        v = v->next;
    if (!v || !v->is_set || v->cell || v->value.type != var->type)
        return false;
    *ret = v->value;
    return true;
}

/* Apart, so that the usual case does not pay for its frame. */
__attribute__((noinline)) static int get_slowly(gantry_call *call, struct gn_owner *self,
                                                const gantry_var *var, gantry_value *ret)
{
    struct access a;
    int rc = look_up(&a, call, self, var);
    if (rc)
        return rc;
    if (!ret)
        return GANTRY_EINVAL;
    if (is_builtin(var->name)) {
        if (var->type != GANTRY_VALUE_TEXT)
            return GANTRY_EINVAL;
        *ret = gantry_value_text(gn_scope_builtin(call, var->name));
        return ret->as.text ? GANTRY_OK : GANTRY_ENOENT;
    }
    if (!is_there(&a))
        return GANTRY_ENOENT;
    *ret = a.found->value;
    return GANTRY_OK;
}

int gn_scope_get(gantry_call *call, struct gn_owner *self, const gantry_var *var, gantry_value *ret)
{
    if (ret && is_sound(var) && get_newest(call, var, ret))
        return GANTRY_OK;
    return get_slowly(call, self, var, ret);
}

int gn_scope_find(const gantry_call *call, const char *name, gantry_value *ret)
{
    int rc = GANTRY_ENOENT;
    if (is_builtin(name)) {
        *ret = gantry_value_text(gn_scope_builtin(call, name));
        return ret->as.text ? GANTRY_OK : GANTRY_ENOENT;
    }
    for (const struct gn_scope_value *v = call->scope.last; v; v = v->next) {
        if (strcmp(v->name, name) != 0)
            continue;
        if (is_pointer(v->value.type)) {
            rc = v->is_set ? GANTRY_EINVAL : rc;
            continue;
        }
        *ret = v->value;
        return v->is_set ? GANTRY_OK : GANTRY_ENOENT;
    }
    return rc;
}

int gn_scope_unset(gantry_call *call, struct gn_owner *self, const gantry_var *var)
{
    struct access a;
    int rc = look_up(&a, call, self, var);
    if (rc)
        return rc;
    if (is_builtin(var->name))
        return GANTRY_EINVAL;
    if (!is_there(&a))
        return GANTRY_ENOENT;
    struct gn_scope_value *v = make(&a);
    if (!v)
        return GANTRY_ETOOBIG;
    push(call, v);
    return GANTRY_OK;
}

int gn_scope_bind(gantry_call *call, struct gn_owner *self, const gantry_var *var)
{
    struct access a;
    int rc = look_up(&a, call, self, var);
    if (rc)
        return rc;
    if (is_pointer(var->type) || (is_builtin(var->name) && var->type != GANTRY_VALUE_TEXT))
        return GANTRY_EINVAL;
    if (a.found && a.found->is_logged)
        return GANTRY_OK;
    struct gn_scope_value *v = make(&a);
    if (!v)
        return GANTRY_ETOOBIG;
    if (a.found) {
        v->is_set = a.found->is_set;
        v->value = a.found->value;
    }
    v->is_builtin = is_builtin(var->name);
    v->is_logged = true;
    push(call, v);
    return GANTRY_OK;
}

/* ---------------------------------------------------------------- inheriting */

void gn_scope_nest(gantry_call *child, const gantry_call *parent)
{
    gn_assert(!child->scope.last);
    child->scope.last = child->scope.outer = parent->scope.last;
    child->scope.has_logged = parent->scope.has_logged;
}

static bool is_same(const struct gn_scope_value *a, const struct gn_scope_value *b)
{
    bool pointer = is_pointer(a->value.type);
    return a->name == b->name && pointer == is_pointer(b->value.type) &&
           (!pointer || a->setter == b->setter);
}

/* Puts v among the newest ones of their variables, if it is. False: there is no room. */
static bool collect(const struct gn_scope_value **seen, uint32_t *count,
                    const struct gn_scope_value *v)
{
    for (uint32_t i = 0; i < *count; i++) {
        if (is_same(seen[i], v))
            return true;
    }
    if (*count == GN_SCOPE_MAX)
        return false;
    seen[(*count)++] = v;
    return true;
}

static bool is_for_background(const gantry_call *from, const struct gn_scope_value *v)
{
    if (!is_pointer(v->value.type))
        return v->is_set || v->is_logged;
    if (!v->is_set || !(v->flags & GANTRY_VAR_SPAWNED))
        return false;
    if (v->flags & GANTRY_VAR_NESTED)
        return true;
    /* What a nested call does not see it does not hand on. */
    for (const struct gn_scope_value *own = from->scope.last; own != from->scope.outer;
         own = own->next) {
        if (own == v)
            return true;
    }
    return false;
}

static bool copy_value(gantry_call *to, const struct gn_scope_value *from)
{
    struct gn_scope_value *v = gn_arena_calloc(&to->arena, sizeof *v);
    if (!v)
        return false;
    *v = *from;
    v->name = NULL; /* names are the same pointer in one chain */
    for (const struct gn_scope_value *o = to->scope.last; o && !v->name; o = o->next) {
        if (strcmp(o->name, from->name) == 0)
            v->name = o->name;
    }
    if (!v->name)
        v->name = gn_arena_strdup(&to->arena, from->name);
    if (!v->name || !keep(&to->arena, &from->value, &v->value))
        return false;
    if (v->cell)
        v->cell->refs++;
    push(to, v);
    return true;
}

int gn_scope_copy(gantry_call *to, const gantry_call *from)
{
    const struct gn_scope_value *seen[GN_SCOPE_MAX];
    uint32_t count = 0;
    gn_assert(!to->scope.last);
    for (const struct gn_scope_value *v = from->scope.last; v; v = v->next) {
        if (!collect(seen, &count, v))
            return GANTRY_ETOOBIG;
    }
    while (count > 0) {
        const struct gn_scope_value *v = seen[--count];
        if (is_for_background(from, v) && !copy_value(to, v))
            return GANTRY_ETOOBIG;
    }
    return GANTRY_OK;
}

/* ---------------------------------------------------------------- for the log */

void gn_scope_each_logged(const gantry_call *call,
                          void (*fn)(void *arg, const char *name, const gantry_value *value),
                          void *arg)
{
    const struct gn_scope_value *seen[GN_SCOPE_MAX];
    uint32_t count = 0;
    if (!call->scope.has_logged)
        return;
    /* Once a name is logged, all that covers it is. */
    for (const struct gn_scope_value *v = call->scope.last; v; v = v->next) {
        if (v->is_logged && !collect(seen, &count, v))
            break;
    }
    while (count > 0) {
        const struct gn_scope_value *v = seen[--count];
        if (v->is_builtin) {
            gantry_value value = gantry_value_text(gn_scope_builtin(call, v->name));
            if (value.as.text)
                fn(arg, v->name, &value);
        } else if (v->is_set) {
            fn(arg, v->name, &v->value);
        }
    }
}

/* ---------------------------------------------------------------- the end */

static void cell_unref(struct cell *cell)
{
    if (--cell->refs > 0)
        return;
    struct gn_owner *owner = cell->owner;
    if (cell->destroy && cell->pointer)
        cell->destroy(cell->pointer);
    gn_free(cell);
    if (!owner)
        return;
    owner->pointers--;
    owner->unref(owner);
}

void gn_scope_end(gantry_call *call)
{
    const struct gn_scope_value *v = call->scope.last, *outer = call->scope.outer;
    /* What is destroyed here is not the business of the call on whose stack it happens. */
    struct gn_task *task = gn_task_current();
    void *local = task ? gn_task_local(task) : NULL;
    call->scope = (struct gn_scope){0};
    if (task)
        gn_task_set_local(task, NULL);
    for (; v != outer; v = v->next) {
        if (v->cell)
            cell_unref(v->cell);
    }
    if (task)
        gn_task_set_local(task, local);
}
