/* from_config.c - the operator's transforms: entries of `transforms` in the configuration. */
#include "registry/from_config.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define KEY_BYTES 1024

struct reader {
    const struct gn_config *c;
    struct gn_buf *problems;
    size_t count;
    const char *path; /* "transforms[2]" */
    char *tool;       /* "transforms[2].tools.search", while it is read */
};

static void wrong(struct reader *r, const char *key, const char *fmt, ...) GN_PRINTF(3, 4);
static void wrong(struct reader *r, const char *key, const char *fmt, ...)
{
    struct gn_buf text = GN_BUF_INIT(8192);
    int line = gn_config_nearest_line(r->c, key);
    va_list ap;
    va_start(ap, fmt);
    gn_buf_vaddf(&text, fmt, ap);
    va_end(ap);
    r->count++;
    if (r->c->file)
        gn_buf_addf(r->problems, line > 0 ? "%s:%d: " : "%s: ", r->c->file, line);
    gn_buf_addf(r->problems, "%s: %s\n", key, gn_buf_str(&text));
    gn_buf_release(&text);
}

static void wrong_member(struct reader *r, const char *member, const char *fmt, ...)
    GN_PRINTF(3, 4);
static void wrong_member(struct reader *r, const char *member, const char *fmt, ...)
{
    struct gn_buf text = GN_BUF_INIT(8192);
    GN_AUTO_FREE char *key = gn_format("%s.%s", r->path, member);
    va_list ap;
    va_start(ap, fmt);
    gn_buf_vaddf(&text, fmt, ap);
    va_end(ap);
    wrong(r, key, "%s", gn_buf_str(&text));
    gn_buf_release(&text);
}

/* ---------------------------------------------------------------- what it concerns */

/* A list that is given has something in it; of names a star stands at the end only. */
static char **read_list(struct reader *r, const char *member, char *const *texts, bool has_stars)
{
    if (texts && !*texts)
        wrong_member(r, member,
                     "is empty, so that nothing could match: leave it out, or name some");
    for (char *const *p = texts; has_stars && p && *p; p++) {
        const char *star = strchr(*p, '*');
        if (star && star[1])
            wrong_member(r, member,
                         "\"%.128s\": a star stands for the rest of a name, at its end only", *p);
    }
    return gn_texts_copy(texts);
}

static uint32_t read_kinds(struct reader *r, char *const *texts)
{
    static const char *const names[] = {"tool", "resource", "template", "prompt", NULL};
    static const enum gn_kind kinds[] = {GN_TOOL, GN_RESOURCE, GN_TEMPLATE, GN_PROMPT};
    uint32_t set = 0;
    for (char *const *p = texts; p && *p; p++) {
        size_t i = 0;
        while (names[i] && !gn_streq(names[i], *p))
            i++;
        const char *near = names[i] ? NULL : gn_nearest(*p, names);
        if (names[i])
            set |= 1u << kinds[i];
        else if (near)
            wrong_member(r, "kinds", "\"%.64s\" is not a kind; did you mean %s?", *p, near);
        else
            wrong_member(r, "kinds",
                         "\"%.64s\" is not a kind; there are tool, resource, template, prompt", *p);
    }
    if (texts && !*texts)
        wrong_member(r, "kinds",
                     "is empty, so that nothing could match: leave it out, or name some");
    return set;
}

static void read_match(struct reader *r, const struct gn_config_transform *row,
                       struct gn_transform *t)
{
    t->match.kinds = read_kinds(r, row->kinds);
    t->match.names = read_list(r, "names", row->names, true);
    t->match.tags = read_list(r, "tags", row->tags, false);
    t->match.plugins = read_list(r, "plugins", row->plugins, true);
    t->match.versions = read_list(r, "versions", row->versions, true);
    t->principals = read_list(r, "principals", row->principals, true);
}

/* ---------------------------------------------------------------- by type */

/* Without a word on what it concerns, a rule would take everything away, or do nothing. */
static void read_rule(struct reader *r, const struct gn_config_transform *row,
                      struct gn_transform *t)
{
    (void)t;
    if (!row->kinds && !row->names && !row->tags && !row->plugins && !row->versions)
        wrong(r, r->path,
              "%s needs at least one of kinds, names, tags, plugins, versions (kinds: [tool, "
              "resource, template, prompt] means everything)",
              row->use);
}

static void read_namespace(struct reader *r, const struct gn_config_transform *row,
                           struct gn_transform *t)
{
    (void)r;
    t->prefix = gn_strdup(row->prefix);
}

static void read_renames(struct reader *r, const struct gn_config_transform *row,
                         struct gn_transform *t)
{
    const char *from;
    json_t *to;
    json_object_foreach(row->renames, from, to)
    {
        GN_AUTO_FREE char *member = gn_format("names.%s", from);
        if (!json_is_string(to) || !*json_string_value(to))
            wrong_member(r, member, "must be its new name, a text%s",
                         json_is_number(to) || json_is_boolean(to) ? ": write it in quotes" : "");
        else if (!*from)
            wrong_member(r, "names", "an empty name cannot be renamed");
        else
            gn_map_put(&t->renames, from, gn_strdup(json_string_value(to)));
    }
}

