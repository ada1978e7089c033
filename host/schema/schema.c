/* schema.c - schemas written as JSON: the keywords that fields.h names are checked, the others
 * kept.
 *
 * A schema is walked as it stands, keyword by keyword, against the value. Since references are not
 * followed the walk ends with the shallower of the two, and the JSON reader has bounded both.
 */
#include "schema/schema.h"

#include "util/alloc.h"
#include "util/str.h"

#include <inttypes.h>
#include <string.h>

#define WHOLE_FROM 9007199254740992.0 /* 2^53: from here every double is whole */

struct gn_schema {
    json_t *document;
    struct gn_json_doc nodes; /* the same, as it is walked */
};

struct check {
    struct gn_problems *problems;
    bool ok;
};

static void check_node(struct check *c, const gantry_json *schema, const gantry_json *v,
                       const struct gn_path *at);

/* Sizes of strings (code points), arrays and objects, and bounds of numbers. */
static void bad(struct check *c, const struct gn_path *at, const char *expected,
                const gantry_json *k, const char *unit, const gantry_json *v)
{
    char limit[GN_SHOWN_MAX], shown[GN_SHOWN_MAX];
    c->ok = false;
    gn_problems_at(c->problems, at, "expected %s %s%s, got %s", expected, gn_show_value(limit, k),
                   unit, gn_show_value(shown, v));
}

static bool is_type(const gantry_json *v, const char *name)
{
    static const struct {
        const char *name;
        int a, b;
    } types[] = {
        {"null", GN_JSON_NULL, 0},     {"boolean", GN_JSON_FALSE, GN_JSON_TRUE},
        {"number", GN_JSON_NUMBER, 0}, {"string", GN_JSON_STRING, 0},
        {"array", GN_JSON_ARRAY, 0},   {"object", GN_JSON_OBJECT, 0},
    };
    int type = gn_json_type(v);
    if (gn_streq(name, "integer")) {
        int64_t i;
        double d;
        if (type != GN_JSON_NUMBER)
            return false;
        return (v->flags & GN_JSON_INTEGER) || gn_json_int(v, &i) ||
               (gn_json_num(v, &d) && (d >= WHOLE_FROM || d <= -WHOLE_FROM));
    }
    for (size_t i = 0; i < GN_COUNT(types); i++) {
        if (gn_streq(types[i].name, name))
            return type == types[i].a || type == types[i].b;
    }
    return false;
}

static void check_type(struct check *c, const gantry_json *schema GN_UNUSED, const gantry_json *k,
                       const gantry_json *v, const struct gn_path *at)
{
    struct gn_buf names = GN_BUF_INIT(256);
    char shown[GN_SHOWN_MAX];
    bool found = false;
    if (gn_json_type(k) == GN_JSON_STRING) {
        found = is_type(v, k->text);
        gn_buf_adds(&names, k->text);
    }
    for (const gantry_json *e = NULL;
         gn_json_type(k) == GN_JSON_ARRAY && !found && (e = gn_json_next(k, e)) != NULL;) {
        found = is_type(v, gn_json_str(e, NULL));
        gn_buf_addf(&names, "%s%s", names.len > 0 ? " or " : "", gn_json_str(e, NULL));
    }
    if (!found) {
        c->ok = false;
        gn_problems_at(c->problems, at, "expected %s, got %s", gn_buf_str(&names),
                       gn_show_value(shown, v));
    }
    gn_buf_release(&names);
}

static void check_const(struct check *c, const gantry_json *schema GN_UNUSED, const gantry_json *k,
                        const gantry_json *v, const struct gn_path *at)
{
    if (!gn_json_equal(k, v))
        bad(c, at, "exactly", k, "", v);
}

static void check_enum(struct check *c, const gantry_json *schema GN_UNUSED, const gantry_json *k,
                       const gantry_json *v, const struct gn_path *at)
{
    char shown[GN_SHOWN_MAX];
    size_t n = gn_json_count(k), i = 0;
    bool texts = gn_json_type(v) == GN_JSON_STRING;
    for (const gantry_json *e = NULL; (e = gn_json_next(k, e)) != NULL;) {
        if (gn_json_equal(e, v))
            return;
        texts = texts && gn_json_cstr(e) != NULL;
    }
    c->ok = false;
    if (texts) {
        const char **choices = gn_calloc(n + 1, sizeof(*choices));
        for (const gantry_json *e = NULL; (e = gn_json_next(k, e)) != NULL;)
            choices[i++] = e->text;
        gn_problems_choice(c->problems, at, choices, v->text, v->len);
        gn_free(choices);
    } else {
        struct gn_buf list = GN_BUF_INIT(GN_NAMES_KEPT * (GN_SHOWN_MAX + 8));
        for (const gantry_json *e = NULL; i < GN_NAMES_KEPT && (e = gn_json_next(k, e)) != NULL;
             i++)
            gn_buf_addf(&list, "%s%s", i > 0 ? ", " : "", gn_show_value(shown, e));
        gn_problems_at(c->problems, at, "expected one of %s%s, got %s", gn_buf_str(&list),
                       n > i ? ", ..." : "", gn_show_value(shown, v));
        gn_buf_release(&list);
    }
}

