/* form.c - from what an author declares to what a client is sent. */
#include "plugin/form_internal.h"

#include "plugin/abi_internal.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdio.h>
#include <string.h>

#define FIELDS_MAX 256
#define CHOICES_MAX 1000
#define TEXT_MAX ((size_t)256 * 1024) /* of a schema as text */
#define WORD_MAX 40

static const char *const text_keywords[] = {"type",      "title",  "description", "minLength",
                                            "maxLength", "format", "default",     NULL};
static const char *const number_keywords[] = {"type",    "title",   "description", "minimum",
                                              "maximum", "default", NULL};
static const char *const boolean_keywords[] = {"type", "title", "description", "default", NULL};
static const char *const choice_keywords[] = {"type",      "title", "description", "enum",
                                              "enumNames", "oneOf", "default",     NULL};
static const char *const choices_keywords[] = {"type",     "title", "description", "minItems",
                                               "maxItems", "items", "default",     NULL};
static const char *const *const keywords_of[] = {
    [GN_FORM_TEXT] = text_keywords,       [GN_FORM_NUMBER] = number_keywords,
    [GN_FORM_BOOLEAN] = boolean_keywords, [GN_FORM_CHOICE] = choice_keywords,
    [GN_FORM_CHOICES] = choices_keywords,
};
static const char *const kind_names[] = {
    [GN_FORM_TEXT] = "a string",           [GN_FORM_NUMBER] = "a number",
    [GN_FORM_BOOLEAN] = "a boolean",       [GN_FORM_CHOICE] = "a choice",
    [GN_FORM_CHOICES] = "several choices",
};
/* Of the whole form. What an answer may hold besides is for the client to say. */
static const char *const form_keywords[] = {
    "$schema", "type", "title", "description", "properties", "required", "additionalProperties",
    NULL};
static const char *const formats[] = {"email", "uri", "date", "date-time", NULL};

static bool is_in(const char *word, const char *const *words)
{
    while (*words && strcmp(*words, word) != 0)
        words++;
    return *words != NULL;
}

/* ---------------------------------------------------------------- what is declared */

const char *gn_form_value(const gantry_json *choice)
{
    const gantry_json *value = gn_json_type(choice) == GN_JSON_OBJECT ? gn_json_get(choice, "const")
                                                                      : choice;
    return gn_json_cstr(value);
}

const char *gn_form_title(const struct gn_form_field *f, const gantry_json *choice, size_t index)
{
    const char *title = gn_json_cstr(gn_json_get(choice, "title"));
    if (!title && f->names)
        title = gn_json_cstr(gn_json_at(f->names, index));
    return title ? title : gn_form_value(choice);
}

bool gn_form_name(char ret[GN_FORM_NAME_MAX], const struct gn_form_field *f,
                  const gantry_json *choice)
{
    int n = snprintf(ret, GN_FORM_NAME_MAX, "%s.%s", f->name, gn_form_value(choice));
    return n > 0 && n < GN_FORM_NAME_MAX;
}

static int check_titled(const gantry_json *list, struct gn_error *err)
{
    const gantry_json *choice = NULL;
    while ((choice = gn_json_next(list, choice)) != NULL) {
        if (!gn_form_value(choice) || gn_json_type(choice) != GN_JSON_OBJECT ||
            !gn_json_cstr(gn_json_get(choice, "title")) || gn_json_count(choice) != 2)
            return gn_error_set(err, GN_EINVAL,
                                "a titled choice is {\"const\": text, \"title\": text}");
    }
    return 0;
}

static int check_texts(const gantry_json *list, const char *what, struct gn_error *err)
{
    const gantry_json *v = NULL;
    while ((v = gn_json_next(list, v)) != NULL) {
        if (!gn_json_cstr(v))
            return gn_error_set(err, GN_EINVAL, "%s must be strings", what);
    }
    return 0;
}

