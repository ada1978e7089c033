/* from_json.c - a tool made from a tool, as the operator writes it. */
#include "registry/derive.h"

#include "registry/members.h"
#include "schema/schema.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stddef.h>
#include <string.h>

#define LIST_MAX 1000
#define NAME_LEN 128 /* of a tool */

#define FROM(n, fn, field)                                                                         \
    {                                                                                              \
        (n), fn, offsetof(struct gn_from, field)                                                   \
    }
#define ARG(n, fn, field)                                                                          \
    {                                                                                              \
        (n), fn, offsetof(struct gn_from_arg, field)                                               \
    }
#define ICON(n, fn, field)                                                                         \
    {                                                                                              \
        (n), fn, offsetof(struct gn_icon, field)                                                   \
    }

/* One that is no list stands for a list of one. */
static void read_examples(struct gn_members *r, const json_t *value, void *base,
                          const struct gn_member *m)
{
    (void)r;
    if (json_is_null(value))
        return;
    json_t *copy = json_deep_copy(value);
    gn_members_set_json(base, m, json_is_array(value) ? copy : json_pack("[o]", copy));
}

static void read_enabled(struct gn_members *r, const json_t *value, void *base,
                         const struct gn_member *m)
{
    if (gn_members_is_bool(r, value))
        *((int8_t *)base + m->offset) = json_is_true(value) ? GANTRY_YES : GANTRY_NO;
}

/* null takes it away. */
static void read_hint(struct gn_members *r, const json_t *value, void *base,
                      const struct gn_member *m)
{
    if (json_is_null(value))
        *((int8_t *)base + m->offset) = GN_HINT_NONE;
    else
        read_enabled(r, value, base, m);
}

static void read_required(struct gn_members *r, const json_t *value, void *base,
                          const struct gn_member *m)
{
    if (json_is_false(value))
        gn_members_wrong(r, "cannot be false: set a default instead");
    else if (!json_is_null(value))
        gn_members_read_flag(r, value, base, m);
}

static void read_tags(struct gn_members *r, const json_t *value, void *base,
                      const struct gn_member *m)
{
    struct gn_from *from = base;
    (void)m;
    if (json_is_null(value) || from->tags)
        return;
    if (!json_is_array(value) || json_array_size(value) > LIST_MAX) {
        gn_members_wrong(r, "must be a list of at most %d texts, but is %s", LIST_MAX,
                         gn_members_kind(value));
        return;
    }
    size_t n = 0, i;
    const json_t *tag;
    from->tags = gn_calloc(json_array_size(value) + 1, sizeof *from->tags);
    json_array_foreach(value, i, tag)
    {
        if (!gn_members_is_text(r, tag))
            continue;
        if (json_string_length(tag) > 0)
            from->tags[n++] = gn_strdup(json_string_value(tag));
        else
            gn_members_wrong(r, "entry %zu is empty", i);
    }
}

/* ---------------------------------------------------------------- arguments */

static const char *const types[] = {"string", "integer", "number", "boolean",
                                    "array",  "object",  "null",   NULL};

/* As other languages call them. */
static const char *type_meant(const char *name)
{
    static const char *const others[][2] = {
        {"str", "string"},    {"text", "string"},  {"int", "integer"}, {"float", "number"},
        {"double", "number"}, {"bool", "boolean"}, {"list", "array"},  {"dict", "object"},
        {"map", "object"},    {"none", "null"},
    };
    for (size_t i = 0; i < GN_COUNT(others); i++) {
        if (gn_strcaseeq(others[i][0], name))
            return others[i][1];
    }
    return gn_nearest(name, types);
}

static bool is_type(struct gn_members *r, const json_t *value)
{
    const char *name = json_string_value(value);
    for (size_t i = 0; name && types[i]; i++) {
        if (gn_streq(types[i], name))
            return true;
    }
    const char *meant = name ? type_meant(name) : NULL;
    if (meant)
        gn_members_wrong(r, "\"%.64s\" is not a type of JSON, did you mean %s?", name, meant);
    else
        gn_members_wrong(
            r, "must be a schema, or one of string, integer, number, boolean, array, object, "
               "null, or a list of these");
    return false;
}

