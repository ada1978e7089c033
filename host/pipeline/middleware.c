/* middleware.c - from the configuration's list to middlewares of the host's own. */
#include "pipeline/middleware.h"

#include "pipeline/shipped.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* `dereference` is none of them: it is a view of the lists, and the configuration's to say. */
static const struct gn_shipped_kind *const kinds[] = {
    &gn_shipped_logging,        &gn_shipped_timing,  &gn_shipped_mask_errors,
    &gn_shipped_response_limit, &gn_shipped_timeout, &gn_shipped_concurrency,
};

struct gn_shipped {
    struct gn_call_env *env;
    struct gn_gates *gates;
    struct gn_shipped_set *set; /* NULL: none */
};

/* ---------------------------------------------------------------- one entry */

static void free_entry(void *data)
{
    struct gn_shipped_entry *e = data;
    gn_free(e->options.use);
    gn_free(e->options.message);
    gn_free(e->options.suffix);
    gn_texts_free(e->options.tools);
    gn_texts_free(e->options.tags);
    gn_gates_unref(e->gates);
    gn_free(e);
}

static struct gn_shipped_entry *new_entry(struct gn_gates *gates,
                                          const struct gn_shipped_kind *kind,
                                          const struct gn_config_middleware *options)
{
    struct gn_shipped_entry *e = gn_calloc(1, sizeof *e);
    e->kind = kind;
    e->options = *options;
    e->options.use = gn_strdup(options->use);
    e->options.message = gn_strdup(options->message);
    e->options.suffix = gn_strdup(options->suffix);
    e->options.tools = gn_texts_copy(options->tools);
    e->options.tags = gn_texts_copy(options->tags);
    e->gates = gn_gates_ref(gates);
    return e;
}

static bool names(const char *pattern, const char *name)
{
    size_t len = strlen(pattern);
    if (len > 0 && pattern[len - 1] == '*')
        return strncmp(pattern, name, len - 1) == 0;
    return gn_streq(pattern, name);
}

static bool is_among(char *const *patterns, const char *name)
{
    for (; *patterns; patterns++) {
        if (names(*patterns, name))
            return true;
    }
    return false;
}

static bool has_one_of(const struct gn_component *c, char *const *tags)
{
    for (; *tags; tags++) {
        if (gn_component_has_tag(c, *tags))
            return true;
    }
    return false;
}

bool gn_shipped_concerns(const struct gn_shipped_entry *e, const struct gn_component *c)
{
    const struct gn_config_middleware *o = &e->options;
    if (o->tools && *o->tools && !(c && c->kind == GN_TOOL && is_among(o->tools, c->name)))
        return false;
    return !o->tags || !*o->tags || has_one_of(c, o->tags);
}

static bool concerns(const struct gn_middleware *m, const struct gn_component *c)
{
    const struct gn_shipped_entry *e = m->data;
    if (e->kind == &gn_shipped_concurrency)
        return gn_gates_entry(e->gates, c) == e;
    return gn_shipped_concerns(e, c);
}

static const struct gn_shipped_kind *find_kind(const char *name)
{
    for (size_t i = 0; i < GN_COUNT(kinds); i++) {
        if (gn_streq(kinds[i]->name, name))
            return kinds[i];
    }
    return NULL;
}

/* ---------------------------------------------------------------- what they share */

const struct gn_shipped_entry *gn_shipped_self(const struct gn_call *call)
{
    return call->self_data;
}

const char *gn_shipped_subject(const struct gn_call *call, char out[GN_SHIPPED_SUBJECT])
{
    const struct gn_component *c = call->component;
    const char *what = call->uri ? call->uri : c ? c->name : "";
    size_t cut = gn_utf8_cut(what, strlen(what), GN_SHIPPED_SUBJECT - 64);
    snprintf(out, GN_SHIPPED_SUBJECT, "%.60s%s%.*s", call->method ? call->method : "call",
             *what ? " " : "", (int)cut, what);
    return out;
}

const char *gn_shipped_verdict(const struct gn_call *call)
{
    static const char *const words[] = {
        [GN_OUT_RESULT] = "completed",   [GN_OUT_FAILED] = "failed",
        [GN_OUT_INVALID] = "failed",     [GN_OUT_NOT_FOUND] = "found nothing",
        [GN_OUT_ACCIDENT] = "failed",    [GN_OUT_TIMEOUT] = "timed out",
        [GN_OUT_BUSY] = "found no room", [GN_OUT_CANCELED] = "was cancelled",
    };
    return call->verdict < GN_COUNT(words) && words[call->verdict] ? words[call->verdict] : "ended";
}

/* ---------------------------------------------------------------- all of them */

static int by_priority(const void *a, const void *b)
{
    const struct gn_middleware *x = *(struct gn_middleware *const *)a;
    const struct gn_middleware *y = *(struct gn_middleware *const *)b;
    if (x->priority != y->priority)
        return x->priority < y->priority ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static struct gn_middleware *make(struct gn_shipped *s, const struct gn_config_middleware *options,
                                  size_t index)
{
    const struct gn_shipped_kind *kind = find_kind(options->use);
    if (!kind)
        return NULL;
    struct gn_middleware *m = gn_middleware_new(kind->name);
    m->priority = options->priority;
    m->hooks = kind->hooks;
    m->concerns = concerns;
    m->run = kind->run;
    m->data = new_entry(s->gates, kind, options);
    m->free_data = free_entry;
    m->order = index;
    return m;
}

void gn_shipped_configure(struct gn_shipped *s, const struct gn_config *config)
{
    size_t room = config->middleware_count, count = 0;
    struct gn_middleware **v = gn_calloc(room + 1, sizeof(*v));
    for (size_t i = 0; i < room; i++) {
        struct gn_middleware *m = make(s, &config->middlewares[i], i);
        if (m)
            v[count++] = m;
    }
    qsort(v, count, sizeof(*v), by_priority);
    struct gn_shipped_set *set = gn_calloc(1, sizeof *set + count * sizeof set->v[0]);
    for (size_t i = 0; i < count; i++)
        set->v[set->count++] = v[i]->data;
    /* Who waits at a gate goes by the new set, before the old one may be gone. */
    gn_gates_configure(s->gates, set);
    gn_around_replace(s->env, NULL, v, count);
    gn_free(s->set);
    s->set = set;
    for (size_t i = 0; i < count; i++)
        gn_middleware_unref(v[i]);
    gn_free(v);
}

struct gn_shipped *gn_shipped_new(struct gn_call_env *env)
{
    struct gn_shipped *s = gn_calloc(1, sizeof *s);
    s->env = env;
    s->gates = gn_gates_new();
    return s;
}

void gn_shipped_free(struct gn_shipped *s)
{
    if (!s)
        return;
    gn_gates_configure(s->gates, NULL);
    gn_around_replace(s->env, NULL, NULL, 0);
    gn_gates_unref(s->gates);
    gn_free(s->set);
    gn_free(s);
}
