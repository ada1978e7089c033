/* derive_check.c - whether values, examples and schemas go together with the parent's.
 *
 * A property is compiled where it stands, by a reference into the whole schema, so that what it
 * refers to itself is found.
 */
#include "registry/derive_parts.h"

#include "call/call.h"
#include "util/alloc.h"
#include "util/str.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REF_MAX 8
#define WHY_MAX 200

/* One argument, while it is looked at. */
struct look {
    struct gn_derivation *d;
    struct gn_derived_arg *a;
    const char *what;         /* its name, as the author knows it */
    struct gn_schema *before; /* what the parent takes; NULL: nothing is known */
    struct gn_schema *after;  /* what the tool takes; likewise */
    bool passes_on;           /* what clients give is what the parent gets */
};

/* ---------------------------------------------------------------- compiling and validating */

static struct gn_schema *compile(const struct gn_derivation *d, const struct gn_schema *whole,
                                 const char *name)
{
    const struct gn_schema_document document = {"gantry:whole", gn_schema_root(whole)};
    struct gn_schema_options options = {
        .assert_formats = d->asserts_formats, .documents = &document, .document_count = 1};
    struct gn_schema *s = NULL;
    GN_AUTO_FREE char *encoded = gn_derive_encode(name);
    GN_AUTO_FREE char *text = gn_format("{\"$ref\":\"gantry:whole#/properties/%s\"}", encoded);
    return gn_schema_compile(text, strlen(text), &options, &s, NULL) ? NULL : s;
}

/* True if it satisfies the schema, or if that is not known; else why not, in a few words. */
static bool fits(const struct gn_schema *s, const json_t *value, char why[WHY_MAX])
{
    struct gn_json_doc doc = {0};
    struct gn_problems problems;
    why[0] = '\0';
    if (!s || gn_json_from_jansson(&doc, value, NULL))
        return true;
    gn_problems_init(&problems);
    int rc = gn_schema_validate(s, gn_json_root(&doc), 0, &problems);
    if (rc) {
        const char *text = gn_buf_str(&problems.text);
        size_t len = strcspn(text, "\n");
        len = gn_utf8_cut(text, len, WHY_MAX - 1);
        memcpy(why, text, len);
        why[len] = '\0';
    }
    gn_problems_release(&problems);
    gn_json_release(&doc);
    return rc == GN_OK;
}

/* ---------------------------------------------------------------- values */

static bool is_rewritten(const struct gn_derived_arg *a)
{
    return a->own || (a->change && a->change->schema);
}

/* A value that clients cannot see may be a secret: the words end before it. */
static const char *unseen(const struct look *l, char *why)
{
    char *value = l->a->name ? NULL : strstr(why, ", got ");
    if (value)
        *value = '\0';
    return why;
}

static void check_value(struct look *l)
{
    const struct gn_derived_arg *a = l->a;
    const char *what = a->name ? "default" : "value";
    char why[WHY_MAX];
    if (!a->value)
        return;
    if ((l->passes_on || !a->name) && !fits(l->before, a->value, why))
        gn_faults_add(&l->d->faults, "argument %.64s: its %s does not fit what %.64s takes: %s",
                      l->what, what, l->d->parent->name, unseen(l, why));
    else if (!fits(l->after, a->value, why))
        gn_faults_add(&l->d->faults, "argument %.64s: its %s does not fit its schema: %s", l->what,
                      what, unseen(l, why));
}

/* The parent's default is what a client gets that gives nothing. */
static void check_kept_default(struct look *l)
{
    const json_t *kept = json_object_get(l->a->schema, "default");
    char why[WHY_MAX];
    if (!kept || l->a->value || !is_rewritten(l->a) || fits(l->after, kept, why))
        return;
    gn_faults_add(&l->d->faults,
                  "argument %.64s: the default of %.64s does not fit its new schema (%s): give it "
                  "one, or make it required",
                  l->what, l->d->parent->name, why);
}

static void check_examples(struct look *l)
{
    const json_t *examples = l->a->change ? l->a->change->examples : NULL;
    char why[WHY_MAX];
    const json_t *v;
    size_t i;
    if (!examples && l->a->change && l->a->change->schema)
        examples = json_object_get(l->a->change->schema, "examples");
    json_array_foreach(examples, i, v)
    {
        if (!fits(l->after, v, why) || (l->passes_on && !fits(l->before, v, why)))
            gn_faults_add(&l->d->faults, "argument %.64s: example %zu does not fit: %s", l->what,
                          i + 1, why);
    }
}

