/* field.c - fields of a form: what each wants, and what was typed turned into a value. */
#include "field.h"

#include "schema/schema.h"
#include "text.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define CHOICES_MAX 1000
#define VALUE_MAX ((size_t)1 << 20) /* bytes of one value */
#define SHOWN_MAX ((size_t)64 * 1024)

/* ---------------------------------------------------------------- reading the schema */

/* {"enum": [...], "enumNames": [...]}, or a list of {"const": ..., "title": ...}. */
static void read_choices(struct gn_field *f, const gantry_json *schema)
{
    const gantry_json *values = gn_json_get(schema, "enum"), *v = NULL;
    const gantry_json *titles = gn_json_get(schema, "enumNames");
    const bool has_parts = !values;
    if (has_parts)
        values = gn_json_get(schema, "oneOf");
    if (!values)
        values = gn_json_get(schema, "anyOf");
    if (gn_json_type(values) != GN_JSON_ARRAY || gn_json_count(values) == 0)
        return;
    f->choices = gn_calloc(GN_MIN(gn_json_count(values), (size_t)CHOICES_MAX), sizeof(*f->choices));
    while ((v = gn_json_next(values, v)) && f->choice_count < CHOICES_MAX) {
        struct gn_choice *c = &f->choices[f->choice_count];
        c->value = has_parts ? gn_json_get(v, "const") : v;
        c->title = gn_json_cstr(has_parts ? gn_json_get(v, "title")
                                          : gn_json_at(titles, f->choice_count));
        f->choice_count += c->value != NULL;
    }
}

static void compile_check(struct gn_field *f)
{
    const struct gn_schema_options options = {.assert_formats = true};
    struct gn_buf text = GN_BUF_INIT(VALUE_MAX);
    if (gn_json_write(&text, f->schema) ||
        gn_schema_compile(gn_buf_str(&text), text.len, &options, &f->check, NULL))
        f->check = NULL;
    gn_buf_release(&text);
}

static void read_field(struct gn_field *f, const gantry_json *schema, const gantry_json *required)
{
    static const struct {
        const char *type;
        enum gn_field_kind kind;
    } kinds[] = {{"integer", GN_FIELD_INTEGER},
                 {"number", GN_FIELD_NUMBER},
                 {"boolean", GN_FIELD_BOOLEAN},
                 {"array", GN_FIELD_CHOICES}};
    const gantry_json *type = gn_json_get(schema, "type"), *item = NULL;
    f->name = gn_json_name(schema, NULL);
    f->schema = schema;
    f->title = gn_json_cstr(gn_json_get(schema, "title"));
    f->description = gn_json_cstr(gn_json_get(schema, "description"));
    f->fallback = gn_json_get(schema, "default");
    for (size_t i = 0; i < GN_COUNT(kinds); i++) {
        if (gn_json_streq(type, kinds[i].type))
            f->kind = kinds[i].kind;
    }
    while ((item = gn_json_next(required, item)))
        f->is_required |= gn_json_streq(item, f->name);
    read_choices(f, f->kind == GN_FIELD_CHOICES ? gn_json_get(schema, "items") : schema);
    if (f->choice_count > 0 && f->kind != GN_FIELD_CHOICES)
        f->kind = GN_FIELD_CHOICE;
    compile_check(f);
}

int gn_fields_read(const gantry_json *schema, struct gn_fields *ret, struct gn_error *err)
{
    const gantry_json *properties = gn_json_get(schema, "properties"), *p = NULL;
    const gantry_json *required = gn_json_get(schema, "required");
    *ret = (struct gn_fields){0};
    if (gn_json_type(schema) != GN_JSON_OBJECT ||
        (properties && gn_json_type(properties) != GN_JSON_OBJECT))
        return gn_error_set(err, GN_EINVAL, "the form has no fields that can be read");
    if (gn_json_count(properties) > GN_FIELDS_MAX)
        return gn_error_set(err, GN_ETOOBIG, "the form has more than %d fields", GN_FIELDS_MAX);
    ret->v = gn_calloc(gn_json_count(properties) + 1, sizeof(*ret->v));
    while ((p = gn_json_next(properties, p))) {
        if (gn_json_type(p) != GN_JSON_OBJECT) {
            gn_fields_release(ret);
            return gn_error_set(err, GN_EINVAL, "the form has a field without a schema");
        }
        read_field(&ret->v[ret->count++], p, required);
    }
    return 0;
}

