/* arguments.c - key=value, key:=json and --json, made into what a schema asks for. */
#include "target.h"

#include "util/alloc.h"
#include "util/str.h"
#include "json/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INPUT_MAX ((size_t)16 << 20)

enum { STRING = 1, INTEGER = 2, NUMBER = 4, BOOLEAN = 8, NULL_ = 16, ARRAY = 32, OBJECT = 64 };

static const struct {
    const char *name;
    unsigned bit;
} types[] = {
    {"string", STRING}, {"integer", INTEGER}, {"number", NUMBER}, {"boolean", BOOLEAN},
    {"null", NULL_},    {"array", ARRAY},     {"object", OBJECT},
};

static unsigned type_bit(const json_t *name)
{
    for (size_t i = 0; i < GN_COUNT(types); i++) {
        if (gn_streq(json_string_value(name), types[i].name))
            return types[i].bit;
    }
    return 0;
}

/* The types that a schema allows at its top, also those of its alternatives; 0: it does not say. */
static unsigned types_of(const json_t *schema)
{
    const json_t *type = json_object_get(schema, "type"), *item;
    unsigned found = type_bit(type);
    size_t i;
    json_array_foreach(type, i, item) found |= type_bit(item);
    static const char *const alternatives[] = {"anyOf", "oneOf"};
    for (size_t n = 0; n < GN_COUNT(alternatives) && !found; n++) {
        json_array_foreach(json_object_get(schema, alternatives[n]), i, item)
        {
            found |= type_bit(json_object_get(item, "type"));
        }
    }
    return found;
}

/* JSON text of any kind; NULL with err. */
static json_t *parse(const char *text, size_t len, struct gn_error *err)
{
    struct gn_json_doc doc;
    if (gn_json_parse_copy(&doc, text, len, NULL, err))
        return NULL;
    json_t *value = gn_json_to_jansson(gn_json_root(&doc));
    gn_json_release(&doc);
    if (!value)
        gn_error_set(err, GN_EINVAL, "holds a number that is too big");
    return value;
}

static json_t *read_number(const char *text, unsigned allowed)
{
    int64_t whole;
    if (gn_parse_int64(text, &whole))
        return json_integer(whole);
    char *end;
    double real = strtod(text, &end);
    bool is_decimal = text[strspn(text, "0123456789+-.eE")] ==
                      '\0'; /* strtod reads more than that */
    if ((allowed & NUMBER) && is_decimal && end != text && !*end && isfinite(real))
        return json_real(real);
    return NULL;
}

/* What the text means where these types are allowed; NULL if it is none of them. A text stays one
 * wherever it may: 007 is no number then. */
static json_t *coerce(const char *text, unsigned allowed)
{
    json_t *value = NULL;
    if (allowed == 0 || (allowed & STRING))
        return json_string(text);
    if (allowed & (INTEGER | NUMBER))
        value = read_number(text, allowed);
    if (!value && (allowed & BOOLEAN) && (gn_streq(text, "true") || gn_streq(text, "false")))
        value = json_boolean(gn_streq(text, "true"));
    if (!value && (allowed & (ARRAY | OBJECT)) && (*text == '[' || *text == '{'))
        value = parse(text, strlen(text), NULL);
    if (value && !(allowed & (json_is_array(value)    ? ARRAY
                              : json_is_object(value) ? OBJECT
                                                      : ~0u))) {
        json_decref(value);
        value = NULL;
    }
    if (!value && (allowed & NULL_) && gn_streq(text, "null"))
        value = json_null();
    return value;
}

static void add_types(struct gn_buf *out, unsigned allowed)
{
    for (size_t i = 0; i < GN_COUNT(types); i++) {
        if (allowed & types[i].bit)
            gn_buf_addf(out, "%s%s", out->len ? " or " : "", types[i].name);
    }
}

