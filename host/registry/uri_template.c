/* uri_template.c - URI templates: taken apart, and put to use by uri_match.c and uri_expand.c. */
#include "registry/uri_template.h"

#include "registry/uri_parts.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define VARS_MAX 64

struct parser {
    struct gn_uri_template *t;
    const char *at; /* in t->text */
    struct gn_error *err;
};

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool gn_uri_is_unreserved(char c)
{
    return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

bool gn_uri_is_reserved(char c)
{
    return c != '\0' && strchr(":/?#[]@!$&'()*+,;=", c) != NULL;
}

int gn_uri_escape(const char *s)
{
    if (s[0] != '%')
        return -1;
    int high = hex(s[1]);
    int low = high < 0 ? -1 : hex(s[2]);
    return low < 0 ? -1 : high * 16 + low;
}

int gn_uri_add_escaped(struct gn_buf *out, char c)
{
    static const char digits[] = "0123456789ABCDEF";
    unsigned char u = (unsigned char)c;
    char text[3] = {'%', digits[u >> 4], digits[u & 15]};
    return gn_buf_add(out, text, sizeof(text));
}

static GN_PRINTF(2, 3) int refuse(struct parser *p, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *why = gn_vformat(fmt, ap);
    va_end(ap);
    gn_error_set(p->err, GN_EINVAL, "%s", why);
    gn_free(why);
    return GN_EINVAL;
}

static struct gn_uri_part *add_part(struct gn_uri_template *t)
{
    t->parts = gn_reallocarray(t->parts, t->part_count + 1, sizeof(*t->parts));
    struct gn_uri_part *part = &t->parts[t->part_count++];
    memset(part, 0, sizeof(*part));
    part->first = t->var_count;
    return part;
}

/* Text up to the next brace, with what a URI cannot hold percent-encoded. */
static int parse_literal(struct parser *p)
{
    struct gn_buf literal = GN_BUF_INIT(3 * GN_URI_MAX), normal = GN_BUF_INIT(3 * GN_URI_MAX);
    const char *why = NULL;
    for (; !why && *p->at != '\0' && *p->at != '{'; p->at++) {
        unsigned char c = (unsigned char)*p->at;
        if (c == '}')
            why = "a \"}\" closes nothing";
        else if (c < 0x20 || c == 0x7F)
            why = "it contains a control character";
        else if (c == '%' && gn_uri_escape(p->at) < 0)
            why = "a \"%\" must be followed by two hexadecimal digits";
        else if (c == '%' || gn_uri_is_unreserved(*p->at) || gn_uri_is_reserved(*p->at))
            gn_buf_addc(&literal, *p->at);
        else
            gn_uri_add_escaped(&literal, *p->at);
    }
    int rc = why ? refuse(p, "%s", why) : gn_uri_normalize(gn_buf_str(&literal), &normal);
    if (!rc) {
        struct gn_uri_part *part = add_part(p->t);
        part->literal = gn_buf_take(&literal, NULL);
        part->normal = gn_buf_take(&normal, NULL);
    }
    gn_buf_release(&literal);
    gn_buf_release(&normal);
    return rc;
}

/* varname = varchar *( ["."] varchar ); p->at is left behind it. */
static int parse_name(struct parser *p, size_t *ret_len)
{
    const char *start = p->at;
    bool dot_allowed = false;
    for (;; p->at++) {
        if (*p->at == '.' && dot_allowed) {
            dot_allowed = false;
        } else if (is_alnum(*p->at) || *p->at == '_') {
            dot_allowed = true;
        } else if (gn_uri_escape(p->at) >= 0) {
            dot_allowed = true;
            p->at += 2;
        } else {
            break;
        }
    }
    *ret_len = (size_t)(p->at - start);
    if (*ret_len == 0 || p->at[-1] == '.' || !strchr(",:*}", *p->at))
        return refuse(p, "\"%.40s\" does not begin with the name of a variable", start);
    return 0;
}

/* One variable with its modifier. */
static int parse_var(struct parser *p)
{
    struct gn_uri_template *t = p->t;
    struct gn_uri_var var = {NULL, 0, false};
    size_t offset = (size_t)(p->at - t->text), len = 0;
    int rc = parse_name(p, &len);
    if (rc)
        return rc;
    if (t->var_count >= VARS_MAX)
        return refuse(p, "it has more than %d variables", VARS_MAX);
    if (*p->at == '*') {
        var.explode = true;
        p->at++;
    } else if (*p->at == ':') {
        size_t digits = strspn(++p->at, "0123456789");
        if (digits == 0 || digits > 4 || *p->at == '0')
            return refuse(p, "a length after \":\" is a number from 1 to 9999");
        for (size_t i = 0; i < digits; i++)
            var.prefix = var.prefix * 10 + (uint32_t)(*p->at++ - '0');
    }
    /* The character behind the name has been read: it may become the name's NUL. */
    t->names[offset + len] = '\0';
    var.name = t->names + offset;
    t->vars = gn_reallocarray(t->vars, t->var_count + 1, sizeof(*t->vars));
    t->vars[t->var_count++] = var;
    return 0;
}

static int parse_expression(struct parser *p)
{
    struct gn_uri_part *part = add_part(p->t);
    p->at++;
    part->op = ' ';
    if (*p->at != '\0' && strchr("+#./;?&", *p->at))
        part->op = *p->at++;
    else if (*p->at != '\0' && strchr("=,!@|", *p->at))
        return refuse(p, "\"{%c\" is not an operator", *p->at);
    for (;;) {
        int rc = parse_var(p);
        if (rc)
            return rc;
        part->count++;
        if (*p->at == '}')
            break;
        if (*p->at != ',')
            return refuse(p, *p->at == '\0' ? "a \"{\" is not closed"
                                            : "variables are separated by \",\"");
        p->at++;
    }
    p->at++;
    return 0;
}

/* Can it be matched, and so that the answer is never a guess? */
static int check_matching(struct parser *p)
{
    struct gn_uri_template *t = p->t;
    for (size_t i = 0; i < t->part_count; i++) {
        const struct gn_uri_part *part = &t->parts[i];
        const struct gn_uri_part *next = i + 1 < t->part_count ? part + 1 : NULL;
        if (part->literal) {
            if (strpbrk(part->literal, "?#"))
                return refuse(p, "write a query as {?name}; a \"#\" is never part of a request");
            continue;
        }
        for (size_t k = 0; k < part->count; k++) {
            const struct gn_uri_var *var = &t->vars[part->first + k];
            if (var->prefix > 0 || (var->explode && part->op == '?'))
                return refuse(p, "{%.*s%s%s} can be expanded but not matched",
                              part->op == ' ' ? 0 : 1, &part->op, var->name,
                              var->prefix > 0 ? ":n" : "*");
        }
        if (part->op == '?') {
            if (next)
                return refuse(p, "{?%s} must stand at the end", t->vars[part->first].name);
        } else if (part->op != ' ' || part->count > 1) {
            return refuse(p,
                          "{%.*s%s%s} can be expanded but not matched: use {name}, {name*} or "
                          "{?name}",
                          part->op == ' ' ? 0 : 1, &part->op, t->vars[part->first].name,
                          part->count > 1 ? ",..." : "");
        } else if (next && !next->literal && next->op != '?') {
            return refuse(p, "{%s} and {%s} stand side by side and cannot be told apart",
                          t->vars[part->first].name, t->vars[next->first].name);
        }
    }
    for (size_t i = 0; i < t->var_count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (gn_streq(t->vars[i].name, t->vars[k].name))
                return refuse(p, "the variable \"%s\" is there twice", t->vars[i].name);
        }
    }
    return 0;
}