/* values: `enum`, or (titled) oneOf or anyOf. */
static int take_choices(struct gn_form_field *f, const gantry_json *plain,
                        const gantry_json *titled, struct gn_error *err)
{
    f->values = plain ? plain : titled;
    if (plain && titled)
        return gn_error_set(err, GN_EINVAL, "choices are given twice");
    if (gn_json_type(f->values) != GN_JSON_ARRAY || f->values->len == 0)
        return gn_error_set(err, GN_EINVAL, "there is nothing to choose from");
    if (f->values->len > CHOICES_MAX)
        return gn_error_set(err, GN_ETOOBIG, "more than %d choices", CHOICES_MAX);
    return plain ? check_texts(plain, "choices", err) : check_titled(titled, err);
}

static int take_one(struct gn_form_field *f, struct gn_error *err)
{
    const gantry_json *plain = gn_json_get(f->schema, "enum");
    int rc = take_choices(f, plain, gn_json_get(f->schema, "oneOf"), err);
    f->names = gn_json_get(f->schema, "enumNames");
    if (rc || !f->names)
        return rc;
    if (!plain || gn_json_type(f->names) != GN_JSON_ARRAY || f->names->len != plain->len)
        return gn_error_set(err, GN_EINVAL, "enumNames must name each value of enum");
    return check_texts(f->names, "enumNames", err);
}

static int take_several(struct gn_form_field *f, struct gn_error *err)
{
    static const char *const known[] = {"type", "enum", "anyOf", NULL};
    const gantry_json *items = gn_json_get(f->schema, "items"), *v = NULL;
    const gantry_json *type = gn_json_get(items, "type");
    const gantry_json *plain = gn_json_get(items, "enum"), *titled = gn_json_get(items, "anyOf");
    if ((type && !gn_json_streq(type, "string")) || (!plain && !titled))
        return gn_error_set(err, GN_EINVAL,
                            "MCP's forms have arrays only of strings to choose from");
    while ((v = gn_json_next(items, v)) != NULL) {
        if (!is_in(gn_json_name(v, NULL), known))
            return gn_error_set(err, GN_EINVAL, "MCP's forms have no \"%s\" in arrays",
                                gn_json_name(v, NULL));
    }
    return take_choices(f, plain, titled, err);
}

static int take_kind(struct gn_form_field *f, struct gn_error *err)
{
    const gantry_json *type = gn_json_get(f->schema, "type");
    if (gn_json_streq(type, "string"))
        f->kind = gn_json_get(f->schema, "enum") || gn_json_get(f->schema, "oneOf") ? GN_FORM_CHOICE
                                                                                    : GN_FORM_TEXT;
    else if (gn_json_streq(type, "integer") || gn_json_streq(type, "number"))
        f->kind = GN_FORM_NUMBER;
    else if (gn_json_streq(type, "boolean"))
        f->kind = GN_FORM_BOOLEAN;
    else if (gn_json_streq(type, "array"))
        f->kind = GN_FORM_CHOICES;
    else
        return gn_error_set(err, GN_EINVAL,
                            "MCP's forms are flat: strings, numbers, booleans and choices, not %s",
                            gn_json_streq(type, "object") ? "objects" : "this type");
    return 0;
}

static bool is_default_right(const struct gn_form_field *f)
{
    static const uint8_t types[] = {[GN_FORM_TEXT] = GN_JSON_STRING,
                                    [GN_FORM_NUMBER] = GN_JSON_NUMBER,
                                    [GN_FORM_CHOICE] = GN_JSON_STRING,
                                    [GN_FORM_CHOICES] = GN_JSON_ARRAY};
    int type = gn_json_type(f->fallback);
    if (f->kind == GN_FORM_BOOLEAN)
        return type == GN_JSON_TRUE || type == GN_JSON_FALSE;
    return type == types[f->kind] &&
           (f->kind != GN_FORM_CHOICES || check_texts(f->fallback, "", NULL) == 0);
}

