/* yaml.c - from libyaml's events to a tree with line numbers. */
#include "config/yaml.h"

#include "util/alloc.h"
#include "util/map.h"
#include "util/str.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define KEY_MAX 256     /* bytes of a key */
#define PATH_MAX_ 1024  /* bytes of a key's whole name in messages */
#define TEXT_MAX 262144 /* bytes of one text once variables are replaced */

/* One collection that is not closed yet. */
struct level {
    struct gn_yaml *node;
    struct gn_map seen; /* MAP: keys so far */
    const char *key;    /* MAP: the key whose value comes next */
    int key_line;
};

struct reader {
    struct gn_arena *arena;
    struct gn_yaml_report *report;
    struct gn_yaml *root;
    struct level levels[GN_YAML_DEPTH];
    size_t depth, nodes, documents;
};

static int line_of(yaml_mark_t mark)
{
    return mark.line < INT32_MAX ? (int)mark.line + 1 : INT32_MAX;
}

static int too_big(struct reader *r, int line)
{
    gn_yaml_problem(r->report, line, NULL, "the file holds too much");
    return GN_ETOOBIG;
}

/* Hangs a new node below what is open. NULL once it is over a limit. */
static struct gn_yaml *add_node(struct reader *r, enum gn_yaml_kind kind, int line)
{
    struct gn_yaml *node = gn_arena_calloc(r->arena, sizeof(*node));
    if (!node || ++r->nodes > GN_YAML_NODES) {
        too_big(r, line);
        return NULL;
    }
    node->kind = kind;
    node->line = line;
    node->text = "";
    node->end = &node->first;
    if (r->depth == 0) {
        r->root = node;
        return node;
    }
    struct level *level = &r->levels[r->depth - 1];
    if (level->node->kind == GN_YAML_MAP) {
        node->name = level->key;
        node->line = level->key_line;
        level->key = NULL;
    }
    *level->node->end = node;
    level->node->end = &node->next;
    level->node->count++;
    return node;
}

static int read_key(struct reader *r, const char *text, size_t len, int line)
{
    struct level *level = &r->levels[r->depth - 1];
    if (len == 0 || len > KEY_MAX || memchr(text, '\0', len)) {
        gn_yaml_problem(r->report, line, NULL, "a key has 1 to %d characters", KEY_MAX);
        return GN_EINVAL;
    }
    level->key = gn_arena_strndup(r->arena, text, len);
    if (!level->key)
        return too_big(r, line);
    level->key_line = line;
    int *first = gn_map_findn(&level->seen, text, len);
    if (first) {
        gn_yaml_problem(r->report, line, level->key, "stands here twice, first in line %d", *first);
        return 0; /* reported; what else is wrong is worth knowing, too */
    }
    int *here = gn_arena_alloc(r->arena, sizeof(*here));
    if (!here)
        return too_big(r, line);
    *here = line;
    gn_map_putn(&level->seen, text, len, here);
    return 0;
}

static bool expects_key(const struct reader *r)
{
    return r->depth > 0 && r->levels[r->depth - 1].node->kind == GN_YAML_MAP &&
           !r->levels[r->depth - 1].key;
}

/* The whole name of a node just added, as messages have it: "http.allowed_hosts[0]". */
static void write_path(const struct reader *r, const struct gn_yaml *node, struct gn_buf *path)
{
    for (size_t i = 1; i <= r->depth; i++) {
        const struct gn_yaml *step = i < r->depth ? r->levels[i].node : node;
        if (step->name)
            gn_buf_addf(path, "%s%s", path->len ? "." : "", step->name);
        else
            gn_buf_addf(path, "[%zu]", r->levels[i - 1].node->count - 1);
    }
}

static int read_scalar(struct reader *r, const yaml_event_t *e)
{
    const char *text = (const char *)e->data.scalar.value;
    size_t len = e->data.scalar.length;
    int line = line_of(e->start_mark);
    if (expects_key(r))
        return read_key(r, text, len, line);
    struct gn_yaml *node = add_node(r, GN_YAML_TEXT, line);
    if (!node)
        return GN_ETOOBIG;
    if (memchr(text, '\0', len)) {
        struct gn_buf path = GN_BUF_INIT(PATH_MAX_);
        write_path(r, node, &path);
        gn_yaml_problem(r->report, line, gn_buf_str(&path), "must not contain the character NUL");
        gn_buf_release(&path);
        return GN_EINVAL;
    }
    node->text = gn_arena_strndup(r->arena, text, len);
    if (!node->text)
        return too_big(r, line);
    node->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return 0;
}

static int open_level(struct reader *r, enum gn_yaml_kind kind, int line)
{
    if (expects_key(r)) {
        gn_yaml_problem(r->report, line, NULL, "a key must be plain text");
        return GN_EINVAL;
    }
    if (r->depth == GN_YAML_DEPTH) {
        gn_yaml_problem(r->report, line, NULL, "nested deeper than %d levels", GN_YAML_DEPTH);
        return GN_ETOOBIG;
    }
    struct gn_yaml *node = add_node(r, kind, line);
    if (!node)
        return GN_ETOOBIG;
    struct level *level = &r->levels[r->depth++];
    *level = (struct level){.node = node};
    gn_map_init(&level->seen);
    return 0;
}