static void read_search(struct reader *r, const struct gn_config_transform *row,
                        struct gn_transform *t)
{
    t->always = read_list(r, "always", row->always, true);
    t->max_results = row->max_results;
}

static void tool_problem(void *arg, const char *path, const char *text)
{
    struct reader *r = arg;
    GN_AUTO_FREE char *key = gn_format("%s%s%s", r->tool, *path ? "." : "", path);
    wrong(r, key, "%s", text);
}

/* What a hidden argument is filled with must be there. */
static void check_secrets(struct reader *r, const struct gn_from *from)
{
    const char **names = gn_calloc(r->c->secret_count + 1, sizeof *names);
    for (size_t i = 0; i < r->c->secret_count; i++)
        names[i] = r->c->secrets[i].name;
    for (size_t i = 0; i < from->arg_count; i++) {
        const struct gn_from_arg *a = &from->args[i];
        if (a->source != GN_SOURCE_SECRET || !a->source_name ||
            gn_config_secret(r->c, a->source_name))
            continue;
        const char *near = gn_nearest(a->source_name, names);
        GN_AUTO_FREE char *key = gn_format("%s.arguments.%s.source", r->tool, a->arg);
        wrong(r, key, "there is no secret %.64s%s%s%s", a->source_name,
              near ? ", did you mean " : " (secrets: has them)", near ? near : "", near ? "?" : "");
    }
    gn_free(names);
}

/* Two tools that end up with one name, as far as that can be told without them. */
static void check_target(struct reader *r, struct gn_map *targets, const char *tool,
                         const struct gn_from *from)
{
    const char *name = from->name ? from->name : tool;
    GN_AUTO_FREE char *target = gn_format("%s\n%s", name, from->version ? from->version : "");
    const char *other = gn_map_put(targets, target, (void *)(uintptr_t)tool);
    if (other)
        wrong(r, r->tool, "becomes %.128s, as %.128s does", name, other);
    if (from->keep && !from->version && gn_streq(name, tool))
        wrong(r, r->tool,
              "keep: what stays beside it has the same name: give this one another name, "
              "or a version");
}

static void read_tools(struct reader *r, const struct gn_config_transform *row,
                       struct gn_transform *t)
{
    const char *name;
    json_t *config;
    struct gn_map targets;
    gn_map_init(&targets);
    json_object_foreach(row->tools, name, config)
    {
        r->tool = gn_format("%s.tools.%s", r->path, name);
        struct gn_from *from = gn_from_read_each(config, tool_problem, r);
        if (from) {
            check_secrets(r, from);
            check_target(r, &targets, name, from);
            gn_map_put(&t->tools, name, from);
        }
        gn_free(r->tool);
        r->tool = NULL;
    }
    if (json_object_size(row->tools) == 0)
        wrong_member(r, "tools", "has no tool");
    gn_map_release(&targets, NULL);
}

static void (*const readers[GN_TRANSFORM_COUNT])(struct reader *r,
                                                 const struct gn_config_transform *row,
                                                 struct gn_transform *t) = {
    [GN_TRANSFORM_NAMESPACE] = read_namespace, [GN_TRANSFORM_RENAME] = read_renames,
    [GN_TRANSFORM_ENABLE] = read_rule,         [GN_TRANSFORM_DISABLE] = read_rule,
    [GN_TRANSFORM_ONLY] = read_rule,           [GN_TRANSFORM_SEARCH] = read_search,
    [GN_TRANSFORM_TOOLS] = read_tools,
};

static struct gn_transform *read_row(struct reader *r, const struct gn_config_transform *row)
{
    enum gn_transform_type type;
    struct gn_error err = {0};
    size_t before = r->count;
    if (gn_transform_type_find(row->use, &type)) {
        wrong_member(r, "use", "there is no %.64s", row->use); /* the table of keys has them all */
        return NULL;
    }
    struct gn_transform *t = gn_transform_new(type, r->path);
    read_match(r, row, t);
    if (readers[type])
        readers[type](r, row, t);
    if (r->count == before && gn_transform_check(t, &err))
        wrong(r, r->path, "%s", err.text);
    return t;
}

int gn_transforms_from_config(const struct gn_config *c, struct gn_transform ***ret,
                              size_t *ret_count, struct gn_buf *problems)
{
    struct reader r = {.c = c, .problems = problems};
    struct gn_transform **v = gn_calloc(c->transform_count + 1, sizeof *v);
    for (size_t i = 0; i < c->transform_count; i++) {
        GN_AUTO_FREE char *path = gn_format("transforms[%zu]", i);
        r.path = path;
        v[i] = read_row(&r, &c->transforms[i]);
        if (v[i])
            v[i]->order = i;
    }
    *ret = r.count ? NULL : v;
    *ret_count = r.count ? 0 : c->transform_count;
    if (r.count)
        gn_transforms_free(v, c->transform_count);
    return r.count ? GN_EINVAL : GN_OK;
}

void gn_transforms_free(struct gn_transform **v, size_t count)
{
    for (size_t i = 0; v && i < count; i++)
        gn_transform_unref(v[i]);
    gn_free(v);
}
