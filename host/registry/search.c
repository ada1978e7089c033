/* search.c - two tools in place of hundreds: search_tools and call_tool. */
#include "registry/offer.h"
#include "registry/search_index.h"

#include "util/alloc.h"
#include "util/str.h"
#include "wire/meta.h"

#include <string.h>

#define QUERY_MAX_CHARS 1000
#define NAME_MAX_CHARS 1000

static int search_tools(gantry_call *call, const void *raw);
static int call_tool(gantry_call *call, const void *raw);

/* One of the two, under whatever name. One that somebody has made a tool of his own of, with
 * arguments filled in, is a tool like others. */
static bool is_one_of_us(const struct gn_component *c)
{
    for (const struct gn_component *p = c; p; p = p->parent) {
        if (p->made)
            return false;
    }
    return c->run == search_tools || c->run == call_tool;
}

/* ---------------------------------------------------------------- search_tools */

struct search_in {
    const char *query;
    gantry_opt_int limit;
};

static const gantry_arg search_args[] = {
    GANTRY_ARG(struct search_in, query,
               "What the tool is to do, in a few words: they are looked for in names, "
               "descriptions and arguments",
               .length = {0, QUERY_MAX_CHARS}),
    GANTRY_ARG(struct search_in, limit, "Return at most so many", .range = {1, GANTRY_INFINITY}),
    GANTRY_ARGS_END,
};

/* Returns how many it has written. */
static size_t write_hits(const struct gn_call *call, const struct gn_search *search,
                         const struct search_in *in, struct gn_jw *w)
{
    const struct gn_offer *offer = gn_offer_of(call);
    size_t limit = offer->max_results, written = 0;
    if (in->limit.set && in->limit.value < (int64_t)limit)
        limit = (size_t)in->limit.value;
    struct gn_bm25_hit *hits;
    size_t count = gn_bm25_search(search->index, in->query, strlen(in->query), &hits);
    for (size_t i = 0; i < count && written < limit; i++) {
        const struct gn_component *c = search->v[hits[i].doc];
        if (!gn_offer_has(offer, c))
            continue;
        gn_component_write(c, (struct gn_view){.revision = GN_REV_LATEST}, w);
        written++;
    }
    gn_free(hits);
    return written;
}

static int search_tools(gantry_call *call, const void *raw)
{
    const struct search_in *in = raw;
    struct gn_search *search = gn_search_of(gn_offer_view(call), is_one_of_us);
    struct gn_buf out = GN_BUF_INIT(gn_offer_limit(call));
    struct gn_jw w;
    gn_jw_init(&w, &out);
    gn_jw_object(&w, NULL);
    gn_jw_array(&w, "tools");
    size_t found = write_hits(call, search, in, &w);
    gn_jw_end(&w);
    gn_jw_end(&w);
    int rc = gn_offer_say_json(call, &out);
    if (rc || found)
        return rc;
    return gn_offer_say(call, gn_bm25_count_words(in->query, strlen(in->query))
                                  ? "No tool matches: try other words, for what is to be done or "
                                    "for what it is done to."
                                  : "The query has no words: say in a few what the tool is to do.");
}

/* ---------------------------------------------------------------- call_tool */

struct call_in {
    const char *name;
    const gantry_json *arguments;
};

static const gantry_arg call_args[] = {
    GANTRY_ARG(struct call_in, name, "Name of the tool, as search_tools shows it",
               .length = {0, NAME_MAX_CHARS}),
    GANTRY_ARG(struct call_in, arguments, "Its arguments, as its inputSchema wants them",
               .optional = 1, .schema_json = "{\"type\":\"object\"}"),
    GANTRY_ARGS_END,
};

static int unknown(struct gn_call *call, const char *name)
{
    const struct gn_search *search = gn_search_of(gn_offer_view(call), is_one_of_us);
    const char **names = gn_calloc(search->count + 1, sizeof *names);
    for (size_t i = 0; i < search->count; i++)
        names[i] = search->v[i]->key;
    int rc = gn_offer_unknown_of(call, GN_TOOL, name, names);
    gn_free(names);
    return rc;
}

static bool knows_tasks(const struct gn_call *call)
{
    return gn_revision_is_stateless(call->revision) &&
           gn_json_type(gn_json_get(call->extensions, GN_EXTENSION_TASKS)) == GN_JSON_OBJECT;
}