static void close_level(struct reader *r)
{
    gn_map_release(&r->levels[--r->depth].seen, NULL);
}

static int refuse(struct reader *r, const yaml_event_t *e, const char *what)
{
    gn_yaml_problem(r->report, line_of(e->start_mark), NULL, "%s are not supported here", what);
    return GN_ENOTSUP;
}

static int read_event(struct reader *r, const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (++r->documents > 1)
            return refuse(r, e, "several documents in one file");
        return 0;
    case YAML_ALIAS_EVENT:
        return refuse(r, e, "aliases (*name)");
    case YAML_SCALAR_EVENT:
        if (e->data.scalar.anchor)
            return refuse(r, e, "anchors (&name)");
        if (e->data.scalar.tag)
            return refuse(r, e, "tags (!name)");
        return read_scalar(r, e);
    case YAML_SEQUENCE_START_EVENT:
        if (e->data.sequence_start.anchor)
            return refuse(r, e, "anchors (&name)");
        if (e->data.sequence_start.tag)
            return refuse(r, e, "tags (!name)");
        return open_level(r, GN_YAML_LIST, line_of(e->start_mark));
    case YAML_MAPPING_START_EVENT:
        if (e->data.mapping_start.anchor)
            return refuse(r, e, "anchors (&name)");
        if (e->data.mapping_start.tag)
            return refuse(r, e, "tags (!name)");
        return open_level(r, GN_YAML_MAP, line_of(e->start_mark));
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        close_level(r);
        return 0;
    default:
        return 0;
    }
}

static void report_syntax(struct reader *r, const yaml_parser_t *parser)
{
    const char *problem = parser->problem ? parser->problem : "not YAML";
    if (parser->error == YAML_READER_ERROR) {
        /* The reader counts bytes only. */
        gn_yaml_problem(r->report, line_of(parser->mark), NULL, "%s (at byte %zu)", problem,
                        parser->problem_offset);
        return;
    }
    int line = line_of(parser->problem_mark), column = (int)(parser->problem_mark.column % 100000);
    if (parser->context && parser->context_mark.line != parser->problem_mark.line) {
        gn_yaml_problem(r->report, line, NULL, "column %d: %s (%s from line %d on)", column + 1,
                        problem, parser->context, line_of(parser->context_mark));
        return;
    }
    gn_yaml_problem(r->report, line, NULL, "column %d: %s%s%s", column + 1, problem,
                    parser->context ? " " : "", parser->context ? parser->context : "");
}

/* A number as JSON writes it: no leading zero or plus, which in a file are more often part of a
 * text (a telephone number, a version) than of a number. */
static bool is_number(const char *s, bool *ret_integer)
{
    s += *s == '-';
    if (*s < '0' || *s > '9' || (s[0] == '0' && s[1] >= '0' && s[1] <= '9'))
        return false;
    s += strspn(s, "0123456789");
    *ret_integer = *s == '\0';
    if (*s == '.') {
        size_t digits = strspn(++s, "0123456789");
        if (digits == 0)
            return false;
        s += digits;
    }
    if (*s == 'e' || *s == 'E') {
        s++;
        s += *s == '-' || *s == '+';
        size_t digits = strspn(s, "0123456789");
        if (digits == 0)
            return false;
        s += digits;
    }
    return *s == '\0';
}

/* YAML's core schema has each of its words in three cases. */
static bool is_word(const char *s, const char *lower)
{
    return gn_strcaseeq(s, lower) && (gn_streq(s + 1, lower + 1) || !strpbrk(s, lower));
}

static json_t *text_to_json(const struct gn_yaml *node)
{
    const char *s = node->text;
    bool integer;
    int64_t whole;
    if (gn_yaml_is_null(node))
        return json_null();
    if (!node->quoted && (is_word(s, "true") || is_word(s, "false")))
        return json_boolean(is_word(s, "true"));
    if (!node->quoted && is_number(s, &integer)) {
        if (integer && gn_parse_int64(s, &whole))
            return json_integer(whole);
        double real = strtod(s, NULL);
        if (isfinite(real))
            return json_real(real);
    }
    return json_string(s);
}

