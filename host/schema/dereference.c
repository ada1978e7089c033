/* dereference.c - a schema without references, for clients that cannot follow them.
 *
 * The schema is written again, keyword by keyword, with what a reference names in its place. Beside
 * a reference mostly stand annotations (a description): they win over those of what it names. Where
 * keywords that check stand beside it, both hold, so both go into allOf. What the compiler never
 * looked at (`then` without `if`) has no effect and is left out.
 */
#include "schema/compile.h"
#include "schema/run.h"
#include "util/str.h"

#include <string.h>

#define DEPTH_MAX (GN_JW_DEPTH - 8)
#define AROUND_MAX                                                                                 \
    500 /* schemas within each other: a chain of references is no depth of the text */

/* The nodes around the one being written: what leads back to one of them is a cycle. */
struct around {
    const struct gn_node *node;
    const struct around *up;
};

/* Schemas whose annotations win, innermost first. */
struct over {
    const gantry_json *schema;
    const struct over *next;
};

struct writer {
    const struct gn_schema *s;
    struct gn_jw w;
    const struct around *around;
    uint32_t around_count;
    bool full, refused; /* too large; of several dialects, or with a name that cannot be written */
};

static void write_schema(struct writer *x, const char *name, const gantry_json *place,
                         const struct over *over);

static bool is_annotation(const struct gn_vocabulary *v, const char *name)
{
    int i = gn_keyword_index(v, name, strlen(name));
    return i < 0 || gn_keywords[i].vocabulary == GN_VOCAB_META_DATA;
}

/* What has no meaning, or another one, once references are gone. */
static bool is_identity(const char *name)
{
    static const char *const names[] = {
        "$ref",         "$dynamicRef", "$recursiveRef", "$defs",          "$id",
        "$anchor",      "$vocabulary", "definitions",   "$dynamicAnchor", "$recursiveAnchor",
        "contentSchema"};
    for (size_t i = 0; i < GN_COUNT(names); i++) {
        if (gn_streq(names[i], name))
            return true;
    }
    return false;
}

/* A name with U+0000 would be cut: such a schema is not written. */
static const char *name_of(struct writer *x, const gantry_json *member)
{
    size_t len = 0;
    const char *name = gn_json_name(member, &len);
    x->refused = x->refused || strlen(name) != len;
    return name;
}

static bool is_hidden(const struct over *over, const char *name)
{
    for (; over; over = over->next) {
        if (gn_json_get(over->schema, name))
            return true;
    }
    return false;
}

static void write_list(struct writer *x, const gantry_json *list)
{
    for (const gantry_json *e = NULL; (e = gn_json_next(list, e)) != NULL;)
        write_schema(x, NULL, e, NULL);
}

static void write_map(struct writer *x, const char *name, const gantry_json *map)
{
    gn_jw_object(&x->w, name);
    for (const gantry_json *e = NULL; (e = gn_json_next(map, e)) != NULL;) {
        if (gn_json_type(e) == GN_JSON_ARRAY)
            gn_jw_json(&x->w, name_of(x, e), e);
        else
            write_schema(x, name_of(x, e), e, NULL);
    }
    gn_jw_end(&x->w);
}

static bool is_effective(const struct writer *x, const gantry_json *schema)
{
    return gn_json_type(schema) != GN_JSON_OBJECT || gn_json_count(schema) == 0 ||
           gn_schema_node_at(x->s, schema);
}

static void write_keyword(struct writer *x, const struct gn_vocabulary *v, const gantry_json *k)
{
    const char *name = name_of(x, k);
    int i = gn_keyword_index(v, name, strlen(name));
    enum gn_holds holds = i < 0 ? GN_HOLDS_NOTHING : gn_keywords[i].holds;
    bool list = gn_json_type(k) == GN_JSON_ARRAY;
    if (holds == GN_HOLDS_NOTHING) {
        gn_jw_json(&x->w, name, k);
    } else if (holds == GN_HOLDS_MAP || holds == GN_HOLDS_MIXED) {
        write_map(x, name, k);
    } else if (list) {
        gn_jw_array(&x->w, name);
        write_list(x, k);
        gn_jw_end(&x->w);
    } else if (is_effective(x, k)) {
        write_schema(x, name, k, NULL);
    }
}

/* The annotations that win, each once. */
static void write_over(struct writer *x, const struct gn_vocabulary *v, const struct over *over)
{
    for (; over; over = over->next) {
        for (const gantry_json *k = NULL; (k = gn_json_next(over->schema, k)) != NULL;) {
            const char *name = name_of(x, k);
            if (is_annotation(v, name) && !is_identity(name) && !is_hidden(over->next, name))
                gn_jw_json(&x->w, name, k);
        }
    }
}

static bool is_around(const struct writer *x, const struct gn_node *n)
{
    for (const struct around *a = x->around; a; a = a->up) {
        if (a->node == n)
            return true;
    }
    return false;
}

