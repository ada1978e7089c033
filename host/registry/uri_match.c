/* uri_match.c - does a URI match a template, and what are its variables?
 *
 * All is compared in the normalised form, in which one character is written in one way only. Its
 * units are bytes and %HH; a variable never begins or ends inside a unit. From the end of the
 * template to its start, one bit for each position tells whether the rest of the template matches
 * the rest of the URI from there; then one walk forward gives each variable as much as it can have.
 * So there is no backtracking, and the cost is that of the table: variables times length.
 */
#include "registry/uri_template.h"

#include "registry/uri_parts.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

struct span {
    const char *s;
    size_t len;
};

static bool get_bit(const uint8_t *bits, size_t at)
{
    return (bits[at >> 3] >> (at & 7) & 1) != 0;
}

static void set_bit(uint8_t *bits, size_t at)
{
    bits[at >> 3] = (uint8_t)(bits[at >> 3] | 1u << (at & 7));
}

static bool starts_with(const char *s, size_t len, const struct span *literal)
{
    return literal->len <= len && memcmp(s, literal->s, literal->len) == 0;
}

/* True if `at` is where a unit begins: not the H of a %HH. */
static bool unit_begins(const char *s, size_t at)
{
    return !(at >= 1 && s[at - 1] == '%') && !(at >= 2 && s[at - 2] == '%');
}

/* Marks in `here` where the literal matches and the variable behind it can reach a mark in `next`.
 */
static void mark(const char *s, size_t len, const struct span *literal, bool star,
                 const uint8_t *next, uint8_t *here)
{
    bool reach = false; /* a mark in next lies beyond q, with nothing between that stops */
    for (size_t q = len; q-- > 0;) {
        if (get_bit(next, q + 1))
            reach = true;
        if (!star && s[q] == '/')
            reach = false;
        if (reach && q >= literal->len &&
            memcmp(s + q - literal->len, literal->s, literal->len) == 0 &&
            unit_begins(s, q - literal->len))
            set_bit(here, q - literal->len);
    }
}

/* Splits s into variables. literals has one more entry than stars: what stands around them. */
static bool split(const char *s, size_t len, const struct span *literals, const bool *stars,
                  size_t count, struct span *ret)
{
    const struct span *last = &literals[count];
    if (!starts_with(s, len, &literals[0]) || last->len > len)
        return false;
    if (count == 0)
        return len == last->len;
    size_t row = len / 8 + 1;
    /* Row i: where the literal before variable i, and all behind it, match. */
    uint8_t *table = gn_calloc(count + 1, row);
    if (memcmp(s + len - last->len, last->s, last->len) == 0 && unit_begins(s, len - last->len))
        set_bit(table + count * row, len - last->len);
    for (size_t i = count; i-- > 0;)
        mark(s, len, &literals[i], stars[i], table + (i + 1) * row, table + i * row);
    bool found = get_bit(table, 0);
    size_t at = 0;
    for (size_t i = 0; found && i < count; i++) {
        at += literals[i].len;
        const char *slash = stars[i] ? NULL : memchr(s + at, '/', len - at);
        size_t end = slash ? (size_t)(slash - s) : len;
        while (end > at && !get_bit(table + (i + 1) * row, end))
            end--;
        found = end > at;
        ret[i] = (struct span){s + at, end - at};
        at = end;
    }
    gn_free(table);
    return found;
}

/* No variable carries what would mean something else once it is decoded. */
static bool harmless(const struct span *v)
{
    size_t start = 0;
    for (size_t i = 0; i <= v->len; i++) {
        if (i < v->len && v->s[i] == '%' &&
            (memcmp(v->s + i, "%2F", 3) == 0 || memcmp(v->s + i, "%00", 3) == 0))
            return false;
        if (i < v->len && v->s[i] != '/')
            continue;
        size_t n = i - start;
        if ((n == 1 || n == 2) && memcmp(v->s + start, "..", n) == 0)
            return false;
        start = i + 1;
    }
    return true;
}

/* Decodes; false if it is not UTF-8 then. */
static bool decode(struct gn_buf *out, const char *s, size_t len, bool plus_is_space)
{
    gn_buf_clear(out);
    for (size_t i = 0; i < len; i++) {
        int byte = s[i] == '%' ? gn_uri_escape(s + i) : -1;
        if (byte >= 0)
            i += 2;
        gn_buf_addc(out, byte >= 0 ? (char)byte : plus_is_space && s[i] == '+' ? ' ' : s[i]);
    }
    return !out->overflow && gn_utf8_valid(gn_buf_str(out), out->len);
}