/* key=value. A list may be given element by element: tag=a tag=b. */
static int add_text(json_t *arguments, const char *key, const char *text, const json_t *schema,
                    struct gn_error *err)
{
    const json_t *property = json_object_get(json_object_get(schema, "properties"), key);
    unsigned allowed = types_of(property);
    json_t *value = coerce(text, allowed), *list = json_object_get(arguments, key);
    if (!value && (allowed & ARRAY)) {
        value = coerce(text, types_of(json_object_get(property, "items")));
        if (value) {
            if (!json_is_array(list)) {
                list = json_array();
                json_object_set_new(arguments, key, list);
            }
            json_array_append_new(list, value);
            return 0;
        }
    }
    if (!value) {
        struct gn_buf names = GN_BUF_INIT(256);
        add_types(&names, allowed);
        gn_error_set(err, GN_EINVAL, "%s is %s, and \"%s\" is not%s", key, gn_buf_str(&names), text,
                     allowed & (ARRAY | OBJECT) ? " (write KEY:=JSON)" : "");
        gn_buf_release(&names);
        return GN_EINVAL;
    }
    json_object_set_new(arguments, key, value);
    return 0;
}

static int add_word(json_t *arguments, const char *word, const json_t *schema, struct gn_error *err)
{
    const char *equals = strchr(word, '=');
    if (!equals || equals == word || gn_starts_with(word, ":="))
        return gn_error_set(err, GN_EINVAL, "\"%s\" is not KEY=VALUE or KEY:=JSON", word);
    bool is_json = equals[-1] == ':';
    GN_AUTO_FREE char *key = gn_strndup(word, (size_t)(equals - word) - is_json);
    if (!gn_utf8_valid(word, strlen(word)))
        return gn_error_set(err, GN_EINVAL, "an argument is not UTF-8");
    if (!is_json)
        return add_text(arguments, key, equals + 1, schema, err);
    json_t *value = parse(equals + 1, strlen(equals + 1), err);
    if (!value) {
        gn_error_prefix(err, "%s: ", key);
        return GN_EINVAL;
    }
    json_object_set_new(arguments, key, value);
    return 0;
}

static int read_input(struct gn_buf *out, struct gn_error *err)
{
    for (;;) {
        char *at = gn_buf_reserve(out, 65536);
        ssize_t n = at ? read(STDIN_FILENO, at, 65536) : -1;
        if (n <= 0)
            return n == 0 ? 0
                          : gn_error_set(err, GN_EINVAL,
                                         "standard input cannot be read, or is too big");
        out->len += (size_t)n;
    }
}

static int add_json(json_t *arguments, const char *text, struct gn_error *err)
{
    struct gn_buf input = GN_BUF_INIT(INPUT_MAX);
    int rc = gn_streq(text, "-") ? read_input(&input, err) : gn_buf_adds(&input, text);
    json_t *value = rc ? NULL : parse(gn_buf_str(&input), input.len, err);
    gn_buf_release(&input);
    if (json_is_object(value))
        json_object_update(arguments, value);
    else
        gn_error_prefix(err, "--json: ");
    rc = json_is_object(value) ? 0 : GN_EINVAL;
    if (value && rc)
        gn_error_set(err, GN_EINVAL, "--json: must be an object: '{\"key\": \"value\"}'");
    json_decref(value);
    return rc;
}

int gn_arguments_json(const struct gn_cli_args *args, json_t **ret, struct gn_error *err)
{
    json_t *arguments = json_object();
    int rc = 0;
    for (size_t i = 0; i < args->given_count && rc == 0; i++) {
        if (gn_streq(args->given[i].option->name, "json"))
            rc = add_json(arguments, args->given[i].value, err);
    }
    if (rc) {
        json_decref(arguments);
        return rc;
    }
    *ret = arguments;
    return 0;
}

int gn_arguments_add(json_t *arguments, const char **words, const json_t *schema,
                     struct gn_error *err)
{
    int rc = 0;
    for (; *words && rc == 0; words++)
        rc = add_word(arguments, *words, schema, err);
    return rc;
}

int gn_arguments_texts(const char **words, size_t count, json_t **ret, struct gn_error *err)
{
    json_t *texts = json_object();
    for (size_t i = 0; i < count; i++) {
        const char *equals = strchr(words[i], '=');
        json_t *value = equals && equals > words[i] ? json_string(equals + 1) : NULL;
        if (!value) {
            json_decref(texts);
            return gn_error_set(err, GN_EINVAL,
                                gn_utf8_valid(words[i], strlen(words[i]))
                                    ? "\"%s\" is not KEY=VALUE"
                                    : "\"%s\" is not UTF-8",
                                words[i]);
        }
        GN_AUTO_FREE char *key = gn_strndup(words[i], (size_t)(equals - words[i]));
        json_object_set_new(texts, key, value);
    }
    *ret = texts;
    return 0;
}