/* ${VAR} or ${VAR:-default} at *at, just behind the "${". */
static void expand_one(const struct gn_yaml *node, const char **at, struct gn_buf *out,
                       const char *path, struct gn_yaml_report *report)
{
    const char *start = *at, *end = strchr(start, '}');
    if (!end) {
        gn_yaml_problem(report, node->line, path,
                        "\"${\" without \"}\" (write $${ for a plain ${)");
        *at = start + strlen(start);
        return;
    }
    *at = end + 1;
    size_t len = 0;
    while ((start[len] >= 'A' && start[len] <= 'Z') || (start[len] >= 'a' && start[len] <= 'z') ||
           (len > 0 && start[len] >= '0' && start[len] <= '9') || start[len] == '_')
        len++;
    const char *fallback = start + len;
    bool has_fallback = gn_starts_with(fallback, ":-");
    if (len == 0 || len > KEY_MAX || !(fallback == end || has_fallback)) {
        gn_yaml_problem(report, node->line, path,
                        "\"${%.*s}\" is not ${NAME} or ${NAME:-default} (write $${ for a plain ${)",
                        (int)GN_MIN(end - start, (ptrdiff_t)60), start);
        return;
    }
    char name[KEY_MAX + 1];
    memcpy(name, start, len);
    name[len] = '\0';
    const char *value = getenv(name);
    if (value && (*value || !has_fallback)) {
        size_t value_len = strlen(value);
        if (gn_utf8_valid(value, value_len))
            gn_buf_add(out, value, value_len);
        else
            gn_yaml_problem(report, node->line, path, "the environment variable %s is not UTF-8",
                            name);
    } else if (has_fallback) {
        gn_buf_add(out, fallback + 2, (size_t)(end - fallback) - 2);
    } else {
        gn_yaml_problem(report, node->line, path,
                        "the environment variable %s is not set (${%s:-default} gives a default)",
                        name, name);
    }
}

static void expand_text(struct gn_arena *arena, struct gn_yaml *node, const char *path,
                        struct gn_yaml_report *report)
{
    if (!strstr(node->text, "${"))
        return;
    struct gn_buf out = GN_BUF_INIT(TEXT_MAX);
    size_t told = report->problems->len;
    for (const char *at = node->text; *at;) {
        if (gn_starts_with(at, "$${")) {
            gn_buf_adds(&out, "${");
            at += 3;
        } else if (gn_starts_with(at, "${")) {
            at += 2;
            expand_one(node, &at, &out, path, report);
        } else {
            gn_buf_addc(&out, *at++);
        }
    }
    const char *text = out.overflow ? NULL : gn_arena_strdup(arena, gn_buf_str(&out));
    if (text)
        node->text = text;
    else
        gn_yaml_problem(report, node->line, path, "is too long with its variables replaced");
    node->failed = report->problems->len != told;
    gn_buf_release(&out);
}

/* path holds the name of node; it is longer only while children are looked at. */
static void expand_node(struct gn_arena *arena, struct gn_yaml *node, struct gn_buf *path,
                        struct gn_yaml_report *report)
{
    if (node->kind == GN_YAML_TEXT) {
        expand_text(arena, node, gn_buf_str(path), report);
        return;
    }
    size_t len = path->len, index = 0;
    for (struct gn_yaml *child = node->first; child; child = child->next) {
        if (child->name)
            gn_buf_addf(path, "%s%s", len ? "." : "", child->name);
        else
            gn_buf_addf(path, "[%zu]", index);
        expand_node(arena, child, path, report);
        gn_buf_cut(path, len);
        path->overflow = false; /* a name too long is cut in messages, nothing else */
        index++;
    }
}

void gn_yaml_problem(struct gn_yaml_report *r, int line, const char *key, const char *fmt, ...)
{
    struct gn_buf text = GN_BUF_INIT(4096);
    va_list ap;
    va_start(ap, fmt);
    gn_buf_vaddf(&text, fmt, ap);
    va_end(ap);
    r->count++;
    if (r->file)
        gn_buf_addf(r->problems, line > 0 ? "%s:%d: " : "%s: ", r->file, line);
    gn_buf_addf(r->problems, "%s%s%s\n", key ? key : "", key && *key ? ": " : "",
                gn_buf_str(&text));
    gn_buf_release(&text);
}

struct gn_yaml *gn_yaml_parse(struct gn_arena *arena, const char *text, size_t len,
                              struct gn_yaml_report *report)
{
    struct reader *r = gn_calloc(1, sizeof(*r));
    r->arena = arena;
    r->report = report;
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        gn_yaml_problem(report, 0, NULL, "out of memory");
        gn_free(r);
        return NULL;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    for (bool done = false; !done;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            report_syntax(r, &parser);
            break;
        }
        done = read_event(r, &event) != 0 || event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    while (r->depth > 0)
        close_level(r);
    yaml_parser_delete(&parser);
    struct gn_yaml *root = r->root;
    gn_free(r);
    return root;
}

void gn_yaml_expand(struct gn_arena *arena, struct gn_yaml *node, struct gn_yaml_report *report)
{
    struct gn_buf path = GN_BUF_INIT(PATH_MAX_);
    if (node)
        expand_node(arena, node, &path, report);
    gn_buf_release(&path);
}

bool gn_yaml_is_null(const struct gn_yaml *node)
{
    return node->kind == GN_YAML_TEXT && !node->quoted &&
           (!*node->text || gn_streq(node->text, "~") || is_word(node->text, "null"));
}

json_t *gn_yaml_to_json(const struct gn_yaml *node)
{
    if (node->kind == GN_YAML_TEXT)
        return text_to_json(node);
    json_t *json = node->kind == GN_YAML_MAP ? json_object() : json_array();
    for (const struct gn_yaml *child = node->first; child; child = child->next) {
        if (child->name)
            json_object_set_new(json, child->name, gn_yaml_to_json(child));
        else
            json_array_append_new(json, gn_yaml_to_json(child));
    }
    return json;
}