/* What refers to something is looked at with the schema it becomes part of. */
static bool is_schema(struct gn_members *r, const json_t *schema, bool is_whole)
{
    struct gn_schema *compiled = NULL;
    struct gn_error err = {0};
    char *text = json_dumps(schema, JSON_COMPACT);
    int rc = GN_OK;
    if (text && (is_whole || !strstr(text, "\"$ref\"")))
        rc = gn_schema_compile(text, strlen(text), NULL, &compiled, &err);
    if (rc)
        gn_members_wrong(r, "%s", err.text);
    gn_schema_free(compiled);
    gn_free(text);
    return rc == GN_OK;
}

static void set_schema(struct gn_members *r, struct gn_from_arg *arg, json_t *schema)
{
    if (!is_schema(r, schema, false)) {
        json_decref(schema);
    } else if (arg->schema) {
        gn_members_wrong(r, "there are both type and schema: give one of them");
        json_decref(schema);
    } else {
        arg->schema = schema;
    }
}

static void read_schema(struct gn_members *r, const json_t *value, void *base,
                        const struct gn_member *m)
{
    (void)m;
    if (json_is_object(value))
        set_schema(r, base, json_deep_copy(value));
    else
        gn_members_wrong(r, "must be a mapping, but is %s", gn_members_kind(value));
}

/* A schema, or short for one that has nothing but `type`. */
static void read_type(struct gn_members *r, const json_t *value, void *base,
                      const struct gn_member *m)
{
    size_t i;
    const json_t *one;
    if (json_is_object(value)) {
        read_schema(r, value, base, m);
        return;
    }
    bool right = json_is_array(value) ? json_array_size(value) > 0 : is_type(r, value);
    if (json_is_array(value) && !right)
        gn_members_wrong(r, "is an empty list");
    json_array_foreach(value, i, one)
    {
        right = is_type(r, one) && right;
    }
    if (right)
        set_schema(r, base, json_pack("{s:o}", "type", json_deep_copy(value)));
}

static void read_source(struct gn_members *r, const json_t *value, void *base,
                        const struct gn_member *m)
{
    struct gn_from_arg *arg = base;
    struct gn_error err = {0};
    (void)m;
    if (!gn_members_is_text(r, value))
        return;
    gn_free(arg->source_name);
    arg->source_name = NULL;
    if (gn_source_parse(json_string_value(value), &arg->source, &arg->source_name, &err))
        gn_members_wrong(r, "%s", err.text);
}

static const struct gn_member argument_members[] = {
    ARG("name", gn_members_read_name, name),
    ARG("title", gn_members_read_text, title),
    ARG("description", gn_members_read_text, description),
    ARG("default", gn_members_read_value, value),
    ARG("hide", gn_members_read_flag, hide),
    ARG("required", read_required, required),
    ARG("examples", read_examples, examples),
    ARG("source", read_source, source),
    ARG("type", read_type, schema),
    ARG("schema", read_schema, schema),
    {0},
};

/* What nobody sees needs no words, which does not make them wrong. */
static void forget_words(struct gn_from_arg *arg)
{
    gn_free(arg->name);
    gn_free(arg->title);
    gn_free(arg->description);
    json_decref(arg->examples);
    arg->name = arg->title = arg->description = NULL;
    arg->examples = NULL;
}

static void read_arguments(struct gn_members *r, const json_t *value, void *base,
                           const struct gn_member *m)
{
    struct gn_from *from = base;
    const char *name;
    json_t *argument;
    (void)m;
    if (json_is_null(value))
        return;
    if (!json_is_object(value)) {
        gn_members_wrong(r, "must be a mapping of the tool's arguments, but is %s",
                         gn_members_kind(value));
        return;
    }
    from->args = gn_calloc(json_object_size(value) + 1, sizeof *from->args);
    json_object_foreach((json_t *)(uintptr_t)value, name, argument)
    {
        struct gn_from_arg *arg = &from->args[from->arg_count++];
        size_t before = gn_members_enter(r, name);
        arg->arg = gn_strdup(name);
        gn_members_read(r, argument, argument_members, arg);
        if (arg->hide)
            forget_words(arg);
        gn_members_leave(r, before);
    }
}