void gn_fields_release(struct gn_fields *form)
{
    for (size_t i = 0; i < form->count; i++) {
        gn_free(form->v[i].choices);
        gn_schema_free(form->v[i].check);
    }
    gn_free(form->v);
    *form = (struct gn_fields){0};
}

/* ---------------------------------------------------------------- what was typed */

static const struct gn_choice *find_choice(const struct gn_field *f, const char *word)
{
    int64_t number;
    if (gn_parse_int64(word, &number) && number >= 1 && (uint64_t)number <= f->choice_count)
        return &f->choices[number - 1];
    for (size_t pass = 0; pass < 2; pass++) { /* as it is written; else in any case */
        for (size_t i = 0; i < f->choice_count; i++) {
            const char *value = gn_json_cstr(f->choices[i].value), *title = f->choices[i].title;
            bool (*equal)(const char *a, const char *b) = pass ? gn_strcaseeq : gn_streq;
            if ((value && equal(word, value)) || (title && equal(word, title)))
                return &f->choices[i];
        }
    }
    return NULL;
}

static int add_choice(const struct gn_field *f, const char *word, struct gn_buf *out,
                      struct gn_error *err)
{
    const struct gn_choice *c = find_choice(f, word);
    if (!c && f->choice_count)
        return gn_error_set(err, GN_EINVAL,
                            "\"%s\" is none of the choices: type a number from 1 "
                            "to %zu",
                            word, f->choice_count);
    return c ? gn_json_write(out, c->value) : gn_json_write_str(out, word, strlen(word));
}

/* Cuts the next word off; blanks at both ends are dropped. NULL at the end. */
static char *next_word(char **at, const char *between)
{
    char *word = *at;
    if (!word)
        return NULL;
    size_t len = strcspn(word, between);
    *at = word[len] ? word + len + 1 : NULL;
    while (len > 0 && (word[len - 1] == ' ' || word[len - 1] == '\t'))
        len--;
    word[len] = '\0';
    return word + strspn(word, " \t");
}

/* "1, 3": with commas; numbers also with blanks between them. */
static int read_choices_typed(const struct gn_field *f, const char *typed, struct gn_buf *out,
                              struct gn_error *err)
{
    GN_AUTO_FREE char *copy = gn_strdup(typed);
    const bool has_commas = strpbrk(typed, ",;");
    const bool numbers = strspn(typed, "0123456789 \t") == strlen(typed);
    char *at = gn_strcaseeq(typed, "none") ? NULL : copy, *word;
    size_t n = 0;
    gn_buf_addc(out, '[');
    while ((word = next_word(&at, has_commas ? ",;" : numbers ? " \t" : ","))) {
        if (!*word)
            continue;
        gn_buf_adds(out, n++ ? "," : "");
        if (add_choice(f, word, out, err))
            return err->code;
    }
    gn_buf_addc(out, ']');
    return 0;
}

static int read_boolean(const char *typed, struct gn_buf *out, struct gn_error *err)
{
    static const char *const words[][5] = {{"n", "no", "false", "off", "0"},
                                           {"y", "yes", "true", "on", "1"}};
    for (size_t value = 0; value < 2; value++) {
        for (size_t i = 0; i < GN_COUNT(words[0]); i++) {
            if (gn_strcaseeq(typed, words[value][i]))
                return gn_buf_adds(out, value ? "true" : "false");
        }
    }
    return gn_error_set(err, GN_EINVAL, "type y for yes or n for no");
}

