/* check.c - arguments before a handler runs, and structured output after it, against the schemas of
 * their component. */
#include "call/internal.h"
#include "call/lines.h"
#include "util/str.h"
#include "json/object.h"

#include <string.h>

#define TOLD_LINES 5 /* of what does not fit, in the log */

/* ---------------------------------------------------------------- arguments */

/* Arguments on their way from the client to the code that takes them. */
struct binding {
    struct gn_call *call;
    const struct gn_component *outer; /* as whoever gave them knows them */
    const struct gn_component *at;    /* as this one knows them */
    const gantry_json *arguments;
    bool is_inner;     /* not those that were given any more */
    bool is_raw;       /* by the names of the parent, and that is how it is told of them */
    bool is_forwarded; /* given by the function around a tool, and not all that `outer` has */
    struct gn_problems problems;
    struct gn_error err;
};

static const gantry_json no_arguments = {.type = GN_JSON_OBJECT, .skip = 1};

/* On the wire the arguments of prompts and the variables of URIs are texts, whatever they mean. */
static uint32_t coercion(const struct gn_call *call, const struct gn_component *c)
{
    if (c->kind != GN_TOOL)
        return GN_COERCE_NULLS | GN_COERCE_TEXT | GN_COERCE_ALL;
    if (call->env->strict_input || (c->flags & GANTRY_STRICT_INPUT))
        return 0;
    return GN_COERCE_NULLS | GN_COERCE_TEXT;
}

static int bind_table(struct binding *b, const struct gn_fields *fields,
                      const gantry_json *arguments)
{
    struct gn_call *call = b->call;
    size_t size = GN_MAX(fields->struct_size, 1u);
    call->in = gn_arena_alloc(&call->arena, size);
    return call->in ? gn_fields_bind(fields, arguments, coercion(call, b->at), &call->arena,
                                     call->in, &b->problems)
                    : GN_ETOOBIG;
}

/* Most arguments fit as they are; what does not is coerced, and then the handler sees that. */
static int check_document(struct binding *b)
{
    const struct gn_schema *schema = b->at->input_schema;
    const gantry_json *value = b->arguments ? b->arguments : &no_arguments;
    uint32_t flags = coercion(b->call, b->at);
    int rc = gn_schema_validate(schema, value, 0, NULL);
    if (rc == GN_ETOOBIG)
        gn_problems_add(&b->problems, "",
                        "the arguments take too many steps to check, or are nested too deep");
    if (rc != GN_EINVAL)
        return rc;
    if (flags) {
        value = gn_schema_coerce(schema, value, flags, &b->call->arena, NULL);
        if (!value)
            return GN_ETOOBIG;
        b->arguments = value;
        if (!b->is_inner)
            b->call->arguments = value;
    }
    return gn_schema_validate(schema, value, 0, &b->problems);
}

/* ---------------------------------------------------------------- of tools made from tools */

static bool has_null(const gantry_json *arguments)
{
    if (gn_json_type(arguments) != GN_JSON_OBJECT)
        return false;
    const gantry_json *value = arguments + 2; /* behind the first name */
    for (uint32_t i = 0; i < arguments->len; i++, value += value->skip + 1) {
        if (value->type == GN_JSON_NULL)
            return true;
    }
    return false;
}

/* Defaults take the place of what is missing, and null may count as missing: only the schema, on
 * which coercion goes by, tells. */
static bool is_checked(const struct binding *b)
{
    const struct gn_made *made = b->at->made;
    return b->at->input_schema && (made->checks || made->is_around || has_null(b->arguments));
}

/* The rows of a function are some of its arguments. */
static int bind_function(struct binding *b)
{
    const struct gn_component *own = b->at->own;
    const struct gn_fields *fields = own ? own->input : NULL;
    const gantry_json *given = b->arguments ? b->arguments : &no_arguments;
    struct gn_json_object o;
    if (!fields || !fields->count)
        return GN_OK;
    int rc = gn_json_object_begin(&o, &b->call->arena, given->skip, 0);
    if (rc)
        return rc;
    for (const gantry_json *v = NULL; (v = gn_json_next(given, v)) != NULL;) {
        size_t len;
        const char *name = gn_json_name(v, &len);
        const struct gn_field *f = gn_fields_find(fields, name);
        if (f && strlen(f->name) == len)
            gn_json_object_add(&o, name, len, v);
    }
    return bind_table(b, fields, gn_json_object_end(&o));
}