/* ---------------------------------------------------------------- annotations and icons */

static void read_title_hint(struct gn_members *r, const json_t *value, void *base,
                            const struct gn_member *m)
{
    const struct gn_from *from = base;
    if (!from->title) /* the tool's own goes first: it says the same in all revisions */
        gn_members_read_text(r, value, base, m);
}

static const struct gn_member hints[] = {
    FROM("readOnlyHint", read_hint, read_only),    FROM("destructiveHint", read_hint, destructive),
    FROM("idempotentHint", read_hint, idempotent), FROM("openWorldHint", read_hint, open_world),
    FROM("title", read_title_hint, title),         {0},
};

static void read_annotations(struct gn_members *r, const json_t *value, void *base,
                             const struct gn_member *m)
{
    (void)m;
    if (!json_is_null(value)) {
        gn_members_read(r, value, hints, base);
        return;
    }
    struct gn_from *from = base;
    from->read_only = from->destructive = from->idempotent = from->open_world = GN_HINT_NONE;
}

/* Several sizes stand in one text, with blanks between them. */
static void read_sizes(struct gn_members *r, const json_t *value, void *base,
                       const struct gn_member *m)
{
    struct gn_buf all = GN_BUF_INIT(1024);
    size_t i;
    const json_t *size;
    if (!json_is_array(value)) {
        gn_members_read_name(r, value, base, m);
        return;
    }
    json_array_foreach(value, i, size)
    {
        if (gn_members_is_text(r, size))
            gn_buf_addf(&all, "%s%s", all.len ? " " : "", json_string_value(size));
    }
    if (all.overflow)
        gn_members_wrong(r, "is too long");
    else
        gn_members_set_text(base, m, gn_buf_str(&all));
    gn_buf_release(&all);
}

static const struct gn_member icon_members[] = {
    ICON("src", gn_members_read_name, src),
    ICON("mimeType", gn_members_read_name, mime_type),
    ICON("sizes", read_sizes, sizes),
    ICON("theme", gn_members_read_name, theme),
    {0},
};

static void check_icon(struct gn_members *r, const struct gn_icon *icon)
{
    if (!icon->src || !(gn_starts_with(icon->src, "https:") || gn_starts_with(icon->src, "http:") ||
                        gn_starts_with(icon->src, "data:")))
        gn_members_wrong(r, "src must be an https: or data: URI");
    if (icon->theme && !gn_streq(icon->theme, "light") && !gn_streq(icon->theme, "dark"))
        gn_members_wrong(r, "theme must be light or dark");
}

static void read_icons(struct gn_members *r, const json_t *value, void *base,
                       const struct gn_member *m)
{
    struct gn_from *from = base;
    size_t i;
    const json_t *icon;
    (void)m;
    if (!json_is_null(value) && (!json_is_array(value) || json_array_size(value) > LIST_MAX)) {
        gn_members_wrong(r, "must be a list of at most %d icons, but is %s", LIST_MAX,
                         gn_members_kind(value));
        return;
    }
    from->icons = gn_calloc(json_array_size(value) + 1, sizeof *from->icons);
    json_array_foreach(value, i, icon)
    {
        struct gn_icon *read = &from->icons[from->icon_count++];
        size_t before = r->path.len, problems = r->count;
        gn_buf_addf(&r->path, "[%zu]", i);
        gn_members_read(r, icon, icon_members, read);
        if (r->count == problems)
            check_icon(r, read);
        gn_members_leave(r, before);
    }
}

/* ---------------------------------------------------------------- the whole */

static void read_output_schema(struct gn_members *r, const json_t *value, void *base,
                               const struct gn_member *m)
{
    if (!json_is_object(value) || is_schema(r, value, true))
        gn_members_read_object(r, value, base, m);
}