static int read_number(const struct gn_field *f, const char *typed, struct gn_buf *out,
                       struct gn_error *err)
{
    struct gn_json_doc doc = {0};
    int rc = gn_json_parse_copy(&doc, typed, strlen(typed), NULL, NULL);
    if (rc || gn_json_type(gn_json_root(&doc)) != GN_JSON_NUMBER)
        rc = gn_error_set(err, GN_EINVAL, "\"%s\" is no number%s", typed,
                          f->kind == GN_FIELD_INTEGER ? ": type digits only" : "");
    else
        rc = gn_json_write(out, gn_json_root(&doc));
    gn_json_release(&doc);
    return rc;
}

static int read_value(const struct gn_field *f, const char *typed, struct gn_buf *out,
                      struct gn_error *err)
{
    switch (f->kind) {
    case GN_FIELD_INTEGER:
    case GN_FIELD_NUMBER:
        return read_number(f, typed, out, err);
    case GN_FIELD_BOOLEAN:
        return read_boolean(typed, out, err);
    case GN_FIELD_CHOICE:
        return add_choice(f, typed, out, err);
    case GN_FIELD_CHOICES:
        return read_choices_typed(f, typed, out, err);
    case GN_FIELD_TEXT:
        break;
    }
    bool is_quotes = gn_streq(typed, "\"\"");
    return gn_json_write_str(out, typed, is_quotes ? 0 : strlen(typed));
}

/* The first thing that is wrong with a value, without the place, which is all of it. */
static int check_value(const struct gn_field *f, const char *json, size_t len, struct gn_error *err)
{
    struct gn_json_doc doc = {0};
    struct gn_problems problems;
    gn_problems_init(&problems);
    int rc = gn_json_parse_copy(&doc, json, len, NULL, err);
    if (rc == 0 && f->check)
        rc = gn_schema_validate(f->check, gn_json_root(&doc), 0, &problems);
    if (rc && problems.count) {
        const char *text = gn_buf_str(&problems.text), *reason = strstr(text, ": ");
        text = reason && reason < text + strcspn(text, "\n \"") + 1 ? reason + 2 : text;
        gn_error_set(err, GN_EINVAL, "%.*s", (int)GN_MIN(strcspn(text, "\n"), (size_t)500), text);
    }
    gn_problems_release(&problems);
    gn_json_release(&doc);
    return rc;
}

static bool has_control(const char *text)
{
    for (; *text; text++) {
        if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
            return true;
    }
    return false;
}

int gn_field_read(const struct gn_field *f, const char *typed, struct gn_buf *out,
                  struct gn_error *err)
{
    GN_AUTO_FREE char *copy = gn_strdup(typed);
    struct gn_error why = {0};
    char *at = copy, *word = next_word(&at, "");
    struct gn_buf value = GN_BUF_INIT(VALUE_MAX);
    int rc = 0;
    if (!*word)
        return GN_ENOENT;
    if (!gn_utf8_valid(word, strlen(word)))
        rc = gn_error_set(&why, GN_EINVAL, "this is not UTF-8");
    else if (has_control(word))
        rc = gn_error_set(&why, GN_EINVAL,
                          "this holds control characters, such as arrow keys make");
    if (rc == 0)
        rc = read_value(f, word, &value, &why);
    if (rc == 0)
        rc = check_value(f, gn_buf_str(&value), value.len, &why);
    if (rc == 0)
        rc = gn_buf_add(out, gn_buf_str(&value), value.len);
    else
        gn_error_set(err, GN_EINVAL, "%s", *why.text ? why.text : "this does not fit");
    gn_buf_release(&value);
    return rc ? GN_EINVAL : 0;
}

/* ---------------------------------------------------------------- what a person reads */

