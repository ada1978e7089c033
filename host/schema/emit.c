/* emit.c - from keywords to operations. */
#include "schema/keywords.h"

#include "schema/run.h"

void gn_emit_type(struct gn_compiler *c GN_UNUSED, const struct gn_place *p, const gantry_json *k)
{
    p->node->types = 0;
    if (gn_json_type(k) == GN_JSON_STRING)
        p->node->types = gn_type_named(k->text);
    for (const gantry_json *e = NULL;
         gn_json_type(k) == GN_JSON_ARRAY && (e = gn_json_next(k, e)) != NULL;)
        p->node->types |= gn_type_named(e->text);
}

/* More strings than this are found by hash. */
#define FEW_CHOICES 2

void gn_emit_enum(struct gn_compiler *c, const struct gn_place *p GN_UNUSED, const gantry_json *k)
{
    uint32_t n = k->len, i = 0;
    bool texts = true;
    const gantry_json **values = gn_compile_take(c, n + 1, sizeof(*values));
    for (const gantry_json *e = NULL; (e = gn_json_next(k, e)) != NULL;) {
        values[i++] = e;
        texts = texts && gn_json_type(e) == GN_JSON_STRING;
    }
    struct gn_op *op = gn_compile_op(c, "enum", gn_op_enum, GN_EVERY);
    op->count = n;
    op->u.values = values;
    if (!texts || n <= FEW_CHOICES)
        return;
    struct gn_name_table *t = gn_compile_take(c, 1, sizeof(*t));
    gn_name_table_init(c, t, n);
    for (i = 0; i < n; i++)
        gn_name_table_add(t, values[i]->text, values[i]->len);
    op->run = gn_op_enum_names;
    op->u.names = t;
}

void gn_emit_const(struct gn_compiler *c, const struct gn_place *p GN_UNUSED, const gantry_json *k)
{
    gn_compile_op(c, "const", gn_op_const, GN_EVERY)->u.value = k;
}

#define EMIT_LIMIT(name, keyword, run)                                                             \
    void name(struct gn_compiler *c, const struct gn_place *p GN_UNUSED, const gantry_json *k)     \
    {                                                                                              \
        gn_compile_op(c, keyword, run, GN_NUMBERS)->u.value = k;                                   \
    }
EMIT_LIMIT(gn_emit_minimum, "minimum", gn_op_minimum)
EMIT_LIMIT(gn_emit_maximum, "maximum", gn_op_maximum)
EMIT_LIMIT(gn_emit_exclusive_minimum, "exclusiveMinimum", gn_op_exclusive_minimum)
EMIT_LIMIT(gn_emit_exclusive_maximum, "exclusiveMaximum", gn_op_exclusive_maximum)
EMIT_LIMIT(gn_emit_multiple_of, "multipleOf", gn_op_multiple_of)

/* A count; what no value can reach is as good as the greatest. */
static uint64_t count_of(const gantry_json *k)
{
    int64_t n;
    return gn_json_int(k, &n) ? (uint64_t)n : UINT64_MAX;
}

#define EMIT_COUNT(name, keyword, run, types)                                                      \
    void name(struct gn_compiler *c, const struct gn_place *p GN_UNUSED, const gantry_json *k)     \
    {                                                                                              \
        gn_compile_op(c, keyword, run, types)->u.limit = count_of(k);                              \
    }
EMIT_COUNT(gn_emit_min_length, "minLength", gn_op_min_length, GN_TEXTS)
EMIT_COUNT(gn_emit_max_length, "maxLength", gn_op_max_length, GN_TEXTS)
EMIT_COUNT(gn_emit_min_items, "minItems", gn_op_min_items, GN_ARRAYS)
EMIT_COUNT(gn_emit_max_items, "maxItems", gn_op_max_items, GN_ARRAYS)
EMIT_COUNT(gn_emit_min_properties, "minProperties", gn_op_min_properties, GN_OBJECTS)
EMIT_COUNT(gn_emit_max_properties, "maxProperties", gn_op_max_properties, GN_OBJECTS)

void gn_emit_pattern(struct gn_compiler *c, const struct gn_place *p GN_UNUSED,
                     const gantry_json *k)
{
    struct gn_op *op = gn_compile_op(c, "pattern", gn_op_pattern, GN_TEXTS);
    op->u.pattern = gn_compile_pattern(c, k, k->text, k->len);
}

void gn_emit_format(struct gn_compiler *c, const struct gn_place *p, const gantry_json *k)
{
    const struct gn_format *format = p->resource->vocabulary.assert_formats && gn_json_cstr(k)
                                         ? gn_format_find(k->text)
                                         : NULL;
    if (format)
        gn_compile_op(c, "format", gn_op_format, GN_TEXTS)->u.format = format;
}

void gn_emit_unique_items(struct gn_compiler *c, const struct gn_place *p GN_UNUSED,
                          const gantry_json *k)
{
    if (gn_json_type(k) == GN_JSON_TRUE)
        gn_compile_op(c, "uniqueItems", gn_op_unique_items, GN_ARRAYS);
}