/* Those of the parent that do not fit any more are left out. */
static void drop_examples(struct look *l)
{
    json_t *examples = json_object_get(l->a->schema, "examples");
    char why[WHY_MAX];
    if (!is_rewritten(l->a) || (l->a->change && l->a->change->examples))
        return;
    for (size_t i = json_array_size(examples); i-- > 0;) {
        if (fits(l->after, json_array_get(examples, i), why))
            continue;
        json_array_remove(examples, i);
        l->d->is_stale = true;
    }
    if (examples && json_array_size(examples) == 0)
        json_object_del(l->a->schema, "examples");
}

/* ---------------------------------------------------------------- schema against schema */

static const struct type_name {
    uint32_t bits;
    const char *name;
} type_names[] = {
    {GN_NULL, "null"},       {GN_BOOL, "boolean"}, {GN_NUMBERS, "number"}, {GN_WHOLE, "integer"},
    {GN_FRACTION, "number"}, {GN_TEXTS, "string"}, {GN_ARRAYS, "array"},   {GN_OBJECTS, "object"},
};

static const char *types_text(uint32_t types, struct gn_buf *out)
{
    for (size_t i = 0; i < GN_COUNT(type_names); i++) {
        if ((types & type_names[i].bits) != type_names[i].bits)
            continue;
        gn_buf_addf(out, "%s%s", out->len ? " or " : "", type_names[i].name);
        types &= ~type_names[i].bits;
    }
    return out->len ? gn_buf_str(out) : "nothing";
}

static void tell_types(struct look *l, uint32_t after, uint32_t before)
{
    struct gn_buf texts[2] = {GN_BUF_INIT(256), GN_BUF_INIT(256)};
    gn_faults_add(&l->d->faults, "argument %.64s: its schema takes %s, %.64s takes %s", l->what,
                  types_text(after, &texts[0]), l->d->parent->name, types_text(before, &texts[1]));
    gn_buf_release(&texts[0]);
    gn_buf_release(&texts[1]);
}

/* The only values it takes, as a new array; NULL: there are others, or it is not known. */
static json_t *only_values(const json_t *s)
{
    static const char *const words[] = {"oneOf", "anyOf"};
    json_t *values = json_object_get(s, "enum"), *value = json_object_get(s, "const"), *v;
    size_t at;
    if (value || values)
        return value ? json_pack("[O]", value) : json_is_array(values) ? json_incref(values) : NULL;
    for (size_t i = 0; i < GN_COUNT(words); i++) {
        const json_t *choices = json_object_get(s, words[i]);
        json_t *all = json_array();
        json_array_foreach(choices, at, v)
        {
            if (json_object_get(v, "const"))
                json_array_append(all, json_object_get(v, "const"));
        }
        if (json_array_size(all) > 0 && json_array_size(all) == json_array_size(choices))
            return all;
        json_decref(all);
    }
    return NULL;
}

/* True if one at least fits, or if it takes others as well. */
static bool one_fits(const json_t *schema, const struct gn_schema *s)
{
    json_t *values = only_values(schema), *v;
    char why[WHY_MAX];
    size_t i;
    bool found = json_array_size(values) == 0;
    json_array_foreach(values, i, v) found = found || fits(s, v, why);
    json_decref(values);
    return found;
}

/* What the parent says of it, behind references that are nothing else. */
static const json_t *plain(const struct look *l)
{
    const json_t *s = l->a->before;
    for (int i = 0; i < REF_MAX; i++) {
        const char *ref = json_string_value(json_object_get(s, "$ref"));
        const json_t *target = ref ? gn_derive_resolve(l->d, ref) : NULL;
        s = target ? target : s;
    }
    return s;
}

static const struct range {
    uint32_t types;
    const char *low, *above, *high, *below;
} ranges[] = {
    {GN_NUMBERS, "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"},
    {GN_TEXTS, "minLength", NULL, "maxLength", NULL},
    {GN_ARRAYS, "minItems", NULL, "maxItems", NULL},
    {GN_OBJECTS, "minProperties", NULL, "maxProperties", NULL},
};