/* What a tool says of tasks holds for the call that runs it in its place. */
static int become_task(struct gn_call *call, const struct gn_component *c)
{
    if (call->parent || call->task_id || c->task == GANTRY_TASK_NEVER)
        return GANTRY_OK;
    if (!knows_tasks(call))
        return c->task < GANTRY_TASK_REQUIRED
                   ? GANTRY_OK
                   : gn_call_fail(
                         call,
                         "%s needs a client that declares the extension " GN_EXTENSION_TASKS
                         " (revision 2026-07-28)",
                         gn_offer_label(call, c));
    if (c->task == GANTRY_TASK_DEFERRED)
        return GANTRY_OK;
    int rc = call->ops && call->ops->become_task ? call->ops->become_task(call, NULL)
                                                 : GANTRY_ENOTSUP;
    if (rc == GANTRY_EBUSY)
        return gn_call_fail(call, "busy: too many tasks, try again later");
    if (rc == GANTRY_ENOTSUP)
        return gn_call_fail(call, "%s runs as a task only, which cannot be had here",
                            gn_offer_label(call, c));
    if (rc == GANTRY_OK && c->timeout_ms)
        gn_call_set_timeout(call, c->timeout_ms);
    return rc;
}

static int run_tool(struct gn_call *call, struct gn_component *c, const gantry_json *arguments)
{
    struct gn_offer_run run;
    int rc;
    if (!gn_offer_begin(call, c, arguments, NULL, &run, &rc))
        return rc;
    rc = gn_call_adopt(call, run.child, run.outcome, gn_offer_label(call, c));
    gn_offer_end(&run);
    return rc;
}

static int call_tool(gantry_call *call, const void *raw)
{
    const struct call_in *in = raw;
    struct gn_component *c;
    int rc = gn_offer_find(call, GN_TOOL, in->name, NULL, &c);
    if (rc)
        return rc;
    if (!c)
        return unknown(call, in->name);
    if (is_one_of_us(c))
        return gn_call_fail(call, "%s: is called by its own name only", gn_offer_label(call, c));
    rc = become_task(call, c);
    return rc ? rc : run_tool(call, c, in->arguments);
}

/* ---------------------------------------------------------------- the transform */

static const struct gn_offered specs[] = {
    {
        .name = "search_tools",
        .title = "Search tools",
        .description = "Finds tools of this server by what they do. Returns the definitions of "
                       "those that match best, with their input schemas; call_tool calls one. "
                       "This server has more tools than it lists.",
        .args = search_args,
        .in_size = sizeof(struct search_in),
        .run = search_tools,
        .is_reading = true,
    },
    {
        .name = "call_tool",
        .title = "Call tool",
        .description = "Calls a tool that search_tools has found, by its name and with arguments "
                       "that fit its input schema. The result is that of the tool.",
        .args = call_args,
        .in_size = sizeof(struct call_in),
        .run = call_tool,
    },
};

static bool is_always_listed(const struct gn_transform *t, const struct gn_component *c)
{
    return gn_match_name(t->always, c->key) || c == t->offered[0] || c == t->offered[1];
}

/* What is not there yet may be by a later rule, and then is not listed either. */
static void take_off_the_list(struct gn_build *b, struct gn_transform *t)
{
    for (size_t i = 0; i < b->count; i++) {
        struct gn_entry *e = &b->v[i];
        if (e->c->kind != GN_TOOL || e->is_parentless || is_always_listed(t, e->c) ||
            !gn_match_component(&t->match, e->c))
            continue;
        e->is_unlisted = true;
        if (!e->is_off) {
            gn_transform_unref(e->by);
            e->by = gn_transform_ref(t);
        }
    }
}

void gn_offer_search(struct gn_build *b, struct gn_transform *t)
{
    gn_offer_make(t, specs, GN_COUNT(specs));
    /* With only one of them the others could not be reached. */
    bool is_taken = false;
    for (size_t i = 0; i < GN_COUNT(specs); i++)
        is_taken = gn_offer_is_taken(b, t, specs[i].name) || is_taken;
    if (is_taken)
        return;
    for (size_t i = 0; i < GN_COUNT(specs); i++)
        gn_build_add(b, gn_component_ref(t->offered[i]));
    take_off_the_list(b, t);
}