static int check_keywords(const struct gn_form_field *f, struct gn_error *err)
{
    const gantry_json *v = NULL, *format = gn_json_get(f->schema, "format");
    while ((v = gn_json_next(f->schema, v)) != NULL) {
        const char *word = gn_json_name(v, NULL);
        /* One table may serve a tool too, where it means something. */
        if (!is_in(word, keywords_of[f->kind]) && strcmp(word, "x-mcp-header") != 0)
            return gn_error_set(err, GN_EINVAL, "MCP's forms have no \"%.*s\" for %s", WORD_MAX,
                                word, kind_names[f->kind]);
    }
    if (format && (!gn_json_cstr(format) || !is_in(gn_json_cstr(format), formats)))
        return gn_error_set(err, GN_EINVAL,
                            "MCP's forms have the formats email, uri, date and date-time only");
    if (f->fallback && !is_default_right(f))
        return gn_error_set(err, GN_EINVAL, "its default is not %s", kind_names[f->kind]);
    return 0;
}

static int take_field(struct gn_form_field *f, const gantry_json *schema, struct gn_error *err)
{
    size_t len = 0;
    f->name = gn_json_name(schema, &len);
    f->schema = schema;
    f->fallback = gn_json_get(schema, "default");
    if (len == 0 || len > GN_FORM_NAME_MAX / 2 || strlen(f->name) != len)
        return gn_error_set(err, GN_EINVAL, "a field's name is empty, too long, or has U+0000");
    if (gn_json_type(schema) != GN_JSON_OBJECT)
        return gn_error_set(err, GN_EINVAL, "its schema is not an object");
    int rc = take_kind(f, err);
    if (!rc && f->kind == GN_FORM_CHOICE)
        rc = take_one(f, err);
    if (!rc && f->kind == GN_FORM_CHOICES)
        rc = take_several(f, err);
    return rc ? rc : check_keywords(f, err);
}

static int take_required(struct gn_form *form, const gantry_json *required, struct gn_error *err)
{
    const gantry_json *v = NULL;
    while ((v = gn_json_next(required, v)) != NULL) {
        struct gn_form_field *f = NULL;
        for (size_t i = 0; i < form->count && !f; i++)
            f = gn_json_streq(v, form->v[i].name) ? &form->v[i] : NULL;
        if (!f)
            return gn_error_set(err, GN_EINVAL, "required names a field that is not there");
        f->is_required = true;
    }
    return 0;
}

/* A boolean that stands for one of several values must not be taken for another field. */
static int check_names(const struct gn_form *form, struct gn_error *err)
{
    char name[GN_FORM_NAME_MAX];
    for (size_t i = 0; i < form->count; i++) {
        const gantry_json *choice = NULL;
        if (form->v[i].kind != GN_FORM_CHOICES)
            continue;
        while ((choice = gn_json_next(form->v[i].values, choice)) != NULL) {
            bool is_fit = gn_form_name(name, &form->v[i], choice);
            for (size_t k = 0; k < form->count && is_fit; k++)
                is_fit = strcmp(form->v[k].name, name) != 0;
            if (!is_fit)
                return gn_error_set(err, GN_EINVAL, "\"%.*s\": its choice \"%.*s\" %s", WORD_MAX,
                                    form->v[i].name, WORD_MAX, gn_form_value(choice),
                                    "is too long, or together they are another field's name");
        }
    }
    return 0;
}