static struct gn_node *node_of(struct gn_compiler *c, const struct gn_place *p,
                               const gantry_json *schema)
{
    return schema ? gn_compile_node(c, schema, p->resource) : NULL;
}

/* The nodes of an array of schemas. */
static struct gn_node **nodes_of(struct gn_compiler *c, const struct gn_place *p,
                                 const gantry_json *list)
{
    struct gn_node **nodes = gn_compile_take(c, gn_json_count(list) + 1, sizeof(*nodes));
    size_t i = 0;
    for (const gantry_json *e = NULL; (e = gn_json_next(list, e)) != NULL;)
        nodes[i++] = node_of(c, p, e);
    return nodes;
}

static bool is_true(const gantry_json *schema)
{
    return !schema || gn_json_type(schema) == GN_JSON_TRUE ||
           (gn_json_type(schema) == GN_JSON_OBJECT && gn_json_count(schema) == 0);
}

static void emit_names(struct gn_compiler *c, const struct gn_place *p, struct gn_object_op *o)
{
    const gantry_json *properties = p->values[K_PROPERTIES], *required = p->values[K_REQUIRED];
    gn_name_table_init(c, &o->names, gn_json_count(properties) + gn_json_count(required));
    for (const gantry_json *e = NULL; (e = gn_json_next(properties, e)) != NULL;) {
        size_t len = 0;
        const char *name = gn_json_name(e, &len);
        /* Of equal names the last counts: it overwrites the first. */
        struct gn_name *n = gn_name_table_add(&o->names, name, len);
        n->declared = true;
        n->node = is_true(e) ? NULL : node_of(c, p, e);
    }
    for (const gantry_json *e = NULL; (e = gn_json_next(required, e)) != NULL;) {
        struct gn_name *n = gn_name_table_add(&o->names, e->text, e->len);
        o->required_count += !n->required;
        n->required = true;
    }
}

void gn_emit_object(struct gn_compiler *c, const struct gn_place *p, const gantry_json *k)
{
    /* The family's first member compiles for all. */
    for (int i = K_PROPERTIES; i <= K_ADDITIONAL_PROPERTIES; i++) {
        if (p->values[i] == k)
            break;
        if (p->values[i])
            return;
    }
    const gantry_json *patterns = p->values[K_PATTERN_PROPERTIES];
    const gantry_json *additional = p->values[K_ADDITIONAL_PROPERTIES];
    struct gn_object_op *o = gn_compile_take(c, 1, sizeof(*o));
    emit_names(c, p, o);
    o->patterns = gn_compile_take(c, gn_json_count(patterns) + 1, sizeof(*o->patterns));
    for (const gantry_json *e = NULL; !c->rc && (e = gn_json_next(patterns, e)) != NULL;) {
        size_t len = 0;
        const char *text = gn_json_name(e, &len);
        o->patterns[o->pattern_count++] = (struct gn_pattern_property){
            gn_compile_pattern(c, e, text, len), node_of(c, p, e)};
    }
    o->additional = is_true(additional) ? NULL : node_of(c, p, additional);
    o->closes = additional != NULL;
    gn_compile_op(c, "properties", gn_op_object, GN_OBJECTS)->u.object = o;
}

#define EMIT_NODE(name, keyword, run, types)                                                       \
    void name(struct gn_compiler *c, const struct gn_place *p, const gantry_json *k)               \
    {                                                                                              \
        gn_compile_op(c, keyword, run, types)->u.node = node_of(c, p, k);                          \
    }
EMIT_NODE(gn_emit_property_names, "propertyNames", gn_op_property_names, GN_OBJECTS)
EMIT_NODE(gn_emit_not, "not", gn_op_not, GN_EVERY)

void gn_emit_dependencies(struct gn_compiler *c, const struct gn_place *p, const gantry_json *k)
{
    struct gn_dependency *list = gn_compile_take(c, gn_json_count(k) + 1, sizeof(*list));
    uint32_t n = 0;
    for (const gantry_json *e = NULL; (e = gn_json_next(k, e)) != NULL; n++) {
        size_t len = 0;
        list[n].name = gn_json_name(e, &len);
        list[n].len = (uint32_t)len;
        if (gn_json_type(e) == GN_JSON_ARRAY)
            list[n].required = e;
        else
            list[n].node = node_of(c, p, e);
    }
    struct gn_op *op = gn_compile_op(c, "dependencies", gn_op_dependencies, GN_OBJECTS);
    op->u.dependencies = list;
    op->count = n;
}

static void add_array(struct gn_compiler *c, const struct gn_place *p, const gantry_json *prefix,
                      const gantry_json *rest)
{
    struct gn_array_op *a = gn_compile_take(c, 1, sizeof(*a));
    a->prefix = nodes_of(c, p, prefix);
    a->prefix_count = (uint32_t)gn_json_count(prefix);
    a->rest = node_of(c, p, rest);
    gn_compile_op(c, "items", gn_op_array, GN_ARRAYS)->u.array = a;
}

