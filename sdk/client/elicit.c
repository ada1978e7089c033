/* elicit.c - questions to a person (2025-06-18, 2025-11-25 and 2026-07-28 "Elicitation"): what the
 * server asks is checked before anybody sees it, and what is answered before it is sent.
 *
 * Property schemas are taken as they come, as long as they are flat: servers in the field write
 * more than the four kinds that the protocol names (a null among the types, for instance).
 */
#include "asking.h"

#include "schema/schema.h"
#include "util/alloc.h"
#include "util/str.h"

#include <curl/curl.h>
#include <string.h>

#define FIELDS_MAX 1000
#define SCHEMA_MAX ((uint32_t)1 << 20) /* bytes */
#define SUBSCHEMAS_MAX 8000
#define URL_MAX 8192
#define COMPLETABLE_MAX                                                                            \
    64 /* URLs whose completion a server may tell of; the oldest is forgotten                      \
        */

/* ---------------------------------------------------------------- URLs that a person was sent to
 */

struct gn_elicited {
    char *ids[COMPLETABLE_MAX]; /* a ring; NULL: completed */
    size_t next;
};

static void remember(gantry_client *c, const char *id)
{
    if (!c->elicited)
        c->elicited = gn_calloc(1, sizeof(*c->elicited));
    struct gn_elicited *e = c->elicited;
    for (size_t i = 0; i < COMPLETABLE_MAX; i++) {
        if (gn_streq(e->ids[i], id))
            return;
    }
    gn_free(e->ids[e->next]);
    e->ids[e->next] = gn_strdup(id);
    e->next = (e->next + 1) % COMPLETABLE_MAX;
}

bool gn_elicit_completed(gantry_client *c, const char *id)
{
    for (size_t i = 0; c->elicited && i < COMPLETABLE_MAX; i++) {
        if (c->elicited->ids[i] && gn_streq(c->elicited->ids[i], id)) {
            gn_free(c->elicited->ids[i]);
            c->elicited->ids[i] = NULL;
            return true;
        }
    }
    return false;
}

void gn_elicit_forget(gantry_client *c)
{
    for (size_t i = 0; c->elicited && i < COMPLETABLE_MAX; i++)
        gn_free(c->elicited->ids[i]);
    gn_free(c->elicited);
    c->elicited = NULL;
}

/* ---------------------------------------------------------------- what is asked */

bool gn_elicit_is_offered(const gantry_client *c)
{
    enum gn_revision revision = gn_asking_revision(c);
    return c->s.handlers.on_elicit && revision >= GN_REV_2025_06_18 &&
           (revision >= GN_REV_2025_11_25 || !c->s.handlers.refuses_forms);
}

/* An http or https URL with a host, without what could hide what it is. */
static bool is_good_url(const char *url)
{
    for (const unsigned char *p = (const unsigned char *)url; *p; p++) {
        if (*p <= 0x20 || *p == 0x7f)
            return false;
    }
    CURLU *parts = curl_url();
    char *scheme = NULL, *host = NULL;
    bool ok = strlen(url) <= URL_MAX && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
              curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              (gn_strcaseeq(scheme, "https") || gn_strcaseeq(scheme, "http")) &&
              curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK && *host;
    curl_free(host);
    curl_free(scheme);
    curl_url_cleanup(parts);
    return ok;
}

static int check_url(const gantry_question *q, struct gn_error *err)
{
    const gantry_client *c = q->client;
    const char *url = gn_json_cstr(gn_json_get(q->params, "url"));
    if (!c->s.handlers.elicits_urls)
        return gn_error_set(err, GN_EINVAL, "mode \"url\" is not among our capabilities");
    if (!url || !is_good_url(url))
        return gn_error_set(err, GN_EINVAL, "url must be an http: or https: URL");
    if (gn_asking_revision(c) == GN_REV_2025_11_25 &&
        !gn_json_cstr(gn_json_get(q->params, "elicitationId")))
        return gn_error_set(err, GN_EINVAL, "elicitationId must be a string");
    return 0;
}

static int check_field(const gantry_json *field, struct gn_error *err)
{
    static const char *const types[] = {"string", "number", "integer", "boolean", "array"};
    size_t len;
    const char *name = gn_json_name(field, &len);
    if (strlen(name) != len)
        return gn_error_set(err, GN_EINVAL, "requestedSchema: a property has a NUL in its name");
    if (gn_json_type(field) != GN_JSON_OBJECT)
        return gn_error_set(err, GN_EINVAL, "requestedSchema: property \"%.80s\" must be an object",
                            name);
    const gantry_json *type = gn_json_get(field, "type");
    bool is_flat = gn_json_type(type) != GN_JSON_STRING; /* by enum, oneOf, anyOf */
    for (size_t i = 0; i < GN_COUNT(types); i++)
        is_flat = is_flat || gn_json_streq(type, types[i]);
    if (!is_flat || gn_json_get(field, "properties"))
        return gn_error_set(err, GN_EINVAL,
                            "requestedSchema: property \"%.80s\" must be a string, a number, a "
                            "boolean or a choice",
                            name);
    return 0;
}

