/* form_read.c - from what a client answers to what the author gets.
 *
 * The client was sent a schema that says nothing of other members, so what it adds is not wrong: it
 * is left out before the rest is checked.
 */
#include "plugin/form_internal.h"

#include <string.h>

#define CONTENT_MAX ((size_t)4 * 1024 * 1024)

/* The booleans of a client that has no choice of several, as the values that are true. */
static int gather(const struct gn_form_field *f, const gantry_json *content, struct gn_jw *w,
                  struct gn_error *err)
{
    const gantry_json *choice = NULL;
    char name[GN_FORM_NAME_MAX];
    bool is_open = false;
    while ((choice = gn_json_next(f->values, choice)) != NULL) {
        bool is_true = false;
        gn_form_name(name, f, choice);
        const gantry_json *v = gn_json_get(content, name);
        if (!v || v->type == GN_JSON_NULL)
            continue;
        if (!gn_json_bool(v, &is_true))
            return gn_error_set(err, GN_EINVAL, "/%s: expected boolean, got %s", name,
                                gn_json_type_name(v));
        if (!is_open)
            gn_jw_array(w, f->name);
        is_open = true;
        if (is_true)
            gn_jw_str(w, NULL, gn_form_value(choice));
    }
    if (is_open)
        gn_jw_end(w);
    else if (f->is_required && !f->fallback) { /* a form of boxes, none of them ticked */
        gn_jw_array(w, f->name);
        gn_jw_end(w);
    }
    return 0;
}

/* The content with what the form has, and no more; of a schema, with defaults too. */
static const gantry_json *pick(const struct gn_form *form, enum gn_revision revision,
                               const gantry_json *content, struct gn_arena *arena,
                               struct gn_error *err)
{
    struct gn_buf text = GN_BUF_INIT(CONTENT_MAX);
    const gantry_json *picked = NULL;
    struct gn_jw w;
    int rc = 0;
    gn_jw_init(&w, &text);
    gn_jw_object(&w, NULL);
    for (size_t i = 0; i < form->count && !rc; i++) {
        const struct gn_form_field *f = &form->v[i];
        const gantry_json *v = gn_json_get(content, f->name);
        size_t before = text.len;
        if (v)
            gn_jw_json(&w, f->name, v);
        else if (f->kind == GN_FORM_CHOICES && gn_form_is_old(revision))
            rc = gather(f, content, &w, err);
        if (form->schema && f->fallback && text.len == before)
            gn_jw_json(&w, f->name, f->fallback);
    }
    if (!rc) {
        gn_jw_end(&w);
        picked = text.overflow ? NULL
                               : gn_json_parse_arena(arena, gn_buf_str(&text), text.len, err);
        if (!picked)
            gn_error_set(err, GN_ETOOBIG, "the answer is too large");
    }
    gn_buf_release(&text);
    return picked;
}

static int check_schema(const struct gn_form *form, const gantry_json **value, uint32_t flags,
                        struct gn_arena *arena, struct gn_problems *problems)
{
    int rc = gn_schema_validate(form->schema, *value, 0, NULL);
    if (rc != GN_EINVAL)
        return rc;
    const gantry_json *coerced = flags ? gn_schema_coerce(form->schema, *value, flags, arena, NULL)
                                       : *value;
    if (!coerced)
        return GN_ETOOBIG;
    *value = coerced;
    return gn_schema_validate(form->schema, coerced, 0, problems);
}

/* The lines of problems as one. */
static int tell(struct gn_error *err, int rc, const struct gn_problems *problems)
{
    struct gn_buf text = GN_BUF_INIT(GN_ERROR_MAX);
    const char *p = gn_buf_str(&problems->text);
    while (*p) {
        size_t len = strcspn(p, "\n");
        if (text.len)
            gn_buf_adds(&text, "; ");
        gn_buf_add(&text, p, len);
        p += len + (p[len] == '\n');
    }
    gn_error_set(err, rc, "%s", text.len ? gn_buf_str(&text) : "it is too large to be checked");
    gn_buf_release(&text);
    return rc;
}

int gn_form_read(const struct gn_form *form, enum gn_revision revision, const gantry_json *content,
                 uint32_t flags, struct gn_arena *arena, const void **ret, struct gn_error *err)
{
    struct gn_problems problems;
    void *out = NULL;
    int rc;
    *ret = NULL;
    if (!form->fields && !form->schema)
        return 0;
    if (content && content->type != GN_JSON_OBJECT)
        return gn_error_set(err, GN_EINVAL, "content: expected object, got %s",
                            gn_json_type_name(content));
    struct gn_error why = {0};
    const gantry_json *value = pick(form, revision, content, arena, &why);
    if (!value)
        return gn_error_set(err, why.code, "%s", why.text);
    gn_problems_init(&problems);
    if (form->fields) {
        out = gn_arena_alloc(arena, GN_MAX(form->fields->struct_size, 1u));
        rc = out ? gn_fields_bind(form->fields, value, flags, arena, out, &problems) : GN_ETOOBIG;
        *ret = out;
    } else {
        rc = check_schema(form, &value, flags, arena, &problems);
        *ret = value;
    }
    if (rc)
        tell(err, rc, &problems);
    gn_problems_release(&problems);
    return rc;
}

void gn_form_give(const struct gn_form *form, const void *value, void *answer)
{
    if (!value || !answer)
        return;
    if (form->fields)
        memcpy(answer, value, form->fields->struct_size);
    else
        memcpy(answer, &value, sizeof value);
}