static int bind_all(struct binding *b)
{
    const struct gn_component *c = b->at;
    for (; c->parent && c->kind == GN_TOOL; b->at = c = c->parent) {
        if (!c->made)
            continue;
        int rc = is_checked(b) ? check_document(b) : GN_OK;
        if (rc || c->made->is_around)
            return rc ? rc : bind_function(b);
        const gantry_json *before = b->arguments;
        rc = gn_made_map(b->call, c, before, &b->arguments, &b->err);
        if (rc)
            return rc;
        b->is_inner = b->is_inner || b->arguments != before;
    }
    return c->input          ? bind_table(b, c->input, b->arguments)
           : c->input_schema ? check_document(b)
                             : GN_OK;
}

/* ---------------------------------------------------------------- what does not fit, in words */

/* As the argument that `at` knows by this name is known outside; NULL: it cannot be given. */
static const char *outer_name(const struct binding *b, const char *name)
{
    for (const struct gn_component *at = b->at; name && at != b->outer;) {
        const struct gn_component *c = b->outer;
        while (c->parent != at)
            c = c->parent;
        for (size_t i = 0; c->made && i < c->made->count; i++) {
            const struct gn_made_arg *a = &c->made->v[i];
            if (gn_streq(a->parent_name, name)) {
                name = a->name;
                break;
            }
        }
        at = c;
    }
    return name;
}

/* The argument that the line of a problem is about, "/name/0: ..."; behind it is line[*ret_at].
 * False: it is about all of them, or the name is too long. */
static bool name_in(const char *line, size_t len, char inner[512], size_t *ret_at)
{
    size_t n = 0, at = 1;
    if (len == 0 || line[0] != '/')
        return false;
    for (; at < len && line[at] != '/' && line[at] != ':'; at++) {
        bool is_escape = line[at] == '~' && at + 1 < len;
        if (n + 1 >= 512)
            return false;
        inner[n++] = !is_escape ? line[at] : line[++at] == '1' ? '/' : '~';
    }
    inner[n] = '\0';
    *ret_at = at;
    return true;
}

/* As far as the line shows no values. */
static size_t without_values(const char *line, size_t len)
{
    static const char *const before_values[] = {", got ", " are both "};
    for (size_t i = 0; i < GN_COUNT(before_values); i++) {
        const char *cut = memmem(line, len, before_values[i], strlen(before_values[i]));
        len = cut ? (size_t)(cut - line) : len;
    }
    return len;
}

/* A line about all arguments ("missing \"limit\"") with names as they are known outside. False: it
 * names one that is not. */
static bool reword_names(const struct binding *b, const char *line, size_t len, struct gn_buf *out)
{
    char inner[512];
    for (size_t i = 0, end; i < len; i = end) {
        const char *quote = memchr(line + i, '"', len - i);
        size_t at = quote ? (size_t)(quote - line) + 1 : len;
        gn_buf_add(out, line + i, at - i);
        for (end = at; end < len && line[end] != '"'; end++)
            end += line[end] == '\\' && end + 1 < len;
        if (end == len || end - at >= sizeof inner) {
            gn_buf_add(out, line + at, end - at);
            continue;
        }
        memcpy(inner, line + at, end - at);
        inner[end - at] = '\0';
        const char *name = outer_name(b, inner);
        if (!name)
            return false;
        gn_buf_addf(out, "%s\"", b->is_raw ? inner : name);
        end++;
    }
    return true;
}

/* The name that it is about is put as it is known outside. False: it is not, or the line is about
 * all of them. */
static bool reword(const struct binding *b, const char *line, size_t len, struct gn_buf *out)
{
    char inner[512];
    size_t at;
    gn_buf_adds(out, out->len ? "\n" : "");
    if (len == 0 || line[0] != '/') /* without values: of hidden arguments too */
        return b->is_forwarded && reword_names(b, line, without_values(line, len), out);
    const char *name = name_in(line, len, inner, &at) ? outer_name(b, inner) : NULL;
    if (!name)
        return false;
    name = b->is_raw ? inner : name;
    gn_buf_adds(out, "/");
    for (; *name; name++)
        gn_buf_adds(out, *name == '/' ? "~1" : *name == '~' ? "~0" : (const char[]){*name, '\0'});
    gn_buf_add(out, line + at, len - at);
    return true;
}

