/* describe.c - what a schema expects, in a few words: "integer 1 to 5", "array of 1 to 3 strings".
 */
#include "schema/run.h"
#include "util/str.h"

#include <string.h>

#define DEPTH_MAX 4   /* references and alternatives that are followed */
#define FORMS_SHOWN 6 /* alternatives that are named */
#define FORMS_READ 24 /* those that read like another are named once */
#define CHOICES_SHOWN 8

static void describe(const struct gn_node *n, struct gn_buf *out, int depth);

static const struct {
    uint8_t types;
    const char *one, *many;
} type_words[] = {
    {GN_TEXTS, "string", "strings"},   {GN_WHOLE, "integer", "integers"},
    {GN_NUMBERS, "number", "numbers"}, {GN_BOOL, "boolean", "booleans"},
    {GN_ARRAYS, "array", "arrays"},    {GN_OBJECTS, "object", "objects"},
    {GN_NULL, "null", "nulls"},
};

static void add_types(uint8_t types, struct gn_buf *out)
{
    const char *between = "";
    if (types == GN_EVERY) {
        gn_buf_adds(out, "any value");
        return;
    }
    for (size_t i = 0; i < GN_COUNT(type_words); i++) {
        uint8_t of = type_words[i].types;
        if ((types & of) != of || (of == GN_WHOLE && (types & GN_FRACTION)))
            continue;
        gn_buf_addf(out, "%s%s", between, type_words[i].one);
        between = " or ";
    }
}

/* "1 to 5", "at least 1", "at most 5"; false if there is no limit. */
static bool add_counts(const struct gn_node *n, gn_op_fn *at_least, gn_op_fn *at_most,
                       const char *before, struct gn_buf *out)
{
    const struct gn_op *min = gn_node_op(n, at_least), *max = gn_node_op(n, at_most);
    if (!min && !max)
        return false;
    gn_buf_adds(out, before);
    if (min && max)
        gn_buf_addf(out, "%llu to %llu", (unsigned long long)min->u.limit,
                    (unsigned long long)max->u.limit);
    else if (min)
        gn_buf_addf(out, "at least %llu", (unsigned long long)min->u.limit);
    else
        gn_buf_addf(out, "at most %llu", (unsigned long long)max->u.limit);
    return true;
}

static void add_limit(const struct gn_node *n, gn_op_fn *run, const char *words, struct gn_buf *out)
{
    char shown[GN_SHOWN_MAX];
    const struct gn_op *op = gn_node_op(n, run);
    if (op)
        gn_buf_addf(out, "%s%s", words, gn_show_value(shown, op->u.value));
}

static void add_range(const struct gn_node *n, struct gn_buf *out)
{
    bool low = gn_node_op(n, gn_op_minimum), high = gn_node_op(n, gn_op_maximum);
    add_limit(n, gn_op_minimum, low && high ? " " : " of at least ", out);
    add_limit(n, gn_op_maximum, low && high ? " to " : " of at most ", out);
    add_limit(n, gn_op_exclusive_minimum, " above ", out);
    add_limit(n, gn_op_exclusive_maximum, " below ", out);
    add_limit(n, gn_op_multiple_of, " that is a multiple of ", out);
}

static void add_string(const struct gn_node *n, struct gn_buf *out)
{
    const struct gn_op *format = gn_node_op(n, gn_op_format);
    if (add_counts(n, gn_op_min_length, gn_op_max_length, " of ", out))
        gn_buf_adds(out, " characters");
    if (gn_node_op(n, gn_op_pattern))
        gn_buf_addf(out, " that matches %s", gn_json_str(gn_json_get(n->source, "pattern"), NULL));
    if (format)
        gn_buf_addf(out, " (%s)", format->u.format->name);
}

static void add_array(const struct gn_node *n, struct gn_buf *out)
{
    const struct gn_op *op = gn_node_op(n, gn_op_array);
    const struct gn_node *rest = op && op->u.array->prefix_count == 0 ? op->u.array->rest : NULL;
    const char *of = NULL;
    for (size_t i = 0; rest && i < GN_COUNT(type_words); i++) {
        if (rest->types == type_words[i].types)
            of = type_words[i].many;
    }
    if (add_counts(n, gn_op_min_items, gn_op_max_items, " of ", out))
        gn_buf_addf(out, " %s", of ? of : "elements");
    else if (of)
        gn_buf_addf(out, " of %s", of);
    if (of)
        add_range(rest, out);
}

static void add_object(const struct gn_node *n, struct gn_buf *out)
{
    if (add_counts(n, gn_op_min_properties, gn_op_max_properties, " of ", out))
        gn_buf_adds(out, " members");
}