void gn_emit_prefix_items(struct gn_compiler *c, const struct gn_place *p, const gantry_json *k)
{
    add_array(c, p, k, p->values[K_ITEMS]);
}

void gn_emit_items(struct gn_compiler *c, const struct gn_place *p, const gantry_json *k)
{
    if (!p->values[K_PREFIX_ITEMS])
        add_array(c, p, NULL, k);
}

void gn_emit_items_old(struct gn_compiler *c, const struct gn_place *p, const gantry_json *k)
{
    if (gn_json_type(k) == GN_JSON_ARRAY)
        add_array(c, p, k, p->values[K_ADDITIONAL_ITEMS]);
    else
        add_array(c, p, NULL, k);
}

void gn_emit_contains(struct gn_compiler *c, const struct gn_place *p, const gantry_json *k)
{
    struct gn_contains_op *o = gn_compile_take(c, 1, sizeof(*o));
    o->node = node_of(c, p, k);
    o->min = p->values[K_MIN_CONTAINS] ? count_of(p->values[K_MIN_CONTAINS]) : 1;
    o->max = p->values[K_MAX_CONTAINS] ? count_of(p->values[K_MAX_CONTAINS]) : UINT64_MAX;
    o->marks = p->resource->vocabulary.dialect == GN_DIALECT_2020_12;
    gn_compile_op(c, "contains", gn_op_contains, GN_ARRAYS)->u.contains = o;
}

/* anchor: the name that a dynamic reference is looked up by; NULL: a static one. */
static void add_reference(struct gn_compiler *c, const char *keyword,
                          const struct gn_target *target, const char *anchor)
{
    struct gn_node *node = gn_compile_node(c, target->place, target->resource);
    struct gn_op *op = gn_compile_op(c, keyword, anchor ? gn_op_dynamic_ref : gn_op_ref, GN_EVERY);
    op->u.node = node;
    op->anchor = anchor;
    c->s->dynamic = c->s->dynamic || anchor;
}

void gn_emit_ref(struct gn_compiler *c, const struct gn_place *p, const gantry_json *k)
{
    struct gn_target target;
    if (gn_resolve(c, p->resource, k, &target))
        add_reference(c, "$ref", &target, NULL);
}

void gn_emit_dynamic_ref(struct gn_compiler *c, const struct gn_place *p, const gantry_json *k)
{
    struct gn_target target;
    if (gn_resolve(c, p->resource, k, &target))
        add_reference(c, "$dynamicRef", &target, target.anchor);
}

/* As `$dynamicRef` to the anchor without a name that `$recursiveAnchor` is. */
void gn_emit_recursive_ref(struct gn_compiler *c, const struct gn_place *p, const gantry_json *k)
{
    struct gn_target target;
    if (!gn_resolve(c, p->resource, k, &target))
        return;
    const struct gn_anchor *a = target.resource->anchors;
    while (a && a->name[0] != '\0')
        a = a->next;
    add_reference(c, "$recursiveRef", &target, a ? a->name : NULL);
}

#define EMIT_LIST(name, keyword, run)                                                              \
    void name(struct gn_compiler *c, const struct gn_place *p, const gantry_json *k)               \
    {                                                                                              \
        struct gn_op *op = gn_compile_op(c, keyword, run, GN_EVERY);                               \
        op->u.nodes = nodes_of(c, p, k);                                                           \
        op->count = k->len;                                                                        \
    }
EMIT_LIST(gn_emit_all_of, "allOf", gn_op_all_of)
EMIT_LIST(gn_emit_any_of, "anyOf", gn_op_any_of)
EMIT_LIST(gn_emit_one_of, "oneOf", gn_op_one_of)

void gn_emit_if(struct gn_compiler *c, const struct gn_place *p, const gantry_json *k)
{
    struct gn_if_op *o = gn_compile_take(c, 1, sizeof(*o));
    o->test = node_of(c, p, k);
    o->yes = node_of(c, p, p->values[K_THEN]);
    o->no = node_of(c, p, p->values[K_ELSE]);
    gn_compile_op(c, "if", gn_op_if, GN_EVERY)->u.condition = o;
}

void gn_emit_unevaluated_items(struct gn_compiler *c, const struct gn_place *p,
                               const gantry_json *k)
{
    p->node->collects = true;
    gn_compile_op(c, "unevaluatedItems", gn_op_unevaluated_items, GN_ARRAYS)->u.node = node_of(c, p,
                                                                                               k);
}

void gn_emit_unevaluated_properties(struct gn_compiler *c, const struct gn_place *p,
                                    const gantry_json *k)
{
    p->node->collects = true;
    gn_compile_op(c, "unevaluatedProperties", gn_op_unevaluated_properties, GN_OBJECTS)->u.node =
        node_of(c, p, k);
}