static int take_schema(struct gn_form *form, const gantry_json *root, struct gn_error *err)
{
    const gantry_json *properties = gn_json_get(root, "properties"), *v = NULL;
    if (gn_json_type(root) != GN_JSON_OBJECT ||
        !gn_json_streq(gn_json_get(root, "type"), "object") ||
        gn_json_type(properties) != GN_JSON_OBJECT)
        return gn_error_set(err, GN_EINVAL,
                            "a form's schema has \"type\": \"object\" and \"properties\"");
    while ((v = gn_json_next(root, v)) != NULL) {
        if (!is_in(gn_json_name(v, NULL), form_keywords))
            return gn_error_set(err, GN_EINVAL, "MCP's forms have no \"%.*s\"", WORD_MAX,
                                gn_json_name(v, NULL));
    }
    if (properties->len > FIELDS_MAX)
        return gn_error_set(err, GN_ETOOBIG, "more than %d fields", FIELDS_MAX);
    form->v = gn_calloc(GN_MAX(properties->len, 1u), sizeof *form->v);
    while ((v = gn_json_next(properties, v)) != NULL) {
        int rc = take_field(&form->v[form->count++], v, err);
        if (rc) {
            gn_error_prefix(err, "field \"%.*s\": ", WORD_MAX, gn_json_name(v, NULL));
            return rc;
        }
    }
    int rc = take_required(form, gn_json_get(root, "required"), err);
    return rc ? rc : check_names(form, err);
}

/* Answers are checked by what the client is sent, whatever else the author wrote. */
static int make_of_text(struct gn_form *form, const char *text, struct gn_error *err)
{
    static const struct gn_schema_options options = {.assert_formats = true};
    struct gn_buf sent = GN_BUF_INIT(TEXT_MAX * 2);
    struct gn_jw w;
    size_t len = strnlen(text, TEXT_MAX + 1);
    if (len > TEXT_MAX)
        return gn_error_set(err, GN_ETOOBIG, "the schema has more than %zu bytes", TEXT_MAX);
    int rc = gn_json_parse_copy(&form->doc, text, len, NULL, err);
    if (!rc)
        rc = take_schema(form, gn_json_root(&form->doc), err);
    if (rc)
        return rc;
    gn_jw_init(&w, &sent);
    gn_form_write(form, GN_REV_LATEST, &w, NULL);
    rc = sent.overflow
             ? gn_error_set(err, GN_ETOOBIG, "the schema is too large")
             : gn_schema_compile(gn_buf_str(&sent), sent.len, &options, &form->schema, err);
    gn_buf_release(&sent);
    return rc;
}

int gn_form_make(const gantry_form *raw, struct gn_form **ret, struct gn_error *err)
{
    gantry_form f = {0};
    *ret = NULL;
    int rc = raw ? gn_abi_copy(&f, sizeof f, offsetof(gantry_form, reserved2), raw, err) : 0;
    if (rc)
        return rc;
    if (raw && !f.args == !f.schema_json)
        return gn_error_set(err, GN_EINVAL, "a form has a table or a schema: %s",
                            f.args ? "this one has both" : "this one has neither");
    struct gn_form *form = gn_calloc(1, sizeof *form);
    form->refs = 1;
    if (f.args) {
        rc = gn_fields_import(f.args, f.arg_size, f.in_size, &form->fields, err);
        if (!rc)
            rc = take_schema(form, gn_schema_root(form->fields->schema), err);
    } else if (f.schema_json) {
        rc = make_of_text(form, f.schema_json, err);
    }
    if (rc)
        gn_form_unref(form);
    else
        *ret = form;
    return rc;
}

struct gn_form *gn_form_ref(struct gn_form *form)
{
    form->refs++;
    return form;
}

void gn_form_unref(struct gn_form *form)
{
    if (!form || --form->refs > 0)
        return;
    gn_fields_free(form->fields);
    gn_schema_free(form->schema);
    gn_json_release(&form->doc);
    gn_free(form->v);
    gn_free(form);
}

/* ---------------------------------------------------------------- what a client is sent */

static void write_items(const struct gn_form_field *f, struct gn_jw *w)
{
    bool is_titled = gn_json_type(gn_json_at(f->values, 0)) == GN_JSON_OBJECT;
    gn_jw_object(w, "items");
    if (!is_titled)
        gn_jw_str(w, "type", "string");
    gn_jw_json(w, is_titled ? "anyOf" : "enum", f->values);
    gn_jw_end(w);
}

