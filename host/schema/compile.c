/* compile.c - from a schema to its program: nodes, one after the other from a queue. */
#include "schema/compile.h"

#include "schema/run.h"
#include "util/alloc.h"

#include <string.h>

#define BYTES_MAX (4u << 20)
#define SUBSCHEMAS_MAX 20000
#define PATTERNS_MAX 1000
#define ROUNDS_MAX 64

/* ---------------------------------------------------------------- what its parts share */

static const struct gn_source *source_of(const struct gn_compiler *c, const gantry_json *place)
{
    const struct gn_source *s = c->s->sources;
    while (s && (place < s->nodes || place >= s->nodes + s->count))
        s = s->next;
    return s;
}

/* Writes where a place stands in its text, as a path that problems.c can print: the frames are
 * found from the root down. */
static void fail_below(struct gn_compiler *c, int code, const gantry_json *v,
                       const gantry_json *place, const struct gn_path *at, const char *message)
{
    size_t i = 0;
    for (const gantry_json *e = NULL; (e = gn_json_next(v, e)) != NULL; i++) {
        if (place >= e && place < e + e->skip) {
            struct gn_path here = {at, gn_json_name(e, NULL), i};
            fail_below(c, code, e, place, &here, message);
            return;
        }
    }
    struct gn_problems p;
    gn_problems_init(&p);
    gn_problems_at(&p, at, "%s", message);
    c->rc = gn_error_set(c->err, code, "%s", gn_buf_str(&p.text));
    gn_problems_release(&p);
}

void gn_compile_fail(struct gn_compiler *c, int code, const gantry_json *at, const char *fmt, ...)
{
    if (c->rc) /* the first failure is the one to tell */
        return;
    char message[GN_ERROR_MAX];
    struct gn_error text = {0};
    va_list ap;
    va_start(ap, fmt);
    struct gn_buf b = GN_BUF_INIT(sizeof(message) - 1);
    gn_buf_vaddf(&b, fmt, ap);
    va_end(ap);
    gn_error_set(&text, code, "%s", gn_buf_str(&b));
    gn_buf_release(&b);
    const struct gn_source *source = source_of(c, at);
    struct gn_path root = {NULL, "", 0};
    fail_below(c, code, source ? source->nodes : at, at, &root, text.text);
}

void *gn_compile_take(struct gn_compiler *c, size_t count, size_t size)
{
    /* The texts are bounded, and with them all that is made of them. */
    void *p = gn_arena_calloc(&c->s->arena, (count ? count : 1) * size);
    gn_assert(p != NULL);
    return p;
}

struct gn_node *gn_compile_node(struct gn_compiler *c, const gantry_json *place,
                                const struct gn_resource *resource)
{
    const struct gn_source *source = source_of(c, place);
    gn_assert(source != NULL);
    struct gn_node **slot = &source->compiled[place - source->nodes];
    struct gn_node *n = *slot;
    if (n)
        return n;
    uint32_t max = c->options->max_subschemas ? c->options->max_subschemas : SUBSCHEMAS_MAX;
    if (++c->s->node_count > max)
        gn_compile_fail(c, GN_ETOOBIG, place, "a schema has at most %u subschemas", max);
    if (c->queued == c->room) {
        c->room = c->room ? 2 * c->room : 32;
        c->queue = gn_reallocarray(c->queue, c->room, sizeof(void *));
    }
    n = gn_compile_take(c, 1, sizeof(*n));
    n->types = GN_EVERY;
    n->resource = gn_resource_at(c, place, resource);
    n->source = place;
    c->queue[c->queued++] = n;
    *slot = n;
    return n;
}

struct gn_op *gn_compile_op(struct gn_compiler *c, const char *keyword, gn_op_fn *run,
                            uint8_t applies)
{
    if (c->op_count == c->op_room) {
        c->op_room = c->op_room ? 2 * c->op_room : 32;
        c->ops = gn_reallocarray(c->ops, c->op_room, sizeof(*c->ops));
    }
    struct gn_op *op = &c->ops[c->op_count++];
    *op = (struct gn_op){.run = run, .applies = applies, .keyword = keyword};
    return op;
}

struct gn_pattern *gn_compile_pattern(struct gn_compiler *c, const gantry_json *at,
                                      const char *text, size_t len)
{
    struct gn_pattern *p = NULL;
    struct gn_error err = {0};
    if (c->rc)
        return NULL;
    if (c->s->pattern_count >= PATTERNS_MAX) {
        gn_compile_fail(c, GN_ETOOBIG, at, "a schema has at most %d patterns", PATTERNS_MAX);
        return NULL;
    }
    int rc = gn_pattern_compile(text, len, &p, &err);
    if (rc) {
        gn_compile_fail(c, rc, at, "%s", err.text);
        return NULL;
    }
    if (c->s->pattern_count == c->s->pattern_room) {
        c->s->pattern_room = c->s->pattern_room ? 2 * c->s->pattern_room : 4;
        c->s->patterns = gn_reallocarray(c->s->patterns, c->s->pattern_room, sizeof(void *));
    }
    c->s->patterns[c->s->pattern_count++] = p;
    return p;
}