/* "1 to 5", "at least 1", "at most 5", of two members that are numbers; "" if there are none. */
static void add_range(const struct gn_field *f, const char *low_name, const char *high_name,
                      const char *unit, struct gn_buf *out)
{
    const gantry_json *low = gn_json_get(f->schema, low_name);
    const gantry_json *high = gn_json_get(f->schema, high_name);
    low = gn_json_type(low) == GN_JSON_NUMBER ? low : NULL;
    high = gn_json_type(high) == GN_JSON_NUMBER ? high : NULL;
    if (!low && !high)
        return;
    gn_buf_adds(out, out->len ? ", " : "");
    gn_buf_adds(out, low && high ? "" : low ? "at least " : "at most ");
    if (low)
        gn_buf_add(out, low->text, low->len);
    gn_buf_adds(out, low && high ? " to " : "");
    if (high)
        gn_buf_add(out, high->text, high->len);
    gn_buf_adds(out, unit);
}

static void add_format(const struct gn_field *f, struct gn_buf *out)
{
    static const struct {
        const char *format, *shown;
    } formats[] = {{"email", "an email address"},
                   {"uri", "an address (URI)"},
                   {"date", "a date, 2026-12-31"},
                   {"date-time", "a time, 2026-12-31T23:59:59Z"}};
    const gantry_json *format = gn_json_get(f->schema, "format");
    const char *shown = gn_json_cstr(format);
    for (size_t i = 0; i < GN_COUNT(formats); i++) {
        if (gn_json_streq(format, formats[i].format))
            shown = formats[i].shown;
    }
    if (shown)
        gn_text_add_safe(out, shown, strlen(shown), true);
}

void gn_field_add_hint(const struct gn_field *f, struct gn_buf *out)
{
    struct gn_buf hint = GN_BUF_INIT(SHOWN_MAX);
    if (f->kind == GN_FIELD_TEXT) {
        add_format(f, &hint);
        add_range(f, "minLength", "maxLength", " characters", &hint);
    } else if (f->kind == GN_FIELD_BOOLEAN) {
        gn_buf_adds(&hint, "y or n");
    } else if (f->kind == GN_FIELD_CHOICE) {
        gn_buf_adds(&hint, "its number");
    } else if (f->kind == GN_FIELD_CHOICES) {
        int64_t least = 0;
        gn_json_int(gn_json_get(f->schema, "minItems"), &least);
        gn_buf_adds(&hint, least > 0 ? "numbers with commas" : "numbers with commas, or none");
        add_range(f, "minItems", "maxItems", " of them", &hint);
    } else {
        gn_buf_adds(&hint, f->kind == GN_FIELD_INTEGER ? "integer" : "number");
        add_range(f, "minimum", "maximum", "", &hint);
    }
    gn_buf_add(out, gn_buf_str(&hint), hint.len);
    gn_buf_release(&hint);
}

static void add_one(const struct gn_field *f, const gantry_json *value, struct gn_buf *out)
{
    size_t len;
    const char *text = gn_json_str(value, &len);
    for (size_t i = 0; i < f->choice_count; i++) {
        if (f->choices[i].title && gn_json_equal(f->choices[i].value, value)) {
            text = f->choices[i].title;
            len = strlen(text);
            break;
        }
    }
    struct gn_buf json = GN_BUF_INIT(SHOWN_MAX);
    if (!text && gn_json_write(&json, value) == 0) {
        text = gn_buf_str(&json);
        len = json.len;
    }
    if (text)
        gn_text_add_safe(out, text, len, true);
    gn_buf_release(&json);
}

void gn_field_add_shown(const struct gn_field *f, const gantry_json *value, struct gn_buf *out)
{
    const gantry_json *v = NULL;
    bool is_true;
    if (f->kind == GN_FIELD_BOOLEAN && gn_json_bool(value, &is_true)) {
        gn_buf_adds(out, is_true ? "yes" : "no");
    } else if (gn_json_type(value) != GN_JSON_ARRAY) {
        add_one(f, value, out);
    } else if (gn_json_count(value) == 0) {
        gn_buf_adds(out, "none");
    } else {
        for (size_t n = 0; (v = gn_json_next(value, v)); n++) {
            gn_buf_adds(out, n ? ", " : "");
            add_one(f, v, out);
        }
    }
}
