/* uri_expand.c - expansion of URI templates, RFC 6570 section 3.2 (level 4). */
#include "registry/uri_template.h"

#include "registry/uri_parts.h"

#include <string.h>

/* RFC 6570, appendix A. */
struct rule {
    const char *first, *separator, *if_empty;
    char op;
    bool named;
    bool reserved; /* reserved characters and escapes pass as they are */
};

struct expansion {
    const struct rule *how;
    struct gn_buf *out;
    bool started; /* this expression has put something out */
};

static const struct rule *find_rule(char op)
{
    static const struct rule rules[] = {
        {"", ",", "", ' ', false, false},  {"", ",", "", '+', false, true},
        {".", ".", "", '.', false, false}, {"/", "/", "", '/', false, false},
        {";", ";", "", ';', true, false},  {"?", "&", "=", '?', true, false},
        {"&", "&", "=", '&', true, false}, {"#", ",", "", '#', false, true},
    };
    const struct rule *r = rules;
    while (r->op != op)
        r++;
    return r;
}

static void add_encoded(struct gn_buf *out, const char *s, size_t len, bool reserved)
{
    for (size_t i = 0; i < len; i++) {
        bool escape = reserved && i + 2 < len && gn_uri_escape(s + i) >= 0;
        if (gn_uri_is_unreserved(s[i]) || (reserved && gn_uri_is_reserved(s[i])) || escape)
            gn_buf_addc(out, s[i]);
        else
            gn_uri_add_escaped(out, s[i]);
    }
}

/* The characters of a string, number or boolean; NULL for anything else. */
static const char *scalar(const gantry_json *v, size_t *ret_len)
{
    bool truth;
    if (gn_json_bool(v, &truth)) {
        *ret_len = truth ? 4 : 5;
        return truth ? "true" : "false";
    }
    if (gn_json_type(v) != GN_JSON_STRING && gn_json_type(v) != GN_JSON_NUMBER)
        return NULL;
    *ret_len = v->len;
    return v->text;
}

/* Bytes of the first `chars` code points. */
static size_t cut(const char *s, size_t len, size_t chars)
{
    size_t at = 0;
    for (; at < len; at++) {
        if (((unsigned char)s[at] & 0xC0) != 0x80 && chars-- == 0)
            break;
    }
    return at;
}

static void separate(struct expansion *x)
{
    gn_buf_adds(x->out, x->started ? x->how->separator : x->how->first);
    x->started = true;
}

/* name, or name=value, or name with what stands for an empty value. */
static void add_pair(struct expansion *x, const char *name, size_t name_len, const char *value,
                     size_t len, bool encode_name)
{
    if (encode_name)
        add_encoded(x->out, name, name_len, x->how->reserved);
    else
        gn_buf_add(x->out, name, name_len);
    gn_buf_adds(x->out, len > 0 ? "=" : x->how->if_empty);
    add_encoded(x->out, value, len, x->how->reserved);
}

static int expand_scalar(struct expansion *x, const struct gn_uri_var *var, const char *s,
                         size_t len)
{
    if (var->prefix > 0)
        len = cut(s, len, var->prefix);
    separate(x);
    if (x->how->named)
        add_pair(x, var->name, strlen(var->name), s, len, false);
    else
        add_encoded(x->out, s, len, x->how->reserved);
    return 0;
}

/* {list}, {keys}: one value, its parts joined by commas. */
static int expand_joined(struct expansion *x, const struct gn_uri_var *var, const gantry_json *v)
{
    bool object = gn_json_type(v) == GN_JSON_OBJECT, more = false;
    separate(x);
    if (x->how->named)
        gn_buf_addf(x->out, "%s=", var->name);
    for (const gantry_json *e = NULL; (e = gn_json_next(v, e)) != NULL; more = true) {
        size_t len = 0, name_len = 0;
        const char *s = scalar(e, &len);
        if (!s)
            return GN_EINVAL;
        if (more)
            gn_buf_addc(x->out, ',');
        if (object) {
            const char *name = gn_json_name(e, &name_len);
            add_encoded(x->out, name, name_len, x->how->reserved);
            gn_buf_addc(x->out, ',');
        }
        add_encoded(x->out, s, len, x->how->reserved);
    }
    return 0;
}

/* {list*}, {keys*}: each part a value of its own. */
static int expand_exploded(struct expansion *x, const struct gn_uri_var *var, const gantry_json *v)
{
    bool object = gn_json_type(v) == GN_JSON_OBJECT;
    for (const gantry_json *e = NULL; (e = gn_json_next(v, e)) != NULL;) {
        size_t len = 0, name_len = 0;
        const char *s = scalar(e, &len);
        if (!s)
            return GN_EINVAL;
        separate(x);
        if (object) {
            const char *name = gn_json_name(e, &name_len);
            if (x->how->named) {
                add_pair(x, name, name_len, s, len, true);
                continue;
            }
            add_encoded(x->out, name, name_len, x->how->reserved);
            gn_buf_addc(x->out, '=');
        } else if (x->how->named) {
            add_pair(x, var->name, strlen(var->name), s, len, false);
            continue;
        }
        add_encoded(x->out, s, len, x->how->reserved);
    }
    return 0;
}

static int expand_var(struct expansion *x, const struct gn_uri_var *var, const gantry_json *v)
{
    size_t len = 0;
    const char *s = scalar(v, &len);
    int type = gn_json_type(v);
    if (s)
        return expand_scalar(x, var, s, len);
    /* Missing, null and empty are all "undefined": nothing is put out. */
    if ((type != GN_JSON_ARRAY && type != GN_JSON_OBJECT) || gn_json_count(v) == 0)
        return 0;
    if (var->prefix > 0)
        return GN_EINVAL;
    return var->explode ? expand_exploded(x, var, v) : expand_joined(x, var, v);
}

int gn_uri_template_expand(const struct gn_uri_template *t, const gantry_json *vars,
                           struct gn_buf *out)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < t->part_count; i++) {
        const struct gn_uri_part *part = &t->parts[i];
        if (part->literal) {
            gn_buf_adds(out, part->literal);
            continue;
        }
        struct expansion x = {find_rule(part->op), out, false};
        for (size_t k = 0; !rc && k < part->count; k++) {
            const struct gn_uri_var *var = &t->vars[part->first + k];
            rc = expand_var(&x, var, gn_json_get(vars, var->name));
        }
    }
    return rc ? rc : out->overflow ? GN_ETOOBIG : 0;
}