/* ---------------------------------------------------------------- one node */

/* In draft-07 nothing stands beside a reference. */
static bool hides_siblings(const struct gn_resource *r, const gantry_json *schema)
{
    return r->vocabulary.dialect == GN_DIALECT_DRAFT_07 && gn_json_get(schema, "$ref");
}

static void collect(struct gn_compiler *c, struct gn_place *p, const gantry_json *schema)
{
    const struct gn_vocabulary *vocabulary = &p->resource->vocabulary;
    bool alone = hides_siblings(p->resource, schema);
    for (const gantry_json *k = NULL; !c->rc && (k = gn_json_next(schema, k)) != NULL;) {
        size_t len = 0;
        const char *name = gn_json_name(k, &len);
        int i = gn_keyword_index(vocabulary, name, len);
        if (i < 0 || (alone && (len != 4 || memcmp(name, "$ref", len) != 0)))
            continue;
        const struct gn_keyword *keyword = &gn_keywords[i];
        char shown[GN_SHOWN_MAX];
        if (keyword->valid && !keyword->valid(k))
            gn_compile_fail(c, GN_EINVAL, k, "a schema has %s here, not %s", keyword->takes,
                            gn_show_value(shown, k));
        p->values[i] = k;
    }
}

static void compile_one(struct gn_compiler *c, struct gn_node *n)
{
    if (gn_json_type(n->source) == GN_JSON_FALSE)
        n->types = 0;
    if (gn_json_type(n->source) != GN_JSON_OBJECT)
        return;
    struct gn_place place = {.resource = n->resource, .node = n};
    collect(c, &place, n->source);
    c->op_count = 0;
    for (size_t i = 0; !c->rc && gn_keywords[i].name; i++) {
        if (place.values[i] && gn_keywords[i].compile)
            gn_keywords[i].compile(c, &place, place.values[i]);
    }
    n->op_count = (uint32_t)c->op_count;
    n->ops = gn_compile_take(c, c->op_count, sizeof(*n->ops));
    if (c->op_count > 0)
        memcpy(n->ops, c->ops, c->op_count * sizeof(*n->ops));
    for (uint32_t i = 0; i < n->op_count; i++)
        n->ops[i].owner = n;
}

static void compile_queue(struct gn_compiler *c)
{
    while (!c->rc && c->done < c->queued)
        compile_one(c, c->queue[c->done++]);
}

/* What a dynamic reference may lead to is known only while running, so every place of such a name
 * is compiled; that may bring in further documents. */
static void compile_dynamic(struct gn_compiler *c)
{
    bool more = c->s->dynamic;
    while (more && !c->rc) {
        more = false;
        for (struct gn_resource *r = c->s->resources; r; r = r->next) {
            for (struct gn_anchor *a = r->anchors; a; a = a->next) {
                if (!a->is_dynamic || a->node)
                    continue;
                a->node = gn_compile_node(c, a->place, r);
                more = true;
            }
        }
        compile_queue(c);
    }
}

/* ---------------------------------------------------------------- accepted types */

static uint8_t accepted_by(const struct gn_op *op)
{
    uint8_t types = GN_EVERY;
    if (op->run == gn_op_enum) {
        types = 0;
        for (uint32_t i = 0; i < op->count; i++)
            types |= gn_type_bits(op->u.values[i]);
    } else if (op->run == gn_op_enum_names) {
        types = GN_TEXTS;
    } else if (op->run == gn_op_const) {
        types = gn_type_bits(op->u.value);
    } else if (op->run == gn_op_ref) {
        types = op->u.node->accepts;
    } else if (op->run == gn_op_all_of) {
        for (uint32_t i = 0; i < op->count; i++)
            types &= op->u.nodes[i]->accepts;
    } else if (op->run == gn_op_any_of || op->run == gn_op_one_of) {
        types = 0;
        for (uint32_t i = 0; i < op->count; i++)
            types |= op->u.nodes[i]->accepts;
    }
    return types;
}

/* The types that alternatives let through which have nothing but a type: {"anyOf": [{"type":
 * "string"}, {"type": "null"}]}. 0 if they have more, or if two of oneOf could fit at once. */