/* -1, 0, 1: exact where both are 64-bit integers. */
static int compare_numbers(const gantry_json *a, const gantry_json *b)
{
    int64_t ia, ib;
    if (gn_json_int(a, &ia) && gn_json_int(b, &ib))
        return (ia > ib) - (ia < ib);
    double da = 0, db = 0;
    gn_json_num(a, &da);
    gn_json_num(b, &db);
    return (da > db) - (da < db);
}

static void check_minimum(struct check *c, const gantry_json *schema GN_UNUSED,
                          const gantry_json *k, const gantry_json *v, const struct gn_path *at)
{
    if (gn_json_type(v) == GN_JSON_NUMBER && compare_numbers(v, k) < 0)
        bad(c, at, "at least", k, "", v);
}

static void check_maximum(struct check *c, const gantry_json *schema GN_UNUSED,
                          const gantry_json *k, const gantry_json *v, const struct gn_path *at)
{
    if (gn_json_type(v) == GN_JSON_NUMBER && compare_numbers(v, k) > 0)
        bad(c, at, "at most", k, "", v);
}

/* n against the keyword's number: below 0, 0 or above. */
static int compare_size(size_t n, const gantry_json *k)
{
    double limit = 0;
    gn_json_num(k, &limit);
    return ((double)n > limit) - ((double)n < limit);
}

static void check_min_length(struct check *c, const gantry_json *schema GN_UNUSED,
                             const gantry_json *k, const gantry_json *v, const struct gn_path *at)
{
    if (gn_json_type(v) == GN_JSON_STRING && compare_size(gn_utf8_count(v->text, v->len), k) < 0)
        bad(c, at, "string of at least", k, " characters", v);
}

static void check_max_length(struct check *c, const gantry_json *schema GN_UNUSED,
                             const gantry_json *k, const gantry_json *v, const struct gn_path *at)
{
    if (gn_json_type(v) == GN_JSON_STRING && compare_size(gn_utf8_count(v->text, v->len), k) > 0)
        bad(c, at, "string of at most", k, " characters", v);
}

static void check_min_items(struct check *c, const gantry_json *schema GN_UNUSED,
                            const gantry_json *k, const gantry_json *v, const struct gn_path *at)
{
    if (gn_json_type(v) == GN_JSON_ARRAY && compare_size(gn_json_count(v), k) < 0)
        bad(c, at, "array of at least", k, " elements", v);
}

static void check_max_items(struct check *c, const gantry_json *schema GN_UNUSED,
                            const gantry_json *k, const gantry_json *v, const struct gn_path *at)
{
    if (gn_json_type(v) == GN_JSON_ARRAY && compare_size(gn_json_count(v), k) > 0)
        bad(c, at, "array of at most", k, " elements", v);
}

static void check_items(struct check *c, const gantry_json *schema, const gantry_json *k,
                        const gantry_json *v, const struct gn_path *at)
{
    size_t first = gn_json_count(gn_json_get(schema, "prefixItems")), i = 0;
    if (gn_json_type(v) != GN_JSON_ARRAY)
        return;
    for (const gantry_json *e = NULL; (e = gn_json_next(v, e)) != NULL; i++) {
        struct gn_path here = {at, NULL, i};
        if (i >= first)
            check_node(c, k, e, &here);
    }
}