/* For the log, which is not to have what is hidden from clients: it may be a secret. */
static void add_unseen(const struct binding *b, const char *line, size_t len, struct gn_buf *out)
{
    char inner[512];
    size_t at = 0;
    bool is_seen = len > 0 && line[0] == '/' && name_in(line, len, inner, &at) &&
                   outer_name(b, inner);
    size_t kept = is_seen ? len : without_values(line, len);
    gn_buf_adds(out, out->len ? "\n" : "");
    gn_buf_add(out, line, kept);
}

/* A tool that was made lets through what its parent does not: about arguments that the client has
 * given it is told. False: it is about others. */
static bool reword_all(const struct binding *b, struct gn_buf *out)
{
    const char *line = gn_buf_str(&b->problems.text);
    while (*line) {
        size_t len = strcspn(line, "\n");
        if (!reword(b, line, len, out))
            return false;
        line += len + (line[len] == '\n');
    }
    return out->len > 0;
}

/* The words of the outermost schema for arguments that something further in did not take. */
static bool explain_by_schema(struct binding *b, struct gn_problems *problems)
{
    const struct gn_component *c = b->outer;
    const gantry_json *value = b->call->arguments ? b->call->arguments : &no_arguments;
    const struct gn_schema *schema = c->input ? c->input->schema : c->input_schema;
    return schema && !b->is_forwarded &&
           gn_schema_validate(schema, value, 0, problems) == GN_EINVAL;
}

static enum gn_outcome tell(struct gn_call *call, const char *words)
{
    const char *told = *words ? gn_arena_format(&call->arena, "%s", words) : NULL;
    /* What filled the call's memory leaves no room for words. */
    call->failure = told ? told : "the arguments take more memory than a call may use";
    return GN_OUT_INVALID;
}

static enum gn_outcome blame_tool(struct binding *b)
{
    struct gn_call *call = b->call;
    struct gn_buf words = GN_BUF_INIT(b->problems.text.len + sizeof b->err.text);
    const char *line = b->err.code ? b->err.text : gn_buf_str(&b->problems.text);
    while (*line) {
        size_t len = strcspn(line, "\n");
        add_unseen(b, line, len, &words);
        line += len + (line[len] == '\n');
    }
    const char *why = gn_arena_format(&call->arena,
                                      "the arguments that tool %.128s makes for %.128s: %s",
                                      b->outer->name, b->at->name, gn_buf_str(&words));
    gn_buf_release(&words);
    return gn_call_fail_by_accident(call, gn_call_label(call), why ? why : "they do not fit");
}

static enum gn_outcome explain(struct binding *b, int rc)
{
    struct gn_call *call = b->call;
    if (rc == GN_ENOENT)
        return blame_tool(b);
    if (rc != GN_EINVAL || (!b->is_inner && !b->err.code))
        return tell(call, gn_buf_str(&b->problems.text));
    struct gn_problems outer;
    struct gn_buf words = GN_BUF_INIT(b->problems.text.len * 2 + 4096);
    enum gn_outcome outcome = GN_OUT_INVALID;
    gn_problems_init(&outer);
    if (explain_by_schema(b, &outer))
        tell(call, gn_buf_str(&outer.text));
    else if (b->err.code)
        tell(call, b->err.text);
    else if (reword_all(b, &words))
        tell(call, gn_buf_str(&words));
    else
        outcome = blame_tool(b);
    gn_buf_release(&words);
    gn_problems_release(&outer);
    return outcome;
}

static void begin(struct binding *b, struct gn_call *call, const struct gn_component *outer,
                  const gantry_json *arguments)
{
    b->call = call;
    b->outer = b->at = outer;
    b->arguments = arguments;
    b->is_inner = b->is_forwarded = b->is_raw = false;
    b->err.code = 0;
    b->err.text[0] = '\0';
    gn_problems_init(&b->problems);
    call->in = NULL;
}

static bool end(struct binding *b, int rc, enum gn_outcome *ret_outcome)
{
    b->call->bound.inner = b->arguments;
    if (rc) {
        *ret_outcome = explain(b, rc);
        b->call->failed = true;
    }
    gn_problems_release(&b->problems);
    return rc == 0;
}