/* What lies between the ends of both. */
static bool is_empty_range(const struct range *r, const json_t *a, const json_t *b)
{
    double low = -INFINITY, high = INFINITY;
    bool is_open = false;
    const json_t *both[] = {a, b};
    for (size_t i = 0; i < GN_COUNT(both); i++) {
        const json_t *ends[] = {json_object_get(both[i], r->low),
                                json_object_get(both[i], r->high)};
        low = json_is_number(ends[0]) ? GN_MAX(low, json_number_value(ends[0])) : low;
        high = json_is_number(ends[1]) ? GN_MIN(high, json_number_value(ends[1])) : high;
    }
    for (size_t i = 0; r->above && i < GN_COUNT(both); i++) {
        const json_t *above = json_object_get(both[i], r->above),
                     *below = json_object_get(both[i], r->below);
        double x = json_is_number(above) ? json_number_value(above) : -INFINITY,
               y = json_is_number(below) ? json_number_value(below) : INFINITY;
        is_open = is_open || (x >= low && x >= high) || (y <= high && y <= low) || x >= y;
        low = GN_MAX(low, x);
        high = GN_MIN(high, y);
    }
    return low > high || is_open;
}

static bool no_range_is_left(const struct look *l, uint32_t types)
{
    for (size_t i = 0; i < GN_COUNT(ranges); i++) {
        if ((types & ~ranges[i].types) == 0)
            return is_empty_range(&ranges[i], plain(l), l->a->schema);
    }
    return false;
}

/* Of what the tool takes, the parent must take something. */
static void check_narrows(struct look *l)
{
    if (!l->before || !l->after || !l->a->change || !l->a->change->schema || !l->passes_on)
        return;
    const char *parent = l->d->parent->name;
    uint32_t before = gn_schema_types(l->before), after = gn_schema_types(l->after);
    if ((before & after) == 0)
        tell_types(l, after, before);
    else if (!one_fits(l->a->schema, l->before))
        gn_faults_add(&l->d->faults,
                      "argument %.64s: %.64s takes none of the values that its schema allows",
                      l->what, parent);
    else if (!one_fits(plain(l), l->after))
        gn_faults_add(&l->d->faults,
                      "argument %.64s: its schema allows none of the values that %.64s takes",
                      l->what, parent);
    else if (no_range_is_left(l, before & after))
        gn_faults_add(&l->d->faults,
                      "argument %.64s: nothing that its schema allows is within the limits of "
                      "%.64s",
                      l->what, parent);
}

/* ---------------------------------------------------------------- sources */

static bool has_secret(const struct gn_call_env *env, const char *name)
{
    return env->secret && env->secret(env->secret_arg, name);
}

static void check_source(struct look *l)
{
    const struct gn_call_env *env = l->d->env;
    const struct gn_from_arg *change = l->a->change;
    enum gn_source source = change ? change->source : GN_SOURCE_NONE;
    bool is_text = source == GN_SOURCE_UUID || source == GN_SOURCE_NOW ||
                   source == GN_SOURCE_PRINCIPAL;
    if (is_text && l->before && !(gn_schema_types(l->before) & GN_TEXTS))
        gn_faults_add(&l->d->faults,
                      "argument %.64s: its source gives a string, but %.64s takes none there",
                      l->what, l->d->parent->name);
    /* One that the parent does not need is just not there. */
    if (env && source == GN_SOURCE_ENV && l->a->was_required && !getenv(change->source_name))
        gn_faults_add(&l->d->faults, "argument %.64s: environment variable %.64s is not set",
                      l->what, change->source_name);
    if (env && source == GN_SOURCE_SECRET && !has_secret(env, change->source_name))
        gn_faults_add(&l->d->faults, "argument %.64s: there is no secret %.64s", l->what,
                      change->source_name);
}

/* ---------------------------------------------------------------- all */

static void look_at(struct gn_derivation *d, struct gn_derived_arg *a)
{
    struct look l = {
        .d = d,
        .a = a,
        .what = a->parent_name ? a->parent_name : a->name,
        .passes_on = !d->is_around && a->parent_name,
    };
    if (!gn_arg_is_touched(a))
        return;
    if (a->before)
        l.before = compile(d, d->before, a->parent_name);
    if (a->schema && d->after)
        l.after = compile(d, d->after, a->name);
    check_value(&l);
    check_kept_default(&l);
    check_examples(&l);
    check_narrows(&l);
    check_source(&l);
    drop_examples(&l);
    gn_schema_free(l.before);
    gn_schema_free(l.after);
}

void gn_derive_check(struct gn_derivation *d)
{
    for (size_t i = 0; i < d->count; i++)
        look_at(d, &d->args[i]);
}