static void write_field(const struct gn_form_field *f, struct gn_jw *w)
{
    gn_jw_object(w, f->name);
    for (const char *const *word = keywords_of[f->kind]; *word; word++) {
        const gantry_json *v = gn_json_get(f->schema, *word);
        if (v && strcmp(*word, "items") == 0)
            write_items(f, w);
        else if (v)
            gn_jw_json(w, *word, v);
    }
    gn_jw_end(w);
}

/* 2025-06-18 has titles in a list of their own, and defaults for booleans only. */
static void write_old_field(const struct gn_form_field *f, struct gn_jw *w)
{
    const gantry_json *choice = NULL;
    gn_jw_object(w, f->name);
    for (const char *const *word = keywords_of[f->kind]; *word; word++) {
        const gantry_json *v = gn_json_get(f->schema, *word);
        if (v && strcmp(*word, "oneOf") != 0 &&
            (f->kind == GN_FORM_BOOLEAN || strcmp(*word, "default") != 0))
            gn_jw_json(w, *word, v);
    }
    if (f->kind == GN_FORM_CHOICE && gn_json_get(f->schema, "oneOf")) {
        gn_jw_array(w, "enum");
        while ((choice = gn_json_next(f->values, choice)) != NULL)
            gn_jw_str(w, NULL, gn_form_value(choice));
        gn_jw_end(w);
        gn_jw_array(w, "enumNames");
        while ((choice = gn_json_next(f->values, choice)) != NULL)
            gn_jw_str(w, NULL, gn_form_title(f, choice, 0));
        gn_jw_end(w);
    }
    gn_jw_end(w);
}

static bool is_chosen(const gantry_json *chosen, const char *value)
{
    const gantry_json *v = NULL;
    while ((v = gn_json_next(chosen, v)) != NULL) {
        if (gn_json_streq(v, value))
            return true;
    }
    return false;
}

/* A choice of several, for those who have none: a boolean for each. */
static void write_booleans(const struct gn_form_field *f, struct gn_jw *w)
{
    const char *group = gn_json_cstr(gn_json_get(f->schema, "title"));
    const gantry_json *choice = NULL;
    char name[GN_FORM_NAME_MAX];
    for (size_t i = 0; (choice = gn_json_next(f->values, choice)) != NULL; i++) {
        struct gn_buf title = GN_BUF_INIT(4096);
        gn_form_name(name, f, choice);
        gn_buf_addf(&title, "%s: %s", group ? group : f->name, gn_form_title(f, choice, i));
        gn_jw_object(w, name);
        gn_jw_str(w, "type", "boolean");
        gn_jw_str(w, "title", gn_buf_str(&title));
        if (gn_json_get(f->schema, "description"))
            gn_jw_json(w, "description", gn_json_get(f->schema, "description"));
        if (f->fallback)
            gn_jw_bool(w, "default", is_chosen(f->fallback, gn_form_value(choice)));
        gn_jw_end(w);
        gn_buf_release(&title);
    }
}

static void write_required(const struct gn_form *form, bool is_old, struct gn_jw *w)
{
    bool is_open = false;
    for (size_t i = 0; i < form->count; i++) {
        if (!form->v[i].is_required || (is_old && form->v[i].kind == GN_FORM_CHOICES))
            continue;
        if (!is_open)
            gn_jw_array(w, "required");
        is_open = true;
        gn_jw_str(w, NULL, form->v[i].name);
    }
    if (is_open)
        gn_jw_end(w);
}

void gn_form_write(const struct gn_form *form, enum gn_revision revision, struct gn_jw *w,
                   const char *name)
{
    bool is_old = gn_form_is_old(revision);
    gn_jw_object(w, name);
    gn_jw_str(w, "type", "object");
    gn_jw_object(w, "properties");
    for (size_t i = 0; i < form->count; i++) {
        if (is_old && form->v[i].kind == GN_FORM_CHOICES)
            write_booleans(&form->v[i], w);
        else if (is_old)
            write_old_field(&form->v[i], w);
        else
            write_field(&form->v[i], w);
    }
    gn_jw_end(w);
    write_required(form, is_old, w);
    gn_jw_end(w);
}