bool gn_call_bind(struct gn_call *call, enum gn_outcome *ret_outcome)
{
    struct binding b;
    begin(&b, call, call->component, call->arguments);
    return end(&b, bind_all(&b), ret_outcome);
}

bool gn_call_bind_parent(struct gn_call *call, const struct gn_component *around,
                         const gantry_json *arguments, bool is_raw, enum gn_outcome *ret_outcome)
{
    struct binding b;
    begin(&b, call, around, arguments);
    int rc = is_raw ? GN_OK : gn_made_map(call, around, arguments, &b.arguments, &b.err);
    b.is_inner = b.is_forwarded = true;
    b.is_raw = is_raw;
    if (!rc) {
        b.at = around->parent;
        rc = bind_all(&b);
    }
    return end(&b, rc, ret_outcome);
}

/* ---------------------------------------------------------------- structured output */

static enum gn_output_check output_check(const struct gn_call *call)
{
    const struct gn_component *c = call->component;
    if (!c || c->kind != GN_TOOL || call->is_completion || !c->output_text ||
        (c->flags & GANTRY_OUTPUT_UNCHECKED))
        return GN_OUTPUT_OFF;
    return c->flags & GANTRY_OUTPUT_STRICT ? GN_OUTPUT_STRICT : call->env->output_check;
}

/* What of the output goes against what the tool promises, in words if problems is given. */
static int check_output(struct gn_call *call, struct gn_problems *problems)
{
    const struct gn_component *c = call->component;
    const struct gn_result *r = &call->result;
    struct gn_json_doc doc;
    struct gn_error err = {0};
    if (!r->structured)
        return GN_EINVAL;
    int rc = gn_json_parse_copy(&doc, r->structured, r->structured_len, NULL, &err);
    if (rc) {
        gn_problems_add(problems, "", "it cannot be checked: %s", err.text);
        return rc;
    }
    rc = gn_schema_validate(c->output ? c->output->schema : c->output_schema, gn_json_root(&doc), 0,
                            problems);
    gn_json_release(&doc);
    return rc;
}

/* Problems come one a line; a log has one line for the first of them. */
static const char *in_one_line(struct gn_call *call, const struct gn_problems *problems)
{
    if (!call->result.structured)
        return "it has an output schema but returned no structured output";
    struct gn_buf text = GN_BUF_INIT(4096);
    const char *p = gn_buf_str(&problems->text);
    uint32_t lines = 0;
    for (; *p && lines < TOLD_LINES; lines++) {
        size_t len = strcspn(p, "\n");
        gn_buf_adds(&text, lines ? "; " : "");
        gn_buf_add(&text, p, len);
        p += len + (p[len] == '\n');
    }
    if (problems->count > lines)
        gn_buf_addf(&text, "; and %u more", problems->count - lines);
    const char *kept = gn_arena_format(
        &call->arena, "its structured output does not fit its schema: %s", gn_buf_str(&text));
    gn_buf_release(&text);
    return kept ? kept : "its structured output does not fit its schema";
}

/* 1, 10, 100, ... */
static bool is_round(uint32_t n)
{
    while (n >= 10 && n % 10 == 0)
        n /= 10;
    return n == 1;
}

const char *gn_call_check_output(struct gn_call *call)
{
    enum gn_output_check mode = output_check(call);
    if (mode == GN_OUTPUT_OFF || check_output(call, NULL) == 0)
        return NULL;
    struct gn_component *c = call->component;
    struct gn_log *log = call->env->log;
    uint32_t times = c->misfits = c->misfits == UINT32_MAX ? UINT32_MAX : c->misfits + 1;
    enum gn_level level = is_round(times) ? GN_WARNING : GN_DEBUG;
    if (mode == GN_OUTPUT_WARN && (!log || level < log->level))
        return NULL;
    struct gn_problems problems;
    gn_problems_init(&problems);
    check_output(call, &problems);
    const char *text = in_one_line(call, &problems);
    gn_problems_release(&problems);
    if (mode == GN_OUTPUT_STRICT)
        return text;
    if (times > 1)
        gn_call_note(call, level, "%s: %s (%u results did not, up to now)", gn_call_label(call),
                     text, times);
    else
        gn_call_note(call, level, "%s: %s", gn_call_label(call), text);
    return NULL;
}