/* Lists the names, each once, and counts what gn_uri_template_compare looks at. */
static void summarize(struct gn_uri_template *t)
{
    t->shown = gn_calloc(t->var_count + 1, sizeof(*t->shown));
    t->shown_query = gn_calloc(t->var_count + 1, sizeof(*t->shown_query));
    size_t n = 0;
    for (size_t i = 0; i < t->part_count; i++) {
        const struct gn_uri_part *part = &t->parts[i];
        for (const char *c = part->normal; c && *c != '\0'; c += *c == '%' ? 3 : 1)
            t->literal_chars++;
        for (size_t k = part->first; k < part->first + part->count; k++) {
            size_t seen = 0;
            while (seen < n && !gn_streq(t->shown[seen], t->vars[k].name))
                seen++;
            t->stars += t->vars[k].explode ? 1 : 0;
            if (seen < n)
                continue;
            t->shown[n] = t->vars[k].name;
            t->shown_query[n++] = part->op == '?' || part->op == '&';
        }
    }
}

int gn_uri_template_parse(const char *text, bool for_matching, struct gn_uri_template **ret,
                          struct gn_error *err)
{
    *ret = NULL;
    if (strlen(text) > GN_URI_MAX)
        return gn_error_set(err, GN_ETOOBIG, "a URI template is longer than %zu bytes", GN_URI_MAX);
    struct gn_uri_template *t = gn_calloc(1, sizeof(*t));
    t->text = gn_strdup(text);
    t->names = gn_strdup(text);
    struct parser p = {t, t->text, err};
    int rc = 0;
    if (!gn_utf8_valid(text, strlen(text)))
        rc = gn_error_set(err, GN_EINVAL, "a URI template is not UTF-8");
    while (!rc && *p.at != '\0')
        rc = *p.at == '{' ? parse_expression(&p) : parse_literal(&p);
    if (!rc && for_matching)
        rc = check_matching(&p);
    if (rc) {
        gn_uri_template_free(t);
        return rc;
    }
    summarize(t);
    *ret = t;
    return 0;
}

void gn_uri_template_free(struct gn_uri_template *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->part_count; i++) {
        gn_free(t->parts[i].literal);
        gn_free(t->parts[i].normal);
    }
    gn_free(t->parts);
    gn_free(t->vars);
    gn_free(t->shown);
    gn_free(t->shown_query);
    gn_free(t->names);
    gn_free(t->text);
    gn_free(t);
}

const char *gn_uri_template_text(const struct gn_uri_template *t)
{
    return t->text;
}

const char *const *gn_uri_template_vars(const struct gn_uri_template *t)
{
    return t->shown;
}

bool gn_uri_template_var_is_query(const struct gn_uri_template *t, size_t index)
{
    return index < t->var_count && t->shown_query[index];
}

int gn_uri_template_compare(const struct gn_uri_template *a, const struct gn_uri_template *b)
{
    if (a->literal_chars != b->literal_chars)
        return a->literal_chars > b->literal_chars ? -1 : 1;
    if (a->stars != b->stars)
        return a->stars < b->stars ? -1 : 1;
    if (a->var_count != b->var_count)
        return a->var_count < b->var_count ? -1 : 1;
    return strcmp(a->text, b->text);
}