/* As MCP has it. What clients may refuse all the same is told when it is made. */
static void read_tool_name(struct gn_members *r, const json_t *value, void *base,
                           const struct gn_member *m)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
    const char *name = json_string_value(value);
    if (name && *name && (strlen(name) > NAME_LEN || name[strspn(name, allowed)]))
        gn_members_wrong(r, "must be 1 to %d of A-Z a-z 0-9 _ - .", NAME_LEN);
    else
        gn_members_read_name(r, value, base, m);
}

static const struct gn_member members[] = {
    FROM("name", read_tool_name, name),
    FROM("version", gn_members_read_text, version),
    FROM("title", gn_members_read_text, title),
    FROM("description", gn_members_read_text, description),
    FROM("tags", read_tags, tags),
    FROM("meta", gn_members_read_object, meta),
    FROM("enabled", read_enabled, enabled),
    FROM("arguments", read_arguments, args),
    FROM("annotations", read_annotations, read_only),
    FROM("output_schema", read_output_schema, output_schema),
    FROM("icons", read_icons, icons),
    FROM("keep", gn_members_read_flag, keep),
    {0},
};

/* Behind "argument NAME: ", if that is how it begins; else NULL. */
static const char *behind_name(const struct gn_from_arg *arg, const char *text)
{
    static const char word[] = "argument ";
    size_t len = strlen(arg->arg);
    if (!gn_starts_with(text, word))
        return NULL;
    text += strlen(word);
    return gn_starts_with(text, arg->arg) && gn_starts_with(text + len, ": ") ? text + len + 2
                                                                              : NULL;
}

/* Each problem of one argument goes where it stands. */
static bool check_argument(struct gn_members *r, struct gn_from_arg *arg)
{
    struct gn_from alone = {.args = arg, .arg_count = 1};
    struct gn_error err = {0};
    if (!gn_from_check(&alone, &err))
        return true;
    size_t before = gn_members_enter(r, "arguments");
    gn_members_enter(r, arg->arg);
    for (const char *at = err.text; *at;) {
        const char *end = at, *text = behind_name(arg, at);
        do
            end = strstr(end + 1, "; ");
        while (end && !behind_name(arg, end + 2));
        text = text ? text : at;
        gn_members_wrong(r, "%.*s", (int)(end ? end - text : (ptrdiff_t)strlen(text)), text);
        at = end ? end + 2 : "";
    }
    gn_members_leave(r, before);
    return false;
}

/* What the whole says besides is told once its arguments are right. */
static void check(struct gn_members *r, const struct gn_from *from)
{
    struct gn_error err = {0};
    bool right = true;
    for (size_t i = 0; i < from->arg_count; i++)
        right = check_argument(r, &from->args[i]) && right;
    if (right && gn_from_check(from, &err))
        gn_members_wrong(r, "%s", err.text);
}

struct gn_from *gn_from_read_each(const json_t *config, gn_from_problem_fn problem, void *arg)
{
    struct gn_members r = {.fn = problem, .arg = arg};
    struct gn_from *from = gn_from_new();
    gn_buf_init(&r.path, GN_MEMBERS_PATH);
    gn_members_read(&r, config, members, from);
    check(&r, from);
    gn_buf_release(&r.path);
    if (r.count == 0)
        return from;
    gn_from_free(from);
    return NULL;
}

static void collect(void *arg, const char *path, const char *text)
{
    struct gn_buf *all = arg;
    gn_buf_addf(all, "%s%s%s%s", all->len ? "; " : "", path, *path ? ": " : "", text);
}

int gn_from_read(const json_t *config, struct gn_from **ret, struct gn_error *err)
{
    struct gn_buf all = GN_BUF_INIT(64u << 10);
    *ret = gn_from_read_each(config, collect, &all);
    int rc = *ret ? GN_OK : gn_error_set(err, GN_EINVAL, "%s", gn_buf_str(&all));
    gn_buf_release(&all);
    return rc;
}