static void add_choices(const struct gn_op *op, struct gn_buf *out)
{
    char shown[GN_SHOWN_MAX];
    const gantry_json *list = gn_json_get(op->owner->source, "enum"), *e = NULL;
    gn_buf_adds(out, "one of ");
    for (size_t i = 0; i < CHOICES_SHOWN && (e = gn_json_next(list, e)) != NULL; i++)
        gn_buf_addf(out, "%s%s", i > 0 ? ", " : "", gn_show_value(shown, e));
    if (gn_json_count(list) > CHOICES_SHOWN)
        gn_buf_adds(out, ", ...");
}

/* Each of the alternatives, once. */
static void add_forms(const struct gn_op *op, struct gn_buf *out, int depth)
{
    uint32_t shown = 0, i = 0;
    for (; i < GN_MIN(op->count, (uint32_t)FORMS_READ) && shown < FORMS_SHOWN; i++) {
        struct gn_buf form = GN_BUF_INIT(256);
        describe(op->u.nodes[i], &form, depth + 1);
        if (!strstr(gn_buf_str(out), gn_buf_str(&form)))
            gn_buf_addf(out, "%s%s", shown++ > 0 ? " or " : "", gn_buf_str(&form));
        gn_buf_release(&form);
    }
    if (i < op->count && !gn_ends_with(gn_buf_str(out), " ..."))
        gn_buf_adds(out, " or ...");
}

/* A schema that says nothing itself but what another one says. */
static bool add_other(const struct gn_node *n, struct gn_buf *out, int depth)
{
    if (n->types != GN_EVERY || depth >= DEPTH_MAX)
        return false;
    for (uint32_t i = 0; i < n->op_count; i++) {
        const struct gn_op *op = &n->ops[i];
        if (op->run == gn_op_ref)
            describe(op->u.node, out, depth + 1);
        else if (op->run == gn_op_any_of || op->run == gn_op_one_of)
            add_forms(op, out, depth);
        else if (op->run == gn_op_all_of)
            describe(op->u.nodes[0], out, depth + 1);
        else
            continue;
        return true;
    }
    return false;
}

/* The types that a schema without `type` has something to say about. */
static uint8_t spoken_of(const struct gn_node *n)
{
    uint8_t types = 0;
    for (uint32_t i = 0; i < n->op_count; i++)
        types |= n->ops[i].applies == GN_EVERY ? 0 : n->ops[i].applies;
    return types ? types : GN_EVERY;
}

static void describe(const struct gn_node *n, struct gn_buf *out, int depth)
{
    char shown[GN_SHOWN_MAX];
    const struct gn_op *fixed = gn_node_op(n, gn_op_const), *list = gn_node_op(n, gn_op_enum);
    list = list ? list : gn_node_op(n, gn_op_enum_names);
    if (gn_json_type(n->source) == GN_JSON_FALSE) {
        gn_buf_adds(out, "nothing");
    } else if (fixed) {
        gn_buf_addf(out, "exactly %s", gn_show_value(shown, fixed->u.value));
    } else if (list) {
        add_choices(list, out);
    } else if (!add_other(n, out, depth)) {
        uint8_t types = n->types == GN_EVERY ? spoken_of(n) : n->types;
        add_types(types, out);
        add_range(n, out);
        add_string(n, out);
        if (types & GN_ARRAYS)
            add_array(n, out);
        add_object(n, out);
    }
}

void gn_describe(const struct gn_node *n, struct gn_buf *out)
{
    describe(n, out, 0);
}

void gn_describe_forms(const struct gn_op *op, struct gn_buf *out)
{
    add_forms(op, out, 0);
}

bool gn_refuse(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
               const struct gn_path *at)
{
    if (!r->problems || r->stopped || (r->told_node == op->owner && r->told_value == v))
        return false;
    r->told_node = op->owner;
    r->told_value = v;
    if (!gn_problems_wanted(r->problems)) { /* it is only counted */
        gn_problems_at(r->problems, at, "%s", "");
        return false;
    }
    char shown[GN_SHOWN_MAX];
    struct gn_buf what = GN_BUF_INIT(1024);
    gn_describe(op->owner, &what);
    gn_show_value(shown, v);
    if (op->run == gn_op_min_length || op->run == gn_op_max_length)
        gn_problems_at(r->problems, at, "expected %s, got %s (%zu)", gn_buf_str(&what), shown,
                       gn_utf8_count(v->text, v->len));
    else if (op->run == gn_op_min_items || op->run == gn_op_max_items ||
             op->run == gn_op_min_properties || op->run == gn_op_max_properties)
        gn_problems_at(r->problems, at, "expected %s, got %zu", gn_buf_str(&what),
                       gn_json_count(v));
    else
        gn_problems_at(r->problems, at, "expected %s, got %s", gn_buf_str(&what), shown);
    gn_buf_release(&what);
    return false;
}