/* properties, required and additionalProperties in one go: their problems belong together. */
static void check_members(struct check *c, const gantry_json *schema, const gantry_json *v,
                          const struct gn_path *at)
{
    const gantry_json *properties = gn_json_get(schema, "properties");
    const gantry_json *required = gn_json_get(schema, "required");
    bool closed = gn_json_type(gn_json_get(schema, "additionalProperties")) == GN_JSON_FALSE &&
                  !gn_json_get(schema, "patternProperties");
    struct gn_names missing = {0}, unknown = {0};
    if (gn_json_type(v) != GN_JSON_OBJECT || (!properties && !required && !closed))
        return;
    for (const gantry_json *name = NULL; (name = gn_json_next(required, name)) != NULL;) {
        if (!gn_json_getn(v, name->text, name->len))
            gn_names_add(&missing, name->text, name->len);
    }
    for (const gantry_json *p = NULL; (p = gn_json_next(properties, p)) != NULL;) {
        size_t len = 0;
        const char *name = gn_json_name(p, &len);
        const gantry_json *m = gn_json_getn(v, name, len);
        struct gn_path here = {at, name, 0};
        if (m)
            check_node(c, p, m, &here);
    }
    for (const gantry_json *m = NULL; closed && (m = gn_json_next(v, m)) != NULL;) {
        size_t len = 0;
        const char *name = gn_json_name(m, &len);
        if (!gn_json_getn(properties, name, len))
            gn_names_add(&unknown, name, len);
    }
    if (missing.count + unknown.count == 0)
        return;
    c->ok = false;
    const char **known = gn_calloc(gn_json_count(properties) + 1, sizeof(*known));
    size_t n = 0;
    for (const gantry_json *p = NULL; (p = gn_json_next(properties, p)) != NULL;)
        known[n++] = gn_json_name(p, NULL);
    gn_problems_names(c->problems, at, &missing, &unknown, known);
    gn_free(known);
}

/* What a keyword's own value must be, for gn_schema_parse. */
static bool valid_type(const gantry_json *k)
{
    static const char *const names[] = {"null",   "boolean", "integer", "number",
                                        "string", "array",   "object"};
    const char *text = gn_json_cstr(k);
    for (size_t i = 0; text && i < GN_COUNT(names); i++) {
        if (gn_streq(names[i], text))
            return true;
    }
    bool all = gn_json_type(k) == GN_JSON_ARRAY && gn_json_count(k) > 0;
    for (const gantry_json *e = NULL; all && (e = gn_json_next(k, e)) != NULL;)
        all = gn_json_type(e) == GN_JSON_STRING && valid_type(e);
    return all;
}

static bool valid_any(const gantry_json *k GN_UNUSED)
{
    return true;
}

static bool valid_array(const gantry_json *k)
{
    return gn_json_type(k) == GN_JSON_ARRAY;
}

static bool valid_names(const gantry_json *k)
{
    bool all = gn_json_type(k) == GN_JSON_ARRAY;
    for (const gantry_json *e = NULL; all && (e = gn_json_next(k, e)) != NULL;)
        all = gn_json_type(e) == GN_JSON_STRING;
    return all;
}

static bool valid_number(const gantry_json *k)
{
    double d;
    return gn_json_num(k, &d);
}

static bool valid_size(const gantry_json *k)
{
    double d;
    return gn_json_num(k, &d) && d >= 0;
}

static bool valid_object(const gantry_json *k)
{
    return gn_json_type(k) == GN_JSON_OBJECT;
}

static bool valid_schema(const gantry_json *k)
{
    int type = gn_json_type(k);
    return type == GN_JSON_OBJECT || type == GN_JSON_TRUE || type == GN_JSON_FALSE;
}

/* Before 2020-12 items could be an array of schemas: kept, not checked. */
static bool valid_items(const gantry_json *k)
{
    return valid_schema(k) || gn_json_type(k) == GN_JSON_ARRAY;
}

struct keyword {
    const char *name, *takes;
    bool (*valid)(const gantry_json *k);
    void (*check)(struct check *c, const gantry_json *schema, const gantry_json *k,
                  const gantry_json *v, const struct gn_path *at); /* NULL: elsewhere */
};

static const struct keyword *keyword_find(const char *name)
{
    static const struct keyword keywords[] = {
        {"type", "the name of a type, or several", valid_type, check_type},
        {"const", "any value", valid_any, check_const},
        {"enum", "an array", valid_array, check_enum},
        {"minimum", "a number", valid_number, check_minimum},
        {"maximum", "a number", valid_number, check_maximum},
        {"minLength", "a number", valid_size, check_min_length},
        {"maxLength", "a number", valid_size, check_max_length},
        {"minItems", "a number", valid_size, check_min_items},
        {"maxItems", "a number", valid_size, check_max_items},
        {"items", "a schema", valid_items, check_items},
        {"properties", "an object", valid_object, NULL},
        {"required", "an array of names", valid_names, NULL},
        {"additionalProperties", "a schema", valid_schema, NULL},
    };
    for (size_t i = 0; i < GN_COUNT(keywords); i++) {
        if (gn_streq(keywords[i].name, name))
            return &keywords[i];
    }
    return NULL;
}