static uint8_t types_alone(const struct gn_op *op)
{
    uint8_t types = 0;
    if (op->run != gn_op_any_of && op->run != gn_op_one_of)
        return 0;
    for (uint32_t i = 0; i < op->count; i++) {
        const struct gn_node *n = op->u.nodes[i];
        if (n->op_count > 0 || (op->run == gn_op_one_of && (types & n->types)))
            return 0;
        types |= n->types;
    }
    return types;
}

/* Alternatives of that kind become types of the node itself. */
static void fold(struct gn_node *n)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n->op_count; i++) {
        uint8_t types = types_alone(&n->ops[i]);
        if (types)
            n->types &= types;
        else
            n->ops[kept++] = n->ops[i];
    }
    n->op_count = kept;
}

/* Sets only shrink, so going over all nodes ends. Children stand behind their parents in the queue:
 * backwards, one round does nearly all of it; the others are for cycles. */
static void find_accepted(struct gn_compiler *c)
{
    bool more = true;
    for (size_t i = c->queued; i-- > 0;) {
        fold(c->queue[i]);
        c->queue[i]->accepts = c->queue[i]->types;
    }
    for (int round = 0; more && round < ROUNDS_MAX; round++) {
        more = false;
        for (size_t i = c->queued; i-- > 0;) {
            struct gn_node *n = c->queue[i];
            uint8_t types = n->accepts;
            for (uint32_t k = 0; k < n->op_count; k++)
                types &= accepted_by(&n->ops[k]);
            more = more || types != n->accepts;
            n->accepts = types;
        }
    }
}

/* ---------------------------------------------------------------- the whole */

static int compile(struct gn_compiler *c, const char *text, size_t len)
{
    struct gn_json_doc doc;
    int rc = gn_json_parse_copy(&doc, text, len, NULL, c->err);
    if (rc)
        return rc;
    int type = gn_json_type(gn_json_root(&doc));
    if (type != GN_JSON_OBJECT && type != GN_JSON_TRUE && type != GN_JSON_FALSE) {
        rc = gn_error_set(c->err, GN_EINVAL, "a schema is an object or a boolean, not %s",
                          gn_json_type_name(gn_json_root(&doc)));
        gn_json_release(&doc);
        return rc;
    }
    struct gn_resource *root = gn_source_add(c, &doc, "");
    if (root)
        c->s->root = gn_compile_node(c, root->root, root);
    compile_queue(c);
    compile_dynamic(c);
    if (!c->rc)
        find_accepted(c);
    return c->rc;
}

int gn_schema_compile(const char *text, size_t len, const struct gn_schema_options *options,
                      struct gn_schema **ret, struct gn_error *err)
{
    static const struct gn_schema_options none = {0};
    *ret = NULL;
    options = options ? options : &none;
    uint32_t max = options->max_bytes ? options->max_bytes : BYTES_MAX;
    if (len > max)
        return gn_error_set(err, GN_ETOOBIG, "a schema takes at most %u bytes", max);
    struct gn_schema *s = gn_calloc(1, sizeof(*s));
    gn_arena_init(&s->arena, SIZE_MAX);
    struct gn_compiler c = {.s = s, .options = options, .err = err};
    gn_map_init(&c.resources);
    gn_map_init(&c.roots);
    gn_map_init(&c.names);
    gn_map_init(&c.anchors);
    int rc = compile(&c, text, len);
    gn_map_release(&c.resources, NULL);
    gn_map_release(&c.roots, NULL);
    gn_map_release(&c.names, NULL);
    gn_map_release(&c.anchors, NULL);
    gn_free(c.queue);
    gn_free(c.ops);
    if (rc)
        gn_schema_free(s);
    else
        *ret = s;
    return rc;
}

void gn_schema_free(struct gn_schema *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->pattern_count; i++)
        gn_pattern_free(s->patterns[i]);
    gn_free(s->patterns);
    for (struct gn_source *source = s->sources; source; source = source->next)
        gn_json_release(&source->doc);
    gn_arena_release(&s->arena);
    gn_free(s);
}

const gantry_json *gn_schema_root(const struct gn_schema *s)
{
    return s->sources->nodes;
}

uint32_t gn_schema_types(const struct gn_schema *s)
{
    return s->root->accepts;
}

const struct gn_node *gn_schema_node_at(const struct gn_schema *s, const gantry_json *place)
{
    const struct gn_source *source = s->sources;
    while (source && (place < source->nodes || place >= source->nodes + source->count))
        source = source->next;
    return source ? source->compiled[place - source->nodes] : NULL;
}

const struct gn_op *gn_node_op(const struct gn_node *n, gn_op_fn *run)
{
    for (uint32_t i = 0; i < n->op_count; i++) {
        if (n->ops[i].run == run)
            return &n->ops[i];
    }
    return NULL;
}
