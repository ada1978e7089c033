/* offer.c - tools that the host makes itself for a transform: making them, calls inside of calls.
 */
#include "registry/offer.h"

#include "call/ask.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define HOLD_MS 5                       /* between looks at whether a plugin has been handed over */
#define RESULT_BYTES ((size_t)16 << 20) /* unless the host says otherwise */

/* ---------------------------------------------------------------- making them */

static void free_offer(void *data)
{
    struct gn_offer *offer = data;
    gn_texts_free(offer->match.names);
    gn_texts_free(offer->match.tags);
    gn_texts_free(offer->match.plugins);
    gn_texts_free(offer->match.versions);
    gn_free(offer);
}

static struct gn_offer *offer_of(const struct gn_transform *t)
{
    struct gn_offer *offer = gn_calloc(1, sizeof *offer);
    offer->match = (struct gn_match){
        .kinds = t->match.kinds,
        .names = gn_texts_copy(t->match.names),
        .tags = gn_texts_copy(t->match.tags),
        .plugins = gn_texts_copy(t->match.plugins),
        .versions = gn_texts_copy(t->match.versions),
    };
    offer->max_results = t->max_results;
    return offer;
}

static char *schema_text(const struct gn_fields *fields)
{
    struct gn_buf text = GN_BUF_INIT(64u << 10);
    gn_assert(gn_json_write(&text, gn_schema_root(fields->schema)) == 0);
    return gn_buf_take(&text, NULL);
}

static struct gn_component *make_tool(const struct gn_transform *t, const struct gn_offered *spec)
{
    struct gn_component *c = gn_component_new(GN_TOOL);
    struct gn_error err = {0};
    c->key = gn_strdup(spec->name);
    c->name = gn_strdup(spec->name);
    c->title = gn_strdup(spec->title);
    c->description = gn_strdup(spec->description);
    int rc = gn_fields_import(spec->args, sizeof(gantry_arg), spec->in_size, &c->input, &err);
    gn_assert(rc == 0);
    c->input_text = spec->args ? schema_text(c->input) : NULL;
    c->run = spec->run;
    c->flags = GANTRY_REPLAY; /* as far as what it calls can be run again */
    c->read_only = spec->is_reading ? GANTRY_YES : 0;
    c->data = offer_of(t);
    c->free_data = free_offer;
    return c;
}

void gn_offer_make(struct gn_transform *t, const struct gn_offered *specs, size_t count)
{
    gn_assert(count <= GN_COUNT(t->offered));
    for (size_t i = 0; i < count; i++) {
        if (!t->offered[i])
            t->offered[i] = make_tool(t, &specs[i]);
    }
}

bool gn_offer_is_taken(struct gn_build *b, const struct gn_transform *t, const char *name)
{
    char label[GN_TRANSFORM_LABEL];
    for (size_t i = 0; i < b->count; i++) {
        const struct gn_entry *e = &b->v[i];
        const struct gn_component *c = e->c;
        if (c->kind != GN_TOOL || e->is_off || e->is_parentless || !gn_streq(c->key, name))
            continue;
        gn_build_problem(b, GN_WARNING,
                         "%s: %s cannot offer a tool %s: %s%s has one of that name (rename or "
                         "disable that before)",
                         gn_transform_label(t, label), gn_transform_type_name(t->type), name,
                         c->owner ? "plugin " : "the host", c->owner ? c->owner->name : "");
        return true;
    }
    return false;
}

void gn_offer_add(struct gn_build *b, struct gn_transform *t, const struct gn_offered *specs,
                  size_t count)
{
    gn_offer_make(t, specs, count);
    for (size_t i = 0; i < count; i++) {
        if (!gn_offer_is_taken(b, t, specs[i].name))
            gn_build_add(b, gn_component_ref(t->offered[i]));
    }
}

/* ---------------------------------------------------------------- what it is about */

const struct gn_offer *gn_offer_of(const struct gn_call *call)
{
    return call->self_data;
}

/* Later transforms may have renamed it. */
bool gn_offer_has(const struct gn_offer *offer, const struct gn_component *c)
{
    for (; c; c = c->parent) {
        if (gn_match_component(&offer->match, c))
            return true;
    }
    return false;
}

struct look {
    struct gn_call *call;
    struct gn_snapshot *snapshot;
};

static void look(void *arg)
{
    struct look *l = arg;
    struct gn_viewer viewer = gn_viewer_of(gn_call_root(l->call)); /* has its session's rules */
    l->snapshot = gn_registry_view(l->call->env->registry, &viewer);
}

struct gn_snapshot *gn_offer_view(struct gn_call *call)
{
    struct look l = {.call = call};
    gn_task_on_loop(call->task, look, &l); /* it may have to be built: that takes much stack */
    return l.snapshot;
}

static int shown_length(const char *name)
{
    size_t len = strlen(name);
    return (int)gn_utf8_cut(name, len, GN_MIN(len, (size_t)GN_OFFER_NAME_MAX));
}

const char *gn_offer_label(struct gn_call *call, const struct gn_component *c)
{
    const char *label = gn_arena_format(&call->arena, "%s %.*s", gn_kind_name(c->kind),
                                        shown_length(c->key), c->key);
    return label ? label : gn_kind_name(c->kind);
}

/* As gn_call_start would hold it back, were it not nested. */
static bool is_held(const struct gn_call *call, const struct gn_owner *owner)
{
    if (!owner || !owner->hold)
        return false;
    for (; call; call = call->parent) {
        if (gn_call_uses(call, owner))
            return false;
    }
    return true;
}