static void check_node(struct check *c, const gantry_json *schema, const gantry_json *v,
                       const struct gn_path *at)
{
    if (gn_json_type(schema) == GN_JSON_FALSE) {
        c->ok = false;
        gn_problems_at(c->problems, at, "is not allowed");
    }
    if (gn_json_type(schema) != GN_JSON_OBJECT)
        return;
    const gantry_json *type = gn_json_get(schema, "type");
    bool before = c->ok;
    c->ok = true;
    if (type)
        check_type(c, schema, type, v, at);
    /* One line says enough about a value of the wrong type. */
    bool right = c->ok;
    c->ok = before && right;
    if (!right)
        return;
    for (const gantry_json *k = NULL; (k = gn_json_next(schema, k)) != NULL;) {
        const struct keyword *keyword = k == type ? NULL : keyword_find(gn_json_name(k, NULL));
        if (keyword && keyword->check && !gn_streq(keyword->name, "type"))
            keyword->check(c, schema, k, v, at);
    }
    check_members(c, schema, v, at);
}

/* Looks at the keywords that will be checked, here and below. */
static int validate(const gantry_json *schema, const struct gn_path *at, struct gn_error *err)
{
    int rc = 0;
    for (const gantry_json *k = NULL; !rc && (k = gn_json_next(schema, k)) != NULL;) {
        const char *name = gn_json_name(k, NULL);
        const struct keyword *keyword = keyword_find(name);
        struct gn_path here = {at, name, 0};
        if (keyword && !keyword->valid(k)) {
            struct gn_problems p;
            char shown[GN_SHOWN_MAX];
            gn_problems_init(&p);
            gn_problems_at(&p, &here, "a schema has %s here, not %s", keyword->takes,
                           gn_show_value(shown, k));
            rc = gn_error_set(err, GN_EINVAL, "%s", gn_buf_str(&p.text));
            gn_problems_release(&p);
        } else if (gn_streq(name, "items") && gn_json_type(k) == GN_JSON_OBJECT) {
            rc = validate(k, &here, err);
        } else if (gn_streq(name, "properties")) {
            for (const gantry_json *p = NULL; !rc && (p = gn_json_next(k, p)) != NULL;) {
                struct gn_path below = {&here, gn_json_name(p, NULL), 0};
                if (!valid_schema(p))
                    rc = gn_error_set(err, GN_EINVAL, "the property \"%s\" is not a schema",
                                      gn_json_name(p, NULL));
                else if (gn_json_type(p) == GN_JSON_OBJECT)
                    rc = validate(p, &below, err);
            }
        }
    }
    return rc;
}

int gn_schema_parse(const char *json, struct gn_schema **ret, struct gn_error *err)
{
    struct gn_path root = {NULL, "", 0};
    *ret = NULL;
    struct gn_schema *s = gn_calloc(1, sizeof(*s));
    int rc = gn_json_parse_copy(&s->nodes, json, strlen(json), NULL, err);
    if (!rc && gn_json_type(gn_json_root(&s->nodes)) != GN_JSON_OBJECT)
        rc = gn_error_set(err, GN_EINVAL, "a schema is an object, not %s",
                          gn_json_type_name(gn_json_root(&s->nodes)));
    if (!rc)
        rc = validate(gn_json_root(&s->nodes), &root, err);
    if (!rc) {
        s->document = gn_json_to_jansson(gn_json_root(&s->nodes));
        if (!s->document)
            rc = gn_error_set(err, GN_EINVAL,
                              "the schema has a name or number that cannot be kept");
    }
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
    json_decref(s->document);
    gn_json_release(&s->nodes);
    gn_free(s);
}

const json_t *gn_schema_document(const struct gn_schema *s)
{
    return s->document;
}

bool gn_schema_check_at(const struct gn_schema *s, const gantry_json *value,
                        const struct gn_path *at, struct gn_problems *p)
{
    struct check c = {p, true};
    check_node(&c, gn_json_root(&s->nodes), value, at);
    return c.ok;
}

int gn_schema_check(const struct gn_schema *s, const gantry_json *value,
                    struct gn_problems *problems)
{
    struct gn_path root = {NULL, "", 0};
    return gn_schema_check_at(s, value, &root, problems) ? 0 : GN_EINVAL;
}