/* Where a cycle closes: any value of the right types. */
static void write_cycle(struct writer *x, const char *name, const struct gn_node *n,
                        const struct over *over)
{
    const gantry_json *type = gn_json_get(n->source, "type"),
                      *title = gn_json_get(n->source, "title");
    gn_jw_object(&x->w, name);
    write_over(x, &n->resource->vocabulary, over);
    if (type)
        gn_jw_json(&x->w, "type", type);
    if (title && !is_hidden(over, "title"))
        gn_jw_json(&x->w, "title", title);
    if (!is_hidden(over, "description"))
        gn_jw_str(&x->w, "description", "The same again (the schema is recursive here)");
    gn_jw_end(&x->w);
}

/* Of a dynamic reference it is the outermost resource around that decides, as it is for a value. */
static const struct gn_node *target_of(const struct writer *x, const struct gn_op *op)
{
    const struct gn_node *target = op->u.node;
    for (const struct around *up = x->around; op->anchor && up; up = up->up) {
        for (const struct gn_anchor *a = up->node->resource->anchors; a; a = a->next) {
            if (a->name == op->anchor && a->is_dynamic)
                target = a->node;
        }
    }
    return target;
}

static void write_target(struct writer *x, const char *name, const struct gn_op *op,
                         const struct over *over)
{
    const struct gn_node *target = target_of(x, op);
    if (is_around(x, target))
        write_cycle(x, name, target, over);
    else
        write_schema(x, name, target->source, over);
}

static bool is_reference(const struct gn_op *op)
{
    return op->run == gn_op_ref || op->run == gn_op_dynamic_ref;
}

/* How many references a node has, and whether it has nothing else that checks. */
static uint32_t count_references(const struct gn_node *n, const struct gn_op **ret_one,
                                 bool *ret_alone)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < n->op_count; i++) {
        if (is_reference(&n->ops[i])) {
            *ret_one = &n->ops[i];
            count++;
        }
    }
    *ret_alone = count == 1 && n->op_count == 1 && n->types == GN_EVERY;
    return count;
}

static void write_object(struct writer *x, const char *name, const struct gn_node *n,
                         uint32_t references, const struct over *over)
{
    const struct gn_vocabulary *v = &n->resource->vocabulary;
    const gantry_json *all_of = references > 0 ? gn_json_get(n->source, "allOf") : NULL;
    bool alone = references > 0 && v->dialect == GN_DIALECT_DRAFT_07;
    gn_jw_object(&x->w, name);
    write_over(x, v, over);
    for (const gantry_json *k = NULL; !alone && (k = gn_json_next(n->source, k)) != NULL;) {
        const char *keyword = name_of(x, k);
        bool hidden = is_annotation(v, keyword) && is_hidden(over, keyword);
        bool dialect = gn_streq(keyword, "$schema") && n != x->s->root;
        if (k != all_of && !is_identity(keyword) && !hidden && !dialect)
            write_keyword(x, v, k);
    }
    if (references > 0) {
        gn_jw_array(&x->w, "allOf");
        for (uint32_t i = 0; i < n->op_count; i++) {
            if (is_reference(&n->ops[i]))
                write_target(x, NULL, &n->ops[i], NULL);
        }
        write_list(x, all_of);
        gn_jw_end(&x->w);
    }
    gn_jw_end(&x->w);
}

static void write_schema(struct writer *x, const char *name, const gantry_json *place,
                         const struct over *over)
{
    const struct gn_node *n = gn_schema_node_at(x->s, place);
    x->full = x->full || x->w.out->overflow || x->w.depth >= DEPTH_MAX ||
              x->around_count >= AROUND_MAX;
    x->refused = x->refused ||
                 (n && n->resource->vocabulary.dialect != x->s->root->resource->vocabulary.dialect);
    if (x->full || x->refused || !n || gn_json_type(place) != GN_JSON_OBJECT) {
        gn_jw_json(&x->w, name, x->full || x->refused ? NULL : place);
        return;
    }
    const struct gn_op *one = NULL;
    bool alone = false;
    uint32_t references = count_references(n, &one, &alone);
    struct around here = {n, x->around};
    x->around = &here;
    x->around_count++;
    if (alone) {
        struct over mine = {place, over};
        bool old = n->resource->vocabulary.dialect == GN_DIALECT_DRAFT_07;
        write_target(x, name, one, old ? over : &mine);
    } else {
        write_object(x, name, n, references, over);
    }
    x->around = here.up;
    x->around_count--;
}

int gn_schema_write_dereferenced(const struct gn_schema *s, size_t max_bytes, struct gn_buf *out)
{
    struct gn_buf text = GN_BUF_INIT(max_bytes);
    struct writer x = {.s = s};
    gn_jw_init(&x.w, &text);
    write_schema(&x, NULL, s->root->source, NULL);
    int rc = x.refused                 ? GN_ENOTSUP
             : x.full || text.overflow ? GN_ETOOBIG
                                       : gn_buf_add(out, gn_buf_str(&text), text.len);
    gn_buf_release(&text);
    return rc;
}