int gn_offer_find(struct gn_call *call, enum gn_kind kind, const char *key,
                  const gantry_json **ret_variables, struct gn_component **ret)
{
    for (;;) {
        struct gn_snapshot *s = gn_offer_view(call);
        *ret = ret_variables ? gn_snapshot_resolve(s, key, &call->arena, ret_variables)
                             : gn_snapshot_find(s, kind, key);
        if (!*ret || !is_held(call, (*ret)->owner))
            return GANTRY_OK;
        if (gn_task_sleep(call->task, HOLD_MS))
            return GANTRY_ECANCELED;
    }
}

/* ---------------------------------------------------------------- calls inside */

/* What its method would have refused before the call begins. */
static int refuse(struct gn_call *call, const struct gn_component *c)
{
    uint32_t lacking = c->requires & ~call->capabilities;
    if (lacking)
        return gn_call_fail(call, "%s needs what the client does not declare: %s",
                            gn_offer_label(call, c), gn_capability_names(call, lacking));
    /* The answers are there, the call that asked is not. */
    bool is_replay = !call->parent && call->journal.first;
    if (is_replay && !(c->flags & GANTRY_REPLAY))
        return gn_call_fail(call,
                            "%s: the call that asked waits here no more, and cannot be run again: "
                            "begin anew",
                            gn_offer_label(call, c));
    return GANTRY_OK;
}

static int fail_to_start(struct gn_call *call, const struct gn_component *c, int rc)
{
    if (rc == GN_ETOOBIG)
        return gn_call_fail(call, "%s: calls are nested more than %d deep", gn_offer_label(call, c),
                            GN_CALL_MAX_DEPTH);
    return GANTRY_ECANCELED;
}

bool gn_offer_begin(struct gn_call *call, struct gn_component *c, const gantry_json *arguments,
                    const char *uri, struct gn_offer_run *run, int *ret_rc)
{
    *ret_rc = refuse(call, c);
    if (*ret_rc)
        return false;
    *run = (struct gn_offer_run){.component = gn_component_ref(c), .owner = c->owner};
    if (run->owner)
        run->owner->ref(run->owner);
    gn_call_lend_timeout(call, c);
    call->is_stand_in = true;
    int rc = gn_call_nested(call, c, arguments, uri, &run->child, &run->outcome);
    call->is_stand_in = false;
    if (!rc)
        return true;
    *ret_rc = fail_to_start(call, c, rc);
    gn_offer_end(run);
    return false;
}

void gn_offer_end(struct gn_offer_run *run)
{
    gn_call_unref(run->child);
    gn_component_unref(run->component);
    if (run->owner)
        run->owner->unref(run->owner);
}

/* ---------------------------------------------------------------- results */

size_t gn_offer_limit(const struct gn_call *call)
{
    return call->env->result_bytes ? (size_t)call->env->result_bytes : RESULT_BYTES;
}

int gn_offer_say(struct gn_call *call, const char *text)
{
    size_t len = strlen(text);
    struct gn_content c = {.kind = GN_CONTENT_TEXT, .len = len};
    c.text = gn_arena_strndup(&call->arena, text, len);
    return c.text ? gn_call_add(call, &c) : GANTRY_ETOOBIG;
}

int gn_offer_say_json(struct gn_call *call, struct gn_buf *out)
{
    call->result.structured = out->overflow
                                  ? NULL
                                  : gn_arena_strndup(&call->arena, gn_buf_str(out), out->len);
    call->result.structured_len = out->len;
    gn_buf_release(out);
    return call->result.structured ? GANTRY_OK : GANTRY_ETOOBIG;
}

int gn_offer_say_lists(struct gn_call *call, const enum gn_kind *kinds, size_t count)
{
    const struct gn_offer *offer = gn_offer_of(call);
    struct gn_snapshot *s = gn_offer_view(call);
    struct gn_buf out = GN_BUF_INIT(gn_offer_limit(call));
    struct gn_jw w;
    gn_jw_init(&w, &out);
    gn_jw_object(&w, NULL);
    for (size_t i = 0; i < count; i++) {
        const struct gn_snapshot_kind *k = &s->kinds[kinds[i]];
        gn_jw_array(&w, gn_list_name(kinds[i]));
        for (size_t at = 0; at < k->count; at++) {
            if (gn_offer_has(offer, k->v[at]))
                gn_component_write(k->v[at], (struct gn_view){.revision = GN_REV_LATEST}, &w);
        }
        gn_jw_end(&w);
    }
    gn_jw_end(&w);
    return gn_offer_say_json(call, &out);
}

int gn_offer_unknown(struct gn_call *call, enum gn_kind kind, const char *key)
{
    const struct gn_offer *offer = gn_offer_of(call);
    const struct gn_snapshot_kind *k = &gn_offer_view(call)->kinds[kind];
    const char **keys = gn_calloc(k->count + 1, sizeof *keys);
    size_t n = 0;
    for (size_t i = 0; i < k->count; i++) {
        if (gn_offer_has(offer, k->v[i]))
            keys[n++] = k->v[i]->key;
    }
    int rc = gn_offer_unknown_of(call, kind, key, keys);
    gn_free(keys);
    return rc;
}

int gn_offer_unknown_of(struct gn_call *call, enum gn_kind kind, const char *key,
                        const char *const *keys)
{
    const char *near = gn_nearest(key, keys);
    return gn_call_fail(call, "there is no %s %.*s%s%s%s", gn_kind_name(kind), shown_length(key),
                        key, near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
}