/* Looks for name=value in the query; the first that is not empty counts. */
static bool find_parameter(const char *query, const char *name, struct gn_buf *scratch,
                           struct span *ret)
{
    for (const char *p = query; *p != '\0';) {
        size_t len = strcspn(p, "&");
        const char *sign = memchr(p, '=', len);
        size_t name_len = sign ? (size_t)(sign - p) : len;
        if (sign && name_len + 1 < len && decode(scratch, p, name_len, true) &&
            scratch->len == strlen(name) && memcmp(gn_buf_str(scratch), name, scratch->len) == 0) {
            *ret = (struct span){sign + 1, len - name_len - 1};
            return true;
        }
        p += len + (p[len] == '&' ? 1 : 0);
    }
    return false;
}

/* Writes the variables of the path, then those of the query. */
static bool write_vars(const struct gn_uri_template *t, const struct span *values, size_t count,
                       const char *query, struct gn_jw *w)
{
    struct gn_buf text = GN_BUF_INIT(3 * GN_URI_MAX);
    bool fine = true;
    gn_jw_object(w, NULL);
    for (size_t i = 0; fine && i < count; i++) {
        fine = harmless(&values[i]) && decode(&text, values[i].s, values[i].len, false);
        if (fine)
            gn_jw_strn(w, t->vars[i].name, gn_buf_str(&text), text.len);
    }
    for (size_t i = count; fine && i < t->var_count; i++) {
        struct span value;
        if (!find_parameter(query, t->vars[i].name, &text, &value))
            continue;
        fine = decode(&text, value.s, value.len, true);
        if (fine)
            gn_jw_strn(w, t->vars[i].name, gn_buf_str(&text), text.len);
    }
    gn_jw_end(w);
    gn_buf_release(&text);
    return fine;
}

/* Most templates are told apart by their first letters, without any work. */
static bool may_match(const struct gn_uri_template *t, const char *uri)
{
    const char *literal = t->part_count > 0 && t->parts[0].normal ? t->parts[0].normal : "";
    for (size_t i = 0; literal[i] != '\0' && literal[i] != '%'; i++) {
        if (uri[i] == '%')
            return true;
        if (uri[i] != literal[i])
            return false;
    }
    return true;
}

/* The literals around the path's variables; returns how many variables there are. */
static size_t collect(const struct gn_uri_template *t, struct span *literals, bool *stars)
{
    size_t count = 0;
    literals[0] = (struct span){"", 0};
    for (size_t i = 0; i < t->part_count && t->parts[i].op != '?'; i++) {
        const struct gn_uri_part *part = &t->parts[i];
        if (part->literal) {
            literals[count] = (struct span){part->normal, strlen(part->normal)};
        } else {
            stars[count++] = t->vars[part->first].explode;
            literals[count] = (struct span){"", 0};
        }
    }
    return count;
}

bool gn_uri_template_match(const struct gn_uri_template *t, const char *uri, struct gn_arena *arena,
                           const gantry_json **ret_vars)
{
    *ret_vars = NULL;
    if (!may_match(t, uri) || strnlen(uri, GN_URI_MAX + 1) > GN_URI_MAX || strchr(uri, '#'))
        return false;
    struct gn_buf normal = GN_BUF_INIT(3 * GN_URI_MAX);
    struct span *literals = gn_calloc(t->var_count + 1, sizeof(*literals));
    struct span *values = gn_calloc(t->var_count + 1, sizeof(*values));
    bool *stars = gn_calloc(t->var_count + 1, sizeof(*stars));
    bool matches = gn_uri_normalize(uri, &normal) == 0;
    if (matches) {
        const char *s = gn_buf_str(&normal);
        size_t path_len = strcspn(s, "?"), count = collect(t, literals, stars);
        matches = split(s, path_len, literals, stars, count, values);
        if (matches) {
            /* Each byte may become an escape of six. */
            struct gn_buf json = GN_BUF_INIT(6 * GN_URI_MAX * 2 + strlen(t->text) * 8 + 64);
            struct gn_jw w;
            gn_jw_init(&w, &json);
            const char *query = s[path_len] == '?' ? s + path_len + 1 : "";
            matches = write_vars(t, values, count, query, &w) && !json.overflow;
            if (matches)
                *ret_vars = gn_json_parse_arena(arena, gn_buf_str(&json), json.len, NULL);
            matches = *ret_vars != NULL;
            gn_buf_release(&json);
        }
    }
    gn_free(stars);
    gn_free(values);
    gn_free(literals);
    gn_buf_release(&normal);
    return matches;
}

int gn_uri_normalize(const char *uri, struct gn_buf *out)
{
    for (; *uri != '\0'; uri++) {
        int byte = *uri == '%' ? gn_uri_escape(uri) : (unsigned char)*uri;
        if (byte < 0)
            return GN_EINVAL;
        bool escaped = *uri == '%';
        if (escaped)
            uri += 2;
        char c = (char)byte;
        if (gn_uri_is_unreserved(c) || (!escaped && gn_uri_is_reserved(c)))
            gn_buf_addc(out, c);
        else
            gn_uri_add_escaped(out, c);
    }
    return out->overflow ? GN_ETOOBIG : 0;
}