/* The schema, compiled: nothing that it refers to is ever fetched. One that uses what is not
 * supported here is asked all the same, and its answer only looked at as far as it is flat. */
static int compile(gantry_question *q, const gantry_json *schema, struct gn_error *err)
{
    struct gn_schema_options options = {
        .assert_formats = true, .max_bytes = SCHEMA_MAX, .max_subschemas = SUBSCHEMAS_MAX};
    struct gn_error why = {0};
    GN_AUTO_FREE char *text = gantry_read_print(schema);
    int rc = text ? gn_schema_compile(text, strlen(text), &options, &q->schema, &why) : GN_ETOOBIG;
    if (rc == 0 || rc == GN_ENOTSUP)
        return 0;
    return gn_error_set(err, GN_EINVAL, "requestedSchema: %s", why.text);
}

static int check_form(gantry_question *q, struct gn_error *err)
{
    const gantry_json *schema = gn_json_get(q->params, "requestedSchema"), *field = NULL;
    const gantry_json *properties = gn_json_get(schema, "properties");
    if (q->client->s.handlers.refuses_forms)
        return gn_error_set(err, GN_EINVAL, "mode \"form\" is not among our capabilities");
    if (gn_json_type(schema) != GN_JSON_OBJECT ||
        !gn_json_streq(gn_json_get(schema, "type"), "object") ||
        (properties && gn_json_type(properties) != GN_JSON_OBJECT))
        return gn_error_set(err, GN_EINVAL, "requestedSchema must be a schema of an object");
    if (gn_json_count(properties) > FIELDS_MAX)
        return gn_error_set(err, GN_EINVAL, "requestedSchema has more than %d properties",
                            FIELDS_MAX);
    while ((field = gn_json_next(properties, field))) {
        if (check_field(field, err))
            return GN_EINVAL;
    }
    return compile(q, schema, err);
}

int gn_elicit_check(gantry_question *q, struct gn_error *err)
{
    const gantry_json *mode = gn_json_get(q->params, "mode");
    if (!gn_json_cstr(gn_json_get(q->params, "message")))
        return gn_error_set(err, GN_EINVAL, "message must be a string");
    if (gn_asking_revision(q->client) < GN_REV_2025_11_25) /* it has no modes */
        return check_form(q, err);
    q->is_url = gn_json_streq(mode, "url");
    if (q->is_url)
        return check_url(q, err);
    if (mode && !gn_json_streq(mode, "form"))
        return gn_error_set(err, GN_EINVAL, "mode must be \"form\" or \"url\"");
    return check_form(q, err);
}

void gn_elicit_tell(gantry_question *q)
{
    gantry_client *c = q->client;
    gantry_client_elicitation e = {.message = gn_json_cstr(gn_json_get(q->params, "message"))};
    if (q->is_url) {
        e.url = gn_json_cstr(gn_json_get(q->params, "url"));
        if (gn_asking_revision(c) == GN_REV_2025_11_25)
            e.id = gn_json_cstr(gn_json_get(q->params, "elicitationId"));
    } else {
        e.schema = gn_json_get(q->params, "requestedSchema");
    }
    if (e.id)
        remember(c, e.id);
    c->s.handlers.on_elicit(c, q, &e, c->s.arg);
}

/* ---------------------------------------------------------------- what is answered */

static bool is_text_list(const gantry_json *v)
{
    const gantry_json *item = NULL;
    while ((item = gn_json_next(v, item))) {
        if (gn_json_type(item) != GN_JSON_STRING)
            return false;
    }
    return gn_json_type(v) == GN_JSON_ARRAY;
}

/* What an ElicitResult may hold. */
static bool is_plain(const gantry_json *v)
{
    int type = gn_json_type(v);
    return type == GN_JSON_STRING || type == GN_JSON_NUMBER || type == GN_JSON_TRUE ||
           type == GN_JSON_FALSE || is_text_list(v);
}

/* A default counts only if it is what the property says; servers in the field write null there. */
static bool is_default(const gantry_json *field, const gantry_json *v)
{
    const char *type = gn_json_cstr(gn_json_get(field, "type"));
    bool is_number = gn_json_type(v) == GN_JSON_NUMBER;
    if (!is_plain(v) || !type)
        return is_plain(v);
    if (gn_streq(type, "string"))
        return gn_json_type(v) == GN_JSON_STRING;
    if (gn_streq(type, "integer"))
        return is_number && gn_json_is_whole(v);
    if (gn_streq(type, "number"))
        return is_number;
    if (gn_streq(type, "array"))
        return gn_json_type(v) == GN_JSON_ARRAY;
    return gn_json_type(v) == GN_JSON_TRUE || gn_json_type(v) == GN_JSON_FALSE;
}

/* What was given, without what was left blank (null). Of equal names the last counts. */
static void write_given(struct gn_jw *w, const gantry_json *content, struct gn_problems *problems)
{
    const gantry_json *v = NULL;
    while ((v = gn_json_next(content, v))) {
        size_t len;
        const char *name = gn_json_name(v, &len);
        if (gn_json_type(v) == GN_JSON_NULL || gn_json_getn(content, name, len) != v)
            continue;
        if (strlen(name) != len)
            gn_problems_add(problems, "", "a field has a NUL in its name");
        else if (!is_plain(v))
            gn_problems_add(problems, "",
                            "\"%.80s\" must be a string, a number, a boolean or a list of strings",
                            name);
        else
            gn_jw_json(w, name, v);
    }
}

static void write_defaults(struct gn_jw *w, const gantry_json *schema, const gantry_json *content)
{
    const gantry_json *properties = gn_json_get(schema, "properties"), *field = NULL;
    while ((field = gn_json_next(properties, field))) {
        const char *name = gn_json_name(field, NULL);
        const gantry_json *value = gn_json_get(field, "default");
        const gantry_json *given = gn_json_get(content, name);
        if ((!given || gn_json_type(given) == GN_JSON_NULL) && is_default(field, value) &&
            gn_json_get(properties, name) == field)
            gn_jw_json(w, name, value);
    }
}

static void validate(const gantry_question *q, const struct gn_buf *content,
                     struct gn_problems *problems)
{
    struct gn_json_doc doc = {0};
    struct gn_error err = {0};
    if (gn_json_parse_copy(&doc, gn_buf_str(content), content->len, NULL, &err))
        gn_problems_add(problems, "", "%s", err.text);
    else if (q->schema)
        gn_schema_validate(q->schema, gn_json_root(&doc), 0, problems);
    gn_json_release(&doc);
}

/* The content as it is sent; problems if it does not fit. */
static void write_content(const gantry_question *q, const gantry_json *content, struct gn_buf *out,
                          struct gn_problems *problems)
{
    struct gn_jw w;
    gn_jw_init(&w, out);
    gn_jw_object(&w, NULL);
    write_given(&w, content, problems);
    write_defaults(&w, gn_json_get(q->params, "requestedSchema"), content);
    gn_jw_end(&w);
    if (!problems->count)
        validate(q, out, problems);
}

static int accept_form(const gantry_question *q, const gantry_json *content, struct gn_buf *out,
                       struct gn_error *err)
{
    struct gn_buf text = GN_BUF_INIT(SIZE_MAX / 2);
    struct gn_problems problems;
    gn_problems_init(&problems);
    write_content(q, content, &text, &problems);
    int rc = problems.count ? gn_error_set(err, GN_EINVAL, "%s", gn_buf_str(&problems.text)) : 0;
    if (rc == 0) {
        gn_buf_adds(out, "{\"action\":\"accept\",\"content\":");
        gn_buf_add(out, text.data, text.len);
        gn_buf_addc(out, '}');
    }
    gn_problems_release(&problems);
    gn_buf_release(&text);
    return rc;
}

int gn_elicit_accept(gantry_question *q, const char *content, struct gn_buf *out,
                     struct gn_error *err)
{
    struct gn_json_doc doc = {0};
    if (q->is_url) {
        if (content)
            return gn_error_set(err, GN_EINVAL, "a question with a URL takes no content");
        return gn_buf_adds(out, "{\"action\":\"accept\"}");
    }
    if (gn_json_parse_copy(&doc, content ? content : "{}", content ? strlen(content) : 2, NULL,
                           err))
        return GN_EINVAL;
    int rc = gn_json_type(gn_json_root(&doc)) == GN_JSON_OBJECT
                 ? accept_form(q, gn_json_root(&doc), out, err)
                 : gn_error_set(err, GN_EINVAL, "the content must be a JSON object");
    gn_json_release(&doc);
    return rc;
}
